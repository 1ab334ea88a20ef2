/* sqlite_test.c - what the file itself must do: outlive kill -9, belong to one process, grow with the
 * program, and say so when it is damaged, foreign, newer or on a full disk. */
#include "store/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sqlite.h"

struct place {
	char dir[64];
	char path[96];
};

static int start(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	assert_non_null(p);
	snprintf(p->dir, sizeof p->dir, "/tmp/sqlite_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof p->path, "%s/s.db", p->dir);
	*state = p;
	return 0;
}

static int stop(void **state)
{
	struct place *p = *state;
	static const char *const names[] = {"s.db", "s.db-wal", "s.db-shm", "s.db.lock", "copy.db",
	        "copy.db-wal", "copy.db-shm", "copy.db.lock"};
	char path[96];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof path, "%s/%s", p->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static struct store_sqlite *open_at(const char *path, const struct record *(*const *tables)(void))
{
	struct store_sqlite *s = NULL;
	struct err e;

	if (!store_sqlite_open(path, tables, &s, &e))
		fail_msg("%s", e.msg);
	return s;
}

static void refused(const char *path, const struct record *(*const *tables)(void),
        enum err_code code, const char *words)
{
	struct store_sqlite *s = NULL;
	struct err e;

	assert_false(store_sqlite_open(path, tables, &s, &e));
	assert_null(s);
	if (e.code != code || !strstr(e.msg, words))
		fail_msg("%s \"%s\" is not %s \"%s\"", err_name(e.code), e.msg, err_name(code),
		        words);
}

static void raw(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	char *said = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
		fail_msg("%s: %s", sql, said);
	sqlite3_close(db);
}

static struct suite_flat flat(uint64_t number)
{
	struct suite_flat f = {.name = "row", .number = number, .sum = amount_of(number + 1)};

	return f;
}

static bool put(struct store_sqlite *s, uint64_t number, struct err *e)
{
	struct store store = store_sqlite_port(s);
	struct suite_flat f = flat(number);

	return store.put(store.self, suite_flat_record(), &f, e);
}

static bool has(struct store_sqlite *s, uint64_t number)
{
	struct store store = store_sqlite_port(s);
	struct suite_flat f = flat(number), got = f;
	struct err e;

	if (store.get(store.self, suite_flat_record(), &got, &e)) {
		assert_memory_equal(&got, &f, sizeof f);
		return true;
	}
	assert_int_equal(e.code, E_NOT_FOUND);
	return false;
}

/* ---- reopening and kill -9 ----------------------------------------------------------------------- */

static void test_reopen(void **state)
{
	struct place *p = *state;
	struct store_sqlite *s = open_at(p->path, suite_tables);
	struct dice d = {11};
	struct suite_all row, got;
	struct err e;
	uint64_t n;

	suite_row(suite_all_record(), &row, &d);
	assert_true(store_sqlite_port(s).put(s, suite_all_record(), &row, &e));
	assert_true(store_sqlite_port(s).next(s, "c", &n, &e));
	store_sqlite_free(s);
	s = open_at(p->path, suite_tables);
	got = (struct suite_all){.id = row.id, .part = row.part};
	assert_true(store_sqlite_port(s).get(s, suite_all_record(), &got, &e));
	assert_memory_equal(&got, &row, sizeof row);
	assert_true(store_sqlite_port(s).next(s, "c", &n, &e));
	assert_int_equal(n, 2);
	store_sqlite_free(s);
}

/* The child commits rows one by one and tells each number when its commit has returned; it is killed
 * somewhere in between. */
static NORETURN void commit_until_killed(const char *path, int tell)
{
	struct store_sqlite *s = NULL;
	struct err e;

	if (!store_sqlite_open(path, suite_tables, &s, &e))
		_exit(1);
	for (uint64_t i = 0;; i++) {
		struct store_tx tx = store_sqlite_tx(s);

		if (!tx.begin(s, &e) || !put(s, 2 * i, &e) || !put(s, 2 * i + 1, &e) ||
		        !tx.commit(s, &e) || write(tell, &i, sizeof i) != sizeof i)
			_exit(1);
	}
}

static void kill_after(const char *path, unsigned rows, useconds_t more)
{
	int pipes[2], status;
	uint64_t told = 0, n = 0;
	struct store_sqlite *s;
	struct err e;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(pipes[0]);
		commit_until_killed(path, pipes[1]);
	}
	close(pipes[1]);
	while (n < rows && read(pipes[0], &told, sizeof told) == sizeof told)
		n++;
	usleep(more);
	kill(child, SIGKILL);
	while (read(pipes[0], &told, sizeof told) == sizeof told)
		n++;
	close(pipes[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && n >= rows);
	s = open_at(path, suite_tables);
	if (!store_sqlite_check(s, &e))
		fail_msg("%s", e.msg);
	for (uint64_t i = 0; i <= told; i++)
		assert_true(has(s, 2 * i) && has(s, 2 * i + 1));
	/* The transaction that was being made is there whole or not at all. */
	assert_int_equal(has(s, 2 * told + 2), has(s, 2 * told + 3));
	assert_false(has(s, 2 * told + 4));
	store_sqlite_free(s);
	raw(path, "DELETE FROM suite_flat");
}

static void test_kill_9_loses_nothing_committed(void **state)
{
	struct place *p = *state;

	for (unsigned i = 0; i < 8; i++)
		kill_after(p->path, 1 + 3 * i, 137 * i);
}

/* Killed between begin and commit: as if begin had not been. */
static void test_kill_9_before_commit(void **state)
{
	struct place *p = *state;
	struct store_sqlite *s = open_at(p->path, suite_tables);
	struct err e;
	int status;
	pid_t child;

	assert_true(put(s, 1, &e));
	store_sqlite_free(s);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (!store_sqlite_open(p->path, suite_tables, &s, &e))
			_exit(1);
		if (!store_sqlite_tx(s).begin(s, &e))
			_exit(1);
		/* More than the page cache holds, so that pages reach the log before the commit. */
		for (uint64_t i = 2; i < 40000; i++) {
			if (!put(s, i, &e))
				_exit(1);
		}
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	s = open_at(p->path, suite_tables);
	assert_true(has(s, 1));
	assert_false(has(s, 2));
	assert_false(has(s, 39999));
	assert_true(store_sqlite_check(s, &e));
	store_sqlite_free(s);
}

/* ---- one process ----------------------------------------------------------------------------------- */

/* Runs a child that opens the store and waits; kill it to end. */
static pid_t hold(const char *path, bool shared)
{
	int pipes[2];
	char c = 0;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store_sqlite *s;
		struct err e;
		bool ok = shared ? store_sqlite_open_shared(path, suite_tables, &s, &e)
		                 : store_sqlite_open(path, suite_tables, &s, &e);

		if (!ok || write(pipes[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &c, 1), 1);
	close(pipes[0]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_one_daemon_only(void **state)
{
	struct place *p = *state;
	pid_t child = hold(p->path, false);
	struct store_sqlite *s = NULL;
	char words[64];
	struct err e;

	snprintf(words, sizeof words, "process %d uses this store", (int)child);
	refused(p->path, suite_tables, E_STORE_LOCKED, words);
	assert_false(store_sqlite_open_shared(p->path, suite_tables, &s, &e));
	assert_int_equal(e.code, E_STORE_LOCKED);
	assert_true(e.hint[0]);
	end(child);
	store_sqlite_free(open_at(p->path, suite_tables)); /* the lock died with it */
}

/* Whoever was killed lets go a little later: its successor waits for that. */
static void test_one_that_is_dying(void **state)
{
	struct place *p = *state;
	pid_t child = hold(p->path, false);
	pid_t killer = fork();

	if (killer == 0) {
		usleep(200000);
		_exit(kill(child, SIGKILL));
	}
	store_sqlite_free(open_at(p->path, suite_tables));
	assert_int_equal(waitpid(killer, NULL, 0), killer);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_shared(void **state)
{
	struct place *p = *state;
	pid_t child = hold(p->path, true);
	struct store_sqlite *s = NULL;
	struct err e;

	assert_true(store_sqlite_open_shared(p->path, suite_tables, &s, &e));
	assert_true(put(s, 1, &e));
	refused(p->path, suite_tables, E_STORE_LOCKED, "uses this store");
	store_sqlite_free(s);
	end(child);
}

/* Processes that share a counter are never given the same value. */
static void test_shared_counter(void **state)
{
	enum { PROCESSES = 4, EACH = 25 };
	struct place *p = *state;
	bool taken[PROCESSES * EACH + 1] = {false};
	int pipes[2];
	uint64_t v;

	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < PROCESSES; i++) {
		pid_t child = fork();
		struct store_sqlite *s;
		struct err e;

		assert_true(child >= 0);
		if (child)
			continue;
		if (!store_sqlite_open_shared(p->path, suite_tables, &s, &e))
			_exit(1);
		for (int j = 0; j < EACH; j++) {
			if (!store_sqlite_tx(s).begin(s, &e) ||
			        !store_sqlite_port(s).next(s, "nonce", &v, &e) ||
			        !store_sqlite_tx(s).commit(s, &e) ||
			        write(pipes[1], &v, sizeof v) != sizeof v)
				_exit(1);
		}
		_exit(0);
	}
	close(pipes[1]);
	for (int i = 0; i < PROCESSES * EACH; i++) {
		assert_int_equal(read(pipes[0], &v, sizeof v), sizeof v);
		assert_true(v >= 1 && v <= PROCESSES * EACH && !taken[v]);
		taken[v] = true;
	}
	close(pipes[0]);
	for (int i = 0, status; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}

/* ---- versions -------------------------------------------------------------------------------------- */

static struct record narrow, nested_other;

/* suite_flat as a version had it that did not know time and sig. */
static const struct record *narrow_record(void)
{
	narrow = *suite_flat_record();
	narrow.n -= 2;
	return &narrow;
}

/* suite_all whose nested records have one member fewer. */
static const struct record *inner_other(void)
{
	static struct record r;

	r = *suite_inner_record();
	r.n--;
	return &r;
}

static const struct record *nested_other_record(void)
{
	static struct field f[32];

	nested_other = *suite_all_record();
	assert_true(nested_other.n <= COUNT(f));
	for (size_t i = 0; i < nested_other.n; i++) {
		f[i] = nested_other.f[i];
		if (f[i].kind == K_REC)
			f[i].rec = inner_other;
	}
	nested_other.f = f;
	return &nested_other;
}

static const struct record *(*const old_tables[])(void) = {narrow_record, NULL};
static const struct record *(*const other_tables[])(void) = {nested_other_record, NULL};

static void test_older_is_widened(void **state)
{
	struct place *p = *state;
	struct store_sqlite *s = open_at(p->path, old_tables);
	struct suite_flat f = flat(5), got = flat(5);
	struct err e;

	assert_true(store_sqlite_port(s).put(s, &narrow, &f, &e));
	store_sqlite_free(s);
	s = open_at(p->path, suite_tables);
	assert_true(store_sqlite_port(s).get(s, suite_flat_record(), &got, &e));
	assert_memory_equal(&got, &f, sizeof f); /* new members are zero */
	got.time.s = 99;
	assert_true(store_sqlite_port(s).put(s, suite_flat_record(), &got, &e));
	store_sqlite_free(s);
	s = open_at(p->path, suite_tables);
	got.time.s = 0;
	assert_true(store_sqlite_port(s).get(s, suite_flat_record(), &got, &e));
	assert_int_equal(got.time.s, 99);
	store_sqlite_free(s);
}

static void test_newer_is_refused(void **state)
{
	struct place *p = *state;

	store_sqlite_free(open_at(p->path, suite_tables));
	refused(p->path, old_tables, E_STORE_VERSION,
	        "table suite_flat has a column \"time TIME\"");
	refused(p->path, other_tables, E_STORE_VERSION, "table suite_all has a column \"inner REC");
	store_sqlite_free(open_at(p->path, suite_tables)); /* nothing was changed */
	raw(p->path, "PRAGMA user_version = 2");
	refused(p->path, suite_tables, E_STORE_VERSION, "format 2");
}

/* ---- damage ---------------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_foreign_files(void **state)
{
	struct place *p = *state;

	raw(p->path, "CREATE TABLE t (a)");
	refused(p->path, suite_tables, E_STORE, "another program");
	write_file(p->path, "this is a shopping list and no database\n");
	refused(p->path, suite_tables, E_STORE, "not a database");
	refused("/nonexistent/s.db", suite_tables, E_NOT_FOUND, "/nonexistent/s.db.lock");
}

static bool look(void *ctx, const void *row)
{
	(void)row;
	++*(unsigned *)ctx;
	return true;
}

/* A page of noise in the middle: the check finds it, and a walk fails rather than give wrong rows. */
static void test_damaged_page(void **state)
{
	struct place *p = *state;
	struct store_sqlite *s = open_at(p->path, suite_tables);
	unsigned rows = 0;
	uint8_t noise[4096];
	struct dice d = {1};
	struct err e;
	int fd;

	assert_true(store_sqlite_tx(s).begin(s, &e));
	for (uint64_t i = 0; i < 2000; i++)
		assert_true(put(s, i, &e));
	assert_true(store_sqlite_tx(s).commit(s, &e));
	store_sqlite_free(s);
	fd = open(p->path, O_WRONLY);
	roll_bytes(&d, noise, sizeof noise);
	for (off_t page = 14; page < 24; page++)
		assert_int_equal(pwrite(fd, noise, sizeof noise, page * 4096), sizeof noise);
	close(fd);
	s = open_at(p->path, suite_tables);
	assert_false(store_sqlite_check(s, &e));
	assert_int_equal(e.code, E_STORE);
	assert_false(
	        store_sqlite_port(s).each(s, suite_flat_record(), NULL, NULL, look, &rows, &e));
	assert_int_equal(e.code, E_STORE);
	assert_true(e.hint[0] && rows < 2000);
	store_sqlite_free(s);
}

/* Whole pages with wrong content: each kind names its table and column. */
static void test_damaged_columns(void **state)
{
	static const struct {
		const char *sql;
		const char *words;
	} cases[] = {
	        {"UPDATE suite_all SET addr = x'0102'", "suite_all.addr holds 2 bytes"},
	        {"UPDATE suite_all SET u64 = x'01'", "suite_all.u64 holds 1 bytes"},
	        {"UPDATE suite_all SET u16 = 70000", "suite_all.u16 holds 70000"},
	        {"UPDATE suite_all SET u8 = -1", "suite_all.u8 holds -1"},
	        {"UPDATE suite_all SET flag = 2", "suite_all.flag holds 2"},
	        {"UPDATE suite_all SET sig = x'00'", "suite_all.sig holds 1 bytes"},
	        {"UPDATE suite_all SET addrs = zeroblob(100)", "suite_all.addrs holds 100 bytes"},
	        {"UPDATE suite_all SET hashes = zeroblob(33)", "suite_all.hashes holds 33 bytes"},
	        {"UPDATE suite_all SET text = printf('%41s', 'x')", "suite_all.text: above 40"},
	        {"UPDATE suite_all SET inner = '{'", "suite_all.inner: "},
	        {"UPDATE suite_all SET inner = '{}'", "suite_all.inner: "},
	        {"UPDATE suite_all SET inners = '{}'", "suite_all.inners: not a list"},
	        {"UPDATE suite_all SET inners = '[1]'", "suite_all.inners: "},
	};
	struct place *p = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct store_sqlite *s = open_at(p->path, suite_tables);
		struct dice d = {11};
		struct suite_all row;
		struct err e;

		suite_row(suite_all_record(), &row, &d);
		assert_true(store_sqlite_port(s).put(s, suite_all_record(), &row, &e));
		store_sqlite_free(s);
		raw(p->path, cases[i].sql);
		s = open_at(p->path, suite_tables);
		assert_false(store_sqlite_port(s).get(s, suite_all_record(), &row, &e));
		if (e.code != E_STORE || !strstr(e.msg, cases[i].words))
			fail_msg("%s: %s \"%s\"", cases[i].sql, err_name(e.code), e.msg);
		store_sqlite_free(s);
	}
}

/* A disk that takes no more bytes: DISK_FULL, the transaction is undone, the store is whole. */
static void test_full_disk(void **state)
{
	struct place *p = *state;
	struct store_sqlite *s = open_at(p->path, suite_tables);
	struct err e;
	int status;
	pid_t child;

	assert_true(put(s, 0, &e));
	store_sqlite_free(s);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit small = {400000, 400000};

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		if (!store_sqlite_open(p->path, suite_tables, &s, &e))
			_exit(2);
		for (uint64_t i = 1; i < 100000; i++) {
			if (put(s, i, &e))
				continue;
			if (e.code != E_DISK_FULL || !e.hint[0])
				_exit(3);
			if (!has(s, i - 1) || has(s, i))
				_exit(4);
			_exit(0);
		}
		_exit(5);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	s = open_at(p->path, suite_tables);
	assert_true(store_sqlite_check(s, &e));
	assert_true(has(s, 0) && has(s, 1));
	store_sqlite_free(s);
}

static void test_backup(void **state)
{
	struct place *p = *state;
	struct store_sqlite *s = open_at(p->path, suite_tables);
	char copy[96];
	struct err e;

	snprintf(copy, sizeof copy, "%s/copy.db", p->dir);
	assert_true(put(s, 7, &e));
	assert_true(store_sqlite_backup(s, copy, &e));
	assert_false(store_sqlite_backup(s, copy, &e)); /* never over a file that is there */
	assert_true(put(s, 8, &e));
	store_sqlite_free(s);
	s = open_at(copy, suite_tables);
	assert_true(has(s, 7));
	assert_false(has(s, 8));
	store_sqlite_free(s);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
	        T(test_reopen),
	        T(test_kill_9_loses_nothing_committed),
	        T(test_kill_9_before_commit),
	        T(test_one_daemon_only),
	        T(test_one_that_is_dying),
	        T(test_shared),
	        T(test_shared_counter),
	        T(test_older_is_widened),
	        T(test_newer_is_refused),
	        T(test_foreign_files),
	        T(test_damaged_page),
	        T(test_damaged_columns),
	        T(test_full_disk),
	        T(test_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
