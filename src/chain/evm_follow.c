/* evm_follow.c - the logs of final blocks, range by range: each log is looked at (evm_event.c) until all that its
 * events want is there, and told. */
#include <stdlib.h>

#include "chain/evm_own.h"

/* ---- failing ------------------------------------------------------------------------------------ */

/* Nothing is lost: the next head starts again behind what was told. */
void follow_give_up(struct evm *m, const struct err *why)
{
	struct follow *f = &m->f;

	f->active = false;
	json_decref(f->logs);
	f->logs = NULL;
	f->parsed = false;
	f->chunk = MAX2(f->chunk / 2, 1u);
	evm_down(m, why);
}

void follow_failed(struct evm *m, const struct evm_answer *a)
{
	follow_give_up(m, &a->err);
}

void follow_ask(struct evm *m, const char *method, json_t *params, evm_done done)
{
	struct err e;

	if (evm_rpc_call(m->rpc, method, params, done, m))
		return;
	FAIL(&e, MEMORY, "no memory to ask the chain");
	follow_give_up(m, &e);
}

static bool parse(struct evm *m, struct err *e)
{
	struct follow *f = &m->f;

	TRY(evm_read_log(json_array_get(f->logs, f->at), &f->log, e), e);
	if (f->log.block > f->to || f->log.block <= f->last)
		return FAIL(e, PEER, "the node gave a log of block %llu, which was not asked for",
		        (unsigned long long)f->log.block);
	if (f->log.block == f->to && !hash_eq(&f->log.block_hash, &f->to_hash))
		return FAIL(e, PEER, "the node gave a log of another block %llu",
		        (unsigned long long)f->to);
	f->parsed = true;
	event_begin(m);
	return true;
}

/* ---- a range of blocks -------------------------------------------------------------------------- */

static void next_range(struct evm *m);

static void range_over(struct evm *m)
{
	struct follow *f = &m->f;
	struct ledger_note n = {.stage = LEDGER_CLOCK};

	json_decref(f->logs);
	f->logs = NULL;
	f->last = f->to;
	f->last_hash = f->to_hash;
	back_keep(m, f->to, &f->to_hash, f->touched);
	f->touched = false;
	f->chunk = MIN2(f->chunk * 2, (uint64_t)CHUNK_BLOCKS);
	if (f->to_time.s > m->time.s) {
		m->time = f->to_time;
		evm_note(m, &n);
	}
	next_range(m);
}

void follow_pump(struct evm *m)
{
	struct follow *f = &m->f;
	enum log_next n;
	struct err e;

	while (!m->closing && f->at < json_array_size(f->logs)) {
		if (!f->parsed && !parse(m, &e)) {
			follow_give_up(m, &e);
			return;
		}
		n = event_look(m);
		if (n == LOG_WAITS)
			return;
		if (n == LOG_TELL)
			event_tell(m);
		if (n == LOG_TELL && event_more(m))
			continue;
		f->parsed = false;
		f->at++;
	}
	if (!m->closing)
		range_over(m);
}

static void on_logs(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct err e;

	if (!a->ok) {
		follow_failed(m, a);
		return;
	}
	if (!json_is_array(a->result) || a->endpoint != m->f.endpoint) {
		FAIL(&e, PEER, "the chain's logs and its head came from different nodes");
		follow_give_up(m, &e);
		return;
	}
	m->f.logs = json_deep_copy(a->result);
	m->f.at = 0;
	/* Before a role can write down that it was told. */
	if (json_array_size(m->f.logs))
		back_keep(m, m->f.to, &m->f.to_hash, true);
	m->f.parsed = false;
	follow_pump(m);
}

static void on_to(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	struct evm_header h;
	struct err e;

	if (!a->ok) {
		follow_failed(m, a);
		return;
	}
	if (!evm_read_header(a->result, &h, &e)) {
		follow_give_up(m, &e);
		return;
	}
	f->to_hash = h.hash;
	f->to_time = h.time;
	f->endpoint = a->endpoint;
	follow_ask(m, "eth_getLogs",
	        json_pack("[{s:o, s:o, s:o}]", "address",
	                evm_data(bytes_of(m->o.controller.b, sizeof m->o.controller.b)),
	                "fromBlock", evm_quantity(f->last + 1), "toBlock", evm_quantity(f->to)),
	        on_logs);
}

static void ask_to(struct evm *m)
{
	follow_ask(m, "eth_getBlockByNumber", json_pack("[o,b]", evm_quantity(m->f.to), 0), on_to);
}

/* What was told must still be there. */
static void on_last(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	struct evm_header h;
	struct err e;

	if (!a->ok) {
		follow_failed(m, a);
		return;
	}
	if (!evm_read_header(a->result, &h, &e)) {
		follow_give_up(m, &e);
		return;
	}
	if (hash_eq(&h.hash, &f->last_hash)) {
		ask_to(m);
		return;
	}
	FAIL(&e, WRONG_LEDGER,
	        "the chain has replaced block %llu, which was final here %u blocks ago: what was "
	        "told of it cannot be undone",
	        (unsigned long long)f->last, m->o.depth);
	follow_give_up(m, &e);
}

static void next_range(struct evm *m)
{
	struct follow *f = &m->f;
	uint64_t confirmed = m->head >= m->o.depth ? m->head - m->o.depth : 0;

	if (f->unsure) {
		f->active = !m->closing;
		if (f->active)
			back_check(m);
		return;
	}
	if (!m->closing && back_mends(m)) {
		f->active = true;
		return;
	}
	f->active = confirmed > f->last && !m->closing;
	if (!f->active) {
		/* All that is final has been told: only now it is known that nothing stands in the way. */
		if (!m->closing)
			evm_up(m);
		return;
	}
	f->to = MIN2(confirmed, f->last + f->chunk);
	if (hash_is_zero(&f->last_hash))
		ask_to(m);
	else
		follow_ask(m, "eth_getBlockByNumber", json_pack("[o,b]", evm_quantity(f->last), 0),
		        on_last);
}

void follow_on(struct evm *m)
{
	next_range(m);
}

void follow_head(struct evm *m, unsigned endpoint)
{
	m->f.endpoint = endpoint;
	if (!m->f.active)
		next_range(m);
}

void follow_done(struct follow *f)
{
	json_decref(f->logs);
	free(f->t.items);
	f->logs = NULL;
	f->t.items = NULL;
}
