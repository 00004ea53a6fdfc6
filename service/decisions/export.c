/*
 * Whole decisions, a slice a call.
 *
 * Each decision is restored in a scratch arena, packed, and forgotten, so that a call holds no more than the page's
 * bytes and what one decision needs. That happens while the log is being read. Only what may read the log itself,
 * finding a rubric, waits until that has let go of its reader: else all readers could be held by calls that each wait
 * for another one.
 *
 * newest_sequence is read before the page: so nothing up to it is missing where next is 0, and who follows the log goes
 * on right after.
 */
#include <inttypes.h>
#include <string.h>

#include "proto/base/check.h"
#include "proto/base/limits.h"
#include "proto/wire/span.h"
#include "proto/wire/wire.h"
#include "service/decide/decision.h"
#include "service/decisions/decisions.h"
#include "service/state/selection.h"
#include "service/decide/text_list.h"
#include "service/state/registry.h"
#include "service/state/reply.h"
#include "service/state/state.h"

enum {
	PAGE_BYTES_MAX = LF_MESSAGE_BYTES_MAX - 4096, /* a frame's header and the other fields fit beside it */
	PIECE_BYTES = 256 * 1024,
	VERSIONS_MAX = 32, /* distinct rubrics of one page */
};

/* Packed decisions, as fields of the answer. */
struct piece {
	struct piece *next;
	size_t length, capacity;
	uint8_t bytes[];
};

struct export
{
	struct lf_state *state;
	struct lf_rpc_call *call;
	struct lf_arena *arena;  /* the call's */
	struct lf_arena scratch; /* of one decision */
	const Leadfit__V1__ExportRequest *request;
	struct lf_rubric_version *versions[VERSIONS_MAX]; /* found so far */
	size_t version_count;
	struct piece *first, *last;
	size_t bytes, count;
	uint64_t last_sequence; /* of the last one in the page */
	/* How the slice ended before the scan did: at this sequence, which is not in the page. 0: it did not. */
	uint64_t ended_at;
	bool needs_version; /* of this digest: then the scan goes on */
	struct lf_digest digest;
	struct lf_error error; /* why the decision at ended_at can't be given */
};

static size_t varint_length(uint64_t value)
{
	uint8_t ignored[10];

	return lf_put_varint(ignored, value);
}

/* Room for length bytes in one stretch, NULL where the call's memory is exhausted. */
static uint8_t *make_room(struct export *x, size_t length)
{
	size_t capacity = length > PIECE_BYTES ? length : PIECE_BYTES;
	struct piece *piece = x->last;

	if (piece == NULL || piece->capacity - piece->length < length) {
		piece = lf_arena_alloc(x->arena, sizeof(*piece) + capacity);
		if (piece == NULL)
			return NULL;
		piece->next = NULL;
		piece->length = 0;
		piece->capacity = capacity;
		if (x->last != NULL)
			x->last->next = piece;
		else
			x->first = piece;
		x->last = piece;
	}
	piece->length += length;
	x->bytes += length;
	return piece->bytes + piece->length - length;
}

static size_t field_length(uint64_t sequence, size_t decision)
{
	return 1 + varint_length(sequence) + 1 + varint_length(decision) + decision;
}

/* Field decisions of ExportResponse. false where it does not fit. */
static bool put_decision(struct export *x, uint64_t sequence, const uint8_t *decision, size_t length)
{
	size_t inner = field_length(sequence, length);
	size_t whole = 1 + varint_length(inner) + inner;
	uint8_t *out = x->bytes + whole <= PAGE_BYTES_MAX ? make_room(x, whole) : NULL;

	if (out == NULL)
		return false;
	*out++ = 1 << 3 | 2; /* decisions */
	out += lf_put_varint(out, inner);
	*out++ = 1 << 3; /* sequence */
	out += lf_put_varint(out, sequence);
	*out++ = 2 << 3 | 2; /* decision */
	out += lf_put_varint(out, length);
	memcpy(out, decision, length);
	x->count++;
	return true;
}

/* ---- one decision ---- */

static struct lf_rubric_version *find_version(const struct export *x, const struct lf_digest *digest)
{
	for (size_t i = x->version_count; i > 0; i--)
		if (lf_digest_equal(&x->versions[i - 1]->digest, digest))
			return x->versions[i - 1];
	return NULL;
}

/* Columns alone, borrowed from the row. NULL where memory ran out. */
static Leadfit__V1__Decision *brief_decision(const struct lf_stored *row, struct lf_arena *arena)
{
	struct brief {
		Leadfit__V1__Decision decision;
		Leadfit__V1__RubricRef rubric;
		Leadfit__V1__TeamRef team;
		Leadfit__V1__ProjectRef project;
		char digest[65];
	} *b = lf_arena_alloc(arena, sizeof(*b));

	if (b == NULL)
		return NULL;
	leadfit__v1__decision__init(&b->decision);
	leadfit__v1__rubric_ref__init(&b->rubric);
	leadfit__v1__team_ref__init(&b->team);
	leadfit__v1__project_ref__init(&b->project);
	lf_digest_print(&row->rubric_digest, b->digest);
	b->decision.rubric = &b->rubric;
	b->rubric.name = lf_unconst(row->rubric_name);
	b->rubric.digest = b->digest;
	b->decision.team = &b->team;
	b->team.id = lf_unconst(row->team_id);
	b->decision.project = &b->project;
	b->project.id = lf_unconst(row->project_id);
	b->decision.outcome = (Leadfit__V1__Outcome)row->outcome;
	b->decision.recommended = lf_unconst(row->recommended);
	b->decision.caller = lf_unconst(row->caller);
	b->decision.purpose = (Leadfit__V1__Purpose)row->purpose;
	return lf_decision_identify(&b->decision, &row->id, row->decided_at_us, arena) ? &b->decision : NULL;
}

static enum lf_code pack_row(struct export *x, const struct lf_stored *row, const struct lf_rubric_version *version,
	uint8_t **bytes, size_t *length)
{
	Leadfit__V1__Decision *decision = NULL;

	if (x->request->brief)
		decision = brief_decision(row, &x->scratch);
	else if (lf_decision_restore(row, version, &x->scratch, &decision, &x->error) != LF_OK)
		return x->error.code;
	*bytes = decision == NULL
		? NULL
		: lf_wire_pack(&decision->base, &x->scratch, row->team.length + 4 * row->answer.length + 256, length);
	if (*bytes == NULL)
		return lf_error_set(&x->error, LF_RESOURCE_EXHAUSTED, "no memory to restore the decision");
	return LF_OK;
}

/* The error names the decision. */
static void name_decision(struct lf_error *error, const struct lf_stored *row)
{
	char id[LF_UUID_TEXT_BYTES], message[sizeof(error->message)];

	lf_uuid_print(&row->id, id);
	memcpy(message, error->message, sizeof(message));
	lf_error_set(error, error->code, "decision %s (sequence %" PRIu64 "): %.*s", id, row->sequence,
		(int)sizeof(message) - 120, message);
}

/* Adds a row to the page. false: the slice ends, before the row where ended_at is set. */
static bool add(void *context, const struct lf_stored *row)
{
	struct export *x = context;
	struct lf_rubric_version *version = x->request->brief ? NULL : find_version(x, &row->rubric_digest);
	uint8_t *bytes = NULL;
	size_t length = 0;

	x->ended_at = row->sequence;
	if (!x->request->brief && version == NULL) {
		x->needs_version = x->version_count < VERSIONS_MAX;
		x->digest = row->rubric_digest;
		return false;
	}
	lf_arena_reset(&x->scratch);
	if (pack_row(x, row, version, &bytes, &length) != LF_OK) {
		name_decision(&x->error, row);
		return false;
	}
	if (!put_decision(x, row->sequence, bytes, length)) {
		if (x->count == 0) {
			lf_error_set(&x->error, LF_RESOURCE_EXHAUSTED, "it does not fit a message, or memory ran out");
			name_decision(&x->error, row);
		}
		return false;
	}
	x->last_sequence = row->sequence;
	x->ended_at = 0;
	return true;
}

/* ---- the page ---- */

static void check_request(const Leadfit__V1__ExportRequest *request, struct lf_scan *scan, struct lf_checker *checker)
{
	*scan = (struct lf_scan){
		.newest_first = request->newest_first,
		.limit = request->page_size == 0 || request->page_size > LF_PAGE_MAX ? LF_PAGE_MAX : request->page_size,
		.payloads = !request->brief,
	};
	lf_selection_read(request->selection, request->from_sequence, scan, checker);
	if (request->page_size > LF_PAGE_MAX)
		lf_check_fail(checker, "page_size", "%" PRIu32 " is outside 0..%d", request->page_size, LF_PAGE_MAX);
}

static void note_newest(void *context, const struct lf_stored *row)
{
	*(uint64_t *)context = row->sequence;
}

static enum lf_code read_newest(struct lf_state *state, uint64_t *newest, struct lf_error *error)
{
	struct lf_filter filter = {.since_us = INT64_MIN, .until_us = INT64_MAX, .limit = 1};
	uint64_t ignored;

	*newest = 0;
	return lf_log_list(state->log, &filter, note_newest, newest, &ignored, error);
}

/*
 * Scans, and again after each rubric that had to be found. *next: where the next page begins. x->error: why the row
 * there can't be given.
 */
static void fill(struct export *x, struct lf_scan *scan, uint64_t *next)
{
	const size_t limit = scan->limit;
	struct lf_rubric_version *version;

	for (;;) {
		x->ended_at = 0;
		x->needs_version = false;
		scan->limit = limit - x->count;
		if (lf_log_scan(x->state->log, scan, add, x, next, &x->error) != LF_OK) {
			/* Of the row after the last one. */
			*next = scan->newest_first ? x->last_sequence - 1 : x->last_sequence + 1;
			return;
		}
		if (x->ended_at == 0)
			return;
		*next = x->ended_at;
		if (!x->needs_version)
			return;
		version = lf_registry_find(x->state->registry, &x->digest, &x->error);
		if (version == NULL) {
			char message[sizeof(x->error.message)];

			memcpy(message, x->error.message, sizeof(message));
			lf_error_set(&x->error, x->error.code == LF_NOT_FOUND ? LF_DATA_LOSS : x->error.code,
				"decision of sequence %" PRIu64 ": %.*s", x->ended_at, (int)sizeof(message) - 80,
				message);
			return;
		}
		LF_CHECK(H10, x->version_count < VERSIONS_MAX);
		x->versions[x->version_count++] = version;
		scan->from_sequence = x->ended_at;
	}
}

/* Sends what was gathered. */
static void send(struct export *x, uint64_t next, uint64_t newest)
{
	Leadfit__V1__ExportResponse response = LEADFIT__V1__EXPORT_RESPONSE__INIT;
	struct lf_error error = LF_ERROR_INIT;
	bool fits;

	response.next = next;
	response.newest_sequence = newest;
	fits = lf_rpc_stage(x->call, &response.base);
	for (const struct piece *piece = x->first; fits && piece != NULL; piece = piece->next)
		fits = lf_rpc_append(x->call, piece->bytes, piece->length);
	if (fits) {
		lf_rpc_send(x->call);
		return;
	}
	lf_error_set(&error, LF_RESOURCE_EXHAUSTED, "the page needs more memory than its budget: ask for fewer");
	lf_send_error(x->call, &error);
}

void lf_decisions_export(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__ExportRequest *request,
	Leadfit__V1__ExportResponse_Closure closure, void *closure_data)
{
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct export x = {
		.state = LF_CONTAINER_OF(service, struct lf_decisions_service, base)->state,
		.call = closure_data,
		.arena = lf_rpc_arena(closure_data),
		.request = request,
		.error = LF_ERROR_INIT,
	};
	uint64_t next = 0, newest = 0;
	struct lf_scan scan;

	(void)closure; /* send() stages the bytes of the page itself */
	lf_arena_init(&x.scratch, x.arena->bytes_max);
	x.scratch.budget = x.arena->budget;
	check_request(request, &scan, &checker);
	if (checker.found > 0)
		lf_error_summarize(&error);
	else if (read_newest(x.state, &newest, &error) == LF_OK)
		fill(&x, &scan, &next);
	lf_log_note_damage(x.state->log, &x.error);
	/* What can't be given is said when it is first in its page: what comes before it goes out. */
	if (error.code == LF_OK && x.error.code != LF_OK && x.count == 0)
		lf_error_move(&error, &x.error);
	lf_arena_clean_up(&x.scratch);
	if (error.code == LF_OK)
		send(&x, next, newest);
	else
		lf_send_error(closure_data, &error);
	for (size_t i = 0; i < x.version_count; i++)
		lf_rubric_version_release(x.versions[i]);
	lf_error_clean_up(&x.error);
}
