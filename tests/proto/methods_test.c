#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/rubric.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "leadfit/v1/team.pb-c.h"
#include "proto/wire/methods.h"
#include "proto/wire/wire.h"

static void every_method_of_every_service_is_found(void **state)
{
	size_t count = 0;

	(void)state;
	for (size_t i = 0; lf_services[i] != NULL; i++) {
		for (unsigned j = 0; j < lf_services[i]->n_methods; j++) {
			char name[256];
			unsigned index = 99;

			snprintf(name, sizeof(name), "%s/%s", lf_services[i]->name, lf_services[i]->methods[j].name);
			assert_ptr_equal(lf_find_method(name, strlen(name), &index), lf_services[i]);
			assert_int_equal(index, j);
			assert_null(lf_find_method(name, strlen(name) - 1, &index));
			count++;
		}
	}
	assert_true(count >= 9);
}

static void the_services_are_those_of_the_interface(void **state)
{
	bool scoring = false, health = false;

	(void)state;
	for (size_t i = 0; lf_services[i] != NULL; i++) {
		scoring = scoring || lf_services[i] == &leadfit__v1__scoring__descriptor;
		health = health || lf_services[i] == &grpc__health__v1__health__descriptor;
	}
	assert_true(scoring && health);
}

static void other_names_are_not_found(void **state)
{
	static const char *const names[] = {"", "/", "leadfit.v1.Scoring", "leadfit.v1.Scoring/",
		"leadfit.v1.Scoring/score", "leadfit.v1.Scoring/Scores", "/leadfit.v1.Scoring/Score", "zzz"};
	unsigned index;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_null(lf_find_method(names[i], strlen(names[i]), &index));
	assert_null(lf_find_method("leadfit.v1.Scoring/Score\0", 25, &index));
}

static bool is_read(const char *name)
{
	unsigned index;
	const ProtobufCServiceDescriptor *service = lf_find_method(name, strlen(name), &index);

	assert_non_null(service);
	return lf_method_is_read(service, index);
}

static void methods_without_side_effects_are_known(void **state)
{
	static const char *const reads[] = {"leadfit.v1.Decisions/Get", "leadfit.v1.Decisions/Export",
		"leadfit.v1.Scoring/Profile", "leadfit.v1.Describe/Describe", "leadfit.v1.Rubrics/Check",
		"leadfit.v1.Audit/Prove", "leadfit.v1.Jobs/List", "grpc.health.v1.Health/Check"};
	static const char *const acts[] = {"leadfit.v1.Scoring/Score", "leadfit.v1.Scoring/ScoreBatch",
		"leadfit.v1.Decisions/RecordOutcome", "leadfit.v1.Rubrics/Put", "leadfit.v1.Rubrics/Activate",
		"leadfit.v1.Keeping/StartErase", "leadfit.v1.Keeping/Backup"};

	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		assert_true(is_read(reads[i]));
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		assert_false(is_read(acts[i]));
	/* Beyond the last method of a service there is none. */
	assert_false(lf_method_is_read(&leadfit__v1__scoring__descriptor, 99));
	assert_false(lf_method_is_stream(&leadfit__v1__scoring__descriptor, 0));
}

static void a_misspelt_method_has_a_nearest_one(void **state)
{
	const char *nearest = lf_nearest_method("leadfit.v1.Scoring/Scroe", 24);

	(void)state;
	assert_non_null(nearest);
	assert_string_equal(nearest, "leadfit.v1.Scoring/Score");
	assert_null(lf_nearest_method("", 0));
	assert_null(lf_nearest_method("a\0b", 3));
}

static void maps_are_known(void **state)
{
	(void)state;
	assert_true(lf_wire_is_map_entry(&leadfit__v1__project__traits_entry__descriptor));
	assert_true(lf_wire_is_map_entry(&leadfit__v1__criterion__levels_entry__descriptor));
	assert_false(lf_wire_is_map_entry(&leadfit__v1__project__descriptor));
	assert_false(lf_wire_is_map_entry(&leadfit__v1__curve_point__descriptor));
	assert_false(lf_wire_is_map_entry(&leadfit__v1__discipline_fit__descriptor));
}

static void names_in_json_are_those_of_the_proto_files(void **state)
{
	const ProtobufCMessageDescriptor *weight = &leadfit__v1__weight__descriptor;
	const ProtobufCMessageDescriptor *member = &leadfit__v1__member__descriptor;

	(void)state;
	assert_string_equal(lf_wire_field_name(weight, &weight->fields[0]), "base");
	assert_string_equal(lf_wire_field_name(weight, &weight->fields[1]), "traits");
	assert_string_equal(lf_wire_field_name(member, &member->fields[0]), "id");
}

static void fields_come_in_the_order_of_their_declaration(void **state)
{
	static const char *const names[] = {"criterion", "rating", "source", "observed_on", "domain", "note"};
	const ProtobufCMessageDescriptor *type = &leadfit__v1__evidence__descriptor;
	const ProtobufCFieldDescriptor *field = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		field = lf_wire_declared_next(type, field);
		assert_non_null(field);
		assert_string_equal(field->name, names[i]);
	}
	assert_null(lf_wire_declared_next(type, field));
}

static void the_descriptor_set_has_every_file(void **state)
{
	static const char *const files[] = {"leadfit/v1/scoring.proto", "grpc/health/v1/health.proto",
		"google/protobuf/wrappers.proto", "google/protobuf/timestamp.proto"};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_non_null(
			memmem(lf_file_descriptor_set, lf_file_descriptor_set_length, files[i], strlen(files[i])));
	assert_true(lf_file_descriptor_set_length < 100 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_of_every_service_is_found),
		cmocka_unit_test(the_services_are_those_of_the_interface),
		cmocka_unit_test(other_names_are_not_found),
		cmocka_unit_test(methods_without_side_effects_are_known),
		cmocka_unit_test(a_misspelt_method_has_a_nearest_one),
		cmocka_unit_test(maps_are_known),
		cmocka_unit_test(names_in_json_are_those_of_the_proto_files),
		cmocka_unit_test(fields_come_in_the_order_of_their_declaration),
		cmocka_unit_test(the_descriptor_set_has_every_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
