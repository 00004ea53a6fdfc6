/* leadfit rubric diff: what differs between two rubrics, from files or stored. */
#include <stdio.h>
#include <string.h>

#include "client/calc/figures.h"
#include "client/calc/rubric_diff.h"
#include "client/cmd/commands.h"
#include "client/given/rubric_ref.h"
#include "client/term/page.h"
#include "client/views/rubric_diff_page.h"
#include "proto/base/buffer.h"

static const struct lf_option no_options[] = {{NULL, NULL, NULL, false}};

/* One of the two. */
struct side {
	struct lf_input input;   /* where it is a file */
	ProtobufCMessage *reply; /* where it is stored; owned */
	const Leadfit__V1__Rubric *rubric;
	const char *digest; /* "" where it is a file */
};

static int take_file(struct lf_cli *cli, struct side *side, const char *operand, struct lf_arena *arena)
{
	const struct lf_source sources[] = {{.prefix = "", .input = &side->input}};
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	side->rubric = lf_rubric_read(&side->input, operand, arena, &error);
	if (side->rubric == NULL)
		status = lf_cli_report(cli, &error, sources, 1);
	lf_error_clean_up(&error);
	return status;
}

/* NAME, DIGEST or NAME@DIGEST. */
static int take_stored(struct lf_cli *cli, struct side *side, const char *operand, struct lf_arena *arena)
{
	static const struct lf_source sources[] = {
		{.prefix = "name", .option = "rubric diff"}, {.prefix = "digest", .option = "rubric diff"}};
	char *name, *digest;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	if (lf_rubric_stored(cli, "rubric diff", operand, arena, &name, &digest, &error) == LF_OK)
		side->reply = lf_rubric_get(cli, name, digest, arena, &error);
	if (side->reply == NULL) {
		status = lf_cli_report(cli, &error, sources, 2);
	} else {
		const Leadfit__V1__GetRubricResponse *response = (const Leadfit__V1__GetRubricResponse *)side->reply;

		side->rubric = response->rubric;
		if (response->version != NULL && response->version->ref != NULL)
			side->digest = response->version->ref->digest;
	}
	lf_error_clean_up(&error);
	return status;
}

/* "tech-lead 0815b2257249", or the file's name. */
static void print_side(struct lf_page *page, const char *label, const struct side *side)
{
	if (side->input.name != NULL)
		lf_page_add(page, LF_PLAIN, "%s %s: %s\n", label, side->input.name, side->rubric->name);
	else
		lf_page_add(page, LF_PLAIN, "%s %s %.*s\n", label, side->rubric->name, LF_DIGEST_SHOWN, side->digest);
}

static void append_side(struct lf_buffer *out, const char *label, const struct side *side)
{
	lf_buffer_append_text(out, label);
	lf_json_print_string(side->rubric->name, out);
	lf_buffer_append_text(out, side->input.name == NULL ? ", \"digest\": " : ", \"file\": ");
	lf_json_print_string(side->input.name == NULL ? side->digest : side->input.name, out);
	lf_buffer_append_text(out, "},\n");
}

static int compare(struct lf_cli *cli, const struct side sides[2], struct lf_arena *arena)
{
	struct lf_rubric_diff diff;
	struct lf_error error = LF_ERROR_INIT;

	if (!lf_rubric_diff(&diff, sides[0].rubric, sides[1].rubric, arena)) {
		lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "out of memory");
		return lf_cli_report(cli, &error, NULL, 0);
	}
	if (cli->json) {
		append_side(&cli->page.text, "{\n  \"old\": {\"name\": ", &sides[0]);
		append_side(&cli->page.text, "  \"new\": {\"name\": ", &sides[1]);
		lf_rubric_diff_json(&diff, &cli->page.text);
		lf_buffer_append_text(&cli->page.text, "}\n");
	} else {
		print_side(&cli->page, "Old:", &sides[0]);
		print_side(&cli->page, "New:", &sides[1]);
		lf_rubric_diff_print(&cli->page, &diff);
	}
	return diff.count > 0 ? LF_EXIT_NO : LF_EXIT_DONE;
}

static int run_diff(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	struct side sides[2] = {{.digest = ""}, {.digest = ""}};
	struct lf_arena arena;
	struct lf_error error = LF_ERROR_INIT;
	int status = LF_EXIT_DONE;

	lf_arena_init(&arena, LF_ARENA_BYTES_MAX);
	if (strcmp(arguments->operands[0], "-") == 0 && strcmp(arguments->operands[1], "-") == 0) {
		lf_error_set(&error, LF_INVALID_ARGUMENT, "only one of the two can be standard input");
		status = lf_cli_report(cli, &error, NULL, 0);
	}
	for (size_t i = 0; i < 2 && status == LF_EXIT_DONE; i++)
		status = lf_rubric_is_file(arguments->operands[i])
			? take_file(cli, &sides[i], arguments->operands[i], &arena)
			: take_stored(cli, &sides[i], arguments->operands[i], &arena);
	if (status == LF_EXIT_DONE)
		status = compare(cli, sides, &arena);
	for (size_t i = 0; i < 2; i++) {
		lf_input_clean_up(&sides[i].input);
		protobuf_c_message_free_unpacked(sides[i].reply, NULL);
	}
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&error);
	return status;
}

const struct lf_command lf_command_rubric_diff = {
	.name = "rubric diff",
	.operands = "A B",
	.summary = "Say what differs between two rubrics, in the rubric's own terms",
	.help = "A and B are each a file, or a stored rubric: NAME (its active version), DIGEST (8 digits or\n"
		"more) or NAME@DIGEST. Where a file has that name, the file is meant. Two files need no service.\n"
		"Criteria, traits, gates and so on are matched by what they are, not by where they stand; a mere\n"
		"change of order is told as such. Below stands what becomes of the shares of weight, for the\n"
		"traits' defaults.\n"
		"Exit status 0: the two say the same; 1: they differ; 2 and more: one can't be read.\n\n"
		"Examples:\n"
		"  leadfit rubric diff tech-lead tech-lead.yaml\n"
		"  leadfit rubric diff 0815b2257249 tech-lead\n"
		"  leadfit rubric diff old.yaml new.yaml --output json\n",
	.options = no_options,
	.operand_min = 2,
	.operand_max = 2,
	.run = run_diff,
};
