/* Who looked: what is counted and recorded, what is left out, what becomes of it where the log can't be written. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/borrow.h"
#include "service/access/counts.h"
#include "service/events/events.h"
#include "tests/rpc/memory.h"
#include "tests/service/in_process.h"
#include "tests/storage/faulty_backend.h"
#include "tests/storage/memory_backend.h"

/* ---- the table ---- */

static void a_table_has_so_many_rows_and_counts_the_others(void **state)
{
	struct lf_access_counts *counts = calloc(1, sizeof(*counts));
	Leadfit__V1__AccessBody *body;
	uint8_t *bytes;
	size_t length = 0;
	char caller[16];

	(void)state;
	assert_non_null(counts);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < LF_ACCESS_ROWS_MAX + 44; i++) {
			snprintf(caller, sizeof(caller), "c-%d", i);
			lf_access_counts_add(counts, caller, "leadfit.v1.Decisions", "Get", LF_OK, 100 + round);
		}
	assert_int_equal(counts->row_count, LF_ACCESS_ROWS_MAX);
	assert_int_equal(counts->first_minute, 100);
	assert_int_equal(counts->last_minute, 101);
	assert_int_equal(lf_access_counts_calls(counts), 2 * (LF_ACCESS_ROWS_MAX + 44));
	bytes = lf_access_counts_pack(counts, 1, 2, &length);
	body = leadfit__v1__access_body__unpack(NULL, length, bytes);
	assert_non_null(body);
	assert_int_equal(body->n_counts, LF_ACCESS_ROWS_MAX);
	assert_string_equal(body->counts[7]->caller, "c-7");
	assert_string_equal(body->counts[7]->method, "leadfit.v1.Decisions/Get");
	assert_int_equal(body->counts[7]->calls, 2);
	assert_int_equal(body->others, 2 * 44);
	assert_int_equal(body->from_us, 1);
	assert_int_equal(body->until_us, 2);
	leadfit__v1__access_body__free_unpacked(body, NULL);
	free(bytes);
	lf_access_counts_clear(counts);
	assert_true(lf_access_counts_empty(counts));
	free(counts);
}

/* ---- over a log ---- */

/* What the log says of who looked: a line for each call that was recorded, then one for each count, over all minutes. */
struct trail {
	char text[4096];
	struct lf_access_counts counts;
};

static void add_line(struct trail *trail, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_line(struct trail *trail, const char *format, ...)
{
	const size_t length = strlen(trail->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(trail->text + length, sizeof(trail->text) - length, format, arguments);
	va_end(arguments);
}

static void add_count(struct trail *trail, const Leadfit__V1__AccessCount *count)
{
	char service[64];

	snprintf(service, sizeof(service), "%.*s", (int)strcspn(count->method, "/"), count->method);
	for (uint64_t i = 0; i < count->calls; i++)
		lf_access_counts_add(&trail->counts, count->caller, service, strchr(count->method, '/') + 1,
			(enum lf_code)count->code, 0);
}

static void take_record(void *context, const struct lf_act_row *row)
{
	struct trail *trail = context;
	Leadfit__V1__AccessBody *body = leadfit__v1__access_body__unpack(NULL, row->body.length, row->body.data);

	assert_non_null(body);
	assert_string_equal(row->caller, "leadfitd");
	if (body->call != NULL)
		add_line(trail, "%s %s %llu %llu-%llu %s\n", body->call->caller, body->call->method,
			(unsigned long long)body->call->decisions, (unsigned long long)body->call->first_sequence,
			(unsigned long long)body->call->last_sequence, body->call->one_person ? "one" : "all");
	for (size_t i = 0; i < body->n_counts; i++)
		add_count(trail, body->counts[i]);
	leadfit__v1__access_body__free_unpacked(body, NULL);
}

static void check_trail(struct lf_log *log, const char *expected)
{
	struct trail *trail = calloc(1, sizeof(*trail));
	uint64_t next = 0;

	assert_non_null(trail);
	do
		assert_int_equal(
			lf_log_list_acts(log, LF_LEAF_ACCESS, NULL, next, 100, take_record, trail, &next, NULL), LF_OK);
	while (next != 0);
	for (size_t i = 0; i < trail->counts.row_count; i++) {
		const struct lf_access_row *row = &trail->counts.rows[i];

		add_line(trail, "%s %s %s x%llu\n", row->caller, row->method, lf_code_name(row->code),
			(unsigned long long)row->calls);
	}
	assert_string_equal(trail->text, expected);
	free(trail);
}

static struct lf_log *open_faulty(void)
{
	const struct lf_log_options options = {.location = "x"};
	struct lf_log *log = NULL;

	memory_backend_forget();
	faulty_reset(&memory_backend);
	assert_int_equal(lf_log_open(&log, &faulty_backend, &options, NULL), LF_OK);
	return log;
}

static uint64_t said(enum lf_event event)
{
	struct lf_event_figures figures;

	lf_event_figures(&figures);
	return figures.lines[event];
}

static void what_may_be_stored_is_not_stored_twice(void **state)
{
	const uint64_t resumed = said(LF_EVENT_ACCESS_RESUMED);

	for (int stored = 0; stored < 2; stored++) {
		struct lf_log *log = open_faulty();
		struct lf_access *access = NULL;

		(void)state;
		assert_int_equal(lf_access_start(&access, log, NULL), LF_OK);
		lf_access_count(access, "ann", "leadfit.v1.Decisions", "Get", LF_OK);
		lf_access_count(access, "ann", "leadfit.v1.Decisions", "Get", LF_NOT_FOUND);
		lf_access_count(access, "ann", "leadfit.v1.Decisions", "Get", LF_OK);
		faulty_fail(FAULTY_COMMIT, 1, 1, LF_UNAVAILABLE);
		if (stored == 1)
			faulty_commit_anyway();
		faulty_unsettle(log);
		lf_access_stop(access);
		lf_access_count(access, "late", "leadfit.v1.Decisions", "Get", LF_OK); /* nobody writes that any more */
		assert_true(faulty_happened());
		lf_access_destroy(access);
		check_trail(log, "ann leadfit.v1.Decisions/Get OK x2\nann leadfit.v1.Decisions/Get NOT_FOUND x1\n");
		lf_log_close(log);
	}
	assert_int_equal(said(LF_EVENT_ACCESS_RESUMED), resumed + 2);
}

/* The last two attempts, at the stop, fail. */
static void what_is_lost_is_said(void **state)
{
	struct lf_log *log = open_faulty();
	struct lf_access *access = NULL;
	const uint64_t failed = said(LF_EVENT_ACCESS_FAILED), lost = said(LF_EVENT_ACCESS_LOST);

	(void)state;
	assert_int_equal(lf_access_start(&access, log, NULL), LF_OK);
	lf_access_count(access, "ann", "leadfit.v1.Decisions", "Get", LF_OK);
	faulty_fail(FAULTY_COMMIT, 1, 2, LF_RESOURCE_EXHAUSTED);
	lf_access_stop(access);
	lf_access_destroy(access);
	assert_int_equal(said(LF_EVENT_ACCESS_FAILED), failed + 1); /* the same once */
	assert_int_equal(said(LF_EVENT_ACCESS_LOST), lost + 1);
	check_trail(log, "");
	lf_log_close(log);
}

static void what_can_t_be_recorded_says_so(void **state)
{
	struct lf_log *log = open_faulty();
	Leadfit__V1__AccessCall call = LEADFIT__V1__ACCESS_CALL__INIT;
	struct lf_access *access = NULL;
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	assert_int_equal(lf_access_start(&access, log, NULL), LF_OK);
	call.caller = lf_unconst("ann");
	call.method = lf_unconst("leadfit.v1.Decisions/Export");
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_RESOURCE_EXHAUSTED);
	assert_int_equal(lf_access_record(access, &call, &error), LF_RESOURCE_EXHAUSTED);
	assert_non_null(strstr(error.message, "the decision log has no space"));
	lf_error_clean_up(&error);
	assert_int_equal(lf_access_record(access, &call, NULL), LF_OK);
	lf_access_stop(access);
	lf_access_destroy(access);
	check_trail(log, "ann leadfit.v1.Decisions/Export 0 0-0 all\n");
	lf_log_close(log);
}

/* ---- through the services ---- */

static struct in_process service;

static enum lf_code call(const ProtobufCServiceDescriptor *of, const char *method, const ProtobufCMessage *request)
{
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *reply = NULL;
	enum lf_code code;

	for (unsigned i = 0; i < of->n_methods; i++)
		if (strcmp(of->methods[i].name, method) == 0)
			reply = in_process_call(&service, of, i, request, &error);
	code = error.code;
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_error_clean_up(&error);
	return code;
}

static void score(void)
{
	Leadfit__V1__Member members[2] = {LEADFIT__V1__MEMBER__INIT, LEADFIT__V1__MEMBER__INIT};
	Leadfit__V1__Member *pointers[2] = {&members[0], &members[1]};
	Leadfit__V1__Team team = LEADFIT__V1__TEAM__INIT;
	Leadfit__V1__Project project = LEADFIT__V1__PROJECT__INIT;
	Leadfit__V1__ScoreRequest request = LEADFIT__V1__SCORE_REQUEST__INIT;

	members[0].id = lf_unconst("m-1");
	members[1].id = lf_unconst("m-2");
	team.id = lf_unconst("t");
	team.members = pointers;
	team.n_members = 2;
	project.id = lf_unconst("p");
	request.team = &team;
	request.project = &project;
	assert_int_equal(call(&leadfit__v1__scoring__descriptor, "Score", &request.base), LF_OK);
}

/* A watch, from its first part to the end of its peer. */
static void watch(void)
{
	struct memory_flight *flight;
	struct memory_reply reply;

	flight = memory_start(service.server,
		&(struct memory_request){
			.method = "leadfit.v1.Decisions/Watch", .message = (const uint8_t *)"", .message_length = 0});
	assert_true(memory_await_parts(flight, 3) >= 3); /* two decisions, and that there are no others */
	memory_leave(flight);
	memory_end(flight, &reply);
	memory_reply_clean_up(&reply);
}

static void exports_are_recorded_and_reads_are_counted(void **state)
{
	Leadfit__V1__Selection selection = LEADFIT__V1__SELECTION__INIT;
	Leadfit__V1__ExportRequest export = LEADFIT__V1__EXPORT_REQUEST__INIT;
	const Leadfit__V1__ListDecisionsRequest list = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;
	Leadfit__V1__GetDecisionRequest get = LEADFIT__V1__GET_DECISION_REQUEST__INIT;
	Leadfit__V1__ListAccessRequest access = LEADFIT__V1__LIST_ACCESS_REQUEST__INIT;
	const Leadfit__V1__CheckpointRequest checkpoint = LEADFIT__V1__CHECKPOINT_REQUEST__INIT;
	const ProtobufCServiceDescriptor *decisions = &leadfit__v1__decisions__descriptor,
					 *audit = &leadfit__v1__audit__descriptor;

	(void)state;
	in_process_start(&service);
	score();
	score();
	assert_int_equal(call(decisions, "Export", &export.base), LF_OK);
	selection.candidate = lf_unconst("m-2");
	export.selection = &selection;
	export.newest_first = true;
	assert_int_equal(call(decisions, "Export", &export.base), LF_OK);
	watch();
	selection.candidate = lf_unconst("m-3");
	assert_int_equal(call(decisions, "Export", &export.base), LF_OK);
	assert_int_equal(call(decisions, "List", &list.base), LF_OK);
	assert_int_equal(call(decisions, "List", &list.base), LF_OK);
	get.decision_id = lf_unconst("what");
	assert_int_equal(call(decisions, "Get", &get.base), LF_INVALID_ARGUMENT);
	assert_int_equal(call(audit, "ListAccess", &access.base), LF_OK);
	access.page_size = 1001;
	assert_int_equal(call(audit, "ListAccess", &access.base), LF_INVALID_ARGUMENT);
	call(audit, "Checkpoint", &checkpoint.base);
	lf_access_stop(service.services.access);
	check_trail(service.log,
		"local leadfit.v1.Decisions/Export 2 1-2 all\n"
		"local leadfit.v1.Decisions/Export 2 2-1 one\n"
		"local leadfit.v1.Decisions/Watch 0 1-0 all\n"
		"local leadfit.v1.Decisions/Watch CANCELLED x1\n"
		"local leadfit.v1.Decisions/Export OK x1\n"
		"local leadfit.v1.Decisions/List OK x2\n"
		"local leadfit.v1.Decisions/Get INVALID_ARGUMENT x1\n"
		"local leadfit.v1.Audit/ListAccess OK x1\n"
		"local leadfit.v1.Audit/ListAccess INVALID_ARGUMENT x1\n");
	lf_access_destroy(service.services.access);
	service.services.access = service.state.access = NULL;
	in_process_end(&service);
}

static void an_export_that_can_t_be_recorded_is_not_given(void **state)
{
	const Leadfit__V1__ExportRequest export = LEADFIT__V1__EXPORT_REQUEST__INIT;

	(void)state;
	faulty_reset(&memory_backend);
	in_process_start_over(&service, &faulty_backend);
	assert_int_equal(call(&leadfit__v1__decisions__descriptor, "Export", &export.base), LF_OK); /* it is empty */
	score();
	faulty_fail(FAULTY_COMMIT, 1, 1, LF_RESOURCE_EXHAUSTED);
	assert_int_equal(call(&leadfit__v1__decisions__descriptor, "Export", &export.base), LF_RESOURCE_EXHAUSTED);
	faulty_fail(FAULTY_BEGIN, 1, 1, LF_UNAVAILABLE);
	assert_int_equal(call(&leadfit__v1__decisions__descriptor, "Export", &export.base), LF_UNAVAILABLE);
	assert_int_equal(call(&leadfit__v1__decisions__descriptor, "Export", &export.base), LF_OK);
	check_trail(service.log, "local leadfit.v1.Decisions/Export 1 1-1 all\n");
	in_process_end(&service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_has_so_many_rows_and_counts_the_others),
		cmocka_unit_test(what_may_be_stored_is_not_stored_twice),
		cmocka_unit_test(what_is_lost_is_said),
		cmocka_unit_test(what_can_t_be_recorded_says_so),
		cmocka_unit_test(exports_are_recorded_and_reads_are_counted),
		cmocka_unit_test(an_export_that_can_t_be_recorded_is_not_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
