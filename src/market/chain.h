/* chain.h - doubly linked lists of slab slots; the links are members of the slots. */
#ifndef LILYPAD_MARKET_CHAIN_H
#define LILYPAD_MARKET_CHAIN_H

#include "market/slab.h"

struct chain_link {
	uint32_t prev, next;
};
struct chain {
	uint32_t head, tail, n;
};

static inline struct chain_link *chain_link_of(const struct slab *s, size_t off, uint32_t i)
{
	return (struct chain_link *)((uint8_t *)slab_at(s, i) + off);
}

/* Put i before `before`, or at the end when that is SLAB_NONE. off: of the link in a slot. */
static inline void chain_insert(
        struct chain *c, const struct slab *s, size_t off, uint32_t before, uint32_t i)
{
	struct chain_link *l = chain_link_of(s, off, i);

	l->next = before;
	l->prev = before ? chain_link_of(s, off, before)->prev : c->tail;
	if (l->prev)
		chain_link_of(s, off, l->prev)->next = i;
	else
		c->head = i;
	if (before)
		chain_link_of(s, off, before)->prev = i;
	else
		c->tail = i;
	c->n++;
}

static inline void chain_remove(struct chain *c, const struct slab *s, size_t off, uint32_t i)
{
	struct chain_link *l = chain_link_of(s, off, i);

	assert(c->n > 0);
	if (l->prev)
		chain_link_of(s, off, l->prev)->next = l->next;
	else
		c->head = l->next;
	if (l->next)
		chain_link_of(s, off, l->next)->prev = l->prev;
	else
		c->tail = l->prev;
	*l = (struct chain_link){0, 0};
	c->n--;
}

#endif
