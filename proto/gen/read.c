/* Part of lf_descgen: the code that reads a message (see codec.h). */
#include "proto/gen/codec.h"

/* One value behind its tag into place, "m->name" or an element of it. */
static void put_value(FILE *out, const struct field *f, const char *place)
{
	if (f->is_message) {
		lf_descgen_put(out, "\t\t\tat = lf_read_length(at, end, &length);\n");
		lf_descgen_put(out, "\t\t\tif (at == NULL || depth == LF_MESSAGE_DEPTH_MAX)\n\t\t\t\treturn NULL;\n");
		if (!lf_descgen_is_map(f)) {
			lf_descgen_put(out, "\t\t\t%s = lf_read_known(reader, &%s__descriptor, at, length);\n", place,
				f->type->symbol);
			lf_descgen_put(out, "\t\t\tif (%s == NULL)\n\t", place);
		}
		lf_descgen_put(
			out, "\t\t\t%s = read_%s(reader, at, at + length, depth + 1);\n", place, f->type->symbol);
		lf_descgen_put(out, "\t\t\tif (%s == NULL)\n\t\t\t\treturn NULL;\n\t\t\tat += length;\n", place);
	} else if (f->type != NULL) {
		lf_descgen_put(out, "\t\t\tat = lf_read_varint(at, end, 10, &number);\n");
		lf_descgen_put(out, "\t\t\tif (at == NULL || !has_%s((int64_t)number))\n\t\t\t\treturn NULL;\n",
			f->type->symbol);
		lf_descgen_put(out, "\t\t\t%s = (%s)(int64_t)number;\n", place, f->type->c_name);
	} else {
		lf_descgen_put(out, "\t\t\tat = %s(%sat, end, &%s);\n", f->scalar->read,
			f->scalar->wire == 2 ? "reader->arena, " : "", place);
	}
}

/* Elements have an array made for those that follow, too. */
static void put_element(FILE *out, const struct field *f)
{
	char place[2 * LF_DESCGEN_NAME_BYTES + 8];

	snprintf(place, sizeof(place), "%s[%s]", f->member, f->count);
	lf_descgen_put(out, "\t\tcase %u:\n", f->tag);
	if (f->scalar->wire != 2)
		lf_descgen_put(out, "\t\t\tif ((seen & UINT64_C(1) << %zu) != 0)\n\t\t\t\treturn NULL;\n", f->index);
	lf_descgen_put(out,
		"\t\t\tif (%s == room_%zu && !lf_read_room(reader->arena, at, end, %u, &%s, %s, &room_%zu, "
		"sizeof(*%s)))\n",
		f->count, f->index, f->tag, f->member, f->count, f->index, f->member);
	lf_descgen_put(out, "\t\t\t\treturn NULL;\n");
	put_value(out, f, place);
	lf_descgen_put(out, "\t\t\t%s++;\n\t\t\tbreak;\n", f->count);
}

/* All elements of a packed field, which occurs once, and not beside elements with tags of their own. A varint has a
 * byte at least. */
static void put_packed(FILE *out, const struct field *f)
{
	char place[2 * LF_DESCGEN_NAME_BYTES + 8];
	const unsigned width = f->scalar->wire == 0 ? 1 : f->scalar->bytes_max;

	snprintf(place, sizeof(place), "%s[%s]", f->member, f->count);
	lf_descgen_put(out, "\t\tcase %u:\n", (unsigned)f->proto->number << 3 | 2);
	lf_descgen_put(out,
		"\t\t\tif (%s != 0 || (inner = lf_read_length(at, end, &length)) == NULL || length == "
		"0)\n\t\t\t\treturn NULL;\n",
		f->count);
	lf_descgen_put(out, "\t\t\tseen |= UINT64_C(1) << %zu;\n", f->index);
	lf_descgen_put(out, "\t\t\t%s = lf_arena_alloc(reader->arena, length / %u * sizeof(*%s));\n", f->member, width,
		f->member);
	lf_descgen_put(out, "\t\t\tif (%s == NULL)\n\t\t\t\treturn NULL;\n", f->member);
	lf_descgen_put(out, "\t\t\tfor (const uint8_t *stop = inner + length; inner != stop; %s++) {\n", f->count);
	if (f->type != NULL) {
		lf_descgen_put(out, "\t\t\t\tinner = lf_read_varint(inner, stop, 10, &number);\n");
		lf_descgen_put(out, "\t\t\t\tif (inner == NULL || !has_%s((int64_t)number))\n\t\t\t\t\treturn NULL;\n",
			f->type->symbol);
		lf_descgen_put(out, "\t\t\t\t%s = (%s)(int64_t)number;\n", place, f->type->c_name);
	} else {
		lf_descgen_put(out, "\t\t\t\tinner = %s(inner, stop, &%s);\n", f->scalar->read, place);
		lf_descgen_put(out, "\t\t\t\tif (inner == NULL)\n\t\t\t\t\treturn NULL;\n");
	}
	lf_descgen_put(out, "\t\t\t}\n\t\t\tat = inner;\n\t\t\tbreak;\n");
}

/* A field that is not repeated occurs once, and at most one of a oneof. */
static void put_singular(FILE *out, const struct field *f)
{
	lf_descgen_put(out, "\t\tcase %u:\n", f->tag);
	if (f->count[0] != '\0') {
		lf_descgen_put(out, "\t\t\tif (%s != 0)\n\t\t\t\treturn NULL;\n\t\t\t%s = %d;\n", f->count, f->count,
			f->proto->number);
	} else {
		lf_descgen_put(out, "\t\t\tif ((seen & UINT64_C(1) << %zu) != 0)\n\t\t\t\treturn NULL;\n", f->index);
		lf_descgen_put(out, "\t\t\tseen |= UINT64_C(1) << %zu;\n", f->index);
	}
	put_value(out, f, f->member);
	lf_descgen_put(out, "\t\t\tbreak;\n");
}

static void put_variables(FILE *out, const struct type *type)
{
	bool nests = false, number = false, inner = false, seen = false;

	for (size_t i = 0; i < type->field_count; i++) {
		const struct field *f = &type->fields[i];

		nests |= f->is_message;
		inner |= f->repeated && f->scalar->wire != 2;
		seen |= (f->repeated && f->scalar->wire != 2) || f->count[0] == '\0';
		number |= !f->is_message && f->type != NULL;
		if (f->repeated)
			lf_descgen_put(out, "\tsize_t room_%zu = 0;\n", f->index);
	}
	lf_descgen_put(out, "%s%s%s%s\tuint32_t tag;\n\n", nests || inner ? "\tsize_t length;\n" : "",
		number ? "\tuint64_t number;\n" : "", inner ? "\tconst uint8_t *inner;\n" : "",
		seen ? "\tuint64_t seen = 0;\n" : "");
	if (!nests)
		lf_descgen_put(out, "\t(void)depth;\n");
}

void lf_descgen_read(FILE *out, const struct type *type)
{
	lf_descgen_put(out,
		"\nstatic void *read_%s(const struct lf_reader *reader, const uint8_t *at, const uint8_t *end, "
		"unsigned depth)\n{\n",
		type->symbol);
	lf_descgen_put(out, "\tstatic const %s initial = %s;\n\t%s *m = lf_arena_alloc(reader->arena, sizeof(*m));\n",
		type->c_name, type->initial, type->c_name);
	put_variables(out, type);
	lf_descgen_put(out, "\tif (m == NULL)\n\t\treturn NULL;\n\t*m = initial;\n\twhile (at != end) {\n");
	lf_descgen_put(out,
		"\t\tat = lf_read_tag(at, end, &tag);\n\t\tif (at == NULL)\n\t\t\treturn NULL;\n\t\tswitch (tag) {\n");
	for (size_t i = 0; i < type->field_count; i++) {
		const struct field *f = &type->fields[i];

		if (f->repeated)
			put_element(out, f);
		if (f->repeated && f->scalar->wire != 2)
			put_packed(out, f);
		if (!f->repeated)
			put_singular(out, f);
	}
	lf_descgen_put(out, "\t\tdefault:\n\t\t\treturn NULL;\n\t\t}\n\t\tif (at == NULL)\n\t\t\treturn NULL;\n\t}\n");
	for (size_t i = 0; i < type->field_count; i++) {
		const struct field *f = &type->fields[i];

		if (lf_descgen_is_map(f))
			lf_descgen_put(out,
				"\tif (%s > 1 && !lf_keys_distinct(%s, %s, offsetof(%s, key)))\n\t\treturn NULL;\n",
				f->count, f->member, f->count, f->type->c_name);
	}
	lf_descgen_put(out, "\treturn m;\n}\n");
}
