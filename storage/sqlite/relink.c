/*
 * Decisions that go from one list of candidates to another.
 *
 * A chain runs from its newest decision down, and has no way up. The decision after a given one is found by going down
 * from the skip above it, so the skips must stay close: one whose decision leaves goes on to the next decision above,
 * and a walk that finds too few of them lays new ones. Chains of redacted lists therefore have their skips at other
 * places than every 64th; that each is a decision of the chain is all that readers need.
 */
#include "storage/sqlite/private.h"

/* The first column of a bound statement: SQLITE_OK; SQLITE_DONE where there is no row, and *value is 0. */
static int first_column(sqlite3_stmt *statement, int64_t *value)
{
	const int result = sqlite3_step(statement);

	*value = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_reset(statement);
	return result == SQLITE_ROW ? SQLITE_OK : result;
}

static int run_with(sqlite3_stmt *statement, int64_t first, int64_t second)
{
	sqlite3_bind_int64(statement, 1, first);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_int64(statement, 2, second);
	return lf_sqlite_run(statement);
}

/* A chain's newest decision and its count; both 0 where there is none. */
static int read_chain(struct lf_redactor *redactor, int64_t entity, int64_t *last, int64_t *count)
{
	sqlite3_stmt *find = redactor->store->statements[W_CHAIN_FIND];
	int result;

	sqlite3_bind_int64(find, 1, entity);
	result = sqlite3_step(find);
	*last = result == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
	*count = result == SQLITE_ROW ? sqlite3_column_int64(find, 1) : 0;
	sqlite3_reset(find);
	return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

static int write_chain(struct lf_redactor *redactor, int64_t entity, int64_t last, int64_t count)
{
	sqlite3_stmt *set = redactor->store->statements[W_CHAIN_SET];

	sqlite3_bind_int64(set, 1, entity);
	sqlite3_bind_int64(set, 2, last);
	sqlite3_bind_int64(set, 3, count);
	return lf_sqlite_run(set);
}

static int previous_of(struct lf_redactor *redactor, int64_t sequence, int64_t *previous)
{
	sqlite3_stmt *find = redactor->statements[E_PREVIOUS];
	int result;

	sqlite3_bind_int64(find, 1, sequence);
	result = first_column(find, previous);
	if (result != SQLITE_OK)
		return result == SQLITE_DONE ? LF_SQLITE_CONTRADICTION : result;
	return *previous >= 0 && *previous < sequence ? SQLITE_OK
						      : LF_SQLITE_CONTRADICTION; /* else it could go on for ever */
}

/* The oldest decision of the chain after sequence, and the one before that; last is the newest, and after sequence. */
static int find_next(
	struct lf_redactor *redactor, int64_t entity, int64_t last, int64_t sequence, int64_t *next, int64_t *before)
{
	sqlite3_stmt *skip = redactor->statements[E_SKIP_NEXT];
	int64_t at;
	int result;

	sqlite3_bind_int64(skip, 1, entity);
	sqlite3_bind_int64(skip, 2, sequence);
	result = first_column(skip, &at);
	if (result != SQLITE_OK && result != SQLITE_DONE)
		return result;
	if (at == 0)
		at = last;
	for (size_t steps = 1;; steps++) {
		result = previous_of(redactor, at, before);
		if (result != SQLITE_OK)
			return result;
		if (*before <= sequence)
			break;
		at = *before;
		if (steps % LF_SQLITE_SKIP == 0)
			result = run_with(redactor->statements[E_SKIP_ADD], entity, at);
		if (result != SQLITE_OK)
			return result;
	}
	*next = at;
	return SQLITE_OK;
}

int lf_sqlite_chain_insert(struct lf_redactor *redactor, int64_t entity, int64_t sequence, int64_t *previous)
{
	int64_t last, count, next;
	int result = read_chain(redactor, entity, &last, &count);

	if (result != SQLITE_OK)
		return result;
	if (last > sequence) {
		result = find_next(redactor, entity, last, sequence, &next, previous);
		if (result == SQLITE_OK)
			result = *previous == sequence ? LF_SQLITE_CONTRADICTION
						       : run_with(redactor->statements[E_PREVIOUS_SET], next, sequence);
	} else {
		*previous = last;
		last = sequence;
		if ((count + 1) % LF_SQLITE_SKIP == 0)
			result = run_with(redactor->statements[E_SKIP_ADD], entity, sequence);
	}
	return result == SQLITE_OK ? write_chain(redactor, entity, last, count + 1) : result;
}

/* ---- lists and people that nothing refers to any more ---- */

/* Later items of the redaction may make the same name again. */
static int forget_name(struct lf_redactor *redactor, int64_t id)
{
	sqlite3_stmt *drop = redactor->statements[E_NAME_DROP];
	int result;

	sqlite3_bind_int64(drop, 1, id);
	while ((result = sqlite3_step(drop)) == SQLITE_ROW) {
		const struct lf_bytes value = lf_sqlite_column_bytes(drop, 1);

		if (value.data != NULL)
			lf_id_cache_drop(
				redactor->store->ids, (uint8_t)sqlite3_column_int(drop, 0), value.data, value.length);
	}
	sqlite3_reset(drop);
	return result == SQLITE_DONE ? SQLITE_OK : result;
}

static int forget_person(struct lf_redactor *redactor, int64_t person)
{
	int64_t found;
	int result;

	sqlite3_bind_int64(redactor->statements[E_MEMBER_ANY], 1, person);
	result = first_column(redactor->statements[E_MEMBER_ANY], &found);
	return result == SQLITE_DONE ? forget_name(redactor, person) : result;
}

static int forget_list(struct lf_redactor *redactor, int64_t entity)
{
	static const enum lf_redact_statement drops[] = {E_CHAIN_DROP, E_SKIPS_DROP, E_MEMBERS_DROP};
	sqlite3_stmt *members = redactor->statements[E_MEMBERS];
	int64_t people[LF_MEMBERS_MAX];
	size_t count = 0;
	int result;

	sqlite3_bind_int64(members, 1, entity);
	while ((result = sqlite3_step(members)) == SQLITE_ROW && count < LF_MEMBERS_MAX)
		people[count++] = sqlite3_column_int64(members, 0);
	sqlite3_reset(members);
	if (result != SQLITE_DONE)
		return result == SQLITE_ROW ? LF_SQLITE_CONTRADICTION : result;
	result = SQLITE_OK;
	for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]) && result == SQLITE_OK; i++)
		result = run_with(redactor->statements[drops[i]], entity, 0);
	if (result == SQLITE_OK)
		result = forget_name(redactor, entity);
	for (size_t i = 0; i < count && result == SQLITE_OK; i++)
		result = forget_person(redactor, people[i]);
	return result;
}

int lf_sqlite_chain_remove(struct lf_redactor *redactor, int64_t entity, int64_t sequence, int64_t previous)
{
	int64_t last, count, next = 0, before = sequence;
	int result = read_chain(redactor, entity, &last, &count);

	if (result == SQLITE_OK && last > sequence) {
		result = find_next(redactor, entity, last, sequence, &next, &before);
		if (result == SQLITE_OK && before == sequence)
			result = run_with(redactor->statements[E_PREVIOUS_SET], next, previous);
	}
	if (result != SQLITE_OK || last < sequence || before != sequence || count < 1 || (count == 1 && previous != 0))
		return result != SQLITE_OK ? result : LF_SQLITE_CONTRADICTION;
	if (count == 1)
		return forget_list(redactor, entity);
	result = run_with(redactor->statements[E_SKIP_DROP], entity, sequence);
	if (result == SQLITE_OK && next != 0 && sqlite3_changes(redactor->store->db) > 0)
		result = run_with(redactor->statements[E_SKIP_ADD], entity, next);
	return result == SQLITE_OK ? write_chain(redactor, entity, next != 0 ? last : previous, count - 1) : result;
}
