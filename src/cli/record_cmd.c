/* record_cmd.c - `lilypad provider record`: what providers have done for this job creator, from which follows
 * how often their results are checked (protocol 7.6). */
#include "cli/job_find.h"
#include "codec/hex.h"
#include "codec/json.h"

struct listing {
	struct cli *c;
	const struct addr *only; /* NULL: all */
	json_t *rows;            /* --json */
	size_t n;
};

static json_t *row_json(const struct creator_provider *p)
{
	char t[WALL_TEXT_MAX];

	wall_format((struct wall){(int64_t)p->last_ms}, t);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "provider",
	        json_of_addr(&p->provider), "foundRight", json_of_u64(p->right), "sinceLastFault",
	        json_of_u64(p->good), "unchecked", json_of_u64(p->unchecked), "faults",
	        json_of_u64(p->faults), "vindicated", json_of_u64(p->vindicated), "unruled",
	        json_of_u64(p->unruled), "declined", json_of_u64(p->declined), "late",
	        json_of_u64(p->late), "last", t);
}

/* The floor of 1/n alone: price and bond of a deal may ask for more. */
static uint32_t least_ppm(const struct creator_provider *p)
{
	return p->good ? (uint32_t)((PPM_ONE + p->good - 1) / p->good) : PPM_ONE;
}

static bool list_row(void *ctx, const void *row)
{
	const struct creator_provider *p = row;
	struct listing *l = ctx;
	char who[ADDR_TEXT_MAX];

	if (l->only && !addr_eq(&p->provider, l->only))
		return true;
	if (l->n++ == 0 && !l->rows)
		cli_print("%-44s %7s %9s %6s %8s %4s  %s\n", "PROVIDER", "RIGHT", "UNCHECKED",
		        "FAULTS", "DECLINED", "LATE", "CHECKED NEXT");
	if (l->rows) {
		json_array_append_new(l->rows, row_json(p));
		return true;
	}
	addr_format(&p->provider, who);
	cli_print("%-44s %7llu %9llu %6llu %8llu %4llu  at least %.4g%%\n", who,
	        (unsigned long long)p->right, (unsigned long long)p->unchecked,
	        (unsigned long long)p->faults, (unsigned long long)p->declined,
	        (unsigned long long)p->late, (double)least_ppm(p) / (PPM_ONE / 100));
	return true;
}

int cmd_provider_record(struct cli *c)
{
	struct job_store s OWN(job_store_close) = {0};
	struct listing l = {.c = c};
	struct addr only;
	struct err e;
	bool ok = true;

	if (c->args.positional_n > 1)
		ok = FAIL(&e, USAGE, "one account, or none: lilypad provider record [ACCOUNT]");
	else if (c->args.positional_n == 1)
		ok = addr_parse(str_of(c->args.positional[0]), &only, &e);
	if (c->args.positional_n == 1)
		l.only = &only;
	if (c->json)
		l.rows = json_array();
	ok = ok && job_store_open(c, &s, &e) &&
	     s.store.each(s.store.self, creator_provider_record(), NULL, NULL, list_row, &l, &e);
	if (!ok) {
		json_decref(l.rows);
		return cli_fail(c, &e);
	}
	if (l.rows)
		cli_print_json(json_pack("{s:o}", "providers", l.rows));
	else if (l.n == 0)
		cli_say(c, "no provider has done anything for you yet");
	return 0;
}
