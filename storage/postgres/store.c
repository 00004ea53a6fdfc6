/* Opening and closing a log in PostgreSQL; what every connection to it is looked at for; the vtable. */
#include "storage/postgres/store.h"

#include <stdlib.h>
#include <string.h>

#include "storage/postgres/postgres.h"

/* "leadfit" in hexadecimal. Advisory locks are a database's own, and so is the schema. */
#define LOCK_KEY INT64_C(0x6c656164666974)

/* ---- greeting ---- */

/* What a server must be for an acknowledgement to mean what it says. */
static enum lf_code check_server(const struct lf_store *store, const struct lf_pg *pg, struct lf_error *error)
{
	const struct lf_pg_facts *facts = &pg->facts;

	if (!facts->fsync || !facts->full_page_writes)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the server runs with %s off: what it acknowledges is gone after a crash",
			facts->fsync ? "full_page_writes" : "fsync");
	if (!facts->synchronous_standby && !store->asynchronous)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"the server's synchronous_standby_names is empty: a failover would lose what was acknowledged "
			"last; "
			"set it, or accept that");
	return LF_OK;
}

/* A primary that others have left still says that it is one. Timelines only rise. */
static enum lf_code check_timeline(struct lf_store *store, uint32_t timeline, struct lf_error *error)
{
	uint32_t seen = atomic_load(&store->timeline);

	while (timeline > seen && !atomic_compare_exchange_weak(&store->timeline, &seen, timeline))
		;
	return timeline >= seen || timeline == 0
		? LF_OK
		: lf_error_set(error, LF_UNAVAILABLE,
			  "the server is a primary of before: its timeline is %u, and %u was seen", timeline, seen);
}

bool lf_pg_is_old(struct lf_store *store, const struct lf_pg *pg)
{
	return pg->conn != NULL && pg->use != LF_PG_READ_ONLY && pg->facts.timeline != 0 &&
		pg->facts.timeline < atomic_load(&store->timeline);
}

enum lf_code lf_pg_greet(struct lf_pg *pg, void *context, struct lf_error *error)
{
	struct lf_store *store = context;
	struct lf_pg_about about = {.may_append = false};

	/* What is verified may be damaged in any way: its check says so. */
	if ((pg->use == LF_PG_WRITE ? lf_pg_check_schema : lf_pg_recognize)(pg, &about, error) != LF_OK) {
		if (error->code == LF_INVALID_ARGUMENT && pg->use != LF_PG_READ_ONLY)
			error->code = LF_FAILED_PRECONDITION;
		return error->code;
	}
	if (store->greeted && memcmp(about.log, store->about.log, sizeof(about.log)) != 0)
		return lf_error_set(error, LF_UNAVAILABLE, "the database has another log than the one that was opened");
	if (pg->use != LF_PG_READ_ONLY && check_timeline(store, pg->facts.timeline, error) != LF_OK)
		return error->code;
	if (pg->use == LF_PG_WRITE && !about.may_append)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"this role may not add records: grant it SELECT and INSERT on the tables of schema leadfit");
	if (pg == &store->keeper.pg && !about.may_redact)
		return lf_error_set(error, LF_FAILED_PRECONDITION,
			"this role may not erase: it is to be the one that leadfitd init --keeper-role was given");
	if (pg->use == LF_PG_WRITE && check_server(store, pg, error) != LF_OK)
		return error->code;
	if (!store->greeted) { /* the opening thread's connection, before there is another */
		store->about = about;
		store->greeted = true;
	}
	if (pg == &store->own) /* it may change */
		store->about.may_redact = about.may_redact;
	return LF_OK;
}

/* ---- opening ---- */

char *lf_pg_take_own_options(const char *url, bool *asynchronous)
{
	static const char own[] = "leadfit_asynchronous=accept";
	const size_t length = sizeof(own) - 1;
	char *copy = strdup(url);
	char *at = copy != NULL ? strstr(copy, own) : NULL;

	*asynchronous = at != NULL && at > copy && (at[-1] == '?' || at[-1] == '&') &&
		(at[length] == '\0' || at[length] == '&');
	if (!*asynchronous)
		return copy;
	if (at[length] == '&')
		memmove(at, at + length + 1, strlen(at + length + 1) + 1);
	else
		at[-1] = '\0';
	return copy;
}

void lf_pg_init_writer(struct lf_store *store, struct lf_pg *pg, const struct lf_pg_place *place)
{
	lf_pg_init(pg, place, store->read_only ? LF_PG_READ_ONLY : LF_PG_WRITE);
	pg->greet = lf_pg_greet;
	pg->greet_context = store;
}

static enum lf_code open_store(
	struct lf_store **out, const char *location, const char *keeper, bool read_only, struct lf_error *error)
{
	struct lf_store *store = calloc(1, sizeof(*store));
	char *url;

	if (store == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	store->read_only = read_only;
	store->writer = &store->own;
	store->lock_key = LOCK_KEY;
	url = lf_pg_take_own_options(location, &store->asynchronous);
	store->ids = lf_pg_ids_new();
	if (url == NULL || store->ids == NULL)
		lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	else
		lf_pg_place_parse(&store->place, url, error);
	free(url);
	if (error->code == LF_OK) {
		lf_pg_init_writer(store, &store->own, &store->place);
		lf_pg_connect(&store->own, error);
		atomic_store(&store->host, store->own.host);
	}
	if (error->code == LF_OK)
		lf_pg_open_keeper(store, keeper, error);
	if (error->code != LF_OK) {
		lf_pg_close_store(store);
		return error->code;
	}
	*out = store;
	return LF_OK;
}

/* What works, and an operator should know of. */
static void warn(const struct lf_store *store, const struct lf_log_options *options)
{
	void (*say)(void *context, const char *text) = options->on_warning;
	void *context = options->on_warning_context;

	if (say == NULL)
		return;
	if (store->place.unverified || store->keeper.place.unverified)
		say(context,
			"the database is reached over a network without sslmode=verify-full: somebody in between could "
			"read "
			"and change what is recorded");
	if (!store->writer->facts.checksums)
		say(context, "the database's server has no data checksums: damage on its disk is found late");
	if (!store->writer->facts.synchronous_standby)
		say(context,
			"the database's server has no synchronous standby: a failover may lose what was acknowledged "
			"last");
}

enum lf_code lf_pg_open_store(struct lf_store **store, const struct lf_log_options *options, struct lf_error *error)
{
	const enum lf_code code = open_store(store, options->location, options->keeper, false, error);

	if (code == LF_OK)
		warn(*store, options);
	if (code == LF_NOT_FOUND)
		error->code = LF_FAILED_PRECONDITION; /* it is not made here */
	return error->code;
}

enum lf_code lf_pg_open_read_only(struct lf_store **store, const char *location, struct lf_error *error)
{
	const enum lf_code code = open_store(store, location, NULL, true, error);

	if (code == LF_OK)
		lf_pg_close((*store)->writer); /* readers have their own */
	return code;
}

void lf_pg_close_store(struct lf_store *store)
{
	lf_pg_close(&store->own); /* the server rolls back what is open */
	lf_pg_close_keeper(store);
	for (size_t i = 0; i < sizeof(store->lookups) / sizeof(store->lookups[0]); i++) {
		free(store->lookups[i].entries);
		free(store->lookups[i].bodies);
	}
	lf_pg_visit_arrays(store, lf_pg_array_clean_up);
	lf_pg_ids_free(store->ids);
	lf_pg_place_clean_up(&store->place);
	free(store);
}

/* ---- the vtable ---- */

static uint64_t sync_ns(const struct lf_store *store)
{
	return store->sync_ns;
}

const struct lf_backend lf_postgres_backend = {
	.name = "postgres",
	.shared = true,
	.may_keep = true,
	.open = lf_pg_open_store,
	.open_read_only = lf_pg_open_read_only,
	.close = lf_pg_close_store,
	.tail = lf_pg_tail,
	.begin = lf_pg_begin,
	.prepare = lf_pg_prepare,
	.write = lf_pg_write,
	.commit = lf_pg_commit,
	.rollback = lf_pg_rollback,
	.maintain = lf_pg_maintain,
	.probe = lf_pg_probe,
	.tail_hashes = lf_pg_tail_hashes,
	.leave = lf_pg_leave,
	.sync_ns = sync_ns,
	.open_reader = lf_pg_open_reader,
	.close_reader = lf_pg_close_reader,
	.look = lf_pg_look,
	.settle = lf_pg_settle,
	.find_key = lf_pg_find_key,
	.get = lf_pg_get,
	.list = lf_pg_list_decisions,
	.get_rubric = lf_pg_get_rubric,
	.list_rubrics = lf_pg_list_rubrics,
	.list_activations = lf_pg_list_activations,
	.was_active = lf_pg_was_active,
	.scan = lf_pg_scan,
	.list_acts = lf_pg_list_acts,
	.head = lf_pg_head,
	.hashes = lf_pg_hashes,
	.find_leaf = lf_pg_find_leaf,
	.audit = lf_pg_audit,
	.get_payload = lf_pg_get_payload,
	.list_keys = lf_pg_list_keys,
	.list_members = lf_pg_list_members,
	.list_payloads = lf_pg_list_payloads,
	.check = lf_pg_check,
};
