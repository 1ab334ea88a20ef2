/* judged_test.c - outputs that the directory does not give: those of own runs are kept, those that a mediator
 * judged are asked for (protocol 6.8). */
#include "creator/creator_suite.h"

enum { KEPT_MAX = 4 };
static struct hash kept[KEPT_MAX];
static unsigned kept_n;

static bool keep(void *ctx, const struct cid *root, struct err *e)
{
	const struct blobs *b = ctx;

	assert_true(b->has(b->self, root));
	if (kept_n == KEPT_MAX)
		return FAIL(e, IO, "too many outputs are kept");
	kept[kept_n++] = root->digest;
	return true;
}

static void assert_kept(const struct hash *tree)
{
	assert_int_equal(kept_n, 1);
	assert_true(hash_eq(&kept[0], tree));
}

/* The deals of this job name a mediator that can be asked; results are checked where there is an engine. */
static void with_mediator(struct stage *s, bool engine)
{
	struct peer *m = &s->config.mediators[0];

	kept_n = 0;
	s->config.keep_output = keep;
	s->config.keep_ctx = &s->b->world.blobs;
	s->config.mediators_n = 1;
	m->addr = s->b->addr[MEDIATOR];
	snprintf(m->url, sizeof m->url, "http://mediator");
	s->req.offer.mediators.v[0] = m->addr;
	s->config.can_run = engine;
	s->config.share_ppm = PPM_ONE;
	s->req.check = (struct audit_policy){AUDIT_RATE, PPM_ONE};
}

static struct unixfs_node other_output(struct stage *s, struct blobs_memory *where)
{
	const struct unixfs_path files[] = {
	        {STR("stdout"), str_bytes(STR("hallo\n")), false},
	        {STR("stderr"), str_bytes(STR("")), false},
	        {STR("exitCode"), str_bytes(STR("0\n")), false},
	};

	(void)s;
	return plant(where, files, COUNT(files));
}

/* The directory gives nothing, and there is no engine: the mediator is to say. */
static void to_disputed(struct stage *s)
{
	with_mediator(s, false);
	to_fetching(s);
	for (unsigned i = 0; i < 20 && fx_of(s->b, FX_FETCH, TAG_FETCH, 0); i++) {
		send_tree_failed(s->b, need(s->b, FX_FETCH, TAG_FETCH)->tag, E_NOT_FOUND);
		if (fx_of(s->b, FX_TIMER, TAG_RETRY, 0))
			send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	}
	assert_state(s, JOB_DISPUTED);
	send_submitted(s);
	assert_non_null(submitted(s->b, ACTION_CHECK));
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_CHECKED, 0, s->b->ledger.s + 600);
}

/* What the buyer gets. */
static void assert_tree(struct stage *s, const struct hash *tree)
{
	struct creator_job j = job_row(s);

	assert_true(hash_eq(&j.tree, tree));
}

static json_t *json_of_tree(const struct hash *digest)
{
	char text[CID_TEXT_MAX];
	struct cid cid = cid_tree(digest);

	cid_format(&cid, text);
	return json_string(text);
}

/* What the mediator shows, its verdict naming that output and being signed by that party. */
static json_t *case_json(struct stage *s, const struct hash *output, enum party who)
{
	struct verdict v = {.deal = s->deal.id,
	        .mediator = s->b->addr[MEDIATOR],
	        .ruling = RULING_RESULT_NOT_FOUND,
	        .output = *output,
	        .count = 77};
	struct sig sig = sign_as(s->b, who, verdict_record(), &v);

	return json_pack("{s:o, s:o, s:{s:s, s:s, s:s}, s:{s:o}}", "verdict",
	        record_to_json(verdict_record(), &v), "verdictSignature", json_of_sig(&sig), "run",
	        "status", "Completed", "count", "77", "bytes", "5", "provider", "output",
	        json_of_tree(&s->output.cid.digest));
}

static void answer_case(struct stage *s, json_t *j)
{
	struct fx *f = need(s->b, FX_CALL, TAG_CASE);

	assert_string_equal(f->url, "http://mediator");
	assert_memory_equal(&f->audience, &s->b->addr[MEDIATOR], sizeof f->audience);
	send_reply(s->b, f->tag, 200, j);
}

/* The mediator has that tree, and gives it. */
static void give(struct stage *s, struct blobs_memory *from, const struct hash *tree)
{
	struct fx *f = need(s->b, FX_FETCH, TAG_JUDGED);
	struct tree_done t = {.tag = f->tag, .root = f->root, .ok = true};
	struct err e;

	assert_string_equal(f->url, "http://mediator");
	assert_memory_equal(&f->audience, &s->b->addr[MEDIATOR], sizeof f->audience);
	assert_memory_equal(&f->root.digest, tree, sizeof *tree);
	if (!blobs_copy(from, s->b->local, &t.root, f->limit, &t.bytes, &e))
		fail_msg("%s", e.msg);
	send_event(s->b, &(struct event){.kind = EV_TREE, .tree = &t});
}

static void right_but_not_served(void **state)
{
	struct stage *s = *state;

	to_disputed(s);
	send_deal_event(s->b, &s->deal.id, DEAL_MEDIATION_ACCEPTED, 50, 0);
	assert_state(s, JOB_DISPUTED);
	answer_case(s, case_json(s, &s->output.cid.digest, MEDIATOR));
	give(s, s->b->remote, &s->output.cid.digest);
	assert_state(s, JOB_DONE);
	assert_int_equal(job_row(s).error, E_DISPUTE_LOST);
	assert_int_equal(job_row(s).exit_code, 3);
	assert_int_equal(job_row(s).had, JOB_HAD_JUDGED);
	assert_kept(&s->output.cid.digest);
}

static void wrong_and_not_served(void **state)
{
	struct stage *s = *state;
	struct unixfs_node right = other_output(s, s->b->remote);

	to_disputed(s);
	send_deal_event(s->b, &s->deal.id, DEAL_MEDIATION_REJECTED, 0, 0);
	answer_case(s, case_json(s, &right.cid.digest, MEDIATOR));
	give(s, s->b->remote, &right.cid.digest);
	assert_state(s, JOB_DONE);
	assert_int_equal(job_row(s).error, E_REJECTED);
	assert_tree(s, &right.cid.digest);
	assert_int_equal(job_row(s).count, 77);
	assert_int_equal(job_row(s).exit_code, 0);
	assert_kept(&right.cid.digest);
}

/* It ruled without a run: there is nothing to be had. */
static void ruled_without_a_run(void **state)
{
	struct stage *s = *state;
	struct hash none = {{0}};

	to_disputed(s);
	send_deal_event(s->b, &s->deal.id, DEAL_MEDIATION_REJECTED, 0, 0);
	answer_case(s, case_json(s, &none, MEDIATOR));
	assert_state(s, JOB_DONE);
	assert_int_equal(kept_n, 0);
}

/* A verdict of somebody else, an output that is not the ledger's, no case at all: asked again, and in the end
 * the job ends without it. */
static void what_it_says_is_no_use(void **state)
{
	struct stage *s = *state;
	struct hash other = hash_no(99);
	unsigned tries = 0;

	to_disputed(s);
	send_deal_event(s->b, &s->deal.id, DEAL_MEDIATION_ACCEPTED, 50, 0);
	answer_case(s, case_json(s, &s->output.cid.digest, STRANGER));
	assert_noted(s, "MEDIATOR", "not here");
	send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	json_t *j = case_json(s, &other, MEDIATOR);
	json_object_set_new(json_object_get(j, "provider"), "output", json_of_tree(&other));
	answer_case(s, j);
	assert_noted(s, "MEDIATOR", "names another output than the result");
	for (; fx_of(s->b, FX_TIMER, TAG_RETRY, 0) && tries < 20; tries++) {
		send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
		send_silence(s->b, need(s->b, FX_CALL, TAG_CASE)->tag);
	}
	assert_state(s, JOB_DONE);
	assert_int_equal(job_row(s).error, E_DISPUTE_LOST);
	assert_int_equal(kept_n, 0);
}

/* Killed after the ruling was seen: whoever takes over asks for the output. */
static void taken_over_after_the_ruling(void **state)
{
	struct stage *s = *state;

	to_disputed(s);
	send_deal_event(s->b, &s->deal.id, DEAL_MEDIATION_ACCEPTED, 50, 0);
	need(s->b, FX_CALL, TAG_CASE);
	take_over(s);
	answer_case(s, case_json(s, &s->output.cid.digest, MEDIATOR));
	give(s, s->b->remote, &s->output.cid.digest);
	assert_state(s, JOB_DONE);
	assert_int_equal(job_row(s).error, E_DISPUTE_LOST);
	assert_true(amount_eq(job_row(s).cost, amount_of(50)));
}

static void send_own(struct stage *s, const struct cid *tree)
{
	struct run_done r = {.tag = {.what = TAG_CHECK, .key = s->job},
	        .ok = true,
	        .status = s->result.result.status,
	        .count = s->result.result.count,
	        .tree = *tree,
	        .tree_bytes = s->output.tree_bytes};

	need(s->b, FX_RUN, TAG_CHECK);
	send_event(s->b, &(struct event){.kind = EV_RUN, .run = &r});
}

/* It is kept before the dispute goes out: the process may end at any time. */
static void own_run_of_a_dispute(void **state)
{
	struct stage *s = *state;
	struct unixfs_node own;

	with_mediator(s, true);
	to_fetching(s);
	assert_int_equal(serve_fetches(s->b), 1);
	own = other_output(s, s->b->local);
	send_own(s, &own.cid);
	assert_state(s, JOB_DISPUTED);
	assert_kept(&own.cid.digest);
	send_submitted(s);
	send_deal_event(s->b, &s->deal.id, DEAL_RESULTS_CHECKED, 0, s->b->ledger.s + 600);
	send_deal_event(s->b, &s->deal.id, DEAL_MEDIATION_REJECTED, 0, 0);
	assert_null(fx_of(s->b, FX_CALL, TAG_CASE, 0));
	assert_state(s, JOB_DONE);
	assert_tree(s, &own.cid.digest);
}

/* What the directory gave it gives again; what it does not give is here alone. */
static void own_run_that_is_right(void **state)
{
	struct stage *s = *state;

	with_mediator(s, true);
	to_fetching(s);
	assert_int_equal(serve_fetches(s->b), 1);
	send_own(s, &s->output.cid);
	assert_state(s, JOB_JUDGED);
	assert_int_equal(kept_n, 0);
}

static void own_run_of_what_nobody_serves(void **state)
{
	struct stage *s = *state;
	uint64_t bytes;
	struct err e;

	with_mediator(s, true);
	to_fetching(s);
	for (unsigned i = 0; i < 20 && fx_of(s->b, FX_FETCH, TAG_FETCH, 0); i++) {
		send_tree_failed(s->b, need(s->b, FX_FETCH, TAG_FETCH)->tag, E_NOT_FOUND);
		if (fx_of(s->b, FX_TIMER, TAG_RETRY, 0))
			send_timer(s->b, (struct tag){.what = TAG_RETRY, .key = s->job});
	}
	assert_true(blobs_copy(s->b->remote, s->b->local, &s->output.cid, 1 << 20, &bytes, &e));
	send_own(s, &s->output.cid);
	assert_state(s, JOB_JUDGED);
	assert_kept(&s->output.cid.digest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(right_but_not_served),
	        T(wrong_and_not_served),
	        T(ruled_without_a_run),
	        T(what_it_says_is_no_use),
	        T(taken_over_after_the_ruling),
	        T(own_run_of_a_dispute),
	        T(own_run_that_is_right),
	        T(own_run_of_what_nobody_serves),
	};

	return cmocka_run_group_tests_name("judged", tests, NULL, NULL);
}
