/* car.c - CAR version 1: a header, then blocks, each with its length before it.
 *
 * The header is DAG-CBOR {"roots": [root], "version": 1}, which has one form only; a section is a
 * varint length, a binary content id and the block. */
#include "codec/car.h"

#include "base/bounds.h"
#include "codec/pb.h"

enum {
	CIDV0_LEN = 34,
	HEADER_MAX = 58, /* with a CIDv1 root */
	SECTION_MAX = BLOCK_MAX + CID_BINARY_LEN,
};

/* {"roots": [ CID (bytes follow: length, then 0x00 and the content id) ], "version": 1} */
static const uint8_t before_root[] = {0xa2, 0x65, 'r', 'o', 'o', 't', 's', 0x81, 0xd8, 0x2a, 0x58};
static const uint8_t after_root[] = {0x67, 'v', 'e', 'r', 's', 'i', 'o', 'n', 0x01};

void car_write_header(struct buf *out, const struct cid *root)
{
	uint8_t raw[CID_BINARY_LEN];

	cid_encode(root, raw);
	varint_put(out, HEADER_MAX);
	buf_put(out, before_root, sizeof before_root);
	buf_byte(out, 1 + CID_BINARY_LEN);
	buf_byte(out, 0);
	buf_put(out, raw, sizeof raw);
	buf_put(out, after_root, sizeof after_root);
}

void car_write_block(struct buf *out, const struct cid *cid, struct bytes block)
{
	uint8_t raw[CID_BINARY_LEN];

	cid_encode(cid, raw);
	varint_put(out, sizeof raw + block.n);
	buf_put(out, raw, sizeof raw);
	buf_put(out, block.p, block.n);
}

void car_reader_init(struct car_reader *r, uint64_t max,
        bool (*block)(void *self, const struct cid *cid, struct bytes block, struct err *e),
        void *self)
{
	*r = (struct car_reader){.max = max, .block = block, .self = self};
	buf_init(&r->pending, SECTION_MAX + VARINT_MAX);
}

void car_reader_done(struct car_reader *r)
{
	buf_done(&r->pending);
}

static bool foreign_cid(struct bytes b, struct cid *out, size_t *used, struct err *e)
{
	if (cid_decode(b, out, used, e))
		return true;
	e->code = E_PEER;
	err_prefix(e, "CAR: ");
	return false;
}

static bool read_header(struct car_reader *r, struct bytes s, struct err *e)
{
	const size_t fixed = sizeof before_root + 2 + sizeof after_root;
	struct bytes root;
	size_t used;

	if (s.n < fixed + CIDV0_LEN || memcmp(s.p, before_root, sizeof before_root) != 0)
		return FAIL(e, PEER,
		        "CAR: the stream does not begin with the header of version 1 and its "
		        "root");
	root = bytes_of(s.p + sizeof before_root + 2, s.n - fixed);
	if (s.p[sizeof before_root] != root.n + 1 || s.p[sizeof before_root + 1] != 0 ||
	        memcmp(root.p + root.n, after_root, sizeof after_root) != 0)
		return FAIL(e, PEER, "CAR: the header must name one root and version 1");
	TRY(foreign_cid(root, &r->root, &used, e), e);
	if (used != root.n)
		return FAIL(e, PEER, "CAR: bytes follow the root");
	r->have_root = true;
	return true;
}

static bool read_section(struct car_reader *r, struct bytes s, struct err *e)
{
	char text[CID_TEXT_MAX];
	struct bytes block;
	struct cid cid;
	size_t used;

	if (!r->have_root)
		return read_header(r, s, e);
	TRY(foreign_cid(s, &cid, &used, e), e);
	block = bytes_of(s.p + used, s.n - used);
	cid_format(&cid, text);
	if (block.n > BLOCK_MAX)
		return FAIL(e, PEER, "CAR: block %s has %zu bytes: at most %u are read", text,
		        block.n, BLOCK_MAX);
	if (block.n > r->max - r->bytes)
		return FAIL(e, TOO_LARGE, "the blocks of the tree have more than %llu bytes",
		        (unsigned long long)r->max);
	if (!cid_matches(&cid, block))
		return FAIL(e, BLOCK_CORRUPT, "the bytes that came as block %s are others", text);
	r->bytes += block.n;
	r->blocks++;
	TRY(r->block(r->self, &cid, block, e), e);
	return true;
}

/* How many bytes the section at the start of b takes, its length included; 0: not known yet. */
static bool section_size(
        const struct car_reader *r, struct bytes b, size_t *head, size_t *whole, struct err *e)
{
	uint64_t n, max = r->have_root ? SECTION_MAX : HEADER_MAX;

	*head = *whole = 0;
	switch (varint_get(b, &n, head)) {
	case VARINT_SHORT: return true;
	case VARINT_BAD: return FAIL(e, PEER, "CAR: a malformed length");
	case VARINT_OK: break;
	}
	if (n == 0 || n > max)
		return FAIL(e, PEER, "CAR: a section of %llu bytes: 1 to %llu are possible",
		        (unsigned long long)n, (unsigned long long)max);
	*whole = *head + (size_t)n;
	return true;
}

/* Moves bytes of the piece to the pending ones, as many as their section still needs. */
static bool complete(struct car_reader *r, struct bytes *piece, struct err *e)
{
	size_t head, whole, want;

	TRY(section_size(r, buf_bytes(&r->pending), &head, &whole, e), e);
	want = MIN2(whole ? whole - r->pending.n : 1, piece->n);
	buf_put(&r->pending, piece->p, want);
	*piece = bytes_of(piece->p + want, piece->n - want);
	if (!buf_ok(&r->pending))
		return FAIL(e, MEMORY, "no memory for a block");
	if (whole && r->pending.n == whole) {
		TRY(read_section(r, bytes_of(r->pending.p + head, whole - head), e), e);
		buf_reset(&r->pending);
	}
	return true;
}

bool car_reader_feed(struct car_reader *r, struct bytes piece, struct err *e)
{
	while (piece.n) {
		size_t head = 0, whole = 0;

		/* A section that lies whole in the piece is read where it is. */
		if (r->pending.n == 0)
			TRY(section_size(r, piece, &head, &whole, e), e);
		if (whole && whole <= piece.n) {
			TRY(read_section(r, bytes_of(piece.p + head, whole - head), e), e);
			piece = bytes_of(piece.p + whole, piece.n - whole);
		} else {
			TRY(complete(r, &piece, e), e);
		}
	}
	return true;
}

bool car_reader_end(struct car_reader *r, struct err *e)
{
	if (r->pending.n)
		return FAIL(e, PEER, "CAR: the stream ends in the middle of a block");
	if (!r->have_root)
		return FAIL(e, PEER, "CAR: the stream has no header");
	return true;
}
