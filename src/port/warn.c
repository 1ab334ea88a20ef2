/* warn.c - one way to say that money is at stake. */
#include "port/warn.h"

#include <stdio.h>

#include "codec/json.h"
#include "port/peer.h"

json_t *warning_json(
        const char *role, const struct hash *deal, struct btime deadline, const char *text)
{
	return json_pack("{s:s, s:o, s:I, s:o}", "role", role, "deal",
	        deal ? json_of_hash(deal) : json_null(), "deadline", (json_int_t)deadline.s, "text",
	        json_of_str(str_of(text)));
}

void fx_warn(struct effects *fx, const struct logger *log, const char *role,
        const struct hash *deal, struct btime deadline, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	struct fx *f;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	log_line(log, LOG_ODD, "money is at stake: %s", text);
	f = fx_add(fx, FX_EMIT, (struct tag){0});
	f->name = WARNING_EVENT;
	f->id = 0; /* told as it happens and never again */
	if (deal)
		f->topics[0] = *deal;
	f->body = fx_json(fx, warning_json(role, deal, deadline, text));
}

void fx_warn_blind(struct effects *fx, const struct logger *log, const char *role, unsigned deals,
        struct btime first)
{
	fx_warn(fx, log, role, NULL, first,
	        "the ledger is out of reach, and %u deal%s there, the first at %llu", deals,
	        deals > 1 ? "s have deadlines" : " has a deadline", (unsigned long long)first.s);
}
