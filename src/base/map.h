/* map.h - open-addressing hash map from fixed-size keys to fixed-size values, with a maximum.
 * Keys that an attacker can choose must already be hashes or signed ids; the table is seeded.
 * Pointers into it are valid until the next insert or remove. */
#ifndef LILYPAD_BASE_MAP_H
#define LILYPAD_BASE_MAP_H

#include "base/str.h"

struct map {
	uint8_t *slots;
	uint8_t *tags; /* 0 empty, else 0x80 | hash bits */
	size_t cap;    /* power of two, or 0 */
	size_t n;
	size_t max;
	size_t key_size;
	size_t val_size;
	size_t val_at; /* offset of the value in a slot */
	size_t stride;
	uint64_t seed;
};

void map_init(struct map *m, size_t key_size, size_t val_size, size_t max, uint64_t seed);
void map_done(struct map *m);
/* The same for a map whose values are pointers from malloc: they are freed. */
void map_done_owned(struct map *m);
/* NULL when absent. */
MUST void *map_get(const struct map *m, const void *key);
/* Existing value, or a new zeroed one (*fresh, may be NULL, says which); NULL at the maximum. */
MUST void *map_put(struct map *m, const void *key, bool *fresh);
bool map_del(struct map *m, const void *key);
void map_clear(struct map *m);
/* Walk: start with *i = 0; false at the end. No insert or remove meanwhile. */
MUST bool map_next(const struct map *m, size_t *i, const void **key, void **val);

#endif
