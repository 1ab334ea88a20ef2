/* evm_tx_test.c - transactions against tests/vectors/evm.json, which another implementation signed
 * (tests/vectors/make_evm.py), and what is refused. Runs from the root of the repository. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "chain/evm_tx.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/secp.h"

#define VECTORS "tests/vectors/evm.json"

static json_t *vectors;
static struct seckey key;

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(self, digest, out, e);
}

static int load(void **state)
{
	struct buf text OWN(buf_done) = {0};
	FILE *f = fopen(VECTORS, "r");
	char part[4096];
	struct err e;
	size_t n;

	(void)state;
	if (!f) {
		print_error("%s: not found; run from the root of the repository\n", VECTORS);
		return -1;
	}
	buf_init(&text, 1u << 20);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_put(&text, part, n);
	fclose(f);
	if (!json_parse(buf_view(&text), &vectors, &e) ||
	        !hex_parse(str_of(json_text(vectors, "key")), key.b, sizeof key.b, &e))
		return -1;
	return 0;
}

static int drop(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

static uint64_t number(const json_t *v, const char *name)
{
	uint64_t n;

	assert_true(str_u64(str_of(json_text(v, name)), UINT64_MAX, &n));
	return n;
}

static void tx_in(const json_t *v, uint8_t *data, size_t max, struct evm_tx *tx)
{
	const char *to = json_text(v, "to");
	size_t n;
	struct err e;

	*tx = (struct evm_tx){.chain_id = number(v, "chainId"),
	        .nonce = number(v, "nonce"),
	        .tip_wei = number(v, "tip"),
	        .max_fee_wei = number(v, "fee"),
	        .gas = number(v, "gas"),
	        .creates = !*to};
	assert_true(u256_parse(str_of(json_text(v, "value")), &tx->value));
	assert_true(hex_parse_upto(str_of(json_text(v, "data")), data, max, &n, &e));
	tx->data = bytes_of(data, n);
	if (*to)
		assert_true(addr_parse(str_of(to), &tx->to, &e));
}

static void signed_as_another_implementation_does(void **state)
{
	const json_t *txs = json_object_get(vectors, "transactions"), *v;
	struct signer me = {.self = &key, .sign = sign};
	struct addr account;
	size_t i;
	struct err e;

	(void)state;
	assert_true(json_get_addr(vectors, "account", &account, &e));
	assert_true(json_array_size(txs) > 30);
	json_array_foreach (txs, i, v) {
		uint8_t data[512], want[1024];
		struct buf raw OWN(buf_done) = {0};
		struct evm_tx tx, back;
		struct hash id, known, again;
		struct addr from;
		size_t n;

		tx_in(v, data, sizeof data, &tx);
		buf_init(&raw, EVM_TX_MAX);
		assert_true(evm_tx_sign(&tx, &me, &raw, &id, &e));
		assert_true(hex_parse_upto(str_of(json_text(v, "raw")), want, sizeof want, &n, &e));
		assert_int_equal(raw.n, n);
		assert_memory_equal(raw.p, want, n);
		assert_true(hash_parse(str_of(json_text(v, "hash")), &known, &e));
		assert_true(hash_eq(&id, &known));
		assert_true(evm_tx_read(buf_bytes(&raw), &back, &from, &again, &e));
		assert_true(addr_eq(&from, &account) && hash_eq(&again, &id));
		assert_true(back.nonce == tx.nonce && back.gas == tx.gas &&
		            back.creates == tx.creates && back.max_fee_wei == tx.max_fee_wei &&
		            u256_cmp(back.value, tx.value) == 0);
		for (size_t cut = 0; cut < n; cut++)
			assert_false(evm_tx_read(bytes_of(want, cut), &back, &from, &again, &e));
	}
}

/* Published examples: a known account's first contracts (ethereum/tests and the Ethereum wiki's example account
 * 0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0, nonces 0 to 3). */
static void contracts_are_where_the_chain_puts_them(void **state)
{
	static const char *const known[] = {"0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d",
	        "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8",
	        "0xf778b86fa74e846c4f0a1fbd1335fe81c00a0c91",
	        "0xfffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c"};
	struct addr who, made, want;
	struct err e;

	(void)state;
	assert_true(addr_parse(STR("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"), &who, &e));
	for (size_t i = 0; i < COUNT(known); i++) {
		assert_true(addr_parse(str_of(known[i]), &want, &e));
		evm_created(&who, i, &made);
		assert_true(addr_eq(&made, &want));
	}
}

static void what_is_no_transaction_is_refused(void **state)
{
	static uint8_t big[EVM_TX_MAX + 1];
	struct signer me = {.self = &key, .sign = sign};
	struct buf raw OWN(buf_done) = {0};
	struct evm_tx tx = {.chain_id = 1};
	struct hash id;
	struct addr from;
	struct err e;

	(void)state;
	buf_init(&raw, EVM_TX_MAX);
	tx.data = bytes_of(big, sizeof big);
	assert_false(evm_tx_sign(&tx, &me, &raw, &id, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	assert_false(evm_tx_read(bytes_of(big, sizeof big), &tx, &from, &id, &e));
	assert_false(evm_tx_read(bytes_of("\x02\xc0", 2), &tx, &from, &id, &e));
	assert_false(evm_tx_read(bytes_of("\x01\xc0", 2), &tx, &from, &id, &e));
	assert_int_equal(e.code, E_ENCODING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(signed_as_another_implementation_does),
	        cmocka_unit_test(contracts_are_where_the_chain_puts_them),
	        cmocka_unit_test(what_is_no_transaction_is_refused),
	};

	return cmocka_run_group_tests(tests, load, drop);
}
