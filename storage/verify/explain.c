/*
 * What an alteration was, as far as it can be told.
 *
 * A leaf is one hash, so that it does not match says nothing about where. But whoever alters a log mostly takes a value
 * from somewhere: another outcome, another name, another team that is there, a time that an id contradicts. So values
 * are tried, one column at a time: the one that gives the leaf's hash is what was recorded, as surely as SHA-256. Where
 * none does, what other leaves prove is left out of the suspicion.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/dates.h"
#include "storage/log/varint.h"
#include "storage/verify/private.h"

enum { AROUND = 64, FIELDS_MAX = 16, ID_MS_TRIED = 1000, NUMBERS_TRIED = 32 };

/* ---- a record as fields: protobuf's wire format, as leaves.c writes it ---- */

struct field {
	unsigned number;
	bool is_bytes;
	uint64_t value; /* where it is no bytes */
	struct lf_bytes bytes;
};

struct record {
	struct field fields[FIELDS_MAX];
	size_t count;
};

static bool read_varint(struct lf_bytes bytes, size_t *at, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 64 && *at < bytes.length; shift += 7) {
		const uint8_t byte = bytes.data[(*at)++];

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

static bool read_record(struct lf_bytes bytes, struct record *record)
{
	uint64_t tag, value;

	record->count = 0;
	for (size_t at = 0; at < bytes.length;) {
		struct field *field = &record->fields[record->count];

		if (record->count == FIELDS_MAX || !read_varint(bytes, &at, &tag) || !read_varint(bytes, &at, &value))
			return false;
		*field = (struct field){.number = (unsigned)(tag >> 3), .is_bytes = (tag & 7) == 2, .value = value};
		if (field->is_bytes) {
			if (value > bytes.length - at)
				return false;
			field->bytes = (struct lf_bytes){bytes.data + at, (size_t)value};
			at += (size_t)value;
		}
		record->count++;
	}
	return true;
}

static const struct field *field_of(const struct record *record, unsigned number)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->fields[i].number == number)
			return &record->fields[i];
	return NULL;
}

static size_t write_field(uint8_t *out, const struct field *field)
{
	size_t length;

	if (field->is_bytes ? field->bytes.length == 0 : field->value == 0)
		return 0;
	length = lf_varint_write(out, field->number << 3 | (field->is_bytes ? 2 : 0));
	length += lf_varint_write(out + length, field->is_bytes ? field->bytes.length : field->value);
	if (field->is_bytes) {
		memcpy(out + length, field->bytes.data, field->bytes.length);
		length += field->bytes.length;
	}
	return length;
}

/* The record with a field replaced, or put in. out has room for both and 32 bytes. */
static size_t write_record(uint8_t *out, const struct record *record, const struct field *replacement)
{
	size_t length = 0;
	bool done = false;

	for (size_t i = 0; i < record->count; i++) {
		if (!done && record->fields[i].number >= replacement->number) {
			length += write_field(out + length, replacement);
			done = true;
		}
		if (record->fields[i].number != replacement->number)
			length += write_field(out + length, &record->fields[i]);
	}
	return done ? length : length + write_field(out + length, replacement);
}

/* ---- which columns ---- */

enum sort { TEXT, NUMBER, DIGEST, TIME };
static const struct column {
	enum lf_leaf_kind kind; /* LF_LEAF_OUTCOME stands for every act */
	unsigned number;
	enum sort sort;
	const char *name;
} columns[] = {
	{LF_LEAF_DECISION, 3, TIME, "time"},
	{LF_LEAF_DECISION, 4, TEXT, "caller"},
	{LF_LEAF_DECISION, 5, TEXT, "team's name"},
	{LF_LEAF_DECISION, 6, TEXT, "project's name"},
	{LF_LEAF_DECISION, 7, TEXT, "rubric's name"},
	{LF_LEAF_DECISION, 8, NUMBER, "outcome"},
	{LF_LEAF_DECISION, 9, NUMBER, "purpose"},
	{LF_LEAF_DECISION, 10, TEXT, "recommendation"},
	{LF_LEAF_DECISION, 11, DIGEST, "list of candidates"},
	{LF_LEAF_RUBRIC, 1, TEXT, "name"},
	{LF_LEAF_RUBRIC, 3, TEXT, "caller"},
	{LF_LEAF_RUBRIC, 4, TIME, "time"},
	{LF_LEAF_ACTIVATION, 1, TEXT, "rubric's name"},
	{LF_LEAF_ACTIVATION, 2, TEXT, "caller"},
	{LF_LEAF_ACTIVATION, 3, TIME, "time"},
	{LF_LEAF_ACTIVATION, 4, DIGEST, "rubric that was active before"},
	{LF_LEAF_ACTIVATION, 5, DIGEST, "rubric that it made active"},
	{LF_LEAF_OUTCOME, 2, TEXT, "caller"},
	{LF_LEAF_OUTCOME, 3, TIME, "time"},
	{LF_LEAF_OUTCOME, 4, NUMBER, "decision"},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static bool applies(const struct column *column, enum lf_leaf_kind kind)
{
	return column->kind == kind || (column->kind == LF_LEAF_OUTCOME && kind > LF_LEAF_OUTCOME);
}

/* ---- trying ---- */

struct trial {
	struct lf_leaf_tools *tools;
	const struct lf_audit_row *row;
	const struct lf_leaf_state *state;
	struct record record;
	struct lf_rows around;
	uint8_t *scratch;
	char *text; /* LF_FINDING_TEXT_MAX */
};

static bool hash_is(const struct trial *trial, enum lf_leaf_kind kind, uint64_t number, int64_t time_us,
	const struct lf_digest *parts)
{
	struct lf_digest hash;

	return lf_leaf_of_parts(trial->row, kind, number, time_us, parts, &hash) &&
		lf_digest_equal(&hash, &trial->row->hash);
}

/*
 * Whether the leaf is that of the record with this field. A record that was replaced has no other commitment than its
 * original.
 */
static bool field_is(const struct trial *trial, const struct field *field, int64_t time_us)
{
	struct lf_digest parts[LF_LEAF_PARTS_MAX];

	memcpy(parts, trial->state->parts, sizeof(parts));
	if (!trial->row->redacted) {
		const size_t length = write_record(trial->scratch, &trial->record, field);

		lf_commit(&trial->row->salt, trial->scratch, length, &parts[0]);
	}
	return hash_is(trial, trial->row->kind, trial->row->number, time_us, parts);
}

static void show(const struct column *column, const struct field *field, char text[80])
{
	if (field == NULL || (field->is_bytes ? field->bytes.length == 0 : field->value == 0))
		snprintf(text, 80, "%s", column->sort == NUMBER ? "0" : "none");
	else if (column->sort == TEXT)
		snprintf(text, 80, "\"%.*s\"", (int)(field->bytes.length < 70 ? field->bytes.length : 70),
			(const char *)field->bytes.data);
	else if (column->sort == DIGEST)
		snprintf(text, 80, "another one");
	else
		snprintf(text, 80, "%" PRIu64, field->value);
}

static bool try_field(const struct trial *trial, const struct column *column, const struct field *field)
{
	const struct field *stored = field_of(&trial->record, column->number);
	char was[80], is[80];

	if (!field_is(trial, field, trial->row->time_us))
		return false;
	show(column, field, was);
	show(column, stored, is);
	if (column->sort == DIGEST)
		snprintf(
			trial->text, LF_FINDING_TEXT_MAX, "its %s was altered: another one was recorded", column->name);
	else
		snprintf(trial->text, LF_FINDING_TEXT_MAX, "its %s was altered: %s was recorded, and it is %s now",
			column->name, was, is);
	return true;
}

static bool try_numbers(const struct trial *trial, const struct column *column)
{
	const struct field *stored = field_of(&trial->record, column->number);
	const uint64_t now = stored != NULL ? stored->value : 0, low = now > NUMBERS_TRIED ? now - NUMBERS_TRIED : 0;

	for (uint64_t value = low; value <= low + 2 * NUMBERS_TRIED; value++)
		if (value != now && try_field(trial, column, &(struct field){.number = column->number, .value = value}))
			return true;
	return false;
}

/* Texts and digests of the records around, and none. */
static bool try_bytes(const struct trial *trial, const struct column *column)
{
	struct record other;

	if (try_field(trial, column, &(struct field){.number = column->number, .is_bytes = true}))
		return true;
	for (size_t i = 0; i < trial->around.count; i++) {
		const struct lf_audit_row *row = &trial->around.rows[i];

		if (row->missing != NULL || !read_record(row->record, &other))
			continue;
		for (size_t j = 0; j < other.count; j++) {
			struct field field = other.fields[j];

			field.number = column->number;
			if (field.is_bytes &&
				(column->sort == DIGEST ? field.bytes.length == 32 : field.bytes.length <= 128) &&
				try_field(trial, column, &field))
				return true;
		}
	}
	return false;
}

static bool try_time(const struct trial *trial, const struct column *column, int64_t time_us)
{
	const struct field field = {.number = column->number, .value = (uint64_t)time_us};
	char was[LF_TIME_TEXT_BYTES], is[LF_TIME_TEXT_BYTES];

	if (!field_is(trial, &field, time_us))
		return false;
	lf_print_time(time_us, was);
	lf_print_time(trial->row->time_us, is);
	snprintf(trial->text, LF_FINDING_TEXT_MAX, "its time was altered: %s was recorded, and it is %s now", was, is);
	return true;
}

/* The milliseconds that a decision's id has in it, and the times of the records around. */
static bool try_times(const struct trial *trial, const struct column *column)
{
	int64_t ms = 0;

	for (size_t i = 0; i < trial->around.count; i++)
		if (trial->around.rows[i].missing == NULL && try_time(trial, column, trial->around.rows[i].time_us))
			return true;
	for (size_t i = 0; i < 6; i++)
		ms = ms << 8 | trial->row->decision.bytes[i];
	for (int64_t us = 0; trial->row->kind == LF_LEAF_DECISION && us < ID_MS_TRIED; us++)
		if (try_time(trial, column, ms * 1000 + us))
			return true;
	return false;
}

static bool try_columns(const struct trial *trial)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct column *column = &columns[i];

		if (!applies(column, trial->row->kind))
			continue;
		if (column->sort == TIME                 ? try_times(trial, column)
				: column->sort == NUMBER ? try_numbers(trial, column)
							 : try_bytes(trial, column))
			return true;
	}
	return false;
}

/* Another kind, or another payload of those that the records around have. */
static bool try_leaf(const struct trial *trial)
{
	const struct lf_audit_row *row = trial->row;
	struct lf_digest parts[LF_LEAF_PARTS_MAX];

	for (int kind = 1; kind <= LF_LEAF_KIND_MAX; kind++)
		if (hash_is(trial, (enum lf_leaf_kind)kind, row->number, row->time_us, trial->state->parts)) {
			snprintf(trial->text, LF_FINDING_TEXT_MAX, "its kind was altered: it was recorded as %s",
				lf_leaf_kind_name((enum lf_leaf_kind)kind));
			return true;
		}
	for (size_t i = 0; i < trial->around.count; i++)
		for (size_t j = 0; j < row->payload_count; j++) {
			const struct lf_audit_row *other = &trial->around.rows[i];
			struct lf_stored_payload *payload;

			if (other->missing != NULL || other->kind != row->kind ||
				other->payloads[j].id == row->payloads[j].id)
				continue;
			payload = lf_payload_cache_find(
				&trial->tools->payloads, trial->tools->log, other->payloads[j].id, NULL);
			memcpy(parts, trial->state->parts, sizeof(parts));
			if (other->payloads[j].redacted)
				parts[1 + j] = other->payloads[j].original;
			else if (payload != NULL && payload->there)
				parts[1 + j] = payload->commitment;
			if (!hash_is(trial, row->kind, row->number, row->time_us, parts))
				continue;
			snprintf(trial->text, LF_FINDING_TEXT_MAX,
				"its %s was exchanged: payload %" PRIu64 " was recorded, and it is %" PRIu64 " now",
				lf_part_name(row->kind, j), other->payloads[j].id, row->payloads[j].id);
			return true;
		}
	return false;
}

/* Whether the leaf is that of what now stands at another one: as it is, or under this one's number. */
static bool try_others(const struct trial *trial)
{
	const struct lf_audit_row *row = trial->row;
	struct lf_leaf_state state;
	struct record record;

	for (size_t i = 0; i < trial->around.count; i++) {
		const struct lf_audit_row *other = &trial->around.rows[i];
		bool moved;
		uint8_t *bytes;

		if (other->position == row->position || other->missing != NULL || other->kind != row->kind)
			continue;
		if (lf_leaf_work_out(trial->tools, other, &state, NULL) != LF_OK)
			continue;
		moved = lf_digest_equal(&state.hash, &row->hash);
		bytes = !moved && row->kind == LF_LEAF_DECISION && read_record(other->record, &record)
			? malloc(other->record.length + 32)
			: NULL;
		if (bytes != NULL) {
			const struct field number = {.number = 1, .value = row->number};

			lf_commit(&other->salt, bytes, write_record(bytes, &record, &number), &state.parts[0]);
			moved = lf_leaf_of_parts(
					other, row->kind, row->number, other->time_us, state.parts, &state.hash) &&
				lf_digest_equal(&state.hash, &row->hash);
			free(bytes);
		}
		if (!moved)
			continue;
		snprintf(trial->text, LF_FINDING_TEXT_MAX,
			"it was moved: what was recorded here stands at position %" PRIu64 " now", other->position);
		return true;
	}
	return false;
}

/* ---- where nothing fits ---- */

static void add(char *text, size_t size, const char *part)
{
	const size_t length = strlen(text);

	snprintf(text + length, size - length, "%s", part);
}

static void suspect(const struct trial *trial)
{
	const struct lf_audit_row *row = trial->row;
	const char *own = row->kind == LF_LEAF_DECISION
		? "its own columns (id, caller, names, recommendation, candidates, request or answer), its salt"
		: row->kind == LF_LEAF_RUBRIC     ? "its own columns (name, title, caller), its salt"
		: row->kind == LF_LEAF_ACTIVATION ? "its own columns (name, caller, rubrics), its salt"
						  : "its own columns (caller, decision, body), its salt";
	char text[LF_FINDING_TEXT_MAX] = "";

	add(text, sizeof(text), "what is stored is not what was recorded: altered were ");
	add(text, sizeof(text), row->redacted ? "the commitment of what was erased or pruned" : own);
	if (row->pair_count > 0 || row->kind == LF_LEAF_ERASURE || row->kind == LF_LEAF_PRUNING)
		add(text, sizeof(text), ", its pairs");
	for (size_t i = 0; i < row->payload_count; i++) {
		const struct lf_stored_payload *payload =
			lf_payload_cache_find(&trial->tools->payloads, trial->tools->log, row->payloads[i].id, NULL);
		char part[64];

		if (payload != NULL && payload->proved && !row->payloads[i].redacted)
			continue;
		snprintf(part, sizeof(part), ", the bytes or salt of its %s", lf_part_name(row->kind, i));
		add(text, sizeof(text), part);
	}
	add(text, sizeof(text), ", or its leaf");
	snprintf(trial->text, LF_FINDING_TEXT_MAX, "%s", text);
}

void lf_leaf_explain(struct lf_leaf_tools *tools, const struct lf_audit_row *row, const struct lf_leaf_state *state,
	char text[LF_FINDING_TEXT_MAX])
{
	struct trial trial = {.tools = tools, .row = row, .state = state, .text = text};
	const uint64_t first = row->position > AROUND ? row->position - AROUND : 0;

	trial.scratch = malloc(row->record.length + 512); /* a text of at most 128 bytes is put in */
	if (trial.scratch == NULL || !read_record(row->record, &trial.record) ||
		lf_rows_read(&trial.around, tools->log, first, 2 * AROUND, NULL) != LF_OK ||
		!(try_leaf(&trial) || try_columns(&trial) || try_others(&trial)))
		suspect(&trial);
	lf_rows_clean_up(&trial.around);
	free(trial.scratch);
}
