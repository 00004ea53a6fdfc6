/*
 * Impact ratios: the published case, the rules one by one, a brute-force recount of random cases; and the file that
 * says who is in what.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calc/impact.h"
#include "client/calc/keys.h"
#include "client/calc/statistics.h"
#include "client/files/groups.h"
#include "proto/base/buffer.h"
#include "tests/client/chance.h"

enum { ARENA_BYTES = 512 * 1024 * 1024 };

struct fixture {
	struct lf_arena arena;
	struct lf_error error;
	struct lf_input input;
	struct lf_groups groups;
	struct lf_impact impact;
	enum lf_code code;
};

/* The text must outlive the fixture. */
static void read_groups(struct fixture *f, enum lf_input_format format, const char *text)
{
	static const char *const words[] = {"N/A", "Prefer not to say"};
	static const struct lf_unknown_words unknown = {words, 2};

	memset(f, 0, sizeof(*f));
	lf_arena_init(&f->arena, ARENA_BYTES);
	f->input = (struct lf_input){.name = "groups", .text = text, .length = strlen(text), .format = format};
	f->code = lf_groups_read(&f->groups, &f->input, &unknown, &f->arena, &f->error);
}

static void clean_up(struct fixture *f)
{
	lf_groups_clean_up(&f->groups);
	lf_error_clean_up(&f->error);
	lf_buffer_clean_up(&f->input.notes);
	lf_arena_clean_up(&f->arena);
}

static void read_csv(struct fixture *f, const char *text)
{
	read_groups(f, LF_INPUT_CSV, text);
	if (f->code != LF_OK)
		fail_msg("%s", f->error.message);
}

static uint32_t person(const struct fixture *f, const char *id)
{
	const uint32_t *place = lf_keys_find(&f->groups.index, id, "");

	return place == NULL ? LF_NOT_GROUPED : *place - 1;
}

static void compute(struct fixture *f, const struct lf_assessment *assessments, size_t count, bool small_too)
{
	static const char *const rubrics[] = {"tech-lead", "another"};

	assert_true(lf_impact_compute(&f->impact, &f->groups, assessments, count, rubrics, 2, small_too, &f->arena));
}

static const struct lf_impact_category *category(const struct fixture *f, size_t table, const char *name)
{
	const struct lf_impact_category *found = NULL;

	for (size_t c = 0; c < f->impact.tables[table].count; c++) {
		struct lf_buffer text = {0};

		lf_impact_name(
			&f->groups, &f->impact.tables[table], f->impact.tables[table].categories[c].categories, &text);
		if (strcmp(text.data, name) == 0)
			found = &f->impact.tables[table].categories[c];
		lf_buffer_clean_up(&text);
	}
	if (found == NULL)
		fail_msg("there is no %s", name);
	return found;
}

/* So many assessments of one person, of which so many are selected. */
static size_t repeat(struct lf_assessment *out, uint32_t who, size_t count, size_t selected)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (struct lf_assessment){
			.person = who, .selected = i < selected, .score = i < selected ? 0.9 : 0.1};
	return count;
}

/* ---- computing ---- */

/*
 * A bias audit that was published under Local Law 144: 3,732 males at .798 and 2,112 females at .784, whose impact
 * ratios are 1.000 and .982. The rates are rounded: these counts round to them.
 */
static void the_published_audit_has_its_ratios(void **state)
{
	enum { MALE = 3732, MALE_SELECTED = 2979, FEMALE = 2112, FEMALE_SELECTED = 1656 };
	struct lf_assessment *assessments = calloc(MALE + FEMALE, sizeof(*assessments));
	struct fixture f;
	size_t males;
	const struct lf_impact_rate *male, *female;

	(void)state;
	assert_non_null(assessments);
	read_csv(&f, "candidate,sex\nm,male\nf,female\n");
	males = repeat(assessments, person(&f, "m"), MALE, MALE_SELECTED);
	compute(&f, assessments, males + repeat(assessments + males, person(&f, "f"), FEMALE, FEMALE_SELECTED), false);
	male = &category(&f, 0, "male")->rates[LF_SELECTION];
	female = &category(&f, 0, "female")->rates[LF_SELECTION];
	assert_near(male->rate, .798, .0005);
	assert_near(female->rate, .784, .0005);
	assert_near(male->ratio, 1.000, 0);
	assert_near(female->ratio, .982, .0005);
	assert_false(male->below || female->below);
	assert_near(female->p,
		lf_fisher(FEMALE_SELECTED, FEMALE - FEMALE_SELECTED, MALE_SELECTED, MALE - MALE_SELECTED), 0);
	assert_true(isnan(male->p));
	assert_near(.784 / .798, .982, .0005);
	free(assessments);
	clean_up(&f);
}

static void the_scoring_rate_is_the_share_strictly_above_the_median_of_all(void **state)
{
	struct fixture f;
	static const char *const people[] = {"a", "b", "c", "d"};
	struct lf_assessment assessments[] = {{.score = .9, .selected = true}, {.score = .5}, {.score = .5},
		{.score = .1}, {.score = .5, .person = LF_NOT_GROUPED}};

	(void)state;
	read_csv(&f, "candidate,sex\na,x\nb,x\nc,y\nd,y\n");
	/*
	 * Median of .1 .5 .5 .5 .9: .5; those at it are not above it. The fifth is in no category, and counts for the
	 * median.
	 */
	for (int i = 0; i < 4; i++)
		assessments[i].person = person(&f, people[i]);
	compute(&f, assessments, 5, false);
	assert_int_equal(f.impact.rubric_count, 1);
	assert_string_equal(f.impact.rubrics[0].name, "tech-lead");
	assert_int_equal(f.impact.rubrics[0].assessed, 5);
	assert_near(f.impact.rubrics[0].median, .5, 0);
	assert_int_equal(f.impact.above, 1);
	assert_int_equal(f.impact.assessed, 5);
	assert_int_equal(f.impact.tables[0].known, 4);
	assert_int_equal(f.impact.tables[0].unknown, 1);
	assert_near(category(&f, 0, "x")->rates[LF_SCORING].rate, .5, 0);
	assert_near(category(&f, 0, "y")->rates[LF_SCORING].rate, 0, 0);
	assert_near(category(&f, 0, "y")->rates[LF_SCORING].ratio, 0, 0);
	assert_true(category(&f, 0, "y")->rates[LF_SCORING].below);
	compute(&f, assessments, 0, false);
	assert_int_equal(f.impact.rubric_count, 0);
	assert_int_equal(f.impact.tables[0].count, 0);
	clean_up(&f);
}

/*
 * Under "another" scores are lower, and mostly those of y are given under it. Against one median of all (.55) y would
 * have one score of four above it, and x three of four.
 */
static void each_score_is_compared_with_the_median_under_its_own_rubric(void **state)
{
	struct fixture f;
	struct lf_assessment assessments[] = {{.score = .9, .person = 0}, {.score = .6, .person = 0},
		{.score = .8, .person = 0}, {.score = .7, .person = 1}, {.score = .1, .person = 0, .rubric = 1},
		{.score = .3, .person = 1, .rubric = 1}, {.score = .2, .person = 1, .rubric = 1},
		{.score = .5, .person = 1, .rubric = 1}};

	(void)state;
	read_csv(&f, "candidate,sex\na,x\nb,y\n");
	compute(&f, assessments, 8, false);
	assert_int_equal(f.impact.rubric_count, 2);
	assert_string_equal(f.impact.rubrics[0].name, "another"); /* by name */
	assert_near(f.impact.rubrics[0].median, .25, 0);
	assert_int_equal(f.impact.rubrics[0].assessed, 4);
	assert_string_equal(f.impact.rubrics[1].name, "tech-lead");
	assert_near(f.impact.rubrics[1].median, .75, 1e-15);
	assert_int_equal(f.impact.above, 4);
	assert_int_equal(category(&f, 0, "x")->rates[LF_SCORING].hits, 2);
	assert_int_equal(category(&f, 0, "y")->rates[LF_SCORING].hits, 2);
	compute(&f, assessments, 4, false); /* the other one is known, and nobody was assessed under it */
	assert_int_equal(f.impact.rubric_count, 1);
	assert_string_equal(f.impact.rubrics[0].name, "tech-lead");
	clean_up(&f);
}

static void four_fifths_is_exact(void **state)
{
	struct lf_assessment assessments[200];
	struct fixture f;
	size_t count;

	(void)state;
	read_csv(&f, "candidate,sex\na,x\nb,y\n");
	/* 12 of 100 against 15 of 100 is four fifths, which doubles make .7999999999999999. */
	count = repeat(assessments, person(&f, "a"), 100, 15);
	count += repeat(assessments + count, person(&f, "b"), 100, 12);
	compute(&f, assessments, count, false);
	assert_false(category(&f, 0, "y")->rates[LF_SELECTION].below);
	count = repeat(assessments, person(&f, "a"), 100, 15);
	count += repeat(assessments + count, person(&f, "b"), 100, 11);
	compute(&f, assessments, count, false);
	assert_true(category(&f, 0, "y")->rates[LF_SELECTION].below);
	clean_up(&f);
}

static void a_category_under_two_percent_is_no_reference_and_has_no_ratio_unless_asked_for(void **state)
{
	struct lf_assessment assessments[300];
	struct fixture f;
	size_t count;

	(void)state;
	read_csv(&f, "candidate,group\na,large\nb,other\nc,small\n");
	count = repeat(assessments, person(&f, "a"), 150, 75);
	count += repeat(assessments + count, person(&f, "b"), 49, 20);
	count += repeat(assessments + count, person(&f, "c"), 3, 3); /* 3 of 202: under 2% */
	compute(&f, assessments, count, false);
	assert_true(category(&f, 0, "small")->small);
	assert_false(category(&f, 0, "large")->small);
	assert_near(category(&f, 0, "small")->rates[LF_SELECTION].rate, 1, 0);
	assert_true(isnan(category(&f, 0, "small")->rates[LF_SELECTION].ratio));
	assert_near(category(&f, 0, "large")->rates[LF_SELECTION].ratio, 1, 0);
	assert_near(category(&f, 0, "small")->rates[LF_SELECTION].p, lf_fisher(3, 0, 75, 75), 0);
	compute(&f, assessments, count, true);
	assert_near(category(&f, 0, "small")->rates[LF_SELECTION].ratio, 1, 0);
	assert_near(category(&f, 0, "large")->rates[LF_SELECTION].ratio, .5, 0);
	/* Exactly 2% is not under it. */
	count = repeat(assessments, person(&f, "a"), 98, 50);
	count += repeat(assessments + count, person(&f, "c"), 2, 0);
	compute(&f, assessments, count, false);
	assert_false(category(&f, 0, "small")->small);
	clean_up(&f);
}

static void where_nobody_is_selected_there_is_no_ratio(void **state)
{
	struct lf_assessment assessments[10];
	struct fixture f;
	size_t count;

	(void)state;
	read_csv(&f, "candidate,sex\na,x\nb,y\n");
	count = repeat(assessments, person(&f, "a"), 5, 0);
	count += repeat(assessments + count, person(&f, "b"), 5, 0);
	compute(&f, assessments, count, false);
	assert_true(isnan(category(&f, 0, "x")->rates[LF_SELECTION].ratio) &&
		isnan(category(&f, 0, "y")->rates[LF_SELECTION].ratio));
	assert_false(category(&f, 0, "y")->rates[LF_SELECTION].below);
	clean_up(&f);
}

static void intersections_follow_the_dimensions(void **state)
{
	struct lf_buffer text = {0};
	struct fixture f;
	struct lf_assessment assessments[5];

	(void)state;
	read_csv(&f, "candidate,sex,race_ethnicity\na,female,Asian\nb,female,White\nc,male,Asian\nd,male,\ne,,White\n");
	for (uint32_t i = 0; i < 5; i++)
		assessments[i] = (struct lf_assessment){.person = i, .selected = i < 2, .score = i};
	compute(&f, assessments, 5, false);
	assert_int_equal(f.impact.table_count, 3);
	assert_int_equal(f.impact.tables[0].unknown, 1);
	assert_int_equal(f.impact.tables[1].unknown, 1);
	assert_int_equal(f.impact.tables[2].unknown, 2);
	assert_int_equal(f.impact.tables[2].count, 3);
	assert_int_equal(category(&f, 2, "female, Asian")->count, 1);
	assert_int_equal(category(&f, 2, "male, Asian")->rates[LF_SELECTION].hits, 0);
	lf_impact_title(&f.groups, &f.impact.tables[2], &text);
	assert_string_equal(text.data, "sex and race_ethnicity");
	lf_buffer_clean_up(&text);
	clean_up(&f);
}

/* Every number of every table, counted again in the plainest way. */
static void random_cases_agree_with_a_recount(void **state)
{
	static const char csv[] =
		"candidate,a,b,c\n0,x,p,1\n1,x,q,2\n2,y,p,\n3,y,,1\n4,z,q,2\n5,,p,1\n6,x,p,2\n7,z,r,2\n";

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct lf_assessment assessments[400];
		double scores[2][400], medians[2];
		size_t counts[2] = {0};
		struct fixture f;
		const size_t count = draw(400);
		const bool small_too = draw(2) == 1;

		read_csv(&f, csv);
		for (size_t i = 0; i < count; i++) {
			const uint64_t who = draw(10);

			assessments[i] =
				(struct lf_assessment){.person = who > 7 ? LF_NOT_GROUPED : (uint32_t)(who * who / 8),
					.rubric = (uint32_t)draw(2),
					.selected = draw(3) == 0,
					.score = (double)draw(20) / 19};
			scores[assessments[i].rubric][counts[assessments[i].rubric]++] = assessments[i].score;
		}
		compute(&f, assessments, count, small_too);
		for (size_t r = 0; r < 2; r++)
			medians[r] = lf_median(scores[r], counts[r]);
		assert_int_equal(f.impact.table_count, 7);
		for (size_t t = 0; t < 7; t++) {
			const struct lf_impact_table *table = &f.impact.tables[t];
			uint64_t known = 0;

			for (size_t c = 0; c < table->count; c++) {
				const struct lf_impact_category *row = &table->categories[c];
				uint64_t n = 0, selected = 0, above = 0;

				for (size_t i = 0; i < count; i++) {
					bool same = assessments[i].person != LF_NOT_GROUPED;

					for (size_t d = 0; d < 3 && same; d++)
						same = (table->dimensions >> d & 1) == 0 ||
							f.groups.people[assessments[i].person].categories[d] ==
								row->categories[d];
					n += same;
					selected += same && assessments[i].selected;
					above += same && assessments[i].score > medians[assessments[i].rubric];
				}
				assert_int_equal(row->count, n);
				assert_int_equal(row->rates[LF_SELECTION].hits, selected);
				assert_int_equal(row->rates[LF_SCORING].hits, above);
				known += n;
			}
			assert_int_equal(table->known, known);
			assert_int_equal(table->known + table->unknown, count);
			for (size_t m = 0; m < LF_MEASURES; m++) {
				double highest = 0;

				for (size_t c = 0; c < table->count; c++)
					if (small_too || !table->categories[c].small)
						highest = fmax(highest, table->categories[c].rates[m].rate);
				for (size_t c = 0; c < table->count; c++) {
					const struct lf_impact_category *row = &table->categories[c];

					assert_int_equal(row->small, (double)row->count < .02 * (double)known);
					if (highest > 0 && (small_too || !row->small))
						assert_near(row->rates[m].ratio, row->rates[m].rate / highest, 1e-12);
					else
						assert_true(isnan(row->rates[m].ratio));
				}
			}
		}
		clean_up(&f);
	}
}

/* ---- the file ---- */

static void the_file_is_csv_yaml_or_json_alike(void **state)
{
	static const char *const texts[] = {"candidate,sex,race_ethnicity\r\nm-1,female,\"Hispanic or Latino\"\nm-2, "
					    "male ,Unknown\n,,\nm-3, n/A ,White\n",
		"people:\n  - {candidate: m-1, categories: {sex: female, race_ethnicity: Hispanic or Latino}}\n"
		"  - {candidate: m-2, categories: {sex: male, race_ethnicity: unknown}}\n  - {candidate: m-3, "
		"categories: {sex: , race_ethnicity: White}}\n",
		"{\"people\": [{\"candidate\": \"m-1\", \"categories\": {\"sex\": \"female\", \"race_ethnicity\": "
		"\"Hispanic or Latino\"}},"
		"{\"candidate\": \"m-2\", \"categories\": {\"sex\": \"male\"}}, {\"candidate\": \"m-3\", "
		"\"categories\": {\"sex\": \"prefer not to say\", \"race_ethnicity\": \"White\"}}]}"};
	static const enum lf_input_format formats[] = {LF_INPUT_CSV, LF_INPUT_YAML, LF_INPUT_JSON};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fixture f;
		size_t sex, race;
		const struct lf_grouped *people;

		read_groups(&f, formats[i], texts[i]);
		if (f.code != LF_OK)
			fail_msg("%s", f.error.message);
		assert_int_equal(f.groups.dimension_count, 2);
		assert_int_equal(f.groups.person_count, 3);
		sex = strcmp(f.groups.dimensions[0].name, "sex") == 0 ? 0 : 1;
		race = 1 - sex;
		assert_string_equal(f.groups.dimensions[race].name, "race_ethnicity");
		assert_int_equal(f.groups.dimensions[sex].category_count, 2);
		people = f.groups.people;
		assert_string_equal(
			f.groups.dimensions[sex].categories[people[person(&f, "m-1")].categories[sex]], "female");
		assert_string_equal(
			f.groups.dimensions[sex].categories[people[person(&f, "m-2")].categories[sex]], "male");
		assert_int_equal(people[person(&f, "m-2")].categories[race], LF_CATEGORY_UNKNOWN);
		assert_int_equal(people[person(&f, "m-3")].categories[sex], LF_CATEGORY_UNKNOWN);
		assert_int_equal(person(&f, "m-4"), LF_NOT_GROUPED);
		clean_up(&f);
	}
}

static void assert_refused(enum lf_input_format format, const char *text, const char *field, const char *description)
{
	struct fixture f;
	bool found = false;

	read_groups(&f, format, text);
	assert_int_equal(f.code, LF_INVALID_ARGUMENT);
	for (size_t i = 0; i < f.error.violation_kept; i++)
		found = found ||
			(strcmp(f.error.violations[i].field, field) == 0 &&
				strstr(f.error.violations[i].description, description) != NULL);
	if (!found)
		fail_msg("%s: not %s: %s", f.error.message, field, description);
	clean_up(&f);
}

static void everything_wrong_with_the_file_is_told_by_place(void **state)
{
	char text[64 * 1024] = "candidate,sex\n";
	struct fixture f;

	(void)state;
	assert_refused(LF_INPUT_CSV, "name,sex\na,x\n", "A1", "no column is named candidate");
	assert_refused(LF_INPUT_CSV, "candidate\na\n", "A1", "has 0 dimensions such as sex; allowed are 1..4");
	assert_refused(LF_INPUT_CSV, "candidate,a,b,c,d,e\na,1,1,1,1,1\n", "A1", "has 5 dimensions");
	assert_refused(LF_INPUT_CSV, "candidate,a,A\na,1,1\n", "C1", "A is there twice");
	assert_refused(LF_INPUT_CSV, "candidate,sex,\na,x,1\n", "C2", "\"1\" is in a column without a heading");
	assert_refused(LF_INPUT_CSV, "candidate,sex\n", "", "nobody");
	assert_refused(LF_INPUT_CSV, "candidate,sex\na,x,y\n", "C2", "3 cells, but the headings have 2");
	assert_refused(LF_INPUT_CSV, "candidate,sex\na,x\nb,y\na,y\n", "A4", "candidate: a is there twice");
	assert_refused(LF_INPUT_CSV, "candidate,sex\n,x\n", "A2", "candidate: is required");
	assert_refused(LF_INPUT_CSV, "candidate,sex\na,\"x\n", "B2", "never closed");
	assert_refused(LF_INPUT_YAML, "people: []\n", "people", "nobody");
	assert_refused(LF_INPUT_YAML, "people: [{candidate: a}]\n", "people", "has 0 dimensions");
	assert_refused(LF_INPUT_YAML, "people: [{categories: {sex: x}}]\n", "people[0].candidate", "is required");
	assert_refused(LF_INPUT_YAML, "people: [{candidate: a, sex: x}]\n", "people[0].sex", "");
	for (int i = 0; i <= LF_CATEGORIES_MAX; i++)
		sprintf(text + strlen(text), "p%d,c%d\n", i, i);
	assert_refused(LF_INPUT_CSV, text, "", "sex: has 65 categories; allowed are at most 64");
	/* All at once. */
	read_groups(&f, LF_INPUT_CSV, "candidate,sex\na,x\na,x\n,X\n");
	assert_int_equal(f.error.violation_count, 2);
	clean_up(&f);
}

/* The category of somebody in the only dimension; "" where it is not known. */
static const char *category_of(const struct fixture *f, const char *id)
{
	const uint8_t category = f->groups.people[person(f, id)].categories[0];

	return category == LF_CATEGORY_UNKNOWN ? "" : f->groups.dimensions[0].categories[category];
}

static void spellings_that_differ_in_case_composition_and_space_are_one_category(void **state)
{
	struct fixture f;

	(void)state;
	read_csv(&f,
		"Employee ID;Race\na;\xc3\x84thiopisch\nb;\xc3\xa4thiopisch\nc;A\xcc\x88thiopisch\nd; "
		"\xc3\x84thiopisch\xc2\xa0\n"
		"e;Two or more\nf;two\xc2\xa0or  more\ng;prefer\xe2\x80\x83not to  SAY\nh;UNKNOWN\ni;Stra\xc3\x9f"
		"e\nj;STRASSE\n");
	assert_int_equal(f.groups.dimensions[0].category_count, 3);
	assert_string_equal(f.groups.dimensions[0].name, "Race");
	for (const char *id = "abcd"; *id != '\0'; id++)
		assert_string_equal(category_of(&f, (char[]){*id, '\0'}), "\xc3\x84thiopisch");
	assert_string_equal(category_of(&f, "f"), "Two or more");
	assert_string_equal(category_of(&f, "g"), "");
	assert_string_equal(category_of(&f, "h"), "");
	assert_string_equal(category_of(&f, "j"),
		"Stra\xc3\x9f"
		"e");
	assert_non_null(strstr(f.input.notes.data,
		"Race: \"\xc3\x84thiopisch\" is one category with \"\xc3\xa4thiopisch\", \"A\xcc\x88thiopisch\"\n"));
	assert_non_null(strstr(f.input.notes.data, "Race: \"Two or more\" is one category with"));
	clean_up(&f);
}

static void words_that_may_mean_unknown_are_asked_about(void **state)
{
	struct fixture f;

	(void)state;
	read_csv(&f, "candidate,sex\na,Female\nb,-\nc,Not Disclosed\nd,n/a\nd-1,x\nD-1,x\n");
	assert_int_equal(f.groups.dimensions[0].category_count, 4);
	assert_string_equal(f.input.notes.data,
		"sex: is \"-\" a category? If it means that it is not known, say --unknown '-'\n"
		"sex: is \"Not Disclosed\" a category? If it means that it is not known, say --unknown 'Not "
		"Disclosed'\n"
		"the id \"D-1\" (A7) looks like \"d-1\" (A6): are they one person?\n");
	clean_up(&f);
}

/* Where a step were quadratic, this would take minutes. */
static void a_file_of_the_largest_size_is_read(void **state)
{
	enum { BYTES = 4 << 20 };
	char *text = malloc(BYTES + 64), *at = text;
	struct fixture f;
	size_t count = 0;

	(void)state;
	assert_non_null(text);
	at += sprintf(at, "candidate,sex\n");
	while (at < text + BYTES - 16)
		at += sprintf(at, "%zx,c%zu\n", count, count % 64), count++;
	read_csv(&f, text);
	assert_int_equal(f.groups.person_count, count);
	clean_up(&f);
	at = text + sprintf(text, "candidate,sex\n");
	for (count = 0; at < text + BYTES - 24; count++)
		at += sprintf(at, "%zx,%zx\n", count, count);
	read_groups(&f, LF_INPUT_CSV, text);
	assert_int_equal(f.code, LF_INVALID_ARGUMENT);
	assert_non_null(strstr(f.error.message, "categories; allowed are at most 64"));
	clean_up(&f);
	free(text);
}

static void many_names_keep_their_numbers(void **state)
{
	enum { COUNT = 20000 };
	struct lf_keys keys = {0};
	bool added;

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		char first[600], second[16];
		uint32_t *number;

		snprintf(first, sizeof(first), "%0*u", i % 50 == 0 ? 580 : 1, i / 10);
		snprintf(second, sizeof(second), "%u", i % 10);
		number = lf_keys_add(&keys, first, second, &added);
		assert_non_null(number);
		assert_true(added);
		*number = i;
	}
	assert_int_equal(keys.count, COUNT);
	assert_int_equal(*lf_keys_find(&keys, "7", "3"), 73);
	assert_null(lf_keys_find(&keys, "73", ""));
	added = true;
	assert_int_equal(*lf_keys_add(&keys, "1999", "9", &added), 19999);
	assert_false(added);
	lf_keys_clean_up(&keys);
	assert_null(lf_keys_find(&keys, "7", "3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_audit_has_its_ratios),
		cmocka_unit_test(the_scoring_rate_is_the_share_strictly_above_the_median_of_all),
		cmocka_unit_test(each_score_is_compared_with_the_median_under_its_own_rubric),
		cmocka_unit_test(four_fifths_is_exact),
		cmocka_unit_test(a_category_under_two_percent_is_no_reference_and_has_no_ratio_unless_asked_for),
		cmocka_unit_test(where_nobody_is_selected_there_is_no_ratio),
		cmocka_unit_test(intersections_follow_the_dimensions),
		cmocka_unit_test(random_cases_agree_with_a_recount),
		cmocka_unit_test(the_file_is_csv_yaml_or_json_alike),
		cmocka_unit_test(everything_wrong_with_the_file_is_told_by_place),
		cmocka_unit_test(spellings_that_differ_in_case_composition_and_space_are_one_category),
		cmocka_unit_test(words_that_may_mean_unknown_are_asked_about),
		cmocka_unit_test(a_file_of_the_largest_size_is_read),
		cmocka_unit_test(many_names_keep_their_numbers),
	};

	return cmocka_run_group_tests(tests, seed, NULL);
}
