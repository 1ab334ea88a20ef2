/* main.c - plays scenarios: each with some seeds, or one with one seed, or as many as there is time for.
 *
 *   sim [--seeds N] [FILE...]                         N seeds each; without it as many as each file says
 *   sim --scenario FILE --seed N [--crash-at B] [--trace]
 *   sim --seconds S [--from N] [FILE...]              one seed after the other until the time is over */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "sim.h"

enum { FILES_MAX = 128, EACH_MAX = 2000, FAILURES_MAX = 20 };

struct args {
	const char *files[FILES_MAX];
	size_t files_n;
	uint64_t seed, seeds, seconds, from, crash_at;
	bool one, trace;
};

struct tally {
	unsigned passed, failed;
	uint64_t runs;
	struct figures sum;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- playing ------------------------------------------------------------------------------------------- */

static bool play_one(const struct scenario *sc, uint64_t seed, uint64_t crash_at, bool trace,
        struct tally *t, struct ending *out)
{
	struct options o = {.trace = trace, .crash_at = crash_at};

	t->runs++;
	return sim_run(sc, seed, &o, &t->sum, out);
}

/* Once without the crash, to count the boundaries, and once with it at each. */
static bool play_seed(const struct scenario *sc, uint64_t seed, struct tally *t)
{
	struct ending first, next;
	bool ok = play_one(sc, seed, 0, false, t, &first);

	for (uint64_t i = 1; ok && i <= MIN2(first.boundaries, (uint64_t)EACH_MAX); i++)
		ok = play_one(sc, seed, i, false, t, &next);
	return ok;
}

/* What cannot be played again exactly cannot be understood. */
static bool repeats(const struct scenario *sc, uint64_t seed, struct tally *t)
{
	struct ending first, next;

	if (!play_one(sc, seed, 0, false, t, &first) || !play_one(sc, seed, 0, false, t, &next))
		return false;
	if (first.digest == next.digest)
		return true;
	printf("FAILED  %s --seed %llu\n  the same run again is another one\n", sc->file,
	        (unsigned long long)seed);
	return false;
}

static void play_file(const struct scenario *sc, const struct args *a, struct tally *t)
{
	uint64_t n = a->seeds ? a->seeds : sc->seeds, runs = t->runs, steps = t->sum.steps;
	double start = now();
	bool ok = repeats(sc, a->from, t);

	for (uint64_t i = 0; ok && i < n; i++)
		ok = play_seed(sc, a->from + i, t);
	t->passed += ok;
	t->failed += !ok;
	printf("  %-7s %-24s %5llu runs %9llu steps %6.2f s  %s\n", ok ? "ok" : "FAILED",
	        strrchr(sc->file, '/') ? strrchr(sc->file, '/') + 1 : sc->file,
	        (unsigned long long)(t->runs - runs), (unsigned long long)(t->sum.steps - steps),
	        now() - start, sc->story);
	fflush(stdout);
}

static void show_figures(const struct tally *t)
{
	const struct figures *n = &t->sum;

	printf("%llu runs, %llu steps, %llu events, %llu effects; %llu jobs, %llu done, %llu deals, "
	       "%llu runs of programs; %llu crashes",
	        (unsigned long long)t->runs, (unsigned long long)n->steps,
	        (unsigned long long)n->events, (unsigned long long)n->effects,
	        (unsigned long long)n->jobs, (unsigned long long)n->done,
	        (unsigned long long)n->deals, (unsigned long long)n->runs,
	        (unsigned long long)n->crashes);
	for (size_t i = 0; i < FAULT_KINDS; i++) {
		if (i != FAULT_CRASH)
			printf(", %llu %s", (unsigned long long)n->faults[i], fault_names[i]);
	}
	printf("\n");
}

/* ---- for long ------------------------------------------------------------------------------------------ */

static void play_long(const struct scenario *all, const struct args *a, struct tally *t)
{
	double end = now() + (double)a->seconds;
	uint64_t seed = a->from;

	for (; now() < end && t->failed < FAILURES_MAX; seed++) {
		for (size_t i = 0; i < a->files_n && now() < end; i++) {
			struct ending first, next;
			bool ok = play_one(&all[i], seed, 0, false, t, &first);

			/* One of the boundaries, where a scenario crashes at each. */
			if (ok && first.boundaries)
				ok = play_one(&all[i], seed, 1 + seed % first.boundaries, false, t,
				        &next);
			t->passed += ok;
			t->failed += !ok;
		}
	}
	printf("seeds %llu to %llu\n", (unsigned long long)a->from, (unsigned long long)seed - 1);
}

/* ---- the command line ---------------------------------------------------------------------------------- */

static NORETURN void usage(const char *why)
{
	fprintf(stderr,
	        "sim: %s\nsim [--seeds N] [--from N] FILE...\n"
	        "sim --scenario FILE --seed N [--crash-at B] [--trace]\n"
	        "sim --seconds S [--from N] FILE...\n",
	        why);
	exit(2);
}

static void parse(int argc, char **argv, struct args *a)
{
	a->from = 1;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
		uint64_t *number = strcmp(word, "--seed") == 0       ? &a->seed
		                   : strcmp(word, "--seeds") == 0    ? &a->seeds
		                   : strcmp(word, "--seconds") == 0  ? &a->seconds
		                   : strcmp(word, "--from") == 0     ? &a->from
		                   : strcmp(word, "--crash-at") == 0 ? &a->crash_at
		                                                     : NULL;

		if (strcmp(word, "--trace") == 0) {
			a->trace = true;
		} else if (number) {
			if (!str_u64(str_of(value), UINT64_MAX, number))
				usage("a number is missing");
			a->one = a->one || number == &a->seed;
			i++;
		} else {
			if (strcmp(word, "--scenario") == 0) {
				word = value;
				i++;
			}
			if (a->files_n == FILES_MAX || !word[0] || word[0] == '-')
				usage("which file?");
			a->files[a->files_n++] = word;
		}
	}
	if (a->files_n == 0)
		usage("no scenario");
}

int main(int argc, char **argv)
{
	struct scenario *all;
	struct args a = {0};
	struct tally t = {0};
	struct err e;

	parse(argc, argv, &a);
	/* The order of a JSON object's members must not depend on the machine. */
	json_object_seed(1);
	all = calloc(a.files_n, sizeof *all);
	assert(all);
	for (size_t i = 0; i < a.files_n; i++) {
		if (!scenario_read(a.files[i], &all[i], &e) || !wire_modes_known(&all[i], &e)) {
			fprintf(stderr, "sim: %s\n", e.msg);
			free(all);
			return 2;
		}
	}
	if (a.one) {
		struct ending end;
		bool ok = play_one(&all[0], a.seed, a.crash_at, a.trace, &t, &end);

		t.passed = ok;
		t.failed = !ok;
	} else if (a.seconds) {
		play_long(all, &a, &t);
	} else {
		for (size_t i = 0; i < a.files_n; i++)
			play_file(&all[i], &a, &t);
	}
	show_figures(&t);
	printf("%u passed, %u failed, 0 skipped\n", t.passed, t.failed);
	free(all);
	return t.failed ? 1 : 0;
}
