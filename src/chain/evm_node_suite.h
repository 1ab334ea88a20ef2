/* evm_node_suite.h - for tests: nodes of a chain that exist only as far as a test needs them. Each is a server on
 * the loop of its own port; a test says what it answers, and what its mood is. */
#ifndef LILYPAD_CHAIN_EVM_NODE_SUITE_H
#define LILYPAD_CHAIN_EVM_NODE_SUITE_H

#include <stdio.h>
#include <stdlib.h>

#include "chain/evm_json.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "http/server.h"

#define NODE_CHAIN_ID 31337

enum node_mood {
	NODE_WELL,
	NODE_HTML,
	NODE_GARBAGE,
	NODE_MUTE,
	NODE_EMPTY,
	NODE_BUSY,
	NODE_NUL /* a revert that shows bytes as text */
};

struct node {
	struct http_server *server;
	enum node_mood mood;
	uint64_t chain_id;
	struct hash genesis;
	uint64_t head, time;
	unsigned asked;    /* questions but those of who it is */
	unsigned identity; /* those */
	/* The result of a method; NULL: null. *error: an error object instead. */
	json_t *(*answer)(struct node *n, const char *method, const json_t *params, json_t **error);
	void *ctx;
};

static const struct route node_routes[] = {
        {"POST", "/", AUTH_NONE, BODY_JSON, HTTP_BODY_MAX, "any question"}};

static inline json_t *node_header(const struct node *n, uint64_t number)
{
	struct hash h = n->genesis, parent = {{0}};

	h.b[31] ^= (uint8_t)number;
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "number", evm_quantity(number), "hash",
	        json_of_hash(&h), "parentHash", json_of_hash(&parent), "timestamp",
	        evm_quantity(n->time + number), "baseFeePerGas", evm_quantity(1000000000));
}

static inline void node_say(struct node *n, struct conn_id conn, int status, const char *text)
{
	http_server_reply(n->server, conn, status, NULL, str_bytes(str_of(text)));
}

static inline json_t *node_result(
        struct node *n, const char *method, const json_t *params, json_t **error)
{
	const char *first = json_string_value(json_array_get(params, 0));

	if (strcmp(method, "eth_chainId") == 0 && ++n->identity)
		return evm_quantity(n->chain_id);
	if (strcmp(method, "eth_getBlockByNumber") == 0 && first && strcmp(first, "0x0") == 0 &&
	        ++n->identity)
		return node_header(n, 0);
	n->asked++;
	if (n->answer) {
		json_t *j = n->answer(n, method, params, error);

		if (j || *error)
			return j;
	}
	if (strcmp(method, "eth_getBlockByNumber") == 0)
		return node_header(n, n->head);
	return NULL;
}

static inline void node_request(void *ctx, const struct http_req *r)
{
	static const char *const nonsense[] = {[NODE_HTML] = "<html>502 Bad Gateway</html>",
	        [NODE_GARBAGE] = "{\"jsonrpc\":\"2.0\",\"id\":1,",
	        [NODE_EMPTY] = "{\"jsonrpc\":\"2.0\",\"id\":1}",
	        [NODE_BUSY] =
	                "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32005,\"message\":\"limit\"}}",
	        [NODE_NUL] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":3,\"message\":"
	                     "\"execution reverted: a\\\\u0000\\u0000b\",\"data\":\"0x1234\"}}"};
	struct node *n = ctx;
	json_t *j OWN(json_own) = NULL, *error = NULL, *result, *out;
	struct buf b OWN(buf_done) = {0};
	struct err e;

	if (n->mood == NODE_MUTE)
		return;
	if (n->mood != NODE_WELL) {
		node_say(n, r->conn, n->mood == NODE_HTML ? 502 : 200, nonsense[n->mood]);
		return;
	}
	if (!json_parse(bytes_str(r->body), &j, &e))
		abort();
	result = node_result(n, json_text(j, "method"), json_object_get(j, "params"), &error);
	out = json_pack("{s:s, s:O}", "jsonrpc", "2.0", "id", json_object_get(j, "id"));
	if (error)
		json_object_set_new(out, "error", error);
	else
		json_object_set_new(out, "result", result ? result : json_null());
	buf_init(&b, 1 << 20);
	json_canonical(out, &b);
	json_decref(out);
	http_server_reply(n->server, r->conn, 200, NULL, buf_bytes(&b));
}

static inline void node_turn(void *ctx)
{
	(void)ctx;
}

static inline void node_up(struct node *n, uv_loop_t *loop, char url[64])
{
	struct http_server_options o = {.loop = loop,
	        .ip = "127.0.0.1",
	        .routes = node_routes,
	        .routes_n = 1,
	        .request = node_request,
	        .turn = node_turn,
	        .ctx = n};
	struct err e;

	if (!n->chain_id)
		n->chain_id = NODE_CHAIN_ID;
	if (!http_server_new(&o, &n->server, &e))
		abort();
	snprintf(url, 64, "http://127.0.0.1:%u", http_server_port(n->server));
}

static inline void node_down(struct node *n)
{
	if (n->server)
		n->server = http_server_free(n->server);
}

#endif
