/* sha256_test.c - the examples of NIST (FIPS 180-4; CAVP SHA256ShortMsg). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "base/buf.h"
#include "crypto/sha256.h"

static void check(const char *hex, const struct hash *h)
{
	struct buf b OWN(buf_done);

	buf_init(&b, 64);
	buf_hex(&b, h->b, sizeof h->b);
	assert_string_equal(buf_cstr(&b), hex);
}

static const struct {
	const char *in;
	const char *digest;
} rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"\xd3", "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
        {"\x11\xaf", "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "mnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void test_examples(void **state)
{
	struct sha256 *s = sha256_new();
	struct hash h;

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = strlen(rows[i].in);

		sha256(rows[i].in, n, &h);
		check(rows[i].digest, &h);
		sha256_add(s, rows[i].in, n / 2);
		sha256_add(s, rows[i].in + n / 2, n - n / 2);
		sha256_end(s, &h);
		check(rows[i].digest, &h);
	}
	assert_null(sha256_free(s));
	assert_null(sha256_free(NULL));
}

static void test_million(void **state)
{
	struct sha256 *s = sha256_new();
	char a[1000];
	struct hash h;

	(void)state;
	assert_non_null(s);
	memset(a, 'a', sizeof a);
	for (int i = 0; i < 1000; i++)
		sha256_add(s, a, sizeof a);
	sha256_end(s, &h);
	check("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", &h);
	sha256_free(s);
}

static void *hash_abc(void *out)
{
	for (int i = 0; i < 2000; i++)
		sha256("abc", 3, out);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t t[4];
	struct hash h[COUNT(t)];

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, hash_abc, &h[i]), 0);
	for (size_t i = 0; i < COUNT(t); i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		check(rows[3].digest, &h[i]);
	}
}

int main(void)
{
	/* The threads come first, so that they race for the first use. */
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_threads),
	        cmocka_unit_test(test_examples),
	        cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
