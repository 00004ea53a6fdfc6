/*
 * A reader: a connection of its own, made when it is first needed. A question is asked once more where its connection
 * was lost: nothing that a reader asks changes anything.
 */
#include <stdlib.h>

#include "storage/postgres/store.h"

static const struct lf_pg_statement begin = {"begin_read", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
static const struct lf_pg_statement end = {"end_read", "COMMIT"};

enum lf_code lf_pg_open_reader(struct lf_store *store, struct lf_reader **reader, struct lf_error *error)
{
	*reader = calloc(1, sizeof(**reader));
	if (*reader == NULL)
		return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	(*reader)->store = store;
	lf_pg_init(&(*reader)->pg, &store->place, store->read_only ? LF_PG_READ_ONLY : LF_PG_READ);
	(*reader)->pg.greet = lf_pg_greet;
	(*reader)->pg.greet_context = store;
	(*reader)->pg.host = atomic_load(&store->host);
	return LF_OK;
}

void lf_pg_close_reader(struct lf_reader *reader)
{
	lf_pg_close(&reader->pg);
	free(reader->record);
	free(reader);
}

/* Several are of one snapshot; one is by itself. */
static enum lf_code ask_once(
	struct lf_pg *pg, struct lf_pg_question *questions, size_t count, const char *doing, struct lf_error *error)
{
	if (lf_pg_connect(pg, error) != LF_OK)
		return error->code;
	if (count > 1)
		lf_pg_send(pg, &begin, NULL);
	for (size_t i = 0; i < count; i++)
		lf_pg_send(pg, questions[i].statement, questions[i].parameters);
	if (count > 1)
		lf_pg_send(pg, &end, NULL);
	lf_pg_sync(pg);
	if (count > 1 && lf_pg_receive(pg, NULL, doing, error) != LF_OK)
		return error->code;
	for (size_t i = 0; i < count; i++)
		if (lf_pg_receive(pg, &questions[i].result, doing, error) != LF_OK)
			return error->code;
	if (count > 1 && lf_pg_receive(pg, NULL, doing, error) != LF_OK)
		return error->code;
	return lf_pg_finish(pg, doing, error);
}

enum lf_code lf_pg_ask(struct lf_reader *reader, struct lf_pg_question *questions, size_t count, const char *doing,
	struct lf_error *error)
{
	struct lf_pg *pg = &reader->pg;

	for (int again = 0;; again++) {
		bool connected;

		if (lf_pg_is_old(reader->store, pg)) {
			lf_pg_close(pg);
			pg->host = atomic_load(&reader->store->host);
		}
		connected = pg->conn != NULL;
		for (size_t i = 0; i < count; i++)
			questions[i].result = NULL;
		pg->lost = pg->late = false;
		if (ask_once(pg, questions, count, doing, error) == LF_OK)
			return LF_OK;
		for (size_t i = 0; i < count; i++) {
			PQclear(questions[i].result);
			questions[i].result = NULL;
		}
		/* A transaction that has failed would be in the way of the next question. */
		if (count > 1 || error->code == LF_ABORTED)
			lf_pg_close(pg);
		if (!pg->lost || pg->late || !connected || again == 1)
			break;
		lf_error_clean_up(error);
	}
	/*
	 * That a schema is gone, say, or another log's, is no answer to what was asked: what is NOT_FOUND is found out by
	 * an answer.
	 */
	if (error->code != LF_DATA_LOSS)
		error->code = LF_UNAVAILABLE;
	return error->code;
}

enum lf_code lf_pg_ask_one(struct lf_reader *reader, const struct lf_pg_statement *statement,
	const struct lf_pg_parameters *parameters, PGresult **result, const char *doing, struct lf_error *error)
{
	struct lf_pg_question question = {statement, parameters, NULL};

	lf_pg_ask(reader, &question, 1, doing, error);
	*result = question.result;
	return error->code;
}
