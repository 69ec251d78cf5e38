/* SPDX-License-Identifier: MIT */
/* See sockets.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sockets.h"

/* Of the kernel: SS_CONNECTED, and the flag of a socket that listens. */
#define CONNECTED 3
#define LISTENS	  0x10000ul

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* One line: "Num: RefCount Protocol Flags Type St Inode Path". */
static bool
parse_line(const char *line, uint64_t *ino)
{
	enum { FLAGS = 2, STATE = 4, INODE, N };
	const char *end = strchrnul(line, '\n'), *p;
	unsigned long long field[N];

	p = memchr(line, ':', (size_t)(end - line));
	if (p == NULL)
		return false;
	p++;
	for (int i = 0; i <= INODE; i++) {
		char *next;

		field[i] = strtoull(p, &next, i == INODE ? 10 : 16);
		if (next == p || next > end)
			return false;
		p = next;
	}
	*ino = field[INODE];
	return field[STATE] == CONNECTED && !(field[FLAGS] & LISTENS);
}

int
cp_sockets_parse(struct cp_sockets *s, char *text)
{
	size_t lines = 0;
	const char *p;

	*s = (struct cp_sockets){ .text = text };
	for (p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	s->connected = calloc(lines + 1, sizeof(*s->connected));
	if (s->connected == NULL) {
		cp_sockets_free(s);
		return -1;
	}
	for (p = text; (p = strchr(p, '\n')) != NULL;)
		if (parse_line(++p, &s->connected[s->n]))
			s->n++;
	qsort(s->connected, s->n, sizeof(*s->connected), by_number);
	return 0;
}

int
cp_sockets_load(struct cp_sockets *s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f;
	ssize_t len;

	*s = (struct cp_sockets){ 0 };
	f = fopen("/proc/net/unix", "re");
	if (f == NULL)
		return -1;
	len = getdelim(&text, &size, '\0', f);
	(void)fclose(f);
	if (len == -1) {
		free(text);
		errno = EIO;
		return -1;
	}
	return cp_sockets_parse(s, text);
}

void
cp_sockets_free(struct cp_sockets *s)
{
	free(s->text);
	free(s->connected);
	*s = (struct cp_sockets){ 0 };
}

bool
cp_sockets_connected(const struct cp_sockets *s, uint64_t ino)
{
	return s->n > 0 &&
	    bsearch(&ino, s->connected, s->n, sizeof(ino), by_number) != NULL;
}

bool
cp_sockets_bound(const struct cp_sockets *s, const char *name)
{
	char line[128];
	int n;

	n = snprintf(line, sizeof(line), " @%s\n", name);
	return s->text != NULL && n > 0 && (size_t)n < sizeof(line) &&
	    strstr(s->text, line) != NULL;
}
