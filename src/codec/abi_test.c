/* abi_test.c - calls against tests/vectors/evm.json, which another implementation wrote
 * (tests/vectors/make_evm.py), and what is refused. Runs from the root of the repository. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "codec/abi.h"
#include "codec/hex.h"
#include "codec/json.h"

#define VECTORS "tests/vectors/evm.json"

static json_t *vectors;

static int load(void **state)
{
	struct buf text OWN(buf_done) = {0};
	FILE *f = fopen(VECTORS, "r");
	char part[4096];
	struct err e;
	size_t n;

	(void)state;
	if (!f) {
		print_error("%s: not found; run from the root of the repository\n", VECTORS);
		return -1;
	}
	buf_init(&text, 1u << 20);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_put(&text, part, n);
	fclose(f);
	return json_parse(buf_view(&text), &vectors, &e) ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

static size_t hex_in(const json_t *v, void *out, size_t max)
{
	struct err e;
	size_t n;

	if (!hex_parse_upto(json_text_of(v), out, max, &n, &e))
		fail_msg("%s", e.msg);
	return n;
}

/* Of one call. */
static struct abi_leaf leaves[64];
static uint8_t texts[64][128];

static size_t leaves_in(const json_t *list)
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		const json_t *bytes = json_object_get(v, "bytes");

		leaves[i] = (struct abi_leaf){0};
		if (bytes)
			leaves[i].bytes =
			        bytes_of(texts[i], hex_in(bytes, texts[i], sizeof texts[i]));
		else
			assert_int_equal(hex_in(v, leaves[i].word.b, 32), 32);
	}
	return json_array_size(list);
}

static void as_another_implementation_does(void **state)
{
	const json_t *calls = json_object_get(vectors, "calls"), *call;
	static uint8_t want[8192];
	size_t i;

	(void)state;
	assert_true(json_array_size(calls) > 30);
	json_array_foreach (calls, i, call) {
		const char *signature = json_text(call, "signature");
		size_t n = leaves_in(json_object_get(call, "leaves")), m = 0;
		size_t len = hex_in(json_object_get(call, "data"), want, sizeof want);
		struct buf out OWN(buf_done) = {0};
		struct abi_leaf back[64];
		struct err e;

		buf_init(&out, sizeof want);
		assert_true(abi_encode_call(signature, leaves, n, &out, &e));
		assert_int_equal(out.n, len);
		assert_memory_equal(out.p, want, len);
		assert_true(abi_is(signature, bytes_of(want, len)));
		assert_true(abi_decode(abi_types(signature), bytes_of(want + 4, len - 4), back,
		        COUNT(back), &m, &e));
		assert_int_equal(m, n);
		for (size_t k = 0; k < n; k++) {
			assert_memory_equal(back[k].word.b, leaves[k].word.b, 32);
			assert_true(str_eq(bytes_str(back[k].bytes), bytes_str(leaves[k].bytes)));
		}
		/* Cut off anywhere, it is no call any more, unless only padding is gone. */
		for (size_t cut = 4; cut + 32 <= len; cut++)
			assert_false(abi_decode(abi_types(signature), bytes_of(want + 4, cut - 4),
			        back, COUNT(back), &m, &e));
	}
}

/* Solidity's documentation, "Contract ABI Specification": baz, and its selectors. */
static void as_the_specification_says(void **state)
{
	struct abi_leaf two[] = {abi_u64(69), abi_u64(1)};
	struct buf out OWN(buf_done) = {0};
	char text[200];
	struct err e;

	(void)state;
	buf_init(&out, 68);
	assert_true(abi_encode_call("baz(uint32,bool)", two, 2, &out, &e));
	hex_format(out.p, out.n, text);
	assert_string_equal(text,
	        "0xcdcd77c0"
	        "0000000000000000000000000000000000000000000000000000000000000045"
	        "0000000000000000000000000000000000000000000000000000000000000001");
	assert_true(abi_is("sam(bytes,bool,uint256[])", bytes_of("\xa5\x64\x3b\xf2", 4)));
	assert_true(abi_is("bar(bytes3[2])", bytes_of("\xfc\xe3\x53\xf6", 4)));
	assert_false(abi_is("bar(bytes3[2])", bytes_of("\xfc\xe3\x53", 3)));
}

static void values_that_do_not_fit_are_refused(void **state)
{
	struct amount big;
	struct buf out OWN(buf_done) = {0};
	struct abi_leaf l[2] = {abi_u64(256), abi_u64(2)};
	struct err e;

	(void)state;
	buf_init(&out, 4096);
	assert_false(abi_encode(STR("uint8"), l, 1, &out, &e));
	assert_int_equal(e.code, E_RANGE);
	assert_false(abi_encode(STR("bool"), l + 1, 1, &out, &e));
	assert_false(abi_encode(STR("uint16"), l, 2, &out, &e)); /* one too many */
	assert_int_equal(e.code, E_INTERNAL);
	assert_false(abi_encode(STR("uint16,uint16,uint16"), l, 2, &out, &e));
	assert_false(abi_encode(STR("uint8[]"), l, 1, &out, &e)); /* 256 items, none there */
	assert_false(abi_encode(STR("float"), l, 1, &out, &e));
	assert_true(amount_parse(STR("79228162514264337593543950336"), &big)); /* 2^96 */
	l[0] = abi_amount(big);
	assert_false(abi_encode(STR("uint96"), l, 1, &out, &e));
	buf_reset(&out);
	assert_true(abi_encode(STR("uint104"), l, 1, &out, &e));
	assert_int_equal(out.n, 32);
}

static void words_that_a_type_does_not_allow_are_refused(void **state)
{
	static const char *const types[] = {"address", "bool", "uint96", "bytes4"};
	struct abi_leaf l;
	uint8_t word[32];
	size_t n = 7;
	struct err e;

	(void)state;
	memset(word, 0xff, sizeof word);
	for (size_t i = 0; i < COUNT(types); i++) {
		assert_false(abi_decode(str_of(types[i]), bytes_of(word, 32), &l, 1, &n, &e));
		assert_int_equal(e.code, E_ENCODING);
		assert_int_equal(n, 7);
	}
	assert_true(abi_decode(STR("uint256"), bytes_of(word, 32), &l, 1, &n, &e));
	assert_false(abi_decode(STR("bytes"), bytes_of(word, 32), &l, 1, &n, &e));
	assert_false(abi_decode(STR("uint256[]"), bytes_of(word, 32), &l, 1, &n, &e));
}

/* A list of lists that all lie in the same place would be large without being long. */
static void what_is_read_is_bounded(void **state)
{
	static uint8_t data[32 * 400];
	static struct abi_leaf many[ABI_LEAVES_MAX];
	size_t n;
	struct err e;

	(void)state;
	data[31] = 32;
	data[32 + 30] = 1; /* 256 items */
	for (size_t i = 0; i < 256; i++) {
		data[64 + 32 * i + 30] = 0x20; /* each at 8192 */
		data[64 + 32 * i + 31] = 0;
	}
	data[64 + 8192 + 31] = 100;
	assert_false(abi_decode(
	        STR("uint8[][]"), bytes_of(data, sizeof data), many, COUNT(many), &n, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
}

static void leaves_are_what_was_put_in(void **state)
{
	struct addr a = {{1, 2, 3}}, b;
	struct abi_leaf l = abi_addr(&a);

	(void)state;
	b = abi_get_addr(&l);
	assert_true(addr_eq(&a, &b));
	l = abi_u64(UINT64_MAX);
	assert_true(abi_get_u64(&l) == UINT64_MAX);
	l = abi_amount(amount_of(5));
	assert_true(amount_eq(abi_get_amount(&l), amount_of(5)));
	assert_true(u256_cmp(abi_get_u256(&l), u256_of(5)) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(as_another_implementation_does),
	        cmocka_unit_test(as_the_specification_says),
	        cmocka_unit_test(values_that_do_not_fit_are_refused),
	        cmocka_unit_test(words_that_a_type_does_not_allow_are_refused),
	        cmocka_unit_test(what_is_read_is_bounded),
	        cmocka_unit_test(leaves_are_what_was_put_in),
	};

	return cmocka_run_group_tests(tests, load, drop);
}
