/*
 * What the tests of computed figures share: chance from a seed that is printed (LF_TEST_SEED sets it), and nearly equal
 * numbers.
 */
#ifndef LF_TESTS_CLIENT_CHANCE_H
#define LF_TESTS_CLIENT_CHANCE_H

#include <stdint.h>

/* Fails the test where value is not expected within so much. */
void assert_near(double value, double expected, double within);
/* A group's set-up: begins the random numbers anew. */
int seed(void **state);
/* 0..below-1, by xorshift64*. */
uint64_t draw(uint64_t below);

#endif
