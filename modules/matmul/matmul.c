/* matmul.c - `matmul N SEED`: multiplies two N by N matrices of doubles made from the seed and prints a
 * checksum of the product. Pure arithmetic in a fixed order: equal everywhere, and heavy as N cubed. */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_MIN 10
#define N_MAX 1000

/* splitmix64, then the top 53 bits: uniform in [-1, 1). */
static double next(uint64_t *s)
{
	uint64_t z = *s += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	z ^= z >> 31;
	return (double)(z >> 11) * 0x1p-52 - 1.0;
}

/* Row by row, so that the inner loop runs along memory; the order of additions is fixed. */
static void multiply(size_t n, const double *a, const double *b, double *c)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			double x = a[i * n + k];

			for (size_t j = 0; j < n; j++)
				c[i * n + j] += x * b[k * n + j];
		}
	}
}

/* FNV-1a over the bytes of the product. */
static uint64_t checksum(const double *c, size_t n)
{
	uint64_t h = 0xCBF29CE484222325u;

	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, &c[i], sizeof bits);
		for (int b = 0; b < 64; b += 8)
			h = (h ^ (bits >> b & 0xFF)) * 0x100000001B3u;
	}
	return h;
}

static int number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return !*end && !errno && *out >= min && *out <= max;
}

int main(int argc, char **argv)
{
	uint64_t side, seed;
	size_t n;
	double *a, *b, *c, trace = 0;
	FILE *f;

	if (argc != 3 || !number(argv[1], N_MIN, N_MAX, &side) ||
	        !number(argv[2], 0, UINT64_MAX, &seed)) {
		fprintf(stderr, "matmul: usage: matmul N SEED, N from %d to %d\n", N_MIN, N_MAX);
		return 2;
	}
	n = (size_t)side;
	a = calloc(n * n, sizeof *a);
	b = calloc(n * n, sizeof *b);
	c = calloc(n * n, sizeof *c);
	if (!a || !b || !c) {
		fprintf(stderr, "matmul: no memory for three %zu by %zu matrices\n", n, n);
		return 1;
	}
	for (size_t i = 0; i < n * n; i++)
		a[i] = next(&seed);
	for (size_t i = 0; i < n * n; i++)
		b[i] = next(&seed);
	multiply(n, a, b, c);
	for (size_t i = 0; i < n; i++)
		trace += c[i * n + i];
	printf("n %zu\nchecksum %016" PRIx64 "\ntrace %.17g\n", n, checksum(c, n * n), trace);
	f = fopen("/outputs/result.json", "w");
	if (!f) {
		fprintf(stderr, "matmul: cannot write /outputs/result.json: %s\n", strerror(errno));
		return 1;
	}
	fprintf(f, "{\"checksum\":\"%016" PRIx64 "\",\"n\":%zu,\"trace\":%.17g}\n",
	        checksum(c, n * n), n, trace);
	return fclose(f) ? 1 : 0;
}
