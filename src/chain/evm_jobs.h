/* evm_jobs.h - a contract of jobs (contracts/src/OnChainJobs.sol) as the keeper of one judge's jobs sees it: tells of
 * orders that wait for a deal, and sends what anybody may send: the end of a job, so that its buyer is called; what
 * moves its refund out of the ledger and to the buyer; the cancel of an order that nobody took in time.
 *
 * Orders are read from the logs, and told when their block is final. How a job stands is asked at the newest block, so
 * a restart, or another keeper of the same jobs, changes nothing: each step is refused the second time. Transactions
 * are those of evm_send.h. */
#ifndef LILYPAD_CHAIN_EVM_JOBS_H
#define LILYPAD_CHAIN_EVM_JOBS_H

#include <uv.h>

#include "http/client.h"
#include "port/port.h"

#define EVM_JOBS_MAX 1024 /* that are not over: orders past it are read when others have ended */

struct evm_job {
	uint64_t number; /* the nonce of its offer */
	struct addr buyer;
	struct hash spec;
	struct amount pay, bond; /* the most for PAY and JB */
	struct btime match_by;
};

struct evm_jobs_options {
	uv_loop_t *loop;
	struct http_client *client;
	const char *urls; /* of the nodes */
	uint64_t chain_id;
	struct hash genesis;
	struct addr controller, contract;
	uint64_t from_block; /* in which the Controller was made */
	unsigned depth;
	const char *dir;      /* where transactions are written down */
	struct signer signer; /* the judge, whose account pays for gas */
	struct logger log;
	uint64_t max_fee_wei;
	struct span stuck;
	/* An order waits; told at each look, about once a second, for as long as it does. */
	void (*waits)(void *ctx, const struct evm_job *j, struct btime now);
	/* It was taken back, or nobody took it in time; told once or, after a restart, again. */
	void (*gone)(void *ctx, uint64_t number);
	void *ctx;
};

struct evm_jobs;
/* The texts are copied. CONFIG, IO. */
MUST bool evm_jobs_open(const struct evm_jobs_options *o, struct evm_jobs **out, struct err *e);
/* The loop must run once more to close the handles. */
struct evm_jobs *evm_jobs_close(struct evm_jobs *m); /* returns NULL */

#endif
