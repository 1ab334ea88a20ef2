/* channels.c - protocol 8.3 and 8.4: the sums of channels, and what settles deals that are not on the ledger:
 * acceptances and vouchers. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "ledger/ledger_own.h"
#include "port/packed.h"

/* ---- channels ----------------------------------------------------------------------------------- */

struct ledger_channel *channel_get(const struct ledger *l, const struct hash *id)
{
	return map_get(&l->channels, id);
}

static bool unknown(const struct hash *id, struct err *e)
{
	char text[HASH_TEXT_MAX];

	hash_format(id, text);
	return FAIL(e, NOT_FOUND, "channel %s of these parties is not on this ledger", text);
}

static bool not_closed(const struct ledger_channel *c, struct err *e)
{
	return !c->closed || FAIL(e, STATE, "the channel is closed");
}

bool channel_there(const struct step *s, const struct hash *id, const struct ledger_channel **out,
        struct err *e)
{
	const struct ledger_channel *c = channel_get(s->l, id);

	if (!c)
		return unknown(id, e);
	*out = c;
	return true;
}

bool channel_open(
        const struct step *s, const struct hash *id, struct ledger_channel **out, struct err *e)
{
	struct ledger_channel *c = channel_get(s->l, id);

	if (!c)
		return unknown(id, e);
	TRY(not_closed(c, e), e);
	*out = c;
	return true;
}

void step_channel(struct step *s, const struct ledger_channel *c, uint64_t number)
{
	s->ev->channel = (struct channel_change){.id = c->id,
	        .number = number,
	        .job = c->job,
	        .provider = c->provider,
	        .paid = c->paid,
	        .floor = c->floor,
	        .claims = c->claims,
	        .close_at = c->close_at,
	        .closed = c->closed};
}

static void more(struct amount *at, struct amount n)
{
	*at = amount_plus(*at, n);
}

static void less(struct amount *at, struct amount n)
{
	*at = amount_less(*at, n);
}

/* From a party's `free` to its sum. */
static void put_in(struct ledger *l, const struct addr *who, struct amount *sum, struct amount n)
{
	money_to_channel(l, who, n);
	more(sum, n);
	more(&l->channel_sums, n);
}

/* Out of the sum; the caller credits it. */
static void take_out(struct ledger *l, const struct addr *who, struct amount *sum, struct amount n)
{
	less(sum, n);
	less(&l->channel_sums, n);
	money_from_channel(l, who, n);
}

void channel_lock(struct ledger *l, struct ledger_channel *c, struct amount jc, struct amount rp)
{
	less(&c->job, jc);
	less(&c->provider, rp);
	less(&l->channel_sums, amount_plus(jc, rp));
	more(&c->job_lock, jc);
	more(&c->rp_lock, rp);
	more(&l->channel_locks, amount_plus(jc, rp));
	account_touch(l, &c->jc);
	account_touch(l, &c->rp);
}

void channel_unlock(
        struct ledger *l, const struct agreement *d, struct amount jc_back, struct amount rp_back)
{
	struct ledger_channel *c = channel_get(l, &d->channel);

	assert(c);
	less(&c->job_lock, d->jc_lock);
	less(&c->rp_lock, d->rp_lock);
	less(&l->channel_locks, amount_plus(d->jc_lock, d->rp_lock));
	if (c->closed) {
		money_from_channel(l, &c->jc, d->jc_lock);
		money_from_channel(l, &c->rp, d->rp_lock);
		money_credit(l, &c->jc, jc_back);
		money_credit(l, &c->rp, rp_back);
		return;
	}
	more(&c->job, jc_back);
	more(&c->provider, rp_back);
	more(&l->channel_sums, amount_plus(jc_back, rp_back));
	money_from_channel(l, &c->jc, amount_less(d->jc_lock, jc_back));
	money_from_channel(l, &c->rp, amount_less(d->rp_lock, rp_back));
}

/* ---- one bit for each number (8.4) -------------------------------------------------------------- */

static void number_key(const struct hash *channel, uint64_t word, struct number_key *out)
{
	out->channel = *channel;
	for (int i = 0; i < 8; i++)
		out->be[i] = (uint8_t)(word >> (56 - 8 * i));
}

static bool bit_set(const struct ledger *l, const struct hash *channel, uint64_t number)
{
	struct number_key key;
	const uint8_t *bits;

	number_key(channel, number / 256, &key);
	bits = map_get(&l->numbers, &key);
	return bits && bits[number % 256 / 8] >> number % 8 & 1;
}

bool ledger_number_used(const struct ledger *l, const struct hash *channel, uint64_t number)
{
	const struct ledger_channel *c = ledger_channel(l, channel);

	return c && (number <= c->floor || bit_set(l, channel, number));
}

bool number_free(
        const struct ledger *l, const struct ledger_channel *c, uint64_t number, struct err *e)
{
	if (number != 0 && !ledger_number_used(l, &c->id, number))
		return true;
	return FAIL(e, NONCE,
	        "number %llu of the channel is settled, on the ledger or closed by a voucher; they "
	        "begin at 1",
	        (unsigned long long)number);
}

bool number_take(struct ledger *l, const struct ledger_channel *c, uint64_t number, struct err *e)
{
	struct number_key key;
	uint8_t *bits;

	number_key(&c->id, number / 256, &key);
	bits = map_put(&l->numbers, &key, NULL);
	if (!bits)
		return FAIL(e, BUSY, "this ledger has no room for another number of a channel");
	bits[number % 256 / 8] |= (uint8_t)(1u << number % 8);
	return true;
}

/* ---- 5.16: open, top up, leave, close ----------------------------------------------------------- */

static bool may_open_channel(
        const struct step *s, const struct channel *doc, const struct hash *id, struct err *e)
{
	const struct addr *jc = &doc->id.job_creator, *rp = &doc->id.provider;
	struct hash h;

	eip712_hash(channel_record(), doc, &h);
	TRY(document_signed(s->l, &h, &s->a->jc_sig, jc, "Channel", e), e);
	TRY(document_signed(s->l, &h, &s->a->rp_sig, rp, "Channel", e), e);
	if (s->now.s >= doc->open_by.s)
		return FAIL(e, TOO_LATE, "the channel had to be opened before %llu, and it is %llu",
		        (unsigned long long)doc->open_by.s, (unsigned long long)s->now.s);
	if (channel_get(s->l, id))
		return FAIL(e, STATE,
		        "serial %llu of this kind was used by these parties: an id is never used "
		        "twice",
		        (unsigned long long)doc->id.serial);
	TRY(account_covers(s->l, jc, doc->job_sum, "jobSum", e), e);
	TRY(account_covers(s->l, rp, doc->provider_sum, "providerSum", e), e);
	if (addr_eq(jc, rp))
		return FAIL(e, PARTY, "job creator and provider are one account");
	return true;
}

bool apply_open_channel(struct step *s, struct err *e)
{
	const struct channel *doc = &s->a->channel;
	struct ledger_channel *c;
	struct hash id;

	TRY(document_in_bounds(channel_record(), doc, e), e);
	eip712_hash(channel_id_record(), &doc->id, &id);
	TRY(may_open_channel(s, doc, &id, e), e);
	TRY(account_ready(s->l, &doc->id.job_creator, e), e);
	TRY(account_ready(s->l, &doc->id.provider, e), e);
	c = map_put(&s->l->channels, &id, NULL);
	if (!c)
		return FAIL(e, BUSY, "this ledger has no room for another channel beside its %zu",
		        s->l->channels.n);
	*c = (struct ledger_channel){.id = id,
	        .jc = doc->id.job_creator,
	        .rp = doc->id.provider,
	        .serial = doc->id.serial,
	        .kind = doc->id.kind};
	put_in(s->l, &c->jc, &c->job, doc->job_sum);
	put_in(s->l, &c->rp, &c->provider, doc->provider_sum);
	told(s, &c->jc, amount_plus(doc->job_sum, doc->provider_sum));
	step_channel(s, c, 0);
	return true;
}

/* A channel of the sender's that nobody is leaving. */
static bool own_channel(
        const struct step *s, const struct hash *id, struct ledger_channel **out, struct err *e)
{
	const struct addr *who = &s->a->send.account;
	struct ledger_channel *c = channel_get(s->l, id);

	if (!c || (!addr_eq(who, &c->jc) && !addr_eq(who, &c->rp)))
		return unknown(id, e);
	TRY(not_closed(c, e), e);
	if (c->close_at.s)
		return FAIL(e, STATE, "the channel is being left: it can be closed from %llu on",
		        (unsigned long long)c->close_at.s);
	*out = c;
	return true;
}

bool apply_top_up(struct step *s, struct err *e)
{
	const struct top_up *t = &s->a->body.top_up;
	const struct addr *who = &s->a->send.account;
	struct ledger_channel *c;

	TRY(own_channel(s, &t->channel, &c, e), e);
	TRY(account_covers(s->l, who, t->amount, "the top-up", e), e);
	put_in(s->l, who, addr_eq(who, &c->jc) ? &c->job : &c->provider, t->amount);
	told(s, who, t->amount);
	step_channel(s, c, 0);
	return true;
}

bool apply_leave(struct step *s, struct err *e)
{
	struct ledger_channel *c;

	TRY(own_channel(s, &s->a->body.leave.channel, &c, e), e);
	c->close_at.s = s->now.s + s->l->genesis.life.s;
	told(s, &s->a->send.account, amount_of(0));
	step_channel(s, c, 0);
	return true;
}

/* With both signatures at once; without any, when LIFE is over. */
static bool may_close(const struct step *s, const struct ledger_channel *c, struct err *e)
{
	const struct channel_leave *doc = &s->a->leave;
	bool agreed = s->a->jc_sig.n || s->a->rp_sig.n;
	struct hash h;

	if (agreed) {
		eip712_hash(channel_leave_record(), doc, &h);
		TRY(document_signed(s->l, &h, &s->a->jc_sig, &c->jc, "ChannelLeave", e), e);
		TRY(document_signed(s->l, &h, &s->a->rp_sig, &c->rp, "ChannelLeave", e), e);
		if (s->now.s >= doc->expiry.s)
			return FAIL(e, TOO_LATE,
			        "the ChannelLeave was good before %llu, and it is %llu",
			        (unsigned long long)doc->expiry.s, (unsigned long long)s->now.s);
	}
	TRY(not_closed(c, e), e);
	if (agreed)
		return true;
	if (!c->close_at.s)
		return FAIL(e, STATE, "nobody has left the channel: it takes LIFE, or both sign");
	if (s->now.s < c->close_at.s)
		return FAIL(e, TOO_EARLY, "the channel can be closed from %llu on, and it is %llu",
		        (unsigned long long)c->close_at.s, (unsigned long long)s->now.s);
	return true;
}

bool apply_close_channel(struct step *s, struct err *e)
{
	struct ledger_channel *c = channel_get(s->l, &s->a->leave.channel);
	struct amount job, provider;

	TRY(document_in_bounds(channel_leave_record(), &s->a->leave, e), e);
	if (!c)
		return unknown(&s->a->leave.channel, e);
	TRY(may_close(s, c, e), e);
	job = c->job;
	provider = c->provider;
	take_out(s->l, &c->jc, &c->job, job);
	take_out(s->l, &c->rp, &c->provider, provider);
	money_credit(s->l, &c->jc, job);
	money_credit(s->l, &c->rp, provider);
	c->closed = true;
	told(s, &c->jc, amount_plus(job, provider));
	step_channel(s, c, 0);
	return true;
}

/* ---- acceptances -------------------------------------------------------------------------------- */

/* What an item says, with the channel that its parties, serial and kind make. */
static void named_channel(
        const struct step *s, const struct settle_item *x, struct channel_acceptance *out)
{
	const struct channel_id id = {.job_creator = x->job_creator,
	        .provider = s->a->send.account,
	        .serial = x->serial,
	        .kind = CHANNEL_ACCEPTANCES};

	*out = x->doc;
	eip712_hash(channel_id_record(), &id, &out->channel);
}

static bool sum_covers(const struct ledger_channel *c, struct amount cost, struct err *e)
{
	char have[AMOUNT_DEC_MAX], want[AMOUNT_DEC_MAX];

	if (amount_cmp(c->job, cost) >= 0)
		return true;
	amount_format(c->job, have);
	amount_format(cost, want);
	return FAIL(e, FUNDS, "the job creator's sum is %s, and %s is due", have, want);
}

static bool may_settle(const struct step *s, const struct channel_acceptance *a,
        const struct sig *sig, struct ledger_channel **out, struct err *e)
{
	struct ledger_channel *c;
	struct hash h;

	TRY(channel_open(s, &a->channel, &c, e), e);
	TRY(number_free(s->l, c, a->number, e), e);
	if (a->royalty + a->solver_share > 1000)
		return FAIL(e, SHARES, "royalty %u and solverShare %u are together above 1000",
		        a->royalty, a->solver_share);
	TRY(sum_covers(c, a->cost, e), e);
	eip712_hash(channel_acceptance_record(), a, &h);
	TRY(document_signed(s->l, &h, sig, &c->jc, "ChannelAcceptance", e), e);
	TRY(account_ready(s->l, &a->author, e), e);
	TRY(account_ready(s->l, &a->solver, e), e);
	*out = c;
	return true;
}

static struct amount share(const struct addr *who, struct amount cost, unsigned mille)
{
	return addr_is_zero(who) ? amount_of(0) : amount_per_mille(cost, mille);
}

/* COST from the JC's sum, in shares; RP gets the remainder. */
static void pay_out(struct step *s, struct ledger_channel *c, const struct channel_acceptance *a)
{
	struct amount author = share(&a->author, a->cost, a->royalty);
	struct amount solver = share(&a->solver, a->cost, a->solver_share);

	take_out(s->l, &c->jc, &c->job, a->cost);
	money_credit(s->l, &a->author, author);
	money_credit(s->l, &a->solver, solver);
	money_credit(s->l, &c->rp, amount_less(a->cost, amount_plus(author, solver)));
	s->ev->deal = a->deal;
	s->ev->result = a->result;
	s->ev->amount = a->cost;
	step_channel(s, c, a->number);
}

static bool settle_one(struct step *s, const struct channel_acceptance *a, struct err *e)
{
	struct ledger_channel *c;

	TRY(may_settle(s, a, &s->a->items[0].sig, &c, e), e);
	TRY(number_take(s->l, c, a->number, e), e);
	told(s, &c->rp, a->cost);
	pay_out(s, c, a);
	send_done(s);
	return true;
}

/* What settle_one() would refuse is skipped. The list's own event, which uses the Send up, comes first. */
static void settle_list(struct step *s)
{
	struct amount all = amount_of(0);

	assert(s->max > s->a->items_n);
	told(s, &s->a->send.account, all);
	send_done(s);
	for (uint32_t i = 0; i < s->a->items_n; i++) {
		struct channel_acceptance a;
		struct ledger_channel *c;
		struct err skipped;

		named_channel(s, &s->a->items[i], &a);
		if (!may_settle(s, &a, &s->a->items[i].sig, &c, &skipped) ||
		        !number_take(s->l, c, a.number, &skipped))
			continue;
		step_next(s);
		pay_out(s, c, &a);
		all = amount_plus(all, a.cost);
	}
	s->events->amount = all;
}

static bool list_in_bounds(const struct action *a, struct err *e)
{
	if (a->items_n == 0 || a->items_n > ACTION_SETTLE_MAX)
		return FAIL(e, RANGE, "%u acceptances: a list has 1 to %d", a->items_n,
		        ACTION_SETTLE_MAX);
	for (uint32_t i = 0; i < a->items_n; i++) {
		TRY(document_in_bounds(channel_acceptance_record(), &a->items[i].doc, e), e);
		if (a->items_n > 1 && a->items[i].sig.n != 64)
			return FAIL(e, RANGE, "signature %u has %u bytes: in a list it has 64", i,
			        a->items[i].sig.n);
	}
	return true;
}

bool apply_settle(struct step *s, struct err *e)
{
	struct channel_acceptance first;

	TRY(list_in_bounds(s->a, e), e);
	named_channel(s, &s->a->items[0], &first);
	if (s->a->items_n > 1)
		packed_list_hash(s->a->items, s->a->items_n, &s->body);
	else
		eip712_hash(channel_acceptance_record(), &first, &s->body);
	TRY(send_fits(s, SEND_SETTLE, e), e);
	if (s->a->items_n == 1)
		return settle_one(s, &first, e);
	TRY(account_ready(s->l, &s->a->send.account, e), e);
	settle_list(s);
	return true;
}

/* ---- vouchers ----------------------------------------------------------------------------------- */

/* What it pays: the sum less what vouchers have paid, at most what the JC's sum holds; the rest stays due. */
static struct amount voucher_due(const struct ledger_channel *c, const struct voucher *v)
{
	if (amount_cmp(v->sum, c->paid) <= 0)
		return amount_of(0);
	return amount_less(v->sum, c->paid);
}

static bool may_redeem(const struct step *s, const struct ledger_channel *c,
        const struct voucher *v, struct err *e)
{
	struct amount due = voucher_due(c, v);

	TRY(not_closed(c, e), e);
	if (v->claims != c->claims)
		return FAIL(e, CONFLICT,
		        "the voucher counts %llu claims, and the provider has made %llu",
		        (unsigned long long)v->claims, (unsigned long long)c->claims);
	if (v->number < c->floor || (v->number == c->floor && amount_is_zero(due)))
		return FAIL(e, NONCE,
		        "the voucher with number %llu says nothing new: the last one had %llu",
		        (unsigned long long)v->number, (unsigned long long)c->floor);
	if (v->number == c->floor && amount_is_zero(c->job))
		return FAIL(e, FUNDS, "the job creator's sum is empty, and the number is not new");
	TRY(document_signed(s->l, &s->body, &s->a->doc_sig, &c->jc, "Voucher", e), e);
	return true;
}

bool apply_redeem(struct step *s, struct err *e)
{
	const struct voucher *v = &s->a->voucher;
	struct ledger_channel *c;
	struct amount pay;

	TRY(document_in_bounds(voucher_record(), v, e), e);
	eip712_hash(voucher_record(), v, &s->body);
	TRY(send_fits(s, SEND_REDEEM, e), e);
	c = channel_get(s->l, &v->channel);
	if (!c || !addr_eq(&c->rp, &s->a->send.account) || c->kind != CHANNEL_VOUCHERS)
		return unknown(&v->channel, e);
	TRY(may_redeem(s, c, v, e), e);
	pay = amount_min(voucher_due(c, v), c->job);
	c->paid = amount_plus(c->paid, pay);
	c->floor = v->number;
	take_out(s->l, &c->jc, &c->job, pay);
	money_credit(s->l, &c->rp, pay);
	told(s, &c->rp, pay);
	step_channel(s, c, 0);
	send_done(s);
	return true;
}
