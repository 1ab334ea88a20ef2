/* buf.c - growing buffers with a maximum, and the number parser that text needs. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

bool str_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 20 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

		if (d > 9 || __builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, d, &v))
			return false;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->bad = false;
}

uint8_t *buf_room(struct buf *b, size_t n)
{
	uint8_t *at;

	if (b->bad)
		return NULL;
	/* Above a quarter of the address space the sums below could wrap: no machine has it. */
	if (n > b->max || b->n > b->max - n || b->n + n > SIZE_MAX / 4) {
		b->bad = true;
		return NULL;
	}
	/* One spare byte is always there for the NUL of buf_cstr(). */
	if (b->n + n + 1 > b->cap) {
		size_t cap = b->cap ? b->cap : 64;
		uint8_t *p;

		while (cap < b->n + n + 1)
			cap *= 2;
		p = realloc(b->p, cap);
		if (!p) {
			b->bad = true;
			return NULL;
		}
		b->p = p;
		b->cap = cap;
	}
	at = b->p + b->n;
	b->n += n;
	return at;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	uint8_t *at = buf_room(b, n);

	if (at && n)
		memcpy(at, p, n);
}

void buf_str(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}

void buf_z(struct buf *b, const char *z)
{
	buf_put(b, z, strlen(z));
}

void buf_byte(struct buf *b, uint8_t c)
{
	buf_put(b, &c, 1);
}

void buf_u64be(struct buf *b, uint64_t v)
{
	uint64_t be = __builtin_bswap64(v);

	buf_put(b, &be, sizeof be);
}

void buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	uint8_t *at;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	assert(n >= 0);
	at = buf_room(b, (size_t)n);
	/* The spare byte takes vsnprintf's NUL. */
	if (at)
		vsnprintf((char *)at, (size_t)n + 1, fmt, again);
	va_end(again);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}

void buf_hex(struct buf *b, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = p;
	uint8_t *at = n <= SIZE_MAX / 2 ? buf_room(b, n * 2) : NULL;

	if (!at)
		return;
	for (size_t i = 0; i < n; i++) {
		at[2 * i] = (uint8_t)digits[in[i] >> 4];
		at[2 * i + 1] = (uint8_t)digits[in[i] & 15];
	}
}

void buf_shift(struct buf *b, size_t n)
{
	assert(n <= b->n);
	if (n && n < b->n)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

const char *buf_cstr(struct buf *b)
{
	if (b->bad || b->n == 0)
		return "";
	b->p[b->n] = '\0';
	return (const char *)b->p;
}
