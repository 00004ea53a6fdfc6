/* The table of caches by content: what is put is found, what comes twice is admitted, what was not used goes first. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/cache_table.h"

enum { SETS = 8, PLACES = SETS * LF_CACHE_WAYS, SEEN = 64, ENTRIES = 400 };

struct thing {
	struct lf_cache_entry in_table;
	unsigned number;
	bool in;
};

struct fixture {
	struct lf_cache_table table;
	struct lf_cache_entry *places[PLACES];
	uint32_t seen[SEEN];
	struct thing things[ENTRIES];
};

static bool is_number(const struct lf_cache_entry *entry, const void *what)
{
	return ((const struct thing *)entry)->number == *(const unsigned *)what;
}

static struct thing *find(struct fixture *f, uint64_t hash, unsigned number)
{
	return (struct thing *)lf_cache_find(&f->table, hash, is_number, &number);
}

static struct thing *put(struct fixture *f, unsigned number, uint64_t hash)
{
	struct thing *thing = &f->things[number], *gone;

	*thing = (struct thing){{.hash = hash}, number, true};
	gone = (struct thing *)lf_cache_put(&f->table, &thing->in_table);
	if (gone != NULL)
		gone->in = false;
	return gone;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return 1;
	lf_cache_table_init(&f->table, f->places, SETS, f->seen, SEEN);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void entries_of_one_hash_are_told_apart_by_their_content(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 0; n < LF_CACHE_WAYS; n++)
		assert_null(put(f, n, 77));
	for (unsigned n = 0; n < LF_CACHE_WAYS; n++)
		assert_ptr_equal(find(f, 77, n), &f->things[n]);
	assert_null(find(f, 77, 9));
	assert_null(find(f, 77 + SETS, 0)); /* another hash of the same set */
}

static void a_full_set_gives_the_place_of_what_was_not_found_since_the_hand_passed(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 0; n < LF_CACHE_WAYS; n++)
		put(f, n, n * SETS);
	for (int i = 0; i < PLACES; i++)
		assert_null(lf_cache_step(&f->table));
	for (unsigned n = 0; n < LF_CACHE_WAYS; n++)
		if (n != 2)
			assert_non_null(find(f, n * SETS, n));
	assert_ptr_equal(put(f, 10, 10 * SETS), &f->things[2]);
}

static void the_hand_takes_out_what_was_not_used_for_a_round_and_all_in_two(void **state)
{
	struct fixture *f = *state;
	struct lf_cache_entry *gone;
	unsigned taken = 0;

	for (unsigned n = 0; n < SETS; n++)
		put(f, n, n);
	for (int i = 0; i < PLACES; i++)
		assert_null(lf_cache_step(&f->table));
	assert_non_null(find(f, 3, 3));
	for (int i = 0; i < PLACES; i++) {
		gone = lf_cache_step(&f->table);
		taken += gone != NULL;
		assert_ptr_not_equal(gone, &f->things[3].in_table);
	}
	assert_int_equal(taken, SETS - 1);
	for (int i = 0; i < 2 * PLACES; i++)
		taken += lf_cache_step(&f->table) != NULL;
	assert_int_equal(taken, SETS);
	assert_int_equal(f->table.count, 0);
	assert_null(lf_cache_take_any(&f->table));
}

static void what_came_once_is_known_when_it_comes_again(void **state)
{
	struct fixture *f = *state;
	const uint64_t hash = UINT64_C(0x123456789abcdef0);

	assert_false(lf_cache_came_before(&f->table, hash));
	assert_true(lf_cache_came_before(&f->table, hash));
	/* The same place, another mark: there is room for two, also where they come in turn. */
	assert_false(lf_cache_came_before(&f->table, hash ^ UINT64_C(1) << 40));
	for (int i = 0; i < 3; i++) {
		assert_true(lf_cache_came_before(&f->table, hash));
		assert_true(lf_cache_came_before(&f->table, hash ^ UINT64_C(1) << 40));
	}
	/* A third one takes the place of the one that came first. */
	assert_false(lf_cache_came_before(&f->table, hash ^ UINT64_C(1) << 41));
	assert_true(lf_cache_came_before(&f->table, hash ^ UINT64_C(1) << 40));
	assert_false(lf_cache_came_before(&f->table, hash));
}

/* Random puts, takes and steps: the table has exactly what its owner has not got back. */
static void whatever_is_done_nothing_is_lost_and_nothing_is_there_twice(void **state)
{
	struct fixture *f = *state;
	uint64_t random = 7;
	size_t in = 0;

	for (int turn = 0; turn < 100000; turn++) {
		struct thing *thing;

		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		thing = &f->things[(random >> 33) % ENTRIES];
		if ((random >> 20) % 8 == 0) {
			struct thing *gone = (struct thing *)lf_cache_step(&f->table);

			if (gone != NULL)
				gone->in = false;
		} else if (!thing->in) {
			put(f, (unsigned)(thing - f->things), (uint64_t)(thing - f->things) * 31);
		} else if ((random >> 20) % 8 < 3) {
			lf_cache_take(&f->table, &thing->in_table);
			thing->in = false;
		}
	}
	for (unsigned n = 0; n < ENTRIES; n++) {
		assert_int_equal(find(f, n * UINT64_C(31), n) != NULL, f->things[n].in);
		in += f->things[n].in;
	}
	assert_int_equal(f->table.count, in);
	assert_true(in > PLACES / 4 && in <= PLACES);
	while (f->table.count > 0) {
		assert_non_null(lf_cache_take_any(&f->table));
		in--;
	}
	assert_int_equal(in, 0);
}

/* D10, in release, too: what is not in the table is not taken out of it. */
static void to_take_out_what_is_not_there_aborts_and_says_which_invariant(void **state)
{
	struct fixture *f = *state;
	char said[256] = "";
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		lf_cache_take(&f->table, &f->things[0].in_table);
		_exit(0);
	}
	close(ends[1]);
	assert_true(read(ends[0], said, sizeof(said) - 1) > 0);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(said, "invariant D10 is broken"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entries_of_one_hash_are_told_apart_by_their_content, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_set_gives_the_place_of_what_was_not_found_since_the_hand_passed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_hand_takes_out_what_was_not_used_for_a_round_and_all_in_two, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			to_take_out_what_is_not_there_aborts_and_says_which_invariant, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_came_once_is_known_when_it_comes_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			whatever_is_done_nothing_is_lost_and_nothing_is_there_twice, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
