#include "tests/service/replicas.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "leadfit/v1/metrics.pb-c.h"

#define BIN LF_BINARY_DIR "/bin/"

enum { TRIES = 1200 }; /* of 50 ms */

bool replicas_server_make(struct replicas *replicas)
{
	return postgres_server_make(&replicas->server, NULL);
}

void replicas_server_remove(struct replicas *replicas)
{
	postgres_server_remove(&replicas->server);
}

int replicas_run(const struct replicas *replicas, const char *format, ...)
{
	char command[1024], line[1200];
	va_list arguments;
	int status;
	pid_t child;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	snprintf(line, sizeof(line), "%s >%s/out 2>&1", command, replicas->place.folder);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void url_of(const struct replicas *replicas, const char *role, char *url, size_t size)
{
	snprintf(url, size, "postgres:///log?host=%s&port=%d&user=%s", replicas->server.folder, replicas->server.port,
		role);
}

void replicas_make(struct replicas *replicas)
{
	const struct postgres_server *server = &replicas->server;
	char url[256];

	place_make(&replicas->place);
	postgres_run(server, "postgres", "DROP DATABASE IF EXISTS log WITH (FORCE)");
	postgres_run(server, "postgres", "CREATE DATABASE log TEMPLATE template0");
	postgres_run(server, "postgres", "DROP ROLE IF EXISTS service");
	postgres_run(server, "postgres", "CREATE ROLE service LOGIN");
	postgres_run(server, "postgres", "DROP ROLE IF EXISTS keeper");
	postgres_run(server, "postgres", "CREATE ROLE keeper LOGIN");
	url_of(replicas, "postgres", url, sizeof(url));
	assert_int_equal(replicas_run(replicas,
				 BIN "leadfitd init --db '%s' --key %s/key --service-role service --keeper-role keeper",
				 url, replicas->place.folder),
		0);
	memset(replicas->daemons, 0, sizeof(replicas->daemons));
}

void replicas_clean_up(struct replicas *replicas)
{
	for (size_t i = 0; i < REPLICAS_MAX; i++)
		if (replicas->daemons[i].directory[0] != '\0')
			daemon_clean_up(&replicas->daemons[i]);
	place_remove(&replicas->place);
}

static void run(const struct replicas *replicas, const struct daemon *daemon, bool keeps)
{
	char database[256], keeper[256], key[128], checkpoints[128], http[128], log[128];
	int file;

	url_of(replicas, "service", database, sizeof(database));
	url_of(replicas, "keeper", keeper, sizeof(keeper));
	snprintf(key, sizeof(key), "%s/key", replicas->place.folder);
	snprintf(checkpoints, sizeof(checkpoints), "%s/checkpoints", daemon->directory);
	snprintf(http, sizeof(http), "unix:%s/http", daemon->directory);
	snprintf(log, sizeof(log), "%s/log", daemon->directory);
	file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (file >= 0)
		dup2(file, STDERR_FILENO);
	execl(BIN "leadfitd", "leadfitd", "--db", database, "--accept-asynchronous", "--key", key, "--checkpoints",
		checkpoints, "--checkpoint-seconds", "1", "--listen", daemon->url, "--http", http, "--log-level",
		"debug", keeps ? "--keeper-db" : NULL, keeper, (char *)NULL);
	_exit(127);
}

bool replica_is_ready(const struct replicas *replicas, size_t index)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	Grpc__Health__V1__HealthCheckResponse *response = (Grpc__Health__V1__HealthCheckResponse *)replica_call(
		replicas, index, &grpc__health__v1__health__descriptor, "Check", &request.base);
	const bool ready = response->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;

	protobuf_c_message_free_unpacked(&response->base, NULL);
	return ready;
}

void replica_start(struct replicas *replicas, size_t index, bool keeps)
{
	struct daemon *daemon = &replicas->daemons[index];

	if (daemon->directory[0] == '\0')
		daemon_init(daemon);
	daemon->pid = fork();
	assert_true(daemon->pid >= 0);
	if (daemon->pid == 0)
		run(replicas, daemon, keeps);
	daemon_wait(daemon);
	for (int i = 0; !replica_is_ready(replicas, index); i++) {
		if (i == TRIES)
			fail_msg("replica %zu is never ready; see %s/log", index, daemon->directory);
		usleep(50 * 1000);
	}
}

ProtobufCMessage *replica_call(const struct replicas *replicas, size_t index, const ProtobufCServiceDescriptor *service,
	const char *method, const ProtobufCMessage *request)
{
	const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(service, method);
	struct lf_client *client = daemon_client(&replicas->daemons[index]);
	struct lf_error error = LF_ERROR_INIT;
	ProtobufCMessage *reply;

	assert_non_null(found);
	reply = lf_client_call(client, service, (unsigned)(found - service->methods), request,
		&(struct lf_call_options){.timeout_ms = 10000}, &error);
	lf_client_destroy(client);
	if (reply == NULL)
		fail_msg("%s of replica %zu: %s", method, index, error.message);
	return reply;
}

ProtobufCMessage *replica_ask(const struct replicas *replicas, size_t index, const ProtobufCServiceDescriptor *service,
	const char *method, const char *yaml)
{
	const ProtobufCMethodDescriptor *found = protobuf_c_service_descriptor_get_method_by_name(service, method);
	ProtobufCMessage *request, *reply;

	assert_non_null(found);
	request = daemon_message(found->input, yaml);
	reply = replica_call(replicas, index, service, method, request);
	protobuf_c_message_free_unpacked(request, NULL);
	return reply;
}

Leadfit__V1__Decision *replica_score(const struct replicas *replicas, size_t index, const char *rubric, const char *key)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml),
		"{team: {id: t, members: [{id: a, discipline: BACKEND}, {id: b, discipline: FRONTEND, evidence: "
		"[{criterion: interaction, rating: 4}]}]}, project: {id: p}, rubric: '%s', idempotencyKey: '%s'}",
		rubric, key);
	return (Leadfit__V1__Decision *)replica_ask(replicas, index, &leadfit__v1__scoring__descriptor, "Score", yaml);
}

void replicas_verify(const struct replicas *replicas)
{
	char url[256], checkpoints[REPLICAS_MAX * 96] = "", path[128];
	size_t length;
	uint8_t *said;

	url_of(replicas, "postgres", url, sizeof(url));
	for (size_t i = 0; i < REPLICAS_MAX; i++)
		if (replicas->daemons[i].directory[0] != '\0')
			snprintf(checkpoints + strlen(checkpoints), sizeof(checkpoints) - strlen(checkpoints),
				" --checkpoint %s/checkpoints", replicas->daemons[i].directory);
	if (replicas_run(replicas, BIN "leadfitd verify --db '%s' --key %s/key %s", url, replicas->place.folder,
		    checkpoints) == 0)
		return;
	snprintf(path, sizeof(path), "%s/out", replicas->place.folder);
	said = file_read(path, &length);
	assert_non_null(said);
	said[length] = '\0';
	fail_msg("%s", (const char *)said);
}

double replica_metric(const struct replicas *replicas, size_t index, const char *name)
{
	Leadfit__V1__ReadMetricsResponse *metrics = (Leadfit__V1__ReadMetricsResponse *)replica_ask(
		replicas, index, &leadfit__v1__metrics__descriptor, "Read", "{}");
	char line[128];
	const char *at;
	double value;

	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(metrics->text, line);
	if (at == NULL)
		fail_msg("there is no metric %s", name);
	value = strtod(at + strlen(line), NULL);
	protobuf_c_message_free_unpacked(&metrics->base, NULL);
	return value;
}
