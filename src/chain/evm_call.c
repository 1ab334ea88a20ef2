/* evm_call.c - one function for each kind of action, in a table. */
#include "chain/evm_call.h"

#include "chain/contracts.h"
#include "codec/eip712.h"
#include "codec/packed.h"

enum { JOBS_ACCEPTANCE = 1, JOBS_CHECK = 2, CHECK_MEMBERS = 73, JOBS_OPEN_GAS = 900000 };
enum { HOT_WORDS = 9, PACKED_MAX = 4096, BODY_MAX = 8192, LEAVES_MAX = 32 };

/* A call in the making. */
struct call {
	const struct action *a;
	const struct evm_deal *d;
	const struct deal *whole;
	struct buf hot, full, body; /* packed, packed, ABI */
	struct buf wrapped;         /* the JC's signature, of a contract of jobs */
	struct abi_leaf leaf[LEAVES_MAX];
	size_t n;
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
	packed_put(deal_record(), d, &c->full);
	add(c, abi_bytes(buf_bytes(&c->full)));
}

/* The Hot, and the hash of the Cold. */
static void add_parts(struct call *c)
{
	struct hash cold;

	packed_put(hot_record(), &c->whole->hot, &c->hot);
	assert(c->hot.n == HOT_WORDS * sizeof(struct hash));
	for (size_t i = 0; i < HOT_WORDS; i++)
		add_hash(
		        c, (const struct hash *)(const void *)(c->hot.p + i * sizeof(struct hash)));
	eip712_hash(cold_record(), &c->whole->cold, &cold);
	add_hash(c, &cold);
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

/* ---- kinds -------------------------------------------------------------------------------------- */

static bool put(struct call *c, const char *signature, struct buf *out, struct err *e)
{
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
	case SEND_MINT:
		FAIL(e, STATE, "nobody mints on a chain: tokens are deposited");
		return err_hint(e, "lilypad wallet fund");
	case SEND_AGREE:
	case SEND_TOP_UP:
	case SEND_LEAVE_CHANNEL:
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
		return put(c, fn_controller_agreeFor, out, e);
	}
	TRY(send_body(c, e), e);
	add(c, abi_bytes(buf_bytes(&c->body)));
	return put(c, fn_controller_carry, out, e);
}

static bool call_open(struct call *c, struct buf *out, struct err *e)
{
	if (c->d && c->d->jobs)
		add_u64(c, c->a->deal.hot.nonce);
	add_full(c, &c->a->deal);
	add_sig(c, &c->a->jc_sig);
	add_sig(c, &c->a->rp_sig);
	return put(c, c->d && c->d->jobs ? fn_onchainjobs_open : fn_controller_open, out, e);
}

static bool call_cancel(struct call *c, struct buf *out, struct err *e)
{
	add_parts(c);
	add_u64(c, c->a->cancel.expiry.s);
	add_sig(c, &c->a->jc_sig);
	add_sig(c, &c->a->rp_sig);
	return put(c, fn_controller_cancel, out, e);
}

static bool call_result(struct call *c, struct buf *out, struct err *e)
{
	add_parts(c);
	add_outcome(c);
	add_sig(c, &c->a->result_sig);
	return put(c, fn_controller_submit, out, e);
}

static bool call_decline(struct call *c, struct buf *out, struct err *e)
{
	add_parts(c);
	add_u64(c, c->a->decline.reason);
	add_sig(c, &c->a->doc_sig);
	return put(c, fn_controller_decline, out, e);
}

static bool call_accept(struct call *c, struct buf *out, struct err *e)
{
	struct bytes result = bytes_of(c->a->acceptance.result.b, sizeof c->a->acceptance.result.b);

	add_parts(c);
	if (c->a->result_sig.n) {
		add_outcome(c);
		add_sig(c, &c->a->result_sig);
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
	add_sig(c, &c->a->doc_sig);
	return put(c, fn_controller_rule, out, e);
}

static bool call_pass(struct call *c, struct buf *out, struct err *e)
{
	add_parts(c);
	add_shown(c);
	add_u64(c, c->a->pass.round);
	add(c, abi_addr(&c->a->pass.mediator));
	add_sig(c, &c->a->doc_sig);
	return put(c, fn_controller_pass, out, e);
}

static bool call_timeout(struct call *c, struct buf *out, struct err *e)
{
	add_parts(c);
	add_shown(c);
	return put(c, fn_controller_timeout, out, e);
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
};

static const struct kind *kind_of(const struct action *a)
{
	return a->kind < COUNT(kinds) && kinds[a->kind].put ? &kinds[a->kind] : NULL;
}

bool evm_call_shows_deal(const struct action *a)
{
	const struct kind *k = kind_of(a);

	return k && k->shows_deal;
}

bool evm_call(const struct action *a, const struct evm_deal *d, const struct deal *whole,
        struct buf *out, uint64_t *gas_max, struct err *e)
{
	const struct kind *k = kind_of(a);
	struct call c = {.a = a, .d = d, .whole = whole};
	bool ok;

	if (!k)
		return FAIL(e, STATE, "\"%s\" is not offered on a chain by this client",
		        enum_name(&action_kind_names, a->kind));
	assert(!k->shows_deal || (d && whole));
	buf_init(&c.hot, PACKED_MAX);
	buf_init(&c.full, PACKED_MAX);
	buf_init(&c.body, BODY_MAX);
	buf_init(&c.wrapped, PACKED_MAX);
	ok = k->put(&c, out, e);
	buf_done(&c.hot);
	buf_done(&c.full);
	buf_done(&c.body);
	buf_done(&c.wrapped);
	TRY(ok, e);
	*gas_max = k->gas_max;
	if (a->kind == ACTION_OPEN && d && d->jobs)
		*gas_max = JOBS_OPEN_GAS;
	return true;
}
