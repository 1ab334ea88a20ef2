/* peer.h - the few effects that every role builds in the same way. */
#ifndef LILYPAD_PORT_PEER_H
#define LILYPAD_PORT_PEER_H

#include <jansson.h>

#include "model/acked.h"
#include "port/port.h"

/* A server that a role talks to. */
struct peer {
	char url[URL_MAX + 1]; /* no trailing slash */
	struct addr addr;      /* its account: the audience of signed Requests; zero: unsigned */
};

/* Canonical text of j in the event's arena; takes j. */
struct bytes fx_json(struct effects *fx, json_t *j);
/* A call to a peer, signed unless its account is zero. body may be NULL; taken. path is borrowed until the
 * effects are performed: a literal, or in the event's arena. */
struct fx *fx_call(struct effects *fx, struct tag tag, const struct peer *to, const char *method,
        const char *path, json_t *body);
/* A deal as it is shown to a directory: {"deal", "jobCreatorSignature", "providerSignature"}, the last only
 * when rp is there. */
struct bytes fx_deal(
        struct effects *fx, const struct deal *d, const struct sig *jc, const struct sig *rp);
/* Answers of a server. j is taken. */
void fx_reply(struct effects *fx, struct conn_id conn, int status, json_t *j);
/* The same from canonical text, which is copied. */
void fx_reply_text(struct effects *fx, struct conn_id conn, int status, const struct buf *text);
void fx_reply_err(struct effects *fx, struct conn_id conn, const struct err *e);
/* A zeroed action of a kind in the event's arena. */
struct action *fx_action(struct effects *fx, enum action_kind kind);
/* Hand an action about a deal to the ledger, as it is now. Its id is given back: the ledger's notes bear it. */
struct hash fx_submit(struct effects *fx, struct action *a, const struct hash *deal);
/* printf into the event's arena. */
const char *fx_text(struct effects *fx, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A path with an id in it: "/v1/deals/", id, "/result". */
const char *fx_path(
        struct effects *fx, const char *before, const struct hash *id, const char *after);

/* Sign a document with the world's key under a ledger's domain. */
MUST bool world_sign(const struct world *w, const struct hash *domain, const struct record *r,
        const void *row, struct sig *out, struct err *e);
/* The document is signed by `who`, or by a key that `who`, being a contract, stands behind (protocol 1.1): `number`
 * is the nonce of its job. *funds, may be NULL: as struct contracts says; zero of an account with a key. SIGNATURE;
 * BUSY while the chain is asked. */
MUST bool world_check(const struct world *w, const struct hash *domain, const struct record *r,
        const void *row, uint64_t number, const struct sig *sig, const struct addr *who,
        struct amount *funds, struct err *e);
/* The account whose key made the signature: of a contract's document not the contract. Zero: none. */
struct addr key_of(
        const struct hash *domain, const struct record *r, const void *row, const struct sig *sig);
/* {"ack", "signature"}, or of a batch {"ack", "batch", "path", "signature"}: the solver's acknowledgement of that
 * offer. As json_get_*() and acked_check() say, or PEER: of another offer. */
MUST bool acked_from_json(const json_t *j, const struct hash *domain, const struct addr *solver,
        const struct hash *offer, struct acked *out, struct err *e);
/* The topic of an account on event streams: its 20 bytes, left-padded. */
struct hash account_topic(const struct addr *a);
/* A content id of the blob store by its digest. */
struct cid cid_raw(const struct hash *digest);
struct cid cid_tree(const struct hash *digest);

#endif
