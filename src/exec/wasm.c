/* wasm.c - the parent's side: one executor process, many jobs under way, answers as they come. */
#include "exec/wasm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/parcel.h"
#include "exec/run_job.h"
#include "exec/wasm_main.h"
#include "exec/wasmtime_api.h"
#include "os/file.h"

enum { TICK_MS = 1000 };

struct job {
	uint32_t id;
	pid_t pid; /* of the executor that has it */
	struct tag tag;
	struct job_spec *spec; /* owned */
	struct inbox in;
	int outcome;
	uint64_t started;  /* ns */
	uint64_t deadline; /* ns: the safety net beyond the instruction limit */
	bool killed;
};

/* A run that could not begin: its answer waits for the loop, since whoever asked is not to be called from
 * within its own call. */
struct refused {
	struct refused *next;
	struct inbox in;
	struct run_done done;
};

struct exec_wasm {
	uv_loop_t *loop;
	uv_poll_t *poll; /* owned; closes on its own */
	uv_timer_t tick, soon;
	struct refused *refused, **refused_last; /* in order */
	struct blobs blobs;
	char engine[1024], cache[1024], self[1024];
	int sock;
	pid_t pid;
	bool closing;
	unsigned handles;
	uint32_t next;
	struct job jobs[EXEC_JOBS_MAX];
	size_t n;
};

const char *exec_wasm_class(void)
{
	static char name[ENGINE_NAME_MAX + 1]; /* allow-listed static: constant once made */

	if (!name[0]) {
		char id[WASM_CLASS_ID_MAX];

		wasm_class_id(id);
		snprintf(name, sizeof name, "wasm/wasmtime-48.0.0/x86_64/%s", id);
	}
	return name;
}

/* ---- the process ------------------------------------------------------------------------------------ */

static bool start(const char *self, const char *engine, const char *cache, int *sock, pid_t *pid,
        struct err *e)
{
	int pair[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return FAIL_SYS(e, EXECUTOR, errno, "no socket for the executor");
	child = fork();
	if (child == 0) {
		char name[] = "lilypad", what[] = "exec-wasm";
		char *argv[] = {
		        name, what, (char *)(uintptr_t)engine, (char *)(uintptr_t)cache, NULL};
		char *env[] = {NULL};

		if (dup2(pair[1], EXEC_SOCKET_FD) < 0)
			_exit(127);
		if (pair[1] == EXEC_SOCKET_FD)
			fcntl(EXEC_SOCKET_FD, F_SETFD, 0);
		execve(self, argv, env);
		_exit(127);
	}
	close(pair[1]);
	if (child < 0) {
		close(pair[0]);
		return FAIL_SYS(e, EXECUTOR, errno, "the executor's process cannot be started");
	}
	*sock = pair[0];
	*pid = child;
	return true;
}

/* The first answer says that the engine is loaded. */
static bool wait_ready(int sock, pid_t pid, struct err *e)
{
	struct exec_answer a;
	int status = 0;

	if (recv(sock, &a, sizeof a, 0) == (ssize_t)sizeof a && a.job == 0 && a.code == 0)
		return true;
	waitpid(pid, &status, 0);
	return FAIL(e, MISSING_PART,
	        "the executor did not start (exit status %d); what it said is above",
	        WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static bool make_dir(const char *path, struct err *e)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return FAIL_SYS(e, IO, errno, "%s", path);
	return true;
}

/* ---- one job ---------------------------------------------------------------------------------------- */

static bool hand_over(int sock, uint32_t id, int frame, int outcome, struct err *e)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct exec_request r = {EXEC_RUN, id};
	struct iovec iov = {&r, sizeof r};
	struct msghdr m = {.msg_iov = &iov,
	        .msg_iovlen = 1,
	        .msg_control = &control,
	        .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fds[2] = {frame, outcome};

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(c), fds, sizeof fds);
	if (sendmsg(sock, &m, MSG_NOSIGNAL) != (ssize_t)sizeof r)
		return FAIL_SYS(e, EXECUTOR, errno, "the executor does not take the job");
	return true;
}

/* Packs the job and hands it over; *outcome is the caller's. */
static bool begin(const struct blobs *blobs, const struct job_spec *spec, int sock, uint32_t id,
        int *outcome, struct err *e)
{
	int frame OWN(fd_close) = memfd_create("job", MFD_CLOEXEC);
	int out = memfd_create("outcome", MFD_CLOEXEC);

	if (frame < 0 || out < 0) {
		fd_close(&out);
		return FAIL_SYS(e, EXECUTOR, errno, "no memory file");
	}
	if (!parcel_pack(blobs, spec, frame, e) || !hand_over(sock, id, frame, out, e)) {
		close(out);
		return false;
	}
	*outcome = out;
	return true;
}

/* Words that the child left where an outcome should be. */
static void words(int fd, char *out, size_t n)
{
	ssize_t got = pread(fd, out, n - 1, 0);

	out[got > 0 ? got : 0] = '\0';
	for (char *p = out; *p; p++) {
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	}
}

/* From the executor's code to what a run_done says. A program that the engine refuses is an outcome of
 * the job, the same on every machine: it ran no instruction. */
static void conclude(const struct blobs *blobs, const struct job_spec *spec, int fd, int32_t code,
        bool killed, struct run_done *d)
{
	char text[256];

	words(fd, text, sizeof text);
	if (code == 0) {
		d->ok = parcel_unpack(blobs, spec, fd, d, &d->err);
	} else if (killed) {
		FAIL(&d->err, TIMEOUT, "the job was stopped by the provider's clock");
	} else if (code < 0) {
		FAIL(&d->err, EXECUTOR, "the job's process was killed by signal %d", -code);
	} else if (code == JOB_REFUSED) {
		d->ok = parcel_refused(
		        blobs, spec, text[0] ? text : "the program is not accepted", d, &d->err);
	} else if (code == JOB_JAIL) {
		FAIL(&d->err, JAIL, "%s", text);
	} else {
		FAIL(&d->err, EXECUTOR, "%s", text[0] ? text : "this machine cannot run the job");
	}
}

/* ---- the loop's side -------------------------------------------------------------------------------- */

static void finish(struct exec_wasm *x, struct job *j, int32_t code)
{
	struct run_done d = {.tag = j->tag};
	struct inbox in = j->in;

	conclude(&x->blobs, j->spec, j->outcome, code, j->killed, &d);
	d.wall_us = (uv_hrtime() - j->started) / 1000;
	close(j->outcome);
	free(j->spec);
	*j = x->jobs[--x->n];
	in.run(in.self, &d);
}

/* Whoever hears of it may have the next job run at once, by the process that comes after. */
static void all_failed(struct exec_wasm *x, pid_t of)
{
	for (size_t i = 0; i < x->n;) {
		if (x->jobs[i].pid != of) {
			i++;
			continue;
		}
		finish(x, &x->jobs[i], -SIGKILL);
		i = 0;
	}
}

static void on_closed(uv_handle_t *h)
{
	struct exec_wasm *x = h->data;

	if (h != (uv_handle_t *)&x->tick && h != (uv_handle_t *)&x->soon)
		free(h);
	if (--x->handles == 0)
		free(x);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct exec_wasm *x = h->data;
	struct exec_answer a;
	ssize_t n;

	(void)events;
	while (status >= 0 && (n = recv(x->sock, &a, sizeof a, MSG_DONTWAIT)) > 0) {
		for (size_t i = 0; n == (ssize_t)sizeof a && i < x->n; i++) {
			if (x->jobs[i].id == a.job) {
				finish(x, &x->jobs[i], a.code);
				break;
			}
		}
	}
	if (status >= 0 && (n > 0 || errno == EAGAIN || errno == EINTR) && n != 0)
		return;
	/* The executor is gone: what it had is lost, and the next job starts a new one. */
	uv_poll_stop(h);
	uv_close((uv_handle_t *)h, on_closed);
	x->poll = NULL;
	close(x->sock);
	x->sock = -1;
	waitpid(x->pid, NULL, 0);
	all_failed(x, x->pid);
}

static void on_tick(uv_timer_t *t)
{
	struct exec_wasm *x = t->data;
	uint64_t now = uv_hrtime();

	for (size_t i = 0; i < x->n; i++) {
		struct exec_request r = {EXEC_KILL, x->jobs[i].id};

		if (now < x->jobs[i].deadline || x->jobs[i].killed)
			continue;
		x->jobs[i].killed = true;
		if (send(x->sock, &r, sizeof r, MSG_NOSIGNAL) < 0)
			break;
	}
}

static bool connect_poll(struct exec_wasm *x, struct err *e)
{
	uv_poll_t *h = malloc(sizeof *h);

	if (!h || uv_poll_init(x->loop, h, x->sock) != 0) {
		free(h);
		return FAIL(e, EXECUTOR, "the loop does not take the executor's socket");
	}
	h->data = x;
	x->handles++;
	x->poll = h;
	if (uv_poll_start(h, UV_READABLE, on_readable) != 0)
		return FAIL(e, EXECUTOR, "the loop does not poll the executor's socket");
	return true;
}

/* Starts the process; on failure there is none. */
static bool launch(struct exec_wasm *x, struct err *e)
{
	TRY(start(x->self, x->engine, x->cache, &x->sock, &x->pid, e), e);
	if (wait_ready(x->sock, x->pid, e) && connect_poll(x, e))
		return true;
	if (x->poll)
		uv_close((uv_handle_t *)x->poll, on_closed);
	x->poll = NULL;
	close(x->sock);
	x->sock = -1;
	return false;
}

static void on_soon(uv_timer_t *t)
{
	struct exec_wasm *x = t->data;
	struct refused *list = x->refused, *next;

	x->refused = NULL;
	x->refused_last = &x->refused;
	for (; list; list = next) {
		next = list->next;
		list->in.run(list->in.self, &list->done);
		free(list);
	}
}

static void refuse(struct exec_wasm *x, const struct inbox *in, const struct run_done *d)
{
	struct refused *r = malloc(sizeof *r);

	assert(r);
	*r = (struct refused){.in = *in, .done = *d};
	*x->refused_last = r;
	x->refused_last = &r->next;
	uv_timer_start(&x->soon, on_soon, 0, 0);
}

static void run(void *self, struct tag tag, const struct job_spec *spec, const struct inbox *in)
{
	struct exec_wasm *x = self;
	struct run_done d = {.tag = tag};
	struct job *j = &x->jobs[x->n];
	int outcome = -1;

	if (x->n >= EXEC_JOBS_MAX) {
		FAIL(&d.err, BUSY, "the executor has %d jobs", EXEC_JOBS_MAX);
	} else if (x->sock < 0 && !launch(x, &d.err)) {
		err_prefix(&d.err, "the executor's process has ended: ");
	} else if (begin(&x->blobs, spec, x->sock, ++x->next, &outcome, &d.err)) {
		struct job_spec *copy = calloc(1, sizeof *copy);

		assert(copy);
		record_copy(job_spec_record(), copy, spec);
		/* The program chooses its instructions, so a clock tighter than the slowest of them would
		 * be a trap for providers. */
		*j = (struct job){.id = x->next,
		        .pid = x->pid,
		        .tag = tag,
		        .spec = copy,
		        .in = *in,
		        .outcome = outcome,
		        .started = uv_hrtime()};
		j->deadline = j->started + (2 * COMPILE_CPU_S + 60) * 1000000000ull +
		              MIN2(spec->instruction_limit, UINT64_MAX / 1000) * NS_PER_INSTRUCTION;
		x->n++;
		return;
	}
	refuse(x, in, &d);
}

static void kill_run(void *self, struct tag tag)
{
	struct exec_wasm *x = self;

	for (size_t i = 0; i < x->n; i++) {
		struct exec_request r = {EXEC_KILL, x->jobs[i].id};

		if (x->jobs[i].tag.what != tag.what || !hash_eq(&x->jobs[i].tag.key, &tag.key))
			continue;
		x->jobs[i].killed = true;
		if (send(x->sock, &r, sizeof r, MSG_NOSIGNAL) < 0)
			return;
	}
}

static void stop(void *self)
{
	struct exec_wasm *x = self;

	if (x->closing)
		return;
	x->closing = true;
	for (size_t i = 0; i < x->n; i++) {
		close(x->jobs[i].outcome);
		free(x->jobs[i].spec);
	}
	x->n = 0;
	if (x->sock >= 0) {
		close(x->sock);
		kill(x->pid, SIGTERM);
		waitpid(x->pid, NULL, 0);
	}
	while (x->refused) {
		struct refused *r = x->refused;

		x->refused = r->next;
		free(r);
	}
	uv_close((uv_handle_t *)&x->tick, on_closed);
	uv_close((uv_handle_t *)&x->soon, on_closed);
	if (x->poll)
		uv_close((uv_handle_t *)x->poll, on_closed);
	x->poll = NULL;
}

bool exec_wasm_open(uv_loop_t *loop, const struct blobs *blobs, const char *cache,
        const char *engine, const char *self, struct exec_port *out, struct err *e)
{
	struct exec_wasm *x = calloc(1, sizeof *x);

	if (!x)
		return FAIL(e, MEMORY, "no memory for the executor");
	x->loop = loop;
	x->blobs = *blobs;
	x->sock = -1;
	snprintf(x->engine, sizeof x->engine, "%s", engine);
	snprintf(x->cache, sizeof x->cache, "%s", cache);
	snprintf(x->self, sizeof x->self, "%s", self);
	x->refused_last = &x->refused;
	uv_timer_init(loop, &x->tick);
	uv_timer_init(loop, &x->soon);
	x->tick.data = x->soon.data = x;
	x->handles += 2;
	uv_timer_start(&x->tick, on_tick, TICK_MS, TICK_MS);
	uv_unref((uv_handle_t *)&x->tick);
	if (!make_dir(cache, e) || !launch(x, e)) {
		stop(x);
		return false;
	}
	*out = (struct exec_port){x, run, kill_run, stop};
	return true;
}

void exec_wasm_close(struct exec_port *p)
{
	if (p->self)
		stop(p->self);
	p->self = NULL;
}

bool exec_wasm_once(const struct blobs *blobs, const char *cache, const char *engine,
        const char *self, const struct job_spec *spec, struct run_done *out, struct err *e)
{
	struct exec_answer a = {0};
	struct run_done d = {0};
	uint64_t started = uv_hrtime();
	int sock, outcome = -1;
	pid_t pid;
	bool ok;

	TRY(make_dir(cache, e), e);
	TRY(start(self, engine, cache, &sock, &pid, e), e);
	if (!wait_ready(sock, pid, e)) {
		close(sock); /* and it has been waited for: its number may be another's by now */
		return false;
	}
	ok = begin(blobs, spec, sock, 1, &outcome, e);
	if (ok && recv(sock, &a, sizeof a, 0) != (ssize_t)sizeof a)
		ok = FAIL(e, EXECUTOR, "the executor's process has ended");
	close(sock);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	if (ok) {
		conclude(blobs, spec, outcome, a.code, false, &d);
		d.wall_us = (uv_hrtime() - started) / 1000;
		ok = d.ok;
		if (ok)
			*out = d;
		else
			*e = d.err;
	}
	fd_close(&outcome);
	return ok;
}
