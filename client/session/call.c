/* Calling the service. */
#include <string.h>

#include "client/session/cli.h"
#include "proto/wire/wire.h"

/*
 * A command has one call at a time; the rest is for a call that was given up while nng still holds it. The client makes
 * its slots when it is made: those of the default, 256, cost a short command 0.3 ms of its 5.
 */
enum { IN_FLIGHT = 4 };

/* An option of the library that is wrong has another name on the command line. */
static void rename_option(struct lf_error *error)
{
	static const char *const names[][2] = {
		{"ca_file:", "--ca:"}, {"cert_file:", "--cert:"}, {"key_file:", "--cert-key:"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const size_t length = strlen(names[i][0]);
		char rest[sizeof(error->message)];

		if (strncmp(error->message, names[i][0], length) != 0)
			continue;
		memcpy(rest, error->message + length, strlen(error->message + length) + 1);
		lf_error_set(error, error->code, "%s%.480s", names[i][1], rest);
		return;
	}
}

enum lf_code lf_cli_connect(struct lf_cli *cli, const struct lf_client_options *own, struct lf_error *error)
{
	struct lf_client_options options = *own;
	enum lf_code code;

	options.url = cli->server;
	options.token = cli->token;
	code = lf_client_new_tls(&cli->client, &options, &cli->tls, error);
	if (code == LF_INVALID_ARGUMENT)
		rename_option(error);
	return code;
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
	options = (struct lf_client_options){.in_flight_max = IN_FLIGHT,
		.connect_timeout_ms = cli->timeout_ms > 0 && cli->timeout_ms < 2000 ? cli->timeout_ms : 0};
	if (cli->client == NULL && lf_cli_connect(cli, &options, error) != LF_OK)
		return NULL;
	call = (struct lf_call_options){
		.timeout_ms = cli->timeout_ms, .idempotent = idempotent, .traceparent = cli->traceparent};
	return lf_client_call(cli->client, service, index, request, &call, error);
}
