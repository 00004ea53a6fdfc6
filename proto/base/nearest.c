#include "proto/base/nearest.h"

#include <stdint.h>
#include <string.h>

/* Names longer than this are compared by their first bytes only. */
enum { NEAREST_BYTES_MAX = 64 };

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements, and swaps of neighbours, case aside, between a and b. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][NEAREST_BYTES_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		above[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *free_row;

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			char x = lower(a[i - 1]), y = lower(b[j - 1]);

			row[j] = least(above[j - 1] + (x != y), 1 + least(above[j], row[j - 1]));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		free_row = before;
		before = above;
		above = row;
		row = free_row;
	}
	return above[b_length];
}

const char *lf_nearest(const char *name, const char *const *candidates, size_t count)
{
	const char *nearest = NULL;
	size_t nearest_distance = SIZE_MAX;
	size_t length = strnlen(name, NEAREST_BYTES_MAX);

	for (size_t i = 0; i < count; i++) {
		size_t candidate_length = strnlen(candidates[i], NEAREST_BYTES_MAX);
		size_t longer = length > candidate_length ? length : candidate_length;
		size_t shorter = length + candidate_length - longer;
		/* A third of the letters may be wrong, and one always, but not all of them. */
		size_t allowed = longer < 6 ? 1 : longer / 3;
		size_t distance;

		if (!shorter || longer - shorter > allowed || longer - shorter >= nearest_distance)
			continue;
		distance = edit_distance(name, length, candidates[i], candidate_length);
		if (distance <= allowed && distance < longer && distance < nearest_distance) {
			nearest = candidates[i];
			nearest_distance = distance;
		}
	}
	return nearest;
}
