/* journal.c - blocks: sealing them, and replaying them link by link. */
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "crypto/keccak.h"
#include "ledgerd/ledgerd_own.h"
#include "port/action_json.h"

/* clang-format off */
#include "model/record_table.h"
#include "ledgerd/tables.def"
#include "model/record_end.h"
/* clang-format on */

enum {
	REPLAY_ARENA_MAX = 8 << 20, /* of one action */
	ACTION_PART = sizeof(((struct journal_action *)0)->action) - 1,
	PARTS_MAX = 16,
	ACTION_MAX = ACTION_PART * PARTS_MAX, /* a full list has about 80 000 bytes */
	EVENT_MAX = sizeof(((struct journal_action *)0)->event) - 1
};

const struct record *(*const ledgerd_tables[])(void) = {
        journal_block_record, journal_action_record, journal_part_record, NULL};

struct btime ledgerd_now(const struct ledgerd *d)
{
	return (struct btime){d->time_ms / 1000};
}

static void take_head(struct ledgerd *d, const struct block *b, const struct sig *sig)
{
	d->head = *b;
	d->head_sig = *sig;
	eip712_hash(block_record(), b, &d->head_hash);
}

/* Takes j. */
static bool text_of(json_t *j, size_t max, struct arena *a, struct bytes *out, struct err *e)
{
	struct buf b OWN(buf_done);

	assert(j);
	buf_init(&b, max);
	json_canonical(j, &b);
	json_decref(j);
	if (!buf_ok(&b))
		return FAIL(e, TOO_LARGE, "as JSON it is longer than %zu bytes", max);
	*out = (struct bytes){arena_copy(a, b.p, b.n), b.n};
	if (!out->p)
		return FAIL(e, MEMORY, "no memory for a block");
	return true;
}

/* ---- applying ----------------------------------------------------------------------------------- */

static bool entry_of(struct ledgerd *d, const struct ledger_event *ev, struct arena *arena,
        struct entry *x, struct err *e)
{
	x->event = *ev;
	x->concerned_n = ledger_concerned(d->l, ev, x->concerned);
	/* The longest event fits; and it must: the rules have been applied. */
	if (!text_of(ledger_event_to_json(ev), EVENT_MAX, arena, &x->text, e))
		return FAIL(e, INTERNAL, "an event cannot be written");
	return true;
}

/* x[0] has the id and the text of the action. */
static bool apply(struct ledgerd *d, const struct action *a, struct arena *arena, struct entry *x,
        struct btime now, size_t *n, struct err *e)
{
	TRY(ledger_apply(
	            d->l, a, &x->id, now, d->head.number + 1, d->events, LEDGER_EVENTS_MAX, n, e),
	        e);
	for (size_t i = 0; i < *n; i++) {
		if (i > 0)
			x[i] = (struct entry){.id = x->id};
		TRY(entry_of(d, &d->events[i], arena, &x[i], e), e);
	}
	return true;
}

bool journal_apply(struct ledgerd *d, const struct action *a, struct arena *arena,
        struct entry *out, size_t *n, struct err *e)
{
	/* The id is the hash of the canonical text, which is kept: made once. */
	TRY(text_of(action_to_json(a), ACTION_MAX, arena, &out->action, e), e);
	keccak256(out->action.p, out->action.n, &out->id);
	TRY(apply(d, a, arena, out, ledgerd_now(d), n, e), e);
	return true;
}

/* ---- sealing ------------------------------------------------------------------------------------ */

static bool root_of(
        const struct hash *leaves, size_t n, struct arena *a, struct hash *out, struct err *e)
{
	struct hash *scratch = arena_alloc(a, (n + 1) * sizeof *scratch);

	if (!scratch)
		return FAIL(e, MEMORY, "no memory for a block");
	merkle_root(leaves, n, scratch, out);
	return true;
}

static bool store_parts(struct ledgerd *d, uint64_t seq, struct bytes text, struct err *e)
{
	struct store *s = &d->world->store;
	struct journal_part *row = d->part;

	for (uint32_t i = 1; (size_t)i * ACTION_PART < text.n; i++) {
		size_t at = (size_t)i * ACTION_PART, n = MIN2(text.n - at, (size_t)ACTION_PART);

		memset(row, 0, sizeof *row);
		row->seq = seq;
		row->part = i;
		memcpy(row->text, text.p + at, n);
		TRY(s->put(s->self, journal_part_record(), row, e), e);
	}
	return true;
}

static bool store_action(struct ledgerd *d, const struct entry *x, struct err *e)
{
	struct journal_action *row = d->row;
	struct store *s = &d->world->store;

	memset(row, 0, sizeof *row);
	row->seq = x->event.seq;
	row->block = x->event.block;
	row->id = x->id;
	row->concerned.n = (uint32_t)x->concerned_n;
	memcpy(row->concerned.v, x->concerned, x->concerned_n * sizeof x->concerned[0]);
	if (x->action.n)
		memcpy(row->action, x->action.p, MIN2(x->action.n, (size_t)ACTION_PART));
	memcpy(row->event, x->text.p, x->text.n);
	TRY(s->put(s->self, journal_action_record(), row, e), e);
	TRY(store_parts(d, row->seq, x->action, e), e);
	return true;
}

bool journal_seal(
        struct ledgerd *d, const struct entry *list, size_t n, struct arena *arena, struct err *e)
{
	struct journal_block row = {.number = d->head.number + 1,
	        .actions = (uint32_t)n,
	        .first_seq = ledger_seq(d->l) - n + 1};
	struct hash *leaves = arena_alloc(arena, (n + 1) * sizeof *leaves);
	struct store *s = &d->world->store;

	if (!leaves)
		return FAIL(e, MEMORY, "no memory for a block");
	row.block = (struct block){
	        .number = row.number, .parent = d->head_hash, .time = ledgerd_now(d)};
	for (size_t i = 0; i < n; i++) {
		block_leaf(&list[i].id, list[i].text, &leaves[i]);
		TRY(store_action(d, &list[i], e), e);
	}
	TRY(root_of(leaves, n, arena, &row.block.root, e), e);
	TRY(world_sign(d->world, ledger_domain(d->l), block_record(), &row.block, &row.sig, e), e);
	TRY(s->put(s->self, journal_block_record(), &row, e), e);
	take_head(d, &row.block, &row.sig);
	return true;
}

/* ---- looking up --------------------------------------------------------------------------------- */

bool journal_by_seq(
        struct ledgerd *d, uint64_t seq, const struct journal_action **out, struct err *e)
{
	struct store *s = &d->world->store;

	d->row->seq = seq;
	TRY(s->get(s->self, journal_action_record(), d->row, e), e);
	*out = d->row;
	return true;
}

/* Ids are unique: the first row is the only one, or that of the action's first event. */
static bool take_row(void *ctx, const void *row)
{
	*(struct journal_action *)ctx = *(const struct journal_action *)row;
	return false;
}

bool journal_by_id(
        struct ledgerd *d, const struct hash *id, const struct journal_action **out, struct err *e)
{
	const struct record *r = journal_action_record();
	struct store *s = &d->world->store;

	d->row->id = *id;
	d->row->seq = 0;
	TRY(s->each(s->self, r, record_field(r, STR("id")), d->row, take_row, d->row, e), e);
	if (d->row->seq == 0)
		return FAIL(e, NOT_FOUND, "no block holds that action");
	*out = d->row;
	return true;
}

/* A text that fills its row may go on. */
bool journal_text(struct ledgerd *d, const struct journal_action *row, struct arena *arena,
        struct str *out, struct err *e)
{
	struct store *s = &d->world->store;
	size_t n = strlen(row->action), last = n;
	struct buf b OWN(buf_done);
	struct err why;

	buf_init(&b, ACTION_MAX);
	buf_put(&b, row->action, n);
	for (uint32_t i = 1; last == ACTION_PART && i < PARTS_MAX; i++) {
		d->part->seq = row->seq;
		d->part->part = i;
		if (!s->get(s->self, journal_part_record(), d->part, &why)) {
			if (why.code == E_NOT_FOUND)
				break;
			*e = why;
			return false;
		}
		last = strlen(d->part->text);
		buf_put(&b, d->part->text, last);
	}
	*out = (struct str){arena_copy(arena, b.p, b.n), b.n};
	if (!buf_ok(&b) || !out->p)
		return FAIL(e, MEMORY, "no memory for an action");
	return true;
}

bool journal_block_get(struct ledgerd *d, uint64_t number, struct journal_block *out, struct err *e)
{
	struct store *s = &d->world->store;

	out->number = number;
	TRY(s->get(s->self, journal_block_record(), out, e), e);
	return true;
}

bool journal_prove(struct ledgerd *d, uint64_t block, uint64_t seq, struct arena *arena,
        struct proof *out, struct err *e)
{
	const struct journal_action *row;
	struct journal_block b = {0};
	struct hash *leaves, *scratch;

	TRY(journal_block_get(d, block, &b, e), e);
	leaves = arena_alloc(arena, (b.actions + 1) * sizeof *leaves);
	scratch = arena_alloc(arena, (b.actions + 1) * sizeof *scratch);
	if (!leaves || !scratch)
		return FAIL(e, MEMORY, "no memory for a proof");
	for (uint32_t i = 0; i < b.actions; i++) {
		TRY(journal_by_seq(d, b.first_seq + i, &row, e), e);
		block_leaf(&row->id, str_bytes(str_of(row->event)), &leaves[i]);
	}
	out->block = b.block;
	out->sig = b.sig;
	merkle_prove(leaves, b.actions, seq - b.first_seq, scratch, &out->path);
	return true;
}

/* ---- replay ------------------------------------------------------------------------------------- */

struct replay {
	struct ledgerd *d;
	struct arena arena;
	bool check;
	struct hash leaves[LEDGERD_ROWS_MAX];
	struct err *e;
	bool failed;
};

/* The operator has vouched for it. */
static bool vouched(void *ctx, const struct hash *digest, const struct sig *sig,
        const struct addr *who, struct err *e)
{
	(void)ctx, (void)digest, (void)sig, (void)who, (void)e;
	return true;
}

static bool bad(uint64_t block, const char *what, const struct err *why, struct err *e)
{
	struct err cause = {0};

	if (why)
		cause = *why;
	return FAIL(e, TAMPERED, "block %llu: %s%s%s", (unsigned long long)block, what,
	        cause.code ? ": " : "", cause.msg);
}

static bool read_action(struct replay *r, const struct journal_action *row, struct action *out,
        struct hash *id, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct buf again OWN(buf_done) = {0};
	struct str text;

	TRY(journal_text(r->d, row, &r->arena, &text, e), e);
	TRY(json_parse(text, &j, e), e);
	TRY(action_from_json(j, &r->arena, out, e), e);
	keccak256(text.p, text.n, id);
	if (!r->check)
		return true;
	buf_init(&again, ACTION_MAX);
	json_canonical(j, &again);
	if (!str_eq(buf_view(&again), text))
		return FAIL(e, JSON_SYNTAX, "an action is not canonical");
	return true;
}

static bool row_of(struct replay *r, const struct journal_block *b, uint32_t i,
        const struct journal_action **out, struct err *e)
{
	struct err why;

	if (!journal_by_seq(r->d, b->first_seq + i, out, &why))
		return bad(b->number, "an action is missing", &why, e);
	if ((*out)->block != b->number)
		return bad(b->number, "one of its actions is of another block", NULL, e);
	return true;
}

/* The action's events are the rows from i on. */
static bool same_events(struct replay *r, const struct journal_block *b, uint32_t i,
        const struct entry *x, size_t n, struct err *e)
{
	const struct journal_action *row;

	if (n == 0 || n > b->actions - i)
		return bad(b->number, "an action has another outcome than is recorded", NULL, e);
	for (uint32_t k = 0; k < n; k++) {
		TRY(row_of(r, b, i + k, &row, e), e);
		if (!hash_eq(&row->id, &x->id) || (k > 0 && row->action[0]))
			return bad(b->number, "an action has another id than is recorded", NULL, e);
		if (!str_is(bytes_str(x[k].text), row->event))
			return bad(b->number, "an action has another outcome than is recorded",
			        NULL, e);
		block_leaf(&x->id, x[k].text, &r->leaves[i + k]);
	}
	return true;
}

/* The action whose first row is i; it has *n of them. */
static bool replay_action(
        struct replay *r, const struct journal_block *b, uint32_t i, size_t *n, struct err *e)
{
	struct action *a = ARENA_NEW(&r->arena, struct action);
	const struct journal_action *row;
	struct entry first = {0}, *x;
	struct err why;

	if (!a)
		return FAIL(e, MEMORY, "no memory to replay the journal");
	TRY(row_of(r, b, i, &row, e), e);
	if (!read_action(r, row, a, &first.id, &why))
		return bad(b->number, "an action cannot be read", &why, e);
	x = arena_alloc(&r->arena, (1 + a->items_n) * sizeof *x);
	if (!x)
		return FAIL(e, MEMORY, "no memory to replay the journal");
	x->id = first.id;
	if (!apply(r->d, a, &r->arena, x, b->block.time, n, &why))
		return bad(b->number, "an action is refused", &why, e);
	return same_events(r, b, i, x, *n, e);
}

static bool replay_actions(struct replay *r, const struct journal_block *b, struct err *e)
{
	struct hash root;
	size_t n = 0;

	if (b->actions > LEDGERD_ROWS_MAX || b->first_seq != ledger_seq(r->d->l) + 1)
		return bad(b->number, "its actions are not in order", NULL, e);
	for (uint32_t i = 0; i < b->actions; i += (uint32_t)n) {
		arena_reset(&r->arena);
		TRY(replay_action(r, b, i, &n, e), e);
	}
	TRY(root_of(r->leaves, b->actions, &r->arena, &root, e), e);
	if (!hash_eq(&root, &b->block.root))
		return bad(b->number, "its root is not that of its actions and events", NULL, e);
	return true;
}

static bool replay_block(void *ctx, const void *vrow)
{
	const struct journal_block *row = vrow;
	struct replay *r = ctx;
	struct ledgerd *d = r->d;
	struct err why;

	r->failed = true;
	if (!block_follows(&row->block, &row->sig, &d->head, ledger_genesis(d->l),
	            ledger_domain(d->l), &why)) {
		bad(d->head.number + 1, "it does not follow from the block before", &why, r->e);
		return false;
	}
	if (row->number != row->block.number) {
		bad(d->head.number + 1, "it is filed under another number", NULL, r->e);
		return false;
	}
	if (!replay_actions(r, row, r->e))
		return false;
	take_head(d, &row->block, &row->sig);
	r->failed = false;
	return true;
}

/* Nothing may lie behind the last block. */
static bool at_end(struct ledgerd *d, struct err *e)
{
	const struct journal_action *row;
	struct err why;

	if (journal_by_seq(d, ledger_seq(d->l) + 1, &row, &why))
		return bad(d->head.number + 1, "it is missing, and its actions are there", NULL, e);
	if (why.code != E_NOT_FOUND) {
		*e = why;
		return false;
	}
	return true;
}

bool journal_replay(struct ledgerd *d, bool check, struct err *e)
{
	struct replay *r = calloc(1, sizeof *r);
	struct store *s = &d->world->store;
	bool ok;

	if (!r)
		return FAIL(e, MEMORY, "no memory to replay the journal");
	*r = (struct replay){.d = d, .check = check, .e = e};
	arena_init(&r->arena, REPLAY_ARENA_MAX);
	if (!check)
		ledger_set_verify(d->l, &(struct ledger_options){.verify = vouched});
	block_genesis(ledger_genesis(d->l), &d->head);
	take_head(d, &(struct block){.parent = d->head.parent, .time = d->head.time}, &d->head_sig);
	ok = s->each(s->self, journal_block_record(), NULL, NULL, replay_block, r, e) &&
	     !r->failed && at_end(d, e);
	ledger_set_verify(d->l, NULL);
	arena_done(&r->arena);
	free(r);
	d->time_ms = d->head.time.s * 1000;
	return ok;
}

/* ---- export ------------------------------------------------------------------------------------- */

struct exporting {
	const struct record *record;
	bool (*line)(void *ctx, struct str text);
	void *ctx;
};

static bool export_row(void *ctx, const void *row)
{
	struct exporting *x = ctx;
	struct buf b OWN(buf_done);

	buf_init(&b, 1 << 18);
	record_canonical(x->record, row, &b);
	return x->line(x->ctx, buf_view(&b));
}

bool ledgerd_export(
        struct ledgerd *d, bool (*line)(void *ctx, struct str text), void *ctx, struct err *e)
{
	struct store *s = &d->world->store;

	for (size_t i = 0; ledgerd_tables[i]; i++) {
		struct exporting x = {ledgerd_tables[i](), line, ctx};

		TRY(s->each(s->self, x.record, NULL, NULL, export_row, &x, e), e);
	}
	return true;
}
