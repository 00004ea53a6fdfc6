/*
 * Messages without one person: pure functions over team, project, decision, outcome and who looked. erase.c says what they are used
 * for.
 *
 * A person is an id. What else could point to them (a name in somebody else's note) is not looked for.
 */
#ifndef LF_SERVICE_DECIDE_REDACT_H
#define LF_SERVICE_DECIDE_REDACT_H

#include <stdbool.h>

#include "leadfit/v1/record.pb-c.h"
#include "leadfit/v1/scoring.pb-c.h"
#include "leadfit/v1/team.pb-c.h"
#include "proto/base/arena.h"

/* What stands in the person's place: "erased-" and 16 hexadecimal digits. */
enum { LF_TOMBSTONE_BYTES = 24 }; /* with NUL */

/* Who is taken out. */
struct lf_redactor {
	const char *id;
	const char *tombstone;
	struct lf_arena *arena; /* for what is new in the messages */
};

/* How much a message has of the person. */
enum lf_mention {
	LF_MENTION_NONE,
	/* only texts that are never scored (title, name, note) have the id: answers do not change without them */
	LF_MENTION_TEXT,
	LF_MENTION_PART, /* the person is a member, or what is scored has the id */
};

/*
 * Whether the text has the id as a word of its own: "m-1" is in "asked m-1.", "(m-1)" and "PEER:m-1", and in none of
 * "m-10", "m-1-b", "team-m-1" and "m-1.2". In doubt (a script that writes words without spaces) it has. id is not "".
 */
bool lf_mentions(const char *text, const char *id);

/* *longer: how many texts have the id only within a longer word, so that they stay as they are. */
enum lf_mention lf_team_mentions(const Leadfit__V1__Team *team, const char *id, size_t *longer);
/* Ids of teams and projects are nobody's: they are not looked at. */
enum lf_mention lf_project_mentions(const Leadfit__V1__Project *project, const char *id, size_t *longer);

/*
 * The member's entry keeps the tombstone alone; every other text that mentions the id is emptied, a map's entry left
 * out.
 */
void lf_team_redact(Leadfit__V1__Team *team, const struct lf_redactor *redactor);
void lf_project_redact(Leadfit__V1__Project *project, const struct lf_redactor *redactor);

/* Whether somebody of that id has a place in the decision, is recommended, or a title has the id. */
bool lf_decision_names(const Leadfit__V1__Decision *decision, const char *id);
/*
 * A decision as it is frozen: without its id, time, caller and purpose (the log has them beside it), without
 * explanation, assumptions, sensitivity, what_would_change, co_lead and reasons of places. The person's place keeps
 * tombstone, rank, score and whether they were eligible, so that the others' places stay true. redactions says so. May
 * be used on what is frozen already. false where the arena is exhausted.
 */
bool lf_decision_redact(Leadfit__V1__Decision *decision, const struct lf_redactor *redactor);

/*
 * What was recorded about a decision. took_part: the person took part in that decision, so the reason may be about them
 * whatever it calls them, and goes. Returns whether anything changed.
 */
bool lf_outcome_redact(Leadfit__V1__OutcomeBody *outcome, bool took_part, const struct lf_redactor *redactor);
/* How many texts of it have the id somewhere. */
size_t lf_outcome_count_texts(const Leadfit__V1__OutcomeBody *outcome, const char *id);
/*
 * Who looked: a text that mentions the id, a caller's name above all, becomes the tombstone. Returns whether anything
 * changed.
 */
bool lf_access_redact(Leadfit__V1__AccessBody *access, const struct lf_redactor *redactor);

#endif
