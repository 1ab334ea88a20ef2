/* router_fuzz.c - "METHOD target": which row it means, its parameters decoded, its query looked through. */
#include "codec/hex.h"
#include "http/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct route routes[] = {
        {"GET", "/", AUTH_NONE, BODY_NONE, 0, ""},
        {"GET", "/v1/deals", AUTH_NONE, BODY_NONE, 0, ""},
        {"POST", "/v1/deals", AUTH_NONE, BODY_JSON, 0, ""},
        {"GET", "/v1/deals/{id}", AUTH_NONE, BODY_NONE, 0, ""},
        {"GET", "/v1/deals/open", AUTH_NONE, BODY_NONE, 0, ""},
        {"POST", "/v1/deals/{id}/signature", AUTH_NONE, BODY_JSON, 0, ""},
        {"PUT", "/v1/{a}/{b}/{c}/{rest...}", AUTH_NONE, BODY_TREE, 0, ""},
        {"GET", "/v1/trees/{root}/{path...}", AUTH_NONE, BODY_NONE, 0, ""},
};

static void within(struct str part, struct str whole)
{
	assert(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

/* What decodes has the length of its escapes and no NUL; bytes that are no escape stay. */
static void decode(struct str s)
{
	struct arena a OWN(arena_done);
	size_t escapes = 0;
	struct str out;
	struct err e;

	arena_init(&a, 1u << 20);
	for (size_t i = 0; i < s.n; i++)
		escapes += s.p[i] == '%';
	if (percent_decode(&a, s, &out, &e)) {
		assert(out.n == s.n - 2 * escapes && !memchr(out.n ? out.p : "", '\0', out.n));
		assert(escapes || str_eq(out, s));
	} else {
		assert(e.code == E_ENCODING && e.msg[0]);
	}
}

static void route(const struct router *r, struct str method, struct str path)
{
	struct routed to = {0};
	struct err e;

	if (!router_find(r, method, path, &to, &e)) {
		assert(e.code == E_NOT_FOUND || e.code == E_METHOD);
		assert(e.code != E_METHOD || to.allow[0]);
		return;
	}
	assert(to.route < COUNT(routes) && to.params_n <= ROUTE_PARAMS_MAX);
	assert(str_is(method, routes[to.route].method) || str_is(method, "HEAD"));
	for (unsigned i = 0; i < to.params_n; i++) {
		within(to.params[i], path);
		decode(to.params[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"cursor", "limit", "a", ""};
	struct str text = {(const char *)data, size}, target, query, value;
	struct str method = str_cut(text, ' ', &target), path = str_cut(target, '?', &query);
	struct router *r;
	struct err e;
	bool ok = router_new(routes, COUNT(routes), &r, &e);

	assert(ok);
	route(r, method, path);
	router_free(r);
	decode(text);
	for (size_t i = 0; i < COUNT(names); i++) {
		if (query_find(query, names[i], &value))
			within(value, query);
	}
	return 0;
}
