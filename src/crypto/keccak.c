/* keccak.c - the permutation Keccak-f[1600] with rounds unrolled in pairs, and the sponge of rate 136
 * (Keccak reference 3.0; the padding of Ethereum's Keccak-256). Lane x, y of the reference is `xy`. */
#include "crypto/keccak.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lanes are little-endian in memory");

enum { RATE = 136, LANES = 25 };

const uint64_t keccak_iota[24] = {
        0x0000000000000001,
        0x0000000000008082,
        0x800000000000808a,
        0x8000000080008000,
        0x000000000000808b,
        0x0000000080000001,
        0x8000000080008081,
        0x8000000000008009,
        0x000000000000008a,
        0x0000000000000088,
        0x0000000080008009,
        0x000000008000000a,
        0x000000008000808b,
        0x800000000000008b,
        0x8000000000008089,
        0x8000000000008003,
        0x8000000000008002,
        0x8000000000000080,
        0x000000000000800a,
        0x800000008000000a,
        0x8000000080008081,
        0x8000000000008080,
        0x0000000080000001,
        0x8000000080008008,
};

/* clang-format off */
#define ROL(v, n) ((v) << (n) | (v) >> (64 - (n)))

/* chi on one row of five lanes. */
#define CHI(b, y, k) \
	b##0##y = c0 ^ (~c1 & c2) ^ (k); \
	b##1##y = c1 ^ (~c2 & c3); \
	b##2##y = c2 ^ (~c3 & c4); \
	b##3##y = c3 ^ (~c4 & c0); \
	b##4##y = c4 ^ (~c0 & c1);

/* One round from the lanes a.. to the lanes b..: theta, then rho, pi and chi row by row, then iota. */
#define ROUND(a, b, k) \
	c0 = a##00 ^ a##01 ^ a##02 ^ a##03 ^ a##04; \
	c1 = a##10 ^ a##11 ^ a##12 ^ a##13 ^ a##14; \
	c2 = a##20 ^ a##21 ^ a##22 ^ a##23 ^ a##24; \
	c3 = a##30 ^ a##31 ^ a##32 ^ a##33 ^ a##34; \
	c4 = a##40 ^ a##41 ^ a##42 ^ a##43 ^ a##44; \
	d0 = c4 ^ ROL(c1, 1); d1 = c0 ^ ROL(c2, 1); d2 = c1 ^ ROL(c3, 1); \
	d3 = c2 ^ ROL(c4, 1); d4 = c3 ^ ROL(c0, 1); \
	c0 = a##00 ^ d0;            c1 = ROL(a##11 ^ d1, 44); c2 = ROL(a##22 ^ d2, 43); \
	c3 = ROL(a##33 ^ d3, 21);   c4 = ROL(a##44 ^ d4, 14); CHI(b, 0, k) \
	c0 = ROL(a##30 ^ d3, 28);   c1 = ROL(a##41 ^ d4, 20); c2 = ROL(a##02 ^ d0, 3); \
	c3 = ROL(a##13 ^ d1, 45);   c4 = ROL(a##24 ^ d2, 61); CHI(b, 1, 0) \
	c0 = ROL(a##10 ^ d1, 1);    c1 = ROL(a##21 ^ d2, 6);  c2 = ROL(a##32 ^ d3, 25); \
	c3 = ROL(a##43 ^ d4, 8);    c4 = ROL(a##04 ^ d0, 18); CHI(b, 2, 0) \
	c0 = ROL(a##40 ^ d4, 27);   c1 = ROL(a##01 ^ d0, 36); c2 = ROL(a##12 ^ d1, 10); \
	c3 = ROL(a##23 ^ d2, 15);   c4 = ROL(a##34 ^ d3, 56); CHI(b, 3, 0) \
	c0 = ROL(a##20 ^ d2, 62);   c1 = ROL(a##31 ^ d3, 55); c2 = ROL(a##42 ^ d4, 39); \
	c3 = ROL(a##03 ^ d0, 41);   c4 = ROL(a##14 ^ d1, 2);  CHI(b, 4, 0)

#define DECLARE(a) \
	uint64_t a##00, a##10, a##20, a##30, a##40, a##01, a##11, a##21, a##31, a##41, a##02, a##12, \
		a##22, a##32, a##42, a##03, a##13, a##23, a##33, a##43, a##04, a##14, a##24, a##34, a##44
#define EACH_LANE(DO) \
	DO(00, 0)  DO(10, 1)  DO(20, 2)  DO(30, 3)  DO(40, 4)  DO(01, 5)  DO(11, 6)  DO(21, 7)  DO(31, 8) \
	DO(41, 9)  DO(02, 10) DO(12, 11) DO(22, 12) DO(32, 13) DO(42, 14) DO(03, 15) DO(13, 16) DO(23, 17) \
	DO(33, 18) DO(43, 19) DO(04, 20) DO(14, 21) DO(24, 22) DO(34, 23) DO(44, 24)
#define LOAD(xy, i)  a##xy = s[i];
#define STORE(xy, i) s[i] = a##xy;
/* clang-format on */

static inline __attribute__((always_inline)) void rounds(uint64_t s[LANES])
{
	uint64_t c0, c1, c2, c3, c4, d0, d1, d2, d3, d4;
	DECLARE(a);
	DECLARE(b);

	EACH_LANE(LOAD)
	for (unsigned i = 0; i < COUNT(keccak_iota); i += 2) {
		ROUND(a, b, keccak_iota[i])
		ROUND(b, a, keccak_iota[i + 1])
	}
	EACH_LANE(STORE)
}

static void permute_plain(uint64_t s[LANES])
{
	rounds(s);
}

#ifdef __x86_64__
/* The same rounds with and-not and three-operand rotations. */
__attribute__((target("bmi,bmi2"))) static void permute_bmi(uint64_t s[LANES])
{
	rounds(s);
}

static void permute(uint64_t s[LANES])
{
	if (__builtin_cpu_supports("bmi2"))
		permute_bmi(s);
	else
		permute_plain(s);
}
#else
static void permute(uint64_t s[LANES])
{
	permute_plain(s);
}
#endif

static void absorb(uint64_t s[LANES], const uint8_t *block)
{
	for (size_t i = 0; i < RATE / 8; i++) {
		uint64_t lane;

		memcpy(&lane, block + 8 * i, 8);
		s[i] ^= lane;
	}
	permute(s);
}

/* The last block, of n < RATE bytes, and the padding 0x01 0x00… 0x80. `block` has room for RATE bytes. */
static void finish(uint64_t s[LANES], uint8_t *block, size_t n, struct hash *out)
{
	assert(n < RATE);
	memset(block + n, 0, RATE - n);
	block[n] = 0x01;
	block[RATE - 1] |= 0x80;
	absorb(s, block);
	memcpy(out->b, s, sizeof out->b);
}

void keccak_init(struct keccak *k)
{
	*k = (struct keccak){.n = 0};
}

void keccak_add(struct keccak *k, const void *p, size_t n)
{
	const uint8_t *in = p;

	if (k->n && n) {
		size_t take = MIN2(n, RATE - k->n);

		memcpy(k->block + k->n, in, take);
		k->n += take;
		in += take;
		n -= take;
		if (k->n == RATE) {
			absorb(k->state, k->block);
			k->n = 0;
		}
	}
	for (; n >= RATE; in += RATE, n -= RATE)
		absorb(k->state, in);
	if (n) {
		memcpy(k->block, in, n);
		k->n = n;
	}
}

void keccak_end(struct keccak *k, struct hash *out)
{
	finish(k->state, k->block, k->n, out);
	keccak_init(k);
}

void keccak256(const void *p, size_t n, struct hash *out)
{
	uint64_t s[LANES] = {0};
	uint8_t last[RATE];
	const uint8_t *in = p;

	for (; n >= RATE; in += RATE, n -= RATE)
		absorb(s, in);
	if (n)
		memcpy(last, in, n);
	finish(s, last, n, out);
}
