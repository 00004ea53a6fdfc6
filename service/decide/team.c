#include "service/decide/team.h"

#include <stdlib.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "service/decide/time.h"

/*
 * Design notes
 *
 * Forms are pushed onto a team's list and stay there until the team goes; so a shared team needs no lock, and a form
 * that was found stays. Two threads may make the same form at once: then it is there twice, counted once.
 */

/* A team for the engine by one version of a rubric. */
struct lf_team_form {
	struct lf_team_form *next;
	struct lf_kept_team kept;
	struct lf_arena arena; /* of a shared team's */
};

static void form_free(struct lf_team_form *form)
{
	lf_arena_clean_up(&form->arena);
	free(form);
}

void lf_team_clean_up(struct lf_team *team)
{
	struct lf_team_form *form = atomic_load(&team->forms);

	if (team->memory == NULL)
		return;
	while (form != NULL) {
		struct lf_team_form *next = form->next;

		form_free(form);
		form = next;
	}
}

static const struct lf_team_form *find_form(
	const struct lf_team *team, const struct lf_digest *version, int32_t as_of_day, bool ignore_undeclared)
{
	const struct lf_team_form *form = atomic_load(&team->forms);

	while (form != NULL &&
		(form->kept.as_of_day > as_of_day || form->kept.ignore_undeclared != ignore_undeclared ||
			!lf_digest_equal(&form->kept.version, version)))
		form = form->next;
	return form;
}

/* About what lf_case_build() takes for a team that it keeps; where it takes more, the arena grows. */
static size_t form_bytes(const Leadfit__V1__Team *team)
{
	const size_t each = sizeof(struct lf_member) + sizeof(char *) + 4 * sizeof(uint32_t) + LF_ARENA_ALIGNMENT;
	size_t bytes = (LF_DISCIPLINES_MAX + 8) * sizeof(char *) + team->n_members * each;

	for (size_t i = 0; i < team->n_members; i++)
		bytes += team->members[i]->n_evidence * sizeof(struct lf_evidence) +
			team->members[i]->n_expertise * sizeof(struct lf_expertise);
	return bytes;
}

/* Room for another form, and the arena that it is made in. NULL: none is kept. */
static struct lf_team_form *form_new(struct lf_team *team)
{
	struct lf_team_form *form = NULL;

	if (atomic_load(&team->form_count) > LF_TEAM_FORMS_MAX)
		return NULL;
	if (team->memory == NULL) {
		form = team->arena != NULL ? lf_arena_zalloc(team->arena, 1, sizeof(*form)) : NULL;
		if (form != NULL)
			form->kept.arena = team->arena;
		return form;
	}
	if (team->memory->has_room(team->memory))
		form = calloc(1, sizeof(*form));
	if (form == NULL)
		return NULL;
	lf_arena_init(&form->arena, team->memory->form_bytes_max);
	form->arena.budget = &team->memory->budget;
	(void)lf_arena_reserve(&form->arena, form_bytes(team->message)); /* else the arena grows as usual */
	form->kept.arena = &form->arena;
	return form;
}

void lf_conversion_begin(struct lf_conversion *conversion, struct lf_team *team, const struct lf_digest *version,
	bool silent, struct lf_case_input *input)
{
	const struct lf_team_form *form;

	conversion->team = team;
	conversion->fresh = NULL;
	if (team == NULL || input->candidate_count > 0 || (input->ignore_undeclared && !silent))
		return;
	form = find_form(team, version, lf_day_of(input->as_of_seconds), input->ignore_undeclared);
	if (form == NULL)
		form = conversion->fresh = form_new(team);
	if (form == NULL)
		return;
	conversion->kept = form->kept;
	input->kept = &conversion->kept;
}

void lf_conversion_end(struct lf_conversion *conversion)
{
	struct lf_team *team = conversion->team;
	struct lf_team_form *form = conversion->fresh;
	bool another;

	conversion->fresh = NULL;
	if (form == NULL)
		return;
	LF_CHECK(D2, conversion->kept.arena == (team->memory != NULL ? &form->arena : team->arena));
	if (conversion->kept.engine.members == NULL) {
		/* The rubric refuses the team. Each case says so by itself, in memory of its own. */
		if (team->memory != NULL)
			form_free(form);
		else
			atomic_store(&team->form_count, LF_TEAM_FORMS_MAX + 1);
		return;
	}
	form->kept = conversion->kept;
	/* Made by several at once, it is there twice: the call uses this one, and it does not count. */
	another = find_form(team, &form->kept.version, form->kept.as_of_day, form->kept.ignore_undeclared) != NULL;
	form->next = atomic_load(&team->forms);
	while (!atomic_compare_exchange_weak(&team->forms, &form->next, form))
		continue;
	atomic_fetch_add(&team->form_count, !another);
}
