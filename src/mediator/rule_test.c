/* rule_test.c - a dispute from the check to the ledger's end, for every row of protocol 2.9. */
#include "mediator/mediator_suite.h"

static void right_provider(void **state)
{
	struct stage *s = *state;
	struct bench *b = s->b;
	struct run_done r;
	struct fx *f;

	send_checked(s);
	f = need(b, FX_CALL, TAG_SOLVER);
	assert_true(addr_eq(&f->audience, &b->addr[SOLVER]));
	f = need(b, FX_CALL, TAG_DIRECTORY);
	assert_true(asks(f, "/stored"));
	assert_true(addr_eq(&f->audience, &b->addr[DIRECTORY]));
	answer_with(s, TAG_SOLVER, solver_says(s));
	/* The spec first, with the deal shown; then what it names, and the output. */
	f = need(b, FX_FETCH, TAG_PART);
	assert_true(hash_eq(&f->root.digest, &s->deal.cold.spec));
	assert_true(addr_eq(&f->audience, &b->addr[DIRECTORY]));
	assert_int_equal(f->limit, BLOCK_MAX);
	assert_true(f->body.n > 0);
	assert_int_equal(fx_count(b, FX_FETCH), 1);
	serve_fetches(b);
	assert_int_equal(fx_count(b, FX_FETCH), 3);
	assert_int_equal(fx_of(b, FX_FETCH, 0, 1)->limit, s->spec.inputs.v[0].bytes);
	assert_int_equal(fx_of(b, FX_FETCH, 0, 2)->limit, s->output.tree_bytes);
	serve_fetches(b);
	f = need(b, FX_RUN, TAG_RUN);
	assert_true(hash_eq(&f->spec->program, &s->spec.program));
	assert_int_equal(f->spec->instruction_limit, s->spec.instruction_limit);
	assert_silent(s);
	r = run_of(s);
	send_run(s, &r);
	assert_verdict(s, RULING_RESULT_CORRECT, "right");
	assert_true(hash_eq(&submitted(b, ACTION_VERDICT)->verdict.output, &s->own.cid.digest));
	assert_int_equal(submitted(b, ACTION_VERDICT)->verdict.count, 4321);
	assert_int_equal(submitted(b, ACTION_VERDICT)->verdict.bytes, s->result.bytes);
	assert_int_equal(status_number(s, "ruled"), 0);
	send_state(s, &s->id, DEAL_MEDIATION_ACCEPTED, &s->result_hash, 0);
	assert_int_equal(case_row(s).state, CASE_OVER);
	assert_true(amount_eq(case_row(s).earned, amount_of(FEE)));
	assert_int_equal(status_number(s, "ruled"), 1);
	restart(s);
	assert_int_equal(status_number(s, "ruled"), 1);
	assert_int_equal(fx_count(b, FX_TIMER), 0);
}

static void wrong_output(void **state)
{
	struct stage *s = *state;

	differ(s, "mo0\n");
	to_answer(s);
	assert_verdict(s, RULING_RESULT_WRONG, "outputs/a.txt differs from byte 2 on");
	assert_string_equal(case_row(s).diff_path, "outputs/a.txt");
	assert_int_equal(case_row(s).diff_kind, DIFFERENCE_BYTES);
	assert_int_equal(case_row(s).diff_offset, 2);
	send_state(s, &s->id, DEAL_MEDIATION_REJECTED, &s->result_hash, 0);
	assert_true(amount_eq(case_row(s).earned, amount_of(FEE)));
}

/* 7.4: the provider's output is `text`, ours {"x":1.001}; a thousandth more or less is the same. */
static void under_json(struct stage *s, const char *text)
{
	s->spec.determinism = DETERMINISM_COMPARABLE;
	s->spec.comparator = COMPARATOR_JSON;
	make_deal(s);
	s->deal.cold.tolerance = 1;
	make_result(s);
	s->output = output_tree(s->b->remote, text, "outputs/a.txt");
	s->result.output.tree = s->output.cid.digest;
	s->result.bytes = s->spec.inputs.v[0].bytes + s->output.tree_bytes;
	s->stored.bytes = s->output.tree_bytes;
	seal(s);
	differ(s, "{\"x\":1.001}");
	to_answer(s);
}

static void alike_output(void **state)
{
	struct stage *s = *state;

	under_json(s, "{ \"x\" : 1.0000 }");
	assert_verdict(s, RULING_RESULT_CORRECT, "right");
	/* It may charge the bytes of the tree that it published. */
	assert_int_equal(submitted(s->b, ACTION_VERDICT)->verdict.bytes, s->result.bytes);
}

static void unlike_output(void **state)
{
	struct stage *s = *state;

	under_json(s, "{ \"x\" : 1.01 }");
	assert_verdict(s, RULING_RESULT_WRONG, "outputs/a.txt differs from byte 1 on");
}

static void wrong_status(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	to_ready(s);
	r = run_of(s);
	r.status = STATUS_EXCEPTION_OCCURRED;
	send_run(s, &r);
	assert_verdict(s, RULING_STATUS_WRONG, "ExceptionOccurred");
}

/* 2.8: an output above the byte limit is a status of its own, here as at the provider. */
static void too_many_bytes_for_the_deal(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	s->deal.hot.byte_limit = s->result.bytes;
	seal(s);
	to_ready(s);
	r = run_of(s);
	r.tree_bytes++;
	send_run(s, &r);
	assert_verdict(s, RULING_STATUS_WRONG, "BandwidthExceeded");
}

static void too_much_charged(void **state)
{
	struct stage *s = *state;

	s->result.count++;
	seal(s);
	to_answer(s);
	assert_verdict(s, RULING_TOO_MUCH_CHARGED, "4322 instructions are charged, 4321 are due");
}

static void too_many_bytes_charged(void **state)
{
	struct stage *s = *state;

	s->result.bytes++;
	seal(s);
	to_answer(s);
	assert_verdict(s, RULING_TOO_MUCH_CHARGED, "bytes are charged");
	assert_int_equal(submitted(s->b, ACTION_VERDICT)->verdict.bytes, s->result.bytes - 1);
}

/* Of a program that failed only the inputs are charged, and its partial output is not compared. */
static void partial_output(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	s->result.status = STATUS_EXCEPTION_OCCURRED;
	s->result.bytes = s->spec.inputs.v[0].bytes;
	seal(s);
	differ(s, "half\n");
	to_ready(s);
	r = run_of(s);
	r.status = STATUS_EXCEPTION_OCCURRED;
	send_run(s, &r);
	assert_verdict(s, RULING_RESULT_CORRECT, "right");
}

/* ---- what no source gives -------------------------------------------------------------------------------- */

/* The answer to the fetch of one root in the last event; others are served. */
static void refuse_root(struct stage *s, const struct hash *root, enum err_code code)
{
	struct fx *all[16], *f;
	unsigned n = 0;

	for (; n < COUNT(all) && (f = fx_of(s->b, FX_FETCH, 0, n)); n++)
		all[n] = f;
	for (unsigned i = 0; i < n; i++) {
		struct tree_done t = {.tag = all[i]->tag, .root = all[i]->root};

		if (hash_eq(&t.root.digest, root))
			(void)err_set(&t.err, code, 0, __FILE__, __LINE__, "no tree here");
		else
			t.ok = blobs_copy(s->b->remote, s->b->local, &t.root, all[i]->limit,
			        &t.bytes, &t.err);
		send_event(s->b, &(struct event){.kind = EV_TREE, .tree = &t});
	}
}

static void input_that_no_source_gives(void **state)
{
	struct stage *s = *state;

	to_fetching(s);
	serve_fetches(s->b);
	refuse_root(s, &s->spec.inputs.v[0].tree, E_NOT_FOUND);
	/* Said once it may be a slip. */
	assert_silent(s);
	send_retry(s);
	assert_int_equal(fx_count(s->b, FX_FETCH), 1);
	refuse_root(s, &s->spec.inputs.v[0].tree, E_NOT_FOUND);
	assert_verdict(s, RULING_JOB_FAULTY, "input 1");
	assert_null(fx_of(s->b, FX_RUN, 0, 0));
	send_state(s, &s->id, DEAL_MEDIATION_JOB_FAULTY, &s->result_hash, 0);
	assert_true(amount_eq(case_row(s).earned, amount_of(FEE)));
}

static void spec_that_no_source_gives(void **state)
{
	struct stage *s = *state;

	to_fetching(s);
	refuse_root(s, &s->deal.cold.spec, E_NOT_FOUND);
	assert_silent(s);
	send_retry(s);
	refuse_root(s, &s->deal.cold.spec, E_NOT_FOUND);
	assert_verdict(s, RULING_JOB_FAULTY, "the spec");
}

static void larger_input_than_the_spec_says(void **state)
{
	struct stage *s = *state;

	to_fetching(s);
	serve_fetches(s->b);
	refuse_root(s, &s->spec.inputs.v[0].tree, E_TOO_LARGE);
	send_retry(s);
	refuse_root(s, &s->spec.inputs.v[0].tree, E_TOO_LARGE);
	assert_verdict(s, RULING_JOB_FAULTY, "input 1");
}

static void smaller_input_than_the_spec_says(void **state)
{
	struct stage *s = *state;

	s->spec.inputs.v[0].bytes++;
	make_deal(s);
	make_result(s);
	to_fetching(s);
	serve_fetches(s->b);
	serve_fetches(s->b);
	assert_verdict(s, RULING_JOB_FAULTY, "the spec says");
}

static void spec_that_is_none(void **state)
{
	struct stage *s = *state;
	struct bytes junk = str_bytes(STR("{\"version\":1}"));
	struct cid cid = cid_of(CID_RAW, junk);
	struct err e;

	assert_true(blob_put(s->b->remote, &cid, junk, &e));
	s->deal.cold.spec = cid.digest;
	seal(s);
	to_fetching(s);
	serve_fetches(s->b);
	assert_verdict(s, RULING_JOB_FAULTY, "the spec");
}

static void spec_of_another_deal(void **state)
{
	struct stage *s = *state;

	s->deal.hot.instruction_limit++;
	seal(s);
	to_fetching(s);
	serve_fetches(s->b);
	assert_verdict(s, RULING_JOB_FAULTY, "than the deal");
}

static void silent_source(void **state)
{
	struct stage *s = *state;

	to_fetching(s);
	serve_fetches(s->b);
	refuse_root(s, &s->spec.program, E_UNREACHABLE);
	for (int i = 0; i < 5; i++) {
		send_retry(s);
		refuse_root(s, &s->spec.program, E_UNREACHABLE);
		assert_silent(s);
	}
	pass(s->b, MEDIATE_S - 40);
	send_clock(s->b);
	assert_silent(s);
	pass(s->b, 10);
	send_clock(s->b);
	assert_pass(s, "no time left");
	/* 5.13 pays nothing for it. */
	send_state(s, &s->id, DEAL_TIMEOUT_MEDIATE, &s->result_hash, 0);
	assert_true(amount_is_zero(case_row(s).earned));
	assert_int_equal(status_number(s, "passed"), 1);
}

/* ---- outputs that are not to be had ---------------------------------------------------------------------- */

static void not_published(void **state)
{
	struct stage *s = *state;

	send_checked(s);
	answer_no(s, TAG_DIRECTORY, E_NOT_FOUND);
	answer_with(s, TAG_SOLVER, deal_documents(s));
	assert_int_equal(case_row(s).state, CASE_GATHERING);
	for (int i = 0; i < 2; i++) {
		send_retry(s);
		if (case_row(s).state != CASE_GATHERING)
			break;
		answer_with(s, TAG_SOLVER, deal_documents(s));
		answer_no(s, TAG_DIRECTORY, E_NOT_FOUND);
	}
	/* The job must be there before the provider is blamed (2.9). */
	assert_int_equal(case_row(s).state, CASE_FETCHING);
	serve_fetches(s->b);
	assert_silent(s);
	serve_fetches(s->b);
	assert_verdict(s, RULING_RESULT_NOT_FOUND, "not published");
	assert_null(fx_of(s->b, FX_RUN, 0, 0));
}

/* The directory gives nothing of what it signed for, and the own run gives something else. */
static void lost_output(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	differ(s, "mo0\n");
	to_fetching(s);
	serve_fetches(s->b);
	refuse_root(s, &s->output.cid.digest, E_NOT_FOUND);
	send_retry(s);
	refuse_root(s, &s->output.cid.digest, E_NOT_FOUND);
	assert_int_equal(case_row(s).state, CASE_READY);
	r = run_of(s);
	send_run(s, &r);
	assert_verdict(s, RULING_RESULT_NOT_FOUND, "bytes of the output");
}

/* The own run gives the very bytes: they are to be had. */
static void lost_output_made_again(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	to_fetching(s);
	serve_fetches(s->b);
	refuse_root(s, &s->output.cid.digest, E_NOT_FOUND);
	send_retry(s);
	refuse_root(s, &s->output.cid.digest, E_NOT_FOUND);
	r = run_of(s);
	send_run(s, &r);
	assert_verdict(s, RULING_RESULT_CORRECT, "right");
}

/* A directory that has not heard of the check refuses what it will give. */
static void output_refused_for_now(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	differ(s, "mo0\n");
	to_fetching(s);
	serve_fetches(s->b);
	refuse_root(s, &s->output.cid.digest, E_FORBIDDEN);
	for (int i = 0; case_row(s).state == CASE_FETCHING; i++) {
		assert_true(i < 6);
		send_retry(s);
		refuse_root(s, &s->output.cid.digest, E_FORBIDDEN);
	}
	r = run_of(s);
	send_run(s, &r);
	assert_silent(s);
	assert_int_equal(case_row(s).state, CASE_RAN);
	send_retry(s);
	assert_silent(s);
	serve_fetches(s->b);
	assert_true(compare_all(s) > 0);
	assert_verdict(s, RULING_RESULT_WRONG, "byte 2");
}

/* It stays silent: whether the bytes are the same is not known. */
static void output_never_given(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	differ(s, "mo0\n");
	to_fetching(s);
	serve_fetches(s->b);
	refuse_root(s, &s->output.cid.digest, E_UNREACHABLE);
	for (int i = 0; case_row(s).state == CASE_FETCHING; i++) {
		assert_true(i < 6);
		send_retry(s);
		refuse_root(s, &s->output.cid.digest, E_UNREACHABLE);
	}
	r = run_of(s);
	send_run(s, &r);
	assert_silent(s);
	pass(s->b, MEDIATE_S - 32);
	send_clock(s->b);
	assert_pass(s, "compared");
}

/* What the output says nothing about is decided without it. */
static void status_without_output(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	differ(s, "mo0\n");
	to_fetching(s);
	serve_fetches(s->b);
	refuse_root(s, &s->output.cid.digest, E_UNREACHABLE);
	for (int i = 0; case_row(s).state == CASE_FETCHING; i++) {
		assert_true(i < 6);
		send_retry(s);
		refuse_root(s, &s->output.cid.digest, E_UNREACHABLE);
	}
	r = run_of(s);
	r.status = STATUS_MEMORY_EXCEEDED;
	send_run(s, &r);
	assert_verdict(s, RULING_STATUS_WRONG, "MemoryExceeded");
}

/* ---- test instruments ------------------------------------------------------------------------------------ */

static void restart_with(struct stage *s, enum mediator_fault fault)
{
	s->config.fault = fault;
	restart(s);
}

static void liar(void **state)
{
	struct stage *s = *state;

	restart_with(s, MEDIATOR_LIES);
	to_answer(s);
	assert_verdict(s, RULING_RESULT_WRONG, "");
	make_deal(s);
	make_result(s);
	differ(s, "mo0\n");
	to_answer(s);
	assert_verdict(s, RULING_RESULT_CORRECT, "");
}

/* ---- an output that takes long to compare --------------------------------------------------------------------- */

enum { MANY = 50 };

/* A file of one byte, as a block by itself or behind a node: other content ids, the same bytes. */
static struct unixfs_node small_file(struct blobs_memory *where, uint8_t byte, bool behind)
{
	struct cid leaf = cid_of(CID_RAW, bytes_of(&byte, 1));
	uint8_t bin[CID_BINARY_LEN];
	struct buf b OWN(buf_done) = {0};
	struct unixfs_node n = {leaf, 1, 1};
	struct err e;

	assert_true(blob_put(where, &leaf, bytes_of(&byte, 1), &e));
	if (!behind)
		return n;
	buf_init(&b, 128);
	cid_encode(&leaf, bin);
	buf_put(&b, "\x12\x2a\x0a\x24", 4);
	buf_put(&b, bin, sizeof bin);
	buf_put(&b, "\x12\x00\x18\x01\x0a\x06\x08\x02\x18\x01\x20\x01", 12);
	n.cid = cid_of(CID_DAG_PB, buf_bytes(&b));
	n.tree_bytes += b.n;
	assert_true(blob_put(where, &n.cid, buf_bytes(&b), &e));
	return n;
}

static struct unixfs_node many_files(struct blobs_memory *where, bool behind, uint8_t last)
{
	struct blobs to = blobs_memory_port(where);
	struct block_sink sink = {to.self, to.put};
	struct unixfs_entry entries[MANY];
	static char names[MANY][8];
	struct unixfs_node out;
	struct err e;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof names[i], "%02u", i);
		entries[i] = (struct unixfs_entry){.name = str_of(names[i]),
		        .node = small_file(where, i + 1 < MANY ? (uint8_t)i : last, behind)};
	}
	assert_true(unixfs_add_dir(&sink, entries, MANY, &out, &e));
	return out;
}

static bool (*real_get)(void *self, const struct cid *cid, struct buf *out, struct err *e);
static unsigned reads;

static bool count_get(void *self, const struct cid *cid, struct buf *out, struct err *e)
{
	reads++;
	return real_get(self, cid, out, e);
}

/* Each turn of the loop reads a few blocks; in between it answers others, and a deadline is kept all the same. */
static void compared_in_turns(void **state)
{
	struct stage *s = *state;
	unsigned turns = 0;
	struct run_done r;

	s->own = many_files(s->b->local, false, 'a');
	s->output = many_files(s->b->remote, true, 'b');
	s->result.output.tree = s->output.cid.digest;
	s->result.bytes = s->spec.inputs.v[0].bytes + s->output.tree_bytes;
	s->stored.bytes = s->output.tree_bytes;
	seal(s);
	to_ready(s);
	real_get = s->b->world.blobs.get;
	s->b->world.blobs.get = count_get;
	r = run_of(s);
	send_event(s->b, &(struct event){.kind = EV_RUN, .run = &r});
	for (; fx_of(s->b, FX_TIMER, TAG_COMPARE, 0); turns++) {
		assert_silent(s);
		assert_int_equal(request(s, ROUTE_STATUS_NO, "", STRANGER)->status, 200);
		reads = 0;
		send_timer(s->b, (struct tag){.what = TAG_COMPARE, .key = s->id});
		assert_true(reads <= 17);
	}
	s->b->world.blobs.get = real_get;
	assert_true(turns >= MANY * 3 / 17);
	assert_verdict(s, RULING_RESULT_WRONG, "49 differs from byte 0");
}

/* No time is left in the middle of it: nothing is known, so it is passed. */
static void not_compared_in_time(void **state)
{
	struct stage *s = *state;
	struct run_done r;

	s->own = many_files(s->b->local, false, 'a');
	s->output = many_files(s->b->remote, true, 'b');
	s->result.output.tree = s->output.cid.digest;
	s->result.bytes = s->spec.inputs.v[0].bytes + s->output.tree_bytes;
	s->stored.bytes = s->output.tree_bytes;
	seal(s);
	to_ready(s);
	r = run_of(s);
	send_event(s->b, &(struct event){.kind = EV_RUN, .run = &r});
	send_timer(s->b, need(s->b, FX_TIMER, TAG_COMPARE)->tag);
	need(s->b, FX_TIMER, TAG_COMPARE);
	pass(s->b, MEDIATE_S - 1);
	send_clock(s->b);
	assert_pass(s, "not been compared to their end");
	send_timer(s->b, (struct tag){.what = TAG_COMPARE, .key = s->id});
	assert_silent(s);
}

static void dead(void **state)
{
	struct stage *s = *state;

	restart_with(s, MEDIATOR_DIES);
	send_checked(s);
	assert_int_equal(fx_count(s->b, FX_CALL), 0);
	pass(s->b, MEDIATE_S + 1);
	send_clock(s->b);
	assert_silent(s);
	send_state(s, &s->id, DEAL_TIMEOUT_MEDIATE, &s->result_hash, 0);
	assert_int_equal(status_number(s, "missed"), 1);
}

static void blind(void **state)
{
	struct stage *s = *state;

	restart_with(s, MEDIATOR_CANNOT_FETCH);
	send_checked(s);
	answer_with(s, TAG_SOLVER, solver_says(s));
	assert_pass(s, "no source");
	assert_int_equal(fx_count(s->b, FX_FETCH), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {T(right_provider), T(wrong_output), T(alike_output),
	        T(unlike_output), T(wrong_status), T(too_many_bytes_for_the_deal),
	        T(too_much_charged), T(too_many_bytes_charged), T(partial_output),
	        T(input_that_no_source_gives), T(spec_that_no_source_gives),
	        T(larger_input_than_the_spec_says), T(smaller_input_than_the_spec_says),
	        T(spec_that_is_none), T(spec_of_another_deal), T(silent_source), T(not_published),
	        T(lost_output), T(lost_output_made_again), T(output_refused_for_now),
	        T(output_never_given), T(status_without_output), T(liar), T(compared_in_turns),
	        T(not_compared_in_time), T(dead), T(blind)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
