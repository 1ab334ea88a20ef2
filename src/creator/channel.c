/* channel.c - jobs whose deals draw on a channel (protocol 8.3): our own counter of its numbers, what is open in
 * it, and what we sign for a result instead of an action on the ledger. Several processes share the store, so
 * all that decides is in it, and read within the transaction that writes. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "creator/creator_own.h"
#include "model/channel_rules.h"
#include "model/deal_rules.h"

enum {
	WAIT_MS = 500,     /* until the sums are looked at again */
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

/* Our own counter; 9.5: an old store that was restored goes on above what the solver knows. */
static void next_number(struct creator *c, struct job *j)
{
	struct creator_channel row = {.id = j->j.channel};

	if (!creator_get(c, creator_channel_record(), &row))
		return; /* it was looked at just now */
	row.drawn = MAX2(row.drawn + 1, j->least_number);
	creator_put(c, creator_channel_record(), &row);
	j->j.number = row.drawn;
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
	next_number(c, j);
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
	if (row.state != NUMBER_SIGNED)
		return;
	row.state = NUMBER_GIVEN;
	row.cost = cost;
	creator_put(c, creator_number_record(), &row);
}

struct owing {
	struct amount sum;
	uint64_t number;  /* the highest */
	struct hash deal; /* with it */
};

static bool add_given(void *ctx, const void *row)
{
	const struct creator_number *n = row;
	struct owing *o = ctx;
	bool ok;

	if (n->state != NUMBER_GIVEN)
		return true;
	ok = amount_add(o->sum, n->cost, &o->sum);
	assert(ok);
	if (n->number > o->number) {
		o->number = n->number;
		o->deal = n->deal;
	}
	return true;
}

/* Cumulative (8.3): what vouchers have paid, and COST of all that is accepted since and not on the ledger. */
static bool voucher_now(struct creator *c, const struct creator_channel *row, struct voucher *v,
        struct sig *sig, struct hash *deal, struct err *e)
{
	const struct record *r = creator_number_record();
	struct creator_number like = {.channel = row->id};
	struct store *s = &c->world->store;
	struct owing o = {.sum = row->paid};

	TRY(s->each(s->self, r, record_field(r, STR("channel")), &like, add_given, &o, e), e);
	*v = (struct voucher){row->id, o.sum, MAX2(o.number, row->floor), row->claims};
	*deal = o.deal;
	return world_sign(c->world, &c->c.domain, voucher_record(), v, sig, e);
}

static void send_voucher(struct creator *c, struct tag tag, const struct hash *deal,
        const struct voucher *v, const struct sig *sig, struct effects *fx)
{
	fx_call(fx, tag, &c->book, "POST", fx_path(fx, "/v1/deals/", deal, "/acceptance"),
	        json_pack("{s:o, s:o}", "voucher", record_to_json(voucher_record(), v), "signature",
	                json_of_sig(sig)));
}

/* What the provider settles with: signed once, an acceptance stays what it is; a voucher is that of now. */
static bool sign_given(struct creator *c, struct job *j, const struct creator_deal *d,
        struct creator_result *r, struct effects *fx, struct err *e)
{
	struct tag tag = {.what = TAG_ACCEPT, .key = j->j.id};
	struct creator_channel row = {.id = j->j.channel};
	struct channel_acceptance doc;
	struct hash hash, newest;
	struct voucher v;

	if (!creator_get(c, creator_channel_record(), &row))
		return FAIL(e, STORE, "the channel is not stored");
	if (row.channel.kind == CHANNEL_VOUCHERS) {
		TRY(voucher_now(c, &row, &v, &r->accept_sig, &newest, e), e);
		send_voucher(c, tag, &d->id, &v, &r->accept_sig, fx);
		return true;
	}
	eip712_hash(result_record(), &r->result, &hash);
	if (!r->accept_sig.n)
		TRY(channel_acceptance(c, d, &hash, j->j.cost, &r->accept_sig, e), e);
	channel_acceptance_of(&d->deal.hot, &d->id, &hash, j->j.cost, &doc);
	fx_call(fx, tag, &c->book, "POST", fx_path(fx, "/v1/deals/", &d->id, "/acceptance"),
	        json_pack("{s:o, s:o}", "acceptance",
	                record_to_json(channel_acceptance_record(), &doc), "signature",
	                json_of_sig(&r->accept_sig)));
	return true;
}

void channel_accept(struct creator *c, struct job *j, struct effects *fx)
{
	struct creator_deal d = {.id = j->j.deal};
	struct creator_result r;
	struct err e;

	if (!creator_result_of(c, j, &r) || !creator_get(c, creator_deal_record(), &d))
		return;
	/* What comes after its last claim instant has no cover any more: nothing is given for it. */
	if (!r.accept_sig.n && c->ledger_time.s >= channel_claim_until(&d.deal.hot).s)
		return;
	j->j.cost = deal_cost(&d.deal.hot, r.result.count, r.result.bytes);
	keep_given(c, j, j->j.cost);
	if (!sign_given(c, j, &d, &r, fx, &e)) {
		log_line(&c->world->log, LOG_ODD, "cannot sign the acceptance: %s", e.msg);
		return;
	}
	creator_put(c, creator_result_record(), &r);
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

struct closing {
	uint64_t floor;
	struct creator_number v[32];
	unsigned n;
};

static bool add_closed(void *ctx, const void *row)
{
	const struct creator_number *n = row;
	struct closing *x = ctx;

	if (n->number <= x->floor && n->state != NUMBER_ON_LEDGER)
		x->v[x->n++] = *n;
	return x->n < COUNT(x->v);
}

/* A voucher was redeemed: it pays for all that it counts, and closes every number up to its own. */
static void close_numbers(struct creator *c, const struct hash *channel, uint64_t floor)
{
	const struct record *r = creator_number_record();
	struct creator_number like = {.channel = *channel};
	struct store *s = &c->world->store;
	struct closing x;
	struct err e;

	do {
		x.floor = floor;
		x.n = 0;
		if (!s->each(
		            s->self, r, record_field(r, STR("channel")), &like, add_closed, &x, &e))
			log_line(&c->world->log, LOG_BROKEN, "store: %s", e.msg);
		for (unsigned i = 0; i < x.n; i++)
			del_number(c, &x.v[i]);
	} while (x.n == COUNT(x.v));
}

/* Claims make vouchers of before worthless: what is given and not on the ledger gets one that counts them. */
static void renew_voucher(struct creator *c, const struct creator_channel *row, struct effects *fx)
{
	struct voucher v;
	struct hash deal;
	struct sig sig;
	struct err e;

	if (!voucher_now(c, row, &v, &sig, &deal, &e))
		log_line(&c->world->log, LOG_ODD, "cannot sign a voucher: %s", e.msg);
	else if (!hash_is_zero(&deal))
		send_voucher(c, (struct tag){.what = TAG_VOUCHER}, &deal, &v, &sig, fx);
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

void channel_on_event(struct creator *c, const struct ledger_event *le, struct effects *fx)
{
	struct creator_channel row = {.id = le->channel.id};
	struct creator_deal d = {.id = le->deal};
	bool claimed;

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
	if (le->channel.floor > row.floor)
		close_numbers(c, &row.id, le->channel.floor);
	claimed = le->channel.claims > row.claims;
	take_change(&row, &le->channel);
	row.seq = le->seq;
	creator_put(c, creator_channel_record(), &row);
	if (claimed)
		renew_voucher(c, &row, fx);
}

/* The row of a job that is over, or NULL. */
static bool is_over(struct creator *c, const struct creator_deal *d, struct creator_job *row)
{
	*row = (struct creator_job){.id = d->job};
	return creator_get(c, creator_job_record(), row) && sm_is_final(&job_states, row->state) &&
	       hash_eq(&row->deal, &d->id);
}

/* Accepted, it is accepted there as well; else it is judged by what is there. */
struct job *channel_revive(struct creator *c, const struct creator_deal *d,
        const struct ledger_event *le, const struct event *ev, struct effects *fx)
{
	struct creator_result r = {.id = d->id};
	struct creator_job row;
	struct job *j;
	bool given;

	if (le->to != DEAL_RESULTS_SUBMITTED || le->action != ACTION_CLAIM ||
	        !is_over(c, d, &row) || le->seq <= row.ledger_seq)
		return NULL;
	j = job_new(c, &row.id);
	if (!j)
		return NULL;
	given = creator_get(c, creator_result_record(), &r) && r.accept_sig.n;
	j->j = row;
	j->j.state = given ? JOB_JUDGED : JOB_SUBMITTED;
	j->j.ended_ms = 0;
	j->j.error = 0;
	j->j.why[0] = '\0';
	memcpy(j->j.owner, c->c.owner, sizeof j->j.owner);
	job_index(c, j);
	job_count_events(c, j);
	job_note(c, j, ev, fx, "CLAIMED",
	        "the provider claims the deal: it is judged on the ledger");
	creator_keep(c, j);
	return j;
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

/* Nothing more can come of it: nobody has delivered, or it was found good or wrong too late. */
static bool is_past(struct creator *c, struct job *j, uint64_t until)
{
	struct creator_number row;

	if (c->ledger_time.s < until + c->c.confirm_s + OVER_SPARE_S)
		return false;
	return j->j.state != JOB_JUDGED || (get_number(c, j, &row) && row.state != NUMBER_GIVEN);
}

bool channel_on_time(struct creator *c, struct job *j, struct effects *fx)
{
	uint64_t now = c->ledger_time.s, open_by;
	struct creator_deal d = {.id = j->j.deal};
	bool waits = j->j.state == JOB_MATCHED || j->j.state == JOB_AGREED;

	if (j->j.ledger || hash_is_zero(&d.id) || now < j->asked_s + AGAIN_S ||
	        (!waits && j->j.state != JOB_JUDGED && j->j.state != JOB_DISPUTED) ||
	        !creator_get(c, creator_deal_record(), &d))
		return false;
	if (is_past(c, j, channel_claim_until(&d.deal.hot).s))
		return true;
	open_by = d.deal.hot.open_by.s;
	if (waits && now >= open_by)
		return false;
	if (waits && !j->declined && now + c->c.confirm_s + OPEN_SPARE_S < open_by)
		return false;
	j->asked_s = now;
	if (waits)
		open_deal(c, j, &d, fx);
	else if (j->j.state == JOB_JUDGED)
		channel_accept(c, j, fx);
	else
		channel_check(c, j, fx);
	return false;
}

/* It has signed that it will not deliver: on the ledger that costs it the late fine (5.5). */
void channel_on_declined(
        struct creator *c, struct job *j, const struct event *ev, struct effects *fx)
{
	if (j->declined || j->j.ledger || j->j.state > JOB_AGREED)
		return;
	j->declined = true;
	job_note(c, j, ev, fx, "DECLINED", "the provider declined after it had signed");
	(void)!channel_on_time(c, j, fx); /* it is not past yet */
}
