/* output_fetch.c - one tree: from where it is kept, or fetched and verified by the same port that a job creator
 * uses, from the directory or else from the mediator that judged it (protocol 6.8). */
#include "cli/output_fetch.h"

#include <unistd.h>

#include "blobs/folder.h"
#include "blobs/http_tree.h"
#include "cli/output.h"
#include "cli/output_keep.h"
#include "cli/remote.h"
#include "cli/remove.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/file.h"
#include "os/rng.h"
#include "port/outcome.h"

struct fetch {
	uv_loop_t loop;
	struct http_client *client;
	struct tree_port port;
	struct blobs_folder *folder;
	struct blobs blobs;
	char path[CLI_PATH_MAX + 32]; /* of the folder, gone afterwards */
	bool done, ok;
	struct err why;
};

/* Who may have it, and what opens it. */
struct source {
	struct creator_deal deal;
	struct buf text; /* the deal as it is shown */
	const struct network_file *network;
	struct peer directory;
};

static void source_done(struct source *s)
{
	buf_done(&s->text);
}

static void on_tree(void *self, const struct tree_done *done)
{
	struct fetch *f = self;

	f->done = true;
	f->ok = done->ok;
	f->why = done->err;
}

/* The deal with its signatures, which opens the tree to its members. */
static bool deal_text(const struct creator_deal *d, struct buf *out, struct err *e)
{
	json_t *j = json_pack("{s:o, s:o}", "deal", record_to_json(deal_record(), &d->deal),
	        "jobCreatorSignature", json_of_sig(&d->jc_sig));

	if (d->rp_sig.n)
		json_object_set_new(j, "providerSignature", json_of_sig(&d->rp_sig));
	json_canonical(j, out);
	json_decref(j);
	return buf_ok(out) || FAIL(e, MEMORY, "no memory for a deal");
}

static bool open_all(
        struct fetch *f, const struct cli *c, const struct http_identity *who, struct err *e)
{
	snprintf(f->path, sizeof f->path, "%s/fetch-%ld", c->places.cache, (long)getpid());
	TRY(dir_make(c->places.cache, e), e);
	TRY(blobs_folder_open(f->path, &f->folder, e), e);
	f->blobs = blobs_folder_port(f->folder);
	TRY(http_client_new(&f->loop, who, &f->client, e), e);
	return http_tree_open(&f->loop, f->client, &f->blobs, &f->port, e);
}

static void close_all(struct fetch *f)
{
	struct err e;

	http_tree_close(&f->port);
	if (f->client)
		http_client_free(f->client);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	uv_loop_close(&f->loop);
	if (f->folder)
		blobs_folder_free(f->folder);
	if (f->path[0] && !remove_all(f->path, &e))
		err_clear(&e);
}

static bool fetch(struct fetch *f, struct cli *c, const struct peer *from, const struct cid *root,
        const struct buf *deal, struct err *e)
{
	const struct inbox in = {.self = f, .tree = on_tree};

	f->done = false;
	f->port.fetch(f->port.self, (struct tag){0}, from->url, &from->addr, root, buf_bytes(deal),
	        HTTP_TREE_MAX, &in);
	while (!f->done && uv_run(&f->loop, UV_RUN_ONCE) != 0)
		;
	if (!f->done)
		return FAIL(e, INTERNAL, "the fetch ended without an answer");
	if (!f->ok) {
		*e = f->why;
		if (e->code == E_UNREACHABLE)
			return err_hint(e, "lilypad doctor --role creator%s%s",
			        args_get(&c->args, "dir") ? " --dir " : "",
			        args_get(&c->args, "dir") ? args_get(&c->args, "dir") : "");
		return false;
	}
	return true;
}

static bool is_named(const struct deal *d, const struct addr *who)
{
	for (uint32_t i = 0; i < d->cold.mediators.n; i++) {
		if (addr_eq(&d->cold.mediators.v[i], who))
			return true;
	}
	return false;
}

/* What the directory says counts, when the mediators have nothing either. */
static bool fetch_any(struct fetch *f, struct cli *c, const struct source *from,
        const struct cid *root, struct err *e)
{
	struct err why;

	if (fetch(f, c, &from->directory, root, &from->text, e))
		return true;
	for (uint32_t i = 0; i < from->network->mediators.n; i++) {
		const struct network_mediator *m = &from->network->mediators.v[i];
		struct peer p = {.addr = m->account};

		if (!m->url[0] || !is_named(&from->deal.deal, &m->account))
			continue;
		str_keep(p.url, sizeof p.url, str_of(m->url));
		if (fetch(f, c, &p, root, &from->text, &why))
			return true;
	}
	return false;
}

/* Nobody showed us the result, but the directory has stored for the deal what the ledger's result names. */
static bool find_tree(const struct cli *c, const struct http_identity *who,
        const struct source *from, const struct creator_job *j, struct cid *out, struct err *e)
{
	char path[HASH_TEXT_MAX + 32], hex[HASH_TEXT_MAX];
	json_t *body OWN(json_own) = NULL;
	const json_t *one;
	struct stored st;
	struct hash h;
	size_t i;

	hash_format(&j->deal, hex);
	snprintf(path, sizeof path, "/v1/deals/%s/stored", hex);
	TRY(remote_get_as(c, who, &from->directory.addr, from->directory.url, path, &body, e), e);
	json_array_foreach (json_object_get(body, "stored"), i, one) {
		TRY(json_get_record(one, "stored", stored_record(), &st, e), e);
		outcome_output_hash(&st.output, &h);
		*out = cid_tree(&st.output);
		if (hash_eq(&h, &j->sub_output))
			return true;
	}
	return FAIL(e, NOT_FOUND, "the directory has stored no output of that result");
}

/* Is there an output, as far as this store knows? */
static bool has_output(const struct creator_job *j, struct err *e)
{
	char name[JOB_NAME_MAX];

	if (!hash_is_zero(&j->deal) && !(hash_is_zero(&j->tree) && hash_is_zero(&j->submitted)))
		return true;
	FAIL(e, STATE, "job %s is %s and has no output", job_name(&j->id, name),
	        sm_name(&job_states, j->state));
	return err_hint(e, "lilypad job show %s", name);
}

bool output_fetch(struct cli *c, const struct job_store *s, const struct creator_job *j,
        const char *dir, struct err *e)
{
	struct source from OWN(source_done) = {.deal.id = j->deal};
	struct cid root = cid_tree(&j->tree);
	struct peer solver;
	struct http_identity who = {0};
	struct network_file n;
	struct wallet w;
	struct fetch f = {0};
	char kept[CLI_PATH_MAX];
	bool ok;

	TRY(has_output(j, e), e);
	if (output_kept(c, &root, kept))
		return output_copy(kept, dir, e);
	TRY(network_load(c, &n, e), e);
	from.network = &n;
	TRY(cli_peers(c, &solver, &from.directory, e), e);
	TRY(s->store.get(s->store.self, creator_deal_record(), &from.deal, e), e);
	buf_init(&from.text, HTTP_BODY_MAX);
	TRY(deal_text(&from.deal, &from.text, e), e);
	TRY(wallet_open(c, NULL, false, &w, e), e);
	who = (struct http_identity){.signer = wallet_signer(&w), .rng = rng_os()};
	network_domain(&n, &who.domain);
	ok = (!hash_is_zero(&j->tree) || find_tree(c, &who, &from, j, &root, e)) &&
	     (uv_loop_init(&f.loop) == 0 || FAIL(e, IO, "no event loop"));
	if (ok) {
		ok = open_all(&f, c, &who, e) && fetch_any(&f, c, &from, &root, e) &&
		     output_write(&f.blobs, &root, dir, e);
		close_all(&f);
	}
	wallet_close(&w);
	return ok;
}
