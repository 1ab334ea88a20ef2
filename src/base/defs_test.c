/* defs_test.c - comparison of accounts and hashes, and the ownership macros. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/defs.h"

static void test_compare(void **state)
{
	struct addr a = {{0}}, b = {{0}};
	struct hash g = {{0}}, h = {{0}};

	(void)state;
	assert_true(addr_is_zero(&a) && hash_is_zero(&g));
	assert_true(addr_eq(&a, &b) && hash_eq(&g, &h));
	for (size_t i = 0; i < 20; i++) {
		b = a;
		b.b[i] = 1;
		assert_true(!addr_eq(&a, &b) && !addr_is_zero(&b));
		assert_true(addr_cmp(&a, &b) < 0 && addr_cmp(&b, &a) > 0 && addr_cmp(&b, &b) == 0);
	}
	for (size_t i = 0; i < 32; i++) {
		h = g;
		h.b[i] = 1;
		assert_true(!hash_eq(&g, &h) && !hash_is_zero(&h));
		assert_true(hash_cmp(&g, &h) < 0 && hash_cmp(&h, &g) > 0 && hash_cmp(&h, &h) == 0);
	}
	/* As numbers: the first byte weighs most, and bytes have no sign. */
	g = (struct hash){{0x80}};
	h = (struct hash){{0x7f, 0xff}};
	assert_true(hash_cmp(&g, &h) > 0);
}

static int *released;

static void release(int **p)
{
	if (*p)
		released = *p;
}

static int *make(int *what, bool keep)
{
	int *p OWN(release) = what;

	return keep ? TAKE(p) : NULL;
}

static void test_ownership(void **state)
{
	int x = 1;

	(void)state;
	assert_ptr_equal(make(&x, true), &x);
	assert_null(released);
	assert_null(make(&x, false));
	assert_ptr_equal(released, &x);
	assert_int_equal(MIN2(x++, 5), 1);
	assert_int_equal(x, 2);
	assert_int_equal(MAX2(x++, 1), 2);
	assert_int_equal(x, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_compare),
	        cmocka_unit_test(test_ownership),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
