/*
 * leadfit decisions watch: new decisions as they commit.
 *
 * What is shown comes from Export alone, from the sequence after the last one on, so nothing is lost or shown twice,
 * whatever happens to the service meanwhile. A publisher's message only says that asking is worth while now; without
 * it, or where none comes, one asks once a second.
 */
#include <inttypes.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cmd/commands.h"
#include "client/cmd/selection.h"
#include "client/term/page.h"
#include "client/views/decisions_page.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/base/harmless.h"

static const struct lf_option options[] = {
	LF_SELECTION_OPTIONS,
	{"from", "SEQUENCE", "begin with this sequence, or now (default now)", false},
	{"publish", "URL", "where leadfitd --publish tells of new ones (default: LEADFIT_PUBLISH, else none)", false},
	{NULL, NULL, NULL, false},
};

enum { ARENA_BYTES_MAX = 64 * 1024, ASK_MS = 1000, PUBLISHED_BYTES = 8 };

struct watching {
	struct lf_arena arena;
	struct lf_selection selection;
	Leadfit__V1__ExportRequest request;
	uint64_t next; /* the first sequence that was not looked at */
	nng_socket socket;
	bool subscribed; /* socket is open */
	bool answered;   /* once at least: the address is right, and what fails from now on may come back */
	bool refused;    /* the last question had no answer: what failed is not ours */
	bool away;       /* the service could not be reached, which was said */
	bool heading;    /* was printed */
	struct lf_error error;
};

/* ---- what is asked for ---- */

static enum lf_code take_from(struct watching *w, const char *text)
{
	char *end;

	if (text == NULL || strcmp(text, "now") == 0)
		return LF_OK;
	w->next = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || strlen(text) > 18 || w->next == 0)
		return lf_error_set(
			&w->error, LF_INVALID_ARGUMENT, "--from: %s is neither a sequence, from 1, nor now", text);
	return LF_OK;
}

/* Dials in the background: the publisher may come later, or come back. */
static enum lf_code subscribe_to(struct watching *w, const char *url)
{
	nng_dialer dialer;
	int rc = nng_sub0_open(&w->socket);

	if (rc == 0) {
		w->subscribed = true;
		rc = nng_socket_set(w->socket, NNG_OPT_SUB_SUBSCRIBE, "", 0);
	}
	if (rc == 0)
		rc = nng_socket_set_size(w->socket, NNG_OPT_RECVMAXSZ, 64);
	if (rc == 0)
		rc = nng_socket_set_ms(w->socket, NNG_OPT_RECVTIMEO, ASK_MS);
	if (rc == 0)
		rc = nng_socket_set_ms(w->socket, NNG_OPT_RECONNMINT, 50);
	if (rc == 0)
		rc = nng_socket_set_ms(w->socket, NNG_OPT_RECONNMAXT, ASK_MS);
	if (rc == 0)
		rc = nng_dialer_create(&dialer, w->socket, url);
	if (rc == 0)
		rc = nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
	return rc == 0 ? LF_OK
		       : lf_error_set(&w->error, LF_INVALID_ARGUMENT, "--publish: %s: %s", url, nng_strerror(rc));
}

static enum lf_code read_options(struct watching *w, const struct lf_arguments *arguments)
{
	const char *url = lf_argument(arguments, "publish");

	if (lf_selection_take(&w->selection, arguments, &w->arena, &w->error) != LF_OK ||
		take_from(w, lf_argument(arguments, "from")) != LF_OK)
		return w->error.code;
	w->request.selection = &w->selection.message;
	if (url == NULL)
		url = getenv("LEADFIT_PUBLISH");
	return url == NULL || url[0] == '\0' ? LF_OK : subscribe_to(w, url);
}

/* ---- waiting ---- */

/* Until there is news, or a second has passed. */
static void wait_for_news(struct watching *w)
{
	uint8_t message[PUBLISHED_BYTES];
	size_t length;
	int flags = 0, rc;

	if (!w->subscribed) {
		usleep(ASK_MS * 1000);
		return;
	}
	/* One is enough, and those behind it say the same. What they say does not matter either: Export knows. */
	do {
		length = sizeof(message);
		rc = nng_recv(w->socket, message, &length, flags);
		flags = NNG_FLAG_NONBLOCK;
	} while (rc == 0);
}

/* Whoever read our output has gone, which writing would tell only at the next decision. */
static bool reader_has_gone(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* ---- asking ---- */

static bool may_come_back(enum lf_code code)
{
	return code == LF_UNAVAILABLE || code == LF_DEADLINE_EXCEEDED || code == LF_RESOURCE_EXHAUSTED ||
		code == LF_CANCELLED;
}

/* One page. NULL: not now, or never, as w->error says. */
static Leadfit__V1__ExportResponse *ask(struct lf_cli *cli, struct watching *w)
{
	w->request.from_sequence = w->next;
	return (Leadfit__V1__ExportResponse *)lf_cli_call(
		cli, "leadfit.v1.Decisions/Export", &w->request.base, true, &w->error);
}

/* Where `now` is. */
static enum lf_code begin_now(struct lf_cli *cli, struct watching *w)
{
	Leadfit__V1__ExportRequest request = w->request;
	ProtobufCMessage *reply;

	request.newest_first = true;
	request.brief = true;
	request.page_size = 1;
	reply = lf_cli_call(cli, "leadfit.v1.Decisions/Export", &request.base, true, &w->error);
	if (reply != NULL)
		w->next = ((Leadfit__V1__ExportResponse *)reply)->newest_sequence + 1;
	w->answered = reply != NULL;
	protobuf_c_message_free_unpacked(reply, NULL);
	return w->error.code;
}

static void print_json(struct lf_page *page, const Leadfit__V1__ExportedDecision *exported)
{
	const struct lf_json_style style = {0};

	lf_json_print(&exported->base, &style, &page->text);
	lf_buffer_append_text(&page->text, "\n");
}

/* Shows a page, and moves on. *more: there is another one now. */
static enum lf_code take_page(
	struct lf_cli *cli, struct watching *w, const Leadfit__V1__ExportResponse *response, bool *more)
{
	uint64_t after = response->newest_sequence;
	uint64_t next;

	if (response->newest_sequence + 1 < w->next)
		return lf_error_set(&w->error, LF_FAILED_PRECONDITION,
			"the log ends at sequence %" PRIu64 ", before %" PRIu64
			", which was asked for: it is another log, or an older copy of it",
			response->newest_sequence, w->next);
	if (!cli->json && !w->heading)
		lf_watch_heading_print(&cli->page);
	w->heading = true;
	for (size_t i = 0; i < response->n_decisions; i++) {
		const Leadfit__V1__ExportedDecision *exported = response->decisions[i];

		if (exported->decision == NULL || exported->sequence < w->next)
			continue;
		(cli->json ? print_json : lf_watch_line_print)(&cli->page, exported);
		w->next = exported->sequence + 1;
		after = exported->sequence > after ? exported->sequence : after;
	}
	*more = response->next != 0;
	/* At the end everything up to newest_sequence was looked at, and perhaps more came while it was. */
	next = *more ? response->next : after + 1;
	w->next = next > w->next ? next : w->next;
	return lf_page_flush(&cli->page, &w->error);
}

/* Shows what there is. */
static enum lf_code catch_up(struct lf_cli *cli, struct watching *w)
{
	for (bool more = true; more && !cli->page.closed;) {
		Leadfit__V1__ExportResponse *response = ask(cli, w);
		enum lf_code code;

		w->refused = response == NULL;
		if (w->refused)
			return w->error.code;
		if (w->away)
			fputs("leadfit: the service is back\n", stderr);
		w->away = false;
		w->answered = true;
		code = take_page(cli, w, response, &more);
		protobuf_c_message_free_unpacked(&response->base, NULL);
		if (code != LF_OK)
			return code;
	}
	return LF_OK;
}

/* Whether to go on after a failure, which is said once. A wrong address, or output that can't be written, is an error at once. */
static bool bear_with(struct watching *w)
{
	if (!w->answered || !w->refused || !may_come_back(w->error.code))
		return false;
	lf_text_make_harmless(w->error.message);
	if (!w->away)
		fprintf(stderr, "leadfit: %s; trying again\n", w->error.message);
	w->away = true;
	lf_error_clean_up(&w->error);
	lf_error_init(&w->error);
	usleep(ASK_MS * 100);
	return true;
}

static enum lf_code watch(struct lf_cli *cli, struct watching *w)
{
	if (w->next == 0 && begin_now(cli, w) != LF_OK)
		return w->error.code;
	while (catch_up(cli, w) == LF_OK || bear_with(w)) {
		if (cli->page.closed || reader_has_gone())
			return LF_OK;
		wait_for_news(w);
	}
	return w->error.code;
}

static int run_watch(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {LF_SELECTION_SOURCES};
	struct watching w = {.error = LF_ERROR_INIT};
	int status = LF_EXIT_DONE;

	lf_arena_init(&w.arena, ARENA_BYTES_MAX);
	leadfit__v1__export_request__init(&w.request);
	w.request.brief = !cli->json;
	if (read_options(&w, arguments) != LF_OK || watch(cli, &w) != LF_OK)
		status = lf_cli_report(cli, &w.error, sources, sizeof(sources) / sizeof(sources[0]));
	if (w.subscribed)
		nng_close(w.socket);
	lf_arena_clean_up(&w.arena);
	lf_error_clean_up(&w.error);
	return status;
}

const struct lf_command lf_command_decisions_watch = {
	.name = "decisions watch",
	.operands = "",
	.summary = "Show new decisions as they come",
	.help = "Runs until it is interrupted, or its output is closed. Each decision is a line, in the order of the "
		"log, once: also those that came while the "
		"service or the connection was away. With --output json a line is {\"sequence\", \"decision\"}, the "
		"whole decision; to go on later, give "
		"--from the last sequence plus one.\n"
		"The service is asked once a second; with --publish, as soon as leadfitd --publish URL says that there "
		"are new ones.\n\n"
		"Examples:\n"
		"  leadfit decisions watch --team payments\n"
		"  leadfit decisions watch --from 1 --output json --publish tcp://127.0.0.1:7461\n",
	.options = options,
	.run = run_watch,
};
