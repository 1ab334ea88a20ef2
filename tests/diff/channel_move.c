/* channel_move.c - moves of channels as actions (protocol 8.3). */
#include "base/draw_suite.h"
#include "codec/eip712.h"
#include "ledger/ledger_own.h"
#include "model/deal_rules.h"
#include "port/packed.h"

#include "move_own.h"
#include "sign.h"

static const struct ledger_channel *channel_of(const struct sides *w, const struct move *m)
{
	return ledger_channel(w->p.l, &w->channels[m->channel]);
}

/* ---- 5.16 --------------------------------------------------------------------------------------- */

/* Of `by`: whoever is in neither place names one of its own, which is not there. */
static struct hash own_channel(const struct sides *w, const struct move *m)
{
	struct pair p = channel_pairs[m->channel];

	if (m->by != p.jc && m->by != p.rp)
		p.jc = (enum who)m->by;
	return sides_channel_id(w, &p);
}

void do_top_up(struct sides *w, const struct move *m)
{
	w->p.a = (struct action){
	        .body.top_up = {.channel = own_channel(w, m), .amount = amount_for(w, m)}};
	send_row(w, (enum who)m->by, SEND_TOP_UP, top_up_record(), &w->p.a.body);
}

void do_leave_channel(struct sides *w, const struct move *m)
{
	w->p.a = (struct action){.body.leave = {.channel = own_channel(w, m)}};
	send_row(w, (enum who)m->by, SEND_LEAVE_CHANNEL, leave_record(), &w->p.a.body);
}

/* The JC's sum is the move's amount, RP's a hundred times its variant; it can be opened for 10 s. */
void do_open_channel(struct sides *w, const struct move *m)
{
	struct pair at = channel_pairs[m->channel];
	struct play *p = &w->p;
	struct channel *c = &p->a.channel;

	if (m->twist == ONE_PARTY)
		at.rp = at.jc;
	p->a = (struct action){.kind = ACTION_OPEN_CHANNEL,
	        .channel = {.id = {.job_creator = p->who[at.jc],
	                            .provider = p->who[at.rp],
	                            .serial = at.serial,
	                            .kind = m->twist == OTHER_KIND ? 3 : at.kind},
	                .job_sum = amount_for(w, m),
	                .provider_sum = amount_of(m->variant * 100u),
	                .open_by = {p->now.s + 10}}};
	if (m->twist == STALE_NOW)
		c->open_by = p->now;
	play_sign(p, at.jc, channel_record(), c, &p->a.jc_sig);
	play_sign(p, at.rp, channel_record(), c, &p->a.rp_sig);
}

void do_close_channel(struct sides *w, const struct move *m)
{
	w->p.a = (struct action){
	        .kind = ACTION_CLOSE_CHANNEL, .leave = {.channel = w->channels[m->channel]}};
}

/* Good before n seconds from now. */
void do_close_now(struct sides *w, const struct move *m)
{
	const struct pair *at = &channel_pairs[m->channel];
	struct play *p = &w->p;

	do_close_channel(w, m);
	p->a.leave.expiry.s = p->now.s + m->n;
	play_sign(p, at->jc, channel_leave_record(), &p->a.leave, &p->a.jc_sig);
	play_sign(p, at->rp, channel_leave_record(), &p->a.leave, &p->a.rp_sig);
}

/* ---- acceptances -------------------------------------------------------------------------------- */

struct channel_acceptance acceptance_in(
        const struct sides *w, const struct move *m, const struct hash *result)
{
	const struct hot *h = &w->deals[m->deal].hot;
	const struct result *r = &w->p.a.result;

	return (struct channel_acceptance){.deal = w->ids[m->deal],
	        .result = *result,
	        .channel = h->channel,
	        .number = h->nonce,
	        .cost = deal_cost(h, r->count, r->bytes),
	        .royalty = h->royalty,
	        .author = h->author,
	        .solver_share = h->solver_share,
	        .solver = h->solver};
}

/* What is wrong with an acceptance, or just at the edge. */
enum flaw { SOUND, OF_NOTHING, OF_ALL, OF_MORE, NUMBER_ZERO, ALL_SHARED, OVER_SHARED, FLAWS };

/* What is left in the JC's sum; 0: there is no such channel. */
static struct amount left_in(const struct sides *w, const struct hash *channel)
{
	const struct ledger_channel *c = ledger_channel(w->p.l, channel);

	return c ? c->job : amount_of(0);
}

static void flawed(const struct sides *w, uint64_t flaw, struct channel_acceptance *a)
{
	switch ((enum flaw)(flaw % FLAWS)) {
	case OF_NOTHING: a->cost = amount_of(0); break;
	case OF_ALL: a->cost = left_in(w, &a->channel); break;
	case OF_MORE: a->cost = amount_plus(left_in(w, &a->channel), amount_of(1)); break;
	case NUMBER_ZERO: a->number = 0; break;
	case ALL_SHARED:
		a->royalty = 1;
		a->solver_share = 999;
		break;
	case OVER_SHARED:
		a->royalty = 999;
		a->solver_share = 2;
		break;
	case SOUND:
	case FLAWS: break;
	}
}

/* Of the channel of its JC with the one who sends it, under the serial of the move's. */
static struct hash settled_in(const struct sides *w, const struct move *m)
{
	struct pair p = channel_pairs[m->channel];

	p.jc = jc_of(w, m);
	p.rp = (enum who)m->by;
	p.kind = CHANNEL_ACCEPTANCES;
	return sides_channel_id(w, &p);
}

/* n: the flaw. */
void do_settle(struct sides *w, const struct move *m)
{
	struct settle_item *x = &w->items[0];
	struct play *p = &w->p;
	struct hash h;

	p->a = (struct action){.kind = ACTION_SETTLE, .items = w->items, .items_n = 1};
	h = put_result(w, m);
	*x = (struct settle_item){.job_creator = p->who[jc_of(w, m)],
	        .serial = channel_pairs[m->channel].serial,
	        .doc = acceptance_in(w, m, &h)};
	x->doc.channel = settled_in(w, m);
	flawed(w, m->n, &x->doc);
	h = play_id(channel_acceptance_record(), &x->doc);
	send_of(w, (enum who)m->by, SEND_SETTLE, &h);
	play_sign(p, jc_of(w, m), channel_acceptance_record(), &x->doc, &x->sig);
}

static uint64_t below(uint64_t *seed, uint64_t n)
{
	return draw(seed) % n;
}

static struct addr somebody(uint64_t *seed, const struct sides *w)
{
	uint64_t n = below(seed, PARTIES + 1u);

	return n < PARTIES ? w->p.who[n] : (struct addr){{0}};
}

/* Mostly of the channel of the one before, so that there are groups; some of one that is not there. */
static struct pair item_channel(uint64_t *seed, const struct move *m, const struct pair *before)
{
	struct pair at = *before;

	if (below(seed, 5) == 0)
		at = channel_pairs[below(seed, 2) * 2];
	if (below(seed, 40) == 0)
		at.serial = 77;
	at.rp = (enum who)m->by;
	at.kind = CHANNEL_ACCEPTANCES;
	return at;
}

static void draw_item(
        uint64_t *seed, const struct sides *w, const struct pair *at, struct settle_item *x)
{
	bool shared = below(seed, 2);
	struct hash h;

	*x = (struct settle_item){.job_creator = w->p.who[at->jc],
	        .serial = at->serial,
	        .doc = {.channel = sides_channel_id(w, at),
	                .number = 1 + below(seed, below(seed, 4) ? 20 : CHAIN_NUMBERS - 1),
	                .cost = amount_of(below(seed, 80)),
	                .royalty = (uint16_t)(shared ? below(seed, 501) : 0),
	                .author = somebody(seed, w),
	                .solver_share = (uint16_t)(shared ? below(seed, 500) : 0),
	                .solver = somebody(seed, w)}};
	draw_bytes(seed, x->doc.deal.b, sizeof x->doc.deal.b);
	draw_bytes(seed, x->doc.result.b, sizeof x->doc.result.b);
	if (below(seed, 6) == 0)
		flawed(w, draw(seed), &x->doc);
	h = play_id(channel_acceptance_record(), &x->doc);
	plain_sign(w, at->jc, &h, &x->sig);
	/* Signed by another, changed afterwards, or not at all. */
	switch (below(seed, 30)) {
	case 0: plain_sign(w, MALLORY, &h, &x->sig); break;
	case 1: x->doc.royalty ^= 1; break;
	case 2: memset(x->sig.b, 0, sizeof x->sig.b); break;
	case 3: x->sig.b[32] ^= 0x80; break;
	default: break;
	}
}

/* As many as the variant says, whatever n makes of them. */
void do_settle_list(struct sides *w, const struct move *m)
{
	uint32_t n = MIN2(m->variant, (uint32_t)ITEMS_MAX);
	struct pair at = channel_pairs[m->channel];
	uint64_t seed = m->n;
	struct hash h = {{0}};

	for (uint32_t i = 0; i < n; i++) {
		at = item_channel(&seed, m, &at);
		draw_item(&seed, w, &at, &w->items[i]);
	}
	w->p.a = (struct action){.kind = ACTION_SETTLE, .items = w->items, .items_n = n};
	if (n == 1)
		h = play_id(channel_acceptance_record(), &w->items[0].doc);
	else if (n <= ACTION_SETTLE_MAX)
		packed_list_hash(w->items, n, &h);
	send_of(w, (enum who)m->by, SEND_SETTLE, &h);
}

/* ---- vouchers ----------------------------------------------------------------------------------- */

/* Beyond what there is: n more than was paid, `variant` numbers more, `plus` claims more; or, older, just those. */
void do_redeem(struct sides *w, const struct move *m)
{
	const struct ledger_channel *c = channel_of(w, m);
	struct pair at = channel_pairs[m->channel];
	bool anew = c && m->twist != OLDER;
	struct play *p = &w->p;
	struct hash h;

	at.rp = (enum who)m->by;
	at.kind = CHANNEL_VOUCHERS;
	p->a = (struct action){.kind = ACTION_REDEEM,
	        .voucher = {.channel = sides_channel_id(w, &at),
	                .sum = amount_for(w, m),
	                .number = (anew ? c->floor : 0) + m->variant,
	                .claims = (c ? c->claims : 0) + (uint64_t)(int64_t)m->late}};
	if (anew && m->of == OF_NUMBER)
		p->a.voucher.sum = amount_plus(c->paid, p->a.voucher.sum);
	h = play_id(voucher_record(), &p->a.voucher);
	send_of(w, (enum who)m->by, SEND_REDEEM, &h);
	play_sign_hash(p, at.jc, &h, &p->a.doc_sig);
}

/* ---- deals that come onto the ledger ------------------------------------------------------------ */

void do_claim(struct sides *w, const struct move *m)
{
	struct play *p = &w->p;
	struct hash h;

	p->a = (struct action){.kind = ACTION_CLAIM, .deal = w->deals[m->deal]};
	h = put_result(w, m);
	send_of(w, (enum who)m->by, SEND_CLAIM, &h);
	play_sign(p, jc_of(w, m), deal_record(), &p->a.deal, &p->a.jc_sig);
}

void do_claim_check(struct sides *w, const struct move *m)
{
	struct play *p = &w->p;
	struct hash h;

	p->a = (struct action){.kind = ACTION_CLAIM_CHECK, .deal = w->deals[m->deal]};
	h = put_result(w, m);
	put_check(w, m, &h);
	play_sign_hash(p, rp_of(w, m), &h, &p->a.result_sig);
}
