/* amount.h - token units. In a document an amount is below 2^96 (protocol 2.0.3); sums are kept
 * below it by the deposit rule of 5.14; products need the whole 256 bits. Arithmetic is checked:
 * false means overflow or a negative result, and *out is untouched. Only amount.c touches .raw. */
#ifndef LILYPAD_BASE_AMOUNT_H
#define LILYPAD_BASE_AMOUNT_H

#include "base/u256.h"

struct amount {
	struct u256 raw;
};

#define AMOUNT_DOC_BITS 96
#define AMOUNT_DEC_MAX  U256_DEC_MAX

struct amount amount_of(uint64_t units);
MUST bool amount_add(struct amount a, struct amount b, struct amount *out);
MUST bool amount_sub(struct amount a, struct amount b, struct amount *out);
MUST bool amount_mul(struct amount price, uint64_t count, struct amount *out);
struct amount amount_half(struct amount a);                      /* rounded down */
struct amount amount_per_mille(struct amount a, unsigned mille); /* rounded down; mille <= 1000 */
MUST int amount_cmp(struct amount a, struct amount b);
MUST bool amount_is_zero(struct amount a);
MUST bool amount_eq(struct amount a, struct amount b);
struct amount amount_min(struct amount a, struct amount b);
struct amount amount_max(struct amount a, struct amount b);
MUST bool amount_fits_document(struct amount a); /* below 2^96 */

void amount_to_be(struct amount a, uint8_t out[32]);
struct amount amount_from_be(const uint8_t in[32]);
/* Decimal token units, as in documents. */
MUST bool amount_parse(struct str s, struct amount *out);
size_t amount_format(struct amount a, char out[AMOUNT_DEC_MAX]);
/* With a decimal point, for people: "1.25" with decimals 18; trailing zeros dropped. */
MUST bool amount_parse_display(struct str s, unsigned decimals, struct amount *out);
size_t amount_format_display(struct amount a, unsigned decimals, char out[AMOUNT_DEC_MAX + 2]);

#endif
