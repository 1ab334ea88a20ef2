/* evm_tx_fuzz.c - a transaction that is read has one form: written again, the same hash is signed. */
#include <stdlib.h>

#include "chain/evm_tx.h"
#include "crypto/secp.h"

static const struct sig *copied;

static bool copy(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	(void)self;
	(void)digest;
	(void)e;
	*out = *copied;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct signer none = {.sign = copy};
	struct buf raw OWN(buf_done) = {0};
	struct sig sig = {.n = 65};
	struct hash id, again;
	struct addr from;
	struct evm_tx tx;
	struct err e;

	if (!evm_tx_read(bytes_of(p, n), &tx, &from, &id, &e))
		return 0;
	/* The last three items are parity, r and s; most r and s have 32 bytes. */
	if (n < 67 || p[n - 33] != 0xa0 || p[n - 66] != 0xa0)
		return 0;
	memcpy(sig.b, p + n - 65, 32);
	memcpy(sig.b + 32, p + n - 32, 32);
	sig.b[64] = p[n - 67] == 0x01 ? 28 : 27;
	copied = &sig;
	buf_init(&raw, EVM_TX_MAX);
	if (!evm_tx_sign(&tx, &none, &raw, &again, &e) || !hash_eq(&id, &again) || raw.n != n)
		abort();
	return 0;
}
