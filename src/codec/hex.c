/* hex.c - hex and EIP-55 addresses. */
#include "codec/hex.h"

#include "crypto/keccak.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_parse_upto(struct str s, void *out, size_t max, size_t *n, struct err *e)
{
	uint8_t *to = out;
	int shown = (int)MIN2(s.n, (size_t)80);

	if (!str_starts(s, "0x") || s.n % 2 != 0)
		return FAIL(e, ENCODING, "\"%.*s\" is not hex: 0x and an even number of digits", shown, s.p);
	if ((s.n - 2) / 2 > max)
		return FAIL(e, ENCODING, "\"%.*s…\" has %zu bytes, at most %zu fit here", shown, s.p,
			(s.n - 2) / 2, max);
	for (size_t i = 2; i < s.n; i += 2) {
		if (digit(s.p[i]) < 0 || digit(s.p[i + 1]) < 0)
			return FAIL(e, ENCODING, "\"%.*s\" has characters that are no hex digits", shown, s.p);
	}
	for (size_t i = 2; i < s.n; i += 2)
		*to++ = (uint8_t)(digit(s.p[i]) << 4 | digit(s.p[i + 1]));
	*n = (s.n - 2) / 2;
	return true;
}

bool hex_parse(struct str s, void *out, size_t n, struct err *e)
{
	size_t got;

	if (s.n != 2 * n + 2)
		return FAIL(e, ENCODING, "\"%.*s\" has not the form 0x and %zu hex digits",
			(int)MIN2(s.n, (size_t)80), s.p, 2 * n);
	return hex_parse_upto(s, out, n, &got, e);
}

size_t hex_format(const void *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = p;

	out[0] = '0';
	out[1] = 'x';
	for (size_t i = 0; i < n; i++) {
		out[2 + 2 * i] = digits[in[i] >> 4];
		out[3 + 2 * i] = digits[in[i] & 15];
	}
	out[2 + 2 * n] = '\0';
	return 2 + 2 * n;
}

size_t addr_format(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	struct hash h;

	hex_format(a->b, sizeof a->b, out);
	/* EIP-55: a letter is a capital where the hash of the lower-case digits has its nibble above 7. */
	keccak256(out + 2, 40, &h);
	for (size_t i = 0; i < 40; i++) {
		unsigned nibble = i % 2 ? h.b[i / 2] & 15u : h.b[i / 2] >> 4;

		if (out[2 + i] >= 'a' && nibble > 7)
			out[2 + i] = (char)(out[2 + i] - 'a' + 'A');
	}
	return 42;
}

bool addr_parse(struct str s, struct addr *out, struct err *e)
{
	struct addr a;
	char right[ADDR_TEXT_MAX];
	bool capitals = false;

	TRY(hex_parse(s, a.b, sizeof a.b, e), e);
	for (size_t i = 2; i < s.n; i++)
		capitals |= s.p[i] >= 'A' && s.p[i] <= 'F';
	addr_format(&a, right);
	if (capitals && memcmp(right, s.p, 42) != 0) {
		FAIL(e, ENCODING, "\"%.*s\" fails the checksum of EIP-55: a digit may be mistyped", STR_ARG(s));
		return err_hint(e, "all in lower case it is taken as it is");
	}
	*out = a;
	return true;
}

bool hash_parse(struct str s, struct hash *out, struct err *e)
{
	return hex_parse(s, out->b, sizeof out->b, e);
}

size_t hash_format(const struct hash *h, char out[HASH_TEXT_MAX])
{
	return hex_format(h->b, sizeof h->b, out);
}
