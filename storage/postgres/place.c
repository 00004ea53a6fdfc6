/*
 * A URL taken apart. libpq would go through several hosts by itself, but without a deadline for each when it is asked
 * not to block: a frozen first host would keep the second from ever being tried. So connection.c goes through them.
 */
#include "storage/postgres/place.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

/* What a connection gets where the URL says nothing: a peer that has gone is noticed within seconds. */
static const char *const defaults[][2] = {
	{"fallback_application_name", "leadfitd"},
	{"client_encoding", "UTF8"},
	{"keepalives_idle", "5"},
	{"keepalives_interval", "1"},
	{"keepalives_count", "3"},
	{"tcp_user_timeout", "5000"},
};

static enum lf_code add_option(struct lf_pg_place *place, const char *name, const char *value, struct lf_error *error)
{
	if (place->count == LF_PG_OPTIONS_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "the database's URL has more than %d options",
			(int)LF_PG_OPTIONS_MAX);
	place->names[place->count] = strdup(name);
	place->values[place->count] = strdup(value);
	place->count++;
	return place->names[place->count - 1] != NULL && place->values[place->count - 1] != NULL
		? LF_OK
		: lf_error_set(error, LF_UNAVAILABLE, "out of memory");
}

static bool has_option(const struct lf_pg_place *place, const char *name)
{
	for (size_t i = 0; i < place->count; i++)
		if (strcmp(place->names[i], name) == 0)
			return true;
	return false;
}

/* The entry of a list "a,b,c" that belongs to host i; a list of one belongs to all. *entry NULL: none. false: no memory. */
static bool take_entry(const char *list, size_t i, char **entry)
{
	const char *at = list;
	size_t length;

	*entry = NULL;
	if (list == NULL || list[0] == '\0')
		return true;
	if (strchr(list, ',') == NULL)
		i = 0;
	for (; i > 0; i--) {
		at = strchr(at, ',');
		if (at == NULL)
			return true;
		at++;
	}
	length = strcspn(at, ",");
	if (length == 0)
		return true;
	*entry = strndup(at, length);
	return *entry != NULL;
}

static size_t entries(const char *list)
{
	size_t count = 1;

	if (list == NULL || list[0] == '\0')
		return 0;
	for (; *list != '\0'; list++)
		count += *list == ',';
	return count;
}

static enum lf_code take_hosts(
	struct lf_pg_place *place, const char *host, const char *hostaddr, const char *port, struct lf_error *error)
{
	const size_t named = entries(host), numbered = entries(hostaddr);
	const size_t count = numbered > named ? numbered : named > 0 ? named : 1;

	if (count > LF_PG_HOSTS_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "the database's URL has %zu hosts: at most %d", count,
			(int)LF_PG_HOSTS_MAX);
	place->host_count = count;
	/* An entry that was lost would be another server: the local one. */
	for (size_t i = 0; i < count; i++)
		if (!take_entry(host, i, &place->hosts[i].host) ||
			!take_entry(hostaddr, i, &place->hosts[i].hostaddr) ||
			!take_entry(port, i, &place->hosts[i].port))
			return lf_error_set(error, LF_UNAVAILABLE, "out of memory");
	return LF_OK;
}

/* Whether a host is reached through a socket of this machine. */
static bool is_local(const struct lf_pg_host *host)
{
	return host->hostaddr == NULL && (host->host == NULL || host->host[0] == '/' || host->host[0] == '@');
}

/*
 * What libpq takes from its environment where the URL is silent: hosts, so that each gets a deadline of its own, and what
 * says whether they are verified.
 */
static const char *or_environment(const char *value, const char *name)
{
	const char *set = value == NULL || value[0] == '\0' ? getenv(name) : NULL;

	return set != NULL && set[0] != '\0' ? set : value;
}

static enum lf_code take_options(struct lf_pg_place *place, const PQconninfoOption *options, struct lf_error *error)
{
	const char *host = NULL, *hostaddr = NULL, *port = NULL, *sslmode = NULL;
	bool service;

	for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
		if (option->val == NULL || option->val[0] == '\0')
			continue;
		if (strcmp(option->keyword, "password") == 0 || strcmp(option->keyword, "sslpassword") == 0)
			return lf_error_set(error, LF_INVALID_ARGUMENT,
				"the database's URL has a password in it, which everybody who can list processes "
				"reads: "
				"use passfile=FILE, PGPASSFILE or a client certificate");
		if (strcmp(option->keyword, "replication") == 0)
			return lf_error_set(
				error, LF_INVALID_ARGUMENT, "the database's URL asks for replication: leave it out");
		if (strcmp(option->keyword, "host") == 0)
			host = option->val;
		else if (strcmp(option->keyword, "hostaddr") == 0)
			hostaddr = option->val;
		else if (strcmp(option->keyword, "port") == 0)
			port = option->val;
		else if (strcmp(option->keyword, "target_session_attrs") == 0 ||
			strcmp(option->keyword, "client_encoding") == 0)
			continue; /* ours to choose */
		else if (add_option(place, option->keyword, option->val, error) != LF_OK)
			return error->code;
		if (strcmp(option->keyword, "sslmode") == 0)
			sslmode = option->val;
		if (strcmp(option->keyword, "dbname") == 0)
			snprintf(place->database, sizeof(place->database), "%s", option->val);
	}
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!has_option(place, defaults[i][0]) &&
			add_option(place, defaults[i][0], defaults[i][1], error) != LF_OK)
			return error->code;
	service = has_option(place, "service") || getenv("PGSERVICE") != NULL;
	if (host == NULL && hostaddr == NULL && !service) {
		host = or_environment(host, "PGHOST");
		hostaddr = or_environment(hostaddr, "PGHOSTADDR");
	}
	port = service ? port : or_environment(port, "PGPORT");
	sslmode = or_environment(sslmode, "PGSSLMODE");
	if (take_hosts(place, host, hostaddr, port, error) != LF_OK)
		return error->code;
	/* Where a service file names the host, it may be anywhere. */
	for (size_t i = 0; i < place->host_count; i++)
		place->unverified |= (service && host == NULL && hostaddr == NULL) || !is_local(&place->hosts[i]);
	if (sslmode != NULL && strcmp(sslmode, "verify-full") == 0)
		place->unverified = false;
	return LF_OK;
}

enum lf_code lf_pg_place_parse(struct lf_pg_place *place, const char *url, struct lf_error *error)
{
	PQconninfoOption *options;
	enum lf_code code;

	memset(place, 0, sizeof(*place));
	if (strncmp(url, "postgres://", 11) != 0 && strncmp(url, "postgresql://", 13) != 0)
		return lf_error_set(
			error, LF_INVALID_ARGUMENT, "the database's URL must begin with postgres:// or postgresql://");
	options = PQconninfoParse(url, NULL); /* its message would repeat parts of the URL */
	if (options == NULL)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"the database's URL can't be read: "
			"postgres://[USER@]HOST[:PORT][,...]/DATABASE[?OPTION=VALUE&...] "
			"is expected, with libpq's options");
	code = take_options(place, options, error);
	PQconninfoFree(options);
	if (code != LF_OK)
		lf_pg_place_clean_up(place);
	return code;
}

void lf_pg_place_clean_up(struct lf_pg_place *place)
{
	for (size_t i = 0; i < place->count; i++) {
		free(place->names[i]);
		free(place->values[i]);
	}
	for (size_t i = 0; i < place->host_count; i++) {
		free(place->hosts[i].host);
		free(place->hosts[i].hostaddr);
		free(place->hosts[i].port);
	}
	memset(place, 0, sizeof(*place));
}

void lf_pg_place_print(const struct lf_pg_place *place, size_t host, char *text, size_t size)
{
	const struct lf_pg_host *at = &place->hosts[host < place->host_count ? host : 0];
	const char *name = at->host != NULL ? at->host : at->hostaddr != NULL ? at->hostaddr : "local socket";

	snprintf(text, size, "%s%s%s/%s", name, at->port != NULL ? ":" : "", at->port != NULL ? at->port : "",
		place->database);
}

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
