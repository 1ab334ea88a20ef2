/* ledger_channel_test.c - channels (protocol 8.3, 5.16): what each action moves, and every refusal in order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/ledger_expect.h"
#include "ledger/ledger_channel_expect.h"

/* ---- opening ------------------------------------------------------------------------------------ */

static void test_open(void **state)
{
	struct play p;
	struct ledger_account a;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	sums_are(&p, &id, JOB_SUM, RP_SUM);
	assert_int_equal(change(&p, JC), -JOB_SUM);
	assert_int_equal(change(&p, RP), -RP_SUM);
	ledger_account(p.l, &p.who[JC], p.now, &a);
	assert_int_equal(small(a.channels), JOB_SUM);
	assert_int_equal(small(a.locked), 0);
	assert_true(hash_eq(&p.ev.channel.id, &id));
	assert_int_equal(small(p.ev.channel.job), JOB_SUM);
	assert_int_equal(small(p.ev.channel.provider), RP_SUM);
	assert_true(addr_eq(&p.ev.account, &p.who[JC]));
	assert_int_equal(p.ev.changes_n, 2);
	/* Another serial, or kind, is another channel. */
	channel_opened(&p, CHANNEL_VOUCHERS, 1);
	channel_opened(&p, CHANNEL_ACCEPTANCES, 2);
	assert_int_equal(change(&p, JC), -3 * JOB_SUM);
	play_done(&p);
}

/* Sums of nothing are sums. */
static void test_open_empty(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	play_open_channel(&p, CHANNEL_ACCEPTANCES, 0, 0, 0);
	applies(&p);
	play_done(&p);
}

enum { BAD_KIND, BAD_JC, BAD_RP, LATE, USED, JC_POOR, RP_POOR, SAME, OPEN_FAULTS };

static const enum err_code open_codes[OPEN_FAULTS] = {
        E_RANGE, E_SIGNATURE, E_SIGNATURE, E_TOO_LATE, E_STATE, E_FUNDS, E_FUNDS, E_PARTY};

/* A Channel with the faults of the set, signed. */
static void faulty_open(struct play *p, unsigned faults)
{
	struct channel *c = &p->a.channel;

	play_open_channel(p, CHANNEL_ACCEPTANCES, faults & 1 << USED ? 1 : 2, 1000, 1000);
	if (faults & 1 << BAD_KIND)
		c->id.kind = 3;
	if (faults & 1 << LATE)
		c->open_by = p->now;
	if (faults & 1 << SAME)
		c->id.provider = p->who[JC];
	if (faults & 1 << JC_POOR)
		c->job_sum = amount_of(PARTY_START + 1);
	if (faults & 1 << RP_POOR)
		c->provider_sum = amount_of(PARTY_START + 1);
	play_sign(p, faults & 1 << BAD_JC ? MALLORY : JC, channel_record(), c, &p->a.jc_sig);
	play_sign(p,
	        faults & 1 << BAD_RP ? MALLORY
	        : faults & 1 << SAME ? JC
	                             : RP,
	        channel_record(), c, &p->a.rp_sig);
}

/* Each fault alone, and with each that comes after it: the first one is the error. Whose id was used has two
 * accounts. */
static void test_open_refused(void **state)
{
	struct play p;

	(void)state;
	play_init(&p);
	channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	for (unsigned i = 0; i < OPEN_FAULTS; i++) {
		for (unsigned k = i; k < OPEN_FAULTS; k++) {
			unsigned faults = 1u << i | 1u << k;

			if (faults & 1 << USED && faults & 1 << SAME)
				continue;
			faulty_open(&p, faults);
			refused(&p, open_codes[i]);
		}
	}
	faulty_open(&p, 0);
	applies(&p);
	refused(&p, E_STATE);
	play_done(&p);
}

/* ---- topping up, leaving, closing --------------------------------------------------------------- */

static void test_top_up(void **state)
{
	struct hash id, other = {{1}};
	struct play p;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	play_top_up(&p, JC, &id, 11);
	applies(&p);
	play_top_up(&p, RP, &id, 7);
	applies(&p);
	sums_are(&p, &id, JOB_SUM + 11, RP_SUM + 7);
	assert_int_equal(change(&p, JC), -JOB_SUM - 11);
	assert_int_equal(small(p.ev.amount), 7);
	play_top_up(&p, JC, &other, 1);
	refused(&p, E_NOT_FOUND);
	play_top_up(&p, MALLORY, &id, 1);
	refused(&p, E_NOT_FOUND);
	play_top_up(&p, JC, &id, PARTY_START);
	refused(&p, E_FUNDS);
	play_leave(&p, RP, &id);
	applies(&p);
	play_top_up(&p, JC, &id, PARTY_START);
	refused(&p, E_STATE);
	play_close_now(&p, &id, p.now.s + 1);
	applies(&p);
	play_top_up(&p, JC, &id, 1);
	refused(&p, E_STATE);
	play_done(&p);
}

static void test_leave(void **state)
{
	struct hash id, other = {{1}};
	struct play p;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	play_leave(&p, MALLORY, &id);
	refused(&p, E_NOT_FOUND);
	play_close(&p, &other);
	refused(&p, E_NOT_FOUND);
	play_close(&p, &id);
	refused(&p, E_STATE);
	play_leave(&p, JC, &id);
	applies(&p);
	assert_int_equal(p.ev.channel.close_at.s, p.now.s + p.genesis.life.s);
	play_leave(&p, RP, &id);
	refused(&p, E_STATE);
	p.now.s += p.genesis.life.s - 1;
	play_close(&p, &id);
	refused(&p, E_TOO_EARLY);
	p.now.s++;
	applies(&p);
	assert_true(p.ev.channel.closed);
	assert_int_equal(change(&p, JC), 0);
	assert_int_equal(change(&p, RP), 0);
	sums_are(&p, &id, 0, 0);
	refused(&p, E_STATE);
	play_done(&p);
}

static void test_close_now(void **state)
{
	struct play p;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	play_close_now(&p, &id, p.now.s);
	refused(&p, E_TOO_LATE);
	play_close_now(&p, &id, p.now.s + 1);
	p.a.rp_sig.n = 0;
	refused(&p, E_SIGNATURE);
	play_close_now(&p, &id, p.now.s);
	p.a.jc_sig = p.a.rp_sig;
	refused(&p, E_SIGNATURE);
	play_close_now(&p, &id, p.now.s + 1);
	applies(&p);
	assert_int_equal(change(&p, JC), 0);
	play_close_now(&p, &id, p.now.s);
	refused(&p, E_TOO_LATE);
	play_close_now(&p, &id, p.now.s + 1);
	refused(&p, E_STATE);
	play_done(&p);
}

/* ---- one acceptance ----------------------------------------------------------------------------- */

static void test_settle(void **state)
{
	struct settle_item x;
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 3);
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_settle(&p, RP, &x, 1);
	applies(&p);
	sums_are(&p, &id, JOB_SUM - COST_, RP_SUM);
	assert_int_equal(change(&p, RP), COST_ - ROY_ - SOL_ - RP_SUM);
	assert_int_equal(change(&p, AUTHOR), ROY_);
	assert_int_equal(change(&p, SOLVER), SOL_);
	assert_int_equal(small(p.ev.amount), COST_);
	assert_true(hash_eq(&p.ev.deal, &x.doc.deal));
	assert_true(hash_eq(&p.ev.result, &x.doc.result));
	assert_int_equal(p.ev.channel.number, 3);
	assert_int_equal(p.ev.changes_n, 4);
	assert_true(ledger_number_used(p.l, &id, 3));
	assert_false(ledger_number_used(p.l, &id, 2));
	assert_null(ledger_agreement(p.l, &x.doc.deal));
	play_done(&p);
}

/* The share of nobody is RP's; all of COST may be shares; a COST of nothing settles. */
static void test_settle_shares(void **state)
{
	struct settle_item x;
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	d.hot.author = (struct addr){{0}};
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_settle(&p, RP, &x, 1);
	applies(&p);
	assert_int_equal(change(&p, RP), COST_ - SOL_ - RP_SUM);
	d = play_channel_deal(&p, &id, 2);
	d.hot.royalty = 1000;
	d.hot.solver_share = 0;
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_settle(&p, RP, &x, 1);
	applies(&p);
	assert_int_equal(change(&p, RP), COST_ - SOL_ - RP_SUM);
	assert_int_equal(change(&p, AUTHOR), COST_);
	d = play_channel_deal(&p, &id, 3);
	d.hot.base = d.hot.per_instruction = d.hot.per_byte = amount_of(0);
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_settle(&p, RP, &x, 1);
	applies(&p);
	refused(&p, E_NONCE);
	play_done(&p);
}

enum { UNKNOWN, ZERO, TAKEN, OVER_SHARES, TOO_DEAR, FORGED, SETTLE_FAULTS };

static const enum err_code settle_codes[SETTLE_FAULTS] = {
        E_NOT_FOUND, E_NONCE, E_NONCE, E_SHARES, E_FUNDS, E_SIGNATURE};

static void faulty_item(
        struct play *p, const struct deal *d, unsigned faults, struct settle_item *x)
{
	*x = play_item(p, d, faults & 1 << UNKNOWN ? 9 : 1, COUNT_, BYTES_);
	if (faults & 1 << TAKEN)
		x->doc.number = 1;
	if (faults & 1 << ZERO)
		x->doc.number = 0;
	if (faults & 1 << OVER_SHARES)
		x->doc.royalty = 971;
	if (faults & 1 << TOO_DEAR)
		x->doc.cost = amount_of(JOB_SUM + 1);
	play_sign_item(p, faults & 1 << FORGED ? RP : JC, x);
	if (faults & 1 << UNKNOWN) {
		x->doc.channel = play_channel(p, CHANNEL_ACCEPTANCES, 9);
		play_sign_item(p, JC, x);
	}
}

static void test_settle_refused(void **state)
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
	play_settle(&p, RP, &x, 1);
	applies(&p);
	d = play_channel_deal(&p, &id, 2);
	for (unsigned i = 0; i < SETTLE_FAULTS; i++) {
		for (unsigned k = i; k < SETTLE_FAULTS; k++) {
			faulty_item(&p, &d, 1u << i | 1u << k, &x);
			play_settle(&p, RP, &x, 1);
			refused(&p, settle_codes[i]);
		}
	}
	/* A channel of vouchers has no acceptances. */
	channel_opened(&p, CHANNEL_VOUCHERS, 4);
	d.hot.channel = play_channel(&p, CHANNEL_ACCEPTANCES, 4);
	x = play_item(&p, &d, 4, COUNT_, BYTES_);
	play_settle(&p, RP, &x, 1);
	refused(&p, E_NOT_FOUND);
	d.hot.channel = id;
	play_close_now(&p, &id, p.now.s + 1);
	applies(&p);
	faulty_item(&p, &d, 1 << ZERO | 1 << FORGED, &x);
	play_settle(&p, RP, &x, 1);
	refused(&p, E_STATE);
	play_done(&p);
}

/* The Send comes first: kind, signature, nonce, expiry, body. */
static void test_settle_send(void **state)
{
	struct settle_item x, y;
	struct play p;
	struct deal d;
	struct hash id, h;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 0);
	x = play_item(&p, &d, 1, COUNT_, BYTES_);
	play_settle(&p, RP, &x, 1);
	h = play_id(channel_acceptance_record(), &x.doc);
	play_send_of(&p, RP, SEND_REDEEM, &h);
	refused(&p, E_RANGE);
	play_settle(&p, RP, &x, 1);
	p.a.send_sig.b[0] ^= 1;
	refused(&p, E_SIGNATURE);
	p.sends[RP]++;
	play_settle(&p, RP, &x, 1);
	refused(&p, E_NONCE);
	p.sends[RP]--;
	play_settle(&p, RP, &x, 1);
	p.a.send.expiry = p.now;
	play_sign(&p, RP, send_record(), &p.a.send, &p.a.send_sig);
	refused(&p, E_STALE);
	y = x;
	y.doc.cost = amount_of(1);
	play_settle(&p, RP, &y, 1);
	p.a.items = &x;
	refused(&p, E_CONFLICT);
	x.doc.cost = big("79228162514264337593543950336");
	play_settle(&p, RP, &x, 1);
	refused(&p, E_RANGE);
	p.a.items_n = 0;
	refused(&p, E_RANGE);
	play_done(&p);
}

/* ---- lists -------------------------------------------------------------------------------------- */

/* Each kind of bad item among good ones, of two channels; each good one has its event. */
static void test_list(void **state)
{
	static struct ledger_event events[LEDGER_EVENTS_MAX];
	struct settle_item x[SETTLE_FAULTS + 4];
	struct hash id, second;
	struct play p;
	struct deal d;
	uint32_t n = 0;

	(void)state;
	play_init(&p);
	p.more = events;
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	second = channel_opened(&p, CHANNEL_ACCEPTANCES, 2);
	d = play_channel_deal(&p, &id, 1);
	x[n++] = play_item(&p, &d, 1, COUNT_, BYTES_);
	d.hot.nonce = 2;
	for (unsigned i = 0; i < SETTLE_FAULTS; i++)
		faulty_item(&p, &d, 1u << i, &x[n++]);
	d = play_channel_deal(&p, &second, 2);
	x[n++] = play_item(&p, &d, 2, COUNT_, BYTES_);
	d = play_channel_deal(&p, &id, 2);
	x[n++] = play_item(&p, &d, 1, COUNT_, BYTES_);
	x[n] = x[n - 1];
	n++;
	play_settle(&p, RP, x, n);
	applies(&p);
	assert_int_equal(p.n, 4);
	assert_int_equal(small(events[0].amount), 3 * COST_);
	assert_true(hash_eq(&events[1].deal, &x[0].doc.deal));
	assert_true(hash_eq(&events[2].channel.id, &second));
	assert_true(hash_eq(&events[3].deal, &x[n - 1].doc.deal));
	assert_int_equal(events[3].seq, events[0].seq + 3);
	assert_int_equal(small(events[3].channel.job), JOB_SUM - 2 * COST_);
	sums_are(&p, &id, JOB_SUM - 2 * COST_, RP_SUM);
	sums_are(&p, &second, JOB_SUM - COST_, RP_SUM);
	assert_int_equal(change(&p, RP), 3 * (COST_ - ROY_ - SOL_) - 2 * RP_SUM);
	assert_int_equal(change(&p, AUTHOR), 3 * ROY_);
	/* The same once more: nothing is left to settle, and the Send is used up. */
	play_settle(&p, RP, x, n);
	applies(&p);
	assert_int_equal(p.n, 1);
	assert_int_equal(small(p.ev.amount), 0);
	assert_int_equal(p.ev.changes_n, 1);
	refused(&p, E_NONCE);
	play_done(&p);
}

/* What the sum does not cover is skipped, and what comes after it and fits is not. */
static void test_list_funds(void **state)
{
	static struct ledger_event events[LEDGER_EVENTS_MAX];
	struct settle_item x[3];
	struct hash id;
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	p.more = events;
	play_open_channel(&p, CHANNEL_ACCEPTANCES, 1, COST_ + 100, 0);
	applies(&p);
	id = p.ev.channel.id;
	for (uint64_t i = 0; i < 3; i++) {
		d = play_channel_deal(&p, &id, i + 1);
		x[i] = play_item(&p, &d, 1, i < 2 ? COUNT_ : 0, i < 2 ? BYTES_ : 0);
	}
	play_settle(&p, RP, x, 3);
	applies(&p);
	assert_int_equal(p.n, 3);
	sums_are(&p, &id, 0, 0);
	assert_false(ledger_number_used(p.l, &id, 2));
	/* A top-up, and the skipped one counts. */
	play_top_up(&p, JC, &id, COST_);
	applies(&p);
	play_settle(&p, RP, &x[1], 1);
	applies(&p);
	play_done(&p);
}

/* Nothing of a channel that is not open, not even an acceptance of nothing. */
static void test_list_closed(void **state)
{
	static struct ledger_event events[LEDGER_EVENTS_MAX];
	struct settle_item x[2];
	struct hash id;
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	p.more = events;
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	play_close_now(&p, &id, p.now.s + 1);
	applies(&p);
	d = play_channel_deal(&p, &id, 1);
	d.hot.base = d.hot.per_instruction = d.hot.per_byte = amount_of(0);
	x[0] = play_item(&p, &d, 1, COUNT_, BYTES_);
	d.hot.channel = play_channel(&p, CHANNEL_ACCEPTANCES, 2);
	x[1] = play_item(&p, &d, 2, COUNT_, BYTES_);
	play_settle(&p, RP, x, 2);
	applies(&p);
	assert_int_equal(p.n, 1);
	channel_opened(&p, CHANNEL_ACCEPTANCES, 2);
	assert_false(ledger_number_used(p.l, &d.hot.channel, 1));
	play_done(&p);
}

static void test_list_refused(void **state)
{
	struct settle_item x[2];
	struct hash id;
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	for (uint64_t i = 0; i < 2; i++) {
		d = play_channel_deal(&p, &id, i + 1);
		x[i] = play_item(&p, &d, 1, COUNT_, BYTES_);
	}
	x[1].sig.n = 65;
	play_settle(&p, RP, x, 2);
	refused(&p, E_RANGE);
	x[1].sig.n = 64;
	play_settle(&p, RP, x, 2);
	p.a.items_n = ACTION_SETTLE_MAX + 1;
	refused(&p, E_RANGE);
	/* Another order is another list. */
	play_settle(&p, RP, x, 2);
	x[1] = x[0];
	refused(&p, E_CONFLICT);
	play_done(&p);
}

/* ---- vouchers ----------------------------------------------------------------------------------- */

static void test_redeem(void **state)
{
	struct play p;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	play_redeem(&p, RP, &id, 300, 3, 0);
	applies(&p);
	assert_int_equal(small(p.ev.amount), 300);
	assert_int_equal(p.ev.channel.floor, 3);
	assert_true(ledger_number_used(p.l, &id, 3));
	assert_false(ledger_number_used(p.l, &id, 4));
	/* Cumulative: the difference. */
	play_redeem(&p, RP, &id, 500, 5, 0);
	applies(&p);
	assert_int_equal(small(p.ev.amount), 200);
	assert_int_equal(change(&p, RP), 500 - RP_SUM);
	sums_are(&p, &id, JOB_SUM - 500, RP_SUM);
	/* A higher number with the same sum closes, and pays nothing. */
	play_redeem(&p, RP, &id, 500, 6, 0);
	applies(&p);
	assert_int_equal(small(p.ev.amount), 0);
	/* A higher sum with the same number pays. */
	play_redeem(&p, RP, &id, 501, 6, 0);
	applies(&p);
	assert_int_equal(small(p.ev.amount), 1);
	play_done(&p);
}

/* P30: above the sum it pays what that holds, and the rest stays due. */
static void test_redeem_part(void **state)
{
	struct play p;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	play_redeem(&p, RP, &id, JOB_SUM + 50, 2, 0);
	applies(&p);
	assert_int_equal(small(p.ev.amount), JOB_SUM);
	play_redeem(&p, RP, &id, JOB_SUM + 50, 2, 0);
	refused(&p, E_FUNDS);
	play_top_up(&p, JC, &id, 80);
	applies(&p);
	play_redeem(&p, RP, &id, JOB_SUM + 50, 2, 0);
	applies(&p);
	assert_int_equal(small(p.ev.amount), 50);
	sums_are(&p, &id, 30, RP_SUM);
	refused(&p, E_NONCE);
	play_redeem(&p, RP, &id, JOB_SUM + 50, 2, 0);
	refused(&p, E_NONCE);
	play_done(&p);
}

static void test_redeem_refused(void **state)
{
	struct play p;
	struct hash id, other;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	other = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	play_redeem(&p, RP, &other, 10, 1, 0);
	refused(&p, E_NOT_FOUND);
	other.b[0] ^= 1;
	play_redeem(&p, RP, &other, 10, 1, 7);
	refused(&p, E_NOT_FOUND);
	play_redeem(&p, RP, &id, 10, 3, 0);
	applies(&p);
	play_redeem(&p, RP, &id, 20, 2, 1);
	refused(&p, E_CONFLICT);
	play_redeem(&p, RP, &id, 20, 2, 0);
	p.a.doc_sig.n = 0;
	refused(&p, E_NONCE);
	play_redeem(&p, RP, &id, 9, 3, 0);
	refused(&p, E_NONCE);
	play_redeem(&p, RP, &id, 20, 4, 0);
	p.a.doc_sig = p.a.send_sig;
	refused(&p, E_SIGNATURE);
	play_redeem(&p, RP, &id, 20, 4, 0);
	p.a.voucher.sum = amount_of(21);
	refused(&p, E_CONFLICT);
	p.a.voucher.sum = big("79228162514264337593543950336");
	refused(&p, E_RANGE);
	play_close_now(&p, &id, p.now.s + 1);
	applies(&p);
	play_redeem(&p, RP, &id, 20, 2, 1);
	refused(&p, E_STATE);
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_open),
	        cmocka_unit_test(test_open_empty),
	        cmocka_unit_test(test_open_refused),
	        cmocka_unit_test(test_top_up),
	        cmocka_unit_test(test_leave),
	        cmocka_unit_test(test_close_now),
	        cmocka_unit_test(test_settle),
	        cmocka_unit_test(test_settle_shares),
	        cmocka_unit_test(test_settle_refused),
	        cmocka_unit_test(test_settle_send),
	        cmocka_unit_test(test_list),
	        cmocka_unit_test(test_list_funds),
	        cmocka_unit_test(test_list_closed),
	        cmocka_unit_test(test_list_refused),
	        cmocka_unit_test(test_redeem),
	        cmocka_unit_test(test_redeem_part),
	        cmocka_unit_test(test_redeem_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
