/* evm_deal.c - packed words of the events are taken apart as Deals.sol puts them together. */
#include "chain/evm_deal.h"

#include "chain/contracts.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/packed.h"
#include "crypto/keccak.h"

/* A word of packed numbers: `bits` of them from bit `at` on. */
static struct u256 bits_of(const uint8_t word[32], unsigned at, unsigned bits)
{
	uint8_t out[32] = {0};

	for (unsigned i = 0; i < bits / 8; i++)
		out[31 - i] = word[31 - at / 8 - i];
	return u256_from_be(out);
}

static uint64_t number_of(const uint8_t word[32], unsigned at, unsigned bits)
{
	return bits_of(word, at, bits).w[0];
}

static struct amount amount_at(const uint8_t word[32], unsigned at)
{
	uint8_t be[32];

	u256_to_be(bits_of(word, at, 96), be);
	return amount_from_be(be);
}

static struct addr addr_of(const struct hash *topic)
{
	struct addr a;

	memcpy(a.b, topic->b + 12, sizeof a.b);
	return a;
}

/* Every event of the contracts is named, so that a new one is not overlooked. */
static bool is_of_deal(const struct evm_log *l)
{
	switch (l->topics_n ? contract_event_of(&l->topics[0]) : EVENT_UNKNOWN) {
	case EVENT_Opened:
	case EVENT_Moved:
	case EVENT_Submitted:
	case EVENT_Accepted:
	case EVENT_Checked:
	case EVENT_ClaimChecked:
	case EVENT_ClaimRuled: return true;
	case EVENT_UNKNOWN:
	case EVENT_COUNT:
	case EVENT_Approval:
	case EVENT_ChannelClosed:
	case EVENT_ChannelLeft:
	case EVENT_ChannelOpened:
	case EVENT_ChannelToppedUp:
	case EVENT_Deposited:
	case EVENT_EIP712DomainChanged:
	case EVENT_JobCancelled: /* of OnChainJobs: followed by evm_jobs.c */
	case EVENT_JobEnded:
	case EVENT_JobOpened:
	case EVENT_Refunded:
	case EVENT_Requested:
	case EVENT_ListSettled:
	case EVENT_MediatorPaused:
	case EVENT_MediatorRegistered:
	case EVENT_NonceCancelled:
	case EVENT_NumberCancelled:
	case EVENT_Paused:
	case EVENT_PayoutSet:
	case EVENT_Redeemed:
	case EVENT_Settled:
	case EVENT_StakeUnbonded:
	case EVENT_Transfer:
	case EVENT_WithdrawRequested:
	case EVENT_Withdrawn: break;
	}
	return false;
}

void evm_log_deal(const struct evm_log *l, struct hash *out)
{
	static const struct hash none;

	*out = is_of_deal(l) && l->topics_n > 1 ? l->topics[1] : none;
}

static void opened(struct evm_deal *d, const struct evm_log *l, struct evm_deal_step *out)
{
	d->jc = addr_of(&l->topics[2]);
	d->rp = addr_of(&l->topics[3]);
	out->moves = true;
	out->to = (uint8_t)number_of(l->data, 8, 8);
	d->deadline.s = number_of(l->data, 16, 40);
	d->nonce = number_of(l->data, 64, 64);
	d->opened = l->tx;
	d->since = l->block;
}

static void moved(struct evm_deal *d, const struct evm_log *l, struct evm_deal_step *out)
{
	out->moves = true;
	out->from = (uint8_t)number_of(l->data, 0, 8);
	out->to = (uint8_t)number_of(l->data, 8, 8);
	d->deadline.s = number_of(l->data, 16, 40);
	out->paid = d->paid = amount_at(l->data, 64);
}

/* The log says what the new state is, and that its clock begins; how long it takes is in the Hot. */
static void enters(struct evm_deal *d, uint8_t to, struct evm_deal_step *out)
{
	out->moves = out->timed = true;
	out->from = d->state;
	out->to = to;
	d->deadline.s = 0;
}

static void take_result(struct evm_deal *d, const struct evm_log *l, const uint8_t *data)
{
	memcpy(d->result.b, data, sizeof d->result.b);
	d->status = (uint8_t)number_of(data + 32, 0, 8);
	d->count = number_of(data + 32, 8, 64);
	d->bytes = number_of(data + 32, 72, 64);
	d->cost = amount_at(data + 32, 136);
	d->submitted = l->tx;
	d->output = (struct hash){{0}};
}

static void take_check(struct evm_deal *d, const struct evm_log *l)
{
	d->mediator = addr_of(&l->topics[2]);
	memcpy(d->check.b, l->data, sizeof d->check.b);
}

/* A result that came along, and is paid at once. */
static void accepted(struct evm_deal *d, const struct evm_log *l, struct evm_deal_step *out)
{
	enters(d, DEAL_RESULTS_ACCEPTED, out);
	out->timed = false;
	take_result(d, l, l->data);
	out->paid = d->paid = d->cost;
}

/* A whole dispute in one transaction: the Check itself is nowhere kept. */
static void ruled(struct evm_deal *d, const struct evm_log *l, struct evm_deal_step *out)
{
	const uint8_t *step = l->data + 64;

	take_result(d, l, l->data);
	d->mediator = addr_of(&l->topics[2]);
	d->deadline.s = 0;
	out->moves = true;
	out->from = (uint8_t)number_of(step, 0, 8);
	out->to = (uint8_t)number_of(step, 8, 8);
	out->paid = d->paid = amount_at(step, 64);
}

static bool has(const struct evm_log *l, size_t topics, size_t bytes)
{
	return l->topics_n == topics && l->n == bytes;
}

bool evm_deal_take(
        struct evm_deal *d, const struct evm_log *l, struct evm_deal_step *out, struct err *e)
{
	enum contract_event k = l->topics_n ? contract_event_of(&l->topics[0]) : EVENT_UNKNOWN;
	struct evm_deal_step s = {0};

	if (l->topics_n < 2 || !hash_eq(&l->topics[1], &d->id))
		return FAIL(e, PEER, "a log of another deal");
	if (k == EVENT_Opened && has(l, 4, 32)) {
		opened(d, l, &s);
	} else if (k == EVENT_Moved && has(l, 2, 32)) {
		moved(d, l, &s);
	} else if (k == EVENT_Submitted && has(l, 2, 64)) {
		enters(d, DEAL_RESULTS_SUBMITTED, &s);
		take_result(d, l, l->data);
	} else if (k == EVENT_Accepted && has(l, 2, 64)) {
		accepted(d, l, &s);
	} else if (k == EVENT_Checked && has(l, 3, 32)) {
		enters(d, DEAL_RESULTS_CHECKED, &s);
		take_check(d, l);
	} else if (k == EVENT_ClaimChecked && has(l, 3, 96)) {
		enters(d, DEAL_RESULTS_CHECKED, &s);
		take_check(d, l);
		take_result(d, l, l->data + 32);
	} else if (k == EVENT_ClaimRuled && has(l, 3, 96)) {
		ruled(d, l, &s);
	} else {
		return FAIL(e, PEER, "a log in block %llu that the contract does not write",
		        (unsigned long long)l->block);
	}
	if (s.moves)
		d->state = s.to;
	*out = s;
	return true;
}

/* ---- marks -------------------------------------------------------------------------------------- */

static void hash2(struct hash *a, const struct hash *b)
{
	struct hash both[] = {*a, *b};

	keccak256(both, sizeof both, a);
}

void evm_deal_mark(const struct evm_deal *d, struct hash *out)
{
	struct abi_leaf cost = abi_amount(d->cost), who = abi_addr(&d->mediator);
	struct hash check = d->check;

	*out = d->result;
	if (hash_is_zero(&d->result))
		return;
	hash2(out, &cost.word);
	if (hash_is_zero(&check))
		return;
	hash2(&check, &who.word);
	hash2(out, &check);
}

void evm_deal_end_mark(const struct evm_deal *d, const struct hash *doc, struct hash *out)
{
	evm_deal_mark(d, out);
	hash2(out, doc);
}

/* ---- clocks ------------------------------------------------------------------------------------- */

struct btime evm_deal_due(const struct hot *h, uint8_t state, struct btime since)
{
	switch ((enum deal_state)state) {
	case DEAL_AGREED: since.s += h->submit_timeout.s; break;
	case DEAL_RESULTS_SUBMITTED: since.s += h->judge_timeout.s; break;
	case DEAL_RESULTS_CHECKED: since.s += h->mediate_timeout.s; break;
	case DEAL_NEGOTIATING:
	case DEAL_RULED:
	case DEAL_RESULTS_ACCEPTED:
	case DEAL_TIMEOUT_AGREE:
	case DEAL_CANCELLED:
	case DEAL_TIMEOUT_SUBMIT:
	case DEAL_DECLINED:
	case DEAL_TIMEOUT_JUDGE:
	case DEAL_TIMEOUT_MEDIATE:
	case DEAL_MEDIATION_ACCEPTED:
	case DEAL_MEDIATION_REJECTED:
	case DEAL_MEDIATION_JOB_FAULTY: since.s = 0; break;
	}
	return since;
}

/* ---- in the calls ------------------------------------------------------------------------------- */

bool evm_deal_find(const struct evm_deal *d, struct bytes input, struct deal *out, struct err *e)
{
	uint8_t parties[2 * sizeof d->jc.b];
	char text[HASH_TEXT_MAX];
	const uint8_t *at = input.p, *end = input.n ? input.p + input.n : input.p;
	struct hash id;
	struct bytes rest;
	struct err ignored;

	/* It begins with its parties, whatever it is wrapped in. */
	memcpy(parties, d->jc.b, sizeof d->jc.b);
	memcpy(parties + sizeof d->jc.b, d->rp.b, sizeof d->rp.b);
	while (input.n && (at = memmem(at, (size_t)(end - at), parties, sizeof parties))) {
		rest = bytes_of(at, (size_t)(end - at));
		if (packed_take(deal_record(), &rest, out, &ignored)) {
			eip712_hash(deal_record(), out, &id);
			if (hash_eq(&id, &d->id))
				return true;
		}
		at++;
	}
	hash_format(&d->id, text);
	return FAIL(e, NOT_FOUND, "the transaction that opened deal %s does not show it", text);
}

bool evm_deal_output(const struct evm_deal *d, struct bytes input, struct hash *out)
{
	struct result r = {
	        .deal = d->id, .status = d->status, .count = d->count, .bytes = d->bytes};
	struct abi_leaf known[] = {abi_u64(d->status), abi_u64(d->count), abi_u64(d->bytes)};
	const uint8_t *at = input.p, *end = input.n ? input.p + input.n : input.p;
	uint8_t words[3 * 32];
	struct hash output, hash;

	for (size_t i = 0; i < COUNT(known); i++)
		memcpy(words + 32 * i, known[i].word.b, 32);
	while (input.n && (at = memmem(at, (size_t)(end - at), words, sizeof words))) {
		if ((size_t)(end - at) < sizeof words + 64)
			return false;
		memcpy(r.secret_hash.b, at + sizeof words, 32);
		memcpy(output.b, at + sizeof words + 32, 32);
		eip712_hash_part(result_record(), &r, "output", &output, &hash);
		if (hash_eq(&hash, &d->result)) {
			*out = output;
			return true;
		}
		at++;
	}
	return false;
}
