/* slab.h - numbered slots of one size, in chunks that never move; a slot's number is its handle. */
#ifndef LILYPAD_MARKET_SLAB_H
#define LILYPAD_MARKET_SLAB_H

#include "base/defs.h"

#define SLAB_NONE  0u /* never a handle */
#define SLAB_CHUNK 256u

struct slab {
	uint8_t **chunks;
	size_t size; /* of a slot, a multiple of 16 */
	uint32_t n;  /* slots that were ever used */
	uint32_t cap;
	uint32_t free; /* first of the chain of free slots */
	uint32_t live;
	uint32_t max;
};

void slab_init(struct slab *s, size_t size, uint32_t max);
void slab_done(struct slab *s);
/* A zeroed slot; SLAB_NONE at the maximum or out of memory. */
MUST uint32_t slab_take(struct slab *s);
void slab_give(struct slab *s, uint32_t i);

static inline void *slab_at(const struct slab *s, uint32_t i)
{
	assert(i != SLAB_NONE && i < s->n);
	return s->chunks[i / SLAB_CHUNK] + (size_t)(i % SLAB_CHUNK) * s->size;
}

#endif
