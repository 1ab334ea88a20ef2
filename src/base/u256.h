/* u256.h - fixed 256-bit unsigned integers, checked: false means overflow, and *out is untouched. */
#ifndef LILYPAD_BASE_U256_H
#define LILYPAD_BASE_U256_H

#include "base/str.h"

/* w[0] is the least significant word. */
struct u256 {
	uint64_t w[4];
};

#define U256_DEC_MAX 79 /* 78 digits and a NUL */

struct u256 u256_of(uint64_t v);
MUST bool u256_add(struct u256 a, struct u256 b, struct u256 *out);
MUST bool u256_sub(struct u256 a, struct u256 b, struct u256 *out);
MUST bool u256_mul(struct u256 a, struct u256 b, struct u256 *out);
MUST bool u256_mul64(struct u256 a, uint64_t b, struct u256 *out);
/* Quotient rounded down; rem may be NULL. d must not be 0. */
struct u256 u256_div64(struct u256 a, uint64_t d, uint64_t *rem);
MUST int u256_cmp(struct u256 a, struct u256 b); /* <0, 0, >0 */
MUST bool u256_is_zero(struct u256 a);
unsigned u256_bits(struct u256 a); /* position of the highest set bit + 1; 0 for 0 */

void u256_to_be(struct u256 a, uint8_t out[32]);
struct u256 u256_from_be(const uint8_t in[32]);
/* Decimal without sign or leading zeros; false for anything else or an overflow. */
MUST bool u256_parse(struct str s, struct u256 *out);
/* Writes a NUL-terminated decimal; returns its length. */
size_t u256_format(struct u256 a, char out[U256_DEC_MAX]);

#endif
