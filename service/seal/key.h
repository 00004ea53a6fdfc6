/*
 * The service's signing key: a file of one line, the private key in the form that golang.org/x/mod/sumdb/note prints,
 * mode 0600, and beside it FILE.pub with the verifier key (C2SP signed-note), which is for everyone.
 *
 * The key's name is the origin of its checkpoints. It is given when the key is made, and is part of the key from then
 * on: another name is another key. C2SP tlog-checkpoint recommends a URL without its scheme, such as
 * example.com/leadfit; where none is given it is "leadfit/" and 16 random hexadecimal digits, which collides with no
 * other and says nothing about who runs it.
 */
#ifndef LF_SERVICE_SEAL_KEY_H
#define LF_SERVICE_SEAL_KEY_H

#include "proto/base/status.h"
#include "storage/tlog/note.h"

/*
 * Reads one. NOT_FOUND where the file is absent; FAILED_PRECONDITION where others than its owner may read or write it;
 * INVALID_ARGUMENT where it is no signing key; UNAVAILABLE where it can't be read. signer is all zero then. What was
 * read is cleared.
 */
enum lf_code lf_key_load(struct lf_signer *signer, const char *path, struct lf_error *error);
/* Whether --origin can be a key's name: INVALID_ARGUMENT says what is allowed. */
enum lf_code lf_key_check_name(const char *origin, struct lf_error *error);
/*
 * Makes one. origin NULL: a random name. INVALID_ARGUMENT where the name is not valid, ALREADY_EXISTS where a file is
 * there (it is left as it is), UNAVAILABLE where it can't be written. Whole or not there at all, also after a crash.
 */
enum lf_code lf_key_make(struct lf_signer *signer, const char *path, const char *origin, struct lf_error *error);
/* Writes PATH.pub, 0644, where it is not there or says something else. UNAVAILABLE where it can't be written. */
enum lf_code lf_key_publish(const struct lf_signer *signer, const char *path, struct lf_error *error);
/* Forgets the private bytes. */
void lf_key_clear(struct lf_signer *signer);

#endif
