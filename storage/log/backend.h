/*
 * What a storage backend must do. This header (with log.h) is all that is needed to write one;
 * tests/storage/conformance.h is the proof that it does it.
 *
 * Terms. A *store* is one opened log. Its *writer side* (tail, begin, append, put_rubric, activate_rubric, commit,
 * rollback, maintain, probe) is called by one thread at a time, never concurrently with itself: the log's writer
 * thread, and the opening thread before that exists. A *reader* is one handle for reads, used by one thread at a time,
 * concurrently with the writer side and with other readers; it sees committed records only, and a record from the
 * moment its commit() returned. Every function may block on I/O.
 *
 * Errors. Functions fill *error (never NULL) and return its code. What a code of the writer side means to the log:
 *
 *   INVALID_ARGUMENT, FAILED_PRECONDITION,     this record alone (append, put_rubric, activate_rubric): nothing of it
 *   ALREADY_EXISTS, OUT_OF_RANGE, NOT_FOUND    is stored, the transaction goes on, and the others in the batch are not
 *                                              touched
 *   RESOURCE_EXHAUSTED                         the disk is full: the transaction is lost, a later one may succeed
 *   UNAVAILABLE (and any other code)           the transaction is lost, a later one may succeed; after commit(): it may
 *                                              be stored or not
 *   DATA_LOSS                                  what is on disk is unknown or damaged (a failed fsync, a corrupt page):
 *                                              the log calls nothing of the writer side again but close()
 *
 * A function of the writer side whose memory runs out returns UNAVAILABLE. None aborts.
 *
 * Leaves. Every record that is stored adds one leaf, in the order of the calls: the backend works out the commitments
 * (a payload that was stored before keeps its salt, and leaves keep using the commitment that it had when it came), has
 * lf_leaves_add() make the leaf, and stores the place and hash that come back with the record. commit() stores the
 * completed nodes, and size and root of the tree, in the same transaction. On a rollback all of that is gone, and the
 * log goes back to the tree that it had.
 *
 * Atomic and durable: when commit() returns OK, every record of the transaction survives a crash of the process and of
 * the machine; otherwise none of it is ever visible to a reader of this process (after a restart it may be: that is the
 * "may or may not be stored" of UNAVAILABLE).
 */
#ifndef LF_STORAGE_LOG_BACKEND_H
#define LF_STORAGE_LOG_BACKEND_H

#include "storage/log/figures.h"
#include "storage/log/leaves.h"
#include "storage/log/log.h"

struct lf_store;  /* defined by each backend */
struct lf_reader; /* defined by each backend */

/* The newest things in the store, so that ids and times go on rising from there. All zero in an empty store. */
struct lf_tail {
	uint64_t sequence;
	struct lf_uuid id;
	int64_t time_us;          /* the latest of any decision, rubric, activation and act */
	struct lf_tree_head head; /* size 0 and the root of the empty tree in an empty store */
};

/* One decision on its way into the store. Everything pointed to is valid until the transaction ends. */
struct lf_record {
	/*
	 * The caller's columns and payloads: read only caller .. candidate_count and the three digests below; strings
	 * are not NULL and at most LF_ID_BYTES_MAX bytes. team_digest and project_digest are SHA-256 of the bytes: a
	 * payload whose kind and digest are stored already is referred to, not stored again, and keeps the salt it has.
	 * candidates_digest names the list of candidates: equal digests, equal lists.
	 */
	const struct lf_append *append;
	struct lf_salt team_salt, project_salt, record_salt;
	struct lf_leaves *leaves; /* gets one leaf where the decision is new: see "Leaves" above */

	/*
	 * in: what to store, given by the log: sequence is one more than the last, id and decided_at_us rise with it
	 * (the time may repeat). out: the stored decision's, where existing.
	 */
	uint64_t sequence;
	struct lf_uuid id;
	int64_t decided_at_us;
	bool existing; /* out */
};

/* One rubric on its way into the store. */
struct lf_rubric_put {
	const char *name, *title, *caller;
	struct lf_bytes body;
	const struct lf_digest *digest; /* SHA-256 of body: checked by the log */
	struct lf_salt salt;            /* of the body */
	struct lf_salt record_salts[2]; /* of the RUBRIC and of the ACTIVATION record */
	int64_t put_at_us;
	bool activate; /* makes it the active version, too, as activate_rubric does */
	/* gets a RUBRIC leaf where it was added, and then an ACTIVATION leaf where that changed something */
	struct lf_leaves *leaves;
	bool added;                    /* out: it was not there */
	struct lf_activated activated; /* out; all zero where it was not asked for */
};

/* One activation on its way into the store. */
struct lf_rubric_activate {
	const char *name; /* "" = any; not "" where digest is NULL */
	const char *caller;
	const struct lf_digest *digest; /* NULL: none, the name has no active version from then on */
	int64_t activated_at_us;
	struct lf_salt record_salt;
	struct lf_leaves *leaves;      /* gets one where it changed something */
	struct lf_activated activated; /* out */
};

struct lf_backend {
	const char *name; /* "sqlite" */

	/* ---- opening ---- */

	/*
	 * Opens the store at options->location, creating it where absent, and keeps every other store, in this process
	 * or another, from opening it until close(). *store is set on success only. FAILED_PRECONDITION where another
	 * has it, or what is there is not a store of ours, newer, or damaged: it is left as it was, byte for byte.
	 * UNAVAILABLE where it can't be opened. A store that an earlier release made is migrated, whole or not at all;
	 * what that does not understand is damage. Of options only location, now_us (which the log sets) and
	 * on_migrating are the backend's.
	 */
	enum lf_code (*open)(struct lf_store **store, const struct lf_log_options *options, struct lf_error *error);
	/*
	 * Opens a store for reading alone, so that it can be verified: only readers and close() are used. It keeps
	 * others from opening it as open() does, where that can be done, creates nothing, and changes no byte of it,
	 * then and later; records that a crash left to be recovered are read, too. Nothing is looked at but whether it
	 * is a store of this schema: it may be damaged in any way, and what can't be read is DATA_LOSS. NOT_FOUND where
	 * there is none; INVALID_ARGUMENT where what is there is no store of ours; FAILED_PRECONDITION where another
	 * has it, or it is of another schema. NULL: UNIMPLEMENTED.
	 */
	enum lf_code (*open_read_only)(struct lf_store **store, const char *location, struct lf_error *error);
	/* As lf_log_restore(). NULL: UNIMPLEMENTED. */
	enum lf_code (*restore)(const char *location, const char *from, bool (*check)(void *context, const char *copy),
		void *context, struct lf_replaced *replaced, struct lf_error *error);
	/* Releases everything; rolls back an open transaction. Every reader is closed before. */
	void (*close)(struct lf_store *store);
	/*
	 * As close(), and takes the store away again where open() made it: what was there before is left as it was, and
	 * so is what has taken the store's place since. NULL: never.
	 */
	void (*discard)(struct lf_store *store);

	/* ---- writer side ---- */

	/* The newest committed things. Not inside a transaction. Called after open, and after a commit that failed. */
	enum lf_code (*tail)(struct lf_store *store, struct lf_tail *tail, struct lf_error *error);
	/* Starts a transaction. After a failure there is none. */
	enum lf_code (*begin)(struct lf_store *store, struct lf_error *error);
	/*
	 * Adds a decision, or finds the one that has its key: where append->idempotency_key is not "" and the same
	 * caller used it before (committed, or earlier in this transaction) with the same request_digest, sets existing
	 * and the stored sequence, id and time, and stores nothing; with another digest: ALREADY_EXISTS. The same key
	 * from another caller is another key. FAILED_PRECONDITION where no rubric of that name and digest was put.
	 * recommended is one of the candidates, or "".
	 */
	enum lf_code (*append)(struct lf_store *store, struct lf_record *record, struct lf_error *error);
	/*
	 * Stores a rubric where its digest is new, and activates it where that is asked for. INVALID_ARGUMENT where the
	 * digest is stored under another name.
	 */
	enum lf_code (*put_rubric)(struct lf_store *store, struct lf_rubric_put *put, struct lf_error *error);
	/*
	 * Makes a stored version (also one put earlier in this transaction) the active one of its name, or none, and
	 * records who, when, from what, to what; where it is so already, changes and records nothing. NOT_FOUND where
	 * no version of that digest (and name, where one is given) is stored.
	 */
	enum lf_code (*activate_rubric)(
		struct lf_store *store, struct lf_rubric_activate *activate, struct lf_error *error);
	/*
	 * Appends an act: NOT_FOUND where put->decision is none that is stored. salt: of its record. put->at_us is in.
	 */
	enum lf_code (*put_act)(struct lf_store *store, struct lf_act_put *put, const struct lf_salt *salt,
		struct lf_leaves *leaves, struct lf_error *error);
	/* As lf_log_redact(). salts: of the act's record, then one an item. redact->at_us is in. */
	enum lf_code (*redact)(struct lf_store *store, struct lf_redact *redact, const struct lf_salt *salts,
		struct lf_leaves *leaves, struct lf_error *error);
	/*
	 * Makes the transaction durable and visible, with the nodes of leaves, and size and root of its tree. It has
	 * ended either way, except that rollback() is called after a failure.
	 */
	enum lf_code (*commit)(struct lf_store *store, const struct lf_leaves *leaves, struct lf_error *error);
	/* Undoes the transaction, if there is one. Called after a failed append, put_rubric, activate_rubric or
	 * commit. */
	void (*rollback)(struct lf_store *store);
	/*
	 * Housekeeping between transactions, called after every commit when its waiters were told, and once a second
	 * while there is nothing to commit. May do nothing. DATA_LOSS has consequences, and
	 * RESOURCE_EXHAUSTED: there is too little room for another commit, so the log is not ready until probe() or a
	 * commit succeeds.
	 */
	enum lf_code (*maintain)(struct lf_store *store, struct lf_error *error);
	/* Commits a write that changes nothing, to learn whether writing works again. Not inside a transaction. */
	enum lf_code (*probe)(struct lf_store *store, struct lf_error *error);
	/* Nanoseconds of the last commit() in which what was written was made durable. NULL: not known. */
	uint64_t (*sync_ns)(const struct lf_store *store);
	/* Any thread, while the store is open. NULL: not known. */
	void (*measure)(struct lf_store *store, struct lf_log_bytes *bytes);
	/* Hashes as lf_log_hashes() gives them, on the writer's side. Not inside a transaction. */
	enum lf_code (*tail_hashes)(struct lf_store *store, unsigned level, uint64_t first, size_t count,
		struct lf_digest *hashes, struct lf_error *error);
	/* VACUUM of struct lf_chore. Not inside a transaction. May be NULL where there is nothing to do. */
	enum lf_code (*vacuum)(struct lf_store *store, struct lf_chore *chore, struct lf_error *error);
	/*
	 * BACKUP of struct lf_chore, a step a call, between transactions, so that commits go on: a few ms at most; OK
	 * with *more set until everything is copied, and then with chore->head set. After any other code, or with
	 * cancel set, the step took everything back. It only reads the store, so it never gives DATA_LOSS. close()
	 * takes back what was begun and not ended. NULL: UNIMPLEMENTED.
	 */
	enum lf_code (*backup_step)(
		struct lf_store *store, struct lf_chore *chore, bool cancel, bool *more, struct lf_error *error);
	/*
	 * After the last step, on the thread that wants the backup, concurrently with everything else: makes the copy
	 * durable, looks whether it is a store, gives it its name, and sets chore->bytes. On failure nothing is left of
	 * it. NULL: nothing to do.
	 */
	enum lf_code (*backup_finish)(struct lf_store *store, struct lf_chore *chore, struct lf_error *error);

	/* ---- readers: errors are NOT_FOUND, ALREADY_EXISTS, DATA_LOSS (what is stored contradicts itself),
	 * UNAVAILABLE ---- */

	/* Called by the opening thread. close_reader by the closing one. */
	enum lf_code (*open_reader)(struct lf_store *store, struct lf_reader **reader, struct lf_error *error);
	void (*close_reader)(struct lf_reader *reader);
	/* As lf_log_find_key(). */
	enum lf_code (*find_key)(struct lf_reader *reader, const char *caller, const char *key,
		const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error);
	/* As lf_log_get(): one block, released with free(). */
	enum lf_code (*get)(
		struct lf_reader *reader, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error);
	/* As lf_log_list(): the filter's limit is within 1..LF_PAGE_MAX, *next is set on success only; well under 100
	 * ms. */
	enum lf_code (*list)(struct lf_reader *reader, const struct lf_filter *filter,
		void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
		struct lf_error *error);
	/* As lf_log_get_rubric(); where both are given, the digest must be of that name. */
	enum lf_code (*get_rubric)(struct lf_reader *reader, const char *name, const struct lf_digest *digest,
		struct lf_rubric_row **row, struct lf_error *error);
	/* As lf_log_list_rubrics(). */
	enum lf_code (*list_rubrics)(struct lf_reader *reader, const char *name,
		void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error);
	/* As lf_log_list_activations(). */
	enum lf_code (*list_activations)(struct lf_reader *reader, const char *name,
		void (*visit)(void *context, const struct lf_activation_row *row), void *context,
		struct lf_error *error);
	/* As lf_log_was_active(). */
	enum lf_code (*was_active)(
		struct lf_reader *reader, const struct lf_digest *digest, bool *was_active, struct lf_error *error);
	/* The others, each as the lf_log_ function of its name. */
	enum lf_code (*scan)(struct lf_reader *reader, const struct lf_scan *scan,
		bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
		struct lf_error *error);
	enum lf_code (*list_acts)(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
		uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
		uint64_t *next, struct lf_error *error);
	enum lf_code (*head)(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error);
	enum lf_code (*hashes)(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
		struct lf_digest *hashes, struct lf_error *error);
	enum lf_code (*find_leaf)(
		struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error);
	enum lf_code (*audit)(struct lf_reader *reader, uint64_t first, size_t limit,
		void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
		struct lf_error *error);
	enum lf_code (*get_payload)(
		struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error);
	enum lf_code (*list_payloads)(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after, size_t limit,
		void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
		struct lf_error *error);
	/* NULL: nothing is derived. */
	enum lf_code (*check)(struct lf_reader *reader, void (*finding)(void *context, const char *what),
		bool (*go_on)(void *context), void *context, struct lf_error *error);
};

/*
 * For backends: the digest of a list of strings, each with the NUL that ends it. Different lists have different
 * digests.
 */
void lf_sha256_strings(const char *const *strings, size_t count, struct lf_digest *digest);
/* For backends and for verifying. False where the system has no random bytes to give. Any thread. */
bool lf_random(void *buffer, size_t length);

/*
 * For backends, as lf_stored_copy(): so that get() and get_rubric() are a filled struct and one call.
 */
struct lf_rubric_row *lf_rubric_row_copy(const struct lf_rubric_row *row);
struct lf_payload_row *lf_payload_row_copy(const struct lf_payload_row *row);

#endif
