/* ledger_channel_property_test.c - random sequences in a channel of JC and RP, by everybody: right, hostile,
 * repeated, out of order, signed by the wrong party, around every deadline. After every action the ledger
 * asserts 5.15 (a) to (c) on its counters; here they are checked from scratch as well, with (d): no deal and
 * no sum is stuck, and (e): what an honest party, who keeps to the policy of 8.3, is left with at worst.
 *
 * A sequence is a function of its number: LEDGER_SEQUENCES says how many are played, LEDGER_FIRST where to
 * begin, as in ledger_property_test.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/draw_suite.h"
#include "ledger/ledger_channel_play.h"
#include "model/channel_rules.h"

#define SEQUENCES 10000 /* in `make unit` */
#define STEPS     40
#define DEALS     4
#define KEPT      16
#define SIGNED    256 /* documents that the honest party has signed */

/* The right result is 40 instructions and 40 bytes. */
enum { RIGHT = 40 };

struct game {
	struct play p;
	uint64_t seed, number;
	enum who honest; /* JC, RP, or PARTIES: nobody */
	bool acting;     /* the honest party signs what it is about to send */
	unsigned kind;   /* enum channel_kind */
	struct hash channel;
	struct deal deals[DEALS];
	struct hash ids[DEALS];
	bool signed_[DEALS]; /* the honest party has signed the deal */
	bool given[DEALS];   /* the honest JC owes COST: an acceptance, or a voucher */
	bool leaving;        /* it signs nothing new */
	bool lazy;           /* the honest RP claims at the last instant */
	struct hash digests[SIGNED];
	unsigned digests_n;
	struct voucher vouchers[DEALS]; /* that the honest JC has signed, for RP to keep */
	unsigned vouchers_n;
	struct settle_item items[3];
	struct action kept[KEPT];
	struct settle_item kept_items[KEPT][3];
	unsigned kept_n;
	struct ledger_event events[LEDGER_EVENTS_MAX];
	uint64_t by_kind[32];
	uint64_t accepted, refused, settled;
};

static uint64_t below(struct game *g, uint64_t n)
{
	return draw(&g->seed) % n;
}

static bool chance(struct game *g, unsigned percent)
{
	return below(g, 100) < percent;
}

static bool has_signed(const struct game *g, const struct hash *digest)
{
	for (unsigned i = 0; i < g->digests_n; i++) {
		if (hash_eq(&g->digests[i], digest))
			return true;
	}
	return false;
}

/* What the honest ones have signed anybody may show; everything else in their name is a stranger's. */
static void game_sign(struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	struct game *g = (struct game *)p;
	bool fair = g->honest != PARTIES && (by == g->honest || by == MEDIATOR);

	if (fair && g->acting && g->digests_n < SIGNED)
		g->digests[g->digests_n++] = *digest;
	if ((fair && !has_signed(g, digest)) || (g->honest == PARTIES && chance(g, 4)))
		by = MALLORY;
	play_fake_sign(p, by, digest, out);
}

static struct amount plus(struct amount a, struct amount b)
{
	struct amount out;

	assert_true(amount_add(a, b, &out));
	return out;
}

static uint64_t units(struct amount a)
{
	char text[AMOUNT_DEC_MAX];
	uint64_t v;

	amount_format(a, text);
	assert_true(str_u64(str_of(text), INT64_MAX, &v));
	return v;
}

static void fails(const struct game *g, const char *what)
{
	fail_msg("sequence %llu: %s", (unsigned long long)g->number, what);
}

/* ---- deals -------------------------------------------------------------------------------------- */

static void draw_terms(struct game *g, struct hot *h)
{
	h->pay = amount_of(below(g, 1001));
	h->late_judge = amount_of(below(g, 31));
	h->late_submit = amount_of(below(g, 31));
	h->damages = amount_of(below(g, 201));
	h->fee = amount_of(below(g, 15));
	h->job_bond = amount_of(300 + below(g, 200));
	h->result_bond = amount_of(300 + below(g, 200));
	h->base = amount_of(below(g, 401));
	h->per_instruction = amount_of(below(g, 5));
	h->per_byte = amount_of(below(g, 3));
	if (g->kind == CHANNEL_ACCEPTANCES) {
		h->royalty = (uint16_t)below(g, 500);
		h->solver_share = (uint16_t)below(g, 501);
	}
	h->agree_timeout.s = 60 + below(g, 100);
	h->submit_timeout.s = 60 + below(g, 100);
	h->judge_timeout.s = 60 + below(g, 100);
	h->mediate_timeout.s = 60 + below(g, 100);
	h->open_by.s = g->p.now.s + 200 + below(g, 600);
}

static void draw_deal(struct game *g, unsigned i)
{
	struct deal *d = &g->deals[i];

	*d = play_channel_deal(&g->p, &g->channel, i + 1);
	draw_terms(g, &d->hot);
	if (chance(g, 20)) {
		d->hot.seats = 0;
		d->hot.mediation = MEDIATION_NONE;
		d->cold.determinism = DETERMINISM_NONE;
		memset(&d->cold.mediators, 0, sizeof d->cold.mediators);
	}
	/* Two of one number, one of another channel. */
	if (g->honest == PARTIES && chance(g, 15))
		d->hot.nonce = 1 + below(g, DEALS);
	if (g->honest == PARTIES && chance(g, 5))
		d->hot.channel.b[0] ^= 1;
	g->ids[i] = play_id(deal_record(), d);
}

static struct amount right_cost(const struct game *g, unsigned i)
{
	return deal_cost(&g->deals[i].hot, RIGHT, RIGHT);
}

static const struct ledger_channel *channel(const struct game *g)
{
	return ledger_channel(g->p.l, &g->channel);
}

static const struct agreement *on_ledger(const struct game *g, unsigned i)
{
	return ledger_agreement(g->p.l, &g->ids[i]);
}

static bool used(const struct game *g, unsigned i)
{
	return ledger_number_used(g->p.l, &g->channel, g->deals[i].hot.nonce);
}

static uint64_t claim_until(const struct game *g, unsigned i)
{
	return channel_claim_until(&g->deals[i].hot).s;
}

/* ---- acting ------------------------------------------------------------------------------------- */

static void sound(struct game *g)
{
	struct err e;

	if (!ledger_check(g->p.l, &e))
		fails(g, e.msg);
}

static void keep(struct game *g)
{
	unsigned k = g->kept_n++ % KEPT;

	g->kept[k] = g->p.a;
	memcpy(g->kept_items[k], g->items, sizeof g->items);
}

/* What returns to the sums when a deal on the ledger ends is what deal_back() says: so the parties, whom no event
 * tells of it, can add it up. */
static void came_back(const struct game *g, const struct ledger_channel *before)
{
	const struct ledger_event *ev = &g->events[0];
	struct amount jc, rp;

	for (unsigned i = 0; i < DEALS; i++) {
		if (!ev->from || !sm_is_final(&deal_states, ev->to) ||
		        !hash_eq(&ev->deal, &g->ids[i]) || before->closed)
			continue;
		deal_back(&g->deals[i].hot, ev->to, ev->amount, &jc, &rp);
		if (!amount_eq(channel(g)->job, plus(before->job, jc)) ||
		        !amount_eq(channel(g)->provider, plus(before->provider, rp)))
			fails(g, "another amount came back to a sum than deal_back() says");
	}
}

/* p.a goes to the ledger; a refusal or a repetition leaves all as it was. */
static bool act(struct game *g)
{
	struct ledger_totals before, after;
	uint64_t seq = ledger_seq(g->p.l);
	struct ledger_channel was = {.closed = true};
	bool ok;

	if (channel(g))
		was = *channel(g);

	ledger_totals(g->p.l, &before);
	ok = play_do(&g->p);
	ledger_totals(g->p.l, &after);
	if (ok && g->p.n) {
		g->accepted++;
		came_back(g, &was);
		g->by_kind[g->p.a.kind]++;
		g->settled += g->p.a.items_n > 1 && g->p.n > 1;
		keep(g);
		if (ledger_seq(g->p.l) != seq + g->p.n)
			fails(g, "the sequence of events has a gap");
		for (int i = 0; g->p.a.send_sig.n && i < PARTIES; i++)
			g->p.sends[i] += addr_eq(&g->p.who[i], &g->p.a.send.account);
	} else {
		g->refused += !ok;
		if (memcmp(&before, &after, sizeof before) != 0 || ledger_seq(g->p.l) != seq)
			fails(g, "a refused or repeated action had an effect");
	}
	if (chance(g, 10))
		sound(g);
	return ok;
}

static enum who some(struct game *g, enum who usual)
{
	return chance(g, 80) ? usual : (enum who)below(g, PARTIES);
}

static uint64_t some_count(struct game *g)
{
	return chance(g, 70) ? RIGHT : below(g, 3) * 40;
}

static void random_settle(struct game *g, uint32_t n)
{
	struct play *p = &g->p;

	for (uint32_t k = 0; k < n; k++) {
		unsigned i = (unsigned)below(g, DEALS);

		g->items[k] = play_item(p, &g->deals[i], chance(g, 90), some_count(g), RIGHT);
		if (chance(g, 10)) {
			g->items[k].doc.cost = amount_of(below(g, 3000));
			play_sign_item(p, JC, &g->items[k]);
		}
	}
	play_settle(p, some(g, RP), g->items, n);
}

static void random_channel_action(struct game *g)
{
	struct play *p = &g->p;

	if (g->vouchers_n && chance(g, 50)) {
		/* Whenever RP likes, who is not bound. */
		const struct voucher *v = &g->vouchers[below(g, g->vouchers_n)];

		play_redeem(p, RP, &g->channel, units(v->sum), v->number, v->claims);
		return;
	}
	switch (below(g, 7)) {
	case 0: play_top_up(p, some(g, chance(g, 50) ? JC : RP), &g->channel, below(g, 900)); break;
	case 1:
		if (chance(g, 20))
			play_leave(p, some(g, chance(g, 50) ? JC : RP), &g->channel);
		else
			play_close(p, &g->channel);
		break;
	case 2: play_close_now(p, &g->channel, p->now.s + below(g, 3)); break;
	case 3: play_open_channel(p, g->kind, below(g, 3), below(g, 900), below(g, 900)); break;
	default:
		play_redeem(p, some(g, RP), &g->channel, below(g, 4000), below(g, DEALS + 1),
		        chance(g, 80) ? channel(g)->claims : below(g, 3));
	}
}

static void random_deal_action(struct game *g, unsigned i)
{
	const struct deal *d = &g->deals[i];
	const struct hash *id = &g->ids[i];
	struct hash h = play_result_hash(id, RIGHT, RIGHT);
	struct play *p = &g->p;

	switch (below(g, 9)) {
	case 0: play_result(p, id, some_count(g), RIGHT); break;
	case 1: play_accept_in(p, d, some_count(g), RIGHT, chance(g, 50)); break;
	case 2: play_check(p, id, &h); break;
	case 3: play_verdict(p, d, 1 + (unsigned)below(g, 7)); break;
	case 4: play_pass(p, d); break;
	case 5: play_decline(p, id); break;
	case 6: play_cancel(p, id, p->now.s + below(g, 3)); break;
	case 7: play_accept(p, id, RIGHT, RIGHT, false); break;
	default: play_timeout(p, id); break;
	}
}

static void replay(struct game *g)
{
	unsigned k = (unsigned)below(g, MIN2(MAX2(g->kept_n, 1u), (unsigned)KEPT));

	g->p.a = g->kept[k];
	if (g->p.a.items_n)
		g->p.a.items = g->kept_items[k];
}

static void random_action(struct game *g)
{
	unsigned i = (unsigned)below(g, DEALS);
	const struct deal *d = &g->deals[i];
	struct play *p = &g->p;

	switch (below(g, 12)) {
	case 0: random_settle(g, 1); break;
	case 1: random_settle(g, 2 + (uint32_t)below(g, 2)); break;
	case 2: play_claim(p, some(g, RP), d, some_count(g), RIGHT); break;
	case 3: play_claim_check(p, d, some_count(g), RIGHT); break;
	case 4: play_open_in(p, some(g, JC), d); break;
	case 5: play_cancel_in(p, d, p->now.s + below(g, 3)); break;
	case 6:
	case 7: random_channel_action(g); break;
	case 8: replay(g); break;
	default: random_deal_action(g, i); break;
	}
}

/* ---- the honest ones: what they sign ------------------------------------------------------------ */

/* 8.3: a deal is open from a side's own signature until it is settled or its last claim instant has passed. */
static bool is_open(const struct game *g, unsigned i)
{
	return g->signed_[i] && !used(g, i) && g->p.now.s < claim_until(g, i);
}

/* The sums, less what the ledger will still pay from them for an acceptance or voucher that RP keeps, cover
 * every open deal and this one, and it ends within LIFE (2.4). */
static bool may_sign(const struct game *g, unsigned i)
{
	const struct ledger_channel *c = channel(g);
	struct channel_sums sums = {c->job, c->provider, c->close_at, c->closed};
	struct channel_load load = {0};
	struct err e;

	if (g->leaving || g->signed_[i] || used(g, i))
		return false;
	for (unsigned k = 0; k < DEALS; k++) {
		const struct hot *h = &g->deals[k].hot;

		if (is_open(g, k))
			channel_load_open(&load, channel_draws(h), h->result_bond);
		else if (g->given[k] && !used(g, k))
			channel_load_owed(&load, right_cost(g, k));
	}
	return channel_may_sign(&sums, &load, &g->deals[i].hot, &g->p.genesis, g->p.now, &e);
}

static void sign_doc(struct game *g, const struct record *r, const void *row)
{
	struct sig unused;

	g->acting = true;
	play_sign(&g->p, g->honest, r, row, &unused);
	g->acting = false;
}

static bool own(struct game *g)
{
	bool ok = act(g);

	g->acting = false;
	return ok;
}

static void must(struct game *g)
{
	if (!own(g))
		fails(g, g->p.e.msg);
}

/* ---- the honest JC ------------------------------------------------------------------------------ */

/* It owes COST for what was delivered well: an acceptance, or a voucher over all that is not on the ledger. */
static void jc_pays(struct game *g, unsigned i)
{
	struct amount sum = amount_of(0);
	struct voucher *v;
	uint64_t n = 0;

	g->given[i] = true;
	if (g->kind == CHANNEL_ACCEPTANCES) {
		g->acting = true;
		g->items[0] = play_item(&g->p, &g->deals[i], 1, RIGHT, RIGHT);
		g->acting = false;
		return;
	}
	for (unsigned k = 0; k < DEALS; k++) {
		if (!g->given[k] || on_ledger(g, k))
			continue;
		sum = plus(sum, right_cost(g, k));
		n = MAX2(n, g->deals[k].hot.nonce);
	}
	v = &g->vouchers[g->vouchers_n++];
	*v = (struct voucher){g->channel, sum, MAX2(n, channel(g)->floor), channel(g)->claims};
	sign_doc(g, voucher_record(), v);
}

/* What RP delivers for a deal that is not on the ledger: right, or wrong. */
static void jc_delivered(struct game *g, unsigned i)
{
	/* What comes after its last claim instant has no cover any more. */
	if (!is_open(g, i) || g->given[i])
		return;
	if (chance(g, 60)) {
		jc_pays(g, i);
		return;
	}
	if (!g->deals[i].hot.seats || channel(g)->closed)
		return;
	g->acting = true;
	play_claim_check(&g->p, &g->deals[i], 80, RIGHT);
	must(g);
}

static void jc_on_ledger(struct game *g, unsigned i, const struct agreement *d)
{
	struct play *p = &g->p;
	const struct hash *id = &g->ids[i];
	struct hash right = play_result_hash(id, RIGHT, RIGHT), is = d->result;

	g->acting = true;
	if (p->now.s >= d->deadline.s) {
		play_timeout(p, id);
	} else if (d->state == DEAL_RESULTS_SUBMITTED && hash_eq(&is, &right)) {
		play_accept_in(p, &g->deals[i], RIGHT, RIGHT, false);
	} else if (d->state == DEAL_RESULTS_SUBMITTED && d->hot->seats) {
		play_check(p, id, &is);
	} else if (d->state == DEAL_RESULTS_SUBMITTED) {
		/* m = 0: the buyer was told; what is charged is within the limits of the deal. */
		play_accept_in(p, &g->deals[i], d->count, d->bytes, false);
	} else {
		g->acting = false;
		return;
	}
	must(g);
}

static void jc_turn(struct game *g)
{
	unsigned i = (unsigned)below(g, DEALS);

	if (may_sign(g, i)) {
		sign_doc(g, deal_record(), &g->deals[i]);
		g->signed_[i] = true;
	} else if (chance(g, 50)) {
		jc_delivered(g, i);
	} else if (chance(g, 10) && is_open(g, i) && !g->given[i] &&
	           g->p.now.s < g->deals[i].hot.open_by.s && !channel(g)->closed) {
		g->acting = true;
		play_open_in(&g->p, JC, &g->deals[i]);
		must(g);
	}
}

/* ---- the honest RP ------------------------------------------------------------------------------ */

/* The JC, who is not bound, signs what RP asks for, or something else. RP looks before it sends. */
static void rp_paid(struct game *g, unsigned i)
{
	struct play *p = &g->p;
	struct amount sum = channel(g)->paid;

	g->acting = true;
	if (g->kind == CHANNEL_ACCEPTANCES && chance(g, 50)) {
		g->items[0] = play_item(p, &g->deals[i], 1, RIGHT, RIGHT);
		play_settle(p, RP, g->items, 1);
	} else if (g->kind == CHANNEL_ACCEPTANCES) {
		/* A list, with an item that is bad. */
		g->items[0] = play_item(p, &g->deals[i], 1, RIGHT, RIGHT);
		g->items[1] = g->items[0];
		play_settle(p, RP, g->items, 2);
	} else {
		for (unsigned k = 0; k < DEALS; k++) {
			if (g->signed_[k] && g->deals[k].hot.nonce <= g->deals[i].hot.nonce &&
			        !used(g, k))
				sum = plus(sum, right_cost(g, k));
		}
		play_redeem(
		        p, RP, &g->channel, units(sum), g->deals[i].hot.nonce, channel(g)->claims);
	}
	must(g);
}

/* It works at once, and is paid, or claims while it is time. */
static void rp_turn(struct game *g)
{
	unsigned i = (unsigned)below(g, DEALS);

	if (may_sign(g, i)) {
		sign_doc(g, deal_record(), &g->deals[i]);
		g->signed_[i] = true;
	} else if (is_open(g, i) && chance(g, 40)) {
		rp_paid(g, i);
	}
	for (i = 0; i < DEALS; i++) {
		if (!is_open(g, i) || (g->p.now.s + 1 < claim_until(g, i) && g->lazy) ||
		        (!g->lazy && !chance(g, 20) && g->p.now.s + 1 < claim_until(g, i)))
			continue;
		g->acting = true;
		play_claim(&g->p, RP, &g->deals[i], RIGHT, RIGHT);
		must(g);
	}
}

static void rp_on_ledger(struct game *g, unsigned i, const struct agreement *d)
{
	struct play *p = &g->p;

	g->acting = true;
	if (p->now.s >= d->deadline.s) {
		play_timeout(p, &g->ids[i]);
	} else if (d->state == DEAL_AGREED) {
		play_result(p, &g->ids[i], RIGHT, RIGHT);
	} else {
		g->acting = false;
		return;
	}
	must(g);
}

static void mediator_turn(struct game *g, unsigned i)
{
	const struct agreement *d = on_ledger(g, i);
	struct hash right = play_result_hash(&g->ids[i], RIGHT, RIGHT);

	if (!d || d->state != DEAL_RESULTS_CHECKED || g->p.now.s >= d->deadline.s ||
	        g->number / 3 % 5 == 0)
		return;
	g->acting = true;
	if (g->number / 3 % 4 == 0)
		play_pass(&g->p, &g->deals[i]);
	else
		play_verdict(&g->p, &g->deals[i],
		        hash_eq(&d->result, &right) ? RULING_RESULT_CORRECT : RULING_RESULT_WRONG);
	must(g);
}

static void honest_turn(struct game *g)
{
	if (g->honest == PARTIES)
		return;
	if (g->honest == JC)
		jc_turn(g);
	else
		rp_turn(g);
	for (unsigned i = 0; i < DEALS; i++) {
		const struct agreement *d = on_ledger(g, i);

		if (d && d->hot && g->honest == JC)
			jc_on_ledger(g, i, d);
		else if (d && d->hot)
			rp_on_ledger(g, i, d);
		mediator_turn(g, i);
	}
}

/* ---- time --------------------------------------------------------------------------------------- */

/* The first instant at which an honest party would be late. */
static uint64_t must_act_by(const struct game *g)
{
	uint64_t by = UINT64_MAX;

	for (unsigned i = 0; i < DEALS && g->honest != PARTIES; i++) {
		const struct agreement *d = on_ledger(g, i);

		if (d && d->deadline.s > g->p.now.s)
			by = MIN2(by, d->deadline.s);
		if (g->honest == RP && is_open(g, i))
			by = MIN2(by, claim_until(g, i));
	}
	return by;
}

static void time_goes_on(struct game *g)
{
	const struct agreement *d = on_ledger(g, (unsigned)below(g, DEALS));
	const struct ledger_channel *c = channel(g);
	uint64_t to = g->p.now.s + below(g, 40), by = must_act_by(g);

	if (d && d->deadline.s && chance(g, 40))
		to = d->deadline.s - 1 + below(g, 3);
	else if (c->close_at.s && chance(g, 20))
		to = c->close_at.s - 1 + below(g, 2);
	else if (chance(g, 10))
		to = claim_until(g, (unsigned)below(g, DEALS)) - 1 + below(g, 2);
	if (by != UINT64_MAX && to >= by && g->p.now.s < by)
		to = by - 1;
	if (to > g->p.now.s)
		g->p.now.s = to;
}

/* ---- 5.15 (d) and (e) --------------------------------------------------------------------------- */

/* Whatever state a deal is in, its deadline and anyone lead out of it; a sum that a party leaves comes back. */
static void all_end(struct game *g)
{
	enum who by = g->honest == PARTIES ? JC : g->honest;

	for (unsigned i = 0; i < DEALS; i++) {
		for (int k = 0; k < 4 && on_ledger(g, i) && on_ledger(g, i)->hot; k++) {
			g->p.now.s = MAX2(g->p.now.s, on_ledger(g, i)->deadline.s);
			play_timeout(&g->p, &g->ids[i]);
			must(g);
		}
	}
	for (int tries = 0; !channel(g)->closed && !channel(g)->close_at.s; tries++) {
		g->acting = true;
		play_leave(&g->p, by, &g->channel);
		own(g);
		if (tries > 30)
			fails(g, g->p.e.msg);
	}
	g->p.now.s = MAX2(g->p.now.s, channel(g)->close_at.s);
	play_close(&g->p, &g->channel);
	if (!channel(g)->closed)
		must(g);
}

static int64_t wealth(const struct game *g, enum who who)
{
	struct ledger_account a;

	ledger_account(g->p.l, &g->p.who[who], g->p.now, &a);
	return (int64_t)(units(a.free) + units(a.locked) + units(a.withdrawing) +
	                 units(a.channels) + units(a.stake));
}

static int64_t jc_least(const struct game *g, unsigned i)
{
	const struct agreement *d = on_ledger(g, i);
	const struct hot *h = &g->deals[i].hot;
	struct hash right = play_result_hash(&g->ids[i], RIGHT, RIGHT);
	int64_t cost = (int64_t)units(d ? d->cost : right_cost(g, i));

	if (!d)
		return g->given[i] ? -cost : 0;
	if (d->state == DEAL_RESULTS_ACCEPTED && h->seats && !hash_eq(&d->result, &right))
		fails(g, "a result was accepted that the JC did not accept");
	if (d->state == DEAL_TIMEOUT_JUDGE || d->state == DEAL_MEDIATION_ACCEPTED)
		fails(g, "an honest JC was late, or a wrong result was found right");
	switch (d->state) {
	case DEAL_RESULTS_ACCEPTED: return -cost;
	case DEAL_TIMEOUT_MEDIATE: return -(cost + 1) / 2 - ((int64_t)units(h->fee) + 1) / 2;
	case DEAL_MEDIATION_REJECTED: return (int64_t)units(h->damages);
	default: return 0;
	}
}

static int64_t after_shares(const struct game *g, unsigned i)
{
	const struct hot *h = &g->deals[i].hot;
	struct amount cost = right_cost(g, i);

	return (int64_t)(units(cost) - units(amount_per_mille(cost, h->royalty)) -
	                 units(amount_per_mille(cost, h->solver_share)));
}

static int64_t rp_least(const struct game *g, unsigned i)
{
	const struct agreement *d = on_ledger(g, i);
	const struct hot *h = &g->deals[i].hot;
	int64_t paid = after_shares(g, i), cost = (int64_t)units(right_cost(g, i));

	if (!d) {
		if (g->signed_[i] && !used(g, i))
			fails(g, "an honest RP was not paid");
		return g->signed_[i] ? paid : 0;
	}
	switch (d->state) {
	case DEAL_RESULTS_ACCEPTED:
	case DEAL_TIMEOUT_JUDGE: return paid;
	case DEAL_MEDIATION_ACCEPTED: return paid + (int64_t)units(h->damages);
	case DEAL_TIMEOUT_MEDIATE: return cost / 2 - (int64_t)units(h->fee) / 2;
	case DEAL_CANCELLED: return 0;
	default: fails(g, "an honest RP was late, or found wrong"); return 0;
	}
}

static void guarantees(const struct game *g, int64_t gain)
{
	int64_t least = 0;

	for (unsigned i = 0; i < DEALS; i++)
		least += g->honest == JC ? jc_least(g, i) : rp_least(g, i);
	if (gain < least)
		fail_msg("sequence %llu: %s is left with %lld, at worst it must be %lld",
		        (unsigned long long)g->number, g->honest == JC ? "the JC" : "RP",
		        (long long)gain, (long long)least);
}

/* ---- sequences ---------------------------------------------------------------------------------- */

static void start(struct game *g, uint64_t number)
{
	memset(g, 0, sizeof *g);
	play_init(&g->p);
	g->p.more = g->events;
	g->p.sign = game_sign;
	g->number = number;
	g->seed = number * 0x100000001b3u + 7;
	g->honest = (enum who[]){PARTIES, JC, RP}[number % 3];
	g->kind = chance(g, 50) ? CHANNEL_ACCEPTANCES : CHANNEL_VOUCHERS;
	g->lazy = chance(g, 50);
	g->channel = play_channel(&g->p, g->kind, 1);
	do {
		g->acting = true;
		play_open_channel(&g->p, g->kind, 1, 500 + below(g, 5000), 300 + below(g, 2000));
	} while (!own(g));
	for (unsigned i = 0; i < DEALS; i++)
		draw_deal(g, i);
}

static void play_sequence(struct game *g, uint64_t number)
{
	int64_t before;

	start(g, number);
	before = g->honest == PARTIES ? 0 : wealth(g, g->honest);
	for (int i = 0; i < STEPS; i++) {
		random_action(g);
		act(g);
		honest_turn(g);
		if (chance(g, 40)) {
			time_goes_on(g);
			honest_turn(g);
		}
	}
	/* It signs nothing new, and sees what it has signed to its end. */
	g->leaving = true;
	while (g->honest != PARTIES && must_act_by(g) != UINT64_MAX) {
		g->p.now.s = must_act_by(g) - 1;
		honest_turn(g);
		if (must_act_by(g) == g->p.now.s + 1)
			g->p.now.s++;
		honest_turn(g);
	}
	all_end(g);
	sound(g);
	if (g->honest != PARTIES)
		guarantees(g, wealth(g, g->honest) - before);
}

static uint64_t from_env(const char *name, uint64_t def)
{
	const char *text = getenv(name);
	uint64_t v;

	return text && str_u64(str_of(text), UINT64_MAX, &v) ? v : def;
}

static void test_sequences(void **state)
{
	uint64_t n = from_env("LEDGER_SEQUENCES", SEQUENCES), first = from_env("LEDGER_FIRST", 0);
	uint64_t accepted = 0, refused = 0, settled = 0, finals[32] = {0}, kinds[32] = {0};
	struct game *g = calloc(1, sizeof *g);

	(void)state;
	assert_non_null(g);
	for (uint64_t i = first; i < first + n; i++) {
		play_sequence(g, i);
		for (unsigned k = 0; k < DEALS; k++)
			finals[on_ledger(g, k) ? on_ledger(g, k)->state : 0]++;
		for (size_t k = 0; k < COUNT(kinds); k++)
			kinds[k] += g->by_kind[k];
		accepted += g->accepted;
		refused += g->refused;
		settled += g->settled;
		play_done(&g->p);
	}
	print_message("%llu sequences: %llu actions accepted, %llu refused\n",
	        (unsigned long long)n, (unsigned long long)accepted, (unsigned long long)refused);
	/* A test that never gets anywhere shows nothing: every final state but that of escrow was reached, and
	 * every kind of action but `open` accepted. */
	for (size_t i = 0; i < deal_states.n; i++) {
		const struct sm_state *s = &deal_states.states[i];

		print_message("  %-22s %llu\n", s->name, (unsigned long long)finals[s->value]);
		if (n >= SEQUENCES && s->flags & SM_FINAL && s->value != DEAL_TIMEOUT_AGREE &&
		        finals[s->value] == 0)
			fail_msg("no deal ended in %s", s->name);
	}
	for (unsigned k = ACTION_SEND; k <= ACTION_CLOSE_CHANNEL; k++) {
		print_message("  %-22s %llu\n", enum_name(&action_kind_names, k),
		        (unsigned long long)kinds[k]);
		if (n >= SEQUENCES && k != ACTION_OPEN && kinds[k] == 0)
			fail_msg("no %s was accepted", enum_name(&action_kind_names, k));
	}
	if (n >= SEQUENCES && settled == 0)
		fail_msg("no list settled anything");
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sequences)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
