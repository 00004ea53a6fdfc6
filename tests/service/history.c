#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "proto/wire/wire.h"
#include "tests/service/history.h"

void history_seed(struct history_random *random)
{
	const char *seed = getenv("LF_TEST_SEED");

	random->state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	print_message("LF_TEST_SEED=%llu\n", (unsigned long long)random->state);
}

unsigned history_below(struct history_random *random, unsigned count)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15u; /* SplitMix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (unsigned)((z ^ z >> 31) % count);
}

static size_t add(char *text, size_t length, const char *format, ...) __attribute__((format(printf, 3, 4)));

static size_t add(char *text, size_t length, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	length += (size_t)vsnprintf(text + length, HISTORY_TEXT - length, format, arguments);
	va_end(arguments);
	assert_true(length < HISTORY_TEXT);
	return length;
}

void history_rubric_text(const struct history_rubric *rubric, char text[HISTORY_TEXT])
{
	static const char *const priors[] = {
		"", ", prior: {strength: 1, mean: {X: 3.5}, defaultMean: 2.5}", "", ", prior: {strength: 2}"};
	size_t length = add(text, 0,
		"{name: %s, scale: {min: 1, max: 5}, halfLifeDays: 500, sources: {PEER: 1, SELF: 0.5},"
		" disciplines: [{id: X}, {id: Y}], traits: [{id: t, default: 0.5}, {id: u, default: 0.2}],",
		rubric->name != NULL ? rubric->name : "past");

	length = add(text, length, " aggregation: %s, criteria: [",
		rubric->aggregation != NULL ? rubric->aggregation : "ADDITIVE");
	for (int c = 0; c < 4; c++)
		if (rubric->weights[c] > 0)
			length = add(text, length, "{id: %c, weight: {base: %u.%02u, traits: {t: 0.%d, u: 0.%d}}%s},",
				'a' + c, rubric->weights[c] / 100, rubric->weights[c] % 100, c, 3 - c, priors[c]);
	length = add(text, length, "], robustness: {samples: 64, weightSpread: 0.3, ratingSpread: 0.2}, thresholds: {");
	if (rubric->margin > 0)
		length = add(text, length, "margin: %u.%02u, ", rubric->margin / 100, rubric->margin % 100);
	if (rubric->first_share > 0)
		length = add(
			text, length, "firstRankShare: %u.%02u", rubric->first_share / 100, rubric->first_share % 100);
	length = add(text, length, "}");
	if (rubric->gate > 0)
		length = add(text, length, ", gates: [{criterion: a, atLeast: %u.%u}]", rubric->gate / 10,
			rubric->gate % 10);
	add(text, length, "}");
}

static size_t add_team(char *text, size_t length, unsigned team)
{
	struct history_random own = {1000 + team};
	const unsigned members = 2 + history_below(&own, 4);

	length = add(text, length, "{id: t-%u, members: [", team);
	for (unsigned m = 0; m < members; m++) {
		length = add(text, length, "{id: m-%u, discipline: %s, availability: 0.%u, evidence: [",
			(m * 7 + team) % 100, history_below(&own, 2) == 0 ? "X" : "Y", 1 + history_below(&own, 9));
		for (int c = 0; c < 4; c++)
			for (unsigned e = history_below(&own, 3); e > 0; e--)
				length = add(text, length,
					"{criterion: %c, rating: %u.%u, source: %s, observedOn: '2025-%02u-%02u'},",
					'a' + c, 1 + history_below(&own, 4), history_below(&own, 10),
					history_below(&own, 2) == 0 ? "PEER" : "SELF", 1 + history_below(&own, 12),
					1 + history_below(&own, 28));
		length = add(text, length, "]},");
	}
	return add(text, length, "]}");
}

static size_t add_project(char *text, size_t length, unsigned project)
{
	struct history_random own = {5000 + project};

	length = add(text, length, "{id: p-%u, traits: {t: 0.%02u", project, history_below(&own, 100));
	if (history_below(&own, 2) == 0)
		length = add(text, length, ", u: 0.%02u", history_below(&own, 100));
	if (project % 5 == 4)
		length = add(text, length, ", unheardOf: 0.5");
	return add(text, length, "}}");
}

void history_request_text(struct history_random *random, unsigned team, unsigned project, char text[HISTORY_TEXT])
{
	size_t length =
		add(text, 0, "{rubric: past, asOf: '2026-0%u-01T00:00:00Z', ignoreUndeclared: %s, purpose: %s, ",
			1 + history_below(random, 9), project % 5 == 4 ? "true" : "false",
			history_below(random, 8) == 0 ? "WHAT_IF" : "DECISION");

	if (history_below(random, 4) == 0) /* the first two of them */
		length = add(text, length, "candidates: [m-%u, m-%u], ", (7 + team) % 100, team % 100);
	length = add_team(text, add(text, length, "team: "), team);
	length = add_project(text, add(text, length, ", project: "), project);
	add(text, length, "}");
}

ProtobufCMessage *history_call(struct lf_client *client, const char *method, const ProtobufCMessage *request,
	enum lf_code code, char message[512])
{
	struct lf_error error = LF_ERROR_INIT;
	unsigned index;
	const ProtobufCServiceDescriptor *service = lf_find_method(method, strlen(method), &index);
	ProtobufCMessage *reply =
		lf_client_call(client, service, index, request, &(struct lf_call_options){.timeout_ms = 30000}, &error);

	if (error.code != code)
		fail_msg("%s: %d, not %d: %s", method, (int)error.code, (int)code, error.message);
	if (message != NULL && error.violation_kept > 0)
		snprintf(message, 512, "%.180s: %.320s", error.violations[0].field, error.violations[0].description);
	else if (message != NULL)
		snprintf(message, 512, "%s", error.message);
	lf_error_clean_up(&error);
	return reply;
}

void history_put(struct lf_client *client, const struct history_rubric *rubric, char *digest)
{
	Leadfit__V1__PutRubricRequest put = LEADFIT__V1__PUT_RUBRIC_REQUEST__INIT;
	Leadfit__V1__ActivateRubricRequest activate = LEADFIT__V1__ACTIVATE_RUBRIC_REQUEST__INIT;
	char *text = malloc(HISTORY_TEXT);
	Leadfit__V1__PutRubricResponse *reply;

	history_rubric_text(rubric, text);
	put.rubric = (Leadfit__V1__Rubric *)daemon_message(&leadfit__v1__rubric__descriptor, text);
	reply = (Leadfit__V1__PutRubricResponse *)history_call(
		client, "leadfit.v1.Rubrics/Put", &put.base, LF_OK, NULL);
	activate.digest = reply->version->ref->digest;
	if (digest != NULL)
		strcpy(digest, activate.digest);
	protobuf_c_message_free_unpacked(
		history_call(client, "leadfit.v1.Rubrics/Activate", &activate.base, LF_OK, NULL), NULL);
	protobuf_c_message_free_unpacked(&reply->base, NULL);
	protobuf_c_message_free_unpacked(&put.rubric->base, NULL);
	free(text);
}

Leadfit__V1__Decision *history_score(struct lf_client *client, const char *text)
{
	Leadfit__V1__ScoreRequest *request = daemon_request(text);
	ProtobufCMessage *reply = history_call(client, "leadfit.v1.Scoring/Score", &request->base, LF_OK, NULL);

	leadfit__v1__score_request__free_unpacked(request, NULL);
	return (Leadfit__V1__Decision *)reply;
}

int history_leadfit(const struct daemon *daemon, const char *arguments, char *out, size_t size)
{
	char command[600];
	FILE *pipe;
	size_t length;
	int status;

	snprintf(command, sizeof(command), "%s/bin/leadfit --server %s %s 2>&1", LF_BINARY_DIR, daemon->url, arguments);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	length = fread(out, 1, size - 1, pipe);
	out[length] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}
