/* What the tests of an altered log share: another SQLite client, and what leadfitd verify says. */
#ifndef LF_TESTS_SERVICE_ALTERED_H
#define LF_TESTS_SERVICE_ALTERED_H

#include "tests/storage/support.h"

void file_copy(const char *from, const char *to);

/* Runs statements with another SQLite client; gives the last column that one of them gave. Fails the test on an error. */
int64_t sql_run(const char *file, const char *sql);

/*
 * leadfitd verify --db FILE, with --checkpoint and --key where checkpoint is not NULL. Its exit status, and what it
 * prints, in output. It makes a file "output" in the folder of place.
 */
int verify_run(const struct place *place, const char *file, const char *checkpoint, const char *key, char *output,
	size_t size);

/* Whether a line of output begins so and has the text; first: it must be the first one. */
bool output_has_line(const char *output, const char *begin, const char *text, bool first);

#endif
