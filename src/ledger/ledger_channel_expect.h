/* ledger_channel_expect.h - for the tests of channels: what must be in them. Include after cmocka.h and
 * ledger_expect.h. */
#ifndef LILYPAD_LEDGER_LEDGER_CHANNEL_EXPECT_H
#define LILYPAD_LEDGER_LEDGER_CHANNEL_EXPECT_H

#include "ledger/ledger_channel_play.h"
#include "ledger/ledger_expect.h"

/* COST of the standard deal at COUNT_ and BYTES_, with its shares; what it locks. */
enum { COST_ = 450, ROY_ = 22, SOL_ = 13, JC_LOCK = 1500, RP_LOCK = 400, CJ_ = 20, CS_ = 30 };
enum { JOB_SUM = 10000, RP_SUM = 5000 };

static inline struct hash channel_opened(struct play *p, unsigned kind, uint64_t serial)
{
	play_open_channel(p, kind, serial, JOB_SUM, RP_SUM);
	applies(p);
	return play_channel(p, kind, serial);
}

static inline void sums_are(
        const struct play *p, const struct hash *id, int64_t job, int64_t provider)
{
	const struct ledger_channel *c = ledger_channel(p->l, id);

	assert_non_null(c);
	assert_int_equal(small(c->job), job);
	assert_int_equal(small(c->provider), provider);
}

#endif
