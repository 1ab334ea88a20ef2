/* draw.h - random deals and moves, from a seed: likely ones, so that deals come to their ends, and hostile ones. */
#ifndef LILYPAD_DIFF_DRAW_H
#define LILYPAD_DIFF_DRAW_H

#include "move.h"

void draw_deals(uint64_t *seed, const struct sides *w, struct deal out[DEALS]);
/* A move for the state that w is in; it changes nothing there. */
void draw_move(uint64_t *seed, const struct sides *w, struct move *out);

#endif
