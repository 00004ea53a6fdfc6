/* Several real leadfitd on one log in a PostgreSQL of the test's own. */
#ifndef LF_TESTS_SERVICE_REPLICAS_H
#define LF_TESTS_SERVICE_REPLICAS_H

#include "tests/service/daemon.h"
#include "tests/storage/postgres_server.h"
#include "tests/storage/support.h"

enum { REPLICAS_MAX = 4 };

struct replicas {
	struct postgres_server server;
	struct place place; /* with the key */
	struct daemon daemons[REPLICAS_MAX];
};

/* Makes the server, once. false: none is installed. */
bool replicas_server_make(struct replicas *replicas);
void replicas_server_remove(struct replicas *replicas);

/* A fresh log, with a key; no service runs. */
void replicas_make(struct replicas *replicas);
/* Stops what runs, and takes all but the server away. */
void replicas_clean_up(struct replicas *replicas);
/* Starts one (again), and waits until it is ready. keeps: it erases, too. */
void replica_start(struct replicas *replicas, size_t index, bool keeps);
/* Whether it says that it is ready. */
bool replica_is_ready(const struct replicas *replicas, size_t index);

/*
 * Calls a method of a replica, by its name, with this request. The reply, to be freed with
 * protobuf_c_message_free_unpacked(); the test fails where there is none within 10 s.
 */
ProtobufCMessage *replica_call(const struct replicas *replicas, size_t index, const ProtobufCServiceDescriptor *service,
	const char *method, const ProtobufCMessage *request);
/* The same with a request in YAML. */
ProtobufCMessage *replica_ask(const struct replicas *replicas, size_t index, const ProtobufCServiceDescriptor *service,
	const char *method, const char *yaml);
/* A decision of a small team, by this replica. rubric and key: "" = none. To be freed. */
Leadfit__V1__Decision *replica_score(
	const struct replicas *replicas, size_t index, const char *rubric, const char *key);
/* Runs a command; its output goes to the file "out" of the place. Its exit status. */
int __attribute__((format(printf, 2, 3))) replicas_run(const struct replicas *replicas, const char *format, ...);
/* Verifies the log with everything that the replicas have signed; the test fails where something is found. */
void replicas_verify(const struct replicas *replicas);
/* The first number after a name at the beginning of a line of a replica's metrics. */
double replica_metric(const struct replicas *replicas, size_t index, const char *name);

#endif
