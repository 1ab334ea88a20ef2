/* job_find.c - jobs and deals by the start of their id. */
#include "cli/job_find.h"

#include "codec/hex.h"
#include "os/file.h"

enum { PREFIX_MAX = 64, CANDIDATES_TEXT = 160 };

bool job_store_open(const struct cli *c, struct job_store *out, struct err *e)
{
	char path[CLI_PATH_MAX];

	snprintf(path, sizeof path, "%.900s/creator", c->places.state);
	TRY(dir_make(path, e), e);
	snprintf(path, sizeof path, "%.900s/creator/store.db", c->places.state);
	TRY(store_sqlite_open_shared(path, creator_tables, &out->sqlite, e), e);
	out->store = store_sqlite_port(out->sqlite);
	return true;
}

void job_store_close(struct job_store *s)
{
	if (s->sqlite)
		s->sqlite = store_sqlite_free(s->sqlite);
}

const char *job_name(const struct hash *id, char out[JOB_NAME_MAX])
{
	snprintf(out, JOB_NAME_MAX, "j-%02x%02x%02x%02x%02x", id->b[0], id->b[1], id->b[2],
	        id->b[3], id->b[4]);
	return out;
}

struct search {
	char prefix[PREFIX_MAX + 1]; /* lower-case hex digits */
	size_t len;
	unsigned n;
	void *row; /* the first one found */
	size_t size;
	struct buf names; /* of all found */
};

/* The digits of "j-12ab", "0x12ab" or "12ab". */
static bool prefix_of(const char *text, struct search *s, struct err *e)
{
	if (strncmp(text, "j-", 2) == 0 || strncmp(text, "0x", 2) == 0 ||
	        strncmp(text, "d-", 2) == 0)
		text += 2;
	for (; text[s->len]; s->len++) {
		char ch = text[s->len];

		if (ch >= 'A' && ch <= 'F')
			ch = (char)(ch - 'A' + 'a');
		if (s->len >= PREFIX_MAX || !((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f')))
			return FAIL(e, USAGE, "\"%s\" is no id: j- or 0x and hex digits", text);
		s->prefix[s->len] = ch;
	}
	if (s->len == 0)
		return FAIL(e, USAGE, "an id needs at least one digit");
	return true;
}

/* The id is the first member of both records. */
static bool look(void *ctx, const void *row)
{
	struct search *s = ctx;
	const struct hash *id = row;
	char hex[HASH_TEXT_MAX];

	hash_format(id, hex);
	if (memcmp(hex + 2, s->prefix, s->len) != 0)
		return true;
	if (s->n++ == 0)
		memcpy(s->row, row, s->size);
	buf_fmt(&s->names, " %.12s", hex);
	return true;
}

static_assert(offsetof(struct creator_job, id) == 0, "look() reads the id there");
static_assert(offsetof(struct creator_deal, id) == 0, "look() reads the id there");

static bool search(const struct job_store *store, const struct record *r, const char *text,
        const char *what, void *out, struct err *e)
{
	struct search s = {.row = out, .size = r->size};
	bool ok;

	TRY(prefix_of(text, &s, e), e);
	buf_init(&s.names, CANDIDATES_TEXT);
	ok = store->store.each(store->store.self, r, NULL, NULL, look, &s, e);
	if (ok && s.n == 0) {
		ok = FAIL(e, NOT_FOUND, "no %s here begins with %s", what, s.prefix);
		err_hint(e, "`lilypad job list` lists your jobs");
	} else if (ok && s.n > 1) {
		ok = FAIL(e, USAGE, "%u %ss begin with %s:%s", s.n, what, s.prefix,
		        buf_ok(&s.names) ? buf_cstr(&s.names) : " too many to list");
		err_hint(e, "give more digits");
	}
	buf_done(&s.names);
	return ok;
}

bool job_find(const struct job_store *s, const char *text, struct creator_job *out, struct err *e)
{
	return search(s, creator_job_record(), text, "job", out, e);
}

bool job_find_deal(
        const struct job_store *s, const char *text, struct creator_deal *out, struct err *e)
{
	struct creator_job job;
	struct err why;

	if (search(s, creator_deal_record(), text, "deal", out, e))
		return true;
	if (e->code != E_NOT_FOUND || !job_find(s, text, &job, &why))
		return false;
	if (hash_is_zero(&job.deal)) {
		FAIL(e, NOT_FOUND, "this job has no deal yet");
		return err_hint(e, "lilypad job explain %s", text);
	}
	out->id = job.deal;
	return s->store.get(s->store.self, creator_deal_record(), out, e);
}
