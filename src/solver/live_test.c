/* live_test.c - deals in memory: what they spare the store, and that nothing is only there. */
#include "solver/solver_suite.h"

/* A store that counts what is read of deals and steps. */
struct counting {
	struct store below;
	unsigned deals, steps;
};
static struct counting counted;

static bool counted_get(void *self, const struct record *r, void *row, struct err *e)
{
	(void)self;
	counted.deals += strcmp(r->type, "SolverDeal") == 0;
	counted.steps += strcmp(r->type, "SolverStep") == 0;
	return counted.below.get(counted.below.self, r, row, e);
}

static void count_reads(struct bench *b)
{
	counted = (struct counting){.below = b->world.store};
	b->world.store.get = counted_get;
}

static void test_no_reads_while_it_lasts(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id;

	count_reads(b);
	id = matched(b, &d);
	counted.steps = 0;
	sign_both(b, &id, &d);
	ledger_deal(b, &id, DEAL_AGREED, 0);
	assert_string_equal(deal_state(b, &id), "OPEN");
	assert_int_equal(counted.deals, 0);
	assert_int_equal(counted.steps, 0);
	ledger_deal(b, &id, DEAL_RESULTS_ACCEPTED, 7);
	/* Over: it is read where it is kept. */
	assert_string_equal(deal_state(b, &id), "ENDED");
	assert_true(counted.deals > 0 && counted.steps > 0);
}

/* The store is written through: a solver that dies after any step goes on from there. */
static void test_every_step_is_stored(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = matched(b, &d);

	restart(b);
	clock_note(b);
	assert_string_equal(deal_state(b, &id), "MATCHED");
	assert_int_equal(post_signature(b, JC, &id, &d), 200);
	restart(b);
	clock_note(b);
	assert_string_equal(deal_state(b, &id), "JC_SIGNED");
	count_reads(b);
	assert_int_equal(post_signature(b, RP, &id, &d), 200);
	assert_int_equal(counted.deals, 0); /* unfinished ones were read at the start */
	restart(b);
	clock_note(b);
	assert_string_equal(deal_state(b, &id), "RP_SIGNED");
	ledger_deal(b, &id, DEAL_AGREED, 0);
	restart(b);
	clock_note(b);
	assert_string_equal(deal_state(b, &id), "OPEN");
}

/* Given up, it leaves the memory; opened all the same, it is found in the store. */
static void test_dissolved_and_opened(void **state)
{
	struct bench *b = *state;
	struct deal d;
	struct hash id = matched(b, &d);

	timer(b, TAG_UNSIGNED, &id);
	assert_string_equal(deal_state(b, &id), "DISSOLVED");
	ledger_deal(b, &id, DEAL_AGREED, 0);
	assert_string_equal(deal_state(b, &id), "OPEN");
	ledger_deal(b, &id, DEAL_RESULTS_ACCEPTED, 7);
	assert_string_equal(deal_state(b, &id), "ENDED");
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

/* Ids of the events of the last step rise, over all steps. */
static void rise(struct bench *b, uint64_t *last)
{
	struct fx *f;

	for (unsigned k = 0; (f = fx_of(b, FX_EMIT, NULL, k)); k++) {
		assert_true(f->id > *last);
		*last = f->id;
	}
}

static void test_event_ids_rise(void **state)
{
	struct bench *b = *state;
	uint64_t last = 0, before;

	for (unsigned i = 0; i < 100; i++) {
		struct resource_offer r = resource_of(b, RP);
		struct job_offer j = job_of(b, JC);
		struct deal d;
		struct hash id;

		if (i == 50) {
			before = last;
			restart(b);
			rise(b, &last);
			clock_note(b);
			rise(b, &last);
			ask(b, PARTIES, "GET", "/v1/info", "");
			assert_true((uint64_t)json_integer_value(
			                    json_object_get(b->reply, "lastEvent")) != before);
		}
		assert_int_equal(post_resource(b, RP, &r), 200);
		rise(b, &last);
		assert_int_equal(post_job(b, JC, &j), 200);
		id = published(b, &d);
		rise(b, &last);
		timer(b, TAG_UNSIGNED, &id);
		rise(b, &last);
	}
	assert_true(last > 300);
}

static uint64_t acked(struct bench *b)
{
	struct ack a;
	struct err e;

	assert_true(json_get_record(b->reply, "ack", ack_record(), &a, &e));
	return a.sequence;
}

/* 1.2: one after the other, none left out and none twice, whatever became of the offers. */
static void test_sequence_has_no_gaps(void **state)
{
	struct bench *b = *state;
	struct job_offer j = job_of(b, JC);
	struct hash id;

	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(acked(b), 1);
	j = job_of(b, JC);
	j.expiry.s = j.created_at.s; /* refused */
	assert_int_not_equal(post_job(b, JC, &j), 200);
	j = job_of(b, JC);
	id = job_id(&j);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(acked(b), 2);
	assert_int_equal(post_cancel(b, &id, &id, JC), 200);
	restart(b);
	clock_note(b);
	j = job_of(b, JC);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(acked(b), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_no_reads_while_it_lasts),
	        T(test_every_step_is_stored),
	        T(test_dissolved_and_opened),
	        T(test_event_ids_rise),
	        T(test_sequence_has_no_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
