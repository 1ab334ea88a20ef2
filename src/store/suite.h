/* suite.h - what the test programs of this folder share: tables, rows with random content, helpers. */
#ifndef LILYPAD_STORE_SUITE_H
#define LILYPAD_STORE_SUITE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "port/port.h"
#include "store/row.h"

#include "model/record_struct.h"
#include "store/suite.def"
#include "model/record_end.h"

#include "model/record_table.h"
static
#include "store/suite.def"
#include "model/record_end.h"

#endif
