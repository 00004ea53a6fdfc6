#include "client/views/profile_page.h"

#include "client/calc/figures.h"
#include "client/views/decision.h"

void lf_profile_print(struct lf_page *page, const Leadfit__V1__ProfileResponse *profile)
{
	struct lf_table table;
	char bar[LF_BAR_BYTES], percent[LF_PERCENT_BYTES];
	const char *project = profile->project == NULL ? "The project"
		: profile->project->title[0] != '\0'   ? profile->project->title
						       : profile->project->id;

	if (profile->n_disciplines > 0)
		lf_page_add(page, LF_GOOD, "%s calls for %s", project, profile->disciplines[0]->discipline);
	else
		lf_page_add(page, LF_WARN, "%s: the rubric declares no disciplines", project);
	lf_page_add(page, LF_PLAIN, "\n");
	lf_page_wrap(page, "", "", "This is what is expected of disciplines, before any evidence about a person.");
	if (profile->n_disciplines > 0) {
		lf_page_add(page, LF_PLAIN, "\n");
		lf_table_init(&table, page);
		lf_table_column(&table, "discipline", LF_COLUMN_CUT);
		lf_table_column(&table, "score", LF_COLUMN_RIGHT);
		lf_table_column(&table, "", 0);
		for (size_t i = 0; i < profile->n_disciplines; i++) {
			lf_bar(page, profile->disciplines[i]->score, bar);
			lf_table_line(&table, i == 0 ? LF_BOLD : LF_PLAIN);
			lf_table_cell(&table, 0, "%s", profile->disciplines[i]->discipline);
			lf_table_cell(&table, 1, "%.3f", lf_rounded(profile->disciplines[i]->score, 3));
			lf_table_cell(&table, 2, "%s", bar);
		}
		lf_table_finish(&table, true);
	}
	if (profile->n_weights > 0) {
		lf_page_add(page, LF_PLAIN, "\n");
		lf_table_init(&table, page);
		lf_table_column(&table, "what counts", LF_COLUMN_CUT);
		lf_table_column(&table, "weight", LF_COLUMN_RIGHT);
		lf_table_column(&table, "", 0);
		for (size_t i = 0; i < profile->n_weights; i++) {
			lf_bar(page, profile->weights[i]->weight, bar);
			lf_table_line(&table, LF_PLAIN);
			lf_table_cell(&table, 0, "%s", profile->weights[i]->criterion);
			lf_percent(profile->weights[i]->weight, percent);
			lf_table_cell(&table, 1, "%s", percent);
			lf_table_cell(&table, 2, "%s", bar);
		}
		lf_table_finish(&table, true);
	}
	lf_sentences_print(page, "Why", profile->n_explanation, profile->explanation);
	lf_sentences_print(page, "What this assumes", profile->n_assumptions, profile->assumptions);
	lf_sentences_print(
		page, "Left out, because the rubric does not declare it", profile->n_ignored, profile->ignored);
	if (profile->rubric != NULL) {
		lf_page_add(page, LF_PLAIN, "\n");
		lf_page_add(page, LF_DIM, "Rubric %s %.*s%sno decision was stored", profile->rubric->name,
			LF_DIGEST_SHOWN, profile->rubric->digest, page->utf8 ? " · " : ", ");
		lf_page_add(page, LF_PLAIN, "\n");
	}
}
