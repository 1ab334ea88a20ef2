/* secp_test.c - keys, accounts and signatures against published ones, and what must be refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "crypto/keccak.h"
#include "crypto/secp.h"

static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
static const char half[] = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
static const char half_plus_1[] =
        "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1";

static void unhex(const char *hex, uint8_t *out)
{
	for (size_t i = 0; hex[2 * i]; i++) {
		const char two[] = {hex[2 * i], hex[2 * i + 1], '\0'};

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
}

static struct sig sig_of(const char *r, const char *s, uint8_t v)
{
	struct sig sig = {.n = 65};

	unhex(r, sig.b);
	unhex(s, sig.b + 32);
	sig.b[64] = v;
	return sig;
}

static void must_refuse(const struct hash *digest, struct sig sig)
{
	struct addr a = {{1, 2, 3}}, same = a;
	struct err e;

	assert_false(secp_recover(digest, &sig, &a, &e));
	assert_int_equal(e.code, E_SIGNATURE);
	assert_true(e.msg[0]);
	assert_true(addr_eq(&a, &same));
}

/* The accounts of the mnemonic "test test … junk" that Hardhat and Anvil print, and EIP-155's key. */
static void test_accounts(void **state)
{
	static const struct {
		const char *key;
		const char *addr;
	} rows[] = {
	        {"ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
	                "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"},
	        {"59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
	                "70997970c51812dc3a010c7d01b50e0d17dc79c8"},
	        {"5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
	                "3c44cdddb6a900fa2b585dd299e03d12fa4293bc"},
	        {"7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
	                "90f79bf6eb2c4f870365e785982e1f101e93b906"},
	        {"47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
	                "15d34aaf54267db7d7c367839aaf71a00a2c6a65"},
	        {"4646464646464646464646464646464646464646464646464646464646464646",
	                "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct seckey k;
		struct addr a, expect;

		unhex(rows[i].key, k.b);
		unhex(rows[i].addr, expect.b);
		assert_true(seckey_addr(&k, &a, &e));
		assert_true(addr_eq(&a, &expect));
	}
}

static void test_key_bounds(void **state)
{
	struct hash digest = {{7}};
	struct sig sig = {.n = 9}, same = sig;
	struct addr a;
	struct seckey k = {{0}}, fresh;
	struct err e;

	(void)state;
	assert_false(seckey_valid(&k));
	assert_false(seckey_addr(&k, &a, &e));
	assert_int_equal(e.code, E_KEY);
	assert_false(secp_sign(&k, &digest, &sig, &e));
	assert_int_equal(e.code, E_KEY);
	assert_memory_equal(&sig, &same, sizeof sig);
	unhex(order, k.b);
	assert_false(seckey_valid(&k));
	k.b[31]--;
	assert_true(seckey_valid(&k));
	assert_true(seckey_new(&k, &e));
	assert_true(seckey_new(&fresh, &e));
	assert_true(seckey_valid(&k) && seckey_valid(&fresh));
	assert_memory_not_equal(k.b, fresh.b, sizeof k.b);
	seckey_wipe(&k);
	assert_memory_equal(k.b, (uint8_t[32]){0}, sizeof k.b);
}

/* EIP-155's example transaction (its v 37 is 27 + 10 on chain 1) and EIP-712's example mail. */
static void test_published_signatures(void **state)
{
	static const struct {
		const char *key, *digest, *r, *s;
		uint8_t v;
	} rows[] = {
	        {"4646464646464646464646464646464646464646464646464646464646464646",
	                "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53",
	                "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276",
	                "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83", 27},
	        {"c85ef7d79691fe79573b1a7064c19c1a9819ebdbd1faaab1a8ec92344438aaf4",
	                "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2",
	                "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d",
	                "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562", 28},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sig expect = sig_of(rows[i].r, rows[i].s, rows[i].v), sig;
		struct addr signer, a;
		struct hash digest;
		struct seckey k;

		unhex(rows[i].key, k.b);
		unhex(rows[i].digest, digest.b);
		assert_true(secp_sign(&k, &digest, &sig, &e));
		assert_memory_equal(&sig, &expect, sizeof sig);
		assert_true(seckey_addr(&k, &a, &e));
		assert_true(secp_recover(&digest, &expect, &signer, &e));
		assert_true(addr_eq(&a, &signer));
		assert_true(secp_check(&digest, &sig, &a, &e));
	}
}

/* The two test cases of EIP-2098, in both forms. */
static void test_compact(void **state)
{
	static const struct {
		const char *message, *r, *s, *compact_s;
		uint8_t v;
	} rows[] = {
	        {"\x19"
	         "Ethereum Signed Message:\n11Hello World",
	                "68a020a209d3d56c46f38cc50a33f704f4a9a10a59377f8dd762ac66910e9b90",
	                "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064",
	                "7e865ad05c4035ab5792787d4a0297a43617ae897930a6fe4d822b8faea52064", 27},
	        {"\x19"
	         "Ethereum Signed Message:\n22It's a small(er) world",
	                "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76",
	                "139c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793",
	                "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793", 28},
	};
	struct seckey k;
	struct addr a, signer;
	struct err e;

	(void)state;
	unhex("1234567890123456789012345678901234567890123456789012345678901234", k.b);
	assert_true(seckey_addr(&k, &a, &e));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sig compact = sig_of(rows[i].r, rows[i].compact_s, 0);
		struct sig whole = sig_of(rows[i].r, rows[i].s, rows[i].v);
		struct hash digest;

		keccak256(rows[i].message, strlen(rows[i].message), &digest);
		compact.n = 64;
		assert_true(secp_check(&digest, &whole, &a, &e));
		assert_true(secp_check(&digest, &compact, &a, &e));
		sig_compact(&whole);
		assert_int_equal(whole.n, 64);
		assert_memory_equal(whole.b, compact.b, 65);
		sig_compact(&whole);
		assert_int_equal(whole.n, 64);
		compact.b[32] ^= 0x80;
		assert_true(!secp_recover(&digest, &compact, &signer, &e) || !addr_eq(&signer, &a));
	}
}

static void test_refused(void **state)
{
	static const uint8_t bad_v[] = {0, 1, 2, 26, 29, 30, 37, 38, 255};
	static const uint8_t bad_n[] = {0, 1, 63, 66, 255};
	const char *r = "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276";
	const char *s = "67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
	/* order - s, with the other parity: the same signature's high twin. */
	const char *high = "98341627668089e51348fccfb4c7ff31c55912f2d2e47ef09652acf665fad3be";
	const char *zero = "0000000000000000000000000000000000000000000000000000000000000000";
	struct sig sig = sig_of(r, s, 27);
	struct hash digest;
	struct addr a;
	struct err e;

	(void)state;
	unhex("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53", digest.b);
	assert_true(secp_recover(&digest, &sig, &a, &e));
	must_refuse(&digest, sig_of(r, high, 28));
	must_refuse(&digest, sig_of(r, half_plus_1, 27));
	must_refuse(&digest, sig_of(r, half_plus_1, 28));
	must_refuse(&digest, sig_of(zero, s, 27));
	must_refuse(&digest, sig_of(r, zero, 27));
	must_refuse(&digest, sig_of(zero, zero, 28));
	must_refuse(&digest, sig_of(order, s, 27));
	must_refuse(&digest, sig_of(r, order, 27));
	/* The highest low s is a number like any other. */
	sig = sig_of(r, half, 27);
	assert_true(secp_recover(&digest, &sig, &a, &e));
	for (size_t i = 0; i < COUNT(bad_v); i++)
		must_refuse(&digest, sig_of(r, s, bad_v[i]));
	for (size_t i = 0; i < COUNT(bad_n); i++) {
		sig = sig_of(r, s, 27);
		sig.n = bad_n[i];
		must_refuse(&digest, sig);
	}
	/* EIP-2098 with a high s under the parity bit. */
	sig = sig_of(r, half_plus_1, 0);
	sig.n = 64;
	must_refuse(&digest, sig);
	sig.b[32] |= 0x80;
	must_refuse(&digest, sig);
}

static void test_other_signer(void **state)
{
	struct hash digest = {{1}};
	struct addr a, other;
	struct seckey k;
	struct sig sig;
	struct err e;

	(void)state;
	assert_true(seckey_new(&k, &e));
	assert_true(seckey_addr(&k, &a, &e));
	for (uint8_t i = 0; i < 200; i++) {
		digest.b[31] = i;
		assert_true(secp_sign(&k, &digest, &sig, &e));
		assert_true(secp_check(&digest, &sig, &a, &e));
		digest.b[5] ^= 1;
		assert_false(secp_check(&digest, &sig, &a, &e));
		assert_int_equal(e.code, E_SIGNATURE);
		digest.b[5] ^= 1;
	}
	other = a;
	other.b[0] ^= 1;
	assert_false(secp_check(&digest, &sig, &other, &e));
	assert_int_equal(e.code, E_SIGNATURE);
	assert_int_equal(strncmp(e.msg, "signed by 0x", 12), 0);
}

static void *sign_and_check(void *failed)
{
	struct hash digest = {{3}};
	struct seckey k = {{[31] = 5}};
	struct addr a;
	struct sig sig;
	struct err e;

	for (int i = 0; i < 50; i++) {
		digest.b[0] = (uint8_t)i;
		if (!seckey_addr(&k, &a, &e) || !secp_sign(&k, &digest, &sig, &e) ||
		        !secp_check(&digest, &sig, &a, &e))
			*(bool *)failed = true;
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t t[4];
	bool failed[COUNT(t)] = {false};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, sign_and_check, &failed[i]), 0);
	for (size_t i = 0; i < COUNT(t); i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_false(failed[i]);
	}
}

int main(void)
{
	/* The threads come first, so that they race for the first use. */
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_threads),
	        cmocka_unit_test(test_accounts),
	        cmocka_unit_test(test_key_bounds),
	        cmocka_unit_test(test_published_signatures),
	        cmocka_unit_test(test_compact),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_other_signer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
