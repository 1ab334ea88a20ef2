/* keep.c - the mediator's journal: every step is in the store before it is acted on. */
#include <stdlib.h>

#include "mediator/mediator_own.h"

static const struct sm_state states[] = {
#define S(name, value, flags, next, meaning) {#name, value, flags, next, meaning},
#include "mediator/case_state.def"
#undef S
};
const struct sm case_states = {"case", states, COUNT(states)};

#include "model/record_table.h"
#include "mediator/tables.def"
#include "model/record_end.h"

/* The host ends the process when a transaction cannot be committed; a refused write is the same. */
static void must(struct mediator *m, bool ok, const struct err *e)
{
	if (!ok)
		log_line(&m->world->log, LOG_BROKEN, "store: %s", e->msg);
	assert(ok);
}

static void put(struct mediator *m, const struct record *r, const void *row)
{
	struct store *s = &m->world->store;
	struct err e;

	m->wrote = true;
	must(m, s->put(s->self, r, row, &e), &e);
}

void dispute_keep(struct mediator *m, struct dispute *k)
{
	put(m, mediator_case_record(), &k->c);
}

void dispute_keep_file(struct mediator *m, struct dispute *k)
{
	const struct case_file *f = &k->f;
	struct mediator_deal d = {k->c.id, f->deal, f->jc_sig, f->rp_sig};
	struct mediator_result r = {k->c.id, f->result, f->result_sig};
	struct mediator_stored s = {k->c.id, f->stored, f->stored_sig};

	put(m, mediator_deal_record(), &d);
	if (f->has_result)
		put(m, mediator_result_record(), &r);
	if (f->stored_sig.n)
		put(m, mediator_stored_record(), &s);
}

static bool read_row(
        struct mediator *m, const struct record *r, void *row, bool *there, struct err *e)
{
	struct store *s = &m->world->store;

	*there = s->get(s->self, r, row, e);
	return *there || e->code == E_NOT_FOUND;
}

bool case_file_read(struct mediator *m, const struct hash *id, struct case_file *out, struct err *e)
{
	struct mediator_deal d = {.id = *id};
	struct mediator_result r = {.id = *id};
	struct mediator_stored s = {.id = *id};
	bool has_deal, has_result, has_stored;

	TRY(read_row(m, mediator_deal_record(), &d, &has_deal, e), e);
	TRY(read_row(m, mediator_result_record(), &r, &has_result, e), e);
	TRY(read_row(m, mediator_stored_record(), &s, &has_stored, e), e);
	*out = (struct case_file){.has_result = has_result};
	if (has_deal) {
		out->deal = d.deal;
		out->jc_sig = d.jc_sig;
		out->rp_sig = d.rp_sig;
	}
	if (has_result) {
		out->result = r.result;
		out->result_sig = r.sig;
	}
	if (has_stored) {
		out->stored = s.stored;
		out->stored_sig = s.sig;
	}
	return true;
}

void dispute_keep_answer(struct mediator *m, struct dispute *k)
{
	put(m, mediator_answer_record(), &k->a);
}

void dispute_move(struct mediator *m, struct dispute *k, enum case_state to)
{
	struct err e;

	must(m, sm_move(&case_states, &k->c.state, to, &e), &e);
	k->tries = 0;
	dispute_keep(m, k);
}

struct dispute *dispute_new(struct mediator *m, const struct hash *id)
{
	struct dispute **slot = map_put(&m->disputes, id, NULL);
	struct dispute *k;

	if (!slot)
		return NULL;
	assert(!*slot);
	k = calloc(1, sizeof *k);
	if (!k) {
		map_del(&m->disputes, id);
		return NULL;
	}
	k->c.id = k->a.id = *id;
	*slot = k;
	return k;
}

struct dispute *dispute_get(struct mediator *m, const struct hash *id)
{
	struct dispute **slot = map_get(&m->disputes, id);

	return slot ? *slot : NULL;
}

/* How a dispute counts once it is over. */
static void count(struct mediator *m, const struct mediator_case *c)
{
	/* Of a deal that names another mediator the end is not seen. */
	if (!sm_is_final(&deal_states, c->ledger))
		return;
	if (c->ledger == DEAL_TIMEOUT_MEDIATE && c->ruling == RULING_CANNOT_RULE)
		m->totals.passed++;
	else if (c->ruling && c->ledger != DEAL_TIMEOUT_MEDIATE)
		m->totals.ruled++;
	else
		m->totals.missed++;
	if (!amount_add(m->totals.earned, c->earned, &m->totals.earned))
		log_line(&m->world->log, LOG_ODD, "the sum of all earnings overflows");
}

void dispute_finish(struct mediator *m, struct dispute *k)
{
	struct hash id = k->c.id;

	dispute_move(m, k, CASE_OVER);
	count(m, &k->c);
	map_del(&m->disputes, &id);
	difference_free(k->search);
	free(k);
}

void mediator_forget(struct mediator *m)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&m->disputes, &i, &key, &val);) {
		struct dispute *k = *(struct dispute **)val;

		k->search = difference_free(k->search);
	}
}

void mediator_saw(struct mediator *m, uint64_t cursor)
{
	if (cursor <= m->cursor)
		return;
	m->cursor = cursor;
	m->behind++;
}

/* A commit for the cursor alone is not worth it: it goes with what an event wrote, or when it is far behind.
 * What is read again after a crash had written nothing. */
void mediator_keep_cursor(struct mediator *m)
{
	struct mediator_cursor row = {.which = 1, .cursor = m->cursor};

	if (m->behind && (m->wrote || m->behind > CURSOR_BEHIND_MAX)) {
		put(m, mediator_cursor_record(), &row);
		m->behind = 0;
	}
	m->wrote = false;
}

/* After a power cut blocks may be gone that no transaction keeps: what was fetched is looked at again, and a
 * run whose output is not here is made again. */
static void distrust(struct mediator *m, struct dispute *k)
{
	struct blobs *b = &m->world->blobs;
	struct cid own = cid_tree(&k->c.own_tree);

	if (k->c.state == CASE_READY || (k->c.state == CASE_RAN && !b->has(b->self, &own))) {
		k->c.state = CASE_FETCHING;
		k->c.ran = false;
	}
}

static bool load_case(void *ctx, const void *row)
{
	struct mediator *m = ctx;
	const struct mediator_case *c = row;
	struct dispute *k;
	bool answered;
	struct err e;

	m->totals.cases++;
	if (sm_is_final(&case_states, c->state)) {
		count(m, c);
		return true;
	}
	k = dispute_new(m, &c->id);
	assert(k); /* no more than MEDIATOR_CASES_MAX are ever unfinished */
	k->c = *c;
	must(m, case_file_read(m, &c->id, &k->f, &e), &e);
	must(m, read_row(m, mediator_answer_record(), &k->a, &answered, &e), &e);
	distrust(m, k);
	return true;
}

bool mediator_load(struct mediator *m, struct err *e)
{
	struct store *s = &m->world->store;

	TRY(s->each(s->self, mediator_case_record(), NULL, NULL, load_case, m, e), e);
	return true;
}
