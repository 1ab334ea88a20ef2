/* executor.c - an executor that runs nothing: what comes out follows from the spec alone, after a time that
 * follows from the instructions. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/json.h"
#include "codec/unixfs.h"
#include "crypto/keccak.h"
#include "port/spec.h"
#include "sim.h"

enum { NS_PER_INSTRUCTION = 20, STOPPED_MS = 5 };

struct run {
	struct tag tag;
	struct job_spec spec;
	bool killed; /* told so */
	bool over;   /* told of already */
};

static void spec_digest(const struct job_spec *spec, struct hash *out)
{
	struct buf text OWN(buf_done);

	buf_init(&text, BLOCK_MAX);
	record_canonical(job_spec_record(), spec, &text);
	keccak256(text.p, text.n, out);
}

static bool swallow(void *self, const struct cid *cid, struct bytes block, struct err *e)
{
	(void)self, (void)cid, (void)block, (void)e;
	return true;
}

bool executor_outcome(
        const struct job_spec *spec, struct blobs *blobs, struct run_done *out, struct err *e)
{
	struct block_sink sink = {NULL, swallow};
	char said[HASH_TEXT_MAX + 1];
	struct unixfs_path files[] = {{STR("exitCode"), str_bytes(STR("0\n")), false},
	        {STR("stdout"), {NULL, 0}, false}, {STR("outputs/answer"), {NULL, 0}, false}};
	struct unixfs_node tree;
	struct hash digest;

	spec_digest(spec, &digest);
	hash_format(&digest, said);
	files[1].data = files[2].data = str_bytes(str_of(said));
	if (blobs)
		sink = (struct block_sink){blobs->self, blobs->put};
	TRY(unixfs_add_tree(&sink, files, COUNT(files), &tree, e), e);
	out->ok = true;
	out->status = STATUS_COMPLETED;
	out->count = spec->instruction_limit / 2 + digest.b[0];
	out->tree = tree.cid;
	out->tree_bytes = tree.tree_bytes;
	out->input_bytes = spec_input_bytes(spec);
	return true;
}

static void on_done(struct sim *s, struct node *n, void *ctx)
{
	struct run *r = ctx;
	struct run_done d = {.tag = r->tag};
	struct event ev = {.kind = EV_RUN, .run = &d};
	struct blobs b = blobs_memory_port(n->blobs);
	struct cid program = cid_tree(&r->spec.program);
	struct err e;

	(void)s;
	if (r->over)
		return;
	n->runs--;
	if (r->killed)
		FAIL(&d.err, TIMEOUT, "the job was stopped by the provider's clock");
	else if (n->party->broken)
		FAIL(&d.err, EXECUTOR, "this machine cannot run the job");
	else if (!b.has(b.self, &program))
		FAIL(&d.err, EXECUTOR, "the program is not here");
	else if (!executor_outcome(&r->spec, &b, &d, &e))
		d.err = e;
	node_event(n, &ev);
}

void executor_run(struct node *n, const struct fx *f)
{
	struct run *r = calloc(1, sizeof *r);
	int64_t ns = (int64_t)(f->spec->instruction_limit / 2) * NS_PER_INSTRUCTION;
	char id[16];

	assert(r);
	r->tag = f->tag;
	r->spec = *f->spec;
	n->runs++;
	n->sim->n.runs++;
	sim_note(n->sim, n, "runs %s", sim_short(&f->tag.key, id));
	sim_after(n->sim, n->party->broken ? MS : ns + sim_latency(n->sim), n, on_done, r, free);
}

/* What is killed is told of soon, as one that failed, and not a second time when it would have ended. */
void executor_kill(struct node *n, const struct fx *f)
{
	struct queue *q = &n->sim->queue;
	struct run *killed = NULL;

	for (size_t i = 0; i < q->n && !killed; i++) {
		struct run *r = q->v[i].ctx;

		if (q->v[i].fn != on_done || q->v[i].node != n || q->v[i].life != n->life ||
		        r->over || !hash_eq(&r->tag.key, &f->tag.key))
			continue;
		killed = malloc(sizeof *killed);
		assert(killed);
		*killed = *r;
		killed->killed = true;
		r->over = true;
	}
	if (killed)
		sim_after(n->sim, STOPPED_MS * MS, n, on_done, killed, free);
}
