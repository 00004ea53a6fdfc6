#include "tests/storage/faulty_backend.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lf_store {
	struct lf_store *inner; /* the wrapped backend's */
	bool begun;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct lf_backend *inner;
	long before[FAULTY_COUNT], left[FAULTY_COUNT];
	enum lf_code code[FAULTY_COUNT];
	bool commit_anyway, held, waiting, busy, lost;
	unsigned refused; /* kinds, a bit each */
	bool then;
	atomic_uint slow_ms;
	enum faulty_operation then_operation;
	enum lf_code then_code;
	const struct lf_log_counts *unsettled; /* NULL = none */
	uint64_t failed;                       /* that it had then */
	long violations, wrong;
	bool others;
} faulty = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void faulty_reset(const struct lf_backend *inner)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.inner = inner;
	for (size_t i = 0; i < FAULTY_COUNT; i++)
		faulty.before[i] = faulty.left[i] = 0;
	faulty.commit_anyway = faulty.held = faulty.waiting = faulty.busy = faulty.lost = false;
	faulty.then = false;
	faulty.refused = 0;
	faulty.slow_ms = 0;
	faulty.unsettled = NULL;
	faulty.violations = faulty.wrong = 0;
	pthread_mutex_unlock(&faulty.lock);
}

void faulty_fail(enum faulty_operation operation, long nth, long times, enum lf_code code)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.before[operation] = nth - 1;
	faulty.left[operation] = times;
	faulty.code[operation] = code;
	pthread_mutex_unlock(&faulty.lock);
}

void faulty_refuse(enum lf_item_kind kind)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.refused |= 1u << kind;
	pthread_mutex_unlock(&faulty.lock);
}

void faulty_slow(unsigned ms)
{
	atomic_store(&faulty.slow_ms, ms);
}

void faulty_then(enum faulty_operation operation, enum lf_code code)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.then = true;
	faulty.then_operation = operation;
	faulty.then_code = code;
	pthread_mutex_unlock(&faulty.lock);
}

void faulty_commit_anyway(void)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.commit_anyway = true;
	pthread_mutex_unlock(&faulty.lock);
}

void faulty_unsettle(struct lf_log *log)
{
	struct lf_log_figures figures;

	lf_log_figures(log, &figures);
	pthread_mutex_lock(&faulty.lock);
	faulty.unsettled = figures.counts;
	faulty.failed = lf_counted(&figures.counts->failed);
	pthread_mutex_unlock(&faulty.lock);
}

bool faulty_happened(void)
{
	bool happened;

	pthread_mutex_lock(&faulty.lock);
	happened = !faulty.then;
	for (size_t i = 0; i < FAULTY_COUNT; i++)
		happened &= faulty.left[i] == 0;
	pthread_mutex_unlock(&faulty.lock);
	return happened;
}

long faulty_violations(void)
{
	long violations;

	pthread_mutex_lock(&faulty.lock);
	violations = faulty.violations;
	pthread_mutex_unlock(&faulty.lock);
	return violations;
}

void faulty_hold(void)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.held = true;
	pthread_mutex_unlock(&faulty.lock);
}

void faulty_wait_held(void)
{
	pthread_mutex_lock(&faulty.lock);
	while (!faulty.waiting)
		pthread_cond_wait(&faulty.changed, &faulty.lock);
	pthread_mutex_unlock(&faulty.lock);
}

void faulty_let_go(void)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.held = false;
	pthread_cond_broadcast(&faulty.changed);
	pthread_mutex_unlock(&faulty.lock);
}

/* Starts a call; the code to fail with, or LF_OK. */
static enum lf_code enter(enum faulty_operation operation, struct lf_error *error)
{
	enum lf_code code = LF_OK;

	pthread_mutex_lock(&faulty.lock);
	/* The rollback of a shared store gives up its turn. */
	if (faulty.busy || (faulty.lost && !(operation == FAULTY_ROLLBACK && faulty.inner->shared)))
		faulty.violations++;
	faulty.busy = true;
	while (operation == FAULTY_COMMIT && faulty.held) {
		faulty.waiting = true;
		pthread_cond_broadcast(&faulty.changed);
		pthread_cond_wait(&faulty.changed, &faulty.lock);
	}
	faulty.waiting = false;
	if (faulty.then && faulty.left[FAULTY_COMMIT] == 0 && operation == faulty.then_operation) {
		faulty.then = false;
		code = lf_error_set(error, faulty.then_code, "another fault was injected");
	} else if (faulty.left[operation] > 0 && faulty.before[operation]-- <= 0) {
		faulty.left[operation]--;
		code = lf_error_set(error, faulty.code[operation], "a fault was injected");
	}
	if (faulty.unsettled != NULL && faulty.left[FAULTY_COMMIT] == 0) {
		if (lf_counted(&faulty.unsettled->failed) != faulty.failed)
			faulty.unsettled = NULL;
		else if (operation == FAULTY_BEGIN)
			code = lf_error_set(error, LF_UNAVAILABLE, "nobody can be asked");
	}
	faulty.lost |= code == LF_DATA_LOSS;
	pthread_mutex_unlock(&faulty.lock);
	return code;
}

static enum lf_code leave(enum lf_code code)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.busy = false;
	pthread_mutex_unlock(&faulty.lock);
	return code;
}

static enum lf_code faulty_open(struct lf_store **out, const struct lf_log_options *options, struct lf_error *error)
{
	struct lf_store *store = calloc(1, sizeof(*store));
	enum lf_code code;

	if (store == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	code = faulty.inner->open(&store->inner, options, error);
	if (code != LF_OK) {
		free(store);
		return code;
	}
	*out = store;
	return LF_OK;
}

static void faulty_close(struct lf_store *store)
{
	faulty.inner->close(store->inner);
	pthread_mutex_lock(&faulty.lock);
	faulty.unsettled = NULL; /* its log ends with it */
	pthread_mutex_unlock(&faulty.lock);
	free(store);
}

static enum lf_code faulty_tail(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	const enum lf_code code = enter(FAULTY_TAIL, error);

	return leave(code != LF_OK ? code : faulty.inner->tail(store->inner, tail, error));
}

static void note_violation(bool is_one)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.violations += is_one;
	pthread_mutex_unlock(&faulty.lock);
}

/* At a server with an empty log. */
static bool is_wrong(void)
{
	bool wrong;

	pthread_mutex_lock(&faulty.lock);
	wrong = faulty.wrong > 0;
	pthread_mutex_unlock(&faulty.lock);
	return wrong;
}

static enum lf_code faulty_begin(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	enum lf_code code = enter(FAULTY_BEGIN, error);

	note_violation(store->begun);
	if (code == LF_OK)
		code = faulty.inner->begin(store->inner, tail, error);
	if (code == LF_OK && tail != NULL && is_wrong()) {
		memset(tail, 0, sizeof(*tail));
		lf_sha256(NULL, 0, &tail->root);
	}
	store->begun = code == LF_OK;
	return leave(code);
}

/* Of servers, the wrong ones come first. */
static bool faulty_leave(struct lf_store *store)
{
	struct lf_error ignored = LF_ERROR_INIT;

	bool others;

	(void)enter(FAULTY_LEAVE, &ignored);
	pthread_mutex_lock(&faulty.lock);
	others = faulty.others;
	if (faulty.wrong > 0 && others)
		faulty.wrong--;
	pthread_mutex_unlock(&faulty.lock);
	faulty.inner->rollback(store->inner);
	leave(LF_OK);
	return others;
}

void faulty_wrong_servers(long count, bool others)
{
	pthread_mutex_lock(&faulty.lock);
	faulty.wrong = count;
	faulty.others = others;
	pthread_mutex_unlock(&faulty.lock);
}

static enum lf_code faulty_prepare(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	enum lf_code code = enter(FAULTY_PREPARE, error);

	if (code == LF_OK)
		code = faulty.inner->prepare(store->inner, items, count, error);
	pthread_mutex_lock(&faulty.lock);
	for (size_t i = 0; i < count; i++)
		if (i == 0 && (faulty.refused & 1u << items[i]->kind) != 0)
			items[i]->refused = "this one may not";
	pthread_mutex_unlock(&faulty.lock);
	return leave(code);
}

static enum lf_code faulty_write(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	const enum lf_code code = enter(FAULTY_WRITE, error);

	return leave(code != LF_OK ? code : faulty.inner->write(store->inner, items, count, error));
}

static enum lf_code faulty_commit(struct lf_store *store, const struct lf_tail *tail, const struct lf_leaves *leaves,
	bool more, struct lf_error *error)
{
	const enum lf_code code = enter(FAULTY_COMMIT, error);
	enum lf_code inner;
	bool anyway;

	pthread_mutex_lock(&faulty.lock);
	anyway = faulty.commit_anyway;
	pthread_mutex_unlock(&faulty.lock);
	if (code != LF_OK && faulty.slow_ms > 0)
		usleep((useconds_t)faulty.slow_ms * 1000);
	if (code != LF_OK && !anyway)
		return leave(code);
	inner = faulty.inner->commit(store->inner, tail, leaves, more, error);
	store->begun &= code != LF_OK || inner != LF_OK;
	return leave(code != LF_OK ? code : inner);
}

static void faulty_rollback(struct lf_store *store)
{
	struct lf_error ignored = LF_ERROR_INIT;

	(void)enter(FAULTY_ROLLBACK, &ignored);
	store->begun = false;
	faulty.inner->rollback(store->inner);
	leave(LF_OK);
}

static enum lf_code faulty_maintain(struct lf_store *store, struct lf_error *error)
{
	const enum lf_code code = enter(FAULTY_MAINTAIN, error);

	return leave(code != LF_OK ? code : faulty.inner->maintain(store->inner, error));
}

static enum lf_code faulty_probe(struct lf_store *store, struct lf_error *error)
{
	const enum lf_code code = enter(FAULTY_PROBE, error);

	return leave(code != LF_OK ? code : faulty.inner->probe(store->inner, error));
}

static enum lf_code faulty_tail_hashes(struct lf_store *store, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	const enum lf_code code = enter(FAULTY_TAIL_HASHES, error);

	return leave(
		code != LF_OK ? code : faulty.inner->tail_hashes(store->inner, level, first, count, hashes, error));
}

static enum lf_code faulty_vacuum(struct lf_store *store, struct lf_chore *chore, struct lf_error *error)
{
	const enum lf_code code = enter(FAULTY_VACUUM, error);

	return leave(code != LF_OK || faulty.inner->files == NULL
			? code
			: faulty.inner->files->vacuum(store->inner, chore, error));
}

static enum lf_code faulty_backup_step(
	struct lf_store *store, struct lf_chore *chore, bool cancel, bool *more, struct lf_error *error)
{
	enum lf_code code = enter(FAULTY_BACKUP, error);

	*more = false;
	if (faulty.inner->files == NULL)
		code = lf_error_set(error, LF_UNIMPLEMENTED, "the wrapped store has no backup of its own");
	else if (code == LF_OK || cancel)
		code = faulty.inner->files->backup_step(store->inner, chore, cancel, more, error);
	else
		(void)faulty.inner->files->backup_step(
			store->inner, chore, true, more, error); /* what fails takes everything back */
	return leave(code);
}

/* Not of the writer side. */
static enum lf_code faulty_backup_finish(struct lf_store *store, struct lf_chore *chore, struct lf_error *error)
{
	return faulty.inner->files->backup_finish(store->inner, chore, error);
}

/* Readers are the wrapped backend's own. */

static enum lf_code faulty_open_reader(struct lf_store *store, struct lf_reader **reader, struct lf_error *error)
{
	return faulty.inner->open_reader(store->inner, reader, error);
}

static void faulty_close_reader(struct lf_reader *reader)
{
	faulty.inner->close_reader(reader);
}

static enum lf_code faulty_look(struct lf_reader *reader, struct lf_tail *tail, struct lf_error *error)
{
	return faulty.inner->look(reader, tail, error);
}

static enum lf_code faulty_find_key(struct lf_reader *reader, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error)
{
	return faulty.inner->find_key(reader, caller, key, request_digest, id, error);
}

static enum lf_code faulty_get(
	struct lf_reader *reader, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error)
{
	return faulty.inner->get(reader, id, stored, error);
}

static enum lf_code faulty_list(struct lf_reader *reader, const struct lf_filter *filter,
	void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	return faulty.inner->list(reader, filter, visit, context, next, error);
}

static enum lf_code faulty_get_rubric(struct lf_reader *reader, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error)
{
	return faulty.inner->get_rubric(reader, name, digest, row, error);
}

static enum lf_code faulty_list_rubrics(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error)
{
	return faulty.inner->list_rubrics(reader, name, visit, context, error);
}

static enum lf_code faulty_list_activations(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error)
{
	return faulty.inner->list_activations(reader, name, visit, context, error);
}

static enum lf_code faulty_was_active(
	struct lf_reader *reader, const struct lf_digest *digest, bool *was_active, struct lf_error *error)
{
	return faulty.inner->was_active(reader, digest, was_active, error);
}

static enum lf_code faulty_scan(struct lf_reader *reader, const struct lf_scan *scan,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	return faulty.inner->scan(reader, scan, visit, context, next, error);
}

static enum lf_code faulty_list_acts(struct lf_reader *reader, enum lf_leaf_kind kind, const struct lf_uuid *decision,
	uint64_t after, size_t limit, void (*visit)(void *context, const struct lf_act_row *row), void *context,
	uint64_t *next, struct lf_error *error)
{
	return faulty.inner->list_acts(reader, kind, decision, after, limit, visit, context, next, error);
}

static enum lf_code faulty_head(struct lf_reader *reader, struct lf_tree_head *head, struct lf_error *error)
{
	return faulty.inner->head(reader, head, error);
}

static enum lf_code faulty_hashes(struct lf_reader *reader, unsigned level, uint64_t first, size_t count,
	struct lf_digest *hashes, struct lf_error *error)
{
	return faulty.inner->hashes(reader, level, first, count, hashes, error);
}

static enum lf_code faulty_find_leaf(
	struct lf_reader *reader, const struct lf_uuid *decision, uint64_t *position, struct lf_error *error)
{
	return faulty.inner->find_leaf(reader, decision, position, error);
}

static enum lf_code faulty_audit(struct lf_reader *reader, uint64_t first, size_t limit,
	void (*visit)(void *context, const struct lf_audit_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	return faulty.inner->audit(reader, first, limit, visit, context, next, error);
}

static enum lf_code faulty_get_payload(
	struct lf_reader *reader, uint64_t id, struct lf_payload_row **row, struct lf_error *error)
{
	return faulty.inner->get_payload(reader, id, row, error);
}

static enum lf_code faulty_list_payloads(struct lf_reader *reader, enum lf_payload_kind kind, uint64_t after,
	size_t limit, void (*visit)(void *context, const struct lf_payload_row *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	return faulty.inner->list_payloads(reader, kind, after, limit, visit, context, next, error);
}

static enum lf_code faulty_check(struct lf_reader *reader, void (*finding)(void *context, const char *what),
	bool (*go_on)(void *context), void *context, struct lf_error *error)
{
	return faulty.inner->check == NULL ? LF_OK : faulty.inner->check(reader, finding, go_on, context, error);
}

static const struct lf_file_ops files = {
	.vacuum = faulty_vacuum, .backup_step = faulty_backup_step, .backup_finish = faulty_backup_finish};

/* What both kinds have alike. */
#define FAULTY_FUNCTIONS                                                                                               \
	.files = &files, .open = faulty_open, .close = faulty_close, .tail = faulty_tail, .begin = faulty_begin,       \
	.prepare = faulty_prepare, .write = faulty_write, .tail_hashes = faulty_tail_hashes, .commit = faulty_commit,  \
	.rollback = faulty_rollback, .maintain = faulty_maintain, .probe = faulty_probe,                               \
	.open_reader = faulty_open_reader, .close_reader = faulty_close_reader, .find_key = faulty_find_key,           \
	.get = faulty_get, .list = faulty_list, .get_rubric = faulty_get_rubric, .list_rubrics = faulty_list_rubrics,  \
	.list_activations = faulty_list_activations, .was_active = faulty_was_active, .scan = faulty_scan,             \
	.list_acts = faulty_list_acts, .head = faulty_head, .hashes = faulty_hashes, .find_leaf = faulty_find_leaf,    \
	.audit = faulty_audit, .get_payload = faulty_get_payload, .list_payloads = faulty_list_payloads,               \
	.check = faulty_check

const struct lf_backend faulty_backend = {.name = "faulty", FAULTY_FUNCTIONS};

const struct lf_backend faulty_shared_backend = {
	.name = "faulty and shared", .shared = true, .look = faulty_look, .leave = faulty_leave, FAULTY_FUNCTIONS};
