/* deal.pml - protocol 4 and 5 for one deal, written from the text and not from the program: who may do what
 * in which state, before which deadline, and what money moves. Spin looks at every interleaving; with fair
 * scheduling every deal ends, even if the parties fall silent at any moment.
 *
 * Each move also prints itself into the table of transitions, which must be that of tests/model/explore.c.
 *   -DSINGLE=1   SingleMediator (6.6); 0: no mediation
 *   -DMUTANT=1   a control: a timeout counts an instant too early, and the tables must differ
 *   -DMUTANT=2   a control: nobody sends the timeout of the judge, and a deal must be seen not to end */
#ifndef MUTANT
#define MUTANT 0
#endif

/* States in the order of appendix A.3, so that the table can name them; 0: not on the ledger. */
#define NONE              0
#define NEGOTIATING       1
#define AGREED            2
#define RESULTS_SUBMITTED 3
#define RESULTS_CHECKED   4
#define RESULTS_ACCEPTED  6
#define TIMEOUT_AGREE     7
#define CANCELLED         8
#define TIMEOUT_SUBMIT    9
#define DECLINED          10
#define TIMEOUT_JUDGE     11
#define TIMEOUT_MEDIATE   12
#define ACCEPTED_BY_RULE  13
#define REJECTED_BY_RULE  14
#define FAULTY_BY_RULE    15
#define BURNT             16

#define NO_RESULT 0
#define RIGHT     1
#define WRONG     2

/* Ticks; MIN is two, so that each clock has an instant, a last instant and a too late. */
#define AGREE_S   2
#define SUBMIT_S  3
#define JUDGE_S   4
#define MEDIATE_S 5
#define OPEN_BY   3

/* Terms, in token units. */
#define PAY  1000
#define JB   500
#define RB   400
#define CJ   20
#define CS   30
#define DMG  100
#define FEE  10
#define COST (result == RIGHT -> 100 + 3 * 100 + 51 : 100 + 3 * 200 + 50)
#define ROY  (COST * 50 / 1000)
#define SOL  (COST * 30 / 1000)

#define FINAL  (state >= RESULTS_ACCEPTED && state <= FAULTY_BY_RULE)
#define BEFORE (left > 0)
#if MUTANT == 1
#define FROM (left <= 1)
#else
#define FROM (left == 0)
#endif

byte state = NONE;
byte result = NO_RESULT; /* the one that counts */
byte left = OPEN_BY;     /* ticks until the deadline of the state; of NONE: until openBy */
byte open_left = OPEN_BY;

short jc = PAY + JB, rp = RB, author, solver, mediator, sink; /* free */
short jc_lock, rp_lock;

c_code {
\#include <stdlib.h>
	static const char *const state_names[] = {"NONE", "NEGOTIATING", "AGREED", "RESULTS_SUBMITTED",
		"RESULTS_CHECKED", "RULED", "RESULTS_ACCEPTED", "TIMEOUT_AGREE", "CANCELLED",
		"TIMEOUT_SUBMIT", "DECLINED", "TIMEOUT_JUDGE", "TIMEOUT_MEDIATE",
		"MEDIATION_ACCEPTED", "MEDIATION_REJECTED", "MEDIATION_JOB_FAULTY", "BURNT"};
	static const char *const result_names[] = {"-", "right", "wrong"};
	static struct {
		int state, result, left, jc, rp, author, solver, mediator, sink, jc_lock, rp_lock;
	} was;

	static void row_begin(void)
	{
		was.state = now.state, was.result = now.result, was.left = now.left;
		was.jc = now.jc, was.rp = now.rp, was.author = now.author, was.solver = now.solver;
		was.mediator = now.mediator, was.sink = now.sink;
		was.jc_lock = now.jc_lock, was.rp_lock = now.rp_lock;
	}

	static void row_end(const char *who)
	{
		static FILE *f;

		if (!f)
			f = getenv("ROWS") ? fopen(getenv("ROWS"), "w") : stderr;
		if (!f)
			abort();
		fprintf(f, "%s %s | %s | %s | %s %s %d | JC %+d %+d RP %+d %+d author %+d solver %+d "
			"mediator %+d sink %+d\n", state_names[was.state], result_names[was.result], who,
			was.left > 0 ? "before" : "from", state_names[now.state],
			result_names[now.result], now.state == 16 ? 0 : now.left,
			now.jc - was.jc, now.jc_lock - was.jc_lock,
			now.rp - was.rp, now.rp_lock - was.rp_lock, now.author - was.author,
			now.solver - was.solver, now.mediator - was.mediator, now.sink - was.sink);
	}
}

/* One move: a guard, who sends what, what it does. 5.15 (a) to (c) are asserted after each. */
#define MOVE(guard, who, effect)                                                                    \
	atomic {                                                                                    \
		(guard) -> c_code { row_begin(); };                                                 \
		effect;                                                                             \
		c_code { row_end(who); };                                                           \
		assert(jc + rp + author + solver + mediator + sink + jc_lock + rp_lock ==           \
			PAY + JB + RB);                                                             \
		assert(jc >= 0 && rp >= 0 && sink >= 0 && jc_lock >= 0 && rp_lock >= 0);            \
		assert((jc_lock == 0 && rp_lock == 0) == (FINAL || state == NONE || state == BURNT)) \
	}

/* ---- the rows of 5 ---- */

inline to(next, ticks) { state = next; left = ticks }
inline ends(next) { state = next; left = 0; jc_lock = 0; rp_lock = 0 }

inline jc_locks() { jc = jc - PAY - JB; jc_lock = PAY + JB }
inline rp_locks() { rp = rp - RB; rp_lock = RB }

/* 5.1; the clock of Negotiating ends with openBy at the latest (5.2). */
inline jc_agrees()
{
	jc_locks();
	to(NEGOTIATING, AGREE_S);
	left = (open_left < left -> open_left : left)
}

inline both_open()
{
	if
	:: state == NONE -> jc_locks()
	:: else
	fi;
	rp_locks();
	to(AGREED, SUBMIT_S)
}

inline locks_back(next) { jc = jc + jc_lock; rp = rp + rp_lock; ends(next) }                  /* 5.2, 5.3 */
inline late_rp(next) { jc = jc + PAY + JB + CS; rp = rp + RB - CS; ends(next) }               /* 5.5 */
inline pay_cost() { rp = rp + COST - ROY - SOL; author = author + ROY; solver = solver + SOL }

inline accepted(next, fine)                                                                 /* 5.6, 5.7 */
{
	pay_cost();
	rp = rp + RB + fine;
	jc = jc + PAY - COST + JB - fine;
	ends(next)
}

inline ruled_right()                                                                        /* 5.10 */
{
	pay_cost();
	rp = rp + RB + DMG;
	jc = jc + PAY - COST;
	mediator = mediator + FEE;
	sink = sink + JB - FEE - DMG;
	ends(ACCEPTED_BY_RULE)
}

inline ruled_faulty()                                                                       /* 5.11 */
{
	jc = jc + PAY;
	rp = rp + RB + DMG;
	mediator = mediator + FEE;
	sink = sink + JB - FEE - DMG;
	ends(FAULTY_BY_RULE)
}

inline ruled_wrong()                                                                        /* 5.12 */
{
	jc = jc + PAY + JB + DMG;
	mediator = mediator + FEE;
	sink = sink + RB - FEE - DMG;
	ends(REJECTED_BY_RULE)
}

inline no_ruling()                                                                          /* 5.13 */
{
	rp = rp + COST / 2 + RB;
	jc = jc + PAY - COST / 2 + JB;
	ends(TIMEOUT_MEDIATE)
}

/* ---- who does them; each may fall silent at any moment, for ever ---- */

#define JUDGING ((state == AGREED || state == RESULTS_SUBMITTED) && BEFORE)

active proctype job_creator()
{
	do
	:: MOVE(state == NONE && BEFORE, "JC agree", jc_agrees())
	:: MOVE(state == NONE, "JC burn", state = BURNT)
	:: MOVE(state == RESULTS_SUBMITTED && BEFORE && result == RIGHT, "JC accept:right", accepted(RESULTS_ACCEPTED, 0))
	:: MOVE(state == RESULTS_SUBMITTED && BEFORE && result == WRONG, "JC accept:wrong", accepted(RESULTS_ACCEPTED, 0))
	/* 2.6: a result that RP signed, wherever the JC has it from. */
	:: MOVE(JUDGING, "JC accept+result:right", result = RIGHT; accepted(RESULTS_ACCEPTED, 0))
	:: MOVE(JUDGING, "JC accept+result:wrong", result = WRONG; accepted(RESULTS_ACCEPTED, 0))
#if SINGLE
	:: MOVE(state == RESULTS_SUBMITTED && BEFORE && result == RIGHT, "JC check:right", to(RESULTS_CHECKED, MEDIATE_S))
	:: MOVE(state == RESULTS_SUBMITTED && BEFORE && result == WRONG, "JC check:wrong", to(RESULTS_CHECKED, MEDIATE_S))
#endif
	:: break
	od
}

active proctype provider()
{
	do
	:: MOVE(state == NEGOTIATING && BEFORE, "RP agree", rp_locks(); to(AGREED, SUBMIT_S))
	:: MOVE(state == AGREED && BEFORE, "RP result:right", result = RIGHT; to(RESULTS_SUBMITTED, JUDGE_S))
	:: MOVE(state == AGREED && BEFORE, "RP result:wrong", result = WRONG; to(RESULTS_SUBMITTED, JUDGE_S))
	:: MOVE(state == AGREED && BEFORE, "RP decline", late_rp(DECLINED))
	:: break
	od
}

/* What both have signed, anyone may send. A cancel has a clock of its own (5.3). */
active proctype both()
{
	do
	:: MOVE((state == NONE || state == NEGOTIATING) && BEFORE, "both open", both_open())
	:: MOVE(state == NEGOTIATING || state == AGREED, "both cancel", locks_back(CANCELLED))
	:: break
	od
}

#if SINGLE
#define RULING (state == RESULTS_CHECKED && BEFORE)

active proctype the_mediator()
{
	do
	:: MOVE(RULING, "mediator verdict:ResultCorrect", ruled_right())
	:: MOVE(RULING, "mediator verdict:JobFaulty", ruled_faulty())
	:: MOVE(RULING, "mediator verdict:ResultNotFound", ruled_wrong())
	:: MOVE(RULING, "mediator verdict:StatusWrong", ruled_wrong())
	:: MOVE(RULING, "mediator verdict:ResultWrong", ruled_wrong())
	:: MOVE(RULING, "mediator verdict:TooMuchCharged", ruled_wrong())
	:: MOVE(RULING, "mediator pass", no_ruling())
	:: break
	od
}
#endif

/* The only one who is never silent for ever: whoever wants the clock to count sends the timeout. */
active proctype anyone()
{
end:	do
	:: MOVE(state == NEGOTIATING && FROM, "anyone timeout", locks_back(TIMEOUT_AGREE))
	:: MOVE(state == AGREED && FROM, "anyone timeout", late_rp(TIMEOUT_SUBMIT))
#if MUTANT != 2
	:: MOVE(state == RESULTS_SUBMITTED && FROM, "anyone timeout", accepted(TIMEOUT_JUDGE, CJ))
#endif
	:: MOVE(state == RESULTS_CHECKED && FROM, "anyone timeout", no_ruling())
	od
}

/* Time: a tick for every clock that runs. */
active proctype clock()
{
end:	do
	:: d_step { left > 0 || open_left > 0 ->
		if
		:: left > 0 -> left--
		:: else
		fi;
		if
		:: open_left > 0 -> open_left--
		:: else
		fi }
	od
}

/* 5.15 (d): a deal that is on the ledger ends; 4.2: and stays as it ended. */
ltl comes_to_an_end { [] ((state != NONE && state != BURNT) -> <> FINAL) }
ltl stays_as_it_is { [] (FINAL -> [] FINAL) && [] (state == BURNT -> [] (state == BURNT)) }
