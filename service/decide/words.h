/* A rubric's parts in words, as several answers say them. */
#ifndef LF_SERVICE_DECIDE_WORDS_H
#define LF_SERVICE_DECIDE_WORDS_H

#include "proto/base/arena.h"
#include "service/engine/engine.h"

/* "collaboration of at least 2": a gate in arena, NULL where that is exhausted. */
char *lf_gate_text(const struct lf_rubric_def *def, size_t gate, struct lf_arena *arena);
/* "RECOMMENDED": an outcome's name; unknown where the number stands for none. */
const char *lf_outcome_name(uint32_t outcome, const char *unknown);

#endif
