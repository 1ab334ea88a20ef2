/* packed_fuzz.c - a packed document has one form. */
#include <stdlib.h>

#include "codec/packed.h"
#include "model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf out OWN(buf_done) = {0};
	struct bytes rest = {p, n};
	struct deal d;
	struct err e;

	if (!packed_take(deal_record(), &rest, &d, &e))
		return 0;
	buf_init(&out, 1u << 16);
	packed_put(deal_record(), &d, &out);
	if (!buf_ok(&out) || out.n != n - rest.n || memcmp(out.p, p, out.n) != 0)
		abort();
	return 0;
}
