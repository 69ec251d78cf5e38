/* SPDX-License-Identifier: MIT */
/* Who holds the two ends of a channel now, for people.  Context: cli. */
#ifndef CP_ENDS_H
#define CP_ENDS_H

#include "../guard/census.h"

/*
 * The census of both ends of two channels: what CHANNEL says is completed
 * with the peers' inodes that the kernel tells.  Returns 0 or -1 with errno.
 */
int cp_ends_census(struct cp_channel channel[2], struct cp_census *c);

/* What fd 0 and fd 1 of PID are now. */
void cp_ends_of(pid_t pid, struct cp_channel channel[2]);

/* Prints each channel, a line, and who holds its ends, a line each. */
void cp_ends_print(const struct cp_channel channel[2],
    const struct cp_census *c);

#endif
