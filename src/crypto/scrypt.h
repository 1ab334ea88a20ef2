/* scrypt.h - the password-based key derivation of RFC 7914. OpenSSL's own refuses N at or above 2^(16 r),
 * which the published vector of the Web3 Secret Storage format has (N 2^18, r 1). */
#ifndef LILYPAD_CRYPTO_SCRYPT_H
#define LILYPAD_CRYPTO_SCRYPT_H

#include "base/err.h"
#include "base/str.h"

/* n * r * p: at this bound it takes some seconds and, with p 1, a gibibyte. */
#define SCRYPT_COST_MAX ((uint64_t)1 << 23)
#define SCRYPT_RP_MAX   256 /* r and p, each */

struct scrypt_cost {
	uint64_t n; /* a power of two above 1: memory is 128 * n * r bytes */
	uint64_t r; /* from 1 */
	uint64_t p; /* from 1 */
};

/* Writes out_n bytes. RANGE names the cost where it is none or above these bounds; MEMORY. */
MUST bool scrypt(struct str password, struct bytes salt, struct scrypt_cost cost, void *out,
        size_t out_n, struct err *e);

#endif
