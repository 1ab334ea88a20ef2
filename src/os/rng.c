/* rng.c - small requests are served from a block that is filled at once: a system call each is what
 * a nonce would otherwise cost. Bytes are wiped as they are given out. */
#include "os/rng.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static void from_kernel(uint8_t *out, size_t n)
{
	while (n > 0) {
		ssize_t got = getrandom(out, n, 0);

		assert(got > 0 || errno == EINTR);
		if (got > 0) {
			out += got;
			n -= (size_t)got;
		}
	}
}

static void fill(void *self, void *out, size_t n)
{
	static _Thread_local struct {
		uint8_t b[512];
		size_t left;
		pid_t owner;
	} pool;
	uint8_t *at;

	(void)self;
	if (n > sizeof pool.b) {
		from_kernel(out, n);
		return;
	}
	/* A child process must not repeat its parent's bytes. */
	if (n > pool.left || pool.owner != getpid()) {
		from_kernel(pool.b, sizeof pool.b);
		pool.left = sizeof pool.b;
		pool.owner = getpid();
	}
	at = pool.b + sizeof pool.b - pool.left;
	memcpy(out, at, n);
	explicit_bzero(at, n);
	pool.left -= n;
}

struct rng rng_os(void)
{
	return (struct rng){NULL, fill};
}
