/* scrypt.c - RFC 7914. A block of Salsa20 is kept as its four diagonals, so that each step of a round is
 * one operation on vectors; words go in and out of that order once per mix. */
#include "crypto/scrypt.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

typedef uint32_t vec __attribute__((vector_size(16)));

/* 64 bytes. */
struct block {
	vec d[4];
};

/* Which word of the standard order lies at each place. */
static const uint8_t diagonal[16] = {0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11};

/* clang-format off */
#define ROL(v, n) ((v) << (n) | (v) >> (32 - (n)))
#define QUARTERS(a, b, c, d) \
	b ^= ROL(a + d, 7); \
	c ^= ROL(b + a, 9); \
	d ^= ROL(c + b, 13); \
	a ^= ROL(d + c, 18);
#define TURN(v, i, j, k, l) v = __builtin_shufflevector(v, v, i, j, k, l)
/* clang-format on */

/* x = Salsa20/8(x ^ in). */
static inline void salsa(struct block *x, const struct block *in)
{
	vec a = x->d[0] ^ in->d[0], b = x->d[1] ^ in->d[1];
	vec c = x->d[2] ^ in->d[2], d = x->d[3] ^ in->d[3];
	const struct block start = {{a, b, c, d}};

	for (int i = 0; i < 4; i++) {
		QUARTERS(a, b, c, d)
		/* Columns become rows: the same step again, with b and d in each other's place. */
		TURN(b, 3, 0, 1, 2);
		TURN(c, 2, 3, 0, 1);
		TURN(d, 1, 2, 3, 0);
		QUARTERS(a, d, c, b)
		TURN(b, 1, 2, 3, 0);
		TURN(c, 2, 3, 0, 1);
		TURN(d, 3, 0, 1, 2);
	}
	x->d[0] = a + start.d[0];
	x->d[1] = b + start.d[1];
	x->d[2] = c + start.d[2];
	x->d[3] = d + start.d[3];
}

/* out = BlockMix(in), of 2 r blocks each. */
static void block_mix(const struct block *in, struct block *out, size_t r)
{
	struct block x = in[2 * r - 1];

	for (size_t i = 0; i < r; i++) {
		salsa(&x, &in[2 * i]);
		out[i] = x;
		salsa(&x, &in[2 * i + 1]);
		out[r + i] = x;
	}
}

static void xor_into(struct block *to, const struct block *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (int k = 0; k < 4; k++)
			to[i].d[k] ^= from[i].d[k];
	}
}

/* ROMix of x (2 r blocks): v has room for n times that, t for once. */
static void ro_mix(struct block *x, uint64_t n, size_t r, struct block *v, struct block *t)
{
	size_t size = 2 * r;

	memcpy(v, x, size * sizeof *x);
	for (uint64_t i = 1; i < n; i++)
		block_mix(v + (i - 1) * size, v + i * size, r);
	block_mix(v + (n - 1) * size, x, r);
	for (uint64_t i = 0; i < n; i++) {
		/* Integerify: n is below 2^32, and the first word has kept its place. */
		uint64_t j = x[size - 1].d[0][0] & (n - 1);

		xor_into(x, v + j * size, size);
		block_mix(x, t, r);
		memcpy(x, t, size * sizeof *x);
	}
}

static void to_diagonals(const uint8_t *bytes, struct block *out, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t w[16];

		memcpy(w, bytes + 64 * i, 64);
		for (unsigned k = 0; k < 16; k++)
			out[i].d[k / 4][k % 4] = w[diagonal[k]];
	}
}

static void from_diagonals(const struct block *in, uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t w[16];

		for (unsigned k = 0; k < 16; k++)
			w[diagonal[k]] = in[i].d[k / 4][k % 4];
		memcpy(bytes + 64 * i, w, 64);
	}
}

static bool pbkdf2_once(
        struct str password, const uint8_t *salt, size_t salt_n, uint8_t *out, size_t n)
{
	return PKCS5_PBKDF2_HMAC(password.n ? password.p : "", (int)password.n, salt, (int)salt_n,
	               1, EVP_sha256(), (int)n, out) == 1;
}

static bool cost_ok(struct scrypt_cost c)
{
	return c.n >= 2 && c.n <= SCRYPT_COST_MAX && (c.n & (c.n - 1)) == 0 && c.r >= 1 &&
	       c.r <= SCRYPT_RP_MAX && c.p >= 1 && c.p <= SCRYPT_RP_MAX &&
	       c.n * c.r * c.p <= SCRYPT_COST_MAX;
}

bool scrypt(struct str password, struct bytes salt, struct scrypt_cost cost, void *out,
        size_t out_n, struct err *e)
{
	size_t size = 2 * (size_t)cost.r, lanes, total;
	struct block *all, *x, *t;
	uint8_t *bytes;
	bool ok;

	if (!cost_ok(cost))
		return FAIL(e, RANGE,
		        "a scrypt cost of n %llu, r %llu, p %llu: n must be a power of two, r and p at most "
		        "%d, and n * r * p at most %llu",
		        (unsigned long long)cost.n, (unsigned long long)cost.r,
		        (unsigned long long)cost.p, SCRYPT_RP_MAX,
		        (unsigned long long)SCRYPT_COST_MAX);
	if (password.n > INT_MAX || salt.n > INT_MAX || out_n > INT_MAX)
		return FAIL(e, RANGE, "scrypt's password, salt or key is longer than 2 GiB");
	lanes = size * (size_t)cost.p;
	/* V, then X and T of one mix. */
	total = size * (size_t)cost.n + 2 * size;
	all = aligned_alloc(64, total * sizeof *all);
	bytes = malloc(lanes * 64);
	ok = all && bytes;
	if (ok) {
		x = all + size * cost.n;
		t = x + size;
		ok = pbkdf2_once(password, salt.p, salt.n, bytes, lanes * 64);
		for (uint64_t i = 0; ok && i < cost.p; i++) {
			to_diagonals(bytes + i * size * 64, x, size);
			ro_mix(x, cost.n, (size_t)cost.r, all, t);
			from_diagonals(x, bytes + i * size * 64, size);
		}
		ok = ok && pbkdf2_once(password, bytes, lanes * 64, out, out_n);
		explicit_bzero(all, total * sizeof *all);
		explicit_bzero(bytes, lanes * 64);
	}
	free(all);
	free(bytes);
	return ok || FAIL(e, MEMORY, "no memory for scrypt: its cost takes %llu MiB",
	                     (unsigned long long)(total * sizeof *all >> 20));
}
