/* ledger_account_test.c - Sends and the actions of accounts (2.0.4, 5.16), and the genesis. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/ledger_expect.h"

/* ---- accounts ----------------------------------------------------------------------------------- */

static void test_withdraw(void **state)
{
	struct play p;
	struct ledger_account a;
	struct ledger_totals t;

	(void)state;
	play_init(&p);
	play_amount(&p, JC, SEND_REQUEST_WITHDRAW, 1000001);
	refused(&p, E_FUNDS);
	play_amount(&p, JC, SEND_REQUEST_WITHDRAW, 300);
	applies(&p);
	play_amount(&p, JC, SEND_WITHDRAW, 300);
	refused(&p, E_TOO_EARLY);
	/* A second one adds and restarts the clock. */
	p.now.s += 19999;
	play_amount(&p, JC, SEND_REQUEST_WITHDRAW, 100);
	applies(&p);
	p.now.s += 19999;
	play_amount(&p, JC, SEND_WITHDRAW, 400);
	refused(&p, E_TOO_EARLY);
	p.now.s += 1;
	play_amount(&p, JC, SEND_WITHDRAW, 401);
	refused(&p, E_FUNDS);
	play_amount(&p, JC, SEND_WITHDRAW, 150);
	applies(&p);
	ledger_account(p.l, &p.who[JC], p.now, &a);
	assert_int_equal(small(a.free), 999600);
	assert_int_equal(small(a.withdrawing), 250);
	ledger_totals(p.l, &t);
	assert_int_equal(small(t.supply), PARTIES * 1000000 - 150);
	play_done(&p);
}

static void test_payout(void **state)
{
	struct play p;
	struct ledger_account a;

	(void)state;
	play_init(&p);
	ledger_account(p.l, &p.who[JC], p.now, &a);
	assert_true(addr_eq(&a.payout, &p.who[JC]));
	p.a = (struct action){.body.payout.to = p.who[MALLORY]};
	play_send(&p, JC, SEND_SET_PAYOUT, payout_record(), &p.a.body);
	applies(&p);
	ledger_account(p.l, &p.who[JC], p.now, &a);
	assert_true(addr_eq(&a.payout, &p.who[JC]));
	assert_true(addr_eq(&a.next_payout, &p.who[MALLORY]));
	p.now.s += 20000;
	ledger_account(p.l, &p.who[JC], p.now, &a);
	assert_true(addr_eq(&a.payout, &p.who[MALLORY]));
	/* A further change starts from the one that has come into force. */
	p.a = (struct action){.body.payout.to = p.who[SOLVER]};
	play_send(&p, JC, SEND_SET_PAYOUT, payout_record(), &p.a.body);
	applies(&p);
	ledger_account(p.l, &p.who[JC], p.now, &a);
	assert_true(addr_eq(&a.payout, &p.who[MALLORY]));
	p.a = (struct action){0};
	play_send(&p, JC, SEND_SET_PAYOUT, payout_record(), &p.a.body);
	refused(&p, E_RANGE);
	play_done(&p);
}

static void test_nonces(void **state)
{
	struct play p;
	struct ledger_account a;

	(void)state;
	play_init(&p);
	for (uint64_t n = 255; n < 258; n++) {
		p.a = (struct action){.body.nonce_cancel.nonce = n};
		play_send(&p, JC, SEND_CANCEL_NONCE, nonce_cancel_record(), &p.a.body);
		applies(&p);
		assert_true(ledger_nonce_used(p.l, &p.who[JC], n));
		assert_false(ledger_nonce_used(p.l, &p.who[JC], n + 1));
		assert_false(ledger_nonce_used(p.l, &p.who[RP], n));
	}
	assert_false(ledger_nonce_used(p.l, &p.who[JC], 254));
	ledger_account(p.l, &p.who[JC], p.now, &a);
	assert_int_equal(a.job_nonce, 258);
	/* 8.4: where only a bit is left, any repetition is refused. */
	p.a = (struct action){.body.nonce_cancel.nonce = 256};
	play_send(&p, JC, SEND_CANCEL_NONCE, nonce_cancel_record(), &p.a.body);
	refused(&p, E_NONCE);
	p.a = (struct action){.body.nonce_cancel.nonce = UINT64_MAX};
	play_send(&p, JC, SEND_CANCEL_NONCE, nonce_cancel_record(), &p.a.body);
	applies(&p);
	play_done(&p);
}

/* 2.0.4: a Send counts once, before its expiry, for its body, signed by its account. */
static void test_sends(void **state)
{
	struct play p;
	struct action once;

	(void)state;
	play_init(&p);
	p.a = (struct action){.body.mint = {.to = p.who[JC], .amount = amount_of(5)}};
	play_send(&p, JC, SEND_MINT, mint_record(), &p.a.body);
	refused(&p, E_PARTY);
	p.a = (struct action){.body.mint = {.amount = amount_of(5)}};
	play_send(&p, OPERATOR, SEND_MINT, mint_record(), &p.a.body);
	refused(&p, E_RANGE);
	p.a = (struct action){.body.mint = {.to = p.who[JC], .amount = amount_of(5)}};
	play_send(&p, OPERATOR, SEND_MINT, mint_record(), &p.a.body);
	once = p.a;
	p.a.body.mint.amount = amount_of(6);
	refused(&p, E_CONFLICT);
	p.a = once;
	p.now.s += 60;
	refused(&p, E_STALE);
	p.now.s--;
	applies(&p);
	assert_true(addr_eq(&p.ev.account, &p.who[JC]));
	assert_int_equal(p.ev.changes_n, 2);
	refused(&p, E_NONCE);
	p.a = (struct action){0};
	play_send(&p, OPERATOR, 77, mint_record(), &p.a.body);
	refused(&p, E_RANGE);
	p.a = (struct action){0};
	play_send(&p, RP, SEND_ANSWER, answer_record(), &p.a.body);
	refused(&p, E_STATE);
	/* They have an action of their own. */
	p.a = (struct action){0};
	play_send(&p, RP, SEND_SETTLE, mint_record(), &p.a.body);
	refused(&p, E_RANGE);
	/* A stranger's refused Send leaves no account behind. */
	memset(p.who[MALLORY].b, 0x77, 20);
	play_amount(&p, MALLORY, SEND_REQUEST_WITHDRAW, 1);
	refused(&p, E_FUNDS);
	play_done(&p);
}

static void test_stake(void **state)
{
	struct play p;
	struct ledger_account a;

	(void)state;
	play_init(&p);
	p.a = (struct action){.body.registration.stake = amount_of(500)};
	play_send(&p, MEDIATOR, SEND_REGISTER_MEDIATOR, registration_record(), &p.a.body);
	applies(&p);
	p.a = (struct action){.body.pause.paused = true};
	play_send(&p, MEDIATOR, SEND_PAUSE_MEDIATOR, pause_record(), &p.a.body);
	applies(&p);
	ledger_account(p.l, &p.who[MEDIATOR], p.now, &a);
	assert_int_equal(small(a.stake), 500);
	assert_true(a.paused);
	play_amount(&p, MEDIATOR, SEND_UNBOND_STAKE, 501);
	refused(&p, E_FUNDS);
	play_amount(&p, MEDIATOR, SEND_UNBOND_STAKE, 200);
	applies(&p);
	play_amount(&p, MEDIATOR, SEND_WITHDRAW, 200);
	refused(&p, E_TOO_EARLY);
	p.now.s += 20000;
	play_amount(&p, MEDIATOR, SEND_WITHDRAW, 200);
	applies(&p);
	play_done(&p);
}

static void test_genesis(void **state)
{
	struct play p;
	struct ledger *l;
	struct genesis g;

	(void)state;
	play_init(&p);
	g = p.genesis;
	g.min.s = 59;
	assert_false(ledger_new(&g, NULL, &l, &p.e));
	assert_int_equal(p.e.code, E_CLOCKS);
	g.test = true;
	assert_true(ledger_new(&g, NULL, &l, &p.e));
	ledger_free(l);
	g.unbonding = g.life;
	assert_false(ledger_new(&g, NULL, &l, &p.e));
	assert_int_equal(p.e.code, E_CLOCKS);
	g = p.genesis;
	g.allocations.v[1].amount = big(TWO_96_LESS_1);
	assert_false(ledger_new(&g, NULL, &l, &p.e));
	assert_int_equal(p.e.code, E_RANGE);
	play_done(&p);
}

static void test_time_goes_on(void **state)
{
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	opened(&p, &d);
	p.now.s--;
	d = play_deal(&p, 2);
	play_open(&p, &d);
	refused(&p, E_CLOCK);
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_withdraw),
	        cmocka_unit_test(test_payout),
	        cmocka_unit_test(test_nonces),
	        cmocka_unit_test(test_sends),
	        cmocka_unit_test(test_stake),
	        cmocka_unit_test(test_genesis),
	        cmocka_unit_test(test_time_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
