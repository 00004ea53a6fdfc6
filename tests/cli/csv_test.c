/* Claims about teams in CSV files. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/files/csv.h"
#include "client/files/input.h"
#include "proto/base/buffer.h"

static struct lf_arena arena;
static struct lf_csv_lines lines;

static int set_up(void **state)
{
	(void)state;
	lf_arena_init(&arena, 16 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lf_arena_clean_up(&arena);
	return 0;
}

static Leadfit__V1__Team *read_team(const char *text)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Team *team = lf_csv_team(text, strlen(text), "payments", &arena, &lines, &error);

	if (team == NULL)
		print_error("%s\n", error.message);
	assert_non_null(team);
	lf_error_clean_up(&error);
	return team;
}

/* The text is refused, and the first thing wrong with it is this. */
static void assert_refused(const char *text, const char *message)
{
	struct lf_error error = LF_ERROR_INIT;

	assert_null(lf_csv_team(text, strlen(text), "payments", &arena, &lines, &error));
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, message);
	lf_error_clean_up(&error);
}

static void one_row_is_one_piece_of_evidence(void **state)
{
	const Leadfit__V1__Team *team = read_team(
		"id,name,discipline,availability,expertise,criterion,rating,source,observed_on,note\n"
		"m-1,Ada,FRONTEND,0.8,FRONTEND=0.9;DESIGN=0.6,interaction,4.5,PEER,2026-05-01,led the design system\n"
		"m-1,,,,,architecture,3,SELF,,\n"
		"m-2,,BACKEND,,,,,,,\n"
		",,,,,architecture,4,,,\n"
		"m-1,Ada,FRONTEND,,,collaboration,2,,,\n");
	const Leadfit__V1__Member *ada, *other;

	(void)state;
	assert_string_equal(team->id, "payments");
	assert_int_equal(team->n_members, 2);
	ada = team->members[0];
	other = team->members[1];
	assert_string_equal(ada->id, "m-1");
	assert_string_equal(ada->name, "Ada");
	assert_true(fabs(ada->availability->value - 0.8) < 1e-12);
	assert_int_equal(ada->n_expertise, 2);
	assert_string_equal(ada->expertise[1]->key, "DESIGN");
	assert_true(fabs(ada->expertise[1]->value - 0.6) < 1e-12);
	assert_int_equal(ada->n_evidence, 3);
	assert_string_equal(ada->evidence[0]->observed_on, "2026-05-01");
	assert_string_equal(ada->evidence[0]->note, "led the design system");
	assert_string_equal(ada->evidence[2]->criterion, "collaboration");
	assert_null(other->availability);
	assert_int_equal(other->n_evidence, 1);
	assert_string_equal(other->evidence[0]->criterion, "architecture");
}

static void a_domain_is_the_discipline_that_a_piece_shows(void **state)
{
	const Leadfit__V1__Team *team = read_team("id,discipline,criterion,rating,domain\n"
						  "m-1,BACKEND,architecture,4,FRONTEND\n"
						  "m-1,,architecture,4,\n");

	(void)state;
	assert_string_equal(team->members[0]->evidence[0]->domain, "FRONTEND");
	assert_string_equal(team->members[0]->evidence[1]->domain, "");
	assert_refused("id,domain\nm-1,FRONTEND\n",
		"line 2: criterion is empty, but there is a rating, source, date, domain or note (and 1 more)");
}

static void columns_may_stand_in_any_order_and_be_left_out(void **state)
{
	const Leadfit__V1__Team *team = read_team("rating,criterion,id\n4,architecture,m-1\n");

	(void)state;
	assert_string_equal(team->members[0]->id, "m-1");
	assert_true(fabs(team->members[0]->evidence[0]->rating->value - 4) < 1e-12);
	assert_int_equal(read_team("id\nm-1\nm-2\n")->n_members, 2);
}

static void quotes_protect_commas_quotes_and_line_ends(void **state)
{
	const Leadfit__V1__Team *team =
		read_team("id,name,criterion,rating,note\r\n"
			  "m-1,\"Lovelace, Ada\",architecture,4,\"said \"\"yes\"\"\r\ntwice\"\r\n"
			  "m-2,\"\",architecture,3,\"\"");

	(void)state;
	assert_string_equal(team->members[0]->name, "Lovelace, Ada");
	assert_string_equal(team->members[0]->evidence[0]->note, "said \"yes\"\r\ntwice");
	assert_string_equal(team->members[1]->name, "");
	assert_int_equal(lf_csv_line_of(&lines, "members[1].evidence[0].rating"), 4);
}

static void empty_lines_and_rows_of_commas_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(read_team("\n\nid,name\n\nm-1,Ada\n,\r\n\r\nm-2,Bob\n,\n")->n_members, 2);
}

static void every_path_leads_to_its_line(void **state)
{
	(void)state;
	read_team("id,discipline,criterion,rating\nm-1,X,a,1\nm-2,X,a,1\nm-1,,b,2\n");
	assert_int_equal(lf_csv_line_of(&lines, "members[0].id"), 2);
	assert_int_equal(lf_csv_line_of(&lines, "members[0].evidence[1].rating"), 4);
	assert_int_equal(lf_csv_line_of(&lines, "members[1].discipline"), 3);
	assert_int_equal(lf_csv_line_of(&lines, "members[1].evidence[7]"), 3);
	assert_int_equal(lf_csv_line_of(&lines, "members[2]"), 0);
	assert_int_equal(lf_csv_line_of(&lines, "id"), 0);
}

static void the_header_is_checked(void **state)
{
	(void)state;
	assert_refused("id,critereon\nm-1,a\n", "line 1: unknown column \"critereon\"; did you mean criterion?");
	assert_refused("id,zzzzzzzzzz\nm-1,a\n",
		"line 1: unknown column \"zzzzzzzzzz\"; known: id, name, discipline, availability, expertise, "
		"criterion, rating, source, observed_on, domain, note");
	assert_refused("id,name,name\nm-1,a,b\n", "line 1: column name is there twice");
	assert_refused("name,discipline\na,b\n", "line 1: there is no column id; the first line names the columns");
	assert_refused("id;name\nm-1;Ada\n", "line 1: columns are separated by commas, not semicolons");
	assert_refused("id,name\n", "line 2: there is a header, but nobody below it");
}

static void rows_are_checked_and_named_by_line(void **state)
{
	(void)state;
	assert_refused("id,name\nm-1\n", "line 2: 1 cells, but the first line has 2");
	assert_refused("id,name\nm-1,a,b\n", "line 2: 3 cells, but the first line has 2");
	assert_refused("id,name\n,Ada\n", "line 2: id is empty");
	assert_refused("id,name\nm-1,Ada\nm-1,Bob\n", "line 3: name: \"Bob\" here, but \"Ada\" on line 2 for m-1");
	assert_refused("id,criterion,rating\nm-1,a,\n", "line 2: rating is empty");
	assert_refused("id,criterion,rating\nm-1,,4\n",
		"line 2: criterion is empty, but there is a rating, source, date, domain or note");
	assert_refused("id,criterion,rating\nm-1,a,good\n", "line 2: rating: \"good\" is not a number");
	assert_refused("id,criterion,rating\nm-1,a,\"4,5\"\n",
		"line 2: rating: \"4,5\" is not a number; decimals are written with a point");
	assert_refused("id,availability\nm-1,nan\n", "line 2: availability: \"nan\" is not a number");
	assert_refused("id,availability\nm-1,0x1\n", "line 2: availability: \"0x1\" is not a number");
	assert_refused("id,availability\nm-1,1e999\n", "line 2: availability: \"1e999\" is not a number");
}

static void expertise_is_checked(void **state)
{
	static const char *const bad[] = {"X", "X=", "=1", "X=1;", "X=1,Y=1", "X=a"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "id,expertise\nm-1,\"%s\"\n", bad[i]);
		assert_refused(text,
			"line 2: expertise: write DISCIPLINE=NUMBER;DISCIPLINE=NUMBER, e.g. FRONTEND=0.9;DESIGN=0.6");
	}
	assert_refused("id,expertise\nm-1,X=1;X=0.5\n", "line 2: expertise: X is given twice");
}

static void broken_quotes_end_the_reading(void **state)
{
	(void)state;
	assert_refused("id,name\nm-1,\"Ada\n\n\n", "line 2: a quote that is never closed");
	assert_refused("id,name\nm-1,A\"da\n", "line 2: a quote within a cell that does not begin with one");
	assert_refused("id,name\nm-1,\"A\"da\n", "line 2: text after a closing quote");
}

static void everything_that_is_wrong_is_listed(void **state)
{
	static const char text[] = "id,criterion,rating\nm-1,a,x\nm-2,a\nm-3,,1\n";
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	assert_null(lf_csv_team(text, strlen(text), "t", &arena, &lines, &error));
	assert_int_equal(error.violation_count, 3);
	assert_string_equal(error.violations[2].field, "line 4");
	lf_error_clean_up(&error);
}

static void a_full_arena_is_an_error(void **state)
{
	static const char text[] = "id,name,criterion,rating,expertise\nm-1,Ada,a,1,X=1;Y=2\nm-2,Bob,b,2,\n";

	(void)state;
	for (size_t bytes = 0; bytes < 8192; bytes += 16) {
		struct lf_arena small;
		struct lf_error error = LF_ERROR_INIT;
		const Leadfit__V1__Team *team;

		lf_arena_init(&small, bytes);
		team = lf_csv_team(text, strlen(text), "t", &small, &lines, &error);
		assert_int_equal(error.code, team == NULL ? LF_RESOURCE_EXHAUSTED : LF_OK);
		lf_arena_clean_up(&small);
		lf_error_clean_up(&error);
	}
}

static void violations_name_file_line_or_option(void **state)
{
	static const char text[] = "id: t\nmembers:\n  - id: m-1\n    evidence:\n      - {criterion: a, rating: 7}\n";
	const struct lf_input team = {
		.name = "team.yaml", .text = text, .length = sizeof(text) - 1, .format = LF_INPUT_YAML};
	const struct lf_input absent = {0};
	const struct lf_source sources[] = {{.prefix = "team", .input = &team}, {.prefix = "project", .input = &absent},
		{.prefix = "as_of", .option = "--as-of"}};
	struct lf_buffer out = {0};

	(void)state;
	lf_violation_print(&out, "team.members[0].evidence[0].rating", "7 is outside 1..5", sources, 3);
	lf_violation_print(&out, "team", "is odd", sources, 3);
	lf_violation_print(&out, "teams", "is odd", sources, 3);
	lf_violation_print(&out, "as_of", "is too late", sources, 3);
	lf_violation_print(&out, "project.id", "is required", sources, 3);
	assert_string_equal(out.data,
		"team.yaml:5: members[0].evidence[0].rating: 7 is outside 1..5\n"
		"team.yaml: is odd\n"
		"teams: is odd\n"
		"--as-of: is too late\n"
		"project.id: is required\n");
	lf_buffer_clean_up(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_row_is_one_piece_of_evidence),
		cmocka_unit_test(a_domain_is_the_discipline_that_a_piece_shows),
		cmocka_unit_test(columns_may_stand_in_any_order_and_be_left_out),
		cmocka_unit_test(quotes_protect_commas_quotes_and_line_ends),
		cmocka_unit_test(empty_lines_and_rows_of_commas_are_passed_over),
		cmocka_unit_test(every_path_leads_to_its_line),
		cmocka_unit_test(the_header_is_checked),
		cmocka_unit_test(rows_are_checked_and_named_by_line),
		cmocka_unit_test(expertise_is_checked),
		cmocka_unit_test(broken_quotes_end_the_reading),
		cmocka_unit_test(everything_that_is_wrong_is_listed),
		cmocka_unit_test(a_full_arena_is_an_error),
		cmocka_unit_test(violations_name_file_line_or_option),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
