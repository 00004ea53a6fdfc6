/*
 * Reading on: decisions in the order of their sequence, with their bytes.
 *
 * One statement walks the narrow columns, without joins, so that rows that don't fit cost little. What a row refers to
 * by number is looked up only when that number differs from the row's before, and is then held: the statement that
 * found it stays on its row, and its text or bytes stay valid, uncopied. Decisions that come together often share their
 * caller, rubric, project or team.
 */

#include "proto/base/clock.h"
#include "storage/sqlite/private.h"

/* Of R_SCAN_UP and R_SCAN_DOWN. */
enum column {
	C_SEQUENCE,
	C_ID,
	C_DECIDED_AT,
	C_OUTCOME,
	C_PURPOSE,
	C_CALLER, /* from here to C_CANDIDATES in the order of enum held */
	C_TEAM,
	C_PROJECT,
	C_RECOMMENDED,
	C_RUBRIC,
	C_CANDIDATES,
	C_TEAM_PAYLOAD,
	C_PROJECT_PAYLOAD,
	C_ANSWER, /* of R_SCAN_UP_WHOLE */
};

/* What is held; found by statement R_HELD_CALLER + held. */
enum held { H_CALLER, H_TEAM, H_PROJECT, H_RECOMMENDED, H_RUBRIC, H_CANDIDATES, H_TEAM_BODY, H_PROJECT_BODY, H_COUNT };

struct scanning {
	struct lf_reader *reader;
	const struct lf_scan *scan;
	void *context; /* the caller's */
	struct lf_error *error;
	int64_t team, project, candidate; /* name rows; 0 = any */
	struct lf_rubric_filter rubric;
	int64_t from, below;   /* sequences: from <= s < below */
	int64_t held[H_COUNT]; /* rows that the statements are on; 0 = none: no row has that number */
	int64_t list_seen;     /* the last list of candidates asked about, and the answer */
	bool list_fits;
	size_t shown, bytes;
};

static enum lf_code failed(struct scanning *scanning, int result)
{
	return lf_sqlite_error(scanning->error, scanning->reader->db, result, "reading decisions");
}

static enum lf_code not_stored(struct scanning *scanning, int64_t sequence, const char *what)
{
	return lf_error_set(scanning->error, LF_DATA_LOSS, "decision %lld refers to %s that is not stored",
		(long long)sequence, what);
}

/* Has the statement of what stand on row id. NULL where there is none or it can't be read: then *code says which. */
static sqlite3_stmt *hold(struct scanning *scanning, enum held what, int64_t id, enum lf_code *code)
{
	sqlite3_stmt *statement = scanning->reader->statements[(int)R_HELD_CALLER + (int)what];
	int result;

	*code = LF_OK;
	if (id != 0 && scanning->held[what] == id)
		return statement;
	sqlite3_reset(statement);
	scanning->held[what] = 0;
	sqlite3_bind_int64(statement, 1, id);
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW) {
		scanning->held[what] = id;
		return statement;
	}
	sqlite3_reset(statement);
	*code = result == SQLITE_DONE ? LF_OK : failed(scanning, result);
	return NULL;
}

/* Lets go of everything: a transaction ends only when no statement stands on a row of it. */
static void let_go(struct scanning *scanning)
{
	for (size_t i = R_SCAN_UP; i <= R_HELD_PROJECT_BODY; i++)
		sqlite3_reset(scanning->reader->statements[i]);
}

static enum lf_code hold_text(
	struct scanning *scanning, sqlite3_stmt *walk, enum held what, const char *name, const char **text)
{
	enum lf_code code;
	sqlite3_stmt *held = hold(scanning, what, sqlite3_column_int64(walk, C_CALLER + (int)what), &code);

	*text = held != NULL ? lf_sqlite_column_text(held, 0) : NULL;
	if (code == LF_OK && *text == NULL)
		return not_stored(scanning, sqlite3_column_int64(walk, C_SEQUENCE), name);
	return code;
}

static enum lf_code hold_digest(struct scanning *scanning, sqlite3_stmt *walk, enum held what, int column,
	const char *name, struct lf_digest *digest)
{
	enum lf_code code;
	sqlite3_stmt *held = hold(scanning, what, sqlite3_column_int64(walk, C_CALLER + (int)what), &code);

	if (code == LF_OK && (held == NULL || !lf_sqlite_column_fixed(held, column, digest, sizeof(*digest))))
		return not_stored(scanning, sqlite3_column_int64(walk, C_SEQUENCE), name);
	return code;
}

/* The bytes of a payload that the caller does not know. */
static enum lf_code hold_body(struct scanning *scanning, sqlite3_stmt *walk, enum held what, int column,
	const char *name, struct lf_bytes *body)
{
	const enum lf_payload_kind kind = what == H_TEAM_BODY ? LF_PAYLOAD_TEAM : LF_PAYLOAD_PROJECT;
	const int64_t id = sqlite3_column_int64(walk, column);
	enum lf_code code;
	sqlite3_stmt *held;

	if (scanning->scan->knows != NULL && scanning->scan->knows(scanning->context, kind, (uint64_t)id))
		return LF_OK;
	held = hold(scanning, what, id, &code);
	if (held != NULL)
		*body = lf_sqlite_column_bytes(held, 0);
	else if (code == LF_OK)
		return not_stored(scanning, sqlite3_column_int64(walk, C_SEQUENCE), name);
	return code;
}

static enum lf_code fill_columns(struct scanning *scanning, sqlite3_stmt *walk, struct lf_stored *row)
{
	const int64_t sequence = sqlite3_column_int64(walk, C_SEQUENCE);

	*row = (struct lf_stored){
		.sequence = (uint64_t)sequence,
		.decided_at_us = sqlite3_column_int64(walk, C_DECIDED_AT),
		.outcome = (uint32_t)sqlite3_column_int64(walk, C_OUTCOME),
		.purpose = (uint32_t)sqlite3_column_int64(walk, C_PURPOSE),
		.recommended = "",
		.team_payload = (uint64_t)sqlite3_column_int64(walk, C_TEAM_PAYLOAD),
		.project_payload = (uint64_t)sqlite3_column_int64(walk, C_PROJECT_PAYLOAD),
	};
	if (!lf_sqlite_column_fixed(walk, C_ID, &row->id, sizeof(row->id)))
		return lf_error_set(scanning->error, LF_DATA_LOSS, "decision %lld has no id", (long long)sequence);
	if (hold_text(scanning, walk, H_CALLER, "a caller", &row->caller) != LF_OK ||
		hold_text(scanning, walk, H_TEAM, "a team's name", &row->team_id) != LF_OK ||
		hold_text(scanning, walk, H_PROJECT, "a project's name", &row->project_id) != LF_OK ||
		hold_text(scanning, walk, H_RUBRIC, "a rubric", &row->rubric_name) != LF_OK ||
		(sqlite3_column_type(walk, C_RECOMMENDED) != SQLITE_NULL &&
			hold_text(scanning, walk, H_RECOMMENDED, "a recommended candidate", &row->recommended) !=
				LF_OK) ||
		hold_digest(scanning, walk, H_RUBRIC, 1, "a rubric", &row->rubric_digest) != LF_OK ||
		hold_digest(scanning, walk, H_CANDIDATES, 0, "a list of candidates", &row->candidates) != LF_OK)
		return scanning->error->code;
	return LF_OK;
}

static enum lf_code fill_payloads(struct scanning *scanning, sqlite3_stmt *walk, struct lf_stored *row)
{
	sqlite3_stmt *answer = scanning->reader->statements[R_SCAN_ANSWER];
	int result = SQLITE_ROW, column = C_ANSWER;

	if (hold_body(scanning, walk, H_TEAM_BODY, C_TEAM_PAYLOAD, "a team", &row->team) != LF_OK ||
		hold_body(scanning, walk, H_PROJECT_BODY, C_PROJECT_PAYLOAD, "a project", &row->project) != LF_OK)
		return scanning->error->code;
	if (walk == scanning->reader->statements[R_SCAN_UP_WHOLE]) {
		answer = walk;
	} else {
		column = 0;
		sqlite3_reset(answer);
		sqlite3_bind_int64(answer, 1, (int64_t)row->sequence);
		result = sqlite3_step(answer);
	}
	if (result != SQLITE_ROW)
		return failed(scanning, result == SQLITE_DONE ? SQLITE_CORRUPT : result);
	row->answer = lf_sqlite_column_bytes(answer, column);
	return LF_OK;
}

/* ---- which ---- */

static enum lf_code set_bounds(struct scanning *scanning)
{
	const struct lf_scan *scan = scanning->scan;
	struct lf_reader *reader = scanning->reader;
	int64_t last, bound;
	int64_t at;

	if (lf_sqlite_first_column(reader, reader->statements[R_LAST], &last, scanning->error) != LF_OK)
		return scanning->error->code;
	at = scan->from_sequence > (uint64_t)last ? last + 1 : (int64_t)scan->from_sequence;
	scanning->from = !scan->newest_first && at > 1 ? at : 1;
	scanning->below = scan->newest_first && at > 0 && at <= last ? at + 1 : last + 1;
	if (scan->since_us != INT64_MIN) {
		if (lf_sqlite_sequence_at(reader, scan->since_us, last, &bound, scanning->error) != LF_OK)
			return scanning->error->code;
		scanning->from = bound > scanning->from ? bound : scanning->from;
	}
	if (scan->until_us != INT64_MAX) {
		if (lf_sqlite_sequence_at(reader, scan->until_us, last, &bound, scanning->error) != LF_OK)
			return scanning->error->code;
		scanning->below = bound < scanning->below ? bound : scanning->below;
	}
	return LF_OK;
}

static enum lf_code fits(struct scanning *scanning, sqlite3_stmt *walk, bool *fit)
{
	const struct lf_scan *scan = scanning->scan;
	int64_t member;
	int64_t list;

	*fit = (scan->outcome == 0 || sqlite3_column_int64(walk, C_OUTCOME) == (int64_t)scan->outcome) &&
		(!scan->decisions_only || sqlite3_column_int64(walk, C_PURPOSE) == 0) &&
		(scanning->team == 0 || sqlite3_column_int64(walk, C_TEAM) == scanning->team) &&
		(scanning->project == 0 || sqlite3_column_int64(walk, C_PROJECT) == scanning->project);
	if (*fit &&
		lf_sqlite_rubric_fits(scanning->reader, &scanning->rubric, sqlite3_column_int64(walk, C_RUBRIC), fit,
			scanning->error) != LF_OK)
		return scanning->error->code;
	if (!*fit || scanning->candidate == 0)
		return LF_OK;
	list = sqlite3_column_int64(walk, C_CANDIDATES);
	if (list != scanning->list_seen) {
		sqlite3_stmt *statement = scanning->reader->statements[R_MEMBER];

		sqlite3_bind_int64(statement, 1, scanning->candidate);
		sqlite3_bind_int64(statement, 2, list);
		if (lf_sqlite_first_column(scanning->reader, statement, &member, scanning->error) != LF_OK)
			return scanning->error->code;
		scanning->list_seen = list;
		scanning->list_fits = member != 0;
	}
	*fit = scanning->list_fits;
	return LF_OK;
}

/* ---- going through ---- */

/* Shows a row; *go_on: there may be more in this slice. */
static enum lf_code show(struct scanning *scanning, sqlite3_stmt *walk,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, bool *go_on)
{
	const struct lf_scan *scan = scanning->scan;
	struct lf_stored row;

	if (fill_columns(scanning, walk, &row) != LF_OK ||
		(scan->payloads && fill_payloads(scanning, walk, &row) != LF_OK))
		return scanning->error->code;
	scanning->shown++;
	scanning->bytes += row.team.length + row.project.length + row.answer.length;
	*go_on = visit(context, &row) && scanning->shown < scan->limit &&
		scanning->bytes < (scan->bytes_max != 0 ? scan->bytes_max : LF_MESSAGE_BYTES_MAX);
	return LF_OK;
}

/* The sequence after a row's, in this order. */
static int64_t after(const struct scanning *scanning, int64_t sequence)
{
	return scanning->scan->newest_first ? sequence - 1 : sequence + 1;
}

/* The wide column comes along where every row is shown. */
static enum lf_read_statement walk_of(const struct scanning *scanning)
{
	const struct lf_scan *scan = scanning->scan;
	bool all;

	if (scan->newest_first)
		return R_SCAN_DOWN;
	all = scan->outcome == 0 && !scan->decisions_only && scanning->team == 0 && scanning->project == 0 &&
		scanning->candidate == 0 && scanning->rubric.name == 0;
	return all && scan->payloads ? R_SCAN_UP_WHOLE : R_SCAN_UP;
}

static enum lf_code walk_on(struct scanning *scanning, bool (*visit)(void *context, const struct lf_stored *row),
	void *context, uint64_t *next)
{
	sqlite3_stmt *walk = scanning->reader->statements[walk_of(scanning)];
	uint64_t start_ns;
	bool fit, go_on = true;
	int result = SQLITE_DONE;

	start_ns = lf_clock_ns();
	sqlite3_bind_int64(walk, 1, scanning->from);
	sqlite3_bind_int64(walk, 2, scanning->below);
	*next = 0;
	for (size_t looked_at = 1; go_on && (result = sqlite3_step(walk)) == SQLITE_ROW; looked_at++) {
		*next = (uint64_t)after(scanning, sqlite3_column_int64(walk, C_SEQUENCE));
		if (fits(scanning, walk, &fit) != LF_OK ||
			(fit && show(scanning, walk, visit, context, &go_on) != LF_OK))
			return scanning->error->code;
		if ((fit || looked_at % 16 == 0) && lf_sqlite_time_is_up(start_ns))
			go_on = false;
	}
	if (result != SQLITE_ROW || (int64_t)*next < scanning->from || (int64_t)*next >= scanning->below)
		*next = 0;
	return result == SQLITE_ROW || result == SQLITE_DONE ? LF_OK : failed(scanning, result);
}

enum lf_code lf_sqlite_scan(struct lf_reader *reader, const struct lf_scan *scan,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct scanning scanning = {.reader = reader, .scan = scan, .context = context, .error = error};
	bool none = false;
	int result;

	*next = 0;
	if (sqlite3_get_autocommit(reader->db) == 0)
		lf_sqlite_run(reader->statements[R_END]); /* one that could not be ended: memory was short */
	result = lf_sqlite_run(reader->statements[R_BEGIN]);
	if (result != SQLITE_OK)
		return failed(&scanning, result);
	if (lf_sqlite_find_name(reader, LF_NAME_TEAM, scan->team_id, &scanning.team, &none, error) == LF_OK &&
		lf_sqlite_find_name(reader, LF_NAME_PROJECT, scan->project_id, &scanning.project, &none, error) ==
			LF_OK &&
		lf_sqlite_find_name(reader, LF_NAME_CANDIDATE, scan->candidate, &scanning.candidate, &none, error) ==
			LF_OK &&
		lf_sqlite_find_name(reader, LF_NAME_RUBRIC, scan->rubric_name, &scanning.rubric.name, &none, error) ==
			LF_OK &&
		!none && set_bounds(&scanning) == LF_OK && scanning.from < scanning.below)
		walk_on(&scanning, visit, context, next);
	let_go(&scanning);
	lf_sqlite_run(reader->statements[R_END]);
	return error->code;
}
