/* channel_call.c - one function of the Controller for each action of channels, sent by the party itself or carried. */
#include "channel_call.h"

#include "chain/contracts.h"
#include "codec/eip712.h"
#include "codec/packed.h"
#include "crypto/secp.h"
#include "ledger/ledger_own.h"
#include "port/packed.h"

enum { PACKED_MAX = 32768, LEAVES = 32, HOT_WORDS = 9 };

/* A call in the making. */
struct call {
	const struct sides *w;
	const struct action *a;
	int deal;
	struct buf packed, hot;
	struct abi_leaf leaf[LEAVES];
	size_t n;
	bool unsaid;
};

static void add(struct call *c, struct abi_leaf l)
{
	assert(c->n < LEAVES);
	c->leaf[c->n++] = l;
}

static void add_channel(struct call *c, const struct pair *p)
{
	add(c, abi_u64(p->serial));
	add(c, abi_u64(p->kind));
}

static void add_send(struct call *c)
{
	const struct send *s = &c->a->send;

	add(c, abi_addr(&s->account));
	add(c, abi_u64(s->kind));
	add(c, abi_hash(&s->body));
	add(c, abi_u64(s->nonce));
	add(c, abi_u64(s->expiry.s));
	add(c, abi_sig(&c->a->send_sig));
}

static void add_full(struct call *c)
{
	packed_put(deal_record(), &c->a->deal, &c->packed);
	add(c, abi_bytes(buf_bytes(&c->packed)));
}

static void add_parts(struct call *c, const struct deal *d)
{
	struct hash word;

	packed_put(hot_record(), &d->hot, &c->hot);
	for (size_t i = 0; i < HOT_WORDS; i++) {
		memcpy(word.b, c->hot.p + i * sizeof word.b, sizeof word.b);
		add(c, abi_hash(&word));
	}
	eip712_hash(cold_record(), &d->cold, &word);
	add(c, abi_hash(&word));
}

static void add_outcome(struct call *c)
{
	const struct result *r = &c->a->result;

	add(c, abi_u64(r->status));
	add(c, abi_u64(r->count));
	add(c, abi_u64(r->bytes));
	add(c, abi_hash(&r->secret_hash));
	add(c, abi_hash(&c->a->output_hash));
}

/* ---- which channel ------------------------------------------------------------------------------ */

static enum who somebody(const struct sides *w, const struct addr *who)
{
	for (unsigned i = 0; i < PARTIES; i++) {
		if (addr_eq(&w->p.who[i], who))
			return (enum who)i;
	}
	return MALLORY;
}

/* What the id is made of, where it is one of ours, or the like with `who` in one place; else serial and kind are 0:
 * the contract looks up the id first. */
static struct pair pair_of(const struct sides *w, const struct hash *id, const struct addr *who)
{
	enum who by = somebody(w, who);
	struct hash h;

	for (unsigned i = 0; i < CHANNELS * 6; i++) {
		struct pair p = channel_pairs[i / 6];

		p.kind = i % 2 ? CHANNEL_VOUCHERS : CHANNEL_ACCEPTANCES;
		p.jc = i % 6 / 2 == 1 ? by : p.jc;
		p.rp = i % 6 / 2 == 2 ? by : p.rp;
		h = sides_channel_id(w, &p);
		if (hash_eq(&h, id))
			return p;
	}
	return (struct pair){0};
}

static struct pair pair_of_deal(const struct call *c)
{
	return pair_of(c->w, &c->a->deal.hot.channel, &c->a->deal.hot.provider);
}

/* ---- packed ------------------------------------------------------------------------------------- */

static void put_be(struct buf *b, uint64_t v, unsigned bytes)
{
	while (bytes--) {
		uint8_t byte = (uint8_t)(v >> 8 * bytes);

		buf_put(b, &byte, 1);
	}
}

static bool put_amount(struct buf *b, struct amount v, struct err *e)
{
	uint8_t be[32];

	if (!amount_fits_document(v))
		return FAIL(e, RANGE, "an amount is not below 2^96");
	amount_to_be(v, be);
	buf_put(b, be + 20, 12);
	return true;
}

/* Account, nonce, expiry and signature; kind and body follow from the call. */
static bool put_send(struct call *c, const struct hash *body, struct err *e)
{
	const struct send *s = &c->a->send;
	struct sig sig = c->a->send_sig;
	bool fits = sig.n == 64 || (sig.n == 65 && !(sig.b[32] & 0x80));

	sig_compact(&sig);
	c->unsaid = true;
	if (!fits || sig.n != 64)
		return FAIL(e, SIGNATURE, "a signature that does not go into 64 bytes");
	if (!hash_eq(body, &s->body))
		return FAIL(e, CONFLICT, "the Send is of another body");
	c->unsaid = false;
	buf_put(&c->packed, s->account.b, sizeof s->account.b);
	put_be(&c->packed, s->nonce, 8);
	put_be(&c->packed, s->expiry.s, 5);
	buf_put(&c->packed, sig.b, sig.n);
	return true;
}

static bool put_terms(struct call *c, const struct settle_item *x, struct err *e)
{
	const struct channel_acceptance *d = &x->doc;
	struct buf *b = &c->packed;

	buf_put(b, d->deal.b, sizeof d->deal.b);
	buf_put(b, d->result.b, sizeof d->result.b);
	put_be(b, d->number, 8);
	TRY(put_amount(b, d->cost, e), e);
	put_be(b, d->royalty, 2);
	buf_put(b, d->author.b, sizeof d->author.b);
	put_be(b, d->solver_share, 2);
	buf_put(b, d->solver.b, sizeof d->solver.b);
	buf_put(b, x->sig.b, x->sig.n);
	return true;
}

static void put_payer(struct call *c, const struct addr *jc, uint64_t serial)
{
	buf_put(&c->packed, jc->b, sizeof jc->b);
	put_be(&c->packed, serial, 8);
}

static bool same_group(const struct settle_item *a, const struct settle_item *b)
{
	return a->serial == b->serial && addr_eq(&a->job_creator, &b->job_creator);
}

static bool put_groups(struct call *c, struct err *e)
{
	const struct settle_item *x = c->a->items;

	for (uint32_t i = 0, n = c->a->items_n; i < n;) {
		uint32_t first = i, k = i + 1;

		while (k < n && same_group(&x[first], &x[k]))
			k++;
		put_payer(c, &x[first].job_creator, x[first].serial);
		put_be(&c->packed, k - first, 1);
		for (; i < k; i++)
			TRY(put_terms(c, &x[i], e), e);
	}
	return true;
}

static bool finish(struct call *c, const char *fn, struct buf *out, struct err *e)
{
	if (!buf_ok(&c->packed))
		return FAIL(e, TOO_LARGE, "more than %d packed bytes", PACKED_MAX);
	return abi_encode_call(fn, c->leaf, c->n, out, e);
}

/* All that is in c->packed. */
static bool finish_packed(struct call *c, const char *fn, struct buf *out, struct err *e)
{
	add(c, abi_bytes(buf_bytes(&c->packed)));
	return finish(c, fn, out, e);
}

/* ---- settling ----------------------------------------------------------------------------------- */

static bool call_list(struct call *c, struct buf *out, struct err *e)
{
	struct hash body = c->a->send.body;

	if (c->a->items_n <= ACTION_SETTLE_MAX)
		packed_list_hash(c->a->items, c->a->items_n, &body);
	if (!c->w->own)
		TRY(put_send(c, &body, e), e);
	TRY(put_groups(c, e), e);
	return finish_packed(
	        c, c->w->own ? fn_controller_settleList : fn_controller_settleListFor, out, e);
}

static bool call_settle(struct call *c, struct buf *out, struct err *e)
{
	const struct settle_item *x = c->a->items;
	struct channel_acceptance doc = x->doc;
	const struct pair of = {.jc = somebody(c->w, &x->job_creator),
	        .rp = somebody(c->w, &c->a->send.account),
	        .serial = x->serial,
	        .kind = CHANNEL_ACCEPTANCES};
	struct hash body;

	if (c->a->items_n != 1)
		return call_list(c, out, e);
	doc.channel = sides_channel_id(c->w, &of);
	eip712_hash(channel_acceptance_record(), &doc, &body);
	if (!c->w->own)
		TRY(put_send(c, &body, e), e);
	put_payer(c, &x->job_creator, x->serial);
	TRY(put_terms(c, x, e), e);
	return finish_packed(c, c->w->own ? fn_controller_settle : fn_controller_settleFor, out, e);
}

static bool call_redeem(struct call *c, struct buf *out, struct err *e)
{
	const struct voucher *v = &c->a->voucher;
	struct pair of = pair_of(c->w, &v->channel, &c->a->send.account);
	struct hash body;

	eip712_hash(voucher_record(), v, &body);
	if (!c->w->own)
		TRY(put_send(c, &body, e), e);
	put_payer(c, &c->w->p.who[of.jc], of.serial);
	TRY(put_amount(&c->packed, v->sum, e), e);
	put_be(&c->packed, v->number, 8);
	put_be(&c->packed, v->claims, 8);
	buf_put(&c->packed, c->a->doc_sig.b, c->a->doc_sig.n);
	return finish_packed(c, c->w->own ? fn_controller_redeem : fn_controller_redeemFor, out, e);
}

/* ---- deals -------------------------------------------------------------------------------------- */

static bool call_claim(struct call *c, struct buf *out, struct err *e)
{
	struct pair of = pair_of_deal(c);

	if (!c->w->own)
		add_send(c);
	add_full(c);
	add_channel(c, &of);
	add(c, abi_sig(&c->a->jc_sig));
	add_outcome(c);
	return finish(c, c->w->own ? fn_controller_claim : fn_controller_claimFor, out, e);
}

static bool call_claim_check(struct call *c, struct buf *out, struct err *e)
{
	const struct check *k = &c->a->check;
	struct pair of = pair_of_deal(c);

	add_full(c);
	add_channel(c, &of);
	add_outcome(c);
	add(c, abi_sig(&c->a->result_sig));
	add(c, abi_u64(k->claim));
	add(c, abi_hash(&k->salt));
	add(c, abi_u64(k->segment));
	add(c, abi_sig(&c->a->doc_sig));
	return finish(c, fn_controller_claimAndCheck, out, e);
}

static bool call_open_in(struct call *c, struct buf *out, struct err *e)
{
	struct pair of = pair_of_deal(c);

	if (!c->w->own)
		add_send(c);
	add_full(c);
	add_channel(c, &of);
	add(c, abi_sig(&c->a->rp_sig));
	return finish(c, c->w->own ? fn_controller_openIn : fn_controller_openInFor, out, e);
}

/* Of the Cold the contract sees the hash only: that it is in bounds is the client's to see. */
static bool call_cancel_number(struct call *c, struct buf *out, struct err *e)
{
	struct pair of = pair_of_deal(c);

	TRY(document_in_bounds(deal_record(), &c->a->deal, e), e);
	add_parts(c, &c->a->deal);
	add_channel(c, &of);
	add(c, abi_u64(c->a->cancel.expiry.s));
	add(c, abi_sig(&c->a->jc_sig));
	add(c, abi_sig(&c->a->rp_sig));
	return finish(c, fn_controller_cancelNumber, out, e);
}

static bool call_accept_in(struct call *c, struct buf *out, struct err *e)
{
	add_parts(c, &c->w->deals[c->deal]);
	add(c, abi_hash(&c->a->acceptance.result));
	add(c, abi_amount(c->a->cost));
	add(c, abi_sig(&c->a->doc_sig));
	return finish(c, fn_controller_accept, out, e);
}

/* ---- 5.16 --------------------------------------------------------------------------------------- */

static bool call_open_channel(struct call *c, struct buf *out, struct err *e)
{
	const struct channel *d = &c->a->channel;
	const struct pair of = {.serial = d->id.serial, .kind = d->id.kind};

	add(c, abi_addr(&d->id.job_creator));
	add(c, abi_addr(&d->id.provider));
	add_channel(c, &of);
	add(c, abi_amount(d->job_sum));
	add(c, abi_amount(d->provider_sum));
	add(c, abi_u64(d->open_by.s));
	add(c, abi_sig(&c->a->jc_sig));
	add(c, abi_sig(&c->a->rp_sig));
	return finish(c, fn_controller_openChannel, out, e);
}

static bool call_close_channel(struct call *c, struct buf *out, struct err *e)
{
	const struct action *whole = &c->w->p.a;
	struct pair of = pair_of(c->w, &c->a->leave.channel, &c->w->p.who[MALLORY]);

	add(c, abi_addr(&c->w->p.who[of.jc]));
	add(c, abi_addr(&c->w->p.who[of.rp]));
	add_channel(c, &of);
	if (!whole->jc_sig.n && !whole->rp_sig.n)
		return finish(c, fn_controller_closeChannel, out, e);
	add(c, abi_u64(c->a->leave.expiry.s));
	add(c, abi_sig(&c->a->jc_sig));
	add(c, abi_sig(&c->a->rp_sig));
	return finish(c, fn_controller_closeChannelNow, out, e);
}

/* TopUp and Leave: whoever acts names the other party. */
static bool call_own_channel(struct call *c, struct buf *out, struct err *e)
{
	const struct send *s = &c->a->send;
	bool adds = s->kind == SEND_TOP_UP;
	const struct hash *id = adds ? &c->a->body.top_up.channel : &c->a->body.leave.channel;
	struct pair of = pair_of(c->w, id, &s->account);
	bool is_jc = addr_eq(&s->account, &c->w->p.who[of.jc]);
	struct abi_leaf l[] = {abi_addr(&c->w->p.who[is_jc ? of.rp : of.jc]), abi_u64(is_jc),
	        abi_u64(of.serial), abi_u64(of.kind), abi_amount(c->a->body.top_up.amount)};
	size_t n = adds ? 5 : 4;

	if (c->w->own)
		return abi_encode_call(
		        adds ? fn_controller_topUp : fn_controller_leaveChannel, l, n, out, e);
	add_send(c);
	TRY(abi_encode(adds ? STR("address,bool,(uint64,uint8),uint96")
	                    : STR("address,bool,(uint64,uint8)"),
	            l, n, &c->packed, e),
	        e);
	return finish_packed(c, fn_controller_carry, out, e);
}

/* ---- which -------------------------------------------------------------------------------------- */

typedef bool maker(struct call *c, struct buf *out, struct err *e);

static maker *maker_of(const struct sides *w, int deal)
{
	const struct action *a = &w->for_chain;
	bool of_channel = deal >= 0 && !hash_is_zero(&w->deals[deal].hot.channel);

	switch ((enum action_kind)a->kind) {
	case ACTION_SETTLE: return call_settle;
	case ACTION_REDEEM: return call_redeem;
	case ACTION_CLAIM: return call_claim;
	case ACTION_CLAIM_CHECK: return call_claim_check;
	case ACTION_OPEN_CHANNEL: return call_open_channel;
	case ACTION_CLOSE_CHANNEL: return call_close_channel;
	case ACTION_SEND:
		if (a->send.kind == SEND_TOP_UP || a->send.kind == SEND_LEAVE_CHANNEL)
			return call_own_channel;
		return a->send.kind == SEND_AGREE && !hash_is_zero(&a->deal.hot.channel)
		               ? call_open_in
		               : NULL;
	case ACTION_CANCEL:
		return of_channel && w->seen[deal].state == 0 ? call_cancel_number : NULL;
	case ACTION_ACCEPT: return of_channel && !a->result_sig.n ? call_accept_in : NULL;
	case ACTION_OPEN:
	case ACTION_RESULT:
	case ACTION_DECLINE:
	case ACTION_CHECK:
	case ACTION_VERDICT:
	case ACTION_PASS:
	case ACTION_TIMEOUT: break;
	}
	return NULL;
}

bool channel_call_is(const struct sides *w, int deal)
{
	return maker_of(w, deal) != NULL;
}

bool channel_call(const struct sides *w, int deal, struct buf *out, bool *unsaid, struct err *e)
{
	struct call c = {.w = w, .a = &w->for_chain, .deal = deal};
	bool ok;

	buf_init(&c.packed, PACKED_MAX);
	buf_init(&c.hot, PACKED_MAX);
	ok = maker_of(w, deal)(&c, out, e);
	buf_done(&c.packed);
	buf_done(&c.hot);
	*unsaid = c.unsaid;
	TRY(ok, e);
	return true;
}
