/* settings.h - settings by key, each with the place it came from. */
#ifndef LILYPAD_CLI_SETTINGS_H
#define LILYPAD_CLI_SETTINGS_H

#include "base/amount.h"
#include "base/err.h"
#include "base/when.h"
#include "cli/args.h"

enum setting_kind {
	SETTING_TEXT,
	SETTING_NUMBER,
	SETTING_AMOUNT,
	SETTING_SPAN,
	SETTING_SIZE,
	SETTING_ADDR,
	SETTING_FILE
};

struct setting_row {
	const char *key;
	const char *standard; /* default */
	enum setting_kind kind;
	const char *meaning;
};
extern const struct setting_row setting_rows[];
extern const size_t setting_rows_n;
/* "time, such as 30s", … */
const char *setting_kind_name(enum setting_kind k);
/* The key that was meant, or NULL (module/nearest.h). */
const char *setting_nearest(const char *key);

enum setting_source {
	FROM_DEFAULT,
	FROM_NETWORK,
	FROM_PROFILE,
	FROM_PROJECT,
	FROM_ENVIRONMENT,
	FROM_FLAG
};

struct settings;
/* Reads the profile file (may be absent), ./lilypad.ini of the project (may be absent), the environment
 * and the flags. CONFIG names the file, line, key and nearest key. */
MUST bool settings_new(
        const char *profile, const struct args *args, struct settings **out, struct err *e);
struct settings *settings_free(struct settings *s);
/* A value below all the others but the default: from the network file. */
void settings_from_network(struct settings *s, const char *key, const char *value);

/* Never NULL; the key must exist. */
const char *settings_text(const struct settings *s, const char *key);
/* What one layer says; NULL: nothing. */
const char *settings_layer(const struct settings *s, const char *key, enum setting_source layer);
enum setting_source settings_source(const struct settings *s, const char *key);
/* "environment LILYPAD_LOG_LEVEL", "profile /…/lilypad.ini", … */
const char *settings_source_text(const struct settings *s, const char *key, char *out, size_t n);
const char *settings_env_name(const char *key, char out[80]);
/* CONFIG names the key, the value, where it came from and what would be right. */
MUST bool settings_number(
        const struct settings *s, const char *key, uint64_t max, uint64_t *out, struct err *e);
MUST bool settings_size(const struct settings *s, const char *key, uint64_t *out, struct err *e);
MUST bool settings_span(const struct settings *s, const char *key, struct span *out, struct err *e);
MUST bool settings_amount(const struct settings *s, const char *key, unsigned decimals,
        struct amount *out, struct err *e);
MUST bool settings_addr(const struct settings *s, const char *key, struct addr *out, struct err *e);

#endif
