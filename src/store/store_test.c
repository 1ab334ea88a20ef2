/* store_test.c - one suite over both stores: what a role may rely on. */
#include "store/suite.h"

#include <ftw.h>
#include <unistd.h>

#include "store/memory.h"
#include "store/sqlite.h"

struct world_ {
	bool disk;
	struct store store;
	struct store_tx tx;
	struct store_memory *mem;
	struct store_sqlite *sql;
	char dir[64];
};

static int start(void **state, bool disk)
{
	struct world_ *w = calloc(1, sizeof *w);
	char path[96];
	struct err e;

	assert_non_null(w);
	w->disk = disk;
	*state = w;
	if (!disk) {
		w->mem = store_memory_new(suite_tables);
		assert_non_null(w->mem);
		w->store = store_memory_port(w->mem);
		w->tx = store_memory_tx(w->mem);
		return 0;
	}
	snprintf(w->dir, sizeof w->dir, "/tmp/store_test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(path, sizeof path, "%s/s.db", w->dir);
	if (!store_sqlite_open(path, suite_tables, &w->sql, &e))
		fail_msg("%s", e.msg);
	w->store = store_sqlite_port(w->sql);
	w->tx = store_sqlite_tx(w->sql);
	return 0;
}

static int start_memory(void **state)
{
	return start(state, false);
}

static int start_sqlite(void **state)
{
	return start(state, true);
}

static int stop(void **state)
{
	struct world_ *w = *state;
	static const char *const names[] = {"s.db", "s.db-wal", "s.db-shm", "s.db.lock"};
	char path[96];
	struct err e;

	if (w->sql && !store_sqlite_check(w->sql, &e))
		fail_msg("%s", e.msg);
	store_memory_free(w->mem);
	store_sqlite_free(w->sql);
	for (size_t i = 0; w->disk && i < COUNT(names); i++) {
		snprintf(path, sizeof path, "%s/%s", w->dir, names[i]);
		unlink(path);
	}
	if (w->disk)
		assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

/* Short forms that fail the test on an error. */
static void put(const struct world_ *w, const struct record *r, const void *row)
{
	struct err e;

	if (!w->store.put(w->store.self, r, row, &e))
		fail_msg("%s", e.msg);
}

static bool get(const struct world_ *w, const struct record *r, void *row)
{
	struct err e;

	if (w->store.get(w->store.self, r, row, &e))
		return true;
	if (e.code != E_NOT_FOUND)
		fail_msg("%s", e.msg);
	return false;
}

static void del(const struct world_ *w, const struct record *r, const void *row)
{
	struct err e;

	if (!w->store.del(w->store.self, r, row, &e))
		fail_msg("%s", e.msg);
}

static void begin(const struct world_ *w)
{
	struct err e;

	if (!w->tx.begin(w->tx.self, &e))
		fail_msg("%s", e.msg);
}

static void commit(const struct world_ *w)
{
	struct err e;

	if (!w->tx.commit(w->tx.self, &e))
		fail_msg("%s", e.msg);
}

/* Rows in the order in which they are given. */
struct seen {
	const struct record *r;
	uint8_t *rows;
	size_t n;
	size_t stop_after; /* 0: never */
};

static bool note(void *ctx, const void *row)
{
	struct seen *s = ctx;

	s->rows = realloc(s->rows, (s->n + 1) * s->r->size);
	memcpy(s->rows + s->n++ * s->r->size, row, s->r->size);
	return s->n != s->stop_after;
}

static void each(const struct world_ *w, const struct record *r, const struct field *by,
        const void *row, struct seen *s)
{
	struct err e;

	s->r = r;
	if (!w->store.each(w->store.self, r, by, row, note, s, &e))
		fail_msg("%s", e.msg);
}

static struct suite_flat flat(const char *name, uint64_t number, uint8_t owner)
{
	struct suite_flat f = {.number = number, .owner = {{owner}}, .sum = amount_of(number * 3)};

	snprintf(f.name, sizeof f.name, "%s", name);
	return f;
}

/* ---- the suite ----------------------------------------------------------------------------------- */

#define ROWS 120

/* Every kind of field comes back as it was put; rows come in the order of their keys. */
static void test_round_trip(void **state)
{
	struct world_ *w = *state;
	const struct record *r = suite_all_record();
	struct dice d = {42};
	struct suite_all *rows = calloc(ROWS, sizeof *rows);
	struct seen seen = {0};

	begin(w);
	for (size_t i = 0; i < ROWS; i++) {
		suite_row(r, &rows[i], &d);
		rows[i].id.b[0] &= 7; /* some share the first bytes */
		put(w, r, &rows[i]);
	}
	commit(w);
	for (size_t i = 0; i < ROWS; i++) {
		struct suite_all got = {.id = rows[i].id, .part = rows[i].part};

		assert_true(get(w, r, &got));
		assert_memory_equal(&got, &rows[i], sizeof got);
	}
	each(w, r, NULL, NULL, &seen);
	assert_int_equal(seen.n, ROWS);
	for (size_t i = 1; i < seen.n; i++)
		assert_true(
		        row_key_cmp(r, seen.rows + (i - 1) * r->size, seen.rows + i * r->size) < 0);
	free(seen.rows);
	free(rows);
}

/* Every indexed field finds exactly the rows that have its value, in order of their keys. */
static void test_by_each_index(void **state)
{
	struct world_ *w = *state;
	const struct record *r = suite_all_record();
	struct suite_all *rows = calloc(ROWS, sizeof *rows);
	struct dice d = {7};

	for (size_t i = 0; i < ROWS; i++) {
		suite_row(r, &rows[i], &d);
		/* Few values, so that many rows share each. */
		for (size_t f = 2; f < r->n; f++) {
			if (i >= 10 && r->f[f].flags & FF_INDEX)
				memcpy(field_in(&rows[i], &r->f[f]),
				        field_at(&rows[roll(&d, 10)], &r->f[f]), r->f[f].size);
		}
		put(w, r, &rows[i]);
	}
	for (size_t f = 0; f < r->n; f++) {
		const struct field *by = &r->f[f];

		for (size_t i = 0; (by->flags & (FF_INDEX | FF_KEY)) && i < 10; i++) {
			struct seen seen = {0};
			size_t want = 0;

			each(w, r, by, &rows[i], &seen);
			for (size_t j = 0; j < ROWS; j++)
				want += field_cmp(by, &rows[j], &rows[i]) == 0;
			assert_int_equal(seen.n, want);
			for (size_t j = 0; j < seen.n; j++) {
				assert_int_equal(
				        field_cmp(by, seen.rows + j * r->size, &rows[i]), 0);
				assert_true(j == 0 || row_key_cmp(r, seen.rows + (j - 1) * r->size,
				                              seen.rows + j * r->size) < 0);
			}
			free(seen.rows);
		}
	}
	free(rows);
}

/* Numbers above 2^63 and amounts order as numbers. */
static void test_order_of_large_numbers(void **state)
{
	struct world_ *w = *state;
	static const uint64_t n[] = {UINT64_MAX, 0, 255, 256, (uint64_t)1 << 63, 1};
	struct seen seen = {0};
	uint64_t last = 0;

	for (size_t i = 0; i < COUNT(n); i++) {
		struct suite_flat f = flat("x", n[i], 1);
		put(w, suite_flat_record(), &f);
	}
	each(w, suite_flat_record(), NULL, NULL, &seen);
	assert_int_equal(seen.n, COUNT(n));
	for (size_t i = 0; i < seen.n; i++) {
		const struct suite_flat *f = (void *)(seen.rows + i * sizeof *f);

		assert_true(i == 0 || f->number > last);
		last = f->number;
	}
	free(seen.rows);
}

static void test_replace(void **state)
{
	struct world_ *w = *state;
	struct suite_flat f = flat("a", 1, 1), g = flat("a", 1, 2);
	struct seen one = {0}, two = {0};

	put(w, suite_flat_record(), &f);
	g.sig.n = 65;
	memset(g.sig.b, 9, 65);
	put(w, suite_flat_record(), &g);
	assert_true(get(w, suite_flat_record(), &f));
	assert_memory_equal(&f, &g, sizeof f);
	/* The index forgot the old value. */
	f.owner.b[0] = 1;
	each(w, suite_flat_record(), record_field(suite_flat_record(), STR("owner")), &f, &one);
	each(w, suite_flat_record(), record_field(suite_flat_record(), STR("owner")), &g, &two);
	assert_int_equal(one.n, 0);
	assert_int_equal(two.n, 1);
	free(one.rows);
	free(two.rows);
}

static void test_keys_only(void **state)
{
	struct world_ *w = *state;
	struct suite_keys k = {{{1}}, amount_of(5)}, other = {{{1}}, amount_of(6)};
	struct seen seen = {0};

	put(w, suite_keys_record(), &k);
	put(w, suite_keys_record(), &k);
	assert_true(get(w, suite_keys_record(), &k));
	assert_false(get(w, suite_keys_record(), &other));
	each(w, suite_keys_record(), NULL, NULL, &seen);
	assert_int_equal(seen.n, 1);
	free(seen.rows);
}

static void test_delete(void **state)
{
	struct world_ *w = *state;
	struct suite_flat a = flat("a", 1, 1), b = flat("b", 2, 1);
	struct seen seen = {0};

	put(w, suite_flat_record(), &a);
	put(w, suite_flat_record(), &b);
	del(w, suite_flat_record(), &a);
	del(w, suite_flat_record(), &a); /* nothing there: no error */
	assert_false(get(w, suite_flat_record(), &a));
	each(w, suite_flat_record(), record_field(suite_flat_record(), STR("owner")), &b, &seen);
	assert_int_equal(seen.n, 1);
	assert_memory_equal(seen.rows, &b, sizeof b);
	free(seen.rows);
}

/* A get that finds nothing leaves the row as it was. */
static void test_absent(void **state)
{
	struct world_ *w = *state;
	struct suite_flat a = flat("nobody", 1, 9), before = a;

	assert_false(get(w, suite_flat_record(), &a));
	assert_memory_equal(&a, &before, sizeof a);
}

static void test_rollback(void **state)
{
	struct world_ *w = *state;
	struct suite_flat a = flat("a", 1, 1), a2 = flat("a", 1, 2), b = flat("b", 2, 1),
	                  c = flat("c", 3, 1);
	struct seen seen = {0};
	uint64_t n = 0;
	struct err e;

	begin(w);
	put(w, suite_flat_record(), &a);
	put(w, suite_flat_record(), &b);
	assert_true(w->store.next(w->store.self, "n", &n, &e));
	commit(w);
	begin(w);
	put(w, suite_flat_record(), &a2);
	del(w, suite_flat_record(), &a2);
	put(w, suite_flat_record(), &c);
	del(w, suite_flat_record(), &b);
	put(w, suite_flat_record(), &b);
	put(w, suite_flat_record(), &a2);
	assert_true(w->store.next(w->store.self, "n", &n, &e));
	assert_int_equal(n, 2);
	w->tx.rollback(w->tx.self);
	each(w, suite_flat_record(), NULL, NULL, &seen);
	assert_int_equal(seen.n, 2);
	assert_memory_equal(seen.rows, &a, sizeof a);
	assert_memory_equal(seen.rows + sizeof a, &b, sizeof b);
	free(seen.rows);
	begin(w);
	assert_true(w->store.next(w->store.self, "n", &n, &e));
	assert_int_equal(n, 2); /* what was rolled back was never given */
	commit(w);
}

static void test_counters(void **state)
{
	struct world_ *w = *state;
	struct err e;
	uint64_t n;

	for (uint64_t i = 1; i <= 5; i++) {
		assert_true(w->store.next(w->store.self, "one", &n, &e));
		assert_int_equal(n, i);
	}
	assert_true(w->store.next(w->store.self, "two", &n, &e));
	assert_int_equal(n, 1);
}

static void test_stop_early(void **state)
{
	struct world_ *w = *state;
	struct seen seen = {.stop_after = 2};

	for (uint64_t i = 0; i < 5; i++) {
		struct suite_flat f = flat("x", i, 1);
		put(w, suite_flat_record(), &f);
	}
	each(w, suite_flat_record(), NULL, NULL, &seen);
	assert_int_equal(seen.n, 2);
	free(seen.rows);
	seen = (struct seen){0};
	each(w, suite_flat_record(), NULL, NULL, &seen); /* the walk before left nothing behind */
	assert_int_equal(seen.n, 5);
	free(seen.rows);
}

/* A callback that deletes what it is given, changes its index, and walks again inside. */
struct changer {
	struct world_ *w;
	unsigned given;
	unsigned inner;
};

static bool count_inner(void *ctx, const void *row)
{
	(void)row;
	((struct changer *)ctx)->inner++;
	return true;
}

static bool change(void *ctx, const void *row)
{
	struct changer *c = ctx;
	const struct store *s = &c->w->store;
	struct suite_flat f;
	struct err e;

	memcpy(&f, row, sizeof f);
	c->given++;
	if (f.number % 2) {
		del(c->w, suite_flat_record(), &f);
	} else {
		f.owner.b[0] = 77;
		put(c->w, suite_flat_record(), &f);
	}
	assert_true(s->each(s->self, suite_flat_record(), NULL, NULL, count_inner, c, &e));
	return true;
}

static void test_change_while_walking(void **state)
{
	struct world_ *w = *state;
	struct changer c = {.w = w};
	struct suite_flat key = flat("", 0, 1);
	const struct field *owner = record_field(suite_flat_record(), STR("owner"));
	struct seen seen = {0};
	struct err e;

	begin(w);
	for (uint64_t i = 0; i < 20; i++) {
		struct suite_flat f = flat("x", i, 1);
		put(w, suite_flat_record(), &f);
	}
	if (!w->store.each(w->store.self, suite_flat_record(), owner, &key, change, &c, &e))
		fail_msg("%s", e.msg);
	commit(w);
	assert_int_equal(c.given, 20);
	assert_int_equal(c.inner, 20 + 19 + 19 + 18 + 18 + 17 + 17 + 16 + 16 + 15 + 15 + 14 + 14 +
	                                  13 + 13 + 12 + 12 + 11 + 11 + 10);
	key.owner.b[0] = 77;
	each(w, suite_flat_record(), owner, &key, &seen);
	assert_int_equal(seen.n, 10);
	free(seen.rows);
}

/* What could not be read back is refused when it is put, with the member's name. */
static void refuse(const struct world_ *w, const struct suite_all *row, const char *words)
{
	struct suite_all got = {.id = row->id, .part = row->part};
	struct err e;

	assert_false(w->store.put(w->store.self, suite_all_record(), row, &e));
	assert_int_equal(e.code, E_RANGE);
	if (!strstr(e.msg, words))
		fail_msg("\"%s\" does not say \"%s\"", e.msg, words);
	assert_false(get(w, suite_all_record(), &got));
}

static void test_refuses_what_it_could_not_give_back(void **state)
{
	struct world_ *w = *state;
	struct suite_all good, bad;
	struct dice d = {3};
	uint8_t big[32] = {[19] = 1};

	do
		suite_row(suite_all_record(), &good, &d);
	while (good.inners.n < 2);
	bad = good;
	bad.addrs.n = 5;
	refuse(w, &bad, "suite_all.addrs has 5 items, the bound is 4");
	bad = good;
	bad.sig.n = 66;
	refuse(w, &bad, "suite_all.sig has 66 bytes");
	bad = good;
	memset(bad.text, 'x', sizeof bad.text);
	refuse(w, &bad, "suite_all.text has no end within its 40 bytes");
	bad = good;
	bad.inner.status = 99;
	refuse(w, &bad, "suite_all.inner.status is 99");
	bad = good;
	bad.inner.at.s = BTIME_MAX + 1;
	refuse(w, &bad, "suite_all.inner.at is 1099511627776");
	bad = good;
	bad.inners.v[1].pay = amount_from_be(big);
	refuse(w, &bad, "suite_all.inners[1].pay is an amount of 2^96");
	bad = good;
	bad.inner.list.n = 2;
	bad.inner.list.v[0] = bad.inner.list.v[1] = (struct hash){{1}};
	refuse(w, &bad, "suite_all.inner.list[1] is not above the item before it");
	bad = good;
	memcpy(bad.inner.text, "\xed\xa0\x80", 4); /* a surrogate */
	refuse(w, &bad, "suite_all.inner.text is not UTF-8");
	put(w, suite_all_record(), &good);
	assert_true(get(w, suite_all_record(), &good));
}

/* Columns hold what JSON could not: an amount of 2^256 - 1, a state of 0. */
static void test_columns_hold_everything(void **state)
{
	struct world_ *w = *state;
	struct suite_all row, got;
	struct dice d = {5};
	uint8_t all[32];

	memset(all, 0xff, sizeof all);
	suite_row(suite_all_record(), &row, &d);
	row.amount = amount_from_be(all);
	row.time.s = INT64_MAX;
	row.status = 0;
	put(w, suite_all_record(), &row);
	got = (struct suite_all){.id = row.id, .part = row.part};
	assert_true(get(w, suite_all_record(), &got));
	assert_memory_equal(&got, &row, sizeof row);
}

/* Bytes that no field means do not count. */
static void test_stale_bytes(void **state)
{
	struct world_ *w = *state;
	struct suite_flat f = flat("a", 1, 1), got = flat("a", 1, 0);

	memcpy(f.name, "a\0garbage", 10);
	f.sig.b[3] = 9;
	put(w, suite_flat_record(), &f);
	assert_true(get(w, suite_flat_record(), &got));
	assert_int_equal(got.sig.b[3], 0);
	assert_string_equal(got.name, "a");
	assert_int_equal(got.name[2], 0);
}

static void test_one_transaction_at_a_time(void **state)
{
	struct world_ *w = *state;
	struct err e;

	begin(w);
	assert_false(w->tx.begin(w->tx.self, &e));
	assert_int_equal(e.code, E_STORE);
	w->tx.rollback(w->tx.self);
	w->tx.rollback(w->tx.self); /* none is open: nothing happens */
	assert_false(w->tx.commit(w->tx.self, &e));
}

#define BOTH(test)                                                                                 \
	{#test " (memory)", test, start_memory, stop, NULL},                                       \
	{                                                                                          \
#test " (sqlite)", test, start_sqlite, stop, NULL                                  \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        BOTH(test_round_trip),
	        BOTH(test_by_each_index),
	        BOTH(test_order_of_large_numbers),
	        BOTH(test_replace),
	        BOTH(test_keys_only),
	        BOTH(test_delete),
	        BOTH(test_absent),
	        BOTH(test_rollback),
	        BOTH(test_counters),
	        BOTH(test_stop_early),
	        BOTH(test_change_while_walking),
	        BOTH(test_refuses_what_it_could_not_give_back),
	        BOTH(test_columns_hold_everything),
	        BOTH(test_stale_bytes),
	        BOTH(test_one_transaction_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
