/* leadfit decisions verify: the whole log recomputed, and compared with what was signed before. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/calc/proof_check.h"
#include "client/cmd/commands.h"
#include "client/files/key.h"
#include "client/term/progress.h"
#include "leadfit/v1/audit.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/base/clock.h"

/* clang-format off */
static const struct lf_option verify_options[] = {
	{"checkpoint", "FILE", "a signed checkpoint that was kept: check that the log still begins with what it signs", true},
	LF_KEY_OPTION,
	{NULL, NULL, NULL, false},
};
/* clang-format on */

enum { FINDINGS_SHOWN = 1000, REDACTIONS_SHOWN = 20, ARENA_BYTES_MAX = 64 * 1024 * 1024 };

/* A state of the log: this root is that of its first size records. */
struct state {
	uint64_t size;
	struct lf_digest root;
};

/* A checkpoint that somebody kept. */
struct kept {
	struct lf_input input;
	uint64_t size;
	bool holds; /* the log begins with what it signs */
};

struct run {
	struct lf_cli *cli;
	struct lf_error error; /* of a call: nothing more can be said */
	struct lf_arena arena; /* of the report */
	struct lf_verifier key;
	bool key_given;
	struct kept *kept; /* --checkpoint, each */
	size_t kept_count;
	struct state recomputed, signed_end;
	struct lf_progress progress;
	uint64_t began_ns;
	uint64_t looked_at;
	Leadfit__V1__LogVerified report; /* its texts and lists are in the arena */
	Leadfit__V1__Finding *findings[FINDINGS_SHOWN];
	/* The newest; copied where the next ones take their place. */
	Leadfit__V1__Redaction *redactions[REDACTIONS_SHOWN];
};

/* ---- findings ---- */

static void print_finding(struct lf_page *page, const Leadfit__V1__Finding *finding)
{
	lf_page_add(page, LF_WARN, "FINDING");
	if (finding->kind[0] != '\0')
		lf_page_add(page, LF_PLAIN, " record %" PRIu64 ", %s", finding->position, finding->kind);
	if (finding->decision_id[0] != '\0')
		lf_page_add(page, LF_PLAIN, " %s", finding->decision_id);
	lf_page_add(page, LF_PLAIN, "%s %s\n", finding->kind[0] != '\0' || finding->decision_id[0] != '\0' ? ":" : "",
		finding->what);
}

/* Counts it, and shows the first ones at once. */
static void take_finding(struct run *run, const Leadfit__V1__Finding *finding)
{
	Leadfit__V1__Finding *copy;

	run->report.finding_count++;
	if (run->report.n_findings == FINDINGS_SHOWN)
		return;
	if (!run->cli->json)
		print_finding(&run->cli->page, finding);
	copy = lf_arena_alloc(&run->arena, sizeof(*copy));
	if (copy == NULL)
		return;
	leadfit__v1__finding__init(copy);
	copy->position = finding->position;
	copy->decision_id = lf_arena_strdup(&run->arena, finding->decision_id, strlen(finding->decision_id));
	copy->kind = lf_arena_strdup(&run->arena, finding->kind, strlen(finding->kind));
	copy->what = lf_arena_strdup(&run->arena, finding->what, strlen(finding->what));
	if (copy->decision_id != NULL && copy->kind != NULL && copy->what != NULL)
		run->findings[run->report.n_findings++] = copy;
}

/* About the log as a whole. */
static void find(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void find(struct run *run, const char *format, ...)
{
	Leadfit__V1__Finding finding;
	char what[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	leadfit__v1__finding__init(&finding);
	finding.what = what;
	take_finding(run, &finding);
}

/* ---- erasures and prunings ---- */

/* A copy that protobuf_c_message_free_unpacked() frees; NULL where memory ran out. */
static Leadfit__V1__Redaction *copy_redaction(const Leadfit__V1__Redaction *redaction)
{
	uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(&redaction->base) + 1);
	Leadfit__V1__Redaction *copy = NULL;

	if (bytes != NULL)
		copy = leadfit__v1__redaction__unpack(NULL, protobuf_c_message_pack(&redaction->base, bytes), bytes);
	free(bytes);
	return copy;
}

static void take_redaction(struct run *run, const Leadfit__V1__Redaction *redaction)
{
	Leadfit__V1__Redaction *copy = copy_redaction(redaction);

	if (copy == NULL)
		return;
	if (run->report.n_redactions == REDACTIONS_SHOWN) {
		leadfit__v1__redaction__free_unpacked(run->redactions[0], NULL);
		memmove(run->redactions, run->redactions + 1, --run->report.n_redactions * sizeof(run->redactions[0]));
	}
	run->redactions[run->report.n_redactions++] = copy;
}

static void print_redactions(struct lf_page *page, const Leadfit__V1__LogVerified *report)
{
	if (report->redaction_count == 0)
		return;
	lf_page_add(page, LF_PLAIN,
		"\nErasures and prunings that the log has. Hold them against your own records of who ordered what:\n");
	if (report->redaction_count > report->n_redactions)
		lf_page_add(
			page, LF_PLAIN, "  %" PRIu64 " before these\n", report->redaction_count - report->n_redactions);
	for (size_t i = 0; i < report->n_redactions; i++) {
		const Leadfit__V1__Redaction *r = report->redactions[i];
		char time[LF_TIME_BYTES] = "?";

		if (r->at != NULL)
			lf_time_print(r->at->seconds, time);
		lf_page_add(page, LF_PLAIN,
			"  record %" PRIu64 ", %s, %s by %s: %" PRIu32 " decisions, %" PRIu32
			" teams and projects, %" PRIu32 " outcomes: %s\n",
			r->position, time, r->kind, r->caller, r->decisions, r->payloads, r->acts, r->reason);
	}
}

/* ---- recomputing ---- */

/* Adds a slice that was asked for from first on. INTERNAL where the answers make no sense together. */
static enum lf_code take_slice(
	struct run *run, const Leadfit__V1__VerifyRequest *request, const Leadfit__V1__VerifyResponse *slice)
{
	if ((request->size != 0 && slice->size != request->size) ||
		(slice->next != 0 && slice->next <= request->first) ||
		(slice->next == 0 && slice->root.len != sizeof(run->recomputed.root)))
		return lf_error_set(&run->error, LF_INTERNAL, "the service's answers to Verify do not fit each other");
	run->looked_at += slice->records;
	run->report.payload_bytes += slice->payload_bytes;
	run->report.erased += slice->erased;
	run->report.pruned += slice->pruned;
	if (slice->n_findings > 0)
		lf_progress_end(&run->progress);
	for (size_t i = 0; i < slice->n_findings; i++)
		take_finding(run, slice->findings[i]);
	for (size_t i = 0; i < slice->n_redactions; i++)
		take_redaction(run, slice->redactions[i]);
	run->report.redaction_count += slice->redaction_count;
	if (slice->next == 0) {
		run->recomputed.size = slice->size;
		memcpy(&run->recomputed.root, slice->root.data, sizeof(run->recomputed.root));
	}
	return LF_OK;
}

static enum lf_code recompute(struct run *run)
{
	Leadfit__V1__VerifyRequest request;

	leadfit__v1__verify_request__init(&request);
	do {
		ProtobufCMessage *reply =
			lf_cli_call(run->cli, "leadfit.v1.Audit/Verify", &request.base, true, &run->error);
		const Leadfit__V1__VerifyResponse *slice;
		enum lf_code code;

		if (reply == NULL)
			return run->error.code;
		slice = (const Leadfit__V1__VerifyResponse *)reply;
		code = take_slice(run, &request, slice);
		request.size = slice->size;
		request.first = slice->next;
		protobuf_c_message_free_unpacked(reply, NULL);
		if (code != LF_OK || lf_page_flush(&run->cli->page, &run->error) != LF_OK)
			return run->error.code;
		lf_progress_say(&run->progress,
			"%" PRIu64 " of %" PRIu64 " records, %.0f MB, %.0f records/s, %" PRIu64 " findings",
			run->looked_at, request.size, (double)run->report.payload_bytes / 1e6,
			(double)run->looked_at / lf_clock_seconds_since(run->began_ns), run->report.finding_count);
	} while (request.first != 0);
	return LF_OK;
}

/* ---- against what was signed ---- */

/*
 * Asks for the proof that one state is a prefix of the other. false: it is not; or the call failed, which error says.
 */
static bool is_prefix(struct run *run, const struct state *from, const struct state *to)
{
	Leadfit__V1__ConsistencyRequest request;
	struct lf_digest hashes[LF_PROOF_HASHES_MAX];
	size_t count = 0;
	bool readable = true;
	ProtobufCMessage *message;
	const Leadfit__V1__ConsistencyResponse *reply;

	if (from->size == 0 || from->size == to->size)
		return lf_tree_verify_consistency(from->size, &from->root, to->size, &to->root, NULL, 0);
	leadfit__v1__consistency_request__init(&request);
	request.from_size = from->size;
	request.to_size = to->size;
	message = lf_cli_call(run->cli, "leadfit.v1.Audit/Consistency", &request.base, true, &run->error);
	if (message == NULL)
		return false;
	reply = (const Leadfit__V1__ConsistencyResponse *)message;
	for (; readable && count < reply->n_hashes; count++) {
		readable = count < LF_PROOF_HASHES_MAX && reply->hashes[count].len == sizeof(hashes[0]);
		if (readable)
			memcpy(&hashes[count], reply->hashes[count].data, sizeof(hashes[0]));
	}
	protobuf_c_message_free_unpacked(message, NULL);
	return readable && lf_tree_verify_consistency(from->size, &from->root, to->size, &to->root, hashes, count);
}

/* A root of zeros: the log is so damaged that it has none. */
static bool has_root(const struct run *run)
{
	static const struct lf_digest none;

	return !lf_digest_equal(&run->recomputed.root, &none);
}

/* What the service signs must be the log that it stores, of now: it may have grown since it was looked at. */
static void compare_signed(struct run *run, const struct state *end)
{
	bool grown;

	if (!has_root(run)) {
		find(run, "no root can be recomputed, so that nothing ties what is stored to what the service signs");
		run->signed_end = *end;
		return;
	}
	grown = end->size >= run->recomputed.size;
	if (is_prefix(run, grown ? &run->recomputed : end, grown ? end : &run->recomputed))
		run->signed_end = grown ? *end : run->recomputed;
	else if (run->error.code == LF_OK)
		find(run,
			"the service signs another log than it stores: its checkpoint of %" PRIu64
			" records is not consistent with the %" PRIu64 " that were recomputed",
			end->size, run->recomputed.size);
}

static enum lf_code check_signed(struct run *run)
{
	Leadfit__V1__CheckpointRequest request;
	struct lf_checkpoint end;
	enum lf_note_result result;
	ProtobufCMessage *message;
	const Leadfit__V1__CheckpointResponse *reply;
	char *checkpoint;

	leadfit__v1__checkpoint_request__init(&request);
	message = lf_cli_call(run->cli, "leadfit.v1.Audit/Checkpoint", &request.base, true, &run->error);
	if (message == NULL)
		return run->error.code;
	reply = (const Leadfit__V1__CheckpointResponse *)message;
	checkpoint = lf_arena_strdup(&run->arena, reply->checkpoint, strlen(reply->checkpoint));
	run->report.checkpoint = checkpoint == NULL ? run->report.checkpoint : checkpoint;
	run->signed_end = run->recomputed;
	if (!run->key_given && !lf_verifier_parse(reply->verifier_key, &run->key))
		lf_error_set(&run->error, LF_INTERNAL, "the service gives no key that can be read");
	else if ((result = lf_checkpoint_open(reply->checkpoint, strlen(reply->checkpoint), &run->key, &end)) !=
		LF_NOTE_OK)
		find(run, "the service's own checkpoint: %s (key %s+%08" PRIx32 ")", lf_note_result_text(result),
			run->key.name, run->key.id);
	else
		compare_signed(run, &(struct state){end.size, end.root});
	protobuf_c_message_free_unpacked(message, NULL);
	return run->error.code;
}

static enum lf_code check_kept(struct run *run, struct kept *kept)
{
	const char *name = kept->input.name;
	struct lf_checkpoint checkpoint;
	const enum lf_note_result result =
		lf_checkpoint_open(kept->input.text, kept->input.length, &run->key, &checkpoint);
	struct state then;

	if (result != LF_NOTE_OK) {
		find(run, "%s: %s (key %s+%08" PRIx32 ")", name, lf_note_result_text(result), run->key.name,
			run->key.id);
		return LF_OK;
	}
	then = (struct state){checkpoint.size, checkpoint.root};
	kept->size = then.size;
	if (then.size > run->signed_end.size)
		find(run, "%s: the log had %" PRIu64 " records then, and has %" PRIu64 " now: it was cut or set back",
			name, then.size, run->signed_end.size);
	else if (is_prefix(run, &then, &run->signed_end))
		kept->holds = true;
	else if (run->error.code == LF_OK)
		find(run,
			"%s: the log does not begin with the %" PRIu64
			" records that this checkpoint signs: they were altered, or this is another log",
			name, then.size);
	return run->error.code;
}

static enum lf_code check(struct run *run)
{
	enum lf_code code = recompute(run);

	lf_progress_end(&run->progress);
	if (code == LF_OK)
		code = check_signed(run);
	for (size_t i = 0; i < run->kept_count && code == LF_OK; i++)
		code = check_kept(run, &run->kept[i]);
	return code;
}

/* ---- the report ---- */

static void print_gone(struct lf_page *page, const char *how, uint64_t count)
{
	if (count > 0)
		lf_page_add(page, LF_PLAIN, "  %-12s%" PRIu64 " record%s, in whole or part, as a later record says\n",
			how, count, count == 1 ? "" : "s");
}

static void print_report(struct run *run)
{
	struct lf_page *page = &run->cli->page;
	const Leadfit__V1__LogVerified *report = &run->report;
	const double seconds = lf_clock_seconds_since(run->began_ns);
	char root[48]; /* as the checkpoint has it */
	char *note;

	if (report->finding_count > report->n_findings)
		lf_page_add(
			page, LF_WARN, "and %" PRIu64 " more findings\n", report->finding_count - report->n_findings);
	if (report->finding_count == 0)
		lf_page_add(page, LF_GOOD, "The log is whole: all %" PRIu64 " records are as they were written.",
			run->recomputed.size);
	else
		lf_page_add(page, LF_WARN, "The log is not as it was written: %" PRIu64 " finding%s.",
			report->finding_count, report->finding_count == 1 ? "" : "s");
	lf_page_add(page, LF_PLAIN, "\n  %-12s%" PRIu64 ", with %.1f MB of content, in %.1f s: %.0f records/s\n",
		"records", run->recomputed.size, (double)report->payload_bytes / 1e6, seconds,
		(double)run->looked_at / seconds);
	print_gone(page, "erased", report->erased);
	print_gone(page, "pruned", report->pruned);
	if (has_root(run))
		lf_base64_encode(&run->recomputed.root, sizeof(run->recomputed.root), root);
	else
		snprintf(root, sizeof(root), "none");
	lf_page_add(page, LF_PLAIN, "  %-12s%s\n", "root", root);
	lf_page_add(page, LF_PLAIN, "  %-12s%s%s\n", "key", report->verifier_key,
		run->key_given ? "" : " (as the service says; --key checks with one that you trust)");
	for (size_t i = 0; i < run->kept_count; i++)
		if (run->kept[i].holds)
			lf_page_add(page, LF_PLAIN, "  %-12sthe first %" PRIu64 " records are those that %s signs\n",
				"prefix", run->kept[i].size, run->kept[i].input.name);
	print_redactions(page, report);
	lf_page_add(page, LF_PLAIN,
		"\nThe signed checkpoint that it ends in. Kept elsewhere, it shows later (--checkpoint) whether\n"
		"anything was altered since:\n\n");
	note = strdup(report->checkpoint);
	if (note != NULL) {
		lf_text_make_harmless(note);
		lf_buffer_append_text(&page->text, note);
	}
	free(note);
}

static int report(struct run *run)
{
	char key[LF_KEY_TEXT_MAX];

	lf_verifier_print(&run->key, key);
	run->report.verifier_key = key;
	run->report.size = run->recomputed.size;
	run->report.root = (ProtobufCBinaryData){sizeof(run->recomputed.root), run->recomputed.root.bytes};
	run->report.findings = run->findings;
	run->report.redactions = run->redactions;
	if (run->cli->json)
		lf_cli_json(run->cli, &run->report.base);
	else
		print_report(run);
	return run->report.finding_count == 0 ? LF_EXIT_DONE : LF_EXIT_NO;
}

/* ---- the command ---- */

static enum lf_code take_options(struct run *run, const struct lf_arguments *arguments)
{
	const char *key = lf_argument(arguments, "key");
	size_t count = 0;

	run->key_given = key != NULL;
	if (key != NULL && lf_key_take(key, &run->key, &run->error) != LF_OK)
		return run->error.code;
	while (lf_argument_at(arguments, "checkpoint", count) != NULL)
		count++;
	run->kept = calloc(count + 1, sizeof(*run->kept));
	if (run->kept == NULL)
		return lf_error_set(&run->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	for (; run->kept_count < count; run->kept_count++)
		if (lf_input_read(&run->kept[run->kept_count].input,
			    lf_argument_at(arguments, "checkpoint", run->kept_count), false, &run->error) != LF_OK) {
			run->kept_count++; /* it is cleaned up, too */
			return run->error.code;
		}
	for (size_t i = 0; i < count; i++) {
		const struct lf_input *input = &run->kept[i].input;
		struct lf_checkpoint checkpoint;

		if (!lf_checkpoint_parse(
			    input->text, input->length, &checkpoint)) /* the wrong file says nothing about the log */
			return lf_error_set(&run->error, LF_INVALID_ARGUMENT,
				"--checkpoint: %.300s is no signed checkpoint, or is cut off", input->name);
	}
	return LF_OK;
}

static int run_verify(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct run *run = calloc(1, sizeof(*run));
	int status;

	if (run == NULL) {
		fputs("leadfit: out of memory\n", stderr);
		return LF_EXIT_UNAVAILABLE;
	}
	run->cli = cli;
	lf_error_init(&run->error);
	lf_arena_init(&run->arena, ARENA_BYTES_MAX);
	lf_progress_init(&run->progress);
	run->began_ns = lf_clock_ns();
	leadfit__v1__log_verified__init(&run->report);
	if (take_options(run, arguments) != LF_OK || check(run) != LF_OK)
		status = lf_cli_report(cli, &run->error, NULL, 0);
	else
		status = report(run);
	for (size_t i = 0; i < run->kept_count; i++)
		lf_input_clean_up(&run->kept[i].input);
	free(run->kept);
	for (size_t i = 0; i < run->report.n_redactions; i++)
		leadfit__v1__redaction__free_unpacked(run->redactions[i], NULL);
	lf_arena_clean_up(&run->arena);
	lf_error_clean_up(&run->error);
	free(run);
	return status;
}

const struct lf_command lf_command_decisions_verify = {
	.name = "decisions verify",
	.operands = "",
	.summary = "Check that nothing in the log was altered",
	.help = "The service recomputes the whole log: stored bytes, commitments, leaves, tree. The root is then\n"
		"compared here with the checkpoint that the service signs, and with checkpoints that were kept:\n"
		"each must be a state that the log went through, which is proved by hashes and not taken on trust.\n"
		"So a log that was cut, set back or swapped is found, which no log can tell by itself.\n"
		"Erasures and prunings are listed, the newest 20: whoever can write the file can add one, so hold "
		"them\n"
		"against your own records.\n"
		"Without --key, the key is the one that the service names. Every record that differs is printed,\n"
		"the first one first. The service goes on meanwhile.\n"
		"Exit status 0: nothing was altered; 1: something was, and is named.\n\n"
		"Examples:\n"
		"  leadfit decisions verify\n"
		"  leadfit decisions verify --key leadfit.vkey --checkpoint may.checkpoint\n",
	.options = verify_options,
	.run = run_verify,
};
