#include "tests/storage/memory_backend.h"

#include "tests/storage/memory_private.h"

static struct memory disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER};
static bool racing;
static _Atomic int64_t clock_us;

/* Back to what is visible. */
static void cut(struct memory *memory)
{
	while (memory->row_count > memory->row_visible)
		free(memory->rows[--memory->row_count].stored);
	while (memory->version_count > memory->version_visible)
		free(memory->versions[--memory->version_count].row);
	while (memory->payload_count > memory->payload_visible)
		free((void *)(uintptr_t)memory->payloads[--memory->payload_count].body.data);
	while (memory->act_count > memory->act_visible) {
		free(memory->acts[--memory->act_count].pairs);
		free((void *)(uintptr_t)memory->acts[memory->act_count].row.body.data);
	}
	memory_forget_replacements(memory);
	memory->activation_count = memory->activation_visible;
	memory->leaf_count = memory->leaf_visible;
}

void memory_backend_forget(void)
{
	racing = false;
	clock_us = 0;
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
	memset(&disk.tail, 0, sizeof(disk.tail));
	lf_sha256(NULL, 0, &disk.tail.root);
}

void memory_backend_set_clock(int64_t now_us)
{
	clock_us = now_us;
}

void memory_backend_race(void)
{
	racing = true;
}

/* What a standby that is behind has. */
static struct {
	size_t rows, versions, activations, payloads, leaves, acts;
	struct lf_tail tail;
} behind;

void memory_backend_remember(void)
{
	pthread_mutex_lock(&disk.lock);
	behind.rows = disk.row_visible;
	behind.versions = disk.version_visible;
	behind.activations = disk.activation_visible;
	behind.payloads = disk.payload_visible;
	behind.leaves = disk.leaf_visible;
	behind.acts = disk.act_visible;
	behind.tail = disk.tail;
	pthread_mutex_unlock(&disk.lock);
}

void memory_backend_go_back_unnoticed(void)
{
	pthread_mutex_lock(&disk.lock);
	disk.row_visible = behind.rows;
	disk.version_visible = behind.versions;
	disk.activation_visible = behind.activations;
	disk.payload_visible = behind.payloads;
	disk.leaf_visible = behind.leaves;
	disk.act_visible = behind.acts;
	disk.tail = behind.tail;
	cut(&disk);
	pthread_mutex_unlock(&disk.lock);
}

void memory_backend_go_back(void)
{
	memory_backend_go_back_unnoticed();
	pthread_mutex_lock(&disk.lock);
	disk.server++;
	pthread_mutex_unlock(&disk.lock);
}

/* ---- opening ---- */

static enum lf_code open_another(struct lf_store **out, const struct lf_log_options *options, struct lf_error *error)
{
	struct lf_store *store = calloc(1, sizeof(*store));

	(void)options;
	if (store == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	pthread_mutex_lock(&disk.lock);
	disk.opened++;
	if (disk.tail.tree.size == 0)
		lf_sha256(NULL, 0, &disk.tail.root);
	pthread_mutex_unlock(&disk.lock);
	store->memory = &disk;
	*out = store;
	return LF_OK;
}

static enum lf_code open_alone(struct lf_store **store, const struct lf_log_options *options, struct lf_error *error)
{
	if (disk.opened > 0)
		return lf_error_set(error, LF_FAILED_PRECONDITION, "the memory is in use");
	return open_another(store, options, error);
}

static void memory_rollback(struct lf_store *store)
{
	struct memory *memory = store->memory;

	pthread_mutex_lock(&memory->lock);
	if (memory->owner == store) {
		cut(memory);
		memory->owner = NULL;
		pthread_cond_broadcast(&memory->turn);
	}
	store->begun = false;
	pthread_mutex_unlock(&memory->lock);
}

static void memory_close(struct lf_store *store)
{
	memory_rollback(store);
	pthread_mutex_lock(&store->memory->lock);
	store->memory->opened--;
	pthread_mutex_unlock(&store->memory->lock);
	free(store);
}

/* ---- transactions ---- */

static enum lf_code memory_tail(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	(void)error;
	pthread_mutex_lock(&store->memory->lock);
	*tail = store->memory->tail;
	pthread_mutex_unlock(&store->memory->lock);
	return LF_OK;
}

/* Under the lock. */
static void wait_for_turn(struct lf_store *store)
{
	struct memory *memory = store->memory;

	while (memory->owner != NULL && memory->owner != store)
		pthread_cond_wait(&memory->turn, &memory->lock);
	memory->owner = store;
}

static enum lf_code memory_begin(struct lf_store *store, struct lf_tail *tail, struct lf_error *error)
{
	struct memory *memory = store->memory;

	(void)error;
	pthread_mutex_lock(&memory->lock);
	if (!racing)
		wait_for_turn(store);
	if (tail != NULL) {
		*tail = memory->tail;
		tail->now_us = clock_us;
		tail->reconnected = store->server != memory->server;
		store->server = memory->server;
	}
	store->begun = true;
	store->size = memory->tail.tree.size;
	pthread_mutex_unlock(&memory->lock);
	return LF_OK;
}

/* Under the lock, which ends where it fails. Who races waits for its turn with the first thing that needs one. */
static enum lf_code take_turn(struct lf_store *store, struct lf_error *error)
{
	wait_for_turn(store);
	if (store->begun && store->size == store->memory->tail.tree.size)
		return LF_OK;
	pthread_mutex_unlock(&store->memory->lock);
	return lf_error_set(error, LF_ABORTED, "somebody else was first");
}

static enum lf_code memory_nothing(struct lf_store *store, struct lf_error *error)
{
	(void)store;
	(void)error;
	return LF_OK;
}

/* ---- looking up ---- */

/* The row that has the key, among the first count. */
static const struct row *with_key(const struct memory *memory, size_t count, const char *caller, const char *key)
{
	for (size_t i = 0; i < count && key[0] != '\0'; i++)
		if (strcmp(memory->rows[i].key, key) == 0 && strcmp(memory->rows[i].stored->caller, caller) == 0)
			return &memory->rows[i];
	return NULL;
}

static const struct version *by_digest(const struct memory *memory, const struct lf_digest *digest)
{
	for (size_t i = 0; i < memory->version_count; i++)
		if (lf_digest_equal(&memory->versions[i].row->digest, digest))
			return &memory->versions[i];
	return NULL;
}

static void prepare_decision(struct memory *memory, struct lf_item *item)
{
	struct lf_item_decision *decision = &item->decision;
	const struct lf_append *append = decision->append;
	const struct version *version = by_digest(memory, &append->rubric_digest);
	const struct row *row = with_key(memory, memory->row_count, append->caller, append->idempotency_key);

	if (row != NULL && memory_replacement(memory, LF_REDACT_DECISION, row->stored->sequence) != NULL)
		row = NULL;
	decision->rubric_stored = version != NULL && strcmp(version->row->name, append->rubric_name) == 0;
	if (decision->rubric_stored) {
		const struct lf_payload_row *payload = &memory->payloads[version->payload - 1];

		lf_commit(&payload->salt, payload->body.data, payload->body.length, &decision->rubric_commitment);
	}
	memory_find_payload(memory, LF_PAYLOAD_TEAM, &decision->team);
	memory_find_payload(memory, LF_PAYLOAD_PROJECT, &decision->project);
	decision->key_used = row != NULL;
	if (row == NULL)
		return;
	decision->first_sequence = row->stored->sequence;
	decision->first_id = row->stored->id;
	decision->first_at_us = row->stored->decided_at_us;
	decision->first_request = row->request_digest;
}

/* The last act on a name among the first count, NULL where there is none. */
static const struct activation *last_act(const struct memory *memory, size_t count, const char *name)
{
	while (count-- > 0)
		if (strcmp(memory->activations[count].name, name) == 0)
			return &memory->activations[count];
	return NULL;
}

static bool is_active(const struct memory *memory, size_t count, const struct lf_rubric_row *row)
{
	const struct activation *last = last_act(memory, count, row->name);

	return last != NULL && last->has_to && lf_digest_equal(&last->to, &row->digest);
}

static void prepare_rubric(struct memory *memory, struct lf_item *item)
{
	const struct version *version = by_digest(memory, item->rubric.body.digest);

	item->rubric.stored = version != NULL;
	if (version != NULL)
		strcpy(item->rubric.stored_name, version->row->name);
}

static void prepare_activation(struct memory *memory, struct lf_item *item)
{
	struct lf_item_activation *activation = &item->activation;
	const struct activation *last;

	for (size_t i = 0; i < memory->version_count && !activation->stored; i++) {
		const struct lf_rubric_row *row = memory->versions[i].row;

		activation->stored = activation->digest != NULL ? lf_digest_equal(activation->digest, &row->digest)
								: strcmp(activation->name, row->name) == 0;
		if (activation->stored)
			strcpy(activation->stored_name, row->name);
	}
	last = activation->stored ? last_act(memory, memory->activation_count, activation->stored_name) : NULL;
	activation->had_from = last != NULL && last->has_to;
	if (activation->had_from)
		activation->from = last->to;
}

static enum lf_code memory_prepare(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	static void (*const PREPARE[])(struct memory *, struct lf_item *) = {
		[LF_ITEM_DECISION] = prepare_decision,
		[LF_ITEM_RUBRIC] = prepare_rubric,
		[LF_ITEM_ACTIVATION] = prepare_activation,
		[LF_ITEM_ACT] = memory_prepare_act,
		[LF_ITEM_REDACTION] = memory_prepare_redaction,
	};

	pthread_mutex_lock(&store->memory->lock);
	if (take_turn(store, error) != LF_OK)
		return error->code;
	for (size_t i = 0; i < count; i++)
		PREPARE[items[i]->kind](store->memory, items[i]);
	pthread_mutex_unlock(&store->memory->lock);
	return LF_OK;
}

/* ---- storing ---- */

static void write_decision(struct memory *memory, struct lf_item *item)
{
	const struct lf_item_decision *decision = &item->decision;
	const struct lf_append *append = decision->append;
	const struct lf_stored stored = {.sequence = decision->sequence,
		.id = decision->id,
		.decided_at_us = item->at_us,
		.caller = append->caller,
		.team_id = append->team_id,
		.project_id = append->project_id,
		.rubric_name = append->rubric_name,
		.recommended = append->recommended,
		.outcome = append->outcome,
		.purpose = append->purpose,
		.rubric_digest = append->rubric_digest,
		.candidates = append->candidates_digest,
		.team_payload = memory_payload(memory, LF_PAYLOAD_TEAM, &decision->team),
		.project_payload = memory_payload(memory, LF_PAYLOAD_PROJECT, &decision->project),
		.team = append->team,
		.project = append->project,
		.answer = append->answer};
	struct row row = {.stored = lf_stored_copy(&stored),
		.request_digest = append->request_digest,
		.candidates_digest = append->candidates_digest,
		.salt = item->salt};

	strcpy(row.key, append->idempotency_key);
	for (size_t i = 0; i < append->candidate_count && i < 4; i++)
		strcpy(row.candidates[row.candidate_count++], append->candidates[i]);
	memory->rows = realloc(memory->rows, (memory->row_count + 1) * sizeof(*memory->rows));
	memory->rows[memory->row_count++] = row;
	memory_add_leaf(memory, item, LF_LEAF_DECISION, decision->sequence);
}

static void write_rubric(struct memory *memory, struct lf_item *item)
{
	const struct lf_item_rubric *rubric = &item->rubric;
	const struct lf_rubric_row row = {.name = rubric->name,
		.title = rubric->title,
		.put_by = rubric->caller,
		.digest = *rubric->body.digest,
		.put_at_us = item->at_us,
		.body = rubric->body.body};
	struct version *version;

	memory->versions = realloc(memory->versions, (memory->version_count + 1) * sizeof(*memory->versions));
	version = &memory->versions[memory->version_count++];
	version->row = lf_rubric_row_copy(&row);
	version->payload = memory_payload(memory, LF_PAYLOAD_RUBRIC, &rubric->body);
	memory_add_leaf(memory, item, LF_LEAF_RUBRIC, memory->version_count);
}

static void write_activation(struct memory *memory, struct lf_item *item)
{
	const struct lf_item_activation *activation = &item->activation;
	struct activation act = {.at_us = item->at_us,
		.had_from = activation->had_from,
		.has_to = activation->digest != NULL,
		.from = activation->from};

	if (act.has_to)
		act.to = *activation->digest;
	strcpy(act.name, activation->stored_name);
	strcpy(act.caller, activation->caller);
	memory->activations =
		realloc(memory->activations, (memory->activation_count + 1) * sizeof(*memory->activations));
	memory->activations[memory->activation_count++] = act;
	memory_add_leaf(memory, item, LF_LEAF_ACTIVATION, memory->activation_count);
}

static enum lf_code memory_write(
	struct lf_store *store, struct lf_item *const *items, size_t count, struct lf_error *error)
{
	static void (*const WRITE[])(struct memory *, struct lf_item *) = {
		[LF_ITEM_DECISION] = write_decision,
		[LF_ITEM_RUBRIC] = write_rubric,
		[LF_ITEM_ACTIVATION] = write_activation,
		[LF_ITEM_ACT] = memory_write_act,
		[LF_ITEM_REDACTION] = memory_write_redaction,
	};

	pthread_mutex_lock(&store->memory->lock);
	if (take_turn(store, error) != LF_OK)
		return error->code;
	for (size_t i = 0; i < count; i++)
		WRITE[items[i]->kind](store->memory, items[i]);
	pthread_mutex_unlock(&store->memory->lock);
	return LF_OK;
}

static enum lf_code memory_commit(struct lf_store *store, const struct lf_tail *tail, const struct lf_leaves *leaves,
	bool more, struct lf_error *error)
{
	struct memory *memory = store->memory;

	(void)more;
	pthread_mutex_lock(&memory->lock);
	if (take_turn(store, error) != LF_OK)
		return error->code;
	if (tail->tree.size != leaves->size_before)
		memory->tail = *tail;
	memory_replace(memory);
	memory->payload_visible = memory->payload_count;
	memory->leaf_visible = memory->leaf_count;
	memory->act_visible = memory->act_count;
	memory->row_visible = memory->row_count;
	memory->version_visible = memory->version_count;
	memory->activation_visible = memory->activation_count;
	memory->owner = NULL;
	store->begun = false;
	pthread_cond_broadcast(&memory->turn);
	pthread_mutex_unlock(&memory->lock);
	return LF_OK;
}

/* ---- readers ---- */

static enum lf_code memory_open_reader(struct lf_store *store, struct lf_reader **reader, struct lf_error *error)
{
	*reader = malloc(sizeof(**reader));
	if (*reader == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	(*reader)->memory = store->memory;
	return LF_OK;
}

static void memory_close_reader(struct lf_reader *reader)
{
	free(reader);
}

static enum lf_code memory_find_key(struct lf_reader *reader, const char *caller, const char *key,
	const struct lf_digest *request_digest, struct lf_uuid *id, struct lf_error *error)
{
	struct memory *memory = reader->memory;
	enum lf_code code = LF_OK;
	const struct row *row;

	pthread_mutex_lock(&memory->lock);
	row = with_key(memory, memory->row_visible, caller, key);
	if (row == NULL)
		code = lf_error_set(error, LF_NOT_FOUND, "no such key");
	else if (memcmp(&row->request_digest, request_digest, sizeof(*request_digest)) != 0)
		code = lf_error_set(error, LF_ALREADY_EXISTS, "the key was used for another request");
	else
		*id = row->stored->id;
	pthread_mutex_unlock(&memory->lock);
	return code;
}

static enum lf_code memory_get(
	struct lf_reader *reader, const struct lf_uuid *id, struct lf_stored **stored, struct lf_error *error)
{
	struct memory *memory = reader->memory;

	*stored = NULL;
	pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < memory->row_visible && *stored == NULL; i++)
		if (memcmp(&memory->rows[i].stored->id, id, sizeof(*id)) == 0)
			*stored = lf_stored_copy(memory->rows[i].stored);
	pthread_mutex_unlock(&memory->lock);
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
	struct memory *memory = reader->memory;
	size_t shown = 0;

	(void)error;
	*next = 0;
	pthread_mutex_lock(&memory->lock);
	for (size_t i = memory->row_visible; i-- > 0;) {
		struct lf_stored row = *memory->rows[i].stored;

		if ((filter->before_sequence != 0 && row.sequence >= filter->before_sequence) ||
			!fits(filter, &memory->rows[i]))
			continue;
		if (shown++ == filter->limit) {
			*next = row.sequence + 1;
			break;
		}
		row.team = row.project = row.answer = (struct lf_bytes){NULL, 0};
		visit(context, &row);
	}
	pthread_mutex_unlock(&memory->lock);
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
	struct memory *memory = reader->memory;
	const size_t bytes_max = scan->bytes_max != 0 ? scan->bytes_max : LF_MESSAGE_BYTES_MAX;
	size_t shown = 0, bytes = 0;
	bool go_on = true;

	(void)error;
	*next = 0;
	pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < memory->row_visible; i++) {
		const size_t at = scan->newest_first ? memory->row_visible - 1 - i : i;
		struct lf_stored row = *memory->rows[at].stored;

		if (!scanned(scan, &memory->rows[at]))
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
	pthread_mutex_unlock(&memory->lock);
	return LF_OK;
}

static enum lf_code memory_get_rubric(struct lf_reader *reader, const char *name, const struct lf_digest *digest,
	struct lf_rubric_row **row, struct lf_error *error)
{
	struct memory *memory = reader->memory;

	*row = NULL;
	pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < memory->version_visible && *row == NULL; i++) {
		struct lf_rubric_row version = *memory->versions[i].row;
		const bool named =
			digest != NULL ? wants(name, version.name) : name != NULL && strcmp(name, version.name) == 0;

		version.active = is_active(memory, memory->activation_visible, &version);
		if (named && (digest != NULL ? memcmp(digest, &version.digest, sizeof(*digest)) == 0 : version.active))
			*row = lf_rubric_row_copy(&version);
	}
	pthread_mutex_unlock(&memory->lock);
	return *row != NULL ? LF_OK : lf_error_set(error, LF_NOT_FOUND, "no such rubric");
}

static enum lf_code memory_list_rubrics(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_rubric_row *row), void *context, struct lf_error *error)
{
	struct memory *memory = reader->memory;
	const char *previous = "";

	(void)error;
	pthread_mutex_lock(&memory->lock);
	for (;;) { /* the next name, then its versions from the newest */
		const char *least = NULL;

		for (size_t i = 0; i < memory->version_visible; i++) {
			const char *candidate = memory->versions[i].row->name;

			if (strcmp(candidate, previous) > 0 && (least == NULL || strcmp(candidate, least) < 0))
				least = candidate;
		}
		if (least == NULL)
			break;
		for (size_t i = memory->version_visible; i-- > 0;) {
			struct lf_rubric_row row = *memory->versions[i].row;

			row.body = (struct lf_bytes){NULL, 0};
			row.active = is_active(memory, memory->activation_visible, &row);
			if (strcmp(row.name, least) == 0 && wants(name, least))
				visit(context, &row);
		}
		previous = least;
	}
	pthread_mutex_unlock(&memory->lock);
	return LF_OK;
}

static enum lf_code memory_list_activations(struct lf_reader *reader, const char *name,
	void (*visit)(void *context, const struct lf_activation_row *row), void *context, struct lf_error *error)
{
	struct memory *memory = reader->memory;
	size_t shown = 0;

	(void)error;
	pthread_mutex_lock(&memory->lock);
	for (size_t i = memory->activation_visible; i-- > 0 && shown < LF_ACTIVATIONS_MAX;) {
		const struct activation *act = &memory->activations[i];

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
	pthread_mutex_unlock(&memory->lock);
	return LF_OK;
}

static enum lf_code memory_was_active(
	struct lf_reader *reader, const struct lf_digest *digest, bool *was_active, struct lf_error *error)
{
	struct memory *memory = reader->memory;

	(void)error;
	*was_active = false;
	pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < memory->activation_visible; i++)
		*was_active |= memory->activations[i].has_to &&
			memcmp(&memory->activations[i].to, digest, sizeof(*digest)) == 0;
	pthread_mutex_unlock(&memory->lock);
	return LF_OK;
}

static enum lf_code memory_look(struct lf_reader *reader, struct lf_tail *tail, struct lf_error *error)
{
	(void)error;
	pthread_mutex_lock(&reader->memory->lock);
	*tail = reader->memory->tail;
	tail->now_us = clock_us;
	pthread_mutex_unlock(&reader->memory->lock);
	return LF_OK;
}

/* What both kinds have alike. */
#define MEMORY_FUNCTIONS                                                                                               \
	.close = memory_close, .tail = memory_tail, .begin = memory_begin, .prepare = memory_prepare,                  \
	.write = memory_write, .commit = memory_commit, .rollback = memory_rollback, .maintain = memory_nothing,       \
	.probe = memory_nothing, .tail_hashes = memory_tail_hashes, .open_reader = memory_open_reader,                 \
	.close_reader = memory_close_reader, .find_key = memory_find_key, .get = memory_get, .list = memory_list,      \
	.get_rubric = memory_get_rubric, .list_rubrics = memory_list_rubrics,                                          \
	.list_activations = memory_list_activations, .was_active = memory_was_active, .scan = memory_scan,             \
	.list_acts = memory_list_acts, .head = memory_head, .hashes = memory_hashes, .find_leaf = memory_find_leaf,    \
	.list_payloads = memory_list_payloads, .audit = memory_audit, .get_payload = memory_get_payload

const struct lf_backend memory_backend = {.name = "memory", .open = open_alone, MEMORY_FUNCTIONS};

const struct lf_backend memory_shared_backend = {
	.name = "shared memory", .shared = true, .open = open_another, .look = memory_look, MEMORY_FUNCTIONS};
