/*
 * Proofs as a service would give them, and proofs that are wrong in one way each: make_proofs FOLDER. A log of 300
 * records, the 260th of which is a decision. Writes there
 *
 *   vkey, other.vkey                the log's verifier key, and another one of the same name
 *   good.tlog-proof                 of the decision; redacted.tlog-proof: record and team were redacted since
 *   bad.PART.WHAT.tlog-proof        refused, naming PART
 *   checkpoint.N                    signed, of the first N records; forked.N: of a log that differs in record 50, same
 *                                   key
 *   Prove.json, Checkpoint.json, Checkpoint.forked.json, Verify.1.json, Verify.2.json, Consistency.N.json (from N
 *   records)
 *                                   answers of the service
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/audit.pb-c.h"
#include "leadfit/v1/record.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "storage/tlog/leaf.h"
#include "storage/tlog/proof.h"

enum { SIZE = 300, DECISION = 260, FORK = 50, PARTS = 4, BYTES = 512 };

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "make_proofs: %s\n", #condition);                                              \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

static const char *folder;

static void write_file(const char *name, const char *text)
{
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	REQUIRE(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void write_json(const char *name, const ProtobufCMessage *message)
{
	const struct lf_json_style style = {.pretty = true};
	struct lf_buffer text = {0};

	lf_json_print(message, &style, &text);
	REQUIRE(!text.failed);
	write_file(name, text.data);
	lf_buffer_clean_up(&text);
}

/* ---- the log ---- */

struct log {
	struct lf_digest leaves[SIZE], block; /* block: the node of the first 256 */
	struct lf_tree trees[SIZE + 1];
};

static bool log_read(void *context, unsigned level, uint64_t first, size_t count, struct lf_digest *hashes)
{
	const struct log *log = context;

	memcpy(hashes, level == 0 ? &log->leaves[first] : &log->block, count * sizeof(*hashes));
	return true;
}

static void fill(struct log *log, const struct lf_digest *decision, bool forked)
{
	for (uint64_t i = 0; i < SIZE; i++) {
		const struct lf_leaf other = {LF_LEAF_ACTIVATION, i, forked && i == FORK ? 1 : 0, NULL, 0};
		struct lf_tree tree = log->trees[i];
		struct lf_node nodes[LF_TREE_NODES_MAX];

		if (i == DECISION)
			log->leaves[i] = *decision;
		else
			lf_leaf_digest(&other, &log->leaves[i]);
		if (lf_tree_add(&tree, &log->leaves[i], nodes) > 0)
			log->block = nodes[0].hash;
		log->trees[i + 1] = tree;
	}
}

static void sign(const struct log *log, uint64_t size, const struct lf_signer *signer, char note[LF_CHECKPOINT_MAX])
{
	struct lf_digest root;

	lf_tree_root(&log->trees[size], &root);
	REQUIRE(lf_checkpoint_sign(size, &root, signer, note));
}

/* ---- the decision ---- */

struct decision {
	struct lf_salt salts[PARTS];
	uint8_t bytes[PARTS][BYTES], leaf_bytes[BYTES];
	size_t lengths[PARTS];
	struct lf_digest commitments[PARTS];
	struct lf_leaf leaf;
};

static void pack(struct decision *decision, size_t part, const ProtobufCMessage *message)
{
	REQUIRE(protobuf_c_message_get_packed_size(message) <= BYTES);
	decision->lengths[part] = protobuf_c_message_pack(message, decision->bytes[part]);
}

#define TEXT(text) ((char[]){text})

static void make_decision(struct decision *decision)
{
	Leadfit__V1__Answer answer;
	Leadfit__V1__DecisionRecord record;
	Leadfit__V1__Team team;
	Leadfit__V1__Project project;
	Leadfit__V1__Rubric rubric;
	uint8_t answer_bytes[BYTES],
		id[16] = {
			0x01, 0x96, 0xf0, 0xa4, 0x8b, 0x6e, 0x7c, 0x3d, 0x9f, 0x21, 0x5d, 0x2f, 0x6f, 0x1f, 0x7a, 0x10};

	leadfit__v1__answer__init(&answer);
	leadfit__v1__decision_record__init(&record);
	leadfit__v1__team__init(&team);
	leadfit__v1__project__init(&project);
	leadfit__v1__rubric__init(&rubric);
	answer.as_of_us = 1777636803000000;
	record.sequence = 77;
	record.id = (ProtobufCBinaryData){sizeof(id), id};
	record.decided_at_us = 1777636803000000; /* 2026-05-01 12:00:03 */
	record.caller = TEXT("local");
	record.team = team.id = TEXT("payments");
	record.project = project.id = TEXT("checkout");
	record.rubric = rubric.name = TEXT("tech-lead");
	record.outcome = (uint32_t)LEADFIT__V1__OUTCOME__RECOMMENDED;
	record.recommended = TEXT("m-1042");
	record.answer.data = answer_bytes;
	record.answer.len = leadfit__v1__answer__pack(&answer, answer_bytes);
	pack(decision, 0, &record.base);
	pack(decision, 1, &team.base);
	pack(decision, 2, &project.base);
	pack(decision, 3, &rubric.base);
	for (uint8_t i = 0; i < PARTS; i++) {
		memset(&decision->salts[i], i + 1, sizeof(decision->salts[i]));
		lf_commit(&decision->salts[i], decision->bytes[i], decision->lengths[i], &decision->commitments[i]);
	}
	decision->leaf = (struct lf_leaf){LF_LEAF_DECISION, 77, 1777636803000000, decision->commitments, PARTS};
}

/* ---- proofs ---- */

/* What a proof is made of; a test changes one thing. */
struct parts {
	struct decision decision;
	struct log log;
	const struct lf_signer *signer;
	Leadfit__V1__Opening openings[PARTS], *pointers[PARTS];
	Leadfit__V1__ProvedRecord record;
	struct lf_proof proof;
	bool no_extra;
};

static void parts_make(struct parts *parts, const struct lf_signer *signer)
{
	static char names[PARTS][8] = {"record", "team", "project", "rubric"};

	memset(parts, 0, sizeof(*parts));
	parts->signer = signer;
	make_decision(&parts->decision);
	leadfit__v1__proved_record__init(&parts->record);
	for (size_t i = 0; i < PARTS; i++) {
		leadfit__v1__opening__init(&parts->openings[i]);
		parts->openings[i].name = names[i];
		parts->openings[i].salt = (ProtobufCBinaryData){sizeof(struct lf_salt), parts->decision.salts[i].bytes};
		parts->openings[i].bytes = (ProtobufCBinaryData){parts->decision.lengths[i], parts->decision.bytes[i]};
		parts->pointers[i] = &parts->openings[i];
	}
	parts->record.openings = parts->pointers;
	parts->record.n_openings = PARTS;
}

/* Writes the leaf and grows the log; the proof is right then. */
static void parts_log(struct parts *parts)
{
	struct lf_digest hash;

	lf_leaf_write(&parts->decision.leaf, parts->decision.leaf_bytes);
	parts->record.leaf = (ProtobufCBinaryData){lf_leaf_size(&parts->decision.leaf), parts->decision.leaf_bytes};
	lf_leaf_digest(&parts->decision.leaf, &hash);
	fill(&parts->log, &hash, false);
	parts->proof.index = DECISION;
	REQUIRE(lf_tree_prove_inclusion(
		DECISION, SIZE, log_read, &parts->log, parts->proof.hashes, &parts->proof.hash_count));
}

static char *parts_print(struct parts *parts)
{
	uint8_t extra[8 * BYTES];
	char note[LF_CHECKPOINT_MAX];
	char *text;

	REQUIRE(leadfit__v1__proved_record__get_packed_size(&parts->record) <= sizeof(extra));
	if (!parts->no_extra) {
		parts->proof.extra = extra;
		parts->proof.extra_length = leadfit__v1__proved_record__pack(&parts->record, extra);
	}
	sign(&parts->log, SIZE, parts->signer, note);
	parts->proof.checkpoint = note;
	parts->proof.checkpoint_length = strlen(note);
	text = lf_proof_print(&parts->proof);
	REQUIRE(text != NULL);
	return text;
}

static void another_index(struct parts *p)
{
	p->proof.index--;
}
static void another_hash(struct parts *p)
{
	p->proof.hashes[2].bytes[5] ^= 1;
}
static void a_hash_less(struct parts *p)
{
	p->proof.hash_count--;
}
static void another_number(struct parts *p)
{
	p->decision.leaf_bytes[9]++;
}
static void no_extra(struct parts *p)
{
	p->no_extra = true;
}
static void a_leaf_cut_off(struct parts *p)
{
	p->record.leaf.len--;
}
static void a_leaf_of_another_kind(struct parts *p)
{
	p->decision.leaf.kind = LF_LEAF_OUTCOME;
}
static void another_team(struct parts *p)
{
	p->decision.bytes[1][3] ^= 1;
}
static void another_answer(struct parts *p)
{
	p->decision.bytes[0][p->decision.lengths[0] - 1] ^= 1;
}
static void another_rubric(struct parts *p)
{
	p->decision.bytes[3][4] ^= 1;
}
static void another_salt(struct parts *p)
{
	p->decision.salts[2].bytes[31] ^= 1;
}
static void a_short_salt(struct parts *p)
{
	p->openings[2].salt.len--;
}
static void a_part_missing(struct parts *p)
{
	p->record.n_openings--;
}
static void another_order(struct parts *p)
{
	p->pointers[1] = &p->openings[2];
	p->pointers[2] = &p->openings[1];
}
static void a_commitment_that_is_not_in_the_leaf(struct parts *p)
{
	p->openings[1].original = (ProtobufCBinaryData){32, p->decision.commitments[2].bytes};
}
/* Committed to as it is, but the leaf is of another time. */
static void another_time(struct parts *p)
{
	p->decision.leaf.time_us++;
}
static void a_team_that_is_none(struct parts *p)
{
	memset(p->decision.bytes[1], 0xff, 4);
	lf_commit(&p->decision.salts[1], p->decision.bytes[1], p->decision.lengths[1], &p->decision.commitments[1]);
}
static void redacted(struct parts *p)
{
	for (size_t i = 0; i < 2; i++) {
		p->openings[i].original = (ProtobufCBinaryData){32, p->decision.commitments[i].bytes};
		p->openings[i].bytes.len = 0;
		p->openings[i].salt.len = 0;
	}
}

/* One thing that is wrong: before the leaf is logged, or after. */
static const struct wrong {
	const char *name;
	void (*before)(struct parts *parts), (*after)(struct parts *parts);
} wrongs[] = {
	{"bad.inclusion.index", NULL, another_index},
	{"bad.inclusion.hash", NULL, another_hash},
	{"bad.inclusion.hash-missing", NULL, a_hash_less},
	{"bad.inclusion.leaf", NULL, another_number},
	{"bad.extra.missing", NULL, no_extra},
	{"bad.leaf.cut", NULL, a_leaf_cut_off},
	{"bad.leaf.kind", a_leaf_of_another_kind, NULL},
	{"bad.team.bytes", NULL, another_team},
	{"bad.record.answer", NULL, another_answer},
	{"bad.rubric.bytes", NULL, another_rubric},
	{"bad.project.salt", NULL, another_salt},
	{"bad.project.short-salt", NULL, a_short_salt},
	{"bad.openings.missing", NULL, a_part_missing},
	{"bad.team.order", NULL, another_order},
	{"bad.team.original", NULL, a_commitment_that_is_not_in_the_leaf},
	{"bad.record.time", another_time, NULL},
	{"bad.team.message", a_team_that_is_none, NULL},
	{"redacted", NULL, redacted},
};

static void write_proofs(const struct lf_signer *signer)
{
	static struct parts parts;
	char name[128];

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		char *text;

		parts_make(&parts, signer);
		if (wrongs[i].before != NULL)
			wrongs[i].before(&parts);
		parts_log(&parts);
		if (wrongs[i].after != NULL)
			wrongs[i].after(&parts);
		text = parts_print(&parts);
		snprintf(name, sizeof(name), "%s.tlog-proof", wrongs[i].name);
		write_file(name, text);
		free(text);
	}
}

/* ---- answers ---- */

static void write_prove(const struct lf_signer *signer, char *vkey)
{
	static struct parts parts;
	Leadfit__V1__ProveResponse reply;

	parts_make(&parts, signer);
	parts_log(&parts);
	leadfit__v1__prove_response__init(&reply);
	reply.proof = parts_print(&parts);
	reply.verifier_key = vkey;
	write_file("good.tlog-proof", reply.proof);
	write_json("Prove.json", &reply.base);
	free(reply.proof);
}

static void write_verify(struct log *log)
{
	Leadfit__V1__VerifyResponse reply;
	struct lf_digest root;

	leadfit__v1__verify_response__init(&reply);
	lf_tree_root(&log->trees[SIZE], &root);
	reply.size = SIZE;
	reply.records = 256;
	reply.payload_bytes = 1500000;
	reply.erased = 2;
	reply.next = 256;
	write_json("Verify.1.json", &reply.base);
	reply.records = SIZE - 256;
	reply.payload_bytes = 250000;
	reply.erased = 0;
	reply.pruned = 1;
	reply.next = 0;
	reply.root = (ProtobufCBinaryData){sizeof(root), root.bytes};
	write_json("Verify.2.json", &reply.base);
}

static void write_states(struct log *log, struct log *forked, const struct lf_signer *signer, char *vkey)
{
	static const uint64_t sizes[] = {0, 100, 256, 299, 300};
	Leadfit__V1__CheckpointResponse reply;
	char note[LF_CHECKPOINT_MAX], name[64];

	leadfit__v1__checkpoint_response__init(&reply);
	reply.verifier_key = vkey;
	reply.checkpoint = note;
	reply.size = SIZE;
	sign(forked, SIZE, signer, note);
	write_json("Checkpoint.forked.json", &reply.base);
	sign(log, SIZE, signer, note);
	write_json("Checkpoint.json", &reply.base);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		Leadfit__V1__ConsistencyResponse proof;
		ProtobufCBinaryData pointers[LF_PROOF_HASHES_MAX];
		struct lf_digest hashes[LF_PROOF_HASHES_MAX];

		sign(log, sizes[i], signer, note);
		snprintf(name, sizeof(name), "checkpoint.%d", (int)sizes[i]);
		write_file(name, note);
		sign(forked, sizes[i], signer, note);
		snprintf(name, sizeof(name), "forked.%d", (int)sizes[i]);
		write_file(name, note);
		leadfit__v1__consistency_response__init(&proof);
		REQUIRE(lf_tree_prove_consistency(sizes[i], SIZE, log_read, log, hashes, &proof.n_hashes));
		for (size_t k = 0; k < proof.n_hashes; k++)
			pointers[k] = (ProtobufCBinaryData){sizeof(hashes[k]), hashes[k].bytes};
		proof.hashes = pointers;
		proof.to_size = SIZE;
		snprintf(name, sizeof(name), "Consistency.%d.json", (int)sizes[i]);
		write_json(name, &proof.base);
	}
}

int main(int argc, char **argv)
{
	static struct log log, forked;
	static struct decision decision;
	struct lf_signer signer, other;
	struct lf_verifier verifier;
	struct lf_digest hash;
	char vkey[LF_KEY_TEXT_MAX], text[LF_KEY_TEXT_MAX + 1];

	REQUIRE(argc == 2 && lf_signer_generate(&signer, "example.com/leadfit") &&
		lf_signer_generate(&other, "example.com/leadfit"));
	folder = argv[1];
	lf_signer_verifier(&other, &verifier);
	lf_verifier_print(&verifier, vkey);
	snprintf(text, sizeof(text), "%s\n", vkey);
	write_file("other.vkey", text);
	lf_signer_verifier(&signer, &verifier);
	lf_verifier_print(&verifier, vkey);
	snprintf(text, sizeof(text), "%s\n", vkey);
	write_file("vkey", text);

	make_decision(&decision);
	lf_leaf_digest(&decision.leaf, &hash);
	fill(&log, &hash, false);
	fill(&forked, &hash, true);
	write_prove(&signer, vkey);
	write_proofs(&signer);
	write_verify(&log);
	write_states(&log, &forked, &signer, vkey);
	return 0;
}
