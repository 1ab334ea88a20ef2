/* cid_fuzz.c - a content id that is read is written and read again as the same one. */
#include <stdlib.h>

#include "codec/cid.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t raw[CID_BINARY_LEN];
	char text[CID_TEXT_MAX];
	struct cid c, d;
	size_t used, len;
	struct err e;

	if (cid_parse((struct str){(const char *)p, n}, &c, &e)) {
		len = cid_format(&c, text);
		if (!cid_parse((struct str){text, len}, &d, &e) || !cid_eq(&c, &d))
			abort();
	}
	if (cid_decode(bytes_of(p, n), &c, &used, &e)) {
		cid_encode(&c, raw);
		if (used > n || !cid_decode(bytes_of(raw, sizeof raw), &d, &used, &e) ||
		        !cid_eq(&c, &d))
			abort();
		/* A CIDv1 has one binary form. */
		if (p[0] == 1 && memcmp(p, raw, sizeof raw) != 0)
			abort();
	}
	return 0;
}
