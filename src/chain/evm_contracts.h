/* evm_contracts.h - accounts that are contracts, asked of the chain (protocol 1.1): by ERC-1271, at the newest block.
 *
 * A wallet takes the signature as it is. A contract of jobs (contracts/src/OnChainJobs.sol) has as many judges as jobs:
 * it is shown the number of the job, the kind OFF_LEDGER and the document's struct hash before the signature, and says
 * as well what was ordered for that job.
 *
 * Answers are kept for a minute, of signatures that are not valid for some seconds. */
#ifndef LILYPAD_CHAIN_EVM_CONTRACTS_H
#define LILYPAD_CHAIN_EVM_CONTRACTS_H

#include "chain/evm_rpc.h"
#include "port/port.h"

#define EVM_VOUCHES_MAX   4096 /* answers that are kept: all are forgotten past it */
#define EVM_QUESTIONS_MAX 64   /* at once: what comes past it waits without being asked */

/* CONFIG as evm_rpc_new(). out->stop releases it; the loop must run once more to close the handles. */
MUST bool evm_contracts_open(const struct evm_rpc_options *o, struct contracts *out, struct err *e);

/* The parameters of eth_call for isValidSignature of that account; numbered: as a contract of jobs wants it. New
 * reference; NULL: no memory. */
json_t *evm_vouch_call(const struct vouch_for *v, bool numbered);
/* The answer to that is a yes. */
MUST bool evm_vouched(const struct evm_answer *a);

#endif
