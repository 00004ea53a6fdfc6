/* Checkpoints in files, and the key to check them with: for verifying a log that no service has. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/file.h"
#include "proto/base/harmless.h"
#include "service/offline/commands.h"
#include "storage/backends/backends.h"
#include "storage/log/backend.h"
#include "service/seal/durable.h"
#include "service/seal/key.h"

enum { KEY_BYTES_MAX = 1024 };

static int say_no_memory(void)
{
	fputs("leadfitd: out of memory\n", stderr);
	return 3;
}

/* Whether the log is a file, so that there can be something beside it. */
static bool is_file(const struct lf_seals *seals)
{
	const char *location;
	const struct lf_backend *backend = lf_backend_by_url(seals->beside, &location, NULL);

	return backend == NULL || backend->files != NULL;
}

/* What goes with the database, found as the service finds it. On the heap; NULL: said why. */
static char *beside(const struct lf_seals *seals, const char *ending)
{
	struct lf_error error = LF_ERROR_INIT;
	char *path = lf_file_beside(seals->beside, ending, &error);

	if (path == NULL)
		fprintf(stderr, "leadfitd: %s\n", error.message);
	lf_error_clean_up(&error);
	return path;
}

/* ---- the key ---- */

static bool parse_key(const char *text, struct lf_verifier *verifier)
{
	struct lf_signer signer;
	bool good = lf_verifier_parse(text, verifier);

	if (!good && lf_signer_parse(text, &signer)) {
		lf_signer_verifier(&signer, verifier);
		lf_key_clear(&signer);
		good = true;
	}
	return good;
}

/* 0, an errno, or -1 where the file has no key. */
static int read_key(const char *path, struct lf_verifier *verifier)
{
	char text[KEY_BYTES_MAX + 1];
	size_t length = 0;
	const int failed = lf_durable_get(path, text, KEY_BYTES_MAX, &length, NULL);
	bool good;

	if (failed != 0)
		return failed;
	text[length] = '\0';
	good = parse_key(text, verifier);
	explicit_bzero(text, sizeof(text));
	return good ? 0 : -1;
}

/* 0, or the exit status. *found false: there is none beside the database. */
static int find_key(const struct lf_seals *seals, struct lf_verifier *verifier, bool *found)
{
	static const char *const endings[] = {".key.pub", ".key"};
	int failed = ENOENT;

	*found = true;
	if (seals->key != NULL) {
		if (parse_key(seals->key, verifier))
			return 0;
		failed = read_key(seals->key, verifier);
		if (failed > 0)
			lf_print_line(stderr,
				"leadfitd: --key %.300s: no verifier key, and no file that can be read: %s", seals->key,
				strerror(failed));
		else if (failed < 0)
			lf_print_line(stderr,
				"leadfitd: --key %.300s: the file has no key, which is NAME+ID+KEY (or "
				"PRIVATE+KEY+...) on one line",
				seals->key);
		return failed == 0 ? 0 : 2;
	}
	for (size_t i = 0; i < 2 && failed == ENOENT && is_file(seals); i++) {
		char *path = beside(seals, endings[i]);

		if (path == NULL)
			return 3;
		failed = read_key(path, verifier);
		if (failed != 0 && failed != ENOENT)
			lf_print_line(stderr, "leadfitd: %.300s: %s", path,
				failed < 0 ? "the file has no key" : strerror(failed));
		free(path);
	}
	*found = failed == 0;
	return failed == 0 || failed == ENOENT ? 0 : 2;
}

/* ---- checkpoints ---- */

static int add(struct lf_sealed_list *list, const char *name, const struct lf_checkpoint *checkpoint)
{
	char *copy;

	if (list->count == list->capacity) {
		const size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
		struct lf_sealed *grown = realloc(list->items, capacity * sizeof(*grown));

		if (grown == NULL)
			return say_no_memory();
		list->items = grown;
		list->capacity = capacity;
	}
	copy = strdup(name);

	if (copy == NULL)
		return say_no_memory();
	list->items[list->count++] = (struct lf_sealed){copy, *checkpoint};
	return 0;
}

static int read_file(struct lf_sealed_list *list, const char *path, const struct lf_verifier *verifier)
{
	struct lf_checkpoint checkpoint;
	char *note = malloc(LF_NOTE_MAX);
	size_t length = 0;
	int status = 0;
	int failed;

	if (note == NULL)
		return say_no_memory();
	failed = lf_durable_get(path, note, LF_NOTE_MAX, &length, NULL);

	if (failed != 0) {
		lf_print_line(stderr, "leadfitd: %.300s: %s", path, strerror(failed));
		status = failed == ENOENT || failed == EFBIG || failed == EINVAL ? 2 : 3;
	} else {
		const enum lf_note_result result = lf_checkpoint_open(note, length, verifier, &checkpoint);

		if (result == LF_NOTE_OK) {
			status = add(list, path, &checkpoint);
		} else {
			lf_print_line(stderr, "leadfitd: %.300s: %s (key %.128s)", path, lf_note_result_text(result),
				verifier->name);
			status = 2;
		}
	}
	free(note);
	return status;
}

static bool is_checkpoint(const char *name)
{
	const size_t length = strlen(name), ending = strlen(".checkpoint");

	return strcmp(name, "latest") == 0 || (length > ending && strcmp(name + length - ending, ".checkpoint") == 0);
}

static int read_directory(struct lf_sealed_list *list, const char *path, const struct lf_verifier *verifier)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	int status = 0;

	if (directory == NULL) {
		lf_print_line(stderr, "leadfitd: %.300s: %s", path, strerror(errno));
		return 3;
	}
	while (status == 0 && (entry = readdir(directory)) != NULL) {
		char *name = NULL;

		if (!is_checkpoint(entry->d_name))
			continue;
		status = asprintf(&name, "%s/%s", path, entry->d_name) < 0 ? say_no_memory()
									   : read_file(list, name, verifier);
		free(name);
	}
	closedir(directory);
	return status;
}

static int read_path(struct lf_sealed_list *list, const char *path, const struct lf_verifier *verifier)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? read_directory(list, path, verifier)
								   : read_file(list, path, verifier);
}

static int by_size(const void *a, const void *b)
{
	const struct lf_sealed *x = a, *y = b;

	return x->checkpoint.size != y->checkpoint.size ? (x->checkpoint.size < y->checkpoint.size ? -1 : 1)
							: strcmp(x->name, y->name);
}

/* Those beside the database, where no others are given. */
static int read_beside(
	struct lf_sealed_list *list, const struct lf_seals *seals, const struct lf_verifier *verifier, bool key_found)
{
	char *path = beside(seals, ".checkpoints");
	struct stat there;
	int status = 0;

	if (path == NULL)
		return 3;
	if (stat(path, &there) == 0 && !key_found)
		lf_print_line(
			stderr, "leadfitd: %.300s is not looked at: there is no key to check it with (--key)", path);
	else if (key_found && stat(path, &there) == 0)
		status = read_path(list, path, verifier);
	free(path);
	return status;
}

int lf_sealed_read(struct lf_sealed_list *list, const struct lf_seals *seals)
{
	struct lf_verifier verifier;
	bool key_found;
	int status = find_key(seals, &verifier, &key_found);

	*list = (struct lf_sealed_list){.count = 0};
	if (status == 0 && seals->count > 0 && !key_found) {
		fputs("leadfitd: --checkpoint needs the verifier key that it was signed with: --key\n", stderr);
		status = 2;
	}
	for (size_t i = 0; i < seals->count && status == 0; i++)
		status = read_path(list, seals->paths[i], &verifier);
	if (status == 0 && seals->count == 0 && is_file(seals))
		status = read_beside(list, seals, &verifier, key_found);
	if (list->count > 0)
		qsort(list->items, list->count, sizeof(*list->items), by_size);
	return status;
}

void lf_sealed_clean_up(struct lf_sealed_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
	*list = (struct lf_sealed_list){.count = 0};
}
