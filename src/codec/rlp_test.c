/* rlp_test.c - the examples of the Yellow Paper's wiki and of Ethereum's own RLP tests, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "codec/hex.h"
#include "codec/rlp.h"

#define LOREM "Lorem ipsum dolor sit amet, consectetur adipisicing elit"

static void is(struct buf *b, const char *hex)
{
	char text[512];

	assert_true(buf_ok(b) && b->n < 250);
	hex_format(b->p, b->n, text);
	assert_string_equal(text, hex);
	buf_reset(b);
}

/* ethereum/tests, RLPTests/rlptest.json: emptystring, bytestring00 and 7F, shortstring, longstring. */
static void strings(void **state)
{
	struct buf b OWN(buf_done) = {0};
	char want[512] = "0xb838";

	(void)state;
	buf_init(&b, 4096);
	rlp_put_bytes(&b, bytes_of("", 0));
	is(&b, "0x80");
	rlp_put_bytes(&b, bytes_of("\0", 1));
	is(&b, "0x00");
	rlp_put_bytes(&b, bytes_of("\x7f", 1));
	is(&b, "0x7f");
	rlp_put_bytes(&b, bytes_of("\x80", 1));
	is(&b, "0x8180");
	rlp_put_bytes(&b, bytes_of("dog", 3));
	is(&b, "0x83646f67");
	for (size_t i = 0; i < sizeof LOREM - 1; i++)
		snprintf(want + 6 + 2 * i, 3, "%02x", (unsigned)LOREM[i]);
	rlp_put_bytes(&b, bytes_of(LOREM, sizeof LOREM - 1));
	is(&b, want);
}

/* The same file: zero, smallint2, mediumint1 to 4. */
static void numbers(void **state)
{
	static const struct {
		uint64_t v;
		const char *hex;
	} known[] = {{0, "0x80"}, {1, "0x01"}, {16, "0x10"}, {79, "0x4f"}, {127, "0x7f"},
	        {128, "0x8180"}, {1000, "0x8203e8"}, {100000, "0x830186a0"},
	        {UINT64_MAX, "0x88ffffffffffffffff"}};
	struct buf b OWN(buf_done) = {0};
	struct u256 big;

	(void)state;
	buf_init(&b, 64);
	for (size_t i = 0; i < COUNT(known); i++) {
		struct bytes rest;
		uint64_t back;
		struct err e;

		rlp_put_u64(&b, known[i].v);
		rest = buf_bytes(&b);
		assert_true(rlp_next_u64(&rest, &back, &e) && back == known[i].v);
		assert_true(rlp_end(rest, &e));
		is(&b, known[i].hex);
	}
	/* mediumint4: 2^120 scaled, "#83729609699884896815286331701780722". */
	assert_true(u256_parse(STR("83729609699884896815286331701780722"), &big));
	rlp_put_u256(&b, big);
	is(&b, "0x8f102030405060708090a0b0c0d0e0f2");
}

/* The same file: emptylist, stringlist, listsoflists2. */
static void lists(void **state)
{
	struct buf b OWN(buf_done) = {0}, in OWN(buf_done) = {0};
	struct bytes rest, items, one;
	struct err e;

	(void)state;
	buf_init(&b, 256);
	buf_init(&in, 256);
	rlp_put_list(&b, bytes_of("", 0));
	is(&b, "0xc0");
	rlp_put_bytes(&in, bytes_of("dog", 3));
	rlp_put_bytes(&in, bytes_of("god", 3));
	rlp_put_bytes(&in, bytes_of("cat", 3));
	rlp_put_list(&b, buf_bytes(&in));
	rest = buf_bytes(&b);
	assert_true(rlp_next_list(&rest, &items, &e) && rlp_end(rest, &e));
	assert_true(rlp_next_bytes(&items, 3, &one, &e) && one.p[0] == 'd');
	assert_true(rlp_next_bytes(&items, 3, &one, &e) && one.p[0] == 'g');
	assert_true(rlp_next_bytes(&items, 3, &one, &e) && one.p[0] == 'c');
	assert_true(rlp_end(items, &e));
	is(&b, "0xcc83646f6783676f6483636174");
	buf_reset(&in);
	/* [[], [[]], [[], [[]]]] */
	buf_put(&in, "\xc0\xc1\xc0\xc3\xc0\xc1\xc0", 7);
	rlp_put_list(&b, buf_bytes(&in));
	is(&b, "0xc7c0c1c0c3c0c1c0");
}

/* ethereum/tests, RLPTests/invalidRLPTest.json, and our own. */
static void refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
	        {"", 0},
	        {"\xbf\x0f\x00\x00\x00\x00\x00\x02\x11", 9}, /* int32Overflow2 */
	        {"\xff\x0f\x00\x00\x00\x00\x00\x02\x11", 9},
	        {"\x81\x00", 2},     /* bytesShouldBeSingleByte00 */
	        {"\x81\x7f", 2},     /* bytesShouldBeSingleByte7F */
	        {"\xb8\x37", 2},     /* nonOptimalLongLengthArray */
	        {"\xb9\x00\x40", 3}, /* leadingZerosInLongLength */
	        {"\x83\x01\x02", 3}, /* shorter than it says */
	        {"\xc3\x01", 2},     /* the same for a list */
	        {"\xbf", 1},         /* its length is missing */
	        {"\xbf\xff\xff\xff\xff\xff\xff\xff\xff", 9},
	};
	struct rlp item;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct bytes rest = bytes_of(bad[i].bytes, bad[i].n);

		assert_false(rlp_next(&rest, &item, &e));
		assert_int_equal(e.code, E_ENCODING);
		assert_int_equal(rest.n, bad[i].n);
	}
}

static void wrong_kinds_are_refused(void **state)
{
	struct bytes rest = bytes_of("\xc0", 1), b;
	struct u256 v;
	uint64_t small;
	uint8_t out[4];
	struct err e;

	(void)state;
	assert_false(rlp_next_bytes(&rest, 4, &b, &e));
	assert_false(rlp_next_u64(&rest, &small, &e));
	rest = bytes_of("\x82\x01\x02", 3);
	assert_false(rlp_next_list(&rest, &b, &e));
	assert_false(rlp_next_bytes(&rest, 1, &b, &e));
	assert_false(rlp_next_fixed(&rest, out, 3, &e));
	assert_true(rlp_next_fixed(&rest, out, 2, &e));
	rest = bytes_of("\x00", 1);
	assert_false(rlp_next_u256(&rest, &v, &e));
	rest = bytes_of("\x89\x01\x00\x00\x00\x00\x00\x00\x00\x00", 10);
	assert_false(rlp_next_u64(&rest, &small, &e));
	assert_true(rlp_next_u256(&rest, &v, &e) && v.w[1] == 1);
	assert_false(rlp_end(bytes_of("x", 1), &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(strings),
	        cmocka_unit_test(numbers),
	        cmocka_unit_test(lists),
	        cmocka_unit_test(refused),
	        cmocka_unit_test(wrong_kinds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
