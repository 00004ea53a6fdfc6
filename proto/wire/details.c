#include "proto/wire/details.h"

#include <stdbool.h>
#include <string.h>

#include "proto/wire/span.h"

enum { STATUS_DETAILS = 3, ANY_TYPE_URL = 1, ANY_VALUE = 2 };

/* "type.googleapis.com/PACKAGE.TYPE": what is before the slash says nothing to us. */
static bool names(struct lf_span url, const char *type)
{
	const size_t length = strlen(type);

	return url.length > length && url.data[url.length - length - 1] == '/' &&
		memcmp(url.data + url.length - length, type, length) == 0;
}

/* Whether any is of this type; then *value is what it holds. */
static bool holds(struct lf_span any, const char *type, struct lf_slice *value)
{
	struct lf_wire_value field = {0};
	bool named = false;
	uint32_t number;

	*value = (struct lf_slice){"", 0};
	while (any.length > 0) {
		if (lf_span_field(&any, &number, &field) != NULL)
			return false;
		if (field.wire != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			continue;
		if (number == ANY_TYPE_URL)
			named = names(field.span, type);
		else if (number == ANY_VALUE)
			*value = (struct lf_slice){(const char *)field.span.data, field.span.length};
	}
	return named;
}

struct lf_slice lf_details_find(const uint8_t *data, size_t length, const char *type)
{
	struct lf_span rest = {data, length};
	struct lf_wire_value field = {0};
	struct lf_slice value;
	uint32_t number;

	while (rest.length > 0 && lf_span_field(&rest, &number, &field) == NULL)
		if (number == STATUS_DETAILS && field.wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
			holds(field.span, type, &value))
			return value;
	return (struct lf_slice){NULL, 0};
}
