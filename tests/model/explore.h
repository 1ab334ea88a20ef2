/* explore.h - what the files of the exhaustive exploration share: a run, its graph of states, and the
 * properties that are counted. */
#ifndef LILYPAD_MODEL_EXPLORE_H
#define LILYPAD_MODEL_EXPLORE_H

#include "base/map.h"
#include "market.h"

/* Who may do what, and what is true outside the ledger. */
struct run {
	const char *name;
	bool mediated;
	bool pair; /* two deals with a nonce each, side by side; nobody forges or takes money away */
	enum who honest; /* JC or RP: keeps to the rules and to its deadlines; PARTIES: nobody */
	bool sound;      /* the job: spec, module and inputs can be had */
	bool served;     /* RP's output can be had */
	bool liar; /* the mediator rules as it likes; else it tells the truth, passes or is silent */
	bool late;    /* the honest party misses its deadlines */
	bool rows;    /* its transitions are the table */
	bool control; /* a bound must be broken here, or the bounds show nothing */
};

enum property {
	P_CONSERVED,  /* 5.15 (a), (c), and who gains what another loses */
	P_RELEASED,   /* 5.15 (b) */
	P_APART,      /* 5: a lock belongs to its deal; no deal is paid from another's */
	P_NOT_STUCK,  /* 5.15 (d): one party alone, or anyone after a deadline */
	P_SILENCE,    /* 5.15 (d): with all parties silent, timeouts alone reach a final state */
	P_EXCLUSIVE,  /* 4.1 */
	P_ABSORBING,  /* 4.2 */
	P_IDEMPOTENT, /* 4.3 */
	P_NO_EFFECT,  /* what is refused or repeated changes nothing; a forgery is always refused */
	P_TABLE,      /* each change of state is one of states.def */
	P_NONCE,      /* 2.2, 8.4: one nonce opens one deal, a burnt one none */
	P_REACHED,    /* every row of the table is taken, and every move has an effect somewhere */
	P_HONEST_JC,  /* 5.15 (e) */
	P_HONEST_RP,  /* 5.15 (e) */
	PROPERTIES
};

#define NO_NODE UINT32_MAX

struct node {
	struct view v;
	uint32_t parent;
	uint32_t tick;           /* the state an instant later; NO_NODE: the clock may not go on */
	uint32_t timeout[DEALS]; /* the state after a timeout; NO_NODE: it has no effect */
	uint16_t move;           /* from the parent; MOVES_MAX: a tick */
	uint16_t depth;
	uint16_t effects;  /* moves with an effect */
	bool alone[DEALS]; /* some party alone, or anyone, can move the deal on */
};

struct graph {
	const struct run *run;
	struct market m;
	struct node *nodes;
	uint32_t n, cap;
	struct map index; /* struct view -> uint32_t */
	struct map rows;  /* row text -> uint8_t */
	uint32_t moves;   /* with an effect */
	uint64_t tries;   /* moves sent */
	unsigned depth;
	uint32_t taken[SM_STATES_MAX];  /* bit set of the states that followed */
	uint32_t had_effect[MOVES_MAX]; /* how often */
	uint64_t checks[PROPERTIES], broken[PROPERTIES];
};

/* One move that was sent in a state. */
struct step {
	uint32_t from;
	unsigned k;
	bool ok, effect;
	enum err_code code;        /* of a refusal */
	const struct view *before; /* the state */
	struct view after;
};

#define ROW_MAX 240

/* Counts a check; the first that fails is printed with the moves that lead there. */
void holds(struct graph *g, enum property p, bool ok, const struct step *s, const char *what);

/* ---- honest.c ---- */
/* May the move be made in this run, by one who keeps to the rules where the run says so? */
bool run_allows(const struct run *r, const struct view *v, const struct move *k);
/* The honest party has an instant left: it acts before the clock goes on. */
bool run_waits(const struct run *r, const struct view *v);
void check_bounds(struct graph *g, const struct step *s);

/* ---- rows.c ---- */
void row_add(struct graph *g, const struct step *s);
/* Sorted, one a line, to a file. */
MUST bool rows_write(const struct graph *g, const char *path);

#endif
