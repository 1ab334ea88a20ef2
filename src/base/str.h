/* str.h - text and bytes by value, not NUL-terminated; borrowed, never owned. */
#ifndef LILYPAD_BASE_STR_H
#define LILYPAD_BASE_STR_H

#include <string.h>

#include "base/defs.h"

struct str {
	const char *p;
	size_t n;
};

struct bytes {
	const uint8_t *p;
	size_t n;
};

/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p
#define STR(lit)   ((struct str){(lit), sizeof(lit) - 1})

static inline struct str str_of(const char *z)
{
	return (struct str){z, z ? strlen(z) : 0};
}

static inline struct bytes bytes_of(const void *p, size_t n)
{
	return (struct bytes){p, n};
}

static inline struct bytes str_bytes(struct str s)
{
	return (struct bytes){(const uint8_t *)s.p, s.n};
}

static inline struct str bytes_str(struct bytes b)
{
	return (struct str){(const char *)b.p, b.n};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

/* By bytes; what another begins with comes before it. */
static inline int str_cmp(struct str a, struct str b)
{
	size_t n = MIN2(a.n, b.n);
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool str_starts(struct str s, const char *z)
{
	size_t n = strlen(z);
	return s.n >= n && memcmp(s.p, z, n) == 0;
}

/* Split at the first c: head before it, *rest after it. Without c, all is head and *rest empty. */
static inline struct str str_cut(struct str s, char c, struct str *rest)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
	size_t n = at ? (size_t)(at - s.p) : s.n;

	*rest = at ? (struct str){at + 1, s.n - n - 1} : (struct str){s.n ? s.p + s.n : s.p, 0};
	return (struct str){s.p, n};
}

/* Decimal digits only, no sign, no leading zero (except "0"), at most max. */
MUST bool str_u64(struct str s, uint64_t max, uint64_t *out);
/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. A NUL is a character. */
MUST bool str_is_utf8(struct str s);
/* Bytes of the UTF-8 character that s begins with; 0 when it begins with none. */
size_t str_char(struct str s);
/* At most max bytes of UTF-8 text, cut between two characters. */
struct str str_within(struct str s, size_t max);
/* What fits of it into a field of that size, with a NUL behind; s may lie in the field. */
void str_keep(char *field, size_t size, struct str s);

#endif
