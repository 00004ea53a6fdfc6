/*
 * Checkpoints and proofs, read from what is committed.
 *
 * The log goes on growing between two reads, so each answer is about the head that was read first: hashes of leaves and
 * whole subtrees never change. What a proof opens can change once: erasure replaces bytes, salts and the note of what
 * the leaf has. A proof that caught one half of that is put together again. None leaves that does not check.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/record.pb-c.h"
#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "proto/wire/wire.h"
#include "service/audit/audit.h"
#include "service/rubric/checker.h"
#include "service/seal/checkpoints.h"
#include "service/seal/tree_reader.h"
#include "service/decide/text_list.h"
#include "service/state/reply.h"
#include "service/state/state.h"
#include "storage/tlog/proof.h"

enum {
	OPENINGS = 1 + LF_AUDIT_PAYLOADS_MAX, /* record, team, project, rubric */
	TRIES = 3, /* an erasure takes one commit, and what is erased is not erased again soon */
	REPLY_SPARE =
		8192, /* bytes of a message for what stands around the openings: hashes, checkpoint, key, header */
};

static const char *const opening_names[OPENINGS] = {"record", "team", "project", "rubric"};

static enum lf_code no_key(struct lf_error *error)
{
	return lf_error_set(error, LF_FAILED_PRECONDITION, "this service has no signing key");
}

/* ---- Checkpoint ---- */

static void verifier_key(const struct lf_signer *signer, char text[LF_KEY_TEXT_MAX])
{
	struct lf_verifier verifier;

	lf_signer_verifier(signer, &verifier);
	lf_verifier_print(&verifier, text);
}

static enum lf_code sign(const struct lf_signer *signer, const struct lf_tree_head *head, char note[LF_CHECKPOINT_MAX],
	struct lf_error *error)
{
	if (lf_checkpoint_sign(head->size, &head->root, signer, note))
		return LF_OK;
	return lf_error_set(error, LF_INTERNAL, "signing failed");
}

void lf_audit_checkpoint(Leadfit__V1__Audit_Service *service, const Leadfit__V1__CheckpointRequest *request,
	Leadfit__V1__CheckpointResponse_Closure closure, void *closure_data)
{
	const struct lf_state *state = LF_CONTAINER_OF(service, struct lf_audit_service, base)->state;
	Leadfit__V1__CheckpointResponse response;
	struct lf_error error = LF_ERROR_INIT;
	char note[LF_CHECKPOINT_MAX], key[LF_KEY_TEXT_MAX];
	struct lf_tree_head head;

	leadfit__v1__checkpoint_response__init(&response);
	(void)request;
	if (state->signer == NULL) {
		no_key(&error);
	} else if (lf_checkpoints_head(state->checkpoints, &head, &error) == LF_OK &&
		sign(state->signer, &head, note, &error) == LF_OK) {
		verifier_key(state->signer, key);
		response.checkpoint = note;
		response.verifier_key = key;
		response.size = head.size;
		closure(&response, closure_data);
		return;
	}
	lf_send_error(closure_data, &error);
}

/* ---- Consistency ---- */

static enum lf_code check_sizes(
	const Leadfit__V1__ConsistencyRequest *request, uint64_t to, uint64_t size, struct lf_error *error)
{
	if (to > size)
		lf_error_add(error, "to_size", "%" PRIu64 " is more than the log has: %" PRIu64 " records", to, size);
	if (request->from_size > size)
		lf_error_add(error, "from_size", "%" PRIu64 " is more than the log has: %" PRIu64 " records",
			request->from_size, size);
	else if (request->from_size > to)
		lf_error_add(error, "from_size", "%" PRIu64 " is more than to_size, %" PRIu64, request->from_size, to);
	return lf_error_summarize(error);
}

void lf_audit_consistency(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ConsistencyRequest *request,
	Leadfit__V1__ConsistencyResponse_Closure closure, void *closure_data)
{
	const struct lf_state *state = LF_CONTAINER_OF(service, struct lf_audit_service, base)->state;
	Leadfit__V1__ConsistencyResponse response = LEADFIT__V1__CONSISTENCY_RESPONSE__INIT;
	ProtobufCBinaryData fields[LF_PROOF_HASHES_MAX];
	struct lf_digest hashes[LF_PROOF_HASHES_MAX];
	struct lf_error error = LF_ERROR_INIT;
	struct lf_tree_head head;
	uint64_t to;
	size_t count;

	if (lf_log_head(state->log, &head, &error) != LF_OK)
		goto fail;
	to = request->to_size == 0 ? head.size : request->to_size;
	if (check_sizes(request, to, head.size, &error) != LF_OK ||
		!lf_tree_prove_consistency(request->from_size, to, lf_tree_reader_read,
			&(struct lf_tree_reader){state->log, &error}, hashes, &count))
		goto fail;
	for (size_t i = 0; i < count; i++)
		fields[i] = (ProtobufCBinaryData){sizeof(hashes[i]), hashes[i].bytes};
	response.to_size = to;
	response.hashes = fields;
	response.n_hashes = count;
	closure(&response, closure_data);
	return;
fail:
	lf_send_error(closure_data, &error);
}

/* ---- Prove ---- */

/* What a leaf commits to, as it was read. */
struct opened {
	struct lf_arena *arena;
	bool visited, exhausted, missing;
	char missing_what[128];
	uint64_t number;
	int64_t time_us;
	struct lf_uuid decision;
	struct lf_digest hash; /* of the leaf, as stored */
	size_t count;          /* openings */
	struct lf_digest commitments[OPENINGS];
	Leadfit__V1__Opening openings[OPENINGS];
	Leadfit__V1__Opening *fields[OPENINGS];
	struct lf_salt salt; /* of the record */
	bool redacted[OPENINGS];
	uint64_t payloads[OPENINGS]; /* ids; the record has none */
	struct lf_payload_row *rows[OPENINGS];
};

static void copy_row(void *context, const struct lf_audit_row *row)
{
	struct opened *opened = context;
	uint8_t *record;

	opened->visited = true;
	opened->hash = row->hash;
	opened->missing = row->missing != NULL || row->kind != LF_LEAF_DECISION;
	if (opened->missing) {
		snprintf(opened->missing_what, sizeof(opened->missing_what), "%s",
			row->missing != NULL ? row->missing : "its row");
		return;
	}
	record = lf_arena_alloc(opened->arena, row->record.length);
	if (record == NULL) {
		opened->exhausted = true;
		return;
	}
	if (row->record.length > 0)
		memcpy(record, row->record.data, row->record.length);
	opened->decision = row->decision;
	opened->number = row->number;
	opened->time_us = row->time_us;
	opened->salt = row->salt;
	LF_CHECK(H10, row->payload_count <= LF_AUDIT_PAYLOADS_MAX);
	opened->count = 1 + row->payload_count;
	for (size_t i = 0; i < opened->count; i++) {
		leadfit__v1__opening__init(&opened->openings[i]);
		opened->openings[i].name = lf_unconst(opening_names[i]);
		opened->fields[i] = &opened->openings[i];
		opened->payloads[i] = i > 0 ? row->payloads[i - 1].id : 0;
		opened->redacted[i] = i > 0 ? row->payloads[i - 1].redacted : row->redacted;
		opened->commitments[i] = i > 0 ? row->payloads[i - 1].original : row->original;
	}
	opened->openings[0].bytes = (ProtobufCBinaryData){row->record.length, record};
	opened->openings[0].salt = (ProtobufCBinaryData){sizeof(opened->salt), opened->salt.bytes};
}

/* Works the commitment out from what is opened, or shows the one that the leaf has where that was erased. */
static void commit(struct opened *opened, size_t i)
{
	Leadfit__V1__Opening *opening = &opened->openings[i];
	struct lf_salt salt;

	if (opened->redacted[i]) {
		opening->original = (ProtobufCBinaryData){sizeof(opened->commitments[i]), opened->commitments[i].bytes};
		return;
	}
	memcpy(salt.bytes, opening->salt.data, sizeof(salt));
	lf_commit(&salt, opening->bytes.data, opening->bytes.len, &opened->commitments[i]);
}

/* Reads everything that the leaf at position commits to. */
static enum lf_code open_leaf(struct lf_log *log, uint64_t position, struct opened *opened, struct lf_error *error)
{
	uint64_t next;

	if (lf_log_audit(log, position, 1, copy_row, opened, &next, error) != LF_OK)
		return error->code;
	if (opened->exhausted)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "the proof needs more memory than its budget");
	if (!opened->visited || opened->missing)
		return lf_error_set(error, LF_DATA_LOSS,
			"the decision at position %" PRIu64 " can't be proved: %s is missing", position,
			opened->visited ? opened->missing_what : "its leaf");
	for (size_t i = 1; i < opened->count; i++) {
		struct lf_error lost = LF_ERROR_INIT;
		const enum lf_code code = lf_log_get_payload(log, opened->payloads[i], &opened->rows[i], &lost);

		/* Pruned: there is nothing in its place. */
		if (code != LF_OK && !(code == LF_NOT_FOUND && opened->redacted[i])) {
			lf_error_set(error, code == LF_NOT_FOUND ? LF_DATA_LOSS : code,
				"the decision at position %" PRIu64 ": its %s: %.300s", position, opening_names[i],
				lost.message);
			lf_error_clean_up(&lost);
			return error->code;
		}
		lf_error_clean_up(&lost);
		if (code == LF_OK) {
			opened->openings[i].salt =
				(ProtobufCBinaryData){sizeof(opened->rows[i]->salt), opened->rows[i]->salt.bytes};
			opened->openings[i].bytes = (ProtobufCBinaryData){
				opened->rows[i]->body.length, lf_unconst(opened->rows[i]->body.data)};
		}
	}
	for (size_t i = 0; i < opened->count; i++)
		commit(opened, i);
	return LF_OK;
}

static void close_leaf(struct opened *opened)
{
	for (size_t i = 1; i < OPENINGS; i++)
		free(opened->rows[i]);
	*opened = (struct opened){.arena = opened->arena};
}

enum { LEAF_BYTES_MAX = LF_LEAF_HEADER_BYTES + 32 * OPENINGS };

/* The leaf's bytes, if it hashes to what is stored; else 0. */
static size_t write_leaf(const struct opened *opened, uint8_t bytes[LEAF_BYTES_MAX])
{
	const struct lf_leaf leaf = {
		LF_LEAF_DECISION, opened->number, opened->time_us, opened->commitments, opened->count};
	const size_t length = lf_leaf_size(&leaf);
	struct lf_digest hash;

	lf_leaf_write(&leaf, bytes);
	lf_leaf_hash(bytes, length, &hash);
	return lf_digest_equal(&hash, &opened->hash) ? length : 0;
}

/* Opens the leaf until what was read belongs together. */
static enum lf_code open_whole(struct lf_log *log, uint64_t position, struct opened *opened,
	uint8_t leaf[LEAF_BYTES_MAX], size_t *leaf_length, struct lf_error *error)
{
	for (int tries = 0; tries < TRIES; tries++) {
		close_leaf(opened);
		lf_error_clean_up(error);
		if (open_leaf(log, position, opened, error) == LF_OK && (*leaf_length = write_leaf(opened, leaf)) > 0)
			return LF_OK;
		if (error->code != LF_OK && error->code != LF_DATA_LOSS)
			return error->code;
	}
	if (error->code == LF_OK)
		lf_error_set(error, LF_DATA_LOSS,
			"the decision at position %" PRIu64
			" can't be proved: what is stored of it does not make the leaf in the tree",
			position);
	return error->code;
}

/* The proof's text, released with free(); NULL on error. */
static char *print_proof(const struct lf_state *state, struct lf_proof *proof, const struct opened *opened,
	const struct lf_tree_head *head, const Leadfit__V1__ProvedRecord *record, struct lf_error *error)
{
	size_t packed = protobuf_c_message_get_packed_size(&record->base), length = (packed + 2) / 3 * 4;
	char note[LF_CHECKPOINT_MAX], *text;

	if (length + REPLY_SPARE > LF_MESSAGE_BYTES_MAX) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED,
			"the proof has some %zu bytes, and a message at most %d: of the decision, %zu are its team and "
			"%zu its project",
			length, LF_MESSAGE_BYTES_MAX, opened->openings[1].bytes.len, opened->openings[2].bytes.len);
		return NULL;
	}
	if (sign(state->signer, head, note, error) != LF_OK)
		return NULL;
	proof->extra = lf_wire_pack(&record->base, opened->arena, packed, &proof->extra_length);
	proof->checkpoint = note;
	proof->checkpoint_length = strlen(note);
	text = proof->extra != NULL ? lf_proof_print(proof) : NULL;
	if (text == NULL)
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the proof");
	return text;
}

static char *prove(
	const struct lf_state *state, const struct lf_uuid *id, struct opened *opened, struct lf_error *error)
{
	Leadfit__V1__ProvedRecord record = LEADFIT__V1__PROVED_RECORD__INIT;
	uint8_t leaf[LEAF_BYTES_MAX];
	struct lf_tree_head head;
	struct lf_proof proof = {.index = 0};

	if (lf_log_find_leaf(state->log, id, &proof.index, error) != LF_OK ||
		lf_checkpoints_head(state->checkpoints, &head, error) != LF_OK)
		return NULL;
	if (proof.index >= head.size) {
		lf_error_set(error, LF_DATA_LOSS,
			"the decision is at position %" PRIu64 " of a log of %" PRIu64 " records", proof.index,
			head.size);
		return NULL;
	}
	if (open_whole(state->log, proof.index, opened, leaf, &record.leaf.len, error) != LF_OK ||
		!lf_tree_prove_inclusion(proof.index, head.size, lf_tree_reader_read,
			&(struct lf_tree_reader){state->log, error}, proof.hashes, &proof.hash_count))
		return NULL;
	if (memcmp(&opened->decision, id, sizeof(*id)) != 0) {
		lf_error_set(error, LF_DATA_LOSS,
			"the decision at position %" PRIu64 " can't be proved: the index gives it another id",
			proof.index);
		return NULL;
	}
	if (!lf_tree_verify_inclusion(
		    &opened->hash, proof.index, head.size, &head.root, proof.hashes, proof.hash_count)) {
		lf_error_set(error, LF_DATA_LOSS,
			"the decision at position %" PRIu64
			" can't be proved: the stored hashes do not lead from it to the root of %" PRIu64 " records",
			proof.index, head.size);
		return NULL;
	}
	record.leaf.data = leaf;
	record.openings = opened->fields;
	record.n_openings = opened->count;
	return print_proof(state, &proof, opened, &head, &record, error);
}

void lf_audit_prove(Leadfit__V1__Audit_Service *service, const Leadfit__V1__ProveRequest *request,
	Leadfit__V1__ProveResponse_Closure closure, void *closure_data)
{
	const struct lf_state *state = LF_CONTAINER_OF(service, struct lf_audit_service, base)->state;
	Leadfit__V1__ProveResponse response;
	struct opened opened = {.arena = lf_rpc_arena(closure_data)};
	struct lf_error error = LF_ERROR_INIT;
	char key[LF_KEY_TEXT_MAX], *text = NULL;
	struct lf_uuid id;

	leadfit__v1__prove_response__init(&response);
	if (!lf_uuid_parse(request->decision_id, &id))
		lf_error_add(&error, "decision_id", "\"%.64s\" is not a UUID", request->decision_id);
	else if (state->signer == NULL)
		no_key(&error);
	else
		text = prove(state, &id, &opened, &error);
	if (text != NULL) {
		verifier_key(state->signer, key);
		response.proof = text;
		response.verifier_key = key;
		closure(&response, closure_data);
	} else {
		lf_send_error(closure_data, &error);
	}
	free(text);
	close_leaf(&opened);
}
