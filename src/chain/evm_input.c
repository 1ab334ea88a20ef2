/* evm_input.c - each kind of call by its selector, with the deal's parts behind it, as evm_call.c writes them. */
#include "chain/evm_input.h"

#include "chain/contracts.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/packed.h"

enum {
	HOT_WORDS = 9,
	PARTS = HOT_WORDS + 1, /* and the hash of the Cold */
	SHOWN = 4,             /* words of what the state is made of */
	SELECTOR = 4,
	HEAD_BYTES = SELECTOR + 32 * PARTS,
	LEAVES_MAX = 32,
	INPUT_MAX = 128 << 10 /* bytes: TOO_LARGE past it */
};

static void take_sig(const struct abi_leaf *l, struct sig *out)
{
	*out = (struct sig){0};
	if (l->bytes.n > sizeof out->b)
		return; /* holds for nobody */
	out->n = (uint8_t)l->bytes.n;
	if (l->bytes.n)
		memcpy(out->b, l->bytes.p, l->bytes.n);
}

static void take_outcome(const struct abi_leaf *l, const struct hash *deal, struct action *out)
{
	out->result = (struct result){.deal = *deal,
	        .status = (uint8_t)abi_get_u64(&l[0]),
	        .count = abi_get_u64(&l[1]),
	        .bytes = abi_get_u64(&l[2]),
	        .secret_hash = l[3].word};
	out->output_hash = l[4].word;
}

static void take_result(const struct abi_leaf *l, const struct hash *deal, struct action *out)
{
	take_outcome(l, deal, out);
	take_sig(&l[5], &out->result_sig);
}

static void take_decline(const struct abi_leaf *l, const struct hash *deal, struct action *out)
{
	out->decline = (struct decline){.deal = *deal, .reason = (uint8_t)abi_get_u64(&l[0])};
	take_sig(&l[1], &out->doc_sig);
}

static void take_accept(const struct abi_leaf *l, const struct hash *deal, struct action *out)
{
	out->acceptance = (struct acceptance){.deal = *deal, .result = l[0].word};
	take_sig(&l[2], &out->doc_sig);
}

static void take_accept_with(const struct abi_leaf *l, const struct hash *deal, struct action *out)
{
	take_result(l, deal, out);
	out->acceptance.deal = *deal;
	eip712_hash_part(result_record(), &out->result, "output", &out->output_hash,
	        &out->acceptance.result);
	take_sig(&l[6], &out->doc_sig);
}

static void take_verdict(const struct abi_leaf *l, const struct hash *deal, struct action *out)
{
	l += SHOWN;
	out->verdict = (struct verdict){.deal = *deal,
	        .round = (uint8_t)abi_get_u64(&l[0]),
	        .mediator = abi_get_addr(&l[1]),
	        .ruling = (uint8_t)abi_get_u64(&l[2]),
	        .output = l[3].word,
	        .count = abi_get_u64(&l[4]),
	        .bytes = abi_get_u64(&l[5]),
	        .salt = l[6].word};
	take_sig(&l[7], &out->doc_sig);
}

static void take_pass(const struct abi_leaf *l, const struct hash *deal, struct action *out)
{
	l += SHOWN;
	out->pass = (struct pass){.deal = *deal,
	        .round = (uint8_t)abi_get_u64(&l[0]),
	        .mediator = abi_get_addr(&l[1])};
	take_sig(&l[2], &out->doc_sig);
}

/* leaves: behind the deal's parts. */
static const struct call {
	uint8_t kind;
	const char *signature;
	size_t leaves;
	void (*take)(const struct abi_leaf *l, const struct hash *deal, struct action *out);
} calls[] = {
        {ACTION_RESULT, fn_controller_submit, 6, take_result},
        {ACTION_RESULT, fn_controller_acceptWith, 7, take_accept_with},
        {ACTION_DECLINE, fn_controller_decline, 2, take_decline},
        {ACTION_ACCEPT, fn_controller_accept, 3, take_accept},
        {ACTION_ACCEPT, fn_controller_acceptWith, 7, take_accept_with},
        {ACTION_VERDICT, fn_controller_rule, SHOWN + 8, take_verdict},
        {ACTION_PASS, fn_controller_pass, SHOWN + 3, take_pass},
};

/* What such a call on the deal begins with. */
static void head_of(const struct call *c, const struct deal *deal, uint8_t out[HEAD_BYTES])
{
	struct buf hot OWN(buf_done) = {0};
	struct hash id, cold;

	abi_id(c->signature, &id);
	buf_init(&hot, HEAD_BYTES);
	packed_put(hot_record(), &deal->hot, &hot);
	assert(buf_ok(&hot) && hot.n == 32 * HOT_WORDS);
	eip712_hash(cold_record(), &deal->cold, &cold);
	memcpy(out, id.b, SELECTOR);
	memcpy(out + SELECTOR, hot.p, hot.n);
	memcpy(out + SELECTOR + hot.n, cold.b, sizeof cold.b);
}

static bool take_call(const struct call *c, struct bytes input, const struct deal *deal,
        const struct hash *id, struct action *out)
{
	struct abi_leaf l[LEAVES_MAX];
	uint8_t head[HEAD_BYTES];
	const uint8_t *at;
	struct err e;
	size_t n;

	head_of(c, deal, head);
	at = input.n ? memmem(input.p, input.n, head, sizeof head) : NULL;
	if (!at)
		return false;
	input = bytes_of(at + SELECTOR, input.n - (size_t)(at - input.p) - SELECTOR);
	if (!abi_decode(abi_types(c->signature), input, l, LEAVES_MAX, &n, &e) ||
	        n != PARTS + c->leaves)
		return false;
	memset(out, 0, sizeof *out);
	out->kind = c->kind;
	c->take(l + PARTS, id, out);
	return true;
}

bool evm_input_find(struct bytes input, uint8_t kind, const struct deal *deal, struct action *out,
        struct err *e)
{
	struct hash id;

	eip712_hash(deal_record(), deal, &id);
	for (size_t i = 0; i < COUNT(calls); i++) {
		if (calls[i].kind == kind && take_call(&calls[i], input, deal, &id, out))
			return true;
	}
	return FAIL(e, NOT_FOUND, "the transaction shows no \"%s\" of the deal",
	        enum_name(&action_kind_names, kind));
}

bool evm_input_ask(const struct evm_place *p, const struct hash *tx, struct buf *out, struct err *e)
{
	struct evm_rpc_options o = {
	        .urls = p->urls, .chain_id = p->chain_id, .genesis = p->genesis};
	json_t *j OWN(json_own) = NULL;
	char text[HASH_TEXT_MAX];

	TRY(evm_ask(&o, "eth_getTransactionByHash",
	            json_pack("[o]", evm_data(bytes_of(tx->b, sizeof tx->b))), &j, e),
	        e);
	if (!json_is_object(j)) {
		hash_format(tx, text);
		return FAIL(e, NOT_FOUND, "the chain has no transaction %s", text);
	}
	buf_init(out, INPUT_MAX);
	return evm_read_data(json_object_get(j, "input"), out, e);
}
