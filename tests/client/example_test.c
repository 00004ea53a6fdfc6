#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "proto/wire/wire.h"
#include "tests/client/fake.h"

/* The example for C, against a server that answers what the test wants. tests/clients runs it against the service. */

/* Recommends the last member, because of its discipline. */
static void recommend(struct fake *fake, struct fake_request *request)
{
	Leadfit__V1__Decision decision = LEADFIT__V1__DECISION__INIT;
	const Leadfit__V1__ScoreRequest *score;
	const struct lf_frame frame = request->frame;
	struct lf_arena arena;
	uint8_t bytes[256];
	char *sentences[1];

	lf_arena_init(&arena, 65536);
	score = (const Leadfit__V1__ScoreRequest *)lf_wire_unpack(
		&leadfit__v1__score_request__descriptor, frame.message, frame.message_length, &arena, NULL);
	assert_non_null(score);
	decision.recommended = score->team->members[score->team->n_members - 1]->id;
	sentences[0] = score->team->members[score->team->n_members - 1]->discipline;
	decision.outcome = LEADFIT__V1__OUTCOME__RECOMMENDED;
	decision.explanation = sentences;
	decision.n_explanation = 1;
	fake_reply(fake, request, LF_OK, bytes, leadfit__v1__decision__pack(&decision, bytes));
	lf_arena_clean_up(&arena);
}

#define REQUEST LF_SOURCE_DIR "/service/examples/request.json"

static int run(const char *url, const char *file, char *output, size_t size)
{
	char command[1024];
	FILE *program;
	size_t length;

	snprintf(command, sizeof(command), "exec '%s' '%s' %s 2>&1", EXAMPLE, url, file);
	program = popen(command, "r");
	assert_non_null(program);
	length = fread(output, 1, size - 1, program);
	output[length] = '\0';
	return WEXITSTATUS(pclose(program));
}

static void the_example_asks_and_prints(void **state)
{
	struct fake fake;
	char output[256];

	(void)state;
	fake_start(&fake, "tcp://127.0.0.1:0", recommend);
	assert_int_equal(run(fake.url, REQUEST, output, sizeof(output)), 0);
	assert_string_equal(output, "m-1120\nRECOMMENDED\nBACKEND\n");
	assert_int_equal(run(fake.url, "", output, sizeof(output)), lf_code_exit_status(LF_INVALID_ARGUMENT));
	assert_non_null(strstr(output, "usage"));
	assert_int_equal(run(fake.url, "/dev/null", output, sizeof(output)), lf_code_exit_status(LF_INVALID_ARGUMENT));
	fake_stop(&fake);
	assert_int_equal(run(fake.url, REQUEST, output, sizeof(output)), lf_code_exit_status(LF_UNAVAILABLE));
	assert_non_null(strstr(output, "connection refused"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_asks_and_prints),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
