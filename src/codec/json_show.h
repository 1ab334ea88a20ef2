/* json_show.h - foreign text and values as an error message shows them: short, printable. */
#ifndef LILYPAD_CODEC_JSON_SHOW_H
#define LILYPAD_CODEC_JSON_SHOW_H

#include <jansson.h>

#include "base/str.h"

#define JSON_SHOW_MAX  64 /* with the NUL */
#define JSON_SHOW_TEXT 40 /* bytes of a string that are shown */

/* In double quotes; control characters become '?', a longer text ends in an ellipsis. */
void json_show_text(struct str s, char out[JSON_SHOW_MAX]);
/* A string as above, a number or constant as written, else "an object" or "an array". */
void json_show(const json_t *v, char out[JSON_SHOW_MAX]);

#endif
