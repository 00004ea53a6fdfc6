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
	size_t most, taken;

	if (count > some)
		log->singles_seen = SINGLES_REMAIN;
	else if (log->singles_seen > 0)
		log->singles_seen--;
	most = log->singles_seen > 0 ? count + BULK_BESIDE : LF_BATCH_MAX;
	taken = take_from(log, &log->bulk, count, most < LF_BATCH_MAX ? most : LF_BATCH_MAX);
	LF_CHECK(W12, log->singles_seen == 0 || taken - count <= BULK_BESIDE);
	return taken;
}

size_t lf_writer_take_more(struct lf_log *log, size_t some)
{
	lf_writer_lock(log);
	some = lf_writer_take(log, some);
	lf_writer_unlock(log);
	return some;
}
