/* Parameters and columns in PostgreSQL's binary form: integers big-endian. */
#include <string.h>

#include "proto/base/check.h"
#include "storage/postgres/connection.h"

static void put(struct lf_pg_parameters *parameters, const void *data, size_t length)
{
	LF_CHECK(G5, parameters->count < LF_PG_PARAMETERS_MAX);
	parameters->values[parameters->count] = data;
	parameters->lengths[parameters->count++] = (int)length;
}

static void put_number(struct lf_pg_parameters *parameters, uint64_t value, size_t bytes)
{
	uint8_t *out;

	LF_CHECK(G5, parameters->count < LF_PG_PARAMETERS_MAX);
	out = parameters->numbers[parameters->count];
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	put(parameters, out, bytes);
}

void lf_pg_put_int8(struct lf_pg_parameters *parameters, int64_t value)
{
	put_number(parameters, (uint64_t)value, 8);
}

void lf_pg_put_int4(struct lf_pg_parameters *parameters, int32_t value)
{
	put_number(parameters, (uint32_t)value, 4);
}

void lf_pg_put_bool(struct lf_pg_parameters *parameters, bool value)
{
	put_number(parameters, value, 1);
}

void lf_pg_put_bytes(struct lf_pg_parameters *parameters, const void *data, size_t length)
{
	put(parameters, data != NULL ? data : "", length);
}

void lf_pg_put_text(struct lf_pg_parameters *parameters, const char *text)
{
	put(parameters, text, strlen(text));
}

void lf_pg_put_null(struct lf_pg_parameters *parameters)
{
	put(parameters, NULL, 0);
}

int64_t lf_pg_int(const PGresult *result, int row, int column)
{
	const int length = PQgetlength(result, row, column);
	const uint8_t *data = (const uint8_t *)PQgetvalue(result, row, column);
	uint64_t value = length > 0 && (data[0] & 0x80) != 0 ? UINT64_MAX : 0;

	for (int i = 0; i < length && i < 8; i++)
		value = value << 8 | data[i];
	return (int64_t)value;
}

bool lf_pg_bool(const PGresult *result, int row, int column)
{
	return PQgetlength(result, row, column) == 1 && PQgetvalue(result, row, column)[0] != 0;
}

const uint8_t *lf_pg_bytes(const PGresult *result, int row, int column, size_t *length)
{
	*length = (size_t)PQgetlength(result, row, column);
	return (const uint8_t *)PQgetvalue(result, row, column);
}

bool lf_pg_fixed(const PGresult *result, int row, int column, void *out, size_t length)
{
	if (PQgetisnull(result, row, column) || PQgetlength(result, row, column) != (int)length)
		return false;
	memcpy(out, PQgetvalue(result, row, column), length);
	return true;
}
