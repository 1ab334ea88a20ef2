/* embedded.c - submitting by POST; following by server-sent events.
 *
 * Whenever the stream of events opens, what may have been missed is read from the journal in pages, from
 * our own cursor on; what the stream says meanwhile is passed over, and one more page is read for it. So
 * the stream never has to know our place: it may have restarted, forgotten, or be another process. */
#include "chain/embedded.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "port/action_json.h"

enum {
	BATCH_MAX = 100,         /* actions of one request; the ledger takes 128 */
	BATCH_BYTES = 768 << 10, /* and of its body; it takes 1 MiB */
	PAGE_BYTES = 4 << 20,    /* of an answer: 500 events */
	PAGE_AGAIN_MS = 500      /* after a page that did not come */
};

/* An action that waits for the end of the turn. */
struct submit {
	struct submit *next;
	struct hash id;
	struct err refused; /* code NONE: it is sent */
	struct buf text;
};

/* Actions on their way. */
struct batch {
	struct embedded *m;
	struct batch *next, **at;
	struct http_handle call;
	size_t n;
	struct hash ids[BATCH_MAX];
};

struct embedded {
	struct http_client *client;
	char url[URL_MAX + 1];
	struct inbox in;
	struct addr account; /* zero: all */
	uint64_t seq;        /* events up to it are delivered, or concern others */
	struct btime time;
	struct http_handle events, clock, page;
	bool paging;      /* what the stream says is passed over */
	bool missed;      /* and it said something */
	bool down;        /* told so */
	uv_timer_t turn;  /* fires at once where something is to be told or sent */
	uv_timer_t again; /* for a page that did not come */
	unsigned closing;
	struct submit *first, **last;
	struct batch *batches;
	unsigned submits; /* waiting or on their way */
};

/* ---- notes -------------------------------------------------------------------------------------- */

static void note(struct embedded *m, struct ledger_note *n)
{
	n->time = m->time;
	m->in.ledger(m->in.self, n);
}

static void stage(
        struct embedded *m, enum ledger_stage which, const struct hash *id, const struct err *why)
{
	struct ledger_note n = {.stage = which, .action_id = *id};

	if (why)
		n.err = *why;
	note(m, &n);
}

static void deliver(struct embedded *m, const json_t *j)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};
	struct err e;

	if (!ledger_event_from_json(j, &n.event, &e) || n.event.seq <= m->seq)
		return;
	m->seq = n.event.seq;
	m->time.s = MAX2(m->time.s, n.event.time.s);
	n.action_id = n.event.action_id;
	note(m, &n);
}

static void time_is(struct embedded *m, const json_t *j)
{
	struct ledger_note n = {.stage = LEDGER_CLOCK};
	uint64_t s;
	struct err e;

	if (!json_get_u64(j, "time", &s, &e) || s > BTIME_MAX || s <= m->time.s)
		return;
	m->time.s = s;
	note(m, &n);
}

static void tell_down(struct embedded *m, const struct err *why)
{
	struct ledger_note n = {.stage = LEDGER_DOWN, .err = *why};

	if (m->down)
		return;
	m->down = true;
	note(m, &n);
}

static void tell_up(struct embedded *m)
{
	struct ledger_note n = {.stage = LEDGER_UP};

	if (!m->down)
		return;
	m->down = false;
	note(m, &n);
}

/* ---- submitting --------------------------------------------------------------------------------- */

static void batch_free(struct batch *b)
{
	*b->at = b->next;
	if (b->next)
		b->next->at = b->at;
	b->m->submits -= (unsigned)b->n;
	free(b);
}

/* One line of the answer. */
static void read_result(struct embedded *m, const struct hash *id, const json_t *result)
{
	const char *said = json_string_value(json_object_get(result, "stage"));
	const json_t *error = json_object_get(result, "error");
	struct buf text OWN(buf_done);
	struct err e;

	buf_init(&text, HTTP_BODY_MAX);
	if (said && strcmp(said, "final") == 0) {
		stage(m, LEDGER_INCLUDED, id, NULL);
		stage(m, LEDGER_FINAL, id, NULL);
		return;
	}
	if (error)
		json_canonical(error, &text);
	if (!error || !err_from_json(buf_view(&text), &e))
		FAIL(&e, PEER, "the answer of the ledger at %s is not understood", m->url);
	stage(m, LEDGER_DROPPED, id, &e);
}

static void on_submitted(void *ctx, const struct http_answer *a)
{
	struct batch *b = ctx;
	struct embedded *m = b->m;
	json_t *j OWN(json_own) = NULL;
	const json_t *results = NULL;
	struct err e;
	bool ok = http_answer_check(a, &e) && json_parse(bytes_str(a->body), &j, &e);

	if (ok) {
		results = json_object_get(j, "results");
		if (json_array_size(results) != b->n)
			ok = FAIL(&e, PEER, "the answer of the ledger at %s is not understood",
			        m->url);
	}
	for (size_t i = 0; i < b->n; i++) {
		if (ok)
			read_result(m, &b->ids[i], json_array_get(results, i));
		else
			stage(m, LEDGER_DROPPED, &b->ids[i], &e);
	}
	if (ok)
		time_is(m, j);
	batch_free(b);
}

static void send_batch(struct embedded *m, struct batch *b, struct buf *body)
{
	struct http_call call = {.method = "POST", .done = on_submitted, .ctx = b};
	char url[URL_MAX + 32];
	struct err e;

	snprintf(url, sizeof url, "%s/v1/actions", m->url);
	buf_z(body, "]}");
	call.url = url;
	call.body = buf_bytes(body);
	if (buf_ok(body))
		b->call = http_client_call(m->client, &call);
	if (b->call.v)
		return;
	FAIL(&e, MEMORY, "no memory to submit to the ledger");
	for (size_t i = 0; i < b->n; i++)
		stage(m, LEDGER_DROPPED, &b->ids[i], &e);
	batch_free(b);
}

static struct batch *batch_new(struct embedded *m)
{
	struct batch *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->m = m;
	b->next = m->batches;
	b->at = &m->batches;
	if (b->next)
		b->next->at = &b->next;
	m->batches = b;
	return b;
}

static struct submit *submit_take(struct embedded *m)
{
	struct submit *s = m->first;

	if (s) {
		m->first = s->next;
		if (!m->first)
			m->last = &m->first;
	}
	return s;
}

static void submit_free(struct submit *s)
{
	buf_done(&s->text);
	free(s);
}

/* The first of those that wait, as many as one request takes. */
static void send_some(struct embedded *m)
{
	struct batch *b = batch_new(m);
	struct buf body OWN(buf_done);
	struct submit *s;

	buf_init(&body, HTTP_BODY_MAX);
	buf_z(&body, "{\"actions\":[");
	while (b && m->first && b->n < BATCH_MAX && body.n < BATCH_BYTES) {
		s = submit_take(m);
		if (s->refused.code) {
			m->submits--;
			stage(m, LEDGER_DROPPED, &s->id, &s->refused);
		} else {
			buf_z(&body, b->n ? "," : "");
			buf_str(&body, buf_view(&s->text));
			b->ids[b->n++] = s->id;
			stage(m, LEDGER_PENDING, &s->id, NULL);
		}
		submit_free(s);
	}
	if (b && b->n)
		send_batch(m, b, &body);
	else if (b)
		batch_free(b);
}

static void on_turn(uv_timer_t *t)
{
	struct embedded *m = t->data;

	send_some(m);
	if (m->first)
		uv_timer_start(&m->turn, on_turn, 0, 0);
}

static void submit(void *self, const struct action *a, const struct hash *id)
{
	struct embedded *m = self;
	struct submit *s = calloc(1, sizeof *s);
	json_t *j;

	/* Without memory even for this nothing can be told either; the role asks again. */
	if (!s || m->closing) {
		free(s);
		return;
	}
	s->id = *id;
	buf_init(&s->text, HTTP_BODY_MAX / 2);
	j = action_to_json(a);
	json_canonical(j, &s->text);
	json_decref(j);
	if (m->submits >= EMBEDDED_SUBMITS_MAX)
		FAIL(&s->refused, BUSY, "%d actions are on their way to the ledger",
		        EMBEDDED_SUBMITS_MAX);
	else if (!buf_ok(&s->text))
		FAIL(&s->refused, MEMORY, "no memory to submit to the ledger");
	m->submits++;
	*m->last = s;
	m->last = &s->next;
	uv_timer_start(&m->turn, on_turn, 0, 0);
}

/* ---- pages -------------------------------------------------------------------------------------- */

static void next_page(struct embedded *m);

static void on_again(uv_timer_t *t)
{
	next_page(t->data);
}

/* A ledger that is behind us is another one, or has lost what it told us. */
static bool read_page(struct embedded *m, const json_t *j, bool *more, struct err *e)
{
	const json_t *events = json_object_get(j, "events"), *ev;
	uint64_t after = m->seq, last, next;
	size_t i;

	TRY(json_get_u64(j, "last", &last, e), e);
	TRY(json_get_u64(j, "next", &next, e), e);
	if (last < after)
		return FAIL(e, WRONG_LEDGER,
		        "the ledger at %s is at event %llu, we have seen event %llu", m->url,
		        (unsigned long long)last, (unsigned long long)after);
	if (!json_is_array(events) || next > last || (next <= after && after < last))
		return FAIL(e, PEER, "a page of the ledger at %s is not understood", m->url);
	tell_up(m);
	json_array_foreach (events, i, ev)
		deliver(m, ev);
	*more = next < last;
	m->seq = MAX2(m->seq, next);
	time_is(m, j);
	return true;
}

static void on_page(void *ctx, const struct http_answer *a)
{
	struct embedded *m = ctx;
	json_t *j OWN(json_own) = NULL;
	bool more = false;
	struct err e;

	m->page.v = 0;
	if (!http_answer_check(a, &e) || !json_parse(bytes_str(a->body), &j, &e) ||
	        !read_page(m, j, &more, &e)) {
		tell_down(m, &e);
		uv_timer_start(&m->again, on_again, PAGE_AGAIN_MS, 0);
		return;
	}
	if (m->closing)
		return;
	if (more || m->missed)
		next_page(m);
	else
		m->paging = false;
}

static void next_page(struct embedded *m)
{
	struct http_call call = {
	        .method = "GET", .done = on_page, .ctx = m, .answer_max = PAGE_BYTES};
	char url[URL_MAX + 160], who[ADDR_TEXT_MAX];

	http_client_cancel(m->client, m->page);
	uv_timer_stop(&m->again);
	m->paging = true;
	m->missed = false;
	addr_format(&m->account, who);
	snprintf(url, sizeof url, "%s/v1/events/page?after=%llu%s%s", m->url,
	        (unsigned long long)m->seq,
	        addr_is_zero(&m->account) ? "" : "&account=", addr_is_zero(&m->account) ? "" : who);
	call.url = url;
	m->page = http_client_call(m->client, &call);
	if (m->page.v == 0)
		uv_timer_start(&m->again, on_again, PAGE_AGAIN_MS, 0);
}

/* ---- streams ------------------------------------------------------------------------------------ */

static void on_message(void *ctx, uint64_t id, struct str name, struct str data)
{
	struct embedded *m = ctx;
	json_t *j OWN(json_own) = NULL;
	struct err e;

	if (str_is(name, "event") && m->paging) {
		m->missed = m->missed || id > m->seq;
		return;
	}
	if (!json_parse(data, &j, &e))
		return;
	if (str_is(name, "event"))
		deliver(m, j);
	else if (str_is(name, "clock"))
		time_is(m, j);
}

static void on_state(void *ctx, bool connected, bool lost, const struct err *why)
{
	struct embedded *m = ctx;

	(void)lost;
	if (connected)
		next_page(m);
	else
		tell_down(m, why);
}

static struct http_handle follow(struct embedded *m, const char *path, bool states)
{
	struct http_follow f = {.cursor = m->seq,
	        .message = on_message,
	        .state = states ? on_state : NULL,
	        .ctx = m};
	char url[URL_MAX + 160];

	snprintf(url, sizeof url, "%s%s", m->url, path);
	f.url = url;
	return http_client_follow(m->client, &f);
}

/* ---- life --------------------------------------------------------------------------------------- */

static bool start(void *self, uint64_t after, const struct addr *account, const struct inbox *in,
        struct err *e)
{
	struct embedded *m = self;
	char path[ADDR_TEXT_MAX + 32] = "/v1/events", who[ADDR_TEXT_MAX];

	m->in = *in;
	m->seq = after;
	m->account = *account;
	/* Until the stream is open, what it would say is not known. */
	m->paging = true;
	if (!addr_is_zero(account)) {
		addr_format(account, who);
		snprintf(path, sizeof path, "/v1/events?account=%s", who);
		m->clock = follow(m, "/v1/clock", false);
	}
	m->events = follow(m, path, true);
	if (m->events.v == 0 || (m->clock.v == 0 && !addr_is_zero(account)))
		return FAIL(e, MEMORY, "no memory to follow the ledger");
	return true;
}

static void on_closed(uv_handle_t *h)
{
	struct embedded *m = h->data;

	if (--m->closing == 0)
		free(m);
}

static void stop(void *self)
{
	struct embedded *m = self;

	if (m->closing)
		return;
	http_client_cancel(m->client, m->page);
	http_client_unfollow(m->client, m->events);
	http_client_unfollow(m->client, m->clock);
	while (m->batches) {
		http_client_cancel(m->client, m->batches->call);
		batch_free(m->batches);
	}
	while (m->first)
		submit_free(submit_take(m));
	m->closing = 2;
	uv_close((uv_handle_t *)&m->turn, on_closed);
	uv_close((uv_handle_t *)&m->again, on_closed);
}

bool embedded_open(uv_loop_t *loop, struct http_client *client, const char *url,
        struct ledger_port *out, struct err *e)
{
	size_t n = strlen(url);
	struct embedded *m;

	if (n == 0 || n > URL_MAX)
		return FAIL(e, CONFIG,
		        "ledger.url is \"%.80s\"; it must be like http://127.0.0.1:7000", url);
	m = calloc(1, sizeof *m);
	if (!m)
		return FAIL(e, MEMORY, "no memory for the ledger port");
	m->client = client;
	memcpy(m->url, url, n);
	while (n && m->url[n - 1] == '/')
		m->url[--n] = '\0';
	m->last = &m->first;
	uv_timer_init(loop, &m->turn);
	uv_timer_init(loop, &m->again);
	m->turn.data = m->again.data = m;
	*out = (struct ledger_port){m, start, submit, stop};
	return true;
}

void embedded_close(struct ledger_port *p)
{
	if (p->self)
		stop(p->self);
	p->self = NULL;
}
