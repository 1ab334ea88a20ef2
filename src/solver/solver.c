/* solver.c - the solver's routes and its step function. */
#include "solver/solver.h"

#include <stdlib.h>

#include "codec/json.h"
#include "solver/solver_own.h"

enum { SWEEP_MS = 1000 };

enum {
	R_JOB_OFFER,
	R_RESOURCE_OFFER,
	R_CANCEL,
	R_SIGNATURE,
	R_REFUSE,
	R_RESULT,
	R_DECLINE,
	R_EVENTS,
	R_VIEW_JOB,
	R_EXPLAIN,
	R_DEAL,
	R_OFFERS,
	R_INFO
};

static const struct route routes[] = {
        [R_JOB_OFFER] = {"POST", "/v1/job-offers", AUTH_NONE, BODY_JSON, 65536,
                "a signed job offer; answers its Ack"},
        [R_RESOURCE_OFFER] = {"POST", "/v1/resource-offers", AUTH_NONE, BODY_JSON, 65536,
                "a signed resource offer; answers its Ack"},
        [R_CANCEL] = {"POST", "/v1/offers/{offer}/cancel", AUTH_NONE, BODY_JSON, 4096,
                "a signed OfferCancel"},
        [R_SIGNATURE] = {"POST", "/v1/deals/{deal}/signature", AUTH_NONE, BODY_JSON, 4096,
                "a party's signature over the deal"},
        [R_REFUSE] = {"POST", "/v1/deals/{deal}/refuse", AUTH_REQUEST, BODY_JSON, 8192,
                "why a party does not sign"},
        [R_RESULT] = {"POST", "/v1/deals/{deal}/result", AUTH_NONE, BODY_JSON, 8192,
                "a signed Result and Stored, for the job creator"},
        [R_DECLINE] = {"POST", "/v1/deals/{deal}/decline", AUTH_NONE, BODY_JSON, 4096,
                "a signed Decline, for the job creator"},
        [R_EVENTS] = {"GET", "/v1/events", AUTH_REQUEST, BODY_NONE, 0,
                "stream of the caller's deals, signatures, results"},
        [R_VIEW_JOB] = {"GET", "/v1/job-offers/{offer}", AUTH_OPTIONAL, BODY_NONE, 0,
                "state of a job offer; counts of refusals by reason"},
        [R_EXPLAIN] = {"GET", "/v1/explain/{offer}", AUTH_NONE, BODY_NONE, 0,
                "every provider with the reason against it"},
        [R_DEAL] = {"GET", "/v1/deals/{deal}", AUTH_OPTIONAL, BODY_NONE, 0,
                "a deal with its timeline"},
        [R_OFFERS] = {"GET", "/v1/offers", AUTH_NONE, BODY_NONE, 0, "size of the book"},
        [R_INFO] = {"GET", "/v1/info", AUTH_NONE, BODY_NONE, 0, "account, ledger, readiness"},
};

static bool note_step(void *ctx, const void *vrow)
{
	const struct solver_step *step = vrow;
	struct effects *fx = ((void **)ctx)[1];
	struct solver *s = ((void **)ctx)[0];

	if (sm_is_final(&match_states, step->state))
		return true;
	if (fx->n < EFFECTS_MAX - 8) {
		emit_again(s, step, fx);
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_UNSIGNED, .key = step->id})->delay =
		        s->c.rp_signs_in;
	}
	return true;
}

static void on_start(struct solver *s, struct effects *fx)
{
	struct store *st = &s->world->store;
	void *ctx[2] = {s, fx};
	struct err e;

	for (uint32_t i = 0; i < s->c.genesis.allocations.n; i++) {
		const struct allocation *a = &s->c.genesis.allocations.v[i];

		if (!book_set_balance(s->book, &a->account, a->amount, &e))
			log_line(&s->world->log, LOG_BROKEN, "balance: %s", e.msg);
	}
	if (!solver_load(s, &e) ||
	        !st->each(st->self, solver_step_record(), NULL, NULL, note_step, ctx, &e)) {
		log_line(&s->world->log, LOG_BROKEN, "store cannot be read: %s", e.msg);
		fx_add(fx, FX_EXIT, (struct tag){0})->status = err_exit(e.code);
		return;
	}
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP})->delay = span_ms(SWEEP_MS);
}

static void on_request(struct solver *s, const struct event *ev, struct effects *fx)
{
	switch (ev->request->route) {
	case R_JOB_OFFER: on_job_offer(s, ev, fx); break;
	case R_RESOURCE_OFFER: on_resource_offer(s, ev, fx); break;
	case R_CANCEL: on_offer_cancel(s, ev, fx); break;
	case R_SIGNATURE: on_signature(s, ev, fx); break;
	case R_REFUSE: on_refuse(s, ev, fx); break;
	case R_RESULT: on_result(s, ev, fx); break;
	case R_DECLINE: on_decline(s, ev, fx); break;
	case R_EVENTS: view_events(ev, fx); break;
	case R_VIEW_JOB: view_job_offer(s, ev, fx); break;
	case R_EXPLAIN: view_explain(s, ev, fx); break;
	case R_DEAL: view_deal(s, ev, fx); break;
	case R_OFFERS: view_offers(s, ev, fx); break;
	case R_INFO: view_info(s, ev, fx); break;
	default: assert(!"a route without a function");
	}
}

/* Offers expire without an event: once a second they are looked at, and nothing else waits for it. */
static void on_timer(struct solver *s, const struct event *ev, struct effects *fx)
{
	if (ev->timer.what == TAG_UNSIGNED)
		on_unsigned(s, &ev->timer.key, ev, fx);
	else
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP})->delay = span_ms(SWEEP_MS);
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct solver *s = self;

	switch (ev->kind) {
	case EV_START: on_start(s, fx); break;
	case EV_TIMER: on_timer(s, ev, fx); break;
	case EV_REQUEST: on_request(s, ev, fx); break;
	case EV_LEDGER: on_ledger(s, ev, fx); break;
	case EV_TREE_IN:
	case EV_REPLY:
	case EV_MESSAGE:
	case EV_TREE:
	case EV_RUN:
	case EV_STOP: return;
	}
	solver_match_all(s, ev, fx);
}

bool solver_new(struct world *w, const struct solver_config *c, struct solver **out, struct err *e)
{
	struct solver *s = calloc(1, sizeof *s);
	uint32_t max = c->offers_max ? c->offers_max : BOOK_OFFERS_MAX;
	uint64_t seed;

	if (!s)
		return FAIL(e, MEMORY, "no memory for the solver");
	s->world = w;
	s->c = *c;
	w->rng.fill(w->rng.self, &seed, sizeof seed);
	s->book = book_new(&w->signer.addr, max, seed);
	roster_init(&s->roster);
	map_init(&s->offers, sizeof(struct hash), sizeof(struct open_offer), (size_t)max * 2, seed);
	if (!s->book) {
		solver_free(s);
		return FAIL(e, MEMORY, "no memory for the book");
	}
	*out = s;
	return true;
}

struct role solver_role(struct solver *s)
{
	return (struct role){"solver", routes, COUNT(routes), solver_tables, s, on_event};
}

struct solver *solver_free(struct solver *s)
{
	const void *key;
	void *val;

	if (!s)
		return NULL;
	for (size_t i = 0; map_next(&s->offers, &i, &key, &val);) {
		struct open_offer *o = val;

		free(o->kind == OFFER_JOB ? (void *)o->of.job : (void *)o->of.resource);
	}
	map_done(&s->offers);
	roster_done(&s->roster);
	if (s->book)
		book_free(s->book);
	free(s);
	return NULL;
}

void solver_metrics(void *solver, struct buf *out)
{
	const struct solver *s = solver;
	const struct {
		const char *name;
		uint64_t v;
	} rows[] = {{"job_offers_total", s->n.job_offers},
	        {"resource_offers_total", s->n.resource_offers},
	        {"offers_refused_total", s->n.refused}, {"matches_total", s->n.matches},
	        {"dissolved_total", s->n.dissolved}, {"opened_total", s->n.opened},
	        {"paid_total", s->n.paid}, {"waiting_job_offers", book_size(s->book).waiting}};

	for (size_t i = 0; i < COUNT(rows); i++)
		buf_fmt(out, "lilypad_solver_%s %llu\n", rows[i].name,
		        (unsigned long long)rows[i].v);
}
