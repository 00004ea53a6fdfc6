/* Claims about teams in spreadsheets: CSV as it is written. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/files/cell_values.h"
#include "client/files/input.h"
#include "proto/base/buffer.h"
#include "proto/base/limits.h"

static struct lf_arena arena;
static struct lf_input input; /* the file that was read last */
static const Leadfit__V1__Rubric *rubric;
static const char *date_format;
static bool pass_over;

static const char rubric_text[] =
	"name: people\n"
	"scale: {min: 1, max: 5}\n"
	"sources: {PEER: 1, SELF: 0.4}\n"
	"disciplines: [{id: BACKEND, title: Back end}, {id: FRONTEND, title: Front end}, {id: QA, title: Quality}]\n"
	"criteria:\n"
	"  - {id: architecture, title: Global perspective, weight: {base: 1}}\n"
	"  - {id: problem_solving, title: Technical depth, weight: {base: 1}}\n"
	"  - {id: role, title: How they see their role, weight: {base: 1}}\n"
	"  - {id: domain_alignment, derived: DOMAIN_ALIGNMENT, weight: {base: 1}}\n";

static int set_up(void **state)
{
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	lf_arena_init(&arena, 512 << 20);
	rubric = (const Leadfit__V1__Rubric *)lf_text_parse(
		LF_FORMAT_YAML, &leadfit__v1__rubric__descriptor, rubric_text, sizeof(rubric_text) - 1, &arena, &error);
	if (rubric == NULL)
		print_error("%s\n", error.message);
	return rubric == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	lf_input_clean_up(&input);
	lf_arena_clean_up(&arena);
	return 0;
}

static Leadfit__V1__Team *parse(
	const char *text, const Leadfit__V1__Rubric *names, struct lf_arena *memory, struct lf_error *error)
{
	lf_input_clean_up(&input);
	input = (struct lf_input){.name = "payments.csv", .text = text, .length = strlen(text), .format = LF_INPUT_CSV};
	input.reading.rubric = names;
	input.reading.date_format = date_format;
	input.reading.pass_over = pass_over;
	return (Leadfit__V1__Team *)lf_input_parse(&input, &leadfit__v1__team__descriptor, NULL, memory, error);
}

static Leadfit__V1__Team *read_by(const Leadfit__V1__Rubric *names, const char *text)
{
	struct lf_error error = LF_ERROR_INIT;
	Leadfit__V1__Team *team = parse(text, names, &arena, &error);

	if (team == NULL)
		print_error("%s\n", error.message);
	assert_non_null(team);
	lf_error_clean_up(&error);
	return team;
}

static Leadfit__V1__Team *read_team(const char *text)
{
	return read_by(NULL, text);
}

/* The text is refused, and the first thing wrong with it is this. */
static void assert_refused_by(const Leadfit__V1__Rubric *names, const char *text, const char *message)
{
	struct lf_error error = LF_ERROR_INIT;

	assert_null(parse(text, names, &arena, &error));
	assert_int_equal(error.code, LF_INVALID_ARGUMENT);
	assert_string_equal(error.message, message);
	lf_error_clean_up(&error);
}

static void assert_refused(const char *text, const char *message)
{
	assert_refused_by(NULL, text, message);
}

static void assert_notes(const char *notes)
{
	assert_string_equal(input.notes.data == NULL ? "" : input.notes.data, notes);
}

/* The cell that a path leads to. */
static const char *cell_of(const char *path)
{
	static char name[LF_CELL_NAME_BYTES];
	const char *rest;

	return lf_team_cell_of(&input.cells, path, name, &rest) ? name : "";
}

static double rating(const Leadfit__V1__Team *team, size_t member, size_t piece)
{
	assert_true(member < team->n_members && piece < team->members[member]->n_evidence);
	return team->members[member]->evidence[piece]->rating->value;
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
	assert_refused("id,domain\nm-1,FRONTEND\n", "B2: domain: there is one, but nothing in its row is rated");
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
	assert_string_equal(cell_of("members[1].evidence[0].rating"), "D3");
}

static void empty_lines_and_rows_of_commas_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(read_team("\n\nid,name\n\nm-1,Ada\n,\r\n\r\nm-2,Bob\n,\n")->n_members, 2);
}

static void every_path_leads_to_its_cell(void **state)
{
	(void)state;
	read_team("id,discipline,criterion,rating\nm-1,X,a,1\nm-2,X,a,1\nm-1,,b,2\n");
	assert_string_equal(cell_of("members[0].id"), "A2");
	assert_string_equal(cell_of("members[0].evidence[1].rating"), "D4");
	assert_string_equal(cell_of("members[0].evidence[1].criterion"), "C4");
	assert_string_equal(cell_of("members[0].evidence[1].source"), "D4");
	assert_string_equal(cell_of("members[1].discipline"), "B3");
	assert_string_equal(cell_of("members[1].evidence[7]"), "A3");
	assert_string_equal(cell_of("members[2]"), "");
	assert_string_equal(cell_of("id"), "");
}

static void the_header_is_checked(void **state)
{
	(void)state;
	assert_refused("id,critereon\nm-1,a\n", "B1: unknown column \"critereon\"; did you mean criterion?");
	assert_refused("id,zzzzzzzzzz\nm-1,a\n",
		"B1: unknown column \"zzzzzzzzzz\"; known: id, name, discipline, availability, expertise, "
		"criterion, rating, source, observed_on, domain, note");
	assert_refused("id,name,Full name\nm-1,a,b\n",
		"C1: \"Full name\" and \"name\" in B1 both mean name; leave one of them out");
	assert_refused("name,discipline\na,b\n",
		"A1: no column is named id (nor member, employee id, person, candidate, ...): the first row names "
		"the columns");
	assert_refused("id,name\n", "there are headings, but nobody below them");
}

static void cells_are_separated_by_commas_semicolons_or_tabs(void **state)
{
	(void)state;
	assert_int_equal(read_team("id;name\nm-1;Ada, Countess\n")->n_members, 1);
	assert_notes("cells are separated by semicolons\n");
	assert_string_equal(read_team("id\tname\nm-1\tAda, Countess; of\n")->members[0]->name, "Ada, Countess; of");
	assert_notes("cells are separated by tabs\n");
	assert_string_equal(read_team("sep=;\r\nid;name\r\nm-1;a,b\r\n")->members[0]->name, "a,b");
	assert_string_equal(cell_of("members[0].name"), "B2");
	assert_refused(
		"sep=,\nid,x;discipline\nm-1,a\n", "B1: unknown column \"x;discipline\"; did you mean discipline?");
}

static void lines_end_in_cr_alone_too(void **state)
{
	const Leadfit__V1__Team *team = read_team("id,name\rm-1,Ada\r\rm-2,\"a\rb\"\r");

	(void)state;
	assert_int_equal(team->n_members, 2);
	assert_string_equal(team->members[1]->name, "a\rb");
	assert_string_equal(cell_of("members[1].name"), "B4");
}

static void columns_without_heading_are_passed_over_where_they_are_empty(void **state)
{
	(void)state;
	assert_int_equal(read_team("id,name,,,\nm-1,Ada,,,\nm-2,Bob\n")->n_members, 2);
	assert_refused("id,name,,\nm-1,Ada,,x\n", "D2: \"x\" is in a column without a heading");
	assert_refused("id,,name\nm-1,x,Ada\n", "B2: \"x\" is in a column without a heading");
}

static void what_is_above_the_headings_is_passed_over(void **state)
{
	(void)state;
	assert_int_equal(read_team("Skills of the team\n\nid,name\nm-1,Ada\n")->n_members, 1);
	assert_notes("the headings are in row 3; what is above is left out\n");
	assert_int_equal(read_team("id\nm-1\nm-2\n")->n_members, 2);
}

static void headings_are_known_in_any_case_and_by_synonyms(void **state)
{
	const Leadfit__V1__Team *team =
		read_team(" Employee ID ,FULL NAME,Role,FTE,Competency,Score,Rated by,Date,Comments\n"
			  "m-1,Ada,X,50%,a,3,PEER,2026-05-01,good\n");
	const Leadfit__V1__Member *ada = team->members[0];

	(void)state;
	assert_string_equal(ada->id, "m-1");
	assert_string_equal(ada->name, "Ada");
	assert_string_equal(ada->discipline, "X");
	assert_true(fabs(ada->availability->value - 0.5) < 1e-12);
	assert_string_equal(ada->evidence[0]->criterion, "a");
	assert_string_equal(ada->evidence[0]->source, "PEER");
	assert_string_equal(ada->evidence[0]->observed_on, "2026-05-01");
	assert_string_equal(ada->evidence[0]->note, "good");
	assert_string_equal(read_team("ID,Observed-On,criterion,rating\nm-1,2026-05-01,a,1\n")
				    ->members[0]
				    ->evidence[0]
				    ->observed_on,
		"2026-05-01");
}

static void white_space_around_cells_does_not_count(void **state)
{
	const Leadfit__V1__Team *team = read_team("id , name\n m-1\xc2\xa0, \"Ada\" \n\tm-1,\n");

	(void)state;
	assert_int_equal(team->n_members, 1);
	assert_string_equal(team->members[0]->id, "m-1");
	assert_string_equal(team->members[0]->name, "Ada");
}

static void names_are_known_in_any_case_and_by_title(void **state)
{
	const Leadfit__V1__Team *team = read_by(rubric,
		"id,discipline,expertise,criterion,rating,source,domain\n"
		"m-1,back-end,Front End=0.9;quality=50%,Technical depth,4,peer,front end\n"
		"m-1,BACKEND,,ARCHITECTURE,3,Self,\n"
		"m-2,Quality,,,,,\n");
	const Leadfit__V1__Member *member = team->members[0];

	(void)state;
	assert_string_equal(member->discipline, "BACKEND");
	assert_string_equal(member->expertise[0]->key, "FRONTEND");
	assert_string_equal(member->expertise[1]->key, "QA");
	assert_true(fabs(member->expertise[1]->value - 0.5) < 1e-12);
	assert_string_equal(member->evidence[0]->criterion, "problem_solving");
	assert_string_equal(member->evidence[0]->source, "PEER");
	assert_string_equal(member->evidence[0]->domain, "FRONTEND");
	assert_string_equal(member->evidence[1]->criterion, "architecture");
	assert_string_equal(member->evidence[1]->source, "SELF");
	assert_string_equal(team->members[1]->discipline, "QA");
}

static void names_that_the_rubric_has_not_are_refused_by_cell(void **state)
{
	(void)state;
	assert_refused_by(rubric, "id,discipline\nm-1,Frontent\n",
		"B2: discipline: \"Frontent\" is not a discipline of this rubric; nearest: FRONTEND");
	assert_refused_by(rubric, "id,discipline\nm-1,Zookeeping\n",
		"B2: discipline: \"Zookeeping\" is not a discipline of this rubric; known: BACKEND, FRONTEND, QA "
		"(Quality)");
	assert_refused_by(rubric, "id,criterion,rating\nm-1,domain_alignment,3\n",
		"B2: criterion: \"domain_alignment\" is not a criterion of this rubric; known: architecture (Global "
		"perspective), problem_solving (Technical depth), role (How they see their role)");
	assert_refused_by(rubric, "id,criterion,rating\nm-1,role,6\n", "C2: rating: 6 is outside 1..5");
	assert_refused_by(rubric, "id,criterion,rating,source\nm-1,role,2,PEEER\n",
		"D2: source: \"PEEER\" is not a source of this rubric; nearest: PEER");
	pass_over = true;
	assert_string_equal(
		read_by(rubric, "id,discipline,Salary\nm-1,Zookeeping,1000\n")->members[0]->discipline, "Zookeeping");
	assert_notes("column \"Salary\" is left out: it is neither a field nor a criterion\n");
	pass_over = false;
}

static void a_row_may_be_a_person_with_a_column_for_each_criterion(void **state)
{
	const Leadfit__V1__Team *team = read_by(rubric,
		"Employee;Discipline;Global perspective;PROBLEM SOLVING;Role;Source;Observed on\n"
		"m-1;Back end;4,5;;2;Peer;2026-05-01\n"
		"m-1;;3;;;Self;\n"
		"m-2;QA;;;;Peer;\n");

	(void)state;
	assert_int_equal(team->n_members, 2);
	assert_int_equal(team->members[0]->n_evidence, 3);
	assert_true(fabs(rating(team, 0, 0) - 4.5) < 1e-12);
	assert_string_equal(team->members[0]->evidence[0]->criterion, "architecture");
	assert_string_equal(team->members[0]->evidence[1]->criterion, "role"); /* a criterion comes before a synonym */
	assert_string_equal(team->members[0]->evidence[1]->source, "PEER");
	assert_string_equal(team->members[0]->evidence[1]->observed_on, "2026-05-01");
	assert_string_equal(team->members[0]->evidence[2]->source, "SELF");
	assert_int_equal(team->members[1]->n_evidence, 0);
	assert_string_equal(cell_of("members[0].evidence[1].rating"), "E2");
	assert_string_equal(cell_of("members[0].evidence[2].rating"), "C3");
	assert_string_equal(cell_of("members[0].evidence[2].source"), "F3");
	assert_refused_by(rubric, "id,architecture\nm-1,n/a\n",
		"B2: architecture: \"n/a\" is not a number; expected is 1..5; leave it empty where there is none");
	assert_refused_by(
		rubric, "id,architecture,note\nm-1,,good\n", "C2: note: there is one, but nothing in its row is rated");
	assert_refused_by(rubric, "id,architecture,Global perspective\nm-1,1,2\n",
		"C1: \"Global perspective\" and \"architecture\" in B1 both mean architecture; leave one of them out");
}

static void rows_are_checked_and_named_by_cell(void **state)
{
	(void)state;
	assert_refused("id,name\nm-1,a,\n",
		"C2: the row has 3 cells, but the headings have 2; a cell with a comma in it is put in quotes");
	assert_refused("id,name\n,Ada\n", "A2: id is empty");
	assert_refused("id,name\nm-1,Ada\nm-1,Bob\n", "B3: name: \"Bob\" here, but \"Ada\" in B2 for m-1");
	assert_refused("id,criterion,rating\nm-1,a,\n", "C2: rating is empty");
	assert_refused("id,criterion,rating\nm-1,,4\n", "B2: criterion is empty, but there is a rating");
	assert_refused("id,criterion,rating\nm-1,a,good\n", "C2: rating: \"good\" is not a number");
	assert_refused("id,availability\nm-1,nan\n", "B2: availability: \"nan\" is not a number; expected is 0..1");
	assert_refused("id,availability\nm-1,0x1\n", "B2: availability: \"0x1\" is not a number; expected is 0..1");
	assert_refused("id,availability\nm-1,1e999\n", "B2: availability: \"1e999\" is not a number; expected is 0..1");
	assert_refused("id,availability\nm-1,80\n",
		"B2: availability: 80 is outside 0..1; a percentage is written with its sign, as 80%");
}

static void decimal_commas_are_read_where_they_mean_nothing_else(void **state)
{
	(void)state;
	assert_true(fabs(rating(read_team("id;criterion;rating\nm-1;a;4,5\n"), 0, 0) - 4.5) < 1e-12);
	assert_true(fabs(rating(read_team("id;criterion;rating\nm-1;a;4.5\n"), 0, 0) - 4.5) < 1e-12);
	assert_true(fabs(rating(read_team("id;criterion;rating\nm-1;a;1,234\n"), 0, 0) - 1.234) < 1e-12);
	assert_true(fabs(rating(read_team("id,criterion,rating\nm-1,a,\"4,5\"\n"), 0, 0) - 4.5) < 1e-12);
	assert_refused("id,criterion,rating\nm-1,a,\"1,234\"\n",
		"C2: rating: \"1,234\" is not a number; it may be thousands or decimals: write it with a point, or "
		"without the comma");
	assert_refused("id;criterion;rating\nm-1;a;1.234,5\n",
		"C2: rating: \"1.234,5\" is not a number; write it without a separator for thousands");
}

static const char *read_day(const char *format, const char *text)
{
	static char csv[128];

	snprintf(csv, sizeof(csv), "id;criterion;rating;date\nm-1;a;1;%s\n", text);
	date_format = format;
	text = read_team(csv)->members[0]->evidence[0]->observed_on;
	date_format = NULL;
	return text;
}

static void dates_are_iso_or_as_they_are_said_to_be(void **state)
{
	static const char *const good[] = {
		"D.M.YYYY", "dd.mm.yyyy", "MM/DD/YY", "YYYY-MM-DD", "DD MMM YYYY", "YYYYMMDD", "D-M-YY"};
	static const char *const bad[] = {
		"", "DD.MM", "D.M.YYY", "DD.DD.YYYY", "DDD.M.YYYY", "D.MMMM.YYYY", "%d.%m.%Y"};

	(void)state;
	assert_string_equal(read_day(NULL, "2026-05-01"), "2026-05-01");
	assert_string_equal(read_day(NULL, "2026-05-01 00:00:00"), "2026-05-01");
	assert_string_equal(read_day(NULL, "2026-05-01T12:30:00Z"), "2026-05-01");
	assert_string_equal(read_day("DD.MM.YYYY", "1.5.2026"), "2026-05-01");
	assert_string_equal(read_day("DD.MM.YYYY", "2026-05-01"), "2026-05-01");
	assert_string_equal(read_day("MM/DD/YY", "05/31/26"), "2026-05-31");
	assert_string_equal(read_day("D MMM YYYY", "1 March 2026"), "2026-03-01");
	assert_refused("id,criterion,rating,date\nm-1,a,1,5/1/2026\n",
		"D2: observed_on: \"5/1/2026\" is not a date as 2026-05-01; --date-format says how dates are written, "
		"e.g. "
		"--date-format DD.MM.YYYY");
	assert_refused("id,criterion,rating,date\nm-1,a,1,2026-02-30\n",
		"D2: observed_on: \"2026-02-30\" is not a date as 2026-05-01; --date-format says how dates are "
		"written, "
		"e.g. --date-format DD.MM.YYYY");
	date_format = "DD.MM.YYYY";
	assert_refused("id,criterion,rating,date\nm-1,a,1,31.2.2026\n",
		"D2: observed_on: \"31.2.2026\" is neither a date as 2026-05-01 nor one as --date-format DD.MM.YYYY "
		"says");
	date_format = NULL;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(lf_date_format_check(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(lf_date_format_check(bad[i]));
}

static void expertise_is_checked(void **state)
{
	static const char *const bad[] = {"X", "X=", "=1", "X=1;", ";"};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lf_error error = LF_ERROR_INIT;

		snprintf(text, sizeof(text), "id,expertise\nm-1,\"%s\"\n", bad[i]);
		assert_null(parse(text, NULL, &arena, &error));
		assert_memory_equal(error.message, "B2: expertise: write DISCIPLINE=NUMBER;DISCIPLINE=NUMBER", 48);
		lf_error_clean_up(&error);
	}
	assert_refused("id,expertise\nm-1,X=a\n", "B2: expertise: \"a\" is not a number; expected is 0..1");
	assert_refused("id,expertise\nm-1,X=1;X=0.5\n", "B2: expertise: X is given twice");
	assert_true(
		fabs(read_team("id;expertise\nm-1;\"X=0,5;Y=1\"\n")->members[0]->expertise[0]->value - 0.5) < 1e-12);
}

static void broken_quotes_end_the_reading(void **state)
{
	(void)state;
	assert_refused("id,name\nm-1,\"Ada\n\n\n", "B2: a quote is never closed");
	assert_refused("id,name\nm-1,A\"da\n",
		"B2: a quote is within a cell that does not begin with one; such a cell is put in quotes, and the "
		"quote is "
		"doubled");
	assert_refused(
		"id,name\nm-1,\"A\"da\n", "B2: there is text after a closing quote; a quote within a cell is doubled");
}

static void everything_that_is_wrong_is_listed(void **state)
{
	static const char text[] = "id,criterion,rating\nm-1,a,x\nm-2,a\nm-3,,1\n";
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	assert_null(parse(text, NULL, &arena, &error));
	assert_int_equal(error.violation_count, 3);
	assert_string_equal(error.violations[2].field, "B4");
	lf_error_clean_up(&error);
}

static void a_full_arena_is_an_error(void **state)
{
	static const char text[] = "id,name,criterion,rating,expertise\nm-1,Ada,a,1,X=1;Y=0.5\nm-2,Bob,\"b\"\"\",2,\n";

	(void)state;
	for (size_t bytes = 0; bytes < 512 * 1024; bytes += bytes < 8192 ? 64 : 4096) {
		struct lf_arena small;
		struct lf_error error = LF_ERROR_INIT;
		const Leadfit__V1__Team *team;

		lf_arena_init(&small, bytes);
		team = parse(text, NULL, &small, &error);
		assert_int_equal(error.code, team == NULL ? LF_RESOURCE_EXHAUSTED : LF_OK);
		lf_arena_clean_up(&small);
		lf_error_clean_up(&error);
	}
}

/* So many rows of people, of whom so many are different. */
static char *people(size_t rows, size_t different)
{
	char *text = malloc(32 + rows * 24), *at = text;

	assert_non_null(text);
	at += sprintf(at, "id,criterion,rating\n");
	for (size_t i = 0; i < rows; i++)
		at += sprintf(at, "m-%zu,c,1\n", i % different);
	return text;
}

/* Where a step were quadratic, this would take minutes. */
static void ten_times_each_limit_is_refused_as_what_it_is(void **state)
{
	char *text = people(10 * LF_MEMBERS_MAX, 10 * LF_MEMBERS_MAX);

	(void)state;
	assert_refused(text, "members: has 10000 entries; allowed are at most 1000");
	free(text);
	text = people(400000, 400000);
	assert_refused(text, "members: has 400000 entries; allowed are at most 1000");
	free(text);
	text = people(10 * LF_EVIDENCE_MAX, 1);
	assert_refused(text, "A2: m-0 has 2560 pieces of evidence; allowed are at most 256");
	free(text);
	text = calloc(1, 4 << 20);
	assert_non_null(text);
	memset(text, ',', (4 << 20) - 3);
	memcpy(text + (4 << 20) - 3, "id", 2);
	assert_refused(text, "AMK1: a sheet has at most 1024 columns");
	memset(text, '\n', (4 << 20) - 1); /* empty rows */
	memcpy(text, "id", 2);
	memcpy(text + (4 << 20) - 5, "m-1", 3);
	assert_int_equal(read_team(text)->n_members, 1);
	free(text);
}

static void ids_that_look_alike_are_noted(void **state)
{
	(void)state;
	read_team("id\nm-10\nm-2\nm-1O\nM-2\nm-3\n");
	assert_notes("the id \"M-2\" (A5) looks like \"m-2\" (A3): are they one person?\n"
		     "the id \"m-1O\" (A4) looks like \"m-10\" (A2): are they one person?\n");
	read_team("id\nm-1\nm-1\xe2\x80\x8b\n\xd0\xbc-1\nm-2\nm-3\n");
	assert_non_null(strstr(input.notes.data, "A3) looks like"));
	assert_non_null(strstr(input.notes.data, "A4) looks like"));
	read_team("id\nm-1\nm-2\nm-11\nm-3\nn-1\n");
	assert_notes("");
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
		cmocka_unit_test(every_path_leads_to_its_cell),
		cmocka_unit_test(the_header_is_checked),
		cmocka_unit_test(cells_are_separated_by_commas_semicolons_or_tabs),
		cmocka_unit_test(lines_end_in_cr_alone_too),
		cmocka_unit_test(columns_without_heading_are_passed_over_where_they_are_empty),
		cmocka_unit_test(what_is_above_the_headings_is_passed_over),
		cmocka_unit_test(headings_are_known_in_any_case_and_by_synonyms),
		cmocka_unit_test(white_space_around_cells_does_not_count),
		cmocka_unit_test(names_are_known_in_any_case_and_by_title),
		cmocka_unit_test(names_that_the_rubric_has_not_are_refused_by_cell),
		cmocka_unit_test(a_row_may_be_a_person_with_a_column_for_each_criterion),
		cmocka_unit_test(rows_are_checked_and_named_by_cell),
		cmocka_unit_test(decimal_commas_are_read_where_they_mean_nothing_else),
		cmocka_unit_test(dates_are_iso_or_as_they_are_said_to_be),
		cmocka_unit_test(expertise_is_checked),
		cmocka_unit_test(broken_quotes_end_the_reading),
		cmocka_unit_test(everything_that_is_wrong_is_listed),
		cmocka_unit_test(a_full_arena_is_an_error),
		cmocka_unit_test(ten_times_each_limit_is_refused_as_what_it_is),
		cmocka_unit_test(ids_that_look_alike_are_noted),
		cmocka_unit_test(violations_name_file_line_or_option),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
