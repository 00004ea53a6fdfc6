/* Decisions and what hangs on them: names, chains, skips, lists of candidates. */
#include <stdlib.h>
#include <string.h>

#include "storage/sqlite/derived.h"

enum { MEMBERS_MAX = 4 * 1024 * 1024 }; /* held at once: 64 MiB */

static const char *name_kind(int kind)
{
	static const char *const names[] = {
		"", "a caller", "a team", "a project", "a rubric", "a candidate", "a list of candidates"};

	return kind >= LF_NAME_CALLER && kind <= LF_NAME_CANDIDATES ? names[kind] : "nothing known";
}

/* ---- names ---- */

static int take_name(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t id = sqlite3_column_int64(row, 0), kind = sqlite3_column_int64(row, 1);
	const int type = sqlite3_column_type(row, 2), wanted = kind == LF_NAME_CANDIDATES ? SQLITE_BLOB : SQLITE_TEXT;
	struct lf_name_state *state;

	if (kind < LF_NAME_CALLER || kind > LF_NAME_CANDIDATES) {
		lf_derived_find(check, "name %lld is of kind %lld, which is none: it was put in, or altered",
			(long long)id, (long long)kind);
		return SQLITE_OK;
	}
	state = lf_name_map_find(&check->name_map, id, true);
	if (state == NULL)
		return SQLITE_NOMEM;
	state->kind = (uint8_t)kind;
	if (type != wanted)
		lf_derived_find(check, "name %lld, %s, has a value of another type: it was altered", (long long)id,
			name_kind((int)kind));
	else if (type == SQLITE_TEXT && strlen(lf_sqlite_column_text(row, 2)) != (size_t)sqlite3_column_bytes(row, 2))
		/* Read as a text it is the same, and looked for it is not found. */
		lf_derived_find(check, "name %lld, %s, has more behind its end: it was altered", (long long)id,
			name_kind((int)kind));
	return SQLITE_OK;
}

enum lf_code lf_derived_names(struct lf_derived *check)
{
	return lf_derived_pages(
		check, "names", "SELECT id, kind, value FROM name WHERE id > ?1 ORDER BY id", false, NULL, take_name);
}

/* ---- decisions ---- */

enum {
	D_SEQUENCE,
	D_CALLER,
	D_RUBRIC,
	D_RECOMMENDED,
	D_TEAM,
	D_PROJECT,
	D_CANDIDATES,
	D_PREVIOUS,
	D_TEAM_PAYLOAD = D_PREVIOUS + 3,
	D_PROJECT_PAYLOAD,
	D_DIGESTED
};

static const char DECISIONS[] = "SELECT sequence, caller, rubric, recommended, team, project, candidates, "
				"team_previous, project_previous, candidates_previous,"
				" team_payload, project_payload, request_digest IS NOT NULL FROM decision WHERE "
				"sequence > ?1 ORDER BY sequence";

/* What is missing is told by the leaf of the decision. */
static struct lf_name_state *refer(struct lf_derived *check, int64_t sequence, int64_t id, int kind, const char *what)
{
	struct lf_name_state *state = lf_name_map_find(&check->name_map, id, false);

	if (state == NULL)
		return NULL;
	state->referred = true;
	if (state->kind != kind)
		lf_derived_find(check, "decision %lld: its %s is name %lld, which is %s", (long long)sequence, what,
			(long long)id, name_kind(state->kind));
	return state;
}

static int look_for_skip(struct lf_derived *check, int64_t entity, int64_t sequence, const char *what)
{
	int result;

	sqlite3_bind_int64(check->find_skip, 1, entity);
	sqlite3_bind_int64(check->find_skip, 2, sequence);
	result = sqlite3_step(check->find_skip);
	sqlite3_reset(check->find_skip);
	if (result == SQLITE_DONE)
		lf_derived_find(check,
			"decision %lld is the 64th, 128th, ... of its %s, and no skip leads to it: it was deleted",
			(long long)sequence, what);
	return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

static int link_in(struct lf_derived *check, sqlite3_stmt *row, int which, struct lf_name_state *state)
{
	static const char *const whats[] = {"team", "project", "candidates"};
	const int64_t sequence = sqlite3_column_int64(row, D_SEQUENCE),
		      previous = sqlite3_column_int64(row, D_PREVIOUS + which);

	if (state == NULL)
		return SQLITE_OK;
	if (previous != state->last)
		lf_derived_find(check, "decision %lld: the one before it of its %s is %lld, and its row says %lld",
			(long long)sequence, whats[which], (long long)state->last, (long long)previous);
	state->last = sequence;
	state->count++;
	if (state->count % LF_SQLITE_SKIP != 0 || (which == 2 && check->relinked))
		return SQLITE_OK;
	check->skips_expected++;
	return look_for_skip(check, state->id, sequence, whats[which]);
}

static int take_decision(struct lf_derived *check, sqlite3_stmt *row)
{
	static const int kinds[] = {LF_NAME_TEAM, LF_NAME_PROJECT, LF_NAME_CANDIDATES};
	static const char *const whats[] = {"team", "project", "list of candidates"};
	const int64_t sequence = sqlite3_column_int64(row, D_SEQUENCE);
	struct lf_name_state *states[3];
	int result = SQLITE_OK;

	if (sequence < 1 || (sequence <= check->decisions && sequence > check->leaf_decisions)) {
		lf_derived_find(check, "decision %lld has no leaf: it was put in", (long long)sequence);
		return SQLITE_OK;
	}
	refer(check, sequence, sqlite3_column_int64(row, D_CALLER), LF_NAME_CALLER, "caller");
	if (sqlite3_column_type(row, D_RECOMMENDED) != SQLITE_NULL)
		refer(check, sequence, sqlite3_column_int64(row, D_RECOMMENDED), LF_NAME_CANDIDATE,
			"recommended candidate");
	for (int i = 0; i < 3; i++)
		states[i] = refer(check, sequence, sqlite3_column_int64(row, D_TEAM + i), kinds[i], whats[i]);
	for (int i = 0; i < 3 && result == SQLITE_OK; i++)
		result = link_in(check, row, i, states[i]);
	if (!lf_id_set_add(&check->payload_refs, sqlite3_column_int64(row, D_TEAM_PAYLOAD), NULL) ||
		!lf_id_set_add(&check->payload_refs, sqlite3_column_int64(row, D_PROJECT_PAYLOAD), NULL) ||
		(sqlite3_column_int(row, D_DIGESTED) && !lf_id_set_add(&check->digested, sequence, NULL)))
		return SQLITE_NOMEM;
	if (sequence <= check->migrated &&
		!lf_id_set_add(&check->old_lists, sqlite3_column_int64(row, D_CANDIDATES), NULL))
		return SQLITE_NOMEM;
	check->walked = sequence;
	return result;
}

static int take_known_decision(struct lf_derived *check, sqlite3_stmt *row)
{
	return sqlite3_column_int64(row, D_SEQUENCE) > check->decisions ? LF_DERIVED_STOP : take_decision(check, row);
}

enum lf_code lf_derived_decisions(struct lf_derived *check)
{
	return lf_derived_pages(check, "decisions", DECISIONS, false, NULL, take_known_decision);
}

/* ---- chains ---- */

static int run_through(struct lf_derived *check, const char *sql, int64_t after, lf_derived_row_fn each)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(check->reader->db, sql, -1, &statement, NULL);

	if (result == SQLITE_OK) {
		sqlite3_bind_int64(statement, 1, after);
		while ((result = sqlite3_step(statement)) == SQLITE_ROW &&
			(result = each(check, statement)) == SQLITE_OK)
			continue;
	}
	sqlite3_finalize(statement);
	return result == SQLITE_DONE ? SQLITE_OK : result;
}

/* On a live log: what was appended since, so that the chains are compared with the decisions of the same moment. */
static int catch_up(struct lf_derived *check, sqlite3_stmt *row)
{
	int result;

	(void)row;
	if (check->reader->alone)
		return SQLITE_OK;
	result = run_through(check, "SELECT id, kind, value FROM name WHERE id > ?1", check->names, take_name);
	return result == SQLITE_OK ? run_through(check, DECISIONS, check->walked, take_decision) : result;
}

static int take_chain(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t entity = sqlite3_column_int64(row, 0), last = sqlite3_column_int64(row, 1),
		      count = sqlite3_column_int64(row, 2);
	struct lf_name_state *state = lf_name_map_find(&check->name_map, entity, false);

	if (state == NULL || state->count == 0) {
		lf_derived_find(check, "chain %lld is of nothing that has decisions: it was put in", (long long)entity);
		return SQLITE_OK;
	}
	state->in_chain_table = true;
	if (last != state->last || count != state->count)
		lf_derived_find(check,
			"the chain of name %lld (%s) says %lld decisions up to %lld, and there are %lld up to %lld: it "
			"was altered",
			(long long)entity, name_kind(state->kind), (long long)count, (long long)last,
			(long long)state->count, (long long)state->last);
	return SQLITE_OK;
}

static int take_skip(struct lf_derived *check, sqlite3_stmt *row)
{
	const int64_t entity = sqlite3_column_int64(row, 0), sequence = sqlite3_column_int64(row, 1);
	const int kind = sqlite3_column_int(row, 2);

	if (sequence > check->decisions)
		return SQLITE_OK; /* come since */
	if (sqlite3_column_type(row, 3) == SQLITE_NULL || sqlite3_column_int64(row, 3) != entity)
		lf_derived_find(check,
			"a skip leads from name %lld to decision %lld, which is not of its chain: it was put in, or "
			"altered",
			(long long)entity, (long long)sequence);
	else if (kind != LF_NAME_CANDIDATES || !check->relinked)
		check->skips_found++;
	return SQLITE_OK;
}

enum lf_code lf_derived_chains(struct lf_derived *check)
{
	const int64_t skips = check->skips_expected;

	if (lf_derived_pages(check, "skips",
		    "SELECT s.entity, s.sequence, n.kind, CASE n.kind WHEN 2 THEN d.team WHEN 3 THEN d.project WHEN 6 "
		    "THEN d.candidates END"
		    " FROM skip s LEFT JOIN name n ON n.id = s.entity LEFT JOIN decision d ON d.sequence = s.sequence"
		    " WHERE (s.entity, s.sequence) > (?1, ?2) ORDER BY s.entity, s.sequence",
		    false, NULL, take_skip) != LF_OK)
		return check->error->code;
	if (check->skips_found > skips)
		lf_derived_find(check, "there are %lld skips, and %lld belong there: others were put in",
			(long long)check->skips_found, (long long)skips);
	if (lf_derived_pages(check, "chains", "SELECT entity, last, count FROM chain WHERE entity > ?1 ORDER BY entity",
		    false, catch_up, take_chain) != LF_OK)
		return check->error->code;
	for (size_t i = 0; i < check->name_map.capacity; i++) {
		const struct lf_name_state *state = &check->name_map.places[i];

		if (state->kind != 0 && state->count > 0 && !state->in_chain_table && state->id <= check->names)
			lf_derived_find(check, "name %lld (%s) has %lld decisions and no chain: it was deleted",
				(long long)state->id, name_kind(state->kind), (long long)state->count);
	}
	return LF_OK;
}

/* ---- who is in which list ---- */

struct membership {
	int64_t list, candidate;
};

struct memberships {
	struct membership *rows;
	size_t count;
	int64_t after, up_to; /* lists of this turn: after < list <= up_to */
	struct lf_derived *check;
	sqlite3_stmt *value; /* of a name */
};

static int by_list(const void *a, const void *b)
{
	const struct membership *x = a, *y = b;

	return x->list != y->list ? (x->list < y->list ? -1 : 1)
				  : (x->candidate > y->candidate) - (x->candidate < y->candidate);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Reads the rows of this turn; where they are too many, of fewer lists. */
static int gather(struct memberships *m)
{
	sqlite3_stmt *all = NULL;
	int64_t candidate = INT64_MIN, list = INT64_MIN;
	bool done = false;
	int result = sqlite3_prepare_v2(m->check->reader->db,
		"SELECT candidate, candidates FROM member WHERE (candidate, candidates) > (?1, ?2) ORDER BY candidate, "
		"candidates LIMIT 5000",
		-1, &all, NULL);

	m->count = 0;
	while (result == SQLITE_OK && !done) {
		size_t rows = 0;

		sqlite3_bind_int64(all, 1, candidate);
		sqlite3_bind_int64(all, 2, list);
		while ((result = sqlite3_step(all)) == SQLITE_ROW) {
			rows++;
			candidate = sqlite3_column_int64(all, 0);
			list = sqlite3_column_int64(all, 1);
			if (list <= m->after || list > m->up_to)
				continue;
			if (m->count == MEMBERS_MAX) {
				qsort(m->rows, m->count, sizeof(*m->rows), by_list);
				m->up_to = m->rows[m->count / 2].list;
				while (m->count > 0 && m->rows[m->count - 1].list > m->up_to)
					m->count--;
			}
			if (list <= m->up_to && m->count < MEMBERS_MAX)
				m->rows[m->count++] = (struct membership){list, candidate};
		}
		sqlite3_reset(all);
		done = rows == 0;
		result = result == SQLITE_DONE ? SQLITE_OK : result;
		if (m->check->go_on != NULL && !m->check->go_on(m->check->context))
			result = SQLITE_INTERRUPT;
	}
	sqlite3_finalize(all);
	qsort(m->rows, m->count, sizeof(*m->rows), by_list);
	return result;
}

static int read_value(struct memberships *m, int64_t id, bool *there)
{
	int result;

	sqlite3_bind_int64(m->value, 1, id);
	result = sqlite3_step(m->value);
	*there = result == SQLITE_ROW;
	return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

/* The digest of a list's people, by id, against the list's value. */
static int check_list(struct memberships *m, const struct membership *rows, size_t count)
{
	struct lf_derived *check = m->check;
	char **ids = calloc(count, sizeof(*ids));
	struct lf_digest digest, stored;
	bool there = ids != NULL, whole = !lf_id_set_has(&check->old_lists, rows[0].list);
	int result = ids != NULL ? SQLITE_OK : SQLITE_NOMEM;

	for (size_t i = 0; i < count && result == SQLITE_OK; i++) {
		struct lf_name_state *state = lf_name_map_find(&check->name_map, rows[i].candidate, false);
		const char *text;

		if (state == NULL || state->kind != LF_NAME_CANDIDATE)
			lf_derived_find(check, "list of candidates %lld has name %lld in it, which is no candidate",
				(long long)rows[i].list, (long long)rows[i].candidate);
		else
			state->referred = true;
		result = read_value(m, rows[i].candidate, &there);
		text = there ? lf_sqlite_column_text(m->value, 0) : NULL;
		ids[i] = strdup(text != NULL ? text : "");
		whole = whole && text != NULL;
		if (ids[i] == NULL)
			result = SQLITE_NOMEM;
		sqlite3_reset(m->value);
	}
	if (result == SQLITE_OK)
		result = read_value(m, rows[0].list, &there);
	if (result == SQLITE_OK) {
		qsort(ids, count, sizeof(*ids), by_text);
		lf_sha256_strings((const char *const *)ids, count, &digest);
		if (there && whole &&
			(!lf_sqlite_column_fixed(m->value, 0, &stored, sizeof(stored)) ||
				!lf_digest_equal(&stored, &digest)))
			lf_derived_find(check,
				"list of candidates %lld has other people in it than when it was recorded: a row of "
				"who is in it, or a name, was "
				"altered, put in or deleted",
				(long long)rows[0].list);
	}
	sqlite3_reset(m->value);
	for (size_t i = 0; ids != NULL && i < count; i++)
		free(ids[i]);
	free(ids);
	return result;
}

/* Checks what was gathered, a list at a time. */
static int check_lists(struct memberships *m, struct lf_id_set *seen)
{
	int result = SQLITE_OK;

	for (size_t i = 0, end; i < m->count && result == SQLITE_OK; i = end) {
		const int64_t list = m->rows[i].list;
		const struct lf_name_state *state = lf_name_map_find(&m->check->name_map, list, false);

		for (end = i; end < m->count && m->rows[end].list == list; end++)
			continue;
		if (!lf_id_set_add(seen, list, NULL))
			return SQLITE_NOMEM;
		if (state == NULL || state->kind != LF_NAME_CANDIDATES)
			lf_derived_find(m->check,
				"name %lld has candidates in it, and is no list: a row was put in, or a list deleted",
				(long long)list);
		else
			result = check_list(m, m->rows + i, end - i);
	}
	return result;
}

/* Lists without anybody: an empty list's digest says so. */
static int check_empty_lists(struct memberships *m, const struct lf_id_set *seen)
{
	struct lf_digest empty, stored;
	int result = SQLITE_OK;
	bool there;

	lf_sha256_strings(NULL, 0, &empty);
	for (size_t i = 0; i < m->check->name_map.capacity && result == SQLITE_OK; i++) {
		const struct lf_name_state *state = &m->check->name_map.places[i];

		if (state->kind != LF_NAME_CANDIDATES || state->id > m->check->names || lf_id_set_has(seen, state->id))
			continue;
		result = read_value(m, state->id, &there);
		if (result == SQLITE_OK && there &&
			(!lf_sqlite_column_fixed(m->value, 0, &stored, sizeof(stored)) ||
				!lf_digest_equal(&stored, &empty)))
			lf_derived_find(m->check,
				"list of candidates %lld has nobody in it: the rows of who is in it were deleted",
				(long long)state->id);
		sqlite3_reset(m->value);
	}
	return result;
}

enum lf_code lf_derived_members(struct lf_derived *check)
{
	struct memberships m = {.check = check, .after = INT64_MIN, .rows = malloc(MEMBERS_MAX * sizeof(*m.rows))};
	struct lf_id_set seen = {0};
	int result = m.rows == NULL
		? SQLITE_NOMEM
		: sqlite3_prepare_v2(check->reader->db, "SELECT value FROM name WHERE id = ?1", -1, &m.value, NULL);

	while (result == SQLITE_OK && m.after < check->names) {
		m.up_to = check->names;
		result = gather(&m);
		if (result == SQLITE_OK)
			result = check_lists(&m, &seen);
		m.after = m.up_to;
	}
	if (result == SQLITE_OK)
		result = check_empty_lists(&m, &seen);
	if (result == SQLITE_INTERRUPT)
		lf_error_set(check->error, LF_CANCELLED, "the check was ended");
	else if (result != SQLITE_OK && (result & 0xff) != SQLITE_CORRUPT)
		lf_sqlite_error(check->error, check->reader->db, result, "reading who is in which list");
	else if (result != SQLITE_OK)
		lf_derived_find(check, "the file is damaged where it has who is in which list");
	sqlite3_finalize(m.value);
	lf_id_set_clean_up(&seen);
	free(m.rows);
	return check->error->code;
}
