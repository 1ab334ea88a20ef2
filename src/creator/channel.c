/* channel.c - jobs whose deals draw on a channel (protocol 8.3): our own counter of its numbers, what is open in
 * it, and what we sign for a result instead of an action on the ledger. Several processes share the store, so
 * all that decides is in it, and read within the transaction that writes. */
#include <stdio.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "creator/creator_own.h"
#include "model/channel_rules.h"
#include "model/deal_rules.h"

enum {
	WAIT_MS = 500,               /* until the sums are looked at again */
	NUMBERS_BEHIND_MAX = 100000, /* that an old store catches up with in one transaction */
	OPEN_SPARE_S = 20, /* before openBy: what nobody delivered is opened on the ledger */
	OVER_SPARE_S = 5,  /* after the last claim instant */
	AGAIN_S = 30,
	SEND_LIFE_S = 600
};

/* ---- what is open ---------------------------------------------------------------------------------- */

static bool get_number(struct creator *c, const struct job *j, struct creator_number *out)
{
	*out = (struct creator_number){.channel = j->j.channel, .number = j->j.number};
	return j->j.number && creator_get(c, creator_number_record(), out);
}

static void del_number(struct creator *c, const struct creator_number *row)
{
	struct store *s = &c->world->store;
	struct err e;

	if (!s->del(s->self, creator_number_record(), row, &e) && e.code != E_NOT_FOUND)
		log_line(&c->world->log, LOG_BROKEN, "store: %s", e.msg);
}

struct adding {
	const struct creator *c;
	uint64_t but; /* this number is not counted */
	struct channel_load load;
};

/* A deal is open from our signature on until its number is used or its last claim instant has passed; what was
 * accepted is owed beyond that. */
static bool add_number(void *ctx, const void *row)
{
	const struct creator_number *n = row;
	struct adding *a = ctx;
	bool past = n->until.s && a->c->ledger_time.s >= n->until.s;

	if (n->number == a->but || n->state == NUMBER_ON_LEDGER)
		return true;
	if (!past)
		channel_load_open(&a->load, n->draws, n->bond);
	else if (n->state == NUMBER_GIVEN)
		channel_load_owed(&a->load, n->cost);
	return true;
}

/* The channel, and what is spoken for in it beside the number `but`. */
static bool look(struct creator *c, const struct hash *id, uint64_t but, struct channel_sums *sums,
        struct channel_load *load, struct err *e)
{
	const struct record *r = creator_number_record();
	struct creator_number like = {.channel = *id};
	struct creator_channel row = {.id = *id};
	struct adding a = {.c = c, .but = but};
	struct store *s = &c->world->store;

	if (!creator_get(c, creator_channel_record(), &row))
		return FAIL(e, STORE, "the channel is not stored");
	TRY(s->each(s->self, r, record_field(r, STR("channel")), &like, add_number, &a, e), e);
	*sums = (struct channel_sums){row.job, row.provider, row.close_at, row.closed};
	*load = a.load;
	return true;
}

/* ---- a number -------------------------------------------------------------------------------------- */

bool channel_begin(struct creator *c, struct job *j, const struct creator_request *r, struct err *e)
{
	struct creator_channel row = {.id = r->channel.id};

	if (r->offer.settlement != SETTLEMENT_CHANNEL)
		return true;
	if (!addr_eq(&r->channel.channel.job_creator, &c->world->signer.addr))
		return FAIL(e, PARTY, "the channel is not ours");
	j->j.channel = r->channel.id;
	j->least_number = r->least_number;
	if (!creator_get(c, creator_channel_record(), &row))
		creator_put(c, creator_channel_record(), &r->channel);
	return true;
}

static bool next_number(struct creator *c, struct job *j, struct err *e)
{
	struct store *s = &c->world->store;
	char name[16 + HASH_TEXT_MAX], hex[HASH_TEXT_MAX];
	uint64_t n;

	hash_format(&j->j.channel, hex);
	snprintf(name, sizeof name, "channel-%s", hex);
	for (unsigned i = 0; i < NUMBERS_BEHIND_MAX; i++) {
		TRY(s->next(s->self, name, &n, e), e);
		if (n < j->least_number)
			continue;
		j->j.number = n;
		return true;
	}
	FAIL(e, STORE, "this store counts %llu deals in the channel, the solver knows of %llu",
	        (unsigned long long)n, (unsigned long long)j->least_number);
	return err_hint(e, "it is an old one: restore a newer backup");
}

/* The sums, less what is open, cover the job: its number is drawn, and the room for it kept. */
static bool draw(struct creator *c, struct job *j, const struct job_offer *o, struct err *e)
{
	struct creator_number row = {.channel = j->j.channel,
	        .state = NUMBER_DRAWN,
	        .job = j->j.id,
	        .bond = o->terms.result_bond};
	struct store *s = &c->world->store;
	struct channel_sums sums;
	struct channel_load load;
	uint64_t ignored;

	/* The first write shuts other processes out: what is read after it stands. */
	TRY(s->next(s->self, "channels-looked-at", &ignored, e), e);
	TRY(look(c, &j->j.channel, 0, &sums, &load, e), e);
	if (sums.closed || sums.close_at.s)
		return FAIL(e, STATE, "the channel is %s", sums.closed ? "closed" : "being left");
	if (!amount_add(o->terms.pay, o->terms.job_bond, &row.draws))
		return FAIL(e, RANGE, "PAY + JB overflows");
	channel_load_open(&load, row.draws, row.bond);
	TRY(channel_covers(&sums, &load, e), e);
	TRY(next_number(c, j, e), e);
	row.number = j->j.number;
	creator_put(c, creator_number_record(), &row);
	creator_keep(c, j);
	return true;
}

bool channel_number(struct creator *c, struct job *j, const struct job_offer *o,
        const struct event *ev, struct effects *fx)
{
	bool late = j->j.match_by_ms && (int64_t)j->j.match_by_ms <= ev->wall.ms;
	struct err e;

	if (j->j.number)
		return true;
	/* Sums that are old cover what is spoken for. */
	if (c->ledger_clock) {
		if (draw(c, j, o, &e))
			return true;
		if (e.code != E_FUNDS || late) {
			job_end(c, j, JOB_FAILED, &e, ev, fx, "it does not fit into its channel");
			return false;
		}
		if (j->tries++ == 0)
			job_note(c, j, ev, fx, "WAITS", "%s", e.msg);
	}
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_RETRY, .key = j->j.id})->delay =
	        span_ms(WAIT_MS);
	return false;
}

void channel_let_go(struct creator *c, const struct job *j)
{
	struct creator_number row;

	if (get_number(c, j, &row) && row.state == NUMBER_DRAWN && hash_eq(&row.job, &j->j.id))
		del_number(c, &row);
}

/* ---- the deal -------------------------------------------------------------------------------------- */

bool channel_may(
        struct creator *c, const struct job *j, const struct creator_deal *d, struct err *e)
{
	const struct hot *h = &d->deal.hot;
	struct channel_sums sums;
	struct channel_load load;
	struct creator_number row;
	uint64_t ignored;

	if (!hash_eq(&h->channel, &j->j.channel) || h->nonce != j->j.number)
		return FAIL(e, TERMS, "the deal has number %llu of a channel, ours is %llu",
		        (unsigned long long)h->nonce, (unsigned long long)j->j.number);
	TRY(c->world->store.next(c->world->store.self, "channels-looked-at", &ignored, e), e);
	if (!get_number(c, j, &row) || row.state != NUMBER_DRAWN)
		return FAIL(e, NONCE, "number %llu of the channel bears a deal already",
		        (unsigned long long)j->j.number);
	TRY(look(c, &j->j.channel, j->j.number, &sums, &load, e), e);
	return channel_may_sign(&sums, &load, h, &c->c.genesis, c->ledger_time, e);
}

void channel_signed(struct creator *c, const struct job *j, const struct creator_deal *d)
{
	const struct hot *h = &d->deal.hot;
	const struct creator_number row = {.channel = j->j.channel,
	        .number = j->j.number,
	        .state = NUMBER_SIGNED,
	        .job = j->j.id,
	        .deal = d->id,
	        .draws = channel_draws(h),
	        .bond = h->result_bond,
	        .until = channel_claim_until(h)};

	creator_put(c, creator_number_record(), &row);
}

void channel_agreed(struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	if (j->j.state == JOB_MATCHED && !j->j.ledger)
		job_move(c, j, JOB_AGREED, ev, fx,
		        "the provider has signed; it draws on the channel and runs the job");
}

/* ---- the result ------------------------------------------------------------------------------------ */

bool channel_acceptance(struct creator *c, const struct creator_deal *d, const struct hash *result,
        struct amount cost, struct sig *out, struct err *e)
{
	struct channel_acceptance doc;

	channel_acceptance_of(&d->deal.hot, &d->id, result, cost, &doc);
	return world_sign(c->world, &c->c.domain, channel_acceptance_record(), &doc, out, e);
}

/* That we owe COST is kept before the signature leaves us. */
static void keep_given(struct creator *c, const struct job *j, struct amount cost)
{
	struct creator_number row;

	if (!get_number(c, j, &row))
		return;
	row.state = NUMBER_GIVEN;
	row.cost = cost;
	creator_put(c, creator_number_record(), &row);
}

void channel_accept(struct creator *c, struct job *j, struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};
	struct channel_acceptance doc;
	struct creator_result r;
	struct amount cost;
	struct hash hash;
	struct err e;

	if (!creator_result_of(c, j, &r) || !creator_get(c, creator_deal_record(), &d))
		return;
	eip712_hash(result_record(), &r.result, &hash);
	cost = deal_cost(&d.deal.hot, r.result.count, r.result.bytes);
	if (!r.accept_sig.n) {
		if (!channel_acceptance(c, &d, &hash, cost, &r.accept_sig, &e)) {
			log_line(&c->world->log, LOG_ODD, "cannot sign the acceptance: %s", e.msg);
			return;
		}
		creator_put(c, creator_result_record(), &r);
		keep_given(c, j, cost);
	}
	j->j.cost = cost;
	channel_acceptance_of(&d.deal.hot, &d.id, &hash, cost, &doc);
	fx_call(fx, (struct tag){.what = TAG_ACCEPT, .key = j->j.id}, &c->book, "POST",
	        fx_path(fx, "/v1/deals/", &j->j.deal, "/acceptance"),
	        json_pack("{s:o, s:o}", "acceptance",
	                record_to_json(channel_acceptance_record(), &doc), "signature",
	                json_of_sig(&r.accept_sig)));
}

static void end_paid(struct creator *c, struct job *j, const char *how, const struct event *ev,
        struct effects *fx)
{
	char cost[CREATOR_AMOUNT_MAX];

	creator_amount(c, j->j.cost, cost);
	job_end(c, j, JOB_DONE, NULL, ev, fx, fx_text(fx, "%s: %s from the channel", how, cost));
}

/* What we signed is on its way to the provider, and that it is due is kept: whether or not it is settled, by an
 * acceptance or a claim, another process can end it. */
void channel_on_accepted(
        struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	if (j->j.state == JOB_JUDGED && !j->j.ledger)
		end_paid(c, j, "accepted", ev, fx);
}

void channel_paid(struct creator *c, struct job *j, const struct ledger_event *le,
        const struct event *ev, struct effects *fx)
{
	if (j->j.state != JOB_JUDGED)
		return;
	j->j.ledger_seq = le->seq;
	j->j.cost = le->amount;
	j->j.end_action = le->action_id;
	end_paid(c, j, "settled", ev, fx);
}

void channel_check(struct creator *c, struct job *j, struct effects *fx)
{
	struct action *a = fx_action(fx, ACTION_CLAIM_CHECK);
	struct creator_deal d = {.id = j->j.deal};
	struct creator_result r;
	struct err e;

	if (!creator_result_of(c, j, &r) || !creator_get(c, creator_deal_record(), &d))
		return;
	a->deal = d.deal;
	a->result = r.result;
	eip712_hash(output_record(), &r.result.output, &a->output_hash);
	a->result_sig = r.sig;
	a->check = (struct check){.deal = j->j.deal, .claim = j->j.claim, .salt = j->j.salt};
	eip712_hash(result_record(), &r.result, &a->check.result);
	if (!world_sign(c->world, &c->c.domain, check_record(), &a->check, &a->doc_sig, &e)) {
		log_line(&c->world->log, LOG_ODD, "cannot sign the check: %s", e.msg);
		return;
	}
	j->action = fx_submit(fx, a, &j->j.deal);
}

/* ---- the ledger ------------------------------------------------------------------------------------ */

/* A number is used: its deal is settled, or on the ledger, where what it draws is out of the sums. */
static void number_used(struct creator *c, const struct ledger_event *le)
{
	struct creator_number row = {.channel = le->channel.id, .number = le->channel.number};

	if (!row.number || !creator_get(c, creator_number_record(), &row))
		return;
	if (!le->to) {
		del_number(c, &row);
		return;
	}
	if (row.state == NUMBER_ON_LEDGER)
		return;
	row.state = NUMBER_ON_LEDGER;
	creator_put(c, creator_number_record(), &row);
}

static void take_change(struct creator_channel *row, const struct channel_change *now)
{
	row->job = now->job;
	row->provider = now->provider;
	row->paid = now->paid;
	row->floor = now->floor;
	row->claims = now->claims;
	row->close_at = now->close_at;
	row->closed = now->closed;
}

/* A deal that was on the ledger has ended there: what comes back to the sums no event tells. */
static void come_back(struct creator *c, const struct ledger_event *le, const struct hot *h)
{
	struct creator_number number = {.channel = h->channel, .number = h->nonce};
	struct creator_channel row = {.id = h->channel};
	struct amount jc, rp;

	if (!creator_get(c, creator_channel_record(), &row) || le->seq <= row.seq)
		return;
	del_number(c, &number);
	deal_back(h, le->to, le->amount, &jc, &rp);
	if (!row.closed && (!amount_add(row.job, jc, &row.job) ||
	                           !amount_add(row.provider, rp, &row.provider)))
		log_line(&c->world->log, LOG_BROKEN, "the sums of a channel overflow");
	row.seq = le->seq;
	creator_put(c, creator_channel_record(), &row);
}

void channel_on_event(struct creator *c, const struct ledger_event *le)
{
	struct creator_channel row = {.id = le->channel.id};
	struct creator_deal d = {.id = le->deal};

	for (uint32_t i = 0; i < le->changes_n && i < LEDGER_CHANGES_MAX; i++) {
		if (addr_eq(&le->changes[i].account, &c->world->signer.addr))
			c->send_nonce = MAX2(c->send_nonce, le->changes[i].send_nonce);
	}
	if (sm_is_final(&deal_states, le->to) && hash_is_zero(&row.id)) {
		if (creator_get(c, creator_deal_record(), &d) && !hash_is_zero(&d.deal.hot.channel))
			come_back(c, le, &d.deal.hot);
		return;
	}
	if (hash_is_zero(&row.id) || !creator_get(c, creator_channel_record(), &row) ||
	        le->seq <= row.seq)
		return;
	number_used(c, le);
	take_change(&row, &le->channel);
	row.seq = le->seq;
	creator_put(c, creator_channel_record(), &row);
}

/* 5.1 by the JC: from then on a provider that delivers nothing pays the late fine. */
static void open_deal(
        struct creator *c, struct job *j, const struct creator_deal *d, struct effects *fx)
{
	struct action *a = fx_action(fx, ACTION_SEND);
	struct err e;

	a->send = (struct send){.account = c->world->signer.addr,
	        .kind = SEND_AGREE,
	        .body = d->id,
	        .nonce = c->send_nonce,
	        .expiry.s = c->ledger_time.s + SEND_LIFE_S};
	a->deal = d->deal;
	a->rp_sig = j->later.rp_sig.n ? j->later.rp_sig : d->rp_sig;
	if (!a->rp_sig.n)
		return;
	if (!world_sign(c->world, &c->c.domain, send_record(), &a->send, &a->send_sig, &e)) {
		log_line(&c->world->log, LOG_ODD, "cannot sign to open a deal: %s", e.msg);
		return;
	}
	j->action = fx_submit(fx, a, &d->id);
}

bool channel_on_time(struct creator *c, struct job *j, struct effects *fx)
{
	uint64_t now = c->ledger_time.s, until, open_by;
	struct creator_deal d = {.id = j->j.deal};
	bool waits = j->j.state == JOB_MATCHED || j->j.state == JOB_AGREED;

	if (j->j.ledger || hash_is_zero(&d.id) || now < j->asked_s + AGAIN_S ||
	        (!waits && j->j.state != JOB_JUDGED && j->j.state != JOB_DISPUTED) ||
	        !creator_get(c, creator_deal_record(), &d))
		return false;
	until = channel_claim_until(&d.deal.hot).s;
	open_by = d.deal.hot.open_by.s;
	if (waits && now >= until + c->c.confirm_s + OVER_SPARE_S)
		return true;
	if (waits && now < open_by && now + c->c.confirm_s + OPEN_SPARE_S >= open_by) {
		j->asked_s = now;
		open_deal(c, j, &d, fx);
	} else if (j->j.state == JOB_JUDGED) {
		j->asked_s = now;
		channel_accept(c, j, fx);
	} else if (j->j.state == JOB_DISPUTED) {
		j->asked_s = now;
		channel_check(c, j, fx);
	}
	return false;
}
