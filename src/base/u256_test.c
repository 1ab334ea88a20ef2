/* u256_test.c - laws on random values, known values, and every edge that must not wrap. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/u256.h"

static const char max_text[] =
        "115792089237316195423570985008687907853269984665640564039457584007913129639935";

static uint64_t seed = 20240607;

static uint64_t rnd(void)
{
	uint64_t z = seed += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

/* Words of all sizes, and often all zeros or all ones: carries live there. */
static uint64_t word(void)
{
	switch (rnd() % 4) {
	case 0: return 0;
	case 1: return UINT64_MAX;
	case 2: return rnd() >> rnd() % 64;
	default: return rnd();
	}
}

static struct u256 any(void)
{
	return (struct u256){{word(), word(), word(), word()}};
}

static struct u256 parse(const char *z)
{
	struct u256 v = {{0}};

	assert_true(u256_parse(str_of(z), &v));
	return v;
}

static void equal(struct u256 a, struct u256 b)
{
	assert_memory_equal(a.w, b.w, sizeof a.w);
}

static void test_division(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct u256 a = any(), back = {{0}}, q;
		uint64_t d = word() | 1, rem;

		q = u256_div64(a, d, &rem);
		assert_true(rem < d);
		assert_true(u256_mul64(q, d, &back));
		assert_true(u256_add(back, u256_of(rem), &back));
		equal(a, back);
		equal(q, u256_div64(a, d, NULL));
	}
}

static void test_sums(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct u256 a = any(), b = any(), s = {{1, 2, 3, 4}}, t = s;
		const struct u256 same = s;

		if (u256_add(a, b, &s)) {
			assert_true(u256_cmp(s, a) >= 0 && u256_cmp(s, b) >= 0);
			assert_true(u256_sub(s, b, &t));
			equal(t, a);
			assert_true(u256_sub(s, a, &t));
			equal(t, b);
		} else {
			/* a + b overflows exactly when b is above max - a. */
			struct u256 room = {{~a.w[0], ~a.w[1], ~a.w[2], ~a.w[3]}};

			assert_true(u256_cmp(b, room) > 0);
			equal(s, same);
		}
		t = same;
		assert_int_equal(u256_sub(a, b, &t), u256_cmp(a, b) >= 0);
		if (u256_cmp(a, b) < 0)
			equal(t, same);
		assert_int_equal(u256_cmp(a, b), -u256_cmp(b, a));
	}
}

static void test_products(void **state)
{
	struct u256 max = parse(max_text), r = {{7}},
	            k = parse("340282366920938463463374607431768211455");

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct u256 a = any(), b = {{word(), word(), 0, 0}}, p = {{9}}, q = {{8}}, t;

		a.w[2] = a.w[3] = 0;
		assert_true(u256_mul(a, b, &p) && u256_mul(b, a, &q));
		equal(p, q);
		/* b * a = sum of its words' products. */
		assert_true(u256_mul64(a, b.w[1], &t));
		for (int s = 0; s < 64; s++)
			if (!u256_add(t, t, &t))
				break;
		assert_true(u256_mul64(a, b.w[0], &q));
		assert_true(u256_add(t, q, &t));
		equal(p, t);
	}
	/* (2^128 - 1)^2, and the smallest square that does not fit. */
	assert_true(u256_mul(k, k, &r));
	equal(r,
	        parse("115792089237316195423570985008687907852589419931798687112530834793049593217025"));
	assert_true(u256_add(k, u256_of(1), &k));
	assert_false(u256_mul(k, k, &r));
	assert_false(u256_mul64(max, 2, &r));
	assert_true(u256_mul64(max, 1, &r));
	equal(r, max);
	assert_true(u256_mul64(max, 0, &r) && u256_is_zero(r));
	assert_false(u256_add(max, u256_of(1), &r));
	assert_false(u256_sub(u256_of(0), u256_of(1), &r));
	assert_true(u256_is_zero(r));
}

static void test_text(void **state)
{
	static const char *const good[] = {"0", "1", "10", "18446744073709551615",
	        "18446744073709551616", "340282366920938463463374607431768211456",
	        "1000000000000000000", max_text};
	static const char *const bad[] = {"", "00", "01", "-1", "+1", " 1", "1 ", "0x1", "1e3",
	        "1.0",
	        "115792089237316195423570985008687907853269984665640564039457584007913129639936",
	        "999999999999999999999999999999999999999999999999999999999999999999999999999999",
	        "1157920892373161954235709850086879078532699846656405640394575840079131296399350",
	        "10000000000000000000000000000000000000000000000000000000000000000000000000000000000"};
	struct u256 v = {{1, 2, 3, 4}}, same = v;
	char out[U256_DEC_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(u256_format(parse(good[i]), out), strlen(good[i]));
		assert_string_equal(out, good[i]);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(u256_parse(str_of(bad[i]), &v));
	equal(v, same);
	for (int i = 0; i < 20000; i++) {
		struct u256 a = any();

		u256_format(a, out);
		equal(parse(out), a);
	}
}

static void test_bytes_and_bits(void **state)
{
	uint8_t b[32];

	(void)state;
	assert_int_equal(u256_bits(u256_of(0)), 0);
	for (unsigned k = 0; k < 256; k++) {
		struct u256 v = {{0}};

		v.w[k / 64] = (uint64_t)1 << k % 64;
		assert_int_equal(u256_bits(v), k + 1);
		u256_to_be(v, b);
		assert_int_equal(b[31 - k / 8], 1u << k % 8);
		equal(u256_from_be(b), v);
	}
	for (int i = 0; i < 1000; i++) {
		struct u256 v = any(), w = any();
		uint8_t c[32];

		u256_to_be(v, b);
		equal(u256_from_be(b), v);
		/* Big-endian bytes sort as the numbers do. */
		u256_to_be(w, c);
		assert_int_equal(memcmp(b, c, 32) < 0, u256_cmp(v, w) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_division),
	        cmocka_unit_test(test_sums),
	        cmocka_unit_test(test_products),
	        cmocka_unit_test(test_text),
	        cmocka_unit_test(test_bytes_and_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
