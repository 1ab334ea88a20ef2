/* upload.c - trees that come in: private uploads, published ones, and outputs, for which the directory
 * signs (protocol 6.8). */
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "directory/directory_own.h"

static const struct addr nobody;
static const struct hash no_deal;

/* ---- accounts ---------------------------------------------------------------------------------------- */

static bool account_get(const struct directory *d, const struct addr *who,
        struct directory_account *out, struct err *e)
{
	const struct store *s = &d->world->store;

	*out = (struct directory_account){.account = *who};
	if (s->get(s->self, directory_account_record(), out, e) || e->code == E_NOT_FOUND)
		return true;
	return false;
}

static bool account_put(struct directory *d, const struct directory_account *a, struct err *e)
{
	struct store *s = &d->world->store;

	if (a->trees)
		TRY(s->put(s->self, directory_account_record(), a, e), e);
	else
		TRY(s->del(s->self, directory_account_record(), a, e), e);
	return true;
}

bool grant_drop(struct directory *d, const struct directory_grant *g, struct err *e)
{
	struct store *s = &d->world->store;
	struct directory_account a;

	TRY(s->del(s->self, directory_grant_record(), g, e), e);
	d->garbage = true;
	if (addr_is_zero(&g->account))
		return true;
	TRY(account_get(d, &g->account, &a, e), e);
	a.used -= MIN2(a.used, g->bytes);
	a.trees -= a.trees ? 1 : 0;
	TRY(account_put(d, &a, e), e);
	return true;
}

/* What the account may still store. The operator's trees are not counted. */
static bool room_of(const struct directory *d, const struct addr *who, uint64_t *out, struct err *e)
{
	struct directory_account a;

	*out = UINT64_MAX;
	if (addr_is_zero(who))
		return true;
	TRY(account_get(d, who, &a, e), e);
	*out = d->c.quota - MIN2(a.used, d->c.quota);
	return true;
}

static bool over_quota(const struct directory *d, const struct addr *who, struct err *e)
{
	struct directory_account a;
	char text[ADDR_TEXT_MAX];

	TRY(account_get(d, who, &a, e), e);
	addr_format(who, text);
	FAIL(e, QUOTA, "%s stores %llu bytes of its %llu: this tree does not fit", text,
	        (unsigned long long)a.used, (unsigned long long)d->c.quota);
	return err_hint(e, "DELETE /v1/trees/{root} gives up a tree, or wait until some expire");
}

/* ---- what is stored ---------------------------------------------------------------------------------- */

uint64_t keep_seconds(const struct directory *d)
{
	uint64_t keep = d->c.keep.ms > 0 ? (uint64_t)d->c.keep.ms / 1000 : 0;

	return MIN2(MAX2(keep, d->c.genesis.life.s + KEEP_SPARE_S), BTIME_MAX / 2);
}

static struct btime keep_until(const struct directory *d, const struct upload *u, struct wall now)
{
	if (addr_is_zero(&u->account))
		return (struct btime){BTIME_MAX};
	return (struct btime){MIN2(wall_seconds(now), BTIME_MAX / 2) + keep_seconds(d)};
}

static bool keep_deal(struct directory *d, const struct upload *u, uint32_t hour, struct err *e)
{
	struct directory_deal row = {.id = u->shown.id};
	struct store *s = &d->world->store;

	if (!s->get(s->self, directory_deal_record(), &row, e)) {
		if (e->code != E_NOT_FOUND)
			return false;
		row.deal = u->shown.deal;
	}
	row.jc_sig = u->shown.jc_sig;
	row.rp_sig = u->shown.rp_sig;
	row.hour = MAX2(row.hour, hour);
	TRY(s->put(s->self, directory_deal_record(), &row, e), e);
	return true;
}

static bool keep_tree(struct directory *d, const struct upload *u, uint64_t bytes,
        struct btime until, struct err *e)
{
	struct store *s = &d->world->store;
	struct directory_account a;
	struct directory_grant g;
	bool again = grant_get(d, &u->root, &u->shown.id, &u->account, &g);

	if (!addr_is_zero(&u->account) && !again) {
		TRY(account_get(d, &u->account, &a, e), e);
		if (bytes > d->c.quota - MIN2(a.used, d->c.quota))
			return over_quota(d, &u->account, e);
		a.used += bytes;
		a.trees++;
		TRY(account_put(d, &a, e), e);
	}
	g.bytes = bytes;
	g.keep_until.s = MAX2(g.keep_until.s, until.s);
	g.hour = hour_after(g.keep_until);
	TRY(s->put(s->self, directory_grant_record(), &g, e), e);
	if (u->is_output)
		TRY(keep_deal(d, u, g.hour, e), e);
	sweep_spare(d, &u->root);
	return true;
}

static json_t *private_answer(const struct upload *u, uint64_t bytes, struct btime until)
{
	char root[CID_TEXT_MAX];

	cid_format(&u->root, root);
	return json_pack("{s:s, s:o, s:I, s:b}", "root", root, "bytes", json_of_u64(bytes),
	        "keepUntil", (json_int_t)until.s, "public", (int)addr_is_zero(&u->account));
}

bool stored_sign(struct directory *d, const struct hash *deal, const struct hash *output,
        uint64_t bytes, struct btime until, struct stored *out, struct sig *sig, struct err *e)
{
	*out = (struct stored){*deal, *output, bytes, until};
	TRY(world_sign(d->world, &d->c.domain, stored_record(), out, sig, e), e);
	return true;
}

/* The tree is here: write down who may read it, and answer. */
static bool accept(struct directory *d, const struct upload *u, uint64_t bytes,
        const struct event *ev, struct effects *fx, struct err *e)
{
	struct btime until = keep_until(d, u, ev->wall);
	struct stored stored;
	struct sig sig;

	TRY(keep_tree(d, u, bytes, until, e), e);
	if (!u->is_output) {
		fx_reply(fx, u->conn, 201, private_answer(u, bytes, until));
		return true;
	}
	TRY(stored_sign(d, &u->shown.id, &u->root.digest, bytes, until, &stored, &sig, e), e);
	fx_reply(fx, u->conn, 201,
	        json_pack("{s:o, s:o}", "stored", record_to_json(stored_record(), &stored),
	                "signature", json_of_sig(&sig)));
	return true;
}

/* ---- requests ---------------------------------------------------------------------------------------- */

static bool check_output(const struct directory *d, const struct upload *u, struct err *e)
{
	const struct deal *deal = &u->shown.deal;
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	addr_format(&u->account, a);
	if (!addr_eq(&deal->hot.provider, &u->account)) {
		addr_format(&deal->hot.provider, b);
		return FAIL(e, PARTY,
		        "the output of this deal is uploaded by its provider %s, not by %s", b, a);
	}
	if (!addr_eq(&deal->cold.directory, &d->world->signer.addr)) {
		addr_format(&deal->cold.directory, a);
		addr_format(&d->world->signer.addr, b);
		return FAIL(e, TERMS, "the deal names the directory %s; this one is %s", a, b);
	}
	if (u->root.codec != CID_DAG_PB)
		return FAIL(e, ENCODING,
		        "an output is a directory tree: its content id begins with \"bafy\"");
	return true;
}

static bool is_operator(const struct directory *d, const struct addr *who)
{
	return addr_eq(who, &d->world->signer.addr) ||
	       (!addr_is_zero(&d->c.operator_) && addr_eq(who, &d->c.operator_));
}

/* Whose grant it is: ?public=1 makes it everybody's, which only the operator may. */
static bool read_owner(
        const struct directory *d, const struct http_req *r, struct addr *out, struct err *e)
{
	struct str flag;

	query_find(r->query, "public", &flag);
	*out = r->account;
	if (flag.n == 0 || str_is(flag, "0"))
		return true;
	if (!str_is(flag, "1"))
		return FAIL(e, RANGE, "public is \"%.*s\"; it must be 0 or 1",
		        (int)MIN2(flag.n, (size_t)20), flag.p);
	if (!is_operator(d, &r->account))
		return FAIL(e, FORBIDDEN, "only the operator of this directory may publish trees");
	*out = nobody;
	return true;
}

static bool read_upload(
        const struct directory *d, const struct event *ev, struct upload *u, struct err *e)
{
	const struct http_req *r = ev->request;

	u->conn = r->conn;
	u->start = ev->now;
	TRY(root_of(r, &u->root, e), e);
	TRY(read_owner(d, r, &u->account, e), e);
	u->is_output = r->deal.n > 0;
	u->shown.id = no_deal;
	if (u->is_output) {
		if (addr_is_zero(&u->account))
			return FAIL(e, USAGE,
			        "an output is not published: leave out public or the deal");
		TRY(shown_deal_parse(d, r->deal, true, &u->shown, e), e);
		TRY(check_output(d, u, e), e);
	}
	return true;
}

static bool set_limit(struct directory *d, struct upload *u, struct err *e)
{
	uint64_t room;
	struct directory_grant g;

	u->limit = d->c.tree_max;
	/* A tree that was damaged here and comes again is counted already. */
	if (grant_get(d, &u->root, &u->shown.id, &u->account, &g))
		return true;
	TRY(room_of(d, &u->account, &room, e), e);
	if (room == 0)
		return over_quota(d, &u->account, e);
	u->limit = MIN2(u->limit, room);
	return true;
}

static bool on_post(struct directory *d, const struct event *ev, struct upload *u,
        struct effects *fx, struct err *e)
{
	struct upload **slot;
	struct fx *f;

	TRY(read_upload(d, ev, u, e), e);
	TRY(set_limit(d, u, e), e);
	slot = map_put(&d->uploads, &u->conn.v, NULL);
	if (!slot)
		return FAIL(e, BUSY, "%d trees are on their way here already", UPLOADS_MAX);
	free(*slot);
	*slot = u;
	f = fx_add(fx, FX_TAKE_TREE, (struct tag){0});
	f->conn = u->conn;
	f->limit = u->limit;
	return true;
}

void directory_on_post(struct directory *d, const struct event *ev, struct effects *fx)
{
	struct upload *u = calloc(1, sizeof *u);
	struct err e;

	if (!u)
		FAIL(&e, MEMORY, "no memory for an upload");
	else if (on_post(d, ev, u, fx, &e))
		return;
	free(u);
	refuse(d, ev->request->conn, &e, fx);
}

static bool arrived(struct directory *d, const struct upload *u, const struct event *ev,
        struct effects *fx, struct err *e)
{
	const struct tree_done *t = ev->tree;
	char want[CID_TEXT_MAX], came[CID_TEXT_MAX];

	if (!t->ok) {
		*e = t->err;
		if (e->code == E_TOO_LARGE && u->limit < d->c.tree_max)
			return over_quota(d, &u->account, e);
		return false;
	}
	if (!cid_eq(&t->root, &u->root)) {
		cid_format(&u->root, want);
		cid_format(&t->root, came);
		return FAIL(e, CONFLICT, "the path names %s, and the tree %s came", want, came);
	}
	TRY(accept(d, u, t->bytes, ev, fx, e), e);
	return true;
}

void directory_on_tree_in(struct directory *d, const struct event *ev, struct effects *fx)
{
	struct upload **slot = map_get(&d->uploads, &ev->tree->conn.v), *u;
	struct err e;

	/* Given up meanwhile, and answered. */
	if (!slot)
		return;
	u = *slot;
	map_del(&d->uploads, &ev->tree->conn.v);
	if (!arrived(d, u, ev, fx, &e))
		refuse(d, u->conn, &e, fx);
	free(u);
}

/* Stored before by the same party and still here: the promise is renewed, and the bytes need not come
 * again. This is no matter of POST itself, since an answer before the end of a stream is only understood
 * when it is a refusal. */
static bool on_keep(struct directory *d, const struct event *ev, struct upload *u,
        struct effects *fx, struct err *e)
{
	struct directory_grant g;
	char text[CID_TEXT_MAX];

	TRY(read_upload(d, ev, u, e), e);
	cid_format(&u->root, text);
	if (!grant_get(d, &u->root, &u->shown.id, &u->account, &g) ||
	        !tree_is_whole(&d->world->blobs, &u->root))
		return FAIL(e, NOT_FOUND, "%s is not stored here whole for this account: send it",
		        text);
	TRY(accept(d, u, g.bytes, ev, fx, e), e);
	return true;
}

void directory_on_keep(struct directory *d, const struct event *ev, struct effects *fx)
{
	struct upload *u = ARENA_NEW(fx->arena, struct upload);
	struct err e;

	if (!u)
		FAIL(&e, MEMORY, "no memory for an upload");
	else if (on_keep(d, ev, u, fx, &e))
		return;
	refuse(d, ev->request->conn, &e, fx);
}

static bool on_delete(
        struct directory *d, const struct event *ev, struct effects *fx, struct err *e)
{
	const struct http_req *r = ev->request;
	struct directory_grant g;
	char text[CID_TEXT_MAX];
	struct addr owner;
	struct cid root;

	TRY(root_of(r, &root, e), e);
	TRY(read_owner(d, r, &owner, e), e);
	cid_format(&root, text);
	if (!grant_get(d, &root, &no_deal, &owner, &g))
		return FAIL(e, NOT_FOUND, "%s is not stored here for this account", text);
	TRY(grant_drop(d, &g, e), e);
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:s, s:o}", "root", text, "bytes", json_of_u64(g.bytes)));
	return true;
}

void directory_on_delete(struct directory *d, const struct event *ev, struct effects *fx)
{
	struct err e;

	if (!on_delete(d, ev, fx, &e))
		refuse(d, ev->request->conn, &e, fx);
}

/* ---- the end of uploads -------------------------------------------------------------------------------- */

void uploads_expire(struct directory *d, struct mono now, struct effects *fx)
{
	struct conn_id late[64];
	const void *key;
	size_t n = 0;
	struct err e;
	void *val;

	for (size_t i = 0; n < COUNT(late) && map_next(&d->uploads, &i, &key, &val);) {
		const struct upload *u = *(struct upload **)val;

		if (mono_since(now, u->start).ms > UPLOAD_S * 1000)
			late[n++] = u->conn;
	}
	for (size_t i = 0; i < n; i++) {
		free(*(struct upload **)map_get(&d->uploads, &late[i].v));
		map_del(&d->uploads, &late[i].v);
		FAIL(&e, TIMEOUT, "the tree has not arrived whole within %d s", UPLOAD_S);
		refuse(d, late[i], &e, fx);
	}
}

void uploads_done(struct directory *d)
{
	map_done_owned(&d->uploads);
}
