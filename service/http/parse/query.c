#include "service/http/parse/query.h"

#include <string.h>

#include "proto/base/hex.h"

enum { NAME_SHOWN_MAX = 40 };

/* Decodes text to out, which may be the same memory. Returns the length, or text.length + 1 where a %XX is wrong. */
static size_t decode(struct lf_slice text, char *out)
{
	size_t length = 0;

	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];

		if (c == '+')
			c = ' ';
		if (c == '%') {
			const int high = text.length - i > 2 ? lf_hex_value(text.data[i + 1]) : -1;
			const int low = high < 0 ? -1 : lf_hex_value(text.data[i + 2]);

			if (low < 0)
				return text.length + 1;
			c = (char)(high << 4 | low);
			i += 2;
		}
		out[length++] = c;
	}
	return length;
}

static bool same(struct lf_slice a, struct lf_slice b)
{
	return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* How much of a name an error shows. */
static int shown(struct lf_slice name)
{
	return name.length < NAME_SHOWN_MAX ? (int)name.length : NAME_SHOWN_MAX;
}

/* One "name=value". *decoded is moved behind what it takes. */
static enum lf_code read_one(struct lf_query *query, struct lf_slice text, char **decoded, struct lf_error *error)
{
	const char *equals = memchr(text.data, '=', text.length);
	const size_t name_length = equals == NULL ? text.length : (size_t)(equals - text.data);
	const size_t value_at = equals == NULL ? text.length : name_length + 1;
	struct lf_metadata *entry = &query->entries[query->count];

	if (query->count == LF_QUERY_MAX)
		return lf_error_set(error, LF_INVALID_ARGUMENT, "the query has more than %d parameters", LF_QUERY_MAX);
	entry->key = (struct lf_slice){*decoded, decode((struct lf_slice){text.data, name_length}, *decoded)};
	if (entry->key.length > name_length)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"the query: %% is not followed by two hexadecimal digits in a parameter's name");
	*decoded += entry->key.length;
	entry->value = (struct lf_slice){
		*decoded, decode((struct lf_slice){text.data + value_at, text.length - value_at}, *decoded)};
	if (entry->value.length > text.length - value_at)
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"query parameter %.*s: %% is not followed by two hexadecimal digits", shown(entry->key),
			entry->key.data);
	*decoded += entry->value.length;
	for (size_t i = 0; i < query->count; i++)
		if (same(query->entries[i].key, entry->key))
			return lf_error_set(error, LF_INVALID_ARGUMENT, "query parameter %.*s is given twice",
				shown(entry->key), entry->key.data);
	query->count++;
	return LF_OK;
}

enum lf_code lf_query_read(struct lf_query *query, struct lf_slice text, char *decoded, struct lf_error *error)
{
	enum lf_code code = LF_OK;
	size_t at = 0;

	query->count = 0;
	while (code == LF_OK && at < text.length) {
		const char *end = memchr(text.data + at, '&', text.length - at);
		const size_t length = end == NULL ? text.length - at : (size_t)(end - text.data) - at;

		if (length != 0)
			code = read_one(query, (struct lf_slice){text.data + at, length}, &decoded, error);
		at += length + 1;
	}
	return code;
}

struct lf_slice lf_query_find(const struct lf_query *query, const char *name)
{
	return lf_metadata_find(query->entries, query->count, name);
}
