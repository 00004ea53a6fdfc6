/* Opening and closing a log in PostgreSQL. */
#include "storage/postgres/store.h"

#include <stdlib.h>

/* "leadfit" in hexadecimal. Advisory locks are a database's own, and so is the schema. */
#define LOCK_KEY INT64_C(0x6c656164666974)

/* ---- opening ---- */

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
