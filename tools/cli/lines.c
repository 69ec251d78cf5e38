/* SPDX-License-Identifier: MIT */
/* Reads a journal, line by line; see lifeline.h.  Context: cli. */
#include <errno.h>

#include "lifeline.h"

/* A line of ours is at most some 30 KB: six times as much as argv holds. */
#define LINE_SIZE (64 * 1024)

/*
 * Reads a line and returns its length without its end; LINE_SIZE if it is at
 * least that long.  Nothing is kept of the rest: a file without any line end
 * must not fill the memory.  *COMPLETE: whether the line had an end.
 */
static size_t
next_line(FILE *from, char line[LINE_SIZE], bool *complete)
{
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(from)) != EOF && c != '\n') {
		if (n < LINE_SIZE)
			line[n++] = (char)c;
	}
	*complete = c != EOF;
	return n;
}

int
cp_lifelines_read(struct cp_lifelines *l, FILE *from)
{
	static char line[LINE_SIZE];
	bool complete;
	size_t n;

	do {
		n = next_line(from, line, &complete);
		if (n == 0)
			continue;
		if (n == LINE_SIZE)
			n = 0; /* what is too long is no line of ours */
		if (!cp_lifelines_line(l, line, n) && !complete) {
			/* Cut short, or being written: not strange at all. */
			l->lines--;
			l->strange--;
		}
	} while (complete);
	if (!ferror(from))
		return 0;
	if (errno == 0)
		errno = EIO;
	return -1;
}
