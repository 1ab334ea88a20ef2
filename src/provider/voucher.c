/* voucher.c - channels of vouchers (protocol 8.3): one signature for all that is due, the next one in its place; what
 * is redeemed closes every number up to the voucher's own, so all of these must be delivered and in it. */
#include "codec/json.h"
#include "codec/signed.h"
#include "model/deal_rules.h"
#include "provider/provider_own.h"

enum { PAID_AT_ONCE = 64 };

static struct amount cost_of(const struct work *k)
{
	return deal_cost(&k->deal.deal.hot, k->w.count, k->w.bytes);
}

/* Off the ledger, in that channel, with a number up to n. */
static bool is_below(const struct work *k, const struct hash *channel, uint64_t n)
{
	const struct hot *h = &k->deal.deal.hot;

	return work_off_ledger(k) && k->w.rp_sig.n && hash_eq(&h->channel, channel) &&
	       h->nonce <= n;
}

/* It covers what vouchers have paid and all that is accepted up to its number, `now` among it. */
static bool covers(struct provider *p, const struct provider_channel *row, const struct voucher *v,
        const struct work *now, struct err *e)
{
	char sum[AMOUNT_DEC_MAX], need[AMOUNT_DEC_MAX];
	struct amount due = row->paid;
	const void *key;
	bool ok = true;
	void *val;

	for (size_t i = 0; ok && map_next(&p->works, &i, &key, &val);) {
		const struct work *k = *(struct work **)val;

		if (is_below(k, &row->id, v->number) && (k == now || k->w.state == WORK_ACCEPTED))
			ok = amount_add(due, cost_of(k), &due);
	}
	if (ok && amount_cmp(v->sum, due) >= 0)
		return true;
	amount_format(v->sum, sum);
	amount_format(due, need);
	return FAIL(e, RESULT, "its sum is %s, and %s is due up to number %llu", sum, need,
	        (unsigned long long)v->number);
}

bool voucher_take(struct provider *p, const struct work *k, const json_t *j, struct err *e)
{
	const struct hot *h = &k->deal.deal.hot;
	struct provider_channel row;
	struct voucher v;
	struct sig sig;

	TRY(json_get_record(j, "voucher", voucher_record(), &v, e), e);
	TRY(json_get_sig(j, "signature", &sig, e), e);
	TRY(channel_row(p, &h->channel, &row, e), e);
	if (!hash_eq(&v.channel, &h->channel) || v.number < h->nonce)
		return FAIL(
		        e, RESULT, "it is of another channel, or has a lower number than the deal");
	if (v.claims != row.claims)
		return FAIL(e, CONFLICT, "it counts %llu claims, and we have made %llu",
		        (unsigned long long)v.claims, (unsigned long long)row.claims);
	TRY(covers(p, &row, &v, k, e), e);
	TRY(signed_check(&p->c.domain, voucher_record(), &v, &sig, &h->job_creator, e), e);
	row.voucher = v;
	row.voucher_sig = sig;
	provider_put(p, provider_channel_record(), &row);
	return true;
}

/* Is what it would close all delivered and accepted? */
static bool closes_nothing_open(struct provider *p, const struct provider_channel *row)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&p->works, &i, &key, &val);) {
		const struct work *k = *(struct work **)val;

		if (is_below(k, &row->id, row->voucher.number) && k->w.state != WORK_ACCEPTED)
			return false;
	}
	return true;
}

bool voucher_to_redeem(struct provider *p, const struct hash *channel, struct provider_channel *row)
{
	struct err e;

	return channel_row(p, channel, row, &e) && row->voucher_sig.n &&
	       row->voucher.claims == row->claims &&
	       (row->voucher.number > row->floor || amount_cmp(row->voucher.sum, row->paid) > 0) &&
	       closes_nothing_open(p, row);
}

/* True: there may be more. */
static bool pay_some(struct provider *p, const struct hash *channel, uint64_t floor,
        const struct ledger_event *le, struct effects *fx)
{
	struct work *v[PAID_AT_ONCE];
	const void *key;
	unsigned n = 0;
	void *val;

	for (size_t i = 0; n < COUNT(v) && map_next(&p->works, &i, &key, &val);) {
		struct work *k = *(struct work **)val;

		if (is_below(k, channel, floor))
			v[n++] = k;
	}
	for (unsigned i = 0; i < n; i++) {
		struct ledger_event end = *le;

		end.to = DEAL_RESULTS_ACCEPTED;
		end.amount = cost_of(v[i]);
		if (v[i]->w.state == WORK_ACCEPTED) {
			provider_paid(p, v[i], &end, fx);
			continue;
		}
		step_kill(v[i], fx);
		provider_finish(p, v[i], WORK_LOST, "a voucher closed its number");
	}
	return n == COUNT(v);
}

void voucher_on_redeemed(struct provider *p, const struct ledger_event *le, struct effects *fx)
{
	if (le->action != ACTION_REDEEM || hash_is_zero(&le->channel.id))
		return;
	while (pay_some(p, &le->channel.id, le->channel.floor, le, fx))
		;
}
