/* evm.c - the port's life, and the chain's head, which everything else waits for. */
#include "chain/evm.h"

#include <stdio.h>
#include <stdlib.h>

#include "chain/evm_own.h"
#include "os/clock.h"

enum {
	POLL_MS = 1000,
	POLL_LEAST_MS = 100,
	BEHIND_MAX = 3, /* blocks that an endpoint may be behind the best head seen */
	/* A head that does not move for so long, and for so many blocks' time: another endpoint is asked. */
	STILL_MS = 15000,
	STILL_BLOCKS = 5
};

uint64_t evm_seq_of(uint64_t block)
{
	return block << SEQ_BITS | ((UINT64_C(1) << SEQ_BITS) - 1);
}

/* ---- notes -------------------------------------------------------------------------------------- */

void evm_note(struct evm *m, struct ledger_note *n)
{
	n->time = m->time;
	if (m->started && !m->closing)
		m->in.ledger(m->in.self, n);
}

void evm_stage(struct evm *m, enum ledger_stage which, const struct hash *id, bool failed,
        const struct err *why)
{
	struct ledger_note n = {.stage = which, .action_id = *id, .failed = failed};

	if (why)
		n.err = *why;
	evm_note(m, &n);
}

void evm_down(struct evm *m, const struct err *why)
{
	struct ledger_note n = {.stage = LEDGER_DOWN, .err = *why};

	bool wrong = why->code == E_WRONG_LEDGER;

	/* That it is another ledger is news also where it was only out of reach before. */
	if (m->down && (!wrong || m->wrong))
		return;
	m->down = true;
	m->wrong = wrong;
	evm_note(m, &n);
}

void evm_up(struct evm *m)
{
	struct ledger_note n = {.stage = LEDGER_UP};

	if (!m->down)
		return;
	m->down = m->wrong = false;
	evm_note(m, &n);
}

/* Events of that transaction are of this action. */
static void is_ours(struct evm *m, const struct hash *tx, const struct hash *id)
{
	struct hash *at;

	if (m->ours.n == OURS_MAX)
		map_clear(&m->ours);
	at = map_put(&m->ours, tx, NULL);
	if (at)
		*at = *id;
}

static void told(void *ctx, const struct hash *id, enum ledger_stage stage, bool failed,
        const struct evm_receipt *receipt, const struct err *why)
{
	struct ledger_note n = {.stage = stage, .action_id = *id, .failed = failed};

	if (why)
		n.err = *why;
	if (receipt) {
		n.tx = receipt->tx;
		is_ours(ctx, &n.tx, id);
	}
	evm_note(ctx, &n);
}

static void relayed(void *ctx, const struct hash *id, enum ledger_stage stage, bool failed,
        const struct hash *tx, const struct err *why)
{
	struct ledger_note n = {.stage = stage, .action_id = *id, .failed = failed, .tx = *tx};

	if (why)
		n.err = *why;
	if (!hash_is_zero(tx))
		is_ours(ctx, tx, id);
	evm_note(ctx, &n);
}

static void waits(void *ctx, const struct hash *deal, struct btime deadline, const struct err *why)
{
	const struct evm *m = ctx;

	if (m->o.warn)
		m->o.warn(m->o.warn_ctx, deal, deadline, why->msg);
	else
		log_line(&m->o.log, LOG_ODD, "%s", why->msg);
}

/* ---- logs of a deal ------------------------------------------------------------------------------ */

bool evm_deal_fold(
        struct evm_deal *d, const json_t *logs, uint64_t block, uint32_t index, struct err *e)
{
	struct evm_deal_step ignored;
	struct evm_log l;
	struct hash deal;
	const json_t *v;
	size_t i;

	if (!json_is_array(logs))
		return FAIL(e, PEER, "the node's answer is no list of logs");
	json_array_foreach (logs, i, v) {
		TRY(evm_read_log(v, &l, e), e);
		if (l.block > block || (l.block == block && l.index >= index))
			break;
		evm_log_deal(&l, &deal);
		if (hash_eq(&deal, &d->id))
			TRY(evm_deal_take(d, &l, &ignored, e), e);
	}
	return true;
}

/* ---- documents ------------------------------------------------------------------------------------ */

const struct deal *evm_whole(const struct evm *m, const struct hash *deal)
{
	struct deal **at = map_get(&m->wholes, deal);

	return at ? *at : NULL;
}

bool evm_keep_whole(struct evm *m, const struct evm_deal *d, struct bytes input, struct err *e)
{
	struct deal *whole = calloc(1, sizeof *whole), **at;

	if (!whole)
		return FAIL(e, MEMORY, "no memory for a deal");
	if (!evm_deal_find(d, input, whole, e)) {
		free(whole);
		return false;
	}
	if (m->wholes.n == WHOLES_MAX) {
		map_done_owned(&m->wholes);
		map_init(&m->wholes, sizeof(struct hash), sizeof(struct deal *), WHOLES_MAX, 0);
	}
	at = map_put(&m->wholes, &d->id, NULL);
	if (!at) {
		free(whole);
		return FAIL(e, MEMORY, "no memory for a deal");
	}
	free(*at);
	*at = whole;
	return true;
}

/* ---- the head ----------------------------------------------------------------------------------- */

static void distrust(struct evm *m, unsigned endpoint, const char *why)
{
	log_line(&m->o.log, LOG_ODD, "the node %s: %s", evm_rpc_name(m->rpc, endpoint), why);
	evm_rpc_distrust(m->rpc, why);
}

static bool stands_still(const struct evm *m, struct mono now)
{
	uint64_t most = MAX2((uint64_t)STILL_MS, STILL_BLOCKS * 1000 * m->interval_s);

	return (uint64_t)mono_since(now, m->head_at).ms > most;
}

static bool trusted(struct evm *m, const struct evm_header *h, unsigned endpoint)
{
	struct mono now = clock_mono();

	if (h->number > m->head || m->head_at.ns == 0) {
		if (m->head && h->time.s > m->head_time.s)
			m->interval_s = (h->time.s - m->head_time.s) / (h->number - m->head);
		m->head_at = now;
		m->still = false;
	}
	if (m->best > h->number + BEHIND_MAX && evm_rpc_endpoints(m->rpc) > 1) {
		m->best = h->number; /* if the others are no further, so be it */
		distrust(m, endpoint, "it is behind the chain");
		return false;
	}
	m->best = MAX2(m->best, h->number);
	if (stands_still(m, now)) {
		m->head_at = now;
		/* Where there is no other, it is said once. */
		if (!m->still || evm_rpc_endpoints(m->rpc) > 1)
			distrust(m, endpoint, "its head does not move");
		m->still = true;
	}
	return true;
}

static void on_head(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct evm_header h;
	struct err e = a->err;

	m->head_asked = false;
	if (!a->ok || !evm_read_header(a->result, &h, &e)) {
		evm_down(m, &e);
		return;
	}
	if (!trusted(m, &h, a->endpoint))
		return;
	m->head = h.number;
	m->head_time = h.time;
	if (m->send)
		evm_send_tick(m->send, h.number, h.time);
	follow_head(m, a->endpoint);
}

static void on_poll(uv_timer_t *t)
{
	struct evm *m = t->data;

	if (!m->head_asked)
		m->head_asked = evm_rpc_call(m->rpc, "eth_getBlockByNumber",
		        json_pack("[s,b]", "latest", 0), on_head, m);
}

/* ---- the port ----------------------------------------------------------------------------------- */

static bool start(void *self, uint64_t after, const struct addr *account, const struct inbox *in,
        struct err *e)
{
	struct evm *m = self;
	struct evm_send_options o = {.loop = m->o.loop,
	        .rpc = m->rpc,
	        .signer = m->o.signer,
	        .log = m->o.log,
	        .chain_id = m->o.chain_id,
	        .dir = m->dir,
	        .depth = m->o.depth,
	        .max_fee_wei = m->o.max_fee_wei,
	        .stuck = m->o.stuck,
	        .told = told,
	        .waits = waits,
	        .ctx = m};
	uint64_t before = after >> SEQ_BITS, first = m->o.from_block;

	if (m->o.ring)
		TRY(evm_ring_load(m->o.ring, &m->ring, e), e);
	before -= MIN2(before, m->ring.shift);
	m->f.unsure = before && m->ring.n;
	m->f.ring_at = m->ring.n;
	m->in = *in;
	m->seq = after;
	m->account = *account;
	if (!m->relay)
		TRY(evm_send_new(&o, &m->send, e), e);
	/* The block of the last event may hold more of them. */
	before = MAX2(before, first);
	m->f.last = before ? before - 1 : 0;
	m->f.chunk = CHUNK_BLOCKS;
	m->started = true;
	uv_timer_start(&m->poll, on_poll, 0, (uint64_t)m->o.poll.ms);
	return true;
}

static void submit(void *self, const struct action *a, const struct hash *id)
{
	ready_submit(self, a, id);
}

static void on_closed(uv_handle_t *h)
{
	struct evm *m = h->data;

	if (--m->closing)
		return;
	map_done_owned(&m->seen);
	map_done_owned(&m->wholes);
	map_done(&m->channels);
	map_done(&m->ours);
	free(m);
}

static void stop(void *self)
{
	struct evm *m = self;

	if (m->closing)
		return;
	m->closing = 2;
	m->rpc = evm_rpc_free(m->rpc);
	m->send = m->send ? evm_send_free(m->send) : NULL;
	m->relay = evm_relay_free(m->relay);
	while (m->ready)
		ready_free(m->ready);
	look_stop(m);
	follow_done(&m->f);
	uv_close((uv_handle_t *)&m->poll, on_closed);
	uv_close((uv_handle_t *)&m->turn, on_closed);
}

static bool prepare(struct evm *m, const struct evm_options *o, struct err *e)
{
	struct evm_rpc_options r = {.loop = o->loop,
	        .client = o->client,
	        .urls = m->urls,
	        .chain_id = o->chain_id,
	        .genesis = o->genesis};
	struct evm_relay_options relay = {.loop = o->loop,
	        .client = o->client,
	        .url = o->relay,
	        .account = o->relay_addr,
	        .log = o->log,
	        .told = relayed,
	        .ctx = m};

	if (strlen(o->urls) >= sizeof m->urls || strlen(o->dir) >= sizeof m->dir ||
	        (o->ring && strlen(o->ring) >= sizeof m->ring_path))
		return FAIL(e, CONFIG, "ledger.rpc has more than %zu bytes", sizeof m->urls - 1);
	m->o = *o;
	snprintf(m->urls, sizeof m->urls, "%s", o->urls);
	snprintf(m->dir, sizeof m->dir, "%s", o->dir);
	m->o.urls = m->urls;
	m->o.dir = m->dir;
	if (o->ring) {
		snprintf(m->ring_path, sizeof m->ring_path, "%s", o->ring);
		m->o.ring = m->ring_path;
	}
	if (m->o.poll.ms == 0)
		m->o.poll = span_ms(POLL_MS);
	m->o.poll.ms = MAX2(m->o.poll.ms, (int64_t)POLL_LEAST_MS);
	TRY(evm_rpc_new(&r, &m->rpc, e), e);
	if (!o->relay || evm_relay_new(&relay, &m->relay, e))
		return true;
	m->rpc = evm_rpc_free(m->rpc);
	return false;
}

bool evm_open(const struct evm_options *o, struct ledger_port *out, struct err *e)
{
	struct evm *m = calloc(1, sizeof *m);

	if (!m)
		return FAIL(e, MEMORY, "no memory for the ledger port");
	if (!prepare(m, o, e)) {
		free(m);
		err_note(e, __FILE__, __LINE__);
		return false;
	}
	map_init(&m->seen, sizeof(struct hash), sizeof(struct seen *), SEEN_MAX, 0);
	map_init(&m->wholes, sizeof(struct hash), sizeof(struct deal *), WHOLES_MAX, 0);
	map_init(&m->channels, sizeof(struct hash), sizeof(struct channel_id), WHOLES_MAX, 0);
	map_init(&m->ours, sizeof(struct hash), sizeof(struct hash), OURS_MAX, 0);
	uv_timer_init(o->loop, &m->poll);
	uv_timer_init(o->loop, &m->turn);
	m->poll.data = m->turn.data = m;
	*out = (struct ledger_port){m, start, submit, stop};
	return true;
}

void evm_close(struct ledger_port *p)
{
	if (p->self)
		stop(p->self);
	p->self = NULL;
}
