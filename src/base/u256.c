/* u256.c - four 64-bit words, schoolbook arithmetic. */
#include "base/u256.h"

struct u256 u256_of(uint64_t v)
{
	return (struct u256){{v, 0, 0, 0}};
}

bool u256_add(struct u256 a, struct u256 b, struct u256 *out)
{
	struct u256 r;
	unsigned carry = 0;

	for (int i = 0; i < 4; i++) {
		uint64_t t;
		unsigned c1 = __builtin_add_overflow(a.w[i], b.w[i], &t);
		unsigned c2 = __builtin_add_overflow(t, (uint64_t)carry, &r.w[i]);
		carry = c1 | c2;
	}
	if (carry)
		return false;
	*out = r;
	return true;
}

bool u256_sub(struct u256 a, struct u256 b, struct u256 *out)
{
	struct u256 r;
	unsigned borrow = 0;

	for (int i = 0; i < 4; i++) {
		uint64_t t;
		unsigned c1 = __builtin_sub_overflow(a.w[i], b.w[i], &t);
		unsigned c2 = __builtin_sub_overflow(t, (uint64_t)borrow, &r.w[i]);
		borrow = c1 | c2;
	}
	if (borrow)
		return false;
	*out = r;
	return true;
}

bool u256_mul(struct u256 a, struct u256 b, struct u256 *out)
{
	uint64_t r[8] = {0};

	for (int i = 0; i < 4; i++) {
		uint64_t carry = 0;

		for (int j = 0; j < 4; j++) {
			unsigned __int128 t = (unsigned __int128)a.w[i] * b.w[j] + r[i + j] + carry;

			r[i + j] = (uint64_t)t;
			carry = (uint64_t)(t >> 64);
		}
		r[i + 4] = carry;
	}
	if (r[4] | r[5] | r[6] | r[7])
		return false;
	*out = (struct u256){{r[0], r[1], r[2], r[3]}};
	return true;
}

bool u256_mul64(struct u256 a, uint64_t b, struct u256 *out)
{
	unsigned __int128 t = 0;
	struct u256 r;

	for (int i = 0; i < 4; i++) {
		t += (unsigned __int128)a.w[i] * b;
		r.w[i] = (uint64_t)t;
		t >>= 64;
	}
	if (t)
		return false;
	*out = r;
	return true;
}

struct u256 u256_div64(struct u256 a, uint64_t d, uint64_t *rem)
{
	struct u256 q;
	uint64_t r = 0;

	assert(d != 0);
	for (int i = 3; i >= 0; i--) {
		unsigned __int128 t = (unsigned __int128)r << 64 | a.w[i];

		/* Nothing carried down: one machine division. */
		q.w[i] = r ? (uint64_t)(t / d) : a.w[i] / d;
		r = r ? (uint64_t)(t % d) : a.w[i] % d;
	}
	if (rem)
		*rem = r;
	return q;
}

int u256_cmp(struct u256 a, struct u256 b)
{
	for (int i = 3; i >= 0; i--) {
		if (a.w[i] != b.w[i])
			return a.w[i] < b.w[i] ? -1 : 1;
	}
	return 0;
}

bool u256_is_zero(struct u256 a)
{
	return (a.w[0] | a.w[1] | a.w[2] | a.w[3]) == 0;
}

unsigned u256_bits(struct u256 a)
{
	for (unsigned i = 4; i-- > 0;) {
		if (a.w[i])
			return 64 * i + 64 - (unsigned)__builtin_clzll(a.w[i]);
	}
	return 0;
}

void u256_to_be(struct u256 a, uint8_t out[32])
{
	for (int i = 0; i < 4; i++) {
		uint64_t be = __builtin_bswap64(a.w[3 - i]);

		memcpy(out + 8 * i, &be, 8);
	}
}

struct u256 u256_from_be(const uint8_t in[32])
{
	struct u256 r;

	for (int i = 0; i < 4; i++) {
		uint64_t be;

		memcpy(&be, in + 8 * i, 8);
		r.w[3 - i] = __builtin_bswap64(be);
	}
	return r;
}

/* Digits go through 64-bit words, DIGITS_WORD at a time. */
enum { DIGITS_WORD = 19 };
static const uint64_t ten_to_word = 10000000000000000000u;

bool u256_parse(struct str s, struct u256 *out)
{
	struct u256 v = {{0, 0, 0, 0}};
	size_t i = 0;

	if (s.n == 0 || s.n >= U256_DEC_MAX || (s.n > 1 && s.p[0] == '0'))
		return false;
	while (i < s.n) {
		uint64_t word = 0, scale = 1;

		for (size_t to = MIN2(i + DIGITS_WORD, s.n); i < to; i++) {
			unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

			if (d > 9)
				return false;
			word = word * 10 + d;
			scale *= 10;
		}
		if (!u256_mul64(v, scale, &v) || !u256_add(v, u256_of(word), &v))
			return false;
	}
	*out = v;
	return true;
}

size_t u256_format(struct u256 a, char out[U256_DEC_MAX])
{
	char tmp[U256_DEC_MAX + DIGITS_WORD];
	size_t n = 0;

	do {
		uint64_t word;

		bool last = (a.w[1] | a.w[2] | a.w[3]) == 0 && a.w[0] < ten_to_word;

		if (last) {
			word = a.w[0];
			a.w[0] = 0;
		} else {
			a = u256_div64(a, ten_to_word, &word);
		}
		for (int i = 0; i < DIGITS_WORD && (word || !last); i++, word /= 10)
			tmp[n++] = (char)('0' + word % 10);
	} while (!u256_is_zero(a));
	if (n == 0)
		tmp[n++] = '0';
	while (n > 1 && tmp[n - 1] == '0')
		n--;
	for (size_t i = 0; i < n; i++)
		out[i] = tmp[n - 1 - i];
	out[n] = '\0';
	return n;
}
