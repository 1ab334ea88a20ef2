/* output.c - writing a tree whose names are not ours. */
#include "cli/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/unixfs.h"
#include "os/file.h"

struct writer {
	int top;     /* of the folder */
	int fd;      /* of the file that is being written, or -1 */
	bool behind; /* the file was there: what it has is compared before anything is added */
	char name[PATH_TEXT_MAX + 1];
};

static bool taken(const struct writer *w, struct err *e)
{
	FAIL(e, CONFLICT, "%s is in the output folder already", w->name);
	return err_hint(e, "choose another folder with -O DIR");
}

/* A file that is there may be ours, from a run that was killed while it wrote. */
static bool begin_file(struct writer *w, int at, const char *name, struct err *e)
{
	const int how = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	struct stat st;

	(void)snprintf(w->name, sizeof w->name, "%s", name);
	w->fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | how, 0644);
	w->behind = w->fd < 0 && errno == EEXIST;
	if (w->fd < 0 && !w->behind)
		return FAIL_SYS(e, IO, errno, "cannot make the file %s", name);
	if (!w->behind)
		return true;
	w->fd = openat(at, name, O_RDWR | how);
	if (w->fd >= 0 && fstat(w->fd, &st) == 0 && S_ISREG(st.st_mode))
		return true;
	return taken(w, e);
}

/* Takes from the piece what the file has of it already. */
static bool compare(struct writer *w, struct bytes *piece, struct err *e)
{
	uint8_t have[4096];

	while (w->behind && piece->n) {
		size_t most = piece->n < sizeof have ? piece->n : sizeof have;
		ssize_t n = read(w->fd, have, most);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return FAIL_SYS(e, IO, errno, "cannot read %s", w->name);
		if (memcmp(have, piece->p, (size_t)n) != 0)
			return taken(w, e);
		w->behind = n != 0;
		piece->p += n;
		piece->n -= (size_t)n;
	}
	return true;
}

/* The folder that holds the last part of the path; every part is a real folder, never a link. */
static bool parent_of(int top, struct str *path, int *out, struct err *e)
{
	int at = dup(top);

	while (at >= 0) {
		char name[PATH_TEXT_MAX + 1];
		struct str rest, head = str_cut(*path, '/', &rest);
		int next;

		if (rest.n == 0)
			break;
		/* unixfs_walk() refuses such names; what is written to a disk is checked where it is. */
		if (head.n == 0 || head.n > PATH_TEXT_MAX || str_is(head, ".") ||
		        str_is(head, "..")) {
			close(at);
			return FAIL(e, PEER, "the output has a name that leads out of its folder");
		}
		memcpy(name, head.p, head.n);
		name[head.n] = '\0';
		next = openat(at, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(at);
		at = next;
		*path = rest;
	}
	if (at < 0)
		return FAIL_SYS(
		        e, IO, errno, "cannot open the folder of the output %.*s", STR_ARG(*path));
	*out = at;
	return true;
}

static bool leaf(const struct writer *w, struct str path, char name[PATH_TEXT_MAX + 1], int *at,
        struct err *e)
{
	struct str rest = path;

	TRY(parent_of(w->top, &rest, at, e), e);
	if (rest.n == 0 || rest.n > PATH_TEXT_MAX || str_is(rest, ".") || str_is(rest, "..") ||
	        memchr(rest.p, '\0', rest.n)) {
		close(*at);
		return FAIL(e, PEER, "the output has a name that leads out of its folder");
	}
	memcpy(name, rest.p, rest.n);
	name[rest.n] = '\0';
	return true;
}

static bool end_file(struct writer *w, struct err *e)
{
	uint8_t more;
	int fd = w->fd;

	if (fd >= 0 && w->behind && read(fd, &more, 1) != 0)
		return taken(w, e);
	w->fd = -1;
	if (fd >= 0 && close(fd) != 0)
		return FAIL_SYS(e, IO, errno, "cannot write the output");
	return true;
}

static bool on_dir(void *self, struct str path, struct err *e)
{
	struct writer *w = self;
	char name[PATH_TEXT_MAX + 1];
	int at, rc, why;

	TRY(end_file(w, e), e);
	if (path.n == 0)
		return true;
	TRY(leaf(w, path, name, &at, e), e);
	rc = mkdirat(at, name, 0755);
	why = errno;
	close(at);
	if (rc != 0 && why != EEXIST)
		return FAIL_SYS(e, IO, why, "cannot make the folder %s", name);
	return true;
}

static bool on_file(void *self, struct str path, uint64_t bytes, struct err *e)
{
	struct writer *w = self;
	char name[PATH_TEXT_MAX + 1];
	int at;
	bool ok;

	(void)bytes;
	TRY(end_file(w, e), e);
	if (path.n == 0)
		path = STR("output");
	TRY(leaf(w, path, name, &at, e), e);
	ok = begin_file(w, at, name, e);
	close(at);
	return ok;
}

static bool on_data(void *self, struct bytes piece, struct err *e)
{
	struct writer *w = self;

	TRY(compare(w, &piece, e), e);
	if (fd_write(w->fd, piece))
		return true;
	if (errno == ENOSPC)
		return FAIL_SYS(e, DISK_FULL, errno, "no space for the output");
	return FAIL_SYS(e, IO, errno, "cannot write the output");
}

bool output_write(const struct blobs *blobs, const struct cid *root, const char *dir, struct err *e)
{
	struct writer w = {.top = -1, .fd = -1};
	const struct block_source src = {blobs->self, blobs->get};
	const struct unixfs_visitor v = {&w, on_dir, on_file, on_data};
	bool ok;

	TRY(dir_make(dir, e), e);
	w.top = open(dir, O_DIRECTORY | O_CLOEXEC);
	if (w.top < 0)
		return FAIL_SYS(e, IO, errno, "cannot open the folder %s", dir);
	ok = unixfs_walk(&src, root, HTTP_TREE_MAX, &v, e);
	if (ok)
		ok = end_file(&w, e);
	if (w.fd >= 0)
		close(w.fd);
	close(w.top);
	if (!ok)
		err_prefix(e, "%s: ", dir);
	return ok;
}

/* ---- copying --------------------------------------------------------------------------------------- */

static bool copy_file(int from, int to_dir, const char *name, struct err *e)
{
	struct writer w = {.top = to_dir, .fd = -1};
	uint8_t piece[16384];
	ssize_t n = 0;
	bool ok = begin_file(&w, to_dir, name, e);

	while (ok && (n = read(from, piece, sizeof piece)) > 0)
		ok = on_data(&w, bytes_of(piece, (size_t)n), e);
	if (ok && n < 0)
		ok = FAIL_SYS(e, IO, errno, "cannot read %s", name);
	ok = ok && end_file(&w, e);
	if (w.fd >= 0)
		close(w.fd);
	return ok;
}

static bool copy_dir(int from, int to, unsigned depth, struct err *e);

/* Takes `fd`, which was opened without following links. */
static bool copy_one(int fd, int to, const char *name, unsigned depth, struct err *e)
{
	struct stat st;
	int sub;
	bool ok = true;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		ok = copy_file(fd, to, name, e);
	} else if (S_ISDIR(st.st_mode) && depth < TREE_DEPTH_MAX) {
		if (mkdirat(to, name, 0755) != 0 && errno != EEXIST)
			ok = FAIL_SYS(e, IO, errno, "cannot make the folder %s", name);
		sub = ok ? openat(to, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
		if (ok && sub < 0)
			ok = FAIL_SYS(e, IO, errno, "cannot open the folder %s", name);
		if (ok)
			return copy_dir(fd, sub, depth + 1, e);
	}
	close(fd);
	return ok;
}

/* Takes both descriptors. */
static bool copy_dir(int from, int to, unsigned depth, struct err *e)
{
	DIR *d = fdopendir(from);
	struct dirent *f;
	bool ok = true;

	if (!d) {
		close(from);
		close(to);
		return FAIL_SYS(e, IO, errno, "cannot list a folder");
	}
	while (ok && (f = readdir(d)) != NULL) {
		int fd;

		if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0)
			continue;
		fd = openat(dirfd(d), f->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 && errno == ELOOP)
			continue;
		ok = fd >= 0 ? copy_one(fd, to, f->d_name, depth, e)
		             : FAIL_SYS(e, IO, errno, "cannot open %s", f->d_name);
	}
	closedir(d);
	close(to);
	return ok;
}

bool output_copy(const char *from, const char *dir, struct err *e)
{
	int a, b;

	TRY(dir_make(dir, e), e);
	a = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a < 0)
		return FAIL_SYS(e, IO, errno, "cannot open %s", from);
	b = open(dir, O_DIRECTORY | O_CLOEXEC);
	if (b < 0) {
		close(a);
		return FAIL_SYS(e, IO, errno, "cannot open the folder %s", dir);
	}
	return copy_dir(a, b, 0, e);
}
