/* A proof as text: there and back, and everything that is malformed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/tlog/proof.h"
#include "tests/tlog/naive.h"

#define CHECKPOINT "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\xe2\x80\x94 a AAAAAAAA\n"
#define HASH "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ="

static bool parse(const char *text, struct lf_proof *proof)
{
	uint8_t *storage = NULL;
	const bool parsed = lf_proof_parse(text, strlen(text), proof, &storage);

	assert_int_equal(storage != NULL, parsed && proof->extra != NULL);
	free(storage);
	return parsed;
}

/* C2SP tlog-proof's example, with its extra data and signatures (which are shortened there) made whole. */
static void the_published_form_is_read(void **state)
{
	static const char text[] = "c2sp.org/tlog-proof@v1\n"
				   "extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6\n"
				   "index 73894\n"
				   "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
				   "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n"
				   "EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=\n"
				   "RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=\n"
				   "AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=\n"
				   "\n"
				   "example.com/fancylog\n"
				   "109482\n"
				   "sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n"
				   "\n"
				   "\xe2\x80\x94 example.com/fancylog hI2DJwAA\n"
				   "\xe2\x80\x94 witness1.example mJirIkAA\n";
	struct lf_proof proof;
	struct lf_checkpoint checkpoint;
	uint8_t *storage;
	char *again;

	(void)state;

	assert_true(lf_proof_parse(text, strlen(text), &proof, &storage));
	assert_int_equal(proof.extra_length, strlen("age-v1.2.1-darwin-arm64.tar.gz"));
	assert_memory_equal(proof.extra, "age-v1.2.1-darwin-arm64.tar.gz", proof.extra_length);
	assert_int_equal(proof.index, 73894);
	assert_int_equal(proof.hash_count, 5);
	assert_int_equal(proof.hashes[0].bytes[0], 0x81);
	assert_int_equal(proof.hashes[4].bytes[0], 0x00);
	assert_true(lf_checkpoint_parse(proof.checkpoint, proof.checkpoint_length, &checkpoint));
	assert_string_equal(checkpoint.origin, "example.com/fancylog");
	assert_int_equal(checkpoint.size, 109482);
	again = lf_proof_print(&proof);
	assert_string_equal(again, text);
	free(again);
	free(storage);
}

static void proofs_come_back_as_they_were_written(void **state)
{
	uint64_t random = seed_choose();
	static uint8_t extra[3000];

	(void)state;

	for (int round = 0; round < 500; round++) {
		struct lf_proof proof = {
			.extra = extra,
			.extra_length = round % 3 == 0 ? 0 : random_below(&random, sizeof(extra) + 1),
			.index = random_next(&random) >> random_below(&random, 64),
			.hash_count = random_below(&random, LF_PROOF_HASHES_MAX + 1),
			.checkpoint = CHECKPOINT,
			.checkpoint_length = strlen(CHECKPOINT),
		};
		struct lf_proof back;
		uint8_t *storage;
		char *text;

		for (size_t i = 0; i < proof.extra_length; i++)
			extra[i] = (uint8_t)random_next(&random);
		for (size_t i = 0; i < sizeof(proof.hashes); i++)
			proof.hashes[i / 32].bytes[i % 32] = (uint8_t)random_next(&random);
		text = lf_proof_print(&proof);
		assert_non_null(text);
		assert_true(lf_proof_parse(text, strlen(text), &back, &storage));
		assert_int_equal(back.extra_length, proof.extra_length);
		if (proof.extra_length > 0)
			assert_memory_equal(back.extra, extra, proof.extra_length);
		assert_int_equal(back.extra != NULL, proof.extra_length > 0);
		assert_true(back.index == proof.index);
		assert_int_equal(back.hash_count, proof.hash_count);
		assert_memory_equal(back.hashes, proof.hashes, proof.hash_count * sizeof(proof.hashes[0]));
		assert_int_equal(back.checkpoint_length, strlen(CHECKPOINT));
		assert_memory_equal(back.checkpoint, CHECKPOINT, strlen(CHECKPOINT));
		free(storage);
		free(text);
	}
}

#define FIRST "c2sp.org/tlog-proof@v1\n"

static void malformed_proofs_are_refused(void **state)
{
	static const char *const malformed[] = {
		"", FIRST, "c2sp.org/tlog-proof@v2\nindex 0\n\n" CHECKPOINT, " " FIRST "index 0\n\n" CHECKPOINT,
		FIRST "\nindex 0\n\n" CHECKPOINT, FIRST "index 0\n" HASH "\n", /* no end */
		FIRST "index 0\n\n",                                           /* no checkpoint */
		FIRST "index 0\n" HASH, FIRST "index 0", FIRST "index \n\n" CHECKPOINT, FIRST "index 00\n\n" CHECKPOINT,
		FIRST "index 01\n\n" CHECKPOINT, FIRST "index -1\n\n" CHECKPOINT, FIRST "index 1 \n\n" CHECKPOINT,
		FIRST "index  1\n\n" CHECKPOINT, FIRST "index 1\r\n\n" CHECKPOINT,
		FIRST "index 18446744073709551616\n\n" CHECKPOINT, FIRST "Index 0\n\n" CHECKPOINT,
		FIRST HASH "\n\n" CHECKPOINT, FIRST "extra Zg==\n\n" CHECKPOINT, /* no index */
		FIRST "index 0\nextra Zg==\n\n" CHECKPOINT,                      /* the wrong order */
		FIRST "extra Zg==\nextra Zg==\nindex 0\n\n" CHECKPOINT,
		FIRST "extra \nindex 0\n\n" CHECKPOINT, /* none is left out */
		FIRST "extra\nindex 0\n\n" CHECKPOINT, FIRST "extra Zg=\nindex 0\n\n" CHECKPOINT,
		FIRST "extra Zh==\nindex 0\n\n" CHECKPOINT, FIRST "extra Zg==", FIRST "index 0\nindex 0\n\n" CHECKPOINT,
		FIRST "index 0\nZg==\n\n" CHECKPOINT, /* too short */
		FIRST "index 0\n" HASH " \n\n" CHECKPOINT, FIRST "index 0\n" HASH HASH "\n\n" CHECKPOINT,
		FIRST "index 0\n " HASH "\n\n" CHECKPOINT,
		FIRST "index 0\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlR=\n\n" CHECKPOINT,
		FIRST "index 0\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQA\n\n" CHECKPOINT, /* 33 bytes */
	};
	struct lf_proof proof;

	(void)state;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		if (parse(malformed[i], &proof))
			fail_msg("malformed proof %zu is read: %s", i, malformed[i]);
	assert_true(parse(FIRST "index 0\n\n" CHECKPOINT, &proof));
	assert_int_equal(proof.hash_count, 0);
	assert_true(parse(FIRST "index 18446744073709551615\n" HASH "\n\n" CHECKPOINT, &proof));
}

static void a_hash_too_many_for_any_tree_is_refused(void **state)
{
	char text[(LF_PROOF_HASHES_MAX + 2) * sizeof(HASH) + 256];

	(void)state;

	for (int count = LF_PROOF_HASHES_MAX; count <= LF_PROOF_HASHES_MAX + 1; count++) {
		struct lf_proof proof;
		int length = sprintf(text, FIRST "index 1\n");

		for (int i = 0; i < count; i++)
			length += sprintf(text + length, HASH "\n");
		sprintf(text + length, "\n" CHECKPOINT);
		assert_int_equal(parse(text, &proof), count <= LF_PROOF_HASHES_MAX);
	}
}

/* Written, read and checked as an auditor does it; then with each byte of the file changed. */
static void a_whole_proof_holds_and_no_byte_of_it_can_change(void **state)
{
	enum { SIZE = 11, INDEX = 9 };
	struct lf_digest leaves[SIZE], root;
	const struct naive naive = {leaves, false};
	static struct naive_proof path;
	struct lf_signer signer;
	struct lf_verifier verifier;
	char note[LF_CHECKPOINT_MAX];
	struct lf_proof proof;
	char *text;

	(void)state;

	for (uint8_t i = 0; i < SIZE; i++)
		lf_leaf_hash(&i, 1, &leaves[i]);
	root = naive_root(&naive, 0, SIZE);
	naive_inclusion(&naive, INDEX, SIZE, &path);
	assert_true(lf_signer_generate(&signer, "example.com/log"));
	lf_signer_verifier(&signer, &verifier);
	assert_true(lf_checkpoint_sign(SIZE, &root, &signer, note));
	proof = (struct lf_proof){
		.index = INDEX, .hash_count = path.count, .checkpoint = note, .checkpoint_length = strlen(note)};
	memcpy(proof.hashes, path.hashes, sizeof(proof.hashes));
	text = lf_proof_print(&proof);
	assert_non_null(text);
	for (size_t i = 0; i <= strlen(text); i++) { /* the last round changes nothing */
		struct lf_proof read;
		struct lf_checkpoint checkpoint;
		uint8_t *storage;
		const char kept = text[i];
		bool holds;

		text[i] ^= kept == '\0' ? 0 : 1;
		holds = lf_proof_parse(
				text, strlen(note) + (size_t)(strstr(text, "\n\n") - text) + 2, &read, &storage) &&
			lf_checkpoint_open(read.checkpoint, read.checkpoint_length, &verifier, &checkpoint) ==
				LF_NOTE_OK &&
			lf_tree_verify_inclusion(&leaves[INDEX], read.index, checkpoint.size, &checkpoint.root,
				read.hashes, read.hash_count);
		assert_int_equal(holds, kept == '\0');
		text[i] = kept;
		free(storage);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_form_is_read),
		cmocka_unit_test(proofs_come_back_as_they_were_written),
		cmocka_unit_test(malformed_proofs_are_refused),
		cmocka_unit_test(a_hash_too_many_for_any_tree_is_refused),
		cmocka_unit_test(a_whole_proof_holds_and_no_byte_of_it_can_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
