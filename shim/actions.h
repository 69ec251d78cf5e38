/* SPDX-License-Identifier: MIT */
/*
 * What a posix_spawn's file actions make of fd 0 and 1.
 *
 * The libc's child runs no code of ours, and a look at it has to wait until the
 * kernel is through with its exec (kcmp, or a /proc that its end must take away
 * again).  Here it is noted, action by action, which descriptor of ours each of
 * the two will be.
 */
#ifndef CP_ACTIONS_H
#define CP_ACTIONS_H

#include <spawn.h>

/*
 * FROM[K]: our descriptor that the child has as its fd K, if the spawn
 * succeeds; -1 if that is not known: it is passed on as it is, which is any
 * thread's to change, or closed, opened anew, changed in a way not seen here,
 * or there was no room to note it.  ACTIONS may be NULL.  Context: any.
 */
void cp_actions_stdio(const posix_spawn_file_actions_t *actions, int from[2]);

#endif
