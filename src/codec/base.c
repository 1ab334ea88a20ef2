/* base.c - base32, base58 and base64url. Every parser takes the one form that its writer gives, so that
 * equal bytes have equal texts. */
#include "codec/hex.h"

static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char base58_digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char base64url_digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { BASE58_BYTES_MAX = 128, BASE58_TEXT_MAX = BASE58_BYTES_MAX * 138 / 100 + 1 };

/* Groups of `bits` bits, first bit first, the last group filled with zeros: base32 and base64. */
static size_t bits_format(const uint8_t *in, size_t n, unsigned bits, const char *digits, char *out)
{
	uint32_t acc = 0;
	unsigned have = 0;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		acc = (acc << 8 | in[i]) & 0xffff;
		for (have += 8; have >= bits; have -= bits)
			out[len++] = digits[acc >> (have - bits) & ((1u << bits) - 1)];
	}
	if (have)
		out[len++] = digits[acc << (bits - have) & ((1u << bits) - 1)];
	out[len] = '\0';
	return len;
}

/* The value of a digit, or -1. A digit is never NUL. */
static int digit_of(const char *digits, char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool bits_parse(
        struct str s, unsigned bits, const char *digits, uint8_t *out, size_t max, size_t *n)
{
	size_t len = s.n / 8 * bits + s.n % 8 * bits / 8;
	uint32_t acc = 0;
	unsigned have = 0;
	size_t at = 0;
	int d = 0;

	/* No more digits than the bytes need: a whole digit of padding is another text of the same. */
	if (len > max || s.n != len / bits * 8 + (len % bits * 8 + bits - 1) / bits)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		d = digit_of(digits, s.p[i]);
		if (d < 0)
			return false;
	}
	/* The bits that fill the last digit are zero. */
	if ((unsigned)d & ((1u << s.n * bits % 8) - 1))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		acc = (acc << bits | (unsigned)digit_of(digits, s.p[i])) & 0xffff;
		have += bits;
		if (have >= 8) {
			have -= 8;
			out[at++] = (uint8_t)(acc >> have);
		}
	}
	*n = at;
	return true;
}

size_t base32_format(const void *p, size_t n, char *out)
{
	return bits_format(p, n, 5, base32_digits, out);
}

bool base32_parse(struct str s, void *out, size_t max, size_t *n)
{
	return bits_parse(s, 5, base32_digits, out, max, n);
}

size_t base64url_format(const void *p, size_t n, char *out)
{
	return bits_format(p, n, 6, base64url_digits, out);
}

bool base64url_parse(struct str s, void *out, size_t max, size_t *n)
{
	return bits_parse(s, 6, base64url_digits, out, max, n);
}

/* v = v * mul + add, v of *n little-endian digits to a base. */
static void muladd(uint8_t *v, size_t *n, unsigned base, unsigned mul, unsigned add)
{
	for (size_t i = 0; i < *n; i++) {
		add += v[i] * mul;
		v[i] = (uint8_t)(add % base);
		add /= base;
	}
	for (; add; add /= base)
		v[(*n)++] = (uint8_t)(add % base);
}

size_t base58_format(const void *p, size_t n, char *out)
{
	uint8_t digits[BASE58_TEXT_MAX];
	const uint8_t *in = p;
	size_t zeros = 0, count = 0, len = 0;

	assert(n <= BASE58_BYTES_MAX);
	while (zeros < n && in[zeros] == 0)
		zeros++;
	for (size_t i = zeros; i < n; i++)
		muladd(digits, &count, 58, 256, in[i]);
	/* A leading zero byte is a digit of its own: numbers alone would lose it. */
	while (len < zeros)
		out[len++] = base58_digits[0];
	while (count)
		out[len++] = base58_digits[digits[--count]];
	out[len] = '\0';
	return len;
}

bool base58_parse(struct str s, void *out, size_t max, size_t *n)
{
	uint8_t bytes[BASE58_TEXT_MAX];
	uint8_t *to = out;
	size_t zeros = 0, count = 0, len = 0;

	if (s.n > BASE58_TEXT_MAX)
		return false;
	while (zeros < s.n && s.p[zeros] == base58_digits[0])
		zeros++;
	for (size_t i = zeros; i < s.n; i++) {
		int d = digit_of(base58_digits, s.p[i]);

		if (d < 0)
			return false;
		muladd(bytes, &count, 256, 58, (unsigned)d);
	}
	if (zeros + count > MIN2(max, (size_t)BASE58_BYTES_MAX))
		return false;
	while (len < zeros)
		to[len++] = 0;
	while (count)
		to[len++] = bytes[--count];
	*n = len;
	return true;
}
