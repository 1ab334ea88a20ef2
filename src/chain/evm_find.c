/* evm_find.c - deals and channels for commands, by their logs: read backwards from the newest block until the one
 * that opened it, in windows that grow. */
#include "chain/contracts.h"
#include "chain/evm_tx.h"
#include "chain/evm_view.h"
#include "codec/hex.h"
#include "codec/json.h"

enum {
	WINDOW_FIRST = 2000, /* blocks */
	WINDOW_MAX = 1 << 20,
	DEALS_MAX = 4096,
	CHANNELS_MAX = 1024
};

/* ---- windows ------------------------------------------------------------------------------------ */

struct search {
	const struct evm_place *p;
	json_t *topics;              /* owned */
	enum contract_event opening; /* where it ends; EVENT_UNKNOWN: at the first block */
	uint64_t from, to, least, window;
};

static void search_done(struct search *s)
{
	json_decref(s->topics);
}

static bool ask(const struct search *s, json_t **out, struct err *e)
{
	struct evm_rpc_options o = {
	        .urls = s->p->urls, .chain_id = s->p->chain_id, .genesis = s->p->genesis};

	return evm_ask(&o, "eth_getLogs",
	        json_pack("[{s:o, s:o, s:o, s:O}]", "address",
	                evm_data(bytes_of(s->p->controller.b, sizeof s->p->controller.b)),
	                "fromBlock", evm_quantity(s->from), "toBlock", evm_quantity(s->to),
	                "topics", s->topics),
	        out, e);
}

/* A window that the node will search: halved while it refuses. */
static bool ask_window(struct search *s, json_t **out, struct err *e)
{
	for (;;) {
		s->from = s->to >= s->least + s->window ? s->to - s->window + 1 : s->least;
		if (ask(s, out, e))
			return json_is_array(*out) ||
			       FAIL(e, PEER, "the node's answer is no list of logs");
		if (e->code != E_PEER || s->window == 1)
			return false;
		s->window /= 2;
	}
}

static bool was_opened(const struct search *s, const json_t *logs)
{
	struct evm_log l;
	struct err ignored;
	const json_t *v;
	size_t i;

	json_array_foreach (logs, i, v) {
		if (evm_read_log(v, &l, &ignored) && l.topics_n && s->opening != EVENT_UNKNOWN &&
		        contract_event_of(&l.topics[0]) == s->opening)
			return true;
	}
	return false;
}

/* All logs of the search, in their order; the caller's. */
static bool find(struct search *s, json_t **out, struct err *e)
{
	json_t *all OWN(json_own) = json_array();
	struct evm_header head;

	TRY(evm_view_head(s->p, &head, e), e);
	s->least = MAX2(s->least, s->p->from_block);
	s->to = MAX2(head.number, s->least);
	s->window = WINDOW_FIRST;
	for (;;) {
		json_t *logs OWN(json_own) = NULL;
		bool over;

		TRY(ask_window(s, &logs, e), e);
		over = s->from <= s->least || was_opened(s, logs);
		if (json_array_extend(logs, all) != 0)
			return FAIL(e, MEMORY, "no memory for logs");
		json_decref(all);
		all = TAKE(logs);
		if (over)
			break;
		s->to = s->from - 1;
		s->window = MIN2(s->window * 2, (uint64_t)WINDOW_MAX);
	}
	*out = TAKE(all);
	return true;
}

static json_t *hash_json(const struct hash *h)
{
	return evm_data(bytes_of(h->b, sizeof h->b));
}

static json_t *event_json(const char *signature)
{
	struct hash id;

	abi_id(signature, &id);
	return hash_json(&id);
}

static json_t *account_json(const struct addr *a)
{
	struct abi_leaf l = abi_addr(a);

	return hash_json(&l.word);
}

/* ---- deals -------------------------------------------------------------------------------------- */

bool evm_view_deal(
        const struct evm_place *p, const struct hash *id, struct evm_deal *out, struct err *e)
{
	struct search s OWN(search_done) = {
	        .p = p, .opening = EVENT_Opened, .topics = json_pack("[n,o]", hash_json(id))};
	json_t *j OWN(json_own) = NULL;
	struct evm_deal d = {.id = *id};
	struct evm_deal_step ignored;
	struct evm_log l;
	struct hash deal;
	const json_t *v;
	size_t i;

	TRY(find(&s, &j, e), e);
	json_array_foreach (j, i, v) {
		TRY(evm_read_log(v, &l, e), e);
		evm_log_deal(&l, &deal);
		if (hash_eq(&deal, id))
			TRY(evm_deal_take(&d, &l, &ignored, e), e);
	}
	*out = d;
	return true;
}

/* ---- channels ----------------------------------------------------------------------------------- */

static bool unknown(const struct hash *id, struct err *e)
{
	char text[HASH_TEXT_MAX];

	hash_format(id, text);
	return FAIL(e, NOT_FOUND, "channel %s is not on this ledger", text);
}

static bool state_of(
        const struct evm_place *p, const struct hash *id, struct channel_change *out, struct err *e)
{
	struct abi_leaf arg = abi_hash(id), l[8];
	struct buf data OWN(buf_done) = {0};
	size_t n;

	TRY(evm_view(p, &p->controller, fn_controller_channel, &arg, 1, out_controller_channel,
	            &data, l, COUNT(l), &n, e),
	        e);
	return evm_channel_state(l, n, id, out) || unknown(id, e);
}

/* Its parts and the block that opened it. */
static bool parts_of(const struct evm_place *p, const struct hash *id, struct channel_id *out,
        uint64_t *block, struct err *e)
{
	struct search s OWN(search_done) = {.p = p,
	        .opening = EVENT_ChannelOpened,
	        .topics = json_pack("[o,o]", event_json(ev_ChannelOpened), hash_json(id))};
	json_t *j OWN(json_own) = NULL;
	struct evm_log l;

	TRY(find(&s, &j, e), e);
	if (json_array_size(j) == 0)
		return unknown(id, e);
	TRY(evm_read_log(json_array_get(j, 0), &l, e), e);
	*block = l.block;
	return evm_channel_parts(&l, out, e);
}

bool evm_view_channel_parts(
        const struct evm_place *p, const struct hash *id, struct channel_id *out, struct err *e)
{
	struct channel_change state;
	uint64_t block;

	TRY(state_of(p, id, &state, e), e);
	return parts_of(p, id, out, &block, e);
}

/* A deal that runs draws on the channel that its documents name. */
static bool add_locks(const struct evm_place *p, const struct evm_log *opened,
        struct evm_channel *c, struct err *e)
{
	struct evm_rpc_options o = {
	        .urls = p->urls, .chain_id = p->chain_id, .genesis = p->genesis};
	struct buf data OWN(buf_done) = {0}, input OWN(buf_done) = {0};
	struct abi_leaf arg = abi_hash(&opened->topics[1]), l[4];
	struct evm_deal d = {.id = opened->topics[1]};
	struct evm_deal_step ignored;
	json_t *tx OWN(json_own) = NULL;
	struct deal whole;
	size_t n;

	TRY(evm_view(p, &p->controller, fn_controller_deal, &arg, 1, out_controller_deal, &data, l,
	            COUNT(l), &n, e),
	        e);
	if (abi_get_u64(&l[0]) == 0 || sm_is_final(&deal_states, (unsigned)abi_get_u64(&l[0])))
		return true;
	TRY(evm_deal_take(&d, opened, &ignored, e), e);
	TRY(evm_ask(&o, "eth_getTransactionByHash", json_pack("[o]", hash_json(&d.opened)), &tx, e),
	        e);
	buf_init(&input, EVM_DATA_MAX);
	TRY(evm_read_data(json_object_get(tx, "input"), &input, e), e);
	TRY(evm_deal_find(&d, buf_bytes(&input), &whole, e), e);
	if (!hash_eq(&whole.hot.channel, &c->now.id))
		return true;
	if (!amount_add(c->job_lock, whole.hot.pay, &c->job_lock) ||
	        !amount_add(c->job_lock, whole.hot.job_bond, &c->job_lock) ||
	        !amount_add(c->provider_lock, whole.hot.result_bond, &c->provider_lock))
		return FAIL(e, PEER, "the locks of a channel are no amount");
	return true;
}

static bool find_locks(
        const struct evm_place *p, uint64_t since, struct evm_channel *c, struct err *e)
{
	struct search s OWN(search_done) = {.p = p,
	        .least = since,
	        .topics = json_pack("[o,n,o,o]", event_json(ev_Opened),
	                account_json(&c->parts.job_creator), account_json(&c->parts.provider))};
	json_t *j OWN(json_own) = NULL;
	struct evm_log l;
	const json_t *v;
	size_t i;

	TRY(find(&s, &j, e), e);
	if (json_array_size(j) > DEALS_MAX)
		return FAIL(e, TOO_LARGE,
		        "these two have opened %zu deals on the ledger since: more than %d are not "
		        "looked at",
		        json_array_size(j), DEALS_MAX);
	json_array_foreach (j, i, v) {
		TRY(evm_read_log(v, &l, e), e);
		TRY(add_locks(p, &l, c, e), e);
	}
	return true;
}

bool evm_view_channel(
        const struct evm_place *p, const struct hash *id, struct evm_channel *out, struct err *e)
{
	struct evm_channel c = {0};
	uint64_t since;

	TRY(state_of(p, id, &c.now, e), e);
	TRY(parts_of(p, id, &c.parts, &since, e), e);
	TRY(find_locks(p, since, &c, e), e);
	*out = c;
	return true;
}

/* Those in which it is the one party, or the other. */
static bool add_channels(const struct evm_place *p, const struct addr *who, bool as_jc,
        struct amount *all, struct err *e)
{
	struct search s OWN(search_done) = {.p = p,
	        .topics = as_jc ? json_pack("[o,n,o]", event_json(ev_ChannelOpened),
	                                  account_json(who))
	                        : json_pack("[o,n,n,o]", event_json(ev_ChannelOpened),
	                                  account_json(who))};
	json_t *j OWN(json_own) = NULL;
	struct evm_channel c;
	struct evm_log l;
	const json_t *v;
	size_t i;

	TRY(find(&s, &j, e), e);
	if (json_array_size(j) > CHANNELS_MAX)
		return FAIL(e, TOO_LARGE,
		        "the account has opened %zu channels: more than %d are not looked at",
		        json_array_size(j), CHANNELS_MAX);
	json_array_foreach (j, i, v) {
		TRY(evm_read_log(v, &l, e), e);
		TRY(evm_view_channel(p, &l.topics[1], &c, e), e);
		if (!amount_add(*all, as_jc ? c.now.job : c.now.provider, all) ||
		        !amount_add(*all, as_jc ? c.job_lock : c.provider_lock, all))
			return FAIL(e, PEER, "the channels of an account hold no amount");
	}
	return true;
}

bool evm_view_channels(
        const struct evm_place *p, const struct addr *who, struct amount *out, struct err *e)
{
	struct amount all = amount_of(0);

	TRY(add_channels(p, who, true, &all, e), e);
	TRY(add_channels(p, who, false, &all, e), e);
	*out = all;
	return true;
}
