/* cache.h - the folder of compiled programs (*.cwasm): bounded, and what was used longest ago goes first. */
#ifndef LILYPAD_EXEC_CACHE_H
#define LILYPAD_EXEC_CACHE_H

#include "base/defs.h"

/* A compiled program was used: its file's time is that. */
void wasm_cache_used(int fd);
/* Those that must go so that the others take at most max bytes, least recently used first; each returns false to
 * stop. A folder that is not there has none. More than WASM_CACHE_FILES files: the others are not looked at. */
void wasm_cache_excess(
        const char *dir, uint64_t max, bool (*each)(void *ctx, const char *path), void *ctx);
/* Removes them. A program whose file goes while it runs runs on. */
void wasm_cache_trim(const char *dir, uint64_t max);

#endif
