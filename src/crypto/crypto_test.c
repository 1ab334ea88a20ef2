/* crypto_test.c - against published vectors: Keccak (Keccak team and Ethereum), SHA-256 (FIPS 180-4),
 * accounts and signatures (the first test accounts of the mnemonic "test test … junk"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/keccak.h"
#include "crypto/secp.h"
#include "crypto/sha256.h"

static void unhex(const char *hex, void *out, size_t n)
{
	uint8_t *to = out;

	assert_int_equal(strlen(hex), 2 * n);
	for (size_t i = 0; i < n; i++) {
		char two[3] = {hex[2 * i], hex[2 * i + 1], 0};

		to[i] = (uint8_t)strtoul(two, NULL, 16);
	}
}

static void same(const struct hash *h, const char *hex)
{
	struct hash want;

	unhex(hex, want.b, sizeof want.b);
	assert_memory_equal(h->b, want.b, sizeof want.b);
}

static void keccak_vectors(void **state)
{
	struct hash h;

	(void)state;
	keccak256("", 0, &h);
	same(&h, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
	keccak256("abc", 3, &h);
	same(&h, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
	keccak256("Transfer(address,address,uint256)", 33, &h);
	same(&h, "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

/* Pieces of any size give what one call gives, on both sides of the 136-byte rate. */
static void keccak_pieces(void **state)
{
	uint8_t data[600];

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 + 1);
	for (size_t n = 130; n <= 280; n++) {
		struct hash whole, parts;
		struct keccak k;

		keccak256(data, n, &whole);
		keccak_init(&k);
		for (size_t i = 0; i < n; i += 17)
			keccak_add(&k, data + i, MIN2((size_t)17, n - i));
		keccak_end(&k, &parts);
		assert_true(hash_eq(&whole, &parts));
	}
}

static void sha256_vectors(void **state)
{
	struct sha256 *s = sha256_new();
	struct hash h;

	(void)state;
	sha256("abc", 3, &h);
	same(&h, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_add(s, "abcdbcdecdefdefgefghfghighijhijk", 32);
	sha256_add(s, "ijkljklmklmnlmnomnopnopq", 24);
	sha256_end(s, &h);
	same(&h, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	sha256_end(s, &h); /* starts over */
	same(&h, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256_free(s);
}

static const char test_key[] = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
static const char test_addr[] = "f39fd6e51aad88f6f4ce6ab8827279cfffb92266";

static void accounts(void **state)
{
	struct seckey k;
	struct addr a, want;
	struct err e;

	(void)state;
	unhex(test_key, k.b, 32);
	unhex(test_addr, want.b, 20);
	assert_true(seckey_addr(&k, &a, &e));
	assert_true(addr_eq(&a, &want));
	memset(k.b, 0, 32);
	assert_false(seckey_addr(&k, &a, &e));
	assert_int_equal(e.code, E_KEY);
	memset(k.b, 0xff, 32);
	assert_false(seckey_valid(&k));
}

/* EIP-2098 compact form of a 65-byte signature. */
static struct sig compact(const struct sig *s)
{
	struct sig c = *s;

	c.n = 64;
	if (s->b[64] == 28)
		c.b[32] |= 0x80;
	return c;
}

static void signatures(void **state)
{
	struct seckey k;
	struct addr a, got;
	struct sig s, c;
	struct hash d;
	struct err e;

	(void)state;
	unhex(test_key, k.b, 32);
	assert_true(seckey_addr(&k, &a, &e));
	for (unsigned i = 0; i < 64; i++) {
		keccak256(&i, sizeof i, &d);
		assert_true(secp_sign(&k, &d, &s, &e));
		assert_int_equal(s.n, 65);
		assert_true(secp_check(&d, &s, &a, &e));
		c = compact(&s);
		assert_true(secp_recover(&d, &c, &got, &e));
		assert_true(addr_eq(&a, &got));
		d.b[0] ^= 1;
		assert_false(secp_check(&d, &s, &a, &e));
		assert_int_equal(e.code, E_SIGNATURE);
	}
}

/* The order of the curve less s: the same signature to the mathematics, refused here (EIP-2). */
static void flip(struct sig *s)
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2,
		0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
	int borrow = 0;

	for (int i = 31; i >= 0; i--) {
		int v = order[i] - s->b[32 + i] - borrow;

		borrow = v < 0;
		s->b[32 + i] = (uint8_t)(v + (borrow ? 256 : 0));
	}
	s->b[64] = (uint8_t)(27 + 28 - s->b[64]);
}

static void refused_forms(void **state)
{
	struct seckey k;
	struct addr got;
	struct sig s, t;
	struct hash d;
	struct err e;

	(void)state;
	unhex(test_key, k.b, 32);
	keccak256("x", 1, &d);
	assert_true(secp_sign(&k, &d, &s, &e));
	t = s;
	flip(&t);
	assert_false(secp_recover(&d, &t, &got, &e));
	assert_non_null(strstr(e.msg, "upper half"));
	for (unsigned v = 0; v < 256; v++) {
		t = s;
		t.b[64] = (uint8_t)v;
		if (v != 27 && v != 28)
			assert_false(secp_recover(&d, &t, &got, &e));
	}
	t = s;
	memset(t.b, 0, 32);
	assert_false(secp_recover(&d, &t, &got, &e));
	t = s;
	memset(t.b + 32, 0, 32);
	assert_false(secp_recover(&d, &t, &got, &e));
	t = s;
	t.n = 63;
	assert_false(secp_recover(&d, &t, &got, &e));
	assert_int_equal(e.code, E_SIGNATURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keccak_vectors),
		cmocka_unit_test(keccak_pieces),
		cmocka_unit_test(sha256_vectors),
		cmocka_unit_test(accounts),
		cmocka_unit_test(signatures),
		cmocka_unit_test(refused_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
