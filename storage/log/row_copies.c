/* One block for a row and all that it points to: what a read hands out lasts longer than the read. */
#include <stdlib.h>
#include <string.h>

#include "storage/log/private.h"

static size_t string_size(const char *string)
{
	return string == NULL ? 1 : strlen(string) + 1;
}

static const char *put_string(uint8_t **out, const char *string)
{
	char *copy = (char *)*out;
	const size_t size = string_size(string);

	memcpy(copy, string == NULL ? "" : string, size);
	*out += size;
	return copy;
}

static struct lf_bytes put_bytes(uint8_t **out, struct lf_bytes bytes)
{
	const struct lf_bytes copy = {*out, bytes.length};

	if (bytes.length > 0)
		memcpy(*out, bytes.data, bytes.length);
	*out += bytes.length;
	return copy;
}

struct lf_stored *lf_stored_copy(const struct lf_stored *row)
{
	struct lf_stored *copy = malloc(sizeof(*copy) + string_size(row->caller) + string_size(row->team_id) +
		string_size(row->project_id) + string_size(row->rubric_name) + string_size(row->recommended) +
		row->team.length + row->project.length + row->answer.length);
	uint8_t *out;

	if (copy == NULL)
		return NULL;
	out = (uint8_t *)(copy + 1);
	*copy = *row;
	copy->team = put_bytes(&out, row->team);
	copy->project = put_bytes(&out, row->project);
	copy->answer = put_bytes(&out, row->answer);
	copy->caller = put_string(&out, row->caller);
	copy->team_id = put_string(&out, row->team_id);
	copy->project_id = put_string(&out, row->project_id);
	copy->rubric_name = put_string(&out, row->rubric_name);
	copy->recommended = put_string(&out, row->recommended);
	return copy;
}

struct lf_rubric_row *lf_rubric_row_copy(const struct lf_rubric_row *row)
{
	struct lf_rubric_row *copy = malloc(sizeof(*copy) + string_size(row->name) + string_size(row->title) +
		string_size(row->put_by) + row->body.length);
	uint8_t *out;

	if (copy == NULL)
		return NULL;
	out = (uint8_t *)(copy + 1);
	*copy = *row;
	copy->body = put_bytes(&out, row->body);
	copy->name = put_string(&out, row->name);
	copy->title = put_string(&out, row->title);
	copy->put_by = put_string(&out, row->put_by);
	return copy;
}

struct lf_payload_row *lf_payload_row_copy(const struct lf_payload_row *row)
{
	struct lf_payload_row *copy = malloc(sizeof(*copy) + row->body.length);
	uint8_t *out;

	if (copy == NULL)
		return NULL;
	out = (uint8_t *)(copy + 1);
	*copy = *row;
	copy->body = put_bytes(&out, row->body);
	return copy;
}
