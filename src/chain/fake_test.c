/* fake_test.c - the fake ledger does to an action whatever a chain may do to it, and tells the truth. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "chain/fake.h"
#include "ledger/ledger_play.h"
#include "port/action_json.h"

enum { NOTES = 2048 };

struct side {
	struct ledger_port port;
	struct inbox inbox;
	struct ledger_note notes[NOTES];
	size_t n;
};

struct net {
	struct play p; /* documents; its ledger is there for the domain */
	struct fake *f;
	struct mono now;
	struct side jc, all;
};

static void on_note(void *self, const struct ledger_note *n)
{
	struct side *s = self;

	assert_true(s->n < NOTES);
	s->notes[s->n++] = *n;
}

static void join(struct net *t, struct side *s, uint64_t after, const struct addr *who)
{
	s->inbox = (struct inbox){.self = s, .ledger = on_note};
	fake_port(t->f, &s->port);
	assert_true(s->port.start(s->port.self, after, who, &s->inbox, &t->p.e));
}

static struct net *net_new(struct fake_options o)
{
	struct net *t = calloc(1, sizeof *t);

	assert_non_null(t);
	play_init(&t->p);
	t->now.ns = 5000000000;
	o.genesis = &t->p.genesis;
	o.rules.verify = play_fake_verify;
	o.start = t->now;
	if (!fake_new(&o, &t->f, &t->p.e))
		fail_msg("%s", t->p.e.msg);
	join(t, &t->jc, 0, &t->p.who[JC]);
	join(t, &t->all, 0, &(struct addr){{0}});
	return t;
}

static void net_free(struct net *t)
{
	struct err e;

	assert_true(ledger_check(fake_rules(t->f), &e));
	fake_free(t->f);
	play_done(&t->p);
	free(t);
}

static void run(struct net *t, int64_t ms)
{
	t->now = mono_plus(t->now, span_ms(ms));
	fake_run(t->f, t->now);
}

static void submit(struct net *t, struct side *s)
{
	struct hash id;

	action_id(&t->p.a, &id);
	s->port.submit(s->port.self, &t->p.a, &id);
}

static void submit_deal(struct net *t, uint64_t nonce)
{
	struct deal d = play_deal(&t->p, nonce);

	play_open(&t->p, &d);
	submit(t, &t->jc);
}

static size_t count(const struct side *s, enum ledger_stage stage)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->notes[i].stage == stage;
	return n;
}

static const struct ledger_note *last(const struct side *s, enum ledger_stage stage)
{
	for (size_t i = s->n; i-- > 0;) {
		if (s->notes[i].stage == stage)
			return &s->notes[i];
	}
	fail_msg("no note of stage %d", (int)stage);
	return NULL;
}

static void in_order(const struct side *s)
{
	uint64_t seq = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->notes[i].stage == LEDGER_EVENT)
			assert_int_equal(s->notes[i].event.seq, ++seq);
	}
}

/* Pending when it arrives, included in a block, final two blocks later: and only then an event. */
static void test_stages(void **state)
{
	struct net *t =
	        net_new((struct fake_options){.depth = 2, .delay = {300}, .block_every = {1000}});

	(void)state;
	run(t, 0);
	t->jc.n = 0;
	submit_deal(t, 1);
	assert_int_equal(t->jc.n, 0);
	run(t, 299);
	assert_int_equal(t->jc.n, 0);
	assert_int_equal(fake_next(t->f).ns, t->now.ns + 1000000);
	run(t, 1);
	assert_int_equal(count(&t->jc, LEDGER_PENDING), 1);
	run(t, 700);
	assert_int_equal(count(&t->jc, LEDGER_INCLUDED), 1);
	assert_int_equal(count(&t->jc, LEDGER_EVENT), 0);
	run(t, 1000);
	assert_int_equal(count(&t->jc, LEDGER_FINAL), 0);
	run(t, 1000);
	assert_int_equal(count(&t->jc, LEDGER_FINAL), 1);
	assert_int_equal(count(&t->jc, LEDGER_EVENT), 1);
	assert_int_equal(count(&t->all, LEDGER_EVENT), 1);
	/* The time that is told is that of the confirmed head, two blocks back. */
	assert_int_equal(last(&t->jc, LEDGER_CLOCK)->time.s, t->p.genesis.time.s + 1);
	assert_int_equal(fake_time(t->f).s, t->p.genesis.time.s + 3);
	/* Again: no second effect. */
	submit_deal(t, 1);
	run(t, 3000);
	assert_int_equal(count(&t->jc, LEDGER_FINAL), 2);
	assert_int_equal(count(&t->jc, LEDGER_EVENT), 1);
	net_free(t);
}

static void test_refused(void **state)
{
	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		struct net *t = net_new((struct fake_options){.keep_failed = keep});

		play_timeout(&t->p, &(struct hash){{1}});
		submit(t, &t->jc);
		run(t, 2000);
		if (keep) {
			assert_true(last(&t->jc, LEDGER_INCLUDED)->failed);
			assert_true(last(&t->jc, LEDGER_FINAL)->failed);
			assert_int_equal(last(&t->jc, LEDGER_FINAL)->err.code, E_NOT_FOUND);
		} else {
			assert_int_equal(last(&t->jc, LEDGER_DROPPED)->err.code, E_NOT_FOUND);
		}
		assert_int_equal(count(&t->jc, LEDGER_EVENT), 0);
		net_free(t);
	}
}

/* Blocks vanish: actions are pending again, and in another block; what was final stays. */
static void test_reorg(void **state)
{
	struct net *t = net_new((struct fake_options){.depth = 3});
	const struct ledger *l;

	(void)state;
	submit_deal(t, 1);
	run(t, 0);
	run(t, 4000);
	assert_int_equal(count(&t->jc, LEDGER_FINAL), 1);
	submit_deal(t, 2);
	submit_deal(t, 3);
	run(t, 1000);
	run(t, 1000);
	assert_int_equal(count(&t->jc, LEDGER_INCLUDED), 3);
	assert_int_equal(fake_reorg(t->f, 10, 0), 3);
	l = fake_rules(t->f);
	assert_true(ledger_nonce_used(l, &t->p.who[JC], 1));
	assert_false(ledger_nonce_used(l, &t->p.who[JC], 2));
	assert_int_equal(count(&t->jc, LEDGER_PENDING), 5);
	run(t, 5000);
	assert_int_equal(count(&t->jc, LEDGER_INCLUDED), 5);
	assert_int_equal(count(&t->jc, LEDGER_FINAL), 3);
	assert_int_equal(count(&t->jc, LEDGER_EVENT), 3);
	in_order(&t->jc);
	/* With all that was in them lost. */
	submit_deal(t, 4);
	run(t, 1000);
	run(t, 1000);
	assert_int_equal(fake_reorg(t->f, 3, 100), 3);
	assert_int_equal(last(&t->jc, LEDGER_DROPPED)->err.code, E_STALE);
	run(t, 10000);
	assert_int_equal(count(&t->jc, LEDGER_EVENT), 3);
	submit_deal(t, 4);
	run(t, 10000);
	assert_int_equal(count(&t->jc, LEDGER_EVENT), 4);
	net_free(t);
}

static void test_lost(void **state)
{
	struct net *t = net_new((struct fake_options){.lose = 50, .jitter = {900}, .seed = 7});
	size_t lost;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		submit_deal(t, i);
	run(t, 5000);
	lost = count(&t->jc, LEDGER_DROPPED);
	assert_true(lost > 25 && lost < 75);
	assert_int_equal(count(&t->jc, LEDGER_EVENT), 100 - lost);
	in_order(&t->all);
	net_free(t);
}

/* An open and its result in one block, in either order: one of them is refused, or both count. */
static void test_shuffle(void **state)
{
	unsigned orders[2] = {0};

	(void)state;
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct net *t = net_new((struct fake_options){.shuffle = true, .seed = seed});
		struct deal d = play_deal(&t->p, 1);
		struct hash id = play_id(deal_record(), &d);

		submit_deal(t, 1);
		play_result(&t->p, &id, 1, 1);
		submit(t, &t->jc);
		run(t, 2000);
		orders[count(&t->jc, LEDGER_EVENT) == 2]++;
		net_free(t);
	}
	assert_true(orders[0] > 5 && orders[1] > 5);
}

static void test_down(void **state)
{
	struct net *t = net_new((struct fake_options){0});
	struct btime before;

	(void)state;
	run(t, 1000);
	before = fake_time(t->f);
	fake_down(t->f, true);
	assert_int_equal(count(&t->jc, LEDGER_DOWN), 1);
	submit_deal(t, 1);
	run(t, 9000);
	assert_int_equal(last(&t->jc, LEDGER_DROPPED)->err.code, E_UNREACHABLE);
	assert_int_equal(fake_time(t->f).s, before.s);
	fake_down(t->f, false);
	assert_int_equal(count(&t->jc, LEDGER_UP), 1);
	submit_deal(t, 1);
	run(t, 1000);
	assert_int_equal(count(&t->jc, LEDGER_EVENT), 1);
	net_free(t);
}

/* From a cursor, of one account, with the time running ahead. */
static void test_cursor(void **state)
{
	struct net *t = net_new((struct fake_options){0});
	struct side *late = calloc(1, sizeof *late), *mallory = calloc(1, sizeof *mallory);

	(void)state;
	assert_true(late && mallory);
	for (uint64_t i = 0; i < 5; i++)
		submit_deal(t, i);
	run(t, 1000);
	fake_pass(t->f, 300);
	join(t, late, 3, &(struct addr){{0}});
	join(t, mallory, 0, &t->p.who[MALLORY]);
	run(t, 1000);
	assert_int_equal(count(late, LEDGER_EVENT), 2);
	assert_int_equal(last(late, LEDGER_EVENT)->event.seq, 5);
	assert_int_equal(count(mallory, LEDGER_EVENT), 0);
	assert_int_equal(last(mallory, LEDGER_CLOCK)->time.s, t->p.genesis.time.s + 302);
	late->port.stop(late->port.self);
	late->n = 0;
	run(t, 5000);
	assert_int_equal(late->n, 0);
	net_free(t);
	free(late);
	free(mallory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_stages),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_reorg),
	        cmocka_unit_test(test_lost),
	        cmocka_unit_test(test_shuffle),
	        cmocka_unit_test(test_down),
	        cmocka_unit_test(test_cursor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
