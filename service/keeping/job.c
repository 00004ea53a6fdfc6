#include "service/keeping/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "proto/wire/borrow.h"
#include "storage/log/log.h"

enum { SLICE = 100 };

/* ---- records ---- */

void lf_job_body(const struct lf_job *job, Leadfit__V1__JobBody *body)
{
	leadfit__v1__job_body__init(body);
	body->kind = job->kind;
	body->reason = lf_unconst(job->reason);
	body->candidate = lf_unconst(job->candidate);
	body->before_us = job->before_us;
	body->dry_run = job->dry_run;
	body->failure = lf_unconst(job->failure);
	body->longer_words = job->counts.longer_words;
	if (!job->marked)
		return;
	body->mark = (ProtobufCBinaryData){LF_MARK_BYTES, lf_unconst(job->erased.mark)};
	if (job->kind == LEADFIT__V1__JOB_KIND__ERASE)
		body->candidate_hash =
			(ProtobufCBinaryData){sizeof(job->erased.who.bytes), lf_unconst(job->erased.who.bytes)};
}

/* What is known of the job beside the log. */
static enum lf_code mark(struct lf_job *job, struct lf_error *error)
{
	struct lf_erased *erased = &job->erased;

	if (job->marked || job->dry_run)
		return LF_OK;
	if (getrandom(erased->mark, LF_MARK_BYTES, 0) != LF_MARK_BYTES)
		return lf_error_set(error, LF_UNAVAILABLE, "no random bytes for the mark of a job");
	erased->pruning = job->kind == LEADFIT__V1__JOB_KIND__PRUNE;
	erased->before_us = job->before_us;
	if (!erased->pruning)
		erased->who = lf_erased_hash(erased->mark, job->candidate);
	job->marked = true;
	return LF_OK;
}

static enum lf_code put(struct lf_log *log, const struct lf_job *job, const Leadfit__V1__JobBody *body, uint64_t *id,
	struct lf_error *error)
{
	struct lf_act_put act = {.kind = LF_LEAF_JOB, .caller = job->caller};
	uint8_t *bytes = malloc(leadfit__v1__job_body__get_packed_size(body) + 1);
	enum lf_code code;

	if (bytes == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the record of a job");
	act.body.data = bytes;
	act.body.length = leadfit__v1__job_body__pack(body, bytes);
	code = lf_log_put_act(log, &act, error);
	*id = act.id;
	explicit_bzero(bytes, act.body.length);
	free(bytes);
	return code;
}

enum lf_code lf_job_record_start(struct lf_job *job, struct lf_log *log, struct lf_error *error)
{
	Leadfit__V1__JobBody body;

	if (mark(job, error) != LF_OK)
		return error->code;
	lf_job_body(job, &body);
	return put(log, job, &body, &job->id, error);
}

enum lf_code lf_job_record_end(const struct lf_job *job, struct lf_log *log, uint64_t *id, struct lf_error *error)
{
	const struct lf_job_counts *counts = &job->counts;
	Leadfit__V1__JobBody body = LEADFIT__V1__JOB_BODY__INIT;

	body.ends = job->id;
	body.failure = lf_unconst(job->failure);
	body.decisions = counts->decisions;
	body.payloads = counts->payloads;
	body.acts = counts->acts;
	body.payload_bytes = counts->payload_bytes;
	body.kept_payloads = counts->kept_payloads;
	body.longer_words = counts->longer_words;
	body.bytes_before = counts->bytes_before;
	body.bytes_after = counts->bytes_after;
	return put(log, job, &body, id, error);
}

struct reading {
	struct lf_job *job;
	uint64_t id, ends; /* which record it must be */
	bool found, damaged;
};

static void take_start(struct lf_job *job, const struct lf_act_row *row, const Leadfit__V1__JobBody *body)
{
	job->id = row->id;
	job->kind = (Leadfit__V1__JobKind)body->kind;
	job->started_at_us = row->at_us;
	job->before_us = body->before_us;
	job->dry_run = body->dry_run;
	job->counts.longer_words = body->longer_words;
	snprintf(job->caller, sizeof(job->caller), "%s", row->caller);
	snprintf(job->reason, sizeof(job->reason), "%s", body->reason);
	snprintf(job->candidate, sizeof(job->candidate), "%s", body->candidate);
	job->marked = body->mark.len == LF_MARK_BYTES;
	if (!job->marked)
		return;
	memcpy(job->erased.mark, body->mark.data, LF_MARK_BYTES);
	job->erased.at_us = row->at_us;
	job->erased.pruning = job->kind == LEADFIT__V1__JOB_KIND__PRUNE;
	job->erased.before_us = body->before_us;
	if (body->candidate_hash.len == sizeof(job->erased.who.bytes))
		memcpy(job->erased.who.bytes, body->candidate_hash.data, body->candidate_hash.len);
}

static void take_end(struct lf_job *job, const struct lf_act_row *row, const Leadfit__V1__JobBody *body)
{
	job->ended_at_us = row->at_us;
	job->counts = (struct lf_job_counts){
		.decisions = body->decisions,
		.payloads = body->payloads,
		.acts = body->acts,
		.payload_bytes = body->payload_bytes,
		.kept_payloads = body->kept_payloads,
		.longer_words = body->longer_words,
		.bytes_before = body->bytes_before,
		.bytes_after = body->bytes_after,
	};
}

static void take_record(void *context, const struct lf_act_row *row)
{
	struct reading *reading = context;
	Leadfit__V1__JobBody *body;

	if (row->id != reading->id)
		return;
	reading->found = true;
	body = leadfit__v1__job_body__unpack(NULL, row->body.length, row->body.data);
	reading->damaged = body == NULL || body->ends != reading->ends ||
		(body->ends == 0 && body->kind != LEADFIT__V1__JOB_KIND__ERASE &&
			body->kind != LEADFIT__V1__JOB_KIND__PRUNE);
	if (!reading->damaged) {
		(reading->ends == 0 ? take_start : take_end)(reading->job, row, body);
		snprintf(reading->job->failure, sizeof(reading->job->failure), "%s", body->failure);
	}
	leadfit__v1__job_body__free_unpacked(body, NULL);
}

static enum lf_code read_record(
	struct lf_job *job, struct lf_log *log, uint64_t id, uint64_t ends, struct lf_error *error)
{
	struct reading reading = {.job = job, .id = id, .ends = ends};
	uint64_t next;
	const enum lf_code code =
		lf_log_list_acts(log, LF_LEAF_JOB, NULL, id - 1, 1, take_record, &reading, &next, error);

	if (code != LF_OK)
		return code;
	if (!reading.found)
		return lf_error_set(error, LF_NOT_FOUND, "there is no job %llu", (unsigned long long)id);
	if (reading.damaged)
		return lf_error_set(
			error, LF_DATA_LOSS, "the record of job %llu can't be read", (unsigned long long)id);
	return LF_OK;
}

enum lf_code lf_job_read(struct lf_job *job, struct lf_log *log, uint64_t id, uint64_t ended_by, struct lf_error *error)
{
	enum lf_code code;

	memset(job, 0, sizeof(*job));
	code = read_record(job, log, id, 0, error);
	return code != LF_OK || ended_by == 0 ? code : read_record(job, log, ended_by, id, error);
}

struct records {
	void (*visit)(void *context, uint64_t id, uint64_t ends);
	void *context;
	bool damaged;
};

static void visit_record(void *context, const struct lf_act_row *row)
{
	struct records *records = context;
	Leadfit__V1__JobBody *body = leadfit__v1__job_body__unpack(NULL, row->body.length, row->body.data);

	records->damaged |= body == NULL;
	if (body != NULL)
		records->visit(records->context, row->id, body->ends);
	leadfit__v1__job_body__free_unpacked(body, NULL);
}

enum lf_code lf_job_list_records(struct lf_log *log, void (*visit)(void *context, uint64_t id, uint64_t ends),
	void *context, struct lf_error *error)
{
	struct records records = {.visit = visit, .context = context};
	uint64_t next = 0;

	do {
		const enum lf_code code =
			lf_log_list_acts(log, LF_LEAF_JOB, NULL, next, SLICE, visit_record, &records, &next, error);

		if (code != LF_OK)
			return code;
		if (records.damaged)
			return lf_error_set(error, LF_DATA_LOSS, "a record of a job can't be read");
	} while (next != 0);
	return LF_OK;
}

/* ---- counting ---- */

void lf_job_count(struct lf_job_counts *counts, const Leadfit__V1__RedactionBody *body)
{
	counts->decisions += body->decisions;
	counts->payloads += body->payloads;
	counts->acts += body->acts;
	counts->payload_bytes += body->payload_bytes;
}

/* A step that can't be read is not counted: verifying the log finds it. */
static void count_step(void *context, const struct lf_act_row *row)
{
	struct lf_job *job = context;
	Leadfit__V1__RedactionBody *body = leadfit__v1__redaction_body__unpack(NULL, row->body.length, row->body.data);

	if (body != NULL && body->job == job->id && !body->forgets)
		lf_job_count(&job->counts, body);
	leadfit__v1__redaction_body__free_unpacked(body, NULL);
}

enum lf_code lf_job_count_steps(struct lf_job *job, struct lf_log *log, struct lf_error *error)
{
	const enum lf_leaf_kind kind = job->kind == LEADFIT__V1__JOB_KIND__ERASE ? LF_LEAF_ERASURE : LF_LEAF_PRUNING;
	uint64_t next = job->id;

	job->counts = (struct lf_job_counts){.longer_words = job->counts.longer_words};
	do {
		const enum lf_code code = lf_log_list_acts(log, kind, NULL, next, SLICE, count_step, job, &next, error);

		if (code != LF_OK)
			return code;
	} while (next != 0);
	return LF_OK;
}
