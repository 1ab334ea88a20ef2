/* schema.h - the tables of a store file: made when absent, widened when an older version wrote them,
 * refused when a newer one did. */
#ifndef LILYPAD_STORE_SCHEMA_H
#define LILYPAD_STORE_SCHEMA_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"

/* Of the file as a whole; a file with a higher one is refused. */
#define SCHEMA_FORMAT 1
/* "lily": tells our files from other SQLite files. */
#define SCHEMA_APP_ID   0x6c696c79
#define SCHEMA_TEXT_MAX (64u << 10) /* bytes of one table's layout text or SQL statement */

/* One line a field, "name KIND [KEY]"; nested records in braces on the field's line. Two layouts are
 * the same iff the texts are. */
void schema_layout(const struct record *r, struct buf *out);

/* In one transaction: STORE_VERSION when the file's format is higher, or a table has columns that
 * this version does not know or knows as another kind or key; STORE when it is no file of ours. */
MUST bool schema_apply(sqlite3 *db, const struct record *(*const *tables)(void), struct err *e);

#endif
