/* provider_cmd.c - `lilypad provider`: what this machine offers, from its settings and itself. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "blobs/http_tree.h"
#include "cli/daemon.h"
#include "cli/remote.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/keccak.h"
#include "exec/wasm.h"
#include "os/file.h"
#include "provider/provider.h"

/* ---- the machine -------------------------------------------------------------------------------- */

static bool detect(const struct daemon *d, struct resources *out, struct err *e)
{
	const struct settings *s = d->cli->settings;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES), page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct statvfs fs;
	uint64_t cpu;

	TRY(settings_number(s, "offer.cpu", UINT32_MAX, &cpu, e), e);
	TRY(settings_size(s, "offer.ram", &out->ram, e), e);
	TRY(settings_size(s, "offer.disk", &out->disk, e), e);
	out->cpu = cpu ? (uint32_t)cpu : (uint32_t)MAX2(cores, 1L) * 1000;
	if (out->ram == 0)
		out->ram = pages * page / 4 * 3;
	if (out->disk == 0)
		out->disk = statvfs(d->dir, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize / 2 : 0;
	return true;
}

/* "0x…,0x…" */
static bool allow_list(const struct settings *s, struct resource_offer *o, struct err *e)
{
	struct str rest = str_of(settings_text(s, "offer.modules"));

	while (rest.n) {
		struct str one = str_cut(rest, ',', &rest);

		if (o->modules.n >= ALLOW_MODULES_MAX)
			return FAIL(e, CONFIG, "offer.modules has more than %d modules",
			        ALLOW_MODULES_MAX);
		if (!hash_parse(one, &o->modules.v[o->modules.n++], e)) {
			err_prefix(e, "offer.modules: ");
			return false;
		}
	}
	return true;
}

/* The widest terms that a provider takes without harm: any bonds that the ledger takes, any price, any
 * clocks that the ledger's constants allow. What must be asked for is in `least`. */
static void ranges(const struct genesis *g, struct resource_offer *o)
{
	struct terms *lo = &o->least, *hi = &o->most;
	struct amount top = amount_of(UINT64_MAX);

	lo->agree_timeout = lo->submit_timeout = lo->judge_timeout = lo->mediate_timeout = g->min;
	hi->agree_timeout = hi->submit_timeout = hi->judge_timeout = hi->mediate_timeout = g->life;
	hi->pay = hi->job_bond = hi->result_bond = hi->late_judge = hi->late_submit = hi->damages =
	        hi->fee = top;
	lo->seats = hi->seats = 1;
	hi->solver_share = 100;
	hi->royalty = 200;
	hi->tolerance = 1000;
}

static bool no_gpu(const char *given, struct err *e)
{
	if (!given || strcmp(given, "0") == 0)
		return true;
	FAIL(e, USAGE, "--offer-gpu is \"%s\": no GPU can be offered, jobs here run on the CPU",
	        given);
	return err_hint(e, "lilypad provider --offer-gpu 0");
}

static bool make_offer(struct daemon *d, struct provider_config *p, struct err *e)
{
	const struct settings *s = d->cli->settings;
	struct resource_offer *o = &p->offer;
	unsigned decimals = d->network.genesis.decimals;
	uint64_t parallel;
	char host[256] = "machine";

	TRY(detect(d, &o->free, e), e);
	TRY(no_gpu(args_get(&d->cli->args, "offer-gpu"), e), e);
	TRY(allow_list(s, o, e), e);
	TRY(settings_number(s, "offer.instructions", UINT64_MAX, &o->instruction_limit, e), e);
	TRY(settings_size(s, "offer.bytes", &o->byte_limit, e), e);
	TRY(settings_number(
	            s, "offer.time-per-instruction", UINT64_MAX, &o->time_per_instruction, e),
	        e);
	TRY(settings_amount(s, "pricing.base", decimals, &o->prices.base, e), e);
	TRY(settings_amount(s, "pricing.instruction", decimals, &o->prices.per_instruction, e), e);
	TRY(settings_amount(s, "pricing.byte", decimals, &o->prices.per_byte, e), e);
	TRY(settings_amount(s, "channel.max-sum", decimals, &p->channel_sum, e), e);
	TRY(settings_amount(s, "channel.max-total", decimals, &p->channel_total, e), e);
	TRY(settings_span(s, "offer.life", &p->offer_life, e), e);
	TRY(settings_number(s, "offer.parallel", 1024, &parallel, e), e);
	p->parallel = parallel ? (unsigned)parallel : MAX2(o->free.cpu / 1000, 1u);
	gethostname(host, sizeof host - 1);
	keccak256(host, strlen(host), &o->machine);
	snprintf(o->engine, sizeof o->engine, "%s", exec_wasm_class());
	o->determinisms = 1u << DETERMINISM_EXACT | 1u << DETERMINISM_NONE;
	o->settlements = 1u << SETTLEMENT_ESCROW;
	if (!amount_is_zero(p->channel_sum))
		o->settlements |= 1u << SETTLEMENT_CHANNEL;
	o->mediations = 1u << MEDIATION_SINGLE;
	for (uint32_t i = 0; i < d->network.mediators.n; i++)
		o->mediators.v[o->mediators.n++] = d->network.mediators.v[i].account;
	o->min_mutual = o->mediators.n ? 1 : 0;
	o->directories.v[o->directories.n++] = d->directory.addr;
	o->solver = d->solver.addr;
	ranges(&d->network.genesis, o);
	return true;
}

/* When acceptances are settled, and from which Send of ours on. */
static bool settling(struct daemon *d, struct provider_config *p, struct err *e)
{
	const struct settings *s = d->cli->settings;
	json_t *account OWN(json_own) = NULL;
	uint64_t count;

	TRY(settings_number(s, "channel.settle-count", ACTION_SETTLE_MAX, &count, e), e);
	TRY(settings_span(s, "channel.settle-after", &p->settle_after, e), e);
	p->settle_count = (uint32_t)count;
	if (amount_is_zero(p->channel_sum))
		return true;
	TRY(remote_account(d->cli, &d->wallet.addr, &account, e), e);
	return json_get_u64(account, "sendNonce", &p->send_nonce, e);
}

/* ---- the daemon ----------------------------------------------------------------------------------- */

static bool prepare(
        struct daemon *d, struct provider_config *p, struct provider **out, struct err *e)
{
	p->solver = d->solver;
	p->directories[0] = d->directory;
	p->directories_n = 1;
	p->domain = d->domain;
	p->genesis = d->network.genesis;
	p->confirm_s = daemon_confirm_s(d);
	TRY(make_offer(d, p, e), e);
	TRY(settling(d, p, e), e);
	TRY(daemon_engine(d, e), e);
	TRY(http_tree_open(&d->loop, d->client, &d->world.blobs, &d->options.tree, e), e);
	TRY(daemon_ledger(d, e), e);
	TRY(provider_new(&d->world, p, out, e), e);
	TRY(provider_start_cursor(*out, &d->options.ledger_cursor, e), e);
	return true;
}

int cmd_provider(struct cli *c)
{
	struct provider *p = NULL;
	struct provider_config config = {0};
	struct daemon d;
	struct role role;
	unsigned how;
	struct err e;
	int rc;

	if (!daemon_open(&d, c, "provider", "provider", provider_tables,
	            DAEMON_NETWORK | DAEMON_BLOBS | DAEMON_CLIENT, &e) ||
	        !daemon_misbehaves(&d, &how, &e) || !prepare(&d, &config, &p, &e)) {
		rc = daemon_failed(&d, &e);
	} else {
		role = provider_misbehaving(p, (enum provider_misbehaviour)how);
		rc = daemon_serve(&d, &role);
	}
	daemon_close(&d);
	provider_free(p);
	return rc;
}
