/* leadfit: the command line client. This file holds what all commands share: the table, the call, reports, the end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cmd/cli.h"
#include "proto/base/buffer.h"
#include "proto/wire/wire.h"

static const struct lf_command *const commands[] = {&lf_command_score, &lf_command_batch, &lf_command_profile,
	&lf_command_decisions_list, &lf_command_decisions_show, &lf_command_decisions_verify,
	&lf_command_decisions_prove, &lf_command_decisions_verify_proof, &lf_command_decisions_replay,
	&lf_command_decisions_outcome, &lf_command_decisions_report, &lf_command_decisions_erase,
	&lf_command_decisions_export, &lf_command_decisions_watch, &lf_command_audit_impact, &lf_command_rubric_check,
	&lf_command_rubric_list, &lf_command_rubric_show, &lf_command_rubric_explain, &lf_command_rubric_diff,
	&lf_command_rubric_fmt, &lf_command_rubric_weights, &lf_command_rubric_test, &lf_command_rubric_put,
	&lf_command_rubric_activate, &lf_command_rubric_history, &lf_command_rubric_backtest, &lf_command_backup,
	&lf_command_retention, &lf_command_call, &lf_command_health, &lf_command_version, &lf_command_token,
	&lf_command_help, NULL};

/*
 * A command has one call at a time; the rest is for a call that was given up while nng still holds it. The client makes
 * its slots when it is made: those of the default, 256, cost a short command 0.3 ms of its 5.
 */
enum { IN_FLIGHT = 4 };

/*
 * Ends at once, as a shell expects: killed by the same signal. The first process of a container is not killed by its
 * own signals; it gets the status that a shell would show.
 */
static void end_at_once(int signal_number)
{
	raise(signal_number);
	_exit(128 + signal_number);
}

static void set_signals(void)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = end_at_once, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	struct sigaction old;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed pipe shows as EPIPE */
}

/* A standard descriptor that is closed would be given to the next file or socket, which then gets our output. */
static void hold_standard_descriptors(void)
{
	for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++)
		if (fcntl(file, F_GETFD) < 0 && open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

static enum lf_code take_timeout(struct lf_cli *cli, const char *text, struct lf_error *error)
{
	char *end;
	const double seconds = strtod(text, &end);

	if (text[0] == '\0' || text[strspn(text, "0123456789.")] != '\0' || *end != '\0' || !(seconds >= 0.001) ||
		seconds > 86400)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "--timeout: %s is not a number of seconds 0.001..86400", text);
	cli->timeout_ms = (unsigned)(seconds * 1000);
	return LF_OK;
}

static enum lf_code take_color(const char *text, enum lf_color *color, struct lf_error *error)
{
	static const char *const names[] = {"auto", "always", "never"};
	static const enum lf_color values[] = {LF_COLOR_AUTO, LF_COLOR_ALWAYS, LF_COLOR_NEVER};
	size_t index = 0;

	if (text != NULL && lf_option_choice("color", text, names, 3, &index, error) != LF_OK)
		return LF_INVALID_ARGUMENT;
	*color = values[index];
	return LF_OK;
}

static enum lf_code check_token(const char *token, const char *where, struct lf_error *error)
{
	const size_t length = strlen(token);

	if (length == 0 || length > 1000)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "%s: a token has 1..1000 characters, this has %zu", where, length);
	for (const char *c = token; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return lf_error_set(
				error, LF_INVALID_ARGUMENT, "%s: a token is visible ASCII without spaces", where);
	return LF_OK;
}

/* The token is the file's only line. */
static enum lf_code take_token(struct lf_cli *cli, const char *path, struct lf_error *error)
{
	const char *from_environment = getenv("LEADFIT_TOKEN");
	struct lf_input input;

	if (path == NULL && (from_environment == NULL || from_environment[0] == '\0'))
		return LF_OK;
	if (path == NULL) {
		cli->token = strdup(from_environment);
		return cli->token == NULL ? lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory")
					  : check_token(cli->token, "LEADFIT_TOKEN", error);
	}
	input = (struct lf_input){0};
	if (lf_input_read(&input, path, false, error) == LF_OK) {
		size_t length = input.length;

		while (length > 0 && strchr(" \t\r\n", input.text[length - 1]) != NULL)
			length--;
		cli->token = strndup(input.text, length);
		if (cli->token == NULL)
			lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
		else
			check_token(cli->token, path, error);
		explicit_bzero(input.storage, input.length);
	}
	lf_input_clean_up(&input);
	return error->code;
}

/* What the global options and the environment say. */
static enum lf_code take_globals(struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_error *error)
{
	static const char *const outputs[] = {"table", "json", "csv"};
	const bool lines = arguments->command != NULL && arguments->command->writes_lines;
	size_t output = 0;
	enum lf_color color;
	const char *text;

	if (take_color(lf_argument(arguments, "color"), &color, error) != LF_OK)
		return error->code;
	lf_page_init(&cli->page, color);
	if ((text = lf_argument(arguments, "output")) != NULL &&
		lf_option_choice("output", text, lines ? outputs + 1 : outputs, 2, &output, error) != LF_OK)
		return error->code;
	cli->json = lines ? output == 0 : output == 1;
	cli->csv = lines && output == 1;
	if ((text = lf_argument(arguments, "timeout")) != NULL && take_timeout(cli, text, error) != LF_OK)
		return error->code;
	cli->server = lf_argument(arguments, "server");
	cli->server_given = cli->server != NULL;
	if (cli->server == NULL)
		cli->server = getenv("LEADFIT_SERVER");
	if (cli->server == NULL || cli->server[0] == '\0')
		cli->server = LF_SERVER_DEFAULT;
	return take_token(cli, lf_argument(arguments, "token-file"), error);
}

ProtobufCMessage *lf_cli_call(struct lf_cli *cli, const char *method, const ProtobufCMessage *request, bool idempotent,
	struct lf_error *error)
{
	unsigned index;
	const ProtobufCServiceDescriptor *service = lf_find_method(method, strlen(method), &index);
	struct lf_client_options options;
	struct lf_call_options call;

	if (service == NULL) {
		lf_error_set(error, LF_INTERNAL, "%s is not a method that this client knows", method);
		return NULL;
	}
	cli->called = true;
	options = (struct lf_client_options){.url = cli->server,
		.token = cli->token,
		.in_flight_max = IN_FLIGHT,
		.connect_timeout_ms = cli->timeout_ms > 0 && cli->timeout_ms < 2000 ? cli->timeout_ms : 0};
	if (cli->client == NULL && lf_client_new(&cli->client, &options, error) != LF_OK) {
		cli->client = NULL;
		return NULL;
	}
	call = (struct lf_call_options){.timeout_ms = cli->timeout_ms, .idempotent = idempotent};
	return lf_client_call(cli->client, service, index, request, &call, error);
}

void lf_cli_json(struct lf_cli *cli, const ProtobufCMessage *message)
{
	const struct lf_json_style style = {.pretty = true};

	lf_json_print(message, &style, &cli->page.text);
	if (cli->page.text.length > 0 && cli->page.text.data[cli->page.text.length - 1] != '\n')
		lf_buffer_append_text(&cli->page.text, "\n");
}

/* Appends text indented by four spaces from its second line on: a message within a list. */
static void append_indented(struct lf_buffer *out, const char *text)
{
	while (*text != '\0') {
		const size_t length = strcspn(text, "\n");

		lf_buffer_append(out, text, length);
		text += length;
		if (*text == '\n' && *++text != '\0')
			lf_buffer_append_text(out, "\n    ");
	}
}

void lf_cli_json_item(struct lf_cli *cli, const ProtobufCMessage *item, const char *begin)
{
	const struct lf_json_style style = {.pretty = true};
	struct lf_buffer text = {0};

	lf_json_print(item, &style, &text);
	lf_buffer_append_text(&cli->page.text, begin != NULL ? begin : ",");
	lf_buffer_append_text(&cli->page.text, "\n    ");
	if (text.data != NULL)
		append_indented(&cli->page.text, text.data);
	cli->page.text.failed = cli->page.text.failed || text.failed;
	lf_buffer_clean_up(&text);
}

void lf_cli_json_rest(struct lf_cli *cli, const ProtobufCMessage *rest, bool items)
{
	const struct lf_json_style style = {.pretty = true};
	struct lf_buffer text = {0};

	lf_json_print(rest, &style, &text);
	cli->page.text.failed = cli->page.text.failed || text.failed;
	if (text.data != NULL && items) {
		/* What follows its opening brace: the other fields, or only the closing one. */
		const char *fields = text.data + 1;

		lf_buffer_append_text(&cli->page.text, fields[strspn(fields, " \n")] == '}' ? "\n  ]\n" : "\n  ],");
		lf_buffer_append_text(&cli->page.text, fields);
	} else if (text.data != NULL) {
		lf_buffer_append_text(&cli->page.text, text.data);
	}
	if (cli->page.text.length > 0 && cli->page.text.data[cli->page.text.length - 1] != '\n')
		lf_buffer_append_text(&cli->page.text, "\n");
	lf_buffer_clean_up(&text);
}

/*
 * UNAVAILABLE is also a file that can't be written, here or on the service's machine: only the library's own words mean
 * the service.
 */
static const char *hint_for(enum lf_code code, const char *message)
{
	if (code == LF_UNAVAILABLE && strstr(message, "can't reach") != NULL)
		return "leadfit: is leadfitd running there? Name its address with --server or LEADFIT_SERVER.\n";
	if (code == LF_UNAUTHENTICATED)
		return "leadfit: give this caller's token with --token-file FILE, or in LEADFIT_TOKEN.\n";
	if (code == LF_DEADLINE_EXCEEDED)
		return "leadfit: --timeout SECONDS allows for more.\n";
	return "";
}

int lf_cli_report(
	const struct lf_cli *cli, const struct lf_error *error, const struct lf_source *sources, size_t source_count)
{
	struct lf_buffer text = {0};

	for (size_t i = 0; i < error->violation_kept; i++)
		lf_violation_print(
			&text, error->violations[i].field, error->violations[i].description, sources, source_count);
	if (error->violation_kept > 0 && error->violation_count > error->violation_kept) {
		char more[64];

		snprintf(more, sizeof(more), "leadfit: and %zu more\n", error->violation_count - error->violation_kept);
		lf_buffer_append_text(&text, more);
	}
	if (error->violation_kept == 0) {
		lf_buffer_append_text(&text, "leadfit: ");
		lf_buffer_append_text(&text, error->message);
		lf_buffer_append_text(&text, "\n");
	}
	if (cli->called)
		lf_buffer_append_text(&text, hint_for(error->code, error->message));
	if (text.data != NULL)
		lf_text_make_harmless(text.data);
	fputs(text.failed ? "leadfit: out of memory\n" : text.data, stderr);
	lf_buffer_clean_up(&text);
	return lf_code_exit_status(error->code);
}

static int usage_error(const struct lf_cli *cli, const struct lf_arguments *arguments, const struct lf_error *error)
{
	const int status = lf_cli_report(cli, error, NULL, 0);

	fprintf(stderr, "leadfit: see leadfit %s%s\n", arguments->command == NULL ? "help" : "help ",
		arguments->command == NULL ? "" : arguments->command->name);
	return status;
}

/* Runs the command, or shows help. */
static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	const bool help = lf_argument(arguments, "help") != NULL;

	if (help && arguments->command == NULL && arguments->operand_count > 0) {
		lf_help_print_group(&cli->page.text, cli->page.width, cli->commands, arguments->operands[0]);
		return LF_EXIT_DONE;
	}
	if (help) {
		lf_help_print(&cli->page.text, cli->page.width, cli->commands, arguments->command);
		return LF_EXIT_DONE;
	}
	if (arguments->command == NULL && lf_argument(arguments, "version") != NULL)
		return lf_command_version.run(cli, arguments);
	if (arguments->command == NULL) {
		struct lf_buffer text = {0};

		lf_help_print(&text, cli->page.width, cli->commands, NULL);
		fputs(text.data == NULL ? "leadfit: no command\n" : text.data, stderr);
		lf_buffer_clean_up(&text);
		return LF_EXIT_USAGE;
	}
	return arguments->command->run(cli, arguments);
}

/* Writes out what is left. A full disk may show at close only. */
static int finish(struct lf_cli *cli, int status)
{
	struct lf_error error = LF_ERROR_INIT;
	const bool wrote = cli->page.text.length > 0;

	if (lf_page_flush(&cli->page, &error) == LF_OK && wrote && !cli->page.closed && close(STDOUT_FILENO) != 0)
		lf_error_set(&error, LF_UNAVAILABLE, "can't write to standard output: %s", strerror(errno));
	if (error.code != LF_OK) {
		fprintf(stderr, "leadfit: %s\n", error.message);
		status = LF_EXIT_UNAVAILABLE;
	}
	lf_error_clean_up(&error);
	return status;
}

int main(int argc, char **argv)
{
	struct lf_cli cli = {.commands = commands};
	struct lf_arguments arguments;
	struct lf_error error = LF_ERROR_INIT;
	int status;

	hold_standard_descriptors();
	set_signals();
	if (lf_arguments_parse(&arguments, commands, argc, argv, &error) != LF_OK ||
		take_globals(&cli, &arguments, &error) != LF_OK)
		status = usage_error(&cli, &arguments, &error);
	else
		status = finish(&cli, run(&cli, &arguments));
	if (cli.client != NULL)
		lf_client_destroy(cli.client);
	if (cli.token != NULL)
		explicit_bzero(cli.token, strlen(cli.token));
	free(cli.token);
	lf_page_clean_up(&cli.page);
	lf_arguments_clean_up(&arguments);
	lf_error_clean_up(&error);
	return status;
}
