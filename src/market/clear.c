/* clear.c - bids in their order, and the price between the highest ask and the lowest bid. */
#include "market/clear.h"

#include <string.h>

/* The components of a price, in the order in which bids are compared. */
enum { COMPONENTS = 3 };

static const struct amount *part(const struct prices *p, unsigned i)
{
	switch (i) {
	case 0: return &p->per_instruction;
	case 1: return &p->base;
	default: return &p->per_byte;
	}
}

bool clear_before(const struct prices *a, const struct hash *a_id, const struct prices *b,
        const struct hash *b_id)
{
	for (unsigned i = 0; i < COMPONENTS; i++) {
		int c = amount_cmp(*part(a, i), *part(b, i));

		if (c != 0)
			return c > 0;
	}
	return memcmp(a_id, b_id, sizeof *a_id) < 0;
}

/* floor((lo + hi) / 2); prices are below 2^96. */
static struct amount middle(struct amount lo, struct amount hi)
{
	struct amount sum;
	bool ok = amount_add(lo, hi, &sum);

	assert(ok);
	return amount_half(sum);
}

size_t clear_pairs(const struct clear_pair *v, size_t n, struct prices *out)
{
	struct prices lo = v[0].ask, hi = v[0].bid;
	size_t k;

	assert(n > 0);
	/* Dropping the last until all fit leaves the longest beginning that fits. */
	for (k = 1; k < n; k++) {
		const struct clear_pair *p = &v[k];
		struct prices l = {amount_max(lo.base, p->ask.base),
		        amount_max(lo.per_instruction, p->ask.per_instruction),
		        amount_max(lo.per_byte, p->ask.per_byte)};
		struct prices h = {amount_min(hi.base, p->bid.base),
		        amount_min(hi.per_instruction, p->bid.per_instruction),
		        amount_min(hi.per_byte, p->bid.per_byte)};
		bool fits = true;

		for (unsigned i = 0; i < COMPONENTS; i++)
			fits = fits && amount_cmp(*part(&l, i), *part(&h, i)) <= 0;
		if (!fits)
			break;
		lo = l;
		hi = h;
	}
	*out = (struct prices){middle(lo.base, hi.base),
	        middle(lo.per_instruction, hi.per_instruction), middle(lo.per_byte, hi.per_byte)};
	return k;
}
