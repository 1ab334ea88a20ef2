/* evm_call.c - one function for each kind of action, in a table. */
#include "chain/evm_call.h"

#include "chain/contracts.h"
#include "codec/eip712.h"
#include "codec/packed.h"
#include "crypto/secp.h"
#include "model/parts.h"
#include "port/action_json.h"
#include "port/packed.h"

enum { JOBS_ACCEPTANCE = 1, JOBS_CHECK = 2, CHECK_MEMBERS = 73, JOBS_OPEN_GAS = 900000 };
enum { HOT_WORDS = 9, PACKED_MAX = 4096, BODY_MAX = 32768, LEAVES_MAX = 40, SIG_MAX = 65 };

static_assert(BODY_MAX > PACKED_LIST_MAX + 97, "a list and its Send");

/* A call in the making. */
struct call {
	const struct action *a;
	const struct evm_deal *d;
	const struct deal *whole;
	const struct channel_id *ch;
	const struct addr *by;
	const struct hash *domain;
	struct buf hot, full, body; /* packed, packed, ABI */
	struct buf wrapped;         /* the JC's signature, of a contract of jobs */
	struct abi_leaf leaf[LEAVES_MAX];
	size_t n;
	struct err why; /* what does not fit */
};

static void add(struct call *c, struct abi_leaf l)
{
	assert(c->n < LEAVES_MAX);
	c->leaf[c->n++] = l;
}

static void add_u64(struct call *c, uint64_t v)
{
	add(c, abi_u64(v));
}

static void add_hash(struct call *c, const struct hash *h)
{
	add(c, abi_hash(h));
}

static void add_sig(struct call *c, const struct sig *s)
{
	add(c, abi_sig(s));
}

static void add_full(struct call *c, const struct deal *d)
{
	if (!packed_fits(deal_record(), d, &c->why))
		c->full.bad = true;
	packed_put(deal_record(), d, &c->full);
	add(c, abi_bytes(buf_bytes(&c->full)));
}

/* The Hot, and the hash of the Cold. */
static void add_parts_of(struct call *c, const struct deal *d)
{
	struct hash cold;

	if (!packed_fits(hot_record(), &d->hot, &c->why)) {
		c->hot.bad = true;
		return;
	}
	packed_put(hot_record(), &d->hot, &c->hot);
	if (!buf_ok(&c->hot))
		return;
	assert(c->hot.n == HOT_WORDS * sizeof(struct hash));
	for (size_t i = 0; i < HOT_WORDS; i++)
		add_hash(
		        c, (const struct hash *)(const void *)(c->hot.p + i * sizeof(struct hash)));
	eip712_hash(cold_record(), &d->cold, &cold);
	add_hash(c, &cold);
}

static void add_parts(struct call *c)
{
	add_parts_of(c, c->whole);
}

static void add_channel(struct call *c)
{
	add_u64(c, c->ch->serial);
	add_u64(c, c->ch->kind);
}

static void add_outcome(struct call *c)
{
	const struct result *r = &c->a->result;

	add_u64(c, r->status);
	add_u64(c, r->count);
	add_u64(c, r->bytes);
	add_hash(c, &r->secret_hash);
	add_hash(c, &c->a->output_hash);
}

/* What the deal's state is, or was before its end, made of: zero where there was none. */
static void add_shown(struct call *c)
{
	add_hash(c, &c->d->result);
	add(c, abi_amount(c->d->cost));
	add_hash(c, &c->d->check);
	add(c, abi_addr(&c->d->mediator));
}

static void add_send(struct call *c)
{
	const struct send *s = &c->a->send;

	add(c, abi_addr(&s->account));
	add_u64(c, s->kind);
	add_hash(c, &s->body);
	add_u64(c, s->nonce);
	add_u64(c, s->expiry.s);
	add_sig(c, &c->a->send_sig);
}

/* The JC's signature over that document, whose members a contract of jobs is shown (OnChainJobs.isValidSignature). */
static void add_jc_sig(struct call *c, uint8_t kind, struct bytes members, const struct sig *s)
{
	if (!c->d || !c->d->jobs) {
		add_sig(c, s);
		return;
	}
	buf_u64be(&c->wrapped, c->d->nonce);
	buf_byte(&c->wrapped, kind);
	buf_put(&c->wrapped, members.p, members.n);
	buf_put(&c->wrapped, s->b, s->n);
	add(c, abi_bytes(buf_bytes(&c->wrapped)));
}

/* The account that sends has signed that document itself. It must have: whoever asks us to carry what we did not sign
 * would else act in our name. */
static bool is_own(const struct call *c, const struct hash *doc, const struct sig *s)
{
	struct hash digest;
	struct addr who;
	struct err ignored;

	if (!c->by || !c->domain || !s->n)
		return false;
	eip712_digest(c->domain, doc, &digest);
	return secp_recover(&digest, s, &who, &ignored) && addr_eq(&who, c->by);
}

/* `who` must have signed: an empty signature stands for that of the sender. */
static void add_signed(
        struct call *c, const struct addr *who, const struct hash *doc, const struct sig *s)
{
	static const struct sig none;

	add_sig(c, c->by && addr_eq(who, c->by) && is_own(c, doc, s) ? &none : s);
}

static void add_signed_row(struct call *c, const struct addr *who, const struct record *r,
        const void *row, const struct sig *s)
{
	struct hash h;

	eip712_hash(r, row, &h);
	add_signed(c, who, &h, s);
}

/* The Send, and so what it names, is the sender's own. */
static bool is_own_send(const struct call *c, const struct hash *body)
{
	const struct send *m = &c->a->send;
	struct hash h;

	eip712_hash(send_record(), m, &h);
	return c->by && addr_eq(&m->account, c->by) && hash_eq(&m->body, body) &&
	       is_own(c, &h, &c->a->send_sig);
}

/* ---- kinds -------------------------------------------------------------------------------------- */

static bool put(struct call *c, const char *signature, struct buf *out, struct err *e)
{
	if (c->why.code) {
		*e = c->why;
		return false;
	}
	if (!buf_ok(&c->hot) || !buf_ok(&c->full) || !buf_ok(&c->body) || !buf_ok(&c->wrapped))
		return FAIL(e, TOO_LARGE, "a document of more than %d bytes", PACKED_MAX);
	return abi_encode_call(signature, c->leaf, c->n, out, e);
}

static bool registration_body(struct call *c, struct err *e)
{
	const struct registration *g = &c->a->body.registration;
	struct abi_leaf l[6 + COUNT(g->classes.v)];
	size_t n = 0;

	l[n++] = abi_amount(g->stake);
	l[n++] = abi_u64(g->classes.n);
	for (uint32_t i = 0; i < g->classes.n && i < COUNT(g->classes.v); i++)
		l[n++] = abi_hash(&g->classes.v[i]);
	l[n++] = abi_amount(g->base_fee);
	l[n++] = abi_amount(g->per_instruction);
	l[n++] = abi_bytes(str_bytes(str_of(g->url)));
	return abi_encode(STR("(uint96,bytes32[],uint96,uint96,string)"), l, n, &c->body, e);
}

/* What the contract makes the channel's id of, from where its sender stands. */
static bool channel_body(
        struct call *c, const char *types, const struct amount *more, struct err *e)
{
	const struct addr *who = &c->a->send.account;
	bool is_jc = addr_eq(who, &c->ch->job_creator);
	struct abi_leaf l[5];
	size_t n = 0;

	if (!is_jc && !addr_eq(who, &c->ch->provider))
		return FAIL(e, NOT_FOUND, "the channel is not one of the sender's");
	l[n++] = abi_addr(is_jc ? &c->ch->provider : &c->ch->job_creator);
	l[n++] = abi_u64(is_jc);
	l[n++] = abi_u64(c->ch->serial);
	l[n++] = abi_u64(c->ch->kind);
	if (more)
		l[n++] = abi_amount(*more);
	return abi_encode(str_of(types), l, n, &c->body, e);
}

static bool send_body(struct call *c, struct err *e)
{
	const struct action *a = c->a;
	struct abi_leaf one;

	switch ((enum send_kind)a->send.kind) {
	case SEND_REQUEST_WITHDRAW:
	case SEND_WITHDRAW:
	case SEND_UNBOND_STAKE:
		one = abi_amount(a->body.withdrawal.amount);
		return abi_encode(STR("uint96"), &one, 1, &c->body, e);
	case SEND_SET_PAYOUT:
		one = abi_addr(&a->body.payout.to);
		return abi_encode(STR("address"), &one, 1, &c->body, e);
	case SEND_CANCEL_NONCE:
		one = abi_u64(a->body.nonce_cancel.nonce);
		return abi_encode(STR("uint64"), &one, 1, &c->body, e);
	case SEND_PAUSE_MEDIATOR:
		one = abi_u64(a->body.pause.paused);
		return abi_encode(STR("bool"), &one, 1, &c->body, e);
	case SEND_REGISTER_MEDIATOR: return registration_body(c, e);
	case SEND_TOP_UP:
		return channel_body(
		        c, "address,bool,(uint64,uint8),uint96", &a->body.top_up.amount, e);
	case SEND_LEAVE_CHANNEL: return channel_body(c, "address,bool,(uint64,uint8)", NULL, e);
	case SEND_MINT:
		FAIL(e, STATE, "nobody mints on a chain: tokens are deposited");
		return err_hint(e, "lilypad wallet fund");
	case SEND_AGREE:
	case SEND_ANSWER:
	case SEND_SETTLE:
	case SEND_REDEEM:
	case SEND_CLAIM:
	default: break;
	}
	return FAIL(e, STATE, "a Send of kind %u is not carried", a->send.kind);
}

static bool call_send(struct call *c, struct buf *out, struct err *e)
{
	add_send(c);
	if (c->a->send.kind == SEND_AGREE) {
		add_full(c, &c->a->deal);
		if (hash_is_zero(&c->a->deal.hot.channel))
			return put(c, fn_controller_agreeFor, out, e);
		add_channel(c);
		add_sig(c, &c->a->rp_sig);
		return put(c, fn_controller_openInFor, out, e);
	}
	TRY(send_body(c, e), e);
	add(c, abi_bytes(buf_bytes(&c->body)));
	return put(c, fn_controller_carry, out, e);
}

static bool call_open(struct call *c, struct buf *out, struct err *e)
{
	const struct hot *h = &c->a->deal.hot;

	if (c->d && c->d->jobs) {
		/* It is the contract that sends then. */
		add_u64(c, h->nonce);
		add_full(c, &c->a->deal);
		add_sig(c, &c->a->jc_sig);
		add_sig(c, &c->a->rp_sig);
		return put(c, fn_onchainjobs_open, out, e);
	}
	add_full(c, &c->a->deal);
	add_signed_row(c, &h->job_creator, deal_record(), &c->a->deal, &c->a->jc_sig);
	add_signed_row(c, &h->provider, deal_record(), &c->a->deal, &c->a->rp_sig);
	return put(c, fn_controller_open, out, e);
}

/* The contract makes one document's ids from the others: it cannot see that the document named something else. */
static bool is_of(const struct action *a, const struct hash *named, const char *what, struct err *e)
{
	struct hash id;

	eip712_hash(deal_record(), &a->deal, &id);
	return hash_eq(&id, named) || FAIL(e, CONFLICT, "the %s names another deal", what);
}

/* Of a channel's deal that is not on the ledger. */
static bool call_cancel_number(struct call *c, struct buf *out, struct err *e)
{
	TRY(is_of(c->a, &c->a->cancel.deal, "cancel", e), e);
	add_parts_of(c, &c->a->deal);
	add_channel(c);
	add_u64(c, c->a->cancel.expiry.s);
	add_sig(c, &c->a->jc_sig);
	add_sig(c, &c->a->rp_sig);
	return put(c, fn_controller_cancelNumber, out, e);
}

static bool call_cancel(struct call *c, struct buf *out, struct err *e)
{
	if (!evm_call_shows_deal(c->a) && !(c->d && c->d->state))
		return call_cancel_number(c, out, e);
	add_parts_of(c, c->whole ? c->whole : &c->a->deal);
	add_u64(c, c->a->cancel.expiry.s);
	add_sig(c, &c->a->jc_sig);
	add_sig(c, &c->a->rp_sig);
	return put(c, fn_controller_cancel, out, e);
}

static bool call_result(struct call *c, struct buf *out, struct err *e)
{
	struct hash h;

	add_parts(c);
	add_outcome(c);
	action_result_hash(c->a, &h);
	add_signed(c, &c->whole->hot.provider, &h, &c->a->result_sig);
	return put(c, fn_controller_submit, out, e);
}

static bool call_decline(struct call *c, struct buf *out, struct err *e)
{
	add_parts(c);
	add_u64(c, c->a->decline.reason);
	add_signed_row(
	        c, &c->whole->hot.provider, decline_record(), &c->a->decline, &c->a->doc_sig);
	return put(c, fn_controller_decline, out, e);
}

static bool call_accept(struct call *c, struct buf *out, struct err *e)
{
	struct bytes result = bytes_of(c->a->acceptance.result.b, sizeof c->a->acceptance.result.b);
	struct hash h;

	add_parts(c);
	if (c->a->result_sig.n) {
		add_outcome(c);
		action_result_hash(c->a, &h);
		add_signed(c, &c->whole->hot.provider, &h, &c->a->result_sig);
		add_jc_sig(c, JOBS_ACCEPTANCE, result, &c->a->doc_sig);
		return put(c, fn_controller_acceptWith, out, e);
	}
	add_hash(c, &c->a->acceptance.result);
	add(c, abi_amount(c->d->cost));
	add_jc_sig(c, JOBS_ACCEPTANCE, result, &c->a->doc_sig);
	return put(c, fn_controller_accept, out, e);
}

static bool call_check(struct call *c, struct buf *out, struct err *e)
{
	const struct check *k = &c->a->check;
	uint8_t members[CHECK_MEMBERS];

	memcpy(members, k->result.b, 32);
	members[32] = k->claim;
	memcpy(members + 33, k->salt.b, 32);
	for (unsigned i = 0; i < 8; i++)
		members[65 + i] = (uint8_t)(k->segment >> (56 - 8 * i));
	add_full(c, c->whole);
	add_hash(c, &k->result);
	add(c, abi_amount(c->d->cost));
	add_u64(c, k->claim);
	add_hash(c, &k->salt);
	add_u64(c, k->segment);
	add_jc_sig(c, JOBS_CHECK, bytes_of(members, sizeof members), &c->a->doc_sig);
	return put(c, fn_controller_check, out, e);
}

static bool call_verdict(struct call *c, struct buf *out, struct err *e)
{
	const struct verdict *v = &c->a->verdict;

	add_parts(c);
	add_shown(c);
	add_u64(c, v->round);
	add(c, abi_addr(&v->mediator));
	add_u64(c, v->ruling);
	add_hash(c, &v->output);
	add_u64(c, v->count);
	add_u64(c, v->bytes);
	add_hash(c, &v->salt);
	add_signed_row(c, &v->mediator, verdict_record(), v, &c->a->doc_sig);
	return put(c, fn_controller_rule, out, e);
}

static bool call_pass(struct call *c, struct buf *out, struct err *e)
{
	add_parts(c);
	add_shown(c);
	add_u64(c, c->a->pass.round);
	add(c, abi_addr(&c->a->pass.mediator));
	add_signed_row(c, &c->a->pass.mediator, pass_record(), &c->a->pass, &c->a->doc_sig);
	return put(c, fn_controller_pass, out, e);
}

static bool call_timeout(struct call *c, struct buf *out, struct err *e)
{
	add_parts(c);
	add_shown(c);
	return put(c, fn_controller_timeout, out, e);
}

/* ---- channels ----------------------------------------------------------------------------------- */

static void put_be(struct buf *b, uint64_t v, unsigned bytes)
{
	while (bytes--)
		buf_byte(b, (uint8_t)(v >> 8 * bytes));
}

static void put_sig(struct buf *b, const struct sig *s)
{
	buf_put(b, s->b, MIN2((size_t)s->n, (size_t)SIG_MAX));
}

/* The Send that carries what follows it; its signature has a fixed place of 64 bytes. */
static bool put_send(struct call *c, struct err *e)
{
	const struct send *s = &c->a->send;
	struct sig sig = c->a->send_sig;

	sig_compact(&sig);
	if (sig.n != 64)
		return FAIL(e, RANGE, "the Send's signature has %u bytes, not 64 or 65", sig.n);
	if (s->expiry.s > BTIME_MAX)
		return FAIL(e, RANGE, "expiry is not below 2^40");
	buf_put(&c->body, s->account.b, sizeof s->account.b);
	put_be(&c->body, s->nonce, 8);
	put_be(&c->body, s->expiry.s, 5);
	put_sig(&c->body, &sig);
	return true;
}

static bool list_fits(const struct action *a, struct err *e)
{
	if (a->items_n == 0 || a->items_n > ACTION_SETTLE_MAX)
		return FAIL(e, RANGE, "%u acceptances: a list has 1 to %d", a->items_n,
		        ACTION_SETTLE_MAX);
	for (uint32_t i = 0; i < a->items_n; i++) {
		if (!packed_fits(channel_acceptance_record(), &a->items[i].doc, e)) {
			err_prefix(e, "acceptance %u: ", i);
			return false;
		}
		if (a->items_n > 1 && a->items[i].sig.n != 64)
			return FAIL(e, RANGE, "signature %u has %u bytes: in a list it has 64", i,
			        a->items[i].sig.n);
	}
	return true;
}

/* What the Send of a settlement names. */
static void settled(const struct action *a, struct hash *out)
{
	const struct settle_item *x = a->items;
	struct channel_acceptance doc = x->doc;
	struct channel_id id = {.job_creator = x->job_creator,
	        .provider = a->send.account,
	        .serial = x->serial,
	        .kind = CHANNEL_ACCEPTANCES};

	if (a->items_n > 1) {
		packed_list_hash(x, a->items_n, out);
		return;
	}
	eip712_hash(channel_id_record(), &id, &doc.channel);
	eip712_hash(channel_acceptance_record(), &doc, out);
}

static bool call_settle(struct call *c, struct buf *out, struct err *e)
{
	const struct settle_item *x = c->a->items;
	bool one = c->a->items_n == 1, own;
	struct hash body;

	TRY(list_fits(c->a, e), e);
	settled(c->a, &body);
	own = is_own_send(c, &body);
	if (!own)
		TRY(put_send(c, e), e);
	if (one) {
		buf_put(&c->body, x->job_creator.b, sizeof x->job_creator.b);
		put_be(&c->body, x->serial, 8);
		packed_terms_put(&x->doc, &c->body);
		put_sig(&c->body, &x->sig);
	} else {
		packed_list_put(x, c->a->items_n, &c->body);
	}
	add(c, abi_bytes(buf_bytes(&c->body)));
	if (own)
		return put(c, one ? fn_controller_settle : fn_controller_settleList, out, e);
	return put(c, one ? fn_controller_settleFor : fn_controller_settleListFor, out, e);
}

static bool call_redeem(struct call *c, struct buf *out, struct err *e)
{
	const struct voucher *v = &c->a->voucher;
	uint8_t sum[32];
	struct hash body;
	bool own;

	TRY(packed_fits(voucher_record(), v, e), e);
	eip712_hash(voucher_record(), v, &body);
	own = is_own_send(c, &body);
	if (!own)
		TRY(put_send(c, e), e);
	buf_put(&c->body, c->ch->job_creator.b, sizeof c->ch->job_creator.b);
	put_be(&c->body, c->ch->serial, 8);
	amount_to_be(v->sum, sum);
	buf_put(&c->body, sum + 20, 12);
	put_be(&c->body, v->number, 8);
	put_be(&c->body, v->claims, 8);
	put_sig(&c->body, &c->a->doc_sig);
	add(c, abi_bytes(buf_bytes(&c->body)));
	return put(c, own ? fn_controller_redeem : fn_controller_redeemFor, out, e);
}

static bool call_claim(struct call *c, struct buf *out, struct err *e)
{
	struct hash body;
	bool own;

	TRY(is_of(c->a, &c->a->result.deal, "result", e), e);
	action_result_hash(c->a, &body);
	own = is_own_send(c, &body);
	if (!own)
		add_send(c);
	add_full(c, &c->a->deal);
	add_channel(c);
	add_sig(c, &c->a->jc_sig);
	add_outcome(c);
	return put(c, own ? fn_controller_claim : fn_controller_claimFor, out, e);
}

static bool call_claim_check(struct call *c, struct buf *out, struct err *e)
{
	const struct check *k = &c->a->check;
	struct hash result;

	result_hash_of(&c->a->result, &c->a->output_hash, &result);
	TRY(is_of(c->a, &c->a->result.deal, "result", e), e);
	TRY(is_of(c->a, &k->deal, "check", e), e);
	if (!hash_eq(&k->result, &result))
		return FAIL(e, CONFLICT, "the check names another result");
	add_full(c, &c->a->deal);
	add_channel(c);
	add_outcome(c);
	add_sig(c, &c->a->result_sig);
	add_u64(c, k->claim);
	add_hash(c, &k->salt);
	add_u64(c, k->segment);
	add_sig(c, &c->a->doc_sig);
	return put(c, fn_controller_claimAndCheck, out, e);
}

static bool call_open_channel(struct call *c, struct buf *out, struct err *e)
{
	const struct channel *h = &c->a->channel;

	add(c, abi_addr(&h->id.job_creator));
	add(c, abi_addr(&h->id.provider));
	add_u64(c, h->id.serial);
	add_u64(c, h->id.kind);
	add(c, abi_amount(h->job_sum));
	add(c, abi_amount(h->provider_sum));
	add_u64(c, h->open_by.s);
	add_sig(c, &c->a->jc_sig);
	add_sig(c, &c->a->rp_sig);
	return put(c, fn_controller_openChannel, out, e);
}

static bool call_close_channel(struct call *c, struct buf *out, struct err *e)
{
	add(c, abi_addr(&c->ch->job_creator));
	add(c, abi_addr(&c->ch->provider));
	add_channel(c);
	if (c->a->jc_sig.n == 0 && c->a->rp_sig.n == 0)
		return put(c, fn_controller_closeChannel, out, e);
	add_u64(c, c->a->leave.expiry.s);
	add_sig(c, &c->a->jc_sig);
	add_sig(c, &c->a->rp_sig);
	return put(c, fn_controller_closeChannelNow, out, e);
}

/* The most gas: what docs/contracts.md measures, with room for cold storage and long signatures. */
static const struct kind {
	bool shows_deal;
	uint64_t gas_max;
	bool (*put)(struct call *c, struct buf *out, struct err *e);
} kinds[] = {
        [ACTION_SEND] = {false, 500000, call_send},
        [ACTION_OPEN] = {false, 500000, call_open},
        [ACTION_CANCEL] = {true, 400000, call_cancel},
        [ACTION_RESULT] = {true, 300000, call_result},
        [ACTION_DECLINE] = {true, 300000, call_decline},
        [ACTION_ACCEPT] = {true, 400000, call_accept},
        [ACTION_CHECK] = {true, 300000, call_check},
        [ACTION_VERDICT] = {true, 400000, call_verdict},
        [ACTION_PASS] = {true, 400000, call_pass},
        [ACTION_TIMEOUT] = {true, 400000, call_timeout},
        [ACTION_SETTLE] = {false, 300000, call_settle},
        [ACTION_REDEEM] = {false, 300000, call_redeem},
        [ACTION_CLAIM] = {false, 500000, call_claim},
        [ACTION_CLAIM_CHECK] = {false, 500000, call_claim_check},
        [ACTION_OPEN_CHANNEL] = {false, 500000, call_open_channel},
        [ACTION_CLOSE_CHANNEL] = {false, 300000, call_close_channel},
};

/* Beyond that, for each item of a list: an author and a solver may be new accounts. */
enum { GAS_OF_ITEM = 80000 };

static const struct kind *kind_of(const struct action *a)
{
	return a->kind < COUNT(kinds) && kinds[a->kind].put ? &kinds[a->kind] : NULL;
}

bool evm_call_shows_deal(const struct action *a)
{
	const struct kind *k = kind_of(a);

	/* A cancel that brings its deal along is of a channel. */
	if (a->kind == ACTION_CANCEL && !hash_is_zero(&a->deal.hot.channel))
		return false;
	return k && k->shows_deal;
}

void evm_call_channel(const struct action *a, struct hash *out)
{
	*out = (struct hash){{0}};
	switch ((enum action_kind)a->kind) {
	case ACTION_SEND:
		if (a->send.kind == SEND_TOP_UP)
			*out = a->body.top_up.channel;
		else if (a->send.kind == SEND_LEAVE_CHANNEL)
			*out = a->body.leave.channel;
		else if (a->send.kind == SEND_AGREE)
			*out = a->deal.hot.channel;
		break;
	case ACTION_CANCEL:
	case ACTION_CLAIM:
	case ACTION_CLAIM_CHECK: *out = a->deal.hot.channel; break;
	case ACTION_REDEEM: *out = a->voucher.channel; break;
	case ACTION_CLOSE_CHANNEL: *out = a->leave.channel; break;
	case ACTION_OPEN:
	case ACTION_RESULT:
	case ACTION_DECLINE:
	case ACTION_ACCEPT:
	case ACTION_CHECK:
	case ACTION_VERDICT:
	case ACTION_PASS:
	case ACTION_TIMEOUT:
	case ACTION_SETTLE:
	case ACTION_OPEN_CHANNEL: break;
	}
}

bool evm_call(const struct action *a, const struct evm_shown *w, struct buf *out, uint64_t *gas_max,
        struct err *e)
{
	const struct kind *k = kind_of(a);
	struct call c = {.a = a,
	        .d = w->deal,
	        .whole = w->whole,
	        .ch = w->channel,
	        .by = w->by,
	        .domain = w->domain};
	size_t before = out->n;
	struct hash channel;
	bool ok;

	if (!k)
		return FAIL(e, STATE, "\"%s\" is not offered on a chain by this client",
		        enum_name(&action_kind_names, a->kind));
	evm_call_channel(a, &channel);
	assert(!evm_call_shows_deal(a) || (w->deal && w->whole));
	assert(hash_is_zero(&channel) || w->channel);
	if ((a->kind == ACTION_CLAIM || a->kind == ACTION_CLAIM_CHECK) && hash_is_zero(&channel))
		return FAIL(e, STATE, "only a deal of a channel is claimed: escrow has `open`");
	buf_init(&c.hot, PACKED_MAX);
	buf_init(&c.full, PACKED_MAX);
	buf_init(&c.body, BODY_MAX);
	buf_init(&c.wrapped, PACKED_MAX);
	ok = k->put(&c, out, e);
	buf_done(&c.hot);
	buf_done(&c.full);
	buf_done(&c.body);
	buf_done(&c.wrapped);
	if (!ok)
		out->n = before;
	TRY(ok, e);
	*gas_max = k->gas_max + (uint64_t)a->items_n * GAS_OF_ITEM * (a->kind == ACTION_SETTLE);
	if (a->kind == ACTION_OPEN && w->deal && w->deal->jobs)
		*gas_max = JOBS_OPEN_GAS;
	return true;
}
