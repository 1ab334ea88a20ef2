/* err.h - the one error object (quality 4): code, sentence, hint, whose fault, whether to retry,
 * what was charged. It lives on the caller's stack and never allocates.
 *
 * A function that can fail returns MUST bool and takes struct err * last; it fills the error and
 * returns false, or leaves the error alone and returns true. Libraries never print or log.
 * Messages and hints are UTF-8 without control characters, whatever their arguments hold ("?" instead),
 * and an argument may be e's own message or hint. */
#ifndef LILYPAD_BASE_ERR_H
#define LILYPAD_BASE_ERR_H

#include "base/defs.h"

enum err_code {
#define ERR(name, http, exit, fault, retry, meaning) E_##name,
#include "base/err.def"
#undef ERR
	E_COUNT
};

enum err_fault {
	FAULT_NOBODY,
	FAULT_SELF,
	FAULT_CALLER,
	FAULT_REQUESTER,
	FAULT_PROVIDER,
	FAULT_MODULE,
	FAULT_NETWORK
};

enum err_retry { RETRY_NEVER, RETRY_LATER, RETRY_NOW };

#define ERR_MSG_MAX   512
#define ERR_HINT_MAX  256
#define ERR_TRAIL_MAX 6

struct err {
	enum err_code code;
	int sys;                 /* errno of the cause, or 0 */
	char msg[ERR_MSG_MAX];   /* one sentence with the value that was wrong */
	char hint[ERR_HINT_MAX]; /* what would be right, or a command that mends it; "" if none */
	char charged[80];        /* decimal token units that this failure cost; "" means 0 */
	struct {
		const char *file;
		int line;
	} trail[ERR_TRAIL_MAX]; /* innermost first */
	int trail_n;
};

/* Fill e and return false, so that a function can end with `return FAIL(e, RANGE, "…")`. */
#define FAIL(e, code, ...) err_set((e), E_##code, 0, __FILE__, __LINE__, __VA_ARGS__)
#define FAIL_SYS(e, code, errno_, ...)                                                             \
	err_set((e), E_##code, (errno_), __FILE__, __LINE__, __VA_ARGS__)
/* Pass a failure up, noting the line. */
#define TRY(x, e)                                                                                  \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			err_note((e), __FILE__, __LINE__);                                         \
			return false;                                                              \
		}                                                                                  \
	} while (0)

bool err_set(struct err *e, enum err_code code, int sys, const char *file, int line,
        const char *fmt, ...) PRINTF_LIKE(6, 7);
void err_note(struct err *e, const char *file, int line);
/* Set the hint. Returns false so that it chains: `FAIL(…); return err_hint(e, "…")`. */
bool err_hint(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Put words before the message: "offer 0x12…: " */
void err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_clear(struct err *e);

const char *err_name(enum err_code code);    /* "FUNDS" */
const char *err_meaning(enum err_code code); /* the row's sentence */
int err_http(enum err_code code);
int err_exit(enum err_code code);
enum err_fault err_fault(enum err_code code);
enum err_retry err_retry(enum err_code code);
/* Whether it says nothing about what was asked: whoever was asked is away, busy or has no room just now, and
 * the same may be taken later. */
bool err_passes(enum err_code code);
const char *err_fault_name(enum err_fault f); /* "caller" */
/* By name; false when there is no such code. */
MUST bool err_by_name(const char *name, enum err_code *out);

#endif
