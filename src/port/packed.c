/* packed.c - see packed.h. */
#include "port/packed.h"

#include "crypto/keccak.h"

enum { COST_BYTES = 12, SIG_BYTES = 64 };

static void put_be(struct buf *b, uint64_t v, unsigned bytes)
{
	while (bytes--) {
		uint8_t byte = (uint8_t)(v >> 8 * bytes);

		buf_put(b, &byte, 1);
	}
}

static bool same_channel(const struct settle_item *a, const struct settle_item *b)
{
	return a->serial == b->serial && addr_eq(&a->job_creator, &b->job_creator);
}

static uint32_t group_of(const struct settle_item *items, uint32_t n)
{
	uint32_t k = 1;

	while (k < n && same_channel(&items[0], &items[k]))
		k++;
	return k;
}

void packed_terms_put(const struct channel_acceptance *d, struct buf *b)
{
	uint8_t cost[32];

	if (!amount_fits_document(d->cost))
		b->bad = true;
	buf_put(b, d->deal.b, sizeof d->deal.b);
	buf_put(b, d->result.b, sizeof d->result.b);
	put_be(b, d->number, 8);
	amount_to_be(d->cost, cost);
	buf_put(b, cost + sizeof cost - COST_BYTES, COST_BYTES);
	put_be(b, d->royalty, 2);
	buf_put(b, d->author.b, sizeof d->author.b);
	put_be(b, d->solver_share, 2);
	buf_put(b, d->solver.b, sizeof d->solver.b);
}

void packed_list_put(const struct settle_item *items, uint32_t n, struct buf *b)
{
	for (uint32_t i = 0, k; i < n; i += k) {
		k = group_of(&items[i], n - i);
		buf_put(b, items[i].job_creator.b, sizeof items[i].job_creator.b);
		put_be(b, items[i].serial, 8);
		put_be(b, k, 1);
		for (uint32_t j = 0; j < k; j++) {
			packed_terms_put(&items[i + j].doc, b);
			buf_put(b, items[i + j].sig.b, SIG_BYTES);
		}
	}
}

void packed_list_hash(const struct settle_item *items, uint32_t n, struct hash *out)
{
	struct buf b OWN(buf_done);

	buf_init(&b, PACKED_LIST_MAX);
	packed_list_put(items, n, &b);
	assert(buf_ok(&b));
	keccak256(b.p, b.n, out);
}
