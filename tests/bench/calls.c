/*
 * Design notes. A slot has one request in flight, and two calls that take turns: the closure of one starts the other,
 * as a call may only be started again after its closure has returned. When the second call's closure runs, the first's
 * may still be returning on another thread; so it is waited for, which takes no longer than that return. A call that
 * could not be started has its closure called within the start, that is within the other's closure; it then must not
 * wait for that, and does not: a failure starts nothing.
 */
#include "tests/bench/calls.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/scoring.pb-c.h"

struct load {
	struct lf_meter *meter;
	const struct lf_workload *workload;
	unsigned method;
	atomic_uint_fast64_t number;
};

struct slot;

struct turn {
	struct slot *slot;
	struct lf_call *call;
	bool started; /* ever */
	uint8_t buffer[LF_WORKLOAD_REQUEST_BYTES];
};

struct slot {
	struct load *load;
	struct turn turns[2];
	uint64_t started_ns;
};

static void answered(const uint8_t *reply, size_t length, void *closure_data);

static void start(struct turn *turn)
{
	struct load *load = turn->slot->load;
	const uint64_t number = atomic_fetch_add_explicit(&load->number, 1, memory_order_relaxed);
	size_t length;
	const uint8_t *request = lf_workload_request(load->workload, number, turn->buffer, &length);

	turn->started = true;
	turn->slot->started_ns = lf_meter_now_ns();
	lf_call_start_bytes(turn->call, load->method, request, length, answered, turn);
}

static void answered(const uint8_t *reply, size_t length, void *closure_data)
{
	struct turn *turn = closure_data;
	struct slot *slot = turn->slot;
	struct turn *other = &slot->turns[turn == &slot->turns[0]];
	struct lf_meter *meter = slot->load->meter;
	const struct lf_error *failure = lf_call_error(turn->call);

	if (reply == NULL || length == 0) {
		lf_meter_failed(meter, reply == NULL ? failure->message : "an empty reply");
		lf_meter_leave(meter);
		return;
	}
	if (!lf_meter_answered(meter, slot->started_ns, length)) {
		lf_meter_leave(meter);
		return;
	}
	if (other->started)
		lf_call_wait(other->call, NULL);
	start(other);
}

static bool make_calls(struct slot *slots, unsigned count, struct lf_client *client, struct load *load)
{
	for (unsigned i = 0; i < 2 * count; i++) {
		struct turn *turn = &slots[i / 2].turns[i % 2];

		slots[i / 2].load = load;
		turn->slot = &slots[i / 2];
		turn->call = lf_call_new(client, &leadfit__v1__scoring__descriptor, NULL);
		if (turn->call == NULL)
			return false;
	}
	return true;
}

static void destroy_calls(struct slot *slots, unsigned count)
{
	for (unsigned i = 0; slots != NULL && i < 2 * count; i++) {
		struct turn *turn = &slots[i / 2].turns[i % 2];

		if (turn->call == NULL)
			continue;
		if (turn->started)
			lf_call_wait(turn->call, NULL);
		lf_call_destroy(turn->call);
	}
}

static unsigned score_index(void)
{
	const ProtobufCMethodDescriptor *score =
		protobuf_c_service_descriptor_get_method_by_name(&leadfit__v1__scoring__descriptor, "Score");

	return (unsigned)(score - leadfit__v1__scoring__descriptor.methods);
}

enum lf_code lf_calls_measure(struct lf_client *client, const struct lf_workload *workload, pid_t server,
	unsigned in_flight, double seconds, uint64_t *number, struct lf_load *result, struct lf_error *error)
{
	struct load load = {.meter = lf_meter_new(), .workload = workload, .method = score_index()};
	struct slot *slots = calloc(in_flight, sizeof *slots);
	const char *failure;
	enum lf_code code = LF_OK;

	atomic_init(&load.number, *number);
	if (load.meter == NULL || slots == NULL || !make_calls(slots, in_flight, client, &load)) {
		code = lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
		goto out;
	}
	for (unsigned i = 0; i < in_flight; i++) {
		lf_meter_enter(load.meter);
		start(&slots[i].turns[0]);
	}
	failure = lf_meter_run(load.meter, server, seconds, result);
	if (failure != NULL)
		code = lf_error_set(error, LF_UNAVAILABLE, "leadfitd with %u in flight: %s", in_flight, failure);
	*number = atomic_load(&load.number);
out:
	destroy_calls(slots, in_flight);
	free(slots);
	lf_meter_destroy(load.meter);
	return code;
}
