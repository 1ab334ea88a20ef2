/* evm_contracts.c - questions under way, and answers that are kept for a while. */
#include "chain/evm_contracts.h"

#include <stdlib.h>

#include "base/map.h"
#include "chain/contracts.h"
#include "chain/evm_json.h"
#include "crypto/keccak.h"
#include "os/clock.h"

enum {
	OFF_LEDGER = 4, /* OnChainJobs.OFF_LEDGER */
	CALL_GAS = 500000,
	YES_MS = 60000,
	NO_MS = 5000,
	FAILED_MS = 1000,
	JOB_WAITING = 1, /* OnChainJobs.WAITING */
	JOB_LEAVES = 13,
	JOB_PAY = 2,
	JOB_BOND = 3,
	JOB_STATE = 7
};

enum known_state { KNOWN_ASKED, KNOWN_YES, KNOWN_NO, KNOWN_FAILED };
struct known {
	enum known_state state;
	struct amount funds;
	struct mono at;
};

struct asking;
struct question {
	struct asking *m;
	struct question *next, **link;
	struct vouch_for v;
	struct hash key;
	bool numbered;
};

struct asking {
	struct evm_rpc *rpc;
	struct map known; /* key -> struct known */
	struct question *first;
	size_t n;
	void (*answered)(void *ctx);
	void *ctx;
	uv_timer_t again;
};

/* ---- calls ------------------------------------------------------------------------------------------------ */

static json_t *call_params(const struct addr *to, struct bytes data)
{
	return json_pack("[{s:o, s:o, s:o}, s]", "to", evm_data(bytes_of(to->b, sizeof to->b)),
	        "gas", evm_quantity(CALL_GAS), "data", evm_data(data), "latest");
}

json_t *evm_vouch_call(const struct vouch_for *v, bool numbered)
{
	struct buf sig OWN(buf_done), data OWN(buf_done);
	struct abi_leaf args[2] = {abi_hash(&v->digest)};
	struct err e;

	buf_init(&sig, 256);
	buf_init(&data, 1024);
	if (numbered) {
		buf_u64be(&sig, v->number);
		buf_byte(&sig, OFF_LEDGER);
		buf_put(&sig, v->doc.b, sizeof v->doc.b);
	}
	buf_put(&sig, v->sig.b, v->sig.n);
	args[1] = abi_bytes(buf_bytes(&sig));
	if (!buf_ok(&sig) ||
	        !abi_encode_call(fn_onchainjobs_isValidSignature, args, COUNT(args), &data, &e))
		return NULL;
	return call_params(&v->account, buf_bytes(&data));
}

/* The selector of isValidSignature, padded to a word. */
bool evm_vouched(const struct evm_answer *a)
{
	struct buf data OWN(buf_done);
	struct hash id;
	struct err ignored;

	buf_init(&data, 1024);
	if (!a->ok || !evm_read_data(a->result, &data, &ignored) || data.n != 32)
		return false;
	abi_id(fn_onchainjobs_isValidSignature, &id);
	memset(id.b + 4, 0, sizeof id.b - 4);
	return memcmp(id.b, data.p, sizeof id.b) == 0;
}

/* ---- one question ------------------------------------------------------------------------------------------ */

static void question_free(struct question *q)
{
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
	q->m->n--;
	free(q);
}

static void on_again(uv_timer_t *t)
{
	struct asking *m = t->data;

	if (m->answered)
		m->answered(m->ctx);
}

static void conclude(struct question *q, enum known_state state, struct amount funds)
{
	struct asking *m = q->m;
	struct known *k;

	if (m->known.n >= EVM_VOUCHES_MAX)
		map_clear(&m->known);
	k = map_put(&m->known, &q->key, NULL);
	if (k)
		*k = (struct known){state, funds, clock_mono()};
	question_free(q);
	/* Asked again, of a chain that does not answer, only after a while. */
	uv_timer_start(&m->again, on_again, state == KNOWN_FAILED ? FAILED_MS : 0, 0);
}

static void ask_chain(struct question *q, json_t *params, evm_done done)
{
	if (!params || !evm_rpc_call(q->m->rpc, "eth_call", params, done, q))
		conclude(q, KNOWN_FAILED, amount_of(0));
}

static void on_job(void *ctx, const struct evm_answer *a)
{
	struct question *q = ctx;
	struct buf data OWN(buf_done);
	struct abi_leaf l[JOB_LEAVES];
	struct amount funds = amount_of(0);
	struct err e;
	size_t n;

	buf_init(&data, 4096);
	if (!a->ok && !a->reverted) {
		conclude(q, KNOWN_FAILED, funds);
		return;
	}
	/* Of a contract that knows no jobs the signature is as good. */
	if (a->ok && evm_read_data(a->result, &data, &e) &&
	        abi_decode(str_of(out_onchainjobs_job), buf_bytes(&data), l, COUNT(l), &n, &e) &&
	        n == JOB_LEAVES && abi_get_u64(&l[JOB_STATE]) == JOB_WAITING &&
	        !amount_add(abi_get_amount(&l[JOB_PAY]), abi_get_amount(&l[JOB_BOND]), &funds))
		funds = amount_of(0);
	conclude(q, KNOWN_YES, funds);
}

static void ask_job(struct question *q)
{
	struct buf data OWN(buf_done);
	struct abi_leaf number = abi_u64(q->v.number);
	struct err e;

	buf_init(&data, 256);
	if (abi_encode_call(fn_onchainjobs_job, &number, 1, &data, &e))
		ask_chain(q, call_params(&q->v.account, buf_bytes(&data)), on_job);
	else
		conclude(q, KNOWN_FAILED, amount_of(0));
}

static void on_vouch(void *ctx, const struct evm_answer *a)
{
	struct question *q = ctx;

	if (!a->ok && !a->reverted) {
		conclude(q, KNOWN_FAILED, amount_of(0));
	} else if (evm_vouched(a)) {
		if (q->numbered)
			ask_job(q);
		else
			conclude(q, KNOWN_YES, amount_of(0));
	} else if (!q->numbered) {
		q->numbered = true;
		ask_chain(q, evm_vouch_call(&q->v, true), on_vouch);
	} else {
		conclude(q, KNOWN_NO, amount_of(0));
	}
}

/* ---- the port ---------------------------------------------------------------------------------------------- */

static struct hash key_of_question(const struct vouch_for *v)
{
	struct buf b OWN(buf_done);
	struct hash h;

	buf_init(&b, 256);
	buf_put(&b, v->account.b, sizeof v->account.b);
	buf_u64be(&b, v->number);
	buf_put(&b, v->digest.b, sizeof v->digest.b);
	buf_put(&b, v->sig.b, v->sig.n);
	keccak256(b.p, b.n, &h);
	return h;
}

static bool begin(struct asking *m, const struct vouch_for *v, const struct hash *key)
{
	struct question *q = m->n < EVM_QUESTIONS_MAX ? calloc(1, sizeof *q) : NULL;
	struct known *k;

	if (!q)
		return false;
	if (m->known.n >= EVM_VOUCHES_MAX)
		map_clear(&m->known);
	k = map_put(&m->known, key, NULL);
	if (k)
		*k = (struct known){.state = KNOWN_ASKED, .at = clock_mono()};
	*q = (struct question){.m = m, .v = *v, .key = *key, .next = m->first, .link = &m->first};
	if (q->next)
		q->next->link = &q->next;
	m->first = q;
	m->n++;
	ask_chain(q, evm_vouch_call(v, false), on_vouch);
	return true;
}

static enum vouch ask(void *self, const struct vouch_for *v, struct amount *funds)
{
	struct asking *m = self;
	struct hash key = key_of_question(v);
	const struct known *k = map_get(&m->known, &key);
	int64_t age = k ? mono_since(clock_mono(), k->at).ms : 0;

	if (k && k->state == KNOWN_YES && age < YES_MS) {
		*funds = k->funds;
		return VOUCH_YES;
	}
	if (k && k->state == KNOWN_NO && age < NO_MS)
		return VOUCH_NO;
	if (k && (k->state == KNOWN_ASKED || (k->state == KNOWN_FAILED && age < FAILED_MS)))
		return VOUCH_LATER;
	(void)begin(m, v, &key);
	return VOUCH_LATER;
}

static void listen_to(void *self, void (*answered)(void *ctx), void *ctx)
{
	struct asking *m = self;

	m->answered = answered;
	m->ctx = ctx;
}

static void on_closed(uv_handle_t *h)
{
	struct asking *m = h->data;

	map_done(&m->known);
	free(m);
}

static void stop(void *self)
{
	struct asking *m = self;

	m->answered = NULL;
	m->rpc = evm_rpc_free(m->rpc);
	while (m->first)
		question_free(m->first);
	uv_close((uv_handle_t *)&m->again, on_closed);
}

bool evm_contracts_open(const struct evm_rpc_options *o, struct contracts *out, struct err *e)
{
	struct asking *m = calloc(1, sizeof *m);

	if (!m)
		return FAIL(e, MEMORY, "no memory to ask about contracts");
	if (!evm_rpc_new(o, &m->rpc, e)) {
		free(m);
		err_note(e, __FILE__, __LINE__);
		return false;
	}
	map_init(&m->known, sizeof(struct hash), sizeof(struct known), EVM_VOUCHES_MAX, 0);
	uv_timer_init(o->loop, &m->again);
	m->again.data = m;
	*out = (struct contracts){m, ask, listen_to, stop};
	return true;
}
