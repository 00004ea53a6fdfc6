/*
 * From an older schema to this one. Forwards only, and in one transaction: until that commits, the file is what it was,
 * whatever happens, and what was written is in the WAL without a commit, which recovery ignores. No row of an older
 * schema is changed.
 *
 * Schema 1 had no tree: its records become leaves in the order of their time (a rubric before its activation before a
 * decision where equal). Then comes a MIGRATION act, which says that what is before it was made before there was a
 * tree: its leaves prove nothing about the time before. Memory is steady: records are read in three streams, and the
 * commitments of payloads are remembered in the writer's bounded cache. Schema 2 only gets what schema 3 adds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/private.h"

enum {
	TAG_COMMITMENT = 64,    /* of the id cache: payloads by their row */
	PROGRESS_RECORDS = 256, /* from one call of on_migrating to the next */
	OLD_TABLES = 3,
};

/* Where times are equal, in this order. */
static const enum lf_record_table TABLES[OLD_TABLES] = {LF_RECORD_RUBRIC, LF_RECORD_ACTIVATION, LF_RECORD_DECISION};
static const enum lf_leaf_kind KINDS[OLD_TABLES] = {LF_LEAF_RUBRIC, LF_LEAF_ACTIVATION, LF_LEAF_DECISION};
static const char *const NAMES[OLD_TABLES] = {"rubric", "activation", "decision"};

struct migration {
	struct lf_store *store;
	const struct lf_log_options *options;
	struct lf_error *error;
	struct lf_record_stream streams[OLD_TABLES];
	struct lf_record_row rows[OLD_TABLES]; /* where their streams are */
	sqlite3_stmt *records[LF_RECORD_TABLES], *payload;
	struct lf_leaves leaves;
	int64_t time_us; /* of the last leaf */
	uint64_t total, done;
	uint8_t *scratch; /* a record's canonical bytes */
	size_t scratch_size;
};

/* A page that is corrupt was found so, and any other failure says nothing about what is in the file. */
static enum lf_code failed(struct migration *migration, int result)
{
	struct lf_error *error = migration->error;

	if (lf_sqlite_error(error, migration->store->db, result, "migrating") == LF_DATA_LOSS) {
		const bool corrupt = (result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_NOTADB;

		error->code = corrupt ? LF_FAILED_PRECONDITION : LF_UNAVAILABLE;
		migration->store->unknown = true;
	}
	return error->code;
}

/* What is found is not what a log of schema 1 has. */
#define DAMAGED(migration, ...) lf_error_set((migration)->error, LF_FAILED_PRECONDITION, "it is damaged: " __VA_ARGS__)

/* ---- commitments ---- */

/* That of a payload's bytes, which must fit their digest. */
static enum lf_code commitment_of(struct migration *migration, uint64_t id, struct lf_digest *commitment)
{
	struct lf_store *store = migration->store;
	sqlite3_stmt *read = migration->payload;
	struct lf_digest digest, computed;
	struct lf_salt salt;
	enum lf_code code = LF_OK;
	int result;

	if (lf_id_cache_find(store->ids, TAG_COMMITMENT, &id, sizeof(id), commitment) != 0)
		return LF_OK;
	sqlite3_bind_int64(read, 1, (int64_t)id);
	result = sqlite3_step(read);
	if (result == SQLITE_ROW) {
		const struct lf_bytes body = lf_sqlite_column_bytes(read, 2);
		const bool whole = lf_sqlite_column_fixed(read, 0, &salt, sizeof(salt)) &&
			lf_sqlite_column_fixed(read, 1, &digest, sizeof(digest));

		lf_sha256(body.data, body.length, &computed);
		if (!whole && lf_sqlite_malformed(store->db) == SQLITE_NOMEM)
			code = failed(migration, SQLITE_NOMEM);
		else if (!whole || !lf_digest_equal(&digest, &computed))
			code = DAMAGED(
				migration, "the bytes of payload %llu do not fit their digest", (unsigned long long)id);
		lf_commit(&salt, body.data, body.length, commitment);
	} else {
		code = result == SQLITE_DONE ? DAMAGED(migration, "payload %llu is missing", (unsigned long long)id)
					     : failed(migration, result);
	}
	sqlite3_reset(read);
	if (code == LF_OK)
		lf_id_cache_put(store->ids, TAG_COMMITMENT, &id, sizeof(id), (int64_t)id, commitment);
	return code;
}

/* ---- leaves ---- */

/* Room for so many bytes until the next call. NULL where memory ran out. */
static uint8_t *scratch(struct migration *migration, size_t length)
{
	if (length > migration->scratch_size) {
		free(migration->scratch);
		migration->scratch = malloc(2 * length);
		migration->scratch_size = migration->scratch != NULL ? 2 * length : 0;
	}
	return migration->scratch;
}

static enum lf_code check_row(struct migration *migration, int from)
{
	const struct lf_record_row *row = &migration->rows[from];
	const long long key = row->key;

	if (row->missing != NULL)
		return lf_sqlite_malformed(migration->store->db) == SQLITE_NOMEM
			? failed(migration, SQLITE_NOMEM)
			: DAMAGED(migration, "%s %lld: %s is missing", NAMES[from], key, row->missing);
	if (TABLES[from] == LF_RECORD_DECISION && key != migration->store->decisions + 1)
		return DAMAGED(migration, "decision %lld is missing", (long long)migration->store->decisions + 1);
	if (row->time_us < migration->time_us)
		return DAMAGED(migration, "%s %lld is older than what was recorded before it", NAMES[from], key);
	return LF_OK;
}

static enum lf_code add_leaf(struct migration *migration, int from)
{
	struct lf_store *store = migration->store;
	const struct lf_record_row *row = &migration->rows[from];
	const enum lf_record_table table = TABLES[from];
	struct lf_digest commitments[1 + LF_AUDIT_PAYLOADS_MAX];
	struct lf_salt salt = row->salt;
	struct lf_leaf_place place;
	size_t length;
	uint8_t *bytes;
	int result = SQLITE_TOOBIG;

	if (check_row(migration, from) != LF_OK)
		return migration->error->code;
	if (table != LF_RECORD_DECISION && !lf_random(&salt, sizeof(salt)))
		return lf_error_set(migration->error, LF_UNAVAILABLE, "no random bytes");
	for (size_t i = 0; i < row->payload_count; i++)
		if (commitment_of(migration, row->payloads[i].id, &commitments[1 + i]) != LF_OK)
			return migration->error->code;
	length = lf_sqlite_record_bytes(table, row, NULL);
	bytes = scratch(migration, length);
	if (bytes == NULL)
		return failed(migration, SQLITE_NOMEM);
	lf_sqlite_record_bytes(table, row, bytes);
	lf_commit(&salt, bytes, length, &commitments[0]);
	if (lf_leaves_add(&migration->leaves, KINDS[from], table == LF_RECORD_DECISION ? (uint64_t)row->key : 0,
		    row->time_us, commitments, 1 + row->payload_count, &place))
		result = lf_sqlite_add_leaf(
			store, KINDS[from], row->key, &place, table == LF_RECORD_DECISION ? NULL : &salt);
	if (result == SQLITE_OK && migration->leaves.node_count > 0) {
		result = lf_sqlite_write_nodes(store, &migration->leaves);
		migration->leaves.node_count = 0;
	}
	migration->time_us = row->time_us;
	return result == SQLITE_OK ? LF_OK : failed(migration, result);
}

/* After a step of a stream. */
static enum lf_code look(struct migration *migration, int from, int result)
{
	if (result == SQLITE_ROW)
		lf_sqlite_stream_row(&migration->streams[from], &migration->rows[from]);
	return result == SQLITE_ROW || result == SQLITE_DONE ? LF_OK : failed(migration, result);
}

static void tell(const struct migration *migration, int64_t decisions)
{
	const struct lf_log_options *options = migration->options;

	if (options->on_migrating != NULL)
		options->on_migrating(options->on_migrating_context, (uint64_t)decisions, migration->total);
}

static enum lf_code add_leaves(struct migration *migration)
{
	for (int i = 0; i < OLD_TABLES; i++) {
		migration->streams[i] =
			(struct lf_record_stream){.statement = migration->records[TABLES[i]], .table = TABLES[i]};
		if (look(migration, i, lf_sqlite_stream_seek(&migration->streams[i], INT64_MIN)) != LF_OK)
			return migration->error->code;
	}
	tell(migration, migration->store->decisions);
	for (;;) {
		int oldest = -1;

		for (int i = 0; i < OLD_TABLES; i++)
			if (migration->streams[i].open &&
				(oldest < 0 || migration->rows[i].time_us < migration->rows[oldest].time_us))
				oldest = i;
		if (oldest < 0)
			return LF_OK;
		if (add_leaf(migration, oldest) != LF_OK ||
			look(migration, oldest, lf_sqlite_stream_next(&migration->streams[oldest])) != LF_OK)
			return migration->error->code;
		if (++migration->done % PROGRESS_RECORDS == 0)
			tell(migration, migration->store->decisions);
	}
}

/* ---- the transaction ---- */

static enum lf_code add_act(struct migration *migration)
{
	static const uint8_t body[] = {1 << 3, 1, 2 << 3, LF_SQLITE_SCHEMA}; /* MigrationBody: from_schema, to_schema */
	const int64_t now_us = migration->options->now_us();
	struct lf_store *store = migration->store;
	struct lf_leaf_place place;
	struct lf_digest commitment, root;
	struct lf_salt salt;
	const struct lf_act_add add = {
		.columns = {LF_LEAF_MIGRATION, "leadfitd", now_us > migration->time_us ? now_us : migration->time_us, 0,
			body, sizeof(body)},
		.salt = &salt,
		.place = &place,
	};
	const size_t length = lf_record_act(&add.columns, NULL);
	uint8_t *bytes = scratch(migration, length);
	uint64_t id;
	int result = SQLITE_TOOBIG;

	if (bytes == NULL)
		return failed(migration, SQLITE_NOMEM);
	if (!lf_random(&salt, sizeof(salt)))
		return lf_error_set(migration->error, LF_UNAVAILABLE, "no random bytes");
	lf_record_act(&add.columns, bytes);
	lf_commit(&salt, bytes, length, &commitment);
	if (lf_leaves_add(&migration->leaves, LF_LEAF_MIGRATION, 0, add.columns.at_us, &commitment, 1, &place))
		result = lf_sqlite_add_act(store, &add, &id);
	if (result == SQLITE_OK)
		result = lf_sqlite_write_leaves(store);
	if (result == SQLITE_OK)
		result = lf_sqlite_write_nodes(store, &migration->leaves);
	lf_tree_root(&migration->leaves.tree, &root);
	if (result == SQLITE_OK)
		result = lf_sqlite_write_head(store, migration->leaves.tree.size, &root);
	return result == SQLITE_OK ? LF_OK : failed(migration, result);
}

static int prepare(struct migration *migration)
{
	static const char *const payload[] = {"SELECT salt, digest, body FROM payload WHERE id = ?1"};
	struct lf_store *store = migration->store;
	int result = lf_sqlite_add_schemas(store->db, store->schema, LF_SQLITE_SCHEMA);

	if (result == SQLITE_OK)
		result = lf_sqlite_prepare(store->db, LF_SQLITE_WRITE_SQL, store->statements, W_COUNT);
	if (result == SQLITE_OK)
		result = lf_sqlite_prepare(store->db, LF_SQLITE_RECORD_SQL, migration->records, LF_RECORD_TABLES);
	if (result == SQLITE_OK)
		result = lf_sqlite_prepare(store->db, payload, &migration->payload, 1);
	if (result == SQLITE_OK)
		migration->total = (uint64_t)lf_sqlite_find_id(store->statements[W_LAST], &result);
	return result;
}

static enum lf_code migrate(struct migration *migration)
{
	char version[48];
	int result = prepare(migration);

	if (result != SQLITE_OK)
		return failed(migration, result);
	if (migration->store->schema == 1) {
		migration->store->decisions = 0;
		if (add_leaves(migration) != LF_OK || add_act(migration) != LF_OK)
			return migration->error->code;
	} else {
		tell(migration, 0);
	}
	snprintf(version, sizeof(version), "PRAGMA user_version=%d; COMMIT", (int)LF_SQLITE_SCHEMA);
	result = sqlite3_exec(migration->store->db, version, NULL, NULL, NULL);
	return result == SQLITE_OK ? LF_OK : failed(migration, result);
}

/*
 * Back to what it was. The WAL has nothing of ours that counts; where it has what the old release left there, it is
 * kept as well.
 */
static enum lf_code take_back(struct migration *migration)
{
	struct lf_store *store = migration->store;
	struct lf_error *error = migration->error;
	char message[sizeof(error->message)];

	lf_sqlite_finalize(store->statements, W_COUNT);
	if (sqlite3_get_autocommit(store->db) == 0)
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	lf_sqlite_turn(store, LF_TRANSACTION_NONE);
	store->unknown |= store->had_wal;
	memcpy(message, error->message, sizeof(message));
	return lf_error_set(error, error->code, "%s can't be brought to schema %d: %s", store->path,
		(int)LF_SQLITE_SCHEMA, message);
}

enum lf_code lf_sqlite_migrate(struct lf_store *store, const struct lf_log_options *options, struct lf_error *error)
{
	struct migration migration = {.store = store, .options = options, .error = error, .time_us = INT64_MIN};
	const int result = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (result != SQLITE_OK)
		failed(&migration, result);
	else {
		lf_sqlite_turn(store, LF_TRANSACTION_OPEN);
		migrate(&migration);
	}
	lf_sqlite_finalize(migration.records, LF_RECORD_TABLES);
	lf_sqlite_finalize(&migration.payload, 1);
	free(migration.scratch);
	if (error->code != LF_OK)
		return take_back(&migration);
	lf_sqlite_turn(store, LF_TRANSACTION_NONE);
	tell(&migration, (int64_t)migration.total);
	lf_id_cache_clear(store->ids);
	/* The WAL is as large as what was added. Where this fails, the next checkpoint does it. */
	sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	store->schema = LF_SQLITE_SCHEMA;
	return LF_OK;
}
