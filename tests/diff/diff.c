/* diff.c - the same random traces on the rules of src/ledger and on the contracts (protocol 8): every balance,
 * lock, state, nonce and event is compared after each move.
 *
 *   diff [--anvil PATH] [--seed N] [--traces N] [--moves N] [--write DIR] [--figures] [--must] [TRACE.json]...
 *
 * Plays the given traces, then as many random ones, the seeds being N, N + 1 and so on. A difference is shrunk, and
 * written to DIR. The last line is `N passed, N failed, N skipped`: traces; where anvil is not installed one is
 * skipped, which is a failure with --must. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/json.h"
#include "os/clock.h"
#include "os/file.h"
#include "trace.h"

enum { DIFFERENCES_MAX = 5, TRACE_BYTES_MAX = 1 << 20 };

struct options {
	const char *anvil, *write;
	uint64_t seed, traces, moves;
	bool figures, must;
	char **files;
	int files_n;
};

struct run {
	struct options o;
	struct chain chain;
	struct sides sides;
	struct trace trace;
	struct figures figures;
	unsigned passed, failed;
};

/* ---- differences -------------------------------------------------------------------------------- */

static void write_trace(const struct run *r, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	mkdir(r->o.write, 0777);
	snprintf(path, sizeof path, "%s/%s.json", r->o.write, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0)
		printf("  it cannot be written to %s\n", path);
	else
		printf("  written to %s\n", path);
	if (f)
		fclose(f);
}

static void show(const struct run *r, const char *name, const struct told *t)
{
	json_t *j OWN(json_own) = trace_to_json(&r->trace, t->what);
	struct buf text OWN(buf_done) = {0};

	buf_init(&text, TRACE_BYTES_MAX);
	json_pretty(j, &text);
	buf_z(&text, "\n");
	printf("  shortest: %u moves: %s\n", r->trace.n, t->what);
	for (unsigned i = 0; i < r->trace.n; i++) {
		json_t *m OWN(json_own) = move_to_json(&r->trace.moves[i]);
		struct buf one OWN(buf_done) = {0};

		buf_init(&one, TRACE_BYTES_MAX);
		json_canonical(m, &one);
		printf("    %s\n", buf_cstr(&one));
	}
	if (r->o.write)
		write_trace(r, name, buf_cstr(&text));
}

static bool differs(struct run *r, const char *name, struct told *t, bool shrink, struct err *e)
{
	r->failed++;
	printf("DIFFERENCE in %s, after %u moves: %s\n", name, r->trace.n, t->what);
	if (!shrink)
		return true;
	fflush(stdout);
	TRY(trace_shrink(&r->sides, &r->trace, t, e), e);
	show(r, name, t);
	return true;
}

/* ---- traces ------------------------------------------------------------------------------------- */

static bool read_trace(const char *path, struct trace *out, struct err *e)
{
	struct buf text OWN(buf_done) = {0};
	json_t *j OWN(json_own) = NULL;

	buf_init(&text, TRACE_BYTES_MAX);
	TRY(file_read(path, TRACE_BYTES_MAX, &text, e), e);
	TRY(json_parse(buf_view(&text), &j, e), e);
	return trace_from_json(j, out, e);
}

static bool play_files(struct run *r, struct err *e)
{
	struct told t;
	unsigned at;

	for (int i = 0; i < r->o.files_n; i++) {
		const char *path = r->o.files[i];

		TRY(read_trace(path, &r->trace, e), e);
		TRY(trace_play(&r->sides, &r->trace, &r->figures, &at, &t, e), e);
		if (!t.differs)
			r->passed++;
		else
			TRY(differs(r, path, &t, false, e), e);
	}
	return true;
}

/* Each few seconds. */
static void progress(const struct run *r, uint64_t done, struct mono *last)
{
	struct mono now = clock_mono();

	if (mono_since(now, *last).ms < 10000)
		return;
	*last = now;
	printf("  %llu of %llu traces, %llu moves, %u differences\n", (unsigned long long)done,
	        (unsigned long long)r->o.traces, (unsigned long long)r->figures.moves, r->failed);
	fflush(stdout);
}

static bool play_random(struct run *r, struct err *e)
{
	struct mono last = clock_mono();
	char name[32];
	struct told t;

	for (uint64_t i = 0; i < r->o.traces && r->failed < DIFFERENCES_MAX; i++) {
		snprintf(name, sizeof name, "seed-%llu", (unsigned long long)(r->o.seed + i));
		TRY(trace_draw(&r->sides, r->o.seed + i, (unsigned)r->o.moves, &r->trace,
		            &r->figures, &t, e),
		        e);
		if (!t.differs)
			r->passed++;
		else
			TRY(differs(r, name, &t, true, e), e);
		progress(r, i + 1, &last);
	}
	return true;
}

/* ---- figures ------------------------------------------------------------------------------------ */

static void show_figures(const struct run *r)
{
	const struct figures *f = &r->figures;

	printf("%-18s %9s %9s %9s %9s\n", "move", "effect", "none", "refused", "by one");
	for (unsigned i = 0; i < WHATS; i++)
		printf("%-18s %9llu %9llu %9llu %9llu\n", what_name(i),
		        (unsigned long long)f->effects[i], (unsigned long long)f->nones[i],
		        (unsigned long long)f->refused[i], (unsigned long long)f->by_one[i]);
	printf("refused with:");
	for (unsigned i = 0; i < E_COUNT; i++) {
		if (f->codes[i])
			printf(" %s %llu", err_name((enum err_code)i),
			        (unsigned long long)f->codes[i]);
	}
	printf("\ndeals ended in: NONE %llu", (unsigned long long)f->ends[0]);
	for (size_t i = 0; i < deal_states.n; i++) {
		if (f->ends[deal_states.states[i].value])
			printf(" %s %llu", deal_states.states[i].name,
			        (unsigned long long)f->ends[deal_states.states[i].value]);
	}
	printf("\n%llu traces, %llu moves, %llu gas\n", (unsigned long long)f->traces,
	        (unsigned long long)f->moves, (unsigned long long)r->chain.gas);
}

static int sum_up(const struct run *r, unsigned skipped)
{
	printf("%u passed, %u failed, %u skipped\n", r->passed, r->failed, skipped);
	return r->failed || (skipped && r->o.must) ? 1 : 0;
}

/* ---- main --------------------------------------------------------------------------------------- */

static bool number(const char *text, uint64_t *out)
{
	return text && str_u64(str_of(text), UINT32_MAX, out);
}

static bool options(int argc, char **argv, struct options *o)
{
	int i = 1;

	*o = (struct options){.anvil = "", .seed = 1, .traces = 0, .moves = 24};
	for (; i < argc && argv[i][0] == '-'; i++) {
		const char *what = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
		bool ok = value;

		if (strcmp(what, "--figures") == 0 || strcmp(what, "--must") == 0) {
			*(what[2] == 'm' ? &o->must : &o->figures) = true;
			continue;
		}
		if (strcmp(what, "--anvil") == 0)
			o->anvil = value;
		else if (strcmp(what, "--write") == 0)
			o->write = value;
		else if (strcmp(what, "--seed") == 0)
			ok = number(value, &o->seed);
		else if (strcmp(what, "--traces") == 0)
			ok = number(value, &o->traces);
		else if (strcmp(what, "--moves") == 0)
			ok = number(value, &o->moves) && o->moves <= MOVES_MAX;
		else
			ok = false;
		if (!ok) {
			fprintf(stderr, "diff: %s is no option, or its value is out of bounds\n",
			        what);
			return false;
		}
		i++;
	}
	o->files = argv + i;
	o->files_n = argc - i;
	return true;
}

static bool play_all(struct run *r, struct err *e)
{
	TRY(chain_start(&r->chain, r->o.anvil, &r->sides.p.genesis, r->sides.keys, e), e);
	TRY(play_files(r, e), e);
	return play_random(r, e);
}

int main(int argc, char **argv)
{
	static struct run r;
	struct err e = {0};
	bool ok;

	if (!options(argc, argv, &r.o))
		return 2;
	if (access(r.o.anvil, X_OK) != 0) {
		printf("SKIPPED diff: anvil is not at \"%s\" (tools/setup_tests.d/contracts fetches "
		       "it)\n",
		        r.o.anvil);
		return sum_up(&r, 1);
	}
	sides_parties(&r.sides, &r.chain);
	ok = play_all(&r, &e);
	chain_stop(&r.chain);
	if (!ok) {
		printf("diff: %s\n", e.msg);
		for (int i = 0; i < e.trail_n; i++)
			printf("  at %s:%d\n", e.trail[i].file, e.trail[i].line);
		r.failed++;
	}
	if (r.o.figures)
		show_figures(&r);
	return sum_up(&r, 0);
}
