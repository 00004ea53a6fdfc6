/* What every part of the check uses: noting findings, and going through rows in short read transactions. */
#include <stdio.h>

#include "proto/base/clock.h"
#include "storage/sqlite/derived.h"

void lf_derived_find(struct lf_derived *check, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	if (check->finding_count == LF_DERIVED_FINDINGS_MAX)
		return;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	check->findings[check->finding_count++] = text;
}

/* ---- going through ---- */

struct paging {
	sqlite3_stmt *statement;
	sqlite3_value *keys[2]; /* after them */
	int key_count;
};

static int bind_keys(struct paging *paging, bool text_key)
{
	for (int i = 0; i < paging->key_count; i++) {
		const int result = paging->keys[i] != NULL
			? sqlite3_bind_value(paging->statement, i + 1, paging->keys[i])
			: i == 1 && text_key ? sqlite3_bind_text(paging->statement, i + 1, "", 0, SQLITE_STATIC)
					     : sqlite3_bind_int64(paging->statement, i + 1, INT64_MIN);

		if (result != SQLITE_OK)
			return result;
	}
	return SQLITE_OK;
}

static int keep_keys(struct paging *paging)
{
	for (int i = 0; i < paging->key_count; i++) {
		sqlite3_value_free(paging->keys[i]);
		paging->keys[i] = sqlite3_value_dup(sqlite3_column_value(paging->statement, i));
		if (paging->keys[i] == NULL)
			return SQLITE_NOMEM;
	}
	return SQLITE_OK;
}

/* One transaction's rows. SQLITE_DONE at the end, SQLITE_OK where there are more. */
static int read_page(struct lf_derived *check, struct paging *paging, bool text_key, lf_derived_row_fn before,
	lf_derived_row_fn each)
{
	uint64_t start_ns;
	int result = lf_sqlite_begin_reading(check->reader);

	if (result == SQLITE_OK && before != NULL)
		result = before(check, NULL);
	if (result == SQLITE_OK)
		result = bind_keys(paging, text_key);
	start_ns = lf_clock_ns();
	for (size_t rows = 1; result == SQLITE_OK && (result = sqlite3_step(paging->statement)) == SQLITE_ROW; rows++) {
		result = each(check, paging->statement);
		if (result == SQLITE_OK && rows % 64 == 0 && lf_sqlite_time_is_up(start_ns)) {
			result = keep_keys(paging);
			break;
		}
	}
	sqlite3_reset(paging->statement);
	lf_sqlite_end_reading(check->reader);
	return result == LF_DERIVED_STOP ? SQLITE_DONE : result;
}

enum lf_code lf_derived_pages(struct lf_derived *check, const char *what, const char *sql, bool text_key,
	lf_derived_row_fn before, lf_derived_row_fn each)
{
	struct paging paging = {.statement = NULL};
	int result = sqlite3_prepare_v2(check->reader->db, sql, -1, &paging.statement, NULL);

	paging.key_count = result == SQLITE_OK ? sqlite3_bind_parameter_count(paging.statement) : 0;
	while (result == SQLITE_OK) {
		if (check->go_on != NULL && !check->go_on(check->context)) {
			lf_error_set(check->error, LF_CANCELLED, "the check was ended");
			break;
		}
		result = read_page(check, &paging, text_key, before, each);
	}
	if ((result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_ERROR)
		lf_derived_find(
			check, "the file is damaged where it has %s: %s", what, sqlite3_errmsg(check->reader->db));
	else if (result != SQLITE_OK && result != SQLITE_DONE)
		lf_sqlite_error(check->error, check->reader->db, result, what);
	sqlite3_finalize(paging.statement);
	for (int i = 0; i < paging.key_count; i++)
		sqlite3_value_free(paging.keys[i]);
	return check->error->code;
}
