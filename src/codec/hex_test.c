/* hex_test.c - hex and EIP-55 addresses, and the messages for what is neither. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "codec/hex.h"

static void test_hex(void **state)
{
	static const char *const bad[] = {"", "0", "0x1", "0X12", "12", "0x1g", "0xg1", "x12",
	        "0x 1", "0x12 ", "0x12\n", "-0x12", "0x0x"};
	uint8_t out[4] = {9, 9, 9, 9};
	char text[16];
	struct err e;
	size_t n;

	(void)state;
	assert_true(hex_parse(STR("0x00fFAb12"), out, 4, &e));
	assert_memory_equal(out, "\x00\xff\xab\x12", 4);
	assert_int_equal(hex_format(out, 4, text), 10);
	assert_string_equal(text, "0x00ffab12");
	assert_int_equal(hex_format(NULL, 0, text), 2);
	assert_string_equal(text, "0x");
	assert_true(hex_parse(STR("0x"), out, 0, &e));
	assert_true(hex_parse_upto(STR("0x"), out, 4, &n, &e));
	assert_int_equal(n, 0);
	assert_true(hex_parse_upto(STR("0xa1b2"), out, 4, &n, &e));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < COUNT(bad); i++) {
		n = 77;
		assert_false(hex_parse_upto(str_of(bad[i]), out, 4, &n, &e));
		assert_int_equal(e.code, E_ENCODING);
		assert_int_equal(n, 77);
		assert_false(hex_parse(str_of(bad[i]), out, 1, &e));
		assert_int_equal(e.code, E_ENCODING);
	}
	/* A late bad digit leaves the output alone. */
	assert_memory_equal(out, "\xa1\xb2\xab\x12", 4);
	assert_false(hex_parse(STR("0x0000000g"), out, 4, &e));
	assert_memory_equal(out, "\xa1\xb2\xab\x12", 4);
}

static void test_hex_length(void **state)
{
	uint8_t out[4];
	char *big = malloc(100002);
	struct err e;
	size_t n;

	(void)state;
	assert_false(hex_parse(STR("0x112233"), out, 4, &e));
	assert_string_equal(e.msg, "\"0x112233\" has 6 hex digits: it must have 8");
	assert_false(hex_parse(STR("0x1122334455"), out, 4, &e));
	assert_false(hex_parse_upto(STR("0x1122334455"), out, 4, &n, &e));
	assert_string_equal(e.msg, "\"0x1122334455\" has 5 bytes of hex: at most 4 fit here");
	assert_non_null(big);
	memset(big, '1', 100002);
	memcpy(big, "0x", 2);
	assert_false(hex_parse((struct str){big, 100002}, out, 4, &e));
	assert_non_null(strstr(e.msg, "1...\" has 100000 hex digits"));
	/* What is no text does not reach a message or a terminal as it is. */
	assert_false(hex_parse((struct str){"0x\x1b[2J\xff\0z", 9}, out, 4, &e));
	assert_non_null(strstr(e.msg, "\"0x?[2J??z\""));
	free(big);
}

/* EIP-55, test cases. */
static const char *const eip55[] = {"0x52908400098527886E0F7030069857D2E4169EE7",
        "0x8617E340B3D01FA5F11F306F4090FD50E238070D", "0xde709f2102306220921060314715629080e2fb77",
        "0x27b1fdb04752bbc536007a920d24acb045561c26", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"};

static void test_addr(void **state)
{
	char text[ADDR_TEXT_MAX];
	struct addr a, b;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(eip55); i++) {
		char lower[ADDR_TEXT_MAX];

		for (size_t k = 0; k < sizeof lower; k++)
			lower[k] = (char)(eip55[i][k] | (eip55[i][k] >= 'A' ? 0x20 : 0));
		assert_true(addr_parse(str_of(eip55[i]), &a, &e));
		assert_true(addr_parse(str_of(lower), &b, &e));
		assert_true(addr_eq(&a, &b));
		assert_int_equal(addr_format(&a, text), 42);
		assert_string_equal(text, eip55[i]);
	}
}

static void test_addr_mistyped(void **state)
{
	struct addr a = {{1}}, same = a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(eip55); i++) {
		for (size_t k = 2; k < 42; k++) {
			char text[ADDR_TEXT_MAX];

			memcpy(text, eip55[i], sizeof text);
			if (text[k] < 'A')
				continue;
			text[k] ^= 0x20;
			/* One letter of two in the other case may leave all lower case, which is accepted. */
			if (str_is(str_of(text), "0xde709f2102306220921060314715629080e2fb77"))
				continue;
			assert_false(addr_parse(str_of(text), &a, &e));
			assert_int_equal(e.code, E_ENCODING);
			assert_non_null(strstr(e.hint, eip55[i]));
			assert_true(addr_eq(&a, &same));
		}
	}
	assert_false(addr_parse(STR("0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266"), &a, &e));
	assert_false(addr_parse(STR("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"), &a, &e));
	assert_false(addr_parse(STR("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb922"), &a, &e));
	assert_false(addr_parse(STR(""), &a, &e));
	assert_true(addr_parse(STR("0x0000000000000000000000000000000000000000"), &a, &e));
	assert_true(addr_is_zero(&a));
}

static void test_hash(void **state)
{
	const char *text = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
	char out[HASH_TEXT_MAX];
	struct hash h;
	struct err e;

	(void)state;
	assert_true(hash_parse(str_of(text), &h, &e));
	assert_int_equal(hash_format(&h, out), 66);
	assert_string_equal(out, text);
	assert_false(hash_parse((struct str){text, 65}, &h, &e));
	assert_false(hash_parse((struct str){text, 64}, &h, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hex),
	        cmocka_unit_test(test_hex_length),
	        cmocka_unit_test(test_addr),
	        cmocka_unit_test(test_addr_mistyped),
	        cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
