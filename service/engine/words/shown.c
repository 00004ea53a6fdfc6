/* What evidence made of a label: "m-1042 is Backend by label; with 3 pieces of evidence, 0.75 in Front end." */
#include "service/engine/words/speak.h"

#define TOLD_MIN 0.005 /* a label that evidence moved by less is as good as confirmed */

/* ---- which discipline to speak of ---- */

/* The part of an alignment's needs that is of a discipline. */
static double need_of(const struct lf_speaker *speaker, const struct lf_criterion *criterion, uint32_t discipline)
{
	double total = 0, of = 0;

	for (size_t i = 0; i < criterion->need_count; i++) {
		double need = lf_respond(&criterion->needs[i].amount, speaker->the_case->traits);

		total += need;
		of += criterion->needs[i].discipline == discipline ? need : 0;
	}
	return total > 0 ? of / total : 0;
}

/* The part of the team's labour that is of a discipline. */
static double labour_of(const struct lf_case *the_case, uint32_t discipline)
{
	double total = 0, of = 0;

	for (size_t m = 0; m < the_case->member_count; m++) {
		const struct lf_member *member = &the_case->members[m];

		if (member->discipline == LF_NONE)
			continue;
		total += member->availability;
		of += member->discipline == discipline ? member->availability : 0;
	}
	return total > 0 ? of / total : 0;
}

/* How much of a score is about a discipline. */
static double importance_of(const struct lf_speaker *speaker, uint32_t discipline)
{
	double sum = 0;

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &speaker->rubric->criteria[c];
		double weight = speaker->result->weights[criterion->index];

		if (criterion->derived == LF_DOMAIN_ALIGNMENT)
			sum += weight * need_of(speaker, criterion, discipline);
		else if (criterion->derived == LF_TEAM_COVERAGE)
			sum += weight * labour_of(speaker->the_case, discipline);
	}
	return sum;
}

/* The discipline in which evidence moved most of the score, canonical order deciding between equals; LF_NONE: none. */
static uint32_t most_moved(const struct lf_speaker *speaker, const struct lf_member *member, struct lf_shown *shown)
{
	uint32_t found = LF_NONE;
	double most = 0;

	for (size_t i = 0; i < speaker->rubric->def.discipline_count; i++) {
		uint32_t discipline = speaker->rubric->discipline_order[i];
		struct lf_shown here = lf_show_expertise(speaker->rubric, speaker->the_case, member, discipline);
		double moved = here.level > here.label ? here.level - here.label : here.label - here.level;
		double amount = moved * importance_of(speaker, discipline);

		if (moved < TOLD_MIN || !(amount > most))
			continue;
		found = discipline;
		most = amount;
		*shown = here;
	}
	return found;
}

/* ---- the sentence ---- */

static bool is_stated(const struct lf_member *member, uint32_t discipline)
{
	for (size_t i = 0; i < member->expertise_count; i++) {
		if (member->expertise[i].discipline == discipline)
			return true;
	}
	return false;
}

static void put_discipline(struct lf_speaker *speaker, uint32_t discipline)
{
	if (discipline < speaker->rubric->def.discipline_count)
		lf_put_label(speaker, speaker->rubric->discipline_labels[discipline]);
	else
		lf_text_put(&speaker->text, lf_discipline_id(speaker->rubric, speaker->the_case, discipline));
}

/* " is Backend by label", " states 0.60 in Front end", " has no label" */
static void put_label_of(struct lf_speaker *speaker, const struct lf_member *member, uint32_t discipline, double level)
{
	if (is_stated(member, discipline)) {
		lf_text_put(&speaker->text, " states ");
		lf_text_fixed(&speaker->text, level, 2);
		lf_text_put(&speaker->text, " in ");
		put_discipline(speaker, discipline);
	} else if (member->discipline == LF_NONE) {
		lf_text_put(&speaker->text, " has no label");
	} else {
		lf_text_put(&speaker->text, " is ");
		put_discipline(speaker, member->discipline);
		lf_text_put(&speaker->text, " by label");
	}
}

static void say_shown_at(struct lf_speaker *speaker, size_t place)
{
	const struct lf_member *member = &speaker->the_case->members[speaker->result->ranking[place].member];
	struct lf_shown shown = {.count = 0};
	uint32_t discipline = most_moved(speaker, member, &shown);

	if (discipline == LF_NONE)
		return;
	lf_put_ranked(speaker, place);
	put_label_of(speaker, member, discipline, shown.label);
	lf_text_put(&speaker->text, "; with ");
	lf_text_count(&speaker->text, shown.count);
	lf_text_put(&speaker->text, shown.count == 1 ? " piece of evidence, " : " pieces of evidence, ");
	lf_text_fixed(&speaker->text, shown.level, 2);
	lf_text_put(&speaker->text, " in ");
	put_discipline(speaker, discipline);
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

void lf_say_shown(struct lf_speaker *speaker)
{
	if (!(speaker->rubric->expertise_strength > 0))
		return;
	/* Where many share a place, what one label became explains nothing. */
	for (size_t place = 0; place < 2 && place < speaker->eligible; place++) {
		if (lf_tied_from(speaker, place) <= LF_NAMED_MAX)
			say_shown_at(speaker, place);
	}
}
