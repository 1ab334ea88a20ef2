/* err.c - the error table and the error object. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct row {
	const char *name;
	int http;
	int exit;
	enum err_fault fault;
	enum err_retry retry;
	const char *meaning;
};

static const struct row rows[E_COUNT] = {
#define ERR(name, http, exit, fault, retry, meaning)                                               \
	[E_##name] = {#name, http, exit, FAULT_##fault, RETRY_##retry, meaning},
#include "base/err.def"
#undef ERR
};

static const char *const fault_names[] = {
        [FAULT_NOBODY] = "nobody",
        [FAULT_SELF] = "self",
        [FAULT_CALLER] = "caller",
        [FAULT_REQUESTER] = "requester",
        [FAULT_PROVIDER] = "provider",
        [FAULT_MODULE] = "module",
        [FAULT_NETWORK] = "network",
};

/* Length of the UTF-8 character at p, which is no control character; 0 when there is none. */
static size_t character(const char *p)
{
	uint8_t c = (uint8_t)*p;

	if (c < 0x20 || c == 0x7f || (c == 0xc2 && (uint8_t)p[1] < 0xa0))
		return 0;
	return str_char((struct str){p, strnlen(p, 4)});
}

/* The text ends inside the character at p. */
static bool is_cut(const char *p)
{
	uint8_t c = (uint8_t)*p;
	size_t n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	size_t k = 1;

	while (k < n && ((uint8_t)p[k] & 0xc0) == 0x80)
		k++;
	return c >= 0xc2 && c <= 0xf4 && k < n && p[k] == '\0';
}

/* Foreign bytes in a sentence must neither move a terminal's cursor nor break the JSON that carries it.
 * A character that the end cuts off is dropped. */
static void tidy(char *text)
{
	for (char *p = text; *p;) {
		size_t n = character(p);

		if (n == 0 && is_cut(p)) {
			*p = '\0';
			return;
		}
		if (n == 0)
			*p = strchr("\t\n\r", *p) ? ' ' : '?';
		p += MAX2(n, (size_t)1);
	}
}

bool err_set(struct err *e, enum err_code code, int sys, const char *file, int line,
        const char *fmt, ...)
{
	char msg[ERR_MSG_MAX];
	va_list ap;

	/* Written aside first: an argument may be the message or hint that e holds already. */
	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	err_clear(e);
	e->code = code;
	e->sys = sys;
	memcpy(e->msg, msg, sizeof msg);
	if (sys != 0) {
		char text[128];
		size_t n = strlen(msg);

		snprintf(e->msg + n, sizeof e->msg - n, ": %s", strerror_r(sys, text, sizeof text));
	}
	tidy(e->msg);
	err_note(e, file, line);
	return false;
}

void err_note(struct err *e, const char *file, int line)
{
	if (e->trail_n >= ERR_TRAIL_MAX)
		return;
	e->trail[e->trail_n].file = file;
	e->trail[e->trail_n].line = line;
	e->trail_n++;
}

bool err_hint(struct err *e, const char *fmt, ...)
{
	char hint[ERR_HINT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(hint, sizeof hint, fmt, ap);
	va_end(ap);
	memcpy(e->hint, hint, sizeof hint);
	tidy(e->hint);
	return false;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	n = strlen(msg);
	snprintf(msg + n, sizeof msg - n, "%s", e->msg);
	memcpy(e->msg, msg, sizeof msg);
	tidy(e->msg);
}

void err_clear(struct err *e)
{
	e->code = E_NONE;
	e->sys = 0;
	e->msg[0] = e->hint[0] = e->charged[0] = '\0';
	e->trail_n = 0;
}

const char *err_name(enum err_code code)
{
	assert(code < E_COUNT);
	return rows[code].name;
}

const char *err_meaning(enum err_code code)
{
	assert(code < E_COUNT);
	return rows[code].meaning;
}

int err_http(enum err_code code)
{
	assert(code < E_COUNT);
	return rows[code].http;
}

int err_exit(enum err_code code)
{
	assert(code < E_COUNT);
	return rows[code].exit;
}

enum err_fault err_fault(enum err_code code)
{
	assert(code < E_COUNT);
	return rows[code].fault;
}

enum err_retry err_retry(enum err_code code)
{
	assert(code < E_COUNT);
	return rows[code].retry;
}

const char *err_fault_name(enum err_fault f)
{
	assert(f < COUNT(fault_names));
	return fault_names[f];
}

bool err_passes(enum err_code code)
{
	enum err_fault fault = err_fault(code);

	return fault == FAULT_NETWORK || fault == FAULT_SELF || code == E_STALE || code == E_RATE;
}

bool err_by_name(const char *name, enum err_code *out)
{
	for (int i = 0; i < E_COUNT; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*out = (enum err_code)i;
			return true;
		}
	}
	return false;
}
