/* Verifying the log, a slice a call. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "service/audit/audit.h"
#include "service/decide/time.h"
#include "service/audit/redaction_check.h"
#include "service/state/reply.h"
#include "service/state/state.h"
#include "storage/verify/verify.h"

enum { SLICE_MS = 30, FINDINGS_MAX = 100 };

/* What a slice finds, as messages in the call's arena. */
struct slice {
	struct lf_arena *arena;
	Leadfit__V1__Finding **findings;
	size_t count;
	bool out_of_memory;
};

static void take_finding(void *context, const struct lf_verify_finding *found)
{
	struct slice *slice = context;
	Leadfit__V1__Finding *finding;
	char id[LF_UUID_TEXT_BYTES] = "";

	if (slice->count == FINDINGS_MAX || slice->out_of_memory)
		return;
	finding = lf_arena_alloc(slice->arena, sizeof(*finding));
	if (found->has_decision)
		lf_uuid_print(&found->decision, id);
	if (finding != NULL) {
		const char *kind = found->kind != 0 ? lf_leaf_kind_name(found->kind) : "";

		leadfit__v1__finding__init(finding);
		finding->position = found->position;
		finding->decision_id = lf_arena_strdup(slice->arena, id, strlen(id));
		finding->kind = lf_arena_strdup(slice->arena, kind, strlen(kind));
		finding->what = lf_arena_strdup(slice->arena, found->what, strlen(found->what));
	}
	slice->out_of_memory =
		finding == NULL || finding->decision_id == NULL || finding->kind == NULL || finding->what == NULL;
	if (!slice->out_of_memory)
		slice->findings[slice->count++] = finding;
}

/* The erasures and prunings that were noted, as messages in the call's arena. */
static void list_redactions(
	const struct lf_redaction_check *redactions, struct slice *slice, Leadfit__V1__VerifyResponse *response)
{
	const size_t count = lf_redaction_check_count(redactions);
	Leadfit__V1__Redaction *messages = lf_arena_zalloc(slice->arena, count + 1, sizeof(*messages));

	response->redactions = lf_arena_zalloc(slice->arena, count + 1, sizeof(*response->redactions));
	slice->out_of_memory |= messages == NULL || response->redactions == NULL;
	for (size_t i = 0; i < count && !slice->out_of_memory; i++) {
		const struct lf_noted_redaction *noted = lf_redaction_check_at(redactions, i);
		const char *texts[] = {lf_leaf_kind_name(noted->kind), noted->caller, noted->reason};
		char **fields[] = {&messages[i].kind, &messages[i].caller, &messages[i].reason};

		leadfit__v1__redaction__init(&messages[i]);
		messages[i].position = noted->position;
		messages[i].at = lf_timestamp_new(noted->at_us, slice->arena);
		messages[i].decisions = noted->decisions;
		messages[i].payloads = noted->payloads;
		messages[i].acts = noted->acts;
		slice->out_of_memory |= messages[i].at == NULL;
		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
			const char *text = texts[t] == NULL ? "" : texts[t];

			*fields[t] = lf_arena_strdup(slice->arena, text, strlen(text));
			slice->out_of_memory |= *fields[t] == NULL;
		}
		response->redactions[response->n_redactions++] = &messages[i];
	}
	response->redaction_count = redactions->count;
}

static enum lf_code check_request(const Leadfit__V1__VerifyRequest *request, uint64_t size,
	const struct lf_tree_head *head, struct lf_error *error)
{
	if (size > head->size)
		lf_error_add(
			error, "size", "%" PRIu64 " is more than the log has: %" PRIu64 " records", size, head->size);
	if (request->first % LF_VERIFY_ALIGN != 0)
		lf_error_add(error, "first", "%" PRIu64 " is no multiple of %d", request->first, (int)LF_VERIFY_ALIGN);
	else if (request->first > size)
		lf_error_add(error, "first", "%" PRIu64 " is beyond the %" PRIu64 " records to look at", request->first,
			size);
	return lf_error_summarize(error);
}

/*
 * One is kept from call to call, for what it knows of erasures and prunings: these are read once, however many slices
 * there are.
 */
static struct lf_verify *take_verifier(struct lf_audit_service *audit)
{
	struct lf_verify *verify = atomic_exchange(&audit->verifier, NULL);

	return verify != NULL ? verify : lf_verify_new(audit->state->log);
}

/* Without the rows that it has read: an erasure may follow. */
static void give_back(struct lf_audit_service *audit, struct lf_verify *verify)
{
	lf_verify_restart(verify);
	lf_verify_free(atomic_exchange(&audit->verifier, verify));
}

/* The slice; with the root, where it is the last. */
static enum lf_code run(struct lf_verify *verify, const Leadfit__V1__VerifyRequest *request,
	const struct lf_tree_head *head, Leadfit__V1__VerifyResponse *response, struct slice *slice,
	struct lf_digest *root, struct lf_error *error)
{
	const struct lf_verify_totals *totals = lf_verify_totals(verify);
	struct lf_redaction_check redactions;
	bool known;
	enum lf_code code;

	lf_redaction_check_init(&redactions);
	lf_verify_set_judge(verify, lf_redaction_check_row, &redactions);
	code = lf_verify_slice(
		verify, request->first, response->size, SLICE_MS, take_finding, slice, &response->next, error);
	lf_verify_set_judge(verify, NULL, NULL);
	if (code == LF_OK)
		list_redactions(&redactions, slice, response);
	lf_redaction_check_clean_up(&redactions);
	if (code != LF_OK)
		return code;
	if (response->next == 0) {
		if (lf_verify_root(verify, response->size, head, take_finding, slice, root, &known, error) != LF_OK)
			return error->code;
		if (!known)
			memset(root, 0, sizeof(*root)); /* and a finding says why */
		response->root = (ProtobufCBinaryData){sizeof(*root), root->bytes};
	}
	response->records = totals->records;
	response->payload_bytes = totals->bytes;
	response->erased = totals->erased;
	response->pruned = totals->pruned;
	response->findings = slice->findings;
	response->n_findings = slice->count;
	return slice->out_of_memory ? lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for what was found")
				    : LF_OK;
}

/*
 * Notes the time where slice after slice, from the first record to the last, had no finding. Where several verify at once,
 * their slices may take the place of one another: each was looked at all the same.
 */
static void note_success(struct lf_audit_service *audit, uint64_t first, const Leadfit__V1__VerifyResponse *response)
{
	const bool goes_on = first == 0 || first == atomic_load(&audit->found_nothing_to);
	const bool found_nothing = goes_on && response->n_findings == 0;

	if (found_nothing && response->next == 0)
		lf_figures_note_time(&audit->state->figures.verify_at);
	atomic_store(&audit->found_nothing_to, found_nothing && response->next != 0 ? response->next : UINT64_MAX);
}

void lf_audit_verify(Leadfit__V1__Audit_Service *service, const Leadfit__V1__VerifyRequest *request,
	Leadfit__V1__VerifyResponse_Closure closure, void *closure_data)
{
	struct lf_audit_service *audit = LF_CONTAINER_OF(service, struct lf_audit_service, base);
	Leadfit__V1__VerifyResponse response = LEADFIT__V1__VERIFY_RESPONSE__INIT;
	Leadfit__V1__Finding *findings[FINDINGS_MAX];
	struct slice slice = {.arena = lf_rpc_arena(closure_data), .findings = findings};
	struct lf_error error = LF_ERROR_INIT;
	struct lf_verify *verify;
	struct lf_tree_head head;
	struct lf_digest root;

	if (lf_log_head(audit->state->log, &head, &error) != LF_OK)
		goto fail;
	response.size = request->size == 0 ? head.size : request->size;
	if (check_request(request, response.size, &head, &error) != LF_OK)
		goto fail;
	verify = take_verifier(audit);
	if (verify == NULL) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for verifying");
		goto fail;
	}
	run(verify, request, &head, &response, &slice, &root, &error);
	give_back(audit, verify);
	if (error.code != LF_OK)
		goto fail;
	note_success(audit, request->first, &response);
	closure(&response, closure_data);
	return;
fail:
	lf_send_error(closure_data, &error);
}
