/* SPDX-License-Identifier: MIT */
/*
 * What a child will have as its fd 0 and 1, found out before the spawn.
 *
 * Another thread may put something else in their place until the child has its
 * copy, and what is seen of our own descriptors afterwards is then not what the
 * child has.  So it counts only if it was the same before.
 */
#ifndef CP_FORESEE_H
#define CP_FORESEE_H

#include <spawn.h>
#include <stdbool.h>

#include "common/procfs.h"

struct cp_foreseen {
	bool wanted; /* is the child to be looked at? */
	int from[2]; /* see actions.h */
	struct cp_end_id end[2];
};

/*
 * Before the spawn: ACTIONS need not be there any more when it has returned.
 * errno is kept.  Context: any.
 */
void cp_foresee(struct cp_foreseen *f,
    const posix_spawn_file_actions_t *actions);

/*
 * After it: fills *END with what the child has as its FD, 0 or 1, or returns
 * false if that must be looked at.  errno is kept.  Context: any.
 */
bool cp_foreseen(const struct cp_foreseen *f, int fd, struct cp_end_id *end);

#endif
