/* apply.c - one action: which rule it meets, and the event that tells what it did. */
#include <stdlib.h>

#include "codec/eip712.h"
#include "ledger/ledger_own.h"

/* ---- documents ---------------------------------------------------------------------------------- */

static bool field_in_bounds(const struct field *f, const void *row, struct err *e)
{
	const void *p = field_at(row, f);
	const struct btime *t = p;

	if (f->kind == K_AMOUNT && !amount_fits_document(*(const struct amount *)p))
		return FAIL(e, RANGE, "%s is not below 2^96", f->name);
	if (f->kind == K_TIME && t->s > BTIME_MAX)
		return FAIL(
		        e, RANGE, "%s is %llu, not below 2^40", f->name, (unsigned long long)t->s);
	if (f->kind == K_ENUM && !enum_has(f->names, *(const uint8_t *)p))
		return FAIL(e, RANGE, "%s is %u, which is no %s", f->name, *(const uint8_t *)p,
		        f->names->name);
	if (f->kind == K_ADDRS && *(const uint32_t *)p > f->bound)
		return FAIL(e, RANGE, "%s has %u items, more than %llu", f->name,
		        *(const uint32_t *)p, (unsigned long long)f->bound);
	if (f->kind == K_REC)
		return document_in_bounds(f->rec(), p, e);
	return true;
}

bool document_in_bounds(const struct record *r, const void *row, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!field_in_bounds(&r->f[i], row, e)) {
			err_note(e, __FILE__, __LINE__);
			return false;
		}
	}
	return true;
}

bool document_signed(const struct ledger *l, const struct hash *doc, const struct sig *sig,
        const struct addr *who, const char *what, struct err *e)
{
	struct hash digest;

	eip712_digest(&l->domain, doc, &digest);
	if (l->verify(l->verify_ctx, &digest, sig, who, e))
		return true;
	err_prefix(e, "%s: ", what);
	return false;
}

/* ---- the event ---------------------------------------------------------------------------------- */

void step_move(struct step *s, struct agreement *d, unsigned to, uint64_t timeout)
{
	bool final = sm_is_final(&deal_states, to);
	struct err e;
	bool ok;

	s->ev->from = d->state;
	s->ev->to = (uint8_t)to;
	if (d->state) {
		ok = sm_move(&deal_states, &d->state, to, &e);
		assert(ok);
	}
	d->state = (uint8_t)to;
	d->since = s->now;
	d->block = s->block;
	d->deadline.s = final ? 0 : s->now.s + timeout;
	if (final) {
		money_settle(s->l, d, to);
		/* Nothing asks for the terms of a final deal any more. */
		free(d->hot);
		d->hot = NULL;
	}
	s->ev->deal = d->id;
	s->ev->result = d->result;
	s->ev->status = d->status;
	s->ev->count = d->count;
	s->ev->bytes = d->bytes;
	s->ev->output = d->output;
	s->ev->amount = d->paid;
	s->ev->deadline = d->deadline;
	s->changed = true;
}

static void write_changes(const struct ledger *l, struct ledger_event *ev)
{
	for (uint32_t i = 0; i < l->touched_n; i++) {
		const struct account *a = account_get(l, &l->touched[i]);
		struct balance_change *c = &ev->changes[i];

		*c = (struct balance_change){.account = l->touched[i]};
		if (a) {
			c->free = a->free;
			c->locked = a->locked;
			c->withdrawing = a->withdrawing;
			c->send_nonce = a->send_nonce;
		} else {
			c->free = l->totals.sink;
		}
	}
	ev->changes_n = l->touched_n;
}

/* 5.15 (a) and (b) on the counters; (c) is in every subtraction. */
static void check_counters(const struct ledger *l)
{
	const struct ledger_totals *t = &l->totals;
	struct amount sum = amount_plus(amount_plus(t->free, t->locked),
	        amount_plus(amount_plus(t->withdrawing, t->stakes), t->sink));

	assert(amount_eq(amount_plus(sum, t->channels), t->supply));
	assert(amount_eq(l->deal_locks, t->locked));
	assert(amount_eq(amount_plus(l->channel_sums, l->channel_locks), t->channels));
	assert(amount_fits_document(t->supply));
}

/* ---- dispatch ----------------------------------------------------------------------------------- */

bool no_consortium(struct step *s, struct err *e)
{
	(void)s;
	return FAIL(e, STATE, "a mediator consortium is not offered by this ledger yet");
}

/* clang-format off */
static const struct {
	uint8_t kind;
	bool (*apply)(struct step *s, struct err *e);
} kinds[] = {
	{ACTION_SEND,          apply_send},
	{ACTION_OPEN,          apply_open},
	{ACTION_CANCEL,        apply_cancel},
	{ACTION_RESULT,        apply_result},
	{ACTION_DECLINE,       apply_decline},
	{ACTION_ACCEPT,        apply_accept},
	{ACTION_CHECK,         apply_check},
	{ACTION_VERDICT,       apply_verdict},
	{ACTION_PASS,          apply_pass},
	{ACTION_TIMEOUT,       apply_timeout},
	{ACTION_SETTLE,        apply_settle},
	{ACTION_REDEEM,        apply_redeem},
	{ACTION_CLAIM,         apply_claim},
	{ACTION_CLAIM_CHECK,   apply_claim_check},
	{ACTION_OPEN_CHANNEL,  apply_open_channel},
	{ACTION_CLOSE_CHANNEL, apply_close_channel},
};
/* clang-format on */

static bool dispatch(struct step *s, struct err *e)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (kinds[i].kind == s->a->kind)
			return kinds[i].apply(s, e);
	}
	return FAIL(e, RANGE, "%u is no kind of action", s->a->kind);
}

static void write_event(struct step *s)
{
	s->ev->seq = ++s->l->seq;
	write_changes(s->l, s->ev);
}

void step_next(struct step *s)
{
	const struct ledger_event *first = s->events;

	write_event(s);
	assert(s->ev + 1 < s->events + s->max);
	*++s->ev = (struct ledger_event){.block = first->block,
	        .time = first->time,
	        .action = first->action,
	        .action_id = first->action_id};
	s->l->touched_n = 0;
}

bool ledger_apply(struct ledger *l, const struct action *a, const struct hash *id, struct btime now,
        uint64_t block, struct ledger_event *events, size_t max, size_t *n, struct err *e)
{
	struct step s = {.l = l,
	        .a = a,
	        .now = now,
	        .block = block,
	        .ev = events,
	        .events = events,
	        .max = max};

	assert(max > 0);
	if (now.s < l->time.s || now.s > BTIME_MAX)
		return FAIL(e, CLOCK, "block time %llu after %llu", (unsigned long long)now.s,
		        (unsigned long long)l->time.s);
	*events = (struct ledger_event){
	        .block = block, .time = now, .action = a->kind, .action_id = *id};
	l->touched_n = 0;
	TRY(dispatch(&s, e), e);
	*n = 0;
	if (!s.changed)
		return true;
	l->time = now;
	write_event(&s);
	check_counters(l);
	*n = (size_t)(s.ev - events) + 1;
	return true;
}
