/* What PostgreSQL's errors mean to the log, and what of their text may be shown. */
#include <stdlib.h>
#include <string.h>

#include "storage/postgres/connection.h"

/*
 * By SQLSTATE or, where it ends in 000 or has two letters only, by its class. The first that fits. Everything else is
 * UNAVAILABLE: the transaction is lost, and a later one may succeed.
 */
static const struct {
	const char *state;
	enum lf_code code;
} codes[] = {
	/* Nothing is stored: run the batch again. A unique key of the append path: somebody else was first. */
	{"23505", LF_ABORTED}, {"40001", LF_ABORTED}, /* serialization_failure */
	{"40P01", LF_ABORTED},                        /* deadlock_detected */
	{"57014", LF_ABORTED},                        /* query_canceled: by somebody, or by statement_timeout */
	{"53100", LF_RESOURCE_EXHAUSTED},             /* disk_full */
	{"XX001", LF_DATA_LOSS},                      /* data_corrupted */
	{"XX002", LF_DATA_LOSS},                      /* index_corrupted */
};

enum lf_code lf_pg_code_of(const char *sqlstate)
{
	if (sqlstate != NULL)
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
			if (strcmp(sqlstate, codes[i].state) == 0)
				return codes[i].code;
	return LF_UNAVAILABLE;
}

/* States after which a session must not be used again. */
static const char *const ending[] = {
	"08",    /* connection exceptions */
	"57P",   /* shutdown, crash, a session that was ended */
	"25006", /* the server became a standby */
	"25P03", /* idle in a transaction for too long */
	"42P05", /* a prepared statement is there that we did not prepare: a pooler's other session */
	"26000", /* a prepared statement is gone: a pooler's DISCARD ALL, and our settings with it */
	"0A000", /* a cached plan of an altered table */
	"XX",    /* internal */
};

bool lf_pg_ends_session(const char *sqlstate, const char *severity)
{
	if (severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
		return true;
	for (size_t i = 0; sqlstate != NULL && i < sizeof(ending) / sizeof(ending[0]); i++)
		if (strncmp(sqlstate, ending[i], strlen(ending[i])) == 0)
			return true;
	return sqlstate == NULL;
}

enum lf_code lf_pg_result_error(const PGresult *result, const char *doing, struct lf_error *error)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	enum lf_code code = lf_pg_code_of(state);

	/* A session or a server that ends so may have committed: a WAL that finds no room, say. */
	if (code != LF_DATA_LOSS && severity != NULL &&
		(strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
		code = LF_UNAVAILABLE;
	return lf_error_set(error, code, "%s: PostgreSQL says: %s (%s)", doing, text != NULL ? text : "nothing",
		state != NULL ? state : "no SQLSTATE");
}

/* Puts stars over each place in text where a secret stands. */
static void hide(char *text, const char *secret)
{
	const size_t length = secret != NULL ? strlen(secret) : 0;

	if (length == 0)
		return;
	for (char *at = strstr(text, secret); at != NULL; at = strstr(at + length, secret))
		memset(at, '*', length);
}

void lf_pg_connection_text(PGconn *conn, char *text, size_t size)
{
	char *message = strdup(PQerrorMessage(conn));
	size_t length = 0;

	if (message != NULL)
		hide(message, PQpass(conn)); /* before it is cut, which could leave the beginning of a secret */
	for (const char *at = message; at != NULL && *at != '\0' && length + 1 < size; at++)
		text[length++] = (char)(*at == '\n' || *at == '\t' ? ' ' : *at);
	while (length > 0 && text[length - 1] == ' ')
		length--;
	text[length] = '\0';
	free(message);
}
