/* evm_ring_fuzz.c - the file of a ring of blocks. */
#include "chain/evm_ring.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct evm_ring r;
	struct err e;

	if (!evm_ring_parse((struct str){(const char *)p, n}, &r, &e))
		return 0;
	for (size_t i = 1; i < r.n; i++) {
		if (r.blocks[i].number <= r.blocks[i - 1].number)
			abort();
	}
	if (r.n > EVM_RING_BLOCKS || r.accounts_n > EVM_RING_ACCOUNTS)
		abort();
	return 0;
}
