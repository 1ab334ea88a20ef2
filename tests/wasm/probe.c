/* probe.c - a program that does one thing a test asks for and prints what it saw. The first argument names
 * it; an unknown one exits with 99. Used by src/exec/wasm_test.c and tests/blackbox/test_determinism.py. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int show(int argc, char **argv)
{
	char byte;

	for (int i = 0; i < argc; i++)
		printf("arg %s\n", argv[i]);
	for (char **v = environ; v && *v; v++)
		printf("env %s\n", *v);
	printf("stdin %d\n", (int)read(0, &byte, 1));
	fprintf(stderr, "to standard error\n");
	return 0;
}

static int leave(int argc, char **argv)
{
	return argc > 2 ? atoi(argv[2]) : 0;
}

static int trap(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	__builtin_trap();
}

static int spin(int argc, char **argv)
{
	volatile uint32_t n = 0;

	(void)argc;
	(void)argv;
	for (;;)
		n++;
}

/* hog CHUNK STATUS: takes memory until there is none and exits. */
static int hog(int argc, char **argv)
{
	size_t chunk = argc > 2 ? (size_t)atol(argv[2]) : 65536;
	char *volatile p;

	while ((p = malloc(chunk)))
		*p = 1;
	return argc > 3 ? atoi(argv[3]) : 1;
}

static int hog_trap(int argc, char **argv)
{
	(void)hog(argc, argv);
	__builtin_trap();
}

/* flood PATH: writes to it until it cannot. */
static int flood(int argc, char **argv)
{
	static char block[4096];
	int fd = argc > 2 ? open(argv[2], O_WRONLY | O_CREAT, 0644) : 1;

	while (write(fd, block, sizeof block) > 0)
		continue;
	return 1;
}

static void walk(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;
	char sub[1024], content[256];

	while (d && (e = readdir(d))) {
		int fd;
		ssize_t n;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(sub, sizeof sub, "%s/%s", path, e->d_name);
		if (stat(sub, &st) != 0) {
			printf("%s: %s\n", sub, strerror(errno));
			continue;
		}
		if (S_ISDIR(st.st_mode)) {
			printf("%s/ ino %d\n", sub, (int)st.st_ino);
			walk(sub);
			continue;
		}
		fd = open(sub, O_RDONLY);
		n = read(fd, content, sizeof content);
		close(fd);
		printf("%s ino %d size %d mtime %lld: %.*s\n", sub, (int)st.st_ino, (int)st.st_size,
		        (long long)st.st_mtime, (int)(n > 0 ? n : 0), content);
	}
	if (d)
		closedir(d);
}

static int list(int argc, char **argv)
{
	walk(argc > 2 ? argv[2] : "/inputs");
	return 0;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		printf("%s: errno %d\n", path, errno);
		return;
	}
	fputs(text, f);
	fclose(f);
}

static int tree(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	mkdir("/outputs/a", 0755);
	mkdir("/outputs/a/b", 0755);
	mkdir("/outputs/empty", 0755);
	put("/outputs/a/b/deep.txt", "deep");
	put("/outputs/z.txt", "last");
	put("/outputs/B.txt", "upper case first");
	put("/outputs/none", "");
	put("/tmp/kept-nowhere", "scratch");
	walk("/outputs");
	walk("/tmp");
	return 0;
}

static int chance(int argc, char **argv)
{
	struct timespec t, pause = {3600, 0};
	unsigned char random[40];

	(void)argc;
	(void)argv;
	for (int i = 0; i < 3; i++) {
		clock_gettime(i == 1 ? CLOCK_MONOTONIC : CLOCK_REALTIME, &t);
		printf("clock %lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
	}
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t);
	printf("slept %lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
	if (getentropy(random, sizeof random) != 0)
		return 1;
	printf("random ");
	for (size_t i = 0; i < sizeof random; i++)
		printf("%02x", random[i]);
	printf("\n");
	return 0;
}

static void tell(const char *what, int rc)
{
	printf("%s: %s\n", what, rc >= 0 ? "done" : strerror(errno));
}

static int moves(int argc, char **argv)
{
	char text[8] = "";
	int fd;

	(void)argc;
	(void)argv;
	put("/tmp/a", "from a");
	put("/tmp/b", "from b");
	mkdir("/tmp/d", 0755);
	mkdir("/tmp/d/e", 0755);
	fd = open("/tmp/b", O_RDONLY);
	tell("rename over a file", rename("/tmp/a", "/tmp/b"));
	tell("read what was replaced", (int)read(fd, text, 6));
	printf("it was: %s\n", text);
	tell("the old name", open("/tmp/a", O_RDONLY));
	fd = open("/tmp/b", O_RDWR);
	tell("unlink while open", unlink("/tmp/b"));
	tell("write to what is unlinked", (int)write(fd, "x", 1));
	tell("unlink again", unlink("/tmp/b"));
	tell("into itself", rename("/tmp/d", "/tmp/d/e/f"));
	tell("remove what is not empty", rmdir("/tmp/d"));
	tell("unlink a directory", unlink("/tmp/d"));
	tell("from /tmp to /outputs", rename("/tmp/d", "/outputs/d"));
	tell("exclusive", open("/outputs/d", O_CREAT | O_EXCL | O_WRONLY, 0644));
	tell("write an input", open("/inputs/new", O_CREAT | O_WRONLY, 0644));
	tell("remove an input", unlink("/inputs/one.txt"));
	tell("move an input", rename("/inputs/one.txt", "/outputs/one.txt"));
	tell("truncate an input", open("/inputs/one.txt", O_TRUNC | O_WRONLY));
	tell("link", link("/inputs/one.txt", "/outputs/hard"));
	tell("symlink", symlink("/inputs/one.txt", "/outputs/soft"));
	walk("/outputs");
	return 0;
}

static int escape(int argc, char **argv)
{
	static const char *const paths[] = {"/etc/passwd", "/proc/self/maps", "/",
	        "/inputs/../etc/passwd", "/inputs/../../etc/passwd", "/outputs/..",
	        "/inputs/folder/../../tmp/x", "/dev/null"};

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		tell(paths[i], open(paths[i], O_RDONLY));
	tell("from a directory",
	        openat(open("/inputs/folder", O_RDONLY | O_DIRECTORY), "../one.txt", O_RDONLY));
	return 0;
}

/* Numbers whose bits depend on the machine where nobody takes care: signs of NaN, fused operations. */
static int floats(int argc, char **argv)
{
	volatile double zero = 0.0, big = 1e308, third = 1.0 / 3.0;
	double nan = zero / zero, inf = big * 10, sum = 0;
	uint64_t bits;

	(void)argc;
	(void)argv;
	memcpy(&bits, &nan, 8);
	printf("0/0 %016llx\n", (unsigned long long)bits);
	nan = inf - inf;
	memcpy(&bits, &nan, 8);
	printf("inf-inf %016llx\n", (unsigned long long)bits);
	for (int i = 1; i < 20000; i++)
		sum += third * i + 1.0 / i;
	memcpy(&bits, &sum, 8);
	printf("sum %016llx\n", (unsigned long long)bits);
	return 0;
}

static int everything(int argc, char **argv)
{
	show(argc, argv);
	list(0, argv);
	tree(0, argv);
	chance(0, argv);
	return floats(0, argv);
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {{"show", show}, {"exit", leave}, {"trap", trap}, {"spin", spin}, {"hog", hog},
        {"hog-trap", hog_trap}, {"flood", flood}, {"list", list}, {"tree", tree},
        {"chance", chance}, {"moves", moves}, {"escape", escape}, {"floats", floats},
        {"everything", everything}};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(verbs[i].name, argv[1]) == 0)
			return verbs[i].run(argc, argv);
	}
	return 99;
}
