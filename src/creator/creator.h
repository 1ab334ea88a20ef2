/* creator.h - the job creator (protocol 1): posts job offers, signs first the deal that follows from
 * one, fetches and verifies the result, judges, pays. The same role inside `lilypad run` and as the
 * daemon `lilypad creator`; several processes share one store, each drives the jobs that it owns. */
#ifndef LILYPAD_CREATOR_CREATOR_H
#define LILYPAD_CREATOR_CREATOR_H

#include <jansson.h>

#include "port/peer.h"
#include "verify/audit.h"

#include "model/record_struct.h"
#include "creator/tables.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "creator/tables.def"
#include "model/record_end.h"

enum job_state {
#define S(name, value, flags, next, meaning) JOB_##name = (value),
#include "creator/job_state.def"
#undef S
};
extern const struct sm job_states;
/* What became of the question whether a result is checked. */
enum job_audit {
	JOB_AUDIT_OPEN,       /* not asked yet */
	JOB_AUDIT_NOT_DRAWN,  /* accepted as it is */
	JOB_AUDIT_DRAWN,      /* to be run again here */
	JOB_AUDIT_GOOD,       /* run again here: the same */
	JOB_AUDIT_BAD,        /* run again here, or looked at: wrong */
	JOB_AUDIT_IMPOSSIBLE, /* it could not be run here */
	JOB_AUDITS
};
/* Of a job's outputSeen: how its output came here. */
enum { JOB_HAD_NONE, JOB_HAD, JOB_HAD_JUDGED };
/* "not drawn", … */
const char *job_audit_name(unsigned audit);
/* Every table of the role, for a command that only reads; ends with NULL. */
extern const struct record *(*const creator_tables[])(void);

/* What is shown of a job: new reference. */
json_t *creator_job_json(const struct creator_job *j);
/* The job that an idempotency key names. "" names none, nor does a key that is too long to be kept; a job that came
 * to nothing and cost nothing frees its key. */
MUST bool creator_job_by_key(const struct store *s, const char *key, struct creator_job *out,
        bool *found, struct err *e);

#define CREATOR_JOBS_MAX     1024 /* unfinished jobs of one process: more are refused with BUSY */
#define CREATOR_ATTEMPTS_MAX 5    /* providers that are tried before a job fails */

/* A job to be bought. */
struct creator_request {
	const struct job_spec *spec; /* its trees are in the blob store */
	struct job_offer offer;      /* all but jobCreator, spec, createdAt, nonce, expiry */
	struct span queue;           /* how long it may wait for a match */
	struct audit_policy check;   /* how often its result is checked (7.6) */
	/* Settlement `channel`: which, as the ledger has it; id zero: escrow. What the store knows of it already
	 * counts more. */
	struct creator_channel channel;
	uint64_t least_number; /* 9.5: above every number that a deal in it was made with */
	uint64_t
	        number; /* of a job that config.contract buys: the nonce of its offer; its spec, program and inputs
	                  * are in the directory already. 0: a job of our own */
	char key[128]; /* idempotency key, or "" */
	char out[1024];
};

struct creator_config {
	struct peer solver;
	struct peer directory;
	struct peer mediators[MEDIATORS_MAX]; /* that can be asked for what they judged (6.8) */
	size_t mediators_n;
	struct hash domain;
	struct genesis genesis;
	uint8_t owner[16];      /* of this process; zero: the daemon, which adopts */
	uint64_t solver_cursor; /* messages after it are wanted */
	uint64_t ledger_seq;    /* the ledger's events after it will be told */
	uint64_t send_nonce;    /* of our next Send, as the ledger has it */
	struct addr
	        contract; /* that is JC of all jobs, for which our key signs (docs/contracts.md); zero: we are */
	/* 9.5: the next one of its job offers as ledger and solver know it; 0: not asked */
	uint64_t least_nonce;
	unsigned confirm_s; /* acts that much before a deadline (4.1) */
	bool can_run;       /* there is an executor here: results can be checked */
	unsigned checks;    /* runs at once; 0: one */
	uint32_t share_ppm; /* what running a job costs a provider at most, of its price (7.6) */
	struct amount cap_per_day; /* zero: none; the sum of the ceilings of a day's jobs */
	/* Does the process with that token live? The daemon takes over the jobs of dead ones. NULL: never. */
	bool (*alive)(void *ctx, const uint8_t owner[16]);
	void *ctx;
	/* Keeps an output of the blob store beyond this process, where nobody else may have it: of our own run, or
	 * given by a mediator. NULL: they go with the process. */
	bool (*keep_output)(void *ctx, const struct cid *root, struct err *e);
	void *keep_ctx;
	const struct creator_request *first; /* a job to start with, or NULL */
	/* Asked after every event, with how many jobs are unfinished, until it gives NULL: a job to start. The
	 * request is borrowed for the call. NULL: none. How a program that buys many jobs feeds the role. */
	const struct creator_request *(*next)(void *ctx, size_t unfinished);
	void *next_ctx;
	bool cancel_at_once; /* cancel what is taken over, as far as that is free */
	struct hash resume;  /* a job to take over, or zero */
	bool detach;         /* exit once `first` is acknowledged, leaving it to the daemon */
	bool exit_when_done; /* exit when no job of ours is left */
	/* Jobs are taken over without the solver's stream, and whoever is out of reach is asked again for as long
	 * as the ledger's deadlines leave time. Else the process ends when the solver cannot be followed. */
	bool patient;
};

struct creator;
MUST bool creator_new(
        struct world *w, const struct creator_config *c, struct creator **out, struct err *e);
struct role creator_role(struct creator *c);
/* Test instruments: what a job creator can do wrong on purpose. */
enum creator_misbehaviour {
	CREATOR_HONEST,
	CREATOR_WITHHOLDS,
	CREATOR_REJECTS_FALSELY, /* with a policy of AUDIT_RATE PPM_ONE */
	CREATOR_NEVER_JUDGES
};
/* The role with that done to it; lives as long as c. */
struct role creator_misbehaving(struct creator *c, enum creator_misbehaviour how);
struct creator *creator_free(struct creator *c);
/* Ask to cancel every job of this process as far as that is free; called from the loop, acts at the
 * next event (a timer with TAG_CANCEL is how a command raises it). */
void creator_cancel(struct creator *c);
/* The same of the jobs of a contract's number that is bought no more. False: too many wait for the next event. */
#define CREATOR_DROPS_MAX 64
MUST bool creator_drop(struct creator *c, uint64_t number);

#endif
