/* arena.h - memory of one event: allocate freely, free all at once. Born with a maximum, in bytes of
 * chunks: the unused tails of chunks count. */
#ifndef LILYPAD_BASE_ARENA_H
#define LILYPAD_BASE_ARENA_H

#include "base/str.h"

struct arena_chunk;
struct arena {
	struct arena_chunk *head;
	size_t used;
	size_t max;
};

void arena_init(struct arena *a, size_t max);
void arena_done(struct arena *a);
/* Forget everything; one chunk is kept for the next event. */
void arena_reset(struct arena *a);
/* Zeroed, 16-aligned; NULL past the maximum. */
MUST void *arena_alloc(struct arena *a, size_t n);
/* NUL-terminated copy. */
MUST char *arena_str(struct arena *a, struct str s);
MUST void *arena_copy(struct arena *a, const void *p, size_t n);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
