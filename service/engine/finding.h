/* How check.c and warn.c report what they find: a path, and words. */
#ifndef LF_ENGINE_FINDING_H
#define LF_ENGINE_FINDING_H

#include <stddef.h>
#include "service/engine/engine.h"
#include "service/engine/text.h"

/* A walk over a definition, reporting by path. */
struct check {
	const struct lf_rubric_def *def;
	lf_report_fn report;
	void *context;
	size_t reported;
	struct lf_text field;
	struct lf_text words;
};

/* Begins the field's path anew: "name". */
static inline void at(struct check *check, const char *name)
{
	lf_text_clear(&check->field);
	lf_text_put(&check->field, name);
}

/* "[3]" */
static inline void at_index(struct check *check, size_t index)
{
	lf_text_put(&check->field, "[");
	lf_text_count(&check->field, index);
	lf_text_put(&check->field, "]");
}

/* "[\"PEER\"]" */
static inline void at_key(struct check *check, const char *key)
{
	lf_text_put(&check->field, "[\"");
	lf_text_put(&check->field, key);
	lf_text_put(&check->field, "\"]");
}

/* Reports the words gathered so far for field + suffix. The path stays for more. */
static inline void report(struct check *check, const char *suffix)
{
	size_t length = check->field.length;

	lf_text_put(&check->field, suffix);
	lf_text_finish(&check->field);
	lf_text_finish(&check->words);
	check->report(check->context, check->field.bytes, check->words.bytes);
	check->field.length = length;
	check->reported++;
	lf_text_clear(&check->words);
}

static inline void report_text(struct check *check, const char *suffix, const char *description)
{
	lf_text_put(&check->words, description);
	report(check, suffix);
}

#endif
