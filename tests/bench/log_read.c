/*
 * How long reads of a large log take: a service on it is asked from one connection, one call at a time, and the times
 * from call to decoded answer are told as a table. For a log that lf_log_fill made.
 *
 *   lf_log_read URL [COUNT [PAGE]]
 *
 * COUNT calls of each kind (1000), about random decisions; PAGE is the far page of the list (1000). Changes nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/lib/client.h"
#include "leadfit/v1/audit.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"

struct sample {
	char id[64], team[256];
};

struct reading {
	struct lf_client *client;
	struct sample *samples;
	double *us;
	size_t count, page;
	struct lf_error error;
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static ProtobufCMessage *call(struct reading *r, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request)
{
	const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(service, method);

	return lf_client_call(r->client, service, (unsigned)(found - service->methods), request, NULL, &r->error);
}

/* Random decisions, by random sequences. */
static bool choose(struct reading *r)
{
	uint64_t newest = 1, random = 1;

	for (size_t i = 0; i < r->count; i++) {
		Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
		Leadfit__V1__ExportResponse *reply;

		random = random * 6364136223846793005u + 1442695040888963407u;
		request.brief = true;
		request.page_size = 1;
		request.from_sequence = 1 + (random >> 33) % newest;
		reply = (Leadfit__V1__ExportResponse *)call(
			r, &leadfit__v1__decisions__descriptor, "Export", &request.base);
		if (reply == NULL)
			return false;
		if (reply->n_decisions != 1) {
			lf_error_set(&r->error, LF_NOT_FOUND, "the log has no decision at sequence %" PRIu64,
				request.from_sequence);
			protobuf_c_message_free_unpacked(&reply->base, NULL);
			return false;
		}
		newest = reply->newest_sequence;
		snprintf(r->samples[i].id, sizeof(r->samples[i].id), "%s", reply->decisions[0]->decision->decision_id);
		snprintf(r->samples[i].team, sizeof(r->samples[i].team), "%s", reply->decisions[0]->decision->team->id);
		protobuf_c_message_free_unpacked(&reply->base, NULL);
	}
	printf("%zu random decisions of %" PRIu64 ", one call at a time\n\n%-24s %10s %10s %10s\n", r->count, newest,
		"", "median ms", "p99 ms", "longest ms");
	return true;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_row(struct reading *r, const char *what)
{
	qsort(r->us, r->count, sizeof(*r->us), by_value);
	printf("%-24s %10.3f %10.3f %10.3f\n", what, r->us[r->count / 2] * 1e-3,
		r->us[(r->count * 99 - 1) / 100] * 1e-3, r->us[r->count - 1] * 1e-3);
	fflush(stdout);
}

static bool measure(struct reading *r, size_t i, const ProtobufCServiceDescriptor *service, const char *method,
	const ProtobufCMessage *request)
{
	const double start = now_us();
	ProtobufCMessage *reply = call(r, service, method, request);

	r->us[i] = now_us() - start;
	if (reply != NULL)
		protobuf_c_message_free_unpacked(reply, NULL);
	return reply != NULL;
}

static bool measure_shows(struct reading *r)
{
	for (size_t i = 0; i < r->count; i++) {
		Leadfit__V1__GetDecisionRequest request = LEADFIT__V1__GET_DECISION_REQUEST__INIT;

		request.decision_id = r->samples[i].id;
		if (!measure(r, i, &leadfit__v1__decisions__descriptor, "Get", &request.base))
			return false;
	}
	print_row(r, "show by id");
	return true;
}

static bool measure_teams(struct reading *r)
{
	for (size_t i = 0; i < r->count; i++) {
		Leadfit__V1__ListDecisionsRequest request = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;

		request.team = r->samples[i].team;
		request.page_size = 1;
		if (!measure(r, i, &leadfit__v1__decisions__descriptor, "List", &request.base))
			return false;
	}
	print_row(r, "latest of a team");
	return true;
}

static bool measure_page(struct reading *r, char *token, const char *what)
{
	for (size_t i = 0; i < r->count; i++) {
		Leadfit__V1__ListDecisionsRequest request = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;

		request.page_token = token;
		if (!measure(r, i, &leadfit__v1__decisions__descriptor, "List", &request.base))
			return false;
	}
	print_row(r, what);
	return true;
}

/* Page by page to the far one, whose token is then asked for again and again. */
static bool measure_far_page(struct reading *r)
{
	char token[512] = "", what[64];

	for (size_t page = 1; page < r->page; page++) {
		Leadfit__V1__ListDecisionsRequest request = LEADFIT__V1__LIST_DECISIONS_REQUEST__INIT;
		Leadfit__V1__ListDecisionsResponse *reply;

		request.page_token = token;
		reply = (Leadfit__V1__ListDecisionsResponse *)call(
			r, &leadfit__v1__decisions__descriptor, "List", &request.base);
		if (reply == NULL)
			return false;
		snprintf(token, sizeof(token), "%s", reply->next_page_token);
		protobuf_c_message_free_unpacked(&reply->base, NULL);
		if (*token == '\0') {
			lf_error_set(&r->error, LF_NOT_FOUND, "the list has %zu pages", page);
			return false;
		}
	}
	snprintf(what, sizeof(what), "list, page %zu", r->page);
	return measure_page(r, token, what);
}

static bool measure_proofs(struct reading *r)
{
	for (size_t i = 0; i < r->count; i++) {
		Leadfit__V1__ProveRequest request = LEADFIT__V1__PROVE_REQUEST__INIT;

		request.decision_id = r->samples[i].id;
		if (!measure(r, i, &leadfit__v1__audit__descriptor, "Prove", &request.base))
			return false;
	}
	print_row(r, "prove");
	return true;
}

int main(int argc, char **argv)
{
	char first_page[] = "";
	const long count = argc > 2 ? atol(argv[2]) : 1000, page = argc > 3 ? atol(argv[3]) : 1000;
	struct reading r = {.error = LF_ERROR_INIT};
	bool done;

	if (argc < 2 || count < 1 || count > 1000000 || page < 1) {
		fputs("Usage: lf_log_read URL [COUNT [PAGE]]\n", stderr);
		return 2;
	}
	r.count = (size_t)count;
	r.page = (size_t)page;
	r.samples = calloc(r.count, sizeof(*r.samples));
	r.us = calloc(r.count, sizeof(*r.us));
	done = r.samples != NULL && r.us != NULL &&
		lf_client_new(&r.client, &(struct lf_client_options){.url = argv[1]}, &r.error) == LF_OK &&
		choose(&r) && measure_shows(&r) && measure_teams(&r) && measure_page(&r, first_page, "list, page 1") &&
		measure_far_page(&r) && measure_proofs(&r);
	if (!done)
		fprintf(stderr, "lf_log_read: %s\n", r.error.code != LF_OK ? r.error.message : "out of memory");
	lf_client_destroy(r.client);
	lf_error_clean_up(&r.error);
	free(r.samples);
	free(r.us);
	return done ? 0 : 3;
}
