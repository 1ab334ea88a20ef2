/* channel_compare.c - channels member by member, and one kind of log for each of their actions. */
#include "channel_compare.h"

#include <stdio.h>

#include "chain/contracts.h"
#include "compare.h"
#include "ledger/ledger_own.h"

/* ---- state -------------------------------------------------------------------------------------- */

static bool taken(const struct chain_view *v, unsigned i, unsigned n)
{
	const uint8_t *words = v->channels[i].numbers[n / 256];

	return n <= v->channels[i].floor || (words[31 - n % 256 / 8] >> n % 8 & 1);
}

static bool same_numbers(const struct sides *w, const struct chain_view *v, unsigned i,
        const char *of, struct told *t)
{
	for (unsigned n = 1; n < CHAIN_NUMBERS; n++) {
		bool used = ledger_number_used(w->p.l, &w->channels[i], n);

		if (used != taken(v, i, n))
			return differ(t, "%s: number %u is %s, on the chain it is not", of, n,
			        used ? "taken" : "free");
	}
	return true;
}

static unsigned state_of(const struct ledger_channel *c)
{
	return c->closed ? 2 : !hash_is_zero(&c->id);
}

static bool same_channel(
        const struct sides *w, const struct chain_view *v, unsigned i, struct told *t)
{
	static const struct ledger_channel none;
	const struct ledger_channel *c = ledger_channel(w->p.l, &w->channels[i]);
	char of[16];

	snprintf(of, sizeof of, "channel %u", i);
	c = c ? c : &none;
	return same_u64(t, of, "state", state_of(c), v->channels[i].state) &&
	       same_amount(t, of, "JC's sum", c->job, v->channels[i].job) &&
	       same_amount(t, of, "RP's sum", c->provider, v->channels[i].provider) &&
	       same_amount(t, of, "paid", c->paid, v->channels[i].paid) &&
	       same_u64(t, of, "close_at", c->close_at.s, v->channels[i].close_at.s) &&
	       same_u64(t, of, "floor", c->floor, v->channels[i].floor) &&
	       same_u64(t, of, "claims", c->claims, v->channels[i].claims) &&
	       same_numbers(w, v, i, of, t);
}

bool same_channels(const struct sides *w, const struct chain_view *v, struct told *t)
{
	for (unsigned i = 0; i < CHANNELS; i++) {
		if (!same_channel(w, v, i, t))
			return false;
	}
	return true;
}

/* ---- logs --------------------------------------------------------------------------------------- */

static uint64_t u64_at(const struct evm_log *l, unsigned word)
{
	return u256_from_be(l->data + 32 * word).w[0];
}

static struct amount amount_at(const struct evm_log *l, unsigned word)
{
	return amount_from_be(l->data + 32 * word);
}

static struct addr addr_in(const uint8_t word[32])
{
	struct addr a;

	memcpy(a.b, word + 12, sizeof a.b);
	return a;
}

/* The 96 bits from bit `at` on of a packed word. */
static struct amount packed_amount(const struct evm_log *l, unsigned at)
{
	uint8_t be[32] = {0};

	memcpy(be + 20, l->data + 32 - at / 8 - 12, 12);
	return amount_from_be(be);
}

static bool is_opened(const struct sides *w, const struct evm_log *l, struct told *t)
{
	const struct channel *d = &w->p.a.channel;
	struct addr jc = addr_in(l->topics[2].b), rp = addr_in(l->topics[3].b);
	const char *of = "the event";

	return same_addr(t, of, "JC", &d->id.job_creator, &jc) &&
	       same_addr(t, of, "RP", &d->id.provider, &rp) &&
	       same_u64(t, of, "serial", d->id.serial, u64_at(l, 0)) &&
	       same_u64(t, of, "kind", d->id.kind, u64_at(l, 1)) &&
	       same_amount(t, of, "JC's sum", d->job_sum, amount_at(l, 2)) &&
	       same_amount(t, of, "RP's sum", d->provider_sum, amount_at(l, 3));
}

static bool is_topped_up(const struct sides *w, const struct evm_log *l, struct told *t)
{
	struct addr who = addr_in(l->data);

	return same_addr(t, "the event", "account", &w->p.ev.account, &who) &&
	       same_amount(t, "the event", "amount", w->p.ev.amount, amount_at(l, 1));
}

static bool is_left(const struct sides *w, const struct evm_log *l, struct told *t)
{
	struct addr who = addr_in(l->data);

	return same_addr(t, "the event", "account", &w->p.ev.account, &who) &&
	       same_u64(t, "the event", "close_at", w->p.ev.channel.close_at.s, u64_at(l, 1));
}

static bool is_closed(const struct sides *w, const struct evm_log *l, struct told *t)
{
	return same_amount(t, "the event", "both sums", w->p.ev.amount,
	        amount_plus(amount_at(l, 0), amount_at(l, 1)));
}

static bool is_settled(const struct sides *w, const struct evm_log *l, struct told *t)
{
	const struct ledger_event *ev = &w->p.ev;

	return same_hash(t, "the event", "deal", &ev->deal, &l->topics[2]) &&
	       same_u64(t, "the event", "number", ev->channel.number, u64_at(l, 0)) &&
	       same_amount(t, "the event", "COST", ev->amount, packed_amount(l, 64));
}

static bool is_redeemed(const struct sides *w, const struct evm_log *l, struct told *t)
{
	const struct ledger_event *ev = &w->p.ev;
	struct amount sum = w->p.a.voucher.sum, due = amount_of(0);

	if (amount_cmp(sum, ev->channel.paid) > 0)
		due = amount_less(sum, ev->channel.paid);
	return same_u64(t, "the event", "number", ev->channel.floor, u64_at(l, 0)) &&
	       same_amount(t, "the event", "paid", ev->amount, packed_amount(l, 64)) &&
	       same_amount(t, "the event", "still due", due, packed_amount(l, 160));
}

static bool is_cancelled(const struct sides *w, const struct evm_log *l, struct told *t)
{
	const struct ledger_event *ev = &w->p.ev;

	return same_hash(t, "the event", "deal", &ev->deal, &l->topics[2]) &&
	       same_u64(t, "the event", "number", ev->channel.number, u64_at(l, 0));
}

static bool same_item(const struct settle_item *a, const struct settle_item *b)
{
	return a->serial == b->serial && addr_eq(&a->job_creator, &b->job_creator);
}

/* Of each group one bit an item, in as many bytes as they need: which of src/ledger's events are of those. */
static bool is_list(const struct sides *w, const struct evm_log *l, struct told *t)
{
	const struct action *a = &w->p.a;
	const uint8_t *at = l->data + 64;
	size_t settled = 0;

	for (uint32_t i = 0, k; i < a->items_n; i = k) {
		for (k = i; k < a->items_n && same_item(&a->items[i], &a->items[k]);)
			k++;
		at += (k - i + 7) / 8;
		for (uint32_t b = 0; b < k - i; b++) {
			const struct ledger_event *ev = &w->events[settled + 1];
			const struct channel_acceptance *d = &a->items[i + b].doc;

			if (!(at[-1 - (int)(b / 8)] >> b % 8 & 1))
				continue;
			settled++;
			if (settled >= w->p.n)
				break;
			if (!same_hash(t, "the list", "deal", &ev->deal, &d->deal) ||
			        !same_amount(t, "the list", "COST", ev->amount, d->cost) ||
			        !same_u64(t, "the list", "number", ev->channel.number, d->number))
				return false;
		}
	}
	return same_u64(t, "the list", "settled items", w->p.n - 1, settled);
}

/* clang-format off */
static const struct log_kind {
	uint8_t kind, send; /* of the action, and of its Send if that decides */
	enum contract_event log;
	size_t topics, bytes; /* bytes 0: as they come */
	bool (*same)(const struct sides *w, const struct evm_log *l, struct told *t);
} kinds[] = {
	{ACTION_OPEN_CHANNEL,  0, EVENT_ChannelOpened,   4, 128, is_opened},
	{ACTION_SEND, SEND_TOP_UP, EVENT_ChannelToppedUp, 2, 64, is_topped_up},
	{ACTION_SEND, SEND_LEAVE_CHANNEL, EVENT_ChannelLeft, 2, 64, is_left},
	{ACTION_CLOSE_CHANNEL, 0, EVENT_ChannelClosed,   2, 64,  is_closed},
	{ACTION_SETTLE,        0, EVENT_Settled,         3, 32,  is_settled},
	{ACTION_REDEEM,        0, EVENT_Redeemed,        2, 32,  is_redeemed},
	{ACTION_CANCEL,        0, EVENT_NumberCancelled, 3, 32,  is_cancelled},
};
static const struct log_kind list_kind = {ACTION_SETTLE, 0, EVENT_ListSettled, 2, 0, is_list};
/* clang-format on */

static const struct log_kind *kind_of(const struct sides *w)
{
	const struct action *a = &w->p.a;

	if (a->kind == ACTION_SETTLE && a->items_n != 1)
		return &list_kind;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (kinds[i].kind == a->kind && (!kinds[i].send || kinds[i].send == a->send.kind))
			return &kinds[i];
	}
	return NULL;
}

/* A cancel of a deal on the ledger moves it. */
bool of_channel(const struct sides *w)
{
	return kind_of(w) && w->p.ev.to == 0;
}

/* A list's first event is its provider's, the others name the channel. */
static bool same_subject(
        const struct sides *w, const struct log_kind *k, const struct evm_log *l, struct told *t)
{
	struct addr who = addr_in(l->topics[1].b);

	if (k == &list_kind)
		return same_addr(t, "the event", "provider", &w->p.ev.account, &who);
	return same_hash(t, "the event", "channel", &w->p.ev.channel.id, &l->topics[1]);
}

bool same_channel_event(const struct sides *w, const struct outcome *o, struct told *t)
{
	const struct log_kind *k = kind_of(w);
	const struct evm_log *l = &o->logs[0];

	if (o->n != 1 || l->topics_n != k->topics || contract_event_of(&l->topics[0]) != k->log ||
	        (k->bytes && l->n != k->bytes))
		return differ(t, "%zu logs, the first with %zu topics and %zu bytes", o->n,
		        l->topics_n, l->n);
	return same_subject(w, k, l, t) && k->same(w, l, t);
}

/* Of a channel the last event of an action says how it is. */
static bool last_of(const struct sides *w, size_t i)
{
	for (size_t k = i + 1; k < w->p.n; k++) {
		if (hash_eq(&w->events[k].channel.id, &w->events[i].channel.id))
			return false;
	}
	return true;
}

bool same_channel_changes(const struct sides *w, const struct chain_view *v, struct told *t)
{
	for (size_t i = 0; i < w->p.n; i++) {
		const struct channel_change *c = &w->events[i].channel;
		int at = sides_channel(w, &c->id);

		if (hash_is_zero(&c->id) || !last_of(w, i))
			continue;
		if (at < 0)
			return differ(t, "the event changes a channel of others");
		if (!same_amount(t, "the event", "JC's sum", c->job, v->channels[at].job) ||
		        !same_amount(t, "the event", "RP's sum", c->provider,
		                v->channels[at].provider) ||
		        !same_amount(t, "the event", "paid", c->paid, v->channels[at].paid) ||
		        !same_u64(t, "the event", "floor", c->floor, v->channels[at].floor) ||
		        !same_u64(t, "the event", "claims", c->claims, v->channels[at].claims) ||
		        !same_u64(t, "the event", "close_at", c->close_at.s,
		                v->channels[at].close_at.s) ||
		        !same_u64(t, "the event", "closed", c->closed, v->channels[at].state == 2))
			return false;
	}
	return true;
}
