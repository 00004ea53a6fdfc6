/*
 * Texts that people take for the same: written in other case, with other spaces, composed or decomposed. What is made
 * lives in the arena; NULL where memory ran out. Texts are valid UTF-8.
 */
#ifndef LF_CLIENT_SHEETS_FOLD_H
#define LF_CLIENT_SHEETS_FOLD_H

#include "proto/base/arena.h"

/* Moves *text behind the white space (of Unicode) that it begins with. Returns the length without what it ends with. */
size_t lf_trim(const char **text);

/*
 * Equal for texts that differ only in case, in composition (NFC), in how wide and what the white space between words is, in
 * white space around, and in characters that can't be seen (proto/base/harmless.h).
 */
char *lf_fold(struct lf_arena *arena, const char *text);
/* lf_fold() without spaces, '_', '-', '.', '/' and '&': for names of columns, disciplines, sources and criteria. */
char *lf_fold_name(struct lf_arena *arena, const char *text);
/* Equal for ids that look alike: lf_fold() of what letters look like (l, 1 and I; o and 0; Cyrillic and Greek letters). */
char *lf_fold_looks(struct lf_arena *arena, const char *text);

#endif
