/* Asks who should lead: example tcp://127.0.0.1:7460 m-1:BACKEND m-2:FRONTEND. An installed one includes
 * <leadfit/client.h>. */
#define _DEFAULT_SOURCE /* strsep() */
#include <stdio.h>
#include <string.h>

#include "client/lib/client.h"
#include "leadfit/v1/scoring.pb-c.h"

/* On a thread of the library; decision is NULL where the call failed, and is gone when this returns. */
static void on_decision(const Leadfit__V1__Decision *decision, void *data)
{
	(void)data;
	if (decision == NULL)
		return;
	printf("%s\n", decision->recommended[0] != '\0' ? decision->recommended : "nobody is recommended");
	for (size_t i = 0; i < decision->n_explanation; i++)
		printf("- %s\n", decision->explanation[i]);
}

int main(int argc, char **argv)
{
	char team_id[] = "example-team", project_id[] = "example-project";
	Leadfit__V1__ScoreRequest request = LEADFIT__V1__SCORE_REQUEST__INIT;
	Leadfit__V1__Project project = LEADFIT__V1__PROJECT__INIT;
	Leadfit__V1__Team team = LEADFIT__V1__TEAM__INIT;
	Leadfit__V1__Member members[16], *list[16];
	struct lf_client_options options = {.url = argc > 1 ? argv[1] : "tcp://127.0.0.1:7460"};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client = NULL;
	struct lf_call *call = NULL;
	enum lf_code code;

	for (int i = 2; i < argc && team.n_members < 16; i++) {
		char *rest = argv[i];

		list[team.n_members] = &members[team.n_members];
		leadfit__v1__member__init(list[team.n_members]);
		list[team.n_members]->id = strsep(&rest, ":");
		if (rest != NULL)
			list[team.n_members]->discipline = rest;
		team.n_members++;
	}
	team.id = team_id, team.members = list, project.id = project_id;
	request.team = &team, request.project = &project;
	code = lf_client_new(&client, &options, &error);
	if (code == LF_OK && (call = lf_call_new(client, &leadfit__v1__scoring__descriptor, NULL)) == NULL)
		code = lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (code == LF_OK) {
		leadfit__v1__scoring__score(lf_call_service(call), &request, on_decision, NULL);
		code = lf_call_wait(call, &error);
		lf_call_destroy(call);
	}
	if (code != LF_OK)
		fprintf(stderr, "%s: %s\n", lf_code_name(code), error.message);
	lf_error_clean_up(&error);
	lf_client_destroy(client);
	return lf_code_exit_status(code);
}
