/* defs.h - the compiler attributes and the few macros that every file may use. */
#ifndef LILYPAD_BASE_DEFS_H
#define LILYPAD_BASE_DEFS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef NDEBUG
#error "asserts guard money here and are always compiled in: build without NDEBUG"
#endif

/* The caller must look at the result. */
#define MUST __attribute__((warn_unused_result))
/* fmt is the 1-based index of the format string, args that of its first argument. */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED                 __attribute__((unused))
#define NORETURN               __attribute__((noreturn))

/* An owned local: fn is called with the variable's address when it leaves scope. */
#define OWN(fn) __attribute__((cleanup(fn)))
/* Hand an owned pointer on: the local forgets it. */
#define TAKE(p)                                                                                    \
	({                                                                                         \
		__typeof__(p) take_ = (p);                                                         \
		(p) = NULL;                                                                        \
		take_;                                                                             \
	})

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIN2(a, b)                                                                                 \
	({                                                                                         \
		__typeof__(a) min_a_ = (a);                                                        \
		__typeof__(b) min_b_ = (b);                                                        \
		min_a_ < min_b_ ? min_a_ : min_b_;                                                 \
	})
#define MAX2(a, b)                                                                                 \
	({                                                                                         \
		__typeof__(a) max_a_ = (a);                                                        \
		__typeof__(b) max_b_ = (b);                                                        \
		max_a_ > max_b_ ? max_a_ : max_b_;                                                 \
	})

/* 20-byte account and 32-byte hash: types, so that they cannot be mixed. */
struct addr {
	uint8_t b[20];
};
struct hash {
	uint8_t b[32];
};

MUST bool addr_eq(const struct addr *a, const struct addr *b);
MUST bool addr_is_zero(const struct addr *a);
/* Order as big-endian numbers, like memcmp: <0, 0, >0. */
MUST int addr_cmp(const struct addr *a, const struct addr *b);
MUST bool hash_eq(const struct hash *a, const struct hash *b);
MUST bool hash_is_zero(const struct hash *a);
MUST int hash_cmp(const struct hash *a, const struct hash *b);

#endif
