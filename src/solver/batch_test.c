/* batch_test.c - pricing `cleared` (3.14): gathered, served by their bids, one price, published. */
#include "market/clear.h"
#include "market/deal_of.h"
#include "solver/solver_suite.h"

#define BATCH_S 2
#define FULL    32 /* pairs: the batch is over */

static int setup_batches(void **state)
{
	int rc = setup(state);
	struct bench *b = *state;

	b->config.batch = span_s(BATCH_S);
	restart(b);
	return rc;
}

/* A job offer that bids so much for each instruction. */
static struct job_offer bid_of(struct bench *b, enum party jc, uint64_t per_instruction)
{
	struct job_offer j = job_of(b, jc);

	j.pricing = PRICING_CLEARED;
	j.prices.per_instruction = amount_of(per_instruction);
	return j;
}

/* A provider with room for one job, who asks so much for each instruction. */
static void ask_of(struct bench *b, enum party rp, uint64_t per_instruction)
{
	struct resource_offer r = resource_of(b, rp);

	r.prices.per_instruction = amount_of(per_instruction);
	r.free.cpu = 1000;
	r.machine = hash_no((uint32_t)b->nonce);
	assert_int_equal(post_resource(b, rp, &r), 200);
}

static struct hash bid(struct bench *b, enum party jc, uint64_t per_instruction)
{
	struct job_offer j = bid_of(b, jc, per_instruction);

	assert_int_equal(post_job(b, jc, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	return job_id(&j);
}

static void end_batch(struct bench *b)
{
	pass(b, BATCH_S);
	timer(b, TAG_BATCH, NULL);
}

/* The k-th deal of the last event. */
static struct deal deal_no(struct bench *b, unsigned k)
{
	struct fx *f = fx_of(b, FX_EMIT, "deal", k);
	json_t *j = NULL;
	struct deal d;
	struct err e;

	assert_non_null(f);
	assert_true(json_parse(bytes_str(f->body), &j, &e));
	assert_true(json_get_record(j, "deal", deal_record(), &d, &e));
	json_decref(j);
	return d;
}

static json_t *clearings(struct bench *b)
{
	assert_int_equal(ask(b, PARTIES, "GET", "/v1/clearings", ""), 200);
	return json_object_get(b->reply, "clearings");
}

static const char *waits(struct bench *b, const struct hash *job)
{
	assert_int_equal(ask(b, PARTIES, "GET", path_of("/v1/job-offers/%s", job), ""), 200);
	return state_of(b);
}

static void test_waits_for_its_batch(void **state)
{
	struct bench *b = *state;
	struct job_offer j = bid_of(b, JC, 5);
	struct resource_offer r = resource_of(b, RP);
	struct fx *t;
	struct deal d;
	struct err e;

	assert_int_equal(post_resource(b, RP, &r), 200);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	t = fx_of(b, FX_TIMER, NULL, 0);
	assert_int_equal(t->tag.what, TAG_BATCH);
	assert_int_equal(t->delay.ms, BATCH_S * 1000);
	end_batch(b);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
	d = deal_no(b, 0);
	/* Between what was bid and what was asked: 100 and 10, 5 and 1, 3 and 1. */
	assert_true(amount_eq(d.hot.base, amount_of(55)));
	assert_true(amount_eq(d.hot.per_instruction, amount_of(3)));
	assert_true(amount_eq(d.hot.per_byte, amount_of(2)));
	assert_true(deal_follows_job_offer(&d, &j, &e));
	assert_true(deal_follows_resource_offer(&d, &r, &e));
	timer(b, TAG_SWEEP, NULL);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	assert_string_equal(waits(b, &d.cold.job_offer), "taken");
}

static void test_best_bid_first(void **state)
{
	struct bench *b = *state;
	struct hash low, high;
	struct deal d;

	ask_of(b, RP, 2);
	low = bid(b, JC, 4);
	high = bid(b, JC2, 9);
	/* Only the first found room, and would have got it. */
	end_batch(b);
	d = deal_no(b, 0);
	assert_true(hash_eq(&d.cold.job_offer, &low));
	/* Where both are gathered, the second bids more. */
	ask_of(b, RP2, 2);
	ask_of(b, RP2, 3);
	timer(b, TAG_SWEEP, NULL);
	low = bid(b, JC, 5);
	end_batch(b);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 2);
	d = deal_no(b, 0);
	assert_true(hash_eq(&d.cold.job_offer, &high));
	assert_true(amount_eq(d.hot.per_instruction, amount_of(4)));
	d = deal_no(b, 1);
	assert_true(hash_eq(&d.cold.job_offer, &low));
	assert_true(amount_eq(d.hot.per_instruction, amount_of(4)));
}

static void test_published(void **state)
{
	struct bench *b = *state;
	struct clear_pair v[8];
	struct prices price, said_price;
	struct err e;
	json_t *row, *bids;
	uint64_t cleared;
	size_t n;

	ask_of(b, RP, 7);
	ask_of(b, RP2, 1);
	bid(b, JC, 9);
	bid(b, JC2, 8);
	end_batch(b);
	row = json_array_get(clearings(b), 0);
	bids = json_object_get(row, "bids");
	n = json_array_size(bids);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_true(json_get_record(
		        json_array_get(bids, i), "bid", prices_record(), &v[i].bid, &e));
		assert_true(json_get_record(
		        json_array_get(bids, i), "ask", prices_record(), &v[i].ask, &e));
	}
	/* Anyone clears it again. */
	assert_true(json_get_u64(row, "cleared", &cleared, &e));
	assert_int_equal(clear_pairs(v, n, &price), cleared);
	assert_true(json_get_record(row, "price", prices_record(), &said_price, &e));
	assert_memory_equal(&price, &said_price, sizeof price);
	restart(b);
	assert_int_equal(json_array_size(clearings(b)), 1);
	assert_int_equal(ask(b, PARTIES, "GET", "/v1/clearings?offset=1", ""), 200);
	assert_int_equal(json_array_size(json_object_get(b->reply, "clearings")), 0);
	assert_int_equal(ask(b, PARTIES, "GET", "/v1/clearings?limit=21", ""), 400);
}

static void test_what_is_dropped_comes_into_the_next(void **state)
{
	struct bench *b = *state;
	struct job_offer dear, cheap;
	struct hash id;

	/* The best bid wants the dear provider alone; no price suits both pairs. */
	ask_of(b, RP, 2);
	ask_of(b, RP2, 6);
	dear = bid_of(b, JC, 10);
	dear.target = b->addr[RP2];
	cheap = bid_of(b, JC2, 3);
	id = job_id(&cheap);
	assert_int_equal(post_job(b, JC, &dear), 200);
	assert_int_equal(post_job(b, JC2, &cheap), 200);
	end_batch(b);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
	assert_true(amount_eq(deal_no(b, 0).hot.per_instruction, amount_of(8)));
	assert_string_equal(waits(b, &id), "open");
	timer(b, TAG_SWEEP, NULL);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	end_batch(b);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
	assert_true(amount_eq(deal_no(b, 0).hot.per_instruction, amount_of(2)));
	assert_int_equal(json_array_size(clearings(b)), 2);
}

static void test_cancelled_while_it_waits(void **state)
{
	struct bench *b = *state;
	struct hash id;
	struct job_offer plain = job_of(b, JC2);

	ask_of(b, RP, 1);
	id = bid(b, JC, 5);
	assert_int_equal(post_cancel(b, &id, &id, JC), 200);
	end_batch(b);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	assert_int_equal(json_array_size(clearings(b)), 0);
	/* What it held is free. */
	assert_int_equal(post_job(b, JC2, &plain), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
}

static void test_restart_cuts_a_batch_off(void **state)
{
	struct bench *b = *state;
	struct hash id;
	struct deal d;

	ask_of(b, RP, 1);
	id = bid(b, JC, 5);
	restart(b);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	end_batch(b);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
	d = deal_no(b, 0);
	assert_true(hash_eq(&d.cold.job_offer, &id));
}

static void test_others_do_not_wait(void **state)
{
	struct bench *b = *state;
	struct job_offer plain = job_of(b, JC2);

	ask_of(b, RP, 1);
	ask_of(b, RP2, 1);
	bid(b, JC, 5);
	assert_int_equal(post_job(b, JC2, &plain), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
	end_batch(b);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 1);
}

static void test_full_batch_clears_at_once(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);
	unsigned deals = 0;

	balance(b, JC, 4000000000);
	balance(b, RP, 4000000000);
	r.free.cpu = 80000;
	r.free.ram = r.free.disk = (uint64_t)1 << 50;
	assert_int_equal(post_resource(b, RP, &r), 200);
	for (unsigned i = 0; i < FULL; i++)
		bid(b, JC, 5);
	assert_int_equal(fx_of(b, FX_TIMER, NULL, 0)->tag.what, TAG_BATCH);
	assert_int_equal(fx_of(b, FX_TIMER, NULL, 0)->delay.ms, 0);
	for (unsigned i = 0; i < 3; i++) { /* more than a batch takes */
		struct job_offer j = bid_of(b, JC, 5);

		assert_int_equal(post_job(b, JC, &j), 200);
	}
	for (unsigned turn = 0; turn < 4; turn++) {
		timer(b, TAG_BATCH, NULL);
		assert_true(b->fx.n <= EFFECTS_MAX);
		deals += fx_count(b, FX_EMIT, "deal");
		timer(b, TAG_SWEEP, NULL);
		deals += fx_count(b, FX_EMIT, "deal");
	}
	assert_int_equal(deals, FULL + 3);
}

#define B(name) cmocka_unit_test_setup_teardown(name, setup_batches, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        B(test_waits_for_its_batch),
	        B(test_best_bid_first),
	        B(test_published),
	        B(test_what_is_dropped_comes_into_the_next),
	        B(test_cancelled_while_it_waits),
	        B(test_restart_cuts_a_batch_off),
	        B(test_others_do_not_wait),
	        B(test_full_batch_clears_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
