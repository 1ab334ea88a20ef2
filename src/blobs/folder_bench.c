/* folder_bench.c - blocks that become durable, against one file per block (temporary file, fsync, rename:
 * what Kubo's flatfs does), blocks that are read and verified, and the index when a store is opened. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bounds.h"
#include "blobs/folder.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct bytes block(unsigned i, uint8_t *p, size_t n)
{
	memset(p, (int)i, n);
	memcpy(p, &i, sizeof i);
	return bytes_of(p, n);
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Blocks per second. */
static double ours(const struct blobs *b, unsigned first, unsigned n, size_t size, unsigned batch)
{
	uint8_t *p = malloc(size);
	double start = now();
	struct err e;

	must(p != NULL);
	for (unsigned i = 0; i < n; i++) {
		struct bytes data = block(first + i, p, size);
		struct cid cid = cid_of(CID_RAW, data);

		must(b->put(b->self, &cid, data, &e));
		if ((i + 1) % batch == 0)
			must(b->sync(b->self, &e));
	}
	free(p);
	return n / (now() - start);
}

static double files(const char *dir, unsigned first, unsigned n, size_t size)
{
	uint8_t *p = malloc(size);
	double start = now();

	must(p != NULL);
	for (unsigned i = 0; i < n; i++) {
		struct bytes data = block(first + i, p, size);
		struct cid cid = cid_of(CID_RAW, data);
		char text[CID_TEXT_MAX], temp[128], path[192];
		int fd;

		cid_format(&cid, text);
		snprintf(temp, sizeof temp, "%s/temp", dir);
		snprintf(path, sizeof path, "%s/%s", dir, text);
		fd = open(temp, O_CREAT | O_TRUNC | O_WRONLY, 0600);
		must(fd >= 0 && write(fd, data.p, data.n) == (ssize_t)data.n);
		must(fsync(fd) == 0 && close(fd) == 0 && rename(temp, path) == 0);
	}
	free(p);
	return n / (now() - start);
}

static double reads(const struct blobs *b, unsigned first, unsigned n, size_t size)
{
	uint8_t *p = malloc(size);
	struct buf out;
	double spent = 0;
	struct err e;

	must(p != NULL);
	buf_init(&out, BLOCK_MAX);
	for (unsigned i = 0; i < n; i++) {
		struct cid cid = cid_of(CID_RAW, block(first + i, p, size));
		double start = now();

		buf_reset(&out);
		must(b->get(b->self, &cid, &out, &e));
		spent += now() - start;
	}
	buf_done(&out);
	free(p);
	return n / spent;
}

static void show(const char *name, double our, double peer, const char *peer_name, double goal)
{
	printf("{\"name\":\"%s\",\"unit\":\"blocks/s\",\"ours\":%.0f,\"peer\":%.0f,\"peer_name\":\"%s\","
	       "\"ratio\":%.2f,\"goal\":%.1f,\"ok\":%s}\n",
	        name, our, peer, peer_name, our / peer, goal,
	        our / peer >= goal ? "true" : "false");
}

static void show_alone(const char *name, double our, double least)
{
	printf("{\"name\":\"%s\",\"unit\":\"blocks/s\",\"ours\":%.0f,\"goal\":\">= %.0f\"}\n", name,
	        our, least);
}

static int drop(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st;
	(void)what;
	(void)ftw;
	return remove(path);
}

int main(void)
{
	const char *peer = "a file per block, fsync and rename";
	char dir[64] = "/tmp/folder_bench_XXXXXX", ours_dir[96], theirs[96];
	struct blobs_folder *f;
	struct blobs b;
	double start, took, read;
	struct err e;

	must(mkdtemp(dir) != NULL);
	snprintf(ours_dir, sizeof ours_dir, "%s/ours", dir);
	snprintf(theirs, sizeof theirs, "%s/files", dir);
	must(mkdir(theirs, 0700) == 0);
	must(blobs_folder_open(ours_dir, &f, &e));
	b = blobs_folder_port(f);
	show("blobs: 4 KiB blocks, durable, 10 a tree", ours(&b, 0, 2000, 4096, 10),
	        files(theirs, 0, 500, 4096), peer, 5);
	show("blobs: 256 KiB blocks, durable, 64 a tree", ours(&b, 10000, 512, CHUNK_BYTES, 64),
	        files(theirs, 10000, 256, CHUNK_BYTES), peer, 1);
	(void)ours(&b, 100000, 100000, 100, 100000);
	f = blobs_folder_free(f);
	start = now();
	must(blobs_folder_open(ours_dir, &f, &e));
	took = now() - start;
	b = blobs_folder_port(f);
	read = reads(&b, 10000, 512, CHUNK_BYTES);
	show_alone("blobs: opening, blocks indexed", 102512 / took, 1e6);
	show_alone("blobs: 256 KiB blocks read and verified", read, 1000);
	f = blobs_folder_free(f);
	nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
