/* pb.c - varints and members of Protocol Buffers. */
#include "codec/pb.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_BITS = 3, MEMBER_MAX = 15 };

size_t varint_size(uint64_t v)
{
	size_t n = 1;

	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}

void varint_put(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_byte(out, (uint8_t)(v | 0x80));
	buf_byte(out, (uint8_t)v);
}

enum varint_read varint_get(struct bytes b, uint64_t *out, size_t *used)
{
	uint64_t v = 0;

	for (size_t i = 0; i < VARINT_MAX; i++) {
		if (i == b.n)
			return VARINT_SHORT;
		/* The tenth byte holds the 64th bit and nothing else. */
		if (i == VARINT_MAX - 1 && b.p[i] > 1)
			return VARINT_BAD;
		v |= (uint64_t)(b.p[i] & 0x7f) << (7 * i);
		if (b.p[i] & 0x80)
			continue;
		if (i > 0 && b.p[i] == 0)
			return VARINT_BAD;
		*out = v;
		*used = i + 1;
		return VARINT_OK;
	}
	return VARINT_BAD;
}

void pb_put_varint(struct buf *out, unsigned member, uint64_t v)
{
	varint_put(out, (uint64_t)member << WIRE_BITS | WIRE_VARINT);
	varint_put(out, v);
}

void pb_put_bytes(struct buf *out, unsigned member, struct bytes b)
{
	varint_put(out, (uint64_t)member << WIRE_BITS | WIRE_BYTES);
	varint_put(out, b.n);
	buf_put(out, b.p, b.n);
}

size_t pb_varint_size(unsigned member, uint64_t v)
{
	return varint_size((uint64_t)member << WIRE_BITS) + varint_size(v);
}

size_t pb_bytes_size(unsigned member, size_t n)
{
	return varint_size((uint64_t)member << WIRE_BITS) + varint_size(n) + n;
}

static bool take_varint(struct bytes *rest, uint64_t *out)
{
	size_t used;

	if (varint_get(*rest, out, &used) != VARINT_OK)
		return false;
	*rest = bytes_of(rest->p + used, rest->n - used);
	return true;
}

bool pb_next(struct bytes *rest, struct pb_member *out)
{
	struct pb_member m = {0};
	uint64_t key;

	if (!take_varint(rest, &key) || key >> WIRE_BITS > MEMBER_MAX || !take_varint(rest, &m.v))
		return false;
	m.member = (unsigned)(key >> WIRE_BITS);
	switch (key & ((1u << WIRE_BITS) - 1)) {
	case WIRE_VARINT: break;
	case WIRE_BYTES:
		if (m.v > rest->n)
			return false;
		m.is_bytes = true;
		m.b = bytes_of(rest->p, (size_t)m.v);
		*rest = bytes_of(rest->p + m.v, rest->n - (size_t)m.v);
		break;
	default: return false;
	}
	*out = m;
	return true;
}
