/*
 * Broken invariants of storage/DESIGN.md abort the process and name themselves, in release, too. No caller can break
 * one: each is broken here through the private headers, in a process of its own.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/log/private.h"
#include "storage/sqlite/private.h"
#include "storage/verify/verify.h"
#include "tests/storage/support.h"

static struct place place;

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

/* ---- a process of its own ---- */

typedef void (*act_fn)(int first, int second);

static _Noreturn void act_and_exit(act_fn act, int first, int second, int error_pipe)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
	dup2(error_pipe, STDERR_FILENO);
	act(first, second);
	_exit(0);
}

/* Runs act in a child. Whether it aborted; what it said on standard error. */
static bool aborts(act_fn act, int first, int second, char *said, size_t size)
{
	int ends[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		act_and_exit(act, first, second, ends[1]);
	close(ends[1]);
	while (length < size - 1 && (got = read(ends[0], said + length, size - 1 - length)) > 0)
		length += (size_t)got;
	said[length] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
		return true;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("it ended with status %d and said: %s", status, said);
	return false;
}

static void breaks_with(const char *name, act_fn act, int first, int second)
{
	char said[4096], wanted[64];

	snprintf(wanted, sizeof(wanted), "invariant %s is broken: ", name);
	if (!aborts(act, first, second, said, sizeof(said)))
		fail_msg("%s was not found broken (%d, %d)", name, first, second);
	if (strncmp(said, wanted, strlen(wanted)) != 0)
		fail_msg("%s was broken, and it said: %s", name, said);
}

static void breaks(const char *name, act_fn act)
{
	breaks_with(name, act, 0, 0);
}

static void holds(act_fn act, int first, int second)
{
	char said[4096];

	if (aborts(act, first, second, said, sizeof(said)))
		fail_msg("(%d, %d) must be allowed: %s", first, second, said);
}

/* Every move of a state machine: those of the table are done, and any other aborts. */
static void moves_are(const char *name, act_fn move, int states, const bool *allowed)
{
	for (int from = 0; from < states; from++)
		for (int to = 0; to <= states; to++)
			if (to < states && allowed[from * states + to])
				holds(move, from, to);
			else
				breaks_with(name, move, from, to);
}

/* ---- the log ---- */

static void ignore(struct lf_append *append, const struct lf_error *error)
{
	(void)append;
	(void)error;
}

/* A log as its writer thread finds it: with one append in its batch, and no store. */
static struct lf_log *log_with_batch(struct lf_append *append)
{
	struct lf_log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		_exit(1);
	pthread_mutex_init(&log->lock, NULL);
	log->queue_max = LF_IN_FLIGHT_MAX;
	atomic_init(&log->state, LF_WRITER_READY);
	log->batch = calloc(LF_BATCH_MAX, sizeof(*log->batch));
	log->batch_state = LF_BATCH_TAKEN;
	log->pending = 1;
	append->done = ignore;
	append->state = LF_APPEND_TAKEN;
	log->batch[0].append = append;
	return log;
}

static void complete_once(int first, int second)
{
	const struct lf_error cause = {.code = LF_UNAVAILABLE};
	struct lf_append append = {.caller = ""};

	(void)first;
	(void)second;
	lf_writer_fail_batch(log_with_batch(&append), 1, &cause, false);
}

static void complete_twice(int first, int second)
{
	const struct lf_error cause = {.code = LF_UNAVAILABLE};
	struct lf_append append = {.caller = ""};
	struct lf_log *log = log_with_batch(&append);

	(void)first;
	(void)second;
	log->pending = 2;
	log->batch[1].append = &append;
	lf_writer_fail_batch(log, 2, &cause, false);
}

static void fail_committed(int first, int second)
{
	const struct lf_error cause = {.code = LF_UNAVAILABLE};
	struct lf_append append = {.caller = ""};
	struct lf_log *log = log_with_batch(&append);

	(void)first;
	(void)second;
	lf_batch_turn(log, LF_BATCH_COMMITTED);
	lf_writer_fail_batch(log, 1, &cause, true);
}

static void complete_uncounted(int first, int second)
{
	const struct lf_error cause = {.code = LF_UNAVAILABLE};
	struct lf_append append = {.caller = ""};
	struct lf_log *log = log_with_batch(&append);

	(void)first;
	(void)second;
	log->pending = 0;
	lf_writer_fail_batch(log, 1, &cause, true);
}

static void run_under_lock(int first, int second)
{
	struct lf_append append = {.caller = ""};
	struct lf_log *log = log_with_batch(&append);

	(void)first;
	(void)second;
	lf_writer_lock(log);
	lf_writer_run_batch(log, 1);
}

static void run_too_many(int first, int second)
{
	struct lf_append append = {.caller = ""};

	(void)second;
	lf_writer_run_batch(log_with_batch(&append), LF_BATCH_MAX + (size_t)first);
}

static void run_after_failure(int first, int second)
{
	struct lf_append append = {.caller = ""};
	struct lf_log *log = log_with_batch(&append);

	(void)first;
	(void)second;
	lf_writer_turn(log, LF_WRITER_FAILED);
	lf_writer_run_batch(log, 1);
}

static void close_with_reader_back_twice(int first, int second)
{
	struct lf_reader_pool pool = {.count = 1, .idle_count = 2};

	(void)first;
	(void)second;
	lf_reader_pool_close(&pool, &lf_sqlite_backend);
}

static void an_append_is_completed_once(void **state)
{
	(void)state;
	holds(complete_once, 0, 0);
	breaks("W1", complete_twice);
	breaks("W3", fail_committed);
}

static void the_queue_and_the_batch_are_bounded(void **state)
{
	(void)state;
	breaks("W8", complete_uncounted);
	breaks_with("W13", run_too_many, 1, 0);
}

static void nothing_is_written_after_a_failure_or_under_the_lock(void **state)
{
	(void)state;
	breaks("W6", run_after_failure);
	breaks("W7", run_under_lock);
}

static void every_reader_comes_back(void **state)
{
	(void)state;
	breaks("W15", close_with_reader_back_twice);
}

/* ---- closing ---- */

static void count_closed(struct lf_reader *reader)
{
	*(int *)(void *)reader += 1;
}

/* As a read does that comes back late. */
static void *bring_back(void *argument)
{
	struct lf_reader_pool *pool = argument;

	usleep(50 * 1000);
	pthread_mutex_lock(&pool->lock);
	pool->idle_count++;
	pthread_cond_signal(&pool->returned);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void closing_waits_for_a_read_that_is_late(void **state)
{
	static const struct lf_backend backend = {.close_reader = count_closed};
	struct lf_reader_pool pool = {
		.lock = PTHREAD_MUTEX_INITIALIZER, .returned = PTHREAD_COND_INITIALIZER, .count = 2, .idle_count = 1};
	int closed[2] = {0};
	pthread_t thread;

	(void)state;
	pool.idle = calloc(2, sizeof(*pool.idle));
	assert_non_null(pool.idle);
	for (size_t i = 0; i < 2; i++)
		pool.idle[i] = (struct lf_reader *)(void *)&closed[i];
	assert_int_equal(pthread_create(&thread, NULL, bring_back, &pool), 0);
	lf_reader_pool_close(&pool, &backend);
	pthread_join(thread, NULL);
	assert_int_equal(closed[0], 1);
	assert_int_equal(closed[1], 1);
}

/* ---- tables ---- */

static void move_writer(int from, int to)
{
	struct lf_log *log = calloc(1, sizeof(*log));

	atomic_init(&log->state, (enum lf_writer_state)from);
	lf_writer_turn(log, (enum lf_writer_state)to);
	if (atomic_load(&log->state) != (enum lf_writer_state)to)
		_exit(1);
	free(log);
}

static void move_batch(int from, int to)
{
	struct lf_log *log = calloc(1, sizeof(*log));

	log->batch_state = (enum lf_batch_state)from;
	lf_batch_turn(log, (enum lf_batch_state)to);
	if (log->batch_state != (enum lf_batch_state)to)
		_exit(1);
	free(log);
}

static void move_chore(int from, int to)
{
	struct lf_log *log = calloc(1, sizeof(*log));

	log->chore_state = (enum lf_chore_state)from;
	lf_chore_turn(log, (enum lf_chore_state)to);
	if (log->chore_state != (enum lf_chore_state)to)
		_exit(1);
	free(log);
}

static void move_append(int from, int to)
{
	struct lf_append append = {.state = (unsigned)from};

	lf_append_turn(&append, (enum lf_append_state)to);
	if (append.state != (unsigned)to)
		_exit(1);
}

static void move_transaction(int from, int to)
{
	struct lf_store *store = calloc(1, sizeof(*store));

	store->transaction = (enum lf_transaction)from;
	lf_sqlite_turn(store, (enum lf_transaction)to);
	if (store->transaction != (enum lf_transaction)to)
		_exit(1);
	free(store);
}

static void states_move_as_their_tables_say(void **state)
{
	static const bool writer[] = {
		/* absent, ready, not ready, failed: to each of these */
		false, false, false, false, /* from absent */
		false, true, true, true,    /* ready */
		false, true, true, true,    /* not ready */
		false, false, false, false, /* failed */
	};
	static const bool batch[] = {
		/* empty, taken, committed, lost */
		false, true, false, false, /* from empty */
		false, false, true, true,  /* taken */
		true, false, false, false, /* committed */
		true, false, false, false, /* lost */
	};
	static const bool chore[] = {
		/* none, given, under way */
		false, true, false, /* from none */
		false, false, true, /* given */
		true, false, false, /* under way */
	};
	static const bool transaction[] = {
		/* none, open, broken */
		true, true, false,  /* from none */
		true, false, true,  /* open */
		true, false, false, /* broken */
	};

	(void)state;
	moves_are("W14", move_writer, LF_WRITER_STATES, writer);
	moves_are("W13", move_batch, LF_BATCH_STATES, batch);
	moves_are("W11", move_chore, LF_CHORE_STATES, chore);
	moves_are("S1", move_transaction, LF_TRANSACTION_STATES, transaction);
	for (int from = 0; from <= LF_APPEND_DONE; from++)
		holds(move_append, from, LF_APPEND_QUEUED);
	holds(move_append, LF_APPEND_QUEUED, LF_APPEND_TAKEN);
	holds(move_append, LF_APPEND_TAKEN, LF_APPEND_DONE);
	breaks_with("W1", move_append, LF_APPEND_TAKEN, LF_APPEND_TAKEN);
	breaks_with("W1", move_append, LF_APPEND_QUEUED, LF_APPEND_DONE);
	breaks_with("W1", move_append, LF_APPEND_DONE, LF_APPEND_DONE);
	breaks_with("W1", move_append, LF_APPEND_DONE, LF_APPEND_TAKEN);
}

/* ---- SQLite ---- */

/* What is done to a store, in order; then it is closed. */
enum step { BEGIN, COMMIT, ROLLBACK, RECORD, FAIL, MAINTAIN, PROBE, VACUUM, END };

static const enum step STEPS[][6] = {
	{BEGIN, COMMIT, MAINTAIN, PROBE, BEGIN, END},
	{BEGIN, RECORD, FAIL, ROLLBACK, BEGIN, END},
	{ROLLBACK, PROBE, VACUUM, END},
	{COMMIT, END},
	{BEGIN, BEGIN, END},
	{RECORD, END},
	{BEGIN, FAIL, RECORD, END},
	{BEGIN, FAIL, COMMIT, END},
	{BEGIN, MAINTAIN, END},
	{BEGIN, PROBE, END},
	{BEGIN, VACUUM, END},
};
static const char *const BROKEN[] = {NULL, NULL, NULL, "S1", "S1", "S1", "S1", "S1", "S4", "S4", "S4"};

static struct lf_store *open_store(struct lf_error *error)
{
	const struct lf_log_options options = {.location = place.file};
	struct lf_store *store = NULL;

	if (lf_sqlite_backend.open(&store, &options, error) != LF_OK)
		_exit(1);
	return store;
}

static void take_step(struct lf_store *store, enum step step, const struct lf_tail *tail,
	const struct lf_leaves *leaves, struct lf_error *error)
{
	struct lf_chore chore = {.what = LF_CHORE_VACUUM};

	switch (step) {
	case BEGIN:
		lf_sqlite_backend.begin(store, NULL, error);
		break;
	case COMMIT:
		lf_sqlite_backend.commit(store, tail, leaves, false, error);
		break;
	case ROLLBACK:
		lf_sqlite_backend.rollback(store);
		break;
	case RECORD:
		lf_sqlite_count_item(store);
		break;
	case FAIL: /* as a statement does that finds the disk full */
		lf_sqlite_write_error(store, error, SQLITE_FULL, "testing");
		break;
	case MAINTAIN:
		lf_sqlite_backend.maintain(store, error);
		break;
	case PROBE:
		lf_sqlite_backend.probe(store, error);
		break;
	case VACUUM:
		lf_sqlite_backend.files->vacuum(store, &chore, error);
		break;
	case END:
		break;
	}
}

static void take_steps(int first, int second)
{
	struct lf_error error = LF_ERROR_INIT;
	const struct lf_tail tail = {.sequence = 0};
	const struct lf_leaves leaves = {.node_count = 0};
	struct lf_store *store = open_store(&error);

	(void)second;
	for (const enum step *step = STEPS[first]; *step != END; step++)
		take_step(store, *step, &tail, &leaves, &error);
	lf_sqlite_backend.close(store);
}

static void store_items(int first, int second)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_store *store = open_store(&error);

	(void)second;
	lf_sqlite_backend.begin(store, NULL, &error);
	for (int i = 0; i < first; i++)
		lf_sqlite_count_item(store);
	lf_sqlite_backend.rollback(store);
	lf_sqlite_backend.close(store);
}

static void begin_with_a_row_left(int first, int second)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_store *store = open_store(&error);

	(void)first;
	(void)second;
	store->leaf_count = 1;
	lf_sqlite_backend.begin(store, NULL, &error);
}

static void a_transaction_is_open_or_not(void **state)
{
	(void)state;
	for (int i = 0; i < (int)(sizeof(STEPS) / sizeof(STEPS[0])); i++)
		if (BROKEN[i] == NULL)
			holds(take_steps, i, 0);
		else
			breaks_with(BROKEN[i], take_steps, i, 0);
}

static void a_transaction_has_at_most_a_batch(void **state)
{
	(void)state;
	holds(store_items, LF_TRANSACTION_ITEMS_MAX, 0);
	breaks_with("S3", store_items, LF_TRANSACTION_ITEMS_MAX + 1, 0);
	breaks("S2", begin_with_a_row_left);
}

/* ---- the tree, and verifying ---- */

static bool no_hashes(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	(void)context;
	(void)level;
	(void)first;
	(void)count;
	(void)hashes;
	return false;
}

static void prove_beyond(int first, int second)
{
	struct lf_digest hashes[LF_PROOF_HASHES_MAX];
	size_t count;

	lf_tree_prove_inclusion((uint64_t)first, (uint64_t)second, no_hashes, NULL, hashes, &count);
}

static void verify_from(int first, int second)
{
	struct lf_verify *verify = lf_verify_new(NULL);
	uint64_t next;

	lf_verify_slice(verify, (uint64_t)first, (uint64_t)second, 0, NULL, NULL, &next, NULL);
	lf_verify_free(verify);
}

static void proofs_and_slices_are_of_the_log(void **state)
{
	(void)state;
	holds(prove_beyond, 6, 7);
	breaks_with("T4", prove_beyond, 7, 7);
	holds(verify_from, 0, 0);
	breaks_with("V1", verify_from, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_append_is_completed_once),
		cmocka_unit_test(the_queue_and_the_batch_are_bounded),
		cmocka_unit_test(nothing_is_written_after_a_failure_or_under_the_lock),
		cmocka_unit_test(every_reader_comes_back),
		cmocka_unit_test(closing_waits_for_a_read_that_is_late),
		cmocka_unit_test(states_move_as_their_tables_say),
		cmocka_unit_test(a_transaction_is_open_or_not),
		cmocka_unit_test(a_transaction_has_at_most_a_batch),
		cmocka_unit_test(proofs_and_slices_are_of_the_log),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
