/* Who should lead? score URL REQUEST.json: prints who, the outcome, and the first reason.
 * Where the service asks for a token, LEADFIT_TOKEN has it. */
#include <leadfit/client.h>
#include <leadfit/proto/json.h>
#include <leadfit/v1/scoring.pb-c.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	static char text[1 << 20];
	FILE *file = argc == 3 ? fopen(argv[2], "r") : NULL;
	struct lf_client_options options = {.url = argv[1], .token = getenv("LEADFIT_TOKEN")};
	struct lf_client *client = NULL;
	ProtobufCMessage *request = NULL, *reply = NULL;
	const Leadfit__V1__Decision *decision;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;

	lf_arena_init(&arena, 1 << 24);
	if (file == NULL)
		lf_error_set(&error, LF_INVALID_ARGUMENT, "usage: score URL REQUEST.json");
	else
		request = lf_text_parse(LF_FORMAT_JSON, &leadfit__v1__score_request__descriptor, text,
			fread(text, 1, sizeof(text), file), &arena, &error);
	if (request != NULL && lf_client_new(&client, &options, &error) == LF_OK) /* 0: Score, the first method */
		reply = lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, request, NULL, &error);
	if ((decision = (const Leadfit__V1__Decision *)reply) != NULL)
		printf("%s\n%s\n%s\n", decision->recommended,
			protobuf_c_enum_descriptor_get_value(&leadfit__v1__outcome__descriptor, (int)decision->outcome)
				->name,
			decision->n_explanation > 0 ? decision->explanation[0] : "");
	else
		fprintf(stderr, "%s: %s\n", lf_code_name(error.code), error.message);
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_client_destroy(client);
	lf_arena_clean_up(&arena);
	return lf_code_exit_status(error.code);
}
