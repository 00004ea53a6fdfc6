/* A slice of the log's decisions, each restored and packed: what Export and Watch send. */
#ifndef LF_SERVICE_DECISIONS_SLICE_H
#define LF_SERVICE_DECISIONS_SLICE_H

#include "leadfit/v1/record.pb-c.h"
#include "proto/base/arena.h"
#include "service/rubric/version.h"
#include "storage/log/log.h"

struct lf_rpc_call;
struct lf_state;

enum { LF_SLICE_VERSIONS_MAX = 32 }; /* distinct rubrics of one slice */

/* What became of a decision that was given. */
enum lf_slice_put {
	LF_SLICE_TAKEN,
	LF_SLICE_FULL,      /* taken, and no other one would be */
	LF_SLICE_NOT_TAKEN, /* there is no room for it */
};

struct lf_slice_reader {
	struct lf_state *state;
	bool brief; /* ids and columns only */
	/* Gets each packed leadfit.v1.Decision, which is valid until it returns. Must not read the log or block. */
	enum lf_slice_put (*put)(void *context, uint64_t sequence, const uint8_t *decision, size_t length);
	void *context;

	/* How it went. */
	size_t count;           /* taken */
	uint64_t last_sequence; /* of the last one that was */
	struct lf_error error;  /* not LF_OK: why the decision at *next can't be given */

	/* Its own. */
	struct lf_arena scratch;                                   /* of one decision */
	struct lf_rubric_version *versions[LF_SLICE_VERSIONS_MAX]; /* found so far */
	size_t version_count;
	/* How the slice ended before the scan did: at this sequence, which was not taken. 0: it did not. */
	uint64_t ended_at;
	bool needs_version; /* of this digest: then the scan goes on */
	struct lf_digest digest;
};

/* Sets up the reader's own. Its memory is bounded as that of arena is, the call's. The first four fields are the caller's. */
void lf_slice_init(struct lf_slice_reader *reader, const struct lf_arena *arena);
/*
 * Scans, and again after each rubric that had to be found. *next: the sequence to go on from, 0 at the end of what is
 * committed now. Blocks on reads; a thread that may.
 */
void lf_slice_read(struct lf_slice_reader *reader, struct lf_scan *scan, uint64_t *next);
void lf_slice_clean_up(struct lf_slice_reader *reader);

/*
 * Records who gets it, before it leaves: with access's method and decisions set, completes it by the caller and by what
 * of the scan it may name (never a person). Blocks on the commit; what it fails with is the call's answer.
 */
enum lf_code lf_slice_record(struct lf_state *state, const struct lf_rpc_call *call, const struct lf_scan *scan,
	Leadfit__V1__AccessCall *access, struct lf_error *error);

/* The newest decision's sequence, 0 where there is none. Blocks on reads. */
enum lf_code lf_slice_newest(struct lf_state *state, uint64_t *newest, struct lf_error *error);

#endif
