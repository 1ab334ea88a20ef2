/* evm_jobs_end.c - the end of a job: what its deal came to, shown again to the contract, which calls the buyer. */
#include "chain/contracts.h"
#include "chain/evm_jobs_own.h"
#include "chain/evm_tx.h"
#include "codec/abi.h"
#include "codec/eip712.h"
#include "codec/packed.h"

enum {
	HOT_WORDS = 9,
	RULE_AT = HOT_WORDS + 1 + 4, /* in a call of rule() or pass(): after Hot, Cold and Shown */
	CALL_LEAVES = 32,
	FINISH_GAS = 1500000 /* with the most that a callback may have */
};

/* ---- finish ----------------------------------------------------------------------------------------------- */

static void send_finish(struct evm_jobs *m, const struct kept *k)
{
	struct abi_leaf l[1 + HOT_WORDS + 1 + 4 + 1];
	struct buf hot OWN(buf_done);
	struct hash cold;
	size_t n = 0;

	buf_init(&hot, 4096);
	packed_put(hot_record(), &m->whole.hot, &hot);
	eip712_hash(cold_record(), &m->whole.cold, &cold);
	l[n++] = abi_u64(k->j.number);
	for (size_t i = 0; i < HOT_WORDS; i++) {
		struct hash word;

		memcpy(word.b, hot.p + i * sizeof word.b, sizeof word.b);
		l[n++] = abi_hash(&word);
	}
	l[n++] = abi_hash(&cold);
	l[n++] = abi_hash(&k->d.result);
	l[n++] = abi_amount(k->d.cost);
	l[n++] = abi_hash(&k->d.check);
	l[n++] = abi_addr(&k->d.mediator);
	l[n++] = abi_hash(&m->end);
	jobs_send(m, fn_onchainjobs_finish, k->j.number, l, n, FINISH_GAS);
}

static void on_opening(void *ctx, const struct evm_answer *a)
{
	struct evm_jobs *m = ctx;
	struct kept *k = &m->jobs[m->at];
	struct buf input OWN(buf_done);
	struct err e = a->err;

	buf_init(&input, EVM_DATA_MAX);
	if (!a->ok || !evm_read_data(json_object_get(a->result, "input"), &input, &e) ||
	        !evm_deal_find(&k->d, buf_bytes(&input), &m->whole, &e)) {
		jobs_round_over(m, &e);
		return;
	}
	send_finish(m, k);
	jobs_next(m);
}

static void ask_opening(struct evm_jobs *m, const struct kept *k)
{
	jobs_ask(m, "eth_getTransactionByHash",
	        json_pack("[o]", evm_data(bytes_of(k->d.opened.b, sizeof k->d.opened.b))),
	        on_opening);
}

/* ---- the ruling ------------------------------------------------------------------------------------------- */

static void verdict_of(const struct abi_leaf *l, const struct hash *deal, struct hash *out)
{
	struct verdict v = {.deal = *deal,
	        .round = (uint8_t)abi_get_u64(&l[0]),
	        .mediator = abi_get_addr(&l[1]),
	        .ruling = (uint8_t)abi_get_u64(&l[2]),
	        .output = l[3].word,
	        .count = abi_get_u64(&l[4]),
	        .bytes = abi_get_u64(&l[5]),
	        .salt = l[6].word};

	eip712_hash(verdict_record(), &v, out);
}

static void pass_of(const struct abi_leaf *l, const struct hash *deal, struct hash *out)
{
	struct pass p = {.deal = *deal,
	        .round = (uint8_t)abi_get_u64(&l[0]),
	        .mediator = abi_get_addr(&l[1])};

	eip712_hash(pass_record(), &p, out);
}

/* What a mediator sent; a deal that its clock ended has neither. */
static void find_ruling(struct bytes input, const struct hash *deal, struct hash *out)
{
	struct bytes args = bytes_of(input.p + 4, input.n >= 4 ? input.n - 4 : 0);
	struct abi_leaf l[CALL_LEAVES];
	struct err ignored;
	size_t n;

	if (abi_is(fn_controller_rule, input) &&
	        abi_decode(abi_types(fn_controller_rule), args, l, COUNT(l), &n, &ignored))
		verdict_of(l + RULE_AT, deal, out);
	else if (abi_is(fn_controller_pass, input) &&
	         abi_decode(abi_types(fn_controller_pass), args, l, COUNT(l), &n, &ignored))
		pass_of(l + RULE_AT, deal, out);
}

static void on_ruling(void *ctx, const struct evm_answer *a)
{
	struct evm_jobs *m = ctx;
	struct kept *k = &m->jobs[m->at];
	struct buf input OWN(buf_done);
	struct err e = a->err;

	buf_init(&input, EVM_DATA_MAX);
	if (!a->ok || !evm_read_data(json_object_get(a->result, "input"), &input, &e)) {
		jobs_round_over(m, &e);
		return;
	}
	find_ruling(buf_bytes(&input), &k->deal, &m->end);
	ask_opening(m, k);
}

/* ---- the deal --------------------------------------------------------------------------------------------- */

static bool fold(struct kept *k, const json_t *logs, struct err *e)
{
	struct evm_deal_step ignored;
	struct evm_log l;
	struct hash deal;
	const json_t *v;
	size_t i;

	k->d = (struct evm_deal){.id = k->deal};
	json_array_foreach (logs, i, v) {
		TRY(evm_read_log(v, &l, e), e);
		evm_log_deal(&l, &deal);
		if (!hash_eq(&deal, &k->deal))
			continue;
		TRY(evm_deal_take(&k->d, &l, &ignored, e), e);
		k->last = l.tx;
	}
	return true;
}

static bool by_mediator(uint8_t state)
{
	return state == DEAL_MEDIATION_ACCEPTED || state == DEAL_MEDIATION_REJECTED ||
	       state == DEAL_MEDIATION_JOB_FAULTY || state == DEAL_TIMEOUT_MEDIATE;
}

static void on_logs(void *ctx, const struct evm_answer *a)
{
	struct evm_jobs *m = ctx;
	struct kept *k = &m->jobs[m->at];
	struct err e = a->err;

	if (!a->ok || !fold(k, a->result, &e)) {
		jobs_round_over(m, &e);
		return;
	}
	m->end = (struct hash){{0}};
	if (!k->d.state || !sm_is_final(&deal_states, k->d.state))
		jobs_next(m);
	else if (by_mediator(k->d.state))
		jobs_ask(m, "eth_getTransactionByHash",
		        json_pack("[o]", evm_data(bytes_of(k->last.b, sizeof k->last.b))),
		        on_ruling);
	else
		ask_opening(m, k);
}

void jobs_end(struct evm_jobs *m)
{
	const struct kept *k = &m->jobs[m->at];

	jobs_ask(m, "eth_getLogs",
	        json_pack("[{s:o, s:o, s:s, s:[n,o]}]", "address",
	                evm_data(bytes_of(m->o.controller.b, sizeof m->o.controller.b)),
	                "fromBlock", evm_quantity(m->o.from_block), "toBlock", "latest", "topics",
	                evm_data(bytes_of(k->deal.b, sizeof k->deal.b))),
	        on_logs);
}
