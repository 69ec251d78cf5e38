/* SPDX-License-Identifier: MIT */
/* The children of a process, from /proc.  Owns nothing, keeps nothing. */
#ifndef CP_CHILDREN_H
#define CP_CHILDREN_H

#include <sys/types.h>

/*
 * The children of all tasks of PID, by /proc/PID/task/TID/children, in the
 * order of birth within a task.  Writes at most MAX and returns how many; a
 * return of MAX says that there may be more.  -1 with errno: ESRCH, PID is
 * gone; ENOENT, the kernel has no such file (CONFIG_PROC_CHILDREN).
 *
 * Good for a cheap look, not for a proof: while children come and go the
 * kernel may leave out living ones.  Context: any.
 */
int cp_children(pid_t pid, pid_t *out, int max);

#endif
