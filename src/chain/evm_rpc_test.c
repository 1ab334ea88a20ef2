/* evm_rpc_test.c - nodes that lie, lag, answer HTML or not at all, and the one that is right. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_node_suite.h"
#include "chain/evm_rpc.h"

enum { NODES = 3 };

struct net {
	uv_loop_t loop;
	struct http_client *client;
	struct node nodes[NODES];
	char urls[NODES][64];
	struct evm_rpc *rpc;
	struct evm_answer a; /* the last */
	json_t *result;
	uint8_t revert[EVM_REVERT_MAX];
	unsigned answers;
};

static struct net *net_new(void)
{
	struct net *t = calloc(1, sizeof *t);
	struct err e;

	assert_non_null(t);
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_true(http_client_new(&t->loop, NULL, &t->client, &e));
	for (int i = 0; i < NODES; i++) {
		t->nodes[i].head = 7;
		t->nodes[i].genesis.b[0] = 0xaa;
		node_up(&t->nodes[i], &t->loop, t->urls[i]);
	}
	return t;
}

static void open_rpc(struct net *t, unsigned n)
{
	struct evm_rpc_options o = {
	        .loop = &t->loop, .client = t->client, .chain_id = NODE_CHAIN_ID};
	char urls[256];
	struct err e;

	snprintf(urls, sizeof urls, "%s, %s%s%s", t->urls[0], n > 1 ? t->urls[1] : "",
	        n > 2 ? "," : "", n > 2 ? t->urls[2] : "");
	o.urls = urls;
	o.genesis.b[0] = 0xaa;
	assert_true(evm_rpc_new(&o, &t->rpc, &e));
	assert_int_equal(evm_rpc_endpoints(t->rpc), n);
}

static void net_free(struct net *t)
{
	t->rpc = evm_rpc_free(t->rpc);
	http_client_free(t->client);
	for (int i = 0; i < NODES; i++)
		node_down(&t->nodes[i]);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t->loop), 0);
	json_decref(t->result);
	free(t);
}

static void on_answer(void *ctx, const struct evm_answer *a)
{
	struct net *t = ctx;

	t->a = *a;
	json_decref(t->result);
	t->result = a->ok ? json_deep_copy(a->result) : NULL;
	assert_true(a->revert.n <= sizeof t->revert);
	if (a->revert.n)
		memcpy(t->revert, a->revert.p, a->revert.n);
	t->answers++;
}

static void ask(struct net *t)
{
	unsigned before = t->answers;

	assert_true(evm_rpc_call(
	        t->rpc, "eth_getBlockByNumber", json_pack("[s,b]", "latest", 0), on_answer, t));
	assert_int_equal(t->answers, before); /* never from within the call */
	while (t->answers == before)
		uv_run(&t->loop, UV_RUN_ONCE);
}

static void it_answers(void **state)
{
	struct net *t = net_new();
	struct evm_header h;
	struct err e;

	(void)state;
	open_rpc(t, 1);
	ask(t);
	assert_true(t->a.ok && evm_read_header(t->result, &h, &e));
	assert_int_equal(h.number, 7);
	assert_int_equal(h.base_fee_wei, 1000000000);
	/* Who it is was asked before, once. */
	assert_int_equal(t->nodes[0].identity, 2);
	ask(t);
	assert_int_equal(t->nodes[0].identity, 2);
	assert_string_equal(evm_rpc_name(t->rpc, 0), t->urls[0]);
	net_free(t);
}

static void nonsense_makes_the_next_one_be_asked(void **state)
{
	static const enum node_mood moods[] = {NODE_HTML, NODE_GARBAGE, NODE_EMPTY, NODE_BUSY};

	(void)state;
	for (size_t i = 0; i < COUNT(moods); i++) {
		struct net *t = net_new();

		t->nodes[0].mood = moods[i];
		open_rpc(t, 2);
		ask(t);
		assert_true(t->a.ok);
		assert_int_equal(t->a.endpoint, 1);
		/* It stays with the one that answers, also when the other is well again. */
		t->nodes[0].mood = NODE_WELL;
		ask(t);
		assert_int_equal(t->a.endpoint, 1);
		assert_int_equal(t->nodes[0].asked, 0);
		net_free(t);
	}
}

/* What a contract said is in the text of the error, and bytes of it may be NUL. */
static void a_nul_loses_no_answer(void **state)
{
	struct net *t = net_new();

	(void)state;
	open_rpc(t, 1);
	ask(t);
	t->nodes[0].mood = NODE_NUL;
	ask(t);
	assert_true(!t->a.ok && t->a.refused && t->a.reverted);
	assert_int_equal(t->a.revert.n, 2);
	assert_memory_equal(t->revert, "\x12\x34", 2);
	assert_non_null(strstr(t->a.err.msg, "execution reverted: a\\u0000?b"));
	net_free(t);
}

static void one_that_is_gone_is_left(void **state)
{
	struct net *t = net_new();

	(void)state;
	open_rpc(t, 3);
	ask(t);
	assert_int_equal(t->a.endpoint, 0);
	node_down(&t->nodes[0]);
	ask(t);
	assert_true(t->a.ok && t->a.endpoint == 1);
	node_down(&t->nodes[1]);
	ask(t);
	assert_true(t->a.ok && t->a.endpoint == 2);
	node_down(&t->nodes[2]);
	ask(t);
	assert_false(t->a.ok);
	assert_int_equal(t->a.err.code, E_UNREACHABLE);
	assert_non_null(strstr(t->a.err.msg, "the node at http://127.0.0.1:"));
	net_free(t);
}

static void one_of_another_chain_is_never_used(void **state)
{
	struct net *t = net_new();

	(void)state;
	t->nodes[0].chain_id = 1;
	t->nodes[1].genesis.b[0] = 0xbb;
	open_rpc(t, 3);
	ask(t);
	assert_true(t->a.ok && t->a.endpoint == 2);
	assert_int_equal(t->nodes[0].asked + t->nodes[1].asked, 0);
	node_down(&t->nodes[2]);
	ask(t);
	assert_false(t->a.ok);
	assert_int_equal(t->nodes[0].asked + t->nodes[1].asked, 0);
	net_free(t);
	t = net_new();
	t->nodes[0].chain_id = 1;
	open_rpc(t, 1);
	ask(t);
	assert_false(t->a.ok);
	assert_int_equal(t->a.err.code, E_WRONG_LEDGER);
	assert_non_null(strstr(t->a.err.msg, "chain 1,"));
	assert_non_null(strstr(t->a.err.msg, "31337"));
	ask(t); /* and it stays so */
	assert_int_equal(t->a.err.code, E_WRONG_LEDGER);
	net_free(t);
}

static json_t *refuses(struct node *n, const char *method, const json_t *params, json_t **error)
{
	(void)n;
	(void)method;
	(void)params;
	*error = json_pack("{s:i, s:s, s:s}", "code", 3, "message", "execution reverted", "data",
	        "0x5300a66a00000000000000000000000000000000000000000000000000000000000000ff");
	return NULL;
}

static void what_a_contract_says_is_handed_on(void **state)
{
	struct net *t = net_new();

	(void)state;
	t->nodes[0].answer = refuses;
	open_rpc(t, 2);
	ask(t);
	assert_true(!t->a.ok && t->a.refused && t->a.reverted);
	assert_int_equal(t->a.revert.n, 36);
	assert_int_equal(t->revert[0], 0x53);
	assert_int_equal(t->revert[35], 0xff);
	/* The contract's word is not the node's fault. */
	assert_int_equal(t->a.endpoint, 0);
	assert_int_equal(t->nodes[1].asked, 0);
	net_free(t);
}

static void one_that_is_behind_rests(void **state)
{
	struct net *t = net_new();

	(void)state;
	open_rpc(t, 2);
	ask(t);
	assert_int_equal(t->a.endpoint, 0);
	evm_rpc_distrust(t->rpc, "it is behind");
	ask(t);
	assert_int_equal(t->a.endpoint, 1);
	net_free(t);
}

static void questions_on_their_way_end_with_it(void **state)
{
	struct net *t = net_new();

	(void)state;
	t->nodes[0].mood = NODE_MUTE;
	open_rpc(t, 1);
	for (int i = 0; i < 5; i++)
		assert_true(evm_rpc_call(t->rpc, "eth_chainId", NULL, on_answer, t));
	for (int i = 0; i < 20; i++)
		uv_run(&t->loop, UV_RUN_NOWAIT);
	net_free(t);
}

static void urls_are_checked(void **state)
{
	static const char *const bad[] = {"", " , ", "ftp://127.0.0.1", "127.0.0.1:8545",
	        "http://a,http://b,http://c,http://d,http://e,http://f,http://g,http://h,http://i"};
	struct evm_rpc_options o = {0};
	struct evm_rpc *r = NULL;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		o.urls = bad[i];
		assert_false(evm_rpc_new(&o, &r, &e));
		assert_int_equal(e.code, E_CONFIG);
	}
	/* A key in a path or before an @ is never shown. */
	o.urls = "https://me:secret@node.example:8545/v3/key";
	assert_true(evm_rpc_new(&o, &r, &e));
	assert_string_equal(evm_rpc_name(r, 0), "https://node.example:8545");
	evm_rpc_free(r);
}

static void numbers_are_read_strictly(void **state)
{
	static const char *const bad[] = {"", "0x", "12", "0xzz", "0x10000000000000000", "-0x1"};
	struct u256 v;
	uint64_t n;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		json_t *j = json_string(bad[i]);

		assert_false(evm_read_quantity(j, &n, &e));
		assert_int_equal(e.code, E_PEER);
		json_decref(j);
	}
	for (uint64_t k = 0; k < 70; k += 3) {
		json_t *j = evm_quantity(k < 64 ? (uint64_t)1 << k : UINT64_MAX);

		assert_true(evm_read_quantity(j, &n, &e));
		assert_true(n == (k < 64 ? (uint64_t)1 << k : UINT64_MAX));
		json_decref(j);
	}
	assert_false(evm_read_u256(NULL, &v, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_answers),
	        cmocka_unit_test(nonsense_makes_the_next_one_be_asked),
	        cmocka_unit_test(a_nul_loses_no_answer),
	        cmocka_unit_test(one_that_is_gone_is_left),
	        cmocka_unit_test(one_of_another_chain_is_never_used),
	        cmocka_unit_test(what_a_contract_says_is_handed_on),
	        cmocka_unit_test(one_that_is_behind_rests),
	        cmocka_unit_test(questions_on_their_way_end_with_it),
	        cmocka_unit_test(urls_are_checked),
	        cmocka_unit_test(numbers_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
