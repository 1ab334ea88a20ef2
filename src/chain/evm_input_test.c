/* evm_input_test.c - the documents that calls bring are found again as they were put in, however they are wrapped. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/draw_suite.h"
#include "chain/contracts.h"
#include "chain/evm_call.h"
#include "chain/evm_input.h"
#include "chain/evm_tx.h"
#include "codec/eip712.h"
#include "model/parts.h"
#include "port/action_json.h"

static struct deal whole;
static struct evm_deal on_chain;
static const struct evm_shown shown = {.deal = &on_chain, .whole = &whole};

static void sample(void)
{
	memset(&whole, 0, sizeof whole);
	memset(&on_chain, 0, sizeof on_chain);
	whole.hot.job_creator.b[0] = 0x11;
	whole.hot.provider.b[0] = 0x22;
	whole.hot.pay = amount_of(1000);
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
}

static void sign(uint64_t *seed, struct sig *s)
{
	s->n = 65;
	draw_bytes(seed, s->b, s->n);
}

static struct action *action_new(uint8_t kind)
{
	struct action *a = calloc(1, sizeof *a);
	uint64_t seed = kind;

	assert_non_null(a);
	a->kind = kind;
	a->deal = whole;
	a->result = (struct result){
	        .deal = on_chain.id, .status = STATUS_COMPLETED, .count = 5, .bytes = 6};
	draw_bytes(&seed, &a->result.secret_hash, 32);
	draw_bytes(&seed, &a->output_hash, 32);
	sign(&seed, &a->result_sig);
	sign(&seed, &a->doc_sig);
	a->acceptance.deal = on_chain.id;
	action_result_hash(a, &a->acceptance.result);
	a->decline = (struct decline){.deal = on_chain.id, .reason = 2};
	a->pass = (struct pass){.deal = on_chain.id, .mediator = on_chain.mediator};
	a->verdict = (struct verdict){.deal = on_chain.id,
	        .mediator = on_chain.mediator,
	        .ruling = RULING_RESULT_WRONG,
	        .count = 7,
	        .bytes = 8};
	draw_bytes(&seed, &a->verdict.output, 32);
	draw_bytes(&seed, &a->verdict.salt, 32);
	return a;
}

static void same_document(const struct action *is, const struct action *must)
{
	switch (must->kind) {
	case ACTION_ACCEPT:
		assert_memory_equal(&is->acceptance, &must->acceptance, sizeof is->acceptance);
		break;
	case ACTION_DECLINE:
		assert_true(hash_eq(&is->decline.deal, &must->decline.deal));
		assert_int_equal(is->decline.reason, must->decline.reason);
		break;
	case ACTION_PASS:
		assert_true(addr_eq(&is->pass.mediator, &must->pass.mediator));
		assert_int_equal(is->pass.round, must->pass.round);
		break;
	case ACTION_VERDICT:
		assert_true(hash_eq(&is->verdict.output, &must->verdict.output));
		assert_true(hash_eq(&is->verdict.salt, &must->verdict.salt));
		assert_true(addr_eq(&is->verdict.mediator, &must->verdict.mediator));
		assert_true(is->verdict.ruling == must->verdict.ruling && is->verdict.count == 7 &&
		            is->verdict.bytes == 8);
		break;
	default: {
		struct hash h;

		action_result_hash(is, &h);
		assert_true(hash_eq(&h, &must->acceptance.result));
		assert_memory_equal(&is->result_sig, &must->result_sig, sizeof is->result_sig);
		return;
	}
	}
	assert_memory_equal(&is->doc_sig, &must->doc_sig, sizeof is->doc_sig);
}

/* As it is, in the middle of something else, and not where a byte of the deal's parts is another. */
static void look(const struct action *put, uint8_t kind)
{
	struct buf call OWN(buf_done) = {0}, more OWN(buf_done) = {0};
	struct action *found = calloc(1, sizeof *found);
	uint64_t gas;
	struct err e;

	assert_non_null(found);
	buf_init(&call, EVM_DATA_MAX);
	buf_init(&more, EVM_DATA_MAX);
	assert_true(evm_call(put, &shown, &call, &gas, &e));
	buf_z(&more, "called through a contract:");
	buf_put(&more, call.p, call.n);
	buf_z(&more, "and more");
	assert_true(evm_input_find(buf_bytes(&call), kind, &whole, found, &e));
	same_document(found, kind == put->kind ? put : found);
	assert_true(evm_input_find(buf_bytes(&more), kind, &whole, found, &e));
	assert_int_equal(found->kind, kind);
	if (kind == put->kind)
		same_document(found, put);
	/* The last 31 bytes are nothing. */
	for (size_t n = 0; n < call.n - 31; n += 7)
		assert_false(evm_input_find(bytes_of(call.p, n), kind, &whole, found, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
	call.p[100] ^= 1;
	assert_false(evm_input_find(buf_bytes(&call), kind, &whole, found, &e));
	free(found);
}

static void documents_are_found(void **state)
{
	static const uint8_t kinds[] = {
	        ACTION_RESULT, ACTION_DECLINE, ACTION_ACCEPT, ACTION_VERDICT, ACTION_PASS};

	(void)state;
	sample();
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct action *a = action_new(kinds[i]);

		look(a, kinds[i]);
		if (kinds[i] == ACTION_ACCEPT) {
			/* The result comes with it; or was there before, and is only named. */
			look(a, ACTION_RESULT);
			a->result_sig.n = 0;
			on_chain.result = a->acceptance.result;
			look(a, ACTION_ACCEPT);
		}
		free(a);
	}
}

static void another_kind_is_not(void **state)
{
	struct buf call OWN(buf_done) = {0};
	struct action *a, *found = calloc(1, sizeof *found);
	uint64_t gas;
	struct err e;

	(void)state;
	assert_non_null(found);
	sample();
	a = action_new(ACTION_VERDICT);
	buf_init(&call, EVM_DATA_MAX);
	assert_true(evm_call(a, &shown, &call, &gas, &e));
	assert_false(evm_input_find(buf_bytes(&call), ACTION_PASS, &whole, found, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
	assert_false(evm_input_find(buf_bytes(&call), ACTION_TIMEOUT, &whole, found, &e));
	whole.cold.engine[0] = 'v';
	assert_false(evm_input_find(buf_bytes(&call), ACTION_VERDICT, &whole, found, &e));
	assert_false(evm_input_find(bytes_of(NULL, 0), ACTION_VERDICT, &whole, found, &e));
	free(a);
	free(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(documents_are_found),
	        cmocka_unit_test(another_kind_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
