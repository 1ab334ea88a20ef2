/* sign.h - signatures of the parties, as the present move has them. */
#ifndef LILYPAD_DIFF_SIGN_H
#define LILYPAD_DIFF_SIGN_H

#include "sides.h"

/* The hook of struct play: genuine, but for the one that the move forges. */
void forging_sign(struct play *p, enum who by, const struct hash *digest, struct sig *out);

/* Genuine, in 64 bytes, whatever the move says. */
void plain_sign(const struct sides *w, enum who by, const struct hash *doc, struct sig *out);

#endif
