/* ledger_channel_play.h - for tests of channels (protocol 8.3): channels, deals in them and their documents at
 * hand. Each function prepares p->a. */
#ifndef LILYPAD_LEDGER_LEDGER_CHANNEL_PLAY_H
#define LILYPAD_LEDGER_LEDGER_CHANNEL_PLAY_H

#include "ledger/ledger_play.h"
#include "model/deal_rules.h"
#include "port/packed.h"

/* Of JC and RP. */
static inline struct channel_id play_channel_id(
        const struct play *p, unsigned kind, uint64_t serial)
{
	return (struct channel_id){.job_creator = p->who[JC],
	        .provider = p->who[RP],
	        .serial = serial,
	        .kind = (uint8_t)kind};
}

static inline struct hash play_channel(const struct play *p, unsigned kind, uint64_t serial)
{
	struct channel_id id = play_channel_id(p, kind, serial);

	return play_id(channel_id_record(), &id);
}

static inline void play_open_channel(
        struct play *p, unsigned kind, uint64_t serial, uint64_t job, uint64_t provider)
{
	p->a = (struct action){.kind = ACTION_OPEN_CHANNEL,
	        .channel = {.id = play_channel_id(p, kind, serial),
	                .job_sum = amount_of(job),
	                .provider_sum = amount_of(provider),
	                .open_by = {p->now.s + 10}}};
	play_sign(p, JC, channel_record(), &p->a.channel, &p->a.jc_sig);
	play_sign(p, RP, channel_record(), &p->a.channel, &p->a.rp_sig);
}

static inline void play_top_up(
        struct play *p, enum who by, const struct hash *channel, uint64_t amount)
{
	p->a = (struct action){.body.top_up = {.channel = *channel, .amount = amount_of(amount)}};
	play_send(p, by, SEND_TOP_UP, top_up_record(), &p->a.body);
}

static inline void play_leave(struct play *p, enum who by, const struct hash *channel)
{
	p->a = (struct action){.body.leave = {.channel = *channel}};
	play_send(p, by, SEND_LEAVE_CHANNEL, leave_record(), &p->a.body);
}

/* After LIFE. */
static inline void play_close(struct play *p, const struct hash *channel)
{
	p->a = (struct action){.kind = ACTION_CLOSE_CHANNEL, .leave = {.channel = *channel}};
}

/* At once. */
static inline void play_close_now(struct play *p, const struct hash *channel, uint64_t expiry)
{
	play_close(p, channel);
	p->a.leave.expiry.s = expiry;
	play_sign(p, JC, channel_leave_record(), &p->a.leave, &p->a.jc_sig);
	play_sign(p, RP, channel_leave_record(), &p->a.leave, &p->a.rp_sig);
}

/* The standard deal in a channel; without shares where that has vouchers. */
static inline struct deal play_channel_deal(
        const struct play *p, const struct hash *channel, uint64_t number)
{
	const struct ledger_channel *c = ledger_channel(p->l, channel);
	struct deal d = play_deal(p, number);

	d.hot.channel = *channel;
	if (c && c->kind == CHANNEL_VOUCHERS)
		d.hot.royalty = d.hot.solver_share = 0;
	return d;
}

static inline void play_open_in(struct play *p, enum who by, const struct deal *d)
{
	p->a = (struct action){.deal = *d};
	play_sign(p, RP, deal_record(), d, &p->a.rp_sig);
	play_send(p, by, SEND_AGREE, deal_record(), &p->a.deal);
}

static inline void play_claim(
        struct play *p, enum who by, const struct deal *d, uint64_t count, uint64_t bytes)
{
	struct hash id = play_id(deal_record(), d), h = play_result_hash(&id, count, bytes);

	play_result(p, &id, count, bytes);
	p->a.kind = ACTION_CLAIM;
	p->a.result_sig = (struct sig){0};
	p->a.deal = *d;
	play_sign(p, JC, deal_record(), d, &p->a.jc_sig);
	play_send_of(p, by, SEND_CLAIM, &h);
}

static inline void play_claim_check(
        struct play *p, const struct deal *d, uint64_t count, uint64_t bytes)
{
	struct hash id = play_id(deal_record(), d), h = play_result_hash(&id, count, bytes);

	play_result(p, &id, count, bytes);
	p->a.kind = ACTION_CLAIM_CHECK;
	p->a.deal = *d;
	p->a.check = (struct check){
	        .deal = id, .result = h, .claim = RULING_RESULT_WRONG, .salt = {{5}}};
	play_sign(p, JC, check_record(), &p->a.check, &p->a.doc_sig);
}

/* What the JC signs for a result of the deal, in 64 bytes as in a list. */
static inline struct settle_item play_item(
        struct play *p, const struct deal *d, uint64_t serial, uint64_t count, uint64_t bytes)
{
	struct settle_item x = {.job_creator = d->hot.job_creator, .serial = serial};
	struct hash id = play_id(deal_record(), d);

	x.doc = (struct channel_acceptance){.deal = id,
	        .result = play_result_hash(&id, count, bytes),
	        .channel = d->hot.channel,
	        .number = d->hot.nonce,
	        .cost = deal_cost(&d->hot, count, bytes),
	        .royalty = d->hot.royalty,
	        .author = d->hot.author,
	        .solver_share = d->hot.solver_share,
	        .solver = d->hot.solver};
	play_sign(p, JC, channel_acceptance_record(), &x.doc, &x.sig);
	x.sig.n = 64;
	return x;
}

static inline void play_sign_item(struct play *p, enum who by, struct settle_item *x)
{
	play_sign(p, by, channel_acceptance_record(), &x->doc, &x->sig);
	x->sig.n = 64;
}

/* The items must live as long as p->a. */
static inline void play_settle(
        struct play *p, enum who by, const struct settle_item *items, uint32_t n)
{
	struct hash h;

	if (n > 1)
		packed_list_hash(items, n, &h);
	else
		h = play_id(channel_acceptance_record(), &items->doc);
	p->a = (struct action){.kind = ACTION_SETTLE, .items = items, .items_n = n};
	play_send_of(p, by, SEND_SETTLE, &h);
}

/* The acceptance of a deal that is on the ledger (5.6). */
static inline void play_accept_in(
        struct play *p, const struct deal *d, uint64_t count, uint64_t bytes, bool with)
{
	struct settle_item x = play_item(p, d, 1, count, bytes);

	play_accept(p, &x.doc.deal, count, bytes, with);
	p->a.cost = x.doc.cost;
	play_sign(p, JC, channel_acceptance_record(), &x.doc, &p->a.doc_sig);
}

static inline void play_redeem(struct play *p, enum who by, const struct hash *channel,
        uint64_t sum, uint64_t number, uint64_t claims)
{
	struct hash h;

	p->a = (struct action){.kind = ACTION_REDEEM,
	        .voucher = {.channel = *channel,
	                .sum = amount_of(sum),
	                .number = number,
	                .claims = claims}};
	h = play_id(voucher_record(), &p->a.voucher);
	play_sign_hash(p, JC, &h, &p->a.doc_sig);
	play_send_of(p, by, SEND_REDEEM, &h);
}

/* Of a deal that is not on the ledger. */
static inline void play_cancel_in(struct play *p, const struct deal *d, uint64_t expiry)
{
	struct hash id = play_id(deal_record(), d);

	play_cancel(p, &id, expiry);
	p->a.deal = *d;
}

#endif
