/* cases.c - what a mediator tells: its terms, its queue, and to the parties of a deal the case and the trees
 * that it judged (protocol 6.8, 9.3). */
#include "codec/hex.h"
#include "codec/json.h"
#include "mediator/mediator_own.h"

enum { ROUTE_INFO, ROUTE_STATUS, ROUTE_CASES, ROUTE_CASE, ROUTE_TREE };

/* clang-format off */
const struct route mediator_routes[] = {
	[ROUTE_INFO]   = {"GET", "/v1/info",         AUTH_NONE,    BODY_NONE, 0, "{account, version, engines, fee}: what it rules on, and for how much"},
	[ROUTE_STATUS] = {"GET", "/v1/status",       AUTH_NONE,    BODY_NONE, 0, "disputes that wait and run, how the others ended, earnings"},
	[ROUTE_CASES]  = {"GET", "/v1/cases",        AUTH_NONE,    BODY_NONE, 0, "every dispute with its state and its ruling, 1000 at once in order of id; ?after=DEAL"},
	[ROUTE_CASE]   = {"GET", "/v1/cases/{deal}", AUTH_REQUEST, BODY_NONE, 0, "for the job creator, the provider and the mediator itself: documents, own run, ruling, and the difference that decides"},
	[ROUTE_TREE]   = {"GET", "/v1/trees/{root}", AUTH_REQUEST, BODY_NONE, 0, "an output that was judged, the provider's or that of the own run, as CAR: for the job creator and the provider of its deal"},
};
/* clang-format on */
const size_t mediator_routes_n = COUNT(mediator_routes);

/* ---- info ------------------------------------------------------------------------------------------------ */

static bool get_info(struct mediator *m, const struct event *ev, struct effects *fx, struct err *e)
{
	json_t *engines = json_array();

	(void)e;
	if (m->c.engine[0])
		json_array_append_new(engines, json_string(m->c.engine));
	fx_reply(fx, ev->request->conn, 200,
	        json_pack("{s:o, s:s, s:o, s:o}", "account", json_of_addr(&m->world->signer.addr),
	                "version", m->c.version ? m->c.version : "", "engines", engines, "fee",
	                json_of_amount(m->c.fee)));
	return true;
}

/* Disputes that are not answered; idle: of those only the ones whose job does not run. */
static unsigned unanswered(const struct mediator *m, bool idle)
{
	const void *key;
	unsigned n = 0;
	void *val;

	for (size_t i = 0; map_next(&m->disputes, &i, &key, &val);) {
		const struct dispute *k = *(struct dispute **)val;

		n += k->c.state <= CASE_RAN && !(idle && k->running);
	}
	return n;
}

void mediator_metrics(void *mediator, struct buf *out)
{
	const struct mediator *m = mediator;
	const struct {
		const char *name;
		const char *type;
		const char *help;
		uint64_t v;
	} rows[] = {
	        {"cases_total", "counter", "Disputes that name this mediator.", m->totals.cases},
	        {"ruled_total", "counter", "Disputes that ended by its verdict.", m->totals.ruled},
	        {"passed_total", "counter", "Disputes that it passed.", m->totals.passed},
	        {"missed_total", "counter", "Disputes that ended without it.", m->totals.missed},
	        {"unanswered_cases", "gauge", "Disputes that wait or run.", unanswered(m, false)},
	        {"running_jobs", "gauge", "Jobs that are run again now.", m->running},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		buf_fmt(out,
		        "# HELP lilypad_mediator_%s %s\n# TYPE lilypad_mediator_%s %s\nlilypad_mediator_%s %llu\n",
		        rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
		        (unsigned long long)rows[i].v);
}

static bool get_status(
        struct mediator *m, const struct event *ev, struct effects *fx, struct err *e)
{
	const struct mediator_totals *t = &m->totals;
	(void)e;
	fx_reply(fx, ev->request->conn, 200,
	        json_pack("{s:o, s:I, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:o}", "account",
	                json_of_addr(&m->world->signer.addr), "upSeconds",
	                (json_int_t)((ev->wall.ms - m->started.ms) / 1000), "running",
	                (int)m->running, "parallel", (int)m->c.parallel, "waiting",
	                (int)unanswered(m, true), "queue", (int)m->c.queue, "cases",
	                (json_int_t)t->cases, "ruled", (json_int_t)t->ruled, "passed",
	                (json_int_t)t->passed, "missed", (json_int_t)t->missed, "earned",
	                json_of_amount(t->earned)));
	return true;
}

/* ---- cases ----------------------------------------------------------------------------------------------- */

static json_t *summary(struct mediator *m, const struct mediator_case *c)
{
	const struct dispute *k = dispute_get(m, &c->id);
	const char *state = k && k->running ? "RUNNING" : sm_name(&case_states, c->state);

	return json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:o}", "id",
	        json_of_hash(&c->id), "state", state, "ledger",
	        c->ledger ? sm_name(&deal_states, c->ledger) : "", "created",
	        (json_int_t)c->created.s, "checked", (json_int_t)c->checked.s, "deadline",
	        (json_int_t)c->deadline.s, "ruling",
	        c->ruling ? enum_name(&ruling_names, c->ruling) : "", "why", c->why, "earned",
	        json_of_amount(c->earned));
}

enum { CASES_MAX = 1000 };

struct listing {
	struct mediator *m;
	struct hash after;
	json_t *list;
	bool more;
};

static bool add_case(void *ctx, const void *row)
{
	const struct mediator_case *c = row;
	struct listing *l = ctx;

	if (hash_cmp(&c->id, &l->after) <= 0)
		return true;
	l->more = json_array_size(l->list) == CASES_MAX;
	if (!l->more)
		json_array_append_new(l->list, summary(l->m, c));
	return !l->more;
}

static bool get_cases(struct mediator *m, const struct event *ev, struct effects *fx, struct err *e)
{
	json_t *list OWN(json_own) = json_array();
	struct listing l = {.m = m, .list = list};
	struct store *s = &m->world->store;
	struct str value, key = str_cut(ev->request->query, '=', &value);

	if (str_is(key, "after"))
		TRY(hash_parse(value, &l.after, e), e);
	else if (key.n)
		return FAIL(e, RANGE, "unknown query %.*s; there is after", STR_ARG(key));
	TRY(s->each(s->self, mediator_case_record(), NULL, NULL, add_case, &l, e), e);
	fx_reply(fx, ev->request->conn, 200,
	        json_pack("{s:O, s:b}", "cases", list, "more", (int)l.more));
	return true;
}

/* A case with its documents, unfinished or over. */
static bool find(struct mediator *m, const struct hash *id, struct dispute *out, struct err *e)
{
	const struct dispute *k = dispute_get(m, id);
	struct store *s = &m->world->store;
	char text[HASH_TEXT_MAX];

	if (k) {
		*out = *k;
		return true;
	}
	out->c.id = out->a.id = *id;
	if (!s->get(s->self, mediator_case_record(), &out->c, e)) {
		if (e->code != E_NOT_FOUND)
			return false;
		hash_format(id, text);
		return FAIL(e, NOT_FOUND, "there was no dispute about deal %s here", text);
	}
	TRY(case_file_read(m, id, &out->f, e), e);
	return s->get(s->self, mediator_answer_record(), &out->a, e) || e->code == E_NOT_FOUND;
}

static bool is_party(const struct dispute *k, const struct addr *who)
{
	return k->f.jc_sig.n &&
	       (addr_eq(&k->f.deal.hot.job_creator, who) || addr_eq(&k->f.deal.hot.provider, who));
}

static void add_documents(const struct dispute *k, json_t *j)
{
	const struct case_file *f = &k->f;

	if (f->jc_sig.n) {
		json_object_set_new(j, "deal", record_to_json(deal_record(), &f->deal));
		json_object_set_new(j, "jobCreatorSignature", json_of_sig(&f->jc_sig));
		json_object_set_new(j, "providerSignature", json_of_sig(&f->rp_sig));
	}
	if (f->has_result) {
		json_object_set_new(j, "result", record_to_json(result_record(), &f->result));
		json_object_set_new(j, "signature", json_of_sig(&f->result_sig));
	}
	if (f->stored_sig.n) {
		json_object_set_new(j, "stored", record_to_json(stored_record(), &f->stored));
		json_object_set_new(j, "storedSignature", json_of_sig(&f->stored_sig));
	}
}

static json_t *json_of_tree(const struct hash *digest)
{
	struct cid cid = cid_tree(digest);
	char text[CID_TEXT_MAX] = "";

	if (!hash_is_zero(digest))
		cid_format(&cid, text);
	return json_string(text);
}

static json_t *difference_json(const struct mediator_case *c)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "kind",
	        difference_name((enum difference_kind)c->diff_kind), "path", c->diff_path, "offset",
	        json_of_u64(c->diff_offset), "ownBytes", json_of_u64(c->diff_own), "providerBytes",
	        json_of_u64(c->diff_other));
}

static void add_findings(const struct dispute *k, json_t *j)
{
	const struct mediator_case *c = &k->c;

	json_object_set_new(j, "provider",
	        json_pack("{s:s, s:o, s:o, s:o}", "status", enum_name(&status_names, c->status),
	                "count", json_of_u64(c->count), "bytes", json_of_u64(c->bytes), "output",
	                json_of_tree(&c->tree)));
	if (c->ran) {
		json_object_set_new(j, "run",
		        json_pack("{s:s, s:o, s:o, s:o, s:o, s:I}", "status",
		                enum_name(&status_names, c->own_status), "count",
		                json_of_u64(c->own_count), "bytes",
		                json_of_u64(
		                        ruling_bytes(c->own_status, c->input_bytes, c->own_bytes)),
		                "output", json_of_tree(&c->own_tree), "outputBytes",
		                json_of_u64(c->own_bytes), "wallMicroseconds",
		                (json_int_t)c->wall_us));
		json_object_set_new(j, "dueBytes", json_of_u64(c->due_bytes));
	}
	if (c->diff_kind)
		json_object_set_new(j, "difference", difference_json(c));
	if (k->a.sig.n && !k->a.passed)
		json_object_set_new(j, "verdict", record_to_json(verdict_record(), &k->a.verdict));
	if (k->a.sig.n)
		json_object_set_new(j, k->a.passed ? "passSignature" : "verdictSignature",
		        json_of_sig(&k->a.sig));
}

static bool get_case(struct mediator *m, const struct event *ev, struct effects *fx, struct err *e)
{
	const struct http_req *r = ev->request;
	struct dispute *k = ARENA_NEW(fx->arena, struct dispute);
	char who[ADDR_TEXT_MAX];
	struct hash id;
	json_t *j;

	assert(k);
	TRY(hash_parse(r->params[0], &id, e), e);
	TRY(find(m, &id, k, e), e);
	addr_format(&r->account, who);
	if (!is_party(k, &r->account) && !addr_eq(&r->account, &m->world->signer.addr))
		return FAIL(e, FORBIDDEN, "%s is no party of that deal", who);
	j = summary(m, &k->c);
	add_documents(k, j);
	add_findings(k, j);
	fx_reply(fx, r->conn, 200, j);
	return true;
}

/* ---- trees ----------------------------------------------------------------------------------------------- */

struct search {
	struct mediator *m;
	struct dispute *k; /* scratch */
	const struct addr *who;
	bool known, found;
};

static bool look(void *ctx, const void *row)
{
	const struct mediator_case *c = row;
	struct search *s = ctx;
	struct err e;

	s->known = true;
	s->found = find(s->m, &c->id, s->k, &e) && is_party(s->k, s->who);
	return !s->found;
}

/* Is it an output of a case of the caller's, by either column? */
static bool search(struct search *s, const char *column, const struct hash *root, struct err *e)
{
	const struct record *r = mediator_case_record();
	struct mediator_case row = {.tree = *root, .own_tree = *root};
	struct store *st = &s->m->world->store;

	if (s->found)
		return true;
	TRY(st->each(st->self, r, record_field(r, str_of(column)), &row, look, s, e), e);
	return true;
}

static bool get_tree(struct mediator *m, const struct event *ev, struct effects *fx, struct err *e)
{
	const struct http_req *r = ev->request;
	struct blobs *b = &m->world->blobs;
	struct search s = {.m = m, .k = ARENA_NEW(fx->arena, struct dispute), .who = &r->account};
	struct cid root;
	struct fx *f;

	assert(s.k);
	TRY(cid_parse(r->params[0], &root, e), e);
	if (root.codec == CID_DAG_PB && !hash_is_zero(&root.digest)) {
		TRY(search(&s, "tree", &root.digest, e), e);
		TRY(search(&s, "ownTree", &root.digest, e), e);
	}
	if (!s.known || !b->has(b->self, &root))
		return FAIL(e, NOT_FOUND, "%.*s is no output that was judged here",
		        STR_ARG(r->params[0]));
	if (!s.found)
		return FAIL(e, FORBIDDEN, "only the parties of its deal may read that output");
	f = fx_add(fx, FX_GIVE_TREE, (struct tag){0});
	f->conn = r->conn;
	f->root = root;
	return true;
}

/* ---- routes ---------------------------------------------------------------------------------------------- */

void mediator_on_request(struct mediator *m, const struct event *ev, struct effects *fx)
{
	static bool (*const handlers[])(struct mediator *, const struct event *, struct effects *,
	        struct err *) = {[ROUTE_INFO] = get_info,
	        [ROUTE_STATUS] = get_status,
	        [ROUTE_CASES] = get_cases,
	        [ROUTE_CASE] = get_case,
	        [ROUTE_TREE] = get_tree};
	struct err e;

	assert(ev->request->route < COUNT(handlers));
	if (!handlers[ev->request->route](m, ev, fx, &e))
		fx_reply_err(fx, ev->request->conn, &e);
}
