/* receipt_write.c - gathering a receipt. */
#include "cli/receipt_write.h"

#include <stdlib.h>

#include "cli/remote.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "creator/creator.h"
#include "os/file.h"
#include "port/action_json.h"

static bool gather(const struct store *s, const struct hash *id, struct receipt *r, struct err *e)
{
	struct creator_job job = {.id = *id};
	struct creator_offer offer = {0};
	struct creator_deal deal = {0};
	struct creator_result result = {0};

	TRY(s->get(s->self, creator_job_record(), &job, e), e);
	if (hash_is_zero(&job.deal))
		return FAIL(e, STATE, "the job is %s: a receipt is of a job that was accepted",
		        sm_name(&job_states, job.state));
	offer.id = job.offer;
	deal.id = job.deal;
	result.id = job.deal;
	TRY(s->get(s->self, creator_offer_record(), &offer, e), e);
	TRY(s->get(s->self, creator_deal_record(), &deal, e), e);
	if (!s->get(s->self, creator_result_record(), &result, e) || !result.accept_sig.n)
		return FAIL(e, STATE, "the job is %s: a receipt is of a job that was accepted",
		        sm_name(&job_states, job.state));
	r->offer = offer.offer;
	r->offer_sig = offer.sig;
	r->ack = offer.ack;
	r->ack_sig = offer.ack_sig;
	r->match = deal.match;
	r->match_sig = deal.match_sig;
	r->deal = deal.deal;
	r->jc_sig = deal.jc_sig;
	r->rp_sig = deal.rp_sig;
	r->result = result.result;
	r->result_sig = result.sig;
	r->stored = result.stored;
	r->stored_sig = result.stored_sig;
	r->accept_sig = result.accept_sig;
	r->acceptance.deal = job.deal;
	eip712_hash(result_record(), &r->result, &r->acceptance.result);
	return true;
}

static bool ask_proof(struct cli *c, struct receipt *r, struct err *e)
{
	json_t *j OWN(json_own) = NULL;
	char path[HASH_TEXT_MAX + 20], hex[HASH_TEXT_MAX];
	struct action *a = calloc(1, sizeof *a);
	struct network_file n;
	struct hash id;

	if (!a)
		return FAIL(e, MEMORY, "no memory for an action");
	if (c->place.chain_id) {
		free(a);
		return FAIL(e, STATE, "receipts are made of the embedded ledger's proofs only");
	}
	receipt_action(r, a);
	action_id(a, &id);
	free(a);
	hash_format(&id, hex);
	snprintf(path, sizeof path, "/v1/actions/%s", hex);
	TRY(network_load(c, &n, e), e);
	r->genesis = n.genesis;
	TRY(remote_get(c, settings_text(c->settings, "ledger.url"), path, &j, e), e);
	return receipt_take_proof(j, r, e);
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
	ok = gather(store, job, r, e) && ask_proof(c, r, e) && convincing(r, e) &&
	     write_to(r, path, e);
	free(r);
	return ok;
}
