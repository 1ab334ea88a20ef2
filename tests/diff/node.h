/* node.h - an anvil of our own on a free port of the loopback, and blocking questions to it (Ethereum JSON-RPC).
 * It mines a block when it is told to, at the time that it is told. */
#ifndef LILYPAD_DIFF_NODE_H
#define LILYPAD_DIFF_NODE_H

#include <jansson.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define NODE_ANSWER_MAX (8u << 20) /* bytes of one answer: PEER past it */
#define NODE_START_S    20         /* it must answer within: TIMEOUT */
#define NODE_ANSWER_S   30         /* and each question within: TIMEOUT */

struct node {
	pid_t pid;
	void *curl;
	char url[64];
	struct buf answer;
	uint64_t asked;
};

/* program: the path of anvil; time: of its first block, seconds. NOT_FOUND: it cannot be run. It dies with this
 * process. */
MUST bool node_start(struct node *n, const char *program, uint64_t time, struct err *e);
void node_stop(struct node *n); /* usable with OWN(); safe on a zeroed struct */

/* params: an array, taken. *result is the caller's; NULL where it is of no interest. PEER, with the node's words
 * where it refuses. */
MUST bool node_ask(
        struct node *n, const char *method, json_t *params, json_t **result, struct err *e);
/* Several questions at once: an array of {method, params}, taken. *answers: one {result} or {error} each, in
 * the order of the questions; the caller's. */
MUST bool node_ask_all(struct node *n, json_t *questions, json_t **answers, struct err *e);
/* One question for node_ask_all(); params is taken. */
json_t *node_question(const char *method, json_t *params);

#endif
