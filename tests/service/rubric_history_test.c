/* What Rubrics/History tells of a long life: the newest, from their newest end, of all rubrics or of one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "leadfit/v1/rubrics.pb-c.h"
#include "proto/wire/borrow.h"
#include "service/state/default_rubric.h"
#include "tests/service/in_process.h"

enum { CHANGES = LF_ACTIVATIONS_MAX + 7 };

static struct in_process service;

static int set_up(void **state)
{
	(void)state;
	in_process_start(&service);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	in_process_end(&service);
	return 0;
}

static Leadfit__V1__RubricHistoryResponse *history(const char *name)
{
	const ProtobufCServiceDescriptor *descriptor = &leadfit__v1__rubrics__descriptor;
	const ProtobufCMethodDescriptor *method =
		protobuf_c_service_descriptor_get_method_by_name(descriptor, "History");
	Leadfit__V1__RubricHistoryRequest request = LEADFIT__V1__RUBRIC_HISTORY_REQUEST__INIT;
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *reply;

	request.name = lf_unconst(name);
	reply = in_process_call(&service, descriptor, (unsigned)(method - descriptor->methods), &request.base, &error);
	if (reply == NULL)
		fail_msg("%s", error.message);
	return (Leadfit__V1__RubricHistoryResponse *)reply;
}

/* The last one before is that to tech-lead, by the start. */
static void change(int number)
{
	char from[16], to[16];

	snprintf(from, sizeof(from), "n%d", number);
	snprintf(to, sizeof(to), "n%d", number + 1);
	assert_int_equal(lf_default_rubric_record(service.log, from, to, "ann", NULL), LF_OK);
}

static void defaults_are_told_newest_first_and_no_more_than_the_limit(void **state)
{
	Leadfit__V1__RubricHistoryResponse *told = history("");

	(void)state;
	assert_int_equal(told->n_defaults, 1);
	assert_string_equal(told->defaults[0]->from, "");
	assert_string_equal(told->defaults[0]->to, "tech-lead");
	leadfit__v1__rubric_history_response__free_unpacked(told, NULL);
	for (int i = 0; i < CHANGES; i++)
		change(i);
	told = history("");
	assert_int_equal(told->n_defaults, LF_ACTIVATIONS_MAX);
	for (size_t i = 0; i < told->n_defaults; i++) {
		char to[16];

		snprintf(to, sizeof(to), "n%zu", CHANGES - i);
		assert_string_equal(told->defaults[i]->to, to);
		assert_string_equal(told->defaults[i]->changed_by, "ann");
		assert_non_null(told->defaults[i]->changed_at);
	}
	leadfit__v1__rubric_history_response__free_unpacked(told, NULL);
}

static void those_of_a_name_are_from_it_or_to_it(void **state)
{
	Leadfit__V1__RubricHistoryResponse *told;

	(void)state;
	for (int i = 0; i < 10; i++)
		change(i);
	told = history("n4");
	assert_int_equal(told->n_activations, 0);
	assert_int_equal(told->n_defaults, 2);
	assert_string_equal(told->defaults[0]->from, "n4");
	assert_string_equal(told->defaults[1]->to, "n4");
	leadfit__v1__rubric_history_response__free_unpacked(told, NULL);
	told = history("tech-lead");
	assert_int_equal(told->n_activations, 1);
	assert_int_equal(told->n_defaults, 1);
	leadfit__v1__rubric_history_response__free_unpacked(told, NULL);
}

#define CLAIM(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest claims[] = {
		CLAIM(defaults_are_told_newest_first_and_no_more_than_the_limit),
		CLAIM(those_of_a_name_are_from_it_or_to_it),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
