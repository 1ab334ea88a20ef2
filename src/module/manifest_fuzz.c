/* manifest_fuzz.c - module.json from strangers: no crash, and what is taken can be rendered. */
#include <stdlib.h>

#include "module/inputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct module *m = malloc(sizeof *m);
	struct job_spec *spec = malloc(sizeof *spec);
	struct hash seed = {{1}};
	struct inputs in = {0};
	struct err e;

	if (m && spec && module_parse((struct str){(const char *)data, n}, m, &e)) {
		struct input_pair pair = {STR("Message"), STR("moo")};

		if (inputs_check(m, &pair, 1, 0, &in, &e) || inputs_check(m, NULL, 0, 1, &in, &e)) {
			if (!inputs_render(m, &in, "wasm/fuzz", NULL, 0, &seed, spec, &e))
				assert(e.code != E_NONE && e.msg[0]);
		}
	} else if (m && spec) {
		assert(e.code == E_MODULE_BAD || e.code == E_MEMORY);
	}
	free(spec);
	free(m);
	return 0;
}
