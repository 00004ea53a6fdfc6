#include "service/state/finisher.h"

#include <pthread.h>
#include <stdlib.h>

#include "proto/base/check.h"
#include "proto/base/forget.h"
#include "proto/base/thread.h"

struct lf_finisher {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	struct lf_finish *first, **last;
	bool asleep; /* signalled only then: a batch of commits costs one wake-up */
	bool stopping;
};

/* Everything that is queued, or NULL: time to end. */
static struct lf_finish *take_all(struct lf_finisher *f)
{
	struct lf_finish *all;

	pthread_mutex_lock(&f->lock);
	while (f->first == NULL && !f->stopping) {
		lf_forget_stack();
		f->asleep = true;
		pthread_cond_wait(&f->wake, &f->lock);
	}
	f->asleep = false;
	all = f->first;
	f->first = NULL;
	f->last = &f->first;
	pthread_mutex_unlock(&f->lock);
	return all;
}

static void *run(void *context)
{
	struct lf_finisher *f = context;
	struct lf_finish *finish;

	while ((finish = take_all(f)) != NULL)
		while (finish != NULL) {
			struct lf_finish *next = finish->next; /* run() may free it */

			LF_CHECK(H1, finish->queued);
			finish->queued = false;
			finish->run(finish);
			finish = next;
		}
	return NULL;
}

enum lf_code lf_finisher_new(struct lf_finisher **out, struct lf_error *error)
{
	struct lf_finisher *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the finisher");
	f->last = &f->first;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	if (lf_thread_start(&f->thread, run, f) != 0) {
		pthread_cond_destroy(&f->wake);
		pthread_mutex_destroy(&f->lock);
		free(f);
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "can't start a thread");
	}
	*out = f;
	return LF_OK;
}

void lf_finisher_destroy(struct lf_finisher *f)
{
	if (f == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	LF_CHECK(H1, f->first == NULL);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void lf_finisher_push(struct lf_finisher *f, struct lf_finish *finish)
{
	bool wake;

	LF_CHECK(H1, !finish->queued && finish->run != NULL);
	finish->queued = true;
	finish->next = NULL;
	pthread_mutex_lock(&f->lock);
	LF_CHECK(H2, !f->stopping);
	*f->last = finish;
	f->last = &finish->next;
	wake = f->asleep;
	f->asleep = false;
	pthread_mutex_unlock(&f->lock);
	if (wake)
		pthread_cond_signal(&f->wake);
}

void lf_finisher_wake(struct lf_finisher *f)
{
	pthread_mutex_lock(&f->lock);
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
}
