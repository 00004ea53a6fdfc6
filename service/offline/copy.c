/*
 * leadfitd copy: a log into another one, record by record, with its numbers, times and salts: the way from a file into a
 * database, and back. What was erased stays erased.
 *
 * The target is empty, or has the beginning of the source: so what ended early is gone on with by the same command. Each
 * transaction begins where the target ends, and its leaves are those of the source, so the root must be the source's.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/harmless.h"
#include "service/offline/command_line.h"
#include "service/offline/commands.h"
#include "service/offline/copy.h"
#include "service/seal/tree_reader.h"
#include "storage/backends/backends.h"
#include "storage/tlog/text.h"
#include "storage/tlog/note.h"

static const char usage[] =
	"Usage: leadfitd copy --from LOCATION --to LOCATION [--accept-asynchronous]\n"
	"Copies a decision log, record by record, with its times and salts: from a file into a PostgreSQL\n"
	"database, which leadfitd init has made a log in, and back. No service has the file meanwhile. Of a\n"
	"database that services write to, what it has when the copy begins is copied.\n"
	"\n"
	"  --from LOCATION  the log: a file, or postgres://...\n"
	"  --to LOCATION    a log that is empty, or has the beginning of the same: a copy that ended early is gone\n"
	"                   on with by the same command. A file is made where there is none. In a database, as\n"
	"                   its owner or the keeper where something was erased\n"
	"  --accept-asynchronous  to a database without a synchronous standby\n"
	"  --help           print this\n"
	"\n"
	"The key and the checkpoints are no part of the log: copy them with cp. leadfitd verify checks the copy.\n"
	"Exit status: 0 all of it is there, 2 bad usage, 3 it ended early, 4 the target has other records.\n";

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

struct copy {
	struct lf_log *from;
	const struct lf_backend *backend;
	struct lf_store *to;
	struct lf_copy_slice slice;
	uint64_t size, done; /* records of the source; and those that the target has */
	uint64_t act;        /* id of the newest act among these */
	struct lf_digest root;
	uint64_t began_ns, said_ns, began_at;
	bool terminal;
};

static void say_progress(struct copy *copy, bool last)
{
	if (!last && lf_clock_seconds_since(copy->said_ns) < (copy->terminal ? 0.25 : 10.0))
		return;
	copy->said_ns = lf_clock_ns();
	fprintf(stderr, "%s%" PRIu64 " of %" PRIu64 " records (%.0f/s)%s",
		copy->terminal ? "\r\033[K" : "leadfitd: ", copy->done, copy->size,
		(double)(copy->done - copy->began_at) / lf_clock_seconds_since(copy->began_ns),
		copy->terminal && !last ? "" : "\n");
}

/* ---- where it begins ---- */

/* Whether the target is the beginning of the source. */
static enum lf_code check_beginning(struct copy *copy, const struct lf_tail *tail, struct lf_error *error)
{
	struct lf_digest root;

	if (tail->tree.size > copy->size)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the target has %" PRIu64 " records and the source %" PRIu64
			": it is not the beginning of that",
			tail->tree.size, copy->size);
	if (lf_tree_reader_root(copy->from, tail->tree.size, &root, error) != LF_OK)
		return error->code;
	if (!lf_digest_equal(&root, &tail->root))
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the target's %" PRIu64 " records are not the first ones of the source: it is another log",
			tail->tree.size);
	return LF_OK;
}

static void note_act(void *context, const struct lf_act_row *row)
{
	struct copy *copy = context;

	if (row->position < copy->done)
		copy->act = row->id;
}

/* The newest act that the target has. */
static enum lf_code find_act(struct copy *copy, struct lf_error *error)
{
	uint64_t next = 0;

	do {
		if (lf_log_list_acts(copy->from, 0, NULL, next, LF_PAGE_MAX, note_act, copy, &next, error) != LF_OK)
			return error->code;
	} while (next != 0 && copy->act == next);
	return LF_OK;
}

static enum lf_code begin(struct copy *copy, struct lf_tail *tail, struct lf_error *error)
{
	struct lf_digest root;

	if (copy->backend->begin(copy->to, tail, error) != LF_OK)
		return error->code;
	lf_tree_root(&tail->tree, &root);
	return lf_digest_equal(&root, &tail->root)
		? LF_OK
		: lf_error_set(error, LF_DATA_LOSS, "the head of the target does not follow from its records");
}

/* ---- one transaction ---- */

/* What the records make of the target's end. */
static void add_leaves(const struct lf_copy_slice *slice, struct lf_leaves *leaves, struct lf_tail *tail)
{
	for (size_t i = 0; i < slice->count; i++) {
		const struct lf_item *item = &slice->records[i].item;
		const bool redacts = item->kind == LF_ITEM_ACT &&
			(item->act.kind == LF_LEAF_ERASURE || item->act.kind == LF_LEAF_PRUNING);

		leaves->node_count += lf_tree_add(&leaves->tree, &item->place.hash, leaves->nodes + leaves->node_count);
		if (item->kind == LF_ITEM_DECISION) {
			tail->sequence = item->decision.sequence;
			tail->id = item->decision.id;
		}
		if (item->at_us > tail->time_us)
			tail->time_us = item->at_us;
		if (redacts)
			tail->redacted_to = leaves->tree.size;
		if (item->kind == LF_ITEM_ACTIVATION)
			tail->activated_to = leaves->tree.size;
	}
	tail->tree = leaves->tree;
	lf_tree_root(&tail->tree, &tail->root);
}

static enum lf_code store(struct copy *copy, struct lf_error *error)
{
	struct lf_copy_slice *slice = &copy->slice;
	struct lf_leaves leaves = {.node_count = 0};
	struct lf_tail tail = {0};

	if (begin(copy, &tail, error) != LF_OK)
		return error->code;
	if (tail.tree.size != copy->done)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the target has %" PRIu64 " records by now: somebody else writes to it", tail.tree.size);
	leaves.tree = tail.tree;
	leaves.size_before = tail.tree.size;
	if (lf_copy_slice_write(slice, copy->backend, copy->to, error) != LF_OK)
		return error->code;
	add_leaves(slice, &leaves, &tail);
	if (copy->backend->commit(copy->to, &tail, &leaves, false, error) != LF_OK)
		return error->code;
	copy->done = slice->end;
	for (size_t i = 0; i < slice->count; i++)
		if (slice->records[i].item.kind == LF_ITEM_ACT)
			copy->act = slice->records[i].item.act.id;
	return copy->backend->maintain(copy->to, error);
}

/* ---- all ---- */

static bool goes_on(void)
{
	return interrupted == 0;
}

/* The roots; then each record, by another look at both, for which the target is closed. */
static enum lf_code compare(struct copy *copy, const char *to, struct lf_error *error)
{
	const struct lf_log_options options = {.location = to, .read_only = true, .reader_count = 2};
	struct lf_log *copied = NULL;
	struct lf_tail tail = {0};

	if (copy->backend->tail(copy->to, &tail, error) != LF_OK ||
		lf_tree_reader_root(copy->from, copy->size, &copy->root, error) != LF_OK)
		return error->code;
	if (tail.tree.size != copy->size || !lf_digest_equal(&tail.root, &copy->root))
		return lf_error_set(error, LF_DATA_LOSS, "the copy's root is not the source's");
	copy->backend->close(copy->to);
	copy->to = NULL;
	if (lf_log_open_by_url(&copied, &options, error) == LF_OK)
		lf_copy_compare(copy->from, copied, copy->size, goes_on, error);
	lf_log_close(copied);
	return error->code;
}

static enum lf_code copy_all(struct copy *copy, const char *to, struct lf_error *error)
{
	struct lf_tail tail = {0};

	if (begin(copy, &tail, error) == LF_OK)
		check_beginning(copy, &tail, error);
	copy->backend->rollback(copy->to);
	copy->done = copy->began_at = tail.tree.size;
	copy->began_ns = copy->said_ns = lf_clock_ns();
	if (error->code == LF_OK)
		find_act(copy, error);
	while (error->code == LF_OK && copy->done < copy->size && interrupted == 0) {
		if (lf_copy_slice_read(&copy->slice, copy->done, copy->size, copy->act, error) == LF_OK &&
			store(copy, error) != LF_OK)
			copy->backend->rollback(copy->to);
		say_progress(copy, false);
	}
	if (error->code == LF_OK && copy->done < copy->size)
		lf_error_set(error, LF_CANCELLED, "interrupted");
	return error->code == LF_OK ? compare(copy, to, error) : error->code;
}

static int report(struct copy *copy, const struct lf_error *error)
{
	char root[LF_KEY_TEXT_MAX];

	say_progress(copy, true);
	if (error->code != LF_OK) {
		lf_print_line(stderr, "leadfitd: %s", error->message);
		if (copy->done > 0 && error->code != LF_FAILED_PRECONDITION && error->code != LF_DATA_LOSS)
			fprintf(stderr,
				"leadfitd: the target has at least the first %" PRIu64
				" records: run the same command again to go on from there\n",
				copy->done);
		return error->code == LF_CANCELLED ? 3 : lf_code_exit_status(error->code);
	}
	lf_base64_encode(&copy->root, sizeof(copy->root), root);
	printf("records      %" PRIu64 ", of which %" PRIu64 " were there\nroot         %s\n", copy->size,
		copy->began_at, root);
	return lf_command_line_printed(0);
}

static enum lf_code open_both(struct copy *copy, const char *from, const char *to, struct lf_error *error)
{
	const struct lf_log_options source = {.location = from, .read_only = true, .reader_count = 2};
	struct lf_log_options target = {.now_us = lf_clock_wall_us};
	struct lf_tree_head head;

	copy->backend = lf_backend_by_url(to, &target.location, error);
	if (copy->backend == NULL || lf_log_open_by_url(&copy->from, &source, error) != LF_OK ||
		lf_log_head(copy->from, &head, error) != LF_OK)
		return error->code;
	copy->size = head.size;
	if (!lf_copy_slice_init(&copy->slice, copy->from))
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for records");
	return copy->backend->open(&copy->to, &target, error);
}

static int copy_log(const char *from, const char *to)
{
	struct copy copy = {.terminal = isatty(STDERR_FILENO) != 0};
	struct lf_error error = LF_ERROR_INIT;
	const struct sigaction stop = {.sa_handler = on_signal};
	int status;

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	if (open_both(&copy, from, to, &error) == LF_OK) {
		copy_all(&copy, to, &error);
		status = report(&copy, &error);
	} else {
		lf_print_line(stderr, "leadfitd: %s", error.message);
		status = lf_code_exit_status(error.code);
	}
	if (copy.to != NULL)
		copy.backend->close(copy.to);
	lf_copy_slice_clean_up(&copy.slice);
	lf_log_close(copy.from);
	lf_error_clean_up(&error);
	return status;
}

int lf_copy_command(int argc, char **argv)
{
	const char *from = NULL, *to = NULL;
	bool asynchronous = false;
	const struct lf_command_line_option options[] = {
		{.name = "from", .text = &from},
		{.name = "to", .text = &to},
		{.name = "accept-asynchronous", .flag = &asynchronous},
	};
	const struct lf_command_line line = {"copy", usage, options, sizeof(options) / sizeof(options[0])};
	char *location;
	int status = lf_command_line_read(&line, argc, argv);

	if (status >= 0)
		return status;
	if (from == NULL || to == NULL)
		return lf_command_line_refuse(&line, "--from LOCATION and --to LOCATION are required");
	if (strcmp(from, to) == 0)
		return lf_command_line_refuse(&line, "--from and --to are the same");
	if (asynchronous && !lf_command_line_is_database(to))
		return lf_command_line_refuse(&line, "--accept-asynchronous is about a database, and --to is a file");
	location = lf_command_line_location(to, asynchronous);
	if (location == NULL) {
		fputs("leadfitd: out of memory\n", stderr);
		return 3;
	}
	status = copy_log(from, location);
	free(location);
	return status;
}
