/* keep.c - the provider's journal: every step is in the store before it is acted on. */
#include <stdlib.h>

#include "crypto/keccak.h"
#include "provider/provider_own.h"

static const struct sm_state states[] = {
#define S(name, value, flags, next, meaning) {#name, value, flags, next, meaning},
#include "provider/work_state.def"
#undef S
};
const struct sm work_states = {"work", states, COUNT(states)};

#include "model/record_table.h"
#include "provider/tables.def"
#include "model/record_end.h"

/* The host ends the process when a transaction cannot be committed; a refused write is the same. */
static void must(struct provider *p, bool ok, const struct err *e)
{
	if (!ok)
		log_line(&p->world->log, LOG_BROKEN, "store: %s", e->msg);
	assert(ok);
}

void provider_keep(struct provider *p, struct work *k)
{
	struct err e;

	p->wrote = true;
	must(p, p->world->store.put(p->world->store.self, provider_work_record(), &k->w, &e), &e);
}

void provider_move(struct provider *p, struct work *k, enum work_state to)
{
	struct err e;

	must(p, sm_move(&work_states, &k->w.state, to, &e), &e);
	k->tries = 0;
	provider_keep(p, k);
}

void provider_keep_deal(struct provider *p, const struct provider_deal *d)
{
	struct err e;

	p->wrote = true;
	must(p, p->world->store.put(p->world->store.self, provider_deal_record(), d, &e), &e);
}

bool provider_keep_offer(struct provider *p, const struct provider_offer *o, struct err *e)
{
	TRY(p->world->store.put(p->world->store.self, provider_offer_record(), o, e), e);
	p->wrote = true;
	return true;
}

void provider_saw(struct provider *p, enum cursor_of which, uint64_t cursor)
{
	struct cursor_view *c = &p->cursors[which];

	if (cursor <= c->at)
		return;
	c->at = cursor;
	c->behind++;
}

void provider_keep_cursors(struct provider *p)
{
	bool now = p->wrote;
	struct err e;

	for (size_t i = 0; i < CURSORS; i++)
		now = now || p->cursors[i].behind > CURSOR_BEHIND_MAX;
	for (size_t i = 0; now && i < CURSORS; i++) {
		struct cursor_view *c = &p->cursors[i];
		struct provider_cursor row = {.which = (uint8_t)i, .cursor = c->at};
		struct store *s = &p->world->store;

		if (c->behind)
			must(p, s->put(s->self, provider_cursor_record(), &row, &e), &e);
		c->behind = 0;
	}
	p->wrote = false;
}

struct work *provider_work_new(struct provider *p, const struct hash *id)
{
	struct work **slot = map_put(&p->works, id, NULL);
	struct work *k;

	if (!slot)
		return NULL;
	assert(!*slot);
	k = calloc(1, sizeof *k);
	if (!k) {
		map_del(&p->works, id);
		return NULL;
	}
	k->w.id = *id;
	*slot = k;
	return k;
}

struct work *provider_work_get(struct provider *p, const struct hash *id)
{
	struct work **slot = map_get(&p->works, id);

	return slot ? *slot : NULL;
}

void provider_finish(struct provider *p, struct work *k, enum work_state end, const char *why)
{
	struct hash id = k->w.id;

	str_keep(k->w.why, sizeof k->w.why, str_of(why));
	if (end == WORK_LOST)
		p->totals.lost++;
	provider_move(p, k, end);
	map_del(&p->works, &id);
	free(k);
}

void provider_put(struct provider *p, const struct record *r, const void *row)
{
	struct err e;

	p->wrote = true;
	must(p, p->world->store.put(p->world->store.self, r, row, &e), &e);
}

bool provider_count(struct provider *p, uint8_t end)
{
	bool paid = end == DEAL_RESULTS_ACCEPTED || end == DEAL_TIMEOUT_JUDGE ||
	            end == DEAL_MEDIATION_ACCEPTED;

	if (paid)
		p->totals.paid++;
	else if (end == DEAL_DECLINED)
		p->totals.declined++;
	else
		p->totals.failed++;
	return paid;
}

static bool load_work(void *ctx, const void *row)
{
	struct provider *p = ctx;
	const struct provider_work *w = row;
	struct work *k;
	struct err e;

	p->totals.jobs++;
	if (w->state == WORK_DONE)
		provider_count(p, w->ledger);
	if (w->state == WORK_LOST)
		p->totals.lost++;
	if (!amount_add(p->totals.earned, w->earned, &p->totals.earned))
		log_line(&p->world->log, LOG_ODD, "the sum of all earnings overflows");
	if (sm_is_final(&work_states, w->state))
		return true;
	k = provider_work_new(p, &w->id);
	assert(k);
	k->w = *w;
	k->loaded = true;
	k->deal.id = w->id;
	must(p, p->world->store.get(p->world->store.self, provider_deal_record(), &k->deal, &e),
	        &e);
	return true;
}

static bool load_cursor(void *ctx, const void *row)
{
	struct provider *p = ctx;
	const struct provider_cursor *c = row;

	p->cursors[c->which ? CURSOR_LEDGER : CURSOR_SOLVER].at = c->cursor;
	return true;
}

bool provider_load(struct provider *p, struct err *e)
{
	struct store *s = &p->world->store;

	TRY(s->each(s->self, provider_work_record(), NULL, NULL, load_work, p, e), e);
	TRY(s->each(s->self, provider_cursor_record(), NULL, NULL, load_cursor, p, e), e);
	p->offer.machine = p->c.offer.machine;
	if (!s->get(s->self, provider_offer_record(), &p->offer, e) && e->code != E_NOT_FOUND)
		return false;
	return true;
}

void work_result(const struct work *k, struct result *out)
{
	*out = (struct result){
	        .deal = k->w.id,
	        .status = k->w.status,
	        .count = k->w.count,
	        .bytes = k->w.bytes,
	        .output = {.tree = k->w.tree},
	};
	keccak256(k->w.secret.b, sizeof k->w.secret.b, &out->secret_hash);
}

struct bytes work_deal_json(struct effects *fx, const struct work *k)
{
	return fx_deal(fx, &k->deal.deal, &k->deal.jc_sig, &k->w.rp_sig);
}
