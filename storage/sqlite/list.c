/*
 * Lists of decisions, newest first.
 *
 * A list is driven by one or several chains (of a team, a project, or every list of candidates that a person is in) or,
 * without such a filter, by the sequence itself. The other filters are looked at row by row. Chains are entered in the
 * middle through the skip table, so a page costs the same wherever it starts. One call looks at a bounded number of
 * rows for a bounded time; that it then ends early is what *next is for.
 */
#include <string.h>

#include "proto/base/clock.h"
#include "storage/sqlite/private.h"

enum {
	ROWS_LOOKED_AT_MAX = 50000,
	/*
	 * Lists of candidates merged in one call. A person in more of them is found by going through the sequence
	 * instead: to enter each chain costs some ten reads.
	 */
	CHAINS_MAX = 256,
};

/* Which *_previous column to follow; also its place among the columns of R_PEEK. PEEK_RUBRIC is the one after them. */
enum link { LINK_TEAM = 4, LINK_PROJECT = 5, LINK_CANDIDATES = 6, LINK_SEQUENCE };
enum { PEEK_RUBRIC = 7 };

struct cursor {
	int64_t next; /* the decision to look at; 0 at the end */
};

struct listing {
	struct lf_reader *reader;
	const struct lf_filter *filter;
	struct lf_error *error;
	int64_t team, project, candidate; /* name rows; 0 = any */
	struct lf_rubric_filter rubric;
	int64_t below, from; /* sequences: from <= s < below */
	enum link link;
	struct cursor cursors[CHAINS_MAX];
	size_t cursor_count;
	int64_t list_seen; /* the last list of candidates asked about, and the answer */
	bool list_fits;
};

/* What R_PEEK says about a decision. */
struct peek {
	int64_t outcome, team, project, candidates, rubric;
	int64_t previous[LINK_SEQUENCE]; /* by link */
};

static enum lf_code failed(struct listing *listing, int result)
{
	return lf_sqlite_error(listing->error, listing->reader->db, result, "listing decisions");
}

static enum lf_code first_column(struct listing *listing, sqlite3_stmt *statement, int64_t *value)
{
	return lf_sqlite_first_column(listing->reader, statement, value, listing->error);
}

static enum lf_code peek_at(struct listing *listing, int64_t sequence, struct peek *peek, bool *there)
{
	sqlite3_stmt *statement = listing->reader->statements[R_PEEK];
	int result;

	sqlite3_bind_int64(statement, 1, sequence);
	result = sqlite3_step(statement);
	*there = result == SQLITE_ROW;
	if (*there) {
		peek->outcome = sqlite3_column_int64(statement, 0);
		peek->team = sqlite3_column_int64(statement, 1);
		peek->project = sqlite3_column_int64(statement, 2);
		peek->candidates = sqlite3_column_int64(statement, 3);
		peek->rubric = sqlite3_column_int64(statement, PEEK_RUBRIC);
		for (int link = LINK_TEAM; link < LINK_SEQUENCE; link++)
			peek->previous[link] = sqlite3_column_int64(statement, link);
	}
	sqlite3_reset(statement);
	return result == SQLITE_ROW || result == SQLITE_DONE ? LF_OK : failed(listing, result);
}

/* Follows a chain one step. A chain only ever falls: anything else is damage, and could go on for ever. */
static enum lf_code follow(struct listing *listing, int64_t sequence, enum link link, int64_t *previous)
{
	struct peek peek;
	bool there;

	if (peek_at(listing, sequence, &peek, &there) != LF_OK)
		return listing->error->code;
	if (!there || peek.previous[link] >= sequence || peek.previous[link] < 0)
		return lf_error_set(
			listing->error, LF_DATA_LOSS, "the chain through decision %lld is broken", (long long)sequence);
	*previous = peek.previous[link];
	return LF_OK;
}

/* ---- where to start ---- */

static enum lf_code set_bounds(struct listing *listing)
{
	const struct lf_filter *filter = listing->filter;
	int64_t last, bound;

	if (first_column(listing, listing->reader->statements[R_LAST], &last) != LF_OK)
		return listing->error->code;
	listing->from = 1;
	listing->below = last + 1;
	if (filter->before_sequence > 0 && filter->before_sequence <= (uint64_t)last)
		listing->below = (int64_t)filter->before_sequence;
	if (filter->since_us != INT64_MIN) {
		if (lf_sqlite_sequence_at(listing->reader, filter->since_us, last, &listing->from, listing->error) !=
			LF_OK)
			return listing->error->code;
	}
	if (filter->until_us != INT64_MAX) {
		if (lf_sqlite_sequence_at(listing->reader, filter->until_us, last, &bound, listing->error) != LF_OK)
			return listing->error->code;
		if (bound < listing->below)
			listing->below = bound;
	}
	return LF_OK;
}

/* Enters the chain of entity below listing->below. */
static enum lf_code enter_chain(struct listing *listing, int64_t entity)
{
	sqlite3_stmt *chain = listing->reader->statements[R_CHAIN], *skip = listing->reader->statements[R_SKIP];
	struct cursor *cursor = &listing->cursors[listing->cursor_count];
	int64_t at, near;

	sqlite3_bind_int64(chain, 1, entity);
	if (first_column(listing, chain, &at) != LF_OK)
		return listing->error->code;
	if (at >= listing->below) {
		sqlite3_bind_int64(skip, 1, entity);
		sqlite3_bind_int64(skip, 2, listing->below);
		if (first_column(listing, skip, &near) != LF_OK)
			return listing->error->code;
		if (near != 0)
			at = near;
	}
	while (at >= listing->below)
		if (follow(listing, at, listing->link, &at) != LF_OK)
			return listing->error->code;
	if (at >= listing->from) {
		cursor->next = at;
		listing->cursor_count++;
	}
	return LF_OK;
}

/* Through every list of candidates that the person is in; *many where they are too many. */
static enum lf_code enter_candidate(struct listing *listing, bool *many)
{
	sqlite3_stmt *lists = listing->reader->statements[R_LISTS];
	int64_t entities[CHAINS_MAX + 1];
	size_t count = 0;
	int result;

	sqlite3_bind_int64(lists, 1, listing->candidate);
	sqlite3_bind_int(lists, 2, CHAINS_MAX + 1);
	while ((result = sqlite3_step(lists)) == SQLITE_ROW && count <= CHAINS_MAX)
		entities[count++] = sqlite3_column_int64(lists, 0);
	sqlite3_reset(lists);
	if (result != SQLITE_DONE && result != SQLITE_ROW)
		return failed(listing, result);
	*many = count > CHAINS_MAX;
	listing->link = LINK_CANDIDATES;
	for (size_t i = 0; i < count && !*many; i++)
		if (enter_chain(listing, entities[i]) != LF_OK)
			return listing->error->code;
	return LF_OK;
}

static enum lf_code count_of(struct listing *listing, int64_t entity, int64_t *count)
{
	sqlite3_stmt *chain = listing->reader->statements[R_CHAIN];
	int result;

	sqlite3_bind_int64(chain, 1, entity);
	result = sqlite3_step(chain);
	*count = result == SQLITE_ROW ? sqlite3_column_int64(chain, 1) : 0;
	sqlite3_reset(chain);
	return result == SQLITE_ROW || result == SQLITE_DONE ? LF_OK : failed(listing, result);
}

/* Chooses the shortest way through. */
static enum lf_code enter(struct listing *listing)
{
	int64_t of_team = INT64_MAX, of_project = INT64_MAX;
	bool many = false;

	if ((listing->team != 0 && count_of(listing, listing->team, &of_team) != LF_OK) ||
		(listing->project != 0 && count_of(listing, listing->project, &of_project) != LF_OK))
		return listing->error->code;
	if (listing->team != 0 && of_team <= of_project) {
		listing->link = LINK_TEAM;
		return enter_chain(listing, listing->team);
	}
	if (listing->project != 0) {
		listing->link = LINK_PROJECT;
		return enter_chain(listing, listing->project);
	}
	if (listing->candidate != 0) {
		if (enter_candidate(listing, &many) != LF_OK || !many)
			return listing->error->code;
	}
	listing->link = LINK_SEQUENCE;
	if (listing->below > listing->from)
		listing->cursors[listing->cursor_count++].next = listing->below - 1;
	return LF_OK;
}

/* ---- going through ---- */

/* The cursor at the newest decision, or NULL at the end. */
static struct cursor *newest(struct listing *listing)
{
	struct cursor *best = NULL;

	for (size_t i = 0; i < listing->cursor_count; i++)
		if (listing->cursors[i].next >= listing->from &&
			(best == NULL || listing->cursors[i].next > best->next))
			best = &listing->cursors[i];
	return best;
}

static enum lf_code fits(struct listing *listing, const struct peek *peek, bool *fit)
{
	const struct lf_filter *filter = listing->filter;
	int64_t member;

	*fit = (filter->outcome == 0 || peek->outcome == (int64_t)filter->outcome) &&
		(listing->team == 0 || peek->team == listing->team) &&
		(listing->project == 0 || peek->project == listing->project);
	if (*fit &&
		lf_sqlite_rubric_fits(listing->reader, &listing->rubric, peek->rubric, fit, listing->error) != LF_OK)
		return listing->error->code;
	if (!*fit || listing->candidate == 0 || listing->link == LINK_CANDIDATES)
		return LF_OK;
	if (peek->candidates != listing->list_seen) {
		sqlite3_stmt *statement = listing->reader->statements[R_MEMBER];

		sqlite3_bind_int64(statement, 1, listing->candidate);
		sqlite3_bind_int64(statement, 2, peek->candidates);
		if (first_column(listing, statement, &member) != LF_OK)
			return listing->error->code;
		listing->list_seen = peek->candidates;
		listing->list_fits = member != 0;
	}
	*fit = listing->list_fits;
	return LF_OK;
}

static enum lf_code show(struct listing *listing, int64_t sequence,
	void (*visit)(void *context, const struct lf_stored *row), void *context)
{
	sqlite3_stmt *statement = listing->reader->statements[R_ROW];
	struct lf_stored row;
	enum lf_code code = LF_OK;
	int result;

	sqlite3_bind_int64(statement, 1, sequence);
	result = sqlite3_step(statement);
	if (result != SQLITE_ROW)
		code = failed(listing, result == SQLITE_DONE ? SQLITE_CORRUPT : result);
	else if ((code = lf_sqlite_fill_row(statement, &row, listing->error)) == LF_OK)
		visit(context, &row);
	sqlite3_reset(statement);
	return code;
}

static enum lf_code walk(struct listing *listing, void (*visit)(void *context, const struct lf_stored *row),
	void *context, uint64_t *next)
{
	uint64_t start_ns;
	struct cursor *cursor;
	size_t shown = 0, looked_at = 0;
	int64_t at = 0;
	bool fit;

	start_ns = lf_clock_ns();
	while ((cursor = newest(listing)) != NULL) {
		struct peek peek;
		bool there;

		if (shown == listing->filter->limit || looked_at == ROWS_LOOKED_AT_MAX ||
			(looked_at > 0 && looked_at % 16 == 0 && lf_sqlite_time_is_up(start_ns)))
			break;
		at = cursor->next;
		looked_at++;
		if (peek_at(listing, at, &peek, &there) != LF_OK)
			return listing->error->code;
		cursor->next = !there || listing->link == LINK_SEQUENCE ? at - 1 : peek.previous[listing->link];
		if (cursor->next >= at || (!there && listing->link != LINK_SEQUENCE))
			return lf_error_set(listing->error, LF_DATA_LOSS, "the chain through decision %lld is broken",
				(long long)at);
		if (!there)
			continue;
		if (fits(listing, &peek, &fit) != LF_OK || (fit && show(listing, at, visit, context) != LF_OK))
			return listing->error->code;
		shown += fit;
	}
	*next = cursor != NULL ? (uint64_t)at : 0;
	return LF_OK;
}

enum lf_code lf_sqlite_list(struct lf_reader *reader, const struct lf_filter *filter,
	void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct listing listing = {.reader = reader, .filter = filter, .error = error};
	bool none = false;
	const int result = lf_sqlite_begin_reading(reader);

	if (result != SQLITE_OK)
		return failed(&listing, result);
	if (lf_sqlite_find_name(reader, LF_NAME_TEAM, filter->team_id, &listing.team, &none, error) != LF_OK ||
		lf_sqlite_find_name(reader, LF_NAME_PROJECT, filter->project_id, &listing.project, &none, error) !=
			LF_OK ||
		lf_sqlite_find_name(reader, LF_NAME_CANDIDATE, filter->candidate, &listing.candidate, &none, error) !=
			LF_OK ||
		lf_sqlite_find_name(reader, LF_NAME_RUBRIC, filter->rubric_name, &listing.rubric.name, &none, error) !=
			LF_OK)
		goto end;
	if (none)
		*next = 0;
	else if (set_bounds(&listing) == LF_OK && enter(&listing) == LF_OK)
		walk(&listing, visit, context, next);
end:
	lf_sqlite_end_reading(reader);
	return error->code;
}
