/* router.h - which row of a route table a request means. */
#ifndef LILYPAD_HTTP_ROUTER_H
#define LILYPAD_HTTP_ROUTER_H

#include "port/port.h"

#define ROUTES_MAX         96 /* rows of one table: more is a bug */
#define ROUTE_SEGMENTS_MAX 10
#define ROUTE_PARAMS_MAX   4

struct router;

/* A row's path is literal segments and {name} segments; the last may be {name...}, which takes the
 * rest of the path, slashes included. The table is borrowed. MEMORY; a malformed row is a bug. */
MUST bool router_new(const struct route *routes, size_t n, struct router **out, struct err *e);
struct router *router_free(struct router *r);

struct routed {
	unsigned route;                      /* row */
	struct str params[ROUTE_PARAMS_MAX]; /* as sent: still percent-encoded */
	unsigned params_n;
	char allow[64]; /* METHOD: "GET, POST" */
};
/* path without query. Of several rows a literal segment is preferred to a {name}, from the left. HEAD
 * is routed like GET. NOT_FOUND names the path; METHOD says what it allows. */
MUST bool router_find(const struct router *r, struct str method, struct str path,
        struct routed *out, struct err *e);

/* "%2F" and the like become bytes, in the arena. ENCODING: malformed, or a NUL. */
MUST bool percent_decode(struct arena *a, struct str s, struct str *out, struct err *e);

#endif
