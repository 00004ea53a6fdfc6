#include <stdlib.h>
#include <string.h>

#include "proto/base/file.h"
#include "service/events/events.h"
#include "service/seal/erased.h"
#include "service/seal/seal.h"
#include "proto/base/secret.h"
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

static enum lf_code read_key(struct lf_seal *seal, const char *origin, struct lf_error *error)
{
	struct lf_error absent = LF_ERROR_INIT;
	enum lf_code code = lf_key_load(seal->signer, seal->key_path, &absent);

	seal->has_key = code == LF_OK;
	if (code == LF_NOT_FOUND && seal->options->shared)
		code = lf_error_set(error, LF_FAILED_PRECONDITION,
			"the key %.200s is absent, and services that share a log have one: leadfitd init makes it",
			seal->key_path);
	else if (code == LF_NOT_FOUND)
		code = origin != NULL ? lf_key_check_name(origin, error) : LF_OK;
	else if (code != LF_OK)
		lf_error_move(error, &absent);
	else if (origin != NULL && strcmp(origin, seal->signer->name) != 0)
		code = lf_error_set(error, LF_INVALID_ARGUMENT,
			"--origin %.128s: the key %.200s has the name %.128s, which is part of it: leave the option "
			"out, or begin with a new key",
			origin, seal->key_path, seal->signer->name);
	lf_error_clean_up(&absent);
	return code;
}

enum lf_code lf_seal_read(struct lf_seal *seal, const struct lf_seal_options *options, struct lf_error *error)
{
	char *path = path_of(options->checkpoints, options->database, ".checkpoints", error);
	int unlocked = 0;
	enum lf_code code;

	seal->options = options;
	seal->key_path = path_of(options->key, options->database, ".key", error);
	seal->signer = lf_secret_new(sizeof(*seal->signer), &unlocked);
	if (unlocked != 0)
		lf_event_say(LF_EVENT_SECRETS_UNLOCKED,
			"the signing key may be swapped to disk: it can't be locked in memory (RLIMIT_MEMLOCK): %s",
			strerror(unlocked));
	if (seal->key_path == NULL || path == NULL)
		code = error->code;
	else if (seal->signer == NULL)
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the key");
	else
		code = lf_checkpoint_files_init(&seal->files, path, error);
	if (code == LF_OK && (seal->erased = lf_erased_path(&seal->files)) == NULL)
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the name of the list of erasures");
	if (code == LF_OK)
		code = read_key(seal, options->origin, error);
	free(path);
	return code;
}

enum lf_code lf_seal_check(struct lf_seal *seal, struct lf_log *log, struct lf_error *error)
{
	struct lf_error refused = LF_ERROR_INIT;
	struct lf_verifier verifier;
	enum lf_code code;
	char aside[512];

	if (seal->has_key)
		lf_signer_verifier(seal->signer, &verifier);
	code = lf_checkpoints_check(log, &seal->files, seal->has_key ? &verifier : NULL, &seal->size, &refused);
	if (code == LF_FAILED_PRECONDITION && seal->options->accept_rewound) {
		code = lf_checkpoint_files_set_aside(&seal->files, aside, error);
		seal->size = 0;
		if (code == LF_OK) {
			lf_event_say(LF_EVENT_REWOUND_ACCEPTED, "accepted: %s", refused.message);
			lf_event_say(LF_EVENT_REWOUND_ACCEPTED, "the checkpoints until now are kept as %s", aside);
		}
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

/*
 * The verifier key, for everyone. That its file can't be written is said and no more: the key may be on a read-only
 * disk.
 */
static void publish(const struct lf_seal *seal)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_verifier verifier;
	char text[LF_KEY_TEXT_MAX];

	if (lf_key_publish(seal->signer, seal->key_path, &error) != LF_OK)
		lf_event_say(LF_EVENT_KEY_UNPUBLISHED, "%s", error.message);
	lf_error_clean_up(&error);
	lf_signer_verifier(seal->signer, &verifier);
	lf_verifier_print(&verifier, text);
	lf_event_say(LF_EVENT_VERIFIER_KEY, "verifier key %s", text);
}

/* An empty list says that nothing was erased; none, that it is not known. That it can't be made is said. */
static void make_list(const struct lf_seal *seal)
{
	const struct lf_erased_list nothing = {.count = 0};
	struct lf_error error = LF_ERROR_INIT;

	if (lf_erased_merge(seal->erased, &nothing, &error) != LF_OK)
		lf_event_say(LF_EVENT_ERASED_LIST_FAILED, "%s", error.message);
	lf_error_clean_up(&error);
}

enum lf_code lf_seal_start(struct lf_seal *seal, struct lf_log *log, struct lf_error *error)
{
	const struct lf_seal_options *options = seal->options;
	const struct lf_checkpoints_options writing = {
		.every = options->every > 0 ? options->every : EVERY_DEFAULT,
		.seconds = options->seconds > 0 ? options->seconds : SECONDS_DEFAULT,
		.size = seal->size,
	};

	if (!seal->has_key) {
		if (lf_key_make(seal->signer, seal->key_path, options->origin, error) != LF_OK)
			return error->code;
		seal->has_key = true;
		lf_event_say(LF_EVENT_KEY_MADE, "made the signing key %s: keep a copy of it where the log is not",
			seal->key_path);
	}
	publish(seal);
	make_list(seal);
	return lf_checkpoints_start(&seal->checkpoints, log, seal->signer, &seal->files, &writing, error);
}

void lf_seal_close(struct lf_seal *seal)
{
	lf_checkpoints_stop(seal->checkpoints);
	seal->checkpoints = NULL;
	lf_checkpoint_files_clean_up(&seal->files);
	free(seal->erased);
	seal->erased = NULL;
	free(seal->key_path);
	seal->key_path = NULL;
	lf_secret_free(seal->signer, sizeof(*seal->signer));
	seal->signer = NULL;
}
