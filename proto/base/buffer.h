/* A text that grows. */
#ifndef LF_PROTO_BASE_BUFFER_H
#define LF_PROTO_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(default) /* exported by libleadfit */

/* A growing text; data is NUL-terminated once anything was appended. Owned by the caller, released by clean_up. */
struct lf_buffer {
	char *data;
	size_t length;
	size_t capacity;
	bool failed; /* memory ran out: the content is cut, and stays so */
};
void lf_buffer_clean_up(struct lf_buffer *buffer);
void lf_buffer_append(struct lf_buffer *buffer, const char *text, size_t length);
void lf_buffer_append_text(struct lf_buffer *buffer, const char *text);

/* Appends as printf does; memory that runs out shows in text->failed. */
void lf_text_add(struct lf_buffer *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends one byte. */
static inline void lf_buffer_put(struct lf_buffer *out, char c)
{
	/* Short of room by one for the NUL, the slow way makes some. */
	if (out->failed || out->capacity - out->length < 2) {
		lf_buffer_append(out, &c, 1);
		return;
	}
	out->data[out->length++] = c;
	out->data[out->length] = '\0';
}

#pragma GCC visibility pop

#endif
