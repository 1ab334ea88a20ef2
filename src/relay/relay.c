/* relay.c - actions in, states out. */
#include "relay/relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "port/action_json.h"
#include "port/peer.h"

#include "model/record_table.h"
#include "relay/tables.def"
#include "model/record_end.h"

enum { R_SUBMIT, R_ACTION, R_QUOTA };
enum { TAG_WAIT = 1, TAG_SWEEP };
enum {
	WAIT_MS = 20000, /* an answer waits so long for the ledger's first word */
	SWEEP_MS = 600000,
	SWEEP_MAX = 200, /* rows of one sweep */
	KEEP_DAYS = 7,   /* that what has ended is known */
	DAY_MS = 86400000
};

/* clang-format off */
static const struct route routes[] = {
	[R_SUBMIT] = {"POST", "/v1/actions",          AUTH_REQUEST, BODY_JSON, 65536, "{\"action\"}: carry it; answers once it is sent or refused, with {id, state, transaction}"},
	[R_ACTION] = {"GET",  "/v1/actions/{action}", AUTH_NONE,    BODY_NONE, 0,     "how it stands: taken, pending, included, final, failed, dropped"},
	[R_QUOTA]  = {"GET",  "/v1/quota",            AUTH_REQUEST, BODY_NONE, 0,     "what the caller has used of its quota today"},
};
/* clang-format on */

const struct record *(*const relay_tables[])(void) = {relay_action_record, relay_use_record, NULL};

struct relay {
	struct world *world;
	struct relay_config c;
	struct map waiting; /* action id -> struct conn_id */
	uint32_t under_way;
	uint64_t carried, refused;
	struct relay_action row; /* of the event at hand */
};

const char *relay_state_name(unsigned state)
{
	static const char *const names[] = {[RELAY_TAKEN] = "taken",
	        [RELAY_PENDING] = "pending",
	        [RELAY_INCLUDED] = "included",
	        [RELAY_FINAL] = "final",
	        [RELAY_FAILED] = "failed",
	        [RELAY_DROPPED] = "dropped"};

	return state < COUNT(names) && names[state] ? names[state] : "?";
}

/* ---- store ------------------------------------------------------------------------------------------------ */

static void must(struct relay *r, bool ok, const struct err *e)
{
	if (!ok)
		log_line(&r->world->log, LOG_BROKEN, "store: %s", e->msg);
	assert(ok);
}

static void put(struct relay *r, const struct record *rec, const void *row)
{
	struct err e;

	must(r, r->world->store.put(r->world->store.self, rec, row, &e), &e);
}

static bool get(struct relay *r, const struct record *rec, void *row)
{
	struct err e;
	bool ok = r->world->store.get(r->world->store.self, rec, row, &e);

	if (!ok && e.code != E_NOT_FOUND)
		must(r, false, &e);
	return ok;
}

static bool is_over(uint8_t state)
{
	return state == RELAY_FINAL || state == RELAY_FAILED || state == RELAY_DROPPED;
}

/* ---- quota ------------------------------------------------------------------------------------------------ */

static uint32_t day_of(const struct event *ev)
{
	return (uint32_t)(ev->wall.ms / DAY_MS);
}

static uint32_t used(struct relay *r, const struct addr *who, uint32_t day)
{
	struct relay_use row = {.account = *who};

	return get(r, relay_use_record(), &row) && row.day == day ? row.used : 0;
}

static void use(struct relay *r, const struct addr *who, uint32_t day, bool give_back)
{
	struct relay_use row = {.account = *who, .day = day, .used = used(r, who, day)};

	if (give_back)
		row.used -= row.used ? 1 : 0;
	else
		row.used++;
	put(r, relay_use_record(), &row);
}

static const struct addr everybody;

static bool is_listed(const struct relay *r, const struct addr *who, struct err *e)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < r->c.accounts_n; i++) {
		if (addr_eq(&r->c.accounts[i], who))
			return true;
	}
	if (r->c.accounts_n == 0)
		return true;
	addr_format(who, text);
	FAIL(e, FORBIDDEN, "this relay does not carry for %s", text);
	return err_hint(e, "ask its operator, or pay for gas yourself: unset ledger.relay");
}

static bool may_hand_in(
        struct relay *r, const struct addr *who, const struct event *ev, struct err *e)
{
	uint32_t day = day_of(ev);
	char text[ADDR_TEXT_MAX];

	TRY(is_listed(r, who, e), e);
	if (r->under_way >= r->c.queue)
		return FAIL(e, BUSY, "%u actions are on their way", r->under_way);
	addr_format(who, text);
	if (used(r, who, day) >= r->c.quota) {
		FAIL(e, QUOTA, "%s has handed in %u actions today, which is all that it may", text,
		        r->c.quota);
		return err_hint(e, "wait until midnight UTC, or pay for gas yourself");
	}
	if (used(r, &everybody, day) >= r->c.quota_all)
		return FAIL(e, QUOTA,
		        "this relay has carried %u actions today, which is all that it will",
		        r->c.quota_all);
	return true;
}

/* ---- answers ---------------------------------------------------------------------------------------------- */

static json_t *row_json(const struct relay_action *row)
{
	json_t *j = json_pack("{s:o, s:s, s:o}", "id", json_of_hash(&row->id), "state",
	        relay_state_name(row->state), "transaction", json_of_hash(&row->tx));
	struct err e;

	if (row->error) {
		(void)err_set(&e, row->error, 0, __FILE__, __LINE__, "%s", row->why);
		json_object_set_new(j, "error", err_to_json(&e));
	}
	return j;
}

/* A refusal is the answer to whoever waits for it; whoever asks later is told the state. */
static void answer_waiting(struct relay *r, const struct relay_action *row, struct effects *fx)
{
	const struct conn_id *at = map_get(&r->waiting, &row->id);
	struct err e;

	if (!at)
		return;
	if (row->state == RELAY_DROPPED) {
		(void)err_set(&e, row->error, 0, __FILE__, __LINE__, "%s", row->why);
		fx_reply_err(fx, *at, &e);
	} else {
		fx_reply(fx, *at, 200, row_json(row));
	}
	map_del(&r->waiting, &row->id);
}

static void wait_for(
        struct relay *r, const struct hash *id, struct conn_id conn, struct effects *fx)
{
	struct conn_id *at = map_put(&r->waiting, id, NULL);

	/* Whoever waited for it before is told what is known. */
	if (at && at->v)
		answer_waiting(r, &r->row, fx);
	at = map_put(&r->waiting, id, NULL);
	if (!at) {
		fx_reply(fx, conn, 200, row_json(&r->row));
		return;
	}
	*at = conn;
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_WAIT, .key = *id})->delay = span_ms(WAIT_MS);
}

/* ---- handing in ------------------------------------------------------------------------------------------- */

static void submit(const struct action *a, const struct hash *id, struct effects *fx)
{
	struct fx *f = fx_add(fx, FX_SUBMIT, (struct tag){.key = *id});

	f->action = a;
	f->action_id = *id;
}

static bool read_action(const json_t *j, struct effects *fx, struct action **out, struct hash *id,
        struct buf *text, struct err *e)
{
	const json_t *one = json_object_get(j, "action");

	*out = ARENA_NEW(fx->arena, struct action);
	if (!*out)
		return FAIL(e, MEMORY, "no memory for an action");
	if (!one || json_object_size(j) != 1)
		return FAIL(e, JSON_VALUE, "the body must be {\"action\": {…}}");
	TRY(action_from_json(one, fx->arena, *out, e), e);
	action_id(*out, id);
	json_canonical(one, text);
	if (!buf_ok(text))
		return FAIL(e, TOO_LARGE, "an action of more than %zu bytes is not carried",
		        sizeof((struct relay_action *)0)->action - 1);
	return true;
}

static bool take(struct relay *r, const struct event *ev, struct effects *fx, struct err *e)
{
	const struct http_req *q = ev->request;
	struct relay_action *row = &r->row;
	json_t *j OWN(json_own) = NULL;
	struct buf text OWN(buf_done);
	struct action *a;
	struct hash id;

	buf_init(&text, sizeof row->action - 1);
	TRY(json_parse(bytes_str(q->body), &j, e), e);
	TRY(read_action(j, fx, &a, &id, &text, e), e);
	memset(row, 0, sizeof *row);
	row->id = id;
	/* The same again: how it stands, unless it came to nothing. */
	if (get(r, relay_action_record(), row) && row->state != RELAY_DROPPED) {
		if (row->state == RELAY_TAKEN)
			wait_for(r, &id, q->conn, fx);
		else
			fx_reply(fx, q->conn, 200, row_json(row));
		return true;
	}
	TRY(may_hand_in(r, &q->account, ev, e), e);
	memset(row, 0, sizeof *row);
	row->id = id;
	row->account = q->account;
	row->state = RELAY_TAKEN;
	row->day = day_of(ev);
	memcpy(row->action, text.p, text.n);
	put(r, relay_action_record(), row);
	use(r, &q->account, row->day, false);
	use(r, &everybody, row->day, false);
	r->under_way++;
	wait_for(r, &id, q->conn, fx);
	submit(a, &id, fx);
	return true;
}

static bool show(struct relay *r, const struct event *ev, struct effects *fx, struct err *e)
{
	const struct http_req *q = ev->request;

	memset(&r->row, 0, sizeof r->row);
	TRY(hash_parse(q->params[0], &r->row.id, e), e);
	if (!get(r, relay_action_record(), &r->row))
		return FAIL(
		        e, NOT_FOUND, "no action %.*s was handed in here", STR_ARG(q->params[0]));
	fx_reply(fx, q->conn, 200, row_json(&r->row));
	return true;
}

static bool show_quota(struct relay *r, const struct event *ev, struct effects *fx, struct err *e)
{
	const struct addr *who = &ev->request->account;
	uint32_t n = used(r, who, day_of(ev));

	TRY(is_listed(r, who, e), e);
	fx_reply(fx, ev->request->conn, 200,
	        json_pack("{s:o, s:I, s:I}", "account", json_of_addr(who), "used", (json_int_t)n,
	                "quota", (json_int_t)r->c.quota));
	return true;
}

static void on_request(struct relay *r, const struct event *ev, struct effects *fx)
{
	static bool (*const does[])(struct relay *, const struct event *, struct effects *,
	        struct err *) = {[R_SUBMIT] = take, [R_ACTION] = show, [R_QUOTA] = show_quota};
	struct err e;

	assert(ev->request->route < COUNT(does));
	if (does[ev->request->route](r, ev, fx, &e))
		return;
	r->refused += ev->request->route == R_SUBMIT;
	fx_reply_err(fx, ev->request->conn, &e);
}

/* ---- the ledger ------------------------------------------------------------------------------------------- */

static bool moves_to(const struct ledger_note *n, uint8_t *state)
{
	switch (n->stage) {
	case LEDGER_PENDING: *state = RELAY_PENDING; return true;
	case LEDGER_INCLUDED: *state = RELAY_INCLUDED; return true;
	case LEDGER_FINAL: *state = n->failed ? RELAY_FAILED : RELAY_FINAL; return true;
	case LEDGER_DROPPED: *state = RELAY_DROPPED; return true;
	case LEDGER_EVENT:
	case LEDGER_CLOCK:
	case LEDGER_DOWN:
	case LEDGER_UP: break;
	}
	return false;
}

static void on_ledger(struct relay *r, const struct ledger_note *n, struct effects *fx)
{
	struct relay_action *row = &r->row;
	uint8_t state;

	if (n->stage == LEDGER_DOWN)
		log_line(&r->world->log, LOG_ODD, "ledger: %s", n->err.msg);
	if (!moves_to(n, &state))
		return;
	memset(row, 0, sizeof *row);
	row->id = n->action_id;
	if (!get(r, relay_action_record(), row) || is_over(row->state))
		return;
	row->state = state;
	row->tx = hash_is_zero(&n->tx) ? row->tx : n->tx;
	if (n->stage == LEDGER_DROPPED || n->failed) {
		row->error = (uint8_t)n->err.code;
		str_keep(row->why, sizeof row->why, str_of(n->err.msg));
	}
	if (is_over(state)) {
		r->under_way -= r->under_way ? 1 : 0;
		r->carried += state == RELAY_FINAL;
	}
	/* What failed for the chain's sake is not counted against who handed it in. */
	if (state == RELAY_DROPPED && err_passes(n->err.code)) {
		use(r, &row->account, row->day, true);
		use(r, &everybody, row->day, true);
	}
	put(r, relay_action_record(), row);
	answer_waiting(r, row, fx);
}

/* ---- after a start, and in the course of time ------------------------------------------------------------- */

struct again {
	struct relay *r;
	struct effects *fx;
};

static bool submit_again(void *ctx, const void *vrow)
{
	const struct relay_action *row = vrow;
	struct again *g = ctx;
	json_t *j OWN(json_own) = NULL;
	struct action *a = ARENA_NEW(g->fx->arena, struct action);
	struct err e;

	if (!a || !json_parse(str_of(row->action), &j, &e) ||
	        !action_from_json(j, g->fx->arena, a, &e)) {
		log_line(&g->r->world->log, LOG_BROKEN,
		        "an action that is stored is not understood");
		return true;
	}
	g->r->under_way++;
	submit(a, &row->id, g->fx);
	return true; /* no more than RELAY_QUEUE_MAX were taken */
}

static void on_start(struct relay *r, struct effects *fx)
{
	static const uint8_t open[] = {RELAY_TAKEN, RELAY_PENDING, RELAY_INCLUDED};
	const struct record *rec = relay_action_record();
	struct again g = {r, fx};
	struct store *s = &r->world->store;
	struct err e;

	for (size_t i = 0; i < COUNT(open); i++) {
		memset(&r->row, 0, sizeof r->row);
		r->row.state = open[i];
		must(r,
		        s->each(s->self, rec, record_field(rec, STR("state")), &r->row,
		                submit_again, &g, &e),
		        &e);
	}
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP});
}

struct sweep {
	uint32_t before;
	struct hash ids[SWEEP_MAX];
	size_t n;
};

static bool find_old(void *ctx, const void *vrow)
{
	const struct relay_action *row = vrow;
	struct sweep *s = ctx;

	if (is_over(row->state))
		s->ids[s->n++] = row->id;
	return s->n < SWEEP_MAX;
}

/* What ended a while ago goes, a day of it at a time. */
static void on_sweep(struct relay *r, const struct event *ev, struct effects *fx)
{
	const struct record *rec = relay_action_record();
	struct sweep *s = ARENA_NEW(fx->arena, struct sweep);
	struct store *st = &r->world->store;
	uint32_t today = day_of(ev);
	struct err e;

	assert(s);
	for (uint32_t age = KEEP_DAYS; age < 2 * KEEP_DAYS && age <= today && s->n < SWEEP_MAX;
	        age++) {
		memset(&r->row, 0, sizeof r->row);
		r->row.day = today - age;
		must(r,
		        st->each(st->self, rec, record_field(rec, STR("day")), &r->row, find_old, s,
		                &e),
		        &e);
	}
	for (size_t i = 0; i < s->n; i++) {
		memset(&r->row, 0, sizeof r->row);
		r->row.id = s->ids[i];
		must(r, st->del(st->self, rec, &r->row, &e), &e);
	}
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP})->delay =
	        span_ms(s->n == SWEEP_MAX ? 0 : SWEEP_MS);
}

static void on_timer(struct relay *r, const struct event *ev, struct effects *fx)
{
	if (ev->timer.what == TAG_SWEEP) {
		on_sweep(r, ev, fx);
		return;
	}
	memset(&r->row, 0, sizeof r->row);
	r->row.id = ev->timer.key;
	if (map_get(&r->waiting, &r->row.id) && get(r, relay_action_record(), &r->row))
		answer_waiting(r, &r->row, fx);
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct relay *r = self;

	switch (ev->kind) {
	case EV_START: on_start(r, fx); break;
	case EV_REQUEST: on_request(r, ev, fx); break;
	case EV_LEDGER: on_ledger(r, ev->ledger, fx); break;
	case EV_TIMER: on_timer(r, ev, fx); break;
	case EV_TREE_IN:
	case EV_REPLY:
	case EV_MESSAGE:
	case EV_TREE:
	case EV_RUN:
	case EV_STOP: break;
	}
}

/* ---- life ------------------------------------------------------------------------------------------------- */

bool relay_new(struct world *w, const struct relay_config *c, struct relay **out, struct err *e)
{
	struct relay *r = calloc(1, sizeof *r);
	uint64_t seed;

	if (!r)
		return FAIL(e, MEMORY, "no memory for a relay");
	r->world = w;
	r->c = *c;
	if (r->c.queue == 0 || r->c.queue > RELAY_QUEUE_MAX)
		r->c.queue = RELAY_QUEUE_MAX;
	w->rng.fill(w->rng.self, &seed, sizeof seed);
	map_init(&r->waiting, sizeof(struct hash), sizeof(struct conn_id), RELAY_QUEUE_MAX, seed);
	*out = r;
	return true;
}

struct role relay_role(struct relay *r)
{
	return (struct role){.name = "relay",
	        .routes = routes,
	        .routes_n = COUNT(routes),
	        .tables = relay_tables,
	        .self = r,
	        .on_event = on_event};
}

struct relay *relay_free(struct relay *r)
{
	if (!r)
		return NULL;
	map_done(&r->waiting);
	free(r);
	return NULL;
}

void relay_metrics(void *relay, struct buf *out)
{
	const struct relay *r = relay;

	buf_fmt(out,
	        "# TYPE lilypad_relay_carried_total counter\nlilypad_relay_carried_total %llu\n",
	        (unsigned long long)r->carried);
	buf_fmt(out,
	        "# TYPE lilypad_relay_refused_total counter\nlilypad_relay_refused_total %llu\n",
	        (unsigned long long)r->refused);
	buf_fmt(out, "# TYPE lilypad_relay_under_way gauge\nlilypad_relay_under_way %u\n",
	        r->under_way);
}
