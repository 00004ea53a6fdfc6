/* leadfit call: any method of the interface, with JSON in and JSON out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd/commands.h"
#include "proto/base/limits.h"
#include "proto/wire/methods.h"
#include "proto/wire/wire.h"

static const struct lf_option options[] = {
	{"list", NULL, "list the methods that this client knows", false},
	{NULL, NULL, NULL, false},
};

enum { METHOD_MAX = 128 };

static int list_methods(struct lf_cli *cli)
{
	for (size_t s = 0; lf_services[s] != NULL; s++)
		for (unsigned m = 0; m < lf_services[s]->n_methods; m++)
			lf_page_add(
				&cli->page, LF_PLAIN, "%s/%s\n", lf_services[s]->name, lf_services[s]->methods[m].name);
	return LF_EXIT_DONE;
}

/* The method's full name: as given, or without its package leadfit.v1. */
static enum lf_code full_name(const char *given, char name[METHOD_MAX], struct lf_error *error)
{
	static const char *const prefixes[] = {"", "leadfit.v1."};
	unsigned index;
	const char *nearest;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const int length = snprintf(name, METHOD_MAX, "%s%s", prefixes[i], given);

		if (length > 0 && length < METHOD_MAX && lf_find_method(name, (size_t)length, &index) != NULL)
			return LF_OK;
	}
	nearest = lf_nearest_method(given, strlen(given));
	if (nearest == NULL && strlen(name) < METHOD_MAX - 1)
		nearest = lf_nearest_method(name, strlen(name)); /* with the package in front */
	return lf_error_set(error, LF_INVALID_ARGUMENT, "unknown method %.100s%s%s; leadfit call --list lists them",
		given, nearest == NULL ? "" : ", did you mean ", nearest == NULL ? "" : nearest);
}

/* The request's text: the word itself, a file, or standard input. */
static enum lf_code read_request(struct lf_input *input, const char *word, struct lf_error *error)
{
	if (strcmp(word, "-") == 0 || word[0] == '@')
		return lf_input_read(input, word[0] == '@' ? word + 1 : word, false, error);
	*input = (struct lf_input){
		.name = "JSON", .storage = strdup(word), .length = strlen(word), .format = LF_INPUT_JSON};
	input->text = input->storage;
	return input->storage == NULL ? lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory") : LF_OK;
}

/* Whether a call may be repeated: it only reads, or carries an idempotency key. */
static bool may_repeat(const ProtobufCServiceDescriptor *service, unsigned method, const ProtobufCMessage *request)
{
	if (lf_method_is_read(service, method))
		return true;
	if (request->descriptor == &leadfit__v1__score_request__descriptor)
		return ((const Leadfit__V1__ScoreRequest *)request)->idempotency_key[0] != '\0';
	return false;
}

static int call(struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_input *input,
	struct lf_arena *arena, struct lf_error *error)
{
	const struct lf_source source = {.prefix = "", .input = input};
	char name[METHOD_MAX];
	unsigned index;
	const ProtobufCServiceDescriptor *service;
	ProtobufCMessage *request, *reply;

	if (full_name(arguments->operands[0], name, error) != LF_OK ||
		read_request(input, arguments->operand_count > 1 ? arguments->operands[1] : "{}", error) != LF_OK)
		return lf_cli_report(cli, error, NULL, 0);
	service = lf_find_method(name, strlen(name), &index);
	request = lf_input_parse(input, service->methods[index].input, NULL, arena, error);
	reply = request == NULL ? NULL : lf_cli_call(cli, name, request, may_repeat(service, index, request), error);
	if (reply == NULL)
		return lf_cli_report(cli, error, &source, 1);
	lf_cli_json(cli, reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return LF_EXIT_DONE;
}

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_input input = {0};
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status;

	if (lf_argument(arguments, "list") != NULL)
		return list_methods(cli);
	if (arguments->operand_count == 0) {
		lf_error_set(&error, LF_INVALID_ARGUMENT, "call needs METHOD; leadfit call --list lists them");
		return lf_cli_report(cli, &error, NULL, 0);
	}
	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	status = call(cli, arguments, &input, &arena, &error);
	lf_arena_clean_up(&arena);
	lf_input_clean_up(&input);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_call = {
	.name = "call",
	.operands = "METHOD [JSON | @FILE | -]",
	.summary = "Call any method with a request in JSON; print the reply as JSON",
	.help = "METHOD is e.g. leadfit.v1.Decisions/Get; the package leadfit.v1 may be left out. The request is\n"
		"JSON, or the content of FILE or standard input (YAML too); without one it is {}.\n\n"
		"Examples:\n"
		"  leadfit call Decisions/List '{\"team\": \"payments\", \"pageSize\": 3}'\n"
		"  leadfit call leadfit.v1.Scoring/Score @request.yaml\n",
	.options = options,
	.operand_max = 2,
	.run = run,
};
