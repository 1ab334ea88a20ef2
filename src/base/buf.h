/* buf.h - a growing buffer born with its maximum. Writers are sticky: append freely, ask once.
 * After an overflow or out-of-memory every append is ignored and buf_ok() is false. */
#ifndef LILYPAD_BASE_BUF_H
#define LILYPAD_BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

struct buf {
	uint8_t *p;
	size_t n;
	size_t cap;
	size_t max;
	bool bad;
};

/* max in bytes; nothing is allocated until the first append. */
void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);  /* usable with OWN(); safe on a zeroed buffer */
void buf_reset(struct buf *b); /* forget the content, keep the memory */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_z(struct buf *b, const char *z);
void buf_byte(struct buf *b, uint8_t c);
void buf_u64be(struct buf *b, uint64_t v);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vfmt(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
void buf_hex(struct buf *b, const void *p, size_t n);
/* Room for n more bytes at the end, counted as written; NULL (and sticky) when it does not fit. */
uint8_t *buf_room(struct buf *b, size_t n);
/* Drop the first n bytes. */
void buf_shift(struct buf *b, size_t n);
static inline bool buf_ok(const struct buf *b)
{
	return !b->bad;
}
/* NUL-terminated view (the NUL is not counted); "" when empty or bad. */
const char *buf_cstr(struct buf *b);
static inline struct str buf_view(const struct buf *b)
{
	return (struct str){(const char *)b->p, b->n};
}
static inline struct bytes buf_bytes(const struct buf *b)
{
	return (struct bytes){b->p, b->n};
}

#endif
