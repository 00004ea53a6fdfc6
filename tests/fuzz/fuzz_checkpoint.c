/*
 * Signed notes, checkpoints and keys from strangers. The first byte says which: a note, or a key as text. A checkpoint
 * that is read says what stands in its first three lines and is no malformed note; a key that is read prints as the
 * same text.
 */
#include <inttypes.h>
#include <string.h>

#include "storage/tlog/note.h"
#include "tests/fuzz/fuzz.h"

/* Of the documentation of golang.org/x/mod/sumdb/note, whose example is in the corpus. */
static const char key[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

static void check_note(const char *note, size_t length)
{
	struct lf_verifier verifier;
	struct lf_checkpoint checkpoint, opened;
	size_t text_length = 0;
	enum lf_note_result as_note, as_checkpoint;
	bool parsed;
	char text[LF_CHECKPOINT_MAX], root[64];
	int text_size;

	REQUIRE(lf_verifier_parse(key, &verifier));
	as_note = lf_note_open(note, length, &verifier, &text_length);
	parsed = lf_checkpoint_parse(note, length, &checkpoint);
	as_checkpoint = lf_checkpoint_open(note, length, &verifier, &opened);
	REQUIRE(as_note != LF_NOTE_ORIGIN);
	if (as_note == LF_NOTE_OK)
		REQUIRE(text_length > 0 && text_length < length && note[text_length - 1] == '\n' &&
			note[text_length] == '\n');
	REQUIRE(parsed == (as_checkpoint != LF_NOTE_MALFORMED));
	if (!parsed)
		return;
	REQUIRE(as_checkpoint == as_note || (as_note == LF_NOTE_OK && as_checkpoint == LF_NOTE_ORIGIN));
	lf_base64_encode(&checkpoint.root, sizeof(checkpoint.root), root);
	text_size = snprintf(text, sizeof(text), "%s\n%" PRIu64 "\n%s\n", checkpoint.origin, checkpoint.size, root);
	REQUIRE((size_t)text_size < length && memcmp(text, note, (size_t)text_size) == 0);
	if (as_checkpoint == LF_NOTE_OK)
		REQUIRE(checkpoint.size == opened.size && lf_digest_equal(&checkpoint.root, &opened.root) &&
			strcmp(checkpoint.origin, opened.origin) == 0);
}

/* All but spaces at the end comes back. */
static void check_same(const char *text, const char *printed)
{
	REQUIRE(strncmp(text, printed, strlen(printed)) == 0);
	REQUIRE(text[strlen(printed) + strspn(text + strlen(printed), " \r\n")] == '\0');
}

static void check_key(const char *text)
{
	struct lf_signer signer;
	struct lf_verifier verifier;
	char printed[LF_KEY_TEXT_MAX];

	if (lf_verifier_parse(text, &verifier)) {
		lf_verifier_print(&verifier, printed);
		check_same(text, printed);
		REQUIRE(lf_key_name_valid(verifier.name));
	}
	if (lf_signer_parse(text, &signer)) {
		char note[LF_CHECKPOINT_MAX];
		struct lf_checkpoint checkpoint;
		struct lf_digest root;

		lf_signer_print(&signer, printed);
		check_same(text, printed);
		root = (struct lf_digest){{1}};
		REQUIRE(lf_checkpoint_sign(UINT64_MAX, &root, &signer, note));
		lf_signer_verifier(&signer, &verifier);
		REQUIRE(lf_checkpoint_open(note, strlen(note), &verifier, &checkpoint) == LF_NOTE_OK);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	REQUIRE(text != NULL);
	if (size > 0) {
		memcpy(text, data + 1, size - 1); /* a block of its own, so that a byte too far is found */
		text[size - 1] = '\0';
		if ((data[0] & 1) == 0)
			check_note(text, size - 1);
		else
			check_key(text);
	}
	free(text);
	return 0;
}
