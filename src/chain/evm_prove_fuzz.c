/* evm_prove_fuzz.c - whatever a node says of a block, of its receipts and of a transaction is read within bounds; what
 * is proved of it holds. The input: {"block", "receipts", "tx", "input"}. */
#include <stdlib.h>

#include "chain/evm_input.h"
#include "chain/evm_prove.h"
#include "codec/json.h"

static void prove(const json_t *j, uint32_t tx)
{
	static struct eth_proof proof;
	struct eth_head head;
	struct bytes receipt;
	struct err e;

	if (!evm_prove_receipt(
	            json_object_get(j, "block"), json_object_get(j, "receipts"), tx, &proof, &e))
		return;
	if (!eth_proof_hash(&proof, &e) ||
	        !eth_head_read(bytes_of(proof.header, proof.header_n), &head, &e) ||
	        !eth_proof_receipt(&proof, &head.receipts_root, &receipt, &e))
		abort();
}

static void find(const json_t *j)
{
	static const struct deal none;
	static struct action a;
	struct buf input OWN(buf_done) = {0};
	struct err e;

	buf_init(&input, 1u << 16);
	if (!evm_read_data(json_object_get(j, "input"), &input, &e))
		return;
	(void)!evm_input_find(buf_bytes(&input), ACTION_VERDICT, &none, &a, &e);
	(void)!evm_input_find(buf_bytes(&input), ACTION_ACCEPT, &none, &a, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf one OWN(buf_done) = {0};
	json_t *j OWN(json_own) = NULL;
	struct err e;
	uint64_t tx;

	if (n > 1u << 16 || !json_parse((struct str){(const char *)p, n}, &j, &e))
		return 0;
	buf_init(&one, 1u << 20);
	(void)!evm_put_header(json_object_get(j, "block"), &one, &e);
	(void)!evm_put_receipt(json_array_get(json_object_get(j, "receipts"), 0), &one, &e);
	if (evm_get_quantity(j, "tx", &tx, &e) && tx <= ETH_INDEX_MAX)
		prove(j, (uint32_t)tx);
	find(j);
	return 0;
}
