/* gen_docs.h - what the files of the documentation's generator share. */
#ifndef LILYPAD_TOOLS_GEN_DOCS_H
#define LILYPAD_TOOLS_GEN_DOCS_H

#include "base/buf.h"
#include "base/err.h"

/* " text |" with bars escaped. */
void put_cell(struct buf *out, const char *text);
void put_fmt_cell(struct buf *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- gen_docs_cli.c: settings, commands, routes ---- */
void put_settings(struct buf *out);
void put_commands(struct buf *out);
void put_common_options(struct buf *out);
void put_routes(struct buf *out);
/* lilypad.1 and a page for each command, into a folder that exists. */
MUST bool write_man_pages(const char *dir, struct err *e);

#endif
