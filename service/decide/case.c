#include "service/decide/case.h"

#include <stdio.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/dates.h"
#include "proto/text/json.h"
#include "proto/base/limits.h"
#include "service/decide/time.h"

struct builder {
	const struct lf_rubric_version *version;
	const struct lf_rubric_def *def;
	const struct lf_case_input *input;
	struct lf_checker *check;
	struct lf_arena *arena;
	struct lf_built_case *out;
	size_t ignored_capacity;
	const char **extra; /* disciplines beyond the rubric's, where it accepts any */
	size_t extra_count;
	struct lf_member *members;
	struct lf_name_index member_ids;
	int32_t as_of_day;
	bool exhausted;
};

static void *take(struct builder *b, size_t count, size_t size)
{
	void *memory = lf_arena_zalloc(b->arena, count, size);

	b->exhausted |= memory == NULL;
	return memory;
}

/*
 * Goes to a place in a list: ".members[3]". Each member and piece of evidence of every request passes by, so places of
 * one digit are a few stores; lf_path_push_index() does the rest.
 */
static inline size_t push_place(struct builder *b, const char *list, size_t index)
{
	struct lf_path *path = &b->check->path;
	const size_t before = path->length, length = strlen(list); /* a constant */
	const char end[3] = {(char)('0' + index % 10), ']', '\0'};

	if (before == 0 || index > 9 || before + length + 4 >= sizeof(path->text))
		return lf_path_push_index(path, list, index);
	path->text[before] = '.';
	memcpy(path->text + before + 1, list, length);
	path->text[before + 1 + length] = '[';
	memcpy(path->text + before + 2 + length, end, sizeof(end));
	path->length = before + length + 4;
	return before;
}

/* Notes something that is left out: "team.members[0].discipline: "X" is not a discipline of this rubric". */
static void ignore(struct builder *b, const char *field, const char *key, const char *kind, const char *name)
{
	char text[640];
	size_t mark =
		key != NULL ? lf_path_push_key(&b->check->path, field, key) : lf_path_push(&b->check->path, field);
	int length =
		snprintf(text, sizeof(text), "%s: \"%s\" is not a %s of this rubric", b->check->path.text, name, kind);

	/* A path has at most 255 bytes and a name LF_ID_BYTES_MAX (undeclared() sees to that), so nothing is cut. */
	LF_CHECK(D4, length > 0 && (size_t)length < sizeof(text));
	lf_path_pop(&b->check->path, mark);
	if (b->out->ignored_count == b->ignored_capacity) {
		size_t capacity = b->ignored_capacity == 0 ? 16 : b->ignored_capacity * 2;
		const char **grown = take(b, capacity, sizeof(*grown));

		if (grown == NULL)
			return;
		if (b->out->ignored_count > 0)
			memcpy(grown, b->out->ignored, b->out->ignored_count * sizeof(*grown));
		b->out->ignored = grown;
		b->ignored_capacity = capacity;
	}
	b->out->ignored[b->out->ignored_count] = lf_arena_strdup(b->arena, text, (size_t)length);
	b->exhausted |= b->out->ignored[b->out->ignored_count] == NULL;
	b->out->ignored_count += !b->exhausted;
}

/* Either left out and noted, or a violation, as the request asked for. */
static void undeclared(struct builder *b, const char *field, const char *key, const char *kind, const char *name,
	const struct lf_name_index *known)
{
	if (!lf_check_name(b->check, field, key, name))
		return;
	if (b->input->ignore_undeclared)
		ignore(b, field, key, kind, name);
	else
		lf_check_undeclared(b->check, field, key, kind, name, known);
}

/* Index of a discipline, new ones taken in where the rubric accepts any. LF_NONE where it is left out or wrong. */
static uint32_t find_discipline(struct builder *b, const char *field, const char *key, const char *name)
{
	uint32_t found = lf_name_index_find(&b->version->disciplines, name);

	if (found != LF_NO_NAME)
		return found;
	if (!b->version->disciplines_open) {
		undeclared(b, field, key, "discipline", name, &b->version->disciplines);
		return LF_NONE;
	}
	for (size_t i = 0; i < b->extra_count; i++)
		if (strcmp(b->extra[i], name) == 0)
			return (uint32_t)(b->def->discipline_count + i);
	if (!lf_check_name(b->check, field, key, name))
		return LF_NONE;
	if (b->def->discipline_count + b->extra_count >= LF_DISCIPLINES_MAX) {
		lf_check_fail(b->check, field, "\"%s\" is one discipline too many; allowed are at most %d in a request",
			name, LF_DISCIPLINES_MAX);
		return LF_NONE;
	}
	b->extra[b->extra_count] = name;
	return (uint32_t)(b->def->discipline_count + b->extra_count++);
}

static void convert_expertise(struct builder *b, const Leadfit__V1__Member *from, struct lf_member *to)
{
	struct lf_expertise *expertise;

	if (from->n_expertise == 0 || !lf_check_count(b->check, "expertise", from->n_expertise, LF_DISCIPLINES_MAX))
		return;
	expertise = take(b, from->n_expertise, sizeof(*expertise));
	for (size_t i = 0; expertise != NULL && i < from->n_expertise; i++) {
		const Leadfit__V1__Member__ExpertiseEntry *entry = from->expertise[i];
		uint32_t discipline = find_discipline(b, "expertise", entry->key, entry->key);

		if (lf_check_range_key(b->check, "expertise", entry->key, entry->value, 0, 1) && discipline != LF_NONE)
			expertise[to->expertise_count++] = (struct lf_expertise){discipline, entry->value};
	}
	to->expertise = expertise;
}

static void convert_date(struct builder *b, const char *text, int32_t *day)
{
	*day = LF_UNDATED;
	if (*text == '\0')
		return;
	if (!lf_parse_date(text, day))
		lf_check_fail(b->check, "observed_on", "\"%.40s\" is not a date YYYY-MM-DD", text);
	else if (*day > b->as_of_day + 1)
		lf_check_fail(b->check, "observed_on", "%s is after the instant of the decision (as_of)", text);
}

/* A piece about a discipline that this rubric does not have shows none of those that it has. */
static uint32_t convert_domain(struct builder *b, const char *name)
{
	uint32_t discipline;

	if (*name == '\0')
		return LF_NONE;
	discipline = find_discipline(b, "domain", NULL, name);
	return discipline == LF_NONE ? LF_ELSEWHERE : discipline;
}

/* Converts one piece. false where it is wrong or left out. */
static bool convert_evidence(struct builder *b, const Leadfit__V1__Evidence *from, struct lf_evidence *to)
{
	size_t found = b->check->found;
	bool keep = true;

	to->source = LF_NONE;
	to->domain = convert_domain(b, from->domain);
	to->criterion = lf_name_index_find(&b->version->criteria, from->criterion);
	if (*from->criterion == '\0') {
		lf_check_fail(b->check, "criterion", "is required");
	} else if (to->criterion == LF_NO_NAME) {
		undeclared(b, "criterion", NULL, "criterion", from->criterion, &b->version->criteria);
		keep = false;
	} else if (b->def->criteria[to->criterion].derived != LF_RATED) {
		lf_check_fail(b->check, "criterion", "\"%s\" is derived and takes no ratings", from->criterion);
	}
	if (from->rating == NULL)
		lf_check_fail(b->check, "rating", "is required");
	else if (lf_check_range(b->check, "rating", from->rating->value, b->def->scale_min, b->def->scale_max))
		to->rating = from->rating->value;
	if (*from->source != '\0' && !b->version->sources_open) {
		to->source = lf_name_index_find(&b->version->sources, from->source);
		if (to->source == LF_NO_NAME) {
			undeclared(b, "source", NULL, "source", from->source, &b->version->sources);
			keep = false;
		}
	} else if (*from->source != '\0') {
		lf_check_id(b->check, "source", from->source);
	}
	convert_date(b, from->observed_on, &to->observed_day);
	lf_check_text(b->check, "note", from->note, LF_TEXT_BYTES_MAX);
	return keep && b->check->found == found;
}

/* Whether convert_evidence() keeps a piece that is not wrong. */
static bool keeps(const struct lf_rubric_version *version, const Leadfit__V1__Evidence *piece)
{
	return lf_name_index_find(&version->criteria, piece->criterion) != LF_NO_NAME &&
		(*piece->source == '\0' || version->sources_open ||
			lf_name_index_find(&version->sources, piece->source) != LF_NO_NAME);
}

size_t lf_case_evidence_as_sent(
	const struct lf_rubric_version *version, const Leadfit__V1__Member *member, size_t index)
{
	size_t sent = 0;

	for (size_t kept = 0; kept <= index; sent++) {
		LF_CHECK(D3, sent < member->n_evidence); /* the built case has it from there */
		kept += keeps(version, member->evidence[sent]);
	}
	return sent - 1;
}

static void convert_member(struct builder *b, const Leadfit__V1__Member *from, struct lf_member *to)
{
	struct lf_evidence *evidence;

	lf_check_id(b->check, "id", from->id);
	lf_check_text(b->check, "name", from->name, LF_TITLE_BYTES_MAX);
	to->id = from->id;
	to->discipline = *from->discipline == '\0' ? LF_NONE : find_discipline(b, "discipline", NULL, from->discipline);
	to->availability = from->availability != NULL ? from->availability->value : 1;
	lf_check_range(b->check, "availability", to->availability, 0, 1);
	to->candidate = b->input->candidate_count == 0;
	convert_expertise(b, from, to);
	if (from->n_evidence == 0 || !lf_check_count(b->check, "evidence", from->n_evidence, LF_EVIDENCE_MAX))
		return;
	evidence = take(b, from->n_evidence, sizeof(*evidence));
	for (size_t i = 0; evidence != NULL && i < from->n_evidence; i++) {
		size_t mark = push_place(b, "evidence", i);

		to->evidence_count += convert_evidence(b, from->evidence[i], &evidence[to->evidence_count]);
		lf_path_pop(&b->check->path, mark);
	}
	to->evidence = evidence;
}

static void mark_candidates(struct builder *b)
{
	const struct lf_name_index *ids = &b->member_ids;

	if (b->members == NULL || !lf_check_count(b->check, "candidates", b->input->candidate_count, LF_MEMBERS_MAX))
		return;
	for (size_t i = 0; i < b->input->candidate_count; i++) {
		const char *id = b->input->candidates[i];
		uint32_t member = lf_name_index_find(ids, id);
		size_t mark = lf_path_push_index(&b->check->path, "candidates", i);

		if (member == LF_NO_NAME && !lf_check_id(b->check, "", id)) {
			/* said */
		} else if (member == LF_NO_NAME) {
			const char *nearest = lf_check_nearest(b->check, id, ids);

			lf_check_fail(b->check, "", "\"%s\" is not a member of the team%s%s", id,
				nearest != NULL ? "; nearest: " : "", nearest != NULL ? nearest : "");
		} else if (b->members[member].candidate) {
			lf_check_fail(b->check, "", "\"%s\" is listed twice", id);
		} else {
			b->members[member].candidate = true;
		}
		lf_path_pop(&b->check->path, mark);
	}
}

static void convert_members(struct builder *b, const Leadfit__V1__Team *team)
{
	struct lf_member *members = take(b, team->n_members, sizeof(*members));
	const char **ids = take(b, team->n_members, sizeof(*ids));
	uint32_t duplicate;

	if (b->exhausted)
		return;
	for (size_t i = 0; i < team->n_members; i++) {
		size_t mark = push_place(b, "members", i);

		convert_member(b, team->members[i], &members[i]);
		ids[i] = team->members[i]->id;
		lf_path_pop(&b->check->path, mark);
	}
	b->exhausted |= !lf_name_index_build(&b->member_ids, ids, team->n_members, b->arena, &duplicate);
	if (b->exhausted)
		return;
	if (duplicate != LF_NO_NAME) {
		size_t mark = lf_path_push_index(&b->check->path, "members", duplicate);

		lf_check_fail(b->check, "id", "\"%.128s\" is listed twice in the team", ids[duplicate]);
		lf_path_pop(&b->check->path, mark);
	}
	b->members = members;
	b->out->engine.members = members;
	b->out->engine.member_count = team->n_members;
}

static void convert_team(struct builder *b)
{
	const Leadfit__V1__Team *team = b->input->team;
	size_t mark = lf_path_push(&b->check->path, "team");

	if (team == NULL) {
		if (!b->input->team_optional)
			lf_check_fail(b->check, "", "is required");
	} else {
		lf_check_id(b->check, "id", team->id);
		lf_check_text(b->check, "title", team->title, LF_TITLE_BYTES_MAX);
		if (team->n_members == 0)
			lf_check_fail(b->check, "members", "is required: 1..%d members", LF_MEMBERS_MAX);
		else if (lf_check_count(b->check, "members", team->n_members, LF_MEMBERS_MAX))
			convert_members(b, team);
	}
	lf_path_pop(&b->check->path, mark);
}

static void convert_traits(struct builder *b, const Leadfit__V1__Project *project)
{
	double *traits = take(b, b->def->trait_count + 1, sizeof(*traits));
	bool *assumed = take(b, b->def->trait_count + 1, sizeof(*assumed));

	if (b->exhausted)
		return;
	for (size_t t = 0; t < b->def->trait_count; t++) {
		traits[t] = b->def->traits[t].default_value;
		assumed[t] = true;
	}
	if (!lf_check_count(b->check, "traits", project->n_traits, LF_TRAITS_MAX))
		return;
	for (size_t i = 0; i < project->n_traits; i++) {
		const Leadfit__V1__Project__TraitsEntry *entry = project->traits[i];
		uint32_t trait = lf_name_index_find(&b->version->traits, entry->key);

		if (trait == LF_NO_NAME)
			undeclared(b, "traits", entry->key, "trait", entry->key, &b->version->traits);
		if (!lf_check_range_key(b->check, "traits", entry->key, entry->value, 0, 1) || trait == LF_NO_NAME)
			continue;
		traits[trait] = entry->value;
		assumed[trait] = false;
	}
	b->out->engine.traits = traits;
	b->out->engine.trait_assumed = assumed;
}

static void convert_project(struct builder *b)
{
	const Leadfit__V1__Project *project = b->input->project;
	size_t mark = lf_path_push(&b->check->path, "project");

	if (project == NULL) {
		lf_check_fail(b->check, "", "is required");
	} else {
		lf_check_id(b->check, "id", project->id);
		lf_check_text(b->check, "title", project->title, LF_TITLE_BYTES_MAX);
		b->out->engine.project_id = project->id;
		b->out->engine.project_title = project->title;
		convert_traits(b, project);
	}
	lf_path_pop(&b->check->path, mark);
}

/* ---- a team that is kept ---- */

static bool keeps_team(const struct lf_case_input *input)
{
	return input->kept != NULL && input->candidate_count == 0;
}

static bool take_kept(struct builder *b)
{
	const struct lf_kept_team *kept = b->input->kept;

	if (!keeps_team(b->input) || kept->engine.members == NULL || kept->as_of_day > b->as_of_day ||
		kept->ignore_undeclared != b->input->ignore_undeclared ||
		!lf_digest_equal(&kept->version, &b->version->digest))
		return false;
	b->out->engine.members = kept->engine.members;
	b->out->engine.member_count = kept->engine.member_count;
	b->out->engine.discipline_count = kept->engine.discipline_count;
	b->out->engine.extra_discipline_ids = kept->engine.extra_discipline_ids;
	return true;
}

static void keep_team(const struct builder *b)
{
	struct lf_kept_team *kept = b->input->kept;

	kept->version = b->version->digest;
	kept->as_of_day = b->as_of_day;
	kept->ignore_undeclared = b->input->ignore_undeclared;
	kept->engine = b->out->engine;
}

/* ---- all of it ---- */

static void convert_people(struct builder *b)
{
	struct lf_arena *arena = b->arena;

	if (keeps_team(b->input))
		b->arena = b->input->kept->arena;
	b->extra = take(b, LF_DISCIPLINES_MAX, sizeof(*b->extra));
	if (!b->exhausted) {
		convert_team(b);
		mark_candidates(b);
	}
	b->out->engine.discipline_count = b->def->discipline_count + b->extra_count;
	b->out->engine.extra_discipline_ids = b->extra;
	b->arena = arena;
}

enum lf_code lf_case_build(struct lf_built_case *built, const struct lf_rubric_version *version,
	const struct lf_case_input *input, struct lf_checker *checker, struct lf_arena *arena)
{
	struct builder b = {
		.version = version,
		.def = lf_rubric_def(version->compiled),
		.input = input,
		.check = checker,
		.arena = arena,
		.out = built,
		.as_of_day = lf_day_of(input->as_of_seconds),
	};
	size_t found = checker->found;
	bool kept;

	*built = (struct lf_built_case){0};
	kept = take_kept(&b);
	if (!kept)
		convert_people(&b);
	if (!kept && !b.exhausted && checker->found == found && keeps_team(input))
		keep_team(&b);
	if (!b.exhausted)
		convert_project(&b);
	if (checker->found > found)
		return LF_INVALID_ARGUMENT;
	if (b.exhausted)
		return lf_error_set(
			checker->error, LF_RESOURCE_EXHAUSTED, "the request needs more memory than its budget");
	built->engine.as_of_day = b.as_of_day;
	built->engine.engine_version = input->engine_version != 0 ? input->engine_version : LF_ENGINE_VERSION;
	return LF_OK;
}
