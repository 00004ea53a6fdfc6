#include "proto/wire/codec.h"

const struct lf_codec *lf_codec_find(const ProtobufCMessageDescriptor *type)
{
	return lf_codec_lookup(&lf_codecs, type);
}
