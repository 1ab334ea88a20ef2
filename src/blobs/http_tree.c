/* http_tree.c - trees between the block store and directories, one struct transfer each. */
#include "blobs/http_tree.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/unixfs.h"
#include "http/easy.h"
#include "http/tree.h"

static const char header_name[] = "Lilypad-Deal: ";

struct http_tree {
	uv_loop_t *loop;
	struct http_client *client;
	struct blobs blobs;
	struct transfer *first;
};

struct transfer {
	struct http_tree *t;
	struct transfer *next, *prev;
	bool push;
	struct tag tag;
	struct addr audience;
	struct cid root;
	uint64_t max;
	struct inbox in;
	char *url;        /* of the tree */
	char *headers;    /* NULL: none */
	uv_timer_t timer; /* starts it, and tries again */
	struct http_handle call;
	bool again; /* has been tried again */
	bool asked; /* the directory does not have it */
	struct tree_in *tree_in;
	struct tree_out *tree_out;
};

/* ---- the end ------------------------------------------------------------------------------------------ */

static void timer_closed(uv_handle_t *h)
{
	free(h->data);
}

static void drop(struct transfer *x)
{
	if (x->prev)
		x->prev->next = x->next;
	else
		x->t->first = x->next;
	if (x->next)
		x->next->prev = x->prev;
	x->tree_in = tree_in_free(x->tree_in);
	x->tree_out = tree_out_free(x->tree_out);
	free(x->url);
	free(x->headers);
	uv_close((uv_handle_t *)&x->timer, timer_closed);
}

static void end(struct transfer *x, struct tree_done *done)
{
	struct inbox in = x->in;

	done->tag = x->tag;
	done->root = x->root;
	drop(x);
	in.tree(in.self, done);
}

static void end_err(struct transfer *x, const struct err *e)
{
	struct tree_done done = {.err = *e};

	end(x, &done);
}

/* ---- fetch ---------------------------------------------------------------------------------------------- */

static void begin(uv_timer_t *timer);

/* Bytes were corrupt: once more from the start, else give up. */
static void fetch_failed(struct transfer *x, const struct err *e)
{
	if (e->code != E_BLOCK_CORRUPT || x->again) {
		end_err(x, e);
		return;
	}
	x->again = true;
	uv_timer_start(&x->timer, begin, 0, 0);
}

static bool fetch_whole(struct transfer *x, uint64_t *bytes, struct err *e)
{
	char want[CID_TEXT_MAX], got[CID_TEXT_MAX];
	struct cid root;

	TRY(tree_in_end(x->tree_in, &root, bytes, e), e);
	if (cid_eq(&root, &x->root))
		return true;
	cid_format(&x->root, want);
	cid_format(&root, got);
	return FAIL(e, PEER, "%s was asked for, and the tree %s came", want, got);
}

static bool on_data(void *ctx, struct bytes piece, struct err *e)
{
	struct transfer *x = ctx;

	return tree_in_feed(x->tree_in, piece, e);
}

static void on_fetched(void *ctx, const struct http_answer *a)
{
	struct tree_done done = {.ok = true};
	struct transfer *x = ctx;
	struct err e;

	x->call.v = 0;
	if (http_answer_check(a, &e) && fetch_whole(x, &done.bytes, &e))
		end(x, &done);
	else
		fetch_failed(x, &e);
}

static void call(struct transfer *x, const struct http_call *c)
{
	struct err e;

	x->call = http_client_call(x->t->client, c);
	if (x->call.v)
		return;
	FAIL(&e, MEMORY, "no memory for a request");
	end_err(x, &e);
}

static void begin_fetch(struct transfer *x)
{
	struct http_call c = {.method = "GET",
	        .url = x->url,
	        .headers = x->headers,
	        .audience = x->audience,
	        .data = on_data,
	        .done = on_fetched,
	        .ctx = x};
	struct block_source here = {x->t->blobs.self, x->t->blobs.get};
	struct tree_done done = {.ok = true};
	struct err e;

	if (x->t->blobs.has(x->t->blobs.self, &x->root) &&
	        unixfs_blocks(&here, &x->root, x->max, NULL, NULL, &done.bytes, &e)) {
		end(x, &done);
		return;
	}
	x->tree_in = tree_in_free(x->tree_in);
	if (tree_in_new(&x->t->blobs, x->max, &x->tree_in, &e))
		call(x, &c);
	else
		end_err(x, &e);
}

/* ---- push ----------------------------------------------------------------------------------------------- */

static bool on_read(void *ctx, uint8_t *out, size_t max, size_t *n, struct err *e)
{
	struct transfer *x = ctx;

	return tree_out_read(x->tree_out, out, max, n, e);
}

static void on_pushed(void *ctx, const struct http_answer *a)
{
	struct tree_done done = {.ok = true, .body = a->body};
	struct transfer *x = ctx;
	struct err e;

	x->call.v = 0;
	if (http_answer_check(a, &e)) {
		end(x, &done);
		return;
	}
	/* A directory that has only just started refuses what was signed before: the client signs other
	 * requests again by itself, but a stream has to be started over. */
	if (e.code == E_STALE && !x->again) {
		x->again = true;
		uv_timer_start(&x->timer, begin, EASY_STALE_MS, 0);
		return;
	}
	end_err(x, &e);
}

static void on_asked(void *ctx, const struct http_answer *a)
{
	struct tree_done done = {.ok = true, .body = a->body};
	struct transfer *x = ctx;

	x->call.v = 0;
	if (a->ok && a->status < 400) {
		end(x, &done);
	} else if (!a->ok) {
		end_err(x, &a->err);
	} else {
		/* Whatever the directory has against it, it says of the tree itself as well. */
		x->asked = true;
		uv_timer_start(&x->timer, begin, 0, 0);
	}
}

static void begin_ask(struct transfer *x)
{
	char url[URL_MAX + 160];
	struct http_call c = {
	        .method = "POST", .url = url, .audience = x->audience, .done = on_asked, .ctx = x};

	snprintf(url, sizeof url, "%s/keep", x->url);
	call(x, &c);
}

static void begin_push(struct transfer *x)
{
	char root[CID_TEXT_MAX];
	struct http_call c = {.method = "POST",
	        .url = x->url,
	        .headers = x->headers,
	        .type = "application/vnd.ipld.car",
	        .audience = x->audience,
	        .read = on_read,
	        .done = on_pushed,
	        .ctx = x};
	struct err e;

	cid_format(&x->root, root);
	c.root = str_of(root);
	x->tree_out = tree_out_free(x->tree_out);
	if (tree_out_new(&x->t->blobs, &x->root, &x->tree_out, &e))
		call(x, &c);
	else
		end_err(x, &e);
}

/* ---- the port -------------------------------------------------------------------------------------------- */

static void begin(uv_timer_t *timer)
{
	struct transfer *x = timer->data;

	if (x->push && !x->headers && !x->asked)
		begin_ask(x);
	else if (x->push)
		begin_push(x);
	else
		begin_fetch(x);
}

static char *url_of(const char *base, const struct cid *root)
{
	char text[CID_TEXT_MAX];
	struct buf b;

	cid_format(root, text);
	buf_init(&b, URL_MAX + 128);
	buf_fmt(&b, "%s/v1/trees/%s", base, text);
	/* A URL longer than URL_MAX cannot have come from a setting. */
	assert(buf_ok(&b));
	(void)buf_cstr(&b);
	return (char *)b.p;
}

static char *headers_of(struct bytes deal)
{
	size_t n = sizeof header_name - 1;
	char *out;

	if (deal.n == 0)
		return NULL;
	out = malloc(n + (deal.n * 4 + 2) / 3 + 1);
	assert(out);
	memcpy(out, header_name, n);
	base64url_format(deal.p, deal.n, out + n);
	return out;
}

/* An answer never comes from within the call, so everything begins with a timer. */
static void start(struct http_tree *t, struct transfer like, const char *url, struct bytes deal)
{
	struct transfer *x = malloc(sizeof *x);

	/* There is no way to answer without memory for the question. */
	assert(x);
	*x = like;
	x->t = t;
	x->url = url_of(url, &like.root);
	x->headers = headers_of(deal);
	x->next = t->first;
	if (t->first)
		t->first->prev = x;
	t->first = x;
	uv_timer_init(t->loop, &x->timer);
	x->timer.data = x;
	uv_timer_start(&x->timer, begin, 0, 0);
}

static void fetch(void *self, struct tag tag, const char *url, const struct addr *audience,
        const struct cid *root, struct bytes deal, uint64_t max, const struct inbox *in)
{
	struct transfer x = {
	        .tag = tag, .audience = *audience, .root = *root, .max = max, .in = *in};

	start(self, x, url, deal);
}

static void push(void *self, struct tag tag, const char *url, const struct addr *audience,
        const struct cid *root, struct bytes deal, const struct inbox *in)
{
	struct transfer x = {
	        .push = true, .tag = tag, .audience = *audience, .root = *root, .in = *in};

	start(self, x, url, deal);
}

static void stop(void *self)
{
	struct http_tree *t = self;

	while (t->first) {
		if (t->first->call.v)
			http_client_cancel(t->client, t->first->call);
		drop(t->first);
	}
}

bool http_tree_open(uv_loop_t *loop, struct http_client *client, const struct blobs *blobs,
        struct tree_port *out, struct err *e)
{
	struct http_tree *t = calloc(1, sizeof *t);

	if (!t)
		return FAIL(e, MEMORY, "no memory for the tree port");
	*t = (struct http_tree){.loop = loop, .client = client, .blobs = *blobs};
	*out = (struct tree_port){t, fetch, push, stop};
	return true;
}

void http_tree_close(struct tree_port *p)
{
	if (!p->self)
		return;
	stop(p->self);
	free(p->self);
	p->self = NULL;
}
