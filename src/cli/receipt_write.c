/* receipt_write.c - gathering a receipt. */
#include "cli/receipt_write.h"

#include <stdlib.h>

#include "cli/remote.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/file.h"
#include "port/action_json.h"

bool receipt_is_of(const struct creator_job *j)
{
	switch (j->ledger) {
	case DEAL_RESULTS_ACCEPTED:
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

static bool take_end(struct cli *c, const struct creator_job *job, struct receipt *r, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	struct network_file n;

	if (c->place.chain_id)
		return FAIL(e, STATE, "receipts are made of the embedded ledger's proofs only");
	TRY(network_load(c, &n, e), e);
	r->genesis = n.genesis;
	TRY(ask_action(c, &job->end_action, &j, e), e);
	return receipt_take_end(j, r, e) && receipt_take_proof(j, r, e);
}

/* The result that was shown, if it is the one that the deal ended with: a provider may have submitted another
 * one, or shown none. Then it is what the ledger has. */
static bool take_result(struct cli *c, const struct store *s, const struct creator_job *job,
        struct receipt *r, struct err *e)
{
	struct creator_result shown = {.id = job->deal};
	json_t *j OWN(json_own) = NULL;
	struct hash h = {{0}};

	if (s->get(s->self, creator_result_record(), &shown, e))
		eip712_hash(result_record(), &shown.result, &h);
	else if (e->code != E_NOT_FOUND)
		return false;
	if (!hash_eq(&h, &r->event.result)) {
		if (hash_is_zero(&job->submit_action))
			return FAIL(e, STATE, "the result that the deal ended with is not known");
		TRY(ask_action(c, &job->submit_action, &j, e), e);
		return receipt_take_result(j, r, e);
	}
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

	TRY(s->get(s->self, creator_job_record(), &job, e), e);
	if (!receipt_is_of(&job))
		return FAIL(e, STATE,
		        "the job is %s%s%s: a receipt is of a deal that ended with a result",
		        sm_name(&job_states, job.state), job.ledger ? ", its deal " : "",
		        job.ledger ? sm_name(&deal_states, job.ledger) : "");
	TRY(take_deal(s, &job, r, e), e);
	TRY(take_end(c, &job, r, e), e);
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
