/* receipt_write.c - gathering a receipt. */
#include "cli/receipt_write.h"

#include <stdlib.h>

#include "chain/evm_input.h"
#include "chain/evm_prove.h"
#include "cli/remote.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "model/channel_rules.h"
#include "os/file.h"
#include "port/action_json.h"

/* In a channel, and never on the ledger: it ended with what was signed for its result. */
static bool off_ledger(const struct creator_job *j)
{
	return !hash_is_zero(&j->channel) && !j->ledger && j->state == JOB_DONE;
}

bool receipt_is_of(const struct creator_job *j)
{
	if (off_ledger(j))
		return true;
	switch (j->ledger) {
	case DEAL_RESULTS_ACCEPTED:
	case DEAL_DECLINED:
	case DEAL_TIMEOUT_SUBMIT:
	case DEAL_TIMEOUT_JUDGE:
	case DEAL_TIMEOUT_MEDIATE:
	case DEAL_MEDIATION_ACCEPTED:
	case DEAL_MEDIATION_REJECTED:
	case DEAL_MEDIATION_JOB_FAULTY: return !hash_is_zero(&j->end_action);
	default: return false;
	}
}

/* What both sides signed before the job ran. */
static bool take_deal(
        const struct store *s, const struct creator_job *job, struct receipt *r, struct err *e)
{
	struct creator_offer offer = {.id = job->offer};
	struct creator_deal deal = {.id = job->deal};

	TRY(s->get(s->self, creator_offer_record(), &offer, e), e);
	TRY(s->get(s->self, creator_deal_record(), &deal, e), e);
	r->offer = offer.offer;
	r->offer_sig = offer.sig;
	r->acked = (struct acked){.ack = offer.ack, .batch = offer.ack_batch, .sig = offer.ack_sig};
	memcpy(&r->acked.path, &offer.ack_path, sizeof r->acked.path);
	r->match = deal.match;
	r->match_sig = deal.match_sig;
	r->deal = deal.deal;
	r->jc_sig = deal.jc_sig;
	r->rp_sig = deal.rp_sig;
	return true;
}

static bool ask_action(struct cli *c, const struct hash *id, json_t **out, struct err *e)
{
	char path[HASH_TEXT_MAX + 20], hex[HASH_TEXT_MAX];

	hash_format(id, hex);
	snprintf(path, sizeof path, "/v1/actions/%s", hex);
	return remote_get(c, settings_text(c->settings, "ledger.url"), path, out, e);
}

/* ---- embedded -------------------------------------------------------------------------------------- */

static bool take_end(struct cli *c, const struct creator_job *job, const struct network_file *n,
        struct receipt *r, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	r->genesis = n->genesis;
	TRY(ask_action(c, &job->end_action, &j, e), e);
	return receipt_take_end(j, r, e) && receipt_take_proof(j, r, e);
}

/* ---- chain ----------------------------------------------------------------------------------------- */

/* What a deal in that state ended by; where a mediator may have passed or been silent, its pass is looked for. */
static uint8_t end_of(unsigned state)
{
	switch (state) {
	case DEAL_RESULTS_ACCEPTED: return ACTION_ACCEPT;
	case DEAL_DECLINED: return ACTION_DECLINE;
	case DEAL_TIMEOUT_MEDIATE: return ACTION_PASS;
	case DEAL_MEDIATION_ACCEPTED:
	case DEAL_MEDIATION_REJECTED:
	case DEAL_MEDIATION_JOB_FAULTY: return ACTION_VERDICT;
	default: return ACTION_TIMEOUT;
	}
}

/* Our own acceptance is in the store, should the transaction hide it. */
static bool own_acceptance(const struct store *s, const struct creator_job *job, struct action *a)
{
	struct creator_result shown = {.id = job->deal};
	struct err ignored;

	if (!s->get(s->self, creator_result_record(), &shown, &ignored) || !shown.accept_sig.n)
		return false;
	a->acceptance.deal = job->deal;
	eip712_hash(result_record(), &shown.result, &a->acceptance.result);
	a->doc_sig = shown.accept_sig;
	return true;
}

static void own_action(struct action **a)
{
	free(*a);
}

static bool take_end_document(struct cli *c, const struct store *s, const struct creator_job *job,
        struct receipt *r, struct err *e)
{
	struct action *a OWN(own_action) = calloc(1, sizeof *a);
	struct buf input OWN(buf_done) = {0};

	if (!a)
		return FAIL(e, MEMORY, "no memory for an action");
	r->end = end_of(job->ledger);
	if (r->end == ACTION_TIMEOUT)
		return true;
	TRY(evm_input_ask(&c->place, &job->end_action, &input, e), e);
	if (!evm_input_find(buf_bytes(&input), r->end, &r->deal, a, e)) {
		if (r->end == ACTION_PASS) {
			r->end = ACTION_TIMEOUT;
			return true;
		}
		if (r->end != ACTION_ACCEPT || !own_acceptance(s, job, a))
			return false;
	}
	r->acceptance = a->acceptance;
	r->verdict = a->verdict;
	r->pass = a->pass;
	r->decline = a->decline;
	r->end_sig = a->doc_sig;
	return true;
}

/* The log of the end says which result it was only where the result came with it. */
static bool take_logs(
        struct cli *c, const struct creator_job *job, struct receipt *r, struct err *e)
{
	struct receipt_chain *n = &r->chain;

	TRY(evm_prove(&c->place, &job->end_action, &job->deal, EVM_LOG_END,
	            &n->log[RECEIPT_LOG_END], e),
	        e);
	receipt_read_logs(r);
	if (!hash_is_zero(&r->event.result) || hash_is_zero(&job->submit_action))
		return true;
	n->submitted = true;
	TRY(evm_prove(&c->place, &job->submit_action, &job->deal, EVM_LOG_RESULT,
	            &n->log[RECEIPT_LOG_RESULT], e),
	        e);
	receipt_read_logs(r);
	return true;
}

static bool take_end_of_chain(struct cli *c, const struct store *s, const struct creator_job *job,
        const struct network_file *n, struct receipt *r, struct err *e)
{
	r->chain.id = n->chain_id;
	r->chain.controller = n->controller;
	TRY(take_end_document(c, s, job, r, e), e);
	return take_logs(c, job, r, e);
}

/* The result as the transaction brought it: by itself, or with its acceptance. */
static bool take_result_of_chain(
        struct cli *c, const struct creator_job *job, struct receipt *r, struct err *e)
{
	const struct hash *tx =
	        hash_is_zero(&job->submit_action) ? &job->end_action : &job->submit_action;
	struct action *a OWN(own_action) = calloc(1, sizeof *a);
	struct buf input OWN(buf_done) = {0};

	if (!a)
		return FAIL(e, MEMORY, "no memory for an action");
	TRY(evm_input_ask(&c->place, tx, &input, e), e);
	TRY(evm_input_find(buf_bytes(&input), ACTION_RESULT, &r->deal, a, e), e);
	r->shown = false;
	r->result = a->result;
	r->output_hash = a->output_hash;
	r->result_sig = a->result_sig;
	return true;
}

/* ---- neither --------------------------------------------------------------------------------------- */

/* What was signed for the result, which was shown. */
static bool take_channel(const struct store *s, const struct creator_job *job,
        const struct network_file *n, struct receipt *r, struct err *e)
{
	struct creator_channel channel = {.id = job->channel};
	struct creator_voucher voucher = {.id = job->deal};
	struct creator_result shown = {.id = job->deal};
	struct hash hash;

	if (n->chain_id) {
		r->chain.id = n->chain_id;
		r->chain.controller = n->controller;
	} else {
		r->genesis = n->genesis;
	}
	TRY(s->get(s->self, creator_channel_record(), &channel, e), e);
	TRY(s->get(s->self, creator_result_record(), &shown, e), e);
	eip712_hash(result_record(), &shown.result, &hash);
	r->event.result = hash; /* the one that counts */
	r->end = channel.channel.kind == CHANNEL_VOUCHERS ? ACTION_REDEEM : ACTION_SETTLE;
	r->end_sig = shown.accept_sig;
	channel_acceptance_of(&r->deal.hot, &job->deal, &hash, job->cost, &r->in_channel);
	if (r->end == ACTION_SETTLE)
		return true;
	r->in_channel = (struct channel_acceptance){0};
	TRY(s->get(s->self, creator_voucher_record(), &voucher, e), e);
	r->voucher = voucher.voucher;
	r->end_sig = voucher.sig;
	return true;
}

/* ---- either ---------------------------------------------------------------------------------------- */

static bool take_hidden(
        struct cli *c, const struct creator_job *job, struct receipt *r, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	if (r->chain.id)
		return take_result_of_chain(c, job, r, e);
	if (hash_is_zero(&job->submit_action))
		return FAIL(e, STATE, "the result that the deal ended with is not known");
	TRY(ask_action(c, &job->submit_action, &j, e), e);
	return receipt_take_result(j, r, e);
}

/* The result that was shown, if it is the one that the deal ended with: a provider may have submitted another
 * one, or shown none. Then it is what the ledger has. */
static bool take_result(struct cli *c, const struct store *s, const struct creator_job *job,
        struct receipt *r, struct err *e)
{
	struct creator_result shown = {.id = job->deal};
	struct hash h = {{0}};

	if (hash_is_zero(&r->event.result))
		return true; /* there is none */
	r->resulted = true;
	if (s->get(s->self, creator_result_record(), &shown, e))
		eip712_hash(result_record(), &shown.result, &h);
	else if (e->code != E_NOT_FOUND)
		return false;
	if (!hash_eq(&h, &r->event.result))
		return take_hidden(c, job, r, e);
	r->shown = true;
	r->result = shown.result;
	r->result_sig = shown.sig;
	eip712_hash(output_record(), &r->result.output, &r->output_hash);
	r->stored = shown.stored;
	r->stored_sig = shown.stored_sig;
	return true;
}

static bool gather(struct cli *c, const struct store *s, const struct hash *id, struct receipt *r,
        struct err *e)
{
	struct creator_job job = {.id = *id};
	struct network_file n;

	TRY(s->get(s->self, creator_job_record(), &job, e), e);
	if (!receipt_is_of(&job))
		return FAIL(e, STATE, "the job is %s%s%s: a receipt is of a deal that has ended",
		        sm_name(&job_states, job.state), job.ledger ? ", its deal " : "",
		        job.ledger ? sm_name(&deal_states, job.ledger) : "");
	TRY(take_deal(s, &job, r, e), e);
	TRY(network_load(c, &n, e), e);
	if (off_ledger(&job)) {
		TRY(take_channel(s, &job, &n, r, e), e);
		TRY(take_result(c, s, &job, r, e), e);
		r->event = (struct ledger_event){0};
		return true;
	}
	if (n.chain_id)
		TRY(take_end_of_chain(c, s, &job, &n, r, e), e);
	else
		TRY(take_end(c, &job, &n, r, e), e);
	return take_result(c, s, &job, r, e);
}

/* A receipt that does not convince its own maker is of no use to anyone. */
static bool convincing(const struct receipt *r, struct err *e)
{
	struct receipt_check checks[RECEIPT_CHECKS_MAX];
	size_t n = receipt_check(r, checks);

	for (size_t i = 0; i < n; i++) {
		if (!checks[i].ok)
			return FAIL(e, TAMPERED, "the receipt would not hold: %s: %s",
			        checks[i].what, checks[i].why);
	}
	return true;
}

static bool write_to(const struct receipt *r, const char *path, struct err *e)
{
	struct buf text OWN(buf_done) = {0};

	buf_init(&text, RECEIPT_BYTES_MAX);
	receipt_format(r, &text);
	buf_byte(&text, '\n');
	if (!buf_ok(&text))
		return FAIL(e, TOO_LARGE, "the receipt has more than %u bytes", RECEIPT_BYTES_MAX);
	return file_write(path, buf_bytes(&text), 0644, e);
}

bool receipt_write(struct cli *c, const struct store *store, const struct hash *job,
        const char *path, struct err *e)
{
	struct receipt *r = calloc(1, sizeof *r);
	bool ok;

	if (!r)
		return FAIL(e, MEMORY, "no memory for a receipt");
	ok = gather(c, store, job, r, e) && convincing(r, e) && write_to(r, path, e);
	free(r);
	return ok;
}
