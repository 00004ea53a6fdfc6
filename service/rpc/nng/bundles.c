#include <stdlib.h>
#include <string.h>

#include "proto/wire/methods.h"
#include "proto/wire/wire.h"
#include "service/rpc/nng/internal.h"

/*
 * Bundles: messages with several requests, each of which is a call of its own for dispatch.
 *
 * Design notes
 *
 * The promise: a message of requests is answered by one message, when the last of its calls is answered, with one reply
 * for each call that dispatch has answered. A call spoils nothing for the others: it is admitted, refused, worked on and
 * answered by itself, and its request is a copy, which goes when the call does not need it any more. A call that is answered
 * stays REPLYING until the message is sent. So its reply, and its place in flight, count as long as its peer has not taken
 * them, as those of a single call do.
 *
 * Replies wait in memory of their own, for nobody knows beforehand how long they are. What they may have together is the
 * limit of a message. Each has room for a bare status from the start, so that an error can always be said; what is beyond
 * that is taken when a reply begins, and a reply that finds no room is an error that asks for the call alone. The
 * client sends that call again, so it must have done nothing. Only methods for which that holds share messages.
 *
 * The message of replies needs memory once more, after decisions are stored. Where there is none, its sender says the one
 * thing that it has memory for: UNAVAILABLE, which says just that each may or may not be stored.
 */

enum { ENTRY_BARE_BYTES = LF_BUNDLE_ENTRY_BYTES + LF_NNG_BARE_BYTES };

static_assert(LF_BUNDLE_FIXED_BYTES + LF_BUNDLE_MAX * ENTRY_BARE_BYTES < LF_MESSAGE_BYTES_MAX / 2,
	"statuses of all calls leave room for replies");

/* A message of replies that are all bare statuses, at the most. */
static size_t statuses_bytes(size_t count)
{
	return LF_BUNDLE_FIXED_BYTES + count * ENTRY_BARE_BYTES;
}

static struct lf_bundled *own(const struct lf_rpc_call *call)
{
	return lf_rpc_call_own(call);
}

/* ---- room in the message of replies ---- */

static bool take_room(struct lf_bundle_turn *bundle, size_t bytes)
{
	size_t room = atomic_load(&bundle->room);

	do {
		if (bytes > room)
			return false;
	} while (!atomic_compare_exchange_weak(&bundle->room, &room, room - bytes));
	return true;
}

/* The reply that was begun is forgotten, and its memory, with room for so many bytes, is free. */
static void forget_reply(struct lf_bundled *bundled)
{
	if (bundled->reply == NULL)
		return;
	if (bundled->reply != bundled->bare) {
		atomic_fetch_add(&bundled->bundle->room, bundled->reply_size - LF_NNG_BARE_BYTES);
		free(bundled->reply);
	}
	bundled->reply = NULL;
}

/* ---- replies ---- */

/* As begin() of frames.c. Its size is never below that of a bare status. */
static uint8_t *begin(struct lf_bundled *bundled, enum lf_code code, size_t length)
{
	struct lf_bundle_turn *bundle = bundled->bundle;
	const size_t max = lf_rpc_server_options(bundle->turn->nng->server)->message_bytes_max;
	const struct lf_reply_head head = {code, lf_rpc_trace(bundled->call), bundled->request_id, bundled->tracestate,
		bundled->alone && code != LF_OK};
	uint8_t header[LF_FRAME_HEADER_MAX];
	const size_t header_length = lf_frames_reply_header(&head, header);
	size_t size;

	LF_CHECK(N2, bundled->reply == NULL);
	if (header_length == 0 || length > max || header_length > max - length)
		return NULL;
	size = header_length + length + LF_NNG_REPLY_SPARE;
	if (!take_room(bundle, size - LF_NNG_BARE_BYTES)) {
		/* Not for an error: that may be about what was done. */
		bundled->alone = bundled->alone || code == LF_OK;
		return NULL;
	}
	bundled->reply = malloc(size);
	if (bundled->reply == NULL) {
		atomic_fetch_add(&bundle->room, size - LF_NNG_BARE_BYTES);
		return NULL;
	}
	bundled->reply_size = size;
	bundled->reply_length = header_length + length;
	memcpy(bundled->reply, header, header_length);
	return bundled->reply + header_length;
}

static uint8_t *begin_reply(struct lf_rpc_call *call, size_t length)
{
	return begin(own(call), LF_OK, length);
}

/* Makes room for length bytes behind the reply, and as much again as it has. */
static bool grow(struct lf_bundled *bundled, size_t length)
{
	const size_t more = bundled->reply_size + length;
	uint8_t *grown;

	if (!take_room(bundled->bundle, more))
		return false;
	grown = realloc(bundled->reply, bundled->reply_size + more);
	if (grown == NULL) {
		atomic_fetch_add(&bundled->bundle->room, more);
		return false;
	}
	bundled->reply = grown;
	bundled->reply_size += more;
	return true;
}

static bool append(struct lf_rpc_call *call, const void *data, size_t length)
{
	struct lf_bundled *bundled = own(call);

	LF_CHECK(N2, bundled->reply != NULL);
	if (length > bundled->reply_size - bundled->reply_length && !grow(bundled, length))
		return false;
	memcpy(bundled->reply + bundled->reply_length, data, length);
	bundled->reply_length += length;
	return true;
}

static void drop(struct lf_rpc_call *call)
{
	forget_reply(own(call));
}

static bool fail(
	struct lf_rpc_call *call, enum lf_code code, const char *message, const uint8_t *details, size_t length)
{
	struct lf_bundled *bundled = own(call);
	uint8_t *body;

	(void)message; /* is in the details */
	if (details == NULL) {
		bundled->reply_length = lf_frames_bare_status(code, bundled->alone, bundled->bare);
		bundled->reply = bundled->bare;
		return true;
	}
	body = begin(bundled, code, length);
	if (body != NULL)
		memcpy(body, details, length);
	return body != NULL;
}

/* ---- the message of replies ---- */

static bool append_replies(const struct lf_bundle_turn *bundle, size_t count, size_t bytes)
{
	uint8_t head[LF_BUNDLE_FIXED_BYTES], entry[LF_BUNDLE_ENTRY_BYTES];

	if (nng_msg_reserve(bundle->reply, bytes) != 0)
		return false;
	lf_bundle_encode_header(LF_BUNDLE_REPLIES, count, head);
	if (nng_msg_append(bundle->reply, head, sizeof(head)) != 0)
		return false;
	for (size_t i = 0; i < bundle->count; i++) {
		const struct lf_bundled *bundled = own(bundle->calls[i]);

		if (bundled->reply == NULL)
			continue;
		lf_bundle_encode_entry(bundled->id, bundled->reply_length, entry);
		if (nng_msg_append(bundle->reply, entry, sizeof(entry)) != 0 ||
			nng_msg_append(bundle->reply, bundled->reply, bundled->reply_length) != 0)
			return false;
	}
	return true;
}

/* Puts the replies into the message; true where there are any. */
static bool gather(struct lf_bundle_turn *bundle)
{
	uint8_t status[LF_NNG_BARE_BYTES];
	size_t count = 0, bytes = LF_BUNDLE_FIXED_BYTES;

	for (size_t i = 0; i < bundle->count; i++) {
		const struct lf_bundled *bundled = own(bundle->calls[i]);

		count += bundled->reply != NULL;
		bytes += bundled->reply != NULL ? LF_BUNDLE_ENTRY_BYTES + bundled->reply_length : 0;
	}
	if (count == 0)
		return false;
	if (!append_replies(bundle, count, bytes)) {
		bundle->lost = true;
		nng_msg_clear(bundle->reply);
		return nng_msg_append(bundle->reply, status, lf_frames_bare_status(LF_UNAVAILABLE, false, status)) == 0;
	}
	for (size_t i = 0; i < bundle->count; i++)
		forget_reply(own(bundle->calls[i]));
	return true;
}

/* A call is answered, or dropped. The last one of its bundle sends. */
static void finish(struct lf_rpc_call *call)
{
	struct lf_bundle_turn *bundle = own(call)->bundle;
	nng_msg *reply = NULL;

	if (atomic_fetch_sub(&bundle->left, 1) != 1)
		return;
	if (gather(bundle)) {
		reply = bundle->reply;
		bundle->reply = NULL;
	}
	bundle->answered(bundle->turn, reply);
}

static void free_bundle(struct lf_bundle_turn *bundle)
{
	for (size_t i = 0; i < bundle->count; i++) {
		forget_reply(own(bundle->calls[i]));
		lf_rpc_call_free(bundle->calls[i]);
	}
	if (bundle->reply != NULL)
		nng_msg_free(bundle->reply);
	free(bundle);
}

void lf_bundles_over(struct lf_bundle_turn *bundle, enum lf_rpc_sending sending)
{
	if (bundle->lost && sending == LF_RPC_SENT)
		sending = LF_RPC_SEND_FAILED;
	lf_rpc_turns_over(bundle->calls, bundle->count, sending);
	free_bundle(bundle);
}

/* ---- the rest of what transport.h asks ---- */

static bool is_gone(const struct lf_rpc_call *call)
{
	const struct lf_turn *turn = own(call)->bundle->turn;

	return !lf_peers_has(&turn->nng->peers, turn->pipe);
}

static void release(struct lf_rpc_call *call)
{
	struct lf_bundled *bundled = own(call);

	free(bundled->request);
	bundled->request = NULL;
	bundled->request_id = bundled->tracestate = (struct lf_slice){0};
}

/* Not quick: the others would wait for the one that nng's thread works on. */
static const struct lf_rpc_transport transport = {
	.name = "nng",
	.reply_overhead = LF_NNG_REPLY_OVERHEAD + LF_BUNDLE_ENTRY_BYTES,
	.together = true,
	.begin = begin_reply,
	.append = append,
	.drop = drop,
	.fail = fail,
	.is_gone = is_gone,
	.release = release,
	.finish = finish,
};

/* ---- arriving ---- */

static struct lf_bundle_turn *new_bundle(struct lf_turn *turn, size_t count)
{
	struct lf_rpc_server *server = turn->nng->server;
	struct lf_bundle_turn *bundle = calloc(1, sizeof(*bundle) + count * sizeof(struct lf_rpc_call *));

	if (bundle == NULL)
		return NULL;
	bundle->turn = turn;
	atomic_init(&bundle->left, count);
	atomic_init(&bundle->room, lf_rpc_server_options(server)->message_bytes_max - statuses_bytes(count));
	if (nng_msg_alloc(&bundle->reply, LF_NNG_BARE_BYTES) != 0) {
		bundle->reply = NULL;
		goto failed;
	}
	nng_msg_clear(bundle->reply);
	for (; bundle->count < count; bundle->count++) {
		struct lf_rpc_call *call = lf_rpc_call_new(server, &transport, sizeof(struct lf_bundled));

		if (call == NULL)
			goto failed;
		bundle->calls[bundle->count] = call;
		own(call)->bundle = bundle;
		own(call)->call = call;
	}
	return bundle;

failed:
	free_bundle(bundle);
	return NULL;
}

/*
 * Whether calls of the method share messages: those of which nothing is done where their reply has no room. They only
 * read, or begin their reply before they store. Of one that is not known dispatch says so.
 */
static bool may_share(struct lf_slice method)
{
	const ProtobufCServiceDescriptor *service;
	unsigned index;

	if (lf_slice_is(method, "leadfit.v1.Scoring/Score"))
		return true;
	service = lf_find_method(method.data, method.length, &index);
	return service == NULL || lf_method_is_read(service, index);
}

/* One of the calls: its frame is copied, and read. The call, and with the last one the bundle, may be gone afterwards. */
static void arrive(struct lf_rpc_call *call, const uint8_t *frame, size_t length)
{
	struct lf_bundled *bundled = own(call);
	const struct lf_turn *turn = bundled->bundle->turn;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_rpc_request request = {.protocol = turn->nng->protocol, .peer = turn->connection->peer};

	bundled->request = malloc(length > 0 ? length : 1);
	if (bundled->request == NULL) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the request: retry later");
		goto broken;
	}
	memcpy(bundled->request, frame, length);
	if (lf_frame_decode(&bundled->frame, bundled->request, length, &error) != LF_OK)
		goto broken;
	bundled->request_id = lf_frame_metadata(&bundled->frame, "request-id");
	bundled->tracestate = lf_frame_metadata(&bundled->frame, "tracestate");
	if (bundled->frame.kind != LF_FRAME_REQUEST) {
		lf_error_set(&error, LF_INVALID_ARGUMENT, "frame: byte 3 is 0x%02x: a request is wanted here",
			(unsigned)bundled->frame.kind);
		goto broken;
	}
	lf_frames_request(turn, &bundled->frame, length, &request);
	if (!may_share(request.method)) {
		bundled->alone = true;
		lf_error_set(&error, LF_UNIMPLEMENTED, "%.*s may not share a message with other calls: send it alone",
			(int)request.method.length, request.method.data);
		goto broken;
	}
	lf_rpc_arrived(call, &request);
	return;

broken:
	lf_rpc_arrived_broken(call, &request, &error);
	lf_error_clean_up(&error);
}

enum lf_code lf_bundles_arrived(
	struct lf_turn *turn, void (*answered)(struct lf_turn *turn, nng_msg *reply), struct lf_error *error)
{
	const size_t max = lf_rpc_server_options(turn->nng->server)->message_bytes_max;
	nng_msg *message = turn->request;
	struct lf_bundle_turn *bundle;
	struct lf_bundle reading;
	const uint8_t *frame;
	size_t count, length;

	if (nng_msg_len(message) > max)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the bundle has %zu bytes, the limit of a message is %zu", nng_msg_len(message), max);
	if (lf_bundle_open(&reading, LF_BUNDLE_REQUESTS, nng_msg_body(message), nng_msg_len(message), error) != LF_OK)
		return error->code;
	count = reading.count;
	if (statuses_bytes(count) > max)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the statuses of %zu calls have %zu bytes, the limit of a message is %zu: send fewer together",
			count, statuses_bytes(count), max);
	if (!lf_peers_begin_bundle(&turn->nng->peers, turn->connection, count))
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the connection's bundles have as many calls as are its share, without %zu more: retry later",
			count);
	bundle = new_bundle(turn, count);
	if (bundle == NULL) {
		lf_peers_end_bundle(&turn->nng->peers, turn->connection, count);
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the bundle: retry later");
	}
	bundle->answered = answered;
	turn->bundle = bundle;
	turn->request = NULL;
	for (size_t i = 0; i < count; i++) {
		struct lf_rpc_call *call = bundle->calls[i];

		lf_bundle_next(&reading, &own(call)->id, &frame, &length);
		arrive(call, frame, length);
	}
	nng_msg_free(message);
	return LF_OK;
}
