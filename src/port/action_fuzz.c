/* action_fuzz.c - actions and ledger events from foreign text: what is accepted says the same when it is
 * written again. */
#include <stdlib.h>

#include "codec/json.h"
#include "port/action_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void action(const json_t *j)
{
	struct action *a = calloc(1, sizeof *a), *again = calloc(1, sizeof *again);
	struct arena arena;
	json_t *out;
	struct err e;

	if (!a || !again)
		abort();
	arena_init(&arena, 1 << 20);
	if (action_from_json(j, &arena, a, &e)) {
		out = action_to_json(a);
		if (!action_from_json(out, &arena, again, &e) || a->items_n != again->items_n)
			abort();
		if (a->items_n &&
		        memcmp(a->items, again->items, sizeof *a->items * a->items_n) != 0)
			abort();
		again->items = a->items;
		if (memcmp(a, again, sizeof *a) != 0)
			abort();
		json_decref(out);
	} else if (e.code == E_NONE || !e.msg[0]) {
		abort();
	}
	arena_done(&arena);
	free(a);
	free(again);
}

static void ledger_event(const json_t *j)
{
	struct ledger_event *ev = calloc(2, sizeof *ev);
	json_t *out;
	struct err e;

	if (!ev)
		abort();
	if (ledger_event_from_json(j, &ev[0], &e)) {
		out = ledger_event_to_json(&ev[0]);
		if (!ledger_event_from_json(out, &ev[1], &e) || ev[0].seq != ev[1].seq ||
		        !amount_eq(ev[0].amount, ev[1].amount))
			abort();
		json_decref(out);
	}
	free(ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	json_t *j;
	struct err e;

	if (!json_parse((struct str){(const char *)p, n}, &j, &e))
		return 0;
	action(j);
	ledger_event(j);
	json_decref(j);
	return 0;
}
