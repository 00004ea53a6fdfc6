#include "service/seal/checkpoints.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/thread.h"
#include "service/events/events.h"
#include "service/seal/tree_reader.h"

enum { POLL_MS = 1000 };

/* ---- at the start ---- */

/* What was signed against what the log has now. */
static enum lf_code compare(
	struct lf_log *log, const struct lf_checkpoint *signed_one, const char *name, struct lf_error *error)
{
	struct lf_error inner = LF_ERROR_INIT;
	struct lf_tree_head head;
	struct lf_digest root;
	enum lf_code code;

	if (lf_log_head(log, &head, &inner) == LF_OK && head.size < signed_one->size)
		lf_error_set(&inner, LF_FAILED_PRECONDITION,
			"%.200s was signed when the log had %" PRIu64 " records, and it has %" PRIu64
			": it was rewound, or is another log",
			name, signed_one->size, head.size);
	else if (inner.code == LF_OK && lf_tree_reader_root(log, signed_one->size, &root, &inner) == LF_OK &&
		!lf_digest_equal(&root, &signed_one->root))
		lf_error_set(&inner, LF_FAILED_PRECONDITION,
			"the log's first %" PRIu64
			" records are not those of which %.200s was signed: it was altered, or is another log",
			signed_one->size, name);
	else if (inner.code == LF_DATA_LOSS || inner.code == LF_NOT_FOUND) {
		struct lf_error lost = LF_ERROR_INIT;

		lf_error_set(&lost, LF_FAILED_PRECONDITION,
			"the log's first %" PRIu64 " records, of which %.200s was signed, are not whole: %.200s",
			signed_one->size, name, inner.message);
		lf_error_move(&inner, &lost);
	}
	code = inner.code;
	if (code != LF_OK)
		lf_error_move(error, &inner);
	return code;
}

enum lf_code lf_checkpoints_check(struct lf_log *log, struct lf_checkpoint_files *files,
	const struct lf_verifier *verifier, uint64_t *size, struct lf_error *error)
{
	struct lf_checkpoint newest;
	bool found;
	char name[512];
	enum lf_code code;

	*size = 0;
	code = lf_checkpoint_files_newest(files, verifier, &found, &newest, name, error);
	if (code != LF_OK || !found)
		return code;
	*size = newest.size;
	return compare(log, &newest, name, error);
}

/* ---- the thread ---- */

struct lf_checkpoints {
	struct lf_log *log;
	const struct lf_signer *signer;
	struct lf_checkpoint_files *files;
	struct lf_checkpoints_options options;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping; /* under lock */

	/* Written by the thread, under lock. */
	uint64_t size;         /* of the newest checkpoint */
	uint64_t written_at;   /* in seconds since 1970; 0: none was since the start */
	struct lf_digest root; /* of the log's first size records */

	/* The thread's own. */
	bool any;               /* one was written since the start */
	uint64_t written_at_ms; /* by lf_clock_ms() */
	char failure[512];      /* what was said last; "" = the last one was written */
};

static void say_failure(struct lf_checkpoints *c, const char *failure)
{
	if (strcmp(c->failure, failure) == 0)
		return;
	snprintf(c->failure, sizeof(c->failure), "%s", failure);
	lf_event_say(LF_EVENT_CHECKPOINT_FAILED, "no checkpoint can be written, and it is tried again and again: %s",
		c->failure);
}

static void put(struct lf_checkpoints *c, const struct lf_tree_head *head)
{
	char note[LF_CHECKPOINT_MAX], failure[sizeof(c->failure)];
	int failed;

	if (!lf_checkpoint_sign(head->size, &head->root, c->signer, note)) {
		say_failure(c, "signing failed");
		return;
	}
	failed = lf_checkpoint_files_put(c->files, head->size, note);
	if (failed != 0) {
		snprintf(failure, sizeof(failure), "%.300s: %.100s", c->files->path, strerror(failed));
		say_failure(c, failure);
		return;
	}
	if (c->failure[0] != '\0')
		lf_event_say(LF_EVENT_CHECKPOINT_RESUMED, "checkpoints are written again");
	c->failure[0] = '\0';
	pthread_mutex_lock(&c->lock);
	LF_CHECK(H7, head->size > c->size);
	c->size = head->size;
	c->written_at = (uint64_t)(lf_clock_wall_us() / 1000000);
	c->root = head->root;
	pthread_mutex_unlock(&c->lock);
	c->any = true;
	c->written_at_ms = lf_clock_ms();
	lf_event_say(LF_EVENT_CHECKPOINT_WRITTEN, "checkpoint of %" PRIu64 " records", head->size);
}

static bool is_due(const struct lf_checkpoints *c, uint64_t size)
{
	return !c->any || size - c->size >= c->options.every ||
		lf_clock_ms() - c->written_at_ms >= (uint64_t)c->options.seconds * 1000;
}

/*
 * Whether the head is one of the log that was signed before, as the stored hashes have it. A service signs what it
 * reads, and others may have written that: what is signed later must say no less.
 */
static enum lf_code continues(struct lf_log *log, uint64_t size, const struct lf_digest *root,
	const struct lf_tree_head *head, struct lf_error *error)
{
	struct lf_digest before, now;

	if (head->size < size)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the log has %" PRIu64 " records, and had %" PRIu64
			" when it was signed: somebody else took them out",
			head->size, size);
	if (lf_tree_reader_root(log, size, &before, error) != LF_OK ||
		lf_tree_reader_root(log, head->size, &now, error) != LF_OK)
		return error->code;
	if (!lf_digest_equal(&before, root) || !lf_digest_equal(&now, &head->root))
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the log's first %" PRIu64 " records are not those that were signed, or its head is not that "
			"of its records: somebody else "
			"altered it",
			size);
	return LF_OK;
}

enum lf_code lf_checkpoints_head(struct lf_checkpoints *c, struct lf_tree_head *head, struct lf_error *error)
{
	struct lf_digest root;
	uint64_t size;

	/* First: the head that is read after it has at least as many records. */
	pthread_mutex_lock(&c->lock);
	size = c->size;
	root = c->root;
	pthread_mutex_unlock(&c->lock);
	if (lf_log_lasting_head(c->log, head, error) != LF_OK)
		return error->code;
	return continues(c->log, size, &root, head, error);
}

static void look(struct lf_checkpoints *c, bool last)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tree_head head;

	if (lf_log_head(c->log, &head, &error) != LF_OK)
		say_failure(c, error.message);
	else if (head.size == c->size || (head.size > c->size && !last && !is_due(c, head.size)))
		;
	else if (lf_log_lasting_head(c->log, &head, &error) == LF_OK &&
		continues(c->log, c->size, &c->root, &head, &error) == LF_OK)
		put(c, &head);
	else
		say_failure(c, error.message);
	lf_error_clean_up(&error);
}

/* Whether it is to end. */
static bool wait_a_while(struct lf_checkpoints *c)
{
	const struct timespec until = lf_clock_after_ns((uint64_t)POLL_MS * 1000000);
	bool stopping;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping && pthread_cond_timedwait(&c->wake, &c->lock, &until) == 0)
		continue;
	stopping = c->stopping;
	pthread_mutex_unlock(&c->lock);
	return stopping;
}

static void *run(void *context)
{
	struct lf_checkpoints *c = context;

	do
		look(c, false);
	while (!wait_a_while(c));
	look(c, true);
	return NULL;
}

enum lf_code lf_checkpoints_start(struct lf_checkpoints **checkpoints, struct lf_log *log,
	const struct lf_signer *signer, struct lf_checkpoint_files *files, const struct lf_checkpoints_options *options,
	struct lf_error *error)
{
	struct lf_checkpoints *c = calloc(1, sizeof(*c));
	int failed;

	*checkpoints = NULL;
	if (c == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the thread that writes checkpoints");
	c->log = log;
	c->signer = signer;
	c->files = files;
	c->options = *options;
	c->size = options->size;
	if (lf_tree_reader_root(log, c->size, &c->root, error) != LF_OK) {
		free(c);
		return error != NULL ? error->code : LF_UNAVAILABLE;
	}
	pthread_mutex_init(&c->lock, NULL);
	failed = lf_cond_init(&c->wake);
	if (failed == 0) {
		failed = lf_thread_start(&c->thread, run, c);
		if (failed == 0) {
			*checkpoints = c;
			return LF_OK;
		}
		pthread_cond_destroy(&c->wake);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
	return lf_error_set(
		error, LF_UNAVAILABLE, "no thread can be started to write checkpoints: %s", strerror(failed));
}

void lf_checkpoints_newest(struct lf_checkpoints *c, uint64_t *size, uint64_t *written_at)
{
	pthread_mutex_lock(&c->lock);
	*size = c->size;
	*written_at = c->written_at;
	pthread_mutex_unlock(&c->lock);
}

void lf_checkpoints_stop(struct lf_checkpoints *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	LF_CHECK(H7, !c->stopping);
	c->stopping = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
