/* lost.c - a store that cannot be written: a full disk, a file system that has become read-only, another
 * process that does not let go of it. What the role believes is then no longer what is stored, and only a
 * new start from the store mends that. Until it can be written again nothing is given to the role, and
 * everybody who asks is told why. */
#include "host/host_own.h"

enum { PROBE_MS = 1000 };

static const char *what_to_do(enum err_code code)
{
	if (code == E_DISK_FULL)
		return "free some space on the disk that holds its files";
	if (code == E_BUSY)
		return "see which process holds its store";
	return "make the disk that holds its files writable again";
}

bool host_lose(struct host *h, const struct err *e)
{
	/* All others are bugs, or damage that time does not mend. */
	if (e->code != E_DISK_FULL && e->code != E_IO && e->code != E_BUSY)
		return false;
	if (h->lost.code)
		return true;
	h->lost = *e;
	err_prefix(&h->lost, "the %s cannot write its store: ", h->o.role.name);
	err_hint(&h->lost, "%s%s", what_to_do(e->code),
	        h->daemon ? ": it goes on by itself then" : ", then try again");
	return true;
}

bool host_is_lost(const struct host *h)
{
	return h->lost.code != E_NONE;
}

static bool is_answer(const struct fx *f)
{
	return f->kind == FX_REPLY || f->kind == FX_REPLY_RAW || f->kind == FX_STREAM ||
	       f->kind == FX_TAKE_TREE || f->kind == FX_GIVE_TREE;
}

/* Nothing that was asked for in this turn is done; whoever waits for an answer learns why. */
static void drop_effects(struct host *h)
{
	for (const struct fx *f = h->first; f; f = f->next) {
		if (h->server && is_answer(f))
			http_server_reply_err(h->server, f->conn, &h->lost);
	}
	h->first = NULL;
	h->last = &h->first;
	arena_reset(&h->arena);
}

static bool can_write(struct host *h)
{
	uint64_t ignored;
	struct err e;

	if (!h->o.tx.begin(h->o.tx.self, &e))
		return false;
	if (h->store.next(h->store.self, "host-probe", &ignored, &e))
		return h->o.tx.commit(h->o.tx.self, &e);
	h->o.tx.rollback(h->o.tx.self);
	return false;
}

static void on_probe(uv_timer_t *t)
{
	struct host *h = t->data;

	if (h->server)
		http_server_fail_waiting(h->server, &h->lost);
	if (!can_write(h))
		return;
	log_line(&h->world->log, LOG_INFO, "the store can be written again: starting anew from it");
	host_end(h, HOST_AGAIN);
}

void host_wait(struct host *h)
{
	bool stopping = h->phase != HOST_RUNNING;

	if (h->in_tx)
		h->o.tx.rollback(h->o.tx.self);
	h->in_tx = h->firm = false;
	drop_effects(h);
	log_line(&h->world->log, LOG_ODD, "%s; %s", h->lost.msg, h->lost.hint);
	if (stopping || !h->daemon) {
		host_end(h, err_exit(h->lost.code));
		return;
	}
	h->phase = HOST_WAITING;
	uv_timer_start(&h->drain, on_probe, PROBE_MS, PROBE_MS);
}

bool host_failed(const struct host *h, struct err *out)
{
	if (host_is_lost(h))
		*out = h->lost;
	return host_is_lost(h);
}
