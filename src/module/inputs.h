/* inputs.h - what a user gives, checked against a manifest, and the job spec that comes of it. Pure. */
#ifndef LILYPAD_MODULE_INPUTS_H
#define LILYPAD_MODULE_INPUTS_H

#include "module/manifest.h"

/* `-i Key=Value`, split at the first '='. */
struct input_pair {
	struct str key;
	struct str value;
};

/* One value for each input of the manifest, in its order. Borrowed from the pairs and the manifest. */
struct inputs {
	struct str
	        value[MANIFEST_INPUTS_MAX]; /* string, integer, number: as it is put into arguments;
	                                          file, folder: what the user gave, a path or "" */
};

/* MODULE_INPUT names what is missing, unknown (with the nearest name), given twice, or of the wrong
 * type, with its value and what would be right. files_n: how many files and folders the user gave
 * besides (-f): a required input whose path is "." is the whole of /inputs, and any of them will do. */
MUST bool inputs_check(const struct module *m, const struct input_pair *pairs, size_t n,
        size_t files_n, struct inputs *out, struct err *e);

/* The job spec of protocol 2.1. `engine` is the engine class; `files` are all trees under /inputs,
 * those of file inputs at module_input_path(); `seed` is that of the job's random source.
 * MODULE_INPUT: a file input has no tree, two trees collide, an argument grows above SPEC_ARG_MAX.
 * MODULE_BAD: a WASM module without a program. */
MUST bool inputs_render(const struct module *m, const struct inputs *in, const char *engine,
        const struct spec_input *files, size_t files_n, const struct hash *seed,
        struct job_spec *out, struct err *e);

#endif
