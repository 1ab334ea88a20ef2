/* journal.c - blocks: sealing them, and replaying them link by link. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/merkle.h"
#include "codec/signed.h"
#include "crypto/keccak.h"
#include "ledgerd/ledgerd_own.h"
#include "port/action_json.h"

#include "model/record_table.h"
#include "ledgerd/tables.def"
#include "model/record_end.h"

const struct record *(*const ledgerd_tables[])(void) = {
	journal_block_record, journal_action_record, NULL};

void journal_leaf(const struct hash *id, struct bytes event, struct hash *out)
{
	struct hash pair[2] = {*id};

	keccak256(event.p, event.n, &pair[1]);
	keccak256(pair, sizeof pair, out);
}

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

static bool root_of(const struct hash *leaves, size_t n, struct arena *a, struct hash *out, struct err *e)
{
	struct hash *scratch = arena_alloc(a, (n + 1) * sizeof *scratch);

	if (!scratch)
		return FAIL(e, MEMORY, "no memory for a block");
	merkle_root(leaves, n, scratch, out);
	return true;
}

static bool store_action(struct ledgerd *d, const struct sealed *s, uint64_t number, struct err *e)
{
	struct store *st = &d->world->store;
	struct journal_action *row = calloc(1, sizeof *row);
	bool ok;

	if (!row)
		return FAIL(e, MEMORY, "no memory for a row");
	assert(s->action.n < sizeof row->action && s->text.n < sizeof row->event);
	row->seq = s->event.seq;
	row->block = number;
	row->id = s->id;
	memcpy(row->action, s->action.p, s->action.n);
	memcpy(row->event, s->text.p, s->text.n);
	ok = st->put(st->self, journal_action_record(), row, e);
	free(row);
	return ok;
}

static struct bytes event_text(const struct ledger_event *ev, struct arena *a)
{
	struct buf b OWN(buf_done);
	json_t *j = ledger_event_to_json(ev);
	struct bytes out;

	buf_init(&b, 1 << 16);
	json_canonical(j, &b);
	json_decref(j);
	out = bytes_of(arena_copy(a, b.p, b.n), b.n);
	assert(out.p);
	return out;
}

bool journal_seal(struct ledgerd *d, struct sealed *s, size_t n, struct arena *a, struct err *e)
{
	struct journal_block row = {.number = d->head.number + 1, .actions = (uint32_t)n,
		.first_seq = d->seq + 1};
	struct hash *leaves = arena_alloc(a, (n + 1) * sizeof *leaves);
	struct store *st = &d->world->store;

	if (!leaves)
		return FAIL(e, MEMORY, "no memory for a block");
	row.block = (struct block){.number = row.number, .parent = d->head_hash, .time = ledgerd_now(d)};
	for (size_t i = 0; i < n; i++) {
		s[i].event.seq = ++d->seq;
		s[i].event.block = row.number;
		s[i].text = event_text(&s[i].event, a);
		journal_leaf(&s[i].id, s[i].text, &leaves[i]);
		TRY(store_action(d, &s[i], row.number, e), e);
	}
	TRY(root_of(leaves, n, a, &row.block.root, e), e);
	TRY(world_sign(d->world, ledger_domain(d->l), block_record(), &row.block, &row.sig, e), e);
	TRY(st->put(st->self, journal_block_record(), &row, e), e);
	take_head(d, &row.block, &row.sig);
	d->actions += n;
	return true;
}

/* ---- replay ----------------------------------------------------------------------------------------- */

struct replay {
	struct ledgerd *d;
	struct arena    arena;
	struct hash     leaves[LEDGERD_BATCH_MAX];
	uint32_t        n;          /* actions of the block that have been replayed */
	uint64_t        number;
	struct btime    time;
	struct err     *e;
	bool            failed;
};

static bool bad(struct replay *r, const char *what)
{
	struct err why = *r->e;

	FAIL(r->e, TAMPERED, "block %llu: %s%s%s", (unsigned long long)r->number, what,
		why.code ? ": " : "", why.code ? why.msg : "");
	r->failed = true;
	return false;
}

static bool replay_action(void *ctx, const void *vrow)
{
	const struct journal_action *row = vrow;
	struct replay *r = ctx;
	struct ledgerd *d = r->d;
	json_t *j OWN(json_own) = NULL;
	struct action *a = ARENA_NEW(&r->arena, struct action);
	struct ledger_event ev;
	struct bytes text;
	struct hash id;

	assert(a);
	err_clear(r->e);
	if (r->n >= LEDGERD_BATCH_MAX || row->seq != d->seq + 1)
		return bad(r, "its actions are not in order");
	if (!json_parse(str_of(row->action), &j, r->e) || !action_from_json(j, a, r->e))
		return bad(r, "an action cannot be read");
	action_id(a, &id);
	if (!hash_eq(&id, &row->id))
		return bad(r, "an action has another id than is recorded");
	if (!ledger_apply(d->l, a, r->time, &ev, r->e))
		return bad(r, "an action is refused");
	ev.seq = ++d->seq;
	ev.block = r->number;
	text = event_text(&ev, &r->arena);
	if (!str_is(bytes_str(text), row->event))
		return bad(r, "an action has another outcome than is recorded");
	journal_leaf(&id, text, &r->leaves[r->n++]);
	d->actions++;
	return true;
}

static bool replay_block(void *ctx, const void *vrow)
{
	const struct journal_block *row = vrow;
	struct replay *r = ctx;
	struct ledgerd *d = r->d;
	struct store *s = &d->world->store;
	struct journal_action *key = calloc(1, sizeof *key);
	struct hash root;
	bool ok;

	assert(key);
	err_clear(r->e);
	r->number = row->number;
	r->time = row->block.time;
	r->n = 0;
	key->block = row->number;
	arena_reset(&r->arena);
	if (row->number != d->head.number + 1 || row->block.number != row->number)
		ok = bad(r, "a block is missing before it");
	else if (!hash_eq(&row->block.parent, &d->head_hash))
		ok = bad(r, "it does not follow from the block before");
	else if (row->block.time.s < d->head.time.s)
		ok = bad(r, "its time goes back");
	else if (!signed_check(ledger_domain(d->l), block_record(), &row->block, &row->sig, &d->g.operator_, r->e))
		ok = bad(r, "it is not signed by the operator");
	else
		ok = s->each(s->self, journal_action_record(),
			record_field(journal_action_record(), STR("block")), key, replay_action, r, r->e);
	free(key);
	if (r->failed || !ok)
		return false;
	if (r->n != row->actions)
		return bad(r, "an action is missing");
	if (!root_of(r->leaves, r->n, &r->arena, &root, r->e) || !hash_eq(&root, &row->block.root))
		return bad(r, "its root is not that of its actions and events");
	take_head(d, &row->block, &row->sig);
	return true;
}

bool journal_replay(struct ledgerd *d, struct err *e)
{
	struct replay *r = calloc(1, sizeof *r);
	struct store *s = &d->world->store;
	bool ok;

	if (!r)
		return FAIL(e, MEMORY, "no memory to replay the journal");
	r->d = d;
	r->e = e;
	arena_init(&r->arena, 64u << 20);
	d->head = (struct block){.number = 0, .time = d->g.time};
	eip712_hash(block_record(), &d->head, &d->head_hash);
	ok = s->each(s->self, journal_block_record(), NULL, NULL, replay_block, r, e) && !r->failed;
	arena_done(&r->arena);
	free(r);
	d->time_ms = d->head.time.s * 1000;
	return ok;
}

/* ---- export ----------------------------------------------------------------------------------------- */

struct exporting {
	bool (*line)(void *ctx, struct str text);
	void *ctx;
	bool  actions;
};

static bool export_row(void *ctx, const void *vrow)
{
	struct exporting *x = ctx;
	struct buf b OWN(buf_done);
	const struct record *r = x->actions ? journal_action_record() : journal_block_record();

	buf_init(&b, 1 << 18);
	record_canonical(r, vrow, &b);
	return x->line(x->ctx, buf_view(&b));
}

bool ledgerd_export(struct ledgerd *d, bool (*line)(void *ctx, struct str text), void *ctx, struct err *e)
{
	struct exporting x = {line, ctx, false};
	struct store *s = &d->world->store;

	TRY(s->each(s->self, journal_block_record(), NULL, NULL, export_row, &x, e), e);
	x.actions = true;
	TRY(s->each(s->self, journal_action_record(), NULL, NULL, export_row, &x, e), e);
	return true;
}
