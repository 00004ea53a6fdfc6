/* What lf_explain() and its kin said, a sentence a line. */
#ifndef LF_TESTS_ENGINE_SAID_H
#define LF_TESTS_ENGINE_SAID_H

#include "service/engine/words/words.h"
#include "tests/engine/example.h"

struct said {
	size_t length;
	char text[1 << 16]; /* "E: sentence\n", "R2: sentence\n" */
};

/* An lf_say_fn; context is a struct said. */
void said_collect(void *context, enum lf_sentence kind, size_t index, const char *text, size_t length);

#endif
