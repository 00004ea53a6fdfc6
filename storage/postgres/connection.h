/*
 * One connection to PostgreSQL. libpq never blocks here: every wait is poll() with a deadline of ours, as a server that
 * is frozen, or a network that drops everything, would hold libpq for ever. After a deadline, and after any error that
 * leaves the state of the connection in doubt, it is closed, never cancelled: a cancelled commit that waits for its
 * standby is answered with success, and gone after a failover.
 *
 * Statements are sent in pipeline mode: any number of them, then one lf_pg_sync(), is one round trip. Their answers are
 * received in order. An error ends the group: what was sent behind it was not run, and is not to be received any more.
 *
 * One thread at a time.
 */
#ifndef LF_STORAGE_POSTGRES_CONNECTION_H
#define LF_STORAGE_POSTGRES_CONNECTION_H

#include <libpq-fe.h>

#include "storage/postgres/place.h"

enum {
	LF_PG_CONNECT_MS = 2000, /* for one host to answer */
	LF_PG_REST_MS = 100,     /* between rounds of all hosts that found none: each costs them a process */
	LF_PG_ANSWER_MS = 5000,  /* for all answers of a group, a commit's wait for its standby included */
	/*
	 * The server's: shorter than the answer's, in this order. A replica that froze while it held the lock loses its
	 * session first, and those who wait for the lock still get it within their time.
	 */
	LF_PG_IDLE_MS = 2000,
	LF_PG_LOCK_MS = 4000,
	LF_PG_STATEMENT_MS = 4000,
	LF_PG_EXPECTED_MAX = 128, /* answers of one group */
	LF_PG_PARAMETERS_MAX = 24,
};

/* What a connection is for. */
enum lf_pg_use {
	LF_PG_WRITE,     /* refuses a standby */
	LF_PG_READ,      /* refuses one, too: what was acknowledged must be read */
	LF_PG_READ_ONLY, /* of a log that is verified: a standby will do */
	LF_PG_OWN,       /* makes the schema: nothing of it is looked at */
};

/* What an answer is to. */
enum lf_pg_answer { LF_PG_A_PREPARE, LF_PG_A_QUERY, LF_PG_A_SYNC };

/* A statement: prepared on a connection when it is first sent. */
struct lf_pg_statement {
	const char *name, *sql;
};

/* What a server said of itself. */
struct lf_pg_facts {
	int version; /* 150018 */
	bool recovering;
	uint32_t timeline; /* 0: not known */
	bool utf8, fsync, full_page_writes, checksums, synchronous_standby;
};

struct lf_pg {
	const struct lf_pg_place *place; /* the store's */
	enum lf_pg_use use;
	/* Called once a connection is made, before anything else is sent: whether it is the log's. May be NULL. */
	enum lf_code (*greet)(struct lf_pg *pg, void *context, struct lf_error *error);
	void *greet_context;
	unsigned answer_ms;

	PGconn *conn; /* NULL: not connected */
	size_t host;  /* of the place: the one that was taken last */
	struct lf_pg_facts facts;
	bool warned; /* the server has said WARNING since this was cleared */
	bool lost;   /* the last operation ended with a connection gone, or in doubt, that had been fit */
	/* Hosts by number: that were fit when they were last asked; that must not be asked. */
	uint32_t fit, left;
	uint64_t rest_until_ms;
	bool late; /* ... because of a deadline of ours */
	uint64_t connects;
	uint64_t deadline_ms;                                       /* of the group that was sent last */
	const struct lf_pg_statement *prepared[LF_PG_EXPECTED_MAX]; /* on this connection */
	size_t prepared_count;
	struct {
		enum lf_pg_answer what;
		const struct lf_pg_statement *statement;
	} expected[LF_PG_EXPECTED_MAX]; /* answers, in order */
	size_t expected_first, expected_count;
	bool send_failed;
};

void lf_pg_init(struct lf_pg *pg, const struct lf_pg_place *place, enum lf_pg_use use);
/* Closes without asking what became of anything. Safe where it is not connected. */
void lf_pg_close(struct lf_pg *pg);
/* Parameters of a statement, in binary form. What they point to must stay until lf_pg_send() has returned. */
struct lf_pg_parameters {
	int count;
	const char *values[LF_PG_PARAMETERS_MAX];
	int lengths[LF_PG_PARAMETERS_MAX];
	uint8_t numbers[LF_PG_PARAMETERS_MAX][8];
};
void lf_pg_put_int8(struct lf_pg_parameters *parameters, int64_t value);
void lf_pg_put_int4(struct lf_pg_parameters *parameters, int32_t value);
void lf_pg_put_bool(struct lf_pg_parameters *parameters, bool value);
void lf_pg_put_bytes(struct lf_pg_parameters *parameters, const void *data, size_t length);
void lf_pg_put_text(struct lf_pg_parameters *parameters, const char *text);
void lf_pg_put_null(struct lf_pg_parameters *parameters);

/* Adds a statement to the group. parameters may be NULL. What fails is told by the next receive. */
void lf_pg_send(struct lf_pg *pg, const struct lf_pg_statement *statement, const struct lf_pg_parameters *parameters);
/* Ends the group, and sends what the socket takes. Its answers are due within answer_ms from now. */
void lf_pg_sync(struct lf_pg *pg);
/* ... from now: of a group that was sent long ago. */
void lf_pg_wait_anew(struct lf_pg *pg);
/*
 * The answer to the next statement of the group; PQclear() releases it. On any error the group is over, *result is NULL,
 * and the message says doing. Blocks, until the group is due. result may be NULL.
 */
enum lf_code lf_pg_receive(struct lf_pg *pg, PGresult **result, const char *doing, struct lf_error *error);
/* The end of the group. */
enum lf_code lf_pg_finish(struct lf_pg *pg, const char *doing, struct lf_error *error);
/* Ends the group, and receives and drops whatever was sent, until nothing is expected or the connection is lost. */
void lf_pg_drain(struct lf_pg *pg);
/* send, sync, receive, finish. */
enum lf_code lf_pg_run(struct lf_pg *pg, const struct lf_pg_statement *statement,
	const struct lf_pg_parameters *parameters, PGresult **result, const char *doing, struct lf_error *error);
/* A text of any number of statements, not in pipeline mode: for session.c and schema.c. The last one's rows, as text. */
enum lf_code lf_pg_script(
	struct lf_pg *pg, const char *sql, PGresult **result, const char *doing, struct lf_error *error);

/* Columns of an answer in binary form. A NULL is 0, or empty. */
int64_t lf_pg_int(const PGresult *result, int row, int column);
bool lf_pg_bool(const PGresult *result, int row, int column);
const uint8_t *lf_pg_bytes(const PGresult *result, int row, int column, size_t *length);
/* false where the column is NULL or of another length. */
bool lf_pg_fixed(const PGresult *result, int row, int column, void *out, size_t length);

/* For connect.c: the connection is gone, or nobody knows what it is in the middle of. why NULL: what libpq says. */
enum lf_code lf_pg_lose(struct lf_pg *pg, const char *doing, const char *why, struct lf_error *error);
/* Waits until a socket is ready for events of poll(), until that lf_clock_ms(). */
enum lf_pg_waited { LF_PG_WAITED, LF_PG_WAITED_TOO_LONG, LF_PG_WAITED_LOST };
enum lf_pg_waited lf_pg_wait(PGconn *conn, short events, uint64_t deadline_ms);

/* errors.c: what an SQLSTATE means to the log. NULL or "": the connection is gone. */
enum lf_code lf_pg_code_of(const char *sqlstate);
/* The session is of no use after this one, whatever it was. */
bool lf_pg_ends_session(const char *sqlstate, const char *severity);
/* Fills in an error from an answer: its first line alone, as DETAIL repeats keys and names. */
enum lf_code lf_pg_result_error(const PGresult *result, const char *doing, struct lf_error *error);
/* Of a connection that could not be made: libpq's text, one line, without what is secret. */
void lf_pg_connection_text(PGconn *conn, char *text, size_t size);

/* ---- connect.c ---- */

/*
 * Connects where it is not. Whoever writes asks all hosts that were not left, and takes the one of the highest timeline:
 * a primary of before still says that it is one. Others begin with the host that was taken last, and take the first that
 * is fit. UNAVAILABLE where none answers as it should; FAILED_PRECONDITION where one answers and is not fit (version,
 * encoding, schema). Blocks: for each host LF_PG_CONNECT_MS, what the system's resolver takes, and what greet() does.
 */
enum lf_code lf_pg_connect(struct lf_pg *pg, struct lf_error *error);

/* session.c: settings of a new connection, and what the server says of itself. Before pipeline mode. */
enum lf_code lf_pg_begin_session(struct lf_pg *pg, struct lf_error *error);

#endif
