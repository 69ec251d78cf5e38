/* SPDX-License-Identifier: MIT */
/*
 * Where traffic.c listens.  The kernel has one watch descriptor for one inode,
 * but one inode can be in two channels (siblings that share a stdin, both fds
 * of a socket): so a spot, for the inode, has a list of taps, one for each
 * channel of a ward that leads there.  Context: guard.
 */
#ifndef CP_TAP_H
#define CP_TAP_H

#include "facts.h"

struct cp_meter; /* whose tap it is */

struct cp_spot {
	int wd;
	LIST_HEAD(, cp_tap) taps;
	LIST_ENTRY(cp_spot) link;
};

struct cp_tap {
	struct cp_spot *spot; /* NULL: not open */
	struct cp_meter *meter;
	LIST_ENTRY(cp_tap) next;
};

/*
 * Opens T, if it isn't, for channel K of WARD, which may be none.  Returns 0,
 * or -1 with errno.
 */
int cp_tap_open(int inotify, struct cp_tap *t, const struct cp_ward *ward,
    int k);
void cp_tap_close(int inotify, struct cp_tap *t);

/* The spot of a watch descriptor, or NULL. */
struct cp_spot *cp_tap_spot(int wd);

#endif
