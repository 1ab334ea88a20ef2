/* contracts.h - the functions, events and errors of our contracts, from their committed ABI (contracts/gen), and
 * the code that creates them. */
#ifndef LILYPAD_CHAIN_CONTRACTS_H
#define LILYPAD_CHAIN_CONTRACTS_H

#include "codec/abi.h"

/* Signatures: fn_controller_open is "open(bytes,bytes,bytes)"; of a function's answer the types:
 * out_controller_account is "uint96,uint96,…". */
#define FN(name, signature, answer)        extern const char fn_##name[], out_##name[];
#define EV(name, signature, indexed, rest) extern const char ev_##name[], rest_##name[];
#define ER(name, signature)
#include "chain/contracts.def"
#undef FN
#undef EV
#undef ER

/* First topic of an event. */
enum contract_event {
	EVENT_UNKNOWN,
#define FN(name, signature, answer)
#define EV(name, signature, indexed, rest) EVENT_##name,
#define ER(name, signature)
#include "chain/contracts.def"
#undef FN
#undef EV
#undef ER
	EVENT_COUNT
};
enum contract_event contract_event_of(const struct hash *topic);

struct bytes contract_code_controller(void);
struct bytes contract_code_token(void);
struct bytes contract_code_onchainjobs(void);

/* What a contract refused with, as an error of ours: Funds(address,uint256,uint256) is FUNDS, with its
 * values in the message. What is none of ours, nor of an ERC-20 token, is STATE with the text or bytes of it.
 * Always false, so that it can end a function. */
bool contract_refusal(struct bytes revert, struct err *e);

#endif
