/* embedded.h - the ledger port over the embedded ledger's HTTP API (protocol 8.1). Its blocks are final
 * at once: an action is pending when it is sent, then included and final together, or dropped. */
#ifndef LILYPAD_CHAIN_EMBEDDED_H
#define LILYPAD_CHAIN_EMBEDDED_H

#include "http/client.h"
#include "port/adapters.h"

#define EMBEDDED_SUBMITS_MAX 4096 /* actions on their way: more are dropped with BUSY */

/* url: base of the ledger. client is borrowed and must outlive the port. */
MUST bool embedded_open(uv_loop_t *loop, struct http_client *client, const char *url,
        struct ledger_port *out, struct err *e);
void embedded_close(struct ledger_port *p);

#endif
