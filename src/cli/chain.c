/* chain.c - deploying our contracts, and moving tokens into them. */
#include "cli/chain.h"

#include <stdio.h>
#include <unistd.h>

#include "chain/contracts.h"
#include "chain/evm_call.h"
#include "chain/evm_tx.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/log.h"
#include "os/rng.h"

enum {
	DEPLOY_GAS_MAX =
	        16000000, /* of the Controller with its Annex; measured: docs/contracts.md */
	TOKEN_GAS_MAX = 3000000,
	JOBS_GAS_MAX = 5000000,
	CALL_GAS_MAX = 300000,
	COIN_GAS_MAX = 100000,
	WAIT_S = 120,
	SUPPLY_DIGITS = 9 /* 10^9 tokens of a new token */
};

/* ---- one transaction ----------------------------------------------------------------------------- */

static bool transact(const struct cli *c, struct wallet *w, struct evm_intent *i,
        struct evm_receipt *out, struct err *e)
{
	struct rng rng = rng_os();
	struct log_os log;
	char dir[CLI_PATH_MAX + 8];
	struct evm_sender s = {.place = &c->place,
	        .signer = wallet_signer(w),
	        .log = log_os_init(&log, STDERR_FILENO, LOG_BROKEN, "chain"),
	        .dir = dir,
	        .wait = span_s(WAIT_S)};

	snprintf(dir, sizeof dir, "%s/chain", c->places.state);
	TRY(settings_number(c->settings, "ledger.max-fee", UINT64_MAX, &s.max_fee_wei, e), e);
	rng.fill(rng.self, &i->id, sizeof i->id);
	return evm_transact(&s, i, out, e);
}

static bool call(const struct cli *c, struct wallet *w, const struct addr *to,
        const char *signature, const struct abi_leaf *args, size_t n, struct hash *tx,
        struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct evm_intent i = {.to = *to, .gas_max = CALL_GAS_MAX};
	struct evm_receipt r;

	buf_init(&data, 4096);
	TRY(abi_encode_call(signature, args, n, &data, e), e);
	i.data = buf_bytes(&data);
	TRY(transact(c, w, &i, &r, e), e);
	if (tx)
		*tx = r.tx;
	return true;
}

static bool create(const struct cli *c, struct wallet *w, struct bytes code, const char *types,
        const struct abi_leaf *args, size_t n, uint64_t gas_max, struct evm_receipt *r,
        struct err *e)
{
	struct evm_intent i = {.creates = true, .gas_max = gas_max};
	struct buf data OWN(buf_done) = {0};

	buf_init(&data, 256u << 10);
	buf_put(&data, code.p, code.n);
	TRY(abi_encode(str_of(types), args, n, &data, e), e);
	i.data = buf_bytes(&data);
	TRY(transact(c, w, &i, r, e), e);
	if (addr_is_zero(&r->created))
		return FAIL(e, PEER, "the node does not say where the contract is");
	return true;
}

/* ---- deploying ----------------------------------------------------------------------------------- */

/* Which chain it is, by its number and its first block. */
static bool find_chain(
        struct evm_place *place, const char *urls, struct network_file *n, struct err *e)
{
	struct evm_rpc_options o = {.urls = urls};
	json_t *id OWN(json_own) = NULL, *first OWN(json_own) = NULL;
	struct evm_header h;

	TRY(evm_ask(&o, "eth_chainId", NULL, &id, e), e);
	TRY(evm_read_quantity(id, &n->chain_id, e), e);
	TRY(evm_ask(&o, "eth_getBlockByNumber", json_pack("[s,b]", "0x0", 0), &first, e), e);
	TRY(evm_read_header(first, &h, e), e);
	if (n->chain_id == 0)
		return FAIL(e, PEER, "the node says that its chain has the number 0");
	n->chain_genesis = h.hash;
	snprintf(place->urls, sizeof place->urls, "%s", urls);
	place->chain_id = n->chain_id;
	place->genesis = n->chain_genesis;
	return true;
}

static struct u256 power_of_ten(unsigned n)
{
	struct u256 v = u256_of(1);

	for (unsigned i = 0; i < n; i++) {
		if (!u256_mul64(v, 10, &v))
			break;
	}
	return v;
}

static bool make_token(const struct cli *c, struct wallet *w, const struct genesis *g,
        struct addr *out, struct err *e)
{
	struct abi_leaf args[] = {abi_bytes(str_bytes(str_of(g->name))),
	        abi_bytes(str_bytes(str_of(g->symbol))), abi_u64(g->decimals), abi_addr(&w->addr),
	        abi_u256(power_of_ten(g->decimals + SUPPLY_DIGITS))};
	struct evm_receipt r;

	TRY(create(c, w, contract_code_token(), "string,string,uint8,address,uint256", args,
	            COUNT(args), TOKEN_GAS_MAX, &r, e),
	        e);
	*out = r.created;
	return true;
}

/* A token that is there says itself what it is. */
static bool ask_token(
        const struct cli *c, const struct addr *token, struct genesis *g, struct err *e)
{
	struct buf data OWN(buf_done) = {0}, more OWN(buf_done) = {0};
	struct abi_leaf l;
	size_t n;

	TRY(evm_view(&c->place, token, fn_token_decimals, NULL, 0, "uint8", &data, &l, 1, &n, e),
	        e);
	g->decimals = (uint8_t)abi_get_u64(&l);
	TRY(evm_view(&c->place, token, fn_token_symbol, NULL, 0, "string", &more, &l, 1, &n, e), e);
	if (!str_is_utf8(bytes_str(l.bytes)) || l.bytes.n >= sizeof g->symbol)
		return FAIL(e, PEER, "the token's symbol is no text of at most %zu bytes",
		        sizeof g->symbol - 1);
	str_keep(g->symbol, sizeof g->symbol, bytes_str(l.bytes));
	return true;
}

static bool make_controller(const struct cli *c, struct wallet *w, const struct chain_plan *p,
        struct network_file *n, struct err *e)
{
	const struct genesis *g = &n->genesis;
	struct abi_leaf args[] = {abi_addr(&n->token), abi_u64(g->min.s), abi_u64(g->life.s),
	        abi_u64(g->unbonding.s), abi_u64(g->test), abi_addr(&p->pauser)};
	struct evm_receipt r;

	TRY(create(c, w, contract_code_controller(), "address,(uint40,uint40,uint40,bool,address)",
	            args, COUNT(args), DEPLOY_GAS_MAX, &r, e),
	        e);
	n->controller = r.created;
	n->from_block = r.block;
	return true;
}

bool chain_deploy(const struct cli *c, struct wallet *w, const struct chain_plan *p,
        struct network_file *n, struct err *e)
{
	struct cli mine = *c;
	struct evm_header head;
	struct hash domain;

	if (strlen(p->urls) > URL_MAX)
		return FAIL(e, CONFIG, "the nodes' URLs have more than %d bytes together", URL_MAX);
	mine.place = (struct evm_place){.depth = p->depth};
	TRY(find_chain(&mine.place, p->urls, n, e), e);
	n->token = p->token;
	if (addr_is_zero(&n->token))
		TRY(make_token(&mine, w, &n->genesis, &n->token, e), e);
	else
		TRY(ask_token(&mine, &n->token, &n->genesis, e), e);
	TRY(make_controller(&mine, w, p, n, e), e);
	mine.place.controller = n->controller;
	TRY(evm_view_head(&mine.place, &head, e), e);
	snprintf(n->ledger_url, sizeof n->ledger_url, "%s", p->urls);
	n->genesis.operator_ = w->addr;
	n->genesis.time = head.time;
	n->depth = (uint16_t)p->depth;
	n->block_time = (uint16_t)p->block_time;
	network_domain(n, &domain);
	return evm_view_check(&mine.place, &domain, e);
}

bool chain_deploy_jobs(const struct cli *c, struct wallet *w, const struct network_file *n,
        struct addr *out, struct err *e)
{
	struct abi_leaf ledger = abi_addr(&n->controller);
	struct evm_receipt r;

	TRY(create(c, w, contract_code_onchainjobs(), "address", &ledger, 1, JOBS_GAS_MAX, &r, e),
	        e);
	*out = r.created;
	return true;
}

bool chain_check_jobs(const struct cli *c, const struct addr *contract, struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l;
	size_t n;

	return evm_view(&c->place, contract, fn_onchainjobs_last, NULL, 0, out_onchainjobs_last,
	        &data, &l, 1, &n, e);
}

/* ---- tokens and coin ------------------------------------------------------------------------------ */

static bool token_amount(const struct cli *c, const struct network_file *n, const char *signature,
        const struct abi_leaf *args, size_t args_n, struct u256 *out, struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct abi_leaf l;
	size_t got;

	TRY(evm_view(&c->place, &n->token, signature, args, args_n, "uint256", &data, &l, 1, &got,
	            e),
	        e);
	*out = abi_get_u256(&l);
	return true;
}

static bool has_tokens(const struct cli *c, const struct wallet *w, const struct network_file *n,
        struct amount amount, struct err *e)
{
	char have[AMOUNT_DEC_MAX + 2], need[AMOUNT_DEC_MAX + 2], lack[AMOUNT_DEC_MAX + 2];
	struct abi_leaf who = abi_addr(&w->addr);
	char text[ADDR_TEXT_MAX], token[ADDR_TEXT_MAX];
	struct amount has, missing;
	struct u256 raw;
	uint8_t be[32];

	TRY(token_amount(c, n, fn_token_balanceOf, &who, 1, &raw, e), e);
	u256_to_be(raw, be);
	has = amount_from_be(be);
	if (amount_cmp(has, amount) >= 0)
		return true;
	if (!amount_sub(amount, has, &missing))
		missing = amount;
	amount_format_display(has, n->genesis.decimals, have);
	amount_format_display(amount, n->genesis.decimals, need);
	amount_format_display(missing, n->genesis.decimals, lack);
	addr_format(&w->addr, text);
	addr_format(&n->token, token);
	FAIL(e, FUNDS,
	        "wallet %s (%s) has %s %s and %s are to be deposited: short by %s; nothing was sent",
	        w->name, text, have, n->genesis.symbol, need, lack);
	return err_hint(e, "send it %s: the token is %s", n->genesis.symbol, token);
}

bool chain_deposit(const struct cli *c, struct wallet *w, const struct network_file *n,
        const struct addr *to, struct amount amount, struct hash *tx, struct err *e)
{
	struct abi_leaf both[] = {abi_addr(&w->addr), abi_addr(&n->controller)};
	struct abi_leaf approve[] = {abi_addr(&n->controller), abi_amount(amount)};
	struct abi_leaf deposit[] = {abi_addr(to), abi_amount(amount)};
	struct u256 allowed;
	struct abi_leaf want = abi_amount(amount);

	TRY(has_tokens(c, w, n, amount, e), e);
	TRY(token_amount(c, n, fn_token_allowance, both, 2, &allowed, e), e);
	if (u256_cmp(allowed, abi_get_u256(&want)) < 0)
		TRY(call(c, w, &n->token, fn_token_approve, approve, 2, NULL, e), e);
	return call(c, w, &n->controller, fn_controller_deposit, deposit, 2, tx, e);
}

bool chain_submit(const struct cli *c, struct wallet *w, const struct action *a, struct hash *tx,
        struct err *e)
{
	struct buf data OWN(buf_done) = {0};
	struct evm_intent i = {.to = c->place.controller};
	struct channel_id parts;
	struct evm_shown shown = {.channel = &parts};
	struct evm_receipt r;
	struct hash channel;

	if (evm_call_shows_deal(a))
		return FAIL(e, STATE, "\"%s\" is submitted by the daemons only",
		        enum_name(&action_kind_names, a->kind));
	evm_call_channel(a, &channel);
	if (!hash_is_zero(&channel))
		TRY(evm_view_channel_parts(&c->place, &channel, &parts, e), e);
	buf_init(&data, EVM_DATA_MAX);
	TRY(evm_call(a, &shown, &data, &i.gas_max, e), e);
	i.data = buf_bytes(&data);
	TRY(transact(c, w, &i, &r, e), e);
	*tx = r.tx;
	return true;
}

bool chain_pay(const struct cli *c, struct wallet *w, const struct addr *to, struct u256 wei,
        struct err *e)
{
	struct evm_intent i = {.to = *to, .value = wei, .gas_max = COIN_GAS_MAX};
	struct evm_receipt r;

	return transact(c, w, &i, &r, e);
}

bool chain_gas(const struct cli *c, struct wallet *w, const struct addr *to, struct u256 want,
        bool *sent, struct err *e)
{
	struct u256 has;

	*sent = false;
	TRY(evm_view_coin(&c->place, to, &has, e), e);
	if (u256_cmp(has, u256_div64(want, 10, NULL)) >= 0)
		return true;
	TRY(chain_pay(c, w, to, want, e), e);
	*sent = true;
	return true;
}
