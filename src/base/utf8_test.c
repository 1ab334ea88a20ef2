/* utf8_test.c - the well-formed and ill-formed sequences of the Unicode standard, table 3-7. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

static void test_good(void **state)
{
	static const char *const good[] = {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
	        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
	        "\xf4\x8f\xbf\xbf", "a\xc3\xa9z"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(str_is_utf8(str_of(good[i])));
	assert_true(str_is_utf8((struct str){"a\0b", 3}));
}

static void test_bad(void **state)
{
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ",
	        "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf",
	        "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
	        "\xff", "a\xf0\x90\x80"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(str_is_utf8(str_of(bad[i])));
}

static void test_first(void **state)
{
	static const struct {
		struct str s;
		size_t n;
	} rows[] = {{{"", 0}, 0}, {{"\0z", 2}, 1}, {{"az", 2}, 1}, {{"\xc3\xa9z", 3}, 2},
	        {{"\xe0\xa0\x80", 3}, 3}, {{"\xf0\x90\x80\x80", 4}, 4},
	        {{"\xf0\x90\x80\x80", 3}, 0}, {{"\xa9z", 2}, 0}, {{"\xc3z", 2}, 0},
	        {{"\xed\xa0\x80", 3}, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(str_char(rows[i].s), rows[i].n);
}

static void test_cut(void **state)
{
	static const struct {
		size_t size;
		const char *kept;
	} rows[] = {{1, ""}, {2, "a"}, {3, "a"}, {4, "a\xc3\xa9"}, {5, "a\xc3\xa9z"},
	        {9, "a\xc3\xa9z"}};
	char field[9];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		str_keep(field, rows[i].size, STR("a\xc3\xa9z"));
		assert_string_equal(field, rows[i].kept);
		str_keep(field, rows[i].size, str_of(field));
		assert_string_equal(field, rows[i].kept);
	}
	assert_int_equal(str_within(STR("\xf0\x90\x80\x80"), 3).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_good),
	        cmocka_unit_test(test_bad),
	        cmocka_unit_test(test_first),
	        cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
