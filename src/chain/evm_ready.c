/* evm_ready.c - from an action to the call of the contract: the deal's logs say whether it had its effect already,
 * and the transaction that opened it shows its documents. */
#include <stdlib.h>

#include "chain/contracts.h"
#include "chain/evm_contracts.h"
#include "chain/evm_own.h"
#include "chain/evm_tx.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "crypto/secp.h"
#include "port/action_json.h"

static void step(struct ready *r);

void ready_free(struct ready *r)
{
	*r->at = r->next;
	if (r->next)
		r->next->at = r->at;
	r->m->ready_n--;
	free(r);
}

static void refuse(struct ready *r, const struct err *why)
{
	struct evm *m = r->m;
	struct hash id = r->id;
	struct err e = *why;

	ready_free(r);
	evm_stage(m, LEDGER_DROPPED, &id, false, &e);
}

static void had_effect(struct ready *r)
{
	struct evm *m = r->m;
	struct hash id = r->id;

	ready_free(r);
	evm_stage(m, LEDGER_INCLUDED, &id, false, NULL);
	evm_stage(m, LEDGER_FINAL, &id, false, NULL);
}

static bool names_result(const struct ready *r)
{
	struct hash h;

	if (r->a.kind == ACTION_RESULT)
		action_result_hash(&r->a, &h);
	else
		h = r->a.acceptance.result;
	return hash_eq(&h, &r->deal.result);
}

/* 4.3: the same documents again change nothing; here they would only cost gas. */
static bool is_done(const struct ready *r)
{
	uint8_t state = r->deal.state;
	struct hash h;

	switch ((enum action_kind)r->a.kind) {
	case ACTION_OPEN: return state >= DEAL_AGREED;
	case ACTION_RESULT: return state > DEAL_AGREED && names_result(r);
	case ACTION_ACCEPT: return state == DEAL_RESULTS_ACCEPTED && names_result(r);
	case ACTION_CHECK:
		eip712_hash(check_record(), &r->a.check, &h);
		return hash_eq(&h, &r->deal.check);
	case ACTION_TIMEOUT:
		return state == DEAL_TIMEOUT_AGREE || state == DEAL_TIMEOUT_SUBMIT ||
		       state == DEAL_TIMEOUT_JUDGE || state == DEAL_TIMEOUT_MEDIATE;
	case ACTION_DECLINE: return state == DEAL_DECLINED;
	case ACTION_CANCEL: return state == DEAL_CANCELLED;
	case ACTION_VERDICT:
	case ACTION_PASS:
	case ACTION_SEND:
	case ACTION_SETTLE:
	case ACTION_REDEEM:
	case ACTION_CLAIM:
	case ACTION_CLAIM_CHECK:
	case ACTION_OPEN_CHANNEL:
	case ACTION_CLOSE_CHANNEL: break;
	}
	return false;
}

static void hand_on(struct ready *r)
{
	struct evm *m = r->m;
	struct buf data OWN(buf_done) = {0};
	struct evm_intent i = {.id = r->id,
	        .to = m->o.controller,
	        .deadline = r->deal.deadline,
	        .now = m->head_time};
	struct err e;

	buf_init(&data, EVM_DATA_MAX);
	if (!evm_call(&r->a, &r->deal, evm_whole(m, &r->deal.id), &data, &i.gas_max, &e)) {
		refuse(r, &e);
		return;
	}
	i.data = buf_bytes(&data);
	if (r->a.kind == ACTION_OPEN && r->deal.jobs)
		i.to = r->a.deal.hot.job_creator;
	ready_free(r);
	evm_send_put(m->send, &i);
}

/* The relay makes the call ready itself. */
static void hand_in(struct ready *r)
{
	struct evm *m = r->m;
	struct action a = r->a;
	struct hash id = r->id;

	ready_free(r);
	evm_relay_put(m->relay, &a, &id);
}

/* ---- the documents ------------------------------------------------------------------------------ */

/* What the node says of the chain is not about the action: the role asks again. */
static void no_answer(struct ready *r, const struct evm_answer *a)
{
	struct err e = a->err;

	if (a->refused)
		FAIL(&e, UNREACHABLE, "%s", a->err.msg);
	refuse(r, &e);
}

static void on_opening(void *ctx, const struct evm_answer *a)
{
	struct ready *r = ctx;
	struct buf input OWN(buf_done) = {0};
	struct err e;

	buf_init(&input, EVM_DATA_MAX);
	if (!a->ok) {
		no_answer(r, a);
		return;
	}
	if (!evm_read_data(json_object_get(a->result, "input"), &input, &e) ||
	        !evm_keep_whole(r->m, &r->deal, buf_bytes(&input), &e)) {
		refuse(r, &e);
		return;
	}
	step(r);
}

static void on_logs(void *ctx, const struct evm_answer *a)
{
	struct ready *r = ctx;
	struct err e;

	if (!a->ok) {
		no_answer(r, a);
		return;
	}
	if (!evm_deal_fold(&r->deal, a->result, UINT64_MAX, 0, &e)) {
		FAIL(&e, UNREACHABLE, "%s", e.msg);
		refuse(r, &e);
		return;
	}
	step(r);
}

/* How near the deadline is decides what may be paid for gas. */
static void on_state(void *ctx, const struct evm_answer *a)
{
	struct ready *r = ctx;
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l[4];
	struct err e;
	size_t n;

	buf_init(&data, 1024);
	if (!a->ok) {
		no_answer(r, a);
		return;
	}
	if (!evm_read_data(a->result, &data, &e) ||
	        !abi_decode(str_of(out_controller_deal), buf_bytes(&data), l, COUNT(l), &n, &e) ||
	        n < 3) {
		FAIL(&e, UNREACHABLE, "the contract's answer about a deal is not understood");
		refuse(r, &e);
		return;
	}
	r->deal.deadline.s = abi_get_u64(&l[2]);
	step(r);
}

static void ask(struct ready *r, const char *method, json_t *params, evm_done done);

static void ask_state(struct ready *r)
{
	struct abi_leaf id = abi_hash(&r->deal.id);
	struct buf data OWN(buf_done) = {0};
	struct err e;

	r->asked_state = true;
	buf_init(&data, 256);
	if (!abi_encode_call(fn_controller_deal, &id, 1, &data, &e)) {
		refuse(r, &e);
		return;
	}
	ask(r, "eth_call",
	        json_pack("[{s:o, s:o}, s]", "to",
	                evm_data(bytes_of(r->m->o.controller.b, sizeof r->m->o.controller.b)),
	                "data", evm_data(buf_bytes(&data)), "latest"),
	        on_state);
}

/* ---- whose signature ----------------------------------------------------------------------------- */

/* What the JC signed of this action, if it is an action of the JC's. */
static const struct sig *jc_signed(const struct ready *r, struct hash *doc)
{
	const struct action *a = &r->a;

	switch ((enum action_kind)a->kind) {
	case ACTION_OPEN: *doc = a->deal_id; return &a->jc_sig;
	case ACTION_ACCEPT:
		eip712_hash(acceptance_record(), &a->acceptance, doc);
		return &a->doc_sig;
	case ACTION_CHECK: eip712_hash(check_record(), &a->check, doc); return &a->doc_sig;
	case ACTION_SEND:
	case ACTION_RESULT:
	case ACTION_DECLINE:
	case ACTION_CANCEL:
	case ACTION_TIMEOUT:
	case ACTION_VERDICT:
	case ACTION_PASS:
	case ACTION_SETTLE:
	case ACTION_REDEEM:
	case ACTION_CLAIM:
	case ACTION_CLAIM_CHECK:
	case ACTION_OPEN_CHANNEL:
	case ACTION_CLOSE_CHANNEL: break;
	}
	return NULL;
}

static const struct addr *jc_of(const struct ready *r)
{
	return r->a.kind == ACTION_OPEN ? &r->a.deal.hot.job_creator : &r->deal.jc;
}

/* An account with a key signs with it; whoever else signed for the JC does so for a contract. */
static bool by_another(const struct ready *r, struct vouch_for *v)
{
	const struct sig *sig = jc_signed(r, &v->doc);
	struct addr key;
	struct err ignored;

	if (!sig || !sig->n)
		return false;
	v->account = *jc_of(r);
	v->sig = *sig;
	eip712_digest(&r->m->o.domain, &v->doc, &v->digest);
	return secp_recover(&v->digest, sig, &key, &ignored) && !addr_eq(&key, &v->account);
}

/* A wallet that takes the signature as it is needs nothing; a contract of jobs wants it wrapped. */
static void on_jc(void *ctx, const struct evm_answer *a)
{
	struct ready *r = ctx;

	if (!a->ok && !a->reverted) {
		no_answer(r, a);
		return;
	}
	r->deal.jobs = !evm_vouched(a);
	if (r->a.kind == ACTION_OPEN)
		r->deal.nonce = r->a.deal.hot.nonce;
	step(r);
}

static void ask_jc(struct ready *r, const struct vouch_for *v)
{
	json_t *call = evm_vouch_call(v, false);
	struct err e;

	if (call) {
		ask(r, "eth_call", call, on_jc);
		return;
	}
	FAIL(&e, MEMORY, "no memory to ask the chain");
	refuse(r, &e);
}

/* ---- steps -------------------------------------------------------------------------------------- */

static void ask(struct ready *r, const char *method, json_t *params, evm_done done)
{
	struct err e;

	if (evm_rpc_call(r->m->rpc, method, params, done, r))
		return;
	FAIL(&e, MEMORY, "no memory to ask the chain");
	refuse(r, &e);
}

static bool on_ledger(struct ready *r, struct err *e)
{
	char text[HASH_TEXT_MAX];

	if (r->deal.state)
		return true;
	hash_format(&r->deal.id, text);
	return FAIL(e, NOT_FOUND, "deal %s is not on the ledger", text);
}

static void step(struct ready *r)
{
	bool shows = evm_call_shows_deal(&r->a);
	struct vouch_for v = {.number = 0};
	struct err e;

	if (!hash_is_zero(&r->deal.id) && !r->asked_deal) {
		r->asked_deal = true;
		ask(r, "eth_getLogs", json_pack("[o]", evm_deal_filter(r->m, &r->deal.id, 0)),
		        on_logs);
	} else if (is_done(r)) {
		had_effect(r);
	} else if (r->m->relay) {
		hand_in(r);
	} else if (shows && !on_ledger(r, &e)) {
		refuse(r, &e);
	} else if (shows && !evm_whole(r->m, &r->deal.id)) {
		ask(r, "eth_getTransactionByHash",
		        json_pack("[o]", evm_data(bytes_of(r->deal.opened.b, 32))), on_opening);
	} else if (shows && !r->asked_state) {
		ask_state(r);
	} else if (!r->asked_jc) {
		r->asked_jc = true;
		if (by_another(r, &v))
			ask_jc(r, &v);
		else
			step(r);
	} else {
		hand_on(r);
	}
}

static void on_turn(uv_timer_t *t)
{
	ready_start(t->data);
}

void ready_start(struct evm *m)
{
	struct ready *next;

	for (struct ready *r = m->ready; r; r = next) {
		next = r->next;
		if (r->begun)
			continue;
		r->begun = true;
		if (m->relay ? evm_relay_has(m->relay, &r->id) : evm_send_has(m->send, &r->id)) {
			struct hash id = r->id;

			ready_free(r);
			evm_stage(m, LEDGER_PENDING, &id, false, NULL);
			continue;
		}
		step(r);
	}
}

void ready_submit(struct evm *m, const struct action *a, const struct hash *id)
{
	struct ready *r;

	if (m->closing || m->ready_n >= EVM_SUBMITS_MAX)
		return; /* the role asks again */
	for (r = m->ready; r; r = r->next) {
		if (hash_eq(&r->id, id))
			return;
	}
	r = calloc(1, sizeof *r);
	if (!r)
		return;
	r->m = m;
	r->a = *a;
	r->id = *id;
	action_deal(a, &r->deal.id);
	r->next = m->ready;
	r->at = &m->ready;
	if (r->next)
		r->next->at = &r->next;
	m->ready = r;
	m->ready_n++;
	uv_timer_start(&m->turn, on_turn, 0, 0);
}
