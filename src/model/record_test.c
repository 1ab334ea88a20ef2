/* record_test.c - every record of the protocol: the tables are sound, random rows survive JSON, and no
 * member can change without changing the hash. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/draw_suite.h"
#include "codec/canonical.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "model/model.h"
#include "model/parts.h"

#define ROUNDS 20

/* Small, large or anything. */
static uint64_t draw_below(uint64_t *seed, uint64_t max)
{
	switch (draw(seed) % 4) {
	case 0: return 0;
	case 1: return max;
	default: return max == UINT64_MAX ? draw(seed) : draw(seed) % (max + 1);
	}
}

static bool plain_texts; /* without what must be escaped, or is not ASCII */

static void draw_text(uint64_t *seed, char *out, size_t bound)
{
	static const char *const pieces[] = {
	        "a", "Z9", "\"", "\\", "/", "\n", "\x01", "\x7f", "é", "€", "😀", " "};
	size_t n = 0, max = (size_t)draw_below(seed, bound);

	for (;;) {
		const char *p = pieces[draw(seed) % (plain_texts ? 2 : COUNT(pieces))];

		if (n + strlen(p) > max)
			break;
		memcpy(out + n, p, strlen(p));
		n += strlen(p);
	}
	out[n] = '\0';
}

static void draw_row(uint64_t *seed, const struct record *r, void *row);

static int item_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

static void draw_list(uint64_t *seed, const struct field *f, void *member)
{
	uint8_t *items = (uint8_t *)member + field_items_at(f);
	size_t size = field_item_size(f);
	uint32_t n = (uint32_t)draw_below(seed, MIN2(f->bound, (uint64_t)40));

	for (uint32_t i = 0; i < n; i++) {
		if (f->kind == K_RECS)
			draw_row(seed, f->rec(), items + i * size);
		else
			draw_bytes(seed, items + i * size, size);
	}
	if (f->flags & FF_SORTED) {
		assert_int_equal(size, sizeof(struct addr));
		qsort(items, n, size, item_cmp);
	}
	*(uint32_t *)member = n;
}

static void draw_field(uint64_t *seed, const struct field *f, void *p)
{
	uint8_t be[32] = {0};

	switch (f->kind) {
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_NONCE:
		if (draw(seed) % 8 != 0)
			draw_bytes(seed, p, f->size);
		break;
	case K_AMOUNT:
		draw_bytes(seed, be + 20 + draw(seed) % 12, 1);
		if (draw(seed) % 4 == 0)
			memset(be + 20, 0xff, 12);
		*(struct amount *)p = amount_from_be(be);
		break;
	case K_U64: *(uint64_t *)p = draw_below(seed, UINT64_MAX); break;
	case K_U32: *(uint32_t *)p = (uint32_t)draw_below(seed, UINT32_MAX); break;
	case K_U16: *(uint16_t *)p = (uint16_t)draw_below(seed, UINT16_MAX); break;
	case K_U8: *(uint8_t *)p = (uint8_t)draw_below(seed, UINT8_MAX); break;
	case K_TIME: ((struct btime *)p)->s = draw_below(seed, BTIME_MAX); break;
	case K_ENUM: *(uint8_t *)p = f->names->v[draw(seed) % f->names->n].value; break;
	case K_BOOL: *(bool *)p = draw(seed) & 1; break;
	case K_TEXT: draw_text(seed, p, (size_t)f->bound); break;
	case K_ADDRS:
	case K_HASHES:
	case K_RECS: draw_list(seed, f, p); break;
	case K_REC: draw_row(seed, f->rec(), p); break;
	case K_SIG: fail_msg("%s: a signature in a signed type", f->name); break;
	}
}

static void draw_row(uint64_t *seed, const struct record *r, void *row)
{
	for (size_t i = 0; i < r->n; i++)
		draw_field(seed, &r->f[i], field_in(row, &r->f[i]));
}

/* Calls fn for each signed type and the job spec. */
static void each_record(void (*fn)(const struct record *r))
{
	for (size_t i = 0; model_documents[i]; i++)
		fn(model_documents[i]());
	fn(job_spec_record());
}

/* What the tree makes of a text, and whether it takes it. */
static bool by_tree(const struct record *r, struct str text, void *row)
{
	OWN(json_own) json_t *j = NULL;
	struct err e;

	return json_parse(text, &j, &e) && record_from_json(r, j, row, &e);
}

/* Whatever byte is changed or left out: what is taken in one pass, the tree takes as the same row. */
static void damaged(const struct record *r, struct buf *text, uint64_t *seed)
{
	void *fast = calloc(1, r->size), *slow = calloc(1, r->size);
	size_t at = draw(seed) % text->n;
	uint8_t old = text->p[at];

	text->p[at] = (uint8_t) "0123456789aF\"\\{}[],: x-\0"[draw(seed) % 25];
	if (canonical_read(r, buf_view(text), fast)) {
		assert_true(by_tree(r, buf_view(text), slow));
		assert_memory_equal(fast, slow, r->size);
	}
	text->p[at] = old;
	assert_false(canonical_read(r, (struct str){(char *)text->p, at}, fast));
	free(fast);
	free(slow);
}

/* In one pass and by way of a tree: the same text, and back the same row. */
static void one_pass(const struct record *r)
{
	struct buf text, tree;
	uint64_t seed = 7;

	buf_init(&text, 1u << 22);
	buf_init(&tree, 1u << 22);
	for (int round = 0; round < ROUNDS; round++) {
		void *row = calloc(1, r->size), *fast = calloc(1, r->size);
		void *slow = calloc(1, r->size);
		json_t *j;

		plain_texts = round % 2;
		draw_row(&seed, r, row);
		j = record_to_json(r, row);
		json_canonical(j, &tree);
		json_decref(j);
		canonical_write(r, row, &text);
		assert_true(buf_ok(&text) && str_eq(buf_view(&text), buf_view(&tree)));
		assert_true(by_tree(r, buf_view(&text), slow));
		assert_memory_equal(row, slow, r->size);
		/* Only texts with escapes in them go the long way. */
		if (canonical_read(r, buf_view(&text), fast))
			assert_memory_equal(row, fast, r->size);
		else
			assert_false(plain_texts);
		for (int i = 0; i < 200; i++)
			damaged(r, &text, &seed);
		buf_byte(&text, ' ');
		assert_false(canonical_read(r, buf_view(&text), fast));
		buf_reset(&text);
		buf_reset(&tree);
		free(row);
		free(fast);
		free(slow);
	}
	plain_texts = false;
	buf_done(&text);
	buf_done(&tree);
}

static void test_one_pass(void **state)
{
	(void)state;
	each_record(one_pass);
}

static void round_trip(const struct record *r)
{
	uint64_t seed = 1;
	struct buf text, second;

	buf_init(&text, 1u << 22);
	buf_init(&second, 1u << 22);
	for (int round = 0; round < ROUNDS; round++) {
		void *row = calloc(1, r->size), *back = calloc(1, r->size);
		struct err e = {0};

		draw_row(&seed, r, row);
		record_canonical(r, row, &text);
		assert_true(buf_ok(&text));
		if (!record_parse(r, buf_view(&text), back, &e))
			fail_msg("%s: %s in %s", r->type, e.msg, buf_cstr(&text));
		record_canonical(r, back, &second);
		assert_string_equal(buf_cstr(&text), buf_cstr(&second));
		/* Rows start as zeros and texts end in them, so equal rows are equal bytes. */
		assert_memory_equal(row, back, r->size);
		buf_reset(&text);
		buf_reset(&second);
		free(row);
		free(back);
	}
	buf_done(&text);
	buf_done(&second);
}

static void test_round_trip(void **state)
{
	(void)state;
	each_record(round_trip);
}

struct change {
	const struct record *r;
	void *row;
	struct hash before;
	size_t seen;
};

static void must_differ(struct change *c, const char *what)
{
	struct hash now;

	eip712_hash(c->r, c->row, &now);
	if (hash_eq(&now, &c->before))
		fail_msg("%s: changing %s leaves the hash as it was", c->r->type, what);
	c->seen++;
}

/* Flip one bit in each of n bytes, one after the other. */
static void flip_bytes(struct change *c, const char *what, void *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		((uint8_t *)p)[i] ^= 1;
		must_differ(c, what);
		((uint8_t *)p)[i] ^= 1;
	}
}

static void change_fields(struct change *c, const struct record *r, void *row);

static void change_list(struct change *c, const struct field *f, void *member)
{
	uint8_t *items = (uint8_t *)member + field_items_at(f);
	size_t size = field_item_size(f);
	uint32_t *n = member;

	for (uint32_t i = 0; i < *n && f->kind == K_RECS; i++)
		change_fields(c, f->rec(), items + i * size);
	if (f->kind != K_RECS)
		flip_bytes(c, f->name, items, *n * size);
	if (*n < f->bound) {
		*n += 1;
		must_differ(c, f->name);
		*n -= 1;
	}
	if (*n > 0) {
		*n -= 1;
		must_differ(c, f->name);
		*n += 1;
	}
}

static void change_text(struct change *c, const struct field *f, char *z)
{
	size_t n = strnlen(z, (size_t)f->bound);
	char last;

	flip_bytes(c, f->name, z, n);
	if (n < f->bound) {
		z[n] = 'x';
		must_differ(c, f->name);
		z[n] = '\0';
	}
	if (n > 0) {
		last = z[n - 1];
		z[n - 1] = '\0';
		must_differ(c, f->name);
		z[n - 1] = last;
	}
}

static void change_amount(struct change *c, const struct field *f, struct amount *a)
{
	struct amount old = *a;
	uint8_t be[32];

	for (size_t i = 20; i < 32; i++) {
		amount_to_be(old, be);
		be[i] ^= 1;
		*a = amount_from_be(be);
		must_differ(c, f->name);
	}
	*a = old;
}

static void change_fields(struct change *c, const struct record *r, void *row)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];
		void *p = field_in(row, f);

		switch (f->kind) {
		case K_ADDR:
		case K_HASH:
		case K_CIDRAW:
		case K_CIDTREE:
		case K_NONCE:
		case K_U64:
		case K_U32:
		case K_U16:
		case K_U8:
		case K_ENUM:
		case K_TIME:
		case K_BOOL: flip_bytes(c, f->name, p, f->size); break;
		case K_AMOUNT: change_amount(c, f, p); break;
		case K_TEXT: change_text(c, f, p); break;
		case K_ADDRS:
		case K_HASHES:
		case K_RECS: change_list(c, f, p); break;
		case K_REC: change_fields(c, f->rec(), p); break;
		case K_SIG: fail(); break;
		}
	}
}

static void every_change_shows(const struct record *r)
{
	uint64_t seed = 7;
	struct change c = {.r = r, .row = calloc(1, r->size)};
	struct hash after;

	/* The job spec is named by a content id, and its texts are long. */
	if (r != job_spec_record()) {
		draw_row(&seed, r, c.row);
		eip712_hash(r, c.row, &c.before);
		change_fields(&c, r, c.row);
		assert_true(c.seen >= r->n);
		eip712_hash(r, c.row, &after);
		assert_true(hash_eq(&after, &c.before));
	}
	free(c.row);
}

static void test_every_change_shows(void **state)
{
	(void)state;
	each_record(every_change_shows);
}

static size_t size_of_kind(enum field_kind k)
{
	switch (k) {
	case K_ADDR: return sizeof(struct addr);
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE: return sizeof(struct hash);
	case K_AMOUNT: return sizeof(struct amount);
	case K_U64: return sizeof(uint64_t);
	case K_U32: return sizeof(uint32_t);
	case K_U16: return sizeof(uint16_t);
	case K_U8:
	case K_ENUM: return sizeof(uint8_t);
	case K_TIME: return sizeof(struct btime);
	case K_BOOL: return sizeof(bool);
	case K_NONCE: return 16;
	case K_TEXT:
	case K_ADDRS:
	case K_HASHES:
	case K_REC:
	case K_RECS:
	case K_SIG: break;
	}
	return 0;
}

static void table_is_sound(const struct record *r)
{
	assert_true(r->n > 0 && r->size > 0 && r->meaning[0]);
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];

		assert_true(f->off + f->size <= r->size);
		if (size_of_kind(f->kind) > 0)
			assert_int_equal(f->size, size_of_kind(f->kind));
		if (f->kind == K_TEXT)
			assert_int_equal(f->size, f->bound + 1);
		if (f->kind == K_REC)
			assert_int_equal(f->size, f->rec()->size);
		for (const char *c = f->name; *c; c++)
			assert_true((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z'));
		assert_ptr_equal(record_field(r, str_of(f->name)), f);
		for (size_t k = 0; f->kind == K_ENUM && k < f->names->n; k++)
			assert_string_equal(
			        enum_name(f->names, f->names->v[k].value), f->names->v[k].name);
	}
}

static void test_tables(void **state)
{
	(void)state;
	each_record(table_is_sound);
	for (size_t i = 0; model_documents[i]; i++) {
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
			        model_documents[i]()->type, model_documents[k]()->type);
	}
}

/* Protocol 2.4, 2.5: what the ledger computes from parts is what the parties signed. */
static void test_parts(void **state)
{
	struct deal *d = calloc(1, sizeof *d);
	struct result result = {0}, shown;
	struct hash whole, hot, cold, output, h;
	uint64_t seed = 3;

	(void)state;
	draw_row(&seed, deal_record(), d);
	eip712_hash(deal_record(), d, &whole);
	eip712_hash(hot_record(), &d->hot, &hot);
	eip712_hash(cold_record(), &d->cold, &cold);
	deal_id_of(&hot, &cold, &h);
	assert_true(hash_eq(&h, &whole));
	deal_id_of_hot(&d->hot, &cold, &h);
	assert_true(hash_eq(&h, &whole));
	free(d);

	draw_row(&seed, result_record(), &result);
	eip712_hash(result_record(), &result, &whole);
	eip712_hash(output_record(), &result.output, &output);
	shown = result;
	memset(&shown.output, 0xee, sizeof shown.output);
	result_hash_of(&shown, &output, &h);
	assert_true(hash_eq(&h, &whole));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_tables),
	        cmocka_unit_test(test_one_pass),
	        cmocka_unit_test(test_round_trip),
	        cmocka_unit_test(test_every_change_shows),
	        cmocka_unit_test(test_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
