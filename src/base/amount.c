/* amount.c - the only file that looks inside an amount. */
#include "base/amount.h"

#include <stdio.h>

struct amount amount_of(uint64_t units)
{
	return (struct amount){u256_of(units)};
}

bool amount_add(struct amount a, struct amount b, struct amount *out)
{
	return u256_add(a.raw, b.raw, &out->raw);
}

bool amount_sub(struct amount a, struct amount b, struct amount *out)
{
	return u256_sub(a.raw, b.raw, &out->raw);
}

bool amount_mul(struct amount price, uint64_t count, struct amount *out)
{
	return u256_mul64(price.raw, count, &out->raw);
}

struct amount amount_half(struct amount a)
{
	return (struct amount){u256_div64(a.raw, 2, NULL)};
}

struct amount amount_per_mille(struct amount a, unsigned mille)
{
	struct u256 out;
	uint64_t rest;
	bool ok;

	assert(mille <= 1000);
	/* Thousands and the rest apart: the same number, and no product is above a. */
	ok = u256_mul64(u256_div64(a.raw, 1000, &rest), mille, &out) &&
	     u256_add(out, u256_of(rest * mille / 1000), &out);
	assert(ok);
	return (struct amount){out};
}

int amount_cmp(struct amount a, struct amount b)
{
	return u256_cmp(a.raw, b.raw);
}

bool amount_is_zero(struct amount a)
{
	return u256_is_zero(a.raw);
}

bool amount_eq(struct amount a, struct amount b)
{
	return u256_cmp(a.raw, b.raw) == 0;
}

struct amount amount_min(struct amount a, struct amount b)
{
	return amount_cmp(a, b) < 0 ? a : b;
}

struct amount amount_max(struct amount a, struct amount b)
{
	return amount_cmp(a, b) > 0 ? a : b;
}

bool amount_fits_document(struct amount a)
{
	return u256_bits(a.raw) <= AMOUNT_DOC_BITS;
}

void amount_to_be(struct amount a, uint8_t out[32])
{
	u256_to_be(a.raw, out);
}

struct amount amount_from_be(const uint8_t in[32])
{
	return (struct amount){u256_from_be(in)};
}

bool amount_parse(struct str s, struct amount *out)
{
	return u256_parse(s, &out->raw);
}

size_t amount_format(struct amount a, char out[AMOUNT_DEC_MAX])
{
	return u256_format(a.raw, out);
}

bool amount_parse_display(struct str s, unsigned decimals, struct amount *out)
{
	struct str frac;
	struct str whole = str_cut(s, '.', &frac);
	char digits[U256_DEC_MAX + 80];
	size_t n = 0;
	struct u256 v;

	if (decimals > 77 || whole.n == 0 || whole.n >= U256_DEC_MAX || frac.n > decimals)
		return false;
	if (frac.n == 0 && whole.n < s.n)
		return false;
	memcpy(digits, whole.p, whole.n);
	n = whole.n;
	for (unsigned i = 0; i < decimals; i++)
		digits[n++] = i < frac.n ? frac.p[i] : '0';
	for (size_t i = 0; i < n; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return false;
	}
	size_t skip = 0;
	while (skip + 1 < n && digits[skip] == '0')
		skip++;
	if (whole.n > 1 && whole.p[0] == '0')
		return false;
	if (!u256_parse((struct str){digits + skip, n - skip}, &v))
		return false;
	out->raw = v;
	return true;
}

size_t amount_format_display(struct amount a, unsigned decimals, char out[AMOUNT_DEC_MAX + 2])
{
	char dec[U256_DEC_MAX];
	char padded[U256_DEC_MAX + 80];
	size_t n = u256_format(a.raw, dec);
	size_t end;
	int len;

	assert(decimals <= 77);
	if (n <= decimals) {
		size_t zeros = decimals + 1 - n;

		memset(padded, '0', zeros);
		memcpy(padded + zeros, dec, n + 1);
		n += zeros;
	} else {
		memcpy(padded, dec, n + 1);
	}
	end = n;
	while (end > n - decimals && padded[end - 1] == '0')
		end--;
	if (end == n - decimals)
		len = snprintf(out, AMOUNT_DEC_MAX + 2, "%.*s", (int)(n - decimals), padded);
	else
		len = snprintf(out, AMOUNT_DEC_MAX + 2, "%.*s.%.*s", (int)(n - decimals), padded,
		        (int)(end - (n - decimals)), padded + n - decimals);
	return (size_t)len;
}
