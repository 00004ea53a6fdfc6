#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "service/http/internal.h"

/*
 * What browsers are kept from. A page of any site can make a browser send requests here, with whatever network access
 * its user has. So a request that says which page it is from (origin) is served only for our own origin and for those
 * that were allowed. And where there are no tokens, the host that is asked for must be a name of this machine: a page
 * whose name was made to point to 127.0.0.1 (DNS rebinding) asks for its own.
 */

enum { ORIGIN_MAX = 300 };

static bool equal(struct lf_slice text, const char *word, size_t length)
{
	return text.length == length && memcmp(text.data, word, length) == 0;
}

/* ---- which pages may call ---- */

static bool is_host_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

/* "host" or "[address]", then ":port" or nothing. */
static bool is_host(const char *text)
{
	size_t port;

	if (*text == '[') {
		const size_t length = strspn(text + 1, "0123456789abcdef:.");

		if (length == 0 || text[length + 1] != ']')
			return false;
		text += length + 2;
	} else {
		if (!is_host_letter(*text))
			return false;
		while (is_host_letter(*text))
			text++;
	}
	if (*text == '\0')
		return true;
	port = strspn(text + 1, "0123456789");
	return *text == ':' && port >= 1 && port <= 5 && text[port + 1] == '\0';
}

enum lf_code lf_http_origin_check(const char *text, struct lf_error *error)
{
	const char *host = strstr(text, "://");
	const size_t scheme = host == NULL ? 0 : (size_t)(host - text);

	if (strcmp(text, "*") == 0 || strcmp(text, "null") == 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"the origin \"%s\" is not allowed: it would let any page call; name each origin", text);
	if (strlen(text) > ORIGIN_MAX || scheme == 0 ||
		strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-") != scheme || !is_host(host + 3))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"the origin \"%.*s\" is not SCHEME://HOST or SCHEME://HOST:PORT in lower case, "
			"as in https://hr.example.com",
			ORIGIN_MAX, text);
	return LF_OK;
}

/* Whether it is the origin of what is served here itself: the scheme and host that were asked for. */
static bool is_own(const struct lf_http_exchange *exchange, struct lf_slice origin)
{
	const size_t scheme = exchange->scheme.length;

	return origin.length == scheme + 3 + exchange->authority.length && scheme != 0 &&
		memcmp(origin.data, exchange->scheme.data, scheme) == 0 &&
		memcmp(origin.data + scheme, "://", 3) == 0 &&
		strncasecmp(origin.data + scheme + 3, exchange->authority.data, exchange->authority.length) == 0;
}

static bool is_allowed(const struct lf_http_exchange *exchange, struct lf_slice origin)
{
	const struct lf_http_options *options = &exchange->http->options;

	for (size_t i = 0; i < options->origin_count; i++)
		if (equal(origin, options->origins[i], strlen(options->origins[i])))
			return true;
	return false;
}

/* ---- which hosts may be asked for ---- */

/* "HOST:PORT" without the port, and without the brackets of IPv6. */
static struct lf_slice host_of(struct lf_slice authority)
{
	const char *end;

	if (authority.length != 0 && authority.data[0] == '[') {
		end = memchr(authority.data, ']', authority.length);
		return end == NULL ? authority
				   : (struct lf_slice){authority.data + 1, (size_t)(end - authority.data) - 1};
	}
	end = memchr(authority.data, ':', authority.length);
	if (end != NULL)
		authority.length = (size_t)(end - authority.data);
	return authority;
}

/* "127.…" in digits and points only. */
static bool is_loopback_address(struct lf_slice host)
{
	if (host.length < 5 || memcmp(host.data, "127.", 4) != 0)
		return false;
	for (size_t i = 0; i < host.length; i++)
		if (strchr("0123456789.", host.data[i]) == NULL || host.data[i] == '\0')
			return false;
	return true;
}

/* The host of a URL that is listened on, http://HOST:PORT. */
static struct lf_slice bound_host(const struct lf_http_listener *listener)
{
	const char *at = strstr(listener->bound, "://");

	return at == NULL ? (struct lf_slice){NULL, 0} : host_of((struct lf_slice){at + 3, strlen(at + 3)});
}

static bool is_ours(const struct lf_http *http, struct lf_slice authority)
{
	const struct lf_slice host = host_of(authority);

	if ((host.length == 9 && strncasecmp(host.data, "localhost", 9) == 0) || equal(host, "::1", 3) ||
		is_loopback_address(host))
		return true;
	for (size_t i = 0; i < http->listener_count; i++) {
		const struct lf_slice bound = bound_host(&http->listeners[i]);

		if (host.length != 0 && bound.length == host.length &&
			strncasecmp(bound.data, host.data, host.length) == 0)
			return true;
	}
	return false;
}

/* ---- the first of the routes ---- */

static void answer_text(struct lf_http_exchange *exchange, unsigned status, const char *text)
{
	lf_http_answer(exchange, status, "text/plain; charset=utf-8", NULL, 0, text, strlen(text));
}

/* A browser asks whether a page may send the request that it wants to send. */
static void answer_preflight(struct lf_http_exchange *exchange)
{
	static const struct lf_metadata headers[] = {
		LF_HTTP_HEADER("access-control-allow-methods", "GET, POST"),
		LF_HTTP_HEADER("access-control-allow-headers",
			"authorization, connect-protocol-version, connect-timeout-ms, content-type, grpc-timeout, "
			"request-id, traceparent, tracestate, x-grpc-web, x-user-agent"),
		LF_HTTP_HEADER("access-control-max-age", "7200"),
	};

	lf_http_answer(exchange, 204, NULL, headers, sizeof(headers) / sizeof(headers[0]), NULL, 0);
}

const struct lf_http_handler *lf_http_match_origin(struct lf_http_exchange *exchange)
{
	const struct lf_slice origin = lf_http_header(exchange, "origin");
	const bool tokens = lf_rpc_server_options(exchange->http->server)->tokens != NULL;

	if (!tokens && !exchange->conn->peer.is_local && exchange->authority.data != NULL &&
		!is_ours(exchange->http, exchange->authority)) {
		answer_text(exchange, 421,
			"Without tokens, only names of this machine's loopback are served: localhost, 127.0.0.1, "
			"[::1], "
			"or the HOST of --http. The header host (or :authority) names another one.\n");
		return &lf_http_answered;
	}
	if (origin.data == NULL || is_own(exchange, origin))
		return NULL;
	if (!is_allowed(exchange, origin)) {
		answer_text(exchange, 403,
			"Pages of this origin may not call this service. It was not started with --allow-origin and "
			"the "
			"value of the header origin.\n");
		return &lf_http_answered;
	}
	exchange->allow_origin = origin;
	if (!equal(exchange->method, "OPTIONS", 7) ||
		lf_http_header(exchange, "access-control-request-method").data == NULL)
		return NULL;
	answer_preflight(exchange);
	return &lf_http_answered;
}
