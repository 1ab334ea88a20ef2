/* slab.c - chunks of slots with a chain through the free ones. */
#include "market/slab.h"

#include <stdlib.h>
#include <string.h>

void slab_init(struct slab *s, size_t size, uint32_t max)
{
	/* Slot 0 is no handle; a free slot keeps the number of the next one. */
	*s = (struct slab){.size = (size + 15) & ~(size_t)15, .n = 1, .max = max};
}

void slab_done(struct slab *s)
{
	for (uint32_t i = 0; i < s->cap / SLAB_CHUNK; i++)
		free(s->chunks[i]);
	free(s->chunks);
	slab_init(s, s->size, s->max);
}

static bool grow(struct slab *s)
{
	uint32_t at = s->cap / SLAB_CHUNK;
	uint8_t **chunks;

	/* The table of chunks doubles; it has room for a power of two of them. */
	if ((at & (at - 1)) == 0) {
		chunks = realloc(s->chunks, (at ? 2 * (size_t)at : 1) * sizeof *chunks);
		if (!chunks)
			return false;
		s->chunks = chunks;
	}
	s->chunks[at] = calloc(SLAB_CHUNK, s->size);
	if (!s->chunks[at])
		return false;
	s->cap += SLAB_CHUNK;
	return true;
}

uint32_t slab_take(struct slab *s)
{
	uint32_t i = s->free;
	uint8_t *p;

	if (s->live >= s->max)
		return SLAB_NONE;
	if (i != SLAB_NONE) {
		p = slab_at(s, i);
		memcpy(&s->free, p, sizeof s->free);
		memset(p, 0, s->size);
	} else {
		if (s->n >= s->cap && !grow(s))
			return SLAB_NONE;
		i = s->n++;
	}
	s->live++;
	return i;
}

void slab_give(struct slab *s, uint32_t i)
{
	memcpy(slab_at(s, i), &s->free, sizeof s->free);
	s->free = i;
	s->live--;
}
