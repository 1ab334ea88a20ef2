/* receipt.h - one file that proves one job: every signed document from offer to acceptance, and the
 * ledger's proof that it was paid. It can be checked on a machine that has nothing else.
 *
 * The text is canonical JSON, so that a receipt has one form: any other is refused. */
#ifndef LILYPAD_CLI_RECEIPT_H
#define LILYPAD_CLI_RECEIPT_H

#include <jansson.h>

#include "base/buf.h"
#include "codec/merkle.h"
#include "port/action.h"

#define RECEIPT_SCHEMA     "lilypad.receipt/1"
#define RECEIPT_BYTES_MAX  (256u << 10)
#define RECEIPT_CHECKS_MAX 32

struct receipt {
	struct genesis genesis;
	struct job_offer offer;
	struct sig offer_sig; /* JC */
	struct ack ack;
	struct sig ack_sig; /* solver */
	struct match match;
	struct sig match_sig; /* solver */
	struct deal deal;
	struct sig jc_sig, rp_sig; /* both over the deal */
	struct result result;
	struct sig result_sig; /* RP */
	struct stored stored;
	struct sig stored_sig; /* directory */
	struct acceptance acceptance;
	struct sig accept_sig; /* JC */
	/* Of the accept action (protocol 8.1). */
	struct ledger_event event;
	struct block block;
	struct sig block_sig; /* operator */
	struct merkle_path path;
};

/* Canonical text, appended to out. */
void receipt_format(const struct receipt *r, struct buf *out);
/* TAMPERED when it is no receipt in canonical form; says what is wrong with it. */
MUST bool receipt_parse(struct str text, struct receipt *out, struct err *e);
/* Takes event, block and path from what the ledger answers to GET /v1/actions/{action}. */
MUST bool receipt_take_proof(const json_t *proof, struct receipt *r, struct err *e);
/* The accept action, whose id the ledger knows. */
void receipt_action(const struct receipt *r, struct action *out);

enum receipt_trust {
	TRUST_SIGNATURE, /* that a key belongs to who it is said to */
	TRUST_NOTHING,   /* arithmetic and hashes only */
	TRUST_OPERATOR   /* the operator of the ledger */
};
struct receipt_check {
	bool ok;
	enum receipt_trust trust;
	char what[160];
	char why[ERR_MSG_MAX]; /* empty if ok */
};
/* Every check, whether or not those before it hold. Returns how many; all must be ok. */
size_t receipt_check(const struct receipt *r, struct receipt_check out[RECEIPT_CHECKS_MAX]);
const char *receipt_trust_text(enum receipt_trust t);

#endif
