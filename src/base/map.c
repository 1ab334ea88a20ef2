/* map.c - linear probing with one tag byte per slot and backward-shift removal. */
#include "base/map.h"

#include <stdlib.h>

static uint64_t mix(const struct map *m, const void *key)
{
	const uint8_t *p = key;
	uint64_t h = m->seed ^ m->key_size;
	size_t i = 0;

	for (; i + 8 <= m->key_size; i += 8) {
		uint64_t w;

		memcpy(&w, p + i, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	for (; i < m->key_size; i++)
		h = (h ^ p[i]) * 0x9e3779b97f4a7c15u;
	/* The last bytes have met no low bit yet: every bit of the key must reach the slot's number. */
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

static uint8_t tag_of(uint64_t h)
{
	return (uint8_t)(0x80 | h >> 57);
}

static uint8_t *slot(const struct map *m, size_t i)
{
	return m->slots + i * m->stride;
}

void map_init(struct map *m, size_t key_size, size_t val_size, size_t max, uint64_t seed)
{
	/* Values start at a multiple of 8 so that they can be used in place. */
	size_t at = (key_size + 7) & ~(size_t)7;

	*m = (struct map){.max = max,
	        .key_size = key_size,
	        .val_size = val_size,
	        .val_at = at,
	        .stride = (at + val_size + 7) & ~(size_t)7,
	        .seed = seed};
}

void map_done(struct map *m)
{
	free(m->slots);
	free(m->tags);
	m->slots = m->tags = NULL;
	m->cap = m->n = 0;
}

void map_done_owned(struct map *m)
{
	const void *key;
	void *val;

	assert(m->val_size == sizeof(void *));
	for (size_t i = 0; map_next(m, &i, &key, &val);) {
		void *owned;

		memcpy(&owned, val, sizeof owned);
		free(owned);
	}
	map_done(m);
}

void map_clear(struct map *m)
{
	map_done(m);
}

/* Index of the key, or of the empty slot where it belongs. */
static size_t find(const struct map *m, const void *key, uint64_t h, bool *found)
{
	size_t i = (size_t)h & (m->cap - 1);
	uint8_t tag = tag_of(h);

	for (;; i = (i + 1) & (m->cap - 1)) {
		if (m->tags[i] == 0) {
			*found = false;
			return i;
		}
		if (m->tags[i] == tag && memcmp(slot(m, i), key, m->key_size) == 0) {
			*found = true;
			return i;
		}
	}
}

void *map_get(const struct map *m, const void *key)
{
	bool found;
	size_t i;

	if (m->cap == 0)
		return NULL;
	i = find(m, key, mix(m, key), &found);
	return found ? slot(m, i) + m->val_at : NULL;
}

static bool resize(struct map *m, size_t cap)
{
	struct map bigger = *m;

	bigger.slots = calloc(cap, m->stride);
	bigger.tags = calloc(cap, 1);
	bigger.cap = cap;
	if (!bigger.slots || !bigger.tags) {
		free(bigger.slots);
		free(bigger.tags);
		return false;
	}
	for (size_t i = 0; i < m->cap; i++) {
		bool found;
		size_t j;

		if (m->tags[i] == 0)
			continue;
		j = find(&bigger, slot(m, i), mix(m, slot(m, i)), &found);
		bigger.tags[j] = m->tags[i];
		memcpy(slot(&bigger, j), slot(m, i), m->stride);
	}
	free(m->slots);
	free(m->tags);
	*m = bigger;
	return true;
}

void *map_put(struct map *m, const void *key, bool *fresh)
{
	uint64_t h = mix(m, key);
	bool found = false;
	size_t i = 0;

	if (m->cap)
		i = find(m, key, h, &found);
	if (found) {
		if (fresh)
			*fresh = false;
		return slot(m, i) + m->val_at;
	}
	if (m->n >= m->max)
		return NULL;
	if ((m->n + 1) * 4 > m->cap * 3) {
		if (!resize(m, m->cap ? m->cap * 2 : 16))
			return NULL;
		i = find(m, key, h, &found);
	}
	m->tags[i] = tag_of(h);
	memcpy(slot(m, i), key, m->key_size);
	memset(slot(m, i) + m->val_at, 0, m->val_size);
	m->n++;
	if (fresh)
		*fresh = true;
	return slot(m, i) + m->val_at;
}

bool map_del(struct map *m, const void *key)
{
	bool found;
	size_t i, j, mask;

	if (m->cap == 0)
		return false;
	mask = m->cap - 1;
	i = find(m, key, mix(m, key), &found);
	if (!found)
		return false;
	/* Pull later members of the probe run into the hole. */
	for (j = (i + 1) & mask; m->tags[j]; j = (j + 1) & mask) {
		size_t home = (size_t)mix(m, slot(m, j)) & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			m->tags[i] = m->tags[j];
			memcpy(slot(m, i), slot(m, j), m->stride);
			i = j;
		}
	}
	m->tags[i] = 0;
	m->n--;
	return true;
}

bool map_next(const struct map *m, size_t *i, const void **key, void **val)
{
	for (; *i < m->cap; ++*i) {
		if (m->tags[*i]) {
			*key = slot(m, *i);
			*val = slot(m, *i) + m->val_at;
			++*i;
			return true;
		}
	}
	return false;
}
