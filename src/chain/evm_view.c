/* evm_view.c - each question and each transaction on a loop of its own. */
#include "chain/evm_view.h"

#include <stdio.h>
#include <stdlib.h>

#include "chain/contracts.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"

enum { ANSWER_MAX = 65536, TICK_MS = 200 };

static struct evm_rpc_options options(const struct evm_place *p)
{
	return (struct evm_rpc_options){
	        .urls = p->urls, .chain_id = p->chain_id, .genesis = p->genesis};
}

static json_t *addr_json(const struct addr *a)
{
	return evm_data(bytes_of(a->b, sizeof a->b));
}

/* ---- reading ------------------------------------------------------------------------------------ */

bool evm_view(const struct evm_place *p, const struct addr *contract, const char *signature,
        const struct abi_leaf *args, size_t args_n, const char *answer, struct buf *data,
        struct abi_leaf *out, size_t max, size_t *n, struct err *e)
{
	struct evm_rpc_options o = options(p);
	struct buf call OWN(buf_done) = {0};
	json_t *j OWN(json_own) = NULL;
	char text[ADDR_TEXT_MAX];

	buf_init(&call, ANSWER_MAX);
	buf_init(data, ANSWER_MAX);
	TRY(abi_encode_call(signature, args, args_n, &call, e), e);
	TRY(evm_ask(&o, "eth_call",
	            json_pack("[{s:o, s:o}, s]", "to", addr_json(contract), "data",
	                    evm_data(buf_bytes(&call)), "latest"),
	            &j, e),
	        e);
	TRY(evm_read_data(j, data, e), e);
	if (data->n == 0 && *answer) {
		addr_format(contract, text);
		return FAIL(e, WRONG_LEDGER, "there is no contract of ours at %s on chain %llu",
		        text, (unsigned long long)p->chain_id);
	}
	return abi_decode(str_of(answer), buf_bytes(data), out, max, n, e);
}

bool evm_view_head(const struct evm_place *p, struct evm_header *out, struct err *e)
{
	struct evm_rpc_options o = options(p);
	json_t *j OWN(json_own) = NULL;

	TRY(evm_ask(&o, "eth_getBlockByNumber", json_pack("[s,b]", "latest", 0), &j, e), e);
	return evm_read_header(j, out, e);
}

bool evm_view_coin(
        const struct evm_place *p, const struct addr *who, struct u256 *wei, struct err *e)
{
	struct evm_rpc_options o = options(p);
	json_t *j OWN(json_own) = NULL;

	TRY(evm_ask(&o, "eth_getBalance", json_pack("[o,s]", addr_json(who), "latest"), &j, e), e);
	return evm_read_u256(j, wei, e);
}

bool evm_view_check(const struct evm_place *p, const struct hash *domain, struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	char is[HASH_TEXT_MAX], must[HASH_TEXT_MAX];
	struct abi_leaf l;
	size_t n;

	TRY(evm_view(p, &p->controller, fn_controller_domain, NULL, 0, out_controller_domain, &data,
	            &l, 1, &n, e),
	        e);
	if (n == 1 && hash_eq(&l.word, domain))
		return true;
	hash_format(&l.word, is);
	hash_format(domain, must);
	return FAIL(e, WRONG_LEDGER, "the contract's domain is %s, ours is %s", is, must);
}

/* ---- sending ------------------------------------------------------------------------------------ */

struct transact {
	uv_loop_t loop;
	struct evm_rpc *rpc;
	struct evm_send *send;
	struct evm_intent i;
	uv_timer_t tick;
	struct mono until;
	bool begun, over, ok;
	struct evm_receipt receipt;
	struct err err;
};

static void over(struct transact *t, bool ok)
{
	t->over = true;
	t->ok = ok;
}

static void told(void *ctx, const struct hash *id, enum ledger_stage stage, bool failed,
        const struct evm_receipt *receipt, const struct err *why)
{
	struct transact *t = ctx;

	if (!hash_eq(id, &t->i.id) || (stage != LEDGER_FINAL && stage != LEDGER_DROPPED))
		return;
	if (why)
		t->err = *why;
	if (receipt)
		t->receipt = *receipt;
	over(t, stage == LEDGER_FINAL && !failed);
}

static void on_head(void *ctx, const struct evm_answer *a)
{
	struct transact *t = ctx;
	struct evm_header h;
	struct err e = a->err;

	if (!a->ok || !evm_read_header(a->result, &h, &e)) {
		t->err = e;
		over(t, false);
		return;
	}
	if (!t->begun) {
		t->begun = true;
		t->i.now = h.time;
		evm_send_put(t->send, &t->i);
	} else {
		evm_send_tick(t->send, h.number, h.time);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct transact *t = timer->data;

	if (clock_mono().ns > t->until.ns && !t->over) {
		FAIL(&t->err, TIMEOUT,
		        "the transaction is not final yet; it is written down and goes on with the "
		        "next command or daemon of this account");
		over(t, false);
	}
	if (!t->over)
		(void)evm_rpc_call(t->rpc, "eth_getBlockByNumber", json_pack("[s,b]", "latest", 0),
		        on_head, t);
}

static bool run(struct transact *t, const struct evm_sender *s, struct err *e)
{
	struct evm_rpc_options r = options(s->place);
	struct evm_send_options o = {.loop = &t->loop,
	        .signer = s->signer,
	        .log = s->log,
	        .chain_id = s->place->chain_id,
	        .dir = s->dir,
	        .depth = s->place->depth,
	        .max_fee_wei = s->max_fee_wei,
	        .stuck = span_s(30),
	        .told = told,
	        .ctx = t};

	r.loop = &t->loop;
	TRY(http_client_new(&t->loop, NULL, &r.client, e), e);
	if (!evm_rpc_new(&r, &t->rpc, e)) {
		http_client_free(r.client);
		return false;
	}
	o.rpc = t->rpc;
	if (evm_send_new(&o, &t->send, e)) {
		uv_timer_init(&t->loop, &t->tick);
		t->tick.data = t;
		uv_timer_start(&t->tick, on_tick, 0, TICK_MS);
		while (!t->over)
			uv_run(&t->loop, UV_RUN_ONCE);
		uv_close((uv_handle_t *)&t->tick, NULL);
		if (!t->ok)
			*e = t->err;
	}
	evm_rpc_free(t->rpc);
	evm_send_free(t->send);
	http_client_free(r.client);
	return t->ok;
}

bool evm_transact(const struct evm_sender *s, const struct evm_intent *i, struct evm_receipt *out,
        struct err *e)
{
	struct transact *t = calloc(1, sizeof *t);
	bool ok;

	if (!t)
		return FAIL(e, MEMORY, "no memory for a transaction");
	t->i = *i;
	t->until = mono_plus(clock_mono(), s->wait);
	if (uv_loop_init(&t->loop) != 0) {
		free(t);
		return FAIL(e, IO, "no event loop");
	}
	ok = run(t, s, e);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	uv_loop_close(&t->loop);
	if (ok)
		*out = t->receipt;
	free(t);
	return ok;
}
