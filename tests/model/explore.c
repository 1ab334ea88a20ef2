/* explore.c - the rules of src/ledger, exhaustively: from an empty ledger every move of everybody in every
 * state that can be reached, an instant of time being a move as well, until nothing new comes. A state is
 * reached again by playing its moves on a fresh ledger, so that only the public interface is used.
 *
 *   explore DIR    explores all runs; writes DIR/rows-single.txt and DIR/rows-none.txt
 *
 * Exit status 0: every property holds, and every control breaks its bound. docs/model.md says more. */
#include "explore.h"

#include <stdio.h>
#include <stdlib.h>

#define NODES_MAX 1000000u /* above it the exploration gives up, and fails */
#define SHOWN_MAX 3        /* broken properties that are printed, a run */

/* clang-format off */
static const struct run runs[] = {
	/* name                                   mediated pair   honest   sound  served liar   late   rows   control */
	{"single",                                true,    false, PARTIES, true,  true,  true,  false, true,  false},
	{"none",                                  false,   false, PARTIES, true,  true,  true,  false, true,  false},
	{"pair",                                  true,    true,  PARTIES, true,  true,  true,  false, false, false},
	{"single: honest JC",                     true,    false, JC,      true,  true,  false, false, false, false},
	{"single: honest JC, bytes withheld",     true,    false, JC,      true,  false, false, false, false, false},
	{"single: honest JC, faulty job",         true,    false, JC,      false, true,  false, false, false, false},
	{"single: honest RP",                     true,    false, RP,      true,  true,  false, false, false, false},
	{"single: honest RP, faulty job",         true,    false, RP,      false, true,  false, false, false, false},
	{"none: honest JC",                       false,   false, JC,      true,  true,  false, false, false, false},
	{"none: honest RP",                       false,   false, RP,      true,  true,  false, false, false, false},
	{"control: JC and a mediator that lies",  true,    false, JC,      true,  true,  true,  false, false, true},
	{"control: RP and a mediator that lies",  true,    false, RP,      true,  true,  true,  false, false, true},
	{"control: a JC that is late",            true,    false, JC,      true,  true,  false, true,  false, true},
	{"control: an RP that is late",           true,    false, RP,      true,  true,  false, true,  false, true},
};
static const struct {
	const char *clause, *text;
} properties[PROPERTIES] = {
	[P_CONSERVED]  = {"5.15 (a) (c)", "money in = money out, no balance negative"},
	[P_RELEASED]   = {"5.15 (b)",     "each lock released once, when the deal is final"},
	[P_APART]      = {"5",            "a lock belongs to its deal; no deal is paid from another's"},
	[P_NOT_STUCK]  = {"5.15 (d)",     "a way out that one party, or anyone later, can cause"},
	[P_SILENCE]    = {"5.15 (d)",     "timeouts alone end every deal"},
	[P_EXCLUSIVE]  = {"4.1",          "party before the deadline, anyone from it on: never both or neither"},
	[P_ABSORBING]  = {"4.2",          "final states absorb"},
	[P_IDEMPOTENT] = {"4.3",          "a repetition is no error and has no effect"},
	[P_NO_EFFECT]  = {"4.3",          "what is refused changes nothing; forgeries are refused"},
	[P_TABLE]      = {"4",            "every change of state is in the table of states"},
	[P_NONCE]      = {"2.2, 8.4",     "a nonce opens one deal, a burnt one none"},
	[P_REACHED]    = {"4, 5",         "every row of the table is taken, every move has an effect somewhere"},
	[P_HONEST_JC]  = {"5.15 (e)",     "an honest job creator, at worst"},
	[P_HONEST_RP]  = {"5.15 (e)",     "an honest provider, at worst"},
};
/* clang-format on */

/* ---- states ------------------------------------------------------------------------------------- */

static void give_up(const char *why)
{
	fprintf(stderr, "explore: %s\n", why);
	exit(2);
}

/* The number of the state; a new one is put at the end. */
static uint32_t node_of(struct graph *g, const struct view *v, uint32_t parent, unsigned move)
{
	bool fresh;
	uint32_t *at = map_put(&g->index, v, &fresh);
	struct node *n;

	if (!at)
		give_up("too many states");
	if (!fresh)
		return *at;
	if (g->n == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 1024;
		g->nodes = realloc(g->nodes, g->cap * sizeof *g->nodes);
		if (!g->nodes)
			give_up("no memory");
	}
	*at = g->n++;
	n = &g->nodes[*at];
	*n = (struct node){.v = *v, .parent = parent, .tick = NO_NODE, .move = (uint16_t)move};
	for (unsigned d = 0; d < DEALS; d++)
		n->timeout[d] = NO_NODE;
	if (parent != NO_NODE) {
		n->depth = (uint16_t)(g->nodes[parent].depth + 1);
		g->depth = MAX2(g->depth, n->depth);
	}
	return *at;
}

/* The moves that lead to a state, first to last. */
static unsigned path_to(const struct graph *g, uint32_t to, uint16_t path[], unsigned max)
{
	unsigned n = g->nodes[to].depth, at = n;

	if (n > max)
		give_up("a path is too long");
	for (; at > 0; to = g->nodes[to].parent)
		path[--at] = g->nodes[to].move;
	return n;
}

enum { STEPS_MAX = 256 };

/* The ledger of a state. */
static void replay(struct graph *g, uint32_t to)
{
	uint16_t path[STEPS_MAX];
	unsigned n = path_to(g, to, path, STEPS_MAX);

	market_begin(&g->m);
	for (unsigned i = 0; i < n; i++) {
		bool effect = true;

		if (path[i] == MOVES_MAX)
			g->m.p.now.s++;
		else if (!market_do(&g->m, path[i], &effect) || !effect)
			give_up("the same moves do not lead to the same ledger");
	}
}

static void print_path(const struct graph *g, uint32_t to)
{
	uint16_t path[STEPS_MAX];
	unsigned n = path_to(g, to, path, STEPS_MAX);

	for (unsigned i = 0; i < n; i++) {
		const struct move *k = &g->m.moves[path[i]];

		if (path[i] == MOVES_MAX)
			printf(" tick;");
		else
			printf(" %s %s %u;", actor_name(k->actor), k->name, k->deal);
	}
}

void holds(struct graph *g, enum property p, bool ok, const struct step *s, const char *what)
{
	g->checks[p]++;
	if (ok)
		return;
	if (g->broken[p]++ >= SHOWN_MAX ||
	        (g->run->control && (p == P_HONEST_JC || p == P_HONEST_RP)))
		return;
	printf("BROKEN %s, %s: %s\n  after:", properties[p].clause, g->run->name, what);
	print_path(g, s->from);
	if (s->k < g->m.n)
		printf(" then %s %s %u", actor_name(g->m.moves[s->k].actor), g->m.moves[s->k].name,
		        g->m.moves[s->k].deal);
	printf("\n");
}

/* ---- properties of a move ----------------------------------------------------------------------- */

static bool done_before(const struct view *v, unsigned k)
{
	return v->done[k / 32] & 1u << k % 32;
}

static bool about_deal(const struct move *k)
{
	return k->what != DO_BURN && k->what != DO_DRAIN && k->what != DO_FORGERY;
}

static int32_t wealth_of_all(const struct view *v)
{
	int32_t sum = v->locked[0] + v->locked[1] + v->withdrawing[0] + v->withdrawing[1];

	for (unsigned i = 0; i < HOLDERS; i++)
		sum += v->free[i];
	return sum;
}

static void check_conserved(struct graph *g, const struct step *s)
{
	struct err e;

	holds(g, P_CONSERVED, ledger_check(g->m.p.l, &e), s, "the ledger does not add up");
	holds(g, P_CONSERVED, wealth_of_all(&s->after) == wealth_of_all(&g->nodes[0].v), s,
	        "money came or went");
}

static void check_locks(struct graph *g, const struct step *s, unsigned deal)
{
	const struct view_deal *d = &s->after.deal[deal];
	int32_t rp_lock = d->state == DEAL_NEGOTIATING ? 0 : RB;

	if (view_is_final(&s->after, deal))
		holds(g, P_RELEASED, d->jc_lock == 0 && d->rp_lock == 0, s,
		        "a lock outlives its deal");
	else if (d->state)
		holds(g, P_RELEASED, d->jc_lock == PAY + JB && d->rp_lock == rp_lock, s,
		        "a lock is released before its deal is final");
}

static void check_state(struct graph *g, const struct step *s, unsigned deal)
{
	unsigned from = (unsigned)s->before->deal[deal].state;
	unsigned to = (unsigned)s->after.deal[deal].state;

	if (from == 0 && to != 0)
		holds(g, P_TABLE, sm_state(&deal_states, to)->flags & SM_FIRST, s,
		        "a deal begins in a state that is no first one");
	else if (from != to)
		holds(g, P_TABLE, sm_may(&deal_states, from, to), s,
		        "a change of state that the table does not have");
}

static void check_apart(struct graph *g, const struct step *s)
{
	const struct view_deal *a = s->after.deal;
	unsigned k = g->m.moves[s->k].deal;

	holds(g, P_APART,
	        s->after.locked[HOLD_JC] == a[0].jc_lock + a[1].jc_lock &&
	                s->after.locked[HOLD_RP] == a[0].rp_lock + a[1].rp_lock,
	        s, "an account has more or less locked than its deals");
	for (unsigned i = 0; i < DEALS; i++) {
		if (i != k)
			holds(g, P_APART, memcmp(&s->before->deal[i], &a[i], sizeof a[i]) == 0, s,
			        "a move of one deal changed the other");
	}
}

static void check_final(struct graph *g, const struct step *s, unsigned deal)
{
	const struct move *k = &g->m.moves[s->k];
	const struct view *a = s->before, *b = &s->after;

	if (!view_is_final(a, deal))
		return;
	holds(g, P_ABSORBING, memcmp(&a->deal[deal], &b->deal[deal], sizeof a->deal[deal]) == 0, s,
	        "a final deal has changed");
	if (about_deal(k) && k->deal == deal)
		holds(g, P_RELEASED, memcmp(a->free, b->free, sizeof a->free) == 0, s,
		        "a final deal pays again");
}

static void check_nonce(struct graph *g, const struct step *s)
{
	if (!g->run->pair)
		holds(g, P_NONCE, !s->after.deal[0].state || !s->after.deal[1].state, s,
		        "one nonce opened two deals");
	holds(g, P_NONCE,
	        !s->before->burnt ||
	                (!s->after.deal[0].state && (g->run->pair || !s->after.deal[1].state)),
	        s, "a burnt nonce opened a deal");
}

/* What was refused or repeated: the ledger looks as before. */
static void check_no_effect(struct graph *g, const struct step *s)
{
	struct view is;

	market_view(&g->m, s->before, &is);
	holds(g, P_NO_EFFECT, memcmp(&is, s->before, sizeof is) == 0, s,
	        "a refused or repeated move had an effect");
}

/* A Result or a Check whose place a later step has taken (4.3). */
static bool replaced(const struct view *v, const struct move *k)
{
	const struct view_deal *d = &v->deal[k->deal];

	if (k->what == DO_RESULT)
		return d->result != k->arg ||
		       (d->state != DEAL_RESULTS_SUBMITTED && d->state != DEAL_RESULTS_ACCEPTED &&
		               d->state != DEAL_TIMEOUT_JUDGE);
	if (k->what != DO_CHECK)
		return false;
	return d->end || (d->state != DEAL_RESULTS_CHECKED && d->state != DEAL_TIMEOUT_MEDIATE);
}

static void check_repetition(struct graph *g, const struct step *s)
{
	bool refused = !s->ok && s->code == E_STATE;

	if (replaced(s->before, &g->m.moves[s->k]))
		holds(g, P_IDEMPOTENT, refused, s, "what a later step replaced is taken again");
	else
		holds(g, P_IDEMPOTENT, s->ok && !s->effect, s,
		        "a repetition is an error or has an effect");
}

static void check_move(struct graph *g, const struct step *s)
{
	const struct move *k = &g->m.moves[s->k];

	if (k->what == DO_FORGERY)
		holds(g, P_NO_EFFECT, !s->effect, s, "a forgery had an effect");
	if (about_deal(k) && done_before(s->before, s->k))
		check_repetition(g, s);
	if (!s->effect) {
		check_no_effect(g, s);
		return;
	}
	check_conserved(g, s);
	check_apart(g, s);
	check_nonce(g, s);
	check_bounds(g, s);
	for (unsigned i = 0; i < DEALS; i++) {
		check_locks(g, s, i);
		check_state(g, s, i);
		check_final(g, s, i);
	}
}

/* ---- properties of a state ---------------------------------------------------------------------- */

/* How far the moves of one deal are open in a state. */
struct openness {
	bool party[DEALS]; /* a row that is a party's own, in time */
	bool anyone[DEALS];
};

/* A row that fails for want of money is open: that is its party's own doing. */
static void note_open(struct openness *o, const struct move *k, const struct step *s)
{
	if (!about_deal(k) || k->what == DO_CANCEL)
		return;
	if (k->what == DO_TIMEOUT)
		o->anyone[k->deal] |= s->effect;
	else
		o->party[k->deal] |= s->effect || (!s->ok && s->code == E_FUNDS);
}

/* 5.3 is not exclusive: a cancel has both signatures and its own clock. */
static void check_open(struct graph *g, uint32_t at, const struct openness *o)
{
	const struct step s = {.from = at, .k = MOVES_MAX};
	const struct node *n = &g->nodes[at];

	for (unsigned i = 0; i < DEALS && g->run->honest == PARTIES; i++) {
		if (n->v.deal[i].state && !view_is_final(&n->v, i)) {
			holds(g, P_EXCLUSIVE, o->party[i] != o->anyone[i], &s,
			        o->party[i] ? "both may act" : "neither may act");
			holds(g, P_EXCLUSIVE, o->anyone[i] == (n->v.deal[i].left == 0), &s,
			        "a timeout before the deadline, or none from it on");
		}
	}
}

/* From here on with the clock alone until `there` says yes. */
static bool later(const struct graph *g, uint32_t at, unsigned deal,
        bool (*there)(const struct node *n, unsigned deal))
{
	for (unsigned i = 0; at != NO_NODE && i < STEPS_MAX; i++) {
		if (there(&g->nodes[at], deal))
			return true;
		if (g->nodes[at].tick == at)
			return false;
		at = g->nodes[at].tick;
	}
	return false;
}

static bool moved_alone(const struct node *n, unsigned deal)
{
	return n->alone[deal];
}

static bool times_out(const struct node *n, unsigned deal)
{
	return n->timeout[deal] != NO_NODE;
}

/* Nobody does anything but wait and send timeouts. */
static bool ends_in_silence(const struct graph *g, uint32_t at, unsigned deal)
{
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		const struct node *n = &g->nodes[at];

		if (view_is_final(&n->v, deal))
			return true;
		at = n->timeout[deal] != NO_NODE ? n->timeout[deal] : n->tick;
		if (at == NO_NODE)
			return false;
	}
	return false;
}

static void check_ways_out(struct graph *g)
{
	for (uint32_t at = 0; at < g->n; at++) {
		const struct node *n = &g->nodes[at];
		const struct step s = {.from = at, .k = MOVES_MAX};

		/* Where somebody must act before the clock goes on, it must be able to. */
		holds(g, P_NOT_STUCK, n->tick != NO_NODE || n->effects > 0, &s,
		        "the clock stands, and nobody can act");
		for (unsigned i = 0; i < DEALS && g->run->honest == PARTIES; i++) {
			if (n->v.deal[i].state == 0 || view_is_final(&n->v, i))
				continue;
			holds(g, P_NOT_STUCK, later(g, at, i, moved_alone), &s,
			        "no party alone can end it");
			holds(g, P_NOT_STUCK, later(g, at, i, times_out), &s,
			        "no deadline can end it");
			holds(g, P_SILENCE, ends_in_silence(g, at, i), &s,
			        "timeouts do not end it");
		}
	}
}

/* What this ledger does not offer: an appeal; without mediation, a dispute. */
static bool beyond(const struct graph *g, unsigned from, unsigned to)
{
	return from == DEAL_RULED || to == DEAL_RULED ||
	       (!g->run->mediated && (from == DEAL_RESULTS_CHECKED || to == DEAL_RESULTS_CHECKED));
}

/* Properties of what never happens would hold as well: all of it happened. */
static void check_reached(struct graph *g)
{
	const struct step s = {.k = MOVES_MAX};

	for (size_t i = 0; i < deal_states.n; i++) {
		const struct sm_state *from = &deal_states.states[i];

		for (unsigned to = 0; to < SM_STATES_MAX; to++) {
			if (from->next & SM_BIT(to))
				holds(g, P_REACHED,
				        beyond(g, from->value, to) ==
				                !(g->taken[from->value] & SM_BIT(to)),
				        &s, sm_name(&deal_states, to));
		}
	}
	for (unsigned k = 0; k < g->m.n; k++) {
		const struct move *v = &g->m.moves[k];
		bool never = v->what == DO_FORGERY ||
		             (!g->run->mediated && (v->what == DO_CHECK || v->what == DO_VERDICT ||
		                                           v->what == DO_PASS));

		holds(g, P_REACHED, never == (g->had_effect[k] == 0), &s, v->name);
	}
}

/* ---- the exploration ---------------------------------------------------------------------------- */

static void note_effect(struct graph *g, const struct step *s, uint32_t to)
{
	const struct move *k = &g->m.moves[s->k];
	struct node *n = &g->nodes[s->from];

	g->moves++;
	g->had_effect[s->k]++;
	n->effects++;
	if (!about_deal(k))
		return;
	g->taken[s->before->deal[k->deal].state] |= SM_BIT((unsigned)s->after.deal[k->deal].state);
	n->alone[k->deal] |= k->actor != BY_BOTH;
	if (k->what == DO_TIMEOUT)
		n->timeout[k->deal] = to;
}

/* Move k in state `at`, whose ledger is in g->m; true: it had an effect, the ledger is another one. */
static bool try_move(struct graph *g, uint32_t at, unsigned k, struct openness *open)
{
	const struct view before = g->nodes[at].v;
	struct step s = {.from = at, .k = k, .before = &before};
	const struct move *v = &g->m.moves[k];
	struct view last = before;

	g->tries++;
	s.ok = market_do(&g->m, k, &s.effect);
	s.code = s.ok ? E_COUNT : g->m.p.e.code;
	note_open(open, v, &s);
	if (s.effect) {
		if (about_deal(v))
			last.done[k / 32] |= 1u << k % 32;
		market_view(&g->m, &last, &s.after);
	}
	check_move(g, &s);
	if (!s.effect)
		return false;
	row_add(g, &s);
	note_effect(g, &s, node_of(g, &s.after, at, k));
	return true;
}

static void expand(struct graph *g, uint32_t at)
{
	struct openness open = {0};
	struct view v = g->nodes[at].v, next;

	replay(g, at);
	market_view(&g->m, &v, &next);
	if (memcmp(&v, &next, sizeof v) != 0)
		give_up("the same moves do not lead to the same state");
	for (unsigned k = 0; k < g->m.n; k++) {
		if (run_allows(g->run, &v, &g->m.moves[k]) && try_move(g, at, k, &open))
			replay(g, at);
	}
	check_open(g, at, &open);
	if (run_waits(g->run, &v))
		return;
	g->m.p.now.s++;
	market_view(&g->m, &v, &next);
	/* node_of() may move the nodes. */
	uint32_t to = node_of(g, &next, at, MOVES_MAX);
	g->nodes[at].tick = to;
}

static void graph_init(struct graph *g, const struct run *r)
{
	struct view v;

	memset(g, 0, sizeof *g);
	g->run = r;
	map_init(&g->index, sizeof(struct view), sizeof(uint32_t), NODES_MAX, 0);
	map_init(&g->rows, ROW_MAX, 1, 4096, 0);
	market_init(&g->m, r->mediated, r->pair);
	market_begin(&g->m);
	market_view(&g->m, NULL, &v);
	node_of(g, &v, NO_NODE, 0);
}

static void graph_done(struct graph *g)
{
	market_done(&g->m);
	map_done(&g->index);
	map_done(&g->rows);
	free(g->nodes);
}

/* ---- all runs ----------------------------------------------------------------------------------- */

struct totals {
	uint64_t checks[PROPERTIES], broken[PROPERTIES];
	uint64_t states, moves, tries;
	unsigned passed, failed;
};

static void count(struct totals *t, const struct graph *g)
{
	bool broken = g->broken[P_HONEST_JC] || g->broken[P_HONEST_RP];

	for (unsigned p = 0; p < PROPERTIES; p++) {
		if (g->run->control && (p == P_HONEST_JC || p == P_HONEST_RP))
			continue;
		t->checks[p] += g->checks[p];
		t->broken[p] += g->broken[p];
	}
	t->states += g->n;
	t->moves += g->moves;
	t->tries += g->tries;
	if (!g->run->control)
		return;
	t->passed += broken;
	t->failed += !broken;
	if (!broken)
		printf("BROKEN %s: every bound holds, so that they show nothing\n", g->run->name);
}

static bool one_run(const struct run *r, const char *dir, struct totals *t)
{
	static struct graph g;
	char path[512];
	bool ok = true;

	graph_init(&g, r);
	for (uint32_t at = 0; at < g.n; at++)
		expand(&g, at);
	check_ways_out(&g);
	if (r->rows)
		check_reached(&g);
	printf("  %-38s %7u states  %8u transitions  %9llu tries  depth %2u", r->name, g.n, g.moves,
	        (unsigned long long)g.tries, g.depth);
	if (r->rows) {
		snprintf(path, sizeof path, "%s/rows-%s.txt", dir, r->name);
		ok = rows_write(&g, path);
		printf("  %zu rows", g.rows.n);
	}
	printf("\n");
	count(t, &g);
	graph_done(&g);
	return ok;
}

int main(int argc, char **argv)
{
	struct totals t = {0};

	if (argc != 2)
		give_up("usage: explore DIR");
	printf("explore: one deal and its double on the rules of src/ledger\n");
	for (size_t i = 0; i < COUNT(runs); i++) {
		if (!one_run(&runs[i], argv[1], &t))
			give_up("the table of transitions cannot be written");
	}
	for (unsigned p = 0; p < PROPERTIES; p++) {
		bool ok = t.broken[p] == 0 && t.checks[p] > 0;

		printf("  %-6s %-12s %-66s %9llu checks", ok ? "ok" : "FAILED",
		        properties[p].clause, properties[p].text, (unsigned long long)t.checks[p]);
		if (!ok)
			printf(", %llu broken", (unsigned long long)t.broken[p]);
		printf("\n");
		t.passed += ok;
		t.failed += !ok;
	}
	printf("explore: %llu states, %llu transitions, %llu tries; %u passed, %u failed\n",
	        (unsigned long long)t.states, (unsigned long long)t.moves,
	        (unsigned long long)t.tries, t.passed, t.failed);
	return t.failed > 0;
}
