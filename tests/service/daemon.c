#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"
#include "proto/text/json.h"
#include "tests/service/daemon.h"

void daemon_init(struct daemon *daemon)
{
	memset(daemon, 0, sizeof(*daemon));
	snprintf(daemon->directory, sizeof(daemon->directory), "/tmp/leadfit-test-XXXXXX");
	assert_non_null(mkdtemp(daemon->directory));
	snprintf(daemon->database, sizeof(daemon->database), "%s/leadfit.db", daemon->directory);
	snprintf(daemon->url, sizeof(daemon->url), "ipc://%s/leadfit.sock", daemon->directory);
}

static void run(const struct daemon *daemon)
{
	const char *list[16] = {LF_BINARY_DIR "/bin/leadfitd", "--db", daemon->database, "--listen", daemon->url,
		"--rubric", LF_SOURCE_DIR "/service/rubrics/tech-lead.yaml"};
	union {
		const char **in;
		char **out;
	} arguments = {.in = list};
	char log[96];
	int file;

	for (size_t i = 0; i < sizeof(daemon->more) / sizeof(daemon->more[0]); i++)
		list[7 + i] = daemon->more[i];
	snprintf(log, sizeof(log), "%s/log", daemon->directory);
	file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (file >= 0)
		dup2(file, STDERR_FILENO);
	execv(arguments.in[0], arguments.out);
	_exit(127);
}

static bool healthy(const struct daemon *daemon)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	struct lf_client_options options = {.url = daemon->url, .connect_timeout_ms = 1000};
	struct lf_client *client;
	ProtobufCMessage *reply;
	struct lf_error error = LF_ERROR_INIT;

	if (lf_client_new(&client, &options, &error) != LF_OK) {
		lf_error_clean_up(&error);
		return false;
	}
	reply = lf_client_call(client, &grpc__health__v1__health__descriptor, 0, &request.base,
		&(struct lf_call_options){.timeout_ms = 1000}, &error);
	lf_client_destroy(client);
	lf_error_clean_up(&error);
	if (reply == NULL)
		return false;
	protobuf_c_message_free_unpacked(reply, NULL);
	return true;
}

void daemon_start(struct daemon *daemon)
{
	assert_int_equal(daemon->pid, 0);
	daemon->pid = fork();
	assert_true(daemon->pid >= 0);
	if (daemon->pid == 0)
		run(daemon);
	daemon_wait(daemon);
}

void daemon_wait(struct daemon *daemon)
{
	for (int tries = 0; tries < 600; tries++) {
		if (healthy(daemon))
			return;
		if (waitpid(daemon->pid, NULL, WNOHANG) != 0) {
			daemon->pid = 0;
			fail_msg("leadfitd ended; see %s/log", daemon->directory);
		}
		usleep(50 * 1000);
	}
	fail_msg("leadfitd did not come up; see %s/log", daemon->directory);
}

void daemon_kill(struct daemon *daemon)
{
	kill(daemon->pid, SIGKILL);
	waitpid(daemon->pid, NULL, 0);
	daemon->pid = 0;
}

void daemon_stop(struct daemon *daemon)
{
	int status;

	kill(daemon->pid, SIGTERM);
	assert_int_equal(waitpid(daemon->pid, &status, 0), daemon->pid);
	daemon->pid = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	remove(path);
	return 0;
}

void daemon_clean_up(struct daemon *daemon)
{
	if (daemon->pid != 0)
		daemon_kill(daemon);
	nftw(daemon->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

struct lf_client *daemon_client(const struct daemon *daemon)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_client *client;

	if (lf_client_new(&client, &(struct lf_client_options){.url = daemon->url}, &error) != LF_OK)
		fail_msg("%s", error.message);
	return client;
}

ProtobufCMessage *daemon_message(const ProtobufCMessageDescriptor *type, const char *yaml)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_arena arena;
	ProtobufCMessage *message;
	uint8_t *packed;
	size_t length;

	lf_arena_init(&arena, 64 << 20);
	message = lf_text_parse(LF_FORMAT_YAML, type, yaml, strlen(yaml), &arena, &error);
	if (message == NULL)
		fail_msg("%s", error.message);
	packed = lf_arena_alloc(&arena, protobuf_c_message_get_packed_size(message));
	length = protobuf_c_message_pack(message, packed);
	message = protobuf_c_message_unpack(type, NULL, length, packed);
	assert_non_null(message);
	lf_arena_clean_up(&arena);
	return message;
}

Leadfit__V1__ScoreRequest *daemon_request(const char *yaml)
{
	return (Leadfit__V1__ScoreRequest *)daemon_message(&leadfit__v1__score_request__descriptor, yaml);
}
