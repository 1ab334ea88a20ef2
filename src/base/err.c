/* err.c - the error table and the error object. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
	const char    *name;
	int            http;
	int            exit;
	enum err_fault fault;
	enum err_retry retry;
	const char    *meaning;
};

static const struct row rows[E_COUNT] = {
#define ERR(name, http, exit, fault, retry, meaning)                                               \
	[E_##name] = {#name, http, exit, FAULT_##fault, RETRY_##retry, meaning},
#include "base/err.def"
#undef ERR
};

static const char *const fault_names[] = {
	[FAULT_NOBODY] = "nobody",       [FAULT_SELF] = "self",         [FAULT_CALLER] = "caller",
	[FAULT_REQUESTER] = "requester", [FAULT_PROVIDER] = "provider", [FAULT_MODULE] = "module",
	[FAULT_NETWORK] = "network",
};

bool err_set(struct err *e, enum err_code code, int sys, const char *file, int line,
	const char *fmt, ...)
{
	va_list ap;

	err_clear(e);
	e->code = code;
	e->sys = sys;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	if (sys != 0) {
		size_t n = strlen(e->msg);
		snprintf(e->msg + n, sizeof e->msg - n, ": %s", strerror(sys));
	}
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
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof e->hint, fmt, ap);
	va_end(ap);
	return false;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
	char old[ERR_MSG_MAX];
	va_list ap;
	size_t n;

	memcpy(old, e->msg, sizeof old);
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof e->msg - n, "%s", old);
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
