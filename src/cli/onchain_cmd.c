/* onchain_cmd.c - `lilypad onchain`: buys the jobs that contracts order (docs/contracts.md), as their judge: the
 * job creator's role, fed with the orders of a contract of jobs; and what goes before, `onchain deploy` and
 * `onchain prepare`. */
#include <stdio.h>
#include <stdlib.h>

#include "blobs/http_tree.h"
#include "chain/evm_jobs.h"
#include "cli/buy.h"
#include "cli/chain.h"
#include "cli/job_build.h"
#include "cli/misbehave.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "os/clock.h"
#include "port/spec.h"

enum {
	ORDERS_MAX = 256, /* that are looked at and not bought yet: more wait */
	AGAIN_MS = 5000,  /* after an order could not be bought; doubled each time */
	AGAIN_TIMES = 6
};

/* ---- deploy ------------------------------------------------------------------------------------------------ */

static bool on_chain(const struct network_file *n, struct err *e)
{
	if (n->chain_id)
		return true;
	FAIL(e, STATE, "the network %s has the embedded ledger: no contract can buy there",
	        n->name);
	return err_hint(e, "lilypad chain dev, or lilypad network import FILE");
}

int cmd_onchain_deploy(struct cli *c)
{
	const char *named = args_get(&c->args, "wallet");
	struct network_file n;
	struct wallet w = {0};
	struct addr made = {{0}};
	char text[ADDR_TEXT_MAX];
	struct err e;
	bool ok;

	ok = network_load(c, &n, &e) && on_chain(&n, &e) &&
	     wallet_open(c, named ? NULL : "operator", false, &w, &e) &&
	     chain_deploy_jobs(c, &w, &n, &made, &e);
	wallet_close(&w);
	if (!ok)
		return cli_fail(c, &e);
	addr_format(&made, text);
	if (c->json)
		cli_print_json(json_pack("{s:s}", "contract", text));
	cli_say(c, "contracts buy jobs at %s; their judge runs", text);
	cli_say(c, "  lilypad onchain --contract %s", text);
	return 0;
}

/* ---- prepare ----------------------------------------------------------------------------------------------- */

struct pushing {
	struct daemon *d;
	unsigned waiting;
	bool failed;
	struct err err;
};

static void on_pushed(void *self, const struct tree_done *t)
{
	struct pushing *p = self;

	p->waiting--;
	if (!t->ok && !p->failed) {
		p->failed = true;
		p->err = t->err;
	}
}

static void push(struct pushing *p, const struct cid *root)
{
	const struct inbox in = {.self = p, .tree = on_pushed};
	struct tree_port *t = &p->d->options.tree;

	p->waiting++;
	t->push(t->self, (struct tag){0}, p->d->directory.url, &p->d->directory.addr, root,
	        (struct bytes){NULL, 0}, &in);
}

static bool put_spec(struct daemon *d, const struct job_spec *spec, struct cid *out, struct err *e)
{
	struct buf text OWN(buf_done);

	buf_init(&text, BLOCK_MAX);
	record_canonical(job_spec_record(), spec, &text);
	if (!buf_ok(&text))
		return FAIL(e, TOO_LARGE, "the job spec takes more than %u bytes", BLOCK_MAX);
	*out = cid_of(CID_RAW, buf_bytes(&text));
	return d->world.blobs.put(d->world.blobs.self, out, buf_bytes(&text), e) &&
	       d->world.blobs.sync(d->world.blobs.self, e);
}

/* Spec, program and inputs to the directory, in the judge's name: where it looks for what is ordered. */
static bool store(struct daemon *d, const struct job_spec *spec, struct cid *root, struct err *e)
{
	struct pushing p = {.d = d};
	struct cid part;
	uint64_t max;

	TRY(put_spec(d, spec, root, e), e);
	TRY(http_tree_open(&d->loop, d->client, &d->world.blobs, &d->options.tree, e), e);
	push(&p, root);
	for (size_t i = 0; spec_part(spec, i, &part, &max); i++)
		push(&p, &part);
	while (p.waiting && uv_run(&d->loop, UV_RUN_ONCE))
		;
	if (p.failed)
		*e = p.err;
	return !p.failed;
}

static bool prepare(struct daemon *d, const char *module, struct err *e)
{
	struct built_job built OWN(built_job_done) = {0};
	char cid[CID_TEXT_MAX], text[HASH_TEXT_MAX], pay[AMOUNT_DEC_MAX + 2],
	        bond[AMOUNT_DEC_MAX + 2];
	struct job_offer offer = {.min_mutual = 0};
	unsigned decimals = d->network.genesis.decimals;
	struct cid root;

	TRY(on_chain(&d->network, e), e);
	TRY(job_build(d->cli, &d->world.blobs, module, &built, e), e);
	TRY(buy_terms(d, built.spec, &offer, e), e);
	TRY(store(d, built.spec, &root, e), e);
	cid_format(&root, cid);
	if (d->cli->json)
		cli_print_json(json_pack("{s:o, s:s, s:o, s:o, s:o}", "spec",
		        json_of_hash(&root.digest), "cid", cid, "judge",
		        json_of_addr(&d->wallet.addr), "pay", json_of_amount(offer.terms.pay),
		        "bond", json_of_amount(offer.terms.job_bond)));
	amount_format_display(offer.terms.pay, decimals, pay);
	amount_format_display(offer.terms.job_bond, decimals, bond);
	cli_say(d->cli, "%s is kept as %s; an order of it names", built.spec->name, cid);
	hash_format(&root.digest, text);
	cli_say(d->cli, "  spec  %s", text);
	addr_format(&d->wallet.addr, text);
	cli_say(d->cli, "  judge %s", text);
	cli_say(d->cli, "  pay   %s %s at most, bond %s", pay, d->network.genesis.symbol, bond);
	return true;
}

int cmd_onchain_prepare(struct cli *c)
{
	struct daemon d;
	struct err e;
	int rc = 0;

	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "which module? lilypad onchain prepare MODULE [-i KEY=VALUE]…");
		return cli_fail(c, &e);
	}
	if (!daemon_open(&d, c, "onchain", "judge", creator_tables,
	            DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT | DAEMON_SHARED, &e) ||
	        !prepare(&d, c->args.positional[0], &e))
		rc = cli_fail(c, &e);
	daemon_close(&d);
	return rc;
}

/* ---- the daemon -------------------------------------------------------------------------------------------- */

enum order_state { ORDER_SPEC, ORDER_READY, ORDER_RESTS };
struct order {
	struct evm_job j;
	enum order_state state;
	unsigned tries;
	struct mono again;
};

struct keeper {
	struct daemon d;
	struct creator_config config;
	struct creator *creator;
	struct evm_jobs *jobs;
	struct role inner;
	struct order orders[ORDERS_MAX];
	size_t n;
	bool stopping;
	struct audit_policy check;
	struct job_spec spec; /* of the request at hand */
	struct creator_request req;
};

static void key_of_order(const struct keeper *k, uint64_t number, char out[128])
{
	char who[ADDR_TEXT_MAX];

	addr_format(&k->config.contract, who);
	snprintf(out, 128, "onchain %s %llu", who, (unsigned long long)number);
}

static struct order *order_of(struct keeper *k, uint64_t number)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->orders[i].j.number == number)
			return &k->orders[i];
	}
	return NULL;
}

static void rest(struct keeper *k, struct order *o, const struct err *why)
{
	int64_t ms = (int64_t)AGAIN_MS << MIN2(o->tries, (unsigned)AGAIN_TIMES);

	o->state = ORDER_RESTS;
	o->again = mono_plus(clock_mono(), span_ms(ms));
	o->tries++;
	if (why)
		log_line(&k->d.world.log, LOG_ODD, "job %llu of the contract is not bought: %s",
		        (unsigned long long)o->j.number, why->msg);
}

static void on_spec(void *self, const struct tree_done *t)
{
	struct keeper *k = self;
	struct order *o = order_of(k, t->tag.n);

	if (!o || o->state != ORDER_SPEC)
		return;
	if (t->ok)
		o->state = ORDER_READY;
	else
		rest(k, o, &t->err);
}

static void fetch_spec(struct keeper *k, struct order *o)
{
	const struct inbox in = {.self = k, .tree = on_spec};
	struct tree_port *t = &k->d.options.tree;
	struct cid root = cid_raw(&o->j.spec);

	o->state = ORDER_SPEC;
	t->fetch(t->self, (struct tag){.n = (uint32_t)o->j.number}, k->d.directory.url,
	        &k->d.directory.addr, &root, (struct bytes){NULL, 0}, BLOCK_MAX, &in);
}

/* Orders that are bought, or wait no more, are forgotten. */
static void forget(struct keeper *k, struct btime now)
{
	for (size_t i = k->n; i-- > 0;) {
		if (k->orders[i].j.match_by.s <= now.s)
			k->orders[i] = k->orders[--k->n];
	}
}

static bool is_bought(struct keeper *k, uint64_t number)
{
	struct creator_job before;
	bool found = true;
	char key[128];
	struct err e;

	key_of_order(k, number, key);
	if (!creator_job_by_key(&k->d.world.store, key, &before, &found, &e))
		log_line(&k->d.world.log, LOG_BROKEN, "store: %s", e.msg);
	return found;
}

static void on_waits(void *ctx, const struct evm_job *j, struct btime now)
{
	struct keeper *k = ctx;
	struct order *o = order_of(k, j->number);

	if (k->stopping)
		return;
	forget(k, now);
	if (!o && k->n < ORDERS_MAX && !is_bought(k, j->number)) {
		o = &k->orders[k->n++];
		*o = (struct order){.j = *j};
		fetch_spec(k, o);
	} else if (o && o->state == ORDER_RESTS && clock_mono().ns >= o->again.ns &&
	           !is_bought(k, j->number)) {
		fetch_spec(k, o);
	}
}

static void on_gone(void *ctx, uint64_t number)
{
	struct keeper *k = ctx;
	struct order *o = order_of(k, number);

	if (o)
		*o = k->orders[--k->n];
	if (!creator_drop(k->creator, number))
		log_line(&k->d.world.log, LOG_ODD, "job %llu of the contract: its offer stands on",
		        (unsigned long long)number);
}

/* The terms are those of our settings, as far as the order pays for them. */
static bool make_request(struct keeper *k, const struct order *o, struct err *e)
{
	struct creator_request *r = &k->req;
	int64_t left = ((int64_t)o->j.match_by.s - (int64_t)wall_seconds(clock_wall())) * 1000;
	char has[AMOUNT_DEC_MAX], need[AMOUNT_DEC_MAX];

	memset(r, 0, sizeof *r);
	TRY(spec_read(&k->d.world.blobs, &o->j.spec, &k->spec, e), e);
	TRY(buy_terms_within(&k->d, &k->spec, &o->j.pay, &r->offer, e), e);
	if (amount_cmp(r->offer.terms.job_bond, o->j.bond) > 0) {
		amount_format(o->j.bond, has);
		amount_format(r->offer.terms.job_bond, need);
		return FAIL(
		        e, FUNDS, "it is ordered with a bond of %s, and %s is needed", has, need);
	}
	if (left <= 0)
		return FAIL(e, TOO_LATE, "nobody may take it any more");
	r->spec = &k->spec;
	r->queue = span_ms(left);
	r->check = k->check;
	r->number = o->j.number;
	key_of_order(k, o->j.number, r->key);
	return true;
}

static const struct creator_request *next(void *ctx, size_t unfinished)
{
	struct keeper *k = ctx;
	struct err e;

	for (size_t i = 0; unfinished < CREATOR_JOBS_MAX && i < k->n; i++) {
		struct order *o = &k->orders[i];

		if (o->state != ORDER_READY)
			continue;
		if (make_request(k, o, &e)) {
			rest(k, o, NULL);
			return &k->req;
		}
		rest(k, o, &e);
	}
	return NULL;
}

static void on_event(void *self, const struct event *ev, struct effects *fx)
{
	struct keeper *k = self;

	k->stopping = k->stopping || ev->kind == EV_STOP;
	k->inner.on_event(k->inner.self, ev, fx);
}

static void on_turn(void *self, const struct event *now, struct effects *fx)
{
	struct keeper *k = self;

	k->inner.on_turn(k->inner.self, now, fx);
}

static bool open_jobs(struct keeper *k, struct err *e)
{
	const struct settings *s = k->d.cli->settings;
	const struct evm_place *p = &k->d.cli->place;
	char dir[CLI_PATH_MAX + 8];
	struct evm_jobs_options o = {.loop = &k->d.loop,
	        .client = k->d.client,
	        .urls = p->urls,
	        .chain_id = p->chain_id,
	        .genesis = p->genesis,
	        .controller = p->controller,
	        .contract = k->config.contract,
	        .from_block = p->from_block,
	        .depth = p->depth,
	        .dir = dir,
	        .signer = k->d.world.signer,
	        .log = k->d.world.log,
	        .waits = on_waits,
	        .gone = on_gone,
	        .ctx = k};

	snprintf(dir, sizeof dir, "%s/chain", k->d.cli->places.state);
	TRY(settings_number(s, "ledger.max-fee", UINT64_MAX, &o.max_fee_wei, e), e);
	TRY(settings_span(s, "ledger.stuck", &o.stuck, e), e);
	return evm_jobs_open(&o, &k->jobs, e);
}

static bool begin(struct keeper *k, struct err *e)
{
	const struct settings *s = k->d.cli->settings;
	struct str contract = str_of(settings_text(s, "creator.onchain-jobs"));

	TRY(on_chain(&k->d.network, e), e);
	if (!contract.n || !addr_parse(contract, &k->config.contract, e)) {
		FAIL(e, CONFIG,
		        "creator.onchain-jobs is \"%.60s\"; it must be the address of a contract",
		        contract.p);
		return err_hint(e,
		        "lilypad onchain --contract ADDRESS; `lilypad onchain deploy` makes one");
	}
	TRY(chain_check_jobs(k->d.cli, &k->config.contract, e), e);
	if (!audit_parse(str_of(settings_text(s, "job.check")), &k->check, e)) {
		err_prefix(e, "job.check: ");
		return false;
	}
	TRY(buy_prepare(&k->d, &k->config, e), e);
	TRY(buy_engine(&k->d, &k->config, e), e);
	TRY(buy_read_on(&k->d, &k->config, e), e);
	k->config.alive = buy_owner_alive;
	k->config.ctx = &k->d;
	k->config.cap_per_day = amount_of(0); /* it is not our money */
	k->config.next = next;
	k->config.next_ctx = k;
	k->d.options.ledger_account = k->config.contract;
	TRY(creator_new(&k->d.world, &k->config, &k->creator, e), e);
	return open_jobs(k, e);
}

int cmd_onchain(struct cli *c)
{
	struct keeper *k = calloc(1, sizeof *k);
	struct role role;
	unsigned how;
	struct err e;
	int rc;

	assert(k);
	if (!daemon_open(&k->d, c, "onchain", "judge", creator_tables,
	            DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT | DAEMON_SHARED, &e) ||
	        !misbehave_read(
	                &c->args, "creator", &k->d.network.genesis, &k->d.world.log, &how, &e) ||
	        !begin(k, &e)) {
		rc = daemon_failed(&k->d, &e);
	} else {
		k->inner = creator_misbehaving(k->creator, (enum creator_misbehaviour)how);
		role = k->inner;
		role.self = k;
		role.on_event = on_event;
		role.on_turn = k->inner.on_turn ? on_turn : NULL;
		rc = daemon_serve(&k->d, &role);
	}
	k->jobs = evm_jobs_close(k->jobs);
	daemon_close(&k->d);
	creator_free(k->creator);
	free(k);
	return rc;
}
