#include "client/views/rubric_versions_page.h"

#include "client/calc/figures.h"
#include "proto/base/limits.h"

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
		lf_table_cell(&table, 1, "%s", version->active ? "yes" : "no");
		lf_table_cell(&table, 2, "%.*s", LF_DIGEST_SHOWN, version->ref == NULL ? "" : version->ref->digest);
		lf_table_cell(&table, 3, "%.16s", time);
		lf_table_cell(&table, 4, "%s", version->put_by);
		lf_table_cell(&table, 5, "%s", version->title);
	}
	lf_table_finish(&table, true);
	if (list->n_versions == 0)
		lf_page_add(page, LF_PLAIN, "The service has no rubric.\n");
}

void lf_rubric_put_print(struct lf_page *page, const Leadfit__V1__PutRubricResponse *answer)
{
	const Leadfit__V1__RubricVersion *version = answer->version;

	if (version == NULL || version->ref == NULL)
		return;
	lf_page_add(page, LF_PLAIN, "%s %s: %s\n", version->ref->name, version->ref->digest,
		answer->added ? "stored" : "was stored already");
	if (answer->activated)
		lf_page_add(page, LF_PLAIN, "It is the active version, since its name had none.\n");
	else if (version->active)
		lf_page_add(page, LF_PLAIN, "It is the active version.\n");
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
		lf_page_add(page, LF_PLAIN, "%s: %.*s is the active version now, the first\n", to->name,
			LF_DIGEST_SHOWN, to->digest);
	else
		lf_page_add(page, LF_PLAIN,
			"%s: %.*s is the active version now, instead of %.*s\nTo go back: leadfit rubric activate "
			"%.*s\n",
			to->name, LF_DIGEST_SHOWN, to->digest, LF_DIGEST_SHOWN, answer->from->digest, LF_DIGEST_SHOWN,
			answer->from->digest);
}

void lf_rubric_history_print(struct lf_page *page, const Leadfit__V1__RubricHistoryResponse *history)
{
	struct lf_table table;
	char time[LF_TIME_BYTES];

	lf_table_init(&table, page);
	lf_table_column(&table, "activated (UTC)", 0);
	lf_table_column(&table, "rubric", LF_COLUMN_CUT);
	lf_table_column(&table, "from", 0);
	lf_table_column(&table, "to", 0);
	lf_table_column(&table, "by", LF_COLUMN_CUT);
	for (size_t i = 0; i < history->n_activations; i++) {
		const Leadfit__V1__Activation *act = history->activations[i];

		lf_time_print(act->activated_at == NULL ? 0 : act->activated_at->seconds, time);
		lf_table_line(&table, LF_PLAIN);
		lf_table_cell(&table, 0, "%.19s", time);
		lf_table_cell(&table, 1, "%s", act->to == NULL ? "" : act->to->name);
		lf_table_cell(&table, 2, "%.*s", LF_DIGEST_SHOWN, act->from == NULL ? "-" : act->from->digest);
		lf_table_cell(&table, 3, "%.*s", LF_DIGEST_SHOWN, act->to == NULL ? "" : act->to->digest);
		lf_table_cell(&table, 4, "%s", act->activated_by);
	}
	lf_table_finish(&table, true);
	if (history->n_activations == 0)
		lf_page_add(page, LF_PLAIN, "No such rubric was ever active.\n");
	if (history->n_activations == LF_ACTIVATIONS_MAX)
		lf_page_add(page, LF_PLAIN, "These are the newest %d; the log keeps all.\n", LF_ACTIVATIONS_MAX);
}
