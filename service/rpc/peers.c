#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/rpc/internal.h"

/*
 * Connections and addresses, and the shares of them and of callers.
 *
 * Design notes
 *
 * A share is no fixed part. One may have as much as is free, times a factor: what it leaves is never less than a part of
 * what it has. With a factor of 1, one that takes all it can gets half and leaves half; two get a third each; and with N of
 * them a part in N + 1 is free for who comes next. So there are no numbers to choose, and who is alone is hardly limited.
 *
 * The only call of a share may take what the budget has: a request of a thousand people needs more than a part of it.
 */

/* Of what is free, by kind: an address or a caller may have several connections that each take their part. */
static const size_t factors[LF_RPC_SHARES] = {[LF_RPC_CONNECTION] = 1, [LF_RPC_ADDRESS] = 3, [LF_RPC_CALLER] = 3};

/* ---- shares ---- */

bool lf_rpc_may_fly(const struct lf_rpc_call *call, size_t free, enum lf_rpc_share_kind *kind)
{
	for (size_t i = 0; i < LF_RPC_SHARES; i++)
		if (call->shares[i] != NULL && atomic_load(&call->shares[i]->in_flight) >= factors[i] * free) {
			*kind = (enum lf_rpc_share_kind)i;
			return false;
		}
	return true;
}

bool lf_rpc_may_stream(const struct lf_rpc_call *call, size_t free, enum lf_rpc_share_kind *kind, size_t *has)
{
	static const enum lf_rpc_share_kind KINDS[] = {LF_RPC_CONNECTION, LF_RPC_ADDRESS};

	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		const struct lf_rpc_share *share = call->shares[KINDS[i]];

		*kind = KINDS[i];
		*has = 0;
		for (const struct lf_rpc_stream *stream = call->server->streams; stream != NULL; stream = stream->next)
			*has += stream->call->shares[KINDS[i]] == share;
		if (share != NULL && *has >= factors[KINDS[i]] * free)
			return false;
	}
	return true;
}

static size_t read_size(const atomic_size_t *size)
{
	return atomic_load_explicit(size, memory_order_relaxed);
}

/* Whether bytes more are within the shares of the call, which counts with those that it has itself in flight. */
static bool fits(const struct lf_rpc_call *call, size_t bytes, bool reply, enum lf_rpc_share_kind *kind)
{
	const struct lf_rpc_budget *budget = &call->server->budget;
	const size_t used = read_size(&budget->used), own = call->admitted ? 1 : 0;
	const size_t room = used + bytes < budget->max ? budget->max - used - bytes : 0;

	for (size_t i = 0; i < LF_RPC_SHARES; i++) {
		const struct lf_rpc_share *share = call->shares[i];

		/* A stream is never the only one: it stays, and is not in flight. */
		if (share != NULL && (call->stream != NULL || read_size(&share->in_flight) > own) &&
			read_size(reply ? &share->reply_bytes : &share->bytes) + bytes > factors[i] * room) {
			*kind = (enum lf_rpc_share_kind)i;
			return false;
		}
	}
	return true;
}

bool lf_rpc_may_take(const struct lf_rpc_call *call, size_t bytes, enum lf_rpc_share_kind *kind)
{
	return fits(call, bytes, false, kind);
}

void lf_rpc_share_bytes(const struct lf_rpc_call *call, size_t taken, size_t given)
{
	for (size_t i = 0; i < LF_RPC_SHARES; i++)
		if (call->shares[i] != NULL)
			atomic_fetch_add_explicit(&call->shares[i]->bytes, taken - given, memory_order_relaxed);
}

static void share_reply_bytes(const struct lf_rpc_call *call, size_t taken, size_t given)
{
	lf_rpc_share_bytes(call, taken, given);
	for (size_t i = 0; i < LF_RPC_SHARES; i++)
		if (call->shares[i] != NULL)
			atomic_fetch_add_explicit(&call->shares[i]->reply_bytes, taken - given, memory_order_relaxed);
}

static bool take(struct lf_rpc_call *call, size_t bytes)
{
	struct lf_rpc_budget *budget = &call->server->budget;

	return call->urgent ? lf_rpc_budget_take_urgent(budget, bytes) : lf_rpc_budget_take(budget, bytes);
}

bool lf_rpc_take(struct lf_rpc_call *call, size_t bytes)
{
	if (!take(call, bytes))
		return false;
	lf_rpc_share_bytes(call, bytes, 0);
	return true;
}

void lf_rpc_give(struct lf_rpc_call *call, size_t bytes)
{
	lf_rpc_share_bytes(call, 0, bytes);
	lf_rpc_budget_give(&call->server->budget, bytes);
}

bool lf_rpc_take_reply(struct lf_rpc_call *call, size_t bytes)
{
	enum lf_rpc_share_kind kind;

	/* An urgent call is not held up by what others of its address have not read. */
	if ((!call->urgent && !fits(call, bytes, true, &kind)) || !take(call, bytes))
		return false;
	share_reply_bytes(call, bytes, 0);
	return true;
}

void lf_rpc_give_reply(struct lf_rpc_call *call, size_t bytes)
{
	share_reply_bytes(call, 0, bytes);
	lf_rpc_budget_give(&call->server->budget, bytes);
}

static void name_address(const struct lf_rpc_address *address, char *text, size_t size)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char name[INET6_ADDRSTRLEN];

	if (memcmp(address->key, mapped, sizeof(mapped)) == 0)
		snprintf(text, size, "address %s", inet_ntop(AF_INET, address->key + 12, name, sizeof(name)));
	else
		snprintf(text, size, "address %s/64", inet_ntop(AF_INET6, address->key, name, sizeof(name)));
}

void lf_rpc_whose(const struct lf_rpc_call *call, enum lf_rpc_share_kind kind, char *text, size_t size)
{
	if (kind == LF_RPC_ADDRESS)
		name_address(call->peer->address, text, size);
	else if (kind == LF_RPC_CALLER)
		snprintf(text, size, "caller \"%s\"", call->account->name);
	else
		snprintf(text, size, "this connection");
}

/* ---- addresses ---- */

/* false for a local socket. */
static bool key_of(const struct sockaddr *remote, uint8_t key[16])
{
	memset(key, 0, 16);
	if (remote != NULL && remote->sa_family == AF_INET) {
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &((const struct sockaddr_in *)remote)->sin_addr, 4);
		return true;
	}
	if (remote == NULL || remote->sa_family != AF_INET6)
		return false;
	memcpy(key, &((const struct sockaddr_in6 *)remote)->sin6_addr, 16);
	if (!IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)remote)->sin6_addr))
		memset(key + 8, 0, 8); /* one household, or one machine, has all of the rest */
	return true;
}

static struct lf_rpc_address **bucket_of(struct lf_rpc_server *server, const uint8_t key[16])
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < 16; i++)
		hash = (hash ^ key[i]) * 16777619u;
	return &server->addresses[hash % LF_RPC_ADDRESS_BUCKETS];
}

/* Under the lock: a reference to the address, which may be made of spare. */
static struct lf_rpc_address *address_take(
	struct lf_rpc_server *server, const uint8_t key[16], struct lf_rpc_address **spare)
{
	struct lf_rpc_address **bucket = bucket_of(server, key), *address = *bucket;

	while (address != NULL && memcmp(address->key, key, 16) != 0)
		address = address->next;
	if (address == NULL) {
		address = *spare;
		*spare = NULL;
		memcpy(address->key, key, 16);
		address->next = *bucket;
		*bucket = address;
	}
	address->references++;
	return address;
}

static void address_release(struct lf_rpc_server *server, struct lf_rpc_address *address)
{
	struct lf_rpc_address **at = bucket_of(server, address->key);

	if (--address->references != 0)
		return;
	while (*at != address)
		at = &(*at)->next;
	*at = address->next;
	free(address);
}

/* ---- connections ---- */

static void name_ipv4(struct lf_rpc_peer *peer, const struct in_addr *address)
{
	inet_ntop(AF_INET, address, peer->text, sizeof(peer->text));
	peer->is_of_this_machine = ntohl(address->s_addr) >> 24 == IN_LOOPBACKNET;
}

static void name_ipv6(struct lf_rpc_peer *peer, const struct in6_addr *address)
{
	inet_ntop(AF_INET6, address, peer->text, sizeof(peer->text));
	peer->is_of_this_machine = IN6_IS_ADDR_LOOPBACK(address) ||
		(IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == IN_LOOPBACKNET);
}

static void name_peer(struct lf_rpc_peer *peer, const struct sockaddr *remote)
{
	if (remote != NULL && remote->sa_family == AF_INET) {
		name_ipv4(peer, &((const struct sockaddr_in *)remote)->sin_addr);
	} else if (remote != NULL && remote->sa_family == AF_INET6) {
		name_ipv6(peer, &((const struct sockaddr_in6 *)remote)->sin6_addr);
	} else {
		snprintf(peer->text, sizeof(peer->text), "local");
		peer->is_of_this_machine = true;
	}
}

struct lf_rpc_peer *lf_rpc_peer_new(struct lf_rpc_server *server, const struct sockaddr *remote)
{
	struct lf_rpc_peer *peer = calloc(1, sizeof(*peer));
	struct lf_rpc_address *spare = calloc(1, sizeof(*spare));
	uint8_t key[16];

	if (peer == NULL || spare == NULL) {
		free(peer);
		free(spare);
		return NULL;
	}
	peer->server = server;
	peer->references = 1;
	name_peer(peer, remote);
	peer->wrong_tokens.credit_ns = (uint64_t)LF_RPC_WRONG_TOKENS * LF_RPC_WRONG_TOKEN_NS;
	if (key_of(remote, key)) {
		pthread_mutex_lock(&server->lock);
		peer->address = address_take(server, key, &spare);
		pthread_mutex_unlock(&server->lock);
	}
	free(spare);
	return peer;
}

static void release(struct lf_rpc_server *server, struct lf_rpc_peer *peer)
{
	LF_CHECK(R13, peer->references != 0);
	if (--peer->references != 0)
		return;
	LF_CHECK(R13, atomic_load(&peer->share.in_flight) == 0 && atomic_load(&peer->share.bytes) == 0);
	if (peer->address != NULL)
		address_release(server, peer->address);
	free(peer);
}

void lf_rpc_peer_release(struct lf_rpc_peer *peer)
{
	struct lf_rpc_server *server;

	if (peer == NULL)
		return;
	server = peer->server;
	pthread_mutex_lock(&server->lock);
	release(server, peer);
	pthread_mutex_unlock(&server->lock);
}

/* ---- calls ---- */

void lf_rpc_hold(struct lf_rpc_call *call)
{
	if (call->peer != NULL)
		call->peer->references++;
	if (call->account != NULL)
		call->account->references++;
}

void lf_rpc_let_go(struct lf_rpc_call *call)
{
	for (size_t i = 0; i < LF_RPC_SHARES; i++) {
		if (call->admitted && call->stream == NULL && call->shares[i] != NULL)
			atomic_fetch_sub(&call->shares[i]->in_flight, 1);
		call->shares[i] = NULL;
	}
	if (call->urgent && call->peer != NULL)
		call->peer->urgent--;
	if (call->account != NULL)
		lf_rpc_account_release(call->server, call->account);
	if (call->peer != NULL)
		release(call->server, call->peer);
	call->account = NULL;
	call->peer = NULL;
	call->flow = NULL;
	call->caller = "";
	call->admitted = call->urgent = call->wrong_token = false;
	call->retry_ms = 0;
}
