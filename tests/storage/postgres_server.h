/*
 * A PostgreSQL of the test's own: made by initdb in a fresh folder, as another user where the test runs as root (it
 * refuses root), with fsync on, on a socket in that folder and on loopback. It ends with the test, whatever becomes of
 * that.
 */
#ifndef LF_TESTS_STORAGE_POSTGRES_SERVER_H
#define LF_TESTS_STORAGE_POSTGRES_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct postgres_server {
	char bin[128];   /* its programs */
	char folder[64]; /* the socket, the log, and data/ */
	int port;        /* of loopback, and of the socket's name */
	pid_t pid;       /* of the postmaster; 0: it does not run */
	const char *const *settings;
};

/*
 * Makes a cluster and starts it. settings: "NAME=VALUE", ended by NULL; may be NULL; must stay. false: no server is
 * installed. LF_POSTGRES_BIN names the programs' folder; else the newest of Debian's is taken. Anything else that fails
 * fails the test.
 */
bool postgres_server_make(struct postgres_server *server, const char *const *settings);
/* A standby that streams from a server that runs: asynchronous unless that one is told to wait for it. */
void postgres_standby_make(struct postgres_server *server, const struct postgres_server *primary);
/* Starts it again after a stop or a crash, and waits until it answers. */
void postgres_server_start(struct postgres_server *server);
/* Sends a signal to the postmaster (SIGINT: fast; SIGQUIT: immediate; SIGKILL) and waits for its end. */
void postgres_server_stop(struct postgres_server *server, int signal);
/* Stops it, and takes everything away. */
void postgres_server_remove(struct postgres_server *server);

/* The URL of a database for the superuser, over the socket: as the backend takes it. */
void postgres_url(const struct postgres_server *server, const char *database, char *url, size_t size);
/* The same over a port of loopback, a proxy's say. */
void postgres_url_at(int port, const char *database, char *url, size_t size);
/* Runs a text of statements as the superuser; fails the test where that fails. */
void postgres_run(const struct postgres_server *server, const char *database, const char *sql);
/* The first column of the first row as a number. */
long long postgres_number(const struct postgres_server *server, const char *database, const char *sql);
/*
 * A database with an empty log: copied from a template, which is made once, or where it is there already, emptied, which
 * is much faster.
 */
void postgres_reset(const struct postgres_server *server, const char *database);

#endif
