/* defs.c - comparison of accounts and hashes. */
#include "base/defs.h"

#include <string.h>

static const struct hash zero;

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool addr_is_zero(const struct addr *a)
{
	return memcmp(a->b, zero.b, sizeof a->b) == 0;
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof a->b);
}

bool hash_eq(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool hash_is_zero(const struct hash *a)
{
	return memcmp(a->b, zero.b, sizeof a->b) == 0;
}

int hash_cmp(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, sizeof a->b);
}
