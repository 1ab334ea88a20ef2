/* evm_contracts_test.c - who stands behind a signature, asked of a node that a test speaks for. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/contracts.h"
#include "chain/evm_contracts.h"
#include "chain/evm_node_suite.h"

enum chain_says { SAYS_NOTHING, SAYS_WALLET, SAYS_JOBS, SAYS_NO, REVERTS };

struct net {
	uv_loop_t loop;
	struct http_client *client;
	struct node node;
	struct contracts port;
	enum chain_says says;
	uint8_t job_state;
	unsigned calls, answered;
};

static json_t *hex_word(struct hash h)
{
	return evm_data(bytes_of(h.b, sizeof h.b));
}

static json_t *magic(void)
{
	struct hash h;

	abi_id(fn_onchainjobs_isValidSignature, &h);
	memset(h.b + 4, 0, sizeof h.b - 4);
	return hex_word(h);
}

static json_t *job_answer(const struct net *t)
{
	struct abi_leaf l[13];
	struct buf data OWN(buf_done);
	struct err e;

	buf_init(&data, 4096);
	for (size_t i = 0; i < COUNT(l); i++)
		l[i] = abi_u64(0);
	l[2] = abi_u64(700);
	l[3] = abi_u64(300);
	l[7] = abi_u64(t->job_state);
	assert_true(abi_encode(str_of(out_onchainjobs_job), l, COUNT(l), &data, &e));
	return evm_data(buf_bytes(&data));
}

static json_t *answer(struct node *n, const char *method, const json_t *params, json_t **error)
{
	struct net *t = n->ctx;
	struct buf data OWN(buf_done);
	struct err e;
	bool numbered;

	if (strcmp(method, "eth_call") != 0)
		return NULL;
	buf_init(&data, 8192);
	t->calls++;
	assert_true(evm_read_data(json_object_get(json_array_get(params, 0), "data"), &data, &e));
	if (abi_is(fn_onchainjobs_job, buf_bytes(&data)))
		return job_answer(t);
	assert_true(abi_is(fn_onchainjobs_isValidSignature, buf_bytes(&data)));
	/* The length of the signature: 65, or 8 + 1 + 32 more. */
	numbered = data.p[4 + 2 * 32 + 31] == 65 + 41;
	if (t->says == REVERTS) {
		*error = json_pack("{s:i, s:s, s:s}", "code", 3, "message", "execution reverted",
		        "data", "0x");
		return NULL;
	}
	if (t->says == SAYS_NOTHING)
		return json_string("0x");
	if ((t->says == SAYS_WALLET && !numbered) || (t->says == SAYS_JOBS && numbered))
		return magic();
	return hex_word((struct hash){{0xff, 0xff, 0xff, 0xff}});
}

static void on_answered(void *ctx)
{
	((struct net *)ctx)->answered++;
}

static int set_up(void **state)
{
	struct net *t = calloc(1, sizeof *t);
	char url[64];
	struct err e;

	assert_non_null(t);
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_true(http_client_new(&t->loop, NULL, &t->client, &e));
	t->node.head = 7;
	t->node.answer = answer;
	t->node.ctx = t;
	node_up(&t->node, &t->loop, url);
	struct evm_rpc_options o = {
	        .loop = &t->loop, .client = t->client, .chain_id = NODE_CHAIN_ID, .urls = url};
	assert_true(evm_contracts_open(&o, &t->port, &e));
	t->port.listen(t->port.self, on_answered, t);
	t->job_state = 1;
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct net *t = *state;

	t->port.stop(t->port.self);
	http_client_free(t->client);
	node_down(&t->node);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t->loop), 0);
	free(t);
	return 0;
}

static struct vouch_for signature(uint8_t which)
{
	struct vouch_for v = {.number = 7, .sig = {.n = 65}};

	v.account.b[0] = 0xc0;
	v.doc.b[0] = v.digest.b[1] = which;
	v.sig.b[0] = 0x55;
	return v;
}

static enum vouch ask_it(struct net *t, const struct vouch_for *v, struct amount *funds)
{
	return t->port.ask(t->port.self, v, funds);
}

static enum vouch settled(struct net *t, const struct vouch_for *v, struct amount *funds)
{
	unsigned before = t->answered;

	*funds = amount_of(0);
	assert_int_equal(ask_it(t, v, funds), VOUCH_LATER);
	assert_int_equal(ask_it(t, v, funds), VOUCH_LATER); /* which asks nothing more */
	while (t->answered == before)
		uv_run(&t->loop, UV_RUN_ONCE);
	return ask_it(t, v, funds);
}

static void test_a_wallet(void **state)
{
	struct net *t = *state;
	struct vouch_for v = signature(1);
	struct amount funds;

	t->says = SAYS_WALLET;
	assert_int_equal(settled(t, &v, &funds), VOUCH_YES);
	assert_true(amount_is_zero(funds));
	assert_int_equal(t->calls, 1);
	/* Kept: the chain is not asked again. */
	t->says = SAYS_NO;
	assert_int_equal(ask_it(t, &v, &funds), VOUCH_YES);
	assert_int_equal(t->calls, 1);
}

static void test_a_contract_of_jobs(void **state)
{
	struct net *t = *state;
	struct vouch_for v = signature(1), w = signature(2);
	struct amount funds;

	t->says = SAYS_JOBS;
	assert_int_equal(settled(t, &v, &funds), VOUCH_YES);
	assert_true(amount_eq(funds, amount_of(1000)));
	assert_int_equal(t->calls, 3);
	/* Once its deal is open there is nothing more to pay with. */
	t->job_state = 2;
	assert_int_equal(settled(t, &w, &funds), VOUCH_YES);
	assert_true(amount_is_zero(funds));
}

static void test_no(void **state)
{
	struct net *t = *state;
	static const enum chain_says noes[] = {SAYS_NO, SAYS_NOTHING, REVERTS};
	struct amount funds;

	for (uint8_t i = 0; i < COUNT(noes); i++) {
		struct vouch_for v = signature(i);

		t->says = noes[i];
		assert_int_equal(settled(t, &v, &funds), VOUCH_NO);
	}
}

/* Another account, number, document or signature is another question. */
static void test_each_is_asked(void **state)
{
	struct net *t = *state;
	struct vouch_for v = signature(1), w;
	struct amount funds;

	t->says = SAYS_WALLET;
	assert_int_equal(settled(t, &v, &funds), VOUCH_YES);
	t->says = SAYS_NO;
	w = v;
	w.account.b[19] = 1;
	assert_int_equal(settled(t, &w, &funds), VOUCH_NO);
	w = v;
	w.number++;
	assert_int_equal(settled(t, &w, &funds), VOUCH_NO);
	w = v;
	w.digest.b[31] = 1;
	assert_int_equal(settled(t, &w, &funds), VOUCH_NO);
	w = v;
	w.sig.b[64] = 28;
	assert_int_equal(settled(t, &w, &funds), VOUCH_NO);
	assert_int_equal(ask_it(t, &v, &funds), VOUCH_YES);
}

/* A node that says nonsense decides nothing: it is asked again, after a while. */
static void test_no_answer(void **state)
{
	struct net *t = *state;
	struct vouch_for v = signature(1);
	struct amount funds;

	t->node.mood = NODE_HTML;
	assert_int_equal(settled(t, &v, &funds), VOUCH_LATER);
	t->node.mood = NODE_WELL;
	t->says = SAYS_WALLET;
	for (unsigned before = t->answered; t->answered < before + 1;)
		uv_run(&t->loop, UV_RUN_ONCE);
	while (ask_it(t, &v, &funds) == VOUCH_LATER)
		uv_run(&t->loop, UV_RUN_ONCE);
	assert_int_equal(ask_it(t, &v, &funds), VOUCH_YES);
}

/* So many at once, and no more are asked. */
static void test_bounds(void **state)
{
	struct net *t = *state;
	struct amount funds;

	t->says = SAYS_WALLET;
	for (uint8_t i = 0; i < EVM_QUESTIONS_MAX + 40; i++) {
		struct vouch_for v = signature(i);

		assert_int_equal(ask_it(t, &v, &funds), VOUCH_LATER);
	}
	while (t->answered == 0 || t->calls < EVM_QUESTIONS_MAX)
		uv_run(&t->loop, UV_RUN_ONCE);
	for (int i = 0; i < 50; i++)
		uv_run(&t->loop, UV_RUN_NOWAIT);
	assert_int_equal(t->calls, EVM_QUESTIONS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_a_wallet, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_a_contract_of_jobs, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_no, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_each_is_asked, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_no_answer, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
