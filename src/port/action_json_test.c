/* action_json_test.c - actions and events survive the wire, and nothing else gets in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/draw_suite.h"
#include "codec/eip712.h"
#include "codec/json.h"
#include "crypto/keccak.h"
#include "port/action_json.h"

static struct amount draw_amount(uint64_t *seed)
{
	uint8_t be[32] = {0};

	draw_bytes(seed, be + 20 + draw(seed) % 12, 1);
	return amount_from_be(be);
}

static void draw_row(uint64_t *seed, const struct record *r, void *row);

static void draw_list(uint64_t *seed, const struct field *f, void *p)
{
	uint32_t n = (uint32_t)(draw(seed) % (f->bound + 1));
	uint8_t *items = (uint8_t *)p + field_items_at(f);
	size_t size = field_item_size(f);

	for (uint32_t i = 0; i < n; i++) {
		draw_bytes(seed, items + i * size, size);
		items[i * size] = (uint8_t)(i * 7); /* ascending */
	}
	*(uint32_t *)p = n;
}

static void draw_field(uint64_t *seed, const struct field *f, void *p)
{
	switch (f->kind) {
	case K_AMOUNT: *(struct amount *)p = draw_amount(seed); break;
	case K_TIME: ((struct btime *)p)->s = draw(seed) & BTIME_MAX; break;
	case K_ENUM: *(uint8_t *)p = f->names->v[draw(seed) % f->names->n].value; break;
	case K_BOOL: *(bool *)p = draw(seed) & 1; break;
	case K_TEXT: memcpy(p, "t\"\x01é", 6); break;
	case K_ADDRS:
	case K_HASHES: draw_list(seed, f, p); break;
	case K_REC: draw_row(seed, f->rec(), p); break;
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_NONCE:
	case K_U64:
	case K_U32:
	case K_U16:
	case K_U8:
	case K_SIG:
	case K_RECS: draw_bytes(seed, p, f->size); break;
	}
}

static void draw_row(uint64_t *seed, const struct record *r, void *row)
{
	for (size_t i = 0; i < r->n; i++)
		draw_field(seed, &r->f[i], field_in(row, &r->f[i]));
}

static void draw_sig(uint64_t *seed, struct sig *s)
{
	s->n = draw(seed) & 1 ? 65 : 64;
	draw_bytes(seed, s->b, s->n);
}

/* ---- every kind --------------------------------------------------------------------------------- */

static const struct record *(*const bodies[])(void) = {[SEND_MINT] = mint_record,
        [SEND_REQUEST_WITHDRAW] = withdrawal_record,
        [SEND_WITHDRAW] = withdrawal_record,
        [SEND_SET_PAYOUT] = payout_record,
        [SEND_CANCEL_NONCE] = nonce_cancel_record,
        [SEND_REGISTER_MEDIATOR] = registration_record,
        [SEND_PAUSE_MEDIATOR] = pause_record,
        [SEND_UNBOND_STAKE] = withdrawal_record,
        [SEND_TOP_UP] = top_up_record,
        [SEND_LEAVE_CHANNEL] = leave_record,
        [SEND_ANSWER] = answer_record};

static struct arena arena; /* of the items of lists */

static void draw_send(uint64_t *seed, unsigned kind, struct action *a)
{
	draw_row(seed, send_record(), &a->send);
	draw_sig(seed, &a->send_sig);
	a->send.kind = (uint8_t)kind;
	if (kind != SEND_AGREE)
		draw_row(seed, bodies[kind](), &a->body);
	else
		draw_row(seed, deal_record(), &a->deal);
	if (kind == SEND_AGREE && draw(seed) & 1)
		draw_sig(seed, &a->rp_sig);
}

static void draw_result(uint64_t *seed, struct action *a)
{
	draw_row(seed, result_record(), &a->result);
	memset(&a->result.output, 0, sizeof a->result.output);
	draw_bytes(seed, &a->output_hash, 32);
	draw_sig(seed, &a->result_sig);
}

static void draw_items(uint64_t *seed, struct action *a)
{
	uint32_t n = 1 + (uint32_t)(draw(seed) % 5);
	struct settle_item *items = arena_alloc(&arena, n * sizeof *items);

	assert_non_null(items);
	for (uint32_t i = 0; i < n; i++) {
		draw_bytes(seed, &items[i].job_creator, 20);
		items[i].serial = draw(seed);
		draw_row(seed, channel_acceptance_record(), &items[i].doc);
		draw_sig(seed, &items[i].sig);
		if (n > 1) {
			items[i].sig.n = 64;
			items[i].sig.b[64] = 0;
		}
	}
	a->items = items;
	a->items_n = n;
}

/* What is of a channel. */
static void draw_channel_action(uint64_t *seed, unsigned kind, struct action *a)
{
	bool sent = kind == ACTION_SETTLE || kind == ACTION_REDEEM || kind == ACTION_CLAIM;

	if (sent) {
		draw_row(seed, send_record(), &a->send);
		draw_sig(seed, &a->send_sig);
	}
	if (kind == ACTION_CLAIM || kind == ACTION_CLAIM_CHECK) {
		draw_row(seed, deal_record(), &a->deal);
		draw_result(seed, a);
	}
	if (kind == ACTION_CLAIM) {
		a->result_sig = (struct sig){0};
		draw_sig(seed, &a->jc_sig);
	}
	if (kind == ACTION_SETTLE)
		draw_items(seed, a);
	if (kind == ACTION_REDEEM)
		draw_row(seed, voucher_record(), &a->voucher);
	if (kind == ACTION_CLAIM_CHECK)
		draw_row(seed, check_record(), &a->check);
	if (kind == ACTION_REDEEM || kind == ACTION_CLAIM_CHECK)
		draw_sig(seed, &a->doc_sig);
	if (kind == ACTION_OPEN_CHANNEL)
		draw_row(seed, channel_record(), &a->channel);
	if (kind == ACTION_CLOSE_CHANNEL)
		draw_row(seed, channel_leave_record(), &a->leave);
	if (kind == ACTION_OPEN_CHANNEL || (kind == ACTION_CLOSE_CHANNEL && draw(seed) & 1)) {
		draw_sig(seed, &a->jc_sig);
		draw_sig(seed, &a->rp_sig);
	}
}

static void draw_action(uint64_t *seed, unsigned kind, struct action *a)
{
	memset(a, 0, sizeof *a);
	a->kind = (uint8_t)kind;
	switch (kind) {
	case ACTION_SEND: draw_send(seed, 1 + (unsigned)(draw(seed) % 12), a); break;
	case ACTION_OPEN:
		draw_row(seed, deal_record(), &a->deal);
		draw_sig(seed, &a->jc_sig);
		draw_sig(seed, &a->rp_sig);
		break;
	case ACTION_CANCEL:
		draw_row(seed, cancel_record(), &a->cancel);
		draw_sig(seed, &a->jc_sig);
		draw_sig(seed, &a->rp_sig);
		if (draw(seed) & 1)
			draw_row(seed, deal_record(), &a->deal);
		break;
	case ACTION_RESULT: draw_result(seed, a); break;
	case ACTION_DECLINE: draw_row(seed, decline_record(), &a->decline); break;
	case ACTION_ACCEPT:
		draw_row(seed, acceptance_record(), &a->acceptance);
		if (draw(seed) & 1)
			draw_result(seed, a);
		if (draw(seed) & 1)
			a->cost = amount_of(1 + draw(seed) % 1000);
		break;
	case ACTION_CHECK: draw_row(seed, check_record(), &a->check); break;
	case ACTION_VERDICT:
	case ACTION_PASS:
		if (kind == ACTION_VERDICT)
			draw_row(seed, verdict_record(), &a->verdict);
		else
			draw_row(seed, pass_record(), &a->pass);
		draw_row(seed, cold_record(), &a->deal.cold);
		break;
	case ACTION_TIMEOUT: draw_bytes(seed, &a->deal_id, 32); break;
	default: draw_channel_action(seed, kind, a); break;
	}
	if (kind == ACTION_DECLINE || kind == ACTION_ACCEPT || kind == ACTION_CHECK ||
	        kind == ACTION_VERDICT || kind == ACTION_PASS)
		draw_sig(seed, &a->doc_sig);
}

static struct str canonical(json_t *j, struct buf *b)
{
	buf_reset(b);
	json_canonical(j, b);
	json_decref(j);
	assert_true(buf_ok(b));
	return buf_view(b);
}

static void read_back(const struct action *a, struct action *out, struct buf *b)
{
	json_t *j;
	struct err e;

	assert_true(json_parse(canonical(action_to_json(a), b), &j, &e));
	if (!action_from_json(j, &arena, out, &e))
		fail_msg(
		        "%s: %s in %s", enum_name(&action_kind_names, a->kind), e.msg, buf_cstr(b));
	json_decref(j);
}

static void test_round_trip(void **state)
{
	struct action *a = calloc(1, sizeof *a), *back = calloc(1, sizeof *back);
	struct buf b OWN(buf_done) = {0};
	uint64_t seed = 1;

	(void)state;
	assert_true(a && back);
	buf_init(&b, 1 << 20);
	for (int round = 0; round < 100; round++) {
		for (unsigned kind = ACTION_SEND; kind <= ACTION_CLOSE_CHANNEL; kind++) {
			struct hash id, again, deal;

			arena_reset(&arena);

			draw_action(&seed, kind, a);
			read_back(a, back, &b);
			/* What the text does not say is worked out: the deal that it is about. */
			action_deal(a, &deal);
			assert_true(hash_eq(&deal, &back->deal_id));
			back->deal_id = a->deal_id;
			assert_int_equal(a->items_n, back->items_n);
			if (a->items_n)
				assert_memory_equal(
				        a->items, back->items, sizeof *a->items * a->items_n);
			back->items = a->items;
			assert_memory_equal(a, back, sizeof *a);
			action_id(a, &id);
			keccak256(b.p, b.n, &again);
			assert_true(hash_eq(&id, &again));
		}
	}
	free(a);
	free(back);
}

/* 2.5: the ledger sees a Result with its Output as a hash, and hashes it to what RP signed. */
static void test_result_hash(void **state)
{
	struct action *a = calloc(1, sizeof *a), *back = calloc(1, sizeof *back);
	struct buf b OWN(buf_done) = {0};
	struct hash whole, seen;
	uint64_t seed = 5;

	(void)state;
	assert_true(a && back);
	buf_init(&b, 1 << 20);
	draw_action(&seed, ACTION_RESULT, a);
	draw_row(&seed, output_record(), &a->result.output);
	eip712_hash(output_record(), &a->result.output, &a->output_hash);
	eip712_hash(result_record(), &a->result, &whole);
	read_back(a, back, &b);
	action_result_hash(back, &seen);
	assert_true(hash_eq(&whole, &seen));
	assert_null(strstr(buf_cstr(&b), "bafy"));
	free(a);
	free(back);
}

/* ---- what is refused ---------------------------------------------------------------------------- */

static const struct wrong {
	unsigned kind;
	const char *member; /* that is changed; "a.b": inside of another */
	const char *to;     /* JSON; NULL: taken out */
	enum err_code code;
} wrongs[] = {
        {ACTION_OPEN, "kind", "\"opened\"", E_JSON_VALUE},
        {ACTION_OPEN, "kind", NULL, E_JSON_VALUE},
        {ACTION_OPEN, "kind", "7", E_JSON_VALUE},
        {ACTION_OPEN, "kind", "\"settle\"", E_JSON_VALUE},
        {ACTION_OPEN, "kind", "\"cancel\"", E_JSON_VALUE},
        {ACTION_OPEN, "deal", NULL, E_JSON_VALUE},
        {ACTION_OPEN, "deal", "[]", E_JSON_VALUE},
        {ACTION_OPEN, "deal.hot", NULL, E_JSON_VALUE},
        {ACTION_OPEN, "deal.more", "1", E_JSON_VALUE},
        {ACTION_OPEN, "more", "1", E_JSON_VALUE},
        {ACTION_OPEN, "jobCreatorSignature", NULL, E_JSON_VALUE},
        {ACTION_OPEN, "jobCreatorSignature", "\"0x12\"", E_JSON_VALUE},
        {ACTION_OPEN, "providerSignature", "null", E_JSON_VALUE},
        {ACTION_RESULT, "result", NULL, E_JSON_VALUE},
        {ACTION_RESULT, "result", "7", E_JSON_VALUE},
        {ACTION_RESULT, "result.count", "5", E_JSON_VALUE},
        {ACTION_RESULT, "result.count", "\"05\"", E_JSON_VALUE},
        {ACTION_RESULT, "result.bytes", "\"18446744073709551616\"", E_JSON_VALUE},
        {ACTION_RESULT, "result.status", "0", E_JSON_VALUE},
        {ACTION_RESULT, "result.status", "257", E_JSON_VALUE},
        {ACTION_RESULT, "result.status", "\"1\"", E_JSON_VALUE},
        {ACTION_RESULT, "result.output", "{}", E_JSON_VALUE},
        {ACTION_RESULT, "result.secretHash", NULL, E_JSON_VALUE},
        {ACTION_RESULT, "resultSignature", NULL, E_JSON_VALUE},
        {ACTION_ACCEPT, "resultSignature", "\"0x\"", E_JSON_VALUE},
        {ACTION_SEND, "body", NULL, E_JSON_VALUE},
        {ACTION_SEND, "send.kind", "13", E_JSON_VALUE},
        {ACTION_SEND, "send.kind", "6", E_JSON_VALUE},
        {ACTION_SEND, "deal", "{}", E_JSON_VALUE},
        {ACTION_TIMEOUT, "dealId", "\"0x12\"", E_JSON_VALUE},
        {ACTION_TIMEOUT, "signature", "\"0x12\"", E_JSON_VALUE},
        {ACTION_VERDICT, "cold", NULL, E_JSON_VALUE},
        {ACTION_SEND, "send.kind", "14", E_JSON_VALUE},
        {ACTION_SEND, "send.kind", "16", E_JSON_VALUE},
        {ACTION_ACCEPT, "cost", "\"0\"", E_JSON_VALUE},
        {ACTION_ACCEPT, "cost", "\"79228162514264337593543950336\"", E_JSON_VALUE},
        {ACTION_ACCEPT, "cost", "7", E_JSON_VALUE},
        {ACTION_CANCEL, "deal", "{}", E_JSON_VALUE},
        {ACTION_SETTLE, "items", NULL, E_JSON_VALUE},
        {ACTION_SETTLE, "items", "[]", E_JSON_VALUE},
        {ACTION_SETTLE, "items", "{}", E_JSON_VALUE},
        {ACTION_SETTLE, "items", "[1]", E_JSON_VALUE},
        {ACTION_SETTLE, "send", NULL, E_JSON_VALUE},
        {ACTION_SETTLE, "more", "1", E_JSON_VALUE},
        {ACTION_REDEEM, "voucher", NULL, E_JSON_VALUE},
        {ACTION_REDEEM, "voucher.sum", "7", E_JSON_VALUE},
        {ACTION_REDEEM, "sendSignature", NULL, E_JSON_VALUE},
        {ACTION_CLAIM, "result", NULL, E_JSON_VALUE},
        {ACTION_CLAIM, "providerSignature", "\"0x12\"", E_JSON_VALUE},
        {ACTION_CLAIM_CHECK, "send", "{}", E_JSON_VALUE},
        {ACTION_CLAIM_CHECK, "resultSignature", NULL, E_JSON_VALUE},
        {ACTION_OPEN_CHANNEL, "channel.id.kind", "3", E_JSON_VALUE},
        {ACTION_OPEN_CHANNEL, "providerSignature", NULL, E_JSON_VALUE},
        {ACTION_CLOSE_CHANNEL, "leave", NULL, E_JSON_VALUE},
        {ACTION_CLOSE_CHANNEL, "leave.expiry", "-1", E_JSON_VALUE},
};

static void change(json_t *j, const struct wrong *w)
{
	struct str rest;
	struct str first = str_cut(str_of(w->member), '.', &rest);
	json_t *at = j;
	const char *key = w->member;

	while (rest.n) {
		at = json_object_getn(at, first.p, first.n);
		key = rest.p;
		first = str_cut(rest, '.', &rest);
	}
	assert_non_null(at);
	if (w->to)
		json_object_set_new(at, key, json_loads(w->to, JSON_DECODE_ANY, NULL));
	else
		assert_int_equal(json_object_del(at, key), 0);
}

static void test_refused(void **state)
{
	struct action *a = calloc(1, sizeof *a), *out = calloc(1, sizeof *out);
	uint64_t seed = 3;
	struct err e;

	(void)state;
	assert_true(a && out);
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		json_t *j;

		draw_action(&seed, wrongs[i].kind, a);
		if (wrongs[i].kind == ACTION_SEND) {
			memset(a, 0, sizeof *a);
			a->kind = ACTION_SEND;
			draw_send(&seed, SEND_MINT, a);
		}
		j = action_to_json(a);
		change(j, &wrongs[i]);
		memset(out, 0x77, sizeof *out);
		if (action_from_json(j, &arena, out, &e))
			fail_msg("case %zu, %s, was accepted", i, wrongs[i].member);
		if (e.code != wrongs[i].code)
			fail_msg("case %zu: %s: %s", i, err_name(e.code), e.msg);
		/* Outputs are written on success only. */
		for (size_t k = 0; k < sizeof *out; k++)
			assert_int_equal(((uint8_t *)out)[k], 0x77);
		json_decref(j);
	}
	free(a);
	free(out);
}

/* An acceptance and its result: both, or neither. */
static void test_half_result(void **state)
{
	struct action *a = calloc(1, sizeof *a);
	uint64_t seed = 9;
	struct err e;

	(void)state;
	assert_non_null(a);
	for (int i = 0; i < 2; i++) {
		json_t *j;

		do
			draw_action(&seed, ACTION_ACCEPT, a);
		while (!a->result_sig.n);
		j = action_to_json(a);
		json_object_del(j, i ? "result" : "resultSignature");
		assert_false(action_from_json(j, &arena, a, &e));
		assert_int_equal(e.code, E_JSON_VALUE);
		json_decref(j);
	}
	free(a);
}

/* ---- events ------------------------------------------------------------------------------------- */

static void draw_channel_change(uint64_t *seed, struct channel_change *c)
{
	draw_bytes(seed, &c->id, 32);
	c->number = draw(seed);
	c->job = draw_amount(seed);
	c->provider = draw_amount(seed);
	c->paid = draw_amount(seed);
	c->floor = draw(seed);
	c->claims = draw(seed);
	c->close_at.s = draw(seed) & BTIME_MAX;
	c->closed = draw(seed) & 1;
}

static void draw_event(uint64_t *seed, struct ledger_event *ev)
{
	memset(ev, 0, sizeof *ev);
	ev->seq = draw(seed);
	ev->block = draw(seed);
	ev->time.s = draw(seed) & BTIME_MAX;
	ev->action = (uint8_t)(1 + draw(seed) % 16);
	draw_bytes(seed, &ev->action_id, 32);
	draw_bytes(seed, &ev->deal, 32);
	ev->from = (uint8_t)(draw(seed) % 16);
	ev->to = (uint8_t)(draw(seed) % 16);
	draw_bytes(seed, &ev->result, 32);
	ev->status = (uint8_t)(1 + draw(seed) % 7);
	ev->count = draw(seed);
	ev->bytes = draw(seed);
	draw_bytes(seed, &ev->output, 32);
	draw_bytes(seed, &ev->account, 20);
	ev->amount = draw_amount(seed);
	ev->deadline.s = draw(seed) & BTIME_MAX;
	if (draw(seed) & 1)
		draw_channel_change(seed, &ev->channel);
	ev->changes_n = (uint32_t)(draw(seed) % (LEDGER_CHANGES_MAX + 1));
	for (uint32_t i = 0; i < ev->changes_n; i++) {
		struct balance_change *c = &ev->changes[i];

		draw_bytes(seed, &c->account, 20);
		c->free = draw_amount(seed);
		c->locked = draw_amount(seed);
		c->withdrawing = draw_amount(seed);
		c->send_nonce = draw(seed);
	}
}

static void test_events(void **state)
{
	struct ledger_event ev, back;
	struct buf b OWN(buf_done) = {0};
	uint64_t seed = 11;
	struct err e;
	json_t *j;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 200; i++) {
		draw_event(&seed, &ev);
		assert_true(json_parse(canonical(ledger_event_to_json(&ev), &b), &j, &e));
		if (!ledger_event_from_json(j, &back, &e))
			fail_msg("%s in %s", e.msg, buf_cstr(&b));
		json_decref(j);
		assert_string_equal(
		        buf_cstr(&b), (canonical(ledger_event_to_json(&back), &b), buf_cstr(&b)));
		assert_int_equal(ev.seq, back.seq);
		assert_int_equal(ev.to, back.to);
		assert_int_equal(ev.changes_n, back.changes_n);
		assert_true(hash_eq(&ev.channel.id, &back.channel.id));
		assert_true(amount_eq(ev.channel.provider, back.channel.provider));
		assert_int_equal(ev.channel.closed, back.channel.closed);
		assert_true(amount_eq(ev.amount, back.amount));
		assert_int_equal(ev.status, back.status);
		assert_int_equal(ev.count, back.count);
		assert_int_equal(ev.bytes, back.bytes);
		assert_true(hash_eq(&ev.output, &back.output));
		for (uint32_t k = 0; k < ev.changes_n; k++) {
			assert_true(amount_eq(ev.changes[k].locked, back.changes[k].locked));
			assert_int_equal(ev.changes[k].send_nonce, back.changes[k].send_nonce);
		}
	}
}

static void test_bad_events(void **state)
{
	static const struct {
		const char *key, *to;
	} wrong[] = {{"seq", "-1"}, {"seq", "null"}, {"from", "\"NOWHERE\""}, {"action", "\"x\""},
	        {"amount", "\"-1\""}, {"amount", "5"}, {"changes", "{}"}, {"changes", "[1]"},
	        {"time", "1099511627776"}, {"deadline", "1099511627776"}, {"deal", "\"0x\""},
	        {"changes", "[{},{},{},{},{},{},{},{},{}]"}, {"outcome", "null"}, {"outcome", "{}"},
	        {"outcome", "{\"status\":\"Fine\"}"}, {"channel", "null"}, {"channel", "{}"},
	        {"channel", "{\"id\":\"0x12\"}"}};
	struct ledger_event ev, out;
	uint64_t seed = 13;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		json_t *j;

		draw_event(&seed, &ev);
		ev.action = ACTION_RESULT;
		j = ledger_event_to_json(&ev);
		json_object_set_new(
		        j, wrong[i].key, json_loads(wrong[i].to, JSON_DECODE_ANY, NULL));
		if (ledger_event_from_json(j, &out, &e))
			fail_msg("case %zu was accepted", i);
		assert_int_equal(e.code, E_JSON_VALUE);
		json_decref(j);
	}
}

/* What settled a deal that is not on the ledger tells its result, and no outcome. */
static void test_settled_event(void **state)
{
	struct ledger_event ev, out;
	uint64_t seed = 17;
	struct err e;
	json_t *j;

	(void)state;
	draw_event(&seed, &ev);
	ev.action = ACTION_SETTLE;
	ev.status = 0;
	j = ledger_event_to_json(&ev);
	assert_null(json_object_get(j, "outcome"));
	assert_true(ledger_event_from_json(j, &out, &e));
	assert_true(hash_eq(&ev.result, &out.result));
	assert_int_equal(out.status, 0);
	json_decref(j);
}

/* A journal's row has 4095 bytes for an event: every number at its largest fits. */
static void test_longest_event(void **state)
{
	struct buf b OWN(buf_done) = {0};
	struct ledger_event ev;
	uint64_t seed = 19;
	struct amount most;

	(void)state;
	assert_true(amount_parse(STR("79228162514264337593543950335"), &most));
	buf_init(&b, 1 << 20);
	draw_event(&seed, &ev);
	draw_channel_change(&seed, &ev.channel);
	ev.seq = ev.block = ev.count = ev.bytes = UINT64_MAX;
	ev.time.s = ev.deadline.s = ev.channel.close_at.s = BTIME_MAX;
	ev.action = ACTION_CLOSE_CHANNEL;
	ev.from = ev.to = DEAL_MEDIATION_JOB_FAULTY;
	ev.status = STATUS_INSTRUCTIONS_EXCEEDED;
	ev.channel.number = ev.channel.floor = ev.channel.claims = UINT64_MAX;
	ev.amount = ev.channel.job = ev.channel.provider = ev.channel.paid = most;
	ev.changes_n = LEDGER_CHANGES_MAX;
	for (uint32_t i = 0; i < ev.changes_n; i++) {
		struct balance_change *c = &ev.changes[i];

		c->free = c->locked = c->withdrawing = most;
		c->send_nonce = UINT64_MAX;
	}
	assert_in_range(canonical(ledger_event_to_json(&ev), &b).n, 2000, 4095);
}

/* ---- lists -------------------------------------------------------------------------------------- */

/* The bound, and 64 bytes for a signature of a list. */
static void test_list_bounds(void **state)
{
	struct action *a = calloc(1, sizeof *a), *out = calloc(1, sizeof *out);
	struct settle_item *items = calloc(ACTION_SETTLE_MAX + 1, sizeof *items);
	struct err e;
	json_t *j;

	(void)state;
	assert_true(a && out && items);
	for (uint32_t i = 0; i <= ACTION_SETTLE_MAX; i++)
		items[i].sig.n = 64;
	a->kind = ACTION_SETTLE;
	a->send.kind = SEND_SETTLE;
	a->send_sig.n = 65;
	a->items = items;
	a->items_n = ACTION_SETTLE_MAX;
	arena_reset(&arena);
	j = action_to_json(a);
	assert_true(action_from_json(j, &arena, out, &e));
	assert_int_equal(out->items_n, ACTION_SETTLE_MAX);
	json_decref(j);
	a->items_n++;
	j = action_to_json(a);
	assert_false(action_from_json(j, &arena, out, &e));
	assert_int_equal(e.code, E_JSON_VALUE);
	json_decref(j);
	a->items_n = 2;
	items[1].sig.n = 65;
	j = action_to_json(a);
	assert_false(action_from_json(j, &arena, out, &e));
	assert_int_equal(e.code, E_JSON_VALUE);
	json_decref(j);
	a->items_n = 1;
	items[0].sig.n = 65;
	j = action_to_json(a);
	assert_true(action_from_json(j, &arena, out, &e));
	json_decref(j);
	free(a);
	free(out);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_round_trip),
	        cmocka_unit_test(test_result_hash),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_half_result),
	        cmocka_unit_test(test_events),
	        cmocka_unit_test(test_bad_events),
	        cmocka_unit_test(test_settled_event),
	        cmocka_unit_test(test_longest_event),
	        cmocka_unit_test(test_list_bounds),
	};
	int failed;

	arena_init(&arena, 1 << 20);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
