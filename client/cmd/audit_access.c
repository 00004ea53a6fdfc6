/* leadfit audit access: who looked. */
#include <stdio.h>
#include <string.h>

#include "client/cmd/commands.h"
#include "client/cmd/selection.h"
#include "client/term/progress.h"
#include "client/views/access_page.h"

static const struct lf_option options[] = {
	{"caller", "NAME", "calls of this caller", false},
	{"method", "NAME", "calls of this method, such as Decisions/Get", false},
	{"kind", "KIND", "recorded (a record each) or counted (by minute)", false},
	{"since", "INSTANT", "answered at or after this date or RFC 3339 instant", false},
	{"until", "INSTANT", "answered before it", false},
	{NULL, NULL, NULL, false},
};

enum { ARENA_BYTES_MAX = 64 * 1024 };

/* Pages are asked for until there is no other. */
struct listing {
	struct lf_cli *cli;
	struct lf_arena arena;
	struct lf_selection selection; /* holds the instants of the request */
	Leadfit__V1__ListAccessRequest request;
	struct lf_looks looks; /* for the table */
	uint64_t printed;      /* entries, as JSON */
	struct lf_progress progress;
	struct lf_error error;
};

/* "Decisions/Get" is leadfit.v1.Decisions/Get. */
static enum lf_code take_method(struct listing *listing, const char *text)
{
	char name[256];

	if (text == NULL)
		return LF_OK;
	snprintf(name, sizeof(name), "%s%s", strchr(text, '.') == NULL ? "leadfit.v1." : "", text);
	listing->request.method = lf_arena_strdup(&listing->arena, name, strlen(name));
	return listing->request.method != NULL ? LF_OK
					       : lf_error_set(&listing->error, LF_RESOURCE_EXHAUSTED, "out of memory");
}

static enum lf_code take_kind(struct listing *listing, const char *text)
{
	static const char *const names[] = {"recorded", "counted"};
	static const Leadfit__V1__AccessKind kinds[] = {
		LEADFIT__V1__ACCESS_KIND__RECORDED, LEADFIT__V1__ACCESS_KIND__COUNTED};
	size_t index;

	if (text == NULL)
		return LF_OK;
	if (lf_option_choice("kind", text, names, sizeof(names) / sizeof(names[0]), &index, &listing->error) == LF_OK)
		listing->request.kind = kinds[index];
	return listing->error.code;
}

static enum lf_code read_options(struct listing *listing, const struct lf_arguments *arguments)
{
	leadfit__v1__list_access_request__init(&listing->request);
	if (lf_selection_take(&listing->selection, arguments, &listing->arena, &listing->error) != LF_OK ||
		lf_argument_text(arguments, "caller", &listing->request.caller, &listing->arena, &listing->error) !=
			LF_OK ||
		take_method(listing, lf_argument(arguments, "method")) != LF_OK)
		return listing->error.code;
	listing->request.since = listing->selection.message.since;
	listing->request.until = listing->selection.message.until;
	return take_kind(listing, lf_argument(arguments, "kind"));
}

static enum lf_code take_page(struct listing *listing, const Leadfit__V1__ListAccessResponse *page)
{
	for (size_t i = 0; i < page->n_entries; i++, listing->printed++)
		if (listing->cli->json)
			lf_cli_json_item(listing->cli, &page->entries[i]->base,
				listing->printed == 0 ? "{\n  \"entries\": [" : NULL);
		else if (!lf_looks_add(&listing->looks, page->entries[i]))
			return lf_error_set(&listing->error, LF_RESOURCE_EXHAUSTED, "out of memory");
	if (page->next != 0 && page->next <= listing->request.from_record)
		return lf_error_set(&listing->error, LF_INTERNAL, "the service gives the same page again and again");
	listing->request.from_record = page->next;
	lf_progress_say(&listing->progress, "%llu entries read", (unsigned long long)listing->printed);
	return listing->cli->json ? lf_page_flush(&listing->cli->page, &listing->error) : LF_OK;
}

static enum lf_code list_pages(struct listing *listing)
{
	lf_progress_init(&listing->progress);
	do {
		ProtobufCMessage *reply = lf_cli_call(
			listing->cli, "leadfit.v1.Audit/ListAccess", &listing->request.base, true, &listing->error);

		if (reply != NULL)
			take_page(listing, (const Leadfit__V1__ListAccessResponse *)reply);
		protobuf_c_message_free_unpacked(reply, NULL);
	} while (listing->error.code == LF_OK && listing->request.from_record != 0 && !listing->cli->page.closed);
	lf_progress_end(&listing->progress);
	return listing->error.code;
}

static void finish(struct listing *listing)
{
	const Leadfit__V1__ListAccessResponse rest = LEADFIT__V1__LIST_ACCESS_RESPONSE__INIT;

	if (listing->cli->json) {
		lf_cli_json_rest(listing->cli, &rest.base, listing->printed > 0);
		return;
	}
	lf_looks_sort(&listing->looks);
	lf_access_print(&listing->cli->page, &listing->looks);
}

static int run_access(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {{.prefix = "caller", .option = "--caller"},
		{.prefix = "method", .option = "--method"}, {.prefix = "since", .option = "--since"},
		{.prefix = "until", .option = "--until"}};
	struct listing listing = {.cli = cli, .error = LF_ERROR_INIT};
	int status = LF_EXIT_DONE;

	lf_arena_init(&listing.arena, ARENA_BYTES_MAX);
	if (read_options(&listing, arguments) != LF_OK || list_pages(&listing) != LF_OK)
		status = lf_cli_report(cli, &listing.error, sources, sizeof(sources) / sizeof(sources[0]));
	else
		finish(&listing);
	lf_looks_clean_up(&listing.looks);
	lf_arena_clean_up(&listing.arena);
	lf_error_clean_up(&listing.error);
	return status;
}

const struct lf_command lf_command_audit_access = {
	.name = "audit access",
	.operands = "",
	.summary = "Show who looked at decisions, copied the log, or was denied",
	.help = "Over all records of the log that are left: a line for each caller, method and answer, with how many\n"
		"calls, and of exports how many decisions. Exports and backups have a record each; other calls are\n"
		"counted by minute, and on record within two. A line of Rubrics or Keeping whose answer is OK counts\n"
		"acts that are records of another kind: leadfit rubric history and leadfit jobs list show them. As\n"
		"JSON every entry is there.\n\n"
		"Examples:\n"
		"  leadfit audit access --since 2026-07-01 --until 2026-08-01\n"
		"  leadfit audit access --caller hr-platform --kind recorded --output json\n",
	.options = options,
	.run = run_access,
};
