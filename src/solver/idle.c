/* idle.c - what a provider missed: the job offers that wait, and those of the last hour that others got or
 * nobody did, against its open offer. */
#include "market/idle.h"

#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "solver/solver_own.h"

enum { FRESH_MS = 5000, COUNTS_PER_S = 20 };

/* ---- the past ----------------------------------------------------------------------------------------- */

void past_keep(struct solver *s, const struct hash *job, const struct addr *provider)
{
	struct open_offer *o = offer_find(s, job);
	struct past_job *p = &s->past[s->past_at];

	if (!o || o->kind != OFFER_JOB || !o->doc)
		return;
	s->past_at = (s->past_at + 1) % PAST_JOBS_MAX;
	free(p->offer);
	*p = (struct past_job){.offer = o->doc, .at = s->now};
	o->doc = NULL; /* offer_forget() follows */
	if (provider)
		p->provider = *provider;
}

void idle_done(struct solver *s)
{
	for (size_t i = 0; i < PAST_JOBS_MAX; i++)
		free(s->past[i].offer);
	for (size_t i = 0; i < IDLE_ANSWERS; i++)
		json_decref(s->idle[i].json);
}

/* ---- the count ---------------------------------------------------------------------------------------- */

struct counting {
	struct solver *s;
	const struct resource_offer *offer;
	struct idle *x;
	struct btime now;
	uint32_t waiting, past;
	uint32_t taken; /* it matches those as well, and another got them */
};

/* In the order of the map, which is that of no number: where there are too many, a fair sample. */
static void count_waiting(struct counting *c)
{
	struct pair_money money = {.rp_free = book_available(c->s->book, &c->offer->provider)};
	const void *id;
	void *val;

	for (size_t i = 0; map_next(&c->s->offers, &i, &id, &val);) {
		const struct open_offer *o = val;

		struct job_offer j;

		if (o->kind != OFFER_JOB || book_state_of(c->s->book, id) != BOOK_WAITING)
			continue;
		if (c->waiting == IDLE_JOBS_MAX - PAST_JOBS_MAX)
			return;
		offer_job(o, &j);
		money.jc_free = book_available(c->s->book, &j.job_creator);
		(void)idle_add(c->x, &j, c->now, &money);
		c->waiting++;
	}
}

/* As if they came now and their creators could pay. */
static void count_past(struct counting *c)
{
	for (size_t i = 0; i < PAST_JOBS_MAX; i++) {
		const struct past_job *p = &c->s->past[i];
		struct job_offer j;

		if (!p->offer || mono_since(c->s->now, p->at).ms > PAST_S * 1000 ||
		        addr_eq(&p->provider, &c->offer->provider))
			continue;
		packed_open(p->offer, &j, sizeof j);
		j.expiry.s = c->now.s + 1;
		if (idle_add(c->x, &j, c->now, NULL) == PAIR_NONE && !addr_is_zero(&p->provider))
			c->taken++;
		c->past++;
	}
}

static json_t *reason_json(unsigned why, const struct idle_reason *r)
{
	json_t *steps, *j = json_pack("{s:s, s:s, s:s, s:I}", "reason", pair_reason_name(why),
	                       "clause", pair_reason_clause(why), "text", pair_reason_text(why),
	                       "jobs", (json_int_t)r->jobs);

	if (r->move == PAIR_FIXED)
		return j;
	steps = json_array();
	for (uint32_t i = 0; i < r->steps_n; i++)
		json_array_append_new(
		        steps, json_pack("{s:o, s:I}", "value", json_of_amount(r->steps[i].value),
		                       "jobs", (json_int_t)r->steps[i].jobs));
	json_object_set_new(j, "have", json_of_amount(r->have));
	json_object_set_new(j, r->move == PAIR_AT_MOST ? "atMost" : "atLeast", steps);
	return j;
}

static json_t *answer_of(struct counting *c)
{
	struct idle_reason rows[PAIR_REASONS];
	json_t *list = json_array();

	idle_take(c->x, rows);
	for (unsigned i = 1; i < PAIR_REASONS; i++) {
		if (rows[i].jobs)
			json_array_append_new(list, reason_json(i, &rows[i]));
	}
	return json_pack("{s:I, s:I, s:I, s:i, s:I, s:I, s:o}", "waiting",
	        (json_int_t)book_size(c->s->book).waiting, "lookedAt", (json_int_t)c->waiting,
	        "past", (json_int_t)c->past, "pastSeconds", PAST_S, "matching",
	        (json_int_t)(rows[PAIR_NONE].jobs - c->taken), "taken", (json_int_t)c->taken,
	        "reasons", list);
}

static bool count(struct solver *s, const struct hash *id, const struct resource_offer *offer,
        struct btime now, json_t **out, struct err *e)
{
	struct resource_offer r = *offer;
	struct counting c = {.s = s, .offer = offer, .now = now};

	if (!book_free_capacity(s->book, id, &r.free))
		return FAIL(e, NOT_FOUND, "the offer is not in the book");
	memcpy(r.free.gpu_model, offer->free.gpu_model, sizeof r.free.gpu_model);
	c.x = idle_new(&r);
	if (!c.x)
		return FAIL(e, MEMORY, "no memory to count what did not match");
	count_waiting(&c);
	count_past(&c);
	*out = answer_of(&c);
	idle_free(c.x);
	json_object_set_new(*out, "id", json_of_hash(id));
	return true;
}

/* ---- the route ---------------------------------------------------------------------------------------- */

static bool find(struct solver *s, const struct http_req *r, struct hash *id,
        struct resource_offer *out, struct err *e)
{
	const struct open_offer *o;

	TRY(hash_parse(r->params[0], id, e), e);
	o = offer_find(s, id);
	if (!o || o->kind != OFFER_RESOURCE)
		return FAIL(e, NOT_FOUND, "no open resource offer has the id %.*s",
		        STR_ARG(r->params[0]));
	offer_resource(o, out);
	if (!addr_eq(&out->provider, &r->account))
		return FAIL(e, PARTY, "only its provider may ask why an offer is idle");
	return true;
}

/* A count reads much of the book: the same one answers for some seconds, and there are so many a second. */
static bool admit(struct solver *s, struct err *e)
{
	if (mono_since(s->now, s->idle_from).ms >= 1000) {
		s->idle_from = s->now;
		s->idle_n = 0;
	}
	if (s->idle_n == COUNTS_PER_S)
		return FAIL(e, BUSY, "more than %d providers a second ask why they are idle",
		        COUNTS_PER_S);
	s->idle_n++;
	return true;
}

void view_idle(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct resource_offer *offer = ARENA_NEW(fx->arena, struct resource_offer);
	struct idle_answer *a;
	struct hash id;
	json_t *j = NULL;
	struct err e;

	assert(offer);
	if (!find(s, r, &id, offer, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	a = &s->idle[id.b[0] % IDLE_ANSWERS];
	if (!a->json || !hash_eq(&a->offer, &id) || mono_since(ev->now, a->at).ms >= FRESH_MS) {
		if (!admit(s, &e) || !count(s, &id, offer, solver_now(s, ev), &j, &e)) {
			fx_reply_err(fx, r->conn, &e);
			return;
		}
		json_decref(a->json);
		*a = (struct idle_answer){id, ev->now, j};
	}
	fx_reply(fx, r->conn, 200, json_incref(a->json));
}
