/*
 * The same job with gRPC C++'s server as the edge (grpc_edge.cc), so that what differs from leadfitd --http is the transport
 * alone; and that freed memory is not cleared here (service/daemon/heap.c). Options and exit status are leadfitd's.
 */
#include "tests/bench/peers/edge.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "service/daemon/daemon.h"
#include "service/daemon/options.h"
#include "service/rpc/transport.h"

enum { SPARE_BYTES = 128 }; /* behind a reply, for its id and time */

static const char method[] = "leadfit.v1.Scoring/Score";
static struct lf_daemon daemon_parts;
static sigset_t signals;

/* What a call of dispatch has of ours. */
struct edge_call {
	lf_edge_done *done;
	void *context;
	uint8_t *reply; /* NULL: none was begun */
	size_t length, room;
	enum lf_code code;
	char text[256];
};

/* ---- the transport ---- */

static uint8_t *begin(struct lf_rpc_call *call, size_t length)
{
	struct edge_call *own = lf_rpc_call_own(call);

	own->reply = malloc(length + SPARE_BYTES);
	own->length = length;
	own->room = length + SPARE_BYTES;
	return own->reply;
}

static bool append(struct lf_rpc_call *call, const void *data, size_t length)
{
	struct edge_call *own = lf_rpc_call_own(call);

	if (length > own->room - own->length)
		return false;
	memcpy(own->reply + own->length, data, length);
	own->length += length;
	return true;
}

static void drop(struct lf_rpc_call *call)
{
	struct edge_call *own = lf_rpc_call_own(call);

	free(own->reply);
	own->reply = NULL;
}

static bool fail(
	struct lf_rpc_call *call, enum lf_code code, const char *message, const uint8_t *details, size_t length)
{
	struct edge_call *own = lf_rpc_call_own(call);

	(void)details, (void)length;
	own->code = code;
	strncat(own->text, message, sizeof(own->text) - 1);
	return true;
}

static bool is_gone(const struct lf_rpc_call *call)
{
	(void)call;
	return false;
}

/* The request is the caller's until done(). */
static void release(struct lf_rpc_call *call)
{
	(void)call;
}

static void finish(struct lf_rpc_call *call)
{
	struct edge_call *own = lf_rpc_call_own(call);
	const bool answered = own->reply != NULL;

	own->done(own->context, own->reply, own->length, answered ? LF_OK : (int)own->code, own->text);
	lf_rpc_turn_over(call, answered ? LF_RPC_SENT : LF_RPC_UNSENT);
	lf_rpc_call_free(call);
}

/* Nothing of it has to be stopped: so it is not attached to the server. Quick, as each call comes on one of several threads. */
static const struct lf_rpc_transport transport = {
	.name = "another edge",
	.reply_overhead = SPARE_BYTES,
	.quick_max = SIZE_MAX,
	.begin = begin,
	.append = append,
	.drop = drop,
	.fail = fail,
	.is_gone = is_gone,
	.release = release,
	.finish = finish,
};

void lf_edge_score(const uint8_t *request, size_t length, lf_edge_done *done, void *context)
{
	struct lf_rpc_call *call = lf_rpc_call_new(daemon_parts.server, &transport, sizeof(struct edge_call));
	struct edge_call *own;

	if (call == NULL) {
		done(context, NULL, 0, LF_RESOURCE_EXHAUSTED, "no memory for a call");
		return;
	}
	own = lf_rpc_call_own(call);
	own->done = done;
	own->context = context;
	lf_rpc_arrived(call,
		&(struct lf_rpc_request){.method = {method, sizeof(method) - 1},
			.message = request,
			.message_length = length,
			.bytes = length});
}

/* ---- the service around it, as leadfitd's main() has it ---- */

static void block_signals(void)
{
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static void await_signal(void)
{
	int received;

	while (sigwait(&signals, &received) != 0)
		continue;
}

int main(int argc, char **argv)
{
	struct lf_daemon_options options;
	int status = lf_daemon_options_read(&options, argc, argv);

	if (status >= 0)
		return status;
	mallopt(M_TRIM_THRESHOLD, LF_REQUEST_BYTES_MAX);
	mallopt(M_MMAP_THRESHOLD, 2 * LF_MESSAGE_BYTES_MAX);
	lf_event_init(&options.events);
	block_signals();
	status = lf_daemon_start(&daemon_parts, &options);
	if (status == 0)
		status = lf_edge_serve_grpc(await_signal);
	lf_daemon_stop(&daemon_parts);
	return status;
}
