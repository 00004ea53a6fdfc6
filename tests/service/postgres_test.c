/*
 * leadfitd on a log in PostgreSQL, from leadfitd init to leadfitd verify; two of them on one log. Skipped where no server
 * is installed.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/service/daemon.h"
#include "tests/storage/postgres_server.h"
#include "tests/storage/support.h"

#define BIN LF_BINARY_DIR "/bin/"
#define EXAMPLES LF_SOURCE_DIR "/service/examples/"

static struct postgres_server server;
static struct place place;
static char url[256]; /* as the owner, and without anything of ours */

/* Runs a command; its output goes to a file in the test's folder. Returns its exit status. */
static int __attribute__((format(printf, 1, 2))) run(const char *format, ...)
{
	char command[1024], line[1200];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	snprintf(line, sizeof(line), "%s >%s/out 2>&1", command, place.folder);
	status = system(line);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void output_has(const char *text)
{
	char path[128];
	size_t length;
	uint8_t *data;

	snprintf(path, sizeof(path), "%s/out", place.folder);
	data = file_read(path, &length);
	assert_non_null(data);
	data[length] = '\0';
	if (strstr((const char *)data, text) == NULL)
		fail_msg("%s", (const char *)data);
	free(data);
}

/* What run() returned must be 0; else its output is shown. */
static void succeeds(int status)
{
	if (status != 0)
		output_has("nothing: it was to succeed");
}

/* A service on the log as a role, with the key that init made. keeper: the role that erases; NULL: none. */
static void start(struct daemon *daemon, const char *role, const char *keeper)
{
	char database[256], keeper_database[256], key[128], checkpoints[sizeof(daemon->directory) + 32];

	daemon_init(daemon);
	snprintf(database, sizeof(database), "postgres:///log?host=%s&port=%d&user=%s", server.folder, server.port,
		role);
	snprintf(keeper_database, sizeof(keeper_database), "postgres:///log?host=%s&port=%d&user=%s", server.folder,
		server.port, keeper != NULL ? keeper : "");
	snprintf(key, sizeof(key), "%s/key", place.folder);
	snprintf(checkpoints, sizeof(checkpoints), "%.*s/checkpoints", (int)sizeof(daemon->directory) - 1,
		daemon->directory);
	daemon->pid = fork();
	assert_true(daemon->pid >= 0);
	if (daemon->pid == 0) {
		execl(BIN "leadfitd", "leadfitd", "--db", database, "--accept-asynchronous", "--key", key,
			"--checkpoints", checkpoints, "--listen", daemon->url, keeper != NULL ? "--keeper-db" : NULL,
			keeper_database, (char *)NULL);
		_exit(127);
	}
	daemon_wait(daemon);
}

static int set_up(void **state)
{
	(void)state;
	place_make(&place);
	postgres_run(&server, "postgres", "DROP DATABASE IF EXISTS log WITH (FORCE)");
	postgres_run(&server, "postgres", "CREATE DATABASE log TEMPLATE template0");
	postgres_run(&server, "postgres", "DROP ROLE IF EXISTS service");
	postgres_run(&server, "postgres", "CREATE ROLE service LOGIN");
	postgres_run(&server, "postgres", "DROP ROLE IF EXISTS keeper");
	postgres_run(&server, "postgres", "CREATE ROLE keeper LOGIN");
	snprintf(url, sizeof(url), "postgres:///log?host=%s&port=%d&user=postgres", server.folder, server.port);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	place_remove(&place);
	return 0;
}

static void init(void)
{
	succeeds(run(BIN "leadfitd init --db '%s' --key %s/key --service-role service --keeper-role keeper", url,
		place.folder));
	output_has("leadfit/"); /* the verifier key */
}

static void a_log_is_made_once_with_a_key_and_nothing_is_said_of_a_password(void **state)
{
	(void)state;
	init();
	assert_int_equal(run(BIN "leadfitd init --db '%s' --key %s/key", url, place.folder), 4);
	output_has("already");
	assert_int_equal(run(BIN "leadfitd init --db '%s' --key %s/another", url, place.folder), 4);
	assert_int_not_equal(run("grep leadfit/ %s/out", place.folder), 0); /* no second key is made, or shown */
	assert_int_not_equal(run("test -e %s/another", place.folder), 0);
	assert_int_equal(run(BIN "leadfitd init --db 'postgres://u:secret@h/d' --key %s/key", place.folder), 2);
	output_has("password");
	assert_int_not_equal(run("grep secret %s/out", place.folder), 0);
	assert_int_equal(run(BIN "leadfitd --db '%s'", url), 2);
	output_has("--key FILE is required");
	assert_int_equal(run(BIN "leadfitd --db '%s' --key %s/key", url, place.folder), 2);
	output_has("--checkpoints PATH is required");
	assert_int_equal(run(BIN "leadfitd --db '%s' --key %s/none --checkpoints %s/c --listen ipc://%s/s", url,
				 place.folder, place.folder, place.folder),
		4);
	output_has("leadfitd init makes it");
	assert_int_equal(run(BIN "leadfitd --db '%s' --key %s/key --checkpoints %s/c --listen ipc://%s/s", url,
				 place.folder, place.folder, place.folder),
		4);
	output_has("synchronous_standby_names");
}

static void two_services_answer_from_one_log(void **state)
{
	struct daemon daemons[2];

	(void)state;
	init();
	for (int i = 0; i < 2; i++)
		start(&daemons[i], "service", NULL);
	for (int i = 0; i < 6; i++)
		succeeds(run(BIN "leadfit --server %s score --team " EXAMPLES "team.yaml --project " EXAMPLES
				 "project.yaml",
			daemons[i % 2].url));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run(BIN "leadfit --server %s --output json decisions list | grep -c decisionId",
					 daemons[i].url),
			0);
		output_has("6");
	}
	for (int i = 0; i < 2; i++) {
		daemon_stop(&daemons[i]);
		daemon_clean_up(&daemons[i]);
	}
	assert_int_equal(postgres_number(&server, "log", "SELECT count(*) FROM leadfit.decision"), 6);
	succeeds(run(BIN "leadfitd verify --db '%s' --key %s/key", url, place.folder));
}

#define SCORE "score --team " EXAMPLES "team.yaml --project " EXAMPLES "project.yaml"
#define ERASE "decisions erase --candidate m-1042 --reason asked --yes"

static void only_a_service_with_the_keepers_role_erases(void **state)
{
	struct daemon without, with;

	(void)state;
	init();
	start(&without, "service", NULL);
	succeeds(run(BIN "leadfit --server %s " SCORE, without.url));
	assert_int_equal(run(BIN "leadfit --server %s " ERASE, without.url), 4);
	output_has("--keeper-db");
	assert_int_equal(run(BIN "leadfit --server %s retention --yes", without.url), 4);
	output_has("--keeper-db");
	assert_int_equal(postgres_number(&server, "log", "SELECT count(*) FROM leadfit.act WHERE kind = 9"), 0);
	start(&with, "service", "keeper");
	succeeds(run(BIN "leadfit --server %s " ERASE, with.url));
	assert_int_equal(
		postgres_number(&server, "log", "SELECT count(*) FROM leadfit.name WHERE value = 'm-1042'"), 0);
	succeeds(run(BIN "leadfit --server %s " SCORE, without.url)); /* and it goes on */
	daemon_stop(&with);
	daemon_clean_up(&with);
	daemon_stop(&without);
	daemon_clean_up(&without);
	succeeds(run(BIN "leadfitd verify --db '%s' --key %s/key", url, place.folder));
	output_has("erased       ");
}

static void what_is_no_keeper_is_refused_at_the_start(void **state)
{
	(void)state;
	init();
	assert_int_equal(run(BIN "leadfitd --db %s/file --keeper-db '%s'", place.folder, url), 2);
	output_has("--keeper-db is about a database");
	assert_int_equal(
		run(BIN "leadfitd --db '%s' --accept-asynchronous --key %s/key --checkpoints %s/c --listen ipc://%s/s"
			" --keeper-db 'postgres://k:secret@h/d'",
			url, place.folder, place.folder, place.folder),
		2);
	output_has("password");
	assert_int_not_equal(run("grep secret %s/out", place.folder), 0);
	assert_int_equal(
		run(BIN "leadfitd --db '%s' --accept-asynchronous --key %s/key --checkpoints %s/c --listen ipc://%s/s"
			" --keeper-db 'postgres:///log?host=%s&port=%d&user=service'",
			url, place.folder, place.folder, place.folder, server.folder, server.port),
		4);
	output_has("may not erase");
}

int main(void)
{
	const struct CMUnitTest claims[] = {
		cmocka_unit_test_setup_teardown(
			a_log_is_made_once_with_a_key_and_nothing_is_said_of_a_password, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_services_answer_from_one_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_a_service_with_the_keepers_role_erases, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_keeper_is_refused_at_the_start, set_up, tear_down),
	};
	int failed;

	if (!postgres_server_make(&server, NULL)) {
		fprintf(stderr, "skipped: no PostgreSQL server is installed\n");
		return 77;
	}
	failed = cmocka_run_group_tests_name("leadfitd on PostgreSQL", claims, NULL, NULL);
	postgres_server_remove(&server);
	return failed;
}
