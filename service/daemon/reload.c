#include "service/daemon/reload.h"

#include <time.h>

#include "service/events/events.h"
#include "service/http/certificate.h"
#include "service/http/http.h"
#include "service/rpc/rpc.h"
#include "service/rpc/tokens.h"

/* What was read, until all of it has been. */
struct fresh {
	struct lf_tokens *tokens;                /* NULL: there is no file */
	struct lf_http_certificate *certificate; /* NULL: there is none */
};

static enum lf_code load_certificate(
	struct lf_http_certificate **certificate, const struct lf_daemon_options *options, struct lf_error *error)
{
	const struct lf_http_certificate_files files = {.certificate = options->tls_certificate,
		.key = options->tls_key,
		.client_ca = options->tls_client_ca,
		.client_required = options->tls_client_required};

	*certificate = NULL;
	return files.certificate != NULL ? lf_http_certificate_load(certificate, &files, error) : LF_OK;
}

enum lf_code lf_daemon_load_certificate(
	struct lf_http_certificate **certificate, const struct lf_daemon_options *options, struct lf_error *error)
{
	struct lf_error date = LF_ERROR_INIT;
	const enum lf_code code = load_certificate(certificate, options, error);

	if (code != LF_OK || *certificate == NULL)
		return code;
	if (lf_http_certificate_check_date(*certificate, time(NULL), &date) == LF_OK)
		lf_event_say(LF_EVENT_CERTIFICATE, "certificate of %s", lf_http_certificate_text(*certificate));
	else
		lf_event_say(LF_EVENT_CERTIFICATE_UNUSABLE, "%s: clients will refuse it", date.message);
	lf_error_clean_up(&date);
	return LF_OK;
}

/*
 * A certificate out of its time is refused: the one that is there can't be worse. The clock that counts is the one that
 * clients go by.
 */
static enum lf_code read_all(struct fresh *fresh, const struct lf_daemon_options *options, struct lf_error *error)
{
	if (options->tokens != NULL && lf_tokens_load(&fresh->tokens, options->tokens, error) != LF_OK)
		return error->code;
	if (load_certificate(&fresh->certificate, options, error) != LF_OK || fresh->certificate == NULL)
		return error->code;
	return lf_http_certificate_check_date(fresh->certificate, time(NULL), error);
}

/* The certificate comes last, for nothing can fail there. */
static enum lf_code use(struct lf_daemon *d, const struct fresh *fresh, struct lf_error *error)
{
	if (fresh->tokens != NULL && lf_rpc_server_set_tokens(d->server, fresh->tokens, error) != LF_OK)
		return error->code;
	if (fresh->tokens != NULL)
		lf_rpc_server_news(d->server); /* streams of callers who are no longer there end at once */
	if (fresh->certificate != NULL)
		lf_http_set_certificate(d->http, fresh->certificate);
	return LF_OK;
}

static void say_what(const struct fresh *fresh, const struct lf_daemon_options *options)
{
	if (fresh->certificate == NULL)
		lf_event_say(LF_EVENT_RELOADED, "callers from %s", options->tokens);
	else if (fresh->tokens == NULL)
		lf_event_say(LF_EVENT_RELOADED, "certificate of %s", lf_http_certificate_text(fresh->certificate));
	else
		lf_event_say(LF_EVENT_RELOADED, "callers from %s; certificate of %s", options->tokens,
			lf_http_certificate_text(fresh->certificate));
}

void lf_daemon_reload(struct lf_daemon *d, const struct lf_daemon_options *options)
{
	struct lf_error error = LF_ERROR_INIT;
	struct fresh fresh = {.tokens = NULL};

	if (options->tokens == NULL && options->tls_certificate == NULL)
		lf_event_say(
			LF_EVENT_RELOAD_REFUSED, "nothing to reload: there is neither --tokens nor --tls-certificate");
	else if (read_all(&fresh, options, &error) == LF_OK && use(d, &fresh, &error) == LF_OK)
		say_what(&fresh, options);
	else
		lf_event_say(LF_EVENT_RELOAD_REFUSED, "nothing was reloaded: %s", error.message);
	lf_tokens_release(fresh.tokens);
	lf_http_certificate_release(fresh.certificate);
	lf_error_clean_up(&error);
}
