/*
 * Results of a batch's items as protobuf bytes, and the reply that is put together from them. So an item needs its
 * decision's bytes until the commit, and neither messages nor what they borrow from.
 */
#ifndef LF_SERVICE_SCORING_BATCH_RESULT_H
#define LF_SERVICE_SCORING_BATCH_RESULT_H

#include "service/decide/decision.h"
#include "service/rpc/rpc.h"

/* Numbers of BatchResult's fields. */
enum lf_batch_field { LF_BATCH_NONE, LF_BATCH_ERROR, LF_BATCH_SUMMARY, LF_BATCH_DECISION };

/* All zero: no result yet. */
struct lf_batch_result {
	enum lf_batch_field field; /* that is set */
	size_t head_length;        /* id and time, once they are known; 0: the message has them itself, or needs none */
	struct lf_bytes bytes;     /* the field's message, packed */
	uint8_t head[LF_DECISION_TAIL_MAX];
};

/*
 * Packs message, a Decision or a BatchSummary, into result: the bytes are in arena; scratch holds other things of this
 * moment. false where one of them is exhausted: result is as it was.
 */
bool lf_batch_result_pack(struct lf_batch_result *result, enum lf_batch_field field, const ProtobufCMessage *message,
	struct lf_arena *scratch, struct lf_arena *arena);
/* The result is on disk under this id, since then. */
void lf_batch_result_identify(struct lf_batch_result *result, const struct lf_uuid *id, int64_t decided_at_us);
/*
 * The result becomes an error, which is cleaned up, whatever it was before. Where arena is exhausted, it has none then,
 * and is LF_BATCH_NONE.
 */
void lf_batch_result_fail(struct lf_batch_result *result, struct lf_error *error, struct lf_arena *arena);

/*
 * Stages the ScoreBatchResponse of these results, as protobuf-c would pack it. Those that are LF_BATCH_NONE say that
 * memory ran out. false where it does not fit a message, or memory ran out.
 */
bool lf_batch_results_stage(struct lf_rpc_call *call, const struct lf_batch_result *results, size_t count);

#endif
