/* wallet.h - files of keys, for the commands that handle them. */
#ifndef LILYPAD_CLI_WALLET_H
#define LILYPAD_CLI_WALLET_H

#include "cli/cli.h"

/* DATA/keys/NAME + suffix. */
void wallet_path(const struct cli *c, const char *name, const char *suffix, char out[CLI_PATH_MAX]);
MUST bool wallet_name_ok(const char *name, struct err *e);
/* CONFLICT when the name is taken. */
MUST bool wallet_save(
        const struct cli *c, const char *name, const struct seckey *key, struct err *e);

/* The first line of a file, or what is typed at the terminal when file is NULL. KEY. */
MUST bool wallet_password(const char *file, const char *prompt, struct buf *out, struct err *e);

#endif
