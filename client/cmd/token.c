/*
 * leadfit token: makes a caller's secret. The service keeps only its SHA-256, so there are two outputs: the line for
 * the service's tokens file on standard output, and the secret in a new file or, shown once, on standard error. The
 * secret is never an argument, so that no list of processes shows it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "client/cmd/commands.h"
#include "proto/base/limits.h"
#include "storage/tlog/hash.h"

static const struct lf_option options[] = {
	{"roles", "ROLE,...", "what the caller may do: read, score, rubric, admin (required)", false},
	{"token-out", "FILE", "write the token to this new file, mode 0600, instead of showing it", false},
	{NULL, NULL, NULL, false},
};

enum { SECRET_BYTES = 32, TOKEN_BYTES = 44, ROLE_COUNT = 4 };

static const char *const role_names[ROLE_COUNT] = {"read", "score", "rubric", "admin"};

/* base64url (RFC 4648) without padding. */
static void print_base64url(const unsigned char secret[SECRET_BYTES], char out[TOKEN_BYTES])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned bits = 0, value = 0;

	for (size_t i = 0; i < SECRET_BYTES; i++) {
		value = (value << 8 | secret[i]) & 0xffff;
		for (bits += 8; bits >= 6; bits -= 6)
			*out++ = digits[value >> (bits - 6) & 63];
	}
	if (bits > 0)
		*out++ = digits[value << (6 - bits) & 63];
	*out = '\0';
}

static enum lf_code check_name(const char *name, struct lf_error *error)
{
	if (strlen(name) > LF_ID_BYTES_MAX || name[0] == '\0')
		return lf_error_set(error, LF_INVALID_ARGUMENT, "NAME has 1..%d bytes, this has %zu", LF_ID_BYTES_MAX,
			strlen(name));
	for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '#')
			return lf_error_set(
				error, LF_INVALID_ARGUMENT, "NAME is visible ASCII without spaces or #: %s", name);
	return LF_OK;
}

/* Checks "read,score" word by word. */
static enum lf_code check_roles(const char *roles, struct lf_error *error)
{
	if (roles == NULL)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "token needs --roles, e.g. --roles read,score");
	for (const char *rest = roles;; rest++) {
		char role[32] = "";
		size_t index;
		const size_t length = strcspn(rest, ",");

		memcpy(role, rest, length < sizeof(role) ? length : sizeof(role) - 1);
		if (lf_option_choice("roles", role, role_names, ROLE_COUNT, &index, error) != LF_OK)
			return error->code;
		rest += length;
		if (*rest == '\0')
			return LF_OK;
	}
}

/* Never replaces a file: it may hold a token in use. */
static enum lf_code write_token(const char *path, const char *token, struct lf_error *error)
{
	char line[TOKEN_BYTES + 1];
	const int length = snprintf(line, sizeof(line), "%s\n", token);
	const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool written;
	int write_error;

	if (file < 0)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "--token-out: %s: %s", path, strerror(errno));
	written = write(file, line, (size_t)length) == length && fsync(file) == 0;
	write_error = errno;
	explicit_bzero(line, sizeof(line));
	if (close(file) == 0 && written)
		return LF_OK;
	unlink(path);
	return lf_error_set(
		error, LF_UNAVAILABLE, "--token-out: %s: %s", path, strerror(written ? errno : write_error));
}

/* Makes the secret, gives it away, and prints the line for the service. */
static enum lf_code make(
	struct lf_cli *cli, const char *name, const char *roles, const char *path, struct lf_error *error)
{
	unsigned char secret[SECRET_BYTES];
	struct lf_digest digest;
	char token[TOKEN_BYTES], hex[2 * sizeof(digest) + 1];
	enum lf_code code;

	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return lf_error_set(error, LF_INTERNAL, "the system gives no random numbers");
	print_base64url(secret, token);
	lf_sha256(token, strlen(token), &digest);
	lf_digest_print(&digest, hex);
	code = LF_OK;
	if (path != NULL)
		code = write_token(path, token, error);
	else
		fprintf(stderr,
			"The token of %s, shown this once; keep it where only %s can read it:\n%s\n"
			"The line for the service's tokens file:\n",
			name, name, token);
	if (code == LF_OK)
		lf_page_add(&cli->page, LF_PLAIN, "%s %s %s\n", name, hex, roles);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(token, sizeof(token));
	return code;
}

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct lf_error error = LF_ERROR_INIT;
	const char *name = arguments->operands[0], *roles = lf_argument(arguments, "roles");
	int status;

	if (cli->json)
		lf_error_set(&error, LF_INVALID_ARGUMENT, "token prints a line of the tokens file, no JSON");
	else if (check_name(name, &error) == LF_OK && check_roles(roles, &error) == LF_OK)
		make(cli, name, roles, lf_argument(arguments, "token-out"), &error);
	status = error.code == LF_OK ? LF_EXIT_DONE : lf_cli_report(cli, &error, NULL, 0);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_token = {
	.name = "token",
	.operands = "NAME",
	.summary = "Make a caller's token and its line for the service's tokens file",
	.help = "The line (name, SHA-256 of the token, roles) goes to standard output; the service is given it with\n"
		"--tokens. The token itself is the caller's secret: it goes to a new file, or is shown once on\n"
		"standard error.\n\n"
		"Examples:\n"
		"  leadfit token hr-platform --roles read,score --token-out hr-platform.token >> tokens\n"
		"  leadfit token rubric-owner --roles read,rubric >> tokens\n",
	.options = options,
	.operand_min = 1,
	.operand_max = 1,
	.run = run,
};
