#include "storage/tlog/note.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "proto/base/check.h"

enum {
	ALGORITHM = 1, /* Ed25519, as signature types are numbered */
	KEY_BYTES = 32,
	KEY_BASE64 = 44, /* of algorithm and key */
	SIGNATURE_BYTES = 64,
	SIGNATURE_BASE64 = 92, /* of id and signature */
};

#define DASH "\xe2\x80\x94 " /* an em dash and a space begin a signature line */

static_assert(LF_KEY_TEXT_MAX > sizeof("PRIVATE+KEY+") + LF_KEY_NAME_MAX + sizeof("+12345678+") + KEY_BASE64,
	"a key as text fits");
static_assert(LF_CHECKPOINT_MAX > 2 * LF_KEY_NAME_MAX + sizeof("\n18446744073709551615\n") + KEY_BASE64 +
			sizeof("\n\n" DASH " \n") + SIGNATURE_BASE64,
	"a checkpoint fits");

/* ---- text ---- */

/* The character that begins at text, and its bytes; 0 bytes where it is not valid UTF-8. length > 0. */
static size_t read_character(const char *text, size_t length, uint32_t *character)
{
	const uint8_t first = (uint8_t)text[0];
	const size_t bytes = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || bytes > length)
		return 0;
	*character = bytes == 1 ? first : first & (0x7fU >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | ((uint8_t)text[i] & 0x3f);
	}
	if (*character < least[bytes] || *character > 0x10ffff || (*character >= 0xd800 && *character <= 0xdfff))
		return 0;
	return bytes;
}

/* White_Space of Unicode. */
static bool is_space(uint32_t c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
		(c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_name(const char *name, size_t length)
{
	uint32_t c;
	size_t bytes;

	for (size_t i = 0; i < length; i += bytes) {
		bytes = read_character(name + i, length - i, &c);
		if (bytes == 0 || c < 0x20 || c == '+' || is_space(c))
			return false;
	}
	return length > 0;
}

bool lf_key_name_valid(const char *name)
{
	const size_t length = strlen(name);

	return length <= LF_KEY_NAME_MAX && is_name(name, length);
}

/* ---- keys ---- */

static uint32_t key_id(const char *name, const uint8_t public_key[KEY_BYTES])
{
	uint8_t tail[2 + KEY_BYTES] = {'\n', ALGORITHM};
	struct lf_digest digest;

	memcpy(tail + 2, public_key, KEY_BYTES);
	lf_sha256_two(name, strlen(name), tail, sizeof(tail), &digest);
	return (uint32_t)digest.bytes[0] << 24 | (uint32_t)digest.bytes[1] << 16 | (uint32_t)digest.bytes[2] << 8 |
		digest.bytes[3];
}

static bool derive_public_key(const uint8_t seed[KEY_BYTES], uint8_t public_key[KEY_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_BYTES);
	size_t length = KEY_BYTES;
	const bool derived =
		key != NULL && EVP_PKEY_get_raw_public_key(key, public_key, &length) == 1 && length == KEY_BYTES;

	EVP_PKEY_free(key);
	return derived;
}

bool lf_signer_generate(struct lf_signer *signer, const char *name)
{
	*signer = (struct lf_signer){.id = 0};
	if (!lf_key_name_valid(name) || RAND_priv_bytes(signer->seed, KEY_BYTES) != 1 ||
		!derive_public_key(signer->seed, signer->public_key))
		return false;
	memcpy(signer->name, name, strlen(name) + 1);
	signer->id = key_id(name, signer->public_key);
	return true;
}

/* <prefix><name>+<id>+<base64 of algorithm and key> */
static void print_key(
	const char *prefix, const char *name, uint32_t id, const uint8_t key[KEY_BYTES], char text[LF_KEY_TEXT_MAX])
{
	uint8_t bytes[1 + KEY_BYTES] = {ALGORITHM};
	const int length = snprintf(text, LF_KEY_TEXT_MAX, "%s%s+%08" PRIx32 "+", prefix, name, id);

	LF_CHECK(T5, length > 0 && length + KEY_BASE64 < LF_KEY_TEXT_MAX);
	memcpy(bytes + 1, key, KEY_BYTES);
	lf_base64_encode(bytes, sizeof(bytes), text + length);
	OPENSSL_cleanse(bytes, sizeof(bytes));
}

static bool read_id(const char *text, uint32_t *id)
{
	*id = 0;
	for (size_t i = 0; i < 8; i++) {
		const char c = text[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		*id = *id << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

/* Reads what print_key() writes, behind the prefix. */
static bool parse_key(const char *text, char name[LF_KEY_NAME_MAX + 1], uint32_t *id, uint8_t key[KEY_BYTES])
{
	const size_t name_length = strcspn(text, "+");
	const char *rest = text + name_length;
	size_t length = strlen(text), key_length;
	uint8_t bytes[1 + KEY_BYTES];
	bool read;

	while (length > 0 && strchr(" \r\n", text[length - 1]) != NULL)
		length--;
	if (name_length > LF_KEY_NAME_MAX || !is_name(text, name_length) || length != name_length + 10 + KEY_BASE64 ||
		rest[9] != '+' || !read_id(rest + 1, id))
		return false;
	read = lf_base64_decode(rest + 10, KEY_BASE64, bytes, sizeof(bytes), &key_length) &&
		key_length == sizeof(bytes) && bytes[0] == ALGORITHM;
	memcpy(name, text, name_length);
	name[name_length] = '\0';
	if (read)
		memcpy(key, bytes + 1, KEY_BYTES);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return read;
}

#define PRIVATE "PRIVATE+KEY+"

void lf_signer_print(const struct lf_signer *signer, char text[LF_KEY_TEXT_MAX])
{
	print_key(PRIVATE, signer->name, signer->id, signer->seed, text);
}

bool lf_signer_parse(const char *text, struct lf_signer *signer)
{
	*signer = (struct lf_signer){.id = 0};
	return strncmp(text, PRIVATE, strlen(PRIVATE)) == 0 &&
		parse_key(text + strlen(PRIVATE), signer->name, &signer->id, signer->seed) &&
		derive_public_key(signer->seed, signer->public_key) &&
		signer->id == key_id(signer->name, signer->public_key);
}

void lf_signer_verifier(const struct lf_signer *signer, struct lf_verifier *verifier)
{
	*verifier = (struct lf_verifier){.id = signer->id};
	memcpy(verifier->name, signer->name, sizeof(verifier->name));
	memcpy(verifier->public_key, signer->public_key, KEY_BYTES);
}

void lf_verifier_print(const struct lf_verifier *verifier, char text[LF_KEY_TEXT_MAX])
{
	print_key("", verifier->name, verifier->id, verifier->public_key, text);
}

bool lf_verifier_parse(const char *text, struct lf_verifier *verifier)
{
	*verifier = (struct lf_verifier){.id = 0};
	return parse_key(text, verifier->name, &verifier->id, verifier->public_key) &&
		verifier->id == key_id(verifier->name, verifier->public_key);
}

/* ---- signing ---- */

static bool sign(const struct lf_signer *signer, const char *text, size_t length, uint8_t signature[SIGNATURE_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, signer->seed, KEY_BYTES);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t written = SIGNATURE_BYTES;
	const bool done = key != NULL && context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
		EVP_DigestSign(context, signature, &written, (const uint8_t *)text, length) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return done && written == SIGNATURE_BYTES;
}

static bool is_signed(
	const struct lf_verifier *verifier, const char *text, size_t length, const uint8_t signature[SIGNATURE_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, verifier->public_key, KEY_BYTES);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const bool is = key != NULL && context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
		EVP_DigestVerify(context, signature, SIGNATURE_BYTES, (const uint8_t *)text, length) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return is;
}

bool lf_note_sign(const char *text, const struct lf_signer *signer, char *note, size_t size)
{
	uint8_t line[4 + SIGNATURE_BYTES];
	char line_text[SIGNATURE_BASE64 + 1];
	int length;

	LF_CHECK(T6, text[0] != '\0' && text[strlen(text) - 1] == '\n' && lf_key_name_valid(signer->name));
	for (unsigned i = 0; i < 4; i++)
		line[i] = (uint8_t)(signer->id >> (24 - 8 * i));
	if (!sign(signer, text, strlen(text), line + 4))
		return false;
	lf_base64_encode(line, sizeof(line), line_text);
	length = snprintf(note, size, "%s\n" DASH "%s %s\n", text, signer->name, line_text);
	return length > 0 && (size_t)length < size;
}

bool lf_checkpoint_sign(
	uint64_t size, const struct lf_digest *root, const struct lf_signer *signer, char note[LF_CHECKPOINT_MAX])
{
	char root_text[KEY_BASE64 + 1], text[LF_CHECKPOINT_MAX];

	lf_base64_encode(root, sizeof(*root), root_text);
	snprintf(text, sizeof(text), "%s\n%" PRIu64 "\n%s\n", signer->name, size, root_text);
	return lf_note_sign(text, signer, note, LF_CHECKPOINT_MAX);
}

/* ---- reading a note ---- */

struct note {
	const char *text; /* with its last line end */
	size_t text_length;
	const char *signatures, *end; /* what is not read yet */
};

static bool is_note_text(const char *text, size_t length)
{
	uint32_t c;
	size_t bytes;

	for (size_t i = 0; i < length; i += bytes) {
		bytes = read_character(text + i, length - i, &c);
		if (bytes == 0 || (c < 0x20 && c != '\n'))
			return false;
	}
	return true;
}

/* The signatures begin behind the last empty line. */
static bool split_note(const char *text, size_t length, struct note *note)
{
	if (length < 3 || length > LF_NOTE_MAX || text[length - 1] != '\n' || !is_note_text(text, length))
		return false;
	for (size_t i = length - 1; i >= 2; i--) {
		if (text[i - 2] != '\n' || text[i - 1] != '\n')
			continue;
		*note = (struct note){text, i - 1, text + i, text + length};
		return true;
	}
	return false;
}

struct signature {
	const char *name;
	size_t name_length;
	uint8_t bytes[4 + SIGNATURE_BYTES]; /* as much as an Ed25519 signature has */
	size_t length;
};

/* Takes one line. false: malformed. */
static bool read_signature(struct note *note, struct signature *signature)
{
	const char *line = note->signatures;
	const char *line_end = memchr(line, '\n', (size_t)(note->end - line));
	const char *space;

	LF_CHECK(T7, line < note->end && line_end != NULL);
	note->signatures = line_end + 1;
	if ((size_t)(line_end - line) < strlen(DASH) || memcmp(line, DASH, strlen(DASH)) != 0)
		return false;
	signature->name = line + strlen(DASH);
	space = memchr(signature->name, ' ', (size_t)(line_end - signature->name));
	if (space == NULL)
		return false;
	signature->name_length = (size_t)(space - signature->name);
	return is_name(signature->name, signature->name_length) &&
		lf_base64_decode_some(space + 1, (size_t)(line_end - space - 1), signature->bytes,
			sizeof(signature->bytes), &signature->length) &&
		signature->length > 4;
}

static bool is_by(const struct signature *signature, const struct lf_verifier *verifier)
{
	const uint8_t *id = signature->bytes;

	return signature->name_length == strlen(verifier->name) &&
		memcmp(signature->name, verifier->name, signature->name_length) == 0 &&
		((uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]) == verifier->id;
}

/* Looks at every signature; verifier NULL: for their form only. */
static enum lf_note_result check_signatures(struct note *note, const struct lf_verifier *verifier)
{
	enum lf_note_result result = LF_NOTE_NOT_SIGNED;
	struct signature signature;

	while (note->signatures < note->end) {
		if (!read_signature(note, &signature))
			return LF_NOTE_MALFORMED;
		if (verifier == NULL || result == LF_NOTE_WRONG || !is_by(&signature, verifier))
			continue;
		result = signature.length == sizeof(signature.bytes) &&
				is_signed(verifier, note->text, note->text_length, signature.bytes + 4)
			? LF_NOTE_OK
			: LF_NOTE_WRONG;
	}
	return result;
}

enum lf_note_result lf_note_open(
	const char *text, size_t length, const struct lf_verifier *verifier, size_t *text_length)
{
	struct note note;
	enum lf_note_result result;

	if (!split_note(text, length, &note))
		return LF_NOTE_MALFORMED;
	result = check_signatures(&note, verifier);
	if (result == LF_NOTE_OK)
		*text_length = note.text_length;
	return result;
}

/* ---- reading a checkpoint ---- */

/* The next line, without its end. false: there is none, or it is empty. */
static bool next_line(const char **at, const char *end, const char **line, size_t *length)
{
	const char *line_end = memchr(*at, '\n', (size_t)(end - *at));

	if (line_end == NULL || line_end == *at)
		return false;
	*line = *at;
	*length = (size_t)(line_end - *at);
	*at = line_end + 1;
	return true;
}

static bool read_checkpoint(const struct note *note, struct lf_checkpoint *checkpoint)
{
	const char *at = note->text, *end = note->text + note->text_length, *line;
	size_t length, root_length;

	*checkpoint = (struct lf_checkpoint){.size = 0};
	if (!next_line(&at, end, &line, &length) || length > LF_KEY_NAME_MAX)
		return false;
	memcpy(checkpoint->origin, line, length);
	if (!next_line(&at, end, &line, &length) || !lf_decimal_read(line, length, &checkpoint->size) ||
		!next_line(&at, end, &line, &length) ||
		!lf_base64_decode(line, length, &checkpoint->root, sizeof(checkpoint->root), &root_length) ||
		root_length != sizeof(checkpoint->root))
		return false;
	while (at < end) /* extensions */
		if (!next_line(&at, end, &line, &length))
			return false;
	return true;
}

enum lf_note_result lf_checkpoint_open(
	const char *text, size_t length, const struct lf_verifier *verifier, struct lf_checkpoint *checkpoint)
{
	struct lf_checkpoint read;
	struct note note;
	enum lf_note_result result;

	if (!split_note(text, length, &note) || !read_checkpoint(&note, &read))
		return LF_NOTE_MALFORMED;
	result = check_signatures(&note, verifier);
	if (result != LF_NOTE_OK)
		return result;
	if (strcmp(read.origin, verifier->name) != 0)
		return LF_NOTE_ORIGIN;
	*checkpoint = read;
	return LF_NOTE_OK;
}

bool lf_checkpoint_parse(const char *text, size_t length, struct lf_checkpoint *checkpoint)
{
	struct note note;

	return split_note(text, length, &note) && read_checkpoint(&note, checkpoint) &&
		check_signatures(&note, NULL) != LF_NOTE_MALFORMED;
}

const char *lf_note_result_text(enum lf_note_result result)
{
	switch (result) {
	case LF_NOTE_OK:
		return "the checkpoint is signed by this key";
	case LF_NOTE_MALFORMED:
		return "the checkpoint is malformed";
	case LF_NOTE_NOT_SIGNED:
		return "the checkpoint has no signature by this key";
	case LF_NOTE_WRONG:
		return "the checkpoint's signature by this key does not fit it: it was altered";
	case LF_NOTE_ORIGIN:
		return "the checkpoint is signed by this key, but is of a log of another name";
	}
	return "the checkpoint can't be read";
}
