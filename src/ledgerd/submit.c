/* submit.c - what makes blocks: submitted actions, the heartbeat, the clock of a test ledger. */
#include "codec/json.h"
#include "ledgerd/ledgerd_own.h"
#include "port/action_json.h"

enum { ADVANCE_MAX_S = 10 * 366 * 86400 }; /* by hand, at once */

/* ---- telling ------------------------------------------------------------------------------------ */

void ledgerd_emit(const struct entry *x, struct effects *fx)
{
	struct fx *f = fx_add(fx, FX_EMIT, (struct tag){0});

	f->name = "event";
	f->id = x->event.seq;
	f->body = x->text;
	for (size_t i = 0; i < x->concerned_n; i++)
		f->topics[i] = account_topic(&x->concerned[i]);
}

struct hash ledgerd_clock_topic(void)
{
	struct hash h = {{0}};

	/* No account's: those end in their 20 bytes. */
	memcpy(h.b, "clock", 5);
	return h;
}

/* At most once a second of block time; it has no cursor. */
void ledgerd_emit_clock(struct ledgerd *d, struct effects *fx)
{
	struct fx *f;

	if (d->told.s == d->head.time.s)
		return;
	d->told = d->head.time;
	f = fx_add(fx, FX_EMIT, (struct tag){0});
	f->name = "clock";
	f->topics[0] = ledgerd_clock_topic();
	f->body = fx_json(fx, json_pack("{s:I, s:o}", "time", (json_int_t)d->head.time.s, "block",
	                              json_of_u64(d->head.number)));
}

void ledgerd_give_up(struct ledgerd *d, const struct err *e, struct effects *fx)
{
	log_line(&d->world->log, LOG_BROKEN, "journal: %s", e->msg);
	fx_add(fx, FX_EXIT, (struct tag){0})->status = err_exit(e->code);
}

void ledgerd_beat(struct ledgerd *d, struct effects *fx)
{
	struct err e;

	if (ledgerd_now(d).s == d->head.time.s)
		return;
	if (journal_seal(d, NULL, 0, fx->arena, &e))
		ledgerd_emit_clock(d, fx);
	else
		ledgerd_give_up(d, &e, fx);
}

/* ---- actions ------------------------------------------------------------------------------------ */

static json_t *dropped(const struct hash *id, const struct err *e)
{
	return json_pack("{s:s, s:o, s:o}", "stage", "dropped", "id",
	        id ? json_of_hash(id) : json_null(), "error", err_to_json(e));
}

static json_t * final(const struct hash *id, uint64_t block, bool again)
{
	return json_pack("{s:s, s:o, s:o, s:b}", "stage", "final", "id", json_of_hash(id), "block",
	        json_of_u64(block), "repeated", (int)again);
}

/* Whether it is in a block already: a Send is refused the second time, for its nonce, and yet has had its
 * effect. */
static bool in_block(struct ledgerd *d, const struct hash *id, uint64_t *block)
{
	const struct journal_action *row;
	struct err e;

	if (!journal_by_id(d, id, &row, &e))
		return false;
	*block = row->block;
	return true;
}

/* Entries that an action may have: of a list one for each item beside its own. */
static size_t rows_of(const json_t *action)
{
	size_t items = json_array_size(json_object_get(action, "items"));

	return 1 + MIN2(items, (size_t)ACTION_SETTLE_MAX);
}

/* One action: applied, and put aside for the block; its line of the answer. */
static json_t *submit_one(
        struct ledgerd *d, const json_t *j, struct entry *list, size_t *n, struct effects *fx)
{
	struct action *a = ARENA_NEW(fx->arena, struct action);
	struct entry *x = &list[*n];
	uint64_t block = d->head.number;
	struct err e;
	size_t more;

	assert(a);
	x->id = (struct hash){{0}};
	if (!action_from_json(j, fx->arena, a, &e))
		return dropped(NULL, &e);
	if (!journal_apply(d, a, fx->arena, x, &more, &e))
		return in_block(d, &x->id, &block) ? final(&x->id, block, true)
		                                   : dropped(&x->id, &e);
	if (more == 0) {
		if (!in_block(d, &x->id, &block))
			block = d->head.number;
		return final(&x->id, block, true);
	}
	*n += more;
	return final(&x->id, block + 1, false);
}

/* The request's list of actions, or its one action as a list of one; new reference. *rows: how many events
 * they may have. */
static bool list_of(const struct http_req *r, json_t **out, size_t *rows, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	const json_t *item;
	json_t *list;
	size_t i;

	TRY(json_parse(bytes_str(r->body), &j, e), e);
	list = json_object_get(j, "actions");
	*rows = rows_of(j);
	if (!list) {
		*out = json_pack("[O]", j);
		return true;
	}
	if (!json_is_array(list) || json_object_size(j) != 1)
		return FAIL(e, JSON_VALUE,
		        "it must be one action, or {\"actions\": […]} and nothing else");
	if (json_array_size(list) > LEDGERD_BATCH_MAX)
		return FAIL(e, TOO_LARGE, "%zu actions in one request; at most %d",
		        json_array_size(list), LEDGERD_BATCH_MAX);
	*rows = 0;
	json_array_foreach (list, i, item)
		*rows += rows_of(item);
	if (*rows > LEDGERD_ROWS_MAX)
		return FAIL(e, TOO_LARGE, "actions with %zu events in one request; at most %d",
		        *rows, LEDGERD_ROWS_MAX);
	*out = json_incref(list);
	return true;
}

void ledgerd_on_actions(struct ledgerd *d, const struct http_req *r, struct effects *fx)
{
	json_t *list OWN(json_own) = NULL;
	const json_t *item;
	struct entry *entries;
	size_t i, n = 0, rows;
	json_t *out;
	struct err e;

	if (!list_of(r, &list, &rows, &e)) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	entries = arena_alloc(fx->arena, (rows + 1) * sizeof *entries);
	assert(entries);
	out = json_array();
	json_array_foreach (list, i, item)
		json_array_append_new(out, submit_one(d, item, entries, &n, fx));
	if (n > 0 && !journal_seal(d, entries, n, fx->arena, &e)) {
		json_decref(out);
		fx_reply_err(fx, r->conn, &e);
		ledgerd_give_up(d, &e, fx);
		return;
	}
	fx_reply(fx, r->conn, 202,
	        json_pack("{s:o, s:I, s:o}", "results", out, "time", (json_int_t)d->head.time.s,
	                "block", json_of_u64(d->head.number)));
	for (i = 0; i < n; i++)
		ledgerd_emit(&entries[i], fx);
	ledgerd_emit_clock(d, fx);
}

void ledgerd_on_clock(struct ledgerd *d, const struct http_req *r, struct effects *fx)
{
	json_t *j OWN(json_own) = NULL;
	uint64_t s = 0;
	struct err e;
	bool ok;

	if (!ledger_genesis(d->l)->test)
		ok = FAIL(&e, FORBIDDEN, "only a test ledger has a clock that is set by hand");
	else
		ok = json_parse(bytes_str(r->body), &j, &e) && json_get_u64(j, "advance", &s, &e);
	if (ok && s > ADVANCE_MAX_S)
		ok = FAIL(&e, RANGE, "advance is %llu s, at most %d", (unsigned long long)s,
		        ADVANCE_MAX_S);
	if (!ok) {
		fx_reply_err(fx, r->conn, &e);
		return;
	}
	d->time_ms += s * 1000;
	ledgerd_beat(d, fx);
	fx_reply(fx, r->conn, 200, ledgerd_head_json(d));
}
