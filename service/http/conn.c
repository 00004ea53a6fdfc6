#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/http/internal.h"

/*
 * Connections: what the first bytes say, output, pausing, time-outs, closing. A connection is freed at the end of a turn,
 * when its socket is closed and dispatch has none of its calls.
 */

enum {
	SNIFF_BYTES = 3, /* "PRI" */
	FILLS_A_TURN = 8,
	LINGER_MS = 2000, /* for a peer to end its side, after the last byte of ours */
};

static bool is_closed(const struct lf_http_conn *conn)
{
	return conn->stage == LF_HTTP_CLOSED;
}

/* ---- closing ---- */

/* Ends exchanges that are not over yet. What dispatch has comes back later. */
static void end_exchanges(struct lf_http_conn *conn)
{
	struct lf_http_exchange *next;

	for (struct lf_http_exchange *exchange = conn->exchanges; exchange != NULL; exchange = next) {
		next = exchange->next;
		if (!exchange->over)
			lf_http_exchange_over(exchange);
	}
}

void lf_http_conn_close(struct lf_http_conn *conn)
{
	if (is_closed(conn))
		return;
	conn->stage = LF_HTTP_CLOSED;
	end_exchanges(conn);
	if (conn->protocol != NULL)
		conn->protocol->destroy(conn);
	if (conn->io != NULL)
		conn->io->close(conn);
	lf_http_output_free(conn);
	if (conn->watch.fd >= 0) {
		lf_loop_forget(&conn->http->loop, &conn->watch);
		close(conn->watch.fd);
		conn->watch.fd = -1;
	}
	if (conn->on_closed != NULL)
		conn->on_closed(conn);
	lf_http_conn_wake(conn);
}

/* What is in the output is still sent; nothing more comes in. */
static void begin_closing(struct lf_http_conn *conn)
{
	if (conn->stage == LF_HTTP_CLOSED || conn->stage == LF_HTTP_CLOSING)
		return;
	conn->stage = LF_HTTP_CLOSING;
	end_exchanges(conn);
	conn->half_ns = 0;
	lf_http_conn_wake(conn);
}

static void follow(struct lf_http_conn *conn, enum lf_http_next next)
{
	if (next == LF_HTTP_DROP)
		lf_http_conn_close(conn);
	else if (next == LF_HTTP_CLOSE)
		begin_closing(conn);
}

void lf_http_conn_leave(struct lf_http_conn *conn)
{
	if (conn->leaving || conn->stage >= LF_HTTP_CLOSING)
		return;
	conn->leaving = true;
	if (conn->protocol != NULL)
		conn->protocol->shutdown(conn);
	else
		begin_closing(conn);
}

static void conn_free(struct lf_http_conn *conn)
{
	struct lf_http *http = conn->http;

	LF_CHECK(X7, conn->exchange_count == 0 && conn->arriving == 0 && conn->output_counted == 0);
	if (conn->previous != NULL)
		conn->previous->next = conn->next;
	else
		http->conns = conn->next;
	if (conn->next != NULL)
		conn->next->previous = conn->previous;
	lf_rpc_peer_release(conn->share);
	lf_rpc_names_release(conn->peer.names);
	free(conn);
}

/* ---- input ---- */

static bool choose(struct lf_http_conn *conn, const struct lf_http_protocol *protocol)
{
	if (protocol == NULL || !protocol->open(conn))
		return false;
	conn->protocol = protocol;
	conn->stage = LF_HTTP_TALKING;
	return true;
}

/* Where there is TLS, only who is on this machine may do without it. */
static bool may_be_plain(const struct lf_http_conn *conn)
{
	return conn->http->tls_begin == NULL || conn->fed || conn->peer.is_local || conn->peer.is_loopback;
}

/* Says so where the client's language is known: HTTP/1.1, as people's first tries are. */
static enum lf_http_next refuse_plain(struct lf_http_conn *conn, bool is_h2)
{
	static const char words[] =
		"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 38\r\n"
		"connection: close\r\n\r\nThis port speaks TLS: use https://...\n";

	lf_count(&conn->http->counters.closed_protocol);
	return !is_h2 && lf_http_conn_put(conn, words, sizeof(words) - 1) ? LF_HTTP_CLOSE : LF_HTTP_DROP;
}

/* The first bytes decide. What they were is fed when they have. */
static enum lf_http_next sniff(struct lf_http_conn *conn, const uint8_t *bytes, size_t length)
{
	static const char preface[] = "PRI";
	uint8_t first[SNIFF_BYTES];
	size_t had = conn->sniffed_length, taken = 0;
	bool is_h2;

	while (conn->sniffed_length < SNIFF_BYTES && taken < length)
		conn->sniffed[conn->sniffed_length++] = bytes[taken++];
	is_h2 = memcmp(conn->sniffed, preface, conn->sniffed_length) == 0;
	if (is_h2 && conn->sniffed_length < SNIFF_BYTES)
		return LF_HTTP_GO_ON;
	if (!may_be_plain(conn))
		return refuse_plain(conn, is_h2);
	if (!choose(conn, is_h2 ? conn->http->h2 : conn->http->h1)) {
		lf_count(&conn->http->counters.closed_protocol);
		return LF_HTTP_DROP;
	}
	memcpy(first, conn->sniffed, SNIFF_BYTES);
	if (had != 0) {
		const enum lf_http_next next = conn->protocol->feed(conn, first, had);

		if (next != LF_HTTP_GO_ON)
			return next;
	}
	return conn->protocol->feed(conn, bytes, length);
}

bool lf_http_conn_feed(struct lf_http_conn *conn, const uint8_t *bytes, size_t length)
{
	conn->heard_ns = conn->http->loop.now_ns;
	if (conn->stage == LF_HTTP_SNIFFING)
		follow(conn, sniff(conn, bytes, length));
	else if (conn->stage == LF_HTTP_TALKING)
		follow(conn, conn->protocol->feed(conn, bytes, length));
	lf_http_conn_wake(conn);
	return conn->stage < LF_HTTP_CLOSING;
}

/* A handshake costs the loop as much as many requests: a few are stepped a turn, the others wait for the next. */
static void shake(struct lf_http_conn *conn)
{
	int done;

	if (conn->http->shakes >= LF_HTTP_SHAKES_A_TURN) {
		conn->unread = true;
		return;
	}
	conn->http->shakes++;
	done = conn->io->handshake(conn);
	if (done == LF_HTTP_IO_AGAIN)
		return;
	if (done != 1 || !choose(conn, conn->alpn == LF_HTTP_ALPN_H2 ? conn->http->h2 : conn->http->h1)) {
		lf_count(&conn->http->counters.closed_tls);
		lf_http_conn_close(conn);
	}
}

/* Whether the first byte, which stays where it is, is TLS's. Sets the connection up for it. */
static bool begin_tls(struct lf_http_conn *conn)
{
	uint8_t first;

	if (conn->stage != LF_HTTP_SNIFFING || conn->http->tls_begin == NULL || conn->sniffed_length != 0 ||
		recv(conn->watch.fd, &first, 1, MSG_PEEK) != 1 || first != 0x16)
		return false;
	conn->stage = LF_HTTP_SHAKING;
	if (!conn->http->tls_begin(conn))
		lf_http_conn_close(conn);
	return true;
}

static bool may_read(const struct lf_http_conn *conn)
{
	return !is_closed(conn) && !conn->ended && (conn->stage == LF_HTTP_CLOSING || (!conn->paused && !conn->held));
}

/* The socket takes no more: unsent output, or what TLS has to say before it reads on. */
static void begin_blocked(struct lf_http_conn *conn)
{
	if (conn->blocked_ns != 0)
		return;
	conn->blocked_ns = conn->http->loop.now_ns;
	conn->blocked_sent = 0;
}

static void at_end(struct lf_http_conn *conn)
{
	conn->ended = true;
	if (conn->stage != LF_HTTP_TALKING)
		lf_http_conn_close(conn);
	else
		follow(conn, conn->protocol->end(conn));
}

/* Reads what the socket has, but for what would keep others waiting. */
static void read_some(struct lf_http_conn *conn)
{
	struct lf_http *http = conn->http;

	conn->unread = false;
	begin_tls(conn);
	if (conn->stage == LF_HTTP_SHAKING)
		shake(conn);
	if (conn->stage == LF_HTTP_SHAKING)
		return;
	for (int turns = 0; may_read(conn); turns++) {
		ssize_t got;
		bool more;

		if (turns == LF_HTTP_READS_A_TURN) {
			conn->unread = true;
			return;
		}
		got = conn->io->read(conn, http->read_buffer, LF_HTTP_READ_BYTES);
		if (got == LF_HTTP_IO_AGAIN) {
			if (conn->wants_write)
				begin_blocked(conn);
			return;
		}
		if (got == LF_HTTP_IO_FAILED || got == LF_HTTP_IO_END) {
			if (!conn->leaving && conn->stage < LF_HTTP_CLOSING)
				lf_count(&http->counters.closed_peer);
			if (got == LF_HTTP_IO_END)
				at_end(conn);
			else
				lf_http_conn_close(conn);
			return;
		}
		if ((size_t)got > http->read_used)
			http->read_used = (size_t)got;
		lf_http_conn_feed(conn, http->read_buffer, (size_t)got);
		more = got == LF_HTTP_READ_BYTES ||
			(!is_closed(conn) && conn->io->pending != NULL && conn->io->pending(conn));
		if (!more)
			return;
	}
}

static void on_ready(struct lf_watch *watch, uint32_t events)
{
	struct lf_http_conn *conn = (struct lf_http_conn *)((char *)watch - offsetof(struct lf_http_conn, watch));

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 || conn->stage == LF_HTTP_SHAKING || conn->wants_write)
		read_some(conn);
	if ((events & (EPOLLHUP | EPOLLERR)) != 0 && !may_read(conn))
		lf_http_conn_close(conn); /* nobody will read what is unsent, and the socket would not be silent */
	lf_http_conn_wake(conn);
}

/* ---- sending ---- */

/* Writes what is unsent. false: the socket takes no more now, or the connection is closed. */
static bool write_some(struct lf_http_conn *conn)
{
	while (lf_http_output_unsent(conn) != 0) {
		const ssize_t sent =
			conn->io->write(conn, conn->output + conn->output_first, lf_http_output_unsent(conn));

		if (sent == LF_HTTP_IO_AGAIN) {
			begin_blocked(conn);
			return false;
		}
		if (sent < 0) {
			lf_http_conn_close(conn);
			return false;
		}
		conn->output_first += (size_t)sent;
		conn->blocked_sent += (uint64_t)sent;
	}
	conn->output_first = conn->output_end = 0;
	conn->blocked_ns = 0;
	return true;
}

/* Produces and sends until there is nothing more, or the socket takes no more. */
static void flush(struct lf_http_conn *conn)
{
	for (int turns = 0; !is_closed(conn); turns++) {
		if (conn->stage == LF_HTTP_TALKING)
			follow(conn, conn->protocol->fill(conn));
		if (is_closed(conn) || lf_http_output_unsent(conn) == 0 || !write_some(conn))
			return;
		if (turns == FILLS_A_TURN) {
			lf_http_conn_wake(conn);
			return;
		}
	}
}

/* Says which events are waited for from now on. */
static void rewatch(struct lf_http_conn *conn)
{
	uint32_t events = 0;

	conn->paused = lf_http_output_unsent(conn) >= LF_HTTP_OUTPUT_SMALL;
	if (lf_http_output_unsent(conn) == 0 && !conn->wants_write)
		conn->blocked_ns = 0;
	/* What the io has read already, the socket will not tell of again. */
	if (may_read(conn) && conn->io->pending != NULL && conn->io->pending(conn))
		conn->unread = true;
	if (may_read(conn) && !conn->unread && !conn->wants_write)
		events |= EPOLLIN;
	if (lf_http_output_unsent(conn) != 0 ||
		(conn->wants_write && (conn->stage == LF_HTTP_SHAKING || may_read(conn))))
		events |= EPOLLOUT;
	if (!lf_loop_watch(&conn->http->loop, &conn->watch, events))
		lf_http_conn_close(conn);
}

/* All is sent: the peer is told, and has a moment to end its side. */
static void say_bye(struct lf_http_conn *conn)
{
	if (conn->watch.fd < 0 || conn->ended) {
		lf_http_conn_close(conn);
		return;
	}
	if (conn->half_ns != 0)
		return;
	conn->half_ns = conn->http->loop.now_ns;
	conn->io->bye(conn);
}

/* What a connection owes at the end of a turn. It may be freed. */
static void settle(struct lf_http_conn *conn)
{
	if (conn->parting || atomic_load_explicit(&conn->http->draining, memory_order_relaxed))
		lf_http_conn_leave(conn);
	if (conn->unread)
		read_some(conn);
	if (conn->io != NULL)
		flush(conn);
	if (conn->stage == LF_HTTP_CLOSING && lf_http_output_unsent(conn) == 0)
		say_bye(conn);
	if (!is_closed(conn) && conn->io != NULL) {
		rewatch(conn);
		if (conn->unread)
			lf_http_conn_wake(conn);
	}
	if (is_closed(conn) && conn->exchange_count == 0 && !conn->fed && !conn->dirty)
		conn_free(conn);
}

void lf_http_conns_settle(struct lf_http *http)
{
	struct lf_http_conn *conn = http->dirty;

	http->dirty = NULL;
	http->shakes = 0;
	while (conn != NULL) {
		struct lf_http_conn *next = conn->next_dirty;

		conn->dirty = false;
		settle(conn);
		conn = next;
	}
	/* Nothing of a request stays behind. */
	if (http->read_used != 0)
		explicit_bzero(http->read_buffer, http->read_used);
	http->read_used = 0;
}

/* ---- time ---- */

static bool is_overdue(uint64_t since_ns, unsigned max_ms, uint64_t now_ns)
{
	return since_ns != 0 && now_ns - since_ns > (uint64_t)max_ms * 1000000;
}

/* A peer that reads nothing, or next to nothing. */
static bool is_blocked(const struct lf_http_conn *conn, uint64_t now_ns)
{
	return conn->blocked_ns != 0 &&
		now_ns - conn->blocked_ns > (uint64_t)conn->http->options.blocked_ms * 1000000 +
			conn->blocked_sent * (1000000000 / LF_HTTP_RATE_MIN);
}

static void tick(struct lf_http_conn *conn, uint64_t now_ns)
{
	const struct lf_http_options *options = &conn->http->options;
	struct lf_http_counts *counters = &conn->http->counters;

	if (conn->stage == LF_HTTP_CLOSING && is_overdue(conn->half_ns, LINGER_MS, now_ns))
		lf_http_conn_close(conn);
	else if (conn->stage < LF_HTTP_CLOSING && is_overdue(conn->half_ns, options->half_ms, now_ns)) {
		lf_count(&counters->closed_half);
		lf_http_conn_close(conn);
	} else if (is_blocked(conn, now_ns)) {
		lf_count(&counters->closed_blocked);
		lf_http_conn_close(conn);
	} else if (conn->stage == LF_HTTP_TALKING && conn->exchange_count == 0 &&
		is_overdue(conn->idle_ns, options->idle_ms, now_ns)) {
		lf_count(&counters->closed_idle);
		lf_http_conn_leave(conn);
	} else if (conn->stage == LF_HTTP_TALKING)
		follow(conn, conn->protocol->tick(conn, now_ns));
}

void lf_http_conns_tick(struct lf_http *http)
{
	const uint64_t now_ns = http->loop.now_ns;

	for (struct lf_http_conn *conn = http->conns; conn != NULL; conn = conn->next) {
		if (is_closed(conn))
			continue;
		tick(conn, now_ns);
		/* Replies leave nothing behind, and idle connections take little. */
		if (!is_closed(conn) && conn->output != NULL && lf_http_output_unsent(conn) == 0)
			lf_http_output_free(conn);
		lf_http_conn_wake(conn);
	}
}

/* ---- life ---- */

struct lf_http_conn *lf_http_conn_new(struct lf_http *http, int fd, const struct lf_http_io *io)
{
	struct lf_http_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL)
		return NULL;
	conn->http = http;
	conn->watch.fd = fd;
	conn->watch.ready = on_ready;
	conn->io = io;
	conn->id = ++http->next_conn_id;
	conn->half_ns = conn->heard_ns = conn->idle_ns = http->loop.now_ns;
	conn->next = http->conns;
	if (http->conns != NULL)
		http->conns->previous = conn;
	http->conns = conn;
	if (fd < 0 || lf_loop_watch(&http->loop, &conn->watch, EPOLLIN))
		return conn;
	http->conns = conn->next;
	if (conn->next != NULL)
		conn->next->previous = NULL;
	free(conn);
	return NULL;
}

void lf_http_conn_destroy(struct lf_http_conn *conn)
{
	lf_http_conn_close(conn);
	lf_rpc_peer_release(conn->share);
	lf_rpc_names_release(conn->peer.names);
	free(conn);
}

struct lf_http_conn *lf_http_conn_new_fed(struct lf_http *http, const struct lf_http_protocol *protocol)
{
	struct lf_http_conn *conn = lf_http_conn_new(http, -1, NULL);

	if (conn == NULL)
		return NULL;
	conn->fed = true;
	if (protocol != NULL && !choose(conn, protocol))
		lf_http_conn_close(conn);
	return conn;
}

size_t lf_http_conn_take(struct lf_http_conn *conn, const uint8_t **bytes)
{
	size_t length;

	if (conn->stage == LF_HTTP_TALKING)
		follow(conn, conn->protocol->fill(conn));
	length = lf_http_output_unsent(conn);
	*bytes = length == 0 ? NULL : conn->output + conn->output_first;
	conn->output_first = conn->output_end = 0;
	return length;
}
