#include <string.h>

#include "service/http/internal.h"

/* Which handler serves a request. The entries are asked in their order; what none wants does not exist. */

static void serve_nothing(struct lf_http_exchange *exchange)
{
	(void)exchange;
}

static void refuse_nothing(struct lf_http_exchange *exchange, const struct lf_error *error)
{
	(void)exchange;
	(void)error;
}

const struct lf_http_handler lf_http_answered = {.name = "none", .serve = serve_nothing, .refuse = refuse_nothing};

static void not_found(struct lf_http_exchange *exchange)
{
	static const char text[] = "There is nothing here. Calls are POST /PACKAGE.SERVICE/METHOD with content-type "
				   "application/grpc, application/grpc-web or application/json.\n";

	lf_http_answer(exchange, 404, "text/plain; charset=utf-8", NULL, 0, text, sizeof(text) - 1);
}

void lf_http_route(struct lf_http_exchange *exchange)
{
	exchange->handler = NULL;
	for (lf_http_match *const *match = exchange->http->routes; exchange->handler == NULL && *match != NULL; match++)
		exchange->handler = (*match)(exchange);
	if (exchange->handler != NULL)
		return;
	exchange->handler = &lf_http_answered;
	not_found(exchange);
}

void lf_http_whole(struct lf_http_exchange *exchange)
{
	if (exchange->whole)
		return;
	exchange->whole = true;
	if (exchange->handler->more != NULL)
		exchange->handler->more(exchange);
	else if (!exchange->started && !exchange->served && !exchange->refused)
		exchange->handler->serve(exchange);
}
