/* secp_fuzz.c - a digest and a signature of any bytes: whoever is found to have signed is found again, in one form
 * of each length only. */
#include <string.h>

#include "crypto/secp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The order of the group less s, big-endian. */
static void negate(uint8_t s[32])
{
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0,
	        0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
	int borrow = 0;

	for (int i = 31; i >= 0; i--) {
		int d = order[i] - s[i] - borrow;

		borrow = d < 0;
		s[i] = (uint8_t)(d + (borrow ? 256 : 0));
	}
}

/* Of (s, v) and (order - s, the other v), which say the same, only the one with the low s counts. */
static void check_twin(const struct hash *digest, const struct sig *sig)
{
	struct sig twin = *sig;
	struct addr who;
	struct err e;
	bool ok;

	assert(sig->b[64] == 27 || sig->b[64] == 28);
	negate(twin.b + 32);
	twin.b[64] = (uint8_t)(27 + 28 - twin.b[64]);
	ok = secp_recover(digest, &twin, &who, &e);
	assert(!ok && e.code == E_SIGNATURE);
}

static void check_short_form(
        const struct hash *digest, const struct sig *sig, const struct addr *who)
{
	struct sig compact = *sig;
	struct err e;
	bool ok;

	compact.n = 64;
	compact.b[32] |= (uint8_t)((sig->b[64] - 27) << 7);
	compact.b[64] = 0;
	ok = secp_check(digest, &compact, who, &e);
	assert(ok);
}

static void check_key(const uint8_t key[32], const struct hash *digest)
{
	struct seckey k;
	struct addr who;
	struct sig sig;
	struct err e;
	bool ok;

	memcpy(k.b, key, sizeof k.b);
	ok = seckey_addr(&k, &who, &e);
	assert(ok == seckey_valid(&k));
	if (!ok)
		return;
	ok = secp_sign(&k, digest, &sig, &e) && secp_check(digest, &sig, &who, &e);
	assert(ok);
	check_twin(digest, &sig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sig sig = {0};
	struct hash digest;
	struct addr who;
	struct err e;
	bool ok;

	if (size < 32)
		return 0;
	memcpy(digest.b, data, 32);
	sig.n = (uint8_t)MIN2(size - 32, sizeof sig.b);
	memcpy(sig.b, data + 32, sig.n);
	if (size >= 64)
		check_key(data + 32, &digest);
	if (!secp_recover(&digest, &sig, &who, &e)) {
		assert(e.code == E_SIGNATURE && e.msg[0]);
		return 0;
	}
	assert((sig.n == 65 || sig.n == 64) && !addr_is_zero(&who));
	ok = secp_check(&digest, &sig, &who, &e);
	assert(ok);
	if (sig.n == 65) {
		check_twin(&digest, &sig);
		check_short_form(&digest, &sig, &who);
	}
	who.b[0] ^= 1;
	ok = secp_check(&digest, &sig, &who, &e);
	assert(!ok && e.code == E_SIGNATURE);
	return 0;
}
