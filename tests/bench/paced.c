/*
 * Design notes. A latency counts from when a request was due, so a stall shows as what callers would see. The main
 * thread starts what is due from the slots that are idle; a slot becomes idle in the closure of its call, so its call
 * is waited for before it is started again, which takes no longer than the return of that closure. While no slot is
 * idle, requests stay due, and their latencies grow.
 */
#include "tests/bench/paced.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "tests/bench/meter.h"

enum { SLOTS = 256, TIMER_SLACK_NS = 1000 };

static const double busy_seconds = 0.0001; /* until a slot may be idle again */

struct slot {
	struct lf_paced *paced;
	struct lf_call *call;
	bool started; /* ever */
	uint64_t due_ns;
	struct lf_paced_times *times;
	struct slot *next; /* idle */
	uint8_t buffer[LF_SOURCE_BUFFER_BYTES];
};

struct lf_paced {
	struct lf_source source;
	unsigned method;
	double rate; /* requests a second */
	uint64_t start_ns, end_ns, started;
	atomic_uint_fast64_t answered;
	pthread_mutex_t lock; /* of idle and failure */
	struct slot *idle;
	char failure[600];
	struct slot slots[SLOTS];
};

static void answered(const uint8_t *reply, size_t length, void *closure_data)
{
	struct slot *slot = closure_data;
	struct lf_paced *paced = slot->paced;
	const bool good = reply != NULL && length > 0;

	if (good) {
		lf_histogram_add(&slot->times->answered, lf_meter_now_ns() - slot->due_ns);
		atomic_fetch_add(&paced->answered, 1);
	}
	pthread_mutex_lock(&paced->lock);
	if (!good && paced->failure[0] == '\0')
		snprintf(paced->failure, sizeof(paced->failure), "%s",
			reply == NULL ? lf_call_error(slot->call)->message : "an empty reply");
	slot->next = paced->idle;
	paced->idle = slot;
	pthread_mutex_unlock(&paced->lock);
}

/* NULL: none, or something failed. */
static struct slot *take_idle(struct lf_paced *paced)
{
	struct slot *slot;

	pthread_mutex_lock(&paced->lock);
	slot = paced->failure[0] == '\0' ? paced->idle : NULL;
	if (slot != NULL)
		paced->idle = slot->next;
	pthread_mutex_unlock(&paced->lock);
	return slot;
}

/* When the next request is due. */
static uint64_t next_due_ns(const struct lf_paced *paced)
{
	return paced->start_ns + (uint64_t)((double)paced->started / paced->rate * 1e9);
}

/* Starts what is due by now, as far as there are slots. */
static void start_due(struct lf_paced *paced, uint64_t *number, struct lf_paced_times *times)
{
	const uint64_t now = lf_meter_now_ns();
	struct slot *slot;
	uint64_t due;
	size_t length;

	while ((due = next_due_ns(paced)) <= now && due < paced->end_ns && (slot = take_idle(paced)) != NULL) {
		const uint8_t *request =
			paced->source.request(paced->source.context, (*number)++, slot->buffer, &length);

		if (slot->started)
			lf_call_wait(slot->call, NULL);
		slot->started = true;
		slot->due_ns = due;
		slot->times = times;
		paced->started++;
		lf_histogram_add(&times->started, lf_meter_now_ns() - due);
		lf_call_start_bytes(slot->call, paced->method, request, length, answered, slot);
	}
}

/* Until the next request is due, or the end; where it is due already, until a slot may be idle. false: interrupted. */
static bool sleep_until_due(const struct lf_paced *paced)
{
	const uint64_t now = lf_meter_now_ns(), due = next_due_ns(paced),
		       until = due < paced->end_ns ? due : paced->end_ns;

	return lf_sleep_seconds(until > now ? (double)(until - now) / 1e9 : busy_seconds);
}

static enum lf_code failure_of(struct lf_paced *paced, struct lf_error *error)
{
	enum lf_code code = LF_OK;

	pthread_mutex_lock(&paced->lock);
	if (paced->failure[0] != '\0')
		code = lf_error_set(error, LF_UNAVAILABLE, "after %.3g s of %.0f requests a second: %s",
			(double)(lf_meter_now_ns() - paced->start_ns) / 1e9, paced->rate, paced->failure);
	pthread_mutex_unlock(&paced->lock);
	return code;
}

enum lf_code lf_paced_new(
	struct lf_paced **out, struct lf_client *client, const struct lf_source *source, struct lf_error *error)
{
	const struct lf_call_options once = {.attempts_max = 1, .timeout_ms = 20000};
	struct lf_paced *paced = calloc(1, sizeof(*paced));

	if (paced == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	paced->source = *source;
	paced->method = (unsigned)(protobuf_c_service_descriptor_get_method_by_name(
					   &leadfit__v1__scoring__descriptor, source->method) -
		leadfit__v1__scoring__descriptor.methods);
	pthread_mutex_init(&paced->lock, NULL);
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &paced->slots[i];

		slot->paced = paced;
		slot->call = lf_call_new(client, &leadfit__v1__scoring__descriptor, &once);
		if (slot->call == NULL) {
			lf_paced_destroy(paced);
			return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
		}
		slot->next = paced->idle;
		paced->idle = slot;
	}
	/* The default of 50 us is as long as what lies between two requests. */
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	*out = paced;
	return LF_OK;
}

static void wait_for_all(struct lf_paced *paced)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (paced->slots[i].started)
			lf_call_wait(paced->slots[i].call, NULL);
}

void lf_paced_destroy(struct lf_paced *paced)
{
	if (paced == NULL)
		return;
	wait_for_all(paced);
	for (size_t i = 0; i < SLOTS; i++)
		if (paced->slots[i].call != NULL)
			lf_call_destroy(paced->slots[i].call);
	pthread_mutex_destroy(&paced->lock);
	free(paced);
}

void lf_paced_begin(struct lf_paced *paced, double rate)
{
	paced->rate = rate;
	paced->started = 0;
	paced->start_ns = paced->end_ns = lf_meter_now_ns();
}

enum lf_code lf_paced_run(
	struct lf_paced *paced, double seconds, uint64_t *number, struct lf_paced_times *times, struct lf_error *error)
{
	paced->end_ns += (uint64_t)(seconds * 1e9);
	while (lf_meter_now_ns() < paced->end_ns || next_due_ns(paced) < paced->end_ns) {
		start_due(paced, number, times);
		if (failure_of(paced, error) != LF_OK)
			return error->code;
		if (!sleep_until_due(paced))
			return lf_error_set(error, LF_CANCELLED, "interrupted");
	}
	return LF_OK;
}

enum lf_code lf_paced_end(struct lf_paced *paced, struct lf_error *error)
{
	wait_for_all(paced);
	return failure_of(paced, error);
}

uint64_t lf_paced_answers(const struct lf_paced *paced)
{
	return atomic_load(&paced->answered);
}
