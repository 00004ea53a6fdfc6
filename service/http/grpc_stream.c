#include "service/http/grpc_stream.h"

#include <stdlib.h>
#include <string.h>

#include "service/http/grpc.h"

/*
 * A stream of requests, each a call of dispatch with one reply, one after the other on one exchange. While a call is in,
 * what comes is collected; when its reply is with the version, the next message's turn comes. The body holds what is not
 * taken yet; a message that is a call is a piece of its own.
 */

static const struct lf_metadata STATUS_OK = {{"grpc-status", 11}, {"0", 1}};

/* Bytes of the first message with its prefix, or 0 where it is not whole yet. */
static size_t whole_message(const struct lf_http_exchange *exchange, size_t max)
{
	const uint8_t *body = exchange->body;
	size_t length;

	if (exchange->body_length - exchange->body_taken < LF_GRPC_PREFIX_BYTES)
		return 0;
	body += exchange->body_taken;
	length = (size_t)body[1] << 24 | (size_t)body[2] << 16 | (size_t)body[3] << 8 | body[4];
	/* What is wrong is said by lf_grpc_message(), and is not waited for. */
	if (body[0] != 0 || length > max)
		return LF_GRPC_PREFIX_BYTES;
	length += LF_GRPC_PREFIX_BYTES;
	return length <= exchange->body_length - exchange->body_taken ? length : 0;
}

/* Takes the first message out of the body, as a piece. */
static enum lf_code take_message(struct lf_http_exchange *exchange, size_t bytes, struct lf_error *error)
{
	const size_t max = lf_rpc_server_options(exchange->http->server)->message_bytes_max;
	struct lf_slice message = {0};

	if (lf_grpc_message(exchange->body + exchange->body_taken, bytes, max, &message, error) != LF_OK)
		return error->code;
	exchange->piece = malloc(message.length + 1);
	if (exchange->piece == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the request: retry later");
	if (message.length != 0)
		memcpy(exchange->piece, message.data, message.length);
	exchange->piece_length = message.length;
	exchange->body_taken += bytes;
	/* Moved when half is free: each byte about once, however small the messages are. */
	if (exchange->body_taken > exchange->body_length / 2) {
		exchange->body_length -= exchange->body_taken;
		memmove(exchange->body, exchange->body + exchange->body_taken, exchange->body_length);
		exchange->body_taken = 0;
	}
	return LF_OK;
}

static void broken(struct lf_http_exchange *exchange, struct lf_error *error)
{
	exchange->refused = true;
	lf_http_call_broken(exchange, exchange->dialect, error);
}

static void call_message(struct lf_http_exchange *exchange, size_t bytes)
{
	struct lf_error error = LF_ERROR_INIT;

	if (take_message(exchange, bytes, &error) != LF_OK)
		broken(exchange, &error);
	else
		lf_http_call(exchange, exchange->dialect,
			&(struct lf_rpc_request){
				.method = {exchange->path.data + 1, exchange->path.length - 1},
				.message = exchange->piece,
				.message_length = exchange->piece_length,
				.bytes = exchange->piece_length,
			});
	lf_error_clean_up(&error);
}

void lf_grpc_stream_next(struct lf_http_exchange *exchange)
{
	const size_t max = lf_rpc_server_options(exchange->http->server)->message_bytes_max;
	struct lf_error error = LF_ERROR_INIT;
	size_t bytes;

	if (exchange->served || exchange->replying || exchange->finished || exchange->refused || exchange->over)
		return;
	LF_CHECK(X10, exchange->first == NULL);
	bytes = whole_message(exchange, max);
	if (bytes != 0) {
		call_message(exchange, bytes);
	} else if (exchange->whole && exchange->body_length != exchange->body_taken) {
		lf_error_set(&error, LF_INVALID_ARGUMENT, "the stream ends amid a message");
		broken(exchange, &error);
		lf_error_clean_up(&error);
	} else if (exchange->whole) {
		if (!exchange->started)
			exchange->dialect->start(exchange, -1);
		lf_http_reply_finish(exchange, &STATUS_OK, 1);
	}
}

/*
 * The next one's turn comes when the peer has taken this reply: until then dispatch counts it, and a peer that reads
 * nothing makes no more of them.
 */
void lf_grpc_stream_replied(struct lf_http_exchange *exchange)
{
	if (exchange->first != NULL) {
		exchange->waits = exchange->conn->waits = true;
		return;
	}
	lf_http_exchange_turn_over(exchange);
	lf_grpc_stream_next(exchange);
}
