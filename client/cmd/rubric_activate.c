/* leadfit rubric activate, rubric deactivate, rubric default. */
#include <string.h>

#include "client/cmd/commands.h"
#include "client/given/rubric_ref.h"
#include "client/views/rubric_versions_page.h"
#include "proto/wire/borrow.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};
static const struct lf_option activate_options[] = {
	{"rubric", "NAME", "the name that the version must have (default: whichever it has)", false},
	{NULL, NULL, NULL, false},
};

/* ---- activate ---- */

/* The version that the operand means, as the request's name and digest. */
static enum lf_code find_version(struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_input *input,
	Leadfit__V1__ActivateRubricRequest *request, struct lf_arena *arena, struct lf_error *error)
{
	const char *operand = arguments->operands[0], *name = lf_argument(arguments, "rubric");
	char *own_name, *digest;

	if (lf_rubric_is_file(operand)) {
		Leadfit__V1__Rubric *rubric = lf_rubric_read(input, operand, arena, error);

		if (rubric == NULL)
			return error->code;
		own_name = rubric->name;
		digest = lf_rubric_digest(rubric, arena, error);
		if (digest == NULL)
			return error->code;
	} else if (lf_rubric_stored(cli, "rubric activate", operand, arena, &own_name, &digest, error) != LF_OK) {
		return error->code;
	}
	if (name != NULL && *own_name != '\0' && strcmp(name, own_name) != 0)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "--rubric %s: %s is a version of %s", name, operand, own_name);
	request->name = own_name;
	if (digest != NULL)
		request->digest = digest;
	return *own_name == '\0' ? lf_argument_text(arguments, "rubric", &request->name, arena, error) : LF_OK;
}

static int run_activate(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {
		{.prefix = "digest", .option = "rubric activate"}, {.prefix = "name", .option = "--rubric"}};
	struct lf_input input = {0};
	const struct lf_source file[] = {{.prefix = "", .input = &input}};
	Leadfit__V1__ActivateRubricRequest request;
	ProtobufCMessage *reply = NULL;
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	leadfit__v1__activate_rubric_request__init(&request);
	if (find_version(cli, arguments, &input, &request, &arena, &error) == LF_OK) {
		reply = lf_cli_call(cli, "leadfit.v1.Rubrics/Activate", &request.base, false, &error);
		if (reply == NULL && error.code == LF_NOT_FOUND && input.text != NULL)
			lf_error_set(&error, LF_NOT_FOUND,
				"%s: this version is not stored: leadfit rubric put --activate %s stores it and makes "
				"it "
				"active",
				input.name, arguments->operands[0]);
		status = reply == NULL ? lf_cli_report(cli, &error, sources, 2) : LF_EXIT_DONE;
	} else {
		status = lf_cli_report(cli, &error, file, input.text != NULL ? 1 : 0);
	}
	if (reply != NULL && cli->json)
		lf_cli_json(cli, reply);
	else if (reply != NULL)
		lf_rubric_activated_print(&cli->page, (const Leadfit__V1__ActivateRubricResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_arena_clean_up(&arena);
	lf_input_clean_up(&input);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_activate = {
	.name = "rubric activate",
	.operands = "NAME|FILE|DIGEST",
	.summary = "Make a stored version the active one of its name; going back to an earlier one is the same act",
	.help = "NAME: its newest stored version. FILE: the stored version that this file is. DIGEST: the first 8\n"
		"digits or more; rubric list shows 12. From then on requests that name the rubric get this\n"
		"version; those in flight keep the one that they began with. Who did it, and when, is recorded:\n"
		"rubric history. A version that fails its own scenarios is refused, unless it was active before.\n"
		"At most 64 names are active at once. Role: rubric.\n\n"
		"Examples:\n"
		"  leadfit rubric activate tech-lead\n"
		"  leadfit rubric activate 3f2a91c0d2e1\n",
	.options = activate_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_activate,
};

/* ---- deactivate ---- */

static int run_deactivate(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {{.prefix = "name", .option = "rubric deactivate"}};
	Leadfit__V1__DeactivateRubricRequest request;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;
	ProtobufCMessage *reply;

	leadfit__v1__deactivate_rubric_request__init(&request);
	request.name = lf_unconst(arguments->operands[0]);
	reply = lf_cli_call(cli, "leadfit.v1.Rubrics/Deactivate", &request.base, false, &error);
	if (reply == NULL)
		status = lf_cli_report(cli, &error, sources, 1);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_rubric_deactivated_print(
			&cli->page, arguments->operands[0], (const Leadfit__V1__DeactivateRubricResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_deactivate = {
	.name = "rubric deactivate",
	.operands = "NAME",
	.summary = "Take a rubric out of use: its name has no active version from then on",
	.help = "Requests that name it are refused until one of its versions is activated again; the versions and\n"
		"the decisions by them stay. Where it is the default rubric, requests that name none are refused,\n"
		"too. Who did it, and when, is recorded: rubric history. Role: rubric.\n\n"
		"Example:\n"
		"  leadfit rubric deactivate tech-lead\n",
	.options = no_options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run_deactivate,
};

/* ---- default ---- */

static int set_default(struct lf_cli *cli, const char *name, struct lf_error *error)
{
	static const struct lf_source sources[] = {{.prefix = "name", .option = "rubric default"}};
	Leadfit__V1__SetDefaultRubricRequest request;
	int status = LF_EXIT_DONE;
	ProtobufCMessage *reply;

	leadfit__v1__set_default_rubric_request__init(&request);
	request.name = lf_unconst(name);
	reply = lf_cli_call(cli, "leadfit.v1.Rubrics/SetDefault", &request.base, false, error);
	if (reply == NULL)
		status = lf_cli_report(cli, error, sources, 1);
	else if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_rubric_default_print(&cli->page, (const Leadfit__V1__SetDefaultRubricResponse *)reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

/* As JSON, what setting it again would answer. */
static int print_default(struct lf_cli *cli, struct lf_error *error)
{
	Leadfit__V1__ListRubricsRequest request;
	Leadfit__V1__SetDefaultRubricResponse as_set;
	const Leadfit__V1__ListRubricsResponse *list;
	int status;
	ProtobufCMessage *reply;

	leadfit__v1__list_rubrics_request__init(&request);
	reply = lf_cli_call(cli, "leadfit.v1.Rubrics/List", &request.base, true, error);
	if (reply == NULL)
		return lf_cli_report(cli, error, NULL, 0);
	list = (const Leadfit__V1__ListRubricsResponse *)reply;
	leadfit__v1__set_default_rubric_response__init(&as_set);
	as_set.from = as_set.to = list->default_name;
	status = lf_rubric_default_version(list) != NULL ? LF_EXIT_DONE : LF_EXIT_NO;
	if (cli->json)
		lf_cli_json(cli, &as_set.base);
	else
		lf_rubric_default_of_list_print(&cli->page, list);
	protobuf_c_message_free_unpacked(reply, NULL);
	return status;
}

static int run_default(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_error error = LF_ERROR_INIT;
	const int status = arguments->operand_count > 0 ? set_default(cli, arguments->operands[0], &error)
							: print_default(cli, &error);

	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_default = {
	.name = "rubric default",
	.operands = "NAME",
	.summary = "Say which rubric a request gets that names none, or make it another",
	.help = "NAME must have an active version. Who set it, and when, is recorded: rubric history. Role: rubric;\n"
		"without NAME: read, and exit status 1 where a request that names none is refused.\n\n"
		"Examples:\n"
		"  leadfit rubric default\n"
		"  leadfit rubric default tech-lead\n",
	.options = no_options,
	.operand_max = 1,
	.run = run_default,
};
