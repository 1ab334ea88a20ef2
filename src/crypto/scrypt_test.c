/* scrypt_test.c - RFC 7914 section 12, and OpenSSL's scrypt where that takes the cost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "crypto/scrypt.h"

static void test_rfc7914(void **state)
{
	static const struct {
		const char *password, *salt;
		struct scrypt_cost cost;
		const char *key;
	} rows[] = {
	        {"", "", {16, 1, 1},
	                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
	                "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
	        {"password", "NaCl", {1024, 8, 16},
	                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
	                "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
	        {"pleaseletmein", "SodiumChloride", {16384, 8, 1},
	                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
	                "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf hex OWN(buf_done);
		uint8_t key[64];
		struct err e;

		buf_init(&hex, 200);
		assert_true(scrypt(str_of(rows[i].password), str_bytes(str_of(rows[i].salt)),
		        rows[i].cost, key, sizeof key, &e));
		buf_hex(&hex, key, sizeof key);
		assert_string_equal(buf_cstr(&hex), rows[i].key);
	}
}

static void test_openssl(void **state)
{
	static const struct scrypt_cost costs[] = {{2, 1, 1}, {2, 8, 1}, {4, 3, 2}, {64, 2, 5},
	        {128, 7, 3}, {1024, 1, 1}, {4096, 8, 6}, {32768, 1, 2}};

	(void)state;
	for (size_t i = 0; i < COUNT(costs); i++) {
		uint8_t ours[100], theirs[100], salt[32];
		struct err e;

		memset(salt, (int)i, sizeof salt);
		assert_int_equal(EVP_PBE_scrypt("secret", 6, salt, sizeof salt, costs[i].n,
		                         costs[i].r, costs[i].p, 1 << 26, theirs, sizeof theirs),
		        1);
		assert_true(scrypt(STR("secret"), bytes_of(salt, sizeof salt), costs[i], ours,
		        sizeof ours, &e));
		assert_memory_equal(ours, theirs, sizeof ours);
	}
}

static void test_costs_refused(void **state)
{
	static const struct scrypt_cost costs[] = {{0, 8, 1}, {1, 8, 1}, {3, 8, 1}, {1000, 8, 1},
	        {16, 0, 1}, {16, 8, 0}, {1 << 24, 1, 1}, {1 << 21, 8, 1}, {1 << 20, 8, 2},
	        {2, 1 << 22, 2}, {2, 1, 1 << 23}, {UINT64_MAX, 1, 1}, {(uint64_t)1 << 63, 1, 1},
	        {2, UINT64_MAX, 1}, {2, 1, UINT64_MAX}, {2, 257, 1}, {2, 1, 257},
	        {2, (uint64_t)1 << 62, 2}, {2, (uint64_t)1 << 32, (uint64_t)1 << 32}};
	uint8_t out[32] = {7};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(costs); i++) {
		assert_false(scrypt(STR("x"), bytes_of("y", 1), costs[i], out, sizeof out, &e));
		assert_int_equal(e.code, E_RANGE);
		assert_int_equal(out[0], 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rfc7914),
	        cmocka_unit_test(test_openssl),
	        cmocka_unit_test(test_costs_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
