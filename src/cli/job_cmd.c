/* job_cmd.c - `lilypad job …` and `lilypad deal show`: what the creator's store and the servers tell. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/job_end.h"
#include "cli/output_fetch.h"
#include "cli/output.h"
#include "cli/receipt_write.h"
#include "cli/remote.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/file.h"

enum { LIST_MAX = 100000, EVENTS_MAX = 10000 };

/* ---- a job in words -------------------------------------------------------------------------------- */

static const char *when(uint64_t ms, char out[WALL_TEXT_MAX])
{
	out[0] = '\0';
	if (ms)
		wall_format((struct wall){(int64_t)ms}, out);
	return out;
}

/* Token units for people, if the network in use (NULL: none) says how many decimals they have. */
static const char *money(
        const struct network_file *n, struct amount a, char out[AMOUNT_DEC_MAX + 40])
{
	size_t at;

	if (!n) {
		amount_format(a, out);
		return out;
	}
	at = amount_format_display(a, n->genesis.decimals, out);
	snprintf(out + at, 20, " %s", n->genesis.symbol);
	return out;
}

/* The job that the command line names. */
static bool named(struct cli *c, struct job_store *s, struct creator_job *j, struct err *e)
{
	if (c->args.positional_n != 1)
		return FAIL(e, USAGE, "which job? lilypad %s JOB", c->command->name);
	TRY(job_store_open(c, s, e), e);
	TRY(job_find(s, c->args.positional[0], j, e), e);
	return true;
}

/* ---- list ------------------------------------------------------------------------------------------ */

struct list {
	struct creator_job *v;
	size_t n, cap;
};

static bool collect(void *ctx, const void *row)
{
	struct list *l = ctx;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct creator_job *v = cap > LIST_MAX ? NULL : reallocarray(l->v, cap, sizeof *v);

		if (!v)
			return false;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = *(const struct creator_job *)row;
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct creator_job *x = a, *y = b;

	return x->created_ms < y->created_ms ? 1 : x->created_ms > y->created_ms ? -1 : 0;
}

static void print_list(struct cli *c, const struct list *l)
{
	json_t *out = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const struct creator_job *j = &l->v[i];
		char t[WALL_TEXT_MAX], name[JOB_NAME_MAX];

		if (c->json)
			json_array_append_new(out, creator_job_json(j));
		else if (c->jsonl)
			cli_print_json(creator_job_json(j));
		else
			cli_print("%s  %-10s %-16s %-20s %s\n", job_name(&j->id, name),
			        sm_name(&job_states, j->state), j->module,
			        j->status ? enum_name(&status_names, j->status) : "",
			        when(j->created_ms, t));
	}
	if (c->json)
		cli_print_json(json_pack("{s:O}", "jobs", out));
	else if (l->n == 0)
		cli_say(c, "no job yet: `lilypad run cowsay -i Message=moo` buys one");
	json_decref(out);
}

int cmd_job_list(struct cli *c)
{
	struct job_store s OWN(job_store_close) = {0};
	struct list l = {0};
	struct err e;

	if (!job_store_open(c, &s, &e) ||
	        !s.store.each(s.store.self, creator_job_record(), NULL, NULL, collect, &l, &e)) {
		free(l.v);
		return cli_fail(c, &e);
	}
	if (l.n)
		qsort(l.v, l.n, sizeof *l.v, newest_first);
	print_list(c, &l);
	free(l.v);
	return 0;
}

/* ---- show ------------------------------------------------------------------------------------------ */

/* Rows in order of n: the key is (job, n), so a look-up each; a gap is the end. */
static json_t *timeline(const struct job_store *s, const struct hash *job)
{
	json_t *list = json_array();
	struct creator_event row;
	char t[WALL_TEXT_MAX];
	struct err e;

	for (uint64_t n = 1; n <= EVENTS_MAX; n++) {
		memset(&row, 0, sizeof row);
		row.job = *job;
		row.n = n;
		if (!s->store.get(s->store.self, creator_event_record(), &row, &e))
			break;
		json_array_append_new(
		        list, json_pack("{s:s, s:s, s:o, s:I}", "time", when(row.wall_ms, t),
		                      "event", row.name, "text", json_of_str(str_of(row.text)),
		                      "wallMs", (json_int_t)row.wall_ms));
	}
	return list;
}

static void print_timeline(const json_t *list)
{
	json_int_t first = 0;
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row) {
		json_int_t ms = json_integer_value(json_object_get(row, "wallMs"));

		if (i == 0)
			first = ms;
		cli_print("  %s  +%6lld.%03lld s  %-12s %s\n",
		        json_string_value(json_object_get(row, "time")), (ms - first) / 1000,
		        (ms - first) % 1000, json_string_value(json_object_get(row, "event")),
		        json_string_value(json_object_get(row, "text")));
	}
}

static void print_job(const struct network_file *n, const struct creator_job *j)
{
	char text[AMOUNT_DEC_MAX + 40], hex[HASH_TEXT_MAX], addr[ADDR_TEXT_MAX];

	hash_format(&j->id, hex);
	cli_print("job       %s\nmodule    %s\nstate     %s, attempt %u\n", hex, j->module,
	        sm_name(&job_states, j->state), j->attempt);
	if (!hash_is_zero(&j->deal)) {
		hash_format(&j->deal, hex);
		addr_format(&j->provider, addr);
		cli_print("deal      %s, %s\nprovider  %s\n", hex,
		        j->ledger ? sm_name(&deal_states, j->ledger) : "not on the ledger yet",
		        addr);
	}
	if (j->status)
		cli_print("result    %s, exit status %d, %llu instructions, %llu bytes\n",
		        enum_name(&status_names, j->status), (int)j->exit_code,
		        (unsigned long long)j->count, (unsigned long long)j->bytes);
	cli_print("ceiling   %s\n", money(n, j->pay, text));
	cli_print("paid      %s\n", money(n, j->cost, text));
	if (j->out[0])
		cli_print("output    %s\n", j->out);
	if (j->audit)
		cli_print("audit     %s, drawn with probability %g%s%s\n", job_audit_name(j->audit),
		        (double)j->audit_ppm / PPM_ONE, j->claim ? ", claim " : "",
		        j->claim ? enum_name(&ruling_names, j->claim) : "");
	if (j->error)
		cli_print("why       %s  %s\n", err_name((enum err_code)j->error), j->why);
}

int cmd_job_show(struct cli *c)
{
	struct job_store s OWN(job_store_close) = {0};
	struct creator_job j;
	struct network_file n;
	json_t *events OWN(json_own) = NULL;
	json_t *out;
	struct err e;

	if (!named(c, &s, &j, &e))
		return cli_fail(c, &e);
	events = timeline(&s, &j.id);
	if (c->json) {
		out = creator_job_json(&j);
		json_object_set(out, "timeline", events);
		cli_print_json(out);
		return 0;
	}
	print_job(network_load(c, &n, &e) ? &n : NULL, &j);
	cli_print("\n");
	print_timeline(events);
	return 0;
}

/* ---- logs, get ------------------------------------------------------------------------------------- */

/* OUT/NAME as the job left it. */
static bool read_out(const struct creator_job *j, const char *name, struct buf *out, struct err *e)
{
	char path[CLI_PATH_MAX + 16], id[JOB_NAME_MAX];

	job_name(&j->id, id);
	buf_init(out, STDOUT_MAX);
	snprintf(path, sizeof path, "%.1000s/%s", j->out, name);
	if (file_read(path, STDOUT_MAX, out, e))
		return true;
	if (!sm_is_final(&job_states, j->state)) {
		FAIL(e, STATE, "the job is %s: it has no output yet",
		        sm_name(&job_states, j->state));
		return err_hint(e, "lilypad job watch %s", id);
	}
	if (hash_is_zero(&j->tree)) {
		FAIL(e, STATE, "job %s is %s and has no output", id,
		        sm_name(&job_states, j->state));
		return err_hint(e, "lilypad job show %s", id);
	}
	return err_hint(e, "lilypad job get %s -O ./lilypad-%s", id, id);
}

int cmd_job_logs(struct cli *c)
{
	struct job_store s OWN(job_store_close) = {0};
	struct buf out OWN(buf_done) = {0};
	struct buf err OWN(buf_done) = {0};
	struct creator_job j;
	struct err e;

	if (!named(c, &s, &j, &e) || !read_out(&j, "stdout", &out, &e) ||
	        !read_out(&j, "stderr", &err, &e))
		return cli_fail(c, &e);
	if (c->json) {
		cli_print_json(json_pack("{s:o, s:o, s:o}", "id", json_of_hash(&j.id), "stdout",
		        json_of_str(buf_view(&out)), "stderr", json_of_str(buf_view(&err))));
		return 0;
	}
	if (!cli_put(stdout, buf_view(&out)) || fflush(stdout) != 0 ||
	        !cli_put(stderr, buf_view(&err))) {
		FAIL(&e, IO, "standard output is closed");
		return cli_fail(c, &e);
	}
	return 0;
}

static bool copy_own(const struct creator_job *j, const char *to, struct err *e)
{
	return strcmp(to, j->out) == 0 || output_copy(j->out, to, e);
}

/* The folder that the job wrote to, or else the directory's copy and a receipt made anew. After an end with an
 * error the receipt is given whether or not there is an output still. */
static bool get_output(struct cli *c, const struct job_store *s, const struct creator_job *j,
        const char *to, struct err *e)
{
	char path[CLI_PATH_MAX + 16];
	bool got;

	got = job_output_there(j, true) ? copy_own(j, to, e) : output_fetch(c, s, j, to, e);
	if (!got && job_output_there(j, false))
		got = copy_own(j, to, e);
	if (!got && !(j->error && receipt_is_of(j)))
		return false;
	if (!got)
		cli_say(c, "no output: %s", e->msg);
	job_leave_receipt(c, &s->store, j, to, path);
	return true;
}

/* What was got, and how the job ended. */
static int say_got(struct cli *c, const struct creator_job *j, const char *to)
{
	struct err why;
	bool failed = sm_is_final(&job_states, j->state) && job_error(j, &why);

	if (c->json) {
		json_t *out = json_pack("{s:o, s:s}", "id", json_of_hash(&j->id), "output", to);

		if (failed)
			json_object_set_new(out, "error", err_to_json(&why));
		cli_print_json(out);
		return failed ? err_exit(why.code) : 0;
	}
	printf("%s\n", to);
	if (failed)
		cli_say(c, "this is the %s", job_output_name(j));
	return failed ? cli_fail(c, &why) : 0;
}

int cmd_job_get(struct cli *c)
{
	const char *to = args_get(&c->args, "output");
	struct job_store s OWN(job_store_close) = {0};
	char fresh[32], name[JOB_NAME_MAX];
	struct creator_job j;
	struct err e;

	if (!named(c, &s, &j, &e))
		return cli_fail(c, &e);
	snprintf(fresh, sizeof fresh, "./lilypad-%s", job_name(&j.id, name));
	if (!to)
		to = j.out[0] ? j.out : fresh;
	if (!get_output(c, &s, &j, to, &e))
		return cli_fail(c, &e);
	return say_got(c, &j, to);
}

/* ---- explain --------------------------------------------------------------------------------------- */

static bool explain(struct cli *c, const struct creator_job *j, json_t **out, struct err *e)
{
	char path[HASH_TEXT_MAX + 20], hex[HASH_TEXT_MAX];
	struct network_file n;

	TRY(network_load(c, &n, e), e);
	hash_format(&j->offer, hex);
	snprintf(path, sizeof path, "/v1/explain/%s", hex);
	return remote_get(c, settings_text(c->settings, "solver.url"), path, out, e);
}

int cmd_job_explain(struct cli *c)
{
	struct job_store s OWN(job_store_close) = {0};
	json_t *j OWN(json_own) = NULL;
	struct creator_job job;
	struct err e;
	const json_t *list, *row;
	size_t i;

	if (!named(c, &s, &job, &e))
		return cli_fail(c, &e);
	if (job.state != JOB_POSTED) {
		FAIL(&e, STATE, "the job is %s: only one that waits for a match is explained",
		        sm_name(&job_states, job.state));
		err_hint(&e, "lilypad job show %s", c->args.positional[0]);
		return cli_fail(c, &e);
	}
	if (!explain(c, &job, &j, &e))
		return cli_fail(c, &e);
	if (c->json) {
		cli_print_json(json_incref(j));
		return 0;
	}
	list = json_object_get(j, "providers");
	if (json_array_size(list) == 0)
		cli_print("no provider has an offer in the book now\n");
	json_array_foreach (list, i, row) {
		cli_print("%s  %-16s %-6s %s\n", json_text(row, "provider"),
		        json_text(row, "reason"), json_text(row, "clause"), json_text(row, "text"));
	}
	return 0;
}

/* ---- deal ------------------------------------------------------------------------------------------ */

static json_t *deal_json(const struct creator_deal *d, const json_t *ledger)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O}", "id", json_of_hash(&d->id),
	        "job", json_of_hash(&d->job), "deal", record_to_json(deal_record(), &d->deal),
	        "jobCreatorSignature", json_of_sig(&d->jc_sig), "providerSignature",
	        d->rp_sig.n ? json_of_sig(&d->rp_sig) : json_null(), "match",
	        record_to_json(match_record(), &d->match), "matchSignature",
	        d->match_sig.n ? json_of_sig(&d->match_sig) : json_null(), "ledger", ledger);
}

static void print_deal(
        const struct network_file *n, const struct creator_deal *d, const json_t *ledger)
{
	const struct hot *h = &d->deal.hot;
	char hex[HASH_TEXT_MAX], text[AMOUNT_DEC_MAX + 40];
	const struct {
		const char *name;
		struct addr who;
	} parties[] = {{"creator", h->job_creator}, {"provider", h->provider},
	        {"solver", h->solver}, {"author", h->author},
	        {"directory", d->deal.cold.directory}};
	const struct {
		const char *name;
		struct amount v;
	} sums[] = {{"ceiling", h->pay}, {"job bond", h->job_bond}, {"result bond", h->result_bond},
	        {"base price", h->base}, {"per instruction", h->per_instruction},
	        {"per byte", h->per_byte}};

	hash_format(&d->id, hex);
	cli_print("%-16s %s\n", "deal", hex);
	for (size_t i = 0; i < COUNT(parties); i++) {
		if (!addr_is_zero(&parties[i].who)) {
			addr_format(&parties[i].who, text);
			cli_print("%-16s %s\n", parties[i].name, text);
		}
	}
	for (size_t i = 0; i < COUNT(sums); i++)
		cli_print("%-16s %s\n", sums[i].name, money(n, sums[i].v, text));
	cli_print("%-16s %llu instructions, %llu bytes\n", "limits",
	        (unsigned long long)h->instruction_limit, (unsigned long long)h->byte_limit);
	cli_print("%-16s agree %llu s, submit %llu s, judge %llu s, mediate %llu s\n", "clocks",
	        (unsigned long long)h->agree_timeout.s, (unsigned long long)h->submit_timeout.s,
	        (unsigned long long)h->judge_timeout.s, (unsigned long long)h->mediate_timeout.s);
	cli_print("%-16s creator %s, provider %s, match %s\n", "signatures",
	        d->jc_sig.n ? "yes" : "no", d->rp_sig.n ? "yes" : "not seen yet",
	        d->match_sig.n ? "yes" : "no");
	cli_print("%-16s %s\n", "ledger",
	        json_is_object(ledger) ? json_string_value(json_object_get(ledger, "state"))
	                               : "not known there");
}

int cmd_deal_show(struct cli *c)
{
	struct job_store s OWN(job_store_close) = {0};
	json_t *events OWN(json_own) = NULL;
	json_t *ledger OWN(json_own) = NULL;
	struct creator_deal d = {0};
	struct network_file n;
	bool known;
	json_t *out;
	struct err e;

	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "which deal? lilypad deal show JOB|DEAL");
		return cli_fail(c, &e);
	}
	if (!job_store_open(c, &s, &e) || !job_find_deal(&s, c->args.positional[0], &d, &e))
		return cli_fail(c, &e);
	known = network_load(c, &n, &e);
	/* A ledger that does not know the deal (yet) or cannot be asked is null: the deal is shown all the
	 * same. */
	if (!known || !remote_deal(c, &d.id, &ledger, &e)) {
		if (e.code != E_NOT_FOUND)
			cli_say(c, "the ledger cannot be asked: %s", e.msg);
		ledger = json_null();
	}
	events = timeline(&s, &d.job);
	if (c->json) {
		out = deal_json(&d, ledger);
		json_object_set(out, "timeline", events);
		cli_print_json(out);
		return 0;
	}
	print_deal(known ? &n : NULL, &d, ledger);
	cli_print("\n");
	print_timeline(events);
	return 0;
}
