/* evm_jobs.c - rounds over the jobs of one judge. */
#include "chain/evm_jobs.h"

#include <stdio.h>
#include <stdlib.h>

#include "chain/contracts.h"
#include "chain/evm_jobs_own.h"
#include "crypto/keccak.h"
#include "os/clock.h"

enum {
	POLL_MS = 1000,
	CHUNK_BLOCKS = 2000,
	CALL_GAS = 400000,
	AGAIN_MS = 10000, /* after a step that was refused */
	JOB_LEAVES = 13,
	NUMBERS_MAX = 64 /* data of an id */
};

/* ---- asking ----------------------------------------------------------------------------------------------- */

void jobs_round_over(struct evm_jobs *m, const struct err *why)
{
	m->busy = false;
	if (why)
		log_line(&m->o.log, LOG_ODD, "jobs of the contract: %s", why->msg);
}

void jobs_ask(struct evm_jobs *m, const char *method, json_t *params, evm_done done)
{
	struct err e;

	if (params && evm_rpc_call(m->rpc, method, params, done, m))
		return;
	FAIL(&e, MEMORY, "no memory to ask the chain");
	jobs_round_over(m, &e);
}

void jobs_view(struct evm_jobs *m, const struct addr *to, const char *signature,
        const struct abi_leaf *args, size_t n, evm_done done)
{
	struct buf data OWN(buf_done);
	json_t *params = NULL;
	struct err e;

	buf_init(&data, 1024);
	if (abi_encode_call(signature, args, n, &data, &e))
		params = json_pack("[{s:o, s:o}, s]", "to", evm_data(bytes_of(to->b, sizeof to->b)),
		        "data", evm_data(buf_bytes(&data)), "latest");
	jobs_ask(m, "eth_call", params, done);
}

bool jobs_leaves(struct evm_jobs *m, const struct evm_answer *a, const char *types,
        struct buf *data, struct abi_leaf *out, size_t n)
{
	struct err e = a->err;
	size_t got;

	buf_init(data, 8192);
	if (a->ok && evm_read_data(a->result, data, &e)) {
		if (abi_decode(str_of(types), buf_bytes(data), out, n, &got, &e) && got == n)
			return true;
		FAIL(&e, WRONG_LEDGER, "there is no contract of jobs of ours at its address");
	}
	jobs_round_over(m, &e);
	return false;
}

/* ---- sending ---------------------------------------------------------------------------------------------- */

/* The step by which contract and job: the same one is not sent twice at once. */
static struct hash id_of(const struct evm_jobs *m, const char *signature, uint64_t number)
{
	struct buf b OWN(buf_done);
	struct hash h;

	buf_init(&b, 256);
	buf_put(&b, m->o.contract.b, sizeof m->o.contract.b);
	buf_u64be(&b, number);
	buf_z(&b, signature);
	keccak256(b.p, b.n, &h);
	return h;
}

void jobs_send(struct evm_jobs *m, const char *signature, uint64_t number,
        const struct abi_leaf *args, size_t n, uint64_t gas)
{
	struct buf data OWN(buf_done);
	struct evm_intent i = {.id = id_of(m, signature, number),
	        .to = m->o.contract,
	        .gas_max = gas,
	        .now = m->now};
	struct err e;

	buf_init(&data, 4096);
	if (evm_send_has(m->send, &i.id))
		return;
	if (!abi_encode_call(signature, args, n, &data, &e)) {
		log_line(&m->o.log, LOG_BROKEN, "%s: %s", signature, e.msg);
		return;
	}
	i.data = buf_bytes(&data);
	evm_send_put(m->send, &i);
}

static void told(void *ctx, const struct hash *id, enum ledger_stage stage, bool failed,
        const struct evm_receipt *receipt, const struct err *why)
{
	static const char *const steps[] = {
	        fn_onchainjobs_cancel, fn_onchainjobs_finish, fn_onchainjobs_refund};
	struct evm_jobs *m = ctx;

	(void)receipt;
	if (stage != LEDGER_DROPPED && !(stage == LEDGER_INCLUDED && failed))
		return;
	log_line(&m->o.log, LOG_ODD, "jobs of the contract: %s", why ? why->msg : "refused");
	for (size_t i = 0; i < m->n; i++) {
		for (size_t k = 0; k < COUNT(steps); k++) {
			struct hash one = id_of(m, steps[k], m->jobs[i].j.number);

			if (hash_eq(&one, id))
				m->jobs[i].not_before = mono_plus(clock_mono(), span_ms(AGAIN_MS));
		}
	}
}

/* ---- one job ---------------------------------------------------------------------------------------------- */

static void ask_job(struct evm_jobs *m);

void jobs_next(struct evm_jobs *m)
{
	if (m->over) {
		m->jobs[m->at] = m->jobs[--m->n];
		m->over = false;
	} else {
		m->at++;
	}
	ask_job(m);
}

/* What came back is moved out in batches, and then paid to the buyer. */
static void pay_back(struct evm_jobs *m, const struct kept *k)
{
	struct abi_leaf number = abi_u64(k->j.number);

	if (k->batch < m->batch)
		jobs_send(m, fn_onchainjobs_refund, k->j.number, &number, 1, CALL_GAS);
	else if (m->leaves_at.s == 0 && !amount_is_zero(m->waiting))
		jobs_send(m, fn_onchainjobs_sweep, 2 * m->batch, NULL, 0, CALL_GAS);
	else if (m->leaves_at.s && m->now.s >= m->leaves_at.s)
		jobs_send(m, fn_onchainjobs_sweep, 2 * m->batch + 1, NULL, 0, CALL_GAS);
}

static void look(struct evm_jobs *m, struct kept *k)
{
	struct abi_leaf number = abi_u64(k->j.number);

	if (k->state == JOB_IS_CANCELLED)
		m->o.gone(m->o.ctx, k->j.number);
	if (k->state == JOB_IS_CANCELLED || (k->state == JOB_IS_ENDED && amount_is_zero(k->refund)))
		m->over = true;
	else if (k->state == JOB_IS_WAITING && m->now.s < k->j.match_by.s)
		m->o.waits(m->o.ctx, &k->j, m->now);
	else if (clock_mono().ns < k->not_before.ns)
		; /* refused a moment ago */
	else if (k->state == JOB_IS_WAITING)
		jobs_send(m, fn_onchainjobs_cancel, k->j.number, &number, 1, CALL_GAS);
	else if (k->state == JOB_IS_ENDED)
		pay_back(m, k);
	else {
		jobs_end(m);
		return;
	}
	jobs_next(m);
}

static void on_job(void *ctx, const struct evm_answer *a)
{
	struct evm_jobs *m = ctx;
	struct kept *k = &m->jobs[m->at];
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l[JOB_LEAVES];

	if (!jobs_leaves(m, a, out_onchainjobs_job, &data, l, COUNT(l)))
		return;
	k->j.spec = l[0].word;
	k->j.pay = abi_get_amount(&l[2]);
	k->j.bond = abi_get_amount(&l[3]);
	k->j.match_by.s = abi_get_u64(&l[4]);
	k->j.buyer = abi_get_addr(&l[6]);
	k->state = (uint8_t)abi_get_u64(&l[7]);
	k->batch = abi_get_u64(&l[9]);
	k->refund = abi_get_amount(&l[10]);
	k->deal = l[11].word;
	look(m, k);
}

static void ask_job(struct evm_jobs *m)
{
	struct abi_leaf number;

	if (m->at >= m->n) {
		jobs_round_over(m, NULL);
		return;
	}
	number = abi_u64(m->jobs[m->at].j.number);
	jobs_view(m, &m->o.contract, fn_onchainjobs_job, &number, 1, on_job);
}

/* ---- the batch -------------------------------------------------------------------------------------------- */

static void on_waiting(void *ctx, const struct evm_answer *a)
{
	struct evm_jobs *m = ctx;
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l;

	if (!jobs_leaves(m, a, out_onchainjobs_waiting, &data, &l, 1))
		return;
	m->waiting = abi_get_amount(&l);
	m->at = 0;
	ask_job(m);
}

static void on_leaves_at(void *ctx, const struct evm_answer *a)
{
	struct evm_jobs *m = ctx;
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l;

	if (!jobs_leaves(m, a, out_onchainjobs_leavesAt, &data, &l, 1))
		return;
	m->leaves_at.s = abi_get_u64(&l);
	jobs_view(m, &m->o.contract, fn_onchainjobs_waiting, NULL, 0, on_waiting);
}

static void on_batch(void *ctx, const struct evm_answer *a)
{
	struct evm_jobs *m = ctx;
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l;

	if (!jobs_leaves(m, a, out_onchainjobs_batch, &data, &l, 1))
		return;
	m->batch = abi_get_u64(&l);
	jobs_view(m, &m->o.contract, fn_onchainjobs_leavesAt, NULL, 0, on_leaves_at);
}

static void ask_batch(struct evm_jobs *m)
{
	jobs_view(m, &m->o.contract, fn_onchainjobs_batch, NULL, 0, on_batch);
}

/* ---- new orders ------------------------------------------------------------------------------------------- */

static bool take_order(struct evm_jobs *m, const json_t *v, uint64_t *block, struct err *e)
{
	struct evm_log l;
	uint64_t number = 0;

	TRY(evm_read_log(v, &l, e), e);
	*block = l.block;
	if (l.topics_n != 4 || contract_event_of(&l.topics[0]) != EVENT_Requested)
		return FAIL(e, PEER, "the node gave a log that was not asked for");
	for (unsigned i = 24; i < 32; i++)
		number = number << 8 | l.topics[1].b[i];
	for (size_t i = 0; i < m->n; i++) {
		if (m->jobs[i].j.number == number)
			return true;
	}
	if (m->n == EVM_JOBS_MAX)
		return FAIL(e, BUSY, "%d jobs are not over: more wait", EVM_JOBS_MAX);
	m->jobs[m->n++] = (struct kept){.j.number = number};
	return true;
}

static uint64_t to_block(const struct evm_jobs *m)
{
	uint64_t final = m->head - MIN2(m->head, (uint64_t)m->o.depth);

	return MIN2(final, m->read + CHUNK_BLOCKS);
}

static void on_orders(void *ctx, const struct evm_answer *a)
{
	struct evm_jobs *m = ctx;
	struct err e = a->err;
	const json_t *v;
	uint64_t block = 0;
	size_t i;

	if (!a->ok) {
		jobs_round_over(m, &e);
		return;
	}
	json_array_foreach (a->result, i, v) {
		if (!take_order(m, v, &block, &e)) {
			log_line(&m->o.log, LOG_ODD, "jobs of the contract: %s", e.msg);
			/* From its block on they are read again: no block holds that many. */
			if (e.code == E_BUSY)
				m->read = MAX2(m->read, block - 1);
			ask_batch(m);
			return;
		}
	}
	m->read = to_block(m);
	ask_batch(m);
}

static void ask_orders(struct evm_jobs *m)
{
	uint8_t judge[32] = {0};
	struct hash topic;

	if (to_block(m) <= m->read) {
		ask_batch(m);
		return;
	}
	abi_id(ev_Requested, &topic);
	memcpy(judge + 12, m->o.signer.addr.b, sizeof m->o.signer.addr.b);
	jobs_ask(m, "eth_getLogs",
	        json_pack("[{s:o, s:o, s:o, s:[o,n,n,o]}]", "address",
	                evm_data(bytes_of(m->o.contract.b, sizeof m->o.contract.b)), "fromBlock",
	                evm_quantity(m->read + 1), "toBlock", evm_quantity(to_block(m)), "topics",
	                evm_data(bytes_of(topic.b, sizeof topic.b)),
	                evm_data(bytes_of(judge, sizeof judge))),
	        on_orders);
}

/* ---- rounds ----------------------------------------------------------------------------------------------- */

static void on_head(void *ctx, const struct evm_answer *a)
{
	struct evm_jobs *m = ctx;
	struct evm_header h;
	struct err e = a->err;

	if (!a->ok || !evm_read_header(a->result, &h, &e)) {
		jobs_round_over(m, &e);
		return;
	}
	m->head = h.number;
	m->now = h.time;
	evm_send_tick(m->send, h.number, h.time);
	ask_orders(m);
}

static void on_poll(uv_timer_t *t)
{
	struct evm_jobs *m = t->data;

	if (m->busy)
		return;
	m->busy = true;
	m->over = false;
	jobs_ask(m, "eth_getBlockByNumber", json_pack("[s,b]", "latest", 0), on_head);
}

static bool begin(struct evm_jobs *m, const struct evm_jobs_options *o, struct err *e)
{
	struct evm_rpc_options r = {.loop = o->loop,
	        .client = o->client,
	        .urls = o->urls,
	        .chain_id = o->chain_id,
	        .genesis = o->genesis};
	struct evm_send_options s = {.loop = o->loop,
	        .signer = o->signer,
	        .log = o->log,
	        .chain_id = o->chain_id,
	        .dir = o->dir,
	        .depth = o->depth,
	        .max_fee_wei = o->max_fee_wei,
	        .stuck = o->stuck,
	        .told = told,
	        .ctx = m};

	TRY(evm_rpc_new(&r, &m->rpc, e), e);
	s.rpc = m->rpc;
	return evm_send_new(&s, &m->send, e);
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

bool evm_jobs_open(const struct evm_jobs_options *o, struct evm_jobs **out, struct err *e)
{
	struct evm_jobs *m = calloc(1, sizeof *m);

	if (!m)
		return FAIL(e, MEMORY, "no memory for the jobs of a contract");
	m->o = *o;
	m->read = o->from_block ? o->from_block - 1 : 0;
	if (!begin(m, o, e)) {
		evm_rpc_free(m->rpc);
		free(m);
		err_note(e, __FILE__, __LINE__);
		return false;
	}
	uv_timer_init(o->loop, &m->poll);
	m->poll.data = m;
	uv_timer_start(&m->poll, on_poll, 0, POLL_MS);
	*out = m;
	return true;
}

struct evm_jobs *evm_jobs_close(struct evm_jobs *m)
{
	if (!m)
		return NULL;
	m->rpc = evm_rpc_free(m->rpc);
	m->send = evm_send_free(m->send);
	uv_close((uv_handle_t *)&m->poll, on_closed);
	return NULL;
}
