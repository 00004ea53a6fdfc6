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
	speaker->eligible = 0;
	speaker->say = say;
	speaker->context = context;
	lf_text_clear(&speaker->text);
	while (result != NULL && speaker->eligible < result->ranking_count &&
		result->ranking[speaker->eligible].eligible)
		speaker->eligible++;
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
	lf_put_ranked(speaker, place);
	if (count < 2)
		return;
	lf_text_put(&speaker->text, " and ");
	if (count == 2) {
		lf_put_ranked(speaker, place + 1);
		return;
	}
	lf_text_count(&speaker->text, count - 1);
	lf_text_put(&speaker->text, " others");
}

size_t lf_tied_from(const struct lf_speaker *speaker, size_t place)
{
	const struct lf_member_score *ranking = speaker->result->ranking;
	size_t end = place;

	while (end < speaker->eligible && ranking[end].score == ranking[place].score)
		end++;
	return end - place;
}

void lf_pick(struct lf_picks *picks, const struct lf_criterion *criterion, double amount)
{
	size_t place = picks->count;

	if (!(amount > 0) || picks->room == 0 || (place == picks->room && amount <= picks->amount[place - 1]))
		return;
	if (place < picks->room)
		picks->count++;
	else
		place--;
	for (; place > 0 && amount > picks->amount[place - 1]; place--) {
		picks->criterion[place] = picks->criterion[place - 1];
		picks->amount[place] = picks->amount[place - 1];
	}
	picks->criterion[place] = criterion;
	picks->amount[place] = amount;
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

		if (difference > 0)
			lf_pick(ahead, criterion, difference);
		else if (difference < 0)
			lf_pick(behind, criterion, -difference);
	}
}
