/* directory.h - the directory (protocol 1, 6.8, 9.2): keeps the trees of jobs, signs for outputs, and
 * gives each tree to those only who may read it.
 *
 *   who may read a tree
 *     what the operator published         everybody
 *     a private upload                    its uploader
 *     an output                           JC and RP of its deal; its mediators once the ledger has a
 *                                         check of the deal
 *     what the spec of a deal names       whoever shows that deal signed by the JC (header
 *     (the spec itself, program, inputs)  Lilypad-Deal), if that JC may read it: nobody can give away
 *                                         by a deal of his own what is not his
 *
 * A tree is kept until the latest time that was promised to anybody, and at most an hour longer. Private
 * uploads and outputs count against a quota of bytes of whoever uploaded them. */
#ifndef LILYPAD_DIRECTORY_DIRECTORY_H
#define LILYPAD_DIRECTORY_DIRECTORY_H

#include "port/port.h"

/* How the block store gives space back; both as in blobs/folder.h. NULL: nothing is given back. */
struct directory_collector {
	void *self;
	bool (*collect)(void *self, bool (*keep)(void *ctx, const struct cid *cid), void *ctx,
	        uint64_t *freed, struct err *e);
	bool (*compact)(void *self, bool *more, struct err *e);
};

struct directory_config {
	struct hash domain;     /* of the ledger */
	struct genesis genesis; /* LIFE */
	struct addr operator_;  /* may publish trees for everybody, as may this directory's own
						 account; zero: nobody else */
	uint64_t quota;         /* bytes of one account */
	uint64_t tree_max;      /* bytes of one tree; 0: HTTP_TREE_MAX */
	struct span keep;       /* how long a tree is kept; LIFE when that is longer */
	const char *version;    /* of the program, for GET /v1/info */
	struct directory_collector collector;
};

struct directory;
MUST bool directory_new(
        struct world *w, const struct directory_config *c, struct directory **out, struct err *e);
struct role directory_role(struct directory *d);
/* Test instruments: what a directory can do wrong on purpose. */
enum directory_misbehaviour { DIRECTORY_HONEST, DIRECTORY_NEVER_SERVES };
/* The role with that done to it; lives as long as d. */
struct role directory_misbehaving(struct directory *d, enum directory_misbehaviour how);
struct directory *directory_free(struct directory *d); /* returns NULL */
/* Every table of the role; ends with NULL. */
extern const struct record *(*const directory_tables[])(void);
/* Up to which ledger event it has seen; before the host starts. It wants the events of all accounts. A
 * directory without a ledger works as well, but mediators are not given outputs then. */
MUST bool directory_start_cursor(struct directory *d, uint64_t *out, struct err *e);

#endif
