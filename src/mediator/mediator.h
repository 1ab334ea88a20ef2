/* mediator.h - the mediator (protocol 1, 6.6): re-executes a disputed job and rules. */
#ifndef LILYPAD_MEDIATOR_MEDIATOR_H
#define LILYPAD_MEDIATOR_MEDIATOR_H

/* What it does wrong on purpose, as a test instrument. */
enum mediator_fault {
	MEDIATOR_HONEST,
	MEDIATOR_LIES,        /* the opposite of what it found */
	MEDIATOR_DIES,        /* never answers */
	MEDIATOR_CANNOT_FETCH /* passes every case, as if no source gave anything */
};

#endif
