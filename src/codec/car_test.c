/* car_test.c - CAR streams in pieces of every size, and what is refused. A file that Kubo exported is
 * read in unixfs_test.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bounds.h"
#include "codec/car.h"
#include "codec/pb.h"

struct got {
	size_t n;
	uint64_t bytes;
	bool refuse;
};

static bool take(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	struct got *g = self;

	if (g->refuse)
		return FAIL(e, DISK_FULL, "no room");
	assert_true(cid_matches(cid, block));
	g->n++;
	g->bytes += block.n;
	return true;
}

static void car_of(struct buf *out, const size_t *sizes, size_t n)
{
	static uint8_t data[BLOCK_MAX];
	struct cid cid = cid_of(CID_RAW, bytes_of(data, 0));

	buf_init(out, 8u << 20);
	car_write_header(out, &cid);
	for (size_t i = 0; i < n; i++) {
		memset(data, (int)i, sizes[i]);
		cid = cid_of(CID_RAW, bytes_of(data, sizes[i]));
		car_write_block(out, &cid, bytes_of(data, sizes[i]));
	}
	assert_true(buf_ok(out));
}

static bool read_all(struct bytes car, size_t piece, uint64_t max, struct got *g, struct err *e)
{
	struct car_reader r;
	bool ok = true;

	car_reader_init(&r, max, take, g);
	for (size_t at = 0; ok && at < car.n; at += piece)
		ok = car_reader_feed(&r, bytes_of(car.p + at, MIN2(piece, car.n - at)), e);
	ok = ok && car_reader_end(&r, e);
	if (ok) {
		assert_int_equal(r.blocks, g->n);
		assert_int_equal(r.bytes, g->bytes);
	}
	car_reader_done(&r);
	return ok;
}

static void pieces_of_any_size_give_the_same(void **state)
{
	static const size_t sizes[] = {0, 1, 90, 91, 92, 127, 128, 300, 5000};
	OWN(buf_done) struct buf car;
	struct err e;

	(void)state;
	car_of(&car, sizes, COUNT(sizes));
	for (size_t piece = 1; piece < 400; piece++) {
		struct got g = {0};

		assert_true(read_all(buf_bytes(&car), piece, 1u << 20, &g, &e));
		assert_int_equal(g.n, COUNT(sizes));
	}
	/* Every cut is seen. */
	for (size_t n = 0; n < 700; n++) {
		struct got g = {0};
		bool whole = n == 59 || n == 59 + 37 || n == 59 + 37 + 38 ||
		             n == 59 + 37 + 38 + 127 || n == 59 + 37 + 38 + 127 + 128 ||
		             n == 59 + 37 + 38 + 127 + 128 + 130;

		if (whole || n > 500)
			continue;
		assert_false(read_all(bytes_of(car.p, n), 7, 1u << 20, &g, &e));
		assert_int_equal(e.code, E_PEER);
	}
}

static void limits_are_kept(void **state)
{
	static const size_t large[] = {BLOCK_MAX}, some[] = {100, 200};
	OWN(buf_done) struct buf car, more;
	struct got g = {0};
	struct err e;

	(void)state;
	car_of(&car, large, 1);
	assert_true(read_all(buf_bytes(&car), 65536, BLOCK_MAX, &g, &e));
	g = (struct got){0};
	assert_false(read_all(buf_bytes(&car), 65536, BLOCK_MAX - 1, &g, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	assert_int_equal(g.n, 0);
	/* A length above the largest block ends it before the bytes come. */
	car_of(&more, NULL, 0);
	varint_put(&more, BLOCK_MAX + CID_BINARY_LEN + 1);
	assert_false(read_all(buf_bytes(&more), 1000, UINT64_MAX, &g, &e));
	assert_int_equal(e.code, E_PEER);
	buf_done(&more);
	car_of(&more, some, 2);
	g = (struct got){0};
	assert_true(read_all(buf_bytes(&more), 1000, 300, &g, &e));
	g = (struct got){0};
	assert_false(read_all(buf_bytes(&more), 1000, 299, &g, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	g = (struct got){.refuse = true};
	assert_false(read_all(buf_bytes(&more), 1000, 300, &g, &e));
	assert_int_equal(e.code, E_DISK_FULL);
}

static void wrong_bytes_are_refused(void **state)
{
	static const size_t sizes[] = {100};
	OWN(buf_done) struct buf car;
	struct err e;

	(void)state;
	car_of(&car, sizes, 1);
	for (size_t i = 0; i < car.n; i++) {
		struct got g = {0};
		bool in_root = i >= 18 && i < 50; /* the digest of the root may be any */

		car.p[i] ^= 1;
		if (!in_root) {
			assert_false(read_all(buf_bytes(&car), 50, 1u << 20, &g, &e));
			assert_int_equal(e.code, i >= 59 + 6 ? E_BLOCK_CORRUPT : E_PEER);
			assert_int_equal(g.n, 0);
		}
		car.p[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pieces_of_any_size_give_the_same),
	        cmocka_unit_test(limits_are_kept),
	        cmocka_unit_test(wrong_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
