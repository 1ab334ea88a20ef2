/* channel.c - channels (protocol 8.3): a job creator asks us to sign one, or its end. What we lock in one is
 * ours for as long as it lasts, and LIFE longer, so the settings bound it, and the job creator locks as much. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "model/deal_rules.h"
#include "provider/provider_own.h"

enum { SIGNED, OPEN, CLOSED };
enum { GOOD_FOR_MAX_S = 3600 }; /* openBy and expiry: what we have signed must be settled soon */

/* ---- what we are bound to ------------------------------------------------------------------------ */

struct bound {
	const struct provider *p;
	unsigned n;
	struct amount sum;
	bool overflow;
};

/* Signed channels that nobody has opened in time bind nobody. */
static bool add_row(void *ctx, const void *row)
{
	const struct provider_channel *c = row;
	struct bound *b = ctx;

	if (c->state == CLOSED ||
	        (c->state == SIGNED && c->channel.open_by.s <= b->p->ledger_time.s))
		return true;
	b->n++;
	b->overflow = !amount_add(b->sum, c->channel.provider_sum, &b->sum);
	return !b->overflow;
}

static bool bound_by(struct provider *p, struct bound *b, struct err *e)
{
	struct store *s = &p->world->store;

	*b = (struct bound){.p = p};
	TRY(s->each(s->self, provider_channel_record(), NULL, NULL, add_row, b, e), e);
	if (b->overflow)
		return FAIL(e, INTERNAL, "the sums of our channels overflow");
	return true;
}

/* ---- opening ------------------------------------------------------------------------------------- */

static bool above(
        struct amount is, struct amount most, const char *what, enum err_code code, struct err *e)
{
	char a[AMOUNT_DEC_MAX], b[AMOUNT_DEC_MAX];

	if (amount_cmp(is, most) <= 0)
		return true;
	amount_format(is, a);
	amount_format(most, b);
	return err_set(e, code, 0, __FILE__, __LINE__, "%s: %s, and at most %s can be", what, a, b);
}

static bool in_time(const struct provider *p, struct btime until, const char *what, struct err *e)
{
	if (p->ledger_time.s == 0)
		return FAIL(e, BUSY, "this provider does not know the ledger's time yet");
	if (until.s > p->ledger_time.s && until.s <= p->ledger_time.s + GOOD_FOR_MAX_S)
		return true;
	return FAIL(e, CLOCKS,
	        "%s is %llu: it must be after %llu, the ledger's time, and within %d s of it", what,
	        (unsigned long long)until.s, (unsigned long long)p->ledger_time.s, GOOD_FOR_MAX_S);
}

static bool within_settings(struct provider *p, const struct channel *c, struct err *e)
{
	struct amount all, most = p->c.channel_total;
	struct bound b;

	if (amount_is_zero(p->c.channel_sum)) {
		FAIL(e, FORBIDDEN, "this provider opens no channels");
		return err_hint(e, "its setting channel.max-sum says how much it puts into one");
	}
	TRY(above(c->provider_sum, p->c.channel_sum, "providerSum", E_RANGE, e), e);
	TRY(above(c->provider_sum, c->job_sum, "providerSum, beside the jobSum", E_RANGE, e), e);
	TRY(bound_by(p, &b, e), e);
	if (b.n >= PROVIDER_CHANNELS_MAX)
		return FAIL(e, BUSY, "%u channels are open", b.n);
	if (!amount_add(b.sum, c->provider_sum, &all))
		return FAIL(e, RANGE, "providerSum is out of bounds");
	if (!amount_is_zero(most))
		TRY(above(all, most, "the sums of all our channels", E_QUOTA, e), e);
	if (p->balance_known)
		TRY(above(c->provider_sum, p->free_balance, "providerSum, of our free balance",
		            E_FUNDS, e),
		        e);
	return true;
}

static bool for_us(
        struct provider *p, const struct channel *c, const struct sig *sig, struct err *e)
{
	char name[ADDR_TEXT_MAX];

	addr_format(&c->id.provider, name);
	if (!addr_eq(&c->id.provider, &p->world->signer.addr))
		return FAIL(e, PARTY, "the provider of the channel is %s, not us", name);
	if (addr_eq(&c->id.job_creator, &c->id.provider))
		return FAIL(e, PARTY, "job creator and provider are one account");
	TRY(signed_check(&p->c.domain, channel_record(), c, sig, &c->id.job_creator, e), e);
	return true;
}

static void put(struct provider *p, const struct provider_channel *row)
{
	struct store *s = &p->world->store;
	struct err e;
	bool ok = s->put(s->self, provider_channel_record(), row, &e);

	if (!ok)
		log_line(&p->world->log, LOG_BROKEN, "store: %s", e.msg);
	assert(ok);
	p->wrote = true;
}

bool channel_row(
        struct provider *p, const struct hash *id, struct provider_channel *out, struct err *e)
{
	struct store *s = &p->world->store;

	*out = (struct provider_channel){.id = *id};
	return s->get(s->self, provider_channel_record(), out, e);
}

/* An id is signed once: the same document has the same signature, another one of its id none. */
static bool sign_channel(struct provider *p, const struct channel *c, const struct sig *jc,
        struct provider_channel *row, struct err *e)
{
	struct hash id, is, asked;

	eip712_hash(channel_id_record(), &c->id, &id);
	if (channel_row(p, &id, row, e)) {
		eip712_hash(channel_record(), &row->channel, &is);
		eip712_hash(channel_record(), c, &asked);
		return hash_eq(&is, &asked) ||
		       FAIL(e, CONFLICT, "serial %llu was signed with other sums or another time",
		               (unsigned long long)c->id.serial);
	}
	if (e->code != E_NOT_FOUND)
		return false;
	TRY(in_time(p, c->open_by, "openBy", e), e);
	TRY(within_settings(p, c, e), e);
	*row = (struct provider_channel){.id = id, .channel = *c, .jc_sig = *jc};
	TRY(world_sign(p->world, &p->c.domain, channel_record(), c, &row->rp_sig, e), e);
	put(p, row);
	return true;
}

static bool two_members(const json_t *j, struct err *e)
{
	if (json_object_size(j) == 2)
		return true;
	return FAIL(e, JSON_VALUE, "it must be the document and jobCreatorSignature, nothing else");
}

static bool open_channel(struct provider *p, const struct http_req *r, json_t **out, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct provider_channel row;
	struct channel c;
	struct sig jc;

	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(json_get_record(j, "channel", channel_record(), &c, e), e);
	TRY(json_get_sig(j, "jobCreatorSignature", &jc, e), e);
	TRY(two_members(j, e), e);
	TRY(for_us(p, &c, &jc, e), e);
	TRY(sign_channel(p, &c, &jc, &row, e), e);
	*out = json_pack("{s:o, s:o}", "channel", json_of_hash(&row.id), "providerSignature",
	        json_of_sig(&row.rp_sig));
	return true;
}

void provider_on_channel(struct provider *p, const struct event *ev, struct effects *fx)
{
	json_t *out = NULL;
	struct err e;

	if (open_channel(p, ev->request, &out, &e))
		fx_reply(fx, ev->request->conn, 200, out);
	else
		fx_reply_err(fx, ev->request->conn, &e);
}

/* ---- leaving ------------------------------------------------------------------------------------- */

static bool end_channel(struct provider *p, const struct http_req *r, json_t **out, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct provider_channel row;
	struct channel_leave doc;
	struct sig jc, rp;
	struct hash id;
	unsigned open;

	TRY(hash_parse(r->params[0], &id, e), e);
	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(json_get_record(j, "leave", channel_leave_record(), &doc, e), e);
	TRY(json_get_sig(j, "jobCreatorSignature", &jc, e), e);
	TRY(two_members(j, e), e);
	if (!hash_eq(&doc.channel, &id))
		return FAIL(e, CONFLICT, "the document names another channel than the path");
	TRY(channel_row(p, &id, &row, e), e);
	TRY(signed_check(&p->c.domain, channel_leave_record(), &doc, &jc,
	            &row.channel.id.job_creator, e),
	        e);
	if (row.state != OPEN)
		return FAIL(e, STATE, "the channel is %s",
		        row.state == CLOSED ? "closed" : "not on the ledger that we know");
	TRY(in_time(p, doc.expiry, "expiry", e), e);
	open = draws_open(p, &id);
	if (open)
		return FAIL(e, STATE, "%u deals are open in the channel", open);
	/* From here on nothing is signed in it. */
	row.leave_until = (struct btime){MAX2(row.leave_until.s, doc.expiry.s)};
	put(p, &row);
	TRY(world_sign(p->world, &p->c.domain, channel_leave_record(), &doc, &rp, e), e);
	*out = json_pack(
	        "{s:o, s:o}", "channel", json_of_hash(&id), "providerSignature", json_of_sig(&rp));
	return true;
}

void provider_on_leave(struct provider *p, const struct event *ev, struct effects *fx)
{
	json_t *out = NULL;
	struct err e;

	if (end_channel(p, ev->request, &out, &e))
		fx_reply(fx, ev->request->conn, 200, out);
	else
		fx_reply_err(fx, ev->request->conn, &e);
}

/* ---- the ledger ---------------------------------------------------------------------------------- */

bool channel_is_open(const struct provider_channel *row)
{
	return row->state == OPEN;
}

/* A deal that was on the ledger has ended there: what comes back to the sums no event tells. */
static void come_back(struct provider *p, const struct ledger_event *le)
{
	struct provider_deal d = {.id = le->deal};
	struct store *s = &p->world->store;
	struct provider_channel row;
	struct amount jc, rp;
	struct err e;

	if (!s->get(s->self, provider_deal_record(), &d, &e) || hash_is_zero(&d.deal.hot.channel) ||
	        !channel_row(p, &d.deal.hot.channel, &row, &e) || le->seq <= row.seq)
		return;
	deal_back(&d.deal.hot, le->to, le->amount, &jc, &rp);
	if (row.state == OPEN && (!amount_add(row.job, jc, &row.job) ||
	                                 !amount_add(row.provider, rp, &row.provider)))
		log_line(&p->world->log, LOG_BROKEN, "the sums of a channel overflow");
	row.seq = le->seq;
	put(p, &row);
}

void provider_note_channel(struct provider *p, const struct ledger_event *le)
{
	const struct channel_change *now = &le->channel;
	struct provider_channel row;
	struct err e;

	if (sm_is_final(&deal_states, le->to) && hash_is_zero(&now->id))
		come_back(p, le);
	if (hash_is_zero(&now->id) || !channel_row(p, &now->id, &row, &e) || le->seq <= row.seq)
		return;
	row.state = now->closed ? CLOSED : OPEN;
	row.job = now->job;
	row.provider = now->provider;
	row.paid = now->paid;
	row.floor = now->floor;
	row.claims = now->claims;
	row.close_at = now->close_at;
	row.seq = le->seq;
	put(p, &row);
}
