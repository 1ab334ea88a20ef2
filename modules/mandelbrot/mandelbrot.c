/* mandelbrot.c - `mandelbrot WIDTH HEIGHT ITERATIONS [X Y SPAN]` draws the set into
 * /outputs/mandelbrot.png: the region SPAN wide around X, Y. Prints how many points are in the set.
 *
 * The PNG writer is its own: 8-bit RGB, the Sub filter, one zlib stream with fixed Huffman codes
 * (RFC 1950, 1951) and matches found by a hash of three bytes. */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX       4096
#define ITERATIONS_MAX 100000

/* ---- bytes and bits ------------------------------------------------------------------------------ */

static uint8_t *out;
static size_t out_n, out_cap;
static uint32_t bits;
static unsigned bits_n;

static void byte(unsigned b)
{
	if (out_n == out_cap) {
		out_cap = out_cap ? 2 * out_cap : 65536;
		out = realloc(out, out_cap);
		if (!out) {
			fputs("mandelbrot: no memory for the picture\n", stderr);
			exit(1);
		}
	}
	out[out_n++] = (uint8_t)b;
}

static void be32(uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		byte(v >> shift & 0xFF);
}

/* n bits, the lowest first, as deflate packs everything but Huffman codes. */
static void put_bits(uint32_t v, unsigned n)
{
	bits |= v << bits_n;
	for (bits_n += n; bits_n >= 8; bits_n -= 8, bits >>= 8)
		byte(bits & 0xFF);
}

/* A Huffman code: the highest bit first. */
static void put_code(uint32_t code, unsigned n)
{
	while (n--)
		put_bits(code >> n & 1, 1);
}

/* ---- deflate with fixed codes (RFC 1951, 3.2.6) ---------------------------------------------------- */

static void put_symbol(unsigned s)
{
	if (s < 144)
		put_code(0x30 + s, 8);
	else if (s < 256)
		put_code(0x190 + s - 144, 9);
	else if (s < 280)
		put_code(s - 256, 7);
	else
		put_code(0xC0 + s - 280, 8);
}

/* Lengths 3..258 and distances 1..32768 share one scheme: a code's range doubles every `step` codes. */
static void put_length(unsigned length)
{
	unsigned extra = 0, base = 3, code = 257;

	if (length == 258) {
		put_symbol(285);
		return;
	}
	for (;; code++) {
		extra = code < 265 ? 0 : (code - 261) / 4;
		if (length < base + (1u << extra))
			break;
		base += 1u << extra;
	}
	put_symbol(code);
	put_bits(length - base, extra);
}

static void put_distance(unsigned distance)
{
	unsigned extra = 0, base = 1, code = 0;

	for (;; code++) {
		extra = code < 4 ? 0 : code / 2 - 1;
		if (distance < base + (1u << extra))
			break;
		base += 1u << extra;
	}
	put_code(code, 5);
	put_bits(distance - base, extra);
}

#define HASH_BITS 15
#define WINDOW    32768

static unsigned match_length(const uint8_t *p, size_t at, size_t from, size_t n)
{
	unsigned length = 0;

	while (length < 258 && at + length < n && p[at + length] == p[from + length])
		length++;
	return length;
}

static void deflate(const uint8_t *p, size_t n)
{
	/* The last position of each hash, plus one; 0: none. */
	static uint32_t last[1 << HASH_BITS];
	size_t at = 0;

	put_bits(3, 3); /* the last block, fixed codes */
	while (at < n) {
		unsigned length = 0;
		uint32_t from = 0;

		if (at + 3 <= n) {
			uint32_t key = (uint32_t)p[at] << 16 | (uint32_t)p[at + 1] << 8 | p[at + 2];
			uint32_t h = key * 0x9E3779B1u >> (32 - HASH_BITS);

			from = last[h];
			last[h] = (uint32_t)at + 1;
			if (from && at - (from - 1) <= WINDOW)
				length = match_length(p, at, from - 1, n);
		}
		if (length >= 3) {
			put_length(length);
			put_distance((unsigned)(at - (from - 1)));
			at += length;
		} else {
			put_symbol(p[at++]);
		}
	}
	put_symbol(256);
	put_bits(0, 7); /* fill the last byte */
	bits = bits_n = 0;
}

static void zlib(const uint8_t *p, size_t n)
{
	uint32_t a = 1, b = 0;

	byte(0x78);
	byte(0x01);
	deflate(p, n);
	for (size_t i = 0; i < n; i++) {
		a = (a + p[i]) % 65521;
		b = (b + a) % 65521;
	}
	be32(b << 16 | a);
}

/* ---- PNG ------------------------------------------------------------------------------------------- */

static uint32_t crc(const uint8_t *p, size_t n)
{
	uint32_t c = 0xFFFFFFFF;

	for (size_t i = 0; i < n; i++) {
		c ^= p[i];
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0xEDB88320 : 0);
	}
	return ~c;
}

/* Opens a chunk; chunk_end() fills in its length and appends its checksum. */
static size_t chunk(const char *type)
{
	size_t at = out_n;

	be32(0);
	for (int i = 0; i < 4; i++)
		byte((unsigned char)type[i]);
	return at;
}

static void chunk_end(size_t at)
{
	uint32_t n = (uint32_t)(out_n - at - 8);

	for (int i = 0; i < 4; i++)
		out[at + (size_t)i] = (uint8_t)(n >> (24 - 8 * i));
	be32(crc(out + at + 4, n + 4));
}

/* rows: for each line a filter byte and 3 * width bytes. */
static void png(const uint8_t *rows, uint32_t width, uint32_t height)
{
	static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10};
	size_t at;

	for (size_t i = 0; i < sizeof signature; i++)
		byte(signature[i]);
	at = chunk("IHDR");
	be32(width);
	be32(height);
	byte(8); /* bits a sample */
	byte(2); /* RGB */
	byte(0);
	byte(0);
	byte(0);
	chunk_end(at);
	at = chunk("IDAT");
	zlib(rows, (size_t)height * (1 + 3 * (size_t)width));
	chunk_end(at);
	chunk_end(chunk("IEND"));
}

/* ---- the set --------------------------------------------------------------------------------------- */

/* Steps until the orbit leaves the circle of radius 2; `most`: it did not. */
static unsigned escape(double cx, double cy, unsigned most)
{
	double x = 0, y = 0, xx = 0, yy = 0;
	unsigned i = 0;

	while (i < most && xx + yy <= 4.0) {
		y = 2 * x * y + cy;
		x = xx - yy + cx;
		xx = x * x;
		yy = y * y;
		i++;
	}
	return i;
}

/* Black inside; outside three triangle waves of the step, so that bands stay apart at any depth. */
static void colour(unsigned i, unsigned most, uint8_t rgb[3])
{
	static const unsigned speed[3] = {5, 7, 11};

	for (int k = 0; k < 3; k++) {
		unsigned wave = i * speed[k] % 510;

		rgb[k] = i == most ? 0 : (uint8_t)(wave < 256 ? wave : 510 - wave);
	}
}

struct view {
	uint32_t width, height;
	unsigned iterations;
	double x, y, span;
};

static uint64_t draw(const struct view *v, uint8_t *rows)
{
	double step = v->span / v->width;
	uint64_t inside = 0;

	for (uint32_t py = 0; py < v->height; py++) {
		double cy = v->y + (v->height / 2.0 - py - 0.5) * step;
		uint8_t before[3] = {0}, rgb[3];

		*rows++ = 1; /* filter Sub: each sample less that of the pixel to the left */
		for (uint32_t px = 0; px < v->width; px++) {
			double cx = v->x + (px + 0.5 - v->width / 2.0) * step;
			unsigned i = escape(cx, cy, v->iterations);

			inside += i == v->iterations;
			colour(i, v->iterations, rgb);
			for (int k = 0; k < 3; k++)
				*rows++ = (uint8_t)(rgb[k] - before[k]);
			memcpy(before, rgb, 3);
		}
	}
	return inside;
}

/* ---- arguments ------------------------------------------------------------------------------------- */

static int fail(const char *why, const char *value)
{
	fprintf(stderr, "mandelbrot: %s: %s\n", why, value);
	return 2;
}

static int whole(const char *text, unsigned long max, uint32_t *to)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (*end || errno || v < 1 || v > max)
		return 0;
	*to = (uint32_t)v;
	return 1;
}

static int real(const char *text, double *to)
{
	char *end;

	*to = strtod(text, &end);
	return end != text && !*end && *to >= -1e6 && *to <= 1e6;
}

int main(int argc, char **argv)
{
	struct view v = {.x = -0.75, .y = 0, .span = 3.5};
	uint64_t inside;
	uint8_t *rows;
	FILE *f;

	if (argc != 4 && argc != 7)
		return fail("usage", "mandelbrot WIDTH HEIGHT ITERATIONS [X Y SPAN]");
	if (!whole(argv[1], SIDE_MAX, &v.width))
		return fail("WIDTH is a number from 1 to 4096", argv[1]);
	if (!whole(argv[2], SIDE_MAX, &v.height))
		return fail("HEIGHT is a number from 1 to 4096", argv[2]);
	if (!whole(argv[3], ITERATIONS_MAX, &v.iterations))
		return fail("ITERATIONS is a number from 1 to 100000", argv[3]);
	if (argc == 7 && (!real(argv[4], &v.x) || !real(argv[5], &v.y)))
		return fail("X and Y are numbers", argv[4]);
	if (argc == 7 && (!real(argv[6], &v.span) || v.span <= 0))
		return fail("SPAN is a number above 0", argv[6]);
	rows = malloc((size_t)v.height * (1 + 3 * (size_t)v.width));
	if (!rows) {
		fputs("mandelbrot: no memory for the picture\n", stderr);
		return 1;
	}
	inside = draw(&v, rows);
	png(rows, v.width, v.height);
	f = fopen("/outputs/mandelbrot.png", "wb");
	if (!f || fwrite(out, 1, out_n, f) != out_n || fclose(f)) {
		fprintf(stderr, "mandelbrot: cannot write /outputs/mandelbrot.png: %s\n",
		        strerror(errno));
		return 1;
	}
	printf("%" PRIu32 " x %" PRIu32 ", %u iterations: %" PRIu64
	       " points in the set, %zu bytes\n",
	        v.width, v.height, v.iterations, inside, out_n);
	return 0;
}
