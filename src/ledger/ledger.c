/* ledger.c - the life of a ledger, and reading it. */
#include "ledger/ledger.h"

#include <stdlib.h>

#include "codec/eip712.h"
#include "crypto/secp.h"
#include "ledger/ledger_own.h"

enum { MIN_S = 60 }; /* 4.2: least MIN outside test ledgers */

static bool real_verify(void *ctx, const struct hash *digest, const struct sig *sig,
        const struct addr *who, struct err *e)
{
	(void)ctx;
	return secp_check(digest, sig, who, e);
}

void ledger_set_verify(struct ledger *l, const struct ledger_options *o)
{
	l->verify = o && o->verify ? o->verify : real_verify;
	l->verify_ctx = o ? o->ctx : NULL;
}

static bool genesis_fits(const struct genesis *g, struct err *e)
{
	TRY(document_in_bounds(genesis_record(), g, e), e);
	if (!g->test && g->min.s < MIN_S)
		return FAIL(e, CLOCKS, "MIN is %llu s: at least %d s outside test ledgers",
		        (unsigned long long)g->min.s, MIN_S);
	if (g->unbonding.s <= g->life.s)
		return FAIL(e, CLOCKS,
		        "the unbonding time is %llu s: it must be above LIFE, %llu s",
		        (unsigned long long)g->unbonding.s, (unsigned long long)g->life.s);
	return true;
}

static bool allocate(struct ledger *l, struct err *e)
{
	const struct genesis *g = &l->genesis;

	for (uint32_t i = 0; i < g->allocations.n; i++) {
		const struct allocation *a = &g->allocations.v[i];

		l->touched_n = 0;
		if (addr_is_zero(&a->account) || !amount_fits_document(a->amount) ||
		        !amount_fits_document(amount_plus(l->totals.supply, a->amount)))
			return FAIL(e, RANGE,
			        "allocation %u is to account zero, or brings the sum to 2^96 or more",
			        i);
		TRY(account_ready(l, &a->account, e), e);
		money_deposit(l, &a->account, a->amount);
	}
	return true;
}

bool ledger_new(
        const struct genesis *g, const struct ledger_options *o, struct ledger **out, struct err *e)
{
	uint64_t seed = o ? o->seed : 0;
	struct ledger *l;
	struct hash genesis;

	TRY(genesis_fits(g, e), e);
	l = calloc(1, sizeof *l);
	if (!l)
		return FAIL(e, MEMORY, "no memory for a ledger");
	l->genesis = *g;
	l->time = g->time;
	eip712_hash(genesis_record(), g, &genesis);
	eip712_domain_embedded(&genesis, &l->domain);
	ledger_set_verify(l, o);
	map_init(&l->accounts, sizeof(struct addr), sizeof(struct account), LEDGER_ACCOUNTS_MAX,
	        seed);
	map_init(&l->agreements, sizeof(struct hash), sizeof(struct agreement *), LEDGER_DEALS_MAX,
	        seed);
	map_init(&l->nonces, sizeof(struct nonce_key), sizeof(struct agreement *), LEDGER_DEALS_MAX,
	        seed);
	map_init(&l->channels, sizeof(struct hash), sizeof(struct ledger_channel),
	        LEDGER_CHANNELS_MAX, seed);
	map_init(&l->numbers, sizeof(struct number_key), 32, LEDGER_DEALS_MAX, seed);
	map_init(&l->burnt, sizeof(struct nonce_key), 32, LEDGER_DEALS_MAX, seed);
	if (!allocate(l, e)) {
		ledger_free(l);
		return false;
	}
	*out = l;
	return true;
}

struct agreement *agreement_get(const struct ledger *l, const struct hash *id)
{
	struct agreement *const *at = map_get(&l->agreements, id);

	return at ? *at : NULL;
}

void agreement_free(struct agreement *a)
{
	if (a)
		free(a->hot);
	free(a);
}

struct ledger *ledger_free(struct ledger *l)
{
	const void *key;
	void *val;

	if (!l)
		return NULL;
	for (size_t i = 0; map_next(&l->agreements, &i, &key, &val);)
		agreement_free(*(struct agreement **)val);
	map_done(&l->accounts);
	map_done(&l->agreements);
	map_done(&l->nonces);
	map_done(&l->burnt);
	map_done(&l->channels);
	map_done(&l->numbers);
	free(l);
	return NULL;
}

/* ---- reading ------------------------------------------------------------------------------------ */

const struct genesis *ledger_genesis(const struct ledger *l)
{
	return &l->genesis;
}

const struct hash *ledger_domain(const struct ledger *l)
{
	return &l->domain;
}

uint64_t ledger_seq(const struct ledger *l)
{
	return l->seq;
}

struct btime ledger_time(const struct ledger *l)
{
	return l->time;
}

const struct agreement *ledger_agreement(const struct ledger *l, const struct hash *id)
{
	return agreement_get(l, id);
}

const struct agreement *ledger_agreement_of(
        const struct ledger *l, const struct addr *jc, uint64_t nonce)
{
	struct nonce_key key;
	struct agreement *const *at;

	nonce_key(jc, nonce, &key);
	at = map_get(&l->nonces, &key);
	return at ? *at : NULL;
}

const struct ledger_channel *ledger_channel(const struct ledger *l, const struct hash *id)
{
	return map_get(&l->channels, id);
}

static void concern(const struct addr *who, struct addr out[LEDGER_CONCERNED_MAX], size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		if (addr_eq(&out[i], who))
			return;
	}
	if (!addr_is_zero(who) && *n < LEDGER_CONCERNED_MAX)
		out[(*n)++] = *who;
}

size_t ledger_concerned(const struct ledger *l, const struct ledger_event *ev,
        struct addr out[LEDGER_CONCERNED_MAX])
{
	const struct ledger_channel *c = ledger_channel(l, &ev->channel.id);
	const struct agreement *d = ledger_agreement(l, &ev->deal);
	size_t n = 0;

	if (d) {
		concern(&d->jc, out, &n);
		concern(&d->rp, out, &n);
		concern(&d->solver, out, &n);
		concern(&d->mediator, out, &n);
	}
	if (c) {
		concern(&c->jc, out, &n);
		concern(&c->rp, out, &n);
	}
	concern(&ev->account, out, &n);
	for (uint32_t i = 0; i < ev->changes_n; i++)
		concern(&ev->changes[i].account, out, &n);
	return n;
}

void ledger_totals(const struct ledger *l, struct ledger_totals *out)
{
	*out = l->totals;
	out->accounts = l->accounts.n;
	out->deals = l->agreements.n;
	out->opened = l->channels.n;
}
