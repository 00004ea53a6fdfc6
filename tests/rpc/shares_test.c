/* Who gets what: turns between callers, shares of connections, addresses and callers, quotas, health, tokens. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/rpc/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "proto/wire/wire.h"

static const char SCORE[] = "leadfit.v1.Scoring/Score", PROFILE[] = "leadfit.v1.Scoring/Profile",
		  BATCH[] = "leadfit.v1.Scoring/ScoreBatch", CHECK[] = "grpc.health.v1.Health/Check";

/* SHA-256 of "a", "b" and "c". */
#define A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define B "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
#define C "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6"

enum { ORDER_MAX = 4096 };

/* Score keeps its call until the test lets go of it; Profile and ScoreBatch take the worker until the test says so. */
static struct stage {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct lf_rpc_call *held[ORDER_MAX];
	size_t held_count;
	char order[ORDER_MAX + 1]; /* first letters of who was served: the caller's name, "!" for health */
	size_t served;
	bool blocked, unblock;
} stage = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void answer(struct lf_rpc_call *call)
{
	assert_non_null(lf_rpc_stage_bytes(call, 0));
	lf_rpc_send(call);
}

static void note(struct lf_rpc_call *call, char letter, bool hold)
{
	pthread_mutex_lock(&stage.lock);
	if (stage.served < ORDER_MAX)
		stage.order[stage.served++] = letter;
	if (hold)
		stage.held[stage.held_count++] = call;
	pthread_cond_broadcast(&stage.changed);
	pthread_mutex_unlock(&stage.lock);
}

static void block(void)
{
	pthread_mutex_lock(&stage.lock);
	stage.blocked = true;
	pthread_cond_broadcast(&stage.changed);
	while (!stage.unblock)
		pthread_cond_wait(&stage.changed, &stage.lock);
	pthread_mutex_unlock(&stage.lock);
}

/* As a batch does: what one item after another needs of the call's budget, given back each time. */
static void churn(struct lf_rpc_call *call)
{
	struct lf_arena scratch;

	lf_arena_init(&scratch, SIZE_MAX);
	scratch.budget = lf_rpc_arena(call)->budget;
	for (int i = 0; i < 64; i++) {
		assert_non_null(lf_arena_alloc(&scratch, 256 * 1024));
		lf_arena_reset(&scratch);
	}
	lf_arena_clean_up(&scratch);
}

static void invoke_scoring(
	ProtobufCService *service, unsigned method, const ProtobufCMessage *input, ProtobufCClosure closure, void *data)
{
	struct lf_rpc_call *call = data;
	const struct lf_slice who = lf_rpc_metadata(call, "who");
	const char *name = service->descriptor->methods[method].name;
	const bool holds = strcmp(name, "Score") == 0, churns = strcmp(name, "ScoreBatch") == 0;

	(void)input;
	(void)closure;
	if (churns)
		churn(call);
	if (churns || strcmp(name, "Profile") == 0)
		block();
	else
		note(call, who.data != NULL ? *who.data : *lf_rpc_caller(call), holds);
	if (!holds)
		answer(call);
}

static void invoke_health(
	ProtobufCService *service, unsigned method, const ProtobufCMessage *input, ProtobufCClosure closure, void *data)
{
	(void)service;
	(void)method;
	(void)input;
	(void)closure;
	note(data, '!', false);
	answer(data);
}

static ProtobufCService scoring, health;

static struct lf_rpc_server *start(const struct lf_rpc_options *options)
{
	struct lf_rpc_server *server;

	stage.held_count = stage.served = 0;
	stage.blocked = stage.unblock = false;
	memset(stage.order, 0, sizeof(stage.order));
	scoring = (ProtobufCService){.descriptor = &leadfit__v1__scoring__descriptor, .invoke = invoke_scoring};
	health = (ProtobufCService){.descriptor = &grpc__health__v1__health__descriptor, .invoke = invoke_health};
	assert_int_equal(lf_rpc_server_new(&server, options, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_add(server, &scoring, LF_ROLE_SCORE, NULL), LF_OK);
	assert_int_equal(lf_rpc_server_add(server, &health, 0, NULL), LF_OK);
	lf_rpc_server_set_urgent(server, CHECK);
	assert_int_equal(lf_rpc_server_start(server, NULL), LF_OK);
	return server;
}

static void release(void)
{
	for (;;) {
		struct lf_rpc_call *call = NULL;

		pthread_mutex_lock(&stage.lock);
		if (stage.held_count != 0)
			call = stage.held[--stage.held_count];
		pthread_mutex_unlock(&stage.lock);
		if (call == NULL)
			return;
		answer(call);
	}
}

/* Waits until so many calls are held, and takes them: the test answers them. */
static void take_held(struct lf_rpc_call **calls, size_t count)
{
	pthread_mutex_lock(&stage.lock);
	while (stage.held_count < count)
		pthread_cond_wait(&stage.changed, &stage.lock);
	memcpy(calls, stage.held, count * sizeof(struct lf_rpc_call *));
	stage.held_count = 0;
	pthread_mutex_unlock(&stage.lock);
}

static void end(struct lf_rpc_server *server)
{
	release();
	assert_int_equal(lf_rpc_server_stop(server, 60000), 0);
	lf_rpc_server_destroy(server);
}

static void wait_blocked(void)
{
	pthread_mutex_lock(&stage.lock);
	while (!stage.blocked)
		pthread_cond_wait(&stage.changed, &stage.lock);
	pthread_mutex_unlock(&stage.lock);
}

static void unblock(void)
{
	pthread_mutex_lock(&stage.lock);
	stage.unblock = true;
	pthread_cond_broadcast(&stage.changed);
	pthread_mutex_unlock(&stage.lock);
}

static struct lf_tokens *tokens_of(const char *text)
{
	char path[] = "/tmp/lf-shares-XXXXXX";
	struct lf_tokens *tokens;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, 0600), 0);
	close(fd);
	assert_int_equal(lf_tokens_load(&tokens, path, NULL), LF_OK);
	unlink(path);
	return tokens;
}

static struct lf_rpc_peer *peer_from(struct lf_rpc_server *server, const char *address)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct lf_rpc_peer *peer;

	if (address == NULL)
		peer = lf_rpc_peer_new(server, NULL);
	else if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
		peer = lf_rpc_peer_new(server, (const struct sockaddr *)&four);
	else {
		assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
		peer = lf_rpc_peer_new(server, (const struct sockaddr *)&six);
	}
	assert_non_null(peer);
	return peer;
}

/* ---- calls ---- */

/* A call of method by token (NULL = none), over peer (may be NULL), of so many bytes. who: what is noted for it. */
static struct memory_flight *fly(struct lf_rpc_server *server, const char *method, struct lf_rpc_peer *peer,
	const char *token, const char *who, size_t bytes)
{
	struct lf_metadata metadata[2];
	char bearer[64];
	size_t count = 0;

	snprintf(bearer, sizeof(bearer), "Bearer %s", token != NULL ? token : "");
	if (token != NULL)
		metadata[count++] = (struct lf_metadata){{"authorization", 13}, {bearer, strlen(bearer)}};
	if (who != NULL)
		metadata[count++] = (struct lf_metadata){{"who", 3}, {who, strlen(who)}};
	return memory_start(server,
		&(struct memory_request){
			.method = method, .metadata = metadata, .metadata_count = count, .peer = peer, .bytes = bytes});
}

static void land(struct memory_flight *flight, enum lf_code code, const char *text)
{
	struct memory_reply reply;

	memory_end(flight, &reply);
	assert_string_equal(lf_code_name(reply.code), lf_code_name(code));
	if (text != NULL && strstr(reply.text, text) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", text, reply.text);
	memory_reply_clean_up(&reply);
}

/* As many as are admitted, of at most max; then what is said to the one that is not. */
static size_t fill(struct lf_rpc_server *server, struct lf_rpc_peer *peer, const char *token, size_t bytes, size_t max,
	struct memory_flight **flights, const char *text)
{
	size_t count = 0;

	while (count < max) {
		flights[count] = fly(server, SCORE, peer, token, NULL, bytes);
		if (memory_has_ended(flights[count])) {
			land(flights[count], LF_RESOURCE_EXHAUSTED, text);
			break;
		}
		count++;
	}
	return count;
}

static void land_all(struct memory_flight **flights, size_t count)
{
	struct memory_reply reply;

	for (size_t i = 0; i < count; i++) {
		/* What is queued still is held later. */
		while (!memory_has_ended(flights[i])) {
			release();
			usleep(100);
		}
		memory_end(flights[i], &reply);
		assert_int_equal(reply.code, LF_OK);
		memory_reply_clean_up(&reply);
	}
}

/* ---- turns ---- */

/* Each of N that wait has its turn within N, however much the first has sent before. */
static void callers_take_turns(void **state)
{
	enum { FLOOD = 200, OTHERS = 8, EACH = 3 };
	static const char *const names[OTHERS] = {"0", "1", "2", "3", "4", "5", "6", "7"}; /* outlive the calls */
	static struct memory_flight *flights[FLOOD + OTHERS * EACH];
	struct lf_rpc_peer *peers[1 + OTHERS];
	struct memory_flight *blocker;
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.worker_count = 1});
	size_t count = 0;

	(void)state;
	blocker = fly(server, PROFILE, NULL, NULL, NULL, 0);
	wait_blocked();
	for (size_t i = 0; i < 1 + OTHERS; i++)
		peers[i] = peer_from(server, NULL);
	while (count < FLOOD)
		flights[count++] = fly(server, SCORE, peers[0], NULL, "f", 0);
	for (size_t n = 0; n < EACH; n++)
		for (size_t i = 0; i < OTHERS; i++)
			flights[count++] = fly(server, SCORE, peers[1 + i], NULL, names[i], 0);
	unblock();
	land(blocker, LF_OK, NULL);
	land_all(flights, count);
	/* In each round all of them, one by one. */
	for (size_t round = 0; round < EACH; round++)
		for (size_t i = 0; i < OTHERS; i++) {
			const char *turn = stage.order + round * (1 + OTHERS);

			if (memchr(turn, *names[i], 1 + OTHERS) == NULL)
				fail_msg("%zu had no turn among %.*s", i, 1 + OTHERS, turn);
		}
	for (size_t i = 0; i < 1 + OTHERS; i++)
		lf_rpc_peer_release(peers[i]);
	end(server);
}

/* With tokens a caller has one turn, over however many connections. */
static void a_caller_has_one_turn_over_many_connections(void **state)
{
	enum { CONNECTIONS = 10 };
	struct memory_flight *flights[CONNECTIONS + 2], *blocker;
	struct lf_tokens *tokens = tokens_of("a " A " score\nb " B " score\n");
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.worker_count = 1, .tokens = tokens});
	struct lf_rpc_peer *peers[CONNECTIONS];

	(void)state;
	lf_tokens_release(tokens);
	blocker = fly(server, PROFILE, NULL, "a", NULL, 0);
	wait_blocked();
	for (size_t i = 0; i < CONNECTIONS; i++) {
		peers[i] = peer_from(server, NULL);
		flights[i] = fly(server, SCORE, peers[i], "a", NULL, 0);
	}
	flights[CONNECTIONS] = fly(server, SCORE, peers[0], "b", NULL, 0);
	flights[CONNECTIONS + 1] = fly(server, SCORE, peers[0], "b", NULL, 0);
	unblock();
	land(blocker, LF_OK, NULL);
	land_all(flights, CONNECTIONS + 2);
	assert_memory_equal(stage.order, "abab", 4);
	for (size_t i = 0; i < CONNECTIONS; i++)
		lf_rpc_peer_release(peers[i]);
	end(server);
}

/* ---- health ---- */

static void health_is_answered_beyond_the_limit_and_before_its_turn(void **state)
{
	enum { LIMIT = 8 };
	struct memory_flight *flights[LIMIT + 1], *checks[3], *blocker;
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.worker_count = 1, .in_flight_max = LIMIT});
	struct lf_rpc_peer *peer = peer_from(server, "192.0.2.1");
	size_t count;

	(void)state;
	blocker = fly(server, PROFILE, NULL, NULL, NULL, 0);
	wait_blocked();
	count = fill(server, NULL, NULL, 0, LIMIT, flights, "requests are in flight, which is the limit");
	assert_int_equal(count, LIMIT - 1);
	for (size_t i = 0; i < 2; i++)
		checks[i] = fly(server, CHECK, peer, NULL, NULL, 0);
	/* A third of one connection is as any other call. */
	checks[2] = fly(server, CHECK, peer, NULL, NULL, 0);
	land(checks[2], LF_RESOURCE_EXHAUSTED, NULL);
	unblock();
	land(blocker, LF_OK, NULL);
	land(checks[0], LF_OK, NULL);
	land(checks[1], LF_OK, NULL);
	land_all(flights, count);
	assert_memory_equal(stage.order, "!l!l", 4);
	lf_rpc_peer_release(peer);
	end(server);
}

/* A flood of health checks has every other turn at the most. */
static void health_does_not_starve_others(void **state)
{
	enum { CHECKS = 40 };
	struct memory_flight *checks[CHECKS], *flights[4], *blocker;
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.worker_count = 1});

	(void)state;
	blocker = fly(server, PROFILE, NULL, NULL, NULL, 0);
	wait_blocked();
	for (size_t i = 0; i < CHECKS; i++)
		checks[i] = fly(server, CHECK, NULL, NULL, NULL, 0);
	for (size_t i = 0; i < 4; i++)
		flights[i] = fly(server, SCORE, NULL, NULL, "s", 0);
	unblock();
	land(blocker, LF_OK, NULL);
	for (size_t i = 0; i < CHECKS; i++)
		land(checks[i], LF_OK, NULL);
	land_all(flights, 4);
	/* Those beyond LF_URGENT_MAX stand before the scores, in the same queue. */
	for (size_t i = 0; i < 2 * (CHECKS - LF_URGENT_MAX); i++)
		assert_int_equal(stage.order[i], '!');
	assert_memory_equal(stage.order + 2 * (CHECKS - LF_URGENT_MAX), "!s!s!s!s", 8);
	end(server);
}

/* ---- shares ---- */

static void one_connection_leaves_half_of_what_is_free(void **state)
{
	static struct memory_flight *first[64], *second[64], *third[64];
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.in_flight_max = 60});
	struct lf_rpc_peer *peers[3];
	size_t counts[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		peers[i] = peer_from(server, NULL);
	counts[0] = fill(server, peers[0], NULL, 0, 64, first, "this connection has 30 requests in flight");
	counts[1] = fill(server, peers[1], NULL, 0, 64, second, "this connection has 15 requests in flight");
	counts[2] = fill(server, peers[2], NULL, 0, 64, third, "its share of 60");
	assert_int_equal(counts[0], 30);
	assert_int_equal(counts[1], 15);
	assert_true(counts[2] >= 7);
	land_all(first, counts[0]);
	land_all(second, counts[1]);
	land_all(third, counts[2]);
	/* And all of it is given back. */
	counts[0] = fill(server, peers[2], NULL, 0, 64, first, "this connection");
	assert_int_equal(counts[0], 30);
	land_all(first, counts[0]);
	for (size_t i = 0; i < 3; i++)
		lf_rpc_peer_release(peers[i]);
	end(server);
}

static void one_address_leaves_a_quarter_however_many_connections_it_has(void **state)
{
	static const char *const SAME[][2] = {{"192.0.2.7", "192.0.2.7"}, {"2001:db8::1", "2001:db8::ffff:2"}};
	static const char *const SAYS[] = {"address 192.0.2.7 has", "address 2001:db8::/64 has"};
	static struct memory_flight *flights[20][64], *other[64];

	(void)state;
	for (size_t kind = 0; kind < 2; kind++) {
		struct lf_rpc_server *server = start(&(struct lf_rpc_options){.in_flight_max = 80});
		struct lf_rpc_peer *peers[20], *elsewhere = peer_from(server, "2001:db8:0:1::1");
		size_t counts[20], sum = 0, others;

		for (size_t i = 0; i < 20; i++) {
			peers[i] = peer_from(server, SAME[kind][i % 2]);
			counts[i] = fill(server, peers[i], NULL, 0, 12, flights[i], sum >= 60 ? SAYS[kind] : NULL);
			sum += counts[i];
		}
		assert_int_equal(sum, 60);
		others = fill(server, elsewhere, NULL, 0, 64, other, "this connection");
		assert_int_equal(others, 10);
		for (size_t i = 0; i < 20; i++)
			land_all(flights[i], counts[i]);
		land_all(other, others);
		for (size_t i = 0; i < 20; i++)
			lf_rpc_peer_release(peers[i]);
		lf_rpc_peer_release(elsewhere);
		end(server);
	}
}

static void one_caller_leaves_a_quarter(void **state)
{
	static struct memory_flight *flights[128], *other[128];
	struct lf_tokens *tokens = tokens_of("alice " A " score\nbob " B " score\n");
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.in_flight_max = 80, .tokens = tokens});
	size_t count, others;

	(void)state;
	lf_tokens_release(tokens);
	count = fill(server, NULL, "a", 0, 128, flights, "caller \"alice\" has 60 requests in flight");
	assert_int_equal(count, 60);
	others = fill(server, NULL, "b", 0, 128, other, "caller \"bob\" has");
	assert_int_equal(others, 15);
	land_all(flights, count);
	land_all(other, others);
	end(server);
}

static void bytes_have_shares_too(void **state)
{
	enum { KIB = 1024 };
	static struct memory_flight *flights[64], *other[64];
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.request_bytes_max = 1024 * KIB});
	struct lf_rpc_peer *greedy = peer_from(server, "192.0.2.1"), *modest = peer_from(server, "192.0.2.2");
	size_t count, others;

	(void)state;
	/* Beside 100 KiB each, what those that are at work have taken so far. */
	count = fill(server, greedy, NULL, 100 * KIB, 64, flights, "the requests of this connection use ");
	assert_in_range(count, 4, 5);
	others = fill(server, modest, NULL, 100 * KIB, 64, other, "more than its share of 1048576");
	assert_true(others >= 2);
	land_all(flights, count);
	land_all(other, others);
	/* The only one may have what there is. */
	count = fill(server, greedy, NULL, 900 * KIB, 1, flights, NULL);
	assert_int_equal(count, 1);
	land_all(flights, count);
	lf_rpc_peer_release(greedy);
	lf_rpc_peer_release(modest);
	end(server);
}

/*
 * A decision that is on disk gets its id behind its reply, which was made before: however full its shares and the budget
 * are by then, for it can't be said any more that there is no decision.
 */
static void an_id_is_appended_where_nothing_else_may_be_taken(void **state)
{
	enum { KIB = 1024, CALLS = 8, REPLY = 512 * KIB };
	static const uint8_t id[64] = {0x0a, 62}, more[4 * KIB];
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){
		.worker_count = 1, .request_bytes_max = 4096 * KIB}); /* one worker: calls[i] is flights[i]'s */
	struct lf_rpc_peer *peer = peer_from(server, "192.0.2.1");
	struct lf_error error = LF_ERROR_INIT;
	struct memory_flight *flights[CALLS];
	struct lf_rpc_call *calls[CALLS];
	size_t staged = 0, taken = 0;

	(void)state;
	for (size_t i = 0; i < CALLS; i++)
		flights[i] = fly(server, SCORE, peer, NULL, NULL, 1);
	take_held(calls, CALLS);
	while (staged < CALLS && lf_rpc_stage_bytes(calls[staged], REPLY) != NULL)
		staged++;
	assert_in_range(staged, 2, CALLS - 1); /* its share of replies is full now */
	while (lf_rpc_server_take(server, KIB))
		taken += KIB; /* and so is the budget */
	assert_false(lf_rpc_append(calls[0], more, sizeof(more)));
	for (size_t i = 0; i < staged; i++) {
		assert_true(lf_rpc_append(calls[i], id, sizeof(id)));
		lf_rpc_send(calls[i]);
	}
	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "no memory for the reply");
	for (size_t i = staged; i < CALLS; i++)
		lf_rpc_fail(calls[i], &error);
	for (size_t i = 0; i < CALLS; i++) {
		struct memory_reply reply;

		memory_end(flights[i], &reply);
		assert_int_equal(reply.code, i < staged ? LF_OK : LF_RESOURCE_EXHAUSTED);
		if (i < staged) {
			assert_int_equal(reply.last.length, REPLY + sizeof(id));
			assert_memory_equal(reply.last.data + REPLY, id, sizeof(id));
		}
		memory_reply_clean_up(&reply);
	}
	lf_rpc_server_give(server, taken);
	lf_rpc_peer_release(peer);
	end(server);
}

static void what_a_call_has_given_back_is_in_no_share(void **state)
{
	struct lf_rpc_server *server =
		start(&(struct lf_rpc_options){.worker_count = 1, .request_bytes_max = 1024 * 1024});
	struct lf_rpc_peer *peer = peer_from(server, "192.0.2.1");
	struct memory_flight *batch, *beside;

	(void)state;
	batch = fly(server, BATCH, peer, NULL, NULL, 0);
	wait_blocked();
	beside = fly(server, SCORE, peer, NULL, NULL, 1024);
	assert_false(memory_has_ended(beside));
	unblock();
	land(batch, LF_OK, NULL);
	land_all(&beside, 1);
	lf_rpc_peer_release(peer);
	end(server);
}

/* ---- quotas ---- */

static void a_caller_is_held_to_its_quota_in_flight(void **state)
{
	struct memory_flight *flights[8];
	struct lf_tokens *tokens = tokens_of("alice " A " score in_flight=3\n");
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.tokens = tokens});
	size_t count;

	(void)state;
	lf_tokens_release(tokens);
	for (int round = 0; round < 3; round++) {
		count = fill(
			server, NULL, "a", 0, 8, flights, "caller \"alice\" has 3 requests in flight, and may have 3");
		assert_int_equal(count, 3);
		land_all(flights, count);
	}
	end(server);
}

static void a_caller_is_held_to_its_requests_per_second_and_told_when_to_come_back(void **state)
{
	enum { RATE = 5 };
	struct lf_tokens *tokens = tokens_of("alice " A " score requests_per_second=5\nbob " B " score\n");
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.tokens = tokens});
	struct memory_flight *flights[1];
	struct memory_reply reply = {.code = LF_OK};
	size_t served = 0;

	(void)state;
	lf_tokens_release(tokens);
	/* A second's worth is there at once; how many come on top depends on how slow this machine is. */
	while (served < 1000) {
		memory_end(fly(server, "leadfit.v1.Scoring/Sweep", NULL, "a", NULL, 0), &reply);
		if (reply.code != LF_OK)
			break;
		memory_reply_clean_up(&reply);
		served++;
	}
	assert_true(served >= RATE);
	assert_int_equal(reply.code, LF_RESOURCE_EXHAUSTED);
	assert_non_null(strstr(reply.text, "caller \"alice\" has used its 5 requests per second: retry in "));
	assert_in_range(reply.retry_ms, 1, 1000 / RATE + 1);
	memory_reply_clean_up(&reply);
	usleep((1000 / RATE + 1) * 1000);
	land(fly(server, "leadfit.v1.Scoring/Sweep", NULL, "a", NULL, 0), LF_OK, NULL);
	/* Others have their own. */
	assert_int_equal(fill(server, NULL, "b", 0, 1, flights, NULL), 1);
	land_all(flights, 1);
	end(server);
}

/* ---- tokens ---- */

static void tokens_are_replaced_while_it_runs(void **state)
{
	struct memory_flight *flights[8];
	struct lf_tokens *tokens = tokens_of("alice " A " score in_flight=2\nbob " B " score\n");
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.tokens = tokens});
	struct lf_error error = LF_ERROR_INIT;

	(void)state;
	lf_tokens_release(tokens);
	assert_int_equal(fill(server, NULL, "a", 0, 2, flights, NULL), 2);
	flights[2] = fly(server, SCORE, NULL, "b", NULL, 0);
	/* Alice has another token, bob none any more, carol is new. */
	tokens = tokens_of("carol " B " score\nalice " C " score in_flight=3\n");
	assert_int_equal(lf_rpc_server_set_tokens(server, tokens, &error), LF_OK);
	lf_tokens_release(tokens);
	land(fly(server, SCORE, NULL, "a", NULL, 0), LF_UNAUTHENTICATED, "the token is unknown");
	/* What alice has in flight is hers still. */
	assert_int_equal(fill(server, NULL, "c", 0, 8, flights + 3, "caller \"alice\" has 3 requests in flight"), 1);
	assert_int_equal(fill(server, NULL, "b", 0, 1, flights + 4, NULL), 1);
	/* And what bob had is answered. */
	land_all(flights, 5);
	tokens = tokens_of("");
	assert_int_equal(lf_rpc_server_set_tokens(server, tokens, &error), LF_OK);
	lf_tokens_release(tokens);
	land(fly(server, SCORE, NULL, "c", NULL, 0), LF_UNAUTHENTICATED, "the token is unknown");
	assert_int_equal(lf_rpc_server_set_tokens(server, NULL, &error), LF_FAILED_PRECONDITION);
	end(server);
	server = start(&(struct lf_rpc_options){0});
	tokens = tokens_of("");
	assert_int_equal(lf_rpc_server_set_tokens(server, tokens, &error), LF_FAILED_PRECONDITION);
	lf_tokens_release(tokens);
	end(server);
}

static void *replace_all_the_time(void *argument)
{
	struct lf_tokens *tokens[] = {
		tokens_of("alice " A " score\nbob " B " score\n"), tokens_of("carol " C " score\nalice " A " score\n")};

	for (int i = 0; i < 2000; i++)
		assert_int_equal(lf_rpc_server_set_tokens(argument, tokens[i % 2], NULL), LF_OK);
	lf_tokens_release(tokens[0]);
	lf_tokens_release(tokens[1]);
	return NULL;
}

static void who_is_in_both_files_is_served_while_they_are_replaced(void **state)
{
	struct lf_tokens *tokens = tokens_of("alice " A " score\n");
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.tokens = tokens});
	pthread_t thread;

	(void)state;
	lf_tokens_release(tokens);
	assert_int_equal(pthread_create(&thread, NULL, replace_all_the_time, server), 0);
	for (int i = 0; i < 2000; i++) {
		struct memory_flight *sweep = fly(server, "leadfit.v1.Scoring/Sweep", NULL, "a", NULL, 0);
		struct memory_flight *wrong = fly(server, "leadfit.v1.Scoring/Sweep", NULL, "d", NULL, 0);

		land(sweep, LF_OK, NULL);
		land(wrong, LF_UNAUTHENTICATED, NULL);
	}
	pthread_join(thread, NULL);
	end(server);
}

/* A connection that guesses is answered at first, and then dropped. Others over it, and elsewhere, are served. */
static void who_guesses_tokens_is_not_answered_for_long(void **state)
{
	enum { GUESSES = 5000 };
	struct lf_tokens *tokens = tokens_of("alice " A " score\n");
	struct lf_rpc_server *server = start(&(struct lf_rpc_options){.tokens = tokens});
	struct lf_rpc_peer *peer = peer_from(server, "192.0.2.1");
	struct lf_rpc_counters counters;
	size_t answered = 0;

	(void)state;
	lf_tokens_release(tokens);
	for (int i = 0; i < GUESSES; i++) {
		struct memory_reply reply;

		memory_end(fly(server, SCORE, peer, "guess", NULL, 0), &reply);
		assert_true(!reply.answered || (reply.code == LF_UNAUTHENTICATED && reply.wrong_token));
		answered += reply.answered;
		memory_reply_clean_up(&reply);
	}
	assert_true(answered >= 64);
	lf_rpc_server_counters(server, &counters);
	assert_int_equal(counters.wrong_token, GUESSES);
	assert_int_equal(counters.unanswered, GUESSES - answered);
	assert_int_equal(counters.started, 0);
	land(fly(server, "leadfit.v1.Scoring/Sweep", peer, "a", NULL, 0), LF_OK, NULL);
	land(fly(server, SCORE, NULL, "guess", NULL, 0), LF_UNAUTHENTICATED, NULL);
	lf_rpc_peer_release(peer);
	end(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callers_take_turns),
		cmocka_unit_test(a_caller_has_one_turn_over_many_connections),
		cmocka_unit_test(health_is_answered_beyond_the_limit_and_before_its_turn),
		cmocka_unit_test(health_does_not_starve_others),
		cmocka_unit_test(one_connection_leaves_half_of_what_is_free),
		cmocka_unit_test(one_address_leaves_a_quarter_however_many_connections_it_has),
		cmocka_unit_test(one_caller_leaves_a_quarter),
		cmocka_unit_test(bytes_have_shares_too),
		cmocka_unit_test(an_id_is_appended_where_nothing_else_may_be_taken),
		cmocka_unit_test(what_a_call_has_given_back_is_in_no_share),
		cmocka_unit_test(a_caller_is_held_to_its_quota_in_flight),
		cmocka_unit_test(a_caller_is_held_to_its_requests_per_second_and_told_when_to_come_back),
		cmocka_unit_test(tokens_are_replaced_while_it_runs),
		cmocka_unit_test(who_is_in_both_files_is_served_while_they_are_replaced),
		cmocka_unit_test(who_guesses_tokens_is_not_answered_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
