#include "tests/bench/pool.h"

#include <math.h>
#include <stdlib.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "proto/base/limits.h"
#include "tests/bench/drafts.h"
#include "tests/bench/workload.h"

enum { MESSAGES = 1024, DECISIONS = 16384, MEMBERS = 32768 };

struct lf_pool {
	struct message {
		uint8_t *bytes;
		size_t length;
	} * messages;
	size_t count;
	const char *method;
};

static enum lf_code no_memory(struct lf_pool *pool, struct lf_error *error)
{
	lf_pool_destroy(pool);
	return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the requests");
}

static struct lf_pool *pool_new(const char *method, size_t count)
{
	struct lf_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->method = method;
	pool->count = count < 1 ? 1 : count > MESSAGES ? MESSAGES : count;
	pool->messages = calloc(pool->count, sizeof(*pool->messages));
	if (pool->messages != NULL)
		return pool;
	free(pool);
	return NULL;
}

static bool put(struct message *to, const ProtobufCMessage *message)
{
	to->bytes = malloc(protobuf_c_message_get_packed_size(message));
	if (to->bytes != NULL)
		to->length = protobuf_c_message_pack(message, to->bytes);
	return to->bytes != NULL;
}

void lf_pool_destroy(struct lf_pool *pool)
{
	if (pool == NULL)
		return;
	for (size_t i = 0; i < pool->count; i++)
		free(pool->messages[i].bytes);
	free(pool->messages);
	free(pool);
}

size_t lf_pool_count(const struct lf_pool *pool)
{
	return pool->count;
}

size_t lf_pool_bytes(const struct lf_pool *pool)
{
	size_t sum = 0;

	for (size_t i = 0; i < pool->count; i++)
		sum += pool->messages[i].length;
	return sum / pool->count;
}

static const uint8_t *request(const void *context, uint64_t number, uint8_t *buffer, size_t *length)
{
	const struct lf_pool *pool = context;
	const struct message *message = &pool->messages[number % pool->count];

	(void)buffer;
	*length = message->length;
	return message->bytes;
}

struct lf_source lf_pool_source(const struct lf_pool *pool)
{
	return (struct lf_source){request, pool, pool->method};
}

/* ---- single ones ---- */

enum lf_code lf_pool_new_scores(
	struct lf_pool **out, const struct lf_bench_settings *settings, unsigned members, struct lf_error *error)
{
	struct lf_pool *pool = pool_new("Score", MEMBERS / members);
	struct lf_draft *draft = lf_draft_new(members);
	uint64_t state = settings->seed;
	bool good = pool != NULL && draft != NULL;

	for (size_t i = 0; good && i < pool->count; i++) {
		Leadfit__V1__ScoreRequest message = LEADFIT__V1__SCORE_REQUEST__INIT;

		message.team = lf_draft_team(draft, (unsigned)i, settings->seed);
		message.project = lf_draft_project(draft, lf_draft_below(&state, settings->projects), settings->seed);
		message.as_of = lf_draft_as_of(draft);
		good = put(&pool->messages[i], &message.base);
	}
	lf_draft_destroy(draft);
	if (!good)
		return no_memory(pool, error);
	*out = pool;
	return LF_OK;
}

/* ---- batches ---- */

/* The memory of one message. */
struct batch {
	unsigned teams, projects;
	struct lf_draft *drafts[LF_BATCH_MAX];
	Leadfit__V1__Team *team_list[LF_BATCH_MAX];
	Leadfit__V1__Project *project_list[LF_BATCH_MAX];
	Leadfit__V1__BatchItem items[LF_BATCH_MAX], *item_list[LF_BATCH_MAX];
};

static struct batch *batch_new(const struct lf_batch_shape *shape)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	const unsigned root = (unsigned)sqrt((double)shape->items);

	if (batch == NULL)
		return NULL;
	batch->projects = shape->distinct ? 1 : root;
	batch->teams = (shape->items + batch->projects - 1) / batch->projects;
	for (unsigned i = 0; i < shape->items; i++) {
		batch->drafts[i] = lf_draft_new(LF_WORKLOAD_MEMBERS);
		if (batch->drafts[i] == NULL)
			break;
	}
	return batch;
}

static void batch_destroy(struct batch *batch)
{
	for (unsigned i = 0; batch != NULL && i < LF_BATCH_MAX; i++)
		lf_draft_destroy(batch->drafts[i]);
	free(batch);
}

/* Teams in turn, so that all occur; as many different projects. Items that share a team follow one another. */
static bool put_batch(struct message *to, struct batch *batch, const struct lf_bench_settings *settings,
	const struct lf_batch_shape *shape, size_t number)
{
	Leadfit__V1__ScoreBatchRequest message = LEADFIT__V1__SCORE_BATCH_REQUEST__INIT;
	const size_t teams = settings->teams == 0 ? LF_BENCH_TEAMS_MAX : settings->teams;
	const unsigned projects = shape->distinct ? shape->items : batch->projects;

	for (unsigned i = 0; i < shape->items; i++) {
		struct lf_draft *draft = batch->drafts[i];

		if (draft == NULL)
			return false;
		batch->team_list[i] =
			lf_draft_team(draft, (unsigned)((number * batch->teams + i) % teams), settings->seed);
		batch->project_list[i] = lf_draft_project(
			draft, (unsigned)((number * projects + i) % settings->projects), settings->seed);
		leadfit__v1__batch_item__init(&batch->items[i]);
		batch->items[i].team = i / batch->projects;
		batch->items[i].project = shape->distinct ? i : i % batch->projects;
		batch->item_list[i] = &batch->items[i];
	}
	message.teams = batch->team_list;
	message.n_teams = batch->teams;
	message.projects = batch->project_list;
	message.n_projects = projects;
	message.items = batch->item_list;
	message.n_items = shape->items;
	message.as_of = lf_draft_as_of(batch->drafts[0]);
	message.full = shape->full;
	return put(to, &message.base);
}

enum lf_code lf_pool_new_batches(struct lf_pool **out, const struct lf_bench_settings *settings,
	const struct lf_batch_shape *shape, struct lf_error *error)
{
	struct lf_pool *pool = pool_new("ScoreBatch", DECISIONS / shape->items);
	struct batch *batch = batch_new(shape);
	bool good = pool != NULL && batch != NULL;

	for (size_t i = 0; good && i < pool->count; i++)
		good = put_batch(&pool->messages[i], batch, settings, shape, i);
	batch_destroy(batch);
	if (!good)
		return no_memory(pool, error);
	*out = pool;
	return LF_OK;
}
