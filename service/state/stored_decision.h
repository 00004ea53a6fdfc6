/* A stored decision, read and restored as it was answered. */
#ifndef LF_SERVICE_STATE_STORED_DECISION_H
#define LF_SERVICE_STATE_STORED_DECISION_H

#include "leadfit/v1/scoring.pb-c.h"
#include "storage/log/log.h"

struct lf_arena;
struct lf_registry;
struct lf_version;

/* The decision borrows from the other two, and its own memory is an arena's. */
struct lf_stored_decision {
	struct lf_stored *row;
	struct lf_version *version;
	Leadfit__V1__Decision *decision;
};

/*
 * Reads and restores. Blocks on a read of the log; any thread that may. NOT_FOUND; DATA_LOSS where what is stored does
 * not fit together; RESOURCE_EXHAUSTED. lf_stored_decision_clean_up() it in any case.
 */
enum lf_code lf_stored_decision_read(struct lf_stored_decision *stored, struct lf_log *log,
	struct lf_registry *registry, const struct lf_uuid *id, struct lf_arena *arena, struct lf_error *error);
/* Once the decision has been packed: it is gone. */
void lf_stored_decision_clean_up(struct lf_stored_decision *stored);

#endif
