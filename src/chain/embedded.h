/* embedded.h - the ledger port over the embedded ledger's HTTP API (protocol 8.1). Its blocks are final at
 * once: an action is pending when it is sent, then included and final together, or dropped. What is
 * submitted in one turn of the loop travels together and becomes one block. */
#ifndef LILYPAD_CHAIN_EMBEDDED_H
#define LILYPAD_CHAIN_EMBEDDED_H

#include "http/client.h"
#include "port/adapters.h"

#define EMBEDDED_SUBMITS_MAX 4096 /* actions on their way: more are dropped with BUSY */

/* url: base of the ledger, no trailing slash (CONFIG). client is borrowed: the port's stop() comes before
 * http_client_free(), and the loop runs once more after it, which releases the port.
 *
 * A dropped action carries the ledger's own error when it was refused, UNREACHABLE or TIMEOUT when nobody
 * knows whether it arrived: the same action may be submitted again, and has no second effect. */
MUST bool embedded_open(uv_loop_t *loop, struct http_client *client, const char *url,
        struct ledger_port *out, struct err *e);
/* For a port that no host stops. Sets p->self to NULL. */
void embedded_close(struct ledger_port *p);

#endif
