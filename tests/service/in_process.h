/*
 * The real services in this process, over a log in memory and calls in memory: no daemon, no socket, no disk. One at a
 * time.
 */
#ifndef LF_TESTS_SERVICE_IN_PROCESS_H
#define LF_TESTS_SERVICE_IN_PROCESS_H

#include "service/daemon/services.h"
#include "service/rpc/figures.h"
#include "service/state/state.h"

struct lf_backend;

struct in_process {
	struct lf_log *log; /* at the start it has the shipped rubric, active and the default, and no decision */
	struct lf_registry *registry;
	struct lf_team_cache *teams;
	struct lf_rpc_server *server;
	struct lf_state state; /* without a signing key */
	struct lf_daemon_services services;
	struct lf_rpc_observer observer;
};

void in_process_start(struct in_process *service);
/* The same with another clock. */
void in_process_start_at(struct in_process *service, int64_t (*now_us)(void));
/* The same over another backend, which is around the one in memory. */
void in_process_start_over(struct in_process *service, const struct lf_backend *backend);
/* Fails the test where calls were given up. */
void in_process_end(struct in_process *service);
/*
 * Calls a method that has one reply, and waits. The reply, to be freed with protobuf_c_message_free_unpacked(), or NULL and what the
 * service says in error, its fields included.
 */
ProtobufCMessage *in_process_call(struct in_process *service, const ProtobufCServiceDescriptor *descriptor,
	unsigned method, const ProtobufCMessage *request, struct lf_error *error);

#endif
