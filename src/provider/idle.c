/* idle.c - why no job comes: the solver is asked when the operator asks, never of the provider's own accord. */
#include <stdio.h>

#include "codec/json.h"
#include "provider/provider_own.h"

/* How long an answer or the lack of one is good for; how long an operator waits for it. */
enum { KEEP_MS = 5000, WAIT_MS = 3000 };

static bool fresh(const struct idle_view *v, struct mono now)
{
	return v->known && mono_since(now, v->at).ms < KEEP_MS;
}

bool provider_ask_idle(
        struct provider *p, struct conn_id conn, const struct event *ev, struct effects *fx)
{
	struct idle_view *v = &p->idle;
	struct fx *f;

	if (p->running > 0 || !p->posted || fresh(v, ev->now) || v->waiting_n == IDLE_WAITING_MAX)
		return false;
	v->waiting[v->waiting_n++] = conn;
	if (v->waiting_n > 1)
		return true; /* asked already */
	f = fx_call(fx, (struct tag){.what = TAG_IDLE, .key = p->offer.id}, &p->c.solver, "GET",
	        fx_path(fx, "/v1/resource-offers/", &p->offer.id, "/idle"), NULL);
	f->delay = span_ms(WAIT_MS);
	return true;
}

static bool read_answer(const struct reply *r, json_t **out, struct err *e)
{
	if (!r->ok || r->status >= 400) {
		*e = r->err;
		return false;
	}
	TRY(json_parse(bytes_str(r->body), out, e), e);
	if (json_is_object(*out))
		return true;
	json_decref(*out);
	return FAIL(e, PEER, "the solver did not say why the offer is idle");
}

void provider_on_idle(struct provider *p, const struct event *ev, struct effects *fx)
{
	struct idle_view *v = &p->idle;
	json_t *j = NULL;
	struct err e;

	json_decref(v->json);
	v->json = NULL;
	v->missing[0] = '\0';
	if (read_answer(ev->reply, &j, &e))
		v->json = j;
	else
		snprintf(v->missing, sizeof v->missing, "%s", e.msg);
	v->known = true;
	v->at = ev->now;
	for (unsigned i = 0; i < v->waiting_n; i++)
		provider_reply_status(p, v->waiting[i], ev, fx);
	v->waiting_n = 0;
}
