/*
 * Whole decisions, a slice a call.
 *
 * newest_sequence is read before the page: so nothing up to it is missing where next is 0, and who follows the log goes
 * on right after.
 */
#include <inttypes.h>
#include <string.h>

#include "proto/base/limits.h"
#include "proto/wire/borrow.h"
#include "proto/wire/span.h"
#include "service/access/access.h"
#include "service/decisions/decisions.h"
#include "service/decisions/slice.h"
#include "service/state/selection.h"
#include "service/state/reply.h"
#include "service/state/state.h"

enum {
	PAGE_BYTES_MAX = LF_MESSAGE_BYTES_MAX - 4096, /* a frame's header and the other fields fit beside it */
	PIECE_BYTES = 256 * 1024,
};

/* Packed decisions, as fields of the answer. */
struct piece {
	struct piece *next;
	size_t length, capacity;
	uint8_t bytes[];
};

struct export
{
	struct lf_rpc_call *call;
	struct lf_arena *arena; /* the call's */
	struct piece *first, *last;
	size_t bytes;
	size_t decisions; /* how many they are */
	uint64_t first_sequence, last_sequence;
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

/* Field decisions of ExportResponse. */
static enum lf_slice_put put_decision(void *context, uint64_t sequence, const uint8_t *decision, size_t length)
{
	struct export *x = context;
	size_t inner = field_length(sequence, length);
	size_t whole = 1 + varint_length(inner) + inner;
	uint8_t *out = x->bytes + whole <= PAGE_BYTES_MAX ? make_room(x, whole) : NULL;

	if (out == NULL)
		return LF_SLICE_NOT_TAKEN;
	*out++ = 1 << 3 | 2; /* decisions */
	out += lf_put_varint(out, inner);
	*out++ = 1 << 3; /* sequence */
	out += lf_put_varint(out, sequence);
	*out++ = 2 << 3 | 2; /* decision */
	out += lf_put_varint(out, length);
	memcpy(out, decision, length);
	if (x->decisions++ == 0)
		x->first_sequence = sequence;
	x->last_sequence = sequence;
	return LF_SLICE_TAKEN;
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

/* A page without a decision tells who follows the log that there is none: it is counted as a read. */
static enum lf_code record(
	struct lf_state *state, const struct export *x, const struct lf_scan *scan, struct lf_error *error)
{
	Leadfit__V1__AccessCall call = LEADFIT__V1__ACCESS_CALL__INIT;

	if (x->decisions == 0) {
		lf_access_count(state->access, lf_rpc_caller(x->call), "leadfit.v1.Decisions", "Export", LF_OK);
		return LF_OK;
	}
	call.method = lf_unconst("leadfit.v1.Decisions/Export");
	call.decisions = x->decisions;
	call.first_sequence = x->first_sequence;
	call.last_sequence = x->last_sequence;
	return lf_slice_record(state, x->call, scan, &call, error);
}

void lf_decisions_export(Leadfit__V1__Decisions_Service *service, const Leadfit__V1__ExportRequest *request,
	Leadfit__V1__ExportResponse_Closure closure, void *closure_data)
{
	struct lf_state *state = LF_CONTAINER_OF(service, struct lf_decisions_service, base)->state;
	struct lf_error error = LF_ERROR_INIT;
	struct lf_checker checker = {.error = &error};
	struct export x = {.call = closure_data, .arena = lf_rpc_arena(closure_data)};
	struct lf_slice_reader reader = {
		.state = state, .brief = request->brief, .put = put_decision, .context = &x, .error = LF_ERROR_INIT};
	uint64_t next = 0, newest = 0;
	struct lf_scan scan;

	(void)closure; /* send() stages the bytes of the page itself */
	lf_slice_init(&reader, x.arena);
	check_request(request, &scan, &checker);
	if (checker.found > 0)
		lf_error_summarize(&error);
	else if (lf_slice_newest(state, &newest, &error) == LF_OK)
		lf_slice_read(&reader, &scan, &next);
	lf_log_note_damage(state->log, &reader.error);
	/* What can't be given is said when it is first in its page: what comes before it goes out. */
	if (error.code == LF_OK && reader.error.code != LF_OK && reader.count == 0)
		lf_error_move(&error, &reader.error);
	lf_arena_clean_up(&reader.scratch); /* the page alone needs memory from here on */
	if (error.code == LF_OK && record(state, &x, &scan, &error) == LF_OK)
		send(&x, next, newest);
	else
		lf_send_error(closure_data, &error);
	lf_slice_clean_up(&reader);
}
