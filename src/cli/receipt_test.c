/* receipt_test.c - a receipt of every ending that holds, and that no byte of it can be changed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/receipt_rig.h"

static struct world_ *make_of(const struct ending *x)
{
	return make_on(x, false);
}

static struct world_ *make(void)
{
	return make_of(&endings[ACCEPTED]);
}

/* The acknowledgement as the second of three under one signature. */
static void in_batch(struct world_ *w)
{
	struct hash leaves[3] = {hash_no(61), {{0}}, hash_no(62)}, nodes[MERKLE_NODES(3)];
	struct acked *a = &w->r.acked;
	struct merkle_path path;

	eip712_hash(ack_record(), &a->ack, &leaves[1]);
	a->batch = (struct ack_batch){
	        .first = a->ack.sequence - 1, .count = 3, .time = {SAMPLE_NOW + 1}};
	a->batch.root = nodes[merkle_levels(leaves, 3, nodes) - 1];
	merkle_path_of(nodes, 3, 1, &path);
	a->path.n = path.n;
	memcpy(a->path.v, path.siblings, path.n * sizeof *path.siblings);
	sign(w, SOLVER, ack_batch_record(), &a->batch, &a->sig);
}

static void test_batch(void **state)
{
	struct world_ *w = make();
	struct buf b OWN(buf_done) = {0};
	size_t from, to;

	(void)state;
	in_batch(w);
	assert_int_equal(wrong(&w->r), 0);
	buf_init(&b, RECEIPT_BYTES_MAX);
	receipt_format(&w->r, &b);
	assert_true(holds(buf_view(&b)));
	/* Its members are the first of the text. */
	from = (size_t)((uint8_t *)memmem(b.p, b.n, "\"ackBatch", 9) - b.p);
	to = (size_t)((uint8_t *)memmem(b.p, b.n, "\"deal\":{", 8) - b.p);
	assert_true(from < to && to < b.n);
	for (size_t i = from; i < to; i++) {
		uint8_t old = b.p[i];

		b.p[i] = old == '1' ? '2' : '1';
		assert_false(holds(buf_view(&b)));
		b.p[i] = old;
	}
	/* The signature over a batch is none over what is not in it. */
	w->r.acked.ack.sequence++;
	assert_int_equal(wrong(&w->r), 1);
	free(w);
}

static void test_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(endings); i++)
		assert_holds(&endings[i], false);
}

/* All bytes of the first ending; of the others, which share most members with it, one in seven. */
static void test_every_byte(void **state)
{
	(void)state;
	some_bytes(&endings[ACCEPTED], false, 0, 1);
	for (size_t i = 1; i < COUNT(endings); i++)
		some_bytes(&endings[i], false, i % 7, 7);
}

/* Each a lie that its teller signs or seals as well. */
static void test_lies(void **state)
{
	struct world_ *w = make();

	(void)state;
	/* The operator says that less was paid than the deal's prices give. */
	w->r.event.amount = amount_of(1);
	seal(w);
	assert_int_equal(wrong(&w->r), 1);
	free(w);

	/* The solver acknowledges another offer. */
	w = make();
	w->r.acked.ack.offer = hash_no(9);
	sign(w, SOLVER, ack_record(), &w->r.acked.ack, &w->r.acked.sig);
	assert_int_equal(wrong(&w->r), 1);
	free(w);

	/* The directory stored another output. */
	w = make();
	w->r.stored.output = hash_no(78);
	sign(w, DIRECTORY, stored_record(), &w->r.stored, &w->r.stored_sig);
	assert_int_equal(wrong(&w->r), 1);
	free(w);

	/* Somebody else is the operator. */
	w = make();
	sign(w, SOLVER, block_record(), &w->r.block, &w->r.block_sig);
	assert_int_equal(wrong(&w->r), 1);
	free(w);

	/* The deal ended otherwise. */
	w = make();
	w->r.event.to = DEAL_TIMEOUT_JUDGE;
	seal(w);
	assert_int_equal(wrong(&w->r), 1);
	free(w);
}

/* Changes a receipt of that ending and has whoever profits sign and seal it anew. */
struct forgery {
	const char *what;
	unsigned of; /* endings[] */
	void (*change)(struct world_ *w);
	unsigned wrong; /* checks that notice */
};

static void sign_verdict(struct world_ *w, int who)
{
	sign(w, who, verdict_record(), &w->r.verdict, &w->r.end_sig);
	seal(w);
}
static void by_another(struct world_ *w)
{
	sign_verdict(w, SOLVER);
}
static void names_another(struct world_ *w)
{
	w->r.verdict.mediator = w->addr[SOLVER];
	sign_verdict(w, MEDIATOR);
}
static void second_round(struct world_ *w)
{
	w->r.verdict.round = 1;
	sign_verdict(w, MEDIATOR);
}
static void of_another_deal(struct world_ *w)
{
	w->r.verdict.deal = hash_no(4);
	sign_verdict(w, MEDIATOR);
}
static void other_ruling(struct world_ *w)
{
	w->r.verdict.ruling = RULING_RESULT_CORRECT; /* another state, another sum */
	sign_verdict(w, MEDIATOR);
}
static void cannot_rule(struct world_ *w)
{
	w->r.verdict.ruling = RULING_CANNOT_RULE;
	sign_verdict(w, MEDIATOR);
}
static void other_state(struct world_ *w)
{
	w->r.event.to = DEAL_MEDIATION_REJECTED;
	seal(w);
}
static void undisputed(struct world_ *w)
{
	w->r.event.from = DEAL_RESULTS_SUBMITTED;
	seal(w);
}
static void paid_all(struct world_ *w)
{
	w->r.event.amount = cost_of(&w->r);
	seal(w);
}
static void paid_more_than_half(struct world_ *w)
{
	assert_true(amount_add(w->r.event.amount, amount_of(1), &w->r.event.amount));
	seal(w);
}
static void paid_nothing(struct world_ *w)
{
	w->r.event.amount = amount_of(0);
	seal(w);
}
static void says_less(struct world_ *w)
{
	w->r.event.count--;
	seal(w);
}
static void pass_by_another(struct world_ *w)
{
	sign(w, RP, pass_record(), &w->r.pass, &w->r.end_sig);
	seal(w);
}
static void pass_of_another_deal(struct world_ *w)
{
	w->r.pass.deal = hash_no(4);
	sign(w, MEDIATOR, pass_record(), &w->r.pass, &w->r.end_sig);
	seal(w);
}
static void pass_names_another(struct world_ *w)
{
	w->r.pass.mediator = w->addr[RP];
	sign(w, MEDIATOR, pass_record(), &w->r.pass, &w->r.end_sig);
	seal(w);
}
static void submit_late(struct world_ *w)
{
	w->r.event.from = DEAL_AGREED;
	w->r.event.to = DEAL_TIMEOUT_SUBMIT;
	seal(w);
}
static void another_action(struct world_ *w)
{
	w->r.event.action = ACTION_CANCEL;
	seal(w);
}
static void other_hidden_output(struct world_ *w)
{
	w->r.output_hash = hash_no(8);
	seal(w);
}
static void hidden_by_another(struct world_ *w)
{
	w->r.result_sig = w->r.jc_sig;
	seal(w);
}

static void test_forgeries(void **state)
{
	static const struct forgery all[] = {
	        {"the verdict is another's", WRONG, by_another, 1},
	        {"the verdict names another mediator", WRONG, names_another, 1},
	        {"the verdict is of an appeal", WRONG, second_round, 1},
	        {"the verdict is of another deal", WRONG, of_another_deal, 1},
	        {"the ruling leads elsewhere", WRONG, other_ruling, 2},
	        {"no ruling", WRONG, cannot_rule, 1},
	        {"the ledger ruled otherwise", CORRECT, other_state, 1},
	        {"nobody had disputed it", CORRECT, undisputed, 1},
	        {"a rejected result was paid", WRONG, paid_all, 1},
	        {"a good result was not paid", CORRECT, paid_nothing, 1},
	        {"the ledger's count is another", CORRECT, says_less, 1},
	        {"the pass is another's", PASSED, pass_by_another, 1},
	        {"the pass is of another deal", PASSED, pass_of_another_deal, 1},
	        {"the pass names another", PASSED, pass_names_another, 1},
	        {"a pass paid all", PASSED, paid_all, 1},
	        {"half, rounded up", MEDIATE_LATE, paid_more_than_half, 1},
	        {"a late judge paid nothing", JUDGE_LATE, paid_nothing, 1},
	        {"no result at the deadline", JUDGE_LATE, submit_late, 2},
	        {"another action", MEDIATE_LATE, another_action, 1},
	        {"another output", NOT_FOUND, other_hidden_output, 3},
	        {"a result of the creator", NOT_FOUND, hidden_by_another, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct world_ *w = make_of(&endings[all[i].of]);
		unsigned n;

		all[i].change(w);
		n = wrong(&w->r);
		if (n != all[i].wrong)
			fail_msg("%s: %u checks fail, not %u", all[i].what, n, all[i].wrong);
		free(w);
	}
}

/* A deal with several mediators, or none, is ended by no single one's verdict. */
static void test_no_single_mediator(void **state)
{
	struct world_ *w = make_of(&endings[WRONG]);

	(void)state;
	w->r.deal.cold.mediators.n = 2;
	w->r.deal.cold.mediators.v[1] = w->addr[SOLVER];
	assert_true(wrong(&w->r) > 1);
	w->r.deal.cold.mediators.n = 0;
	w->r.deal.cold.mediators.v[0] = (struct addr){{0}};
	assert_true(wrong(&w->r) > 1);
	free(w);
}

/* Exactly the documents of its own ending. */
static void test_members_of_other_endings(void **state)
{
	static const char *const names[] = {"acceptance", "acceptanceSignature", "verdict",
	        "verdictSignature", "pass", "passSignature", "stored", "storedSignature", "decline",
	        "declineSignature", "resultSignature", "chain"};
	struct receipt *r = calloc(1, sizeof *r);

	(void)state;
	assert_non_null(r);
	for (size_t i = 0; i < COUNT(endings); i++) {
		struct world_ *w = make_of(&endings[i]);
		struct buf b OWN(buf_done) = {0};
		json_t *j OWN(json_own) = NULL;
		struct err e;

		buf_init(&b, RECEIPT_BYTES_MAX);
		receipt_format(&w->r, &b);
		assert_true(json_parse(buf_view(&b), &j, &e));
		for (size_t k = 0; k < COUNT(names); k++) {
			json_t *had = json_incref(json_object_get(j, names[k]));

			if (had)
				json_object_del(j, names[k]);
			else
				json_object_set_new(j, names[k], json_null());
			buf_reset(&b);
			json_canonical(j, &b);
			if (receipt_parse(buf_view(&b), r, &e))
				fail_msg("%s: %s %s", endings[i].name, names[k],
				        had ? "is not missed" : "is taken");
			assert_int_equal(e.code, E_TAMPERED);
			if (had)
				json_object_set_new(j, names[k], had);
			else
				json_object_del(j, names[k]);
		}
		free(w);
	}
	free(r);
}

static void test_ledger_answers(void **state)
{
	struct receipt *r = calloc(1, sizeof *r);
	json_t *check = json_pack("{s:{s:s, s:s}}", "action", "kind", "timeout", "dealId",
	        "0x0000000000000000000000000000000000000000000000000000000000000001");
	struct err e;

	(void)state;
	assert_non_null(r);
	assert_true(receipt_take_end(check, r, &e));
	assert_int_equal(r->end, ACTION_TIMEOUT);
	assert_false(receipt_take_result(check, r, &e));
	assert_int_equal(e.code, E_JSON_VALUE);
	assert_false(receipt_take_end(json_object_get(check, "action"), r, &e));
	assert_int_equal(e.code, E_JSON_VALUE);
	json_decref(check);
	free(r);
}

static void test_not_canonical(void **state)
{
	struct world_ *w = make();
	struct buf b OWN(buf_done) = {0};
	struct buf more OWN(buf_done) = {0};
	struct receipt *r = calloc(1, sizeof *r);
	struct err e;

	(void)state;
	assert_non_null(r);
	buf_init(&b, RECEIPT_BYTES_MAX);
	buf_init(&more, RECEIPT_BYTES_MAX);
	receipt_format(&w->r, &b);
	/* A member that no check looks at. */
	buf_z(&more, "{\"a\":1,");
	buf_str(&more, (struct str){(const char *)b.p + 1, b.n - 1});
	assert_false(receipt_parse(buf_view(&more), r, &e));
	assert_int_equal(e.code, E_TAMPERED);
	buf_reset(&more);
	buf_z(&more, "{ ");
	buf_str(&more, (struct str){(const char *)b.p + 1, b.n - 1});
	assert_false(receipt_parse(buf_view(&more), r, &e));
	assert_int_equal(e.code, E_TAMPERED);
	assert_false(receipt_parse(STR("{}"), r, &e));
	assert_int_equal(e.code, E_TAMPERED);
	assert_false(receipt_parse(STR(""), r, &e));
	free(r);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_holds),
	        cmocka_unit_test(test_batch),
	        cmocka_unit_test(test_every_byte),
	        cmocka_unit_test(test_lies),
	        cmocka_unit_test(test_forgeries),
	        cmocka_unit_test(test_no_single_mediator),
	        cmocka_unit_test(test_members_of_other_endings),
	        cmocka_unit_test(test_ledger_answers),
	        cmocka_unit_test(test_not_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
