/* How a run ends early, and how it waits for a service that is away. */
#include <stdio.h>
#include <unistd.h>

#include "client/batch/batch.h"
#include "proto/base/clock.h"
#include "proto/base/harmless.h"

enum { BACKOFF_MS_MIN = 50, BACKOFF_MS_MAX = 2000 };

int64_t lf_batch_now_ms(void)
{
	return (int64_t)lf_clock_ms();
}

void lf_batch_wait_changed(struct lf_batch *batch, int64_t ms)
{
	const struct timespec until = lf_clock_after_ns((uint64_t)(ms > 0 ? ms : 0) * 1000000);

	pthread_cond_timedwait(&batch->changed, &batch->mutex, &until);
}

void lf_batch_stop(struct lf_batch *batch, struct lf_error *error)
{
	bool first;
	ssize_t told;

	pthread_mutex_lock(&batch->mutex);
	if (error == NULL)
		batch->closed = true;
	else if (batch->error.code == LF_OK)
		lf_error_move(&batch->error, error);
	first = !atomic_exchange(&batch->stopped, true);
	pthread_cond_broadcast(&batch->changed);
	pthread_mutex_unlock(&batch->mutex);
	if (!first)
		return;
	lf_gate_open(&batch->gate);
	told = write(batch->stop_pipe[1], "", 1);
	(void)told;
	for (unsigned i = 0; i < batch->worker_count; i++)
		for (unsigned m = 0; m < LF_WORKER_MESSAGES_MAX; m++)
			lf_call_cancel(batch->workers[i].transfers[m].call);
}

bool lf_batch_wait(struct lf_batch *batch, int64_t since_ms, unsigned attempt, struct lf_error *error)
{
	const int64_t backoff = attempt < 6 ? (int64_t)BACKOFF_MS_MIN << attempt : BACKOFF_MS_MAX;
	const int64_t until = lf_batch_now_ms() + (backoff < BACKOFF_MS_MAX ? backoff : BACKOFF_MS_MAX);

	if (until - since_ms > (int64_t)batch->options->wait_ms) {
		lf_batch_stop(batch, error);
		return false;
	}
	pthread_mutex_lock(&batch->mutex);
	/* A moment's refusal is not worth a word. */
	if (!batch->away && (error->code == LF_UNAVAILABLE || error->code == LF_DEADLINE_EXCEEDED || attempt >= 4)) {
		batch->away = true;
		lf_text_make_harmless(error->message);
		fprintf(stderr, "leadfit: %s; waiting for it, up to %u s\n", error->message,
			batch->options->wait_ms / 1000);
	}
	while (!atomic_load(&batch->stopped) && lf_batch_now_ms() < until)
		lf_batch_wait_changed(batch, until - lf_batch_now_ms());
	pthread_mutex_unlock(&batch->mutex);
	return !atomic_load(&batch->stopped);
}

void lf_batch_is_back(struct lf_batch *batch)
{
	pthread_mutex_lock(&batch->mutex);
	if (batch->away)
		fputs("leadfit: the service answers again\n", stderr);
	batch->away = false;
	pthread_mutex_unlock(&batch->mutex);
}
