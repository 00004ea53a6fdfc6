#include "client/lib/internal.h"
#include "leadfit/v1/error.pb-c.h"
#include "proto/wire/wire.h"

/*
 * What a server sends is not trusted: bytes are only unpacked after a walk over them, into an arena that is bounded. A
 * field that this version does not know is one of a later version, and passed over; the service tells what a request
 * asks for, so what a client does not know it has not asked for.
 */

enum lf_code lf_reply_check_length(size_t length, size_t bytes_max, struct lf_error *error)
{
	return length <= bytes_max ? LF_OK
				   : lf_error_set(error, LF_RESOURCE_EXHAUSTED,
					     "the reply has %zu bytes, more than %zu", length, bytes_max);
}

enum lf_code lf_reply_rubbish(struct lf_error *error, const char *what)
{
	return lf_error_set(error, LF_INTERNAL, "the server sent rubbish: %s", what);
}

enum lf_code lf_reply_set_error(enum lf_code status, const uint8_t *details, size_t length, const char *said,
	struct lf_arena *arena, struct lf_error *error)
{
	const Leadfit__V1__Error *detailed = (const Leadfit__V1__Error *)lf_reply_decode(
		&leadfit__v1__error__descriptor, details, length, arena, error);

	if (detailed == NULL)
		return error->code;
	for (size_t i = 0; i < detailed->n_violations; i++)
		lf_error_add(error, detailed->violations[i]->field, "%s", detailed->violations[i]->description);
	if (detailed->message[0] != '\0')
		said = detailed->message;
	return lf_error_set(error, status, "%s", said != NULL && said[0] != '\0' ? said : lf_code_text(status));
}

/* Sets the error of a message that could not be decoded. */
static void set_rubbish(const ProtobufCMessageDescriptor *type, struct lf_error *why, struct lf_error *error)
{
	if (why->code == LF_RESOURCE_EXHAUSTED)
		lf_error_set(
			error, LF_RESOURCE_EXHAUSTED, "the reply can't be decoded: %s: %s", type->name, why->message);
	else
		lf_error_set(error, LF_INTERNAL, "the server sent rubbish: %s: %s", type->name, why->message);
	lf_error_clean_up(why);
}

ProtobufCMessage *lf_reply_decode(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	struct lf_arena *arena, struct lf_error *error)
{
	struct lf_error why = LF_ERROR_INIT;
	ProtobufCMessage *message = lf_wire_unpack_newer(type, data, length, arena, &why);

	if (message == NULL)
		set_rubbish(type, &why, error);
	return message;
}

ProtobufCMessage *lf_reply_decode_to_heap(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t length,
	size_t memory_max, struct lf_error *error)
{
	struct lf_error why = LF_ERROR_INIT;
	ProtobufCMessage *message = NULL;
	size_t memory;

	if (lf_wire_check_newer(type, data, length, &memory, &why) != LF_OK)
		;
	else if (memory > memory_max)
		lf_error_set(
			&why, LF_RESOURCE_EXHAUSTED, "needs %zu bytes of memory, more than %zu", memory, memory_max);
	else if ((message = protobuf_c_message_unpack(type, NULL, length, data)) == NULL)
		lf_error_set(&why, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (message == NULL)
		set_rubbish(type, &why, error);
	return message;
}

void lf_error_copy(struct lf_error *to, const struct lf_error *from)
{
	if (to == NULL)
		return;
	lf_error_clean_up(to);
	for (size_t i = 0; i < from->violation_kept; i++)
		lf_error_add(to, from->violations[i].field, "%s", from->violations[i].description);
	to->violation_count = from->violation_count;
	lf_error_set(to, from->code, "%s", from->message);
}
