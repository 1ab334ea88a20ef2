/* trace.c - the last steps of a run, for whoever has to understand its failure. */
#include <stdio.h>

#include "codec/hex.h"
#include "sim.h"

void sim_note(struct sim *s, const struct node *n, const char *fmt, ...)
{
	char *line = s->trace[s->trace_n++ % TRACE_LINES];
	va_list ap;
	int at;

	at = snprintf(line, TRACE_WIDTH, "%10.4f  %-14s ", (double)s->now / (double)SEC,
	        n ? n->name : "");
	va_start(ap, fmt);
	vsnprintf(line + at, TRACE_WIDTH - (size_t)at, fmt, ap);
	va_end(ap);
	/* FNV-1a */
	for (const char *p = line; *p; p++)
		s->digest = (s->digest ^ (uint8_t)*p) * 0x100000001b3u;
	if (s->o.trace)
		printf("%s\n", line);
}

void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->failed)
		return;
	s->failed = true;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof s->why, fmt, ap);
	va_end(ap);
	sim_note(s, NULL, "FAILED: %s", s->why);
}

void sim_show(const struct sim *s)
{
	uint64_t first = s->trace_n > TRACE_LINES ? s->trace_n - TRACE_LINES : 0;

	printf("FAILED  %s --seed %llu", s->sc->file, (unsigned long long)s->seed);
	if (s->o.crash_at)
		printf(" --crash-at %llu", (unsigned long long)s->o.crash_at);
	printf("\n  %s\n  its last steps:\n", s->why);
	for (uint64_t i = first; i < s->trace_n && !s->o.trace; i++)
		printf("  %s\n", s->trace[i % TRACE_LINES]);
	printf("  again: build/test/sim/sim --scenario %s --seed %llu", s->sc->file,
	        (unsigned long long)s->seed);
	if (s->o.crash_at)
		printf(" --crash-at %llu", (unsigned long long)s->o.crash_at);
	printf(" --trace\n");
}

const char *sim_short(const struct hash *h, char out[16])
{
	char text[HASH_TEXT_MAX];

	hash_format(h, text);
	snprintf(out, 16, "%.10s", text);
	return out;
}
