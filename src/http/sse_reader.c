/* sse_reader.c - lines become fields, an empty line ends an event. */
#include "http/sse_reader.h"

void sse_reader_init(struct sse_reader *r, uint64_t cursor,
        void (*event)(void *self, uint64_t id, struct str name, struct str data), void *self)
{
	*r = (struct sse_reader){.id = cursor, .self = self, .event = event};
	buf_init(&r->line, HTTP_BODY_MAX);
	buf_init(&r->data, HTTP_BODY_MAX);
}

void sse_reader_done(struct sse_reader *r)
{
	buf_done(&r->line);
	buf_done(&r->data);
}

static void event_clear(struct sse_reader *r)
{
	buf_reset(&r->data);
	r->has_data = false;
	r->name[0] = '\0';
}

void sse_reader_restart(struct sse_reader *r)
{
	event_clear(r);
	buf_reset(&r->line);
	r->after_cr = r->begun = false;
}

static void event_end(struct sse_reader *r)
{
	if (r->has_data)
		r->event(r->self, r->id, r->name[0] ? str_of(r->name) : STR("message"),
		        buf_view(&r->data));
	event_clear(r);
}

static void field(struct sse_reader *r, struct str name, struct str value)
{
	uint64_t id;

	if (str_is(name, "data")) {
		if (r->has_data)
			buf_byte(&r->data, '\n');
		buf_str(&r->data, value);
		r->has_data = true;
	} else if (str_is(name, "event")) {
		size_t n = MIN2(value.n, (size_t)SSE_NAME_MAX);

		if (n)
			memcpy(r->name, value.p, n);
		r->name[n] = '\0';
	} else if (str_is(name, "id") && str_u64(value, UINT64_MAX, &id)) {
		r->id = id;
	}
}

static void line_end(struct sse_reader *r)
{
	struct str line = buf_view(&r->line), name, value;

	if (!r->begun && line.n >= 3 && memcmp(line.p, "\xEF\xBB\xBF", 3) == 0)
		line = (struct str){line.p + 3, line.n - 3};
	r->begun = true;
	if (line.n == 0) {
		event_end(r);
		return;
	}
	if (line.p[0] == ':')
		return;
	name = str_cut(line, ':', &value);
	if (value.n && value.p[0] == ' ')
		value = (struct str){value.p + 1, value.n - 1};
	field(r, name, value);
}

static bool fits(const struct sse_reader *r, struct err *e)
{
	if (buf_ok(&r->line) && buf_ok(&r->data))
		return true;
	return FAIL(e, PEER, "an event of more than %u bytes", HTTP_BODY_MAX);
}

bool sse_reader_feed(struct sse_reader *r, struct bytes piece, struct err *e)
{
	size_t from = 0;

	for (size_t i = 0; i < piece.n; i++) {
		uint8_t c = piece.p[i];
		bool second = r->after_cr && c == '\n';

		r->after_cr = c == '\r';
		if (c != '\n' && c != '\r')
			continue;
		if (!second) {
			buf_put(&r->line, piece.p + from, i - from);
			TRY(fits(r, e), e);
			line_end(r);
			TRY(fits(r, e), e);
			buf_reset(&r->line);
		}
		from = i + 1;
	}
	buf_put(&r->line, piece.p + from, piece.n - from);
	return fits(r, e);
}
