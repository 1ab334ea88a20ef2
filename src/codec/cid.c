/* cid.c - content ids as text and bytes. */
#include "codec/cid.h"

#include "codec/hex.h"
#include "crypto/sha256.h"

enum { SHA2_256 = 0x12, DIGEST_LEN = 32 };

struct cid cid_of(enum cid_codec codec, struct bytes block)
{
	struct cid c = {.codec = (uint8_t)codec};

	sha256(block.p, block.n, &c.digest);
	return c;
}

bool cid_eq(const struct cid *a, const struct cid *b)
{
	return a->codec == b->codec && hash_eq(&a->digest, &b->digest);
}

bool cid_matches(const struct cid *cid, struct bytes block)
{
	struct hash h;

	sha256(block.p, block.n, &h);
	return hash_eq(&h, &cid->digest);
}

void cid_encode(const struct cid *cid, uint8_t out[CID_BINARY_LEN])
{
	out[0] = 1;
	out[1] = cid->codec;
	out[2] = SHA2_256;
	out[3] = DIGEST_LEN;
	memcpy(out + 4, cid->digest.b, DIGEST_LEN);
}

bool cid_decode(struct bytes b, struct cid *out, size_t *used, struct err *e)
{
	struct cid c;

	if (b.n >= 2 && b.p[0] == SHA2_256 && b.p[1] == DIGEST_LEN) {
		if (b.n < 34)
			return FAIL(e, ENCODING, "a content id is cut off after %zu bytes", b.n);
		c.codec = CID_DAG_PB;
		memcpy(c.digest.b, b.p + 2, DIGEST_LEN);
		*used = 34;
		*out = c;
		return true;
	}
	if (b.n < CID_BINARY_LEN)
		return FAIL(e, ENCODING, "a content id is cut off after %zu bytes", b.n);
	if (b.p[0] != 1)
		return FAIL(e, ENCODING, "content id version %u; it must be 0 or 1", b.p[0]);
	if (b.p[1] != CID_RAW && b.p[1] != CID_DAG_PB)
		return FAIL(e, ENCODING, "content id with codec 0x%x; it must be raw or dag-pb",
		        b.p[1]);
	if (b.p[2] != SHA2_256 || b.p[3] != DIGEST_LEN)
		return FAIL(e, ENCODING, "content id with hash function 0x%x; it must be SHA-256",
		        b.p[2]);
	c.codec = b.p[1];
	memcpy(c.digest.b, b.p + 4, DIGEST_LEN);
	*used = CID_BINARY_LEN;
	*out = c;
	return true;
}

size_t cid_format(const struct cid *cid, char out[CID_TEXT_MAX])
{
	uint8_t raw[CID_BINARY_LEN];

	out[0] = '\0';
	if (cid->codec == CID_NONE)
		return 0;
	cid_encode(cid, raw);
	out[0] = 'b';
	return 1 + base32_format(raw, sizeof raw, out + 1);
}

bool cid_parse(struct str s, struct cid *out, struct err *e)
{
	uint8_t raw[64];
	size_t n = 0, used = 0;
	struct cid c;
	bool ok;

	if (s.n > 0 && s.n <= 64 && s.p[0] == 'b')
		ok = base32_parse((struct str){s.p + 1, s.n - 1}, raw, sizeof raw, &n);
	else if (s.n > 0 && s.n <= 64 && s.p[0] == 'z')
		ok = base58_parse((struct str){s.p + 1, s.n - 1}, raw, sizeof raw, &n);
	else
		ok = s.n == 46 && str_starts(s, "Qm") && base58_parse(s, raw, sizeof raw, &n);
	if (!ok)
		return FAIL(e, ENCODING, "\"%.*s\" is no content id (bafy…, bafk…, z…, Qm…)",
		        (int)MIN2(s.n, (size_t)80), s.p);
	if (!cid_decode(bytes_of(raw, n), &c, &used, e)) {
		err_prefix(e, "\"%.*s\": ", (int)MIN2(s.n, (size_t)80), s.p);
		return false;
	}
	if (used != n)
		return FAIL(e, ENCODING, "\"%.*s\": %zu bytes follow the content id", STR_ARG(s),
		        n - used);
	*out = c;
	return true;
}
