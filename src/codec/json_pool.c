/* json_pool.c - lists of free pieces, each of one size. A piece knows its list: it may be given back by any
 * thread. */
#include "codec/json_pool.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/bounds.h"
#include "base/defs.h"

/* The library's objects have up to 56 bytes, members of objects 40 more than their keys; most texts are
 * hashes. */
enum { STEP = 16, CLASSES = 16, CHUNK = 64 << 10 };

struct piece {
	size_t list;                       /* CLASSES: of malloc() */
	_Alignas(STEP) struct piece *next; /* of a free one; else what is given out begins here */
};

#define HEAD offsetof(struct piece, next)

static _Thread_local struct pool {
	struct piece *free[CLASSES];
	uint8_t *at, *end; /* what is left of the newest chunk */
	size_t bytes;
} pool;

/* From the chunk; NULL: there is no room, nor for another chunk. */
static struct piece *carve(size_t size)
{
	struct piece *p;

	if ((size_t)(pool.end - pool.at) < size) {
		/* Chunks stay for as long as the process does: what is left of one is lost. */
		uint8_t *chunk = pool.bytes < JSON_POOL_MAX ? malloc(CHUNK) : NULL;

		if (!chunk)
			return NULL;
		pool.bytes += CHUNK;
		pool.at = chunk;
		pool.end = chunk + CHUNK;
	}
	p = (struct piece *)(void *)pool.at;
	pool.at += size;
	return p;
}

static void *take(size_t n)
{
	size_t list = n ? (n - 1) / STEP : 0;
	struct piece *p = NULL;

	if (list < CLASSES) {
		p = pool.free[list];
		if (p)
			pool.free[list] = p->next;
		else
			p = carve(HEAD + (list + 1) * STEP);
	}
	if (!p) {
		list = CLASSES;
		p = n <= SIZE_MAX - HEAD ? malloc(HEAD + n) : NULL;
		if (!p)
			return NULL;
	}
	p->list = list;
	return &p->next;
}

static void give(void *at)
{
	struct piece *p;

	if (!at)
		return;
	p = (struct piece *)(void *)((uint8_t *)at - HEAD);
	if (p->list == CLASSES) {
		free(p);
		return;
	}
	p->next = pool.free[p->list];
	pool.free[p->list] = p;
}

#ifdef __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#elif defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

void json_pool_use(void)
{
	if (!SANITIZED)
		json_set_alloc_funcs(take, give);
}
