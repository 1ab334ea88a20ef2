/* lists.c - what a solver shows of itself as a whole: book, offers, deals, readiness. */
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "solver/solver_own.h"

enum { PAGE = 50, PAGE_MAX = 100, CLEARINGS = 20, BOOK_PAGE = 1000, BOOK_PAGE_MAX = 10000 };

/* More deals of one account are not looked at when they are listed. */
#define DEALS_OF_ACCOUNT_MAX 10000u

/* ---- queries ------------------------------------------------------------------------------------------ */

struct page {
	bool by_account;
	struct addr account;
	uint64_t offset, limit;
};

static bool take_part(
        struct str key, struct str value, uint64_t most, struct page *p, struct err *e)
{
	if (str_is(key, "account")) {
		p->by_account = true;
		return addr_parse(value, &p->account, e);
	}
	if (str_is(key, "offset"))
		return str_u64(value, UINT32_MAX, &p->offset) ||
		       FAIL(e, RANGE, "offset is %.*s, which is no number", STR_ARG(value));
	if (str_is(key, "limit"))
		return (str_u64(value, most, &p->limit) && p->limit > 0) ||
		       FAIL(e, RANGE, "limit is %.*s; it must be 1 to %llu", STR_ARG(value),
		               (unsigned long long)most);
	return FAIL(
	        e, RANGE, "unknown query %.*s; there are account, offset and limit", STR_ARG(key));
}

static bool read_page(
        const struct http_req *r, uint64_t usual, uint64_t most, struct page *p, struct err *e)
{
	struct str rest = r->query;

	*p = (struct page){.limit = usual};
	while (rest.n) {
		struct str value;
		struct str key = str_cut(str_cut(rest, '&', &rest), '=', &value);

		if (key.n)
			TRY(take_part(key, value, most, p, e), e);
	}
	return true;
}

/* ---- resource offers ---------------------------------------------------------------------------------- */

struct listing {
	struct solver *s;
	struct page p;
	json_t *list;
};

static int by_id(const void *a, const void *b)
{
	return hash_cmp(a, b);
}

static json_t *capacity_json(const struct resources *c)
{
	return json_pack("{s:I, s:o, s:o, s:i}", "cpu", (json_int_t)c->cpu, "ram",
	        json_of_u64(c->ram), "disk", json_of_u64(c->disk), "gpus", (int)c->gpus);
}

/* The open resource offers, of one account or all, in order of id. They are in memory: the store has all that
 * ever were. */
static bool collect_open(struct listing *l, struct arena *arena, struct hash **out, size_t *n)
{
	struct resource_offer offer;
	const void *key;
	void *val;
	size_t max;

	*n = book_size(l->s->book).resources;
	*out = arena_alloc(arena, (*n + 1) * sizeof **out);
	if (!*out)
		return false;
	max = *n;
	*n = 0;
	for (size_t i = 0; map_next(&l->s->offers, &i, &key, &val) && *n < max;) {
		const struct open_offer *o = val;

		if (o->kind != OFFER_RESOURCE)
			continue;
		offer_resource(o, &offer);
		if (!l->p.by_account || addr_eq(&offer.provider, &l->p.account))
			(*out)[(*n)++] = *(const struct hash *)key;
	}
	qsort(*out, *n, sizeof **out, by_id);
	return true;
}

static void list_resource(struct listing *l, const struct hash *id)
{
	struct open_offer *o = offer_find(l->s, id);
	struct solver_offer row = {.id = *id};
	struct resource_offer offer;
	struct resources left = {0};

	if (!o || !book_free_capacity(l->s->book, id, &left) ||
	        !solver_get(l->s, solver_offer_record(), &row))
		return;
	offer_resource(o, &offer);
	json_array_append_new(
	        l->list, json_pack("{s:o, s:o, s:I, s:o, s:o}", "id", json_of_hash(id), "sequence",
	                         json_of_u64(row.sequence), "acknowledged", (json_int_t)row.time.s,
	                         "left", capacity_json(&left), "offer",
	                         record_to_json(resource_offer_record(), &offer)));
}

void view_resource_offers(struct solver *s, const struct event *ev, struct effects *fx)
{
	struct listing l = {.s = s};
	struct hash *ids;
	struct err e;
	size_t n;

	if (!read_page(ev->request, PAGE, PAGE_MAX, &l.p, &e)) {
		fx_reply_err(fx, ev->request->conn, &e);
		return;
	}
	if (!collect_open(&l, fx->arena, &ids, &n)) {
		FAIL(&e, MEMORY, "no memory for a list of %zu offers", s->offers.n);
		fx_reply_err(fx, ev->request->conn, &e);
		return;
	}
	l.list = json_array();
	for (size_t i = l.p.offset; i < n && json_array_size(l.list) < l.p.limit; i++)
		list_resource(&l, &ids[i]);
	fx_reply(fx, ev->request->conn, 200, json_pack("{s:o}", "offers", l.list));
}

/* ---- clearings ---------------------------------------------------------------------------------------- */

static json_t *clearing_json(struct solver *s, uint64_t n)
{
	struct solver_clearing row = {.n = n};
	json_t *pairs = json_array(), *j;
	bool there = solver_get(s, solver_clearing_record(), &row);

	assert(there);
	j = record_to_json(solver_clearing_record(), &row);
	for (uint32_t i = 0; i < row.pairs; i++) {
		struct solver_cleared pair = {.clearing = n, .n = i};

		there = solver_get(s, solver_cleared_record(), &pair);
		assert(there);
		json_array_append_new(pairs, record_to_json(solver_cleared_record(), &pair));
	}
	json_object_set_new(j, "bids", pairs);
	return j;
}

void view_clearings(struct solver *s, const struct event *ev, struct effects *fx)
{
	struct page p;
	struct err e;
	json_t *list;

	if (!read_page(ev->request, CLEARINGS, CLEARINGS, &p, &e)) {
		fx_reply_err(fx, ev->request->conn, &e);
		return;
	}
	list = json_array();
	for (uint64_t i = p.offset; i < s->clearings && i < p.offset + p.limit; i++)
		json_array_append_new(list, clearing_json(s, s->clearings - i));
	fx_reply(fx, ev->request->conn, 200,
	        json_pack("{s:o, s:o}", "clearings", list, "total", json_of_u64(s->clearings)));
}

/* ---- deals -------------------------------------------------------------------------------------------- */

/* What anybody may know: parties, state, times and cost; never a content id. */
static void add_deal(struct solver *s, const struct hash *id, json_t *list)
{
	struct solver_deal d = {.id = *id};
	struct solver_step step = {.id = *id};

	if (!deal_read(s, &d) || !step_read(s, &step))
		return;
	json_array_append_new(list,
	        json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:I, s:I, s:o}", "id",
	                json_of_hash(&d.id), "jobCreator", json_of_addr(&d.job_creator), "provider",
	                json_of_addr(&d.provider), "module", json_of_hash(&d.deal.cold.module),
	                "jobOffer", json_of_hash(&d.deal.cold.job_offer), "state",
	                sm_name(&match_states, step.state), "ledger",
	                step.ledger ? sm_name(&deal_states, step.ledger) : "", "matchedMs",
	                (json_int_t)step.matched_ms, "endMs", (json_int_t)step.end_ms, "cost",
	                json_of_amount(step.cost)));
}

struct made {
	struct hash id;
	uint64_t ms;
};
struct collecting {
	struct solver *s;
	struct made *v;
	size_t n;
};

static bool collect(void *ctx, const void *vrow)
{
	const struct solver_deal *d = vrow;
	struct collecting *c = ctx;
	struct solver_step step = {.id = d->id};

	if (step_read(c->s, &step))
		c->v[c->n++] = (struct made){d->id, step.matched_ms};
	return c->n < DEALS_OF_ACCOUNT_MAX;
}

static int newest_first(const void *a, const void *b)
{
	const struct made *x = a, *y = b;

	return x->ms != y->ms ? (x->ms < y->ms ? 1 : -1) : hash_cmp(&x->id, &y->id);
}

/* An account is job creator in some deals and provider in others. */
static bool deals_of(
        struct solver *s, const struct page *p, json_t *list, struct effects *fx, struct err *e)
{
	const struct record *r = solver_deal_record();
	struct store *st = &s->world->store;
	struct solver_deal like = {.job_creator = p->account, .provider = p->account};
	struct collecting c = {.s = s};

	c.v = arena_alloc(fx->arena, DEALS_OF_ACCOUNT_MAX * sizeof *c.v);
	if (!c.v)
		return FAIL(e, MEMORY, "no memory for a list of deals");
	TRY(st->each(st->self, r, record_field(r, STR("jobCreator")), &like, collect, &c, e), e);
	if (c.n < DEALS_OF_ACCOUNT_MAX)
		TRY(st->each(st->self, r, record_field(r, STR("provider")), &like, collect, &c, e),
		        e);
	qsort(c.v, c.n, sizeof *c.v, newest_first);
	for (uint64_t i = p->offset; i < c.n && i - p->offset < p->limit; i++)
		add_deal(s, &c.v[i].id, list);
	return true;
}

static void deals_of_all(struct solver *s, const struct page *p, json_t *list)
{
	for (uint64_t i = p->offset; i < s->made && i - p->offset < p->limit; i++) {
		struct solver_made row = {.n = s->made - i};

		if (solver_get(s, solver_made_record(), &row))
			add_deal(s, &row.deal, list);
	}
}

void view_deals(struct solver *s, const struct event *ev, struct effects *fx)
{
	json_t *list = json_array();
	struct page p;
	struct err e;
	bool ok = read_page(ev->request, PAGE, PAGE_MAX, &p, &e);

	if (ok && p.by_account)
		ok = deals_of(s, &p, list, fx, &e);
	else if (ok)
		deals_of_all(s, &p, list);
	if (ok) {
		fx_reply(fx, ev->request->conn, 200,
		        json_pack("{s:o, s:o}", "count", json_of_u64(s->made), "deals", list));
		return;
	}
	json_decref(list);
	fx_reply_err(fx, ev->request->conn, &e);
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static bool root_json(struct solver *s, json_t *j, struct err *e)
{
	struct hash root;

	if (!roster_root(&s->roster, &root))
		return FAIL(e, MEMORY, "no memory for the book's root");
	json_object_set_new(j, "sequence", json_of_u64(s->roster.last));
	json_object_set_new(j, "root", json_of_hash(&root));
	return true;
}

void view_offers(struct solver *s, const struct event *ev, struct effects *fx)
{
	struct book_size n = book_size(s->book);
	json_t *j = json_pack("{s:i, s:i, s:i, s:i, s:i}", "jobOffers", (int)n.jobs, "waiting",
	        (int)n.waiting, "taken", (int)n.taken, "resourceOffers", (int)n.resources, "deals",
	        (int)n.holds);
	struct err e;

	if (root_json(s, j, &e)) {
		fx_reply(fx, ev->request->conn, 200, j);
		return;
	}
	json_decref(j);
	fx_reply_err(fx, ev->request->conn, &e);
}

void view_book(struct solver *s, const struct event *ev, struct effects *fx)
{
	json_t *j = json_object(), *list = json_array();
	struct page p;
	struct err e;

	json_object_set_new(j, "offers", list);
	if (!read_page(ev->request, BOOK_PAGE, BOOK_PAGE_MAX, &p, &e) || !root_json(s, j, &e)) {
		json_decref(j);
		fx_reply_err(fx, ev->request->conn, &e);
		return;
	}
	/* After its root was made, the roster has no gaps. */
	for (uint64_t i = p.offset; i < s->roster.n && i - p.offset < p.limit; i++)
		json_array_append_new(
		        list, json_pack("{s:o, s:o}", "id", json_of_hash(&s->roster.lines[i].id),
		                      "sequence", json_of_u64(s->roster.lines[i].sequence)));
	json_object_set_new(j, "count", json_integer((json_int_t)s->roster.n));
	fx_reply(fx, ev->request->conn, 200, j);
}

/* 9.5: whoever has an old store takes the higher of these and its own. */
void view_account(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct solver_seen row = {.job = 0};
	struct err e;

	if (!addr_parse(r->params[0], &row.account, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	if (!solver_get(s, solver_seen_record(), &row))
		row.job = row.resource = 0;
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:o, s:o}", "account", json_of_addr(&row.account), "jobNonce",
	                json_of_u64(row.job), "resourceNonce", json_of_u64(row.resource)));
}

void view_info(struct solver *s, const struct event *ev, struct effects *fx)
{
	fx_reply(fx, ev->request->conn, 200,
	        json_pack("{s:o, s:o, s:o, s:o, s:I, s:b, s:s}", "account",
	                json_of_addr(&s->world->signer.addr), "domain", json_of_hash(&s->c.domain),
	                "lastEvent", json_of_u64(s->last_event), "ledgerEvent",
	                json_of_u64(s->ledger_cursor), "ledgerTime", (json_int_t)s->ledger_time.s,
	                "ready", solver_caught_up(s, ev), "role", "solver"));
}

void view_ready(struct solver *s, const struct event *ev, struct effects *fx)
{
	struct err e;

	if (solver_caught_up(s, ev)) {
		fx_reply(fx, ev->request->conn, 200, json_pack("{s:b}", "ready", 1));
		return;
	}
	FAIL(&e, BUSY, "the ledger has not been read up to the present");
	fx_reply_err(fx, ev->request->conn, &e);
}

void view_events(struct solver *s, const struct event *ev, struct effects *fx)
{
	const struct http_req *r = ev->request;
	struct fx *f;

	(void)s;
	f = fx_add(fx, FX_STREAM, (struct tag){0});
	f->conn = r->conn;
	f->id = r->cursor;
	f->topics[0] = addr_is_zero(&r->account) ? public_topic() : account_topic(&r->account);
}
