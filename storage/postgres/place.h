/* Where a log in PostgreSQL is: a URL, taken apart once. What it says is never shown but for host, port and database. */
#ifndef LF_STORAGE_POSTGRES_PLACE_H
#define LF_STORAGE_POSTGRES_PLACE_H

#include "proto/base/status.h"

enum { LF_PG_HOSTS_MAX = 16, LF_PG_OPTIONS_MAX = 64 };

/* One server of the URL. */
struct lf_pg_host {
	char *host, *hostaddr, *port; /* NULL: not given */
};

struct lf_pg_place {
	/* What libpq is given beside the host; names are libpq's own, values are ours. */
	char *names[LF_PG_OPTIONS_MAX], *values[LF_PG_OPTIONS_MAX];
	size_t count;
	struct lf_pg_host hosts[LF_PG_HOSTS_MAX]; /* at least one */
	size_t host_count;
	char database[128]; /* for messages; "" where libpq is to choose */
	bool unverified;    /* goes over a network, and sslmode is below verify-full */
};

/*
 * Takes a URL apart. INVALID_ARGUMENT where it is none, has too many hosts, or has a password in it: everybody who can
 * list processes would read that. The message never repeats the URL. Any thread; reads no file but libpq's service file.
 */
enum lf_code lf_pg_place_parse(struct lf_pg_place *place, const char *url, struct lf_error *error);
/* The URL without what is ours, which libpq does not know. free() releases. */
char *lf_pg_take_own_options(const char *url, bool *asynchronous);
void lf_pg_place_clean_up(struct lf_pg_place *place);

/* "HOST:PORT/DATABASE" of one of its servers, for messages. */
void lf_pg_place_print(const struct lf_pg_place *place, size_t host, char *text, size_t size);

#endif
