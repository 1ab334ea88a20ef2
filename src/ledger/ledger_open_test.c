/* ledger_open_test.c - 5.14: every clause refused, in its order, and what just fits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/ledger_expect.h"

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

static void plain_appeal(struct play *p, struct deal *d)
{
	(void)p;
	plain(d);
	d->hot.appeal = 1;
}

static void plain_cj(struct play *p, struct deal *d)
{
	(void)p;
	plain(d);
	d->hot.late_judge = amount_of(21);
}

static void plain_cs(struct play *p, struct deal *d)
{
	(void)p;
	plain(d);
	d->hot.late_submit = amount_of(31);
}

static void plain_names(struct play *p, struct deal *d)
{
	(void)p;
	plain(d);
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
	{consortium, E_STATE}, {unknown_class, E_RANGE},
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

/* What is not offered is refused before the Send is looked at. */
static void test_not_offered_first(void **state)
{
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	play_agree(&p, JC, &d);
	p.a.send.nonce++;
	refused(&p, E_SIGNATURE);
	consortium(&p, &d);
	play_agree(&p, JC, &d);
	p.a.send.nonce++;
	refused(&p, E_STATE);
	play_done(&p);
}

/* 8.3: what draws on a channel is opened by its JC alone, with RP's signature, and never by `open`. */
static void test_of_channel(void **state)
{
	struct play p;
	struct deal d;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	d.hot.channel.b[3] = 1;
	play_open(&p, &d);
	refused(&p, E_STATE);
	play_agree(&p, JC, &d);
	refused(&p, E_NOT_FOUND);
	play_done(&p);
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
	plain(&d);
	to_accepted(&p, &d);
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_not_offered_first),
	        cmocka_unit_test(test_of_channel),
	        cmocka_unit_test(test_jc_is_rp),
	        cmocka_unit_test(test_edges_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
