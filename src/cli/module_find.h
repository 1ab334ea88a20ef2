/* module_find.h - where the modules of this machine are. */
#ifndef LILYPAD_CLI_MODULE_FIND_H
#define LILYPAD_CLI_MODULE_FIND_H

#include "cli/cli.h"
#include "module/manifest.h"

#define MODULE_NAMES_MAX 256 /* modules that are listed */

/* By path of a folder with a module.json, or by name among the modules beside the program and those of
 * DATA/modules. *out is on the heap: free(). dir: its folder. MODULE_UNKNOWN with the nearest name;
 * MODULE_BAD names the file and what is wrong in it. */
MUST bool module_find(const struct cli *c, const char *name, struct module **out,
        char dir[CLI_PATH_MAX], struct err *e);
/* Reads DIR/module.json; *out as above. */
MUST bool module_load(const char *dir, struct module **out, struct err *e);
/* Names of all modules that are found by name, sorted, each once. Returns how many. */
size_t module_names(const struct cli *c, char names[MODULE_NAMES_MAX][NAME_MAX_ + 1]);
/* The program of the module in dir: NAME.wasm, or program.wasm. MODULE_BAD says how to build it. */
MUST bool module_program(
        const struct module *m, const char *dir, char path[CLI_PATH_MAX], struct err *e);

#endif
