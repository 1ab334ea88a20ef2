/* evm_json.h - what an Ethereum node answers (Ethereum JSON-RPC specification): quantities, data, blocks, logs
 * and receipts, each bounded and checked. */
#ifndef LILYPAD_CHAIN_EVM_JSON_H
#define LILYPAD_CHAIN_EVM_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/u256.h"
#include "base/when.h"

#define EVM_TOPICS_MAX   4
#define EVM_LOG_DATA_MAX 1024 /* bytes of a log's data: longer ones are no event of ours */

/* "0x1a": no leading zeros. New references. */
json_t *evm_quantity(uint64_t v);
json_t *evm_data(struct bytes b);
/* PEER names the member, its value and what must be there. */
MUST bool evm_get_quantity(const json_t *obj, const char *key, uint64_t *out, struct err *e);
MUST bool evm_get_hash(const json_t *obj, const char *key, struct hash *out, struct err *e);
MUST bool evm_get_addr(const json_t *obj, const char *key, struct addr *out, struct err *e);
MUST bool evm_read_quantity(const json_t *v, uint64_t *out, struct err *e);
MUST bool evm_read_u256(const json_t *v, struct u256 *out, struct err *e);
/* Appends the bytes. */
MUST bool evm_read_data(const json_t *v, struct buf *out, struct err *e);

struct evm_header {
	uint64_t number;
	struct hash hash, parent;
	struct btime time;
	uint64_t base_fee_wei; /* 0: the chain has none */
};
MUST bool evm_read_header(const json_t *v, struct evm_header *out, struct err *e);

struct evm_log {
	uint64_t block;
	struct hash block_hash, tx;
	uint32_t index; /* in the block; below 2^20 */
	struct addr account;
	size_t topics_n;
	struct hash topics[EVM_TOPICS_MAX];
	size_t n;
	uint8_t data[EVM_LOG_DATA_MAX];
	bool longer; /* data has more than fits, and none is here */
};
MUST bool evm_read_log(const json_t *v, struct evm_log *out, struct err *e);

struct evm_receipt {
	uint64_t block;
	struct hash block_hash, tx;
	bool ok; /* status 1 */
	uint64_t gas_used, gas_price_wei;
	struct addr created; /* zero: no contract */
};
MUST bool evm_read_receipt(const json_t *v, struct evm_receipt *out, struct err *e);

#endif
