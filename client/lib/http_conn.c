#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/lib/http.h"

/* A connection moves bytes between its socket, with or without TLS, and its session. It never blocks. */

void lf_client_http_conn_break(struct lf_client_http_conn *conn, const char *reason)
{
	if (conn->state == LF_HTTP_DEAD)
		return;
	conn->state = LF_HTTP_DEAD;
	if (reason != conn->reason)
		snprintf(conn->reason, sizeof(conn->reason), "%s", reason);
}

/* ---- the socket ---- */

static enum lf_client_http_io write_some(struct lf_client_http_conn *conn, size_t *count)
{
	const void *from = conn->out + conn->out_start;
	const size_t length = conn->out_end - conn->out_start;
	ssize_t written;

	if (conn->tls != NULL)
		return lf_tls_write(conn->tls, from, length, count, &conn->wants_write, conn->reason);
	written = send(conn->socket, from, length, MSG_NOSIGNAL);
	if (written >= 0) {
		*count = (size_t)written;
		return LF_HTTP_MOVED;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
		conn->wants_write = true;
		return LF_HTTP_AGAIN;
	}
	snprintf(conn->reason, sizeof(conn->reason), "%s", lf_link_reason(errno));
	return LF_HTTP_BROKEN;
}

static enum lf_client_http_io read_some(struct lf_client_http_conn *conn, uint8_t *in, size_t *count)
{
	ssize_t got;

	if (conn->tls != NULL)
		return lf_tls_read(conn->tls, in, LF_HTTP_IN_BYTES, count, conn->reason);
	got = recv(conn->socket, in, LF_HTTP_IN_BYTES, 0);
	if (got > 0) {
		*count = (size_t)got;
		return LF_HTTP_MOVED;
	}
	if (got == 0)
		return LF_HTTP_ENDED;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return LF_HTTP_AGAIN;
	snprintf(conn->reason, sizeof(conn->reason), "%s", lf_link_reason(errno));
	return LF_HTTP_BROKEN;
}

/* ---- bytes ---- */

/* Fills what is free of the buffer. false: there is nothing to write. */
static bool fill(struct lf_client_http_conn *conn)
{
	const char *fault;

	if (conn->out_start == conn->out_end) {
		conn->out_start = 0;
		conn->out_end = 0;
	}
	if (conn->out_end < sizeof(conn->out)) {
		conn->out_end += lf_client_http_fill(
			conn->session, conn->out + conn->out_end, sizeof(conn->out) - conn->out_end, &fault);
		if (fault != NULL)
			lf_client_http_conn_break(conn, fault);
	}
	return conn->out_end > conn->out_start;
}

/* Reading or writing has found the end. */
static void break_off(struct lf_client_http_conn *conn, enum lf_client_http_io io)
{
	conn->refused = io == LF_HTTP_REFUSED;
	lf_client_http_conn_break(conn, io == LF_HTTP_ENDED ? "the peer closed the connection" : conn->reason);
}

void lf_client_http_conn_write(struct lf_client_http_conn *conn)
{
	if (conn->state < LF_HTTP_GREETING || conn->state == LF_HTTP_DEAD)
		return;
	conn->wants_write = false;
	while (fill(conn)) {
		size_t count = 0;
		const enum lf_client_http_io io = write_some(conn, &count);

		if (io == LF_HTTP_AGAIN)
			return;
		if (io != LF_HTTP_MOVED && conn->state == LF_HTTP_GREETING) {
			conn->out_start = conn->out_end; /* what the peer has said before it closed tells more */
			conn->more = true;
			return;
		}
		if (io != LF_HTTP_MOVED) {
			break_off(conn, io);
			return;
		}
		conn->out_start += count;
	}
}

void lf_client_http_conn_read(struct lf_client_http_conn *conn, uint8_t *in, int64_t now_ms)
{
	conn->more = false;
	for (unsigned turn = 0; conn->state >= LF_HTTP_GREETING && conn->state != LF_HTTP_DEAD; turn++) {
		size_t count = 0;
		enum lf_client_http_io io;
		const char *fault;

		if (turn == LF_HTTP_READS_A_TURN) {
			conn->more = true;
			return;
		}
		io = read_some(conn, in, &count);
		if (io == LF_HTTP_AGAIN)
			return;
		if (io != LF_HTTP_MOVED) {
			break_off(conn, io);
			return;
		}
		conn->heard_ms = now_ms;
		conn->ping_ms = 0;
		fault = lf_client_http_feed(conn->session, in, count);
		if (fault != NULL)
			lf_client_http_conn_break(conn, fault);
		/* A socket that gave less has no more, most likely. */
		if (conn->tls == NULL && count < LF_HTTP_IN_BYTES)
			return;
	}
}

int64_t lf_client_http_conn_watch(struct lf_client_http_conn *conn, int64_t now_ms)
{
	if ((conn->state != LF_HTTP_OPEN && conn->state != LF_HTTP_ENDING) ||
		lf_client_http_open_count(conn->session) == 0) {
		conn->ping_ms = 0;
		return INT64_MAX;
	}
	if (conn->ping_ms != 0 && now_ms - conn->ping_ms >= LF_HTTP_PONG_MS) {
		lf_client_http_conn_break(conn, "the peer no longer answers");
		return now_ms;
	}
	if (conn->ping_ms != 0)
		return conn->ping_ms + LF_HTTP_PONG_MS;
	if (now_ms - conn->heard_ms < LF_HTTP_PING_MS)
		return conn->heard_ms + LF_HTTP_PING_MS;
	lf_client_http_ping(conn->session);
	conn->ping_ms = now_ms;
	return now_ms; /* the next turn writes it */
}

void lf_client_http_conn_close(struct lf_client_http_conn *conn)
{
	lf_tls_free(conn->tls);
	conn->tls = NULL;
	if (conn->socket >= 0)
		close(conn->socket);
	conn->socket = -1;
	lf_client_http_session_free(conn->session);
	conn->session = NULL;
	conn->state = LF_HTTP_UNUSED;
}
