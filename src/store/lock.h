/* lock.h - one process at a time uses a store: a lock on a file beside it, which ends with the
 * process, however that ends. */
#ifndef LILYPAD_STORE_LOCK_H
#define LILYPAD_STORE_LOCK_H

#include "base/err.h"

enum lock_mode {
	LOCK_ALONE, /* nobody else */
	LOCK_SHARED /* others that share it as well */
};

/* Creates path when absent (mode 0600) and writes this process's id into it. STORE_LOCKED names the
 * process that holds it, after LOCK_WAIT_MS; IO. *fd is close-on-exec; closing it ends the lock. */
MUST bool lock_take(const char *path, enum lock_mode mode, int *fd, struct err *e);

/* One process after the other opens or closes a shared store: SQLite answers BUSY at once, without
 * waiting, to some steps of making a file and of taking leave of it. Waits; failures are ignored, since
 * the worst is that answer. */
void lock_door(int fd);
void lock_door_end(int fd);

#endif
