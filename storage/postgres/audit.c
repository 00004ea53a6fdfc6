/*
 * What is stored for each leaf: a slice of leaves, and the records of each kind that they refer to, in one snapshot and
 * one round trip. Nothing is trusted and nothing is judged: what is missing is named, the rest is given as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/postgres/record.h"

#define SLICE "(SELECT * FROM leadfit.leaf WHERE position >= $1 ORDER BY position LIMIT $2) l"
#define END " ORDER BY l.position"

static const struct lf_pg_statement read_size = {
	"audit_size", "SELECT coalesce((SELECT size FROM leadfit.head ORDER BY previous DESC LIMIT 1), 0)"};
/* How many leaves a slice has, and of how many the records fit into one answer. */
static const struct lf_pg_statement read_fitting = {"audit_fitting",
	"SELECT count(*), count(*) FILTER (WHERE before < " LF_PG_BYTES_MAX
	") FROM (SELECT sum(bytes) OVER (ORDER BY position) - bytes AS before FROM (SELECT l.position,"
	" coalesce(octet_length(d.answer), 0) + coalesce(octet_length(a.body), 0) + coalesce(octet_length(a.pairs), 0)"
	" AS bytes FROM " SLICE " LEFT JOIN leadfit.decision d ON l.kind = 1 AND d.sequence = l.record"
	" LEFT JOIN leadfit.act a ON l.kind >= 4 AND a.id = l.record" END ") each) sums"};
static const struct lf_pg_statement read_leaves = {"audit_leaves", "SELECT l.position, l.kind, l.hash FROM " SLICE END};
static const struct lf_pg_statement read_records[LF_PG_TABLES] = {
	[LF_PG_T_DECISION] = {"audit_decisions",
		"SELECT l.position," LF_PG_DECISION_COLUMNS " FROM " SLICE
		" JOIN leadfit.decision d ON l.kind = 1 AND d.sequence = l.record" LF_PG_DECISION_JOINS END},
	[LF_PG_T_RUBRIC] = {"audit_rubrics",
		"SELECT l.position," LF_PG_RUBRIC_COLUMNS " FROM " SLICE
		" JOIN leadfit.rubric r ON l.kind = 2 AND r.payload = l.record" LF_PG_RUBRIC_JOINS END},
	[LF_PG_T_ACTIVATION] = {"audit_activations",
		"SELECT l.position," LF_PG_ACTIVATION_COLUMNS " FROM " SLICE
		" JOIN leadfit.activation a ON l.kind = 3 AND a.position = l.record" LF_PG_ACTIVATION_JOINS END},
	[LF_PG_T_ACT] = {"audit_acts",
		"SELECT l.position," LF_PG_ACT_COLUMNS " FROM " SLICE
		" JOIN leadfit.act a ON l.kind >= 4 AND a.id = l.record" LF_PG_ACT_JOINS END},
};

/* Leaves in one answer at most. */
enum { LEAVES_MAX = 128 };

enum { Q_SIZE, Q_LEAVES, Q_RECORDS, QUESTIONS = Q_RECORDS + LF_PG_TABLES };

struct audit {
	struct lf_reader *reader;
	struct lf_pg_question questions[QUESTIONS];
	int rows[LF_PG_TABLES]; /* of each answer with records: the next to look at */
	int leaf;               /* likewise of the leaves */
	struct lf_pg_record record;
	struct lf_audit_row row;
};

static enum lf_pg_table table_of(int64_t kind)
{
	if (kind == LF_LEAF_DECISION)
		return LF_PG_T_DECISION;
	if (kind == LF_LEAF_RUBRIC)
		return LF_PG_T_RUBRIC;
	if (kind == LF_LEAF_ACTIVATION)
		return LF_PG_T_ACTIVATION;
	return kind >= LF_LEAF_OUTCOME && kind <= LF_LEAF_KIND_MAX ? LF_PG_T_ACT : LF_PG_TABLES;
}

/* The canonical bytes, in the reader's own memory. */
static bool fill_bytes(struct audit *audit)
{
	struct lf_reader *reader = audit->reader;
	const size_t length = lf_pg_record_bytes(&audit->record, NULL);

	if (length > reader->record_size) {
		uint8_t *grown = malloc(length + length / 2);

		if (grown == NULL)
			return false;
		free(reader->record);
		reader->record = grown;
		reader->record_size = length + length / 2;
	}
	lf_pg_record_bytes(&audit->record, reader->record);
	audit->row.record = (struct lf_bytes){reader->record, length};
	return true;
}

/* Its record, which is the next one of its table's answer or missing. false: out of memory. */
static bool fill_record(struct audit *audit, int64_t kind)
{
	struct lf_audit_row *row = &audit->row;
	struct lf_pg_record *record = &audit->record;
	const enum lf_pg_table table = table_of(kind);
	const PGresult *result;

	if (table == LF_PG_TABLES) {
		row->missing = "its kind";
		return true;
	}
	result = audit->questions[Q_RECORDS + (int)table].result;
	if (audit->rows[table] >= PQntuples(result) ||
		lf_pg_int(result, audit->rows[table], 0) != (int64_t)row->position) {
		row->missing = "its row";
		return true;
	}
	lf_pg_read_record(result, audit->rows[table]++, 1, table, record);
	row->missing = record->missing;
	if (row->missing != NULL)
		return true;
	row->number = table == LF_PG_T_DECISION ? (uint64_t)record->key : row->position;
	row->time_us = record->time_us;
	row->salt = record->salt;
	/* A rubric's payload is what has a commitment of before, not its record. */
	row->redacted = record->redacted;
	row->original = record->original;
	row->payload_count = record->payload_count;
	memcpy(row->payloads, record->payloads, sizeof(row->payloads));
	row->pair_count = record->pairs.length / (2 * sizeof(*row->pairs));
	row->pairs = row->pair_count > 0 ? (const struct lf_digest *)(const void *)record->pairs.data : NULL;
	if (table == LF_PG_T_DECISION)
		memcpy(&row->decision, record->id, sizeof(row->decision));
	return fill_bytes(audit);
}

static bool fill_leaf(struct audit *audit)
{
	const PGresult *leaves = audit->questions[Q_LEAVES].result;
	const int64_t kind = lf_pg_int(leaves, audit->leaf, 1);

	audit->row = (struct lf_audit_row){
		.position = (uint64_t)lf_pg_int(leaves, audit->leaf, 0), .kind = (enum lf_leaf_kind)kind};
	if (!lf_pg_fixed(leaves, audit->leaf, 2, &audit->row.hash, sizeof(audit->row.hash))) {
		audit->row.missing = "its hash";
		return true;
	}
	return fill_record(audit, kind);
}

/* Leaves that are missing below the head are told one by one; those behind the head as they are. */
static void walk(struct audit *audit, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	const PGresult *leaves = audit->questions[Q_LEAVES].result;
	const uint64_t size = (uint64_t)lf_pg_int(audit->questions[Q_SIZE].result, 0, 0);
	const int count = PQntuples(leaves);
	uint64_t position = first;

	/* One leaf more than is shown was asked for: so it is known whether there is any. */
	for (size_t shown = 0; shown < limit; shown++, position++) {
		const bool more = audit->leaf < count;
		const uint64_t at = more ? (uint64_t)lf_pg_int(leaves, audit->leaf, 0) : 0;

		if (more && at > position && position >= size)
			position = at;
		if (!more && position >= size)
			break;
		if (more && at == position) {
			if (!fill_leaf(audit)) {
				lf_error_set(error, LF_UNAVAILABLE, "out of memory");
				return;
			}
			audit->leaf++;
		} else {
			audit->row = (struct lf_audit_row){.position = position, .missing = "the leaf itself"};
		}
		visit(context, &audit->row);
	}
	*next = position < size || audit->leaf < count ? position : 0;
}

/* Cuts a slice where its records would not fit. */
static enum lf_code fit(struct lf_reader *reader, uint64_t first, size_t *limit, struct lf_error *error)
{
	struct lf_pg_parameters parameters = {.count = 0};
	PGresult *result;

	lf_pg_put_int8(&parameters, (int64_t)first);
	lf_pg_put_int8(&parameters, (int64_t)*limit);
	if (lf_pg_ask_one(reader, &read_fitting, &parameters, &result, "reading what leaves commit to", error) != LF_OK)
		return error->code;
	if (PQntuples(result) == 1 && lf_pg_int(result, 0, 1) < lf_pg_int(result, 0, 0))
		*limit = lf_pg_int(result, 0, 1) > 0 ? (size_t)lf_pg_int(result, 0, 1) : 1;
	PQclear(result);
	return LF_OK;
}

enum lf_code lf_pg_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct lf_pg_parameters leaves = {.count = 0}, records = {.count = 0};
	struct audit audit = {.reader = reader};

	*next = 0;
	if (first > INT64_MAX)
		return LF_OK;
	limit = limit < LEAVES_MAX ? limit : LEAVES_MAX;
	if (fit(reader, first, &limit, error) != LF_OK)
		return error->code;
	lf_pg_put_int8(&leaves, (int64_t)first);
	lf_pg_put_int8(&leaves, (int64_t)limit + 1);
	lf_pg_put_int8(&records, (int64_t)first);
	lf_pg_put_int8(&records, (int64_t)limit);
	audit.questions[Q_SIZE].statement = &read_size;
	audit.questions[Q_LEAVES].statement = &read_leaves;
	audit.questions[Q_LEAVES].parameters = &leaves;
	for (int table = 0; table < LF_PG_TABLES; table++) {
		audit.questions[Q_RECORDS + table].statement = &read_records[table];
		audit.questions[Q_RECORDS + table].parameters = &records;
	}
	if (lf_pg_ask(reader, audit.questions, QUESTIONS, "reading what leaves commit to", error) != LF_OK)
		return error->code;
	walk(&audit, first, limit, visit, context, next, error);
	for (int i = 0; i < QUESTIONS; i++)
		PQclear(audit.questions[i].result);
	return error->code;
}
