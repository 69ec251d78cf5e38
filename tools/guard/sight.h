/* SPDX-License-Identifier: MIT */
/*
 * Whether hosts have let go of children that have just ended.  A host that
 * spawns one child after the other had the ends of each at the same two
 * numbers: what is there now is asked once for all.  Context: guard.
 */
#ifndef CP_SIGHT_H
#define CP_SIGHT_H

#include "../../shim/common/procfs.h"
#include "facts.h"

#define CP_SIGHTS 16

/* What was seen of one descriptor. */
struct cp_sight {
	pid_t pid; /* 0: nothing */
	int fd;
	int error;
	struct cp_end_id end;
};

/*
 * Can HOST talk to nobody through CHANNEL[2]: it has no end where it was told
 * to have it, or nobody has the other, as far as can be seen?  SEEN, CP_SIGHTS
 * of them and zeros at first, serves all children that were told of before it
 * was made.
 */
bool cp_sight_cut_off(struct cp_sight *seen, const struct cp_host *host,
    const struct cp_channel channel[2]);

#endif
