/* Answers: how many, by outcome; what they rest on, and how sure they are; what else the services did. */
#include <stdio.h>

#include "service/metrics/metrics.h"
#include "service/state/registry.h"
#include "service/state/state.h"
#include "service/state/team_cache.h"

static const char *const outcomes[LF_FIGURES_OUTCOMES] = {
	"unspecified", "recommended", "too_close", "insufficient_evidence", "no_eligible_candidate"};
enum { DIGEST_SHOWN = 12 };

static const char *const purposes[LF_FIGURES_PURPOSES] = {"decision", "what_if"};

static void of_rubric(
	struct lf_exposition *exposition, const struct lf_figures *figures, size_t rubric, const char *name)
{
	struct lf_buffer labels = {.data = NULL};
	size_t common;

	lf_metric_label(&labels, "rubric", name);
	common = labels.length;
	for (size_t o = 0; o < LF_FIGURES_OUTCOMES; o++)
		for (size_t p = 0; p < LF_FIGURES_PURPOSES; p++) {
			const uint64_t count = lf_counted(&figures->decisions[rubric][o][p]);

			if (count == 0)
				continue;
			labels.length = common;
			lf_metric_label(&labels, "outcome", outcomes[o]);
			lf_metric_label(&labels, "purpose", purposes[p]);
			if (!labels.failed)
				lf_metric_count(exposition, labels.data, count);
		}
	exposition->text.failed |= labels.failed;
	lf_buffer_clean_up(&labels);
}

static void of_decisions(struct lf_exposition *exposition, const struct lf_figures *figures)
{
	const size_t names = atomic_load_explicit(&figures->name_count, memory_order_acquire);

	lf_metric_begin(exposition, "leadfit_decisions_total", LF_METRIC_COUNTER,
		"Decisions that were answered and are on disk. Rubrics beyond the first 32 have the label \"\".");
	for (size_t i = 0; i < names; i++)
		of_rubric(exposition, figures, i, figures->names[i]);
	of_rubric(exposition, figures, LF_FIGURES_RUBRICS_MAX, "");
	lf_metric_counter(exposition, "leadfit_idempotent_replays_total",
		"Requests that got a stored decision, by their idempotency key.", lf_counted(&figures->repeated));
	lf_metric_begin(exposition, "leadfit_score_duration_seconds", LF_METRIC_HISTOGRAM,
		"To decide one case: convert it, score, vary, find what would change it. Neither decoding nor the "
		"log.");
	lf_metric_histogram(exposition, "", &figures->deciding, &lf_deciding_buckets, 1e-9);
	lf_metric_begin(exposition, "leadfit_evidence_share", LF_METRIC_HISTOGRAM,
		"How much of first places rests on evidence about the person, 0 to 1.");
	lf_metric_histogram(exposition, "", &figures->evidence_share, &lf_share_buckets, 1e-3);
	lf_metric_begin(exposition, "leadfit_first_rank_share", LF_METRIC_HISTOGRAM,
		"In how much of the variations first places stay first, 0 to 1.");
	lf_metric_histogram(exposition, "", &figures->first_rank_share, &lf_share_buckets, 1e-3);
}

static void of_rubric_in_use(void *context, const char *name, const struct lf_digest *digest, bool is_default)
{
	struct lf_exposition *exposition = context;
	struct lf_buffer labels = {.data = NULL};
	char text[65];

	lf_digest_print(digest, text);
	text[DIGEST_SHOWN] = '\0';
	lf_metric_label(&labels, "rubric", name);
	lf_metric_label(&labels, "digest", text);
	lf_metric_label(&labels, "default", is_default ? "1" : "0");
	if (!labels.failed)
		lf_metric_count(exposition, labels.data, 1);
	exposition->text.failed |= labels.failed;
	lf_buffer_clean_up(&labels);
}

static void of_teams(struct lf_exposition *exposition, struct lf_team_cache *teams)
{
	struct lf_team_cache_figures figures;

	lf_team_cache_figures(teams, &figures);
	lf_metric_counter(
		exposition, "leadfit_team_cache_hits_total", "Teams that were sent before, and kept.", figures.hits);
	lf_metric_counter(exposition, "leadfit_team_cache_misses_total",
		"Teams that were not sent before, or not kept.", figures.misses);
	lf_metric_gauge(exposition, "leadfit_team_cache_teams", "Teams that the cache has.", (double)figures.teams);
	lf_metric_gauge(exposition, "leadfit_team_cache_bytes", "Memory of the cache of teams.", (double)figures.bytes);
}

void lf_metrics_of_answers(struct lf_exposition *exposition, const struct lf_metrics_sources *sources)
{
	const struct lf_figures *figures = &sources->state->figures;

	of_decisions(exposition, figures);
	lf_metric_begin(exposition, "leadfit_rubric_active_info", LF_METRIC_GAUGE,
		"1 for each active version of a rubric: its name, its digest, and whether it is the default.");
	lf_registry_each_active(sources->state->registry, of_rubric_in_use, exposition);
	of_teams(exposition, sources->state->teams);
	lf_metric_counter(exposition, "leadfit_outcomes_total", "Records of what became of decisions.",
		lf_counted(&figures->outcomes_recorded));
	lf_metric_counter(exposition, "leadfit_rubric_changes_total",
		"Activations, deactivations and new defaults that changed something.",
		lf_counted(&figures->rubric_changes));
	lf_metric_begin(
		exposition, "leadfit_replayed_total", LF_METRIC_COUNTER, "Decisions recomputed by Audit/Replay.");
	lf_metric_count(exposition, "result=\"same\"", lf_counted(&figures->replays_same));
	lf_metric_count(exposition, "result=\"different\"", lf_counted(&figures->replays_different));
	lf_metric_begin(exposition, "leadfit_jobs_total", LF_METRIC_COUNTER, "Erasures and prunings that have ended.");
	lf_metric_count(exposition, "result=\"done\"", lf_counted(&figures->jobs_done));
	lf_metric_count(exposition, "result=\"failed\"", lf_counted(&figures->jobs_failed));
	lf_metric_begin(exposition, "leadfit_backups_total", LF_METRIC_COUNTER, "Backups that were asked for.");
	lf_metric_count(exposition, "result=\"done\"", lf_counted(&figures->backups_done));
	lf_metric_count(exposition, "result=\"failed\"", lf_counted(&figures->backups_failed));
	lf_metric_gauge(exposition, "leadfit_backup_last_success_timestamp_seconds",
		"When the last backup was made; 0: none since the start.", (double)lf_counted(&figures->backup_at));
	lf_metric_gauge(exposition, "leadfit_verify_last_success_timestamp_seconds",
		"When Audit/Verify last went to the end and found nothing in its last part; 0: not since the start.",
		(double)lf_counted(&figures->verify_at));
}
