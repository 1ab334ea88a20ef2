/* column.h - one field of a record as a SQLite column: its declaration, binding it to a statement,
 * reading it from one. */
#ifndef LILYPAD_STORE_COLUMN_H
#define LILYPAD_STORE_COLUMN_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/field.h"

/* Appends `"name" TYPE NOT NULL DEFAULT zero`, for CREATE TABLE and ADD COLUMN. */
void column_declare(const struct field *f, struct buf *out);
/* Binds the field of row to parameter `at` (from 1). The row passed row_check() and must outlive the
 * step. STORE, MEMORY. */
MUST bool column_bind(sqlite3_stmt *st, int at, const struct record *r, const struct field *f,
        const void *row, struct err *e);
/* Reads column `at` (from 0) into a zeroed row. STORE, naming table and column, when what is there
 * cannot be the field's. */
MUST bool column_read(sqlite3_stmt *st, int at, const struct record *r, const struct field *f,
        void *row, struct err *e);

#endif
