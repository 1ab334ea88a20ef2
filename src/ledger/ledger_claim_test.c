/* ledger_claim_test.c - a channel's deals on the ledger (protocol 8.3): claims, the JC's open, cancels; what
 * returns to the sums and what is earned, row by row; every refusal in order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/ledger_channel_expect.h"

/* ---- the rows of 5 ------------------------------------------------------------------------------ */

typedef void route(struct play *p, const struct deal *d);

static void claim(struct play *p, const struct deal *d)
{
	play_claim(p, RP, d, COUNT_, BYTES_);
	applies(p);
}

static void by_timeout(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	timed_out(p, &id);
}

static void claim_accept(struct play *p, const struct deal *d)
{
	claim(p, d);
	play_accept_in(p, d, COUNT_, BYTES_, false);
	applies(p);
}

static void claim_timeout(struct play *p, const struct deal *d)
{
	claim(p, d);
	by_timeout(p, d);
}

static void dispute(struct play *p, const struct deal *d)
{
	play_claim_check(p, d, COUNT_, BYTES_);
	applies(p);
}

static void claim_then_check(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d), h = play_result_hash(&id, COUNT_, BYTES_);

	claim(p, d);
	play_check(p, &id, &h);
	applies(p);
}

static void ruling(struct play *p, const struct deal *d, unsigned r)
{
	play_verdict(p, d, r);
	applies(p);
}

static void right(struct play *p, const struct deal *d)
{
	dispute(p, d);
	ruling(p, d, RULING_RESULT_CORRECT);
}

static void right_of_claim(struct play *p, const struct deal *d)
{
	claim_then_check(p, d);
	ruling(p, d, RULING_RESULT_CORRECT);
}

static void faulty(struct play *p, const struct deal *d)
{
	dispute(p, d);
	ruling(p, d, RULING_JOB_FAULTY);
}

static void wrong(struct play *p, const struct deal *d)
{
	dispute(p, d);
	ruling(p, d, RULING_RESULT_WRONG);
}

static void unruled(struct play *p, const struct deal *d)
{
	dispute(p, d);
	by_timeout(p, d);
}

static void passed(struct play *p, const struct deal *d)
{
	dispute(p, d);
	play_pass(p, d);
	applies(p);
}

static void open_in(struct play *p, const struct deal *d)
{
	play_open_in(p, JC, d);
	applies(p);
	assert_int_equal(p->ev.to, DEAL_AGREED);
}

static void open_late(struct play *p, const struct deal *d)
{
	open_in(p, d);
	by_timeout(p, d);
}

static void open_decline(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	open_in(p, d);
	play_decline(p, &id);
	applies(p);
}

static void open_cancel(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	open_in(p, d);
	play_cancel(p, &id, p->now.s + 1);
	applies(p);
}

static void open_accept(struct play *p, const struct deal *d)
{
	open_in(p, d);
	play_accept_in(p, d, COUNT_, BYTES_, true);
	applies(p);
}

static void open_result_accept(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	open_in(p, d);
	play_result(p, &id, COUNT_, BYTES_);
	applies(p);
	play_accept_in(p, d, COUNT_, BYTES_, false);
	applies(p);
}

/* What the sums have at the end beyond what they had, and what `free` has. */
static const struct row {
	route *go;
	unsigned state;
	int64_t job, provider, jc, rp, author, solver, mediator, sink;
} rows[] = {
        {claim_accept, DEAL_RESULTS_ACCEPTED, -450, 0, 0, 415, 22, 13, 0, 0},
        {claim_timeout, DEAL_TIMEOUT_JUDGE, -470, 0, 0, 435, 22, 13, 0, 0},
        {right, DEAL_MEDIATION_ACCEPTED, -950, 0, 0, 515, 22, 13, 10, 390},
        {right_of_claim, DEAL_MEDIATION_ACCEPTED, -950, 0, 0, 515, 22, 13, 10, 390},
        {faulty, DEAL_MEDIATION_JOB_FAULTY, -500, 0, 0, 100, 0, 0, 10, 390},
        {wrong, DEAL_MEDIATION_REJECTED, 0, -400, 100, 0, 0, 0, 10, 290},
        {unruled, DEAL_TIMEOUT_MEDIATE, -225, 0, 0, 225, 0, 0, 0, 0},
        {passed, DEAL_TIMEOUT_MEDIATE, -225, 0, 0, 225, 0, 0, 0, 0},
        {open_late, DEAL_TIMEOUT_SUBMIT, 0, -30, 30, 0, 0, 0, 0, 0},
        {open_decline, DEAL_DECLINED, 0, -30, 30, 0, 0, 0, 0, 0},
        {open_cancel, DEAL_CANCELLED, 0, 0, 0, 0, 0, 0, 0, 0},
        {open_accept, DEAL_RESULTS_ACCEPTED, -450, 0, 0, 415, 22, 13, 0, 0},
        {open_result_accept, DEAL_RESULTS_ACCEPTED, -450, 0, 0, 415, 22, 13, 0, 0},
};

static void check_row(const struct play *p, const struct row *r, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	assert_int_equal(state_of(p, &id), r->state);
	assert_int_equal(change(p, AUTHOR), r->author);
	assert_int_equal(change(p, SOLVER), r->solver);
	assert_int_equal(change(p, MEDIATOR), r->mediator);
	assert_int_equal(sink_of(p), r->sink);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct play p;
		struct deal d;
		struct hash id;

		play_init(&p);
		id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
		d = play_channel_deal(&p, &id, 7);
		r->go(&p, &d);
		check_row(&p, r, &d);
		sums_are(&p, &id, JOB_SUM + r->job, RP_SUM + r->provider);
		assert_int_equal(change(&p, JC), r->jc - JOB_SUM);
		assert_int_equal(change(&p, RP), r->rp - RP_SUM);
		assert_true(ledger_number_used(p.l, &id, 7));
		play_done(&p);
	}
}

/* While it is on the ledger its locks are out of the sums, and nobody's `locked`. */
static void test_locks(void **state)
{
	struct ledger_account a;
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	claim(&p, &d);
	sums_are(&p, &id, JOB_SUM - JC_LOCK, RP_SUM - RP_LOCK);
	assert_int_equal(small(ledger_channel(p.l, &id)->job_lock), JC_LOCK);
	assert_int_equal(small(ledger_channel(p.l, &id)->rp_lock), RP_LOCK);
	ledger_account(p.l, &p.who[RP], p.now, &a);
	assert_int_equal(small(a.channels), RP_SUM);
	assert_int_equal(small(a.locked), 0);
	assert_int_equal(p.ev.from, 0);
	assert_int_equal(p.ev.to, DEAL_RESULTS_SUBMITTED);
	assert_int_equal(p.ev.count, COUNT_);
	assert_int_equal(p.ev.channel.number, 1);
	assert_int_equal(p.ev.deadline.s, p.now.s + 100);
	play_done(&p);
}

/* Once it is left, what deals on the ledger had locked returns to `free`: all rows again. */
static void test_rows_when_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct play p;
		struct deal d;
		struct hash id, deal;
		struct btime due;

		if (r->go != claim_timeout && r->go != unruled && r->go != open_late)
			continue;
		play_init(&p);
		id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
		d = play_channel_deal(&p, &id, 7);
		deal = play_id(deal_record(), &d);
		if (r->go == claim_timeout)
			claim(&p, &d);
		else if (r->go == unruled)
			dispute(&p, &d);
		else
			open_in(&p, &d);
		due = ledger_agreement(p.l, &deal)->deadline;
		play_close_now(&p, &id, p.now.s + 1);
		applies(&p);
		assert_int_equal(ledger_agreement(p.l, &deal)->deadline.s, due.s);
		by_timeout(&p, &d);
		check_row(&p, r, &d);
		sums_are(&p, &id, 0, 0);
		assert_int_equal(change(&p, JC), r->job + r->jc);
		assert_int_equal(change(&p, RP), r->provider + r->rp);
		play_done(&p);
	}
}

/* ---- refusals in order -------------------------------------------------------------------------- */

enum {
	CONSORTIUM,
	NO_CHANNEL,
	OTHERS,
	ON_LEDGER,
	BAD_JC,
	BAD_RP,
	NO_SEATS,
	OVER_LIMIT,
	SHARED,
	CLOSED_BY_VOUCHER,
	JC_SHORT,
	RP_SHORT,
	ZERO,
	EVEN,
	THIN_BONDS,
	SHORT_CLOCK,
	LATE,
	USED,
	MEDIATOR_IS_RP,
	FAULTS
};

/* By kind of action: E_NONE where the fault is none of its. */
static const struct {
	enum err_code claim, check, open;
} codes[FAULTS] = {
        [CONSORTIUM] = {E_STATE, E_STATE, E_STATE},
        [OTHERS] = {E_CONFLICT, E_CONFLICT, E_CONFLICT},
        /* An `open` by its JC is a repetition then. */
        [ON_LEDGER] = {E_STATE, E_STATE, E_NONE},
        [BAD_JC] = {E_SIGNATURE, E_SIGNATURE, E_NONE},
        [BAD_RP] = {E_NONE, E_SIGNATURE, E_SIGNATURE},
        [NO_SEATS] = {E_NONE, E_PANEL, E_NONE},
        [OVER_LIMIT] = {E_LIMITS, E_LIMITS, E_NONE},
        [SHARED] = {E_SHARES, E_SHARES, E_SHARES},
        [CLOSED_BY_VOUCHER] = {E_NONCE, E_NONCE, E_NONCE},
        [NO_CHANNEL] = {E_NOT_FOUND, E_NOT_FOUND, E_NOT_FOUND},
        [JC_SHORT] = {E_FUNDS, E_FUNDS, E_FUNDS},
        [RP_SHORT] = {E_FUNDS, E_FUNDS, E_FUNDS},
        [ZERO] = {E_NONCE, E_NONCE, E_NONCE},
        [EVEN] = {E_PANEL, E_PANEL, E_PANEL},
        [THIN_BONDS] = {E_BONDS, E_BONDS, E_BONDS},
        [SHORT_CLOCK] = {E_CLOCKS, E_CLOCKS, E_CLOCKS},
        [LATE] = {E_TOO_LATE, E_TOO_LATE, E_TOO_LATE},
        [USED] = {E_NONCE, E_NONCE, E_NONCE},
        [MEDIATOR_IS_RP] = {E_PANEL, E_PANEL, E_PANEL},
};

static bool has(unsigned faults, unsigned one)
{
	return faults >> one & 1;
}

/* A voucher channel, where number 2 was closed by a voucher and number 5 is on the ledger. */
static struct hash stage(struct play *p)
{
	struct hash id = channel_opened(p, CHANNEL_VOUCHERS, 1);
	struct deal d = play_channel_deal(p, &id, 5);

	play_redeem(p, RP, &id, 10, 2, 0);
	applies(p);
	claim(p, &d);
	return id;
}

static void spoil(struct play *p, struct deal *d, unsigned faults)
{
	struct hot *h = &d->hot;

	h->nonce = has(faults, ZERO)                         ? 0
	           : has(faults, CLOSED_BY_VOUCHER)          ? 2
	           : faults & (1u << ON_LEDGER | 1u << USED) ? 5
	                                                     : 6;
	if (has(faults, CONSORTIUM))
		h->mediation = MEDIATION_CONSORTIUM;
	if (has(faults, OTHERS))
		h->job_creator = p->who[MALLORY];
	if (has(faults, NO_SEATS))
		h->seats = 0;
	if (has(faults, SHARED))
		h->royalty = 1;
	if (has(faults, NO_CHANNEL))
		h->channel.b[5] ^= 1;
	if (has(faults, JC_SHORT))
		h->pay = amount_of(JOB_SUM);
	if (has(faults, RP_SHORT))
		h->result_bond = amount_of(RP_SUM);
	if (has(faults, EVEN))
		h->seats = 2;
	if (has(faults, THIN_BONDS))
		h->job_bond = amount_of(109);
	if (has(faults, SHORT_CLOCK))
		h->judge_timeout.s = 59;
	if (has(faults, LATE))
		h->open_by.s = 0;
	if (has(faults, USED) && !has(faults, ON_LEDGER))
		h->base = amount_of(7);
	if (has(faults, MEDIATOR_IS_RP))
		d->cold.mediators.v[0] = p->who[RP];
}

/* Which of two faults cannot stand together, or the one hides the other's condition. */
static bool together(unsigned i, unsigned k)
{
	static const struct {
		unsigned a, b;
	} not [] = {{ON_LEDGER, USED}, {ON_LEDGER, CLOSED_BY_VOUCHER}, {CLOSED_BY_VOUCHER, USED},
	        {CLOSED_BY_VOUCHER, ZERO}, {ZERO, USED}, {ON_LEDGER, ZERO}, {NO_SEATS, EVEN},
	        {CONSORTIUM, NO_SEATS}, {ZERO, SHARED}, {ZERO, JC_SHORT}, {ZERO, RP_SHORT}};

	for (size_t n = 0; n < COUNT(not ); n++) {
		if ((not [n].a == i && not [n].b == k) || (not [n].a == k && not [n].b == i))
			return false;
	}
	/* To be on the ledger it must be that very deal. */
	return (i != ON_LEDGER || (k >= BAD_JC && k <= OVER_LIMIT && k != NO_SEATS)) &&
	       (k != ON_LEDGER || i == ON_LEDGER);
}

static void make_claim(struct play *p, const struct deal *d, unsigned faults)
{
	/* Another result than the one on the ledger: no repetition. */
	play_claim(p, RP, d, has(faults, OVER_LIMIT) ? 1001 : COUNT_ + 1, BYTES_);
	if (has(faults, OTHERS))
		play_sign(p, MALLORY, deal_record(), d, &p->a.jc_sig);
	if (has(faults, BAD_JC))
		play_sign(p, AUTHOR, deal_record(), d, &p->a.jc_sig);
}

static void make_check(struct play *p, const struct deal *d, unsigned faults)
{
	play_claim_check(p, d, has(faults, OVER_LIMIT) ? 1001 : COUNT_ + 1, BYTES_);
	if (has(faults, OTHERS))
		play_sign(p, MALLORY, check_record(), &p->a.check, &p->a.doc_sig);
	if (has(faults, BAD_JC))
		play_sign(p, AUTHOR, check_record(), &p->a.check, &p->a.doc_sig);
	if (has(faults, BAD_RP))
		p->a.result_sig.b[0] ^= 1;
}

static void make_open(struct play *p, const struct deal *d, unsigned faults)
{
	play_open_in(p, has(faults, OTHERS) ? MALLORY : JC, d);
	if (has(faults, BAD_RP))
		p->a.rp_sig.b[0] ^= 1;
}

static void with_faults(struct play *p, const struct hash *id, unsigned i, unsigned k)
{
	static const struct {
		void (*make)(struct play *p, const struct deal *d, unsigned faults);
	} makers[] = {{make_claim}, {make_check}, {make_open}};
	unsigned faults = 1u << i | 1u << k;

	for (size_t m = 0; m < COUNT(makers); m++) {
		enum err_code of_i = m == 0   ? codes[i].claim
		                     : m == 1 ? codes[i].check
		                              : codes[i].open;
		struct deal d = play_channel_deal(p, id, 0);

		if (of_i == E_NONE)
			continue;
		spoil(p, &d, faults);
		/* m = 0 fails a check at once, and what is opened by its class. */
		if (m != 1 && has(faults, NO_SEATS))
			continue;
		makers[m].make(p, &d, faults);
		refused(p, of_i);
	}
}

static void test_refusals(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = stage(&p);
	for (unsigned i = 0; i < FAULTS; i++) {
		for (unsigned k = i; k < FAULTS; k++) {
			if (together(i, k))
				with_faults(&p, &id, i, k);
		}
	}
	/* Without a fault it is taken. */
	d = play_channel_deal(&p, &id, 6);
	make_claim(&p, &d, 0);
	applies(&p);
	play_done(&p);
}

/* Whose documents they are, and that they are one deal's. */
static void test_shown(void **state)
{
	struct play p;
	struct deal d, other;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	other = play_channel_deal(&p, &id, 2);
	play_claim(&p, MALLORY, &d, COUNT_, BYTES_);
	refused(&p, E_PARTY);
	play_claim(&p, JC, &d, COUNT_, BYTES_);
	refused(&p, E_PARTY);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	p.a.deal = other;
	refused(&p, E_CONFLICT);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	p.a.result.count++;
	refused(&p, E_CONFLICT);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	p.a.result.status = 0;
	refused(&p, E_RANGE);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	p.a.check.result.b[0] ^= 1;
	refused(&p, E_CONFLICT);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	p.a.deal = other;
	refused(&p, E_CONFLICT);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	p.a.check.claim = 9;
	refused(&p, E_RANGE);
	play_open_in(&p, RP, &d);
	refused(&p, E_PARTY);
	play_open_in(&p, MALLORY, &d);
	refused(&p, E_PARTY);
	d = play_deal(&p, 1);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	refused(&p, E_STATE);
	play_done(&p);
}

/* 2.4: `open` until openBy, a claim until openBy + submit timeout. */
static void test_instants(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		bool at = i & 1;
		struct play p;
		struct deal d;
		struct hash id;

		play_init(&p);
		id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
		d = play_channel_deal(&p, &id, 1);
		p.now.s = d.hot.open_by.s - !at;
		if (i / 2 > 0)
			p.now.s += d.hot.submit_timeout.s;
		if (i / 2 == 0)
			play_open_in(&p, JC, &d);
		else if (i / 2 == 1)
			play_claim(&p, RP, &d, COUNT_, BYTES_);
		else
			play_claim_check(&p, &d, COUNT_, BYTES_);
		if (at)
			refused(&p, E_TOO_LATE);
		else
			applies(&p);
		play_done(&p);
	}
}

/* 4.3: of a deal on the ledger a repetition has no effect and is no error, whatever its Send's nonce. */
static void test_repetition(void **state)
{
	struct play p;
	struct deal d;
	struct action again;
	struct hash id, deal;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	d = play_channel_deal(&p, &id, 1);
	claim(&p, &d);
	repeated(&p);
	assert_int_equal(ledger_channel(p.l, &id)->claims, 1);
	/* Another result of it is another action. */
	play_claim(&p, RP, &d, 1, 1);
	refused(&p, E_STATE);
	play_claim_check(&p, &d, COUNT_, BYTES_);
	refused(&p, E_STATE);
	/* Its JC wants it, as the claim showed. */
	play_open_in(&p, JC, &d);
	repeated(&p);
	d.hot.nonce = 2;
	dispute(&p, &d);
	repeated(&p);
	again = p.a;
	p.a.check.salt.b[0] ^= 1;
	play_sign(&p, JC, check_record(), &p.a.check, &p.a.doc_sig);
	refused(&p, E_STATE);
	play_verdict(&p, &d, RULING_RESULT_WRONG);
	applies(&p);
	p.a = again;
	refused(&p, E_STATE);
	d.hot.nonce = 3;
	open_in(&p, &d);
	repeated(&p);
	play_open_in(&p, RP, &d);
	refused(&p, E_STATE);
	play_open_in(&p, JC, &d);
	repeated(&p);
	/* A claim of the result that was submitted to it. */
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	refused(&p, E_STATE);
	deal = play_id(deal_record(), &d);
	play_result(&p, &deal, COUNT_, BYTES_);
	applies(&p);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	repeated(&p);
	play_done(&p);
}

/* ---- accepting on the ledger -------------------------------------------------------------------- */

/* 2.6: the JC signs COST and the terms, so a plain acceptance, or one with another COST, is none. */
static void test_accept(void **state)
{
	struct play p;
	struct deal d;
	struct hash id, deal;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	deal = play_id(deal_record(), &d);
	claim(&p, &d);
	play_accept(&p, &deal, COUNT_, BYTES_, false);
	refused(&p, E_SIGNATURE);
	play_accept_in(&p, &d, COUNT_, BYTES_, false);
	p.a.cost = amount_of(COST_ - 1);
	refused(&p, E_SIGNATURE);
	/* Signed so: it names the result and another COST. */
	{
		struct settle_item x = play_item(&p, &d, 1, COUNT_, BYTES_);

		x.doc.cost = amount_of(COST_ - 1);
		play_sign_item(&p, JC, &x);
		p.a.doc_sig = x.sig;
		refused(&p, E_RESULT);
	}
	play_accept_in(&p, &d, COUNT_, BYTES_, false);
	p.a.cost = big("79228162514264337593543950336");
	refused(&p, E_RANGE);
	play_accept_in(&p, &d, 1, 1, false);
	refused(&p, E_RESULT);
	play_accept_in(&p, &d, COUNT_, BYTES_, false);
	applies(&p);
	repeated(&p);
	play_accept_in(&p, &d, COUNT_, BYTES_, true);
	repeated(&p);
	play_accept_in(&p, &d, 1, 1, false);
	refused(&p, E_STATE);
	play_done(&p);
}

/* A provider that claimed one result and gave the JC another is held to the one that it gave. */
static void test_accept_other(void **state)
{
	struct play p;
	struct deal d;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_ACCEPTANCES, 1);
	d = play_channel_deal(&p, &id, 1);
	play_claim(&p, RP, &d, 200, BYTES_);
	applies(&p);
	play_accept_in(&p, &d, COUNT_, BYTES_, true);
	applies(&p);
	sums_are(&p, &id, JOB_SUM - COST_, RP_SUM);
	play_done(&p);
}

/* ---- cancelling --------------------------------------------------------------------------------- */

static void test_cancel(void **state)
{
	struct play p;
	struct deal d, other;
	struct hash id;

	(void)state;
	play_init(&p);
	id = channel_opened(&p, CHANNEL_VOUCHERS, 1);
	d = play_channel_deal(&p, &id, 4);
	other = play_channel_deal(&p, &id, 5);
	play_cancel_in(&p, &d, p.now.s + 1);
	p.a.deal = other;
	refused(&p, E_CONFLICT);
	play_cancel_in(&p, &d, p.now.s);
	p.a.rp_sig = p.a.jc_sig;
	refused(&p, E_SIGNATURE);
	play_cancel_in(&p, &d, p.now.s);
	refused(&p, E_TOO_LATE);
	other = play_channel_deal(&p, &id, 0);
	play_cancel_in(&p, &other, p.now.s + 1);
	refused(&p, E_NONCE);
	other.hot.channel.b[0] ^= 1;
	play_cancel_in(&p, &other, p.now.s + 1);
	refused(&p, E_NOT_FOUND);
	other = d;
	other.hot.job_creator = p.who[MALLORY];
	play_cancel_in(&p, &other, p.now.s + 1);
	refused(&p, E_CONFLICT);
	play_cancel_in(&p, &d, p.now.s + 1);
	applies(&p);
	assert_true(ledger_number_used(p.l, &id, 4));
	sums_are(&p, &id, JOB_SUM, RP_SUM);
	/* Only a bit is left: a repetition is refused (4.3). */
	refused(&p, E_NONCE);
	play_claim(&p, RP, &d, COUNT_, BYTES_);
	refused(&p, E_NONCE);
	play_redeem(&p, RP, &id, 10, 6, 0);
	applies(&p);
	other = play_channel_deal(&p, &id, 6);
	play_cancel_in(&p, &other, p.now.s + 1);
	refused(&p, E_NONCE);
	play_close_now(&p, &id, p.now.s + 1);
	applies(&p);
	other.hot.nonce = 7;
	play_cancel_in(&p, &other, p.now.s + 1);
	refused(&p, E_STATE);
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows),
	        cmocka_unit_test(test_locks),
	        cmocka_unit_test(test_rows_when_left),
	        cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_shown),
	        cmocka_unit_test(test_instants),
	        cmocka_unit_test(test_repetition),
	        cmocka_unit_test(test_accept),
	        cmocka_unit_test(test_accept_other),
	        cmocka_unit_test(test_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
