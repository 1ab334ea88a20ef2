/* keep.c - the solver's store, its open offers, and its event stream. */
#include <stdlib.h>

#include "codec/json.h"
#include "solver/solver_own.h"

static const struct sm_state states[] = {
#define S(name, value, flags, next, meaning) {#name, value, flags, next, meaning},
#include "solver/match_state.def"
#undef S
};
const struct sm match_states = {"match", states, COUNT(states)};

#include "model/record_table.h"
#include "solver/tables.def"
#include "model/record_end.h"

const struct record *(*const solver_tables[])(void) = {solver_offer_record, solver_job_record,
        solver_resource_record, solver_deal_record, solver_step_record, solver_result_record, NULL};

static void must(struct solver *s, bool ok, const struct err *e)
{
	if (!ok)
		log_line(&s->world->log, LOG_BROKEN, "store: %s", e->msg);
	assert(ok);
}

void solver_put(struct solver *s, const struct record *r, const void *row)
{
	struct err e;

	must(s, s->world->store.put(s->world->store.self, r, row, &e), &e);
}

bool solver_get(struct solver *s, const struct record *r, void *row)
{
	struct err e;
	bool ok = s->world->store.get(s->world->store.self, r, row, &e);

	if (!ok && e.code != E_NOT_FOUND)
		must(s, false, &e);
	return ok;
}

uint64_t solver_next(struct solver *s, const char *counter)
{
	uint64_t v = 0;
	struct err e;

	must(s, s->world->store.next(s->world->store.self, counter, &v, &e), &e);
	return v;
}

void solver_emit(struct solver *s, struct effects *fx, const char *name, json_t *j,
        const struct addr *a, const struct addr *b)
{
	struct fx *f = fx_add(fx, FX_EMIT, (struct tag){0});

	f->name = name;
	f->id = s->last_event = solver_next(s, "event");
	f->body = fx_json(fx, j);
	f->topics[0] = account_topic(a);
	if (b)
		f->topics[1] = account_topic(b);
}

/* ---- open offers ------------------------------------------------------------------------------------ */

bool offer_remember(struct solver *s, const struct hash *id, uint64_t sequence,
        enum offer_kind kind, const void *doc, struct err *e)
{
	size_t n = kind == OFFER_JOB ? sizeof(struct job_offer) : sizeof(struct resource_offer);
	void *copy = malloc(n);
	struct open_offer *o = copy ? map_put(&s->offers, id, NULL) : NULL;

	if (!o || !roster_add(&s->roster, sequence, id)) {
		free(copy);
		map_del(&s->offers, id);
		return FAIL(e, BUSY, "the book is full");
	}
	memcpy(copy, doc, n);
	*o = (struct open_offer){.sequence = sequence, .kind = (uint8_t)kind};
	if (kind == OFFER_JOB)
		o->of.job = copy;
	else
		o->of.resource = copy;
	return true;
}

struct open_offer *offer_find(struct solver *s, const struct hash *id)
{
	return map_get(&s->offers, id);
}

void offer_forget(struct solver *s, const struct hash *id, enum offer_state state)
{
	struct open_offer *o = offer_find(s, id);
	struct solver_offer row = {.id = *id};

	if (solver_get(s, solver_offer_record(), &row)) {
		row.state = (uint8_t)state;
		solver_put(s, solver_offer_record(), &row);
	}
	if (!o)
		return;
	roster_remove(&s->roster, o->sequence);
	free(o->kind == OFFER_JOB ? (void *)o->of.job : (void *)o->of.resource);
	map_del(&s->offers, id);
}

/* ---- after a restart ---------------------------------------------------------------------------------- */

struct loading {
	struct solver *s;
	struct err *e;
	bool ok;
};

struct order {
	struct hash id;
	uint64_t sequence;
	uint8_t kind;
};

struct orders {
	struct order *v;
	size_t n, cap;
};

static bool list_offer(void *ctx, const void *vrow)
{
	const struct solver_offer *row = vrow;
	struct orders *o = ctx;

	if (row->state != OFFER_OPEN && row->state != OFFER_TAKEN)
		return true;
	if (o->n == o->cap) {
		size_t cap = o->cap ? o->cap * 2 : 1024;
		struct order *v = realloc(o->v, cap * sizeof *v);

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

static bool load_offer(struct solver *s, const struct order *o, struct err *e)
{
	struct hash replaced;

	if (o->kind == OFFER_JOB) {
		struct solver_job row = {.id = o->id};

		if (!solver_get(s, solver_job_record(), &row))
			return true;
		TRY(offer_remember(s, &o->id, o->sequence, OFFER_JOB, &row.offer, e), e);
		return book_add_job(s->book, &o->id, &row.offer, o->sequence, e);
	}
	struct solver_resource row = {.id = o->id};

	if (!solver_get(s, solver_resource_record(), &row))
		return true;
	TRY(offer_remember(s, &o->id, o->sequence, OFFER_RESOURCE, &row.offer, e), e);
	return book_add_resource(s->book, &o->id, &row.offer, o->sequence, &replaced, e);
}

/* A deal that is not over takes the capacity and money that its match reserved. */
static bool load_step(void *ctx, const void *vrow)
{
	const struct solver_step *step = vrow;
	struct loading *l = ctx;
	struct solver *s = l->s;
	struct solver_deal d = {.id = step->id};
	struct book_hold h = {.deal = step->id};
	struct open_offer *o;

	if (sm_is_final(&match_states, step->state) || !solver_get(s, solver_deal_record(), &d))
		return true;
	h.job = d.deal.cold.job_offer;
	h.provider = d.deal.hot.provider;
	h.job_creator = d.deal.hot.job_creator;
	o = offer_find(s, &h.job);
	if (o)
		h.taken = o->of.job->resources;
	o = offer_find(s, &d.deal.cold.resource_offer);
	if (o)
		h.machine = o->of.resource->machine;
	if (step->state != MATCH_OPEN) {
		h.rp_lock = d.deal.hot.result_bond;
		if (!amount_add(d.deal.hot.pay, d.deal.hot.job_bond, &h.jc_lock))
			h.jc_lock = d.deal.hot.pay;
	}
	l->ok = book_restore(s->book, &h, l->e);
	return l->ok;
}

bool solver_load(struct solver *s, struct err *e)
{
	struct store *st = &s->world->store;
	struct loading l = {s, e, true};
	struct orders o = {0};
	bool ok = st->each(st->self, solver_offer_record(), NULL, NULL, list_offer, &o, e);

	if (o.n)
		qsort(o.v, o.n, sizeof *o.v, by_sequence);
	for (size_t i = 0; ok && i < o.n; i++) {
		ok = load_offer(s, &o.v[i], e);
		s->sequence = o.v[i].sequence;
		/* What cannot be filed again (expired, replaced) is no reason not to start. */
		if (!ok && e->code != E_MEMORY && e->code != E_STORE) {
			offer_forget(s, &o.v[i].id, OFFER_EXPIRED);
			ok = true;
		}
	}
	free(o.v);
	ok = ok && st->each(st->self, solver_step_record(), NULL, NULL, load_step, &l, e);
	return ok && l.ok;
}
