/* eth_proof_test.c - roots of receipts as other programs give them, blocks of tests/vectors/eth_blocks.json, and what
 * is refused. Runs from the root of the repository. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/eth_proof.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/mpt.h"
#include "codec/rlp.h"
#include "crypto/keccak.h"

#define VECTORS "tests/vectors/eth_blocks.json"

enum { LOGS = 3 };

/* A receipt with that many logs; log i has i topics and i bytes. */
static void put_receipt(
        struct buf *out, unsigned type, uint64_t status, uint64_t gas, unsigned logs)
{
	static const uint8_t bloom[256];
	struct buf items OWN(buf_done) = {0}, list OWN(buf_done) = {0};

	buf_init(&items, 8192);
	buf_init(&list, 8192);
	for (unsigned i = 0; i < logs; i++) {
		struct buf log OWN(buf_done) = {0}, topics OWN(buf_done) = {0};
		struct hash t = {{(uint8_t)i}};

		buf_init(&log, 1024);
		buf_init(&topics, 1024);
		rlp_put_bytes(&log, bytes_of(bloom, 20));
		for (unsigned k = 0; k < i; k++)
			rlp_put_bytes(&topics, bytes_of(t.b, 32));
		rlp_put_list(&log, buf_bytes(&topics));
		rlp_put_bytes(&log, bytes_of(t.b, i));
		rlp_put_list(&list, buf_bytes(&log));
	}
	rlp_put_u64(&items, status);
	rlp_put_u64(&items, gas);
	rlp_put_bytes(&items, bytes_of(bloom, sizeof bloom));
	rlp_put_list(&items, buf_bytes(&list));
	if (type)
		buf_byte(out, (uint8_t)type);
	rlp_put_list(out, buf_bytes(&items));
}

static void root_of(const struct buf *receipts, size_t n, char text[HASH_TEXT_MAX])
{
	struct mpt_item items[4];
	uint8_t key[4][ETH_KEY_MAX];
	struct buf path OWN(buf_done) = {0};
	struct hash root;
	struct err e;

	for (size_t i = 0; i < n; i++)
		items[i] = (struct mpt_item){bytes_of(key[i], eth_index_key((uint32_t)i, key[i])),
		        buf_bytes(&receipts[i])};
	buf_init(&path, 8192);
	assert_true(mpt_prove(items, n, 0, &root, &path, &e));
	hash_format(&root, text);
}

/* Of a block with one plain payment, which many a block of the main chain had; and go-ethereum, cmd/evm/testdata/30,
 * two transactions of EIP-1559. */
static void roots_that_others_give(void **state)
{
	struct buf r[2] = {{0}, {0}};
	char text[HASH_TEXT_MAX];

	(void)state;
	buf_init(&r[0], 4096);
	buf_init(&r[1], 4096);
	put_receipt(&r[0], 0, 1, 21000, 0);
	root_of(r, 1, text);
	assert_string_equal(
	        text, "0x056b23fbba480696b65fe5a59b8f2148a1299103c4f57df839233af2cf4ca2d2");
	buf_reset(&r[0]);
	put_receipt(&r[0], 2, 1, 21000, 0);
	put_receipt(&r[1], 2, 1, 42000, 0);
	root_of(r, 2, text);
	assert_string_equal(
	        text, "0x75308898d571eafb5cd8cde8278bf5b3d13c5f6ec074926de3bb895b519264e1");
	buf_done(&r[0]);
	buf_done(&r[1]);
}

static void logs_of_a_receipt(void **state)
{
	struct buf r OWN(buf_done) = {0};
	struct eth_log l;
	struct err e;

	(void)state;
	buf_init(&r, 4096);
	for (unsigned type = 0; type < 5; type++) {
		buf_reset(&r);
		put_receipt(&r, type, 1, 1, LOGS);
		for (uint32_t i = 0; i < LOGS; i++) {
			assert_true(eth_receipt_log(buf_bytes(&r), i, &l, &e));
			assert_true(l.topics_n == i && l.data.n == i);
		}
		assert_false(eth_receipt_log(buf_bytes(&r), LOGS, &l, &e));
		assert_int_equal(e.code, E_TAMPERED);
		for (size_t n = 0; n < r.n; n++)
			assert_false(eth_receipt_log(bytes_of(r.p, n), 0, &l, &e));
		buf_byte(&r, 0);
		assert_false(eth_receipt_log(buf_bytes(&r), 0, &l, &e));
	}
	buf_reset(&r);
	put_receipt(&r, 2, 0, 1, LOGS);
	assert_false(eth_receipt_log(buf_bytes(&r), 0, &l, &e));
	assert_non_null(strstr(e.msg, "did not succeed"));
	buf_reset(&r);
	put_receipt(&r, 0x80, 1, 1, LOGS);
	assert_false(eth_receipt_log(buf_bytes(&r), 0, &l, &e));
	buf_reset(&r);
	put_receipt(&r, 0, 1, 1, ETH_TOPICS_MAX + 2);
	assert_false(eth_receipt_log(buf_bytes(&r), 0, &l, &e));
	assert_non_null(strstr(e.msg, "topics"));
}

static size_t hex_of(const json_t *v, uint8_t *out, size_t max)
{
	struct err e;
	size_t n;

	assert_true(hex_parse_upto(json_text_of(v), out, max, &n, &e));
	return n;
}

/* Block 3 of that chain: of before EIP-658, so its header and its tree hold, and no log of it is taken, for such a
 * receipt does not say whether its transaction succeeded. */
static void a_block_of_before_eip_658(void **state)
{
	json_t *all OWN(json_own) = json_load_file(VECTORS, 0, NULL);
	const json_t *early = json_object_get(all, "early"), *list, *v;
	static uint8_t raw[3][4096];
	static struct eth_proof p;
	uint8_t key[3][ETH_KEY_MAX];
	struct mpt_item items[3];
	struct buf path OWN(buf_done) = {0};
	struct bytes receipt;
	struct eth_head head;
	struct eth_log log;
	struct hash root;
	struct err e;
	size_t i;

	(void)state;
	p.header_n = hex_of(json_object_get(early, "header"), p.header, sizeof p.header);
	keccak256(p.header, p.header_n, &p.block);
	assert_true(eth_head_read(bytes_of(p.header, p.header_n), &head, &e));
	assert_true(head.number == 3 && head.time_s == 30);
	list = json_object_get(early, "receipts");
	assert_int_equal(json_array_size(list), 3);
	json_array_foreach (list, i, v) {
		items[i].key = bytes_of(key[i], eth_index_key((uint32_t)i, key[i]));
		items[i].value = bytes_of(raw[i], hex_of(v, raw[i], sizeof raw[i]));
	}
	buf_init(&path, ETH_PATH_MAX);
	assert_true(mpt_prove(items, 3, 2, &root, &path, &e));
	assert_true(hash_eq(&root, &head.receipts_root));
	p.tx = 2;
	p.path_n = path.n;
	memcpy(p.path, path.p, path.n);
	assert_true(eth_proof_hash(&p, &e));
	assert_true(eth_proof_receipt(&p, &head.receipts_root, &receipt, &e));
	assert_int_equal(receipt.n, items[2].value.n);
	assert_memory_equal(receipt.p, items[2].value.p, receipt.n);
	assert_false(eth_proof_check(&p, &head, &log, &e));
	p.tx = ETH_INDEX_MAX + 1;
	assert_false(eth_proof_receipt(&p, &head.receipts_root, &receipt, &e));
	assert_int_equal(e.code, E_TAMPERED);
}

static void headers_that_are_none(void **state)
{
	json_t *all OWN(json_own) = json_load_file(VECTORS, 0, NULL);
	uint8_t raw[ETH_HEADER_MAX];
	struct buf few OWN(buf_done) = {0}, b OWN(buf_done) = {0};
	struct eth_head head;
	struct err e;
	size_t n =
	        hex_of(json_object_get(json_object_get(all, "early"), "header"), raw, sizeof raw);

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_false(eth_head_read(bytes_of(raw, i), &head, &e));
	buf_init(&few, 4096);
	buf_init(&b, 4096);
	for (unsigned i = 0; i < 14; i++)
		rlp_put_bytes(&few, bytes_of(raw, i == 5 ? 32 : 0));
	rlp_put_list(&b, buf_bytes(&few));
	assert_false(eth_head_read(buf_bytes(&b), &head, &e));
	assert_non_null(strstr(e.msg, "14 fields"));
	for (unsigned i = 14; i < 33; i++)
		rlp_put_bytes(&few, bytes_of(raw, 0));
	buf_reset(&b);
	rlp_put_list(&b, buf_bytes(&few));
	assert_false(eth_head_read(buf_bytes(&b), &head, &e));
	assert_non_null(strstr(e.msg, "15 to 32"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(roots_that_others_give),
	        cmocka_unit_test(logs_of_a_receipt),
	        cmocka_unit_test(a_block_of_before_eip_658),
	        cmocka_unit_test(headers_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
