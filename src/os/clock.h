/* clock.h - the clocks of this machine. Rules never read them: time is a value in each event. */
#ifndef LILYPAD_OS_CLOCK_H
#define LILYPAD_OS_CLOCK_H

#include "base/when.h"

struct wall clock_wall(void); /* Unix time; may jump */
struct mono clock_mono(void); /* never goes back; goes on during suspend */
/* Blocks the thread: for commands, never on a loop. */
void clock_sleep(struct span d);

#endif
