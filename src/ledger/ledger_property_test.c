/* ledger_property_test.c - random sequences of actions by everybody: right, hostile, repeated, out of order,
 * signed by the wrong party, at the second before a deadline, at it and after it. After every action the
 * ledger asserts 5.15 (a) to (c) on its counters; here they are checked from scratch as well, with 5.15 (d):
 * no deal is stuck, and (e): what an honest party is left with at worst.
 *
 * A sequence is a function of its number. LEDGER_SEQUENCES says how many are played; LEDGER_FIRST where to
 * begin, so that LEDGER_SEQUENCES=1 LEDGER_FIRST=n plays the one that failed. Signatures are those of
 * ledger_play.h: the ledger's verify hook makes them cost nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/draw_suite.h"
#include "ledger/ledger_play.h"

#define SEQUENCES 20000 /* in `make unit` */
#define STEPS     24
#define DEALS     3
#define KEPT      16 /* actions that may be replayed */

struct game {
	struct play p;
	uint64_t seed, number;
	enum who honest; /* JC, RP, or PARTIES: nobody */
	bool fair_rules; /* the mediator is honest, when there is an honest party */
	bool job_faulty; /* what an honest mediator rules on a right result */
	bool acting;     /* the honest party signs what it is about to send */
	struct deal deals[DEALS];
	struct hash ids[DEALS];
	bool declined; /* the honest RP declined deal 0 */
	bool late;     /* the honest RP lets others open, and never promises what it cannot do */
	bool cancels;  /* the honest party signs cancels */
	struct action kept[KEPT];
	unsigned kept_n;
	uint64_t accepted, refused;
};

static uint64_t below(struct game *g, uint64_t n)
{
	return draw(&g->seed) % n;
}

static bool chance(struct game *g, unsigned percent)
{
	return below(g, 100) < percent;
}

/* What the honest ones have not decided to sign nobody can: the signature is a stranger's. */
static void game_sign(struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	struct game *g = (struct game *)p;
	bool forged = (by == g->honest || (by == MEDIATOR && g->fair_rules)) && !g->acting;

	if (forged || (g->honest == PARTIES && chance(g, 4)))
		by = MALLORY;
	play_fake_sign(p, by, digest, out);
}

/* ---- deals -------------------------------------------------------------------------------------- */

static struct amount units(struct game *g, uint64_t max)
{
	return amount_of(chance(g, 20) ? 0 : below(g, max + 1));
}

static struct amount sum4(struct amount a, struct amount b, struct amount c, struct amount d)
{
	struct amount out;
	bool ok = amount_add(a, b, &out) && amount_add(out, c, &out) && amount_add(out, d, &out);

	assert_true(ok);
	return out;
}

static void draw_terms(struct game *g, struct hot *h)
{
	h->pay = units(g, 1001);
	h->late_judge = units(g, 31);
	h->late_submit = units(g, 31);
	h->damages = units(g, 201);
	h->fee = units(g, 15);
	h->job_bond = sum4(h->damages, h->fee, units(g, 301), h->late_judge);
	h->result_bond = sum4(h->damages, h->fee, units(g, 301), h->late_submit);
	h->base = units(g, 401);
	h->per_instruction = units(g, 5);
	h->per_byte = units(g, 3);
	h->royalty = (uint16_t)(chance(g, 50) ? below(g, 500) : 0);
	h->solver_share = (uint16_t)(chance(g, 50) ? below(g, 501) : 0);
	h->agree_timeout.s = 60 + below(g, 100);
	h->submit_timeout.s = 60 + below(g, 100);
	h->judge_timeout.s = 60 + below(g, 100);
	h->mediate_timeout.s = 60 + below(g, 100);
	h->open_by.s = g->p.now.s + 1 + below(g, 300);
}

/* One in ten is spoiled in one of its terms. */
static void spoil(struct game *g, struct deal *d)
{
	switch (below(g, 9)) {
	case 8: d->hot.result_bond = amount_of(1000001); break;
	case 0: d->hot.job_bond = amount_of(0); break;
	case 1: d->hot.royalty = 1001; break;
	case 2: d->hot.mediate_timeout.s = 59; break;
	case 3: d->hot.seats ^= 1; break;
	case 4: d->hot.submit_timeout.s = 10000; break;
	case 5: d->cold.mediators.v[0] = d->hot.solver; break;
	case 6: d->hot.pay = amount_of(1000001); break;
	default: d->hot.provider = d->hot.job_creator; break;
	}
}

static void draw_deal(struct game *g, unsigned i)
{
	struct deal *d = &g->deals[i];

	*d = play_deal(&g->p, 1 + below(g, 2));
	draw_terms(g, &d->hot);
	if (chance(g, 25)) {
		d->hot.seats = 0;
		d->hot.mediation = MEDIATION_NONE;
		d->cold.determinism = DETERMINISM_NONE;
		d->cold.mediators.n = 0;
		d->cold.mediators.v[0] = (struct addr){{0}};
	}
	if (chance(g, 10))
		d->hot.author = g->p.who[below(g, PARTIES)];
	if (chance(g, 5))
		d->hot.solver = (struct addr){{0}};
	if (chance(g, 10))
		spoil(g, d);
	/* An honest party's only deal is the first one. */
	if (i > 0 && g->honest != PARTIES)
		d->hot.job_creator = d->hot.provider = g->p.who[MALLORY];
	if (i > 0 && g->honest != PARTIES)
		d->hot.provider = g->p.who[OPERATOR];
	g->ids[i] = play_id(deal_record(), d);
}

/* ---- acting ------------------------------------------------------------------------------------- */

static void fails(const struct game *g, const char *what)
{
	fail_msg("sequence %llu: %s", (unsigned long long)g->number, what);
}

static void sound(struct game *g)
{
	struct err e;

	if (!ledger_check(g->p.l, &e))
		fails(g, e.msg);
}

static void keep(struct game *g)
{
	g->kept[g->kept_n++ % KEPT] = g->p.a;
}

/* A Send counts once: the nonces of an account are consecutive. */
static void sent(struct game *g)
{
	for (int i = 0; i < PARTIES; i++) {
		if (!addr_eq(&g->p.who[i], &g->p.a.send.account))
			continue;
		if (g->p.a.send.nonce != g->p.sends[i]++)
			fails(g, "a Send was accepted out of order");
	}
}

/* p.a goes to the ledger; a refusal or a repetition leaves all as it was. */
static bool act(struct game *g)
{
	struct ledger_totals before, after;
	uint64_t seq = ledger_seq(g->p.l);
	bool ok;

	ledger_totals(g->p.l, &before);
	ok = play_do(&g->p);
	ledger_totals(g->p.l, &after);
	if (ok && g->p.n) {
		g->accepted++;
		keep(g);
		if (ledger_seq(g->p.l) != seq + 1)
			fails(g, "the sequence of events has a gap");
		if (g->p.a.kind == ACTION_SEND)
			sent(g);
	} else {
		g->refused += !ok;
		if (memcmp(&before, &after, sizeof before) != 0 || ledger_seq(g->p.l) != seq)
			fails(g, "a refused or repeated action had an effect");
	}
	if (chance(g, 10))
		sound(g);
	return ok;
}

static uint64_t some_count(struct game *g)
{
	return chance(g, 90) ? below(g, 3) * 40 : 1001 + below(g, 3);
}

/* The right result is 40 instructions and 40 bytes. */
enum { RIGHT = 40 };

static void other_action(struct game *g, unsigned i)
{
	struct play *p = &g->p;
	static const uint8_t kinds[] = {
	        SEND_MINT, SEND_REQUEST_WITHDRAW, SEND_WITHDRAW, SEND_UNBOND_STAKE};
	enum who by = (enum who)below(g, PARTIES);

	switch (below(g, 5)) {
	case 0: play_amount(p, by, kinds[below(g, COUNT(kinds))], below(g, 2000)); break;
	case 1:
		p->a = (struct action){.body.nonce_cancel.nonce = g->deals[i].hot.nonce};
		play_send(p, by, SEND_CANCEL_NONCE, nonce_cancel_record(), &p->a.body);
		break;
	case 2:
		p->a = (struct action){.body.registration.stake = amount_of(below(g, 1000))};
		play_send(p, by, SEND_REGISTER_MEDIATOR, registration_record(), &p->a.body);
		break;
	case 3:
		p->a = (struct action){.body.mint = {p->who[by], amount_of(below(g, 100))}};
		play_send(p, OPERATOR, SEND_MINT, mint_record(), &p->a.body);
		break;
	default: play_pass(p, &g->deals[i]); break;
	}
}

/* By the mediator, or by somebody who would like to be it. */
static void random_verdict(struct game *g, const struct deal *d)
{
	struct play *p = &g->p;

	play_verdict(p, d, 1 + (unsigned)below(g, 7));
	if (chance(g, 60))
		return;
	p->a.verdict.mediator = p->who[MALLORY];
	if (chance(g, 30))
		p->a.deal.cold.mediators.v[0] = p->who[MALLORY];
	play_sign(p, MALLORY, verdict_record(), &p->a.verdict, &p->a.doc_sig);
}

static void random_action(struct game *g)
{
	unsigned i = (unsigned)(chance(g, 70) ? 0 : below(g, DEALS));
	const struct deal *d = &g->deals[i];
	const struct hash *id = &g->ids[i];
	struct play *p = &g->p;
	struct hash h = play_result_hash(id, RIGHT, RIGHT);

	switch (below(g, 14)) {
	case 0: play_agree(p, JC, d); break;
	case 1: play_agree(p, chance(g, 80) ? RP : MALLORY, d); break;
	case 2: play_open(p, d); break;
	case 3: play_result(p, id, some_count(g), RIGHT); break;
	case 4: play_result(p, id, RIGHT, RIGHT); break;
	case 5: play_accept(p, id, RIGHT, RIGHT, chance(g, 50)); break;
	case 6: play_accept(p, id, some_count(g), RIGHT, chance(g, 50)); break;
	case 7: play_check(p, id, &h); break;
	case 8: random_verdict(g, d); break;
	case 9: play_decline(p, id); break;
	case 10: play_cancel(p, id, p->now.s + below(g, 3)); break;
	case 11: play_timeout(p, id); break;
	case 12:
		if (g->kept_n) {
			p->a = g->kept[below(g, MIN2(g->kept_n, (unsigned)KEPT))];
			break;
		}
		play_timeout(p, id);
		break;
	default: other_action(g, i); break;
	}
	if (g->honest == PARTIES && chance(g, 3))
		p->a.doc_sig = p->a.jc_sig = p->a.result_sig = (struct sig){0};
}

/* ---- the honest ones ---------------------------------------------------------------------------- */

static bool own(struct game *g)
{
	bool ok;

	ok = act(g);
	g->acting = false;
	return ok;
}

/* The JC: accepts a right result, checks another one, and ends what others let run out. */
static void honest_jc(struct game *g, const struct agreement *d)
{
	struct play *p = &g->p;
	const struct hash *id = &g->ids[0];
	struct hash right = play_result_hash(id, RIGHT, RIGHT);
	struct hash is = d->result;

	g->acting = true;
	if (p->now.s >= d->deadline.s) {
		play_timeout(p, id);
	} else if (d->state == DEAL_RESULTS_SUBMITTED && hash_eq(&is, &right)) {
		play_accept(p, id, RIGHT, RIGHT, false);
	} else if (d->state == DEAL_RESULTS_SUBMITTED && d->hot->seats) {
		play_check(p, id, &is);
	} else if (d->state == DEAL_RESULTS_SUBMITTED) {
		/* m = 0: the buyer was told; what is charged is within the limits of the deal. */
		p->a = (struct action){.kind = ACTION_ACCEPT, .acceptance = {*id, is}};
		play_sign(p, JC, acceptance_record(), &p->a.acceptance, &p->a.doc_sig);
	} else {
		g->acting = false;
		return;
	}
	if (!own(g))
		fails(g, p->e.msg);
}

/* RP: submits the right result in time, or declines, and ends what others let run out. */
static void honest_rp(struct game *g, const struct agreement *d)
{
	struct play *p = &g->p;
	const struct hash *id = &g->ids[0];

	g->acting = true;
	if (p->now.s >= d->deadline.s) {
		play_timeout(p, id);
	} else if (d->state == DEAL_AGREED && g->late) {
		g->declined = true;
		play_decline(p, id);
	} else if (d->state == DEAL_AGREED) {
		play_result(p, id, RIGHT, RIGHT);
	} else {
		g->acting = false;
		return;
	}
	if (!own(g))
		fails(g, p->e.msg);
}

/* An honest mediator: the truth, or in one sequence of three a pass. */
static void honest_mediator(struct game *g, const struct agreement *d)
{
	struct hash right = play_result_hash(&g->ids[0], RIGHT, RIGHT);
	bool is_right = hash_eq(&d->result, &right);

	if (d->state != DEAL_RESULTS_CHECKED || g->p.now.s >= d->deadline.s ||
	        g->number / 3 % 5 == 0)
		return;
	g->acting = true;
	if (g->number / 3 % 4 == 0)
		play_pass(&g->p, &g->deals[0]);
	else
		play_verdict(&g->p, &g->deals[0],
		        !is_right       ? RULING_RESULT_WRONG
		        : g->job_faulty ? RULING_JOB_FAULTY
		                        : RULING_RESULT_CORRECT);
	if (!own(g))
		fails(g, g->p.e.msg);
}

static void honest_turn(struct game *g)
{
	const struct agreement *d = ledger_agreement(g->p.l, &g->ids[0]);

	if (g->honest == PARTIES || !d || sm_is_final(&deal_states, d->state))
		return;
	if (g->honest == JC)
		honest_jc(g, d);
	else
		honest_rp(g, d);
	d = ledger_agreement(g->p.l, &g->ids[0]);
	if (g->fair_rules && d->hot)
		honest_mediator(g, d);
}

/* It signs once, at the start, a deal that is in order; anyone may carry what it signed. */
static void honest_start(struct game *g)
{
	struct play *p = &g->p;

	g->acting = true;
	if (g->honest == JC && chance(g, 30)) {
		play_agree(p, JC, &g->deals[0]);
		own(g);
		return;
	}
	play_open(p, &g->deals[0]);
	keep(g);
	if (g->cancels) {
		play_cancel(p, &g->ids[0], p->now.s + below(g, 200));
		keep(g);
	}
	g->acting = false;
}

/* ---- 5.15 (d) and (e) --------------------------------------------------------------------------- */

/* Time goes on: to a second before the deadline of a deal, to it, or past it; or a little. The honest party
 * acts before its time is up. */
static void time_goes_on(struct game *g)
{
	const struct agreement *d = ledger_agreement(g->p.l, &g->ids[below(g, DEALS)]);
	uint64_t to = g->p.now.s + below(g, 30);

	if (d && d->deadline.s && chance(g, 40))
		to = d->deadline.s - 1 + below(g, 3);
	d = ledger_agreement(g->p.l, &g->ids[0]);
	if (g->honest != PARTIES && d && d->deadline.s && to >= d->deadline.s &&
	        g->p.now.s < d->deadline.s)
		to = MAX2(g->p.now.s, d->deadline.s - 1 + below(g, 2));
	if (to > g->p.now.s)
		g->p.now.s = to;
}

/* (d): whatever state a deal is in, its deadline and anyone lead out of it. */
static void all_end(struct game *g)
{
	for (unsigned i = 0; i < DEALS; i++) {
		for (int k = 0; k < 4; k++) {
			const struct agreement *d = ledger_agreement(g->p.l, &g->ids[i]);

			if (!d || sm_is_final(&deal_states, d->state))
				break;
			g->p.now.s = MAX2(g->p.now.s, d->deadline.s);
			play_timeout(&g->p, &g->ids[i]);
			if (!act(g))
				fails(g, g->p.e.msg);
		}
	}
}

static int64_t small(struct amount a)
{
	char text[AMOUNT_DEC_MAX];
	uint64_t v;
	bool ok;

	amount_format(a, text);
	ok = str_u64(str_of(text), INT64_MAX, &v);
	assert_true(ok);
	return (int64_t)v;
}

/* What an account has and had: all of it, wherever it lies. */
static int64_t wealth(const struct game *g, enum who who)
{
	struct ledger_account a;

	ledger_account(g->p.l, &g->p.who[who], g->p.now, &a);
	return small(a.free) + small(a.locked) + small(a.withdrawing) + small(a.stake);
}

static void least(const struct game *g, int64_t is, int64_t must, const char *what)
{
	if (is < must)
		fail_msg("sequence %llu: %s is left with %lld, at worst it must be %lld",
		        (unsigned long long)g->number, what, (long long)is, (long long)must);
}

static void jc_guarantee(const struct game *g, const struct agreement *d, int64_t gain)
{
	const struct hot *h = &g->deals[0].hot;
	struct hash right = play_result_hash(&g->ids[0], RIGHT, RIGHT);
	int64_t cost = small(d->cost);

	switch (d->state) {
	case DEAL_RESULTS_ACCEPTED:
		if (h->seats && !hash_eq(&d->result, &right))
			fails(g, "a result was accepted that the JC did not accept");
		least(g, gain, -cost, "the JC (accepted)");
		break;
	case DEAL_MEDIATION_ACCEPTED: fails(g, "a wrong result was found right"); break;
	case DEAL_MEDIATION_REJECTED:
		least(g, gain, small(h->damages), "the JC (RP at fault)");
		break;
	case DEAL_MEDIATION_JOB_FAULTY: fails(g, "a sound job was found faulty"); break;
	case DEAL_TIMEOUT_MEDIATE:
		least(g, gain, -(cost + 1) / 2 - (small(h->fee) + 1) / 2, "the JC (no ruling)");
		break;
	case DEAL_TIMEOUT_JUDGE: fails(g, "an honest JC was late"); break;
	default: least(g, gain, 0, "the JC"); break;
	}
}

static int64_t after_shares(const struct game *g, int64_t cost)
{
	const struct hot *h = &g->deals[0].hot;
	int64_t author = addr_is_zero(&h->author) ? 0 : cost * h->royalty / 1000;
	int64_t solver = addr_is_zero(&h->solver) ? 0 : cost * h->solver_share / 1000;

	return cost - author - solver;
}

static void rp_guarantee(const struct game *g, const struct agreement *d, int64_t gain)
{
	const struct hot *h = &g->deals[0].hot;
	int64_t cost = small(d->cost), paid = after_shares(g, cost), dam = small(h->damages);
	struct hash right = play_result_hash(&g->ids[0], RIGHT, RIGHT);

	if (!hash_is_zero(&d->result) && !hash_eq(&d->result, &right))
		fails(g, "a result counts that RP did not sign");
	switch (d->state) {
	case DEAL_DECLINED:
		if (!g->declined)
			fails(g, "declined by somebody else");
		least(g, gain, -small(h->late_submit), "RP (declined)");
		break;
	case DEAL_RESULTS_ACCEPTED:
	case DEAL_TIMEOUT_JUDGE: least(g, gain, paid, "RP (accepted)"); break;
	case DEAL_MEDIATION_ACCEPTED: least(g, gain, paid + dam, "RP (right)"); break;
	case DEAL_MEDIATION_JOB_FAULTY: least(g, gain, dam, "RP (JobFaulty)"); break;
	case DEAL_TIMEOUT_MEDIATE:
		least(g, gain, cost / 2 - small(h->fee) / 2, "RP (no ruling)");
		break;
	case DEAL_MEDIATION_REJECTED: fails(g, "a right result was rejected"); break;
	case DEAL_TIMEOUT_SUBMIT: fails(g, "an honest RP was late"); break;
	default: least(g, gain, 0, "RP"); break;
	}
}

static void guarantees(const struct game *g, int64_t gain)
{
	const struct agreement *d = ledger_agreement(g->p.l, &g->ids[0]);

	if (!d)
		least(g, gain, 0, "a party without a deal");
	else if (g->honest == JC)
		jc_guarantee(g, d, gain);
	else
		rp_guarantee(g, d, gain);
}

/* ---- sequences ---------------------------------------------------------------------------------- */

static void start(struct game *g, uint64_t number)
{
	memset(g, 0, sizeof *g);
	play_init(&g->p);
	g->p.sign = game_sign;
	g->number = number;
	g->seed = number * 0x100000001b3u + 1;
	g->honest = (enum who[]){PARTIES, JC, RP}[number % 3];
	g->fair_rules = g->honest != PARTIES;
	g->job_faulty = g->honest == RP && chance(g, 30);
	g->late = chance(g, 15);
	g->cancels = chance(g, 20);
	for (unsigned i = 0; i < DEALS; i++)
		draw_deal(g, i);
}

/* An honest party earns nothing else in the sequence, and a donation is no harm: only deposits count out. */
static void play_sequence(struct game *g, uint64_t number)
{
	int64_t before, minted = 0;

	start(g, number);
	before = g->honest == PARTIES ? 0 : wealth(g, g->honest);
	if (g->honest != PARTIES)
		honest_start(g);
	for (int i = 0; i < STEPS; i++) {
		random_action(g);
		if (act(g) && g->p.n && g->p.a.kind == ACTION_SEND &&
		        g->p.a.send.kind == SEND_MINT && g->honest != PARTIES &&
		        addr_eq(&g->p.a.body.mint.to, &g->p.who[g->honest]))
			minted += small(g->p.a.body.mint.amount);
		honest_turn(g);
		if (chance(g, 40)) {
			time_goes_on(g);
			honest_turn(g);
		}
	}
	if (g->honest != PARTIES) {
		const struct agreement *d = ledger_agreement(g->p.l, &g->ids[0]);

		while (d && d->hot) {
			g->p.now.s = MAX2(g->p.now.s, d->deadline.s);
			honest_turn(g);
			d = ledger_agreement(g->p.l, &g->ids[0]);
		}
	}
	all_end(g);
	sound(g);
	if (g->honest != PARTIES)
		guarantees(g, wealth(g, g->honest) - before - minted);
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
	uint64_t accepted = 0, refused = 0, finals[32] = {0};
	struct game *g = calloc(1, sizeof *g);

	(void)state;
	assert_non_null(g);
	for (uint64_t i = first; i < first + n; i++) {
		const struct agreement *d;

		play_sequence(g, i);
		d = ledger_agreement(g->p.l, &g->ids[0]);
		finals[d ? d->state : 0]++;
		accepted += g->accepted;
		refused += g->refused;
		play_done(&g->p);
	}
	print_message("%llu sequences: %llu actions accepted, %llu refused\n",
	        (unsigned long long)n, (unsigned long long)accepted, (unsigned long long)refused);
	/* A test that never gets anywhere shows nothing: every final state was reached. */
	for (size_t i = 0; i < deal_states.n; i++)
		print_message("  %-22s %llu\n", deal_states.states[i].name,
		        (unsigned long long)finals[deal_states.states[i].value]);
	for (size_t i = 0; i < deal_states.n && n >= SEQUENCES; i++) {
		const struct sm_state *s = &deal_states.states[i];

		if (s->flags & SM_FINAL && finals[s->value] == 0)
			fail_msg("no sequence ended in %s", s->name);
	}
	free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sequences)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
