/* leadfit decisions verify: the whole log recomputed, and compared with what was signed before. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/calc/proof_check.h"
#include "client/calc/verified.h"
#include "client/cmd/commands.h"
#include "client/files/key.h"
#include "client/term/progress.h"
#include "client/views/verified_page.h"
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

enum { ARENA_BYTES_MAX = 64 * 1024 * 1024 };

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
	struct lf_log_state signed_end;
	struct lf_progress progress;
	uint64_t began_ns;
	struct lf_verified verified;
};

/* ---- findings ---- */

/* Counts it, and shows the first ones at once. */
static void take_finding(struct run *run, const Leadfit__V1__Finding *finding)
{
	if (lf_verified_finding(&run->verified, finding) && !run->cli->json)
		lf_finding_print(&run->cli->page, finding);
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

/* ---- recomputing ---- */

/* Adds a slice that was asked for from first on. INTERNAL where the answers make no sense together. */
static enum lf_code take_slice(
	struct run *run, const Leadfit__V1__VerifyRequest *request, const Leadfit__V1__VerifyResponse *slice)
{
	if (!lf_verified_slice(&run->verified, request, slice))
		return lf_error_set(&run->error, LF_INTERNAL, "the service's answers to Verify do not fit each other");
	if (slice->n_findings > 0)
		lf_progress_end(&run->progress);
	for (size_t i = 0; i < slice->n_findings; i++)
		take_finding(run, slice->findings[i]);
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
			run->verified.looked_at, request.size, (double)run->verified.report.payload_bytes / 1e6,
			(double)run->verified.looked_at / lf_clock_seconds_since(run->began_ns),
			run->verified.report.finding_count);
	} while (request.first != 0);
	return LF_OK;
}

/* ---- against what was signed ---- */

/*
 * Asks for the proof that one state is a prefix of the other. false: it is not; or the call failed, which error says.
 */
static bool is_prefix(struct run *run, const struct lf_log_state *from, const struct lf_log_state *to)
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

/* What the service signs must be the log that it stores, of now: it may have grown since it was looked at. */
static void compare_signed(struct run *run, const struct lf_log_state *end)
{
	bool grown;

	if (!lf_verified_has_root(&run->verified)) {
		find(run, "no root can be recomputed, so that nothing ties what is stored to what the service signs");
		run->signed_end = *end;
		return;
	}
	grown = end->size >= run->verified.recomputed.size;
	if (is_prefix(run, grown ? &run->verified.recomputed : end, grown ? end : &run->verified.recomputed))
		run->signed_end = grown ? *end : run->verified.recomputed;
	else if (run->error.code == LF_OK)
		find(run,
			"the service signs another log than it stores: its checkpoint of %" PRIu64
			" records is not consistent with the %" PRIu64 " that were recomputed",
			end->size, run->verified.recomputed.size);
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
	run->verified.report.checkpoint = checkpoint == NULL ? run->verified.report.checkpoint : checkpoint;
	run->signed_end = run->verified.recomputed;
	if (!run->key_given && !lf_verifier_parse(reply->verifier_key, &run->key))
		lf_error_set(&run->error, LF_INTERNAL, "the service gives no key that can be read");
	else if ((result = lf_checkpoint_open(reply->checkpoint, strlen(reply->checkpoint), &run->key, &end)) !=
		LF_NOTE_OK)
		find(run, "the service's own checkpoint: %s (key %s+%08" PRIx32 ")", lf_note_result_text(result),
			run->key.name, run->key.id);
	else
		compare_signed(run, &(struct lf_log_state){end.size, end.root});
	protobuf_c_message_free_unpacked(message, NULL);
	return run->error.code;
}

static enum lf_code check_kept(struct run *run, struct kept *kept)
{
	const char *name = kept->input.name;
	struct lf_checkpoint checkpoint;
	const enum lf_note_result result =
		lf_checkpoint_open(kept->input.text, kept->input.length, &run->key, &checkpoint);
	struct lf_log_state then;

	if (result != LF_NOTE_OK) {
		find(run, "%s: %s (key %s+%08" PRIx32 ")", name, lf_note_result_text(result), run->key.name,
			run->key.id);
		return LF_OK;
	}
	then = (struct lf_log_state){checkpoint.size, checkpoint.root};
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

static int report(struct run *run)
{
	char key[LF_KEY_TEXT_MAX];
	struct lf_verify_frame frame = {.seconds = lf_clock_seconds_since(run->began_ns), .key_given = run->key_given};

	lf_verifier_print(&run->key, key);
	run->verified.report.verifier_key = key;
	lf_verified_finish(&run->verified);
	if (run->cli->json) {
		lf_cli_json(run->cli, &run->verified.report.base);
	} else {
		lf_verified_print(&run->cli->page, &run->verified, &frame);
		for (size_t i = 0; i < run->kept_count; i++)
			if (run->kept[i].holds)
				lf_verified_print_prefix(&run->cli->page, run->kept[i].size, run->kept[i].input.name);
		lf_verified_print_rest(&run->cli->page, &run->verified);
	}
	return run->verified.report.finding_count == 0 ? LF_EXIT_DONE : LF_EXIT_NO;
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
	lf_verified_init(&run->verified, &run->arena);
	lf_progress_init(&run->progress);
	run->began_ns = lf_clock_ns();
	if (take_options(run, arguments) != LF_OK || check(run) != LF_OK)
		status = lf_cli_report(cli, &run->error, NULL, 0);
	else
		status = report(run);
	for (size_t i = 0; i < run->kept_count; i++)
		lf_input_clean_up(&run->kept[i].input);
	free(run->kept);
	lf_verified_clean_up(&run->verified);
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
