/* capacity_test.c - no deal is signed that the machine cannot hold besides the signed ones, or cannot
 * finish in time after them. */
#include "provider/provider_suite.h"

static void agree(struct stage *s)
{
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
}

static void try_deal(struct stage *s)
{
	make_deal(s);
	send_signed_by(s, JC);
	serve_all(s);
}

static void assert_busy(struct stage *s, const char *word)
{
	json_t *j;

	try_deal(s);
	assert_refused(s, word);
	j = body_of(need(s->b, FX_CALL, TAG_REFUSE));
	assert_string_equal(
	        json_string_value(json_object_get(json_object_get(j, "reason"), "code")), "BUSY");
	json_decref(j);
}

/* Another configuration of the same machine. */
static void configure(struct stage *s, uint64_t picoseconds, unsigned parallel)
{
	s->config.offer.time_per_instruction = picoseconds;
	s->config.parallel = parallel;
	restart(s);
	send_clock(s->b);
}

static void cpu(struct stage *s)
{
	s->spec.resources.cpu = s->config.offer.free.cpu / 2;
}
static void ram(struct stage *s)
{
	s->spec.resources.ram = s->config.offer.free.ram / 2;
}
static void disk(struct stage *s)
{
	s->spec.resources.disk = s->config.offer.free.disk / 2;
}
static void gpu(struct stage *s)
{
	s->spec.resources.gpus = 1; /* the machine has one */
}

static void two_halves_fill_it(void **state)
{
	struct stage *s = *state;
	static const struct {
		void (*change)(struct stage *s);
		unsigned fit;
		const char *word;
	} rows[] = {
	        {cpu, 2, "milli-cores"}, {ram, 2, "memory"}, {disk, 2, "disk"}, {gpu, 1, "GPU"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hash id[2];

		make_job(s);
		rows[i].change(s);
		for (unsigned n = 0; n < rows[i].fit; n++) {
			to_signed(s);
			id[n] = s->id;
		}
		assert_busy(s, rows[i].word);
		for (unsigned n = 0; n < rows[i].fit; n++)
			send_deal_event(s->b, &id[n], DEAL_TIMEOUT_AGREE, 0, 0);
	}
	to_signed(s); /* the machine is empty again */
}

/* SIGNED, RUNNING and RAN need the machine; what the directory has does not. */
static void until_it_is_published(void **state)
{
	struct stage *s = *state;
	struct hash first;
	struct stored st;

	cpu(s);
	to_signed(s);
	to_signed(s);
	first = s->id;
	agree(s);
	assert_busy(s, "milli-cores");
	s->id = first;
	send_run(s, true);
	assert_busy(s, "milli-cores");
	s->id = first;
	st = stored_of(s);
	send_stored(s, &st, DIRECTORY);
	to_signed(s);
}

static void declined_until_its_process_has_ended(void **state)
{
	struct stage *s = *state;
	struct hash first;

	s->spec.resources.cpu = s->config.offer.free.cpu;
	to_running(s);
	first = s->id;
	pass(s->b, 596);
	send_clock(s->b);
	assert_int_equal(work_row(s).state, WORK_DECLINING);
	assert_busy(s, "milli-cores");
	s->id = first;
	send_run(s, false);
	to_signed(s);
}

static void known_again_after_a_restart(void **state)
{
	struct stage *s = *state;

	cpu(s);
	to_signed(s);
	to_signed(s);
	restart(s);
	send_clock(s->b);
	assert_busy(s, "milli-cores");
}

/* 100 000 instructions of 3 ms: 300 s of a submit timeout of 600 s. */
static void queue_that_makes_it_late(void **state)
{
	struct stage *s = *state;

	configure(s, 3000000000, 1);
	to_signed(s);
	assert_int_equal(s->deal.hot.submit_timeout.s, 600);
	assert_int_equal(s->deal.hot.instruction_limit, 100000);
	to_signed(s); /* 300 s after 300 s */
	assert_busy(s, "submit timeout is 600 s");
	configure(s, 3000000000, 2); /* both ahead at once */
	to_signed(s);
	assert_busy(s, "submit timeout is 600 s");
}

static void what_has_run_is_not_ahead(void **state)
{
	struct stage *s = *state;

	struct hash first;

	configure(s, 6000000000, 1);
	to_running(s);
	first = s->id;
	assert_busy(s, "submit timeout is 600 s");
	s->id = first;
	send_run(s, true);
	to_signed(s);
}

/* 600 s each: as many as there are slots, and no more. */
static void free_slots_wait_for_nobody(void **state)
{
	struct stage *s = *state;

	configure(s, 6000000000, 3);
	for (unsigned i = 0; i < 3; i++)
		to_signed(s);
	assert_busy(s, "it may end 1200 s from now");
}

static void slow_alone(void **state)
{
	struct stage *s = *state;

	configure(s, 6000000001, 1);
	assert_busy(s, "submit timeout is 600 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(two_halves_fill_it),
	        T(until_it_is_published),
	        T(declined_until_its_process_has_ended),
	        T(known_again_after_a_restart),
	        T(queue_that_makes_it_late),
	        T(what_has_run_is_not_ahead),
	        T(free_slots_wait_for_nobody),
	        T(slow_alone),
	};

	return cmocka_run_group_tests_name("capacity", tests, NULL, NULL);
}
