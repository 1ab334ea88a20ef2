/* request.c - a request from its first header to the moment it is handed over. */
#include <stdlib.h>

#include "codec/hex.h"
#include "crypto/keccak.h"
#include "http/server_own.h"
#include "os/clock.h"

/* So much of a body that nobody wants is still read, so that its sender sees the answer. */
enum { DROP_MAX = 4 << 20 };

static const char scheme[] = "Lilypad ";

static struct str header_of(struct conn *c, const char *name)
{
	return str_of(MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, name));
}

static uint64_t body_max(const struct route *r)
{
	if (r->body == BODY_NONE)
		return 0;
	if (r->body_max)
		return r->body_max;
	return r->body == BODY_TREE ? HTTP_TREE_MAX : HTTP_BODY_MAX;
}

static bool too_large(uint64_t max, struct err *e)
{
	if (max == 0)
		return FAIL(e, TOO_LARGE, "this request takes no body");
	return FAIL(e, TOO_LARGE, "the body is larger than %llu bytes", (unsigned long long)max);
}

static bool declared_size_fits(struct conn *c, uint64_t max, struct err *e)
{
	struct str text = header_of(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t n;

	if (text.n == 0)
		return true;
	if (!str_u64(text, UINT64_MAX, &n) || n > max)
		return too_large(max, e);
	return true;
}

/* ---- handing over ------------------------------------------------------------------------------------ */

static bool authenticate(
        struct conn *c, const struct http_req *req, struct addr *who, struct err *e)
{
	struct str header;
	struct hash hash;
	struct bytes what = req->body;

	if (c->route->auth == AUTH_NONE)
		return true;
	header = header_of(c, MHD_HTTP_HEADER_AUTHORIZATION);
	if (c->route->auth == AUTH_OPTIONAL && !str_starts(header, scheme))
		return true;
	if (header.n == 0 || !c->s->o.auth) {
		FAIL(e, SIGNATURE, "%s %s must be signed", c->route->method, c->route->path);
		return err_hint(e, "send an Authorization header as docs/api.md describes");
	}
	/* Of a stream the declared root is signed: the first parameter of its path. */
	if (c->route->body == BODY_TREE)
		what = str_bytes(req->params[0]);
	keccak256(what.p, what.n, &hash);
	TRY(auth_verify(c->s->o.auth, header, c->method, c->uri, &hash, clock_wall(), who, e), e);
	return true;
}

static bool read_cursor(struct conn *c, struct http_req *req, struct err *e)
{
	struct str text = header_of(c, "Last-Event-ID");

	if (text.n == 0 && !query_find(req->query, "cursor", &text))
		return true;
	if (!str_u64(text, UINT64_MAX, &req->cursor))
		return FAIL(e, RANGE, "cursor '%.*s' is no number", (int)MIN2(text.n, (size_t)40),
		        text.p);
	return true;
}

static bool read_deal(struct conn *c, struct http_req *req, struct err *e)
{
	struct str text = header_of(c, "Lilypad-Deal");
	char *p;
	size_t n;

	if (text.n == 0)
		return true;
	p = arena_alloc(&c->arena, text.n + 1);
	if (!p)
		return FAIL(e, MEMORY, "no memory for a header");
	if (!base64url_parse(text, p, text.n, &n))
		return FAIL(
		        e, ENCODING, "the Lilypad-Deal header is not base64url without padding");
	req->deal = (struct str){p, n};
	return true;
}

static const struct sock *sock_of(struct conn *c)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static bool fill(struct conn *c, struct http_req *req, struct err *e)
{
	const struct sock *k = sock_of(c);

	req->conn.v = c->id;
	req->route = c->to.route;
	req->path = c->uri;
	str_cut(c->uri, '?', &req->query);
	req->body = buf_bytes(&c->body);
	for (unsigned i = 0; i < c->to.params_n; i++)
		TRY(percent_decode(&c->arena, c->to.params[i], &req->params[i], e), e);
	if (k)
		memcpy(req->peer, k->peer, sizeof req->peer);
	TRY(read_cursor(c, req, e), e);
	TRY(read_deal(c, req, e), e);
	TRY(authenticate(c, req, &req->account, e), e);
	return true;
}

static void hand_over(struct conn *c)
{
	struct http_req req = {0};
	struct err e;

	if (!buf_ok(&c->body)) {
		too_large(body_max(c->route), &e);
		conn_answer_err(c, &e);
		return;
	}
	if (!fill(c, &req, &e)) {
		conn_answer_err(c, &e);
		return;
	}
	c->s->o.request(c->s->o.ctx, &req);
}

/* ---- trees ------------------------------------------------------------------------------------------- */

static void tree_told(struct conn *c, const struct cid *root, uint64_t bytes, const struct err *why)
{
	struct tree_done done = {.conn = {c->id}, .ok = !why, .bytes = bytes};

	c->tree = tree_in_free(c->tree);
	c->drop = true;
	if (root)
		done.root = *root;
	if (why)
		done.err = *why;
	/* Here the peer that sent something wrong is the caller itself. */
	if (done.err.code == E_PEER || done.err.code == E_BLOCK_CORRUPT)
		done.err.code = E_ENCODING;
	c->s->o.tree(c->s->o.ctx, &done);
}

void http_server_take_tree(struct http_server *s, struct conn_id conn, uint64_t limit)
{
	struct conn *c = conn_of(s, conn);
	struct err e;

	if (!c || c->response || c->tree || c->phase != CONN_HEAD)
		return;
	assert(s->o.blobs);
	limit = limit ? MIN2(limit, body_max(c->route)) : body_max(c->route);
	if (!tree_in_new(s->o.blobs, limit, &c->tree, &e)) {
		conn_answer_err(c, &e);
		return;
	}
	tree_in_demand_all(c->tree);
	if (!c->in_handler)
		conn_resume(c);
}

static void tree_feed(struct conn *c, struct bytes piece)
{
	struct err e;

	if (!tree_in_feed(c->tree, piece, &e))
		tree_told(c, NULL, 0, &e);
}

static void tree_end(struct conn *c)
{
	uint64_t bytes;
	struct cid root;
	struct err e;

	if (!c->tree)
		return;
	if (tree_in_end(c->tree, &root, &bytes, &e))
		tree_told(c, &root, bytes, NULL);
	else
		tree_told(c, NULL, 0, &e);
}

/* ---- steps ------------------------------------------------------------------------------------------- */

/* Answers, or sleeps until there is an answer. Most answers are there at the end of the turn, after the
 * commit: MHD asks again for those in its next run, which costs less than to put a connection to sleep. */
static enum MHD_Result send_or_wait(struct conn *c)
{
	if (c->response)
		return conn_send(c);
	if (c->asked_again) {
		conn_suspend(c);
	} else {
		c->asked_again = true;
		c->s->resumed = true;
	}
	return MHD_YES;
}

static enum MHD_Result head_done(struct conn *c)
{
	if (!c->tree && !c->response)
		return send_or_wait(c);
	/* An answer without the tree: what its sender has under way is read and forgotten, since MHD takes
	 * an answer only before the first byte of a body or after the last. */
	c->drop = !c->tree;
	c->phase = CONN_BODY;
	return MHD_YES;
}

static enum MHD_Result more(struct conn *c, const char *data, size_t *size);

/* Asked for the head again, perhaps with a piece of the body. A piece that is left unread is not offered
 * again until more bytes come, which may be never: so it is taken here, or the connection sleeps. */
static enum MHD_Result head_again(struct conn *c, const char *data, size_t *size)
{
	if (*size == 0)
		return head_done(c);
	if (!c->tree && !c->response) {
		conn_suspend(c);
		return MHD_YES;
	}
	c->drop = !c->tree;
	c->phase = CONN_BODY;
	return more(c, data, size);
}

static enum MHD_Result begin(struct conn *c, const char *method)
{
	struct str rest, path = str_cut(c->uri, '?', &rest);
	struct err e;

	c->method = method;
	if (!router_find(c->s->router, str_of(method), path, &c->to, &e)) {
		conn_answer_err(c, &e);
		return conn_send(c);
	}
	c->route = &c->s->o.routes[c->to.route];
	c->body.max = c->route->body == BODY_TREE ? 0 : body_max(c->route);
	if (!declared_size_fits(c, body_max(c->route), &e)) {
		conn_answer_err(c, &e);
		return conn_send(c);
	}
	if (c->route->body != BODY_TREE) {
		c->phase = CONN_BODY;
		return MHD_YES;
	}
	c->phase = CONN_HEAD;
	hand_over(c);
	return head_done(c);
}

/* The answer to a body that is not wanted can only be sent after the body: a limit keeps a sender from
 * going on for ever. */
static enum MHD_Result more(struct conn *c, const char *data, size_t *size)
{
	struct bytes piece = bytes_of(data, *size);
	struct err e;

	c->got += piece.n;
	c->s->bytes_in += piece.n;
	*size = 0;
	if (c->response)
		c->drop = true;
	if (c->drop) {
		c->dropped += piece.n;
		return c->dropped > DROP_MAX ? MHD_NO : MHD_YES;
	}
	if (c->tree) {
		tree_feed(c, piece);
	} else if (c->got > body_max(c->route)) {
		too_large(body_max(c->route), &e);
		conn_answer_err(c, &e);
	} else {
		buf_put(&c->body, piece.p, piece.n);
	}
	return MHD_YES;
}

static enum MHD_Result whole(struct conn *c)
{
	c->phase = CONN_ASKED;
	if (c->route->body == BODY_TREE)
		tree_end(c);
	else if (!c->response)
		hand_over(c);
	return send_or_wait(c);
}

static enum MHD_Result step(struct conn *c, const char *method, const char *data, size_t *size)
{
	switch (c->phase) {
	case CONN_NEW: return begin(c, method);
	case CONN_HEAD: return head_again(c, data, size);
	case CONN_BODY: return *size ? more(c, data, size) : whole(c);
	case CONN_ASKED: return send_or_wait(c);
	case CONN_ANSWERED: break;
	}
	*size = 0;
	return MHD_YES;
}

enum MHD_Result server_handle(void *cls, struct MHD_Connection *mhd, const char *url,
        const char *method, const char *version, const char *data, size_t *size, void **con)
{
	struct conn *c = *con;
	enum MHD_Result r;

	(void)cls;
	(void)mhd;
	(void)url;
	(void)version;
	if (!c)
		return MHD_NO;
	c->in_handler = true;
	r = step(c, method, data, size);
	c->in_handler = false;
	return r;
}
