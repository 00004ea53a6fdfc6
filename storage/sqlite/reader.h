/* A reader: a connection of its own that can neither write nor checkpoint. One thread at a time. */
#ifndef LF_STORAGE_SQLITE_READER_H
#define LF_STORAGE_SQLITE_READER_H

#include "storage/sqlite/store.h"

/* ---- record.c: records from their columns, for the audit and for migration ---- */

/* The tables that have records. A stream goes through one in the order of its key. */
enum lf_record_table { LF_RECORD_DECISION, LF_RECORD_RUBRIC, LF_RECORD_ACTIVATION, LF_RECORD_ACT, LF_RECORD_TABLES };
extern const char *const LF_SQLITE_RECORD_SQL[LF_RECORD_TABLES]; /* ?1: the first key */
struct lf_record_stream {
	sqlite3_stmt *statement; /* of LF_SQLITE_RECORD_SQL */
	enum lf_record_table table;
	bool open;
	int64_t key; /* of the row that it is at */
};
/* What a row says. Everything points into the statement's columns, and is valid until the stream moves. */
struct lf_record_row {
	const char *missing; /* NULL, or what of it is missing: then only key is set, and time_us where that is known */
	int64_t key;
	int64_t time_us;
	union {
		struct lf_decision_columns decision;
		struct lf_rubric_columns rubric;
		struct lf_activation_columns activation;
		struct lf_act_columns act;
	} columns;
	struct lf_salt salt; /* of a decision or an act; others have theirs in the leaf */
	bool redacted;
	struct lf_digest original;
	struct lf_audit_payload payloads[LF_AUDIT_PAYLOADS_MAX];
	size_t payload_count;
	struct lf_bytes pairs;       /* of an act */
	uint8_t id[16];              /* of a decision */
	struct lf_digest digests[2]; /* that columns point to */
};
/* Moves to the first row whose key is at least key. SQLITE_ROW with stream->key; SQLITE_DONE; or an error. */
int lf_sqlite_stream_seek(struct lf_record_stream *stream, int64_t key);
int lf_sqlite_stream_next(struct lf_record_stream *stream);
void lf_sqlite_stream_end(struct lf_record_stream *stream);
void lf_sqlite_stream_row(const struct lf_record_stream *stream, struct lf_record_row *row);
/* Canonical bytes of a row where nothing is missing: as the lf_record_ functions. */
size_t lf_sqlite_record_bytes(enum lf_record_table table, const struct lf_record_row *row, uint8_t *out);

/* ---- reader.c ---- */

enum lf_read_statement {
	R_BEGIN,
	R_END,
	R_KEY,
	R_GET,
	R_ROW,
	R_PEEK,
	R_LAST,
	R_NAME,
	R_CHAIN,
	R_SKIP,
	R_TIME,
	R_LISTS,
	R_MEMBER,
	R_RUBRIC_NAME,
	R_RUBRIC,
	R_RUBRIC_ACTIVE,
	R_RUBRICS,
	R_ACTIVATIONS,
	R_WAS_ACTIVE,
	R_SCAN_UP,
	R_SCAN_DOWN,
	R_SCAN_UP_WHOLE,
	R_SCAN_ANSWER,
	R_HELD_CALLER, /* from here in the order of enum held of scan.c */
	R_HELD_TEAM,
	R_HELD_PROJECT,
	R_HELD_RECOMMENDED,
	R_HELD_RUBRIC,
	R_HELD_CANDIDATES,
	R_HELD_TEAM_BODY,
	R_HELD_PROJECT_BODY,
	R_REDACTED,
	R_HEAD,
	R_LEAVES,
	R_NODES,
	R_SEQUENCE,
	R_LEAF_PEEK,
	R_PAYLOAD,
	R_KEYS,
	R_MEMBERS,
	R_ACTS,
	R_ACTS_OF,
	R_ACTS_OF_KIND,
	R_PAYLOADS,
	R_AUDIT_LEAF,
	R_COUNT
};
struct lf_reader {
	sqlite3 *db;
	atomic_bool *malformed; /* the store's */
	bool alone; /* the log is opened for reading only: nothing changes it, and a long read holds nobody up */
	sqlite3_stmt *statements[R_COUNT];
	sqlite3_stmt *records[LF_RECORD_TABLES]; /* LF_SQLITE_RECORD_SQL */
	uint8_t *record;                         /* of the audit */
	size_t record_size;
};
enum { LF_SQLITE_ROW_COLUMNS = 14 }; /* of R_ROW; R_GET has them first */

/* Begins and ends a read transaction. SQLITE_OK or an error. */
int lf_sqlite_begin_reading(struct lf_reader *reader);
void lf_sqlite_end_reading(struct lf_reader *reader);
enum lf_code lf_sqlite_open_reader(struct lf_store *store, struct lf_reader **reader, struct lf_error *error);
void lf_sqlite_close_reader(struct lf_reader *reader);
/* The first column of a bound statement; 0 where there is no row. */
enum lf_code lf_sqlite_first_column(
	struct lf_reader *reader, sqlite3_stmt *statement, int64_t *value, struct lf_error *error);
/* The first sequence decided at or after time_us: times never fall. last: the newest. */
enum lf_code lf_sqlite_sequence_at(
	struct lf_reader *reader, int64_t time_us, int64_t last, int64_t *sequence, struct lf_error *error);
/*
 * The row of a name that a filter asks for; 0 where value is NULL or "". *none is set where it asks for one that is not
 * there.
 */
enum lf_code lf_sqlite_find_name(struct lf_reader *reader, enum lf_name_kind kind, const char *value, int64_t *id,
	bool *none, struct lf_error *error);

/* Which rubric a filter asks for. A decision refers to a version, so each version's name is looked up as it comes. */
struct lf_rubric_filter {
	int64_t name;    /* a row of name; 0 = any */
	int64_t version; /* the last one asked about, and the answer */
	bool fits;
};
enum lf_code lf_sqlite_rubric_fits(
	struct lf_reader *reader, struct lf_rubric_filter *filter, int64_t version, bool *fits, struct lf_error *error);

#endif
