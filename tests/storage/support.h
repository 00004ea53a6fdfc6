/* What the tests of the decision log share: a fresh folder, appends that can be waited for, lists that are collected.
 */
#ifndef LF_TESTS_STORAGE_SUPPORT_H
#define LF_TESTS_STORAGE_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/limits.h"
#include "storage/log/backend.h"
#include "storage/sqlite/sqlite.h"

/* A fresh folder, and a name in it. */
struct place {
	char folder[64];
	char file[96];
};
void place_make(struct place *place);
void place_remove(struct place *place); /* with everything in it */
/* Names in the folder but those that begin with except (may be NULL), sorted and joined by a space. */
void place_names(const struct place *place, const char *except, char *names, size_t size);
/* The bytes of a file; NULL where absent. free() releases. */
uint8_t *file_read(const char *path, size_t *length);
void file_write(const char *path, const void *data, size_t length);

/* An append with room for its strings. */
struct work {
	struct lf_append append;
	char team_id[64], project_id[64], key[64], answer[128], team[64], project[64], recommended[64];
	char candidate_ids[4][32];
	const char *candidates[4];
	atomic_int completions;
	enum lf_code code; /* of the last completion */
	char message[512];
};
/* Team, project and key by number; key 0 = none. Two candidates: c-TEAM and c-all. */
void work_init(struct work *work, int team, int project, int key);
void work_wait(struct work *work);
/* Appends and waits; returns the code. */
enum lf_code work_run(struct lf_log *log, struct work *work);
/* The same against a backend: one transaction. */
enum lf_code work_store(const struct lf_backend *backend, struct lf_store *store, struct work *work);

/*
 * A store's writer by hand: a log without threads, of which each call is one of a transaction. What is put is made into
 * records by the log's own code; the first error of one of them is given, and then the transaction still goes on.
 */
struct lf_log *hand_new(const struct lf_backend *backend, struct lf_store *store);
void hand_free(struct lf_log *hand); /* the store stays open */
enum lf_code hand_begin(struct lf_log *hand, struct lf_error *error);
enum lf_code hand_put(struct lf_log *hand, struct lf_append *append, int64_t at_us, struct lf_error *error);
enum lf_code hand_put_all(
	struct lf_log *hand, struct lf_append *const *appends, size_t count, int64_t at_us, struct lf_error *error);
enum lf_code hand_commit(struct lf_log *hand, struct lf_error *error);
void hand_rollback(struct lf_log *hand);
/* All of it, for one. at_us 0: 10 us after the newest. */
enum lf_code hand_store(const struct lf_backend *backend, struct lf_store *store, struct lf_append *append,
	int64_t at_us, struct lf_error *error);

/* The rubric that works refer to. */
extern const char RUBRIC_NAME[], RUBRIC_BODY[];
struct lf_bytes bytes_of(const char *text);
void rubric_put(struct lf_log *log);
void rubric_store(const struct lf_backend *backend, struct lf_store *store);
/* Another version, or another rubric; and a work that refers to it. */
void version_store(const struct lf_backend *backend, struct lf_store *store, const char *name, const char *body);
void work_set_rubric(struct work *work, const char *name, const char *body);

/*
 * Puts a head over the leaves as they stand in a log's file, by another program's means; wrong is exclusive-or'd into
 * its root's first byte.
 */
void head_forge(const char *file, uint8_t wrong);

struct lf_log *log_open(const struct lf_backend *backend, const char *location);

/* A list, collected: sequences and teams. */
struct listed {
	size_t count;
	uint64_t sequences[2000];
	struct lf_uuid ids[2000];
	int64_t times[2000];
};
void listed_visit(void *context, const struct lf_stored *row);
struct lf_filter filter_any(void);
/* All that fit, whatever number of pages the log gives them in, which on a busy machine are many. */
void list_all(struct lf_log *log, struct lf_filter filter, struct listed *listed);
/* All leaves from a position on, likewise. */
void audit_all(struct lf_log *log, uint64_t first, void (*visit)(void *context, const struct lf_audit_row *row),
	void *context);

#endif
