/* evm_channel.c - logs of channels are taken apart as Channels.sol puts them together, lists as Packed.sol reads
 * them. */
#include "chain/evm_channel.h"

#include "chain/contracts.h"
#include "codec/eip712.h"

enum {
	CHANNEL_OPEN = 1, /* the contract's state of a channel */
	CHANNEL_CLOSED = 2,
	CHANNEL_BYTES = 28, /* JC, serial */
	GROUP_BYTES = 29,
	TERMS_BYTES = 128,
	ITEM_BYTES = 192,
	SEND_BYTES = 97,
	SELECTOR = 4
};

static enum contract_event event_of(const struct evm_log *l)
{
	return l->topics_n ? contract_event_of(&l->topics[0]) : EVENT_UNKNOWN;
}

static uint64_t be_at(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static struct amount amount_at(const uint8_t *p, unsigned n)
{
	uint8_t be[32] = {0};

	memcpy(be + sizeof be - n, p, n);
	return amount_from_be(be);
}

static struct addr addr_at(const uint8_t *p)
{
	struct addr a;

	memcpy(a.b, p, sizeof a.b);
	return a;
}

/* ---- logs --------------------------------------------------------------------------------------- */

bool evm_log_of_channel(const struct evm_log *l)
{
	switch (event_of(l)) {
	case EVENT_ChannelOpened:
	case EVENT_ChannelToppedUp:
	case EVENT_ChannelLeft:
	case EVENT_ChannelClosed:
	case EVENT_Settled:
	case EVENT_ListSettled:
	case EVENT_Redeemed:
	case EVENT_NumberCancelled: return true;
	case EVENT_UNKNOWN:
	case EVENT_COUNT:
	case EVENT_Accepted:
	case EVENT_Approval:
	case EVENT_Checked:
	case EVENT_ClaimChecked:
	case EVENT_ClaimRuled:
	case EVENT_Deposited:
	case EVENT_EIP712DomainChanged:
	case EVENT_JobCancelled:
	case EVENT_JobEnded:
	case EVENT_JobOpened:
	case EVENT_MediatorPaused:
	case EVENT_MediatorRegistered:
	case EVENT_Moved:
	case EVENT_NonceCancelled:
	case EVENT_Opened:
	case EVENT_Paused:
	case EVENT_PayoutSet:
	case EVENT_Refunded:
	case EVENT_Requested:
	case EVENT_StakeUnbonded:
	case EVENT_Submitted:
	case EVENT_Transfer:
	case EVENT_WithdrawRequested:
	case EVENT_Withdrawn: break;
	}
	return false;
}

static bool has(const struct evm_log *l, size_t topics, size_t bytes)
{
	return l->topics_n == topics && l->n == bytes && !l->longer;
}

/* The channel's own sums: opened, added to, left, closed. */
static bool take_sums(enum contract_event k, const struct evm_log *l, struct evm_channel_step *s)
{
	const uint8_t *d = l->data;

	s->action = k == EVENT_ChannelOpened   ? ACTION_OPEN_CHANNEL
	            : k == EVENT_ChannelClosed ? ACTION_CLOSE_CHANNEL
	                                       : ACTION_SEND;
	if (k == EVENT_ChannelOpened) {
		s->account = addr_at(l->topics[2].b + 12);
		return has(l, 4, 128) &&
		       amount_add(amount_at(d + 84, 12), amount_at(d + 116, 12), &s->amount);
	}
	if (k == EVENT_ChannelClosed)
		return has(l, 2, 64) &&
		       amount_add(amount_at(d + 20, 12), amount_at(d + 52, 12), &s->amount);
	s->account = addr_at(d + 12);
	if (k == EVENT_ChannelToppedUp)
		s->amount = amount_at(d + 52, 12);
	return (k == EVENT_ChannelToppedUp || k == EVENT_ChannelLeft) && has(l, 2, 64);
}

static bool take(const struct evm_log *l, struct evm_channel_step *s)
{
	enum contract_event k = event_of(l);
	const uint8_t *d = l->data;

	s->channel = l->topics[1];
	if (k == EVENT_ListSettled) {
		s->action = ACTION_SETTLE;
		s->account = addr_at(l->topics[1].b + 12);
		s->channel = (struct hash){{0}};
		return l->topics_n == 2;
	}
	if (k == EVENT_Redeemed) {
		s->action = ACTION_REDEEM;
		s->amount = amount_at(d + 12, 12);
		return has(l, 2, 32);
	}
	if (k != EVENT_Settled && k != EVENT_NumberCancelled)
		return take_sums(k, l, s);
	s->action = k == EVENT_Settled ? ACTION_SETTLE : ACTION_CANCEL;
	s->deal = l->topics[2];
	s->number = be_at(d + 24, 8);
	if (k == EVENT_Settled)
		s->amount = amount_at(d + 12, 12);
	return has(l, 3, 32);
}

bool evm_channel_take(const struct evm_log *l, struct evm_channel_step *out, struct err *e)
{
	struct evm_channel_step s = {0};

	if (l->topics_n < 2 || !take(l, &s))
		return FAIL(e, PEER, "a log in block %llu that the contract does not write",
		        (unsigned long long)l->block);
	*out = s;
	return true;
}

bool evm_channel_parts(const struct evm_log *l, struct channel_id *out, struct err *e)
{
	struct channel_id id = {0};
	struct hash h;

	if (event_of(l) == EVENT_ChannelOpened && has(l, 4, 128)) {
		id.job_creator = addr_at(l->topics[2].b + 12);
		id.provider = addr_at(l->topics[3].b + 12);
		id.serial = be_at(l->data + 24, 8);
		id.kind = l->data[63];
		eip712_hash(channel_id_record(), &id, &h);
		if (hash_eq(&h, &l->topics[1])) {
			*out = id;
			return true;
		}
	}
	return FAIL(e, PEER, "a log in block %llu opens a channel that its parts do not make",
	        (unsigned long long)l->block);
}

bool evm_channel_state(
        const struct abi_leaf *l, size_t n, const struct hash *id, struct channel_change *out)
{
	uint64_t state = n >= 7 ? abi_get_u64(&l[3]) : 0;

	if (state != CHANNEL_OPEN && state != CHANNEL_CLOSED)
		return false;
	*out = (struct channel_change){.id = *id,
	        .job = abi_get_amount(&l[0]),
	        .provider = abi_get_amount(&l[1]),
	        .close_at = {abi_get_u64(&l[2])},
	        .closed = state == CHANNEL_CLOSED,
	        .paid = abi_get_amount(&l[4]),
	        .floor = abi_get_u64(&l[5]),
	        .claims = abi_get_u64(&l[6])};
	return true;
}

/* ---- in the calls ------------------------------------------------------------------------------- */

/* The terms of an acceptance; as much as TERMS_BYTES are there. */
static void terms_at(const uint8_t *p, struct channel_acceptance *out)
{
	struct channel_acceptance a = {0};

	memcpy(a.deal.b, p, sizeof a.deal.b);
	memcpy(a.result.b, p + 32, sizeof a.result.b);
	a.number = be_at(p + 64, 8);
	a.cost = amount_at(p + 72, 12);
	a.royalty = (uint16_t)be_at(p + 84, 2);
	a.author = addr_at(p + 86);
	a.solver_share = (uint16_t)be_at(p + 106, 2);
	a.solver = addr_at(p + 108);
	*out = a;
}

static void payer_at(const uint8_t *p, struct settle_item *out)
{
	*out = (struct settle_item){.job_creator = addr_at(p), .serial = be_at(p + 20, 8)};
}

bool evm_settled_find(struct bytes input, const struct evm_channel_step *s, struct settle_item *out)
{
	const uint8_t *at = input.p, *end = input.n ? input.p + input.n : input.p;
	struct settle_item x;

	while (input.n && (at = memmem(at, (size_t)(end - at), s->deal.b, sizeof s->deal.b))) {
		if (at - input.p >= CHANNEL_BYTES && end - at >= TERMS_BYTES) {
			payer_at(at - CHANNEL_BYTES, &x);
			terms_at(at, &x.doc);
			x.doc.channel = s->channel;
			if (x.doc.number == s->number && amount_eq(x.doc.cost, s->amount)) {
				*out = x;
				return true;
			}
		}
		at++;
	}
	return false;
}

/* Which items of a list were settled: of each group one bit an item, as the log has them. */
struct done {
	const uint8_t *p;
	size_t n, at;
};

static bool done_of(const struct evm_log *l, struct done *out)
{
	struct abi_leaf leaf;
	struct err ignored;
	size_t n;

	if (l->longer || !abi_decode(STR("bytes"), bytes_of(l->data, l->n), &leaf, 1, &n, &ignored))
		return false;
	*out = (struct done){.p = leaf.bytes.p, .n = leaf.bytes.n};
	return true;
}

/* Bit i of a group of n: a big-endian number in as many bytes as it needs. */
static bool is_done(const struct done *d, size_t n, size_t i)
{
	size_t bytes = (n + 7) / 8;

	return d->p[d->at + bytes - 1 - i / 8] >> i % 8 & 1;
}

struct list {
	struct addr provider;
	struct settle_item *out;
	size_t max, n;
};

static void take_item(struct list *t, const struct settle_item *payer, const uint8_t *p)
{
	struct settle_item x = *payer;
	struct channel_id id = {.job_creator = x.job_creator,
	        .provider = t->provider,
	        .serial = x.serial,
	        .kind = CHANNEL_ACCEPTANCES};

	if (t->n == t->max)
		return;
	terms_at(p, &x.doc);
	eip712_hash(channel_id_record(), &id, &x.doc.channel);
	t->out[t->n++] = x;
}

/* The next group of a list, and what is behind it. */
static bool group_of(struct bytes *list, struct settle_item *payer, struct bytes *items, size_t *n)
{
	size_t all;

	if (list->n < GROUP_BYTES)
		return false;
	*n = list->p[CHANNEL_BYTES];
	all = GROUP_BYTES + *n * ITEM_BYTES;
	if (*n == 0 || list->n < all)
		return false;
	payer_at(list->p, payer);
	*items = bytes_of(list->p + GROUP_BYTES, *n * ITEM_BYTES);
	*list = bytes_of(list->p + all, list->n - all);
	return true;
}

static bool is_list(struct bytes list)
{
	struct settle_item payer;
	struct bytes items;
	size_t n;

	while (list.n) {
		if (!group_of(&list, &payer, &items, &n))
			return false;
	}
	return true;
}

/* What was settled of a list: false unless the bits are those of its groups. */
static bool take_list(struct bytes list, struct done d, struct list *t)
{
	struct settle_item payer;
	struct bytes items;
	size_t n;

	t->n = 0;
	while (list.n) {
		if (!group_of(&list, &payer, &items, &n) || d.n - d.at < (n + 7) / 8)
			return false;
		for (size_t i = 0; i < n; i++) {
			if (is_done(&d, n, i))
				take_item(t, &payer, items.p + i * ITEM_BYTES);
		}
		d.at += (n + 7) / 8;
	}
	return d.at == d.n;
}

/* The list of a call that begins the bytes: the contract's own argument, without the Send before it. */
static bool list_of(struct bytes call, bool carried, const struct addr *provider, struct bytes *out)
{
	struct abi_leaf l;
	struct err ignored;
	size_t n;

	if (!abi_decode(STR("bytes"), bytes_of(call.p + SELECTOR, call.n - SELECTOR), &l, 1, &n,
	            &ignored))
		return false;
	*out = l.bytes;
	if (!carried)
		return true;
	if (l.bytes.n < SEND_BYTES || memcmp(l.bytes.p, provider->b, sizeof provider->b) != 0)
		return false;
	*out = bytes_of(l.bytes.p + SEND_BYTES, l.bytes.n - SEND_BYTES);
	return true;
}

bool evm_list_find(struct bytes input, const struct evm_log *l, unsigned nth,
        struct settle_item *out, size_t max, size_t *n)
{
	struct list t = {.provider = addr_at(l->topics[1].b + 12), .out = out, .max = max};
	struct hash own, carried;
	struct bytes list;
	struct done d;

	abi_id(fn_controller_settleList, &own);
	abi_id(fn_controller_settleListFor, &carried);
	if (!done_of(l, &d))
		return false;
	for (size_t at = 0; at + SELECTOR <= input.n; at++) {
		struct bytes rest = bytes_of(input.p + at, input.n - at);
		bool is_carried = memcmp(rest.p, carried.b, SELECTOR) == 0;

		if (!is_carried && memcmp(rest.p, own.b, SELECTOR) != 0)
			continue;
		if (!list_of(rest, is_carried, &t.provider, &list) || !is_list(list))
			continue;
		if (nth-- == 0) {
			if (!take_list(list, d, &t))
				return false;
			*n = t.n;
			return true;
		}
	}
	return false;
}
