/* served.h - up to which second a server has accepted signed requests, beyond its process (protocol 9.1).
 *
 * Who knows the latest second that was ever signed need not refuse what was signed after it, though the
 * nonces are forgotten. The second stands in a small file. It is written whenever it changes, before the
 * request counts, and not synced: what a process wrote outlives it as long as the machine runs. After a
 * reboot, in a copy of the file, or when it cannot be read, nothing is known and the start decides. */
#ifndef LILYPAD_HTTP_SERVED_H
#define LILYPAD_HTTP_SERVED_H

#include "base/err.h"
#include "base/when.h"

struct served {
	int fd;           /* -1: nothing is kept */
	uint64_t until_s; /* the latest second that was accepted */
};

/* Nothing is kept: floor_s is the second after the start. */
void served_init(struct served *s, struct wall start, uint64_t *floor_s);
/* Opens the file or makes it; floor_s: the first second that may be accepted, at the latest the one after
 * the start; there was no file: that of the start. One process at a time may have it open. IO. */
MUST bool served_open(
        struct served *s, const char *path, struct wall start, uint64_t *floor_s, struct err *e);
void served_done(struct served *s);
/* A request signed in that second is about to be accepted. IO: then it must not be. */
MUST bool served_note(struct served *s, uint64_t time_s, struct err *e);

#endif
