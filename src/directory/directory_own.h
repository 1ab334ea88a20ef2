/* directory_own.h - what the files of this folder share. */
#ifndef LILYPAD_DIRECTORY_DIRECTORY_OWN_H
#define LILYPAD_DIRECTORY_DIRECTORY_OWN_H

#include "base/map.h"
#include "directory/directory.h"
#include "port/peer.h"

#include "model/record_struct.h"
#include "directory/tables.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "directory/tables.def"
#include "model/record_end.h"

enum {
	UPLOADS_MAX = 4096,     /* trees that arrive at once: BUSY past it */
	UPLOAD_S = 1800,        /* a tree that has not arrived by then is given up */
	COLLECT_EVERY_S = 3600, /* twice UPLOAD_S: see blobs_folder_collect() */
	TICK_MS = 60000,        /* between looks at what has expired */
	EXPIRE_MAX = 200,       /* grants dropped at one tick */
	MARK_STEP = 2000,       /* blocks read at one tick while blocks in use are marked */
	SHARERS_MAX = 4096, /* grants of one tree that a reader without a deal is looked for in */
	KEEP_SPARE_S = 600, /* longer than LIFE, so that it is still LIFE when the answer is read */
	STORED_MAX = 8,     /* outputs of one deal that are told of: the others are not */
	MARKS_MAX = 64 << 20
};

enum directory_tag { TAG_TICK = 1 };
enum directory_state_kind { STATE_LEDGER = 1, STATE_SWEPT };

/* A deal that came in a Lilypad-Deal header; signatures were checked. */
struct shown_deal {
	struct hash id;
	struct deal deal;
	struct sig jc_sig, rp_sig; /* the second one only where both are asked for */
};

/* A tree on its way in. */
struct upload {
	struct conn_id conn;
	struct cid root;
	struct addr account; /* who uploads; zero: the operator, for everybody */
	bool is_output;
	struct shown_deal shown;
	uint64_t limit; /* bytes that may come */
	struct mono start;
};

/* Every block below some roots, one visit each. */
struct links {
	struct buf todo; /* struct cid: the next one is the last */
	struct map seen; /* digest -> as what it was met, uint8_t */
};

struct directory {
	struct world *world;
	struct directory_config c;
	struct map uploads;             /* conn -> struct upload * */
	struct misbehaving *instrument; /* owned; NULL: honest */
	uint64_t ledger_cursor, ledger_written;
	/* Collecting blocks: garbage is known or supposed; since when it may be done; what is in use. */
	bool garbage, marking, compacting;
	struct mono collected;
	struct links marks;
};

/* ---- access.c ---- */
/* JSON {"deal", "jobCreatorSignature", "providerSignature"}; JC's signature is checked, and RP's when
 * `both`. JSON_VALUE, JSON_SYNTAX, SIGNATURE. */
MUST bool shown_deal_parse(const struct directory *d, struct str text, bool both,
        struct shown_deal *out, struct err *e);
/* NOT_FOUND: nobody stored it; FORBIDDEN, with what would help. */
MUST bool may_read(struct directory *d, const struct http_req *r, const struct cid *root,
        struct arena *a, struct err *e);
/* The grant of exactly this key; false when there is none. */
MUST bool grant_get(const struct directory *d, const struct cid *root, const struct hash *deal,
        const struct addr *account, struct directory_grant *out);

/* JC, RP, or one of its mediators once a check is on the ledger (9.2). */
MUST bool is_member(
        const struct directory *dir, const struct directory_deal *d, const struct addr *who);

/* ---- upload.c ---- */
/* The directory's signature over what it keeps (6.8). */
MUST bool stored_sign(struct directory *d, const struct hash *deal, const struct hash *output,
        uint64_t bytes, struct btime until, struct stored *out, struct sig *sig, struct err *e);
void directory_on_post(struct directory *d, const struct event *ev, struct effects *fx);
void directory_on_tree_in(struct directory *d, const struct event *ev, struct effects *fx);
void directory_on_keep(struct directory *d, const struct event *ev, struct effects *fx);
void directory_on_delete(struct directory *d, const struct event *ev, struct effects *fx);
/* How long a tree is kept: LIFE at least. */
uint64_t keep_seconds(const struct directory *d);
/* Give up trees that take too long. */
void uploads_expire(struct directory *d, struct mono now, struct effects *fx);
void uploads_done(struct directory *d);
/* The grant goes, and its bytes from the account. */
MUST bool grant_drop(struct directory *d, const struct directory_grant *g, struct err *e);

/* ---- serve.c ---- */
extern const struct route directory_routes[];
extern const size_t directory_routes_n;
void directory_on_request(struct directory *d, const struct event *ev, struct effects *fx);
/* One text of the path or query as a content id. */
MUST bool root_of(const struct http_req *r, struct cid *out, struct err *e);
/* An error answer; what is this side's own fault is logged as well. */
void refuse(struct directory *d, struct conn_id conn, const struct err *e, struct effects *fx);

/* ---- links.c ---- */
void links_init(struct links *l, size_t max);
void links_done(struct links *l);
MUST bool links_add(struct links *l, const struct cid *cid, struct err *e);
/* Reads at most `budget` blocks. `see` is asked about every block when it is met first, and ends the
 * walk by false; NULL: not asked. *done: nothing is left. After an error the walk can go on without
 * what is below that block. */
MUST bool links_step(struct links *l, const struct blobs *blobs, size_t budget,
        bool (*see)(void *ctx, const struct cid *cid), void *ctx, bool *done, struct err *e);
/* Every block of the tree is there. */
MUST bool tree_is_whole(const struct blobs *blobs, const struct cid *root);
/* The tree has that block. */
MUST bool tree_has(const struct blobs *blobs, const struct cid *root, const struct cid *block,
        bool *out, struct err *e);

/* ---- stored.c ---- */
MUST bool directory_get_stored(
        struct directory *d, const struct http_req *r, struct effects *fx, struct err *e);

/* ---- sweep.c ---- */
void directory_on_tick(struct directory *d, const struct event *ev, struct effects *fx);
/* A new grant: its blocks are in use, also when marking has begun already. */
void sweep_spare(struct directory *d, const struct cid *root);

static inline uint32_t hour_after(struct btime t)
{
	return t.s >= BTIME_MAX ? UINT32_MAX : (uint32_t)((t.s + 3599) / 3600);
}

#endif
