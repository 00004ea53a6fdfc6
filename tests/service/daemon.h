/* A real leadfitd as a child process, for tests that kill it. */
#ifndef LF_TESTS_SERVICE_DAEMON_H
#define LF_TESTS_SERVICE_DAEMON_H

#include <sys/types.h>

#include "client/lib/client.h"
#include "leadfit/v1/scoring.pb-c.h"

struct daemon {
	char directory[64]; /* fresh, with leadfit.db and leadfit.sock */
	char database[96];
	char url[96];
	pid_t pid;           /* 0 = not running */
	const char *more[8]; /* further options of leadfitd; NULL ends them */
};

/* Makes the directory. */
void daemon_init(struct daemon *daemon);
/* Starts it and waits until it is healthy; the test fails where that takes more than 30 s. */
void daemon_start(struct daemon *daemon);
/* Waits for one that was started otherwise (pid set). */
void daemon_wait(struct daemon *daemon);
/* SIGKILL, and waits. */
void daemon_kill(struct daemon *daemon);
/* SIGTERM; asserts that it ends with status 0. */
void daemon_stop(struct daemon *daemon);
/* Stops it where it runs, and removes the directory. */
void daemon_clean_up(struct daemon *daemon);
/* A connected client. */
struct lf_client *daemon_client(const struct daemon *daemon);
/* A message from YAML, on the heap: freed with protobuf_c_message_free_unpacked(message, NULL). */
ProtobufCMessage *daemon_message(const ProtobufCMessageDescriptor *type, const char *yaml);
/* A request from YAML, on the heap: freed with leadfit__v1__score_request__free_unpacked(). */
Leadfit__V1__ScoreRequest *daemon_request(const char *yaml);

#endif
