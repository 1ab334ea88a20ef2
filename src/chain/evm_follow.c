/* evm_follow.c - from the logs of final blocks to events. One log at a time: what it wants besides (the deal that
 * it is about, the hash of an output, the time of its block, balances) is asked for, and then it is looked at
 * again. */
#include <stdlib.h>

#include "chain/contracts.h"
#include "chain/evm_own.h"
#include "chain/evm_tx.h"

static void pump(struct evm *m);

/* ---- failing ------------------------------------------------------------------------------------ */

/* Nothing is lost: the next head starts again behind what was told. */
static void give_up(struct evm *m, const struct err *why)
{
	struct follow *f = &m->f;

	f->active = false;
	json_decref(f->logs);
	f->logs = NULL;
	f->parsed = false;
	f->chunk = MAX2(f->chunk / 2, 1u);
	evm_down(m, why);
}

static void failed(struct evm *m, const struct evm_answer *a)
{
	give_up(m, &a->err);
}

static void ask(struct evm *m, const char *method, json_t *params, evm_done done)
{
	struct err e;

	if (evm_rpc_call(m->rpc, method, params, done, m))
		return;
	FAIL(&e, MEMORY, "no memory to ask the chain");
	give_up(m, &e);
}

/* ---- deals -------------------------------------------------------------------------------------- */

static struct seen *seen_of(const struct evm *m, const struct hash *deal)
{
	struct seen **at = map_get(&m->seen, deal);

	return at ? *at : NULL;
}

static struct seen *seen_new(struct evm *m, const struct hash *deal)
{
	struct seen *s, **at;

	if (m->seen.n == SEEN_MAX) {
		map_done_owned(&m->seen);
		map_init(&m->seen, sizeof(struct hash), sizeof(struct seen *), SEEN_MAX, 0);
	}
	s = calloc(1, sizeof *s);
	at = s ? map_put(&m->seen, deal, NULL) : NULL;
	if (!at) {
		free(s);
		return NULL;
	}
	s->d.id = *deal;
	*at = s;
	return s;
}

static void on_history(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	struct hash deal;
	struct seen *s;
	struct err e;

	if (!a->ok) {
		failed(m, a);
		return;
	}
	evm_log_deal(&f->log, &deal);
	s = seen_new(m, &deal);
	if (!s) {
		FAIL(&e, MEMORY, "no memory for a deal");
		give_up(m, &e);
	} else if (!evm_deal_fold(&s->d, a->result, f->log.block, f->log.index, &e)) {
		give_up(m, &e);
	} else {
		pump(m);
	}
}

/* The deal of the log at hand, NULL when it is not followed; and the input of the transaction that was asked for,
 * where the node has shown it. */
static struct seen *called(
        struct evm *m, const struct evm_answer *a, struct buf *input, bool *shown, struct err *e)
{
	struct hash deal;
	struct seen *s;

	evm_log_deal(&m->f.log, &deal);
	s = seen_of(m, &deal);
	buf_init(input, EVM_DATA_MAX);
	*shown = s && evm_read_data(json_object_get(a->result, "input"), input, e);
	return s;
}

static void on_opening(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct buf input OWN(buf_done) = {0};
	struct seen *s;
	struct err e;
	bool shown;

	if (!a->ok) {
		failed(m, a);
		return;
	}
	s = called(m, a, &input, &shown, &e);
	if (s && (!shown || !evm_keep_whole(m, &s->d, buf_bytes(&input), &e))) {
		log_line(&m->o.log, LOG_ODD, "%s", e.msg);
		s->no_whole = true;
	}
	pump(m);
}

static void on_result_tx(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct buf input OWN(buf_done) = {0};
	struct seen *s;
	struct err e;
	bool shown;

	if (!a->ok) {
		failed(m, a);
		return;
	}
	s = called(m, a, &input, &shown, &e);
	/* Who calls through a contract of its own may hide it: then nobody can tell. */
	if (s && (!shown || !evm_deal_output(&s->d, buf_bytes(&input), &s->d.output)))
		s->no_output = true;
	pump(m);
}

/* ---- what an event says besides ----------------------------------------------------------------- */

static void on_block_time(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct evm_header h;
	struct err e;

	if (!a->ok) {
		failed(m, a);
		return;
	}
	if (!evm_read_header(a->result, &h, &e)) {
		give_up(m, &e);
		return;
	}
	m->f.time_block = h.number;
	m->f.time = h.time;
	pump(m);
}

static bool take_balance(
        struct ledger_event *ev, const struct addr *who, const json_t *result, struct err *e)
{
	struct balance_change *b = &ev->changes[ev->changes_n];
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l[8];
	size_t n;

	buf_init(&data, 1024);
	TRY(evm_read_data(result, &data, e), e);
	TRY(abi_decode(str_of(out_controller_account), buf_bytes(&data), l, COUNT(l), &n, e), e);
	if (n < 7)
		return FAIL(e, PEER, "the contract's answer about an account is not understood");
	*b = (struct balance_change){.account = *who,
	        .free = abi_get_amount(&l[0]),
	        .locked = abi_get_amount(&l[1]),
	        .withdrawing = abi_get_amount(&l[2]),
	        .send_nonce = abi_get_u64(&l[6])};
	ev->changes_n++;
	return true;
}

static void ask_balance(struct evm *m, bool latest);

static void on_balance(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	struct err e;

	/* A node that has forgotten the state of that block has that of the newest one: events that follow bring it
	 * there in the end. */
	if (!a->ok && a->refused && f->log.block != m->head) {
		ask_balance(m, true);
		return;
	}
	if (!a->ok) {
		failed(m, a);
		return;
	}
	if (!take_balance(&f->note.event, &f->want[f->note.event.changes_n], a->result, &e)) {
		give_up(m, &e);
		return;
	}
	pump(m);
}

static void ask_balance(struct evm *m, bool latest)
{
	struct follow *f = &m->f;
	struct abi_leaf who = abi_addr(&f->want[f->note.event.changes_n]);
	struct buf data OWN(buf_done) = {0};
	json_t *block = latest ? json_string("latest") : evm_quantity(f->log.block);
	struct err e;

	buf_init(&data, 64);
	if (!abi_encode_call(fn_controller_account, &who, 1, &data, &e)) {
		json_decref(block);
		give_up(m, &e);
		return;
	}
	ask(m, "eth_call",
	        json_pack("[{s:o, s:o}, o]", "to",
	                evm_data(bytes_of(m->o.controller.b, sizeof m->o.controller.b)), "data",
	                evm_data(buf_bytes(&data)), block),
	        on_balance);
}

/* ---- events ------------------------------------------------------------------------------------- */

static uint8_t kind_of(uint8_t from, uint8_t to)
{
	switch ((enum deal_state)to) {
	case DEAL_NEGOTIATING: return ACTION_SEND;
	case DEAL_AGREED: return ACTION_OPEN;
	case DEAL_RESULTS_SUBMITTED: return from ? ACTION_RESULT : ACTION_CLAIM;
	case DEAL_RESULTS_CHECKED: return from ? ACTION_CHECK : ACTION_CLAIM_CHECK;
	case DEAL_RESULTS_ACCEPTED: return ACTION_ACCEPT;
	case DEAL_CANCELLED: return ACTION_CANCEL;
	case DEAL_DECLINED: return ACTION_DECLINE;
	case DEAL_MEDIATION_ACCEPTED:
	case DEAL_MEDIATION_REJECTED:
	case DEAL_MEDIATION_JOB_FAULTY: return ACTION_VERDICT;
	case DEAL_RULED:
	case DEAL_TIMEOUT_AGREE:
	case DEAL_TIMEOUT_SUBMIT:
	case DEAL_TIMEOUT_JUDGE:
	case DEAL_TIMEOUT_MEDIATE: break;
	}
	return ACTION_TIMEOUT;
}

static void want(struct follow *f, const struct addr *who)
{
	if (!addr_is_zero(who) && f->want_n < COUNT(f->want))
		f->want[f->want_n++] = *who;
}

static void deal_event(struct evm *m, const struct seen *s)
{
	struct follow *f = &m->f;
	struct ledger_event *ev = &f->note.event;

	ev->action = kind_of(f->step.from, f->step.to);
	ev->deal = s->d.id;
	ev->from = f->step.from;
	ev->to = f->step.to;
	ev->deadline = s->d.deadline;
	if (f->step.timed && evm_whole(m, &s->d.id))
		ev->deadline = evm_deal_due(&evm_whole(m, &s->d.id)->hot, ev->to, f->time);
	ev->amount = f->step.paid;
	ev->result = s->d.result;
	ev->status = s->d.status;
	ev->count = s->d.count;
	ev->bytes = s->d.bytes;
	ev->output = s->d.output;
	want(f, &s->d.jc);
	want(f, &s->d.rp);
	want(f, &s->d.mediator); /* zero until there is a check */
}

/* Which word of an account's log is its amount; -1: it has none. */
static int amount_word(enum contract_event k)
{
	if (k == EVENT_Withdrawn)
		return 1;
	if (k == EVENT_Deposited || k == EVENT_WithdrawRequested || k == EVENT_StakeUnbonded ||
	        k == EVENT_MediatorRegistered)
		return 0;
	return -1;
}

static bool is_account_log(const struct evm_log *l)
{
	enum contract_event k = l->topics_n ? contract_event_of(&l->topics[0]) : EVENT_UNKNOWN;

	return l->topics_n >= 2 && (amount_word(k) >= 0 || k == EVENT_PayoutSet ||
	                                   k == EVENT_NonceCancelled || k == EVENT_MediatorPaused);
}

static void account_event(struct evm *m)
{
	struct follow *f = &m->f;
	struct ledger_event *ev = &f->note.event;
	int at = amount_word(contract_event_of(&f->log.topics[0]));

	ev->action = ACTION_SEND;
	memcpy(ev->account.b, f->log.topics[1].b + 12, sizeof ev->account.b);
	if (at >= 0 && f->log.n >= 32u * ((unsigned)at + 1))
		ev->amount = amount_from_be(f->log.data + 32 * at);
	want(f, &ev->account);
}

static bool concerns(const struct evm *m, const struct follow *f)
{
	for (size_t i = 0; i < f->want_n; i++) {
		if (addr_eq(&f->want[i], &m->account))
			return true;
	}
	return addr_is_zero(&m->account);
}

/* Only our own balance is wanted when only our own events are. */
static void only_ours(const struct evm *m, struct follow *f)
{
	if (addr_is_zero(&m->account))
		return;
	f->want[0] = m->account;
	f->want_n = 1;
}

static uint64_t seq_of(const struct evm_log *l)
{
	return l->block << SEQ_BITS | l->index;
}

/* ---- one log ------------------------------------------------------------------------------------ */

enum next { LOG_OVER, LOG_WAITS, LOG_TELL };

static void begin_note(struct follow *f)
{
	f->note =
	        (struct ledger_note){.stage = LEDGER_EVENT, .final = true, .action_id = f->log.tx};
	f->note.event.seq = seq_of(&f->log);
	f->note.event.block = f->log.block;
	f->note.event.action_id = f->log.tx;
	f->want_n = 0;
}

/* Takes the log into its deal, once. */
static enum next take_deal_log(struct evm *m, const struct hash *deal)
{
	struct follow *f = &m->f;
	struct seen *s = seen_of(m, deal);
	struct err e;

	if (!s) {
		ask(m, "eth_getLogs", json_pack("[o]", evm_deal_filter(m, deal, f->log.block)),
		        on_history);
		return LOG_WAITS;
	}
	if (!f->taken) {
		f->taken = true;
		if (!evm_deal_take(&s->d, &f->log, &f->step, &e)) {
			log_line(&m->o.log, LOG_ODD, "%s", e.msg);
			return LOG_OVER;
		}
	}
	if (!f->step.moves)
		return LOG_OVER;
	f->want_n = 0;
	deal_event(m, s);
	if (!concerns(m, f))
		return LOG_OVER;
	if (!hash_is_zero(&s->d.result) && hash_is_zero(&s->d.output) && !s->no_output) {
		ask(m, "eth_getTransactionByHash",
		        json_pack("[o]", evm_data(bytes_of(s->d.submitted.b, 32))), on_result_tx);
		return LOG_WAITS;
	}
	if (f->step.timed && !evm_whole(m, deal) && !s->no_whole) {
		ask(m, "eth_getTransactionByHash",
		        json_pack("[o]", evm_data(bytes_of(s->d.opened.b, 32))), on_opening);
		return LOG_WAITS;
	}
	return LOG_TELL;
}

static enum next look(struct evm *m)
{
	struct follow *f = &m->f;
	struct hash deal;
	enum next n = LOG_OVER;

	evm_log_deal(&f->log, &deal);
	if (!hash_is_zero(&deal)) {
		n = take_deal_log(m, &deal);
	} else if (is_account_log(&f->log)) {
		f->want_n = 0;
		account_event(m);
		n = concerns(m, f) ? LOG_TELL : LOG_OVER;
	}
	if (n != LOG_TELL)
		return n;
	only_ours(m, f);
	if (f->time_block != f->log.block) {
		ask(m, "eth_getBlockByNumber", json_pack("[o,b]", evm_quantity(f->log.block), 0),
		        on_block_time);
		return LOG_WAITS;
	}
	if (f->note.event.changes_n < f->want_n) {
		ask_balance(m, false);
		return LOG_WAITS;
	}
	return LOG_TELL;
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
	f->taken = false;
	begin_note(f);
	return true;
}

static void tell(struct evm *m)
{
	struct follow *f = &m->f;
	const struct seen *s = seen_of(m, &f->note.event.deal);

	if (s)
		deal_event(m, s); /* now that the time is known */
	f->note.event.time = f->time;
	m->time.s = MAX2(m->time.s, f->time.s);
	if (f->note.event.seq <= m->seq)
		return;
	m->seq = f->note.event.seq;
	evm_note(m, &f->note);
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
	f->chunk = MIN2(f->chunk * 2, (uint64_t)CHUNK_BLOCKS);
	if (f->to_time.s > m->time.s) {
		m->time = f->to_time;
		evm_note(m, &n);
	}
	next_range(m);
}

static void pump(struct evm *m)
{
	struct follow *f = &m->f;
	enum next n;
	struct err e;

	while (!m->closing && f->at < json_array_size(f->logs)) {
		if (!f->parsed && !parse(m, &e)) {
			give_up(m, &e);
			return;
		}
		/* What was told is told once, also when a range is read again. */
		n = seq_of(&f->log) <= m->seq ? LOG_OVER : look(m);
		if (n == LOG_WAITS)
			return;
		if (n == LOG_TELL)
			tell(m);
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
		failed(m, a);
		return;
	}
	if (!json_is_array(a->result) || a->endpoint != m->f.endpoint) {
		FAIL(&e, PEER, "the chain's logs and its head came from different nodes");
		give_up(m, &e);
		return;
	}
	m->f.logs = json_deep_copy(a->result);
	m->f.at = 0;
	m->f.parsed = false;
	pump(m);
}

static void on_to(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	struct evm_header h;
	struct err e;

	if (!a->ok) {
		failed(m, a);
		return;
	}
	if (!evm_read_header(a->result, &h, &e)) {
		give_up(m, &e);
		return;
	}
	f->to_hash = h.hash;
	f->to_time = h.time;
	f->endpoint = a->endpoint;
	ask(m, "eth_getLogs",
	        json_pack("[{s:o, s:o, s:o}]", "address",
	                evm_data(bytes_of(m->o.controller.b, sizeof m->o.controller.b)),
	                "fromBlock", evm_quantity(f->last + 1), "toBlock", evm_quantity(f->to)),
	        on_logs);
}

static void ask_to(struct evm *m)
{
	ask(m, "eth_getBlockByNumber", json_pack("[o,b]", evm_quantity(m->f.to), 0), on_to);
}

/* What was told must still be there. */
static void on_last(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	struct evm_header h;
	struct err e;

	if (!a->ok) {
		failed(m, a);
		return;
	}
	if (!evm_read_header(a->result, &h, &e)) {
		give_up(m, &e);
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
	give_up(m, &e);
}

static void next_range(struct evm *m)
{
	struct follow *f = &m->f;
	uint64_t confirmed = m->head >= m->o.depth ? m->head - m->o.depth : 0;

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
		ask(m, "eth_getBlockByNumber", json_pack("[o,b]", evm_quantity(f->last), 0),
		        on_last);
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
	f->logs = NULL;
}
