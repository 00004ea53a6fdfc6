/* Arrays as parameters in PostgreSQL's binary form: a column of many rows, for unnest(). */
#ifndef LF_STORAGE_POSTGRES_ARRAY_H
#define LF_STORAGE_POSTGRES_ARRAY_H

#include "storage/postgres/connection.h"

/* Types by their numbers in PostgreSQL's catalogue, which are for ever. */
enum lf_pg_type { LF_PG_BYTEA = 17, LF_PG_INT8 = 20, LF_PG_INT4 = 23, LF_PG_TEXT = 25, LF_PG_UUID = 2950 };

/* Emptied and used again; its memory is kept. {0} needs nothing but a type. */
struct lf_pg_array {
	enum lf_pg_type type;
	uint8_t *data;
	size_t length, size;
	uint32_t count;
	bool has_null, failed; /* failed: out of memory, until it is emptied */
};
void lf_pg_array_empty(struct lf_pg_array *array, enum lf_pg_type type);
/* Overwrites what it has held. */
void lf_pg_array_wipe(struct lf_pg_array *array);
void lf_pg_array_clean_up(struct lf_pg_array *array);
void lf_pg_array_int(struct lf_pg_array *array, int64_t value); /* INT8 or INT4 */
void lf_pg_array_bytes(struct lf_pg_array *array, const void *data, size_t length);
void lf_pg_array_null(struct lf_pg_array *array);
/* As a parameter: it stays as it is until lf_pg_send() has returned. */
void lf_pg_put_array(struct lf_pg_parameters *parameters, struct lf_pg_array *array);

#endif
