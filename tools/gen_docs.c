/* gen_docs.c - writes the parts of the documentation that come from the tables.
 *
 *   gen_docs --man DIR         write the manual pages into DIR
 *   gen_docs FILE...           bring the marked parts of each file up to date
 *   gen_docs --check FILE...   change nothing; name each file that is stale and exit 1
 *
 * A part stands between two lines, and everything between them is replaced:
 *
 *   <!-- from the tables: NAME -->
 *   <!-- end of NAME -->
 *
 * NAME is one of those at the end of this file. */
#include "gen_docs.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "model/model.h"
#include "module/manifest.h"

#define DOC_MAX (4u << 20)

/* A cell of a table: bars end it, so they are escaped. */
void put_cell(struct buf *out, const char *text)
{
	buf_z(out, " ");
	for (; *text; text++) {
		if (*text == '|')
			buf_z(out, "\\");
		buf_byte(out, (uint8_t)*text);
	}
	buf_z(out, " |");
}

void put_fmt_cell(struct buf *out, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put_cell(out, text);
}

/* The Solidity type is read off encodeType, so that the text cannot differ from what is hashed. */
static struct str solidity_type(const struct record *r, size_t member, struct buf *scratch)
{
	struct str rest, list;

	buf_reset(scratch);
	eip712_type(r, scratch);
	(void)str_cut(buf_view(scratch), '(', &rest);
	list = str_cut(rest, ')', &rest);
	for (; member > 0; member--)
		(void)str_cut(list, ',', &list);
	return str_cut(list, ' ', &rest);
}

static const char *const json_shapes[] = {
        [K_ADDR] = "EIP-55 string",
        [K_HASH] = "0x, 64 hex digits",
        [K_CIDRAW] = "CIDv1, raw; empty: none",
        [K_CIDTREE] = "CIDv1, dag-pb; empty: none",
        [K_AMOUNT] = "decimal string",
        [K_U64] = "decimal string",
        [K_U32] = "integer",
        [K_U16] = "integer",
        [K_U8] = "integer",
        [K_TIME] = "integer",
        [K_ENUM] = "integer",
        [K_BOOL] = "true or false",
        [K_NONCE] = "0x, 32 hex digits",
        [K_TEXT] = "string",
        [K_ADDRS] = "array of EIP-55 strings",
        [K_HASHES] = "array of 0x hex",
        [K_REC] = "object",
        [K_RECS] = "array of objects",
        [K_SIG] = "0x hex, 64 or 65 bytes",
};

static void put_bound(struct buf *out, const struct field *f)
{
	unsigned bound = (unsigned)f->bound;

	switch (f->kind) {
	case K_AMOUNT: put_cell(out, "below 2^96"); break;
	case K_U64: put_cell(out, "below 2^64"); break;
	case K_U32: put_cell(out, "below 2^32"); break;
	case K_U16: put_cell(out, "below 2^16"); break;
	case K_U8: put_cell(out, "below 2^8"); break;
	case K_TIME: put_cell(out, "below 2^40"); break;
	case K_ENUM:
		put_fmt_cell(out, "[%s](#enumeration-%s)", f->names->name, f->names->name);
		break;
	case K_TEXT: put_fmt_cell(out, "%u bytes of UTF-8, no NUL", bound); break;
	case K_ADDRS:
	case K_HASHES:
	case K_RECS:
		put_fmt_cell(out, "%u items%s", bound,
		        f->flags & FF_SORTED ? ", strictly ascending" : "");
		break;
	case K_ADDR:
	case K_HASH:
	case K_CIDRAW:
	case K_CIDTREE:
	case K_BOOL:
	case K_NONCE:
	case K_REC:
	case K_SIG: put_cell(out, ""); break;
	}
}

static void put_record(struct buf *out, const struct record *r, struct buf *scratch)
{
	char hex[HASH_TEXT_MAX];
	struct hash h;

	buf_fmt(out, "\n#### %s\n\n%s\n\n", r->type, r->meaning);
	buf_z(out,
	        "| member | Solidity | JSON | bound | meaning |\n| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];

		buf_z(out, "|");
		put_fmt_cell(out, "`%s`", f->name);
		put_fmt_cell(out, "`%.*s`", STR_ARG(solidity_type(r, i, scratch)));
		put_cell(out, json_shapes[f->kind]);
		put_bound(out, f);
		put_cell(out, f->meaning);
		buf_z(out, "\n");
	}
	eip712_type_hash(r, &h);
	hash_format(&h, hex);
	buf_fmt(out, "\nType hash `%s`.\n", hex);
}

static void put_types(struct buf *out)
{
	OWN(buf_done) struct buf scratch;

	buf_init(&scratch, DOC_MAX);
	for (size_t i = 0; model_documents[i]; i++)
		put_record(out, model_documents[i](), &scratch);
}

/* module.json: no signed type, so it has no Solidity side; members that may be left out say so. */
static void put_manifest_record(struct buf *out, const struct record *r)
{
	buf_fmt(out, "\n#### %s\n\n%s\n\n", r->type, r->meaning);
	buf_z(out, "| member | JSON | bound | meaning |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < r->n; i++) {
		const struct field *f = &r->f[i];

		buf_z(out, "|");
		put_fmt_cell(out, "`%s`%s", f->name, f->flags & FF_OPTIONAL ? " (optional)" : "");
		put_cell(out, json_shapes[f->kind]);
		put_bound(out, f);
		put_cell(out, f->meaning);
		buf_z(out, "\n");
	}
}

static void put_manifest(struct buf *out)
{
	const struct record *m = manifest_record();

	put_manifest_record(out, m);
	for (size_t i = 0; i < m->n; i++) {
		if (m->f[i].kind == K_REC || m->f[i].kind == K_RECS)
			put_manifest_record(out, m->f[i].rec());
	}
}

static const struct enum_names *const enums[] = {
#define ENUM(tag) &tag##_names,
#define V(id, value, name, meaning)
#define ENUM_END(tag)
#include "model/enums.def"
#undef ENUM
#undef V
#undef ENUM_END
};

static void put_enums(struct buf *out)
{
	for (size_t i = 0; i < COUNT(enums); i++) {
		buf_fmt(out, "\n#### Enumeration %s\n\n", enums[i]->name);
		buf_z(out, "| value | name | meaning |\n| --- | --- | --- |\n");
		for (size_t k = 0; k < enums[i]->n; k++) {
			buf_z(out, "|");
			put_fmt_cell(out, "%u", enums[i]->v[k].value);
			put_fmt_cell(out, "`%s`", enums[i]->v[k].name);
			put_cell(out, enums[i]->v[k].meaning);
			buf_z(out, "\n");
		}
	}
}

static void put_states(struct buf *out)
{
	buf_z(out, "\n| value | state | may become | meaning |\n| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < deal_states.n; i++) {
		const struct sm_state *s = &deal_states.states[i];
		const char *before = "";

		buf_z(out, "|");
		put_fmt_cell(out, "%u", s->value);
		put_fmt_cell(out, "`%s`", s->name);
		buf_z(out, " ");
		for (size_t k = 0; k < deal_states.n; k++) {
			if (!(s->next & SM_BIT(deal_states.states[k].value)))
				continue;
			buf_fmt(out, "%s`%s`", before, deal_states.states[k].name);
			before = ", ";
		}
		buf_z(out, s->flags & SM_FINAL ? "final |" : " |");
		put_cell(out, s->meaning);
		buf_z(out, "\n");
	}
}

static void put_errors(struct buf *out)
{
	static const char *const retries[] = {
	        [RETRY_NEVER] = "no", [RETRY_LATER] = "later", [RETRY_NOW] = "at once"};

	buf_z(out, "\n| code | HTTP | exit | fault | retry | meaning |\n"
	           "| --- | --- | --- | --- | --- | --- |\n");
	for (int i = E_NONE + 1; i < E_COUNT; i++) {
		enum err_code code = (enum err_code)i;

		buf_z(out, "|");
		put_fmt_cell(out, "`%s`", err_name(code));
		put_fmt_cell(out, "%d", err_http(code));
		put_fmt_cell(out, "%d", err_exit(code));
		put_cell(out, err_fault_name(err_fault(code)));
		put_cell(out, retries[err_retry(code)]);
		put_cell(out, err_meaning(code));
		buf_z(out, "\n");
	}
}

/* What a script may conclude from an exit code. */
static const struct {
	int exit;
	const char *meaning;
} exits[] = {
        {0, "done; a job ended with exit status 0"},
        {1, "an error of this program, or a refusal that no other number names"},
        {2, "the command, a file or a value is wrong"},
        {3, "a key, a setting, a signature or this machine is not in order"},
        {4, "not enough funds"},
        {5, "the network or a peer cannot be reached"},
        {6, "another version is spoken"},
        {10, "the job ran and ended with a status of its own"},
        {20, "no provider now"},
        {21, "no provider ever"},
        {22, "the price is too low"},
        {30, "stopped at a limit of the job"},
        {32, "cancelled"},
        {40, "a dispute is open, the result is not final"},
        {41, "the result was rejected and the payment returned"},
        {42, "the mediator found a disputed result right"},
        {43, "the mediator could not get the job itself"},
        {44, "a dispute ended without a ruling"},
        {50, "the provider failed after it had signed"},
        {60, "a rate limit, a quota or a spending cap"},
        {70, "the peer is at capacity, starting or stopping"},
        {130, "detached by an interrupt: the job goes on"},
};

static void put_exits(struct buf *out)
{
	buf_z(out, "\n| exit | meaning | codes |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < COUNT(exits); i++) {
		const char *before = "";

		buf_z(out, "|");
		put_fmt_cell(out, "%d", exits[i].exit);
		put_cell(out, exits[i].meaning);
		buf_z(out, " ");
		for (int k = E_NONE + 1; k < E_COUNT; k++) {
			if (err_exit((enum err_code)k) != exits[i].exit)
				continue;
			buf_fmt(out, "%s`%s`", before, err_name((enum err_code)k));
			before = ", ";
		}
		buf_z(out, " |\n");
	}
}

/* Each exit code of the error table has a row above, and each row a code. */
static bool exits_agree(struct err *e)
{
	for (int k = E_NONE; k < E_COUNT; k++) {
		size_t i = 0;

		while (i < COUNT(exits) && exits[i].exit != err_exit((enum err_code)k))
			i++;
		if (i == COUNT(exits))
			return FAIL(e, INTERNAL,
			        "tools/gen_docs.c has no row for exit code %d of %s",
			        err_exit((enum err_code)k), err_name((enum err_code)k));
	}
	for (size_t i = 0; i < COUNT(exits); i++) {
		int k = E_NONE;

		while (k < E_COUNT && exits[i].exit != err_exit((enum err_code)k))
			k++;
		if (k == E_COUNT)
			return FAIL(e, INTERNAL, "tools/gen_docs.c: no error has exit code %d",
			        exits[i].exit);
	}
	return true;
}

static const struct part {
	const char *name;
	void (*put)(struct buf *out);
} parts[] = {
        {"types", put_types},
        {"enumerations", put_enums},
        {"states", put_states},
        {"errors", put_errors},
        {"exits", put_exits},
        {"manifest", put_manifest},
        {"settings", put_settings},
        {"commands", put_commands},
        {"common options", put_common_options},
        {"routes", put_routes},
};

static bool put_part(struct str name, struct buf *out, struct err *e)
{
	for (size_t i = 0; i < COUNT(parts); i++) {
		if (!str_is(name, parts[i].name))
			continue;
		parts[i].put(out);
		return true;
	}
	return FAIL(e, NOT_FOUND, "no part is called \"%.*s\"", STR_ARG(name));
}

/* The text with all marked parts made anew. */
static bool renew(struct str text, struct buf *out, size_t *count, struct err *e)
{
	static const char open[] = "<!-- from the tables: ", close[] = " -->";

	*count = 0;
	while (text.n > 0) {
		const char *mark = memmem(text.p, text.n, open, sizeof open - 1), *end, *after;
		size_t head = mark ? (size_t)(mark - text.p) : text.n;
		struct str name, rest;
		char last[128];

		buf_put(out, text.p, head);
		if (!mark)
			break;
		rest = (struct str){mark + sizeof open - 1, text.n - head - (sizeof open - 1)};
		end = memmem(rest.p, rest.n, close, sizeof close - 1);
		if (!end)
			return FAIL(e, USAGE, "a mark is not closed by%s", close);
		name = (struct str){rest.p, (size_t)(end - rest.p)};
		snprintf(last, sizeof last, "<!-- end of %.*s -->", (int)MIN2(name.n, (size_t)64),
		        name.p);
		after = memmem(rest.p, rest.n, last, strlen(last));
		if (!after)
			return FAIL(e, USAGE, "\"%s\" is missing", last);
		buf_fmt(out, "%s%.*s%s\n", open, STR_ARG(name), close);
		TRY(put_part(name, out, e), e);
		buf_fmt(out, "\n%s", last);
		text = (struct str){
		        after + strlen(last), text.n - (size_t)(after + strlen(last) - text.p)};
		*count += 1;
	}
	return buf_ok(out) || FAIL(e, TOO_LARGE, "more than %u bytes", DOC_MAX);
}

static bool read_all(const char *path, struct buf *out, struct err *e)
{
	FILE *f = fopen(path, "r");
	char part[4096];
	size_t n;

	if (!f)
		return FAIL(e, IO, "%s cannot be opened", path);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_put(out, part, n);
	fclose(f);
	return buf_ok(out) || FAIL(e, TOO_LARGE, "%s has more than %u bytes", path, DOC_MAX);
}

static bool write_all(const char *path, struct str text, struct err *e)
{
	FILE *f = fopen(path, "w");
	bool ok = f && fwrite(text.p, 1, text.n, f) == text.n;

	ok = f && fclose(f) == 0 && ok;
	return ok || FAIL(e, IO, "%s cannot be written", path);
}

static bool one_file(const char *path, bool check, bool *stale, struct err *e)
{
	OWN(buf_done) struct buf old, fresh;
	size_t count;

	buf_init(&old, DOC_MAX);
	buf_init(&fresh, DOC_MAX);
	TRY(read_all(path, &old, e), e);
	TRY(renew(buf_view(&old), &fresh, &count, e), e);
	*stale = !str_eq(buf_view(&old), buf_view(&fresh));
	if (*stale && check)
		printf("%s: stale; run `make docs`\n", path);
	if (*stale && !check) {
		TRY(write_all(path, buf_view(&fresh), e), e);
		printf("%s: %zu parts made anew\n", path, count);
	}
	return true;
}

int main(int argc, char **argv)
{
	bool check = argc > 1 && strcmp(argv[1], "--check") == 0, stale;
	int passed = 0, failed = 0;
	struct err e = {0};

	if (argc < 2 + check) {
		fprintf(stderr, "usage: gen_docs [--check] FILE... | --man DIR\n");
		return 2;
	}
	if (argc == 3 && strcmp(argv[1], "--man") == 0) {
		if (write_man_pages(argv[2], &e))
			return 0;
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	if (!exits_agree(&e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (int i = 1 + check; i < argc; i++) {
		if (!one_file(argv[i], check, &stale, &e)) {
			fprintf(stderr, "%s: %s\n", argv[i], e.msg);
			return 1;
		}
		passed += !(stale && check);
		failed += stale && check;
	}
	if (check)
		printf("docs-check: %d passed, %d failed\n", passed, failed);
	return failed > 0;
}
