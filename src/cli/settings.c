/* settings.c - five layers of settings, the highest that has a value wins. */
#include "cli/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/hex.h"
#include "module/nearest.h"

const struct setting_row setting_rows[] = {
#define SET(key, standard, kind, meaning) {key, standard, SETTING_##kind, meaning},
#include "cli/settings.def"
#undef SET
};
const size_t setting_rows_n = COUNT(setting_rows);

const char *setting_kind_name(enum setting_kind k)
{
	static const char *const names[] = {[SETTING_TEXT] = "text",
	        [SETTING_NUMBER] = "whole number",
	        [SETTING_AMOUNT] = "amount of tokens",
	        [SETTING_SPAN] = "time, such as 30s",
	        [SETTING_SIZE] = "bytes, such as 512M",
	        [SETTING_ADDR] = "account",
	        [SETTING_FILE] = "path of a file"};

	return names[k];
}

enum { LAYERS = FROM_FLAG + 1 };

struct settings {
	char *values[COUNT(setting_rows)][LAYERS]; /* owned; NULL: not given there */
	char profile[1024];
	char project[64];
	struct err *failure; /* while an INI file is read */
	const char *file;
	enum setting_source layer;
};

static size_t find(struct str key)
{
	size_t i = 0;

	while (i < setting_rows_n && !str_is(key, setting_rows[i].key))
		i++;
	return i;
}

static size_t index_of(const char *key)
{
	size_t i = find(str_of(key));

	assert(i < setting_rows_n);
	return i;
}

static void set(struct settings *s, size_t i, enum setting_source layer, const char *value)
{
	char *copy = strdup(value);

	assert(copy);
	free(s->values[i][layer]);
	s->values[i][layer] = copy;
}

const char *setting_nearest(const char *key)
{
	const char *names[COUNT(setting_rows)];

	for (size_t i = 0; i < setting_rows_n; i++)
		names[i] = setting_rows[i].key;
	return nearest_name(str_of(key), names, setting_rows_n);
}

static bool unknown_key(const char *where, const char *key, struct err *e)
{
	const char *near = setting_nearest(key);

	FAIL(e, CONFIG, "%s: no setting is named %s", where, key);
	if (near)
		return err_hint(e, "did you mean %s? `lilypad config show` lists all", near);
	return err_hint(e, "`lilypad config show` lists all");
}

static int on_ini(void *ctx, const char *section, const char *name, const char *value)
{
	struct settings *s = ctx;
	char key[96];
	size_t i;

	snprintf(key, sizeof key, "%s.%s", section, name);
	i = find(str_of(key));
	if (i == setting_rows_n)
		return unknown_key(s->file, key, s->failure);
	if (s->values[i][s->layer])
		return FAIL(s->failure, CONFIG, "%s: %s is given twice", s->file, key);
	set(s, i, s->layer, value);
	return 1;
}

static bool read_ini(struct settings *s, const char *path, enum setting_source layer, struct err *e)
{
	FILE *f = fopen(path, "re");
	int line;

	if (!f) {
		if (errno == ENOENT || errno == ENOTDIR)
			return true;
		return FAIL_SYS(e, CONFIG, errno, "%s", path);
	}
	err_clear(e);
	s->failure = e;
	s->file = path;
	s->layer = layer;
	line = ini_parse_file(f, on_ini, s);
	fclose(f);
	if (e->code != E_NONE) {
		if (line > 0)
			err_prefix(e, "line %d of ", line);
		return false;
	}
	if (line != 0)
		return FAIL(
		        e, CONFIG, "%s: line %d is neither [section] nor name = value", path, line);
	return true;
}

const char *settings_env_name(const char *key, char out[80])
{
	size_t n = (size_t)snprintf(out, 80, "LILYPAD_%s", key);

	for (size_t i = 8; i < n; i++) {
		if (out[i] == '.' || out[i] == '-')
			out[i] = '_';
		else if (out[i] >= 'a' && out[i] <= 'z')
			out[i] = (char)(out[i] - 'a' + 'A');
	}
	return out;
}

static void read_environment(struct settings *s)
{
	char name[80];

	for (size_t i = 0; i < setting_rows_n; i++) {
		const char *v = getenv(settings_env_name(setting_rows[i].key, name));

		if (v)
			set(s, i, FROM_ENVIRONMENT, v);
	}
}

bool settings_new(
        const char *profile, const struct args *args, struct settings **out, struct err *e)
{
	struct settings *s = calloc(1, sizeof *s);

	if (!s)
		return FAIL(e, MEMORY, "no memory for the settings");
	snprintf(s->profile, sizeof s->profile, "%s", profile);
	snprintf(s->project, sizeof s->project, "lilypad.ini");
	read_environment(s);
	if (!read_ini(s, s->profile, FROM_PROFILE, e) ||
	        !read_ini(s, s->project, FROM_PROJECT, e)) {
		settings_free(s);
		return false;
	}
	for (size_t i = 0; i < args->given_n; i++) {
		if (args->given[i].row->setting)
			set(s, index_of(args->given[i].row->setting), FROM_FLAG,
			        args->given[i].value);
	}
	*out = s;
	return true;
}

struct settings *settings_free(struct settings *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < setting_rows_n; i++) {
		for (size_t j = 0; j < LAYERS; j++)
			free(s->values[i][j]);
	}
	free(s);
	return NULL;
}

void settings_from_network(struct settings *s, const char *key, const char *value)
{
	set(s, index_of(key), FROM_NETWORK, value);
}

enum setting_source settings_source(const struct settings *s, const char *key)
{
	size_t i = index_of(key);

	for (int layer = FROM_FLAG; layer > FROM_DEFAULT; layer--) {
		if (s->values[i][layer])
			return (enum setting_source)layer;
	}
	return FROM_DEFAULT;
}

const char *settings_text(const struct settings *s, const char *key)
{
	size_t i = index_of(key);
	enum setting_source from = settings_source(s, key);

	return from == FROM_DEFAULT ? setting_rows[i].standard : s->values[i][from];
}

const char *settings_layer(const struct settings *s, const char *key, enum setting_source layer)
{
	size_t i = index_of(key);

	return layer == FROM_DEFAULT ? setting_rows[i].standard : s->values[i][layer];
}

const char *settings_source_text(const struct settings *s, const char *key, char *out, size_t n)
{
	char env[80];

	switch (settings_source(s, key)) {
	case FROM_DEFAULT: snprintf(out, n, "default"); break;
	case FROM_NETWORK: snprintf(out, n, "network file"); break;
	case FROM_PROFILE: snprintf(out, n, "profile %s", s->profile); break;
	case FROM_PROJECT: snprintf(out, n, "project file %s", s->project); break;
	case FROM_ENVIRONMENT:
		snprintf(out, n, "environment %s", settings_env_name(key, env));
		break;
	case FROM_FLAG: snprintf(out, n, "command line"); break;
	}
	return out;
}

static bool wrong(const struct settings *s, const char *key, const char *right, struct err *e)
{
	char where[1100];

	return FAIL(e, CONFIG, "%s is \"%s\" (%s); it must be %s", key, settings_text(s, key),
	        settings_source_text(s, key, where, sizeof where), right);
}

bool settings_number(
        const struct settings *s, const char *key, uint64_t max, uint64_t *out, struct err *e)
{
	char right[64];

	if (str_u64(str_of(settings_text(s, key)), max, out))
		return true;
	snprintf(right, sizeof right, "a whole number up to %llu", (unsigned long long)max);
	return wrong(s, key, right, e);
}

bool settings_size(const struct settings *s, const char *key, uint64_t *out, struct err *e)
{
	static const char units[] = "KMGT";
	struct str t = str_of(settings_text(s, key));
	const char *unit = t.n ? strchr(units, t.p[t.n - 1]) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	uint64_t v;

	if (unit)
		t.n--;
	if (!str_u64(t, UINT64_MAX >> shift, &v))
		return wrong(s, key, "a number of bytes, with K, M, G or T for their multiples", e);
	*out = v << shift;
	return true;
}

bool settings_span(const struct settings *s, const char *key, struct span *out, struct err *e)
{
	if (span_parse(str_of(settings_text(s, key)), out))
		return true;
	return wrong(s, key, "a time such as 500ms, 30s, 10m, 2h or 3d", e);
}

bool settings_amount(const struct settings *s, const char *key, unsigned decimals,
        struct amount *out, struct err *e)
{
	struct amount v;

	if (amount_parse_display(str_of(settings_text(s, key)), decimals, &v) &&
	        amount_fits_document(v)) {
		*out = v;
		return true;
	}
	return wrong(s, key, "an amount of tokens such as 0.25", e);
}

bool settings_addr(const struct settings *s, const char *key, struct addr *out, struct err *e)
{
	struct err why;

	if (addr_parse(str_of(settings_text(s, key)), out, &why))
		return true;
	return wrong(s, key, "an account: 0x and 40 hex digits", e);
}
