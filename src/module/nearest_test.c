/* nearest_test.c - distances known from the literature, and what is suggested. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "module/nearest.h"

static size_t d(const char *a, const char *b)
{
	size_t one = nearest_distance(str_of(a), str_of(b));

	assert_int_equal(one, nearest_distance(str_of(b), str_of(a)));
	return one;
}

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(d("", ""), 0);
	assert_int_equal(d("", "abc"), 3);
	assert_int_equal(d("kitten", "sitting"), 3);
	assert_int_equal(d("saturday", "sunday"), 3);
	assert_int_equal(d("cowsay", "cosway"), 1); /* neighbours swapped */
	assert_int_equal(d("ca", "abc"), 3);        /* optimal string alignment, not Damerau's 2 */
	assert_int_equal(d("Message", "MESSAGE"), 0);
	assert_int_equal(d("cowsay", "cow"), 3);
	assert_true(nearest_distance(
	                    STR("0123456789012345678901234567890123456789012345678901234567890123"),
	                    STR("a")) == SIZE_MAX);
}

static void test_suggestions(void **state)
{
	static const char *const names[] = {"cowsay", "matmul", "mandelbrot", "wordstats"};

	(void)state;
	assert_string_equal(nearest_name(STR("cowsey"), names, 4), "cowsay");
	assert_string_equal(nearest_name(STR("Cowsay"), names, 4), "cowsay");
	assert_string_equal(nearest_name(STR("mandlebrot"), names, 4), "mandelbrot");
	assert_string_equal(nearest_name(STR("wordstat"), names, 4), "wordstats");
	assert_string_equal(nearest_name(STR("mand"), names, 4), "mandelbrot"); /* its start */
	assert_null(nearest_name(STR("sdxl"), names, 4));
	assert_null(nearest_name(STR("x"), names, 4));
	assert_null(nearest_name(STR(""), names, 4));
	assert_null(nearest_name(STR("cowsay"), names, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_distance),
	        cmocka_unit_test(test_suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
