/* when_test.c - times as text, and spans. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/when.h"

static void test_wall(void **state)
{
	/* The example of RFC 3339 section 5.8 among them; the rest by date(1). */
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
	        {0, "1970-01-01T00:00:00.000Z"},
	        {-1, "1969-12-31T23:59:59.999Z"},
	        {-86400000, "1969-12-31T00:00:00.000Z"},
	        {-86400001, "1969-12-30T23:59:59.999Z"},
	        {482196050520, "1985-04-12T23:20:50.520Z"},
	        {951782400000, "2000-02-29T00:00:00.000Z"},
	        {951868800000, "2000-03-01T00:00:00.000Z"},
	        {1078012800000, "2004-02-29T00:00:00.000Z"},
	        {4107542400000, "2100-03-01T00:00:00.000Z"},
	        {4107542399999, "2100-02-28T23:59:59.999Z"},
	        {1795590826120, "2026-11-25T07:13:46.120Z"},
	        {253402300799999, "9999-12-31T23:59:59.999Z"},
	};
	char out[WALL_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(wall_format((struct wall){rows[i].ms}, out), 24);
		assert_string_equal(out, rows[i].text);
	}
	/* Far outside: some text, no overflow. */
	assert_true(wall_format((struct wall){INT64_MAX}, out) < WALL_TEXT_MAX);
	assert_true(wall_format((struct wall){INT64_MIN}, out) < WALL_TEXT_MAX);
}

/* Day after day through four centuries, each date follows the one before. */
static void test_calendar(void **state)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y = 1970, m = 1, d = 1;

	(void)state;
	for (int64_t day = 0; day < 146097; day++) {
		bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
		char out[WALL_TEXT_MAX];

		wall_format((struct wall){day * 86400000}, out);
		assert_int_equal((out[0] - '0') * 1000 + (out[1] - '0') * 100 +
		                         (out[2] - '0') * 10 + out[3] - '0',
		        y);
		assert_int_equal((out[5] - '0') * 10 + out[6] - '0', m);
		assert_int_equal((out[8] - '0') * 10 + out[9] - '0', d);
		if (++d > lengths[m - 1] + (m == 2 && leap)) {
			d = 1;
			if (++m > 12) {
				m = 1;
				y++;
			}
		}
	}
}

static void test_span(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"90s", 90000}, {"10m", 600000}, {"2h", 7200000}, {"500ms", 500},
	        {"3d", 259200000}, {"7", 7000}, {"0", 0}, {"0ms", 0},
	        {"4398046511104ms", SPAN_MAX_MS}, {"50903d", 50903 * 86400000ll}};
	static const char *const bad[] = {"", "s", "ms", "-1s", "+1s", "1.5s", " 1s", "1s ", "1 s",
	        "01s", "1w", "1S", "1sm", "1mss", "4398046511105ms", "50904d", "999999999999d",
	        "1099511627776h", "18446744073709551615", "18446744073709551616ms",
	        "99999999999999999999999s"};
	struct span s = {77};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(span_parse(str_of(bad[i]), &s));
	assert_int_equal(s.ms, 77);
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(span_parse(str_of(good[i].text), &s));
		assert_true(s.ms == good[i].ms);
	}
}

static void test_instants(void **state)
{
	struct mono t = {1500000000}, later = mono_plus(t, span_s(2));

	(void)state;
	assert_true(later.ns == 3500000000);
	assert_true(mono_since(later, t).ms == 2000);
	assert_true(mono_since(t, later).ms == -2000);
	assert_true(mono_plus(t, span_ms(SPAN_MAX_MS)).ns > t.ns);
	assert_true(wall_seconds((struct wall){1999}) == 1);
	assert_true(wall_seconds((struct wall){-5}) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_wall),
	        cmocka_unit_test(test_calendar),
	        cmocka_unit_test(test_span),
	        cmocka_unit_test(test_instants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
