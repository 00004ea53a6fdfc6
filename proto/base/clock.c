#include "proto/base/clock.h"

enum { NS_A_SECOND = 1000 * 1000 * 1000 };

uint64_t lf_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_A_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t lf_clock_ms(void)
{
	return lf_clock_ns() / 1000000;
}

double lf_clock_seconds_since(uint64_t earlier_ns)
{
	return (double)(lf_clock_ns() - earlier_ns) / 1e9;
}

int64_t lf_clock_wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t lf_clock_elapsed_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct timespec lf_clock_after_ns(uint64_t ns)
{
	const uint64_t then = lf_clock_ns() + ns;

	return (struct timespec){.tv_sec = (time_t)(then / NS_A_SECOND), .tv_nsec = (long)(then % NS_A_SECOND)};
}
