/* Part of lf_descgen: the code that packs a message (see codec.h). */
#include <string.h>

#include "proto/gen/codec.h"

/* An expression of a value for %s. */
static void put_expression(FILE *out, const char *pattern, const char *value)
{
	const char *at = strchr(pattern, '%');

	lf_descgen_put(out, "%.*s%s%s", (int)(at - pattern), pattern, value, at + 2);
}

/* One value, whatever it is, with its tag; of a field with a greatest length there is room. */
static void put_packed_value(FILE *out, const struct field *f, const char *value, size_t rest, const char *indent)
{
	if (f->is_message) {
		lf_descgen_put(out,
			"%sbefore = (size_t)(p->end - at);\n%sif (%s != NULL)\n%s\tat = pack_%s(p, at, %s);\n", indent,
			indent, value, indent, f->type->symbol, value);
		lf_descgen_put(out,
			"%sat = lf_pack_close(p, at, before, %u, %zu);\n%sif (at == NULL)\n%s\treturn NULL;\n", indent,
			f->tag, rest, indent, indent);
	} else if (f->scalar->wire == 2) {
		lf_descgen_put(out, "%sat = %s(p, at, %s%s, %u, %zu);\n%sif (at == NULL)\n%s\treturn NULL;\n", indent,
			f->is_pointer ? "lf_pack_text" : "lf_pack_binary", f->is_pointer ? "" : "&", value, f->tag,
			rest, indent, indent);
	} else {
		lf_descgen_put(out, "%sat = ", indent);
		put_expression(out, f->scalar->pack, value);
		lf_descgen_put(out, ";\n%sat = lf_pack_varint(at, %u);\n", indent, f->tag);
	}
}

static void put_pack_repeated(FILE *out, const struct field *f, size_t rest)
{
	char element[LF_DESCGEN_NAME_BYTES + 8];

	snprintf(element, sizeof(element), "%s[i]", f->member);
	if (!f->packed) {
		lf_descgen_put(out, "\tfor (size_t i = %s; i-- > 0;) {\n", f->count);
		if (f->scalar->wire != 2)
			lf_descgen_put(out,
				"\t\tat = lf_pack_room(p, at, %zu);\n\t\tif (at == NULL)\n\t\t\treturn NULL;\n", rest);
		put_packed_value(out, f, element, rest, "\t\t");
		lf_descgen_put(out, "\t}\n");
		return;
	}
	lf_descgen_put(out, "\tif (%s != 0) {\n\t\tif (%s > SIZE_MAX / 16)\n\t\t\treturn NULL;\n", f->count, f->count);
	lf_descgen_put(out, "\t\tat = lf_pack_room(p, at, %s * %u + %zu);\n\t\tif (at == NULL)\n\t\t\treturn NULL;\n",
		f->count, f->scalar->bytes_max, rest);
	lf_descgen_put(out, "\t\tbefore = (size_t)(p->end - at);\n");
	if (f->scalar->wire == 0) {
		lf_descgen_put(out, "\t\tfor (size_t i = %s; i-- > 0;)\n\t\t\tat = ", f->count);
		put_expression(out, f->scalar->pack, element);
		lf_descgen_put(out, ";\n");
	} else {
		lf_descgen_put(out, "\t\tat -= %s * %u;\n\t\tmemcpy(at, %s, %s * %u);\n", f->count,
			f->scalar->bytes_max, f->member, f->count, f->scalar->bytes_max);
	}
	lf_descgen_put(out,
		"\t\tat = lf_pack_close(p, at, before, %u, %zu);\n\t\tif (at == NULL)\n\t\t\treturn NULL;\n\t}\n",
		(unsigned)f->proto->number << 3 | 2, rest);
}

static void put_pack_field(FILE *out, const struct field *f, size_t rest)
{
	if (f->repeated) {
		put_pack_repeated(out, f, rest);
		return;
	}
	/* What has its default is left out; of a oneof, what points to nothing or to its default is, as protobuf-c
	 * does. */
	if (f->count[0] != '\0' && f->is_pointer)
		lf_descgen_put(out, "\tif (%s == %d && %s != NULL && (const void *)%s != %s) {\n", f->count,
			f->proto->number, f->member, f->member, f->is_message ? "NULL" : "protobuf_c_empty_string");
	else if (f->count[0] != '\0')
		lf_descgen_put(out, "\tif (%s == %d) {\n", f->count, f->proto->number);
	else if (f->is_message)
		lf_descgen_put(out, "\tif (%s != NULL) {\n", f->member);
	else if (f->is_pointer)
		lf_descgen_put(out, "\tif (%s != NULL && *%s != '\\0') {\n", f->member, f->member);
	else
		lf_descgen_put(out, "\tif (%s%s != 0) {\n", f->member, f->scalar->wire == 2 ? ".len" : "");
	put_packed_value(out, f, f->member, rest, "\t\t");
	lf_descgen_put(out, "\t}\n");
}

void lf_descgen_pack(FILE *out, const struct type *type)
{
	bool nests = false;
	size_t rest = 0;

	for (size_t i = 0; i < type->field_count; i++) {
		nests |= type->fields[i].is_message || type->fields[i].packed;
		rest += type->fields[i].fixed_bytes;
	}
	lf_descgen_put(out, "\nstatic uint8_t *pack_%s(struct lf_packer *p, uint8_t *at, const void *message)\n{\n",
		type->symbol);
	lf_descgen_put(out, "\tconst %s *m = message;\n%s\n", type->c_name, nests ? "\tsize_t before;\n" : "");
	if (type->field_count == 0)
		lf_descgen_put(out, "\t(void)m;\n");
	lf_descgen_put(out, "\tat = lf_pack_room(p, at, %zu);\n\tif (at == NULL)\n\t\treturn NULL;\n", rest);
	for (size_t i = type->field_count; i-- > 0;) {
		put_pack_field(out, &type->fields[i], rest);
		rest -= type->fields[i].fixed_bytes;
	}
	lf_descgen_put(out, "\treturn at;\n}\n");
}
