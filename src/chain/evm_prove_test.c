/* evm_prove_test.c - proofs made of a block that another client wrote (tests/vectors/eth_blocks.json), and of what
 * no byte can be another. Runs from the root of the repository. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_prove.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/keccak.h"

#define VECTORS "tests/vectors/eth_blocks.json"

enum { WITH_LOGS = 1 }; /* the transaction of that block that wrote ten logs */

static struct eth_proof proof;

static int load(void **state)
{
	json_t *all = json_load_file(VECTORS, 0, NULL);

	*state = all;
	return all ? 0 : -1;
}

static int unload(void **state)
{
	json_decref(*state);
	return 0;
}

static json_t *part(void **state, const char *name)
{
	json_t *all = *state;

	return json_object_get(json_object_get(all, "late"), name);
}

static void prove(void **state, uint32_t tx)
{
	struct err e;

	assert_true(
	        evm_prove_receipt(part(state, "block"), part(state, "receipts"), tx, &proof, &e));
}

static void every_receipt_is_proved(void **state)
{
	const json_t *list = part(state, "receipts"), *v;
	struct eth_head head;
	struct eth_log log;
	struct evm_log is, must;
	struct err e;
	size_t i, k;

	json_array_foreach (list, i, v) {
		const json_t *logs = json_object_get(v, "logs"), *one;

		prove(state, (uint32_t)i);
		json_array_foreach (logs, k, one) {
			proof.log = (uint32_t)k;
			assert_true(eth_proof_check(&proof, &head, &log, &e));
			assert_true(head.number == 0x36);
			assert_true(evm_read_log(one, &must, &e));
			assert_true(evm_log_of(&log, &is, &e));
			assert_true(addr_eq(&is.account, &must.account));
			assert_true(is.topics_n == must.topics_n && is.n == must.n);
			assert_memory_equal(is.topics, must.topics, sizeof is.topics);
			assert_memory_equal(is.data, must.data, is.n);
		}
		proof.log = (uint32_t)json_array_size(logs);
		assert_false(eth_proof_check(&proof, &head, &log, &e));
		assert_int_equal(e.code, E_TAMPERED);
	}
}

static bool still_holds(void)
{
	struct eth_head head;
	struct eth_log log;
	struct err e;

	return eth_proof_check(&proof, &head, &log, &e);
}

/* Of the hash, the header, the path with the receipt in it, and the places. */
static void no_bit_can_be_another(void **state)
{
	struct {
		uint8_t *p;
		size_t n;
	} parts[] = {{proof.block.b, sizeof proof.block.b}, {proof.header, 0}, {proof.path, 0}};

	prove(state, WITH_LOGS);
	parts[1].n = proof.header_n;
	parts[2].n = proof.path_n;
	assert_true(still_holds());
	for (size_t i = 0; i < COUNT(parts); i++) {
		for (size_t at = 0; at < parts[i].n; at++) {
			parts[i].p[at] ^= (uint8_t)(1u << at % 8);
			assert_false(still_holds());
			parts[i].p[at] ^= (uint8_t)(1u << at % 8);
		}
	}
	for (proof.tx = 0; proof.tx < 8; proof.tx++)
		assert_int_equal(still_holds(), proof.tx == WITH_LOGS);
	proof.tx = WITH_LOGS;
	proof.header_n--;
	assert_false(still_holds());
	proof.header_n++;
	proof.path_n--;
	assert_false(still_holds());
	proof.path_n++;
	assert_true(still_holds());
}

static void refused(void **state, const char *word)
{
	struct err e;

	assert_false(evm_prove_receipt(
	        part(state, "block"), part(state, "receipts"), WITH_LOGS, &proof, &e));
	assert_int_equal(e.code, E_PEER);
	if (!strstr(e.msg, word))
		fail_msg("\"%s\" without \"%s\"", e.msg, word);
}

/* What a node makes up of a block does not give the block's hash, or not its root. */
static void a_node_that_lies(void **state)
{
	static const char *const of_header[] = {"parentHash", "stateRoot", "number", "timestamp",
	        "gasUsed", "extraData", "baseFeePerGas", "requestsHash"};
	json_t *block = part(state, "block"), *receipts = part(state, "receipts"), *one;

	for (size_t i = 0; i < COUNT(of_header); i++) {
		json_t *kept = json_incref(json_object_get(block, of_header[i]));

		json_object_set_new(block, of_header[i], json_string("0x123456"));
		refused(state, "has the hash");
		json_object_set_new(block, of_header[i], kept);
	}
	one = json_array_get(receipts, 3);
	json_object_set_new(one, "cumulativeGasUsed", json_string("0x1"));
	refused(state, "receiptsRoot");
	json_object_del(one, "status");
	refused(state, "status");
	json_object_del(one, "logs");
	json_object_set_new(one, "status", json_string("0x1"));
	refused(state, "logs");
	json_object_set_new(one, "type", json_string("0x1234"));
	refused(state, "type");
	json_array_clear(receipts);
	refused(state, "0 receipts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(every_receipt_is_proved, load, unload),
	        cmocka_unit_test_setup_teardown(no_bit_can_be_another, load, unload),
	        cmocka_unit_test_setup_teardown(a_node_that_lies, load, unload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
