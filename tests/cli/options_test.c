/* Claims about the command line. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "client/term/options.h"

static const struct lf_option score_options[] = {
	{"team", "FILE", "a team", false},
	{"candidate", "ID", "a candidate", true},
	{"strict", NULL, "a flag", false},
	{NULL, NULL, NULL, false},
};
static const struct lf_option none[] = {{NULL, NULL, NULL, false}};

static const struct lf_command score = {
	.name = "score", .operands = "", .summary = "Score", .help = "", .options = score_options};
static const struct lf_command list = {
	.name = "decisions list", .operands = "", .summary = "List", .help = "", .options = none};
static const struct lf_command show = {.name = "decisions show",
	.operands = "ID",
	.summary = "Show",
	.help = "",
	.options = none,
	.operand_min = 1,
	.operand_max = 1};
static const struct lf_command *const commands[] = {&score, &list, &show, NULL};

static char leadfit[] = "leadfit";

/* Splits words at spaces, and parses them. */
static enum lf_code parse(const char *line, struct lf_arguments *arguments, struct lf_error *error, char *storage)
{
	static char *argv[32];
	int argc = 0;

	argv[argc++] = leadfit;
	strcpy(storage, line);
	for (char *word = strtok(storage, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	return lf_arguments_parse(arguments, commands, argc, argv, error);
}

static void assert_refused(const char *line, const char *message)
{
	struct lf_arguments arguments;
	struct lf_error error = LF_ERROR_INIT;
	char storage[256];

	assert_int_equal(parse(line, &arguments, &error, storage), LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, message);
	lf_arguments_clean_up(&arguments);
	lf_error_clean_up(&error);
}

static void values_come_after_a_space_or_an_equals_sign(void **state)
{
	struct lf_arguments arguments;
	char storage[256];

	(void)state;
	assert_int_equal(
		parse("score --team a.yaml --candidate=m-1 --candidate m=2 --strict", &arguments, NULL, storage),
		LF_OK);
	assert_ptr_equal(arguments.command, &score);
	assert_string_equal(lf_argument(&arguments, "team"), "a.yaml");
	assert_string_equal(lf_argument_at(&arguments, "candidate", 0), "m-1");
	assert_string_equal(lf_argument_at(&arguments, "candidate", 1), "m=2");
	assert_null(lf_argument_at(&arguments, "candidate", 2));
	assert_string_equal(lf_argument(&arguments, "strict"), "");
	assert_null(lf_argument(&arguments, "output"));
	lf_arguments_clean_up(&arguments);
}

static void global_options_stand_before_and_after_the_command(void **state)
{
	struct lf_arguments arguments;
	char storage[256];

	(void)state;
	assert_int_equal(
		parse("--output json decisions --server=ipc://x list --timeout 3", &arguments, NULL, storage), LF_OK);
	assert_ptr_equal(arguments.command, &list);
	assert_string_equal(lf_argument(&arguments, "output"), "json");
	assert_string_equal(lf_argument(&arguments, "server"), "ipc://x");
	assert_string_equal(lf_argument(&arguments, "timeout"), "3");
	lf_arguments_clean_up(&arguments);
}

static void two_dashes_end_options_and_one_dash_is_an_operand(void **state)
{
	struct lf_arguments arguments;
	char storage[256];

	(void)state;
	assert_int_equal(parse("decisions show -- --odd", &arguments, NULL, storage), LF_OK);
	assert_string_equal(arguments.operands[0], "--odd");
	lf_arguments_clean_up(&arguments);
	assert_int_equal(parse("decisions show -", &arguments, NULL, storage), LF_OK);
	assert_string_equal(arguments.operands[0], "-");
	lf_arguments_clean_up(&arguments);
}

static void unknown_words_are_refused_with_the_nearest_known_one(void **state)
{
	(void)state;
	assert_refused("score --taem x", "unknown option --taem; did you mean --team?");
	assert_refused("score --outptu json", "unknown option --outptu; did you mean --output?");
	assert_refused("score --zzzzzzzz", "unknown option --zzzzzzzz");
	assert_refused("scoer", "unknown command scoer; did you mean score?");
	assert_refused("decision list", "unknown command decision; did you mean decisions?");
	assert_refused("decisions lst", "unknown command decisions lst; did you mean list?");
	assert_refused("score -t x", "unknown option -t; options are written --name");
}

static void what_is_missing_or_too_much_is_refused(void **state)
{
	(void)state;
	assert_refused("score --team", "--team needs a value: FILE");
	assert_refused("score --team a --team b", "--team is given twice");
	assert_refused("score --strict --strict", "--strict is given twice");
	assert_refused("--output json score --output json", "--output is given twice");
	assert_refused("score --team=", "--team is empty (a variable that is not set?)");
	assert_refused("score --candidate=", "--candidate is empty (a variable that is not set?)");
	assert_refused("score --strict=yes", "--strict takes no value");
	assert_refused("score extra", "score: one word too many: extra");
	assert_refused("decisions show", "decisions show needs ID");
	assert_refused("decisions", "decisions needs a second word; see leadfit help decisions");
	assert_refused("--team x score", "unknown option --team");
}

static void help_makes_nothing_missing(void **state)
{
	struct lf_arguments arguments;
	char storage[256];

	(void)state;
	assert_int_equal(parse("decisions show --help", &arguments, NULL, storage), LF_OK);
	assert_ptr_equal(arguments.command, &show);
	assert_non_null(lf_argument(&arguments, "help"));
	lf_arguments_clean_up(&arguments);
	assert_int_equal(parse("-h", &arguments, NULL, storage), LF_OK);
	assert_null(arguments.command);
	lf_arguments_clean_up(&arguments);
}

static void numbers_are_whole_and_within_their_bounds(void **state)
{
	static const char *const bad[] = {"", "-1", "1.5", "0", "101", "99999999999999999999", "ten", "5x", " 5"};
	unsigned value = 7;

	(void)state;
	assert_int_equal(lf_option_number("limit", "100", 1, 100, &value, NULL), LF_OK);
	assert_int_equal(value, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(lf_option_number("limit", bad[i], 1, 100, &value, NULL), LF_INVALID_ARGUMENT);
	assert_int_equal(value, 100);
}

static void a_choice_names_the_others(void **state)
{
	static const char *const choices[] = {"auto", "always", "never"};
	struct lf_error error = LF_ERROR_INIT;
	size_t index = 9;

	(void)state;
	assert_int_equal(lf_option_choice("color", "never", choices, 3, &index, &error), LF_OK);
	assert_int_equal(index, 2);
	assert_int_equal(lf_option_choice("color", "alway", choices, 3, &index, &error), LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, "--color: alway is not auto, always or never; did you mean always?");
	lf_error_clean_up(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_after_a_space_or_an_equals_sign),
		cmocka_unit_test(global_options_stand_before_and_after_the_command),
		cmocka_unit_test(two_dashes_end_options_and_one_dash_is_an_operand),
		cmocka_unit_test(unknown_words_are_refused_with_the_nearest_known_one),
		cmocka_unit_test(what_is_missing_or_too_much_is_refused),
		cmocka_unit_test(help_makes_nothing_missing),
		cmocka_unit_test(numbers_are_whole_and_within_their_bounds),
		cmocka_unit_test(a_choice_names_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
