/* api_fuzz.c - requests to the ledger, one a line: "ROUTE parameter query body". Each has one answer, which is JSON,
 * the books balance, and the journal that is left is a true one. */
#include "codec/hex.h"
#include "ledgerd/ledgerd_fuzz_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct asked {
	struct role role;
	struct arena arena;
	struct mono now;
};

/* Every answer is JSON, and one that is an error says which. */
static void check_answer(const struct fx *f, unsigned conn)
{
	json_t *j OWN(json_own) = NULL;
	struct err e, told;
	bool ok = json_parse(bytes_str(f->body), &j, &e);

	assert(ok && f->conn.v == conn);
	if (f->status >= 400) {
		ok = err_from_json(bytes_str(f->body), &told);
		assert(ok && told.code != E_INTERNAL && told.msg[0]);
	}
}

static void give(struct asked *a, const struct event *ev, unsigned conn)
{
	struct event copy = *ev;
	struct effects fx;
	unsigned answers = 0;

	arena_reset(&a->arena);
	fx_init(&fx, &a->arena);
	copy.now = a->now;
	a->role.on_event(a->role.self, &copy, &fx);
	for (const struct fx *f = fx.first; f; f = f->next) {
		if (f->kind == FX_REPLY) {
			check_answer(f, conn);
			answers++;
		}
	}
	assert(answers <= 1);
}

static void ask(struct asked *a, struct str line, unsigned conn)
{
	struct str row = str_cut(line, ' ', &line), param = str_cut(line, ' ', &line),
	           query = str_cut(line, ' ', &line);
	struct http_req r = {.conn = {conn},
	        .route = (row.n ? (uint8_t)row.p[0] : 0) % (unsigned)ledgerd_routes_n,
	        .params = {param},
	        .query = query,
	        .body = str_bytes(line)};

	if (ledgerd_routes[r.route].body == BODY_NONE)
		r.body.n = 0;
	give(a, &(struct event){.kind = EV_REQUEST, .request = &r}, conn);
	a->now = mono_plus(a->now, span_ms(20000));
	give(a, &(struct event){.kind = EV_TIMER}, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_rig *g OWN(fuzz_rig_free) = fuzz_rig_new();
	struct str text = {(const char *)data, size};
	struct asked a = {.now = {1000000000}};
	struct ledgerd_summary seen;
	struct ledgerd *d;
	struct err e;
	bool ok;

	g->p.genesis.test = size > 0 && data[0] == '\n'; /* an empty first line */
	ok = ledgerd_new(&g->world, &g->p.genesis, &d, &e);
	assert(ok);
	a.role = ledgerd_role(d);
	arena_init(&a.arena, 64u << 20);
	give(&a, &(struct event){.kind = EV_START}, 0);
	for (unsigned i = 1; text.n && i < 32; i++)
		ask(&a, str_cut(text, '\n', &text), i);
	ok = ledgerd_check(d, &e);
	assert(ok);
	ledgerd_free(d);
	arena_done(&a.arena);
	ok = ledgerd_verify(&g->world, &g->p.genesis, &seen, &e);
	assert(ok);
	return 0;
}
