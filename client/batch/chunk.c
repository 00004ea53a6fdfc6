/* A chunk of a batch: its memory, and from answers to lines. parse.c has the way from text to requests. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/batch/batch.h"
#include "proto/base/buffer.h"

enum { ARENA_BYTES_MAX = 512 * 1024 * 1024 };

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
	lf_text_add(out, "{\"line\":%" PRIu64 ",\"error\":{\"code\":\"%s\",\"message\":", number,
		lf_code_name(error->code));
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

void lf_item_fail(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options,
	const struct lf_error *error)
{
	char text[LF_COLUMNS_ERROR_BYTES];

	begin_line(chunk, item);
	item->failed = true;
	if (options->csv) {
		struct lf_row row;

		snprintf(text, sizeof(text), "%s: %s", lf_code_name(error->code), error->message);
		row = (struct lf_row){.number = item->number, .error = text};
		lf_columns_row(&options->columns, &row, &chunk->out);
	} else {
		put_error(&chunk->out, item->number, error);
	}
	end_line(chunk, item);
}

/* A summary as the decision that it is of, as far as it goes, for rows. */
static void put_summary_row(struct lf_chunk *chunk, const struct lf_item *item, const struct lf_batch_options *options,
	const Leadfit__V1__BatchSummary *s)
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

static void fail_as_told(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options,
	const Leadfit__V1__Error *said)
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

void lf_item_answer(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options,
	const Leadfit__V1__BatchResult *result)
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
		lf_json_print(result->decision != NULL ? &result->decision->base : &result->summary->base, &style,
			&chunk->out);
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
		lf_buffer_append(
			&chunk->ordered, chunk->out.data + chunk->items[i].text_at, chunk->items[i].text_length);
	chunk->ordered.failed |= chunk->out.failed;
	return &chunk->ordered;
}
