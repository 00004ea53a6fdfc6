#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "tests/engine/said.h"

void said_collect(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length)
{
	static const char *const kinds[] = {"E", "A", "R", "I", "C"};
	struct said *said = context;
	int written;

	assert_int_equal(strlen(text), length);
	if (kind == LF_SAY_REASON || kind == LF_SAY_INELIGIBLE)
		written = snprintf(said->text + said->length, sizeof(said->text) - said->length, "%s%zu: %s\n",
			kinds[kind], index, text);
	else
		written = snprintf(
			said->text + said->length, sizeof(said->text) - said->length, "%s: %s\n", kinds[kind], text);
	said->length += (size_t)written;
	assert_true(said->length < sizeof(said->text));
}
