#include "tests/rpc/bundled.h"

#include <string.h>

enum { FIRST_ID = 1000 };

nng_msg *bundle_of(nng_msg *const *frames, size_t count)
{
	uint8_t head[LF_BUNDLE_FIXED_BYTES], entry[LF_BUNDLE_ENTRY_BYTES];
	nng_msg *message;

	assert_int_equal(nng_msg_alloc(&message, 0), 0);
	lf_bundle_encode_header(LF_BUNDLE_REQUESTS, count, head);
	assert_int_equal(nng_msg_append(message, head, sizeof(head)), 0);
	for (size_t i = 0; i < count; i++) {
		lf_bundle_encode_entry((uint32_t)(FIRST_ID + i), nng_msg_len(frames[i]), entry);
		assert_int_equal(nng_msg_append(message, entry, sizeof(entry)), 0);
		assert_int_equal(nng_msg_append(message, nng_msg_body(frames[i]), nng_msg_len(frames[i])), 0);
		nng_msg_free(frames[i]);
	}
	return message;
}

nng_msg *bundle_new(const struct call_options *calls, size_t count)
{
	nng_msg *frames[LF_BUNDLE_MAX];

	for (size_t i = 0; i < count; i++)
		frames[i] = request_new(&calls[i]);
	return bundle_of(frames, count);
}

static nng_msg *copy(const uint8_t *bytes, size_t length)
{
	nng_msg *message;

	assert_int_equal(nng_msg_alloc(&message, 0), 0);
	assert_int_equal(nng_msg_append(message, bytes, length), 0);
	return message;
}

void bundle_read(struct bundled *bundled, nng_msg *message)
{
	const uint8_t *bytes = nng_msg_body(message), *frame;
	const size_t length = nng_msg_len(message);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_bundle bundle;
	size_t frame_length;
	uint32_t id;

	memset(bundled, 0, sizeof(*bundled));
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++)
		bundled->replies[i].rc = NNG_ENOENT;
	bundled->together = lf_bundle_is(LF_BUNDLE_REPLIES, bytes, length);
	if (!bundled->together) {
		reply_read(&bundled->replies[0], 0, message);
		bundled->count = 1;
		return;
	}
	if (lf_bundle_open(&bundle, LF_BUNDLE_REPLIES, bytes, length, &error) != LF_OK)
		fail_msg("%s", error.message);
	while (lf_bundle_next(&bundle, &id, &frame, &frame_length)) {
		assert_in_range(id, FIRST_ID, FIRST_ID + LF_BUNDLE_MAX - 1);
		assert_int_equal(bundled->replies[id - FIRST_ID].rc, NNG_ENOENT); /* once each */
		reply_read(&bundled->replies[id - FIRST_ID], 0, copy(frame, frame_length));
		bundled->count++;
	}
	nng_msg_free(message);
}

void bundle_call(struct bundled *bundled, const char *url, nng_msg *message)
{
	nng_socket client = client_open(url);
	nng_msg *reply;

	assert_int_equal(nng_sendmsg(client, message, 0), 0);
	assert_int_equal(nng_recvmsg(client, &reply, 0), 0);
	bundle_read(bundled, reply);
	nng_close(client);
}

void bundle_clean_up(struct bundled *bundled)
{
	for (size_t i = 0; i < LF_BUNDLE_MAX; i++)
		if (bundled->replies[i].rc == 0)
			reply_clean_up(&bundled->replies[i]);
}
