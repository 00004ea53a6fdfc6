#include <stdlib.h>
#include <string.h>

#include "service/http/internal.h"

/* Parts of a reply: each one piece of memory, with room for what goes before and behind the message. */

struct lf_http_part *lf_http_part_new(size_t length)
{
	const size_t room = LF_HTTP_PART_PREFIX + length + LF_HTTP_PART_SPARE;
	struct lf_http_part *part = malloc(sizeof(*part) + room);

	if (part == NULL)
		return NULL;
	part->event = (struct lf_http_event){0};
	part->next = NULL;
	part->counted = 0;
	part->room = room;
	part->first = LF_HTTP_PART_PREFIX;
	part->end = part->first + length;
	return part;
}

bool lf_http_part_append(struct lf_http_part **part, const void *data, size_t length)
{
	const size_t end = (*part)->end;

	if ((*part)->room - end < length) {
		const size_t room = end + length + LF_HTTP_PART_SPARE;
		struct lf_http_part *grown = realloc(*part, sizeof(**part) + room);

		if (grown == NULL)
			return false;
		grown->room = room;
		*part = grown;
	}
	memcpy((*part)->bytes + end, data, length);
	(*part)->end = end + length;
	return true;
}

void lf_http_part_free(struct lf_http_part *part)
{
	free(part);
}

void lf_http_part_written(struct lf_http_exchange *exchange, struct lf_http_part *part)
{
	const size_t counted = part->counted;

	lf_http_part_free(part);
	if (counted == 0)
		return;
	lf_rpc_part_sent(exchange->call, counted);
	if (atomic_fetch_sub(&exchange->parts_out, 1) == LF_HTTP_CALL_ENDED + 1)
		lf_rpc_turn_over(exchange->call, LF_RPC_UNSENT);
}
