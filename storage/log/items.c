/*
 * What becomes of each record of a batch, from what the backend found; and its numbers, its commitments and its leaf.
 *
 * A batch is gone through in groups: decisions that follow each other, acts that do, anything else by itself. A group
 * is prepared and written at once, so nothing in it may depend on another of it, but for decisions with the same key or
 * the same new payload: those are found here.
 */
#include <string.h>

#include "proto/base/check.h"
#include "storage/log/private.h"

struct group {
	struct lf_log *log;
	struct lf_batch_entry *entries; /* of the batch, from the group's first on */
	const struct lf_entropy *entropy;
	size_t count;
	int64_t now_us;
	struct lf_error *error; /* of the whole batch; a record's own is in its entry */
	struct lf_item *items[LF_BATCH_MAX];
};

/* ---- the next numbers ---- */

/* The time of anything. */
static int64_t next_time(struct lf_log *log, int64_t now_us)
{
	if (now_us > log->tail.time_us)
		log->tail.time_us = now_us;
	return log->tail.time_us;
}

/* Looks all of the group up. What the store refuses has its entry's error then. */
static enum lf_code prepare(struct group *group)
{
	struct lf_log *log = group->log;

	for (size_t i = 0; i < group->count; i++)
		group->items[i] = &group->entries[i].item;
	if (log->backend->prepare(log->store, group->items, group->count, group->error) != LF_OK)
		return group->error->code;
	for (size_t i = 0; i < group->count; i++)
		if (group->items[i]->refused != NULL)
			lf_item_refuse(group->items[i], &group->entries[i].error);
	return LF_OK;
}

/* ---- what comes twice in a group ---- */

enum { SLOTS = sizeof(((struct lf_repeats *)NULL)->slots) / sizeof(uint16_t) };

/* Slots of payloads: two a decision, the team's first. */
static const struct lf_item_payload *payload_of(const struct group *group, unsigned place)
{
	const struct lf_item_decision *decision = &group->entries[place / 2].item.decision;

	return place % 2 == 0 ? &decision->team : &decision->project;
}

/* A payload that is to be stored, or referred to, by a decision that is to be stored. */
static void settle_payload(
	struct group *group, unsigned place, struct lf_item_payload *payload, const struct lf_salt *salt)
{
	struct lf_repeats *repeats = &group->log->payloads;
	uint32_t slot;

	if (payload->stored)
		return;
	if (group->count > 1) {
		memcpy(&slot, payload->digest, sizeof(slot));
		for (slot %= SLOTS; repeats->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
			const unsigned other_place = repeats->slots[slot] - 1u;
			const struct lf_item_payload *other = payload_of(group, other_place);

			if (other_place % 2 != place % 2 || !lf_digest_equal(other->digest, payload->digest))
				continue;
			payload->repeated = true;
			payload->commitment = other->commitment;
			return;
		}
		repeats->slots[slot] = (uint16_t)(place + 1);
	}
	payload->salt = *salt;
	lf_commit(salt, payload->body.data, payload->body.length, &payload->commitment);
}

static uint32_t hash_key(const struct lf_append *append)
{
	uint32_t hash = 2166136261u;

	for (const char *c = append->idempotency_key; *c != '\0'; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	return hash;
}

/* Whether a decision of the group that is to be stored has the key of this one; else this one has it from now on. */
static void find_key_in_group(struct group *group, size_t i)
{
	struct lf_item_decision *decision = &group->entries[i].item.decision;
	const struct lf_append *append = decision->append;
	struct lf_repeats *repeats = &group->log->keys;
	uint32_t slot;

	for (slot = hash_key(append) % SLOTS; repeats->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		const struct lf_item *item = &group->entries[repeats->slots[slot] - 1].item;
		const struct lf_append *other = item->decision.append;

		if (strcmp(other->idempotency_key, append->idempotency_key) != 0 ||
			strcmp(other->caller, append->caller) != 0)
			continue;
		decision->key_used = true;
		decision->first_sequence = item->decision.sequence;
		decision->first_id = item->decision.id;
		decision->first_at_us = item->at_us;
		decision->first_request = other->request_digest;
		return;
	}
	repeats->slots[slot] = (uint16_t)(i + 1);
}

/* ---- decisions ---- */

static void fill_decision(struct lf_batch_entry *entry)
{
	const struct lf_append *append = entry->append;

	entry->item = (struct lf_item){
		.kind = LF_ITEM_DECISION,
		.decision = {.append = append,
			.team = {.body = append->team, .digest = &append->team_digest},
			.project = {.body = append->project, .digest = &append->project_digest}},
	};
}

static enum lf_code make_decision_leaf(struct lf_log *log, struct lf_item *item, struct lf_error *error)
{
	const struct lf_item_decision *decision = &item->decision;
	const struct lf_append *append = decision->append;
	const struct lf_decision_columns columns = {
		.sequence = decision->sequence,
		.id = decision->id.bytes,
		.decided_at_us = item->at_us,
		.caller = append->caller,
		.team = append->team_id,
		.project = append->project_id,
		.rubric = append->rubric_name,
		.recommended = append->recommended,
		.outcome = append->outcome,
		.purpose = append->purpose,
		.candidates = &append->candidates_digest,
		.request_digest = append->idempotency_key[0] != '\0' ? &append->request_digest : NULL,
		.answer = append->answer.data,
		.answer_length = append->answer.length,
	};
	struct lf_digest commitments[4];

	commitments[1] = decision->team.commitment;
	commitments[2] = decision->project.commitment;
	commitments[3] = decision->rubric_commitment;
	if (lf_commit_decision(log, &columns, &item->salt, &commitments[0], error) != LF_OK)
		return error->code;
	return lf_writer_add_leaf(log, item, LF_LEAF_DECISION, commitments, 4, error);
}

/* What becomes of the i-th: its entry has an error, or is existing, or it is to be written. */
static enum lf_code decide(struct group *group, size_t i, bool *write)
{
	struct lf_log *log = group->log;
	struct lf_batch_entry *entry = &group->entries[i];
	const struct lf_entropy *entropy = &group->entropy[i];
	struct lf_item_decision *decision = &entry->item.decision;
	const struct lf_append *append = entry->append;
	char text[65];

	*write = false;
	if (!decision->rubric_stored) {
		lf_digest_print(&append->rubric_digest, text);
		lf_error_set(&entry->error, LF_FAILED_PRECONDITION, "no rubric %s with digest %s is stored",
			append->rubric_name, text);
		return LF_OK;
	}
	if (append->idempotency_key[0] != '\0' && !decision->key_used && group->count > 1)
		find_key_in_group(group, i);
	if (decision->key_used) {
		entry->existing = lf_digest_equal(&decision->first_request, &append->request_digest);
		if (!entry->existing)
			lf_error_set(&entry->error, LF_ALREADY_EXISTS,
				"idempotency key %s was used for another request", append->idempotency_key);
		return LF_OK;
	}
	entry->item.at_us = next_time(log, group->now_us);
	entry->item.salt = entropy->salts[2];
	decision->sequence = ++log->tail.sequence;
	lf_uuid_next(&log->tail.id, log->tail.time_us, entropy->id);
	decision->id = log->tail.id;
	settle_payload(group, (unsigned)(2 * i), &decision->team, &entropy->salts[0]);
	settle_payload(group, (unsigned)(2 * i + 1), &decision->project, &entropy->salts[1]);
	*write = true;
	return make_decision_leaf(log, &entry->item, group->error);
}

/* An activation, of any name, came after the rubric was chosen. A key that was used by an earlier batch still counts. */
static bool is_outdated(const struct lf_log *log, const struct lf_batch_entry *entry)
{
	return entry->append->scored_at != 0 && entry->append->scored_at < log->tail.activated_to &&
		!entry->item.decision.key_used;
}

static enum lf_code write_decisions(struct group *group)
{
	struct lf_log *log = group->log;
	size_t write_count = 0;

	for (size_t i = 0; i < group->count; i++)
		fill_decision(&group->entries[i]);
	if (prepare(group) != LF_OK)
		return group->error->code;
	if (group->count > 1) {
		memset(&log->payloads, 0, sizeof(log->payloads));
		memset(&log->keys, 0, sizeof(log->keys));
	}
	for (size_t i = 0; i < group->count; i++) {
		bool write = false;

		if (group->items[i]->refused != NULL)
			continue;
		if (is_outdated(log, &group->entries[i]))
			lf_error_set(
				&group->entries[i].error, LF_ABORTED, "a version of a rubric was activated meanwhile");
		else if (decide(group, i, &write) != LF_OK)
			return group->error->code;
		if (write)
			group->items[write_count++] = &group->entries[i].item;
	}
	return write_count == 0 ? LF_OK : log->backend->write(log->store, group->items, write_count, group->error);
}

/* ---- acts ---- */

static enum lf_code decide_act(struct group *group, size_t i, bool *write)
{
	struct lf_log *log = group->log;
	struct lf_batch_entry *entry = &group->entries[i];
	const struct lf_act_put *put = entry->append->act;
	const struct lf_item_act *act = &entry->item.act;
	struct lf_act_columns columns = {
		put->kind, put->caller, 0, act->decision_sequence, put->body.data, put->body.length};
	struct lf_digest commitment;
	char text[LF_UUID_TEXT_BYTES];

	*write = false;
	if (put->seen_size != 0 && put->seen_size < log->tail.redacted_to) {
		lf_error_set(&entry->error, LF_ABORTED,
			"something was erased or pruned meanwhile: read again, and then record it");
		return LF_OK;
	}
	if (put->decision != NULL && act->decision_sequence == 0) {
		lf_uuid_print(put->decision, text);
		lf_error_set(&entry->error, LF_NOT_FOUND, "there is no decision %s", text);
		return LF_OK;
	}
	entry->item.at_us = columns.at_us = next_time(log, group->now_us);
	entry->item.salt = group->entropy[i].salts[0];
	*write = true;
	if (lf_commit_act(log, &columns, &entry->item.salt, &commitment, group->error) != LF_OK ||
		lf_writer_add_leaf(log, &entry->item, put->kind, &commitment, 1, group->error) != LF_OK)
		return group->error->code;
	if (put->kind == LF_LEAF_DEFAULT) /* what a request gets that names no rubric */
		log->tail.activated_to = log->leaves.tree.size;
	return LF_OK;
}

static enum lf_code write_acts(struct group *group)
{
	struct lf_log *log = group->log;
	size_t write_count = 0;

	for (size_t i = 0; i < group->count; i++) {
		const struct lf_act_put *put = group->entries[i].append->act;

		group->entries[i].item = (struct lf_item){.kind = LF_ITEM_ACT,
			.act = {.kind = put->kind,
				.caller = put->caller,
				.decision = put->decision,
				.body = put->body}};
	}
	if (prepare(group) != LF_OK)
		return group->error->code;
	for (size_t i = 0; i < group->count; i++) {
		bool write;

		if (group->items[i]->refused != NULL)
			continue;
		if (decide_act(group, i, &write) != LF_OK)
			return group->error->code;
		if (write)
			group->items[write_count++] = &group->entries[i].item;
	}
	if (write_count > 0 && log->backend->write(log->store, group->items, write_count, group->error) != LF_OK)
		return group->error->code;
	for (size_t i = 0; i < group->count; i++) {
		struct lf_act_put *put = group->entries[i].append->act;

		put->id = group->entries[i].item.act.id;
		put->position = group->entries[i].item.place.position;
		put->at_us = group->entries[i].item.at_us;
	}
	return LF_OK;
}

/* ---- rubrics and activations ---- */

static enum lf_code activate(struct group *group, const struct lf_rubric_activate *what, const struct lf_salt *salt,
	struct lf_activated *did)
{
	struct lf_log *log = group->log;
	struct lf_batch_entry *entry = group->entries;
	struct lf_item *item = &entry->item;
	struct lf_item_activation *found = &item->activation;
	struct lf_activation_columns columns;
	struct lf_digest commitment;
	char text[65];

	*item = (struct lf_item){
		.kind = LF_ITEM_ACTIVATION,
		.at_us = next_time(log, group->now_us),
		.salt = *salt,
		.activation = {.name = what->name, .caller = what->caller, .digest = what->digest},
	};
	if (prepare(group) != LF_OK || item->refused != NULL)
		return group->error->code;
	if (what->digest != NULL)
		lf_digest_print(what->digest, text);
	if (!found->stored && what->digest == NULL)
		lf_error_set(&entry->error, LF_NOT_FOUND, "no rubric %s is stored", what->name);
	else if (!found->stored)
		lf_error_set(&entry->error, LF_NOT_FOUND, "no rubric of digest %s is stored", text);
	else if (what->digest != NULL && what->name[0] != '\0' && strcmp(found->stored_name, what->name) != 0)
		lf_error_set(&entry->error, LF_NOT_FOUND, "the rubric of digest %s is %s, not %s", text,
			found->stored_name, what->name);
	if (entry->error.code != LF_OK)
		return LF_OK;
	did->had_from = found->had_from;
	if (found->had_from)
		did->from = found->from;
	did->changed = found->had_from != (what->digest != NULL) ||
		(what->digest != NULL && !lf_digest_equal(&found->from, what->digest));
	if (!did->changed)
		return LF_OK;
	columns = (struct lf_activation_columns){
		found->stored_name, what->caller, item->at_us, found->had_from ? &found->from : NULL, what->digest};
	if (lf_commit_activation(log, &columns, salt, &commitment, group->error) != LF_OK ||
		lf_writer_add_leaf(log, item, LF_LEAF_ACTIVATION, &commitment, 1, group->error) != LF_OK)
		return group->error->code;
	log->tail.activated_to = log->leaves.tree.size;
	return log->backend->write(log->store, &item, 1, group->error);
}

static enum lf_code write_activation(struct group *group)
{
	struct lf_rubric_activate *what = group->entries->append->activation;

	memset(&what->activated, 0, sizeof(what->activated));
	return activate(group, what, &group->entropy->salts[0], &what->activated);
}

static enum lf_code add_rubric(struct group *group, const struct lf_rubric_put *put)
{
	struct lf_log *log = group->log;
	struct lf_item *item = &group->entries->item;
	struct lf_item_payload *body = &item->rubric.body;
	const struct lf_rubric_columns columns = {put->name, put->title, put->caller, item->at_us};
	struct lf_digest commitments[2];

	body->salt = group->entropy->salts[0];
	lf_commit(&body->salt, put->body.data, put->body.length, &body->commitment);
	commitments[1] = body->commitment;
	if (lf_commit_rubric(log, &columns, &item->salt, &commitments[0], group->error) != LF_OK ||
		lf_writer_add_leaf(log, item, LF_LEAF_RUBRIC, commitments, 2, group->error) != LF_OK)
		return group->error->code;
	return log->backend->write(log->store, &item, 1, group->error);
}

static enum lf_code write_rubric(struct group *group)
{
	struct lf_log *log = group->log;
	struct lf_batch_entry *entry = group->entries;
	struct lf_rubric_put *put = entry->append->rubric;
	struct lf_item *item = &entry->item;
	const struct lf_rubric_activate what = {.name = put->name, .caller = put->caller, .digest = put->digest};

	memset(&put->activated, 0, sizeof(put->activated));
	put->added = false;
	*item = (struct lf_item){
		.kind = LF_ITEM_RUBRIC,
		.at_us = next_time(log, group->now_us),
		.salt = group->entropy->salts[1],
		.rubric = {.name = put->name,
			.title = put->title,
			.caller = put->caller,
			.body = {.body = put->body, .digest = put->digest}},
	};
	if (prepare(group) != LF_OK || item->refused != NULL)
		return group->error->code;
	put->added = !item->rubric.stored;
	if (!put->added && strcmp(item->rubric.stored_name, put->name) != 0) {
		lf_error_set(&entry->error, LF_INVALID_ARGUMENT, "a rubric of this digest is stored as %s, not %s",
			item->rubric.stored_name, put->name);
		return LF_OK;
	}
	if (put->added && add_rubric(group, put) != LF_OK)
		return group->error->code;
	return put->activate ? activate(group, &what, &group->entropy->salts[2], &put->activated) : LF_OK;
}

/* ---- all ---- */

static enum lf_item_kind kind_of(const struct lf_append *append)
{
	return append->rubric != NULL        ? LF_ITEM_RUBRIC
		: append->activation != NULL ? LF_ITEM_ACTIVATION
		: append->act != NULL        ? LF_ITEM_ACT
		: append->redaction != NULL  ? LF_ITEM_REDACTION
					     : LF_ITEM_DECISION;
}

static enum lf_code write_redaction(struct group *group)
{
	struct lf_batch_entry *entry = group->entries;

	entry->item = (struct lf_item){.kind = LF_ITEM_REDACTION, .at_us = next_time(group->log, group->now_us)};
	return lf_writer_redact(group->log, entry, &group->entropy->salts[0], group->error);
}

enum lf_code lf_writer_write_items(struct lf_log *log, size_t count, int64_t now_us, struct lf_error *error)
{
	static enum lf_code (*const WRITE[])(struct group *) = {
		[LF_ITEM_DECISION] = write_decisions,
		[LF_ITEM_RUBRIC] = write_rubric,
		[LF_ITEM_ACTIVATION] = write_activation,
		[LF_ITEM_ACT] = write_acts,
		[LF_ITEM_REDACTION] = write_redaction,
	};
	struct group group = {.log = log, .now_us = now_us, .error = error};

	for (size_t i = 0; i < count; i += group.count) {
		const enum lf_item_kind kind = kind_of(log->batch[i].append);
		const bool many = kind == LF_ITEM_DECISION || kind == LF_ITEM_ACT;

		group.entries = log->batch + i;
		group.entropy = log->entropy + i;
		group.count = 1;
		while (many && i + group.count < count && kind_of(log->batch[i + group.count].append) == kind)
			group.count++;
		if (WRITE[kind](&group) != LF_OK)
			return error->code;
	}
	return LF_OK;
}
