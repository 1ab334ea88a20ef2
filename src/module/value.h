/* value.h - the text of one input, judged by its type and bounds. Pure. */
#ifndef LILYPAD_MODULE_VALUE_H
#define LILYPAD_MODULE_VALUE_H

#include "module/manifest.h"

/* Whether the text is of the type at all: an integer from -(2^64 - 1) to 2^64 - 1 without leading
 * zeros or "+"; a number as JSON writes one, finite; a string of UTF-8 without NUL. */
MUST bool value_is(enum input_type type, struct str text);
/* Fills e with `code` unless the value is of the input's type and within min, max and maxLength:
 * `Width is "abc": an integer from 10 to 200 is wanted`. */
MUST bool value_check(const struct manifest_input *in, enum input_type type, struct str value,
        enum err_code code, struct err *e);
/* Order of two texts that value_is() an integer or a number: <0, 0, >0. */
MUST int value_cmp(enum input_type type, struct str a, struct str b);

#endif
