/* places.c - where files go: the XDG base directories, or all under one directory. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "os/file.h"

static bool place(char out[CLI_PATH_MAX], const char *dir, const char *env, const char *home_part,
        const char *name, struct err *e)
{
	const char *base = getenv(env);
	const char *home = getenv("HOME");
	int n;

	if (dir)
		n = snprintf(out, CLI_PATH_MAX, "%s/%s", dir, name);
	else if (base && base[0] == '/')
		n = snprintf(out, CLI_PATH_MAX, "%s/lilypad", base);
	else if (home && home[0] == '/')
		n = snprintf(out, CLI_PATH_MAX, "%s/%s/lilypad", home, home_part);
	else
		return FAIL(
		        e, CONFIG, "neither --dir, %s nor HOME says where files may be kept", env);
	/* Room for the names below it. */
	if (n < 0 || n > CLI_PATH_MAX - 256)
		return FAIL(e, CONFIG, "the path of the %s directory is too long", name);
	TRY(dir_make(out, e), e);
	return true;
}

void program_dir(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	out[n < 0 ? 0 : n] = '\0';
	slash = strrchr(out, '/');
	if (slash)
		*slash = '\0';
}

bool places_find(const char *dir, struct places *out, struct err *e)
{
	char absolute[PATH_MAX];

	if (dir && *dir) {
		TRY(dir_make(dir, e), e);
		if (!realpath(dir, absolute))
			return FAIL(e, CONFIG, "%s is no directory", dir);
		dir = absolute;
	} else {
		dir = NULL;
	}
	TRY(place(out->config, dir, "XDG_CONFIG_HOME", ".config", "config", e), e);
	TRY(place(out->data, dir, "XDG_DATA_HOME", ".local/share", "data", e), e);
	TRY(place(out->state, dir, "XDG_STATE_HOME", ".local/state", "state", e), e);
	TRY(place(out->cache, dir, "XDG_CACHE_HOME", ".cache", "cache", e), e);
	return true;
}
