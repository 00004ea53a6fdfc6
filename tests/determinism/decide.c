/*
 * Answers seeded random requests and prints each answer's SHA-256, so that builds can be compared byte by byte.
 *
 *	decide RUBRIC.yaml [COUNT [SEED]]     a line each: number, outcome, SHA-256 of the packed Decision
 *	decide RUBRIC.yaml --json NUMBER      that answer as JSON, to see what differs
 *
 * A Decision has all there is: robustness, what would change it, co-leads, and every second one a rank table. Each is
 * also restored from what the log would keep, and must be the same bytes again. Requests are made with integers only,
 * so that they are the same everywhere. LF_TEST_KERNEL names the instruction set for robustness (baseline, avx2,
 * avx512); where this machine does not have it, the exit status is 77.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/engine/robust.h"

static const char *const criteria[] = {"architecture", "problem_solving", "collaboration", "interaction"};
static const char *const disciplines[] = {
	"BACKEND", "FRONTEND", "FULLSTACK", "MOBILE", "DATA", "INFRASTRUCTURE", "SECURITY", "QUALITY", "DESIGN"};
static const char *const sources[] = {"PEER", "MANAGER", "SELF", "ASSESSMENT", "ARTIFACT"};
static const char *const traits[] = {"interaction_focus", "iteration_pace", "architecture_complexity",
	"business_logic_complexity", "stability_need", "cross_team_scope"};
static const char *const aggregations[] = {"ADDITIVE", "HARMONIC", "MINIMUM"};
/* By aggregation. A number of samples that fills no last block. */
static const struct {
	double weight_spread;
	bool weights_unknown;
	double rating_spread;
} doubts[] = {{0.3, false, 0.1}, {0, true, 0.2}, {0, false, 0.3}};
enum { SAMPLES = 1021, SKIPPED = 77 };

/* SplitMix64. */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, unsigned bound)
{
	return (unsigned)(next(state) % bound);
}

static void say(struct lf_buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct lf_buffer *out, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	lf_buffer_append_text(out, text);
}

static void say_member(struct lf_buffer *out, uint64_t *state, unsigned index)
{
	unsigned evidence = below(state, 14);

	/* One draw a call: the order in which arguments are evaluated is the compiler's. */
	say(out, "%s{\"id\":\"m-%u\",\"discipline\":\"%s\"", index > 0 ? "," : "", index * 37 % 101,
		disciplines[below(state, 9)]);
	if (below(state, 3) == 0)
		say(out, ",\"availability\":0.%02u", below(state, 100));
	if (below(state, 3) == 0) {
		say(out, ",\"expertise\":{\"%s\":", disciplines[below(state, 9)]);
		say(out, "0.%02u}", below(state, 100));
	}
	lf_buffer_append_text(out, ",\"evidence\":[");
	for (unsigned e = 0; e < evidence; e++) {
		say(out, "%s{\"criterion\":\"%s\"", e > 0 ? "," : "", criteria[below(state, 4)]);
		say(out, ",\"rating\":%u", 1 + below(state, 4));
		say(out, ".%u", below(state, 10));
		if (below(state, 4) > 0)
			say(out, ",\"source\":\"%s\"", sources[below(state, 5)]);
		if (below(state, 4) > 0) {
			say(out, ",\"observedOn\":\"202%u", 3 + below(state, 3));
			say(out, "-%02u", 1 + below(state, 12));
			say(out, "-%02u\"", 1 + below(state, 28));
		}
		if (below(state, 8) == 0)
			say(out, ",\"domain\":\"%s\"", disciplines[below(state, 9)]);
		lf_buffer_append_text(out, "}");
	}
	lf_buffer_append_text(out, "]}");
}

static void say_request(struct lf_buffer *out, uint64_t *state)
{
	unsigned members = 1 + below(state, 9), said = 0;

	lf_buffer_append_text(out, "{\"asOf\":\"2026-01-01T00:00:00Z\",\"team\":{\"id\":\"t\",\"members\":[");
	for (unsigned m = 0; m < members; m++)
		say_member(out, state, m);
	lf_buffer_append_text(out, "]},\"project\":{\"id\":\"p\",\"traits\":{");
	for (unsigned t = 0; t < 6; t++)
		if (below(state, 5) > 0)
			say(out, "%s\"%s\":0.%03u", said++ > 0 ? "," : "", traits[t], below(state, 1000));
	lf_buffer_append_text(out, "}}}");
}

/* NULL where nothing is asked for; ends the program where this machine does not have it. */
static const struct lf_kernel *kernel_asked_for(void)
{
	const char *name = getenv("LF_TEST_KERNEL");
	const struct lf_kernel *kernel;

	if (name == NULL)
		return NULL;
	kernel = lf_kernel_named(name);
	if (kernel == NULL) {
		fprintf(stderr, "this machine does not run %s\n", name);
		exit(SKIPPED);
	}
	return kernel;
}

static struct lf_rubric_version *load(const char *path, size_t aggregation)
{
	const struct lf_kernel *kernel = kernel_asked_for();
	Leadfit__V1__Robustness robustness = LEADFIT__V1__ROBUSTNESS__INIT;
	static char text[1 << 20];
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rubric_version *version = NULL;
	struct lf_arena arena;
	FILE *file = fopen(path, "r");
	Leadfit__V1__Rubric *rubric;
	struct lf_buffer changed = {0};
	size_t length;
	uint8_t *packed;

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	length = fread(text, 1, sizeof(text), file);
	fclose(file);
	lf_arena_init(&arena, 64 << 20);
	rubric = (Leadfit__V1__Rubric *)lf_text_parse(
		LF_FORMAT_YAML, &leadfit__v1__rubric__descriptor, text, length, &arena, &error);
	if (rubric != NULL) {
		rubric->aggregation = (Leadfit__V1__Aggregation)protobuf_c_enum_descriptor_get_value_by_name(
			&leadfit__v1__aggregation__descriptor, aggregations[aggregation])
					      ->value;
		robustness.samples = SAMPLES;
		robustness.weight_spread = doubts[aggregation].weight_spread;
		robustness.weights_unknown = doubts[aggregation].weights_unknown;
		robustness.rating_spread = doubts[aggregation].rating_spread;
		rubric->robustness = &robustness;
		rubric->n_scenarios = 0; /* they hold under ADDITIVE */
		packed = lf_arena_alloc(&arena, leadfit__v1__rubric__get_packed_size(rubric));
		lf_rubric_version_new(&version, packed, leadfit__v1__rubric__pack(rubric, packed), "", &error);
	}
	if (version == NULL) {
		fprintf(stderr, "%s: %s\n", path, error.message);
		exit(2);
	}
	if (kernel != NULL)
		lf_rubric_use_kernel(version->compiled, kernel);
	lf_buffer_clean_up(&changed);
	lf_arena_clean_up(&arena);
	return version;
}

/*
 * The decision as the log gives it back, from its numbers: it must be the same bytes. Ends the program where it is not.
 */
static void check_restored(const struct lf_answer_parts *parts, Leadfit__V1__ScoreRequest *request,
	const uint8_t *packed, size_t length, unsigned number, struct lf_arena *arena)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_stored stored = {.caller = parts->caller, .answer = lf_answer_pack(parts, NULL, false, arena)};
	Leadfit__V1__Decision *restored = NULL;
	size_t again_length = 0;
	uint8_t *again = NULL;

	lf_wire_canonicalize(&request->base);
	stored.team.data = lf_wire_canonical_bytes(&request->team->base, arena, &stored.team.length);
	stored.project.data = lf_wire_canonical_bytes(&request->project->base, arena, &stored.project.length);
	if (lf_decision_restore(&stored, parts->version, arena, &restored, &error) == LF_OK) {
		restored->decision_id =
			request->team->id + strlen(request->team->id); /* empty: given by the log only */
		restored->decided_at = NULL;
		again = lf_arena_alloc(arena, leadfit__v1__decision__get_packed_size(restored));
		again_length = leadfit__v1__decision__pack(restored, again);
	}
	if (again == NULL || again_length != length || memcmp(again, packed, length) != 0) {
		fprintf(stderr, "request %u: restored, its decision is another one: %s\n", number, error.message);
		exit(1);
	}
}

/* Answers one request; prints its line, or the whole of it. */
static void answer(const struct lf_rubric_version *version, unsigned number, uint64_t *state, bool whole)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct lf_buffer text = {0}, json = {0};
	struct lf_evaluation evaluation;
	struct lf_answer_parts parts = {.version = version, .evaluation = &evaluation, .caller = "local"};
	struct lf_digest digest;
	struct lf_arena arena;
	Leadfit__V1__ScoreRequest *request;
	Leadfit__V1__Decision *decision = NULL;
	char digest_text[65];
	uint8_t *packed;
	size_t length;

	lf_arena_init(&arena, 64 << 20);
	say_request(&text, state);
	request = (Leadfit__V1__ScoreRequest *)lf_text_parse(
		LF_FORMAT_JSON, &leadfit__v1__score_request__descriptor, text.data, text.length, &arena, &error);
	if (request != NULL &&
		lf_evaluate(&evaluation, version,
			&(struct lf_case_input){.team = request->team,
				.project = request->project,
				.as_of_seconds = request->as_of->seconds},
			NULL, &checker, &arena) == LF_OK) {
		parts.team = request->team;
		parts.project = request->project;
		parts.rank_table = number % 2 == 0;
		parts.as_of_us = request->as_of->seconds * 1000000;
		parts.rank_table = number % 2 == 0;
		decision = lf_decision_build(&parts, &arena);
	}
	if (decision == NULL) {
		fprintf(stderr, "request %u: %s\n%s\n", number, error.message, text.data);
		exit(1);
	}
	packed = lf_arena_alloc(&arena, leadfit__v1__decision__get_packed_size(decision));
	length = leadfit__v1__decision__pack(decision, packed);
	lf_sha256(packed, length, &digest);
	check_restored(&parts, request, packed, length, number, &arena);
	lf_digest_print(&digest, digest_text);
	if (whole) {
		lf_json_print(&decision->base, &(struct lf_json_style){.pretty = true}, &json);
		printf("%s\n", json.data);
	} else {
		printf("%u %u %s\n", number, (unsigned)decision->outcome, digest_text);
	}
	lf_buffer_clean_up(&text);
	lf_buffer_clean_up(&json);
	lf_arena_clean_up(&arena);
}

int main(int argc, char **argv)
{
	struct lf_rubric_version *versions[3];
	unsigned count = 240, only = 0;
	uint64_t state = 20260501;

	if (argc < 2) {
		fputs("usage: decide RUBRIC.yaml [COUNT [SEED]] | RUBRIC.yaml --json NUMBER\n", stderr);
		return 2;
	}
	if (argc > 3 && strcmp(argv[2], "--json") == 0)
		count = only = (unsigned)strtoul(argv[3], NULL, 10);
	else if (argc > 2)
		count = (unsigned)strtoul(argv[2], NULL, 10);
	if (only == 0 && argc > 3)
		state = strtoull(argv[3], NULL, 10);
	for (size_t v = 0; v < 3; v++)
		versions[v] = load(argv[1], v);
	for (unsigned number = 1; number <= count; number++) {
		uint64_t own = next(&state);

		if (only == 0 || number == only)
			answer(versions[number % 3], number, &own, only > 0);
	}
	for (size_t v = 0; v < 3; v++)
		lf_rubric_version_release(versions[v]);
	return 0;
}
