/* remote.h - commands that ask a server and wait. */
#ifndef LILYPAD_CLI_REMOTE_H
#define LILYPAD_CLI_REMOTE_H

#include <jansson.h>

#include "cli/cli.h"
#include "http/client.h"

/* GET url + path; *out is owned by the caller. A peer's error object comes back as it is; an unreachable
 * one is named with the command that starts it. */
MUST bool remote_get(
        const struct cli *c, const char *url, const char *path, json_t **out, struct err *e);
/* The same, signed by that account for that server (protocol 9.1). */
MUST bool remote_get_as(const struct cli *c, const struct http_identity *who,
        const struct addr *server, const char *url, const char *path, json_t **out, struct err *e);
/* body is taken. */
MUST bool remote_post(const struct cli *c, const char *url, const char *path, json_t *body,
        json_t **out, struct err *e);
/* What the ledger of the network has on an account: of the embedded one its answer, of a chain its main members. */
MUST bool remote_account(const struct cli *c, const struct addr *who, json_t **out, struct err *e);
/* The cursor and the time of its newest block, of a chain the cursor of the newest final one; either may be NULL. */
MUST bool remote_head(const struct cli *c, uint64_t *seq, uint64_t *time, struct err *e);
/* A deal on it. NOT_FOUND. */
MUST bool remote_deal(const struct cli *c, const struct hash *deal, json_t **out, struct err *e);
/* A channel on it, of either kind with the same members. NOT_FOUND. */
MUST bool remote_channel(const struct cli *c, const struct hash *id, json_t **out, struct err *e);
/* Adds "channels" to the answer about an account of a chain, which the contract itself does not count. */
MUST bool remote_channels(
        const struct cli *c, const struct addr *who, json_t *account, struct err *e);
/* "free", "locked" or "withdrawing" of that answer. PEER. */
MUST bool account_amount(const json_t *account, const char *key, struct amount *out, struct err *e);
/* A member of an answer in tokens, as people read it; what is no amount is 0. */
void tokens_of(const json_t *j, const char *key, unsigned decimals, char out[AMOUNT_DEC_MAX + 2]);
/* Where a daemon of this machine serves, from its ready file: STATE/ROLE/ready.json. */
MUST bool ready_url(const struct cli *c, const char *role, char out[URL_MAX + 1], struct err *e);
/* The engine's library: paths.engine, or beside the program. MISSING_PART says how to get it. */
MUST bool engine_path(const struct cli *c, char out[CLI_PATH_MAX], struct err *e);

#endif
