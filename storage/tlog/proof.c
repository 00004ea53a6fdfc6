#include "storage/tlog/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1\n"
#define EXTRA "extra "
#define INDEX "index "

enum { HASH_BASE64 = 44, NUMBER_DIGITS = 20 };

/* ---- writing ---- */

/* "<word><base64 of the data>" and a line end. Returns where it ends. */
static char *put_line(char *at, const char *word, const void *data, size_t length)
{
	at = stpcpy(at, word);
	at += lf_base64_encode(data, length, at);
	return stpcpy(at, "\n");
}

char *lf_proof_print(const struct lf_proof *proof)
{
	const size_t extra = proof->extra_length > 0 ? sizeof(EXTRA) + 4 * ((proof->extra_length + 2) / 3) + 1 : 0;
	char *text = malloc(sizeof(FIRST_LINE) + extra + sizeof(INDEX) + NUMBER_DIGITS + 1 +
		proof->hash_count * (HASH_BASE64 + 1) + 1 + proof->checkpoint_length + 1);
	char *at = text;

	LF_CHECK(T3, proof->hash_count <= LF_PROOF_HASHES_MAX);
	if (text == NULL)
		return NULL;
	at = stpcpy(at, FIRST_LINE);
	if (proof->extra_length > 0)
		at = put_line(at, EXTRA, proof->extra, proof->extra_length);
	at += sprintf(at, INDEX "%" PRIu64 "\n", proof->index);
	for (size_t i = 0; i < proof->hash_count; i++)
		at = put_line(at, "", &proof->hashes[i], sizeof(proof->hashes[i]));
	*at++ = '\n';
	memcpy(at, proof->checkpoint, proof->checkpoint_length);
	at[proof->checkpoint_length] = '\0';
	return text;
}

/* ---- reading ---- */

struct reader {
	const char *at, *end;
};

/* The next line, without its end. */
static bool next_line(struct reader *reader, const char **line, size_t *length)
{
	const char *line_end =
		reader->at < reader->end ? memchr(reader->at, '\n', (size_t)(reader->end - reader->at)) : NULL;

	if (line_end == NULL)
		return false;
	*line = reader->at;
	*length = (size_t)(line_end - reader->at);
	reader->at = line_end + 1;
	return true;
}

/* Takes the text where it comes next. */
static bool skip(struct reader *reader, const char *text)
{
	const size_t length = strlen(text);

	if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, text, length) != 0)
		return false;
	reader->at += length;
	return true;
}

static bool read_extra(struct reader *reader, struct lf_proof *proof, uint8_t **storage)
{
	const char *line;
	size_t length;

	if (!skip(reader, EXTRA))
		return true;
	if (!next_line(reader, &line, &length) || length == 0)
		return false;
	*storage = malloc(length / 4 * 3 + 1);
	proof->extra = *storage;
	return *storage != NULL && lf_base64_decode(line, length, *storage, length / 4 * 3, &proof->extra_length);
}

static bool read_index(struct reader *reader, uint64_t *index)
{
	const char *line;
	size_t length;

	return skip(reader, INDEX) && next_line(reader, &line, &length) && lf_decimal_read(line, length, index);
}

/* Up to the empty line. */
static bool read_hashes(struct reader *reader, struct lf_proof *proof)
{
	const char *line;
	size_t length, bytes;

	while (next_line(reader, &line, &length)) {
		struct lf_digest *hash = &proof->hashes[proof->hash_count];

		if (length == 0)
			return true;
		if (proof->hash_count == LF_PROOF_HASHES_MAX ||
			!lf_base64_decode(line, length, hash, sizeof(*hash), &bytes) || bytes != sizeof(*hash))
			return false;
		proof->hash_count++;
	}
	return false;
}

static bool read_proof(struct reader *reader, struct lf_proof *proof, uint8_t **extra_storage)
{
	if (!skip(reader, FIRST_LINE) || !read_extra(reader, proof, extra_storage) ||
		!read_index(reader, &proof->index) || !read_hashes(reader, proof))
		return false;
	proof->checkpoint = reader->at;
	proof->checkpoint_length = (size_t)(reader->end - reader->at);
	return proof->checkpoint_length > 0;
}

bool lf_proof_parse(const char *text, size_t length, struct lf_proof *proof, uint8_t **extra_storage)
{
	struct reader reader = {text, text + length};

	*extra_storage = NULL;
	*proof = (struct lf_proof){.extra = NULL};
	if (read_proof(&reader, proof, extra_storage))
		return true;
	free(*extra_storage);
	*extra_storage = NULL;
	proof->extra = NULL;
	return false;
}
