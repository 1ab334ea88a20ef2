/* exec_suite.h - what the tests of the executor share: blobs in memory, a cache folder of their own, and runs
 * as a provider does them, in the executor's own process. The program that includes it plays that process. */
#ifndef LILYPAD_EXEC_EXEC_SUITE_H
#define LILYPAD_EXEC_EXEC_SUITE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bounds.h"
#include "blobs/memory.h"
#include "codec/unixfs.h"
#include "exec/wasm.h"
#include "exec/wasm_main.h"
#include "model/model.h"

struct bench {
	struct blobs_memory *memory;
	struct blobs blobs;
	char cache[64], self[256];
	const char *engine;
};

static struct bench bench; /* allow-listed static: of a test program */

/* engine: a library, or NULL for what tools/get_wasmtime fetched. */
static inline void bench_open(const char *engine)
{
	ssize_t n = readlink("/proc/self/exe", bench.self, sizeof bench.self - 1);

	assert_true(n > 0);
	bench.engine = engine ? engine : "build/wasmtime/lib/libwasmtime.so";
	bench.memory = blobs_memory_new(8192);
	assert_non_null(bench.memory);
	bench.blobs = blobs_memory_port(bench.memory);
	snprintf(bench.cache, sizeof bench.cache, "/tmp/lilypad_exec_XXXXXX");
	assert_non_null(mkdtemp(bench.cache));
}

static inline void each_cached(void (*visit)(const char *path))
{
	char pattern[128];
	glob_t g;

	snprintf(pattern, sizeof pattern, "%s/*", bench.cache);
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			visit(g.gl_pathv[i]);
		globfree(&g);
	}
}

static inline void forget(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static inline void bench_close(void)
{
	each_cached(forget);
	assert_int_equal(rmdir(bench.cache), 0);
	blobs_memory_free(bench.memory);
}

static inline struct unixfs_node add(const struct unixfs_path *paths, size_t n)
{
	const struct block_sink sink = {bench.memory, bench.blobs.put};
	struct unixfs_node node;
	struct err e;

	if (!unixfs_add_tree(&sink, paths, n, &node, &e))
		fail_msg("%s", e.msg);
	return node;
}

static inline struct block_source added(void)
{
	return (struct block_source){bench.memory, bench.blobs.get};
}

static inline struct run_done run_spec(const struct job_spec *s)
{
	struct run_done d = {0};
	struct err e;

	if (!exec_wasm_once(&bench.blobs, bench.cache, bench.engine, bench.self, s, &d, &e))
		fail_msg("%s", e.msg);
	return d;
}

#endif
