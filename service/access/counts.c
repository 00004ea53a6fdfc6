#include "service/access/counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leadfit/v1/record.pb-c.h"
#include "proto/wire/borrow.h"

/* ---- counting ---- */

static bool is_of(const struct lf_access_row *row, const char *caller, const char *method, enum lf_code code)
{
	return row->code == code && strcmp(row->method, method) == 0 && strcmp(row->caller, caller) == 0;
}

static struct lf_access_row *find(
	struct lf_access_counts *counts, const char *caller, const char *method, enum lf_code code)
{
	struct lf_access_row *row;

	for (size_t i = 0; i < counts->row_count; i++)
		if (is_of(&counts->rows[i], caller, method, code))
			return &counts->rows[i];
	if (counts->row_count == LF_ACCESS_ROWS_MAX)
		return NULL;
	row = &counts->rows[counts->row_count++];
	snprintf(row->caller, sizeof(row->caller), "%s", caller);
	snprintf(row->method, sizeof(row->method), "%s", method);
	row->code = code;
	row->calls = 0;
	return row;
}

void lf_access_counts_add(struct lf_access_counts *counts, const char *caller, const char *service, const char *method,
	enum lf_code code, int64_t minute)
{
	char name[LF_ACCESS_METHOD_BYTES];
	struct lf_access_row *row;

	if (lf_access_counts_empty(counts))
		counts->first_minute = minute;
	counts->last_minute = minute;
	snprintf(name, sizeof(name), "%s/%s", service, method);
	row = find(counts, caller, name, code);
	if (row != NULL)
		row->calls++;
	else
		counts->others++;
}

uint64_t lf_access_counts_calls(const struct lf_access_counts *counts)
{
	uint64_t calls = counts->others;

	for (size_t i = 0; i < counts->row_count; i++)
		calls += counts->rows[i].calls;
	return calls;
}

void lf_access_counts_clear(struct lf_access_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
}

/* ---- packing ---- */

/* Into messages, which point into the rows. */
static void to_messages(
	const struct lf_access_counts *counts, Leadfit__V1__AccessCount *messages, Leadfit__V1__AccessCount **pointers)
{
	for (size_t i = 0; i < counts->row_count; i++) {
		const struct lf_access_row *row = &counts->rows[i];

		leadfit__v1__access_count__init(&messages[i]);
		messages[i].caller = lf_unconst(row->caller);
		messages[i].method = lf_unconst(row->method);
		messages[i].code = (uint32_t)row->code;
		messages[i].calls = row->calls;
		pointers[i] = &messages[i];
	}
}

uint8_t *lf_access_counts_pack(const struct lf_access_counts *counts, int64_t from_us, int64_t until_us, size_t *length)
{
	Leadfit__V1__AccessBody body = LEADFIT__V1__ACCESS_BODY__INIT;
	Leadfit__V1__AccessCount messages[LF_ACCESS_ROWS_MAX], *pointers[LF_ACCESS_ROWS_MAX];
	uint8_t *bytes;

	to_messages(counts, messages, pointers);
	body.from_us = from_us;
	body.until_us = until_us;
	body.n_counts = counts->row_count;
	body.counts = pointers;
	body.others = counts->others;
	bytes = malloc(leadfit__v1__access_body__get_packed_size(&body) + 1);
	if (bytes != NULL)
		*length = leadfit__v1__access_body__pack(&body, bytes);
	return bytes;
}
