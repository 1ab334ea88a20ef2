/* contracts.c - the rows of the generated tables, and errors by their selectors. */
#include "chain/contracts.h"

#include <stdio.h>

#include "codec/hex.h"

#include "chain/contracts_code.h"

#define FN(name, signature, answer)                                                                \
	const char fn_##name[] = signature;                                                        \
	const char out_##name[] = answer;
#define EV(name, signature, indexed, rest)                                                         \
	const char ev_##name[] = signature;                                                        \
	const char rest_##name[] = rest;
#define ER(name, signature)
#include "chain/contracts.def"
#undef FN
#undef EV
#undef ER

enum { LEAVES = 8, WORDS_SHOWN = 256 };

static const char *const events[EVENT_COUNT] = {
#define FN(name, signature, answer)
#define EV(name, signature, indexed, rest) [EVENT_##name] = signature,
#define ER(name, signature)
#include "chain/contracts.def"
#undef FN
#undef EV
#undef ER
};

/* One for each code of docs/errors.md that a ledger gives: the name in capitals is the code's. */
static const char *const errors[] = {
#define FN(name, signature, answer)
#define EV(name, signature, indexed, rest)
#define ER(name, signature) signature,
#include "chain/contracts.def"
#undef FN
#undef EV
#undef ER
        "Error(string)", "Panic(uint256)"};

enum contract_event contract_event_of(const struct hash *topic)
{
	struct hash id;

	for (unsigned i = 1; i < EVENT_COUNT; i++) {
		abi_id(events[i], &id);
		if (hash_eq(&id, topic))
			return (enum contract_event)i;
	}
	return EVENT_UNKNOWN;
}

struct bytes contract_code_controller(void)
{
	return bytes_of(controller_code, sizeof controller_code);
}

struct bytes contract_code_token(void)
{
	return bytes_of(token_code, sizeof token_code);
}

struct bytes contract_code_onchainjobs(void)
{
	return bytes_of(onchainjobs_code, sizeof onchainjobs_code);
}

/* ---- refusals ----------------------------------------------------------------------------------- */

/* "TooLate" of "TooLate(uint256)" as TOO_LATE. */
static bool code_of(const char *signature, enum err_code *out)
{
	char name[32];
	size_t n = 0;

	for (const char *p = signature; *p != '(' && n + 2 < sizeof name; p++) {
		bool upper = *p >= 'A' && *p <= 'Z';

		if (upper && n)
			name[n++] = '_';
		name[n++] = (char)(upper ? *p : *p - 'a' + 'A');
	}
	name[n] = '\0';
	return err_by_name(name, out);
}

static size_t value(char *out, size_t max, struct str type, const struct abi_leaf *l)
{
	char text[U256_DEC_MAX] = "";
	struct addr a;

	if (str_is(type, "address")) {
		a = abi_get_addr(l);
		addr_format(&a, text);
	} else if (str_is(type, "string") || str_is(type, "bytes")) {
		return (size_t)snprintf(out, max, "%.*s", (int)MIN2(l->bytes.n, (size_t)200),
		        (const char *)l->bytes.p);
	} else if (str_is(type, "bytes32")) {
		hash_format(&l->word, text);
	} else {
		u256_format(abi_get_u256(l), text);
	}
	return (size_t)snprintf(out, max, "%s", text);
}

/* "0x12…, 5, 10" */
static void values(char out[WORDS_SHOWN], const char *signature, const struct abi_leaf *l, size_t n)
{
	struct str types = abi_types(signature);
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n && at < WORDS_SHOWN - 1; i++) {
		struct str one = str_cut(types, ',', &types);

		if (i)
			at += (size_t)snprintf(out + at, WORDS_SHOWN - at, ", ");
		if (at < WORDS_SHOWN - 1)
			at += value(out + at, WORDS_SHOWN - at, one, &l[i]);
	}
}

static bool funds(const struct abi_leaf *l, struct err *e)
{
	char has[U256_DEC_MAX], need[U256_DEC_MAX], who[ADDR_TEXT_MAX];
	struct addr a = abi_get_addr(&l[0]);

	u256_format(abi_get_u256(&l[1]), has);
	u256_format(abi_get_u256(&l[2]), need);
	addr_format(&a, who);
	return FAIL(e, FUNDS, "%s has %s token units free, less than the %s that it needs", who,
	        has, need);
}

static bool as_error(const char *signature, const struct abi_leaf *l, size_t n, struct err *e)
{
	char text[WORDS_SHOWN];
	enum err_code code;

	if (strcmp(signature, "Funds(address,uint256,uint256)") == 0 ||
	        strncmp(signature, "ERC20Insufficient", 17) == 0)
		return funds(l, e);
	values(text, signature, l, n);
	if (strcmp(signature, "Error(string)") == 0)
		return FAIL(e, STATE, "the contract refused: %s", text);
	if (!code_of(signature, &code))
		return FAIL(e, STATE, "the contract refused: %.*s (%s)",
		        (int)strcspn(signature, "("), signature, text);
	return err_set(e, code, 0, __FILE__, __LINE__, "the contract refused: %s%s%s",
	        err_meaning(code), *text ? ": " : "", text);
}

bool contract_refusal(struct bytes revert, struct err *e)
{
	struct abi_leaf l[LEAVES];
	char hex[2 * 36 + 3];
	struct err ignored;
	size_t n;

	for (size_t i = 0; i < COUNT(errors); i++) {
		if (abi_is(errors[i], revert) &&
		        abi_decode(abi_types(errors[i]), bytes_of(revert.p + 4, revert.n - 4), l,
		                LEAVES, &n, &ignored))
			return as_error(errors[i], l, n, e);
	}
	if (revert.n == 0)
		return FAIL(e, STATE, "the contract refused without a word");
	hex_format(revert.p, MIN2(revert.n, (size_t)36), hex);
	return FAIL(e, STATE, "the contract refused with %s%s", hex, revert.n > 36 ? "…" : "");
}
