/* ledger_test.c - protocol 5 to the unit: every row, odd units, shares, the largest amounts; every state
 * absorbs what is not in its rows; and one deal with real signatures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/secp.h"
#include "ledger/ledger_expect.h"

/* clang-format off */
static const struct row {
	const char *row;
	void (*play)(struct play *p, const struct deal *d);
	unsigned to;
	int64_t jc, rp, author, solver, mediator, sink, paid;
} rows[] = {
	{"5.2",           to_timeout_agree,    DEAL_TIMEOUT_AGREE,           0,    0,  0,  0,  0,   0,   0},
	{"5.3 early",     to_cancelled_early,  DEAL_CANCELLED,               0,    0,  0,  0,  0,   0,   0},
	{"5.3",           to_cancelled,        DEAL_CANCELLED,               0,    0,  0,  0,  0,   0,   0},
	{"5.5 late",      to_timeout_submit,   DEAL_TIMEOUT_SUBMIT,         30,  -30,  0,  0,  0,   0,   0},
	{"5.5 declined",  to_declined,         DEAL_DECLINED,               30,  -30,  0,  0,  0,   0,   0},
	{"5.6",           to_accepted,         DEAL_RESULTS_ACCEPTED,     -450,  415, 22, 13,  0,   0, 450},
	{"5.6 at once",   to_accepted_at_once, DEAL_RESULTS_ACCEPTED,     -450,  415, 22, 13,  0,   0, 450},
	{"5.7",           to_timeout_judge,    DEAL_TIMEOUT_JUDGE,        -470,  435, 22, 13,  0,   0, 450},
	{"5.10",          to_correct,          DEAL_MEDIATION_ACCEPTED,   -950,  515, 22, 13, 10, 390, 450},
	{"5.11",          to_job_faulty,       DEAL_MEDIATION_JOB_FAULTY, -500,  100,  0,  0, 10, 390,   0},
	{"5.12 missing",  to_not_found,        DEAL_MEDIATION_REJECTED,    100, -400,  0,  0, 10, 290,   0},
	{"5.12 status",   to_status_wrong,     DEAL_MEDIATION_REJECTED,    100, -400,  0,  0, 10, 290,   0},
	{"5.12 output",   to_result_wrong,     DEAL_MEDIATION_REJECTED,    100, -400,  0,  0, 10, 290,   0},
	{"5.12 charged",  to_too_much,         DEAL_MEDIATION_REJECTED,    100, -400,  0,  0, 10, 290,   0},
	{"5.13 silence",  to_timeout_mediate,  DEAL_TIMEOUT_MEDIATE,      -225,  225,  0,  0,  0,   0, 225},
	{"5.13 pass",     to_passed,           DEAL_TIMEOUT_MEDIATE,      -225,  225,  0,  0,  0,   0, 225},
};
/* clang-format on */

static void same_row(const struct row *r, const struct play *p)
{
	const int64_t is[] = {change(p, JC), change(p, RP), change(p, AUTHOR), change(p, SOLVER),
	        change(p, MEDIATOR), sink_of(p)};
	const int64_t must[] = {r->jc, r->rp, r->author, r->solver, r->mediator, r->sink};

	for (size_t i = 0; i < COUNT(is); i++) {
		if (is[i] != must[i])
			fail_msg("row %s, column %zu: %lld, not %lld", r->row, i, (long long)is[i],
			        (long long)must[i]);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play p;
		struct deal d;
		struct hash id;
		struct ledger_totals t;

		play_init(&p);
		d = play_deal(&p, 1);
		id = play_id(deal_record(), &d);
		rows[i].play(&p, &d);
		same_row(&rows[i], &p);
		ledger_totals(p.l, &t);
		assert_int_equal(small(t.locked), 0);
		assert_int_equal(state_of(&p, &id), rows[i].to);
		assert_int_equal(p.ev.to, rows[i].to);
		assert_int_equal(p.ev.deadline.s, 0);
		assert_int_equal(small(p.ev.amount), rows[i].paid);
		play_done(&p);
	}
}

/* The event tells the balances of all that it touched, as they are afterwards. */
static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play p;
		struct deal d;
		unsigned sinks = 0;

		play_init(&p);
		d = play_deal(&p, 1);
		rows[i].play(&p, &d);
		for (uint32_t k = 0; k < p.ev.changes_n; k++) {
			const struct balance_change *c = &p.ev.changes[k];
			struct ledger_account a;

			ledger_account(p.l, &c->account, p.now, &a);
			assert_true(amount_eq(a.free, c->free));
			assert_true(amount_eq(a.locked, c->locked));
			assert_true(amount_eq(a.withdrawing, c->withdrawing));
			assert_int_equal(a.send_nonce, c->send_nonce);
			sinks += addr_is_zero(&c->account);
		}
		assert_int_equal(sinks, rows[i].sink != 0);
		assert_true(p.ev.changes_n >= 2);
		play_done(&p);
	}
}

/* ---- odd units and shares ----------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	uint16_t roy, sol;
	int64_t rp, author, solver; /* of a COST of 7, and of 999 */
	int64_t rp999, author999, solver999;
} shares[] = {
	{0,     0, 7, 0, 0, 999,   0,   0},
	{333, 333, 3, 2, 2, 335, 332, 332},
	{500, 500, 1, 3, 3,   1, 499, 499},
	{1,   999, 1, 0, 6,   1,   0, 998},
	{1000,  0, 0, 7, 0,   0, 999,   0},
	{0,  1000, 0, 0, 7,   0,   0, 999},
};
/* clang-format on */

static struct deal shared_deal(const struct play *p, size_t i, uint64_t cost)
{
	struct deal d = play_deal(p, 1);

	d.hot.royalty = shares[i].roy;
	d.hot.solver_share = shares[i].sol;
	d.hot.base = amount_of(cost);
	d.hot.per_instruction = d.hot.per_byte = amount_of(0);
	return d;
}

static void test_shares(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(shares); i++) {
		bool large = i >= COUNT(shares);
		size_t k = i % COUNT(shares);
		struct play p;
		struct deal d;

		play_init(&p);
		d = shared_deal(&p, k, large ? 999 : 7);
		to_accepted(&p, &d);
		assert_int_equal(change(&p, RP), large ? shares[k].rp999 : shares[k].rp);
		assert_int_equal(
		        change(&p, AUTHOR), large ? shares[k].author999 : shares[k].author);
		assert_int_equal(
		        change(&p, SOLVER), large ? shares[k].solver999 : shares[k].solver);
		assert_int_equal(change(&p, JC), large ? -999 : -7);
		play_done(&p);
		/* P20: no shares of half a payment. */
		play_init(&p);
		d = shared_deal(&p, k, 7);
		to_timeout_mediate(&p, &d);
		assert_int_equal(change(&p, RP), 3);
		assert_int_equal(change(&p, JC), -3);
		assert_int_equal(change(&p, AUTHOR), 0);
		play_done(&p);
	}
}

/* A share without an account goes to RP with the remainder. */
static void test_share_of_nobody(void **state)
{
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	d.hot.author = (struct addr){{0}};
	d.hot.solver = (struct addr){{0}};
	to_accepted(&p, &d);
	assert_int_equal(change(&p, RP), 450);
	assert_int_equal(sink_of(&p), 0);
	play_done(&p);
}

/* Everybody may be everybody, where 5.14 does not forbid it. */
static void test_one_account_in_many_parts(void **state)
{
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	d.hot.author = d.hot.solver = p.who[RP];
	to_correct(&p, &d);
	assert_int_equal(change(&p, RP), 550);
	play_done(&p);
	play_init(&p);
	d = play_deal(&p, 1);
	d.hot.author = p.who[MEDIATOR];
	d.hot.solver = p.who[JC];
	to_correct(&p, &d);
	assert_int_equal(change(&p, MEDIATOR), 32);
	assert_int_equal(change(&p, JC), -950 + 13);
	play_done(&p);
}

/* M11: the largest count at the largest price saturates at PAY, and the deal still ends. */
static void test_cost_saturates(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	d.hot.base = d.hot.per_instruction = d.hot.per_byte = big(TWO_96_LESS_1);
	d.hot.instruction_limit = d.hot.byte_limit = UINT64_MAX;
	id = opened(&p, &d);
	play_result(&p, &id, UINT64_MAX, UINT64_MAX);
	applies(&p);
	assert_int_equal(small(ledger_agreement(p.l, &id)->cost), 1000);
	timed_out(&p, &id);
	assert_int_equal(change(&p, JC), -1020);
	play_done(&p);
}

/* A ledger that holds 2^96 - 1, all of it in one deal. */
static void test_largest_amounts(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;
	struct amount rest;

	(void)state;
	play_init(&p);
	assert_true(amount_sub(big(TWO_96_LESS_1), amount_of(PARTIES * 1000000), &rest));
	p.a = (struct action){.body.mint = {.to = p.who[JC], .amount = rest}};
	play_send(&p, OPERATOR, SEND_MINT, mint_record(), &p.a.body);
	applies(&p);
	p.a = (struct action){.body.mint = {.to = p.who[JC], .amount = amount_of(1)}};
	play_send(&p, OPERATOR, SEND_MINT, mint_record(), &p.a.body);
	refused(&p, E_RANGE);
	d = play_deal(&p, 1);
	d.hot.pay = rest;
	id = opened(&p, &d);
	play_result(&p, &id, COUNT_, BYTES_);
	applies(&p);
	timed_out(&p, &id);
	/* Amounts beyond a document's are refused, whoever builds the action. */
	d = play_deal(&p, 2);
	assert_true(amount_add(big(TWO_96_LESS_1), amount_of(1), &d.hot.pay));
	play_open(&p, &d);
	refused(&p, E_RANGE);
	d = play_deal(&p, 2);
	d.hot.pay = d.hot.job_bond = big(TWO_96_LESS_1);
	play_open(&p, &d);
	refused(&p, E_FUNDS);
	d = play_deal(&p, 2);
	d.hot.fee = d.hot.damages = big(TWO_96_LESS_1);
	play_open(&p, &d);
	refused(&p, E_BONDS);
	play_done(&p);
}

/* M10: shares of a COST of 0 and 1 never exceed it. */
static void test_m10_shares(void **state)
{
	(void)state;
	for (uint64_t cost = 0; cost < 2; cost++) {
		struct play p;
		struct deal d;

		play_init(&p);
		d = shared_deal(&p, 2, cost);
		to_accepted(&p, &d);
		assert_int_equal(change(&p, RP), (int64_t)cost);
		assert_int_equal(change(&p, AUTHOR) + change(&p, SOLVER), 0);
		play_done(&p);
	}
}

/* ---- states ------------------------------------------------------------------------------------- */

/* No action but the ones of its row leaves a state. */
static void test_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct play p;
		struct deal d;
		struct hash id, h;

		play_init(&p);
		d = play_deal(&p, 1);
		id = play_id(deal_record(), &d);
		rows[i].play(&p, &d);
		h = play_result_hash(&id, 7, 7);
		play_result(&p, &id, 7, 7);
		refused(&p, E_STATE);
		play_accept(&p, &id, 7, 7, true);
		refused(&p, E_STATE);
		play_check(&p, &id, &h);
		refused(&p, E_STATE);
		play_verdict(&p, &d, RULING_RESULT_CORRECT);
		p.a.verdict.salt.b[0] = 1;
		play_sign(&p, MEDIATOR, verdict_record(), &p.a.verdict, &p.a.doc_sig);
		refused(&p, E_STATE);
		play_pass(&p, &d);
		p.a.pass.round = 1;
		refused(&p, E_STATE);
		play_decline(&p, &id);
		p.a.decline.reason = REASON_OUT_OF_TIME;
		refused(&p, E_STATE);
		play_cancel(&p, &id, p.now.s + 77);
		refused(&p, E_STATE);
		/* M8: final states absorb. */
		if (rows[i].to == DEAL_TIMEOUT_AGREE || rows[i].play == to_cancelled_early) {
			play_open(&p, &d);
			refused(&p, E_STATE);
			play_agree(&p, RP, &d);
			refused(&p, E_STATE);
		} else {
			play_open(&p, &d);
			repeated(&p);
		}
		play_done(&p);
	}
}

/* ---- with real signatures ----------------------------------------------------------------------- */

static void real_sign(struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	struct seckey k = {{0}};
	bool ok;

	k.b[31] = (uint8_t)(by + 1);
	ok = secp_sign(&k, digest, out, &p->e);
	assert_true(ok);
}

static void real_init(struct play *p)
{
	memset(p, 0, sizeof *p);
	for (int i = 0; i < PARTIES; i++) {
		struct seckey k = {{0}};

		k.b[31] = (uint8_t)(i + 1);
		assert_true(seckey_addr(&k, &p->who[i], &p->e));
	}
	p->sign = real_sign;
	play_genesis(p);
	assert_true(ledger_new(&p->genesis, NULL, &p->l, &p->e));
}

static void test_real_signatures(void **state)
{
	struct play p, q;
	struct deal d;

	(void)state;
	real_init(&p);
	d = play_deal(&p, 1);
	ruled(&p, &d, RULING_RESULT_WRONG);
	d = play_deal(&p, 2);
	play_open(&p, &d);
	p.a.rp_sig.b[7] ^= 1;
	refused(&p, E_SIGNATURE);
	/* 2.0.1: a signature for one ledger is worthless on another. */
	real_init(&q);
	q.l = ledger_free(q.l);
	q.genesis.time.s++;
	assert_true(ledger_new(&q.genesis, NULL, &q.l, &q.e));
	play_open(&p, &d);
	q.now.s = p.now.s + 5;
	q.a = p.a;
	refused(&q, E_SIGNATURE);
	applies(&p);
	play_done(&p);
	play_done(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows),
	        cmocka_unit_test(test_changes),
	        cmocka_unit_test(test_shares),
	        cmocka_unit_test(test_share_of_nobody),
	        cmocka_unit_test(test_one_account_in_many_parts),
	        cmocka_unit_test(test_cost_saturates),
	        cmocka_unit_test(test_largest_amounts),
	        cmocka_unit_test(test_m10_shares),
	        cmocka_unit_test(test_states),
	        cmocka_unit_test(test_real_signatures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
