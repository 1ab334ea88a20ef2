/* deals_test.c - a deal from the JC's signature to the money, and every deal that is not signed. */
#include "provider/provider_suite.h"

/* All that it holds before it signs (2.4). */
static void gathers(struct stage *s)
{
	struct bench *b = s->b;
	struct fx *f;

	f = need(b, FX_FETCH, TAG_FETCH_SPEC);
	assert_true(addr_eq(&f->audience, &b->addr[DIRECTORY]));
	assert_memory_equal(f->root.digest.b, s->deal.cold.spec.b, 32);
	assert_int_equal(f->limit, BLOCK_MAX);
	assert_null(submitted(b, ACTION_OPEN));
	serve_fetches(b);
	assert_int_equal(fx_count(b, FX_FETCH), 2); /* program and input */
	assert_int_equal(fx_of(b, FX_FETCH, 0, 1)->limit, s->spec.inputs.v[0].bytes);
	serve_fetches(b);
	/* Everything is here; what does not compile is not signed. */
	assert_null(submitted(b, ACTION_OPEN));
	assert_int_equal(need(b, FX_RUN, TAG_TRY)->spec->instruction_limit, 0);
	send_tried(s, true);
}

static void whole_way(void **state)
{
	struct stage *s = *state;
	struct bench *b = s->b;
	const struct action *a;
	struct hash hash;
	struct fx *f;
	struct err e;

	make_deal(s);
	send_signed_by(s, JC);
	gathers(s);
	/* Signed last, and opened. */
	a = submitted(b, ACTION_OPEN);
	assert_non_null(a);
	assert_true(
	        signed_check(&b->domain, deal_record(), &a->deal, &a->rp_sig, &b->addr[RP], &e));
	assert_true(
	        signed_check(&b->domain, deal_record(), &a->deal, &a->jc_sig, &b->addr[JC], &e));
	assert_true(asks(need(b, FX_CALL, TAG_SIGNATURE), "/signature"));
	assert_true(addr_is_zero(&need(b, FX_CALL, TAG_SIGNATURE)->audience));

	send_deal_event(b, &s->id, DEAL_AGREED, 0, b->ledger.s + 600);
	f = need(b, FX_RUN, TAG_RUN);
	assert_true(hash_eq(&f->spec->program, &s->spec.program));
	send_run(s, true);
	f = need(b, FX_PUSH, TAG_PUSH);
	assert_true(hash_eq(&f->root.digest, &(struct hash){0}) == false);
	struct stored st = stored_of(s);
	send_stored(s, &st, DIRECTORY);
	a = submitted(b, ACTION_RESULT);
	assert_non_null(a);
	assert_int_equal(a->result.status, STATUS_COMPLETED);
	assert_int_equal(a->result.count, 4321);
	assert_int_equal(a->result.bytes, 500); /* inputs and output tree (2.5) */
	assert_true(signed_check(
	        &b->domain, result_record(), &a->result, &a->result_sig, &b->addr[RP], &e));
	keccak256(work_row(s).secret.b, 32, &hash);
	assert_true(hash_eq(&hash, &a->result.secret_hash));
	assert_true(asks(need(b, FX_CALL, TAG_RESULT), "/result"));
	assert_true(addr_is_zero(&need(b, FX_CALL, TAG_RESULT)->audience));

	send_deal_event(b, &s->id, DEAL_RESULTS_SUBMITTED, 0, b->ledger.s + 600);
	assert_int_equal(b->fx.n, 0);
	send_deal_event(b, &s->id, DEAL_RESULTS_ACCEPTED, 1000, 0);
	assert_int_equal(work_row(s).state, WORK_DONE);
	assert_int_equal(s->deal.hot.royalty, 50);
	assert_true(s->deal.hot.solver_share > 0);
	assert_true(amount_eq(work_row(s).earned, left_of_1000(s)));
	assert_int_equal(status_number(s, "paid"), 1);
	assert_int_equal(status_number(s, "unfinished"), 0);
	restart(s);
	assert_int_equal(status_number(s, "paid"), 1);
	assert_int_equal(fx_count(b, FX_TIMER), 0);
}

static void told_twice(void **state)
{
	struct stage *s = *state;

	to_signed(s);
	send_signed_by(s, JC);
	assert_int_equal(s->b->fx.n, 0);
	to_stored(s);
	send_deal_event(s->b, &s->id, DEAL_RESULTS_ACCEPTED, 10, 0);
	send_signed_by(s, JC); /* and again when it is over */
	assert_int_equal(s->b->fx.n, 0);
	assert_int_equal(work_row(s).state, WORK_DONE);
}

/* ---- deals that do not follow from the offer ------------------------------------------------------------ */

static void cheaper(struct stage *s)
{
	s->deal.hot.base = amount_of(1);
}
static void cheaper_count(struct stage *s)
{
	s->deal.hot.per_instruction = amount_of(0);
}
static void other_provider(struct stage *s)
{
	s->deal.hot.provider = s->b->addr[RP2];
}
static void other_offer(struct stage *s)
{
	s->deal.cold.resource_offer = hash_no(3);
}
static void other_solver(struct stage *s)
{
	s->deal.hot.solver = s->b->addr[STRANGER];
}
static void greedy_solver(struct stage *s)
{
	s->deal.hot.solver_share = s->offer.most.solver_share + 1;
}
static void more_royalty(struct stage *s)
{
	s->deal.hot.royalty = s->offer.most.royalty + 1;
}
static void more_instructions(struct stage *s)
{
	s->deal.hot.instruction_limit = s->offer.instruction_limit + 1;
}
static void more_bytes(struct stage *s)
{
	s->deal.hot.byte_limit = s->offer.byte_limit + 1;
}
static void higher_bond(struct stage *s)
{
	assert_true(amount_add(s->offer.most.result_bond, amount_of(1), &s->deal.hot.result_bond));
}
static void no_time(struct stage *s)
{
	s->deal.hot.submit_timeout.s = s->offer.least.submit_timeout.s - 1;
}
static void other_engine(struct stage *s)
{
	s->deal.cold.engine[0] = 'x';
}
static void other_directory(struct stage *s)
{
	s->deal.cold.directory = s->b->addr[STRANGER];
}
static void alien_mediator(struct stage *s)
{
	memset(s->deal.cold.mediators.v[7].b, 0xff, 20);
}
static void too_far(struct stage *s)
{
	s->deal.hot.open_by.s = s->b->ledger.s + s->config.genesis.life.s + 1;
}
static void too_late(struct stage *s)
{
	s->deal.hot.open_by.s = s->b->ledger.s;
}
static void with_itself(struct stage *s)
{
	s->deal.hot.job_creator = s->b->addr[RP];
}

static const struct {
	const char *name;
	void (*change)(struct stage *s);
	enum party signer;
	const char *word;
} bad_deals[] = {
        {"price", cheaper, JC, "base"},
        {"price per instruction", cheaper_count, JC, "perInstruction"},
        {"provider", other_provider, JC, "another provider"},
        {"resource offer", other_offer, JC, "does not stand"},
        {"solver", other_solver, JC, "solver"},
        {"solver share", greedy_solver, JC, "solverShare"},
        {"royalty", more_royalty, JC, "royalty"},
        {"instruction limit", more_instructions, JC, "instructionLimit"},
        {"byte limit", more_bytes, JC, "byteLimit"},
        {"bond", higher_bond, JC, "resultBond"},
        {"submit timeout", no_time, JC, "submitTimeout"},
        {"engine", other_engine, JC, "engine"},
        {"directory", other_directory, JC, "director"},
        {"mediator", alien_mediator, JC, "ediator"},
        {"signature of the wrong party", NULL, STRANGER, "igned by"},
        {"deal with itself", with_itself, RP, ""},
};

static void deals_that_do_not_follow(void **state)
{
	struct stage *s = *state;

	for (size_t i = 0; i < COUNT(bad_deals); i++) {
		print_message("           %s\n", bad_deals[i].name);
		make_deal(s);
		if (bad_deals[i].change)
			bad_deals[i].change(s);
		send_signed_by(s, bad_deals[i].signer);
		assert_int_equal(fx_count(s->b, FX_FETCH), 0);
		assert_refused(s, bad_deals[i].word);
	}
	assert_int_equal(status_number(s, "lost"), COUNT(bad_deals));
	assert_int_equal(status_number(s, "unfinished"), 0);
}

static enum vouch chain_says;

static enum vouch says(void *self, const struct vouch_for *v, struct amount *funds)
{
	const struct deal *d = self;

	assert_true(addr_eq(&v->account, &d->hot.job_creator));
	assert_int_equal(v->number, d->hot.nonce);
	*funds = amount_of(0);
	return chain_says;
}

/* 1.1: nothing is begun before the chain has said that the contract stands behind the signature. */
static void a_jc_that_is_a_contract(void **state)
{
	struct stage *s = *state;
	struct provider_work row;
	struct err e;

	make_deal(s);
	s->b->world.contracts = (struct contracts){.self = &s->deal, .ask = says};
	s->deal.hot.job_creator = (struct addr){{0xc0}};
	chain_says = VOUCH_LATER;
	send_signed_by(s, STRANGER);
	row = (struct provider_work){.id = s->id};
	assert_int_equal(s->b->fx.n, 0);
	assert_false(kept_get(s->b, provider_work_record(), &row, &e));
	chain_says = VOUCH_YES;
	send_signed_by(s, STRANGER);
	serve_all(s);
	assert_int_equal(work_row(s).state, WORK_SIGNED);
	/* Another deal, for which it does not. */
	make_deal(s);
	s->deal.hot.job_creator = (struct addr){{0xc0}};
	s->deal.hot.nonce++;
	chain_says = VOUCH_NO;
	send_signed_by(s, STRANGER);
	assert_says_no(need(s->b, FX_CALL, 0), "signed");
}

/* What only the clock tells is looked at when it is signed. */
static void deals_out_of_time(void **state)
{
	struct stage *s = *state;
	void (*const changes[])(struct stage * s) = {too_far, too_late};

	for (size_t i = 0; i < COUNT(changes); i++) {
		make_deal(s);
		changes[i](s);
		send_signed_by(s, JC);
		serve_all(s);
		assert_refused(s, "");
	}
}

/* ---- specs that ask for more than the deal says ------------------------------------------------------------ */

static void docker(struct stage *s)
{
	s->spec.executor = EXECUTOR_DOCKER;
}
static void network(struct stage *s)
{
	s->spec.network = NETWORK_FULL;
}
static void spec_engine(struct stage *s)
{
	s->spec.engine[0] = 'x';
}
static void spec_module(struct stage *s)
{
	s->spec.module = hash_no(66);
}
static void spec_determinism(struct stage *s)
{
	s->spec.determinism = DETERMINISM_NONE;
}
static void spec_count(struct stage *s)
{
	s->spec.instruction_limit++;
}
static void spec_cpu(struct stage *s)
{
	s->spec.resources.cpu = s->config.offer.free.cpu + 1;
}
static void spec_ram(struct stage *s)
{
	s->spec.resources.ram = s->config.offer.free.ram + 1;
}
static void spec_disk(struct stage *s)
{
	s->spec.resources.disk = s->config.offer.free.disk + 1;
}
static void spec_gpu(struct stage *s)
{
	s->spec.resources.gpus = 2;
}
static void large_inputs(struct stage *s)
{
	s->spec.inputs.v[0].bytes = sample_job().byte_limit + 1;
}
static void overflowing_inputs(struct stage *s)
{
	s->spec.inputs.v[1] = s->spec.inputs.v[0];
	s->spec.inputs.v[1].bytes = UINT64_MAX;
	s->spec.inputs.n = 2;
}

static void specs_that_ask_for_more(void **state)
{
	struct stage *s = *state;
	static const struct {
		void (*change)(struct stage *s);
		const char *word;
	} rows[] = {
	        {docker, "docker"},
	        {network, "full"},
	        {spec_engine, "engine"},
	        {spec_module, "module"},
	        {spec_determinism, "determinism"},
	        {spec_count, "instruction limit"},
	        {spec_cpu, "more than the offered machine"},
	        {spec_ram, "more than the offered machine"},
	        {spec_disk, "more than the offered machine"},
	        {spec_gpu, "more than the offered machine"},
	        {large_inputs, "the deal allows 10000"},
	        {overflowing_inputs, "overflow"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		make_job(s);
		rows[i].change(s);
		make_deal(s);
		send_signed_by(s, JC);
		assert_int_equal(serve_fetches(s->b), 1);
		assert_refused(s, rows[i].word);
	}
}

/* base and the bytes of the inputs; the bytes of the output and the instructions come on top. */
static void pay_below_the_price_of_doing_nothing(void **state)
{
	struct stage *s = *state;
	struct amount least;

	make_deal(s);
	assert_true(amount_mul(s->deal.hot.per_byte, s->spec.inputs.v[0].bytes, &least));
	assert_true(amount_add(least, s->deal.hot.base, &least));
	assert_true(amount_sub(least, amount_of(1), &s->deal.hot.pay));
	send_signed_by(s, JC);
	assert_int_equal(serve_fetches(s->b), 1); /* program and inputs are not even asked for */
	assert_refused(s, "the base price and the inputs alone");
	make_deal(s);
	s->deal.hot.pay = least;
	send_signed_by(s, JC);
	serve_all(s);
	assert_int_equal(work_row(s).state, WORK_SIGNED);
}

static void spec_lies_about_an_input(void **state)
{
	struct stage *s = *state;

	s->spec.inputs.v[0].bytes++;
	make_deal(s);
	send_signed_by(s, JC);
	serve_fetches(s->b);
	serve_fetches(s->b);
	assert_refused(s, "the spec says");
}

/* The solver did not hear it: it is said again, with the same reason, until it did. */
static void refusal_that_is_lost(void **state)
{
	struct stage *s = *state;
	struct tag tag;

	make_deal(s);
	s->deal.hot.base = amount_of(1);
	send_signed_by(s, JC);
	assert_refused(s, "base");
	tag = need(s->b, FX_CALL, TAG_REFUSE)->tag;
	send_silence(s->b, tag);
	send_timer(s->b, need(s->b, FX_TIMER, TAG_REFUSE)->tag);
	assert_refused(s, "base");
	restart(s);
	send_signed_by(s, JC);
	assert_refused(s, "base");
	send_reply(s->b, tag, 200, json_object());
	assert_int_equal(s->b->fx.n, 0);
	send_refusal(s->b, tag, E_STATE);
	assert_int_equal(s->b->fx.n, 0);
}

static void no_spec_at_all(void **state)
{
	struct stage *s = *state;
	const struct unixfs_path p[] = {{STR("x"), str_bytes(STR("y")), false}};
	struct bytes text = str_bytes(STR("{\"version\":1}"));
	struct cid cid = cid_of(CID_RAW, text);
	struct err e;

	(void)plant(s->b->remote, p, 1);
	assert_true(blob_put(s->b->remote, &cid, text, &e));
	make_deal(s);
	s->job.spec = cid.digest;
	s->deal.cold.spec = cid.digest;
	send_signed_by(s, JC);
	serve_fetches(s->b);
	assert_refused(s, "");
}

/* ---- messages ---------------------------------------------------------------------------------------------- */

static void messages_that_mean_nothing(void **state)
{
	struct stage *s = *state;
	struct message m = {.id = 99, .name = STR("signed"), .data = STR("{\"deal\":")};

	send_event(s->b, &(struct event){.kind = EV_MESSAGE, .message = &m});
	m.data = STR("{\"deal\":{}}");
	send_event(s->b, &(struct event){.kind = EV_MESSAGE, .message = &m});
	m.name = STR("dissolved");
	send_event(s->b, &(struct event){.kind = EV_MESSAGE, .message = &m});
	assert_int_equal(s->b->fx.n, 0);
	assert_int_equal(status_number(s, "jobs"), 0);
	/* The cursor goes on from the last that was understood as JSON, with the next thing that is kept. */
	restart(s);
	assert_int_equal(need(s->b, FX_FOLLOW, TAG_SOLVER)->id, 0);
	send_event(s->b, &(struct event){.kind = EV_MESSAGE, .message = &m});
	s->b->cursor = 99;
	make_deal(s);
	send_signed_by(s, JC);
	restart(s);
	assert_int_equal(need(s->b, FX_FOLLOW, TAG_SOLVER)->id, 100);
}

static uint64_t stored_cursor(struct stage *s, enum cursor_of which)
{
	struct provider_cursor row = {.which = (uint8_t)which};
	struct err e;

	return kept_get(s->b, provider_cursor_record(), &row, &e) ? row.cursor : 0;
}

/* Events that say nothing to us cost no commit each; a crash reads few of them again. */
static void cursors_follow_at_a_distance(void **state)
{
	struct stage *s = *state;
	uint64_t seq, id;

	for (unsigned i = 1; i <= 3 * (CURSOR_BEHIND_MAX + 1); i++) {
		uint64_t full = i / (CURSOR_BEHIND_MAX + 1) * (CURSOR_BEHIND_MAX + 1);

		send_message(s->b, "open", json_object());
		assert_int_equal(stored_cursor(s, CURSOR_SOLVER), full);
	}
	for (unsigned i = 1; i <= CURSOR_BEHIND_MAX; i++)
		send_deal_event(s->b, &(struct hash){{9}}, DEAL_RESULTS_ACCEPTED, 0, 0);
	assert_int_equal(stored_cursor(s, CURSOR_LEDGER), 0);
	send_deal_event(s->b, &(struct hash){{9}}, DEAL_RESULTS_ACCEPTED, 0, 0);
	assert_int_equal(stored_cursor(s, CURSOR_LEDGER), CURSOR_BEHIND_MAX + 1);
	/* What is kept takes both along. */
	send_deal_event(s->b, &(struct hash){{9}}, DEAL_RESULTS_ACCEPTED, 0, 0);
	to_signed(s);
	id = s->b->cursor;
	seq = s->b->seq;
	assert_int_equal(stored_cursor(s, CURSOR_SOLVER), id);
	assert_int_equal(stored_cursor(s, CURSOR_LEDGER), seq);
}

/* The streams of a whole deal, told once more from the start after a crash, change nothing. */
static void repetitions_change_nothing(void **state)
{
	struct stage *s = *state;
	struct provider_work before;

	to_stored(s);
	restart(s);
	send_clock(s->b);
	before = work_row(s);
	send_signed_by(s, JC);
	send_message(s->b, "dissolved", json_pack("{s:o}", "id", json_of_hash(&s->id)));
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, before.deadline.s);
	assert_null(fx_of(s->b, FX_RUN, 0, 0));
	assert_int_equal(work_row(s).state, before.state);
	assert_int_equal(work_row(s).deadline.s, before.deadline.s);
	send_deal_event(s->b, &s->id, DEAL_RESULTS_ACCEPTED, 1000, 0);
	restart(s);
	send_signed_by(s, JC);
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, 0);
	send_deal_event(s->b, &s->id, DEAL_RESULTS_ACCEPTED, 1000, 0);
	assert_int_equal(s->b->fx.n, 0);
	assert_int_equal(work_row(s).state, WORK_DONE);
	assert_int_equal(status_number(s, "paid"), 1);
	assert_int_equal(status_number(s, "jobs"), 1);
}

static void dissolved_before_the_signature(void **state)
{
	struct stage *s = *state;

	make_deal(s);
	send_signed_by(s, JC);
	send_message(s->b, "dissolved", json_pack("{s:o}", "id", json_of_hash(&s->id)));
	assert_int_equal(work_row(s).state, WORK_LOST);
	serve_fetches(s->b);
	assert_int_equal(s->b->fx.n, 0);
}

static void dissolved_after_the_signature_means_nothing(void **state)
{
	struct stage *s = *state;

	to_signed(s);
	send_message(s->b, "dissolved", json_pack("{s:o}", "id", json_of_hash(&s->id)));
	assert_int_equal(work_row(s).state, WORK_SIGNED);
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	need(s->b, FX_RUN, TAG_RUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(whole_way),
	        T(told_twice),
	        T(deals_that_do_not_follow),
	        T(deals_out_of_time),
	        T(specs_that_ask_for_more),
	        T(spec_lies_about_an_input),
	        T(refusal_that_is_lost),
	        T(no_spec_at_all),
	        T(pay_below_the_price_of_doing_nothing),
	        T(a_jc_that_is_a_contract),
	        T(messages_that_mean_nothing),
	        T(cursors_follow_at_a_distance),
	        T(repetitions_change_nothing),
	        T(dissolved_before_the_signature),
	        T(dissolved_after_the_signature_means_nothing),
	};

	return cmocka_run_group_tests_name("deals", tests, NULL, NULL);
}
