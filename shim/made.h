/* SPDX-License-Identifier: MIT */
/* A channel as it was made, and which open file is an end of it. */
#ifndef CP_MADE_H
#define CP_MADE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/procfs.h"

/*
 * A channel as it was made: its two ends, with the descriptors they had.
 * PIPE: end 0 is read, end 1 written, ino[0] == ino[1].  PTY: end 0 is the
 * master, end 1 the slave, ino is the number.  -1: no descriptor known.
 */
struct cp_made {
	uint8_t kind; /* PIPE, UNIX or PTY */
	bool cloexec; /* as created */
	int32_t fd[2];
	uint64_t ino[2];
};

/* Looks at the two descriptors and remembers the channel.  Context: host. */
void cp_made_keep(int kind, const int fd[2], bool cloexec);

/* Which end of *MADE is END?  -1: none, or nobody can tell.  Context: any. */
int cp_made_end_of(const struct cp_made *made, const struct cp_end_id *end);

/* Is *HOST the end opposite to *CHILD, which is end K of *MADE?  any. */
bool cp_made_opposite(const struct cp_made *made, int k,
    const struct cp_end_id *host);

#endif
