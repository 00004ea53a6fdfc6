/*
 * Teams that come again: kept from the second time on, dropped where there are too many, and never to be seen in an
 * answer.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buffer.h"
#include "proto/wire/wire.h"
#include "service/state/team_cache.h"
#include "tests/service/daemon.h"
#include "tests/service/in_process.h"
#include "tests/service/support.h"

static const char rubric_text[] = "{name: r, scale: {min: 1, max: 5}, sources: {PEER: 1, SELF: 0.5},\n"
				  " disciplines: [{id: BACKEND}, {id: FRONTEND}], traits: [{id: interaction_focus}],\n"
				  " criteria: [{id: architecture, weight: {base: %d}}, {id: coverage, derived: "
				  "TEAM_COVERAGE, weight: {base: 1}}]}";

enum { TEXT_BYTES = 4096, SMALL = 256 * 1024, THREADS = 4, TURNS = 3000, TEAMS = 60 };

/* A team of `members` as bytes, not canonical: its maps begin with the last key. */
struct sent {
	uint8_t bytes[TEXT_BYTES];
	size_t length;
};

static void put_text(struct sent *sent, uint8_t tag, const char *text)
{
	const size_t length = strlen(text);

	sent->bytes[sent->length++] = tag;
	sent->bytes[sent->length++] = (uint8_t)length;
	memcpy(sent->bytes + sent->length, text, length);
	sent->length += length;
}

static void make_team(struct sent *sent, unsigned number, int members)
{
	char text[TEXT_BYTES];
	size_t length = (size_t)snprintf(text, sizeof(text), "{id: team-%u, members: [", number);
	Leadfit__V1__Team *team;

	for (int m = 0; m < members; m++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
			"{id: m-%u-%d, expertise: {BACKEND: 0.%d, FRONTEND: 0.5}, evidence: [{criterion: architecture, "
			"rating: %d, "
			"observed_on: 2025-06-01}]}, ",
			number, m, m + 1, 1 + (m + (int)number) % 5);
	snprintf(text + length, sizeof(text) - length, "]}");
	team = (Leadfit__V1__Team *)daemon_message(&leadfit__v1__team__descriptor, text);
	for (size_t m = 0; m < team->n_members; m++) {
		Leadfit__V1__Member__ExpertiseEntry **entries = team->members[m]->expertise, *first = entries[0];

		entries[0] = entries[1];
		entries[1] = first;
	}
	assert_true(leadfit__v1__team__get_packed_size(team) <= sizeof(sent->bytes));
	sent->length = leadfit__v1__team__pack(team, sent->bytes);
	leadfit__v1__team__free_unpacked(team, NULL);
}

static struct lf_team *find(struct lf_team_cache *cache, const struct sent *sent)
{
	const struct lf_rpc_cache *rpc = lf_team_cache_rpc(cache);
	void *held = NULL;
	ProtobufCMessage *message =
		rpc->find(rpc->context, (struct lf_slice){(const char *)sent->bytes, sent->length}, &held);
	struct lf_team *team = held;

	assert_int_equal(message != NULL, held != NULL);
	if (team != NULL)
		assert_ptr_equal(message, &team->message->base);
	return team;
}

static void let_go(struct lf_team_cache *cache, struct lf_team *team)
{
	const struct lf_rpc_cache *rpc = lf_team_cache_rpc(cache);

	rpc->release(rpc->context, team);
}

/* What a team is without any cache. */
static void expect_team(struct lf_team *team, const struct sent *sent)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_digest digest;
	struct lf_arena arena;
	ProtobufCMessage *message;
	uint8_t *canonical;
	size_t length;

	lf_arena_init(&arena, 1 << 20);
	message = lf_wire_unpack(&leadfit__v1__team__descriptor, sent->bytes, sent->length, &arena, &error);
	assert_non_null(message);
	canonical = lf_wire_canonical_bytes(message, &arena, &length);
	assert_non_null(canonical);
	lf_sha256(canonical, length, &digest);
	assert_int_equal(team->content.canonical.length, length);
	assert_memory_equal(team->content.canonical.data, canonical, length);
	assert_true(lf_digest_equal(&team->content.digest, &digest));
	assert_int_equal(team->message->n_members, ((Leadfit__V1__Team *)message)->n_members);
	assert_string_equal(team->message->members[0]->expertise[0]->key, "BACKEND"); /* in order */
	lf_arena_clean_up(&arena);
}

static void a_team_is_kept_from_the_second_time_on_in_canonical_order(void **state)
{
	struct lf_team_cache *cache = lf_team_cache_new(SMALL);
	struct lf_team_cache_figures figures;
	struct lf_team *second, *third;
	struct sent sent;

	(void)state;
	assert_non_null(cache);
	make_team(&sent, 1, 3);
	assert_null(find(cache, &sent));
	second = find(cache, &sent);
	third = find(cache, &sent);
	assert_non_null(second);
	assert_ptr_equal(second, third);
	expect_team(second, &sent);
	lf_team_cache_figures(cache, &figures);
	assert_int_equal(figures.hits, 1);
	assert_int_equal(figures.misses, 2);
	assert_int_equal(figures.teams, 1);
	lf_team_cache_clear(cache);
	expect_team(second, &sent); /* as long as it is held */
	let_go(cache, second);
	let_go(cache, third);
	lf_team_cache_figures(cache, &figures);
	assert_int_equal(figures.teams, 0);
	assert_int_equal(figures.bytes, 0);
	lf_team_cache_destroy(cache);
}

static void what_is_no_team_or_too_large_is_not_kept(void **state)
{
	struct lf_team_cache *cache = lf_team_cache_new(SMALL), *tiny = lf_team_cache_new(4096);
	struct sent broken = {.length = 0}, large, empty = {.length = 0};

	(void)state;
	put_text(&broken, 0x0a, "t\xff"); /* not UTF-8 */
	make_team(&large, 1, 9);
	for (int i = 0; i < 3; i++) {
		assert_null(find(cache, &broken));
		assert_null(find(cache, &empty));
		assert_null(find(tiny, &large));
	}
	lf_team_cache_destroy(cache);
	lf_team_cache_destroy(tiny);
}

static void many_teams_stay_within_the_memory_that_was_given(void **state)
{
	struct lf_team_cache *cache = lf_team_cache_new(SMALL);
	struct lf_team_cache_figures figures;
	struct sent sent;
	size_t most = 0;

	(void)state;
	for (unsigned number = 0; number < 1000; number++) {
		make_team(&sent, number, 5);
		for (int i = 0; i < 3; i++) {
			struct lf_team *team = find(cache, &sent);

			if (team != NULL)
				let_go(cache, team);
		}
		lf_team_cache_figures(cache, &figures);
		if (figures.bytes > most)
			most = figures.bytes;
	}
	assert_true(figures.hits > 900);
	assert_true(figures.teams > 4);
	assert_in_range(most, SMALL / 4, SMALL);
	lf_team_cache_destroy(cache);
}

/* However much is held: what is dropped stays counted as long as a request has it. */
static void what_requests_hold_is_part_of_that_memory(void **state)
{
	enum { HELD = 200 };
	struct lf_team_cache *cache = lf_team_cache_new(SMALL);
	struct lf_team *held[HELD];
	struct lf_team_cache_figures figures;
	size_t count = 0, most = 0;
	struct sent sent;

	(void)state;
	for (unsigned number = 0; number < HELD; number++) {
		make_team(&sent, number, 8);
		find(cache, &sent);
		held[count] = find(cache, &sent);
		count += held[count] != NULL;
		lf_team_cache_figures(cache, &figures);
		if (figures.bytes > most)
			most = figures.bytes;
	}
	assert_in_range(count, 5, HELD / 2);
	assert_in_range(most, SMALL / 2, SMALL); /* as seen between requests */
	while (count > 0)
		let_go(cache, held[--count]);
	make_team(&sent, HELD, 8);
	find(cache, &sent);
	held[0] = find(cache, &sent);
	assert_non_null(held[0]); /* there is room again */
	let_go(cache, held[0]);
	lf_team_cache_destroy(cache);
}

static struct lf_rubric_version *rubric_of(int weight)
{
	char text[sizeof(rubric_text) + 16];

	snprintf(text, sizeof(text), rubric_text, weight);
	return support_rubric(text);
}

/* Converts the held team as Score does. Returns the engine's members. */
static const struct lf_member *convert(struct lf_team *team, const struct lf_rubric_version *version, int32_t day,
	struct lf_arena *arena, enum lf_code *code)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	Leadfit__V1__Project project = LEADFIT__V1__PROJECT__INIT;
	char id[] = "p";
	struct lf_case_input input = {
		.team = team->message, .project = &project, .as_of_seconds = (int64_t)day * 86400 + 3600};
	struct lf_conversion conversion;
	struct lf_built_case built;

	project.id = id;
	lf_conversion_begin(&conversion, team, &version->digest, false, &input);
	*code = lf_case_build(&built, version, &input, &checker, arena);
	lf_conversion_end(&conversion);
	lf_error_clean_up(&error);
	return built.engine.members;
}

static void a_team_is_converted_once_for_a_version_and_all_later_days(void **state)
{
	enum { DAY = 20500 }; /* in 2026 */
	struct lf_team_cache *cache = lf_team_cache_new(SMALL);
	struct lf_team *team;
	struct lf_rubric_version *version = rubric_of(1);
	const struct lf_member *members;
	struct lf_arena arena;
	struct sent sent;
	enum lf_code code;
	struct lf_team *anew;

	(void)state;
	lf_arena_init(&arena, 1 << 20);
	make_team(&sent, 7, 3);
	find(cache, &sent);
	team = find(cache, &sent);
	members = convert(team, version, DAY, &arena, &code);
	assert_int_equal(code, LF_OK);
	assert_ptr_equal(convert(team, version, DAY, &arena, &code), members);
	assert_ptr_equal(convert(team, version, DAY + 9, &arena, &code), members);
	assert_ptr_not_equal(convert(team, version, DAY - 9, &arena, &code), members); /* its own, in the arena */
	assert_int_equal(code, LF_OK);
	convert(team, version, 20000, &arena, &code); /* in 2024: evidence of 2025 is from the future */
	assert_int_equal(code, LF_INVALID_ARGUMENT);
	for (int other = 2; other < 9; other++) {
		struct lf_rubric_version *another = rubric_of(other);
		const struct lf_member *of_another = convert(team, another, DAY, &arena, &code);

		assert_int_equal(code, LF_OK);
		assert_ptr_not_equal(of_another, members);
		lf_rubric_version_release(another);
	}
	/* So many rubrics make it stale: it is made anew. */
	anew = find(cache, &sent);

	assert_ptr_not_equal(anew, team);
	expect_team(anew, &sent);
	let_go(cache, anew);
	let_go(cache, team);
	lf_rubric_version_release(version);
	lf_arena_clean_up(&arena);
	lf_team_cache_destroy(cache);
}

/* So 16 MiB hold the thousand teams that a company has. */
static void a_converted_team_takes_little_more_than_its_content(void **state)
{
	enum { DAY = 20500 };
	struct lf_team_cache *cache = lf_team_cache_new(SMALL);
	struct lf_rubric_version *version = rubric_of(1);
	struct lf_team_cache_figures before, after;
	struct lf_arena arena;
	struct lf_team *team;
	struct sent sent;
	size_t form = 0;
	enum lf_code code;

	(void)state;
	lf_arena_init(&arena, 1 << 20);
	make_team(&sent, 7, 8);
	find(cache, &sent);
	team = find(cache, &sent);
	lf_team_cache_figures(cache, &before);
	convert(team, version, DAY, &arena, &code);
	assert_int_equal(code, LF_OK);
	lf_team_cache_figures(cache, &after);
	for (size_t i = 0; i < team->message->n_members; i++)
		form += sizeof(struct lf_member) + 2 * sizeof(struct lf_expertise) + sizeof(struct lf_evidence);
	assert_in_range(after.bytes - before.bytes, form, form + 1024);
	let_go(cache, team);
	lf_rubric_version_release(version);
	lf_arena_clean_up(&arena);
	lf_team_cache_destroy(cache);
}

static void a_team_that_a_rubric_refuses_is_refused_again(void **state)
{
	struct lf_team_cache *cache = lf_team_cache_new(SMALL);
	struct lf_rubric_version *version = rubric_of(1);
	struct lf_team *team = NULL;
	struct sent sent = {.length = 0};
	struct lf_arena arena;
	enum lf_code code;

	(void)state;
	lf_arena_init(&arena, 1 << 20);
	put_text(&sent, 0x0a, "t"); /* no members */
	for (int i = 0; i < 2; i++)
		team = find(cache, &sent);
	assert_non_null(team);
	for (int i = 0; i < 3; i++) {
		convert(team, version, 20500, &arena, &code);
		assert_int_equal(code, LF_INVALID_ARGUMENT);
	}
	let_go(cache, team);
	lf_rubric_version_release(version);
	lf_arena_clean_up(&arena);
	lf_team_cache_destroy(cache);
}

struct crowd {
	struct lf_team_cache *cache;
	struct lf_rubric_version *versions[2];
	const struct sent *sent;
	struct lf_digest digests[TEAMS];
	unsigned number;
	unsigned wrong, found;
};

static void *visit(void *argument)
{
	struct crowd *crowd = argument;
	unsigned random = crowd->number * 7919 + 1;
	struct lf_arena arena;

	lf_arena_init(&arena, 1 << 20);
	for (int i = 0; i < TURNS; i++) {
		struct lf_team *team;
		enum lf_code code = LF_OK;
		unsigned at;

		random = random * 1103515245 + 12345;
		at = random >> 16;
		team = find(crowd->cache, &crowd->sent[at % TEAMS]);
		if (team == NULL)
			continue;
		crowd->found++;
		convert(team, crowd->versions[at / TEAMS % 2], 20500 + (int32_t)(at % 7), &arena, &code);
		crowd->wrong += code != LF_OK || !lf_digest_equal(&team->content.digest, &crowd->digests[at % TEAMS]);
		let_go(crowd->cache, team);
		lf_arena_reset(&arena);
		if (i % 500 == 499)
			lf_team_cache_clear(crowd->cache);
	}
	lf_arena_clean_up(&arena);
	return NULL;
}

static void many_threads_find_hold_convert_and_drop_the_same_teams(void **state)
{
	static struct sent sent[TEAMS];
	static struct crowd crowds[THREADS];
	struct lf_team_cache *cache = lf_team_cache_new(SMALL);
	struct lf_rubric_version *versions[2] = {rubric_of(1), rubric_of(2)};
	pthread_t threads[THREADS];
	struct crowd first = {.cache = cache, .versions = {versions[0], versions[1]}, .sent = sent};

	(void)state;
	for (unsigned t = 0; t < TEAMS; t++) {
		struct lf_team *team;

		make_team(&sent[t], t, 4);
		find(cache, &sent[t]);
		team = find(cache, &sent[t]);
		assert_non_null(team);
		expect_team(team, &sent[t]);
		first.digests[t] = team->content.digest;
		let_go(cache, team);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		crowds[i] = first;
		crowds[i].number = i;
		assert_int_equal(pthread_create(&threads[i], NULL, visit, &crowds[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(crowds[i].wrong, 0);
		assert_true(crowds[i].found > TURNS / 2);
	}
	lf_rubric_version_release(versions[0]);
	lf_rubric_version_release(versions[1]);
	lf_team_cache_destroy(cache);
}

/* ---- through the service ---- */

static const char team_text[] =
	"team: {id: t, members: [{id: ada, discipline: BACKEND, expertise: {FRONTEND: 0.2, BACKEND: 0.9}, evidence: "
	"[{criterion: "
	"architecture, rating: 5, source: PEER, observed_on: 2026-01-10}]}, {id: ben, discipline: FRONTEND, evidence: "
	"[{criterion: collaboration, rating: 4, source: SELF}]}]}, project: {id: p, traits: {interaction_focus: 0.7}}";

/* The answer without what differs each time, or the error; as JSON on the heap. */
static char *answer(struct in_process *service, const char *more)
{
	struct lf_error error = LF_ERROR_INIT;
	char text[2048], *printed;
	Leadfit__V1__ScoreRequest *request;
	Leadfit__V1__Decision *decision;
	struct lf_buffer buffer = {0};
	size_t length;

	snprintf(text, sizeof(text), "{%s%s}", team_text, more);
	request = daemon_request(text);
	decision = (Leadfit__V1__Decision *)in_process_call(
		service, &leadfit__v1__scoring__descriptor, 0, &request->base, &error);
	leadfit__v1__score_request__free_unpacked(request, NULL);
	if (decision == NULL) {
		length = 0;
		printed = malloc(TEXT_BYTES);
		assert_non_null(printed);
		for (size_t i = 0; i < error.violation_kept; i++)
			length += (size_t)snprintf(printed + length, TEXT_BYTES - length, "%s: %s\n",
				error.violations[i].field, error.violations[i].description);
		assert_true(length > 0);
		lf_error_clean_up(&error);
		return printed;
	}
	decision->decision_id[0] = '\0';
	decision->trace_id[0] = '\0';
	decision->decided_at->seconds = decision->decided_at->nanos = 0;
	lf_json_print(&decision->base, &(struct lf_json_style){0}, &buffer);
	printed = strdup(buffer.data);
	lf_buffer_clean_up(&buffer);
	protobuf_c_message_free_unpacked(&decision->base, NULL);
	return printed;
}

static void an_answer_is_the_same_whether_its_team_is_new_or_known(void **state)
{
	static const char *const more[] = {
		", as_of: \"2026-06-01T00:00:00Z\"",
		", as_of: \"2026-06-01T00:00:00Z\", candidates: [ben]",
		", as_of: \"2026-03-01T00:00:00Z\"",
		", as_of: \"2026-06-01T00:00:00Z\", candidates: [eve]",
		", as_of: \"2025-01-01T00:00:00Z\"",
		", as_of: \"2026-06-01T00:00:00Z\", ignore_undeclared: true",
		", as_of: \"2026-07-01T00:00:00Z\", detail: ALL",
		", as_of: \"2026-06-01T00:00:00Z\", idempotency_key: k-1",
	};
	enum { COUNT = sizeof(more) / sizeof(*more) };
	char *first[COUNT] = {0};
	struct in_process service;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) { /* each by a service that knows nothing */
		in_process_start(&service);
		first[i] = answer(&service, more[i]);
		in_process_end(&service);
	}
	in_process_start(&service);
	for (int round = 0; round < 4; round++)
		for (size_t i = 0; i < COUNT; i++) {
			char *now = answer(&service, more[i]);

			assert_string_equal(now, first[i]);
			free(now);
		}
	for (size_t i = 0; i < COUNT; i++)
		free(first[i]);
	in_process_end(&service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_team_is_kept_from_the_second_time_on_in_canonical_order),
		cmocka_unit_test(what_is_no_team_or_too_large_is_not_kept),
		cmocka_unit_test(many_teams_stay_within_the_memory_that_was_given),
		cmocka_unit_test(what_requests_hold_is_part_of_that_memory),
		cmocka_unit_test(a_team_is_converted_once_for_a_version_and_all_later_days),
		cmocka_unit_test(a_converted_team_takes_little_more_than_its_content),
		cmocka_unit_test(a_team_that_a_rubric_refuses_is_refused_again),
		cmocka_unit_test(many_threads_find_hold_convert_and_drop_the_same_teams),
		cmocka_unit_test(an_answer_is_the_same_whether_its_team_is_new_or_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
