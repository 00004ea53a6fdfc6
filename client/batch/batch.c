#include "client/batch/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/base/thread.h"

enum { TICK_MS = 250, WORKERS_MIN = 4 };

/* ---- a worker ---- */

static void fail_input(struct lf_batch *batch, int cause)
{
	struct lf_error error = LF_ERROR_INIT;

	if (cause == ESTALE)
		lf_error_set(
			&error, LF_INVALID_ARGUMENT, "%s: has become shorter meanwhile", batch->feed->projects_name);
	else
		lf_error_set(&error, cause == ENOMEM ? LF_RESOURCE_EXHAUSTED : LF_INVALID_ARGUMENT, "%s: %s",
			batch->feed->name, strerror(cause));
	lf_batch_stop(batch, &error);
}

/* Takes the next chunk of the input. false where there is none. */
static bool take_chunk(struct lf_worker *worker)
{
	struct lf_batch *batch = worker->batch;
	enum lf_line line = LF_LINE_STOPPED;

	lf_chunk_reset(&worker->chunk);
	pthread_mutex_lock(&batch->reading);
	if (!batch->input_ended && !atomic_load(&batch->stopped)) {
		int cause;

		line = lf_feed_chunk(batch->feed, &worker->chunk);
		cause = errno;
		worker->chunk.ticket = batch->next_ticket;
		if (line == LF_LINE_GOT)
			batch->next_ticket++;
		else
			batch->input_ended = true;
		if (line == LF_LINE_FAILED)
			fail_input(batch, cause);
		else if (line == LF_LINE_STOPPED)
			lf_batch_stop(batch, NULL);
	}
	pthread_mutex_unlock(&batch->reading);
	return line == LF_LINE_GOT;
}

/* Writes all of it. false where the run ends. */
static bool write_text(struct lf_batch *batch, const struct lf_buffer *text)
{
	struct lf_error error = LF_ERROR_INIT;
	size_t written = 0;
	int cause = text->failed ? ENOMEM : 0;

	while (cause == 0 && written < text->length) {
		const ssize_t n = write(batch->output, text->data + written, text->length - written);

		if (n >= 0)
			written += (size_t)n;
		else if (errno != EINTR)
			cause = errno;
	}
	if (cause == EPIPE)
		lf_batch_stop(batch, NULL);
	else if (cause != 0) {
		lf_error_set(&error, cause == ENOMEM ? LF_RESOURCE_EXHAUSTED : LF_UNAVAILABLE, "%s: %s",
			batch->output_name, strerror(cause));
		lf_batch_stop(batch, &error);
	}
	return cause == 0;
}

/* Writes a chunk's lines when its turn has come. */
static bool write_chunk(struct lf_worker *worker)
{
	struct lf_batch *batch = worker->batch;
	struct lf_chunk *chunk = &worker->chunk;
	const struct lf_buffer *text = lf_chunk_text(chunk);
	uint64_t failed = 0;

	for (size_t i = 0; i < chunk->item_count; i++)
		failed += chunk->items[i].failed ? 1 : 0;
	pthread_mutex_lock(&batch->mutex);
	while (!atomic_load(&batch->stopped) && batch->next_write != chunk->ticket)
		pthread_cond_wait(&batch->changed, &batch->mutex);
	pthread_mutex_unlock(&batch->mutex);
	if (atomic_load(&batch->stopped) || !write_text(batch, text))
		return false;
	pthread_mutex_lock(&batch->mutex);
	LF_CHECK(L8, batch->next_write == chunk->ticket);
	batch->next_write++;
	batch->lines += chunk->item_count;
	batch->failed += failed;
	batch->bytes += text->length;
	batch->taken = chunk->taken;
	pthread_cond_broadcast(&batch->changed);
	pthread_mutex_unlock(&batch->mutex);
	return true;
}

static void *work(void *context)
{
	struct lf_worker *worker = context;
	struct lf_batch *batch = worker->batch;

	while (take_chunk(worker)) {
		lf_chunk_parse(&worker->chunk, batch->options, &batch->parts);
		if (!lf_worker_send(worker) || !write_chunk(worker))
			break;
	}
	pthread_mutex_lock(&batch->mutex);
	LF_CHECK(L9, batch->running > 0);
	batch->running--;
	pthread_cond_broadcast(&batch->changed);
	pthread_mutex_unlock(&batch->mutex);
	return NULL;
}

/* ---- the run ---- */

static unsigned count_workers(void)
{
	const size_t wanted = 2 * lf_processors();

	return wanted < WORKERS_MIN             ? WORKERS_MIN
		: wanted > LF_BATCH_WORKERS_MAX ? LF_BATCH_WORKERS_MAX
						: (unsigned)wanted;
}

static void clean_up_worker(struct lf_worker *worker)
{
	for (unsigned i = 0; i < LF_WORKER_MESSAGES_MAX; i++) {
		struct lf_transfer *transfer = &worker->transfers[i];

		if (transfer->call != NULL)
			lf_call_destroy(transfer->call);
		lf_message_clean_up(&transfer->message);
		free(transfer->reply);
	}
	lf_chunk_clean_up(&worker->chunk);
}

static bool init_worker(struct lf_batch *batch, struct lf_worker *worker)
{
	const struct lf_call_options options = {.timeout_ms = batch->options->timeout_ms,
		.idempotent = true,
		.traceparent = batch->options->traceparent};
	bool complete = true;

	worker->batch = batch;
	lf_chunk_init(&worker->chunk);
	for (unsigned i = 0; i < LF_WORKER_MESSAGES_MAX && complete; i++) {
		worker->transfers[i].batch = batch;
		worker->transfers[i].call = lf_call_new(batch->client, &leadfit__v1__scoring__descriptor, &options);
		complete = worker->transfers[i].call != NULL;
	}
	if (!complete)
		clean_up_worker(worker);
	return complete;
}

static bool init(struct lf_batch *batch)
{
	const unsigned count = count_workers();

	batch->stop_pipe[0] = batch->stop_pipe[1] = -1;
	lf_gate_init(&batch->gate, count);
	lf_parts_init(&batch->parts);
	pthread_mutex_init(&batch->reading, NULL);
	pthread_mutex_init(&batch->mutex, NULL);
	lf_cond_init(&batch->changed);
	batch->workers = calloc(count, sizeof(*batch->workers));
	if (batch->workers == NULL || pipe2(batch->stop_pipe, O_CLOEXEC) != 0)
		return false;
	for (; batch->worker_count < count; batch->worker_count++)
		if (!init_worker(batch, &batch->workers[batch->worker_count]))
			return false;
	batch->feed->watch.stop = batch->stop_pipe[0];
	return true;
}

static void clean_up(struct lf_batch *batch)
{
	for (unsigned i = 0; i < batch->worker_count; i++)
		clean_up_worker(&batch->workers[i]);
	free(batch->workers);
	for (size_t i = 0; i < 2; i++)
		if (batch->stop_pipe[i] >= 0)
			close(batch->stop_pipe[i]);
	pthread_cond_destroy(&batch->changed);
	pthread_mutex_destroy(&batch->mutex);
	pthread_mutex_destroy(&batch->reading);
	lf_parts_clean_up(&batch->parts);
	lf_gate_clean_up(&batch->gate);
}

enum lf_code lf_batch_run(struct lf_batch *batch, void (*tick)(const struct lf_batch *batch, void *context),
	void *context, struct lf_error *error)
{
	unsigned started = 0;

	if (!init(batch))
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory, or of file descriptors");
	batch->running = error->code == LF_OK ? batch->worker_count : 0;
	for (; started < batch->worker_count && error->code == LF_OK; started++)
		if (pthread_create(&batch->workers[started].thread, NULL, work, &batch->workers[started]) != 0)
			break;
	pthread_mutex_lock(&batch->mutex);
	if (error->code == LF_OK)
		batch->running -= batch->worker_count - started; /* fewer will do */
	while (batch->running > 0) {
		lf_batch_wait_changed(batch, TICK_MS);
		if (tick != NULL)
			tick(batch, context);
	}
	pthread_mutex_unlock(&batch->mutex);
	for (unsigned i = 0; i < started; i++)
		pthread_join(batch->workers[i].thread, NULL);
	if (started == 0 && error->code == LF_OK)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the system gives no threads");
	if (batch->error.code != LF_OK)
		lf_error_move(error, &batch->error);
	clean_up(batch);
	return error->code;
}
