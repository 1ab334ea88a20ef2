/* foreign_terms_test.c - offers that ask for what nobody here has: they wait with a reason, and the offers of
 * others are matched as before. */
#include "solver/solver_suite.h"

/* The reason against the one provider that is there. */
static const char *only_reason(struct bench *b, const struct job_offer *j)
{
	struct hash id = job_id(j);
	json_t *reasons;

	assert_int_equal(ask(b, PARTIES, "GET", path_of("/v1/job-offers/%s", &id), ""), 200);
	assert_string_equal(state_of(b), "open");
	reasons = json_object_get(b->reply, "reasons");
	assert_int_equal(json_array_size(reasons), 1);
	return json_string_value(json_object_get(json_array_get(reasons, 0), "reason"));
}

static void next_job_is_matched(struct bench *b)
{
	struct job_offer j = job_of(b, JC2);
	unsigned before = fx_count(b, FX_EMIT, "deal");
	struct deal d;

	assert_int_equal(post_job(b, JC2, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), before + 1);
	published(b, &d);
	assert_true(addr_eq(&d.hot.job_creator, &b->addr[JC2]));
}

/* It names a provider, so that no other may answer, and mediators that this provider does not know. */
static void test_targeted_with_foreign_mediators(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);
	struct job_offer j = job_of(b, JC);

	assert_int_equal(post_resource(b, RP, &r), 200);
	j.target = b->addr[RP];
	for (uint32_t i = 0; i < j.mediators.n; i++)
		j.mediators.v[i] = (struct addr){{9, (uint8_t)(i + 1)}};
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	assert_string_equal(only_reason(b, &j), "MEDIATORS");
	next_job_is_matched(b);
	/* A restart reads it again, and is no worse. */
	restart(b);
	assert_string_equal(only_reason(b, &j), "MEDIATORS");
	next_job_is_matched(b);
}

/* Capability and price count for a provider that is named as for any other. */
static void test_targeted_beyond_the_machine(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);
	struct job_offer j = job_of(b, JC);

	r.free.ram = 1 << 20;
	assert_int_equal(post_resource(b, RP, &r), 200);
	j.target = b->addr[RP];
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_int_equal(fx_count(b, FX_EMIT, "deal"), 0);
	assert_string_equal(only_reason(b, &j), "RAM");
	j = job_of(b, JC);
	j.target = b->addr[RP];
	j.resources.ram = 1 << 19;
	j.prices.base = amount_of(1);
	assert_int_equal(post_job(b, JC, &j), 200);
	assert_string_equal(only_reason(b, &j), "PRICE_BASE");
}

/* A job for another solver, with a signature that is right. */
static void test_of_another_solver(void **state)
{
	struct bench *b = *state;
	struct resource_offer r = resource_of(b, RP);
	struct job_offer j = job_of(b, JC);

	assert_int_equal(post_resource(b, RP, &r), 200);
	j.target = b->addr[RP];
	j.solver = b->addr[RP2];
	assert_int_equal(post_job(b, JC, &j) / 100, 4);
	next_job_is_matched(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_targeted_with_foreign_mediators),
	        T(test_targeted_beyond_the_machine),
	        T(test_of_another_solver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
