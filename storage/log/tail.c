/*
 * The end of the log, as the store has it: read when it is not known, and taken over from other stores where the log is
 * shared. On the writer thread, or on the opening one before that exists.
 */
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "storage/log/private.h"

enum { NS_A_SECOND = 1000 * 1000 * 1000 };

struct hash_reader {
	struct lf_log *log;
	struct lf_error *error;
};

static bool read_hashes(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	const struct hash_reader *reader = context;

	return reader->log->backend->tail_hashes(reader->log->store, level, first, count, hashes, reader->error) ==
		LF_OK;
}

/*
 * What is read is not a log that continues what was committed. Where the store has other servers, one of them may have
 * that. The log's own finding, so the store is not lost: its transaction, if there is one, ends.
 */
static enum lf_code refuse(struct lf_log *log, const char *why, struct lf_error *error)
{
	if (log->backend->leave != NULL && log->backend->leave(log->store))
		return lf_error_set(error, LF_ABORTED, "%s; another server is asked", why);
	if (!log->backend->shared)
		log->backend->rollback(log->store);
	return lf_error_set(error, LF_DATA_LOSS, "%s", why);
}

static const char ANOTHER[] = "the log is not the one that was committed: somebody else altered it";

/* Whether the log begins with what was committed: by reading it. */
static enum lf_code compare(struct lf_log *log, struct lf_error *error)
{
	struct hash_reader reader = {log, error};
	struct lf_digest root, committed;
	struct lf_tree before;

	if (!lf_tree_load(&before, log->committed_tree.size, read_hashes, &reader))
		return error->code != LF_OK ? error->code
					    : lf_error_set(error, LF_DATA_LOSS, "the tree of the log can't be read");
	lf_tree_root(&before, &root);
	lf_tree_root(&log->committed_tree, &committed);
	return lf_digest_equal(&root, &committed) ? LF_OK : refuse(log, ANOTHER, error);
}

/* W10 */
static enum lf_code check_tree(struct lf_log *log, const struct lf_tail *found, struct lf_error *error)
{
	const uint64_t second = lf_clock_ns() / NS_A_SECOND;
	struct lf_digest root, committed;

	lf_tree_root(&found->tree, &root);
	if (!lf_digest_equal(&root, &found->root))
		return refuse(log, "the head of the log does not follow from its leaves", error);
	if (found->tree.size < log->committed_tree.size || (log->tail_known && found->tree.size < log->tail.tree.size))
		return refuse(log, "the log has fewer records than were committed: somebody else took them out", error);
	if (found->tree.size == log->committed_tree.size) {
		lf_tree_root(&log->committed_tree, &committed);
		return lf_digest_equal(&root, &committed) ? LF_OK : refuse(log, ANOTHER, error);
	}
	/* What other stores commit on the same connection is not compared each time. */
	if (log->backend->shared && log->tail_known && !found->reconnected && second == log->compared_at)
		return LF_OK;
	if (compare(log, error) != LF_OK)
		return error->code;
	log->compared_at = second;
	log->committed_tree = found->tree; /* also of what others committed: it is read, and answered from, here */
	return LF_OK;
}

void lf_log_note_activated(struct lf_log *log, uint64_t activated_to)
{
	uint_fast64_t known = atomic_load(&log->activated_to);

	while (known < activated_to && !atomic_compare_exchange_weak(&log->activated_to, &known, activated_to))
		;
}

/* Of what is committed. */
static void note_ends(struct lf_log *log)
{
	log->committed_redacted_to = log->tail.redacted_to;
	log->committed_activated_to = log->tail.activated_to;
	lf_log_note_activated(log, log->tail.activated_to);
}

static enum lf_code take_over(struct lf_log *log, const struct lf_tail *found, struct lf_error *error)
{
	/* An exclusive backend may not know where these end: they are the log's own while nothing else was committed. */
	const bool own = !log->backend->shared && found->tree.size == log->committed_tree.size;

	if (check_tree(log, found, error) != LF_OK)
		return error->code;
	log->tail.redacted_to = own ? log->committed_redacted_to : found->redacted_to;
	log->tail.activated_to = own ? log->committed_activated_to : found->activated_to;
	note_ends(log);
	log->leaves.tree = found->tree;
	log->tail.tree = found->tree;
	log->tail.root = found->root;
	log->tail.sequence = found->sequence;
	if (memcmp(&found->id, &log->tail.id, sizeof(found->id)) > 0)
		log->tail.id = found->id;
	if (found->time_us > log->tail.time_us)
		log->tail.time_us = found->time_us;
	log->tail.now_us = found->now_us;
	log->tail_known = true;
	return LF_OK;
}

enum lf_code lf_writer_know_tail(struct lf_log *log, struct lf_error *error)
{
	struct lf_tail found = {0};

	if (log->tail_known)
		return LF_OK;
	if (log->backend->tail(log->store, &found, error) != LF_OK)
		return error->code;
	return take_over(log, &found, error);
}

void lf_writer_rollback(struct lf_log *log, enum lf_code code)
{
	log->tail_known = false;
	if (code != LF_DATA_LOSS || log->backend->shared)
		log->backend->rollback(log->store);
}

/* With the tail, as it is in the transaction that was begun. */
static enum lf_code begin_at_tail(struct lf_log *log, struct lf_error *error)
{
	struct lf_tail found = {0};
	enum lf_code code = log->backend->begin(log->store, &found, error);
	const bool begun = code == LF_OK;

	if (begun)
		code = take_over(log, &found, error);
	if (code == LF_OK)
		return LF_OK;
	if (begun)
		lf_writer_rollback(log, code);
	log->tail_known = false; /* nor is it known where begin() went before it failed */
	return code;
}

enum lf_code lf_writer_begin(struct lf_log *log, struct lf_error *error)
{
	const bool wanted = log->backend->shared || !log->tail_known;
	const enum lf_code code = wanted ? begin_at_tail(log, error) : log->backend->begin(log->store, NULL, error);

	if (code != LF_OK)
		return code;
	LF_CHECK(W5, log->tail_known);
	log->leaves.node_count = 0;
	log->leaves.size_before = log->leaves.tree.size;
	return LF_OK;
}

enum lf_code lf_writer_commit(struct lf_log *log, bool more, struct lf_error *error)
{
	const bool wrote = log->leaves.tree.size != log->leaves.size_before;
	enum lf_code code;

	if (wrote) {
		log->tail.tree = log->leaves.tree;
		lf_tree_root(&log->tail.tree, &log->tail.root);
	}
	LF_CHECK(W10, log->tail.tree.size == log->leaves.tree.size);
	code = log->backend->commit(log->store, &log->tail, &log->leaves, more, error);
	if (code == LF_OK)
		note_ends(log);
	if (code == LF_OK && wrote)
		log->committed_tree = log->leaves.tree;
	return code;
}

enum lf_code lf_writer_is_there(
	struct lf_log *log, const struct lf_leaf_place *leaf, bool *there, struct lf_error *error)
{
	struct lf_digest hash;

	LF_CHECK(W5, log->tail_known);
	*there = false;
	if (leaf->position >= log->leaves.tree.size)
		return LF_OK;
	if (log->backend->tail_hashes(log->store, 0, leaf->position, 1, &hash, error) != LF_OK)
		return error->code;
	*there = lf_digest_equal(&hash, &leaf->hash);
	return LF_OK;
}

uint64_t lf_log_activated_to(const struct lf_log *log)
{
	return atomic_load(&log->activated_to);
}
