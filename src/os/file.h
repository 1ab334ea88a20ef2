/* file.h - small files read whole and written atomically, and private directories. */
#ifndef LILYPAD_OS_FILE_H
#define LILYPAD_OS_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the content; at most max bytes. out must be initialised and hold them. NOT_FOUND, TOO_LARGE,
 * IO. */
MUST bool file_read(const char *path, size_t max, struct buf *out, struct err *e);
/* All or nothing, and durable: a temporary file beside it, fsync, rename, fsync of the directory.
 * DISK_FULL, IO. */
MUST bool file_write(const char *path, struct bytes data, unsigned mode, struct err *e);
/* Makes the directory and its missing parents, mode 0700. An existing directory is left as it is. */
MUST bool dir_make(const char *path, struct err *e);
/* Whether an errno says that there is no room: full disk, quota or limit on the size of files. */
bool no_room(int sys);
/* What an errno of opening or writing means to a user, and what to do: "cannot VERB PATH: …". Returns false.
 * NOT_FOUND, DISK_FULL, IO. */
bool file_fail(struct err *e, int sys, const char *verb, const char *path);
/* Makes a rename or unlink in the directory durable. */
MUST bool dir_sync(const char *path, struct err *e);

/* An flock(2), how: LOCK_EX or LOCK_SH. What was killed holds its locks until its last thread is gone, and its
 * successor may be here before: waits LOCK_WAIT_MS at most. false leaves errno: EWOULDBLOCK, another has it. */
MUST bool fd_lock(int fd, int how);

/* For OWN(): closes a descriptor that is not negative. */
void fd_close(const int *fd);
/* Writes all of it where the descriptor stands; false leaves errno for the caller's words. */
MUST bool fd_write(int fd, struct bytes data);

#endif
