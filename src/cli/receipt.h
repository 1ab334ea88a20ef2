/* receipt.h - one file that proves how the deal of one job ended (protocol 9.4): every signed document from
 * the offer to what ended it, and the ledger's proof of what was paid. It can be checked on a machine that
 * has nothing else.
 *
 * A deal with a result ends by its creator's acceptance, by its mediator's verdict or pass, or by a deadline;
 * a receipt has the documents of its own ending and no other. The text is canonical JSON, so that it
 * has one form: any other is refused. */
#ifndef LILYPAD_CLI_RECEIPT_H
#define LILYPAD_CLI_RECEIPT_H

#include <jansson.h>

#include "base/buf.h"
#include "codec/merkle.h"
#include "model/acked.h"
#include "port/action.h"

#define RECEIPT_SCHEMA     "lilypad.receipt/2"
#define RECEIPT_BYTES_MAX  (256u << 10)
#define RECEIPT_CHECKS_MAX 40

struct receipt {
	struct genesis genesis;
	struct job_offer offer;
	struct sig offer_sig; /* JC */
	struct acked acked;   /* solver */
	struct match match;
	struct sig match_sig; /* solver */
	struct deal deal;
	struct sig jc_sig, rp_sig; /* both over the deal */
	struct result result;
	struct sig result_sig;   /* RP */
	struct hash output_hash; /* struct hash of the result's output */
	/* The job creator was shown the output. If not, the result is what the ledger has of it: its output
	 * and `stored` are zero, and not in the text. */
	bool shown;
	struct stored stored;
	struct sig stored_sig; /* directory */
	/* enum action_kind: ACTION_ACCEPT, ACTION_VERDICT, ACTION_PASS or ACTION_TIMEOUT; the documents of the
	 * other endings are zero, and not in the text. */
	uint8_t end;
	struct acceptance acceptance;
	struct verdict verdict;
	struct pass pass;
	struct sig
	        end_sig; /* JC over the acceptance, mediator over verdict or pass; TIMEOUT: none */
	/* Of the action that ended the deal (protocol 8.1). */
	struct ledger_event event;
	struct block block;
	struct sig block_sig; /* operator */
	struct merkle_path path;
};

/* Canonical text, appended to out. */
void receipt_format(const struct receipt *r, struct buf *out);
/* TAMPERED when it is no receipt in canonical form; says what is wrong with it. */
MUST bool receipt_parse(struct str text, struct receipt *out, struct err *e);
/* Takes event, block and path from what the ledger answers to GET /v1/actions/{action}; JSON_VALUE. */
MUST bool receipt_take_proof(const json_t *proof, struct receipt *r, struct err *e);
/* Takes end with its document and signature from that answer. STATE: the action ends no deal that has a
 * result; JSON_VALUE. */
MUST bool receipt_take_end(const json_t *proof, struct receipt *r, struct err *e);
/* Takes result, its signature and output_hash, as the ledger has them, from its answer about the action that
 * submitted it; shown becomes false. JSON_VALUE. */
MUST bool receipt_take_result(const json_t *proof, struct receipt *r, struct err *e);
/* The action that ended the deal, whose id the ledger knows: it follows from the documents. */
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
