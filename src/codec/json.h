/* json.h - the only face of the JSON library: strict parse with line and column, canonical text,
 * and the walkers that turn records into JSON and back (protocol 2.0.3). */
#ifndef LILYPAD_CODEC_JSON_H
#define LILYPAD_CODEC_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"

/* Any JSON value, owned by the caller: json_decref() or OWN(json_own). JSON_SYNTAX with line and
 * column; duplicate keys, NUL in strings, depth above JSON_DEPTH_MAX, trailing bytes and non-UTF-8 are
 * refused. TOO_LARGE above JSON_TEXT_MAX bytes. */
MUST bool json_parse(struct str text, json_t **out, struct err *e);
static inline void json_own(json_t **j)
{
	json_decref(*j);
}
/* Canonical: keys sorted by bytes, no insignificant space, and in strings only what must be escaped,
 * as RFC 8785 does: \" \\ \b \f \n \r \t, else \u00xx in lower case. Any program that sorts its keys
 * and writes compact JSON gives the same bytes. Out of memory makes the buffer bad. */
void json_canonical(const json_t *j, struct buf *out);
/* Indented by two spaces, keys sorted: for people. */
void json_pretty(const json_t *j, struct buf *out);

/* A record as a JSON object with all its members (new reference; NULL only when out of memory). */
MUST json_t *record_to_json(const struct record *r, const void *row);
/* JSON_VALUE names the member ("terms.pay"), the value and what would be right. Unknown members are
 * refused; missing ones too, unless FF_OPTIONAL. The row is written only on success. */
MUST bool record_from_json(const struct record *r, const json_t *j, void *row, struct err *e);
/* Both steps at once, canonical text. */
void record_canonical(const struct record *r, const void *row, struct buf *out);
MUST bool record_parse(const struct record *r, struct str text, void *row, struct err *e);
/* A signed document as it is sent: {member: document, "signature": …}; other members are not looked at. The row
 * is written even if the signature is none. */
MUST bool record_parse_signed(const char *member, const struct record *r, struct str text,
        void *row, struct sig *sig, struct err *e);

/* Members of an object, for replies that are no record. JSON_VALUE names the key. */
MUST bool json_get_str(const json_t *obj, const char *key, struct str *out, struct err *e);
MUST bool json_get_u64(
        const json_t *obj, const char *key, uint64_t *out, struct err *e); /* string or integer */
MUST bool json_get_addr(const json_t *obj, const char *key, struct addr *out, struct err *e);
MUST bool json_get_hash(const json_t *obj, const char *key, struct hash *out, struct err *e);
/* Decimal token units, below 2^256. */
MUST bool json_get_amount(const json_t *obj, const char *key, struct amount *out, struct err *e);
MUST bool json_get_sig(const json_t *obj, const char *key, struct sig *out, struct err *e);
MUST bool json_get_record(
        const json_t *obj, const char *key, const struct record *r, void *row, struct err *e);
/* The same for people to read: "" or 0 when it is missing or of another type. */
const char *json_text(const json_t *obj, const char *key);
long long json_number(const json_t *obj, const char *key);
/* A string's text; "" of anything else. */
struct str json_text_of(const json_t *v);
/* New references for building. */
json_t *json_of_addr(const struct addr *a);
json_t *json_of_hash(const struct hash *h);
json_t *json_of_sig(const struct sig *s);
json_t *json_of_amount(struct amount a);
json_t *json_of_u64(uint64_t v);   /* decimal string */
json_t *json_of_str(struct str s); /* bytes that are not UTF-8 become U+FFFD */

/* The error object of quality 4: {code, message, hint, fault, retryable, charged}. */
json_t *err_to_json(const struct err *e);
/* From a peer's answer: the object itself or {"error": object}. Control characters become '?', a code
 * that is not known here becomes PEER with its name in the message. False when it is no error object. */
MUST bool err_from_json(struct str text, struct err *out);

#endif
