/* evm_back.c - when a port starts: does the chain still have the blocks that were read? If not, it goes back to the
 * last one that it has, tells the balances as they are now of every account that it had told of since, and reads on
 * from there. What it tells again has a seq above all that it told before, so that nobody takes it for old. */
#include <stdlib.h>

#include "chain/contracts.h"
#include "chain/evm_own.h"
#include "os/clock.h"

enum { SAVE_S = 60 };

/* The block up to which events were told. */
static uint64_t told_block(const struct evm *m)
{
	uint64_t block = m->seq >> SEQ_BITS;

	return block - MIN2(block, m->ring.shift);
}

static void save(struct evm *m)
{
	struct err e;

	if (m->o.ring && !evm_ring_save(m->o.ring, &m->ring, &e))
		log_line(&m->o.log, LOG_ODD, "%s", e.msg);
	m->f.saved = clock_mono();
}

void back_keep(struct evm *m, uint64_t block, const struct hash *hash, bool now)
{
	evm_ring_add(&m->ring, block, hash);
	if (m->o.ring && (now || mono_since(clock_mono(), m->f.saved).ms > SAVE_S * 1000))
		save(m);
}

/* ---- going back --------------------------------------------------------------------------------- */

static void go_back(struct evm *m, uint64_t to, const struct hash *hash)
{
	struct follow *f = &m->f;
	uint64_t was = m->seq >> SEQ_BITS;

	log_line(&m->o.log, LOG_ODD,
	        "the chain has replaced blocks above %llu while nobody looked, of which events up "
	        "to block %llu were told: they are read again",
	        (unsigned long long)to, (unsigned long long)told_block(m));
	m->ring.shift = was - MIN2(was, to) + 1;
	evm_ring_cut(&m->ring, to);
	map_done_owned(&m->seen);
	map_init(&m->seen, sizeof(struct hash), sizeof(struct seen *), SEEN_MAX, 0);
	f->last = to;
	f->last_hash = *hash;
	m->ring.mend_above = MAX2(to, (uint64_t)1);
	f->mend_at = 0;
	save(m);
}

static void ask_block(struct evm *m);

static void on_block(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	const struct evm_ring_block *b = &m->ring.blocks[f->ring_at - 1];
	struct evm_header h;
	struct err e;

	if (!a->ok) {
		follow_failed(m, a);
		return;
	}
	/* A node without the block is behind: it is asked again when it has grown. */
	if (json_is_null(a->result)) {
		FAIL(&e, PEER, "the node has no block %llu, which was read before",
		        (unsigned long long)b->number);
		follow_give_up(m, &e);
		return;
	}
	if (!evm_read_header(a->result, &h, &e)) {
		follow_give_up(m, &e);
		return;
	}
	if (!hash_eq(&h.hash, &b->hash)) {
		f->ring_at--;
		ask_block(m);
		return;
	}
	f->unsure = false;
	if (f->ring_at < m->ring.n && b->number < told_block(m))
		go_back(m, b->number, &h.hash);
	else
		evm_ring_cut(&m->ring, b->number);
	follow_on(m);
}

static void ask_block(struct evm *m)
{
	static const struct hash unknown;
	struct follow *f = &m->f;

	if (f->ring_at == 0) {
		f->unsure = false;
		go_back(m, m->o.from_block ? m->o.from_block - 1 : 0, &unknown);
		follow_on(m);
		return;
	}
	follow_ask(m, "eth_getBlockByNumber",
	        json_pack("[o,b]", evm_quantity(m->ring.blocks[f->ring_at - 1].number), 0),
	        on_block);
}

void back_check(struct evm *m)
{
	m->f.ring_at = m->ring.n;
	ask_block(m);
}

/* ---- balances ------------------------------------------------------------------------------------ */

static void on_account(void *ctx, const struct evm_answer *a)
{
	struct evm *m = ctx;
	struct follow *f = &m->f;
	struct ledger_note n = {.stage = LEDGER_EVENT, .final = true};
	struct ledger_event *ev = &n.event;
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l[8];
	struct err e;
	size_t got;

	if (!a->ok) {
		follow_failed(m, a);
		return;
	}
	buf_init(&data, 1024);
	if (!evm_read_data(a->result, &data, &e) ||
	        !abi_decode(
	                str_of(out_controller_account), buf_bytes(&data), l, COUNT(l), &got, &e)) {
		follow_give_up(m, &e);
		return;
	}
	ev->seq = ((m->ring.mend_above + m->ring.shift) << SEQ_BITS) + f->mend_at + 1;
	ev->block = m->ring.mend_above;
	ev->time = m->time;
	ev->action = ACTION_SEND;
	ev->account = m->ring.accounts[f->mend_at].account;
	ev->changes_n = 1;
	ev->changes[0] = (struct balance_change){.account = ev->account,
	        .free = abi_get_amount(&l[0]),
	        .locked = abi_get_amount(&l[1]),
	        .withdrawing = abi_get_amount(&l[2]),
	        .send_nonce = abi_get_u64(&l[6])};
	f->mend_at++;
	if (ev->seq > m->seq) {
		m->seq = ev->seq;
		evm_note(m, &n);
	}
	follow_on(m);
}

bool back_mends(struct evm *m)
{
	struct follow *f = &m->f;
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf who;
	struct err e;

	if (m->ring.mend_above == 0)
		return false;
	while (f->mend_at < m->ring.accounts_n &&
	        m->ring.accounts[f->mend_at].number <= m->ring.mend_above)
		f->mend_at++;
	if (f->mend_at == m->ring.accounts_n) {
		m->ring.mend_above = 0;
		save(m);
		return false;
	}
	who = abi_addr(&m->ring.accounts[f->mend_at].account);
	buf_init(&data, 64);
	if (abi_encode_call(fn_controller_account, &who, 1, &data, &e))
		follow_ask(m, "eth_call",
		        json_pack("[{s:o, s:o}, s]", "to",
		                evm_data(bytes_of(m->o.controller.b, sizeof m->o.controller.b)),
		                "data", evm_data(buf_bytes(&data)), "latest"),
		        on_account);
	else
		follow_give_up(m, &e);
	return true;
}
