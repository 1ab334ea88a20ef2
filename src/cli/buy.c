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
	if (!cursor_of(d, d->solver.url, "/v1/info", "lastEvent", &config->solver_cursor, e) &&
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

bool buy_read_on(struct daemon *d, struct creator_config *config, struct err *e)
{
	struct store *s = &d->world.store;

	TRY(s->each(s->self, creator_job_record(), NULL, NULL, lowest_seq, &config->ledger_seq, e),
	        e);
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
