/* receipt_chain_test.c - receipts on a chain: one of every ending that holds, that no byte of it can be changed, and
 * what is a proof of something else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/receipt_rig.h"

static void test_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(endings); i++)
		assert_holds(&endings[i], true);
}

/* Of headers, paths, documents and signatures alike. */
static void test_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(endings); i++)
		some_bytes(&endings[i], true, i, COUNT(endings));
}

/* A log that anyone can write, in a block that anyone can make up, proves nothing of the deal. */
struct forgery {
	const char *what;
	unsigned of; /* endings[] */
	void (*change)(struct world_ *w);
	unsigned wrong; /* checks that notice */
};

static void moved(struct world_ *w, uint8_t from, uint8_t to, struct amount paid)
{
	seal_moved(w, from, to, paid);
}
static void by_another_contract(struct world_ *w)
{
	uint8_t word[32] = {0};

	put_bits(word, 0, 8, amount_of(DEAL_RESULTS_CHECKED));
	put_bits(word, 8, 8, amount_of(DEAL_MEDIATION_ACCEPTED));
	put_bits(word, 64, 96, cost_of(&w->r));
	seal_log(w, RECEIPT_LOG_END, &w->addr[RP], ev_Moved, &w->r.match.deal,
	        bytes_of(word, sizeof word));
	receipt_read_logs(&w->r);
}
static void of_another_deal(struct world_ *w)
{
	struct hash other = hash_no(4);
	uint8_t data[64];

	outcome(&w->r, data);
	seal_log(w, RECEIPT_LOG_RESULT, &w->r.chain.controller, ev_Submitted, &other,
	        bytes_of(data, sizeof data));
	receipt_read_logs(&w->r);
}
static void another_log_of_it(struct world_ *w)
{
	w->r.chain.log[RECEIPT_LOG_END].log = 0;
	receipt_read_logs(&w->r);
}
static void another_receipt(struct world_ *w)
{
	w->r.chain.log[RECEIPT_LOG_END].tx = 0;
	receipt_read_logs(&w->r);
}
static void another_result(struct world_ *w)
{
	uint8_t data[64];

	outcome(&w->r, data);
	data[0] ^= 1;
	seal_log(w, RECEIPT_LOG_RESULT, &w->r.chain.controller, ev_Submitted, &w->r.match.deal,
	        bytes_of(data, sizeof data));
	receipt_read_logs(&w->r);
}
static void another_count(struct world_ *w)
{
	uint8_t data[64];

	outcome(&w->r, data);
	data[32 + 30] ^= 1;
	seal_log(w, RECEIPT_LOG_RESULT, &w->r.chain.controller, ev_Submitted, &w->r.match.deal,
	        bytes_of(data, sizeof data));
	receipt_read_logs(&w->r);
}
static void no_result_shown(struct world_ *w)
{
	w->r.chain.submitted = false;
	receipt_read_logs(&w->r);
}
static void ruled_otherwise(struct world_ *w)
{
	moved(w, DEAL_RESULTS_CHECKED, DEAL_MEDIATION_REJECTED, cost_of(&w->r));
}
static void not_over(struct world_ *w)
{
	moved(w, DEAL_NEGOTIATING, DEAL_AGREED, amount_of(0));
}
static void paid_nothing(struct world_ *w)
{
	moved(w, DEAL_RESULTS_SUBMITTED, DEAL_TIMEOUT_JUDGE, amount_of(0));
}
static void a_refusal_was_paid(struct world_ *w)
{
	moved(w, DEAL_AGREED, DEAL_DECLINED, amount_of(1));
}
static void late_in_truth(struct world_ *w)
{
	moved(w, DEAL_AGREED, DEAL_TIMEOUT_SUBMIT, amount_of(0));
}
static void declined_by_the_buyer(struct world_ *w)
{
	sign(w, JC, decline_record(), &w->r.decline, &w->r.end_sig);
}
static void another_block(struct world_ *w)
{
	w->r.chain.log[RECEIPT_LOG_END].block.b[0] ^= 1;
}
static void another_chain(struct world_ *w)
{
	w->r.chain.id++;
}

static void test_forgeries(void **state)
{
	static const struct forgery all[] = {
	        {"another contract wrote it", CORRECT, by_another_contract, 1},
	        {"the result is another deal's", CORRECT, of_another_deal, 5},
	        {"a log of somebody else", CORRECT, another_log_of_it, 5},
	        {"another transaction", CORRECT, another_receipt, 6},
	        {"another result counts", JUDGE_LATE, another_result, 1},
	        {"another count", JUDGE_LATE, another_count, 1},
	        {"nothing says which result counts", JUDGE_LATE, no_result_shown, 2},
	        {"the ledger ruled otherwise", CORRECT, ruled_otherwise, 1},
	        {"the deal is not over", PASSED, not_over, 2},
	        {"a late judge paid nothing", JUDGE_LATE, paid_nothing, 1},
	        {"a refusal was paid", REFUSED, a_refusal_was_paid, 1},
	        {"no refusal, but late", REFUSED, late_in_truth, 1},
	        {"the buyer declined", REFUSED, declined_by_the_buyer, 1},
	        {"another block", ACCEPTED, another_block, 1},
	        {"another chain", ACCEPTED, another_chain, 8},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct world_ *w = make_on(&endings[all[i].of], true);
		unsigned n;

		all[i].change(w);
		n = wrong(&w->r);
		if (n != all[i].wrong)
			fail_msg("%s: %u checks fail, not %u", all[i].what, n, all[i].wrong);
		free(w);
	}
}

static json_t *json_of(const struct world_ *w)
{
	struct buf b OWN(buf_done) = {0};
	json_t *j = NULL;
	struct err e;

	buf_init(&b, RECEIPT_BYTES_MAX);
	receipt_format(&w->r, &b);
	assert_true(json_parse(buf_view(&b), &j, &e));
	return j;
}

static void is_tampered(const json_t *j, const char *word)
{
	struct receipt *r = calloc(1, sizeof *r);
	struct buf b OWN(buf_done) = {0};
	struct err e;

	assert_non_null(r);
	buf_init(&b, 2 * RECEIPT_BYTES_MAX);
	json_canonical(j, &b);
	assert_false(receipt_parse(buf_view(&b), r, &e));
	assert_int_equal(e.code, E_TAMPERED);
	if (!strstr(e.msg, word))
		fail_msg("\"%s\" without \"%s\"", e.msg, word);
	free(r);
}

/* Sets a member, looks, and puts back what was there. */
static void with(json_t *j, json_t *in, const char *name, json_t *other, const char *word)
{
	json_t *had = json_incref(json_object_get(in, name));

	if (other)
		json_object_set_new(in, name, other);
	else
		json_object_del(in, name);
	is_tampered(j, word);
	if (had)
		json_object_set_new(in, name, had);
	else
		json_object_del(in, name);
}

static void test_text(void **state)
{
	struct world_ *w = make_on(&endings[CORRECT], true);
	json_t *j OWN(json_own) = json_of(w), *end, *chain, *proof, *many = json_array();

	(void)state;
	proof = json_object_get(j, "proof");
	end = json_object_get(proof, "end");
	chain = json_object_get(j, "chain");
	for (unsigned i = 0; i < 100; i++)
		json_array_append_new(many, json_string("0x00"));
	with(j, chain, "chainId", json_string("0"), "no chain");
	with(j, chain, "chainId", NULL, "chainId");
	with(j, chain, "controller", json_string("0x12"), "controller");
	with(j, chain, "name", json_string("x"), "not written");
	with(j, j, "network", json_string("x"), "not written");
	with(j, j, "genesis", json_object(), "not written");
	with(j, j, "schema", json_string("lilypad.receipt/2"), "genesis");
	with(j, j, "schema", json_string("lilypad.receipt/1"), "schema");
	with(j, proof, "submission", json_object(), "submission: ");
	with(j, proof, "end", NULL, "end: ");
	with(j, end, "header", json_string("0x123"), "end: ");
	with(j, end, "blockHash", json_string("0x12"), "end: ");
	with(j, end, "path", json_string("0x"), "at most 66 nodes");
	with(j, end, "path", many, "at most 66 nodes");
	with(j, end, "path", json_pack("[s]", "12"), "bytes");
	with(j, end, "transactionIndex", json_integer(65536), "more than 65535");
	with(j, end, "transactionIndex", json_string("1"), "not written");
	with(j, end, "logIndex", json_integer(-1), "logIndex");
	with(j, end, "more", json_integer(1), "not written");
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_holds),
	        cmocka_unit_test(test_bytes),
	        cmocka_unit_test(test_forgeries),
	        cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
