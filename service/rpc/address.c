#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "service/rpc/address.h"

static enum lf_code bad_url(struct lf_error *error, const char *url)
{
	if (strncmp(url, "tls+tcp://", 10) == 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"%s: there is no TLS over nng: use --http HOST:PORT with --tls-certificate and --tls-key", url);
	return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: to listen takes tcp://HOST:PORT or ipc://PATH", url);
}

static enum lf_code parse_host_port(
	struct lf_address *address, const char *text, const char *url, struct lf_error *error)
{
	const char *colon = strrchr(text, ':');
	const char *host_end = colon;
	unsigned long port;
	size_t length;
	char *end;

	if (colon == NULL || colon[1] < '0' || colon[1] > '9')
		return bad_url(error, url);
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > 65535)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: a port is 0..65535", url);
	if (*text == '[') {
		address->brackets = true;
		text++;
		host_end--;
		if (host_end < text || *host_end != ']')
			return bad_url(error, url);
	}
	length = (size_t)(host_end - text);
	if (length >= sizeof(address->host) || (!address->brackets && memchr(text, ':', length) != NULL))
		return bad_url(error, url);
	memcpy(address->host, text, length);
	address->host[length] = '\0';
	address->port = (unsigned)port;
	return LF_OK;
}

static enum lf_code parse_path(struct lf_address *address, const char *text, const char *url, struct lf_error *error)
{
	/* Room for the private name: PATH.PID.N */
	size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - sizeof(".4194304.9999");

	if (*text == '\0' || text[strlen(text) - 1] == '/')
		return bad_url(error, url);
	if (strlen(text) > max)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "%s: the path has %zu bytes, more than %zu", url,
			strlen(text), max);
	address->path = text;
	return LF_OK;
}

enum lf_code lf_address_parse(struct lf_address *address, const char *url, struct lf_error *error)
{
	static const struct {
		const char *scheme;
		enum lf_address_kind kind;
	} SCHEMES[] = {{"tcp://", LF_ADDRESS_TCP}, {"ipc://", LF_ADDRESS_IPC}};

	memset(address, 0, sizeof(*address));
	for (size_t i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++) {
		size_t length = strlen(SCHEMES[i].scheme);

		if (strncmp(url, SCHEMES[i].scheme, length) != 0)
			continue;
		address->scheme = SCHEMES[i].scheme;
		address->kind = SCHEMES[i].kind;
		if (address->kind == LF_ADDRESS_IPC)
			return parse_path(address, url + length, url, error);
		return parse_host_port(address, url + length, url, error);
	}
	return bad_url(error, url);
}

/* Only what surely is: a name that means loopback here may mean something else after the next boot. */
static bool is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

enum lf_code lf_address_check(
	const struct lf_address *address, const char *url, bool has_tokens, struct lf_error *error)
{
	if (address->kind == LF_ADDRESS_IPC || has_tokens || is_loopback(address->host))
		return LF_OK;
	return lf_error_set(error, LF_FAILED_PRECONDITION,
		"%s: without --tokens FILE the service listens only on loopback (127.0.0.0/8, [::1], localhost) or "
		"ipc://",
		url);
}

enum lf_code lf_listen_check(const char *url, bool has_tokens, struct lf_error *error)
{
	struct lf_address address;

	return lf_address_parse(&address, url, error) != LF_OK ? error->code
							       : lf_address_check(&address, url, has_tokens, error);
}

/* ---- for HTTP ---- */

enum lf_code lf_http_address_parse(struct lf_address *address, const char *text, struct lf_error *error)
{
	static const char unix_scheme[] = "unix:";
	enum lf_code code;

	memset(address, 0, sizeof(*address));
	if (strncmp(text, unix_scheme, sizeof(unix_scheme) - 1) == 0) {
		address->kind = LF_ADDRESS_IPC;
		address->scheme = unix_scheme;
		code = parse_path(address, text + sizeof(unix_scheme) - 1, text, error);
	} else {
		address->kind = LF_ADDRESS_TCP;
		address->scheme = "http://";
		code = strstr(text, "://") != NULL ? bad_url(error, text) : parse_host_port(address, text, text, error);
	}
	if (code != LF_OK && strstr(error->message, "to listen takes") != NULL)
		lf_error_set(error, LF_INVALID_ARGUMENT, "%s: --http takes HOST:PORT or unix:PATH", text);
	return code;
}

enum lf_code lf_http_address_check(
	const struct lf_address *address, const char *text, bool has_tokens, struct lf_error *error)
{
	if (address->kind == LF_ADDRESS_IPC || has_tokens || is_loopback(address->host))
		return LF_OK;
	return lf_error_set(error, LF_FAILED_PRECONDITION,
		"%s: without --tokens FILE the service listens only on loopback (127.0.0.0/8, [::1], localhost) or "
		"unix:PATH",
		text);
}
