/* What all sentences are made of: labels, ids, the largest amounts; and how a sentence ends and is said. */
#include "service/engine/words/speak.h"

/* Not "= { ... }": that would clear the sentence's bytes too. */
void lf_speaker_begin(struct lf_speaker *speaker, const struct lf_rubric *rubric, const struct lf_case *the_case,
	const struct lf_findings *findings, lf_say_fn say, void *context)
{
	const struct lf_result *result = findings != NULL ? findings->result : NULL;

	speaker->rubric = rubric;
	speaker->the_case = the_case;
	speaker->findings = findings;
	speaker->result = result;
	speaker->eligible = speaker->first = 0;
	speaker->say = say;
	speaker->context = context;
	lf_text_clear(&speaker->text);
	while (result != NULL && speaker->eligible < result->ranking_count &&
		result->ranking[speaker->eligible].eligible)
		speaker->eligible++;
	if (speaker->eligible > 0)
		speaker->first = lf_tied_from(speaker, 0);
}

void lf_utter(struct lf_speaker *speaker, enum lf_sentence kind, size_t index)
{
	lf_text_finish(&speaker->text);
	speaker->say(speaker->context, kind, index, speaker->text.bytes, speaker->text.length);
	lf_text_clear(&speaker->text);
}

void lf_put_label_within(struct lf_speaker *speaker, struct lf_label label)
{
	char first = label.text[0], second = first != '\0' ? label.text[1] : '\0';

	if (first >= 'A' && first <= 'Z' && second >= 'a' && second <= 'z') {
		first = (char)(first - 'A' + 'a');
		lf_text_add(&speaker->text, &first, 1);
		label.text++;
		label.length--;
	}
	lf_put_label(speaker, label);
}

void lf_put_gate(struct lf_speaker *speaker, size_t g)
{
	const struct lf_gate_def *gate = &speaker->rubric->def.gates[g];

	if (gate->criterion == LF_NONE)
		lf_text_put(&speaker->text, "availability");
	else
		lf_put_label(
			speaker, speaker->rubric->criteria[speaker->rubric->criterion_place[gate->criterion]].label);
	lf_text_put(&speaker->text, " of at least ");
	lf_text_number(&speaker->text, gate->at_least);
}

void lf_put_ranked(struct lf_speaker *speaker, size_t place)
{
	lf_text_put(&speaker->text, speaker->the_case->members[speaker->result->ranking[place].member].id);
}

void lf_put_several(struct lf_speaker *speaker, size_t place, size_t count)
{
	if (count > LF_NAMED_MAX) {
		lf_text_count(&speaker->text, count);
		lf_text_put(&speaker->text, " candidates");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		lf_text_join(&speaker->text, i, count);
		lf_put_ranked(speaker, place + i);
	}
}

void lf_put_first(struct lf_speaker *speaker)
{
	if (speaker->first > 1)
		lf_text_put(&speaker->text, "those who share first place");
	else
		lf_put_ranked(speaker, 0);
}

static bool same_expertise(const struct lf_member *a, const struct lf_member *b)
{
	if (a->discipline != b->discipline || a->expertise_count != b->expertise_count)
		return false;
	for (size_t i = 0; i < a->expertise_count; i++) {
		size_t other = 0;

		while (other < b->expertise_count && b->expertise[other].discipline != a->expertise[i].discipline)
			other++;
		if (other == b->expertise_count || b->expertise[other].level != a->expertise[i].level)
			return false;
	}
	return true;
}

/* Whether the two differ in their id alone, in all that a score, a gate, a weight or a trait could make something of. */
static bool same(const struct lf_speaker *speaker, const struct lf_member_score *a, const struct lf_member_score *b)
{
	const struct lf_member *one = &speaker->the_case->members[a->member];
	const struct lf_member *other = &speaker->the_case->members[b->member];

	if (a->score != b->score || a->eligible != b->eligible || one->availability != other->availability ||
		!same_expertise(one, other))
		return false;
	for (size_t j = 0; j < speaker->rubric->def.criterion_count; j++) {
		const struct lf_criterion_score *x = &a->criteria[j], *y = &b->criteria[j];

		if (x->rating != y->rating || x->value != y->value || x->share != y->share || x->known != y->known ||
			x->weight != y->weight)
			return false;
	}
	for (uint32_t d = 0; speaker->rubric->expertise_strength > 0 && d < speaker->rubric->def.discipline_count;
		d++) {
		if (lf_show_expertise(speaker->rubric, speaker->the_case, one, d).level !=
			lf_show_expertise(speaker->rubric, speaker->the_case, other, d).level)
			return false;
	}
	return true;
}

size_t lf_count_equals(const struct lf_speaker *speaker, size_t place)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	size_t equals = 0;

	for (size_t i = 0; i < speaker->result->ranking_count; i++)
		equals += i == place || same(speaker, &ranking[place], &ranking[i]);
	return equals;
}

size_t lf_put_equals(struct lf_speaker *speaker, size_t place)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	size_t equals = lf_count_equals(speaker, place), named = 0;

	if (equals > LF_NAMED_MAX) {
		lf_text_count(&speaker->text, equals);
		lf_text_put(&speaker->text, " equal candidates");
		return equals;
	}
	for (size_t i = 0; named < equals; i++) {
		if (i != place && !same(speaker, &ranking[place], &ranking[i]))
			continue;
		lf_text_join(&speaker->text, named++, equals);
		lf_put_ranked(speaker, i);
	}
	return equals;
}

size_t lf_tied_from(const struct lf_speaker *speaker, size_t place)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	size_t end = place;

	while (end < speaker->eligible && ranking[end].rank == ranking[place].rank)
		end++;
	return end - place;
}

bool lf_apart_by_rounding(const struct lf_speaker *speaker, size_t place, size_t other)
{
	static const struct lf_case today = {.engine_version = LF_ENGINE_VERSION};
	const struct lf_member_score *ranking = speaker->result->ranking;

	return ranking[place].rank != ranking[other].rank &&
		lf_tied(lf_ties_of(&today), ranking[place].score, ranking[other].score);
}

bool lf_alike(const struct lf_speaker *speaker, size_t place, size_t count)
{
	const struct lf_result *result = speaker->result;

	for (size_t i = place + 1; i < place + count; i++) {
		for (size_t j = 0; j < speaker->rubric->def.criterion_count; j++) {
			if (result->weights[j] > 0 &&
				result->ranking[i].criteria[j].value != result->ranking[place].criteria[j].value)
				return false;
		}
	}
	return true;
}

unsigned lf_settle(struct lf_picks *picks)
{
	unsigned decimals = 2;

	while (picks->count > 0 && decimals < 6 && lf_scaled(picks->amount[0], decimals) == 0)
		decimals++;
	while (picks->count > 0 && lf_scaled(picks->amount[picks->count - 1], decimals) == 0)
		picks->count--;
	return decimals;
}

void lf_put_picks(struct lf_speaker *speaker, const struct lf_picks *picks, char sign, unsigned decimals)
{
	for (size_t i = 0; i < picks->count; i++) {
		lf_text_join(&speaker->text, i, picks->count);
		lf_put_label(speaker, picks->criterion[i]->label);
		if (sign == '\0')
			lf_text_add(&speaker->text, " (", 2);
		else
			lf_text_add(&speaker->text, (const char[]){' ', '(', sign}, 3);
		lf_text_fixed(&speaker->text, picks->amount[i], decimals);
		lf_text_put(&speaker->text, ")");
	}
}

void lf_pick_differences(const struct lf_speaker *speaker, const struct lf_member_score *a,
	const struct lf_member_score *b, struct lf_picks *ahead, struct lf_picks *behind)
{
	const struct lf_rubric *rubric = speaker->rubric;

	for (size_t c = 0; c < rubric->def.criterion_count; c++) {
		const struct lf_criterion *criterion = &rubric->criteria[c];
		uint32_t j = criterion->index;
		double difference = speaker->result->weights[j] * (a->criteria[j].value - b->criteria[j].value);

		lf_pick(ahead, criterion, difference);
		lf_pick(behind, criterion, -difference);
	}
}

/* " of the ratings": what an evidence share is a part of. */
void lf_put_ratings(struct lf_speaker *speaker)
{
	lf_text_put(&speaker->text,
		speaker->rubric->expertise_strength > 0 ? " of the ratings and labels" : " of the ratings");
}
