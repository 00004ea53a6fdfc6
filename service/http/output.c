#include <stdlib.h>
#include <string.h>

#include "service/http/internal.h"

/* What a connection has to say and its socket has not taken yet. What is large of it is counted in the server's budget. */

enum {
	OUTPUT_ROOM_MIN = 4 * 1024,
	OUTPUT_COUNTED_MAX = 16 * 1024 * 1024, /* of the budget, for the output of all connections */
};

size_t lf_http_output_unsent(const struct lf_http_conn *conn)
{
	return conn->output_end - conn->output_first;
}

/* Counts so much room for output that is large. */
static bool count_output(struct lf_http_conn *conn)
{
	const size_t bytes = LF_HTTP_OUTPUT_MAX;

	if (conn->output_counted != 0)
		return true;
	if (conn->http->output_counted + bytes > OUTPUT_COUNTED_MAX || !lf_rpc_server_take(conn->http->server, bytes))
		return false;
	conn->output_counted = bytes;
	conn->http->output_counted += bytes;
	return true;
}

void lf_http_output_free(struct lf_http_conn *conn)
{
	free(conn->output);
	conn->output = NULL;
	conn->output_first = conn->output_end = conn->output_room = 0;
	if (conn->output_counted == 0)
		return;
	lf_rpc_server_give(conn->http->server, conn->output_counted);
	conn->http->output_counted -= conn->output_counted;
	conn->output_counted = 0;
}

size_t lf_http_conn_room(struct lf_http_conn *conn)
{
	const size_t waiting = lf_http_output_unsent(conn);
	const size_t max = waiting < LF_HTTP_OUTPUT_SMALL ? LF_HTTP_OUTPUT_SMALL
		: count_output(conn)                      ? LF_HTTP_OUTPUT_MAX
							  : 0;

	return waiting < max ? max - waiting : 0;
}

bool lf_http_conn_put(struct lf_http_conn *conn, const void *bytes, size_t length)
{
	size_t room = conn->output_room == 0 ? OUTPUT_ROOM_MIN : conn->output_room;
	uint8_t *grown;

	if (conn->output_first != 0 && conn->output_room - conn->output_end < length) {
		memmove(conn->output, conn->output + conn->output_first, lf_http_output_unsent(conn));
		conn->output_end -= conn->output_first;
		conn->output_first = 0;
	}
	if (conn->output_room - conn->output_end < length) {
		while (room - conn->output_end < length)
			room *= 2;
		grown = realloc(conn->output, room);
		if (grown == NULL)
			return false;
		conn->output = grown;
		conn->output_room = room;
	}
	memcpy(conn->output + conn->output_end, bytes, length);
	conn->output_end += length;
	return true;
}
