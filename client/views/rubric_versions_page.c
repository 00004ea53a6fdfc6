#include "client/views/rubric_versions_page.h"

#include <string.h>

#include "client/calc/figures.h"
#include "proto/base/limits.h"

static bool is_default(const Leadfit__V1__ListRubricsResponse *list, const Leadfit__V1__RubricVersion *version)
{
	return version->active && version->ref != NULL && strcmp(version->ref->name, list->default_name) == 0;
}

const Leadfit__V1__RubricVersion *lf_rubric_default_version(const Leadfit__V1__ListRubricsResponse *list)
{
	for (size_t i = 0; i < list->n_versions; i++)
		if (is_default(list, list->versions[i]))
			return list->versions[i];
	return NULL;
}

static bool some_active(const Leadfit__V1__ListRubricsResponse *list)
{
	for (size_t i = 0; i < list->n_versions; i++)
		if (list->versions[i]->active)
			return true;
	return false;
}

static void print_no_default(struct lf_page *page, const Leadfit__V1__ListRubricsResponse *list)
{
	const char *name = list->default_name;

	if (*name == '\0' && !some_active(list))
		lf_page_add(page, LF_PLAIN, "No rubric is active. To make one so: leadfit rubric activate NAME\n");
	else if (*name == '\0')
		lf_page_add(page, LF_PLAIN,
			"There is no default rubric: a request must name one. To set it: leadfit rubric default "
			"NAME\n");
	else
		lf_page_add(page, LF_PLAIN,
			"The default rubric %s has no active version%s. To give it one: leadfit rubric activate %s\n",
			name, some_active(list) ? ": a request must name another one" : "", name);
}

void lf_rubric_versions_print(struct lf_page *page, const Leadfit__V1__ListRubricsResponse *list)
{
	struct lf_table table;
	char time[LF_TIME_BYTES];

	lf_table_init(&table, page);
	lf_table_column(&table, "rubric", LF_COLUMN_CUT);
	lf_table_column(&table, "active", 0);
	lf_table_column(&table, "digest", 0);
	lf_table_column(&table, "put (UTC)", 0);
	lf_table_column(&table, "by", LF_COLUMN_CUT);
	lf_table_column(&table, "title", LF_COLUMN_CUT);
	for (size_t i = 0; i < list->n_versions; i++) {
		const Leadfit__V1__RubricVersion *version = list->versions[i];

		lf_time_print(version->put_at == NULL ? 0 : version->put_at->seconds, time);
		lf_table_line(&table, version->active ? LF_BOLD : LF_PLAIN);
		lf_table_cell(&table, 0, "%s", version->ref == NULL ? "" : version->ref->name);
		lf_table_cell(&table, 1, "%s", is_default(list, version) ? "default" : version->active ? "yes" : "no");
		lf_table_cell(&table, 2, "%.*s", LF_DIGEST_SHOWN, version->ref == NULL ? "" : version->ref->digest);
		lf_table_cell(&table, 3, "%.16s", time);
		lf_table_cell(&table, 4, "%s", version->put_by);
		lf_table_cell(&table, 5, "%s", version->title);
	}
	lf_table_finish(&table, true);
	if (list->n_versions == 0)
		lf_page_add(page, LF_PLAIN, "The service has no rubric.\n");
	else if (lf_rubric_default_version(list) == NULL)
		print_no_default(page, list);
}

static void print_instead(struct lf_page *page, const Leadfit__V1__RubricRef *from)
{
	lf_page_add(page, LF_PLAIN,
		"It is the active version now, instead of %.*s\nTo go back: leadfit rubric activate %.*s\n",
		LF_DIGEST_SHOWN, from->digest, LF_DIGEST_SHOWN, from->digest);
}

void lf_rubric_put_print(struct lf_page *page, const Leadfit__V1__PutRubricResponse *answer)
{
	const Leadfit__V1__RubricVersion *version = answer->version;

	if (version == NULL || version->ref == NULL)
		return;
	lf_page_add(page, LF_PLAIN, "%s %s: %s\n", version->ref->name, version->ref->digest,
		answer->added ? "stored" : "was stored already");
	if (answer->activated && answer->from != NULL)
		print_instead(page, answer->from);
	else if (version->active)
		lf_page_add(page, LF_PLAIN, "It is the active version%s.\n", answer->activated ? " now" : "");
	else
		lf_page_add(page, LF_PLAIN, "It is not active. To make it so: leadfit rubric activate %.*s\n",
			LF_DIGEST_SHOWN, version->ref->digest);
}

void lf_rubric_activated_print(struct lf_page *page, const Leadfit__V1__ActivateRubricResponse *answer)
{
	const Leadfit__V1__RubricRef *to = answer->to;

	if (to == NULL)
		return;
	if (!answer->changed)
		lf_page_add(page, LF_PLAIN, "%s: %.*s is the active version already\n", to->name, LF_DIGEST_SHOWN,
			to->digest);
	else if (answer->from == NULL)
		lf_page_add(
			page, LF_PLAIN, "%s: %.*s is the active version now\n", to->name, LF_DIGEST_SHOWN, to->digest);
	else
		lf_page_add(page, LF_PLAIN,
			"%s: %.*s is the active version now, instead of %.*s\nTo go back: leadfit rubric activate "
			"%.*s\n",
			to->name, LF_DIGEST_SHOWN, to->digest, LF_DIGEST_SHOWN, answer->from->digest, LF_DIGEST_SHOWN,
			answer->from->digest);
}

void lf_rubric_deactivated_print(
	struct lf_page *page, const char *name, const Leadfit__V1__DeactivateRubricResponse *answer)
{
	if (!answer->changed || answer->from == NULL)
		lf_page_add(page, LF_PLAIN, "%s had no active version\n", name);
	else
		lf_page_add(page, LF_PLAIN,
			"%s has no active version any more; %.*s was active\nTo go back: leadfit rubric activate "
			"%.*s\n",
			name, LF_DIGEST_SHOWN, answer->from->digest, LF_DIGEST_SHOWN, answer->from->digest);
	if (answer->is_default)
		lf_page_add(page, LF_PLAIN,
			"It is the default rubric: requests that name none are refused. To make another the default: "
			"leadfit rubric default NAME\n");
}

void lf_rubric_default_print(struct lf_page *page, const Leadfit__V1__SetDefaultRubricResponse *answer)
{
	if (!answer->changed)
		lf_page_add(page, LF_PLAIN, "%s is the default rubric already\n", answer->to);
	else if (*answer->from == '\0')
		lf_page_add(page, LF_PLAIN, "%s is the default rubric now\n", answer->to);
	else
		lf_page_add(page, LF_PLAIN,
			"%s is the default rubric now, instead of %s\nTo go back: leadfit rubric default %s\n",
			answer->to, answer->from, answer->from);
}

void lf_rubric_default_of_list_print(struct lf_page *page, const Leadfit__V1__ListRubricsResponse *list)
{
	const Leadfit__V1__RubricVersion *version = lf_rubric_default_version(list);

	if (version != NULL)
		lf_page_add(page, LF_PLAIN, "%s %s\n", version->ref->name, version->ref->digest);
	else
		print_no_default(page, list);
}

/* ---- history ---- */

static int64_t nanos_of(const Google__Protobuf__Timestamp *at)
{
	return at == NULL ? 0 : at->seconds * 1000000000 + at->nanos;
}

static void begin_line(struct lf_table *table, const Google__Protobuf__Timestamp *at, const char *what)
{
	char time[LF_TIME_BYTES];

	lf_time_print(at == NULL ? 0 : at->seconds, time);
	lf_table_line(table, LF_PLAIN);
	lf_table_cell(table, 0, "%.19s", time);
	lf_table_cell(table, 1, "%s", what);
}

static void add_activation(struct lf_table *table, const Leadfit__V1__Activation *act)
{
	const Leadfit__V1__RubricRef *named = act->to != NULL ? act->to : act->from;

	begin_line(table, act->activated_at, act->to != NULL ? "activated" : "deactivated");
	lf_table_cell(table, 2, "%s", named == NULL ? "" : named->name);
	lf_table_cell(table, 3, "%.*s", LF_DIGEST_SHOWN, act->from == NULL ? "-" : act->from->digest);
	lf_table_cell(table, 4, "%.*s", LF_DIGEST_SHOWN, act->to == NULL ? "-" : act->to->digest);
	lf_table_cell(table, 5, "%s", act->activated_by);
}

static void add_default(struct lf_table *table, const Leadfit__V1__DefaultChange *change)
{
	begin_line(table, change->changed_at, "default");
	lf_table_cell(table, 2, "%s", change->to);
	lf_table_cell(table, 3, "%s", *change->from == '\0' ? "-" : change->from);
	lf_table_cell(table, 4, "%s", change->to);
	lf_table_cell(table, 5, "%s", change->changed_by);
}

/* Both lists are newest first: so is the table. */
void lf_rubric_history_print(struct lf_page *page, const Leadfit__V1__RubricHistoryResponse *history)
{
	size_t activation = 0, change = 0;
	struct lf_table table;

	lf_table_init(&table, page);
	lf_table_column(&table, "when (UTC)", 0);
	lf_table_column(&table, "what", 0);
	lf_table_column(&table, "rubric", LF_COLUMN_CUT);
	lf_table_column(&table, "from", LF_COLUMN_CUT);
	lf_table_column(&table, "to", LF_COLUMN_CUT);
	lf_table_column(&table, "by", LF_COLUMN_CUT);
	while (activation < history->n_activations || change < history->n_defaults) {
		const bool first = change == history->n_defaults ||
			(activation < history->n_activations &&
				nanos_of(history->activations[activation]->activated_at) >
					nanos_of(history->defaults[change]->changed_at));

		if (first)
			add_activation(&table, history->activations[activation++]);
		else
			add_default(&table, history->defaults[change++]);
	}
	lf_table_finish(&table, true);
	if (history->n_activations == 0)
		lf_page_add(page, LF_PLAIN, "No such rubric was ever active.\n");
	if (history->n_activations == LF_ACTIVATIONS_MAX || history->n_defaults == LF_ACTIVATIONS_MAX)
		lf_page_add(
			page, LF_PLAIN, "These are the newest %d of a kind; the log keeps all.\n", LF_ACTIVATIONS_MAX);
}
