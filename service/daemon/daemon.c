#include "service/daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/check.h"
#include "proto/base/harmless.h"
#include "proto/base/limits.h"
#include "service/daemon/backups.h"
#include "service/daemon/descriptors.h"
#include "service/daemon/reload.h"
#include "service/daemon/requests.h"
#include "service/daemon/rubrics.h"
#include "service/events/events.h"
#include "service/http/certificate.h"
#include "service/http/http.h"
#include "service/offline/command_line.h"
#include "service/reflect/openapi.h"
#include "service/rpc/nng/nng.h"
#include "service/rpc/nng/publish.h"
#include "service/rpc/tokens.h"
#include "service/state/registry.h"
#include "service/state/team_cache.h"
#include "storage/backends/backends.h"
#include "storage/log/log.h"

enum { DRAIN_MS = 2000, TEAM_CACHE_BYTES = 16 * 1024 * 1024 };

/* What was written wrongly is told to whoever wrote it; anything else is the service's own. Returns the exit status. */
static int say(const struct lf_error *error)
{
	const int status = lf_code_exit_status(error->code);

	if (status != 2) {
		lf_event_say(LF_EVENT_START_FAILED, "%s", error->message);
		return status;
	}
	lf_print_line(stderr, "leadfitd: %s", error->message);
	for (size_t i = 1; i < error->violation_kept; i++)
		lf_print_line(stderr, "leadfitd: %s: %s", error->violations[i].field, error->violations[i].description);
	return status;
}

/* On the log's writer thread: nothing can be promised any more. The main thread ends the service. */
static void log_failed(void *context, const struct lf_error *error)
{
	(void)context;
	lf_event_say(LF_EVENT_LOG_FAILED, "the decision log has failed: %s", error->message);
	kill(getpid(), SIGUSR1);
}

/* On the log's writer thread. The first decision comes long after the server was made. */
static void log_committed(void *context, uint64_t newest_sequence)
{
	const struct lf_daemon *d = context;

	if (d->publisher != NULL)
		lf_publisher_note(d->publisher, newest_sequence);
	if (d->server != NULL)
		lf_rpc_server_news(d->server);
}

/* On any thread. The service goes on, as what is whole can still be had, and new decisions kept. */
static void log_damaged(void *context, const struct lf_error *error)
{
	(void)context;
	lf_event_say(LF_EVENT_LOG_DAMAGED,
		"the decision log is damaged, and the service is not ready from now on: %s; stop it, and see "
		"leadfitd verify and leadfitd restore",
		error->message);
}

static void log_warns(void *context, const char *text)
{
	(void)context;
	lf_event_say(LF_EVENT_LOG_CLOCK, "%s", text);
}

/* While lf_log_open() migrates: a line for each tenth. */
static void log_migrating(void *context, uint64_t done, uint64_t total)
{
	uint64_t *tenths = context; /* told, and one for the beginning */
	const uint64_t now = total == 0 ? 10 : done * 10 / total;

	if (done == 0 && *tenths == 0)
		lf_event_say(LF_EVENT_LOG_MIGRATING,
			"the decision log is of an older release: migrating it (%llu decisions)",
			(unsigned long long)total);
	else if (now >= *tenths)
		lf_event_say(LF_EVENT_LOG_MIGRATING, "migrated %llu of %llu decisions", (unsigned long long)done,
			(unsigned long long)total);
	else
		return;
	*tenths = now + 1;
}

/* On a thread of the nng transport: only a new process gets rid of what nng keeps. */
static void rpc_stuck(void *context)
{
	(void)context;
	lf_event_say(LF_EVENT_NNG_STUCK, "nng has stopped releasing connections");
	kill(getpid(), SIGUSR1);
}

static void say_address(enum lf_event event, const char *what, const char *bound)
{
	const struct lf_event_field field = lf_event_said(lf_event_text("address", bound));

	lf_event_say_with(event, &field, 1, "%s on %s", what, bound);
}

/* ---- the parts, in their order ---- */

static struct lf_rpc_nng_options nng_options(const struct lf_daemon *d, const struct lf_daemon_options *options)
{
	return (struct lf_rpc_nng_options){.on_stuck = rpc_stuck,
		.connections_max = options->connections,
		.address_connections_max = options->address_connections,
		.local_connections_max = d->local_connections};
}

static enum lf_code make_room(struct lf_daemon *d, const struct lf_daemon_options *options, struct lf_error *error)
{
	/* What is published has connections of its own. */
	const size_t sockets = options->publish != NULL ? 2 : 1;
	/* Those of HTTP are counted as half: each has one descriptor, and is never closed later than it ends. */
	const size_t http = options->http_count != 0 ? LF_CONNECTIONS_MAX / 2 : 0;
	const size_t wanted = sockets * LF_CONNECTIONS_MAX + http;
	size_t spare = wanted;

	if (lf_descriptors_prepare(sockets * options->connections, &spare, error) != LF_OK)
		return error->code;
	d->local_connections = spare * LF_CONNECTIONS_MAX / wanted;
	d->http_connections = 2 * (spare - sockets * d->local_connections);
	return LF_OK;
}

/*
 * What can be found out without the log: callers, the key, whether the addresses can be listened on; and whom new
 * decisions are told to.
 */
static enum lf_code prepare(struct lf_daemon *d, const struct lf_daemon_options *options, struct lf_error *error)
{
	struct lf_rpc_nng_options nng;
	char bound[512];

	if (make_room(d, options, error) != LF_OK)
		return error->code;
	if (options->tokens != NULL && lf_tokens_load(&d->tokens, options->tokens, error) != LF_OK)
		return error->code;
	if (lf_daemon_load_certificate(&d->certificate, options, error) != LF_OK)
		return error->code;
	if (lf_seal_read(&d->seal, &options->seal, error) != LF_OK)
		return error->code;
	for (size_t i = 0; i < options->listen_count; i++)
		if (lf_rpc_nng_try(options->listen[i], d->tokens != NULL, error) != LF_OK)
			return error->code;
	for (size_t i = 0; i < options->origin_count; i++)
		if (lf_http_origin_check(options->origins[i], error) != LF_OK)
			return error->code;
	for (size_t i = 0; i < options->http_count; i++)
		if (lf_http_try(options->http[i], d->tokens != NULL, error) != LF_OK)
			return error->code;
	if (options->publish == NULL)
		return LF_OK;
	nng = nng_options(d, options);
	if (lf_publisher_new(&d->publisher, options->publish, d->tokens != NULL, &nng, bound, sizeof(bound), error) !=
		LF_OK)
		return error->code;
	say_address(LF_EVENT_PUBLISHING, "publishing", bound);
	return LF_OK;
}

/* The log, what was signed of it, and its rubrics. */
static enum lf_code open_log(struct lf_daemon *d, const struct lf_daemon_options *options, struct lf_error *error)
{
	uint64_t tenths = 0;
	enum lf_code code;
	char *location = lf_command_line_location(options->database, options->accept_asynchronous);
	struct lf_log_options log_options = {.location = location,
		.keeper = options->keeper,
		.on_committed = log_committed,
		.on_committed_context = d,
		.on_failed = log_failed,
		.on_damaged = log_damaged,
		.on_warning = log_warns,
		.on_migrating = log_migrating,
		.on_migrating_context = &tenths,
		.watch = lf_daemon_others_watch(&d->others)};

	if (location == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for the log's name");
	code = lf_log_open_by_url(&d->log, &log_options, error);
	free(location);
	if (code != LF_OK || lf_seal_check(&d->seal, d->log, error) != LF_OK)
		return error->code;
	return lf_registry_new(&d->registry, d->log, error);
}

/* On any thread. */
static void call_is_over(void *context, const struct lf_rpc_outcome *outcome)
{
	struct lf_daemon *d = context;

	lf_daemon_services_note(&d->services, outcome);
	lf_daemon_say_request(outcome, d->log_requests);
}

/* The RPC server, and what its methods share. */
static enum lf_code open_services(struct lf_daemon *d, const struct lf_daemon_options *options, struct lf_error *error)
{
	d->observer = (struct lf_rpc_observer){call_is_over, d};
	d->log_requests = options->log_requests;
	d->teams = lf_team_cache_new(TEAM_CACHE_BYTES);
	if (d->teams == NULL)
		return lf_error_set(error, LF_RESOURCE_EXHAUSTED, "no memory for teams");
	if (lf_rpc_server_new(&d->server,
		    &(struct lf_rpc_options){.worker_count = options->workers,
			    .tokens = d->tokens,
			    .cache = lf_team_cache_rpc(d->teams),
			    .observer = &d->observer},
		    error) != LF_OK ||
		lf_state_init(&d->state, d->log, d->registry, error) != LF_OK)
		return error->code;
	d->state_ready = true;
	d->state.teams = d->teams;
	d->state.server = d->server;
	d->state.signer = d->seal.signer;
	d->state.backups = d->backups;
	d->state.keeperless = options->seal.shared && options->keeper == NULL;
	d->state.erased = d->seal.erased;
	lf_daemon_services_init(&d->services, &d->state);
	if (lf_daemon_services_add(&d->services, d->server, error) != LF_OK)
		return error->code;
	lf_daemon_others_start(&d->others, &d->state, d->publisher);
	return lf_daemon_services_start(&d->services, error);
}

/* What memory strangers can make it use: nng holds a message from its first byte on, of each connection. */
static void say_bounds(const struct lf_daemon *d, const struct lf_daemon_options *options)
{
	const size_t arriving = options->connections * lf_rpc_nng_receive_max(d->nng);
	char http[48] = "";

	if (options->http_count != 0)
		snprintf(http, sizeof(http), "over HTTP: %zu; ", d->http_connections);
	lf_event_say(LF_EVENT_LIMITS,
		"connections over tcp: %lu, from one address %lu; over local sockets: %zu; %smemory of what "
		"arrives over tcp: %zu MiB, of requests in flight: %d MiB",
		options->connections, options->address_connections, d->local_connections, http,
		(arriving + (1 << 20) - 1) >> 20, LF_REQUEST_BYTES_MAX >> 20);
}

static enum lf_code listen_all(struct lf_daemon *d, const struct lf_daemon_options *options, struct lf_error *error)
{
	const struct lf_rpc_nng_options nng = nng_options(d, options);
	char bound[512];

	if (lf_rpc_nng_new(&d->nng, d->server, &nng, error) != LF_OK)
		return error->code;
	for (size_t i = 0; i < options->listen_count; i++) {
		if (lf_rpc_nng_listen(d->nng, options->listen[i], bound, sizeof(bound), error) != LF_OK)
			return error->code;
		say_address(LF_EVENT_LISTENING, "listening", bound);
	}
	say_bounds(d, options);
	return LF_OK;
}

static enum lf_code listen_http(struct lf_daemon *d, const struct lf_daemon_options *options, struct lf_error *error)
{
	const struct lf_http_options http = {.certificate = d->certificate,
		.connections_max = d->http_connections,
		.origins = options->origins,
		.origin_count = options->origin_count,
		.pages = &d->openapi,
		.page_count = 1};
	char bound[512];

	d->openapi =
		(struct lf_http_page){"/openapi.json", "application/json", lf_openapi_json, lf_openapi_json_length};
	if (options->http_count == 0)
		return LF_OK;
	if (lf_http_new(&d->http, d->server, &http, error) != LF_OK)
		return error->code;
	for (size_t i = 0; i < options->http_count; i++) {
		if (lf_http_listen(d->http, options->http[i], bound, sizeof(bound), error) != LF_OK)
			return error->code;
		say_address(LF_EVENT_LISTENING, "listening", bound);
	}
	return LF_OK;
}

/* From here on something stays behind: first of all the key, which is made last of all. */
static enum lf_code serve(struct lf_daemon *d, struct lf_error *error)
{
	d->services.metrics.sources =
		(struct lf_metrics_sources){.state = &d->state, .server = d->server, .nng = d->nng, .http = d->http};
	if (lf_seal_start(&d->seal, d->log, error) == LF_OK) {
		d->state.checkpoints = d->seal.checkpoints;
		if (lf_rpc_nng_start(d->nng, error) == LF_OK && d->http != NULL)
			lf_http_start(d->http, error);
	}
	d->stays = d->seal.has_key;
	return error->code;
}

/* ---- */

/* From the log to listening. */
static int start(struct lf_daemon *d, const struct lf_daemon_options *options, const struct lf_start_rubrics *rubrics)
{
	struct lf_error error = LF_ERROR_INIT;
	int status = 0;

	if (lf_backups_find(&d->backups, options, &error) == LF_OK && prepare(d, options, &error) == LF_OK &&
		open_log(d, options, &error) == LF_OK) {
		status = lf_start_rubrics_put(rubrics, d->log, d->registry);
		if (status == 0 && open_services(d, options, &error) == LF_OK &&
			listen_all(d, options, &error) == LF_OK && listen_http(d, options, &error) == LF_OK)
			serve(d, &error);
	}
	if (error.code != LF_OK)
		status = say(&error);
	lf_error_clean_up(&error);
	return status;
}

static void say_starting(void)
{
	const struct lf_event_field fields[] = {
		lf_event_text("version", LF_VERSION), lf_event_number("pid", (uint64_t)getpid())};

	lf_event_say_with(LF_EVENT_STARTING, fields, 2, "leadfitd");
}

int lf_daemon_start(struct lf_daemon *d, const struct lf_daemon_options *options)
{
	struct lf_start_rubrics rubrics = {.count = 0};
	int status = lf_start_rubrics_read(&rubrics, options);

	lf_daemon_others_init(&d->others);
	if (status == 0) {
		say_starting();
		status = start(d, options, &rubrics);
	}
	lf_start_rubrics_clean_up(&rubrics);
	return status;
}

void lf_daemon_stop(struct lf_daemon *d)
{
	size_t given_up = 0;

	if (d->state_ready)
		atomic_store(&d->state.draining, true);
	if (d->server != NULL)
		given_up = lf_rpc_server_stop(d->server, DRAIN_MS);
	if (given_up > 0)
		lf_event_say(LF_EVENT_REQUESTS_GIVEN_UP, "%zu requests were given up", given_up);
	lf_daemon_others_stop(&d->others);
	if (d->state_ready) {
		lf_state_end_chores(&d->state);
		lf_daemon_services_stop(&d->services);
	}
	LF_CHECK(H4, d->state.chores == NULL);
	lf_seal_close(&d->seal);
	if (d->stays)
		lf_log_close(d->log);
	else
		lf_log_discard(d->log);
	lf_publisher_destroy(d->publisher);
	if (d->state_ready) {
		lf_daemon_services_clean_up(&d->services);
		lf_state_clean_up(&d->state);
	}
	lf_rpc_server_destroy(d->server);
	lf_team_cache_destroy(d->teams);
	lf_registry_destroy(d->registry);
	lf_http_certificate_release(d->certificate);
	lf_tokens_release(d->tokens);
	free(d->backups);
}
