/* scenario.h - a story as a short text: who there is, what is bought, what goes wrong, how it may end.
 *
 *   # a comment
 *   story     what it is about
 *   seeds     N                       with how many seeds `make sim` plays it
 *   market    min=10s submit=5m judge=5m mediate=5m mediators=1 backlog=N limit=2h
 *   ledger    chain block=2s delay=1s jitter=1s depth=3 lose=P shuffle keep-failed
 *   provider  NAME [parallel=N] [price=N] [broken] [silent] [misbehaves=MODE]
 *   creator   NAME [daemon] [misbehaves=MODE]
 *   mediator  [misbehaves=MODE]       without this line there is none behind its account
 *   directory misbehaves=MODE
 *   job       CREATOR [at=T] [count=N] [queue=T] [price=N] [check=POLICY] [copies=N] [every=T]
 *             [detach] [key=WORD] [cancel=T] [again=T]
 *   faults    KIND=P ... [delay=T] [down=T] [from=T] [until=T]     P: per mille; KIND: see fault.def
 *   wild      N                       the seed decides on all rates, and on up to N mishaps until then
 *   partition A B at=T for=T
 *   crash     A at=T [for=T]
 *   crash     A each [for=T]           once at every boundary of its effects, a run for each
 *   stop      A at=T [for=T]
 *   jump      A at=T by=T [back]
 *   pass      at=T by=T                block time runs ahead
 *   reorg     at=T blocks=N [lose=P]   with `ledger chain`
 *   deals     STATE ...                ends that a deal may come to besides RESULTS_ACCEPTED
 *   expect    done=N [failed=N] [cancelled=N] [at-least]
 *
 * T is a span such as 90s or 500ms. A node is named as its party: ledger, solver, directory, NAME, and a
 * `run` as its creator with the number of the job, NAME-1. */
#ifndef LILYPAD_SIM_SCENARIO_H
#define LILYPAD_SIM_SCENARIO_H

#include "base/bounds.h"
#include "base/err.h"
#include "base/when.h"
#include "model/model.h"
#include "verify/audit.h"

#define PARTIES_MAX  24
#define JOBS_MAX     32
#define MISHAPS_MAX  32
#define WILD_MAX     16
#define WILD_FOR_S   30          /* of one of them, at most */
#define SCENARIO_MAX (64u << 10) /* bytes of its file */

enum node_kind {
	NODE_LEDGER,
	NODE_SOLVER,
	NODE_DIRECTORY,
	NODE_PROVIDER,
	NODE_CREATOR,
	NODE_MEDIATOR,
	NODE_RUN
};

enum fault_kind {
#define FAULT(id, name, meaning) FAULT_##id,
#include "fault.def"
#undef FAULT
	FAULT_KINDS
};
extern const char *const fault_names[FAULT_KINDS];

struct party {
	enum node_kind kind;
	char name[NAME_MAX_ + 1];
	unsigned parallel;
	uint64_t price;
	bool broken;         /* its executor fails always */
	bool silent;         /* it never answers a deal: its outgoing requests are lost */
	char misbehaves[32]; /* as `--test-misbehave` calls it; "": honest */
	bool daemon;         /* of a creator: takes over the jobs of dead processes */
};

/* A process that a person starts to buy one job. */
struct wanted_job {
	const struct party *creator;
	unsigned number;               /* of that creator, from 1 */
	struct span at, queue, cancel; /* cancel: so long after its start; 0: never */
	struct span again; /* the same command is given again so long after its process crashed */
	uint64_t count, price;
	bool detach;
	struct audit_policy check;
	char key[64];
};

enum mishap_kind {
	MISHAP_PARTITION,
	MISHAP_CRASH,
	MISHAP_STOP,
	MISHAP_JUMP,
	MISHAP_PASS,
	MISHAP_REORG
};

struct mishap {
	enum mishap_kind kind;
	char a[NAME_MAX_ + 1], b[NAME_MAX_ + 1];
	struct span at, how_long;
	unsigned blocks, lose;
};

struct scenario {
	char file[256], story[256];
	unsigned seeds;
	struct span min, submit, judge, mediate, limit;
	unsigned mediators;
	size_t backlog;
	struct {
		bool on, shuffle, keep_failed;
		struct span block, delay, jitter;
		unsigned depth, lose;
	} chain;
	struct party parties[PARTIES_MAX];
	size_t parties_n;
	struct wanted_job jobs[JOBS_MAX];
	size_t jobs_n;
	unsigned faults[FAULT_KINDS]; /* per mille */
	struct span delay, down, from, until;
	unsigned wild; /* mishaps that are drawn, at most; 0: nothing is */
	struct mishap mishaps[MISHAPS_MAX];
	size_t mishaps_n;
	char each[NAME_MAX_ + 1]; /* crashes at every boundary; "": nobody */
	struct span each_down;
	uint32_t ends; /* bit set of enum deal_state */
	bool expects, at_least;
	unsigned done, failed, cancelled;
};

/* CONFIG names the file and the line. */
MUST bool scenario_read(const char *path, struct scenario *out, struct err *e);
/* The last instant at which something goes wrong by plan. */
struct span scenario_quiet(const struct scenario *sc);

#endif
