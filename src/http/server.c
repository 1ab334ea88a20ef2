/* server.c - libmicrohttpd inside the libuv loop: its epoll descriptor is one more descriptor of the
 * loop. */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server_own.h"

enum {
	ROUNDS_MAX = 8,    /* of MHD_run() in one loop turn */
	SPARE_CONNS = 256, /* above HTTP_CONNS_MAX, while idle ones are being closed */
	SPARE_FILES = 512, /* descriptors for everything else */
	LISTEN_BACKLOG = 4096,
	SLOW_LOOK_S = 2
};

/* ---- connections ------------------------------------------------------------------------------------- */

static void idle_remove(struct http_server *s, struct sock *k)
{
	if (k->prev)
		k->prev->next = k->next;
	else if (s->idle_first == k)
		s->idle_first = k->next;
	if (k->next)
		k->next->prev = k->prev;
	else if (s->idle_last == k)
		s->idle_last = k->prev;
	k->next = k->prev = NULL;
}

static void idle_add(struct http_server *s, struct sock *k)
{
	k->idle_s = s->ticks;
	k->prev = s->idle_last;
	if (s->idle_last)
		s->idle_last->next = k;
	else
		s->idle_first = k;
	s->idle_last = k;
}

static void peer_format(struct sock *k, const struct sockaddr *a)
{
	if (a && a->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr,
		        k->peer, sizeof k->peer);
	else if (a && a->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
		        k->peer, sizeof k->peer);
}

/* The one that was idle for longest. */
static void close_idle(struct http_server *s)
{
	struct sock *oldest = s->idle_first;

	idle_remove(s, oldest);
	oldest->closing = true;
	shutdown(oldest->fd, SHUT_RDWR);
}

static void opened(struct http_server *s, struct MHD_Connection *mhd, void **context)
{
	struct sock *k = calloc(1, sizeof *k);
	const union MHD_ConnectionInfo *info;

	if (!k)
		return;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	peer_format(k, info ? info->client_addr : NULL);
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	k->fd = info ? info->connect_fd : -1;
	*context = k;
	s->socks++;
	idle_add(s, k);
	/* At the maximum the one that was silent for longest makes room. */
	if (s->socks > s->o.conns_max && s->idle_first != k)
		close_idle(s);
}

static void closed(struct http_server *s, void **context)
{
	struct sock *k = *context;

	if (!k)
		return;
	if (!k->busy && !k->closing)
		idle_remove(s, k);
	s->socks--;
	free(k);
	*context = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
        enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		opened(cls, mhd, context);
	else
		closed(cls, context);
}

static void set_busy(struct http_server *s, struct MHD_Connection *mhd, bool busy)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct sock *k = info ? info->socket_context : NULL;

	if (!k || k->closing || k->busy == busy)
		return;
	k->busy = busy;
	if (busy)
		idle_remove(s, k);
	else
		idle_add(s, k);
}

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http_server *s = cls;
	struct conn *c;

	if (!conn_take(s, mhd, uri, &c))
		return NULL;
	set_busy(s, mhd, true);
	return c;
}

static void on_completed(
        void *cls, struct MHD_Connection *mhd, void **con, enum MHD_RequestTerminationCode why)
{
	struct http_server *s = cls;
	struct conn *c = *con;
	struct tree_done gone = {.ok = false};
	bool arriving = c && c->tree && !s->stopping;

	(void)why;
	set_busy(s, mhd, false);
	if (c) {
		gone.conn.v = c->id;
		conn_give(c);
	}
	*con = NULL;
	/* Whoever asked for the tree must not wait for it; there is nobody left to answer. */
	if (arriving) {
		FAIL(&gone.err, UNREACHABLE, "the sender of a tree has gone before its end");
		s->o.tree(s->o.ctx, &gone);
	}
}

/* ---- the loop ---------------------------------------------------------------------------------------- */

static void on_again(uv_timer_t *t);

void server_kick(struct http_server *s)
{
	uv_timer_start(&s->again, on_again, 0, 0);
}

static bool wants_run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return s->resumed || (MHD_get_timeout(s->daemon, &ms) == MHD_YES && ms == 0);
}

static void run(struct http_server *s)
{
	if (s->running)
		return;
	s->running = true;
	/* What was emitted since the last turn. */
	sse_flush(s->hub);
	for (int i = 0; i < ROUNDS_MAX; i++) {
		s->resumed = false;
		MHD_run(s->daemon);
		s->o.turn(s->o.ctx);
		sse_flush(s->hub);
		if (!wants_run(s))
			break;
	}
	s->running = false;
	if (wants_run(s))
		server_kick(s);
}

static void on_again(uv_timer_t *t)
{
	run(t->data);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	(void)status;
	(void)events;
	run(p->data);
}

void http_server_fail_waiting(struct http_server *s, const struct err *e)
{
	while (s->wait_first)
		conn_answer_err(s->wait_first, e);
}

/* A sender that is slow on purpose: a byte a second is not silence, and yet never ends. */
static bool is_slow(const struct http_server *s, const struct conn *c)
{
	uint64_t age = s->ticks - c->began_s;

	if (!c->mhd || c->suspended || age < s->o.read_s ||
	        (c->phase != CONN_NEW && c->phase != CONN_BODY))
		return false;
	return c->phase == CONN_NEW || !c->route || c->route->body != BODY_TREE ||
	       c->got / age < HTTP_RATE_MIN;
}

static void cut_slow(struct http_server *s)
{
	/* Between requests MHD's own clock runs, which any byte sets back. */
	while (s->idle_first && s->ticks - s->idle_first->idle_s > HTTP_IDLE_S + s->o.read_s)
		close_idle(s);
	for (size_t i = 0; i < s->slots_n; i++) {
		const union MHD_ConnectionInfo *info;

		if (!is_slow(s, s->slots[i]))
			continue;
		s->cut_slow++;
		info = MHD_get_connection_info(s->slots[i]->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
	}
}

static void on_tick(uv_timer_t *t)
{
	struct http_server *s = t->data;
	struct err e;

	s->ticks++;
	while (s->wait_first && s->ticks - s->wait_first->since_s >= s->o.answer_s) {
		FAIL(&e, TIMEOUT, "not answered within %u s", s->o.answer_s);
		conn_answer_err(s->wait_first, &e);
	}
	sse_tick(s->hub);
	if (s->ticks % SLOW_LOOK_S == 0)
		cut_slow(s);
	run(s);
}

/* ---- life -------------------------------------------------------------------------------------------- */

static bool address_of(
        const char *ip, uint16_t port, struct sockaddr_storage *out, bool *v6, struct err *e)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)(void *)out;

	memset(out, 0, sizeof *out);
	*v6 = false;
	if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, ip, &a6->sin6_addr) == 1) {
		a6->sin6_family = AF_INET6;
		a6->sin6_port = htons(port);
		*v6 = true;
		return true;
	}
	FAIL(e, CONFIG, "'%s' is no address to listen on", ip);
	return err_hint(e, "127.0.0.1 for this machine only, 0.0.0.0 for all");
}

/* As many connections as promised need as many descriptors; less than that only lowers the number. */
static void raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= HTTP_CONNS_MAX + SPARE_FILES)
		return;
	r.rlim_cur = MIN2((rlim_t)HTTP_CONNS_MAX + SPARE_FILES, r.rlim_max);
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

static bool listen_on(struct http_server *s, struct err *e)
{
	struct sockaddr_storage at;
	const union MHD_DaemonInfo *info;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	bool v6;

	TRY(address_of(s->o.ip, s->o.port, &at, &v6, e), e);
	raise_files();
	errno = 0;
	/* clang-format off */
	s->daemon = MHD_start_daemon(flags | (v6 ? MHD_USE_IPv6 : 0), 0, NULL, NULL, server_handle, s,
		MHD_OPTION_SOCK_ADDR, (struct sockaddr *)(void *)&at,
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_CONNECTION_LIMIT, s->o.conns_max + SPARE_CONNS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_PER_IP_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADER_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
		MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)LISTEN_BACKLOG,
		MHD_OPTION_END);
	/* clang-format on */
	if (!s->daemon)
		return FAIL_SYS(e, IO, errno, "cannot listen on %s port %u", s->o.ip, s->o.port);
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
	s->port = info ? info->port : s->o.port;
	return true;
}

static bool join_loop(struct http_server *s, struct err *e)
{
	const union MHD_DaemonInfo *info =
	        MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD_LINUX_ONLY);

	if (!info || uv_poll_init(s->o.loop, &s->poll, info->epoll_fd))
		return FAIL(e, INTERNAL, "the HTTP server gives no descriptor to wait on");
	uv_timer_init(s->o.loop, &s->tick);
	uv_timer_init(s->o.loop, &s->again);
	s->handles = 3;
	s->poll.data = s->tick.data = s->again.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_poll);
	uv_timer_start(&s->tick, on_tick, 1000, 1000);
	return true;
}

static void release(struct http_server *s)
{
	conn_pool_done(s);
	sse_hub_free(s->hub);
	router_free(s->router);
	free(s);
}

bool http_server_new(const struct http_server_options *o, struct http_server **out, struct err *e)
{
	struct http_server *s = calloc(1, sizeof *s);

	if (!s)
		return FAIL(e, MEMORY, "no memory for a server");
	s->o = *o;
	s->o.conns_max = o->conns_max ? o->conns_max : HTTP_CONNS_MAX;
	s->o.answer_s = o->answer_s ? o->answer_s : HTTP_ANSWER_S;
	s->o.read_s = o->read_s ? o->read_s : HTTP_READ_S;
	if (!router_new(o->routes, o->routes_n, &s->router, e) ||
	        !sse_hub_new(o->seed, &s->hub, e) || !listen_on(s, e)) {
		release(s);
		return false;
	}
	if (!join_loop(s, e)) {
		MHD_stop_daemon(s->daemon);
		release(s);
		return false;
	}
	*out = s;
	return true;
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->port;
}

static void end_streams(struct http_server *s)
{
	for (size_t i = 0; i < s->slots_n; i++) {
		if (s->slots[i]->sub)
			conn_resume(s->slots[i]);
	}
}

void http_server_stop(struct http_server *s)
{
	MHD_socket listener;

	if (s->stopping)
		return;
	s->stopping = true;
	listener = MHD_quiesce_daemon(s->daemon);
	if (listener != MHD_INVALID_SOCKET)
		close(listener);
	end_streams(s);
	server_kick(s);
}

size_t http_server_pending(const struct http_server *s)
{
	return s->open - MIN2(s->open, sse_subscribers(s->hub));
}

static void on_closed(uv_handle_t *h)
{
	struct http_server *s = h->data;

	if (--s->handles == 0)
		release(s);
}

struct http_server *http_server_free(struct http_server *s)
{
	if (!s)
		return NULL;
	s->stopping = s->running = true;
	/* MHD does not stop over sleeping connections. */
	for (size_t i = 0; i < s->slots_n; i++)
		conn_resume(s->slots[i]);
	uv_poll_stop(&s->poll);
	MHD_stop_daemon(s->daemon);
	uv_close((uv_handle_t *)&s->poll, on_closed);
	uv_close((uv_handle_t *)&s->tick, on_closed);
	uv_close((uv_handle_t *)&s->again, on_closed);
	return NULL;
}
