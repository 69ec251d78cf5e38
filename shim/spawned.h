/* SPDX-License-Identifier: MIT */
/* Children that a host has spawned by other means than fork and exec. */
#ifndef CP_SPAWNED_H
#define CP_SPAWNED_H

#include <sys/types.h>

#include <stdbool.h>

#include "common/channel_id.h"
#include "tell.h"

/*
 * May *CMD be spawned?  Asked for what will be a ward, if WARD says so, or
 * may become one.  Returns 0, or the errno with which the spawn is to fail;
 * errno is kept.  Context: host.
 */
int cp_spawned_ask(const struct cp_command *cmd, bool ward);

/*
 * Called after *CMD was spawned as PID: tells the guard, if it is a child to
 * be told of.  errno is kept.  Context: host.
 */
void cp_spawned_look(pid_t pid, const struct cp_command *cmd);

/* As above, with the channels known.  Context: host. */
void cp_spawned_register(pid_t pid, const struct cp_command *cmd,
    const struct cp_channel ch[2]);

#endif
