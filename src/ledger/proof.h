/* proof.h - blocks of the embedded ledger (protocol 8.1): what their root is over, when one follows from
 * another, and the proof that an action with its event is in one: the signed header and a path. */
#ifndef LILYPAD_LEDGER_PROOF_H
#define LILYPAD_LEDGER_PROOF_H

#include <jansson.h>

#include "codec/merkle.h"
#include "model/model.h"

#define BLOCK_STEP_S 60 /* block time advances at most so far, except on a test ledger */

/* Block 0 has no actions; its parent is the struct hash of the genesis, its time that of the genesis. */
void block_genesis(const struct genesis *g, struct block *out);
/* A leaf: Keccak-256(action id ‖ Keccak-256(canonical JSON of the event)). */
void block_leaf(const struct hash *action, struct bytes event, struct hash *out);
/* TAMPERED unless b has the next number, the hash of `before` as its parent, a time that is not earlier
 * and at most BLOCK_STEP_S later, and the operator's signature under the ledger's domain. */
MUST bool block_follows(const struct block *b, const struct sig *sig, const struct block *before,
        const struct genesis *g, const struct hash *domain, struct err *e);

/* An action in a block. */
struct proof {
	struct block block;
	struct sig sig; /* of the operator */
	struct merkle_path path;
};
/* TAMPERED: not signed by the operator, or the action with that event is not under the block's root. */
MUST bool proof_check(const struct proof *p, const struct hash *action, struct bytes event,
        const struct addr *operator_, const struct hash *domain, struct err *e);
/* {"block", "signature", "path": {"index", "count", "siblings"}}; other members are passed over. */
json_t *proof_to_json(const struct proof *p);
MUST bool proof_from_json(const json_t *j, struct proof *out, struct err *e);

#endif
