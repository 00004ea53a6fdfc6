/* leadfit decisions replay: every decision recomputed, and compared bit for bit. */
#include <inttypes.h>

#include "client/cmd/commands.h"
#include "client/term/progress.h"
#include "client/cmd/selection.h"

enum { SHOWN_MAX = 20, ARENA_BYTES_MAX = 64 * 1024 };

static const struct lf_option options[] = {
	LF_SELECTION_OPTIONS,
	{NULL, NULL, NULL, false},
};

/* A replay under way: slices are asked for until the end. */
struct replay {
	Leadfit__V1__ReplayRequest request;
	uint64_t same, other_semantics, erased, pruned, different;
	struct lf_progress progress;
	struct lf_error error;
};

static void print_difference(struct lf_page *page, const Leadfit__V1__Difference *difference)
{
	lf_page_add(
		page, LF_WARN, "%s", difference->decision_id[0] != '\0' ? difference->decision_id : "(without an id)");
	lf_page_add(page, LF_PLAIN, " (%" PRIu64 ")\n", difference->sequence);
	lf_page_wrap(page, "  ", "  ", difference->what);
}

/* As they come: there may be many. JSON gets all of them, people the first few. */
static void print_slice(struct lf_cli *cli, const struct replay *replay, const Leadfit__V1__ReplayResponse *slice)
{
	for (size_t i = 0; i < slice->n_differences; i++) {
		const uint64_t before = replay->different + i;

		if (cli->json)
			lf_cli_json_item(
				cli, &slice->differences[i]->base, before == 0 ? "{\n  \"differences\": [" : NULL);
		else if (before < SHOWN_MAX)
			print_difference(&cli->page, slice->differences[i]);
	}
}

static enum lf_code take_slice(struct lf_cli *cli, struct replay *replay, const Leadfit__V1__ReplayResponse *slice)
{
	const uint64_t from = replay->request.from_sequence;

	if (slice->n_differences > 0)
		lf_progress_end(&replay->progress);
	print_slice(cli, replay, slice);
	replay->same += slice->same;
	replay->other_semantics += slice->other_semantics;
	replay->erased += slice->erased;
	replay->pruned += slice->pruned;
	replay->different += slice->n_differences;
	replay->request.from_sequence = slice->next;
	if (slice->next != 0 && slice->next <= from)
		return lf_error_set(
			&replay->error, LF_INTERNAL, "the service gives the same decisions again and again");
	lf_progress_say(&replay->progress, "%" PRIu64 " recomputed, %" PRIu64 " differ",
		replay->same + replay->different, replay->different);
	return lf_page_flush(&cli->page, &replay->error);
}

static enum lf_code replay_all(struct lf_cli *cli, struct replay *replay)
{
	do {
		ProtobufCMessage *reply =
			lf_cli_call(cli, "leadfit.v1.Audit/Replay", &replay->request.base, true, &replay->error);

		if (reply == NULL)
			return replay->error.code;
		take_slice(cli, replay, (const Leadfit__V1__ReplayResponse *)reply);
		protobuf_c_message_free_unpacked(reply, NULL);
	} while (replay->error.code == LF_OK && replay->request.from_sequence != 0 && !cli->page.closed);
	return replay->error.code;
}

/* The rest of the one ReplayResponse that all slices make up. */
static void finish_json(struct lf_cli *cli, const struct replay *replay)
{
	Leadfit__V1__ReplayResponse counts;

	leadfit__v1__replay_response__init(&counts);
	counts.same = replay->same;
	counts.other_semantics = replay->other_semantics;
	counts.erased = replay->erased;
	counts.pruned = replay->pruned;
	lf_cli_json_rest(cli, &counts.base, replay->different > 0);
}

static void finish_page(struct lf_page *page, const struct replay *replay)
{
	const uint64_t all = replay->same + replay->different;

	if (replay->different > SHOWN_MAX)
		lf_page_add(page, LF_DIM, "and %" PRIu64 " more: --output json has them all\n",
			replay->different - SHOWN_MAX);
	if (replay->different > 0)
		lf_page_add(page, LF_PLAIN, "\n");
	if (all + replay->other_semantics + replay->erased + replay->pruned == 0) {
		lf_page_add(page, LF_PLAIN, "No decision matches.\n");
		return;
	}
	if (replay->different == 0)
		lf_page_add(page, all > 0 ? LF_GOOD : LF_PLAIN,
			"%" PRIu64 " decision%s recomputed: the same, bit for bit", replay->same, all == 1 ? "" : "s");
	else
		lf_page_add(page, LF_WARN, "%" PRIu64 " of %" PRIu64 " decision%s recomputed differ%s",
			replay->different, all, all == 1 ? "" : "s", replay->different == 1 ? "s" : "");
	lf_page_add(page, LF_PLAIN, "\n");
	if (replay->other_semantics > 0)
		lf_page_add(page, LF_PLAIN,
			"%" PRIu64 " made by another version of the engine: not comparable, and no sign of tampering\n",
			replay->other_semantics);
	if (replay->erased > 0)
		lf_page_add(page, LF_PLAIN, "%" PRIu64 " skipped: a person who took part was erased\n", replay->erased);
	if (replay->pruned > 0)
		lf_page_add(page, LF_PLAIN, "%" PRIu64 " skipped: what they were made of was pruned\n", replay->pruned);
}

static int run(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {LF_SELECTION_SOURCES};
	struct replay replay = {.error = LF_ERROR_INIT};
	struct lf_selection selection;
	struct lf_arena arena;
	int status;

	lf_arena_init(&arena, ARENA_BYTES_MAX);
	lf_progress_init(&replay.progress);
	leadfit__v1__replay_request__init(&replay.request);
	replay.request.selection = &selection.message;
	if (lf_selection_take(&selection, arguments, &arena, &replay.error) == LF_OK)
		replay_all(cli, &replay);
	lf_progress_end(&replay.progress);
	if (replay.error.code != LF_OK) {
		status = lf_cli_report(cli, &replay.error, sources, sizeof(sources) / sizeof(sources[0]));
	} else {
		if (cli->json)
			finish_json(cli, &replay);
		else
			finish_page(&cli->page, &replay);
		status = replay.different > 0 ? LF_EXIT_NO : LF_EXIT_DONE;
	}
	lf_arena_clean_up(&arena);
	lf_error_clean_up(&replay.error);
	return status;
}

const struct lf_command lf_command_decisions_replay = {
	.name = "decisions replay",
	.operands = "",
	.summary = "Recompute decisions from their inputs, and compare bit for bit",
	.help = "Every decision of the selection is computed again from the team, project and rubric version that are "
		"stored with it, and every "
		"number is compared with what was answered. The first that differs is named. A decision made by "
		"another version of the engine "
		"is counted as such and not compared; so is one in which an erased person took part, or whose inputs "
		"were pruned. The exit "
		"status is 1 where any differs.\n\n"
		"Examples:\n"
		"  leadfit decisions replay\n"
		"  leadfit decisions replay --team payments --since 2026-01-01 --output json\n",
	.options = options,
	.run = run,
};
