/* embedded.c - submitting by POST, following by server-sent events; what the stream no longer has is
 * read in pages. */
#include "chain/embedded.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "port/action_json.h"

struct embedded {
	uv_loop_t *loop;
	struct http_client *client;
	char url[URL_MAX + 1];
	struct inbox in;
	struct addr account; /* zero: all */
	uint64_t seq;        /* of the last event that was delivered */
	struct btime time;
	struct http_handle follow;
	bool following, paging, down, stopped;
	unsigned submits;
};

/* ---- notes ------------------------------------------------------------------------------------------ */

static void note(struct embedded *m, struct ledger_note *n)
{
	n->time = m->time;
	m->in.ledger(m->in.self, n);
}

static bool names_us(const struct embedded *m, const struct ledger_event *ev)
{
	if (addr_is_zero(&m->account) || addr_eq(&ev->account, &m->account))
		return true;
	for (uint32_t i = 0; i < ev->changes_n; i++) {
		if (addr_eq(&ev->changes[i].account, &m->account))
			return true;
	}
	/* A step that moves no money names its deal only: the stream has filtered by party. */
	return ev->changes_n == 0;
}

static void deliver(struct embedded *m, const json_t *j)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};
	struct err e;

	if (!ledger_event_from_json(j, &n.event, &e) || n.event.seq <= m->seq)
		return;
	m->seq = n.event.seq;
	if (n.event.time.s > m->time.s)
		m->time = n.event.time;
	n.action_id = n.event.action_id;
	if (names_us(m, &n.event))
		note(m, &n);
}

/* ---- submitting ------------------------------------------------------------------------------------- */

struct submit {
	struct embedded *m;
	struct hash id;
};

static void dropped(struct embedded *m, const struct hash *id, const struct err *why)
{
	struct ledger_note n = {.stage = LEDGER_DROPPED, .action_id = *id, .err = *why};

	note(m, &n);
}

static void included(struct embedded *m, const struct hash *id)
{
	struct ledger_note n = {.stage = LEDGER_INCLUDED, .action_id = *id};

	note(m, &n);
	n.stage = LEDGER_FINAL;
	note(m, &n);
}

static void read_answer(struct embedded *m, const struct hash *id, struct bytes body)
{
	json_t *j OWN(json_own) = NULL;
	const json_t *result, *error;
	const char *stage;
	struct buf text OWN(buf_done);
	uint64_t time;
	struct err e;

	if (!json_parse(bytes_str(body), &j, &e)) {
		dropped(m, id, &e);
		return;
	}
	if (json_get_u64(j, "time", &time, &e) && time > m->time.s)
		m->time.s = time;
	result = json_array_get(json_object_get(j, "results"), 0);
	stage = json_string_value(json_object_get(result, "stage"));
	error = json_object_get(result, "error");
	if (stage && strcmp(stage, "final") == 0) {
		included(m, id);
		return;
	}
	buf_init(&text, HTTP_BODY_MAX);
	if (error)
		json_canonical(error, &text);
	if (!error || !err_from_json(buf_view(&text), &e))
		FAIL(&e, PEER, "the ledger's answer is not understood");
	dropped(m, id, &e);
}

static void on_submitted(void *ctx, const struct http_answer *a)
{
	struct submit *s = ctx;
	struct embedded *m = s->m;
	struct err e;

	m->submits--;
	if (!m->stopped) {
		if (http_answer_check(a, &e))
			read_answer(m, &s->id, a->body);
		else
			dropped(m, &s->id, &e);
	}
	free(s);
}

static void submit(void *self, const struct action *a, const struct hash *id)
{
	struct embedded *m = self;
	struct ledger_note pending = {.stage = LEDGER_PENDING, .action_id = *id};
	struct submit *s = m->submits < EMBEDDED_SUBMITS_MAX ? malloc(sizeof *s) : NULL;
	struct http_call call = {.method = "POST", .done = on_submitted, .ctx = s};
	struct buf text OWN(buf_done);
	char url[URL_MAX + 32];
	struct err e;
	json_t *j;

	if (!s) {
		FAIL(&e, BUSY, "%d actions are on their way to the ledger", EMBEDDED_SUBMITS_MAX);
		dropped(m, id, &e);
		return;
	}
	*s = (struct submit){m, *id};
	snprintf(url, sizeof url, "%s/v1/actions", m->url);
	buf_init(&text, HTTP_BODY_MAX);
	j = action_to_json(a);
	json_canonical(j, &text);
	json_decref(j);
	call.url = url;
	call.body = buf_bytes(&text);
	m->submits++;
	note(m, &pending);
	if (http_client_call(m->client, &call).v == 0) {
		m->submits--;
		free(s);
		FAIL(&e, MEMORY, "no memory to submit");
		dropped(m, id, &e);
	}
}

/* ---- following -------------------------------------------------------------------------------------- */

static void follow(struct embedded *m);
static void next_page(struct embedded *m);

static void on_page(void *ctx, const struct http_answer *a)
{
	struct embedded *m = ctx;
	json_t *j OWN(json_own) = NULL;
	const json_t *events, *ev;
	uint64_t last = 0;
	struct err e;
	size_t i;

	m->paging = false;
	if (m->stopped)
		return;
	if (!http_answer_check(a, &e) || !json_parse(bytes_str(a->body), &j, &e) ||
	        !json_get_u64(j, "last", &last, &e)) {
		follow(m); /* its reconnecting tries again */
		return;
	}
	events = json_object_get(j, "events");
	json_array_foreach (events, i, ev)
		deliver(m, ev);
	if (m->seq < last && json_array_size(events) > 0)
		next_page(m);
	else
		follow(m);
}

/* The pages hold every account's events; those of others are passed over in names_us(). */
static void next_page(struct embedded *m)
{
	struct http_call call = {
	        .method = "GET", .done = on_page, .ctx = m, .answer_max = 16u << 20};
	char url[URL_MAX + 96];

	snprintf(url, sizeof url, "%s/v1/events/page?after=%llu", m->url,
	        (unsigned long long)m->seq);
	call.url = url;
	m->paging = http_client_call(m->client, &call).v != 0;
}

static void on_message(void *ctx, uint64_t id, struct str name, struct str data)
{
	struct embedded *m = ctx;
	struct ledger_note clock = {.stage = LEDGER_CLOCK};
	json_t *j OWN(json_own) = NULL;
	uint64_t time;
	struct err e;

	(void)id;
	if (m->stopped || !json_parse(data, &j, &e))
		return;
	if (str_is(name, "event")) {
		deliver(m, j);
	} else if (str_is(name, "clock") && json_get_u64(j, "time", &time, &e)) {
		m->time.s = MAX2(m->time.s, time);
		note(m, &clock);
	}
}

static void on_state(void *ctx, bool connected, bool lost, const struct err *why)
{
	struct embedded *m = ctx;
	struct ledger_note n = {.stage = connected ? LEDGER_UP : LEDGER_DOWN};

	if (m->stopped)
		return;
	if (connected && lost && !m->paging) {
		/* The stream has forgotten our place: read on in pages, then follow from there. */
		http_client_unfollow(m->client, m->follow);
		m->following = false;
		next_page(m);
		return;
	}
	if (!connected && why)
		n.err = *why;
	m->down = !connected;
	note(m, &n);
}

static void follow(struct embedded *m)
{
	struct http_follow f = {
	        .cursor = m->seq, .message = on_message, .state = on_state, .ctx = m};
	char url[URL_MAX + 96], who[ADDR_TEXT_MAX];

	if (addr_is_zero(&m->account)) {
		snprintf(url, sizeof url, "%s/v1/events", m->url);
	} else {
		addr_format(&m->account, who);
		snprintf(url, sizeof url, "%s/v1/events?account=%s", m->url, who);
	}
	f.url = url;
	m->follow = http_client_follow(m->client, &f);
	m->following = m->follow.v != 0;
}

static bool start(void *self, uint64_t after, const struct addr *account, const struct inbox *in,
        struct err *e)
{
	struct embedded *m = self;

	m->in = *in;
	m->seq = after;
	m->account = *account;
	next_page(m);
	if (!m->paging)
		return FAIL(e, MEMORY, "no memory to follow the ledger");
	return true;
}

static void stop(void *self)
{
	struct embedded *m = self;

	if (m->following)
		http_client_unfollow(m->client, m->follow);
	m->following = false;
	m->stopped = true;
}

bool embedded_open(uv_loop_t *loop, struct http_client *client, const char *url,
        struct ledger_port *out, struct err *e)
{
	struct embedded *m = calloc(1, sizeof *m);

	if (!m)
		return FAIL(e, MEMORY, "no memory for the ledger port");
	if (strlen(url) > URL_MAX || strlen(url) == 0) {
		free(m);
		return FAIL(e, CONFIG,
		        "ledger.url is \"%.80s\"; it must be like http://127.0.0.1:7000", url);
	}
	m->loop = loop;
	m->client = client;
	snprintf(m->url, sizeof m->url, "%s", url);
	*out = (struct ledger_port){m, start, submit, stop};
	return true;
}

void embedded_close(struct ledger_port *p)
{
	free(p->self);
	p->self = NULL;
}
