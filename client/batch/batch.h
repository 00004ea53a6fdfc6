/*
 * leadfit batch: many requests in, a line of answer for each out, in their order.
 *
 * Each worker (a thread) takes a chunk of the input while it holds the input, then parses, sends and prints it beside
 * the others, and writes when its turn has come. So order, bounded memory and backpressure both ways follow from there
 * being so many workers and no more: a reader of the output that is slow makes all of them wait, and then nobody reads.
 */
#ifndef LF_CLIENT_BATCH_BATCH_H
#define LF_CLIENT_BATCH_BATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "client/batch/gate.h"
#include "client/batch/lines.h"
#include "client/batch/parts.h"
#include "client/batch/run.h"
#include "client/lib/client.h"
#include "client/files/columns.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/arena.h"
#include "proto/base/buffer.h"
#include "proto/text/json.h"
#include "proto/base/limits.h"

enum {
	LF_CHUNK_BYTES = 1024 * 1024, /* of text in a chunk, unless one line is longer */
	LF_CHUNK_PIECES_MAX = 2 * LF_BATCH_MAX,
	LF_BATCH_WORKERS_MAX = 32,
	LF_WORKER_MESSAGES_MAX = 8, /* of one chunk at once: lines of different rubrics, instants, ... */
	LF_KEY_BYTES = LF_ID_BYTES_MAX + 1,
};

/* What lines leave open, and what is done with all of them. */
struct lf_batch_options {
	char *rubric; /* "" = the default rubric */
	Google__Protobuf__Timestamp *as_of;
	Leadfit__V1__Purpose purpose;
	Leadfit__V1__Detail detail;
	bool ignore_undeclared, rank_table;
	bool full; /* whole decisions are asked for */
	bool csv;
	struct lf_columns columns;
	const char *run_id;
	unsigned wait_ms; /* for a service that is away */
	unsigned timeout_ms;
	const char *traceparent; /* NULL = none */
};

/* ---- the input ---- */

/* Where requests come from: a file of them, or the product of two files. Used by one thread at a time. */
struct lf_feed {
	struct lf_lines requests; /* or teams */
	struct lf_lines projects;
	bool cross;
	uint64_t project_count; /* cross */
	const char *name, *projects_name;
	struct lf_watch watch;
	unsigned shard, shards; /* 1..shards */
	uint64_t number;        /* of the last request that was passed */
	uint64_t team;          /* cross: number of the team that is held */
	uint64_t project;       /* cross: number of the last project that was passed with it */
	char *team_text;        /* cross: owned */
	size_t team_length, team_capacity;
	bool team_long;
};

/* A stretch of text that is one message, and what became of it. */
struct lf_piece {
	const ProtobufCMessageDescriptor *type; /* ScoreRequest, Team or Project */
	uint64_t number;                        /* cross: of the team or project, from 1 */
	size_t at, length;                      /* in the chunk's text; length alone where it is too long */
	bool too_long;
	uint64_t hash;                      /* of the text */
	struct lf_packed packed[2];         /* team and project of a request, where it has them; or itself */
	Leadfit__V1__ScoreRequest *request; /* the rest of a request */
	struct lf_error error;
};

/* A request of a chunk. */
struct lf_item {
	uint64_t number;
	unsigned first, second;                   /* pieces: the request, twice; or team and project */
	const Leadfit__V1__ScoreRequest *request; /* all but team and project */
	struct lf_packed team, project;
	char key[LF_KEY_BYTES];
	bool settled;
	bool failed;
	unsigned attempts;
	size_t text_at, text_length; /* its line, in the chunk's out */
};

struct lf_chunk {
	uint64_t ticket; /* its place among all chunks */
	struct lf_buffer text;
	struct lf_piece pieces[LF_CHUNK_PIECES_MAX];
	size_t piece_count;
	struct lf_item items[LF_BATCH_MAX];
	size_t item_count;
	uint64_t taken;          /* bytes of the input that were read up to its end */
	struct lf_arena arena;   /* of the chunk */
	struct lf_arena scratch; /* of one line, or one reply */
	struct lf_buffer out, ordered;
};

/*
 * Reads into a chunk that is empty what is there, waiting for the first request only. GOT (also with the last ones),
 * END, STOPPED, FAILED.
 */
enum lf_line lf_feed_chunk(struct lf_feed *feed, struct lf_chunk *chunk);
/* Passes over so many requests of this shard. false where there are not as many. */
bool lf_feed_skip(struct lf_feed *feed, uint64_t count);
void lf_feed_clean_up(struct lf_feed *feed);

/* ---- a chunk ---- */

void lf_chunk_init(struct lf_chunk *chunk);
void lf_chunk_reset(struct lf_chunk *chunk);
void lf_chunk_clean_up(struct lf_chunk *chunk);
/* Parses the text, and settles the items of which no request can be made. */
void lf_chunk_parse(struct lf_chunk *chunk, const struct lf_batch_options *options, struct lf_parts *parts);
/* Settles an item with its line. */
void lf_item_fail(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options,
	const struct lf_error *error);
void lf_item_answer(struct lf_chunk *chunk, struct lf_item *item, const struct lf_batch_options *options,
	const Leadfit__V1__BatchResult *result);
/* All items' lines in their order. */
const struct lf_buffer *lf_chunk_text(struct lf_chunk *chunk);

/* ---- a message ---- */

/* Items of one chunk that can go together. */
struct lf_message {
	struct lf_item *items[LF_BATCH_MAX];
	size_t item_count;
	uint8_t *bytes;
	size_t length, capacity;
	const struct lf_item *teams[LF_BATCH_MAX], *projects[LF_BATCH_MAX]; /* who brought them */
	size_t team_count, project_count;
	uint32_t item_teams[LF_BATCH_MAX], item_projects[LF_BATCH_MAX];
};

/*
 * Takes items that are not settled and go with none of the others (the first items of other messages), up to so many,
 * and packs them. false where none is left, or memory ran out (message->item_count > 0 then).
 */
bool lf_message_make(struct lf_message *message, struct lf_chunk *chunk, const struct lf_batch_options *options,
	size_t items_max, const struct lf_item *const *others, size_t other_count);
void lf_message_clean_up(struct lf_message *message);

/* ---- the run ---- */

struct lf_worker;

struct lf_batch {
	const struct lf_batch_options *options;
	struct lf_client *client;
	struct lf_feed *feed;
	int output;
	const char *output_name;
	struct lf_gate gate;
	struct lf_parts parts;
	pthread_mutex_t reading; /* the feed's */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t next_ticket; /* reading */
	bool input_ended;     /* reading */
	/* Under mutex. */
	uint64_t next_write;
	uint64_t lines, failed, bytes, taken;
	bool away, closed;
	struct lf_error error; /* that ended the run */
	unsigned running;
	struct lf_worker *workers;
	unsigned worker_count;
	int stop_pipe[2];
	atomic_bool stopped;
};

/* A message on its way there and back. */
struct lf_transfer {
	struct lf_batch *batch;
	struct lf_call *call;
	struct lf_message message;
	uint8_t *reply;
	size_t reply_length, reply_capacity;
	bool replied;
	struct lf_error error; /* of the whole message */
};

struct lf_worker {
	struct lf_batch *batch;
	pthread_t thread;
	struct lf_chunk chunk;
	struct lf_transfer transfers[LF_WORKER_MESSAGES_MAX];
};

/*
 * Answers the whole input. tick (may be NULL) is called now and then, with the mutex held, to show how far it is.
 * Returns error's code: that which ended it early. closed: the output's reader has gone. Blocks.
 */
enum lf_code lf_batch_run(struct lf_batch *batch, void (*tick)(const struct lf_batch *batch, void *context),
	void *context, struct lf_error *error);

/* Ends the run early. error is moved; NULL: the reader has gone. Any thread, without the mutex. */
void lf_batch_stop(struct lf_batch *batch, struct lf_error *error);
/* Sends all of a chunk, whatever it takes. false where the run ends. */
bool lf_worker_send(struct lf_worker *worker);
/* Milliseconds of a clock that only rises. */
int64_t lf_batch_now_ms(void);
/*
 * Waits a while for a service that is away since then, saying so once. false where the run ends, as it does where it
 * was too long (error is moved then).
 */
bool lf_batch_wait(struct lf_batch *batch, int64_t since_ms, unsigned attempt, struct lf_error *error);
/* Under the mutex. Waits until something changed, for so long at most. */
void lf_batch_wait_changed(struct lf_batch *batch, int64_t ms);
/* The service has answered. */
void lf_batch_is_back(struct lf_batch *batch);

#endif
