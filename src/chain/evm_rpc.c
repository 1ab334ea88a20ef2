/* evm_rpc.c - a question goes from endpoint to endpoint until one answers. Of each endpoint the chain id and
 * then the first block are asked for first, by a question that waits. */
#include "chain/evm_rpc.h"

#include <stdio.h>
#include <stdlib.h>

#include "chain/evm_json.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"

enum {
	REST_FIRST_MS = 500,
	REST_MAX_MS = 30000,
	NAME_BYTES = 80,
	LIMIT_EXCEEDED = -32005 /* EIP-1474 */
};

enum trust { UNKNOWN, TRUSTED, FOREIGN };

struct endpoint {
	char url[URL_MAX + 1];
	char name[NAME_BYTES];
	enum trust trust;
	struct mono rests_until;
	struct span rest;
	struct err why; /* it rests, or is foreign */
};

struct question {
	struct evm_rpc *r;
	struct question *next, **at;
	struct http_handle call;
	uv_timer_t soon;
	unsigned tried, endpoint;
	enum step { ASK_ID, ASK_GENESIS, ASK } step;
	char method[40];
	json_t *params;
	evm_done done;
	void *ctx;
	struct err last;
};

struct evm_rpc {
	struct evm_rpc_options o;
	struct endpoint ends[EVM_ENDPOINTS_MAX];
	unsigned n, current;
	struct question *questions;
	uint64_t id;
};

/* ---- endpoints ---------------------------------------------------------------------------------- */

static bool add_url(struct evm_rpc *r, struct str url, struct err *e)
{
	struct endpoint *p = &r->ends[r->n];
	struct str rest, shown;

	if (r->n == EVM_ENDPOINTS_MAX)
		return FAIL(
		        e, CONFIG, "ledger.rpc names more than %d endpoints", EVM_ENDPOINTS_MAX);
	if (url.n > URL_MAX || (!str_starts(url, "http://") && !str_starts(url, "https://"))) {
		FAIL(e, CONFIG, "ledger.rpc has \"%.*s\", which is no URL",
		        (int)MIN2(url.n, (size_t)80), url.p);
		return err_hint(e, "like http://127.0.0.1:8545");
	}
	str_keep(p->url, sizeof p->url, url);
	/* Providers put keys into paths and user names: only scheme and host are ever shown. */
	rest = (struct str){strstr(p->url, "://") + 3, 0};
	rest.n = strlen(rest.p);
	shown = str_cut(rest, '/', &rest);
	if (memchr(shown.p, '@', shown.n))
		(void)str_cut(shown, '@', &shown);
	snprintf(p->name, sizeof p->name, "%.8s%.*s",
	        str_starts(url, "https") ? "https://" : "http://", (int)MIN2(shown.n, (size_t)64),
	        shown.p);
	p->rest = span_ms(REST_FIRST_MS);
	r->n++;
	return true;
}

static bool add_urls(struct evm_rpc *r, const char *text, struct err *e)
{
	struct str rest = str_of(text);

	while (rest.n) {
		size_t n = strcspn(rest.p, ", ");
		struct str url = {rest.p, MIN2(n, rest.n)};

		if (url.n)
			TRY(add_url(r, url, e), e);
		n = MIN2(url.n + 1, rest.n);
		rest = (struct str){rest.p + n, rest.n - n};
	}
	if (r->n == 0) {
		FAIL(e, CONFIG, "ledger.rpc is empty: no node of the chain is known");
		return err_hint(e, "like http://127.0.0.1:8545, several with commas");
	}
	return true;
}

static void let_rest(struct evm_rpc *r, unsigned which, const struct err *why)
{
	struct endpoint *p = &r->ends[which];

	p->why = *why;
	p->rests_until = mono_plus(clock_mono(), p->rest);
	p->rest = span_ms(MIN2(p->rest.ms * 2, (int64_t)REST_MAX_MS));
	if (p->trust == TRUSTED)
		p->trust = UNKNOWN; /* what comes back is asked who it is */
	if (r->current == which)
		r->current = (which + 1) % r->n;
}

/* The one in use, or the next that does not rest; with all of them resting, the one in use. One of another chain is
 * not tried while it rests. */
static bool choose(const struct evm_rpc *r, unsigned tried, unsigned *out)
{
	struct mono now = clock_mono();

	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < r->n; i++) {
			unsigned k = (r->current + i) % r->n;
			const struct endpoint *p = &r->ends[k];

			bool rests = p->rests_until.ns > now.ns;

			if (tried >> k & 1 || (rests && (pass == 0 || p->trust == FOREIGN)))
				continue;
			/* All rest: one of them is tried all the same, not each of them. */
			if (pass == 1 && tried)
				return false;
			*out = k;
			return true;
		}
	}
	return false;
}

void evm_rpc_distrust(struct evm_rpc *r, const char *why)
{
	struct err e;

	FAIL(&e, PEER, "%s: %s", r->ends[r->current].name, why);
	if (r->n > 1)
		let_rest(r, r->current, &e);
}

unsigned evm_rpc_endpoints(const struct evm_rpc *r)
{
	return r->n;
}

const char *evm_rpc_name(const struct evm_rpc *r, unsigned endpoint)
{
	return r->ends[endpoint % r->n].name;
}

/* ---- questions ---------------------------------------------------------------------------------- */

static void question_unlink(struct question *q)
{
	*q->at = q->next;
	if (q->next)
		q->next->at = q->at;
	q->at = &q->next;
	q->next = NULL;
}

static void on_closed(uv_handle_t *h)
{
	struct question *q = h->data;

	json_decref(q->params);
	free(q);
}

static void question_free(struct question *q)
{
	question_unlink(q);
	uv_close((uv_handle_t *)&q->soon, on_closed);
}

static void answer(struct question *q, const struct evm_answer *a)
{
	evm_done done = q->done;
	void *ctx = q->ctx;

	question_free(q);
	done(ctx, a);
}

static void give_up(struct question *q)
{
	struct evm_answer a = {.err = q->last};

	if (a.err.code == E_NONE) {
		/* All of them are foreign: the first says of what chain it is. */
		a.err = q->r->ends[0].why;
	}
	answer(q, &a);
}

static void ask(struct question *q);

static void try_next(struct question *q, const struct err *why)
{
	q->last = *why;
	let_rest(q->r, q->endpoint, why);
	q->tried |= 1u << q->endpoint;
	ask(q);
}

/* ---- answers ------------------------------------------------------------------------------------ */

static bool is_foreign(struct question *q, const json_t *result, struct err *e)
{
	const struct evm_rpc_options *o = &q->r->o;
	char have[HASH_TEXT_MAX], want[HASH_TEXT_MAX];
	struct evm_header first;
	uint64_t id;

	if (q->step == ASK_ID) {
		if (!evm_read_quantity(result, &id, e))
			return false;
		if (o->chain_id && id != o->chain_id)
			FAIL(e, WRONG_LEDGER, "the node at %s is of chain %llu, ours is chain %llu",
			        q->r->ends[q->endpoint].name, (unsigned long long)id,
			        (unsigned long long)o->chain_id);
		return o->chain_id && id != o->chain_id;
	}
	if (!evm_read_header(result, &first, e))
		return false;
	if (hash_is_zero(&o->genesis) || hash_eq(&first.hash, &o->genesis))
		return false;
	hash_format(&first.hash, have);
	hash_format(&o->genesis, want);
	FAIL(e, WRONG_LEDGER, "the node at %s has the first block %s, our chain %llu has %s",
	        q->r->ends[q->endpoint].name, have, (unsigned long long)o->chain_id, want);
	return true;
}

/* The answer to a question about the endpoint itself. */
static void on_identity(struct question *q, const json_t *result)
{
	struct endpoint *p = &q->r->ends[q->endpoint];
	struct err e = {0};

	if (is_foreign(q, result, &e)) {
		p->trust = FOREIGN;
		p->rest = span_ms(REST_MAX_MS); /* then it is asked once more who it is */
		try_next(q, &e);
		return;
	}
	if (e.code) {
		try_next(q, &e);
		return;
	}
	if (q->step == ASK_ID) {
		q->step = ASK_GENESIS;
	} else {
		p->trust = TRUSTED;
		q->step = ASK;
	}
	ask(q);
}

/* An error of the node's own: of the question, or of the node. */
static void on_error(struct question *q, const json_t *error)
{
	struct evm_answer a = {.refused = true, .endpoint = q->endpoint};
	const json_t *data = json_object_get(error, "data");
	struct str text = str_within(json_text_of(json_object_get(error, "message")), 300);
	long long code = json_number(error, "code");
	struct buf revert OWN(buf_done) = {0};
	struct err ignored;

	buf_init(&revert, EVM_REVERT_MAX);
	FAIL(&a.err, PEER, "the node at %s says: %.*s", q->r->ends[q->endpoint].name,
	        STR_ARG(text));
	if (code == LIMIT_EXCEEDED || q->step != ASK) {
		try_next(q, &a.err);
		return;
	}
	if (json_is_object(data))
		data = json_object_get(data, "data");
	a.reverted = code == 3 || memmem(text.p, text.n, "revert", 6);
	if (a.reverted && json_is_string(data) && evm_read_data(data, &revert, &ignored))
		a.revert = buf_bytes(&revert);
	answer(q, &a);
}

/* What went wrong on the way, under the endpoint's name: its URL may hold a secret. */
static void unreached(const struct endpoint *p, const struct err *why, struct err *e)
{
	const char *at = strstr(why->msg, ": ");
	char text[ERR_MSG_MAX];

	snprintf(text, sizeof text, "%.300s", at ? at + 2 : "it does not answer");
	*e = *why;
	err_set(e, why->code, why->sys, __FILE__, __LINE__, "the node at %s: %s", p->name, text);
}

/* A node shows what a contract said, byte by byte: a NUL in it is no text to our reader, and no reason to lose the
 * answer. */
static bool parse_answer(struct bytes body, json_t **out, struct err *e)
{
	struct buf text OWN(buf_done) = {0};

	if (json_parse(bytes_str(body), out, e))
		return true;
	buf_init(&text, EVM_ANSWER_MAX);
	buf_put(&text, body.p, body.n);
	for (size_t i = 0; buf_ok(&text) && i < text.n; i++) {
		if (text.p[i] == '\0')
			text.p[i] = '?';
		if (text.p[i] != '\\')
			continue;
		if (text.n - i > 5 && memcmp(text.p + i, "\\u0000", 6) == 0)
			memcpy(text.p + i, "\\u003f", 6);
		i++; /* a backslash may stand behind one */
	}
	return buf_ok(&text) && json_parse(buf_view(&text), out, e);
}

static void on_http(void *ctx, const struct http_answer *h)
{
	struct question *q = ctx;
	struct endpoint *p = &q->r->ends[q->endpoint];
	json_t *j OWN(json_own) = NULL;
	const json_t *result, *error;
	struct evm_answer a;
	struct err e;

	q->call.v = 0;
	if (!h->ok) {
		unreached(p, &h->err, &e);
		try_next(q, &e);
		return;
	}
	/* Some nodes put errors into answers with a status of 4xx. */
	if (!parse_answer(h->body, &j, &e) || !json_is_object(j)) {
		FAIL(&e, PEER, "the node at %s answered (%d) with something that is no JSON-RPC",
		        p->name, h->status);
		try_next(q, &e);
		return;
	}
	result = json_object_get(j, "result");
	error = json_object_get(j, "error");
	if (json_is_object(error)) {
		on_error(q, error);
	} else if (!result || h->status >= 400) {
		FAIL(&e, PEER, "the node at %s answered (%d) without a result", p->name, h->status);
		try_next(q, &e);
	} else if (q->step != ASK) {
		on_identity(q, result);
	} else {
		p->rest = span_ms(REST_FIRST_MS);
		a = (struct evm_answer){.ok = true, .result = result, .endpoint = q->endpoint};
		answer(q, &a);
	}
}

/* ---- asking ------------------------------------------------------------------------------------- */

static json_t *request_of(struct question *q)
{
	q->r->id++;
	switch (q->step) {
	case ASK_ID:
		return json_pack("{s:s, s:I, s:s, s:[]}", "jsonrpc", "2.0", "id",
		        (json_int_t)q->r->id, "method", "eth_chainId", "params");
	case ASK_GENESIS:
		return json_pack("{s:s, s:I, s:s, s:[s,b]}", "jsonrpc", "2.0", "id",
		        (json_int_t)q->r->id, "method", "eth_getBlockByNumber", "params", "0x0", 0);
	case ASK: break;
	}
	return json_pack("{s:s, s:I, s:s, s:O}", "jsonrpc", "2.0", "id", (json_int_t)q->r->id,
	        "method", q->method, "params", q->params);
}

static void ask(struct question *q)
{
	struct http_call call = {.method = "POST",
	        .done = on_http,
	        .ctx = q,
	        .answer_max = EVM_ANSWER_MAX,
	        .deadline = span_s(EVM_CALL_S)};
	struct buf body OWN(buf_done) = {0};
	enum trust trust;
	json_t *j;
	unsigned k;

	if (!choose(q->r, q->tried, &k)) {
		give_up(q);
		return;
	}
	trust = q->r->ends[k].trust;
	if (k != q->endpoint || q->step == ASK)
		q->step = trust == TRUSTED ? ASK : ASK_ID;
	q->endpoint = k;
	j = request_of(q);
	buf_init(&body, EVM_ANSWER_MAX);
	json_canonical(j, &body);
	json_decref(j);
	call.url = q->r->ends[k].url;
	call.body = buf_bytes(&body);
	if (buf_ok(&body))
		q->call = http_client_call(q->r->o.client, &call);
	if (q->call.v == 0) {
		FAIL(&q->last, MEMORY, "no memory to ask the chain");
		give_up(q);
	}
}

static void on_soon(uv_timer_t *t)
{
	ask(t->data);
}

bool evm_rpc_call(struct evm_rpc *r, const char *method, json_t *params, evm_done done, void *ctx)
{
	struct question *q = calloc(1, sizeof *q);

	if (!params)
		params = json_array();
	if (!q || !params) {
		free(q);
		json_decref(params);
		return false;
	}
	*q = (struct question){.r = r,
	        .params = params,
	        .done = done,
	        .ctx = ctx,
	        .step = ASK,
	        .endpoint = EVM_ENDPOINTS_MAX};
	snprintf(q->method, sizeof q->method, "%s", method);
	q->next = r->questions;
	q->at = &r->questions;
	if (q->next)
		q->next->at = &q->next;
	r->questions = q;
	uv_timer_init(r->o.loop, &q->soon);
	q->soon.data = q;
	uv_timer_start(&q->soon, on_soon, 0, 0);
	return true;
}

/* ---- life --------------------------------------------------------------------------------------- */

bool evm_rpc_new(const struct evm_rpc_options *o, struct evm_rpc **out, struct err *e)
{
	struct evm_rpc *r = calloc(1, sizeof *r);

	if (!r)
		return FAIL(e, MEMORY, "no memory for the chain's endpoints");
	r->o = *o;
	if (!add_urls(r, o->urls, e)) {
		free(r);
		err_note(e, __FILE__, __LINE__);
		return false;
	}
	r->o.urls = NULL;
	*out = r;
	return true;
}

struct evm_rpc *evm_rpc_free(struct evm_rpc *r)
{
	if (!r)
		return NULL;
	while (r->questions) {
		http_client_cancel(r->o.client, r->questions->call);
		question_free(r->questions);
	}
	free(r);
	return NULL;
}

/* ---- waiting ------------------------------------------------------------------------------------ */

struct waited {
	bool over, ok;
	json_t *result;
	struct err err;
};

static void on_waited(void *ctx, const struct evm_answer *a)
{
	struct waited *w = ctx;

	w->over = true;
	w->ok = a->ok;
	w->err = a->err;
	if (a->ok)
		w->result = json_deep_copy(a->result);
}

static bool wait_for(uv_loop_t *loop, const struct evm_rpc_options *o, const char *method,
        json_t *params, struct waited *w, struct err *e)
{
	struct evm_rpc_options mine = *o;
	struct evm_rpc *r;
	bool ok;

	mine.loop = loop;
	if (!http_client_new(loop, NULL, &mine.client, e)) {
		json_decref(params);
		return false;
	}
	ok = evm_rpc_new(&mine, &r, e);
	if (ok) {
		ok = evm_rpc_call(r, method, params, on_waited, w);
		if (!ok)
			FAIL(e, MEMORY, "no memory to ask the chain");
		while (ok && !w->over && uv_run(loop, UV_RUN_ONCE))
			;
		evm_rpc_free(r);
	} else {
		json_decref(params);
	}
	http_client_free(mine.client);
	uv_run(loop, UV_RUN_DEFAULT);
	return ok;
}

bool evm_ask(const struct evm_rpc_options *o, const char *method, json_t *params, json_t **result,
        struct err *e)
{
	struct waited w = {0};
	uv_loop_t loop;
	bool ok;

	if (uv_loop_init(&loop) != 0) {
		json_decref(params);
		return FAIL(e, IO, "no event loop");
	}
	ok = wait_for(&loop, o, method, params, &w, e);
	uv_loop_close(&loop);
	TRY(ok, e);
	if (!w.ok) {
		*e = w.err;
		return false;
	}
	*result = w.result;
	return true;
}
