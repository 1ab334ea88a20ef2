/* keccak_test.c - Keccak-256 against published digests and against another implementation. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/buf.h"
#include "crypto/keccak.h"

static void check(const char *hex, const struct hash *h)
{
	struct buf b OWN(buf_done);

	buf_init(&b, 64);
	buf_hex(&b, h->b, sizeof h->b);
	assert_string_equal(buf_cstr(&b), hex);
}

/* The reference's team (KeccakKAT ShortMsgKAT_256 for cc, 41FB) and what Ethereum's texts state. */
static void test_published(void **state)
{
	static const struct {
		const char *in;
		const char *digest;
	} rows[] = {
	        {"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
	        {"\xcc", "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a"},
	        {"\x41\xfb", "a8eaceda4d47b3281a795ad9e1ea2122b407baf9aabcb9e18b5717b7873537d2"},
	        {"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"},
	        {"transfer(address,uint256)",
	                "a9059cbb2ab09eb219583f4a59a5d0623ade346d962bcd4e46b11da047c9049b"},
	        {"Transfer(address,address,uint256)",
	                "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"},
	        {"EIP712Domain(string name,string version,uint256 chainId,address "
	         "verifyingContract)",
	                "8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f"},
	};
	struct hash h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		keccak256(rows[i].in, strlen(rows[i].in), &h);
		check(rows[i].digest, &h);
	}
}

static uint64_t splitmix64(uint64_t *s)
{
	uint64_t z = *s += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

/* At every length around every block boundary, whole and in pieces. */
static void test_second_opinion(void **state)
{
	FILE *f = fopen("tests/vectors/keccak256.txt", "r");
	uint8_t in[1208];
	char line[160];
	size_t n = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		struct keccak k;
		struct hash h;
		uint64_t s = n, cut = n ? (n * 7919) % (n + 1) : 0;

		if (line[0] == '#')
			continue;
		line[strcspn(line, "\n")] = '\0';
		for (size_t i = 0; i < n; i += 8) {
			uint64_t w = splitmix64(&s);

			memcpy(in + i, &w, 8);
		}
		keccak256(in, n, &h);
		check(line, &h);
		keccak_init(&k);
		keccak_add(&k, in, cut);
		keccak_add(&k, NULL, 0);
		keccak_add(&k, in + cut, n - cut);
		keccak_end(&k, &h);
		check(line, &h);
		/* After its end it starts over. */
		for (size_t i = 0; i < n; i++)
			keccak_add(&k, in + i, 1);
		keccak_end(&k, &h);
		check(line, &h);
		n++;
	}
	fclose(f);
	assert_int_equal(n, 1201);
}

static void test_overlap(void **state)
{
	struct hash h = {{0}}, expect;

	(void)state;
	keccak256(&h, sizeof h, &expect);
	keccak256(&h, sizeof h, &h);
	assert_true(hash_eq(&h, &expect));
	/* keccak256 of 32 zero bytes, a constant of Ethereum's storage layout. */
	check("290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563", &h);
	keccak256(NULL, 0, &h);
	check("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470", &h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_published),
	        cmocka_unit_test(test_second_opinion),
	        cmocka_unit_test(test_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
