/*
 * The callers' side of the log: what is checked and computed on their threads, and the queue's entry. The invariants
 * (W1, W8, W11) are in storage/DESIGN.md.
 */
#include <string.h>

#include "proto/base/check.h"
#include "storage/log/private.h"

/* ---- appending ---- */

static enum lf_code check_id(const char *name, const char *value, struct lf_error *error)
{
	size_t length;

	if (value == NULL)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s is missing", name);
	length = strlen(value);
	if (length > LF_ID_BYTES_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s has %zu bytes, more than %d", name, length,
			(int)LF_ID_BYTES_MAX);
	return LF_OK;
}

static enum lf_code check_bytes(const char *name, struct lf_bytes bytes, struct lf_error *error)
{
	if (bytes.length > LF_MESSAGE_BYTES_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s has %zu bytes, more than %d", name, bytes.length,
			(int)LF_MESSAGE_BYTES_MAX);
	return LF_OK;
}

/*
 * Whoever is recommended is one of the candidates: so a person is in the log for as long as they are in a list of them,
 * and no longer.
 */
static enum lf_code check_candidates(
	const char *const *candidates, size_t count, const char *recommended, struct lf_error *error)
{
	bool found = recommended[0] == '\0';

	if (count > LF_MEMBERS_MAX)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "%zu candidates, more than %d", count, (int)LF_MEMBERS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (check_id("candidate", candidates[i], error) != LF_OK)
			return error->code;
		found = found || strcmp(candidates[i], recommended) == 0;
	}
	return found ? LF_OK
		     : lf_error_set(error, LF_INVALID_ARGUMENT, "recommended: \"%s\" is none of the candidates",
			       recommended);
}

static enum lf_code check_append(const struct lf_append *append, struct lf_error *error)
{
	if (check_id("caller", append->caller, error) != LF_OK ||
		check_id("idempotency_key", append->idempotency_key, error) != LF_OK ||
		check_id("team id", append->team_id, error) != LF_OK ||
		check_id("project id", append->project_id, error) != LF_OK ||
		check_id("rubric name", append->rubric_name, error) != LF_OK ||
		check_id("recommended", append->recommended, error) != LF_OK ||
		check_bytes("team", append->team, error) != LF_OK ||
		check_bytes("project", append->project, error) != LF_OK ||
		check_bytes("answer", append->answer, error) != LF_OK)
		return error->code;
	return check_candidates(append->candidates, append->candidate_count, append->recommended, error);
}

static enum lf_code check_item(const struct lf_redact_item *item, struct lf_error *error)
{
	if (item->what != LF_REDACT_PAYLOAD && item->what != LF_REDACT_DECISION && item->what != LF_REDACT_ACT)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "items: %d is no kind of item", (int)item->what);
	if (item->id == 0 || item->id > INT64_MAX)
		return lf_error_set(
			error, LF_NOT_FOUND, "items: %llu is the id of nothing", (unsigned long long)item->id);
	if (check_bytes("item", item->bytes, error) != LF_OK || item->what != LF_REDACT_DECISION)
		return error->code;
	if (check_id("recommended", item->recommended, error) != LF_OK)
		return error->code;
	return check_candidates(item->candidates, item->candidate_count, item->recommended, error);
}

/* W8. Takes one into the queue, or says why not. Under the lock. */
static bool take_in(struct lf_log *log, struct lf_append_queue *queue, struct lf_append *append, struct lf_error *error)
{
	append->next = NULL;
	if (log->read_only) {
		lf_error_set(error, LF_FAILED_PRECONDITION, "the decision log was opened for reading only");
		return false;
	}
	if (lf_log_has_failed(log) || log->closing) {
		lf_error_set(error, LF_UNAVAILABLE, "the decision log stopped writing and must be reopened");
		return false;
	}
	if (log->pending >= log->queue_max) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "%zu appends wait for the decision log, the most allowed",
			log->pending);
		return false;
	}
	if (queue->first == NULL)
		queue->first = append;
	else
		queue->last->next = append;
	queue->last = append;
	lf_append_turn(append, LF_APPEND_QUEUED);
	log->pending++;
	LF_CHECK(W8, log->pending <= log->queue_max);
	return true;
}

/* Queues all at once; those that the queue has no room for are completed with that. */
static void enqueue(struct lf_log *log, struct lf_append *const *appends, size_t count)
{
	struct lf_append_queue *queue = count > 1 ? &log->bulk : &log->queue;
	struct lf_error error = LF_ERROR_INIT;
	bool wake;
	size_t taken = 0;

	pthread_mutex_lock(&log->lock);
	while (taken < count && take_in(log, queue, appends[taken], &error))
		taken++;
	wake = taken > 0 && log->asleep;
	if (wake)
		log->asleep = false;
	pthread_mutex_unlock(&log->lock);
	if (wake)
		pthread_cond_signal(&log->wake);
	for (; taken < count; taken++)
		appends[taken]->done(appends[taken], &error);
	lf_error_clean_up(&error);
}

/* The digests are taken here, on the caller's thread, as the writer is the one that everybody waits for. */
static bool make_ready(struct lf_append *append)
{
	struct lf_error error = LF_ERROR_INIT;

	append->rubric = NULL;
	append->activation = NULL;
	append->act = NULL;
	append->redaction = NULL;
	append->chore = NULL;
	append->existing = false;
	if (check_append(append, &error) != LF_OK) {
		append->done(append, &error);
		lf_error_clean_up(&error);
		return false;
	}
	if (!append->digested) {
		lf_sha256(append->team.data, append->team.length, &append->team_digest);
		lf_sha256(append->project.data, append->project.length, &append->project_digest);
	}
	lf_sha256_strings(append->candidates, append->candidate_count, &append->candidates_digest);
	return true;
}

void lf_log_append(struct lf_log *log, struct lf_append *append)
{
	if (make_ready(append))
		enqueue(log, &append, 1);
}

void lf_log_append_all(struct lf_log *log, struct lf_append *const *appends, size_t count)
{
	struct lf_append *ready[LF_BATCH_MAX];

	while (count > 0) {
		const size_t some = count < LF_BATCH_MAX ? count : LF_BATCH_MAX;
		size_t ready_count = 0;

		for (size_t i = 0; i < some; i++)
			if (make_ready(appends[i]))
				ready[ready_count++] = appends[i];
		enqueue(log, ready, ready_count);
		appends += some;
		count -= some;
	}
}

/* ---- everything else: through the same queue, waited for ---- */

struct wait {
	struct lf_append append;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
	struct lf_error error;
};

static void wait_done(struct lf_append *append, const struct lf_error *error)
{
	struct wait *wait = append->context;

	pthread_mutex_lock(&wait->lock);
	if (error->code != LF_OK)
		lf_error_set(&wait->error, error->code, "%s", error->message);
	wait->done = true;
	/* Under the lock: the waiter's stack is gone as soon as it may go on. */
	pthread_cond_signal(&wait->ended);
	pthread_mutex_unlock(&wait->lock);
}

static void wait_init(struct wait *wait)
{
	wait->append.done = wait_done;
	wait->append.context = wait;
	pthread_mutex_init(&wait->lock, NULL);
	pthread_cond_init(&wait->ended, NULL);
}

/* Returns when wait_done() has run. */
static void wait_until_done(struct wait *wait)
{
	pthread_mutex_lock(&wait->lock);
	while (!wait->done)
		pthread_cond_wait(&wait->ended, &wait->lock);
	pthread_mutex_unlock(&wait->lock);
}

static void wait_clean_up(struct wait *wait)
{
	pthread_cond_destroy(&wait->ended);
	pthread_mutex_destroy(&wait->lock);
}

/* Queues what wait.append names, and returns when it has been completed. */
static enum lf_code run_and_wait(struct lf_log *log, struct wait *wait, struct lf_error *error)
{
	struct lf_append *append = &wait->append;

	wait_init(wait);
	enqueue(log, &append, 1);
	wait_until_done(wait);
	wait_clean_up(wait);
	if (wait->error.code != LF_OK)
		lf_error_set(error, wait->error.code, "%s", wait->error.message);
	return wait->error.code;
}

static enum lf_code check_rubric(const struct lf_rubric_put *put, struct lf_error *error)
{
	struct lf_digest digest;

	if (check_id("rubric name", put->name, error) != LF_OK || check_id("caller", put->caller, error) != LF_OK ||
		check_bytes("rubric", put->body, error) != LF_OK)
		return error->code;
	if (put->name[0] == '\0')
		return lf_error_set(error, LF_INVALID_ARGUMENT, "rubric name is empty");
	if (put->title == NULL || strlen(put->title) > LF_TEXT_BYTES_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "rubric title is missing or longer than %d bytes",
			(int)LF_TEXT_BYTES_MAX);
	lf_sha256(put->body.data, put->body.length, &digest);
	if (memcmp(&digest, put->digest, sizeof(digest)) != 0)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "rubric %s: the digest is not that of the bytes", put->name);
	return LF_OK;
}

enum lf_code lf_log_put_rubric(struct lf_log *log, const char *name, const char *title, const char *caller,
	struct lf_bytes body, const struct lf_digest *digest, bool activate, bool *added,
	struct lf_activated *activated, struct lf_error *error)
{
	struct lf_rubric_put put = {
		.name = name, .title = title, .caller = caller, .body = body, .digest = digest, .activate = activate};
	struct wait wait = {.append = {.rubric = &put}};
	struct lf_error checked = LF_ERROR_INIT;

	if (check_rubric(&put, &checked) != LF_OK)
		return lf_error_set(error, checked.code, "%s", checked.message);
	if (run_and_wait(log, &wait, error) != LF_OK)
		return wait.error.code;
	if (added != NULL)
		*added = put.added;
	if (activated != NULL)
		*activated = put.activated;
	return LF_OK;
}

/* digest NULL: to nothing. */
static enum lf_code activate_and_wait(struct lf_log *log, const char *name, const struct lf_digest *digest,
	const char *caller, struct lf_activated *activated, struct lf_error *error)
{
	struct lf_rubric_activate activate = {.name = name == NULL ? "" : name, .caller = caller, .digest = digest};
	struct wait wait = {.append = {.activation = &activate}};
	struct lf_error checked = LF_ERROR_INIT;

	if (check_id("rubric name", activate.name, &checked) != LF_OK || check_id("caller", caller, &checked) != LF_OK)
		return lf_error_set(error, checked.code, "%s", checked.message);
	if (digest == NULL && activate.name[0] == '\0')
		return lf_error_set(error, LF_INVALID_ARGUMENT, "rubric name is empty");
	if (run_and_wait(log, &wait, error) != LF_OK)
		return wait.error.code;
	if (activated != NULL)
		*activated = activate.activated;
	return LF_OK;
}

enum lf_code lf_log_activate_rubric(struct lf_log *log, const char *name, const struct lf_digest *digest,
	const char *caller, struct lf_activated *activated, struct lf_error *error)
{
	return activate_and_wait(log, name, digest, caller, activated, error);
}

enum lf_code lf_log_deactivate_rubric(struct lf_log *log, const char *name, const char *caller,
	struct lf_activated *activated, struct lf_error *error)
{
	return activate_and_wait(log, name, NULL, caller, activated, error);
}

/* ---- acts and redactions ---- */

enum lf_code lf_log_put_act(struct lf_log *log, struct lf_act_put *act, struct lf_error *error)
{
	struct wait wait = {.append = {.act = act}};
	struct lf_error checked = LF_ERROR_INIT;

	if (act->kind != LF_LEAF_OUTCOME && act->kind != LF_LEAF_DEFAULT && act->kind != LF_LEAF_JOB &&
		act->kind != LF_LEAF_ACCESS)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"kind: %s is neither an outcome, a default, a job nor an access", lf_leaf_kind_name(act->kind));
	if (act->kind != LF_LEAF_OUTCOME && act->decision != NULL)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "kind: a %s is about no decision", lf_leaf_kind_name(act->kind));
	if (check_id("caller", act->caller, &checked) != LF_OK || check_bytes("act", act->body, &checked) != LF_OK)
		return lf_error_set(error, checked.code, "%s", checked.message);
	return run_and_wait(log, &wait, error);
}

/* All commitments are made before anything is replaced, so what is replaced twice would have two from one. */
static enum lf_code check_items(const struct lf_redact *redaction, struct lf_error *error)
{
	const struct lf_redact_item *items = redaction->items;

	for (size_t i = 0; i < redaction->item_count; i++) {
		if (check_item(&items[i], error) != LF_OK)
			return error->code;
		for (size_t j = 0; j < i; j++)
			if (items[j].id == items[i].id && items[j].what == items[i].what)
				return lf_error_set(error, LF_INVALID_ARGUMENT, "items: %llu is given twice",
					(unsigned long long)items[i].id);
	}
	return LF_OK;
}

enum lf_code lf_log_redact(struct lf_log *log, struct lf_redact *redaction, struct lf_error *error)
{
	struct wait wait = {.append = {.redaction = redaction}};
	struct lf_error checked = LF_ERROR_INIT;

	if (redaction->kind != LF_LEAF_ERASURE && redaction->kind != LF_LEAF_PRUNING)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "kind: %s is neither an erasure nor a pruning",
			lf_leaf_kind_name(redaction->kind));
	if (redaction->item_count < 1 || redaction->item_count > LF_PAGE_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "items: %zu is outside 1..%d", redaction->item_count,
			(int)LF_PAGE_MAX);
	if (check_id("caller", redaction->caller, &checked) != LF_OK ||
		check_bytes("act", redaction->body, &checked) != LF_OK)
		return lf_error_set(error, checked.code, "%s", checked.message);
	if (check_items(redaction, &checked) != LF_OK)
		return lf_error_set(error, checked.code, "%s", checked.message);
	return run_and_wait(log, &wait, error);
}

/* ---- chores ---- */

/* Gives the writer the chore, when no other has it. false: the log takes no more. */
static bool hand_over(struct lf_log *log, struct lf_append *append)
{
	bool taken, wake = false;

	pthread_mutex_lock(&log->lock);
	log->chore_callers++;
	while (log->chore != NULL && !lf_log_has_failed(log) && !log->closing)
		pthread_cond_wait(&log->chore_ended, &log->lock);
	taken = !lf_log_has_failed(log) && !log->closing;
	if (taken) {
		LF_CHECK(W11, log->chore == NULL);
		log->chore = append;
		lf_append_turn(append, LF_APPEND_QUEUED);
		lf_chore_turn(log, LF_CHORE_GIVEN);
		wake = log->asleep;
		log->asleep = false;
	}
	pthread_mutex_unlock(&log->lock);
	if (wake)
		pthread_cond_signal(&log->wake);
	return taken;
}

/* close() may free the log from here on. */
static void leave(struct lf_log *log)
{
	pthread_mutex_lock(&log->lock);
	LF_CHECK(W11, log->chore_callers > 0);
	log->chore_callers--;
	pthread_cond_broadcast(&log->chore_ended);
	pthread_mutex_unlock(&log->lock);
}

enum lf_code lf_log_do(struct lf_log *log, struct lf_chore *chore, struct lf_error *error)
{
	struct wait wait = {.append = {.chore = chore}};
	const struct lf_file_ops *files = log->backend->files;
	enum lf_code code;

	if (files == NULL)
		return lf_error_set(error, LF_UNIMPLEMENTED,
			"a log in %s is no file: it is backed up and cleaned by the means that %s has",
			log->backend->name, log->backend->name);
	wait_init(&wait);
	if (hand_over(log, &wait.append)) {
		wait_until_done(&wait);
		/* What may take long goes on this thread: commits don't wait for it. */
		if (wait.error.code == LF_OK && chore->what == LF_CHORE_BACKUP)
			files->backup_finish(log->store, chore, &wait.error);
		if (wait.error.code == LF_OK && chore->what == LF_CHORE_VACUUM)
			lf_readers_renew(log, &wait.error);
	} else {
		lf_error_set(&wait.error, LF_UNAVAILABLE, "the decision log stopped writing, or is closing");
	}
	leave(log);
	wait_clean_up(&wait);
	code = wait.error.code;
	if (code != LF_OK && error != NULL)
		lf_error_move(error, &wait.error);
	lf_error_clean_up(&wait.error);
	return code;
}
