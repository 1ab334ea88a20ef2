/* base.c - base32, base58 and base64 for URLs. */
#include "codec/hex.h"

static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char base58_digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Groups of `bits` bits, most significant first; the last one is filled with zeros. */
static size_t format_bits(const void *p, size_t n, unsigned bits, const char *digits, char *out)
{
	const uint8_t *in = p;
	unsigned have = 0;
	uint32_t acc = 0;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		acc = (acc << 8 | in[i]) & 0xffffu;
		have += 8;
		while (have >= bits) {
			have -= bits;
			out[len++] = digits[acc >> have & ((1u << bits) - 1)];
		}
	}
	if (have)
		out[len++] = digits[acc << (bits - have) & ((1u << bits) - 1)];
	out[len] = '\0';
	return len;
}

static bool parse_bits(struct str s, unsigned bits, const char *digits, void *out, size_t max, size_t *n)
{
	uint8_t *to = out;
	unsigned have = 0;
	uint32_t acc = 0;
	size_t len = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *at = s.p[i] ? strchr(digits, s.p[i]) : NULL;

		if (!at)
			return false;
		acc = (acc << bits | (uint32_t)(at - digits)) & 0xffffu;
		have += bits;
		if (have >= 8) {
			if (len >= max)
				return false;
			have -= 8;
			to[len++] = (uint8_t)(acc >> have);
		}
	}
	/* Only one text stands for given bytes: no spare digit, no spare bit that is set. */
	if (have >= bits || (acc & ((1u << have) - 1)) != 0)
		return false;
	*n = len;
	return true;
}

size_t base32_format(const void *p, size_t n, char *out)
{
	return format_bits(p, n, 5, base32_digits, out);
}

bool base32_parse(struct str s, void *out, size_t max, size_t *n)
{
	return parse_bits(s, 5, base32_digits, out, max, n);
}

size_t base64url_format(const void *p, size_t n, char *out)
{
	return format_bits(p, n, 6, base64_digits, out);
}

bool base64url_parse(struct str s, void *out, size_t max, size_t *n)
{
	return parse_bits(s, 6, base64_digits, out, max, n);
}

enum { BASE58_BYTES_MAX = 128, BASE58_DIGITS_MAX = BASE58_BYTES_MAX * 138 / 100 + 2 };

size_t base58_format(const void *p, size_t n, char *out)
{
	const uint8_t *in = p;
	uint8_t num[BASE58_DIGITS_MAX] = {0};
	size_t used = 0, zeros = 0, len = 0;

	assert(n <= BASE58_BYTES_MAX);
	while (zeros < n && in[zeros] == 0)
		zeros++;
	for (size_t i = zeros; i < n; i++) {
		unsigned carry = in[i];

		for (size_t j = 0; j < used || carry; j++) {
			carry += 256u * num[j];
			num[j] = (uint8_t)(carry % 58);
			carry /= 58;
			used = MAX2(used, j + 1);
		}
	}
	while (len < zeros)
		out[len++] = '1';
	while (used > 0)
		out[len++] = base58_digits[num[--used]];
	out[len] = '\0';
	return len;
}

bool base58_parse(struct str s, void *out, size_t max, size_t *n)
{
	uint8_t num[BASE58_BYTES_MAX] = {0};
	uint8_t *to = out;
	size_t used = 0, zeros = 0;

	while (zeros < s.n && s.p[zeros] == '1')
		zeros++;
	for (size_t i = zeros; i < s.n; i++) {
		const char *at = s.p[i] ? strchr(base58_digits, s.p[i]) : NULL;
		unsigned carry;

		if (!at)
			return false;
		carry = (unsigned)(at - base58_digits);
		for (size_t j = 0; j < used || carry; j++) {
			if (j >= sizeof num)
				return false;
			carry += 58u * num[j];
			num[j] = (uint8_t)carry;
			carry >>= 8;
			used = MAX2(used, j + 1);
		}
	}
	if (zeros + used > max)
		return false;
	memset(to, 0, zeros);
	for (size_t i = 0; i < used; i++)
		to[zeros + i] = num[used - 1 - i];
	*n = zeros + used;
	return true;
}
