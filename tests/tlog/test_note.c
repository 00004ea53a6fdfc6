/* Keys, signed notes and checkpoints: the published examples, and everything that is malformed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/tlog/note.h"

#define DASH "\xe2\x80\x94 "

/* ---- published examples ---- */

/* golang.org/x/mod/sumdb/note, "Example" in its package's documentation. */
static const char go_signer[] = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
static const char go_verifier[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
#define GO_TEXT "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define GO_LINE                                                                                                        \
	DASH "PeterNeumann "                                                                                           \
	     "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define ENOCH_LINE                                                                                                     \
	DASH "EnochRoot "                                                                                              \
	     "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

/* C2SP signed-note, "Example". */
static const char c2sp_verifier[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
#define C2SP_TEXT "This is an example message.\n"
#define C2SP_LINE                                                                                                      \
	DASH "example.com/foo "                                                                                        \
	     "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"

static struct lf_verifier verifier_of(const char *text)
{
	struct lf_verifier verifier;

	assert_true(lf_verifier_parse(text, &verifier));
	return verifier;
}

static enum lf_note_result open_note(const char *note, const char *verifier_text)
{
	const struct lf_verifier verifier = verifier_of(verifier_text);
	size_t length = 0;
	const enum lf_note_result result = lf_note_open(note, strlen(note), &verifier, &length);

	if (result == LF_NOTE_OK)
		assert_int_equal(note[length - 1], '\n');
	return result;
}

static void published_notes_open(void **state)
{
	const struct lf_verifier go = verifier_of(go_verifier), c2sp = verifier_of(c2sp_verifier);
	static const char go_note[] = GO_TEXT "\n" GO_LINE, c2sp_note[] = C2SP_TEXT "\n" C2SP_LINE;
	size_t length = 0;

	(void)state;

	assert_string_equal(go.name, "PeterNeumann");
	assert_int_equal(go.id, 0xc74f20a3);
	assert_int_equal(lf_note_open(go_note, strlen(go_note), &go, &length), LF_NOTE_OK);
	assert_int_equal(length, strlen(GO_TEXT));
	assert_int_equal(lf_note_open(c2sp_note, strlen(c2sp_note), &c2sp, &length), LF_NOTE_OK);
	assert_int_equal(length, strlen(C2SP_TEXT));
	assert_int_equal(open_note(GO_TEXT "\n" GO_LINE ENOCH_LINE, go_verifier), LF_NOTE_OK);
	assert_int_equal(open_note(GO_TEXT "\n" ENOCH_LINE GO_LINE, go_verifier), LF_NOTE_OK);
	assert_int_equal(open_note(GO_TEXT "\n" GO_LINE GO_LINE, go_verifier), LF_NOTE_OK);
	assert_int_equal(open_note(GO_TEXT "\n" ENOCH_LINE, go_verifier), LF_NOTE_NOT_SIGNED);
	assert_int_equal(open_note(c2sp_note, go_verifier), LF_NOTE_NOT_SIGNED);
}

static void published_key_signs_the_published_note(void **state)
{
	struct lf_signer signer;
	struct lf_verifier verifier;
	char note[LF_CHECKPOINT_MAX], text[LF_KEY_TEXT_MAX];

	(void)state;

	assert_true(lf_signer_parse(go_signer, &signer));
	assert_true(lf_note_sign(GO_TEXT, &signer, note, sizeof(note)));
	assert_string_equal(note, GO_TEXT "\n" GO_LINE);
	assert_false(lf_note_sign(GO_TEXT, &signer, note, strlen(GO_TEXT "\n" GO_LINE)));
	lf_signer_print(&signer, text);
	assert_string_equal(text, go_signer);
	lf_signer_verifier(&signer, &verifier);
	lf_verifier_print(&verifier, text);
	assert_string_equal(text, go_verifier);
}

static void any_change_of_a_signed_note_is_refused(void **state)
{
	char note[] = GO_TEXT "\n" GO_LINE;
	const size_t length = strlen(note);
	const struct lf_verifier verifier = verifier_of(go_verifier);
	size_t text_length;

	(void)state;

	for (size_t i = 0; i < length; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			note[i] ^= (char)(1 << bit);
			assert_int_not_equal(lf_note_open(note, length, &verifier, &text_length), LF_NOTE_OK);
			note[i] ^= (char)(1 << bit);
		}
		assert_int_not_equal(lf_note_open(note, i, &verifier, &text_length), LF_NOTE_OK);
	}
	assert_int_equal(lf_note_open(note, length, &verifier, &text_length), LF_NOTE_OK);
}

/* The signature of one of the published notes under the other's text. */
static void a_wrong_signature_by_the_key_outweighs_all_others(void **state)
{
	(void)state;
	assert_int_equal(open_note(C2SP_TEXT "\n" GO_LINE, go_verifier), LF_NOTE_WRONG);
	assert_int_equal(open_note("x\n" GO_TEXT "\n" GO_LINE, go_verifier), LF_NOTE_WRONG);
	assert_int_equal(open_note(C2SP_TEXT "\n" C2SP_LINE GO_LINE, go_verifier), LF_NOTE_WRONG);
	assert_int_equal(open_note(C2SP_TEXT "\n" C2SP_LINE GO_LINE, c2sp_verifier), LF_NOTE_OK);
	/* A right and a wrong one, in both orders; the wrong one is too short. */
	assert_int_equal(open_note(GO_TEXT "\n" GO_LINE DASH "PeterNeumann x08go/AA\n", go_verifier), LF_NOTE_WRONG);
	assert_int_equal(open_note(GO_TEXT "\n" DASH "PeterNeumann x08go/AA\n" GO_LINE, go_verifier), LF_NOTE_WRONG);
	/* The same name with another id is another key. */
	assert_int_equal(open_note(GO_TEXT "\n" DASH "PeterNeumann y08goAAA\n" GO_LINE, go_verifier), LF_NOTE_OK);
}

static void malformed_notes_are_refused(void **state)
{
	static const char *const malformed[] = {
		"",
		"\n",
		"\n\n",
		"\n\n\n",
		GO_TEXT,
		GO_TEXT "\n",
		GO_TEXT "\n\n",
		GO_TEXT GO_LINE,                                             /* no empty line */
		GO_TEXT "\n" GO_LINE "\n",                                   /* a line too many */
		GO_TEXT "\n\n\n" GO_LINE "\n" GO_LINE "x",                   /* the last line does not end */
		GO_TEXT "\n" GO_LINE "PeterNeumann x08go/AA\n",              /* no dash */
		GO_TEXT "\n" GO_LINE "- PeterNeumann x08go/AA\n",            /* a hyphen */
		GO_TEXT "\n" GO_LINE DASH "PeterNeumann\n",                  /* no signature */
		GO_TEXT "\n" GO_LINE DASH "PeterNeumann \n",                 /* an empty one */
		GO_TEXT "\n" GO_LINE DASH "PeterNeumann x08goA==\n",         /* only an id */
		GO_TEXT "\n" GO_LINE DASH " x08go/AA\n",                     /* no name */
		GO_TEXT "\n" GO_LINE DASH "Peter+Neumann x08go/AA\n",        /* '+' */
		GO_TEXT "\n" GO_LINE DASH "Peter\xc2\xa0Neumann x08go/AA\n", /* a space of Unicode */
		GO_TEXT "\n" GO_LINE DASH "PeterNeumann x08goAA\n",          /* no padding */
		GO_TEXT "\n" GO_LINE DASH "PeterNeumann x08g oAAA\n",        /* a space in it */
		GO_TEXT "\n" GO_LINE DASH "PeterNeumann x08goAB=\n",         /* a bit that stands for nothing */
		"a\tb\n\n" GO_LINE,                                          /* control characters */
		"a\r\n\n" GO_LINE,
		"a\xff\n\n" GO_LINE, /* no UTF-8 */
		"a\xc0\x80\n\n" GO_LINE,
		"a\xed\xa0\x80\n\n" GO_LINE,
		"a\xf4\x90\x80\x80\n\n" GO_LINE,
		"a\xe2\x80\n\n" GO_LINE,
	};
	static const char nul[] = "a\0b\n\n" GO_LINE;
	struct lf_verifier verifier;
	size_t length;

	(void)state;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		if (open_note(malformed[i], go_verifier) != LF_NOTE_MALFORMED)
			fail_msg("malformed note %zu: %s", i, malformed[i]);
	}
	/* A NUL ends nothing. */
	verifier = verifier_of(go_verifier);
	assert_int_equal(lf_note_open(nul, sizeof(nul) - 1, &verifier, &length), LF_NOTE_MALFORMED);
	/* DEL and C1 characters, and any others that the specification allows, are text. */
	assert_int_equal(open_note("a\x7f \xc2\x85 \xf0\x9f\x8e\x89\n\n" GO_LINE, go_verifier), LF_NOTE_WRONG);
}

/* ---- keys ---- */

static void a_new_key_signs_and_comes_back_from_its_text(void **state)
{
	struct lf_signer signer, again;
	struct lf_verifier verifier, other;
	char text[LF_KEY_TEXT_MAX + 2], note[LF_CHECKPOINT_MAX], name[LF_KEY_NAME_MAX + 1];
	struct lf_digest root;
	struct lf_checkpoint checkpoint;

	(void)state;

	memset(name, 'n', LF_KEY_NAME_MAX);
	name[LF_KEY_NAME_MAX] = '\0';
	lf_sha256("root", 4, &root);
	assert_true(lf_signer_generate(&signer, name));
	lf_signer_print(&signer, text);
	strcat(text, "\n");
	assert_true(lf_signer_parse(text, &again));
	assert_memory_equal(&signer, &again, sizeof(signer));
	lf_signer_verifier(&signer, &verifier);
	lf_verifier_print(&verifier, text);
	strcat(text, " \n");
	assert_true(lf_verifier_parse(text, &other));
	assert_memory_equal(&verifier, &other, sizeof(other));

	assert_true(lf_checkpoint_sign(UINT64_MAX, &root, &signer, note));
	assert_int_equal(lf_checkpoint_open(note, strlen(note), &verifier, &checkpoint), LF_NOTE_OK);
	assert_true(checkpoint.size == UINT64_MAX);
	assert_true(lf_digest_equal(&checkpoint.root, &root));
	assert_string_equal(checkpoint.origin, name);

	assert_true(lf_signer_generate(&again, name));
	assert_memory_not_equal(signer.seed, again.seed, sizeof(signer.seed));
	lf_signer_verifier(&again, &other);
	assert_int_equal(lf_checkpoint_open(note, strlen(note), &other, &checkpoint), LF_NOTE_NOT_SIGNED);
}

static void malformed_keys_are_refused(void **state)
{
	static const char *const verifiers[] = {
		"",
		"+",
		"++",
		"PeterNeumann",
		"PeterNeumann+c74f20a3",
		"PeterNeumann+c74f20a3+",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another id */
		"PeterNeumanN+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another name */
		"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+0c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3-ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another kind */
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TX", /* another key */
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T=",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
		" PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW x",
		"PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
	};
	static const char *const signers[] = {
		"",
		"PRIVATE+KEY+",
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
		"PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDF0",
		"private+key+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
	};
	struct lf_verifier verifier;
	struct lf_signer signer;
	char long_key[LF_KEY_NAME_MAX + 128];

	(void)state;

	for (size_t i = 0; i < sizeof(verifiers) / sizeof(verifiers[0]); i++)
		if (lf_verifier_parse(verifiers[i], &verifier))
			fail_msg("malformed verifier key is read: %s", verifiers[i]);
	for (size_t i = 0; i < sizeof(signers) / sizeof(signers[0]); i++)
		if (lf_signer_parse(signers[i], &signer))
			fail_msg("malformed signer key is read: %s", signers[i]);
	memset(long_key, 'n', sizeof(long_key));
	strcpy(long_key + LF_KEY_NAME_MAX + 1, "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
	assert_false(lf_verifier_parse(long_key, &verifier));
}

static void names_are_those_of_the_specification(void **state)
{
	static const char *const good[] = {
		"a", "example.com/log42", "leadfit", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x8e\x89", "a-b_c:d"};
	static const char *const bad[] = {"", " ", "a b", "a+b", "a\tb", "a\nb", "a\x01", "\xc2\x85", "\xc2\xa0",
		"\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
		"\xe2\x81\x9f", "\xe3\x80\x80", "\xff", "a\xc3"};
	struct lf_signer signer;
	char name[LF_KEY_NAME_MAX + 2];

	(void)state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(lf_key_name_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(lf_key_name_valid(bad[i]));
		assert_false(lf_signer_generate(&signer, bad[i]));
	}
	memset(name, 'n', sizeof(name));
	name[LF_KEY_NAME_MAX + 1] = '\0';
	assert_false(lf_key_name_valid(name));
	name[LF_KEY_NAME_MAX] = '\0';
	assert_true(lf_key_name_valid(name));
}

/* ---- checkpoints ---- */

#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

static enum lf_note_result open_signed(const char *text, struct lf_checkpoint *checkpoint)
{
	struct lf_signer signer;
	char note[LF_CHECKPOINT_MAX];
	const struct lf_verifier verifier = verifier_of(go_verifier);
	struct lf_checkpoint parsed;
	enum lf_note_result result;

	assert_true(lf_signer_parse(go_signer, &signer));
	assert_true(lf_note_sign(text, &signer, note, sizeof(note)));
	result = lf_checkpoint_open(note, strlen(note), &verifier, checkpoint);
	assert_int_equal(lf_checkpoint_parse(note, strlen(note), &parsed), result != LF_NOTE_MALFORMED);
	return result;
}

static void checkpoints_are_read(void **state)
{
	struct lf_checkpoint checkpoint;
	/* C2SP tlog-checkpoint's example; its key is not published. */
	static const char published[] =
		"example.com/behind-the-sofa\n20852163\n" ROOT "\n\n" DASH "example.com/behind-the-sofa "
		"Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
	static const uint8_t root[4] = {0x0a, 0xc5, 0x18, 0x6a};

	(void)state;

	assert_true(lf_checkpoint_parse(published, strlen(published), &checkpoint));
	assert_string_equal(checkpoint.origin, "example.com/behind-the-sofa");
	assert_int_equal(checkpoint.size, 20852163);
	assert_memory_equal(checkpoint.root.bytes, root, sizeof(root));

	assert_int_equal(open_signed("PeterNeumann\n0\n" ROOT "\n", &checkpoint), LF_NOTE_OK);
	assert_int_equal(checkpoint.size, 0);
	assert_int_equal(
		open_signed("PeterNeumann\n18446744073709551615\n" ROOT "\nan extension\nand another\n", &checkpoint),
		LF_NOTE_OK);
	assert_true(checkpoint.size == UINT64_MAX);
	assert_int_equal(open_signed("Peter Neumann +\n7\n" ROOT "\n", &checkpoint), LF_NOTE_ORIGIN);
	assert_true(checkpoint.size == UINT64_MAX); /* untouched */
}

static void malformed_checkpoints_are_refused(void **state)
{
	static const char *const malformed[] = {
		"PeterNeumann\n", "PeterNeumann\n7\n", "\n7\n" ROOT "\n", "PeterNeumann\n\n7\n" ROOT "\n",
		"PeterNeumann\n07\n" ROOT "\n", "PeterNeumann\n00\n" ROOT "\n", "PeterNeumann\n-7\n" ROOT "\n",
		"PeterNeumann\n+7\n" ROOT "\n", "PeterNeumann\n7 \n" ROOT "\n", "PeterNeumann\n0x7\n" ROOT "\n",
		"PeterNeumann\n18446744073709551616\n" ROOT "\n", "PeterNeumann\n99999999999999999999999\n" ROOT "\n",
		"PeterNeumann\n7\n" ROOT " \n",
		"PeterNeumann\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", /* not canonical */
		"PeterNeumann\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n", /* 31 bytes */
		"PeterNeumann\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2IA\n", /* 33 */
		"PeterNeumann\n7\n" ROOT "\n\n",                                   /* an empty extension */
		"PeterNeumann\n7\n" ROOT "\n\nx\n",
		"12345678901234567890123456789012345678901234567890123456789012345678901234567890"
		"1234567890123456789012345678901234567890123456789\n7\n" ROOT "\n", /* 129 bytes of origin */
	};
	struct lf_checkpoint checkpoint;

	(void)state;

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		if (open_signed(malformed[i], &checkpoint) != LF_NOTE_MALFORMED)
			fail_msg("malformed checkpoint %zu is read: %s", i, malformed[i]);
}

/* Sixteen others with large signatures (they exist: ML-DSA) may sign the same checkpoint. */
static void a_checkpoint_with_sixteen_large_signatures_is_read(void **state)
{
	enum { SIGNATURE = 5000 };
	struct lf_signer signer;
	struct lf_checkpoint checkpoint;
	const struct lf_verifier verifier = verifier_of(go_verifier);
	static uint8_t signature[SIGNATURE];
	static char text[SIGNATURE * 2], note[LF_NOTE_MAX + 2];
	char short_note[LF_CHECKPOINT_MAX];
	size_t length;
	size_t text_length;

	(void)state;

	assert_true(lf_signer_parse(go_signer, &signer));
	assert_true(lf_note_sign("PeterNeumann\n7\n" ROOT "\n", &signer, short_note, sizeof(short_note)));
	length = (size_t)sprintf(note, "%s", short_note);
	memset(signature, 7, sizeof(signature));
	lf_base64_encode(signature, sizeof(signature), text);
	for (int i = 0; i < 16; i++)
		length += (size_t)sprintf(note + length, DASH "witness%d.example %s\n", i, text);
	assert_int_equal(lf_checkpoint_open(note, length, &verifier, &checkpoint), LF_NOTE_OK);
	assert_int_equal(checkpoint.size, 7);
	/* There is an end to it. */
	memset(note, 'x', sizeof(note));
	memcpy(note + LF_NOTE_MAX - strlen(short_note), short_note, strlen(short_note));
	note[LF_NOTE_MAX - strlen(short_note)] = '\n';
	assert_int_equal(lf_note_open(note, LF_NOTE_MAX, &verifier, &text_length), LF_NOTE_WRONG);
	memmove(note + 1, note, LF_NOTE_MAX);
	assert_int_equal(lf_note_open(note, LF_NOTE_MAX + 1, &verifier, &text_length), LF_NOTE_MALFORMED);
}

/* ---- base64 and numbers ---- */

static void base64_is_that_of_rfc_4648(void **state)
{
	/* Section 10. */
	static const char *const vectors[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	static const char *const malformed[] = {"Z", "Zg",
		"Zg=", "Zg===", "====", "=g==", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm-v", "Zm_v",
		"Zm9vYg=\n", "Zm 9", "\xc3\xa9\xc3\xa9"};
	char text[16], data[16];
	uint8_t bytes[256], back[256];
	char long_text[400];
	size_t length;

	(void)state;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const size_t size = strlen(vectors[i][0]);

		assert_int_equal(lf_base64_encode(vectors[i][0], size, text), strlen(vectors[i][1]));
		assert_string_equal(text, vectors[i][1]);
		assert_true(lf_base64_decode(text, strlen(text), data, size, &length));
		assert_int_equal(length, size);
		assert_memory_equal(data, vectors[i][0], size);
		if (size > 0)
			assert_false(lf_base64_decode(text, strlen(text), data, size - 1, &length));
	}
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		if (lf_base64_decode(malformed[i], strlen(malformed[i]), data, sizeof(data), &length))
			fail_msg("malformed base64 is read: %s", malformed[i]);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 151);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		const size_t text_length = lf_base64_encode(bytes, size, long_text);

		assert_true(lf_base64_decode(long_text, text_length, back, size, &length));
		assert_int_equal(length, size);
		assert_memory_equal(back, bytes, size);
	}
}

static void results_have_words(void **state)
{
	(void)state;
	for (int i = LF_NOTE_OK; i <= LF_NOTE_ORIGIN; i++)
		assert_true(strncmp(lf_note_result_text((enum lf_note_result)i), "the checkpoint", 14) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_notes_open),
		cmocka_unit_test(published_key_signs_the_published_note),
		cmocka_unit_test(any_change_of_a_signed_note_is_refused),
		cmocka_unit_test(a_wrong_signature_by_the_key_outweighs_all_others),
		cmocka_unit_test(malformed_notes_are_refused),
		cmocka_unit_test(a_new_key_signs_and_comes_back_from_its_text),
		cmocka_unit_test(malformed_keys_are_refused),
		cmocka_unit_test(names_are_those_of_the_specification),
		cmocka_unit_test(checkpoints_are_read),
		cmocka_unit_test(malformed_checkpoints_are_refused),
		cmocka_unit_test(a_checkpoint_with_sixteen_large_signatures_is_read),
		cmocka_unit_test(base64_is_that_of_rfc_4648),
		cmocka_unit_test(results_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
