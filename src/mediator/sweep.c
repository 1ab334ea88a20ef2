/* sweep.c - what was fetched for disputes that are over goes; the outputs that were judged are kept for the
 * parties for a while (protocol 6.8). Rows are kept: they are what was earned, and why. */
#include "codec/unixfs.h"
#include "mediator/mediator_own.h"

enum {
	SWEEP_S = 3600, /* between two collections: what was put since the last but one stays */
	MARKS_MAX = 4 << 20,       /* blocks in use */
	LINKS_ARENA_MAX = 32 << 20 /* of one block that is nothing but the shortest links */
};

/* Blocks in use. Only nodes are read: leaves are known by the links to them. */
struct marks {
	struct mediator *m;
	struct wall now;
	struct map seen; /* digest -> nothing */
	struct buf todo; /* struct cid */
	bool full;       /* more than there is room for: then nothing is collected */
};

static void marks_init(struct marks *k, struct mediator *m, struct wall now)
{
	*k = (struct marks){.m = m, .now = now};
	/* Keys are digests of blocks that were checked: they cannot be chosen to collide. */
	map_init(&k->seen, sizeof(struct hash), 1, MARKS_MAX, 0);
	buf_init(&k->todo, MARKS_MAX * sizeof(struct cid));
}

static void marks_done(struct marks *k)
{
	map_done(&k->seen);
	buf_done(&k->todo);
}

static void add_links(struct marks *k, const struct cid *cid)
{
	struct blobs *b = &k->m->world->blobs;
	struct buf block OWN(buf_done);
	struct arena a OWN(arena_done);
	struct unixfs_block node;
	struct err e;

	buf_init(&block, BLOCK_MAX);
	arena_init(&a, LINKS_ARENA_MAX);
	/* A tree that is not whole keeps what can be reached of it. */
	if (!b->get(b->self, cid, &block, &e) ||
	        !unixfs_decode(cid, buf_bytes(&block), &a, &node, &e))
		return;
	for (size_t i = 0; i < node.n; i++)
		buf_put(&k->todo, &node.links[i].cid, sizeof node.links[i].cid);
}

static void mark(struct marks *k, const struct cid *root)
{
	buf_put(&k->todo, root, sizeof *root);
	while (k->todo.n && buf_ok(&k->todo)) {
		struct cid next;
		bool fresh;

		k->todo.n -= sizeof next;
		memcpy(&next, k->todo.p + k->todo.n, sizeof next);
		if (!map_put(&k->seen, &next.digest, &fresh)) {
			k->full = true;
			return;
		}
		if (fresh && next.codec == CID_DAG_PB)
			add_links(k, &next);
	}
	k->full = k->full || !buf_ok(&k->todo);
}

static bool mark_case(void *ctx, const void *row)
{
	const struct mediator_case *c = row;
	struct marks *k = ctx;
	uint64_t keep = (uint64_t)k->m->c.keep.ms / 1000;
	struct cid tree = cid_tree(&c->tree), own = cid_tree(&c->own_tree);

	if (c->state == CASE_OVER && c->created.s + keep < wall_seconds(k->now))
		return true;
	if (!hash_is_zero(&c->tree))
		mark(k, &tree);
	if (c->ran)
		mark(k, &own);
	return !k->full;
}

static void mark_parts(struct marks *k)
{
	const void *key;
	void *val;

	for (size_t i = 0; map_next(&k->m->disputes, &i, &key, &val) && !k->full;) {
		const struct dispute *d = *(struct dispute **)val;

		for (unsigned p = 0; p < d->parts_n; p++)
			mark(k, &d->parts[p].root);
	}
}

static bool is_marked(void *ctx, const struct cid *cid)
{
	const struct marks *k = ctx;

	return map_get(&k->seen, &cid->digest) != NULL;
}

static bool collect(struct mediator *m, struct wall now, struct err *e)
{
	const struct mediator_collector *c = &m->c.collector;
	struct store *s = &m->world->store;
	struct marks k OWN(marks_done);
	uint64_t freed;

	marks_init(&k, m, now);
	TRY(s->each(s->self, mediator_case_record(), NULL, NULL, mark_case, &k, e), e);
	mark_parts(&k);
	if (k.full)
		return FAIL(e, TOO_LARGE, "more than %d blocks are in use", MARKS_MAX);
	TRY(c->collect(c->self, is_marked, &k, &freed, e), e);
	if (freed)
		log_line(&m->world->log, LOG_INFO, "collected %llu bytes of blocks",
		        (unsigned long long)freed);
	return true;
}

void mediator_sweep(struct mediator *m, const struct event *ev, struct effects *fx)
{
	const struct mediator_collector *c = &m->c.collector;
	struct span next = span_s(SWEEP_S);
	bool more = false;
	struct err e;

	if (!c->collect)
		return;
	if (m->compacting) {
		if (!c->compact(c->self, &more, &e))
			log_line(&m->world->log, LOG_ODD, "disk space cannot be given back: %s",
			        e.msg);
	} else if (ev->kind == EV_TIMER) {
		more = collect(m, ev->wall, &e);
		if (!more)
			log_line(&m->world->log, LOG_ODD, "blocks cannot be collected: %s", e.msg);
	}
	/* One segment at a time, between other events. */
	m->compacting = more && c->compact;
	if (m->compacting)
		next = span_ms(1);
	fx_add(fx, FX_TIMER, (struct tag){.what = TAG_SWEEP})->delay = next;
}
