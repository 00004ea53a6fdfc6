/*
 * Decisions, page by page, in either order: lists and scans. One statement looks at a bounded number of rows along one
 * index (of a person's lists, a team, a project, or the sequence itself), takes those that fit, and says how far it
 * looked. A second brings the bytes of those that are shown, where they are asked for.
 *
 * Times become sequences by binary search, as times never fall: in the same statement.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/postgres/store.h"

/* To which size of the tree something was erased: where that moves between rows and bytes, they are of two logs. */
#define REDACTED_TO "coalesce((SELECT redacted_to FROM leadfit.head ORDER BY previous DESC LIMIT 1), 0)"
/* Rows looked at in one statement, where not every one fits: some milliseconds. */
enum { LOOKED_AT_MAX = 8192 };
/* Rows and bytes are read so often until nothing was erased between them. */
enum { TRIES = 4 };

/*
 * Parameters: $1 sequence to begin at, $2 rows to look at, $3 rows to give, $4 outcome (0 any), $5 decisions only, $6
 * rubric's name, $7 team, $8 project, $9 candidate ('' any), $10 since, $11 until.
 */
#define SEARCH(name, bound, open)                                                                                      \
	name "(lo, hi) AS (SELECT 1::bigint, s + 1 FROM newest WHERE " bound "::bigint " open " UNION ALL"             \
	     " SELECT CASE WHEN before THEN mid + 1 ELSE lo END, CASE WHEN before THEN hi ELSE mid END FROM"           \
	     " (SELECT lo, hi, (lo + hi) / 2 AS mid, coalesce((SELECT d.decided_at < " bound                           \
	     "::bigint FROM leadfit.decision"                                                                          \
	     " d WHERE d.sequence = (lo + hi) / 2), false) AS before FROM " name " WHERE lo < hi) step)"
#define NAME_ID(kind, parameter) "(SELECT id FROM leadfit.name WHERE value = " parameter "::text AND kind = " kind ")"
#define HEAD(from, to)                                                                                                 \
	"WITH RECURSIVE newest AS MATERIALIZED (SELECT coalesce(max(sequence), 0) AS s FROM "                          \
	"leadfit.decision)," SEARCH("since", "$10", "> -9223372036854775808") "," SEARCH("until", "$11",               \
		"< 9223372036854775807") ","                                                                           \
					 " bounds AS MATERIALIZED (SELECT greatest(" from                              \
					 ", coalesce((SELECT lo FROM since WHERE lo >= hi), 1)) AS lo,"                \
					 " least(" to ", coalesce((SELECT lo FROM until WHERE lo >= hi), s + 1) - 1) " \
					 "AS hi FROM newest),"                                                         \
					 " f AS MATERIALIZED (SELECT " NAME_ID("2", "$7") " AS team, " NAME_ID(        \
						 "3", "$8") " AS project, " NAME_ID("5",                               \
						 "$9") " AS candidate, " NAME_ID("4",                                  \
						 "$6") " AS rubric), page AS MATERIALIZED ("
#define HEAD_UP HEAD("$1::bigint", "s")
#define HEAD_DOWN HEAD("1", "least($1::bigint, s)")
#define PEEK_ALL                                                                                                       \
	"SELECT d.sequence, d.outcome, d.purpose, d.rubric, d.team, d.project, d.candidates FROM leadfit.decision d"
#define PEEK PEEK_ALL " WHERE d.sequence >= (SELECT lo FROM bounds) AND d.sequence <= (SELECT hi FROM bounds)"
/*
 * An index that leads with what is asked for, whatever the statistics say: with "team = x ... ORDER BY sequence" the
 * planner may go through all decisions instead, for a team that has few.
 */
#define PEEK_ALONG(column)                                                                                             \
	PEEK_ALL " WHERE (d." column ", d.sequence) >= ((SELECT " column " FROM f), (SELECT lo FROM bounds))"          \
		 " AND (d." column ", d.sequence) <= ((SELECT " column " FROM f), (SELECT hi FROM bounds))"
#define ORDERED(order) " ORDER BY d.sequence" order " LIMIT $2"
#define ORDERED_ALONG(column, order) " ORDER BY d." column order ", d.sequence" order " LIMIT $2"
#define TAIL(order, furthest)                                                                                          \
	"), fitting AS MATERIALIZED (SELECT page.sequence FROM page, f WHERE ($4::integer = 0 OR outcome = "           \
	"$4::integer)"                                                                                                 \
	" AND (NOT $5::boolean OR purpose = 0) AND ($7::text = '' OR page.team = f.team)"                              \
	" AND ($8::text = '' OR page.project = f.project)"                                                             \
	" AND ($6::text = '' OR EXISTS(SELECT 1 FROM leadfit.rubric r WHERE r.payload = page.rubric AND r.name ="      \
	" f.rubric)) AND ($9::text = '' OR EXISTS(SELECT 1 FROM leadfit.member m WHERE m.candidate = f.candidate"      \
	" AND m.list = page.candidates)) ORDER BY page.sequence" order " LIMIT $3)"                                    \
	" SELECT (SELECT count(*) FROM page), (SELECT " furthest "(sequence) FROM page), bounds.lo, bounds.hi,"        \
	" octet_length(tp.body), octet_length(pp.body), octet_length(d.answer), " REDACTED_TO                          \
	", fitting.sequence, " LF_PG_ROW_COLUMNS                                                                       \
	" FROM bounds LEFT JOIN fitting ON true LEFT JOIN leadfit.decision d ON d.sequence = "                         \
	"fitting.sequence" LF_PG_ROW_JOINS " LEFT JOIN leadfit.payload tp ON tp.id = d.team_payload"                   \
	" LEFT JOIN leadfit.payload pp ON pp.id = d.project_payload ORDER BY fitting.sequence" order
#define BY_CANDIDATE(order)                                                                                            \
	"SELECT d.* FROM leadfit.member m CROSS JOIN LATERAL (" PEEK                                                   \
	" AND d.candidates = m.list" ORDERED(order) ") d WHERE m.candidate = (SELECT candidate FROM f)" ORDERED(order)

/* By what leads, and by order. */
enum lead { LEAD_SEQUENCE, LEAD_TEAM, LEAD_PROJECT, LEAD_CANDIDATE, LEADS };
static const struct lf_pg_statement pages[LEADS][2] = {
	[LEAD_SEQUENCE] = {{"page_up", HEAD_UP PEEK ORDERED("") TAIL("", "max")},
		{"page_down", HEAD_DOWN PEEK ORDERED(" DESC") TAIL(" DESC", "min")}},
	[LEAD_TEAM] = {{"page_team_up", HEAD_UP PEEK_ALONG("team") ORDERED_ALONG("team", "") TAIL("", "max")},
		{"page_team_down", HEAD_DOWN PEEK_ALONG("team") ORDERED_ALONG("team", " DESC") TAIL(" DESC", "min")}},
	[LEAD_PROJECT] =
		{{"page_project_up", HEAD_UP PEEK_ALONG("project") ORDERED_ALONG("project", "") TAIL("", "max")},
			{"page_project_down",
				HEAD_DOWN PEEK_ALONG("project")
					ORDERED_ALONG("project", " DESC") TAIL(" DESC", "min")}},
	[LEAD_CANDIDATE] = {{"page_candidate_up", HEAD_UP BY_CANDIDATE("") TAIL("", "max")},
		{"page_candidate_down", HEAD_DOWN BY_CANDIDATE(" DESC") TAIL(" DESC", "min")}},
};
/* Of an answer to these. */
enum {
	P_LOOKED,
	P_FURTHEST,
	P_LO,
	P_HI,
	P_TEAM_LENGTH,
	P_PROJECT_LENGTH,
	P_ANSWER_LENGTH,
	P_REDACTED_TO,
	P_SEQUENCE,
	P_ROW
};

static const struct lf_pg_statement get_redacted_to = {"page_redacted_to", "SELECT " REDACTED_TO};
static const struct lf_pg_statement get_bodies = {
	"page_bodies", "SELECT id, body FROM leadfit.payload WHERE id = ANY($1::bigint[])"};
static const struct lf_pg_statement get_answers = {
	"page_answers", "SELECT sequence, answer FROM leadfit.decision WHERE sequence = ANY($1::bigint[])"};

struct paging {
	struct lf_reader *reader;
	const struct lf_scan *scan;
	void *context;
	struct lf_error *error;
	PGresult *rows;
	int count;                  /* rows that fit */
	PGresult *bodies, *answers; /* of the first shown of them */
	int shown;
	struct lf_pg_array ids, sequences; /* to ask for those */
};

static bool asks(const char *filter)
{
	return filter != NULL && filter[0] != '\0';
}

static const char *or_any(const char *filter)
{
	return filter != NULL ? filter : "";
}

/* ---- which ---- */

static enum lf_code read_rows(struct paging *paging)
{
	static const char doing[] = "reading decisions";
	const struct lf_scan *scan = paging->scan;
	const enum lead lead = asks(scan->candidate) ? LEAD_CANDIDATE
		: asks(scan->team_id)                ? LEAD_TEAM
		: asks(scan->project_id)             ? LEAD_PROJECT
						     : LEAD_SEQUENCE;
	const bool all = scan->outcome == 0 && !scan->decisions_only && !asks(scan->rubric_name) &&
		asks(scan->candidate) + asks(scan->team_id) + asks(scan->project_id) <= 1;
	const uint64_t from = scan->from_sequence != 0 ? scan->from_sequence : scan->newest_first ? INT64_MAX : 1;
	struct lf_pg_parameters parameters = {.count = 0};

	lf_pg_put_int8(&parameters, from > INT64_MAX ? INT64_MAX : (int64_t)from);
	lf_pg_put_int8(&parameters, all ? (int64_t)scan->limit : LOOKED_AT_MAX);
	lf_pg_put_int8(&parameters, (int64_t)scan->limit);
	lf_pg_put_int4(&parameters, (int32_t)(scan->outcome <= INT32_MAX ? scan->outcome : INT32_MAX));
	lf_pg_put_bool(&parameters, scan->decisions_only);
	lf_pg_put_text(&parameters, or_any(scan->rubric_name));
	lf_pg_put_text(&parameters, or_any(scan->team_id));
	lf_pg_put_text(&parameters, or_any(scan->project_id));
	lf_pg_put_text(&parameters, or_any(scan->candidate));
	lf_pg_put_int8(&parameters, scan->since_us);
	lf_pg_put_int8(&parameters, scan->until_us);
	if (lf_pg_ask_one(paging->reader, &pages[lead][scan->newest_first], &parameters, &paging->rows, doing,
		    paging->error) != LF_OK)
		return paging->error->code;
	if (PQntuples(paging->rows) == 0)
		return lf_error_set(paging->error, LF_UNAVAILABLE, "%s: an answer is missing", doing);
	paging->count = PQgetisnull(paging->rows, 0, P_SEQUENCE) ? 0 : PQntuples(paging->rows);
	return LF_OK;
}

/*
 * The sequence to go on from after a row, or after all that was looked at (row < 0); 0: there is nothing beyond.
 */
static uint64_t after(const struct paging *paging, int row)
{
	const bool down = paging->scan->newest_first;
	const int64_t lo = lf_pg_int(paging->rows, 0, P_LO), hi = lf_pg_int(paging->rows, 0, P_HI);
	int64_t at;

	if (row < 0 && PQgetisnull(paging->rows, 0, P_FURTHEST))
		return 0;
	at = row < 0 ? lf_pg_int(paging->rows, 0, P_FURTHEST) : lf_pg_int(paging->rows, row, P_SEQUENCE);
	at += down ? -1 : 1;
	return at >= lo && at <= hi ? (uint64_t)at : 0;
}

/* ---- bytes ---- */

static bool wants_body(const struct paging *paging, enum lf_payload_kind kind, int64_t id)
{
	const struct lf_scan *scan = paging->scan;

	return scan->knows == NULL || !scan->knows(paging->context, kind, (uint64_t)id);
}

/* Notes what is to be asked for of the rows that are shown: until their bytes reach the limit. */
static bool choose(struct paging *paging)
{
	const size_t most = paging->scan->bytes_max != 0 ? paging->scan->bytes_max : LF_MESSAGE_BYTES_MAX;
	int64_t last_team = 0, last_project = 0;
	size_t bytes = 0;

	lf_pg_array_empty(&paging->ids, LF_PG_INT8);
	lf_pg_array_empty(&paging->sequences, LF_PG_INT8);
	for (paging->shown = 0; paging->shown < paging->count && bytes < most; paging->shown++) {
		const int row = paging->shown;
		const int64_t team = lf_pg_int(paging->rows, row, P_ROW + 12),
			      project = lf_pg_int(paging->rows, row, P_ROW + 13);

		lf_pg_array_int(&paging->sequences, lf_pg_int(paging->rows, row, P_SEQUENCE));
		bytes += (size_t)lf_pg_int(paging->rows, row, P_ANSWER_LENGTH);
		if (wants_body(paging, LF_PAYLOAD_TEAM, team)) {
			if (team != last_team)
				lf_pg_array_int(&paging->ids, team);
			bytes += (size_t)lf_pg_int(paging->rows, row, P_TEAM_LENGTH);
			last_team = team;
		}
		if (wants_body(paging, LF_PAYLOAD_PROJECT, project)) {
			if (project != last_project)
				lf_pg_array_int(&paging->ids, project);
			bytes += (size_t)lf_pg_int(paging->rows, row, P_PROJECT_LENGTH);
			last_project = project;
		}
	}
	return !paging->ids.failed && !paging->sequences.failed;
}

/* *same: nothing was erased since the rows were read. */
static enum lf_code read_bytes(struct paging *paging, bool *same)
{
	struct lf_pg_parameters ids = {.count = 0}, sequences = {.count = 0};
	struct lf_pg_question questions[] = {
		{&get_redacted_to, NULL, NULL}, {&get_bodies, &ids, NULL}, {&get_answers, &sequences, NULL}};

	*same = true;
	if (!paging->scan->payloads || paging->count == 0) {
		paging->shown = paging->count;
		return LF_OK;
	}
	if (!choose(paging))
		return lf_error_set(paging->error, LF_UNAVAILABLE, "out of memory");
	lf_pg_put_array(&ids, &paging->ids);
	lf_pg_put_array(&sequences, &paging->sequences);
	if (lf_pg_ask(paging->reader, questions, 3, "reading decisions' bytes", paging->error) != LF_OK)
		return paging->error->code;
	paging->bodies = questions[1].result;
	paging->answers = questions[2].result;
	*same = PQntuples(questions[0].result) == 1 &&
		lf_pg_int(questions[0].result, 0, 0) == lf_pg_int(paging->rows, 0, P_REDACTED_TO);
	PQclear(questions[0].result);
	return LF_OK;
}

/*
 * The bytes that an answer has for a number. Most are asked for in the order of the answer or against it, so the
 * neighbours of the last one are looked at first.
 */
static bool find_bytes(const PGresult *result, int64_t number, int *hint, struct lf_bytes *bytes)
{
	const int count = PQntuples(result);
	int row = -1;

	for (int i = *hint - 1; i <= *hint + 1 && row < 0; i++)
		if (i >= 0 && i < count && lf_pg_int(result, i, 0) == number)
			row = i;
	for (int i = 0; i < count && row < 0; i++)
		if (lf_pg_int(result, i, 0) == number)
			row = i;
	if (row < 0)
		return false;
	bytes->data = lf_pg_bytes(result, row, 1, &bytes->length);
	*hint = row;
	return true;
}

static enum lf_code fill_bytes(struct paging *paging, struct lf_stored *row, int hints[3])
{
	const char *missing = NULL;

	if (!find_bytes(paging->answers, (int64_t)row->sequence, &hints[0], &row->answer))
		missing = "an answer";
	if (wants_body(paging, LF_PAYLOAD_TEAM, (int64_t)row->team_payload) &&
		!find_bytes(paging->bodies, (int64_t)row->team_payload, &hints[1], &row->team))
		missing = "a team";
	if (wants_body(paging, LF_PAYLOAD_PROJECT, (int64_t)row->project_payload) &&
		!find_bytes(paging->bodies, (int64_t)row->project_payload, &hints[2], &row->project))
		missing = "a project";
	return missing == NULL
		? LF_OK
		: lf_error_set(paging->error, LF_DATA_LOSS, "decision %llu refers to %s that is not stored",
			  (unsigned long long)row->sequence, missing);
}

/* ---- showing ---- */

static void show(struct paging *paging, bool (*visit)(void *context, const struct lf_stored *row), uint64_t *next)
{
	const struct lf_scan *scan = paging->scan;
	const size_t most = scan->bytes_max != 0 ? scan->bytes_max : LF_MESSAGE_BYTES_MAX;
	const bool looked_at_all = lf_pg_int(paging->rows, 0, P_LOOKED) < LOOKED_AT_MAX;
	int hints[3] = {0, 0, 0};
	size_t bytes = 0;
	bool go_on = true;
	int row = 0;

	for (; row < paging->shown && go_on && bytes < most; row++) {
		struct lf_stored stored;

		*next = after(paging, row);
		if (lf_pg_read_row(paging->rows, row, P_ROW, &stored, paging->error) != LF_OK)
			return;
		if (scan->payloads && fill_bytes(paging, &stored, hints) != LF_OK)
			return;
		bytes += stored.team.length + stored.project.length + stored.answer.length;
		go_on = visit(paging->context, &stored);
	}
	/* Every row that fits was shown: what is beyond them was looked at, or comes next. */
	if (row == paging->count && (size_t)paging->count < scan->limit && go_on && bytes < most)
		*next = looked_at_all ? 0 : after(paging, -1);
}

static void clear_answers(struct paging *paging)
{
	PQclear(paging->rows);
	PQclear(paging->bodies);
	PQclear(paging->answers);
	paging->rows = paging->bodies = paging->answers = NULL;
}

enum lf_code lf_pg_scan(struct lf_reader *reader, const struct lf_scan *scan,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct paging paging = {.reader = reader, .scan = scan, .context = context, .error = error};

	bool same = false;

	*next = 0;
	for (int tries = 0; !same && tries < TRIES; tries++) {
		clear_answers(&paging);
		if (read_rows(&paging) != LF_OK || read_bytes(&paging, &same) != LF_OK)
			break;
	}
	if (same && error->code == LF_OK)
		show(&paging, visit, next);
	else if (error->code == LF_OK)
		lf_error_set(error, LF_UNAVAILABLE, "something is erased all the time: read again");
	clear_answers(&paging);
	lf_pg_array_clean_up(&paging.ids);
	lf_pg_array_clean_up(&paging.sequences);
	return error->code;
}

/* ---- lists ---- */

struct listing {
	void (*visit)(void *context, const struct lf_stored *row);
	void *context;
};

static bool visit_listed(void *context, const struct lf_stored *row)
{
	const struct listing *listing = context;

	listing->visit(listing->context, row);
	return true;
}

enum lf_code lf_pg_list_decisions(struct lf_reader *reader, const struct lf_filter *filter,
	void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct listing listing = {visit, context};
	const struct lf_scan scan = {
		.team_id = filter->team_id,
		.project_id = filter->project_id,
		.candidate = filter->candidate,
		.rubric_name = filter->rubric_name,
		.outcome = filter->outcome,
		.since_us = filter->since_us,
		.until_us = filter->until_us,
		.newest_first = true,
		.from_sequence = filter->before_sequence != 0 ? filter->before_sequence - 1 : 0,
		.limit = filter->limit,
	};
	uint64_t from;

	*next = 0;
	if (filter->before_sequence == 1)
		return LF_OK;
	if (lf_pg_scan(reader, &scan, visit_listed, &listing, &from, error) != LF_OK)
		return error->code;
	*next = from != 0 ? from + 1 : 0;
	return LF_OK;
}
