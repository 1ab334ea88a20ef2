/* sqlite_bench.c - how long a transaction takes that writes what one event of a role writes: the document
 * of a deal, how far it is, and a cursor. The peer is the same three rows through the plain SQLite API,
 * with SQL written by hand, the document's text ready made, and the same durability (WAL, synchronous =
 * FULL); below both lies the disk, one appended page with fdatasync. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "codec/json.h"
#include "store/sqlite.h"

/* clang-format off */
#include "model/record_struct.h"
#include "store/bench.def"
#include "model/record_end.h"
#define RECORD(tag, type, meaning) const struct record *tag##_record(void);
#define F(kind, member, name, arg, flags, meaning)
#define END(tag, type)
#include "store/bench.def"
#include "model/record_end.h"
#include "model/record_table.h"
#include "store/bench.def"
#include "model/record_end.h"
/* clang-format on */

#define EVENTS 4000

static const struct record *(*const tables[])(void) = {
        bench_deal_record, bench_work_record, bench_cursor_record, NULL};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static NORETURN void quit(const char *what)
{
	fprintf(stderr, "sqlite_bench: %s\n", what);
	exit(1);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Ids look random, as hashes do. */
static struct hash id_of(uint32_t i)
{
	struct hash h;

	for (unsigned k = 0; k < 32; k++)
		h.b[k] = (uint8_t)((i * 2654435761u + k * 40503u) >> (8 + k % 16));
	memcpy(h.b + 28, &i, sizeof i);
	return h;
}

static struct bench_deal deal_of(uint32_t i)
{
	struct bench_deal d = {.id = id_of(i), .sig.n = 65};

	d.deal.hot.pay = amount_of(1000000 + i);
	d.deal.hot.instruction_limit = 50000000;
	d.deal.hot.nonce = i;
	d.deal.hot.mediation = MEDIATION_CONSORTIUM;
	d.deal.cold.determinism = DETERMINISM_EXACT;
	memcpy(d.deal.cold.engine, "wasm/wasmtime-48.0.0/x86_64/0123456789abcdef", 45);
	d.deal.cold.mediators.n = 9;
	for (uint8_t k = 0; k < 9; k++)
		d.deal.cold.mediators.v[k] = (struct addr){{k, k, k, k, k, k, k, k, k, k, k, k}};
	return d;
}

/* ---- ours, the peer, the disk ---------------------------------------------------------------------- */

static struct store_sqlite *store;

static void ours(uint32_t i)
{
	struct store_tx tx = store_sqlite_tx(store);
	struct store st = store_sqlite_port(store);
	struct bench_deal d = deal_of(i);
	struct bench_work w = {.id = d.id, .state = (uint8_t)(i % 7), .count = i};
	struct bench_cursor c = {1, i};
	struct err e;

	if (!tx.begin(store, &e) || !st.put(store, bench_deal_record(), &d, &e) ||
	        !st.put(store, bench_work_record(), &w, &e) ||
	        !st.put(store, bench_cursor_record(), &c, &e) || !tx.commit(store, &e))
		quit(e.msg);
}

/* The document's text, made before the clock runs. */
static struct buf text;
static sqlite3 *db;
static sqlite3_stmt *deal, *work, *cursor, *begin, *commit;

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL))
		quit(sqlite3_errmsg(db));
	return st;
}

static void step(sqlite3_stmt *st)
{
	if (sqlite3_step(st) != SQLITE_DONE || sqlite3_reset(st))
		quit("the peer's statement failed");
}

static void open_peer(const char *path)
{
	static const char make[] =
	        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	        "CREATE TABLE deal (id BLOB PRIMARY KEY, deal TEXT, sig BLOB);"
	        "CREATE TABLE work (id BLOB PRIMARY KEY, state INTEGER, earned BLOB, count BLOB)"
	        " WITHOUT ROWID; CREATE INDEX work_state ON work (state);"
	        "CREATE TABLE cursor (which INTEGER PRIMARY KEY, cursor BLOB)";

	if (sqlite3_open(path, &db) || sqlite3_exec(db, make, NULL, NULL, NULL))
		quit(sqlite3_errmsg(db));
	deal = prepare("INSERT OR REPLACE INTO deal VALUES (?, ?, ?)");
	work = prepare("INSERT OR REPLACE INTO work VALUES (?, ?, ?, ?)");
	cursor = prepare("INSERT OR REPLACE INTO cursor VALUES (?, ?)");
	begin = prepare("BEGIN IMMEDIATE");
	commit = prepare("COMMIT");
}

static void by_hand(uint32_t i)
{
	static const char zero[72];
	struct hash id = id_of(i);

	step(begin);
	sqlite3_bind_blob(deal, 1, id.b, 32, SQLITE_STATIC);
	sqlite3_bind_text(deal, 2, (const char *)text.p, (int)text.n, SQLITE_STATIC);
	sqlite3_bind_blob(deal, 3, zero, 65, SQLITE_STATIC);
	step(deal);
	sqlite3_bind_blob(work, 1, id.b, 32, SQLITE_STATIC);
	sqlite3_bind_int(work, 2, (int)(i % 7));
	sqlite3_bind_blob(work, 3, zero, 32, SQLITE_STATIC);
	sqlite3_bind_blob(work, 4, &i, 4, SQLITE_STATIC);
	step(work);
	sqlite3_bind_int(cursor, 1, 1);
	sqlite3_bind_blob(cursor, 2, &i, 4, SQLITE_STATIC);
	step(cursor);
	step(commit);
}

static int disk_fd;

static void disk(uint32_t i)
{
	static uint8_t page[4096];

	memcpy(page, &i, sizeof i);
	if (write(disk_fd, page, sizeof page) != sizeof page || fdatasync(disk_fd))
		quit("cannot write to the disk");
}

static void open_all(const char *dir)
{
	char path[256];
	struct err e;

	buf_init(&text, 1u << 20);
	snprintf(path, sizeof path, "%s/ours.db", dir);
	if (!store_sqlite_open(path, tables, &store, &e))
		quit(e.msg);
	snprintf(path, sizeof path, "%s/peer.db", dir);
	open_peer(path);
	snprintf(path, sizeof path, "%s/disk", dir);
	disk_fd = open(path, O_CREAT | O_WRONLY, 0600);
	if (disk_fd < 0)
		quit("cannot write to the disk");
}

static void close_all(void)
{
	store_sqlite_free(store);
	sqlite3_finalize(deal);
	sqlite3_finalize(work);
	sqlite3_finalize(cursor);
	sqlite3_finalize(begin);
	sqlite3_finalize(commit);
	sqlite3_close(db);
	close(disk_fd);
	buf_done(&text);
}

static double timed(void (*work_)(uint32_t), uint32_t i)
{
	double start = now_ms();

	work_(i);
	return now_ms() - start;
}

/* ---- figures --------------------------------------------------------------------------------------- */

static double ours_ms[EVENTS], peer_ms[EVENTS], disk_ms[EVENTS];

static void figure(
        const char *name, size_t at, const double *peer, const char *peer_name, const char *goal)
{
	printf("{\"name\":\"store: one event's rows committed, %s\",\"unit\":\"ms\",\"ours\":%.4f,"
	       "\"peer\":%.4f,\"peer_name\":\"%s\",\"ratio\":%.3f,\"goal\":%s}\n",
	        name, ours_ms[at], peer[at], peer_name, ours_ms[at] / peer[at], goal);
}

/* The opposite of a commit: a daemon that starts reads every row, and parses the documents. */
static bool count(void *ctx, const void *row)
{
	(void)row;
	++*(unsigned *)ctx;
	return true;
}

static void read_back(void)
{
	unsigned rows = 0;
	struct err e;
	double start = now_ms();

	if (!store_sqlite_port(store).each(
	            store, bench_deal_record(), NULL, NULL, count, &rows, &e))
		quit(e.msg);
	printf("{\"name\":\"store: deals read back at start\",\"unit\":\"rows/s\",\"ours\":%.0f}\n",
	        rows / (now_ms() - start) * 1e3);
}

int main(void)
{
	char dir[] = "build/store_bench.XXXXXX", command[64];

	if (!mkdtemp(dir))
		quit("run it from the root of the project, after a build");
	open_all(dir);
	/* In turns, so that what else the machine does meets all three alike. */
	for (uint32_t i = 0; i < EVENTS; i++) {
		struct bench_deal d = deal_of(i);

		buf_reset(&text);
		record_canonical(deal_record(), &d.deal, &text);
		ours_ms[i] = timed(ours, i);
		peer_ms[i] = timed(by_hand, i);
		disk_ms[i] = timed(disk, i);
	}
	read_back();
	close_all();
	qsort(ours_ms, EVENTS, sizeof(double), ascending);
	qsort(peer_ms, EVENTS, sizeof(double), ascending);
	qsort(disk_ms, EVENTS, sizeof(double), ascending);
	figure("p50", EVENTS / 2, peer_ms, "SQLite by hand", "\"<= 1.5\"");
	figure("p99", EVENTS * 99 / 100, peer_ms, "SQLite by hand", "\"<= 1.5\"");
	figure("p99.9", EVENTS * 999 / 1000, peer_ms, "SQLite by hand", "null");
	figure("p50 ", EVENTS / 2, disk_ms, "one fdatasync", "null");
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command) == 0 ? 0 : 1;
}
