/* creator_suite.h - what the test programs of this folder share: a job creator in a world of its own, with
 * one job, a solver that matches it, and a provider that delivers. */
#ifndef LILYPAD_CREATOR_CREATOR_SUITE_H
#define LILYPAD_CREATOR_CREATOR_SUITE_H

#include "port/world_suite.h"

#include "codec/merkle.h"
#include "creator/creator_own.h"
#include "market/deal_of.h"
#include "market/sample.h"
#include "port/action_json.h"

struct stage {
	struct bench *b;
	struct creator_config config;
	struct creator *c;
	struct creator_request req;
	struct job_spec spec;
	struct hash job;            /* id of the job: of its first offer */
	struct creator_offer offer; /* as it was posted last */
	struct resource_offer resource;
	struct creator_deal deal;
	struct creator_result result;
	struct unixfs_node output;
	uint64_t sequence;
};

static inline void stage_open(struct stage *s)
{
	struct err e;

	if (!creator_new(&s->b->world, &s->config, &s->c, &e))
		fail_msg("%s", e.msg);
	s->b->role = creator_role(s->c);
	send_start(s->b);
	assert_string_equal(need(s->b, FX_FOLLOW, TAG_SOLVER)->path, "/v1/events");
}

/* The process is gone and another one takes over whatever has no living owner. */
static inline bool nobody_lives(void *ctx, const uint8_t owner[16])
{
	(void)ctx, (void)owner;
	return false;
}

static inline void take_over(struct stage *s)
{
	creator_free(s->c);
	s->config.first = NULL;
	s->config.detach = false;
	s->config.alive = nobody_lives;
	memset(s->config.owner, 0, sizeof s->config.owner);
	stage_open(s);
	send_clock(s->b);
	send_connected(s->b, false);
}

static inline struct creator_job job_row(struct stage *s)
{
	struct creator_job j = {.id = s->job};
	struct err e;

	creator_keep_all(s->c);
	if (!kept_get(s->b, creator_job_record(), &j, &e))
		fail_msg("the job is not in the store");
	return j;
}

/* What the ledger's event number `submit` (0: none) and the last one did is kept for the receipt. */
static inline void assert_ended_by(struct stage *s, uint64_t submit)
{
	struct creator_job j = job_row(s);
	struct hash end = action_no(s->b->seq), none = {{0}}, put = action_no(submit);

	assert_memory_equal(&j.end_action, &end, sizeof end);
	assert_memory_equal(&j.submit_action, submit ? &put : &none, sizeof put);
}

static inline void assert_state(struct stage *s, enum job_state state)
{
	assert_string_equal(sm_name(&job_states, job_row(s).state), sm_name(&job_states, state));
}

struct noted {
	const char *name, *word;
	bool found;
};

static inline bool is_noted(void *ctx, const void *row)
{
	const struct creator_event *ev = row;
	struct noted *n = ctx;

	n->found = strcmp(ev->name, n->name) == 0 && strstr(ev->text, n->word);
	return !n->found;
}

/* The timeline has an entry of that name whose text has the word. */
static inline void assert_noted(struct stage *s, const char *name, const char *word)
{
	struct store *st = &s->b->world.store;
	struct noted n = {name, word, false};
	struct err e;

	creator_keep_all(s->c);
	assert_true(st->each(st->self, creator_event_record(), NULL, NULL, is_noted, &n, &e));
	if (!n.found)
		fail_msg("the timeline has no %s with \"%s\"", name, word);
}

static inline void read_posted(struct stage *s)
{
	struct fx *f = need(s->b, FX_CALL, TAG_OFFER);
	json_t *j = body_of(f);
	struct err e;

	assert_true(asks(f, "/v1/job-offers"));
	assert_true(json_get_record(j, "offer", job_offer_record(), &s->offer.offer, &e));
	assert_true(json_get_sig(j, "signature", &s->offer.sig, &e));
	assert_true(signed_check(&s->b->domain, job_offer_record(), &s->offer.offer, &s->offer.sig,
	        &s->b->addr[JC], &e));
	eip712_hash(job_offer_record(), &s->offer.offer, &s->offer.id);
	if (hash_is_zero(&s->job))
		s->job = s->offer.id;
	json_decref(j);
}

static inline void acknowledge(struct stage *s, enum party who, const char *state)
{
	struct ack ack = {s->offer.id, ++s->sequence, {wall_seconds(s->b->wall)}};
	struct sig sig = sign_as(s->b, who, ack_record(), &ack);

	send_reply(s->b, (struct tag){.what = TAG_OFFER, .key = s->offer.id}, 200,
	        json_pack("{s:o, s:o, s:s}", "ack", record_to_json(ack_record(), &ack), "signature",
	                json_of_sig(&sig), "state", state));
}

/* As one of n Acks under one signature: the last. */
static inline void acknowledge_in_batch(struct stage *s, enum party who, uint32_t n)
{
	struct hash leaves[ACK_BATCH_MAX], nodes[MERKLE_NODES(ACK_BATCH_MAX)];
	struct acked a = {.batch = {.first = s->sequence + 1, .count = n}};
	struct merkle_path path;

	for (uint32_t i = 0; i < n; i++) {
		a.ack = (struct ack){i + 1 == n ? s->offer.id : hash_no(i), ++s->sequence,
		        {wall_seconds(s->b->wall)}};
		eip712_hash(ack_record(), &a.ack, &leaves[i]);
	}
	a.batch.root = nodes[merkle_levels(leaves, n, nodes) - 1];
	merkle_path_of(nodes, n, n - 1, &path);
	a.path.n = path.n;
	memcpy(a.path.v, path.siblings, path.n * sizeof *path.siblings);
	a.sig = sign_as(s->b, who, ack_batch_record(), &a.batch);
	send_reply(s->b, (struct tag){.what = TAG_OFFER, .key = s->offer.id}, 200,
	        json_pack("{s:o, s:o, s:o, s:o, s:s}", "ack", record_to_json(ack_record(), &a.ack),
	                "batch", record_to_json(ack_batch_record(), &a.batch), "path",
	                ack_path_to_json(&a.path), "signature", json_of_sig(&a.sig), "state",
	                "open"));
}

/* ---- the solver's match ------------------------------------------------------------------------------------- */

static inline void make_deal(struct stage *s, enum party rp)
{
	struct bench *b = s->b;
	struct deal_making m = {.open_by.s = b->ledger.s + 300};
	struct err e;

	s->resource = sample_resource();
	s->resource.provider = b->addr[rp];
	s->resource.solver = b->addr[SOLVER];
	s->resource.mediators.n = s->offer.offer.mediators.n;
	for (uint32_t i = 0; i < s->resource.mediators.n; i++)
		s->resource.mediators.v[i] = s->offer.offer.mediators.v[i];
	s->resource.directories.n = 1;
	s->resource.directories.v[0] = b->addr[DIRECTORY];
	s->resource.created_at.s = wall_seconds(b->wall);
	s->resource.expiry.s = s->resource.created_at.s + 600;
	m.job_offer = s->offer.id;
	eip712_hash(resource_offer_record(), &s->resource, &m.resource_offer);
	if (!deal_from_offers(&s->offer.offer, &s->resource, &m, &s->deal.deal, &e))
		fail_msg("%s", e.msg);
	s->deal.match = (struct match){.job_offer = m.job_offer,
	        .resource_offer = m.resource_offer,
	        .sequence = ++s->sequence,
	        .book_root = hash_no(8),
	        .time = {wall_seconds(b->wall)}};
}

static inline json_t *deal_message(struct stage *s, enum party who)
{
	struct sig sig;

	eip712_hash(deal_record(), &s->deal.deal, &s->deal.id);
	s->deal.match.deal = s->deal.id;
	sig = sign_as(s->b, who, match_record(), &s->deal.match);
	return json_pack("{s:o, s:o, s:o, s:o}", "id", json_of_hash(&s->deal.id), "deal",
	        record_to_json(deal_record(), &s->deal.deal), "match",
	        record_to_json(match_record(), &s->deal.match), "matchSignature",
	        json_of_sig(&sig));
}

static inline void assert_not_signed(struct stage *s, const char *word)
{
	assert_says_no(need(s->b, FX_CALL, TAG_SIGNATURE), word);
	assert_state(s, JOB_POSTED);
	assert_noted(s, "REFUSED", word);
}

/* ---- the provider's result -------------------------------------------------------------------------------------- */

static inline void make_result(struct stage *s, enum party rp)
{
	const struct unixfs_path files[] = {
	        {STR("stdout"), str_bytes(STR("hello\n")), false},
	        {STR("stderr"), str_bytes(STR("")), false},
	        {STR("exitCode"), str_bytes(STR("3\n")), false},
	};
	struct bench *b = s->b;

	s->output = plant(b->remote, files, COUNT(files));
	s->result = (struct creator_result){.id = s->deal.id,
	        .result = {.deal = s->deal.id,
	                .status = STATUS_COMPLETED,
	                .count = 500,
	                .bytes = s->output.tree_bytes,
	                .secret_hash = hash_no(4),
	                .output = {.tree = s->output.cid.digest}},
	        .stored = {s->deal.id, s->output.cid.digest, s->output.tree_bytes,
	                {b->ledger.s + 700000}}};
	(void)rp;
}

static inline json_t *result_message(struct stage *s, enum party rp, enum party directory)
{
	s->result.sig = sign_as(s->b, rp, result_record(), &s->result.result);
	s->result.stored_sig = sign_as(s->b, directory, stored_record(), &s->result.stored);
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "id", json_of_hash(&s->deal.id), "result",
	        record_to_json(result_record(), &s->result.result), "signature",
	        json_of_sig(&s->result.sig), "stored",
	        record_to_json(stored_record(), &s->result.stored), "storedSignature",
	        json_of_sig(&s->result.stored_sig));
}

/* ---- a job as far as a state ------------------------------------------------------------------------------------- */

static inline void to_storing(struct stage *s)
{
	stage_open(s);
	send_connected(s->b, false);
	need(s->b, FX_PUSH, TAG_PUSH_PART);
}

static inline void to_posted(struct stage *s)
{
	struct tag tag;
	unsigned n;

	to_storing(s);
	tag = need(s->b, FX_PUSH, TAG_PUSH_PART)->tag;
	n = fx_count(s->b, FX_PUSH);
	s->job = tag.key;
	for (unsigned i = 0; i < n; i++)
		send_pushed(s->b, tag, NULL);
	read_posted(s);
	send_clock(s->b);
	acknowledge(s, SOLVER, "open");
	assert_state(s, JOB_POSTED);
}

static inline void to_matched(struct stage *s)
{
	to_posted(s);
	make_deal(s, RP);
	send_message(s->b, "deal", deal_message(s, SOLVER));
	assert_state(s, JOB_MATCHED);
}

static inline void send_rp_signed(struct stage *s)
{
	struct sig sig = sign_as(s->b, RP, deal_record(), &s->deal.deal);

	send_message(s->b, "signed",
	        json_pack("{s:o, s:o}", "id", json_of_hash(&s->deal.id), "providerSignature",
	                json_of_sig(&sig)));
}

static inline void to_agreed(struct stage *s)
{
	to_matched(s);
	send_rp_signed(s);
	send_deal_event(s->b, &s->deal.id, DEAL_AGREED, 0, s->b->ledger.s + 600);
	assert_state(s, JOB_AGREED);
	make_result(s, RP);
}

/* The result, as the test has it, is on the ledger; the judge deadline is 600 s away. */
static inline void send_submitted(struct stage *s)
{
	const struct result *r = &s->result.result;
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};

	n.event.seq = ++s->b->seq;
	n.event.action_id = action_no(s->b->seq);
	n.event.time = s->b->ledger;
	n.event.deal = s->deal.id;
	n.event.from = DEAL_AGREED;
	n.event.to = DEAL_RESULTS_SUBMITTED;
	n.event.deadline.s = s->b->ledger.s + 600;
	eip712_hash(result_record(), r, &n.event.result);
	eip712_hash(output_record(), &r->output, &n.event.output);
	n.event.status = r->status;
	n.event.count = r->count;
	n.event.bytes = r->bytes;
	send_note(s->b, &n);
}

static inline void to_submitted(struct stage *s)
{
	to_agreed(s);
	send_submitted(s);
	assert_state(s, JOB_SUBMITTED);
}

static inline void to_fetching(struct stage *s)
{
	to_agreed(s);
	send_message(s->b, "result", result_message(s, RP, DIRECTORY));
	assert_state(s, JOB_FETCHING);
}

/* Before the job is posted: its deal has no mediator. */
static inline void no_mediator(struct stage *s)
{
	struct terms *t = &s->req.offer.terms;

	s->req.offer.mediation = MEDIATION_NONE;
	s->req.offer.mediators.n = 0;
	s->req.offer.min_mutual = 0;
	s->req.offer.determinism = DETERMINISM_NONE;
	t->seats = 0;
	t->fee = t->damages = amount_of(0);
	t->job_bond = t->result_bond = amount_max(t->late_judge, t->late_submit);
}

static inline void to_judged(struct stage *s)
{
	to_fetching(s);
	assert_int_equal(serve_fetches(s->b), 1);
	assert_state(s, JOB_JUDGED);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static inline int stage_setup(void **state)
{
	const struct unixfs_path program[] = {
	        {STR("program.wasm"), str_bytes(STR("\0asm")), false}};
	struct stage *s = calloc(1, sizeof *s);
	struct unixfs_node node;
	struct job_offer j = sample_job();

	assert_non_null(s);
	s->b = bench_new(JC, creator_tables);
	node = plant(s->b->local, program, 1);
	spec_for(&j, &node, &s->spec);
	s->req = (struct creator_request){.spec = &s->spec, .offer = j, .queue = span_s(30)};
	snprintf(s->req.key, sizeof s->req.key, "a-key");
	s->config = (struct creator_config){.domain = s->b->domain,
	        .genesis = {.min = {60}, .life = {604800}},
	        .owner = {1},
	        .first = &s->req,
	        .exit_when_done = true};
	snprintf(s->config.solver.url, sizeof s->config.solver.url, "http://solver");
	s->config.solver.addr = s->b->addr[SOLVER];
	snprintf(s->config.directory.url, sizeof s->config.directory.url, "http://dir");
	s->config.directory.addr = s->b->addr[DIRECTORY];
	*state = s;
	return 0;
}

static inline int stage_teardown(void **state)
{
	struct stage *s = *state;

	creator_free(s->c);
	bench_free(s->b);
	free(s);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

#endif
