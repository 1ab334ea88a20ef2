/* arena_test.c - that allocations are zeroed, aligned, apart and bounded, event after event. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"

static void test_alloc(void **state)
{
	struct arena a OWN(arena_done);
	uint8_t *p[500];
	size_t n[500];

	(void)state;
	arena_init(&a, 8 << 20);
	for (int event = 0; event < 5; event++) {
		for (size_t i = 0; i < COUNT(p); i++) {
			n[i] = (i * 7919 + (size_t)event) % 9000;
			p[i] = arena_alloc(&a, n[i]);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			for (size_t k = 0; k < n[i]; k++)
				assert_int_equal(p[i][k], 0);
			memset(p[i], (int)(i & 0x7f) + 1, n[i]);
		}
		for (size_t i = 0; i < COUNT(p); i++) {
			for (size_t k = 0; k < n[i]; k++)
				assert_int_equal(p[i][k], (i & 0x7f) + 1);
		}
		assert_true(a.used <= a.max);
		arena_reset(&a);
		assert_true(a.used <= a.max);
	}
}

static void test_copies(void **state)
{
	struct arena a OWN(arena_done);
	uint64_t *v;
	char *z;

	(void)state;
	arena_init(&a, 1 << 16);
	z = arena_str(&a, STR("hello"));
	assert_string_equal(z, "hello");
	z = arena_str(&a, (struct str){NULL, 0});
	assert_string_equal(z, "");
	z = arena_copy(&a, "ab\0cd", 5);
	assert_memory_equal(z, "ab\0cd", 5);
	assert_non_null(arena_copy(&a, NULL, 0));
	v = ARENA_NEW(&a, uint64_t);
	assert_non_null(v);
	assert_int_equal(*v, 0);
}

static void test_maximum(void **state)
{
	struct arena a OWN(arena_done);

	(void)state;
	arena_init(&a, 10000);
	assert_null(arena_alloc(&a, 10001));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 15));
	assert_null(arena_alloc(&a, SIZE_MAX - 16));
	assert_non_null(arena_alloc(&a, 10000));
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 10000));
	arena_done(&a);
	arena_init(&a, SIZE_MAX);
	assert_null(arena_alloc(&a, SIZE_MAX - 20));
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, 1));
}

/* What fits in a new arena fits after a reset too, whichever chunk was kept. */
static void test_reset_keeps_no_room_back(void **state)
{
	struct arena a OWN(arena_done);

	(void)state;
	arena_init(&a, 1 << 20);
	for (int i = 0; i < 200; i++) {
		size_t n = (size_t)1 << (i * 7 % 20);

		while (arena_alloc(&a, n))
			;
		arena_reset(&a);
		assert_non_null(arena_alloc(&a, 1 << 20));
		arena_reset(&a);
		assert_non_null(arena_alloc(&a, 16));
		assert_true(a.used <= a.max);
		arena_reset(&a);
	}
	arena_done(&a);
	assert_int_equal(a.used, 0);
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 1));
}

/* Large pieces are zero too, in new memory as in what was used before. */
static void test_large_is_zero(void **state)
{
	const size_t n = 300000;
	struct arena a;

	(void)state;
	arena_init(&a, 4 << 20);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 3; i++) {
			uint8_t *p = arena_alloc(&a, n);

			assert_non_null(p);
			for (size_t k = 0; k < n; k++)
				assert_int_equal(p[k], 0);
			memset(p, 0xff, n);
			p = arena_alloc(&a, 100);
			assert_int_equal(p[0] | p[99], 0);
			memset(p, 0xff, 100);
		}
		arena_reset(&a);
	}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_alloc),
	        cmocka_unit_test(test_copies),
	        cmocka_unit_test(test_maximum),
	        cmocka_unit_test(test_reset_keeps_no_room_back),
	        cmocka_unit_test(test_large_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
