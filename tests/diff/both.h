/* both.h - one move on both sides, and everything that they say of it compared. */
#ifndef LILYPAD_DIFF_BOTH_H
#define LILYPAD_DIFF_BOTH_H

#include "move.h"

enum effect {
	HAD_EFFECT,
	HAD_NONE, /* a repetition (4.3) */
	REFUSED,  /* by both, with the same code */
	BY_ONE    /* known to differ: see both.c */
};

struct told {
	enum effect result;
	enum err_code code; /* REFUSED: the code of src/ledger */
	bool differs;
	char what[600]; /* differs: in one sentence */
};

/* False: the node failed, which is no difference. A move that cannot be made, nothing being there to repeat, is
 * HAD_NONE. */
MUST bool both_play(struct sides *w, const struct move *m, struct told *out, struct err *e);

#endif
