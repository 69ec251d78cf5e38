/* SPDX-License-Identifier: MIT */
/*
 * The UNIX sockets of our network namespace, from /proc/net/unix: which are
 * connected, and what names are bound.  Context: cli.
 */
#ifndef CP_SOCKETS_H
#define CP_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cp_sockets {
	char *text;	     /* the table itself, for the names */
	uint64_t *connected; /* inodes, sorted */
	size_t n;
};

/* Fills *S, to be freed.  Returns 0, or -1 with errno and *S empty. */
int cp_sockets_load(struct cp_sockets *s);
void cp_sockets_free(struct cp_sockets *s);

/* As above from the text of the table, which *S owns then. */
int cp_sockets_parse(struct cp_sockets *s, char *text);

/* Is the socket INO connected, or was it?  One that listens never is. */
bool cp_sockets_connected(const struct cp_sockets *s, uint64_t ino);

/* Is a socket bound to the abstract NAME? */
bool cp_sockets_bound(const struct cp_sockets *s, const char *name);

#endif
