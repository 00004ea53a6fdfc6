#include "client/cmd/keeping.h"

#include <stdio.h>
#include <strings.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/limits.h"

enum lf_code lf_keeping_confirm(const struct lf_arguments *arguments, const char *question, struct lf_error *error)
{
	char answer[16] = "";

	if (lf_argument(arguments, "yes") != NULL)
		return LF_OK;
	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "--yes: is needed where nobody can be asked: this can't be undone");
	fprintf(stderr, "%s This can't be undone. Go on? [yes/no] ", question);
	fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) != NULL)
		answer[strcspn(answer, "\r\n")] = '\0';
	if (strcasecmp(answer, "yes") == 0 || strcasecmp(answer, "y") == 0)
		return LF_OK;
	return lf_error_set(error, LF_CANCELLED, "nothing was changed");
}

enum lf_code lf_keeping_call_vacuum(struct lf_cli *cli, const struct lf_arguments *arguments, uint64_t *before,
	uint64_t *after, struct lf_error *error)
{
	Leadfit__V1__VacuumRequest request = LEADFIT__V1__VACUUM_REQUEST__INIT;
	const unsigned timeout_ms = cli->timeout_ms;
	ProtobufCMessage *reply;

	if (lf_argument(arguments, "timeout") == NULL)
		cli->timeout_ms = LF_TIMEOUT_MS_MAX;
	reply = lf_cli_call(cli, "leadfit.v1.Keeping/Vacuum", &request.base, true, error);
	cli->timeout_ms = timeout_ms;
	if (reply == NULL)
		return error->code;
	*before = ((const Leadfit__V1__VacuumResponse *)reply)->bytes_before;
	*after = ((const Leadfit__V1__VacuumResponse *)reply)->bytes_after;
	protobuf_c_message_free_unpacked(reply, NULL);
	return LF_OK;
}
