/* eth_proof.h - that a log is in a block of an Ethereum chain (protocol 9.4): the block's header, whose Keccak-256 is
 * the block's hash, and the way from its receiptsRoot to the receipt of the transaction that wrote the log (Yellow
 * Paper 4.3.1 and 4.4; EIP-658, EIP-2718). Pure. What it does not prove is that the block is one of the chain: whoever
 * checks must know its hash from elsewhere. */
#ifndef LILYPAD_CODEC_ETH_PROOF_H
#define LILYPAD_CODEC_ETH_PROOF_H

#include "base/buf.h"
#include "base/err.h"

#define ETH_HEADER_MAX 2048        /* bytes of a header */
#define ETH_PATH_MAX   (40u << 10) /* bytes of a path; the receipt is in it */
#define ETH_TOPICS_MAX 4
#define ETH_INDEX_MAX  65535u /* of a transaction in a block, and of a log in a receipt */

struct eth_proof {
	struct hash block; /* hash of the header */
	size_t header_n;
	uint8_t header[ETH_HEADER_MAX]; /* RLP */
	uint32_t tx;                    /* index of the transaction in the block */
	uint32_t log;                   /* index of the log in the transaction's receipt */
	size_t path_n;
	uint8_t path[ETH_PATH_MAX]; /* as codec/mpt.h says */
};

/* What a header says, as far as it is of use. */
struct eth_head {
	uint64_t number, time_s;
	struct hash receipts_root;
};
/* TAMPERED: it is no header. The fields of later forks may follow those of the first. */
MUST bool eth_head_read(struct bytes header, struct eth_head *out, struct err *e);

/* A log; it borrows. */
struct eth_log {
	struct addr account;
	size_t topics_n;
	struct hash topics[ETH_TOPICS_MAX];
	struct bytes data;
};
/* The log of that index in a receipt as the tree holds it, with the byte of its type before it. TAMPERED: it is no
 * receipt, it is of a transaction that failed, or it has no such log. */
MUST bool eth_receipt_log(struct bytes receipt, uint32_t index, struct eth_log *out, struct err *e);

/* The key of a transaction in its block's trees: its index in RLP. */
#define ETH_KEY_MAX 5
size_t eth_index_key(uint32_t index, uint8_t out[ETH_KEY_MAX]);

/* Three checks, each of which stands alone. TAMPERED says what is wrong. */
MUST bool eth_proof_hash(const struct eth_proof *p, struct err *e);
/* *receipt borrows from the path. */
MUST bool eth_proof_receipt(const struct eth_proof *p, const struct hash *receipts_root,
        struct bytes *receipt, struct err *e);
/* All of them: the header's hash is the block's, the receipt is under its root, and the log is in it. */
MUST bool eth_proof_check(
        const struct eth_proof *p, struct eth_head *head, struct eth_log *log, struct err *e);

#endif
