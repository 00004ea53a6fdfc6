#include "tests/service/in_process.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "leadfit/v1/error.pb-c.h"
#include "service/state/registry.h"
#include "service/state/team_cache.h"
#include "storage/log/log.h"
#include "tests/rpc/memory.h"
#include "tests/service/support.h"
#include "tests/storage/memory_backend.h"

enum { TEAM_CACHE_BYTES = 1024 * 1024 };

static void put_rubric(struct in_process *service)
{
	struct lf_rubric_version *version = support_default_rubric();
	const struct lf_actor actor = {.caller = "local"};
	char from[LF_ID_BYTES_MAX + 1];
	bool changed;

	assert_int_equal(lf_registry_put(service->registry, version, &actor, true, NULL, NULL, NULL), LF_OK);
	assert_int_equal(
		lf_registry_set_default(service->registry, version->message->name, actor.caller, from, &changed, NULL),
		LF_OK);
	lf_rubric_version_release(version);
}

static void committed(void *context, uint64_t newest_sequence)
{
	const struct in_process *service = context;

	(void)newest_sequence;
	lf_rpc_server_news(service->server);
}

static void call_is_over(void *context, const struct lf_rpc_outcome *outcome)
{
	lf_daemon_services_note(context, outcome);
}

static void start(struct in_process *service, const struct lf_backend *backend, int64_t (*now_us)(void))
{
	const struct lf_log_options log = {
		.location = "x", .now_us = now_us, .on_committed = committed, .on_committed_context = service};
	struct lf_rpc_options options = {.worker_count = 2, .observer = &service->observer};
	struct lf_error error = LF_ERROR_INIT;

	memory_backend_forget();
	service->observer = (struct lf_rpc_observer){call_is_over, &service->services};
	service->teams = lf_team_cache_new(TEAM_CACHE_BYTES);
	assert_non_null(service->teams);
	options.cache = lf_team_cache_rpc(service->teams);
	assert_int_equal(lf_log_open(&service->log, backend, &log, NULL), LF_OK);
	assert_int_equal(lf_registry_new(&service->registry, service->log, NULL), LF_OK);
	put_rubric(service);
	assert_int_equal(lf_rpc_server_new(&service->server, &options, NULL), LF_OK);
	assert_int_equal(lf_state_init(&service->state, service->log, service->registry, NULL), LF_OK);
	service->state.teams = service->teams;
	lf_daemon_services_init(&service->services, &service->state);
	assert_int_equal(lf_daemon_services_add(&service->services, service->server, NULL), LF_OK);
	assert_int_equal(lf_daemon_services_start(&service->services, &error), LF_OK);
	assert_int_equal(lf_rpc_server_start(service->server, NULL), LF_OK);
}

void in_process_start(struct in_process *service)
{
	start(service, &memory_backend, NULL);
}

void in_process_start_at(struct in_process *service, int64_t (*now_us)(void))
{
	start(service, &memory_backend, now_us);
}

void in_process_start_over(struct in_process *service, const struct lf_backend *backend)
{
	start(service, backend, NULL);
}

void in_process_end(struct in_process *service)
{
	assert_int_equal(lf_rpc_server_stop(service->server, 60000), 0);
	lf_state_end_chores(&service->state);
	lf_daemon_services_stop(&service->services);
	lf_log_close(service->log);
	lf_daemon_services_clean_up(&service->services);
	lf_state_clean_up(&service->state);
	lf_rpc_server_destroy(service->server);
	lf_team_cache_destroy(service->teams);
	lf_registry_destroy(service->registry);
}

static void read_error(const struct memory_reply *reply, struct lf_error *error)
{
	Leadfit__V1__Error *body = leadfit__v1__error__unpack(NULL, reply->last.length, reply->last.data);

	assert_non_null(body);
	assert_int_equal(body->code, reply->code);
	for (size_t i = 0; i < body->n_violations; i++)
		lf_error_add(error, body->violations[i]->field, "%s", body->violations[i]->description);
	lf_error_set(error, reply->code, "%s", body->message);
	leadfit__v1__error__free_unpacked(body, NULL);
}

ProtobufCMessage *in_process_call(struct in_process *service, const ProtobufCServiceDescriptor *descriptor,
	unsigned method, const ProtobufCMessage *request, struct lf_error *error)
{
	uint8_t *packed = malloc(protobuf_c_message_get_packed_size(request) + 1);
	ProtobufCMessage *message = NULL;
	struct memory_reply reply;
	char name[160];

	assert_non_null(packed);
	snprintf(name, sizeof(name), "%s/%s", descriptor->name, descriptor->methods[method].name);
	memory_call(&reply, service->server,
		&(struct memory_request){.method = name,
			.message = packed,
			.message_length = protobuf_c_message_pack(request, packed),
			.one_reply = true,
			.timeout_ms = 60000});
	free(packed);
	assert_true(reply.answered);
	if (reply.code != LF_OK)
		read_error(&reply, error);
	else {
		message = protobuf_c_message_unpack(
			descriptor->methods[method].output, NULL, reply.last.length, reply.last.data);
		assert_non_null(message);
	}
	memory_reply_clean_up(&reply);
	return message;
}
