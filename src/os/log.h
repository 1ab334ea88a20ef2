/* log.h - the log port: one line per event on a descriptor, for people and journald.
 *
 *   2026-11-25T07:13:46.120Z info solver: match 0x12… of job 0x34…
 *
 * Control characters in the text become '?', so that foreign bytes cannot forge lines. */
#ifndef LILYPAD_OS_LOG_H
#define LILYPAD_OS_LOG_H

#include "port/port.h"

struct log_os {
	int fd;
	enum log_level least; /* lines below it are dropped */
	char name[32];
	uint64_t broken; /* lines of LOG_BROKEN so far */
};

/* fd is borrowed, 2 as a rule. name: of the role. The struct must outlive the port. */
struct logger log_os_init(struct log_os *l, int fd, enum log_level least, const char *name);
/* "debug", "info", "odd", "broken". */
MUST bool log_level_parse(struct str s, enum log_level *out);
const char *log_level_name(enum log_level level);

#endif
