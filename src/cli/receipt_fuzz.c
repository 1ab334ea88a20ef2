/* receipt_fuzz.c - a receipt comes from strangers: whatever is read is written the same again. */
#include <stdlib.h>

#include "cli/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct receipt *r = calloc(1, sizeof *r);
	struct receipt_check c[RECEIPT_CHECKS_MAX];
	struct err e;

	assert(r);
	if (receipt_parse((struct str){(const char *)data, size}, r, &e))
		assert(receipt_check(r, c) <= RECEIPT_CHECKS_MAX);
	free(r);
	return 0;
}
