/* router.c - rows are cut into segments once; a request is compared segment by segment. */
#include "http/router.h"

#include <stdio.h>
#include <stdlib.h>

struct segment {
	struct str text; /* literal */
	bool param;
	bool rest; /* takes all that follows */
};

struct row {
	const char *method;
	struct segment segments[ROUTE_SEGMENTS_MAX];
	unsigned n;
	unsigned rank; /* a bit per literal segment, the leftmost highest */
};

struct router {
	struct row rows[ROUTES_MAX];
	size_t n;
};

static struct str next_segment(struct str *path)
{
	/* Every segment follows a slash. */
	struct str rest = {path->p + 1, path->n - 1};
	const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
	size_t n = slash ? (size_t)(slash - rest.p) : rest.n;

	*path = (struct str){rest.p + n, rest.n - n};
	return (struct str){rest.p, n};
}

static void compile(struct row *row, const struct route *from)
{
	struct str path = str_of(from->path);

	assert(path.n && path.p[0] == '/');
	row->method = from->method;
	while (path.n) {
		struct segment *s = &row->segments[row->n];
		struct str text = next_segment(&path);

		assert(row->n < ROUTE_SEGMENTS_MAX);
		if (text.n >= 2 && text.p[0] == '{' && text.p[text.n - 1] == '}') {
			s->param = true;
			s->rest = text.n > 5 && memcmp(text.p + text.n - 4, "...", 3) == 0;
			assert(!s->rest || path.n == 0);
		} else {
			s->text = text;
			row->rank |= 1u << (31 - row->n);
		}
		row->n++;
	}
}

bool router_new(const struct route *routes, size_t n, struct router **out, struct err *e)
{
	struct router *r = calloc(1, sizeof *r);

	if (!r)
		return FAIL(e, MEMORY, "no memory for %zu routes", n);
	assert(n <= ROUTES_MAX);
	for (size_t i = 0; i < n; i++)
		compile(&r->rows[i], &routes[i]);
	r->n = n;
	*out = r;
	return true;
}

struct router *router_free(struct router *r)
{
	free(r);
	return NULL;
}

static bool matches(const struct row *row, struct str path, struct routed *out)
{
	unsigned params = 0;

	for (unsigned i = 0; i < row->n; i++) {
		const struct segment *s = &row->segments[i];
		struct str text;

		if (path.n == 0)
			return false;
		if (s->rest) {
			text = (struct str){path.p + 1, path.n - 1};
			path.n = 0;
		} else {
			text = next_segment(&path);
		}
		if (!s->param && !str_eq(text, s->text))
			return false;
		if (s->param && (text.n == 0 || params == ROUTE_PARAMS_MAX))
			return false;
		if (s->param)
			out->params[params++] = text;
	}
	out->params_n = params;
	return path.n == 0;
}

static void allow(struct routed *out, const char *method)
{
	size_t n = strlen(out->allow);

	if (!strstr(out->allow, method))
		snprintf(out->allow + n, sizeof out->allow - n, "%s%s", n ? ", " : "", method);
}

bool router_find(const struct router *r, struct str method, struct str path, struct routed *out,
        struct err *e)
{
	struct str want = str_is(method, "HEAD") ? STR("GET") : method;
	struct routed found = {0}, tried = {0};
	const struct row *best = NULL;

	if (path.n == 0 || path.p[0] != '/')
		return FAIL(e, NOT_FOUND, "there is nothing at '%.*s'",
		        (int)MIN2(path.n, (size_t)200), path.p);
	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->rows[i];

		if ((best && row->rank <= best->rank) || !matches(row, path, &tried))
			continue;
		allow(&found, row->method);
		if (!str_is(want, row->method))
			continue;
		best = row;
		found.route = (unsigned)i;
		found.params_n = tried.params_n;
		memcpy(found.params, tried.params, sizeof found.params);
	}
	if (!best && !found.allow[0])
		return FAIL(e, NOT_FOUND, "there is nothing at %.*s",
		        (int)MIN2(path.n, (size_t)200), path.p);
	*out = found;
	if (!best) {
		FAIL(e, METHOD, "%.*s %.*s is not possible", (int)MIN2(method.n, (size_t)16),
		        method.p, (int)MIN2(path.n, (size_t)200), path.p);
		return err_hint(e, "it takes %s", found.allow);
	}
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool not_encoded(struct str s, struct err *e)
{
	return FAIL(e, ENCODING, "'%.*s' is not percent-encoded text", (int)MIN2(s.n, (size_t)200),
	        s.p);
}

bool percent_decode(struct arena *a, struct str s, struct str *out, struct err *e)
{
	char *p;
	size_t n = 0;

	if (s.n && memchr(s.p, '\0', s.n))
		return not_encoded(s, e);
	if (s.n == 0 || !memchr(s.p, '%', s.n)) {
		*out = s;
		return true;
	}
	p = arena_alloc(a, s.n + 1);
	if (!p)
		return FAIL(e, MEMORY, "no memory for a path");
	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] != '%') {
			p[n++] = s.p[i];
			continue;
		}
		high = s.n - i > 2 ? digit(s.p[i + 1]) : -1;
		low = s.n - i > 2 ? digit(s.p[i + 2]) : -1;
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return not_encoded(s, e);
		p[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*out = (struct str){p, n};
	return true;
}
