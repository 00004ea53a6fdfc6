#include "tests/bench/floors/h2load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/child.h"

enum { FRAME_HEAD = 5, TRIES = 6 };
static const double spare_seconds = 20; /* to connect, and for a machine that is busy otherwise */

enum lf_code lf_h2load_message(const char *file, const uint8_t *message, size_t length, struct lf_error *error)
{
	const uint8_t head[FRAME_HEAD] = {0, (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8),
		(uint8_t)length}; /* not compressed, length */
	FILE *out = fopen(file, "we");
	bool good = out != NULL && fwrite(head, 1, sizeof(head), out) == sizeof(head) &&
		fwrite(message, 1, length, out) == length;

	if (out != NULL && fclose(out) != 0)
		good = false;
	return good ? LF_OK : lf_error_set(error, LF_UNAVAILABLE, "can't write %s: %s", file, strerror(errno));
}

/* What it printed at its end. */
struct printed {
	double rate;
	unsigned long done, succeeded, failed;
	unsigned long long data_bytes;
};

/*
 * finished in 2.00s, 65432.10 req/s, 512.34MB/s
 * requests: 130864 total, 130928 started, 130864 done, 130864 succeeded, 0 failed, 0 errored, 0 timeout
 * traffic: 1.02GB (1098765432) total, 2.62MB (2747654) headers (space savings 93.2%), 1.02GB (1092345678) data
 */
static bool read_printed(const char *log, struct printed *printed)
{
	FILE *file = fopen(log, "re");
	unsigned found = 0;
	char line[512];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		found += sscanf(line, "finished in %*[^,], %lf req/s", &printed->rate) == 1;
		found += sscanf(line, "requests: %*u total, %*u started, %lu done, %lu succeeded, %lu failed",
				 &printed->done, &printed->succeeded, &printed->failed) == 3;
		found += sscanf(line, "traffic: %*s (%*u) total, %*s (%*u) headers (space savings %*[^)]), %*s (%llu)",
				 &printed->data_bytes) == 1;
	}
	if (file != NULL)
		fclose(file);
	return found == 3;
}

static enum lf_code run(const struct lf_h2load *wanted, double *client_us, struct lf_error *error)
{
	char url[512], clients[16], streams[16], duration[32];
	const char *argv[] = {"/usr/bin/env", "h2load", "-t", "1", "-c", clients, "-m", streams, "-D", duration, "-d",
		wanted->message, "-H", "content-type: application/grpc", "-H", "te: trailers", url, NULL};
	struct lf_child child;

	snprintf(url, sizeof(url), "http://%s%s", wanted->target, wanted->method);
	snprintf(clients, sizeof(clients), "%u", wanted->connections);
	snprintf(streams, sizeof(streams), "%u", wanted->in_flight / wanted->connections);
	snprintf(duration, sizeof(duration), "%.0fms", wanted->seconds * 1e3);
	if (lf_child_start(&child, argv, wanted->log, error) != LF_OK)
		return error->code;
	return lf_child_finish(&child, wanted->seconds + spare_seconds, client_us, error);
}

enum lf_code lf_h2load_measure(
	const struct lf_h2load *wanted, pid_t server, struct lf_load *load, uint64_t *answers, struct lf_error *error)
{
	struct lf_h2load tried = *wanted;
	struct printed printed = {0};
	double client_us = 0, cpu_us = 0;
	uint64_t switches = 0;

	/* On a busy machine a short time can pass without a single reply. */
	for (int i = 0; i < TRIES && printed.done == 0 && printed.failed == 0; i++, tried.seconds *= 2) {
		cpu_us = lf_process_cpu_us(server);
		switches = lf_process_switches(server);
		if (run(&tried, &client_us, error) != LF_OK)
			return lf_error_set(error, LF_UNAVAILABLE,
				"h2load, of Debian's nghttp2-client, of %s at %s: see %s", wanted->method,
				wanted->target, wanted->log);
		if (!read_printed(wanted->log, &printed))
			break;
	}
	if (printed.done == 0 || printed.succeeded != printed.done)
		return lf_error_set(error, LF_UNAVAILABLE, "h2load of %s: %lu requests done, %lu succeeded, %lu failed",
			wanted->method, printed.done, printed.succeeded, printed.failed);
	*answers = printed.done;
	*load = (struct lf_load){
		.requests_per_s = printed.rate,
		.server_cpu_us = (lf_process_cpu_us(server) - cpu_us) / (double)printed.done,
		.client_cpu_us = client_us / (double)printed.done,
		.server_switches = (double)(lf_process_switches(server) - switches) / (double)printed.done,
		.reply_bytes = (double)printed.data_bytes / (double)printed.done,
	};
	return LF_OK;
}
