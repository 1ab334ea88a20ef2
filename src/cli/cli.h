/* cli.h - what a command has in hand, and the table of commands. */
#ifndef LILYPAD_CLI_CLI_H
#define LILYPAD_CLI_CLI_H

#include <limits.h>
#include <stdio.h>

#include "chain/evm_view.h"
#include "cli/args.h"
#include "cli/settings.h"
#include "crypto/secp.h"
#include "model/model.h"
#include "port/peer.h"

#include "model/record_struct.h"
#include "cli/network.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "cli/network.def"
#include "model/record_end.h"

#define CLI_PATH_MAX 1024

/* Where this program keeps its files: XDG, or all under paths.dir. */
struct places {
	char config[CLI_PATH_MAX]; /* profile, networks */
	char data[CLI_PATH_MAX];   /* keys */
	char state[CLI_PATH_MAX];  /* stores, journals */
	char cache[CLI_PATH_MAX];  /* compiled modules, blocks that can be fetched again */
};

struct cli {
	const struct command *command;
	struct args args;
	struct settings *settings;
	struct places places;
	bool json, jsonl, quiet, verbose;
	const char *self;            /* this program, to start others */
	bool again;                  /* a daemon that is started anew by itself (HOST_AGAIN) */
	char waits_for[ERR_MSG_MAX]; /* why its last start failed */
	struct evm_place place;      /* of the ledger on a chain, once the network is loaded */
};

extern const struct command cli_commands[];
extern const size_t cli_commands_n;

/* ---- out.c ---- */
/* The error on standard error (three lines for people, one object with --json); gives its exit code. */
int cli_fail(const struct cli *c, const struct err *e);
/* A sentence for people on standard error; not with --quiet or --json. */
void cli_say(const struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Takes j: canonical JSON and a newline on standard output. */
void cli_print_json(json_t *j);
void cli_help(const struct command *cmd, FILE *to);
void cli_help_all(FILE *to);
MUST bool cli_find(int argc, char **argv, const struct command **out, int *words, struct err *e);
/* Progress on one line of a terminal, on plain lines elsewhere. */
MUST bool cli_is_terminal(void);
/* Foreign text as a terminal may be shown it: what would move its cursor, change its colours or its
 * direction of writing, and what is no UTF-8, becomes "?"; line ends and tabs stay. */
void cli_shown(struct str foreign, struct buf *out);
/* Writes foreign bytes: as they are, unless `to` is a terminal. false: it is closed. */
MUST bool cli_put(FILE *to, struct str foreign);
/* printf() whose arguments may be foreign. */
void cli_print(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* ---- wallet.c ---- */
struct wallet {
	char name[NAME_MAX_ + 1];
	char path[CLI_PATH_MAX];
	struct seckey key;
	struct addr addr;
	bool fresh; /* made just now */
};
/* The wallet in use; made when it does not exist and may be made. */
MUST bool wallet_open(
        const struct cli *c, const char *name, bool may_make, struct wallet *out, struct err *e);
void wallet_close(struct wallet *w);
/* A signer that borrows the wallet. */
struct signer wallet_signer(struct wallet *w);

/* ---- network.c ---- */
/* The network in use, checked; fills the settings below. CONFIG says how to get one. */
MUST bool network_load(struct cli *c, struct network_file *out, struct err *e);
MUST bool network_read(const char *path, struct network_file *out, struct err *e);
MUST bool network_write(
        const char *path, const struct network_file *n, struct signer *operator_, struct err *e);
/* Puts a file among the known ones and makes it the one in use. */
MUST bool network_use(const struct cli *c, const char *file, const char *name, struct err *e);
/* The same for a foreign file. CONFLICT: that name is another ledger's. */
MUST bool network_import(const struct cli *c, const char *file, const char *name, struct err *e);
/* A genesis as its canonical JSON. What file_read() and record_parse() say, after the path; TOO_LARGE. */
MUST bool genesis_read(const char *path, struct genesis *out, struct err *e);
MUST bool genesis_write(const struct genesis *g, const char *path, struct err *e);
void network_domain(const struct network_file *n, struct hash *out);
MUST bool cli_peers(
        const struct cli *c, struct peer *solver, struct peer *directory, struct err *e);

/* ---- the commands ---- */
#define CMD(fn) int fn(struct cli *c);
#include "cli/commands.def"
#undef CMD
/* The hidden executor: takes the whole command line. */
int cmd_exec_wasm_main(int argc, char **argv);

/* ---- places.c ---- */
MUST bool places_find(const char *dir, struct places *out, struct err *e);
/* The folder that this program lies in; "" when the system does not say. */
void program_dir(char out[PATH_MAX]);

#endif
