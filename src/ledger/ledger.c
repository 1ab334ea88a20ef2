/* ledger.c - the machine as a whole: making it, applying one action, asking what is recorded. */
#include "ledger/ledger.h"

#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "ledger/ledger_own.h"
#include "port/action_json.h"

enum { MIN_LEAST_S = 60 };

static bool check_genesis(const struct genesis *g, struct err *e)
{
	if (!g->test && g->min.s < MIN_LEAST_S)
		return FAIL(e, RANGE, "MIN is %llu s; outside test ledgers it is at least %d s",
			(unsigned long long)g->min.s, MIN_LEAST_S);
	if (g->min.s == 0 || g->life.s < 10 * g->min.s)
		return FAIL(e, RANGE, "MIN must be positive and LIFE at least ten times as long");
	if (g->unbonding.s <= g->life.s)
		return FAIL(e, RANGE, "the unbonding time must be longer than LIFE");
	if (addr_is_zero(&g->operator_))
		return FAIL(e, RANGE, "the genesis names no operator");
	return true;
}

static bool allocate(struct ledger *l, struct err *e)
{
	for (uint32_t i = 0; i < l->g.allocations.n; i++) {
		const struct allocation *a = &l->g.allocations.v[i];
		struct account *acc = account_of(l, &a->account);
		struct amount sum;

		if (!acc)
			return FAIL(e, MEMORY, "no memory for the accounts");
		if (!amount_add(l->counter, a->amount, &sum) || !amount_fits_document(sum) ||
			!amount_add(acc->free, a->amount, &acc->free))
			return FAIL(e, RANGE, "the allocations of the genesis reach 2^96");
		l->counter = l->holdings = sum;
	}
	return true;
}

bool ledger_new(const struct genesis *g, ledger_verify verify, uint64_t seed, struct ledger **out,
	struct err *e)
{
	struct ledger *l;
	struct hash id;

	TRY(check_genesis(g, e), e);
	l = calloc(1, sizeof *l);
	if (!l)
		return FAIL(e, MEMORY, "no memory for the ledger");
	l->g = *g;
	l->verify = verify ? verify : secp_check;
	eip712_hash(genesis_record(), g, &id);
	eip712_domain_embedded(&id, &l->domain);
	map_init(&l->accounts, sizeof(struct addr), sizeof(struct account), LEDGER_ACCOUNTS_MAX, seed);
	map_init(&l->deals, sizeof(struct hash), sizeof(struct slot), LEDGER_DEALS_MAX, seed);
	map_init(&l->nonces, sizeof(struct nonce_key), sizeof(struct hash), LEDGER_DEALS_MAX * 2, seed);
	if (!allocate(l, e)) {
		ledger_free(l);
		return false;
	}
	*out = l;
	return true;
}

struct ledger *ledger_free(struct ledger *l)
{
	const void *key;
	void *val;

	if (!l)
		return NULL;
	for (size_t i = 0; map_next(&l->deals, &i, &key, &val);)
		free(((struct slot *)val)->live);
	map_done(&l->accounts);
	map_done(&l->deals);
	map_done(&l->nonces);
	free(l);
	return NULL;
}

const struct hash *ledger_domain(const struct ledger *l)
{
	return &l->domain;
}

const struct genesis *ledger_genesis(const struct ledger *l)
{
	return &l->g;
}

bool ledger_signed(const struct ledger *l, const struct record *r, const void *row,
	const struct sig *sig, const struct addr *who, struct err *e)
{
	struct hash digest;

	signed_digest(&l->domain, r, row, &digest);
	if (l->verify(&digest, sig, who, e))
		return true;
	err_prefix(e, "%s: ", r->type);
	return false;
}

static void fill_changes(struct ledger *l, struct ledger_event *ev)
{
	for (uint32_t i = 0; i < ev->changes_n; i++) {
		const struct account *a = account_peek(l, &ev->changes[i].account);

		assert(a);
		ev->changes[i].free = a->free;
		ev->changes[i].locked = a->locked;
		ev->changes[i].withdrawing = a->withdrawing;
		ev->changes[i].send_nonce = a->send_nonce;
	}
}

bool ledger_apply(struct ledger *l, const struct action *a, struct btime now, struct ledger_event *ev,
	struct err *e)
{
	struct ledger_event out = {.time = now};
	struct step s = {l, a, now, &out};

	if (a->kind == ACTION_SEND)
		TRY(send_apply(&s, e), e);
	else if (a->kind == ACTION_OPEN)
		TRY(open_apply(&s, e), e);
	else
		TRY(deal_apply(&s, e), e);
	assert(amount_eq(l->counter, l->holdings)); /* 5.15 (a): no step but deposits and withdrawals moves it */
	if (a->kind != ACTION_SEND && out.to == 0) {
		*ev = (struct ledger_event){0};
		return true;
	}
	out.action = a->kind;
	action_id(a, &out.action_id);
	fill_changes(l, &out);
	*ev = out;
	return true;
}

/* ---- what is recorded ------------------------------------------------------------------------------ */

void ledger_account(const struct ledger *l, const struct addr *who, struct ledger_account *out)
{
	const struct account *a = account_peek(l, who);

	*out = (struct ledger_account){0};
	if (!a)
		return;
	*out = (struct ledger_account){.free = a->free, .locked = a->locked, .withdrawing = a->withdrawing,
		.withdraw_at = a->withdraw_at, .payout = a->payout, .send_nonce = a->send_nonce, .stake = a->stake,
		.unbonding = a->unbonding, .mediator = a->mediator, .paused = a->paused};
}

bool ledger_deal(const struct ledger *l, const struct hash *id, struct ledger_deal *out)
{
	const struct slot *s = map_get(&l->deals, id);

	if (!s)
		return false;
	*out = (struct ledger_deal){.state = s->state, .deadline = s->deadline,
		.job_creator = s->job_creator, .provider = s->provider, .nonce = s->nonce, .result = s->result,
		.status = s->status, .count = s->count, .bytes = s->bytes, .cost = s->cost};
	if (s->live && s->status)
		out->cost = ledger_cost(&s->live->hot, s->count, s->bytes);
	return true;
}

void ledger_totals(const struct ledger *l, struct ledger_totals *out)
{
	const struct account *sink = account_peek(l, &sink_account);

	*out = (struct ledger_totals){.counter = l->counter, .accounts = l->accounts.n, .deals = l->deals.n,
		.live = l->live};
	if (sink)
		out->sink = sink->free;
}

static bool add(struct amount *sum, struct amount v)
{
	return amount_add(*sum, v, sum);
}

/* 5.15 (a): every token is in one place; (b): what is locked is what the unfinished deals lock. */
bool ledger_check(const struct ledger *l, struct err *e)
{
	struct amount all = amount_of(0), locked = amount_of(0), by_deals = amount_of(0);
	const void *key;
	void *val;
	bool ok = true;

	for (size_t i = 0; ok && map_next(&l->accounts, &i, &key, &val);) {
		const struct account *a = val;

		ok = add(&all, a->free) && add(&all, a->locked) && add(&all, a->withdrawing) &&
			add(&all, a->stake) && add(&all, a->unbonding) && add(&locked, a->locked);
	}
	for (size_t i = 0; ok && map_next(&l->deals, &i, &key, &val);) {
		const struct slot *s = val;

		if (sm_is_final(&deal_states, s->state) != (s->live == NULL))
			return FAIL(e, TAMPERED, "a deal that is %s has the wrong locks",
				sm_name(&deal_states, s->state));
		if (!s->live)
			continue;
		ok = add(&by_deals, deal_jc_lock(&s->live->hot)) &&
			(!s->live->rp_locked || add(&by_deals, s->live->hot.result_bond));
	}
	if (!ok)
		return FAIL(e, TAMPERED, "a sum of balances overflows");
	if (!amount_eq(all, l->counter))
		return FAIL(e, TAMPERED, "the balances do not add up to deposits less withdrawals");
	if (!amount_eq(locked, by_deals))
		return FAIL(e, TAMPERED, "what is locked is not what the unfinished deals lock");
	return true;
}
