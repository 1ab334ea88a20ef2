/* ledger_test.c - protocol 5 to the unit: every row, every refusal, every deadline at its instant, and the
 * attacks of both rounds that touch escrow with a single mediator. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/secp.h"
#include "ledger/ledger_play.h"

/* COST of the standard deal at 100 instructions and 50 bytes: 450; ROY 22, SOL 13. */
enum { COUNT_ = 100, BYTES_ = 50, PARTY_START = 1000000 };

static void applies(struct play *p)
{
	struct err e;

	if (!play_do(p))
		fail_msg("%s: %s", err_name(p->e.code), p->e.msg);
	assert_int_equal(p->n, 1);
	if (!ledger_check(p->l, &e))
		fail_msg("%s", e.msg);
	if (p->a.kind == ACTION_SEND) {
		for (int i = 0; i < PARTIES; i++)
			p->sends[i] += addr_eq(&p->who[i], &p->a.send.account);
	}
}

/* A refusal changes nothing. */
static void refused(struct play *p, enum err_code code)
{
	struct ledger_totals before, after;
	uint64_t seq = ledger_seq(p->l);
	struct err e;

	ledger_totals(p->l, &before);
	if (play_do(p))
		fail_msg("accepted where %s was expected", err_name(code));
	if (p->e.code != code)
		fail_msg("%s where %s was expected: %s", err_name(p->e.code), err_name(code),
		        p->e.msg);
	ledger_totals(p->l, &after);
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(ledger_seq(p->l), seq);
	assert_true(ledger_check(p->l, &e));
}

/* A repetition: no event, no error, no effect. */
static void repeated(struct play *p)
{
	struct ledger_totals before, after;

	ledger_totals(p->l, &before);
	if (!play_do(p))
		fail_msg("%s: %s", err_name(p->e.code), p->e.msg);
	assert_int_equal(p->n, 0);
	ledger_totals(p->l, &after);
	assert_memory_equal(&before, &after, sizeof before);
}

static int64_t small(struct amount a)
{
	char text[AMOUNT_DEC_MAX];
	uint64_t v;

	amount_format(a, text);
	assert_true(str_u64(str_of(text), INT64_MAX, &v));
	return (int64_t)v;
}

static int64_t free_of(const struct play *p, enum who who)
{
	struct ledger_account a;

	ledger_account(p->l, &p->who[who], p->now, &a);
	return small(a.free);
}

static int64_t sink_of(const struct play *p)
{
	struct ledger_totals t;

	ledger_totals(p->l, &t);
	return small(t.sink);
}

static unsigned state_of(const struct play *p, const struct hash *id)
{
	const struct agreement *d = ledger_agreement(p->l, id);

	return d ? d->state : 0;
}

/* ---- every row ---------------------------------------------------------------------------------- */

static struct hash opened(struct play *p, const struct deal *d)
{
	play_open(p, d);
	applies(p);
	return play_id(deal_record(), d);
}

static struct hash submitted(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	play_result(p, &id, COUNT_, BYTES_);
	applies(p);
	return id;
}

static struct hash checked(struct play *p, const struct deal *d)
{
	struct hash id = submitted(p, d), h = play_result_hash(&id, COUNT_, BYTES_);

	play_check(p, &id, &h);
	applies(p);
	return id;
}

static void timed_out(struct play *p, const struct hash *id)
{
	p->now = ledger_agreement(p->l, id)->deadline;
	play_timeout(p, id);
	applies(p);
}

static void to_timeout_agree(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	play_agree(p, JC, d);
	applies(p);
	timed_out(p, &id);
}

static void to_cancelled_early(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	play_agree(p, JC, d);
	applies(p);
	play_cancel(p, &id, p->now.s + 1);
	applies(p);
}

static void to_cancelled(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	play_cancel(p, &id, p->now.s + 1);
	applies(p);
}

static void to_timeout_submit(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	timed_out(p, &id);
}

static void to_declined(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	play_decline(p, &id);
	applies(p);
}

static void to_accepted(struct play *p, const struct deal *d)
{
	struct hash id = submitted(p, d);

	play_accept(p, &id, COUNT_, BYTES_, false);
	applies(p);
}

static void to_accepted_at_once(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	play_accept(p, &id, COUNT_, BYTES_, true);
	applies(p);
	assert_int_equal(p->ev.from, DEAL_AGREED);
}

static void to_timeout_judge(struct play *p, const struct deal *d)
{
	struct hash id = submitted(p, d);

	timed_out(p, &id);
}

static void to_timeout_mediate(struct play *p, const struct deal *d)
{
	struct hash id = checked(p, d);

	timed_out(p, &id);
}

static void to_passed(struct play *p, const struct deal *d)
{
	checked(p, d);
	play_pass(p, d);
	applies(p);
}

static void ruled(struct play *p, const struct deal *d, unsigned ruling)
{
	checked(p, d);
	play_verdict(p, d, ruling);
	applies(p);
}

static void to_job_faulty(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_JOB_FAULTY);
}

static void to_not_found(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_RESULT_NOT_FOUND);
}

static void to_status_wrong(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_STATUS_WRONG);
}

static void to_result_wrong(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_RESULT_WRONG);
}

static void to_too_much(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_TOO_MUCH_CHARGED);
}

static void to_correct(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_RESULT_CORRECT);
}

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

static int64_t change(const struct play *p, enum who who)
{
	return free_of(p, who) - PARTY_START;
}

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

static struct amount big(const char *dec)
{
	struct amount a;

	assert_true(amount_parse(str_of(dec), &a));
	return a;
}

#define TWO_96_LESS_1 "79228162514264337593543950335"

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

/* ---- 5.14, in its order ------------------------------------------------------------------------- */

static void even_seats(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.seats = 2;
}

static void no_seats_exact(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.seats = 0;
	d->hot.mediation = MEDIATION_NONE;
	d->cold.mediators.n = 0;
}

static void seats_in_none(struct play *p, struct deal *d)
{
	(void)p;
	d->cold.determinism = DETERMINISM_NONE;
}

static void seats_without_mediation(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.mediation = MEDIATION_NONE;
}

static void job_bond_below_cj(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.late_judge = amount_of(501);
}

static void job_bond_below_dispute(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.job_bond = amount_of(109);
}

static void result_bond_below_cs(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.late_submit = amount_of(401);
}

static void result_bond_below_dispute(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.result_bond = amount_of(109);
}

static void plain(struct play *p, struct deal *d)
{
	no_seats_exact(p, d);
	d->cold.determinism = DETERMINISM_NONE;
	d->hot.job_bond = d->hot.late_judge;
	d->hot.result_bond = d->hot.late_submit;
}

static void plain_appeal(struct play *p, struct deal *d)
{
	plain(p, d);
	d->hot.appeal = 1;
}

static void plain_cj(struct play *p, struct deal *d)
{
	plain(p, d);
	d->hot.late_judge = amount_of(21);
}

static void plain_cs(struct play *p, struct deal *d)
{
	plain(p, d);
	d->hot.late_submit = amount_of(31);
}

static void plain_names(struct play *p, struct deal *d)
{
	plain(p, d);
	d->cold.mediators.n = 1;
}

static void shares_above(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.royalty = 971;
}

static void shares_wrap(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.royalty = d->hot.solver_share = 32768 + 400;
}

static void agree_below_min(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.agree_timeout.s = 59;
}

static void mediate_below_min(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.mediate_timeout.s = 59;
}

static void clocks_above_life(struct play *p, struct deal *d)
{
	(void)p;
	/* 100 + 9101 + 2 · 100 + 6 · 100 = 10 001 */
	d->hot.submit_timeout.s = 9101;
}

static void clocks_wrap(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.submit_timeout.s = BTIME_MAX;
}

static void too_late(struct play *p, struct deal *d)
{
	d->hot.open_by = p->now;
}

static void nonce_used(struct play *p, struct deal *d)
{
	struct deal other = *d;

	other.hot.base = amount_of(1);
	opened(p, &other);
}

static void nonce_burnt(struct play *p, struct deal *d)
{
	p->a = (struct action){.body.nonce_cancel.nonce = d->hot.nonce};
	play_send(p, JC, SEND_CANCEL_NONCE, nonce_cancel_record(), &p->a.body);
	applies(p);
}

static void two_mediators(struct play *p, struct deal *d)
{
	d->cold.mediators.n = 2;
	d->cold.mediators.v[1] = p->who[MALLORY];
}

static void no_mediator(struct play *p, struct deal *d)
{
	(void)p;
	d->cold.mediators.n = 0;
}

static void mediator_is_jc(struct play *p, struct deal *d)
{
	d->cold.mediators.v[0] = p->who[JC];
}

static void mediator_is_rp(struct play *p, struct deal *d)
{
	d->cold.mediators.v[0] = p->who[RP];
}

static void mediator_is_solver(struct play *p, struct deal *d)
{
	d->cold.mediators.v[0] = p->who[SOLVER];
}

static void mediator_is_nobody(struct play *p, struct deal *d)
{
	(void)p;
	d->cold.mediators.v[0] = (struct addr){{0}};
}

static void single_with_three(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.seats = 3;
}

static void single_with_appeal(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.appeal = 1;
}

static void jc_poor(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.pay = amount_of(PARTY_START);
}

static void rp_poor(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.result_bond = amount_of(PARTY_START + 1);
}

static void in_channel(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.channel.b[3] = 1;
}

static void consortium(struct play *p, struct deal *d)
{
	(void)p;
	d->hot.mediation = MEDIATION_CONSORTIUM;
}

static void unknown_class(struct play *p, struct deal *d)
{
	(void)p;
	d->cold.determinism = 9;
}

/* Two faults: the first clause is the error. */
static void poor_and_even(struct play *p, struct deal *d)
{
	jc_poor(p, d);
	even_seats(p, d);
}

static void even_and_bonds(struct play *p, struct deal *d)
{
	even_seats(p, d);
	job_bond_below_cj(p, d);
}

static void bonds_and_shares(struct play *p, struct deal *d)
{
	job_bond_below_cj(p, d);
	shares_above(p, d);
}

static void shares_and_clocks(struct play *p, struct deal *d)
{
	shares_above(p, d);
	agree_below_min(p, d);
}

static void clocks_and_late(struct play *p, struct deal *d)
{
	agree_below_min(p, d);
	too_late(p, d);
}

static void late_and_used(struct play *p, struct deal *d)
{
	nonce_used(p, d);
	too_late(p, d);
}

static void used_and_mediator(struct play *p, struct deal *d)
{
	nonce_used(p, d);
	mediator_is_jc(p, d);
}

/* clang-format off */
static const struct {
	void (*spoil)(struct play *p, struct deal *d);
	enum err_code code;
} refusals[] = {
	{even_seats, E_PANEL}, {no_seats_exact, E_PANEL}, {seats_in_none, E_PANEL},
	{seats_without_mediation, E_PANEL},
	{job_bond_below_cj, E_BONDS}, {job_bond_below_dispute, E_BONDS},
	{result_bond_below_cs, E_BONDS}, {result_bond_below_dispute, E_BONDS},
	{plain_appeal, E_PANEL}, {plain_cj, E_BONDS}, {plain_cs, E_BONDS}, {plain_names, E_PANEL},
	{shares_above, E_SHARES}, {shares_wrap, E_SHARES},
	{agree_below_min, E_CLOCKS}, {mediate_below_min, E_CLOCKS}, {clocks_above_life, E_CLOCKS},
	{clocks_wrap, E_CLOCKS}, {too_late, E_TOO_LATE}, {nonce_used, E_NONCE}, {nonce_burnt, E_NONCE},
	{two_mediators, E_PANEL}, {no_mediator, E_PANEL}, {mediator_is_jc, E_PANEL},
	{mediator_is_rp, E_PANEL}, {mediator_is_solver, E_PANEL}, {mediator_is_nobody, E_PANEL},
	{single_with_three, E_PANEL}, {single_with_appeal, E_PANEL},
	{jc_poor, E_FUNDS}, {rp_poor, E_FUNDS},
	{in_channel, E_STATE}, {consortium, E_STATE}, {unknown_class, E_RANGE},
	{poor_and_even, E_FUNDS}, {even_and_bonds, E_PANEL}, {bonds_and_shares, E_BONDS},
	{shares_and_clocks, E_SHARES}, {clocks_and_late, E_CLOCKS}, {late_and_used, E_TOO_LATE},
	{used_and_mediator, E_NONCE},
};
/* clang-format on */

/* By `open` and by the JC's `agree` alike; what RP lacks is not asked when the JC agrees. */
static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(refusals); i++) {
		size_t k = i % COUNT(refusals);
		struct play p;
		struct deal d;

		play_init(&p);
		d = play_deal(&p, 1);
		refusals[k].spoil(&p, &d);
		if (i < COUNT(refusals)) {
			play_open(&p, &d);
			refused(&p, refusals[k].code);
		} else if (refusals[k].spoil != rp_poor) {
			play_agree(&p, JC, &d);
			refused(&p, refusals[k].code);
		}
		play_done(&p);
	}
}

static void test_jc_is_rp(void **state)
{
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	d.hot.provider = p.who[JC];
	play_open(&p, &d);
	play_sign(&p, JC, deal_record(), &d, &p.a.rp_sig);
	refused(&p, E_PARTY);
	play_done(&p);
}

/* Bonds that just cover, LIFE just met, shares that are everything. */
static void test_edges_open(void **state)
{
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	d.hot.job_bond = d.hot.result_bond = amount_of(110);
	d.hot.royalty = 970;
	d.hot.submit_timeout.s = 9100;
	d.hot.open_by.s = p.now.s + 1;
	opened(&p, &d);
	d = play_deal(&p, 2);
	plain(&p, &d);
	to_accepted(&p, &d);
	play_done(&p);
}

/* ---- who, when, in which state ------------------------------------------------------------------ */

static void spoil_sig(struct sig *s)
{
	s->b[0] ^= 0x55;
}

/* Every document with a signature of somebody else. */
static void test_signers(void **state)
{
	struct play p;
	struct deal d;
	struct hash id, h;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	play_open(&p, &d);
	spoil_sig(&p.a.jc_sig);
	refused(&p, E_SIGNATURE);
	play_open(&p, &d);
	p.a.rp_sig = p.a.jc_sig;
	refused(&p, E_SIGNATURE);
	play_open(&p, &d);
	p.a.rp_sig.n = 0;
	refused(&p, E_SIGNATURE);
	id = opened(&p, &d);
	play_cancel(&p, &id, p.now.s + 10);
	p.a.rp_sig = p.a.jc_sig;
	refused(&p, E_SIGNATURE);
	play_decline(&p, &id);
	play_sign(&p, JC, decline_record(), &p.a.decline, &p.a.doc_sig);
	refused(&p, E_SIGNATURE);
	play_accept(&p, &id, COUNT_, BYTES_, true);
	spoil_sig(&p.a.result_sig);
	refused(&p, E_SIGNATURE);
	play_result(&p, &id, COUNT_, BYTES_);
	spoil_sig(&p.a.result_sig);
	refused(&p, E_SIGNATURE);
	play_result(&p, &id, COUNT_, BYTES_);
	applies(&p);
	play_accept(&p, &id, COUNT_, BYTES_, false);
	play_sign(&p, RP, acceptance_record(), &p.a.acceptance, &p.a.doc_sig);
	refused(&p, E_SIGNATURE);
	h = play_result_hash(&id, COUNT_, BYTES_);
	play_check(&p, &id, &h);
	play_sign(&p, MALLORY, check_record(), &p.a.check, &p.a.doc_sig);
	refused(&p, E_SIGNATURE);
	play_check(&p, &id, &h);
	applies(&p);
	play_verdict(&p, &d, RULING_RESULT_CORRECT);
	play_sign(&p, RP, verdict_record(), &p.a.verdict, &p.a.doc_sig);
	refused(&p, E_SIGNATURE);
	play_verdict(&p, &d, RULING_RESULT_CORRECT);
	p.a.verdict.mediator = p.who[RP];
	play_sign(&p, RP, verdict_record(), &p.a.verdict, &p.a.doc_sig);
	refused(&p, E_PARTY);
	play_verdict(&p, &d, RULING_RESULT_CORRECT);
	p.a.deal.cold.mediators.v[0] = p.who[MALLORY];
	refused(&p, E_CONFLICT);
	play_verdict(&p, &d, RULING_RESULT_CORRECT);
	p.a.verdict.round = 1;
	play_sign(&p, MEDIATOR, verdict_record(), &p.a.verdict, &p.a.doc_sig);
	refused(&p, E_RANGE);
	play_verdict(&p, &d, RULING_CANNOT_RULE);
	refused(&p, E_RANGE);
	play_pass(&p, &d);
	spoil_sig(&p.a.doc_sig);
	refused(&p, E_SIGNATURE);
	play_done(&p);
}

/* 4.1: at the instant of the deadline it is too late for the party and open to everybody: never both,
 * never neither. prepare makes the party's action. */
static void test_instants(void **state)
{
	enum { RESULT, DECLINE, ACCEPT_EARLY, ACCEPT, CHECK, VERDICT, PASS, KINDS };

	(void)state;
	for (int i = 0; i < KINDS * 3; i++) {
		int kind = i / 3, when = i % 3;
		struct play p;
		struct deal d;
		struct hash id, h;

		play_init(&p);
		d = play_deal(&p, 1);
		id = play_id(deal_record(), &d);
		h = play_result_hash(&id, COUNT_, BYTES_);
		if (kind <= ACCEPT_EARLY)
			opened(&p, &d);
		else if (kind <= CHECK)
			submitted(&p, &d);
		else
			checked(&p, &d);
		p.now.s = ledger_agreement(p.l, &id)->deadline.s - 1 + (uint64_t)when;
		play_timeout(&p, &id);
		if (when == 0)
			refused(&p, E_TOO_EARLY);
		switch (kind) {
		case RESULT: play_result(&p, &id, COUNT_, BYTES_); break;
		case DECLINE: play_decline(&p, &id); break;
		case ACCEPT_EARLY: play_accept(&p, &id, COUNT_, BYTES_, true); break;
		case ACCEPT: play_accept(&p, &id, COUNT_, BYTES_, false); break;
		case CHECK: play_check(&p, &id, &h); break;
		case VERDICT: play_verdict(&p, &d, RULING_RESULT_WRONG); break;
		default: play_pass(&p, &d); break;
		}
		if (when == 0) {
			applies(&p);
		} else {
			refused(&p, E_TOO_LATE);
			play_timeout(&p, &id);
			applies(&p);
			repeated(&p);
		}
		play_done(&p);
	}
}

/* 5.2: agree timeout or openBy, whichever is first; P17: no instant belongs to nobody. */
static void test_agree_instants(void **state)
{
	static const uint64_t open_by[] = {1000, 70};

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(open_by); i++) {
		uint64_t due = MIN2(open_by[i / 2], (uint64_t)100);
		struct play p;
		struct deal d;
		struct hash id;

		play_init(&p);
		d = play_deal(&p, 1);
		d.hot.open_by.s = p.now.s + open_by[i / 2];
		id = play_id(deal_record(), &d);
		play_agree(&p, JC, &d);
		applies(&p);
		assert_int_equal(p.ev.deadline.s, p.now.s + due);
		p.now.s += due - 1;
		play_timeout(&p, &id);
		refused(&p, E_TOO_EARLY);
		if (i % 2) {
			play_agree(&p, RP, &d);
			applies(&p);
			assert_int_equal(state_of(&p, &id), DEAL_AGREED);
		} else {
			p.now.s++;
			play_agree(&p, RP, &d);
			refused(&p, E_TOO_LATE);
			play_open(&p, &d);
			refused(&p, E_TOO_LATE);
			play_timeout(&p, &id);
			applies(&p);
		}
		play_done(&p);
	}
}

/* The JC has agreed; RP's signature under the deal, carried by anyone, is its agree. */
static void test_open_after_agree(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	id = play_id(deal_record(), &d);
	play_agree(&p, JC, &d);
	applies(&p);
	assert_int_equal(change(&p, JC), -1500);
	play_open(&p, &d);
	applies(&p);
	assert_int_equal(change(&p, JC), -1500);
	assert_int_equal(change(&p, RP), -400);
	assert_int_equal(state_of(&p, &id), DEAL_AGREED);
	play_done(&p);
}

/* RP's bond is looked at when RP agrees. */
static void test_agree_without_bond(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	rp_poor(&p, &d);
	id = play_id(deal_record(), &d);
	play_agree(&p, JC, &d);
	applies(&p);
	play_agree(&p, RP, &d);
	refused(&p, E_FUNDS);
	play_open(&p, &d);
	refused(&p, E_FUNDS);
	timed_out(&p, &id);
	play_done(&p);
}

static void test_limits(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	id = opened(&p, &d);
	play_result(&p, &id, 1001, 0);
	refused(&p, E_LIMITS);
	play_result(&p, &id, 0, 501);
	refused(&p, E_LIMITS);
	play_accept(&p, &id, 1001, 0, true);
	refused(&p, E_LIMITS);
	play_result(&p, &id, 1000, 500);
	p.a.result.status = 99;
	refused(&p, E_RANGE);
	play_result(&p, &id, 1000, 500);
	applies(&p);
	play_done(&p);
}

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

static void test_unknown_deal(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	id = play_id(deal_record(), &d);
	play_timeout(&p, &id);
	refused(&p, E_NOT_FOUND);
	play_result(&p, &id, 1, 1);
	refused(&p, E_NOT_FOUND);
	play_verdict(&p, &d, RULING_RESULT_CORRECT);
	refused(&p, E_NOT_FOUND);
	p.a = (struct action){.kind = ACTION_REDEEM};
	refused(&p, E_STATE);
	assert_non_null(strstr(p.e.msg, "channels are not offered by this ledger yet"));
	p.a = (struct action){.kind = 99};
	refused(&p, E_RANGE);
	play_done(&p);
}

/* 4.3: each action that is on the ledger, once more, now and at the end. */
static void test_repetition(void **state)
{
	struct action done[8];
	struct play p;
	struct deal d;
	struct hash id, h;
	size_t n = 0;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	id = play_id(deal_record(), &d);
	h = play_result_hash(&id, COUNT_, BYTES_);
	play_agree(&p, JC, &d);
	done[n++] = p.a;
	applies(&p);
	play_agree(&p, RP, &d);
	done[n++] = p.a;
	applies(&p);
	play_open(&p, &d);
	done[n++] = p.a;
	repeated(&p);
	play_result(&p, &id, COUNT_, BYTES_);
	done[n++] = p.a;
	applies(&p);
	play_check(&p, &id, &h);
	done[n++] = p.a;
	applies(&p);
	play_verdict(&p, &d, RULING_RESULT_WRONG);
	done[n++] = p.a;
	applies(&p);
	for (size_t i = 0; i < n; i++) {
		p.a = done[i];
		repeated(&p);
	}
	play_done(&p);
}

/* ---- attacks ------------------------------------------------------------------------------------ */

/* M8: a deal goes stale, and one job offer opens one deal. */
static void test_m8_stale(void **state)
{
	struct play p;
	struct deal d, other;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	play_open(&p, &d);
	p.now.s += 30 * 86400;
	refused(&p, E_TOO_LATE);
	d = play_deal(&p, 1);
	other = d;
	other.hot.provider = p.who[MALLORY];
	opened(&p, &d);
	play_open(&p, &other);
	play_sign(&p, MALLORY, deal_record(), &other, &p.a.rp_sig);
	refused(&p, E_NONCE);
	/* Not after the end of the first one either. */
	p.now.s += 200;
	play_timeout(&p, &(struct hash){{0}});
	p.a.deal_id = play_id(deal_record(), &d);
	applies(&p);
	other.hot.open_by.s = p.now.s + 100;
	play_open(&p, &other);
	play_sign(&p, MALLORY, deal_record(), &other, &p.a.rp_sig);
	refused(&p, E_NONCE);
	play_done(&p);
}

/* M9: RP carries the JC's signed deal to lock the JC alone. */
static void test_m9_hostage(void **state)
{
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	play_open(&p, &d);
	p.a.rp_sig = (struct sig){0};
	refused(&p, E_SIGNATURE);
	/* As the JC's agree: only the JC can sign a Send for itself. */
	play_agree(&p, JC, &d);
	play_sign(&p, RP, send_record(), &p.a.send, &p.a.send_sig);
	refused(&p, E_SIGNATURE);
	play_agree(&p, MALLORY, &d);
	refused(&p, E_PARTY);
	assert_int_equal(change(&p, JC), 0);
	play_done(&p);
}

/* P13: Mallory agrees first to take the key (victim, nonce). */
static void test_p13_squat(void **state)
{
	struct play p;
	struct deal d, squat;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	squat = d;
	squat.hot.provider = p.who[MALLORY];
	plain(&p, &squat);
	play_agree(&p, MALLORY, &squat);
	refused(&p, E_STATE);
	assert_false(ledger_nonce_used(p.l, &p.who[JC], 1));
	opened(&p, &d);
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

/* M15: without a panel there is no check. */
static void test_m15_no_panel(void **state)
{
	struct play p;
	struct deal d;
	struct hash id, h;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	plain(&p, &d);
	id = submitted(&p, &d);
	h = play_result_hash(&id, COUNT_, BYTES_);
	play_check(&p, &id, &h);
	refused(&p, E_PANEL);
	timed_out(&p, &id);
	play_done(&p);
}

/* M3: an honest decline before the deadline costs Cs, not RB, and is not judged. A9: RP signs two results;
 * the JC is held to neither the one it did not see nor to a dispute. */
static void test_a9_two_results(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	id = opened(&p, &d);
	play_result(&p, &id, 200, 100);
	applies(&p);
	play_accept(&p, &id, COUNT_, BYTES_, false);
	refused(&p, E_RESULT);
	play_accept(&p, &id, COUNT_, BYTES_, true);
	p.a.result.count++;
	refused(&p, E_RESULT);
	play_accept(&p, &id, COUNT_, BYTES_, true);
	applies(&p);
	assert_int_equal(change(&p, JC), -450);
	repeated(&p);
	play_result(&p, &id, 200, 100);
	repeated(&p);
	play_done(&p);
}

static void test_accept_needs_result(void **state)
{
	struct play p;
	struct deal d, other;
	struct hash id, id2, h;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	other = play_deal(&p, 2);
	id = opened(&p, &d);
	id2 = submitted(&p, &other);
	play_accept(&p, &id, COUNT_, BYTES_, false);
	refused(&p, E_RESULT);
	/* A result of another deal, signed by RP. */
	play_result(&p, &id2, COUNT_, BYTES_);
	p.a.kind = ACTION_ACCEPT;
	p.a.acceptance = (struct acceptance){id, play_result_hash(&id2, COUNT_, BYTES_)};
	play_sign(&p, JC, acceptance_record(), &p.a.acceptance, &p.a.doc_sig);
	refused(&p, E_RESULT);
	/* A check that names another result than the one submitted. */
	h = play_result_hash(&id2, 1, 1);
	play_check(&p, &id2, &h);
	refused(&p, E_RESULT);
	/* 2.6: not once it is checked. */
	h = play_result_hash(&id2, COUNT_, BYTES_);
	play_check(&p, &id2, &h);
	applies(&p);
	play_accept(&p, &id2, COUNT_, BYTES_, false);
	refused(&p, E_STATE);
	play_done(&p);
}

/* P22: a signed cancel is no option for ever. P8: a slow single mediator does not cost RP its bond. */
static void test_cancel_expires(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	id = opened(&p, &d);
	play_cancel(&p, &id, p.now.s + 50);
	p.now.s += 50;
	refused(&p, E_TOO_LATE);
	p.now.s--;
	applies(&p);
	repeated(&p);
	play_done(&p);
}

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
	play_send(&p, JC, SEND_TOP_UP, top_up_record(), &p.a.body);
	refused(&p, E_STATE);
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
	        cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_jc_is_rp),
	        cmocka_unit_test(test_edges_open),
	        cmocka_unit_test(test_signers),
	        cmocka_unit_test(test_instants),
	        cmocka_unit_test(test_agree_instants),
	        cmocka_unit_test(test_open_after_agree),
	        cmocka_unit_test(test_agree_without_bond),
	        cmocka_unit_test(test_limits),
	        cmocka_unit_test(test_states),
	        cmocka_unit_test(test_unknown_deal),
	        cmocka_unit_test(test_repetition),
	        cmocka_unit_test(test_m8_stale),
	        cmocka_unit_test(test_m9_hostage),
	        cmocka_unit_test(test_p13_squat),
	        cmocka_unit_test(test_m10_shares),
	        cmocka_unit_test(test_m15_no_panel),
	        cmocka_unit_test(test_a9_two_results),
	        cmocka_unit_test(test_accept_needs_result),
	        cmocka_unit_test(test_cancel_expires),
	        cmocka_unit_test(test_withdraw),
	        cmocka_unit_test(test_payout),
	        cmocka_unit_test(test_nonces),
	        cmocka_unit_test(test_sends),
	        cmocka_unit_test(test_stake),
	        cmocka_unit_test(test_genesis),
	        cmocka_unit_test(test_time_goes_on),
	        cmocka_unit_test(test_real_signatures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
