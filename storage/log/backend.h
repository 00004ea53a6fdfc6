/*
 * What a storage backend must do. This header (with log.h and leaves.h) is all that is needed to write one;
 * tests/storage/conformance.h is the proof that it does it.
 *
 * A backend stores and finds, and decides nothing. The log makes ids, sequences, times, salts, commitments, canonical
 * bytes, leaves and the tree, and says what becomes of each record, from what prepare() found.
 *
 * Terms. A *store* is one opened log. Its *writer side* (tail, begin, prepare, write, commit, rollback, maintain, probe,
 * tail_hashes, leave) is called by one thread at a time, never concurrently with itself: the log's writer thread, and
 * the opening thread before that exists. A *reader* is one handle for reads, used by one thread at a time, concurrently
 * with the writer side and with other readers; it sees committed records only, and a record from the moment its
 * commit() returned, or a begin(), tail() or look() of this store gave a tail that is past it. Every function may block on
 * I/O; of a store over a network each has a deadline of the backend's own, after which it is UNAVAILABLE.
 *
 * A transaction: begin(), then any number of groups, each prepare() and write(), then commit(); rollback() instead of
 * any of them. A group is up to LF_BATCH_MAX decisions, or up to LF_BATCH_MAX acts, or a single item of another kind;
 * a transaction has LF_BATCH_MAX decisions and 2 * LF_BATCH_MAX items at most. prepare() looks everything up for all of
 * a group at once, and sees what write() wrote in this transaction before. write() gets those of the group that are to
 * be stored, in their order, and needs no answer: so it may gather, or send without waiting, and what goes wrong then
 * comes from a later prepare() or from commit().
 *
 * Exclusive and shared. An *exclusive* backend keeps every other store from opening the same log. Of a *shared* one any
 * number of stores, in any number of processes and machines, are open and write. begin() of a shared store waits for
 * its turn, and the transaction has it until commit() or rollback(): that lock is for speed and fairness. What keeps
 * the log one history must not be the lock: commit() stores only where the log still ends where begin() said (ABORTED).
 *
 * Errors. Functions fill *error (never NULL) and return its code. What a code of the writer side means to the log:
 *
 *   ABORTED            begin, prepare, write, commit, tail_hashes of a shared store: nothing is stored, somebody else was first (or
 *                      the store could not tell): the log runs the batch again, from begin()
 *   RESOURCE_EXHAUSTED the disk is full: nothing is stored, a later transaction may succeed
 *   UNAVAILABLE        (and any other code) the transaction is lost, a later one may succeed; of a shared store the
 *                      batch is run again, for 2 s from the first failure after a success. From commit(): it may be stored or not.
 *                      Then the log settles it: it calls rollback(), then begin(), and looks by
 *                      tail_hashes() whether its own first leaf stands at its own place. So begin() must not return
 *                      while a commit() of before, of this store, can still take effect, nor while what it shows of
 *                      that is not durable yet. (That it is not there is believed of a shared store alone: of an
 *                      exclusive one, a recovery may find it, until a later commit() has succeeded.)
 *   DATA_LOSS          what is on disk is unknown or damaged (a failed fsync, a corrupt page): the log calls nothing of
 *                      the writer side again, and settles nothing; but of a shared store rollback(), once and at once,
 *                      which gives its turn up, so that others go on
 *
 * A function of the writer side whose memory runs out returns UNAVAILABLE. None aborts.
 *
 * Leaves. Every item that is written has its leaf, made by the log, in the order of the calls of write(): its place is
 * stored with the record. commit() stores the completed nodes and the new tail in the same transaction.
 *
 * Atomic and durable: when commit() returns OK, every record of the transaction survives a crash of the process and of
 * the machine (and, where the store is replicated, the loss of the primary). Otherwise none of it is visible to a reader
 * of this store until begin() has been called again and gave its tail.
 */
#ifndef LF_STORAGE_LOG_BACKEND_H
#define LF_STORAGE_LOG_BACKEND_H

#include "proto/base/limits.h"
#include "storage/log/figures.h"
#include "storage/log/leaves.h"
#include "storage/log/log.h"

struct lf_store;  /* defined by each backend */
struct lf_reader; /* defined by each backend */

/* The newest things in the store: what comes next continues them. All zero in an empty store, but for root. */
struct lf_tail {
	uint64_t sequence; /* of the newest decision */
	/* Of commit(): not less than those of any decision or record, which may not have just these. */
	struct lf_uuid id; /* of the newest decision */
	int64_t time_us;   /* the latest of any decision, rubric, activation and act */
	struct lf_tree tree;
	struct lf_digest root; /* as stored: the log compares it with that of the tree */
	/*
	 * Sizes of the tree that end with the newest erasure or pruning, and with the newest activation: 0 = there is
	 * none. They tell whether what somebody remembers of the log still holds. An exclusive backend that does not
	 * keep them gives tree.size, which is never too little.
	 */
	uint64_t redacted_to, activated_to;
	/*
	 * Microseconds since 1970 by the store's own clock, which all stores of a shared log then have, and each begin()
	 * gives; 0 = none. tail() may leave it out.
	 */
	int64_t now_us;
	/*
	 * begin(): the connection is another than that of the last begin() that returned OK, so what is read may be
	 * another log.
	 */
	bool reconnected;
};

/* ---- items: what a transaction stores ---- */

/* A payload of an item: team, project or rubric. Stored once by kind and digest. */
struct lf_item_payload {
	struct lf_bytes body;
	const struct lf_digest *digest; /* SHA-256 of body */
	/*
	 * prepare(): one of this kind and digest is there, and has this commitment: of its salt and bytes, by
	 * lf_commit(), as leaves have it. It keeps its salt, and is referred to.
	 */
	bool stored;
	struct lf_digest commitment; /* else made by the log */
	struct lf_salt salt;         /* else made by the log: to be stored with the body */
	/* Of a copied log: the commitment that leaves have, where it was replaced since; stored with it. NULL: it was not. */
	const struct lf_digest *original;
	/* An item before it in the same write() brings it: it is stored, and salted, there, and referred to here. */
	bool repeated;
};

struct lf_item_decision {
	/*
	 * Columns and bytes: read only caller .. candidate_count (so request_digest and answer, too) and the digests of
	 * team, project and candidates; not scored_at, done and what comes after.
	 * Strings are not NULL and at most LF_ID_BYTES_MAX bytes. candidates_digest names the list of candidates: equal
	 * digests, equal lists.
	 */
	const struct lf_append *append;
	struct lf_item_payload team, project;
	uint64_t sequence; /* one more than the last */
	struct lf_uuid id; /* greater than the last */
	/* prepare() */
	bool rubric_stored;                 /* one of this digest, and of this name */
	struct lf_digest rubric_commitment; /* of its payload */
	bool key_used;                      /* the idempotency key (not ""), by this caller: by the decision below */
	uint64_t first_sequence;            /* that decision */
	struct lf_uuid first_id;            /* likewise */
	int64_t first_at_us;                /* likewise */
	struct lf_digest first_request;     /* the digest of its request */
};

struct lf_item_rubric {
	const char *name, *title, *caller;
	struct lf_item_payload body; /* its digest is the rubric's; not stored where the rubric is not */
	/* prepare(): a rubric of this digest is there; under this name */
	bool stored;
	char stored_name[LF_ID_BYTES_MAX + 1];
};

struct lf_item_activation {
	const char *name; /* "" = any; not "" where digest is NULL */
	const char *caller;
	const struct lf_digest *digest; /* NULL: none, the name has no active version from then on */
	/* prepare(): a rubric of this digest (NULL: any of this name) is there; under this name */
	bool stored;
	char stored_name[LF_ID_BYTES_MAX + 1];
	/* prepare(): stored_name has an active version: this one */
	bool had_from;
	struct lf_digest from;
};

struct lf_item_act {
	enum lf_leaf_kind kind;
	const char *caller;
	const struct lf_uuid *decision; /* NULL: about none */
	struct lf_bytes body;
	uint64_t decision_sequence; /* prepare(): of that decision; 0 = there is none */
	/* Of a copied ERASURE or PRUNING: old, new, old, new, ... */
	const struct lf_digest *pairs;
	size_t pair_count;
	uint64_t id; /* write(): rising by each act, from 1. place.position + 1 will do */
};

/* What prepare() finds of one thing to be redacted. All of it is valid during the call only. */
struct lf_redact_found {
	bool there;          /* else nothing below is set */
	const char *missing; /* of a record: what it refers to that is not stored ("its team's name"); NULL = nothing */
	struct lf_salt salt;
	/* PAYLOAD */
	enum lf_payload_kind kind;
	struct lf_bytes body;
	uint64_t younger; /* a decision past seen_sequence (not 0) that refers to it; 0 = none */
	/* DECISION: candidates and request_digest as stored */
	struct lf_decision_columns decision;
	/* ACT */
	struct lf_act_columns act;
};

struct lf_item_redaction {
	/* kind, caller, body, items, item_count, seen_sequence. Each item is replaced by its bytes */
	const struct lf_redact *redact;
	/*
	 * prepare() calls it once for each of the items, in their order. (The log makes its commitments then.) false:
	 * enough, it is refused.
	 */
	bool (*found)(void *context, size_t i, const struct lf_redact_found *found);
	void *context;
	/* Until write() has returned: */
	const struct lf_salt *salts; /* the new one of each item */
	/* Commitments, old and new of each item: 2 * item_count. The old one is kept where none is kept of it yet. */
	const struct lf_digest *pairs;
	const struct lf_digest *candidates; /* of each item that is a decision: the digest of its list from now on */
	uint64_t id;                        /* write(): as of an act */
};

enum lf_item_kind { LF_ITEM_DECISION, LF_ITEM_RUBRIC, LF_ITEM_ACTIVATION, LF_ITEM_ACT, LF_ITEM_REDACTION };

/* Everything pointed to is valid until the transaction ends; the item itself until write() has returned. */
struct lf_item {
	enum lf_item_kind kind;
	int64_t at_us;                    /* when it is recorded */
	struct lf_salt salt;              /* of the record */
	struct lf_leaf_place place;       /* of its leaf */
	const struct lf_digest *original; /* of the record, as of a payload: a decision's or an act's */
	int64_t rows[4];                  /* the backend's own, from prepare() to write(); 0 before */
	/*
	 * prepare(): why this store will not store it, whatever else it found. It alone fails then, with
	 * refused_code, and is not written; of a redaction, found() need not be called. NULL: it will. The text is valid
	 * until the transaction ends.
	 */
	const char *refused;
	enum lf_code refused_code; /* LF_OK: FAILED_PRECONDITION. UNAVAILABLE: later it may */
	union {
		struct lf_item_decision decision;
		struct lf_item_rubric rubric;
		struct lf_item_activation activation;
		struct lf_item_act act;
		struct lf_item_redaction redaction;
	};
};

/* ---- what a store of files can do beside ---- */

struct lf_file_ops {
	/* As lf_log_restore(). */
	enum lf_code (*restore)(const char *location, const char *from, bool (*check)(void *context, const char *copy),
		void *context, struct lf_replaced *replaced, struct lf_error *error);
	/* VACUUM of struct lf_chore. Not inside a transaction. May be NULL where there is nothing to do. */
	enum lf_code (*vacuum)(struct lf_store *store, struct lf_chore *chore, struct lf_error *error);
	/*
	 * BACKUP of struct lf_chore, a step a call, between transactions, so that commits go on: a few ms at most; OK
	 * with *more set until everything is copied, and then with chore->head set. After any other code, or with
	 * cancel set, the step took everything back. It only reads the store, so it never gives DATA_LOSS. close()
	 * takes back what was begun and not ended.
	 */
	enum lf_code (*backup_step)(
		struct lf_store *store, struct lf_chore *chore, bool cancel, bool *more, struct lf_error *error);
	/*
	 * After the last step, on the thread that wants the backup, concurrently with everything else: makes the copy
	 * durable, looks whether it is a store, gives it its name, and sets chore->bytes. On failure nothing is left of
	 * it.
	 */
	enum lf_code (*backup_finish)(struct lf_store *store, struct lf_chore *chore, struct lf_error *error);
};

struct lf_backend {
	const char *name; /* "sqlite" */
	bool shared;      /* other stores of the same log may be open, and write */
	bool may_keep;    /* knows options->keeper */
	/* NULL: it has no files, and backup, restore and vacuum are UNIMPLEMENTED. */
	const struct lf_file_ops *files;

	/* ---- opening ---- */

	/*
	 * Opens the store at options->location, creating it where absent; an exclusive one keeps every other store, in
	 * this process or another, from opening it until close(). *store is set on success only. FAILED_PRECONDITION
	 * where another has it, or what is there is not a store of ours, newer, or damaged: it is left as it was, byte
	 * for byte. UNAVAILABLE where it can't be opened. A store that an earlier release made is migrated, whole or
	 * not at all; what that does not understand is damage. Of options only location, keeper, now_us (which the
	 * log sets) and on_migrating are the backend's; keeper is NULL where may_keep is not set.
	 */
	enum lf_code (*open)(struct lf_store **store, const struct lf_log_options *options, struct lf_error *error);
	/*
	 * Opens a store for reading alone, so that it can be verified: only readers and close() are used. An exclusive
	 * one keeps others from opening it as open() does, where that can be done. It creates nothing, and changes no
	 * byte of it, then and later; records that a crash left to be recovered are read, too. Nothing is looked at but
	 * whether it is a store of this schema: it may be damaged in any way, and what can't be read is DATA_LOSS.
	 * NOT_FOUND where there is none; INVALID_ARGUMENT where what is there is no store of ours; FAILED_PRECONDITION
	 * where another has it, or it is of another schema. NULL: UNIMPLEMENTED.
	 */
	enum lf_code (*open_read_only)(struct lf_store **store, const char *location, struct lf_error *error);
	/* Releases everything; rolls back an open transaction. Every reader is closed before. */
	void (*close)(struct lf_store *store);
	/*
	 * As close(), and takes the store away again where open() made it: what was there before is left as it was, and
	 * so is what has taken the store's place since. NULL: never.
	 */
	void (*discard)(struct lf_store *store);

	/* ---- writer side ---- */

	/* The newest committed things. Not inside a transaction; takes no lock. Before the first begin(), and to look. */
	enum lf_code (*tail)(struct lf_store *store, struct lf_tail *tail, struct lf_error *error);
	/*
	 * Starts a transaction, and gives the tail that it continues: of a shared store, as read when it had its turn;
	 * nobody else commits until it ends. tail NULL (exclusive stores alone): it is known. After a failure there is
	 * no transaction.
	 */
	enum lf_code (*begin)(struct lf_store *store, struct lf_tail *tail, struct lf_error *error);
	/* Looks up, for all items of a group at once, what is marked with prepare() in them. Writes nothing. */
	enum lf_code (*prepare)(
		struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error);
	/*
	 * Adds those of the group that was prepared last which the log says are to be stored; count is at least 1.
	 * Of a decision: its names, its list, its payloads where they are new, and its key. A rubric is new, an activation
	 * changes something. A redaction replaces bytes, salts, recommended and candidates, forgets keys, digests of
	 * requests, and names that nothing refers to any more, and stores the act that says so. A payload that it
	 * replaced gets its new commitment for its digest, so that it is not found by its bytes again.
	 */
	enum lf_code (*write)(
		struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error);
	/*
	 * Makes the transaction durable and visible, with the nodes of leaves and with the new tail (all but now_us and
	 * reconnected). Where nothing was written (leaves->size_before is tail->tree.size) no tail is stored. It has
	 * ended either way, except that rollback() is called after a failure. more: others wait already, so begin()
	 * follows soon, and may be asked for in the same round trip.
	 */
	enum lf_code (*commit)(struct lf_store *store, const struct lf_tail *tail, const struct lf_leaves *leaves,
		bool more, struct lf_error *error);
	/*
	 * Undoes the transaction, if there is one, and gives up its turn. Called after whatever failed in one, also where
	 * that or leave() has ended it. After DATA_LOSS: see there.
	 */
	void (*rollback)(struct lf_store *store);
	/*
	 * Housekeeping between transactions, called after every commit when its waiters were told, and once a second
	 * while there is nothing to commit. May do nothing. DATA_LOSS has consequences, and
	 * RESOURCE_EXHAUSTED: there is too little room for another commit, so the log is not ready until probe() or a
	 * commit succeeds.
	 */
	enum lf_code (*maintain)(struct lf_store *store, struct lf_error *error);
	/*
	 * Commits a write that changes nothing, to learn whether writing works again: durable as a commit is. Not inside
	 * a transaction.
	 */
	enum lf_code (*probe)(struct lf_store *store, struct lf_error *error);
	/*
	 * Hashes as lf_log_hashes() gives them, on the writer's side, inside a transaction or outside. DATA_LOSS where
	 * one is missing.
	 */
	enum lf_code (*tail_hashes)(struct lf_store *store, unsigned level, uint64_t first, size_t count,
		struct lf_digest *hashes, struct lf_error *error);
	/*
	 * What tail() or begin() read lacks what was committed: this is the wrong server. true: it was left, its
	 * transaction with it, and the next begin() or tail() tries another. false, or NULL: there is no other, and the log stops
	 * with DATA_LOSS.
	 */
	bool (*leave)(struct lf_store *store);
	/* Nanoseconds of the last commit() in which what was written was made durable. NULL: not known. */
	uint64_t (*sync_ns)(const struct lf_store *store);
	/* Any thread, while the store is open. NULL: not known. */
	void (*measure)(struct lf_store *store, struct lf_log_bytes *bytes);

	/* ---- readers: errors are NOT_FOUND, ALREADY_EXISTS, DATA_LOSS (what is stored contradicts itself),
	 * UNAVAILABLE (a reader of a shared store that lost its connection gets another by itself, first) ---- */

	/* Called by the opening thread. close_reader by the closing one. */
	enum lf_code (*open_reader)(struct lf_store *store, struct lf_reader **reader, struct lf_error *error);
	void (*close_reader)(struct lf_reader *reader);
	/*
	 * The newest committed things, by whichever store: sequence, redacted_to, activated_to and tree.size suffice.
	 * Called some times a second; short. With now_us, where the store has a clock. NULL for an exclusive store.
	 */
	enum lf_code (*look)(struct lf_reader *reader, struct lf_tail *tail, struct lf_error *error);
	/*
	 * All that this reader has read, by the same server, is as durable as a commit of this store: it commits something
	 * behind it, or knows that there is no need to. NULL: what is read is durable. UNAVAILABLE.
	 */
	enum lf_code (*settle)(struct lf_reader *reader, struct lf_error *error);
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
	/* The others, as lf_log_list_keys() and lf_log_list_members(). NULL: it can't be copied from. */
	enum lf_code (*list_keys)(struct lf_reader *reader, uint64_t first, uint64_t last,
		void (*visit)(void *context, uint64_t sequence, const char *key), void *context,
		struct lf_error *error);
	enum lf_code (*list_members)(struct lf_reader *reader, const struct lf_digest *candidates,
		void (*visit)(void *context, const char *candidate), void *context, struct lf_error *error);
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
