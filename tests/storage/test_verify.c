/*
 * Verifying a log (storage/verify/verify.h): over a backend of arrays that a test can alter in any way, over those that
 * there are, and on a log that is written meanwhile. Alterations of a real file are in tests/service/tampering_test.c.
 */
#include <time.h>

#include "storage/tlog/tree.h"
#include "storage/verify/verify.h"
#include "storage/verify/private.h"
#include "tests/storage/memory_backend.h"
#include "tests/storage/support.h"

/* ---- a backend of arrays, for reading alone ---- */

enum { FAKE_PAYLOADS = 8 };

struct fake_row {
	enum lf_leaf_kind kind;
	uint64_t number;
	int64_t time_us;
	struct lf_digest hash;
	char record[48];
	struct lf_salt salt;
	bool redacted;
	struct lf_digest original;
	uint64_t payload; /* of a RUBRIC; else 0 */
	bool payload_redacted;
	struct lf_digest payload_original;
	struct lf_digest pairs[4];
	size_t pair_count;
	bool missing;
};

static struct {
	struct fake_row *rows;
	size_t count;
	struct lf_digest *nodes[3]; /* by level / 8; [0] is not used */
	size_t node_count[3];
	struct lf_tree_head head;
	struct {
		char body[48];
		struct lf_salt salt;
		struct lf_digest digest;
	} payloads[FAKE_PAYLOADS + 1];
} fake;

static enum lf_code fake_open(struct lf_store **store, const char *location, struct lf_error *error)
{
	(void)location;
	(void)error;
	*store = (struct lf_store *)(void *)&fake;
	return LF_OK;
}

static void fake_close(struct lf_store *store)
{
	(void)store;
}

static enum lf_code fake_open_reader(struct lf_store *store, struct lf_reader **reader, struct lf_error *error)
{
	(void)error;
	*reader = (struct lf_reader *)(void *)store;
	return LF_OK;
}

static void fake_close_reader(struct lf_reader *reader)
{
	(void)reader;
}

static enum lf_code fake_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	const size_t there = level == 0 ? fake.count : level <= 16 ? fake.node_count[level / 8] : 0;

	(void)reader;
	if (first + count > there)
		return lf_error_set(error, LF_DATA_LOSS, "node %llu of level %u of the tree is missing",
			(unsigned long long)first, level);
	for (size_t i = 0; i < count; i++)
		hashes[i] = level == 0 ? fake.rows[first + i].hash : fake.nodes[level / 8][first + i];
	return LF_OK;
}

static enum lf_code fake_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	size_t at = first;

	(void)reader;
	(void)error;
	for (; at < fake.count && at < first + limit; at++) {
		const struct fake_row *from = &fake.rows[at];
		struct lf_audit_row row = {.position = at,
			.kind = from->kind,
			.hash = from->hash,
			.missing = from->missing ? "its row" : NULL,
			.number = from->number,
			.time_us = from->time_us,
			.record = bytes_of(from->record),
			.salt = from->salt,
			.redacted = from->redacted,
			.original = from->original,
			.payload_count = from->payload != 0,
			.pairs = from->pairs,
			.pair_count = from->pair_count};

		row.payloads[0] =
			(struct lf_audit_payload){from->payload, from->payload_redacted, from->payload_original};
		visit(context, &row);
	}
	*next = at < fake.count ? at : 0;
	return LF_OK;
}

static enum lf_code fake_get_payload(
	struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error)
{
	struct lf_payload_row found;

	(void)reader;
	if (id > FAKE_PAYLOADS)
		return lf_error_set(error, LF_NOT_FOUND, "there is no such payload");
	found = (struct lf_payload_row){id, LF_PAYLOAD_RUBRIC, fake.payloads[id].digest, fake.payloads[id].salt,
		bytes_of(fake.payloads[id].body)};
	*row = lf_payload_row_copy(&found);
	return LF_OK;
}

/* Erasures and prunings, with ids that are their positions. */
static enum lf_code fake_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error)
{
	(void)reader;
	(void)decision;
	(void)error;
	(void)limit;
	for (size_t i = after + 1; i < fake.count; i++)
		if (fake.rows[i].kind >= LF_LEAF_OUTCOME && (kind == 0 || fake.rows[i].kind == kind))
			visit(context,
				&(struct lf_act_row){.id = i, .position = i, .kind = fake.rows[i].kind, .caller = ""});
	*next = 0;
	return LF_OK;
}

static enum lf_code fake_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error)
{
	(void)reader;
	(void)error;
	*head = fake.head;
	return LF_OK;
}

static const struct lf_backend fake_backend = {
	.name = "fake",
	.open_read_only = fake_open,
	.close = fake_close,
	.open_reader = fake_open_reader,
	.close_reader = fake_close_reader,
	.head = fake_head,
	.hashes = fake_hashes,
	.audit = fake_audit,
	.get_payload = fake_get_payload,
	.list_acts = fake_list_acts,
};

static void fake_commitment(uint64_t payload, struct lf_digest *commitment)
{
	lf_commit(&fake.payloads[payload].salt, fake.payloads[payload].body, strlen(fake.payloads[payload].body),
		commitment);
}

/* The leaf that follows from a row as it is. */
static void fake_leaf(struct fake_row *row)
{
	struct lf_digest parts[6];
	size_t count = 1;

	lf_commit(&row->salt, row->record, strlen(row->record), &parts[0]);
	if (row->redacted)
		parts[0] = row->original;
	if (row->payload != 0) {
		fake_commitment(row->payload, &parts[1]);
		if (row->payload_redacted)
			parts[1] = row->payload_original;
		count++;
	}
	memcpy(parts + count, row->pairs, 2 * row->pair_count * sizeof(*parts));
	lf_leaf_digest(&(struct lf_leaf){row->kind, row->number, row->time_us, parts, count + 2 * row->pair_count},
		&row->hash);
}

/* Nodes and head as they follow from the leaves. */
static void fake_tree(void)
{
	struct lf_node nodes[LF_TREE_NODES_MAX];
	struct lf_tree tree = {0};

	memset(fake.node_count, 0, sizeof(fake.node_count));
	for (size_t i = 0; i < fake.count; i++) {
		const size_t completed = lf_tree_add(&tree, &fake.rows[i].hash, nodes);

		for (size_t j = 0; j < completed; j++) {
			fake.nodes[nodes[j].level / 8][nodes[j].index] = nodes[j].hash;
			fake.node_count[nodes[j].level / 8] = nodes[j].index + 1;
		}
	}
	fake.head.size = fake.count;
	lf_tree_root(&tree, &fake.head.root);
}

/* Rubrics, each with one of the payloads. */
static void fake_make(size_t count)
{
	fake.rows = calloc(count, sizeof(*fake.rows));
	fake.count = count;
	fake.nodes[1] = calloc(count / 256 + 1, sizeof(struct lf_digest));
	fake.nodes[2] = calloc(count / 65536 + 1, sizeof(struct lf_digest));
	for (size_t i = 1; i <= FAKE_PAYLOADS; i++) {
		snprintf(fake.payloads[i].body, sizeof(fake.payloads[i].body), "payload %zu", i);
		memset(&fake.payloads[i].salt, (int)i, sizeof(fake.payloads[i].salt));
		lf_sha256(fake.payloads[i].body, strlen(fake.payloads[i].body), &fake.payloads[i].digest);
	}
	for (size_t i = 0; i < count; i++) {
		struct fake_row *row = &fake.rows[i];

		*row = (struct fake_row){.kind = LF_LEAF_RUBRIC,
			.number = i,
			.time_us = (int64_t)(1000 + i),
			.payload = 1 + i % FAKE_PAYLOADS};
		snprintf(row->record, sizeof(row->record), "record %zu", i);
		memset(&row->salt, (int)i, sizeof(row->salt));
		fake_leaf(row);
	}
	fake_tree();
}

static void fake_free(void)
{
	free(fake.rows);
	free(fake.nodes[1]);
	free(fake.nodes[2]);
	memset(&fake, 0, sizeof(fake));
}

static struct lf_log *fake_log(void)
{
	struct lf_log *log = NULL;

	assert_int_equal(
		lf_log_open(&log, &fake_backend, &(struct lf_log_options){.location = "", .read_only = true}, NULL),
		LF_OK);
	return log;
}

/* ---- verifying ---- */

struct found {
	size_t count;
	uint64_t positions[16];
	char texts[16][400];
	bool quiet;
};

static void take(void *context, const struct lf_verify_finding *finding)
{
	struct found *found = context;

	if (found->count < 16) {
		found->positions[found->count] = finding->position;
		snprintf(found->texts[found->count], sizeof(found->texts[0]), "%s", finding->what);
	}
	found->count++;
}

/* All of it in slices of ms; the totals. */
static struct lf_verify_totals verify_all(struct lf_log *log, struct found *found, unsigned ms)
{
	struct lf_verify *verify = lf_verify_new(log);
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tree_head head;
	struct lf_digest root;
	uint64_t first = 0;
	bool known;
	struct lf_verify_totals totals;

	memset(found, 0, sizeof(*found));
	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	do {
		uint64_t next = 1;

		if (lf_verify_slice(verify, first, head.size, ms, take, found, &next, &error) != LF_OK)
			fail_msg("%s", error.message);
		assert_true(next == 0 || (next > first && next % LF_VERIFY_ALIGN == 0));
		first = next;
	} while (first != 0);
	assert_int_equal(lf_verify_root(verify, head.size, &head, take, found, &root, &known, &error), LF_OK);
	totals = *lf_verify_totals(verify);
	assert_int_equal(totals.findings, found->count);
	if (found->count == 0) {
		assert_true(known);
		assert_memory_equal(&root, &head.root, sizeof(root));
	}
	lf_verify_free(verify);
	return totals;
}

static void is_found(const struct found *found, size_t index, uint64_t position, const char *text)
{
	if (found->count <= index || found->positions[index] != position || strstr(found->texts[index], text) == NULL)
		fail_msg("expected at %llu: %s; found %zu, the first at %llu: %s", (unsigned long long)position, text,
			found->count, (unsigned long long)found->positions[0], found->texts[0]);
}

static void nodes_of_each_level_are_compared(void **state)
{
	struct found found;
	struct lf_digest kept;
	struct lf_log *log;
	struct lf_verify_totals totals;

	(void)state;
	fake_make(65536 + 300);
	log = fake_log();
	totals = verify_all(log, &found, 1000);
	assert_int_equal(found.count, 0);
	assert_int_equal(totals.records, 65836);
	kept = fake.nodes[2][0];
	fake.nodes[2][0].bytes[3] ^= 1;
	verify_all(log, &found, 1000);
	assert_int_equal(found.count, 2);
	is_found(&found, 0, 0, "the node over leaves 0 to 65535 does not follow from the nodes below it");
	is_found(&found, 1, 65836, "the head does not follow");
	fake.nodes[2][0] = kept;
	fake.nodes[1][5].bytes[3] ^= 1;
	verify_all(log, &found, 1000);
	is_found(&found, 0, 5 * 256, "the node over leaves 1280 to 1535 does not follow from them");
	fake.nodes[1][5].bytes[3] ^= 1;
	fake.head.root.bytes[0] ^= 1;
	verify_all(log, &found, 1000);
	assert_int_equal(found.count, 1);
	is_found(&found, 0, 65836, "the head does not follow");
	fake.head.root.bytes[0] ^= 1;
	fake.node_count[1]--;
	verify_all(log, &found, 1000);
	is_found(&found, 0, 65536, "node 256 of level 8 of the tree is missing: it was deleted");
	lf_log_close(log);
	fake_free();
}

static void any_slice_stands_alone(void **state)
{
	struct found found = {.count = 0};
	uint64_t next;
	struct lf_log *log;

	(void)state;
	fake_make(2000);
	log = fake_log();
	strcpy(fake.rows[700].record, "altered");
	for (uint64_t first = 0; first < 2000; first += 256) {
		struct lf_verify *verify = lf_verify_new(log);

		memset(&found, 0, sizeof(found));
		assert_int_equal(lf_verify_slice(verify, first, 2000, 0, take, &found, &next, NULL), LF_OK);
		assert_int_equal(next, first + 256 < 2000 ? first + 256 : 0);
		assert_int_equal(found.count, first == 512);
		lf_verify_free(verify);
	}
	lf_log_close(log);
	fake_free();
}

/*
 * Row 10 has payload 3, which is replaced by rows 20 (erasure) and 30 (pruning): its commitment, the one between, the
 * one that is there.
 */
static void make_chain(void)
{
	struct lf_digest first, second, third;
	struct lf_salt salt;

	fake_make(600);
	fake_commitment(3, &first);
	memset(&salt, 0x77, sizeof(salt));
	lf_commit(&salt, "between", 7, &second);
	strcpy(fake.payloads[3].body, "redacted");
	memset(&fake.payloads[3].salt, 0x88, sizeof(fake.payloads[3].salt));
	fake_commitment(3, &third);
	fake.payloads[3].digest = third; /* as the digest of what was replaced is */
	for (size_t i = 0; i < fake.count; i++)
		if (fake.rows[i].payload == 3) {
			fake.rows[i].payload_redacted = true;
			fake.rows[i].payload_original = first;
		}
	for (size_t i = 20; i <= 30; i += 10) {
		struct fake_row *row = &fake.rows[i];

		row->kind = i == 20 ? LF_LEAF_ERASURE : LF_LEAF_PRUNING;
		row->payload = 0;
		row->pair_count = 1;
		row->pairs[0] = i == 20 ? first : second;
		row->pairs[1] = i == 20 ? second : third;
		fake_leaf(row);
	}
	fake_tree();
}

static void replacements_in_a_row_are_accounted_for(void **state)
{
	struct found found;
	struct lf_log *log;
	struct lf_verify_totals totals;

	(void)state;
	make_chain();
	log = fake_log();
	totals = verify_all(log, &found, 1000);
	if (found.count != 0)
		fail_msg("%s", found.texts[0]);
	assert_int_equal(totals.erased, 75);
	assert_int_equal(totals.pruned, 75);
	lf_log_close(log);
	fake_free();
}

static void what_no_right_leaf_accounts_for_is_tampering(void **state)
{
	struct found found;
	struct lf_log *log;

	(void)state;
	make_chain();
	log = fake_log();
	fake.rows[20].pairs[1].bytes[0] ^= 1; /* the chain is broken, and the leaf does not fit */
	verify_all(log, &found, 1000);
	is_found(&found, 0, 2,
		"its rubric was replaced, and no erasure or pruning that was recorded says so: record 20, one of "
		"those, was altered");
	fake_leaf(&fake.rows[20]); /* now it fits, and the tree does not */
	verify_all(log, &found, 1000);
	is_found(&found, 0, 2, "its rubric was replaced, and no erasure or pruning that was recorded says so");
	fake.rows[20].pairs[1].bytes[0] ^= 1;
	fake_leaf(&fake.rows[20]);
	fake.rows[30].pair_count = 0; /* it ends too early */
	fake_leaf(&fake.rows[30]);
	verify_all(log, &found, 1000);
	is_found(&found, 0, 2, "its rubric was replaced, and no erasure or pruning that was recorded says so");
	fake.rows[30].pairs[0] = fake.rows[20].pairs[1]; /* it goes round and round */
	fake.rows[30].pairs[1] = fake.rows[20].pairs[0];
	fake.rows[30].pair_count = 1;
	fake_leaf(&fake.rows[30]);
	verify_all(log, &found, 1000);
	is_found(&found, 0, 2, "its rubric was replaced, and no erasure or pruning that was recorded says so");
	lf_log_close(log);
	fake_free();
}

static void rows_that_are_missing_or_fall_in_time_are_told(void **state)
{
	struct found found;
	struct lf_log *log;

	(void)state;
	fake_make(600);
	log = fake_log();
	fake.rows[300].missing = true;
	verify_all(log, &found, 1000);
	assert_int_equal(found.count, 1);
	is_found(&found, 0, 300, "its row is missing: it was deleted");
	fake.rows[300].missing = false;
	fake.rows[256].time_us = 1;
	fake_leaf(&fake.rows[256]);
	fake_tree();
	verify_all(log, &found, 0);
	assert_int_equal(found.count, 1);
	is_found(&found, 0, 256,
		"its time, 1970-01-01T00:00:00.000001Z, is before that of the record before it, "
		"1970-01-01T00:00:00.001255Z");
	lf_log_close(log);
	fake_free();
}

static void a_log_for_reading_takes_nothing(void **state)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_log *log;
	struct lf_act_put act;

	(void)state;
	fake_make(300);
	log = fake_log();
	act = (struct lf_act_put){.kind = LF_LEAF_OUTCOME, .caller = "hr", .body = bytes_of("x")};
	assert_int_equal(lf_log_put_act(log, &act, &error), LF_FAILED_PRECONDITION);
	assert_string_equal(error.message, "the decision log was opened for reading only");
	lf_log_close(log);
	fake_free();
}

/* ---- logs of the backends that there are, while they are written ---- */

static void redact_one(struct lf_log *log, uint64_t sequence, bool pruning)
{
	static const char *const left[] = {"c-all"};
	const struct lf_redact_item item = {.what = LF_REDACT_DECISION,
		.id = sequence,
		.bytes = bytes_of("redacted"),
		.candidates = left,
		.candidate_count = 1,
		.recommended = ""};
	struct lf_redact redaction = {.kind = pruning ? LF_LEAF_PRUNING : LF_LEAF_ERASURE,
		.caller = "privacy",
		.body = bytes_of("why"),
		.items = &item,
		.item_count = 1};
	struct lf_error error = LF_ERROR_INIT;

	if (lf_log_redact(log, &redaction, &error) != LF_OK)
		fail_msg("%s", error.message);
}

struct writing {
	struct lf_log *log;
	atomic_bool stop;
	pthread_t thread;
	size_t decisions, redactions;
};

static void *write_on(void *context)
{
	struct writing *writing = context;
	struct work work;

	for (int i = 1; !atomic_load(&writing->stop); i++) {
		work_init(&work, i % 9, i % 4, i);
		work_run(writing->log, &work);
		writing->decisions++;
		if (i % 5 != 0)
			continue;
		redact_one(writing->log, 1 + (uint64_t)rand() % writing->decisions, i % 10 == 0);
		writing->redactions++;
	}
	return NULL;
}

static void print_what(void *context, const char *what)
{
	(void)context;
	fail_msg("%s", what);
}

static void live(const struct lf_backend *backend, const char *location)
{
	struct lf_log *log = log_open(backend, location);
	struct writing writing = {.log = log};
	struct found found;
	struct work work;
	struct lf_verify_totals totals;

	rubric_put(log);
	for (int i = 0; i < 700; i++) {
		work_init(&work, i % 9, i % 4, 0);
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	writing.decisions = 700;
	atomic_init(&writing.stop, false);
	assert_int_equal(pthread_create(&writing.thread, NULL, write_on, &writing), 0);
	for (int i = 0; i < 20; i++) {
		struct lf_error error = LF_ERROR_INIT;
		enum lf_code code;

		verify_all(log, &found, 1);
		if (found.count != 0)
			fail_msg("%zu findings, the first at %llu: %s", found.count,
				(unsigned long long)found.positions[0], found.texts[0]);
		/* A check begins again where something was redacted, and may give up. */
		code = lf_log_check(log, print_what, NULL, NULL, &error);
		if (code != LF_OK &&
			(code != LF_UNAVAILABLE ||
				strstr(error.message, "was erased from while it was checked") == NULL))
			fail_msg("%s", error.message);
		lf_error_clean_up(&error);
	}
	atomic_store(&writing.stop, true);
	pthread_join(writing.thread, NULL);
	assert_true(writing.redactions > 0);
	totals = verify_all(log, &found, 1000);
	assert_int_equal(found.count, 0);
	assert_true(totals.erased > 0 && totals.pruned > 0);
	assert_int_equal(lf_log_check(log, print_what, NULL, NULL, NULL), LF_OK);
	lf_log_close(log);
}

static void a_log_that_is_written_and_erased_from_verifies(void **state)
{
	const char *seed = getenv("LF_TEST_SEED");
	const unsigned number = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)time(NULL);
	struct place place;

	(void)state;
	print_message("LF_TEST_SEED=%u\n", number);
	srand(number);
	place_make(&place);
	live(&lf_sqlite_backend, place.file);
	place_remove(&place);
	memory_backend_forget();
	live(&memory_backend, "memory");
}

static void count_large_finding(void *context, const struct lf_verify_finding *finding)
{
	++*(uint64_t *)context;
	print_error("record %llu: %s\n", (unsigned long long)finding->position, finding->what);
}

/* However large records are, a verifier holds some MiB of them at a time. */
static void large_records_are_read_some_at_a_time(void **state)
{
	enum { LARGE = 24, ALL = 300, BYTES = 1024 * 1024 };
	uint8_t *answer = calloc(1, BYTES);
	struct lf_rows rows = {0};
	struct lf_tree_head head;
	uint64_t findings = 0, next = 0;
	struct lf_log *log;
	struct lf_verify *verify;

	(void)state;
	memory_backend_forget();
	log = log_open(&memory_backend, "x");
	rubric_put(log);
	for (int i = 0; i < ALL; i++) {
		struct work work;

		work_init(&work, i, i, 0);
		if (i >= 20 && i < 20 + LARGE)
			work.append.answer = (struct lf_bytes){answer, BYTES};
		assert_int_equal(work_run(log, &work), LF_OK);
	}
	assert_int_equal(lf_rows_read(&rows, log, 22, LARGE, NULL), LF_OK);
	assert_in_range(rows.count, 1, 9);
	assert_int_equal(rows.rows[rows.count - 1].position, 22 + rows.count - 1);
	lf_rows_clean_up(&rows);
	verify = lf_verify_new(log);
	assert_int_equal(lf_log_head(log, &head, NULL), LF_OK);
	do
		assert_int_equal(
			lf_verify_slice(verify, next, head.size, 1000, count_large_finding, &findings, &next, NULL),
			LF_OK);
	while (next != 0);
	assert_int_equal(findings, 0);
	assert_int_equal(lf_verify_totals(verify)->records, head.size);
	lf_verify_free(verify);
	lf_log_close(log);
	memory_backend_forget();
	free(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_of_each_level_are_compared),
		cmocka_unit_test(any_slice_stands_alone),
		cmocka_unit_test(replacements_in_a_row_are_accounted_for),
		cmocka_unit_test(what_no_right_leaf_accounts_for_is_tampering),
		cmocka_unit_test(rows_that_are_missing_or_fall_in_time_are_told),
		cmocka_unit_test(large_records_are_read_some_at_a_time),
		cmocka_unit_test(a_log_for_reading_takes_nothing),
		cmocka_unit_test(a_log_that_is_written_and_erased_from_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
