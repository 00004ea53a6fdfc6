#include "client/given/team_file.h"

#include <string.h>

#include "client/files/cell_values.h"
#include "client/given/rubric_ref.h"
#include "proto/wire/borrow.h"
#include "proto/wire/wire.h"

/* Copies a reply's rubric into the arena. NULL where memory ran out. */
static const Leadfit__V1__Rubric *keep(const Leadfit__V1__Rubric *rubric, struct lf_arena *arena)
{
	const size_t size = protobuf_c_message_get_packed_size(&rubric->base);
	uint8_t *bytes = lf_arena_alloc(arena, size);

	if (bytes == NULL)
		return NULL;
	protobuf_c_message_pack(&rubric->base, bytes);
	return (const Leadfit__V1__Rubric *)protobuf_c_message_unpack(
		rubric->base.descriptor, &arena->allocator, size, bytes);
}

/* Whether the command can't go on without the service. */
static bool ends(enum lf_code code, bool may_be_alone)
{
	return code == LF_RESOURCE_EXHAUSTED ||
		(!may_be_alone &&
			(code == LF_UNAVAILABLE || code == LF_DEADLINE_EXCEEDED || code == LF_UNAUTHENTICATED));
}

/* Sets *rubric to the one of the service; NULL where it does not give it. */
static enum lf_code ask_rubric(struct lf_cli *cli, const char *name, bool may_be_alone, struct lf_input *input,
	struct lf_arena *arena, struct lf_error *error)
{
	struct lf_error failed = LF_ERROR_INIT;
	ProtobufCMessage *reply = lf_rubric_get(cli, name == NULL ? "" : name, NULL, arena, &failed);
	const Leadfit__V1__GetRubricResponse *got = (const Leadfit__V1__GetRubricResponse *)reply;

	if (reply == NULL && ends(failed.code, may_be_alone)) {
		lf_error_move(error, &failed);
		return error->code;
	}
	if (reply == NULL) {
		lf_text_add(&input->notes,
			"the rubric's names are not known here (%.200s): names are taken as they stand\n",
			failed.message);
	} else if (got->rubric != NULL) {
		input->reading.rubric = keep(got->rubric, arena);
		if (input->reading.rubric == NULL)
			lf_error_set(error, LF_RESOURCE_EXHAUSTED, "out of memory");
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	lf_error_clean_up(&failed);
	return error->code;
}

static enum lf_code read_rubric(
	const char *path, struct lf_input *input, struct lf_arena *arena, struct lf_error *error)
{
	struct lf_input file = {0};
	struct lf_error failed = LF_ERROR_INIT;

	input->reading.rubric = lf_rubric_read(&file, path, arena, &failed);
	if (input->reading.rubric == NULL)
		lf_error_set(error, failed.code, "--rubric: %.64s: %.300s", path, failed.message);
	lf_error_clean_up(&failed);
	lf_input_clean_up(&file);
	return error->code;
}

/* Reads the file, and the rubric whose names count. */
static enum lf_code prepare(struct lf_cli *cli, const struct lf_arguments *arguments, const char *path,
	const char *rubric, bool may_be_alone, struct lf_input *input, struct lf_arena *arena, struct lf_error *error)
{
	const char *format = lf_argument(arguments, "date-format");

	if (format != NULL && !lf_date_format_check(format))
		return lf_error_set(error, LF_INVALID_ARGUMENT,
			"--date-format: %.64s does not say how dates are written: D or DD, M, MM or MMM, YY or YYYY, "
			"e.g. "
			"DD.MM.YYYY",
			format);
	if (lf_input_read(input, path, true, error) != LF_OK)
		return error->code;
	input->reading.date_format = format;
	input->reading.pass_over = lf_argument(arguments, "ignore-undeclared") != NULL;
	if (!lf_input_is_sheet(input))
		return LF_OK;
	return may_be_alone && rubric != NULL && lf_rubric_is_file(rubric)
		? read_rubric(rubric, input, arena, error)
		: ask_rubric(cli, rubric, may_be_alone, input, arena, error);
}

Leadfit__V1__Team *lf_team_read(struct lf_cli *cli, const struct lf_arguments *arguments, const char *path,
	const char *rubric, bool may_be_alone, struct lf_input *input, struct lf_arena *arena, struct lf_error *error)
{
	Leadfit__V1__Team *team = NULL;

	if (prepare(cli, arguments, path, rubric, may_be_alone, input, arena, error) == LF_OK)
		team = (Leadfit__V1__Team *)lf_input_parse(
			input, &leadfit__v1__team__descriptor, lf_argument(arguments, "team-id"), arena, error);
	lf_cli_note(input);
	return team;
}

Leadfit__V1__Team **lf_teams_read(struct lf_cli *cli, const struct lf_arguments *arguments, const char *path,
	const char *rubric, size_t *count, struct lf_input *input, struct lf_arena *arena, struct lf_error *error)
{
	Leadfit__V1__Team **teams = NULL;

	if (prepare(cli, arguments, path, rubric, true, input, arena, error) == LF_OK)
		teams = lf_input_teams(input, lf_argument(arguments, "team-id"), true, count, arena, error);
	lf_cli_note(input);
	return teams;
}
