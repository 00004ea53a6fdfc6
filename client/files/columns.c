#include "client/files/columns.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/files/csv.h"
#include "client/term/options.h"
#include "proto/base/buffer.h"

enum column {
	SEQUENCE,
	DECISION_ID,
	DECIDED_AT,
	TEAM,
	PROJECT,
	RUBRIC,
	RUBRIC_DIGEST,
	OUTCOME,
	RECOMMENDED,
	CALLER,
	PURPOSE,
	BRIEF_COUNT, /* those before are in a brief export */
	AS_OF = BRIEF_COUNT,
	TEAM_TITLE,
	PROJECT_TITLE,
	SCORE,
	FIRST_RANK_SHARE,
	SECOND,
	SECOND_SCORE,
	MARGIN,
	EVIDENCE_SHARE,
	CANDIDATES,
	ELIGIBLE,
	CO_LEAD,
	SAMPLES,
	ENGINE_VERSION,
	EXPLANATION_VERSION,
	EXPLANATION,
	REDACTIONS,
	EXPORT_COUNT, /* those before are in an export */
	LINE = EXPORT_COUNT,
	ERROR,
	COLUMN_COUNT
};

static const char *const names[COLUMN_COUNT] = {
	[SEQUENCE] = "sequence",
	[DECISION_ID] = "decision_id",
	[DECIDED_AT] = "decided_at",
	[TEAM] = "team",
	[PROJECT] = "project",
	[RUBRIC] = "rubric",
	[RUBRIC_DIGEST] = "rubric_digest",
	[OUTCOME] = "outcome",
	[RECOMMENDED] = "recommended",
	[CALLER] = "caller",
	[PURPOSE] = "purpose",
	[AS_OF] = "as_of",
	[TEAM_TITLE] = "team_title",
	[PROJECT_TITLE] = "project_title",
	[SCORE] = "score",
	[FIRST_RANK_SHARE] = "first_rank_share",
	[SECOND] = "second",
	[SECOND_SCORE] = "second_score",
	[MARGIN] = "margin",
	[EVIDENCE_SHARE] = "evidence_share",
	[CANDIDATES] = "candidates",
	[ELIGIBLE] = "eligible",
	[CO_LEAD] = "co_lead",
	[SAMPLES] = "samples",
	[ENGINE_VERSION] = "engine_version",
	[EXPLANATION_VERSION] = "explanation_version",
	[EXPLANATION] = "explanation",
	[REDACTIONS] = "redactions",
	[LINE] = "line",
	[ERROR] = "error",
};

/* What a batch gives where no list is given, and what of the rest is in a summary, too. */
static const unsigned char batch_default[] = {LINE, DECISION_ID, DECIDED_AT, TEAM, PROJECT, RUBRIC, RUBRIC_DIGEST,
	OUTCOME, RECOMMENDED, SCORE, MARGIN, ERROR};
static const unsigned char batch_more[] = {FIRST_RANK_SHARE, SECOND, AS_OF, PURPOSE};

static_assert((int)COLUMN_COUNT <= (int)LF_COLUMNS_MAX, "all columns fit");

static bool is_in_summary(size_t column)
{
	return memchr(batch_default, (int)column, sizeof(batch_default)) != NULL ||
		memchr(batch_more, (int)column, sizeof(batch_more)) != NULL;
}

/* The names from first on, up to last, are those to choose from. */
static enum lf_code take_column(
	struct lf_columns *columns, const char *name, size_t first, size_t last, struct lf_error *error)
{
	size_t index;

	if (lf_option_choice("columns", name, names + first, last - first, &index, error) != LF_OK)
		return error->code;
	index += first;
	if (memchr(columns->items, (int)index, columns->count) != NULL)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--columns: %s is named twice", name);
	columns->items[columns->count++] = (unsigned char)index;
	columns->whole |= last == EXPORT_COUNT ? index >= BRIEF_COUNT : !is_in_summary(index);
	return LF_OK;
}

static enum lf_code take_list(
	struct lf_columns *columns, const char *list, size_t first, size_t last, struct lf_error *error)
{
	while (true) {
		char name[64];
		const size_t length = strcspn(list, ",");

		snprintf(name, sizeof(name), "%.*s", (int)length, list);
		if (take_column(columns, name, first, last, error) != LF_OK)
			return error->code;
		if (list[length] == '\0')
			return LF_OK;
		list += length + 1;
	}
}

enum lf_code lf_columns_parse(struct lf_columns *columns, const char *list, struct lf_error *error)
{
	*columns = (struct lf_columns){.count = 0};
	if (list != NULL)
		return take_list(columns, list, 0, EXPORT_COUNT, error);
	for (int i = 0; i < BRIEF_COUNT; i++)
		columns->items[columns->count++] = (unsigned char)i;
	return LF_OK;
}

enum lf_code lf_columns_parse_batch(struct lf_columns *columns, const char *list, struct lf_error *error)
{
	static_assert(SEQUENCE == 0, "what a batch has not is the first");

	*columns = (struct lf_columns){.count = 0};
	if (list == NULL) {
		memcpy(columns->items, batch_default, sizeof(batch_default));
		columns->count = sizeof(batch_default);
		return LF_OK;
	}
	if (take_list(columns, list, SEQUENCE + 1, COLUMN_COUNT, error) != LF_OK)
		return error->code;
	if (memchr(columns->items, ERROR, columns->count) == NULL)
		columns->items[columns->count++] = ERROR;
	return LF_OK;
}

size_t lf_columns_error(const struct lf_columns *columns)
{
	const unsigned char *found = memchr(columns->items, ERROR, columns->count);

	return found == NULL ? columns->count : (size_t)(found - columns->items);
}

void lf_columns_names(const struct lf_columns *columns, struct lf_buffer *out)
{
	for (size_t i = 0; i < columns->count; i++)
		lf_text_add(out, "%s%s", i == 0 ? "" : ",", names[columns->items[i]]);
}

/* ---- values ---- */

static void put_instant(struct lf_buffer *out, const Google__Protobuf__Timestamp *instant)
{
	struct lf_buffer quoted = {0};
	const struct lf_json_style style = {0};

	if (instant == NULL)
		return;
	/* A Timestamp is a text in JSON: the same without its quotes. */
	lf_json_print(&instant->base, &style, &quoted);
	if (quoted.length > 2)
		lf_buffer_append(out, quoted.data + 1, quoted.length - 2);
	out->failed |= quoted.failed;
	lf_buffer_clean_up(&quoted);
}

static void put_enum(struct lf_buffer *out, const ProtobufCEnumDescriptor *type, int value)
{
	const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);

	if (known != NULL)
		lf_buffer_append_text(out, known->name);
	else
		lf_text_add(out, "%d", value);
}

/* Sentences in one cell, parted by a space. */
static void put_sentences(struct lf_buffer *out, size_t count, char *const *sentences)
{
	struct lf_buffer text = {0};

	for (size_t i = 0; i < count; i++) {
		lf_buffer_append_text(&text, i == 0 ? "" : " ");
		lf_buffer_append_text(&text, sentences[i]);
	}
	if (text.length > 0)
		lf_csv_text(out, text.data);
	out->failed |= text.failed;
	lf_buffer_clean_up(&text);
}

static void put_wrapped(struct lf_buffer *out, const Google__Protobuf__DoubleValue *value)
{
	if (value != NULL)
		lf_text_add_number(out, value->value);
}

static size_t count_eligible(const Leadfit__V1__Decision *d)
{
	size_t count = 0;

	for (size_t i = 0; i < d->n_ranking; i++)
		count += d->ranking[i]->eligible ? 1 : 0;
	return count;
}

/* The index-th of the ranking where they are eligible, else NULL. */
static const Leadfit__V1__Ranked *eligible_at(const Leadfit__V1__Decision *d, size_t index)
{
	return index < d->n_ranking && d->ranking[index]->eligible ? d->ranking[index] : NULL;
}

static void put_ranked(struct lf_buffer *out, enum column column, const Leadfit__V1__Ranked *ranked)
{
	if (ranked == NULL)
		return;
	if (column == FIRST_RANK_SHARE)
		put_wrapped(out, ranked->first_rank_share);
	else if (column == SECOND)
		lf_csv_text(out, ranked->candidate);
	else
		lf_text_add_number(out, ranked->score);
}

static void put_value(struct lf_buffer *out, enum column column, const struct lf_row *row)
{
	const Leadfit__V1__Decision *d = row->decision;

	if (d == NULL && column != LINE && column != ERROR)
		return;
	switch (column) {
	case SEQUENCE:
	case LINE:
		lf_text_add(out, "%" PRIu64, row->number);
		break;
	case ERROR:
		lf_csv_text(out, row->error != NULL ? row->error : "");
		break;
	case DECISION_ID:
		lf_csv_text(out, d->decision_id);
		break;
	case DECIDED_AT:
		put_instant(out, d->decided_at);
		break;
	case AS_OF:
		put_instant(out, d->as_of);
		break;
	case TEAM:
		lf_csv_text(out, d->team == NULL ? "" : d->team->id);
		break;
	case TEAM_TITLE:
		lf_csv_text(out, d->team == NULL ? "" : d->team->title);
		break;
	case PROJECT:
		lf_csv_text(out, d->project == NULL ? "" : d->project->id);
		break;
	case PROJECT_TITLE:
		lf_csv_text(out, d->project == NULL ? "" : d->project->title);
		break;
	case RUBRIC:
		lf_csv_text(out, d->rubric == NULL ? "" : d->rubric->name);
		break;
	case RUBRIC_DIGEST:
		lf_csv_text(out, d->rubric == NULL ? "" : d->rubric->digest);
		break;
	case OUTCOME:
		put_enum(out, &leadfit__v1__outcome__descriptor, (int)d->outcome);
		break;
	case PURPOSE:
		put_enum(out, &leadfit__v1__purpose__descriptor, (int)d->purpose);
		break;
	case RECOMMENDED:
		lf_csv_text(out, d->recommended);
		break;
	case CALLER:
		lf_csv_text(out, d->caller);
		break;
	case SCORE:
	case FIRST_RANK_SHARE:
		put_ranked(out, column, eligible_at(d, 0));
		break;
	case SECOND:
	case SECOND_SCORE:
		put_ranked(out, column, eligible_at(d, 1));
		break;
	case MARGIN:
		put_wrapped(out, d->margin);
		break;
	case EVIDENCE_SHARE:
		lf_text_add_number(out, d->evidence_share);
		break;
	case CANDIDATES:
		lf_text_add(out, "%zu", d->n_ranking);
		break;
	case ELIGIBLE:
		lf_text_add(out, "%zu", count_eligible(d));
		break;
	case CO_LEAD:
		lf_csv_text(out, d->co_lead == NULL ? "" : d->co_lead->candidate);
		break;
	case SAMPLES:
		lf_text_add(out, "%" PRIu32, d->samples);
		break;
	case ENGINE_VERSION:
		lf_text_add(out, "%" PRIu32, d->engine_version);
		break;
	case EXPLANATION_VERSION:
		lf_text_add(out, "%" PRIu32, d->explanation_version);
		break;
	case EXPLANATION:
		put_sentences(out, d->n_explanation, d->explanation);
		break;
	case REDACTIONS:
		put_sentences(out, d->n_redactions, d->redactions);
		break;
	case COLUMN_COUNT:
		break;
	}
}

void lf_columns_row(const struct lf_columns *columns, const struct lf_row *row, struct lf_buffer *out)
{
	const size_t begin = out->length;

	for (size_t i = 0; i < columns->count; i++) {
		if (i > 0)
			lf_buffer_append_text(out, ",");
		put_value(out, columns->items[i], row);
	}
	/* A row is a line, so that rows can be counted; texts of decisions have no line ends. */
	for (size_t i = begin; i < out->length; i++)
		if (out->data[i] == '\n' || out->data[i] == '\r')
			out->data[i] = ' ';
	lf_buffer_append_text(out, "\r\n");
}
