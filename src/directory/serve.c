/* serve.c - the routes, and what is given. */
#include "codec/hex.h"
#include "codec/json.h"
#include "directory/directory_own.h"

enum {
	R_POST_TREE,
	R_KEEP_TREE,
	R_GET_TREE,
	R_DELETE_TREE,
	R_GET_BLOCK,
	R_INFO,
	R_USAGE,
	R_STORED
};

/* clang-format off */
const struct route directory_routes[] = {
	[R_POST_TREE]   = {"POST",   "/v1/trees/{root}", AUTH_REQUEST,  BODY_TREE, 0, "store a tree (CAR): with Lilypad-Deal the output of that deal, answered by {stored, signature}; else a private upload, answered by {root, bytes, keepUntil, public}; ?public=1 for the operator"},
	[R_KEEP_TREE]   = {"POST",   "/v1/trees/{root}/keep", AUTH_REQUEST, BODY_NONE, 0, "keep for longer what the caller stored before; answered as its upload would be. NOT_FOUND: the tree has to be sent"},
	[R_GET_TREE]    = {"GET",    "/v1/trees/{root}", AUTH_OPTIONAL, BODY_NONE, 0, "a tree as CAR, for those who may read it; Lilypad-Deal shows a deal whose spec names it"},
	[R_DELETE_TREE] = {"DELETE", "/v1/trees/{root}", AUTH_REQUEST,  BODY_NONE, 0, "give up one's own private upload"},
	[R_GET_BLOCK]   = {"GET",    "/v1/blocks/{cid}", AUTH_OPTIONAL, BODY_NONE, 0, "one block of the tree ?root=, for those who may read that"},
	[R_INFO]        = {"GET",    "/v1/info",         AUTH_NONE,     BODY_NONE, 0, "{account, version, life, keep, quota, treeMax}"},
	[R_USAGE]       = {"GET",    "/v1/usage",        AUTH_REQUEST,  BODY_NONE, 0, "what the caller stores: {account, used, quota, trees}"},
	[R_STORED]      = {"GET",    "/v1/deals/{deal}/stored", AUTH_REQUEST, BODY_NONE, 0, "for the members of a deal, its mediators once the ledger shows a check: {deal, jobCreatorSignature, providerSignature, stored: [{stored, signature}]}"},
};
/* clang-format on */
const size_t directory_routes_n = COUNT(directory_routes);

bool root_of(const struct http_req *r, struct cid *out, struct err *e)
{
	return cid_parse(r->params[0], out, e);
}

void refuse(struct directory *d, struct conn_id conn, const struct err *e, struct effects *fx)
{
	if (err_fault(e->code) == FAULT_SELF)
		log_line(&d->world->log, e->code == E_DISK_FULL ? LOG_ODD : LOG_BROKEN, "%s",
		        e->msg);
	fx_reply_err(fx, conn, e);
}

static bool get_tree(
        struct directory *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	struct cid root;
	struct fx *f;

	TRY(root_of(r, &root, e), e);
	TRY(may_read(d, r, &root, fx->arena, e), e);
	f = fx_add(fx, FX_GIVE_TREE, (struct tag){0});
	f->conn = r->conn;
	f->root = root;
	return true;
}

static bool get_block(
        struct directory *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	char text[CID_TEXT_MAX], root_text[CID_TEXT_MAX];
	struct blobs *b = &d->world->blobs;
	OWN(buf_done) struct buf block;
	struct cid cid, root;
	struct str of;
	struct fx *f;
	bool ok;

	buf_init(&block, BLOCK_MAX);
	TRY(root_of(r, &cid, e), e);
	query_find(r->query, "root", &of);
	if (of.n == 0)
		return FAIL(e, USAGE, "say which tree the block belongs to: ?root=");
	TRY(cid_parse(of, &root, e), e);
	TRY(may_read(d, r, &root, fx->arena, e), e);
	TRY(tree_has(b, &root, &cid, &ok, e), e);
	cid_format(&cid, text);
	cid_format(&root, root_text);
	if (!ok)
		return FAIL(e, NOT_FOUND, "the tree %s has no block %s", root_text, text);
	if (!b->get(b->self, &cid, &block, e)) {
		/* Ours, though the code is that of the network: bytes on this disk. The block store sets such a
		 * block aside, so it is said once. */
		if (e->code == E_BLOCK_CORRUPT)
			log_line(&d->world->log, LOG_ODD, "%s", e->msg);
		return false;
	}
	f = fx_add(fx, FX_REPLY_RAW, (struct tag){0});
	f->conn = r->conn;
	f->type = "application/vnd.ipld.raw";
	f->body = bytes_of(arena_copy(fx->arena, block.p, block.n), block.n);
	if (!f->body.p)
		return FAIL(e, MEMORY, "no memory for a block");
	return true;
}

static bool get_info(
        struct directory *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	(void)e;
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:s, s:I, s:I, s:o, s:o}", "account",
	                json_of_addr(&d->world->signer.addr), "version",
	                d->c.version ? d->c.version : "", "life", (json_int_t)d->c.genesis.life.s,
	                "keep", (json_int_t)keep_seconds(d), "quota", json_of_u64(d->c.quota),
	                "treeMax", json_of_u64(d->c.tree_max)));
	return true;
}

static bool get_usage(
        struct directory *d, const struct http_req *r, struct effects *fx, struct err *e)
{
	struct directory_account a = {.account = r->account};
	struct store *s = &d->world->store;

	if (!s->get(s->self, directory_account_record(), &a, e) && e->code != E_NOT_FOUND)
		return false;
	fx_reply(fx, r->conn, 200,
	        json_pack("{s:o, s:o, s:o, s:o}", "account", json_of_addr(&a.account), "used",
	                json_of_u64(a.used), "quota", json_of_u64(d->c.quota), "trees",
	                json_of_u64(a.trees)));
	return true;
}

void directory_on_request(struct directory *d, const struct event *ev, struct effects *fx)
{
	static bool (*const handlers[])(
	        struct directory *, const struct http_req *, struct effects *, struct err *) = {
	        [R_GET_TREE] = get_tree,
	        [R_GET_BLOCK] = get_block,
	        [R_INFO] = get_info,
	        [R_USAGE] = get_usage,
	        [R_STORED] = directory_get_stored,
	};
	const struct http_req *r = ev->request;
	struct err e;

	assert(r->route < COUNT(handlers));
	if (r->route == R_POST_TREE)
		directory_on_post(d, ev, fx);
	else if (r->route == R_KEEP_TREE)
		directory_on_keep(d, ev, fx);
	else if (r->route == R_DELETE_TREE)
		directory_on_delete(d, ev, fx);
	else if (!handlers[r->route](d, r, fx, &e))
		refuse(d, r->conn, &e, fx);
}
