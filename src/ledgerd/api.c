/* api.c - the routes of the embedded ledger, and what can be read. */
#include "codec/hex.h"
#include "codec/json.h"
#include "ledgerd/ledgerd_own.h"

enum {
	R_ACTIONS,
	R_ADVANCE,
	R_ACCOUNT,
	R_DEAL,
	R_DEALS,
	R_CHANNEL,
	R_EVENTS,
	R_CLOCK,
	R_PAGE,
	R_BLOCK,
	R_ACTION,
	R_GENESIS,
	R_HEAD
};

/* clang-format off */
const struct route ledgerd_routes[] = {
	[R_ACTIONS] = {"POST", "/v1/actions",            AUTH_NONE, BODY_JSON, HTTP_BODY_MAX, "submit an action, or {\"actions\": […]}: they become one block"},
	[R_ADVANCE] = {"POST", "/v1/clock",              AUTH_NONE, BODY_JSON, 1024,          "test ledgers: {\"advance\": seconds}"},
	[R_ACCOUNT] = {"GET",  "/v1/accounts/{account}", AUTH_NONE, BODY_NONE, 0,             "balances of an account; account zero is the sink"},
	[R_DEAL]    = {"GET",  "/v1/agreements/{deal}",  AUTH_NONE, BODY_NONE, 0,             "a deal on the ledger"},
	[R_DEALS]   = {"GET",  "/v1/agreements",         AUTH_NONE, BODY_NONE, 0,             "the deal of ?jobCreator= with ?nonce="},
	[R_CHANNEL] = {"GET",  "/v1/channels/{channel}", AUTH_NONE, BODY_NONE, 0,             "a channel: its sums, vouchers and whether it is being left"},
	[R_EVENTS]  = {"GET",  "/v1/events",             AUTH_NONE, BODY_NONE, 0,             "stream of `event`, after ?cursor=, of one ?account=, or of all and with `clock`"},
	[R_CLOCK]   = {"GET",  "/v1/clock",              AUTH_NONE, BODY_NONE, 0,             "stream of `clock`: block time as it moves on"},
	[R_PAGE]    = {"GET",  "/v1/events/page",        AUTH_NONE, BODY_NONE, 0,             "events from the journal: ?after=, at most ?limit=, of one ?account= or all; go on at `next` until it is `last`"},
	[R_BLOCK]   = {"GET",  "/v1/blocks/{number}",    AUTH_NONE, BODY_NONE, 0,             "a signed block with its actions and events"},
	[R_ACTION]  = {"GET",  "/v1/actions/{action}",   AUTH_NONE, BODY_NONE, 0,             "an action with its event and the proof that it is in a block"},
	[R_GENESIS] = {"GET",  "/v1/genesis",            AUTH_NONE, BODY_NONE, 0,             "the constants of the ledger"},
	[R_HEAD]    = {"GET",  "/v1/head",               AUTH_NONE, BODY_NONE, 0,             "the newest block, and the last event's seq"},
};
/* clang-format on */
const size_t ledgerd_routes_n = COUNT(ledgerd_routes);

/* ---- queries ------------------------------------------------------------------------------------ */

static bool query_u64(struct str query, const char *key, uint64_t max, uint64_t *out, struct err *e)
{
	struct str s;

	query_find(query, key, &s);
	if (s.n == 0 || str_u64(s, max, out))
		return true;
	return FAIL(e, RANGE, "%s is \"%.*s\", no number up to %llu", key,
	        (int)MIN2(s.n, (size_t)40), s.p, (unsigned long long)max);
}

/* Zero when it is not there. */
static bool query_addr(struct str query, const char *key, struct addr *out, struct err *e)
{
	struct str s;

	query_find(query, key, &s);
	*out = (struct addr){{0}};
	if (s.n == 0 || addr_parse(s, out, e))
		return true;
	err_prefix(e, "%s: ", key);
	return false;
}

/* ---- state -------------------------------------------------------------------------------------- */

static bool on_account(
        struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	struct ledger_account a;
	struct addr who;

	TRY(addr_parse(r->params[0], &who, e), e);
	ledger_account(d->l, &who, ledgerd_now(d), &a);
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:b}",
	                "account", json_of_addr(&who), "free", json_of_amount(a.free), "locked",
	                json_of_amount(a.locked), "withdrawing", json_of_amount(a.withdrawing),
	                "channels", json_of_amount(a.channels), "withdrawAt",
	                (json_int_t)a.withdraw_at.s, "payout", json_of_addr(&a.payout),
	                "nextPayout", json_of_addr(&a.next_payout), "payoutAt",
	                (json_int_t)a.payout_at.s, "sendNonce", json_of_u64(a.send_nonce),
	                "nextJobNonce", json_of_u64(a.job_nonce), "stake", json_of_amount(a.stake),
	                "paused", (int)a.paused));
	return true;
}

static json_t *deal_json(const struct agreement *d)
{
	json_t *j = json_pack("{s:o, s:s, s:I, s:I, s:o}", "deal", json_of_hash(&d->id), "state",
	        sm_name(&deal_states, d->state), "since", (json_int_t)d->since.s, "deadline",
	        (json_int_t)d->deadline.s, "block", json_of_u64(d->block));

	json_object_set_new(j, "jobCreator", json_of_addr(&d->jc));
	json_object_set_new(j, "provider", json_of_addr(&d->rp));
	json_object_set_new(j, "solver", json_of_addr(&d->solver));
	json_object_set_new(j, "author", json_of_addr(&d->author));
	json_object_set_new(j, "mediator", json_of_addr(&d->mediator));
	json_object_set_new(j, "channel", json_of_hash(&d->channel));
	json_object_set_new(j, "nonce", json_of_u64(d->nonce));
	json_object_set_new(j, "result", json_of_hash(&d->result));
	json_object_set_new(
	        j, "status", json_string(d->status ? enum_name(&status_names, d->status) : ""));
	json_object_set_new(j, "count", json_of_u64(d->count));
	json_object_set_new(j, "bytes", json_of_u64(d->bytes));
	json_object_set_new(j, "cost", json_of_amount(d->cost));
	json_object_set_new(j, "paid", json_of_amount(d->paid));
	json_object_set_new(j, "jobCreatorLock", json_of_amount(d->jc_lock));
	json_object_set_new(j, "providerLock", json_of_amount(d->rp_lock));
	return j;
}

static bool on_deal(struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	const struct agreement *a;
	struct hash id;

	TRY(hash_parse(r->params[0], &id, e), e);
	a = ledger_agreement(d->l, &id);
	if (!a)
		return FAIL(e, NOT_FOUND, "deal %.*s is not on this ledger", STR_ARG(r->params[0]));
	fx_reply(fx, r->conn, 200, deal_json(a));
	return true;
}

static bool on_deals(struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	const struct agreement *a;
	uint64_t nonce = 0;
	struct addr jc;

	TRY(query_addr(r->query, "jobCreator", &jc, e), e);
	TRY(query_u64(r->query, "nonce", UINT64_MAX, &nonce, e), e);
	a = ledger_agreement_of(d->l, &jc, nonce);
	if (!a)
		return FAIL(e, NOT_FOUND,
		        "the ledger has no deal of that job creator with nonce %llu",
		        (unsigned long long)nonce);
	fx_reply(fx, r->conn, 200, deal_json(a));
	return true;
}

static json_t *channel_json(const struct ledger_channel *c)
{
	json_t *j = json_pack("{s:o, s:o, s:o, s:o, s:s, s:b, s:I}", "channel",
	        json_of_hash(&c->id), "jobCreator", json_of_addr(&c->jc), "provider",
	        json_of_addr(&c->rp), "serial", json_of_u64(c->serial), "kind",
	        enum_name(&channel_kind_names, c->kind), "closed", (int)c->closed, "closeAt",
	        (json_int_t)c->close_at.s);

	json_object_set_new(j, "jobSum", json_of_amount(c->job));
	json_object_set_new(j, "providerSum", json_of_amount(c->provider));
	json_object_set_new(j, "jobCreatorLock", json_of_amount(c->job_lock));
	json_object_set_new(j, "providerLock", json_of_amount(c->rp_lock));
	json_object_set_new(j, "paid", json_of_amount(c->paid));
	json_object_set_new(j, "floor", json_of_u64(c->floor));
	json_object_set_new(j, "claims", json_of_u64(c->claims));
	return j;
}

static bool on_channel(
        struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	const struct ledger_channel *c;
	struct hash id;

	TRY(hash_parse(r->params[0], &id, e), e);
	c = ledger_channel(d->l, &id);
	if (!c)
		return FAIL(
		        e, NOT_FOUND, "channel %.*s is not on this ledger", STR_ARG(r->params[0]));
	fx_reply(fx, r->conn, 200, channel_json(c));
	return true;
}

json_t *ledgerd_head_json(const struct ledgerd *d)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:I}", "block",
	        record_to_json(block_record(), &d->head), "hash", json_of_hash(&d->head_hash),
	        "signature", d->head_sig.n ? json_of_sig(&d->head_sig) : json_null(), "seq",
	        json_of_u64(ledger_seq(d->l)), "time", (json_int_t)d->head.time.s);
}

static bool on_head(struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	(void)e;
	fx_reply(fx, r->conn, 200, ledgerd_head_json(d));
	return true;
}

static bool on_genesis(
        struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	(void)e;
	fx_reply(fx, r->conn, 200, record_to_json(genesis_record(), ledger_genesis(d->l)));
	return true;
}

/* ---- events ------------------------------------------------------------------------------------- */

static bool on_events(
        struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	struct addr who;
	struct fx *f;

	(void)d;
	TRY(query_addr(r->query, "account", &who, e), e);
	f = fx_add(fx, FX_STREAM, (struct tag){0});
	f->conn = r->conn;
	f->id = r->cursor;
	if (!addr_is_zero(&who))
		f->topics[0] = account_topic(&who);
	return true;
}

static bool on_clock(struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	struct fx *f = fx_add(fx, FX_STREAM, (struct tag){0});

	(void)d, (void)e;
	f->conn = r->conn;
	f->topics[0] = ledgerd_clock_topic();
	/* Times have no cursors: from now on. */
	f->id = ledger_seq(d->l);
	return true;
}

static bool concerns(const struct journal_action *row, const struct addr *who)
{
	for (uint32_t i = 0; i < row->concerned.n; i++) {
		if (addr_eq(&row->concerned.v[i], who))
			return true;
	}
	return addr_is_zero(who);
}

/* Texts are stored as they are answered; putting them side by side saves reading and writing them. */
static void reply_text(struct effects *fx, struct conn_id conn, struct buf *b)
{
	struct fx *f = fx_add(fx, FX_REPLY, (struct tag){0});

	assert(buf_ok(b));
	f->conn = conn;
	f->status = 200;
	f->body = (struct bytes){arena_copy(fx->arena, b->p, b->n), b->n};
	assert(f->body.p);
}

/* Look-ups by key: a page reads no more than it looks at. */
static bool on_page(struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	uint64_t after = 0, limit = LEDGERD_PAGE_MAX, last = ledger_seq(d->l), seq;
	const struct journal_action *row;
	struct buf b OWN(buf_done);
	const char *comma = "";
	struct addr who;

	buf_init(&b, LEDGERD_PAGE_MAX * sizeof row->event + 256);
	TRY(query_u64(r->query, "after", UINT64_MAX, &after, e), e);
	TRY(query_u64(r->query, "limit", LEDGERD_PAGE_MAX, &limit, e), e);
	TRY(query_addr(r->query, "account", &who, e), e);
	buf_z(&b, "{\"events\":[");
	for (seq = after; seq < last && seq - after < limit; seq++) {
		TRY(journal_by_seq(d, seq + 1, &row, e), e);
		if (concerns(row, &who)) {
			buf_fmt(&b, "%s%s", comma, row->event);
			comma = ",";
		}
	}
	buf_fmt(&b, "],\"last\":\"%llu\",\"next\":\"%llu\",\"time\":%llu}",
	        (unsigned long long)last, (unsigned long long)seq,
	        (unsigned long long)d->head.time.s);
	reply_text(fx, r->conn, &b);
	return true;
}

/* ---- blocks ------------------------------------------------------------------------------------- */

/* A further event of an action has no action of its own. NOT_FOUND, IO: of the store. */
static bool entry_json(struct ledgerd *d, const struct journal_action *row, struct arena *arena,
        json_t **out, struct err *e)
{
	json_t *action = NULL, *event = NULL;
	struct str text;
	struct err why;
	bool ok = true;

	TRY(journal_text(d, row, arena, &text, e), e);
	if (text.n)
		ok = json_parse(text, &action, &why);
	ok = ok && json_parse(str_of(row->event), &event, &why);
	assert(ok); /* the journal was replayed, or written by this process */
	*out = json_pack("{s:o, s:o, s:o, s:s}", "id", json_of_hash(&row->id), "action",
	        action ? action : json_null(), "event", event, "stage", "final");
	return true;
}

static bool on_block(struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	struct journal_block b = {0};
	const struct journal_action *row;
	json_t *list OWN(json_own) = json_array();
	uint64_t number;
	json_t *item;

	if (!str_u64(r->params[0], UINT64_MAX, &number))
		return FAIL(e, RANGE, "\"%.*s\" is no block number",
		        (int)MIN2(r->params[0].n, (size_t)40), r->params[0].p);
	TRY(journal_block_get(d, number, &b, e), e);
	for (uint32_t i = 0; i < b.actions; i++) {
		TRY(journal_by_seq(d, b.first_seq + i, &row, e), e);
		TRY(entry_json(d, row, fx->arena, &item, e), e);
		json_array_append_new(list, item);
	}
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:o, s:O}", "block", record_to_json(block_record(), &b.block),
	                "signature", json_of_sig(&b.sig), "actions", list));
	return true;
}

/* 8.1: a proof is the signed header and the path. */
static bool on_action(
        struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	const struct journal_action *row;
	json_t *out OWN(json_own) = NULL;
	struct proof p;
	json_t *proof;
	struct hash id;

	TRY(hash_parse(r->params[0], &id, e), e);
	TRY(journal_by_id(d, &id, &row, e), e);
	TRY(entry_json(d, row, fx->arena, &out, e), e);
	TRY(journal_prove(d, row->block, row->seq, fx->arena, &p, e), e);
	proof = proof_to_json(&p);
	json_object_update(out, proof);
	json_decref(proof);
	fx_reply(fx, r->conn, 200, json_incref(out));
	return true;
}

/* ---- dispatch ----------------------------------------------------------------------------------- */

typedef bool reader(struct ledgerd *d, const struct http_req *r, struct effects *fx, struct err *e);

void ledgerd_on_request(struct ledgerd *d, const struct event *ev, struct effects *fx)
{
	static reader *const readers[] = {[R_ACCOUNT] = on_account,
	        [R_DEAL] = on_deal,
	        [R_DEALS] = on_deals,
	        [R_CHANNEL] = on_channel,
	        [R_EVENTS] = on_events,
	        [R_CLOCK] = on_clock,
	        [R_PAGE] = on_page,
	        [R_BLOCK] = on_block,
	        [R_ACTION] = on_action,
	        [R_GENESIS] = on_genesis,
	        [R_HEAD] = on_head};
	const struct http_req *r = ev->request;
	struct err e;

	assert(r->route < COUNT(readers));
	if (r->route == R_ACTIONS)
		ledgerd_on_actions(d, r, fx);
	else if (r->route == R_ADVANCE)
		ledgerd_on_clock(d, r, fx);
	else if (!readers[r->route](d, r, fx, &e))
		fx_reply_err(fx, r->conn, &e);
}
