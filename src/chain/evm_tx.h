/* evm_tx.h - transactions of EIP-1559: written, signed, hashed, and read again. */
#ifndef LILYPAD_CHAIN_EVM_TX_H
#define LILYPAD_CHAIN_EVM_TX_H

#include "base/buf.h"
#include "base/err.h"
#include "base/u256.h"
#include "port/port.h"

#define EVM_TX_MAX   (128u << 10) /* bytes: what the pools of common nodes take */
#define EVM_DATA_MAX (120u << 10) /* bytes of a call or of code to deploy: TOO_LARGE past it */

struct evm_tx {
	uint64_t chain_id;
	uint64_t nonce;
	uint64_t tip_wei;     /* maxPriorityFeePerGas */
	uint64_t max_fee_wei; /* maxFeePerGas */
	uint64_t gas;         /* limit */
	bool creates;         /* a contract: `to` is not looked at */
	struct addr to;
	struct u256 value; /* wei */
	struct bytes data; /* borrowed */
};

/* Appends the bytes that a node takes; *hash is the transaction's. KEY or the signer's own error; TOO_LARGE past
 * EVM_TX_MAX bytes. The access list is empty. */
MUST bool evm_tx_sign(const struct evm_tx *tx, const struct signer *who, struct buf *raw,
        struct hash *hash, struct err *e);
/* The hash that is signed. */
MUST bool evm_tx_digest(const struct evm_tx *tx, struct hash *out, struct err *e);
/* A signed transaction, its sender and its hash; data borrows from raw. ENCODING: no EIP-1559 transaction, or one
 * with an access list; SIGNATURE. */
MUST bool evm_tx_read(
        struct bytes raw, struct evm_tx *tx, struct addr *from, struct hash *hash, struct err *e);
/* Where the contract that an account makes with that nonce will be (Yellow Paper, equation 88). */
void evm_created(const struct addr *who, uint64_t nonce, struct addr *out);

#endif
