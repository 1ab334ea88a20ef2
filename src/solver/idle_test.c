/* idle_test.c - what a provider is told of the jobs that it does not get. */
#include "solver/solver_suite.h"

static int64_t number_of(struct bench *b, const char *key)
{
	return json_integer_value(json_object_get(b->reply, key));
}

/* The row of a reason; NULL: not there. */
static json_t *reason_of(struct bench *b, const char *name)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(b->reply, "reasons"), i, row) {
		if (strcmp(json_string_value(json_object_get(row, "reason")), name) == 0)
			return row;
	}
	return NULL;
}

static void assert_change(
        const json_t *row, const char *move, size_t i, const char *value, int jobs)
{
	const json_t *step = json_array_get(json_object_get(row, move), i);

	assert_non_null(step);
	assert_string_equal(json_string_value(json_object_get(step, "value")), value);
	assert_int_equal(json_integer_value(json_object_get(step, "jobs")), jobs);
}

static void ask_idle(struct bench *b, enum party who, const struct resource_offer *r)
{
	struct hash id = resource_id(r);

	ask(b, who, "GET", path_of("/v1/resource-offers/%s/idle", &id), "");
}

/* What was counted a moment ago is not counted again. */
static void later(struct bench *b)
{
	pass(b, 6);
	clock_note(b);
}

/* RP's offer, too dear for any job. */
static struct resource_offer post_dear(struct bench *b)
{
	struct resource_offer r = resource_of(b, RP);

	r.prices.base = amount_of(1000);
	assert_int_equal(post_resource(b, RP, &r), 200);
	return r;
}

static void test_waiting(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = post_dear(b);
	struct job_offer j;

	for (unsigned i = 0; i < 3; i++) {
		j = job_of(b, JC);
		j.prices.base = amount_of(900 - i * 100);
		assert_int_equal(post_job(b, JC, &j), 200);
	}
	j = job_of(b, JC2);
	j.prices.base = amount_of(1000);
	j.resources.ram = r.free.ram * 2;
	assert_int_equal(post_job(b, JC2, &j), 200);
	ask_idle(b, RP, &r);
	assert_int_equal(b->status, 200);
	assert_int_equal(number_of(b, "waiting"), 4);
	assert_int_equal(number_of(b, "lookedAt"), 4);
	assert_int_equal(number_of(b, "matching"), 0);
	json_t *price = reason_of(b, "PRICE_BASE"), *ram = reason_of(b, "RAM");
	assert_int_equal(json_integer_value(json_object_get(price, "jobs")), 3);
	assert_string_equal(json_string_value(json_object_get(price, "have")), "1000");
	assert_change(price, "atMost", 0, "900", 1);
	assert_change(price, "atMost", 2, "700", 3);
	assert_int_equal(json_integer_value(json_object_get(ram, "jobs")), 1);
	assert_non_null(json_object_get(ram, "atLeast"));
	/* The promise is kept: at that price there are two matches. */
	r = resource_of(b, RP);
	r.prices.base = amount_of(800);
	assert_int_equal(post_resource(b, RP, &r), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 2);
}

static void test_answers_for_a_while(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = post_dear(b);
	struct job_offer j = job_of(b, JC);

	ask_idle(b, RP, &r);
	assert_int_equal(number_of(b, "lookedAt"), 0);
	assert_int_equal(post_job(b, JC, &j), 200);
	ask_idle(b, RP, &r);
	assert_int_equal(number_of(b, "lookedAt"), 0);
	later(b);
	ask_idle(b, RP, &r);
	assert_int_equal(number_of(b, "lookedAt"), 1);
}

static void test_only_its_provider(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);
	struct job_offer j = job_of(b, JC);
	struct hash id = job_id(&j);

	assert_int_equal(post_resource(b, RP, &r), 200);
	ask_idle(b, RP2, &r);
	assert_err(b, E_PARTY);
	r.nonce++;
	ask_idle(b, RP, &r);
	assert_err(b, E_NOT_FOUND);
	ask(b, RP, "GET", "/v1/resource-offers/0x12/idle", "");
	assert_int_equal(b->status / 100, 4);
	/* A job offer is no resource offer. */
	j.target = b->addr[RP2];
	assert_int_equal(post_job(b, JC, &j), 200);
	ask(b, JC, "GET", path_of("/v1/resource-offers/%s/idle", &id), "");
	assert_err(b, E_NOT_FOUND);
}

/* A job that another got, as things are: it was in the running. Its own are not counted. */
static void test_taken_by_another(void **state)
{
	struct bench *b = *state;
	struct resource_offer cheap = resource_of(b, RP), dear = resource_of(b, RP2);
	struct job_offer j = job_of(b, JC);
	struct deal d;
	struct hash id;

	cheap.prices.base = amount_of(1);
	assert_int_equal(post_resource(b, RP, &cheap), 200);
	assert_int_equal(post_resource(b, RP2, &dear), 200);
	assert_int_equal(post_job(b, JC, &j), 200);
	id = published(b, &d);
	assert_true(addr_eq(&d.hot.provider, &b->addr[RP]));
	ledger_deal(b, &id, DEAL_AGREED, 0);
	ask_idle(b, RP2, &dear);
	assert_int_equal(number_of(b, "past"), 1);
	assert_int_equal(number_of(b, "taken"), 1);
	assert_int_equal(number_of(b, "matching"), 0);
	ask_idle(b, RP, &cheap);
	assert_int_equal(number_of(b, "past"), 0);
	/* An hour later it is forgotten. */
	pass(b, 3590);
	clock_note(b);
	ask_idle(b, RP2, &dear);
	assert_int_equal(number_of(b, "past"), 1);
	pass(b, 20);
	dear = resource_of(b, RP2);
	assert_int_equal(post_resource(b, RP2, &dear), 200);
	ask_idle(b, RP2, &dear);
	assert_int_equal(number_of(b, "past"), 0);
}

static void test_expired_unmatched(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = post_dear(b);
	struct job_offer j = job_of(b, JC);

	j.expiry.s = j.created_at.s + 30;
	assert_int_equal(post_job(b, JC, &j), 200);
	pass(b, 31);
	clock_note(b);
	ask_idle(b, RP, &r);
	assert_int_equal(number_of(b, "waiting"), 0);
	assert_int_equal(number_of(b, "past"), 1);
	assert_int_equal(number_of(b, "taken"), 0);
	assert_change(reason_of(b, "PRICE_BASE"), "atMost", 0, "100", 1);
}

static void test_cancelled_unmatched(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = post_dear(b);
	struct job_offer j = job_of(b, JC);
	struct hash id = job_id(&j), resource = resource_id(&r);

	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(post_cancel(b, &id, &id, JC), 200);
	ask_idle(b, RP, &r);
	assert_int_equal(number_of(b, "past"), 1);
	/* A resource offer that is cancelled is no job. */
	assert_int_equal(post_cancel(b, &resource, &resource, RP), 200);
	ask_idle(b, RP, &r);
	assert_err(b, E_NOT_FOUND);
}

/* The past is bounded: the newest are kept. */
static void test_past_is_bounded(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);

	r.prices.base = amount_of(1000);
	r.expiry.s += 80000;
	assert_int_equal(post_resource(b, RP, &r), 200);
	for (unsigned i = 0; i < 1100; i++) {
		struct job_offer j = job_of(b, JC);

		j.expiry.s = j.created_at.s + 1;
		assert_int_equal(post_job(b, JC, &j), 200);
		pass(b, 1);
	}
	clock_note(b);
	ask_idle(b, RP, &r);
	assert_int_equal(number_of(b, "past"), 1024);
}

static void test_rate_of_signer(void **state)
{
	struct bench *b = *state;
	struct job_offer j;

	b->config.rate_offers = 1;
	restart(b);
	for (unsigned i = 0; i < 10; i++) {
		j = job_of(b, JC);
		assert_int_equal(post_job(b, JC, &j), 200);
	}
	/* One that is known costs nothing; a new one is too many. */
	assert_int_equal(post_job(b, JC, &j), 200);
	j = job_of(b, JC);
	post_job(b, JC, &j);
	assert_err(b, E_RATE);
	/* What others forge in its name is not counted, and others are not held up. */
	j = job_of(b, JC2);
	post_job(b, JC, &j);
	assert_err(b, E_SIGNATURE);
	for (unsigned i = 0; i < 10; i++) {
		j = job_of(b, JC2);
		assert_int_equal(post_job(b, JC2, &j), 200);
	}
	pass(b, 2);
	for (unsigned i = 0; i < 2; i++) {
		j = job_of(b, JC);
		assert_int_equal(post_job(b, JC, &j), 200);
	}
	j = job_of(b, JC);
	post_job(b, JC, &j);
	assert_err(b, E_RATE);
}

static void test_share_of_signer(void **state)
{
	struct bench *b = *state;
	struct job_offer j;
	struct hash id, last = {{0}};

	b->config.offers_each = 5;
	restart(b);
	for (unsigned i = 0; i < 5; i++) {
		j = job_of(b, JC);
		last = job_id(&j);
		assert_int_equal(post_job(b, JC, &j), 200);
	}
	j = job_of(b, JC);
	post_job(b, JC, &j);
	assert_err(b, E_RATE);
	/* Others may; a restart forgets nothing; one that leaves makes room for one. */
	j = job_of(b, JC2);
	assert_int_equal(post_job(b, JC2, &j), 200);
	restart(b);
	j = job_of(b, JC);
	id = job_id(&j);
	post_job(b, JC, &j);
	assert_err(b, E_RATE);
	assert_int_equal(post_cancel(b, &last, &last, JC), 200);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(post_cancel(b, &id, &id, JC), 200);
	j = job_of(b, JC);
	j.expiry.s = j.created_at.s + 5;
	assert_int_equal(post_job(b, JC, &j), 200);
	pass(b, 6);
	clock_note(b);
	j = job_of(b, JC);
	assert_int_equal(post_job(b, JC, &j), 200);
	j = job_of(b, JC);
	post_job(b, JC, &j);
	assert_err(b, E_RATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_waiting),
	        T(test_answers_for_a_while),
	        T(test_only_its_provider),
	        T(test_taken_by_another),
	        T(test_expired_unmatched),
	        T(test_cancelled_unmatched),
	        T(test_past_is_bounded),
	        T(test_rate_of_signer),
	        T(test_share_of_signer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
