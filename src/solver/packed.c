/* packed.c - runs of zeros are counted, the rest is copied. */
#include "solver/packed.h"

#include <stdlib.h>
#include <string.h>

/* A run is a header, and its literal bytes. Fewer zeros than a header takes are literals. */
struct run {
	uint16_t zeros;    /* before them */
	uint16_t literals; /* may be 0 at the end */
};
enum { GAP = 8 };

struct packed {
	uint16_t size;
	uint8_t b[];
};

static size_t zeros_at(const uint8_t *p, size_t n)
{
	const uint64_t none = 0;
	size_t i = 0;

	while (i + sizeof none <= n && memcmp(p + i, &none, sizeof none) == 0)
		i += sizeof none;
	while (i < n && p[i] == 0)
		i++;
	return i;
}

/* Up to the next run of GAP zeros, or the end. */
static size_t literals_at(const uint8_t *p, size_t n)
{
	size_t i = 0, zeros = 0;

	for (; i < n; i++) {
		zeros = p[i] ? 0 : zeros + 1;
		if (zeros == GAP)
			return i + 1 - GAP;
	}
	return n - zeros;
}

/* b NULL: only counts. */
static size_t pack(const uint8_t *doc, size_t size, uint8_t *b)
{
	size_t n = 0;

	for (size_t at = 0; at < size;) {
		size_t zeros = zeros_at(doc + at, size - at);
		size_t literals = literals_at(doc + at + zeros, size - at - zeros);
		struct run run = {(uint16_t)zeros, (uint16_t)literals};

		if (b) {
			memcpy(b + n, &run, sizeof run);
			memcpy(b + n + sizeof run, doc + at + zeros, literals);
		}
		n += sizeof run + literals;
		at += zeros + literals;
	}
	return n;
}

struct packed *packed_of(const void *doc, size_t size)
{
	struct packed *p;

	assert(size <= PACKED_MAX);
	p = malloc(sizeof *p + pack(doc, size, NULL));
	if (!p)
		return NULL;
	p->size = (uint16_t)size;
	pack(doc, size, p->b);
	return p;
}

void packed_open(const struct packed *p, void *doc, size_t size)
{
	const uint8_t *b = p->b;
	uint8_t *out = doc;

	assert(p->size == size);
	memset(out, 0, size);
	for (size_t at = 0; at < size;) {
		struct run run;

		memcpy(&run, b, sizeof run);
		at += run.zeros;
		memcpy(out + at, b + sizeof run, run.literals);
		at += run.literals;
		b += sizeof run + run.literals;
	}
}
