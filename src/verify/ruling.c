/* ruling.c - the rows of protocol 2.9, one function each, in their order. */
#include "verify/ruling.h"

#include <stdarg.h>
#include <stdio.h>

static bool rule(struct decision *out, enum ruling to, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* true: the row decides. */
static bool rule(struct decision *out, enum ruling to, const char *fmt, ...)
{
	char text[2 * RULING_WHY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	out->ruling = (uint8_t)to;
	str_keep(out->why, sizeof out->why, str_of(text));
	return true;
}

static unsigned long long ull(uint64_t v)
{
	return (unsigned long long)v;
}

static bool row_job(const struct ruling_case *c, struct decision *out)
{
	if (c->job == SUPPLY_NONE)
		return rule(
		        out, RULING_JOB_FAULTY, "no source gives %.*s", RULING_PART_MAX, c->part);
	if (c->job == SUPPLY_SILENT)
		return rule(out, RULING_CANNOT_RULE,
		        "not every source of %.*s has answered in time", RULING_PART_MAX, c->part);
	return false;
}

static bool row_output(const struct ruling_case *c, struct decision *out)
{
	if (c->stored == SUPPLY_NONE)
		return rule(out, RULING_RESULT_NOT_FOUND,
		        "the output was not published: the directory of the deal has not signed "
		        "for it");
	if (c->stored == SUPPLY_SILENT)
		return rule(out, RULING_CANNOT_RULE,
		        "whether the output was published could not be learnt in time");
	if (c->output == SUPPLY_NONE)
		return rule(
		        out, RULING_RESULT_NOT_FOUND, "no source gives the bytes of the output");
	return false;
}

/* Not a row: what comes below needs a run. */
static bool no_run(const struct ruling_case *c, struct decision *out)
{
	if (c->ran)
		return false;
	return rule(out, RULING_CANNOT_RULE, "the job could not be run here: %s", c->failure);
}

static bool is_limit(uint8_t status)
{
	return status == STATUS_MEMORY_EXCEEDED || status == STATUS_STORAGE_EXCEEDED ||
	       status == STATUS_INSTRUCTIONS_EXCEEDED || status == STATUS_TIME_EXCEEDED;
}

/* 7.1: in a container class what a run uses is not repeatable, so near the limit either end is right. */
static bool within_tolerance(const struct ruling_case *c)
{
	return c->executor != EXECUTOR_WASM && is_limit(c->status) &&
	       c->own_status == STATUS_COMPLETED && c->own_use + c->tolerance >= 1000;
}

static bool row_status(const struct ruling_case *c, struct decision *out)
{
	if (c->status == c->own_status || within_tolerance(c))
		return false;
	return rule(out, RULING_STATUS_WRONG, "the provider says %s, the job ends as %s",
	        enum_name(&status_names, c->status), enum_name(&status_names, c->own_status));
}

static bool row_result(const struct ruling_case *c, struct decision *out)
{
	if (c->status != STATUS_COMPLETED || c->outputs == SAMENESS_SAME)
		return false;
	if (c->outputs == SAMENESS_DIFFERENT)
		return rule(
		        out, RULING_RESULT_WRONG, "the output is another one: %s", c->difference);
	return rule(out, RULING_CANNOT_RULE, "the two outputs could not be compared: %s",
	        c->difference);
}

/* CPU time is not repeatable: a container's count is not charged (7.1). */
static bool row_charged(const struct ruling_case *c, struct decision *out)
{
	if (c->executor == EXECUTOR_WASM && c->count > c->own_count)
		return rule(out, RULING_TOO_MUCH_CHARGED,
		        "%llu instructions are charged, %llu are due", ull(c->count),
		        ull(c->own_count));
	if (c->bytes > c->due_bytes)
		return rule(out, RULING_TOO_MUCH_CHARGED, "%llu bytes are charged, %llu are due",
		        ull(c->bytes), ull(c->due_bytes));
	return false;
}

void ruling_of(const struct ruling_case *c, struct decision *out)
{
	static bool (*const rows[])(const struct ruling_case *, struct decision *) = {
	        row_job, row_output, no_run, row_status, row_result, row_charged};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i](c, out))
			return;
	}
	rule(out, RULING_RESULT_CORRECT, "status%s, instructions and bytes are right",
	        c->status == STATUS_COMPLETED ? ", output" : "");
}

uint64_t ruling_bytes(uint8_t status, uint64_t inputs, uint64_t tree)
{
	uint64_t sum;

	if (status != STATUS_COMPLETED)
		return inputs;
	return __builtin_add_overflow(inputs, tree, &sum) ? UINT64_MAX : sum;
}

enum ruling_side ruling_side(unsigned ruling)
{
	switch (ruling) {
	case RULING_RESULT_CORRECT: return SIDE_PROVIDER;
	case RULING_RESULT_NOT_FOUND:
	case RULING_STATUS_WRONG:
	case RULING_RESULT_WRONG:
	case RULING_TOO_MUCH_CHARGED: return SIDE_FAULT;
	default: return SIDE_NONE;
	}
}
