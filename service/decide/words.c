#include "service/decide/words.h"

#include <stdio.h>

#include "leadfit/v1/scoring.pb-c.h"
#include "proto/text/json.h"

char *lf_gate_text(const struct lf_rubric_def *def, size_t gate, struct lf_arena *arena)
{
	char number[32], text[256];
	int length;

	lf_print_double(def->gates[gate].at_least, number);
	length = snprintf(text, sizeof(text), "%s of at least %s",
		def->gates[gate].criterion == LF_NONE ? "availability" : def->criteria[def->gates[gate].criterion].id,
		number);
	return lf_arena_strdup(arena, text, (size_t)length);
}

const char *lf_outcome_name(uint32_t outcome, const char *unknown)
{
	const ProtobufCEnumValue *value =
		protobuf_c_enum_descriptor_get_value(&leadfit__v1__outcome__descriptor, (int)outcome);

	return value != NULL ? value->name : unknown;
}
