/*
 * Subcommands of leadfitd that work on a log that no service has. Each returns the exit status; argv[0] is the
 * subcommand's name.
 */
#ifndef LF_SERVICE_OFFLINE_COMMANDS_H
#define LF_SERVICE_OFFLINE_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "storage/tlog/note.h"

/* leadfitd key --db FILE [--key FILE]: prints the verifier key. */
int lf_key_command(int argc, char **argv);
/* leadfitd copy --from LOCATION --to LOCATION: 0 all of it is there; what is not is what the same command goes on with. */
int lf_copy_command(int argc, char **argv);
/* leadfitd init --db URL --key FILE: makes a log in PostgreSQL, and the key; prints the verifier key. */
int lf_init_command(int argc, char **argv);
/*
 * leadfitd verify --db FILE [--checkpoint FILE|DIR]... [--key VKEY|FILE]: 0 all is well, 1 findings, else as the CLI.
 */
int lf_verify_command(int argc, char **argv);
/* leadfitd restore --db FILE --from BACKUP [--checkpoint FILE|DIR]... [--key VKEY|FILE]. 1: the backup has findings. */
int lf_restore_command(int argc, char **argv);

enum { LF_CHECKPOINT_PATHS_MAX = 16 };

/* What a log is to be compared with. */
struct lf_seals {
	const char *paths[LF_CHECKPOINT_PATHS_MAX]; /* --checkpoint: files, or directories of them */
	size_t count;
	const char *key;    /* --key: a verifier key, or a file with one or with a signing key; NULL: beside database */
	const char *beside; /* the database whose .checkpoints, .key.pub and .key are looked for where none are given */
	bool backup;        /* the log is a copy, so that checkpoints of a later state are no finding */
};
/*
 * Verifies the log in a file; prints findings and a summary on standard output, everything else on standard error.
 * Returns the exit status. *newest (may be NULL): records of the newest checkpoint.
 */
int lf_verify_file(const char *database, const struct lf_seals *seals, uint64_t *newest);

/* ---- seals.c: checkpoints in files, and the key to check them with ---- */

struct lf_sealed {
	char *name; /* of its file */
	struct lf_checkpoint checkpoint;
};
struct lf_sealed_list {
	struct lf_sealed *items; /* by rising size */
	size_t count, capacity;
};
/*
 * Reads every checkpoint and checks its signature. 0, or the exit status, said on standard error. Where none are given
 * and none are found, the list is empty.
 */
int lf_sealed_read(struct lf_sealed_list *list, const struct lf_seals *seals);
void lf_sealed_clean_up(struct lf_sealed_list *list);

#endif
