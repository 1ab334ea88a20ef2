/* buf_test.c - buffers up to and past their maximum, and the number parser. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"

static void test_writers(void **state)
{
	struct buf b OWN(buf_done);

	(void)state;
	buf_init(&b, 1000);
	assert_string_equal(buf_cstr(&b), "");
	buf_z(&b, "ab");
	buf_byte(&b, 'c');
	buf_str(&b, STR("de"));
	buf_str(&b, (struct str){NULL, 0});
	buf_put(&b, NULL, 0);
	buf_hex(&b, "\x00\xff", 2);
	buf_fmt(&b, "[%d %s]", -5, "x");
	buf_fmt(&b, "%s", "");
	assert_true(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "abcde00ff[-5 x]");
	assert_int_equal(b.n, 15);
	buf_reset(&b);
	assert_int_equal(b.n, 0);
	assert_string_equal(buf_cstr(&b), "");
	buf_u64be(&b, 0x0102030405060708);
	assert_memory_equal(b.p, "\1\2\3\4\5\6\7\10", 8);
	assert_true(str_eq(buf_view(&b), bytes_str(buf_bytes(&b))));
}

/* Exactly the maximum fits; one byte more spoils the buffer until it is reset. */
static void test_maximum(void **state)
{
	for (size_t max = 0; max < 300; max++) {
		struct buf b OWN(buf_done);

		(void)state;
		buf_init(&b, max);
		for (size_t i = 0; i < max; i++)
			buf_byte(&b, (uint8_t)i);
		assert_true(buf_ok(&b));
		assert_int_equal(b.n, max);
		buf_put(&b, "x", 0);
		assert_true(buf_ok(&b));
		buf_byte(&b, 1);
		assert_false(buf_ok(&b));
		assert_int_equal(b.n, max);
		assert_string_equal(buf_cstr(&b), "");
		/* Sticky: what would fit is ignored as well. */
		buf_put(&b, "x", 0);
		assert_null(buf_room(&b, 0));
		assert_false(buf_ok(&b));
		buf_reset(&b);
		assert_true(buf_ok(&b));
		if (max > 2) {
			buf_fmt(&b, "%0*d", (int)max, 0);
			assert_true(buf_ok(&b));
			buf_reset(&b);
			buf_fmt(&b, "%0*d", (int)max + 1, 0);
			assert_false(buf_ok(&b));
		}
	}
}

static void test_huge(void **state)
{
	struct buf b OWN(buf_done);

	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_null(buf_room(&b, SIZE_MAX));
	assert_false(buf_ok(&b));
	buf_reset(&b);
	buf_byte(&b, 1);
	assert_null(buf_room(&b, SIZE_MAX - 1));
	buf_reset(&b);
	buf_hex(&b, "x", SIZE_MAX);
	assert_int_equal(b.n, 0);
}

static void test_shift(void **state)
{
	struct buf b OWN(buf_done);

	(void)state;
	buf_init(&b, 16);
	buf_shift(&b, 0);
	buf_z(&b, "hello");
	buf_shift(&b, 2);
	assert_string_equal(buf_cstr(&b), "llo");
	buf_shift(&b, 0);
	buf_z(&b, "w");
	assert_string_equal(buf_cstr(&b), "llow");
	buf_shift(&b, 4);
	assert_int_equal(b.n, 0);
	buf_done(&b);
	buf_z(&b, "again");
	assert_string_equal(buf_cstr(&b), "again");
}

static void test_str(void **state)
{
	struct str rest, head;

	(void)state;
	head = str_cut(STR("a.b.c"), '.', &rest);
	assert_true(str_is(head, "a") && str_is(rest, "b.c"));
	head = str_cut(STR("abc"), '.', &rest);
	assert_true(str_is(head, "abc") && rest.n == 0);
	head = str_cut(STR("abc."), '.', &rest);
	assert_true(str_is(head, "abc") && rest.n == 0);
	head = str_cut((struct str){NULL, 0}, '.', &rest);
	assert_true(head.n == 0 && rest.n == 0);
	assert_true(str_starts(STR("0x12"), "0x") && !str_starts(STR("0"), "0x"));
	assert_true(str_eq((struct str){NULL, 0}, STR("")) && str_of(NULL).n == 0);
}

static void test_u64(void **state)
{
	static const char *const bad[] = {"", "00", "01", "-1", "+1", " 1", "1 ", "1a", "a", "0x1",
	        "1.0", "18446744073709551616", "99999999999999999999", "100000000000000000000",
	        "28446744073709551615", "1\n"};
	uint64_t v = 77;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(str_u64(str_of(bad[i]), UINT64_MAX, &v));
	assert_false(str_u64((struct str){"1\0", 2}, UINT64_MAX, &v));
	assert_false(str_u64(STR("256"), 255, &v));
	assert_int_equal(v, 77);
	assert_true(str_u64(STR("255"), 255, &v) && v == 255);
	assert_true(str_u64(STR("0"), 0, &v) && v == 0);
	assert_true(str_u64(STR("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_writers),
	        cmocka_unit_test(test_maximum),
	        cmocka_unit_test(test_huge),
	        cmocka_unit_test(test_shift),
	        cmocka_unit_test(test_str),
	        cmocka_unit_test(test_u64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
