/* evm_tx_bench.c - how many transactions a core signs: a token transfer's call put together, RLP, two hashes, the
 * signature, and the hex that a node takes; beside the bare signature, which is the limit. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chain/contracts.h"
#include "chain/evm_json.h"
#include "chain/evm_tx.h"
#include "crypto/secp.h"

enum { TXS = 4000, ROUNDS = 3 };

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool sign(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(self, digest, out, e);
}

static NORETURN void quit(const struct err *e)
{
	fprintf(stderr, "evm_tx_bench: %s\n", e->msg);
	exit(1);
}

static void one(struct signer *me, uint64_t nonce)
{
	struct buf data OWN(buf_done) = {0}, raw OWN(buf_done) = {0};
	struct addr to = {{1}};
	struct abi_leaf l[] = {abi_addr(&to), abi_u64(nonce)};
	struct evm_tx tx = {.chain_id = 31337, .nonce = nonce, .max_fee_wei = 7, .gas = 50000};
	struct hash id;
	struct err e;

	buf_init(&data, EVM_DATA_MAX);
	buf_init(&raw, EVM_TX_MAX);
	if (!abi_encode_call(fn_token_transfer, l, COUNT(l), &data, &e))
		quit(&e);
	tx.data = buf_bytes(&data);
	if (!evm_tx_sign(&tx, me, &raw, &id, &e))
		quit(&e);
	json_decref(evm_data(buf_bytes(&raw)));
}

static double rate(struct signer *me, bool whole)
{
	struct hash digest = {{1}};
	struct sig sig = {.n = 65};
	double best = 0;
	struct err e;

	for (int r = 0; r < ROUNDS; r++) {
		double start = now_s(), took;

		for (uint64_t i = 0; i < TXS; i++) {
			digest.b[0] = (uint8_t)i;
			if (whole)
				one(me, i);
			else if (!secp_sign(me->self, &digest, &sig, &e))
				quit(&e);
		}
		took = now_s() - start;
		best = MAX2(best, TXS / took);
	}
	return best;
}

int main(void)
{
	struct seckey key = {.b = {[31] = 7}};
	struct signer me = {.self = &key, .sign = sign};
	double bare = rate(&me, false), whole = rate(&me, true);

	printf("{\"name\": \"transactions put together and signed, one core\", \"unit\": \"/s\", "
	       "\"ours\": %.0f, \"peer\": %.0f, \"peer_name\": \"the signature alone\", "
	       "\"goal\": 0.6}\n",
	        whole, bare);
	return 0;
}
