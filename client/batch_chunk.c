/* A chunk of a batch: from text to requests, and from answers to lines. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/batch.h"
#include "client/page.h"
#include "proto/wire.h"
#include "storage/tlog/hash.h"

enum { ARENA_BYTES_MAX = 512 * 1024 * 1024 };

static const char no_memory[] = "out of memory";

void lf_chunk_init(struct lf_chunk *chunk)
{
	memset(chunk, 0, sizeof(*chunk));
	lf_arena_init(&chunk->arena, ARENA_BYTES_MAX);
	lf_arena_init(&chunk->scratch, ARENA_BYTES_MAX);
}

static void empty(struct lf_buffer *buffer)
{
	buffer->length = 0;
	buffer->failed = false;
}

void lf_chunk_reset(struct lf_chunk *chunk)
{
	for (size_t i = 0; i < chunk->piece_count; i++)
		lf_error_clean_up(&chunk->pieces[i].error);
	chunk->piece_count = chunk->item_count = 0;
	empty(&chunk->text);
	empty(&chunk->out);
	empty(&chunk->ordered);
	lf_arena_reset(&chunk->arena);
	lf_arena_reset(&chunk->scratch);
}

void lf_chunk_clean_up(struct lf_chunk *chunk)
{
	lf_chunk_reset(chunk);
	lf_buffer_clean_up(&chunk->text);
	lf_buffer_clean_up(&chunk->out);
	lf_buffer_clean_up(&chunk->ordered);
	lf_arena_clean_up(&chunk->arena);
	lf_arena_clean_up(&chunk->scratch);
}

/* ---- from text to requests ---- */

/* Packs into the chunk's arena; message may be NULL. false where memory ran out. */
static bool pack(struct lf_chunk *chunk, struct lf_piece *piece, unsigned which, const ProtobufCMessage *message)
{
	if (message == NULL)
		return true;
	piece->bytes[which] = lf_wire_pack(message, &chunk->arena, piece->length, &piece->bytes_length[which]);
	return piece->bytes[which] != NULL;
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
		if ((rest->candidates[i] = lf_arena_strdup(arena, request->candidates[i], strlen(request->candidates[i]))) == NULL)
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
	const bool whole = piece->type == &leadfit__v1__score_request__descriptor;
	const Leadfit__V1__ScoreRequest *request = (const Leadfit__V1__ScoreRequest *)message;
	if (!whole)
		return pack(chunk, piece, 0, message);
	piece->request = keep_rest(chunk, request);
	return piece->request != NULL && pack(chunk, piece, 0, request->team == NULL ? NULL : &request->team->base) &&
	       pack(chunk, piece, 1, request->project == NULL ? NULL : &request->project->base);
}

/* A place in a piece is a column: its line is always the first, and would be taken for the input's. */
static void say_column(struct lf_error *error)
{
	if (error->violation_kept == 0 && strncmp(error->message, "1:", 2) == 0) {
		char place[sizeof error->message];
		snprintf(place, sizeof place, "%s", error->message + 2);
		lf_error_set(error, error->code, "not JSON: column %.480s", place);
	}
}

static void parse_piece(struct lf_chunk *chunk, struct lf_piece *piece)
{
	struct lf_error *error = &piece->error;
	const char *text = piece->too_long ? "" : chunk->text.data + piece->at;
	if (piece->too_long) {
		lf_error_set(error, LF_INVALID_ARGUMENT, "the line has %zu bytes, more than %d", piece->length, LF_MESSAGE_BYTES_MAX);
	} else if (strspn(text, " \t\r\n") >= piece->length) {
		lf_error_set(error, LF_INVALID_ARGUMENT, "the line is empty");
	} else {
		ProtobufCMessage *message = lf_text_parse(LF_FORMAT_JSON, piece->type, text, piece->length, &chunk->scratch, error);
		if (message == NULL) {
			say_column(error);
			lf_error_summarize(error);
		} else if (!keep(chunk, piece, message)) {
			lf_error_set(error, LF_RESOURCE_EXHAUSTED, no_memory);
		}
	}
	lf_arena_reset(&chunk->scratch);
}

/* Violations of a file's own message, as those of the request that it is part of. */
static void add_below(struct lf_error *error, const char *prefix, const struct lf_error *from)
{
	for (size_t i = 0; i < from->violation_kept; i++)
		lf_error_add(error, from->violations[i].field[0] == '\0' ? prefix : "", "%s", from->violations[i].description);
	error->violation_count = from->violation_count;
	for (size_t i = 0; i < error->violation_kept && i < from->violation_kept; i++)
		if (from->violations[i].field[0] != '\0')
			snprintf(error->violations[i].field, sizeof(error->violations[i].field), "%s%s%.240s", prefix,
				from->violations[i].field[0] == '[' ? "" : ".", from->violations[i].field);
	lf_error_set(error, from->code, "%s: %.480s", prefix, from->message);
}

/* Run, line and its content: whoever sends it again gets the same decision. */
static void make_key(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options)
{
	const struct lf_piece *first = &chunk->pieces[item->first], *second = &chunk->pieces[item->second];
	const size_t second_length = item->first == item->second ? 0 : second->length;
	struct lf_digest digest;
	lf_sha256_two(chunk->text.data + first->at, first->length, chunk->text.data + second->at, second_length, &digest);
	snprintf(item->key, sizeof(item->key), "%s-%012" PRIx64 "-%02x%02x%02x%02x%02x%02x%02x%02x", options->run_id, item->number, digest.bytes[0],
		digest.bytes[1], digest.bytes[2], digest.bytes[3], digest.bytes[4], digest.bytes[5], digest.bytes[6], digest.bytes[7]);
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
		item->team = first->bytes[0];
		item->team_length = first->bytes_length[0];
		item->project = pair ? second->bytes[0] : first->bytes[1];
		item->project_length = pair ? second->bytes_length[0] : first->bytes_length[1];
		if (item->team == NULL)
			lf_error_add(&error, "team", "is required");
		if (item->project == NULL)
			lf_error_add(&error, "project", "is required");
		lf_error_summarize(&error);
		if (error.code == LF_OK && !fill_defaults(chunk, item, options))
			lf_error_set(&error, LF_RESOURCE_EXHAUSTED, no_memory);
	}
	if (error.code != LF_OK || first->error.code != LF_OK)
		lf_item_fail(chunk, item, options, error.code != LF_OK ? &error : &first->error);
	lf_error_clean_up(&error);
}

void lf_chunk_parse(struct lf_chunk *chunk, const struct lf_batch_options *options)
{
	for (size_t i = 0; i < chunk->piece_count; i++)
		parse_piece(chunk, &chunk->pieces[i]);
	for (size_t i = 0; i < chunk->item_count; i++)
		prepare_item(chunk, &chunk->items[i], options);
}

/* ---- from answers to lines ---- */

static void begin_line(const struct lf_chunk *chunk, struct lf_item *item)
{
	item->settled = true;
	item->text_at = chunk->out.length;
}

static void end_line(const struct lf_chunk *chunk, struct lf_item *item)
{
	item->text_length = chunk->out.length - item->text_at;
}

static void put_error(struct lf_buffer *out, uint64_t number, const struct lf_error *error)
{
	lf_text_add(out, "{\"line\":%" PRIu64 ",\"error\":{\"code\":\"%s\",\"message\":", number, lf_code_name(error->code));
	lf_json_print_string(error->message, out);
	for (size_t i = 0; i < error->violation_kept; i++) {
		lf_buffer_append_text(out, i == 0 ? ",\"violations\":[{\"field\":" : ",{\"field\":");
		lf_json_print_string(error->violations[i].field, out);
		lf_buffer_append_text(out, ",\"description\":");
		lf_json_print_string(error->violations[i].description, out);
		lf_buffer_append_text(out, "}");
	}
	lf_buffer_append_text(out, error->violation_kept > 0 ? "]}}\n" : "}}\n");
}

void lf_item_fail(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options, const struct lf_error *error)
{
	char text[LF_COLUMNS_ERROR_BYTES];
	begin_line(chunk, item);
	item->failed = true;
	if (options->csv) {
		snprintf(text, sizeof(text), "%s: %s", lf_code_name(error->code), error->message);
		const struct lf_row row = {.number = item->number, .error = text};
		lf_columns_row(&options->columns, &row, &chunk->out);
	} else {
		put_error(&chunk->out, item->number, error);
	}
	end_line(chunk, item);
}

/* A summary as the decision that it is of, as far as it goes, for rows. */
static void put_summary_row(struct lf_chunk *chunk, const struct lf_item *item, const struct lf_batch_options *options, const Leadfit__V1__BatchSummary *s)
{
	Leadfit__V1__Decision decision;
	Leadfit__V1__TeamRef team;
	Leadfit__V1__ProjectRef project;
	Leadfit__V1__Ranked ranked[2];
	Leadfit__V1__Ranked *ranking[] = {&ranked[0], &ranked[1]};
	const struct lf_row row = {.number = item->number, .decision = &decision};
	leadfit__v1__decision__init(&decision);
	leadfit__v1__team_ref__init(&team);
	leadfit__v1__project_ref__init(&project);
	team.id = s->team;
	project.id = s->project;
	decision.decision_id = s->decision_id;
	decision.decided_at = s->decided_at;
	decision.as_of = item->request->as_of;
	decision.purpose = item->request->purpose;
	decision.team = &team;
	decision.project = &project;
	decision.rubric = s->rubric;
	decision.outcome = s->outcome;
	decision.recommended = s->recommended;
	decision.margin = s->margin;
	decision.ranking = ranking;
	decision.n_ranking = s->first[0] == '\0' ? 0 : s->second[0] == '\0' ? 1 : 2;
	for (size_t i = 0; i < 2; i++) {
		leadfit__v1__ranked__init(&ranked[i]);
		ranked[i].eligible = true;
		ranked[i].candidate = i == 0 ? s->first : s->second;
	}
	ranked[0].score = s->score;
	ranked[0].first_rank_share = s->first_rank_share;
	lf_columns_row(&options->columns, &row, &chunk->out);
}

static void fail_as_told(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options, const Leadfit__V1__Error *said)
{
	struct lf_error error = LF_ERROR_INIT;
	for (size_t i = 0; said != NULL && i < said->n_violations; i++)
		lf_error_add(&error, said->violations[i]->field, "%s", said->violations[i]->description);
	if (said == NULL)
		lf_error_set(&error, LF_INTERNAL, "the service gave an empty answer");
	else
		lf_error_set(&error, lf_code_from_number(said->code), "%s", said->message);
	if (error.code == LF_OK)
		error.code = LF_UNKNOWN;
	lf_item_fail(chunk, item, options, &error);
	lf_error_clean_up(&error);
}

void lf_item_answer(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options, const Leadfit__V1__BatchResult *result)
{
	const struct lf_json_style style = {0};
	const struct lf_row row = {.number = item->number, .decision = result->decision};
	if (result->decision == NULL && result->summary == NULL) {
		fail_as_told(chunk, item, options, result->error);
		return;
	}
	begin_line(chunk, item);
	if (options->csv && result->decision != NULL) {
		lf_columns_row(&options->columns, &row, &chunk->out);
	} else if (options->csv) {
		put_summary_row(chunk, item, options, result->summary);
	} else {
		lf_json_print(result->decision != NULL ? &result->decision->base : &result->summary->base, &style, &chunk->out);
		lf_buffer_append_text(&chunk->out, "\n");
	}
	end_line(chunk, item);
}

const struct lf_buffer *lf_chunk_text(struct lf_chunk *chunk)
{
	size_t at = 0;
	for (size_t i = 0; i < chunk->item_count && chunk->items[i].text_at == at; i++)
		at += chunk->items[i].text_length;
	if (at == chunk->out.length)
		return &chunk->out;
	for (size_t i = 0; i < chunk->item_count; i++)
		lf_buffer_append(&chunk->ordered, chunk->out.data + chunk->items[i].text_at, chunk->items[i].text_length);
	chunk->ordered.failed |= chunk->out.failed;
	return &chunk->ordered;
}
