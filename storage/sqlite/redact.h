/* Redaction inside the SQLite backend: shared by redact.c and relink.c. Not for others. */
#ifndef LF_STORAGE_SQLITE_REDACT_H
#define LF_STORAGE_SQLITE_REDACT_H

#include "storage/sqlite/private.h"

/* Rare enough to be prepared for each redaction. */
enum lf_redact_statement {
	D_PAYLOAD,
	D_PAYLOAD_SET,
	D_LATER,
	D_DECISION,
	D_DECISION_LINKS,
	D_DECISION_SET,
	D_KEY_DROP,
	D_ACT,
	D_ACT_SET,
	D_ORIGINAL,
	D_SKIP_NEXT,
	D_SKIP_ADD,
	D_SKIP_DROP,
	D_SKIPS_DROP,
	D_CHAIN_DROP,
	D_PREVIOUS,
	D_PREVIOUS_SET,
	D_MEMBERS,
	D_MEMBERS_DROP,
	D_MEMBER_ANY,
	D_NAME_DROP,
	D_COUNT
};

struct lf_redactor {
	struct lf_store *store;
	sqlite3_stmt *statements[D_COUNT];
};

/* What is stored contradicts itself, though SQLite reads it well: the transaction is given up, and the log goes on. */
enum { LF_SQLITE_CONTRADICTION = SQLITE_MISMATCH };

/* Each gives SQLITE_OK or an error; LF_SQLITE_CONTRADICTION where a chain is broken. */

/*
 * Puts a decision into the chain of a list of candidates, in the order of the sequence, and gives the one before it: 0
 * where it is the first. The decision itself is not written to.
 */
int lf_sqlite_chain_insert(struct lf_redactor *redactor, int64_t entity, int64_t sequence, int64_t *previous);
/*
 * Takes it out again. previous: the one before it in that chain. A list without a decision is forgotten, and so is
 * everybody who was in no other list.
 */
int lf_sqlite_chain_remove(struct lf_redactor *redactor, int64_t entity, int64_t sequence, int64_t previous);

#endif
