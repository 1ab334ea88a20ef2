/* channel_call.c - see channel_call.h. */
#include "channel_call.h"

#include "chain/evm_call.h"
#include "codec/eip712.h"
#include "crypto/secp.h"
#include "ledger/ledger_own.h"
#include "port/packed.h"

/* ---- which channel ------------------------------------------------------------------------------ */

static struct channel_id id_of(const struct sides *w, const struct pair *p)
{
	return (struct channel_id){.job_creator = w->p.who[p->jc],
	        .provider = w->p.who[p->rp],
	        .serial = p->serial,
	        .kind = p->kind};
}

/* Number i of those that one of our channels is like: of either kind, and with `by` in either place, or in none. */
enum { LIKES = 6 };
static struct channel_id like(const struct sides *w, unsigned i, const struct addr *by)
{
	struct pair p = channel_pairs[i / LIKES];
	struct channel_id id;

	p.kind = i % 2 ? CHANNEL_VOUCHERS : CHANNEL_ACCEPTANCES;
	id = id_of(w, &p);
	if (i % LIKES / 2 == 1)
		id.job_creator = *by;
	if (i % LIKES / 2 == 2)
		id.provider = *by;
	return id;
}

struct channel_id channel_shown(const struct sides *w)
{
	const struct action *a = &w->for_chain;
	bool of_deal = hash_is_zero(&a->deal.hot.channel);
	const struct addr *by = of_deal ? &a->send.account : &a->deal.hot.provider;
	struct hash named, h;

	evm_call_channel(a, &named);
	for (unsigned i = 0; i < CHANNELS * LIKES; i++) {
		struct channel_id id = like(w, i, by);

		h = play_id(channel_id_record(), &id);
		if (hash_eq(&h, &named))
			return id;
	}
	return (struct channel_id){.serial = 0};
}

/* ---- what no call can say ----------------------------------------------------------------------- */

/* What a Send of kinds 13 and 14 must be of. */
static bool packed_body(const struct action *a, struct hash *out)
{
	struct channel_acceptance doc;
	struct channel_id id;

	if (a->kind == ACTION_REDEEM) {
		*out = play_id(voucher_record(), &a->voucher);
		return true;
	}
	if (a->kind != ACTION_SETTLE || a->items_n > ACTION_SETTLE_MAX)
		return false;
	if (a->items_n != 1) {
		packed_list_hash(a->items, a->items_n, out);
		return true;
	}
	id = (struct channel_id){.job_creator = a->items->job_creator,
	        .provider = a->send.account,
	        .serial = a->items->serial,
	        .kind = CHANNEL_ACCEPTANCES};
	doc = a->items->doc;
	doc.channel = play_id(channel_id_record(), &id);
	*out = play_id(channel_acceptance_record(), &doc);
	return true;
}

bool channel_said(const struct sides *w, struct err *e)
{
	const struct action *a = &w->for_chain;
	struct sig sig = a->send_sig;
	bool fits = sig.n == 64 || (sig.n == 65 && !(sig.b[32] & 0x80));
	struct hash body;

	if (w->own || !packed_body(a, &body))
		return true;
	sig_compact(&sig);
	if (!fits || sig.n != 64)
		return FAIL(e, SIGNATURE, "a signature that does not go into 64 bytes");
	return hash_eq(&body, &a->send.body) || FAIL(e, CONFLICT, "the Send is of another body");
}

/* Of a deal that is not on the ledger a cancel shows the Hot and the hash of the Cold only; and a claim of a deal that
 * is in no channel is refused before the contract is asked. */
bool channel_in_bounds(const struct sides *w, int deal, struct err *e)
{
	const struct action *a = &w->for_chain;
	bool of_channel = !hash_is_zero(&a->deal.hot.channel);
	bool claims = a->kind == ACTION_CLAIM || a->kind == ACTION_CLAIM_CHECK;

	if (a->kind == ACTION_CANCEL && of_channel && deal >= 0 && w->seen[deal].state == 0)
		return document_in_bounds(deal_record(), &a->deal, e);
	if (!claims || of_channel)
		return true;
	if (a->kind == ACTION_CLAIM_CHECK)
		TRY(document_in_bounds(check_record(), &a->check, e), e);
	TRY(document_in_bounds(deal_record(), &a->deal, e), e);
	return document_in_bounds(result_record(), &a->result, e);
}
