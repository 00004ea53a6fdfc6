#include "client/calc/verified.h"

#include <stdlib.h>
#include <string.h>

void lf_verified_init(struct lf_verified *verified, struct lf_arena *arena)
{
	*verified = (struct lf_verified){.arena = arena};
	leadfit__v1__log_verified__init(&verified->report);
}

/* ---- findings ---- */

bool lf_verified_finding(struct lf_verified *verified, const Leadfit__V1__Finding *finding)
{
	Leadfit__V1__Finding *copy;

	verified->report.finding_count++;
	if (verified->report.n_findings == LF_FINDINGS_SHOWN)
		return false;
	copy = lf_arena_alloc(verified->arena, sizeof(*copy));
	if (copy == NULL)
		return true;
	leadfit__v1__finding__init(copy);
	copy->position = finding->position;
	copy->decision_id = lf_arena_strdup(verified->arena, finding->decision_id, strlen(finding->decision_id));
	copy->kind = lf_arena_strdup(verified->arena, finding->kind, strlen(finding->kind));
	copy->what = lf_arena_strdup(verified->arena, finding->what, strlen(finding->what));
	if (copy->decision_id != NULL && copy->kind != NULL && copy->what != NULL)
		verified->findings[verified->report.n_findings++] = copy;
	return true;
}

/* ---- erasures and prunings ---- */

/* A copy that protobuf_c_message_free_unpacked() frees; NULL where memory ran out. */
static Leadfit__V1__Redaction *copy_redaction(const Leadfit__V1__Redaction *redaction)
{
	uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(&redaction->base) + 1);
	Leadfit__V1__Redaction *copy = NULL;

	if (bytes != NULL)
		copy = leadfit__v1__redaction__unpack(NULL, protobuf_c_message_pack(&redaction->base, bytes), bytes);
	free(bytes);
	return copy;
}

static void take_redaction(struct lf_verified *verified, const Leadfit__V1__Redaction *redaction)
{
	Leadfit__V1__Redaction *copy = copy_redaction(redaction);

	if (copy == NULL)
		return;
	if (verified->report.n_redactions == LF_REDACTIONS_SHOWN) {
		leadfit__v1__redaction__free_unpacked(verified->redactions[0], NULL);
		memmove(verified->redactions, verified->redactions + 1,
			--verified->report.n_redactions * sizeof(verified->redactions[0]));
	}
	verified->redactions[verified->report.n_redactions++] = copy;
}

/* ---- slices ---- */

bool lf_verified_slice(struct lf_verified *verified, const Leadfit__V1__VerifyRequest *request,
	const Leadfit__V1__VerifyResponse *slice)
{
	if ((request->size != 0 && slice->size != request->size) ||
		(slice->next != 0 && slice->next <= request->first) ||
		(slice->next == 0 && slice->root.len != sizeof(verified->recomputed.root)))
		return false;
	verified->looked_at += slice->records;
	verified->report.payload_bytes += slice->payload_bytes;
	verified->report.erased += slice->erased;
	verified->report.pruned += slice->pruned;
	for (size_t i = 0; i < slice->n_redactions; i++)
		take_redaction(verified, slice->redactions[i]);
	verified->report.redaction_count += slice->redaction_count;
	if (slice->next == 0) {
		verified->recomputed.size = slice->size;
		memcpy(&verified->recomputed.root, slice->root.data, sizeof(verified->recomputed.root));
	}
	return true;
}

bool lf_verified_has_root(const struct lf_verified *verified)
{
	static const struct lf_digest none;

	return !lf_digest_equal(&verified->recomputed.root, &none);
}

void lf_verified_finish(struct lf_verified *verified)
{
	verified->report.size = verified->recomputed.size;
	verified->report.root =
		(ProtobufCBinaryData){sizeof(verified->recomputed.root), verified->recomputed.root.bytes};
	verified->report.findings = verified->findings;
	verified->report.redactions = verified->redactions;
}

void lf_verified_clean_up(struct lf_verified *verified)
{
	for (size_t i = 0; i < verified->report.n_redactions; i++)
		leadfit__v1__redaction__free_unpacked(verified->redactions[i], NULL);
	verified->report.n_redactions = 0;
}
