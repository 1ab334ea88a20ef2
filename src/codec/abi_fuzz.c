/* abi_fuzz.c - what is read of a call can be written, and is then read as the same. */
#include <stdlib.h>

#include "codec/abi.h"

static const char *const types[] = {"bytes,bytes32,(uint8,uint64,uint64,bytes32,bytes32),bytes",
        "bytes[]", "(uint96,bytes32[],uint96,uint96,string)",
        "address,bool,uint8[][],(bytes,bool)[]"};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct abi_leaf one[ABI_LEAVES_MAX], two[ABI_LEAVES_MAX];
	struct buf out OWN(buf_done) = {0};
	size_t a, b;
	struct str t;
	struct err e;

	if (n == 0)
		return 0;
	t = str_of(types[p[0] % COUNT(types)]);
	if (!abi_decode(t, bytes_of(p + 1, n - 1), one, COUNT(one), &a, &e))
		return 0;
	/* Shared tails are written apart: that may be much. */
	buf_init(&out, ABI_DATA_MAX);
	if (!abi_encode(t, one, a, &out, &e) || !buf_ok(&out))
		return 0;
	if (!abi_decode(t, buf_bytes(&out), two, COUNT(two), &b, &e) || a != b)
		abort();
	for (size_t i = 0; i < a; i++) {
		if (!hash_eq(&one[i].word, &two[i].word) ||
		        !str_eq(bytes_str(one[i].bytes), bytes_str(two[i].bytes)))
			abort();
	}
	return 0;
}
