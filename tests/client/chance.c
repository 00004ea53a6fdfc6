#include "tests/client/chance.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t random_state;

void assert_near(double value, double expected, double within)
{
	if (!(fabs(value - expected) <= within))
		fail_msg("%.17g is not %.17g within %g", value, expected, within);
}

uint64_t draw(uint64_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 2685821657736338717u >> 11) % below;
}

int seed(void **state)
{
	const char *given = getenv("LF_TEST_SEED");

	(void)state;
	random_state = given != NULL ? strtoull(given, NULL, 10) : 20260504;
	printf("seed %llu\n", (unsigned long long)random_state);
	random_state |= 1;
	return 0;
}
