/* offer.c - the provider's standing offer: posted on start, renewed at half of its life. */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "port/counter.h"
#include "provider/provider_own.h"

enum { RETRY_MS = 1000 };

static void set_timer(struct effects *fx, uint32_t what, struct span delay)
{
	fx_add(fx, FX_TIMER, (struct tag){.what = what})->delay = delay;
}

/* Sign a fresh offer: a higher nonce replaces the one before (protocol 2.3). */
static bool renew(struct provider *p, const struct event *ev, struct err *e)
{
	struct provider_offer next = {.machine = p->c.offer.machine, .offer = p->c.offer};
	uint64_t now = wall_seconds(ev->wall);

	TRY(counter_next(&p->world->store, "resource-offer", p->least_nonce, &next.offer.nonce, e),
	        e);
	next.offer.provider = p->world->signer.addr;
	next.offer.created_at.s = now;
	next.offer.expiry.s = now + (uint64_t)(p->c.offer_life.ms / 1000);
	eip712_hash(resource_offer_record(), &next.offer, &next.id);
	TRY(world_sign(p->world, &p->c.domain, resource_offer_record(), &next.offer, &next.sig, e),
	        e);
	TRY(provider_keep_offer(p, &next, e), e);
	p->offer = next;
	return true;
}

/* What is offered now is what that offer says, but for what is free: that changes all the time, and is looked at
 * before a deal is signed. */
static bool same_terms(const struct provider *p)
{
	struct resource_offer now = p->c.offer;
	struct hash id;

	now.provider = p->offer.offer.provider;
	now.free = p->offer.offer.free;
	now.created_at = p->offer.offer.created_at;
	now.nonce = p->offer.offer.nonce;
	now.expiry = p->offer.offer.expiry;
	eip712_hash(resource_offer_record(), &now, &id);
	return hash_eq(&id, &p->offer.id);
}

/* What is left of an offer of before a restart is used, so that deals that were made on it meanwhile still follow
 * from it; unless its terms are none any more that this provider would sign. */
static bool stands(const struct provider *p, const struct event *ev)
{
	return p->offer.sig.n && same_terms(p) &&
	       p->offer.offer.expiry.s >
	               wall_seconds(ev->wall) + (uint64_t)p->c.offer_life.ms / 2000;
}

/* 9.5: before anything is signed anew. */
static void ask_nonces(struct provider *p, struct effects *fx)
{
	char who[ADDR_TEXT_MAX];

	addr_format(&p->world->signer.addr, who);
	fx_call(fx, (struct tag){.what = TAG_NONCES}, &p->open_solver, "GET",
	        fx_text(fx, "/v1/accounts/%s", who), NULL);
}

void provider_on_nonces(struct provider *p, const struct event *ev, struct effects *fx)
{
	const struct reply *r = ev->reply;
	json_t *j OWN(json_own) = NULL;
	uint64_t seen = 0;
	struct err e = r->err;

	p->counted = r->ok && r->status < 400 && json_parse(bytes_str(r->body), &j, &e) &&
	             json_get_u64(j, "resourceNonce", &seen, &e) && seen < UINT64_MAX;
	if (!p->counted) {
		log_line(&p->world->log, LOG_ODD,
		        "the solver does not say what it has seen of us: %s", e.msg);
		set_timer(fx, TAG_RENEW, span_ms(RETRY_MS));
		return;
	}
	p->least_nonce = MAX2(p->least_nonce, seen + 1);
	provider_post_offer(p, ev, fx);
}

void provider_post_offer(struct provider *p, const struct event *ev, struct effects *fx)
{
	struct err e;
	json_t *body;

	if (!stands(p, ev)) {
		if (!p->counted) {
			ask_nonces(p, fx);
			return;
		}
		if (!renew(p, ev, &e)) {
			log_line(&p->world->log, LOG_ODD, "offer not renewed: %s", e.msg);
			set_timer(fx, TAG_RENEW, span_ms(RETRY_MS));
			return;
		}
	}
	body = json_pack("{s:o, s:o}", "offer",
	        record_to_json(resource_offer_record(), &p->offer.offer), "signature",
	        json_of_sig(&p->offer.sig));
	fx_call(fx, (struct tag){.what = TAG_POST_OFFER, .key = p->offer.id}, &p->open_solver,
	        "POST", "/v1/resource-offers", body);
	set_timer(fx, TAG_RENEW, span_ms(p->c.offer_life.ms / 2));
}

void provider_cancel_offer(struct provider *p, const struct event *ev, struct effects *fx)
{
	struct offer_cancel doc = {.offer = p->offer.id, .time.s = wall_seconds(ev->wall)};
	struct provider_offer gone = p->offer;
	struct sig sig;
	struct err e;

	if (p->offer.sig.n == 0 || p->offer.offer.expiry.s <= doc.time.s)
		return;
	gone.sig.n = 0; /* the next start signs another: the solver would not open this one again */
	if (!world_sign(p->world, &p->c.domain, offer_cancel_record(), &doc, &sig, &e) ||
	        !provider_keep_offer(p, &gone, &e)) {
		log_line(&p->world->log, LOG_ODD, "offer not cancelled: %s", e.msg);
		return;
	}
	p->offer = gone;
	p->posted = false;
	fx_call(fx, (struct tag){.what = TAG_CANCEL, .key = doc.offer}, &p->open_solver, "POST",
	        fx_path(fx, "/v1/offers/", &doc.offer, "/cancel"),
	        json_pack("{s:o, s:o}", "cancel", record_to_json(offer_cancel_record(), &doc),
	                "signature", json_of_sig(&sig)));
}

/* The solver's signed Ack, or why there is none. */
static bool check_ack(struct provider *p, const struct reply *r, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	const char *state;
	struct acked acked;

	if (!r->ok || r->status >= 400) {
		*e = r->err;
		return false;
	}
	TRY(json_parse(bytes_str(r->body), &j, e), e);
	TRY(acked_from_json(j, &p->c.domain, &p->c.solver.addr, &p->offer.id, &acked, e), e);
	/* Acknowledged once, it may be in the book no more: expired by the solver's clock. */
	state = json_string_value(json_object_get(j, "state"));
	if (state && strcmp(state, "open") != 0)
		return FAIL(e, STATE, "the offer is %.40s at the solver", state);
	return true;
}

void provider_on_ack(struct provider *p, const struct event *ev, struct effects *fx)
{
	struct err e;

	if (!hash_eq(&ev->reply->tag.key, &p->offer.id))
		return; /* of an offer that has been replaced since */
	if (check_ack(p, ev->reply, &e)) {
		if (!p->posted) {
			log_line(&p->world->log, LOG_INFO, "offer posted at %s", p->c.solver.url);
			p->idle_since = ev->wall;
		}
		p->posted = true;
		p->last_refusal[0] = '\0';
		return;
	}
	if (p->posted || strncmp(p->last_refusal, e.msg, sizeof p->last_refusal - 1) != 0)
		log_line(&p->world->log, LOG_ODD, "offer not accepted: %s", e.msg);
	p->posted = false;
	str_keep(p->last_refusal, sizeof p->last_refusal, str_of(e.msg));
	/* A refused document stays refused: the next one has a fresh nonce and time. */
	if (!err_passes(e.code) || e.code == E_STALE)
		p->offer.sig.n = 0;
	set_timer(fx, TAG_RENEW, span_ms(RETRY_MS));
}
