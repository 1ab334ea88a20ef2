/* market.c - the small market: its deals, and every move. */
#include "market.h"

#include <stdlib.h>

static const struct {
	uint64_t count, bytes;
} results[RESULTS] = {[RIGHT] = {100, 51}, [WRONG] = {200, 50}};

const char *actor_name(unsigned actor)
{
	static const char *const names[] = {"JC", "RP", "both", "mediator", "anyone"};

	assert(actor < COUNT(names));
	return names[actor];
}

const char *result_name(int32_t result)
{
	static const char *const names[RESULTS] = {"-", "right", "wrong"};

	assert(result >= 0 && result < RESULTS);
	return names[result];
}

const char *view_state_name(const struct view *v, unsigned deal)
{
	if (v->deal[deal].state)
		return sm_name(&deal_states, (unsigned)v->deal[deal].state);
	return v->burnt ? "BURNT" : "NONE";
}

bool view_is_final(const struct view *v, unsigned deal)
{
	return v->deal[deal].state && sm_is_final(&deal_states, (unsigned)v->deal[deal].state);
}

/* ---- true moves --------------------------------------------------------------------------------- */

static enum who account_of(const struct move *v)
{
	return v->actor == BY_JC ? JC : RP;
}

static void burn(struct market *m, const struct move *v)
{
	(void)v;
	m->p.a = (struct action){.body.nonce_cancel.nonce = m->deals[0].hot.nonce};
	play_send(&m->p, JC, SEND_CANCEL_NONCE, nonce_cancel_record(), &m->p.a.body);
}

static void drain(struct market *m, const struct move *v)
{
	struct ledger_account a;

	ledger_account(m->p.l, &m->p.who[account_of(v)], m->p.now, &a);
	m->p.a = (struct action){.body.withdrawal.amount = a.free};
	play_send(&m->p, account_of(v), SEND_REQUEST_WITHDRAW, withdrawal_record(), &m->p.a.body);
}

static void agree(struct market *m, const struct move *v)
{
	play_agree(&m->p, account_of(v), &m->deals[v->deal]);
}

static void open_it(struct market *m, const struct move *v)
{
	play_open(&m->p, &m->deals[v->deal]);
}

static void cancel(struct market *m, const struct move *v)
{
	play_cancel(&m->p, &m->ids[v->deal], v->arg ? BTIME_MAX : m->start.s + CANCEL_S);
}

static void result(struct market *m, const struct move *v)
{
	play_result(&m->p, &m->ids[v->deal], results[v->arg].count, results[v->arg].bytes);
}

static void decline(struct market *m, const struct move *v)
{
	play_decline(&m->p, &m->ids[v->deal]);
}

static void accept_it(struct market *m, const struct move *v)
{
	play_accept(&m->p, &m->ids[v->deal], results[v->arg].count, results[v->arg].bytes,
	        v->what == DO_ACCEPT_WITH);
}

static void check(struct market *m, const struct move *v)
{
	play_check(&m->p, &m->ids[v->deal], &m->result_ids[v->deal][v->arg]);
}

static void verdict(struct market *m, const struct move *v)
{
	play_verdict(&m->p, &m->deals[v->deal], v->arg);
}

static void pass(struct market *m, const struct move *v)
{
	play_pass(&m->p, &m->deals[v->deal]);
}

static void timeout(struct market *m, const struct move *v)
{
	play_timeout(&m->p, &m->ids[v->deal]);
}

/* ---- forgeries: arg says which ------------------------------------------------------------------ */

/* A signature of a deal or a cancel is missing, or is somebody else's. */
static void forged_pair(struct market *m, const struct move *v)
{
	if (v->arg < 3)
		play_open(&m->p, &m->deals[v->deal]);
	else
		play_cancel(&m->p, &m->ids[v->deal], BTIME_MAX);
	switch (v->arg) {
	case 0: m->p.a.rp_sig = m->p.a.jc_sig; break;
	case 1: m->p.a.jc_sig = m->p.a.rp_sig; break;
	case 2: m->p.a.deal.hot.pay = amount_of(PAY - 1); break; /* what neither signed */
	case 3: m->p.a.rp_sig = m->p.a.jc_sig; break;
	default: m->p.a.jc_sig = m->p.a.rp_sig; break;
	}
}

/* A Send of a stranger, of yesterday, with another nonce. */
static void forged_send(struct market *m, const struct move *v)
{
	struct play *p = &m->p;

	play_agree(p, v->arg == 0 ? MALLORY : JC, &m->deals[v->deal]);
	if (v->arg == 0)
		return;
	if (v->arg == 1)
		p->a.send.expiry = p->now;
	else
		p->a.send.nonce++;
	play_sign(p, JC, send_record(), &p->a.send, &p->a.send_sig);
}

/* A result that another one signed, or above a limit of the deal. */
static void forged_result(struct market *m, const struct move *v)
{
	struct play *p = &m->p;
	const struct hash *id = &m->ids[v->deal];
	const struct hash *right = &m->result_ids[v->deal][RIGHT];

	switch (v->arg) {
	case 0:
		play_result(p, id, results[RIGHT].count, results[RIGHT].bytes);
		play_sign_hash(p, JC, right, &p->a.result_sig);
		break;
	case 1: play_result(p, id, 1001, 0); break;
	default: play_result(p, id, 0, 501); break;
	}
}

/* RP accepts in the JC's name, a result that nobody signed, or one that the JC signed itself; RP checks. */
static void forged_judgement(struct market *m, const struct move *v)
{
	struct play *p = &m->p;
	const struct hash *id = &m->ids[v->deal];
	struct hash none = play_result_hash(id, 1, 1);

	switch (v->arg) {
	case 0:
		play_accept(p, id, results[RIGHT].count, results[RIGHT].bytes, true);
		play_sign(p, RP, acceptance_record(), &p->a.acceptance, &p->a.doc_sig);
		break;
	case 1: play_accept(p, id, 1, 1, false); break;
	case 2:
		play_accept(p, id, 1, 1, true);
		play_sign_hash(p, JC, &none, &p->a.result_sig);
		break;
	case 3:
		play_check(p, id, &m->result_ids[v->deal][RIGHT]);
		play_sign(p, RP, check_record(), &p->a.check, &p->a.doc_sig);
		break;
	case 4: play_check(p, id, &none); break;
	default:
		play_decline(p, id);
		play_sign(p, JC, decline_record(), &p->a.decline, &p->a.doc_sig);
		break;
	}
}

/* Verdicts and passes of those who are not the mediator, and what a single mediator cannot say. */
static void forged_ruling(struct market *m, const struct move *v)
{
	struct play *p = &m->p;
	const struct deal *d = &m->deals[v->deal];

	if (v->arg < 5)
		play_verdict(p, d, v->arg == 3 ? RULING_CANNOT_RULE : RULING_RESULT_CORRECT);
	else
		play_pass(p, d);
	switch (v->arg) {
	case 0: p->a.verdict.mediator = p->who[MALLORY]; break;
	case 1: break;
	case 2:
		p->a.verdict.mediator = p->who[MALLORY];
		p->a.deal.cold.mediators.v[0] = p->who[MALLORY];
		break;
	case 3: return;
	case 4:
		p->a.verdict.round = 1;
		play_sign(p, MEDIATOR, verdict_record(), &p->a.verdict, &p->a.doc_sig);
		return;
	case 5: p->a.pass.mediator = p->who[MALLORY]; break;
	default:
		p->a.pass.round = 1;
		play_sign(p, MEDIATOR, pass_record(), &p->a.pass, &p->a.doc_sig);
		return;
	}
	if (v->arg < 5)
		play_sign(p, MALLORY, verdict_record(), &p->a.verdict, &p->a.doc_sig);
	else
		play_sign(p, MALLORY, pass_record(), &p->a.pass, &p->a.doc_sig);
}

/* clang-format off */
static const struct move templates[] = {
	{"burn",                BY_JC,       DO_BURN,        0,       0, burn},
	{"drain",               BY_JC,       DO_DRAIN,       0,       0, drain},
	{"drain",               BY_RP,       DO_DRAIN,       0,       0, drain},
	/* From here on once for each deal. */
	{"agree",               BY_JC,       DO_AGREE,       0,       0, agree},
	{"agree",               BY_RP,       DO_AGREE,       0,       0, agree},
	{"open",                BY_BOTH,     DO_OPEN,        0,       0, open_it},
	{"cancel",              BY_BOTH,     DO_CANCEL,      0,       0, cancel},
	{"cancel",              BY_BOTH,     DO_CANCEL,      1,       0, cancel},
	{"result:right",        BY_RP,       DO_RESULT,      RIGHT,   0, result},
	{"result:wrong",        BY_RP,       DO_RESULT,      WRONG,   0, result},
	{"decline",             BY_RP,       DO_DECLINE,     0,       0, decline},
	{"accept:right",        BY_JC,       DO_ACCEPT,      RIGHT,   0, accept_it},
	{"accept:wrong",        BY_JC,       DO_ACCEPT,      WRONG,   0, accept_it},
	{"accept+result:right", BY_JC,       DO_ACCEPT_WITH, RIGHT,   0, accept_it},
	{"accept+result:wrong", BY_JC,       DO_ACCEPT_WITH, WRONG,   0, accept_it},
	{"check:right",         BY_JC,       DO_CHECK,       RIGHT,   0, check},
	{"check:wrong",         BY_JC,       DO_CHECK,       WRONG,   0, check},
	{"verdict:JobFaulty",      BY_MEDIATOR, DO_VERDICT, RULING_JOB_FAULTY,       0, verdict},
	{"verdict:ResultNotFound", BY_MEDIATOR, DO_VERDICT, RULING_RESULT_NOT_FOUND, 0, verdict},
	{"verdict:StatusWrong",    BY_MEDIATOR, DO_VERDICT, RULING_STATUS_WRONG,     0, verdict},
	{"verdict:ResultWrong",    BY_MEDIATOR, DO_VERDICT, RULING_RESULT_WRONG,     0, verdict},
	{"verdict:TooMuchCharged", BY_MEDIATOR, DO_VERDICT, RULING_TOO_MUCH_CHARGED, 0, verdict},
	{"verdict:ResultCorrect",  BY_MEDIATOR, DO_VERDICT, RULING_RESULT_CORRECT,   0, verdict},
	{"pass",                BY_MEDIATOR, DO_PASS,        0,       0, pass},
	{"timeout",             BY_ANYONE,   DO_TIMEOUT,     0,       0, timeout},
	{"open without RP",     BY_ANYONE,   DO_FORGERY,     0,       0, forged_pair},
	{"open without JC",     BY_ANYONE,   DO_FORGERY,     1,       0, forged_pair},
	{"open at another PAY", BY_ANYONE,   DO_FORGERY,     2,       0, forged_pair},
	{"cancel without RP",   BY_ANYONE,   DO_FORGERY,     3,       0, forged_pair},
	{"cancel without JC",   BY_ANYONE,   DO_FORGERY,     4,       0, forged_pair},
	{"agree by a stranger", BY_ANYONE,   DO_FORGERY,     0,       0, forged_send},
	{"agree, stale",        BY_ANYONE,   DO_FORGERY,     1,       0, forged_send},
	{"agree, wrong nonce",  BY_ANYONE,   DO_FORGERY,     2,       0, forged_send},
	{"result by JC",        BY_ANYONE,   DO_FORGERY,     0,       0, forged_result},
	{"result, count",       BY_ANYONE,   DO_FORGERY,     1,       0, forged_result},
	{"result, bytes",       BY_ANYONE,   DO_FORGERY,     2,       0, forged_result},
	{"accept by RP",        BY_ANYONE,   DO_FORGERY,     0,       0, forged_judgement},
	{"accept of nothing",   BY_ANYONE,   DO_FORGERY,     1,       0, forged_judgement},
	{"accept, own result",  BY_ANYONE,   DO_FORGERY,     2,       0, forged_judgement},
	{"check by RP",         BY_ANYONE,   DO_FORGERY,     3,       0, forged_judgement},
	{"check of nothing",    BY_ANYONE,   DO_FORGERY,     4,       0, forged_judgement},
	{"decline by JC",       BY_ANYONE,   DO_FORGERY,     5,       0, forged_judgement},
	{"verdict, stranger",   BY_ANYONE,   DO_FORGERY,     0,       0, forged_ruling},
	{"verdict, forged",     BY_ANYONE,   DO_FORGERY,     1,       0, forged_ruling},
	{"verdict, other Cold", BY_ANYONE,   DO_FORGERY,     2,       0, forged_ruling},
	{"verdict CannotRule",  BY_ANYONE,   DO_FORGERY,     3,       0, forged_ruling},
	{"verdict, round 1",    BY_ANYONE,   DO_FORGERY,     4,       0, forged_ruling},
	{"pass, stranger",      BY_ANYONE,   DO_FORGERY,     5,       0, forged_ruling},
	{"pass, round 1",       BY_ANYONE,   DO_FORGERY,     6,       0, forged_ruling},
};
/* clang-format on */
enum { OF_ACCOUNTS = 3 };

/* ---- the market --------------------------------------------------------------------------------- */

static void make_genesis(struct market *m)
{
	struct genesis *g = &m->p.genesis;
	uint64_t deals = m->pair ? 2 : 1;

	*g = (struct genesis){.operator_ = m->p.who[OPERATOR],
	        .symbol = "LP",
	        .decimals = 18,
	        .min = {AGREE_S},
	        .life = {LIFE_S},
	        .unbonding = {LIFE_S + 1},
	        .test = true,
	        .time = {1000}};
	memcpy(g->name, "model", 6);
	/* What the deals lock, and nothing else. */
	g->allocations.v[0] = (struct allocation){m->p.who[JC], amount_of(deals * (PAY + JB))};
	g->allocations.v[1] = (struct allocation){m->p.who[RP], amount_of(deals * RB)};
	g->allocations.n = 2;
	m->start = g->time;
}

static void make_deal(struct market *m, unsigned i)
{
	struct deal *d = &m->deals[i];

	m->p.now = m->start;
	*d = play_deal(&m->p, m->pair ? 1 + i : 1);
	d->hot.agree_timeout.s = AGREE_S;
	d->hot.submit_timeout.s = SUBMIT_S;
	d->hot.judge_timeout.s = JUDGE_S;
	d->hot.mediate_timeout.s = MEDIATE_S;
	d->hot.open_by.s = m->start.s + OPEN_BY_S;
	d->hot.instruction_limit -= i; /* so that they are two */
	assert(amount_eq(d->hot.pay, amount_of(PAY)) && amount_eq(d->hot.fee, amount_of(FEE)));
	if (!m->mediated) {
		d->hot.seats = 0;
		d->hot.mediation = MEDIATION_NONE;
		d->cold.mediators.n = 0;
		d->cold.mediators.v[0] = (struct addr){{0}};
		d->cold.determinism = DETERMINISM_NONE;
	}
	m->ids[i] = play_id(deal_record(), d);
	for (unsigned r = RIGHT; r < RESULTS; r++)
		m->result_ids[i][r] =
		        play_result_hash(&m->ids[i], results[r].count, results[r].bytes);
}

/* The struct hash that an agreement keeps of it. */
static struct hash kept_of(const struct action *a)
{
	struct hash h = {{0}};

	switch (a->kind) {
	case ACTION_CANCEL: return play_id(cancel_record(), &a->cancel);
	case ACTION_CHECK: return play_id(check_record(), &a->check);
	case ACTION_DECLINE: return play_id(decline_record(), &a->decline);
	case ACTION_VERDICT: return play_id(verdict_record(), &a->verdict);
	case ACTION_PASS: return play_id(pass_record(), &a->pass);
	default: return h;
	}
}

static void make_moves(struct market *m)
{
	for (unsigned t = 0; t < COUNT(templates); t++) {
		for (unsigned d = 0; d < (t < OF_ACCOUNTS ? 1 : DEALS); d++) {
			struct move *v = &m->moves[m->n];

			assert(m->n < MOVES_MAX);
			*v = templates[t];
			v->deal = (uint8_t)d;
			v->make(m, v);
			m->ready[m->n] = m->p.a;
			m->docs[m->n] = kept_of(&m->p.a);
			m->n++;
		}
	}
}

void market_init(struct market *m, bool mediated, bool pair)
{
	memset(m, 0, sizeof *m);
	m->mediated = mediated;
	m->pair = pair;
	for (int i = 0; i < PARTIES; i++)
		memset(m->p.who[i].b, i + 1, 20);
	m->p.sign = play_fake_sign;
	make_genesis(m);
	for (unsigned i = 0; i < DEALS; i++)
		make_deal(m, i);
	market_begin(m);
	make_moves(m);
	market_done(m);
}

void market_begin(struct market *m)
{
	const struct ledger_options o = {.verify = play_fake_verify};
	bool ok;

	market_done(m);
	ok = ledger_new(&m->p.genesis, &o, &m->p.l, &m->p.e);
	assert(ok);
	memset(m->p.sends, 0, sizeof m->p.sends);
	m->p.now = m->start;
	m->p.block = 1;
}

void market_done(struct market *m)
{
	play_done(&m->p);
}

bool market_do(struct market *m, unsigned k, bool *effect)
{
	static const struct hash id = {{0x42}};
	struct play *p = &m->p;
	const struct action *a = &m->ready[k];
	bool ok;

	if (a->kind == ACTION_SEND) {
		m->moves[k].make(m, &m->moves[k]);
		a = &p->a;
	}
	p->n = 0;
	err_clear(&p->e);
	ok = ledger_apply(p->l, a, &id, p->now, p->block++, &p->ev, 1, &p->n, &p->e);
	*effect = ok && p->n == 1;
	for (int i = 0; *effect && a->kind == ACTION_SEND && i < PARTIES; i++)
		p->sends[i] += addr_eq(&p->who[i], &a->send.account);
	return ok;
}

/* ---- looking at it ------------------------------------------------------------------------------ */

static int32_t small(struct amount a)
{
	char text[AMOUNT_DEC_MAX];
	uint64_t v;
	bool ok;

	amount_format(a, text);
	ok = str_u64(str_of(text), INT32_MAX, &v);
	assert(ok);
	return (int32_t)v;
}

static int32_t left_of(struct btime until, struct btime now)
{
	return until.s > now.s ? (int32_t)(until.s - now.s) : 0;
}

static int32_t which_result(const struct market *m, unsigned deal, const struct hash *h)
{
	if (hash_is_zero(h))
		return RESULT_NONE;
	for (unsigned i = RIGHT; i < RESULTS; i++) {
		if (hash_eq(h, &m->result_ids[deal][i]))
			return (int32_t)i;
	}
	abort(); /* a result that the provider never signed */
}

/* The number of the move, from 1, whose document it is. */
static int32_t which_move(const struct market *m, const struct hash *h)
{
	if (hash_is_zero(h))
		return 0;
	for (unsigned k = 0; k < m->n; k++) {
		if (m->moves[k].what != DO_FORGERY && hash_eq(h, &m->docs[k]))
			return (int32_t)k + 1;
	}
	abort(); /* a document that nobody signed */
}

static void view_of_deal(const struct market *m, unsigned i, struct view_deal *out)
{
	const struct agreement *d = ledger_agreement(m->p.l, &m->ids[i]);

	if (!d)
		return;
	*out = (struct view_deal){.state = d->state,
	        .rp_agreed = d->rp_agreed,
	        .left = left_of(d->deadline, m->p.now),
	        .result = which_result(m, i, &d->result),
	        .submitted = which_result(m, i, &d->submitted),
	        .check = which_move(m, &d->check),
	        .end = which_move(m, &d->end),
	        .jc_lock = small(d->jc_lock),
	        .rp_lock = small(d->rp_lock),
	        .cost = small(d->cost),
	        .paid = small(d->paid)};
}

void market_view(const struct market *m, const struct view *last, struct view *out)
{
	static const enum who holders[] = {JC, RP, AUTHOR, SOLVER, MEDIATOR};
	const struct ledger *l = m->p.l;
	struct ledger_totals totals;

	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < DEALS; i++)
		view_of_deal(m, i, &out->deal[i]);
	out->burnt = !ledger_agreement_of(l, &m->p.who[JC], m->deals[0].hot.nonce) &&
	             ledger_nonce_used(l, &m->p.who[JC], m->deals[0].hot.nonce);
	out->open_left = left_of(m->deals[0].hot.open_by, m->p.now);
	out->cancel_left = left_of((struct btime){m->start.s + CANCEL_S}, m->p.now);
	for (unsigned i = 0; i < COUNT(holders); i++) {
		struct ledger_account a;

		ledger_account(l, &m->p.who[holders[i]], m->p.now, &a);
		out->free[i] = small(a.free);
		if (i > HOLD_RP)
			continue;
		out->locked[i] = small(a.locked);
		out->withdrawing[i] = small(a.withdrawing);
	}
	ledger_totals(l, &totals);
	out->free[HOLD_SINK] = small(totals.sink);
	if (last)
		memcpy(out->done, last->done, sizeof out->done);
}
