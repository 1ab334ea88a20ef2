/* api.c - the routes of the embedded ledger. */
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/merkle.h"
#include "ledgerd/ledgerd_own.h"
#include "port/action_json.h"

enum { R_ACTIONS, R_ACCOUNT, R_DEAL, R_EVENTS, R_PAGE, R_BLOCK, R_ACTION, R_GENESIS, R_HEAD, R_CLOCK };

const struct route ledgerd_routes[] = {
	[R_ACTIONS] = {"POST", "/v1/actions", AUTH_NONE, BODY_JSON, HTTP_BODY_MAX, "submit actions: one, or {\"actions\": […]}"},
	[R_ACCOUNT] = {"GET", "/v1/accounts/{account}", AUTH_NONE, BODY_NONE, 0, "balances of an account"},
	[R_DEAL] = {"GET", "/v1/agreements/{deal}", AUTH_NONE, BODY_NONE, 0, "state of a deal"},
	[R_EVENTS] = {"GET", "/v1/events", AUTH_NONE, BODY_NONE, 0, "stream of events, of one account with ?account="},
	[R_PAGE] = {"GET", "/v1/events/page", AUTH_NONE, BODY_NONE, 0, "events after ?after=, at most ?limit="},
	[R_BLOCK] = {"GET", "/v1/blocks/{number}", AUTH_NONE, BODY_NONE, 0, "a signed block header"},
	[R_ACTION] = {"GET", "/v1/actions/{action}", AUTH_NONE, BODY_NONE, 0, "an action with its event and what proves it"},
	[R_GENESIS] = {"GET", "/v1/genesis", AUTH_NONE, BODY_NONE, 0, "the constants"},
	[R_HEAD] = {"GET", "/v1/head", AUTH_NONE, BODY_NONE, 0, "the newest block"},
	[R_CLOCK] = {"POST", "/v1/clock", AUTH_NONE, BODY_JSON, 1024, "test ledgers: {\"advance\": seconds}"},
};
const size_t ledgerd_routes_n = COUNT(ledgerd_routes);

/* ---- events ----------------------------------------------------------------------------------------- */

static void add_topic(struct fx *f, const struct addr *a)
{
	struct hash t = account_topic(a);

	if (addr_is_zero(a))
		return;
	for (size_t i = 0; i < COUNT(f->topics); i++) {
		if (hash_eq(&f->topics[i], &t))
			return;
		if (hash_is_zero(&f->topics[i])) {
			f->topics[i] = t;
			return;
		}
	}
}

void ledgerd_emit(struct ledgerd *d, const struct sealed *s, struct effects *fx)
{
	struct fx *f = fx_add(fx, FX_EMIT, (struct tag){0});
	struct ledger_deal deal;

	f->name = "event";
	f->id = s->event.seq;
	f->body = s->text;
	if (ledger_deal(d->l, &s->event.deal, &deal)) {
		add_topic(f, &deal.job_creator);
		add_topic(f, &deal.provider);
	}
	add_topic(f, &s->event.account);
	for (uint32_t i = 0; i < s->event.changes_n; i++)
		add_topic(f, &s->event.changes[i].account);
}

void ledgerd_emit_clock(struct ledgerd *d, struct effects *fx)
{
	struct fx *f = fx_add(fx, FX_EMIT, (struct tag){0});

	f->name = "clock";
	f->body = fx_json(fx, json_pack("{s:I, s:o}", "time", (json_int_t)d->head.time.s, "block",
		json_of_u64(d->head.number)));
}

/* ---- submitting ------------------------------------------------------------------------------------- */

static struct bytes canonical(const json_t *j, struct arena *a)
{
	struct buf b OWN(buf_done);

	buf_init(&b, HTTP_BODY_MAX);
	json_canonical(j, &b);
	return bytes_of(arena_copy(a, b.p, b.n), b.n);
}

/* One action: applied, put aside for the block; its line of the answer. */
static json_t *submit_one(struct ledgerd *d, const json_t *j, struct sealed *s, size_t *n,
	struct effects *fx)
{
	struct action *a = ARENA_NEW(fx->arena, struct action);
	struct ledger_event ev;
	struct hash id;
	struct err e;

	assert(a);
	if (!action_from_json(j, a, &e))
		return json_pack("{s:s, s:o}", "stage", "dropped", "error", err_to_json(&e));
	action_id(a, &id);
	if (!ledger_apply(d->l, a, ledgerd_now(d), &ev, &e))
		return json_pack("{s:s, s:o, s:o}", "stage", "dropped", "id", json_of_hash(&id), "error",
			err_to_json(&e));
	if (ev.action == 0)
		return json_pack("{s:s, s:o, s:b}", "stage", "final", "id", json_of_hash(&id), "repeated", 1);
	s[*n] = (struct sealed){.id = id, .event = ev};
	json_t *again = action_to_json(a);
	s[*n].action = canonical(again, fx->arena);
	json_decref(again);
	++*n;
	return json_pack("{s:s, s:o}", "stage", "final", "id", json_of_hash(&id));
}

static void on_actions(struct ledgerd *d, const struct http_req *r, struct effects *fx)
{
	json_t *j OWN(json_own) = NULL;
	const json_t *list, *item;
	struct sealed *s;
	json_t *out;
	size_t i, n = 0, count;
	struct err e;

	if (!json_parse(bytes_str(r->body), &j, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	list = json_object_get(j, "actions");
	count = json_is_array(list) ? json_array_size(list) : 1;
	if (count > LEDGERD_BATCH_MAX) {
		FAIL(&e, TOO_LARGE, "%zu actions in one request; at most %d", count, LEDGERD_BATCH_MAX);
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	s = arena_alloc(fx->arena, (count + 1) * sizeof *s);
	assert(s);
	out = json_array();
	if (json_is_array(list)) {
		json_array_foreach (list, i, item)
			json_array_append_new(out, submit_one(d, item, s, &n, fx));
	} else {
		json_array_append_new(out, submit_one(d, j, s, &n, fx));
	}
	if (n > 0 && !journal_seal(d, s, n, fx->arena, &e)) {
		/* The state in memory is ahead of the journal: only a restart makes them equal again. */
		log_line(&d->world->log, LOG_BROKEN, "block not sealed: %s", e.msg);
		fx_add(fx, FX_EXIT, (struct tag){0})->status = err_exit(e.code);
		json_decref(out);
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	fx_reply(fx, r->conn, 202, json_pack("{s:o, s:I}", "results", out, "time",
		(json_int_t)ledgerd_now(d).s));
	for (i = 0; i < n; i++)
		ledgerd_emit(d, &s[i], fx);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static json_t *account_json(struct ledgerd *d, const struct addr *who)
{
	struct ledger_account a;

	ledger_account(d->l, who, &a);
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:b, s:b}", "account",
		json_of_addr(who), "free", json_of_amount(a.free), "locked", json_of_amount(a.locked),
		"withdrawing", json_of_amount(a.withdrawing), "withdrawAt", (json_int_t)a.withdraw_at.s, "payout",
		json_of_addr(&a.payout), "sendNonce", json_of_u64(a.send_nonce), "stake",
		json_of_amount(a.stake), "unbonding", json_of_amount(a.unbonding), "mediator", (int)a.mediator,
		"paused", (int)a.paused);
}

static json_t *deal_json(const struct hash *id, const struct ledger_deal *s)
{
	return json_pack("{s:o, s:s, s:I, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "deal", json_of_hash(id),
		"state", sm_name(&deal_states, s->state), "deadline", (json_int_t)s->deadline.s, "jobCreator",
		json_of_addr(&s->job_creator), "provider", json_of_addr(&s->provider), "nonce",
		json_of_u64(s->nonce), "result", json_of_hash(&s->result), "status",
		s->status ? enum_name(&status_names, s->status) : "", "count", json_of_u64(s->count), "bytes",
		json_of_u64(s->bytes), "cost", json_of_amount(s->cost));
}

static json_t *head_json(struct ledgerd *d)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:I}", "block", record_to_json(block_record(), &d->head),
		"hash", json_of_hash(&d->head_hash), "signature",
		d->head_sig.n ? json_of_sig(&d->head_sig) : json_null(), "seq", json_of_u64(d->seq), "time",
		(json_int_t)ledgerd_now(d).s);
}

static void on_account(struct ledgerd *d, const struct http_req *r, struct effects *fx)
{
	struct addr who;
	struct err e;

	if (!addr_parse(r->params[0], &who, &e))
		fx_reply_err(fx, r->conn, &e);
	else
		fx_reply(fx, r->conn, 200, account_json(d, &who));
}

static void on_deal(struct ledgerd *d, const struct http_req *r, struct effects *fx)
{
	struct ledger_deal s;
	struct hash id;
	struct err e;

	if (!hash_parse(r->params[0], &id, &e)) {
		fx_reply_err(fx, r->conn, &e);
	} else if (!ledger_deal(d->l, &id, &s)) {
		FAIL(&e, NOT_FOUND, "the ledger knows no deal %.*s", STR_ARG(r->params[0]));
		fx_reply_err(fx, r->conn, &e);
	} else {
		fx_reply(fx, r->conn, 200, deal_json(&id, &s));
	}
}

/* The value of key in a query "a=1&b=2", or empty. */
static struct str query_get(struct str query, const char *key)
{
	while (query.n) {
		struct str value;
		struct str pair = str_cut(query, '&', &query);
		struct str name = str_cut(pair, '=', &value);

		if (str_is(name, key))
			return value;
	}
	return (struct str){"", 0};
}

static void on_events(const struct http_req *r, struct effects *fx)
{
	struct str account = query_get(r->query, "account");
	struct addr who = {{0}};
	struct err e;
	struct fx *f;

	if (account.n && !addr_parse(account, &who, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	f = fx_add(fx, FX_STREAM, (struct tag){0});
	f->conn = r->conn;
	f->id = r->cursor;
	if (account.n)
		f->topics[0] = account_topic(&who);
}

struct page {
	json_t  *list;
	uint64_t after, limit;
};

static bool add_event(void *ctx, const void *vrow)
{
	const struct journal_action *row = vrow;
	struct page *p = ctx;
	json_t *j;
	struct err e;

	if (json_parse(str_of(row->event), &j, &e))
		json_array_append_new(p->list, j);
	return true;
}

/* Straight look-ups by key: a page must not read the whole journal. */
static void on_page(struct ledgerd *d, const struct http_req *r, struct effects *fx)
{
	struct page p = {.limit = LEDGERD_PAGE_MAX};
	struct journal_action *row = calloc(1, sizeof *row);
	struct store *s = &d->world->store;
	struct err e;

	assert(row);
	if (!str_u64(query_get(r->query, "after"), UINT64_MAX, &p.after))
		p.after = 0;
	if (!str_u64(query_get(r->query, "limit"), LEDGERD_PAGE_MAX, &p.limit))
		p.limit = LEDGERD_PAGE_MAX;
	p.list = json_array();
	for (uint64_t seq = p.after + 1; seq <= d->seq && seq - p.after <= p.limit; seq++) {
		row->seq = seq;
		if (s->get(s->self, journal_action_record(), row, &e))
			add_event(&p, row);
	}
	free(row);
	fx_reply(fx, r->conn, 200, json_pack("{s:o, s:o, s:I}", "events", p.list, "last", json_of_u64(d->seq),
		"time", (json_int_t)ledgerd_now(d).s));
}

static void on_block(struct ledgerd *d, const struct http_req *r, struct effects *fx)
{
	struct journal_block row = {0};
	struct store *s = &d->world->store;
	struct err e;

	if (!str_u64(r->params[0], UINT64_MAX, &row.number))
		FAIL(&e, RANGE, "\"%.*s\" is no block number", STR_ARG(r->params[0]));
	else if (s->get(s->self, journal_block_record(), &row, &e)) {
		fx_reply(fx, r->conn, 200, json_pack("{s:o, s:o, s:i}", "block",
			record_to_json(block_record(), &row.block), "signature", json_of_sig(&row.sig), "actions",
			(int)row.actions));
		return;
	}
	fx_reply_err(fx, r->conn, &e);
}

struct find {
	struct journal_action *row;
	bool                   found;
};

static bool found(void *ctx, const void *vrow)
{
	struct find *f = ctx;

	*f->row = *(const struct journal_action *)vrow;
	f->found = true;
	return false;
}

struct leaves {
	struct hash leaf[LEDGERD_BATCH_MAX];
	size_t      n;
};

static bool add_leaf(void *ctx, const void *vrow)
{
	const struct journal_action *row = vrow;
	struct leaves *l = ctx;

	if (l->n < COUNT(l->leaf))
		journal_leaf(&row->id, str_bytes(str_of(row->event)), &l->leaf[l->n++]);
	return true;
}

static json_t *path_json(const struct merkle_path *p)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < p->n; i++)
		json_array_append_new(list, json_of_hash(&p->siblings[i]));
	return json_pack("{s:I, s:I, s:o}", "index", (json_int_t)p->index, "count", (json_int_t)p->count,
		"siblings", list);
}

/* 8.1: a proof is the signed header and the path. */
static bool prove(struct ledgerd *d, const struct journal_action *row, struct effects *fx, json_t **out,
	struct err *e)
{
	struct journal_block b = {.number = row->block};
	struct leaves *l = ARENA_NEW(fx->arena, struct leaves);
	struct hash scratch[LEDGERD_BATCH_MAX];
	struct store *s = &d->world->store;
	struct merkle_path path;
	json_t *action, *event;

	assert(l);
	TRY(s->get(s->self, journal_block_record(), &b, e), e);
	TRY(s->each(s->self, journal_action_record(), record_field(journal_action_record(), STR("block")), row,
		    add_leaf, l, e),
		e);
	merkle_prove(l->leaf, l->n, (size_t)(row->seq - b.first_seq), scratch, &path);
	TRY(json_parse(str_of(row->action), &action, e), e);
	TRY(json_parse(str_of(row->event), &event, e), e);
	*out = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", json_of_hash(&row->id), "action", action,
		"event", event, "block", record_to_json(block_record(), &b.block), "signature",
		json_of_sig(&b.sig), "path", path_json(&path));
	return true;
}

static void on_action(struct ledgerd *d, const struct http_req *r, struct effects *fx)
{
	struct journal_action *row = calloc(1, sizeof *row);
	struct find f = {.row = row};
	struct store *s = &d->world->store;
	json_t *out;
	struct err e;
	bool ok = row && hash_parse(r->params[0], &row->id, &e) &&
		s->each(s->self, journal_action_record(), record_field(journal_action_record(), STR("id")), row,
			found, &f, &e);

	if (ok && !f.found)
		ok = FAIL(&e, NOT_FOUND, "no block holds the action %.*s", STR_ARG(r->params[0]));
	if (ok && prove(d, row, fx, &out, &e))
		fx_reply(fx, r->conn, 200, out);
	else
		fx_reply_err(fx, r->conn, &e);
	free(row);
}

static void on_clock(struct ledgerd *d, const struct http_req *r, struct effects *fx)
{
	json_t *j OWN(json_own) = NULL;
	uint64_t s;
	struct err e;

	if (!d->g.test) {
		FAIL(&e, FORBIDDEN, "only a test ledger has a clock that is set by hand");
	} else if (json_parse(bytes_str(r->body), &j, &e) && json_get_u64(j, "advance", &s, &e)) {
		d->time_ms += MIN2(s, (uint64_t)10 * 365 * 86400) * 1000;
		if (journal_seal(d, NULL, 0, fx->arena, &e)) {
			fx_reply(fx, r->conn, 200, head_json(d));
			ledgerd_emit_clock(d, fx);
			return;
		}
	}
	fx_reply_err(fx, r->conn, &e);
}

void ledgerd_on_request(struct ledgerd *d, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;

	switch (r->route) {
	case R_ACTIONS: on_actions(d, r, fx); break;
	case R_ACCOUNT: on_account(d, r, fx); break;
	case R_DEAL: on_deal(d, r, fx); break;
	case R_EVENTS: on_events(r, fx); break;
	case R_PAGE: on_page(d, r, fx); break;
	case R_BLOCK: on_block(d, r, fx); break;
	case R_ACTION: on_action(d, r, fx); break;
	case R_GENESIS:
		fx_reply(fx, r->conn, 200, record_to_json(genesis_record(), &d->g));
		break;
	case R_HEAD: fx_reply(fx, r->conn, 200, head_json(d)); break;
	case R_CLOCK: on_clock(d, r, fx); break;
	default: assert(!"a route without a function");
	}
}
