/* actions.c - see actions.h. */
#include "cli/actions.h"

#include "cli/chain.h"
#include "cli/remote.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "port/action_json.h"

enum { SEND_LIFE_S = 600 };

static const char *ledger_of(const struct cli *c)
{
	return settings_text(c->settings, "ledger.url");
}

bool ledger_now(const struct cli *c, struct btime *out, struct err *e)
{
	TRY(remote_head(c, NULL, &out->s, e), e);
	if (out->s > BTIME_MAX - SEND_LIFE_S)
		return FAIL(e, PEER, "the ledger says that it is %llu", (unsigned long long)out->s);
	return true;
}

bool action_send_by(const struct cli *c, const struct network_file *n, struct wallet *by,
        enum send_kind kind, const struct record *r, struct action *a, struct err *e)
{
	json_t *account OWN(json_own) = NULL;
	struct hash domain, digest;
	struct btime now;

	TRY(remote_account(c, &by->addr, &account, e), e);
	TRY(ledger_now(c, &now, e), e);
	a->kind = ACTION_SEND;
	a->send = (struct send){
	        .account = by->addr, .kind = (uint8_t)kind, .expiry = {now.s + SEND_LIFE_S}};
	TRY(json_get_u64(account, "sendNonce", &a->send.nonce, e), e);
	eip712_hash(r, &a->body, &a->send.body);
	network_domain(n, &domain);
	signed_digest(&domain, send_record(), &a->send, &digest);
	TRY(secp_sign(&by->key, &digest, &a->send_sig, e), e);
	return true;
}

/* The ledger's answer holds one line for the one action. */
static bool included(const json_t *answer, struct err *e)
{
	const json_t *line = json_array_get(json_object_get(answer, "results"), 0);
	struct buf b OWN(buf_done) = {0};
	struct str stage;

	TRY(json_get_str(line, "stage", &stage, e), e);
	if (!str_is(stage, "dropped"))
		return true;
	buf_init(&b, HTTP_BODY_MAX);
	json_canonical(json_object_get(line, "error"), &b);
	if (!err_from_json(buf_view(&b), e))
		return FAIL(e, PEER, "the ledger dropped the action and does not say why");
	return false;
}

/* The wallet in use pays for gas: whose action it is, its signatures say. */
static bool to_chain(const struct cli *c, const struct action *a, json_t **answer, struct err *e)
{
	struct wallet w;
	struct hash tx;
	bool ok;

	TRY(wallet_open(c, NULL, false, &w, e), e);
	ok = chain_submit(c, &w, a, &tx, e);
	wallet_close(&w);
	TRY(ok, e);
	*answer = json_pack("{s:o}", "transaction", json_of_hash(&tx));
	return *answer || FAIL(e, MEMORY, "no memory for an answer");
}

bool action_submit(const struct cli *c, const struct action *a, json_t **answer, struct err *e)
{
	json_t *j = NULL;

	if (c->place.chain_id)
		return to_chain(c, a, answer, e);
	TRY(remote_post(c, ledger_of(c), "/v1/actions", action_to_json(a), &j, e), e);
	if (!included(j, e)) {
		json_decref(j);
		return false;
	}
	*answer = j;
	return true;
}
