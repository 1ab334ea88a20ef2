/* amount_test.c - money: checked sums, shares, and how people write it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/amount.h"

static struct amount parse(const char *z)
{
	struct amount a = amount_of(0);

	assert_true(amount_parse(str_of(z), &a));
	return a;
}

static const char max_text[] =
        "115792089237316195423570985008687907853269984665640564039457584007913129639935";

static void is(struct amount a, const char *z)
{
	char out[AMOUNT_DEC_MAX];

	assert_int_equal(amount_format(a, out), strlen(z));
	assert_string_equal(out, z);
}

static void test_checked(void **state)
{
	struct amount max = parse(max_text), a = amount_of(42);

	(void)state;
	assert_false(amount_add(max, amount_of(1), &a));
	assert_false(amount_sub(amount_of(1), amount_of(2), &a));
	assert_false(amount_mul(max, 2, &a));
	is(a, "42");
	assert_true(amount_add(a, a, &a));
	is(a, "84");
	assert_true(amount_sub(a, a, &a));
	assert_true(amount_is_zero(a));
	assert_true(amount_mul(parse("79228162514264337593543950335"), UINT64_MAX, &a));
	is(a, "1461501637330902918124456670183571937988679041025");
	is(amount_half(amount_of(7)), "3");
	is(amount_half(amount_of(1)), "0");
	is(amount_min(max, a), "1461501637330902918124456670183571937988679041025");
	assert_true(amount_eq(amount_max(max, a), max) && amount_cmp(a, max) < 0);
}

static void test_per_mille(void **state)
{
	struct amount max = parse(max_text);

	(void)state;
	is(amount_per_mille(amount_of(999), 1), "0");
	is(amount_per_mille(amount_of(1000), 1), "1");
	is(amount_per_mille(amount_of(1999), 500), "999");
	is(amount_per_mille(amount_of(12345), 0), "0");
	is(amount_per_mille(amount_of(12345), 1000), "12345");
	/* Where the product has more than 256 bits as well. */
	is(amount_per_mille(max, 1000), max_text);
	is(amount_per_mille(max, 1),
	        "115792089237316195423570985008687907853269984665640564039457584007913129639");
	is(amount_per_mille(max, 999),
	        "115676297148078879228147414023679219945416714680974923475418126423905216510295");
	for (unsigned m = 0; m <= 1000; m++) {
		for (uint64_t v = 0; v < 5000; v += 37) {
			struct amount a = amount_per_mille(amount_of(v), m);

			assert_true(amount_eq(a, amount_of(v * m / 1000)));
		}
	}
}

static void test_document(void **state)
{
	(void)state;
	assert_true(amount_fits_document(amount_of(0)));
	assert_true(amount_fits_document(parse("79228162514264337593543950335")));
	assert_false(amount_fits_document(parse("79228162514264337593543950336")));
	assert_false(amount_fits_document(parse(max_text)));
}

static void test_bytes(void **state)
{
	uint8_t b[32];

	(void)state;
	amount_to_be(amount_of(0x0102), b);
	assert_int_equal(b[31], 2);
	assert_int_equal(b[30], 1);
	is(amount_from_be(b), "258");
}

static void test_display(void **state)
{
	static const struct {
		const char *text;
		unsigned decimals;
		const char *units;
		const char *shown; /* NULL: as text */
	} rows[] = {
	        {"0", 18, "0", NULL},
	        {"0.0", 18, "0", "0"},
	        {"0.5", 18, "500000000000000000", NULL},
	        {"1.25", 18, "1250000000000000000", NULL},
	        {"1", 18, "1000000000000000000", NULL},
	        {"1.000", 18, "1000000000000000000", "1"},
	        {"10", 18, "10000000000000000000", NULL},
	        {"0.000000000000000001", 18, "1", NULL},
	        {"123456789.000000000000000001", 18, "123456789000000000000000001", NULL},
	        {"7", 0, "7", NULL},
	        {"100", 0, "100", NULL},
	        {"0.1", 1, "1", NULL},
	        {"1.0", 1, "10", "1"},
	        {"115792089237316195423570985008687907853269984665640564039457.584007913129639935",
	                18, max_text, NULL},
	        {max_text, 0, max_text, NULL},
	        {"1.15792089237316195423570985008687907853269984665640564039457584007913129639935",
	                77, max_text, NULL},
	        {"0.00000000000000000000000000000000000000000000000000000000000000000000000000001",
	                77, "1", NULL},
	};
	char out[AMOUNT_DEC_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *shown = rows[i].shown ? rows[i].shown : rows[i].text;
		struct amount a = amount_of(99);

		assert_true(amount_parse_display(str_of(rows[i].text), rows[i].decimals, &a));
		is(a, rows[i].units);
		assert_int_equal(amount_format_display(a, rows[i].decimals, out), strlen(shown));
		assert_string_equal(out, shown);
	}
}

static void test_display_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned decimals;
	} rows[] = {{"", 18}, {".", 18}, {".5", 18}, {"5.", 18}, {"00.1", 18}, {"01", 18},
	        {"00", 18}, {"0.1.2", 18}, {"1..2", 18}, {"1,5", 18}, {"-1", 18}, {"+1", 18},
	        {" 1", 18}, {"1 ", 18}, {"1e3", 18}, {"0x1", 18}, {"1.a", 18}, {"1.-5", 18},
	        {"1.5", 0}, {"1.0", 0}, {"1.", 0}, {"0.0000000000000000001", 18}, {"1.25", 1},
	        {"1", 78}, {"1", 1000},
	        {"115792089237316195423570985008687907853269984665640564039457.584007913129639936",
	                18},
	        {"1157920892373161954235709850086879078532699846656405640394575", 18},
	        {"999999999999999999999999999999999999999999999999999999999999999999999999999999",
	                77},
	        {"9999999999999999999999999999999999999999999999999999999999999999999999999999999",
	                0}};
	struct amount a = amount_of(99);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_false(amount_parse_display(str_of(rows[i].text), rows[i].decimals, &a));
	assert_false(amount_parse_display((struct str){NULL, 0}, 18, &a));
	is(a, "99");
}

/* What is shown is read back, at every place of the point. */
static void test_display_round_trip(void **state)
{
	(void)state;
	for (unsigned decimals = 0; decimals <= 77; decimals++) {
		struct amount a = amount_of(1), b;
		char out[AMOUNT_DEC_MAX + 2];

		do {
			size_t n = amount_format_display(a, decimals, out);

			assert_true(amount_parse_display((struct str){out, n}, decimals, &b));
			assert_true(amount_eq(a, b));
		} while (amount_mul(a, 37, &a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_checked),
	        cmocka_unit_test(test_per_mille),
	        cmocka_unit_test(test_document),
	        cmocka_unit_test(test_bytes),
	        cmocka_unit_test(test_display),
	        cmocka_unit_test(test_display_refused),
	        cmocka_unit_test(test_display_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
