/* steps.c - one function per step of a deal; each can be repeated. */
#include <stdlib.h>

#include "codec/eip712.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "market/deal_of.h"
#include "port/spec.h"
#include "provider/provider_own.h"

/* Beyond the tries of single fetches: parts are asked for as often as this. */
enum { PARTS_ROUNDS_MAX = 12, CLOCK_WAIT_MS = 100, DIRECTORY_WAIT_S = 30 };

static struct tag tag_of(enum provider_tag what, const struct work *k)
{
	return (struct tag){.what = what, .key = k->w.id};
}

static const struct peer *directory_of(const struct provider *p, const struct work *k)
{
	for (size_t i = 0; i < p->c.directories_n; i++) {
		if (addr_eq(&p->c.directories[i].addr, &k->deal.deal.cold.directory))
			return &p->c.directories[i];
	}
	return NULL;
}

static void fetch(struct provider *p, struct work *k, enum provider_tag what,
        const struct cid *root, uint64_t max, struct effects *fx)
{
	const struct peer *dir = directory_of(p, k);
	struct fx *f = fx_add(fx, FX_FETCH, tag_of(what, k));

	assert(dir);
	f->url = dir->url;
	f->audience = dir->addr;
	f->root = *root;
	f->limit = max;
	f->body = work_deal_json(fx, k);
	k->waiting++;
}

struct job_spec *work_spec(struct provider *p, const struct work *k, struct arena *a, struct err *e)
{
	struct job_spec *spec = ARENA_NEW(a, struct job_spec);

	assert(spec);
	return spec_read(&p->world->blobs, &k->deal.deal.cold.spec, spec, e) ? spec : NULL;
}

/* Does the spec ask for no more than the deal and our offer say? */
static bool check_spec(
        const struct provider *p, const struct work *k, const struct job_spec *s, struct err *e)
{
	const struct cold *cold = &k->deal.deal.cold;
	const struct hot *hot = &k->deal.deal.hot;
	const struct resources *free = &p->c.offer.free;
	uint64_t inputs = spec_input_bytes(s);

	if (s->executor != EXECUTOR_WASM || s->network != NETWORK_NONE)
		return FAIL(e, TERMS,
		        "the spec asks for executor %s with network %s; this machine runs wasm without network",
		        enum_name(&executor_names, s->executor),
		        enum_name(&network_names, s->network));
	if (strcmp(s->engine, cold->engine) != 0)
		return FAIL(e, TERMS, "the spec is for engine class %s, the deal for %s", s->engine,
		        cold->engine);
	if (!hash_eq(&s->module, &cold->module))
		return FAIL(e, TERMS, "the spec runs another module than the deal names");
	if (s->determinism != cold->determinism)
		return FAIL(e, TERMS, "the spec's determinism class is %s, the deal's %s",
		        enum_name(&determinism_names, s->determinism),
		        enum_name(&determinism_names, cold->determinism));
	if (s->instruction_limit != hot->instruction_limit)
		return FAIL(e, TERMS, "the spec's instruction limit is %llu, the deal's %llu",
		        (unsigned long long)s->instruction_limit,
		        (unsigned long long)hot->instruction_limit);
	if (s->resources.cpu > free->cpu || s->resources.ram > free->ram ||
	        s->resources.disk > free->disk || s->resources.gpus > free->gpus)
		return FAIL(e, TERMS, "the spec asks for more than the offered machine has");
	if (inputs == UINT64_MAX)
		return FAIL(e, TERMS, "the spec's input sizes overflow");
	if (inputs > hot->byte_limit)
		return FAIL(e, TERMS, "the inputs take %llu bytes, the deal allows %llu",
		        (unsigned long long)inputs, (unsigned long long)hot->byte_limit);
	return true;
}

/* What a job that does nothing costs must be within PAY: less could only be worked for at a loss. */
static bool check_pay(const struct work *k, const struct job_spec *s, struct err *e)
{
	const struct hot *hot = &k->deal.deal.hot;
	char pay[AMOUNT_DEC_MAX], least[AMOUNT_DEC_MAX];
	struct amount cost = {{{0}}};

	if (!amount_mul(hot->per_byte, spec_input_bytes(s), &cost) ||
	        !amount_add(cost, hot->base, &cost))
		return FAIL(e, TERMS, "the price of the inputs overflows");
	if (amount_cmp(hot->pay, cost) >= 0)
		return true;
	amount_format(hot->pay, pay);
	amount_format(cost, least);
	return FAIL(
	        e, TERMS, "PAY is %s; the base price and the inputs alone come to %s", pay, least);
}

/* Ask for what is missing of program and inputs; false + e: the spec lies about sizes. */
static bool fetch_parts(struct provider *p, struct work *k, const struct job_spec *s,
        struct effects *fx, struct err *e)
{
	struct cid root;
	uint64_t max, bytes;

	/* What was fetched and is still not here whole will never be. */
	if (p->ledger_time.s && k->rounds++ > PARTS_ROUNDS_MAX)
		return FAIL(e, MODULE_INPUT,
		        "program and inputs cannot be fetched whole within the bytes that the spec states");
	for (size_t i = 0; spec_part(s, i, &root, &max); i++) {
		if (!tree_here(&p->world->blobs, &root, max, &bytes))
			fetch(p, k, TAG_FETCH_PART, &root, max, fx);
		else if (i && bytes != max)
			return FAIL(e, MODULE_INPUT, "input %s has %llu bytes, the spec says %llu",
			        s->inputs.v[i - 1].path, (unsigned long long)bytes,
			        (unsigned long long)max);
	}
	return true;
}

/* Before our signature the deal is refused; after it, what cannot be run is declined. */
static void cannot(struct provider *p, struct work *k, const struct err *why, struct effects *fx)
{
	if (k->w.state == WORK_RUNNING)
		step_decline(p, k, REASON_JOB_NOT_FOUND, why->msg, fx);
	else
		step_refuse(p, k, why, fx);
}

/* True: spec, program and inputs are here. Else what is missing is being fetched, or the deal is given up. */
static bool gather(struct provider *p, struct work *k, struct effects *fx)
{
	struct cid spec_cid = cid_raw(&k->deal.deal.cold.spec);
	struct job_spec *spec;
	struct err e;

	if (!p->world->blobs.has(p->world->blobs.self, &spec_cid)) {
		fetch(p, k, TAG_FETCH_SPEC, &spec_cid, BLOCK_MAX, fx);
		return false;
	}
	spec = work_spec(p, k, fx->arena, &e);
	if (!spec || !check_spec(p, k, spec, &e) || !check_pay(k, spec, &e) ||
	        !fetch_parts(p, k, spec, fx, &e)) {
		cannot(p, k, &e, fx);
		return false;
	}
	k->need = spec->resources;
	k->need_known = true;
	k->gathered = k->waiting == 0;
	return k->gathered;
}

/* Only what compiles here can be run for money: a run that may take no instruction tells, and leaves the compiled
 * program in the cache. True: it is known. */
static bool compiles(struct provider *p, struct work *k, struct effects *fx)
{
	struct job_spec *spec;
	struct err e;
	struct fx *f;

	if (k->trying || k->compiles)
		return k->compiles;
	spec = work_spec(p, k, fx->arena, &e);
	if (!spec) {
		step_refuse(p, k, &e, fx);
		return false;
	}
	k->compiles = map_get(&p->programs, &spec->program) != NULL;
	if (k->compiles)
		return true;
	if (p->trying >= p->c.parallel) {
		fx_add(fx, FX_TIMER, tag_of(TAG_RETRY, k))->delay = span_ms(CLOCK_WAIT_MS);
		return false;
	}
	spec->instruction_limit = 0;
	k->trying = true;
	p->trying++;
	f = fx_add(fx, FX_RUN, tag_of(TAG_TRY, k));
	f->spec = spec;
	return false;
}

void step_tried(struct provider *p, struct work *k, const struct run_done *r, struct effects *fx)
{
	struct job_spec *spec;
	struct err e;

	k->trying = false;
	if (k->w.state != WORK_FETCHING)
		return;
	if (!r->ok) {
		step_refuse(p, k, &r->err, fx);
		return;
	}
	spec = work_spec(p, k, fx->arena, &e);
	if (p->programs.n >= PROGRAMS_MAX)
		map_clear(&p->programs);
	if (spec && !map_put(&p->programs, &spec->program, NULL))
		log_line(&p->world->log, LOG_ODD, "no memory to remember a program");
	k->compiles = true;
	step_fetch(p, k, fx);
}

void step_fetch(struct provider *p, struct work *k, struct effects *fx)
{
	struct err e;

	if (k->waiting || provider_is_strange(p, &k->w.id))
		return;
	if (!directory_of(p, k)) {
		FAIL(&e, TERMS, "the deal's directory is none of ours");
		step_refuse(p, k, &e, fx);
		return;
	}
	if ((!k->gathered && !gather(p, k, fx)) || !compiles(p, k, fx))
		return;
	/* After a start the ledger's time is not known at once, and without it nothing is signed. */
	if (p->ledger_time.s == 0)
		fx_add(fx, FX_TIMER, tag_of(TAG_RETRY, k))->delay = span_ms(CLOCK_WAIT_MS);
	else
		step_sign(p, k, fx);
}

/* A job whose output cannot be published earns nothing and costs the fine. */
static bool can_publish(const struct provider *p, struct err *e)
{
	if (p->no_directory_s == 0 || p->ledger_time.s >= p->no_directory_s + DIRECTORY_WAIT_S)
		return true;
	return FAIL(e, UNREACHABLE, "the directory does not take outputs just now");
}

/* Everything is here: sign last and open (2.4). */
void step_sign(struct provider *p, struct work *k, struct effects *fx)
{
	struct err e;

	if (!can_publish(p, &e) ||
	        !deal_open_in_time(&k->deal.deal, &p->c.genesis, p->ledger_time, &e) ||
	        !provider_has_room(p, k, &e) || (work_draws(k) && !draws_may_sign(p, k, &e)) ||
	        !world_sign(
	                p->world, &p->c.domain, deal_record(), &k->deal.deal, &k->w.rp_sig, &e)) {
		if (!work_draws(k) || draws_wait(p, k, &e, fx))
			step_refuse(p, k, &e, fx);
		return;
	}
	if (work_draws(k))
		draws_signed(p, k);
	provider_move(p, k, WORK_SIGNED);
	step_open(p, k, fx);
}

void step_open(struct provider *p, struct work *k, struct effects *fx)
{
	struct action *a;

	if (work_draws(k)) {
		step_tell(p, k, fx); /* the ledger need not know */
		return;
	}
	a = fx_action(fx, ACTION_OPEN);
	a->deal = k->deal.deal;
	a->jc_sig = k->deal.jc_sig;
	a->rp_sig = k->w.rp_sig;
	k->action = fx_submit(fx, a, &k->w.id);
	step_tell(p, k, fx);
}

void step_kill(struct work *k, struct effects *fx)
{
	if (k->running)
		fx_add(fx, FX_KILL_RUN, tag_of(TAG_RUN, k));
}

void step_timeout(struct work *k, struct effects *fx)
{
	k->action = fx_submit(fx, fx_action(fx, ACTION_TIMEOUT), &k->w.id);
}

void step_run(struct provider *p, struct work *k, struct effects *fx)
{
	struct job_spec *spec;
	struct err e;
	struct fx *f;

	if (k->running || p->running >= p->c.parallel)
		return; /* the next one that ends starts it */
	if (!k->gathered && directory_of(p, k) && (k->waiting || !gather(p, k, fx)))
		return;
	spec = work_spec(p, k, fx->arena, &e);
	if (!spec) {
		step_decline(p, k, REASON_JOB_NOT_FOUND, e.msg, fx);
		return;
	}
	k->running = true;
	p->running++;
	f = fx_add(fx, FX_RUN, tag_of(TAG_RUN, k));
	f->spec = spec;
}

void step_push(struct provider *p, struct work *k, struct effects *fx)
{
	const struct peer *dir = directory_of(p, k);
	struct fx *f;

	if (!dir) {
		step_decline(p, k, REASON_DIRECTORY_UNAVAILABLE,
		        "the deal's directory is none of ours any more", fx);
		return;
	}
	f = fx_add(fx, FX_PUSH, tag_of(TAG_PUSH, k));
	f->url = dir->url;
	f->audience = dir->addr;
	f->root = cid_tree(&k->w.tree);
	f->body = work_deal_json(fx, k);
}

bool step_sign_result(struct provider *p, struct work *k, struct err *e)
{
	struct result res;

	if (k->w.result_sig.n)
		return true;
	p->world->rng.fill(p->world->rng.self, k->w.secret.b, sizeof k->w.secret.b);
	work_result(k, &res);
	TRY(world_sign(p->world, &p->c.domain, result_record(), &res, &k->w.result_sig, e), e);
	return true;
}

/* The result goes to the ledger (its Output as a hash only) and, whole, through the solver to the JC. */
void step_submit(struct provider *p, struct work *k, struct effects *fx)
{
	struct action *a;

	if (work_off_ledger(k)) {
		k->told_s = p->ledger_time.s;
		step_tell(p, k, fx);
		return;
	}
	a = fx_action(fx, ACTION_RESULT);
	work_result(k, &a->result);
	eip712_hash(output_record(), &a->result.output, &a->output_hash);
	a->result_sig = k->w.result_sig;
	k->action = fx_submit(fx, a, &k->w.id);
	step_tell(p, k, fx);
}

static void tell_signature(struct provider *p, struct work *k, struct effects *fx)
{
	fx_call(fx, tag_of(TAG_SIGNATURE, k), &p->open_solver, "POST",
	        fx_path(fx, "/v1/deals/", &k->w.id, "/signature"),
	        json_pack("{s:o}", "signature", json_of_sig(&k->w.rp_sig)));
}

static void tell_result(struct provider *p, struct work *k, struct effects *fx)
{
	struct stored stored = {k->w.id, k->w.tree, k->w.tree_bytes, k->w.keep_until};
	struct result result;

	work_result(k, &result);
	fx_call(fx, tag_of(TAG_RESULT, k), &p->open_solver, "POST",
	        fx_path(fx, "/v1/deals/", &k->w.id, "/result"),
	        json_pack("{s:o, s:o, s:o, s:o}", "result",
	                record_to_json(result_record(), &result), "signature",
	                json_of_sig(&k->w.result_sig), "stored",
	                record_to_json(stored_record(), &stored), "storedSignature",
	                json_of_sig(&k->w.stored_sig)));
}

void step_tell(struct provider *p, struct work *k, struct effects *fx)
{
	if (!k->told_signature)
		tell_signature(p, k, fx);
	if (!k->told_result && (k->w.state == WORK_STORED || k->w.state == WORK_ACCEPTED))
		tell_result(p, k, fx);
}

void step_decline(
        struct provider *p, struct work *k, uint8_t reason, const char *why, struct effects *fx)
{
	struct action *a = fx_action(fx, ACTION_DECLINE);
	struct err e;

	log_line(&p->world->log, LOG_ODD, "declining: %s", why);
	a->decline = (struct decline){k->w.id, reason};
	if (!world_sign(p->world, &p->c.domain, decline_record(), &a->decline, &a->doc_sig, &e)) {
		log_line(&p->world->log, LOG_BROKEN, "cannot sign a decline: %s", e.msg);
		return;
	}
	k->w.status = 0;
	k->w.count = reason; /* kept so that a restart declines with the same reason */
	str_keep(k->w.why, sizeof k->w.why, str_of(why));
	if (k->w.state != WORK_DECLINING)
		provider_move(p, k, WORK_DECLINING);
	step_kill(k, fx);
	/* First: the ledger does not tell the JC why. */
	fx_call(fx, tag_of(TAG_DECLINE, k), &p->open_solver, "POST",
	        fx_path(fx, "/v1/deals/", &k->w.id, "/decline"),
	        json_pack("{s:o, s:o}", "decline", record_to_json(decline_record(), &a->decline),
	                "signature", json_of_sig(&a->doc_sig)));
	if (!work_off_ledger(k))
		k->action = fx_submit(fx, a, &k->w.id);
}

static void tell_refusal(
        struct provider *p, const struct hash *deal, const struct err *why, struct effects *fx)
{
	fx_call(fx, (struct tag){.what = TAG_REFUSE, .key = *deal}, &p->c.solver, "POST",
	        fx_path(fx, "/v1/deals/", deal, "/refuse"),
	        json_pack("{s:o}", "reason", err_to_json(why)));
}

/* Before our signature nothing binds us: say why, so that the next provider is tried at once. */
void step_refuse(struct provider *p, struct work *k, const struct err *why, struct effects *fx)
{
	char id[HASH_TEXT_MAX];

	hash_format(&k->w.id, id);
	log_line(&p->world->log, LOG_ODD, "deal %s not signed: %s", id, why->msg);
	k->w.count = (uint64_t)why->code; /* kept so that it can be said again */
	tell_refusal(p, &k->w.id, why, fx);
	provider_finish(p, k, WORK_LOST, why->msg);
}

void step_refuse_again(struct provider *p, const struct hash *deal, struct effects *fx)
{
	struct provider_work w = {.id = *deal};
	struct store *s = &p->world->store;
	struct err why;

	if (!s->get(s->self, provider_work_record(), &w, &why) || w.state != WORK_LOST ||
	        w.count == 0 || w.count >= E_COUNT)
		return;
	(void)err_set(&why, (enum err_code)w.count, 0, __FILE__, __LINE__, "%s", w.why);
	tell_refusal(p, deal, &why, fx);
}
