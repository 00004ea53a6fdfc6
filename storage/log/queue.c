/* Which of the queued appends make the next batch, or join it. On the writer thread. */
#include "proto/base/check.h"
#include "storage/log/private.h"

enum {
	BULK_BESIDE = 64,    /* W12: some 0.5 ms of a commit */
	SINGLES_REMAIN = 16, /* W12: batches; while single appends wait for their next turn, none may be queued */
};

/* Moves appends into the batch, until that has max. Returns how many it has. */
static size_t take_from(struct lf_log *log, struct lf_append_queue *queue, size_t count, size_t max)
{
	while (queue->first != NULL && count < max) {
		struct lf_append *append = queue->first;

		queue->first = append->next;
		append->next = NULL;
		lf_append_turn(append, LF_APPEND_TAKEN);
		log->batch[count].append = append;
		lf_error_init(&log->batch[count].error);
		count++;
	}
	return count;
}

/* W12 */
size_t lf_writer_take(struct lf_log *log, size_t some)
{
	const size_t count = take_from(log, &log->queue, some, LF_BATCH_MAX);
	size_t most = LF_BATCH_MAX, taken;

	if (some == 0)
		log->bulk_taken = 0;
	if (count > some)
		log->singles_seen = SINGLES_REMAIN;
	else if (some == 0 && log->singles_seen > 0)
		log->singles_seen--;
	if (log->singles_seen > 0)
		most = log->bulk_taken < BULK_BESIDE ? count + BULK_BESIDE - log->bulk_taken : count;
	taken = take_from(log, &log->bulk, count, most < LF_BATCH_MAX ? most : LF_BATCH_MAX);
	log->bulk_taken += taken - count;
	/* What was taken before the first single one came is in the batch. */
	LF_CHECK(W12, log->singles_seen == 0 || taken == count || log->bulk_taken <= BULK_BESIDE);
	return taken;
}

size_t lf_writer_take_more(struct lf_log *log, size_t some)
{
	lf_writer_lock(log);
	some = lf_writer_take(log, some);
	lf_writer_unlock(log);
	return some;
}
