/*
 * What the services share: the log and what is kept beside it. One struct for the whole process; each service has a
 * pointer to it. It holds no generated type, so a change to one .proto file rebuilds the rooms that use it and no
 * other.
 */
#ifndef LF_SERVICE_STATE_STATE_H
#define LF_SERVICE_STATE_STATE_H

#include <stdatomic.h>
#include <stddef.h>

#include "proto/base/status.h"
#include "service/state/figures.h"

struct lf_access;
struct lf_checkpoints;
struct lf_finisher;
struct lf_log;
struct lf_registry;
struct lf_rpc_server;
struct lf_signer;
struct lf_team_cache;

struct lf_state {
	struct lf_log *log;           /* borrowed */
	struct lf_registry *registry; /* borrowed */
	struct lf_team_cache *teams;  /* borrowed; NULL: none. Set before the server listens */
	struct lf_rpc_server *server; /* borrowed; NULL: none. Its warm memory is forgotten after an erasure */
	struct lf_access *access;     /* borrowed; NULL: who looks is not recorded. Set before the server listens */
	struct lf_finisher *finisher; /* completes calls whose record is committed */
	struct lf_finisher *chores;   /* runs what may take minutes, so that it holds no worker: Backup */
	/* Both borrowed, and set before the server listens. NULL: this service has no signing key. */
	const struct lf_signer *signer;
	struct lf_checkpoints *checkpoints; /* what is signed must continue the newest of them */
	const char *backups; /* borrowed, and set before the server listens: where Backup makes files; NULL: nowhere */
	const char *erased;  /* borrowed, as backups: the list of what was erased; NULL: none is kept */
	/* Set before the server listens: the log has roles, and this service has not the one that erases and prunes. */
	bool keeperless;
	atomic_bool draining; /* set when a shutdown begins: Health says NOT_SERVING, and chores end early */
	struct lf_figures figures;
	atomic_bool redacting; /* an erasure or pruning is at work: one at a time (lf_redaction_init()) */
};

/*
 * Starts the two threads. Borrows log and registry. On failure nothing is left to clean up. The struct must not move
 * afterwards.
 */
enum lf_code lf_state_init(
	struct lf_state *state, struct lf_log *log, struct lf_registry *registry, struct lf_error *error);
/*
 * Sets draining, lets the chore that is running end early, fails those that wait, and ends their thread. Blocks until
 * then. After the server has stopped, so that no call can push another one, and before the log is closed, which chores
 * work on. May be called twice.
 */
void lf_state_end_chores(struct lf_state *state);
/*
 * Ends the finisher. Blocks until it has completed what the log handed to it. After lf_state_end_chores(), and after
 * the log has been closed: until then its writer pushes.
 */
void lf_state_clean_up(struct lf_state *state);

/*
 * Something was erased from the log, here (and its file cleaned) or by another service on the same log: what this service
 * has of it in memory goes. What works at the
 * moment goes on with what it holds, and clears its stack when it has nothing more to do. Never blocks for long; any
 * thread.
 */
void lf_state_forget(struct lf_state *state);

/* The struct around a member: a service around its generated base, a job around its struct lf_finish. */
#define LF_CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
