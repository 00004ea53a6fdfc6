#include "service/scoring/item_state.h"

#include <stdint.h>

#include "proto/base/check.h"

/* By state: a bit for each that may follow. */
static const uint8_t follows[] = {
	[LF_ITEM_NEW] = 1 << LF_ITEM_SCORED | 1 << LF_ITEM_SETTLED,
	[LF_ITEM_SCORED] = 1 << LF_ITEM_QUEUED,
	[LF_ITEM_QUEUED] = 1 << LF_ITEM_COMPLETED,
	[LF_ITEM_COMPLETED] = 1 << LF_ITEM_SETTLED,
	[LF_ITEM_SETTLED] = 0,
};

void lf_item_move(enum lf_item_state *state, enum lf_item_state to)
{
	LF_CHECK(D11, (follows[*state] >> to & 1) != 0);
	*state = to;
}
