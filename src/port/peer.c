/* peer.c - building the effects that every role needs. */
#include "port/peer.h"

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "port/action_json.h"

struct bytes fx_json(struct effects *fx, json_t *j)
{
	struct buf b OWN(buf_done);
	struct bytes out = {NULL, 0};

	assert(j);
	buf_init(&b, HTTP_BODY_MAX * 4);
	json_canonical(j, &b);
	json_decref(j);
	assert(buf_ok(&b));
	out.p = arena_copy(fx->arena, b.p, b.n);
	out.n = b.n;
	assert(out.p);
	return out;
}

const char *fx_text(struct effects *fx, const char *fmt, ...)
{
	struct buf b OWN(buf_done);
	va_list ap;
	char *out;

	buf_init(&b, 1 << 16);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	out = arena_str(fx->arena, buf_view(&b));
	assert(out);
	return out;
}

const char *fx_path(
        struct effects *fx, const char *before, const struct hash *id, const char *after)
{
	char text[HASH_TEXT_MAX];

	hash_format(id, text);
	return fx_text(fx, "%s%s%s", before, text, after);
}

struct fx *fx_call(struct effects *fx, struct tag tag, const struct peer *to, const char *method,
        const char *path, json_t *body)
{
	struct fx *f = fx_add(fx, FX_CALL, tag);

	f->audience = to->addr;
	f->url = to->url;
	f->method = method;
	f->path = path;
	if (body)
		f->body = fx_json(fx, body);
	return f;
}

struct bytes fx_deal(
        struct effects *fx, const struct deal *d, const struct sig *jc, const struct sig *rp)
{
	json_t *j = json_pack("{s:o, s:o}", "deal", record_to_json(deal_record(), d),
	        "jobCreatorSignature", json_of_sig(jc));

	if (rp->n)
		json_object_set_new(j, "providerSignature", json_of_sig(rp));
	return fx_json(fx, j);
}

void fx_reply(struct effects *fx, struct conn_id conn, int status, json_t *j)
{
	struct fx *f = fx_add(fx, FX_REPLY, (struct tag){0});

	f->conn = conn;
	f->status = status;
	f->body = fx_json(fx, j);
}

void fx_reply_text(struct effects *fx, struct conn_id conn, int status, const struct buf *text)
{
	struct fx *f = fx_add(fx, FX_REPLY, (struct tag){0});

	assert(buf_ok(text));
	f->conn = conn;
	f->status = status;
	f->body.p = arena_copy(fx->arena, text->p, text->n);
	f->body.n = text->n;
	assert(f->body.p);
}

void fx_reply_err(struct effects *fx, struct conn_id conn, const struct err *e)
{
	fx_reply(fx, conn, err_http(e->code), err_to_json(e));
}

struct action *fx_action(struct effects *fx, enum action_kind kind)
{
	struct action *a = ARENA_NEW(fx->arena, struct action);

	assert(a);
	a->kind = (uint8_t)kind;
	return a;
}

struct hash fx_submit(struct effects *fx, struct action *a, const struct hash *deal)
{
	struct fx *f = fx_add(fx, FX_SUBMIT, (struct tag){.key = *deal});

	a->deal_id = *deal;
	action_id(a, &f->action_id);
	f->action = a;
	return f->action_id;
}

bool world_sign(const struct world *w, const struct hash *domain, const struct record *r,
        const void *row, struct sig *out, struct err *e)
{
	struct hash digest;

	signed_digest(domain, r, row, &digest);
	TRY(w->signer.sign(w->signer.self, &digest, out, e), e);
	return true;
}

bool world_check(const struct world *w, const struct hash *domain, const struct record *r,
        const void *row, uint64_t number, const struct sig *sig, const struct addr *who,
        struct amount *funds, struct err *e)
{
	struct vouch_for v = {.account = *who, .number = number, .sig = *sig};
	struct amount ignored;
	char text[ADDR_TEXT_MAX];

	if (!funds)
		funds = &ignored;
	*funds = amount_of(0);
	if (signed_check(domain, r, row, sig, who, e))
		return true;
	if (!w->contracts.ask)
		return false;
	eip712_hash(r, row, &v.doc);
	eip712_digest(domain, &v.doc, &v.digest);
	switch (w->contracts.ask(w->contracts.self, &v, funds)) {
	case VOUCH_YES: return true;
	case VOUCH_NO: return false;
	case VOUCH_LATER: break;
	}
	addr_format(who, text);
	return FAIL(e, BUSY, "the chain has not said yet whether %s stands behind this %s", text,
	        r->type);
}

struct addr key_of(
        const struct hash *domain, const struct record *r, const void *row, const struct sig *sig)
{
	struct addr a;
	struct err ignored;

	return signed_by(domain, r, row, sig, &a, &ignored) ? a : (struct addr){{0}};
}

bool acked_from_json(const json_t *j, const struct hash *domain, const struct addr *solver,
        const struct hash *offer, struct acked *out, struct err *e)
{
	struct acked a = {0};

	TRY(json_get_record(j, "ack", ack_record(), &a.ack, e), e);
	TRY(json_get_sig(j, "signature", &a.sig, e), e);
	TRY(acked_take_batch(&a, j, "batch", "path", e), e);
	TRY(acked_check(&a, domain, solver, e), e);
	if (!hash_eq(&a.ack.offer, offer))
		return FAIL(e, PEER, "the solver acknowledged another offer than ours");
	*out = a;
	return true;
}

struct hash account_topic(const struct addr *a)
{
	struct hash h = {{0}};

	memcpy(h.b + 12, a->b, 20);
	return h;
}

struct cid cid_raw(const struct hash *digest)
{
	return (struct cid){CID_RAW, *digest};
}

struct cid cid_tree(const struct hash *digest)
{
	return (struct cid){CID_DAG_PB, *digest};
}
