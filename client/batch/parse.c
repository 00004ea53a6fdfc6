/* A chunk of a batch: from text to requests. */
#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "client/batch/batch.h"
#include "proto/base/check.h"
#include "proto/base/hash.h"
#include "proto/base/hex.h"
#include "proto/wire/wire.h"

static const char no_memory[] = "out of memory";

/* ---- a piece ---- */

/* What reading a piece may look up, and tells. */
struct reading {
	struct lf_chunk *chunk;
	struct lf_piece *piece;
	struct lf_parts *parts;
};

/* Which of a piece's two messages a request's field is. */
static struct lf_packed *place_of(struct lf_piece *piece, const ProtobufCFieldDescriptor *field)
{
	LF_CHECK(L15,
		field->descriptor == &leadfit__v1__team__descriptor ||
			field->descriptor == &leadfit__v1__project__descriptor);
	return field->descriptor == &leadfit__v1__team__descriptor ? &piece->packed[0] : &piece->packed[1];
}

/* Packs into the chunk's arena; message may be NULL. false where memory ran out. */
static bool pack(struct lf_chunk *chunk, const ProtobufCMessage *message, size_t hint, struct lf_packed *packed)
{
	const uint8_t *bytes;
	uint8_t *kept;

	if (message == NULL)
		return true;
	/* By way of the scratch, for what the packer outgrows is lost to its arena. */
	bytes = lf_wire_pack(message, &chunk->scratch, hint, &packed->length);
	kept = bytes == NULL ? NULL : lf_arena_alloc(&chunk->arena, packed->length);
	if (kept == NULL)
		return false;
	if (packed->length > 0)
		memcpy(kept, bytes, packed->length);
	packed->bytes = kept;
	packed->hash = lf_hash_bytes(kept, packed->length, 0);
	return true;
}

static size_t find_part(void *context, const ProtobufCFieldDescriptor *field, const char *text, size_t length)
{
	const struct reading *r = context;

	return lf_parts_find(r->parts, field->descriptor, text, length, &r->chunk->arena, place_of(r->piece, field));
}

static bool take_part(void *context, const ProtobufCFieldDescriptor *field, const char *text, size_t length,
	const ProtobufCMessage *part)
{
	const struct reading *r = context;
	struct lf_packed *packed = place_of(r->piece, field);

	if (!pack(r->chunk, part, length / 2, packed))
		return false;
	lf_parts_offer(r->parts, field->descriptor, text, length, packed);
	return true;
}

/* All of a request but team and project, in the chunk's arena. */
static Leadfit__V1__ScoreRequest *keep_rest(struct lf_chunk *chunk, const Leadfit__V1__ScoreRequest *request)
{
	struct lf_arena *arena = &chunk->arena;
	Leadfit__V1__ScoreRequest *rest = lf_arena_alloc(arena, sizeof(*rest));

	if (rest == NULL)
		return NULL;
	*rest = *request;
	rest->team = NULL;
	rest->project = NULL;
	rest->rubric = lf_arena_strdup(arena, request->rubric, strlen(request->rubric));
	rest->idempotency_key = lf_arena_strdup(arena, request->idempotency_key, strlen(request->idempotency_key));
	rest->candidates = lf_arena_zalloc(arena, request->n_candidates, sizeof(*rest->candidates));
	if (rest->rubric == NULL || rest->idempotency_key == NULL || rest->candidates == NULL)
		return NULL;
	for (size_t i = 0; i < request->n_candidates; i++)
		if ((rest->candidates[i] = lf_arena_strdup(
			     arena, request->candidates[i], strlen(request->candidates[i]))) == NULL)
			return NULL;
	if (request->as_of == NULL)
		return rest;
	rest->as_of = lf_arena_alloc(arena, sizeof(*rest->as_of));
	if (rest->as_of != NULL)
		*rest->as_of = *request->as_of;
	return rest->as_of == NULL ? NULL : rest;
}

/* Keeps what was parsed, for the memory of the parsing is used again. */
static bool keep(struct lf_chunk *chunk, struct lf_piece *piece, ProtobufCMessage *message)
{
	const Leadfit__V1__ScoreRequest *request = (const Leadfit__V1__ScoreRequest *)message;

	if (piece->type != &leadfit__v1__score_request__descriptor)
		return pack(chunk, message, piece->length / 2, &piece->packed[0]);
	piece->request = keep_rest(chunk, request);
	return piece->request != NULL &&
		(piece->packed[0].bytes != NULL ||
			pack(chunk, request->team == NULL ? NULL : &request->team->base, piece->length / 2,
				&piece->packed[0])) &&
		(piece->packed[1].bytes != NULL ||
			pack(chunk, request->project == NULL ? NULL : &request->project->base, 0, &piece->packed[1]));
}

/* A place in a piece is a column: its line is always the first, and would be taken for the input's. */
static void say_column(struct lf_error *error)
{
	if (error->violation_kept == 0 && strncmp(error->message, "1:", 2) == 0) {
		char place[sizeof(error->message)];

		snprintf(place, sizeof(place), "%s", error->message + 2);
		lf_error_set(error, error->code, "not JSON: column %.480s", place);
	}
}

/* A request, with what it has in common with others looked up; NULL: as lf_json_read_parts(). */
static ProtobufCMessage *read_usual(struct reading *r, const char *text)
{
	const struct lf_json_parts parts = {.find = find_part, .read = take_part, .context = r};
	ProtobufCMessage *message = NULL;

	if (r->piece->type == &leadfit__v1__score_request__descriptor)
		message = lf_json_read_parts(r->piece->type, text, r->piece->length, &r->chunk->scratch, &parts);
	if (message == NULL)
		memset(r->piece->packed, 0, sizeof(r->piece->packed));
	return message;
}

static void parse_text(struct reading *r, const char *text)
{
	struct lf_error *error = &r->piece->error;
	ProtobufCMessage *message = read_usual(r, text);

	if (message == NULL)
		message = lf_text_parse(
			LF_FORMAT_JSON, r->piece->type, text, r->piece->length, &r->chunk->scratch, error);
	if (message == NULL) {
		say_column(error);
		lf_error_summarize(error);
	} else if (!keep(r->chunk, r->piece, message)) {
		lf_error_set(error, LF_RESOURCE_EXHAUSTED, no_memory);
	} else if (r->piece->type != &leadfit__v1__score_request__descriptor && text[0] == '{' &&
		text[r->piece->length - 1] == '}') {
		lf_parts_offer(r->parts, r->piece->type, text, r->piece->length, &r->piece->packed[0]);
	}
}

static void parse_piece(struct lf_chunk *chunk, struct lf_piece *piece, struct lf_parts *parts)
{
	struct reading reading = {.chunk = chunk, .piece = piece, .parts = parts};
	const char *text = piece->too_long ? "" : chunk->text.data + piece->at;

	if (piece->too_long)
		lf_error_set(&piece->error, LF_INVALID_ARGUMENT, "the line has %zu bytes, more than %d", piece->length,
			LF_MESSAGE_BYTES_MAX);
	else if (strspn(text, " \t\r\n") >= piece->length)
		lf_error_set(&piece->error, LF_INVALID_ARGUMENT, "the line is empty");
	else if (piece->type == &leadfit__v1__score_request__descriptor ||
		lf_parts_find(parts, piece->type, text, piece->length, &chunk->arena, &piece->packed[0]) !=
			piece->length)
		parse_text(&reading, text);
	piece->hash = lf_hash_bytes(text, piece->too_long ? 0 : piece->length, 0);
	lf_arena_reset(&chunk->scratch);
}

/* ---- an item ---- */

/* Violations of a file's own message, as those of the request that it is part of. */
static void add_below(struct lf_error *error, const char *prefix, const struct lf_error *from)
{
	for (size_t i = 0; i < from->violation_kept; i++)
		lf_error_add(error, from->violations[i].field[0] == '\0' ? prefix : "", "%s",
			from->violations[i].description);
	error->violation_count = from->violation_count;
	for (size_t i = 0; i < error->violation_kept && i < from->violation_kept; i++)
		if (from->violations[i].field[0] != '\0')
			snprintf(error->violations[i].field, sizeof(error->violations[i].field), "%s%s%.240s", prefix,
				from->violations[i].field[0] == '[' ? "" : ".", from->violations[i].field);
	lf_error_set(error, from->code, "%s: %.480s", prefix, from->message);
}

/* The last digits of the number. Returns what follows them. */
static char *put_hex(char *out, uint64_t number, size_t digits)
{
	const uint64_t bytes = htobe64(number);

	return lf_hex_print((const uint8_t *)&bytes + sizeof(bytes) - digits / 2, digits / 2, out);
}

/* Run, line and its content: whoever sends it again gets the same decision. */
static void make_key(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options)
{
	enum { NUMBER_DIGITS = 12, HASH_DIGITS = 16 };
	const struct lf_piece *first = &chunk->pieces[item->first], *second = &chunk->pieces[item->second];
	const uint64_t both[] = {htole64(first->hash), htole64(second->hash)};
	const size_t length = strlen(options->run_id);
	char *out = item->key + length;
	static_assert(LF_RUN_ID_MAX + NUMBER_DIGITS + HASH_DIGITS + 3 <= LF_KEY_BYTES, "a key fits");

	memcpy(item->key, options->run_id, length);
	*out++ = '-';
	out = put_hex(out, item->number, NUMBER_DIGITS);
	*out++ = '-';
	*put_hex(out, item->first == item->second ? first->hash : lf_hash_bytes(both, sizeof(both), 0), HASH_DIGITS) =
		'\0';
}

static bool fill_defaults(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options)
{
	Leadfit__V1__ScoreRequest *request = chunk->pieces[item->first].request;

	if (request == NULL) {
		request = lf_arena_alloc(&chunk->arena, sizeof(*request));
		if (request == NULL)
			return false;
		leadfit__v1__score_request__init(request);
	}
	if (request->rubric[0] == '\0')
		request->rubric = options->rubric;
	if (request->as_of == NULL)
		request->as_of = options->as_of;
	if (request->purpose == LEADFIT__V1__PURPOSE__DECISION)
		request->purpose = options->purpose;
	if (request->detail == LEADFIT__V1__DETAIL__TOP)
		request->detail = options->detail;
	request->ignore_undeclared |= options->ignore_undeclared;
	request->rank_table |= options->rank_table;
	if (request->idempotency_key[0] == '\0') {
		make_key(chunk, item, options);
		request->idempotency_key = item->key;
	}
	item->request = request;
	return true;
}

static void prepare_item(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options)
{
	const struct lf_piece *first = &chunk->pieces[item->first], *second = &chunk->pieces[item->second];
	const bool pair = item->first != item->second;
	struct lf_error error = LF_ERROR_INIT;

	if (pair && first->error.code != LF_OK)
		add_below(&error, "team", &first->error);
	else if (pair && second->error.code != LF_OK)
		add_below(&error, "project", &second->error);
	if (error.code == LF_OK && first->error.code == LF_OK) {
		item->team = first->packed[0];
		item->project = pair ? second->packed[0] : first->packed[1];
		if (item->team.bytes == NULL)
			lf_error_add(&error, "team", "is required");
		if (item->project.bytes == NULL)
			lf_error_add(&error, "project", "is required");
		lf_error_summarize(&error);
		if (error.code == LF_OK && !fill_defaults(chunk, item, options))
			lf_error_set(&error, LF_RESOURCE_EXHAUSTED, no_memory);
	}
	if (error.code != LF_OK || first->error.code != LF_OK)
		lf_item_fail(chunk, item, options, error.code != LF_OK ? &error : &first->error);
	lf_error_clean_up(&error);
}

void lf_chunk_parse(struct lf_chunk *chunk, const struct lf_batch_options *options, struct lf_parts *parts)
{
	for (size_t i = 0; i < chunk->piece_count; i++)
		parse_piece(chunk, &chunk->pieces[i], parts);
	for (size_t i = 0; i < chunk->item_count; i++)
		prepare_item(chunk, &chunk->items[i], options);
}
