/* evm_call_test.c - the calls that actions become, the logs that contracts write, and what they refuse with. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "chain/contracts.h"
#include "chain/evm_call.h"
#include "chain/evm_channel.h"
#include "chain/evm_tx.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/signed.h"
#include "crypto/secp.h"
#include "model/parts.h"
#include "port/action_json.h"
#include "port/packed.h"

static struct deal whole;
static struct evm_deal on_chain;
static struct channel_id parts;
static const struct seckey rp_key = {.b = {[31] = 7}};
static const struct hash domain = {{0xd0}};
static const struct evm_shown none;
static const struct evm_shown shown = {.deal = &on_chain, .whole = &whole, .channel = &parts};

static void sample(void)
{
	struct err e;

	memset(&whole, 0, sizeof whole);
	memset(&on_chain, 0, sizeof on_chain);
	whole.hot.job_creator.b[0] = 0x11;
	assert_true(seckey_addr(&rp_key, &whole.hot.provider, &e));
	whole.hot.pay = amount_of(1000);
	whole.hot.judge_timeout.s = 600;
	whole.hot.mediate_timeout.s = 700;
	whole.hot.nonce = 9;
	snprintf(whole.cold.engine, sizeof whole.cold.engine, "wasm/x");
	whole.cold.mediators.n = 1;
	whole.cold.mediators.v[0].b[0] = 0x33;
	eip712_hash(deal_record(), &whole, &on_chain.id);
	on_chain.jc = whole.hot.job_creator;
	on_chain.rp = whole.hot.provider;
	on_chain.state = DEAL_RESULTS_CHECKED;
	on_chain.cost = amount_of(77);
	on_chain.mediator = whole.cold.mediators.v[0];
	parts = (struct channel_id){.job_creator = whole.hot.job_creator,
	        .provider = whole.hot.provider,
	        .serial = 3,
	        .kind = CHANNEL_VOUCHERS};
}

static struct action *action_new(uint8_t kind)
{
	struct action *a = calloc(1, sizeof *a);

	assert_non_null(a);
	a->kind = kind;
	a->deal = whole;
	a->jc_sig.n = a->rp_sig.n = a->result_sig.n = a->doc_sig.n = a->send_sig.n = 65;
	a->result.deal = on_chain.id;
	a->result.status = STATUS_COMPLETED;
	a->result.count = 5;
	a->output_hash.b[3] = 4;
	return a;
}

/* Each fits the signature of the committed ABI, and is taken apart as it was put together. */
static void every_action_has_its_call(void **state)
{
	static const struct {
		uint8_t kind;
		const char *signature;
		size_t leaves;
	} known[] = {{ACTION_OPEN, fn_controller_open, 3},
	        {ACTION_CANCEL, fn_controller_cancel, 13},
	        {ACTION_RESULT, fn_controller_submit, 16},
	        {ACTION_DECLINE, fn_controller_decline, 12},
	        {ACTION_ACCEPT, fn_controller_acceptWith, 17},
	        {ACTION_CHECK, fn_controller_check, 7}, {ACTION_VERDICT, fn_controller_rule, 22},
	        {ACTION_PASS, fn_controller_pass, 17}, {ACTION_TIMEOUT, fn_controller_timeout, 14}};

	(void)state;
	sample();
	for (size_t i = 0; i < COUNT(known); i++) {
		struct action *a = action_new(known[i].kind);
		struct buf out OWN(buf_done) = {0};
		struct abi_leaf l[64];
		struct deal back;
		uint64_t gas = 0;
		size_t n;
		struct err e;

		buf_init(&out, EVM_DATA_MAX);
		assert_true(evm_call(a, &shown, &out, &gas, &e));
		assert_true(gas > 100000 && gas < 1000000);
		assert_true(abi_is(known[i].signature, buf_bytes(&out)));
		assert_true(abi_decode(abi_types(known[i].signature),
		        bytes_of(out.p + 4, out.n - 4), l, COUNT(l), &n, &e));
		assert_int_equal(n, known[i].leaves);
		if (known[i].kind == ACTION_OPEN || known[i].kind == ACTION_CHECK)
			assert_true(evm_deal_find(&on_chain, buf_bytes(&out), &back, &e));
		else
			assert_false(evm_deal_find(&on_chain, buf_bytes(&out), &back, &e));
		free(a);
	}
}

static void an_acceptance_without_result_names_the_submitted_one(void **state)
{
	struct buf out OWN(buf_done) = {0};
	struct action *a;
	struct abi_leaf l[16];
	uint64_t gas;
	size_t n;
	struct err e;

	(void)state;
	sample();
	a = action_new(ACTION_ACCEPT);
	a->result_sig.n = 0;
	buf_init(&out, EVM_DATA_MAX);
	assert_true(evm_call(a, &shown, &out, &gas, &e));
	assert_true(abi_is(fn_controller_accept, buf_bytes(&out)));
	assert_true(abi_decode(abi_types(fn_controller_accept), bytes_of(out.p + 4, out.n - 4), l,
	        COUNT(l), &n, &e));
	assert_true(amount_eq(abi_get_amount(&l[n - 2]), amount_of(77)));
	free(a);
}

static void sends_are_carried(void **state)
{
	static const uint8_t kinds[] = {SEND_REQUEST_WITHDRAW, SEND_WITHDRAW, SEND_SET_PAYOUT,
	        SEND_CANCEL_NONCE, SEND_REGISTER_MEDIATOR, SEND_PAUSE_MEDIATOR, SEND_UNBOND_STAKE};

	(void)state;
	sample();
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct action *a = action_new(ACTION_SEND);
		struct buf out OWN(buf_done) = {0};
		uint64_t gas;
		struct err e;

		a->send.kind = kinds[i];
		buf_init(&out, EVM_DATA_MAX);
		assert_true(evm_call(a, &none, &out, &gas, &e));
		assert_true(abi_is(fn_controller_carry, buf_bytes(&out)));
		free(a);
	}
}

/* ---- channels ------------------------------------------------------------------------------------ */

/* A deal of the channel, with its result and its check. */
static struct action *channel_action(uint8_t kind)
{
	struct action *a;
	struct hash id;

	sample();
	eip712_hash(channel_id_record(), &parts, &whole.hot.channel);
	a = action_new(kind);
	eip712_hash(deal_record(), &a->deal, &id);
	a->send.account = parts.provider;
	a->send.nonce = 7;
	a->send.expiry.s = 1000;
	a->send_sig.b[64] = 27;
	a->result.deal = a->check.deal = a->cancel.deal = id;
	result_hash_of(&a->result, &a->output_hash, &a->check.result);
	a->voucher.channel = a->leave.channel = a->body.top_up.channel = whole.hot.channel;
	a->channel.id = parts;
	return a;
}

static void takes(const struct action *a, const struct addr *by, const char *signature,
        size_t leaves, struct buf *out)
{
	struct evm_shown w = {.channel = &parts, .by = by, .domain = &domain};
	struct abi_leaf l[64];
	uint64_t gas = 0;
	size_t n;
	struct err e;

	buf_init(out, EVM_DATA_MAX);
	assert_true(evm_call(a, &w, out, &gas, &e));
	assert_true(gas >= 300000 && gas < 16000000);
	assert_true(abi_is(signature, buf_bytes(out)));
	assert_true(abi_decode(
	        abi_types(signature), bytes_of(out->p + 4, out->n - 4), l, COUNT(l), &n, &e));
	assert_int_equal(n, leaves);
}

static void sign_rp(const struct record *r, const void *row, struct sig *out)
{
	struct hash digest;
	struct err e;

	signed_digest(&domain, r, row, &digest);
	assert_true(secp_sign(&rp_key, &digest, out, &e));
}

/* The provider's Send of that action. */
static void send_of(struct action *a)
{
	struct channel_acceptance doc;

	if (a->kind == ACTION_REDEEM) {
		eip712_hash(voucher_record(), &a->voucher, &a->send.body);
	} else if (a->kind == ACTION_CLAIM) {
		action_result_hash(a, &a->send.body);
	} else if (a->kind == ACTION_SETTLE && a->items_n > 1) {
		packed_list_hash(a->items, a->items_n, &a->send.body);
	} else if (a->kind == ACTION_SETTLE) {
		parts.kind = CHANNEL_ACCEPTANCES;
		doc = a->items->doc;
		eip712_hash(channel_id_record(), &parts, &doc.channel);
		eip712_hash(channel_acceptance_record(), &doc, &a->send.body);
	}
	sign_rp(send_record(), &a->send, &a->send_sig);
}

static void channels_have_their_calls(void **state)
{
	static const struct {
		uint8_t kind;
		const char *carried, *own;
		size_t leaves, own_leaves;
	} known[] = {
	        {ACTION_OPEN_CHANNEL, fn_controller_openChannel, fn_controller_openChannel, 9, 9},
	        {ACTION_CLOSE_CHANNEL, fn_controller_closeChannelNow, fn_controller_closeChannelNow,
	                7, 7},
	        {ACTION_REDEEM, fn_controller_redeemFor, fn_controller_redeem, 1, 1},
	        {ACTION_CLAIM, fn_controller_claimFor, fn_controller_claim, 15, 9},
	        {ACTION_CLAIM_CHECK, fn_controller_claimAndCheck, fn_controller_claimAndCheck, 13,
	                13},
	        {ACTION_CANCEL, fn_controller_cancelNumber, fn_controller_cancelNumber, 15, 15}};

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		struct action *a = channel_action(known[i].kind);
		struct buf carried OWN(buf_done) = {0}, own OWN(buf_done) = {0};
		struct hash channel;

		evm_call_channel(a, &channel);
		assert_true(hash_is_zero(&channel) == (a->kind == ACTION_OPEN_CHANNEL));
		assert_false(evm_call_shows_deal(a));
		takes(a, NULL, known[i].carried, known[i].leaves, &carried);
		send_of(a);
		takes(a, &parts.provider, known[i].own, known[i].own_leaves, &own);
		free(a);
	}
}

static void a_channel_closes_alone_when_its_life_is_over(void **state)
{
	struct action *a = channel_action(ACTION_CLOSE_CHANNEL);
	struct buf out OWN(buf_done) = {0};

	(void)state;
	a->jc_sig.n = a->rp_sig.n = 0;
	takes(a, NULL, fn_controller_closeChannel, 4, &out);
	free(a);
}

static void sends_about_channels_are_carried(void **state)
{
	static const uint8_t kinds[] = {SEND_TOP_UP, SEND_LEAVE_CHANNEL, SEND_AGREE};
	struct evm_shown w = {.channel = &parts};
	uint64_t gas;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct action *a = channel_action(ACTION_SEND);
		struct buf out OWN(buf_done) = {0}, refused OWN(buf_done) = {0};
		bool agree = kinds[i] == SEND_AGREE;

		a->send.kind = kinds[i];
		takes(a, NULL, agree ? fn_controller_openInFor : fn_controller_carry,
		        agree ? 10 : 7, &out);
		/* Not one of the channel's parties. */
		a->send.account.b[5] ^= 1;
		buf_init(&refused, EVM_DATA_MAX);
		assert_true(evm_call(a, &w, &refused, &gas, &e) == agree);
		if (!agree)
			assert_int_equal(e.code, E_NOT_FOUND);
		free(a);
	}
}

static void fill_items(struct settle_item *x, size_t n)
{
	memset(x, 0, n * sizeof *x);
	for (size_t i = 0; i < n; i++) {
		x[i].job_creator = parts.job_creator;
		x[i].serial = 3;
		x[i].doc.deal.b[0] = (uint8_t)(i + 1);
		x[i].doc.result.b[0] = (uint8_t)(i + 101);
		x[i].doc.number = i + 1;
		x[i].doc.cost = amount_of(1000 + i);
		x[i].sig.n = n > 1 ? 64 : 65;
	}
}

/* The bytes of a settlement are found again in the call, with or without a Send before them. */
static void acceptances_are_settled(void **state)
{
	struct action *a = channel_action(ACTION_SETTLE);
	struct settle_item x[10], back[10];
	struct evm_channel_step s = {.deal = {{1}}, .number = 1, .amount = amount_of(1000)};
	struct buf one OWN(buf_done) = {0}, own OWN(buf_done) = {0}, list OWN(buf_done) = {0};

	(void)state;
	fill_items(x, 1);
	a->items = x;
	a->items_n = 1;
	takes(a, NULL, fn_controller_settleFor, 1, &one);
	assert_true(evm_settled_find(buf_bytes(&one), &s, back));
	assert_memory_equal(&back[0].doc.result, &x[0].doc.result, sizeof x[0].doc.result);
	assert_true(addr_eq(&back[0].job_creator, &parts.job_creator) && back[0].serial == 3);
	send_of(a);
	takes(a, &parts.provider, fn_controller_settle, 1, &own);
	assert_int_equal(one.n - own.n, 96); /* the Send, in whole words */
	s.amount = amount_of(1001);
	assert_false(evm_settled_find(buf_bytes(&own), &s, back));
	fill_items(x, 10);
	a->items_n = 10;
	takes(a, NULL, fn_controller_settleListFor, 1, &list);
	free(a);
}

/* What somebody wants carried in our name must be ours: the Send, and what it names. */
static void what_is_not_ours_is_not_sent_in_our_name(void **state)
{
	struct action *a = channel_action(ACTION_SETTLE);
	struct settle_item x[3];
	struct buf b[5] = {0};

	(void)state;
	fill_items(x, 3);
	a->items = x;
	a->items_n = 3;
	takes(a, &parts.provider, fn_controller_settleListFor, 1, &b[0]); /* signed by nobody */
	send_of(a);
	takes(a, &parts.provider, fn_controller_settleList, 1, &b[1]);
	takes(a, &parts.job_creator, fn_controller_settleListFor, 1, &b[2]);
	x[1].doc.cost = amount_of(5); /* another list than the Send names */
	takes(a, &parts.provider, fn_controller_settleListFor, 1, &b[3]);
	send_of(a);
	takes(a, &parts.provider, fn_controller_settleList, 1, &b[4]);
	for (size_t i = 0; i < COUNT(b); i++)
		buf_done(&b[i]);
	free(a);
}

/* A signature of the sender's own is not shown; one that only claims to be is. */
static void own_signatures_are_left_out(void **state)
{
	struct evm_shown w = {.deal = &on_chain, .whole = &whole, .domain = &domain};
	struct buf out OWN(buf_done) = {0};
	struct action *a;
	struct abi_leaf l[16];
	uint64_t gas;
	size_t n;
	struct err e;

	(void)state;
	sample();
	a = action_new(ACTION_OPEN);
	w.by = &whole.hot.provider;
	for (int round = 0; round < 3; round++) {
		if (round)
			sign_rp(deal_record(), &a->deal, &a->rp_sig);
		if (round == 2)
			w.by = &whole.hot.job_creator;
		buf_init(&out, EVM_DATA_MAX);
		assert_true(evm_call(a, &w, &out, &gas, &e));
		assert_true(abi_decode(abi_types(fn_controller_open),
		        bytes_of(out.p + 4, out.n - 4), l, COUNT(l), &n, &e));
		assert_int_equal(l[1].bytes.n, 65);
		assert_int_equal(l[2].bytes.n, round == 1 ? 0 : 65);
		buf_done(&out);
	}
	free(a);
}

static struct evm_log list_log(const struct addr *provider, const uint8_t *done, size_t n)
{
	struct evm_log l = {.topics_n = 2};
	struct abi_leaf who = abi_addr(provider), bits = abi_bytes(bytes_of(done, n));
	struct buf data OWN(buf_done) = {0};
	struct err e;

	abi_id(ev_ListSettled, &l.topics[0]);
	l.topics[1] = who.word;
	buf_init(&data, sizeof l.data);
	assert_true(abi_encode(STR("bytes"), &bits, 1, &data, &e));
	memcpy(l.data, data.p, data.n);
	l.n = data.n;
	return l;
}

/* Bits of two groups, of two items and of nine: the first byte of a group has its highest items. */
static void lists_tell_what_they_settled(void **state)
{
	static const uint8_t done[] = {0x02, 0x01, 0x81}, few[] = {0x02, 0x01};
	struct action *a = channel_action(ACTION_SETTLE);
	struct settle_item x[11], back[11];
	struct buf call OWN(buf_done) = {0}, twice OWN(buf_done) = {0};
	struct evm_log l;
	struct abi_leaf both[3];
	struct hash id;
	size_t n = 0;
	struct err e;

	(void)state;
	fill_items(x, 11);
	for (size_t i = 2; i < 11; i++)
		x[i].serial = 4;
	a->items = x;
	a->items_n = 11;
	takes(a, NULL, fn_controller_settleListFor, 1, &call);
	l = list_log(&parts.provider, done, sizeof done);
	assert_true(evm_list_find(buf_bytes(&call), &l, 0, back, 11, &n));
	assert_int_equal(n, 4); /* items 1; 2, 9 and 10 of the list */
	assert_int_equal(back[0].doc.number, 2);
	assert_int_equal(back[1].doc.number, 3);
	assert_int_equal(back[2].doc.number, 10);
	assert_int_equal(back[3].doc.number, 11);
	assert_int_equal(back[3].serial, 4);
	parts.kind = CHANNEL_ACCEPTANCES;
	eip712_hash(channel_id_record(), &parts, &id);
	assert_true(hash_eq(&back[0].doc.channel, &id));
	assert_true(evm_list_find(buf_bytes(&call), &l, 0, back, 2, &n) && n == 2);
	/* The second of two in one transaction; there is no third. */
	both[0] = abi_u64(2);
	both[1] = both[2] = abi_bytes(buf_bytes(&call));
	buf_init(&twice, EVM_DATA_MAX);
	assert_true(abi_encode_call(fn_controller_multicall, both, 3, &twice, &e));
	assert_true(evm_list_find(buf_bytes(&twice), &l, 1, back, 11, &n) && n == 4);
	assert_false(evm_list_find(buf_bytes(&twice), &l, 2, back, 11, &n));
	/* Bits of another list, another provider's Send. */
	l = list_log(&parts.provider, few, sizeof few);
	assert_false(evm_list_find(buf_bytes(&call), &l, 0, back, 11, &n));
	l = list_log(&parts.job_creator, done, sizeof done);
	assert_false(evm_list_find(buf_bytes(&call), &l, 0, back, 11, &n));
	free(a);
}

static void what_does_not_fit_a_call_is_refused(void **state)
{
	struct action *a = channel_action(ACTION_SETTLE);
	struct evm_shown w = {.channel = &parts};
	struct settle_item x[3];
	struct buf out OWN(buf_done) = {0};
	struct amount big;
	uint64_t gas;
	struct err e;

	(void)state;
	assert_true(amount_parse(STR("79228162514264337593543950336"), &big));
	buf_init(&out, EVM_DATA_MAX);
	fill_items(x, 3);
	a->items = x;
	assert_false(evm_call(a, &w, &out, &gas, &e));
	assert_int_equal(e.code, E_RANGE); /* none */
	a->items_n = 3;
	x[1].sig.n = 65;
	assert_false(evm_call(a, &w, &out, &gas, &e));
	assert_non_null(strstr(e.msg, "signature 1 has 65 bytes"));
	x[1].sig.n = 64;
	x[2].doc.cost = big;
	assert_false(evm_call(a, &w, &out, &gas, &e));
	assert_non_null(strstr(e.msg, "cost is not below 2^96"));
	a->kind = ACTION_REDEEM;
	a->voucher.sum = big;
	assert_false(evm_call(a, &w, &out, &gas, &e));
	assert_int_equal(e.code, E_RANGE);
	a->kind = ACTION_OPEN_CHANNEL;
	a->channel.job_sum = big;
	assert_false(evm_call(a, &w, &out, &gas, &e));
	assert_int_equal(e.code, E_RANGE);
	a->kind = ACTION_CLAIM;
	a->deal.hot.pay = big;
	eip712_hash(deal_record(), &a->deal, &a->result.deal);
	assert_false(evm_call(a, &w, &out, &gas, &e));
	assert_non_null(strstr(e.msg, "pay is not below 2^96"));
	a->result.deal.b[0] ^= 1;
	assert_false(evm_call(a, &w, &out, &gas, &e));
	assert_int_equal(e.code, E_CONFLICT);
	a->kind = ACTION_CANCEL;
	assert_false(evm_call(a, &w, &out, &gas, &e));
	assert_int_equal(e.code, E_CONFLICT);
	assert_int_equal(out.n, 0);
	free(a);
}

static void what_a_chain_does_not_offer_is_refused(void **state)
{
	struct buf out OWN(buf_done) = {0};
	struct action *a;
	uint64_t gas;
	struct err e;

	(void)state;
	sample();
	buf_init(&out, EVM_DATA_MAX);
	a = action_new(ACTION_SEND);
	a->send.kind = SEND_MINT;
	assert_false(evm_call(a, &none, &out, &gas, &e));
	assert_int_equal(e.code, E_STATE);
	a->kind = ACTION_CLAIM; /* of an escrow deal */
	assert_false(evm_call(a, &none, &out, &gas, &e));
	assert_int_equal(e.code, E_STATE);
	a->kind = 200;
	assert_false(evm_call(a, &none, &out, &gas, &e));
	free(a);
}

/* ---- logs ---------------------------------------------------------------------------------------- */

static struct evm_log log_of(const char *signature, size_t topics, size_t words)
{
	struct evm_log l = {.topics_n = topics, .n = 32 * words};

	abi_id(signature, &l.topics[0]);
	l.topics[1] = on_chain.id;
	return l;
}

static void word(struct evm_log *l, size_t which, uint64_t v, unsigned at)
{
	for (unsigned i = 0; i < 8; i++)
		l->data[32 * which + 31 - at / 8 - i] |= (uint8_t)(v >> (8 * i));
}

static void logs_tell_the_course_of_a_deal(void **state)
{
	struct evm_deal d = {0};
	struct evm_deal_step s;
	struct evm_log l;
	struct hash deal;
	struct err e;

	(void)state;
	sample();
	d.id = on_chain.id;
	l = log_of(ev_Opened, 4, 1);
	memcpy(l.topics[2].b + 12, whole.hot.job_creator.b, 20);
	memcpy(l.topics[3].b + 12, whole.hot.provider.b, 20);
	word(&l, 0, DEAL_AGREED, 8);
	word(&l, 0, 5000, 16);
	word(&l, 0, 9, 64);
	evm_log_deal(&l, &deal);
	assert_true(hash_eq(&deal, &d.id));
	assert_true(evm_deal_take(&d, &l, &s, &e));
	assert_true(s.moves && !s.timed && s.from == 0 && s.to == DEAL_AGREED);
	assert_true(d.deadline.s == 5000 && d.nonce == 9 && addr_eq(&d.rp, &whole.hot.provider));

	l = log_of(ev_Submitted, 2, 2);
	memset(l.data, 0xee, 32);
	word(&l, 1, STATUS_COMPLETED, 0);
	word(&l, 1, 123, 8);
	word(&l, 1, 456, 72);
	word(&l, 1, 789, 136);
	assert_true(evm_deal_take(&d, &l, &s, &e));
	assert_true(s.moves && s.timed && s.from == DEAL_AGREED && s.to == DEAL_RESULTS_SUBMITTED);
	assert_true(d.count == 123 && d.bytes == 456 && amount_eq(d.cost, amount_of(789)));
	assert_int_equal(evm_deal_due(&whole.hot, s.to, (struct btime){1000}).s, 1600);

	l = log_of(ev_Checked, 3, 1);
	memcpy(l.topics[2].b + 12, whole.cold.mediators.v[0].b, 20);
	assert_true(evm_deal_take(&d, &l, &s, &e));
	assert_true(s.timed && s.to == DEAL_RESULTS_CHECKED);
	assert_true(addr_eq(&d.mediator, &whole.cold.mediators.v[0]));
	assert_int_equal(evm_deal_due(&whole.hot, s.to, (struct btime){1000}).s, 1700);

	l = log_of(ev_Moved, 2, 1);
	word(&l, 0, DEAL_RESULTS_CHECKED, 0);
	word(&l, 0, DEAL_MEDIATION_ACCEPTED, 8);
	word(&l, 0, 789, 64);
	assert_true(evm_deal_take(&d, &l, &s, &e));
	assert_true(s.to == DEAL_MEDIATION_ACCEPTED && amount_eq(s.paid, amount_of(789)));
	assert_true(d.deadline.s == 0 && d.state == DEAL_MEDIATION_ACCEPTED);
}

static void logs_that_no_contract_of_ours_writes_are_refused(void **state)
{
	struct evm_deal d, before;
	struct evm_deal_step s;
	struct evm_log l;
	struct hash deal;
	struct err e;

	(void)state;
	sample();
	before = d = on_chain;
	l = log_of(ev_Moved, 2, 2); /* too long */
	assert_false(evm_deal_take(&d, &l, &s, &e));
	l = log_of(ev_Opened, 3, 1); /* a topic is missing */
	assert_false(evm_deal_take(&d, &l, &s, &e));
	l = log_of("Moved(uint8)", 2, 1);
	evm_log_deal(&l, &deal);
	assert_true(hash_is_zero(&deal));
	assert_false(evm_deal_take(&d, &l, &s, &e));
	l = log_of(ev_Moved, 2, 1);
	l.topics[1].b[0] ^= 1; /* another deal */
	assert_false(evm_deal_take(&d, &l, &s, &e));
	assert_int_equal(e.code, E_PEER);
	assert_memory_equal(&d, &before, sizeof d);
}

/* The hash of the Output is in the call that brought the result, whatever that is wrapped in. */
static void the_output_is_found(void **state)
{
	struct buf out OWN(buf_done) = {0}, wrapped OWN(buf_done) = {0};
	struct action *a;
	struct abi_leaf l[2];
	struct hash found;
	uint64_t gas;
	struct err e;

	(void)state;
	sample();
	a = action_new(ACTION_RESULT);
	result_hash_of(&a->result, &a->output_hash, &on_chain.result);
	on_chain.status = a->result.status;
	on_chain.count = a->result.count;
	buf_init(&out, EVM_DATA_MAX);
	buf_init(&wrapped, EVM_DATA_MAX);
	assert_true(evm_call(a, &shown, &out, &gas, &e));
	assert_true(evm_deal_output(&on_chain, buf_bytes(&out), &found));
	assert_true(hash_eq(&found, &a->output_hash));
	l[0] = abi_u64(1);
	l[1] = abi_bytes(buf_bytes(&out));
	assert_true(abi_encode_call(fn_controller_multicall, l, 2, &wrapped, &e));
	assert_true(evm_deal_output(&on_chain, buf_bytes(&wrapped), &found));
	on_chain.count++;
	assert_false(evm_deal_output(&on_chain, buf_bytes(&wrapped), &found));
	assert_false(evm_deal_output(&on_chain, bytes_of(NULL, 0), &found));
	free(a);
}

/* ---- refusals ------------------------------------------------------------------------------------- */

static void refuse(const char *signature, const struct abi_leaf *l, size_t n, struct err *e)
{
	struct buf out OWN(buf_done) = {0};

	buf_init(&out, 1024);
	assert_true(abi_encode_call(signature, l, n, &out, e));
	assert_false(contract_refusal(buf_bytes(&out), e));
}

static void refusals_have_our_codes(void **state)
{
	static const struct {
		const char *signature;
		enum err_code code;
		size_t n;
	} known[] = {{"TooLate(uint256)", E_TOO_LATE, 1}, {"State(uint256)", E_STATE, 1},
	        {"Party(address)", E_PARTY, 1}, {"Signature(address)", E_SIGNATURE, 1},
	        {"NotFound(bytes32)", E_NOT_FOUND, 1}, {"Limits(uint256,uint256)", E_LIMITS, 2},
	        {"Busy()", E_BUSY, 0}, {"Nonce(uint256)", E_NONCE, 1},
	        {"Bonds(uint256,uint256)", E_BONDS, 2}, {"Clocks(uint256,uint256)", E_CLOCKS, 2}};
	struct abi_leaf l[3] = {abi_u64(41), abi_u64(42), abi_u64(43)};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		refuse(known[i].signature, l, known[i].n, &e);
		assert_int_equal(e.code, known[i].code);
	}
	refuse("Funds(address,uint256,uint256)", l, 3, &e);
	assert_int_equal(e.code, E_FUNDS);
	assert_non_null(strstr(e.msg, "has 42 token units free, less than the 43"));
	l[0] = abi_bytes(str_bytes(STR("no such luck")));
	refuse("Error(string)", l, 1, &e);
	assert_non_null(strstr(e.msg, "no such luck"));
	refuse("Unheard(uint256)", l + 1, 1, &e);
	assert_int_equal(e.code, E_STATE);
	assert_false(contract_refusal((struct bytes){0}, &e));
	assert_int_equal(e.code, E_STATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_action_has_its_call),
	        cmocka_unit_test(an_acceptance_without_result_names_the_submitted_one),
	        cmocka_unit_test(sends_are_carried),
	        cmocka_unit_test(channels_have_their_calls),
	        cmocka_unit_test(a_channel_closes_alone_when_its_life_is_over),
	        cmocka_unit_test(sends_about_channels_are_carried),
	        cmocka_unit_test(acceptances_are_settled),
	        cmocka_unit_test(what_is_not_ours_is_not_sent_in_our_name),
	        cmocka_unit_test(own_signatures_are_left_out),
	        cmocka_unit_test(lists_tell_what_they_settled),
	        cmocka_unit_test(what_does_not_fit_a_call_is_refused),
	        cmocka_unit_test(what_a_chain_does_not_offer_is_refused),
	        cmocka_unit_test(logs_tell_the_course_of_a_deal),
	        cmocka_unit_test(logs_that_no_contract_of_ours_writes_are_refused),
	        cmocka_unit_test(the_output_is_found),
	        cmocka_unit_test(refusals_have_our_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
