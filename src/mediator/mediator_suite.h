/* mediator_suite.h - what the test programs of this folder share: a mediator in a world of its own, and a deal
 * whose result is disputed. What the provider says and what the job really gives are made by each test. */
#ifndef LILYPAD_MEDIATOR_MEDIATOR_SUITE_H
#define LILYPAD_MEDIATOR_MEDIATOR_SUITE_H

#include "port/world_suite.h"

#include "mediator/mediator_own.h"
#include "port/outcome.h"

enum { FEE = 77, MEDIATE_S = 600 };
#define ENGINE "wasm/test/x86_64/0123456789abcdef"

struct stage {
	struct bench *b;
	struct mediator_config config;
	struct mediator *m;
	struct job_spec spec;
	struct deal deal;
	struct hash id;
	struct unixfs_node output; /* RP's, in the directory */
	struct unixfs_node own;    /* what the job gives here */
	struct result result;
	struct hash result_hash;
	struct stored stored;
	struct tag tags[16]; /* of calls that wait for an answer */
	unsigned tags_n;
};

static inline struct hash hash_no(uint8_t n)
{
	struct hash h;

	memset(h.b, n, sizeof h.b);
	return h;
}

/* ---- the process ----------------------------------------------------------------------------------------- */

static inline void stage_open(struct stage *s)
{
	struct err e;

	if (!mediator_new(&s->b->world, &s->config, &s->m, &e))
		fail_msg("%s", e.msg);
	s->b->role = mediator_role(s->m);
	send_start(s->b);
}

static inline void note_calls(struct stage *s);

/* It ends and starts again; what it had asked for is lost with it. Its timers are due at once. */
static inline void restart(struct stage *s)
{
	struct tag due[8];
	unsigned n = 0;
	struct fx *f;

	mediator_free(s->m);
	stage_open(s);
	s->tags_n = 0;
	for (unsigned i = 0; n < COUNT(due) && (f = fx_of(s->b, FX_TIMER, TAG_RETRY, i)); i++)
		due[n++] = f->tag;
	send_clock(s->b);
	for (unsigned i = 0; i < n; i++) {
		send_timer(s->b, due[i]);
		note_calls(s);
	}
}

/* ---- the deal -------------------------------------------------------------------------------------------- */

static inline struct unixfs_node output_tree(
        struct blobs_memory *where, const char *text, const char *name)
{
	const struct unixfs_path paths[] = {{STR("exitCode"), str_bytes(STR("0\n")), false},
	        {str_of(name), str_bytes(str_of(text)), false},
	        {STR("stderr"), str_bytes(STR("")), false},
	        {STR("stdout"), str_bytes(STR("")), false}};

	return plant(where, paths, COUNT(paths));
}

static inline void make_spec(struct stage *s)
{
	const struct unixfs_path program[] = {
	        {STR("program.wasm"), str_bytes(STR("\0asm-not")), false}};
	const struct unixfs_path input[] = {{STR("a.txt"), str_bytes(STR("one\n")), false}};
	struct unixfs_node node = plant(s->b->remote, program, 1);
	struct job_offer j = {.instruction_limit = 10000, .module = hash_no(5)};

	snprintf(j.engine, sizeof j.engine, "%s", ENGINE);
	spec_for(&j, &node, &s->spec);
	s->spec.resources.ram = 1 << 20;
	node = plant(s->b->remote, input, COUNT(input));
	s->spec.inputs.n = 1;
	snprintf(s->spec.inputs.v[0].path, sizeof s->spec.inputs.v[0].path, "data");
	s->spec.inputs.v[0].tree = node.cid.digest;
	s->spec.inputs.v[0].bytes = node.tree_bytes;
}

/* Of the spec as it is now; each has another id. */
static inline void make_deal(struct stage *s)
{
	struct bench *b = s->b;
	struct hot *h = &s->deal.hot;
	struct cold *c = &s->deal.cold;
	struct buf text OWN(buf_done);
	struct cid cid;
	uint64_t nonce = h->nonce + 1;
	struct err e;

	buf_init(&text, BLOCK_MAX);
	record_canonical(job_spec_record(), &s->spec, &text);
	cid = cid_of(CID_RAW, buf_bytes(&text));
	assert_true(blob_put(b->remote, &cid, buf_bytes(&text), &e));
	s->deal = (struct deal){0};
	h->job_creator = b->addr[JC];
	h->provider = b->addr[RP];
	h->solver = b->addr[SOLVER];
	h->pay = h->job_bond = h->result_bond = amount_of(100000);
	h->fee = amount_of(FEE);
	h->instruction_limit = s->spec.instruction_limit;
	h->byte_limit = 1 << 20;
	h->mediation = MEDIATION_SINGLE;
	h->seats = 1;
	h->agree_timeout.s = h->submit_timeout.s = h->judge_timeout.s = 600;
	h->mediate_timeout.s = MEDIATE_S;
	h->open_by.s = b->ledger.s;
	h->nonce = nonce;
	c->spec = cid.digest;
	c->module = s->spec.module;
	snprintf(c->engine, sizeof c->engine, "%s", s->spec.engine);
	c->determinism = s->spec.determinism;
	c->directory = b->addr[DIRECTORY];
	c->mediators.n = 1;
	c->mediators.v[0] = b->addr[MEDIATOR];
}

/* Whatever was changed in deal, result and Stored, their hashes are those now. */
static inline void seal(struct stage *s)
{
	eip712_hash(deal_record(), &s->deal, &s->id);
	s->result.deal = s->stored.deal = s->id;
	s->stored.output = s->result.output.tree;
	eip712_hash(result_record(), &s->result, &s->result_hash);
}

/* The provider ran it, and says what is true. */
static inline void make_result(struct stage *s)
{
	s->output = output_tree(s->b->remote, "moo\n", "outputs/a.txt");
	s->own = s->output;
	s->result = (struct result){.status = STATUS_COMPLETED,
	        .count = 4321,
	        .bytes = s->spec.inputs.v[0].bytes + s->output.tree_bytes,
	        .secret_hash = hash_no(9),
	        .output = {.tree = s->output.cid.digest}};
	s->stored = (struct stored){.bytes = s->output.tree_bytes,
	        .keep_until = {s->b->ledger.s + s->config.genesis.life.s}};
	seal(s);
}

/* What the job gives here is another output than the provider's. */
static inline void differ(struct stage *s, const char *text)
{
	s->own = output_tree(s->b->local, text, "outputs/a.txt");
}

/* ---- what sources say ------------------------------------------------------------------------------------ */

static inline json_t *deal_documents(struct stage *s)
{
	struct sig jc = sign_as(s->b, JC, deal_record(), &s->deal);
	struct sig rp = sign_as(s->b, RP, deal_record(), &s->deal);

	return json_pack("{s:o, s:o, s:o}", "deal", record_to_json(deal_record(), &s->deal),
	        "jobCreatorSignature", json_of_sig(&jc), "providerSignature", json_of_sig(&rp));
}

static inline json_t *solver_says(struct stage *s)
{
	struct sig result = sign_as(s->b, RP, result_record(), &s->result);
	struct sig stored = sign_as(s->b, DIRECTORY, stored_record(), &s->stored);
	json_t *j = deal_documents(s);

	json_object_update_new(j,
	        json_pack("{s:o, s:o, s:o, s:o}", "result",
	                record_to_json(result_record(), &s->result), "signature",
	                json_of_sig(&result), "stored", record_to_json(stored_record(), &s->stored),
	                "storedSignature", json_of_sig(&stored)));
	return j;
}

static inline json_t *directory_says(struct stage *s)
{
	struct sig stored = sign_as(s->b, DIRECTORY, stored_record(), &s->stored);
	json_t *j = deal_documents(s);

	json_object_set_new(j, "stored",
	        json_pack("[{s:o, s:o}]", "stored", record_to_json(stored_record(), &s->stored),
	                "signature", json_of_sig(&stored)));
	return j;
}

/* The calls of the last event wait for their answers. */
static inline void note_calls(struct stage *s)
{
	struct fx *f;

	for (unsigned i = 0; (f = fx_of(s->b, FX_CALL, 0, i)); i++) {
		assert_true(s->tags_n < COUNT(s->tags));
		s->tags[s->tags_n++] = f->tag;
	}
}

static inline bool take_call(struct stage *s, uint32_t what, struct tag *out)
{
	for (unsigned i = 0; i < s->tags_n; i++) {
		if (s->tags[i].what != what)
			continue;
		*out = s->tags[i];
		s->tags[i] = s->tags[--s->tags_n];
		return true;
	}
	return false;
}

/* The answer to a call that waits; j NULL: nobody answers. */
static inline void answer_with(struct stage *s, uint32_t what, json_t *j)
{
	struct tag tag;

	if (!take_call(s, what, &tag))
		fail_msg("no call of tag %u waits; said: %s", what, s->b->said);
	if (j)
		send_reply(s->b, tag, 200, j);
	else
		send_silence(s->b, tag);
	note_calls(s);
}

static inline void answer_no(struct stage *s, uint32_t what, enum err_code code)
{
	struct tag tag;

	if (!take_call(s, what, &tag))
		fail_msg("no call of tag %u waits; said: %s", what, s->b->said);
	send_refusal(s->b, tag, code);
	note_calls(s);
}

/* ---- the ledger ------------------------------------------------------------------------------------------ */

static inline void send_state(struct stage *s, const struct hash *deal, enum deal_state to,
        const struct hash *result, uint64_t due)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};

	n.event.seq = ++s->b->seq;
	n.event.time = s->b->ledger;
	n.event.deal = *deal;
	n.event.to = (uint8_t)to;
	n.event.result = *result;
	n.event.status = s->result.status;
	n.event.count = s->result.count;
	n.event.bytes = s->result.bytes;
	eip712_hash(output_record(), &s->result.output, &n.event.output);
	n.event.deadline.s = due;
	send_note(s->b, &n);
	note_calls(s);
}

static inline void send_checked(struct stage *s)
{
	send_state(s, &s->id, DEAL_RESULTS_CHECKED, &s->result_hash, s->b->ledger.s + MEDIATE_S);
}

/* Outputs that are compared are so to their end, turn by turn; how many they were. */
static inline unsigned compare_all(struct stage *s)
{
	unsigned turns = 0;

	for (; fx_of(s->b, FX_TIMER, TAG_COMPARE, 0); turns++)
		send_timer(s->b, (struct tag){.what = TAG_COMPARE, .key = s->id});
	return turns;
}

/* The retry timer of the deal is due. */
static inline void send_retry(struct stage *s)
{
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->id});
	note_calls(s);
	compare_all(s);
}

/* ---- a dispute as far as a state ------------------------------------------------------------------------- */

static inline struct mediator_case case_row(struct stage *s)
{
	struct mediator_case c = {.id = s->id};
	struct err e;

	if (!kept_get(s->b, mediator_case_record(), &c, &e))
		fail_msg("the dispute is not in the journal");
	return c;
}

static inline void to_fetching(struct stage *s)
{
	send_checked(s);
	answer_with(s, TAG_SOLVER, solver_says(s));
	s->tags_n = 0;
	assert_int_equal(case_row(s).state, CASE_FETCHING);
}

static inline void to_ready(struct stage *s)
{
	to_fetching(s);
	while (serve_fetches(s->b))
		;
	assert_int_equal(case_row(s).state, CASE_READY);
}

static inline struct run_done run_of(struct stage *s)
{
	return (struct run_done){.tag = {.what = TAG_RUN, .key = s->id},
	        .ok = true,
	        .status = STATUS_COMPLETED,
	        .count = 4321,
	        .tree = s->own.cid,
	        .tree_bytes = s->own.tree_bytes,
	        .input_bytes = s->spec.inputs.v[0].bytes,
	        .wall_us = 1500};
}

static inline void send_run(struct stage *s, const struct run_done *r)
{
	send_event(s->b, &(struct event){.kind = EV_RUN, .run = r});
	compare_all(s);
}

/* Everything is where it should be; the answer is in the last event. */
static inline void to_answer(struct stage *s)
{
	struct run_done r;

	to_ready(s);
	r = run_of(s);
	send_run(s, &r);
}

static inline void assert_verdict(struct stage *s, enum ruling ruling, const char *word)
{
	const struct action *a = submitted(s->b, ACTION_VERDICT);
	struct mediator_case c = case_row(s);
	struct hash cold, want;
	struct err e;

	if (!a)
		fail_msg("no verdict in state %s; said: %s", sm_name(&case_states, c.state),
		        s->b->said);
	if (a->verdict.ruling != ruling || !strstr(c.why, word))
		fail_msg("ruled %s: %s", enum_name(&ruling_names, a->verdict.ruling), c.why);
	assert_true(hash_eq(&a->verdict.deal, &s->id));
	assert_true(hash_eq(&a->deal_id, &s->id));
	assert_int_equal(a->verdict.round, 0);
	assert_true(signed_check(&s->b->domain, verdict_record(), &a->verdict, &a->doc_sig,
	        &s->b->addr[MEDIATOR], &e));
	eip712_hash(cold_record(), &a->deal.cold, &cold);
	eip712_hash(cold_record(), &s->deal.cold, &want);
	assert_true(hash_eq(&cold, &want));
	assert_int_equal(c.state, CASE_RULING);
	assert_int_equal(c.ruling, ruling);
	assert_null(submitted(s->b, ACTION_PASS));
}

static inline void assert_pass(struct stage *s, const char *word)
{
	const struct action *a = submitted(s->b, ACTION_PASS);
	struct mediator_case c = case_row(s);
	struct err e;

	if (!a)
		fail_msg("no pass in state %s; said: %s", sm_name(&case_states, c.state),
		        s->b->said);
	if (!strstr(c.why, word))
		fail_msg("passed: %s", c.why);
	assert_true(hash_eq(&a->pass.deal, &s->id));
	assert_true(signed_check(
	        &s->b->domain, pass_record(), &a->pass, &a->doc_sig, &s->b->addr[MEDIATOR], &e));
	assert_int_equal(c.state, CASE_PASSING);
	assert_int_equal(c.ruling, RULING_CANNOT_RULE);
	assert_null(submitted(s->b, ACTION_VERDICT));
}

static inline void assert_silent(struct stage *s)
{
	assert_null(submitted(s->b, ACTION_VERDICT));
	assert_null(submitted(s->b, ACTION_PASS));
}

/* ---- requests -------------------------------------------------------------------------------------------- */

enum { ROUTE_INFO_NO, ROUTE_STATUS_NO, ROUTE_CASES_NO, ROUTE_CASE_NO, ROUTE_TREE_NO };

static inline struct fx *request(struct stage *s, unsigned route, const char *param, enum party who)
{
	struct http_req r = {.route = route, .params = {str_of(param)}, .account = s->b->addr[who]};
	struct fx *f;

	send_event(s->b, &(struct event){.kind = EV_REQUEST, .request = &r});
	f = fx_of(s->b, FX_REPLY, 0, 0);
	return f ? f : fx_of(s->b, FX_GIVE_TREE, 0, 0);
}

static inline int64_t status_number(struct stage *s, const char *key)
{
	json_t *j = body_of(request(s, ROUTE_STATUS_NO, "", STRANGER));
	int64_t v = json_integer_value(json_object_get(j, key));

	json_decref(j);
	return v;
}

/* ---- life ------------------------------------------------------------------------------------------------ */

static inline int stage_setup(void **state)
{
	struct stage *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->b = bench_new(MEDIATOR, mediator_tables);
	s->config = (struct mediator_config){.domain = s->b->domain,
	        .genesis = {.min = {60}, .life = {604800}},
	        .solver = {"http://solver", s->b->addr[SOLVER]},
	        .directories_n = 1,
	        .directories = {{"http://dir", s->b->addr[DIRECTORY]}},
	        .engine = ENGINE,
	        .parallel = 1,
	        .queue = 16,
	        .confirm_s = 2};
	stage_open(s);
	send_clock(s->b);
	make_spec(s);
	make_deal(s);
	make_result(s);
	*state = s;
	return 0;
}

static inline int stage_teardown(void **state)
{
	struct stage *s = *state;

	mediator_free(s->m);
	bench_free(s->b);
	free(s);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

#endif
