/* client.c - libcurl's multi interface on the libuv loop: curl names the descriptors and the time it
 * waits for, the loop waits. */
#include "http/client.h"

#include <stdlib.h>

#include "http/easy.h"
#include "http/sse_reader.h"
#include "os/clock.h"

enum {
	HANDLES_KEPT = 64,      /* libcurl handles that wait for the next call */
	HOST_CONNECTIONS = 256, /* open at once to one server */
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MAX_MS = 5000,
	STEADY_MS = 10000, /* a stream that held so long starts from the first delay again */
	SSE_SILENCE_S = 45,
	SLOTS_MAX = HTTP_CALLS_MAX * 2
};

/* A call, or an event stream, which is a call that is made again and again. */
struct task {
	struct http_client *client;
	uint64_t id;
	struct easy easy;
	bool in_multi;
	bool dead;  /* cancelled: freed when curl is not running */
	bool waits; /* to be started, at due_ms */
	int64_t due_ms;
	bool again;        /* a stale signature was refused once */
	struct err broken; /* what cannot even be started: told on the loop */
	bool is_broken;
	/* streams */
	bool follows;
	struct http_follow follow;
	struct sse_reader reader;
	char *easy_headers; /* of this connection */
	bool connected, lost;
	enum err_code
	        told_down; /* why the stream is down, as it was told; E_NONE: it is not, or nobody knows */
	int64_t backoff_ms;
	int64_t since_ms;
};

struct sock {
	struct http_client *client;
	uv_poll_t poll;
	curl_socket_t fd;
};

struct http_client {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer; /* curl's */
	uv_timer_t later; /* ours: tasks that wait */
	struct http_identity who;
	bool has_who;
	unsigned depth;      /* curl is running: it must not be called from its callbacks */
	struct task **tasks; /* by slot; NULL: free */
	uint32_t *uses;      /* of each slot */
	size_t tasks_n, tasks_cap;
	size_t calls;
	CURL *kept[HANDLES_KEPT];
	size_t kept_n;
	unsigned handles; /* open handles of the loop */
	bool ending;
};

static int64_t now_ms(void)
{
	return clock_mono().ns / 1000000;
}

/* ---- tasks ------------------------------------------------------------------------------------------- */

static bool slots_grow(struct http_client *c)
{
	size_t cap = c->tasks_cap ? c->tasks_cap * 2 : 32;
	struct task **tasks;
	uint32_t *uses;

	if (cap > SLOTS_MAX)
		return false;
	tasks = reallocarray(c->tasks, cap, sizeof *tasks);
	if (!tasks)
		return false;
	c->tasks = tasks;
	uses = reallocarray(c->uses, cap, sizeof *uses);
	if (!uses)
		return false;
	c->uses = uses;
	c->tasks_cap = cap;
	return true;
}

static struct task *task_new(struct http_client *c)
{
	struct task *t;
	size_t slot = 0;

	while (slot < c->tasks_n && c->tasks[slot])
		slot++;
	if (slot == c->tasks_cap && !slots_grow(c))
		return NULL;
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	if (slot == c->tasks_n) {
		c->uses[slot] = 0;
		c->tasks_n++;
	}
	c->tasks[slot] = t;
	t->client = c;
	t->id = (uint64_t)++c->uses[slot] << 32 | slot;
	return t;
}

static struct task *task_of(const struct http_client *c, struct http_handle h)
{
	uint32_t slot = (uint32_t)h.v;
	struct task *t = slot < c->tasks_n ? c->tasks[slot] : NULL;

	return t && t->id == h.v && !t->dead ? t : NULL;
}

static void give_handle(struct http_client *c, CURL *h)
{
	if (!h)
		return;
	if (c->kept_n == HANDLES_KEPT) {
		curl_easy_cleanup(h);
		return;
	}
	curl_easy_reset(h);
	c->kept[c->kept_n++] = h;
}

/* Not from within curl. */
static void task_detach(struct task *t)
{
	CURL *h = TAKE(t->easy.h);

	if (t->in_multi)
		curl_multi_remove_handle(t->client->multi, h);
	t->in_multi = false;
	give_handle(t->client, h);
}

static void task_free(struct task *t)
{
	struct http_client *c = t->client;

	task_detach(t);
	if (t->follows) {
		sse_reader_done(&t->reader);
		free(t->easy_headers);
	} else {
		c->calls--;
	}
	easy_done(&t->easy);
	c->tasks[(uint32_t)t->id] = NULL;
	free(t);
}

static void task_finish(struct task *t, const struct http_answer *a)
{
	t->dead = true;
	if (t->easy.c.done)
		t->easy.c.done(t->easy.c.ctx, a);
	task_free(t);
}

/* ---- starting ------------------------------------------------------------------------------------------ */

static void later_arm(struct http_client *c);

static void wait_until(struct task *t, int64_t due_ms)
{
	t->waits = true;
	t->due_ms = due_ms;
	later_arm(t->client);
}

static void stream_ended(struct task *t, const struct err *why);

static void task_fail(struct task *t, const struct err *e)
{
	struct http_answer a = {.err = *e};

	if (t->follows)
		stream_ended(t, e);
	else
		task_finish(t, &a);
}

static CURL *take_handle(struct http_client *c)
{
	return c->kept_n ? c->kept[--c->kept_n] : curl_easy_init();
}

static bool stream_headers(struct task *t, struct err *e);

static bool task_setup(struct task *t, CURL *h, struct err *e)
{
	struct http_client *c = t->client;

	if (t->is_broken) {
		*e = t->broken;
		return false;
	}
	if (!h)
		return FAIL(e, MEMORY, "no memory for a request");
	if (t->follows)
		TRY(stream_headers(t, e), e);
	TRY(easy_setup(&t->easy, h, c->has_who ? &c->who : NULL, e), e);
	curl_easy_setopt(h, CURLOPT_PRIVATE, t);
	if (curl_multi_add_handle(c->multi, h) != CURLM_OK)
		return FAIL(e, MEMORY, "no memory for a request");
	return true;
}

/* The handle goes back when it cannot be started. */
static bool task_try(struct task *t, struct err *e)
{
	CURL *h = take_handle(t->client);

	t->waits = false;
	t->in_multi = task_setup(t, h, e);
	if (t->in_multi)
		return true;
	t->easy.h = NULL;
	give_handle(t->client, h);
	return false;
}

static void task_start(struct task *t)
{
	struct err e;

	if (!task_try(t, &e))
		task_fail(t, &e);
}

static void start_due(struct http_client *c)
{
	int64_t now = now_ms();

	for (size_t i = 0; i < c->tasks_n; i++) {
		struct task *t = c->tasks[i];

		if (t && t->dead)
			task_free(t);
		else if (t && t->waits && t->due_ms <= now)
			task_start(t);
	}
}

static void on_later(uv_timer_t *timer)
{
	struct http_client *c = timer->data;

	start_due(c);
	later_arm(c);
}

static void later_arm(struct http_client *c)
{
	int64_t due = INT64_MAX, now;

	for (size_t i = 0; i < c->tasks_n; i++) {
		const struct task *t = c->tasks[i];

		if (t && t->dead)
			due = 0;
		else if (t && t->waits)
			due = MIN2(due, t->due_ms);
	}
	if (due == INT64_MAX || c->ending)
		return;
	now = now_ms();
	uv_timer_start(&c->later, on_later, due > now ? (uint64_t)(due - now) : 0, 0);
}

/* ---- event streams ------------------------------------------------------------------------------------- */

static bool stream_headers(struct task *t, struct err *e)
{
	OWN(buf_done) struct buf b = {0};
	char *text;

	/* The cursor moves: headers are made anew for each connection. */
	buf_init(&b, 16 << 10);
	buf_z(&b, "Accept: text/event-stream\n");
	if (t->reader.id)
		buf_fmt(&b, "Last-Event-ID: %llu\n", (unsigned long long)t->reader.id);
	text = strdup(buf_cstr(&b));
	if (!text || !buf_ok(&b)) {
		free(text);
		return FAIL(e, MEMORY, "no memory for headers");
	}
	free(t->easy_headers);
	t->easy.c.headers = t->easy_headers = text;
	sse_reader_restart(&t->reader);
	return true;
}

static void tell(struct task *t, bool connected, const struct err *why)
{
	if (t->follow.state)
		t->follow.state(t->follow.ctx, connected, connected && t->lost, why);
	if (connected)
		t->lost = false;
}

static bool on_stream_data(void *ctx, struct bytes piece, struct err *e)
{
	struct task *t = ctx;

	if (t->dead)
		return FAIL(e, CANCELLED, "no longer followed");
	if (!t->connected) {
		t->connected = true;
		t->told_down = E_NONE;
		t->since_ms = now_ms();
		tell(t, true, NULL);
	}
	TRY(sse_reader_feed(&t->reader, piece, e), e);
	return !t->dead;
}

static void on_stream_event(void *self, uint64_t id, struct str name, struct str data)
{
	struct task *t = self;

	if (!t->dead)
		t->follow.message(t->follow.ctx, id, name, data);
}

static void stream_ended(struct task *t, const struct err *why)
{
	bool steady = t->connected && now_ms() - t->since_ms >= STEADY_MS;
	int64_t delay;

	if (t->follow.cursor != t->reader.id || steady)
		t->backoff_ms = BACKOFF_FIRST_MS;
	t->follow.cursor = t->reader.id;
	delay = t->backoff_ms;
	t->backoff_ms = MIN2(t->backoff_ms * 2, (int64_t)BACKOFF_MAX_MS);
	if (why->code == E_CONFLICT && t->reader.id) {
		/* What it missed is forgotten over there: from the oldest that is left. */
		t->reader.id = t->follow.cursor = 0;
		t->lost = true;
		delay = 0;
	}
	t->connected = false;
	wait_until(t, now_ms() + delay);
	if (t->told_down != why->code && delay) {
		t->told_down = why->code;
		tell(t, false, why);
	}
}

struct http_handle http_client_follow(struct http_client *c, const struct http_follow *f)
{
	struct http_call call = {.method = "GET",
	        .url = f->url,
	        .audience = f->audience,
	        .data = on_stream_data,
	        .silence = span_s(SSE_SILENCE_S)};
	struct task *t = task_new(c);

	if (!t)
		return (struct http_handle){0};
	t->follows = true;
	t->follow = *f;
	t->backoff_ms = BACKOFF_FIRST_MS;
	sse_reader_init(&t->reader, f->cursor, on_stream_event, t);
	call.ctx = t;
	if (!easy_init(&t->easy, &call, &t->broken)) {
		task_free(t);
		return (struct http_handle){0};
	}
	wait_until(t, now_ms());
	return (struct http_handle){t->id};
}

/* ---- ending -------------------------------------------------------------------------------------------- */

static void stream_done(struct task *t, const struct http_answer *a)
{
	struct err e;

	if (a->ok && a->status < 400)
		FAIL(&e, UNREACHABLE, "%s: the stream ended", t->easy.c.url);
	else
		e = a->err;
	task_detach(t);
	stream_ended(t, &e);
}

static void task_done(struct task *t, CURLcode rc)
{
	struct http_answer a;

	easy_answer(&t->easy, rc, &a);
	if (t->dead) {
		task_free(t);
	} else if (easy_is_stale(&t->easy, &a) && !t->again && !t->follows) {
		t->again = true;
		task_detach(t);
		wait_until(t, now_ms() + EASY_STALE_MS);
	} else if (t->follows) {
		stream_done(t, &a);
	} else {
		task_finish(t, &a);
	}
}

static void check_done(struct http_client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		struct task *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)(void *)&t);
		assert(t);
		task_done(t, m->data.result);
	}
}

static void run(struct http_client *c, curl_socket_t fd, int events)
{
	int running;

	c->depth++;
	curl_multi_socket_action(c->multi, fd, events, &running);
	c->depth--;
	check_done(c);
}

/* ---- curl's side of the loop --------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
	struct http_client *c = h->data;

	if (--c->handles == 0 && c->ending) {
		free(c->tasks);
		free(c->uses);
		free(c);
	}
}

static void on_sock_closed(uv_handle_t *h)
{
	struct sock *s = h->data;

	h->data = s->client;
	on_closed(h);
	free(s);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct sock *s = p->data;
	int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
	            (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) |
	            (status < 0 ? CURL_CSELECT_ERR : 0);

	run(s->client, s->fd, flags);
}

static struct sock *sock_new(struct http_client *c, curl_socket_t fd)
{
	struct sock *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->client = c;
	s->fd = fd;
	if (uv_poll_init_socket(c->loop, &s->poll, fd)) {
		free(s);
		return NULL;
	}
	c->handles++;
	s->poll.data = s;
	curl_multi_assign(c->multi, fd, s);
	return s;
}

static int on_socket(CURL *h, curl_socket_t fd, int what, void *ctx, void *per_socket)
{
	struct http_client *c = ctx;
	struct sock *s = per_socket;
	int events = 0;

	(void)h;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			uv_poll_stop(&s->poll);
			uv_close((uv_handle_t *)&s->poll, on_sock_closed);
			curl_multi_assign(c->multi, fd, NULL);
		}
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= UV_READABLE;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= UV_WRITABLE;
	if (!s)
		s = sock_new(c, fd);
	return s && uv_poll_start(&s->poll, events, on_poll) == 0 ? 0 : -1;
}

static void on_timeout(uv_timer_t *t)
{
	run(t->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *m, long ms, void *ctx)
{
	struct http_client *c = ctx;

	(void)m;
	if (ms < 0)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, on_timeout, (uint64_t)ms, 0);
	return 0;
}

/* ---- what callers see ---------------------------------------------------------------------------------- */

bool http_client_new(
        uv_loop_t *loop, const struct http_identity *who, struct http_client **out, struct err *e)
{
	struct http_client *c = calloc(1, sizeof *c);

	if (!c)
		return FAIL(e, MEMORY, "no memory for an HTTP client");
	c->multi = curl_multi_init();
	if (!c->multi) {
		free(c);
		return FAIL(e, MEMORY, "no memory for an HTTP client");
	}
	c->loop = loop;
	if (who && who->signer.sign) {
		c->who = *who;
		c->has_who = true;
	}
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)HOST_CONNECTIONS);
	uv_timer_init(loop, &c->timer);
	uv_timer_init(loop, &c->later);
	c->timer.data = c->later.data = c;
	c->handles = 2;
	*out = c;
	return true;
}

struct http_client *http_client_free(struct http_client *c)
{
	if (!c)
		return NULL;
	assert(c->depth == 0);
	c->ending = true;
	for (size_t i = 0; i < c->tasks_n; i++) {
		if (c->tasks[i])
			task_free(c->tasks[i]);
	}
	while (c->kept_n)
		curl_easy_cleanup(c->kept[--c->kept_n]);
	curl_multi_cleanup(c->multi);
	uv_close((uv_handle_t *)&c->timer, on_closed);
	uv_close((uv_handle_t *)&c->later, on_closed);
	return NULL;
}

struct http_handle http_client_call(struct http_client *c, const struct http_call *call)
{
	struct task *t = task_new(c);

	if (!t)
		return (struct http_handle){0};
	c->calls++;
	t->is_broken = !easy_init(&t->easy, call, &t->broken);
	if (t->is_broken) {
		t->easy.c.done = call->done;
		t->easy.c.ctx = call->ctx;
	} else if (c->calls > HTTP_CALLS_MAX) {
		t->is_broken = true;
		FAIL(&t->broken, BUSY, "more than %d calls in progress", HTTP_CALLS_MAX);
	}
	/* curl itself calls nothing back before its timer: it may be started at once. */
	if (!t->is_broken && c->depth == 0)
		t->is_broken = !task_try(t, &t->broken);
	if (!t->in_multi)
		wait_until(t, now_ms());
	return (struct http_handle){t->id};
}

void http_client_cancel(struct http_client *c, struct http_handle h)
{
	struct task *t = task_of(c, h);

	if (!t)
		return;
	t->dead = true;
	if (c->depth == 0)
		task_free(t);
	else
		later_arm(c);
}

void http_client_unfollow(struct http_client *c, struct http_handle h)
{
	http_client_cancel(c, h);
}

size_t http_client_pending(const struct http_client *c)
{
	return c->calls;
}
