/* rlp_fuzz.c - what is read, written again, has the same bytes: an item has one encoding. */
#include <stdlib.h>

#include "codec/rlp.h"

/* Lists may nest without end; the stack may not. */
enum { DEEP = 64 };

static bool again(struct bytes in, struct buf *out, unsigned depth)
{
	struct rlp item;
	struct err e;

	while (in.n) {
		struct buf items OWN(buf_done) = {0};

		if (!rlp_next(&in, &item, &e))
			return false;
		buf_init(&items, 1u << 20);
		if (!item.list) {
			rlp_put_bytes(out, item.b);
			continue;
		}
		if (depth == DEEP || !again(item.b, &items, depth + 1))
			return false;
		rlp_put_list(out, buf_bytes(&items));
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf out OWN(buf_done) = {0};
	struct bytes rest = {p, n};
	struct u256 v;
	struct err e;

	buf_init(&out, 1u << 20);
	if (n <= 1u << 19 && again(rest, &out, 0)) {
		if (!buf_ok(&out) || out.n != n || (n && memcmp(out.p, p, n) != 0))
			abort();
	}
	if (rlp_next_u256(&rest, &v, &e)) {
		buf_reset(&out);
		rlp_put_u256(&out, v);
		if (out.n != n - rest.n || memcmp(out.p, p, out.n) != 0)
			abort();
	}
	return 0;
}
