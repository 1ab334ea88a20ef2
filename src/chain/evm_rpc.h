/* evm_rpc.h - questions to the nodes of an EVM chain: JSON-RPC 2.0 over HTTP on the loop, to several endpoints of
 * which one is used until it fails (protocol 8.2).
 *
 * An endpoint is asked for its chain id and its first block before anything else, and again whenever it comes
 * back; one of another chain is not used, but asked again who it is after half a minute. One that does not answer,
 * answers too late, or with something that is no JSON-RPC, rests for a while that doubles, and the question goes to
 * the next. Callbacks are called on the loop, never from within the function that asked. */
#ifndef LILYPAD_CHAIN_EVM_RPC_H
#define LILYPAD_CHAIN_EVM_RPC_H

#include <jansson.h>

#include "http/client.h"

#define EVM_ENDPOINTS_MAX 8
#define EVM_ANSWER_MAX    (16u << 20) /* bytes: PEER past it */
#define EVM_CALL_S        10          /* deadline of a question to one endpoint */
#define EVM_REVERT_MAX    4096        /* bytes of what a contract said when it refused: cut there */

struct evm_rpc;

struct evm_answer {
	bool ok;
	const json_t *result; /* ok: of the call; valid in the callback */
	/* !ok: UNREACHABLE, TIMEOUT, PEER: no endpoint answers (of the last one, with its URL); WRONG_LEDGER: only
	 * endpoints of other chains; else what the node says. */
	struct err err;
	bool refused;        /* !ok: the node answered with an error of its own: text in err.msg */
	bool reverted;       /* refused by the contract */
	struct bytes revert; /* what it said; valid in the callback */
	unsigned endpoint;   /* which answered */
};
typedef void (*evm_done)(void *ctx, const struct evm_answer *a);

struct evm_rpc_options {
	uv_loop_t *loop;
	struct http_client *client;
	const char *urls;    /* with commas or spaces */
	uint64_t chain_id;   /* 0: any */
	struct hash genesis; /* of block 0; zero: any */
};

/* CONFIG: no URL, too many, or one that is none. */
MUST bool evm_rpc_new(const struct evm_rpc_options *o, struct evm_rpc **out, struct err *e);
/* Ends all calls without their callbacks. The loop must run once more to close the handles. */
struct evm_rpc *evm_rpc_free(struct evm_rpc *r);

/* params is taken: an array, or NULL for none. False: no memory, done is not called. */
bool evm_rpc_call(struct evm_rpc *r, const char *method, json_t *params, evm_done done, void *ctx);
/* The endpoint in use is behind, or stands still: it rests, and the next is asked from now on. */
void evm_rpc_distrust(struct evm_rpc *r, const char *why);
unsigned evm_rpc_endpoints(const struct evm_rpc *r);
/* Of an endpoint, without what may be a secret in it: its scheme, host and port. */
const char *evm_rpc_name(const struct evm_rpc *r, unsigned endpoint);

/* One question, waited for: for commands. *result is the caller's. */
MUST bool evm_ask(const struct evm_rpc_options *o, const char *method, json_t *params,
        json_t **result, struct err *e);

#endif
