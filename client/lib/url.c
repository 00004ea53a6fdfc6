#include "client/lib/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ALLOWED[] =
	"a server's URL is http://HOST[:PORT], https://HOST[:PORT], unix:PATH, tcp://HOST:PORT or ipc://PATH";

static enum lf_code refuse(const char *text, const char *why, struct lf_error *error)
{
	return lf_error_set(error, LF_INVALID_ARGUMENT, "%.200s: %s", text, why);
}

/* Whether text is a port, 1..65535, in at most five digits. */
static bool is_port(const char *text)
{
	const size_t length = strspn(text, "0123456789");

	return length >= 1 && length <= 5 && text[length] == '\0' && strtoul(text, NULL, 10) >= 1 &&
		strtoul(text, NULL, 10) <= 65535;
}

/* nng takes any number and fails at the dial. */
static bool ends_with_port(const char *text)
{
	const char *colon = strrchr(text, ':');

	return colon != NULL && colon != text && is_port(colon + 1);
}

/* The host in front of rest, without brackets. NULL: none, or too long a one. Sets *rest behind it. */
static bool take_host(struct lf_url *url, const char *text, const char **rest)
{
	const bool bracketed = text[0] == '[';
	const char *start = text + bracketed, *end = start + strcspn(start, bracketed ? "]" : ":/");
	const size_t length = (size_t)(end - start);

	if (length == 0 || length >= sizeof(url->host) || (bracketed && *end != ']'))
		return false;
	for (size_t i = 0; i < length; i++)
		if (start[i] <= ' ' || start[i] > '~' || strchr("@\\?#%[]\"<>", start[i]) != NULL)
			return false;
	memcpy(url->host, start, length);
	url->host[length] = '\0';
	*rest = end + bracketed;
	return true;
}

static enum lf_code parse_http(struct lf_url *url, const char *text, const char *host, struct lf_error *error)
{
	const char *rest = host;
	const bool bracketed = host[0] == '[';

	if (memchr(host, '@', strcspn(host, "/?#")) != NULL)
		return refuse(text, "a URL has no user or password here: a token says who calls", error);
	if (!take_host(url, host, &rest))
		return refuse(text, ALLOWED, error);
	snprintf(url->port, sizeof(url->port), "%s", url->scheme == LF_URL_HTTPS ? "443" : "80");
	if (*rest == ':') {
		const size_t length = strcspn(rest + 1, "/?#");
		char port[8] = "";

		if (length < sizeof(port))
			memcpy(port, rest + 1, length);
		if (!is_port(port))
			return refuse(text, "a port is 1..65535", error);
		snprintf(url->port, sizeof(url->port), "%.5s", port);
		rest += 1 + length;
	}
	if (*rest == '/' && rest[1] == '\0')
		rest++;
	if (*rest != '\0')
		return refuse(text,
			"a server's URL ends with the port: the service is at the root of its server, not below "
			"a path",
			error);
	snprintf(url->authority, sizeof(url->authority), bracketed ? "[%s]:%s" : "%s:%s", url->host, url->port);
	return LF_OK;
}

/* unix:PATH, and unix:///PATH as gRPC writes it, too. */
static enum lf_code parse_unix(struct lf_url *url, const char *text, const char *path, struct lf_error *error)
{
	if (strncmp(path, "///", 3) == 0)
		path += 2;
	if (path[0] == '\0' || strncmp(path, "//", 2) == 0)
		return refuse(text, ALLOWED, error);
	if (strlen(path) >= sizeof(url->path))
		return refuse(text, "the path of a local socket has at most 107 bytes", error);
	snprintf(url->path, sizeof(url->path), "%s", path);
	snprintf(url->authority, sizeof(url->authority), "localhost");
	return LF_OK;
}

enum lf_code lf_url_parse(struct lf_url *url, const char *text, struct lf_error *error)
{
	*url = (struct lf_url){.scheme = LF_URL_TCP};
	if (text == NULL)
		return refuse("(none)", ALLOWED, error);
	if (strncmp(text, "tcp://", 6) == 0 && ends_with_port(text + 6))
		return LF_OK;
	url->scheme = LF_URL_IPC;
	if (strncmp(text, "ipc://", 6) == 0 && text[6] != '\0')
		return LF_OK;
	url->scheme = LF_URL_HTTP;
	if (strncmp(text, "http://", 7) == 0)
		return parse_http(url, text, text + 7, error);
	url->scheme = LF_URL_HTTPS;
	if (strncmp(text, "https://", 8) == 0)
		return parse_http(url, text, text + 8, error);
	url->scheme = LF_URL_UNIX;
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(url, text, text + 5, error);
	if (strncmp(text, "tls+tcp://", 10) == 0)
		return refuse(text,
			"there is no TLS over nng: use https://HOST[:PORT], an address that the service has by "
			"--http",
			error);
	return refuse(text, ALLOWED, error);
}
