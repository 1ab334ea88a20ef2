/* draws.c - deals that draw on a channel (protocol 8.3): which of them we sign, and what the job creator signs for
 * a result. */
#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "model/channel_rules.h"
#include "model/deal_rules.h"
#include "provider/provider_own.h"

enum {
	WAIT_MS = 500,
	WAIT_SPARE_S = 60 /* before openBy nothing is waited for any more: the JC may open then */
};

/* ---- what we sign -------------------------------------------------------------------------------- */

/* Our signature is out, and the ledger has neither the deal nor its settlement. */
static bool is_out(const struct work *k)
{
	return work_off_ledger(k) && k->w.rp_sig.n && k->w.state != WORK_FETCHING;
}

/* What is open on our side: until it is settled or its last claim instant has passed. */
static void load_of(struct provider *p, const struct hash *channel, struct channel_load *l)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&p->works, &i, &key, &val);) {
		const struct work *k = *(struct work **)val;
		const struct hot *h = &k->deal.deal.hot;

		if (!is_out(k) || !hash_eq(&h->channel, channel))
			continue;
		if (p->ledger_time.s < channel_claim_until(h).s)
			channel_load_open(l, channel_draws(h), h->result_bond);
		else if (k->w.state == WORK_ACCEPTED)
			channel_load_owed(l, deal_cost(h, k->w.count, k->w.bytes));
	}
}

unsigned draws_open(struct provider *p, const struct hash *channel)
{
	const void *key;
	unsigned n = 0;
	void *val;

	for (size_t i = 0; map_next(&p->works, &i, &key, &val);) {
		const struct work *k = *(struct work **)val;

		n += work_draws(k) && k->w.rp_sig.n && hash_eq(&k->deal.deal.hot.channel, channel);
	}
	return n;
}

/* A number that we have signed for another deal is not signed again. */
static bool number_is_new(struct provider *p, const struct work *k, struct err *e)
{
	const struct hot *h = &k->deal.deal.hot;
	struct provider_number row = {.channel = h->channel, .number = h->nonce};
	struct store *s = &p->world->store;

	if (h->nonce == 0)
		return FAIL(e, NONCE, "the numbers of a channel begin at 1");
	if (s->get(s->self, provider_number_record(), &row, e))
		return hash_eq(&row.deal, &k->w.id) ||
		       FAIL(e, NONCE, "number %llu of the channel was signed for another deal",
		               (unsigned long long)h->nonce);
	return e->code == E_NOT_FOUND;
}

static bool of_channel(
        const struct provider_channel *row, const struct hot *h, struct btime now, struct err *e)
{
	const struct channel_id *id = &row->channel.id;

	if (!channel_is_open(row))
		return FAIL(e, STATE, "the channel is not open on the ledger");
	if (!addr_eq(&id->job_creator, &h->job_creator))
		return FAIL(e, PARTY, "the channel is that of another job creator");
	if (now.s < row->leave_until.s)
		return FAIL(e, STATE, "we have agreed to end the channel");
	if (id->kind == CHANNEL_VOUCHERS && (h->royalty || h->solver_share))
		return FAIL(e, SHARES, "in a channel of vouchers there are no shares");
	if (id->kind == CHANNEL_VOUCHERS && h->nonce <= row->floor)
		return FAIL(
		        e, NONCE, "a voucher has closed number %llu", (unsigned long long)h->nonce);
	return true;
}

bool draws_may_sign(struct provider *p, const struct work *k, struct err *e)
{
	const struct hot *h = &k->deal.deal.hot;
	struct channel_load load = {0};
	struct provider_channel row;
	struct channel_sums sums;

	if (!channel_row(p, &h->channel, &row, e)) {
		if (e->code != E_NOT_FOUND)
			return false;
		return FAIL(e, NOT_FOUND, "the channel is none that we have signed");
	}
	TRY(of_channel(&row, h, p->ledger_time, e), e);
	TRY(number_is_new(p, k, e), e);
	load_of(p, &h->channel, &load);
	sums = (struct channel_sums){row.job, row.provider, row.close_at, false};
	return channel_may_sign(&sums, &load, h, &p->c.genesis, p->ledger_time, e);
}

void draws_signed(struct provider *p, const struct work *k)
{
	const struct hot *h = &k->deal.deal.hot;
	const struct provider_number row = {
	        .channel = h->channel, .number = h->nonce, .deal = k->w.id};

	provider_put(p, provider_number_record(), &row);
}

bool draws_wait(struct provider *p, struct work *k, const struct err *why, struct effects *fx)
{
	const struct hot *h = &k->deal.deal.hot;

	if ((why->code != E_FUNDS && why->code != E_BUSY) ||
	        p->ledger_time.s + WAIT_SPARE_S >= h->open_by.s)
		return true;
	p->room_wanted = p->room_wanted || why->code == E_FUNDS;
	settle_on_time(p, fx);
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_RETRY, .key = k->w.id})->delay =
	        span_ms(WAIT_MS);
	return false;
}

/* While the sums do not cover another deal like this one the job creator offers none: what it has accepted is settled
 * at once. */
void draws_room(struct provider *p, const struct work *k)
{
	const struct hot *h = &k->deal.deal.hot;
	struct channel_load load = {0};
	struct provider_channel row;
	struct channel_sums sums;
	struct err e;

	if (!channel_row(p, &h->channel, &row, &e))
		return;
	load_of(p, &h->channel, &load);
	channel_load_open(&load, channel_draws(h), h->result_bond);
	sums = (struct channel_sums){.job = row.job, .provider = row.provider};
	p->room_wanted = p->room_wanted || !channel_covers(&sums, &load, &e);
}

/* ---- what the job creator signs ------------------------------------------------------------------- */

/* It must be what follows from deal and result: anything else could not be settled. */
static bool check_acceptance(
        struct provider *p, const struct work *k, const json_t *j, struct sig *sig, struct err *e)
{
	const struct hot *h = &k->deal.deal.hot;
	struct channel_acceptance doc, due;
	struct hash is, must, hash;
	struct result result;
	struct sig jc;

	TRY(json_get_record(j, "acceptance", channel_acceptance_record(), &doc, e), e);
	TRY(json_get_sig(j, "signature", &jc, e), e);
	work_result(k, &result);
	eip712_hash(result_record(), &result, &hash);
	channel_acceptance_of(h, &k->w.id, &hash, deal_cost(h, result.count, result.bytes), &due);
	eip712_hash(channel_acceptance_record(), &doc, &is);
	eip712_hash(channel_acceptance_record(), &due, &must);
	if (!hash_eq(&is, &must))
		return FAIL(e, RESULT, "it does not say what follows from deal and result");
	TRY(signed_check(&p->c.domain, channel_acceptance_record(), &doc, &jc, &h->job_creator, e),
	        e);
	*sig = jc;
	return true;
}

/* Of what is accepted already only a newer voucher counts. */
static bool take_accepted(struct provider *p, struct work *k, const json_t *j, struct err *e)
{
	struct provider_channel row;

	TRY(channel_row(p, &k->deal.deal.hot.channel, &row, e), e);
	if (row.channel.id.kind == CHANNEL_VOUCHERS)
		return voucher_take(p, k, j, e);
	return k->w.state == WORK_ACCEPTED || check_acceptance(p, k, j, &k->w.accept_sig, e);
}

void draws_on_accepted(struct provider *p, const json_t *j, struct effects *fx)
{
	struct hash id;
	struct work *k;
	struct err e;

	if (!json_get_hash(j, "id", &id, &e))
		return;
	k = provider_work_get(p, &id);
	if (!k || !work_off_ledger(k) || (k->w.state != WORK_STORED && k->w.state != WORK_ACCEPTED))
		return;
	if (!take_accepted(p, k, j, &e)) {
		log_line(&p->world->log, LOG_ODD, "an acceptance that is none: %s", e.msg);
		return;
	}
	if (k->w.state == WORK_STORED) {
		k->w.accepted = p->ledger_time;
		provider_move(p, k, WORK_ACCEPTED);
	}
	draws_room(p, k);
	settle_on_time(p, fx);
}

void draws_look(struct provider *p, struct work *k, struct effects *fx)
{
	k->asked_jc_s = p->ledger_time.s;
	fx_call(fx, (struct tag){.what = TAG_LOOK, .key = k->w.id}, &p->c.solver, "GET",
	        fx_path(fx, "/v1/deals/", &k->w.id, ""), NULL);
}

void draws_on_look(struct provider *p, const struct event *ev, struct effects *fx)
{
	json_t *body OWN(json_own) = NULL;
	const json_t *accepted;
	struct err e;

	if (!ev->reply->ok || ev->reply->status >= 400 ||
	        !json_parse(bytes_str(ev->reply->body), &body, &e))
		return; /* asked again, and claimed in the end */
	accepted = json_object_get(body, "accepted");
	if (accepted)
		draws_on_accepted(p, accepted, fx);
}
