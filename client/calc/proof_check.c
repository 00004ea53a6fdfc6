#include "client/calc/proof_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/buffer.h"
#include "proto/wire/wire.h"
#include "storage/tlog/leaf.h"

enum { RECORD, TEAM, PROJECT, RUBRIC, PARTS };

static const char *const part_names[PARTS] = {"record", "team", "project", "rubric"};

/* A proof as it is taken apart. */
struct check {
	struct lf_proof proof;
	struct lf_checkpoint checkpoint;
	struct lf_leaf leaf;
	Leadfit__V1__ProvedRecord *opened;
	Leadfit__V1__ProvedDecision *proved;
	struct lf_arena *arena;
	struct lf_error *error;
};

static void find(const struct check *check, const char *part, const char *what)
{
	lf_error_add(check->error, part, "%s", what);
}

/* Unpacks bytes that a commitment fits, or that came with the proof. NULL, and a finding, where they can't be read. */
static void *unpack(
	const struct check *check, const char *part, const ProtobufCMessageDescriptor *type, ProtobufCBinaryData bytes)
{
	struct lf_error why = LF_ERROR_INIT;
	ProtobufCMessage *message = lf_wire_unpack(type, bytes.data, bytes.len, check->arena, &why);

	if (message == NULL)
		lf_error_add(check->error, part, "can't be read by this version of leadfit: %s", why.message);
	lf_error_clean_up(&why);
	return message;
}

/* What the proof carries beside the hashes. */
static bool open_extra(struct check *check)
{
	const ProtobufCBinaryData extra = {check->proof.extra_length, (uint8_t *)(uintptr_t)check->proof.extra};

	if (check->proof.extra == NULL) {
		find(check, "extra", "is missing: nothing says which record this is about");
		return false;
	}
	check->opened = unpack(check, "extra", &leadfit__v1__proved_record__descriptor, extra);
	if (check->opened == NULL)
		return false;
	if (!lf_leaf_read(check->opened->leaf.data, check->opened->leaf.len, &check->leaf)) {
		find(check, "leaf", "is malformed");
		return false;
	}
	if (check->leaf.kind != LF_LEAF_DECISION) {
		lf_error_add(check->error, "leaf", "is of kind %s: this is no decision",
			lf_leaf_kind_name(check->leaf.kind));
		return false;
	}
	return true;
}

static void check_inclusion(const struct check *check)
{
	struct lf_digest hash;

	lf_leaf_digest(&check->leaf, &hash);
	if (!lf_tree_verify_inclusion(&hash, check->proof.index, check->checkpoint.size, &check->checkpoint.root,
		    check->proof.hashes, check->proof.hash_count))
		lf_error_add(check->error, "inclusion",
			"the leaf is not record %" PRIu64 " of the %" PRIu64 " that the checkpoint signs",
			check->proof.index, check->checkpoint.size);
}

/* Whether the part is what the leaf commits to. *checked: it is, and was not replaced since. */
static void check_opening(const struct check *check, size_t part, bool *checked)
{
	const Leadfit__V1__Opening *opening = check->opened->openings[part];
	const struct lf_digest *expected = &check->leaf.commitments[part];
	struct lf_digest found;

	*checked = false;
	if (strcmp(opening->name, part_names[part]) != 0) {
		lf_error_add(check->error, part_names[part], "is called %s", opening->name);
		return;
	}
	if (opening->original.len > 0) {
		if (opening->original.len != sizeof(found) ||
			memcmp(opening->original.data, expected, sizeof(found)) != 0)
			find(check, part_names[part],
				"the commitment that is said to have been in the leaf is not there");
		return;
	}
	if (opening->salt.len != sizeof(struct lf_salt)) {
		lf_error_add(check->error, part_names[part], "its salt has %zu bytes, not %zu", opening->salt.len,
			sizeof(struct lf_salt));
		return;
	}
	lf_commit((const struct lf_salt *)opening->salt.data, opening->bytes.data, opening->bytes.len, &found);
	*checked = lf_digest_equal(&found, expected);
	if (!*checked)
		find(check, part_names[part], "its bytes are not those that the leaf commits to");
}

static char *print_id(struct lf_arena *arena, ProtobufCBinaryData id)
{
	char text[37];
	size_t length = 0;

	for (size_t i = 0; i < id.len && i < 16; i++)
		length += (size_t)sprintf(
			text + length, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id.data[i]);
	return lf_arena_strdup(arena, text, length);
}

/* What the record says, which the leaf must say too where both do. */
static void take_record(struct check *check)
{
	Leadfit__V1__ProvedDecision *proved = check->proved;
	Leadfit__V1__DecisionRecord *record = unpack(
		check, "record", &leadfit__v1__decision_record__descriptor, check->opened->openings[RECORD]->bytes);
	char *id;

	if (record == NULL)
		return;
	if (record->sequence != check->leaf.number || record->decided_at_us != check->leaf.time_us ||
		record->id.len != 16)
		find(check, "record", "its number, time or id is not that of its leaf");
	proved->record = record;
	proved->outcome = (Leadfit__V1__Outcome)record->outcome;
	proved->recommended = record->recommended;
	id = print_id(check->arena, record->id);
	if (id != NULL)
		proved->decision_id = id;
	proved->answer = unpack(check, "record.answer", &leadfit__v1__answer__descriptor, record->answer);
}

static void take_rubric(struct check *check)
{
	static const size_t digest_text = 65;
	const ProtobufCBinaryData bytes = check->opened->openings[RUBRIC]->bytes;
	Leadfit__V1__RubricRef *ref = lf_arena_alloc(check->arena, sizeof(*ref));
	char *text = lf_arena_alloc(check->arena, digest_text);
	struct lf_digest digest;

	check->proved->rubric = unpack(check, "rubric", &leadfit__v1__rubric__descriptor, bytes);
	if (check->proved->rubric == NULL || ref == NULL || text == NULL)
		return;
	lf_sha256(bytes.data, bytes.len, &digest);
	lf_digest_print(&digest, text);
	leadfit__v1__rubric_ref__init(ref);
	ref->name = check->proved->rubric->name;
	ref->digest = text;
	check->proved->rubric_ref = ref;
}

static void check_openings(struct check *check)
{
	Leadfit__V1__ProvedDecision *proved = check->proved;
	bool checked[PARTS];

	if (check->opened->n_openings != PARTS || check->leaf.commitment_count != PARTS) {
		lf_error_add(check->error, "openings", "%zu are opened of %zu commitments: a decision has %d",
			check->opened->n_openings, check->leaf.commitment_count, (int)PARTS);
		return;
	}
	proved->not_checked = lf_arena_zalloc(check->arena, PARTS, sizeof(*proved->not_checked));
	for (size_t i = 0; i < PARTS; i++) {
		check_opening(check, i, &checked[i]);
		if (!checked[i] && proved->not_checked != NULL)
			proved->not_checked[proved->n_not_checked++] = check->opened->openings[i]->name;
	}
	if (checked[RECORD])
		take_record(check);
	if (checked[TEAM])
		proved->team =
			unpack(check, "team", &leadfit__v1__team__descriptor, check->opened->openings[TEAM]->bytes);
	if (checked[PROJECT])
		proved->project = unpack(
			check, "project", &leadfit__v1__project__descriptor, check->opened->openings[PROJECT]->bytes);
	if (checked[RUBRIC])
		take_rubric(check);
}

/* Position, number and time, which the leaf has. false: no memory. */
static bool begin_proved(struct check *check)
{
	Leadfit__V1__ProvedDecision *proved = lf_arena_alloc(check->arena, sizeof(*proved));
	Google__Protobuf__Timestamp *time = lf_arena_alloc(check->arena, sizeof(*time));
	char *origin = lf_arena_strdup(check->arena, check->checkpoint.origin, strlen(check->checkpoint.origin));
	int64_t micros;

	if (proved == NULL || time == NULL || origin == NULL)
		return false;
	leadfit__v1__proved_decision__init(proved);
	google__protobuf__timestamp__init(time);
	micros = (check->leaf.time_us % 1000000 + 1000000) % 1000000;
	time->nanos = (int32_t)(micros * 1000);
	time->seconds = (check->leaf.time_us - micros) / 1000000;
	proved->origin = origin;
	proved->size = check->checkpoint.size;
	proved->position = check->proof.index;
	proved->sequence = check->leaf.number;
	proved->decided_at = time;
	check->proved = proved;
	return true;
}

static void check_proof(struct check *check, const struct lf_verifier *verifier)
{
	const enum lf_note_result signature = lf_checkpoint_open(
		check->proof.checkpoint, check->proof.checkpoint_length, verifier, &check->checkpoint);

	if (signature != LF_NOTE_OK)
		lf_error_add(check->error, "checkpoint", "%s (key %s+%08" PRIx32 ")", lf_note_result_text(signature),
			verifier->name, verifier->id);
	if (!open_extra(check))
		return;
	if (signature == LF_NOTE_OK)
		check_inclusion(check);
	if (begin_proved(check))
		check_openings(check);
	else
		lf_error_set(check->error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

Leadfit__V1__ProvedDecision *lf_proof_check(const char *text, size_t length, const struct lf_verifier *verifier,
	struct lf_arena *arena, struct lf_error *error)
{
	struct check check = {.arena = arena, .error = error};
	uint8_t *extra;

	if (!lf_proof_parse(text, length, &check.proof, &extra)) {
		find(&check, "proof", "is no proof in the form of C2SP tlog-proof, or is cut off");
		return NULL;
	}
	check_proof(&check, verifier);
	free(extra);
	return error->code == LF_OK ? check.proved : NULL;
}
