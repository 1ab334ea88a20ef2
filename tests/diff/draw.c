/* draw.c - what is likely, what is at the edge, and what is hostile. */
#include "draw.h"

#include "base/draw_suite.h"
#include "ledger/ledger_own.h"

static uint64_t below(uint64_t *seed, uint64_t n)
{
	return draw(seed) % n;
}

static bool chance(uint64_t *seed, unsigned percent)
{
	return below(seed, 100) < percent;
}

/* ---- deals -------------------------------------------------------------------------------------- */

static struct amount units(uint64_t *seed, uint64_t max)
{
	return amount_of(chance(seed, 15) ? 0 : below(seed, max + 1));
}

static struct amount most(void)
{
	struct amount a = amount_of((uint64_t)1 << 48);
	bool ok = amount_mul(a, (uint64_t)1 << 48, &a) && amount_sub(a, amount_of(1), &a);

	assert(ok);
	return a;
}

static void draw_money(uint64_t *seed, struct hot *h)
{
	struct amount dispute;

	h->pay = units(seed, 2000);
	h->late_judge = units(seed, 60);
	h->late_submit = units(seed, 60);
	h->damages = units(seed, 200);
	h->fee = units(seed, 20);
	h->base = units(seed, 400);
	h->per_instruction = chance(seed, 5) ? most() : units(seed, 6);
	h->per_byte = chance(seed, 5) ? most() : units(seed, 3);
	/* Just enough, or more: the fine and the dispute are covered one beside the other. */
	dispute = amount_plus(h->damages, h->fee);
	h->job_bond = amount_plus(amount_max(dispute, h->late_judge), units(seed, 50));
	h->result_bond = amount_plus(amount_max(dispute, h->late_submit), units(seed, 50));
	h->royalty = (uint16_t)(chance(seed, 60) ? below(seed, 501) : 0);
	h->solver_share = (uint16_t)(chance(seed, 60) ? below(seed, 501) : 0);
}

static void draw_clocks(uint64_t *seed, struct hot *h, uint64_t now)
{
	h->agree_timeout.s = 60 + below(seed, 100);
	h->submit_timeout.s = 60 + below(seed, 100);
	h->judge_timeout.s = 60 + below(seed, 100);
	h->mediate_timeout.s = 60 + below(seed, 100);
	h->open_by.s = now + (chance(seed, 15) ? 1 + below(seed, 80) : 200 + below(seed, 200000));
	h->instruction_limit = chance(seed, 5) ? UINT64_MAX : 100 + below(seed, 2);
	h->byte_limit = chance(seed, 5) ? UINT64_MAX : 40 + below(seed, 60);
}

static void draw_parties(uint64_t *seed, const struct play *p, struct deal *d)
{
	struct hot *h = &d->hot;

	if (chance(seed, 10))
		h->job_creator = p->who[MALLORY];
	if (chance(seed, 10))
		h->provider = p->who[SOLVER];
	if (chance(seed, 15))
		h->author = p->who[below(seed, PARTIES)];
	if (chance(seed, 15))
		h->solver = p->who[below(seed, PARTIES)];
	if (chance(seed, 10))
		h->author = (struct addr){{0}};
	if (chance(seed, 10))
		h->solver = (struct addr){{0}};
}

static void without_mediation(struct deal *d)
{
	d->hot.seats = 0;
	d->hot.mediation = MEDIATION_NONE;
	d->cold.determinism = DETERMINISM_NONE;
	d->cold.mediators.n = 0;
	d->cold.mediators.v[0] = (struct addr){{0}};
}

/* One of the terms that 5.14 looks at, a number at the edge of what a document can hold, or what is offered nowhere
 * yet. */
static void spoil(uint64_t *seed, const struct play *p, struct deal *d)
{
	struct hot *h = &d->hot;

	switch (below(seed, 27)) {
	case 0: h->job_bond = amount_of(below(seed, 30)); break;
	case 1: h->result_bond = amount_of(below(seed, 30)); break;
	case 2: h->royalty = 1001; break;
	case 3:
		h->royalty = 600;
		h->solver_share = (uint16_t)(400 + below(seed, 2));
		break;
	case 4: h->mediate_timeout.s = 59; break;
	case 5: h->agree_timeout.s = 0; break;
	case 6: h->submit_timeout.s = 10000; break;
	case 7: h->judge_timeout.s = BTIME_MAX; break;
	case 8: h->seats = 0; break;
	case 9: h->seats = (uint8_t)(2 + below(seed, 2)); break;
	case 10:
		h->seats = 255;
		h->fee = most();
		break;
	case 11: h->appeal = (uint8_t)(1 + below(seed, 2)); break;
	case 12: h->mediation = MEDIATION_NONE; break;
	case 13: h->mediation = MEDIATION_CONSORTIUM; break;
	case 14: h->mediation = 3; break;
	case 15: d->cold.determinism = DETERMINISM_NONE; break;
	case 16: d->cold.determinism = 3; break;
	case 17: d->cold.mediators.v[0] = h->solver; break;
	case 18: d->cold.mediators.v[0] = h->job_creator; break;
	case 19: d->cold.mediators.n = 0; break;
	case 20:
		d->cold.mediators.n = 2;
		d->cold.mediators.v[1] = p->who[MALLORY];
		break;
	case 21: d->cold.mediators.v[0] = (struct addr){{0}}; break;
	case 22: h->provider = h->job_creator; break;
	case 23: h->channel.b[31] = 1; break;
	case 24: h->pay = chance(seed, 50) ? most() : amount_of(1000000); break;
	case 25: h->result_bond = chance(seed, 50) ? most() : amount_of(1000001); break;
	default: h->open_by.s = chance(seed, 50) ? 0 : BTIME_MAX; break;
	}
}

/* In one of our channels, with a low number of it, and with its parties; or of another's. */
static void into_channel(uint64_t *seed, const struct sides *w, unsigned i, struct deal *d)
{
	static const uint8_t weights[] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 3};
	unsigned c = weights[below(seed, COUNT(weights))];
	const struct pair *at = &channel_pairs[c];

	d->hot.channel = w->channels[chance(seed, 97) ? c : below(seed, CHANNELS)];
	d->hot.nonce = chance(seed, 95) ? 1 + (chance(seed, 80) ? i : below(seed, DEALS)) : 0;
	if (chance(seed, 97)) {
		d->hot.job_creator = w->p.who[at->jc];
		d->hot.provider = w->p.who[at->rp];
	}
	if (at->kind == CHANNEL_VOUCHERS && chance(seed, 95))
		d->hot.royalty = d->hot.solver_share = 0;
	if (chance(seed, 3))
		d->hot.channel.b[7] ^= 1;
}

void draw_deals(uint64_t *seed, const struct sides *w, struct deal out[DEALS])
{
	static const char engine[] = "wasm/wasmtime-48.0.0/x86_64/9f2c4e6a";
	const struct play *p = &w->p;
	bool channels = chance(seed, 60);

	for (unsigned i = 0; i < DEALS; i++) {
		struct deal *d = &out[i];

		/* Two of one nonce: only one of them can be opened. */
		*d = play_deal(p, chance(seed, 80) ? i : below(seed, DEALS));
		draw_money(seed, &d->hot);
		draw_clocks(seed, &d->hot, p->now.s);
		draw_parties(seed, p, d);
		memcpy(d->cold.engine, engine, sizeof engine);
		draw_bytes(seed, d->cold.spec.b, sizeof d->cold.spec.b);
		if (channels && chance(seed, 90))
			into_channel(seed, w, i, d);
		if (chance(seed, 20))
			without_mediation(d);
		if (chance(seed, 12))
			spoil(seed, p, d);
		if (chance(seed, 3))
			spoil(seed, p, d);
	}
}

/* ---- what is likely ----------------------------------------------------------------------------- */

/* One of the row, a move that leads on from that state more often than another. */
static uint8_t likely(uint64_t *seed, unsigned state)
{
	static const uint8_t fresh[] = {DO_OPEN, DO_OPEN, DO_OPEN, DO_AGREE, DO_AGREE};
	static const uint8_t negotiating[] = {DO_AGREE, DO_AGREE, DO_OPEN, DO_CANCEL, DO_TIMEOUT};
	static const uint8_t agreed[] = {DO_RESULT, DO_RESULT, DO_RESULT, DO_RESULT, DO_DECLINE,
	        DO_RESULT, DO_ACCEPT_WITH, DO_CANCEL, DO_TIMEOUT};
	static const uint8_t submitted[] = {DO_ACCEPT, DO_ACCEPT_WITH, DO_CHECK, DO_CHECK, DO_CHECK,
	        DO_CHECK, DO_TIMEOUT, DO_RESULT};
	static const uint8_t checked[] = {
	        DO_VERDICT, DO_VERDICT, DO_VERDICT, DO_PASS, DO_TIMEOUT, DO_CHECK};
	static const uint8_t over[] = {DO_AGAIN, DO_AGAIN, DO_AGAIN, DO_TIMEOUT, DO_WITHDRAW,
	        DO_REQUEST_WITHDRAW, DO_REGISTER, DO_UNBOND, DO_SET_PAYOUT, DO_DEPOSIT};

	switch (state) {
	case 0: return fresh[below(seed, COUNT(fresh))];
	case DEAL_NEGOTIATING: return negotiating[below(seed, COUNT(negotiating))];
	case DEAL_AGREED: return agreed[below(seed, COUNT(agreed))];
	case DEAL_RESULTS_SUBMITTED: return submitted[below(seed, COUNT(submitted))];
	case DEAL_RESULTS_CHECKED: return checked[below(seed, COUNT(checked))];
	default: return over[below(seed, COUNT(over))];
	}
}

/* The same of a deal of a channel that is not on the ledger. */
static uint8_t likely_in(uint64_t *seed, const struct sides *w, unsigned channel)
{
	static const uint8_t acceptances[] = {DO_SETTLE, DO_SETTLE, DO_SETTLE, DO_SETTLE,
	        DO_SETTLE_LIST, DO_SETTLE_LIST, DO_SETTLE_LIST, DO_CLAIM, DO_CLAIM, DO_CLAIM,
	        DO_CLAIM_CHECK, DO_CLAIM_CHECK, DO_CLAIM_CHECK, DO_AGREE, DO_AGREE, DO_CANCEL,
	        DO_TOP_UP, DO_AGAIN, DO_AGAIN};
	static const uint8_t vouchers[] = {DO_REDEEM, DO_REDEEM, DO_REDEEM, DO_REDEEM, DO_CLAIM,
	        DO_CLAIM, DO_CLAIM, DO_CLAIM_CHECK, DO_CLAIM_CHECK, DO_CLAIM_CHECK, DO_AGREE,
	        DO_AGREE, DO_CANCEL, DO_TOP_UP, DO_AGAIN, DO_AGAIN};
	static const uint8_t ends[] = {DO_LEAVE_CHANNEL, DO_CLOSE_NOW, DO_CLOSE_CHANNEL};
	const struct ledger_channel *c = ledger_channel(w->p.l, &w->channels[channel]);

	if (!c && chance(seed, 80))
		return DO_OPEN_CHANNEL;
	if (c && c->close_at.s && !c->closed && chance(seed, 20))
		return DO_CLOSE_CHANNEL;
	if (chance(seed, 6))
		return ends[below(seed, COUNT(ends))];
	if (channel_pairs[channel].kind == CHANNEL_VOUCHERS)
		return vouchers[below(seed, COUNT(vouchers))];
	return acceptances[below(seed, COUNT(acceptances))];
}

/* The channel of the move's deal, mostly. */
static uint8_t which_channel(uint64_t *seed, const struct sides *w, const struct move *m)
{
	int c = sides_channel(w, &w->deals[m->deal].hot.channel);

	return (uint8_t)(c < 0 || chance(seed, 5) ? below(seed, CHANNELS) : (uint64_t)c);
}

static uint8_t what_next(uint64_t *seed, const struct sides *w, const struct move *m)
{
	const struct agreement *d = ledger_agreement(w->p.l, &w->ids[m->deal]);
	bool inside = sides_channel(w, &w->deals[m->deal].hot.channel) >= 0;

	if (chance(seed, 22))
		return (uint8_t)below(seed, WHATS);
	if (inside && (!d || chance(seed, d->deadline.s ? 5 : 40)))
		return likely_in(seed, w, m->channel);
	return likely(seed, d ? d->state : 0);
}

static bool of_provider(unsigned what)
{
	return what == DO_SETTLE || what == DO_SETTLE_LIST || what == DO_REDEEM || what == DO_CLAIM;
}

/* Whose move it is, where it is somebody's own. */
static uint8_t whose(uint64_t *seed, const struct sides *w, const struct move *m)
{
	const struct deal *d = &w->deals[m->deal];
	const struct addr *who = NULL;
	bool there = ledger_agreement(w->p.l, &w->ids[m->deal]);
	const struct pair *at = &channel_pairs[m->channel];

	if (chance(seed, 12))
		return (uint8_t)(1 + below(seed, PARTIES - 1));
	if (of_provider(m->what))
		return (uint8_t)at->rp;
	if (m->what == DO_TOP_UP || m->what == DO_LEAVE_CHANNEL)
		return (uint8_t)(chance(seed, 50) ? at->jc : at->rp);
	if (m->what == DO_AGREE)
		who = there && hash_is_zero(&d->hot.channel) ? &d->hot.provider
		                                             : &d->hot.job_creator;
	if (m->what == DO_VERDICT || m->what == DO_PASS)
		who = &d->cold.mediators.v[0];
	for (uint8_t i = 0; who && i < PARTIES; i++) {
		if (addr_eq(&w->p.who[i], who))
			return i;
	}
	return (uint8_t)(1 + below(seed, PARTIES - 1));
}

/* ---- when --------------------------------------------------------------------------------------- */

static void draw_clock(uint64_t *seed, struct move *m)
{
	bool ends = m->what == DO_TIMEOUT;
	bool pays = m->what == DO_WITHDRAW;
	bool opens = m->what == DO_OPEN || m->what == DO_AGREE;

	m->late = (int8_t)((int)below(seed, 3) - 1);
	if (m->what == DO_CLOSE_CHANNEL && chance(seed, 70)) {
		m->clock = AT_CLOSE;
	} else if (chance(seed, m->what == DO_CLAIM || m->what == DO_CLAIM_CHECK ? 4 : 0)) {
		m->clock = AT_CLAIM_BY;
	} else if (chance(seed, ends ? 75 : 5)) {
		m->clock = AT_DEADLINE;
	} else if (chance(seed, pays ? 50 : 0)) {
		m->clock = AT_WITHDRAW;
	} else if (chance(seed, opens ? 5 : 0)) {
		m->clock = AT_OPEN_BY;
	} else if (chance(seed, m->what == DO_AGAIN ? 10 : 1)) {
		m->clock = AT_EXPIRY;
	} else if (chance(seed, 1)) {
		m->clock = AT_PAYOUT;
	} else if (chance(seed, 50)) {
		m->clock = AFTER;
		m->wait = (uint32_t)below(seed, 12);
		m->late = 0;
	} else {
		m->late = 0;
	}
}

/* ---- how much, and which ------------------------------------------------------------------------ */

static void draw_amount(uint64_t *seed, struct move *m)
{
	static const uint8_t own[] = {[DO_REQUEST_WITHDRAW] = OF_FREE,
	        [DO_REGISTER] = OF_FREE,
	        [DO_WITHDRAW] = OF_WITHDRAWING,
	        [DO_UNBOND] = OF_STAKE,
	        [DO_DEPOSIT] = OF_HEADROOM,
	        [DO_TOP_UP] = OF_FREE,
	        [DO_OPEN_CHANNEL] = OF_FREE};

	m->n = below(seed, 3000);
	if (chance(seed, m->what == DO_WITHDRAW ? 60 : m->what == DO_OPEN_CHANNEL ? 3 : 20)) {
		m->of = own[m->what];
		m->plus = (int8_t)((int)below(seed, 3) - 1);
	} else if (chance(seed, 4)) {
		m->of = OF_2_96;
		m->plus = (int8_t)((int)below(seed, 3) - 1);
	}
}

/* How many items: few, many, or out of bounds. */
static uint8_t list_size(uint64_t *seed)
{
	if (chance(seed, 85))
		return (uint8_t)(2 + below(seed, 9));
	return (uint8_t)(chance(seed, 80) ? below(seed, ITEMS_MAX + 1) : 100 + below(seed, 2));
}

static void draw_in_channel(uint64_t *seed, struct move *m)
{
	if (m->what == DO_OPEN_CHANNEL) {
		draw_amount(seed, m);
		m->n = chance(seed, 90) ? 3000 + below(seed, 5000) : below(seed, 500);
		m->variant = (uint8_t)below(seed, 40);
	} else if (m->what == DO_SETTLE_LIST) {
		m->n = draw(seed);
		m->variant = list_size(seed);
	} else if (m->what == DO_REDEEM) {
		m->n = chance(seed, 10) ? 20000 : below(seed, chance(seed, 50) ? 3 : 400);
		m->variant = (uint8_t)below(seed, 3);
		m->late = (int8_t)(chance(seed, 10) ? (int)below(seed, 3) - 1 : 0);
		if (m->clock != AFTER)
			m->clock = AT_ONCE;
	} else if (m->what == DO_SETTLE) {
		m->n = chance(seed, 70) ? 0 : below(seed, 7);
	} else if (m->what == DO_CLOSE_NOW) {
		m->n = chance(seed, 80) ? 1 + below(seed, 2) : 0;
	}
}

static void draw_number(uint64_t *seed, struct move *m)
{
	switch ((enum what)m->what) {
	case DO_SET_PAYOUT: m->n = below(seed, PARTIES + (chance(seed, 20) ? 1u : 0u)); break;
	case DO_CANCEL_NONCE:
		m->n = chance(seed, 85) ? below(seed, 3) : 255 - below(seed, 2);
		break;
	case DO_PAUSE: m->n = below(seed, 2); break;
	case DO_CANCEL: m->n = chance(seed, 50) ? 0 : below(seed, 4); break;
	case DO_DECLINE: m->n = chance(seed, 90) ? 1 + below(seed, 5) : 6 * below(seed, 2); break;
	case DO_CHECK:
	case DO_CLAIM_CHECK:
		m->n = chance(seed, 90) ? 1 + below(seed, 7) : 8 * below(seed, 2);
		break;
	case DO_VERDICT: m->n = chance(seed, 90) ? 1 + below(seed, 6) : 7 * below(seed, 2); break;
	case DO_AGAIN: m->n = chance(seed, 50) ? 0 : below(seed, KEPT); break;
	case DO_DEPOSIT:
	case DO_REQUEST_WITHDRAW:
	case DO_WITHDRAW:
	case DO_REGISTER:
	case DO_UNBOND:
	case DO_TOP_UP: draw_amount(seed, m); break;
	case DO_AGREE:
	case DO_OPEN:
	case DO_RESULT:
	case DO_ACCEPT:
	case DO_ACCEPT_WITH:
	case DO_PASS:
	case DO_TIMEOUT:
	case DO_LEAVE_CHANNEL:
	case DO_OPEN_CHANNEL:
	case DO_CLOSE_CHANNEL:
	case DO_CLOSE_NOW:
	case DO_SETTLE:
	case DO_SETTLE_LIST:
	case DO_REDEEM:
	case DO_CLAIM:
	case WHATS: break;
	}
	m->variant = (uint8_t)(chance(seed, 70) ? 0 : below(seed, RESULT_VARIANTS));
	if (m->what == DO_REGISTER)
		m->variant = (uint8_t)below(seed, 32);
	draw_in_channel(seed, m);
}

/* ---- what is wrong ------------------------------------------------------------------------------ */

static void draw_twist(uint64_t *seed, struct move *m)
{
	static const uint8_t of_sends[] = {NONCE_HIGH, NONCE_LOW, STALE_NOW, GOOD_NOW, OTHER_BODY};
	static const uint8_t of_rulings[] = {ROUND_1, OTHER_COLD};
	static const uint8_t of_channels[] = {STALE_NOW, ONE_PARTY, OTHER_KIND};

	if (m->what == DO_DEPOSIT)
		m->twist = TO_NOBODY;
	else if (of_provider(m->what))
		m->twist = of_sends[below(seed, COUNT(of_sends))];
	else if (m->what == DO_OPEN_CHANNEL)
		m->twist = of_channels[below(seed, COUNT(of_channels))];
	else if (m->what == DO_ACCEPT)
		m->twist = OTHER_COST;
	else if (m->what <= DO_AGREE)
		m->twist = of_sends[below(seed, COUNT(of_sends))];
	else if (m->what == DO_VERDICT || m->what == DO_PASS)
		m->twist = of_rulings[below(seed, COUNT(of_rulings))];
	if ((m->what == DO_AGREE && chance(seed, 20)) || m->what == DO_OPEN)
		m->twist = CHANGED;
	if (m->what == DO_REDEEM && chance(seed, 50))
		m->twist = OLDER;
}

static void draw_forge(uint64_t *seed, struct move *m)
{
	m->forge = (uint8_t)(1 + below(seed, FORGES - 1));
	m->slot = (uint8_t)below(seed, 2);
	m->signer = (uint8_t)below(seed, PARTIES);
}

static bool two_sign(unsigned what)
{
	return what == DO_OPEN || what == DO_CANCEL || what == DO_OPEN_CHANNEL ||
	       what == DO_CLOSE_NOW || what == DO_CLAIM_CHECK || what == DO_AGREE;
}

/* Sent by whoever must sign, or by somebody else. */
static void draw_sent(uint64_t *seed, const struct sides *w, struct move *m)
{
	const struct hot *h = &w->deals[m->deal].hot;
	bool by_rp = m->what == DO_RESULT || m->what == DO_DECLINE;

	m->forge = SENT;
	m->slot = (uint8_t)(two_sign(m->what) || of_provider(m->what) ? below(seed, 2) : 0);
	m->signer = (uint8_t)below(seed, PARTIES);
	if (m->what == DO_VERDICT || m->what == DO_PASS)
		m->signer = m->by;
	for (uint8_t i = 0;
	        i < PARTIES && m->what != DO_VERDICT && m->what != DO_PASS && chance(seed, 98);
	        i++) {
		if (addr_eq(&w->p.who[i], by_rp || (m->slot && two_sign(m->what))
		                                  ? &h->provider
		                                  : &h->job_creator))
			m->signer = i;
	}
}

void draw_move(uint64_t *seed, const struct sides *w, struct move *out)
{
	*out = (struct move){0};
	out->deal = (uint8_t)(chance(seed, 60) ? 0 : below(seed, DEALS));
	out->channel = which_channel(seed, w, out);
	out->what = what_next(seed, w, out);
	out->by = whose(seed, w, out);
	/* The operator mints, and does nothing else: a chain does not count its mints. */
	if (out->by == OPERATOR && (out->what <= DO_AGREE || of_provider(out->what)))
		out->by = JC;
	draw_clock(seed, out);
	draw_number(seed, out);
	if (chance(seed, 8))
		draw_twist(seed, out);
	if (chance(seed, 8) && out->what != DO_DEPOSIT)
		draw_forge(seed, out);
	else if (chance(seed, 15) && out->what != DO_DEPOSIT)
		draw_sent(seed, w, out);
}
