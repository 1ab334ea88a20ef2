/* queue_test.c - many disputes at once: places, memory, deadlines, and hosts that fail. */
#include "mediator/mediator_suite.h"

/* One more dispute, whose deadline is `due` seconds from now, as far as it gets. */
static struct hash open_dispute(struct stage *s, uint64_t due)
{
	make_deal(s);
	make_result(s);
	send_state(s, &s->id, DEAL_RESULTS_CHECKED, &s->result_hash, s->b->ledger.s + due);
	answer_with(s, TAG_SOLVER, solver_says(s));
	s->tags_n = 0;
	return s->id;
}

static struct hash to_place(struct stage *s, uint64_t due)
{
	struct hash id = open_dispute(s, due);

	while (serve_fetches(s->b))
		;
	assert_int_equal(case_row(s).state, CASE_READY);
	return id;
}

static void end_run(struct stage *s, const struct hash *id)
{
	struct run_done r = run_of(s);

	r.tag.key = *id;
	send_run(s, &r);
}

static void fail_run(struct stage *s, const struct hash *id)
{
	struct run_done r = {.tag = {.what = TAG_RUN, .key = *id}};

	(void)FAIL(&r.err, EXECUTOR, "the machine broke, says the test");
	send_run(s, &r);
}

static bool runs(struct stage *s, const struct hash *id)
{
	struct fx *f = fx_of(s->b, FX_RUN, TAG_RUN, 0);

	return f && hash_eq(&f->tag.key, id);
}

static void earliest_deadline_first(void **state)
{
	struct stage *s = *state;
	struct hash a = to_place(s, 600), b, c, d;

	assert_true(runs(s, &a));
	b = to_place(s, 900);
	c = to_place(s, 300);
	d = to_place(s, 500);
	assert_int_equal(fx_count(s->b, FX_RUN), 0);
	assert_int_equal(status_number(s, "running"), 1);
	assert_int_equal(status_number(s, "waiting"), 3);
	end_run(s, &a);
	assert_true(runs(s, &c));
	assert_int_equal(fx_count(s->b, FX_RUN), 1);
	end_run(s, &c);
	assert_true(runs(s, &d));
	end_run(s, &d);
	assert_true(runs(s, &b));
	end_run(s, &b);
	assert_int_equal(status_number(s, "running"), 0);
	assert_int_equal(status_number(s, "waiting"), 0);
}

static void places(void **state)
{
	struct stage *s = *state;
	struct hash id[3];

	s->config.parallel = 2;
	restart(s);
	for (int i = 0; i < 3; i++)
		id[i] = to_place(s, 600);
	assert_int_equal(status_number(s, "running"), 2);
	end_run(s, &id[1]);
	assert_true(runs(s, &id[2]));
}

static void memory(void **state)
{
	struct stage *s = *state;
	struct hash a, b, c;

	s->config.parallel = 8;
	s->config.ram = 3 * (1 << 20);
	restart(s);
	s->spec.resources.ram = 2 << 20;
	a = to_place(s, 500);
	assert_true(runs(s, &a));
	b = to_place(s, 600);
	/* It would fit, but not before the one whose deadline is earlier. */
	s->spec.resources.ram = 1 << 20;
	c = to_place(s, 700);
	assert_int_equal(status_number(s, "running"), 1);
	end_run(s, &a);
	assert_int_equal(fx_count(s->b, FX_RUN), 2);
	assert_true(runs(s, &b));
	end_run(s, &b);
	end_run(s, &c);
}

/* What is beyond the queue is passed: the latest deadlines, since the others are more urgent. */
static void queue_is_full(void **state)
{
	struct stage *s = *state;

	s->config.queue = 2;
	restart(s);
	to_place(s, 600);
	to_place(s, 700);
	open_dispute(s, 800);
	assert_pass(s, "2 disputes wait");
	/* One that is more urgent than they are is taken. */
	to_place(s, 500);
	assert_silent(s);
}

/* A host that fails once is no reason to give up. */
static void failing_host(void **state)
{
	struct stage *s = *state;
	struct hash a = to_place(s, 600);

	for (int i = 0; i < 2; i++) {
		fail_run(s, &a);
		assert_silent(s);
		assert_null(fx_of(s->b, FX_RUN, 0, 0));
		send_clock(s->b);
		assert_null(fx_of(s->b, FX_RUN, 0, 0));
		send_retry(s);
		assert_true(runs(s, &a));
	}
	fail_run(s, &a);
	assert_pass(s, "the machine broke");
}

/* While one waits to be tried again its place is another's. */
static void place_of_one_that_failed(void **state)
{
	struct stage *s = *state;
	struct hash a = to_place(s, 600), b = to_place(s, 700);

	fail_run(s, &a);
	assert_true(runs(s, &b));
}

/* Those whose time is up are passed, the others go on. */
static void deadlines(void **state)
{
	struct stage *s = *state;
	struct hash a = to_place(s, 100), b = to_place(s, 600);
	unsigned passed = 0;
	struct fx *f;

	pass(s->b, 92);
	send_clock(s->b);
	for (unsigned i = 0; (f = fx_of(s->b, FX_SUBMIT, 0, i)); i++) {
		assert_int_equal(f->action->kind, ACTION_PASS);
		assert_true(hash_eq(&f->action->pass.deal, &a));
		passed++;
	}
	assert_int_equal(passed, 1);
	assert_non_null(fx_of(s->b, FX_KILL_RUN, 0, 0));
	/* Its place is free when its process has ended. */
	fail_run(s, &a);
	assert_true(runs(s, &b));
}

static void more_than_can_be_kept(void **state)
{
	struct stage *s = *state;
	struct hash id = {{0}};
	unsigned woken = 0;

	for (unsigned i = 0; i <= MEDIATOR_CASES_MAX; i++) {
		id.b[0] = (uint8_t)i;
		id.b[1] = (uint8_t)(i >> 8);
		send_event(s->b, &(struct event){.kind = EV_TIMER, .timer = {.what = TAG_TICK}});
		s->tags_n = 0;
		send_state(s, &id, DEAL_RESULTS_CHECKED, &s->result_hash, s->b->ledger.s + 600);
		if (i < MEDIATOR_CASES_MAX)
			need(s->b, FX_CALL, TAG_SOLVER);
	}
	assert_null(fx_of(s->b, FX_CALL, 0, 0));
	assert_non_null(strstr(s->b->said, "1024 disputes"));
	assert_int_equal(status_number(s, "cases"), MEDIATOR_CASES_MAX);
	/* One that ends makes room. */
	id.b[0] = id.b[1] = 0;
	send_state(s, &id, DEAL_TIMEOUT_MEDIATE, &s->result_hash, 0);
	id.b[5] = 1;
	s->tags_n = 0;
	send_state(s, &id, DEAL_RESULTS_CHECKED, &s->result_hash, s->b->ledger.s + 600);
	need(s->b, FX_CALL, TAG_SOLVER);
	/* After a start all of them are looked after, bit by bit. */
	s->tags_n = 0;
	mediator_free(s->m);
	stage_open(s);
	for (int i = 0; i < 20; i++) {
		struct fx *f;

		for (unsigned n = 0; (f = fx_of(s->b, FX_TIMER, TAG_RETRY, n)); n++)
			woken++;
		assert_true(s->b->fx.n < EFFECTS_MAX);
		send_timer(s->b, (struct tag){.what = TAG_TICK});
	}
	assert_int_equal(woken, MEDIATOR_CASES_MAX);
	assert_int_equal(status_number(s, "cases"), MEDIATOR_CASES_MAX + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {T(earliest_deadline_first), T(places), T(memory),
	        T(queue_is_full), T(failing_host), T(place_of_one_that_failed), T(deadlines),
	        T(more_than_can_be_kept)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
