#include "service/decide/content.h"

#include "proto/wire/wire.h"

/* The packer wants room for the fixed fields of a few messages in each other beyond what they come to. */
enum { SPARE = 256 };

bool lf_content_pack(struct lf_content *content, const ProtobufCMessage *message, size_t hint, struct lf_arena *arena)
{
	if (content->canonical.data != NULL)
		return true;
	content->canonical.data = lf_wire_pack(message, arena, hint > 0 ? hint + SPARE : 0, &content->canonical.length);
	if (content->canonical.data == NULL)
		return false;
	lf_sha256(content->canonical.data, content->canonical.length, &content->digest);
	return true;
}
