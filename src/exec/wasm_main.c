/* wasm_main.c - the executor's process. Single-threaded, so that a fork is a whole copy; the engine is
 * loaded and set up before the first job, so that a child starts within a millisecond. */
#include "exec/wasm_main.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bounds.h"
#include "codec/hex.h"
#include "exec/cache.h"
#include "exec/run_job.h"
#include "os/file.h"

enum { COMPILES_MAX = 8 };

struct job {
	uint32_t id;
	pid_t pid;
	bool compiling;
	bool waiting;                 /* to be compiled: it has no process */
	bool remade;                  /* its compiled form could not be loaded once already */
	int frame, outcome, compiled; /* descriptors; compiled: -1 while there is none */
	struct hash program;
};

struct zygote {
	struct wasmtime_api w;
	struct wasm_engine *engine;
	const char *cache;
	char class_id[WASM_CLASS_ID_MAX];
	pid_t pid;
	size_t compiles_max;
	struct job jobs[EXEC_JOBS_MAX];
	size_t n;
};

static void answer(uint32_t job, int32_t code)
{
	struct exec_answer a = {job, code};

	/* The parent reads all answers or is gone, and then this process ends as well. */
	if (send(EXEC_SOCKET_FD, &a, sizeof a, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void forget(struct zygote *z, struct job *j)
{
	close(j->frame);
	close(j->outcome);
	if (j->compiled >= 0)
		close(j->compiled);
	*j = z->jobs[--z->n];
}

static bool map_frame(int fd, struct bytes *out)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return false;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	*out = bytes_of(p, (size_t)st.st_size);
	return true;
}

static void cache_path(
        const struct zygote *z, const struct hash *program, const char *suffix, char out[4096])
{
	char hex[HASH_TEXT_MAX];

	hash_format(program, hex);
	snprintf(out, 4096, "%s/%s-%s.cwasm%s", z->cache, hex + 2, z->class_id, suffix);
}

/* The child's side of a fork: default signals, dies with its parent, one way out. */
static void child(struct zygote *z, struct job *j, bool compile)
{
	struct bytes in;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != z->pid)
		_exit(JOB_HOST); /* it died before the line above */
	close(EXEC_SOCKET_FD);
	if (!map_frame(j->frame, &in))
		_exit(JOB_HOST);
	_exit(compile ? compile_job(&z->w, z->engine, in, j->compiled)
	              : run_job(&z->w, z->engine, in, j->compiled, j->outcome));
}

static bool spawn(struct zygote *z, struct job *j, bool compile)
{
	pid_t pid = fork();

	if (pid == 0)
		child(z, j, compile);
	if (pid < 0)
		return false;
	j->pid = pid;
	j->compiling = compile;
	return true;
}

/* What is loaded is run as native code: nobody but us may have written it. */
static int open_compiled(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	                      (st.st_mode & 022) == 0))
		return fd;
	close(fd);
	return -1;
}

/* One compilation may take COMPILE_BYTES: few at a time, and each program once. */
static bool may_compile(const struct zygote *z, const struct hash *program)
{
	size_t n = 0;

	for (size_t i = 0; i < z->n; i++) {
		if (!z->jobs[i].compiling)
			continue;
		if (hash_eq(&z->jobs[i].program, program))
			return false;
		n++;
	}
	return n < z->compiles_max;
}

/* Use the compiled form, or make it first, or wait until it can be made. */
static bool begin(struct zygote *z, struct job *j)
{
	char path[4096];

	cache_path(z, &j->program, "", path);
	j->compiled = open_compiled(path);
	if (j->compiled >= 0) {
		wasm_cache_used(j->compiled);
		return spawn(z, j, false);
	}
	j->waiting = !may_compile(z, &j->program);
	if (j->waiting)
		return true;
	j->compiled = memfd_create("compiled", MFD_CLOEXEC);
	return j->compiled >= 0 && spawn(z, j, true);
}

static bool copy(int from, int to)
{
	struct bytes in;
	bool ok;

	if (!map_frame(from, &in))
		return false;
	ok = fd_write(to, in);
	munmap((void *)(uintptr_t)in.p, in.n);
	return ok;
}

/* Keeps what a compile child made under its name, whole or not at all, also when the power fails or another
 * executor makes the same. Without room for it the job runs all the same. */
static void keep_compiled(const struct zygote *z, const struct job *j)
{
	char path[4096], part[4096], suffix[32];
	int fd;
	bool ok;

	snprintf(suffix, sizeof suffix, ".%ld.part", (long)z->pid);
	cache_path(z, &j->program, "", path);
	cache_path(z, &j->program, suffix, part);
	unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	ok = copy(j->compiled, fd) && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	if (!ok || rename(part, path) != 0)
		unlink(part);
	else
		wasm_cache_trim(z->cache, WASM_CACHE_MAX);
}

/* The compiled form in the cache is damaged, or of an engine that was built otherwise: make it again. */
static bool remake(struct zygote *z, struct job *j)
{
	char path[4096];

	if (j->remade)
		return false;
	j->remade = true;
	cache_path(z, &j->program, "", path);
	unlink(path);
	close(j->compiled);
	j->compiled = -1;
	if (ftruncate(j->outcome, 0) != 0 || lseek(j->outcome, 0, SEEK_SET) != 0)
		return false;
	return begin(z, j);
}

/* The one that has waited longest, of those that came after. */
static struct job *next_waiting(struct zygote *z, uint32_t after)
{
	struct job *next = NULL;

	for (size_t i = 0; i < z->n; i++) {
		struct job *j = &z->jobs[i];

		if (j->waiting && j->id > after && (!next || j->id < next->id))
			next = j;
	}
	return next;
}

/* After a compilation: who waited for it runs, and the next one is made. */
static void resume(struct zygote *z)
{
	struct job *j;

	for (uint32_t after = 0; (j = next_waiting(z, after)) != NULL;) {
		after = j->id;
		j->waiting = false;
		if (begin(z, j))
			continue;
		forget(z, j);
		answer(after, JOB_HOST);
	}
}

/* The compiler asked for more than its jail gives: the engine ends its process then, without words. */
static int32_t no_compile(const struct job *j)
{
	char text[128];

	snprintf(text, sizeof text,
	        "the program cannot be compiled here within %llu MiB of memory and %d s",
	        COMPILE_BYTES >> 20, COMPILE_CPU_S);
	(void)!fd_write(j->outcome, str_bytes(str_of(text)));
	return JOB_HOST;
}

/* What the engine said against a program becomes the outcome's words. */
static void ended(struct zygote *z, struct job *j, int status)
{
	uint32_t id = j->id;
	int32_t code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);

	if (j->compiling && code == JOB_DONE) {
		keep_compiled(z, j);
		if (spawn(z, j, false))
			return;
		code = JOB_HOST;
	} else if (j->compiling && code < 0) {
		code = no_compile(j);
	} else if (j->compiling && code > 0 && !copy(j->compiled, j->outcome)) {
		code = JOB_HOST;
	} else if (code == JOB_STALE) {
		if (remake(z, j))
			return;
		code = JOB_HOST;
	}
	forget(z, j);
	answer(id, code);
}

static void reap(struct zygote *z)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < z->n; i++) {
			if (z->jobs[i].pid == pid) {
				ended(z, &z->jobs[i], status);
				break;
			}
		}
	}
	resume(z);
}

/* ---- orders ----------------------------------------------------------------------------------------- */

static void take_job(struct zygote *z, uint32_t id, int frame, int outcome)
{
	struct job *j = &z->jobs[z->n];
	struct hash program; /* the frame begins with its digest */

	if (z->n >= EXEC_JOBS_MAX ||
	        pread(frame, &program, sizeof program, 0) != (ssize_t)sizeof program) {
		close(frame);
		close(outcome);
		answer(id, JOB_HOST);
		return;
	}
	*j = (struct job){
	        .id = id, .frame = frame, .outcome = outcome, .compiled = -1, .program = program};
	z->n++;
	if (!begin(z, j)) {
		forget(z, j);
		answer(id, JOB_HOST);
	}
}

static void kill_job(struct zygote *z, uint32_t id)
{
	for (size_t i = 0; i < z->n; i++) {
		if (z->jobs[i].id != id)
			continue;
		if (z->jobs[i].waiting) {
			forget(z, &z->jobs[i]);
			answer(id, -SIGKILL);
		} else {
			kill(z->jobs[i].pid, SIGKILL);
		}
		return;
	}
}

static bool order(struct zygote *z)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct exec_request r = {0};
	struct iovec iov = {&r, sizeof r};
	struct msghdr m = {.msg_iov = &iov,
	        .msg_iovlen = 1,
	        .msg_control = &control,
	        .msg_controllen = sizeof control};
	ssize_t n = recvmsg(EXEC_SOCKET_FD, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;
	int fds[2] = {-1, -1};

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false; /* the parent is gone */
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_len == CMSG_LEN(sizeof fds))
		memcpy(fds, CMSG_DATA(c), sizeof fds);
	if (n != (ssize_t)sizeof r)
		return true;
	if (r.order == EXEC_RUN && fds[1] >= 0)
		take_job(z, r.job, fds[0], fds[1]);
	else if (r.order == EXEC_KILL)
		kill_job(z, r.job);
	return true;
}

static int serve(struct zygote *z)
{
	struct pollfd p[2] = {{.fd = EXEC_SOCKET_FD, .events = POLLIN}, {.events = POLLIN}};
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	p[1].fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p[1].fd < 0)
		return 1;
	answer(0, 0);
	for (;;) {
		struct signalfd_siginfo si;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (p[1].revents) {
			while (read(p[1].fd, &si, sizeof si) > 0)
				continue;
			reap(z);
		}
		if (p[0].revents && !order(z))
			return 0;
	}
}

/* What the engine finds out about the processor when it first needs it, it finds out here, once, and not in
 * the process of every job. The module has nothing in it. */
static bool warm_up(struct zygote *z)
{
	static const uint8_t nothing[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
	struct wasm_bytes compiled = {0};
	struct wasm_trap *trap = NULL;
	struct wt_instance instance;
	struct wt_module *module;
	struct wt_store *store;

	if (z->w.wasmtime_module_new(z->engine, nothing, sizeof nothing, &module) ||
	        z->w.wasmtime_module_serialize(module, &compiled) ||
	        z->w.wasmtime_module_deserialize(
	                z->engine, (const uint8_t *)compiled.data, compiled.size, &module))
		return false;
	z->w.wasm_byte_vec_delete(&compiled);
	store = z->w.wasmtime_store_new(z->engine, NULL, NULL);
	return !z->w.wasmtime_linker_instantiate(z->w.wasmtime_linker_new(z->engine),
	               z->w.wasmtime_store_context(store), module, &instance, &trap) &&
	       !trap;
}

/* Half of the processors: the other jobs go on. */
static size_t compiles_at_once(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	return (size_t)(n < 2 ? 2 : MIN2(n, (long)COMPILES_MAX));
}

int exec_wasm_main(int argc, char **argv)
{
	static struct zygote z; /* allow-listed static: the process has one */
	struct err e;

	if (argc < 3) {
		fprintf(stderr, "exec-wasm ENGINE CACHE is started by a provider\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	signal(SIGXFSZ, SIG_DFL); /* the provider ignores it; a job's limit on files is one */
	z.pid = getpid();
	z.compiles_max = compiles_at_once();
	z.cache = argv[2];
	wasm_class_id(z.class_id);
	if (!wasmtime_load(argv[1], &z.w, &e) || !(z.engine = engine_new(&z.w, &e))) {
		fprintf(stderr, "exec-wasm: %s\n", e.msg);
		return 3;
	}
	if (!warm_up(&z)) {
		fprintf(stderr, "exec-wasm: the engine does not run an empty module\n");
		return 3;
	}
	return serve(&z);
}
