#include "service/state/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/clock.h"
#include "storage/log/log.h"

const struct lf_buckets lf_deciding_buckets = {5000, 16, false};
const struct lf_buckets lf_share_buckets = {100, 10, true};

void lf_figures_init(struct lf_figures *figures)
{
	memset(figures, 0, sizeof(*figures));
	pthread_mutex_init(&figures->lock, NULL);
}

void lf_figures_clean_up(struct lf_figures *figures)
{
	pthread_mutex_destroy(&figures->lock);
}

/* ---- a result ---- */

static void add_share(struct lf_histogram *histogram, double share)
{
	lf_histogram_add(histogram, &lf_share_buckets, share <= 0 ? 0 : (uint64_t)ceil(share * 1000 - 1e-9));
}

void lf_figures_decided(struct lf_figures *figures, const struct lf_result *result, uint64_t ns)
{
	lf_histogram_add(&figures->deciding, &lf_deciding_buckets, ns);
	if (result->ranking_count == 0 || !result->ranking[0].eligible)
		return;
	add_share(&figures->evidence_share, result->evidence_share);
	if (!isnan(result->ranking[0].first_rank_share))
		add_share(&figures->first_rank_share, result->ranking[0].first_rank_share);
}

/* ---- a decision ---- */

/* The name's place among the first so many; that many: it is none of them. */
static size_t find(const struct lf_figures *figures, const char *name, size_t count)
{
	size_t i = 0;

	while (i < count && strcmp(figures->names[i], name) != 0)
		i++;
	return i;
}

/* The place of a name that may be new. */
static size_t place_of(struct lf_figures *figures, const char *name)
{
	size_t count = atomic_load_explicit(&figures->name_count, memory_order_acquire);
	size_t i = find(figures, name, count);

	if (i < count || count == LF_FIGURES_RUBRICS_MAX)
		return i;
	pthread_mutex_lock(&figures->lock);
	count = atomic_load(&figures->name_count);
	i = find(figures, name, count);
	if (i == count && count < LF_FIGURES_RUBRICS_MAX) {
		snprintf(figures->names[i], sizeof(figures->names[i]), "%s", name);
		atomic_store_explicit(&figures->name_count, count + 1, memory_order_release);
	}
	pthread_mutex_unlock(&figures->lock);
	return i;
}

void lf_figures_stored(struct lf_figures *figures, const struct lf_append *append)
{
	const size_t outcome = append->outcome < LF_FIGURES_OUTCOMES ? append->outcome : 0;
	const size_t purpose = append->purpose < LF_FIGURES_PURPOSES ? append->purpose : 0;

	lf_count(&figures->decisions[place_of(figures, append->rubric_name)][outcome][purpose]);
}

void lf_figures_note_time(atomic_uint_fast64_t *at)
{
	atomic_store_explicit(at, (uint64_t)(lf_clock_wall_us() / 1000000), memory_order_relaxed);
}
