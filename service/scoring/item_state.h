/* The states of a batch's items. */
#ifndef LF_SERVICE_SCORING_ITEM_STATE_H
#define LF_SERVICE_SCORING_ITEM_STATE_H

/*
 *   NEW ──► SCORED ──► QUEUED ──► COMPLETED ──► SETTLED
 *    └─────────────────────────────────────────────▲        refused, or answered from what is stored
 */
enum lf_item_state {
	LF_ITEM_NEW,
	LF_ITEM_SCORED,    /* the worker's: its record is complete, and its result but for id and time */
	LF_ITEM_QUEUED,    /* the log's: it has the record */
	LF_ITEM_COMPLETED, /* the log has said what has become of it */
	LF_ITEM_SETTLED,   /* it has its result */
};

/* Goes to another state, which has to be one that may follow (D11). By whoever owns the item. */
void lf_item_move(enum lf_item_state *state, enum lf_item_state to);

#endif
