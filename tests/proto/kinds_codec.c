/*
 * Finds the code for the messages of kinds.proto, too, which are not of the interface (linked with
 * --wrap=lf_codec_find).
 */
#include <string.h>

#include "proto/wire/codec.h"

/* Written by descgen. */
const struct lf_codec *lf_kinds_codec_find(const ProtobufCMessageDescriptor *type);
const struct lf_codec *__real_lf_codec_find(const ProtobufCMessageDescriptor *type);
const struct lf_codec *__wrap_lf_codec_find(const ProtobufCMessageDescriptor *type);

const struct lf_codec *__wrap_lf_codec_find(const ProtobufCMessageDescriptor *type)
{
	return strcmp(type->package_name, "leadfit.test") == 0 ? lf_kinds_codec_find(type) : __real_lf_codec_find(type);
}
