/* book_names.c - small numbers for accounts, modules, engine classes and GPU models. Each is counted:
 * names that came with offers which are gone take no memory. */
#include <stdlib.h>

#include "crypto/keccak.h"
#include "market/book_own.h"

wide wide_of(struct amount a)
{
	uint8_t be[32];
	wide w = 0;

	amount_to_be(a, be);
	for (unsigned i = 16; i < 32; i++)
		w = w << 8 | be[i];
	for (unsigned i = 0; i < 16; i++)
		assert(be[i] == 0 && "offers are refused with amounts of 2^96 or more");
	return w;
}

wide wide_of_time(struct btime t)
{
	return t.s;
}

wide wide_of_u64(uint64_t v)
{
	return v;
}

struct amount amount_of_wide(wide w)
{
	uint8_t be[32] = {0};

	for (unsigned i = 32; i > 16; i--, w >>= 8)
		be[i - 1] = (uint8_t)w;
	return amount_from_be(be);
}

bool set_has(const struct id_set *s, uint32_t id)
{
	uint32_t lo = 0, hi = s->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (s->v[mid] == id)
			return true;
		if (s->v[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* ---- accounts -------------------------------------------------------------------------------------- */

uint32_t account_find(const struct book *b, const struct addr *a)
{
	const uint32_t *at = map_get(&b->by_addr, a);

	return at ? *at : SLAB_NONE;
}

uint32_t account_ref(struct book *b, const struct addr *a)
{
	bool fresh;
	uint32_t *at = map_put(&b->by_addr, a, &fresh);

	if (!at)
		return SLAB_NONE;
	if (fresh) {
		uint32_t i = slab_take(&b->accounts);

		if (i == SLAB_NONE) {
			map_del(&b->by_addr, a);
			return SLAB_NONE;
		}
		*at = i;
		account_at(b, i)->addr = *a;
	}
	account_at(b, *at)->refs++;
	return *at;
}

void account_unref(struct book *b, uint32_t i)
{
	struct account *a;

	if (i == SLAB_NONE)
		return;
	a = account_at(b, i);
	assert(a->refs > 0);
	if (--a->refs > 0)
		return;
	map_del(&b->by_addr, &a->addr);
	slab_give(&b->accounts, i);
}

bool accounts_ref(struct book *b, const struct addr *v, uint32_t n, struct id_list *out)
{
	*out = (struct id_list){0};
	if (n == 0)
		return true;
	out->v = calloc(n, sizeof *out->v);
	if (!out->v)
		return false;
	for (; out->n < n; out->n++) {
		out->v[out->n] = account_ref(b, &v[out->n]);
		if (out->v[out->n] == SLAB_NONE) {
			accounts_unref(b, out);
			return false;
		}
	}
	return true;
}

void accounts_unref(struct book *b, struct id_list *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		account_unref(b, l->v[i]);
	free(l->v);
	*l = (struct id_list){0};
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void ids_sort(uint32_t *v, uint32_t n)
{
	qsort(v, n, sizeof v[0], by_id);
}

/* ---- things ---------------------------------------------------------------------------------------- */

uint32_t thing_ref(struct book *b, const struct hash *h)
{
	bool fresh;
	uint32_t *at = map_put(&b->by_thing, h, &fresh);

	if (!at)
		return SLAB_NONE;
	if (fresh) {
		uint32_t i = slab_take(&b->things);

		if (i == SLAB_NONE) {
			map_del(&b->by_thing, h);
			return SLAB_NONE;
		}
		*at = i;
		((struct thing *)slab_at(&b->things, i))->hash = *h;
	}
	((struct thing *)slab_at(&b->things, *at))->refs++;
	return *at;
}

uint32_t thing_of_text(struct book *b, const char *text)
{
	struct hash h;

	if (!text[0])
		return SLAB_NONE;
	keccak256(text, strlen(text), &h);
	return thing_ref(b, &h);
}

void thing_keep(struct book *b, uint32_t i)
{
	((struct thing *)slab_at(&b->things, i))->refs++;
}

void thing_unref(struct book *b, uint32_t i)
{
	struct thing *t;

	if (i == SLAB_NONE)
		return;
	t = slab_at(&b->things, i);
	assert(t->refs > 0);
	if (--t->refs > 0)
		return;
	map_del(&b->by_thing, &t->hash);
	slab_give(&b->things, i);
}
