/* rank.c - Keccak-f[1600] on eight states side by side, one in each lane of a vector, where the processor
 * has vectors of four or eight 64-bit words; else one after the other. A message of 64 bytes is a single
 * block of the sponge (rate 136, Ethereum's padding). */
#include "market/rank.h"

#include <string.h>

#include "crypto/keccak.h"
#include "market/pair.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are little-endian in memory");

#if defined(__x86_64__)

typedef uint64_t wide8 __attribute__((vector_size(64)));

/* clang-format off */
#define ROTATE(v, n) ((v) << (n) | (v) >> (64 - (n)))
#define PARITY(x)    (a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20])
/* rho and pi: where each word goes and how far it turns. */
#define MOVE(to, from, n) b[to] = ROTATE(a[from] ^ d[from % 5], n);
#define MOVES \
	b[0] = a[0] ^ d[0]; \
	MOVE( 1,  6, 44) MOVE( 2, 12, 43) MOVE( 3, 18, 21) MOVE( 4, 24, 14) \
	MOVE( 5,  3, 28) MOVE( 6,  9, 20) MOVE( 7, 10,  3) MOVE( 8, 16, 45) MOVE( 9, 22, 61) \
	MOVE(10,  1,  1) MOVE(11,  7,  6) MOVE(12, 13, 25) MOVE(13, 19,  8) MOVE(14, 20, 18) \
	MOVE(15,  4, 27) MOVE(16,  5, 36) MOVE(17, 11, 10) MOVE(18, 17, 15) MOVE(19, 23, 56) \
	MOVE(20,  2, 62) MOVE(21,  8, 55) MOVE(22, 14, 39) MOVE(23, 15, 41) MOVE(24, 21,  2)
#define CHI(y) \
	a[y] = b[y] ^ (~b[y + 1] & b[y + 2]); \
	a[y + 1] = b[y + 1] ^ (~b[y + 2] & b[y + 3]); \
	a[y + 2] = b[y + 2] ^ (~b[y + 3] & b[y + 4]); \
	a[y + 3] = b[y + 3] ^ (~b[y + 4] & b[y]); \
	a[y + 4] = b[y + 4] ^ (~b[y] & b[y + 1]);
/* clang-format on */

static inline __attribute__((always_inline)) void permute(wide8 a[25])
{
	for (unsigned round = 0; round < COUNT(keccak_iota); round++) {
		wide8 b[25], d[5];
		wide8 c0 = PARITY(0), c1 = PARITY(1), c2 = PARITY(2), c3 = PARITY(3),
		      c4 = PARITY(4);

		d[0] = c4 ^ ROTATE(c1, 1);
		d[1] = c0 ^ ROTATE(c2, 1);
		d[2] = c1 ^ ROTATE(c3, 1);
		d[3] = c2 ^ ROTATE(c4, 1);
		d[4] = c3 ^ ROTATE(c0, 1);
		MOVES
		CHI(0)
		CHI(5)
		CHI(10)
		CHI(15)
		CHI(20)
		a[0] ^= keccak_iota[round];
	}
}

static inline __attribute__((always_inline)) void hash_lanes(
        const struct hash *job, const struct hash *const *resources, unsigned n, struct hash *out)
{
	wide8 a[25];

	memset(a, 0, sizeof a);
	for (unsigned w = 0; w < 4; w++) {
		uint64_t word;

		memcpy(&word, job->b + 8 * w, 8);
		a[w] = (wide8){0} + word;
		for (unsigned i = 0; i < RANK_LANES; i++) {
			memcpy(&word, resources[i < n ? i : 0]->b + 8 * w, 8);
			a[4 + w][i] = word;
		}
	}
	a[8] = (wide8){0} + (uint64_t)0x01;
	a[16] = (wide8){0} + ((uint64_t)0x80 << 56);
	permute(a);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned w = 0; w < 4; w++) {
			uint64_t word = a[w][i];

			memcpy(out[i].b + 8 * w, &word, 8);
		}
	}
}

__attribute__((target("avx512f"))) static void hash_avx512(
        const struct hash *job, const struct hash *const *resources, unsigned n, struct hash *out)
{
	hash_lanes(job, resources, n, out);
}

__attribute__((target("avx2"))) static void hash_avx2(
        const struct hash *job, const struct hash *const *resources, unsigned n, struct hash *out)
{
	hash_lanes(job, resources, n, out);
}

static bool rank_vector(
        const struct hash *job, const struct hash *const *resources, unsigned n, struct hash *out)
{
	/* Below that one after the other is as fast. */
	if (n < 3)
		return false;
	if (__builtin_cpu_supports("avx512f"))
		hash_avx512(job, resources, n, out);
	else if (__builtin_cpu_supports("avx2"))
		hash_avx2(job, resources, n, out);
	else
		return false;
	return true;
}

#else

static bool rank_vector(
        const struct hash *job, const struct hash *const *resources, unsigned n, struct hash *out)
{
	(void)job, (void)resources, (void)n, (void)out;
	return false;
}

#endif

void rank_many(
        const struct hash *job, const struct hash *const *resources, unsigned n, struct hash *out)
{
	assert(n <= RANK_LANES);
	if (rank_vector(job, resources, n, out))
		return;
	for (unsigned i = 0; i < n; i++)
		pair_rank(job, resources[i], &out[i]);
}
