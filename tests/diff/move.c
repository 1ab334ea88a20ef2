/* move.c - moves as actions, and as JSON. */
#include "move.h"

#include <stdio.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "ledger/ledger_own.h"
#include "model/parts.h"

#include "move_own.h"
#include "sign.h"

/* ---- times and amounts -------------------------------------------------------------------------- */

/* When what the kept action carries is good no more; 0: always. */
static uint64_t expiry_of(const struct action *a)
{
	if (a->kind == ACTION_CANCEL)
		return a->cancel.expiry.s;
	if (a->kind == ACTION_OPEN_CHANNEL)
		return a->channel.open_by.s;
	if (a->kind == ACTION_CLOSE_CHANNEL)
		return a->leave.expiry.s;
	return carries_send(a) ? a->send.expiry.s : 0;
}

bool carries_send(const struct action *a)
{
	return a->kind == ACTION_SEND || a->kind == ACTION_SETTLE || a->kind == ACTION_REDEEM ||
	       a->kind == ACTION_CLAIM;
}

static const struct kept *kept(const struct sides *w, uint64_t back)
{
	unsigned n = MIN2(w->kept_n, (unsigned)KEPT);

	return n ? &w->kept[(w->kept_n - 1 - back % n) % KEPT] : NULL;
}

static uint64_t instant(const struct sides *w, const struct move *m)
{
	const struct agreement *d = ledger_agreement(w->p.l, &w->ids[m->deal]);
	const struct ledger_channel *c = ledger_channel(w->p.l, &w->channels[m->channel]);
	const struct hot *h = &w->deals[m->deal].hot;
	const struct kept *k = kept(w, m->n);
	struct ledger_account who;

	ledger_account(w->p.l, &w->p.who[m->by], w->p.now, &who);
	switch ((enum clock)m->clock) {
	case AT_ONCE: break;
	case AFTER: return w->p.now.s + m->wait;
	case AT_DEADLINE: return d ? d->deadline.s : 0;
	case AT_OPEN_BY: return h->open_by.s;
	case AT_CLAIM_BY: return h->open_by.s + h->submit_timeout.s;
	case AT_CLOSE: return c ? c->close_at.s : 0;
	case AT_EXPIRY: return k ? expiry_of(&k->a) : 0;
	case AT_WITHDRAW: return who.withdraw_at.s;
	case AT_PAYOUT: return who.payout_at.s;
	case CLOCKS: break;
	}
	return 0;
}

/* A deadline may be as far as 2^40; the trace goes on after it, so time stays well below that. */
static void time_moves(struct sides *w, const struct move *m)
{
	uint64_t to = instant(w, m), limit = w->p.genesis.time.s + (1u << 30);

	if (to && m->clock != AFTER)
		to = (uint64_t)((int64_t)to + m->late);
	if (to > w->p.now.s && to < limit)
		w->p.now.s = to;
}

static struct amount two_96(void)
{
	struct amount a = amount_of((uint64_t)1 << 48);
	bool ok = amount_mul(a, (uint64_t)1 << 48, &a);

	assert(ok);
	return a;
}

static struct amount base_amount(const struct sides *w, const struct move *m)
{
	struct ledger_totals t;
	struct ledger_account a;

	ledger_account(w->p.l, &w->p.who[m->by], w->p.now, &a);
	ledger_totals(w->p.l, &t);
	switch ((enum base)m->of) {
	case OF_FREE: return a.free;
	case OF_WITHDRAWING: return a.withdrawing;
	case OF_STAKE: return a.stake;
	case OF_2_96: return two_96();
	case OF_HEADROOM: return amount_less(two_96(), t.supply);
	case OF_NUMBER:
	case BASES: break;
	}
	return amount_of(m->n);
}

struct amount amount_for(const struct sides *w, const struct move *m)
{
	struct amount a = base_amount(w, m), one = amount_of(1);
	bool more = m->plus > 0, less = m->plus < 0 && !amount_is_zero(a);

	return more ? amount_plus(a, one) : less ? amount_less(a, one) : a;
}

/* ---- Sends -------------------------------------------------------------------------------------- */

void send_of(struct sides *w, enum who by, unsigned kind, const struct hash *body)
{
	struct play *p = &w->p;
	struct send *s = &p->a.send;
	struct ledger_account a;

	ledger_account(p->l, &p->who[by], p->now, &a);
	*s = (struct send){.account = p->who[by],
	        .kind = (uint8_t)kind,
	        .body = *body,
	        .nonce = a.send_nonce,
	        .expiry = {p->now.s + 60}};
	/* The operator's mints are no Sends on a chain. */
	switch ((enum twist)(w->now->forge == SENT ? STRAIGHT : w->now->twist)) {
	case NONCE_HIGH: s->nonce++; break;
	case NONCE_LOW: s->nonce -= s->nonce ? 1 : 0; break;
	case STALE_NOW: s->expiry = p->now; break;
	case GOOD_NOW: s->expiry.s = p->now.s + 1; break;
	case OTHER_BODY: s->body.b[0] ^= 1; break;
	case STRAIGHT:
	case CHANGED:
	case ROUND_1:
	case OTHER_COLD:
	case TO_NOBODY:
	case ONE_PARTY:
	case OTHER_KIND:
	case OLDER:
	case OTHER_COST:
	case TWISTS: break;
	}
	play_sign(p, by, send_record(), s, &p->a.send_sig);
}

void send_row(
        struct sides *w, enum who by, unsigned kind, const struct record *body, const void *row)
{
	struct hash h = play_id(body, row);

	w->p.a.kind = ACTION_SEND;
	send_of(w, by, kind, &h);
}

static void send_amount(struct sides *w, const struct move *m, unsigned kind)
{
	w->p.a = (struct action){.body.withdrawal.amount = amount_for(w, m)};
	send_row(w, (enum who)m->by, kind, withdrawal_record(), &w->p.a.body);
}

static void do_deposit(struct sides *w, const struct move *m)
{
	w->p.a = (struct action){.body.mint = {w->p.who[m->by], amount_for(w, m)}};
	if (m->twist == TO_NOBODY)
		w->p.a.body.mint.to = (struct addr){{0}};
	send_row(w, OPERATOR, SEND_MINT, mint_record(), &w->p.a.body);
}

static void do_request_withdraw(struct sides *w, const struct move *m)
{
	send_amount(w, m, SEND_REQUEST_WITHDRAW);
}

static void do_withdraw(struct sides *w, const struct move *m)
{
	send_amount(w, m, SEND_WITHDRAW);
}

static void do_unbond(struct sides *w, const struct move *m)
{
	send_amount(w, m, SEND_UNBOND_STAKE);
}

/* To party n, or nobody. */
static void do_set_payout(struct sides *w, const struct move *m)
{
	w->p.a = (struct action){0};
	if (m->n < PARTIES)
		w->p.a.body.payout.to = w->p.who[m->n];
	send_row(w, (enum who)m->by, SEND_SET_PAYOUT, payout_record(), &w->p.a.body);
}

static void do_cancel_nonce(struct sides *w, const struct move *m)
{
	w->p.a = (struct action){.body.nonce_cancel.nonce = m->n};
	send_row(w, (enum who)m->by, SEND_CANCEL_NONCE, nonce_cancel_record(), &w->p.a.body);
}

/* With a text and as many classes as its variant says. */
static void do_register(struct sides *w, const struct move *m)
{
	struct registration *g = &w->p.a.body.registration;

	w->p.a = (struct action){.body.registration.stake = amount_for(w, m)};
	g->base_fee = amount_of(m->n);
	g->per_instruction = amount_of(m->variant);
	g->classes.n = m->variant % (COUNT(g->classes.v) + 1);
	for (uint32_t i = 0; i < g->classes.n; i++)
		g->classes.v[i].b[31] = (uint8_t)(i + 1);
	memset(g->url, 'u', MIN2((size_t)m->variant * 9, sizeof g->url - 1));
	send_row(w, (enum who)m->by, SEND_REGISTER_MEDIATOR, registration_record(), &w->p.a.body);
}

static void do_pause(struct sides *w, const struct move *m)
{
	w->p.a = (struct action){.body.pause.paused = m->n != 0};
	send_row(w, (enum who)m->by, SEND_PAUSE_MEDIATOR, pause_record(), &w->p.a.body);
}

static bool in_channel(const struct sides *w, const struct move *m)
{
	return !hash_is_zero(&w->deals[m->deal].hot.channel);
}

/* In a channel RP's signature of the deal comes along. */
static void do_agree(struct sides *w, const struct move *m)
{
	w->p.a = (struct action){.deal = w->deals[m->deal]};
	send_row(w, (enum who)m->by, SEND_AGREE, deal_record(), &w->p.a.deal);
	if (in_channel(w, m))
		play_sign(&w->p, rp_of(w, m), deal_record(), &w->p.a.deal, &w->p.a.rp_sig);
	if (m->twist == CHANGED && m->forge != SENT)
		w->p.a.deal.hot.byte_limit ^= 1;
}

/* ---- deals: JC and RP are those of the deal ----------------------------------------------------- */

enum who party(const struct sides *w, const struct addr *who)
{
	for (unsigned i = 0; i < PARTIES; i++) {
		if (addr_eq(&w->p.who[i], who))
			return (enum who)i;
	}
	return MALLORY;
}

enum who jc_of(const struct sides *w, const struct move *m)
{
	return party(w, &w->deals[m->deal].hot.job_creator);
}

enum who rp_of(const struct sides *w, const struct move *m)
{
	return party(w, &w->deals[m->deal].hot.provider);
}

static void do_open(struct sides *w, const struct move *m)
{
	struct play *p = &w->p;

	p->a = (struct action){.kind = ACTION_OPEN, .deal = w->deals[m->deal]};
	play_sign(p, jc_of(w, m), deal_record(), &p->a.deal, &p->a.jc_sig);
	play_sign(p, rp_of(w, m), deal_record(), &p->a.deal, &p->a.rp_sig);
	if (m->twist == CHANGED)
		p->a.deal.hot.byte_limit ^= 1;
}

/* It expires n - 1 seconds from now; n = 0: as late as can be. */
static void do_cancel(struct sides *w, const struct move *m)
{
	struct play *p = &w->p;
	uint64_t expiry = m->n ? p->now.s + m->n - 1 : BTIME_MAX;

	p->a = (struct action){
	        .kind = ACTION_CANCEL, .cancel = {.deal = w->ids[m->deal], .expiry = {expiry}}};
	if (in_channel(w, m))
		p->a.deal = w->deals[m->deal];
	play_sign(p, jc_of(w, m), cancel_record(), &p->a.cancel, &p->a.jc_sig);
	play_sign(p, rp_of(w, m), cancel_record(), &p->a.cancel, &p->a.rp_sig);
}

struct hash put_result(struct sides *w, const struct move *m)
{
	const struct hot *h = &w->deals[m->deal].hot;
	const struct {
		uint64_t count, bytes;
		uint8_t status;
	} variants[RESULT_VARIANTS] = {{40, 40, STATUS_COMPLETED}, {80, 40, STATUS_COMPLETED},
	        {0, 0, STATUS_EXCEPTION_OCCURRED},
	        {h->instruction_limit, h->byte_limit, STATUS_INSTRUCTIONS_EXCEEDED},
	        {h->instruction_limit + 1, 1, STATUS_COMPLETED},
	        {1, h->byte_limit + 1, STATUS_TIME_EXCEEDED}, {UINT64_MAX, UINT64_MAX, 0},
	        {7, 7, STATUS_TIME_EXCEEDED + 1}};
	unsigned v = m->variant % RESULT_VARIANTS;
	struct hash h_of;

	w->p.a.result = (struct result){.deal = w->ids[m->deal],
	        .status = variants[v].status,
	        .count = variants[v].count,
	        .bytes = variants[v].bytes,
	        .secret_hash = {{7}}};
	w->p.a.output_hash = (struct hash){{9}};
	result_hash_of(&w->p.a.result, &w->p.a.output_hash, &h_of);
	return h_of;
}

static void do_result(struct sides *w, const struct move *m)
{
	struct hash h;

	w->p.a = (struct action){.kind = ACTION_RESULT};
	h = put_result(w, m);
	play_sign_hash(&w->p, rp_of(w, m), &h, &w->p.a.result_sig);
}

static void accept_it(struct sides *w, const struct move *m, bool with)
{
	struct play *p = &w->p;
	struct hash h;

	p->a = (struct action){.kind = ACTION_ACCEPT};
	h = put_result(w, m);
	p->a.acceptance = (struct acceptance){.deal = w->ids[m->deal], .result = h};
	if (in_channel(w, m)) {
		struct channel_acceptance doc = acceptance_in(w, m, &h);

		if (m->twist == OTHER_COST)
			doc.cost = amount_of(m->n);
		p->a.cost = doc.cost;
		play_sign(p, jc_of(w, m), channel_acceptance_record(), &doc, &p->a.doc_sig);
	} else {
		play_sign(p, jc_of(w, m), acceptance_record(), &p->a.acceptance, &p->a.doc_sig);
	}
	if (with)
		play_sign_hash(p, rp_of(w, m), &h, &p->a.result_sig);
}

static void do_accept(struct sides *w, const struct move *m)
{
	accept_it(w, m, false);
}

static void do_accept_with(struct sides *w, const struct move *m)
{
	accept_it(w, m, true);
}

static void do_decline(struct sides *w, const struct move *m)
{
	struct play *p = &w->p;

	p->a = (struct action){.kind = ACTION_DECLINE,
	        .decline = {.deal = w->ids[m->deal], .reason = (uint8_t)m->n}};
	play_sign(p, rp_of(w, m), decline_record(), &p->a.decline, &p->a.doc_sig);
}

void put_check(struct sides *w, const struct move *m, const struct hash *result)
{
	struct play *p = &w->p;

	p->a.check = (struct check){.deal = w->ids[m->deal],
	        .result = *result,
	        .claim = (uint8_t)m->n,
	        .salt = {{5}},
	        .segment = m->wait};
	play_sign(p, jc_of(w, m), check_record(), &p->a.check, &p->a.doc_sig);
}

static void do_check(struct sides *w, const struct move *m)
{
	struct hash h;

	w->p.a = (struct action){.kind = ACTION_CHECK};
	h = put_result(w, m);
	put_check(w, m, &h);
}

static void put_cold(struct sides *w, const struct move *m)
{
	w->p.a.deal.cold = w->deals[m->deal].cold;
	if (m->twist == OTHER_COLD)
		w->p.a.deal.cold.tolerance++;
}

static void do_verdict(struct sides *w, const struct move *m)
{
	struct play *p = &w->p;

	p->a = (struct action){.kind = ACTION_VERDICT,
	        .verdict = {.deal = w->ids[m->deal],
	                .mediator = p->who[m->by],
	                .round = m->twist == ROUND_1,
	                .ruling = (uint8_t)m->n,
	                .count = 40,
	                .bytes = 40,
	                .salt = {{3}}}};
	put_cold(w, m);
	play_sign(p, (enum who)m->by, verdict_record(), &p->a.verdict, &p->a.doc_sig);
}

static void do_pass(struct sides *w, const struct move *m)
{
	struct play *p = &w->p;

	p->a = (struct action){.kind = ACTION_PASS,
	        .pass = {.deal = w->ids[m->deal],
	                .mediator = p->who[m->by],
	                .round = m->twist == ROUND_1}};
	put_cold(w, m);
	play_sign(p, (enum who)m->by, pass_record(), &p->a.pass, &p->a.doc_sig);
}

static void do_timeout(struct sides *w, const struct move *m)
{
	play_timeout(&w->p, &w->ids[m->deal]);
}

/* What a party sends itself has no nonce and no expiry: on our side it is another Send. */
static void sent_anew(struct sides *w, enum who by)
{
	static const struct move plain;
	struct send *s = &w->p.a.send;
	struct ledger_account a;

	ledger_account(w->p.l, &s->account, w->p.now, &a);
	s->nonce = a.send_nonce;
	s->expiry.s = w->p.now.s + 60;
	w->now = &plain;
	play_sign(&w->p, by, send_record(), s, &w->p.a.send_sig);
}

/* Nothing where since then a Send of the account was not counted on the chain: the nonce of this one would be another
 * there. */
static bool do_again(struct sides *w, const struct move *m)
{
	const struct kept *k = kept(w, m->n);
	enum who by;

	if (!k)
		return false;
	by = party(w, &k->a.send.account);
	if (carries_send(&k->a) && by != OPERATOR && !k->own && k->uncounted != w->uncounted[by])
		return false;
	w->p.a = k->a;
	if (k->own)
		sent_anew(w, by);
	w->for_chain = k->for_chain;
	w->sent = k->sent;
	w->own = k->own;
	w->sender = k->sender;
	return true;
}

static void (*const makers[WHATS])(struct sides *w, const struct move *m) = {
        [DO_DEPOSIT] = do_deposit,
        [DO_REQUEST_WITHDRAW] = do_request_withdraw,
        [DO_WITHDRAW] = do_withdraw,
        [DO_SET_PAYOUT] = do_set_payout,
        [DO_CANCEL_NONCE] = do_cancel_nonce,
        [DO_REGISTER] = do_register,
        [DO_PAUSE] = do_pause,
        [DO_UNBOND] = do_unbond,
        [DO_TOP_UP] = do_top_up,
        [DO_LEAVE_CHANNEL] = do_leave_channel,
        [DO_AGREE] = do_agree,
        [DO_OPEN] = do_open,
        [DO_CANCEL] = do_cancel,
        [DO_RESULT] = do_result,
        [DO_DECLINE] = do_decline,
        [DO_ACCEPT] = do_accept,
        [DO_ACCEPT_WITH] = do_accept_with,
        [DO_CHECK] = do_check,
        [DO_VERDICT] = do_verdict,
        [DO_PASS] = do_pass,
        [DO_TIMEOUT] = do_timeout,
        [DO_OPEN_CHANNEL] = do_open_channel,
        [DO_CLOSE_CHANNEL] = do_close_channel,
        [DO_CLOSE_NOW] = do_close_now,
        [DO_SETTLE] = do_settle,
        [DO_SETTLE_LIST] = do_settle_list,
        [DO_REDEEM] = do_redeem,
        [DO_CLAIM] = do_claim,
        [DO_CLAIM_CHECK] = do_claim_check,
};

static void for_chain(struct sides *w)
{
	static const struct sig none;
	struct action *a = &w->for_chain;
	enum who by = party(w, &w->p.a.send.account);

	*a = w->p.a;
	if (carries_send(a) && w->uncounted[by] && !w->own) {
		a->send.nonce -= w->uncounted[by];
		w->signed_n = 0;
		play_sign(&w->p, by, send_record(), &a->send, &a->send_sig);
	}
	if (w->sent && !w->own)
		memcpy((uint8_t *)a + w->unshown, &none, sizeof none);
}

bool move_make(struct sides *w, const struct move *m)
{
	w->now = m;
	w->signed_n = 0;
	w->sent = w->own = false;
	time_moves(w, m);
	if (m->what == DO_AGAIN)
		return do_again(w, m);
	makers[m->what](w, m);
	for_chain(w);
	return true;
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static const char *const what_names[] = {
#define M(NAME, name, deal) name,
#include "moves.def"
#undef M
};
static const char *const who_names[] = {
        "operator", "JC", "RP", "solver", "author", "mediator", "mallory"};
static const char *const clock_names[] = {"at-once", "after", "at-deadline", "at-open-by",
        "at-expiry", "at-withdraw", "at-payout", "at-close", "at-claim-by"};
static const char *const base_names[] = {
        "number", "free", "withdrawing", "stake", "2^96", "headroom"};
static const char *const forge_names[] = {"genuine", "by-stranger", "empty", "compact", "high-s",
        "raw-v", "zeros", "parity", "of-other", "sent"};
static const char *const twist_names[] = {"straight", "nonce-high", "nonce-low", "stale-now",
        "good-now", "other-body", "changed", "round-1", "other-cold", "to-nobody", "one-party",
        "other-kind", "older", "other-cost"};

_Static_assert(COUNT(clock_names) == CLOCKS && COUNT(base_names) == BASES, "a name for each");
_Static_assert(COUNT(forge_names) == FORGES && COUNT(twist_names) == TWISTS, "a name for each");
_Static_assert(COUNT(who_names) == PARTIES, "a name for each");

enum { SMALL, SIGNED, WORD, LONG };

/* clang-format off */
static const struct member {
	const char *key;
	size_t at;
	int kind;
	const char *const *names; /* SMALL; NULL: a number */
	size_t names_n;
} members[] = {
	{"do",      offsetof(struct move, what),    SMALL,  what_names,  COUNT(what_names)},
	{"deal",    offsetof(struct move, deal),    SMALL,  NULL,        DEALS},
	{"channel", offsetof(struct move, channel), SMALL,  NULL,        CHANNELS},
	{"by",      offsetof(struct move, by),      SMALL,  who_names,   COUNT(who_names)},
	{"when",    offsetof(struct move, clock),   SMALL,  clock_names, COUNT(clock_names)},
	{"of",      offsetof(struct move, of),      SMALL,  base_names,  COUNT(base_names)},
	{"forge",   offsetof(struct move, forge),   SMALL,  forge_names, COUNT(forge_names)},
	{"slot",    offsetof(struct move, slot),    SMALL,  NULL,        4},
	{"signer",  offsetof(struct move, signer),  SMALL,  who_names,   COUNT(who_names)},
	{"twist",   offsetof(struct move, twist),   SMALL,  twist_names, COUNT(twist_names)},
	{"variant", offsetof(struct move, variant), SMALL,  NULL,        256},
	{"late",    offsetof(struct move, late),    SIGNED, NULL,        0},
	{"plus",    offsetof(struct move, plus),    SIGNED, NULL,        0},
	{"wait",    offsetof(struct move, wait),    WORD,   NULL,        0},
	{"n",       offsetof(struct move, n),       LONG,   NULL,        0},
};
/* clang-format on */

const char *what_name(unsigned what)
{
	assert(what < WHATS);
	return what_names[what];
}

static json_t *member_json(const struct member *f, const void *at)
{
	const uint8_t *small = at;
	const int8_t *with_sign = at;
	const uint32_t *word = at;
	const uint64_t *number = at;

	if (f->kind == SMALL && f->names)
		return *small || f->at == 0 ? json_string(f->names[*small]) : NULL;
	if (f->kind == SMALL)
		return *small ? json_integer(*small) : NULL;
	if (f->kind == SIGNED)
		return *with_sign ? json_integer(*with_sign) : NULL;
	if (f->kind == WORD)
		return *word ? json_integer(*word) : NULL;
	return *number ? json_of_u64(*number) : NULL;
}

json_t *move_to_json(const struct move *m)
{
	json_t *out = json_object(), *v;

	for (size_t i = 0; i < COUNT(members); i++) {
		v = member_json(&members[i], (const uint8_t *)m + members[i].at);
		if (v)
			json_object_set_new(out, members[i].key, v);
	}
	return out;
}

static bool small_from(const struct member *f, const json_t *v, uint8_t *out, struct err *e)
{
	json_int_t n = json_integer_value(v);

	if (!f->names && json_is_integer(v) && n >= 0 && n < (json_int_t)f->names_n) {
		*out = (uint8_t)n;
		return true;
	}
	for (size_t i = 0; f->names && i < f->names_n; i++) {
		if (str_is(json_text_of(v), f->names[i])) {
			*out = (uint8_t)i;
			return true;
		}
	}
	return FAIL(e, JSON_VALUE, "%s of a move is \"%.*s\", or %lld", f->key,
	        STR_ARG(json_text_of(v)), (long long)n);
}

static bool number_from(const struct member *f, const json_t *v, void *out, struct err *e)
{
	json_int_t n = json_integer_value(v);
	uint64_t u;

	if (f->kind == LONG && str_u64(json_text_of(v), UINT64_MAX, &u))
		memcpy(out, &u, sizeof u);
	else if (f->kind == WORD && json_is_integer(v) && n >= 0 && n <= UINT32_MAX)
		memcpy(out, &(uint32_t){(uint32_t)n}, sizeof(uint32_t));
	else if (f->kind == SIGNED && json_is_integer(v) && n >= INT8_MIN && n <= INT8_MAX)
		memcpy(out, &(int8_t){(int8_t)n}, sizeof(int8_t));
	else
		return FAIL(e, JSON_VALUE, "%s of a move is no number that fits", f->key);
	return true;
}

bool move_from_json(const json_t *j, struct move *out, struct err *e)
{
	struct move m = {0};
	size_t known = 0;

	for (size_t i = 0; i < COUNT(members); i++) {
		const struct member *f = &members[i];
		const json_t *v = json_object_get(j, f->key);
		uint8_t *at = (uint8_t *)&m + f->at;

		if (!v)
			continue;
		known++;
		if (f->kind == SMALL)
			TRY(small_from(f, v, at, e), e);
		else
			TRY(number_from(f, v, at, e), e);
	}
	if (!json_object_get(j, "do") || known != json_object_size(j))
		return FAIL(
		        e, JSON_VALUE, "a move without \"do\", or with a member that it has not");
	*out = m;
	return true;
}
