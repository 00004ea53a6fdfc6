#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/base64.h"
#include "proto/base/buffer.h"
#include "proto/base/check.h"
#include "proto/base/clock.h"
#include "proto/base/dates.h"
#include "proto/base/file.h"
#include "proto/base/harmless.h"
#include "proto/base/hex.h"
#include "proto/base/nearest.h"
#include "proto/base/status.h"
#include "proto/base/thread.h"
#include "tests/proto/aborts.h"

/* The small pieces of proto/base that have no test of their own elsewhere. */

/* ---- checks ---- */

static void break_an_invariant(void *argument)
{
	int one = 1;

	(void)argument;
	LF_CHECK(X1, one + one == 3);
}

static void keep_an_invariant(void *argument)
{
	int one = 1;

	(void)argument;
	LF_CHECK(X1, one + one == 2);
}

static void a_broken_invariant_aborts_with_its_name_in_every_build(void **state)
{
	char said[512];
	int status;

	(void)state;
	assert_aborts(break_an_invariant, NULL, "invariant X1 is broken: one + one == 3 (");
	assert_aborts(break_an_invariant, NULL, "base_test.c:");
	status = run_child(keep_an_invariant, NULL, said, sizeof(said));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_string_equal(said, "");
}

static void pop_what_was_not_pushed(void *argument)
{
	struct lf_path path = {.length = 0};

	(void)argument;
	lf_path_pop(&path, lf_path_push(&path, "team") + 40);
}

static void a_path_is_only_ever_shortened(void **state)
{
	(void)state;
	assert_aborts(pop_what_was_not_pushed, NULL, "invariant P7 is broken");
}

/* ---- clocks and threads ---- */

static void the_clocks_agree_and_move_on(void **state)
{
	const uint64_t ns = lf_clock_ns(), ms = lf_clock_ms();
	const int64_t wall = lf_clock_wall_us();
	struct timespec soon, now;

	(void)state;
	assert_true(ms >= ns / 1000000 && ms - ns / 1000000 < 60000);
	usleep(2000);
	assert_true(lf_clock_ns() - ns >= 2000000);
	assert_true(lf_clock_seconds_since(ns) >= 0.002);
	assert_true(wall / 1000000 - (int64_t)time(NULL) < 60 && (int64_t)time(NULL) - wall / 1000000 < 60);
	clock_gettime(CLOCK_MONOTONIC, &now);
	soon = lf_clock_after_ns(1999999999); /* seconds are carried */
	assert_true(soon.tv_nsec >= 0 && soon.tv_nsec < 1000000000);
	assert_true(soon.tv_sec - now.tv_sec >= 1 && soon.tv_sec - now.tv_sec < 60);
}

static void *look_at_signals(void *argument)
{
	sigset_t *blocked = argument;

	pthread_sigmask(SIG_SETMASK, NULL, blocked);
	return NULL;
}

static void a_thread_leaves_every_signal_to_main_but_sigbus(void **state)
{
	sigset_t inside, before, after;
	pthread_t thread;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(lf_thread_start(&thread, look_at_signals, &inside), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int number = 1; number < SIGSYS; number++) {
		if (number != SIGKILL && number != SIGSTOP)
			assert_int_equal(sigismember(&inside, number), number != SIGBUS);
		assert_int_equal(sigismember(&before, number), sigismember(&after, number));
	}
}

static void a_timed_wait_follows_the_monotonic_clock(void **state)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	const uint64_t start = lf_clock_ns();
	struct timespec until = lf_clock_after_ns(5000000);
	pthread_cond_t condition;
	int rc = 0;

	(void)state;
	assert_int_equal(lf_cond_init(&condition), 0);
	pthread_mutex_lock(&mutex);
	while (rc == 0)
		rc = pthread_cond_timedwait(&condition, &mutex, &until);
	pthread_mutex_unlock(&mutex);
	assert_int_equal(rc, ETIMEDOUT);
	assert_true(lf_clock_ns() - start >= 5000000);
	pthread_cond_destroy(&condition);
}

static void processors_are_those_that_may_be_used(void **state)
{
	cpu_set_t before, one;
	size_t cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(lf_processors(), CPU_COUNT(&before));
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(lf_processors(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

/* ---- files ---- */

struct drain {
	int file;
	size_t length, wrong;
};

static void *drain(void *argument)
{
	struct drain *to = argument;
	unsigned char bytes[1000];
	ssize_t n;

	while ((n = read(to->file, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			to->wrong += bytes[i] != (unsigned char)(to->length++ % 251);
	return NULL;
}

/* A pipe that takes little at a time makes short writes. */
static void everything_is_written_after_short_writes(void **state)
{
	enum { BYTES = 1 << 20 };
	unsigned char *bytes = malloc(BYTES);
	struct drain to = {.length = 0};
	pthread_t reader;
	int ends[2];

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (unsigned char)(i % 251);
	assert_int_equal(pipe(ends), 0);
	to.file = ends[0];
	assert_int_equal(pthread_create(&reader, NULL, drain, &to), 0);
	assert_int_equal(lf_file_write_all(ends[1], bytes, BYTES), 0);
	assert_int_equal(lf_file_write_all(ends[1], bytes, 0), 0);
	close(ends[1]);
	pthread_join(reader, NULL);
	assert_int_equal(to.length, BYTES);
	assert_int_equal(to.wrong, 0);
	close(ends[0]);
	free(bytes);
}

static void what_can_not_be_written_gives_its_errno(void **state)
{
	const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(lf_file_write_all(-1, "x", 1), EBADF);
	if (full >= 0) {
		assert_int_equal(lf_file_write_all(full, "x", 1), ENOSPC);
		close(full);
	}
}

static void the_folder_of_a_path_is_synced(void **state)
{
	char folder[] = "/tmp/lf_base_XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	assert_int_equal(lf_file_sync_folder(path), 0);
	assert_int_equal(lf_file_sync_folder("file"), 0); /* the working folder */
	snprintf(path, sizeof(path), "%s/absent/file", folder);
	assert_int_equal(lf_file_sync_folder(path), ENOENT);
	rmdir(folder);
}

/* ---- texts ---- */

/* RFC 4648, section 10, and one of the URL's alphabet. */
static void base64_is_that_of_the_rfc(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "+/+/"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t count = strlen(rows[i].bytes), length = strlen(rows[i].text);
		char text[16] = "";
		uint8_t read[16];
		size_t got = 99;

		assert_int_equal(lf_base64_size(count), length);
		*lf_base64_print((const uint8_t *)rows[i].bytes, count, true, text) = '\0';
		assert_string_equal(text, rows[i].text);
		*lf_base64_print((const uint8_t *)rows[i].bytes, count, false, text) = '\0';
		assert_int_equal(strlen(text), strcspn(rows[i].text, "="));
		assert_true(lf_base64_parse(text, strlen(text), read, &got) && got == count);
		assert_true(lf_base64_parse(rows[i].text, length, read, &got) && got == count);
		assert_memory_equal(read, rows[i].bytes, count);
	}
}

static void base64_of_either_alphabet_is_read_and_nothing_else(void **state)
{
	static const char *const wrong[] = {"A", "AAAAA", "Zg=", "Zg===", "Z===", "=",
		"====", "Zm8==", "Zm9v=", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "Z*==", "=Zm9"};
	uint8_t read[16];
	size_t got = 99;

	(void)state;
	assert_true(lf_base64_parse("-_+/", 4, read, &got) && got == 3);
	assert_memory_equal(read, "\xfb\xff\xbf", 3);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(lf_base64_parse(wrong[i], strlen(wrong[i]), read, &got));
}

static void hexadecimal_reads_back(void **state)
{
	const uint8_t bytes[] = {0x00, 0x7f, 0x80, 0xff, 0x0a};
	char text[11] = "";
	uint8_t read[5];

	(void)state;
	assert_ptr_equal(lf_hex_print(bytes, 5, text), text + 10);
	assert_string_equal(text, "007f80ff0a");
	assert_true(lf_hex_parse(text, 5, read));
	assert_memory_equal(read, bytes, 5);
	assert_true(lf_hex_parse("007F80FF0A", 5, read));
	assert_memory_equal(read, bytes, 5);
	assert_true(lf_hex_parse("", 0, read));
	for (size_t at = 0; at < 10; at++) {
		static const char wrong[] = "/:@G`g \0";

		for (size_t i = 0; i < sizeof(wrong); i++) {
			char damaged[11];

			memcpy(damaged, text, sizeof(damaged));
			damaged[at] = wrong[i];
			assert_false(lf_hex_parse(damaged, 5, read));
			assert_int_equal(lf_hex_value(wrong[i]), -1);
		}
	}
}

static void a_buffer_grows_and_stays_terminated(void **state)
{
	struct lf_buffer buffer = {.data = NULL};

	(void)state;
	lf_buffer_append(&buffer, "", 0);
	assert_string_equal(buffer.data, "");
	for (size_t i = 0; i < 5000; i++) {
		if (i % 3 == 0)
			lf_buffer_append_text(&buffer, "abc");
		else
			lf_buffer_put(&buffer, 'x');
		assert_int_equal(strlen(buffer.data), buffer.length);
	}
	assert_int_equal(buffer.length, 1667 * 3 + 3333);
	assert_false(buffer.failed);
	lf_buffer_clean_up(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.capacity, 0);
}

static void a_buffer_that_has_failed_stays_cut(void **state)
{
	struct lf_buffer buffer = {.data = NULL};

	(void)state;
	lf_buffer_append_text(&buffer, "kept");
	buffer.failed = true;
	lf_buffer_append_text(&buffer, "lost");
	lf_buffer_put(&buffer, 'x');
	assert_string_equal(buffer.data, "kept");
	lf_buffer_clean_up(&buffer);
}

static void the_nearest_name_is_one_that_may_be_meant(void **state)
{
	static const char *const names[] = {"evidence", "discipline", "availability", "id"};
	char longer[200];

	(void)state;
	assert_string_equal(lf_nearest("evidnece", names, 4), "evidence");
	assert_string_equal(lf_nearest("DISCIPLINE", names, 4), "discipline");
	assert_string_equal(lf_nearest("avalability", names, 4), "availability");
	assert_null(lf_nearest("zzzzzzzz", names, 4));
	assert_null(lf_nearest("evidence", names, 0));
	memset(longer, 'q', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(lf_nearest(longer, names, 4));
}

static void dates_are_real_ones(void **state)
{
	static const struct {
		const char *text;
		int32_t day;
	} good[] = {{"1970-01-01", 0}, {"1969-12-31", -1}, {"2000-02-29", 11016}, {"2026-05-01", 20574},
		{"0001-01-01", -719162}, {"9999-12-31", 2932896}};
	static const char *const bad[] = {"", "2026-5-1", "2026-13-01", "2026-00-01", "2026-04-31", "2026-02-29",
		"1900-02-29", "0000-01-01", "2026-05-01 ", " 2026-05-01", "2026/05/01", "2026-05-01T00:00:00Z",
		"+026-05-01", "10000-01-01"};
	int32_t day;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(lf_parse_date(good[i].text, &day));
		assert_int_equal(day, good[i].day);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(lf_parse_date(bad[i], &day));
}

static void instants_have_an_offset_and_a_fraction(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		int32_t nanos;
	} good[] = {{"1970-01-01T00:00:00Z", 0, 0}, {"2026-05-01", INT64_C(20574) * 86400, 0},
		{"1970-01-01T01:00:00+01:00", 0, 0}, {"1969-12-31T23:30:00-00:30", 0, 0},
		{"1970-01-01T00:00:01.5Z", 1, 500000000}, {"1970-01-01T00:00:00.123456789Z", 0, 123456789}};
	static const char *const bad[] = {"", "1970-01-01T00:00:00", "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z",
		"1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.1234567891Z", "1970-01-01T00:00:00Z ", "now"};
	int64_t seconds;
	int32_t nanos;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(lf_parse_instant(good[i].text, &seconds, &nanos));
		assert_int_equal(seconds, good[i].seconds);
		assert_int_equal(nanos, good[i].nanos);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(lf_parse_instant(bad[i], &seconds, &nanos));
}

static void what_acts_on_a_terminal_or_cannot_be_seen_is_found(void **state)
{
	static const struct {
		const char *text, *harmless;
		uint32_t character; /* of the first; 0: ordinary */
	} cases[] = {
		{"a", "a", 0},
		{"\n", "\n", '\n'},
		{"\033[2J", "?[2J", 0x1b},
		{"\177", "?", 0x7f},
		{"\xc2\x9b[2J", "?[2J", 0x9b},
		{"\xc2\xa0", "\xc2\xa0", 0},
		{"\xc2\xad", "?", 0xad},
		{"\xd8\x9c", "?", 0x61c},
		{"\xe1\xa0\x8e", "?", 0x180e},
		{"\xe2\x80\x8a", "\xe2\x80\x8a", 0},
		{"\xe2\x80\x8b", "?", 0x200b},
		{"\xe2\x80\x8f", "?", 0x200f},
		{"\xe2\x80\x90", "\xe2\x80\x90", 0},
		{"\xe2\x80\xa7", "\xe2\x80\xa7", 0},
		{"\xe2\x80\xa8", "?", 0x2028},
		{"\xe2\x80\xae", "?", 0x202e},
		{"\xe2\x80\xaf", "\xe2\x80\xaf", 0},
		{"\xe2\x81\xa6", "?", 0x2066},
		{"\xe2\x81\xa9", "?", 0x2069},
		{"\xe2\x81\xb0", "\xe2\x81\xb0", 0},
		{"\xef\xbb\xbf", "?", 0xfeff},
		{"\xef\xbf\xbd", "\xef\xbf\xbd", 0},
		{"\xf3\xa0\x81\xbf", "?", 0xe007f},
		{"\xf0\x9f\x99\x82", "\xf0\x9f\x99\x82", 0},
		/* Cut, and no UTF-8: nothing is read behind the end. */
		{"\xe2", "\xe2", 0},
		{"\xe2\x80", "\xe2\x80", 0},
		{"\x80", "\x80", 0},
		{"\xff", "\xff", 0},
	};
	char text[] = "Pay\xe2\x80\xaeroll\n\xe2\x80\x8b";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char copy[16];
		uint32_t character = 0;
		const size_t length = lf_unseen(cases[i].text, &character);

		assert_int_equal(character, cases[i].character);
		assert_int_equal(length > 0, cases[i].character != 0);
		assert_true(length <= strlen(cases[i].text));
		snprintf(copy, sizeof(copy), "%s", cases[i].text);
		lf_text_make_harmless(copy);
		assert_string_equal(copy, cases[i].harmless);
	}
	lf_text_make_harmless(text);
	assert_string_equal(text, "Pay?roll\n?");
}

static void a_line_is_one_line_whatever_is_in_it(void **state)
{
	char text[] = "one\ntwo\r\033[2Jthree\xe2\x80\xa8"
		      "four",
	     *printed = NULL;
	size_t length;
	FILE *file = open_memstream(&printed, &length);

	(void)state;
	assert_non_null(file);
	lf_print_line(file, "%s: %s%c", text, "name\n", 'x');
	lf_print_line(file, "%s", "");
	assert_int_equal(fclose(file), 0);
	lf_text_make_line(text);
	assert_string_equal(text, "one?two??[2Jthree?four");
	assert_string_equal(printed, "one?two??[2Jthree?four: name?x\n\n");
	free(printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broken_invariant_aborts_with_its_name_in_every_build),
		cmocka_unit_test(a_path_is_only_ever_shortened),
		cmocka_unit_test(the_clocks_agree_and_move_on),
		cmocka_unit_test(a_thread_leaves_every_signal_to_main_but_sigbus),
		cmocka_unit_test(a_timed_wait_follows_the_monotonic_clock),
		cmocka_unit_test(processors_are_those_that_may_be_used),
		cmocka_unit_test(everything_is_written_after_short_writes),
		cmocka_unit_test(what_can_not_be_written_gives_its_errno),
		cmocka_unit_test(the_folder_of_a_path_is_synced),
		cmocka_unit_test(base64_is_that_of_the_rfc),
		cmocka_unit_test(base64_of_either_alphabet_is_read_and_nothing_else),
		cmocka_unit_test(hexadecimal_reads_back),
		cmocka_unit_test(what_acts_on_a_terminal_or_cannot_be_seen_is_found),
		cmocka_unit_test(a_line_is_one_line_whatever_is_in_it),
		cmocka_unit_test(a_buffer_grows_and_stays_terminated),
		cmocka_unit_test(a_buffer_that_has_failed_stays_cut),
		cmocka_unit_test(the_nearest_name_is_one_that_may_be_meant),
		cmocka_unit_test(dates_are_real_ones),
		cmocka_unit_test(instants_have_an_offset_and_a_fraction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
