/* answer.c - every way to answer a request. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "codec/json.h"
#include "http/server_own.h"

enum {
	STREAM_PIECE = 8 << 10,
	TREE_PIECE = 64 << 10,
	ERROR_TEXT_MAX = 4096,
};

static size_t status_index(int status)
{
	static const int known[] = HTTP_STATUSES;
	size_t i = 0;

	while (i < HTTP_STATUSES_N - 1 && known[i] != status)
		i++;
	return i;
}

enum MHD_Result conn_send(struct conn *c)
{
	struct MHD_Response *r = TAKE(c->response);
	enum MHD_Result ok = MHD_queue_response(c->mhd, (unsigned)c->status, r);
	size_t row = c->route ? c->to.route : ROUTES_MAX;

	MHD_destroy_response(r);
	c->phase = CONN_ANSWERED;
	c->s->counts[row][status_index(c->status)]++;
	return ok;
}

/* Takes r. A second answer to the same request is a bug of the role; the first one stands. */
static void give(struct conn *c, int status, struct MHD_Response *r)
{
	if (!r || c->response) {
		if (r)
			MHD_destroy_response(r);
		return;
	}
	c->response = r;
	c->status = status;
	if (!c->in_handler)
		conn_resume(c);
}

static void header(struct MHD_Response *r, const char *name, const char *value)
{
	/* Only a malformed header or want of memory can fail; the answer is of use without it. */
	if (MHD_add_response_header(r, name, value) != MHD_YES)
		return;
}

void conn_answer(struct conn *c, int status, const char *type, struct bytes body)
{
	struct MHD_Response *r;

	/* MHD copies: the cast takes nothing away. */
	r = MHD_create_response_from_buffer(
	        body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY);
	if (!r)
		return;
	header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type ? type : "application/json");
	if (status == 429 || status == 503)
		header(r, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	if (status == 405 && c->to.allow[0])
		header(r, MHD_HTTP_HEADER_ALLOW, c->to.allow);
	if (status == 401)
		header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Lilypad");
	give(c, status, r);
}

void conn_answer_err(struct conn *c, const struct err *e)
{
	OWN(buf_done) struct buf b = {0};
	OWN(json_own) json_t *j = err_to_json(e);

	buf_init(&b, ERROR_TEXT_MAX);
	if (j)
		json_canonical(j, &b);
	conn_answer(c, err_http(e->code), NULL, buf_bytes(&b));
}

void http_server_reply(
        struct http_server *s, struct conn_id conn, int status, const char *type, struct bytes body)
{
	struct conn *c = conn_of(s, conn);

	if (c)
		conn_answer(c, status, type, body);
}

void http_server_reply_err(struct http_server *s, struct conn_id conn, const struct err *e)
{
	struct conn *c = conn_of(s, conn);

	if (c)
		conn_answer_err(c, e);
}

/* ---- streams ----------------------------------------------------------------------------------------- */

static ssize_t stream_read(void *cls, uint64_t at, char *out, size_t max)
{
	struct conn *c = cls;
	size_t n;

	(void)at;
	if (c->cut || c->s->stopping)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = sse_read(c->sub, out, max);
	if (n == 0)
		conn_suspend(c);
	return (ssize_t)n;
}

static void stream_wake(void *ctx)
{
	conn_resume(ctx);
}

/* MHD waits until its socket takes more bytes, which a reader that stopped reading never lets happen;
 * so the socket is shut down under it. */
static void stream_cut(void *ctx)
{
	struct conn *c = ctx;
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	c->cut = true;
	c->s->cut_streams++;
	if (info)
		shutdown(info->connect_fd, SHUT_RDWR);
	conn_resume(c);
}

void http_server_stream(
        struct http_server *s, struct conn_id conn, const struct hash *topic, uint64_t cursor)
{
	struct conn *c = conn_of(s, conn);
	struct sse_listener l = {stream_wake, stream_cut, c};
	struct MHD_Response *r;
	struct err e;

	if (!c || c->response)
		return;
	if (s->stopping) {
		FAIL(&e, BUSY, "this server is stopping");
		conn_answer_err(c, &e);
		return;
	}
	if (!sse_subscribe(s->hub, topic, cursor, &l, &c->sub, &e)) {
		conn_answer_err(c, &e);
		return;
	}
	r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_PIECE, stream_read, c, NULL);
	if (!r)
		return;
	header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
	header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	give(c, 200, r);
}

bool http_server_emit(struct http_server *s, uint64_t id, const char *name,
        const struct hash topics[8], struct bytes data, struct err *e)
{
	TRY(sse_emit(s->hub, id, str_of(name), topics, bytes_str(data), e), e);
	/* Outside of the server's own turn somebody must flush. */
	if (!s->running)
		server_kick(s);
	return true;
}

/* ---- trees ------------------------------------------------------------------------------------------- */

static void unread(const struct conn *c, const struct err *e)
{
	if (c->s->o.unread)
		c->s->o.unread(c->s->o.ctx, e);
}

/* A small tree is read whole, of another the first blocks. */
static bool read_head(struct conn *c, struct err *e)
{
	struct buf *b = &c->tree_head;
	uint8_t piece[8 << 10];
	size_t n = 1;

	buf_init(b, TREE_PIECE);
	while (n && b->n < TREE_PIECE) {
		TRY(tree_out_read(c->tree_out, piece, MIN2(sizeof piece, TREE_PIECE - b->n), &n, e),
		        e);
		buf_put(b, piece, n);
		if (!buf_ok(b))
			return FAIL(e, MEMORY, "no memory to send a tree");
	}
	return true;
}

static ssize_t tree_read(void *cls, uint64_t at, char *out, size_t max)
{
	struct conn *c = cls;
	struct err e;
	size_t n;

	if (at < c->tree_head.n) {
		n = MIN2(max, c->tree_head.n - (size_t)at);
		memcpy(out, c->tree_head.p + at, n);
		return (ssize_t)n;
	}
	buf_done(&c->tree_head);
	/* A block that cannot be read ends the connection in the middle: the reader sees a tree that is
	 * not whole. */
	if (!tree_out_read(c->tree_out, (uint8_t *)out, max, &n, &e)) {
		unread(c, &e);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	return n ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

void http_server_give_tree(struct http_server *s, struct conn_id conn, const struct cid *root)
{
	struct conn *c = conn_of(s, conn);
	struct MHD_Response *r;
	struct err e;

	if (!c || c->response)
		return;
	assert(s->o.blobs);
	if (!tree_out_new(s->o.blobs, root, &c->tree_out, &e)) {
		conn_answer_err(c, &e);
		return;
	}
	if (!read_head(c, &e)) {
		unread(c, &e);
		conn_answer_err(c, &e);
		return;
	}
	r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, TREE_PIECE, tree_read, c, NULL);
	if (!r)
		return;
	header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/vnd.ipld.car");
	give(c, 200, r);
}

/* ---- figures ----------------------------------------------------------------------------------------- */

void http_server_metrics(const struct http_server *s, struct buf *out)
{
	static const int known[] = HTTP_STATUSES;

	buf_z(out, "# HELP lilypad_http_requests_total Requests by route and status.\n"
	           "# TYPE lilypad_http_requests_total counter\n");
	for (size_t r = 0; r <= ROUTES_MAX; r++) {
		const struct route *row = r < s->o.routes_n ? &s->o.routes[r] : NULL;

		for (size_t i = 0; i < HTTP_STATUSES_N; i++) {
			if (s->counts[r][i])
				buf_fmt(out,
				        "lilypad_http_requests_total{method=\"%s\",route=\"%s\","
				        "status=\"%d\"} %llu\n",
				        row ? row->method : "", row ? row->path : "", known[i],
				        (unsigned long long)s->counts[r][i]);
		}
	}
	buf_fmt(out,
	        "# HELP lilypad_http_connections Open connections.\n"
	        "# TYPE lilypad_http_connections gauge\nlilypad_http_connections %zu\n"
	        "# HELP lilypad_http_streams Open event streams.\n"
	        "# TYPE lilypad_http_streams gauge\nlilypad_http_streams %zu\n"
	        "# HELP lilypad_http_streams_cut_total Event streams cut for reading too slowly.\n"
	        "# TYPE lilypad_http_streams_cut_total counter\nlilypad_http_streams_cut_total %llu\n"
	        "# HELP lilypad_http_requests_cut_total Requests cut for arriving too slowly.\n"
	        "# TYPE lilypad_http_requests_cut_total counter\n"
	        "lilypad_http_requests_cut_total %llu\n"
	        "# HELP lilypad_http_body_bytes_total Bytes of request bodies.\n"
	        "# TYPE lilypad_http_body_bytes_total counter\nlilypad_http_body_bytes_total %llu\n",
	        s->socks, sse_subscribers(s->hub), (unsigned long long)s->cut_streams,
	        (unsigned long long)s->cut_slow, (unsigned long long)s->bytes_in);
}
