#include "storage/postgres/array.h"

#include <stdlib.h>
#include <string.h>

/* Dimensions, whether there are NULLs, type, elements, first index. */
enum { HEADER_BYTES = 20 };

static void write_number(uint8_t *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

void lf_pg_array_empty(struct lf_pg_array *array, enum lf_pg_type type)
{
	array->type = type;
	array->length = HEADER_BYTES;
	array->count = 0;
	array->has_null = array->failed = false;
}

void lf_pg_array_wipe(struct lf_pg_array *array)
{
	if (array->data != NULL)
		explicit_bzero(array->data, array->size);
}

void lf_pg_array_clean_up(struct lf_pg_array *array)
{
	free(array->data);
	*array = (struct lf_pg_array){.data = NULL};
}

static uint8_t *extend(struct lf_pg_array *array, size_t bytes)
{
	uint8_t *out;

	if (array->length + bytes > array->size) {
		const size_t size = (array->length + bytes) * 2 + 256;
		uint8_t *grown = realloc(array->data, size);

		if (grown == NULL) {
			array->failed = true;
			return NULL;
		}
		array->data = grown;
		array->size = size;
	}
	out = array->data + array->length;
	array->length += bytes;
	return out;
}

void lf_pg_array_bytes(struct lf_pg_array *array, const void *data, size_t length)
{
	uint8_t *out = extend(array, 4 + length);

	if (out == NULL)
		return;
	write_number(out, length, 4);
	if (length > 0)
		memcpy(out + 4, data, length);
	array->count++;
}

void lf_pg_array_int(struct lf_pg_array *array, int64_t value)
{
	const size_t bytes = array->type == LF_PG_INT8 ? 8 : 4;
	uint8_t *out = extend(array, 4 + bytes);

	if (out == NULL)
		return;
	write_number(out, bytes, 4);
	write_number(out + 4, (uint64_t)value, bytes);
	array->count++;
}

void lf_pg_array_null(struct lf_pg_array *array)
{
	uint8_t *out = extend(array, 4);

	if (out == NULL)
		return;
	write_number(out, UINT32_MAX, 4);
	array->has_null = true;
	array->count++;
}

void lf_pg_put_array(struct lf_pg_parameters *parameters, struct lf_pg_array *array)
{
	if (array->size < HEADER_BYTES) { /* nothing was ever put into it */
		array->data = realloc(array->data, 256);
		array->size = array->data != NULL ? 256 : 0;
		array->failed |= array->data == NULL;
	}
	if (array->failed) {
		lf_pg_put_null(parameters); /* the caller looks at failed before it sends */
		return;
	}
	write_number(array->data, array->count > 0 ? 1 : 0, 4);
	write_number(array->data + 4, array->has_null, 4);
	write_number(array->data + 8, (uint64_t)array->type, 4);
	write_number(array->data + 12, array->count, 4);
	write_number(array->data + 16, 1, 4);
	lf_pg_put_bytes(parameters, array->data, array->count > 0 ? array->length : 12);
}
