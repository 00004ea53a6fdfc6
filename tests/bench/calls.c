/*
 * Design notes. A slot has one request in flight, and two or more calls that take turns: the closure of one starts the
 * next, as a call may only be started again after its closure has returned. When that runs, the one before may still be
 * returning on another thread; so a call is waited for before it is started again, which takes no longer than that
 * return. A call that could not be started has its closure called within the start, that is within another's closure;
 * it then must not wait for that, and does not: a failure starts nothing.
 *
 * Calls belong to connections. A slot has as many as it needs for every connection to be used.
 */
#include "tests/bench/calls.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/scoring.pb-c.h"

struct slot;

struct turn {
	struct slot *slot;
	struct lf_call *call;
	bool started; /* ever */
	uint8_t buffer[LF_SOURCE_BUFFER_BYTES];
};

struct slot {
	struct lf_calls *calls;
	struct turn *turns;
	uint64_t started_ns;
};

struct lf_calls {
	struct lf_meter *meter;
	struct lf_source source;
	unsigned method;
	bool may_fail;
	atomic_uint_fast64_t number;
	unsigned slot_count, turn_count; /* turns of each slot */
	struct slot *slots;
	struct turn *turns; /* of all slots */
};

static void answered(const uint8_t *reply, size_t length, void *closure_data);

static void start(struct turn *turn)
{
	struct lf_calls *calls = turn->slot->calls;
	const uint64_t number = atomic_fetch_add_explicit(&calls->number, 1, memory_order_relaxed);
	size_t length;
	const uint8_t *request = calls->source.request(calls->source.context, number, turn->buffer, &length);

	turn->started = true;
	turn->slot->started_ns = lf_meter_now_ns();
	lf_call_start_bytes(turn->call, calls->method, request, length, answered, turn);
}

static void answered(const uint8_t *reply, size_t length, void *closure_data)
{
	struct turn *turn = closure_data, *next = turn + 1;
	struct slot *slot = turn->slot;
	struct lf_calls *calls = slot->calls;
	const struct lf_error *failure = lf_call_error(turn->call);

	if (reply == NULL || length == 0) {
		if (!calls->may_fail)
			lf_meter_failed(calls->meter, reply == NULL ? failure->message : "an empty reply");
		lf_meter_leave(calls->meter);
		return;
	}
	if (!lf_meter_answered(calls->meter, slot->started_ns, length)) {
		lf_meter_leave(calls->meter);
		return;
	}
	if (next == slot->turns + calls->turn_count)
		next = slot->turns;
	if (next->started)
		lf_call_wait(next->call, NULL);
	start(next);
}

static bool make_turns(struct lf_calls *calls, const struct lf_calls_options *options)
{
	const struct lf_call_options once = {.attempts_max = 1, .timeout_ms = 20000};

	for (unsigned i = 0; i < calls->slot_count; i++) {
		calls->slots[i] = (struct slot){.calls = calls, .turns = &calls->turns[i * calls->turn_count]};
		for (unsigned t = 0; t < calls->turn_count; t++) {
			struct turn *turn = &calls->slots[i].turns[t];

			turn->slot = &calls->slots[i];
			turn->call = lf_call_new(options->clients[(t * calls->slot_count + i) % options->client_count],
				&leadfit__v1__scoring__descriptor, &once);
			if (turn->call == NULL)
				return false;
		}
	}
	return true;
}

static unsigned method_index(const char *name)
{
	const ProtobufCMethodDescriptor *method =
		protobuf_c_service_descriptor_get_method_by_name(&leadfit__v1__scoring__descriptor, name);

	return (unsigned)(method - leadfit__v1__scoring__descriptor.methods);
}

enum lf_code lf_calls_start(
	struct lf_calls **out, const struct lf_calls_options *options, struct lf_meter *meter, struct lf_error *error)
{
	struct lf_calls *calls = calloc(1, sizeof(*calls));
	const unsigned turns = (unsigned)((options->client_count + options->in_flight - 1) / options->in_flight);

	if (calls == NULL)
		goto no_memory;
	calls->meter = meter;
	calls->source = options->source;
	calls->method = method_index(options->source.method);
	calls->may_fail = options->may_fail;
	atomic_init(&calls->number, options->number);
	calls->slot_count = options->in_flight;
	calls->turn_count = turns < 2 ? 2 : turns;
	calls->slots = calloc(calls->slot_count, sizeof(*calls->slots));
	calls->turns = calloc((size_t)calls->slot_count * calls->turn_count, sizeof(*calls->turns));
	if (calls->slots == NULL || calls->turns == NULL || !make_turns(calls, options))
		goto no_memory;
	for (unsigned i = 0; i < calls->slot_count; i++) {
		lf_meter_enter(meter);
		start(&calls->slots[i].turns[0]);
	}
	*out = calls;
	return LF_OK;
no_memory:
	lf_calls_destroy(calls);
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

uint64_t lf_calls_number(const struct lf_calls *calls)
{
	return atomic_load(&calls->number);
}

void lf_calls_destroy(struct lf_calls *calls)
{
	if (calls == NULL)
		return;
	for (size_t i = 0; calls->turns != NULL && i < (size_t)calls->slot_count * calls->turn_count; i++) {
		struct turn *turn = &calls->turns[i];

		if (turn->call == NULL)
			continue;
		if (turn->started)
			lf_call_wait(turn->call, NULL);
		lf_call_destroy(turn->call);
	}
	free(calls->turns);
	free(calls->slots);
	free(calls);
}

enum lf_code lf_calls_measure(const struct lf_calls_options *options, pid_t server, double seconds,
	unsigned answers_min, uint64_t *number, struct lf_load *result, struct lf_error *error)
{
	struct lf_meter *meter = lf_meter_new();
	struct lf_calls_options numbered = *options;
	struct lf_calls *calls = NULL;
	const char *failure;
	enum lf_code code;

	numbered.number = *number;
	if (meter == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	lf_meter_expect(meter, answers_min);
	code = lf_calls_start(&calls, &numbered, meter, error);
	if (code == LF_OK) {
		failure = lf_meter_run(meter, server, seconds, result);
		if (failure != NULL)
			code = lf_error_set(
				error, LF_UNAVAILABLE, "leadfitd with %u in flight: %s", options->in_flight, failure);
		*number = lf_calls_number(calls);
	}
	lf_calls_destroy(calls);
	lf_meter_destroy(meter);
	return code;
}
