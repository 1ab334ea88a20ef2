/* buy.c - wiring and terms of a job creator. */
#include "cli/buy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "blobs/http_tree.h"
#include "cli/output_keep.h"
#include "cli/remote.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "exec/wasm_main.h"
#include "os/file.h"
#include "port/spec.h"

static bool cursor_of(struct daemon *d, const char *url, const char *path, const char *key,
        uint64_t *out, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	TRY(remote_get(d->cli, url, path, &j, e), e);
	TRY(json_get_u64(j, key, out, e), e);
	return true;
}

/* 9.5: the counterpart's counter. */
static bool seen_by_solver(struct daemon *d, struct creator_config *config, struct err *e)
{
	char who[ADDR_TEXT_MAX], path[ADDR_TEXT_MAX + 32];
	uint64_t seen;

	addr_format(&d->wallet.addr, who);
	snprintf(path, sizeof path, "/v1/accounts/%s", who);
	TRY(cursor_of(d, d->solver.url, path, "jobNonce", &seen, e), e);
	if (seen == UINT64_MAX)
		return FAIL(e, PEER, "the solver has seen a job nonce that none can follow");
	config->least_nonce = MAX2(config->least_nonce, seen + 1);
	return true;
}

static bool keep_output(void *ctx, const struct cid *root, struct err *e)
{
	const struct daemon *d = ctx;

	return output_keep(d->cli, &d->world.blobs, root, e);
}

/* Those that the network file gives an address of. */
static void known_mediators(const struct network_file *n, struct creator_config *config)
{
	for (uint32_t i = 0; i < n->mediators.n; i++) {
		struct peer *p = &config->mediators[config->mediators_n];

		if (!n->mediators.v[i].url[0])
			continue;
		p->addr = n->mediators.v[i].account;
		str_keep(p->url, sizeof p->url, str_of(n->mediators.v[i].url));
		config->mediators_n++;
	}
}

/* Jobs that are on the ledger are judged with the ledger alone: a JC that is silent pays Cj. */
static bool may_come(const struct daemon *d, const struct creator_config *config, struct err *e)
{
	if (!config->patient || !err_passes(e->code))
		return false;
	log_line(&d->world.log, LOG_ODD, "begins without a peer, and tries again: %s", e->msg);
	err_clear(e);
	return true;
}

bool buy_prepare(struct daemon *d, struct creator_config *config, struct err *e)
{
	json_t *info OWN(json_own) = NULL, *account OWN(json_own) = NULL;

	config->solver = d->solver;
	config->directory = d->directory;
	config->domain = d->domain;
	config->keep_output = keep_output;
	config->keep_ctx = d;
	known_mediators(&d->network, config);
	config->genesis = d->network.genesis;
	config->confirm_s = daemon_confirm_s(d);
	if (*settings_text(d->cli->settings, "creator.cap-per-day"))
		TRY(settings_amount(d->cli->settings, "creator.cap-per-day",
		            d->network.genesis.decimals, &config->cap_per_day, e),
		        e);
	TRY(remote_head(d->cli, &d->options.ledger_cursor, NULL, e), e);
	config->ledger_seq = d->options.ledger_cursor;
	TRY(remote_account(d->cli, &d->wallet.addr, &account, e), e);
	TRY(json_get_u64(account, "nextJobNonce", &config->least_nonce, e), e);
	TRY(json_get_u64(account, "sendNonce", &config->send_nonce, e), e);
	if ((!cursor_of(d, d->solver.url, "/v1/info", "lastEvent", &config->solver_cursor, e) ||
	            !seen_by_solver(d, config, e)) &&
	        !may_come(d, config, e))
		return false;
	if (!remote_get(d->cli, d->directory.url, "/v1/health", &info, e) &&
	        !may_come(d, config, e))
		return false;
	TRY(http_tree_open(&d->loop, d->client, &d->world.blobs, &d->options.tree, e), e);
	TRY(daemon_ledger(d, e), e);
	return true;
}

bool buy_engine(struct daemon *d, struct creator_config *config, struct err *e)
{
	const struct settings *s = d->cli->settings;
	uint64_t checks, share;
	struct err why;

	TRY(settings_number(s, "creator.checks", EXEC_JOBS_MAX, &checks, e), e);
	TRY(settings_number(s, "creator.cost-share", 1000, &share, e), e);
	config->checks =
	        checks ? (unsigned)checks : MAX2((unsigned)sysconf(_SC_NPROCESSORS_ONLN), 1u);
	config->share_ppm = (uint32_t)share * (PPM_ONE / 1000);
	config->can_run = daemon_engine(d, &why);
	if (!config->can_run)
		cli_say(d->cli, "  no result can be checked here: %s", why.msg);
	return true;
}

static bool lowest_seq(void *ctx, const void *row)
{
	const struct creator_job *j = row;
	uint64_t *seq = ctx;

	if (!sm_is_final(&job_states, j->state))
		*seq = MIN2(*seq, j->ledger_seq);
	return true;
}

struct lowest {
	struct daemon *d;
	uint64_t seq;
};

/* A number that is not over: what the ledger says of its channel is wanted from where it was last seen. */
static bool lowest_number(void *ctx, const void *row)
{
	const struct creator_number *n = row;
	struct creator_channel channel = {.id = n->channel};
	struct lowest *l = ctx;
	struct store *s = &l->d->world.store;
	struct err e;

	if (s->get(s->self, creator_channel_record(), &channel, &e))
		l->seq = MIN2(l->seq, channel.seq);
	return true;
}

static bool lowest_of_channels(struct daemon *d, struct creator_config *config, struct err *e)
{
	struct lowest l = {d, config->ledger_seq};
	struct store *s = &d->world.store;

	TRY(s->each(s->self, creator_number_record(), NULL, NULL, lowest_number, &l, e), e);
	config->ledger_seq = l.seq;
	return true;
}

bool buy_read_on(struct daemon *d, struct creator_config *config, struct err *e)
{
	struct store *s = &d->world.store;

	TRY(s->each(s->self, creator_job_record(), NULL, NULL, lowest_seq, &config->ledger_seq, e),
	        e);
	TRY(lowest_of_channels(d, config, e), e);
	d->options.ledger_cursor = config->ledger_seq;
	return true;
}

static void owner_path(const struct daemon *d, const uint8_t owner[16], char out[CLI_PATH_MAX + 80])
{
	char hex[2 * 16 + 3];

	hex_format(owner, 16, hex);
	snprintf(out, CLI_PATH_MAX + 80, "%s/owners/%s", d->dir, hex + 2);
}

bool buy_own(struct daemon *d, uint8_t owner[16], int *lock_fd, struct err *e)
{
	char path[CLI_PATH_MAX + 80];
	int fd;

	d->world.rng.fill(d->world.rng.self, owner, 16);
	snprintf(path, sizeof path, "%s/owners", d->dir);
	TRY(dir_make(path, e), e);
	owner_path(d, owner, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (fd >= 0)
			close(fd);
		return FAIL_SYS(e, IO, errno, "%s cannot be locked", path);
	}
	*lock_fd = fd;
	return true;
}

/* The kernel drops the lock with the process, however that ends. */
bool buy_owner_alive(void *ctx, const uint8_t owner[16])
{
	const struct daemon *d = ctx;
	static const uint8_t nobody[16];
	char path[CLI_PATH_MAX + 80];
	bool alive;
	int fd;

	if (memcmp(owner, nobody, 16) == 0)
		return false;
	owner_path(d, owner, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	alive = flock(fd, LOCK_EX | LOCK_NB) != 0;
	if (!alive)
		unlink(path);
	close(fd);
	return alive;
}

/* ---- a channel -------------------------------------------------------------------------------------- */

static bool channel_row(const json_t *j, struct creator_channel *row, struct err *e)
{
	struct str kind;

	TRY(json_get_addr(j, "jobCreator", &row->channel.job_creator, e), e);
	TRY(json_get_addr(j, "provider", &row->channel.provider, e), e);
	TRY(json_get_u64(j, "serial", &row->channel.serial, e), e);
	TRY(json_get_str(j, "kind", &kind, e), e);
	if (!enum_by_name(&channel_kind_names, kind, &row->channel.kind))
		return FAIL(e, PEER, "the ledger knows a channel of kind \"%.*s\"", STR_ARG(kind));
	TRY(json_get_amount(j, "jobSum", &row->job, e), e);
	TRY(json_get_amount(j, "providerSum", &row->provider, e), e);
	TRY(json_get_amount(j, "paid", &row->paid, e), e);
	TRY(json_get_u64(j, "floor", &row->floor, e), e);
	TRY(json_get_u64(j, "claims", &row->claims, e), e);
	row->close_at.s = (uint64_t)json_number(j, "closeAt");
	row->closed = json_is_true(json_object_get(j, "closed"));
	return true;
}

static bool usable(const struct daemon *d, const struct creator_channel *row, struct err *e)
{
	char owner[ADDR_TEXT_MAX];

	addr_format(&row->channel.job_creator, owner);
	if (!addr_eq(&row->channel.job_creator, &d->wallet.addr)) {
		FAIL(e, PARTY, "the channel is that of job creator %s", owner);
		return err_hint(e, "-w NAME uses another key");
	}
	if (!row->closed && !row->close_at.s)
		return true;
	FAIL(e, STATE, "the channel is %s", row->closed ? "closed" : "being left");
	return err_hint(e, "lilypad channel open");
}

static bool ask_ledger(struct daemon *d, struct creator_channel *row, struct err *e)
{
	json_t *j OWN(json_own) = NULL;

	TRY(remote_channel(d->cli, &row->id, &j, e), e);
	return channel_row(j, row, e);
}

bool buy_channel(
        struct daemon *d, struct creator_config *config, struct creator_request *r, struct err *e)
{
	const char *text = settings_text(d->cli->settings, "job.channel");
	struct creator_channel *row = &r->channel, before;
	struct store *s = &d->world.store;
	char id[HASH_TEXT_MAX], path[HASH_TEXT_MAX + 32];

	if (!text[0])
		return true;
	if (!hash_parse(str_of(text), &row->id, e)) {
		err_prefix(e, "job.channel: ");
		return false;
	}
	hash_format(&row->id, id);
	TRY(ask_ledger(d, row, e), e);
	TRY(usable(d, row, e), e);
	row->seq = config->ledger_seq;
	before.id = row->id;
	if (s->get(s->self, creator_channel_record(), &before, e))
		config->ledger_seq = MIN2(config->ledger_seq, before.seq);
	else if (e->code != E_NOT_FOUND)
		return false;
	d->options.ledger_cursor = config->ledger_seq;
	snprintf(path, sizeof path, "/v1/channels/%s", id);
	TRY(cursor_of(d, d->solver.url, path, "lastNumber", &r->least_number, e), e);
	r->least_number++;
	r->offer.settlement = SETTLEMENT_CHANNEL;
	r->offer.target = row->channel.provider;
	return true;
}

/* ---- terms ------------------------------------------------------------------------------------------ */

static bool seconds(const struct settings *s, const char *key, struct btime *out, struct err *e)
{
	struct span v;

	TRY(settings_span(s, key, &v, e), e);
	out->s = (uint64_t)v.ms / 1000;
	return true;
}

static bool clocks(const struct settings *s, struct terms *t, struct err *e)
{
	TRY(seconds(s, "job.agree-timeout", &t->agree_timeout, e), e);
	TRY(seconds(s, "job.submit-timeout", &t->submit_timeout, e), e);
	TRY(seconds(s, "job.judge-timeout", &t->judge_timeout, e), e);
	TRY(seconds(s, "job.mediate-timeout", &t->mediate_timeout, e), e);
	return true;
}

/* base + per instruction * limit + per byte * limit */
static bool ceiling(const struct job_offer *o, struct amount *out, struct err *e)
{
	struct amount a, b;

	if (!amount_mul(o->prices.per_instruction, o->instruction_limit, &a) ||
	        !amount_mul(o->prices.per_byte, o->byte_limit, &b) || !amount_add(a, b, &a) ||
	        !amount_add(a, o->prices.base, out) || !amount_fits_document(*out))
		return FAIL(e, RANGE,
		        "what the limits of the job cost at the highest prices is no amount");
	return true;
}

/* PAY, and bonds that cover fines, the mediator's fee and damages (5.14). */
static bool money(struct daemon *d, const struct amount *most, struct job_offer *o, struct err *e)
{
	const struct settings *s = d->cli->settings;
	struct terms *t = &o->terms;
	unsigned decimals = d->network.genesis.decimals;
	struct amount bond;

	TRY(ceiling(o, &t->pay, e), e);
	if (*settings_text(s, "job.max-price")) {
		struct amount set;

		TRY(settings_amount(s, "job.max-price", decimals, &set, e), e);
		t->pay = amount_min(t->pay, set);
	}
	if (most)
		t->pay = amount_min(t->pay, *most);
	TRY(settings_amount(s, "job.fee", decimals, &t->fee, e), e);
	t->damages = t->pay;
	t->late_judge = t->late_submit = amount_per_mille(t->pay, 100);
	if (!amount_add(t->fee, t->damages, &bond))
		return FAIL(e, RANGE, "the bond overflows");
	if (o->mediation == MEDIATION_NONE) {
		t->fee = t->damages = amount_of(0);
		bond = t->late_judge;
	}
	t->job_bond = t->result_bond = bond;
	return true;
}

static bool pricing(const char *name, struct job_offer *o, struct err *e)
{
	if (!enum_by_name(&pricing_names, str_of(name), &o->pricing))
		return FAIL(
		        e, CONFIG, "job.pricing is \"%s\"; it is market, cleared or fixed", name);
	return true;
}

bool buy_terms(struct daemon *d, const struct job_spec *spec, struct job_offer *o, struct err *e)
{
	return buy_terms_within(d, spec, NULL, o, e);
}

bool buy_terms_within(struct daemon *d, const struct job_spec *spec, const struct amount *most,
        struct job_offer *o, struct err *e)
{
	const struct settings *s = d->cli->settings;
	const struct network_file *n = &d->network;
	unsigned decimals = n->genesis.decimals;

	TRY(settings_amount(s, "job.max-base", decimals, &o->prices.base, e), e);
	TRY(settings_amount(s, "job.max-instruction", decimals, &o->prices.per_instruction, e), e);
	TRY(settings_amount(s, "job.max-byte", decimals, &o->prices.per_byte, e), e);
	o->module = spec->module;
	TRY(pricing(settings_text(s, "job.pricing"), o, e), e);
	o->settlement = SETTLEMENT_ESCROW;
	o->determinism = spec->determinism;
	o->instruction_limit = spec->instruction_limit;
	/* Blocks of the output tree weigh a little more than the files in it. */
	o->byte_limit =
	        spec_input_bytes(spec) + spec->output_limit + spec->output_limit / 16 + 65536;
	o->resources = spec->resources;
	snprintf(o->engine, sizeof o->engine, "%s", spec->engine);
	o->mediation = n->mediators.n && spec->determinism != DETERMINISM_NONE ? MEDIATION_SINGLE
	                                                                       : MEDIATION_NONE;
	if (o->mediation == MEDIATION_NONE)
		o->determinism = DETERMINISM_NONE;
	for (uint32_t i = 0; o->mediation != MEDIATION_NONE && i < n->mediators.n; i++)
		o->mediators.v[o->mediators.n++] = n->mediators.v[i].account;
	o->min_mutual = o->mediators.n ? 1 : 0;
	o->terms.seats = o->mediation == MEDIATION_SINGLE ? 1 : 0;
	o->directory = d->directory.addr;
	o->solver = d->solver.addr;
	TRY(clocks(s, &o->terms, e), e);
	return money(d, most, o, e);
}
