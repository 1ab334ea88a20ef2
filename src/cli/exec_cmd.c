/* exec_cmd.c - the hidden command behind which the executor's process runs. */
#include "cli/cli.h"
#include "exec/wasm_main.h"

int cmd_exec_wasm_main(int argc, char **argv)
{
	return exec_wasm_main(argc, argv);
}
