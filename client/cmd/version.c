/* leadfit version: the client's, and the service's where one is named. Never fails. */
#include "client/cmd/commands.h"
#include "leadfit/v1/describe.pb-c.h"
#include "proto/base/buffer.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

enum { TIMEOUT_MS = 2000 };

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	Leadfit__V1__DescribeRequest request;
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *reply = NULL;
	const char *service;

	(void)arguments;
	leadfit__v1__describe_request__init(&request);
	if (cli->timeout_ms == 0)
		cli->timeout_ms = TIMEOUT_MS;
	if (cli->server_given)
		reply = lf_cli_call(cli, "leadfit.v1.Describe/Describe", &request.base, true, &error);
	service = reply == NULL ? NULL : ((const Leadfit__V1__DescribeResponse *)reply)->version;
	if (cli->json) {
		lf_buffer_append_text(&cli->page.text, "{\n  \"client\": ");
		lf_json_print_string(LF_VERSION, &cli->page.text);
		if (service != NULL) {
			lf_buffer_append_text(&cli->page.text, ",\n  \"service\": ");
			lf_json_print_string(service, &cli->page.text);
		}
		lf_buffer_append_text(&cli->page.text, "\n}\n");
	} else {
		lf_page_add(&cli->page, LF_PLAIN, "leadfit %s\n", LF_VERSION);
		if (service != NULL)
			lf_page_add(&cli->page, LF_PLAIN, "leadfitd %s at %s\n", service, cli->server);
	}
	if (cli->server_given && reply == NULL)
		lf_cli_report(cli, &error, NULL, 0);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_error_clean_up(&error);
	return LF_EXIT_DONE;
}

const struct lf_command lf_command_version = {
	.name = "version",
	.operands = "",
	.summary = "Print this client's version, and the service's where --server is given",
	.help = "Never fails: a service out of reach is said on standard error.\n",
	.options = no_options,
	.run = run,
};
