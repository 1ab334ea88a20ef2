/* ledger_channel_attack_test.c - attacks on channels, each as it would be played: those of protocol 8.3 and
 * 8.4, and P1 to P5, P16, P18, P21, P22, P28 to P31 of the second round of attacks on the protocol. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/ledger_channel_expect.h"

/* ---- double settlement by every pair of paths --------------------------------------------------- */

/* A path by which the deal of number 1 is paid, or ended, whole: up to where its bit is set, and then on. */
enum path { SETTLE, LIST, CLAIM, CLAIM_CHECK, OPEN_IN, CANCEL, REDEEM, PATHS };

static struct settle_item pair_items[2];

static void prepare(struct play *p, enum path by, const struct deal *d)
{
	const struct ledger_channel *c = ledger_channel(p->l, &d->hot.channel);

	switch (by) {
	case SETTLE:
		pair_items[0] = play_item(p, d, 1, COUNT_, BYTES_);
		play_settle(p, RP, pair_items, 1);
		break;
	case LIST:
		pair_items[0] = pair_items[1] = play_item(p, d, 1, COUNT_, BYTES_);
		play_settle(p, RP, pair_items, 2);
		break;
	case CLAIM: play_claim(p, RP, d, COUNT_, BYTES_); break;
	case CLAIM_CHECK: play_claim_check(p, d, COUNT_, BYTES_); break;
	case OPEN_IN: play_open_in(p, JC, d); break;
	case CANCEL: play_cancel_in(p, d, p->now.s + 50); break;
	/* The JC signs what it owes: nothing more once the deal is on the ledger. */
	case REDEEM:
	case PATHS:
		play_redeem(p, RP, &c->id, ledger_number_used(p->l, &c->id, 1) ? 0 : COST_, 1,
		        c->claims);
	}
}

/* The deal, if it is on the ledger, ends as RP would like best. */
static void finish(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	if (state_of(p, &id) == DEAL_AGREED) {
		play_result(p, &id, COUNT_, BYTES_);
		applies(p);
	}
	if (state_of(p, &id) == DEAL_RESULTS_CHECKED) {
		play_verdict(p, d, RULING_RESULT_CORRECT);
		applies(p);
	}
	if (state_of(p, &id) == DEAL_RESULTS_SUBMITTED)
		timed_out(p, &id);
}

/* All that has left JC's sum; the bonds and fines of a dispute or of lateness besides. */
static int64_t job_spent(const struct play *p, const struct hash *channel)
{
	return JOB_SUM - small(ledger_channel(p->l, channel)->job);
}

static int64_t most(enum path first)
{
	switch (first) {
	case CLAIM:
	case OPEN_IN: return COST_ + CJ_;
	case CLAIM_CHECK: return COST_ + 500;
	case CANCEL: return 0;
	case SETTLE:
	case LIST:
	case REDEEM:
	case PATHS: break;
	}
	return COST_;
}

/* The deal stands as the second leaves it (4.3): nothing happens. */
static bool stands(enum path first, enum path then, bool end_first)
{
	bool there = first == CLAIM || first == CLAIM_CHECK || first == OPEN_IN;

	if (then == OPEN_IN)
		return there;
	if (then == CLAIM)
		return first == CLAIM || (first == OPEN_IN && end_first);
	return then == CLAIM_CHECK && first == CLAIM_CHECK && !end_first;
}

static void pair(enum path first, enum path then, unsigned kind, bool end_first)
{
	static struct ledger_event events[LEDGER_EVENTS_MAX];
	struct play p;
	struct deal d;
	struct hash id;

	play_init(&p);
	p.more = events;
	id = channel_opened(&p, kind, 1);
	d = play_channel_deal(&p, &id, 1);
	prepare(&p, first, &d);
	applies(&p);
	if (end_first)
		finish(&p, &d);
	prepare(&p, then, &d);
	if (stands(first, then, end_first)) {
		repeated(&p);
	} else if (then == LIST) {
		applies(&p);
		assert_int_equal(p.n, 1);
	} else if (then == CANCEL && first == OPEN_IN && !end_first) {
		/* Both want it: it is undone, not paid. */
		applies(&p);
	} else if (then == REDEEM && first != REDEEM) {
		/* The voucher knows of what is on the ledger, and leaves it out. */
		applies(&p);
		assert_int_equal(small(p.ev.amount), 0);
	} else {
		assert_false(play_do(&p));
		assert_true(p.e.code == E_NONCE || p.e.code == E_STATE);
	}
	finish(&p, &d);
	if (job_spent(&p, &id) > most(first))
		fail_msg("paths %d and %d: %lld was paid", first, then,
		        (long long)job_spent(&p, &id));
	play_done(&p);
}

static void test_pairs_of_acceptances(void **state)
{
	(void)state;
	for (int a = SETTLE; a <= CANCEL; a++) {
		for (int b = SETTLE; b <= CANCEL; b++) {
			pair((enum path)a, (enum path)b, CHANNEL_ACCEPTANCES, false);
			pair((enum path)a, (enum path)b, CHANNEL_ACCEPTANCES, true);
		}
	}
}

static void test_pairs_of_vouchers(void **state)
{
	(void)state;
	for (int a = CLAIM; a < PATHS; a++) {
		for (int b = CLAIM; b < PATHS; b++) {
			pair((enum path)a, (enum path)b, CHANNEL_VOUCHERS, false);
			pair((enum path)a, (enum path)b, CHANNEL_VOUCHERS, true);
		}
	}
}

/* ---- money that is promised --------------------------------------------------------------------- */

/* Between delivery and settlement the JC takes all that it can: what the sums hold is none of it. */
static void test_withdrawal(void **state)
{
	struct settle_item x;
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_amount(&p, JC, SEND_REQUEST_WITHDRAW, PARTY_START);
	refused(&p, E_FUNDS);
	play_amount(&p, JC, SEND_REQUEST_WITHDRAW, PARTY_START - JOB_SUM);
	applies(&p);
	play_leave(&p, JC, &id);
	applies(&p);
	/* RP has LIFE to settle, and to claim. */
	p.now.s += p.genesis.life.s - 1;
	play_close(&p, &id);
	refused(&p, E_TOO_EARLY);
	play_settle(&p, RP, &x, 1);
	applies(&p);
	d = play_channel_deal(&p, &id, 2);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	applies(&p);
	p.now.s++;
	play_close(&p, &id);
	applies(&p);
	finish(&p, &d);
	assert_int_equal(change(&p, RP), 2 * (COST_ - ROY_ - SOL_) + CJ_);
	play_done(&p);
}

/* The JC promises one balance to a channel, to escrow and to a second channel. */
static void test_one_balance_twice(void **state)
{
	struct play p;
	struct deal d, second;
	struct hash id;

	(void)state;
	play_init(&p);
	play_open_channel(&p, CHANNEL_ACCEPTANCES, 1, PARTY_START - 100, RP_SUM);
	applies(&p);
	id = p.ev.channel.id;
	d = play_deal(&p, 1);
	play_open(&p, &d);
	refused(&p, E_FUNDS);
	play_open_channel(&p, CHANNEL_ACCEPTANCES, 2, 101, 0);
	refused(&p, E_FUNDS);
	play_amount(&p, JC, SEND_REGISTER_MEDIATOR, 0);
	p.a.body.registration = (struct registration){.stake = amount_of(101)};
	play_send(&p, JC, SEND_REGISTER_MEDIATOR, registration_record(), &p.a.body);
	refused(&p, E_FUNDS);
	/* Inside it: what one deal has locked another cannot draw on. */
	play_close_now(&p, &id, p.now.s + 1);
	applies(&p);
	play_open_channel(&p, CHANNEL_ACCEPTANCES, 2, JC_LOCK + 400, RP_SUM);
	applies(&p);
	id = p.ev.channel.id;
	d = play_channel_deal(&p, &id, 1);
	second = play_channel_deal(&p, &id, 2);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	applies(&p);
	play_claim(&p, RP, &second, COUNT_, BYTES_);
	refused(&p, E_FUNDS);
	finish(&p, &d);
	play_claim(&p, RP, &second, COUNT_, BYTES_);
	refused(&p, E_FUNDS);
	play_top_up(&p, JC, &id, 1000);
	applies(&p);
	play_claim(&p, RP, &second, COUNT_, BYTES_);
	applies(&p);
	play_done(&p);
}

/* P1: "anyone may carry" is not for vouchers: the JC's own, of nothing, would end all that RP delivered. */
static void test_p1_own_voucher(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	d = play_channel_deal(&p, &id, 1);
	play_redeem(&p, JC, &id, 0, UINT64_MAX, 0);
	refused(&p, E_NOT_FOUND);
	play_redeem(&p, MALLORY, &id, 0, UINT64_MAX, 0);
	refused(&p, E_NOT_FOUND);
	/* Without RP's Send, or with another's signature of it. */
	play_redeem(&p, RP, &id, 0, UINT64_MAX, 0);
	play_sign(&p, JC, send_record(), &p.a.send, &p.a.send_sig);
	refused(&p, E_SIGNATURE);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	applies(&p);
	play_done(&p);
}

/* The same with an acceptance of COST 0, by its JC or a stranger. */
static void test_p29_own_acceptance(void **state)
{
	struct settle_item x;
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	x.doc.cost = amount_of(0);
	play_sign_item(&p, JC, &x);
	play_settle(&p, MALLORY, &x, 1);
	refused(&p, E_CONFLICT);
	x.doc.channel = play_id(channel_id_record(),
	        &(struct channel_id){p.who[JC], p.who[MALLORY], 1, CHANNEL_ACCEPTANCES});
	play_settle(&p, MALLORY, &x, 1);
	refused(&p, E_NOT_FOUND);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	applies(&p);
	play_done(&p);
}

/* P2: neither cancel(nonce) nor an escrow deal of the same nonce touches a number of the channel, and the
 * other way round. */
static void test_p2_nonces(void **state)
{
	struct settle_item x;
	struct play p;
	struct deal d, escrow;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	p.a = (struct action){.body.nonce_cancel.nonce = 7};
	play_send(&p, JC, SEND_CANCEL_NONCE, nonce_cancel_record(), &p.a.body);
	applies(&p);
	d = play_channel_deal(&p, &id, 7);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	applies(&p);
	escrow = play_deal(&p, 8);
	play_open(&p, &escrow);
	applies(&p);
	d = play_channel_deal(&p, &id, 8);
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_settle(&p, RP, &x, 1);
	applies(&p);
	d = play_channel_deal(&p, &id, 9);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	applies(&p);
	assert_false(ledger_nonce_used(p.l, &p.who[JC], 9));
	escrow = play_deal(&p, 9);
	play_open(&p, &escrow);
	applies(&p);
	play_done(&p);
}

/* ---- vouchers and the ledger -------------------------------------------------------------------- */

/* P3: a voucher that was signed before a claim is refused after it; the next one leaves the claim out. */
static void test_p3_voucher_during_claim(void **state)
{
	struct play p;
	struct deal d;
	struct hash id, deal;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	d = play_channel_deal(&p, &id, 1);
	deal = play_id(deal_record(), &d);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	applies(&p);
	play_redeem(&p, RP, &id, COST_, 1, 0);
	refused(&p, E_CONFLICT);
	timed_out(&p, &deal);
	play_redeem(&p, RP, &id, COST_, 1, 0);
	refused(&p, E_CONFLICT);
	/* A claim that it never made does not help either. */
	play_redeem(&p, RP, &id, COST_, 1, 2);
	refused(&p, E_CONFLICT);
	play_redeem(&p, RP, &id, 70, 2, 1);
	applies(&p);
	assert_int_equal(job_spent(&p, &id), COST_ + CJ_ + 70);
	play_done(&p);
}

/* P3: redeemed first, the number is closed and cannot be claimed. */
static void test_p3_claim_after_voucher(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	play_redeem(&p, RP, &id, COST_, 2, 0);
	applies(&p);
	for (uint64_t n = 1; n <= 2; n++) {
		d = play_channel_deal(&p, &id, n);
		play_claim(&p, RP, &d, COUNT_, BYTES_);
		refused(&p, E_NONCE);
		play_claim_check(&p, &d, COUNT_, BYTES_);
		refused(&p, E_NONCE);
		play_open_in(&p, JC, &d);
		refused(&p, E_NONCE);
	}
	d = play_channel_deal(&p, &id, 3);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	applies(&p);
	play_done(&p);
}

/* Only what RP does counts as a claim, so that the JC cannot spoil vouchers that it has signed. */
static void test_claims_are_the_providers(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	d = play_channel_deal(&p, &id, 9);
	play_open_in(&p, JC, &d);
	applies(&p);
	d.hot.nonce = 8;
	play_claim_check(&p, &d, COUNT_, BYTES_);
	applies(&p);
	d.hot.nonce = 7;
	play_claim(&p, JC, &d, COUNT_, BYTES_);
	refused(&p, E_PARTY);
	play_redeem(&p, RP, &id, COST_, 1, 0);
	applies(&p);
	assert_int_equal(small(p.ev.amount), COST_);
	play_done(&p);
}

/* P4: a dispute runs on, whatever voucher closes its number: the mediator is paid, and RP's bond is at stake. */
static void test_p4_voucher_ends_no_dispute(void **state)
{
	struct play p;
	struct deal d;
	struct hash id, deal;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	d = play_channel_deal(&p, &id, 1);
	deal = play_id(deal_record(), &d);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	applies(&p);
	play_redeem(&p, RP, &id, 0, 5, 0);
	applies(&p);
	assert_int_equal(state_of(&p, &deal), DEAL_RESULTS_CHECKED);
	play_verdict(&p, &d, RULING_RESULT_WRONG);
	applies(&p);
	assert_int_equal(change(&p, MEDIATOR), 10);
	sums_are(&p, &id, JOB_SUM, RP_SUM - RP_LOCK);
	play_done(&p);
}

/* P21: no shares in a voucher channel. */
static void test_p21_shares(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	for (int i = 0; i < 2; i++) {
		d = play_channel_deal(&p, &id, 1);
		d.hot.royalty = i == 0;
		d.hot.solver_share = i == 1;
		play_claim(&p, RP, &d, COUNT_, BYTES_);
		refused(&p, E_SHARES);
		play_open_in(&p, JC, &d);
		refused(&p, E_SHARES);
	}
	play_done(&p);
}

/* ---- ids, numbers, time ------------------------------------------------------------------------- */

/* P5: documents of a channel that was left are worthless in the next one of the same parties. */
static void test_p5_replay_after_leave(void **state)
{
	static struct ledger_event events[LEDGER_EVENTS_MAX];
	struct settle_item x[2];
	struct play p;
	struct deal d;
	struct hash id, next;

	(void)state;
	play_init(&p);
	p.more = events;
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	x[0] = x[1] = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_close_now(&p, &id, p.now.s + 1);
	applies(&p);
	play_open_channel(&p, CHANNEL_ACCEPTANCES, 1, JOB_SUM, RP_SUM);
	refused(&p, E_STATE);
	next = channel_opened(&p, CHANNEL_ACCEPTANCES, 2);
	play_settle(&p, RP, x, 1);
	refused(&p, E_STATE);
	/* As if it were of the next one. */
	x[0].serial = x[1].serial = 2;
	play_settle(&p, RP, x, 1);
	refused(&p, E_CONFLICT);
	x[0].doc.channel = next;
	play_settle(&p, RP, x, 1);
	refused(&p, E_SIGNATURE);
	play_settle(&p, RP, x, 2);
	applies(&p);
	assert_int_equal(p.n, 1);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	refused(&p, E_STATE);
	sums_are(&p, &next, JOB_SUM, RP_SUM);
	play_done(&p);
}

/* P5 with vouchers: "cumulative" does not begin again. */
static void test_p5_old_voucher(void **state)
{
	struct action old;
	struct play p;
	struct hash id, next;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	play_redeem(&p, RP, &id, 900, 10, 0);
	old = p.a;
	applies(&p);
	play_close_now(&p, &id, p.now.s + 1);
	applies(&p);
	play_open_channel(&p, CHANNEL_VOUCHERS, 1, JOB_SUM, RP_SUM);
	refused(&p, E_STATE);
	next = channel_opened(&p, CHANNEL_VOUCHERS, 2);
	play_redeem(&p, RP, &id, 900, 10, 0);
	refused(&p, E_STATE);
	play_redeem(&p, RP, &next, 900, 10, 0);
	p.a.doc_sig = old.doc_sig;
	refused(&p, E_SIGNATURE);
	play_done(&p);
}

/* A deal that was signed long ago, and its number free: too late is too late. */
static void test_stale_deal(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	p.now.s = d.hot.open_by.s;
	play_open_in(&p, JC, &d);
	refused(&p, E_TOO_LATE);
	p.now.s += d.hot.submit_timeout.s;
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	refused(&p, E_TOO_LATE);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	refused(&p, E_TOO_LATE);
	play_done(&p);
}

/* Nobody but the two can lock their sums, neither alone without the other's signature, and every lock has an
 * end that anyone can cause. */
static void test_hostage_lock(void **state)
{
	struct play p;
	struct deal d;
	struct hash id, deal;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	deal = play_id(deal_record(), &d);
	play_open(&p, &d);
	refused(&p, E_STATE);
	play_open_in(&p, RP, &d);
	refused(&p, E_PARTY);
	play_open_in(&p, MALLORY, &d);
	refused(&p, E_PARTY);
	play_claim(&p, MALLORY, &d, COUNT_, BYTES_);
	refused(&p, E_PARTY);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	p.a.jc_sig.n = 0;
	refused(&p, E_SIGNATURE);
	play_open_in(&p, JC, &d);
	p.a.rp_sig.n = 0;
	refused(&p, E_SIGNATURE);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	p.a.result_sig.n = 0;
	refused(&p, E_SIGNATURE);
	/* A stranger's deal that names the channel of others. */
	d.hot.provider = p.who[MALLORY];
	play_claim(&p, MALLORY, &d, COUNT_, BYTES_);
	refused(&p, E_CONFLICT);
	d.hot.provider = p.who[RP];
	play_open_in(&p, JC, &d);
	applies(&p);
	timed_out(&p, &deal);
	sums_are(&p, &id, JOB_SUM, RP_SUM - CS_);
	play_done(&p);
}

/* P16: what was signed with an openBy far ahead finds nothing once the channel is left. That is why 2.4 lets a
 * side sign only what ends within LIFE. */
static void test_p16_far_open_by(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	d.hot.open_by.s = p.now.s + 3 * p.genesis.life.s;
	play_leave(&p, RP, &id);
	applies(&p);
	p.now.s += p.genesis.life.s;
	play_close(&p, &id);
	applies(&p);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	refused(&p, E_STATE);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	refused(&p, E_STATE);
	play_done(&p);
}

/* P18: RP signs all and delivers nothing: the JC opens, and the late fine falls due, from RP's sum. */
static void test_p18_late_fine(void **state)
{
	struct play p;
	struct deal d;
	struct hash id, deal;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	deal = play_id(deal_record(), &d);
	play_open_in(&p, JC, &d);
	applies(&p);
	timed_out(&p, &deal);
	assert_int_equal(change(&p, JC), CS_ - JOB_SUM);
	sums_are(&p, &id, JOB_SUM, RP_SUM - CS_);
	play_done(&p);
}

/* P22: a cancel has an end, and sets the bit, so that RP cannot claim after it. */
static void test_p22_cancel(void **state)
{
	struct settle_item x;
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_cancel_in(&p, &d, p.now.s + 5);
	p.now.s += 5;
	refused(&p, E_TOO_LATE);
	play_cancel_in(&p, &d, p.now.s + 5);
	applies(&p);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	refused(&p, E_NONCE);
	play_settle(&p, RP, &x, 1);
	refused(&p, E_NONCE);
	play_done(&p);
}

/* P28: an acceptance does not unpay a panel. */
static void test_p28_accept_checked(void **state)
{
	struct settle_item x;
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	applies(&p);
	play_accept_in(&p, &d, COUNT_, BYTES_, false);
	refused(&p, E_STATE);
	play_settle(&p, RP, &x, 1);
	refused(&p, E_NONCE);
	play_done(&p);
}

/* Another deal under the number of one that is settled; two under one number (the JC signed both). */
static void test_one_number_two_deals(void **state)
{
	struct settle_item x;
	struct play p;
	struct deal d, twin;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	twin = d;
	twin.hot.base = amount_of(200);
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_claim(&p, RP, &twin, COUNT_, BYTES_);
	applies(&p);
	play_settle(&p, RP, &x, 1);
	refused(&p, E_NONCE);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	refused(&p, E_NONCE);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	refused(&p, E_NONCE);
	play_done(&p);
}

/* A carrier that changes a list: every change is seen, since the Send names its hash. */
static void test_list_carrier(void **state)
{
	struct settle_item x[2], swapped[2], shorter[1];
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	for (uint64_t i = 0; i < 2; i++) {
		d = play_channel_deal(&p, &id, i + 1);
		x[i] = play_item(&p, &d, 1, COUNT_, BYTES_);
	}
	swapped[0] = x[1];
	swapped[1] = x[0];
	shorter[0] = x[0];
	play_settle(&p, RP, x, 2);
	p.a.items = swapped;
	refused(&p, E_CONFLICT);
	p.a.items = shorter;
	p.a.items_n = 1;
	refused(&p, E_CONFLICT);
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pairs_of_acceptances),
	        cmocka_unit_test(test_pairs_of_vouchers),
	        cmocka_unit_test(test_withdrawal),
	        cmocka_unit_test(test_one_balance_twice),
	        cmocka_unit_test(test_p1_own_voucher),
	        cmocka_unit_test(test_p29_own_acceptance),
	        cmocka_unit_test(test_p2_nonces),
	        cmocka_unit_test(test_p3_voucher_during_claim),
	        cmocka_unit_test(test_p3_claim_after_voucher),
	        cmocka_unit_test(test_claims_are_the_providers),
	        cmocka_unit_test(test_p4_voucher_ends_no_dispute),
	        cmocka_unit_test(test_p21_shares),
	        cmocka_unit_test(test_p5_replay_after_leave),
	        cmocka_unit_test(test_p5_old_voucher),
	        cmocka_unit_test(test_stale_deal),
	        cmocka_unit_test(test_hostage_lock),
	        cmocka_unit_test(test_p16_far_open_by),
	        cmocka_unit_test(test_p18_late_fine),
	        cmocka_unit_test(test_p22_cancel),
	        cmocka_unit_test(test_p28_accept_checked),
	        cmocka_unit_test(test_one_number_two_deals),
	        cmocka_unit_test(test_list_carrier),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
