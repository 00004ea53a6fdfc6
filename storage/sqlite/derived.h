/* Inside the check of what is derived from the records, and no leaf covers: shared by the derived_*.c files alone. */
#ifndef LF_STORAGE_SQLITE_DERIVED_H
#define LF_STORAGE_SQLITE_DERIVED_H

#include "storage/sqlite/private.h"

/* ---- derived_sets.c ---- */

/* A set of row ids, by words of 64: dense ones cost a bit each, whatever an attacker numbers rows with. */
struct lf_id_set {
	struct lf_id_word {
		uint64_t word; /* id / 64; with bits 0 a free place */
		uint64_t bits;
	} * words;
	size_t capacity, used;
};
/* *added false: it was in. false: memory ran out. */
bool lf_id_set_add(struct lf_id_set *set, int64_t id, bool *added);
bool lf_id_set_has(const struct lf_id_set *set, int64_t id);
void lf_id_set_clean_up(struct lf_id_set *set);

/* What is known of the rows of the name table. */
struct lf_name_state {
	int64_t id;
	int64_t last, count; /* of its chain, as the decisions say */
	uint8_t kind;        /* 0 = a free place */
	bool referred, in_chain_table;
};
struct lf_name_map {
	struct lf_name_state *places;
	size_t capacity, used;
};
/* NULL: not there; with add: memory ran out. */
struct lf_name_state *lf_name_map_find(struct lf_name_map *map, int64_t id, bool add);
void lf_name_map_clean_up(struct lf_name_map *map);

/* ---- the check, made in derived_check.c ---- */

struct lf_derived {
	struct lf_reader *reader;
	bool (*go_on)(void *context);
	void (*finding)(void *context, const char *what);
	void *context;
	struct lf_error *error;

	char **findings; /* kept to the end, as a redaction under way makes them void */
	size_t finding_count;

	/* As it began: what was stored until then is what must fit. */
	struct lf_tree_head head;
	int64_t decisions, payloads, acts, rubrics, activations, names; /* the highest of each */
	bool relinked; /* decisions were redacted: skips of lists stand at other places than every 64th */

	struct lf_name_map name_map;
	struct lf_id_set payload_refs, rubric_leaves, activation_leaves, act_leaves, rubric_payloads;
	struct lf_id_set digested,
		keyed; /* decisions that have the digest of a request; that an idempotency key leads to */
	int64_t last_records[LF_LEAF_OUTCOME +
		1];                 /* by kind, of acts by LF_LEAF_OUTCOME: the highest that a leaf refers to */
	int64_t leaf_decisions;     /* the newest decision that has a leaf */
	int64_t migrated;           /* decisions up to it are older than the tree */
	struct lf_id_set old_lists; /* theirs: they were not by id */
	int64_t walked;             /* the last decision that went into the chains */
	int64_t last_id_sequence;   /* walking the index by id */
	int64_t skips_expected, skips_found;
	sqlite3_stmt *find_skip;
};

enum { LF_DERIVED_FINDINGS_MAX = 1000, LF_DERIVED_STOP = 1000000 /* of a row function: no more of these rows */ };

/* ---- derived_walk.c ---- */

/* Notes a finding. */
void lf_derived_find(struct lf_derived *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Called for a row; SQLITE_OK to go on, LF_DERIVED_STOP, or an error. */
typedef int (*lf_derived_row_fn)(struct lf_derived *check, sqlite3_stmt *row);
/*
 * Goes through rows in short read transactions. sql: its first one or two columns are the key, by which it is ordered,
 * and it has the rows after the key in ?1 (and ?2). before (may be NULL) is called in each transaction before its rows.
 * what: for messages. A part that is damaged is a finding. Codes: CANCELLED, UNAVAILABLE.
 */
enum lf_code lf_derived_pages(struct lf_derived *check, const char *what, const char *sql, bool text_key,
	lf_derived_row_fn before, lf_derived_row_fn each);

/* ---- derived_free.c ---- */

/* Pages that nothing uses, and what lies behind the last: of a log that nobody writes. Codes: CANCELLED, UNAVAILABLE. */
enum lf_code lf_derived_free_pages(struct lf_derived *check);

/* ---- derived_records.c: what is recorded, each in its turn as derived_check.c has it ---- */

enum lf_code lf_derived_leaves(struct lf_derived *check);
enum lf_code lf_derived_records(struct lf_derived *check);
enum lf_code lf_derived_keys(struct lf_derived *check);
enum lf_code lf_derived_payloads(struct lf_derived *check);
void lf_derived_names_referred(struct lf_derived *check);

/* ---- derived_chains.c: decisions and what hangs on them ---- */

enum lf_code lf_derived_names(struct lf_derived *check);
enum lf_code lf_derived_decisions(struct lf_derived *check);
enum lf_code lf_derived_chains(struct lf_derived *check);
enum lf_code lf_derived_members(struct lf_derived *check);

#endif
