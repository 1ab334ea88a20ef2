/* evm_jobs_own.h - what the two halves of evm_jobs share. */
#ifndef LILYPAD_CHAIN_EVM_JOBS_OWN_H
#define LILYPAD_CHAIN_EVM_JOBS_OWN_H

#include "chain/evm_deal.h"
#include "chain/evm_jobs.h"
#include "chain/evm_rpc.h"
#include "chain/evm_send.h"

/* Job.state of the contract. */
enum { JOB_IS_WAITING = 1, JOB_IS_OPENED, JOB_IS_ENDED, JOB_IS_CANCELLED };

struct kept {
	struct evm_job j;
	uint8_t state; /* 0: not asked yet */
	uint64_t batch;
	struct amount refund;
	struct hash deal;
	struct evm_deal d;      /* by its logs */
	struct hash last;       /* the transaction of the last of them */
	struct mono not_before; /* a step that was refused is tried again */
};

/* One round: head, new orders, the batch of refunds, then each job, one question at a time. */
struct evm_jobs {
	struct evm_jobs_options o;
	char urls[2048], dir[1024];
	struct evm_rpc *rpc;
	struct evm_send *send;
	struct kept jobs[EVM_JOBS_MAX];
	size_t n, at;        /* the job at hand */
	bool busy;           /* a round is under way */
	bool over;           /* the job at hand has ended */
	uint64_t head, read; /* orders up to that block are read */
	struct btime now;
	/* Of the contract. */
	uint64_t batch;
	struct btime leaves_at;
	struct amount waiting;
	struct hash end; /* Verdict or Pass of the deal at hand */
	struct deal whole;
	uv_timer_t poll;
	bool closing;
};

/* ---- evm_jobs.c ---- */
/* Asks; the round ends when it cannot. */
void jobs_ask(struct evm_jobs *m, const char *method, json_t *params, evm_done done);
/* A call of a contract that changes nothing. */
void jobs_view(struct evm_jobs *m, const struct addr *to, const char *signature,
        const struct abi_leaf *args, size_t n, evm_done done);
/* Its answer's leaves: exactly n of them. False: the round is over, and it has been said why. */
MUST bool jobs_leaves(struct evm_jobs *m, const struct evm_answer *a, const char *types,
        struct buf *data, struct abi_leaf *out, size_t n);
void jobs_round_over(struct evm_jobs *m, const struct err *why);
/* Sends a call of the contract that is known by its name and a number: once, while it is on its way. */
void jobs_send(struct evm_jobs *m, const char *signature, uint64_t number,
        const struct abi_leaf *args, size_t n, uint64_t gas);
/* On to the next job. */
void jobs_next(struct evm_jobs *m);

/* ---- evm_jobs_end.c ---- */
/* The deal of the job at hand: if it has ended, so does the job. */
void jobs_end(struct evm_jobs *m);

#endif
