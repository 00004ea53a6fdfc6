/*
 * The tampering suite: a log is altered by another SQLite client while no service has it, in one way at a time, and
 * leadfitd verify must find it and say what it was. The first line of what it prints is the first thing that differs.
 *
 * The log. Records: 0 rubric, 1 activation, 2 rubric, 3 activation; decision N is record N + 3 (1..600); 604..623
 * outcomes about decisions
 * 11..30; 624 an erasure of decisions 40 and 5, their team and an outcome, 625 a pruning of decision 40; 626..645
 *    decisions 601..620.
 */
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/tlog/note.h"
#include "storage/tlog/tree.h"
#include "storage/verify/verify.h"
#include "tests/service/altered.h"
#include "storage/sqlite/sqlite.h"

enum { DECISIONS = 600, OUTCOMES = 20, LATE = 20, SIZE = 4 + DECISIONS + OUTCOMES + 2 + LATE, AT_CHECKPOINT = 620 };

static struct {
	struct place place;
	char altered[96], early[96], other[96]; /* the copy that is altered; the log at an earlier time; another log */
	char checkpoint[96], vkey[LF_KEY_TEXT_MAX];
	struct lf_signer signer;
	char output[256 * 1024];
	size_t found; /* alterations */
} suite;

/* ---- making it ---- */

static int64_t clock_us = 1790000000000000;

static int64_t next_us(void)
{
	return clock_us += 1234567;
}

static void put_rubric(struct lf_log *log, const char *body, bool activate)
{
	struct lf_digest digest;

	lf_sha256(body, strlen(body), &digest);
	assert_int_equal(lf_log_put_rubric(log, RUBRIC_NAME, "Tech lead", "admin", bytes_of(body), &digest, activate,
				 NULL, NULL, NULL),
		LF_OK);
}

static void decide(struct lf_log *log, int number)
{
	struct work work;

	work_init(&work, number == 5 || number == 40 ? 7 : number % 7, number % 5, number % 3 == 0 ? number : 0);
	snprintf(work.answer, sizeof(work.answer), "answer %d", number);
	work.append.answer = bytes_of(work.answer);
	work.append.caller = number % 2 == 0 ? "hr" : "ann";
	work.append.outcome = 1 + (uint32_t)number % 3;
	lf_sha256(work.answer, strlen(work.answer), &work.append.request_digest);
	assert_int_equal(work_run(log, &work), LF_OK);
}

static void note_id(void *context, const struct lf_stored *row)
{
	*(struct lf_uuid *)context = row->id;
}

static struct lf_uuid id_of(struct lf_log *log, uint64_t sequence)
{
	struct lf_filter filter = filter_any();
	struct lf_uuid id = {{0}};
	uint64_t next;

	filter.before_sequence = sequence + 1;
	filter.limit = 1;
	assert_int_equal(lf_log_list(log, &filter, note_id, &id, &next, NULL), LF_OK);
	return id;
}

static void add_outcome(struct lf_log *log, uint64_t sequence)
{
	const struct lf_uuid id = id_of(log, sequence);
	char body[32];
	struct lf_act_put act;

	snprintf(body, sizeof(body), "outcome of %llu", (unsigned long long)sequence);
	act = (struct lf_act_put){.kind = LF_LEAF_OUTCOME, .caller = "hr", .decision = &id, .body = bytes_of(body)};
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
}

/* Packed RedactionBody. */
static const char erasure_body[] = "\x0a\x03why\x10\x02\x18\x01\x20\x01", pruning_body[] = "\x0a\x03why\x10\x01";

static void redact(struct lf_log *log, enum lf_leaf_kind kind, bool all)
{
	static const char *const left[] = {"c-all"};
	struct lf_redact_item items[] = {
		{.what = LF_REDACT_DECISION,
			.id = 40,
			.bytes = bytes_of(all ? "redacted" : ""),
			.candidates = left,
			.candidate_count = 1,
			.recommended = ""},
		{.what = LF_REDACT_DECISION,
			.id = 5,
			.bytes = bytes_of("redacted"),
			.candidates = left,
			.candidate_count = 1,
			.recommended = ""},
		{.what = LF_REDACT_PAYLOAD, .bytes = bytes_of("a redacted team")},
		{.what = LF_REDACT_ACT, .id = 3, .bytes = bytes_of("a redacted outcome")},
	};
	struct lf_stored *stored = NULL;
	const struct lf_uuid id = id_of(log, 40);
	struct lf_redact redaction;
	struct lf_error error;

	assert_int_equal(lf_log_get(log, &id, &stored, NULL), LF_OK);
	items[2].id = stored->team_payload;
	redaction = (struct lf_redact){.kind = kind,
		.caller = "privacy",
		.body = bytes_of(all ? erasure_body : pruning_body),
		.items = items,
		.item_count = all ? 4 : 1};
	error = (struct lf_error)LF_ERROR_INIT;
	if (lf_log_redact(log, &redaction, &error) != LF_OK)
		fail_msg("%s", error.message);
	free(stored);
}

static void sign_head(struct lf_log *log)
{
	struct lf_tree_head head;
	char note[LF_CHECKPOINT_MAX];

	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	assert_int_equal(head.size, AT_CHECKPOINT);
	assert_true(lf_checkpoint_sign(head.size, &head.root, &suite.signer, note));
	file_write(suite.checkpoint, note, strlen(note));
}

static struct lf_log *open_log(const char *file)
{
	struct lf_log *log = NULL;
	const struct lf_log_options options = {.location = file, .now_us = next_us};

	assert_int_equal(lf_log_open(&log, &lf_sqlite_backend, &options, NULL), LF_OK);
	return log;
}

static void make_log(const char *file)
{
	struct lf_log *log = open_log(file);
	struct lf_digest digest;

	put_rubric(log, RUBRIC_BODY, true);
	put_rubric(log, "another version", false);
	lf_sha256("another version", strlen("another version"), &digest);
	assert_int_equal(lf_log_activate_rubric(log, RUBRIC_NAME, &digest, "hr", NULL, NULL), LF_OK);
	for (int i = 1; i <= 300; i++)
		decide(log, i);
	lf_log_close(log);
	if (file == suite.place.file)
		file_copy(file, suite.early);
	log = open_log(file);
	for (int i = 301; i <= DECISIONS; i++)
		decide(log, i);
	for (uint64_t i = 0; i < OUTCOMES; i++) {
		if (4 + DECISIONS + i == AT_CHECKPOINT && file == suite.place.file)
			sign_head(log);
		add_outcome(log, 11 + i);
	}
	redact(log, LF_LEAF_ERASURE, true);
	redact(log, LF_LEAF_PRUNING, false);
	for (int i = 1; i <= LATE; i++)
		decide(log, DECISIONS + i);
	lf_log_close(log);
}

static int set_up(void **state)
{
	struct lf_verifier verifier;

	(void)state;
	place_make(&suite.place);
	snprintf(suite.altered, sizeof(suite.altered), "%s/altered.db", suite.place.folder);
	snprintf(suite.early, sizeof(suite.early), "%s/early.db", suite.place.folder);
	snprintf(suite.other, sizeof(suite.other), "%s/other.db", suite.place.folder);
	snprintf(suite.checkpoint, sizeof(suite.checkpoint), "%s/seal", suite.place.folder);
	assert_true(lf_signer_generate(&suite.signer, "tampering-test"));
	lf_signer_verifier(&suite.signer, &verifier);
	lf_verifier_print(&verifier, suite.vkey);
	make_log(suite.place.file);
	make_log(suite.other);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&suite.place);
	return 0;
}

/* ---- verifying ---- */

/* leadfitd verify; its exit status, and what it prints in suite.output. */
static int verify(const char *file, bool sealed)
{
	return verify_run(
		&suite.place, file, sealed ? suite.checkpoint : NULL, suite.vkey, suite.output, sizeof(suite.output));
}

/* Nothing is proved by an alteration that alters nothing. */
static void alter(const char *sql)
{
	size_t before_length, after_length;
	uint8_t *before, *after;

	file_copy(suite.place.file, suite.altered);
	before = file_read(suite.altered, &before_length);
	sql_run(suite.altered, sql);
	after = file_read(suite.altered, &after_length);
	if (before_length == after_length && memcmp(before + 100, after + 100, after_length - 100) == 0)
		fail_msg("%s: altered nothing", sql);
	free(before);
	free(after);
}

/* An attacker's own computing: leaves from what is stored, then nodes, then the head. */
enum depth { LEAVES = 1, NODES = 2, HEAD = 3 };
struct rehash {
	struct lf_log *log;
	sqlite3 *db;
	enum depth depth;
	struct lf_tree tree;
};

static void put_hash(sqlite3 *db, const char *sql, int64_t a, int64_t b, const struct lf_digest *hash)
{
	sqlite3_stmt *statement = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	sqlite3_bind_int64(statement, 1, a);
	sqlite3_bind_blob(statement, 2, hash, sizeof(*hash), SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, b);
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
}

static void rehash_leaf(void *context, const struct lf_audit_row *row)
{
	struct rehash *rehash = context;
	struct lf_digest *parts = calloc(8 + 2 * row->pair_count, sizeof(*parts)), hash;
	struct lf_node nodes[LF_TREE_NODES_MAX];
	size_t count = 1;
	size_t completed;

	if (row->missing != NULL)
		fail_msg("record %llu: %s", (unsigned long long)row->position, row->missing);
	lf_commit(&row->salt, row->record.data, row->record.length, &parts[0]);
	if (row->redacted)
		parts[0] = row->original;
	for (size_t i = 0; i < row->payload_count; i++, count++) {
		struct lf_payload_row *payload = NULL;

		assert_int_equal(lf_log_get_payload(rehash->log, row->payloads[i].id, &payload, NULL), LF_OK);
		lf_commit(&payload->salt, payload->body.data, payload->body.length, &parts[count]);
		if (row->payloads[i].redacted)
			parts[count] = row->payloads[i].original;
		free(payload);
	}
	if (row->pair_count > 0)
		memcpy(parts + count, row->pairs, 2 * row->pair_count * sizeof(*parts));
	lf_leaf_digest(
		&(struct lf_leaf){row->kind, row->number, row->time_us, parts, count + 2 * row->pair_count}, &hash);
	put_hash(rehash->db, "UPDATE leaf SET hash = ?2 WHERE position = ?1 OR ?3", (int64_t)row->position, 0, &hash);
	completed = lf_tree_add(&rehash->tree, &hash, nodes);
	for (size_t i = 0; i < completed && rehash->depth >= NODES; i++)
		put_hash(rehash->db, "INSERT OR REPLACE INTO node(place, hash, level) VALUES(?1, ?2, ?3)",
			(int64_t)nodes[i].index, nodes[i].level, &nodes[i].hash);
	free(parts);
}

static void rehash(enum depth depth)
{
	const struct lf_log_options options = {.location = suite.altered, .read_only = true};
	struct rehash rehash = {.depth = depth};
	struct lf_digest root;
	uint64_t next = 0;
	char source[110];
	struct lf_log_options copy;

	sql_run(suite.altered, "PRAGMA journal_mode=DELETE"); /* so that the reader sees the file alone */
	if (depth >= HEAD)
		sql_run(suite.altered, "DELETE FROM node; UPDATE tree SET size = (SELECT count(*) FROM leaf)");
	assert_int_equal(sqlite3_open(suite.altered, &rehash.db), SQLITE_OK);
	snprintf(source, sizeof(source), "%s.source", suite.altered);
	file_copy(suite.altered, source);
	copy = options;
	copy.location = source;
	assert_int_equal(lf_log_open(&rehash.log, &lf_sqlite_backend, &copy, NULL), LF_OK);
	assert_int_equal(sqlite3_exec(rehash.db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
	do
		assert_int_equal(lf_log_audit(rehash.log, next, 1000, rehash_leaf, &rehash, &next, NULL), LF_OK);
	while (next != 0);
	lf_log_close(rehash.log);
	unlink(source);
	lf_tree_root(&rehash.tree, &root);
	if (depth >= HEAD)
		put_hash(rehash.db, "UPDATE tree SET size = ?1, root = ?2 WHERE id = 1 OR ?3",
			(int64_t)rehash.tree.size, 0, &root);
	assert_int_equal(sqlite3_exec(rehash.db, "COMMIT; PRAGMA journal_mode=WAL", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(rehash.db);
}

/* The first line must begin so, and have the text. */
static void is_found(const char *name, const char *begin, const char *text)
{
	if (!output_has_line(suite.output, begin, text, true))
		fail_msg("%s: expected \"%s... %s\", found:\n%.1500s", name, begin, text, suite.output);
	suite.found++;
}

/* Some line. */
static void is_told(const char *name, const char *begin, const char *text)
{
	if (!output_has_line(suite.output, begin, text, false))
		fail_msg("%s: expected \"%s... %s\", found:\n%.1500s", name, begin, text, suite.output);
	suite.found++;
}

/* ---- what is not altered ---- */

static void an_unaltered_log_passes(void **state)
{
	size_t before_length, after_length;
	char names[512], after_names[512];
	uint8_t *before, *after;

	(void)state;
	before = file_read(suite.place.file, &before_length);
	place_names(&suite.place, "output", names, sizeof(names));
	if (verify(suite.place.file, false) != 0)
		fail_msg("%s", suite.output);
	assert_non_null(strstr(suite.output, "findings     0\n"));
	assert_non_null(strstr(suite.output, "records      646 of 646 looked at\n"));
	assert_non_null(strstr(suite.output, "erased       "));
	assert_null(strstr(suite.output, "erased       0\n"));
	assert_non_null(strstr(suite.output, "pruned       1\n"));
	assert_non_null(strstr(suite.output, "\n  record 624, 2026-"));
	assert_non_null(strstr(
		suite.output, "Z, erasure by privacy: 2 decisions, 1 teams and projects, 1 acts: why\n  record 625, "));
	assert_non_null(
		strstr(suite.output, "Z, pruning by privacy: 1 decisions, 0 teams and projects, 0 acts: why\n"));
	assert_int_equal(verify(suite.place.file, true), 0);
	assert_non_null(strstr(suite.output, "checkpoints  1 of 1 fit; the newest has 620 records\n"));
	after = file_read(suite.place.file, &after_length);
	place_names(&suite.place, "output", after_names, sizeof(after_names));
	assert_int_equal(before_length, after_length);
	assert_memory_equal(before, after, after_length);
	assert_string_equal(names, after_names);
	free(before);
	free(after);
}

/* ---- what is altered ---- */

#define DECISION_100 "record 103 (decision 100, "
#define OWN "what is stored is not what was recorded: altered were its own columns "

static const struct alteration {
	const char *name, *sql, *begin, *text;
} alterations[] = {
	/* decisions */
	{"an outcome", "UPDATE decision SET outcome = 5 WHERE sequence = 100", DECISION_100,
		"its outcome was altered: 2 was recorded, and it is 5 now"},
	{"an outcome beyond what can be", "UPDATE decision SET outcome = outcome + 4294967296 WHERE sequence = 100",
		"record 103 (decision)", "its outcome is missing"},
	{"a purpose beyond what can be", "UPDATE decision SET purpose = purpose - 4294967296 WHERE sequence = 100",
		"record 103 (decision)", "its purpose is missing"},
	{"a purpose", "UPDATE decision SET purpose = 0 WHERE sequence = 100", DECISION_100,
		"its purpose was altered: 1 was recorded"},
	{"an answer", "UPDATE decision SET answer = x'00' WHERE sequence = 100", DECISION_100,
		OWN "(id, caller, names, recommendation, candidates, request or answer), its salt, or its leaf"},
	{"a salt", "UPDATE decision SET salt = randomblob(32) WHERE sequence = 100", DECISION_100, OWN},
	{"a salt cut off", "UPDATE decision SET salt = x'0102' WHERE sequence = 100", "record 103 (decision)",
		"its salt is missing"},
	{"a caller",
		"UPDATE decision SET caller = (SELECT id FROM name WHERE kind = 1 AND value = 'ann') WHERE sequence = "
		"100",
		DECISION_100, "its caller was altered: \"hr\" was recorded, and it is \"ann\" now"},
	{"a team's name",
		"UPDATE decision SET team = (SELECT team FROM decision WHERE sequence = 99) WHERE sequence = 100",
		DECISION_100, "its team's name was altered: \"team-2\" was recorded, and it is \"team-1\" now"},
	{"a project's name",
		"UPDATE decision SET project = (SELECT project FROM decision WHERE sequence = 99) WHERE sequence = 100",
		DECISION_100,
		"its project's name was altered: \"project-0\" was recorded, and it is \"project-4\" now"},
	{"a team",
		"UPDATE decision SET team_payload = (SELECT team_payload FROM decision WHERE sequence = 99) WHERE "
		"sequence = 100",
		DECISION_100, "its team was exchanged: payload"},
	{"a project",
		"UPDATE decision SET project_payload = (SELECT project_payload FROM decision WHERE sequence = 99) "
		"WHERE sequence = 100",
		DECISION_100, "its project was exchanged: payload"},
	{"a team that is a project", "UPDATE decision SET team_payload = project_payload WHERE sequence = 100",
		DECISION_100, ", which is a project; its leaf does not match"},
	{"a rubric", "UPDATE decision SET rubric = (SELECT max(payload) FROM rubric) WHERE sequence = 100",
		DECISION_100, "its rubric was exchanged: payload"},
	{"a recommendation",
		"UPDATE decision SET recommended = (SELECT recommended FROM decision WHERE sequence = 99) WHERE "
		"sequence = 100",
		DECISION_100, "its recommendation was altered: \"c-2\" was recorded, and it is \"c-1\" now"},
	{"a recommendation taken away", "UPDATE decision SET recommended = NULL WHERE sequence = 100", DECISION_100,
		"its recommendation was altered: \"c-2\" was recorded, and it is none now"},
	{"a list of candidates",
		"UPDATE decision SET candidates = (SELECT candidates FROM decision WHERE sequence = 99) WHERE sequence "
		"= 100",
		DECISION_100, "its list of candidates was altered: another one was recorded"},
	{"a time", "UPDATE decision SET decided_at = decided_at + 1000000 WHERE sequence = 100", DECISION_100,
		"its time was altered: 20"},
	{"a time below the one before", "UPDATE decision SET decided_at = 5 WHERE sequence = 100", DECISION_100,
		"was recorded, and it is 1970-01-01T00:00:00.000005Z now"},
	{"an id",
		"UPDATE decision SET id = CAST(substr(id, 1, 15) || CASE WHEN substr(id, 16) = x'ff' THEN x'fe' ELSE "
		"x'ff' END AS BLOB) WHERE sequence = 100",
		DECISION_100, OWN},
	{"the digest of a request", "UPDATE decision SET request_digest = NULL WHERE sequence = 99",
		"record 102 (decision 99, ", OWN},
	{"a decision deleted", "DELETE FROM decision WHERE sequence = 100", "record 103 (decision)",
		"its row is missing: it was deleted"},
	{"the newest decision deleted", "DELETE FROM decision WHERE sequence = 620", "record 645 (decision)",
		"its row is missing"},
	{"two decisions exchanged",
		"CREATE TEMP TABLE t AS SELECT * FROM decision WHERE sequence IN (100, 103); DELETE FROM decision "
		"WHERE sequence IN (100, 103);"
		" UPDATE t SET sequence = 203 - sequence; INSERT INTO decision SELECT * FROM t",
		DECISION_100, "it was moved: what was recorded here stands at position 106 now"},
	{"a decision put in, without a leaf",
		"INSERT INTO decision SELECT 621, randomblob(16), decided_at, outcome, purpose, caller, rubric, "
		"recommended, team, project,"
		" candidates, 620, 620, 620, team_payload, project_payload, NULL, salt, answer FROM decision WHERE "
		"sequence = 620",
		"log: ", "decision 621 has no leaf: it was put in"},
	/* payloads and names */
	{"the bytes of a team",
		"UPDATE payload SET body = x'41' WHERE id = (SELECT team_payload FROM decision WHERE sequence = 1)",
		"record 4 (decision 1, ", "is not that of the bytes: one of both was changed; its leaf does not match"},
	{"the bytes of a team and their digest",
		"UPDATE payload SET body = CAST('A' AS BLOB), digest = "
		"x'559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd'"
		" WHERE id = (SELECT project_payload FROM decision WHERE sequence = 1)",
		"record 4 (decision 1, ", "the bytes or salt of its project"},
	{"the digest of a team alone",
		"UPDATE payload SET digest = randomblob(32) WHERE id = (SELECT team_payload FROM decision WHERE "
		"sequence = 1)",
		"record 4 (decision 1, ", "is not that of the bytes: one of both was changed"},
	{"the salt of a team",
		"UPDATE payload SET salt = randomblob(32) WHERE id = (SELECT team_payload FROM decision WHERE sequence "
		"= 1)",
		"record 4 (decision 1, ", "the bytes or salt of its team"},
	{"a payload deleted", "DELETE FROM payload WHERE id = (SELECT team_payload FROM decision WHERE sequence = 1)",
		"record 4 (decision 1, ", "is missing: it was deleted"},
	{"a payload put in",
		"INSERT INTO payload(kind, digest, salt, body) VALUES(1, randomblob(32), randomblob(32), x'00')",
		"log: ", "is of nothing that was recorded: it was put in"},
	{"the name of a team", "UPDATE name SET value = 'team-x' WHERE kind = 2 AND value = 'team-3'",
		"record 6 (decision 3, ", OWN},
	{"the name of a team, behind its end",
		"UPDATE name SET value = value || char(0) || 'x' WHERE kind = 2 AND value = 'team-3'",
		"log: ", "has more behind its end: it was altered"},
	{"an idempotency key, behind its end", "UPDATE request_key SET key = key || char(0) || 'x' WHERE sequence = 99",
		"log: ", "the idempotency key of decision 99 has more behind its end: it was altered"},
	{"the name of a team deleted", "DELETE FROM name WHERE kind = 2 AND value = 'team-3'", "record 6 (decision)",
		"its team's name is missing"},
	{"the name of a candidate who is in lists only",
		"UPDATE name SET value = 'c-nobody' WHERE kind = 5 AND value = 'c-all'",
		"log: ", "has other people in it than when it was recorded"},
	{"a name put in", "INSERT INTO name(kind, value) VALUES(2, 'team-x')",
		"log: ", "is of nothing that was recorded: it was put in"},
	{"a name's kind", "UPDATE name SET kind = 4 WHERE kind = 2 AND value = 'team-3'", "log: ", "which is a rubric"},
	/* rubrics and activations */
	{"the bytes of a rubric", "UPDATE payload SET body = x'41' WHERE id = (SELECT min(payload) FROM rubric)",
		"record 0 (rubric)", "the digest of its rubric"},
	{"a rubric's title", "UPDATE rubric SET title = 'Boss' WHERE payload = (SELECT min(payload) FROM rubric)",
		"record 0 (rubric)", OWN "(name, title, caller), its salt"},
	{"who put a rubric", "UPDATE rubric SET put_by = (SELECT id FROM name WHERE value = 'hr' AND kind = 1)",
		"record 0 (rubric)", "its caller was altered: \"admin\" was recorded, and it is \"hr\" now"},
	{"when a rubric was put",
		"UPDATE rubric SET put_at = put_at - 1000 WHERE payload = (SELECT min(payload) FROM rubric)",
		"record 0 (rubric)", "its time was altered"},
	{"a rubric deleted", "DELETE FROM rubric WHERE payload = (SELECT min(payload) FROM rubric)",
		"record 0 (rubric)", "its row is missing: it was deleted"},
	{"who activated",
		"UPDATE activation SET caller = (SELECT id FROM name WHERE value = 'admin' AND kind = 1) WHERE id = 2",
		"record 3 (activation)", "its caller was altered: \"hr\" was recorded, and it is \"admin\" now"},
	{"what was activated", "UPDATE activation SET to_rubric = from_rubric WHERE id = 2", "record 3 (activation)",
		OWN "(name, caller, rubrics), its salt"},
	{"the order of activations",
		"UPDATE activation SET id = 13 - id; UPDATE activation SET id = id - 10; UPDATE leaf SET record = 3 - "
		"record WHERE kind = 3",
		"log: ", "leaf 3 refers to activation 1, and an earlier leaf to 2: their order was altered"},
	{"an activation deleted", "DELETE FROM activation WHERE id = 2", "record 3 (activation)",
		"its row is missing: it was deleted"},
	{"an activation put in",
		"INSERT INTO activation(name, activated_at, caller, from_rubric, to_rubric) SELECT name, activated_at, "
		"caller, to_rubric, from_rubric"
		" FROM activation WHERE id = 2",
		"log: ", "activation 3 has no leaf: it was put in"},
	/* acts */
	{"what became of a decision", "UPDATE act SET body = CAST('accepted' AS BLOB) WHERE id = 5",
		"record 608 (outcome)", OWN "(caller, decision, body)"},
	{"what an outcome is about", "UPDATE act SET decision = decision + 1 WHERE id = 5", "record 608 (outcome)",
		"its decision was altered: 15 was recorded, and it is 16 now"},
	{"when an outcome was recorded", "UPDATE act SET at = (SELECT at FROM act WHERE id = 4) WHERE id = 5",
		"record 608 (outcome)", OWN},
	{"who recorded an outcome",
		"UPDATE act SET caller = (SELECT id FROM name WHERE value = 'ann' AND kind = 1) WHERE id = 5",
		"record 608 (outcome)", "its caller was altered: \"hr\" was recorded, and it is \"ann\" now"},
	{"the order of outcomes",
		"UPDATE act SET id = 1011 - id WHERE id IN (5, 6); UPDATE act SET id = id - 1000 WHERE id > 1000;"
		" UPDATE leaf SET record = 11 - record WHERE kind = 4 AND record IN (5, 6)",
		"log: ", "leaf 609 refers to act 5, and an earlier leaf to 6: their order was altered"},
	{"an outcome deleted", "DELETE FROM act WHERE id = 5", "record 608 (outcome)",
		"its row is missing: it was deleted"},
	{"an outcome put in",
		"INSERT INTO act SELECT 99, kind, at, caller, decision, position, salt, body, pairs FROM act WHERE id "
		"= 5",
		"log: ", "act 99 (outcome) has no leaf: it was put in"},
	{"where an outcome's leaf is", "UPDATE act SET position = position + 1 WHERE id = 5",
		"log: ", "act 5 (outcome) says that its leaf is at 609, which is not its own"},
	/* erasures */
	{"a pair", "UPDATE act SET pairs = CAST(randomblob(64) || substr(pairs, 65) AS BLOB) WHERE kind = 5",
		"record 8 (decision 5, ",
		"was replaced, and no erasure or pruning that was recorded says so: record 624, one of those, was "
		"altered"},
	{"pairs taken away", "UPDATE act SET pairs = NULL WHERE kind = 6", "record 43 (decision 40, ",
		"its record was replaced, and no erasure or pruning that was recorded says so"},
	{"an erasure deleted", "DELETE FROM act WHERE kind = 5", "record 8 (decision 5, ",
		"and no erasure or pruning that was recorded says so"},
	{"the bytes of an erased team",
		"UPDATE payload SET body = CAST('somebody' AS BLOB) WHERE id = (SELECT team_payload FROM decision "
		"WHERE sequence = 40)",
		"record 8 (decision 5, ", "was replaced, and no erasure or pruning that was recorded says so"},
	{"the record of an erased decision", "UPDATE decision SET outcome = 5 WHERE sequence = 40",
		"record 43 (decision 40, ", "its record was replaced, and no erasure or pruning"},
	{"what a redaction replaced forgotten", "DELETE FROM redaction WHERE kind = 2 AND target = 40",
		"record 43 (decision 40, ", OWN},
	{"a redaction that nobody recorded",
		"INSERT INTO redaction SELECT 2, 100, hash FROM leaf WHERE position = 103; UPDATE decision SET answer "
		"= x'00' WHERE sequence = 100",
		DECISION_100,
		"its record was replaced, and no erasure or pruning that was recorded says so; its leaf does not "
		"match"},
	{"a redaction of nothing", "INSERT INTO redaction VALUES(2, 9999, randomblob(32))",
		"log: ", "the redaction of decision 9999 is of something that is not there"},
	/* the tree */
	{"a leaf deleted", "DELETE FROM leaf WHERE position = 103", "record 103: ", "the leaf itself is missing"},
	{"a leaf's hash", "UPDATE leaf SET hash = randomblob(32) WHERE position = 103", DECISION_100, ", or its leaf"},
	{"two leaves' hashes exchanged",
		"UPDATE leaf SET hash = (SELECT hash FROM leaf l WHERE l.position = 209 - leaf.position) WHERE "
		"position IN (103, 106)",
		DECISION_100, "it was moved: what was recorded here stands at position 106 now"},
	{"two leaves' records exchanged", "UPDATE leaf SET record = 203 - record WHERE position IN (103, 106)",
		"record 103 (decision 103, ", "it was moved: what was recorded here stands at position 106 now"},
	{"a leaf's kind", "UPDATE leaf SET kind = 4 WHERE position = 603", "record 603 (outcome)",
		"its row is missing"},
	{"a leaf of no kind", "UPDATE leaf SET kind = 11 WHERE position = 103", "record 103: ", "its kind is missing"},
	{"the salt of a rubric's record", "UPDATE leaf SET salt = randomblob(32) WHERE position = 0",
		"record 0 (rubric)", OWN},
	{"the newest decision of a leaf", "UPDATE leaf SET decisions = 1 WHERE position = 610",
		"log: ", "leaf 610 says that decision 1 is the newest, and that is 600"},
	{"a leaf beyond the head",
		"INSERT INTO leaf SELECT 646, kind, record, decisions, hash, salt FROM leaf WHERE position = 645",
		"log: ", "leaf 646 is beyond the 646 records that the head has"},
	{"a node", "UPDATE node SET hash = randomblob(32) WHERE level = 8 AND place = 1",
		"record 256: ", "the node over leaves 256 to 511 does not follow from them"},
	{"a node deleted", "DELETE FROM node WHERE level = 8 AND place = 1",
		"record 256: ", "node 1 of level 8 of the tree is missing"},
	{"a node put in", "INSERT INTO node VALUES(8, 2, randomblob(32))",
		"log: ", "node 2 of level 8 does not belong to a tree of 646 leaves"},
	{"the head", "UPDATE tree SET root = randomblob(32)",
		"record 646: ", "the head does not follow from the nodes and leaves"},
	{"the head's size", "UPDATE tree SET size = 640",
		"record 640: ", "the head does not follow from the nodes and leaves"},
	{"the head deleted", "DELETE FROM tree", "record 0 and after: ", "the head of the log is missing"},
	/* what no leaf covers */
	{"an idempotency key deleted", "DELETE FROM request_key WHERE sequence = 99",
		"log: ", "decision 99 was recorded with an idempotency key, which is not there: it was deleted"},
	{"an idempotency key that leads elsewhere", "UPDATE request_key SET sequence = 97 WHERE sequence = 99",
		"log: ", "idempotency key key-99 leads to decision 97, which had none"},
	{"an idempotency key put in",
		"INSERT INTO request_key SELECT caller, 'x', sequence FROM request_key WHERE sequence = 99",
		"log: ", "decision 99 has more than one idempotency key"},
	{"who is in a list", "DELETE FROM member WHERE candidate = (SELECT id FROM name WHERE value = 'c-3')",
		"log: ", "has other people in it than when it was recorded"},
	{"somebody put in a list",
		"INSERT INTO member SELECT (SELECT id FROM name WHERE value = 'c-4'), candidates FROM member"
		" WHERE candidate = (SELECT id FROM name WHERE value = 'c-3') LIMIT 1",
		"log: ", "has other people in it than when it was recorded"},
	{"a decision taken out of a chain", "UPDATE decision SET team_previous = 86 WHERE sequence = 100",
		"log: ", "decision 100: the one before it of its team is 93, and its row says 86"},
	{"the end of a chain",
		"UPDATE chain SET last = last - 7 WHERE entity = (SELECT team FROM decision WHERE sequence = 1)",
		"log: ", "it was altered"},
	{"a chain deleted", "DELETE FROM chain WHERE entity = (SELECT team FROM decision WHERE sequence = 1)",
		"log: ", "and no chain: it was deleted"},
	{"a skip deleted", "DELETE FROM skip WHERE entity = (SELECT team FROM decision WHERE sequence = 1)",
		"log: ", "and no skip leads to it"},
	{"a skip put in", "INSERT INTO skip SELECT team, 100 FROM decision WHERE sequence = 99",
		"log: ", "a skip leads from name"},
	{"a table put in", "CREATE TABLE notes(text)",
		"log: ", "the table notes is not one of a decision log: it was put in"},
	{"a trigger put in", "CREATE TRIGGER later AFTER INSERT ON decision BEGIN UPDATE decision SET outcome = 1; END",
		"log: ", "the trigger later is not one of a decision log: it was put in"},
	{"an index deleted", "DROP INDEX act_by_decision",
		"log: ", "the index act_by_decision of a decision log is not there: it was deleted"},
	{"a table deleted", "DROP TABLE skip",
		"log: ", "the table skip of a decision log is not there: it was deleted"},
};

static void every_alteration_is_found_and_named(void **state)
{
	size_t missed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(alterations) / sizeof(alterations[0]); i++) {
		const struct alteration *a = &alterations[i];
		int status;

		alter(a->sql);
		status = verify(suite.altered, false);
		if (status == 1 && output_has_line(suite.output, a->begin, a->text, true)) {
			suite.found++;
			continue;
		}
		missed++;
		print_error("%s: expected \"%s... %s\", exit status %d:\n%.500s\n", a->name, a->begin, a->text, status,
			suite.output);
	}
	assert_int_equal(missed, 0);
}

/* ---- attackers who can compute hashes ---- */

static const char edit[] = "UPDATE decision SET answer = x'00' WHERE sequence = 100";

static void half_a_rehash_is_found_at_the_level_above(void **state)
{
	(void)state;
	alter(edit);
	rehash(LEAVES);
	assert_int_equal(verify(suite.altered, false), 1);
	is_found("leaf rehashed", "record 0: ", "the node over leaves 0 to 255 does not follow from them");
	alter(edit);
	rehash(NODES);
	assert_int_equal(verify(suite.altered, false), 1);
	is_found("leaf and nodes rehashed", "record 646: ", "the head does not follow from the nodes and leaves");
}

static void a_whole_rehash_is_found_by_a_checkpoint_alone(void **state)
{
	(void)state;
	alter(edit);
	rehash(HEAD);
	if (verify(suite.altered, false) != 0)
		fail_msg("%s", suite.output);
	assert_non_null(strstr(
		suite.output, "checkpoints  none: whoever could write the log may have computed all of it anew"));
	assert_int_equal(verify(suite.altered, true), 1);
	is_found("all rehashed", "checkpoint ",
		"records 0 to 619 are not those that were signed: they were altered together with their hashes");
}

static void older_and_other_logs_are_found_by_a_checkpoint(void **state)
{
	(void)state;
	assert_int_equal(verify(suite.early, false), 0);
	assert_int_equal(verify(suite.early, true), 1);
	is_found("rewound", "checkpoint ",
		"the log had 620 records when it was signed, and has 304: the newest were taken out, or it is an older "
		"copy");
	assert_int_equal(verify(suite.other, false), 0);
	assert_int_equal(verify(suite.other, true), 1);
	is_found("another log", "checkpoint ", "records 0 to 619 are not those that were signed");
}

/* The newest records taken out with everything that hangs on them, and the head computed anew. */
static void a_truncated_log_is_found_by_a_checkpoint(void **state)
{
	(void)state;
	alter("DELETE FROM decision WHERE sequence > 600; DELETE FROM request_key WHERE sequence > 600; DELETE FROM "
	      "skip WHERE sequence > 600;"
	      "DELETE FROM leaf WHERE position >= 610; DELETE FROM act WHERE id > 6; DELETE FROM redaction;"
	      "UPDATE chain SET last = (SELECT max(sequence) FROM decision WHERE entity IN (team, project, "
	      "candidates)),"
	      " count = (SELECT count(*) FROM decision WHERE entity IN (team, project, candidates));");
	rehash(HEAD);
	assert_int_equal(verify(suite.altered, true), 1);
	assert_non_null(strstr(
		suite.output, "the log had 620 records when it was signed, and has 610: the newest were taken out"));
	suite.found++;
	alter("UPDATE tree SET size = 600; DELETE FROM leaf WHERE position >= 600");
	assert_int_equal(verify(suite.altered, false), 1);
	is_told("truncated without computing", "record 600: ", "the head does not follow");
}

/*
 * A leaf taken out or put in, with those behind it moved up or down: records that are no decisions have their place in
 * their leaf.
 */
static void leaves_that_moved_are_found(void **state)
{
	static const char take_out[] =
		"DELETE FROM leaf WHERE position = 103; UPDATE leaf SET position = -position WHERE position > 103;"
		"UPDATE leaf SET position = -position - 1 WHERE position < 0; UPDATE act SET position = position - 1;"
		"DELETE FROM decision WHERE sequence = 100;";
	static const char put_in[] =
		"UPDATE leaf SET position = -position WHERE position > 103; UPDATE leaf SET position = -position + 1 "
		"WHERE position < 0;"
		"UPDATE act SET position = position + 1;"
		"INSERT INTO leaf SELECT 104, kind, record, decisions, hash, salt FROM leaf WHERE position = 103;"
		"UPDATE tree SET size = size + 1";

	(void)state;
	alter(take_out);
	assert_int_equal(verify(suite.altered, false), 1);
	is_told("deleted, the others moved up", "record 103 (decision 101, ",
		"decision 100 is missing before it: it was deleted");
	alter(take_out);
	rehash(HEAD);
	assert_int_equal(verify(suite.altered, false), 1);
	is_found("deleted and rehashed", "record 103 (decision 101, ",
		"decision 100 is missing before it: it was deleted");
	alter(put_in);
	assert_int_equal(verify(suite.altered, false), 1);
	is_told("put in, the others moved down", "record 104 (decision 100, ",
		"it is out of order: decision 100 stands before it");
	alter(put_in);
	rehash(HEAD);
	assert_int_equal(verify(suite.altered, false), 1);
	is_found("put in and rehashed", "record 104 (decision 100, ",
		"it is out of order: decision 100 stands before it");
}

/* Consistent hashes over what can't be. */
static void rehashed_nonsense_is_found(void **state)
{
	(void)state;
	alter("UPDATE decision SET decided_at = 5 WHERE sequence = 100");
	rehash(HEAD);
	assert_int_equal(verify(suite.altered, false), 1);
	is_found("time falls", DECISION_100,
		"its time, 1970-01-01T00:00:00.000005Z, is before that of the record before it, 2026-");
	alter("UPDATE decision SET id = x'00000000000070008000000000000001' WHERE sequence = 100");
	rehash(HEAD);
	assert_int_equal(verify(suite.altered, false), 1);
	is_found("id falls", DECISION_100, "its id is not above that of the decision before it");
	alter("UPDATE leaf SET record = 203 - record WHERE position IN (103, 106)");
	rehash(HEAD);
	assert_int_equal(verify(suite.altered, false), 1);
	is_found(
		"order", "record 103 (decision 103, ", "decisions 100 to 102 are missing before it: they were deleted");
	alter("UPDATE payload SET body = CAST('A' AS BLOB) WHERE id = (SELECT team_payload FROM decision WHERE "
	      "sequence = 1)");
	rehash(HEAD);
	assert_int_equal(verify(suite.altered, false), 1);
	is_found("bytes", "record 4 (decision 1, ", "the digest of its team");
}

/* ---- attackers who say that it was an erasure ---- */

static void count_finding(void *context, const struct lf_verify_finding *finding)
{
	++*(uint64_t *)context;
	snprintf(suite.output, sizeof(suite.output), "record %llu: %s\n", (unsigned long long)finding->position,
		finding->what);
}

/* A service verifies its own log by the leaves alone. */
static uint64_t verify_leaves(const char *file)
{
	const struct lf_log_options options = {.location = file, .read_only = true};
	struct lf_log *log = NULL;
	struct lf_tree_head head;
	uint64_t next = 0, findings = 0;
	struct lf_verify *verify;

	assert_int_equal(lf_log_open(&log, &lf_sqlite_backend, &options, NULL), LF_OK);
	verify = lf_verify_new(log);
	assert_non_null(verify);
	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	do
		assert_int_equal(
			lf_verify_slice(verify, next, head.size, 1000, count_finding, &findings, &next, NULL), LF_OK);
	while (next != 0);
	lf_verify_free(verify);
	lf_log_close(log);
	return findings;
}

/* The erasure has a leaf that is right in itself, and that the tree does not have. */
static void an_erasure_beyond_the_head_accounts_for_nothing(void **state)
{
	static const char *const left[] = {"c-all"};
	const struct lf_redact_item item = {.what = LF_REDACT_DECISION,
		.id = 100,
		.bytes = bytes_of("what suits me"),
		.candidates = left,
		.candidate_count = 1,
		.recommended = ""};
	struct lf_redact redaction = {
		.kind = LF_LEAF_ERASURE, .caller = "hr", .body = bytes_of("why"), .items = &item, .item_count = 1};
	struct lf_tree_head head;
	char sql[300], root[65];
	struct lf_log *log;

	(void)state;
	file_copy(suite.place.file, suite.altered);
	log = open_log(suite.altered);
	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	assert_int_equal(lf_log_redact(log, &redaction, NULL), LF_OK);
	lf_log_close(log);
	assert_int_equal(verify_leaves(suite.altered), 0);
	lf_digest_print(&head.root, root);
	snprintf(sql, sizeof(sql),
		"UPDATE leaf SET position = 1000000 WHERE position = 646; UPDATE act SET position = 1000000 WHERE "
		"position = 646;"
		"UPDATE tree SET size = 646, root = x'%s'",
		root);
	sql_run(suite.altered, sql);
	rehash(LEAVES);
	assert_int_equal(verify_leaves(suite.altered), 1);
	is_found("an erasure beyond the head", "record 103: ",
		"was replaced, and no erasure or pruning that was recorded says so: record 1000000, one of those, was "
		"altered");
}

/* Record 646 is added to a copy: an act of this kind about no decision, by "privacy". */
static void alter_own_act(
	enum lf_leaf_kind kind, const char *name, const char *sql, const char *begin, const char *text)
{
	struct lf_act_put act = {.kind = kind, .caller = "privacy", .body = bytes_of("about c-3")};
	char what[128], altering[256], expected[128];
	struct lf_log *log;

	snprintf(what, sizeof(what), "%s: %s", lf_leaf_kind_name(kind), name);
	snprintf(altering, sizeof(altering), "%s WHERE kind = %d", sql, (int)kind);
	snprintf(expected, sizeof(expected), begin, lf_leaf_kind_name(kind));
	file_copy(suite.place.file, suite.altered);
	log = open_log(suite.altered);
	assert_int_equal(lf_log_put_act(log, &act, NULL), LF_OK);
	lf_log_close(log);
	assert_int_equal(verify(suite.altered, true), 0);
	sql_run(suite.altered, altering);
	assert_int_equal(verify(suite.altered, true), 1);
	is_found(what, expected, text);
}

/* That an erasure is to be done, and who looked. */
static void the_log_s_own_acts_are_covered_like_any_other(void **state)
{
	static const enum lf_leaf_kind kinds[] = {LF_LEAF_JOB, LF_LEAF_ACCESS};
	static const struct {
		const char *name, *sql, *begin, *text;
	} changes[] = {
		{"what it says", "UPDATE act SET body = CAST('about c-4' AS BLOB)", "record 646 (%s)", OWN},
		{"by whom", "UPDATE act SET caller = (SELECT id FROM name WHERE value = 'ann' AND kind = 1)",
			"record 646 (%s)", "its caller was altered: \"privacy\" was recorded, and it is \"ann\" now"},
		{"when", "UPDATE act SET at = at - 1", "record 646 (%s)", OWN},
		{"its salt", "UPDATE act SET salt = randomblob(32)", "record 646 (%s)", OWN},
		{"made an outcome", "UPDATE act SET kind = 4", "record 646 (", ""},
		{"deleted", "DELETE FROM act", "record 646 (%s)", "its row is missing"},
		{"where its leaf is", "UPDATE act SET position = 645", "log: act 23 (%s)",
			"says that its leaf is at 645, which is not its own: it was altered"},
		{"another one put in",
			"INSERT INTO act SELECT id + 1, kind, at, caller, decision, position, salt, body, pairs FROM "
			"act",
			"log: act 24 (%s)", "has no leaf: it was put in"},
	};

	(void)state;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
			alter_own_act(kinds[kind], changes[i].name, changes[i].sql, changes[i].begin, changes[i].text);
}

/* The log's own writer makes the forgery: what it appends is right in itself. */
static void forge(const struct lf_redact_item *items, size_t count, const char *body)
{
	struct lf_redact redaction = {.kind = LF_LEAF_ERASURE,
		.caller = "hr\033",
		.body = bytes_of(body),
		.items = items,
		.item_count = count};
	struct lf_log *log;

	file_copy(suite.place.file, suite.altered);
	log = open_log(suite.altered);
	assert_int_equal(lf_log_redact(log, &redaction, NULL), LF_OK);
	lf_log_close(log);
}

static void an_erasure_is_listed_and_must_be_as_large_as_it_says(void **state)
{
	static const char *const left[] = {"c-all"};
	const struct lf_redact_item item = {.what = LF_REDACT_DECISION,
		.id = 100,
		.bytes = bytes_of("what suits me"),
		.candidates = left,
		.candidate_count = 1,
		.recommended = ""};

	(void)state;
	forge(&item, 1, "\x0a\x03mad\x10\x01");
	assert_int_equal(verify(suite.altered, true), 0); /* nothing tells it from one that was ordered */
	assert_non_null(strstr(suite.output, "  record 646, "));
	assert_non_null(strstr(suite.output, "Z, erasure by hr?: 1 decisions, 0 teams and projects, 0 acts: mad\n"));
	forge(&item, 1, "\x0a\x03mad");
	assert_int_equal(verify(suite.altered, true), 1);
	is_found("an erasure that says too little",
		"record 646 (erasure): ", "it replaced 1 records and payloads, and says that it replaced 0");
	forge(&item, 1, "mad");
	assert_int_equal(verify(suite.altered, true), 1);
	is_found("an erasure that says nonsense", "record 646 (erasure): ", "what it says of itself can't be read: ");
}

static void an_erasure_of_a_team_alone_is_found(void **state)
{
	struct lf_redact_item item = {.what = LF_REDACT_PAYLOAD, .bytes = bytes_of("another team")};

	(void)state;
	item.id = (uint64_t)sql_run(suite.place.file, "SELECT team_payload FROM decision WHERE sequence = 100");
	forge(&item, 1, "\x0a\x03mad\x18\x01");
	assert_int_equal(verify(suite.altered, true), 1);
	is_found("a team explained by an erasure", "record 5 (decision 2, ",
		"what it was decided on was replaced, and it was not");
}

static void commit_row(void *context, const struct lf_audit_row *row)
{
	lf_commit(&row->salt, row->record.data, row->record.length, context);
}

/* An attacker who alters no more than the answer, and works the pair of the erasure out by hand. */
static void an_erasure_that_leaves_a_decision_whole_is_found(void **state)
{
	static const char *const left[] = {"c-all"};
	const struct lf_redact_item item = {.what = LF_REDACT_DECISION,
		.id = 100,
		.bytes = bytes_of(""),
		.candidates = left,
		.candidate_count = 1,
		.recommended = ""};
	const struct lf_log_options options = {.location = suite.altered, .read_only = true};
	struct lf_log *log = NULL;
	struct lf_digest now;
	char sql[300], text[65];
	uint64_t next;

	(void)state;
	forge(&item, 1, "\x0a\x03mad\x10\x01");
	sql_run(suite.altered, "UPDATE decision SET request_digest = randomblob(32) WHERE sequence = 100");
	assert_int_equal(lf_log_open(&log, &lf_sqlite_backend, &options, NULL), LF_OK);
	assert_int_equal(lf_log_audit(log, 103, 1, commit_row, &now, &next, NULL), LF_OK);
	lf_log_close(log);
	lf_digest_print(&now, text);
	snprintf(sql, sizeof(sql),
		"UPDATE act SET pairs = CAST(substr(pairs, 1, 32) || x'%s' AS BLOB) WHERE position = 646", text);
	sql_run(suite.altered, sql);
	rehash(HEAD);
	assert_int_equal(verify(suite.altered, true), 1);
	is_found("a decision explained by an erasure", DECISION_100,
		"it was replaced, and is neither frozen nor pruned, and has the digest of its request");
}

/* ---- the file ---- */

static void a_damaged_file_is_found(void **state)
{
	struct stat status;
	size_t length;
	uint8_t *data;

	(void)state;
	data = file_read(suite.place.file, &length);
	memset(data + length / 2, 0xa5, 4096);
	file_write(suite.altered, data, length);
	assert_int_equal(verify(suite.altered, false), 1);
	suite.found++;
	file_write(suite.altered, data, length / 2);
	assert_int_equal(verify(suite.altered, false), 1);
	suite.found++;
	free(data);
	assert_int_equal(stat(suite.altered, &status), 0);
	assert_int_equal(status.st_size, length / 2);
}

static void a_forged_checkpoint_is_refused(void **state)
{
	size_t length;
	uint8_t *note;
	char *size;

	(void)state;
	note = file_read(suite.checkpoint, &length);
	size = strstr((char *)note, "\n620\n");
	assert_non_null(size);
	size[3] = '1';
	file_write(suite.checkpoint, note, length);
	assert_int_equal(verify(suite.place.file, true), 2);
	assert_string_equal(suite.output, "");
	size[3] = '0';
	file_write(suite.checkpoint, note, length);
	free(note);
	suite.found++;
}

static void the_count(void **state)
{
	(void)state;
	print_message("%zu alterations, each found and named\n", suite.found);
	assert_true(suite.found >= 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unaltered_log_passes),
		cmocka_unit_test(every_alteration_is_found_and_named),
		cmocka_unit_test(half_a_rehash_is_found_at_the_level_above),
		cmocka_unit_test(a_whole_rehash_is_found_by_a_checkpoint_alone),
		cmocka_unit_test(older_and_other_logs_are_found_by_a_checkpoint),
		cmocka_unit_test(a_truncated_log_is_found_by_a_checkpoint),
		cmocka_unit_test(leaves_that_moved_are_found),
		cmocka_unit_test(rehashed_nonsense_is_found),
		cmocka_unit_test(the_log_s_own_acts_are_covered_like_any_other),
		cmocka_unit_test(an_erasure_beyond_the_head_accounts_for_nothing),
		cmocka_unit_test(an_erasure_is_listed_and_must_be_as_large_as_it_says),
		cmocka_unit_test(an_erasure_of_a_team_alone_is_found),
		cmocka_unit_test(an_erasure_that_leaves_a_decision_whole_is_found),
		cmocka_unit_test(a_damaged_file_is_found),
		cmocka_unit_test(a_forged_checkpoint_is_refused),
		cmocka_unit_test(the_count),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
