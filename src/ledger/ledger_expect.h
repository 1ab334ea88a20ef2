/* ledger_expect.h - for the tests of the rules: what must happen to the action at hand, and deals on their
 * way to every state. Include after cmocka.h. */
#ifndef LILYPAD_LEDGER_LEDGER_EXPECT_H
#define LILYPAD_LEDGER_LEDGER_EXPECT_H

#include "ledger/ledger_play.h"

/* COST of the standard deal at 100 instructions and 50 bytes: 450; ROY 22, SOL 13. */
enum { COUNT_ = 100, BYTES_ = 50, PARTY_START = 1000000 };

static inline void applies(struct play *p)
{
	struct err e;

	if (!play_do(p))
		fail_msg("%s: %s", err_name(p->e.code), p->e.msg);
	assert_int_not_equal(p->n, 0);
	if (!ledger_check(p->l, &e))
		fail_msg("%s", e.msg);
	if (p->a.send_sig.n) {
		for (int i = 0; i < PARTIES; i++)
			p->sends[i] += addr_eq(&p->who[i], &p->a.send.account);
	}
}

/* A refusal changes nothing. */
static inline void refused(struct play *p, enum err_code code)
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
static inline void repeated(struct play *p)
{
	struct ledger_totals before, after;

	ledger_totals(p->l, &before);
	if (!play_do(p))
		fail_msg("%s: %s", err_name(p->e.code), p->e.msg);
	assert_int_equal(p->n, 0);
	ledger_totals(p->l, &after);
	assert_memory_equal(&before, &after, sizeof before);
}

static inline int64_t small(struct amount a)
{
	char text[AMOUNT_DEC_MAX];
	uint64_t v;

	amount_format(a, text);
	assert_true(str_u64(str_of(text), INT64_MAX, &v));
	return (int64_t)v;
}

static inline int64_t free_of(const struct play *p, enum who who)
{
	struct ledger_account a;

	ledger_account(p->l, &p->who[who], p->now, &a);
	return small(a.free);
}

static inline int64_t sink_of(const struct play *p)
{
	struct ledger_totals t;

	ledger_totals(p->l, &t);
	return small(t.sink);
}

static inline unsigned state_of(const struct play *p, const struct hash *id)
{
	const struct agreement *d = ledger_agreement(p->l, id);

	return d ? d->state : 0;
}

static inline int64_t change(const struct play *p, enum who who)
{
	return free_of(p, who) - PARTY_START;
}

/* Without mediation. */
static inline void plain(struct deal *d)
{
	d->hot.seats = 0;
	d->hot.mediation = MEDIATION_NONE;
	d->cold.mediators.n = 0;
	d->cold.determinism = DETERMINISM_NONE;
	d->hot.job_bond = d->hot.late_judge;
	d->hot.result_bond = d->hot.late_submit;
}

static inline struct amount big(const char *dec)
{
	struct amount a;

	assert_true(amount_parse(str_of(dec), &a));
	return a;
}

#define TWO_96_LESS_1 "79228162514264337593543950335"

/* ---- deals on their way ------------------------------------------------------------------------- */

static inline struct hash opened(struct play *p, const struct deal *d)
{
	play_open(p, d);
	applies(p);
	return play_id(deal_record(), d);
}

static inline struct hash submitted(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	play_result(p, &id, COUNT_, BYTES_);
	applies(p);
	return id;
}

static inline struct hash checked(struct play *p, const struct deal *d)
{
	struct hash id = submitted(p, d), h = play_result_hash(&id, COUNT_, BYTES_);

	play_check(p, &id, &h);
	applies(p);
	return id;
}

static inline void timed_out(struct play *p, const struct hash *id)
{
	p->now = ledger_agreement(p->l, id)->deadline;
	play_timeout(p, id);
	applies(p);
}

static inline void to_timeout_agree(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	play_agree(p, JC, d);
	applies(p);
	timed_out(p, &id);
}

static inline void to_cancelled_early(struct play *p, const struct deal *d)
{
	struct hash id = play_id(deal_record(), d);

	play_agree(p, JC, d);
	applies(p);
	play_cancel(p, &id, p->now.s + 1);
	applies(p);
}

static inline void to_cancelled(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	play_cancel(p, &id, p->now.s + 1);
	applies(p);
}

static inline void to_timeout_submit(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	timed_out(p, &id);
}

static inline void to_declined(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	play_decline(p, &id);
	applies(p);
}

static inline void to_accepted(struct play *p, const struct deal *d)
{
	struct hash id = submitted(p, d);

	play_accept(p, &id, COUNT_, BYTES_, false);
	applies(p);
}

static inline void to_accepted_at_once(struct play *p, const struct deal *d)
{
	struct hash id = opened(p, d);

	play_accept(p, &id, COUNT_, BYTES_, true);
	applies(p);
	assert_int_equal(p->ev.from, DEAL_AGREED);
}

static inline void to_timeout_judge(struct play *p, const struct deal *d)
{
	struct hash id = submitted(p, d);

	timed_out(p, &id);
}

static inline void to_timeout_mediate(struct play *p, const struct deal *d)
{
	struct hash id = checked(p, d);

	timed_out(p, &id);
}

static inline void to_passed(struct play *p, const struct deal *d)
{
	checked(p, d);
	play_pass(p, d);
	applies(p);
}

static inline void ruled(struct play *p, const struct deal *d, unsigned ruling)
{
	checked(p, d);
	play_verdict(p, d, ruling);
	applies(p);
}

static inline void to_job_faulty(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_JOB_FAULTY);
}

static inline void to_not_found(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_RESULT_NOT_FOUND);
}

static inline void to_status_wrong(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_STATUS_WRONG);
}

static inline void to_result_wrong(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_RESULT_WRONG);
}

static inline void to_too_much(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_TOO_MUCH_CHARGED);
}

static inline void to_correct(struct play *p, const struct deal *d)
{
	ruled(p, d, RULING_RESULT_CORRECT);
}

#endif
