/* jail.h - what a job's process may still do: compute, and write its outcome into a descriptor that is
 * open already. It stands on what every Linux gives: rlimits, closed descriptors, no new privileges and a
 * seccomp filter; the engine's own limits are inside it. */
#ifndef LILYPAD_EXEC_JAIL_H
#define LILYPAD_EXEC_JAIL_H

#include "base/err.h"

struct jail_limits {
	uint64_t data_bytes; /* RLIMIT_DATA: private writable memory */
	uint64_t file_bytes; /* RLIMIT_FSIZE: of the outcome */
	uint64_t cpu_s;      /* RLIMIT_CPU: a safety net above the instruction limit */
};

/* Closes every descriptor but those kept (ascending), then closes the jail behind itself. JAIL. */
MUST bool jail_enter(const struct jail_limits *l, const int *keep, size_t keep_n, struct err *e);
/* Only the system-call filter; nothing can be opened any more. */
MUST bool jail_filter(struct err *e);

#endif
