#include <string.h>

#include "grpc/health/v1/health.pb-c.h"
#include "service/http/internal.h"

/*
 * GET and HEAD of a few pages, for people, orchestrators and monitors. None needs a token but /metrics, where who asks is
 * not on this machine.
 */

static const char HEALTH[] = "grpc.health.v1.Health/Check", METRICS[] = "leadfit.v1.Metrics/Read";
static const char ALIVE[] = "alive\n", READY[] = "ready\n", NOT_READY[] = "not ready\n";
static const char TEXT[] = "text/plain; charset=utf-8";

static const struct lf_metadata no_store[] = {LF_HTTP_HEADER("cache-control", "no-store")};

/* ---- /readyz: what grpc.health.v1.Health/Check says ---- */

/* On the thread that answers the call. What goes out is a word; own keeps whether it is the good one. */
static bool ready_seal(struct lf_http_exchange *exchange, struct lf_http_part **part, bool last)
{
	Grpc__Health__V1__HealthCheckResponse *reply = grpc__health__v1__health_check_response__unpack(
		NULL, (*part)->end - (*part)->first, (*part)->bytes + (*part)->first);
	const char *word;

	(void)last;
	exchange->own =
		reply != NULL && reply->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	grpc__health__v1__health_check_response__free_unpacked(reply, NULL);
	word = exchange->own ? READY : NOT_READY;
	(*part)->end = (*part)->first;
	return lf_http_part_append(part, word, strlen(word));
}

static void ready_start(struct lf_http_exchange *exchange, int64_t length)
{
	const struct lf_metadata headers[] = {
		{{"content-type", 12}, {TEXT, sizeof(TEXT) - 1}},
		no_store[0],
	};

	lf_http_reply_start(exchange, exchange->own ? 200 : 503, headers, 2, length, false);
}

static void ready_finish(struct lf_http_exchange *exchange)
{
	lf_http_reply_finish(exchange, NULL, 0);
}

/* Dispatch has refused the call: too many in flight, or the service is stopping. */
static void ready_fail(struct lf_http_exchange *exchange)
{
	lf_http_answer(exchange, 503, TEXT, no_store, 1, NOT_READY, sizeof(NOT_READY) - 1);
}

static const struct lf_http_dialect ready_dialect = {
	.name = "http", .seal = ready_seal, .start = ready_start, .finish = ready_finish, .fail = ready_fail};

static void serve_ready(struct lf_http_exchange *exchange)
{
	exchange->header_count = 0; /* it is nobody's call: a token that is not known is no reason to be not ready */
	lf_http_call(exchange, &ready_dialect,
		&(struct lf_rpc_request){
			.method = {HEALTH, sizeof(HEALTH) - 1},
			.message = (const uint8_t *)"",
			.bytes = sizeof(HEALTH),
		});
}

/* ---- /metrics: what leadfit.v1.Metrics/Read says ---- */

/* The text alone of the only field: a tag, its length, and the text. */
static bool metrics_seal(struct lf_http_exchange *exchange, struct lf_http_part **part, bool last)
{
	const uint8_t *bytes = (*part)->bytes;

	(void)exchange;
	(void)last;
	if ((*part)->first == (*part)->end)
		return true;
	(*part)->first++;
	while ((*part)->first < (*part)->end && (bytes[(*part)->first++] & 0x80) != 0)
		continue;
	return true;
}

static void metrics_start(struct lf_http_exchange *exchange, int64_t length)
{
	const struct lf_metadata headers[] = {
		LF_HTTP_HEADER("content-type", "text/plain; version=0.0.4; charset=utf-8"), no_store[0]};

	lf_http_reply_start(exchange, 200, headers, 2, length, false);
}

static void metrics_fail(struct lf_http_exchange *exchange)
{
	static const struct lf_metadata headers[] = {
		LF_HTTP_HEADER("cache-control", "no-store"), LF_HTTP_HEADER("www-authenticate", "Bearer")};
	struct lf_slice message = exchange->message;

	if (message.data == NULL)
		message = (struct lf_slice){lf_code_text(exchange->code), strlen(lf_code_text(exchange->code))};
	lf_http_answer(exchange, (unsigned)lf_code_http_status(exchange->code), TEXT, headers,
		exchange->code == LF_UNAUTHENTICATED ? 2 : 1, message.data, message.length);
}

static const struct lf_http_dialect metrics_dialect = {
	.name = "http", .seal = metrics_seal, .start = metrics_start, .finish = ready_finish, .fail = metrics_fail};

static void serve_metrics(struct lf_http_exchange *exchange)
{
	lf_http_call(exchange, &metrics_dialect,
		&(struct lf_rpc_request){
			.method = {METRICS, sizeof(METRICS) - 1},
			.message = (const uint8_t *)"",
			.bytes = sizeof(METRICS),
		});
}

/* ---- the others ---- */

static void serve_alive(struct lf_http_exchange *exchange)
{
	lf_http_answer(exchange, 200, TEXT, no_store, 1, ALIVE, sizeof(ALIVE) - 1);
}

static const struct lf_http_page *find_page(const struct lf_http_exchange *exchange)
{
	const struct lf_http_options *options = &exchange->http->options;

	for (size_t i = 0; i < options->page_count; i++)
		if (lf_slice_is(exchange->path, options->pages[i].path))
			return &options->pages[i];
	return NULL;
}

static void serve_page(struct lf_http_exchange *exchange)
{
	const struct lf_http_page *page = find_page(exchange);

	lf_http_answer(exchange, 200, page->type, NULL, 0, page->bytes, page->length);
}

static void refuse(struct lf_http_exchange *exchange, const struct lf_error *error)
{
	lf_http_answer(exchange, error->code == LF_RESOURCE_EXHAUSTED ? 413 : 400, TEXT, NULL, 0, error->message,
		strlen(error->message));
}

static const struct lf_http_handler alive = {.name = "resource", .serve = serve_alive, .refuse = refuse};
static const struct lf_http_handler ready = {.name = "resource", .serve = serve_ready, .refuse = refuse};
static const struct lf_http_handler metrics = {.name = "resource", .serve = serve_metrics, .refuse = refuse};
static const struct lf_http_handler pages = {.name = "resource", .serve = serve_page, .refuse = refuse};

const struct lf_http_handler *lf_http_match_resource(struct lf_http_exchange *exchange)
{
	static const struct lf_metadata allow[] = {LF_HTTP_HEADER("allow", "GET, HEAD")};
	static const char wrong[] = "This page is for GET and HEAD.\n";
	const struct lf_http_handler *handler = lf_slice_is(exchange->path, "/livez") ? &alive
		: lf_slice_is(exchange->path, "/readyz")                              ? &ready
		: lf_slice_is(exchange->path, "/metrics")                             ? &metrics
		: find_page(exchange) != NULL                                         ? &pages
										      : NULL;

	if (handler == NULL || lf_slice_is(exchange->method, "GET") || lf_slice_is(exchange->method, "HEAD"))
		return handler;
	lf_http_answer(exchange, 405, TEXT, allow, 1, wrong, sizeof(wrong) - 1);
	return &lf_http_answered;
}
