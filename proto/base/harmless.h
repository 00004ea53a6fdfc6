/* Text that may hold anything, on its way to people: what acts on a terminal, or can't be seen, is found and replaced. */
#ifndef LF_PROTO_BASE_HARMLESS_H
#define LF_PROTO_BASE_HARMLESS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Bytes of the character at text if it is one of these, and *character (may be NULL) is which; else 0. Reads no further
 * than a NUL.
 *
 *   U+0001..U+001F, U+007F..U+009F      controls
 *   U+061C, U+200E, U+200F, U+202A..U+202E, U+2066..U+2069
 *                                       turn the direction of what follows, so that a text reads as another one
 *   U+00AD, U+180E, U+200B..U+200D, U+2060..U+2065, U+206A..U+206F, U+FEFF, U+FFF9..U+FFFB, U+E0000..U+E007F
 *                                       can't be seen, so that two ids look alike
 *   U+2028, U+2029                      end a line
 */
size_t lf_unseen(const char *text, uint32_t *character);

/* Puts one '?' in the place of each of these but for line ends. The text may become shorter. */
void lf_text_make_harmless(char *text);

/* The same, and of line ends, too: what it gives is one line. */
void lf_text_make_line(char *text);

/*
 * Prints one line, by one call: what format makes is harmless, and ends where the line does, whatever names and paths are
 * in it. For what a service says, and for a report that a program reads line by line. Any thread.
 */
void lf_print_line(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
