/* car_fuzz.c - a stream read whole and in pieces gives the same blocks or the same error. The digests of
 * its blocks are mended first, since no mutation finds a SHA-256. */
#include <stdlib.h>

#include "codec/car.h"
#include "codec/pb.h"

static bool take(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	uint64_t *sum = self;

	(void)e;
	if (!cid_matches(cid, block))
		abort();
	*sum = *sum * 31 + block.n + 1;
	return true;
}

static void mend(uint8_t *p, size_t n)
{
	struct bytes rest = bytes_of(p, n);
	bool header = true;
	uint64_t len;
	size_t used;

	while (varint_get(rest, &len, &used) == VARINT_OK && len <= rest.n - used) {
		uint8_t *cid = p + (rest.p - p) + used;

		if (!header && len >= CID_BINARY_LEN && cid[0] == 1) {
			struct cid c = cid_of(CID_RAW,
			        bytes_of(cid + CID_BINARY_LEN, (size_t)len - CID_BINARY_LEN));

			memcpy(cid + 4, c.digest.b, sizeof c.digest.b);
		}
		header = false;
		rest = bytes_of(rest.p + used + len, rest.n - used - (size_t)len);
	}
}

static bool feed(struct bytes car, size_t piece, uint64_t *sum, struct err *e)
{
	OWN(car_reader_done) struct car_reader r;
	bool ok = true;

	*sum = 0;
	car_reader_init(&r, 1u << 20, take, sum);
	for (size_t at = 0; ok && at < car.n; at += piece)
		ok = car_reader_feed(&r, bytes_of(car.p + at, MIN2(piece, car.n - at)), e);
	return ok && car_reader_end(&r, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t whole, pieces;
	struct err a = {0}, b = {0};
	OWN(buf_done) struct buf car;
	bool ok;

	buf_init(&car, 1u << 20);
	buf_put(&car, p, n);
	if (!buf_ok(&car) || n == 0)
		return 0;
	mend(car.p, car.n);
	ok = feed(buf_bytes(&car), car.n, &whole, &a);
	if (feed(buf_bytes(&car), 1 + p[0] % 7, &pieces, &b) != ok || whole != pieces ||
	        a.code != b.code)
		abort();
	if (!ok && a.code != E_PEER && a.code != E_BLOCK_CORRUPT && a.code != E_TOO_LARGE)
		abort();
	return 0;
}
