/* Where the requests of a batch come from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/batch/batch.h"
#include "proto/base/buffer.h"
#include "proto/base/check.h"

/* A piece of text behind what the chunk has. NULL where memory ran out. */
static struct lf_piece *add_piece(struct lf_chunk *chunk, const ProtobufCMessageDescriptor *type, uint64_t number,
	const char *text, size_t length)
{
	struct lf_piece *piece = &chunk->pieces[chunk->piece_count];

	LF_CHECK(L16, chunk->piece_count < LF_CHUNK_PIECES_MAX);
	*piece = (struct lf_piece){.type = type,
		.number = number,
		.at = chunk->text.length,
		.length = length,
		.too_long = text == NULL,
		.error = LF_ERROR_INIT};
	if (text != NULL)
		lf_buffer_append(&chunk->text, text, length);
	if (chunk->text.failed)
		return NULL;
	chunk->piece_count++;
	return piece;
}

static bool in_shard(const struct lf_feed *feed, uint64_t number)
{
	return (number - 1) % feed->shards == feed->shard - 1;
}

/* The place of a piece that the chunk has already; piece_count where it has not. */
static size_t find_piece(const struct lf_chunk *chunk, const ProtobufCMessageDescriptor *type, uint64_t number)
{
	for (size_t i = chunk->piece_count; i > 0; i--)
		if (chunk->pieces[i - 1].type == type && chunk->pieces[i - 1].number == number)
			return i - 1;
	return chunk->piece_count;
}

static enum lf_line out_of_memory(void)
{
	errno = ENOMEM;
	return LF_LINE_FAILED;
}

/* ---- requests ---- */

static enum lf_line next_request(struct lf_feed *feed, struct lf_chunk *chunk)
{
	const char *text;
	size_t length;
	struct lf_item *item;

	do {
		const enum lf_line line =
			lf_lines_next(&feed->requests, chunk->item_count == 0, &feed->watch, &text, &length);

		if (line != LF_LINE_GOT && line != LF_LINE_LONG)
			return line;
		feed->number++;
	} while (!in_shard(feed, feed->number));
	LF_CHECK(L16, chunk->item_count < LF_BATCH_MAX);
	item = &chunk->items[chunk->item_count];
	*item = (struct lf_item){
		.number = feed->number, .first = (unsigned)chunk->piece_count, .second = (unsigned)chunk->piece_count};
	if (add_piece(chunk, &leadfit__v1__score_request__descriptor, 0, text, length) == NULL)
		return out_of_memory();
	chunk->item_count++;
	return LF_LINE_GOT;
}

/* ---- pairs ---- */

static bool hold_team(struct lf_feed *feed, const char *text, size_t length)
{
	if (length > feed->team_capacity && text != NULL) {
		char *grown = realloc(feed->team_text, length);

		if (grown == NULL)
			return false;
		feed->team_text = grown;
		feed->team_capacity = length;
	}
	if (text != NULL && length > 0)
		memcpy(feed->team_text, text, length);
	feed->team_length = length;
	feed->team_long = text == NULL;
	feed->team++;
	feed->project = 0;
	return true;
}

/* Moves on to the next project, and the next team where they are through. */
static enum lf_line next_pair(struct lf_feed *feed, bool wait, const char **text, size_t *length)
{
	enum lf_line line;

	if (feed->team == 0 || feed->project == feed->project_count) {
		line = lf_lines_next(&feed->requests, wait, &feed->watch, text, length);
		if (line != LF_LINE_GOT && line != LF_LINE_LONG)
			return line;
		if (!hold_team(feed, *text, *length))
			return out_of_memory();
		if (!lf_lines_rewind(&feed->projects))
			return LF_LINE_FAILED;
	}
	line = lf_lines_next(&feed->projects, true, &feed->watch, text, length);
	if (line == LF_LINE_END) { /* it has become shorter meanwhile */
		errno = ESTALE;
		return LF_LINE_FAILED;
	}
	feed->project++;
	feed->number++;
	return line;
}

static enum lf_line add_pair(struct lf_feed *feed, struct lf_chunk *chunk)
{
	const ProtobufCMessageDescriptor *types[] = {&leadfit__v1__team__descriptor, &leadfit__v1__project__descriptor};
	const char *text;
	size_t length, team, project;

	do {
		const enum lf_line line = next_pair(feed, chunk->item_count == 0, &text, &length);

		if (line != LF_LINE_GOT && line != LF_LINE_LONG)
			return line;
	} while (!in_shard(feed, feed->number));
	team = find_piece(chunk, types[0], feed->team);
	if (team == chunk->piece_count &&
		add_piece(chunk, types[0], feed->team,
			feed->team_long                 ? NULL
				: feed->team_length > 0 ? feed->team_text
							: "",
			feed->team_length) == NULL)
		return out_of_memory();
	project = find_piece(chunk, types[1], feed->project);
	if (project == chunk->piece_count && add_piece(chunk, types[1], feed->project, text, length) == NULL)
		return out_of_memory();
	LF_CHECK(L16, chunk->item_count < LF_BATCH_MAX);
	chunk->items[chunk->item_count++] =
		(struct lf_item){.number = feed->number, .first = (unsigned)team, .second = (unsigned)project};
	return LF_LINE_GOT;
}

/* ---- chunks ---- */

enum lf_line lf_feed_chunk(struct lf_feed *feed, struct lf_chunk *chunk)
{
	enum lf_line line = LF_LINE_GOT;

	if (feed->cross && feed->project_count == 0)
		return LF_LINE_END;
	while (line == LF_LINE_GOT && chunk->item_count < LF_BATCH_MAX && chunk->text.length < LF_CHUNK_BYTES)
		line = feed->cross ? add_pair(feed, chunk) : next_request(feed, chunk);
	chunk->taken = feed->requests.taken;
	if (line == LF_LINE_DRY || (line == LF_LINE_END && chunk->item_count > 0))
		return LF_LINE_GOT;
	return line;
}

/* Passes over whole teams, as long as the request of that number comes after them. */
static bool skip_teams(struct lf_feed *feed, uint64_t number)
{
	const char *text;
	size_t length;

	for (uint64_t left = (number - 1) / feed->project_count; left > 0; left--) {
		const enum lf_line line = lf_lines_next(&feed->requests, true, &feed->watch, &text, &length);

		if (line != LF_LINE_GOT && line != LF_LINE_LONG)
			return false;
		feed->team++;
		feed->project = feed->project_count;
		feed->number += feed->project_count;
	}
	return true;
}

bool lf_feed_skip(struct lf_feed *feed, uint64_t count)
{
	const uint64_t number = count == 0 ? 0 : (count - 1) * feed->shards + feed->shard; /* of the last one */
	const char *text;
	size_t length;

	if (feed->cross && number > 0 && (feed->project_count == 0 || !skip_teams(feed, number)))
		return false;
	while (feed->number < number) {
		const enum lf_line line = feed->cross
			? next_pair(feed, true, &text, &length)
			: lf_lines_next(&feed->requests, true, &feed->watch, &text, &length);

		if (line != LF_LINE_GOT && line != LF_LINE_LONG)
			return false;
		if (!feed->cross)
			feed->number++;
	}
	return true;
}

void lf_feed_clean_up(struct lf_feed *feed)
{
	lf_lines_clean_up(&feed->requests);
	lf_lines_clean_up(&feed->projects);
	free(feed->team_text);
	feed->team_text = NULL;
}
