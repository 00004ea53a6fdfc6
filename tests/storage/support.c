#include "tests/storage/support.h"

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/log/private.h"
#include "storage/tlog/tree.h"

const char RUBRIC_NAME[] = "tech-lead", RUBRIC_BODY[] = "the bytes of a rubric";

/* ---- files ---- */

void place_make(struct place *place)
{
	snprintf(place->folder, sizeof(place->folder), "/tmp/lf-storage-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->file, sizeof(place->file), "%s/log.db", place->folder);
}

static int names_of(const char *folder, struct dirent ***entries)
{
	return scandir(folder, entries, NULL, alphasort);
}

void place_remove(struct place *place)
{
	struct dirent **entries;
	const int count = names_of(place->folder, &entries);

	for (int i = 0; i < count; i++) {
		char path[400];

		snprintf(path, sizeof(path), "%s/%s", place->folder, entries[i]->d_name);
		if (unlink(path) != 0)
			(void)rmdir(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	rmdir(place->folder);
}

void place_names(const struct place *place, const char *except, char *names, size_t size)
{
	struct dirent **entries;
	const int count = names_of(place->folder, &entries);

	names[0] = '\0';
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (name[0] != '.' && (except == NULL || strncmp(name, except, strlen(except)) != 0))
			snprintf(
				names + strlen(names), size - strlen(names), "%s%s", names[0] != '\0' ? " " : "", name);
		free(entries[i]);
	}
	free(entries);
}

uint8_t *file_read(const char *path, size_t *length)
{
	struct stat status;
	FILE *file = fopen(path, "rb");
	uint8_t *data;

	if (file == NULL)
		return NULL;
	assert_int_equal(fstat(fileno(file), &status), 0);
	data = malloc((size_t)status.st_size + 1);
	assert_non_null(data);
	*length = fread(data, 1, (size_t)status.st_size, file);
	assert_int_equal(*length, status.st_size);
	fclose(file);
	return data;
}

void file_write(const char *path, const void *data, size_t length)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* ---- appends ---- */

static pthread_mutex_t completed_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t completed = PTHREAD_COND_INITIALIZER;

static void work_done(struct lf_append *append, const struct lf_error *error)
{
	struct work *work = append->context;

	pthread_mutex_lock(&completed_lock);
	work->code = error->code;
	snprintf(work->message, sizeof(work->message), "%s", error->message);
	atomic_fetch_add(&work->completions, 1);
	pthread_cond_broadcast(&completed);
	pthread_mutex_unlock(&completed_lock);
}

struct lf_bytes bytes_of(const char *text)
{
	return (struct lf_bytes){(const uint8_t *)text, strlen(text)};
}

/* What lf_log_append() does, for those who call a backend. */
static void take_digests(struct work *work)
{
	struct lf_append *append = &work->append;

	lf_sha256(append->team.data, append->team.length, &append->team_digest);
	lf_sha256(append->project.data, append->project.length, &append->project_digest);
	lf_sha256(work->candidate_ids, append->candidate_count * sizeof(work->candidate_ids[0]),
		&append->candidates_digest);
}

void work_set_rubric(struct work *work, const char *name, const char *body)
{
	work->append.rubric_name = name;
	lf_sha256(body, strlen(body), &work->append.rubric_digest);
}

void work_init(struct work *work, int team, int project, int key)
{
	memset(work, 0, sizeof(*work));
	snprintf(work->team_id, sizeof(work->team_id), "team-%d", team);
	snprintf(work->project_id, sizeof(work->project_id), "project-%d", project);
	if (key != 0)
		snprintf(work->key, sizeof(work->key), "key-%d", key);
	snprintf(work->team, sizeof(work->team), "bytes of team %d", team);
	snprintf(work->project, sizeof(work->project), "bytes of project %d", project);
	snprintf(work->answer, sizeof(work->answer), "answer for team %d, project %d, key %d", team, project, key);
	snprintf(work->candidate_ids[0], sizeof(work->candidate_ids[0]), "c-%d", team);
	snprintf(work->candidate_ids[1], sizeof(work->candidate_ids[1]), "c-all");
	work->candidates[0] = work->candidate_ids[0];
	work->candidates[1] = work->candidate_ids[1];
	snprintf(work->recommended, sizeof(work->recommended), "c-%d", team);
	work->append = (struct lf_append){
		.caller = "hr",
		.idempotency_key = work->key,
		.team_id = work->team_id,
		.project_id = work->project_id,
		.outcome = 1,
		.purpose = 1,
		.recommended = work->recommended,
		.team = bytes_of(work->team),
		.project = bytes_of(work->project),
		.answer = bytes_of(work->answer),
		.candidates = work->candidates,
		.candidate_count = 2,
		.done = work_done,
		.context = work,
	};
	work_set_rubric(work, RUBRIC_NAME, RUBRIC_BODY);
	lf_sha256(work->answer, strlen(work->answer), &work->append.request_digest);
	take_digests(work);
}

void work_wait(struct work *work)
{
	pthread_mutex_lock(&completed_lock);
	while (atomic_load(&work->completions) == 0)
		pthread_cond_wait(&completed, &completed_lock);
	pthread_mutex_unlock(&completed_lock);
}

enum lf_code work_run(struct lf_log *log, struct work *work)
{
	lf_log_append(log, &work->append);
	work_wait(work);
	return work->code;
}

/* ---- the writer by hand ---- */

struct lf_log *hand_new(const struct lf_backend *backend, struct lf_store *store)
{
	struct lf_log *hand = calloc(1, sizeof(*hand));

	assert_non_null(hand);
	hand->backend = backend;
	hand->store = store;
	hand->batch = calloc(LF_BATCH_MAX, sizeof(*hand->batch));
	hand->entropy = calloc(LF_BATCH_MAX, sizeof(*hand->entropy));
	assert_non_null(hand->batch);
	assert_non_null(hand->entropy);
	return hand;
}

void hand_free(struct lf_log *hand)
{
	free(hand->scratch);
	free(hand->entropy);
	free(hand->batch);
	free(hand);
}

enum lf_code hand_begin(struct lf_log *hand, struct lf_error *error)
{
	return lf_writer_begin(hand, error);
}

enum lf_code hand_put_all(
	struct lf_log *hand, struct lf_append *const *appends, size_t count, int64_t at_us, struct lf_error *error)
{
	enum lf_code code;

	assert_true(count <= LF_BATCH_MAX);
	assert_true(lf_random(hand->entropy, count * sizeof(*hand->entropy)));
	for (size_t i = 0; i < count; i++) {
		hand->batch[i].append = appends[i];
		hand->batch[i].existing = false;
		lf_error_init(&hand->batch[i].error);
	}
	code = lf_writer_write_items(hand, count, at_us, error);
	for (size_t i = 0; i < count && code == LF_OK; i++) {
		struct lf_batch_entry *entry = &hand->batch[i];
		const struct lf_item_decision *decision = &entry->item.decision;

		if (entry->error.code == LF_OK && entry->item.kind == LF_ITEM_DECISION) {
			appends[i]->existing = entry->existing;
			appends[i]->id = entry->existing ? decision->first_id : decision->id;
			appends[i]->sequence = entry->existing ? decision->first_sequence : decision->sequence;
			appends[i]->decided_at_us = entry->existing ? decision->first_at_us : entry->item.at_us;
		}
		if (entry->error.code != LF_OK && error->code == LF_OK)
			lf_error_move(error, &entry->error);
		lf_error_clean_up(&entry->error);
	}
	return error->code;
}

enum lf_code hand_put(struct lf_log *hand, struct lf_append *append, int64_t at_us, struct lf_error *error)
{
	return hand_put_all(hand, &append, 1, at_us, error);
}

enum lf_code hand_commit(struct lf_log *hand, struct lf_error *error)
{
	if (lf_writer_commit(hand, false, error) != LF_OK)
		hand_rollback(hand);
	return error->code;
}

void hand_rollback(struct lf_log *hand)
{
	hand->tail_known = false;
	hand->backend->rollback(hand->store);
}

enum lf_code hand_store(const struct lf_backend *backend, struct lf_store *store, struct lf_append *append,
	int64_t at_us, struct lf_error *error)
{
	struct lf_log *hand = hand_new(backend, store);

	if (hand_begin(hand, error) == LF_OK) {
		if (hand_put(hand, append, at_us != 0 ? at_us : hand->tail.time_us + 10, error) == LF_OK)
			hand_commit(hand, error);
		else
			hand_rollback(hand);
	}
	hand_free(hand);
	return error->code;
}

enum lf_code work_store(const struct lf_backend *backend, struct lf_store *store, struct work *work)
{
	struct lf_error error = LF_ERROR_INIT;
	enum lf_code code;

	take_digests(work);
	code = hand_store(backend, store, &work->append, 0, &error);
	snprintf(work->message, sizeof(work->message), "%s", error.message);
	lf_error_clean_up(&error);
	return code;
}

void rubric_put(struct lf_log *log)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_digest digest;
	enum lf_code code;

	lf_sha256(RUBRIC_BODY, strlen(RUBRIC_BODY), &digest);
	code = lf_log_put_rubric(
		log, RUBRIC_NAME, "Tech lead", "admin", bytes_of(RUBRIC_BODY), &digest, true, NULL, NULL, &error);
	if (code != LF_OK)
		fail_msg("%s", error.message);
}

void version_store(const struct lf_backend *backend, struct lf_store *store, const char *name, const char *body)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_digest digest;
	struct lf_rubric_put put;
	struct lf_append append = {.rubric = &put};

	lf_sha256(body, strlen(body), &digest);
	put = (struct lf_rubric_put){.name = name,
		.title = "Tech lead",
		.caller = "admin",
		.body = bytes_of(body),
		.digest = &digest,
		.activate = true};
	assert_int_equal(hand_store(backend, store, &append, 5, &error), LF_OK);
}

void rubric_store(const struct lf_backend *backend, struct lf_store *store)
{
	version_store(backend, store, RUBRIC_NAME, RUBRIC_BODY);
}

struct lf_log *log_open(const struct lf_backend *backend, const char *location)
{
	struct lf_log *log = NULL;
	struct lf_error error = LF_ERROR_INIT;
	const struct lf_log_options options = {.location = location};

	if (lf_log_open(&log, backend, &options, &error) != LF_OK)
		fail_msg("%s", error.message);
	return log;
}

/* ---- lists ---- */

void listed_visit(void *context, const struct lf_stored *row)
{
	struct listed *listed = context;

	assert_true(listed->count < sizeof(listed->sequences) / sizeof(listed->sequences[0]));
	listed->sequences[listed->count] = row->sequence;
	listed->ids[listed->count] = row->id;
	listed->times[listed->count++] = row->decided_at_us;
	assert_int_equal(row->team.length + row->project.length + row->answer.length, 0);
}

struct lf_filter filter_any(void)
{
	return (struct lf_filter){.since_us = INT64_MIN, .until_us = INT64_MAX, .limit = LF_PAGE_MAX};
}

void list_all(struct lf_log *log, struct lf_filter filter, struct listed *listed)
{
	uint64_t next;

	listed->count = 0;
	do {
		assert_int_equal(lf_log_list(log, &filter, listed_visit, listed, &next, NULL), LF_OK);
		filter.before_sequence = next;
	} while (next != 0);
}

void audit_all(
	struct lf_log *log, uint64_t first, void (*visit)(void *context, const struct lf_audit_row *row), void *context)
{
	uint64_t next = first;

	do
		assert_int_equal(lf_log_audit(log, next, 100, visit, context, &next, NULL), LF_OK);
	while (next != 0);
}

void head_forge(const char *file, uint8_t wrong)
{
	struct lf_tree tree = {.size = 0};
	struct lf_node nodes[LF_TREE_NODES_MAX];
	struct lf_digest hash = {{0}}, root;
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT hash FROM leaf ORDER BY position", -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		memcpy(&hash, sqlite3_column_blob(statement, 0), sizeof(hash));
		lf_tree_add(&tree, &hash, nodes);
	}
	sqlite3_finalize(statement);
	lf_tree_root(&tree, &root);
	root.bytes[0] ^= wrong;
	assert_int_equal(
		sqlite3_prepare_v2(db, "UPDATE tree SET size = ?1, root = ?2", -1, &statement, NULL), SQLITE_OK);
	sqlite3_bind_int64(statement, 1, (sqlite3_int64)tree.size);
	sqlite3_bind_blob(statement, 2, &root, sizeof(root), SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}
