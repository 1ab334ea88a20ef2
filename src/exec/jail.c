/* jail.c - rlimits, descriptors, and the filter. */
#include "exec/jail.h"

#include <errno.h>
#include <linux/close_range.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_BYTES = 8 << 20 };

/* A sanitizer's shadow is private writable memory without end, and its reports need calls that no job has:
 * a build with one is for tests, and its jail is open on these two sides. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static bool limit(int what, uint64_t v, struct err *e)
{
	struct rlimit r = {v, v};

	if (setrlimit((__rlimit_resource_t)what, &r) != 0)
		return FAIL_SYS(e, JAIL, errno, "setrlimit %d", what);
	return true;
}

static bool close_others(const int *keep, size_t n, struct err *e)
{
	unsigned from = 0;

	for (size_t i = 0; i <= n; i++) {
		unsigned to = i < n ? (unsigned)keep[i] : ~0u;

		if (to > from && syscall(SYS_close_range, from, i < n ? to - 1 : ~0u, 0) != 0)
			return FAIL_SYS(e, JAIL, errno, "close_range");
		from = to + 1;
	}
	return true;
}

/* The engine stops a program at its own stack limit; below that our calls need room, whatever the shell
 * allows that started us. */
static bool stack_room(struct err *e)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_STACK, &r) != 0)
		return FAIL_SYS(e, JAIL, errno, "getrlimit");
	if (r.rlim_max < STACK_BYTES)
		return FAIL(e, JAIL, "this machine allows %llu bytes of stack, %d are needed",
		        (unsigned long long)r.rlim_max, STACK_BYTES);
	return limit(RLIMIT_STACK, STACK_BYTES, e);
}

bool jail_enter(const struct jail_limits *l, const int *keep, size_t keep_n, struct err *e)
{
	TRY(close_others(keep, keep_n, e), e);
	TRY(limit(RLIMIT_CORE, 0, e), e);
	TRY(limit(RLIMIT_NPROC, 0, e), e);
	if (!SANITIZED)
		TRY(limit(RLIMIT_DATA, l->data_bytes, e), e);
	TRY(limit(RLIMIT_FSIZE, l->file_bytes, e), e);
	TRY(limit(RLIMIT_CPU, l->cpu_s, e), e);
	TRY(stack_room(e), e);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return FAIL_SYS(e, JAIL, errno, "PR_SET_DUMPABLE");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return FAIL_SYS(e, JAIL, errno, "PR_SET_NO_NEW_PRIVS");
	return true;
}

static bool allow(scmp_filter_ctx f, int call)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 0) == 0;
}

/* Memory and signals for the engine, writing for the outcome, the end. No open, no socket, no process,
 * no clock beyond the vDSO. */
bool jail_filter(struct err *e)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect),
	        SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
	        SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	        SCMP_SYS(sigaltstack), SCMP_SYS(write), SCMP_SYS(exit), SCMP_SYS(exit_group),
	        SCMP_SYS(getrandom), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity)};
	scmp_filter_ctx f = seccomp_init(SANITIZED ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
	bool ok = f != NULL;

	for (size_t i = 0; !SANITIZED && ok && i < COUNT(calls); i++)
		ok = allow(f, calls[i]);
	ok = ok && seccomp_load(f) == 0;
	if (f)
		seccomp_release(f);
	if (!ok)
		return FAIL(e, JAIL, "the system-call filter cannot be loaded");
	return true;
}
