/* What the global options and the environment say. */
#include <stdlib.h>
#include <string.h>

#include "client/session/cli.h"
#include "proto/base/secret.h"
#include "proto/base/trace.h"

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

/* A script whose variable is empty must not talk to another service than it means. */
static enum lf_code take_server(struct lf_cli *cli, const char *text, struct lf_error *error)
{
	cli->server_given = text != NULL;
	cli->server = text != NULL ? text : getenv("LEADFIT_SERVER");
	if (cli->server == NULL)
		cli->server = LF_SERVER_DEFAULT;
	return cli->server[0] != '\0' ? LF_OK
				      : lf_error_set(error, LF_INVALID_ARGUMENT,
						"LEADFIT_SERVER is empty (a variable that is not set?): give it a URL, "
						"or unset it for %s",
						LF_SERVER_DEFAULT);
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
	char *from_environment = getenv("LEADFIT_TOKEN");
	struct lf_input input;

	if (path == NULL && (from_environment == NULL || from_environment[0] == '\0'))
		return LF_OK;
	lf_process_seclude();
	if (path == NULL) {
		cli->token = strdup(from_environment);
		explicit_bzero(from_environment, strlen(from_environment));
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

/* What the environment says of certificates is for the services that have them. */
static void take_certificates(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	const bool https = strncmp(cli->server, "https://", 8) == 0;
	const struct {
		const char **to;
		const char *option, *variable;
	} files[] = {{&cli->tls.ca_file, "ca", "LEADFIT_CA"}, {&cli->tls.cert_file, "cert", "LEADFIT_CERT"},
		{&cli->tls.key_file, "cert-key", "LEADFIT_CERT_KEY"}};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *text = lf_argument(arguments, files[i].option);

		if (text == NULL && https)
			text = getenv(files[i].variable);
		*files[i].to = text != NULL && text[0] != '\0' ? text : NULL;
	}
}

/* As others pass it on to the programs that they start. What is no traceparent is left alone, and the service begins a trace. */
static void take_trace(struct lf_cli *cli)
{
	const char *text = getenv("TRACEPARENT");
	struct lf_trace trace = {.continued = false};

	if (text != NULL)
		lf_trace_begin(&trace, (struct lf_slice){text, strlen(text)});
	cli->traceparent = trace.continued ? text : NULL;
}

enum lf_code lf_cli_begin(struct lf_cli *cli, const struct lf_arguments *arguments, struct lf_error *error)
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
	if (take_server(cli, lf_argument(arguments, "server"), error) != LF_OK)
		return error->code;
	take_certificates(cli, arguments);
	take_trace(cli);
	return take_token(cli, lf_argument(arguments, "token-file"), error);
}

void lf_cli_clean_up(struct lf_cli *cli)
{
	if (cli->client != NULL)
		lf_client_destroy(cli->client);
	if (cli->token != NULL)
		explicit_bzero(cli->token, strlen(cli->token));
	free(cli->token);
	lf_page_clean_up(&cli->page);
}
