/* suite.h - what the test programs of this folder share: tables, rows with random content, helpers. */
#ifndef LILYPAD_STORE_SUITE_H
#define LILYPAD_STORE_SUITE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "port/port.h"
#include "store/row.h"

/* clang-format off */
#include "model/record_struct.h"
#include "store/suite.def"
#include "model/record_end.h"

#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "store/suite.def"
#include "model/record_end.h"

#include "model/record_table.h"
#include "store/suite.def"
#include "model/record_end.h"
/* clang-format on */

static const struct record *(*const suite_tables[])(void) = {
        suite_all_record, suite_flat_record, suite_keys_record, NULL};

/* xorshift64*: the tests print nothing random, so a fixed seed is a fixed test. */
struct dice {
	uint64_t s;
};
static inline uint64_t roll(struct dice *d, uint64_t below)
{
	d->s ^= d->s >> 12;
	d->s ^= d->s << 25;
	d->s ^= d->s >> 27;
	return (d->s * 0x2545F4914F6CDD1Du >> 11) % below;
}
static inline void roll_bytes(struct dice *d, void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)roll(d, 256);
}

static inline void suite_row(const struct record *r, void *row, struct dice *d);

static inline void suite_text(struct dice *d, char *to, size_t bound)
{
	static const char *const parts[] = {
	        "a", "Z", "\xc3\xa9", "\"", "\\", "\xf0\x9f\xa6\x86", " ", "'", "\n"};
	size_t n = 0;

	to[0] = '\0';
	for (uint64_t i = roll(d, bound); i; i--) {
		const char *part = parts[roll(d, COUNT(parts))];

		if (n + strlen(part) > bound)
			break;
		memcpy(to + n, part, strlen(part) + 1);
		n += strlen(part);
	}
}

static inline void suite_list(const struct field *f, uint8_t *at, struct dice *d)
{
	uint32_t n = (uint32_t)roll(d, f->bound + 1);

	memcpy(at, &n, sizeof n);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *item = at + field_items_at(f) + i * field_item_size(f);

		if (f->kind == K_RECS)
			suite_row(f->rec(), item, d);
		else
			roll_bytes(d, item, field_item_size(f));
		/* Ascending where it must be. */
		if (f->flags & FF_SORTED)
			item[0] = (uint8_t)(i * 60 + item[0] % 60);
	}
}

static inline void suite_field(const struct field *f, void *at, struct dice *d)
{
	struct sig *sig = at;

	switch (f->kind) {
	case K_TEXT: suite_text(d, at, f->bound); break;
	case K_ADDRS:
	case K_HASHES:
	case K_RECS: suite_list(f, at, d); break;
	case K_REC: suite_row(f->rec(), at, d); break;
	case K_SIG:
		sig->n = (uint8_t[]){0, 64, 65}[roll(d, 3)];
		roll_bytes(d, sig->b, sig->n);
		break;
	case K_ENUM: *(uint8_t *)at = f->names->v[roll(d, f->names->n)].value; break;
	case K_BOOL: *(bool *)at = roll(d, 2); break;
	case K_TIME: ((struct btime *)at)->s = roll(d, BTIME_MAX + 1); break;
	case K_AMOUNT: {
		uint8_t be[32] = {0};

		roll_bytes(d, be + 20, 12);
		*(struct amount *)at = amount_from_be(be);
		break;
	}
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_U64:
	case K_U32:
	case K_U16:
	case K_U8:
	case K_NONCE: roll_bytes(d, at, f->size); break;
	}
}

/* A row with random content in every field, all padding zero. */
static inline void suite_row(const struct record *r, void *row, struct dice *d)
{
	memset(row, 0, r->size);
	for (size_t i = 0; i < r->n; i++)
		suite_field(&r->f[i], field_in(row, &r->f[i]), d);
}

#endif
