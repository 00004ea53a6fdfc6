#include "client/batch/gate.h"

#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/limits.h"

enum { MESSAGE_WEIGHT = 8 /* of a message itself, in items */, FULL_WEIGHT = LF_BATCH_MAX + MESSAGE_WEIGHT };
enum { STRETCH_MS_MIN = 100, REST = 20 /* stretches after a step that did not help */ };

void lf_gate_init(struct lf_gate *gate, unsigned window_max)
{
	/*
	 * There are two workers a processor: one message each for those of a service here to score, and one that waits
	 * for its commit.
	 */
	*gate = (struct lf_gate){.window_max = window_max,
		.window = window_max < 3 ? window_max : window_max / 2 + 1,
		.since_ms = (int64_t)lf_clock_ms()};
	pthread_mutex_init(&gate->mutex, NULL);
	pthread_cond_init(&gate->opened, NULL);
}

void lf_gate_clean_up(struct lf_gate *gate)
{
	pthread_cond_destroy(&gate->opened);
	pthread_mutex_destroy(&gate->mutex);
}

void lf_gate_enter(struct lf_gate *gate, size_t items)
{
	const size_t weight = items + MESSAGE_WEIGHT;

	pthread_mutex_lock(&gate->mutex);
	while (!gate->open && gate->under_way > 0 && gate->under_way + weight > (size_t)gate->window * FULL_WEIGHT)
		pthread_cond_wait(&gate->opened, &gate->mutex);
	gate->under_way += weight;
	pthread_mutex_unlock(&gate->mutex);
}

/* Under the mutex. A stretch begins. */
static void begin_stretch(struct lf_gate *gate, int64_t now)
{
	gate->since_ms = now;
	gate->items = 0;
	gate->messages = 0;
}

/* Under the mutex. What is done after a stretch with this rate. */
static void decide(struct lf_gate *gate, double rate)
{
	const double worth = 1.03; /* less may be chance */

	if (gate->rest > 0) {
		gate->rest--;
		gate->step = 0;
	} else if (gate->step > 0 && rate < gate->rate_before * worth) {
		gate->window--; /* one more did not help */
		gate->step = -1;
		gate->rest = REST;
	} else if (gate->window < gate->window_max) {
		gate->window++;
		gate->step = 1;
	} else {
		gate->step = 0;
	}
	gate->rate_before = rate;
}

void lf_gate_leave(struct lf_gate *gate, size_t items, bool answered, bool refused)
{
	int64_t now;

	pthread_mutex_lock(&gate->mutex);
	now = (int64_t)lf_clock_ms();
	LF_CHECK(L10, gate->under_way >= items + MESSAGE_WEIGHT);
	gate->under_way -= items + MESSAGE_WEIGHT;
	gate->items += answered ? items : 0;
	gate->messages++;
	if (refused) {
		gate->window = gate->window > 1 ? gate->window / 2 : 1;
		gate->step = 0;
		gate->rest = REST;
		begin_stretch(gate, now);
	} else if (now - gate->since_ms >= STRETCH_MS_MIN && gate->messages >= 2 * gate->window) {
		decide(gate, (double)gate->items / (double)(now - gate->since_ms));
		begin_stretch(gate, now);
	}
	LF_CHECK(L11, gate->window >= 1 && gate->window <= gate->window_max);
	pthread_cond_broadcast(&gate->opened);
	pthread_mutex_unlock(&gate->mutex);
}

void lf_gate_open(struct lf_gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	gate->open = true;
	pthread_cond_broadcast(&gate->opened);
	pthread_mutex_unlock(&gate->mutex);
}
