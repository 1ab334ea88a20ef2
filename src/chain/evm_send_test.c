/* evm_send_test.c - transactions on their way: what is offered for gas, what is on disk before the node has it, and
 * everything that a chain can do with it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <unistd.h>

#include "chain/evm_node_suite.h"
#include "chain/evm_send.h"
#include "chain/evm_tx.h"
#include "crypto/secp.h"

enum { NOTES = 64 };

/* A chain as far as one account sees it. */
struct net {
	uv_loop_t loop;
	struct http_client *client;
	struct node node;
	char url[64], dir[64];
	struct seckey key;
	struct evm_rpc *rpc;
	struct evm_send *send;
	/* of the chain */
	uint64_t gas, base, balance, used; /* used: nonces in final blocks */
	bool reverts;
	struct buf raw; /* the last that was sent */
	unsigned raws;
	bool on_disk;   /* when it arrived, a file had it */
	uint64_t block; /* that it is in; 0: none */
	bool failed;
	/* told */
	struct {
		enum ledger_stage stage;
		bool failed;
		struct err err;
	} notes[NOTES];
	size_t notes_n;
	unsigned waits; /* times that it was told to wait */
	struct err waits_why;
};

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(self, digest, out, e);
}

static void no_line(void *self, enum log_level level, const char *text)
{
	(void)self;
	(void)level;
	(void)text;
}

static void folder_of(const struct net *t, char out[160])
{
	struct addr who;
	char text[ADDR_TEXT_MAX];
	struct err e;

	assert_true(seckey_addr(&t->key, &who, &e));
	addr_format(&who, text);
	snprintf(out, 160, "%s/%d-%s", t->dir, NODE_CHAIN_ID, text);
}

static void file_of(const struct net *t, uint64_t nonce, char out[200])
{
	char folder[160];

	folder_of(t, folder);
	snprintf(out, 200, "%s/%020llu.json", folder, (unsigned long long)nonce);
}

static bool is_there(const struct net *t, uint64_t nonce)
{
	char path[200];

	file_of(t, nonce, path);
	return access(path, F_OK) == 0;
}

static json_t *take_raw(struct net *t, const json_t *params)
{
	struct evm_tx tx;
	struct addr from;
	struct hash id;
	struct err e;

	buf_reset(&t->raw);
	assert_true(evm_read_data(json_array_get(params, 0), &t->raw, &e));
	assert_true(evm_tx_read(buf_bytes(&t->raw), &tx, &from, &id, &e));
	t->raws++;
	t->on_disk = is_there(t, tx.nonce);
	return json_of_hash(&id);
}

static json_t *receipt(struct net *t, const json_t *params)
{
	struct hash id, asked, block = {{0}};
	struct addr from;
	struct evm_tx tx;
	struct err e;

	if (!t->block || !t->raw.n || !evm_tx_read(buf_bytes(&t->raw), &tx, &from, &id, &e) ||
	        !hash_parse(json_text_of(json_array_get(params, 0)), &asked, &e) ||
	        !hash_eq(&id, &asked))
		return NULL;
	block.b[0] = (uint8_t)t->block;
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:n}", "blockNumber",
	        evm_quantity(t->block), "blockHash", json_of_hash(&block), "transactionHash",
	        json_of_hash(&id), "status", evm_quantity(!t->failed), "gasUsed",
	        evm_quantity(50000), "effectiveGasPrice", evm_quantity(7), "contractAddress");
}

static json_t *answer(struct node *n, const char *method, const json_t *params, json_t **error)
{
	struct net *t = n->ctx;

	if (t->reverts &&
	        (strcmp(method, "eth_estimateGas") == 0 || strcmp(method, "eth_call") == 0)) {
		*error = json_pack("{s:i, s:s, s:s}", "code", 3, "message", "execution reverted",
		        "data", "0x");
		return NULL;
	}
	if (strcmp(method, "eth_estimateGas") == 0)
		return evm_quantity(t->gas);
	if (strcmp(method, "eth_feeHistory") == 0)
		return json_pack("{s:[s,o], s:[[s]]}", "baseFeePerGas", "0x1",
		        evm_quantity(t->base), "reward", "0x5f5e100");
	if (strcmp(method, "eth_getBalance") == 0)
		return evm_quantity(t->balance);
	if (strcmp(method, "eth_getTransactionCount") == 0)
		return evm_quantity(t->used);
	if (strcmp(method, "eth_sendRawTransaction") == 0)
		return take_raw(t, params);
	if (strcmp(method, "eth_getTransactionReceipt") == 0)
		return receipt(t, params);
	return NULL;
}

static void told(void *ctx, const struct hash *intent, enum ledger_stage stage, bool failed,
        const struct evm_receipt *receipt, const struct err *why)
{
	struct net *t = ctx;

	assert_int_equal(intent->b[0], 0x1d);
	assert_true(t->notes_n < NOTES);
	assert_int_equal(receipt != NULL, stage == LEDGER_INCLUDED || stage == LEDGER_FINAL);
	t->notes[t->notes_n].stage = stage;
	t->notes[t->notes_n].failed = failed;
	if (why)
		t->notes[t->notes_n].err = *why;
	t->notes_n++;
}

static void waits(void *ctx, const struct hash *deal, struct btime deadline, const struct err *why)
{
	struct net *t = ctx;

	assert_true(deal->b[0] == 0xdd && deadline.s == 2000);
	t->waits++;
	t->waits_why = *why;
}

static void send_open(struct net *t, struct span stuck)
{
	struct evm_rpc_options r = {
	        .loop = &t->loop, .client = t->client, .urls = t->url, .chain_id = NODE_CHAIN_ID};
	struct evm_send_options o = {.loop = &t->loop,
	        .signer = {.self = &t->key, .sign = sign},
	        .log = {.line = no_line},
	        .chain_id = NODE_CHAIN_ID,
	        .dir = t->dir,
	        .depth = 3,
	        .max_fee_wei = 100000000000,
	        .stuck = stuck,
	        .told = told,
	        .waits = waits,
	        .ctx = t};
	struct err e;

	assert_true(seckey_addr(&t->key, &o.signer.addr, &e));
	assert_true(evm_rpc_new(&r, &t->rpc, &e));
	o.rpc = t->rpc;
	assert_true(evm_send_new(&o, &t->send, &e));
}

static void send_close(struct net *t)
{
	t->rpc = evm_rpc_free(t->rpc);
	t->send = evm_send_free(t->send);
}

static struct net *net_new(struct span stuck)
{
	struct net *t = calloc(1, sizeof *t);
	struct err e;

	assert_non_null(t);
	assert_int_equal(uv_loop_init(&t->loop), 0);
	assert_true(http_client_new(&t->loop, NULL, &t->client, &e));
	t->node.answer = answer;
	t->node.ctx = t;
	t->key.b[31] = 9;
	t->gas = 100000;
	t->base = 1000000000;
	t->balance = 1000000000000000000u;
	buf_init(&t->raw, EVM_TX_MAX);
	snprintf(t->dir, sizeof t->dir, "/tmp/lilypad-evm-send-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	node_up(&t->node, &t->loop, t->url);
	send_open(t, stuck);
	return t;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void net_free(struct net *t)
{
	send_close(t);
	http_client_free(t->client);
	node_down(&t->node);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&t->loop), 0);
	buf_done(&t->raw);
	nftw(t->dir, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(t);
}

static void put(struct net *t, uint8_t which, uint64_t gas_max)
{
	struct evm_intent i = {.id.b = {0x1d, which},
	        .to.b = {7},
	        .data = str_bytes(STR("a call")),
	        .gas_max = gas_max,
	        .now = {1000}};

	evm_send_put(t->send, &i);
}

/* Turns of the loop, with the head looked at, until so many notes are there; the limit only ends what hangs. */
static void until(struct net *t, size_t notes)
{
	for (int i = 0; i < 4000 && t->notes_n < notes; i++) {
		if (i % 20 == 0)
			evm_send_tick(t->send, t->node.head, (struct btime){1000});
		uv_run(&t->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
	assert_int_equal(t->notes_n, notes);
}

static void one(struct net *t, size_t which, enum ledger_stage stage, enum err_code code)
{
	assert_int_equal(t->notes[which].stage, stage);
	assert_int_equal(t->notes[which].err.code, code);
}

/* ---- fees ----------------------------------------------------------------------------------------- */

static void offers_are_within_the_cap(void **state)
{
	uint64_t fee = 7;

	(void)state;
	assert_true(evm_offer(100, 10, 1000, &fee) && fee == 210);
	assert_true(evm_offer(100, 10, 150, &fee) && fee == 150);
	assert_true(evm_offer(100, 10, 110, &fee) && fee == 110);
	assert_false(evm_offer(100, 10, 109, &fee));
	assert_int_equal(fee, 110);
}

static void a_near_deadline_raises_the_cap(void **state)
{
	(void)state;
	assert_int_equal(evm_cap_at(10, 0, 99, 0), 10); /* no deadline */
	assert_int_equal(evm_cap_at(10, 1000, 1000, 2000), 10);
	assert_int_equal(evm_cap_at(10, 1000, 1499, 2000), 10);
	assert_int_equal(evm_cap_at(10, 1000, 1500, 2000), 20);
	assert_int_equal(evm_cap_at(10, 1000, 1750, 2000), 40);
	assert_int_equal(evm_cap_at(10, 1000, 1875, 2000), 80);
	assert_int_equal(evm_cap_at(10, 1000, 1999, 2000), 80);
	assert_int_equal(evm_cap_at(10, 1000, 3000, 2000), 80);
	assert_true(evm_cap_at(UINT64_MAX, 0, 99, 100) == UINT64_MAX);
}

/* Nodes take a replacement that is a tenth dearer in both. */
static void replacements_are_dearer(void **state)
{
	uint64_t fee = 1000, tip = 100;

	(void)state;
	for (int i = 0; i < 20; i++) {
		uint64_t was = fee, was_tip = tip;

		evm_dearer(&fee, &tip, 1, 1);
		assert_true(fee * 10 >= was * 11 && tip * 10 >= was_tip * 11);
	}
	fee = 1000;
	tip = 100;
	evm_dearer(&fee, &tip, 5000, 300); /* the market is dearer still */
	assert_int_equal(tip, 300);
	assert_int_equal(fee, 10300);
}

/* ---- the course of one ----------------------------------------------------------------------------- */

static void it_is_on_disk_before_it_is_sent(void **state)
{
	struct net *t = net_new(span_s(60));

	(void)state;
	put(t, 1, 200000);
	put(t, 1, 200000); /* the same again: no second effect */
	until(t, 1);
	one(t, 0, LEDGER_PENDING, E_NONE);
	while (t->raws == 0)
		uv_run(&t->loop, UV_RUN_ONCE);
	assert_true(t->on_disk);
	assert_int_equal(evm_send_n(t->send), 1);
	t->node.head = 10;
	t->block = 10;
	until(t, 2);
	one(t, 1, LEDGER_INCLUDED, E_NONE);
	assert_true(is_there(t, 0));
	t->node.head = 12; /* not deep enough */
	for (int i = 0; i < 100; i++) {
		evm_send_tick(t->send, 12, (struct btime){1000});
		uv_run(&t->loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(t->notes_n, 2);
	t->node.head = 13;
	until(t, 3);
	one(t, 2, LEDGER_FINAL, E_NONE);
	assert_false(is_there(t, 0));
	assert_int_equal(evm_send_n(t->send), 0);
	net_free(t);
}

static void a_block_that_vanishes_is_told(void **state)
{
	struct net *t = net_new(span_s(60));
	unsigned sent;

	(void)state;
	put(t, 1, 200000);
	until(t, 1);
	t->node.head = t->block = 10;
	until(t, 2);
	sent = t->raws;
	t->block = 0; /* reorganised */
	until(t, 3);
	one(t, 2, LEDGER_PENDING, E_NONE);
	while (t->raws == sent)
		uv_run(&t->loop, UV_RUN_ONCE);
	t->block = 11;
	t->node.head = 14;
	until(t, 5);
	one(t, 3, LEDGER_INCLUDED, E_NONE);
	one(t, 4, LEDGER_FINAL, E_NONE);
	net_free(t);
}

static void what_would_be_refused_is_not_sent(void **state)
{
	struct net *t = net_new(span_s(60));

	(void)state;
	t->reverts = true;
	put(t, 1, 200000);
	until(t, 1);
	one(t, 0, LEDGER_DROPPED, E_STATE);
	t->reverts = false;
	put(t, 2, 99999); /* more gas than the method can need */
	until(t, 2);
	one(t, 1, LEDGER_DROPPED, E_CAP);
	t->balance = 1000;
	put(t, 3, 200000);
	until(t, 3);
	one(t, 2, LEDGER_DROPPED, E_FUNDS);
	assert_non_null(strstr(t->notes[2].err.msg, "has 1000 wei"));
	assert_int_equal(t->raws, 0);
	assert_int_equal(evm_send_n(t->send), 0);
	net_free(t);
}

static void a_call_that_fails_in_its_block_is_told_as_failed(void **state)
{
	struct net *t = net_new(span_s(60));

	(void)state;
	put(t, 1, 200000);
	until(t, 1);
	t->failed = t->reverts = true;
	t->node.head = t->block = 10;
	until(t, 2);
	one(t, 1, LEDGER_INCLUDED, E_STATE);
	assert_true(t->notes[1].failed);
	t->node.head = 13;
	until(t, 3);
	one(t, 2, LEDGER_FINAL, E_STATE);
	assert_true(t->notes[2].failed);
	net_free(t);
}

static void too_dear_gas_is_waited_for(void **state)
{
	struct net *t = net_new(span_s(60));

	(void)state;
	t->base = 200000000000; /* twice the cap */
	put(t, 1, 200000);
	for (int i = 0; i < 200; i++) {
		evm_send_tick(t->send, 1, (struct btime){1000});
		uv_run(&t->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
	assert_int_equal(t->notes_n, 0);
	assert_int_equal(t->raws, 0);
	t->base = 50000000000;
	until(t, 1);
	one(t, 0, LEDGER_PENDING, E_NONE);
	net_free(t);
}

/* With a deadline: from 1000 to 2000. */
static void put_due(struct net *t)
{
	struct evm_intent i = {.id.b = {0x1d, 1},
	        .to.b = {7},
	        .data = str_bytes(STR("a call")),
	        .gas_max = 200000,
	        .deadline = {2000},
	        .deal.b = {0xdd},
	        .now = {1000}};

	evm_send_put(t->send, &i);
}

static void turns(struct net *t, uint64_t now)
{
	for (int i = 0; i < 200; i++) {
		evm_send_tick(t->send, 1, (struct btime){now});
		uv_run(&t->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
}

/* The limit is told once, and the next one once more; at 8 times the limit it goes. */
static void waiting_with_a_deadline_is_told(void **state)
{
	struct net *t = net_new(span_s(60));
	struct evm_tx tx;
	struct addr from;
	struct hash id;
	struct err e;

	(void)state;
	t->base = 700000000000; /* seven times the cap */
	put_due(t);
	turns(t, 1000);
	assert_int_equal(t->waits, 1);
	assert_non_null(strstr(t->waits_why.msg, "700100000000 wei, more than the 100000000000 "));
	turns(t, 1499);
	assert_int_equal(t->waits, 1);
	turns(t, 1500);
	assert_int_equal(t->waits, 2);
	assert_non_null(strstr(t->waits_why.msg, "more than the 200000000000 "));
	turns(t, 1750);
	assert_int_equal(t->waits, 3);
	assert_int_equal(t->raws, 0);
	turns(t, 1875);
	assert_int_equal(t->waits, 3);
	assert_true(t->raws > 0);
	assert_true(evm_tx_read(buf_bytes(&t->raw), &tx, &from, &id, &e));
	assert_true(tx.max_fee_wei >= t->base && tx.max_fee_wei <= 800000000000);
	net_free(t);
}

/* With money at stake an account that is too poor is told, and waited for; without, the sender is told. */
static void an_empty_account_is_waited_for(void **state)
{
	struct net *t = net_new(span_s(60));

	(void)state;
	t->balance = 1000;
	put_due(t);
	turns(t, 1000);
	turns(t, 1900);
	assert_int_equal(t->waits, 1);
	assert_int_equal(t->waits_why.code, E_FUNDS);
	assert_non_null(strstr(t->waits_why.msg, "has 1000 wei"));
	assert_non_null(strstr(t->waits_why.msg, "short by "));
	assert_true(t->notes_n == 0 && t->raws == 0);
	t->balance = 1000000000000000000u;
	until(t, 1);
	one(t, 0, LEDGER_PENDING, E_NONE);
	net_free(t);
}

/* By the time that gas is cheap again it may be too late for what was to be sent. */
static void what_waited_is_played_again(void **state)
{
	struct net *t = net_new(span_s(60));

	(void)state;
	t->base = 900000000000;
	put_due(t);
	turns(t, 1000);
	t->reverts = true;
	t->base = 1000000000;
	until(t, 1);
	one(t, 0, LEDGER_DROPPED, E_STATE);
	assert_int_equal(t->raws, 0);
	net_free(t);
}

/* What is sent already, and stuck, is replaced as soon as the limit rises, and not before. */
static void a_limit_that_rises_is_used_at_once(void **state)
{
	struct net *t = net_new(span_s(60));
	struct evm_tx tx;
	struct addr from;
	struct hash id;
	unsigned raws;
	struct err e;

	(void)state;
	put_due(t);
	turns(t, 1000);
	raws = t->raws;
	assert_int_equal(raws, 1);
	t->base = 150000000000; /* above the cap, below its double */
	turns(t, 1400);
	assert_int_equal(t->raws, raws);
	turns(t, 1500);
	assert_int_equal(t->raws, raws + 1);
	assert_true(evm_tx_read(buf_bytes(&t->raw), &tx, &from, &id, &e));
	assert_true(tx.nonce == 0 && tx.max_fee_wei > t->base && tx.max_fee_wei <= 200000000000);
	net_free(t);
}

static void a_stuck_one_is_replaced_at_its_nonce(void **state)
{
	struct net *t = net_new(span_ms(1));
	struct evm_tx first, second;
	struct buf kept OWN(buf_done) = {0};
	struct addr from;
	struct hash a, b;
	struct err e;

	(void)state;
	buf_init(&kept, EVM_TX_MAX);
	put(t, 1, 200000);
	until(t, 1);
	while (t->raws == 0)
		uv_run(&t->loop, UV_RUN_ONCE);
	buf_put(&kept, t->raw.p, t->raw.n);
	for (int i = 0; i < 4000 && t->raws < 2; i++) {
		evm_send_tick(t->send, 5, (struct btime){1000});
		uv_run(&t->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
	assert_true(evm_tx_read(buf_bytes(&kept), &first, &from, &a, &e));
	assert_true(evm_tx_read(buf_bytes(&t->raw), &second, &from, &b, &e));
	assert_true(first.nonce == second.nonce && !hash_eq(&a, &b));
	assert_true(second.max_fee_wei * 10 >= first.max_fee_wei * 11);
	assert_true(second.tip_wei * 10 >= first.tip_wei * 11);
	assert_true(str_eq(bytes_str(first.data), bytes_str(second.data)));
	net_free(t);
}

/* ---- restarts -------------------------------------------------------------------------------------- */

static void the_next_process_sends_the_same_bytes(void **state)
{
	struct net *t = net_new(span_s(60));
	struct buf kept OWN(buf_done) = {0};

	(void)state;
	buf_init(&kept, EVM_TX_MAX);
	put(t, 1, 200000);
	until(t, 1);
	while (t->raws == 0)
		uv_run(&t->loop, UV_RUN_ONCE);
	buf_put(&kept, t->raw.p, t->raw.n);
	send_close(t);
	uv_run(&t->loop, UV_RUN_NOWAIT);
	t->raws = 0;
	send_open(t, span_s(60));
	assert_int_equal(evm_send_n(t->send), 1);
	for (int i = 0; i < 4000 && t->raws == 0; i++) {
		evm_send_tick(t->send, 5, (struct btime){1000});
		uv_run(&t->loop, UV_RUN_NOWAIT);
		usleep(500);
	}
	assert_int_equal(t->raw.n, kept.n);
	assert_memory_equal(t->raw.p, kept.p, kept.n);
	put(t, 1, 200000); /* the role asks again: it is on its way already */
	assert_int_equal(evm_send_n(t->send), 1);
	t->node.head = t->block = 10;
	until(t, 2);
	one(t, 1, LEDGER_INCLUDED, E_NONE);
	net_free(t);
}

static void nonces_are_given_once(void **state)
{
	struct net *t = net_new(span_s(60));

	(void)state;
	t->used = 5;
	put(t, 1, 200000);
	put(t, 2, 200000);
	put(t, 3, 200000);
	until(t, 3);
	assert_true(is_there(t, 5) && is_there(t, 6) && is_there(t, 7) && !is_there(t, 8));
	net_free(t);
}

static void a_nonce_that_somebody_else_used_is_left(void **state)
{
	struct net *t = net_new(span_s(60));

	(void)state;
	put(t, 1, 200000);
	until(t, 1);
	assert_true(is_there(t, 0));
	t->used = 1;
	t->node.head = 20;
	until(t, 2);
	one(t, 1, LEDGER_PENDING, E_NONE);
	assert_true(is_there(t, 1) && !is_there(t, 0));
	net_free(t);
}

static void a_file_that_is_not_ours_is_refused(void **state)
{
	static const char *const bad[] = {"", "{}", "{\"action\":\"0x\",\"nonce\":\"3\"}"};
	struct net *t = net_new(span_s(60));
	struct evm_send_options o = {.signer = {.self = &t->key, .sign = sign},
	        .chain_id = NODE_CHAIN_ID,
	        .dir = t->dir};
	struct evm_send *s = NULL;
	char path[200];
	struct err e;

	(void)state;
	assert_true(seckey_addr(&t->key, &o.signer.addr, &e));
	file_of(t, 3, path);
	for (size_t i = 0; i < COUNT(bad); i++) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(bad[i], f);
		fclose(f);
		assert_false(evm_send_new(&o, &s, &e));
		assert_non_null(strstr(e.msg, "00000000000000000003.json"));
	}
	net_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(offers_are_within_the_cap),
	        cmocka_unit_test(a_near_deadline_raises_the_cap),
	        cmocka_unit_test(replacements_are_dearer),
	        cmocka_unit_test(it_is_on_disk_before_it_is_sent),
	        cmocka_unit_test(a_block_that_vanishes_is_told),
	        cmocka_unit_test(what_would_be_refused_is_not_sent),
	        cmocka_unit_test(a_call_that_fails_in_its_block_is_told_as_failed),
	        cmocka_unit_test(too_dear_gas_is_waited_for),
	        cmocka_unit_test(waiting_with_a_deadline_is_told),
	        cmocka_unit_test(an_empty_account_is_waited_for),
	        cmocka_unit_test(what_waited_is_played_again),
	        cmocka_unit_test(a_limit_that_rises_is_used_at_once),
	        cmocka_unit_test(a_stuck_one_is_replaced_at_its_nonce),
	        cmocka_unit_test(the_next_process_sends_the_same_bytes),
	        cmocka_unit_test(nonces_are_given_once),
	        cmocka_unit_test(a_nonce_that_somebody_else_used_is_left),
	        cmocka_unit_test(a_file_that_is_not_ours_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
