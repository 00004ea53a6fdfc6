/*
 * Any bytes as what a server says to a client over HTTP/2: its greeting, and answers to three requests. The first byte
 * says in what pieces they come, the second which request is given up on the way. Each stream comes back exactly once,
 * and has an outcome.
 */
#include <string.h>

#include "client/lib/http.h"
#include "tests/fuzz/fuzz.h"

enum { STREAMS = 3, REPLY_MAX = 65536 };

struct state {
	struct lf_client_http_session *session;
	struct lf_client_http_stream streams[STREAMS];
	bool submitted[STREAMS], back[STREAMS];
	struct lf_arena arena;
};

static const char URL[] = "http://127.0.0.1:1";

static void come_back(struct state *state, const struct lf_client_http_stream *stream)
{
	const size_t index = (size_t)(stream - state->streams);

	REQUIRE(index < STREAMS && state->submitted[index] && !state->back[index]);
	REQUIRE(stream->session == NULL);
	state->back[index] = true;
}

static void take_done(struct state *state)
{
	struct lf_client_http_stream *stream;

	while ((stream = lf_client_http_take_done(state->session)) != NULL) {
		struct lf_error error = LF_ERROR_INIT;
		bool unstarted;
		enum lf_code code;

		come_back(state, stream);
		REQUIRE(stream->reply_length <= REPLY_MAX && stream->reply_length <= stream->reply_capacity);
		REQUIRE(stream->header_bytes <= LF_HTTP_HEADERS_MAX + REPLY_MAX);
		code = lf_client_http_outcome(stream, URL, REPLY_MAX, &state->arena, &unstarted, &error);
		REQUIRE(code == error.code);
		REQUIRE(code != LF_OK || stream->reply_length == stream->reply_announced);
		REQUIRE(!unstarted || code == LF_UNAVAILABLE);
		lf_error_clean_up(&error);
		lf_arena_reset(&state->arena);
	}
}

/* false: the connection would end. */
static bool drain(struct state *state)
{
	uint8_t out[4096];
	const char *fault;

	while (lf_client_http_fill(state->session, out, sizeof(out), &fault) > 0 && fault == NULL)
		;
	return fault == NULL;
}

static bool submit_all(struct state *state)
{
	static const struct lf_client_http_head head = {
		.scheme = "http", .authority = "h", .method = "s/m", .authorization = "Bearer t", .timeout_ms = 1};
	static const uint8_t request[] = {0, 0, 0, 0, 1, 'x'};

	for (size_t i = 0; i < STREAMS; i++)
		if (!state->submitted[i] && lf_client_http_room(state->session) > 0) {
			if (!lf_client_http_submit(state->session, &state->streams[i], &head, request, sizeof(request)))
				return false;
			state->submitted[i] = true;
		}
	return true;
}

static void talk(struct state *state, size_t piece, size_t given_up, const uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size; at += piece) {
		struct lf_client_http_stream *stream = &state->streams[given_up];

		if (lf_client_http_feed(state->session, data + at, size - at < piece ? size - at : piece) != NULL)
			return;
		take_done(state);
		if (at == 64 * piece && stream->session != NULL) {
			lf_client_http_cancel(stream);
			come_back(state, stream);
		}
		if (!submit_all(state) || !drain(state))
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
	struct state state = {.session = lf_client_http_session_new(REPLY_MAX)};
	struct lf_client_http_stream *stream;

	if (state.session == NULL || size < 2)
		goto end;
	lf_arena_init(&state.arena, 16 * REPLY_MAX);
	if ((data[1] & 0x80) == 0) { /* the greeting is given */
		REQUIRE(lf_client_http_feed(state.session, settings, sizeof(settings)) == NULL);
		REQUIRE(submit_all(&state) && drain(&state));
	}
	talk(&state, data[0] == 0 ? size : data[0], data[1] % STREAMS, data + 2, size - 2);
	take_done(&state);
	while ((stream = lf_client_http_take_open(state.session)) != NULL)
		come_back(&state, stream);
	for (size_t i = 0; i < STREAMS; i++) {
		REQUIRE(state.submitted[i] == state.back[i]);
		lf_client_http_stream_clean_up(&state.streams[i]);
	}
	lf_arena_clean_up(&state.arena);
end:
	lf_client_http_session_free(state.session);
	return 0;
}
