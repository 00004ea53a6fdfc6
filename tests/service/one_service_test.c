/*
 * One service a file (F1 of storage/sqlite/claim.c), by whatever name a second one is given; and what goes with a log
 * is found by each of its names.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leadfit/v1/decisions.pb-c.h"
#include "tests/service/daemon.h"

enum { TEXT = 4096, NAME = 160 };

/* ---- a command, to its end ---- */

struct result {
	int status;
	char said[TEXT]; /* on standard output and error */
};

static void run(struct result *result, const char *folder, const char *const *words)
{
	union {
		const char *const *in;
		char **out;
	} arguments = {.in = words};
	int ends[2], status = 0;
	size_t length = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (chdir(folder) == 0 && dup2(ends[1], STDOUT_FILENO) >= 0 && dup2(ends[1], STDERR_FILENO) >= 0)
			execv(LF_BINARY_DIR "/bin/leadfitd", arguments.out);
		_exit(127);
	}
	close(ends[1]);
	while ((n = read(ends[0], result->said + length, sizeof(result->said) - 1 - length)) > 0)
		length += (size_t)n;
	result->said[length] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	result->status = WEXITSTATUS(status);
}

/* A second service; its current directory is that of the log. */
static void serve(struct result *result, const struct daemon *daemon, const char *database)
{
	char url[NAME];

	snprintf(url, sizeof(url), "ipc://%s/second.sock", daemon->directory);
	run(result, daemon->directory, (const char *const[]){"leadfitd", "--db", database, "--listen", url, NULL});
}

static void says(const struct result *result, const char *part)
{
	if (strstr(result->said, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", result->said, part);
}

static void refused(const struct daemon *daemon, const char *way, const char *database, const char *part)
{
	struct result result;

	serve(&result, daemon, database);
	if (result.status != 4)
		fail_msg("by %s: status %d: %s", way, result.status, result.said);
	says(&result, part);
	print_message("refused by %s: %s", way, result.said);
}

/* The path of a thing in the folder of the log. */
static const char *in(const struct daemon *daemon, const char *name, char path[NAME])
{
	snprintf(path, NAME, "%s/%s", daemon->directory, name);
	return path;
}

static bool is_there(const struct daemon *daemon, const char *name)
{
	char path[NAME];
	struct stat status;

	return lstat(in(daemon, name, path), &status) == 0;
}

static void decide(struct lf_client *client, int number)
{
	char yaml[200];
	Leadfit__V1__ScoreRequest *request;
	ProtobufCMessage *reply;

	snprintf(yaml, sizeof(yaml), "{team: {id: t%d, members: [{id: a, discipline: BACKEND}]}, project: {id: p}}",
		number);
	request = daemon_request(yaml);
	reply = lf_client_call(client, &leadfit__v1__scoring__descriptor, 0, &request->base,
		&(struct lf_call_options){.timeout_ms = 10000}, NULL);
	assert_non_null(reply);
	protobuf_c_message_free_unpacked(reply, NULL);
	leadfit__v1__score_request__free_unpacked(request, NULL);
}

/* ---- tests ---- */

/* Skipped with a reason where nothing can be mounted. */
static void refuse_bind_mount(const struct daemon *daemon)
{
	char folder[NAME], path[NAME];
	int file;

	assert_int_equal(mkdir(in(daemon, "mounted", folder), 0700), 0);
	file = open(in(daemon, "mounted/other.db", path), O_WRONLY | O_CREAT, 0600);
	assert_true(file >= 0);
	close(file);
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount(daemon->database, path, NULL, MS_BIND, NULL) != 0) {
		print_message("not tried by a bind mount: none can be made here: %s\n", strerror(errno));
		return;
	}
	refused(daemon, "bind mount of the file", path, "under another name");
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void a_second_service_is_refused_by_whatever_name(void **state)
{
	struct daemon daemon;
	struct result result;
	struct lf_client *client;
	char path[NAME];
	int file;

	(void)state;
	daemon_init(&daemon);
	assert_int_equal(mkdir(in(&daemon, "a", path), 0700), 0);
	daemon_start(&daemon);
	client = daemon_client(&daemon);
	decide(client, 1);

	refused(&daemon, "the same path", daemon.database, "in use by another leadfitd");
	refused(&daemon, "a relative path", "leadfit.db", "in use by another leadfitd");
	refused(&daemon, "a path with ..", in(&daemon, "a/../leadfit.db", path), "in use by another leadfitd");
	assert_int_equal(symlink(daemon.database, in(&daemon, "link.db", path)), 0);
	refused(&daemon, "a symbolic link", path, "in use by another leadfitd");
	file = open(daemon.database, O_RDONLY);
	assert_true(file >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	refused(&daemon, "/proc/self/fd", path, "in use by another leadfitd");
	close(file);
	refuse_bind_mount(&daemon);
	/* The hard link last: the service itself ends when it sees one. Here it may well go before that. */
	decide(client, 2);
	lf_client_destroy(client);
	daemon_stop(&daemon);

	assert_int_equal(link(daemon.database, in(&daemon, "hard.db", path)), 0);
	refused(&daemon, "a hard link", path, "names (hard links)");
	refused(&daemon, "the name that has a hard link", daemon.database, "names (hard links)");
	assert_int_equal(unlink(path), 0);

	run(&result, daemon.directory, (const char *const[]){"leadfitd", "verify", "--db", "leadfit.db", NULL});
	assert_int_equal(result.status, 0);
	daemon_start(&daemon);
	daemon_stop(&daemon);
	daemon_clean_up(&daemon);
}

static void a_log_that_is_verified_is_not_served_meanwhile_and_the_other_way_round(void **state)
{
	struct daemon daemon;
	struct result result;

	(void)state;
	daemon_init(&daemon);
	daemon_start(&daemon);
	run(&result, daemon.directory, (const char *const[]){"leadfitd", "verify", "--db", "leadfit.db", NULL});
	assert_int_equal(result.status, 4);
	says(&result, "in use by another leadfitd");
	daemon_stop(&daemon);
	daemon_clean_up(&daemon);
}

/* The file is held by another process under the lock's byte, with no FILE.lock: as a service of a bind mount has it. */
static void a_lock_on_the_file_alone_is_enough(void **state)
{
	struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)1 << 50, .l_len = 1};
	struct daemon daemon;
	struct result result;
	char path[NAME];
	int file;

	(void)state;
	daemon_init(&daemon);
	daemon_start(&daemon);
	daemon_stop(&daemon);
	file = open(daemon.database, O_RDWR | O_CLOEXEC);
	assert_true(file >= 0);
	assert_int_equal(fcntl(file, F_OFD_SETLK, &byte), 0);
	refused(&daemon, "its own byte", daemon.database, "under another name");
	assert_false(is_there(&daemon, "leadfit.db.lock"));
	run(&result, daemon.directory, (const char *const[]){"leadfitd", "verify", "--db", "leadfit.db", NULL});
	assert_int_equal(result.status, 4);
	snprintf(path, sizeof(path), "%s/copy.db", daemon.directory);
	run(&result, daemon.directory,
		(const char *const[]){"leadfitd", "restore", "--db", path, "--from", "leadfit.db", NULL});
	assert_int_equal(result.status, 4);
	assert_false(is_there(&daemon, "copy.db"));
	close(file);
	daemon_start(&daemon);
	daemon_stop(&daemon);
	daemon_clean_up(&daemon);
}

static void what_goes_with_a_log_is_beside_the_file_and_not_beside_a_link_to_it(void **state)
{
	struct daemon daemon, linked;
	struct result result;
	char path[NAME], key[TEXT];

	(void)state;
	daemon_init(&daemon);
	daemon_start(&daemon);
	daemon_stop(&daemon);
	daemon_init(&linked); /* a folder of its own, with a link */
	assert_int_equal(symlink(daemon.database, linked.database), 0);
	daemon_start(&linked);
	daemon_stop(&linked);
	assert_false(is_there(&linked, "leadfit.db.key"));
	assert_false(is_there(&linked, "leadfit.db.checkpoints"));
	assert_false(is_there(&linked, "leadfit.db-wal"));
	assert_true(is_there(&daemon, "leadfit.db.key"));
	run(&result, daemon.directory, (const char *const[]){"leadfitd", "key", "--db", "leadfit.db", NULL});
	assert_int_equal(result.status, 0);
	strcpy(key, result.said);
	run(&result, daemon.directory, (const char *const[]){"leadfitd", "key", "--db", linked.database, NULL});
	assert_int_equal(result.status, 0);
	assert_string_equal(result.said, key);
	run(&result, daemon.directory, (const char *const[]){"leadfitd", "verify", "--db", linked.database, NULL});
	assert_int_equal(result.status, 0);
	says(&result, "checkpoints  "); /* found, with the key, by the link */

	/* A link to nothing stays one. */
	assert_int_equal(unlink(linked.database), 0);
	assert_int_equal(symlink("gone.db", linked.database), 0);
	serve(&result, &linked, linked.database);
	assert_int_equal(result.status, 4);
	says(&result, "is a symbolic link to a file that is not there");
	assert_false(is_there(&linked, "gone.db"));
	assert_true(readlink(linked.database, path, sizeof(path)) == 7);
	daemon_clean_up(&linked);
	daemon_clean_up(&daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_service_is_refused_by_whatever_name),
		cmocka_unit_test(a_log_that_is_verified_is_not_served_meanwhile_and_the_other_way_round),
		cmocka_unit_test(a_lock_on_the_file_alone_is_enough),
		cmocka_unit_test(what_goes_with_a_log_is_beside_the_file_and_not_beside_a_link_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
