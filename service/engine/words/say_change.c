/*
 * What would change an answer, who would lead beside the first, and who leads over the range of a trait, in words. A
 * bound is printed rounded away from what is now, so that whoever goes as far as the sentence says has gone far enough.
 */
#include "service/engine/words/speak.h"

enum {
	NAMED_WEIGHTS = 2,   /* the nearest bounds of weights that are said; the message has all */
	NAMED_STRETCHES = 8, /* of a sweep */
};

/* ---- numbers on the way from what is to what would be ---- */

struct bound {
	double from, to;    /* multiples of grain, but for from; from NaN: unknown */
	double least, most; /* what there can be */
	double grain;       /* of to */
	unsigned decimals;  /* at least; then those of shown */
	double shown;       /* to, rounded away from from */
};

static double floor_of(double x)
{
	double whole = (double)(int64_t)x;

	return whole > x ? whole - 1 : whole;
}

/*
 * Fills shown: as few decimals as let it differ from `from`, go at most twice as far as `to`, stay in its range, and
 * reach no end of it that `to` does not reach.
 */
static void round_outward(struct bound *bound)
{
	bool down = bound->to < bound->from;
	double way = down ? bound->from - bound->to : bound->to - bound->from, power = 1;

	for (unsigned d = 0; d < bound->decimals; d++)
		power *= 10;
	for (;; bound->decimals++, power *= 10) {
		double slack = bound->grain * power / 2, end = down ? bound->least : bound->most;

		if (slack >= 0.5) { /* as fine as to itself */
			bound->shown = bound->to;
			return;
		}
		bound->shown =
			(down ? floor_of(bound->to * power + slack) : -floor_of(slack - bound->to * power)) / power;
		if (bound->shown < bound->least || bound->shown > bound->most ||
			(bound->shown == end && bound->to != end) ||
			(down ? bound->to - bound->shown : bound->shown - bound->to) > way)
			continue;
		if (bound->from != bound->from ||
			lf_scaled(bound->shown, bound->decimals) != lf_scaled(bound->from, bound->decimals) ||
			(bound->shown < 0) != (bound->from < 0))
			return;
	}
}

/* "about 2.9 or less": at the end of the range there is no less. */
static void put_bound(struct lf_speaker *speaker, struct bound *bound, bool approximate, const char *unit)
{
	bool down = bound->to < bound->from;

	round_outward(bound);
	if (approximate)
		lf_text_put(&speaker->text, "about ");
	lf_text_fixed(&speaker->text, bound->shown, bound->decimals);
	lf_text_put(&speaker->text, unit);
	if (bound->shown != (down ? bound->least : bound->most))
		lf_text_put(&speaker->text, down ? " or less" : " or more");
}

static void put_two_digits(struct lf_speaker *speaker, unsigned number)
{
	const char digits[2] = {(char)('0' + number / 10 % 10), (char)('0' + number % 10)};

	lf_text_add(&speaker->text, digits, sizeof(digits));
}

/* "2026-05-01": the Gregorian calendar in years that begin with March, so that the leap day is the last. */
static void put_date(struct lf_speaker *speaker, int32_t day)
{
	int64_t shifted = (int64_t)day + 719468; /* days since 0000-03-01 */
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	unsigned of_era = (unsigned)(shifted - era * 146097);
	unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month = (5 * of_year + 2) / 153, day_of_month = of_year - (153 * month + 2) / 5 + 1;
	unsigned year = (unsigned)(era * 400) + year_of_era + (month >= 10);

	put_two_digits(speaker, year / 100);
	put_two_digits(speaker, year % 100);
	lf_text_put(&speaker->text, "-");
	put_two_digits(speaker, month < 10 ? month + 3 : month - 9);
	lf_text_put(&speaker->text, "-");
	put_two_digits(speaker, day_of_month);
}

static void put_criterion(struct lf_speaker *speaker, uint32_t criterion)
{
	lf_put_label(speaker, speaker->rubric->criteria[speaker->rubric->criterion_place[criterion]].label);
}

/* ---- weights ---- */

struct nearest {
	uint32_t criterion;
	bool low;
	double distance;
};

static void offer(struct nearest nearest[NAMED_WEIGHTS], size_t *count, struct nearest offered)
{
	size_t place = *count;

	if (place == NAMED_WEIGHTS && !(offered.distance < nearest[place - 1].distance))
		return;
	if (place < NAMED_WEIGHTS)
		++*count;
	else
		place--;
	for (; place > 0 && offered.distance < nearest[place - 1].distance; place--)
		nearest[place] = nearest[place - 1];
	nearest[place] = offered;
}

static void say_weight(struct lf_speaker *speaker, const struct nearest *nearest)
{
	const struct lf_weight_interval *interval = &speaker->findings->changes->weights[nearest->criterion];
	double weight = speaker->result->weights[nearest->criterion];
	struct bound bound = {weight * 100, (nearest->low ? interval->low : interval->high) * 100, 0, 100, 1e-4, 0, 0};

	put_criterion(speaker, nearest->criterion);
	lf_text_put(&speaker->text, " would have to weigh ");
	put_bound(speaker, &bound, speaker->findings->changes->approximate, "%");
	lf_text_put(&speaker->text, " (now ");
	lf_text_fixed(&speaker->text, bound.from, bound.decimals);
	lf_text_put(&speaker->text, "%) for ");
	lf_put_equals(speaker, nearest->low ? interval->low_first : interval->high_first);
	lf_text_put(&speaker->text, " to rank first.");
	lf_utter(speaker, LF_SAY_CHANGE, 0);
}

static void say_weights(struct lf_speaker *speaker)
{
	const struct lf_changes *changes = speaker->findings->changes;
	struct nearest nearest[NAMED_WEIGHTS];
	size_t count = 0;
	bool any = false;

	for (size_t c = 0; c < speaker->rubric->def.criterion_count; c++) {
		uint32_t j = speaker->rubric->criteria[c].index;
		const struct lf_weight_interval *interval = &changes->weights[j];
		double weight = speaker->result->weights[j];

		if (interval->fixed)
			continue;
		any = true;
		if (interval->low_first != LF_NONE)
			offer(nearest, &count, (struct nearest){j, true, weight - interval->low});
		if (interval->high_first != LF_NONE)
			offer(nearest, &count, (struct nearest){j, false, interval->high - weight});
	}
	for (size_t i = 0; i < count; i++)
		say_weight(speaker, &nearest[i]);
	if (count > 0 || !any)
		return;
	lf_text_put(&speaker->text,
		changes->approximate
			? "No weight of a single criterion was found with which anybody else would rank first."
			: "However much or little a single criterion weighs, nobody else would rank first.");
	lf_utter(speaker, LF_SAY_CHANGE, 0);
}

/* ---- a single change ---- */

/* "; the same holds of 58 others who are equal": a new piece of evidence about one of them would do as well. */
static void put_others_alike(struct lf_speaker *speaker, size_t place)
{
	size_t others = lf_count_equals(speaker, place) - 1;

	if (others == 0)
		return;
	lf_text_put(&speaker->text, "; the same holds of ");
	lf_text_count(&speaker->text, others);
	lf_text_put(&speaker->text, others == 1 ? " other who is equal" : " others who are equal");
}

/*
 * " puts m-1103 first", and where a condition makes the difference, which. Candidates who are equal come first together,
 * unless it is the evidence about one of them that changes.
 */
static void put_effect(struct lf_speaker *speaker, const struct lf_change *change)
{
	size_t equals = 1;

	lf_text_put(&speaker->text, " puts ");
	if (change->place == change->first)
		lf_put_ranked(speaker, change->first);
	else
		equals = lf_put_equals(speaker, change->first);
	lf_text_put(&speaker->text, " first");
	if (change->gate != LF_NONE) {
		bool joins = !speaker->result->ranking[change->first].eligible;

		lf_text_put(&speaker->text, ", because ");
		if (joins && equals > 1)
			lf_text_put(&speaker->text, "they");
		else
			lf_put_ranked(speaker, joins ? change->first : 0);
		lf_text_put(&speaker->text,
			!joins               ? " then fails the condition "
				: equals > 1 ? " then meet the condition "
					     : " then meets the condition ");
		lf_put_gate(speaker, change->gate);
	}
	if (change->place == change->first && change->evidence == LF_NONE)
		put_others_alike(speaker, change->place);
	lf_text_put(&speaker->text, ".");
	lf_utter(speaker, LF_SAY_CHANGE, 0);
}

static void say_rating(struct lf_speaker *speaker, const struct lf_change *change)
{
	const struct lf_rubric_def *def = &speaker->rubric->def;
	const struct lf_evidence *evidence =
		&speaker->the_case->members[speaker->result->ranking[change->place].member].evidence[change->evidence];
	struct bound bound = {change->from, change->to, def->scale_min, def->scale_max, 1e-6, 1, 0};

	lf_text_put(&speaker->text, "One other rating would do: ");
	lf_put_ranked(speaker, change->place);
	lf_text_put(&speaker->text, "'s ");
	lf_text_number(&speaker->text, change->from);
	lf_text_put(&speaker->text, " on ");
	put_criterion(speaker, change->criterion);
	lf_text_put(&speaker->text, " (");
	if (evidence->observed_day == LF_UNDATED)
		lf_text_put(&speaker->text, "undated");
	else
		put_date(speaker, evidence->observed_day);
	if (evidence->source != LF_NONE) {
		lf_text_put(&speaker->text, ", ");
		lf_text_put(&speaker->text, def->source_ids[evidence->source]);
	}
	lf_text_put(&speaker->text, ") at ");
	put_bound(speaker, &bound, speaker->findings->changes->approximate, "");
	put_effect(speaker, change);
}

static void say_evidence(struct lf_speaker *speaker, const struct lf_change *change)
{
	const struct lf_rubric_def *def = &speaker->rubric->def;
	struct bound bound = {change->from, change->to, def->scale_min, def->scale_max, 1e-6, 1, 0};

	lf_text_put(&speaker->text, "One new piece of evidence would do: ");
	lf_put_ranked(speaker, change->place);
	lf_text_put(&speaker->text, " rated ");
	put_bound(speaker, &bound, speaker->findings->changes->approximate, "");
	lf_text_put(&speaker->text, " on ");
	put_criterion(speaker, change->criterion);
	if (change->from == change->from) {
		lf_text_put(&speaker->text, " (now ");
		lf_text_fixed(&speaker->text, change->from, bound.decimals);
		lf_text_put(&speaker->text, ")");
	} else {
		lf_text_put(&speaker->text, " (not rated so far)");
	}
	put_effect(speaker, change);
}

/* "0.41 instead of 0.90", not "or less": further on the first place may change hands again. */
static void say_trait(struct lf_speaker *speaker, const struct lf_change *change)
{
	struct bound bound = {change->from, change->to, 0, 1, 1e-6, 2, 0};

	round_outward(&bound);
	lf_text_put(&speaker->text, "One other trait of the project would do: ");
	lf_put_label_within(speaker, speaker->rubric->trait_labels[change->trait]);
	lf_text_put(&speaker->text, speaker->findings->changes->approximate ? " of about " : " of ");
	lf_text_fixed(&speaker->text, bound.shown, bound.decimals);
	lf_text_put(&speaker->text, " instead of ");
	lf_text_fixed(&speaker->text, bound.from, bound.decimals);
	if (speaker->the_case->trait_assumed != NULL && speaker->the_case->trait_assumed[change->trait])
		lf_text_put(&speaker->text, " (assumed)");
	put_effect(speaker, change);
}

static void say_what_does_not(struct lf_speaker *speaker)
{
	static const char *const names[LF_CHANGE_KINDS] = {
		[LF_CHANGE_RATING] = "change of a single rating",
		[LF_CHANGE_EVIDENCE] = "single new piece of evidence",
		[LF_CHANGE_TRAIT] = "change of a single trait of the project",
	};
	const struct lf_changes *changes = speaker->findings->changes;
	const char *missing[LF_CHANGE_KINDS];
	size_t count = 0;

	for (size_t kind = 0; kind < LF_CHANGE_KINDS; kind++) {
		if (!changes->smallest[kind].found && (kind != LF_CHANGE_TRAIT || speaker->rubric->def.trait_count > 0))
			missing[count++] = names[kind];
	}
	for (size_t i = 0; i < count; i++) {
		lf_text_put(&speaker->text, i == 0 ? "No " : i + 1 < count ? ", no " : " and no ");
		lf_text_put(&speaker->text, missing[i]);
	}
	if (count == 0)
		return;
	lf_text_put(&speaker->text,
		changes->approximate ? " was found that would put anybody else first."
				     : " would put anybody else first.");
	lf_utter(speaker, LF_SAY_CHANGE, 0);
}

void lf_say_changes(struct lf_speaker *speaker)
{
	const struct lf_changes *changes = speaker->findings->changes;

	if (changes == NULL || speaker->result->ranking_count < 2)
		return;
	say_weights(speaker);
	if (changes->smallest[LF_CHANGE_RATING].found)
		say_rating(speaker, &changes->smallest[LF_CHANGE_RATING]);
	if (changes->smallest[LF_CHANGE_EVIDENCE].found)
		say_evidence(speaker, &changes->smallest[LF_CHANGE_EVIDENCE]);
	if (changes->smallest[LF_CHANGE_TRAIT].found)
		say_trait(speaker, &changes->smallest[LF_CHANGE_TRAIT]);
	say_what_does_not(speaker);
}

/* ---- co-lead ---- */

void lf_say_co_lead(struct lf_speaker *speaker)
{
	const struct lf_co_lead *co_lead = speaker->findings->co_lead;
	const struct lf_member_score *ranking = speaker->result->ranking;
	double strong, weak;
	unsigned decimals;
	size_t equals;

	if (co_lead == NULL || co_lead->place == LF_NONE)
		return;
	strong = ranking[co_lead->place].criteria[co_lead->criterion].value;
	weak = ranking[0].criteria[co_lead->criterion].value;
	decimals = lf_decimals_apart(strong, weak, 2);
	equals = lf_put_equals(speaker, co_lead->place);
	lf_text_put(&speaker->text, equals > 1 ? " would each complement " : " would complement ");
	lf_put_ranked(speaker, 0);
	lf_text_put(&speaker->text, ": stronger on ");
	put_criterion(speaker, co_lead->criterion);
	lf_text_put(&speaker->text, " (");
	lf_text_fixed(&speaker->text, strong, decimals);
	lf_text_put(&speaker->text, " against ");
	lf_text_fixed(&speaker->text, weak, decimals);
	lf_text_put(&speaker->text, equals > 1 ? "); as a pair " : "); together ");
	decimals = lf_decimals_apart(co_lead->score, ranking[0].score, 2);
	lf_text_fixed(&speaker->text, co_lead->score, decimals);
	lf_text_put(&speaker->text, ", which is ");
	lf_text_distance(&speaker->text, co_lead->score, ranking[0].score, decimals);
	lf_text_put(&speaker->text, " more.");
	lf_utter(speaker, LF_SAY_EXPLANATION, 0);
}

/* ---- sweep ---- */

/*
 * "m-1 leads", "m-1 and m-4 lead", "nobody leads": with whoever leads lead all whom nothing tells apart from them. Who
 * that is, the result of the case itself says.
 */
static void put_leader(struct lf_speaker *speaker, const struct lf_stretch *stretch, const char *nobody, bool leads)
{
	size_t place = 0, equals = 1;

	if (stretch->member == LF_NONE) {
		lf_text_put(&speaker->text, nobody);
	} else if (speaker->result == NULL) {
		lf_text_put(&speaker->text, speaker->the_case->members[stretch->member].id);
	} else {
		while (speaker->result->ranking[place].member != stretch->member)
			place++;
		equals = lf_put_equals(speaker, place);
	}
	if (leads)
		lf_text_put(&speaker->text, equals > 1 ? " lead" : " leads");
}

/*
 * Decimals with which all the ends look different, and the project's own value unlike the ends of the stretch that it
 * is in.
 */
static unsigned decimals_of(
	const struct lf_stretch *stretches, size_t count, double value, const struct lf_stretch *own)
{
	unsigned decimals = 2;

	for (size_t i = 0; i < count; i++)
		decimals = lf_decimals_apart(stretches[i].from, stretches[i].to, decimals);
	decimals = lf_decimals_apart(value, own->from, decimals);
	decimals = lf_decimals_apart(value, own->to, decimals);
	return decimals > 6 ? 6 : decimals;
}

static void put_stretches(struct lf_speaker *speaker, const struct lf_stretch *stretches, size_t count,
	unsigned decimals, bool approximate)
{
	size_t named = count > NAMED_STRETCHES ? NAMED_STRETCHES : count;

	if (count == 2) {
		put_leader(speaker, &stretches[1], "nobody", true);
		lf_text_put(&speaker->text, approximate ? " from about " : " from ");
		lf_text_fixed(&speaker->text, stretches[1].from, decimals);
		lf_text_put(&speaker->text, " on; below, ");
		put_leader(speaker, &stretches[0], "nobody", false);
		return;
	}
	for (size_t i = 0; i < named; i++) {
		lf_text_put(&speaker->text, i > 0 ? "; " : "");
		put_leader(speaker, &stretches[i], "nobody", i == 0);
		lf_text_put(&speaker->text, i == 0 && approximate ? " from about " : " from ");
		lf_text_fixed(&speaker->text, stretches[i].from, decimals);
		lf_text_put(&speaker->text, " to ");
		lf_text_fixed(&speaker->text, stretches[i].to, decimals);
	}
	if (count > named) {
		lf_text_put(&speaker->text, "; and ");
		lf_text_count(&speaker->text, count - named);
		lf_text_put(&speaker->text, " more");
	}
}

/* The stretch of a value: at an end that two share, the latter. */
static size_t stretch_of(const struct lf_stretch *stretches, size_t count, double value)
{
	size_t i = count - 1;

	while (i > 0 && value < stretches[i].from)
		i--;
	return i;
}

void lf_explain_sweep(const struct lf_rubric *rubric, const struct lf_case *the_case, uint32_t trait,
	const struct lf_stretch *stretches, size_t count, bool approximate, const struct lf_result *result,
	lf_say_fn say, void *context)
{
	bool assumed = the_case->trait_assumed != NULL && the_case->trait_assumed[trait];
	double value = the_case->traits[trait];
	const struct lf_stretch *own = &stretches[stretch_of(stretches, count, value)];
	unsigned decimals = decimals_of(stretches, count > NAMED_STRETCHES ? NAMED_STRETCHES : count, value, own);
	struct lf_findings findings = {.result = result};
	struct lf_speaker speaker;

	lf_speaker_begin(&speaker, rubric, the_case, &findings, say, context);
	if (count == 1) {
		put_leader(&speaker, &stretches[0], "Nobody", true);
		lf_text_put(&speaker.text, ", whatever ");
		lf_put_label_within(&speaker, rubric->trait_labels[trait]);
		lf_text_put(&speaker.text, " is.");
	} else {
		lf_text_put(&speaker.text, "By ");
		lf_put_label_within(&speaker, rubric->trait_labels[trait]);
		lf_text_put(&speaker.text, ": ");
		put_stretches(&speaker, stretches, count, decimals, approximate);
		lf_text_put(&speaker.text, ".");
	}
	lf_utter(&speaker, LF_SAY_EXPLANATION, 0);
	lf_text_put(&speaker.text, "For this project it is ");
	lf_text_fixed(&speaker.text, value, decimals);
	lf_text_put(&speaker.text, assumed ? " (assumed), where " : ", where ");
	if (speaker.first > 1) {
		lf_put_several(&speaker, 0, speaker.first);
		lf_text_put(&speaker.text, " share first place");
	} else {
		put_leader(&speaker, own, "nobody", true);
	}
	lf_text_put(&speaker.text, ".");
	lf_utter(&speaker, LF_SAY_EXPLANATION, 0);
	lf_say_assumptions(&speaker);
}
