/* The real services without a network: each method answers, and what one stores another one reads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire/methods.h"
#include "proto/wire/wire.h"
#include "tests/service/in_process.h"

/* An empty message of a type, on the heap. */
static ProtobufCMessage *empty(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = calloc(1, type->sizeof_message);

	assert_non_null(message);
	type->message_init(message);
	return message;
}

/* Three methods are gone, and say what to use. */
static void is_said_to_be_gone(const char *method, const struct lf_error *error)
{
	static const char *const gone[] = {"Erase", "Prune", "Vacuum"};
	bool found = false;

	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		found |= strcmp(method, gone[i]) == 0;
	assert_true(found);
	assert_non_null(strstr(error->message, "use Keeping/Start"));
}

/* What an empty request gets: an answer, or what it lacks, and never that the method is missing or broken. */
static void every_method_answers_an_empty_request(void **state)
{
	struct in_process service;
	size_t methods = 0;

	(void)state;
	in_process_start(&service);
	for (size_t i = 0; lf_services[i] != NULL; i++)
		for (unsigned m = 0; m < lf_services[i]->n_methods; m++, methods++) {
			ProtobufCMessage *request = empty(lf_services[i]->methods[m].input), *reply;
			struct lf_error error = LF_ERROR_INIT;

			reply = in_process_call(&service, lf_services[i], m, request, &error);
			if (lf_method_is_stream(lf_services[i], m)) {
				assert_int_equal(error.code, LF_UNIMPLEMENTED);
				assert_non_null(strstr(error.message, "carries one reply to a call"));
			} else if (reply == NULL && error.code == LF_UNIMPLEMENTED)
				is_said_to_be_gone(lf_services[i]->methods[m].name, &error);
			else if (reply == NULL && error.code != LF_INVALID_ARGUMENT && error.code != LF_NOT_FOUND &&
				error.code != LF_FAILED_PRECONDITION)
				fail_msg("%s/%s: %s: %s", lf_services[i]->name, lf_services[i]->methods[m].name,
					lf_code_name(error.code), error.message);
			if (reply != NULL)
				protobuf_c_message_free_unpacked(reply, NULL);
			lf_error_clean_up(&error);
			free(request);
		}
	assert_true(methods >= 28);
	in_process_end(&service);
}

static void expect_no_key(struct in_process *service, unsigned method, const ProtobufCMessage *request)
{
	struct lf_error error = LF_ERROR_INIT;

	assert_null(in_process_call(service, &leadfit__v1__audit__descriptor, method, request, &error));
	assert_int_equal(error.code, LF_FAILED_PRECONDITION);
	assert_string_equal(error.message, "this service has no signing key");
	lf_error_clean_up(&error);
}

static void without_a_key_nothing_is_signed(void **state)
{
	enum { CHECKPOINT = 0, PROVE, CONSISTENCY };
	Leadfit__V1__CheckpointRequest checkpoint = LEADFIT__V1__CHECKPOINT_REQUEST__INIT;
	Leadfit__V1__ProveRequest prove = LEADFIT__V1__PROVE_REQUEST__INIT;
	Leadfit__V1__ConsistencyRequest consistency = LEADFIT__V1__CONSISTENCY_REQUEST__INIT;
	char id[] = "00000000-0000-7000-8000-000000000000";
	struct lf_error error = LF_ERROR_INIT;
	struct in_process service;
	ProtobufCMessage *reply;

	(void)state;
	in_process_start(&service);
	prove.decision_id = id;
	expect_no_key(&service, CHECKPOINT, &checkpoint.base);
	expect_no_key(&service, PROVE, &prove.base);
	reply = in_process_call(
		&service, &leadfit__v1__audit__descriptor, CONSISTENCY, &consistency.base, &error); /* needs none */
	assert_int_equal(error.code, LF_OK);
	protobuf_c_message_free_unpacked(reply, NULL);
	in_process_end(&service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_answers_an_empty_request),
		cmocka_unit_test(without_a_key_nothing_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
