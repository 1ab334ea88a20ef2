/* audit.c - how often it takes a check that cheating does not pay. */
#include "verify/audit.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* ---- as people write it -------------------------------------------------------------------------------- */

/* One in n, rounded up: a probability is never less than it says. */
static uint32_t one_in(uint64_t n)
{
	return (uint32_t)((PPM_ONE + n - 1) / n);
}

static bool probability(struct str s, uint32_t *out)
{
	struct amount v;
	unsigned decimals = 6;
	uint64_t n;

	if (str_starts(s, "1/")) {
		if (!str_u64((struct str){s.p + 2, s.n - 2}, UINT32_MAX, &n) || n == 0)
			return false;
		*out = one_in(n);
		return true;
	}
	if (s.n && s.p[s.n - 1] == '%') {
		s.n--;
		decimals = 4;
	}
	if (!amount_parse_display(s, decimals, &v) || amount_cmp(v, amount_of(PPM_ONE)) > 0)
		return false;
	*out = (uint32_t)v.raw.w[0];
	return true;
}

bool audit_parse(struct str text, struct audit_policy *out, struct err *e)
{
	static const char certainty[] = "certainty=";
	struct audit_policy p = {.mode = AUDIT_RATE};
	struct str rest = text;

	if (str_is(text, "never") || str_is(text, "always")) {
		*out = str_is(text, "never") ? (struct audit_policy){.mode = AUDIT_NEVER}
		                             : (struct audit_policy){AUDIT_RATE, PPM_ONE};
		return true;
	}
	if (str_starts(text, certainty)) {
		p.mode = AUDIT_CERTAINTY;
		rest = (struct str){text.p + sizeof certainty - 1, text.n - sizeof certainty + 1};
	}
	if (!probability(rest, &p.ppm) || (p.mode == AUDIT_RATE && p.ppm == 0))
		return FAIL(e, USAGE,
		        "\"%.*s\" is not never, always, a probability such as 5%%, 0.05 or 1/20, or certainty= and one",
		        (int)MIN2(text.n, (size_t)40), text.p);
	*out = p;
	return true;
}

void audit_format(const struct audit_policy *p, char out[AUDIT_TEXT_MAX])
{
	const char *what = p->mode == AUDIT_CERTAINTY ? "certainty=" : "";

	if (p->mode == AUDIT_NEVER)
		snprintf(out, AUDIT_TEXT_MAX, "never");
	else if (p->mode == AUDIT_RATE && p->ppm == PPM_ONE)
		snprintf(out, AUDIT_TEXT_MAX, "always");
	else
		snprintf(
		        out, AUDIT_TEXT_MAX, "%s%u.%06u", what, p->ppm / PPM_ONE, p->ppm % PPM_ONE);
}

/* ---- how often ----------------------------------------------------------------------------------------- */

/* Amounts are below 2^128 here, so that no product of this file reaches 2^256. */
static struct u256 times(struct u256 a, uint64_t b)
{
	struct u256 out;
	bool fits = u256_mul64(a, b, &out);

	assert(fits);
	return out;
}

uint32_t audit_bound(struct amount cost, struct amount result_bond, uint32_t share_ppm)
{
	uint32_t low = 0, high = PPM_ONE;
	struct amount stake;
	struct u256 gain;

	if (!amount_fits_document(cost) || !amount_fits_document(result_bond) ||
	        !amount_add(cost, result_bond, &stake))
		return PPM_ONE;
	gain = times(cost.raw, MIN2(share_ppm, PPM_ONE));
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (u256_cmp(times(stake.raw, mid), gain) >= 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

uint32_t audit_probability(const struct audit_policy *p, const struct audit_case *c)
{
	uint32_t ppm;

	if (p->mode == AUDIT_NEVER)
		return 0;
	if (c->status != STATUS_COMPLETED && !amount_is_zero(c->cost))
		return PPM_ONE;
	if (p->mode == AUDIT_RATE)
		return p->ppm;
	ppm = c->good ? one_in(c->good) : PPM_ONE;
	ppm = MAX2(ppm, audit_bound(c->cost, c->result_bond, c->share_ppm));
	return MAX2(ppm, p->ppm);
}

bool audit_drawn(uint32_t ppm, uint64_t random)
{
	/* 2^64 mod 10^6 favours the lower residues by less than one in 10^13. */
	return random % PPM_ONE < ppm;
}
