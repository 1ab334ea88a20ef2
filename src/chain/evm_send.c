/* evm_send.c - the course of a transaction: estimate, fees, balance, nonce, written down and sent; then its
 * receipts, until it is final. One question at a time for each. */
#include "chain/evm_send.h"

#include <stdio.h>
#include <stdlib.h>

#include "chain/contracts.h"
#include "chain/evm_send_own.h"
#include "codec/hex.h"
#include "os/clock.h"
#include "os/file.h"

enum {
	AGAIN_MS = 10000, /* what is in no block is sent again so often */
	TIP_LEAST_WEI = 1000000,
	URGENT_MAX = 8, /* times the cap */
	FEE_BLOCKS = 5
};

/* ---- fees --------------------------------------------------------------------------------------- */

bool evm_read_fees(const json_t *history, uint64_t *base_wei, uint64_t *tip_wei, struct err *e)
{
	const json_t *bases = json_object_get(history, "baseFeePerGas");
	const json_t *rewards = json_object_get(history, "reward"), *one;
	uint64_t base = 0, tip = TIP_LEAST_WEI, t;
	size_t i, n = json_array_size(bases);

	if (n == 0)
		return FAIL(e, PEER, "the node's answer has no base fee");
	TRY(evm_read_quantity(json_array_get(bases, n - 1), &base, e), e);
	json_array_foreach (rewards, i, one) {
		TRY(evm_read_quantity(json_array_get(one, 0), &t, e), e);
		tip = MAX2(tip, t);
	}
	if (base >> 60 || tip >> 60)
		return FAIL(e, PEER, "the node's answer has a fee above 2^60 wei for one gas");
	*base_wei = base;
	*tip_wei = tip;
	return true;
}

bool evm_offer(uint64_t base_wei, uint64_t tip_wei, uint64_t cap_wei, uint64_t *max_fee_wei)
{
	if (base_wei + tip_wei > cap_wei)
		return false;
	*max_fee_wei = MIN2(2 * base_wei + tip_wei, cap_wei);
	return true;
}

uint64_t evm_cap_at(uint64_t cap_wei, uint64_t since, uint64_t now, uint64_t deadline)
{
	uint64_t whole = deadline > since ? deadline - since : 0, left;
	uint64_t times = 1;

	if (deadline == 0)
		return cap_wei;
	left = deadline > now ? deadline - now : 0;
	while (times < URGENT_MAX && left <= whole / (2 * times))
		times *= 2;
	return cap_wei > UINT64_MAX / times ? UINT64_MAX : cap_wei * times;
}

void evm_dearer(
        uint64_t *max_fee_wei, uint64_t *tip_wei, uint64_t base_wei, uint64_t market_tip_wei)
{
	uint64_t tip = *tip_wei + *tip_wei / 8 + 1;
	uint64_t fee = *max_fee_wei + *max_fee_wei / 8 + 1;

	*tip_wei = MAX2(tip, market_tip_wei);
	*max_fee_wei = MAX2(fee, 2 * base_wei + *tip_wei);
}

/* ---- telling ------------------------------------------------------------------------------------ */

static void tell(const struct sending *x, enum ledger_stage stage, const struct err *why)
{
	x->s->o.told(x->s->o.ctx, &x->id, stage, x->failed && why, x->included ? &x->receipt : NULL,
	        why);
}

/* Before anything is signed: nothing of it will ever be in a block. */
static void drop(struct sending *x, const struct err *why)
{
	const struct evm_send *s = x->s;
	struct hash id = x->id;
	struct err e = *why;

	sending_free(x);
	s->o.told(s->o.ctx, &id, LEDGER_DROPPED, false, NULL, &e);
}

static void odd(const struct sending *x, const struct err *e)
{
	log_line(&x->s->o.log, LOG_ODD, "transaction %llu: %s", (unsigned long long)x->nonce,
	        e->msg);
}

static void go(struct sending *x);

static void ask(struct sending *x, const char *method, json_t *params, evm_done done)
{
	struct err e;

	if (evm_rpc_call(x->s->o.rpc, method, params, done, x)) {
		x->busy = true;
		return;
	}
	FAIL(&e, MEMORY, "no memory to ask the chain");
	if (x->step < SEND_SENT)
		drop(x, &e);
}

/* A question failed that is not about the transaction: the role is told to try again later. */
static void node_failed(struct sending *x, const struct evm_answer *a)
{
	struct err e = a->err;

	if (a->refused)
		FAIL(&e, UNREACHABLE, "%s", a->err.msg);
	drop(x, &e);
}

/* ---- before it is sent -------------------------------------------------------------------------- */

static json_t *who_json(const struct sending *x)
{
	return evm_data(bytes_of(x->s->o.signer.addr.b, sizeof x->s->o.signer.addr.b));
}

static json_t *call_json(const struct sending *x)
{
	char value[2 + 64 + 1];
	uint8_t be[32];
	size_t zeros = 0;
	json_t *j =
	        json_pack("{s:o, s:o}", "from", who_json(x), "data", evm_data(buf_bytes(&x->data)));

	if (!x->creates)
		json_object_set_new(j, "to", evm_data(bytes_of(x->to.b, sizeof x->to.b)));
	if (!u256_is_zero(x->value)) {
		u256_to_be(x->value, be);
		hex_format(be, sizeof be, value);
		/* A quantity has no leading zeros. */
		while (value[2 + zeros] == '0')
			zeros++;
		memmove(value + 2, value + 2 + zeros, strlen(value + 2 + zeros) + 1);
		json_object_set_new(j, "value", json_string(value));
	}
	return j;
}

static bool take_estimate(struct sending *x, const struct evm_answer *a, struct err *e)
{
	uint64_t gas;

	if (a->reverted)
		return contract_refusal(a->revert, e);
	TRY(evm_read_quantity(a->result, &gas, e), e);
	if (gas > x->gas_max)
		return FAIL(e, CAP,
		        "the node estimates %llu gas, more than the %llu that this can need: it is "
		        "not sent",
		        (unsigned long long)gas, (unsigned long long)x->gas_max);
	x->gas = MIN2(gas + gas / 5, x->gas_max);
	return true;
}

static void on_estimate(void *ctx, const struct evm_answer *a)
{
	struct sending *x = ctx;
	struct err e;

	x->busy = false;
	if (!a->ok && !a->reverted) {
		node_failed(x, a);
		return;
	}
	if (!take_estimate(x, a, &e)) {
		drop(x, &e);
		return;
	}
	x->step = SEND_FEES;
	go(x);
}

static uint64_t cap_now(const struct sending *x)
{
	const struct evm_send *s = x->s;

	return evm_cap_at(s->o.max_fee_wei, x->since.s, s->time.s, x->deadline.s);
}

static void tell_waiting(const struct sending *x, const struct err *e)
{
	const struct evm_send *s = x->s;

	if (s->o.waits && x->deadline.s)
		s->o.waits(s->o.ctx, &x->deal, x->deadline, e);
	else
		log_line(&s->o.log, LOG_ODD, "%s", e->msg);
}

/* It waits for a cheaper block, or until its deadline is nearer. */
static void too_dear(struct sending *x, uint64_t price_wei, uint64_t cap_wei)
{
	struct err e;

	if (x->dear_cap_wei == cap_wei)
		return;
	x->dear_cap_wei = cap_wei;
	FAIL(&e, CAP,
	        "gas costs %llu wei, more than the %llu that may be paid now: a transaction waits "
	        "(ledger.max-fee)",
	        (unsigned long long)price_wei, (unsigned long long)cap_wei);
	tell_waiting(x, &e);
}

static void on_fees(void *ctx, const struct evm_answer *a)
{
	struct sending *x = ctx;
	struct err e;

	x->busy = false;
	if (!a->ok) {
		node_failed(x, a);
		return;
	}
	if (!evm_read_fees(a->result, &x->base_wei, &x->tip_wei, &e)) {
		odd(x, &e);
		return;
	}
	if (!evm_offer(x->base_wei, x->tip_wei, cap_now(x), &x->max_fee_wei)) {
		too_dear(x, x->base_wei + x->tip_wei, cap_now(x));
		x->step = SEND_ESTIMATE;
		return;
	}
	x->step = SEND_BALANCE;
	go(x);
}

static bool covers(const struct sending *x, struct u256 has, struct err *e)
{
	char have[U256_DEC_MAX], need[U256_DEC_MAX], short_by[U256_DEC_MAX], who[ADDR_TEXT_MAX];
	struct u256 cost = u256_of(x->max_fee_wei), missing;

	if (!u256_mul64(cost, x->gas, &cost) || !u256_add(cost, x->value, &cost))
		return FAIL(e, RANGE, "the cost of gas overflows");
	if (u256_cmp(has, cost) >= 0)
		return true;
	if (!u256_sub(cost, has, &missing))
		missing = cost;
	u256_format(has, have);
	u256_format(cost, need);
	u256_format(missing, short_by);
	addr_format(&x->s->o.signer.addr, who);
	FAIL(e, FUNDS,
	        "%s has %s wei of the chain's coin and needs up to %s for gas: short by %s; send it "
	        "that much; nothing was sent",
	        who, have, need, short_by);
	return err_hint(e, "send the chain's coin to %s", who);
}

/* With a deadline it waits: somebody may fill the account before it. */
static void too_poor(struct sending *x, const struct err *e)
{
	if (x->deadline.s == 0) {
		drop(x, e);
		return;
	}
	x->step = SEND_ESTIMATE;
	if (x->poor)
		return;
	x->poor = true;
	tell_waiting(x, e);
}

static void on_balance(void *ctx, const struct evm_answer *a)
{
	struct sending *x = ctx;
	struct u256 has;
	struct err e;

	x->busy = false;
	if (!a->ok) {
		node_failed(x, a);
		return;
	}
	if (!evm_read_u256(a->result, &has, &e)) {
		drop(x, &e);
		return;
	}
	if (!covers(x, has, &e)) {
		too_poor(x, &e);
		return;
	}
	x->step = SEND_NONCE;
	go(x);
}

/* ---- sent --------------------------------------------------------------------------------------- */

/* The node has it, or will not have it; receipts tell. */
static void on_sent(void *ctx, const struct evm_answer *a)
{
	struct sending *x = ctx;
	bool known = !a->ok && a->refused &&
	             (strstr(a->err.msg, "already") || strstr(a->err.msg, "known"));

	x->busy = false;
	if (!a->ok && !known)
		odd(x, &a->err);
}

static void broadcast(struct sending *x)
{
	const struct attempt *a = &x->attempts[x->attempts_n - 1];

	x->sent_at = clock_mono();
	ask(x, "eth_sendRawTransaction", json_pack("[o]", evm_data(buf_bytes(&a->raw))), on_sent);
}

static void on_count(void *ctx, const struct evm_answer *a)
{
	struct sending *x = ctx;
	uint64_t count;
	struct err e;

	x->busy = false;
	if (!a->ok) {
		node_failed(x, a);
		return;
	}
	if (!evm_read_quantity(a->result, &count, &e) || !sending_begin(x, count, &e)) {
		drop(x, &e);
		return;
	}
	x->step = SEND_SENT;
	x->bumped_at = clock_mono();
	tell(x, LEDGER_PENDING, NULL);
	broadcast(x);
}

static void go(struct sending *x)
{
	switch (x->step) {
	case SEND_ESTIMATE:
		ask(x, "eth_estimateGas", json_pack("[o,s]", call_json(x), "pending"), on_estimate);
		break;
	case SEND_FEES:
		ask(x, "eth_feeHistory",
		        json_pack("[o,s,[i]]", evm_quantity(FEE_BLOCKS), "latest", 50), on_fees);
		break;
	case SEND_BALANCE:
		ask(x, "eth_getBalance", json_pack("[o,s]", who_json(x), "latest"), on_balance);
		break;
	case SEND_NONCE:
		ask(x, "eth_getTransactionCount", json_pack("[o,s]", who_json(x), "latest"),
		        on_count);
		break;
	case SEND_SENT: break;
	}
}

/* ---- replacing ---------------------------------------------------------------------------------- */

static void on_market(void *ctx, const struct evm_answer *a)
{
	struct sending *x = ctx;
	const struct evm_send *s = x->s;
	const struct attempt *last = &x->attempts[x->attempts_n - 1];
	uint64_t fee = last->max_fee_wei, tip = last->tip_wei, base, market;
	uint64_t cap = cap_now(x);
	struct err e;

	x->busy = false;
	x->bumping = false;
	if (!a->ok || !evm_read_fees(a->result, &base, &market, &e)) {
		broadcast(x);
		return;
	}
	x->bumped_at = clock_mono();
	x->cap_wei = cap;
	if (base + market > cap)
		too_dear(x, base + market, cap);
	evm_dearer(&fee, &tip, base, market);
	if (fee > cap) {
		/* What nodes take as a replacement must be dearer in both; else the last stands. */
		fee = MIN2(fee, cap);
		if (fee < last->max_fee_wei + last->max_fee_wei / 10 + 1 || tip > fee) {
			broadcast(x);
			return;
		}
	}
	if (!sending_replace(x, fee, tip, &e))
		odd(x, &e);
	else
		log_line(&s->o.log, LOG_INFO,
		        "transaction %llu is stuck: replaced at %llu wei per gas",
		        (unsigned long long)x->nonce, (unsigned long long)fee);
	broadcast(x);
}

/* In no block. A limit that has risen is used at once. */
static void wait_on(struct sending *x)
{
	struct mono now = clock_mono();
	bool stuck = mono_since(now, x->bumped_at).ms >= x->s->o.stuck.ms;

	if (x->cap_wei == 0)
		x->cap_wei = cap_now(x);
	if (x->attempts_n < EVM_ATTEMPTS_MAX && (stuck || cap_now(x) > x->cap_wei)) {
		ask(x, "eth_feeHistory",
		        json_pack("[o,s,[i]]", evm_quantity(FEE_BLOCKS), "latest", 50), on_market);
	} else if (mono_since(now, x->sent_at).ms >= AGAIN_MS) {
		broadcast(x);
	}
}

/* ---- receipts ----------------------------------------------------------------------------------- */

static void finish(struct sending *x)
{
	const struct evm_send *s = x->s;
	struct hash id = x->id;
	bool failed = x->failed;
	struct err why = x->why;
	struct evm_receipt receipt = x->receipt;

	sending_forget(x);
	sending_free(x);
	s->o.told(s->o.ctx, &id, LEDGER_FINAL, failed, &receipt, failed ? &why : NULL);
}

static bool is_final(const struct sending *x)
{
	return x->included && x->s->head >= x->receipt.block &&
	       x->s->head - x->receipt.block >= x->s->o.depth;
}

/* Played again where it failed, the contract says why. */
static void on_explained(void *ctx, const struct evm_answer *a)
{
	struct sending *x = ctx;

	x->busy = false;
	if (a->ok || !a->reverted)
		FAIL(&x->why, STATE, "the call failed in block %llu",
		        (unsigned long long)x->receipt.block);
	else
		contract_refusal(a->revert, &x->why);
	x->explained = true;
	tell(x, LEDGER_INCLUDED, &x->why);
	if (is_final(x))
		finish(x);
}

static void in_block(struct sending *x, const struct evm_receipt *r)
{
	bool same = x->included && hash_eq(&x->receipt.block_hash, &r->block_hash);

	x->included = true;
	x->receipt = *r;
	x->failed = !r->ok;
	if (x->failed && (!same || !x->explained)) {
		ask(x, "eth_call", json_pack("[o,o]", call_json(x), evm_quantity(r->block)),
		        on_explained);
		return;
	}
	if (!same)
		tell(x, LEDGER_INCLUDED, NULL);
	if (is_final(x))
		finish(x);
}

static void on_receipt(void *ctx, const struct evm_answer *a);

static void ask_receipt(struct sending *x)
{
	/* The newest attempt first. */
	const struct attempt *t = &x->attempts[x->attempts_n - 1 - x->looked];

	ask(x, "eth_getTransactionReceipt",
	        json_pack("[o]", evm_data(bytes_of(t->hash.b, sizeof t->hash.b))), on_receipt);
}

/* The nonce is used up in a final block, and not by us: somebody else has our key, or an old copy of the folder
 * was used. What it was for is sent anew. */
static void on_used(void *ctx, const struct evm_answer *a)
{
	struct sending *x = ctx;
	uint64_t count;
	struct err e;

	x->busy = false;
	if (!a->ok || !evm_read_quantity(a->result, &count, &e) || count <= x->nonce) {
		wait_on(x);
		return;
	}
	log_line(&x->s->o.log, LOG_ODD,
	        "nonce %llu of our account was used by another transaction; ours is sent anew",
	        (unsigned long long)x->nonce);
	sending_forget(x);
	for (unsigned i = 0; i < x->attempts_n; i++)
		buf_done(&x->attempts[i].raw);
	x->attempts_n = 0;
	if (x->gas_max == 0)
		x->gas_max = x->gas;
	x->step = SEND_ESTIMATE;
	go(x);
}

static void not_in_block(struct sending *x)
{
	uint64_t confirmed = x->s->head > x->s->o.depth ? x->s->head - x->s->o.depth : 0;

	if (x->included) {
		/* Its block has vanished. */
		x->included = x->failed = x->explained = false;
		tell(x, LEDGER_PENDING, NULL);
		broadcast(x);
		return;
	}
	ask(x, "eth_getTransactionCount", json_pack("[o,o]", who_json(x), evm_quantity(confirmed)),
	        on_used);
}

static void on_receipt(void *ctx, const struct evm_answer *a)
{
	struct sending *x = ctx;
	struct evm_receipt r;
	struct err e;

	x->busy = false;
	if (!a->ok)
		return;
	if (json_is_null(a->result)) {
		x->looked++;
		if (x->looked < x->attempts_n)
			ask_receipt(x);
		else
			not_in_block(x);
		return;
	}
	if (evm_read_receipt(a->result, &r, &e))
		in_block(x, &r);
	else
		odd(x, &e);
}

/* ---- life --------------------------------------------------------------------------------------- */

void evm_send_put(struct evm_send *s, const struct evm_intent *i)
{
	struct sending *x;
	struct err e;

	if (evm_send_has(s, &i->id))
		return;
	x = s->n < EVM_SENDS_MAX ? sending_new(s) : NULL;
	if (!x) {
		FAIL(&e, BUSY, "%zu transactions are on their way to the chain", s->n);
		s->o.told(s->o.ctx, &i->id, LEDGER_DROPPED, false, NULL, &e);
		return;
	}
	x->id = i->id;
	x->creates = i->creates;
	x->to = i->to;
	x->value = i->value;
	x->gas_max = i->gas_max;
	x->deadline = i->deadline;
	x->since = i->now;
	x->deal = i->deal;
	buf_put(&x->data, i->data.p, i->data.n);
	if (!buf_ok(&x->data)) {
		FAIL(&e, TOO_LARGE, "a call of %zu bytes", i->data.n);
		drop(x, &e);
		return;
	}
	go(x);
}

bool evm_send_of(const struct evm_send *s, const struct hash *tx, struct hash *id)
{
	for (const struct sending *k = s->first; k; k = k->next) {
		for (unsigned i = 0; i < k->attempts_n; i++) {
			if (hash_eq(&k->attempts[i].hash, tx)) {
				*id = k->id;
				return true;
			}
		}
	}
	return false;
}

bool evm_send_has(const struct evm_send *s, const struct hash *id)
{
	for (const struct sending *x = s->first; x; x = x->next) {
		if (hash_eq(&x->id, id))
			return true;
	}
	return false;
}

void evm_send_tick(struct evm_send *s, uint64_t head, struct btime time)
{
	struct sending *next;

	s->head = head;
	s->time = time;
	for (struct sending *x = s->first; x; x = next) {
		next = x->next;
		if (x->busy)
			continue;
		x->looked = 0;
		if (x->step == SEND_SENT)
			ask_receipt(x);
		else
			go(x);
	}
}

size_t evm_send_n(const struct evm_send *s)
{
	return s->n;
}

bool evm_send_new(const struct evm_send_options *o, struct evm_send **out, struct err *e)
{
	struct evm_send *s = calloc(1, sizeof *s);
	char who[ADDR_TEXT_MAX];

	if (!s)
		return FAIL(e, MEMORY, "no memory for transactions");
	s->o = *o;
	addr_format(&o->signer.addr, who);
	snprintf(s->dir, sizeof s->dir, "%.1000s/%llu-%s", o->dir, (unsigned long long)o->chain_id,
	        who);
	s->o.dir = NULL;
	if (!dir_make(s->dir, e) || !sendings_load(s, e)) {
		evm_send_free(s);
		err_note(e, __FILE__, __LINE__);
		return false;
	}
	*out = s;
	return true;
}

struct evm_send *evm_send_free(struct evm_send *s)
{
	while (s && s->first)
		sending_free(s->first);
	free(s);
	return NULL;
}
