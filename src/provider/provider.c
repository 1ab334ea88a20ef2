/* provider.c - the resource provider's step function: which event goes where. */
#include "provider/provider.h"

#include <stdlib.h>

#include "provider/provider_own.h"

enum { TELL_AGAIN_MS = 5000 };

const struct record *(*const provider_tables[])(void) = {provider_deal_record, provider_work_record,
        provider_offer_record, provider_cursor_record, provider_channel_record,
        provider_number_record, NULL};

/* One timer for each deal of before the start: their effects are bounded by one event's. What one event
 * cannot hold the next one goes on with. */
static void resume_some(struct provider *p, struct effects *fx)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&p->works, &i, &key, &val);) {
		struct work *k = *(struct work **)val;

		if (!k->loaded)
			continue;
		if (fx->n >= EFFECTS_MAX - 8) {
			fx_add(fx, FX_TIMER, (struct tag){.what = TAG_RESUME});
			return;
		}
		k->loaded = false;
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_RETRY, .key = k->w.id});
	}
}

static void on_start(struct provider *p, const struct event *ev, struct effects *fx)
{
	struct fx *f;
	struct err e;

	p->started = p->idle_since = ev->wall;
	if (!provider_load(p, &e)) {
		log_line(&p->world->log, LOG_BROKEN, "journal cannot be read: %s", e.msg);
		fx_add(fx, FX_EXIT, (struct tag){0})->status = err_exit(e.code);
		return;
	}
	f = fx_add(fx, FX_FOLLOW, (struct tag){.what = TAG_SOLVER});
	f->url = p->c.solver.url;
	f->audience = p->c.solver.addr;
	f->path = "/v1/events";
	f->id = p->cursors[CURSOR_SOLVER].at;
	resume_some(p, fx);
}

static void on_timer(struct provider *p, const struct event *ev, struct effects *fx)
{
	if (ev->timer.what == TAG_RENEW) {
		provider_post_offer(p, ev, fx);
	} else if (ev->timer.what == TAG_RETRY) {
		provider_on_retry(p, ev, fx);
	} else if (ev->timer.what == TAG_TELL) {
		provider_on_tell(p, ev, fx);
	} else if (ev->timer.what == TAG_REFUSE) {
		step_refuse_again(p, &ev->timer.key, fx);
	} else if (ev->timer.what == TAG_LEARN) {
		provider_ask_again(p, &ev->timer.key, fx);
	} else if (ev->timer.what == TAG_RESUME) {
		resume_some(p, fx);
	}
}

/* The JC learns signature and output from the solver alone: it is told until it takes them, or says for good
 * that it does not. */
static void on_told(struct provider *p, const struct reply *r, struct effects *fx)
{
	struct work *k = provider_work_get(p, &r->tag.key);

	if (!k)
		return;
	if ((!r->ok || r->status >= 400) && err_passes(r->err.code))
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_TELL, .key = k->w.id})->delay =
		        span_ms(TELL_AGAIN_MS);
	else if (r->tag.what == TAG_RESULT)
		k->told_result = true;
	else
		provider_told_signature(p, k, r->ok && r->status < 400, fx);
}

static void on_reply(struct provider *p, const struct event *ev, struct effects *fx)
{
	const struct reply *r = ev->reply;

	if (r->tag.what == TAG_POST_OFFER) {
		provider_on_ack(p, ev, fx);
		return;
	}
	if (r->tag.what == TAG_NONCES) {
		provider_on_nonces(p, ev, fx);
		return;
	}
	if (r->tag.what == TAG_LEARN) {
		provider_on_learned(p, ev, fx);
		return;
	}
	if (r->tag.what == TAG_IDLE) {
		provider_on_idle(p, ev, fx);
		return;
	}
	if (r->tag.what == TAG_LOOK) {
		draws_on_look(p, ev, fx);
		return;
	}
	if (r->tag.what == TAG_SIGNATURE || r->tag.what == TAG_RESULT)
		on_told(p, r, fx);
	if (r->tag.what == TAG_REFUSE && (!r->ok || r->status >= 400) && err_passes(r->err.code))
		fx_add(fx, FX_TIMER, r->tag)->delay = span_ms(TELL_AGAIN_MS);
	if (!r->ok || r->status >= 400)
		log_line(&p->world->log, LOG_ODD, "solver: %s", r->err.msg);
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct provider *p = self;

	/* A restart hears of the same events again, and runs again what has not ended. */
	fx->soft = ev->kind == EV_LEDGER || ev->kind == EV_RUN;
	switch (ev->kind) {
	case EV_START: on_start(p, ev, fx); break;
	case EV_TIMER: on_timer(p, ev, fx); break;
	case EV_REQUEST: provider_on_request(p, ev, fx); break;
	case EV_REPLY: on_reply(p, ev, fx); break;
	case EV_MESSAGE: provider_on_message(p, ev, fx); break;
	case EV_LEDGER: provider_on_ledger(p, ev, fx); break;
	case EV_TREE: provider_on_tree(p, ev, fx); break;
	case EV_RUN: provider_on_run(p, ev, fx); break;
	case EV_STOP: provider_cancel_offer(p, ev, fx); break;
	case EV_TREE_IN: break;
	}
	provider_keep_cursors(p);
	if (p->running > 0)
		p->idle_since = ev->wall;
}

bool provider_new(
        struct world *w, const struct provider_config *c, struct provider **out, struct err *e)
{
	struct provider *p = calloc(1, sizeof *p);
	uint64_t seed;

	if (!p)
		return FAIL(e, MEMORY, "no memory for the provider");
	p->world = w;
	p->c = *c;
	p->sending.nonce = c->send_nonce;
	p->open_solver = c->solver;
	p->open_solver.addr = (struct addr){{0}};
	w->rng.fill(w->rng.self, &seed, sizeof seed);
	map_init(&p->programs, sizeof(struct hash), sizeof(uint8_t), PROGRAMS_MAX, seed);
	map_init(
	        &p->strange, sizeof(struct hash), sizeof(struct strange), PROVIDER_DEALS_MAX, seed);
	map_init(&p->works, sizeof(struct hash), sizeof(struct work *), PROVIDER_DEALS_MAX, seed);
	*out = p;
	return true;
}

struct role provider_role(struct provider *p)
{
	return (struct role){
	        "provider", provider_routes, provider_routes_n, provider_tables, p, on_event, NULL};
}

bool provider_start_cursor(struct provider *p, uint64_t *out, struct err *e)
{
	struct provider_cursor row = {.which = 1};

	*out = 0;
	if (p->world->store.get(p->world->store.self, provider_cursor_record(), &row, e))
		*out = row.cursor;
	else if (e->code != E_NOT_FOUND)
		return false;
	return true;
}

struct provider *provider_free(struct provider *p)
{
	if (!p)
		return NULL;
	map_done_owned(&p->works);
	map_done(&p->programs);
	map_done(&p->strange);
	json_decref(p->idle.json);
	free(p->instrument);
	free(p);
	return NULL;
}
