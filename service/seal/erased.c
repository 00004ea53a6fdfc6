#include "service/seal/erased.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/dates.h"
#include "proto/base/file.h"
#include "proto/base/hex.h"
#include "service/seal/durable.h"

enum {
	LIST_BYTES_MAX = 64 * 1024 * 1024,
	LINE_BYTES_MAX = 192,
	HASH_BYTES = sizeof(struct lf_digest),
	MARK_DIGITS = 2 * LF_MARK_BYTES,
	HASH_DIGITS = 2 * HASH_BYTES
};

struct lf_digest lf_erased_hash(const uint8_t mark[LF_MARK_BYTES], const char *id)
{
	struct lf_digest hash;

	lf_sha256_two(mark, LF_MARK_BYTES, id, strlen(id), &hash);
	return hash;
}

bool lf_erased_has(const struct lf_erased_list *list, const uint8_t mark[LF_MARK_BYTES])
{
	for (size_t i = 0; i < list->count; i++)
		if (memcmp(list->items[i].mark, mark, LF_MARK_BYTES) == 0)
			return true;
	return false;
}

enum lf_code lf_erased_add(struct lf_erased_list *list, const struct lf_erased *erased, struct lf_error *error)
{
	if (lf_erased_has(list, erased->mark))
		return LF_OK;
	if (list->count == list->room) {
		const size_t room = list->room == 0 ? 64 : 2 * list->room;
		struct lf_erased *items = realloc(list->items, room * sizeof(*items));

		if (items == NULL)
			return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the list of erasures");
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = *erased;
	return LF_OK;
}

void lf_erased_clean_up(struct lf_erased_list *list)
{
	free(list->items);
	*list = (struct lf_erased_list){.count = 0};
}

char *lf_erased_path(const struct lf_checkpoint_files *files)
{
	char *path;

	return asprintf(&path, "%s%s", files->path, files->one_file ? ".erased" : "/erased") < 0 ? NULL : path;
}

/* ---- a line ---- */

static void print_hex(const uint8_t *bytes, size_t count, char *text)
{
	*lf_hex_print(bytes, count, text) = '\0';
}

static int print_line(const struct lf_erased *erased, char line[LINE_BYTES_MAX])
{
	char at[LF_TIME_TEXT_BYTES], mark[MARK_DIGITS + 1], last[HASH_DIGITS + 1];

	lf_print_time(erased->at_us, at);
	print_hex(erased->mark, LF_MARK_BYTES, mark);
	if (erased->pruning)
		lf_print_time(erased->before_us, last);
	else
		print_hex(erased->who.bytes, HASH_BYTES, last);
	return snprintf(line, LINE_BYTES_MAX, "%s %s %s %s\n", erased->pruning ? "pruning" : "erasure", at, mark, last);
}

static bool read_time(const char *text, int64_t *time_us)
{
	int64_t seconds;
	int32_t nanos;

	if (!lf_parse_instant(text, &seconds, &nanos))
		return false;
	*time_us = seconds * 1000000 + nanos / 1000;
	return true;
}

/* A line without its end. */
static bool read_line(const char *line, struct lf_erased *erased)
{
	char kind[8], at[LF_TIME_TEXT_BYTES], mark[MARK_DIGITS + 1], last[HASH_DIGITS + 1];
	int end = -1;

	memset(erased, 0, sizeof(*erased));
	if (sscanf(line, "%7s %47s %32s %64s%n", kind, at, mark, last, &end) != 4 || line[end] != '\0' ||
		strlen(mark) != MARK_DIGITS || !lf_hex_parse(mark, LF_MARK_BYTES, erased->mark) ||
		!read_time(at, &erased->at_us))
		return false;
	erased->pruning = strcmp(kind, "pruning") == 0;
	if (erased->pruning)
		return read_time(last, &erased->before_us);
	return strcmp(kind, "erasure") == 0 && strlen(last) == HASH_DIGITS &&
		lf_hex_parse(last, HASH_BYTES, erased->who.bytes);
}

/* ---- the file ---- */

static enum lf_code fail(const char *path, int cause, struct lf_error *error)
{
	return lf_error_set(error,
		cause == ENOSPC || cause == EDQUOT || cause == ENOMEM ? LF_RESOURCE_EXHAUSTED : LF_UNAVAILABLE,
		"the list of erasures %.300s: %s", path, strerror(cause));
}

static enum lf_code read_lines(struct lf_erased_list *list, const char *path, char *text, struct lf_error *error)
{
	struct lf_erased erased;
	size_t number = 1;
	char *end;

	for (char *line = text; *line != '\0'; line = end + 1, number++) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end = '\0';
		if (end == NULL || !read_line(line, &erased))
			return lf_error_set(error, LF_DATA_LOSS,
				"the list of erasures %.300s: line %zu is none of its lines: put back a copy of it",
				path, number);
		if (lf_erased_add(list, &erased, error) != LF_OK)
			return error->code;
	}
	return LF_OK;
}

enum lf_code lf_erased_read(struct lf_erased_list *list, const char *path, bool *found, struct lf_error *error)
{
	char *text;
	const int failed = lf_durable_load(path, LIST_BYTES_MAX, &text);

	*found = failed == 0;
	if (failed == 0)
		read_lines(list, path, text, error);
	else if (failed != ENOENT && failed != ENOTDIR)
		fail(path, failed, error);
	free(text);
	return error->code;
}

/* The directory that the list is to be in. */
static int make_folder(const char *path)
{
	char *folder = strdup(path);
	int failed = folder == NULL ? ENOMEM : 0;

	if (folder != NULL && strrchr(folder, '/') != NULL) {
		*strrchr(folder, '/') = '\0';
		if (*folder != '\0' && mkdir(folder, 0755) == 0)
			failed = lf_file_sync_folder(folder);
		else if (*folder != '\0' && errno != EEXIST)
			failed = errno;
	}
	free(folder);
	return failed;
}

static int put(const struct lf_erased_list *list, const char *path)
{
	char *text = malloc(list->count * LINE_BYTES_MAX + 1), *temporary = NULL;
	size_t length = 0;
	int failed = ENOMEM;

	if (text != NULL && asprintf(&temporary, "%s.new", path) >= 0) {
		for (size_t i = 0; i < list->count; i++)
			length += (size_t)print_line(&list->items[i], text + length);
		failed = make_folder(path);
		if (failed == 0)
			failed = lf_durable_put(path, temporary, text, length, 0600, false);
		free(temporary);
	}
	free(text);
	return failed;
}

static enum lf_code merge(const char *path, const struct lf_erased_list *more, struct lf_error *error)
{
	struct lf_erased_list list = {.count = 0};
	size_t before;
	bool found;
	int failed;

	lf_erased_read(&list, path, &found, error);
	before = list.count;
	for (size_t i = 0; i < more->count && error->code == LF_OK; i++)
		lf_erased_add(&list, &more->items[i], error);
	if (error->code == LF_OK && (!found || list.count > before)) {
		failed = put(&list, path);
		if (failed != 0)
			fail(path, failed, error);
	}
	lf_erased_clean_up(&list);
	return error->code;
}

/* The start makes the list while the thread of the jobs adds to it. */
enum lf_code lf_erased_merge(const char *path, const struct lf_erased_list *more, struct lf_error *error)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	enum lf_code code;

	pthread_mutex_lock(&one_at_a_time);
	code = merge(path, more, error);
	pthread_mutex_unlock(&one_at_a_time);
	return code;
}
