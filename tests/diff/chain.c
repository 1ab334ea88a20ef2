/* chain.c - transactions out, receipts and views in. */
#include "chain.h"

#include <stdio.h>

#include "chain/contracts.h"
#include "chain/evm_tx.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "port/port.h"

enum { CALL_BYTES = 100, ANSWER_BYTES = 224, GAS = 30000000, FEE_WEI = 1000000000 };

/* Runs calls one after another and gives their answers in a row, so that a block is read in one question. Input: for
 * each call a word with the account and 68 bytes of input; output: 224 bytes of each answer. Reverts if one
 * does. In the Yellow Paper's opcodes:
 *   out = 0x80, in = 0; while (in < CALLDATASIZE) { CALLDATACOPY(0, in + 32, 68);
 *   STATICCALL(GAS, CALLDATALOAD(in), 0, 68, out, 224) or REVERT; in += 100, out += 224 } RETURN(0x80, out - 0x80) */
static const uint8_t lens_code[] = {0x60, 0x80, 0x60, 0x00, 0x5b, 0x36, 0x81, 0x10, 0x60, 0x12,
        0x57, 0x60, 0x80, 0x82, 0x03, 0x60, 0x80, 0xf3, 0x5b, 0x60, 0x44, 0x60, 0x20, 0x82, 0x01,
        0x60, 0x00, 0x37, 0x60, 0xe0, 0x82, 0x60, 0x44, 0x60, 0x00, 0x84, 0x35, 0x5a, 0xfa, 0x60,
        0x2e, 0x57, 0x60, 0x00, 0x80, 0xfd, 0x5b, 0x60, 0x64, 0x01, 0x90, 0x60, 0xe0, 0x01, 0x90,
        0x60, 0x04, 0x56};
static const struct addr lens = {{0x1e, 0x25}};

/* ---- transactions ------------------------------------------------------------------------------- */

static json_t *of_addr(const struct addr *a)
{
	return evm_data(bytes_of(a->b, sizeof a->b));
}

static bool sign_with(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(self, digest, out, e);
}

bool chain_idle(struct chain *c, struct btime time, struct err *e)
{
	return node_ask(&c->node, "evm_mine", json_pack("[{s:I}]", "timestamp", (json_int_t)time.s),
	        NULL, e);
}

static bool put_on_chain(
        struct chain *c, enum hand by, struct evm_tx *tx, struct btime time, struct err *e)
{
	struct signer s = {&c->hands[by].key, c->hands[by].addr, sign_with};
	struct buf raw OWN(buf_done) = {0};
	struct hash hash;

	buf_init(&raw, EVM_TX_MAX);
	tx->chain_id = c->chain_id;
	tx->nonce = c->hands[by].nonce++;
	tx->gas = GAS;
	tx->max_fee_wei = FEE_WEI;
	TRY(evm_tx_sign(tx, &s, &raw, &hash, e), e);
	TRY(node_ask(&c->node, "eth_sendRawTransaction",
	            json_pack("[o]", evm_data(buf_bytes(&raw))), NULL, e),
	        e);
	return chain_idle(c, time, e);
}

/* The one transaction of the last block. */
static bool receipt_of(struct chain *c, json_t **out, struct err *e)
{
	json_t *all OWN(json_own) = NULL;

	TRY(node_ask(&c->node, "eth_getBlockReceipts", json_pack("[s]", "latest"), &all, e), e);
	if (json_array_size(all) != 1)
		return FAIL(
		        e, PEER, "a block with %zu transactions, not one", json_array_size(all));
	*out = json_incref(json_array_get(all, 0));
	return true;
}

static bool make(struct chain *c, enum hand by, struct bytes code, const char *types,
        const struct abi_leaf *l, size_t n, struct btime time, struct addr *out, struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct evm_tx tx = {.creates = true};
	json_t *receipt OWN(json_own) = NULL;
	struct evm_receipt r;

	buf_init(&data, EVM_DATA_MAX);
	buf_put(&data, code.p, code.n);
	TRY(abi_encode(str_of(types), l, n, &data, e), e);
	tx.data = buf_bytes(&data);
	TRY(put_on_chain(c, by, &tx, time, e), e);
	TRY(receipt_of(c, &receipt, e), e);
	TRY(evm_read_receipt(receipt, &r, e), e);
	if (!r.ok)
		return FAIL(e, PEER, "a contract could not be made");
	*out = r.created;
	return true;
}

static json_t *call_of(const struct addr *from, const struct addr *to, struct bytes data)
{
	json_t *tx = json_pack("{s:o, s:o}", "to", of_addr(to), "data", evm_data(data));

	if (from)
		json_object_set_new(tx, "from", of_addr(from));
	return json_pack("[o, s]", tx, "latest");
}

/* The state is that before the block, since what was refused changed nothing, and the time is the block's: so the
 * contract says again what it said. */
static bool why_refused(
        struct chain *c, enum hand by, struct bytes data, struct outcome *out, struct err *e)
{
	json_t *q = json_array(), *answers OWN(json_own) = NULL, *error;
	struct buf words OWN(buf_done) = {0};

	json_array_append_new(
	        q, node_question("eth_call", call_of(&c->hands[by].addr, &c->controller, data)));
	TRY(node_ask_all(&c->node, q, &answers, e), e);
	error = json_object_get(json_array_get(answers, 0), "error");
	if (!error)
		return FAIL(e, PEER, "the block refused what a call does not");
	buf_init(&words, EVM_DATA_MAX);
	TRY(evm_read_data(json_object_get(error, "data"), &words, e), e);
	out->ok = contract_refusal(buf_bytes(&words), &out->why);
	return true;
}

static bool read_logs(
        const struct chain *c, const json_t *receipt, struct outcome *out, struct err *e)
{
	const json_t *logs = json_object_get(receipt, "logs"), *v;
	struct evm_log l;
	size_t i;

	json_array_foreach (logs, i, v) {
		TRY(evm_read_log(v, &l, e), e);
		if (!addr_eq(&l.account, &c->controller))
			continue;
		if (out->n == CHAIN_LOGS_MAX)
			return FAIL(e, PEER, "more than %d logs of one action", CHAIN_LOGS_MAX);
		out->logs[out->n++] = l;
	}
	return true;
}

bool chain_play(struct chain *c, enum hand by, struct bytes data, struct btime time,
        struct outcome *out, struct err *e)
{
	struct evm_tx tx = {.to = c->controller, .data = data};
	json_t *receipt OWN(json_own) = NULL;
	struct evm_receipt r;

	out->n = 0;
	TRY(put_on_chain(c, by, &tx, time, e), e);
	TRY(receipt_of(c, &receipt, e), e);
	TRY(evm_read_receipt(receipt, &r, e), e);
	c->gas += r.gas_used;
	out->ok = r.ok;
	if (!r.ok)
		return why_refused(c, by, data, out, e);
	return read_logs(c, receipt, out, e);
}

bool chain_deposit(struct chain *c, const struct addr *to, struct amount n, struct btime time,
        struct outcome *out, struct err *e)
{
	const struct abi_leaf l[] = {abi_addr(to), abi_amount(n)};
	struct buf data OWN(buf_done) = {0};

	buf_init(&data, EVM_DATA_MAX);
	if (!abi_encode_call(fn_controller_deposit, l, COUNT(l), &data, &out->why)) {
		out->ok = false;
		out->n = 0;
		return chain_idle(c, time, e);
	}
	return chain_play(c, TREASURY, buf_bytes(&data), time, out, e);
}

/* ---- start -------------------------------------------------------------------------------------- */

static bool hand_ready(struct chain *c, unsigned by, const struct seckey *key, struct err *e)
{
	c->hands[by].key = *key;
	TRY(seckey_addr(key, &c->hands[by].addr, e), e);
	return node_ask(&c->node, "anvil_setBalance",
	        json_pack("[o, s]", of_addr(&c->hands[by].addr), "0xffffffffffffffffffffffff"),
	        NULL, e);
}

static bool hands_ready(struct chain *c, const struct seckey keys[CHAIN_PARTIES], struct err *e)
{
	struct seckey key;

	for (unsigned i = 0; i < HANDS; i++) {
		memset(key.b, 0x7a, sizeof key.b);
		key.b[31] = (uint8_t)(i + 1);
		if (i >= PARTY_0)
			key = keys[i - PARTY_0];
		TRY(hand_ready(c, i, &key, e), e);
		if (i >= PARTY_0)
			c->parties[i - PARTY_0] = c->hands[i].addr;
	}
	return true;
}

static bool deploy(struct chain *c, const struct genesis *g, struct err *e)
{
	struct amount most = amount_of(UINT64_MAX);
	struct addr none = {{0}};
	struct abi_leaf t[5], k[6];
	bool ok = amount_mul(most, 1ull << 40, &most);

	assert(ok);
	t[0] = abi_bytes(str_bytes(STR("play")));
	t[1] = abi_bytes(str_bytes(STR("LP")));
	t[2] = abi_u64(g->decimals);
	t[3] = abi_addr(&c->hands[TREASURY].addr);
	t[4] = abi_amount(most);
	TRY(make(c, TREASURY, contract_code_token(), "string,string,uint8,address,uint256", t,
	            COUNT(t), g->time, &c->token, e),
	        e);
	k[0] = abi_addr(&c->token);
	k[1] = abi_u64(g->min.s);
	k[2] = abi_u64(g->life.s);
	k[3] = abi_u64(g->unbonding.s);
	k[4] = abi_u64(g->test);
	k[5] = abi_addr(&none);
	TRY(make(c, TREASURY, contract_code_controller(),
	            "address,(uint40,uint40,uint40,bool,address)", k, COUNT(k), g->time,
	            &c->controller, e),
	        e);
	eip712_domain_evm(c->chain_id, &c->controller, &c->domain);
	return node_ask(&c->node, "anvil_setCode",
	        json_pack(
	                "[o, o]", of_addr(&lens), evm_data(bytes_of(lens_code, sizeof lens_code))),
	        NULL, e);
}

static bool allow(struct chain *c, struct btime time, struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l[2] = {abi_addr(&c->controller)};
	struct evm_tx tx = {.to = c->token};

	memset(l[1].word.b, 0xff, sizeof l[1].word.b);
	buf_init(&data, EVM_DATA_MAX);
	TRY(abi_encode_call(fn_token_approve, l, COUNT(l), &data, e), e);
	tx.data = buf_bytes(&data);
	return put_on_chain(c, TREASURY, &tx, time, e);
}

static bool endow(struct chain *c, const struct genesis *g, struct err *e)
{
	struct outcome o;

	TRY(allow(c, g->time, e), e);
	for (uint32_t i = 0; i < g->allocations.n; i++) {
		const struct allocation *a = &g->allocations.v[i];

		TRY(chain_deposit(c, &a->account, a->amount, g->time, &o, e), e);
		if (!o.ok)
			return FAIL(e, PEER, "no deposit: %s", o.why.msg);
	}
	return true;
}

static bool snapshot(struct chain *c, struct err *e)
{
	json_t *id OWN(json_own) = NULL;

	TRY(node_ask(&c->node, "evm_snapshot", NULL, &id, e), e);
	snprintf(c->snapshot, sizeof c->snapshot, "%s", json_string_value(id));
	return true;
}

bool chain_start(struct chain *c, const char *program, const struct genesis *g,
        const struct seckey keys[CHAIN_PARTIES], struct err *e)
{
	json_t *id OWN(json_own) = NULL;

	*c = (struct chain){0};
	TRY(node_start(&c->node, program, g->time.s, e), e);
	TRY(node_ask(&c->node, "eth_chainId", NULL, &id, e), e);
	TRY(evm_read_quantity(id, &c->chain_id, e), e);
	TRY(hands_ready(c, keys, e), e);
	TRY(deploy(c, g, e), e);
	TRY(endow(c, g, e), e);
	for (unsigned i = 0; i < HANDS; i++)
		c->hands[i].first = c->hands[i].nonce;
	return snapshot(c, e);
}

void chain_stop(struct chain *c)
{
	node_stop(&c->node);
}

bool chain_fresh(struct chain *c, struct err *e)
{
	json_t *done OWN(json_own) = NULL;

	TRY(node_ask(&c->node, "evm_revert", json_pack("[s]", c->snapshot), &done, e), e);
	if (!json_is_true(done))
		return FAIL(e, PEER, "anvil does not go back to its snapshot");
	for (unsigned i = 0; i < HANDS; i++)
		c->hands[i].nonce = c->hands[i].first;
	return snapshot(c, e);
}

/* ---- views -------------------------------------------------------------------------------------- */

struct look {
	struct buf calls;
	struct bytes answers;
	size_t at;
};

/* One question more: a function of at most two words. */
static void ask(
        struct look *k, const struct addr *of, const char *fn, struct abi_leaf a, struct abi_leaf b)
{
	struct abi_leaf to = abi_addr(of);
	struct hash id;

	abi_id(fn, &id);
	buf_put(&k->calls, to.word.b, 32);
	buf_put(&k->calls, id.b, 4);
	buf_put(&k->calls, a.word.b, 32);
	buf_put(&k->calls, b.word.b, 32);
}

static void ask_channel(struct chain *c, const struct hash *id, struct look *k)
{
	ask(k, &c->controller, fn_controller_channel, abi_hash(id), abi_u64(0));
	for (unsigned i = 0; i < CHAIN_NUMBERS / 256; i++)
		ask(k, &c->controller, fn_controller_numbers, abi_hash(id), abi_u64(i));
}

static void ask_all(
        struct chain *c, const struct hash *deals, const struct hash *channels, struct look *k)
{
	struct abi_leaf none = abi_u64(0);

	for (unsigned i = 0; i < CHAIN_PARTIES; i++) {
		struct abi_leaf who = abi_addr(&c->parties[i]);

		ask(k, &c->controller, fn_controller_account, who, none);
		ask(k, &c->controller, fn_controller_payoutOf, who, none);
		ask(k, &c->controller, fn_controller_payoutChange, who, none);
		ask(k, &c->controller, fn_controller_nonces, who, none);
		ask(k, &c->token, fn_token_balanceOf, who, none);
	}
	for (unsigned i = 0; i < CHAIN_DEALS; i++)
		ask(k, &c->controller, fn_controller_deal, abi_hash(&deals[i]), none);
	for (unsigned i = 0; i < CHAIN_CHANNELS; i++)
		ask_channel(c, &channels[i], k);
	ask(k, &c->controller, fn_controller_totals, none, none);
	ask(k, &c->controller, fn_controller_account, none, none);
	ask(k, &c->token, fn_token_balanceOf, abi_addr(&c->controller), none);
}

/* Word i of the answer at hand. */
static const uint8_t *word(const struct look *k, unsigned i)
{
	return k->answers.p + k->at + 32 * i;
}

static struct amount amount_in(const struct look *k, unsigned i)
{
	return amount_from_be(word(k, i));
}

static uint64_t u64_in(const struct look *k, unsigned i)
{
	return u256_from_be(word(k, i)).w[0];
}

static struct addr addr_in(const struct look *k, unsigned i)
{
	struct addr a;

	memcpy(a.b, word(k, i) + 12, sizeof a.b);
	return a;
}

static void take_party(struct look *k, struct chain_view *v, unsigned i)
{
	v->who[i].free = amount_in(k, 0);
	v->who[i].locked = amount_in(k, 1);
	v->who[i].withdrawing = amount_in(k, 2);
	v->who[i].withdraw_at.s = u64_in(k, 3);
	v->who[i].stake = amount_in(k, 4);
	v->who[i].paused = u64_in(k, 5);
	v->who[i].send_nonce = u64_in(k, 6);
	k->at += ANSWER_BYTES;
	v->who[i].payout = addr_in(k, 0);
	k->at += ANSWER_BYTES;
	v->who[i].next_payout = addr_in(k, 0);
	v->who[i].payout_at.s = u64_in(k, 1);
	k->at += ANSWER_BYTES;
	memcpy(v->who[i].nonces, word(k, 0), 32);
	k->at += ANSWER_BYTES;
	v->who[i].tokens = amount_in(k, 0);
	k->at += ANSWER_BYTES;
}

static void take_channel(struct look *k, struct chain_view *v, unsigned i)
{
	v->channels[i].job = amount_in(k, 0);
	v->channels[i].provider = amount_in(k, 1);
	v->channels[i].close_at.s = u64_in(k, 2);
	v->channels[i].state = (uint8_t)u64_in(k, 3);
	v->channels[i].paid = amount_in(k, 4);
	v->channels[i].floor = u64_in(k, 5);
	v->channels[i].claims = u64_in(k, 6);
	k->at += ANSWER_BYTES;
	for (unsigned n = 0; n < CHAIN_NUMBERS / 256; n++) {
		memcpy(v->channels[i].numbers[n], word(k, 0), 32);
		k->at += ANSWER_BYTES;
	}
}

static void take_all(struct look *k, struct chain_view *v)
{
	for (unsigned i = 0; i < CHAIN_PARTIES; i++)
		take_party(k, v, i);
	for (unsigned i = 0; i < CHAIN_DEALS; i++) {
		v->deals[i].state = (uint8_t)u64_in(k, 0);
		v->deals[i].rp_agreed = u64_in(k, 1);
		v->deals[i].deadline.s = u64_in(k, 2);
		k->at += ANSWER_BYTES;
	}
	for (unsigned i = 0; i < CHAIN_CHANNELS; i++)
		take_channel(k, v, i);
	v->supply = amount_in(k, 0);
	v->sink = amount_in(k, 1);
	k->at += ANSWER_BYTES;
	v->sink_account = amount_in(k, 0);
	k->at += ANSWER_BYTES;
	v->held = amount_in(k, 0);
	k->at += ANSWER_BYTES;
}

bool chain_read(struct chain *c, const struct hash deals[CHAIN_DEALS],
        const struct hash channels[CHAIN_CHANNELS], struct chain_view *out, struct err *e)
{
	struct buf answers OWN(buf_done) = {0};
	struct look k = {0};
	json_t *text OWN(json_own) = NULL;
	bool ok;

	buf_init(&k.calls, EVM_DATA_MAX);
	buf_init(&answers, EVM_DATA_MAX);
	ask_all(c, deals, channels, &k);
	ok = node_ask(&c->node, "eth_call", call_of(NULL, &lens, buf_bytes(&k.calls)), &text, e);
	ok = ok && evm_read_data(text, &answers, e);
	if (ok && answers.n != k.calls.n / CALL_BYTES * ANSWER_BYTES)
		ok = FAIL(e, PEER, "the views are %zu bytes", answers.n);
	buf_done(&k.calls);
	TRY(ok, e);
	k.answers = buf_bytes(&answers);
	take_all(&k, out);
	return true;
}
