#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/file.h"
#include "service/seal/seal.h"
#include "service/seal/key.h"

enum { EVERY_DEFAULT = 10000, SECONDS_DEFAULT = 60 };

/*
 * Where an option is not given, a name beside the database, whichever of its names --db is: else a symbolic link would
 * make a second key. On the heap; NULL with error.
 */
static char *path_of(const char *given, const char *database, const char *ending, struct lf_error *error)
{
	char *path;

	if (given == NULL)
		return lf_file_beside(database, ending, error);
	path = strdup(given);
	if (path == NULL)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the names of key and checkpoints");
	return path;
}

/* Looks at the checkpoints, and moves them aside where that is asked for and they do not fit. */
static enum lf_code check(struct lf_seal *seal, struct lf_log *log, const struct lf_verifier *verifier,
	bool accept_rewound, uint64_t *size, struct lf_error *error)
{
	struct lf_error refused = LF_ERROR_INIT;
	enum lf_code code = lf_checkpoints_check(log, &seal->files, verifier, size, &refused);
	char aside[512];

	if (code == LF_FAILED_PRECONDITION && accept_rewound) {
		code = lf_checkpoint_files_set_aside(&seal->files, aside, error);
		*size = 0;
		if (code == LF_OK)
			fprintf(stderr, "leadfitd: accepted: %s\nleadfitd: the checkpoints until now are kept as %s\n",
				refused.message, aside);
	} else if (code == LF_FAILED_PRECONDITION) {
		lf_error_set(error, code,
			"%s; to start nevertheless, and keep these checkpoints aside: --accept-rewound",
			refused.message);
	} else if (code != LF_OK) {
		lf_error_move(error, &refused);
	}
	lf_error_clean_up(&refused);
	return code;
}

static enum lf_code load_key(struct lf_seal *seal, struct lf_log *log, const struct lf_seal_options *options,
	const char *path, struct lf_error *error)
{
	struct lf_error absent = LF_ERROR_INIT;
	enum lf_code code = lf_key_load(&seal->signer, path, &absent);
	uint64_t size;

	if (code == LF_NOT_FOUND) {
		code = check(seal, log, NULL, options->accept_rewound, &size, error);
		if (code == LF_OK)
			code = lf_key_make(&seal->signer, path, options->origin, error);
		if (code == LF_OK)
			fprintf(stderr, "leadfitd: made the signing key %s: keep a copy of it where the log is not\n",
				path);
	} else if (code != LF_OK) {
		lf_error_move(error, &absent);
	} else if (options->origin != NULL && strcmp(options->origin, seal->signer.name) != 0) {
		code = lf_error_set(error, LF_INVALID_ARGUMENT,
			"--origin %.128s: the key %.200s has the name %.128s, which is part of it: leave the option "
			"out, or begin with a new key",
			options->origin, path, seal->signer.name);
	}
	lf_error_clean_up(&absent);
	return code;
}

/*
 * The verifier key, for everyone. That its file can't be written is said and no more: the key may be on a read-only
 * disk.
 */
static void publish(const struct lf_seal *seal, const struct lf_verifier *verifier, const char *path)
{
	struct lf_error error = LF_ERROR_INIT;
	char text[LF_KEY_TEXT_MAX];

	if (lf_key_publish(&seal->signer, path, &error) != LF_OK)
		fprintf(stderr, "leadfitd: %s\n", error.message);
	lf_error_clean_up(&error);
	lf_verifier_print(verifier, text);
	fprintf(stderr, "leadfitd: verifier key %s\n", text);
}

enum lf_code lf_seal_open(
	struct lf_seal *seal, struct lf_log *log, const struct lf_seal_options *options, struct lf_error *error)
{
	struct lf_checkpoints_options writing = {
		.every = options->every > 0 ? options->every : EVERY_DEFAULT,
		.seconds = options->seconds > 0 ? options->seconds : SECONDS_DEFAULT,
	};
	char *key = path_of(options->key, options->database, ".key", error);
	char *path = key == NULL ? NULL : path_of(options->checkpoints, options->database, ".checkpoints", error);
	struct lf_verifier verifier;
	enum lf_code code;

	memset(seal, 0, sizeof(*seal));
	code = path == NULL ? error->code : lf_checkpoint_files_init(&seal->files, path, error);
	if (code == LF_OK)
		code = load_key(seal, log, options, key, error);
	if (code == LF_OK) {
		lf_signer_verifier(&seal->signer, &verifier);
		publish(seal, &verifier, key);
		code = check(seal, log, &verifier, options->accept_rewound, &writing.size, error);
	}
	if (code == LF_OK)
		code = lf_checkpoints_start(&seal->checkpoints, log, &seal->signer, &seal->files, &writing, error);
	if (code != LF_OK)
		lf_seal_close(seal);
	free(key);
	free(path);
	return code;
}

void lf_seal_close(struct lf_seal *seal)
{
	lf_checkpoints_stop(seal->checkpoints);
	seal->checkpoints = NULL;
	lf_checkpoint_files_clean_up(&seal->files);
	lf_key_clear(&seal->signer);
}
