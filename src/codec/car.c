/* car.c - CAR version 1: a CBOR header {roots: [CID], version: 1}, then length-prefixed blocks. */
#include "codec/car.h"

#include "base/bounds.h"
#include "codec/pb.h"

/* The header of one root is always these bytes around its content id (DAG-CBOR sorts "roots" first). */
static const uint8_t head_start[] = {0xa2, 0x65, 'r', 'o', 'o', 't', 's', 0x81, 0xd8, 0x2a, 0x58,
	CID_BINARY_LEN + 1, 0x00};
static const uint8_t head_end[] = {0x67, 'v', 'e', 'r', 's', 'i', 'o', 'n', 0x01};

enum { HEAD_LEN = sizeof head_start + CID_BINARY_LEN + sizeof head_end };

void car_write_header(struct buf *out, const struct cid *root)
{
	uint8_t raw[CID_BINARY_LEN];

	cid_encode(root, raw);
	pb_varint(out, HEAD_LEN);
	buf_put(out, head_start, sizeof head_start);
	buf_put(out, raw, sizeof raw);
	buf_put(out, head_end, sizeof head_end);
}

void car_write_block(struct buf *out, const struct cid *cid, struct bytes block)
{
	uint8_t raw[CID_BINARY_LEN];

	cid_encode(cid, raw);
	pb_varint(out, sizeof raw + block.n);
	buf_put(out, raw, sizeof raw);
	buf_put(out, block.p, block.n);
}

void car_reader_init(struct car_reader *r, uint64_t max,
	bool (*block)(void *self, const struct cid *cid, struct bytes block, struct err *e), void *self)
{
	*r = (struct car_reader){.max = max, .block = block, .self = self};
	buf_init(&r->pending, BLOCK_MAX + (1u << 20));
}

void car_reader_done(struct car_reader *r)
{
	buf_done(&r->pending);
}

static bool read_header(struct car_reader *r, struct bytes h, struct err *e)
{
	size_t used;

	if (h.n != HEAD_LEN || memcmp(h.p, head_start, sizeof head_start) != 0 ||
		memcmp(h.p + HEAD_LEN - sizeof head_end, head_end, sizeof head_end) != 0)
		return FAIL(e, PEER, "this is no CAR stream of version 1 with one root");
	TRY(cid_decode(bytes_of(h.p + sizeof head_start, CID_BINARY_LEN), &r->root, &used, e), e);
	r->have_root = true;
	return true;
}

static bool read_block(struct car_reader *r, struct bytes b, struct err *e)
{
	struct bytes block;
	struct cid cid;
	size_t used;

	if (!cid_decode(b, &cid, &used, e)) {
		e->code = E_PEER;
		return false;
	}
	block = bytes_of(b.p + used, b.n - used);
	if (block.n > BLOCK_MAX)
		return FAIL(e, PEER, "a block of %zu bytes; at most %u", block.n, BLOCK_MAX);
	if (block.n > r->max - r->bytes)
		return FAIL(e, TOO_LARGE, "the tree has more than %llu bytes", (unsigned long long)r->max);
	if (!cid_matches(&cid, block)) {
		char text[CID_TEXT_MAX];

		cid_format(&cid, text);
		return FAIL(e, BLOCK_CORRUPT, "the bytes sent as %s have another digest", text);
	}
	r->bytes += block.n;
	r->blocks++;
	return r->block(r->self, &cid, block, e);
}

bool car_reader_feed(struct car_reader *r, struct bytes piece, struct err *e)
{
	struct bytes in;

	/* Whole sections are used where they lie; only a cut-off one is kept. */
	if (r->pending.n) {
		buf_put(&r->pending, piece.p, piece.n);
		if (!buf_ok(&r->pending))
			return FAIL(e, PEER, "a section of the CAR stream is too long");
		in = buf_bytes(&r->pending);
	} else {
		in = piece;
	}
	while (in.n) {
		struct bytes at = in;
		uint64_t n;

		if (!pb_read_varint(&at, &n)) {
			if (in.n >= 10)
				return FAIL(e, PEER, "a section of the CAR stream has no length");
			break;
		}
		if (n > BLOCK_MAX + 64)
			return FAIL(e, PEER, "a section of %llu bytes in the CAR stream", (unsigned long long)n);
		if (n > at.n)
			break;
		TRY(r->have_root ? read_block(r, bytes_of(at.p, (size_t)n), e) :
				   read_header(r, bytes_of(at.p, (size_t)n), e),
			e);
		in = bytes_of(at.p + n, at.n - (size_t)n);
	}
	if (r->pending.n) {
		buf_shift(&r->pending, r->pending.n - in.n);
		return true;
	}
	buf_put(&r->pending, in.p, in.n);
	if (!buf_ok(&r->pending))
		return FAIL(e, PEER, "a section of the CAR stream is too long");
	return true;
}

bool car_reader_end(struct car_reader *r, struct err *e)
{
	if (!r->have_root)
		return FAIL(e, PEER, "the CAR stream ended before its header");
	if (r->pending.n)
		return FAIL(e, PEER, "the CAR stream was cut off within a block");
	return true;
}
