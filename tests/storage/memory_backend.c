#include "tests/storage/memory_backend.h"

#include "tests/storage/memory_private.h"

static struct lf_store disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Back to what is visible. */
static void cut(struct lf_store *store)
{
	while (store->row_count > store->row_visible)
		free(store->rows[--store->row_count].stored);
	while (store->version_count > store->version_visible)
		free(store->versions[--store->version_count].row);
	while (store->payload_count > store->payload_visible)
		free((void *)(uintptr_t)store->payloads[--store->payload_count].body.data);
	while (store->act_count > store->act_visible) {
		free(store->acts[--store->act_count].pairs);
		free((void *)(uintptr_t)store->acts[store->act_count].row.body.data);
	}
	memory_forget_replacements(store);
	store->activation_count = store->activation_visible;
	store->leaf_count = store->leaf_visible;
}

void memory_backend_forget(void)
{
	disk.row_visible = disk.version_visible = disk.activation_visible = 0;
	disk.payload_visible = disk.leaf_visible = disk.act_visible = 0;
	cut(&disk);
	free(disk.rows);
	free(disk.versions);
	free(disk.activations);
	free(disk.payloads);
	free(disk.leaves);
	free(disk.acts);
	disk.rows = NULL;
	disk.versions = NULL;
	disk.activations = NULL;
	disk.payloads = NULL;
	disk.leaves = NULL;
	disk.acts = NULL;
	free(disk.redacted);
	disk.redacted = NULL;
	disk.redacted_count = 0;
	memset(&disk.head, 0, sizeof(disk.head));
	lf_sha256(NULL, 0, &disk.head.root);
}

static enum lf_code memory_open(struct lf_store **store, const struct lf_log_options *options, struct lf_error *error)
{
	(void)options;
	if (disk.opened)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "the memory is in use");
	disk.opened = true;
	if (disk.head.size == 0)
		lf_sha256(NULL, 0, &disk.head.root);
	*store = &disk;
	return LF_OK;
}

static void memory_rollback(struct lf_store *store)
{
	pthread_mutex_lock(&store->lock);
	cut(store);
	pthread_mutex_unlock(&store->lock);
}

static void memory_close(struct lf_store *store)
{
	memory_rollback(store);
	store->opened = false;
}

static enum lf_code memory_tail(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	(void)error;
	memset(tail, 0, sizeof(*tail));
	tail->head = store->head;
	for (size_t i = 0; i < store->version_visible; i++)
		if (store->versions[i].row->put_at_us > tail->time_us)
			tail->time_us = store->versions[i].row->put_at_us;
	for (size_t i = 0; i < store->activation_visible; i++)
		if (store->activations[i].at_us > tail->time_us)
			tail->time_us = store->activations[i].at_us;
	if (store->act_visible > 0 && store->acts[store->act_visible - 1].row.at_us > tail->time_us)
		tail->time_us = store->acts[store->act_visible - 1].row.at_us;
	if (store->row_visible > 0) {
		const struct lf_stored *last = store->rows[store->row_visible - 1].stored;

		tail->sequence = last->sequence;
		tail->id = last->id;
		tail->time_us = last->decided_at_us > tail->time_us ? last->decided_at_us : tail->time_us;
	}
	return LF_OK;
}

static enum lf_code memory_nothing(struct lf_store *store, struct lf_error *error)
{
	(void)store;
	(void)error;
	return LF_OK;
}

/* The row that has the key, among the first count. */
static const struct row *with_key(const struct lf_store *store, size_t count, const char *caller, const char *key)
{
	for (size_t i = 0; i < count && key[0] != '\0'; i++)
		if (strcmp(store->rows[i].key, key) == 0 && strcmp(store->rows[i].stored->caller, caller) == 0)
			return &store->rows[i];
	return NULL;
}

static const struct lf_rubric_row *by_digest(const struct lf_store *store, size_t count, const struct lf_digest *digest)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&store->versions[i].row->digest, digest, sizeof(*digest)) == 0)
			return store->versions[i].row;
	return NULL;
}

static enum lf_code add_row(struct lf_store *store, const struct lf_record *record, struct lf_error *error)
{
	const struct lf_append *append = record->append;
	struct lf_digest commitment;
	const struct lf_stored stored = {.sequence = record->sequence,
		.id = record->id,
		.decided_at_us = record->decided_at_us,
		.caller = append->caller,
		.team_id = append->team_id,
		.project_id = append->project_id,
		.rubric_name = append->rubric_name,
		.recommended = append->recommended,
		.outcome = append->outcome,
		.purpose = append->purpose,
		.rubric_digest = append->rubric_digest,
		.candidates = append->candidates_digest,
		.team_payload = memory_payload(
			store, LF_PAYLOAD_TEAM, append->team, &append->team_digest, &record->team_salt, &commitment),
		.project_payload = memory_payload(store, LF_PAYLOAD_PROJECT, append->project, &append->project_digest,
			&record->project_salt, &commitment),
		.team = append->team,
		.project = append->project,
		.answer = append->answer};
	struct row row = {.stored = lf_stored_copy(&stored),
		.request_digest = append->request_digest,
		.candidates_digest = append->candidates_digest,
		.salt = record->record_salt};

	strcpy(row.key, append->idempotency_key);
	for (size_t i = 0; i < append->candidate_count && i < 4; i++)
		strcpy(row.candidates[row.candidate_count++], append->candidates[i]);
	store->rows = realloc(store->rows, (store->row_count + 1) * sizeof(*store->rows));
	store->rows[store->row_count++] = row;
	return memory_decision_leaf(store, record->leaves) ? LF_OK
							   : lf_error_set(error, LF_UNAVAILABLE, "too many leaves");
}

static enum lf_code memory_append(struct lf_store *store, struct lf_record *record, struct lf_error *error)
{
	const struct lf_append *append = record->append;
	enum lf_code code;
	const struct lf_rubric_row *rubric;
	const struct row *row;

	pthread_mutex_lock(&store->lock);
	rubric = by_digest(store, store->version_count, &append->rubric_digest);
	row = with_key(store, store->row_count, append->caller, append->idempotency_key);
	if (rubric == NULL || strcmp(rubric->name, append->rubric_name) != 0) {
		code = lf_error_set(error, LF_FAILED_PRECONDITION, "no such rubric");
	} else if (row == NULL) {
		code = add_row(store, record, error);
	} else if (memcmp(&row->request_digest, &append->request_digest, sizeof(row->request_digest)) != 0) {
		code = lf_error_set(error, LF_ALREADY_EXISTS, "the key was used for another request");
	} else {
		record->sequence = row->stored->sequence;
		record->id = row->stored->id;
		record->decided_at_us = row->stored->decided_at_us;
		record->existing = true;
		code = LF_OK;
	}
	pthread_mutex_unlock(&store->lock);
	return code;
}

/* The last act on a name among the first count, NULL where there is none. */
static const struct activation *last_act(const struct lf_store *store, size_t count, const char *name)
{
	while (count-- > 0)
		if (strcmp(store->activations[count].name, name) == 0)
			return &store->activations[count];
	return NULL;
}

static bool is_active(const struct lf_store *store, size_t count, const struct lf_rubric_row *row)
{
	const struct activation *last = last_act(store, count, row->name);

	return last != NULL && last->has_to && memcmp(&last->to, &row->digest, sizeof(last->to)) == 0;
}

/* to NULL: nothing. false: too many leaves. */
static bool make_active(struct lf_store *store, const char *name, const char *caller, int64_t at_us,
	const struct lf_digest *to, const struct lf_salt *salt, struct lf_leaves *leaves, struct lf_activated *did)
{
	const struct activation *last = last_act(store, store->activation_count, name);
	struct activation act = {.at_us = at_us, .has_to = to != NULL};

	did->had_from = last != NULL && last->has_to;
	if (did->had_from)
		did->from = last->to;
	did->changed = did->had_from != act.has_to || (to != NULL && memcmp(&did->from, to, sizeof(*to)) != 0);
	if (!did->changed)
		return true;
	act.had_from = did->had_from;
	act.from = did->from;
	if (to != NULL)
		act.to = *to;
	strcpy(act.name, name);
	strcpy(act.caller, caller);
	store->activations = realloc(store->activations, (store->activation_count + 1) * sizeof(*store->activations));
	store->activations[store->activation_count++] = act;
	return memory_activation_leaf(store, leaves, salt);
}

static enum lf_code memory_put_rubric(struct lf_store *store, struct lf_rubric_put *put, struct lf_error *error)
{
	enum lf_code code = LF_OK;
	const struct lf_rubric_row *known;

	pthread_mutex_lock(&store->lock);
	known = by_digest(store, store->version_count, put->digest);
	put->added = known == NULL;
	memset(&put->activated, 0, sizeof(put->activated));
	if (known != NULL && strcmp(known->name, put->name) != 0) {
		code = lf_error_set(error, LF_INVALID_ARGUMENT, "stored under another name");
	} else if (known == NULL) {
		const struct lf_rubric_row row = {.name = put->name,
			.title = put->title,
			.put_by = put->caller,
			.digest = *put->digest,
			.put_at_us = put->put_at_us,
			.body = put->body};
		struct lf_digest commitment;
		struct version *version;

		store->versions = realloc(store->versions, (store->version_count + 1) * sizeof(*store->versions));
		version = &store->versions[store->version_count++];
		version->row = lf_rubric_row_copy(&row);
		version->payload =
			memory_payload(store, LF_PAYLOAD_RUBRIC, put->body, put->digest, &put->salt, &commitment);
		if (!memory_rubric_leaf(store, put->leaves, &put->record_salts[0]))
			code = lf_error_set(error, LF_UNAVAILABLE, "too many leaves");
	}
	if (code == LF_OK && put->activate &&
		!make_active(store, put->name, put->caller, put->put_at_us, put->digest, &put->record_salts[1],
			put->leaves, &put->activated))
		code = lf_error_set(error, LF_UNAVAILABLE, "too many leaves");
	pthread_mutex_unlock(&store->lock);
	return code;
}

/* The stored version that an activation means, or any of a name that is to have none; NULL where there is none. */
static const struct lf_rubric_row *meant(const struct lf_store *store, const struct lf_rubric_activate *activate)
{
	for (size_t i = 0; i < store->version_count; i++) {
		const struct lf_rubric_row *row = store->versions[i].row;
		const bool named = activate->name[0] == '\0' || strcmp(activate->name, row->name) == 0;

		if (named &&
			(activate->digest == NULL || memcmp(activate->digest, &row->digest, sizeof(row->digest)) == 0))
			return row;
	}
	return NULL;
}

static enum lf_code memory_activate_rubric(
	struct lf_store *store, struct lf_rubric_activate *activate, struct lf_error *error)
{
	enum lf_code code = LF_OK;
	const struct lf_rubric_row *row;

	pthread_mutex_lock(&store->lock);
	row = meant(store, activate);
	memset(&activate->activated, 0, sizeof(activate->activated));
	if (row == NULL)
		code = lf_error_set(error, LF_NOT_FOUND, "no such rubric");
	else if (!make_active(store, row->name, activate->caller, activate->activated_at_us, activate->digest,
			 &activate->record_salt, activate->leaves, &activate->activated))
		code = lf_error_set(error, LF_UNAVAILABLE, "too many leaves");
	pthread_mutex_unlock(&store->lock);
	return code;
}

static enum lf_code memory_commit(struct lf_store *store, const struct lf_leaves *leaves, struct lf_error *error)
{
	(void)error;
	pthread_mutex_lock(&store->lock);
	memory_replace(store);
	store->head.size = leaves->tree.size;
	lf_tree_root(&leaves->tree, &store->head.root);
	store->payload_visible = store->payload_count;
	store->leaf_visible = store->leaf_count;
	store->act_visible = store->act_count;
	store->row_visible = store->row_count;
	store->version_visible = store->version_count;
	store->activation_visible = store->activation_count;
	pthread_mutex_unlock(&store->lock);
	return LF_OK;
}

/* ---- readers ---- */

static enum lf_code memory_open_reader(struct lf_store *store, struct lf_reader **reader, struct lf_error *error)
{
	*reader = malloc(sizeof(**reader));
	if (*reader == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	(*reader)->store = store;
	return LF_OK;
}

static void memory_close_reader(struct lf_reader *reader)
{
	free(reader);
}

static enum lf_code memory_find_key(struct lf_reader *reader, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error)
{
	struct lf_store *store = reader->store;
	enum lf_code code = LF_OK;
	const struct row *row;

	pthread_mutex_lock(&store->lock);
	row = with_key(store, store->row_visible, caller, key);
	if (row == NULL)
		code = lf_error_set(error, LF_NOT_FOUND, "no such key");
	else if (memcmp(&row->request_digest, request_digest, sizeof(*request_digest)) != 0)
		code = lf_error_set(error, LF_ALREADY_EXISTS, "the key was used for another request");
	else
		*id = row->stored->id;
	pthread_mutex_unlock(&store->lock);
	return code;
}

static enum lf_code memory_get(
	struct lf_reader *reader, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error)
{
	struct lf_store *store = reader->store;

	*stored = NULL;
	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < store->row_visible && *stored == NULL; i++)
		if (memcmp(&store->rows[i].stored->id, id, sizeof(*id)) == 0)
			*stored = lf_stored_copy(store->rows[i].stored);
	pthread_mutex_unlock(&store->lock);
	return *stored != NULL ? LF_OK : lf_error_set(error, LF_NOT_FOUND, "no such decision");
}

static bool wants(const char *filter, const char *value)
{
	return filter == NULL || filter[0] == '\0' || strcmp(filter, value) == 0;
}

static bool fits(const struct lf_filter *filter, const struct row *row)
{
	bool candidate = filter->candidate == NULL || filter->candidate[0] == '\0';

	for (size_t i = 0; i < row->candidate_count && !candidate; i++)
		candidate = strcmp(row->candidates[i], filter->candidate) == 0;
	return candidate && wants(filter->team_id, row->stored->team_id) &&
		wants(filter->project_id, row->stored->project_id) &&
		wants(filter->rubric_name, row->stored->rubric_name) &&
		(filter->outcome == 0 || filter->outcome == row->stored->outcome) &&
		row->stored->decided_at_us >= filter->since_us && row->stored->decided_at_us < filter->until_us;
}

static enum lf_code memory_list(struct lf_reader *reader, const struct lf_filter *filter,
	void (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct lf_store *store = reader->store;
	size_t shown = 0;

	(void)error;
	*next = 0;
	pthread_mutex_lock(&store->lock);
	for (size_t i = store->row_visible; i-- > 0;) {
		struct lf_stored row = *store->rows[i].stored;

		if ((filter->before_sequence != 0 && row.sequence >= filter->before_sequence) ||
			!fits(filter, &store->rows[i]))
			continue;
		if (shown++ == filter->limit) {
			*next = row.sequence + 1;
			break;
		}
		row.team = row.project = row.answer = (struct lf_bytes){NULL, 0};
		visit(context, &row);
	}
	pthread_mutex_unlock(&store->lock);
	return LF_OK;
}

static bool scanned(const struct lf_scan *scan, const struct row *row)
{
	const struct lf_filter filter = {.team_id = scan->team_id,
		.project_id = scan->project_id,
		.candidate = scan->candidate,
		.rubric_name = scan->rubric_name,
		.outcome = scan->outcome,
		.since_us = scan->since_us,
		.until_us = scan->until_us};
	const bool begun = scan->from_sequence == 0 ||
		(scan->newest_first ? row->stored->sequence <= scan->from_sequence
				    : row->stored->sequence >= scan->from_sequence);

	return begun && fits(&filter, row) && (!scan->decisions_only || row->stored->purpose == 0);
}

static enum lf_code memory_scan(struct lf_reader *reader, const struct lf_scan *scan,
	bool (*visit)(void *context, const struct lf_stored *row), void *context, uint64_t *next,
	struct lf_error *error)
{
	struct lf_store *store = reader->store;
	const size_t bytes_max = scan->bytes_max != 0 ? scan->bytes_max : LF_MESSAGE_BYTES_MAX;
	size_t shown = 0, bytes = 0;
	bool go_on = true;

	(void)error;
	*next = 0;
	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < store->row_visible; i++) {
		const size_t at = scan->newest_first ? store->row_visible - 1 - i : i;
		struct lf_stored row = *store->rows[at].stored;

		if (!scanned(scan, &store->rows[at]))
			continue;
		if (!go_on || shown == scan->limit || bytes >= bytes_max) {
			*next = row.sequence;
			break;
		}
		if (!scan->payloads)
			row.team = row.project = row.answer = (struct lf_bytes){NULL, 0};
		shown++;
		bytes += row.team.length + row.project.length + row.answer.length;
		go_on = visit(context, &row);
	}
	pthread_mutex_unlock(&store->lock);
	return LF_OK;
}

static enum lf_code memory_get_rubric(struct lf_reader *reader, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error)
{
	struct lf_store *store = reader->store;

	*row = NULL;
	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < store->version_visible && *row == NULL; i++) {
		struct lf_rubric_row version = *store->versions[i].row;
		const bool named =
			digest != NULL ? wants(name, version.name) : name != NULL && strcmp(name, version.name) == 0;

		version.active = is_active(store, store->activation_visible, &version);
		if (named && (digest != NULL ? memcmp(digest, &version.digest, sizeof(*digest)) == 0 : version.active))
			*row = lf_rubric_row_copy(&version);
	}
	pthread_mutex_unlock(&store->lock);
	return *row != NULL ? LF_OK : lf_error_set(error, LF_NOT_FOUND, "no such rubric");
}

static enum lf_code memory_list_rubrics(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error)
{
	struct lf_store *store = reader->store;
	const char *previous = "";

	(void)error;
	pthread_mutex_lock(&store->lock);
	for (;;) { /* the next name, then its versions from the newest */
		const char *least = NULL;

		for (size_t i = 0; i < store->version_visible; i++) {
			const char *candidate = store->versions[i].row->name;

			if (strcmp(candidate, previous) > 0 && (least == NULL || strcmp(candidate, least) < 0))
				least = candidate;
		}
		if (least == NULL)
			break;
		for (size_t i = store->version_visible; i-- > 0;) {
			struct lf_rubric_row row = *store->versions[i].row;

			row.body = (struct lf_bytes){NULL, 0};
			row.active = is_active(store, store->activation_visible, &row);
			if (strcmp(row.name, least) == 0 && wants(name, least))
				visit(context, &row);
		}
		previous = least;
	}
	pthread_mutex_unlock(&store->lock);
	return LF_OK;
}

static enum lf_code memory_list_activations(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error)
{
	struct lf_store *store = reader->store;
	size_t shown = 0;

	(void)error;
	pthread_mutex_lock(&store->lock);
	for (size_t i = store->activation_visible; i-- > 0 && shown < LF_ACTIVATIONS_MAX;) {
		const struct activation *act = &store->activations[i];

		if (!wants(name, act->name))
			continue;
		visit(context,
			&(struct lf_activation_row){.name = act->name,
				.caller = act->caller,
				.activated_at_us = act->at_us,
				.had_from = act->had_from,
				.has_to = act->has_to,
				.from = act->from,
				.to = act->to});
		shown++;
	}
	pthread_mutex_unlock(&store->lock);
	return LF_OK;
}

static enum lf_code memory_was_active(
	struct lf_reader *reader, const struct lf_digest *digest, bool *was_active, struct lf_error *error)
{
	struct lf_store *store = reader->store;

	(void)error;
	*was_active = false;
	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < store->activation_visible; i++)
		*was_active |=
			store->activations[i].has_to && memcmp(&store->activations[i].to, digest, sizeof(*digest)) == 0;
	pthread_mutex_unlock(&store->lock);
	return LF_OK;
}

const struct lf_backend memory_backend = {
	.name = "memory",
	.open = memory_open,
	.close = memory_close,
	.tail = memory_tail,
	.begin = memory_nothing,
	.append = memory_append,
	.put_rubric = memory_put_rubric,
	.activate_rubric = memory_activate_rubric,
	.commit = memory_commit,
	.rollback = memory_rollback,
	.maintain = memory_nothing,
	.probe = memory_nothing,
	.put_act = memory_put_act,
	.tail_hashes = memory_tail_hashes,
	.open_reader = memory_open_reader,
	.close_reader = memory_close_reader,
	.find_key = memory_find_key,
	.get = memory_get,
	.list = memory_list,
	.get_rubric = memory_get_rubric,
	.list_rubrics = memory_list_rubrics,
	.list_activations = memory_list_activations,
	.was_active = memory_was_active,
	.scan = memory_scan,
	.list_acts = memory_list_acts,
	.head = memory_head,
	.hashes = memory_hashes,
	.find_leaf = memory_find_leaf,
	.redact = memory_redact,
	.list_payloads = memory_list_payloads,
	.audit = memory_audit,
	.get_payload = memory_get_payload,
};
