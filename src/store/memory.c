/* memory.c - rows in sorted arrays: one by key, and one for each indexed field by (field, key). A
 * transaction keeps what it replaced, newest first; a rollback puts it back. */
#include "store/memory.h"

#include <stdlib.h>

#include "base/bounds.h"
#include "store/row.h"

/* Sorted pointers to rows; by NULL: in order of the key alone. */
struct order {
	const struct field *by;
	void **rows;
	size_t n;
	size_t cap;
};

struct table {
	const struct record *r;
	struct order *orders; /* the first is by key */
	size_t n;
};

struct counter {
	char name[64];
	uint64_t value;
};

/* One change of a row (t set) or of a counter. */
struct undo {
	struct undo *next;
	struct table *t;
	void *old; /* as it was; NULL: absent. Owned. */
	void *now; /* as it became; NULL: deleted. The table's. */
	struct counter *counter;
	uint64_t value; /* of the counter before */
};

#define COUNTERS_MAX 64

struct store_memory {
	struct table *t;
	size_t n;
	struct counter counters[COUNTERS_MAX];
	size_t counters_n;
	bool open; /* in a transaction */
	struct undo *undo;
};

static struct table *find(const struct store_memory *s, const struct record *r)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->t[i].r == r)
			return &s->t[i];
	}
	assert(false && "the record is in the list of tables that the store was made with");
	return NULL;
}

/* ---- orders -------------------------------------------------------------------------------------- */

static int cmp(const struct record *r, const struct field *by, const void *a, const void *b)
{
	int c = by ? field_cmp(by, a, b) : 0;

	return c ? c : row_key_cmp(r, a, b);
}

/* The first position whose row is not below (`after`: is above) row. */
static size_t seek(const struct record *r, const struct order *o, const void *row, bool after)
{
	size_t lo = 0, hi = o->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = cmp(r, o->by, o->rows[mid], row);

		if (c < 0 || (after && c == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool make_room(struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct order *o = &t->orders[i];
		size_t cap = o->cap ? 2 * o->cap : 16;
		void **rows;

		if (o->n < o->cap)
			continue;
		rows = realloc(o->rows, cap * sizeof *rows);
		if (!rows)
			return false;
		o->rows = rows;
		o->cap = cap;
	}
	return true;
}

static void insert(struct table *t, void *row)
{
	for (size_t i = 0; i < t->n; i++) {
		struct order *o = &t->orders[i];
		size_t at = seek(t->r, o, row, false);

		assert(o->n < o->cap);
		memmove(o->rows + at + 1, o->rows + at, (o->n - at) * sizeof *o->rows);
		o->rows[at] = row;
		o->n++;
	}
}

/* Takes a row that is there out of every order. */
static void take_out(struct table *t, void *row)
{
	for (size_t i = 0; i < t->n; i++) {
		struct order *o = &t->orders[i];
		size_t at = seek(t->r, o, row, false);

		assert(at < o->n && o->rows[at] == row);
		memmove(o->rows + at, o->rows + at + 1, (o->n - at - 1) * sizeof *o->rows);
		o->n--;
	}
}

static void *lookup(const struct table *t, const void *row)
{
	const struct order *o = &t->orders[0];
	size_t at = seek(t->r, o, row, false);

	return at < o->n && row_key_cmp(t->r, o->rows[at], row) == 0 ? o->rows[at] : NULL;
}

/* ---- changes ------------------------------------------------------------------------------------- */

/* Replaces the row with now's key, or old's, by now (NULL: delete), and remembers it. */
static bool change(struct store_memory *s, struct table *t, void *old, void *now, struct err *e)
{
	struct undo *u = s->open ? calloc(1, sizeof *u) : NULL;

	if ((s->open && !u) || !make_room(t)) {
		free(u);
		return FAIL(e, MEMORY, "no memory for a row of %s", t->r->tag);
	}
	if (old)
		take_out(t, old);
	if (now)
		insert(t, now);
	if (!u) {
		free(old);
		return true;
	}
	*u = (struct undo){.next = s->undo, .t = t, .old = old, .now = now};
	s->undo = u;
	return true;
}

static bool mem_put(void *self, const struct record *r, const void *row, struct err *e)
{
	struct store_memory *s = self;
	struct table *t = find(s, r);
	void *copy;

	TRY(row_check(r, row, e), e);
	copy = malloc(r->size);
	if (!copy)
		return FAIL(e, MEMORY, "no memory for a row of %s", r->tag);
	row_copy(r, copy, row);
	if (!change(s, t, lookup(t, copy), copy, e)) {
		free(copy);
		return false;
	}
	return true;
}

static bool mem_get(void *self, const struct record *r, void *row, struct err *e)
{
	struct store_memory *s = self;
	const void *at = lookup(find(s, r), row);

	if (!at)
		return FAIL(e, NOT_FOUND, "no such row in %s", r->tag);
	memcpy(row, at, r->size);
	return true;
}

static bool mem_del(void *self, const struct record *r, const void *row, struct err *e)
{
	struct store_memory *s = self;
	struct table *t = find(s, r);
	void *at = lookup(t, row);

	return !at || change(s, t, at, NULL, e);
}

static void free_row(void **row)
{
	free(*row);
}

static const struct order *order_of(const struct table *t, const struct field *by)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->orders[i].by == by)
			return &t->orders[i];
	}
	assert(false && "rows are looked up by fields with FF_INDEX or FF_KEY");
	return NULL;
}

/* The first row whose field `by` equals that of `sought`. */
static size_t seek_by(const struct order *o, const void *sought)
{
	size_t lo = 0, hi = o->n;

	while (o->by && lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (field_cmp(o->by, o->rows[mid], sought) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The callback may change the table: the way on is found by the last row given. */
static bool mem_each(void *self, const struct record *r, const struct field *by, const void *row,
        bool (*cb)(void *ctx, const void *row), void *ctx, struct err *e)
{
	struct store_memory *s = self;
	const struct order *o = order_of(find(s, r), by);
	OWN(free_row) void *given = malloc(2 * r->size);
	void *sought = (uint8_t *)given + r->size;
	size_t at;

	if (!given)
		return FAIL(e, MEMORY, "no memory for a row of %s", r->tag);
	if (by)
		memcpy(field_in(sought, by), field_at(row, by), by->size);
	for (at = seek_by(o, sought); at < o->n; at = seek(r, o, given, true)) {
		if (by && field_cmp(by, o->rows[at], sought) != 0)
			break;
		memcpy(given, o->rows[at], r->size);
		if (!cb(ctx, given))
			break;
	}
	return true;
}

static struct counter *counter_of(struct store_memory *s, const char *name)
{
	struct counter *c;

	for (size_t i = 0; i < s->counters_n; i++) {
		if (strcmp(s->counters[i].name, name) == 0)
			return &s->counters[i];
	}
	assert(s->counters_n < COUNTERS_MAX && strlen(name) < sizeof c->name);
	c = &s->counters[s->counters_n++];
	memcpy(c->name, name, strlen(name));
	return c;
}

static bool mem_next(void *self, const char *counter, uint64_t *out, struct err *e)
{
	struct store_memory *s = self;
	struct counter *c = counter_of(s, counter);

	if (s->open) {
		struct undo *u = calloc(1, sizeof *u);

		if (!u)
			return FAIL(e, MEMORY, "no memory for counter %s", counter);
		*u = (struct undo){.next = s->undo, .counter = c, .value = c->value};
		s->undo = u;
	}
	*out = ++c->value;
	return true;
}

/* ---- transactions -------------------------------------------------------------------------------- */

static bool mem_begin(void *self, struct err *e)
{
	struct store_memory *s = self;

	if (s->open)
		return FAIL(e, STORE, "store: a transaction within a transaction");
	s->open = true;
	return true;
}

static bool mem_commit(void *self, struct err *e)
{
	struct store_memory *s = self;

	if (!s->open)
		return FAIL(e, STORE, "store: no transaction to commit");
	for (struct undo *u = s->undo, *next; u; u = next) {
		next = u->next;
		free(u->old);
		free(u);
	}
	s->undo = NULL;
	s->open = false;
	return true;
}

static void take_back(const struct undo *u)
{
	if (u->counter) {
		u->counter->value = u->value;
		return;
	}
	if (u->now) {
		take_out(u->t, u->now);
		free(u->now);
	}
	/* There is room: the table held as many rows before. */
	if (u->old)
		insert(u->t, u->old);
}

static void mem_rollback(void *self)
{
	struct store_memory *s = self;

	for (struct undo *u = s->undo, *next; u; u = next) {
		next = u->next;
		take_back(u);
		free(u);
	}
	s->undo = NULL;
	s->open = false;
}

struct store store_memory_port(struct store_memory *s)
{
	return (struct store){s, mem_put, mem_get, mem_del, mem_each, mem_next};
}

struct store_tx store_memory_tx(struct store_memory *s)
{
	return (struct store_tx){s, mem_begin, mem_commit, mem_rollback};
}

size_t store_memory_count(const struct store_memory *s, const struct record *r)
{
	return find(s, r)->orders[0].n;
}

/* ---- making and freeing ---------------------------------------------------------------------------- */

static bool add_table(struct store_memory *s, const struct record *r)
{
	struct table *t = &s->t[s->n++];

	t->r = r;
	t->orders = calloc(r->n + 1, sizeof *t->orders);
	if (!t->orders)
		return false;
	t->n = 1;
	for (size_t i = 0; i < r->n; i++) {
		if (r->f[i].flags & (FF_INDEX | FF_KEY))
			t->orders[t->n++].by = &r->f[i];
	}
	return true;
}

struct store_memory *store_memory_new(const struct record *(*const *tables)(void))
{
	struct store_memory *s = calloc(1, sizeof *s);
	size_t n = 0;

	while (tables[n])
		n++;
	assert(n <= STORE_TABLES_MAX);
	if (!s)
		return NULL;
	s->t = calloc(n + 1, sizeof *s->t);
	for (size_t i = 0; s->t && i < n; i++) {
		if (!add_table(s, tables[i]()))
			return store_memory_free(s);
	}
	return s->t ? s : store_memory_free(s);
}

struct store_memory *store_memory_free(struct store_memory *s)
{
	if (!s)
		return NULL;
	mem_rollback(s);
	for (size_t i = 0; i < s->n; i++) {
		struct table *t = &s->t[i];

		for (size_t j = 0; t->n && j < t->orders[0].n; j++)
			free(t->orders[0].rows[j]);
		for (size_t j = 0; j < t->n; j++)
			free(t->orders[j].rows);
		free(t->orders);
	}
	free(s->t);
	free(s);
	return NULL;
}
