/* evm_ready.c - from an action to the call of the contract: the contract and the deal's logs say whether it had its
 * effect already, and the transaction that opened it shows its documents. */
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
	free(r->items);
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

static bool marked(const struct ready *r, const struct record *rec, const void *doc)
{
	struct hash h;

	eip712_hash(rec, doc, &h);
	return memcmp(h.b, r->mark.b, EVM_MARK_BYTES) == 0;
}

static bool ended_by(const struct ready *r, const struct record *rec, const void *doc)
{
	struct hash h, mark;

	eip712_hash(rec, doc, &h);
	evm_deal_end_mark(&r->deal, &h, &mark);
	return r->deal.state > DEAL_RESULTS_CHECKED &&
	       memcmp(mark.b, r->mark.b, EVM_MARK_BYTES) == 0;
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
	case ACTION_CLAIM_CHECK:
		eip712_hash(check_record(), &r->a.check, &h);
		return hash_eq(&h, &r->deal.check);
	case ACTION_CLAIM:
		return state > DEAL_AGREED && hash_is_zero(&r->deal.check) && names_result(r);
	case ACTION_DECLINE:
		return state == DEAL_DECLINED && marked(r, decline_record(), &r->a.decline);
	case ACTION_CANCEL:
		return state == DEAL_CANCELLED && marked(r, cancel_record(), &r->a.cancel);
	case ACTION_VERDICT: return ended_by(r, verdict_record(), &r->a.verdict);
	case ACTION_PASS: return ended_by(r, pass_record(), &r->a.pass);
	case ACTION_SEND:
	case ACTION_SETTLE:
	case ACTION_REDEEM:
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
	        .deal = r->deal.id,
	        .now = m->head_time};
	struct evm_shown w = {.deal = &r->deal,
	        .whole = evm_whole(m, &r->deal.id),
	        .channel = evm_channel_of(m, &r->channel),
	        .by = &m->o.signer.addr,
	        .domain = &m->o.domain};
	struct err e;

	buf_init(&data, EVM_DATA_MAX);
	if (!evm_call(&r->a, &w, &data, &i.gas_max, &e)) {
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

static void unreachable(struct ready *r, const struct err *why)
{
	struct err e;

	FAIL(&e, UNREACHABLE, "%s", why->msg);
	refuse(r, &e);
}

static void on_logs(void *ctx, const json_t *logs, const struct evm_answer *why)
{
	struct ready *r = ctx;
	struct err e;

	if (!logs)
		no_answer(r, why);
	else if (!evm_deal_fold(&r->deal, logs, UINT64_MAX, 0, &e))
		unreachable(r, &e);
	else
		step(r);
}

static void on_channel(void *ctx, const json_t *logs, const struct evm_answer *why)
{
	struct ready *r = ctx;
	struct err e;

	if (!logs)
		no_answer(r, why);
	else if (!evm_keep_opening(r->m, &r->channel, logs, &e))
		refuse(r, &e);
	else
		step(r);
}

/* The leaves of the contract's answer; false: refused, the action is gone. */
static bool answered(struct ready *r, const struct evm_answer *a, const char *types,
        struct buf *data, struct abi_leaf *l, size_t max, size_t *n)
{
	struct err e;

	buf_init(data, 1024);
	if (!a->ok) {
		no_answer(r, a);
		return false;
	}
	if (!evm_read_data(a->result, data, &e) ||
	        !abi_decode(str_of(types), buf_bytes(data), l, max, n, &e)) {
		FAIL(&e, UNREACHABLE, "the contract's answer is not understood: %s", e.msg);
		refuse(r, &e);
		return false;
	}
	return true;
}

/* How near the deadline is decides what may be paid for gas. */
static void on_state(void *ctx, const struct evm_answer *a)
{
	struct buf data OWN(buf_done) = {0};
	struct ready *r = ctx;
	struct abi_leaf l[4];
	size_t n;

	if (!answered(r, a, out_controller_deal, &data, l, COUNT(l), &n))
		return;
	r->on_chain = abi_get_u64(&l[0]) != 0;
	r->deal.deadline.s = abi_get_u64(&l[2]);
	r->mark = l[3].word;
	step(r);
}

static void on_channel_state(void *ctx, const struct evm_answer *a)
{
	struct buf data OWN(buf_done) = {0};
	struct ready *r = ctx;
	struct channel_change state;
	struct abi_leaf l[8];
	char text[HASH_TEXT_MAX];
	struct err e;
	size_t n;

	if (!answered(r, a, out_controller_channel, &data, l, COUNT(l), &n))
		return;
	if (!evm_channel_state(l, n, &r->channel, &state)) {
		hash_format(&r->channel, text);
		FAIL(&e, NOT_FOUND, "channel %s is not on this ledger", text);
		refuse(r, &e);
	} else if (!look_back(r->m, &r->channel, true, 0, 0, on_channel, r)) {
		FAIL(&e, MEMORY, "no memory to ask the chain");
		refuse(r, &e);
	}
}

static void ask(struct ready *r, const char *method, json_t *params, evm_done done);

/* What the contract has on a deal or a channel. */
static void ask_view(struct ready *r, const char *signature, const struct hash *id, evm_done done)
{
	struct abi_leaf arg = abi_hash(id);
	struct buf data OWN(buf_done) = {0};
	struct err e;

	buf_init(&data, 256);
	if (!abi_encode_call(signature, &arg, 1, &data, &e)) {
		refuse(r, &e);
		return;
	}
	ask(r, "eth_call",
	        json_pack("[{s:o, s:o}, s]", "to",
	                evm_data(bytes_of(r->m->o.controller.b, sizeof r->m->o.controller.b)),
	                "data", evm_data(buf_bytes(&data)), "latest"),
	        done);
}

/* ---- whose signature ----------------------------------------------------------------------------- */

/* What the JC signed of this action, if it is an action of the JC's. */
static const struct sig *jc_signed(const struct ready *r, struct hash *doc)
{
	const struct action *a = &r->a;
	const struct deal *whole = evm_whole(r->m, &r->deal.id);

	/* Contracts of jobs deal in escrow only. */
	if (whole && !hash_is_zero(&whole->hot.channel))
		return NULL;
	switch ((enum action_kind)a->kind) {
	case ACTION_OPEN: *doc = r->deal.id; return &a->jc_sig;
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

/* The deal's logs, from where it was opened. */
static void look(struct ready *r)
{
	const struct seen *s = seen_of(r->m, &r->deal.id);
	struct err e;

	r->asked_deal = true;
	if (look_back(r->m, &r->deal.id, false, 0, s ? s->d.since : 0, on_logs, r))
		return;
	FAIL(&e, MEMORY, "no memory to ask the chain");
	refuse(r, &e);
}

static void step(struct ready *r)
{
	bool shows = evm_call_shows_deal(&r->a);
	struct evm *m = r->m;
	struct vouch_for v = {.number = 0};
	struct err e;

	if (!hash_is_zero(&r->deal.id) && !r->asked_state) {
		r->asked_state = true;
		ask_view(r, fn_controller_deal, &r->deal.id, on_state);
	} else if (r->on_chain && !r->asked_deal) {
		look(r);
	} else if (is_done(r)) {
		had_effect(r);
	} else if (r->m->relay) {
		hand_in(r);
	} else if (shows && !on_ledger(r, &e)) {
		refuse(r, &e);
	} else if (shows && !evm_whole(m, &r->deal.id)) {
		ask(r, "eth_getTransactionByHash",
		        json_pack("[o]", evm_data(bytes_of(r->deal.opened.b, 32))), on_opening);
	} else if (!hash_is_zero(&r->channel) && !evm_channel_of(m, &r->channel)) {
		ask_view(r, fn_controller_channel, &r->channel, on_channel_state);
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

/* The items of a list are the caller's. */
static bool copy(struct ready *r, const struct action *a)
{
	r->a = *a;
	r->a.items = NULL;
	if (a->items_n == 0 || a->items_n > ACTION_SETTLE_MAX)
		return true; /* refused when its call is made */
	r->items = malloc(a->items_n * sizeof *r->items);
	if (!r->items)
		return false;
	memcpy(r->items, a->items, a->items_n * sizeof *r->items);
	r->a.items = r->items;
	return true;
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
	if (!r || !copy(r, a)) {
		free(r);
		return;
	}
	r->m = m;
	r->id = *id;
	if (a->kind != ACTION_SETTLE) /* a deal that is not on the ledger */
		action_deal(a, &r->deal.id);
	evm_call_channel(a, &r->channel);
	r->next = m->ready;
	r->at = &m->ready;
	if (r->next)
		r->next->at = &r->next;
	m->ready = r;
	m->ready_n++;
	uv_timer_start(&m->turn, on_turn, 0, 0);
}
