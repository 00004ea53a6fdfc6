/*
 * What a transaction appends, as tables that its statements read from.
 *
 * Decisions, their keys, ends of chains and leaves wait in memory until the commit, and then go into their tables by one statement
 * each, INSERT ... SELECT * FROM new_..., however many they are: most of what a lone row costs is to start and end its
 * statement. The tables exist for the writing connection alone, and nowhere in the file.
 */
#include "storage/sqlite/private.h"

/* In the order of the columns that the statements insert. */
static const char DECISION[] =
	"CREATE TABLE x(sequence, id, decided_at, outcome, purpose, caller, rubric, recommended, team, project, "
	"candidates,"
	" team_previous, project_previous, candidates_previous, team_payload, project_payload, request_digest,"
	" salt, answer)";
static const char CHAIN[] = "CREATE TABLE x(entity, last, count)";
static const char KEY[] = "CREATE TABLE x(caller, key, sequence)";
static const char LEAF[] = "CREATE TABLE x(position, kind, record, decisions, hash, salt)";

static void give_blob(sqlite3_context *result, const void *data, size_t length)
{
	if (length == 0)
		sqlite3_result_zeroblob(result, 0); /* a NULL pointer would give NULL */
	else
		sqlite3_result_blob64(result, data, length, SQLITE_STATIC);
}

static void give_decision(const struct lf_store *store, size_t row, int column, sqlite3_context *result)
{
	const struct lf_decision_row *decision = &store->decision_rows[row];
	const struct lf_append *append = decision->append;
	const int64_t numbers[] = {
		[0] = (int64_t)decision->sequence,
		[2] = decision->decided_at_us,
		[3] = append->outcome,
		[4] = append->purpose,
		[5] = decision->caller,
		[6] = decision->rubric,
		[7] = decision->recommended,
		[8] = decision->team,
		[9] = decision->project,
		[10] = decision->candidates,
		[11] = decision->team_previous,
		[12] = decision->project_previous,
		[13] = decision->candidates_previous,
		[14] = decision->team_payload,
		[15] = decision->project_payload,
	};

	if (column == 1)
		give_blob(result, &decision->id, sizeof(decision->id));
	else if (column == 16 && append->idempotency_key[0] != '\0')
		give_blob(result, &append->request_digest, sizeof(append->request_digest));
	else if (column == 17)
		give_blob(result, &decision->salt, sizeof(decision->salt));
	else if (column == 18)
		give_blob(result, append->answer.data, append->answer.length);
	else if (column != 16 && (column != 7 || decision->recommended != 0))
		sqlite3_result_int64(result, numbers[column]);
}

/* Of a decision; without a key its key is NULL. */
static void give_key(const struct lf_store *store, size_t row, int column, sqlite3_context *result)
{
	const struct lf_decision_row *decision = &store->decision_rows[row];
	const char *key = decision->append->idempotency_key;

	if (column != 1)
		sqlite3_result_int64(result, column == 0 ? decision->caller : (int64_t)decision->sequence);
	else if (key[0] != '\0')
		sqlite3_result_text(result, key, -1, SQLITE_STATIC);
}

static void give_chain(const struct lf_store *store, size_t row, int column, sqlite3_context *result)
{
	const struct lf_head *head = &store->heads.slots[store->heads.dirty[row]];

	sqlite3_result_int64(result, column == 0 ? head->entity : column == 1 ? head->last : head->count);
}

static void give_leaf(const struct lf_store *store, size_t row, int column, sqlite3_context *result)
{
	const struct lf_leaf_row *leaf = &store->leaf_rows[row];
	const int64_t numbers[] = {(int64_t)leaf->place.position, leaf->kind, leaf->record, leaf->decisions};

	if (column < 4)
		sqlite3_result_int64(result, numbers[column]);
	else if (column == 4)
		give_blob(result, &leaf->place.hash, sizeof(leaf->place.hash));
	else if (leaf->salted)
		give_blob(result, &leaf->salt, sizeof(leaf->salt));
}

static size_t count_of(const struct lf_waiting_rows *rows)
{
	switch (rows->kind) {
	case LF_WAITING_DECISION:
	case LF_WAITING_KEY:
		return rows->store->decision_count;
	case LF_WAITING_CHAIN:
		return rows->store->heads.dirty_count;
	case LF_WAITING_LEAF:
		return rows->store->leaf_count;
	case LF_WAITING_KINDS:
		break;
	}
	return 0;
}

/* ---- SQLite's side ---- */

struct table {
	sqlite3_vtab base;
	const struct lf_waiting_rows *rows;
};

struct cursor {
	sqlite3_vtab_cursor base;
	size_t row;
};

static const struct lf_waiting_rows *rows_of(const sqlite3_vtab_cursor *cursor)
{
	return ((const struct table *)cursor->pVtab)->rows;
}

static int connect(sqlite3 *db, void *aux, int count, const char *const *arguments, sqlite3_vtab **out, char **error)
{
	static const char *const declarations[LF_WAITING_KINDS] = {DECISION, KEY, CHAIN, LEAF};
	const struct lf_waiting_rows *rows = aux;
	struct table *table = sqlite3_malloc64(sizeof(*table));
	int result;

	(void)count;
	(void)arguments;
	(void)error;
	if (table == NULL)
		return SQLITE_NOMEM;
	*table = (struct table){.rows = rows};
	result = sqlite3_declare_vtab(db, declarations[rows->kind]);
	if (result == SQLITE_OK)
		*out = &table->base;
	else
		sqlite3_free(table);
	return result;
}

static int disconnect(sqlite3_vtab *table)
{
	sqlite3_free(table);
	return SQLITE_OK;
}

/* From the first to the last is the only way. */
static int plan(sqlite3_vtab *table, sqlite3_index_info *index)
{
	(void)table;
	index->estimatedCost = 1;
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	struct cursor *cursor = sqlite3_malloc64(sizeof(*cursor));

	(void)table;
	if (cursor == NULL)
		return SQLITE_NOMEM;
	*cursor = (struct cursor){.row = 0};
	*out = &cursor->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
	sqlite3_free(cursor);
	return SQLITE_OK;
}

static int rewind_cursor(sqlite3_vtab_cursor *cursor, int index, const char *text, int count, sqlite3_value **values)
{
	(void)index;
	(void)text;
	(void)count;
	(void)values;
	((struct cursor *)cursor)->row = 0;
	return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *cursor)
{
	((struct cursor *)cursor)->row++;
	return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *cursor)
{
	return ((struct cursor *)cursor)->row >= count_of(rows_of(cursor));
}

static int give_column(sqlite3_vtab_cursor *cursor, sqlite3_context *result, int column)
{
	const struct lf_waiting_rows *rows = rows_of(cursor);
	const size_t row = ((struct cursor *)cursor)->row;

	if (rows->kind == LF_WAITING_DECISION)
		give_decision(rows->store, row, column, result);
	else if (rows->kind == LF_WAITING_KEY)
		give_key(rows->store, row, column, result);
	else if (rows->kind == LF_WAITING_CHAIN)
		give_chain(rows->store, row, column, result);
	else
		give_leaf(rows->store, row, column, result);
	return SQLITE_OK;
}

static int give_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
	*id = (sqlite3_int64)((struct cursor *)cursor)->row;
	return SQLITE_OK;
}

/* Without xCreate: there is no CREATE TABLE of them, and the name of the module is the table's. */
static const sqlite3_module MODULE = {.iVersion = 1,
	.xConnect = connect,
	.xBestIndex = plan,
	.xDisconnect = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = rewind_cursor,
	.xNext = next_row,
	.xEof = at_end,
	.xColumn = give_column,
	.xRowid = give_rowid};

int lf_sqlite_add_waiting_tables(struct lf_store *store)
{
	static const char *const names[LF_WAITING_KINDS] = {"new_decision", "new_key", "new_chain", "new_leaf"};
	int result = SQLITE_OK;

	for (int kind = 0; kind < LF_WAITING_KINDS && result == SQLITE_OK; kind++) {
		store->waiting[kind] = (struct lf_waiting_rows){store, (enum lf_waiting_kind)kind};
		result = sqlite3_create_module(store->db, names[kind], &MODULE, &store->waiting[kind]);
	}
	return result;
}
