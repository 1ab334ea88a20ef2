/* number_fuzz.c - numbers, amounts and times as people and documents write them: what is read is written the
 * same again, and stays within its bounds. */
#include <stdlib.h>

#include "base/amount.h"
#include "base/u256.h"
#include "base/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void whole_numbers(struct str s)
{
	char text[U256_DEC_MAX], dec[AMOUNT_DEC_MAX];
	struct amount amount;
	struct u256 big;
	uint64_t n;

	if (str_u64(s, 1000000, &n))
		assert(n <= 1000000);
	if (str_u64(s, UINT64_MAX, &n)) {
		bool ok = u256_parse(s, &big); /* the longer number has the same form */

		assert(ok && u256_cmp(big, u256_of(n)) == 0);
	}
	if (u256_parse(s, &big))
		assert(str_eq((struct str){text, u256_format(big, text)}, s));
	if (amount_parse(s, &amount))
		assert(str_eq((struct str){dec, amount_format(amount, dec)}, s));
}

/* Decimals may end in zeros that are not written again: the value is the same. */
static void displayed(struct str s, unsigned decimals)
{
	char text[AMOUNT_DEC_MAX + 2];
	struct amount a, again;
	bool ok;

	if (!amount_parse_display(s, decimals, &a))
		return;
	ok = amount_parse_display(
	        (struct str){text, amount_format_display(a, decimals, text)}, decimals, &again);
	assert(ok && amount_eq(a, again));
}

static void texts(struct str s)
{
	char field[16];
	struct span span;

	if (span_parse(s, &span))
		assert(span.ms >= 0 && span.ms <= SPAN_MAX_MS);
	str_keep(field, sizeof field, s);
	if (str_is_utf8(s))
		assert(memchr(s.p ? s.p : "", '\0', s.n) || str_is_utf8(str_of(field)));
	for (size_t n; s.n && (n = str_char(s)) > 0;)
		s = (struct str){s.p + n, s.n - n};
	assert(s.n == 0 || !str_is_utf8(s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = {(const char *)data, size};

	whole_numbers(s);
	texts(s);
	if (size > 0)
		displayed((struct str){s.p + 1, size - 1}, data[0] % 19);
	return 0;
}
