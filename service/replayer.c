#include <pthread.h>
#include <stdlib.h>

#include "service/core.h"

struct lf_replayer {
	struct lf_core *core;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct lf_replay *first, **last;
	bool stopping;
};

static void *run(void *context)
{
	struct lf_replayer *r = context;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		struct lf_replay *node = r->first;

		if (node == NULL && r->stopping)
			break;
		if (node == NULL) {
			pthread_cond_wait(&r->changed, &r->lock);
			continue;
		}
		r->first = node->next;
		if (r->first == NULL)
			r->last = &r->first;
		pthread_mutex_unlock(&r->lock);
		lf_answer_stored(r->core, &node->id, node->call);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

enum lf_code lf_replayer_new(struct lf_replayer **out, struct lf_core *core, struct lf_error *error)
{
	struct lf_replayer *r = calloc(1, sizeof *r);

	if (r == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the replayer");
	r->core = core;
	r->last = &r->first;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	if (pthread_create(&r->thread, NULL, run, r) != 0) {
		pthread_cond_destroy(&r->changed);
		pthread_mutex_destroy(&r->lock);
		free(r);
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "can't start a thread");
	}
	*out = r;
	return LF_OK;
}

void lf_replayer_destroy(struct lf_replayer *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void lf_replayer_push(struct lf_replayer *r, struct lf_replay *node)
{
	node->next = NULL;
	pthread_mutex_lock(&r->lock);
	*r->last = node;
	r->last = &node->next;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}
