/* fill.c - one memory.fill of as many bytes as the first argument says; at most a MiB. */
#include <stdlib.h>

static volatile char room[1 << 20];

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? (size_t)atol(argv[1]) : 0;

	if (n > sizeof room)
		return 1;
	__builtin_memset((char *)room, 1, n);
	return n && room[n - 1] != 1;
}
