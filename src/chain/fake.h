/* fake.h - a ledger in the process, for tests and simulation: the pure rules behind the port, with the
 * manners of a chain. Actions take their time, get lost, are shuffled, are included in blocks that may
 * vanish again, and become final at a depth: every role must live with all of it. It has no clock and no
 * randomness but those that it is given, so a run repeats. */
#ifndef LILYPAD_CHAIN_FAKE_H
#define LILYPAD_CHAIN_FAKE_H

#include "ledger/ledger.h"
#include "port/adapters.h"

struct fake_options {
	const struct genesis *genesis;
	struct ledger_options rules; /* the verify hook */
	uint64_t seed;               /* of what is lost, shuffled and late */
	struct mono start;           /* when the ledger is at the time of its genesis */
	struct span delay, jitter;   /* an action arrives after delay, up to jitter later */
	struct span block_every;     /* a block, also an empty one; 0: 1 s */
	unsigned depth;              /* final when so many blocks lie on top; 0: at once */
	unsigned lose;               /* per cent of actions that never arrive: DROPPED, TIMEOUT */
	bool shuffle;                /* the actions of a block in any order */
	bool keep_failed; /* what the rules refuse is INCLUDED and FINAL with `failed`, as on a
	                               * chain, and not DROPPED */
};

struct fake;

/* As ledger_new(). */
MUST bool fake_new(const struct fake_options *o, struct fake **out, struct err *e);
struct fake *fake_free(struct fake *f); /* returns NULL; its ports are gone with it */
/* A port for one role; at most FAKE_PORTS_MAX. Its notes come from within fake_run(). Events are told when
 * their block is final, in order; so is the time. */
#define FAKE_PORTS_MAX 64
void fake_port(struct fake *f, struct ledger_port *out);

/* Everything up to now: arrivals, blocks, notes. now must not go back. */
void fake_run(struct fake *f, struct mono now);
/* When there is something to do next. */
struct mono fake_next(const struct fake *f);

/* The newest n blocks, as far as they are not final, vanish: their actions wait for a block again, but for
 * `lose` per cent of them, which are DROPPED (STALE). Returns how many blocks vanished. */
unsigned fake_reorg(struct fake *f, unsigned n, unsigned lose);
/* Block time runs ahead by so many seconds from the next block on. */
void fake_pass(struct fake *f, uint64_t s);
/* down: LEDGER_DOWN; what is submitted is DROPPED (UNREACHABLE), no blocks are made. Up again: LEDGER_UP. */
void fake_down(struct fake *f, bool down);

struct btime fake_time(const struct fake *f); /* of the newest block */
/* The rules at the newest block; valid until the next call that may reorganise. */
const struct ledger *fake_rules(const struct fake *f);

#endif
