/* access.c - who may read which tree (protocol 9.2). */
#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/signed.h"
#include "directory/directory_own.h"
#include "port/spec.h"

static const struct addr nobody;
static const struct hash no_deal;

/* ---- deals that are shown -------------------------------------------------------------------------- */

static bool check_members(const json_t *j, struct err *e)
{
	static const char *const known[] = {"deal", "jobCreatorSignature", "providerSignature"};
	const char *key;
	json_t *value;

	if (!json_is_object(j))
		return FAIL(e, JSON_VALUE, "the deal that is shown must be a JSON object");
	json_object_foreach ((json_t *)(uintptr_t)j, key, value) {
		bool ok = false;

		for (size_t i = 0; i < COUNT(known); i++)
			ok = ok || strcmp(key, known[i]) == 0;
		if (!ok)
			return FAIL(e, JSON_VALUE,
			        "the deal that is shown has an unknown member \"%.40s\"", key);
	}
	return true;
}

static bool parse(const struct directory *d, const json_t *j, bool both, struct shown_deal *out,
        struct err *e)
{
	TRY(check_members(j, e), e);
	TRY(json_get_record(j, "deal", deal_record(), &out->deal, e), e);
	TRY(json_get_sig(j, "jobCreatorSignature", &out->jc_sig, e), e);
	TRY(world_check(d->world, &d->c.domain, deal_record(), &out->deal, out->deal.hot.nonce,
	            &out->jc_sig, &out->deal.hot.job_creator, NULL, e),
	        e);
	if (both) {
		TRY(json_get_sig(j, "providerSignature", &out->rp_sig, e), e);
		TRY(signed_check(&d->c.domain, deal_record(), &out->deal, &out->rp_sig,
		            &out->deal.hot.provider, e),
		        e);
	}
	eip712_hash(deal_record(), &out->deal, &out->id);
	return true;
}

bool shown_deal_parse(const struct directory *d, struct str text, bool both, struct shown_deal *out,
        struct err *e)
{
	OWN(json_own) json_t *j = NULL;

	if (!json_parse(text, &j, e) || !parse(d, j, both, out, e)) {
		err_prefix(e, "Lilypad-Deal: ");
		return false;
	}
	return true;
}

/* ---- grants ---------------------------------------------------------------------------------------- */

bool grant_get(const struct directory *d, const struct cid *root, const struct hash *deal,
        const struct addr *account, struct directory_grant *out)
{
	const struct store *s = &d->world->store;
	struct err e;

	*out = (struct directory_grant){
	        .root = root->digest, .codec = root->codec, .deal = *deal, .account = *account};
	return s->get(s->self, directory_grant_record(), out, &e);
}

/* Of a JC that is a contract, the key that signed for it: the deal was checked when it came. */
static bool signs_for_jc(
        const struct directory *dir, const struct directory_deal *d, const struct addr *who)
{
	struct addr key;

	if (!dir->world->contracts.ask || addr_is_zero(who))
		return false;
	key = key_of(&dir->c.domain, deal_record(), &d->deal, &d->jc_sig);
	return addr_eq(&key, who);
}

bool is_member(const struct directory *dir, const struct directory_deal *d, const struct addr *who)
{
	if (addr_eq(&d->deal.hot.job_creator, who) || addr_eq(&d->deal.hot.provider, who) ||
	        signs_for_jc(dir, d, who))
		return true;
	for (uint32_t i = 0; d->checked && i < d->deal.cold.mediators.n; i++) {
		if (addr_eq(&d->deal.cold.mediators.v[i], who))
			return true;
	}
	return false;
}

/* Looking through the grants of one tree. */
struct search {
	struct directory *d;
	uint8_t codec;
	const struct addr *who; /* NULL: any grant will do */
	unsigned seen;
	bool found;
};

static bool look(void *ctx, const void *row)
{
	const struct directory_grant *g = row;
	struct search *s = ctx;
	struct store *st = &s->d->world->store;
	struct directory_deal deal = {.id = g->deal};
	struct err e;

	if (g->codec != s->codec)
		return true;
	if (!s->who)
		s->found = true;
	else if (!hash_is_zero(&g->deal) && st->get(st->self, directory_deal_record(), &deal, &e))
		s->found = is_member(s->d, &deal, s->who);
	return !s->found && ++s->seen < SHARERS_MAX;
}

static bool search(struct directory *d, const struct cid *root, const struct addr *who, bool *found,
        struct err *e)
{
	struct search s = {.d = d, .codec = root->codec, .who = who};
	const struct record *r = directory_grant_record();
	struct directory_grant row = {.root = root->digest};
	struct store *st = &d->world->store;

	TRY(st->each(st->self, r, record_field(r, STR("root")), &row, look, &s, e), e);
	*found = s.found;
	return true;
}

/* By the account's own right, without a deal. */
static bool is_entitled(struct directory *d, const struct cid *root, const struct addr *who,
        bool *out, struct err *e)
{
	struct directory_grant g;

	*out = grant_get(d, root, &no_deal, &nobody, &g);
	if (*out || addr_is_zero(who))
		return true;
	*out = grant_get(d, root, &no_deal, who, &g);
	if (*out)
		return true;
	TRY(search(d, root, who, out, e), e);
	return true;
}

/* ---- what a spec names ------------------------------------------------------------------------------- */

static bool spec_names(const struct job_spec *spec, const struct cid *root)
{
	if (root->codec == CID_DAG_PB && hash_eq(&spec->program, &root->digest))
		return true;
	for (uint32_t i = 0; i < spec->inputs.n; i++) {
		const struct spec_input *in = &spec->inputs.v[i];

		if (hash_eq(root->codec == CID_RAW ? &in->file : &in->tree, &root->digest))
			return true;
	}
	return false;
}

static bool deal_names(struct directory *d, const struct deal *deal, const struct cid *root,
        struct arena *a, bool *out, struct err *e)
{
	struct cid cid = cid_raw(&deal->cold.spec);
	struct job_spec *spec;

	*out = cid_eq(&cid, root);
	if (*out)
		return true;
	spec = ARENA_NEW(a, struct job_spec);
	if (!spec)
		return FAIL(e, MEMORY, "no memory for a job spec");
	if (!spec_read(&d->world->blobs, &deal->cold.spec, spec, e)) {
		err_prefix(e, "the spec of the deal that is shown: ");
		return false;
	}
	*out = spec_names(spec, root);
	return true;
}

static bool by_deal(struct directory *d, const struct http_req *r, const struct cid *root,
        struct arena *a, struct err *e)
{
	struct shown_deal *shown = ARENA_NEW(a, struct shown_deal);
	char text[CID_TEXT_MAX], jc[ADDR_TEXT_MAX];
	bool ok;

	if (!shown)
		return FAIL(e, MEMORY, "no memory for a deal");
	TRY(shown_deal_parse(d, r->deal, false, shown, e), e);
	cid_format(root, text);
	TRY(deal_names(d, &shown->deal, root, a, &ok, e), e);
	if (!ok)
		return FAIL(e, FORBIDDEN,
		        "%s is neither the spec of the deal that is shown nor what it names", text);
	TRY(is_entitled(d, root, &shown->deal.hot.job_creator, &ok, e), e);
	if (!ok) { /* a contract's key has stored it in its own name */
		struct addr key = key_of(&d->c.domain, deal_record(), &shown->deal, &shown->jc_sig);

		TRY(is_entitled(d, root, &key, &ok, e), e);
	}
	addr_format(&shown->deal.hot.job_creator, jc);
	if (!ok)
		return FAIL(e, FORBIDDEN,
		        "the deal that is shown names %s, but its job creator %s did not "
		        "store it here",
		        text, jc);
	return true;
}

bool may_read(struct directory *d, const struct http_req *r, const struct cid *root,
        struct arena *a, struct err *e)
{
	char text[CID_TEXT_MAX], who[ADDR_TEXT_MAX];
	bool ok;

	TRY(is_entitled(d, root, &r->account, &ok, e), e);
	if (ok)
		return true;
	cid_format(root, text);
	TRY(search(d, root, NULL, &ok, e), e);
	if (!ok)
		return FAIL(e, NOT_FOUND, "there is no tree %s here", text);
	if (r->deal.n)
		return by_deal(d, r, root, a, e);
	addr_format(&r->account, who);
	FAIL(e, FORBIDDEN, "%s may not read %s",
	        addr_is_zero(&r->account) ? "an unsigned request" : who, text);
	return err_hint(e,
	        "sign the request with the key of the uploader or of a party of the deal, or show "
	        "a deal whose spec names the tree (header Lilypad-Deal)");
}
