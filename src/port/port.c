/* port.c - the list of effects, and a printf for the log port. */
#include "port/port.h"

#include <stdio.h>

void fx_init(struct effects *fx, struct arena *arena)
{
	*fx = (struct effects){.arena = arena};
	fx->last = &fx->first;
}

struct fx *fx_add(struct effects *fx, enum fx_kind kind, struct tag tag)
{
	struct fx *f = ARENA_NEW(fx->arena, struct fx);

	assert(f && fx->n < EFFECTS_MAX);
	f->kind = kind;
	f->tag = tag;
	*fx->last = f;
	fx->last = &f->next;
	fx->n++;
	return f;
}

bool query_find(struct str query, const char *name, struct str *out)
{
	*out = STR("");
	while (query.n) {
		struct str value, pair = str_cut(query, '&', &query);

		if (str_is(str_cut(pair, '=', &value), name)) {
			*out = value;
			return true;
		}
	}
	return false;
}

void log_line(const struct logger *l, enum log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!l->line)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	l->line(l->self, level, text);
}
