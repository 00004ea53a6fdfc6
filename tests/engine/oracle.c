/* The formulas of service/engine/DESIGN.md in long double, with no thought of speed or order. */
#include "tests/engine/world.h"

static long double respond(const struct lf_linear *linear, const double *traits, size_t count)
{
	long double sum = linear->base;

	for (size_t t = 0; t < count; t++)
		sum += (long double)linear->by_trait[t] * traits[t];
	return sum > 1e-12L ? sum : 0; /* drawn in hundredths: what is smaller is rounding */
}

/* s · a */
static long double weight_of(const struct world *w, const struct lf_evidence *e)
{
	long double weight = e->source == LF_NONE ? 1 : w->def.source_weights[e->source];
	long double age = (long double)w->the_case.as_of_day - e->observed_day;

	if (e->observed_day == LF_UNDATED)
		age = w->def.half_life_days;
	if (w->def.half_life_days > 0)
		weight *= w->def.half_life_days / (w->def.half_life_days + (age > 0 ? age : 0));
	return weight;
}

static long double rating_of(const struct world *w, const struct lf_member *m, size_t j, bool *known)
{
	const struct lf_criterion_def *c = &w->def.criteria[j];
	long double n = c->prior_strength, sum = 0;

	if (c->prior_mean != NULL)
		sum = n *
			(m->discipline < w->def.discipline_count ? c->prior_mean[m->discipline]
								 : c->prior_default_mean);
	for (size_t i = 0; i < m->evidence_count; i++) {
		const struct lf_evidence *e = &m->evidence[i];

		if (e->criterion != j)
			continue;
		n += weight_of(w, e);
		sum += weight_of(w, e) * e->rating;
	}
	*known = n > 0;
	return n > 0 ? sum / n : 0;
}

static long double label_of(const struct world *w, const struct lf_member *m, size_t d)
{
	for (size_t i = 0; i < m->expertise_count; i++) {
		if (m->expertise[i].discipline == d)
			return m->expertise[i].level;
	}
	if (m->discipline < w->def.discipline_count && w->def.disciplines[m->discipline].covers != NULL)
		return d < w->def.discipline_count ? w->def.disciplines[m->discipline].covers[d] : 0;
	return m->discipline == d;
}

static bool shows(const struct world *w, const struct lf_evidence *e, size_t d)
{
	if (e->domain != LF_NONE)
		return e->domain == d;
	for (size_t i = 0; d < w->def.discipline_count && i < w->def.disciplines[d].shown_by_count; i++) {
		if (w->def.disciplines[d].shown_by[i] == e->criterion)
			return true;
	}
	return false;
}

/* u of a rating: 1 at what is expected of the discipline on that criterion, 0 at the scale's lower end. */
static long double shown(const struct world *w, const struct lf_evidence *e, size_t d)
{
	const struct lf_criterion_def *c = &w->def.criteria[e->criterion];
	long double min = w->def.scale_min, expected = (min + w->def.scale_max) / 2;

	if (c->prior_mean != NULL)
		expected = d < w->def.discipline_count ? c->prior_mean[d] : c->prior_default_mean;
	return e->rating >= expected ? 1 : (e->rating - min) / (expected - min);
}

static long double expertise_of(const struct world *w, const struct lf_member *m, size_t d)
{
	long double n = w->def.expertise_strength, sum = n * label_of(w, m, d);

	for (size_t i = 0; i < m->evidence_count; i++) {
		if (!(w->def.expertise_strength > 0) || !shows(w, &m->evidence[i], d))
			continue;
		n += weight_of(w, &m->evidence[i]);
		sum += weight_of(w, &m->evidence[i]) * shown(w, &m->evidence[i], d);
	}
	return n > 0 ? sum / n : label_of(w, m, d);
}

static long double derived_of(const struct world *w, const struct lf_member *m, const struct lf_criterion_def *c)
{
	long double met = 0, total = 0;

	for (size_t d = 0; d < w->the_case.discipline_count; d++) {
		long double amount = 0;

		for (size_t i = 0; c->derived == LF_DOMAIN_ALIGNMENT && i < c->need_count; i++) {
			if (c->needs[i].discipline == d)
				amount = respond(&c->needs[i].amount, w->the_case.traits, w->def.trait_count);
		}
		for (size_t i = 0; c->derived == LF_TEAM_COVERAGE && i < w->the_case.member_count; i++) {
			if (w->the_case.members[i].discipline == d)
				amount += w->the_case.members[i].availability;
		}
		met += amount * expertise_of(w, m, d);
		total += amount;
	}
	return total > 0 ? met / total : 0;
}

long double world_score_by_formula(const struct world *w, const struct lf_member *m)
{
	long double total = 0, sum = 0, lowest = 1;

	for (size_t j = 0; j < w->def.criterion_count; j++)
		total += respond(&w->def.criteria[j].weight, w->the_case.traits, w->def.trait_count);
	for (size_t j = 0; j < w->def.criterion_count; j++) {
		const struct lf_criterion_def *c = &w->def.criteria[j];
		const struct lf_curve_point line[2] = {{w->def.scale_min, 0}, {w->def.scale_max, 1}};
		long double weight = respond(&c->weight, w->the_case.traits, w->def.trait_count) / total, value;
		bool known = true;

		if (!(weight > 0))
			continue;
		if (c->derived != LF_RATED) {
			value = derived_of(w, m, c);
		} else {
			double rating = (double)rating_of(w, m, j, &known);

			value = !known ? c->unknown_value
				       : lf_curve_value(c->curve != NULL ? c->curve : line,
						 c->curve != NULL ? c->curve_count : 2, rating);
		}
		lowest = value < lowest ? value : lowest;
		if (w->def.aggregation == LF_ADDITIVE)
			sum += weight * value;
		else if (value > 0)
			sum += weight / value;
	}
	if (w->def.aggregation == LF_ADDITIVE)
		return sum;
	return w->def.aggregation == LF_MINIMUM ? lowest : lowest > 0 ? 1 / sum : 0;
}
