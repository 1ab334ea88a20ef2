/* load.c - the solver after a start: balances, opinions, open offers and unfinished deals are read back,
 * in the order in which the offers came. */
#include <stdlib.h>

#include "solver/solver_own.h"

/* Those who did not hear of a dissolved match within that time have given it up as well. */
enum { TOLD_FOR_MS = 3600000 };

struct loading {
	struct solver *s;
	struct err *e;
	bool ok;
	int64_t now_ms;
};

/* ---- what the ledger said --------------------------------------------------------------------------- */

static bool load_account(void *ctx, const void *vrow)
{
	const struct solver_account *row = vrow;
	struct loading *l = ctx;

	l->ok = book_set_balance(l->s->book, &row->account, row->free, l->e);
	return l->ok;
}

static bool load_opinion(void *ctx, const void *vrow)
{
	const struct solver_opinion *row = vrow;
	struct loading *l = ctx;

	l->ok = book_set_reputation(l->s->book, &row->job_creator, &row->provider, row->good, l->e);
	return l->ok;
}

static bool load_ledger(struct solver *s, struct err *e)
{
	struct store *st = &s->world->store;
	struct solver_cursor cursor = {.which = CURSOR_LEDGER}, made = {.which = CURSOR_MADE},
	                     clearings = {.which = CURSOR_CLEARINGS};
	struct loading l = {.s = s, .e = e, .ok = true};

	if (solver_get(s, solver_cursor_record(), &cursor))
		s->ledger_cursor = cursor.cursor;
	if (solver_get(s, solver_cursor_record(), &made))
		s->made = made.cursor;
	if (solver_get(s, solver_cursor_record(), &clearings))
		s->clearings = clearings.cursor;
	/* Balances of the genesis hold until an event says otherwise. */
	for (uint32_t i = 0; i < s->c.genesis.allocations.n; i++) {
		const struct allocation *a = &s->c.genesis.allocations.v[i];

		TRY(book_set_balance(s->book, &a->account, a->amount, e), e);
	}
	TRY(st->each(st->self, solver_account_record(), NULL, NULL, load_account, &l, e) && l.ok,
	        e);
	TRY(st->each(st->self, solver_opinion_record(), NULL, NULL, load_opinion, &l, e) && l.ok,
	        e);
	return true;
}

/* ---- offers ------------------------------------------------------------------------------------------ */

struct order {
	struct hash id;
	uint64_t sequence;
	uint8_t kind;
};

struct orders {
	uint64_t last; /* sequence of all offers, whatever became of them */
	struct order *v;
	size_t n, cap;
	bool full;
};

static bool list_offer(void *ctx, const void *vrow)
{
	const struct solver_offer *row = vrow;
	struct orders *o = ctx;

	o->last = MAX2(o->last, row->sequence);
	if (row->state != OFFER_OPEN && row->state != OFFER_TAKEN)
		return true;
	if (o->n == o->cap) {
		size_t cap = o->cap ? o->cap * 2 : 1024;
		struct order *v = realloc(o->v, cap * sizeof *v);

		o->full = !v;
		if (!v)
			return false;
		o->v = v;
		o->cap = cap;
	}
	o->v[o->n++] = (struct order){row->id, row->sequence, row->kind};
	return true;
}

static int by_sequence(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static bool filed(
        struct solver *s, const struct hash *id, uint64_t sequence, struct solver_filed *out)
{
	struct solver_job old = {.id = *id};

	*out = (struct solver_filed){.sequence = sequence};
	if (solver_get(s, solver_filed_record(), out))
		return true;
	/* What a version before this one has filed is found by its id. */
	if (!solver_get(s, solver_job_record(), &old))
		return false;
	out->offer = old.offer;
	return true;
}

bool job_document(struct solver *s, const struct hash *id, struct solver_filed *out)
{
	const struct open_offer *o = offer_find(s, id);
	struct solver_offer row = {.id = *id};

	if (o)
		return o->kind == OFFER_JOB && filed(s, id, o->sequence, out);
	return solver_get(s, solver_offer_record(), &row) && row.kind == OFFER_JOB &&
	       filed(s, id, row.sequence, out);
}

static bool load_offer(struct solver *s, const struct order *o, struct err *e)
{
	struct solver_resource *r;
	struct solver_filed j;
	struct hash replaced;
	bool ok;

	if (o->kind == OFFER_JOB) {
		if (!filed(s, &o->id, o->sequence, &j))
			return FAIL(e, NOT_FOUND, "the document of a job offer is not stored");
		TRY(offer_remember(s, &o->id, o->sequence, OFFER_JOB, &j.offer, e), e);
		TRY(contract_recall(s, &o->id, &j.offer, e), e);
		return book_add_job(s->book, &o->id, &j.offer, o->sequence, e);
	}
	r = calloc(1, sizeof *r);
	if (!r)
		return FAIL(e, MEMORY, "no memory for an offer");
	r->id = o->id;
	ok = solver_get(s, solver_resource_record(), r)
	             ? offer_remember(s, &o->id, o->sequence, OFFER_RESOURCE, &r->offer, e) &&
	                       book_add_resource(
	                               s->book, &o->id, &r->offer, o->sequence, &replaced, e)
	             : FAIL(e, NOT_FOUND, "the document of a resource offer is not stored");
	free(r);
	return ok;
}

static bool load_offers(struct solver *s, struct err *e)
{
	struct store *st = &s->world->store;
	struct orders o = {0};
	bool ok = st->each(st->self, solver_offer_record(), NULL, NULL, list_offer, &o, e);

	if (ok && o.full)
		ok = FAIL(e, MEMORY, "no memory for the list of open offers");
	s->sequence = o.last;
	if (o.n)
		qsort(o.v, o.n, sizeof *o.v, by_sequence);
	for (size_t i = 0; ok && i < o.n; i++) {
		ok = load_offer(s, &o.v[i], e);
		/* What cannot be filed again is no reason not to start. */
		if (!ok && e->code != E_MEMORY && e->code != E_STORE) {
			log_line(
			        &s->world->log, LOG_ODD, "an offer is not filed again: %s", e->msg);
			offer_forget(s, &o.v[i].id, OFFER_EXPIRED);
			ok = true;
		}
	}
	free(o.v);
	return ok;
}

/* ---- deals ------------------------------------------------------------------------------------------- */

/* Open and taken offers are in memory; those that have left the book are in the store. */
static bool read_resource(struct solver *s, struct solver_resource *r)
{
	const struct open_offer *o = offer_find(s, &r->id);

	if (!o || o->kind != OFFER_RESOURCE)
		return solver_get(s, solver_resource_record(), r);
	offer_resource(o, &r->offer);
	return true;
}

bool deal_restore(struct solver *s, const struct solver_deal *d, bool locked, struct err *e)
{
	const struct hot *hot = &d->deal.hot;
	struct book_hold h = {
	        .deal = d->id, .provider = hot->provider, .job_creator = hot->job_creator};
	struct solver_resource *r = calloc(1, sizeof *r);
	struct solver_filed j;
	bool ok;

	if (!r)
		return FAIL(e, MEMORY, "no memory for an offer");
	r->id = d->deal.cold.resource_offer;
	ok = read_resource(s, r) && job_document(s, &d->deal.cold.job_offer, &j);
	h.machine = r->offer.machine;
	free(r);
	if (!ok)
		return FAIL(e, STORE, "the offers of a deal are not stored");
	h.taken = j.offer.resources;
	if (!locked) {
		h.job = d->deal.cold.job_offer;
		h.rp_lock = hot->result_bond;
		if (!amount_add(hot->pay, hot->job_bond, &h.jc_lock))
			return FAIL(e, RANGE, "PAY + JB overflows");
	}
	return book_restore(s->book, &h, e);
}

static bool remember_again(struct solver *s, const struct hash *deal, struct err *e)
{
	if (s->again_n == s->again_cap) {
		size_t cap = s->again_cap ? 2 * s->again_cap : 64;
		struct hash *v = realloc(s->again, cap * sizeof *v);

		if (!v)
			return FAIL(e, MEMORY, "no memory for the list of unfinished deals");
		s->again = v;
		s->again_cap = cap;
	}
	s->again[s->again_n++] = *deal;
	return true;
}

/* A deal that is not over takes the capacity and money that its match reserved. */
static bool load_step(void *ctx, const void *vrow)
{
	const struct solver_step *step = vrow;
	struct loading *l = ctx;
	struct solver *s = l->s;
	struct solver_deal d = {.id = step->id};

	if (step->state == MATCH_ENDED)
		return true;
	if (step->state == MATCH_DISSOLVED && (int64_t)step->end_ms + TOLD_FOR_MS < l->now_ms)
		return true;
	/* A dissolved one is told again as well: its parties may not have heard. */
	l->ok = remember_again(s, &step->id, l->e);
	if (!l->ok || step->state == MATCH_DISSOLVED)
		return l->ok;
	if (!solver_get(s, solver_deal_record(), &d)) {
		l->ok = FAIL(l->e, STORE, "a deal is not stored");
		return false;
	}
	live_add(s, &d, step);
	l->ok = deal_restore(s, &d, step->state == MATCH_OPEN, l->e);
	return l->ok;
}

static bool load_steps(struct solver *s, struct wall now, struct err *e)
{
	static const uint8_t unfinished[] = {
	        MATCH_MATCHED, MATCH_JC_SIGNED, MATCH_RP_SIGNED, MATCH_OPEN, MATCH_DISSOLVED};
	struct store *st = &s->world->store;
	const struct record *r = solver_step_record();
	struct loading l = {s, e, true, now.ms};

	for (size_t i = 0; i < COUNT(unfinished); i++) {
		struct solver_step like = {.state = unfinished[i]};

		TRY(st->each(st->self, r, record_field(r, STR("state")), &like, load_step, &l, e) &&
		                l.ok,
		        e);
	}
	return true;
}

bool solver_load(struct solver *s, struct wall now, struct err *e)
{
	TRY(load_ledger(s, e), e);
	TRY(load_offers(s, e), e);
	TRY(load_steps(s, now, e), e);
	return true;
}
