/* tree.c - trees between block stores: what blobs/http_tree.c is to a role, block by verified block. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/unixfs.h"
#include "sim.h"

/* ---- copying ------------------------------------------------------------------------------------------- */

struct copy {
	struct blobs to;
	size_t left; /* blocks until it breaks; 0: never */
	bool breaks;
};

static bool take_block(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	struct copy *c = self;

	if (c->breaks && c->left-- == 0)
		return FAIL(e, UNREACHABLE, "the connection broke in the middle of a tree");
	return c->to.put(c->to.self, cid, block, e);
}

bool tree_copy(struct node *from, struct node *to, const struct cid *root, uint64_t max,
        size_t stop_after, uint64_t *bytes, struct err *e)
{
	struct blobs a = blobs_memory_port(from->blobs);
	struct block_source src = {a.self, a.get};
	struct copy c = {blobs_memory_port(to->blobs), stop_after, stop_after > 0};

	return unixfs_blocks(&src, root, max, take_block, &c, bytes, e);
}

/* ---- the port ------------------------------------------------------------------------------------------ */

struct transfer {
	unsigned refs; /* calls and steps that it belongs to */
	struct tag tag;
	struct cid root;
	struct addr audience;
	char url[URL_MAX + 1];
	struct buf deal;
	uint64_t max;
};

static void transfer_drop(void *ctx)
{
	struct transfer *x = ctx;

	if (--x->refs)
		return;
	buf_done(&x->deal);
	free(x);
}

static struct transfer *transfer_new(const struct fx *f)
{
	struct transfer *x = calloc(1, sizeof *x);

	assert(x);
	x->tag = f->tag;
	x->root = f->root;
	x->audience = f->audience;
	snprintf(x->url, sizeof x->url, "%s", f->url);
	x->max = f->limit ? f->limit : HTTP_TREE_MAX;
	buf_init(&x->deal, HTTP_BODY_MAX);
	buf_put(&x->deal, f->body.p, f->body.n);
	return x;
}

static void tell(struct node *n, const struct transfer *x, struct tree_done *t)
{
	struct event ev = {.kind = EV_TREE, .tree = t};

	t->tag = x->tag;
	t->root = x->root;
	node_event(n, &ev);
}

static void send_transfer(struct node *n, struct transfer *x, const char *method, const char *end,
        bool push, bool fetch, void (*done)(struct node *, void *, const struct net_answer *))
{
	char root[CID_TEXT_MAX], path[CID_TEXT_MAX + 32];
	struct ask a = {.url = x->url,
	        .method = method,
	        .path = path,
	        .deal = buf_bytes(&x->deal),
	        .audience = x->audience,
	        .deadline = span_s(60),
	        .push = push ? &x->root : NULL,
	        .fetch = fetch ? &x->root : NULL,
	        .max = x->max,
	        .done = done,
	        .ctx = x,
	        .drop = transfer_drop};

	x->refs++;
	cid_format(&x->root, root);
	snprintf(path, sizeof path, "/v1/trees/%s%s", root, end);
	net_ask(n, &a);
}

static void on_pushed(struct node *n, void *ctx, const struct net_answer *a)
{
	struct transfer *x = ctx;
	struct tree_done t = {.ok = a->ok && a->status < 400, .body = a->body, .err = a->err};

	tell(n, x, &t);
}

static void on_asked(struct node *n, void *ctx, const struct net_answer *a)
{
	struct transfer *x = ctx;

	if (a->ok && a->status >= 400)
		send_transfer(n, x, "POST", "", true, false, on_pushed);
	else
		on_pushed(n, ctx, a);
}

void tree_push(struct node *n, const struct fx *f)
{
	struct transfer *x = transfer_new(f);

	if (x->deal.n)
		send_transfer(n, x, "POST", "", true, false, on_pushed);
	else
		send_transfer(n, x, "POST", "/keep", false, false, on_asked);
}

static void on_fetched(struct node *n, void *ctx, const struct net_answer *a)
{
	struct transfer *x = ctx;
	struct tree_done t = {
	        .ok = a->ok && a->status < 400, .bytes = a->tree_bytes, .err = a->err};

	if (t.ok && !a->tree.codec) {
		t.ok = false;
		FAIL(&t.err, PEER, "the answer is no tree");
	}
	tell(n, x, &t);
}

static void at_once(struct sim *s, struct node *n, void *ctx)
{
	struct transfer *x = ctx;
	struct blobs b = blobs_memory_port(n->blobs);
	struct block_source here = {b.self, b.get};
	struct tree_done t = {.ok = true};

	(void)s;
	t.ok = unixfs_blocks(&here, &x->root, x->max, NULL, NULL, &t.bytes, &t.err);
	tell(n, x, &t);
}

void tree_fetch(struct node *n, const struct fx *f)
{
	struct transfer *x = transfer_new(f);
	struct blobs b = blobs_memory_port(n->blobs);
	struct block_source here = {b.self, b.get};
	uint64_t bytes;
	struct err e;

	if (b.has(b.self, &x->root) &&
	        unixfs_blocks(&here, &x->root, x->max, NULL, NULL, &bytes, &e)) {
		x->refs++;
		sim_after(n->sim, 0, n, at_once, x, transfer_drop);
	} else {
		send_transfer(n, x, "GET", "", false, true, on_fetched);
	}
}
