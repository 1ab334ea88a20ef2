/* run.c - `lilypad run`: the job creator's role inside one command, with a status line. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/buy.h"
#include "cli/job_build.h"
#include "cli/job_end.h"
#include "cli/job_find.h"
#include "cli/output.h"
#include "cli/output_fetch.h"
#include "cli/output_place.h"
#include "cli/receipt_write.h"
#include "cli/remote.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/unixfs.h"
#include "os/clock.h"
#include "os/file.h"

enum { SECOND_CTRL_C_MS = 2000, WATCH_MS = 100 };

struct running {
	struct cli *c;
	struct daemon d;
	struct creator *creator;
	struct host *host;
	struct hash job; /* zero: not known yet */
	char to[1024];   /* where the output goes by this command line; empty: as the job says */
	bool failed;
	struct err why; /* of a failure before there was a job */
	uint64_t phase_ms;
	bool live_line; /* a line without its end is on the terminal */
	uv_signal_t sigint;
	uv_timer_t leave;
	int interrupts;
};

/* ---- what is shown ---------------------------------------------------------------------------------- */

static void end_line(struct running *r)
{
	if (r->live_line)
		fputc('\n', stderr);
	r->live_line = false;
}

static void show_phase(struct running *r, const char *event, const char *text, uint64_t ms)
{
	double took = r->phase_ms ? (double)(ms - r->phase_ms) / 1000 : 0;
	struct buf clean OWN(buf_done) = {0};

	if (r->c->quiet || r->c->json || r->c->jsonl)
		return;
	if (cli_is_terminal()) {
		/* Solver and provider have a word in it. */
		buf_init(&clean, 4096);
		cli_shown(str_of(text), &clean);
		text = buf_cstr(&clean);
		fprintf(stderr, "\r\033[K  %-10s %5.2fs  %.100s", event, took, text);
		r->live_line = true;
		if (strcmp(event, "DONE") == 0 || strcmp(event, "FAILED") == 0)
			end_line(r);
	} else {
		fprintf(stderr, "  %-10s %5.2fs  %s\n", event, took, text);
	}
	fflush(stderr);
	r->phase_ms = ms;
}

static void on_job(struct running *r, const json_t *j, struct str raw)
{
	const char *event = json_string_value(json_object_get(j, "event"));
	const char *text = json_string_value(json_object_get(j, "text"));
	char name[JOB_NAME_MAX];
	struct hash h;
	struct err e;

	if (r->c->jsonl) {
		printf("%.*s\n", STR_ARG(raw));
		fflush(stdout);
	}
	if (!json_get_hash(j, "id", &h, &e))
		return;
	if (hash_is_zero(&r->job)) {
		r->job = h;
		cli_say(r->c, "job %s · %s · detach with Ctrl-C", job_name(&h, name),
		        json_string_value(json_object_get(j, "module")));
	}
	show_phase(r, event ? event : "?", text ? text : "",
	        (uint64_t)json_integer_value(json_object_get(j, "wallMs")));
}

static void on_emit(void *ctx, const char *name, struct str data)
{
	struct running *r = ctx;
	json_t *j OWN(json_own) = NULL;
	struct err e;

	if (strcmp(name, "error") == 0) {
		r->failed = true;
		if (!err_from_json(data, &r->why))
			FAIL(&r->why, INTERNAL, "the job was not started");
		return;
	}
	if (strcmp(name, "job") == 0 && json_parse(data, &j, &e))
		on_job(r, j, data);
}

/* ---- before anything is signed ----------------------------------------------------------------------- */

static void show_amount(const struct daemon *d, struct amount a, char *out, size_t n)
{
	char text[AMOUNT_DEC_MAX + 2];

	amount_format_display(a, d->network.genesis.decimals, text);
	snprintf(out, n, "%s %s", text, d->network.genesis.symbol);
}

static bool free_balance(struct running *r, struct amount *out, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	TRY(remote_account(r->c, &r->d.wallet.addr, &j, e), e);
	return account_amount(j, "free", out, e);
}

/* What others of its jobs draw now comes back; what the sums do not hold when nothing is open never will. */
static bool check_channel(
        struct running *r, const struct creator_request *req, struct amount need, struct err *e)
{
	const struct creator_channel *ch = &req->channel;
	bool ours = amount_cmp(ch->job, need) < 0;
	char a[128], b[128], id[HASH_TEXT_MAX];

	if (!ours && amount_cmp(ch->provider, req->offer.terms.result_bond) >= 0)
		return true;
	show_amount(&r->d, ours ? need : req->offer.terms.result_bond, a, sizeof a);
	show_amount(&r->d, ours ? ch->job : ch->provider, b, sizeof b);
	FAIL(e, FUNDS, "%s sum of the channel holds %s; this job draws %s. Nothing was sent",
	        ours ? "your" : "the provider's", b, a);
	if (!ours)
		return false;
	hash_format(&ch->id, id);
	return err_hint(
	        e, "lilypad channel top-up %s TOKENS, or --max-price for a smaller job", id);
}

static bool check_balance(struct running *r, const struct creator_request *req, struct err *e)
{
	const struct job_offer *o = &req->offer;
	struct amount need, have, missing;
	char a[128], b[128], m[128], who[ADDR_TEXT_MAX];

	if (!amount_add(o->terms.pay, o->terms.job_bond, &need))
		return FAIL(e, RANGE, "PAY + JB overflows");
	if (o->settlement == SETTLEMENT_CHANNEL)
		return check_channel(r, req, need, e);
	TRY(free_balance(r, &have, e), e);
	if (amount_cmp(have, need) >= 0)
		return true;
	if (!amount_sub(need, have, &missing))
		missing = need;
	show_amount(&r->d, need, a, sizeof a);
	show_amount(&r->d, have, b, sizeof b);
	show_amount(&r->d, missing, m, sizeof m);
	addr_format(&r->d.wallet.addr, who);
	FAIL(e, FUNDS,
	        "wallet %s (%s) has %s; this job locks %s (price ceiling and bond): short by %s. Nothing was sent",
	        r->d.wallet.name, who, b, a, m);
	return err_hint(e, "lilypad wallet fund %s, or --max-price for a smaller job",
	        r->d.network.genesis.test ? "100" : "AMOUNT");
}

/* 7.6: p as certainty. What the deal itself asks for is known with its result. */
static const char *certainty(const struct audit_policy *p, char out[96])
{
	double percent = (double)p->ppm / (PPM_ONE / 100);

	if (p->mode == AUDIT_NEVER)
		return "not checked";
	if (p->mode == AUDIT_RATE)
		snprintf(out, 96, "checked with a certainty of %.4g%%", percent);
	else
		snprintf(out, 96,
		        "checked with a certainty of at least %.4g%%, more where cheating could pay",
		        percent);
	return out;
}

static void quote(struct running *r, const struct job_spec *spec, const struct creator_request *req)
{
	char pay[128], bond[128], check[96];

	show_amount(&r->d, req->offer.terms.pay, pay, sizeof pay);
	show_amount(&r->d, req->offer.terms.job_bond, bond, sizeof bond);
	cli_say(r->c, "%s · at most %s, and %s held as a bond until the result is judged",
	        spec->name, pay, bond);
	if (req->offer.terms.seats)
		cli_say(r->c, "  %s", certainty(&req->check, check));
	else
		cli_say(r->c,
		        "  not checked: the network names no mediator, or the job is not deterministic");
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static bool print_stdout(const char *dir, struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	char path[CLI_PATH_MAX + 16];

	buf_init(&text, STDOUT_MAX);
	snprintf(path, sizeof path, "%s/stdout", dir);
	TRY(file_read(path, STDOUT_MAX, &text, e), e);
	if (!cli_put(stdout, buf_view(&text)))
		return FAIL(e, IO, "standard output is closed");
	fflush(stdout);
	return true;
}

/* true: the program did what it was bought for. */
static bool ended_well(const struct creator_job *j, struct err *e)
{
	if (j->status == STATUS_COMPLETED && j->exit_code == 0)
		return true;
	if (j->status == STATUS_COMPLETED)
		FAIL(e, JOB_STATUS, "the program exited with status %u; its output is kept",
		        j->exit_code);
	else if (j->status == STATUS_EXCEPTION_OCCURRED)
		FAIL(e, JOB_STATUS, "the program trapped; what it wrote until then is kept");
	else
		FAIL(e, JOB_LIMIT, "the job was stopped: %s; what it wrote until then is kept",
		        enum_name(&status_names, j->status));
	amount_format(j->cost, e->charged);
	return false;
}

/* Each process has blobs of its own: what another one fetched is where that one wrote it, or else at the
 * directory. */
static bool write_output(
        struct running *r, const struct creator_job *j, const char *to, struct err *e)
{
	struct job_store s = {.store = r->d.world.store};
	struct cid root = cid_tree(&j->tree);

	if (r->d.world.blobs.has(r->d.world.blobs.self, &root))
		return output_write(&r->d.world.blobs, &root, to, e);
	if (job_output_there(j, true))
		return strcmp(to, j->out) == 0 || output_copy(j->out, to, e);
	return output_fetch(r->c, &s, j, to, e);
}

static bool give_output(
        struct running *r, const struct creator_job *j, const char *to, struct err *e)
{
	if (hash_is_zero(&j->tree))
		return true;
	TRY(write_output(r, j, to, e), e);
	return r->c->json || r->c->jsonl || print_stdout(to, e);
}

/* Output and receipt, after whatever ending; true: the job did what it was bought for. */
static bool deliver(struct running *r, const struct creator_job *j, struct err *e)
{
	const char *to = r->to[0] ? r->to : j->out;
	char receipt[CLI_PATH_MAX + 16], cost[128];
	bool failed = job_error(j, e), given;
	struct err why;

	given = give_output(r, j, to, &why);
	if (!given && !failed) {
		*e = why;
		return false;
	}
	if (!given)
		cli_say(r->c, "  no output: %s", why.msg);
	job_leave_receipt(r->c, &r->d.world.store, j, to, receipt);
	show_amount(&r->d, j->cost, cost, sizeof cost);
	if (given && !hash_is_zero(&j->tree))
		cli_say(r->c, "  paid %s · %s in %s%s%s", cost, job_output_name(j), to,
		        receipt[0] ? " · lilypad verify " : "", receipt);
	else
		cli_say(r->c, "  paid %s%s%s", cost, receipt[0] ? " · lilypad verify " : "",
		        receipt);
	return !failed && (hash_is_zero(&j->tree) || ended_well(j, e));
}

/* What became of a job: 0, or the exit code of what went wrong. With --json one object says both. */
static int say_end(struct running *r, const struct creator_job *j, const struct err *why)
{
	int rc = why ? err_exit(why->code) : 0;

	if (r->c->json) {
		json_t *out = json_pack(
		        "{s:s, s:o}", "schema", "lilypad.job/1", "job", creator_job_json(j));

		if (why)
			json_object_set_new(out, "error", err_to_json(why));
		cli_print_json(out);
	} else if (why && why->code != E_DETACHED) {
		cli_fail(r->c, why);
	}
	if (j->status == STATUS_COMPLETED && args_has(&r->c->args, "propagate-exit") && why &&
	        why->code == E_JOB_STATUS)
		return (int)(j->exit_code & 0xff);
	return rc;
}

static int goes_on(struct running *r, const struct creator_job *j)
{
	char name[JOB_NAME_MAX];
	struct err e;

	job_name(&j->id, name);
	cli_say(r->c, "job %s goes on: lilypad job watch %s · lilypad job cancel %s", name, name,
	        name);
	if (args_has(&r->c->args, "detach"))
		return say_end(r, j, NULL);
	FAIL(&e, DETACHED, "detached: the job goes on");
	return say_end(r, j, &e);
}

static int conclude(struct running *r)
{
	struct creator_job j = {.id = r->job};
	struct err e;

	end_line(r);
	if (r->failed)
		return cli_fail(r->c, &r->why);
	if (hash_is_zero(&r->job)) {
		FAIL(&e, UNREACHABLE, "the solver at %s does not answer", r->d.solver.url);
		err_hint(&e, "lilypad solver starts it, lilypad up a whole network");
		return cli_fail(r->c, &e);
	}
	if (!r->d.world.store.get(r->d.world.store.self, creator_job_record(), &j, &e))
		return cli_fail(r->c, &e);
	if (!sm_is_final(&job_states, j.state))
		return goes_on(r, &j);
	if (receipt_is_of(&j))
		return say_end(r, &j, deliver(r, &j, &e) ? NULL : &e);
	if (!job_error(&j, &e))
		return say_end(r, &j, NULL);
	if (j.error == E_MATCH_NONE || j.error == E_PRICE_LOW)
		err_hint(&e,
		        "--queue 10m waits longer, --max-price pays more, `lilypad job explain` tells all");
	return say_end(r, &j, &e);
}

/* ---- Ctrl-C: once detaches, twice cancels while that is free ------------------------------------------- */

static void on_leave(uv_timer_t *t)
{
	struct running *r = t->data;

	host_stop(r->host);
	uv_stop(&r->d.loop);
}

static void on_sigint(uv_signal_t *s, int signum)
{
	struct running *r = s->data;

	(void)signum;
	end_line(r);
	if (r->interrupts++ == 0) {
		cli_say(r->c,
		        "detaching; Ctrl-C again within 2 s cancels the job if that is still free");
		uv_timer_start(&r->leave, on_leave, SECOND_CTRL_C_MS, 0);
		return;
	}
	uv_timer_stop(&r->leave);
	creator_cancel(r->creator);
	uv_timer_start(&r->leave, on_leave, 2 * SECOND_CTRL_C_MS, 0);
}

static int loop(struct running *r)
{
	struct err e;
	int code;

	uv_signal_init(&r->d.loop, &r->sigint);
	uv_timer_init(&r->d.loop, &r->leave);
	r->sigint.data = r->leave.data = r;
	uv_signal_start(&r->sigint, on_sigint, SIGINT);
	if (!host_start(r->host, &e))
		return cli_fail(r->c, &e);
	uv_run(&r->d.loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&r->sigint, NULL);
	uv_close((uv_handle_t *)&r->leave, NULL);
	if (host_failed(r->host, &r->why)) {
		char name[JOB_NAME_MAX];

		r->failed = true;
		if (!hash_is_zero(&r->job))
			err_hint(&r->why, "%s: `lilypad job watch %s` goes on with the job",
			        r->why.hint, job_name(&r->job, name));
	}
	if (host_exited(r->host, &code) && code != 0 && !r->failed && hash_is_zero(&r->job))
		return code;
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static bool request(struct running *r, struct built_job *built, struct creator_config *config,
        struct creator_request *req, struct err *e)
{
	const struct args *a = &r->c->args;
	const char *out = args_get(a, "output"), *key = args_get(a, "idempotency-key");
	const char *target = args_get(a, "target");
	char cwd[CLI_PATH_MAX];

	req->spec = built->spec;
	TRY(buy_terms(&r->d, built->spec, &req->offer, e), e);
	if (target)
		TRY(addr_parse(str_of(target), &req->offer.target, e), e);
	TRY(buy_channel(&r->d, config, req, e), e);
	TRY(settings_span(r->c->settings, "job.queue", &req->queue, e), e);
	if (!audit_parse(str_of(settings_text(r->c->settings, "job.check")), &req->check, e)) {
		err_prefix(e, "job.check: ");
		return false;
	}
	snprintf(req->key, sizeof req->key, "%s", key ? key : "");
	if (out && out[0] == '/') {
		snprintf(req->out, sizeof req->out, "%s", out);
		return true;
	}
	if (!getcwd(cwd, sizeof cwd))
		return FAIL(e, IO, "the working directory is gone");
	if (out) {
		snprintf(req->out, sizeof req->out, "%.700s/%.300s", cwd, out);
	} else {
		uint8_t id[4];

		r->d.world.rng.fill(r->d.world.rng.self, id, sizeof id);
		snprintf(req->out, sizeof req->out, "%.900s/lilypad-%.40s-%02x%02x%02x%02x", cwd,
		        built->spec->name, id[0], id[1], id[2], id[3]);
	}
	return true;
}

/* The role drives what `config` names until nothing of it is left. */
static int drive(struct running *r, struct creator_config *config)
{
	int lock = -1, rc;
	unsigned how;
	struct err e;

	if (!daemon_misbehaves(&r->d, &how, &e) || !buy_own(&r->d, config->owner, &lock, &e))
		return cli_fail(r->c, &e);
	config->exit_when_done = true;
	if (!creator_new(&r->d.world, config, &r->creator, &e))
		return cli_fail(r->c, &e);
	r->d.options.role = creator_misbehaving(r->creator, (enum creator_misbehaviour)how);
	r->d.options.listen_ip = NULL;
	r->d.options.on_emit = on_emit;
	r->d.options.emit_ctx = r;
	if (!host_new(&r->d.options, &r->host, &e))
		return cli_fail(r->c, &e);
	r->d.hosted = true;
	rc = loop(r);
	host_free(r->host);
	if (rc == 0)
		rc = conclude(r);
	if (lock >= 0)
		close(lock);
	return rc;
}

static int buy(struct running *r, struct creator_request *req, struct creator_config *config)
{
	struct err e;

	if (!output_place_check(req->out, &e) || !check_balance(r, req, &e))
		return cli_fail(r->c, &e);
	if (req->check.mode != AUDIT_NEVER && !buy_engine(&r->d, config, &e))
		return cli_fail(r->c, &e);
	config->first = req;
	config->detach = args_has(&r->c->args, "detach");
	return drive(r, config);
}

/* Another process drives it: its steps are in the store. */
static int watch_store(struct running *r, struct creator_job *j)
{
	struct store *s = &r->d.world.store;
	uint8_t seen = 0;
	struct err e;

	while (!sm_is_final(&job_states, j->state)) {
		if (j->state != seen)
			cli_say(r->c, "  %s", sm_name(&job_states, j->state));
		seen = j->state;
		clock_sleep(span_ms(WATCH_MS));
		if (!s->get(s->self, creator_job_record(), j, &e))
			return cli_fail(r->c, &e);
		if (!buy_owner_alive(&r->d, j->owner))
			break;
	}
	return -1;
}

/* A job that is not over is watched while its process lives, and taken over when it does not. */
static int go_on(
        struct running *r, struct creator_job *j, struct creator_config *config, bool cancel)
{
	struct err e;

	if (!sm_is_final(&job_states, j->state) && buy_owner_alive(&r->d, j->owner)) {
		if (cancel) {
			FAIL(&e, CONFLICT, "another process of this machine drives the job");
			err_hint(&e, "press Ctrl-C twice there");
			return cli_fail(r->c, &e);
		}
		int rc = watch_store(r, j);
		if (rc >= 0)
			return rc;
	}
	if (sm_is_final(&job_states, j->state))
		return conclude(r);
	if (!buy_read_on(&r->d, config, &e) || !buy_engine(&r->d, config, &e))
		return cli_fail(r->c, &e);
	config->resume = j->id;
	config->cancel_at_once = cancel;
	return drive(r, config);
}

/* The key names a job of before: its end is told, or it is gone on with. */
static int same_job(struct running *r, struct creator_job *j, struct creator_config *config,
        const struct creator_request *req)
{
	r->job = j->id;
	if (args_get(&r->c->args, "output"))
		snprintf(r->to, sizeof r->to, "%s", req->out);
	cli_say(r->c, "the key %s names a job that was started before", j->key);
	return go_on(r, j, config, false);
}

static int run(struct running *r, const char *module)
{
	struct creator_config config = {0};
	struct creator_request *req = calloc(1, sizeof *req);
	struct built_job built = {0};
	const char *key = args_get(&r->c->args, "idempotency-key");
	struct creator_job before;
	bool found = false;
	struct err e;
	int rc;

	assert(req);
	if (!job_build(r->c, &r->d.world.blobs, module, &built, &e) ||
	        !buy_prepare(&r->d, &config, &e) || !request(r, &built, &config, req, &e) ||
	        !creator_job_by_key(&r->d.world.store, key ? key : "", &before, &found, &e)) {
		rc = cli_fail(r->c, &e);
	} else if (found) {
		rc = same_job(r, &before, &config, req);
	} else {
		quote(r, built.spec, req);
		if (args_has(&r->c->args, "dry-run"))
			rc = output_place_check(req->out, &e) && check_balance(r, req, &e)
			             ? 0
			             : cli_fail(r->c, &e);
		else
			rc = buy(r, req, &config);
	}
	free(req);
	built_job_done(&built);
	return rc;
}

int cmd_run(struct cli *c)
{
	struct running *r = calloc(1, sizeof *r);
	struct err e;
	int rc;

	assert(r);
	r->c = c;
	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "run takes one module, %zu words are given", c->args.positional_n);
		err_hint(&e, "lilypad run cowsay -i Message=moo");
		free(r);
		return cli_fail(c, &e);
	}
	if (!daemon_open(&r->d, c, "creator", NULL, creator_tables,
	            DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT | DAEMON_SHARED, &e))
		rc = cli_fail(c, &e);
	else
		rc = run(r, c->args.positional[0]);
	if (r->d.wallet.fresh)
		cli_say(c, "  a key was made for you: %s", r->d.wallet.path);
	daemon_close(&r->d);
	creator_free(r->creator);
	free(r);
	return rc;
}

/* ---- jobs of before ------------------------------------------------------------------------------------ */

static int resume(struct running *r, const char *text, bool cancel)
{
	struct creator_config config = {0};
	struct creator_job j;
	struct job_store store = {.store = r->d.world.store};
	struct err e;

	if (!job_find(&store, text, &j, &e) || !buy_prepare(&r->d, &config, &e))
		return cli_fail(r->c, &e);
	r->job = j.id;
	return go_on(r, &j, &config, cancel);
}

static int on_job_command(struct cli *c, bool cancel)
{
	struct running *r = calloc(1, sizeof *r);
	struct err e;
	int rc;

	assert(r);
	r->c = c;
	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "which job? `lilypad job list` shows them");
		rc = cli_fail(c, &e);
	} else if (!daemon_open(&r->d, c, "creator", NULL, creator_tables,
	                   DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT | DAEMON_SHARED, &e)) {
		rc = cli_fail(c, &e);
	} else {
		rc = resume(r, c->args.positional[0], cancel);
	}
	daemon_close(&r->d);
	creator_free(r->creator);
	free(r);
	return rc;
}

int cmd_job_watch(struct cli *c)
{
	return on_job_command(c, false);
}

int cmd_job_cancel(struct cli *c)
{
	return on_job_command(c, true);
}
