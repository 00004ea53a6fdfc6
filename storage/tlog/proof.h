/*
 * An inclusion proof as one text that is checked offline: C2SP tlog-proof (https://c2sp.org/tlog-proof).
 *
 *   c2sp.org/tlog-proof@v1
 *   extra <base64>            only where there is extra data
 *   index <decimal>
 *   <base64 of a hash>        none or more: the siblings, from the leaf's to the root's child
 *                             an empty line
 *   <the checkpoint>
 */
#ifndef LF_TLOG_PROOF_H
#define LF_TLOG_PROOF_H

#include "storage/tlog/note.h"
#include "storage/tlog/tree.h"

struct lf_proof {
	const uint8_t *extra; /* application data, unauthenticated by itself; NULL = none */
	size_t extra_length;
	uint64_t index;
	struct lf_digest hashes[LF_PROOF_HASHES_MAX];
	size_t hash_count;
	const char *checkpoint; /* the signed note, to the end of the text; not looked at */
	size_t checkpoint_length;
};

/* The text, NUL-terminated, released with free(); NULL when memory ran out. */
char *lf_proof_print(const struct lf_proof *proof);
/*
 * Reads one. *extra_storage is a block that proof->extra points into, released with free(), NULL without extra;
 * proof->checkpoint points into text. false: malformed (or no memory for extra).
 */
bool lf_proof_parse(const char *text, size_t length, struct lf_proof *proof, uint8_t **extra_storage);

#endif
