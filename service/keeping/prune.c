/*
 * Pruning what is older than the operator keeps. Decisions made before an instant keep their columns, outcome, as_of
 * and versions; who took part, who was recommended, what the numbers were, the idempotency key, and people's names in
 * what was recorded about them go. Then the teams and projects that no younger decision refers to become empty.
 *
 * Which those are is not stored anywhere: a decision refers to its payloads, and nothing leads back. So two sets of
 * payload ids, a bit each, are gathered by going through the decisions once: of old ones while they are pruned, of
 * young ones after that. A payload in the first and not in the second is emptied. The sets live in memory between the
 * steps of one pruning; where they are not those of the cursor (the service was restarted, another pruning ran, the
 * cursor is not the last one that was given out) the work begins anew, which passes quickly over what is pruned
 * already.
 *
 * New decisions may refer to an old payload at any time, as equal teams are stored once. The log refuses to empty a
 * payload to which a decision refers that was not looked at; then that one is looked at, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "service/decide/decision.h"
#include "service/keeping/payload_set.h"
#include "service/decide/time.h"
#include "service/keeping/keeping.h"
#include "service/keeping/redaction.h"
#include "service/state/reply.h"

enum {
	DECISIONS_A_SLICE = 64,
	PAYLOADS_A_SLICE = 64,
	ATTEMPTS_MAX = 10,
	SCRATCH_BYTES_MAX = 64 * 1024 * 1024,
	MONTHS_MIN = 6
};

enum phase { PHASE_OLD, PHASE_YOUNG, PHASE_TEAMS, PHASE_PROJECTS, PHASES };

struct lf_pruner {
	uint64_t token; /* of the pruning that the sets are of */
	/* What it is, and where its last step ended: a step may resume only from exactly there. */
	int64_t before_us;
	bool dry_run;
	unsigned phase;
	uint64_t at;
	struct lf_payload_set old, young;
	uint64_t seen; /* every decision up to this one is in a set */
};

struct prune {
	struct lf_keeping_service *service;
	struct lf_state *state;
	struct lf_rpc_call *call;
	const Leadfit__V1__PruneRequest *request;
	int64_t before_us;
	/* what a cursor says */
	uint64_t token;
	unsigned phase;
	uint64_t at; /* the decision to go on from; the payload to go on after */
	struct lf_pruner *pruner;
	struct lf_redaction redaction;
	struct lf_arena scratch; /* of one decision */
	uint64_t decisions, payloads, payload_bytes, kept_payloads;
	struct lf_error error;
};

static bool failed(const struct prune *prune)
{
	return prune->error.code != LF_OK;
}

static enum lf_code no_memory(struct prune *prune)
{
	return lf_error_set(&prune->error, LF_RESOURCE_EXHAUSTED, "no memory to prune with");
}

/* ---- sets ---- */

void lf_pruner_free(struct lf_pruner *pruner)
{
	if (pruner == NULL)
		return;
	lf_payload_set_clear(&pruner->old);
	lf_payload_set_clear(&pruner->young);
	free(pruner);
}

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
	lf_arena_reset(&prune->scratch);
	answer = lf_answer_read(row, &prune->scratch, &error);
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
	if (!add_both(&old->prune->pruner->old, row)) {
		old->exhausted = true;
		return false;
	}
	old->prune->pruner->seen = row->sequence;
	if (is_pruned(old->prune, row))
		return true;
	old->copies[old->count] = lf_stored_copy(row);
	old->exhausted = old->copies[old->count] == NULL;
	old->count += !old->exhausted;
	return !old->exhausted;
}

static bool without_people(void *context, Leadfit__V1__OutcomeBody *body)
{
	static char nobody[] = "";
	const bool changed = *body->lead != '\0' || *body->overridden_by != '\0' || *body->reason != '\0';

	(void)context;
	body->lead = body->overridden_by = body->reason = nobody;
	return changed;
}

static enum lf_code prune_decision(struct prune *prune, const struct lf_stored *stored)
{
	struct lf_redact_item item = {.what = LF_REDACT_DECISION, .id = stored->sequence, .recommended = ""};
	Leadfit__V1__Answer *answer;

	prune->decisions++;
	if (prune->request->dry_run)
		return LF_OK;
	lf_arena_reset(&prune->scratch);
	answer = lf_answer_read(stored, &prune->scratch, &prune->error);
	if (answer == NULL)
		return prune->error.code;
	if (lf_redaction_add_acts(&prune->redaction, &stored->id, without_people, NULL, &prune->error) != LF_OK ||
		lf_redaction_make_room(&prune->redaction, &prune->error) != LF_OK)
		return prune->error.code;
	item.bytes = lf_answer_redacted(answer, NULL, lf_redaction_arena(&prune->redaction));
	if (item.bytes.data == NULL)
		return no_memory(prune);
	lf_redaction_add(&prune->redaction, &item);
	return LF_OK;
}

static enum lf_code old_slice(struct prune *prune, bool *end)
{
	struct old old = {.prune = prune};
	const struct lf_scan scan = {.since_us = INT64_MIN,
		.until_us = prune->before_us,
		.from_sequence = prune->at,
		.limit = LF_PAGE_MAX,
		.payloads = true};
	uint64_t next;

	if (lf_log_scan(prune->state->log, &scan, keep_old, &old, &next, &prune->error) == LF_OK && old.exhausted)
		no_memory(prune);
	for (size_t i = 0; i < old.count; i++) {
		if (!failed(prune))
			prune_decision(prune, old.copies[i]);
		free(old.copies[i]);
	}
	if (failed(prune) || lf_redaction_write(&prune->redaction, 0, &prune->error) != LF_OK)
		return prune->error.code;
	prune->at = old.stopped_at != 0 ? old.stopped_at : next;
	*end = prune->at == 0;
	return LF_OK;
}

/* ---- young decisions ---- */

static bool keep_young(void *context, const struct lf_stored *row)
{
	struct prune *prune = context;

	if (!add_both(&prune->pruner->young, row)) {
		no_memory(prune);
		return false;
	}
	prune->pruner->seen = row->sequence;
	return true;
}

/*
 * All after the old ones, whatever their time: one may have come since with a time that is before the limit. *end: all
 * that there are now are in the set, and pruner->seen is the newest.
 */
static enum lf_code young_slice(struct prune *prune, bool *end)
{
	const struct lf_scan scan = {.since_us = INT64_MIN,
		.until_us = INT64_MAX,
		.from_sequence = prune->pruner->seen + 1,
		.limit = LF_PAGE_MAX};
	struct lf_error error = LF_ERROR_INIT;
	uint64_t newest, next = 0;

	if (lf_newest_sequence(prune->state->log, &newest, &prune->error) != LF_OK)
		return prune->error.code;
	if (newest > prune->pruner->seen)
		lf_log_scan(prune->state->log, &scan, keep_young, prune, &next, &error);
	if (!failed(prune) && error.code != LF_OK)
		lf_error_move(&prune->error, &error);
	lf_error_clean_up(&error);
	if (next == 0 && newest > prune->pruner->seen)
		prune->pruner->seen = newest;
	else if (next > prune->pruner->seen + 1)
		prune->pruner->seen = next - 1;
	*end = next == 0;
	return prune->error.code;
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
	const struct lf_pruner *pruner = found->prune->pruner;

	LF_CHECK(H10, found->count < PAYLOADS_A_SLICE);
	found->last = row->id;
	if (!lf_payload_set_has(&pruner->old, row->id) || row->body.length == 0)
		return;
	if (lf_payload_set_has(&pruner->young, row->id)) {
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
		while (!end && young_slice(prune, &end) == LF_OK)
			;
		for (size_t i = 0; i < found->count && !failed(prune); i++)
			if (!lf_payload_set_has(&prune->pruner->young, found->ids[i]))
				lf_redaction_add(&prune->redaction,
					&(struct lf_redact_item){.what = LF_REDACT_PAYLOAD, .id = found->ids[i]});
		if (failed(prune) || lf_redaction_write(&prune->redaction, prune->pruner->seen, &prune->error) == LF_OK)
			return prune->error.code;
		if (prune->error.code != LF_FAILED_PRECONDITION || attempt == ATTEMPTS_MAX)
			return prune->error.code;
		lf_error_clean_up(&prune->error);
		lf_error_init(&prune->error);
		end = false;
	}
}

static enum lf_code payload_slice(struct prune *prune, bool project, bool *end)
{
	struct found found = {.prune = prune};
	uint64_t next;

	if (lf_log_list_payloads(prune->state->log, project ? LF_PAYLOAD_PROJECT : LF_PAYLOAD_TEAM, prune->at,
		    PAYLOADS_A_SLICE, look_at_payload, &found, &next, &prune->error) != LF_OK)
		return prune->error.code;
	if (!prune->request->dry_run && found.count > 0 && empty(prune, &found) != LF_OK)
		return prune->error.code;
	for (size_t i = 0; i < found.count; i++) {
		bool kept = lf_payload_set_has(&prune->pruner->young, found.ids[i]);

		prune->kept_payloads += kept;
		prune->payloads += !kept;
		prune->payload_bytes += kept ? 0 : found.bytes[i];
	}
	prune->kept_payloads += found.kept;
	prune->at = next;
	*end = next == 0;
	return LF_OK;
}

/* ---- a step ---- */

/* Takes the sets of this pruning, or begins anew with empty ones. */
static enum lf_code take_sets(struct prune *prune)
{
	struct lf_pruner *pruner = prune->service->pruner;

	LF_CHECK(H3, atomic_load(&prune->state->redacting));
	if (pruner == NULL)
		pruner = prune->service->pruner = calloc(1, sizeof(*pruner));
	if (pruner == NULL)
		return no_memory(prune);
	prune->pruner = pruner;
	if (prune->token != 0 && pruner->token == prune->token && pruner->phase == prune->phase &&
		pruner->at == prune->at && pruner->before_us == prune->before_us &&
		pruner->dry_run == (prune->request->dry_run != 0))
		return LF_OK;
	if (getentropy(&pruner->token, sizeof(pruner->token)) != 0)
		return lf_error_set(&prune->error, LF_UNAVAILABLE, "no random bytes");
	pruner->token |= 1;
	prune->token = pruner->token;
	pruner->before_us = prune->before_us;
	pruner->dry_run = prune->request->dry_run != 0;
	prune->phase = PHASE_OLD;
	prune->at = 0;
	lf_payload_set_clear(&pruner->old);
	lf_payload_set_clear(&pruner->young);
	pruner->seen = 0;
	return LF_OK;
}

/* Sets *over where everything is done. */
static enum lf_code step(struct prune *prune, bool *over)
{
	bool end;

	do {
		end = false;
		switch (prune->phase) {
		case PHASE_OLD:
			old_slice(prune, &end);
			break;
		case PHASE_YOUNG:
			young_slice(prune, &end);
			break;
		case PHASE_TEAMS:
			payload_slice(prune, false, &end);
			break;
		default:
			payload_slice(prune, true, &end);
			break;
		}
		if (failed(prune))
			return prune->error.code;
		if (end) {
			prune->phase++;
			prune->at = 0;
		}
		*over = prune->phase == PHASES;
		prune->pruner->phase = prune->phase;
		prune->pruner->at = prune->at;
	} while (!*over && !lf_redaction_is_step_over(&prune->redaction));
	return LF_OK;
}

/* ---- the call ---- */

/* So many calendar months before, at the same time of day; on the month's last day where it has no such day. */
static time_t months_before(time_t now, int months)
{
	struct tm day, then;
	time_t result;

	gmtime_r(&now, &day);
	then = day;
	then.tm_mon -= months;
	result = timegm(&then);
	if (then.tm_mday != day.tm_mday) {
		then.tm_mday = 0;
		result = timegm(&then);
	}
	return result;
}

static void check_before(struct prune *prune, struct lf_checker *checker)
{
	const time_t now = time(NULL), limit = months_before(now, MONTHS_MIN);
	struct tm day;
	char text[32];

	if (prune->request->before == NULL) {
		lf_check_fail(checker, "before", "is required");
	} else if (!lf_timestamp_read(prune->request->before, &prune->before_us)) {
		lf_check_fail(checker, "before", "is outside the years 1..9999");
	} else if (prune->before_us > ((int64_t)now + 1) * 1000000) {
		lf_check_fail(checker, "before", "is in the future");
	} else if (prune->before_us > (int64_t)limit * 1000000 && !prune->request->allow_under_six_months) {
		gmtime_r(&limit, &day);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &day);
		lf_check_fail(checker, "before",
			"is less than %d months ago (the limit is %s): allow_under_six_months allows that", MONTHS_MIN,
			text);
	}
}

static bool read_cursor(struct prune *prune, const char *text)
{
	char again[64];

	if (sscanf(text, "%16" SCNx64 "-%x-%16" SCNx64, &prune->token, &prune->phase, &prune->at) != 3)
		return false;
	snprintf(again, sizeof(again), "%" PRIx64 "-%x-%" PRIx64, prune->token, prune->phase, prune->at);
	return strcmp(text, again) == 0 && prune->token != 0 && prune->phase < PHASES;
}

static void check_request(struct prune *prune)
{
	struct lf_checker checker = {.error = &prune->error};

	check_before(prune, &checker);
	lf_check_text(&checker, "reason", prune->request->reason, LF_TEXT_BYTES_MAX);
	if (*prune->request->cursor != '\0' && !read_cursor(prune, prune->request->cursor))
		lf_check_fail(&checker, "cursor", "is not one of this service");
	if (checker.found > 0)
		lf_error_summarize(&prune->error);
}

static void reply(struct prune *prune, bool over, Leadfit__V1__PruneResponse_Closure closure)
{
	Leadfit__V1__PruneResponse response;
	char cursor[64] = "";

	leadfit__v1__prune_response__init(&response);
	response.decisions = prune->decisions;
	response.payloads = prune->payloads;
	response.payload_bytes = prune->payload_bytes;
	response.kept_payloads = prune->kept_payloads;
	if (!over)
		snprintf(cursor, sizeof(cursor), "%" PRIx64 "-%x-%" PRIx64, prune->token, prune->phase, prune->at);
	response.cursor = cursor;
	closure(&response, prune->call);
}

void lf_keeping_prune(Leadfit__V1__Keeping_Service *service, const Leadfit__V1__PruneRequest *request,
	Leadfit__V1__PruneResponse_Closure closure, void *closure_data)
{
	struct prune *prune = lf_arena_zalloc(lf_rpc_arena(closure_data), 1, sizeof(*prune));
	struct lf_error error = LF_ERROR_INIT;
	bool over = false;

	if (prune == NULL) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory to prune with");
		lf_send_error(closure_data, &error);
		return;
	}
	lf_error_init(&prune->error);
	prune->service = LF_CONTAINER_OF(service, struct lf_keeping_service, base);
	prune->state = prune->service->state;
	prune->call = closure_data;
	prune->request = request;
	check_request(prune);
	if (!failed(prune) && lf_redaction_begin(prune->state, &prune->error)) {
		prune->redaction.state = prune->state;
		prune->redaction.call = prune->call;
		prune->redaction.kind = LF_LEAF_PRUNING;
		prune->redaction.reason = *request->reason != '\0' ? request->reason : "older than is kept";
		lf_redaction_init(&prune->redaction);
		lf_arena_init(&prune->scratch, SCRATCH_BYTES_MAX);
		if (take_sets(prune) == LF_OK)
			step(prune, &over);
		if (over && !failed(prune)) {
			lf_pruner_free(prune->service->pruner);
			prune->service->pruner = NULL;
		}
		lf_arena_clean_up(&prune->scratch);
		lf_redaction_clean_up(&prune->redaction);
		lf_redaction_end(prune->state);
	}
	lf_error_move(&error, &prune->error); /* which goes with the call */
	if (error.code != LF_OK)
		lf_send_error(closure_data, &error);
	else
		reply(prune, over, closure);
}
