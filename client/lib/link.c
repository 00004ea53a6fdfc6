#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/lib/internal.h"

/*
 * What is known about the connection, whatever carries it. client->connection is the one truth about being connected:
 * only a transport sets it, by these functions. A transport tries again after a loss: at once where the connection was
 * stable or useful, else after a pause that doubles.
 */

const char *lf_link_reason(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "connection refused";
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return "the peer closed the connection";
	case ENOENT:
		return "there is no such socket";
	case EACCES:
	case EPERM:
		return "permission denied";
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
		return "the host can't be reached";
	case ENOMEM:
	case ENOBUFS:
	case EMFILE:
	case ENFILE:
		return "out of memory or file descriptors";
	case ETIMEDOUT:
		return "no answer";
	case ENOTSOCK:
	case EPROTOTYPE:
		return "the peer is no stream socket";
	default:
		return strerror(error);
	}
}

void lf_link_set_reason(struct lf_client *client, const char *reason)
{
	snprintf(client->link_error, sizeof(client->link_error), "%s", reason);
}

void lf_link_up(struct lf_client *client, uint32_t number)
{
	client->connection = number;
	client->reached = true;
}

void lf_link_down(struct lf_client *client, const char *reason)
{
	client->connection = 0;
	client->disconnected_ms = lf_now_ms();
	lf_link_set_reason(client, reason);
	for (size_t i = 0; i < client->heap_count; i++) {
		struct lf_call *call = client->heap[i];
		int64_t due = lf_call_due(client, call);

		if (due < call->due_ms)
			call->due_ms = due;
	}
	lf_heap_rebuild(client);
	pthread_cond_broadcast(&client->link_cond);
}

void lf_link_tried(struct lf_client *client)
{
	client->dialled_once = true;
	pthread_cond_broadcast(&client->link_cond);
}

int64_t lf_link_next_pause(const struct lf_client *client, int64_t pause_ms)
{
	/* No longer than a quarter of what a call waits for a connection, so that each call sees several tries. */
	int64_t pause_max = client->connect_timeout_ms / 4;

	if (pause_max > LF_REDIAL_MS_MAX)
		pause_max = LF_REDIAL_MS_MAX;
	if (pause_max < LF_REDIAL_MS_MIN)
		pause_max = LF_REDIAL_MS_MIN;
	pause_ms *= 2;
	return pause_ms < pause_max ? pause_ms : pause_max;
}
