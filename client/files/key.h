/* The key that signs the log, as the user names it. */
#ifndef LF_CLIENT_FILES_KEY_H
#define LF_CLIENT_FILES_KEY_H

#include "proto/base/status.h"
#include "storage/tlog/note.h"

/* Reads --key: a verifier key, or the name of a file that holds one. INVALID_ARGUMENT. */
enum lf_code lf_key_take(const char *text, struct lf_verifier *verifier, struct lf_error *error);

#endif
