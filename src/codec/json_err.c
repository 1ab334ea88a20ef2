/* json_err.c - the error object as JSON, and back. */
#include "codec/json.h"

#include "codec/json_show.h"

json_t *err_to_json(const struct err *e)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:b, s:s}", "code", err_name(e->code), "message",
	        json_of_str(str_of(e->msg[0] ? e->msg : err_meaning(e->code))), "hint",
	        json_of_str(str_of(e->hint)), "fault", err_fault_name(err_fault(e->code)),
	        "retryable", err_retry(e->code) != RETRY_NEVER, "charged",
	        e->charged[0] ? e->charged : "0");
}

/* Copy a foreign text into the fixed field of an error, cut between two characters. It may be shown on
 * a terminal, so control characters become '?'. */
static void copy_text(const json_t *obj, const char *key, char *out, size_t max)
{
	const json_t *v = json_object_get(obj, key);

	str_keep(out, max, str_of(json_is_string(v) ? json_string_value(v) : ""));
	for (char *p = out; *p; p++)
		*p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
}

bool err_from_json(struct str text, struct err *out)
{
	OWN(json_own) json_t *whole = NULL;
	const json_t *j, *code, *charged;
	struct amount cost;
	struct err e;

	if (!json_parse(text, &whole, &e))
		return false;
	j = json_object_get(whole, "error");
	if (!json_is_object(j))
		j = whole;
	code = json_object_get(j, "code");
	if (!json_is_string(code) || !json_is_string(json_object_get(j, "message")))
		return false;
	err_clear(&e);
	copy_text(j, "message", e.msg, sizeof e.msg);
	copy_text(j, "hint", e.hint, sizeof e.hint);
	/* A newer peer may know more codes than we do. */
	if (!err_by_name(json_string_value(code), &e.code) || e.code == E_NONE) {
		char shown[JSON_SHOW_MAX];

		json_show(code, shown);
		e.code = E_PEER;
		err_prefix(&e, "%s: ", shown);
	}
	charged = json_object_get(j, "charged");
	if (json_is_string(charged) && amount_parse(str_of(json_string_value(charged)), &cost) &&
	        amount_fits_document(cost) && !amount_is_zero(cost))
		copy_text(j, "charged", e.charged, sizeof e.charged);
	*out = e;
	return true;
}
