/* SPDX-License-Identifier: MIT */
/* Does the host keep the opposite ends of a child's stdin and stdout? */
#ifndef CP_KEPT_H
#define CP_KEPT_H

#include <sys/types.h>

#include <stdbool.h>

#include "common/channel_id.h"
#include "common/procfs.h"

/*
 * END is what a child of HOST (0: of ours) has on fd 0 and 1.  Fills OUT, whose
 * kind is NONE where there is no channel between the two.  Returns true if
 * there is at least one: then the child is a ward.  SELF: our own PID, or 0 if
 * what we have is what the host has, which has stood still since it made us.
 * Context: any.
 */
bool cp_kept_look(pid_t host, pid_t self, const struct cp_end_id end[2],
    struct cp_channel out[2]);

/* Notes what our own stdio is, which children may inherit.  Context: host. */
void cp_kept_note(void);

/* Is a seccomp filter in force, which may not expect all calls?  any. */
bool cp_kept_sandboxed(void);

/*
 * Is descriptor FD of process PID the same open file as OWN of ours, who are
 * process SELF?  False too where nobody can tell.  Not to be asked in a
 * sandbox.  Context: any.
 */
bool cp_kept_same(pid_t pid, int fd, pid_t self, int own);

/* Are both a channel, and verified?  Context: any. */
bool cp_kept_both(const struct cp_channel ch[2]);
/* Is one of them verified?  Context: any. */
bool cp_kept_sure(const struct cp_channel ch[2]);

#endif
