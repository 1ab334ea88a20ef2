/* receipt.h - one file that proves how the deal of one job ended (protocol 9.4): every signed document from
 * the offer to what ended it, and the ledger's proof of what was paid. It can be checked on a machine that
 * has nothing else.
 *
 * A deal of a channel (8.3) that was never on the ledger ends by what its job creator signs for the result, a
 * ChannelAcceptance or a voucher; there is no proof of a ledger then.
 *
 * A deal ends by its creator's acceptance, by its mediator's verdict or pass, by its provider's decline, or by
 * a deadline; a receipt has the documents of its own ending and no other. The ledger's proof is a signed block of
 * the embedded ledger (8.1), or the contract's logs with the blocks of the chain that they are in (8.2). The text
 * is canonical JSON, so that it has one form: any other is refused. */
#ifndef LILYPAD_CLI_RECEIPT_H
#define LILYPAD_CLI_RECEIPT_H

#include <jansson.h>

#include "base/buf.h"
#include "codec/eth_proof.h"
#include "codec/merkle.h"
#include "model/acked.h"
#include "port/action.h"

#define RECEIPT_SCHEMA     "lilypad.receipt/2"
#define RECEIPT_SCHEMA_EVM "lilypad.receipt-evm/1" /* on a chain */
#define RECEIPT_BYTES_MAX  (256u << 10)
#define RECEIPT_CHECKS_MAX 40

/* The logs of a deal that a receipt needs. */
enum receipt_log {
	RECEIPT_LOG_RESULT, /* which result counts; only where the log of the end does not say it */
	RECEIPT_LOG_END,
	RECEIPT_LOGS
};
struct receipt_chain {
	uint64_t id; /* of the chain; 0: the ledger is the embedded one, and the rest is zero */
	struct addr controller;
	bool submitted; /* RECEIPT_LOG_RESULT is there */
	struct eth_proof log[RECEIPT_LOGS];
};

struct receipt {
	struct receipt_chain chain;
	struct genesis genesis; /* embedded */
	struct job_offer offer;
	struct sig offer_sig; /* JC */
	struct acked acked;   /* solver */
	struct match match;
	struct sig match_sig; /* solver */
	struct deal deal;
	struct sig jc_sig, rp_sig; /* both over the deal */
	/* There is a result. There is none if the provider declined, or let the submit deadline pass: result,
	 * signature and hash are then zero, and not in the text. */
	bool resulted;
	struct result result;
	struct sig result_sig;   /* RP */
	struct hash output_hash; /* struct hash of the result's output */
	/* The job creator was shown the output. If not, the result is what the ledger has of it: its output
	 * and `stored` are zero, and not in the text. */
	bool shown;
	struct stored stored;
	struct sig stored_sig; /* directory */
	/* enum action_kind: ACTION_SETTLE or ACTION_REDEEM of what is not on the ledger, else ACTION_ACCEPT,
	 * ACTION_VERDICT, ACTION_PASS, ACTION_DECLINE or ACTION_TIMEOUT; the documents of the other endings are zero,
	 * and not in the text. */
	uint8_t end;
	struct acceptance acceptance;
	struct verdict verdict;
	struct pass pass;
	struct decline decline;
	struct channel_acceptance in_channel; /* SETTLE */
	struct voucher voucher;               /* REDEEM */
	/* JC over acceptance or voucher, mediator over verdict or pass, RP over the decline; TIMEOUT: none */
	struct sig end_sig;
	/* Of the action that ended the deal (protocol 8.1). On a chain it is not in the text: it is what the logs say,
	 * see receipt_read_logs(). */
	struct ledger_event event;
	/* Embedded. */
	struct block block;
	struct sig block_sig; /* operator */
	struct merkle_path path;
};

/* Its deal was never on the ledger: event, block and path are zero, and not in the text. */
static inline bool receipt_off_ledger(const struct receipt *r)
{
	return r->end == ACTION_SETTLE || r->end == ACTION_REDEEM;
}
/* Canonical text, appended to out. */
void receipt_format(const struct receipt *r, struct buf *out);
/* TAMPERED when it is no receipt in canonical form; says what is wrong with it. */
MUST bool receipt_parse(struct str text, struct receipt *out, struct err *e);
/* Takes event, block and path from what the ledger answers to GET /v1/actions/{action}; JSON_VALUE. */
MUST bool receipt_take_proof(const json_t *proof, struct receipt *r, struct err *e);
/* Takes end with its document and signature from that answer. STATE: the action ends no deal of which there is a
 * receipt; JSON_VALUE. */
MUST bool receipt_take_end(const json_t *proof, struct receipt *r, struct err *e);
/* Takes result, its signature and output_hash, as the ledger has them, from its answer about the action that
 * submitted it; resulted becomes true, shown false. JSON_VALUE. */
MUST bool receipt_take_result(const json_t *proof, struct receipt *r, struct err *e);
/* On a chain: sets the event from what the logs say, whether or not they are proved; zero where they say nothing. */
void receipt_read_logs(struct receipt *r);
/* {"submission", "end"}, each with "blockHash", "header", "transactionIndex", "logIndex" and "path". */
json_t *receipt_logs_to_json(const struct receipt_chain *c);
MUST bool receipt_logs_from_json(const json_t *j, struct receipt_chain *c, struct err *e);
/* The action that ended the deal, whose id the embedded ledger knows: it follows from the documents. */
void receipt_action(const struct receipt *r, struct action *out);

/* What its documents are signed under. */
void receipt_domain(const struct receipt *r, struct hash *out);

enum receipt_trust {
	TRUST_SIGNATURE, /* that a key belongs to who it is said to */
	TRUST_NOTHING,   /* arithmetic and hashes only */
	TRUST_OPERATOR,  /* the operator of the ledger */
	TRUST_BLOCK /* that the block of this hash is one of the chain, which a receipt cannot show */
};
struct receipt_check {
	bool ok;
	enum receipt_trust trust;
	char what[160];
	char why[ERR_MSG_MAX]; /* empty if ok */
};
/* Every check, whether or not those before it hold. Returns how many; all must be ok. On a chain the hashes of the
 * blocks, chain.log[].block, are left to the caller: they are what is trusted. */
size_t receipt_check(const struct receipt *r, struct receipt_check out[RECEIPT_CHECKS_MAX]);
const char *receipt_trust_text(enum receipt_trust t);

#endif
