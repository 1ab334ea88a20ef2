/* evm_event.c - from one log to its events. What they want besides (the deal that it is about, the hash of an output,
 * the call that wrote it, the time of its block, balances) is asked for, one after another, and then the log is looked
 * at again. */
#include <stdlib.h>

#include "chain/contracts.h"
#include "chain/evm_own.h"
#include "chain/evm_tx.h"

/* ---- deals -------------------------------------------------------------------------------------- */

struct seen *seen_of(const struct evm *m, const struct hash *deal)
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

static void on_history(void *ctx, const json_t *logs, const struct evm_answer *why)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	struct hash deal;
	struct seen *s;
	struct err e;

	if (!logs) {
		follow_failed(m, why);
		return;
	}
	evm_log_deal(&f->log, &deal);
	s = seen_new(m, &deal);
	if (!s) {
		FAIL(&e, MEMORY, "no memory for a deal");
		follow_give_up(m, &e);
	} else if (!evm_deal_fold(&s->d, logs, f->log.block, f->log.index, &e)) {
		follow_give_up(m, &e);
	} else {
		follow_pump(m);
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
		follow_failed(m, a);
		return;
	}
	s = called(m, a, &input, &shown, &e);
	if (s && (!shown || !evm_keep_whole(m, &s->d, buf_bytes(&input), &e))) {
		log_line(&m->o.log, LOG_ODD, "%s", e.msg);
		s->no_whole = true;
	}
	follow_pump(m);
}

static void on_result_tx(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct buf input OWN(buf_done) = {0};
	struct seen *s;
	struct err e;
	bool shown;

	if (!a->ok) {
		follow_failed(m, a);
		return;
	}
	s = called(m, a, &input, &shown, &e);
	/* Who calls through a contract of its own may hide it: then nobody can tell. */
	if (s && (!shown || !evm_deal_output(&s->d, buf_bytes(&input), &s->d.output)))
		s->no_output = true;
	follow_pump(m);
}

static enum log_next ask_tx(struct evm *m, const struct hash *tx, evm_done done)
{
	follow_ask(m, "eth_getTransactionByHash",
	        json_pack("[o]", evm_data(bytes_of(tx->b, sizeof tx->b))), done);
	return LOG_WAITS;
}

/* ---- the time ----------------------------------------------------------------------------------- */

static void on_block_time(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
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
	m->f.time_block = h.number;
	m->f.time = h.time;
	follow_pump(m);
}

/* ---- balances and sums --------------------------------------------------------------------------- */

/* What is known already of the block at hand. */
static struct memo *memo_of(struct follow *f)
{
	if (f->memo.block != f->log.block) {
		f->memo.block = f->log.block;
		f->memo.n = 0;
		f->memo.channel = (struct channel_change){0};
	}
	return &f->memo;
}

static void remember(struct follow *f, const struct balance_change *b)
{
	struct memo *memo = memo_of(f);

	if (memo->n == MEMO_MAX)
		memo->n = 0;
	memo->b[memo->n++] = *b;
}

/* The balance that comes next is at hand. */
static bool is_remembered(struct follow *f)
{
	struct ledger_event *ev = &f->note.event;
	const struct addr *who = &f->want[ev->changes_n];
	struct memo *memo = memo_of(f);

	for (size_t i = 0; i < memo->n; i++) {
		if (addr_eq(&memo->b[i].account, who)) {
			ev->changes[ev->changes_n++] = memo->b[i];
			return true;
		}
	}
	return false;
}

/* The leaves of what our contract answered. */
static bool answered(const json_t *result, const char *types, size_t least, struct buf *data,
        struct abi_leaf *l, size_t max, size_t *n, struct err *e)
{
	buf_init(data, 1024);
	TRY(evm_read_data(result, data, e), e);
	TRY(abi_decode(str_of(types), buf_bytes(data), l, max, n, e), e);
	return *n >= least || FAIL(e, PEER, "the contract's answer is not understood");
}

static bool take_balance(struct follow *f, const json_t *result, struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct balance_change b;
	struct abi_leaf l[8];
	size_t n;

	TRY(answered(result, out_controller_account, 7, &data, l, COUNT(l), &n, e), e);
	b = (struct balance_change){.account = f->want[f->note.event.changes_n],
	        .free = abi_get_amount(&l[0]),
	        .locked = abi_get_amount(&l[1]),
	        .withdrawing = abi_get_amount(&l[2]),
	        .send_nonce = abi_get_u64(&l[6])};
	remember(f, &b);
	return true;
}

static bool take_sums(struct follow *f, const json_t *result, struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l[8];
	size_t n;

	TRY(answered(result, out_controller_channel, 7, &data, l, COUNT(l), &n, e), e);
	return evm_channel_state(l, n, &f->note.event.channel.id, &memo_of(f)->channel) ||
	       FAIL(e, PEER, "the contract does not know a channel that its log names");
}

static void ask_view(struct evm *m, bool latest);

/* The balance that comes next; when all are there the sums of the channel. */
static bool wants_balance(const struct follow *f)
{
	return f->note.event.changes_n < f->want_n;
}

static void on_view(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	struct err e;

	/* A node that has forgotten the state of that block has that of the newest one: events that follow bring it
	 * there in the end. */
	if (!a->ok && a->refused && f->log.block != m->head) {
		ask_view(m, true);
		return;
	}
	if (!a->ok) {
		follow_failed(m, a);
		return;
	}
	if (!(wants_balance(f) ? take_balance(f, a->result, &e) : take_sums(f, a->result, &e))) {
		follow_give_up(m, &e);
		return;
	}
	follow_pump(m);
}

static void on_newest(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;

	if (a->ok)
		on_view(m, a);
	else
		follow_failed(m, a);
}

static void ask_view(struct evm *m, bool latest)
{
	struct follow *f = &m->f;
	bool balance = wants_balance(f);
	struct abi_leaf arg = balance ? abi_addr(&f->want[f->note.event.changes_n])
	                              : abi_hash(&f->note.event.channel.id);
	struct buf data OWN(buf_done) = {0};
	json_t *block = latest ? json_string("latest") : evm_quantity(f->log.block);
	struct err e;

	buf_init(&data, 64);
	if (!abi_encode_call(
	            balance ? fn_controller_account : fn_controller_channel, &arg, 1, &data, &e)) {
		json_decref(block);
		follow_give_up(m, &e);
		return;
	}
	follow_ask(m, "eth_call",
	        json_pack("[{s:o, s:o}, o]", "to",
	                evm_data(bytes_of(m->o.controller.b, sizeof m->o.controller.b)), "data",
	                evm_data(buf_bytes(&data)), block),
	        latest ? on_newest : on_view);
}

/* ---- whom it concerns ---------------------------------------------------------------------------- */

static void want(struct follow *f, const struct addr *who)
{
	if (addr_is_zero(who) || f->want_n == COUNT(f->want))
		return;
	for (size_t i = 0; i < f->want_n; i++) {
		if (addr_eq(&f->want[i], who))
			return;
	}
	f->want[f->want_n++] = *who;
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

/* ---- events of deals ----------------------------------------------------------------------------- */

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

static bool in_channel(const struct deal *whole)
{
	return whole && !hash_is_zero(&whole->hot.channel);
}

static void deal_wants(struct evm *m, const struct seen *s)
{
	const struct deal *whole = evm_whole(m, &s->d.id);
	struct follow *f = &m->f;

	f->want_n = 0;
	want(f, &s->d.jc);
	want(f, &s->d.rp);
	want(f, &s->d.mediator); /* zero until there is a check */
	if (!whole || amount_is_zero(f->step.paid))
		return;
	if (whole->hot.royalty)
		want(f, &whole->hot.author);
	if (whole->hot.solver_share)
		want(f, &whole->hot.solver);
}

static void deal_event(struct evm *m, const struct seen *s)
{
	const struct deal *whole = evm_whole(m, &s->d.id);
	struct follow *f = &m->f;
	struct ledger_event *ev = &f->note.event;

	ev->action = s->passed ? (uint8_t)ACTION_PASS : kind_of(f->step.from, f->step.to);
	ev->deal = s->d.id;
	ev->from = f->step.from;
	ev->to = f->step.to;
	ev->deadline = s->d.deadline;
	if (f->step.timed && whole)
		ev->deadline = evm_deal_due(&whole->hot, ev->to, f->time);
	ev->amount = f->step.paid;
	ev->result = s->d.result;
	ev->status = s->d.status;
	ev->count = s->d.count;
	ev->bytes = s->d.bytes;
	ev->output = s->d.output;
	if (!ev->from && in_channel(whole)) {
		/* It comes onto the ledger, and draws on a channel; opened by its JC's Agree. */
		ev->channel.id = whole->hot.channel;
		ev->channel.number = whole->hot.nonce;
		if (ev->to == DEAL_AGREED)
			ev->action = ACTION_SEND;
	}
	if (ev->action == ACTION_SEND)
		ev->account = s->d.jc;
}

/* What ended it is in its mark: a clock leaves that as it was. It stays for good, so the newest block has it. */
static void on_mark(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l[4];
	struct hash deal, mark;
	struct seen *s;
	struct err e;
	size_t n;

	if (!a->ok) {
		follow_failed(m, a);
		return;
	}
	evm_log_deal(&m->f.log, &deal);
	s = seen_of(m, &deal);
	if (!answered(a->result, out_controller_deal, 4, &data, l, COUNT(l), &n, &e)) {
		follow_give_up(m, &e);
		return;
	}
	if (s) {
		evm_deal_mark(&s->d, &mark);
		s->passed = memcmp(mark.b, l[3].word.b, EVM_MARK_BYTES) != 0;
		s->asked_mark = true;
	}
	follow_pump(m);
}

static enum log_next ask_mark(struct evm *m, const struct hash *deal)
{
	struct abi_leaf arg = abi_hash(deal);
	struct buf data OWN(buf_done) = {0};
	struct err e;

	buf_init(&data, 64);
	if (abi_encode_call(fn_controller_deal, &arg, 1, &data, &e))
		follow_ask(m, "eth_call",
		        json_pack("[{s:o, s:o}, s]", "to",
		                evm_data(bytes_of(m->o.controller.b, sizeof m->o.controller.b)),
		                "data", evm_data(buf_bytes(&data)), "latest"),
		        on_mark);
	else
		follow_give_up(m, &e);
	return LOG_WAITS;
}

/* The next log is of the same deal and transaction: in a channel that is a claim, one event. */
static bool goes_on(const struct follow *f, const struct hash *deal)
{
	struct evm_log next;
	struct hash other;
	struct err ignored;

	if (!evm_read_log(json_array_get(f->logs, f->at + 1), &next, &ignored))
		return false;
	evm_log_deal(&next, &other);
	return hash_eq(&other, deal) && hash_eq(&next.tx, &f->log.tx) &&
	       next.index == f->log.index + 1;
}

static int place_cmp(uint64_t block, uint32_t index, const struct evm_log *l)
{
	if (block != l->block)
		return block < l->block ? -1 : 1;
	return index < l->index ? -1 : index > l->index;
}

/* Takes the log into its deal, once: a range may be read again. False: it tells nothing. */
static bool take_deal_log(struct evm *m, struct seen *s)
{
	struct follow *f = &m->f;
	int order = place_cmp(s->block, s->index, &f->log);
	struct err e;

	if (order > 0)
		return false;
	if (order < 0) {
		if (!evm_deal_take(&s->d, &f->log, &s->step, &e)) {
			log_line(&m->o.log, LOG_ODD, "%s", e.msg);
			return false;
		}
		s->block = f->log.block;
		s->index = f->log.index;
		if (s->claimed)
			s->step.from = 0;
		s->claimed = false;
	}
	f->step = s->step;
	return f->step.moves;
}

static enum log_next look_at_history(struct evm *m, const struct hash *deal)
{
	struct err e;

	if (contract_event_of(&m->f.log.topics[0]) == EVENT_Opened) {
		if (seen_new(m, deal))
			return LOG_TELL;
	} else if (look_back(m, deal, false, m->f.log.block, 0, on_history, m)) {
		return LOG_WAITS;
	}
	FAIL(&e, MEMORY, "no memory for a deal");
	follow_give_up(m, &e);
	return LOG_WAITS;
}

static enum log_next look_at_deal(struct evm *m, const struct hash *deal)
{
	struct follow *f = &m->f;
	struct seen *s = seen_of(m, deal);

	if (!s) {
		if (look_at_history(m, deal) == LOG_WAITS)
			return LOG_WAITS;
		s = seen_of(m, deal);
	}
	if (!take_deal_log(m, s))
		return LOG_OVER;
	deal_wants(m, s);
	/* Who gets shares is in its documents. */
	if (!concerns(m, f) && amount_is_zero(f->step.paid))
		return LOG_OVER;
	if (!evm_whole(m, deal) && !s->no_whole)
		return ask_tx(m, &s->d.opened, on_opening);
	deal_wants(m, s);
	if (!concerns(m, f))
		return LOG_OVER;
	if (f->step.from == 0 && f->step.to == DEAL_AGREED && in_channel(evm_whole(m, deal)) &&
	        goes_on(f, deal)) {
		s->claimed = true;
		s->step.moves = false;
		return LOG_OVER;
	}
	if (!hash_is_zero(&s->d.result) && hash_is_zero(&s->d.output) && !s->no_output)
		return ask_tx(m, &s->d.submitted, on_result_tx);
	if (f->step.to == DEAL_TIMEOUT_MEDIATE && !s->asked_mark)
		return ask_mark(m, deal);
	deal_event(m, s);
	return LOG_TELL;
}

/* ---- events of channels -------------------------------------------------------------------------- */

/* How many lists of this provider's came before in the same transaction. */
static unsigned lists_before(const struct follow *f)
{
	struct evm_log l;
	struct err ignored;
	unsigned n = 0;

	for (size_t i = f->at; i-- > 0;) {
		if (!evm_read_log(json_array_get(f->logs, i), &l, &ignored) ||
		        !hash_eq(&l.tx, &f->log.tx))
			break;
		n += l.topics_n == 2 && hash_eq(&l.topics[0], &f->log.topics[0]) &&
		     hash_eq(&l.topics[1], &f->log.topics[1]);
	}
	return n;
}

static bool is_list(const struct telling *t)
{
	return t->step.action == ACTION_SETTLE && hash_is_zero(&t->step.channel);
}

/* The acceptances that a call settled. */
static bool take_items(struct follow *f, struct bytes input)
{
	struct telling *t = &f->t;
	size_t max = is_list(t) ? MIN2(input.n / sizeof(struct hash), (size_t)EVM_ITEMS_MAX) : 1;

	t->items = calloc(max ? max : 1, sizeof *t->items);
	if (!t->items)
		return false;
	if (is_list(t))
		return evm_list_find(input, &f->log, lists_before(f), t->items, max, &t->items_n);
	return evm_settled_find(input, &t->step, t->items);
}

static void on_settling(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct buf input OWN(buf_done) = {0};
	struct err e;

	if (!a->ok) {
		follow_failed(m, a);
		return;
	}
	buf_init(&input, EVM_DATA_MAX);
	/* Who calls through a contract of its own may hide it: then it is told without. */
	if (!evm_read_data(json_object_get(a->result, "input"), &input, &e) ||
	        !take_items(&m->f, buf_bytes(&input)))
		log_line(&m->o.log, LOG_ODD,
		        "the transaction of a settlement in block %llu does not show it",
		        (unsigned long long)m->f.log.block);
	follow_pump(m);
}

static void on_channel(void *ctx, const json_t *logs, const struct evm_answer *why)
{
	struct evm *m = ctx;
	struct err e;

	if (!logs)
		follow_failed(m, why);
	else if (!evm_keep_opening(m, &m->f.t.step.channel, logs, &e))
		follow_give_up(m, &e);
	else
		follow_pump(m);
}

/* The acceptance that the present event is about, or NULL. */
static const struct settle_item *item_of(const struct telling *t)
{
	if (!t->items || t->step.action != ACTION_SETTLE)
		return NULL;
	if (is_list(t))
		return t->item ? &t->items[t->item - 1] : NULL;
	return t->items;
}

static void channel_event(struct evm *m, const struct channel_id *ch)
{
	struct follow *f = &m->f;
	struct ledger_event *ev = &f->note.event;
	const struct settle_item *x = item_of(&f->t);
	const struct evm_channel_step *s = &f->t.step;

	ev->action = s->action;
	ev->deal = x ? x->doc.deal : s->deal;
	ev->amount = x ? x->doc.cost : s->amount;
	ev->channel.id = x ? x->doc.channel : s->channel;
	ev->channel.number = x ? x->doc.number : s->number;
	if (x)
		ev->result = x->doc.result;
	if (f->t.item == 0)
		ev->account = s->account;
	if (addr_is_zero(&ev->account) && s->action == ACTION_CLOSE_CHANNEL)
		ev->account = ch->job_creator;
	if (addr_is_zero(&ev->account) && f->t.item == 0 &&
	        (s->action == ACTION_SETTLE || s->action == ACTION_REDEEM))
		ev->account = ch->provider;
}

static void channel_wants(struct follow *f, const struct channel_id *ch)
{
	const struct settle_item *x = item_of(&f->t);

	f->want_n = 0;
	if (ch) {
		want(f, &ch->job_creator);
		want(f, &ch->provider);
	}
	want(f, &f->t.step.account);
	if (x && f->t.item)
		want(f, &x->job_creator);
	if (x && x->doc.royalty)
		want(f, &x->doc.author);
	if (x && x->doc.solver_share)
		want(f, &x->doc.solver);
}

static struct amount sum_of(const struct telling *t)
{
	struct amount all = amount_of(0), more;

	for (size_t i = 0; i < t->items_n; i++) {
		if (amount_add(all, t->items[i].doc.cost, &more))
			all = more;
	}
	return all;
}

static bool take_channel_log(struct evm *m)
{
	struct telling *t = &m->f.t;
	struct err e;

	if (!evm_channel_take(&m->f.log, &t->step, &e) ||
	        (t->step.action == ACTION_OPEN_CHANNEL &&
	                !evm_keep_channel(m, &t->step.channel, &m->f.log, &e))) {
		log_line(&m->o.log, LOG_ODD, "%s", e.msg);
		return false;
	}
	return true;
}

static enum log_next look_at_channel(struct evm *m)
{
	struct follow *f = &m->f;
	struct telling *t = &f->t;
	const struct channel_id *ch;
	struct err e;

	if (!take_channel_log(m))
		return LOG_OVER;
	if (t->step.action == ACTION_SETTLE && !t->asked_input) {
		t->asked_input = true;
		return ask_tx(m, &f->log.tx, on_settling);
	}
	if (is_list(t) && t->item == 0)
		t->step.amount = sum_of(t);
	ch = evm_channel_of(m, &t->step.channel);
	if (!ch && !is_list(t)) {
		if (!look_back(m, &t->step.channel, true, f->log.block, 0, on_channel, m)) {
			FAIL(&e, MEMORY, "no memory for a channel");
			follow_give_up(m, &e);
		}
		return LOG_WAITS;
	}
	channel_wants(f, ch);
	if (!concerns(m, f))
		return is_list(t) ? LOG_TELL : LOG_OVER;
	channel_event(m, ch);
	return LOG_TELL;
}

/* ---- events of accounts -------------------------------------------------------------------------- */

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

static enum log_next look_at_account(struct evm *m)
{
	struct follow *f = &m->f;
	struct ledger_event *ev = &f->note.event;
	int at = amount_word(contract_event_of(&f->log.topics[0]));

	ev->action = ACTION_SEND;
	memcpy(ev->account.b, f->log.topics[1].b + 12, sizeof ev->account.b);
	if (at >= 0 && f->log.n >= 32u * ((unsigned)at + 1))
		ev->amount = amount_from_be(f->log.data + 32 * at);
	f->want_n = 0;
	want(f, &ev->account);
	return concerns(m, f) ? LOG_TELL : LOG_OVER;
}

/* ---- one log ------------------------------------------------------------------------------------ */

static uint64_t seq_of(const struct evm *m)
{
	const struct follow *f = &m->f;

	return (f->log.block + m->ring.shift) << SEQ_BITS | (uint64_t)f->log.index << ITEM_BITS |
	       f->t.item;
}

/* The last that its log can have. */
static uint64_t last_seq_of(const struct evm *m)
{
	const struct evm_log *l = &m->f.log;
	bool list = l->topics_n && contract_event_of(&l->topics[0]) == EVENT_ListSettled;

	return list ? seq_of(m) | ((1u << ITEM_BITS) - 1) : seq_of(m);
}

/* An action of ours has its own id, as on any ledger; of others' only the transaction is known. */
static struct hash action_of(const struct evm *m, const struct hash *tx)
{
	const struct hash *ours = map_get(&m->ours, tx);
	struct hash id;

	if (ours)
		return *ours;
	return evm_send_of(m->send, tx, &id) ? id : *tx;
}

static void begin_note(struct evm *m)
{
	struct follow *f = &m->f;

	f->note =
	        (struct ledger_note){.stage = LEDGER_EVENT, .final = true, .action_id = f->log.tx};
	f->note.event.seq = seq_of(m);
	f->note.event.block = f->log.block;
	f->note.event.action_id = action_of(m, &f->log.tx);
	f->want_n = 0;
}

void event_begin(struct evm *m)
{
	free(m->f.t.items);
	m->f.t = (struct telling){0};
	begin_note(m);
}

bool event_more(struct evm *m)
{
	struct telling *t = &m->f.t;

	if (t->item == t->items_n)
		return false;
	t->item++;
	begin_note(m);
	return true;
}

/* What is wanted of every event that is told. */
static enum log_next complete(struct evm *m)
{
	struct follow *f = &m->f;
	struct ledger_event *ev = &f->note.event;
	struct memo *memo = memo_of(f);
	uint64_t number = ev->channel.number;

	if (f->time_block != f->log.block) {
		follow_ask(m, "eth_getBlockByNumber",
		        json_pack("[o,b]", evm_quantity(f->log.block), 0), on_block_time);
		return LOG_WAITS;
	}
	while (wants_balance(f)) {
		if (!is_remembered(f)) {
			ask_view(m, false);
			return LOG_WAITS;
		}
	}
	if (hash_is_zero(&ev->channel.id))
		return LOG_TELL;
	if (!hash_eq(&memo->channel.id, &ev->channel.id)) {
		ask_view(m, false);
		return LOG_WAITS;
	}
	ev->channel = memo->channel;
	ev->channel.number = number;
	return LOG_TELL;
}

enum log_next event_look(struct evm *m)
{
	struct follow *f = &m->f;
	enum log_next n = LOG_OVER;
	struct hash deal;

	/* What was told is told once, also when a range is read again; of a list that may be a part. */
	if (last_seq_of(m) <= m->seq)
		return LOG_OVER;
	evm_log_deal(&f->log, &deal);
	if (!hash_is_zero(&deal))
		n = look_at_deal(m, &deal);
	else if (evm_log_of_channel(&f->log))
		n = look_at_channel(m);
	else if (is_account_log(&f->log))
		n = look_at_account(m);
	if (n != LOG_TELL || f->note.event.seq <= m->seq || !concerns(m, f))
		return n;
	only_ours(m, f);
	return complete(m);
}

void event_tell(struct evm *m)
{
	struct follow *f = &m->f;
	const struct seen *s = seen_of(m, &f->note.event.deal);

	if (f->note.event.seq <= m->seq || !concerns(m, f))
		return;
	if (s && f->note.event.to)
		deal_event(m, s); /* now that the time is known */
	f->note.event.time = f->time;
	m->time.s = MAX2(m->time.s, f->time.s);
	m->seq = f->note.event.seq;
	for (uint32_t i = 0; i < f->note.event.changes_n; i++)
		evm_ring_touch(&m->ring, f->log.block, &f->note.event.changes[i].account);
	f->touched = true;
	evm_note(m, &f->note);
}
