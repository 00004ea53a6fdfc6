/*
 * G8. Whose connection a transaction has. Who erases needs UPDATE and DELETE, and nobody else has them: where a keeper's
 * location is given, a transaction that erases is on a connection of its own, of the keeper's role. It takes the same lock
 * and continues the same head as any other, so the log's one writer still orders all.
 *
 * What a transaction holds is not known when it begins. So the first one that is to erase something is refused with
 * ABORTED, and begun again as the keeper's, with whatever else is in its batch: the keeper may add records, too. Where
 * the keeper is not to be had, the transaction is the writer's own, and what erases is refused by itself. Connecting to
 * it takes the writer's time, though: where it does not answer at all, appends wait for each try.
 */
#include <stdio.h>
#include <stdlib.h>

#include "storage/postgres/store.h"

/* The error, with whose it is. */
static enum lf_code name(struct lf_error *error, struct lf_error *cause)
{
	lf_error_set(error, cause->code, "the keeper's database: %s", cause->message);
	lf_error_clean_up(cause);
	return error->code;
}

enum lf_code lf_pg_open_keeper(struct lf_store *store, const char *location, struct lf_error *error)
{
	struct lf_pg_keeper *keeper = &store->keeper;
	struct lf_error cause = LF_ERROR_INIT;
	bool ignored;
	char *url;

	if (location == NULL)
		return LF_OK;
	url = lf_pg_take_own_options(location, &ignored);
	if (url == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	lf_pg_place_parse(&keeper->place, url, &cause);
	free(url);
	if (cause.code != LF_OK)
		return name(error, &cause);
	lf_pg_init_writer(store, &keeper->pg, &keeper->place);
	keeper->given = true;
	if (lf_pg_connect(&keeper->pg, &cause) != LF_OK)
		return name(error, &cause);
	lf_pg_close(&keeper->pg);
	return LF_OK;
}

void lf_pg_close_keeper(struct lf_store *store)
{
	lf_pg_close(&store->keeper.pg);
	lf_pg_place_clean_up(&store->keeper.place);
}

void lf_pg_note_keeper(struct lf_store *store, const struct lf_error *cause)
{
	struct lf_pg_keeper *keeper = &store->keeper;

	if (store->writer != &keeper->pg || cause->code == LF_ABORTED)
		return; /* somebody else was first: that is nothing of the keeper's */
	keeper->failed = true;
	snprintf(keeper->problem, sizeof(keeper->problem), "the keeper's database: %s", cause->message);
}

void lf_pg_choose(struct lf_store *store)
{
	struct lf_pg_keeper *keeper = &store->keeper;
	struct lf_error cause = LF_ERROR_INIT;

	if (store->transaction != LF_PG_NONE || !keeper->wanted || keeper->failed)
		return;
	if (lf_pg_is_old(store, &keeper->pg))
		lf_pg_close(&keeper->pg);
	store->writer = &keeper->pg;
	if (lf_pg_connect(&keeper->pg, &cause) != LF_OK) {
		lf_pg_note_keeper(store, &cause);
		store->writer = &store->own;
	}
	lf_error_clean_up(&cause);
}

void lf_pg_end_keeping(struct lf_store *store)
{
	if (store->writer == &store->own)
		return;
	lf_pg_close(&store->keeper.pg);
	store->writer = &store->own;
}

bool lf_pg_may_erase(struct lf_store *store, struct lf_item *item, struct lf_error *error)
{
	struct lf_pg_keeper *keeper = &store->keeper;

	if (store->writer == &keeper->pg || (!keeper->given && store->about.may_redact))
		return true;
	if (keeper->given && !keeper->failed) {
		keeper->wanted = true;
		lf_error_set(error, LF_ABORTED, "the transaction is to be the keeper's");
		return false;
	}
	item->refused = keeper->failed
		? keeper->problem
		: "this service's role in the database may not erase: the keeper's may, which --keeper-db names";
	item->refused_code = keeper->failed ? LF_UNAVAILABLE : LF_FAILED_PRECONDITION;
	return false;
}
