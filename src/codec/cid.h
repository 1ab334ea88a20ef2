/* cid.h - content ids: CIDv1 (base32) and CIDv0 (base58), SHA-256 only, raw and dag-pb only. */
#ifndef LILYPAD_CODEC_CID_H
#define LILYPAD_CODEC_CID_H

#include "base/err.h"
#include "base/str.h"

enum cid_codec { CID_NONE = 0, CID_RAW = 0x55, CID_DAG_PB = 0x70 };

struct cid {
	uint8_t codec;      /* enum cid_codec; CID_NONE: no content id */
	struct hash digest; /* SHA-256 of the block */
};

#define CID_TEXT_MAX   60 /* "b" + 58 base32 characters + NUL */
#define CID_BINARY_LEN 36 /* version, codec, hash function, length, digest */

/* The id of a block's bytes. */
struct cid cid_of(enum cid_codec codec, struct bytes block);
MUST bool cid_eq(const struct cid *a, const struct cid *b);
/* True iff the bytes have that id. */
MUST bool cid_matches(const struct cid *cid, struct bytes block);
/* CIDv1 in lower-case base32 ("bafy…", "bafk…"); "" for CID_NONE. Returns the length. */
size_t cid_format(const struct cid *cid, char out[CID_TEXT_MAX]);
/* CIDv1 base32 or base58btc, or CIDv0 ("Qm…": dag-pb). ENCODING names the text. */
MUST bool cid_parse(struct str s, struct cid *out, struct err *e);
void cid_encode(const struct cid *cid, uint8_t out[CID_BINARY_LEN]);
/* Binary CIDv1 or CIDv0 at the start of b; *used says how many bytes it took. */
MUST bool cid_decode(struct bytes b, struct cid *out, size_t *used, struct err *e);

#endif
