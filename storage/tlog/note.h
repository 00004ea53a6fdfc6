/*
 * Signed notes and checkpoints as other people's tools read them: C2SP signed-note and tlog-checkpoint, with Ed25519
 * keys in the text forms of that specification (https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint).
 */
#ifndef LF_TLOG_NOTE_H
#define LF_TLOG_NOTE_H

#include "storage/tlog/hash.h"
#include "storage/tlog/text.h"

enum {
	LF_KEY_NAME_MAX = 128,    /* bytes of a key's name, the origin of its checkpoints */
	LF_KEY_TEXT_MAX = 256,    /* of a key as text, with NUL */
	LF_CHECKPOINT_MAX = 1024, /* bytes of a checkpoint that is written here, with NUL */
	/*
	 * Of one that is read. Others may have signed it too: sixteen signatures of 5 kB must be taken, so this is no
	 * size for a stack.
	 */
	LF_NOTE_MAX = 128 * 1024,
};

/* name: 1..LF_KEY_NAME_MAX bytes of valid UTF-8 without '+', any Unicode space, or a character below U+0020. */
bool lf_key_name_valid(const char *name);

struct lf_signer {
	char name[LF_KEY_NAME_MAX + 1];
	uint32_t id; /* first 4 bytes of SHA-256(name || "\n" || 0x01 || public key) */
	uint8_t seed[32];
	uint8_t public_key[32];
};
struct lf_verifier {
	char name[LF_KEY_NAME_MAX + 1];
	uint32_t id;
	uint8_t public_key[32];
};

/* A fresh key. false where there are no random bytes, or the name is not valid. */
bool lf_signer_generate(struct lf_signer *signer, const char *name);
/* "PRIVATE+KEY+<name>+<id>+<base64 of 0x01 || seed>", as golang.org/x/mod/sumdb/note has it. */
void lf_signer_print(const struct lf_signer *signer, char text[LF_KEY_TEXT_MAX]);
/*
 * Reads a key; spaces and line ends behind it are allowed. false where it is malformed, of another kind than Ed25519,
 * or its id is not that of its name and key (and where memory ran out).
 */
bool lf_signer_parse(const char *text, struct lf_signer *signer);
void lf_signer_verifier(const struct lf_signer *signer, struct lf_verifier *verifier);
/* "<name>+<id, 8 hexadecimal digits>+<base64 of 0x01 || public key>": the verifier key. */
void lf_verifier_print(const struct lf_verifier *verifier, char text[LF_KEY_TEXT_MAX]);
bool lf_verifier_parse(const char *text, struct lf_verifier *verifier);

enum lf_note_result {
	LF_NOTE_OK,
	LF_NOTE_MALFORMED,  /* no signed note, or no checkpoint in it */
	LF_NOTE_NOT_SIGNED, /* no signature by this key */
	LF_NOTE_WRONG,      /* a signature by this key that does not fit: the note was altered */
	LF_NOTE_ORIGIN,     /* signed, but for a log of another origin than the key's name */
};
/* "the checkpoint is malformed", ... */
const char *lf_note_result_text(enum lf_note_result result);
/*
 * Checks the verifier's signature on a note, and gives the length of its text, which stands at its beginning. A wrong
 * signature by this key makes the note wrong, whatever else has signed it. Never ORIGIN. *text_length is set where OK
 * is returned only.
 */
enum lf_note_result lf_note_open(
	const char *note, size_t length, const struct lf_verifier *verifier, size_t *text_length);
/*
 * Signs a text that ends in a line end: writes the note, NUL-terminated, into size bytes. text: valid UTF-8, no
 * character below U+0020 but line ends. false where signing fails (memory ran out), or size is too small.
 */
bool lf_note_sign(const char *text, const struct lf_signer *signer, char *note, size_t size);

/* A log's state: its first size records have this root. */
struct lf_checkpoint {
	char origin[LF_KEY_NAME_MAX + 1];
	uint64_t size;
	struct lf_digest root;
};

/* The signed note, NUL-terminated; origin is the signer's name. false where signing fails (memory ran out). */
bool lf_checkpoint_sign(
	uint64_t size, const struct lf_digest *root, const struct lf_signer *signer, char note[LF_CHECKPOINT_MAX]);

/*
 * Reads a checkpoint and checks the verifier's signature on it. Extension lines and signatures by others are allowed,
 * of any kind. Malformed is also one of an origin above LF_KEY_NAME_MAX bytes, or longer than LF_NOTE_MAX. checkpoint
 * is set where OK is returned only.
 */
enum lf_note_result lf_checkpoint_open(
	const char *note, size_t length, const struct lf_verifier *verifier, struct lf_checkpoint *checkpoint);
/* The same without a key: reads what it says, which proves nothing. false: malformed. */
bool lf_checkpoint_parse(const char *note, size_t length, struct lf_checkpoint *checkpoint);

#endif
