/* build_dir.h - where a benchmark of this folder finds what was built with it. */
#ifndef LILYPAD_TESTS_BENCH_BUILD_DIR_H
#define LILYPAD_TESTS_BENCH_BUILD_DIR_H

#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define BUILD_DIR_MAX (CLI_PATH_MAX - 64) /* there is room in a path for what lies in it */

/* The build folder: the running program is BUILD/bench/whole/NAME. Empty: the system does not say. */
static inline void build_dir(char out[BUILD_DIR_MAX])
{
	ssize_t n;

	memset(out, 0, BUILD_DIR_MAX);
	n = readlink("/proc/self/exe", out, BUILD_DIR_MAX - 1);
	for (int i = 0; i < 3 && n > 0; i++) {
		char *slash = strrchr(out, '/');

		if (slash)
			*slash = '\0';
	}
}

#endif
