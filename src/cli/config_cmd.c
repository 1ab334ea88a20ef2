/* config_cmd.c - `lilypad config …`: every setting, its value, and which layer it came from. */
#include <string.h>

#include "cli/cli.h"
#include "codec/json.h"

/* The network's values count as well; without a network the other layers are shown. */
static void with_network(struct cli *c)
{
	struct network_file n;
	struct err e;

	if (!network_load(c, &n, &e))
		err_clear(&e);
}

static json_t *row_json(const struct cli *c, const struct setting_row *r)
{
	char where[CLI_PATH_MAX + 100], env[80];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "key", r->key, "value",
	        settings_text(c->settings, r->key), "source",
	        settings_source_text(c->settings, r->key, where, sizeof where), "default",
	        r->standard, "kind", setting_kind_name(r->kind), "environment",
	        settings_env_name(r->key, env), "meaning", r->meaning);
}

int cmd_config_show(struct cli *c)
{
	char where[CLI_PATH_MAX + 100];
	json_t *list;

	with_network(c);
	if (c->json) {
		list = json_array();
		for (size_t i = 0; i < setting_rows_n; i++)
			json_array_append_new(list, row_json(c, &setting_rows[i]));
		cli_print_json(json_pack("{s:o}", "settings", list));
		return 0;
	}
	for (size_t i = 0; i < setting_rows_n; i++)
		printf("%-28s %-28s %s\n", setting_rows[i].key,
		        settings_text(c->settings, setting_rows[i].key),
		        settings_source_text(
		                c->settings, setting_rows[i].key, where, sizeof where));
	return 0;
}

static const struct setting_row *row_of(const char *key, struct err *e)
{
	const char *near = setting_nearest(key);

	for (size_t i = 0; i < setting_rows_n; i++) {
		if (strcmp(setting_rows[i].key, key) == 0)
			return &setting_rows[i];
	}
	FAIL(e, USAGE, "no setting is named %s", key);
	if (near)
		err_hint(e, "did you mean %s?", near);
	else
		err_hint(e, "`lilypad config show` lists all");
	return NULL;
}

/* The layers from the highest to the lowest, and what each says. */
static json_t *layers_json(const struct cli *c, const struct setting_row *r)
{
	static const char *const names[] = {[FROM_FLAG] = "command line",
	        [FROM_ENVIRONMENT] = "environment",
	        [FROM_PROJECT] = "project file",
	        [FROM_PROFILE] = "profile",
	        [FROM_NETWORK] = "network file",
	        [FROM_DEFAULT] = "default"};
	json_t *list = json_array();

	for (int i = FROM_FLAG; i >= FROM_DEFAULT; i--) {
		const char *v = settings_layer(c->settings, r->key, (enum setting_source)i);

		json_array_append_new(
		        list, json_pack("{s:s, s:o, s:b}", "layer", names[i], "value",
		                      v ? json_string(v) : json_null(), "used",
		                      (int)((int)settings_source(c->settings, r->key) == i)));
	}
	return list;
}

static void explain(const struct cli *c, const struct setting_row *r, const json_t *layers)
{
	char where[CLI_PATH_MAX + 100], env[80];
	const json_t *l;
	size_t i;

	printf("%s\n  %s (%s)\n", r->key, r->meaning, setting_kind_name(r->kind));
	printf("  value        \"%s\", from %s\n", settings_text(c->settings, r->key),
	        settings_source_text(c->settings, r->key, where, sizeof where));
	printf("  environment  %s\n  places, the highest that has a value wins:\n",
	        settings_env_name(r->key, env));
	json_array_foreach (layers, i, l) {
		const char *v = json_string_value(json_object_get(l, "value"));

		printf("  %s %-14s %s%s%s\n", json_is_true(json_object_get(l, "used")) ? "→" : " ",
		        json_string_value(json_object_get(l, "layer")), v ? "\"" : "", v ? v : "-",
		        v ? "\"" : "");
	}
}

int cmd_config_explain(struct cli *c)
{
	const struct setting_row *r;
	json_t *layers;
	struct err e;

	if (c->args.positional_n != 1) {
		FAIL(&e, USAGE, "which setting? lilypad config explain KEY");
		return cli_fail(c, &e);
	}
	r = row_of(c->args.positional[0], &e);
	if (!r)
		return cli_fail(c, &e);
	with_network(c);
	layers = layers_json(c, r);
	if (c->json) {
		json_t *j = row_json(c, r);

		json_object_set(j, "layers", layers);
		cli_print_json(j);
	} else {
		explain(c, r, layers);
	}
	json_decref(layers);
	return 0;
}
