/* SPDX-License-Identifier: MIT */
/* Children that a host has spawned by other means than fork and exec. */
#ifndef CP_SPAWNED_H
#define CP_SPAWNED_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/channel_id.h"
#include "foresee.h"
#include "tell.h"

/* What the guard has let pass, and keeps a place for; 0: nothing. */
struct cp_asked {
	uint64_t key;
};

/*
 * May *CMD be spawned?  Asked for what will be a ward, if WARD says so, or
 * may become one.  *ASKED is empty; returns 0, with it filled in, or the errno
 * with which the spawn is to fail; errno is kept.  Context: host.
 */
int cp_spawned_ask(struct cp_asked *asked, const struct cp_command *cmd,
    bool ward);

/*
 * *CMD was not spawned after all, or is not one of those that are counted.
 * errno is kept.  Context: host.
 */
void cp_spawned_give_back(const struct cp_asked *asked);

/*
 * Called after *CMD was spawned as PID, *F being what was foreseen of its
 * fd 0 and 1: tells the guard, if it is a child to be told of.  errno is kept.
 * Context: host.
 */
void cp_spawned_look(pid_t pid, const struct cp_foreseen *f,
    const struct cp_command *cmd, const struct cp_asked *asked);

/* As above, with the channels known.  Context: host. */
void cp_spawned_register(pid_t pid, const struct cp_command *cmd,
    const struct cp_channel ch[2]);

#endif
