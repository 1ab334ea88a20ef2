/* provider_suite.h - what the test programs of this folder share: a provider in a world of its own, a job
 * for it, and the deal that follows from both offers. */
#ifndef LILYPAD_PROVIDER_PROVIDER_SUITE_H
#define LILYPAD_PROVIDER_PROVIDER_SUITE_H

#include "port/world_suite.h"

#include "crypto/keccak.h"
#include "market/deal_of.h"
#include "market/sample.h"
#include "port/action_json.h"
#include "provider/provider_own.h"

struct stage {
	struct bench *b;
	struct provider_config config;
	struct provider *p;
	struct resource_offer offer; /* as it was posted */
	struct tag post;             /* of that call */
	struct job_spec spec;
	struct job_offer job;
	struct deal deal;
	struct hash id;
	uint64_t nonce;
};

static inline void stage_open(struct stage *s)
{
	struct err e;

	if (!provider_new(&s->b->world, &s->config, &s->p, &e))
		fail_msg("%s", e.msg);
	s->b->role = provider_role(s->p);
	send_start(s->b);
}

/* The process ends and starts again; what it had asked for is lost with it. */
static inline void restart(struct stage *s)
{
	provider_free(s->p);
	stage_open(s);
}

/* The solver says what it has seen, if it was asked: nothing. */
static inline void answer_nonces(struct stage *s, const char *resource)
{
	struct fx *f = fx_of(s->b, FX_CALL, TAG_NONCES, 0);

	if (f)
		send_reply(s->b, f->tag, 200, json_pack("{s:s}", "resourceNonce", resource));
}

/* Reads the offer that the last event posted. */
static inline void read_posted(struct stage *s)
{
	struct sig sig;
	struct err e;
	struct fx *f;
	json_t *j;

	answer_nonces(s, "0");
	f = need(s->b, FX_CALL, TAG_POST_OFFER);
	j = body_of(f);
	assert_true(asks(f, "/v1/resource-offers"));
	assert_true(addr_is_zero(&f->audience));
	assert_true(json_get_record(j, "offer", resource_offer_record(), &s->offer, &e));
	assert_true(json_get_sig(j, "signature", &sig, &e));
	assert_true(signed_check(
	        &s->b->domain, resource_offer_record(), &s->offer, &sig, &s->b->addr[RP], &e));
	s->post = f->tag;
	json_decref(j);
}

static inline void acknowledge(struct stage *s, enum party who)
{
	struct ack ack = {.sequence = 1, .time = {wall_seconds(s->b->wall)}};
	struct sig sig;

	eip712_hash(resource_offer_record(), &s->offer, &ack.offer);
	sig = sign_as(s->b, who, ack_record(), &ack);
	send_reply(s->b, s->post, 200,
	        json_pack("{s:o, s:o}", "ack", record_to_json(ack_record(), &ack), "signature",
	                json_of_sig(&sig)));
}

/* A job whose parts lie in the directory. */
static inline void make_job(struct stage *s)
{
	const struct unixfs_path program[] = {
	        {STR("program.wasm"), str_bytes(STR("\0asm-not")), false}};
	const struct unixfs_path input[] = {{STR("a.txt"), str_bytes(STR("one\n")), false},
	        {STR("b/c.txt"), str_bytes(STR("two\n")), false}};
	struct unixfs_node node = plant(s->b->remote, program, 1);
	struct job_offer j = sample_job();

	spec_for(&j, &node, &s->spec);
	s->spec.resources = (struct resources){.cpu = 100, .ram = 1 << 20, .disk = 1 << 20};
	node = plant(s->b->remote, input, COUNT(input));
	s->spec.inputs.n = 1;
	snprintf(s->spec.inputs.v[0].path, sizeof s->spec.inputs.v[0].path, "data");
	s->spec.inputs.v[0].tree = node.cid.digest;
	s->spec.inputs.v[0].bytes = node.tree_bytes;
}

/* The deal that follows from the posted offer and a job offer over s->spec. */
static inline void make_deal(struct stage *s)
{
	struct bench *b = s->b;
	struct deal_making m = {.open_by.s = b->ledger.s + 300};
	struct buf text OWN(buf_done);
	struct cid cid;
	struct err e;

	buf_init(&text, BLOCK_MAX);
	record_canonical(job_spec_record(), &s->spec, &text);
	cid = cid_of(CID_RAW, buf_bytes(&text));
	assert_true(blob_put(b->remote, &cid, buf_bytes(&text), &e));
	s->job = sample_job();
	s->job.job_creator = b->addr[JC];
	s->job.spec = cid.digest;
	s->job.solver = b->addr[SOLVER];
	s->job.directory = b->addr[DIRECTORY];
	s->job.created_at.s = wall_seconds(b->wall);
	s->job.expiry.s = s->job.created_at.s + 3600;
	s->job.nonce = ++s->nonce;
	eip712_hash(job_offer_record(), &s->job, &m.job_offer);
	eip712_hash(resource_offer_record(), &s->offer, &m.resource_offer);
	if (!deal_from_offers(&s->job, &s->offer, &m, &s->deal, &e))
		fail_msg("%s", e.msg);
	eip712_hash(deal_record(), &s->deal, &s->id);
}

static inline void send_signed_by(struct stage *s, enum party who)
{
	struct sig sig = sign_as(s->b, who, deal_record(), &s->deal);

	eip712_hash(deal_record(), &s->deal, &s->id);
	send_message(s->b, "signed",
	        json_pack("{s:o, s:o, s:o}", "id", json_of_hash(&s->id), "deal",
	                record_to_json(deal_record(), &s->deal), "jobCreatorSignature",
	                json_of_sig(&sig)));
}

static inline struct provider_work work_row(struct stage *s)
{
	struct provider_work w = {.id = s->id};
	struct err e;

	if (!kept_get(s->b, provider_work_record(), &w, &e))
		fail_msg("the deal is not in the journal");
	return w;
}

/* The last event ended the deal before our signature, and said why. */
static inline void assert_refused(struct stage *s, const char *word)
{
	struct fx *f = need(s->b, FX_CALL, TAG_REFUSE);

	assert_says_no(f, word);
	assert_true(addr_eq(&f->audience, &s->b->addr[SOLVER])); /* its route needs a Request */
	assert_null(fx_of(s->b, FX_SUBMIT, 0, 0));
	assert_null(fx_of(s->b, FX_CALL, TAG_SIGNATURE, 0));
	assert_int_equal(work_row(s).state, WORK_LOST);
	assert_int_equal(work_row(s).rp_sig.n, 0);
}

/* What is left of a COST of 1000 for the provider. */
static inline struct amount left_of_1000(struct stage *s)
{
	return amount_of(1000u - s->deal.hot.royalty - s->deal.hot.solver_share);
}

/* ---- a deal as far as a state ---------------------------------------------------------------------------- */

/* The program is compiled, unless it was before. */
static inline void send_tried(struct stage *s, bool ok)
{
	struct run_done r = {.tag = {.what = TAG_TRY, .key = s->id},
	        .ok = ok,
	        .status = STATUS_INSTRUCTIONS_EXCEEDED};

	if (!ok)
		(void)FAIL(&r.err, EXECUTOR, "the program cannot be compiled, says the test");
	send_event(s->b, &(struct event){.kind = EV_RUN, .run = &r});
}

/* All that it asks for before it signs. */
static inline void serve_all(struct stage *s)
{
	while (serve_fetches(s->b)) /* of another deal some may be here */
		;
	if (fx_of(s->b, FX_RUN, TAG_TRY, 0))
		send_tried(s, true);
}

static inline void to_signed(struct stage *s)
{
	make_deal(s);
	send_signed_by(s, JC);
	serve_all(s);
	assert_int_equal(work_row(s).state, WORK_SIGNED);
}

static inline void to_running(struct stage *s)
{
	to_signed(s);
	send_deal_event(s->b, &s->id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	assert_int_equal(work_row(s).state, WORK_RUNNING);
}

static inline void send_run(struct stage *s, bool ok)
{
	struct run_done r = {.tag = {.what = TAG_RUN, .key = s->id},
	        .ok = ok,
	        .status = STATUS_COMPLETED,
	        .count = 4321,
	        .tree = {.codec = CID_DAG_PB, .digest = hash_no(77)},
	        .tree_bytes = 300,
	        .input_bytes = 200};

	if (!ok)
		(void)FAIL(&r.err, EXECUTOR, "the machine broke, says the test");
	send_event(s->b, &(struct event){.kind = EV_RUN, .run = &r});
}

static inline void to_ran(struct stage *s)
{
	to_running(s);
	send_run(s, true);
	assert_int_equal(work_row(s).state, WORK_RAN);
}

static inline struct stored stored_of(struct stage *s)
{
	return (struct stored){
	        s->id, hash_no(77), 300, {s->b->ledger.s + s->config.genesis.life.s + 60}};
}

static inline void send_stored(struct stage *s, const struct stored *st, enum party who)
{
	send_pushed(s->b, (struct tag){.what = TAG_PUSH, .key = s->id}, stored_json(s->b, st, who));
}

static inline void to_stored(struct stage *s)
{
	struct stored st;

	to_ran(s);
	st = stored_of(s);
	send_stored(s, &st, DIRECTORY);
	assert_int_equal(work_row(s).state, WORK_STORED);
}

static inline json_t *status_of(struct stage *s)
{
	struct http_req r = {.route = 0};

	send_event(s->b, &(struct event){.kind = EV_REQUEST, .request = &r});
	if (fx_of(s->b, FX_CALL, TAG_IDLE, 0))
		send_silence(s->b, need(s->b, FX_CALL, TAG_IDLE)->tag);
	return body_of(need(s->b, FX_REPLY, 0));
}

static inline int64_t status_number(struct stage *s, const char *key)
{
	json_t *j = status_of(s);
	int64_t v = json_integer_value(json_object_get(j, key));

	json_decref(j);
	return v;
}

/* ---- life ------------------------------------------------------------------------------------------------ */

static inline int stage_bare(void **state)
{
	struct stage *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->b = bench_new(RP, provider_tables);
	s->config = (struct provider_config){.domain = s->b->domain,
	        .genesis = {.min = {60}, .life = {604800}},
	        .offer = sample_resource(),
	        .offer_life = span_s(600),
	        .parallel = 1,
	        .confirm_s = 2,
	        .directories_n = 1};
	s->config.offer.solver = s->b->addr[SOLVER];
	s->config.offer.directories.n = 1;
	s->config.offer.directories.v[0] = s->b->addr[DIRECTORY];
	snprintf(s->config.solver.url, sizeof s->config.solver.url, "http://solver");
	s->config.solver.addr = s->b->addr[SOLVER];
	snprintf(s->config.directories[0].url, sizeof s->config.directories[0].url, "http://dir");
	s->config.directories[0].addr = s->b->addr[DIRECTORY];
	*state = s;
	return 0;
}

static inline int stage_setup(void **state)
{
	struct stage *s;

	stage_bare(state);
	s = *state;
	stage_open(s);
	send_connected(s->b, false);
	read_posted(s);
	acknowledge(s, SOLVER);
	send_clock(s->b);
	make_job(s);
	return 0;
}

static inline int stage_teardown(void **state)
{
	struct stage *s = *state;

	provider_free(s->p);
	bench_free(s->b);
	free(s);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

#endif
