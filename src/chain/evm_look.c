/* evm_look.c - the logs about one deal or one channel, read backwards from a block until the one that opened it: most
 * were opened a short while ago, and a chain may have many more blocks than a node will search at once. */
#include <stdlib.h>

#include "chain/contracts.h"
#include "chain/evm_own.h"
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"

enum { WINDOW_MAX = 1 << 20 /* blocks */ };

struct look {
	struct evm *m;
	struct look *next, **at;
	struct hash about;
	enum contract_event opening;
	uint64_t from, to, least, window;
	bool newest; /* the first window has no end */
	json_t *logs;
	look_done done;
	void *ctx;
};

static void look_free(struct look *k)
{
	*k->at = k->next;
	if (k->next)
		k->next->at = k->at;
	json_decref(k->logs);
	free(k);
}

void look_stop(struct evm *m)
{
	while (m->looks)
		look_free(m->looks);
}

static void over(struct look *k, const struct evm_answer *why)
{
	json_t *logs OWN(json_own) = json_incref(k->logs);
	look_done done = k->done;
	void *ctx = k->ctx;

	look_free(k);
	done(ctx, why ? NULL : logs, why);
}

static bool was_opened(const struct look *k, const json_t *logs)
{
	struct evm_log l;
	struct err ignored;
	const json_t *v;
	size_t i;

	json_array_foreach (logs, i, v) {
		if (evm_read_log(v, &l, &ignored) && l.topics_n > 1 &&
		        contract_event_of(&l.topics[0]) == k->opening &&
		        hash_eq(&l.topics[1], &k->about))
			return true;
	}
	return false;
}

static void ask(struct look *k);

static void on_logs(void *ctx, const struct evm_answer *a)
{
	struct look *k = ctx;
	struct evm_answer none = {0};
	json_t *all;

	if (!a->ok && a->refused && k->window > 1) {
		k->window /= 2; /* more than the node will search */
		ask(k);
		return;
	}
	if (!a->ok) {
		over(k, a);
		return;
	}
	all = json_is_array(a->result) ? json_deep_copy(a->result) : NULL;
	if (!all || json_array_extend(all, k->logs) != 0) {
		json_decref(all);
		FAIL(&none.err, PEER, "the node's answer is no list of logs");
		over(k, &none);
		return;
	}
	json_decref(k->logs);
	k->logs = all;
	if (k->from <= k->least || was_opened(k, a->result)) {
		over(k, NULL);
		return;
	}
	k->to = k->from - 1;
	k->newest = false;
	k->window = MIN2(k->window * 2, (uint64_t)WINDOW_MAX);
	ask(k);
}

static void ask(struct look *k)
{
	struct evm_answer none = {0};
	json_t *filter;

	k->from = k->to >= k->least + k->window ? k->to - k->window + 1 : k->least;
	filter = json_pack("[{s:o, s:o, s:o, s:[n,o]}]", "address",
	        evm_data(bytes_of(k->m->o.controller.b, sizeof k->m->o.controller.b)), "fromBlock",
	        evm_quantity(k->from), "toBlock",
	        k->newest ? json_string("latest") : evm_quantity(k->to), "topics",
	        evm_data(bytes_of(k->about.b, sizeof k->about.b)));
	if (evm_rpc_call(k->m->rpc, "eth_getLogs", filter, on_logs, k))
		return;
	FAIL(&none.err, MEMORY, "no memory to ask the chain");
	over(k, &none);
}

bool look_back(struct evm *m, const struct hash *about, bool channel, uint64_t to, uint64_t least,
        look_done done, void *ctx)
{
	struct look *k = calloc(1, sizeof *k);

	if (!k)
		return false;
	*k = (struct look){.m = m,
	        .about = *about,
	        .opening = channel ? EVENT_ChannelOpened : EVENT_Opened,
	        .to = to ? to : MAX2(m->head, m->o.from_block),
	        .least = MAX2(least, m->o.from_block),
	        .window = CHUNK_BLOCKS,
	        .newest = to == 0,
	        .logs = json_array(),
	        .done = done,
	        .ctx = ctx};
	k->next = m->looks;
	k->at = &m->looks;
	if (k->next)
		k->next->at = &k->next;
	m->looks = k;
	ask(k);
	return true;
}

/* ---- channels ----------------------------------------------------------------------------------- */

const struct channel_id *evm_channel_of(const struct evm *m, const struct hash *id)
{
	return map_get(&m->channels, id);
}

bool evm_keep_channel(struct evm *m, const struct hash *id, const struct evm_log *l, struct err *e)
{
	struct channel_id parts, *at;

	if (l->topics_n < 2 || !hash_eq(&l->topics[1], id))
		return FAIL(e, PEER, "a log of another channel");
	TRY(evm_channel_parts(l, &parts, e), e);
	if (m->channels.n == WHOLES_MAX)
		map_clear(&m->channels);
	at = map_put(&m->channels, id, NULL);
	if (!at)
		return FAIL(e, MEMORY, "no memory for a channel");
	*at = parts;
	return true;
}

bool evm_keep_opening(struct evm *m, const struct hash *id, const json_t *logs, struct err *e)
{
	char text[HASH_TEXT_MAX];
	struct evm_log l;
	const json_t *v;
	size_t i;

	json_array_foreach (logs, i, v) {
		TRY(evm_read_log(v, &l, e), e);
		if (l.topics_n && contract_event_of(&l.topics[0]) == EVENT_ChannelOpened)
			return evm_keep_channel(m, id, &l, e);
	}
	hash_format(id, text);
	return FAIL(e, NOT_FOUND, "channel %s is not on this ledger", text);
}
