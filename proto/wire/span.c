#include "proto/wire/span.h"

#include <stdbool.h>
#include <string.h>

/* Length of the UTF-8 sequence at the start of span (its first byte is not ASCII); 0 where it is none. */
static size_t utf8_sequence(struct lf_span span)
{
	const uint8_t *b = span.data;
	uint8_t second_min = 0x80, second_max = 0xbf;
	size_t length;

	if (b[0] >= 0xc2 && b[0] <= 0xdf)
		length = 2;
	else if (b[0] >= 0xe0 && b[0] <= 0xef)
		length = 3;
	else if (b[0] >= 0xf0 && b[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > span.length)
		return 0;
	switch (b[0]) {
	case 0xe0: /* overlong */
		second_min = 0xa0;
		break;
	case 0xed: /* surrogates */
		second_max = 0x9f;
		break;
	case 0xf0: /* overlong */
		second_min = 0x90;
		break;
	case 0xf4: /* above U+10FFFF */
		second_max = 0x8f;
		break;
	}
	if (b[1] < second_min || b[1] > second_max)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (b[i] < 0x80 || b[i] > 0xbf)
			return 0;
	return length;
}

/* Whether all eight bytes are ASCII and none is NUL. (A borrow out of a NUL byte can only make this false.) */
static inline bool plain_word(const uint8_t *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

const char *lf_span_text_fault(struct lf_span span)
{
	const uint8_t *start = span.data;

	while (span.length > 0) {
		size_t length;

		if (span.length >= 8 && plain_word(span.data)) {
			lf_span_advance(&span, 8);
			continue;
		}
		/* The last few bytes together with some before them that are known to be good. */
		if (span.length < 8 && span.data + span.length - start >= 8 && plain_word(span.data + span.length - 8))
			return NULL;
		if (span.data[0] == 0)
			return "has a NUL byte";
		length = span.data[0] < 0x80 ? 1 : utf8_sequence(span);
		if (length == 0)
			return "is not valid UTF-8";
		lf_span_advance(&span, length);
	}
	return NULL;
}

int lf_span_compare(const struct lf_span *a, const struct lf_span *b)
{
	size_t common = a->length < b->length ? a->length : b->length;
	int order = memcmp(a->data, b->data, common);

	if (order != 0)
		return order;
	return a->length < b->length ? -1 : a->length > b->length;
}

static void sift_down(struct lf_span *keys, size_t root, size_t count)
{
	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		struct lf_span swapped;

		if (child + 1 < count && lf_span_compare(&keys[child], &keys[child + 1]) < 0)
			child++;
		if (lf_span_compare(&keys[root], &keys[child]) >= 0)
			return;
		swapped = keys[root];
		keys[root] = keys[child];
		keys[child] = swapped;
	}
}

void lf_span_sort(struct lf_span *keys, size_t count)
{
	for (size_t root = count / 2; root-- > 0;)
		sift_down(keys, root, count);
	for (size_t end = count; end-- > 1;) {
		struct lf_span swapped = keys[0];

		keys[0] = keys[end];
		keys[end] = swapped;
		sift_down(keys, 0, end);
	}
}
