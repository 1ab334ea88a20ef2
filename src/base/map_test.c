/* map_test.c - random operations against an array that is searched from end to end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/map.h"

enum { KEYS = 200 };

struct model {
	bool has[KEYS];
	uint64_t value[KEYS];
	size_t n;
};

static uint64_t rnd(uint64_t *s)
{
	uint64_t z = *s += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static void key_of(size_t k, size_t size, uint8_t *key)
{
	uint64_t s = k;

	/* Short keys: the number itself; long ones look like hashes. */
	memset(key, 0, size);
	for (size_t i = 0; i < size; i++)
		key[i] = size < 8 ? (uint8_t)(k >> 8 * (i & 7)) : (uint8_t)rnd(&s);
}

static void check_all(const struct map *m, const struct model *o, size_t size)
{
	bool seen[KEYS] = {false};
	uint8_t key[40];
	const void *k;
	size_t at = 0, n = 0;
	void *v;

	assert_int_equal(m->n, o->n);
	for (size_t i = 0; i < KEYS; i++) {
		const uint64_t *got;

		key_of(i, size, key);
		got = map_get(m, key);
		assert_int_equal(got != NULL, o->has[i]);
		if (got)
			assert_true(*got == o->value[i]);
	}
	while (map_next(m, &at, &k, &v)) {
		size_t i = 0;

		for (; i < KEYS; i++) {
			key_of(i, size, key);
			if (o->has[i] && memcmp(key, k, size) == 0)
				break;
		}
		assert_true(i < KEYS && !seen[i]);
		seen[i] = true;
		assert_true(*(uint64_t *)v == o->value[i]);
		n++;
	}
	assert_int_equal(n, o->n);
	assert_false(map_next(m, &at, &k, &v));
}

static void step(struct map *m, struct model *o, size_t size, uint64_t *seed)
{
	size_t i = rnd(seed) % KEYS;
	uint8_t key[40];
	bool fresh = false;
	uint64_t *v;

	key_of(i, size, key);
	if (rnd(seed) % 5 < 3) {
		fresh = !o->has[i];
		v = map_put(m, key, &fresh);
		if (!o->has[i] && o->n == m->max) {
			assert_null(v);
			return;
		}
		assert_non_null(v);
		assert_int_equal(fresh, !o->has[i]);
		/* A new value is zero even where an older one has been. */
		assert_true(*v == (fresh ? 0 : o->value[i]));
		o->n += fresh;
		o->has[i] = true;
		*v = o->value[i] = rnd(seed);
	} else {
		assert_int_equal(map_del(m, key), o->has[i]);
		o->n -= o->has[i];
		o->has[i] = false;
	}
}

static void test_random(void **state)
{
	static const size_t sizes[] = {1, 2, 7, 8, 9, 20, 32, 40};
	static const size_t maxima[] = {0, 1, 12, 13, 100, KEYS, 1000};

	(void)state;
	for (size_t s = 0; s < COUNT(sizes); s++) {
		for (size_t x = 0; x < COUNT(maxima); x++) {
			uint64_t seed = s * 100 + x;
			struct model o = {0};
			struct map m OWN(map_done);

			map_init(&m, sizes[s], sizeof(uint64_t), maxima[x], rnd(&seed));
			for (int i = 0; i < 3000; i++) {
				step(&m, &o, sizes[s], &seed);
				if (i % 100 == 0)
					check_all(&m, &o, sizes[s]);
			}
			check_all(&m, &o, sizes[s]);
			map_clear(&m);
			memset(&o, 0, sizeof o);
			check_all(&m, &o, sizes[s]);
			for (int i = 0; i < 300; i++)
				step(&m, &o, sizes[s], &seed);
			check_all(&m, &o, sizes[s]);
		}
	}
}

/* At the maximum old keys are still found and written, and a place that gets free can be taken. */
static void test_maximum(void **state)
{
	struct map m OWN(map_done);
	bool fresh = true;
	uint64_t *v;

	(void)state;
	map_init(&m, 8, 8, 1000, 7);
	for (uint64_t k = 0; k < 1000; k++) {
		v = map_put(&m, &k, NULL);
		assert_non_null(v);
		*v = k * k;
	}
	assert_null(map_put(&m, &(uint64_t){1000}, &fresh));
	assert_true(fresh);
	v = map_put(&m, &(uint64_t){5}, &fresh);
	assert_true(v && !fresh && *v == 25);
	assert_true(map_del(&m, &(uint64_t){5}));
	assert_false(map_del(&m, &(uint64_t){5}));
	assert_non_null(map_put(&m, &(uint64_t){1000}, &fresh));
	assert_true(fresh);
	assert_null(map_put(&m, &(uint64_t){5}, NULL));
	for (uint64_t k = 0; k < 1000; k++) {
		v = map_get(&m, &k);
		assert_true(k == 5 ? v == NULL : v && *v == k * k);
	}
}

/* Values may be used in place: they are aligned for any integer, and sets have none. */
static void test_layout(void **state)
{
	struct map m OWN(map_done);
	struct map set OWN(map_done);

	(void)state;
	map_init(&m, 3, 24, 100, 1);
	map_init(&set, 20, 0, 100, 1);
	assert_null(map_get(&m, "abc"));
	assert_false(map_del(&m, "abc"));
	for (char c = 'a'; c <= 'z'; c++) {
		char key[20] = {c, c, c};

		assert_int_equal((uintptr_t)map_put(&m, key, NULL) % 8, 0);
		assert_non_null(map_put(&set, key, NULL));
		assert_non_null(map_get(&set, key));
	}
	assert_int_equal(set.n, 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_random),
	        cmocka_unit_test(test_maximum),
	        cmocka_unit_test(test_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
