/* secp.c - libsecp256k1 behind Ethereum's rules. */
#include "crypto/secp.h"

#include <errno.h>
#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>
#include <sys/random.h>

#include "crypto/keccak.h"

/* Half the group order, rounded down: the largest s that is low (EIP-2). */
static const uint8_t half_order[32] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf,
        0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

/* One context for the process, blinded once; after that it is only read, so threads share it, up to
 * the end of the process. */
static pthread_once_t make_once = PTHREAD_ONCE_INIT;
static secp256k1_context *context;

static bool random_bytes(uint8_t *out, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k = getrandom(out + got, n - got, 0);

		if (k < 0 && errno != EINTR)
			return false;
		if (k > 0)
			got += (size_t)k;
	}
	return true;
}

static void make(void)
{
	uint8_t seed[32];

	context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	assert(context);
	/* Blinding hardens signing against side channels; results are the same without it. */
	if (random_bytes(seed, sizeof seed) && secp256k1_context_randomize(context, seed) != 1)
		abort();
	explicit_bzero(seed, sizeof seed);
}

static const secp256k1_context *ctx(void)
{
	pthread_once(&make_once, make);
	return context;
}

static void addr_of(const secp256k1_pubkey *pub, struct addr *out)
{
	uint8_t point[65];
	size_t n = sizeof point;
	struct hash h;
	int ok = secp256k1_ec_pubkey_serialize(ctx(), point, &n, pub, SECP256K1_EC_UNCOMPRESSED);

	assert(ok == 1 && n == sizeof point);
	/* The account is the last 20 bytes of the hash of x and y, without the format byte. */
	keccak256(point + 1, 64, &h);
	memcpy(out->b, h.b + 12, sizeof out->b);
}

bool seckey_new(struct seckey *out, struct err *e)
{
	struct seckey k;

	/* A draw that is not below the group order has a chance of 2^-128. */
	do {
		if (!random_bytes(k.b, sizeof k.b))
			return FAIL_SYS(e, KEY, errno, "the system gave no random bytes for a key");
	} while (!seckey_valid(&k));
	*out = k;
	seckey_wipe(&k);
	return true;
}

bool seckey_valid(const struct seckey *k)
{
	return secp256k1_ec_seckey_verify(ctx(), k->b) == 1;
}

void seckey_wipe(struct seckey *k)
{
	explicit_bzero(k->b, sizeof k->b);
}

bool seckey_addr(const struct seckey *k, struct addr *out, struct err *e)
{
	secp256k1_pubkey pub;

	if (secp256k1_ec_pubkey_create(ctx(), &pub, k->b) != 1)
		return FAIL(e, KEY,
		        "a key is a number from 1 to the order of secp256k1 - 1: this one is not");
	addr_of(&pub, out);
	return true;
}

bool secp_sign(const struct seckey *k, const struct hash *digest, struct sig *out, struct err *e)
{
	secp256k1_ecdsa_recoverable_signature rs;
	struct sig sig = {.n = 65};
	int recid = 0;

	/* No nonce function given: the library's default, RFC 6979. */
	if (secp256k1_ecdsa_sign_recoverable(ctx(), &rs, digest->b, k->b, NULL, NULL) != 1)
		return FAIL(e, KEY,
		        "a key is a number from 1 to the order of secp256k1 - 1: this one is not");
	secp256k1_ecdsa_recoverable_signature_serialize_compact(ctx(), sig.b, &recid, &rs);
	/* r at or above the order needs recovery ids 2 and 3, which Ethereum has no v for: 2^-127. */
	if (recid > 1)
		return FAIL(e, SIGNATURE,
		        "this digest has no signature with v 27 or 28 under this key");
	sig.b[64] = (uint8_t)(27 + recid);
	*out = sig;
	return true;
}

/* r, s and the parity of the point, from either form. */
static bool split(const struct sig *sig, uint8_t rs[64], int *recid, struct err *e)
{
	if (sig->n != 64 && sig->n != 65)
		return FAIL(e, SIGNATURE,
		        "a signature has 65 bytes, or 64 (EIP-2098): this one has %u", sig->n);
	memcpy(rs, sig->b, 64);
	if (sig->n == 65) {
		if (sig->b[64] != 27 && sig->b[64] != 28)
			return FAIL(e, SIGNATURE, "v of a signature is 27 or 28: this one is %u",
			        sig->b[64]);
		*recid = sig->b[64] - 27;
	} else {
		*recid = rs[32] >> 7;
		rs[32] &= 0x7f;
	}
	if (memcmp(rs + 32, half_order, 32) > 0)
		return FAIL(e, SIGNATURE,
		        "s of a signature is at most half the order of secp256k1: this one is above");
	return true;
}

void sig_compact(struct sig *s)
{
	if (s->n != 65 || (s->b[64] != 27 && s->b[64] != 28))
		return;
	s->b[32] |= (uint8_t)((s->b[64] - 27) << 7);
	s->b[64] = 0;
	s->n = 64;
}

bool secp_recover(const struct hash *digest, const struct sig *sig, struct addr *out, struct err *e)
{
	secp256k1_ecdsa_recoverable_signature parsed;
	secp256k1_pubkey pub;
	struct addr who;
	uint8_t rs[64];
	int recid = 0;

	TRY(split(sig, rs, &recid, e), e);
	if (secp256k1_ecdsa_recoverable_signature_parse_compact(ctx(), &parsed, rs, recid) != 1)
		return FAIL(
		        e, SIGNATURE, "r or s of a signature is not below the order of secp256k1");
	/* Fails too when r or s is zero. */
	if (secp256k1_ecdsa_recover(ctx(), &pub, &parsed, digest->b) != 1)
		return FAIL(e, SIGNATURE, "no key has made this signature");
	addr_of(&pub, &who);
	if (addr_is_zero(&who))
		return FAIL(e, SIGNATURE, "the signer is the zero account");
	*out = who;
	return true;
}

static void addr_hex(const struct addr *a, char out[43])
{
	static const char digits[] = "0123456789abcdef";

	memcpy(out, "0x", 2);
	for (size_t i = 0; i < sizeof a->b; i++) {
		out[2 + 2 * i] = digits[a->b[i] >> 4];
		out[3 + 2 * i] = digits[a->b[i] & 15];
	}
	out[42] = '\0';
}

bool secp_check(
        const struct hash *digest, const struct sig *sig, const struct addr *who, struct err *e)
{
	char is[43], must[43];
	struct addr signer;

	TRY(secp_recover(digest, sig, &signer, e), e);
	if (addr_eq(&signer, who))
		return true;
	addr_hex(&signer, is);
	addr_hex(who, must);
	return FAIL(e, SIGNATURE, "signed by %s, not by %s", is, must);
}
