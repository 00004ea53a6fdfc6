#include "proto/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/check.h"

void lf_buffer_clean_up(struct lf_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct lf_buffer){.data = NULL};
}

/* Makes room for length more bytes and the NUL. */
static bool reserve(struct lf_buffer *buffer, size_t length)
{
	size_t capacity;
	char *data;

	if (buffer->failed)
		return false;
	LF_CHECK(P8, buffer->length <= buffer->capacity);
	if (length < buffer->capacity - buffer->length && buffer->data != NULL)
		return true;
	capacity = buffer->capacity ? buffer->capacity : 256;
	while (capacity - buffer->length <= length) {
		if (capacity > SIZE_MAX / 2) {
			buffer->failed = true;
			return false;
		}
		capacity *= 2;
	}
	data = realloc(buffer->data, capacity);
	if (data == NULL) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void lf_buffer_append(struct lf_buffer *buffer, const char *text, size_t length)
{
	if (!reserve(buffer, length))
		return;
	if (length)
		memcpy(buffer->data + buffer->length, text, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
}

void lf_buffer_append_text(struct lf_buffer *buffer, const char *text)
{
	lf_buffer_append(buffer, text, strlen(text));
}

void lf_text_add(struct lf_buffer *text, const char *format, ...)
{
	char *piece = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&piece, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text->failed = true;
		return;
	}
	lf_buffer_append(text, piece, (size_t)length);
	free(piece);
}
