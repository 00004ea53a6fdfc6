/*
 * A team as everything that decides wants it: the message, its canonical bytes and digest, and its forms for the
 * engine, each made once and used for every case of that team.
 *
 * There is one type for all that remember teams; they differ in how long a team lives and who may use it:
 *
 *   memory set   shared: the service's cache keeps it (service/state/team_cache.h). Any number of threads at once.
 *   arena set    one request's: the teams of a ScoreBatch that the cache does not know, or those of a slice of history.
 *                One thread at a time; forms live in arena, which lives as long as the team.
 *   neither      a team of one case: it keeps no forms.
 */
#ifndef LF_SERVICE_DECIDE_TEAM_H
#define LF_SERVICE_DECIDE_TEAM_H

#include <stdatomic.h>

#include "service/decide/case.h"
#include "service/decide/content.h"

/* Beyond so many forms a team makes no more: rubrics have changed. */
enum { LF_TEAM_FORMS_MAX = 4 };

/* Where forms of shared teams take their memory from. Any thread. */
struct lf_team_memory {
	struct lf_arena_budget budget;
	bool (*has_room)(const struct lf_team_memory *memory); /* whether another form may be made */
	size_t form_bytes_max;
};

struct lf_team_form;

/* All zero but for message: a team of one case. */
struct lf_team {
	const Leadfit__V1__Team *message; /* in canonical order (lf_wire_canonicalize()); never to be written to */
	struct lf_content content;
	struct lf_team_memory *memory;
	struct lf_arena *arena;
	_Atomic(struct lf_team_form *) forms;
	atomic_int form_count;
};

/* Frees the forms of a shared team, and does nothing for others. After its last user. */
void lf_team_clean_up(struct lf_team *team);

/* A team's form for one case: found, or about to be made. Storage is the caller's. */
struct lf_conversion {
	struct lf_kept_team kept;
	struct lf_team *team;       /* inside, and what follows */
	struct lf_team_form *fresh; /* what becomes the team's */
};

/*
 * Before lf_case_build() for a case of the team: sets input->kept where the team's form is there or can be kept, and
 * leaves it otherwise: for a team that keeps no forms (or NULL), with candidates of its own, or where memory is short.
 * silent: nobody is told what ignore_undeclared left out. Otherwise such a case is converted by itself, as each has to
 * say it.
 */
void lf_conversion_begin(struct lf_conversion *conversion, struct lf_team *team, const struct lf_digest *version,
	bool silent, struct lf_case_input *input);
/* After it, however it ended. What was converted lives as long as the team. */
void lf_conversion_end(struct lf_conversion *conversion);

#endif
