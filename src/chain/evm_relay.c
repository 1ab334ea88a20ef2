/* evm_relay.c - one request at a time for each action: handed in, then asked for until it is final. */
#include "chain/evm_relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "port/action_json.h"

enum {
	LOOK_MS = 1000,
	SILENT_MAX = 20, /* questions without an answer: then the role is told */
	PATH_MAX_ = URL_MAX + 128
};

struct relayed {
	struct evm_relay *r;
	struct relayed *next, **at;
	struct hash id;
	struct buf body;
	bool handed_in, busy, included;
	unsigned silent;
	struct http_handle call;
};

struct evm_relay {
	struct evm_relay_options o;
	char url[URL_MAX + 1];
	struct relayed *first;
	size_t n;
	bool away;
	uv_timer_t look;
};

static void relayed_free(struct relayed *x)
{
	*x->at = x->next;
	if (x->next)
		x->next->at = x->at;
	x->r->n--;
	buf_done(&x->body);
	free(x);
}

static void tell(const struct relayed *x, enum ledger_stage stage, bool failed,
        const struct hash *tx, const struct err *why)
{
	static const struct hash none;

	x->r->o.told(x->r->o.ctx, &x->id, stage, failed, tx ? tx : &none, why);
}

static void drop(struct relayed *x, const struct err *why)
{
	struct evm_relay *r = x->r;
	struct hash id = x->id, none = {{0}};
	struct err e = *why;

	relayed_free(x);
	err_prefix(&e, "the relay at %s: ", r->url);
	r->o.told(r->o.ctx, &id, LEDGER_DROPPED, false, &none, &e);
}

/* ---- answers ---------------------------------------------------------------------------------------------- */

static bool read_answer(const struct relayed *x, const struct http_answer *a, struct str *state,
        struct hash *tx, struct err *why, bool *wrong, json_t **j, struct err *e)
{
	struct hash id;
	struct buf text OWN(buf_done) = {0};

	TRY(http_answer_check(a, e), e);
	TRY(json_parse(bytes_str(a->body), j, e), e);
	TRY(json_get_hash(*j, "id", &id, e), e);
	TRY(json_get_str(*j, "state", state, e), e);
	TRY(json_get_hash(*j, "transaction", tx, e), e);
	if (!hash_eq(&id, &x->id))
		return FAIL(e, PEER, "it answers about another action");
	buf_init(&text, 8192);
	if (json_object_get(*j, "error"))
		json_canonical(json_object_get(*j, "error"), &text);
	*wrong = text.n && err_from_json(buf_view(&text), why);
	return true;
}

/* Said once: every action that waits finds it away. */
static void note_away(struct evm_relay *r, bool away, const struct err *why)
{
	if (away == r->away)
		return;
	r->away = away;
	if (away)
		log_line(&r->o.log, LOG_ODD,
		        "the relay at %s: %s; what is to be sent is handed in again", r->url,
		        why->msg);
	else
		log_line(&r->o.log, LOG_INFO, "the relay at %s is back", r->url);
}

/* In a block, or final, or over. */
static void take(struct relayed *x, struct str state, const struct hash *tx, const struct err *why,
        bool wrong)
{
	bool final = str_is(state, "final") || str_is(state, "failed");
	struct err e;

	if (str_is(state, "dropped")) {
		if (!wrong)
			FAIL(&e, PEER, "it dropped the action without a word");
		drop(x, wrong ? why : &e);
		return;
	}
	if (!x->included && (final || str_is(state, "included"))) {
		x->included = true;
		tell(x, LEDGER_INCLUDED, wrong, tx, wrong ? why : NULL);
	}
	if (!final)
		return;
	tell(x, LEDGER_FINAL, wrong, tx, wrong ? why : NULL);
	relayed_free(x);
}

static void on_answer(void *ctx, const struct http_answer *a)
{
	struct relayed *x = ctx;
	json_t *j OWN(json_own) = NULL;
	bool first = !x->handed_in, wrong = false;
	struct hash tx;
	struct str state;
	struct err e, why;

	x->busy = false;
	if (!read_answer(x, a, &state, &tx, &why, &wrong, &j, &e)) {
		note_away(x->r, !a->ok, &e);
		/* Once it has the action, a relay that is away is waited for; one that forgot it is not. */
		if (first || e.code == E_NOT_FOUND || ++x->silent >= SILENT_MAX)
			drop(x, &e);
		return;
	}
	note_away(x->r, false, NULL);
	x->silent = 0;
	x->handed_in = true;
	if (first)
		tell(x, LEDGER_PENDING, false, NULL, NULL);
	take(x, state, &tx, &why, wrong);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static void call(struct relayed *x)
{
	struct evm_relay *r = x->r;
	char url[PATH_MAX_], id[HASH_TEXT_MAX];
	struct http_call c = {.url = url, .done = on_answer, .ctx = x};

	hash_format(&x->id, id);
	if (x->handed_in) {
		c.method = "GET";
		snprintf(url, sizeof url, "%s/v1/actions/%s", r->url, id);
	} else {
		c.method = "POST";
		c.audience = r->o.account;
		c.body = buf_bytes(&x->body);
		snprintf(url, sizeof url, "%s/v1/actions", r->url);
	}
	x->busy = true;
	x->call = http_client_call(r->o.client, &c);
	x->busy = x->call.v != 0;
}

/* Looks at those that are handed in, and at those that could not even be asked about. */
static void on_look(uv_timer_t *t)
{
	struct evm_relay *r = t->data;
	struct relayed *next;

	for (struct relayed *x = r->first; x; x = next) {
		next = x->next;
		if (!x->busy)
			call(x);
	}
}

bool evm_relay_has(const struct evm_relay *r, const struct hash *id)
{
	for (const struct relayed *x = r->first; x; x = x->next) {
		if (hash_eq(&x->id, id))
			return true;
	}
	return false;
}

static bool write_body(struct relayed *x, const struct action *a)
{
	json_t *j OWN(json_own) = json_pack("{s:o}", "action", action_to_json(a));

	buf_init(&x->body, HTTP_BODY_MAX);
	json_canonical(j, &x->body);
	return buf_ok(&x->body);
}

void evm_relay_put(struct evm_relay *r, const struct action *a, const struct hash *id)
{
	struct relayed *x;
	struct hash none = {{0}};
	struct err e;

	if (evm_relay_has(r, id))
		return;
	x = r->n < EVM_RELAYED_MAX ? calloc(1, sizeof *x) : NULL;
	if (!x) {
		FAIL(&e, BUSY, "%zu actions are on their way to the relay", r->n);
		r->o.told(r->o.ctx, id, LEDGER_DROPPED, false, &none, &e);
		return;
	}
	*x = (struct relayed){.r = r, .id = *id, .next = r->first, .at = &r->first};
	if (x->next)
		x->next->at = &x->next;
	r->first = x;
	r->n++;
	if (write_body(x, a)) {
		call(x);
		return;
	}
	FAIL(&e, TOO_LARGE, "an action of more than %u bytes", HTTP_BODY_MAX);
	drop(x, &e);
}

/* ---- life ------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

bool evm_relay_new(const struct evm_relay_options *o, struct evm_relay **out, struct err *e)
{
	struct evm_relay *r;

	if (!o->url[0] || strlen(o->url) > URL_MAX)
		return FAIL(e, CONFIG, "ledger.relay must be a URL of at most %d bytes", URL_MAX);
	r = calloc(1, sizeof *r);
	if (!r)
		return FAIL(e, MEMORY, "no memory for a relay");
	r->o = *o;
	snprintf(r->url, sizeof r->url, "%s", o->url);
	r->o.url = r->url;
	uv_timer_init(o->loop, &r->look);
	r->look.data = r;
	uv_timer_start(&r->look, on_look, LOOK_MS, LOOK_MS);
	*out = r;
	return true;
}

struct evm_relay *evm_relay_free(struct evm_relay *r)
{
	if (!r)
		return NULL;
	while (r->first) {
		if (r->first->busy)
			http_client_cancel(r->o.client, r->first->call);
		relayed_free(r->first);
	}
	uv_close((uv_handle_t *)&r->look, on_closed);
	return NULL;
}
