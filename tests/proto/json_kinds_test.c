/* Every kind of field that protobuf has, also those that the interface does not use, by a .proto file of the tests'
 * own. */
#include "json_help.h"

#include <string.h>

#include "json_kinds.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/wire/wire.h"

#define KINDS &leadfit__test__kinds__descriptor

/*
 * The tables that are generated from the .proto files of the interface do not know the tests' own: the linker sends
 * these calls here (--wrap).
 */
bool __real_lf_wire_is_map_entry(const ProtobufCMessageDescriptor *type);
bool __wrap_lf_wire_is_map_entry(const ProtobufCMessageDescriptor *type);
const char *__real_lf_wire_field_name(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field);
const char *__wrap_lf_wire_field_name(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field);

bool __wrap_lf_wire_is_map_entry(const ProtobufCMessageDescriptor *type)
{
	size_t length = strlen(type->short_name);
	bool entry = length > 5 && !strcmp(type->short_name + length - 5, "Entry");

	return strcmp(type->package_name, "leadfit.test") ? __real_lf_wire_is_map_entry(type) : entry;
}

const char *__wrap_lf_wire_field_name(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
	if (type == KINDS && !strcmp(field->name, "renamed"))
		return "called";
	return __real_lf_wire_field_name(type, field);
}

static void json(const char *text, const char *printed)
{
	accepts(LF_FORMAT_JSON, KINDS, text, printed);
}

static void same(const char *text)
{
	json(text, text);
}

static void bad(const char *text, const char *errors)
{
	refuses(LF_FORMAT_JSON, KINDS, text, errors);
}

static void test_the_extremes_of_every_integer_are_read_and_printed(void **state)
{
	(void)state;
	same("{\"anInt32\":-2147483648,\"aSint32\":-2147483648,\"aSfixed32\":2147483647,\"aUint32\":4294967295,"
	     "\"aFixed32\":4294967295,\"anInt64\":\"-9223372036854775808\",\"aSint64\":\"9223372036854775807\","
	     "\"aSfixed64\":\"-9223372036854775808\",\"aUint64\":\"18446744073709551615\","
	     "\"aFixed64\":\"18446744073709551615\"}");
	json("{\"aUint64\":18446744073709551615,\"anInt64\":-9223372036854775808,\"aFixed64\":1e19}",
		"{\"anInt64\":\"-9223372036854775808\",\"aUint64\":\"18446744073709551615\","
		"\"aFixed64\":\"10000000000000000000\"}");
}

static void test_one_beyond_the_extremes_is_refused(void **state)
{
	(void)state;
	bad("{\"anInt32\":-2147483649,\"aSint32\":2147483648,\"aSfixed32\":\"-2147483649\",\"aUint32\":4294967296,"
	    "\"aFixed32\":-1,\"anInt64\":9223372036854775808,\"aSint64\":\"-9223372036854775809\","
	    "\"aSfixed64\":1e19,\"aUint64\":18446744073709551616,\"aFixed64\":-1}",
		"an_int32: -2147483649 is outside -2147483648..2147483647\n"
		"a_sint32: 2147483648 is outside -2147483648..2147483647\n"
		"a_sfixed32: \"-2147483649\" is outside -2147483648..2147483647\n"
		"a_uint32: 4294967296 is outside 0..4294967295\n"
		"a_fixed32: -1 is outside 0..4294967295\n"
		"an_int64: 9223372036854775808 is outside -9223372036854775808..9223372036854775807\n"
		"a_sint64: \"-9223372036854775809\" is outside -9223372036854775808..9223372036854775807\n"
		"a_sfixed64: 1e19 is outside -9223372036854775808..9223372036854775807\n"
		"a_uint64: 18446744073709551616 is outside 0..18446744073709551615\n"
		"a_fixed64: -1 is outside 0..18446744073709551615");
}

static void test_64_bits_are_exact_as_number_and_as_text(void **state)
{
	(void)state;
	json("{\"anInt64\":9007199254740993,\"aUint64\":\"9007199254740993.0\"}",
		"{\"anInt64\":\"9007199254740993\",\"aUint64\":\"9007199254740993\"}");
	accepts(LF_FORMAT_YAML, KINDS, "an_int64: 9007199254740993\na_uint64: 18446744073709551615\n",
		"{\"anInt64\":\"9007199254740993\",\"aUint64\":\"18446744073709551615\"}");
}

static void test_a_large_number_is_no_way_around_the_syntax_of_json(void **state)
{
	(void)state;
	bad("{\"aUint64\":18446744073709551615,}", "1:33: string or '}' expected near '}'");
	bad("{\"aUint64\":18446744073709551615,'aBool':true}", "1:33: string or '}' expected near '''");
	bad("{\"aUint64\":18446744073709551615,\"aUint64\":1}", "a_uint64: given more than once");
	bad("{\"aUint64\":18446744073709551615,\"aDouble\":1e999}", "a_double: 1e999 is too large a number");
}

static void test_floats_are_printed_as_floats(void **state)
{
	(void)state;
	same("{\"aDouble\":0.1,\"aFloat\":0.1}");
	json("{\"aFloat\":0.10000000149011612}", "{\"aFloat\":0.1}");
	json("{\"aDouble\":0.10000000149011612}", "{\"aDouble\":0.10000000149011612}");
	json("{\"aFloat\":3.4028234663852886e38}", "{\"aFloat\":3.4028235e38}");
	bad("{\"aFloat\":3.5e38}", "a_float: 3.5e38 is too large a number for 32 bits");
	bad("{\"aFloat\":\"inf\"}", "a_float: \"inf\" is not allowed; a number is finite");
}

static void test_bytes_are_base64_of_either_alphabet(void **state)
{
	(void)state;
	json("{\"someBytes\":\"-_-_\"}", "{\"someBytes\":\"+/+/\"}");
	json("{\"someBytes\":\"AQ\"}", "{\"someBytes\":\"AQ==\"}");
	json("{\"someBytes\":\"AQI=\"}", "{\"someBytes\":\"AQI=\"}");
	json("{\"someBytes\":\"AQI\"}", "{\"someBytes\":\"AQI=\"}");
	json("{\"someBytes\":\"\"}", "{}");
	json("{\"byteStrings\":[\"\",\"AQID\"]}", "{\"byteStrings\":[\"\",\"AQID\"]}");
	bad("{\"byteStrings\":[\"A\",\"AQ=\",\"AR==\",\"A?==\",\"AQID====\",\"=\",5,\"AQ==AQ==\"]}",
		"byte_strings[0]: \"A\" is not base64\n"
		"byte_strings[1]: \"AQ=\" is not base64\n"
		"byte_strings[2]: \"AR==\" is not base64\n"
		"byte_strings[3]: \"A?==\" is not base64\n"
		"byte_strings[4]: \"AQID====\" is not base64\n"
		"byte_strings[5]: \"=\" is not base64\n"
		"byte_strings[6]: 5 is not a text in base64\n"
		"byte_strings[7]: \"AQ==AQ==\" is not base64");
}

static void test_enums_may_be_negative(void **state)
{
	(void)state;
	json("{\"colors\":[-1,0,\"DEEP_BLUE\",2.0]}", "{\"colors\":[\"BEFORE\",\"NONE\",\"DEEP_BLUE\",\"DEEP_BLUE\"]}");
	accepts(LF_FORMAT_YAML, KINDS, "colors: [-1, RED]\n", "{\"colors\":[\"BEFORE\",\"RED\"]}");
	bad("{\"colors\":[-2,\"blue\",4294967297]}",
		"colors[0]: -2 is unknown; known: BEFORE, NONE, RED, DEEP_BLUE\n"
		"colors[1]: \"blue\" is unknown; known: BEFORE, NONE, RED, DEEP_BLUE\n"
		"colors[2]: 4294967297 is unknown; known: BEFORE, NONE, RED, DEEP_BLUE");
}

static void test_lists_of_every_kind_keep_their_order_and_their_zeros(void **state)
{
	(void)state;
	same("{\"doubles\":[0,1.5],\"floats\":[0.5,0],\"int32s\":[-1,0],\"sint64s\":[\"-1\",\"0\"],"
	     "\"fixed64s\":[\"1\"],\"bools\":[true,false],\"strings\":[\"\",\"a\"],\"inners\":[{},{\"name\":\"a\","
	     "\"numbers\":[1,2]}],\"wrappedDoubles\":[0,2.5],\"instants\":[\"1970-01-01T00:00:00Z\"]}");
	bad("{\"wrappedDoubles\":[1,null,\"x\"]}",
		"wrapped_doubles[1]: null is not allowed in a list\nwrapped_doubles[2]: \"x\" is not a number");
}

static void test_maps_of_every_kind_of_key(void **state)
{
	(void)state;
	same("{\"byString\":{\"\":\"1\",\"a b\":\"0\"},\"byInt32\":{\"-1\":\"x\",\"0\":\"\"},"
	     "\"byUint64\":{\"18446744073709551615\":\"RED\"},\"byBool\":{\"true\":1,\"false\":0},"
	     "\"innerByString\":{\"k\":{\"name\":\"n\"},\"e\":{}},\"bySint64\":{\"-9223372036854775808\":\"AQ==\"},"
	     "\"instantByString\":{\"k\":\"2026-05-01T00:00:00Z\"}}");
	bad("{\"byInt32\":{\"01\":\"\",\"1.0\":\"\",\"2147483648\":\"\",\"x\":\"\",\"-0\":\"\"},\"byBool\":{\"yes\":1}"
	    "}",
		"by_int32[\"01\"]: the key \"01\" is not a whole number\n"
		"by_int32[\"1.0\"]: the key \"1.0\" is not a whole number\n"
		"by_int32[\"2147483648\"]: 2147483648 is outside -2147483648..2147483647\n"
		"by_int32[\"x\"]: the key \"x\" is not a whole number\n"
		"by_int32[\"-0\"]: the key \"-0\" is not a whole number\n"
		"by_bool[\"yes\"]: the key \"yes\" is neither true nor false");
	bad("{\"innerByString\":{\"a.b\":{\"nam\":1}}}",
		"inner_by_string[\"a.b\"].nam: unknown field; nearest known: name");
}

static void test_at_most_one_member_of_a_oneof_is_given(void **state)
{
	(void)state;
	same("{\"text\":\"\"}");
	same("{\"number\":0}");
	same("{\"inner\":{}}");
	same("{\"flag\":false}");
	same("{\"blob\":\"\"}");
	json("{\"text\":null,\"number\":5,\"flag\":null}", "{\"number\":5}");
	bad("{\"text\":\"a\",\"number\":5,\"flag\":true}",
		"number: only one of text and number can be given\n"
		"flag: only one of text and flag can be given");
}

static void test_wrappers_stand_for_their_value(void **state)
{
	(void)state;
	same("{\"doubleValue\":0,\"floatValue\":0.25,\"int64Value\":\"-5\",\"uint64Value\":\"18446744073709551615\","
	     "\"int32Value\":0,\"uint32Value\":7,\"boolValue\":false,\"stringValue\":\"\",\"bytesValue\":\"\","
	     "\"anInstant\":\"0001-01-01T00:00:00Z\"}");
	bad("{\"doubleValue\":{\"value\":1},\"boolValue\":\"false\"}",
		"double_value: an object is not a number\n"
		"bool_value: \"false\" is neither true nor false; leave the quotes out");
}

static void test_names_are_changed_as_protoc_does(void **state)
{
	(void)state;
	json("{\"odd__name_2x\":\"a\",\"renamed\":\"b\"}", "{\"oddName2x\":\"a\",\"called\":\"b\"}");
	same("{\"oddName2x\":\"a\",\"called\":\"b\"}");
	bad("{\"called\":\"a\",\"renamed\":\"b\"}", "called: given twice, as renamed and as called");
}

static void test_with_defaults_everything_that_has_one_is_printed(void **state)
{
	Leadfit__Test__Inner inner;
	Leadfit__Test__Kinds kinds;
	struct lf_buffer out = {.data = NULL};

	leadfit__test__inner__init(&inner);
	leadfit__test__kinds__init(&kinds);
	(void)state;
	lf_json_print(&inner.base, &(struct lf_json_style){.with_defaults = true}, &out);
	assert_string_equal(out.data, "{\"name\":\"\",\"numbers\":[]}");
	lf_buffer_clean_up(&out);
	lf_json_print(&kinds.base, &(struct lf_json_style){.with_defaults = true, .snake_case = true}, &out);
	assert_string_equal(out.data,
		"{\"a_double\":0,\"a_float\":0,\"an_int32\":0,\"a_sint32\":0,\"a_sfixed32\":0,\"a_uint32\":0,"
		"\"a_fixed32\":0,\"an_int64\":\"0\",\"a_sint64\":\"0\",\"a_sfixed64\":\"0\",\"a_uint64\":\"0\","
		"\"a_fixed64\":\"0\",\"a_bool\":false,\"a_string\":\"\",\"some_bytes\":\"\",\"a_color\":\"NONE\","
		"\"doubles\":[],\"floats\":[],\"int32s\":[],\"sint64s\":[],\"fixed64s\":[],\"bools\":[],"
		"\"strings\":[],\"byte_strings\":[],\"colors\":[],\"inners\":[],\"wrapped_doubles\":[],"
		"\"instants\":[],\"by_string\":{},\"by_int32\":{},\"by_uint64\":{},\"by_bool\":{},"
		"\"inner_by_string\":{},\"by_sint64\":{},\"instant_by_string\":{},\"odd__name_2x\":\"\",\"called\":"
		"\"\"}");
	lf_buffer_clean_up(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_extremes_of_every_integer_are_read_and_printed),
		cmocka_unit_test(test_one_beyond_the_extremes_is_refused),
		cmocka_unit_test(test_64_bits_are_exact_as_number_and_as_text),
		cmocka_unit_test(test_a_large_number_is_no_way_around_the_syntax_of_json),
		cmocka_unit_test(test_floats_are_printed_as_floats),
		cmocka_unit_test(test_bytes_are_base64_of_either_alphabet),
		cmocka_unit_test(test_enums_may_be_negative),
		cmocka_unit_test(test_lists_of_every_kind_keep_their_order_and_their_zeros),
		cmocka_unit_test(test_maps_of_every_kind_of_key),
		cmocka_unit_test(test_at_most_one_member_of_a_oneof_is_given),
		cmocka_unit_test(test_wrappers_stand_for_their_value),
		cmocka_unit_test(test_names_are_changed_as_protoc_does),
		cmocka_unit_test(test_with_defaults_everything_that_has_one_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
