/* hex.c - hex and EIP-55 addresses. */
#include "codec/hex.h"

#include "crypto/keccak.h"

static const char hex_digits[] = "0123456789abcdef";

enum { SHOWN_MAX = 80 };

/* The text as a message may carry it: printable ASCII, and cut where it is long. */
static const char *shown(struct str s, char out[SHOWN_MAX + 4])
{
	size_t n = MIN2(s.n, (size_t)SHOWN_MAX);

	for (size_t i = 0; i < n; i++)
		out[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
	memcpy(out + n, s.n > n ? "..." : "", s.n > n ? 4 : 1);
	return out;
}

/* The value of a hex digit plus one; 0: no digit. */
/* clang-format off */
static const uint8_t digit_plus_1[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9,
	['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};
/* clang-format on */

/* The value of a hex digit; above 15 when it is none. */
static unsigned nibble(char c)
{
	return (unsigned)digit_plus_1[(unsigned char)c] - 1;
}

bool hex_parse_upto(struct str s, void *out, size_t max, size_t *n, struct err *e)
{
	char text[SHOWN_MAX + 4];
	uint8_t *to = out;

	if (!str_starts(s, "0x"))
		return FAIL(
		        e, ENCODING, "\"%s\" is not hex: it must start with 0x", shown(s, text));
	if (s.n % 2)
		return FAIL(e, ENCODING, "\"%s\" has an odd number of hex digits", shown(s, text));
	if ((s.n - 2) / 2 > max)
		return FAIL(e, ENCODING, "\"%s\" has %zu bytes of hex: at most %zu fit here",
		        shown(s, text), (s.n - 2) / 2, max);
	/* All digits are looked at before the first byte is written. */
	for (size_t i = 2; i < s.n; i++) {
		if (nibble(s.p[i]) > 15)
			return FAIL(e, ENCODING, "\"%s\" is not hex: character %zu is no digit",
			        shown(s, text), i + 1);
	}
	for (size_t i = 2; i < s.n; i += 2)
		*to++ = (uint8_t)(nibble(s.p[i]) << 4 | nibble(s.p[i + 1]));
	*n = (s.n - 2) / 2;
	return true;
}

bool hex_parse(struct str s, void *out, size_t n, struct err *e)
{
	char text[SHOWN_MAX + 4];
	size_t got;

	if (str_starts(s, "0x") && s.n - 2 != 2 * n)
		return FAIL(e, ENCODING, "\"%s\" has %zu hex digits: it must have %zu",
		        shown(s, text), s.n - 2, 2 * n);
	return hex_parse_upto(s, out, n, &got, e);
}

size_t hex_format(const void *p, size_t n, char *out)
{
	const uint8_t *in = p;

	*out++ = '0';
	*out++ = 'x';
	for (size_t i = 0; i < n; i++) {
		*out++ = hex_digits[in[i] >> 4];
		*out++ = hex_digits[in[i] & 15];
	}
	*out = '\0';
	return 2 * n + 2;
}

/* EIP-55: a letter is upper case where the hash of the lower-case digits has a nibble above 7. */
static void put_checksum(char text[ADDR_TEXT_MAX], size_t n)
{
	struct hash h;

	keccak256(text + 2, n - 2, &h);
	for (size_t i = 2; i < n; i++) {
		unsigned bits = h.b[(i - 2) / 2] >> (i % 2 ? 0 : 4) & 15u;

		if (text[i] >= 'a' && bits > 7)
			text[i] = (char)(text[i] - 'a' + 'A');
	}
}

/* The same few parties are written and read in every document, and a checksum costs a Keccak-256: the
 * texts of the addresses seen last are kept. */
struct kept_text {
	struct addr addr;
	char text[ADDR_TEXT_MAX]; /* "": nothing is kept here */
};

static struct kept_text *kept_of(const struct addr *a)
{
	enum { KEPT = 256 };
	static _Thread_local struct kept_text kept[KEPT];
	uint32_t k;

	/* Addresses are hashes: any of their bytes will do; others than at random only share a place. */
	memcpy(&k, a->b + sizeof a->b - sizeof k, sizeof k);
	return &kept[(k ^ k >> 16 ^ k >> 24) % KEPT];
}

size_t addr_format(const struct addr *a, char out[ADDR_TEXT_MAX])
{
	const size_t n = 2 + 2 * sizeof a->b;
	struct kept_text *k = kept_of(a);

	if (k->text[0] == '\0' || !addr_eq(&k->addr, a)) {
		hex_format(a->b, sizeof a->b, k->text);
		put_checksum(k->text, n);
		k->addr = *a;
	}
	memcpy(out, k->text, n + 1);
	return n;
}

bool addr_parse(struct str s, struct addr *out, struct err *e)
{
	char text[SHOWN_MAX + 4], right[ADDR_TEXT_MAX];
	bool lower = true;
	struct addr a;

	TRY(hex_parse(s, a.b, sizeof a.b, e), e);
	addr_format(&a, right);
	for (size_t i = 2; i < s.n; i++)
		lower = lower && !(s.p[i] >= 'A' && s.p[i] <= 'F');
	if (!lower && !str_is(s, right)) {
		FAIL(e, ENCODING,
		        "the address \"%s\" fails its checksum (EIP-55): a digit is mistyped",
		        shown(s, text));
		return err_hint(e, "%s would be right for these digits", right);
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
