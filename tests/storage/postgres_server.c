#include "tests/storage/postgres_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "storage/postgres/postgres.h"
#include "tests/storage/support.h"

enum { TRIES = 3000 }; /* of 10 ms: for anything that the server does */

static void rest(void)
{
	const struct timespec ten_ms = {.tv_nsec = 10 * 1000 * 1000};

	nanosleep(&ten_ms, NULL);
}

/* ---- programs ---- */

static bool find_programs(struct postgres_server *server)
{
	const char *given = getenv("LF_POSTGRES_BIN");
	char program[160];
	glob_t found;

	if (given != NULL) {
		snprintf(server->bin, sizeof(server->bin), "%s", given);
	} else {
		if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0)
			return false;
		snprintf(server->bin, sizeof(server->bin), "%s", found.gl_pathv[found.gl_pathc - 1]);
		globfree(&found);
	}
	snprintf(program, sizeof(program), "%s/initdb", server->bin);
	return access(program, X_OK) == 0;
}

/* The user that the server runs as. */
static const struct passwd *server_user(void)
{
	const struct passwd *user;

	if (getuid() != 0)
		return getpwuid(getuid());
	user = getpwnam("postgres");
	return user != NULL ? user : getpwnam("nobody");
}

/* In the child: becomes that user, and the program. */
static void become(const struct postgres_server *server, const char *name, char *const arguments[])
{
	const struct passwd *user = server_user();
	char program[160], output[128];
	int log;

	if (user == NULL ||
		(getuid() == 0 && (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)))
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGQUIT); /* after the change of users, which clears it */
	snprintf(program, sizeof(program), "%s/%s", server->bin, name);
	snprintf(output, sizeof(output), "%s/log", server->folder);
	log = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 || chdir(server->folder) != 0)
		_exit(126);
	execv(program, arguments);
	_exit(127);
}

static void show_log(const struct postgres_server *server)
{
	char path[128];
	size_t length;
	uint8_t *text;

	snprintf(path, sizeof(path), "%s/log", server->folder);
	text = file_read(path, &length);
	if (text != NULL)
		fprintf(stderr, "%.*s\n", (int)length, (const char *)text);
	free(text);
}

/* ---- starting and stopping ---- */

static int free_port(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
}

void postgres_url(const struct postgres_server *server, const char *database, char *url, size_t size)
{
	snprintf(url, size, "postgres:///%s?host=%s&port=%d&user=postgres&leadfit_asynchronous=accept", database,
		server->folder, server->port);
}

void postgres_url_at(int port, const char *database, char *url, size_t size)
{
	snprintf(url, size,
		"postgres://postgres@127.0.0.1:%d/%s?sslmode=disable&gssencmode=disable&leadfit_asynchronous=accept",
		port, database);
}

static PGconn *connect_to(const struct postgres_server *server, const char *database)
{
	char conninfo[256];

	snprintf(conninfo, sizeof(conninfo), "host=%s port=%d user=postgres dbname=%s connect_timeout=10",
		server->folder, server->port, database);
	return PQconnectdb(conninfo);
}

/* false: it ended, or does not answer. */
static bool try_to_start(struct postgres_server *server)
{
	char data[96], folder[96], port[64];
	char *arguments[64] = {(char *)(uintptr_t) "postgres", (char *)(uintptr_t) "-D", data, (char *)(uintptr_t) "-k",
		folder, (char *)(uintptr_t) "-p", port};
	int count = 7, tries = 0;

	snprintf(data, sizeof(data), "%s/data", server->folder);
	snprintf(folder, sizeof(folder), "%s", server->folder);
	snprintf(port, sizeof(port), "%d", server->port);
	for (size_t i = 0; server->settings != NULL && server->settings[i] != NULL && count < 62; i++) {
		arguments[count++] = (char *)(uintptr_t) "-c";
		arguments[count++] = (char *)(uintptr_t)server->settings[i];
	}
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (server->pid == 0)
		become(server, "postgres", arguments);
	for (;; tries++) {
		PGconn *conn = connect_to(server, "postgres");
		const bool answers = PQstatus(conn) == CONNECTION_OK;

		PQfinish(conn);
		if (answers)
			return true;
		if (tries == TRIES || waitpid(server->pid, NULL, WNOHANG) != 0)
			return false;
		rest();
	}
}

void postgres_server_start(struct postgres_server *server)
{
	if (try_to_start(server))
		return;
	show_log(server);
	fail_msg("the server does not start");
}

/* On a port that was free a moment ago: another test may have taken it since. */
static void start_on_free_port(struct postgres_server *server)
{
	for (int tries = 0; tries < 4; tries++) {
		server->port = free_port();
		if (try_to_start(server))
			return;
	}
	server->port = free_port();
	postgres_server_start(server);
}

void postgres_server_stop(struct postgres_server *server, int signal)
{
	if (server->pid == 0)
		return;
	kill(server->pid, signal);
	for (int tries = 0; waitpid(server->pid, NULL, WNOHANG) == 0; tries++) {
		if (tries == TRIES)
			kill(server->pid, SIGKILL);
		rest();
	}
	server->pid = 0;
}

static void make_folder(struct postgres_server *server, const struct passwd *user)
{
	snprintf(server->folder, sizeof(server->folder), "/tmp/lf-postgres-XXXXXX");
	assert_non_null(mkdtemp(server->folder));
	if (getuid() == 0)
		assert_int_equal(chown(server->folder, user->pw_uid, user->pw_gid), 0);
	assert_int_equal(chmod(server->folder, 0755), 0);
}

/* To its end. */
static void run_program(const struct postgres_server *server, const char *name, char *const arguments[])
{
	const pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		become(server, name, arguments);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		show_log(server);
		fail_msg("%s failed", name);
	}
}

bool postgres_server_make(struct postgres_server *server, const char *const *settings)
{
	static const char configuration[] =
		"listen_addresses = '127.0.0.1'\nunix_socket_permissions = 0777\nshared_buffers = 32MB\n"
		"max_connections = 60\nlog_min_messages = warning\nautovacuum = off\n";
	const struct passwd *user = server_user();
	char path[128];
	char data[96];
	char *initdb[] = {(char *)(uintptr_t) "initdb", (char *)(uintptr_t) "-D", data, (char *)(uintptr_t) "-U",
		(char *)(uintptr_t) "postgres", (char *)(uintptr_t) "-A", (char *)(uintptr_t) "trust",
		(char *)(uintptr_t) "-E", (char *)(uintptr_t) "UTF8", (char *)(uintptr_t) "--locale=C",
		(char *)(uintptr_t) "--no-sync", NULL};
	int configured;

	memset(server, 0, sizeof(*server));
	server->settings = settings;
	if (user == NULL || !find_programs(server))
		return false;
	make_folder(server, user);
	snprintf(data, sizeof(data), "%s/data", server->folder);
	run_program(server, "initdb", initdb);
	snprintf(path, sizeof(path), "%s/postgresql.auto.conf", data);
	configured = open(path, O_WRONLY | O_APPEND);
	assert_true(configured >= 0);
	assert_int_equal(write(configured, configuration, sizeof(configuration) - 1), sizeof(configuration) - 1);
	close(configured);
	start_on_free_port(server);
	return true;
}

void postgres_standby_make(struct postgres_server *server, const struct postgres_server *primary)
{
	char data[96], from[96], port[16];
	char *copy[] = {(char *)(uintptr_t) "pg_basebackup", (char *)(uintptr_t) "-D", data, (char *)(uintptr_t) "-R",
		(char *)(uintptr_t) "-h", from, (char *)(uintptr_t) "-p", port, (char *)(uintptr_t) "-U",
		(char *)(uintptr_t) "postgres", (char *)(uintptr_t) "-c", (char *)(uintptr_t) "fast",
		(char *)(uintptr_t) "--no-sync", NULL};
	const struct passwd *user = server_user();

	memset(server, 0, sizeof(*server));
	snprintf(server->bin, sizeof(server->bin), "%s", primary->bin);
	make_folder(server, user);
	snprintf(data, sizeof(data), "%s/data", server->folder);
	snprintf(from, sizeof(from), "%s", primary->folder);
	snprintf(port, sizeof(port), "%d", primary->port);
	run_program(server, "pg_basebackup", copy);
	start_on_free_port(server);
}

static int take_away(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void postgres_server_remove(struct postgres_server *server)
{
	if (server->folder[0] == '\0')
		return;
	postgres_server_stop(server, SIGQUIT);
	nftw(server->folder, take_away, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- databases ---- */

static PGresult *run(const struct postgres_server *server, const char *database, const char *sql)
{
	PGconn *conn = connect_to(server, database);
	PGresult *result = PQexec(conn, sql);
	const ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	PQfinish(conn);
	return result;
}

void postgres_run(const struct postgres_server *server, const char *database, const char *sql)
{
	PQclear(run(server, database, sql));
}

long long postgres_number(const struct postgres_server *server, const char *database, const char *sql)
{
	PGresult *result = run(server, database, sql);
	long long number;

	assert_int_equal(PQntuples(result), 1);
	number = atoll(PQgetvalue(result, 0, 0));
	PQclear(result);
	return number;
}

/* A database that has an empty log, from which others are copied. */
static void make_template(const struct postgres_server *server)
{
	const struct lf_postgres_roles roles = {"leadfit_service", "leadfit_keeper"};
	struct lf_error error = LF_ERROR_INIT;
	char url[256];

	if (postgres_number(server, "postgres", "SELECT count(*) FROM pg_database WHERE datname = 'empty_log'") != 0)
		return;
	postgres_run(server, "postgres", "CREATE ROLE leadfit_service LOGIN");
	postgres_run(server, "postgres", "CREATE ROLE leadfit_keeper LOGIN");
	postgres_run(server, "postgres", "CREATE DATABASE empty_log TEMPLATE template0");
	snprintf(url, sizeof(url), "postgres:///empty_log?host=%s&port=%d&user=postgres", server->folder, server->port);
	if (lf_postgres_init(url, &roles, &error) != LF_OK)
		fail_msg("%s", error.message);
}

void postgres_reset(const struct postgres_server *server, const char *database)
{
	char sql[256];

	make_template(server);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_database WHERE datname = '%s'", database);
	if (postgres_number(server, "postgres", sql) == 0) {
		snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE empty_log", database);
		postgres_run(server, "postgres", sql);
		return;
	}
	postgres_run(server, database,
		"DELETE FROM leadfit.head; DELETE FROM leadfit.leaf; DELETE FROM leadfit.node; DELETE FROM "
		"leadfit.name;"
		"DELETE FROM leadfit.list; DELETE FROM leadfit.member; DELETE FROM leadfit.payload;"
		"DELETE FROM leadfit.rubric; DELETE FROM leadfit.activation; DELETE FROM leadfit.decision;"
		"DELETE FROM leadfit.request_key; DELETE FROM leadfit.act; DELETE FROM leadfit.redaction");
}
