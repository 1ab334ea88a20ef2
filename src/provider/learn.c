/* learn.c - deals of ours that the ledger has open and this store does not know: it is an old one, restored from a
 * backup (protocol 9.5). Their documents are asked for from the solver, which serves them to the parties; what can
 * still be finished in time is, with the signatures that were given before. */
#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "provider/provider_own.h"

enum { ASK_AGAIN_MS = 1000, TRIES_SHIFT_MAX = 5 };

static bool is_open(uint8_t state)
{
	return state == DEAL_AGREED || state == DEAL_RESULTS_SUBMITTED ||
	       state == DEAL_RESULTS_CHECKED;
}

bool provider_is_strange(const struct provider *p, const struct hash *deal)
{
	return map_get(&p->strange, deal) != NULL;
}

/* A deal that is open bears our signature, and one with a result that result, whatever this store says of it. */
static bool unknown_here(struct provider *p, const struct ledger_event *le)
{
	const struct work *k = provider_work_get(p, &le->deal);
	struct provider_work row = {.id = le->deal};
	struct store *s = &p->world->store;
	struct err e;

	if (k)
		return k->w.state == WORK_FETCHING ||
		       (le->to != DEAL_AGREED && k->w.state < WORK_STORED);
	return !s->get(s->self, provider_work_record(), &row, &e) ||
	       (row.state == WORK_LOST && !row.rp_sig.n);
}

bool provider_note_strange(struct provider *p, const struct ledger_event *le)
{
	struct strange *x = map_get(&p->strange, &le->deal);

	if (hash_is_zero(&le->deal) || !hash_is_zero(&le->channel.id))
		return false;
	if (!is_open(le->to)) {
		if (x)
			map_del(&p->strange, &le->deal);
		return false;
	}
	if (!x && !unknown_here(p, le))
		return false;
	x = x ? x : map_put(&p->strange, &le->deal, NULL);
	if (!x) {
		log_line(&p->world->log, LOG_ODD, "too many deals that this store does not know");
		return false;
	}
	x->ledger = le->to;
	x->deadline = le->deadline;
	x->result = le->result;
	return true;
}

static void ask(struct provider *p, const struct hash *deal, struct effects *fx)
{
	fx_call(fx, (struct tag){.what = TAG_LEARN, .key = *deal}, &p->c.solver, "GET",
	        fx_path(fx, "/v1/deals/", deal, ""), NULL);
}

void provider_ask_strange(struct provider *p, struct effects *fx)
{
	const void *key;
	void *val;

	for (size_t i = 0; fx->n < EFFECTS_MAX / 2 && map_next(&p->strange, &i, &key, &val);) {
		struct strange *x = val;

		if (x->asked)
			continue;
		x->asked = true;
		ask(p, key, fx);
	}
}

void provider_ask_again(struct provider *p, const struct hash *deal, struct effects *fx)
{
	if (provider_is_strange(p, deal))
		ask(p, deal, fx);
}

/* ---- what the solver has --------------------------------------------------------------------------------- */

struct known {
	struct provider_deal deal;
	struct sig rp_sig;
	bool has_result;
	struct result result;
	struct sig result_sig;
	struct stored stored;
	struct sig stored_sig;
};

/* The result that we signed, as the ledger has it if it has one. */
static bool take_result(struct provider *p, const struct strange *x, const json_t *j,
        struct known *k, struct err *e)
{
	const struct deal *d = &k->deal.deal;
	struct hash h;

	TRY(json_get_record(j, "result", result_record(), &k->result, e), e);
	TRY(json_get_sig(j, "signature", &k->result_sig, e), e);
	TRY(json_get_record(j, "stored", stored_record(), &k->stored, e), e);
	TRY(json_get_sig(j, "storedSignature", &k->stored_sig, e), e);
	TRY(signed_check(&p->c.domain, result_record(), &k->result, &k->result_sig,
	            &p->world->signer.addr, e),
	        e);
	TRY(signed_check(&p->c.domain, stored_record(), &k->stored, &k->stored_sig,
	            &d->cold.directory, e),
	        e);
	eip712_hash(result_record(), &k->result, &h);
	if (!hash_eq(&k->result.deal, &k->deal.id) || !hash_eq(&k->stored.deal, &k->deal.id) ||
	        !hash_eq(&k->stored.output, &k->result.output.tree) ||
	        (!hash_is_zero(&x->result) && !hash_eq(&h, &x->result)))
		return FAIL(e, PEER, "the solver has another result of that deal than we gave");
	k->has_result = true;
	return true;
}

static bool read_known(struct provider *p, const struct hash *id, const struct strange *x,
        const struct reply *r, struct known *out, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	const struct deal *d = &out->deal.deal;

	if (!r->ok || r->status >= 400) {
		*e = r->err;
		return false;
	}
	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(json_get_record(j, "deal", deal_record(), &out->deal.deal, e), e);
	TRY(json_get_sig(j, "jobCreatorSignature", &out->deal.jc_sig, e), e);
	TRY(json_get_sig(j, "providerSignature", &out->rp_sig, e), e);
	eip712_hash(deal_record(), d, &out->deal.id);
	if (!hash_eq(&out->deal.id, id))
		return FAIL(e, PEER, "the solver shows another deal than was asked for");
	TRY(signed_check(&p->c.domain, deal_record(), d, &out->deal.jc_sig, &d->hot.job_creator, e),
	        e);
	TRY(signed_check(&p->c.domain, deal_record(), d, &out->rp_sig, &p->world->signer.addr, e),
	        e);
	if (json_object_get(j, "result"))
		return take_result(p, x, j, out, e);
	return true;
}

/* ---- into the journal ------------------------------------------------------------------------------------- */

static void fill_result(struct work *k, const struct known *known)
{
	const struct result *r = &known->result;

	k->w.status = r->status;
	k->w.count = r->count;
	k->w.bytes = r->bytes;
	k->w.tree = r->output.tree;
	k->w.secret_hash = r->secret_hash;
	k->w.result_sig = known->result_sig;
	k->w.stored_sig = known->stored_sig;
	k->w.keep_until = known->stored.keep_until;
	k->w.tree_bytes = known->stored.bytes;
}

/* On from where the ledger has it. What was submitted and is not shown is only waited for. */
static void go_on(struct provider *p, struct work *k, const struct known *known, struct effects *fx)
{
	provider_move(p, k, WORK_SIGNED);
	provider_move(p, k, WORK_RUNNING);
	if (!known->has_result && k->w.ledger == DEAL_AGREED) {
		step_run(p, k, fx);
		return;
	}
	if (known->has_result)
		fill_result(k, known);
	provider_move(p, k, WORK_RAN);
	provider_move(p, k, WORK_STORED);
	if (k->w.ledger == DEAL_AGREED)
		step_submit(p, k, fx);
}

static struct work *work_of(struct provider *p, const struct hash *id)
{
	struct provider_work row = {.id = *id};
	struct store *s = &p->world->store;
	struct work *k = provider_work_get(p, id);
	struct err e;

	if (k)
		return k;
	if (s->get(s->self, provider_work_record(), &row,
	            &e)) /* refused before the ledger was read */
		p->totals.lost--;
	else
		p->totals.jobs++;
	return provider_work_new(p, id);
}

static void learn(struct provider *p, const struct strange *x, const struct known *known,
        const struct event *ev, struct effects *fx)
{
	struct work *k = work_of(p, &known->deal.id);

	if (!k) {
		log_line(&p->world->log, LOG_ODD,
		        "too many unfinished deals: one is not gone on with");
		return;
	}
	k->deal = known->deal;
	k->deal.created.s = wall_seconds(ev->wall);
	step_kill(k, fx);
	k->w.state = WORK_FETCHING;
	k->w.status = STATUS_COMPLETED;
	k->w.count = 0;
	k->w.rp_sig = known->rp_sig;
	k->w.ledger = x->ledger;
	k->w.deadline = x->deadline;
	k->told_signature = true;
	k->told_result = known->has_result;
	provider_keep_deal(p, &k->deal);
	log_line(&p->world->log, LOG_ODD,
	        "the ledger has a deal open that this store did not know: it goes on, %s",
	        known->has_result ? "with its result" : sm_name(&deal_states, x->ledger));
	go_on(p, k, known, fx);
}

void provider_on_learned(struct provider *p, const struct event *ev, struct effects *fx)
{
	const struct reply *r = ev->reply;
	const struct hash id = r->tag.key;
	struct strange *x = map_get(&p->strange, &id), was;
	struct known *known = ARENA_NEW(fx->arena, struct known);
	struct err e;

	assert(known);
	if (!x)
		return; /* it has ended meanwhile */
	if (!read_known(p, &id, x, r, known, &e)) {
		if (x->tries == 0)
			log_line(&p->world->log, LOG_ODD,
			        "the ledger has a deal open that this store does not know, and the "
			        "solver does not show it: %s",
			        e.msg);
		fx_add(fx, FX_TIMER, (struct tag){.what = TAG_LEARN, .key = id})->delay =
		        span_ms((int64_t)ASK_AGAIN_MS << MIN2(x->tries, (unsigned)TRIES_SHIFT_MAX));
		x->tries++;
		return;
	}
	was = *x;
	map_del(&p->strange, &id);
	learn(p, &was, known, ev, fx);
}
