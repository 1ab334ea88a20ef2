/* cowsay.c - a cow that says something: `cowsay MESSAGE [WIDTH]`. The message is wrapped at words; a
 * word longer than a line is cut; "\n" in the message ends a line. Widths are in code points. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 4096
#define WIDTH_MIN 10
#define WIDTH_MAX 200

struct line {
	const char *p;
	size_t bytes;
	size_t width; /* code points */
};

static struct line lines[LINES_MAX];
static size_t lines_n;

/* Code points of n bytes of UTF-8: bytes that do not continue one. */
static size_t width_of(const char *p, size_t n)
{
	size_t w = 0;

	for (size_t i = 0; i < n; i++)
		w += ((unsigned char)p[i] & 0xC0) != 0x80;
	return w;
}

static void add_line(const char *p, const char *end)
{
	while (end > p && end[-1] == ' ')
		end--;
	if (lines_n < LINES_MAX)
		lines[lines_n++] =
		        (struct line){p, (size_t)(end - p), width_of(p, (size_t)(end - p))};
}

/* The longest piece of at most `width` code points that ends between words, or just as long when the
 * word is longer. */
static const char *cut(const char *p, const char *end, size_t width)
{
	const char *space = NULL, *q = p;
	size_t w = 0;

	while (q < end) {
		const char *next = q + 1;

		while (next < end && ((unsigned char)*next & 0xC0) == 0x80)
			next++;
		if (*q == ' ')
			space = q;
		if (w == width)
			return *q == ' ' ? q : space ? space : q;
		w++;
		q = next;
	}
	return end;
}

static void wrap(const char *text, size_t width)
{
	while (*text) {
		const char *end = strchr(text, '\n');

		if (!end)
			end = text + strlen(text);
		if (text == end)
			add_line(text, end);
		while (text < end) {
			const char *stop = cut(text, end, width);

			add_line(text, stop);
			for (text = stop; text < end && *text == ' ';)
				text++;
		}
		if (*text == '\n')
			text++;
	}
}

static void repeat(char c, size_t n)
{
	while (n--)
		putchar(c);
}

static void balloon(void)
{
	size_t widest = 0;

	for (size_t i = 0; i < lines_n; i++)
		widest = lines[i].width > widest ? lines[i].width : widest;
	putchar(' ');
	repeat('_', widest + 2);
	putchar('\n');
	for (size_t i = 0; i < lines_n; i++) {
		/* One line: < >. Several: / \ first, \ / last, | | between. */
		const char *sides = lines_n == 1       ? "<>"
		                    : i == 0           ? "/\\"
		                    : i + 1 == lines_n ? "\\/"
		                                       : "||";

		putchar(sides[0]);
		putchar(' ');
		fwrite(lines[i].p, 1, lines[i].bytes, stdout);
		repeat(' ', widest - lines[i].width + 1);
		putchar(sides[1]);
		putchar('\n');
	}
	putchar(' ');
	repeat('-', widest + 2);
	putchar('\n');
}

static void cow(void)
{
	static const char *const rows[] = {
	        "\\   ^__^",
	        " \\  (oo)\\_______",
	        "    (__)\\       )\\/\\",
	        "        ||----w |",
	        "        ||     ||",
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		repeat(' ', 8);
		puts(rows[i]);
	}
}

static int fail(const char *why)
{
	fputs("cowsay: ", stderr);
	fputs(why, stderr);
	fputs("\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	long width = 40;
	char *end;

	if (argc < 2 || argc > 3)
		return fail("usage: cowsay MESSAGE [WIDTH]");
	if (argc == 3) {
		width = strtol(argv[2], &end, 10);
		if (*end || end == argv[2] || width < WIDTH_MIN || width > WIDTH_MAX)
			return fail("WIDTH is a number from 10 to 200");
	}
	wrap(argv[1], (size_t)width);
	if (lines_n == 0)
		add_line(argv[1], argv[1]);
	balloon();
	cow();
	return 0;
}
