/* ladder.c - what a job costs by each rung of the settlement ladder (protocol 8.3): a thousand jobs settled by each on
 * our contracts under an anvil of its own, every transaction put together and signed by the C client (src/chain), with
 * zero shares, and once more with ROY and SOL.
 *
 *   ladder --anvil PROGRAM [--jobs N]
 *
 * One JSON object a line, see tell(). The time is that of putting together, signing, sending, mining and reading the
 * receipts; the parties' documents are signed before. A first job of each rung, which pays for new accounts and words,
 * is not counted. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chain.h"
#include "chain/contracts.h"
#include "chain/evm_call.h"
#include "chain/evm_tx.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/packed.h"
#include "ledger/ledger_channel_play.h"
#include "ledger/ledger_own.h"

enum { ROUND = 100, FEE_WEI = 1000000000, COUNT_OF_JOB = 100, BYTES_OF_JOB = 50 };

struct ladder {
	struct play p; /* first: signing finds the ladder by it */
	struct chain c;
	struct seckey keys[PARTIES];
	uint64_t jobs, job, serial; /* how many; the last one; of the last channel */
	bool shares;
	struct deal d;           /* the job at hand */
	struct hash id, channel; /* of it; of the channel in use */
	struct settle_item list[ROUND];
	struct action a[ROUND]; /* what a round sends */
	struct evm_deal known[ROUND];
	struct deal whole[ROUND];
	struct channel_id parts;
	/* figures of the rung */
	uint64_t gas, txs;
	double sign_s, wall_s;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static NORETURN void quit(const char *what, const struct err *e)
{
	fprintf(stderr, "ladder: %s: %s\n", what, e->msg);
	exit(1);
}

#define MUST_DO(what, call)                                                                        \
	do {                                                                                       \
		if (!(call))                                                                       \
			quit(what, &e);                                                            \
	} while (0)

/* ---- parties and documents ----------------------------------------------------------------------- */

static void sign(struct play *p, enum who by, const struct hash *digest, struct sig *out)
{
	struct ladder *l = (struct ladder *)p;
	struct err e;

	MUST_DO("a signature", secp_sign(&l->keys[by], digest, out, &e));
}

static bool sign_tx(void *self, const struct hash *digest, struct sig *out, struct err *e)
{
	return secp_sign(self, digest, out, e);
}

/* Amounts as a token of 18 decimals has them. */
static struct amount much(struct amount a)
{
	struct amount out;
	bool ok = amount_mul(a, 1234567890123457, &out);

	assert(ok);
	return out;
}

static void next_deal(struct ladder *l, const struct hash *channel)
{
	struct deal d = play_deal(&l->p, ++l->job);
	struct hot *h = &d.hot;

	h->open_by.s = l->p.now.s + 3000;
	h->pay = much(h->pay);
	h->job_bond = much(h->job_bond);
	h->result_bond = much(h->result_bond);
	h->late_judge = much(h->late_judge);
	h->late_submit = much(h->late_submit);
	h->damages = much(h->damages);
	h->fee = much(h->fee);
	h->base = much(h->base);
	h->per_instruction = much(h->per_instruction);
	h->per_byte = much(h->per_byte);
	if (channel)
		h->channel = *channel;
	if (!l->shares)
		h->royalty = h->solver_share = 0;
	snprintf(d.cold.engine, sizeof d.cold.engine, "wasm32-wasi");
	l->d = d;
	l->id = play_id(deal_record(), &d);
}

/* ---- transactions -------------------------------------------------------------------------------- */

static void put_tx(struct ladder *l, enum hand by, const struct evm_tx *call, json_t *questions)
{
	struct signer s = {&l->c.hands[by].key, l->c.hands[by].addr, sign_tx};
	struct buf raw OWN(buf_done) = {0};
	struct evm_tx tx = *call;
	double start = now_s();
	struct hash hash;
	struct err e;

	tx.chain_id = l->c.chain_id;
	tx.nonce = l->c.hands[by].nonce++;
	tx.max_fee_wei = FEE_WEI;
	tx.to = l->c.controller;
	buf_init(&raw, EVM_TX_MAX);
	MUST_DO("a transaction", evm_tx_sign(&tx, &s, &raw, &hash, &e));
	l->sign_s += now_s() - start;
	json_array_append_new(questions, node_question("eth_sendRawTransaction",
	                                         json_pack("[o]", evm_data(buf_bytes(&raw)))));
}

static void read_receipts(struct ladder *l, size_t n)
{
	json_t *all OWN(json_own) = NULL;
	struct evm_receipt r;
	const json_t *v;
	size_t i;
	struct err e;

	MUST_DO("receipts",
	        node_ask(&l->c.node, "eth_getBlockReceipts", json_pack("[s]", "latest"), &all, &e));
	if (json_array_size(all) != n) {
		FAIL(&e, PEER, "%zu of %zu are in the block", json_array_size(all), n);
		quit("a round", &e);
	}
	json_array_foreach (all, i, v) {
		MUST_DO("a receipt", evm_read_receipt(v, &r, &e));
		if (!r.ok) {
			FAIL(&e, STATE, "transaction %zu of %zu was refused", i, n);
			quit("a round", &e);
		}
		l->gas += r.gas_used;
	}
	l->txs += n;
}

/* A party's own agreement: the JC's first, which shows the deal, then RP's, which shows its Hot. */
static void own_agree(
        struct ladder *l, enum hand by, const struct deal *d, struct buf *out, uint64_t *gas)
{
	struct buf bytes OWN(buf_done) = {0};
	struct abi_leaf leaf[10];
	struct hash word;
	struct err e;

	*gas = 400000;
	buf_init(&bytes, 4096);
	if (by == hand_of(JC)) {
		packed_put(deal_record(), d, &bytes);
		leaf[0] = abi_bytes(buf_bytes(&bytes));
		MUST_DO("a call", abi_encode_call(fn_controller_agree, leaf, 1, out, &e));
		return;
	}
	packed_put(hot_record(), &d->hot, &bytes);
	for (size_t i = 0; i < 9; i++) {
		memcpy(word.b, bytes.p + 32 * i, sizeof word.b);
		leaf[i] = abi_hash(&word);
	}
	eip712_hash(cold_record(), &d->cold, &word);
	leaf[9] = abi_hash(&word);
	(void)l;
	MUST_DO("a call", abi_encode_call(fn_controller_join, leaf, 10, out, &e));
}

/* The actions of a round as calls of that account, in one block. */
static void play_round(struct ladder *l, enum hand by, size_t n)
{
	json_t *questions = json_array(), *answers OWN(json_own) = NULL;
	double start = now_s();
	struct err e;

	for (size_t i = 0; i < n; i++) {
		struct evm_shown w = {.deal = &l->known[i],
		        .whole = &l->whole[i],
		        .channel = &l->parts,
		        .by = &l->c.hands[by].addr,
		        .domain = &l->c.domain};
		struct buf data OWN(buf_done) = {0};
		struct evm_tx tx = {0};

		buf_init(&data, EVM_DATA_MAX);
		if (l->a[i].kind == ACTION_SEND)
			own_agree(l, by, &l->whole[i], &data, &tx.gas);
		else
			MUST_DO("a call", evm_call(&l->a[i], &w, &data, &tx.gas, &e));
		tx.data = buf_bytes(&data);
		put_tx(l, by, &tx, questions);
	}
	MUST_DO("sending", node_ask_all(&l->c.node, questions, &answers, &e));
	l->p.now.s++;
	MUST_DO("a block", chain_idle(&l->c, l->p.now, &e));
	read_receipts(l, n);
	l->wall_s += now_s() - start;
}

/* ---- rungs: each settles n jobs, at most ROUND ---------------------------------------------------- */

static void prepare(struct ladder *l, size_t n, const struct hash *channel)
{
	for (size_t i = 0; i < n; i++) {
		next_deal(l, channel);
		l->whole[i] = l->d;
		l->known[i] = (struct evm_deal){.id = l->id,
		        .jc = l->d.hot.job_creator,
		        .rp = l->d.hot.provider,
		        .state = DEAL_AGREED,
		        .cost = deal_cost(&l->d.hot, COUNT_OF_JOB, BYTES_OF_JOB)};
		l->known[i].result = play_result_hash(&l->id, COUNT_OF_JOB, BYTES_OF_JOB);
	}
}

#define EACH(l, n, act)                                                                            \
	for (size_t i = 0; i < (n); i++) {                                                         \
		act;                                                                               \
		(l)->a[i] = (l)->p.a;                                                              \
	}

static void four_steps(struct ladder *l, size_t n)
{
	prepare(l, n, NULL);
	EACH(l, n, play_agree(&l->p, JC, &l->whole[i]));
	play_round(l, hand_of(JC), n);
	EACH(l, n, play_agree(&l->p, RP, &l->whole[i]));
	play_round(l, hand_of(RP), n);
	EACH(l, n, play_result(&l->p, &l->known[i].id, COUNT_OF_JOB, BYTES_OF_JOB));
	play_round(l, hand_of(RP), n);
	EACH(l, n, play_accept(&l->p, &l->known[i].id, COUNT_OF_JOB, BYTES_OF_JOB, false));
	play_round(l, hand_of(JC), n);
}

static void open_and_close(struct ladder *l, size_t n)
{
	prepare(l, n, NULL);
	EACH(l, n, play_open(&l->p, &l->whole[i]));
	play_round(l, hand_of(RP), n);
	EACH(l, n, play_accept(&l->p, &l->known[i].id, COUNT_OF_JOB, BYTES_OF_JOB, true));
	play_round(l, hand_of(RP), n);
}

static void fill_list(struct ladder *l, size_t n)
{
	prepare(l, n, &l->channel);
	for (size_t i = 0; i < n; i++)
		l->list[i] = play_item(&l->p, &l->whole[i], l->serial, COUNT_OF_JOB, BYTES_OF_JOB);
}

static void settle(struct ladder *l, size_t n)
{
	fill_list(l, n);
	EACH(l, n, play_settle(&l->p, RP, &l->list[i], 1));
	play_round(l, hand_of(RP), n);
}

static void relayed(struct ladder *l, size_t n)
{
	fill_list(l, n);
	EACH(l, n, play_settle(&l->p, RP, &l->list[i], 1); l->p.sends[RP]++);
	play_round(l, CARRIER, n);
}

static void list_of(struct ladder *l, size_t n)
{
	if (n == 1) { /* a list has two */
		settle(l, 1);
		return;
	}
	fill_list(l, n);
	play_settle(&l->p, RP, l->list, (uint32_t)n);
	l->a[0] = l->p.a;
	play_round(l, hand_of(RP), 1);
}

/* One voucher for all jobs of a round of any size: nothing of it depends on how many. */
static void voucher(struct ladder *l, size_t n)
{
	struct amount cost;
	struct hash h;

	l->job += n;
	l->p.a = (struct action){
	        .kind = ACTION_REDEEM, .voucher = {.channel = l->channel, .number = l->job}};
	cost = much(amount_of(100 + 3 * COUNT_OF_JOB + BYTES_OF_JOB));
	if (!amount_mul(cost, l->job, &l->p.a.voucher.sum))
		abort();
	h = play_id(voucher_record(), &l->p.a.voucher);
	play_sign_hash(&l->p, JC, &h, &l->p.a.doc_sig);
	play_send_of(&l->p, RP, SEND_REDEEM, &h);
	l->a[0] = l->p.a;
	play_round(l, hand_of(RP), 1);
}

/* ---- figures ------------------------------------------------------------------------------------- */

static const struct rung {
	const char *name;
	void (*run)(struct ladder *l, size_t n);
	unsigned channel; /* enum channel_kind; 0: escrow */
	bool shares;      /* also with shares */
	bool whole;       /* all jobs in one round */
} rungs[] = {
        {"four steps, each its own transaction", four_steps, 0, true, false},
        {"open + close in escrow", open_and_close, 0, true, false},
        {"settle in a channel, by RP", settle, CHANNEL_ACCEPTANCES, true, false},
        {"the same, carried by a relay", relayed, CHANNEL_ACCEPTANCES, true, false},
        {"lists of 100, 1 payer", list_of, CHANNEL_ACCEPTANCES, true, false},
        {"one voucher for all", voucher, CHANNEL_VOUCHERS, false, true},
};

static void open_channel(struct ladder *l, unsigned kind)
{
	struct channel *ch = &l->p.a.channel;

	l->serial++;
	l->job = 0;
	play_open_channel(&l->p, kind, l->serial, 1, 0);
	ch->job_sum = much(amount_of(3000000));
	play_sign(&l->p, JC, channel_record(), ch, &l->p.a.jc_sig);
	play_sign(&l->p, RP, channel_record(), ch, &l->p.a.rp_sig);
	l->parts = ch->id;
	l->channel = play_id(channel_id_record(), &ch->id);
	l->a[0] = l->p.a;
	play_round(l, CARRIER, 1);
}

static void tell(const struct ladder *l, const struct rung *r)
{
	printf("{\"name\": \"%s\", \"shares\": %s, \"jobs\": %llu, \"transactions\": %llu, "
	       "\"gas\": %llu, \"gasPerJob\": %.1f, \"wallSeconds\": %.3f, "
	       "\"signedPerSecond\": %.0f}\n",
	        r->name, l->shares ? "true" : "false", (unsigned long long)l->jobs,
	        (unsigned long long)l->txs, (unsigned long long)l->gas,
	        (double)l->gas / (double)l->jobs, l->wall_s, (double)l->txs / l->sign_s);
	fflush(stdout);
}

static void measure(struct ladder *l, const struct rung *r)
{
	uint64_t escrow = l->job;

	if (r->channel)
		open_channel(l, r->channel);
	r->run(l, 1);
	l->gas = l->txs = 0;
	l->sign_s = l->wall_s = 0;
	for (uint64_t done = 0; done < l->jobs;) {
		size_t n = r->whole ? l->jobs : MIN2(l->jobs - done, (uint64_t)ROUND);

		r->run(l, n);
		done += n;
	}
	tell(l, r);
	if (r->channel)
		l->job = escrow;
}

/* ---- start --------------------------------------------------------------------------------------- */

static void start(struct ladder *l, const char *anvil)
{
	struct play *p = &l->p;
	struct genesis *g = &p->genesis;
	struct err e;

	for (unsigned i = 0; i < PARTIES; i++) {
		memset(l->keys[i].b, 0x5b, sizeof l->keys[i].b);
		l->keys[i].b[31] = (uint8_t)(i + 1);
		MUST_DO("a key", seckey_addr(&l->keys[i], &p->who[i], &e));
	}
	play_genesis(p);
	for (uint32_t i = 0; i < g->allocations.n; i++)
		g->allocations.v[i].amount = much(amount_of(30000000));
	p->sign = sign;
	MUST_DO("the chain", chain_start(&l->c, anvil, g, l->keys, &e));
	MUST_DO("a ledger", ledger_new(g, NULL, &p->l, &e));
	p->l->domain = l->c.domain;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"anvil", required_argument, NULL, 'a'},
	        {"jobs", required_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
	static struct ladder l;
	const char *anvil = "anvil";
	int o;

	l.jobs = 1000;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'a')
			anvil = optarg;
		else if (o != 'j' || !str_u64(str_of(optarg), 1000000, &l.jobs) || l.jobs < ROUND)
			return 2;
	}
	start(&l, anvil);
	for (unsigned shares = 0; shares < 2; shares++) {
		l.shares = shares;
		for (size_t i = 0; i < COUNT(rungs); i++) {
			if (!shares || rungs[i].shares)
				measure(&l, &rungs[i]);
		}
	}
	play_done(&l.p);
	chain_stop(&l.c);
	return 0;
}
