#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/clock.h"
#include "service/rpc/internal.h"

/*
 * Who calls. Tokens can be replaced at any time; an account, with what a caller has in flight and has used of its quotas,
 * is found again by the caller's name, and lives as long as a book or a call refers to it.
 */

static const char BEARER[] = "Bearer ";

/* ---- quotas ---- */

bool lf_rpc_bucket_take(struct lf_rpc_bucket *bucket, uint64_t cost_ns, uint64_t max_ns, uint64_t *wait_ns)
{
	const uint64_t now_ns = lf_clock_ns(), passed_ns = now_ns - bucket->at_ns;

	bucket->credit_ns = passed_ns >= max_ns - bucket->credit_ns ? max_ns : bucket->credit_ns + passed_ns;
	bucket->at_ns = now_ns;
	if (bucket->credit_ns < cost_ns) {
		*wait_ns = cost_ns - bucket->credit_ns;
		return false;
	}
	bucket->credit_ns -= cost_ns;
	return true;
}

/* ---- accounts; under the lock ---- */

static struct lf_rpc_account *find_account(struct lf_rpc_server *server, const char *name)
{
	struct lf_rpc_account *account = server->accounts;

	while (account != NULL && strcmp(account->name, name) != 0)
		account = account->next;
	return account;
}

void lf_rpc_account_release(struct lf_rpc_server *server, struct lf_rpc_account *account)
{
	struct lf_rpc_account **at = &server->accounts;

	LF_CHECK(R13, account->references != 0);
	if (--account->references != 0)
		return;
	LF_CHECK(R13, atomic_load(&account->share.in_flight) == 0 && atomic_load(&account->share.bytes) == 0);
	while (*at != account)
		at = &(*at)->next;
	*at = account->next;
	free(account);
}

/* ---- books ---- */

static struct lf_rpc_account *account_new(const struct lf_caller *caller)
{
	struct lf_rpc_account *account = calloc(1, sizeof(*account));

	if (account != NULL) {
		snprintf(account->name, sizeof(account->name), "%s", caller->name);
		account->bucket.credit_ns = UINT64_C(1000000000);
	}
	return account;
}

static void book_free(struct lf_rpc_book *book)
{
	lf_tokens_release(book->tokens);
	free(book);
}

/* A book whose accounts are new, or NULL. */
static struct lf_rpc_book *book_new(struct lf_tokens *tokens)
{
	const size_t count = lf_tokens_count(tokens);
	struct lf_rpc_book *book = calloc(1, sizeof(*book) + count * sizeof(book->accounts[0]));

	if (book == NULL)
		return NULL;
	atomic_init(&book->references, 1);
	book->tokens = lf_tokens_keep(tokens);
	while (book->count < count) {
		struct lf_rpc_account *account = account_new(lf_tokens_caller(tokens, book->count));

		if (account == NULL) {
			while (book->count != 0)
				free(book->accounts[--book->count]);
			book_free(book);
			return NULL;
		}
		book->accounts[book->count++] = account;
	}
	return book;
}

/* Under the lock: an account that is there already takes the place of the new one. Those that are not needed are linked. */
static struct lf_rpc_account *settle(struct lf_rpc_server *server, struct lf_rpc_book *book)
{
	struct lf_rpc_account *unneeded = NULL;

	for (size_t i = 0; i < book->count; i++) {
		const struct lf_caller *caller = lf_tokens_caller(book->tokens, i);
		struct lf_rpc_account *fresh = book->accounts[i], *account = find_account(server, caller->name);

		if (account != NULL) {
			fresh->next = unneeded;
			unneeded = fresh;
			book->accounts[i] = account;
		} else {
			fresh->next = server->accounts;
			server->accounts = account = fresh;
		}
		account->references++;
		account->requests_per_second = caller->requests_per_second;
		account->in_flight_max = caller->in_flight_max;
	}
	return unneeded;
}

static void free_accounts(struct lf_rpc_account *account)
{
	while (account != NULL) {
		struct lf_rpc_account *next = account->next;

		free(account);
		account = next;
	}
}

struct lf_rpc_book *lf_rpc_book_take(struct lf_rpc_server *server)
{
	struct lf_rpc_book *book;

	if (server->options.tokens == NULL)
		return NULL;
	pthread_mutex_lock(&server->book_lock);
	book = server->book;
	atomic_fetch_add_explicit(&book->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&server->book_lock);
	return book;
}

void lf_rpc_book_give(struct lf_rpc_server *server, struct lf_rpc_book *book)
{
	if (book == NULL || atomic_fetch_sub(&book->references, 1) != 1)
		return;
	pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < book->count; i++)
		lf_rpc_account_release(server, book->accounts[i]);
	pthread_mutex_unlock(&server->lock);
	book_free(book);
}

enum lf_code lf_rpc_server_set_tokens(struct lf_rpc_server *server, struct lf_tokens *tokens, struct lf_error *error)
{
	struct lf_rpc_account *unneeded;
	struct lf_rpc_book *book, *old;

	if (server->options.tokens == NULL || tokens == NULL)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"whether there are tokens is decided when the service starts: start it again");
	book = book_new(tokens);
	if (book == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the tokens");
	pthread_mutex_lock(&server->lock);
	unneeded = settle(server, book);
	pthread_mutex_unlock(&server->lock);
	free_accounts(unneeded);
	pthread_mutex_lock(&server->book_lock);
	old = server->book;
	server->book = book;
	pthread_mutex_unlock(&server->book_lock);
	lf_rpc_book_give(server, old);
	return LF_OK;
}

enum lf_code lf_rpc_callers_init(struct lf_rpc_server *server, struct lf_tokens *tokens)
{
	snprintf(server->anonymous.name, sizeof(server->anonymous.name), "anonymous");
	server->anonymous.references = 1; /* never freed */
	if (pthread_mutex_init(&server->book_lock, NULL) != 0)
		return LF_RESOURCE_EXHAUSTED;
	if (tokens == NULL)
		return LF_OK;
	server->book = book_new(tokens);
	if (server->book != NULL) {
		settle(server, server->book); /* nothing is there yet: all are new, for names are unique */
		return LF_OK;
	}
	pthread_mutex_destroy(&server->book_lock);
	return LF_RESOURCE_EXHAUSTED;
}

void lf_rpc_callers_clean_up(struct lf_rpc_server *server)
{
	if (server->book != NULL)
		book_free(server->book);
	free_accounts(server->accounts);
	pthread_mutex_destroy(&server->book_lock);
}

/* ---- who it is ---- */

static const char *role_name(unsigned role)
{
	return role == LF_ROLE_READ      ? "read"
		: role == LF_ROLE_SCORE  ? "score"
		: role == LF_ROLE_RUBRIC ? "rubric"
					 : "admin";
}

static unsigned role_of(const struct lf_rpc_call *call)
{
	return call->service == NULL ? 0 : call->service->roles[call->method];
}

/* Whether a proxy passes on what somebody else asks. */
static bool is_passed_on(const struct lf_rpc_call *call)
{
	static const char *const keys[] = {"forwarded", "via", "x-forwarded-for", "x-real-ip"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (lf_metadata_find(call->request.metadata, call->request.metadata_count, keys[i]).data != NULL)
			return true;
	return false;
}

/* Whether anybody may call it from where the call comes. */
static bool is_open(const struct lf_rpc_call *call)
{
	return call->service != NULL && call->service->open_locally[call->method] && call->peer != NULL &&
		call->peer->is_of_this_machine && !is_passed_on(call);
}

/* It is the caller of this line, which may or may not do this. */
static enum lf_rpc_identity known(struct lf_rpc_call *call, const struct lf_rpc_book *book, size_t index)
{
	const unsigned role = role_of(call);

	call->account = book->accounts[index];
	call->caller = call->account->name;
	if (role != 0 && (lf_tokens_caller(book->tokens, index)->roles & (role | LF_ROLE_ADMIN)) == 0)
		return LF_RPC_LACKS_ROLE;
	return LF_RPC_KNOWN;
}

/* There is no token: its certificate says who it is, or it is nobody. */
static enum lf_rpc_identity by_certificate(struct lf_rpc_call *call, const struct lf_rpc_book *book)
{
	size_t index;

	if (lf_tokens_find_certificate(book->tokens, call->request.names, &index))
		return known(call, book, index);
	call->account = &call->server->anonymous;
	call->caller = call->account->name;
	return role_of(call) == 0 || is_open(call) ? LF_RPC_KNOWN : LF_RPC_NO_TOKEN;
}

static enum lf_rpc_identity by_token(struct lf_rpc_call *call, const struct lf_rpc_book *book, struct lf_slice token)
{
	size_t index;

	if (lf_tokens_find(book->tokens, token.data, token.length, &index))
		return known(call, book, index);
	call->wrong_token = true;
	return LF_RPC_WRONG_TOKEN;
}

enum lf_rpc_identity lf_rpc_identify(struct lf_rpc_call *call, const struct lf_rpc_book *book)
{
	const size_t prefix = sizeof(BEARER) - 1;
	struct lf_slice value;

	if (book == NULL) {
		call->caller = "local";
		return LF_RPC_KNOWN;
	}
	value = lf_metadata_find(call->request.metadata, call->request.metadata_count, "authorization");
	if (value.data == NULL)
		return by_certificate(call, book);
	if (value.length < prefix || memcmp(value.data, BEARER, prefix) != 0)
		return LF_RPC_NO_BEARER;
	return by_token(call, book, (struct lf_slice){value.data + prefix, value.length - prefix});
}

void lf_rpc_unidentified(const struct lf_rpc_call *call, enum lf_rpc_identity identity, struct lf_error *error)
{
	const struct lf_rpc_names *names = call->request.names;

	if (identity == LF_RPC_NO_TOKEN && lf_rpc_names_count(names) != 0)
		lf_error_set(error, LF_UNAUTHENTICATED,
			"the request has no token, and the tokens file no line for its certificate: cert:%.*s",
			(int)lf_rpc_names_get(names, 0).length, lf_rpc_names_get(names, 0).data);
	else if (identity == LF_RPC_NO_TOKEN)
		lf_error_set(error, LF_UNAUTHENTICATED,
			"the request has no token: metadata authorization, \"Bearer TOKEN\"");
	else if (identity == LF_RPC_NO_BEARER)
		lf_error_set(error, LF_UNAUTHENTICATED, "metadata authorization is not \"Bearer TOKEN\"");
	else if (identity == LF_RPC_WRONG_TOKEN)
		lf_error_set(error, LF_UNAUTHENTICATED, "the token is unknown");
	else
		lf_error_set(error, LF_PERMISSION_DENIED, "caller \"%s\" lacks the role %s", call->caller,
			role_name(role_of(call)));
}
