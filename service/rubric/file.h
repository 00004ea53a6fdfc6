/* Rubric files, as --rubric names them, and the one that is built in. */
#ifndef LF_SERVICE_RUBRIC_FILE_H
#define LF_SERVICE_RUBRIC_FILE_H

#include "service/rubric/version.h"

/*
 * Reads, checks and compiles one file (YAML, or JSON where its name ends in .json). Errors are by path, and don't name
 * the file; lf_rubric_file_say() prints them by line. UNAVAILABLE where it can't be read. *text (with its length) is the file's
 * content for that, freed by the caller, also on failure.
 */
enum lf_code lf_rubric_file_load(
	struct lf_rubric_version **version, const char *path, char **text, size_t *length, struct lf_error *error);
/* The built-in one, checked and compiled. */
enum lf_code lf_rubric_built_in_load(struct lf_rubric_version **version, struct lf_error *error);
/* Prints to stderr "PATH:LINE: FIELD: DESCRIPTION" for each violation, or "PATH: MESSAGE". */
void lf_rubric_file_say(const char *path, const char *text, size_t length, const struct lf_error *error);
/*
 * Says the event rubric_warning, "PATH:LINE: warning: FIELD: DESCRIPTION", for what is allowed in the version, read from this text,
 * but probably not meant.
 */
void lf_rubric_file_warn(const char *path, const char *text, size_t length, const struct lf_rubric_version *version);

#endif
