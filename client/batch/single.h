/* A file of --cross that is one team or project, and not lines of them. */
#ifndef LF_CLIENT_BATCH_SINGLE_H
#define LF_CLIENT_BATCH_SINGLE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "client/batch/lines.h"
#include "proto/base/status.h"

/* Whether the whole of the file is one message: by its ending, or, of a .json file, because its first line is none. */
bool lf_single_is(const char *path, const ProtobufCMessageDescriptor *type);
/* Reads it, and makes it the only line. Blocks. */
enum lf_code lf_single_open(
	struct lf_lines *lines, const char *path, const ProtobufCMessageDescriptor *type, struct lf_error *error);

#endif
