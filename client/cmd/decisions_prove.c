/* leadfit decisions prove, leadfit decisions verify-proof: one decision, proved in one file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/proof_check.h"
#include "client/cmd/commands.h"
#include "client/files/key.h"
#include "client/term/outfile.h"
#include "client/views/proof_page.h"
#include "leadfit/v1/audit.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/base/limits.h"

/* clang-format off */
static const struct lf_option prove_options[] = {
	{"proof", "FILE", "write the proof to this file; without it, to standard output", false},
	LF_KEY_OPTION,
	{NULL, NULL, NULL, false},
};
static const struct lf_option verify_options[] = {
	LF_KEY_OPTION,
	{NULL, NULL, NULL, false},
};
/* clang-format on */

/* ---- prove ---- */

/*
 * The proof is not worth keeping where it does not hold: checked with the service's own key, and with the one that is
 * trusted.
 */
static Leadfit__V1__ProvedDecision *check_reply(const Leadfit__V1__ProveResponse *reply, const char *id,
	const struct lf_verifier *trusted, struct lf_arena *arena, struct lf_error *error)
{
	struct lf_verifier own;
	Leadfit__V1__ProvedDecision *proved;

	if (!lf_verifier_parse(reply->verifier_key, &own)) {
		lf_error_add(error, "verifier_key", "the service gives no key that can be read");
		return NULL;
	}
	proved = lf_proof_check(reply->proof, strlen(reply->proof), &own, arena, error);
	if (proved != NULL && trusted != NULL)
		proved = lf_proof_check(reply->proof, strlen(reply->proof), trusted, arena, error);
	if (proved != NULL && proved->record != NULL && strcasecmp(proved->decision_id, id) != 0) {
		lf_error_add(
			error, "record", "is of decision %s, not of the one that was asked for", proved->decision_id);
		return NULL;
	}
	return proved;
}

static int write_proof(struct lf_cli *cli, const char *path, const Leadfit__V1__ProveResponse *reply,
	const Leadfit__V1__ProvedDecision *proved)
{
	struct lf_buffer text = {0};
	int failed;

	if (path == NULL) {
		if (cli->json)
			lf_cli_json(cli, &reply->base);
		else
			lf_buffer_append_text(&cli->page.text, reply->proof);
		return LF_EXIT_DONE;
	}
	lf_buffer_append_text(&text, reply->proof);
	failed = text.failed ? ENOMEM : lf_file_put(path, &text);
	lf_buffer_clean_up(&text);
	if (failed != 0) {
		fprintf(stderr, "leadfit: --proof: %s: %s\n", path, strerror(failed));
		return LF_EXIT_UNAVAILABLE;
	}
	if (cli->json) {
		lf_cli_json(cli, &reply->base);
		return LF_EXIT_DONE;
	}
	lf_proved_print(&cli->page, proved);
	lf_page_add(&cli->page, LF_PLAIN,
		"The proof is in %s. It is checked without the service:\nleadfit decisions verify-proof %s --key %s\n",
		path, path, reply->verifier_key);
	return LF_EXIT_DONE;
}

/* Calls, checks and writes. trusted: NULL without --key. */
static int prove(struct lf_cli *cli, const struct lf_arguments *arguments, const struct lf_verifier *trusted,
	struct lf_arena *arena, struct lf_error *error)
{
	static const struct lf_source source = {.prefix = "decision_id", .option = "decisions prove"};
	const char *id = arguments->operands[0];
	Leadfit__V1__ProveRequest request;
	int status;
	ProtobufCMessage *message;
	const Leadfit__V1__ProveResponse *reply;
	const Leadfit__V1__ProvedDecision *proved;

	leadfit__v1__prove_request__init(&request);
	request.decision_id = strlen(id) <= LF_ID_BYTES_MAX ? lf_arena_strdup(arena, id, strlen(id)) : NULL;
	if (request.decision_id == NULL) {
		lf_error_set(error, LF_INVALID_ARGUMENT, "decisions prove: this is no decision id");
		return lf_cli_report(cli, error, NULL, 0);
	}
	message = lf_cli_call(cli, "leadfit.v1.Audit/Prove", &request.base, true, error);
	if (message == NULL)
		return lf_cli_report(cli, error, &source, 1);
	reply = (const Leadfit__V1__ProveResponse *)message;
	proved = check_reply(reply, id, trusted, arena, error);
	if (proved != NULL)
		status = write_proof(cli, lf_argument(arguments, "proof"), reply, proved);
	else
		status = lf_refuse("the proof that the service gives does not hold", error);
	protobuf_c_message_free_unpacked(message, NULL);
	return status;
}

static int run_prove(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	const char *key = lf_argument(arguments, "key");
	struct lf_verifier trusted;
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	if (key != NULL && lf_key_take(key, &trusted, &error) != LF_OK)
		status = lf_cli_report(cli, &error, NULL, 0);
	else
		status = prove(cli, arguments, key == NULL ? NULL : &trusted, &arena, &error);
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
	return status;
}

/* ---- verify-proof ---- */

static int verify(struct lf_cli *cli, const struct lf_input *input, const struct lf_verifier *verifier)
{
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;
	const Leadfit__V1__ProvedDecision *proved;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	proved = lf_proof_check(input->text, input->length, verifier, &arena, &error);
	if (proved == NULL)
		status = lf_refuse(input->name, &error);
	else if (cli->json)
		lf_cli_json(cli, &proved->base);
	else
		lf_proved_print(&cli->page, proved);
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
	return status;
}

static int run_verify_proof(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	const char *key = lf_argument(arguments, "key");
	struct lf_input input = {0};
	struct lf_verifier verifier;
	struct lf_error error = LF_ERROR_INIT;
	int status;

	if (key == NULL)
		lf_error_set(&error, LF_INVALID_ARGUMENT,
			"verify-proof needs --key VKEY|FILE: a proof can't vouch for itself. The service prints its "
			"key when it starts");
	if (error.code != LF_OK || lf_key_take(key, &verifier, &error) != LF_OK ||
		lf_input_read(&input, arguments->operands[0], false, &error) != LF_OK)
		status = lf_cli_report(cli, &error, NULL, 0);
	else
		status = verify(cli, &input, &verifier);
	lf_input_clean_up(&input);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_decisions_prove = {
	.name = "decisions prove",
	.operands = "ID",
	.summary = "Prove that a decision is in the log, in one file that is checked offline",
	.help = "The proof is a text in the form of C2SP tlog-proof: the record with all that it was decided from,\n"
		"the hashes from it to the root of the log's tree, and a signed checkpoint of that root. It is\n"
		"checked before it is written, with the key that the service names and with --key where given.\n"
		"It holds personal data: whoever has the file can read the decision, also after an erasure.\n"
		"Exit status 1: the proof does not hold.\n\n"
		"Examples:\n"
		"  leadfit decisions prove 0196f0a4-8b6e-7c3d-9f21-5d2f6f1f7a10 --proof decision.tlog-proof\n"
		"  leadfit decisions verify-proof decision.tlog-proof --key leadfit.vkey\n",
	.options = prove_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_prove,
};

const struct lf_command lf_command_decisions_verify_proof = {
	.name = "decisions verify-proof",
	.operands = "FILE",
	.summary = "Check such a proof; needs no service",
	.help = "Checks the checkpoint's signature by --key, that the record is in the tree which it signs, and that\n"
		"record, team, project and rubric are what the record commits to. What was erased or pruned since\n"
		"is said, and not checked. --output json gives the record, too.\n"
		"--key is the log's public key, NAME+ID+BASE64, from somewhere else than the proof: the service\n"
		"prints it when it starts, and writes it beside its signing key.\n"
		"Exit status 0: proved; 1: something does not hold, and is named; 2: file or key can't be read.\n\n"
		"Example:\n"
		"  leadfit decisions verify-proof decision.tlog-proof --key leadfit.vkey\n",
	.options = verify_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_verify_proof,
};
