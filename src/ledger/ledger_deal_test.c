/* ledger_deal_test.c - who may do what and until when (4.1, 4.3), and the attacks of both rounds that touch
 * escrow with a single mediator. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/ledger_expect.h"

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
	d.hot.result_bond = amount_of(PARTY_START + 1);
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
	p.a = (struct action){.kind = 99};
	refused(&p, E_RANGE);
	play_done(&p);
}

/* 4.3: each action that is on the ledger, once more, now and at the end. */
static void test_repetition(void **state)
{
	struct action done[8], early[2];
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
	early[0] = p.a;
	applies(&p);
	repeated(&p);
	play_check(&p, &id, &h);
	early[1] = p.a;
	applies(&p);
	repeated(&p);
	p.a = early[0];
	refused(&p, E_STATE);
	play_verdict(&p, &d, RULING_RESULT_WRONG);
	done[n++] = p.a;
	applies(&p);
	for (size_t i = 0; i < n; i++) {
		p.a = done[i];
		repeated(&p);
	}
	/* What a later step has taken the place of (4.3). */
	for (size_t i = 0; i < COUNT(early); i++) {
		p.a = early[i];
		refused(&p, E_STATE);
	}
	play_done(&p);
}

/* ---- disputes that are none of theirs, or come too often ---------------------------------------- */

/* A deal of Mallory's own with RP, and with a mediator of her choice: she cannot use it on another's. */
static struct deal of_mallory(const struct play *p)
{
	struct deal d = play_deal(p, 7);

	d.hot.job_creator = p->who[MALLORY];
	d.cold.mediators.v[0] = p->who[OPERATOR];
	return d;
}

static struct hash submitted_by(struct play *p, enum who jc, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	play_open(p, d);
	play_sign(p, jc, deal_record(), d, &p->a.jc_sig);
	applies(p);
	play_result(p, &id, COUNT_, BYTES_);
	applies(p);
	return id;
}

static void check_signed_by(
        struct play *p, enum who by, const struct hash *deal, const struct hash *result)
{
	play_check(p, deal, result);
	play_sign(p, by, check_record(), &p->a.check, &p->a.doc_sig);
}

static void test_checks_of_others(void **state)
{
	static const enum who strangers[] = {RP, SOLVER, MEDIATOR, AUTHOR, OPERATOR, MALLORY};
	struct play p;
	struct deal d, own;
	struct hash id, own_id, h, own_h;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	own = of_mallory(&p);
	id = submitted(&p, &d);
	own_id = submitted_by(&p, MALLORY, &own);
	h = play_result_hash(&id, COUNT_, BYTES_);
	own_h = play_result_hash(&own_id, COUNT_, BYTES_);
	for (size_t i = 0; i < COUNT(strangers); i++) {
		check_signed_by(&p, strangers[i], &id, &h);
		refused(&p, E_SIGNATURE);
	}
	/* Her signature is good for her deal, and not for the result of another. */
	check_signed_by(&p, MALLORY, &own_id, &h);
	refused(&p, E_RESULT);
	check_signed_by(&p, MALLORY, &id, &own_h);
	refused(&p, E_SIGNATURE);
	check_signed_by(&p, MALLORY, &own_id, &own_h);
	applies(&p);
	assert_int_equal(state_of(&p, &id), DEAL_RESULTS_SUBMITTED);
	play_done(&p);
}

/* The salt seeds a draw: a second check with another one would be a second draw. */
static void test_second_check(void **state)
{
	struct play p;
	struct deal d;
	struct hash id, h;
	struct btime due;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	id = checked(&p, &d);
	h = play_result_hash(&id, COUNT_, BYTES_);
	due = ledger_agreement(p.l, &id)->deadline;
	p.now.s++;
	play_check(&p, &id, &h);
	repeated(&p);
	p.a.check.salt.b[0] = 6;
	play_sign(&p, JC, check_record(), &p.a.check, &p.a.doc_sig);
	refused(&p, E_STATE);
	play_check(&p, &id, &h);
	p.a.check.claim = RULING_TOO_MUCH_CHARGED;
	play_sign(&p, JC, check_record(), &p.a.check, &p.a.doc_sig);
	refused(&p, E_STATE);
	assert_int_equal(ledger_agreement(p.l, &id)->deadline.s, due.s);
	play_done(&p);
}

/* A mediator rules on the deals that name it, however many it has. */
static void test_verdicts_of_others(void **state)
{
	struct play p;
	struct deal d, own;
	struct hash own_id, own_h;

	(void)state;
	play_init(&p);
	d = play_deal(&p, 1);
	own = of_mallory(&p);
	checked(&p, &d);
	own_id = submitted_by(&p, MALLORY, &own);
	own_h = play_result_hash(&own_id, COUNT_, BYTES_);
	check_signed_by(&p, MALLORY, &own_id, &own_h);
	applies(&p);
	play_verdict(&p, &d, RULING_RESULT_CORRECT);
	p.a.verdict.mediator = p.who[OPERATOR];
	play_sign(&p, OPERATOR, verdict_record(), &p.a.verdict, &p.a.doc_sig);
	refused(&p, E_PARTY);
	p.a.deal.cold = own.cold;
	refused(&p, E_CONFLICT);
	play_pass(&p, &d);
	p.a.pass.mediator = p.who[OPERATOR];
	play_sign(&p, OPERATOR, pass_record(), &p.a.pass, &p.a.doc_sig);
	refused(&p, E_PARTY);
	/* The name of the right one with another's signature. */
	play_verdict(&p, &d, RULING_RESULT_CORRECT);
	play_sign(&p, OPERATOR, verdict_record(), &p.a.verdict, &p.a.doc_sig);
	refused(&p, E_SIGNATURE);
	play_verdict(&p, &own, RULING_RESULT_CORRECT);
	refused(&p, E_PARTY);
	play_done(&p);
}

/* The first answer stands: the same again is none, another one is refused. */
static void test_second_answer(void **state)
{
	static const unsigned other[] = {RULING_RESULT_CORRECT, RULING_STATUS_WRONG,
	        RULING_TOO_MUCH_CHARGED, RULING_JOB_FAULTY, RULING_RESULT_NOT_FOUND};
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	for (int passed = 0; passed < 2; passed++) {
		play_init(&p);
		d = play_deal(&p, 1);
		id = checked(&p, &d);
		if (passed)
			play_pass(&p, &d);
		else
			play_verdict(&p, &d, RULING_RESULT_WRONG);
		applies(&p);
		repeated(&p);
		for (size_t i = 0; i < COUNT(other); i++) {
			play_verdict(&p, &d, other[i]);
			refused(&p, E_STATE);
		}
		if (passed)
			play_verdict(&p, &d, RULING_RESULT_WRONG);
		else
			play_pass(&p, &d);
		refused(&p, E_STATE);
		assert_int_equal(
		        state_of(&p, &id), passed ? DEAL_TIMEOUT_MEDIATE : DEAL_MEDIATION_REJECTED);
		play_done(&p);
	}
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
	plain(&squat);
	play_agree(&p, MALLORY, &squat);
	refused(&p, E_STATE);
	assert_false(ledger_nonce_used(p.l, &p.who[JC], 1));
	opened(&p, &d);
	play_done(&p);
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
	plain(&d);
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
	/* The one that was submitted has been replaced. */
	play_result(&p, &id, 200, 100);
	refused(&p, E_STATE);
	play_result(&p, &id, COUNT_, BYTES_);
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
	/* Bounds come first, whatever the deal's state: here it is not even there. */
	h = (struct hash){{1}};
	play_accept(&p, &h, COUNT_, BYTES_, true);
	refused(&p, E_NOT_FOUND);
	p.a.result.status = 0;
	refused(&p, E_RANGE);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_signers),
	        cmocka_unit_test(test_instants),
	        cmocka_unit_test(test_agree_instants),
	        cmocka_unit_test(test_open_after_agree),
	        cmocka_unit_test(test_agree_without_bond),
	        cmocka_unit_test(test_limits),
	        cmocka_unit_test(test_unknown_deal),
	        cmocka_unit_test(test_repetition),
	        cmocka_unit_test(test_checks_of_others),
	        cmocka_unit_test(test_second_check),
	        cmocka_unit_test(test_verdicts_of_others),
	        cmocka_unit_test(test_second_answer),
	        cmocka_unit_test(test_m8_stale),
	        cmocka_unit_test(test_m9_hostage),
	        cmocka_unit_test(test_p13_squat),
	        cmocka_unit_test(test_m15_no_panel),
	        cmocka_unit_test(test_a9_two_results),
	        cmocka_unit_test(test_accept_needs_result),
	        cmocka_unit_test(test_cancel_expires),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
