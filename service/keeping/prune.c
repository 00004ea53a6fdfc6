/*
 * Pruning what is older than the operator keeps. Decisions made before an instant keep their columns, outcome, as_of
 * and versions; who took part, who was recommended, what the numbers were, the idempotency key, and people's names in
 * what was recorded about them go. Then the teams and projects that no younger decision refers to become empty.
 *
 * Which those are is not stored anywhere: a decision refers to its payloads, and nothing leads back. So two sets of
 * payload ids, a bit each, are gathered by going through the decisions once: of old ones while they are pruned, of
 * young ones after that. A payload in the first and not in the second is emptied. The sets live in memory: a pruning
 * that ended early begins anew, which passes quickly over what is pruned already.
 *
 * New decisions may refer to an old payload at any time, as equal teams are stored once. The log refuses to empty a
 * payload to which a decision refers that was not looked at; then that one is looked at, too.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"
#include "service/decide/decision.h"
#include "service/keeping/payload_set.h"
#include "service/keeping/walk.h"

enum { DECISIONS_A_SLICE = 64, PAYLOADS_A_SLICE = 64, ATTEMPTS_MAX = 10 };

struct prune {
	struct lf_walk walk; /* first */
	struct lf_payload_set old, young;
	uint64_t seen; /* every decision up to this one is in a set */
};

static struct lf_log *log_of(const struct prune *prune)
{
	return prune->walk.redaction.run->state->log;
}

static struct lf_job *job_of(const struct prune *prune)
{
	return prune->walk.redaction.run->job;
}

/* ---- sets ---- */

static bool add_both(struct lf_payload_set *set, const struct lf_stored *row)
{
	return lf_payload_set_add(set, row->team_payload) && lf_payload_set_add(set, row->project_payload);
}

/* ---- old decisions ---- */

struct old {
	struct prune *prune;
	struct lf_stored *copies[DECISIONS_A_SLICE];
	size_t count;
	uint64_t stopped_at; /* the first that did not fit; 0: none */
	bool exhausted;
};

/*
 * Whether the decision is pruned already: a field at the end of a short record, which is looked for before everything
 * is decoded.
 */
static bool is_pruned(struct prune *prune, const struct lf_stored *row)
{
	struct lf_error error = LF_ERROR_INIT;
	const Leadfit__V1__Answer *answer;

	if (row->answer.length > 64)
		return false;
	lf_arena_reset(&prune->walk.scratch);
	answer = lf_answer_read(row, &prune->walk.scratch, &error);
	lf_error_clean_up(&error);
	return answer != NULL && answer->pruned;
}

static bool keep_old(void *context, const struct lf_stored *row)
{
	struct old *old = context;

	if (old->count == DECISIONS_A_SLICE) {
		old->stopped_at = row->sequence;
		return false;
	}
	if (!add_both(&old->prune->old, row)) {
		old->exhausted = true;
		return false;
	}
	old->prune->seen = row->sequence;
	if (is_pruned(old->prune, row))
		return true;
	old->copies[old->count] = lf_stored_copy(row);
	old->exhausted = old->copies[old->count] == NULL;
	old->count += !old->exhausted;
	return !old->exhausted;
}

static bool without_people(void *context, ProtobufCMessage *message)
{
	static char nobody[] = "";
	Leadfit__V1__OutcomeBody *body = (Leadfit__V1__OutcomeBody *)message;
	const bool changed = *body->lead != '\0' || *body->overridden_by != '\0' || *body->reason != '\0';

	(void)context;
	body->lead = body->overridden_by = body->reason = nobody;
	return changed;
}

static enum lf_code prune_decision(struct prune *prune, const struct lf_stored *stored)
{
	struct lf_redact_item item = {.what = LF_REDACT_DECISION, .id = stored->sequence, .recommended = ""};
	Leadfit__V1__Answer *answer;

	if (job_of(prune)->dry_run) {
		job_of(prune)->counts.decisions++;
		return LF_OK;
	}
	lf_arena_reset(&prune->walk.scratch);
	answer = lf_answer_read(stored, &prune->walk.scratch, &prune->walk.error);
	if (answer == NULL)
		return prune->walk.error.code;
	if (lf_redaction_add_acts(&prune->walk.redaction, &stored->id, without_people, NULL, &prune->walk.error) !=
			LF_OK ||
		lf_redaction_make_room(&prune->walk.redaction, &prune->walk.error) != LF_OK)
		return prune->walk.error.code;
	item.bytes = lf_answer_redacted(answer, NULL, lf_redaction_arena(&prune->walk.redaction));
	if (item.bytes.data == NULL)
		return lf_walk_no_memory(&prune->walk);
	lf_redaction_add(&prune->walk.redaction, &item);
	return LF_OK;
}

static void old_slice(struct lf_walk *walk, bool *end)
{
	struct prune *prune = (struct prune *)walk;
	struct old old = {.prune = prune};
	const struct lf_scan scan = {.since_us = INT64_MIN,
		.until_us = job_of(prune)->before_us,
		.from_sequence = prune->walk.at,
		.limit = LF_PAGE_MAX,
		.payloads = true};
	uint64_t next;

	if (lf_log_scan(log_of(prune), &scan, keep_old, &old, &next, &prune->walk.error) == LF_OK && old.exhausted)
		lf_walk_no_memory(&prune->walk);
	for (size_t i = 0; i < old.count; i++) {
		if (!lf_walk_failed(&prune->walk))
			prune_decision(prune, old.copies[i]);
		free(old.copies[i]);
	}
	if (lf_walk_failed(&prune->walk) || lf_redaction_write(&prune->walk.redaction, 0, &prune->walk.error) != LF_OK)
		return;
	walk->at = old.stopped_at != 0 ? old.stopped_at : next;
	*end = walk->at == 0;
}

/* ---- young decisions ---- */

static bool keep_young(void *context, const struct lf_stored *row)
{
	struct prune *prune = context;

	if (!add_both(&prune->young, row)) {
		lf_walk_no_memory(&prune->walk);
		return false;
	}
	prune->seen = row->sequence;
	return true;
}

/*
 * All after the old ones, whatever their time: one may have come since with a time that is before the limit. *end: all
 * that there are now are in the set, and prune->seen is the newest.
 */
static enum lf_code see_young(struct prune *prune, bool *end)
{
	const struct lf_scan scan = {
		.since_us = INT64_MIN, .until_us = INT64_MAX, .from_sequence = prune->seen + 1, .limit = LF_PAGE_MAX};
	struct lf_error error = LF_ERROR_INIT;
	uint64_t newest, next = 0;

	if (lf_newest_sequence(log_of(prune), &newest, &prune->walk.error) != LF_OK)
		return prune->walk.error.code;
	if (newest > prune->seen)
		lf_log_scan(log_of(prune), &scan, keep_young, prune, &next, &error);
	if (!lf_walk_failed(&prune->walk) && error.code != LF_OK)
		lf_error_move(&prune->walk.error, &error);
	lf_error_clean_up(&error);
	if (next == 0 && newest > prune->seen)
		prune->seen = newest;
	else if (next > prune->seen + 1)
		prune->seen = next - 1;
	*end = next == 0;
	return prune->walk.error.code;
}

static void young_slice(struct lf_walk *walk, bool *end)
{
	see_young((struct prune *)walk, end);
}

/* ---- payloads ---- */

struct found {
	struct prune *prune;
	uint64_t ids[PAYLOADS_A_SLICE];
	uint64_t bytes[PAYLOADS_A_SLICE];
	size_t count, kept;
	uint64_t last;
};

static void look_at_payload(void *context, const struct lf_payload_row *row)
{
	struct found *found = context;
	const struct prune *prune = found->prune;

	LF_CHECK(H10, found->count < PAYLOADS_A_SLICE);
	found->last = row->id;
	if (!lf_payload_set_has(&prune->old, row->id) || row->body.length == 0)
		return;
	if (lf_payload_set_has(&prune->young, row->id)) {
		found->kept++;
		return;
	}
	found->ids[found->count] = row->id;
	found->bytes[found->count++] = row->body.length;
}

/* Empties what was found, but for what a decision refers to by now. */
static enum lf_code empty(struct prune *prune, struct found *found)
{
	bool end = false;

	for (unsigned attempt = 1;; attempt++) {
		while (!end && see_young(prune, &end) == LF_OK && lf_walk_goes_on(&prune->walk))
			;
		for (size_t i = 0; i < found->count && !lf_walk_failed(&prune->walk); i++)
			if (!lf_payload_set_has(&prune->young, found->ids[i])) {
				lf_redaction_add(&prune->walk.redaction,
					&(struct lf_redact_item){.what = LF_REDACT_PAYLOAD, .id = found->ids[i]});
				prune->walk.redaction.payload_bytes += found->bytes[i];
			}
		if (lf_walk_failed(&prune->walk) ||
			lf_redaction_write(&prune->walk.redaction, prune->seen, &prune->walk.error) == LF_OK)
			return prune->walk.error.code;
		if (prune->walk.error.code != LF_FAILED_PRECONDITION || attempt == ATTEMPTS_MAX)
			return prune->walk.error.code;
		lf_error_clean_up(&prune->walk.error);
		lf_error_init(&prune->walk.error);
		end = false;
	}
}

static void payload_slice(struct prune *prune, enum lf_payload_kind kind, bool *end)
{
	struct lf_walk *walk = &prune->walk;
	struct lf_job_counts *counts = &job_of(prune)->counts;
	struct found found = {.prune = prune};
	uint64_t next;

	if (lf_log_list_payloads(log_of(prune), kind, walk->at, PAYLOADS_A_SLICE, look_at_payload, &found, &next,
		    &walk->error) != LF_OK)
		return;
	if (!job_of(prune)->dry_run && found.count > 0 && empty(prune, &found) != LF_OK)
		return;
	for (size_t i = 0; i < found.count; i++) {
		const bool kept = lf_payload_set_has(&prune->young, found.ids[i]);

		found.kept += kept;
		if (!kept && job_of(prune)->dry_run) { /* else the write has counted it */
			counts->payloads++;
			counts->payload_bytes += found.bytes[i];
		}
	}
	counts->kept_payloads += found.kept;
	walk->at = next;
	*end = next == 0;
}

static void team_slice(struct lf_walk *walk, bool *end)
{
	payload_slice((struct prune *)walk, LF_PAYLOAD_TEAM, end);
}

static void project_slice(struct lf_walk *walk, bool *end)
{
	payload_slice((struct prune *)walk, LF_PAYLOAD_PROJECT, end);
}

/* ---- who looked ---- */

static bool empty_access(void *context, ProtobufCMessage *message)
{
	Leadfit__V1__AccessBody *body = (Leadfit__V1__AccessBody *)message;
	const bool changed = !body->pruned;

	(void)context;
	leadfit__v1__access_body__init(body);
	body->pruned = true;
	return changed;
}

static void access_slice(struct lf_walk *walk, bool *end)
{
	const struct prune *prune = (struct prune *)walk;
	struct lf_act_walk looks = {.kind = LF_LEAF_ACCESS,
		.until_us = job_of(prune)->before_us,
		.change = empty_access,
		.after = walk->at};

	*end = job_of(prune)->dry_run;
	if (*end || lf_redaction_add_act_slice(&walk->redaction, &looks, &walk->error) != LF_OK ||
		lf_redaction_write(&walk->redaction, 0, &walk->error) != LF_OK)
		return;
	walk->at = looks.after;
	*end = looks.end;
}

/* ---- the walk ---- */

enum lf_code lf_prune_walk(const struct lf_job_run *run, struct lf_error *error)
{
	static void (*const phases[])(struct lf_walk * walk, bool *end) = {
		old_slice, young_slice, team_slice, project_slice, access_slice};
	struct prune prune = {.seen = 0};

	if (run->job->dry_run)
		run->job->counts = (struct lf_job_counts){.decisions = 0};
	run->job->counts.kept_payloads = 0;
	lf_walk_init(&prune.walk, run);
	lf_walk_phases(&prune.walk, phases, sizeof(phases) / sizeof(phases[0]));
	lf_payload_set_clear(&prune.old);
	lf_payload_set_clear(&prune.young);
	return lf_walk_clean_up(&prune.walk, error);
}
