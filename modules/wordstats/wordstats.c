/* wordstats.c - counts the words of every file under /inputs. Writes /outputs/words.csv (word, count;
 * the commonest first) and /outputs/summary.json (totals and one entry a file), and prints a line a
 * file. A word is letters, digits, apostrophes inside it, and any byte above 127; ASCII letters are
 * made small. Longer words than WORD_MAX bytes are cut there. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROOT      "/inputs"
#define PATH_LEN  1024
#define WORD_MAX  255
#define DEPTH_MAX 64

static void *need(void *p)
{
	if (!p) {
		fputs("wordstats: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

/* ---- words ----------------------------------------------------------------------------------------- */

struct word {
	char *text;
	uint32_t hash;
	uint64_t count;
	uint32_t file; /* the last file that has it, from 1: counts different words of a file */
};

static struct word *table;
static size_t table_n, table_cap;

static uint32_t hash_of(const char *p, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 16777619u;
	return h;
}

static struct word *slot(const char *p, size_t n, uint32_t h)
{
	size_t i = h & (table_cap - 1);

	while (table[i].text && (table[i].hash != h || strlen(table[i].text) != n ||
	                                memcmp(table[i].text, p, n) != 0))
		i = (i + 1) & (table_cap - 1);
	return &table[i];
}

static void grow(void)
{
	struct word *old = table;
	size_t n = table_cap;

	table_cap = n ? 2 * n : 4096;
	table = need(calloc(table_cap, sizeof *table));
	for (size_t i = 0; i < n; i++) {
		if (old[i].text)
			*slot(old[i].text, strlen(old[i].text), old[i].hash) = old[i];
	}
	free(old);
}

static struct word *count(const char *p, size_t n)
{
	uint32_t h = hash_of(p, n);
	struct word *w;

	if (4 * (table_n + 1) > 3 * table_cap)
		grow();
	w = slot(p, n, h);
	if (!w->text) {
		w->text = need(malloc(n + 1));
		memcpy(w->text, p, n);
		w->text[n] = '\0';
		w->hash = h;
		table_n++;
	}
	w->count++;
	return w;
}

/* ---- files ----------------------------------------------------------------------------------------- */

struct file {
	char *path; /* below ROOT */
	uint64_t bytes, lines, words, different, longest;
};

static struct file *files;
static size_t files_n, files_cap;

static void end_word(struct file *f, char *word, size_t n)
{
	struct word *w;

	while (n && word[n - 1] == '\'')
		n--;
	if (!n)
		return;
	w = count(word, n);
	f->words++;
	f->longest = n > f->longest ? n : f->longest;
	if (w->file != files_n) {
		w->file = (uint32_t)files_n;
		f->different++;
	}
}

static void read_words(struct file *f, FILE *in)
{
	static char block[65536];
	char word[WORD_MAX];
	size_t got, n = 0;

	while ((got = fread(block, 1, sizeof block, in)) > 0) {
		f->bytes += got;
		for (size_t i = 0; i < got; i++) {
			unsigned char c = (unsigned char)block[i];
			int in_word;

			c = c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
			in_word = c >= 128 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			          (c == '\'' && n > 0);
			f->lines += c == '\n';
			if (in_word && n < WORD_MAX)
				word[n++] = (char)c;
			if (!in_word && n) {
				end_word(f, word, n);
				n = 0;
			}
		}
	}
	end_word(f, word, n);
}

static void add_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct file *f;

	if (!in) {
		fprintf(stderr, "wordstats: cannot read %s: %s\n", path, strerror(errno));
		exit(1);
	}
	if (files_n == files_cap) {
		files_cap = files_cap ? 2 * files_cap : 64;
		files = need(realloc(files, files_cap * sizeof *files));
	}
	f = &files[files_n++];
	*f = (struct file){.path = need(strdup(path + sizeof ROOT))};
	read_words(f, in);
	fclose(in);
	printf("%s: %" PRIu64 " lines, %" PRIu64 " words, %" PRIu64 " bytes\n", f->path, f->lines,
	        f->words, f->bytes);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of a directory, sorted, so that the order of the files is the same everywhere. */
static size_t names_of(const char *path, char ***out)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char **names = NULL;
	size_t n = 0, cap = 0;

	if (!dir) {
		fprintf(stderr, "wordstats: cannot list %s: %s\n", path, strerror(errno));
		exit(1);
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			names = need(realloc(names, cap * sizeof *names));
		}
		names[n++] = need(strdup(entry->d_name));
	}
	closedir(dir);
	if (n)
		qsort(names, n, sizeof *names, by_name);
	*out = names;
	return n;
}

static void walk(const char *path, unsigned depth)
{
	char **names, below[PATH_LEN];
	size_t n = names_of(path, &names);
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		int len = snprintf(below, sizeof below, "%s/%s", path, names[i]);

		if (len < 0 || len >= PATH_LEN || depth == DEPTH_MAX || stat(below, &st)) {
			fprintf(stderr, "wordstats: cannot read %s\n", below);
			exit(1);
		}
		if (S_ISDIR(st.st_mode))
			walk(below, depth + 1);
		else
			add_file(below);
		free(names[i]);
	}
	free(names);
}

/* ---- reports --------------------------------------------------------------------------------------- */

static int by_count(const void *a, const void *b)
{
	const struct word *x = *(struct word *const *)a, *y = *(struct word *const *)b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->text, y->text);
}

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f) {
		fprintf(stderr, "wordstats: cannot write %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return f;
}

static int write_words(void)
{
	struct word **order = need(malloc((table_n + 1) * sizeof *order));
	FILE *f = create("/outputs/words.csv");
	size_t n = 0;

	for (size_t i = 0; i < table_cap; i++) {
		if (table[i].text)
			order[n++] = &table[i];
	}
	if (n)
		qsort(order, n, sizeof *order, by_count);
	fputs("word,count\n", f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s,%" PRIu64 "\n", order[i]->text, order[i]->count);
	free(order);
	return fclose(f);
}

/* Bytes of one UTF-8 character at s; 0: none starts there. Surrogates and overlong forms pass: a reader
 * of JSON sees to them. */
static unsigned character(const char *s)
{
	unsigned char c = (unsigned char)*s;
	unsigned n = c < 0x80                ? 1
	             : c >= 0xC2 && c < 0xE0 ? 2
	             : c >= 0xE0 && c < 0xF0 ? 3
	             : c >= 0xF0 && c < 0xF5 ? 4
	                                     : 0;

	for (unsigned i = 1; i < n; i++) {
		if (((unsigned char)s[i] & 0xC0) != 0x80)
			return 0;
	}
	return n;
}

/* JSON is UTF-8: a byte of a name that is not part of a character is written as its code point. */
static void write_string(FILE *f, const char *s)
{
	fputc('"', f);
	while (*s) {
		unsigned char c = (unsigned char)*s;
		unsigned n = character(s);

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 32 || c == 127 || n == 0)
			fprintf(f, "\\u%04x", c);
		else
			fwrite(s, 1, n, f);
		s += n ? n : 1;
	}
	fputc('"', f);
}

static void write_counts(FILE *f, const struct file *x)
{
	fprintf(f,
	        "\"bytes\":%" PRIu64 ",\"different\":%" PRIu64 ",\"lines\":%" PRIu64
	        ",\"longest\":%" PRIu64 ",\"words\":%" PRIu64,
	        x->bytes, x->different, x->lines, x->longest, x->words);
}

static int write_summary(void)
{
	FILE *f = create("/outputs/summary.json");
	struct file all = {.different = table_n};

	fputs("{\"files\":[", f);
	for (size_t i = 0; i < files_n; i++) {
		fputs(i ? ",\n{\"path\":" : "\n{\"path\":", f);
		write_string(f, files[i].path);
		fputs(",", f);
		write_counts(f, &files[i]);
		fputs("}", f);
		all.bytes += files[i].bytes;
		all.lines += files[i].lines;
		all.words += files[i].words;
		all.longest = files[i].longest > all.longest ? files[i].longest : all.longest;
	}
	fputs("],\n\"total\":{", f);
	write_counts(f, &all);
	fputs("}}\n", f);
	return fclose(f);
}

int main(void)
{
	walk(ROOT, 0);
	if (files_n == 0) {
		fputs("wordstats: there is no file under " ROOT "\n", stderr);
		return 2;
	}
	if (write_words() || write_summary()) {
		fprintf(stderr, "wordstats: cannot write the reports: %s\n", strerror(errno));
		return 1;
	}
	printf("%zu files, %zu different words\n", files_n, table_n);
	return 0;
}
