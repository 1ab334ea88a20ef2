/* base_test.c - base32, base58 and base64url against published vectors, and that bytes have one text only. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/hex.h"

typedef size_t format_fn(const void *, size_t, char *);
typedef bool parse_fn(struct str, void *, size_t, size_t *);

static void pair(format_fn *format, parse_fn *parse, const void *in, size_t n, const char *text)
{
	uint8_t back[160];
	char out[400];
	size_t got = 0;

	assert_int_equal(format(in, n, out), strlen(text));
	assert_string_equal(out, text);
	assert_true(parse(str_of(text), back, n, &got));
	assert_int_equal(got, n);
	assert_memory_equal(back, in, n);
	/* One byte less of room is not enough. */
	if (n)
		assert_false(parse(str_of(text), back, n - 1, &got));
}

/* RFC 4648 section 10, without the padding; RFC 7515 appendix C for base64url. */
static void test_rfc4648(void **state)
{
	static const char *const rows[][3] = {{"", "", ""}, {"f", "my", "Zg"},
	        {"fo", "mzxq", "Zm8"}, {"foo", "mzxw6", "Zm9v"}, {"foob", "mzxw6yq", "Zm9vYg"},
	        {"fooba", "mzxw6ytb", "Zm9vYmE"}, {"foobar", "mzxw6ytboi", "Zm9vYmFy"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		pair(base32_format, base32_parse, rows[i][0], strlen(rows[i][0]), rows[i][1]);
		pair(base64url_format, base64url_parse, rows[i][0], strlen(rows[i][0]), rows[i][2]);
	}
	pair(base64url_format, base64url_parse, "\x03\xec\xff\xe0\xc1", 5, "A-z_4ME");
}

/* Bitcoin Core, src/test/data/base58_encode_decode.json. */
static void test_base58(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *text;
	} rows[] = {
	        {"", 0, ""},
	        {"\x61", 1, "2g"},
	        {"\x62\x62\x62", 3, "a3gV"},
	        {"\x63\x63\x63", 3, "aPEr"},
	        {"simply a long string", 20, "2cFupjhnEsSn59qHXstmK2ffpLv2"},
	        {"\x00\xeb\x15\x23\x1d\xfc\xeb\x60\x92\x58\x86\xb6\x7d\x06\x52\x99\x92\x59\x15\xae\xb1"
	         "\x72\xc0\x66\x47",
	                25, "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
	        {"\x51\x6b\x6f\xcd\x0f", 5, "ABnLTmg"},
	        {"\xbf\x4f\x89\x00\x1e\x67\x02\x74\xdd", 9, "3SEo3LWLoPntC"},
	        {"\x57\x2e\x47\x94", 4, "3EFU7m"},
	        {"\xec\xac\x89\xca\xd9\x39\x23\xc0\x23\x21", 10, "EJDM8drfXA6uyA"},
	        {"\x10\xc8\x51\x1e", 4, "Rt5zm"},
	        {"\0\0\0\0\0\0\0\0\0\0", 10, "1111111111"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		pair(base58_format, base58_parse, rows[i].in, rows[i].n, rows[i].text);
}

static void test_refused(void **state)
{
	/* Upper case, padding, digits 0 1 8 9, lengths 1, 3 and 6, bits that are not zero. */
	static const char *const bad32[] = {"MY", "my======", "0y", "1y", "8y", "9y", "m", "mzx",
	        "mzxw6y", "mz", "mzxr", "mzxw7", "m y", "my\n"};
	static const char *const bad58[] = {"0", "O", "I", "l", "2g ", " 2g", "2g\n", "\x80"};
	static const char *const bad64[] = {
	        "Zg==", "Z", "Zh", "Zm9", "Zm9vY", "+_8", "/_8", "Zg\n", "Z g"};
	uint8_t out[200];
	char ones[200];
	size_t n = 77;

	(void)state;
	for (size_t i = 0; i < COUNT(bad32); i++)
		assert_false(base32_parse(str_of(bad32[i]), out, sizeof out, &n));
	for (size_t i = 0; i < COUNT(bad58); i++)
		assert_false(base58_parse(str_of(bad58[i]), out, sizeof out, &n));
	for (size_t i = 0; i < COUNT(bad64); i++)
		assert_false(base64url_parse(str_of(bad64[i]), out, sizeof out, &n));
	assert_false(base58_parse((struct str){"2\0g", 3}, out, sizeof out, &n));
	assert_false(base32_parse((struct str){"m\0", 2}, out, sizeof out, &n));
	/* 128 bytes are the most of base58. */
	memset(ones, '1', sizeof ones);
	assert_false(base58_parse((struct str){ones, 129}, out, sizeof out, &n));
	memset(ones, 'z', sizeof ones);
	assert_false(base58_parse((struct str){ones, 176}, out, sizeof out, &n));
	assert_false(base58_parse((struct str){ones, sizeof ones}, out, sizeof out, &n));
	assert_int_equal(n, 77);
}

/* Every length, with leading zeros and the largest values: the sizes that hex.h promises hold. */
static void test_round_trips(void **state)
{
	static const struct {
		format_fn *format;
		parse_fn *parse;
		size_t num, den, more;
	} forms[] = {
	        {base32_format, base32_parse, 8, 5, 4},
	        {base58_format, base58_parse, 138, 100, 0},
	        {base64url_format, base64url_parse, 4, 3, 2},
	};
	uint32_t seed = 1;

	(void)state;
	for (size_t f = 0; f < COUNT(forms); f++) {
		for (size_t n = 0; n <= 128; n++) {
			for (unsigned kind = 0; kind < 4; kind++) {
				uint8_t in[128], back[128];
				char text[400];
				size_t len, got;

				for (size_t i = 0; i < n; i++) {
					seed = seed * 1664525 + 1013904223;
					in[i] = kind == 0                ? 0xff
					        : kind == 1 && i < n / 2 ? 0
					                                 : (uint8_t)(seed >> 24);
				}
				len = forms[f].format(in, n, text);
				assert_true(len <=
				            (n * forms[f].num + forms[f].more) / forms[f].den + 1);
				assert_int_equal(text[len], 0);
				assert_true(forms[f].parse((struct str){text, len}, back, n, &got));
				assert_int_equal(got, n);
				assert_memory_equal(in, back, n);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rfc4648),
	        cmocka_unit_test(test_base58),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
