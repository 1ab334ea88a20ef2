/* idle_text.c - reasons with their counts, and numbers in the units that people think in. */
#include "cli/idle_text.h"

#include <stdlib.h>

#include "base/amount.h"
#include "codec/json.h"

enum unit { UNIT_PLAIN, UNIT_TOKENS, UNIT_BYTES, UNIT_CORES, UNIT_SECONDS, UNIT_PICOSECONDS };

static const struct {
	const char *reason;
	enum unit unit;
} units[] = {
        {"CPU", UNIT_CORES},
        {"RAM", UNIT_BYTES},
        {"DISK", UNIT_BYTES},
        {"VRAM", UNIT_BYTES},
        {"BYTE_LIMIT", UNIT_BYTES},
        {"PRICE_BASE", UNIT_TOKENS},
        {"PRICE_INSTRUCTION", UNIT_TOKENS},
        {"PRICE_BYTE", UNIT_TOKENS},
        {"RP_FUNDS", UNIT_TOKENS},
        {"PAY", UNIT_TOKENS},
        {"JOB_BOND", UNIT_TOKENS},
        {"RESULT_BOND", UNIT_TOKENS},
        {"LATE_JUDGE", UNIT_TOKENS},
        {"LATE_SUBMIT", UNIT_TOKENS},
        {"DAMAGES", UNIT_TOKENS},
        {"FEE", UNIT_TOKENS},
        {"AGREE_TIMEOUT", UNIT_SECONDS},
        {"SUBMIT_TIMEOUT", UNIT_SECONDS},
        {"JUDGE_TIMEOUT", UNIT_SECONDS},
        {"MEDIATE_TIMEOUT", UNIT_SECONDS},
        {"TOO_SLOW", UNIT_PICOSECONDS},
};

static enum unit unit_of(const char *reason)
{
	for (size_t i = 0; i < COUNT(units); i++) {
		if (strcmp(units[i].reason, reason) == 0)
			return units[i].unit;
	}
	return UNIT_PLAIN;
}

static void bytes_text(const char *digits, struct buf *out)
{
	static const char *const names[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t n;
	size_t i = 0;

	if (!str_u64(str_of(digits), UINT64_MAX, &n)) {
		buf_z(out, digits);
		return;
	}
	for (; n >= 1024 && n % 1024 == 0 && i + 1 < COUNT(names); i++)
		n /= 1024;
	if (n < 10240) {
		buf_fmt(out, "%llu %s", (unsigned long long)n, names[i]);
		return;
	}
	double v = (double)n;
	for (; v >= 1024 && i + 1 < COUNT(names); i++)
		v /= 1024;
	buf_fmt(out, "%.2f %s", v, names[i]);
}

static void value_text(const char *digits, enum unit unit, unsigned decimals, struct buf *out)
{
	char shown[AMOUNT_DEC_MAX + 2];
	struct amount a;
	uint64_t n;

	switch (unit) {
	case UNIT_BYTES: bytes_text(digits, out); return;
	case UNIT_TOKENS:
		if (!amount_parse(str_of(digits), &a))
			break;
		amount_format_display(a, decimals, shown);
		buf_z(out, shown);
		return;
	case UNIT_CORES:
		if (!str_u64(str_of(digits), UINT32_MAX, &n))
			break;
		buf_fmt(out, "%.6g cores", (double)n / 1000);
		return;
	case UNIT_SECONDS: buf_fmt(out, "%s s", digits); return;
	case UNIT_PICOSECONDS: buf_fmt(out, "%s ps an instruction", digits); return;
	case UNIT_PLAIN: break;
	}
	buf_z(out, digits);
}

/* " (16 GiB): 32 GiB would have matched 12, 64 GiB 14" */
static void change_text(const json_t *row, unsigned decimals, struct buf *out)
{
	enum unit unit = unit_of(json_text(row, "reason"));
	const json_t *step, *steps = json_object_get(row, "atLeast");
	size_t i;

	if (!steps)
		steps = json_object_get(row, "atMost");
	if (json_array_size(steps) == 0)
		return;
	buf_z(out, " (");
	value_text(json_text(row, "have"), unit, decimals, out);
	buf_z(out, "): ");
	json_array_foreach (steps, i, step) {
		if (i)
			buf_z(out, ", ");
		value_text(json_text(step, "value"), unit, decimals, out);
		buf_fmt(out, "%s %lld", i ? "" : " would have matched", json_number(step, "jobs"));
	}
}

static int commonest_first(const void *a, const void *b)
{
	long long x = json_number(*(const json_t *const *)a, "jobs");
	long long y = json_number(*(const json_t *const *)b, "jobs");

	return x < y ? 1 : x > y ? -1 : 0;
}

void idle_text(const json_t *idle, unsigned decimals, struct buf *out)
{
	const json_t *rows[64], *list = json_object_get(idle, "reasons");
	size_t n = MIN2(json_array_size(list), COUNT(rows));
	long long waiting = json_number(idle, "waiting"), seen = json_number(idle, "lookedAt");

	buf_fmt(out, "%lld jobs waiting", waiting);
	if (seen < waiting)
		buf_fmt(out, " (%lld of them looked at)", seen);
	buf_fmt(out, ", %lld went by in the last hour\n", json_number(idle, "past"));
	for (size_t i = 0; i < n; i++)
		rows[i] = json_array_get(list, i);
	qsort(rows, n, sizeof rows[0], commonest_first);
	for (size_t i = 0; i < n; i++) {
		buf_fmt(out, "%8lld  %s", json_number(rows[i], "jobs"), json_text(rows[i], "text"));
		change_text(rows[i], decimals, out);
		buf_z(out, "\n");
	}
	if (json_number(idle, "taken"))
		buf_fmt(out, "%8lld  matched the offer and went to another provider\n",
		        json_number(idle, "taken"));
	if (json_number(idle, "matching"))
		buf_fmt(out, "%8lld  match the offer as it is\n", json_number(idle, "matching"));
}

void idle_time(int64_t s, struct buf *out)
{
	static const struct {
		int64_t s;
		const char *name;
	} steps[] = {{86400, "d"}, {3600, "h"}, {60, "m"}};

	for (size_t i = 0; i < COUNT(steps); i++) {
		if (s >= steps[i].s) {
			buf_fmt(out, "%lld %s", (long long)(s / steps[i].s), steps[i].name);
			return;
		}
	}
	buf_fmt(out, "%lld s", (long long)s);
}
