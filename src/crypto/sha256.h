/* sha256.h - SHA-256 through OpenSSL, the algorithm fetched once. */
#ifndef LILYPAD_CRYPTO_SHA256_H
#define LILYPAD_CRYPTO_SHA256_H

#include "base/str.h"

void sha256(const void *p, size_t n, struct hash *out);

struct sha256;
struct sha256 *sha256_new(void);              /* NULL: out of memory */
struct sha256 *sha256_free(struct sha256 *s); /* returns NULL */
void sha256_add(struct sha256 *s, const void *p, size_t n);
/* Gives the digest and starts over. */
void sha256_end(struct sha256 *s, struct hash *out);

#endif
