/* wire.c - parties and processes, wired as the commands of src/cli do: solver_cmd.c and the others, buy.c, run.c. */
#include <stdio.h>
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/json.h"
#include "codec/unixfs.h"
#include "creator/creator.h"
#include "crypto/keccak.h"
#include "directory/directory.h"
#include "ledgerd/ledgerd.h"
#include "mediator/mediator.h"
#include "port/spec.h"
#include "provider/provider.h"
#include "sim.h"
#include "solver/solver.h"

enum {
	LIFE_S = 7 * 86400,
	UNBONDING_S = 8 * 86400,
	JC_SIGNS_S = 10,
	RP_SIGNS_S = 60,
	OPEN_IN_S = 300
};
enum { BASE = 100, FEE = 1000, OUTPUT_LIMIT = 4096, AGREE_S = 300, AGAIN_MS = 1000 };

static const char engine[] = "wasm/sim";

/* ---- the market ---------------------------------------------------------------------------------------- */

static struct account *account_named(struct sim *s, const char *name)
{
	for (size_t i = 0; i < s->accounts_n; i++) {
		if (strcmp(s->accounts[i].name, name) == 0)
			return &s->accounts[i];
	}
	return NULL;
}

static struct account *account_new(struct sim *s, const char *name)
{
	struct account *a = &s->accounts[s->accounts_n++];
	struct err e;
	bool ok;

	assert(s->accounts_n <= ACCOUNTS_MAX);
	snprintf(a->name, sizeof a->name, "%s", name);
	memset(a->key.b, (int)s->accounts_n, sizeof a->key.b);
	ok = seckey_addr(&a->key, &a->addr, &e);
	assert(ok);
	return a;
}

const struct record *(*const *wire_tables(enum node_kind kind))(void)
{
	switch (kind) {
	case NODE_LEDGER: return ledgerd_tables;
	case NODE_SOLVER: return solver_tables;
	case NODE_DIRECTORY: return directory_tables;
	case NODE_PROVIDER: return provider_tables;
	case NODE_MEDIATOR: return mediator_tables;
	case NODE_CREATOR:
	case NODE_RUN: break;
	}
	return creator_tables;
}

static void make_accounts(struct sim *s)
{
	for (size_t i = 0; i < s->sc->parties_n; i++) {
		const struct party *p = &s->sc->parties[i];
		struct account *a = account_new(s, p->name);

		a->rows = store_memory_new(wire_tables(p->kind));
		/* Processes of a creator have blocks of their own. */
		if (p->kind != NODE_CREATOR)
			a->blobs = blobs_memory_new(BLOCKS_MAX);
		assert(a->rows);
	}
	if (!account_named(s, "mediator"))
		account_new(s, "mediator");
}

static void make_genesis(struct sim *s)
{
	struct genesis *g = &s->genesis;
	struct hash id;

	*g = (struct genesis){.name = "sim",
	        .symbol = "SIM",
	        .decimals = 6,
	        .min.s = (uint64_t)s->sc->min.ms / 1000,
	        .life.s = LIFE_S,
	        .unbonding.s = UNBONDING_S,
	        .test = true,
	        .time.s = 1800000000};
	g->operator_ = account_named(s, "ledger")->addr;
	for (size_t i = 0; i < s->sc->parties_n; i++) {
		const struct party *p = &s->sc->parties[i];

		if (p->kind == NODE_PROVIDER || p->kind == NODE_CREATOR)
			g->allocations.v[g->allocations.n++] = (struct allocation){
			        account_named(s, p->name)->addr, amount_of(WIRE_ALLOCATION)};
	}
	eip712_hash(genesis_record(), g, &id);
	eip712_domain_embedded(&id, &s->domain);
}

static struct node *add_node(struct sim *s, const struct party *p, const struct wanted_job *j)
{
	struct node *n = node_new(s, p, j);

	n->account = account_named(s, p->name);
	n->peer.addr = n->account->addr;
	snprintf(n->peer.url, sizeof n->peer.url, "%s", n->url);
	return n;
}

static void on_begin(struct sim *s, struct node *none, void *ctx)
{
	struct node *n = ctx;

	(void)s, (void)none;
	n->begun = true;
	node_start(n);
}

void wire_market(struct sim *s)
{
	make_accounts(s);
	make_genesis(s);
	if (s->sc->chain.on)
		market_chain(s);
	for (size_t i = 0; i < s->sc->parties_n; i++) {
		const struct party *p = &s->sc->parties[i];
		struct node *n;

		if ((p->kind == NODE_LEDGER && s->chain) || (p->kind == NODE_CREATOR && !p->daemon))
			continue;
		n = add_node(s, p, NULL);
		if (p->kind == NODE_LEDGER)
			s->ledger = n;
		if (p->kind == NODE_SOLVER)
			s->solver = n;
		if (p->kind == NODE_DIRECTORY)
			s->directory = n;
		sim_after(s, (int64_t)i * MS, NULL, on_begin, n, NULL);
	}
	for (size_t i = 0; i < s->sc->jobs_n; i++) {
		const struct wanted_job *j = &s->sc->jobs[i];

		sim_after(s, j->at.ms * MS, NULL, on_begin, add_node(s, j->creator, j), NULL);
	}
}

/* How much earlier than the ledger's deadlines everybody acts (4.1). */
static unsigned confirm_s(const struct sim *s)
{
	const struct scenario *sc = s->sc;

	return sc->chain.on ? (unsigned)(sc->chain.block.ms * (sc->chain.depth + 1) / 1000) : 0;
}

/* ---- ports --------------------------------------------------------------------------------------------- */

static void on_ledger(void *self, const struct ledger_note *note)
{
	node_event(self, &(struct event){.kind = EV_LEDGER, .ledger = note});
}

/* As host_start(): what the ledger has to tell comes after EV_START. */
static void go(struct node *n, uint64_t cursor, bool all)
{
	struct addr nobody = {{0}};
	struct inbox in = {.self = n, .ledger = on_ledger};
	struct err e;

	if (n->sim->chain)
		market_port(n, &n->ledger);
	else
		client_port(n, &n->ledger);
	if (!n->ledger.start(n->ledger.self, cursor, all ? &nobody : &n->account->addr, &in, &e))
		sim_fail(n->sim, "%s: %s", n->name, e.msg);
	node_go(n);
}

static bool opened(struct node *n, bool ok, const struct err *e)
{
	if (!ok)
		sim_fail(n->sim, "%s cannot start: %s", n->name, e->msg);
	return ok;
}

/* ---- ledger, solver, directory --------------------------------------------------------------------------- */

static void free_ledgerd(void *self)
{
	ledgerd_free(self);
}

static void open_ledger(struct node *n)
{
	struct ledgerd *d = NULL;
	struct err e;

	if (!opened(n, ledgerd_new(&n->world, &n->sim->genesis, &d, &e), &e))
		return;
	n->self = d;
	n->free = free_ledgerd;
	n->role = ledgerd_role(d);
	node_go(n);
}

static void free_solver(void *self)
{
	solver_free(self);
}

static void open_solver(struct node *n)
{
	struct solver_config c = {.domain = n->sim->domain,
	        .genesis = n->sim->genesis,
	        .offers_max = 1024,
	        .jc_signs_in = span_s(JC_SIGNS_S),
	        .rp_signs_in = span_s(RP_SIGNS_S),
	        .open_in_s = OPEN_IN_S};
	struct solver *x = NULL;
	uint64_t cursor;
	struct err e;

	if (!opened(n, solver_new(&n->world, &c, &x, &e) && solver_start_cursor(x, &cursor, &e),
	            &e))
		return;
	n->self = x;
	n->free = free_solver;
	n->role = solver_role(x);
	go(n, cursor, true);
}

static void free_directory(void *self)
{
	directory_free(self);
}

static void open_directory(struct node *n)
{
	struct directory_config c = {.domain = n->sim->domain,
	        .genesis = n->sim->genesis,
	        .operator_ = n->sim->genesis.operator_,
	        .quota = 64 << 20,
	        .version = "sim",
	        .collector = {.self = n->blobs, .collect = blobs_memory_collect}};
	struct directory *x = NULL;
	uint64_t cursor;
	struct err e;

	if (!opened(n,
	            directory_new(&n->world, &c, &x, &e) && directory_start_cursor(x, &cursor, &e),
	            &e))
		return;
	n->self = x;
	n->free = free_directory;
	n->role = directory_misbehaving(x, (enum directory_misbehaviour)wire_mode(n->party));
	go(n, cursor, true);
}

/* ---- providers ------------------------------------------------------------------------------------------ */

static void make_offer(struct node *n, struct provider_config *p)
{
	struct resource_offer *o = &p->offer;
	struct terms *lo = &o->least, *hi = &o->most;
	const struct genesis *g = &n->sim->genesis;

	o->free = (struct resources){
	        .cpu = n->party->parallel * 1000, .ram = 1 << 30, .disk = 1 << 30};
	o->instruction_limit = o->byte_limit = 1000000000000;
	o->time_per_instruction = 20000;
	o->prices = (struct prices){
	        amount_of(BASE), amount_of(n->party->price), amount_of(n->party->price)};
	keccak256(n->name, strlen(n->name), &o->machine);
	snprintf(o->engine, sizeof o->engine, "%s", engine);
	o->determinisms = 1u << DETERMINISM_EXACT | 1u << DETERMINISM_NONE;
	o->settlements = 1u << SETTLEMENT_ESCROW;
	o->mediations = n->sim->sc->mediators ? 1u << MEDIATION_SINGLE : 1u << MEDIATION_NONE;
	if (n->sim->sc->mediators)
		o->mediators.v[o->mediators.n++] = account_named(n->sim, "mediator")->addr;
	o->min_mutual = o->mediators.n ? 1 : 0;
	o->directories.v[o->directories.n++] = n->sim->directory->peer.addr;
	o->solver = n->sim->solver->peer.addr;
	lo->agree_timeout = lo->submit_timeout = lo->judge_timeout = lo->mediate_timeout = g->min;
	hi->agree_timeout = hi->submit_timeout = hi->judge_timeout = hi->mediate_timeout = g->life;
	hi->pay = hi->job_bond = hi->result_bond = hi->late_judge = hi->late_submit = hi->damages =
	        hi->fee = amount_of(UINT64_MAX);
	lo->seats = hi->seats = n->sim->sc->mediators ? 1 : 0;
	hi->solver_share = 100;
	hi->royalty = 200;
	hi->tolerance = 1000;
}

static void free_provider(void *self)
{
	provider_free(self);
}

static void open_provider(struct node *n)
{
	struct provider_config *c = calloc(1, sizeof *c);
	struct provider *x = NULL;
	uint64_t cursor;
	struct err e;
	bool ok;

	assert(c);
	c->solver = n->sim->solver->peer;
	c->directories[0] = n->sim->directory->peer;
	c->directories_n = 1;
	c->domain = n->sim->domain;
	c->genesis = n->sim->genesis;
	c->offer_life = span_s(600);
	c->confirm_s = confirm_s(n->sim);
	c->parallel = n->party->parallel;
	make_offer(n, c);
	ok = provider_new(&n->world, c, &x, &e) && provider_start_cursor(x, &cursor, &e);
	free(c);
	if (!opened(n, ok, &e))
		return;
	n->self = x;
	n->free = free_provider;
	n->role = provider_misbehaving(x, (enum provider_misbehaviour)wire_mode(n->party));
	go(n, cursor, false);
}

/* ---- the mediator ---------------------------------------------------------------------------------------- */

static void free_mediator(void *self)
{
	mediator_free(self);
}

static void open_mediator(struct node *n)
{
	struct mediator_config c = {.solver = n->sim->solver->peer,
	        .directories = {n->sim->directory->peer},
	        .directories_n = 1,
	        .domain = n->sim->domain,
	        .genesis = n->sim->genesis,
	        .fee = amount_of(FEE),
	        .parallel = 1,
	        .queue = 16,
	        .confirm_s = confirm_s(n->sim),
	        .fault = (enum mediator_fault)wire_mode(n->party),
	        .version = "sim"};
	struct mediator *x = NULL;
	uint64_t cursor;
	struct err e;

	snprintf(c.engine, sizeof c.engine, "%s", engine);
	if (!opened(n, mediator_new(&n->world, &c, &x, &e) && mediator_start_cursor(x, &cursor, &e),
	            &e))
		return;
	n->self = x;
	n->free = free_mediator;
	n->role = mediator_role(x);
	go(n, cursor, false);
}

/* ---- creators ------------------------------------------------------------------------------------------- */

/* A process of a creator while it asks where ledger and solver are, and then its role. */
struct buyer {
	struct creator_config config;
	struct creator_request request;
	struct job_spec spec;
	struct creator *role;
};

static void free_buyer(void *self)
{
	struct buyer *b = self;

	creator_free(b->role);
	free(b);
}

bool wire_spec(const struct sim *s, const struct wanted_job *j, struct blobs *blobs,
        struct job_spec *out, struct err *e)
{
	struct block_sink sink = {blobs->self, blobs->put};
	char name[NAME_MAX_ + 1];
	struct unixfs_path program[] = {{STR("program.wasm"), str_bytes(STR("no program")), false}};
	struct unixfs_path input[] = {
	        {STR("a.txt"), {NULL, 0}, false}, {STR("b/c.txt"), str_bytes(STR("two\n")), false}};
	struct unixfs_node node;

	snprintf(name, sizeof name, "%.50s-%u", j->creator->name, j->number);
	input[0].data = str_bytes(str_of(name));
	*out = (struct job_spec){.version = 1,
	        .executor = EXECUTOR_WASM,
	        .network = NETWORK_NONE,
	        .resources = {.cpu = 1000, .ram = 1 << 20, .disk = 1 << 20},
	        .instruction_limit = j->count,
	        .output_limit = OUTPUT_LIMIT,
	        .determinism = s->sc->mediators ? DETERMINISM_EXACT : DETERMINISM_NONE};
	snprintf(out->name, sizeof out->name, "%s", name);
	snprintf(out->entrypoint, sizeof out->entrypoint, "_start");
	snprintf(out->engine, sizeof out->engine, "%s", engine);
	keccak256(name, strlen(name), &out->module);
	TRY(unixfs_add_tree(&sink, program, COUNT(program), &node, e), e);
	out->program = node.cid.digest;
	out->program_bytes = node.tree_bytes;
	TRY(unixfs_add_tree(&sink, input, COUNT(input), &node, e), e);
	out->inputs.n = 1;
	snprintf(out->inputs.v[0].path, sizeof out->inputs.v[0].path, "data");
	out->inputs.v[0].tree = node.cid.digest;
	out->inputs.v[0].bytes = node.tree_bytes;
	return true;
}

/* As buy_terms(). */
static void make_terms(struct node *n, const struct job_spec *spec, struct job_offer *o)
{
	const struct scenario *sc = n->sim->sc;
	struct terms *t = &o->terms;
	uint64_t price = n->job->price, pay;

	o->prices = (struct prices){amount_of(10 * BASE), amount_of(price), amount_of(price)};
	o->module = spec->module;
	o->pricing = PRICING_MARKET;
	o->settlement = SETTLEMENT_ESCROW;
	o->determinism = spec->determinism;
	o->instruction_limit = spec->instruction_limit;
	o->byte_limit =
	        spec_input_bytes(spec) + spec->output_limit + spec->output_limit / 16 + 65536;
	o->resources = spec->resources;
	snprintf(o->engine, sizeof o->engine, "%s", spec->engine);
	o->mediation = sc->mediators ? MEDIATION_SINGLE : MEDIATION_NONE;
	if (sc->mediators)
		o->mediators.v[o->mediators.n++] = account_named(n->sim, "mediator")->addr;
	o->min_mutual = o->mediators.n ? 1 : 0;
	t->seats = sc->mediators ? 1 : 0;
	o->directory = n->sim->directory->peer.addr;
	o->solver = n->sim->solver->peer.addr;
	t->agree_timeout.s = AGREE_S;
	t->mediate_timeout.s = (uint64_t)sc->mediate.ms / 1000;
	t->submit_timeout.s = (uint64_t)sc->submit.ms / 1000;
	t->judge_timeout.s = (uint64_t)sc->judge.ms / 1000;
	pay = 10 * BASE + price * o->instruction_limit + price * o->byte_limit;
	t->pay = amount_of(pay);
	t->late_judge = t->late_submit = amount_of(pay / 10);
	t->job_bond = t->result_bond = t->late_judge;
	if (!sc->mediators)
		return;
	t->fee = amount_of(FEE);
	t->damages = t->pay;
	t->job_bond = t->result_bond = amount_of(pay + FEE);
}

static struct node *run_of(const struct sim *s, const uint8_t owner[16])
{
	for (size_t i = 0; i < s->nodes_n; i++) {
		struct node *n = s->nodes[i];

		if (n->kind == NODE_RUN && n->up && memcmp(n->owner, owner, 16) == 0)
			return n;
	}
	return NULL;
}

static bool owner_alive(void *ctx, const uint8_t owner[16])
{
	static const uint8_t nobody[16];
	struct node *n = ctx;

	return memcmp(owner, nobody, 16) != 0 && run_of(n->sim, owner) != NULL;
}

static bool lowest_seq(void *ctx, const void *row)
{
	const struct creator_job *j = row;
	uint64_t *seq = ctx;

	if (!sm_is_final(&job_states, j->state))
		*seq = MIN2(*seq, j->ledger_seq);
	return true;
}

static void read_on(struct node *n, struct creator_config *c)
{
	struct store s = store_memory_port(n->account->rows);
	struct err e;

	if (!s.each(s.self, creator_job_record(), NULL, NULL, lowest_seq, &c->ledger_seq, &e))
		sim_fail(n->sim, "%s: %s", n->name, e.msg);
}

/* False: the job that the key names is over, or another process has it. */
static bool prepare_run(struct node *n, struct buyer *b)
{
	struct store s = store_memory_port(n->account->rows);
	struct creator_job before;
	bool found;
	struct err e;

	for (size_t i = 0; i < sizeof n->owner; i++)
		n->owner[i] = (uint8_t)sim_draw(n->sim, 256);
	memcpy(b->config.owner, n->owner, sizeof n->owner);
	b->config.exit_when_done = true;
	if (!creator_job_by_key(&s, n->job->key, &before, &found, &e)) {
		sim_fail(n->sim, "%s: %s", n->name, e.msg);
		return false;
	}
	if (found) {
		if (sm_is_final(&job_states, before.state) || run_of(n->sim, before.owner))
			return false;
		read_on(n, &b->config);
		b->config.resume = before.id;
		return true;
	}
	b->request.spec = &b->spec;
	b->request.queue = n->job->queue;
	b->request.check = n->job->check;
	snprintf(b->request.key, sizeof b->request.key, "%s", n->job->key);
	snprintf(b->request.out, sizeof b->request.out, "out/%s", n->name);
	make_terms(n, &b->spec, &b->request.offer);
	b->config.first = &b->request;
	b->config.detach = n->job->detach;
	return true;
}

enum { LEAVES_MS = 4000 };

static void on_leave(struct sim *s, struct node *n, void *ctx)
{
	(void)s, (void)ctx;
	node_stop(n, 0);
}

/* Ctrl-C, twice. */
static void on_cancel(struct sim *s, struct node *n, void *ctx)
{
	struct buyer *b = n->self;

	(void)ctx;
	if (!b->role)
		return;
	sim_note(s, n, "is to cancel");
	creator_cancel(b->role);
	sim_after(s, LEAVES_MS * MS, n, on_leave, NULL, NULL);
}

static void buyer_ready(struct node *n, struct buyer *b)
{
	struct err e;

	if (n->kind == NODE_CREATOR) {
		b->config.patient = true;
		b->config.alive = owner_alive;
		b->config.ctx = n;
		read_on(n, &b->config);
	} else if (!prepare_run(n, b)) {
		node_quit(n);
		return;
	}
	if (!opened(n, creator_new(&n->world, &b->config, &b->role, &e), &e))
		return;
	n->role = creator_misbehaving(b->role, (enum creator_misbehaviour)wire_mode(n->party));
	go(n, b->config.ledger_seq, false);
	if (n->job && n->job->cancel.ms)
		sim_after(n->sim, n->job->cancel.ms * MS, n, on_cancel, NULL, NULL);
}

/* What buy_prepare() asks, one after the other: any failure ends a run; the daemon needs only the ledger. */
static bool boot_answer(struct node *n, const struct net_answer *a, const char *key, uint64_t *out)
{
	json_t *j OWN(json_own) = NULL;
	struct err e = a->err;

	if (a->ok && a->status < 400 &&
	        (!key || (json_parse(bytes_str(a->body), &j, &e) && json_get_u64(j, key, out, &e))))
		return true;
	if (n->kind == NODE_CREATOR && !(key && strcmp(key, "seq") == 0)) {
		sim_note(n->sim, n, "begins without a peer: %s", e.msg);
		return true;
	}
	sim_note(n->sim, n, "cannot start: %s", e.msg);
	node_retry(n, AGAIN_MS * MS);
	return false;
}

static void boot_ask(struct node *n, const struct node *peer, const char *path,
        void (*done)(struct node *n, void *ctx, const struct net_answer *a))
{
	net_ask(n, &(struct ask){.url = peer->url, .method = "GET", .path = path, .done = done});
}

static void on_health(struct node *n, void *ctx, const struct net_answer *a)
{
	(void)ctx;
	if (boot_answer(n, a, NULL, NULL))
		buyer_ready(n, n->self);
}

static void on_info(struct node *n, void *ctx, const struct net_answer *a)
{
	struct buyer *b = n->self;

	(void)ctx;
	if (boot_answer(n, a, "lastEvent", &b->config.solver_cursor))
		boot_ask(n, n->sim->directory, "/v1/health", on_health);
}

static void on_head(struct node *n, void *ctx, const struct net_answer *a)
{
	struct buyer *b = n->self;

	(void)ctx;
	if (boot_answer(n, a, "seq", &b->config.ledger_seq))
		boot_ask(n, n->sim->solver, "/v1/info", on_info);
}

static void open_creator(struct node *n)
{
	struct buyer *b = calloc(1, sizeof *b);
	struct blobs blobs = blobs_memory_port(n->blobs);
	struct err e;

	assert(b);
	n->self = b;
	n->free = free_buyer;
	b->config.solver = n->sim->solver->peer;
	b->config.directory = n->sim->directory->peer;
	b->config.domain = n->sim->domain;
	b->config.genesis = n->sim->genesis;
	b->config.can_run = true;
	b->config.confirm_s = confirm_s(n->sim);
	b->config.checks = 1;
	b->config.share_ppm = PPM_ONE;
	if (n->kind == NODE_RUN && !opened(n, wire_spec(n->sim, n->job, &blobs, &b->spec, &e), &e))
		return;
	if (n->sim->ledger)
		boot_ask(n, n->sim->ledger, "/v1/head", on_head);
	else
		boot_ask(n, n->sim->solver, "/v1/info", on_info);
}

void wire_open(struct node *n)
{
	switch (n->kind) {
	case NODE_LEDGER: open_ledger(n); break;
	case NODE_SOLVER: open_solver(n); break;
	case NODE_DIRECTORY: open_directory(n); break;
	case NODE_PROVIDER: open_provider(n); break;
	case NODE_MEDIATOR: open_mediator(n); break;
	case NODE_CREATOR:
	case NODE_RUN: open_creator(n); break;
	}
}
