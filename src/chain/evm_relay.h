/* evm_relay.h - handing actions to a relay, which sends them and pays for their gas (protocol 2.0.4; docs/operate.md).
 *
 * An action is known by its id, and the relay is asked again until it says that it is final, so that a relay or a
 * process that starts anew changes nothing. */
#ifndef LILYPAD_CHAIN_EVM_RELAY_H
#define LILYPAD_CHAIN_EVM_RELAY_H

#include <uv.h>

#include "http/client.h"
#include "port/port.h"

#define EVM_RELAYED_MAX 1024 /* actions on their way: BUSY past it */

struct evm_relay;
struct evm_relay_options {
	uv_loop_t *loop;
	struct http_client *client; /* signs requests: the relay counts per account */
	const char *url;            /* no trailing slash */
	struct addr account;        /* of the relay */
	struct logger log;          /* is told when the relay goes away, and when it is back */
	/* How it goes, on the loop; as of evm_send.h. DROPPED: the relay refused it, with its error; UNREACHABLE,
	 * TIMEOUT: it does not answer, and nobody knows whether it has it: handing it in again has no second effect. tx
	 * zero: not known. */
	void (*told)(void *ctx, const struct hash *id, enum ledger_stage stage, bool failed,
	        const struct hash *tx, const struct err *why);
	void *ctx;
};

/* CONFIG: no URL. */
MUST bool evm_relay_new(const struct evm_relay_options *o, struct evm_relay **out, struct err *e);
/* Tells nothing more. The loop must run once more to close the handles. NULL is fine. */
struct evm_relay *evm_relay_free(struct evm_relay *r); /* returns NULL */
/* Copies. The same id again, while it is on its way, has no second effect. */
void evm_relay_put(struct evm_relay *r, const struct action *a, const struct hash *id);
MUST bool evm_relay_has(const struct evm_relay *r, const struct hash *id);

#endif
