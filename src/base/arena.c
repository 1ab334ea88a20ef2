/* arena.c - chunked bump allocation. */
#include "base/arena.h"

#include <stdlib.h>

struct arena_chunk {
	struct arena_chunk *next;
	size_t cap;
	size_t used;
	size_t zero; /* not 0: what has not been used is zero; as a number it keeps data 16-aligned */
	uint8_t data[];
};

/* Large chunks come as the system gives them, zero: pages that nobody looks at are never made. */
enum { CHUNK_MIN = 4096 - (int)sizeof(struct arena_chunk), LARGE = 128 << 10 };

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){.max = max};
}

void arena_done(struct arena *a)
{
	struct arena_chunk *c = a->head;

	while (c) {
		struct arena_chunk *next = c->next;
		free(c);
		c = next;
	}
	*a = (struct arena){.max = a->max};
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *keep = a->head;

	if (!keep)
		return;
	a->head = keep->next;
	arena_done(a);
	keep->next = NULL;
	keep->used = keep->zero = 0;
	a->head = keep;
	a->used = keep->cap;
}

/* The chunk that arena_reset() kept must not stand in the way of a larger one. */
static void drop_unused(struct arena *a)
{
	struct arena_chunk *c = a->head;

	if (c && c->used == 0) {
		a->head = c->next;
		a->used -= c->cap;
		free(c);
	}
}

static struct arena_chunk *grow(struct arena *a, size_t n)
{
	size_t cap = MAX2(n, (size_t)CHUNK_MIN);
	struct arena_chunk *c;

	drop_unused(a);
	if (a->head)
		cap = MAX2(cap, MIN2(a->head->cap * 2, (size_t)1 << 20));
	if (cap > a->max - MIN2(a->used, a->max))
		cap = n;
	if (cap > a->max - MIN2(a->used, a->max) || cap > SIZE_MAX - sizeof *c)
		return NULL;
	c = n >= LARGE ? calloc(1, sizeof *c + cap) : malloc(sizeof *c + cap);
	if (!c)
		return NULL;
	*c = (struct arena_chunk){.next = a->head, .cap = cap, .zero = n >= LARGE};
	a->head = c;
	a->used += cap;
	return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->head;
	void *p;

	if (n > SIZE_MAX - 15)
		return NULL;
	n = (n + 15) & ~(size_t)15;
	if (!c || c->cap - c->used < n)
		c = grow(a, n);
	if (!c)
		return NULL;
	p = c->data + c->used;
	c->used += n;
	return c->zero ? p : memset(p, 0, n);
}

char *arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (p && s.n)
		memcpy(p, s.p, s.n);
	return p;
}

void *arena_copy(struct arena *a, const void *from, size_t n)
{
	void *p = arena_alloc(a, n);

	if (p && n)
		memcpy(p, from, n);
	return p;
}
