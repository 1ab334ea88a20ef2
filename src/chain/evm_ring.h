/* evm_ring.h - which blocks a follower has read, by their hashes, so that it notices when it starts that the chain has
 * replaced some of them meanwhile, and finds the last one that it has in common with it. Kept in a file beside the
 * follower's own store. */
#ifndef LILYPAD_CHAIN_EVM_RING_H
#define LILYPAD_CHAIN_EVM_RING_H

#include "base/defs.h"
#include "base/err.h"
#include "base/str.h"

#define EVM_RING_BLOCKS   256 /* the oldest are forgotten past it */
#define EVM_RING_ACCOUNTS 256 /* whose balances were told, the latest ones */

struct evm_ring_block {
	uint64_t number;
	struct hash hash;
};

struct evm_ring_account {
	uint64_t number; /* of the block as of which its balance was told last */
	struct addr account;
};

struct evm_ring {
	uint64_t
	        shift; /* added to a block's number in an event's seq, so that what is told again is new */
	uint64_t mend_above; /* balances told as of later blocks are to be told anew; 0: none */
	size_t n;
	struct evm_ring_block blocks[EVM_RING_BLOCKS]; /* ascending */
	size_t accounts_n;
	struct evm_ring_account accounts[EVM_RING_ACCOUNTS];
};

/* A block was read. One that is not above the last is none. */
void evm_ring_add(struct evm_ring *r, uint64_t number, const struct hash *hash);
/* The account's balance was told as of that block. */
void evm_ring_touch(struct evm_ring *r, uint64_t number, const struct addr *who);
/* Blocks above `number` are forgotten. */
void evm_ring_cut(struct evm_ring *r, uint64_t number);

/* No file: an empty ring. IO; ENCODING: a file that is not understood, with its path. */
MUST bool evm_ring_load(const char *path, struct evm_ring *out, struct err *e);
MUST bool evm_ring_save(const char *path, const struct evm_ring *r, struct err *e);
/* The file's text. ENCODING. */
MUST bool evm_ring_parse(struct str text, struct evm_ring *out, struct err *e);

#endif
