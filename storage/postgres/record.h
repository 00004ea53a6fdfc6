/* Records from their columns: for the audit, and for what is replaced. */
#ifndef LF_STORAGE_POSTGRES_RECORD_H
#define LF_STORAGE_POSTGRES_RECORD_H

#include "storage/postgres/store.h"

/*
 * Columns of a decision d and of an act a, and the joins that give them: outer ones, so that what is missing is told, not
 * skipped.
 */
#define LF_PG_DECISION_COLUMNS                                                                                         \
	" d.sequence, d.decided_at, d.id, caller.value, team.value, project.value, rubric_name.value, d.outcome,"      \
	" d.purpose, d.recommended, recommended.value, lists.digest, d.request_digest, d.salt, d.team_payload,"        \
	" d.project_payload, d.rubric, x.commitment, xt.commitment, xp.commitment, xr.commitment, d.answer, "          \
	"d.candidates"
#define LF_PG_DECISION_JOINS                                                                                           \
	" LEFT JOIN leadfit.name caller ON caller.id = d.caller LEFT JOIN leadfit.name team ON team.id = d.team"       \
	" LEFT JOIN leadfit.name project ON project.id = d.project"                                                    \
	" LEFT JOIN leadfit.name recommended ON recommended.id = d.recommended"                                        \
	" LEFT JOIN leadfit.list lists ON lists.id = d.candidates"                                                     \
	" LEFT JOIN leadfit.rubric ON rubric.payload = d.rubric"                                                       \
	" LEFT JOIN leadfit.name rubric_name ON rubric_name.id = rubric.name"                                          \
	" LEFT JOIN leadfit.redaction x ON x.kind = 2 AND x.target = d.sequence"                                       \
	" LEFT JOIN leadfit.redaction xt ON xt.kind = 1 AND xt.target = d.team_payload"                                \
	" LEFT JOIN leadfit.redaction xp ON xp.kind = 1 AND xp.target = d.project_payload"                             \
	" LEFT JOIN leadfit.redaction xr ON xr.kind = 1 AND xr.target = d.rubric"
#define LF_PG_RUBRIC_COLUMNS " r.payload, r.put_at, n.value, r.title, c.value, x.commitment, r.salt"
#define LF_PG_RUBRIC_JOINS                                                                                             \
	" LEFT JOIN leadfit.name n ON n.id = r.name LEFT JOIN leadfit.name c ON c.id = r.put_by"                       \
	" LEFT JOIN leadfit.redaction x ON x.kind = 1 AND x.target = r.payload"
#define LF_PG_ACTIVATION_COLUMNS                                                                                       \
	" a.position, a.activated_at, n.value, c.value, a.from_rubric, f.digest, a.to_rubric, t.digest, a.salt"
#define LF_PG_ACTIVATION_JOINS                                                                                         \
	" LEFT JOIN leadfit.name n ON n.id = a.name LEFT JOIN leadfit.name c ON c.id = a.caller"                       \
	" LEFT JOIN leadfit.payload f ON f.id = a.from_rubric LEFT JOIN leadfit.payload t ON t.id = a.to_rubric"
#define LF_PG_ACT_COLUMNS " a.id, a.at, a.kind, c.value, a.decision, a.salt, a.body, a.pairs, x.commitment"
#define LF_PG_ACT_JOINS                                                                                                \
	" LEFT JOIN leadfit.name c ON c.id = a.caller"                                                                 \
	" LEFT JOIN leadfit.redaction x ON x.kind = 3 AND x.target = a.id"

enum lf_pg_table { LF_PG_T_DECISION, LF_PG_T_RUBRIC, LF_PG_T_ACTIVATION, LF_PG_T_ACT, LF_PG_TABLES };

/* What a row says. Everything points into the answer. */
struct lf_pg_record {
	enum lf_pg_table table;
	const char *missing; /* NULL, or what of it is missing */
	int64_t key, time_us;
	union {
		struct lf_decision_columns decision;
		struct lf_rubric_columns rubric;
		struct lf_activation_columns activation;
		struct lf_act_columns act;
	} columns;
	struct lf_salt salt;
	bool redacted;
	struct lf_digest original;
	struct lf_audit_payload payloads[LF_AUDIT_PAYLOADS_MAX];
	size_t payload_count;
	struct lf_bytes pairs;
	int64_t list; /* of a decision */
	uint8_t id[16];
	struct lf_digest digests[2];
};

/* first: the column of the answer where those of the macro begin. */
void lf_pg_read_record(const PGresult *result, int row, int first, enum lf_pg_table table, struct lf_pg_record *record);
/* Canonical bytes of one where nothing is missing, as the lf_record_ functions. */
size_t lf_pg_record_bytes(const struct lf_pg_record *record, uint8_t *out);

#endif
