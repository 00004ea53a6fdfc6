/* leadfit decisions export: whole decisions, out of the log and into a file. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cmd/commands.h"
#include "client/files/columns.h"
#include "client/files/csv.h"
#include "client/files/partfile.h"
#include "client/term/page.h"
#include "client/term/progress.h"
#include "client/cmd/selection.h"
#include "leadfit/v1/decisions.pb-c.h"
#include "proto/base/buffer.h"
#include "proto/base/clock.h"
#include "proto/base/limits.h"

static const struct lf_option options[] = {
	LF_SELECTION_OPTIONS,
	{"format", "FORMAT", "ndjson (a decision as JSON a line) or csv (default ndjson)", false},
	{"columns", "LIST", "csv: which, by commas (default: those that take the service no recomputing)", false},
	{"excel", NULL, "csv: begin with a byte order mark, by which Excel knows UTF-8", false},
	{"resume", NULL, "go on with FILE where an interrupted export of it ended", false},
	{NULL, NULL, NULL, false},
};

enum {
	ARENA_BYTES_MAX = 64 * 1024,
	MARK_EVERY = 20
}; /* so many times as long as a mark takes: then marking costs 5% at most */

/*
 * The next page, asked for on a thread of its own while the one before is written: so service and client work at the
 * same time.
 */
struct fetch {
	struct lf_cli *cli;
	Leadfit__V1__ExportRequest request;
	bool under_way;
	bool threaded; /* else it was done at once: no thread could be had */
	pthread_t thread;
	Leadfit__V1__ExportResponse *response; /* NULL: error */
	struct lf_error error;
};

struct exporting {
	struct lf_arena arena;
	struct lf_selection selection;
	bool csv, excel;
	struct lf_columns columns;
	struct lf_buffer what; /* struct lf_partfile.what */
	struct lf_partfile file;
	struct lf_mark mark;
	bool resumed;
	struct lf_buffer text;
	struct lf_progress progress;
	uint64_t begun_ns, marked_ns;
	double mark_seconds;                              /* that the last mark took */
	uint64_t count_before, next_before, bytes_before; /* of the runs before */
	struct lf_error error;
};

/* ---- what is asked for ---- */

static enum lf_code read_options(struct exporting *x, const struct lf_arguments *arguments)
{
	static const char *const formats[] = {"ndjson", "csv"};
	const struct lf_json_style style = {0};
	const char *format = lf_argument(arguments, "format"), *columns = lf_argument(arguments, "columns");
	size_t index = 0;

	if (lf_selection_take(&x->selection, arguments, &x->arena, &x->error) != LF_OK ||
		(format != NULL && lf_option_choice("format", format, formats, 2, &index, &x->error) != LF_OK))
		return x->error.code;
	x->csv = index == 1;
	if (columns != NULL && !x->csv)
		return lf_error_set(&x->error, LF_INVALID_ARGUMENT, "--columns goes with --format csv only");
	x->excel = lf_argument(arguments, "excel") != NULL;
	if (x->excel && !x->csv)
		return lf_error_set(&x->error, LF_INVALID_ARGUMENT, "--excel goes with --format csv only");
	if (lf_columns_parse(&x->columns, columns, &x->error) != LF_OK)
		return x->error.code;
	lf_text_add(&x->what, "%s%s ", formats[index], x->excel ? " excel" : "");
	if (x->csv)
		lf_columns_names(&x->columns, &x->what);
	lf_buffer_append_text(&x->what, " ");
	lf_json_print(&x->selection.message.base, &style, &x->what);
	return x->what.failed ? lf_error_set(&x->error, LF_RESOURCE_EXHAUSTED, "out of memory") : LF_OK;
}

static Leadfit__V1__ExportResponse *ask(struct lf_cli *cli, struct exporting *x, Leadfit__V1__ExportRequest *request)
{
	return (Leadfit__V1__ExportResponse *)lf_cli_call(
		cli, "leadfit.v1.Decisions/Export", &request->base, true, &x->error);
}

static void forget(Leadfit__V1__ExportResponse *response)
{
	protobuf_c_message_free_unpacked(response != NULL ? &response->base : NULL, NULL);
}

/*
 * Up to where the log goes now: what comes later is not part of this export. Asks with the selection, so that it is
 * checked before a file is touched.
 */
static enum lf_code find_end(struct lf_cli *cli, struct exporting *x, uint64_t *end)
{
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	Leadfit__V1__ExportResponse *response;

	request.selection = &x->selection.message;
	request.brief = true;
	request.newest_first = true;
	request.page_size = 1;
	response = ask(cli, x, &request);
	if (response != NULL)
		*end = response->newest_sequence;
	forget(response);
	return x->error.code;
}

/* Whether the log is the one that the export began with: its last decision is still there. */
static enum lf_code check_log(struct lf_cli *cli, struct exporting *x)
{
	Leadfit__V1__ExportRequest request = LEADFIT__V1__EXPORT_REQUEST__INIT;
	Leadfit__V1__ExportResponse *response;

	if (x->mark.last == 0)
		return LF_OK;
	request.from_sequence = x->mark.last;
	request.brief = true;
	request.page_size = 1;
	response = ask(cli, x, &request);
	if (response != NULL &&
		(response->n_decisions == 0 || response->decisions[0]->sequence != x->mark.last ||
			response->decisions[0]->decision == NULL ||
			strcmp(response->decisions[0]->decision->decision_id, x->mark.last_id) != 0))
		lf_error_set(&x->error, LF_FAILED_PRECONDITION,
			"--resume: the service has another log than the one that %s was begun with: decision %s is not "
			"its number %" PRIu64,
			x->file.part, x->mark.last_id, x->mark.last);
	forget(response);
	return x->error.code;
}

static enum lf_code open_file(struct lf_cli *cli, struct exporting *x, const struct lf_arguments *arguments)
{
	uint64_t end = 0;

	if (find_end(cli, x, &end) != LF_OK ||
		lf_partfile_open(&x->file, arguments->operand_count > 0 ? arguments->operands[0] : NULL, x->what.data,
			lf_argument(arguments, "resume") != NULL, &x->resumed, &x->mark, &x->error) != LF_OK)
		return x->error.code;
	if (x->resumed && check_log(cli, x) != LF_OK)
		return x->error.code;
	if (!x->resumed) {
		x->mark = (struct lf_mark){.end = end, .next = end > 0 ? 1 : 0};
		if (x->csv) {
			lf_buffer_append_text(&x->text, x->excel ? LF_CSV_EXCEL : "");
			lf_columns_names(&x->columns, &x->text);
			lf_buffer_append_text(&x->text, "\r\n");
		}
	}
	x->count_before = x->mark.count;
	x->next_before = x->mark.next;
	x->bytes_before = x->file.bytes;
	return LF_OK;
}

/* ---- the pages ---- */

static void write_row(struct exporting *x, const Leadfit__V1__ExportedDecision *exported)
{
	const struct lf_json_style style = {0};
	const struct lf_row row = {.number = exported->sequence, .decision = exported->decision};

	if (x->csv) {
		lf_columns_row(&x->columns, &row, &x->text);
		return;
	}
	lf_json_print(&exported->decision->base, &style, &x->text);
	lf_buffer_append_text(&x->text, "\n");
}

/* Adds what belongs to the export, and moves the mark on. */
static void take_page(struct exporting *x, const Leadfit__V1__ExportResponse *response)
{
	x->mark.next = response->next > x->mark.end ? 0 : response->next;
	for (size_t i = 0; i < response->n_decisions; i++) {
		const Leadfit__V1__ExportedDecision *exported = response->decisions[i];

		if (exported->decision == NULL || exported->sequence > x->mark.end)
			continue;
		write_row(x, exported);
		x->mark.count++;
		x->mark.last = exported->sequence;
		snprintf(x->mark.last_id, sizeof(x->mark.last_id), "%s", exported->decision->decision_id);
	}
}

/* Gives away what has gathered. */
static enum lf_code pass_on(struct lf_cli *cli, struct exporting *x)
{
	if (x->file.file >= 0)
		return lf_partfile_write(&x->file, &x->text, &x->error);
	x->file.bytes += x->text.length;
	lf_buffer_append(&cli->page.text, x->text.data, x->text.length);
	cli->page.text.failed |= x->text.failed;
	x->text.length = 0;
	return lf_page_flush(&cli->page, &x->error);
}

static enum lf_code mark(struct exporting *x)
{
	enum lf_code code;

	x->marked_ns = lf_clock_ns();
	code = lf_partfile_mark(&x->file, &x->mark, &x->error);
	x->mark_seconds = lf_clock_seconds_since(x->marked_ns);
	return code;
}

static enum lf_code mark_now_and_then(struct exporting *x)
{
	return lf_clock_seconds_since(x->marked_ns) < MARK_EVERY * x->mark_seconds ? LF_OK : mark(x);
}

static void say_progress(struct exporting *x)
{
	const double seconds = lf_clock_seconds_since(x->begun_ns);
	const double share = x->mark.next == 0 ? 1 : (double)(x->mark.next - 1) / (double)x->mark.end;
	const double begun = x->next_before == 0 ? 1 : (double)(x->next_before - 1) / (double)x->mark.end;
	const double left = share > begun ? seconds / (share - begun) * (1 - share) : 0;

	lf_progress_say(&x->progress, "%" PRIu64 " decisions, %.0f%% of the log, %.0f a second, %.0f:%02.0f left",
		x->mark.count, share * 100, (double)(x->mark.count - x->count_before) / (seconds > 0 ? seconds : 1),
		(double)((long)left / 60), (double)((long)left % 60));
}

static void *fetch_page(void *context)
{
	struct fetch *f = context;

	f->response = (Leadfit__V1__ExportResponse *)lf_cli_call(
		f->cli, "leadfit.v1.Decisions/Export", &f->request.base, true, &f->error);
	return NULL;
}

static void start_fetch(struct fetch *f, uint64_t from_sequence)
{
	f->request.from_sequence = from_sequence;
	f->under_way = true;
	f->threaded = pthread_create(&f->thread, NULL, fetch_page, f) == 0;
	if (!f->threaded)
		fetch_page(f);
}

/* Waits for the page under way, which is the caller's then. */
static Leadfit__V1__ExportResponse *end_fetch(struct fetch *f)
{
	Leadfit__V1__ExportResponse *response;

	if (f->under_way && f->threaded)
		pthread_join(f->thread, NULL);
	response = f->under_way ? f->response : NULL;
	f->under_way = false;
	return response;
}

/* Writes a page, having asked for the one after it. */
static enum lf_code write_page(
	struct lf_cli *cli, struct exporting *x, struct fetch *f, const Leadfit__V1__ExportResponse *response)
{
	if (response->next != 0 && response->next <= x->mark.next)
		return lf_error_set(&x->error, LF_INTERNAL, "the service gives the same page again and again");
	if (response->next != 0 && response->next <= x->mark.end)
		start_fetch(f, response->next);
	take_page(x, response);
	return pass_on(cli, x) != LF_OK ? x->error.code : mark_now_and_then(x);
}

static enum lf_code export_pages(struct lf_cli *cli, struct exporting *x)
{
	struct fetch f = {.cli = cli, .request = LEADFIT__V1__EXPORT_REQUEST__INIT, .error = LF_ERROR_INIT};

	f.request.selection = &x->selection.message;
	f.request.brief = x->csv && !x->columns.whole;
	if (x->text.length > 0 && pass_on(cli, x) != LF_OK) /* the heading */
		return x->error.code;
	if (!x->resumed && mark(x) != LF_OK)
		return x->error.code;
	if (x->mark.next != 0)
		start_fetch(&f, x->mark.next);
	while (f.under_way && !cli->page.closed) {
		Leadfit__V1__ExportResponse *response = end_fetch(&f);
		const enum lf_code code = response == NULL ? LF_UNAVAILABLE : write_page(cli, x, &f, response);

		forget(response);
		if (code != LF_OK)
			break;
		say_progress(x);
	}
	forget(end_fetch(&f));
	/* What the page ahead met is no matter where writing failed, or the reader has gone. */
	if (x->error.code == LF_OK && !cli->page.closed && f.error.code != LF_OK)
		lf_error_move(&x->error, &f.error);
	lf_error_clean_up(&f.error);
	return x->error.code;
}

static void sum_up(const struct exporting *x, const char *name)
{
	const double seconds = lf_clock_seconds_since(x->begun_ns);

	fprintf(stderr, "leadfit: %" PRIu64 " decision%s, %.3f MB%s%s", x->mark.count, x->mark.count == 1 ? "" : "s",
		(double)x->file.bytes / 1e6, name == NULL ? "" : ", in ", name == NULL ? "" : name);
	if (x->resumed)
		fprintf(stderr, "; %" PRIu64 " of them now", x->mark.count - x->count_before);
	fprintf(stderr, "; %.1f s, %.1f MB/s\n", seconds,
		(double)(x->file.bytes - x->bytes_before) / 1e6 / (seconds > 0 ? seconds : 1));
}

static int run_export(struct lf_cli *cli, const struct lf_arguments *arguments)
{
	static const struct lf_source sources[] = {LF_SELECTION_SOURCES};
	struct exporting x = {.error = LF_ERROR_INIT, .file.file = -1};
	const char *name = arguments->operand_count > 0 ? arguments->operands[0] : NULL;
	int status = LF_EXIT_DONE;

	lf_arena_init(&x.arena, ARENA_BYTES_MAX);
	lf_progress_init(&x.progress);
	x.begun_ns = lf_clock_ns();
	x.marked_ns = x.begun_ns;
	if (read_options(&x, arguments) == LF_OK && open_file(cli, &x, arguments) == LF_OK &&
		export_pages(cli, &x) == LF_OK && x.mark.next == 0)
		lf_partfile_finish(&x.file, &x.mark, &x.error);
	lf_progress_end(&x.progress);
	if (x.error.code != LF_OK)
		status = lf_cli_report(cli, &x.error, sources, sizeof(sources) / sizeof(sources[0]));
	else if (!cli->page.closed)
		sum_up(&x, name);
	if (x.error.code != LF_OK && x.file.run != NULL && x.file.file >= 0)
		fprintf(stderr, "leadfit: %s keeps what came so far: --resume goes on from there\n", x.file.part);
	lf_partfile_close(&x.file);
	lf_buffer_clean_up(&x.what);
	lf_buffer_clean_up(&x.text);
	lf_arena_clean_up(&x.arena);
	lf_error_clean_up(&x.error);
	return status;
}

const struct lf_command lf_command_decisions_export = {
	.name = "decisions export",
	.operands = "FILE",
	.summary = "Write decisions to a file, oldest first",
	.help = "Writes what the log holds as the command begins, to FILE, or standard output without one. FILE is "
		"replaced when everything is there; until "
		"then it grows as FILE.part, and FILE.run says how far it is. An export that was interrupted, even "
		"killed, goes on with --resume and "
		"the same options: the bytes are those of one that was not. --resume begins where there is nothing to "
		"go on with.\n"
		"A cell of a CSV file that a spreadsheet would take for a formula gets an apostrophe in front, and so "
		"does one that begins with an "
		"apostrophe. Columns: sequence, decision_id, decided_at, team, project, rubric, rubric_digest, "
		"outcome, recommended, caller, "
		"purpose (the default), as_of, team_title, project_title, score, first_rank_share, second, "
		"second_score, margin, evidence_share, "
		"candidates, eligible, co_lead, samples, engine_version, explanation_version, explanation, "
		"redactions.\n"
		"An export holds personal data: FILE is made with mode 0600, and erasing a person does not reach "
		"it.\n\n"
		"Examples:\n"
		"  leadfit decisions export all.ndjson --resume\n"
		"  leadfit decisions export --team payments --format csv --columns decided_at,recommended,score\n",
	.options = options,
	.operand_max = 1,
	.run = run_export,
};
