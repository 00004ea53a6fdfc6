/* How the commands about rubrics name a version: by the first digits of its digest, and a name. */
#ifndef LF_CLIENT_GIVEN_RUBRIC_REF_H
#define LF_CLIENT_GIVEN_RUBRIC_REF_H

#include "client/session/cli.h"
#include "leadfit/v1/rubrics.pb-c.h"
#include "proto/base/arena.h"

enum { LF_DIGEST_DIGITS = 64, LF_DIGEST_DIGITS_MIN = 8 };

/*
 * The whole digest that text, 8..64 digits of either case, begins, in arena: asks the service unless all are given.
 * what names the argument in messages, e.g. "--digest". name "" = any rubric. NULL on error: INVALID_ARGUMENT where
 * text is no such digits or begins several, NOT_FOUND where it begins none.
 */
char *lf_digest_complete(struct lf_cli *cli, const char *what, const char *name, const char *text,
	struct lf_arena *arena, struct lf_error *error);

/*
 * What an operand says of a stored rubric: NAME, DIGEST or NAME@DIGEST. *name is "" where it says none, *digest NULL,
 * else whole; both in arena. Errors as of lf_digest_complete().
 */
enum lf_code lf_rubric_stored(struct lf_cli *cli, const char *what, const char *operand, struct lf_arena *arena,
	char **name, char **digest, struct lf_error *error);

/*
 * Whether an operand means a rubric's file and not a stored one: -, a path with a folder, one that ends in .yaml, .yml
 * or .json, or anything that exists.
 */
bool lf_rubric_is_file(const char *operand);

/* Reads a rubric from a file, in arena; NULL on error. Clean input up in any case; zero it before. */
Leadfit__V1__Rubric *lf_rubric_read(
	struct lf_input *input, const char *path, struct lf_arena *arena, struct lf_error *error);

/* The digest that the service gives this rubric, 64 digits in arena; NULL on error. Puts it in canonical order. */
char *lf_rubric_digest(Leadfit__V1__Rubric *rubric, struct lf_arena *arena, struct lf_error *error);

/*
 * Asks for a stored rubric. name: "" for the default rubric; digest: its first 8 digits or more, NULL for the active
 * version. Gives back the reply, to be freed; NULL on error. Blocks.
 */
ProtobufCMessage *lf_rubric_get(
	struct lf_cli *cli, const char *name, const char *digest, struct lf_arena *arena, struct lf_error *error);

#endif
