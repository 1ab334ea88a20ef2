/* sweep_test.c - which blocks stay: those of disputes that are not over, and of outputs that were judged. */
#include "mediator/mediator_suite.h"

enum { KEEP_S = 5000 };

static unsigned collections, compactions;
static bool compact_more;

static bool collect(void *self, bool (*keep)(void *ctx, const struct cid *cid), void *ctx,
        uint64_t *freed, struct err *e)
{
	struct bench *b = self;

	collections++;
	return blobs_memory_collect(b->local, keep, ctx, freed, e);
}

static bool compact(void *self, bool *more, struct err *e)
{
	(void)self, (void)e;
	compactions++;
	*more = compact_more;
	compact_more = false;
	return true;
}

static int sweep_setup(void **state)
{
	struct stage *s;

	stage_setup(state);
	s = *state;
	collections = compactions = 0;
	s->config.keep = span_s(KEEP_S);
	s->config.collector = (struct mediator_collector){s->b, collect, compact};
	restart(s);
	return 0;
}

static void sweep(struct stage *s)
{
	send_timer(s->b, (struct tag){.what = TAG_SWEEP});
	while (need(s->b, FX_TIMER, TAG_SWEEP)->delay.ms <= 1)
		send_timer(s->b, (struct tag){.what = TAG_SWEEP});
}

static bool whole(struct stage *s, const struct cid *root)
{
	struct block_source src = {s->b->world.blobs.self, s->b->world.blobs.get};
	uint64_t bytes;
	struct err e;

	return unixfs_blocks(&src, root, 1 << 20, NULL, NULL, &bytes, &e);
}

static bool has_job(struct stage *s)
{
	struct cid spec = cid_raw(&s->deal.cold.spec), program = cid_tree(&s->spec.program),
	           input = cid_tree(&s->spec.inputs.v[0].tree);

	return whole(s, &spec) && whole(s, &program) && whole(s, &input);
}

static void judged_outputs_stay(void **state)
{
	struct stage *s = *state;

	differ(s, "mo0\n");
	to_answer(s);
	sweep(s);
	assert_true(has_job(s));
	send_state(s, &s->id, DEAL_MEDIATION_REJECTED, &s->result_hash, 0);
	sweep(s);
	assert_false(has_job(s));
	assert_true(whole(s, &s->own.cid));
	assert_true(whole(s, &s->output.cid));
	pass(s->b, KEEP_S);
	sweep(s);
	assert_true(whole(s, &s->own.cid));
	pass(s->b, 1);
	sweep(s);
	assert_false(whole(s, &s->own.cid));
	assert_false(whole(s, &s->output.cid));
	assert_int_equal(collections, 4);
	/* What was earned is remembered. */
	assert_true(amount_eq(case_row(s).earned, amount_of(FEE)));
}

static void open_disputes_stay(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	differ(s, "mo0\n");
	to_ready(s);
	pass(s->b, 60);
	sweep(s);
	assert_true(has_job(s));
	assert_true(whole(s, &s->output.cid));
	r = run_of(s);
	s->own = output_tree(s->b->local, "mo0\n", "outputs/a.txt");
	send_run(s, &r);
	assert_verdict(s, RULING_RESULT_WRONG, "byte 2");
}

/* Not at the start, when nothing is known of what is on its way; then once an hour, and segment by segment. */
static void once_an_hour(void **state)
{
	struct stage *s = *state;

	mediator_free(s->m);
	stage_open(s);
	assert_int_equal(need(s->b, FX_TIMER, TAG_SWEEP)->delay.ms, 3600 * 1000);
	assert_int_equal(collections, 0);
	compact_more = true;
	sweep(s);
	assert_int_equal(need(s->b, FX_TIMER, TAG_SWEEP)->delay.ms, 3600 * 1000);
	assert_int_equal(collections, 1);
	assert_int_equal(compactions, 2);
}

int main(void)
{
#define S(name) cmocka_unit_test_setup_teardown(name, sweep_setup, stage_teardown)
	const struct CMUnitTest tests[] = {
		S(judged_outputs_stay),
		S(open_disputes_stay),
		S(once_an_hour)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
