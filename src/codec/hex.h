/* hex.h - hex, EIP-55 addresses, base32 and base58. */
#ifndef LILYPAD_CODEC_HEX_H
#define LILYPAD_CODEC_HEX_H

#include "base/buf.h"
#include "base/err.h"

#define ADDR_TEXT_MAX 43 /* "0x" + 40 + NUL */
#define HASH_TEXT_MAX 67 /* "0x" + 64 + NUL */

/* "0x" and an even number of digits, either case, exactly n bytes. ENCODING names the text. */
MUST bool hex_parse(struct str s, void *out, size_t n, struct err *e);
/* "0x" and any even number of digits up to max bytes; *n says how many. */
MUST bool hex_parse_upto(struct str s, void *out, size_t max, size_t *n, struct err *e);
/* "0x…" NUL-terminated; out has room for 2n + 3. Returns the length. */
size_t hex_format(const void *p, size_t n, char *out);

/* 0x and 40 digits: all lower case, or the EIP-55 checksum; mixed case that fails it is refused. */
MUST bool addr_parse(struct str s, struct addr *out, struct err *e);
size_t addr_format(const struct addr *a, char out[ADDR_TEXT_MAX]); /* EIP-55 */
MUST bool hash_parse(struct str s, struct hash *out, struct err *e);
size_t hash_format(const struct hash *h, char out[HASH_TEXT_MAX]);

/* RFC 4648 lower case without padding. out has room for (n * 8 + 4) / 5 + 1; returns the length. */
size_t base32_format(const void *p, size_t n, char *out);
MUST bool base32_parse(struct str s, void *out, size_t max, size_t *n);
/* Bitcoin alphabet. out has room for n * 138 / 100 + 2. n at most 128. */
size_t base58_format(const void *p, size_t n, char *out);
MUST bool base58_parse(struct str s, void *out, size_t max, size_t *n);
/* RFC 4648 section 5 (URL-safe) without padding. out has room for (n * 4 + 2) / 3 + 1. */
size_t base64url_format(const void *p, size_t n, char *out);
MUST bool base64url_parse(struct str s, void *out, size_t max, size_t *n);

#endif
