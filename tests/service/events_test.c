/* What the service says: its lines byte for byte, what can't be forged, and what becomes of too many. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/events/events.h"
#include "service/events/line.h"

enum { THREADS = 8, LINES = 1000 };

static const int64_t noon_us = INT64_C(1796040000123456); /* 2026-11-30T12:00:00.123456Z */

static struct lf_slice slice(const char *text)
{
	return (struct lf_slice){text, strlen(text)};
}

static const char *made(struct lf_line *line, struct lf_slice message, const struct lf_event_field *fields,
	size_t count, bool json, bool for_journal)
{
	lf_line_make(line,
		&(struct lf_line_parts){.event = LF_EVENT_LISTENER_REOPENED,
			.time_us = noon_us,
			.message = message,
			.fields = fields,
			.count = count},
		json, for_journal);
	assert_true(line->length <= LF_LINE_BYTES_MAX);
	assert_int_equal(line->text[line->length - 1], '\n');
	line->text[line->length - 1] = '\0';
	return line->text;
}

/* ---- a line ---- */

static void a_line_has_time_level_event_message_and_fields(void **state)
{
	const struct lf_event_field fields[] = {lf_event_text("method", "Score"), lf_event_text("peer", NULL),
		lf_event_text("caller", "HR platform"), lf_event_number("duration_us", 1250),
		lf_event_said(lf_event_text("address", "x"))};
	struct lf_line line;

	(void)state;
	assert_string_equal(made(&line, slice("open again"), fields, 5, false, false),
		"2026-11-30T12:00:00.123456Z warning listener_reopened: open again method=Score caller=\"HR platform\" "
		"duration_us=1250");
	assert_string_equal(made(&line, slice("open again"), fields, 5, true, false),
		"{\"ts\":\"2026-11-30T12:00:00.123456Z\",\"level\":\"warning\",\"event\":\"listener_reopened\","
		"\"msg\":\"open again\",\"method\":\"Score\",\"caller\":\"HR "
		"platform\",\"duration_us\":1250,\"address\":\"x\"}");
	assert_string_equal(made(&line, slice(""), fields, 1, false, true),
		"<4>2026-11-30T12:00:00.123456Z warning listener_reopened: method=Score");
	assert_string_equal(made(&line, slice(""), fields, 0, true, true),
		"<4>{\"ts\":\"2026-11-30T12:00:00.123456Z\",\"level\":\"warning\",\"event\":\"listener_reopened\"}");
}

/* What a stranger may send as anything: each byte there is, in an order that makes some of it UTF-8. */
static struct lf_slice anything(void)
{
	static char text[] =
		"a\0b\nc\r\t\x1b[2J \"quoted\" \\ k=v \x7f \xc3\xa9 \xe2\x80\xae \xf3\xa0\x81\x81 \xff \xc0\x80 "
		"\xed\xa0\x80 \xf5\x80\x80\x80 \xe2\x82";

	return (struct lf_slice){text, sizeof(text) - 1};
}

static void as_text_nothing_makes_a_line_or_a_field(void **state)
{
	const struct lf_event_field field = lf_event_slice("peer", anything());
	struct lf_line line;

	(void)state;
	made(&line, anything(), &field, 1, false, false);
	for (size_t i = 0; i < line.length - 1; i++)
		assert_true((unsigned char)line.text[i] >= ' ' && line.text[i] != '\x7f');
	assert_non_null(strstr(line.text, "a?b?c???[2J \"quoted\" \\ k=v ? \xc3\xa9 ? ? ? ?? ??? ???? ??"));
	assert_non_null(strstr(line.text,
		" peer=\"a\\u0000b\\nc\\r\\t\\u001b[2J \\\"quoted\\\" \\\\ k=v \\u007f \xc3\xa9"
		" \\u202e \\udb40\\udc41 \\ufffd "));
}

static void as_json_it_is_an_object_and_says_what_was_sent(void **state)
{
	const struct lf_event_field field = lf_event_slice("peer", anything());
	struct lf_line line;
	json_t *object;
	const char *peer;

	(void)state;
	object = json_loads(made(&line, anything(), &field, 1, true, false), JSON_ALLOW_NUL, NULL);
	assert_non_null(object);
	assert_int_equal(json_object_size(object), 5);
	peer = json_string_value(json_object_get(object, "peer"));
	assert_memory_equal(peer, anything().data, 38); /* as far as it is UTF-8 */
	assert_int_equal(json_string_length(json_object_get(object, "peer")),
		json_string_length(json_object_get(object, "msg")));
	json_decref(object);
}

static void each_byte_and_each_pair_makes_a_line_that_is_json(void **state)
{
	struct lf_line line;

	(void)state;
	for (unsigned pair = 0; pair <= UINT16_MAX; pair++) {
		const char bytes[2] = {(char)(pair >> 8), (char)pair};
		const struct lf_event_field field = lf_event_slice("peer", (struct lf_slice){bytes, 2});
		json_t *object = json_loads(made(&line, slice(""), &field, 1, true, false), JSON_ALLOW_NUL, NULL);

		if (object == NULL)
			fail_msg("%04x makes %s", pair, line.text);
		json_decref(object);
	}
}

static void long_values_are_cut_and_what_follows_is_there(void **state)
{
	static char much[100 * 1024];
	struct lf_event_field fields[24];
	struct lf_line line;
	json_t *object;

	(void)state;
	for (int filling = 0; filling < 3; filling++) {
		memset(much, "x\n\xff"[filling], sizeof(much));
		for (size_t i = 0; i < 24; i++)
			fields[i] = lf_event_slice("caller", (struct lf_slice){much, sizeof(much)});
		fields[2] = lf_event_number("duration_us", INT64_MAX);
		fields[23] = lf_event_number("code", 14);
		object = json_loads(
			made(&line, (struct lf_slice){much, sizeof(much)}, fields, 24, true, false), 0, NULL);
		if (object == NULL)
			fail_msg("%s", line.text);
		assert_non_null(strstr(line.text, "...\",\"caller\":"));
		assert_non_null(strstr(line.text, "\"duration_us\":9223372036854775807"));
		json_decref(object);
		made(&line, (struct lf_slice){much, sizeof(much)}, fields, 24, false, false);
		assert_non_null(strstr(line.text, "... caller="));
		assert_non_null(strstr(line.text, " duration_us=9223372036854775807"));
	}
}

/* ---- a process that says something ---- */

/* What a child does, and whose standard error goes where. */
struct child {
	const char *path; /* NULL: closed */
	bool for_journal, wrong_journal;
	struct lf_event_options options;
	void (*run)(void);
};

static char said_path[] = "/tmp/lf_events.XXXXXX";

static int make_file(void **state)
{
	const int file = mkstemp(said_path);

	(void)state;
	if (file >= 0)
		close(file);
	return file < 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(said_path);
}

static void be_child(const struct child *child)
{
	struct stat status;
	char stream[64];

	if (child->path == NULL) {
		close(STDERR_FILENO);
	} else {
		const int file = open(child->path, O_WRONLY | O_TRUNC);

		if (file < 0 || dup2(file, STDERR_FILENO) < 0 || fstat(file, &status) != 0)
			_exit(100);
		snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
			(unsigned long long)status.st_ino + child->wrong_journal);
	}
	unsetenv("JOURNAL_STREAM");
	if (child->for_journal)
		setenv("JOURNAL_STREAM", stream, 1);
	lf_event_init(&child->options);
	child->run();
	_exit(0);
}

/* What it said, on the heap; "" where that is in no file. */
static char *run_child(const struct child *child)
{
	char *text = calloc(1, 4 * 1024 * 1024);
	FILE *file = NULL;
	pid_t pid;
	int status;

	fflush(NULL);
	assert_non_null(text);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_child(child);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	if (child->path == said_path)
		file = fopen(said_path, "r");
	if (file != NULL) {
		text[fread(text, 1, 4 * 1024 * 1024 - 1, file)] = '\0';
		fclose(file);
	}
	return text;
}

static void must(bool holds)
{
	if (!holds)
		_exit(101);
}

static void say_of_each_level(void)
{
	lf_event_say(LF_EVENT_CHECKPOINT_WRITTEN, "debug");
	lf_event_say(LF_EVENT_READY, "info");
	lf_event_say(LF_EVENT_JOB_WAITS, "warning");
	lf_event_say(LF_EVENT_LOG_FAILED, "error");
}

static size_t count(const char *text, const char *what)
{
	size_t found = 0;

	for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
		found++;
	return found;
}

static void a_level_leaves_out_what_is_below_it(void **state)
{
	(void)state;
	for (enum lf_event_level level = 0; level < LF_LEVEL_COUNT; level++) {
		const struct child child = {
			.path = said_path, .options = {LF_EVENTS_TEXT, level, 0}, .run = say_of_each_level};
		char *said = run_child(&child);

		assert_int_equal(count(said, "\n"), LF_LEVEL_COUNT - level);
		for (enum lf_event_level one = 0; one < LF_LEVEL_COUNT; one++)
			assert_int_equal(count(said, lf_event_level_name(one)), one >= level ? 2 : 0);
		free(said);
	}
}

static void lines_for_the_journal_begin_with_their_priority(void **state)
{
	struct child child = {.path = said_path,
		.for_journal = true,
		.options = {LF_EVENTS_BY_TERMINAL, LF_LEVEL_DEBUG, 0},
		.run = say_of_each_level};
	const char *at;
	char *said = run_child(&child);

	(void)state;
	assert_memory_equal(said, "<7>{", 4); /* a file is no terminal */
	at = strstr(said, "\n<6>{");
	assert_non_null(at);
	at = strstr(at, "\n<4>{");
	assert_non_null(at);
	assert_non_null(strstr(at, "\n<3>{"));
	free(said);
	child.options.format = LF_EVENTS_TEXT;
	said = run_child(&child);
	assert_memory_equal(said, "<7>2", 4);
	free(said);
	/* Where somebody else's standard error was the journal's, ours is not. */
	child.wrong_journal = true;
	said = run_child(&child);
	assert_memory_equal(said, "2", 1);
	free(said);
}

static void flood(void)
{
	struct lf_event_figures figures;

	for (int i = 0; i < LINES; i++)
		lf_event_say(LF_EVENT_JOB_WAITS, "%d", i);
	lf_event_say(LF_EVENT_LOG_FAILED, "and this is heard");
	lf_event_say_left_out();
	lf_event_say_left_out();
	lf_event_figures(&figures);
	must(figures.lines[LF_EVENT_JOB_WAITS] + figures.left_out[LF_EVENT_JOB_WAITS] == LINES);
	must(figures.lines[LF_EVENT_JOB_WAITS] >= 10 && figures.left_out[LF_EVENT_JOB_WAITS] > 0);
	must(figures.lines[LF_EVENT_LOG_FAILED] == 1 && figures.left_out[LF_EVENT_LOG_FAILED] == 0);
	must(figures.lines[LF_EVENT_LINES_LEFT_OUT] == 1 && figures.unwritten == 0);
}

static void what_is_beyond_the_bound_is_counted_and_hides_nothing_else(void **state)
{
	const struct child child = {.path = said_path, .options = {LF_EVENTS_JSON, LF_LEVEL_INFO, 10}, .run = flood};
	char *said = run_child(&child);
	const size_t heard = count(said, "\"event\":\"job_waits\"");
	char expected[64];

	(void)state;
	assert_int_equal(count(said, "and this is heard"), 1);
	snprintf(expected, sizeof(expected), "\"of\":\"job_waits\",\"count\":%zu}", LINES - heard);
	assert_non_null(strstr(said, expected));
	free(said);
}

static void *say_many(void *argument)
{
	char long_one[200];

	memset(long_one, 'a' + (int)(intptr_t)argument, sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	for (uint64_t i = 0; i < LINES; i++) {
		const struct lf_event_field fields[] = {
			lf_event_number("thread", (uint64_t)(intptr_t)argument), lf_event_number("line", i)};

		lf_event_say_with(LF_EVENT_JOB_DONE, fields, 2, "%s", long_one);
	}
	return NULL;
}

static void say_from_threads(void)
{
	pthread_t threads[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, say_many, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Each line is whole, of one thread, and in that thread's order. */
static void check_lines(char *said)
{
	uint64_t next[THREADS] = {0};
	size_t lines = 0;
	char *rest, *line;

	for (line = strtok_r(said, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest), lines++) {
		json_t *object = json_loads(line, 0, NULL);
		const char *text;
		size_t thread;

		assert_non_null(object);
		thread = (size_t)json_integer_value(json_object_get(object, "thread"));
		assert_true(thread < THREADS);
		assert_int_equal(json_integer_value(json_object_get(object, "line")), next[thread]++);
		text = json_string_value(json_object_get(object, "msg"));
		assert_int_equal(strlen(text), 199);
		assert_int_equal(strspn(text, (char[]){(char)('a' + thread), '\0'}), 199);
		json_decref(object);
	}
	assert_int_equal(lines, THREADS * LINES);
}

static void lines_of_many_threads_never_mix(void **state)
{
	const struct child child = {.path = said_path,
		.options = {LF_EVENTS_JSON, LF_LEVEL_INFO, THREADS * LINES},
		.run = say_from_threads};
	char *said = run_child(&child);

	(void)state;
	check_lines(said);
	free(said);
}

/* ---- a standard error that takes nothing ---- */

static void say_in_vain(void)
{
	struct lf_event_figures figures;

	say_of_each_level();
	lf_event_figures(&figures);
	must(figures.unwritten == 4 && figures.lines[LF_EVENT_READY] == 0);
}

static void say_to_nobody(void)
{
	/* Closed, it would be the next file that is opened. */
	const int file = open("/dev/null", O_WRONLY);

	must(file > STDERR_FILENO);
	say_of_each_level();
}

static void a_full_disk_and_a_closed_one_are_counted_and_no_harm(void **state)
{
	struct child child = {.path = "/dev/full", .options = {LF_EVENTS_JSON, LF_LEVEL_DEBUG, 0}, .run = say_in_vain};

	(void)state;
	free(run_child(&child));
	child.path = NULL;
	child.run = say_to_nobody;
	free(run_child(&child));
}

/* A pipe that nobody reads until it is full, and then somebody does. */
static void say_to_one_who_does_not_read(void)
{
	struct lf_event_figures figures;
	char some[64 * 1024];
	int ends[2];
	ssize_t got;

	must(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO && close(ends[1]) == 0);
	for (int i = 0; i < LINES; i++)
		lf_event_say(LF_EVENT_JOB_WAITS, "%0500d", i);
	lf_event_figures(&figures);
	must(figures.unwritten > 0 && figures.unwritten + figures.lines[LF_EVENT_JOB_WAITS] == LINES);
	got = read(ends[0], some, sizeof(some) - 1);
	must(got > 0);
	lf_event_say(LF_EVENT_READY, "there again");
	got = 0;
	do {
		const ssize_t n = read(ends[0], some + got, sizeof(some) - 1 - (size_t)got);

		must(n > 0);
		got += n;
		some[got] = '\0';
	} while (strstr(some, "there again") == NULL);
	must(strstr(some, " info ready: there again\n") != NULL);
	lf_event_figures(&figures);
	must(figures.lines[LF_EVENT_READY] == 1);
}

static void who_does_not_read_loses_lines_and_holds_nobody_up(void **state)
{
	const struct child child = {.path = said_path,
		.options = {LF_EVENTS_TEXT, LF_LEVEL_DEBUG, 2 * LINES},
		.run = say_to_one_who_does_not_read};

	(void)state;
	free(run_child(&child));
}

/* ---- the table ---- */

static void names_are_stable_words_and_each_is_there_once(void **state)
{
	(void)state;
	for (enum lf_event one = 0; one < LF_EVENT_COUNT; one++) {
		const char *meaning = lf_event_meaning(one);

		for (const char *at = lf_event_name(one); *at != '\0'; at++)
			assert_true(islower((unsigned char)*at) || *at == '_');
		assert_int_equal(meaning[strlen(meaning) - 1], '.');
		for (enum lf_event other = 0; other < one; other++)
			assert_string_not_equal(lf_event_name(one), lf_event_name(other));
	}
}

/* One row of the manual's table for each event, with what it says; what to do is for people to read. */
static void the_manual_lists_each_event_as_it_is_and_no_other(void **state)
{
	char *manual = calloc(1, 1024 * 1024), *at;
	FILE *file = fopen(LF_SOURCE_DIR "/service/OPERATING.md", "r");
	size_t rows = 0;

	(void)state;
	assert_non_null(manual);
	assert_non_null(file);
	assert_true(fread(manual, 1, 1024 * 1024 - 1, file) > 0);
	fclose(file);
	at = strstr(manual, "\n| event | level | meaning | what to do |\n");
	assert_non_null(at);
	for (enum lf_event one = 0; one < LF_EVENT_COUNT; one++) {
		char row[512];

		snprintf(row, sizeof(row), "\n| `%s` | %s | %s | ", lf_event_name(one),
			lf_event_level_name(lf_event_level(one)), lf_event_meaning(one));
		if (strstr(at, row) == NULL)
			fail_msg("service/OPERATING.md lacks the row \"%s\"", row + 1);
	}
	for (at = strstr(at, "\n| `"); at != NULL; at = strchr(at + 1, '\n'))
		if (strncmp(at, "\n| `", 4) == 0)
			rows++;
		else
			break;
	assert_int_equal(rows, LF_EVENT_COUNT);
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_event_message_and_fields),
		cmocka_unit_test(as_text_nothing_makes_a_line_or_a_field),
		cmocka_unit_test(as_json_it_is_an_object_and_says_what_was_sent),
		cmocka_unit_test(each_byte_and_each_pair_makes_a_line_that_is_json),
		cmocka_unit_test(long_values_are_cut_and_what_follows_is_there),
		cmocka_unit_test(a_level_leaves_out_what_is_below_it),
		cmocka_unit_test(lines_for_the_journal_begin_with_their_priority),
		cmocka_unit_test(what_is_beyond_the_bound_is_counted_and_hides_nothing_else),
		cmocka_unit_test(lines_of_many_threads_never_mix),
		cmocka_unit_test(a_full_disk_and_a_closed_one_are_counted_and_no_harm),
		cmocka_unit_test(who_does_not_read_loses_lines_and_holds_nobody_up),
		cmocka_unit_test(names_are_stable_words_and_each_is_there_once),
		cmocka_unit_test(the_manual_lists_each_event_as_it_is_and_no_other),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
