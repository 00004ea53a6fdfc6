/* The decision log: commits, what waits, what is on disk; what was signed of it. */
#include "proto/base/clock.h"
#include "service/metrics/metrics.h"
#include "service/seal/checkpoints.h"
#include "service/state/state.h"
#include "storage/log/figures.h"
#include "storage/log/log.h"

static void of_commits(struct lf_exposition *exposition, const struct lf_log_figures *figures)
{
	const struct lf_log_counts *counts = figures->counts;

	lf_metric_begin(exposition, "leadfit_log_commit_duration_seconds", LF_METRIC_HISTOGRAM,
		"A commit, from its first record until it is durable.");
	lf_metric_histogram(exposition, "", &counts->commits, &lf_log_time_buckets, 1e-9);
	lf_metric_begin(exposition, "leadfit_log_sync_duration_seconds", LF_METRIC_HISTOGRAM,
		"Of a commit, to write it and to wait for the disk (write and fsync).");
	lf_metric_histogram(exposition, "", &counts->syncs, &lf_log_time_buckets, 1e-9);
	lf_metric_begin(exposition, "leadfit_log_commit_records", LF_METRIC_HISTOGRAM, "Records of a commit.");
	lf_metric_histogram(exposition, "", &counts->batches, &lf_log_batch_buckets, 1);
	lf_metric_counter(exposition, "leadfit_log_commits_failed_total",
		"Commits that failed, after they were tried again where that could help; their callers were told.",
		lf_counted(&counts->failed));
	lf_metric_gauge(exposition, "leadfit_log_queue", "Records that wait to be committed.", (double)figures->queued);
	lf_metric_gauge(exposition, "leadfit_log_ready", "1: decisions can be stored; as /readyz.", figures->ready);
	lf_metric_gauge(exposition, "leadfit_log_failed", "1: nothing is written until the service is started again.",
		figures->failed);
}

/* Of a log that several services share; else 0. */
static void of_others(struct lf_exposition *exposition, const struct lf_log_figures *figures)
{
	const double age = figures->reached_ns == 0 ? -1 : (double)(lf_clock_ns() - figures->reached_ns) * 1e-9;

	lf_metric_gauge(exposition, "leadfit_log_durable_age_seconds",
		"Of a shared log: since something was last committed, and the standby had it where commits wait for "
		"one; -1: never.",
		figures->shared ? age : 0);
	lf_metric_gauge(exposition, "leadfit_log_clock_apart_seconds",
		"Of a shared log: how far its server's clock is ahead of this machine's.",
		figures->shared ? (double)figures->clock_apart_us * 1e-6 : 0);
}

static void of_bytes(struct lf_exposition *exposition, const struct lf_log_figures *figures)
{
	if (!figures->bytes_known)
		return;
	lf_metric_gauge(exposition, "leadfit_log_bytes", "The log's file.", (double)figures->bytes.log);
	lf_metric_gauge(exposition, "leadfit_log_wal_bytes",
		"The WAL's file, which is reused: what was committed since its last restart fits into it.",
		(double)figures->bytes.wal);
	lf_metric_gauge(
		exposition, "leadfit_log_disk_free_bytes", "Room on the disk of the log.", (double)figures->bytes.free);
}

static void of_tree(struct lf_exposition *exposition, const struct lf_state *state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tree_head head = {.size = 0};
	uint64_t size, written_at;

	if (lf_log_head(state->log, &head, &error) == LF_OK)
		lf_metric_gauge(exposition, "leadfit_log_records", "Records of the log: the size of its tree.",
			(double)head.size);
	lf_error_clean_up(&error);
	if (state->checkpoints == NULL)
		return;
	lf_checkpoints_newest(state->checkpoints, &size, &written_at);
	lf_metric_gauge(exposition, "leadfit_checkpoint_records", "Records that the newest checkpoint has signed.",
		(double)size);
	lf_metric_gauge(exposition, "leadfit_checkpoint_timestamp_seconds",
		"When the newest checkpoint was written; 0: none since the start.", (double)written_at);
}

void lf_metrics_of_log(struct lf_exposition *exposition, const struct lf_metrics_sources *sources)
{
	struct lf_log_figures figures;

	lf_log_figures(sources->state->log, &figures);
	of_commits(exposition, &figures);
	of_others(exposition, &figures);
	of_bytes(exposition, &figures);
	of_tree(exposition, sources->state);
}
