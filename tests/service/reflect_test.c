/* gRPC's reflection, one question a call: files with what they need, symbols, services, and what is not there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"
#include "proto/wire/borrow.h"
#include "proto/wire/methods.h"
#include "proto/wire/wire.h"
#include "service/reflect/openapi.h"
#include "tests/rpc/memory.h"
#include "tests/service/in_process.h"

#define ASKS(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define ANSWERS(what) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what

typedef Grpc__Reflection__V1__ServerReflectionRequest question;
typedef Grpc__Reflection__V1__ServerReflectionResponse answer;

static const char V1[] = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
static const char V1ALPHA[] = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

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

static struct memory_bytes ask_bytes(const char *method, const question *asked)
{
	struct memory_reply reply;
	uint8_t packed[512];
	struct memory_bytes bytes;

	memory_call(&reply, service.server,
		&(struct memory_request){.method = method,
			.message = packed,
			.message_length = grpc__reflection__v1__server_reflection_request__pack(asked, packed)});
	if (reply.code != LF_OK)
		fail_msg("%s", reply.text);
	bytes = reply.last;
	reply.last = (struct memory_bytes){0};
	memory_reply_clean_up(&reply);
	return bytes;
}

static answer *ask(const question *asked)
{
	struct memory_bytes bytes = ask_bytes(V1, asked);
	answer *message = grpc__reflection__v1__server_reflection_response__unpack(NULL, bytes.length, bytes.data);

	free(bytes.data);
	assert_non_null(message);
	assert_int_equal(message->original_request->message_request_case, asked->message_request_case);
	assert_string_equal(message->valid_host, asked->host);
	return message;
}

static question text_question(unsigned what, const char *text)
{
	question asked = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

	asked.host = lf_unconst("h");
	asked.message_request_case = what;
	asked.file_by_filename = lf_unconst(text);
	return asked;
}

static answer *ask_text(unsigned what, const char *text)
{
	const question asked = text_question(what, text);

	return ask(&asked);
}

static void expect_error(answer *message, enum lf_code code, const char *text)
{
	assert_int_equal(message->message_response_case, ANSWERS(ERROR_RESPONSE));
	assert_int_equal(message->error_response->error_code, code);
	assert_non_null(strstr(message->error_response->error_message, text));
	grpc__reflection__v1__server_reflection_response__free_unpacked(message, NULL);
}

/* A file begins with its name, of less than 128 bytes. */
static void expect_named(ProtobufCBinaryData file, const char *name)
{
	assert_true(file.len > 2 + strlen(name));
	assert_int_equal(file.data[0], 0x0a);
	assert_int_equal(file.data[1], strlen(name));
	assert_memory_equal(file.data + 2, name, strlen(name));
}

/* The answer's files are those, in that order. */
static void expect_files(answer *message, const char *const *names)
{
	size_t count = 0;

	assert_int_equal(message->message_response_case, ANSWERS(FILE_DESCRIPTOR_RESPONSE));
	for (; names[count] != NULL; count++)
		expect_named(message->file_descriptor_response->file_descriptor_proto[count], names[count]);
	assert_int_equal(message->file_descriptor_response->n_file_descriptor_proto, count);
	grpc__reflection__v1__server_reflection_response__free_unpacked(message, NULL);
}

static const char *const TEAM[] = {"google/protobuf/wrappers.proto", "leadfit/v1/team.proto", NULL};
static const char *const HEALTH[] = {"grpc/health/v1/health.proto", NULL};

static void every_service_is_listed(void **state)
{
	answer *message = ask_text(ASKS(LIST_SERVICES), "*");
	size_t count = 0;

	(void)state;
	assert_int_equal(message->message_response_case, ANSWERS(LIST_SERVICES_RESPONSE));
	for (; lf_services[count] != NULL; count++)
		assert_string_equal(message->list_services_response->service[count]->name, lf_services[count]->name);
	assert_int_equal(message->list_services_response->n_service, count);
	grpc__reflection__v1__server_reflection_response__free_unpacked(message, NULL);
}

static void a_file_comes_after_what_it_needs(void **state)
{
	(void)state;
	expect_files(ask_text(ASKS(FILE_BY_FILENAME), "leadfit/v1/team.proto"), TEAM);
	expect_files(ask_text(ASKS(FILE_BY_FILENAME), "grpc/health/v1/health.proto"), HEALTH);
	expect_error(ask_text(ASKS(FILE_BY_FILENAME), "leadfit/v1/teams.proto"), LF_NOT_FOUND, "teams.proto");
	expect_error(ask_text(ASKS(FILE_BY_FILENAME), ""), LF_NOT_FOUND, "there is no file");
}

static void a_symbol_leads_to_its_file(void **state)
{
	static const char *const healths[] = {"grpc.health.v1.Health", "grpc.health.v1.Health.Watch",
		"grpc.health.v1.HealthCheckResponse", "grpc.health.v1.HealthCheckResponse.ServingStatus"};
	static const char *const unknown[] = {"", "leadfit", "leadfit.v1", "leadfit.v1.Tea", "leadfit.v1.Team.",
		"leadfit.v1.Scoring.Scored", ".leadfit.v1.Team"};

	(void)state;
	for (size_t i = 0; i < sizeof(healths) / sizeof(healths[0]); i++)
		expect_files(ask_text(ASKS(FILE_CONTAINING_SYMBOL), healths[i]), HEALTH);
	expect_files(ask_text(ASKS(FILE_CONTAINING_SYMBOL), "leadfit.v1.Project.TraitsEntry"), TEAM);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		expect_error(ask_text(ASKS(FILE_CONTAINING_SYMBOL), unknown[i]), LF_NOT_FOUND, "there is no service");
	/* Every method of every service. */
	for (size_t s = 0; lf_services[s] != NULL; s++)
		for (unsigned m = 0; m < lf_services[s]->n_methods; m++) {
			char name[256];
			answer *message;

			snprintf(name, sizeof(name), "%s.%s", lf_services[s]->name, lf_services[s]->methods[m].name);
			message = ask_text(ASKS(FILE_CONTAINING_SYMBOL), name);
			assert_int_equal(message->message_response_case, ANSWERS(FILE_DESCRIPTOR_RESPONSE));
			grpc__reflection__v1__server_reflection_response__free_unpacked(message, NULL);
		}
}

static void there_are_no_extensions(void **state)
{
	Grpc__Reflection__V1__ExtensionRequest extension = GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
	question asked = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
	answer *message = ask_text(ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "leadfit.v1.Team");

	(void)state;
	assert_int_equal(message->message_response_case, ANSWERS(ALL_EXTENSION_NUMBERS_RESPONSE));
	assert_string_equal(message->all_extension_numbers_response->base_type_name, "leadfit.v1.Team");
	assert_int_equal(message->all_extension_numbers_response->n_extension_number, 0);
	grpc__reflection__v1__server_reflection_response__free_unpacked(message, NULL);
	expect_error(ask_text(ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "leadfit.v1.Scoring"), LF_NOT_FOUND,
		"there is no message");
	extension.containing_type = lf_unconst("leadfit.v1.Team");
	extension.extension_number = 7;
	asked.message_request_case = ASKS(FILE_CONTAINING_EXTENSION);
	asked.file_containing_extension = &extension;
	expect_error(ask(&asked), LF_NOT_FOUND, "\"leadfit.v1.Team\" has no extension 7");
}

static void nothing_asked_is_said_and_the_call_goes_on(void **state)
{
	const question nothing = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

	(void)state;
	expect_error(ask(&nothing), LF_INVALID_ARGUMENT, "nothing is asked");
}

static void under_its_old_name_it_says_the_same(void **state)
{
	Grpc__Reflection__V1__ExtensionRequest extension = GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
	question questions[] = {text_question(ASKS(LIST_SERVICES), ""),
		text_question(ASKS(FILE_BY_FILENAME), "leadfit/v1/decisions.proto"),
		text_question(ASKS(FILE_CONTAINING_SYMBOL), "leadfit.v1.Decision"),
		text_question(ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE), "leadfit.v1.Decision"),
		text_question(ASKS(FILE_CONTAINING_EXTENSION), ""), text_question(0, NULL)};

	(void)state;
	extension.containing_type = lf_unconst("x");
	questions[4].file_containing_extension = &extension;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		struct memory_bytes now = ask_bytes(V1, &questions[i]), old = ask_bytes(V1ALPHA, &questions[i]);

		assert_int_equal(now.length, old.length);
		assert_memory_equal(now.data, old.data, now.length);
		free(now.data);
		free(old.data);
	}
}

static void a_transport_may_answer_by_itself(void **state)
{
	static const uint8_t malformed[] = {0x1a, 0x7f, 'x'};
	const question asked = text_question(ASKS(FILE_CONTAINING_SYMBOL), "leadfit.v1.Scoring");
	struct memory_bytes expected = ask_bytes(V1, &asked);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;
	uint8_t packed[128], *bytes;
	size_t length = grpc__reflection__v1__server_reflection_request__pack(&asked, packed), got;

	(void)state;
	lf_arena_init(&arena, 256 * 1024);
	bytes = lf_reflection_answer(packed, length, &arena, &got, &error);
	assert_non_null(bytes);
	assert_int_equal(got, expected.length);
	assert_memory_equal(bytes, expected.data, got);
	assert_null(lf_reflection_answer(malformed, sizeof(malformed), &arena, &got, &error));
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	lf_error_clean_up(&error);
	lf_arena_clean_up(&arena);
	lf_arena_init(&arena, 4096);
	assert_null(lf_reflection_answer(packed, length, &arena, &got, &error));
	assert_int_equal(error.code, LF_RESOURCE_EXHAUSTED);
	lf_error_clean_up(&error);
	lf_arena_clean_up(&arena);
	free(expected.data);
}

static void it_takes_a_stream_and_is_none_for_dispatch(void **state)
{
	unsigned index;
	const ProtobufCServiceDescriptor *descriptor = lf_find_method(V1, strlen(V1), &index);

	(void)state;
	assert_true(lf_method_takes_stream(descriptor, index));
	assert_false(lf_method_is_stream(descriptor, index));
	descriptor = lf_find_method("leadfit.v1.Decisions/Watch", 26, &index);
	assert_true(lf_method_is_stream(descriptor, index));
	assert_false(lf_method_takes_stream(descriptor, index));
}

static void the_openapi_page_is_there(void **state)
{
	(void)state;
	assert_true(lf_openapi_json_length > 10000);
	assert_memory_equal(lf_openapi_json, "{\"openapi\":\"3.1.0\"", 18);
	assert_memory_equal(lf_openapi_json + lf_openapi_json_length - 3, "}}\n", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_service_is_listed),
		cmocka_unit_test(a_file_comes_after_what_it_needs),
		cmocka_unit_test(a_symbol_leads_to_its_file),
		cmocka_unit_test(there_are_no_extensions),
		cmocka_unit_test(nothing_asked_is_said_and_the_call_goes_on),
		cmocka_unit_test(under_its_old_name_it_says_the_same),
		cmocka_unit_test(a_transport_may_answer_by_itself),
		cmocka_unit_test(it_takes_a_stream_and_is_none_for_dispatch),
		cmocka_unit_test(the_openapi_page_is_there),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
