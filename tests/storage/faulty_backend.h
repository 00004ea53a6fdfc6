/*
 * A backend around another one that fails where it is told to, can be held inside a commit, and notes when the log
 * breaks its side of the contract. One at a time.
 */
#ifndef LF_TESTS_STORAGE_FAULTY_BACKEND_H
#define LF_TESTS_STORAGE_FAULTY_BACKEND_H

#include "storage/log/backend.h"

extern const struct lf_backend faulty_backend;
extern const struct lf_backend faulty_shared_backend; /* around a shared one */

enum faulty_operation {
	FAULTY_TAIL,
	FAULTY_BEGIN,
	FAULTY_PREPARE,
	FAULTY_WRITE,
	FAULTY_TAIL_HASHES,
	FAULTY_VACUUM,
	FAULTY_BACKUP,
	FAULTY_COMMIT,
	FAULTY_MAINTAIN,
	FAULTY_PROBE,
	FAULTY_LEAVE,    /* can't fail, but counts as a call; of a shared one */
	FAULTY_ROLLBACK, /* can't fail, but counts as a call */
	FAULTY_COUNT
};

/* Forgets all faults; what is wrapped from the next open on. */
void faulty_reset(const struct lf_backend *inner);
/* The nth call from now (from 1), and times - 1 after it, fail with the code. */
void faulty_fail(enum faulty_operation operation, long nth, long times, enum lf_code code);
/* Once the faults of commits have happened, the next call of that operation fails. */
void faulty_then(enum faulty_operation operation, enum lf_code code);
/* The failing commits commit nevertheless: their outcome is unknown. */
void faulty_commit_anyway(void);
/* From now on the first of each group of that kind is refused by prepare(). */
void faulty_refuse(enum lf_item_kind kind);
/* The failing commits take so long. */
void faulty_slow(unsigned ms);
/* Nor can the log find it out, until it has given that batch up. */
void faulty_unsettle(struct lf_log *log);
/*
 * A shared store is at a server with an empty log, and at as many after it, one leave() each. others false: after which
 * there is no other.
 */
void faulty_wrong_servers(long count, bool others);
/* Whether all faults that were asked for happened. */
bool faulty_happened(void);
/*
 * Calls of the writer side that the contract forbids: two at once, begin() in a transaction, or any but close() (and
 * rollback() of a shared store) after DATA_LOSS.
 */
long faulty_violations(void);
/* While held, commit() waits at its start. */
void faulty_hold(void);
/* Returns when a commit waits. */
void faulty_wait_held(void);
void faulty_let_go(void);

#endif
