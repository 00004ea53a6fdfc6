/*
 * A history of decisions for tests of replay and backtest: random requests under rubrics that differ, and calls of a
 * daemon.
 */
#ifndef LF_TESTS_SERVICE_HISTORY_H
#define LF_TESTS_SERVICE_HISTORY_H

#include "leadfit/v1/audit.pb-c.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "leadfit/v1/rubrics.pb-c.h"
#include "tests/service/daemon.h"

struct history_random {
	uint64_t state;
};
/* From LF_TEST_SEED where it is set; prints it. */
void history_seed(struct history_random *random);
unsigned history_below(struct history_random *random, unsigned count);

enum { HISTORY_TEXT = 16 * 1024 };

/* What a rubric differs in. */
struct history_rubric {
	const char *name;             /* NULL = past */
	unsigned weights[4];          /* in hundredths, of criteria a to d; 0 = the criterion is not there */
	unsigned gate;                /* on criterion a, in tenths of a rating; 0 = none */
	unsigned margin, first_share; /* thresholds in hundredths; 0 = none */
	const char *aggregation;      /* NULL = ADDITIVE */
};
void history_rubric_text(const struct history_rubric *rubric, char text[HISTORY_TEXT]);
/*
 * A request under "past", of purpose DECISION or WHAT_IF, with a fixed instant: team t-TEAM, project p-PROJECT. The same team number
 * has the same bytes, and so has the same project number; sometimes there are named candidates, or a trait that no
 * rubric declares.
 */
void history_request_text(struct history_random *random, unsigned team, unsigned project, char text[HISTORY_TEXT]);

/* Calls; the reply is freed with protobuf_c_message_free_unpacked(). Fails the test unless code comes. */
ProtobufCMessage *history_call(struct lf_client *client, const char *method, const ProtobufCMessage *request,
	enum lf_code code, char message[512]);
/* Stores a rubric and makes it active. digest: 65 bytes, may be NULL. */
void history_put(struct lf_client *client, const struct history_rubric *rubric, char *digest);
/* Scores one request, and gives back the Decision. */
Leadfit__V1__Decision *history_score(struct lf_client *client, const char *text);
/* Runs the CLI on the daemon: what it wrote, on either output, and its exit status. */
int history_leadfit(const struct daemon *daemon, const char *arguments, char *out, size_t size);

#endif
