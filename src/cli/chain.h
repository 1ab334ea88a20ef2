/* chain.h - what commands do with a ledger on an EVM chain: deploy it, deposit tokens, pay for gas. */
#ifndef LILYPAD_CLI_CHAIN_H
#define LILYPAD_CLI_CHAIN_H

#include "cli/cli.h"
#include "port/action.h"

/* What a new ledger on a chain is made of. */
struct chain_plan {
	const char *urls;    /* of the chain's nodes */
	struct addr token;   /* zero: one of our own is made, all of which the deployer has */
	struct addr pauser;  /* who may refuse new deals for a time; zero: nobody */
	unsigned depth;      /* final when so many blocks lie on top */
	unsigned block_time; /* seconds */
};

/* Deploys with the key of w, whose genesis n->genesis already says name, symbol, decimals (of a new token), MIN, LIFE,
 * unbonding and test; fills what n has of the chain, and the genesis's time. FUNDS, WRONG_LEDGER, CLOCKS, … */
MUST bool chain_deploy(const struct cli *c, struct wallet *w, const struct chain_plan *p,
        struct network_file *n, struct err *e);
/* A contract of jobs (contracts/src/OnChainJobs.sol) beside the network's Controller. */
MUST bool chain_deploy_jobs(const struct cli *c, struct wallet *w, const struct network_file *n,
        struct addr *out, struct err *e);
/* There is one at that address. WRONG_LEDGER. */
MUST bool chain_check_jobs(const struct cli *c, const struct addr *contract, struct err *e);
/* Deposits tokens of w for an account. FUNDS: which account, what it has, needs, and lacks. */
MUST bool chain_deposit(const struct cli *c, struct wallet *w, const struct network_file *n,
        const struct addr *to, struct amount amount, struct hash *tx, struct err *e);
/* Carries an action that shows no deal: of accounts and channels. w pays for gas. The contract's refusal; STATE: it
 * is of another kind; NOT_FOUND: its channel is not on the ledger. *tx: the transaction, which is final. */
MUST bool chain_submit(const struct cli *c, struct wallet *w, const struct action *a,
        struct hash *tx, struct err *e);
/* Sends the chain's coin. */
MUST bool chain_pay(const struct cli *c, struct wallet *w, const struct addr *to, struct u256 wei,
        struct err *e);
/* Sends `want` wei of w's to an account that has less than a tenth of it. *sent: it was done. */
MUST bool chain_gas(const struct cli *c, struct wallet *w, const struct addr *to, struct u256 want,
        bool *sent, struct err *e);

#endif
