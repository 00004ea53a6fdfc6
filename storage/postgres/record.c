#include "storage/postgres/record.h"

#include <string.h>

struct columns {
	const PGresult *result;
	int row, first;
};

static const char *text(const struct columns *columns, int column)
{
	return PQgetisnull(columns->result, columns->row, columns->first + column)
		? NULL
		: PQgetvalue(columns->result, columns->row, columns->first + column);
}

static bool is_null(const struct columns *columns, int column)
{
	return PQgetisnull(columns->result, columns->row, columns->first + column);
}

static int64_t number(const struct columns *columns, int column)
{
	return lf_pg_int(columns->result, columns->row, columns->first + column);
}

static bool fixed(const struct columns *columns, int column, void *out, size_t length)
{
	return lf_pg_fixed(columns->result, columns->row, columns->first + column, out, length);
}

static struct lf_bytes bytes(const struct columns *columns, int column)
{
	struct lf_bytes found;

	found.data = lf_pg_bytes(columns->result, columns->row, columns->first + column, &found.length);
	return found;
}

/* The first thing that is missing is told. */
static const char *lost(bool there, const char *what, const char *before)
{
	return before != NULL || there ? before : what;
}

static bool original(const struct columns *columns, int column, bool *redacted, struct lf_digest *commitment)
{
	*redacted = !is_null(columns, column);
	return !*redacted || fixed(columns, column, commitment, sizeof(*commitment));
}

static bool payload(const struct columns *columns, int id, int commitment, struct lf_pg_record *record)
{
	struct lf_audit_payload *found = &record->payloads[record->payload_count++];

	found->id = (uint64_t)number(columns, id);
	return original(columns, commitment, &found->redacted, &found->original);
}

static bool small(const struct columns *columns, int column, uint32_t *value)
{
	const int64_t wide = number(columns, column);

	*value = (uint32_t)wide;
	return wide >= 0;
}

static void read_decision(const struct columns *columns, struct lf_pg_record *record)
{
	struct lf_decision_columns *decision = &record->columns.decision;
	const bool has_digest = !is_null(columns, 12);
	const struct lf_bytes answer = bytes(columns, 21);
	const char *missing = NULL;

	decision->sequence = (uint64_t)record->key;
	decision->decided_at_us = record->time_us;
	decision->id = record->id;
	missing = lost(fixed(columns, 2, record->id, sizeof(record->id)), "its id", missing);
	missing = lost((decision->caller = text(columns, 3)) != NULL, "its caller's name", missing);
	missing = lost((decision->team = text(columns, 4)) != NULL, "its team's name", missing);
	missing = lost((decision->project = text(columns, 5)) != NULL, "its project's name", missing);
	missing = lost((decision->rubric = text(columns, 6)) != NULL, "its rubric's name", missing);
	missing = lost(small(columns, 7, &decision->outcome), "its outcome", missing);
	missing = lost(small(columns, 8, &decision->purpose), "its purpose", missing);
	decision->recommended = text(columns, 10);
	missing =
		lost(decision->recommended != NULL || is_null(columns, 9), "the name of who was recommended", missing);
	decision->candidates = &record->digests[0];
	missing = lost(
		fixed(columns, 11, &record->digests[0], sizeof(record->digests[0])), "its list of candidates", missing);
	decision->request_digest = has_digest ? &record->digests[1] : NULL;
	missing = lost(!has_digest || fixed(columns, 12, &record->digests[1], sizeof(record->digests[1])),
		"the digest of its request", missing);
	missing = lost(fixed(columns, 13, &record->salt, sizeof(record->salt)), "its salt", missing);
	missing = lost(
		original(columns, 17, &record->redacted, &record->original), "the commitment that it had", missing);
	for (int i = 0; i < 3; i++)
		missing = lost(payload(columns, 14 + i, 18 + i, record), "the commitment that a payload had", missing);
	decision->answer = answer.data;
	decision->answer_length = answer.length;
	record->list = number(columns, 22);
	record->missing = missing;
}

static void read_rubric(const struct columns *columns, struct lf_pg_record *record)
{
	struct lf_rubric_columns *rubric = &record->columns.rubric;
	const char *missing = NULL;

	rubric->put_at_us = record->time_us;
	missing = lost((rubric->name = text(columns, 2)) != NULL, "its name", missing);
	missing = lost((rubric->title = text(columns, 3)) != NULL, "its title", missing);
	missing = lost((rubric->put_by = text(columns, 4)) != NULL, "its caller's name", missing);
	missing = lost(payload(columns, 0, 5, record), "the commitment that its bytes had", missing);
	missing = lost(fixed(columns, 6, &record->salt, sizeof(record->salt)), "its salt", missing);
	record->missing = missing;
}

static void read_activation(const struct columns *columns, struct lf_pg_record *record)
{
	struct lf_activation_columns *activation = &record->columns.activation;
	const bool has_from = !is_null(columns, 4), has_to = !is_null(columns, 6);
	const char *missing = NULL;

	activation->activated_at_us = record->time_us;
	activation->from = has_from ? &record->digests[0] : NULL;
	activation->to = has_to ? &record->digests[1] : NULL;
	missing = lost((activation->name = text(columns, 2)) != NULL, "its rubric's name", missing);
	missing = lost((activation->caller = text(columns, 3)) != NULL, "its caller's name", missing);
	missing = lost(!has_from || fixed(columns, 5, &record->digests[0], sizeof(record->digests[0])),
		"the rubric that was active before", missing);
	missing = lost(!has_to || fixed(columns, 7, &record->digests[1], sizeof(record->digests[1])),
		"the rubric that it made active", missing);
	missing = lost(fixed(columns, 8, &record->salt, sizeof(record->salt)), "its salt", missing);
	record->missing = missing;
}

static void read_act(const struct columns *columns, struct lf_pg_record *record)
{
	struct lf_act_columns *act = &record->columns.act;
	const struct lf_bytes body = bytes(columns, 6);
	const char *missing = NULL;

	act->at_us = record->time_us;
	act->kind = (enum lf_leaf_kind)number(columns, 2);
	act->decision_sequence = (uint64_t)number(columns, 4);
	act->body = body.data;
	act->body_length = body.length;
	record->pairs = bytes(columns, 7);
	missing = lost((act->caller = text(columns, 3)) != NULL, "its caller's name", missing);
	missing = lost(fixed(columns, 5, &record->salt, sizeof(record->salt)), "its salt", missing);
	missing = lost(record->pairs.length % (2 * sizeof(struct lf_digest)) == 0, "the end of its pairs", missing);
	missing =
		lost(original(columns, 8, &record->redacted, &record->original), "the commitment that it had", missing);
	record->missing = missing;
}

void lf_pg_read_record(const PGresult *result, int row, int first, enum lf_pg_table table, struct lf_pg_record *record)
{
	static void (*const readers[LF_PG_TABLES])(const struct columns *, struct lf_pg_record *) = {
		read_decision, read_rubric, read_activation, read_act};
	const struct columns columns = {result, row, first};

	memset(record, 0, sizeof(*record));
	record->table = table;
	record->key = number(&columns, 0);
	record->time_us = number(&columns, 1);
	readers[table](&columns, record);
}

size_t lf_pg_record_bytes(const struct lf_pg_record *record, uint8_t *out)
{
	switch (record->table) {
	case LF_PG_T_DECISION:
		return lf_record_decision(&record->columns.decision, out);
	case LF_PG_T_RUBRIC:
		return lf_record_rubric(&record->columns.rubric, out);
	case LF_PG_T_ACTIVATION:
		return lf_record_activation(&record->columns.activation, out);
	default:
		return lf_record_act(&record->columns.act, out);
	}
}
