/* rng.h - random bytes from the kernel, as the rng port. */
#ifndef LILYPAD_OS_RNG_H
#define LILYPAD_OS_RNG_H

#include "port/port.h"

/* getrandom(2) cannot fail once the kernel is seeded; a kernel without it is a bug of the set-up. */
struct rng rng_os(void);

#endif
