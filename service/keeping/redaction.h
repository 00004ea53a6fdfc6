/*
 * Redactions on their way to the log, some at a time. Each write is one transaction, whole by itself, so that what is not
 * written yet is found again by whoever begins anew.
 */
#ifndef LF_SERVICE_KEEPING_REDACTION_H
#define LF_SERVICE_KEEPING_REDACTION_H

#include "leadfit/v1/record.pb-c.h"
#include "proto/base/arena.h"
#include "service/keeping/job.h"
#include "service/state/state.h"
#include "storage/log/log.h"

enum {
	LF_REDACTION_ITEMS_MAX = 64,              /* of one transaction: appends wait for it */
	LF_REDACTION_BYTES_MAX = 8 * 1024 * 1024, /* of their new bytes, beyond the first */
};

/* Which job, on what. */
struct lf_job_run {
	struct lf_state *state;
	struct lf_job *job; /* its counts grow with each write */
	/* Called after each write. */
	void (*tell)(void *context);
	void *context;
};

struct lf_redaction {
	const struct lf_job_run *run; /* borrowed */
	/* of the payloads that wait, before; the caller's, and 0 after each write */
	uint64_t payload_bytes;
	/* inside */
	struct lf_arena arena; /* of the items that wait */
	struct lf_redact_item items[LF_REDACTION_ITEMS_MAX];
	size_t count, bytes;
};

/* One at a time (H3): two that redact the same decision would each write the other's person back. */
void lf_redaction_init(struct lf_redaction *redaction, const struct lf_job_run *run);
void lf_redaction_clean_up(struct lf_redaction *redaction);
/* What lives until the items that wait are written. */
struct lf_arena *lf_redaction_arena(struct lf_redaction *redaction);
/*
 * Writes first where there is no room for another item. What the item points to is in the redaction's arena: so make
 * room, then build it.
 */
enum lf_code lf_redaction_make_room(struct lf_redaction *redaction, struct lf_error *error);
/* Adds an item. lf_redaction_make_room() came before, and nothing else was added since. The item is copied. */
void lf_redaction_add(struct lf_redaction *redaction, const struct lf_redact_item *item);
/*
 * Writes what waits; seen_sequence as in struct lf_redact. Where that fails, nothing of it is written and nothing waits
 * any more.
 */
enum lf_code lf_redaction_write(struct lf_redaction *redaction, uint64_t seen_sequence, struct lf_error *error);
/*
 * Takes whom the job is about out of the record that began it, which gets this body: a write of its own. Nothing waits.
 */
enum lf_code lf_redaction_forget(
	struct lf_redaction *redaction, const Leadfit__V1__JobBody *body, struct lf_error *error);

/* Sequence of the newest decision; 0 where there is none. */
enum lf_code lf_newest_sequence(struct lf_log *log, uint64_t *sequence, struct lf_error *error);

/* Acts of one kind, some at a time, oldest first. */
struct lf_act_walk {
	enum lf_leaf_kind kind;         /* OUTCOME, with an OutcomeBody; ACCESS, with an AccessBody */
	const struct lf_uuid *decision; /* about this one; NULL: any */
	int64_t until_us;               /* recorded before; INT64_MAX: whenever */
	/* Changes a body, which is in the redaction's arena. false: it stays as it is. */
	bool (*change)(void *context, ProtobufCMessage *body);
	void *context;
	uint64_t after; /* those after this id; after a slice, the last one that was looked at */
	bool end;       /* there are no others */
};
/*
 * Looks at the next of them, and adds those that were changed. Writes in between where it is much. Returns error's code.
 * Blocks: reads the log, and commits.
 */
enum lf_code lf_redaction_add_act_slice(
	struct lf_redaction *redaction, struct lf_act_walk *acts, struct lf_error *error);
/* All outcomes of one decision. */
enum lf_code lf_redaction_add_acts(struct lf_redaction *redaction, const struct lf_uuid *decision,
	bool (*change)(void *context, ProtobufCMessage *body), void *context, struct lf_error *error);

#endif
