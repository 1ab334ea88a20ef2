/* clock.c - clock_gettime(2). */
#include "os/clock.h"

#include <time.h>

struct wall clock_wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct wall){(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000};
}

struct mono clock_mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (struct mono){(int64_t)t.tv_sec * 1000000000 + t.tv_nsec};
}

void clock_sleep(struct span d)
{
	struct timespec t = {d.ms / 1000, d.ms % 1000 * 1000000};

	while (nanosleep(&t, &t))
		;
}
