/* client.c - the ledger port over the routes of ledgerd, as chain/embedded.c has it: what may have been missed
 * is read in pages whenever the stream opens, what the stream says meanwhile is passed over. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "port/action_json.h"
#include "sim.h"

enum { BATCH_MAX = 100, PAGE_AGAIN_MS = 500 };

struct submit {
	struct submit *next;
	struct hash id;
	struct buf text;
};

struct client {
	struct node *n;
	struct inbox in;
	struct addr account; /* zero: all */
	uint64_t seq;
	struct btime time;
	bool paging, missed, down, turn_set;
	uint64_t page; /* number of the page that is awaited: others are too late */
	struct submit *first, **last;
};

/* ---- notes -------------------------------------------------------------------------------------------- */

static void note(struct client *c, struct ledger_note *n)
{
	n->time = c->time;
	c->in.ledger(c->in.self, n);
}

static void stage(
        struct client *c, enum ledger_stage which, const struct hash *id, const struct err *why)
{
	struct ledger_note n = {.stage = which, .action_id = *id};

	if (why)
		n.err = *why;
	note(c, &n);
}

static void deliver(struct client *c, const json_t *j)
{
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};
	struct err e;

	if (!ledger_event_from_json(j, &n.event, &e) || n.event.seq <= c->seq)
		return;
	c->seq = n.event.seq;
	c->time.s = MAX2(c->time.s, n.event.time.s);
	n.action_id = n.event.action_id;
	note(c, &n);
}

static void time_is(struct client *c, const json_t *j)
{
	struct ledger_note n = {.stage = LEDGER_CLOCK};
	uint64_t t;
	struct err e;

	if (!json_get_u64(j, "time", &t, &e) || t > BTIME_MAX || t <= c->time.s)
		return;
	c->time.s = t;
	note(c, &n);
}

static void tell_down(struct client *c, const struct err *why)
{
	struct ledger_note n = {.stage = LEDGER_DOWN, .err = *why};

	if (c->down)
		return;
	c->down = true;
	note(c, &n);
}

static void tell_up(struct client *c)
{
	struct ledger_note n = {.stage = LEDGER_UP};

	if (!c->down)
		return;
	c->down = false;
	note(c, &n);
}

/* As http_answer_check(), and the body as JSON. */
static bool read_json(const struct net_answer *a, json_t **out, struct err *e)
{
	if (!a->ok || a->status >= 400) {
		*e = a->err;
		return false;
	}
	return json_parse(bytes_str(a->body), out, e);
}

/* ---- submitting ---------------------------------------------------------------------------------------- */

struct batch {
	size_t n;
	struct hash ids[BATCH_MAX];
};

static void read_result(struct client *c, const struct hash *id, const json_t *result)
{
	const char *said = json_string_value(json_object_get(result, "stage"));
	const json_t *error = json_object_get(result, "error");
	struct buf text OWN(buf_done);
	struct err e;

	buf_init(&text, HTTP_BODY_MAX);
	if (said && strcmp(said, "final") == 0) {
		stage(c, LEDGER_INCLUDED, id, NULL);
		stage(c, LEDGER_FINAL, id, NULL);
		return;
	}
	if (error)
		json_canonical(error, &text);
	if (!error || !err_from_json(buf_view(&text), &e))
		FAIL(&e, PEER, "the answer of the ledger is not understood");
	stage(c, LEDGER_DROPPED, id, &e);
}

static void on_submitted(struct node *n, void *ctx, const struct net_answer *a)
{
	struct client *c = n->client;
	const struct batch *b = ctx;
	json_t *j OWN(json_own) = NULL;
	const json_t *results = NULL;
	struct err e;
	bool ok = read_json(a, &j, &e);

	if (ok) {
		results = json_object_get(j, "results");
		if (json_array_size(results) != b->n)
			ok = FAIL(&e, PEER, "the answer of the ledger is not understood");
	}
	for (size_t i = 0; i < b->n; i++) {
		if (ok)
			read_result(c, &b->ids[i], json_array_get(results, i));
		else
			stage(c, LEDGER_DROPPED, &b->ids[i], &e);
	}
	if (ok)
		time_is(c, j);
}

static void submit_free(struct submit *s)
{
	buf_done(&s->text);
	free(s);
}

static struct submit *submit_take(struct client *c)
{
	struct submit *s = c->first;

	if (s) {
		c->first = s->next;
		if (!c->first)
			c->last = &c->first;
	}
	return s;
}

static void on_turn(struct sim *sim, struct node *n, void *ctx)
{
	struct batch *b = calloc(1, sizeof *b);
	struct buf body OWN(buf_done);
	struct client *c = n->client;
	struct submit *s;

	(void)sim, (void)ctx;
	assert(b);
	c->turn_set = false;
	buf_init(&body, HTTP_BODY_MAX);
	buf_z(&body, "{\"actions\":[");
	while (b->n < BATCH_MAX && (s = submit_take(c)) != NULL) {
		buf_z(&body, b->n ? "," : "");
		buf_str(&body, buf_view(&s->text));
		b->ids[b->n++] = s->id;
		submit_free(s);
	}
	buf_z(&body, "]}");
	for (size_t i = 0; i < b->n; i++)
		stage(c, LEDGER_PENDING, &b->ids[i], NULL);
	net_ask(n, &(struct ask){.url = n->sim->ledger->url,
	                   .method = "POST",
	                   .path = "/v1/actions",
	                   .body = buf_bytes(&body),
	                   .done = on_submitted,
	                   .ctx = b,
	                   .drop = free});
}

static void submit(void *self, const struct action *a, const struct hash *id)
{
	struct client *c = self;
	struct submit *s = calloc(1, sizeof *s);
	json_t *j = action_to_json(a);

	assert(s);
	s->id = *id;
	buf_init(&s->text, HTTP_BODY_MAX / 2);
	json_canonical(j, &s->text);
	json_decref(j);
	*c->last = s;
	c->last = &s->next;
	if (!c->turn_set)
		sim_after(c->n->sim, 0, c->n, on_turn, NULL, NULL);
	c->turn_set = true;
}

/* ---- pages --------------------------------------------------------------------------------------------- */

static void next_page(struct client *c);

static void on_again(struct sim *s, struct node *n, void *ctx)
{
	(void)s;
	if (n->client->page == (uintptr_t)ctx)
		next_page(n->client);
}

static bool read_page(struct client *c, const json_t *j, bool *more, struct err *e)
{
	const json_t *events = json_object_get(j, "events"), *ev;
	uint64_t after = c->seq, last, next;
	size_t i;

	TRY(json_get_u64(j, "last", &last, e), e);
	TRY(json_get_u64(j, "next", &next, e), e);
	if (last < after)
		return FAIL(e, WRONG_LEDGER, "the ledger is at event %llu, we have seen %llu",
		        (unsigned long long)last, (unsigned long long)after);
	if (!json_is_array(events) || next > last || (next <= after && after < last))
		return FAIL(e, PEER, "a page of the ledger is not understood");
	tell_up(c);
	json_array_foreach (events, i, ev)
		deliver(c, ev);
	*more = next < last;
	c->seq = MAX2(c->seq, next);
	time_is(c, j);
	return true;
}

static void on_page(struct node *n, void *ctx, const struct net_answer *a)
{
	struct client *c = n->client;
	json_t *j OWN(json_own) = NULL;
	bool more = false;
	struct err e;

	if (c->page != *(uint64_t *)ctx)
		return;
	if (!read_json(a, &j, &e) || !read_page(c, j, &more, &e)) {
		tell_down(c, &e);
		sim_after(
		        n->sim, PAGE_AGAIN_MS * MS, n, on_again, (void *)(uintptr_t)c->page, NULL);
		return;
	}
	if (more || c->missed)
		next_page(c);
	else
		c->paging = false;
}

static void next_page(struct client *c)
{
	uint64_t *number = malloc(sizeof *number);
	char path[160], who[ADDR_TEXT_MAX];

	assert(number);
	*number = ++c->page;
	c->paging = true;
	c->missed = false;
	addr_format(&c->account, who);
	snprintf(path, sizeof path, "/v1/events/page?after=%llu%s%s", (unsigned long long)c->seq,
	        addr_is_zero(&c->account) ? "" : "&account=", addr_is_zero(&c->account) ? "" : who);
	net_ask(c->n, &(struct ask){.url = c->n->sim->ledger->url,
	                      .method = "GET",
	                      .path = path,
	                      .done = on_page,
	                      .ctx = number,
	                      .drop = free});
}

/* ---- streams ------------------------------------------------------------------------------------------- */

static void on_message(struct node *n, void *ctx, uint64_t id, struct str name, struct str data)
{
	struct client *c = n->client;
	json_t *j OWN(json_own) = NULL;
	struct err e;

	(void)ctx;
	if (str_is(name, "event") && c->paging) {
		c->missed = c->missed || id > c->seq;
		return;
	}
	if (!json_parse(data, &j, &e))
		return;
	if (str_is(name, "event"))
		deliver(c, j);
	else if (str_is(name, "clock"))
		time_is(c, j);
}

static void on_state(struct node *n, void *ctx, bool connected, bool lost, const struct err *why)
{
	struct client *c = n->client;

	(void)ctx, (void)lost;
	if (connected)
		next_page(c);
	else
		tell_down(c, why);
}

static void follow(struct client *c, const char *path, bool states)
{
	stream_follow(c->n, &(struct follow_how){.url = c->n->sim->ledger->url,
	                            .path = path,
	                            .cursor = c->seq,
	                            .message = on_message,
	                            .state = states ? on_state : NULL});
}

/* ---- the port ------------------------------------------------------------------------------------------ */

static bool start(void *self, uint64_t after, const struct addr *account, const struct inbox *in,
        struct err *e)
{
	struct client *c = self;
	char path[ADDR_TEXT_MAX + 32] = "/v1/events", who[ADDR_TEXT_MAX];

	(void)e;
	c->in = *in;
	c->seq = after;
	c->account = *account;
	c->paging = true;
	if (!addr_is_zero(account)) {
		addr_format(account, who);
		snprintf(path, sizeof path, "/v1/events?account=%s", who);
		follow(c, "/v1/clock", false);
	}
	follow(c, path, true);
	return true;
}

static void stop(void *self)
{
	(void)self;
}

void client_port(struct node *n, struct ledger_port *out)
{
	struct client *c = calloc(1, sizeof *c);

	assert(c);
	c->n = n;
	c->last = &c->first;
	n->client = c;
	*out = (struct ledger_port){c, start, submit, stop};
}

void client_free(struct client *c)
{
	while (c && c->first)
		submit_free(submit_take(c));
	free(c);
}
