/* draw_suite.h - numbers for tests: splitmix64 (Steele, Lea, Flood 2014), the same in every run. */
#ifndef LILYPAD_BASE_DRAW_SUITE_H
#define LILYPAD_BASE_DRAW_SUITE_H

#include "base/defs.h"

static inline uint64_t draw(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline void draw_bytes(uint64_t *seed, void *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)out)[i] = (uint8_t)draw(seed);
}

#endif
