/* wasi_files.c - the functions of WASI that are about files; every path is walked in the in-memory tree,
 * so there is nothing to escape to. */
#include <stdlib.h>

#include "base/bounds.h"
#include "exec/wasi_own.h"
#include "model/model.h"

enum { O_CREAT_ = 1, O_DIRECTORY_ = 2, O_EXCL_ = 4, O_TRUNC_ = 8, FD_APPEND = 1 };
#define RIGHT_READ  (1ull << 1)
#define RIGHT_WRITE (1ull << 6)
enum { IOVS_MAX = 1024, PATH_LEN_MAX = 4096 };

struct wasi_fd *wasi_fd_of(struct wasi *w, int32_t fd)
{
	if (fd < 0 || fd >= WASI_FDS_MAX || !w->fds[fd].open)
		return NULL;
	return &w->fds[fd];
}

/* ---- paths ------------------------------------------------------------------------------------------ */

struct found {
	struct mem_node *dir;  /* that holds the last part */
	struct mem_node *node; /* what is there; NULL: nothing */
	struct str name;       /* the last part; empty: the start itself */
};

static uint32_t resolve(struct wasi *w, int32_t fd, int32_t ptr, int32_t len, struct found *out)
{
	struct wasi_fd *f = wasi_fd_of(w, fd);
	uint32_t n = (uint32_t)len;
	const char *text = (const char *)guest(w, ptr, n);
	struct str rest = {text, n};
	struct mem_node *at;

	if (!f || !f->node)
		return W_BADF;
	if (!f->node->dir)
		return W_NOTDIR;
	if (!text)
		return W_FAULT;
	if (n > PATH_LEN_MAX)
		return W_NAMETOOLONG;
	if (n == 0 || text[0] == '/' || memchr(text, '\0', n))
		return n && text[0] == '/' ? W_NOTCAPABLE : W_NOENT;
	w->moved += n;
	at = f->node;
	*out = (struct found){at->parent, at, {text, 0}};
	while (rest.n) {
		struct str part = str_cut(rest, '/', &rest);

		if (part.n == 0 || str_is(part, "."))
			continue;
		if (!out->node)
			return W_NOENT; /* a part in the middle is missing */
		if (!out->node->dir)
			return W_NOTDIR;
		if (str_is(part, "..")) {
			if (out->node == f->node)
				return W_NOTCAPABLE; /* above the descriptor's directory */
			out->node = out->node->parent;
			out->dir = out->node->parent;
			out->name = (struct str){text, 0};
			continue;
		}
		if (part.n > PATH_TEXT_MAX)
			return W_NAMETOOLONG;
		out->dir = out->node;
		out->name = part;
		out->node = mem_find(out->dir, part);
	}
	return W_SUCCESS;
}

/* An output tree takes names in UTF-8 only, and what is unlinked is in no tree. */
static uint32_t may_add(const struct found *p)
{
	if (p->dir->gone)
		return W_NOENT;
	return str_is_utf8(p->name) ? W_SUCCESS : W_ILSEQ;
}

static uint32_t path_open(struct wasi *w, const union wt_raw *a)
{
	uint32_t oflags = (uint32_t)a[4].i32, rc;
	uint64_t rights = (uint64_t)a[5].i64;
	struct found p;
	int32_t fd = 6;

	rc = resolve(w, a[0].i32, a[2].i32, a[3].i32, &p);
	if (rc)
		return rc;
	if (p.node && (oflags & O_CREAT_) && (oflags & O_EXCL_))
		return W_EXIST;
	if (!p.node) {
		if (!(oflags & O_CREAT_))
			return W_NOENT;
		if (!p.dir || !p.dir->writable)
			return W_ROFS;
		rc = may_add(&p);
		if (rc)
			return rc;
		p.node = mem_add(&w->tree, p.dir, p.name, false, true);
		if (!p.node)
			return W_NOSPC;
	}
	if ((oflags & O_DIRECTORY_) && !p.node->dir)
		return W_NOTDIR;
	if (p.node->dir && (oflags & O_TRUNC_))
		return W_ISDIR;
	if (!p.node->writable && ((oflags & O_TRUNC_) || ((rights & RIGHT_WRITE) && !p.node->dir)))
		return W_ROFS;
	while (fd < WASI_FDS_MAX && w->fds[fd].open)
		fd++;
	if (fd == WASI_FDS_MAX)
		return W_MFILE;
	if (!guest_u32(w, a[8].i32, (uint32_t)fd))
		return W_FAULT;
	if (oflags & O_TRUNC_)
		p.node->data.n = 0;
	w->fds[fd] = (struct wasi_fd){.node = p.node,
	        .open = true,
	        .readable = (rights & RIGHT_READ) != 0,
	        .writable = (rights & RIGHT_WRITE) && p.node->writable && !p.node->dir,
	        .append = ((uint32_t)a[7].i32 & FD_APPEND) != 0};
	return W_SUCCESS;
}

static uint32_t path_create_directory(struct wasi *w, const union wt_raw *a)
{
	struct found p;
	uint32_t rc = resolve(w, a[0].i32, a[1].i32, a[2].i32, &p);

	if (rc)
		return rc;
	if (p.node)
		return W_EXIST;
	if (!p.dir->writable)
		return W_ROFS;
	rc = may_add(&p);
	if (rc)
		return rc;
	return mem_add(&w->tree, p.dir, p.name, true, true) ? W_SUCCESS : W_NOSPC;
}

static uint32_t take_away(struct wasi *w, const union wt_raw *a, bool dir)
{
	struct found p;
	uint32_t rc = resolve(w, a[0].i32, a[1].i32, a[2].i32, &p);

	if (rc)
		return rc;
	if (!p.node)
		return W_NOENT;
	if (p.node->dir != dir)
		return dir ? W_NOTDIR : W_ISDIR;
	if (!p.node->writable || !p.node->parent)
		return W_ROFS;
	if (dir && p.node->kids_n)
		return W_NOTEMPTY;
	mem_remove(p.node);
	return W_SUCCESS;
}

static uint32_t path_remove_directory(struct wasi *w, const union wt_raw *a)
{
	return take_away(w, a, true);
}

static uint32_t path_unlink_file(struct wasi *w, const union wt_raw *a)
{
	return take_away(w, a, false);
}

/* Every step is paid: a program can make a chain of descriptors as deep as it has nodes. */
static bool is_above(struct wasi *w, const struct mem_node *n, const struct mem_node *below)
{
	for (; below; below = below->parent) {
		w->moved += sizeof below;
		if (below == n)
			return true;
	}
	return false;
}

static uint32_t path_rename(struct wasi *w, const union wt_raw *a)
{
	union wt_raw to_args[3] = {a[3], a[4], a[5]};
	struct found from, to;
	struct mem_node *copy;
	uint32_t rc = resolve(w, a[0].i32, a[1].i32, a[2].i32, &from);

	if (rc == W_SUCCESS)
		rc = resolve(w, to_args[0].i32, to_args[1].i32, to_args[2].i32, &to);
	if (rc)
		return rc;
	if (!from.node)
		return W_NOENT;
	if (from.node == to.node)
		return W_SUCCESS;
	if (!from.node->writable || !from.node->parent || !to.dir || !to.dir->writable ||
	        !to.name.n)
		return W_ROFS;
	rc = may_add(&to);
	if (rc)
		return rc;
	if (is_above(w, from.node, to.dir))
		return W_INVAL;
	if (to.node && to.node->dir != from.node->dir)
		return to.node->dir ? W_ISDIR : W_NOTDIR;
	if (to.node && to.node->kids_n)
		return W_NOTEMPTY;
	if (w->tree.nodes >= MEMTREE_NODES_MAX)
		return W_NOSPC;
	if (to.node)
		mem_remove(to.node);
	/* A new node takes over what the old one holds; descriptors of the old one keep its last state. */
	copy = mem_add(&w->tree, to.dir, to.name, from.node->dir, true);
	if (!copy)
		return W_NOSPC;
	mem_remove(from.node);
	copy->kids = from.node->kids;
	copy->kids_n = from.node->kids_n;
	copy->kids_cap = from.node->kids_cap;
	for (size_t i = 0; i < copy->kids_n; i++)
		copy->kids[i]->parent = copy;
	w->moved += copy->kids_n * sizeof *copy->kids;
	copy->data = from.node->data;
	copy->inode = from.node->inode;
	from.node->kids = NULL;
	from.node->kids_n = from.node->kids_cap = 0;
	from.node->data = (struct buf){.max = from.node->data.max};
	for (int i = 0; i < WASI_FDS_MAX; i++) { /* fd_renumber() may have put it anywhere */
		if (w->fds[i].open && w->fds[i].node == from.node)
			w->fds[i].node = copy;
	}
	return W_SUCCESS;
}

/* ---- status ----------------------------------------------------------------------------------------- */

static uint32_t put_filestat(struct wasi *w, int32_t ptr, const struct mem_node *n)
{
	uint8_t *p = guest(w, ptr, 64);
	uint64_t v;

	if (!p)
		return W_FAULT;
	memset(p, 0, 64);
	v = n ? n->inode : 0;
	memcpy(p + 8, &v, 8);
	p[16] = n ? (n->dir ? TYPE_DIRECTORY : TYPE_REGULAR) : TYPE_CHARACTER;
	v = 1;
	memcpy(p + 24, &v, 8);
	v = n && !n->dir ? mem_content(n).n : 0;
	memcpy(p + 32, &v, 8);
	v = WASI_CLOCK_START; /* every file is of the same age */
	memcpy(p + 40, &v, 8);
	memcpy(p + 48, &v, 8);
	memcpy(p + 56, &v, 8);
	return W_SUCCESS;
}

static uint32_t fd_filestat_get(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);

	return f ? put_filestat(w, a[1].i32, f->node) : W_BADF;
}

static uint32_t path_filestat_get(struct wasi *w, const union wt_raw *a)
{
	struct found p;
	uint32_t rc = resolve(w, a[0].i32, a[2].i32, a[3].i32, &p);

	if (rc)
		return rc;
	return p.node ? put_filestat(w, a[4].i32, p.node) : W_NOENT;
}

static uint32_t fd_fdstat_get(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);
	uint8_t *p = guest(w, a[1].i32, 24);
	uint64_t rights = UINT64_MAX;

	if (!f)
		return W_BADF;
	if (!p)
		return W_FAULT;
	memset(p, 0, 24);
	p[0] = f->node ? (f->node->dir ? TYPE_DIRECTORY : TYPE_REGULAR) : TYPE_CHARACTER;
	p[2] = f->append ? FD_APPEND : 0;
	if (f->node && !f->node->dir)
		rights = (f->readable ? ~RIGHT_WRITE : 0) | (f->writable ? ~RIGHT_READ : 0);
	if (!f->node)
		rights = (f->readable ? RIGHT_READ : 0) | (f->writable ? RIGHT_WRITE : 0);
	memcpy(p + 8, &rights, 8);
	rights = UINT64_MAX;
	memcpy(p + 16, &rights, 8);
	return W_SUCCESS;
}

static uint32_t fd_fdstat_set_flags(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);

	if (!f)
		return W_BADF;
	f->append = ((uint32_t)a[1].i32 & FD_APPEND) != 0;
	return W_SUCCESS;
}

static const char *preopen_name(int32_t fd)
{
	static const char *const names[] = {"/inputs", "/outputs", "/tmp"};

	return fd >= 3 && fd <= 5 ? names[fd - 3] : NULL;
}

static uint32_t fd_prestat_get(struct wasi *w, const union wt_raw *a)
{
	const char *name = preopen_name(a[0].i32);

	if (!name || !wasi_fd_of(w, a[0].i32) || !w->fds[a[0].i32].preopen)
		return W_BADF;
	if (!guest_u32(w, a[1].i32, 0) ||
	        !guest_u32(w, guest_at(a[1].i32, 4), (uint32_t)strlen(name)))
		return W_FAULT;
	return W_SUCCESS;
}

static uint32_t fd_prestat_dir_name(struct wasi *w, const union wt_raw *a)
{
	const char *name = preopen_name(a[0].i32);
	uint8_t *p;

	if (!name || !wasi_fd_of(w, a[0].i32) || !w->fds[a[0].i32].preopen)
		return W_BADF;
	if ((uint32_t)a[2].i32 < strlen(name))
		return W_NAMETOOLONG;
	p = guest(w, a[1].i32, strlen(name));
	if (!p)
		return W_FAULT;
	memcpy(p, name, strlen(name));
	return W_SUCCESS;
}

/* ---- reading and writing ---------------------------------------------------------------------------- */

struct iov {
	uint8_t *p;
	uint32_t n;
};

static uint32_t get_iov(struct wasi *w, int32_t list, uint32_t i, struct iov *out)
{
	uint8_t *row = guest(w, guest_at(list, 8 * i), 8);
	uint32_t ptr;

	if (!row)
		return W_FAULT;
	memcpy(&ptr, row, 4);
	memcpy(&out->n, row + 4, 4);
	out->p = guest(w, (int32_t)ptr, out->n);
	return out->p ? W_SUCCESS : W_FAULT;
}

static uint32_t read_at(struct wasi *w, const struct wasi_fd *f, int32_t list, uint32_t n,
        uint64_t *at, int32_t result)
{
	uint64_t total = 0;
	struct bytes all;

	if (n > IOVS_MAX)
		return W_INVAL;
	if (!f->readable)
		return W_BADF;
	if (f->node && f->node->dir)
		return W_ISDIR;
	all = f->node ? mem_content(f->node)
	              : (struct bytes){NULL, 0}; /* standard input is empty */
	for (uint32_t i = 0; i < n; i++) {
		struct iov v;
		uint32_t rc = get_iov(w, list, i, &v);
		uint64_t take;

		if (rc)
			return rc;
		take = *at < all.n ? MIN2((uint64_t)v.n, all.n - *at) : 0;
		if (!wasi_pays(w, take))
			return W_IO;
		w->moved += take;
		if (take)
			memcpy(v.p, all.p + *at, (size_t)take);
		*at += take;
		total += take;
	}
	return guest_u32(w, result, (uint32_t)total) ? W_SUCCESS : W_FAULT;
}

/* Grow with zeros up to n bytes; counted like written ones. */
static uint32_t grow(struct wasi *w, struct mem_node *node, uint64_t n)
{
	uint8_t *p;
	uint64_t more;

	if (n <= node->data.n)
		return W_SUCCESS;
	more = n - node->data.n;
	if (!wasi_room(w, more))
		return W_NOSPC;
	p = buf_room(&node->data, (size_t)more);
	if (!p)
		wasi_no_memory();
	memset(p, 0, (size_t)more);
	return W_SUCCESS;
}

static uint32_t write_log(struct wasi *w, struct buf *log, const struct iov *v)
{
	if (v->n > log->max - log->n || !wasi_room(w, v->n)) {
		w->ended = STATUS_STORAGE_EXCEEDED;
		return W_NOSPC;
	}
	buf_put(log, v->p, v->n);
	if (!buf_ok(log))
		wasi_no_memory();
	return W_SUCCESS;
}

static uint32_t write_at(struct wasi *w, struct wasi_fd *f, int32_t fd, int32_t list, uint32_t n,
        uint64_t *at, int32_t result)
{
	uint64_t total = 0;

	if (n > IOVS_MAX)
		return W_INVAL;
	if (!f->writable)
		return W_BADF;
	for (uint32_t i = 0; i < n; i++) {
		struct iov v;
		uint32_t rc = get_iov(w, list, i, &v);

		if (rc)
			return rc;
		if (!wasi_pays(w, v.n))
			return W_IO;
		w->moved += v.n;
		if (!f->node) {
			rc = write_log(w, fd == 2 ? &w->err : &w->out, &v);
		} else {
			if (*at > (uint64_t)1 << 40)
				return W_INVAL;
			rc = v.n ? grow(w, f->node, *at + v.n) : W_SUCCESS;
			if (rc == W_SUCCESS && v.n)
				memcpy(f->node->data.p + *at, v.p, v.n);
			*at += v.n;
		}
		if (rc)
			return rc;
		total += v.n;
	}
	return guest_u32(w, result, (uint32_t)total) ? W_SUCCESS : W_FAULT;
}

static uint32_t fd_read(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);

	return f ? read_at(w, f, a[1].i32, (uint32_t)a[2].i32, &f->at, a[3].i32) : W_BADF;
}

static uint32_t fd_pread(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);
	uint64_t at = (uint64_t)a[3].i64;

	if (!f)
		return W_BADF;
	return f->node ? read_at(w, f, a[1].i32, (uint32_t)a[2].i32, &at, a[4].i32) : W_SPIPE;
}

static uint32_t fd_write(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);

	if (!f)
		return W_BADF;
	if (f->node && f->append)
		f->at = f->node->data.n;
	return write_at(w, f, a[0].i32, a[1].i32, (uint32_t)a[2].i32, &f->at, a[3].i32);
}

static uint32_t fd_pwrite(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);
	uint64_t at = (uint64_t)a[3].i64;

	if (!f)
		return W_BADF;
	return f->node ? write_at(w, f, a[0].i32, a[1].i32, (uint32_t)a[2].i32, &at, a[4].i32)
	               : W_SPIPE;
}

static uint32_t fd_seek(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);
	int64_t base, at;

	if (!f)
		return W_BADF;
	if (!f->node)
		return W_SPIPE;
	switch ((uint32_t)a[2].i32 & 0xff) {
	case 0: base = 0; break;
	case 1: base = (int64_t)f->at; break;
	case 2: base = (int64_t)mem_content(f->node).n; break;
	default: return W_INVAL;
	}
	if (__builtin_add_overflow(base, a[1].i64, &at) || at < 0 || at > (int64_t)1 << 40)
		return W_INVAL;
	f->at = (uint64_t)at;
	return guest_u64(w, a[3].i32, f->at) ? W_SUCCESS : W_FAULT;
}

static uint32_t fd_tell(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);

	if (!f)
		return W_BADF;
	if (!f->node)
		return W_SPIPE;
	return guest_u64(w, a[1].i32, f->at) ? W_SUCCESS : W_FAULT;
}

static uint32_t set_size(struct wasi *w, int32_t fd, uint64_t n, bool may_shrink)
{
	struct wasi_fd *f = wasi_fd_of(w, fd);

	if (!f || !f->node || f->node->dir)
		return W_BADF;
	if (!f->writable || n > (uint64_t)1 << 40)
		return W_INVAL;
	if (n < f->node->data.n) {
		if (may_shrink)
			f->node->data.n = (size_t)n;
		return W_SUCCESS;
	}
	return grow(w, f->node, n);
}

static uint32_t fd_filestat_set_size(struct wasi *w, const union wt_raw *a)
{
	return set_size(w, a[0].i32, (uint64_t)a[1].i64, true);
}

static uint32_t fd_allocate(struct wasi *w, const union wt_raw *a)
{
	uint64_t end;

	if (__builtin_add_overflow((uint64_t)a[1].i64, (uint64_t)a[2].i64, &end))
		return W_INVAL;
	return set_size(w, a[0].i32, end, false);
}

static uint32_t fd_readdir(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);
	uint32_t max = (uint32_t)a[2].i32, used = 0;
	uint8_t *out = guest(w, a[1].i32, max);

	if (!f || !f->node)
		return W_BADF;
	if (!f->node->dir)
		return W_NOTDIR;
	if (!out)
		return W_FAULT;
	for (uint64_t i = (uint64_t)a[3].i64; i < f->node->kids_n && used < max; i++) {
		const struct mem_node *n = f->node->kids[i];
		uint8_t head[24] = {0};
		uint64_t next = i + 1;
		uint32_t len = (uint32_t)n->name.n, part;

		memcpy(head, &next, 8);
		memcpy(head + 8, &n->inode, 8);
		memcpy(head + 16, &len, 4);
		head[20] = n->dir ? TYPE_DIRECTORY : TYPE_REGULAR;
		part = MIN2((uint32_t)sizeof head, max - used);
		memcpy(out + used, head, part);
		used += part;
		part = MIN2(len, max - used);
		memcpy(out + used, n->name.p, part);
		used += part;
	}
	w->moved += used;
	return guest_u32(w, a[4].i32, used) ? W_SUCCESS : W_FAULT;
}

static uint32_t fd_close_(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *f = wasi_fd_of(w, a[0].i32);

	if (!f)
		return W_BADF;
	*f = (struct wasi_fd){0};
	return W_SUCCESS;
}

static uint32_t fd_renumber(struct wasi *w, const union wt_raw *a)
{
	struct wasi_fd *from = wasi_fd_of(w, a[0].i32), *to = wasi_fd_of(w, a[1].i32);

	if (!from || !to)
		return W_BADF;
	if (from == to)
		return W_SUCCESS;
	*to = *from;
	*from = (struct wasi_fd){0};
	return W_SUCCESS;
}

/* Nothing to do: the bytes are where they are going to be, and every file is of the same age. */
static uint32_t fd_nothing(struct wasi *w, const union wt_raw *a)
{
	return wasi_fd_of(w, a[0].i32) ? W_SUCCESS : W_BADF;
}

/* clang-format off */
const struct wasi_row wasi_file_rows[] = {
	{"fd_advise", "iIIi", fd_nothing},               {"fd_allocate", "iII", fd_allocate},
	{"fd_close", "i", fd_close_},                    {"fd_datasync", "i", fd_nothing},
	{"fd_fdstat_get", "ii", fd_fdstat_get},          {"fd_fdstat_set_flags", "ii", fd_fdstat_set_flags},
	{"fd_fdstat_set_rights", "iII", fd_nothing},     {"fd_filestat_get", "ii", fd_filestat_get},
	{"fd_filestat_set_size", "iI", fd_filestat_set_size}, {"fd_filestat_set_times", "iIIi", fd_nothing},
	{"fd_pread", "iiiIi", fd_pread},                 {"fd_prestat_get", "ii", fd_prestat_get},
	{"fd_prestat_dir_name", "iii", fd_prestat_dir_name}, {"fd_pwrite", "iiiIi", fd_pwrite},
	{"fd_read", "iiii", fd_read},                    {"fd_readdir", "iiiIi", fd_readdir},
	{"fd_renumber", "ii", fd_renumber},              {"fd_seek", "iIii", fd_seek},
	{"fd_sync", "i", fd_nothing},                    {"fd_tell", "ii", fd_tell},
	{"fd_write", "iiii", fd_write},                  {"path_create_directory", "iii", path_create_directory},
	{"path_filestat_get", "iiiii", path_filestat_get}, {"path_filestat_set_times", "iiiiIIi", fd_nothing},
	{"path_link", "iiiiiii", NULL},                  {"path_open", "iiiiiIIii", path_open},
	{"path_readlink", "iiiiii", NULL},               {"path_remove_directory", "iii", path_remove_directory},
	{"path_rename", "iiiiii", path_rename},          {"path_symlink", "iiiii", NULL},
	{"path_unlink_file", "iii", path_unlink_file},
};
/* clang-format on */
const size_t wasi_file_rows_n = COUNT(wasi_file_rows);
