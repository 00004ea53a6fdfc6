/* leadfit health: for people, scripts and containers. */
#include <string.h>

#include "client/cmd/commands.h"
#include "grpc/health/v1/health.pb-c.h"
#include "proto/base/limits.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	Grpc__Health__V1__HealthCheckRequest request;
	struct lf_error error = LF_ERROR_INIT;
	char service[LF_ID_BYTES_MAX + 1] = "";
	ProtobufCMessage *reply;
	const Grpc__Health__V1__HealthCheckResponse *health;
	const ProtobufCEnumValue *value;
	bool serving;

	if (arguments->operand_count > 0)
		strncpy(service, arguments->operands[0], sizeof(service) - 1);
	grpc__health__v1__health_check_request__init(&request);
	request.service = service;
	reply = lf_cli_call(cli, "grpc.health.v1.Health/Check", &request.base, true, &error);
	if (reply == NULL) {
		const int status = lf_cli_report(cli, &error, NULL, 0);

		lf_error_clean_up(&error);
		return status;
	}
	health = (const Grpc__Health__V1__HealthCheckResponse *)reply;
	value = protobuf_c_enum_descriptor_get_value(
		&grpc__health__v1__health_check_response__serving_status__descriptor, (int)health->status);
	serving = value != NULL && strcmp(value->name, "SERVING") == 0;
	if (cli->json)
		lf_cli_json(cli, reply);
	else
		lf_page_add(&cli->page, serving ? LF_GOOD : LF_WARN, "%s", value == NULL ? "?" : value->name);
	if (!cli->json)
		lf_page_add(&cli->page, LF_PLAIN, "\n");
	protobuf_c_message_free_unpacked(reply, NULL);
	return serving ? LF_EXIT_DONE : LF_EXIT_UNAVAILABLE;
}

const struct lf_command lf_command_health = {
	.name = "health",
	.operands = "SERVICE",
	.summary = "Ask whether the service takes requests",
	.help = "Prints SERVING or NOT_SERVING. SERVICE is e.g. leadfit.v1.Scoring; without it the whole is meant.\n"
		"Exit status 0: SERVING; 3: anything else, or out of reach; 2: no such SERVICE.\n\n"
		"Example:\n"
		"  leadfit health --timeout 1 && echo up\n",
	.options = no_options,
	.operand_max = 1,
	.run = run,
};
